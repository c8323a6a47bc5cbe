#include "check.h"

#include "buf.h"
#include "chart.h"

#define T0 1764547200 /* 2025-12-01 */
#define DAY 86400

static struct buf out;

static void
drawn(const char *row, const char *want)
{
	check_has(row, out.data, want);
	buf_clear(&out);
}

static void
t_shares(void **state)
{
	static const uint64_t one[] = {3, 0, 0}, two[] = {1, 0, 5};
	struct chart_period p = {T0, 3};
	struct chart_share s[] = {{"<new>", "a", one}, {"old", "b", two}};

	(void)state;
	chart_shares(&out, "t", &p, s, 2);
	/* From the bottom: 75 and 25 of 100; nothing; all of the second. */
	check_has(
	    "first", out.data, "<path class=\"a\" d=\"M0 25h1v75h-1z\"/>");
	check_has("second", out.data,
	    "<path class=\"b\" d=\"M0 0h1v25h-1zM2 0h1v100h-1z\"/>");
	check_has("title", out.data,
	    "<title>2025-12-01, 4 mails\n&lt;new&gt; 75.0 %\nold 25.0 "
	    "%</title>");
	check_true("no mail", strstr(out.data, "2025-12-02") == NULL);
	drawn("box", "viewBox=\"0 0 3 100\"");
}

/* A year has columns of weeks, the last of which has one day. */
static void
t_weeks(void **state)
{
	static uint64_t day[365];
	struct chart_period p = {T0, 365};
	struct chart_share s = {"x", "a", day};

	(void)state;
	check_int("column", chart_column(&p), 7);
	day[3] = day[364] = 1;
	chart_shares(&out, "t", &p, &s, 1);
	check_has("months", out.data, ">Dec</text>");
	drawn("weeks", "d=\"M0 0h7v100h-7zM364 0h1v100h-1z\"");
}

static void
t_bars(void **state)
{
	static const struct {
		const char *name;
		time_t begin, end;
		const char *want; /* NULL: not drawn */
	} rows[] = {
	    {"within", T0 + DAY, T0 + 2 * DAY,
		"x=\"1.00\" y=\"0.15\" width=\"1.00\""},
	    {"from before", T0 - DAY, T0 + DAY,
		"x=\"0.00\" y=\"0.15\" width=\"1.00\""},
	    {"to after", T0 + 9 * DAY, T0 + 99 * DAY,
		"x=\"9.00\" y=\"0.15\" width=\"1.00\""},
	    {"before", T0 - 2 * DAY, T0, NULL},
	    {"after", T0 + 10 * DAY, T0 + 11 * DAY, NULL},
	};
	struct chart_period p = {T0, 10};
	struct chart_bar bar;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		bar = (struct chart_bar){
		    rows[i].begin, rows[i].end, 0, "c", "a<b"};
		chart_bars(&out, "t", &p, &bar, 1);
		if (rows[i].want != NULL)
			check_has(
			    rows[i].name, out.data, "<title>a&lt;b</title>");
		else
			check_true(
			    rows[i].name, strstr(out.data, "<rect") == NULL);
		drawn(rows[i].name, rows[i].want == NULL ? "" : rows[i].want);
	}
}

static void
t_strip(void **state)
{
	static const uint8_t sent[] = {1, 1, 0, 2}, came[] = {0, 0, 0, 1};
	static const uint8_t *const line[] = {sent, came};
	static const char *const colour[] = {"", "c", "v", "unused"};
	struct chart_period p = {T0, 4};

	(void)state;
	chart_strip(&out, "t", &p, line, 2, colour, 4, NULL, 0);
	check_has(
	    "runs", out.data, "<path class=c d=\"M0 0h2v1h-2zM3 1h1v1h-1z\"/>");
	check_true("nothing", strstr(out.data, "unused") == NULL);
	drawn("other", "<path class=v d=\"M3 0h1v1h-1z\"/>");
}

/* One of a million is seen; of nothing there is nothing. */
static void
t_small(void **state)
{
	static const char *const colour[] = {"v", "c"};
	uint64_t n[] = {999999, 1};

	(void)state;
	chart_small(&out, "t", n, colour, 2);
	drawn("one", "<rect class=c x=97.2% width=2.83%");
	n[0] = n[1] = 0;
	chart_small(&out, "t", n, colour, 2);
	check_true("none", strstr(out.data, "<rect") == NULL);
	buf_clear(&out);
}

static void
t_bins(void **state)
{
	const struct chart_bin bin[] = {{2, "v", "two"}, {0}, {1, "c", "one"}};

	(void)state;
	chart_bins(&out, "t", bin, 3);
	check_has(
	    "most", out.data, "x=\"0.1\" y=\"0\" width=\".8\" height=\"100\"");
	drawn("half", "x=\"2.1\" y=\"50\" width=\".8\" height=\"50\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_shares),
	    cmocka_unit_test(t_weeks),
	    cmocka_unit_test(t_bars),
	    cmocka_unit_test(t_strip),
	    cmocka_unit_test(t_small),
	    cmocka_unit_test(t_bins),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&out);
	return failed;
}
