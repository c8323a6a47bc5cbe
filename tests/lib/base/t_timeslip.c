#include "check.h"

#include "timeslip.h"

static const struct {
	const char *s, *next, *want;
} spans[] = {
    {"4 hours", NULL, "4h"},
    {"4hours", NULL, "4h"},
    {"4 h", NULL, "4h"},
    {"4", "hours", "4h"},
    {"4", "h", "4h"},
    {"30", "Days", "30d"},
    {"1", "week", "1w"},
    {"90 min", NULL, "90m"},
    {"5 secs", NULL, "5s"},
    {"4h", NULL, NULL},
    {"4h", "hours", NULL},
    {"4", NULL, NULL},
    {"4", "acme", NULL},
    {"4", "hs", NULL},
    {"2 months", NULL, NULL},
    {"hours", NULL, NULL},
    {"", "hours", NULL},
    {"1234567890", "hours", NULL},
};

static void
t_spans(void **state)
{
	char buf[CLOCK_MAX];
	const char *got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(spans); i++) {
		got = timeslip_span(spans[i].s, spans[i].next, buf);
		check_str(spans[i].s, got == NULL ? "-" : got,
		    spans[i].want == NULL ? "-" : spans[i].want);
	}
}

#define FORMS                                                              \
	"is no time: say 30d (so long ago), 2026, 2026-11, 2026-11-30, "   \
	"today, yesterday, this-month, last-month, this-year or last-year" \
	"; 17:30"

static const struct {
	const char *s, *past, *ahead;
} slips[] = {
    {"1m", "would be minutes, not months; say 30d or last-month",
	"would be minutes, not months; say 4w"},
    {"30s", "would be seconds; say 30d or last-month",
	"would be seconds; say 4w"},
    {"30", "has no unit; did you mean 30d?", "has no unit, such as 4w"},
    {"30 days", "is no time; did you mean 30d?",
	"is no time; did you mean 30d?"},
    {"Yesterday", "is no time; did you mean yesterday?",
	"is no time such as 4w"},
    {"last month", "is no time; did you mean last-month?",
	"is no time such as 4w"},
    {"2026-13", FORMS, "is no time such as 4w"},
    {"", FORMS, "is no time such as 4w"},
    {"m", FORMS, "is no time such as 4w"},
};

static void
t_words(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(slips); i++) {
		check_str(slips[i].s, timeslip_past(slips[i].s, "; 17:30").s,
		    slips[i].past);
		check_str(slips[i].s, timeslip_ahead(slips[i].s, "4w", false).s,
		    slips[i].ahead);
	}
	assert_string_equal(
	    timeslip_ahead("0m", "4h", true).s, "is no time such as 4h");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_spans),
	    cmocka_unit_test(t_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
