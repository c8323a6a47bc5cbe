/* t_clock.c: a clock that is set does not make anything last longer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clock.h"
#include "num.h"

#define HOUR INT64_C(3600)
#define SECOND INT64_C(1000000000)

static void
is_the_wall_clock(void **state)
{
	struct clock s;
	time_t before;

	(void)state;
	clock_start(&s);
	before = time(NULL);
	assert_in_range(clock_now(&s), before, before + 2);
}

/* Started an hour later than it is now: since then it was set back. */
static void
does_not_go_back(void **state)
{
	struct clock s;
	time_t before = time(NULL);

	(void)state;
	clock_start(&s);
	s.offset += HOUR * SECOND;
	assert_in_range(clock_now(&s), before + HOUR - 1, before + HOUR + 2);
}

/* Started an hour ago, by the time since boot just now: set forward. */
static void
goes_forward(void **state)
{
	struct clock s;
	time_t before = time(NULL);

	(void)state;
	clock_start(&s);
	s.offset -= HOUR * SECOND;
	assert_in_range(clock_now(&s), before, before + 2);
}

/* What options take as a span, seen from now. */
static void
counts_back(void **state)
{
	static const struct {
		const char *s;
		time_t ago; /* -1: it is no span */
	} spans[] = {
	    {"30d", 30 * CLOCK_DAY},
	    {"4h", 4 * 3600},
	    {"2w", 14 * CLOCK_DAY},
	    {"90m", 90 * 60},
	    {"30", -1},
	    {"", -1},
	    {"d", -1},
	    {"-1d", -1},
	    {"2026-11-24", -1},
	    {"17:30", -1},
	    {"99999999w", -1},
	};
	const time_t now = 1795900000;
	time_t t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		t = now + 1;
		assert_int_equal(clock_ago(spans[i].s, now, &t),
		    spans[i].ago == -1 ? -1 : 0);
		assert_int_equal(
		    t, spans[i].ago == -1 ? now + 1 : now - spans[i].ago);
	}
}

/* In Berlin the last Sunday of October has 25 hours. */
static void
counts_days(void **state)
{
	static const struct {
		const char *s;
		bool local;
		const char *begin, *end; /* "": it is none */
	} days[] = {
	    {"2026", false, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
	    {"2026", true, "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"},
	    {"2026-02", false, "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
	    {"2026-12", false, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
	    {"2026-10", true, "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"},
	    {"2024-02-29", false, "2024-02-29T00:00:00Z",
		"2024-03-01T00:00:00Z"},
	    {"2026-10-25", true, "2026-10-24T22:00:00Z",
		"2026-10-25T23:00:00Z"},
	    /* now is 23:30 in UTC, and 00:30 of the next day in Berlin */
	    {"today", false, "2026-10-31T00:00:00Z", "2026-11-01T00:00:00Z"},
	    {"today", true, "2026-10-31T23:00:00Z", "2026-11-01T23:00:00Z"},
	    {"yesterday", false, "2026-10-30T00:00:00Z",
		"2026-10-31T00:00:00Z"},
	    {"yesterday", true, "2026-10-30T23:00:00Z", "2026-10-31T23:00:00Z"},
	    {"last-month", false, "2026-10-01T00:00:00Z",
		"2026-11-01T00:00:00Z"},
	    {"last-month", true, "2026-09-30T22:00:00Z",
		"2026-10-31T23:00:00Z"},
	    {"this-month", false, "2026-11-01T00:00:00Z",
		"2026-12-01T00:00:00Z"},
	    {"this-month", true, "2026-10-31T23:00:00Z",
		"2026-11-30T23:00:00Z"},
	    {"this-year", false, "2026-01-01T00:00:00Z",
		"2027-01-01T00:00:00Z"},
	    {"this-year", true, "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"},
	    {"last-year", false, "2025-01-01T00:00:00Z",
		"2026-01-01T00:00:00Z"},
	    {"last-year", true, "2024-12-31T23:00:00Z", "2025-12-31T23:00:00Z"},
	    {"next-year", false, "", ""},
	    {"2026-13", false, "", ""},
	    {"2026-1", false, "", ""},
	    {"2026-02-30", false, "", ""},
	    {"1969", false, "", ""},
	    {"2026-", false, "", ""},
	    {"tomorrow", false, "", ""},
	    {"20261", false, "", ""},
	    {"-026", false, "", ""},
	    {"", false, "", ""},
	    {"2026-10-31T00:00:00Z", false, "", ""},
	};
	const time_t now = 1793489400; /* 2026-10-31T23:30:00Z */
	char text[NUM_TIME_MAX];
	time_t begin, end;
	size_t i;

	(void)state;
	assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
	tzset();
	for (i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		if (clock_days(days[i].s, now, days[i].local, &begin, &end) ==
		    -1) {
			assert_string_equal(days[i].begin, "");
			continue;
		}
		assert_string_equal(num_time_text(begin, text), days[i].begin);
		assert_string_equal(num_time_text(end, text), days[i].end);
	}
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

int
main(void)
{
	const struct CMUnitTest all[] = {
	    cmocka_unit_test(is_the_wall_clock),
	    cmocka_unit_test(does_not_go_back),
	    cmocka_unit_test(goes_forward),
	    cmocka_unit_test(counts_back),
	    cmocka_unit_test(counts_days),
	};

	return cmocka_run_group_tests_name("clock", all, NULL, NULL);
}
