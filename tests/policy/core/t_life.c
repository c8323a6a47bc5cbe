/* When the end of a certificate is near. */
#include "check.h"

#include "clock.h"
#include "life.h"

#define T0 1795442400
#define DAY CLOCK_DAY

static void
t_days(void **state)
{
	static const struct {
		time_t left;
		long want;
	} rows[] = {{0, 0}, {1, 0}, {DAY - 1, 0}, {DAY, 1}, {59 * DAY, 59},
	    {-1, -1}, {-DAY, -1}, {-DAY - 1, -1}, {-2 * DAY + 1, -1},
	    {-2 * DAY, -2}, {-2 * DAY - DAY / 3, -2}};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		check_int(
		    "days", life_days(T0 + rows[i].left, T0), rows[i].want);
}

/* By the days that are left of so many; the notice, and the warning of 14. */
static void
t_near(void **state)
{
	static const struct {
		const char *name;
		time_t life, left; /* life 0: not known, or it stops nothing */
		int step;
		bool soon;
	} rows[] = {
	    {"a year", 365 * DAY, 31 * DAY, 0, false},
	    {"a year", 365 * DAY, 30 * DAY, 0, false},
	    {"a year", 365 * DAY, 30 * DAY - 1, 30, false},
	    {"a year", 365 * DAY, 14 * DAY, 30, false},
	    {"a year", 365 * DAY, 14 * DAY - 1, 14, true},
	    {"a year", 365 * DAY, 7 * DAY - 1, 7, true},
	    {"a year", 365 * DAY, DAY, 7, true},
	    {"a year", 365 * DAY, DAY - 1, 1, true},
	    {"a year", 365 * DAY, 1, 1, true},
	    {"over", 365 * DAY, 0, 0, true},
	    {"over", 365 * DAY, -DAY, 0, true},
	    {"90 days, to be renewed", 90 * DAY, 30 * DAY - 1, 0, false},
	    {"90 days, late", 90 * DAY, 22 * DAY, 30, false},
	    {"45 days, to be renewed", 45 * DAY, 15 * DAY, 0, false},
	    {"45 days, to be renewed", 45 * DAY, 12 * DAY, 0, false},
	    {"45 days, late", 45 * DAY, 11 * DAY, 14, true},
	    {"six days, fresh", 6 * DAY, 6 * DAY - 1, 0, false},
	    {"six days, to be renewed", 6 * DAY, 2 * DAY, 0, false},
	    {"six days, late", 6 * DAY, DAY + 1, 7, true},
	    {"six days, very late", 6 * DAY, DAY / 2, 1, true},
	    {"an intermediate of five years", 1826 * DAY, 4 * DAY, 7, true},
	    {"a pin", 0, DAY, 0, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		time_t ends = T0 + rows[i].left;
		time_t begins = rows[i].life == 0 ? 0 : ends - rows[i].life;

		check_int(rows[i].name, (int)life_step(begins, ends, T0),
		    rows[i].step);
		check_int(rows[i].name, life_ends_soon(begins, ends, T0, 14),
		    rows[i].soon);
	}
}

static void
t_share(void **state)
{
	static const struct {
		const char *name;
		time_t begins, ends; /* from now; begins 1: not known */
		int want;
	} rows[] = {
	    {"half", -DAY, DAY, 50},
	    {"fresh", 0, DAY, 100},
	    {"to come", DAY, 2 * DAY, 100},
	    {"over", -2 * DAY, -DAY, 0},
	    {"now", -DAY, 0, 0},
	    {"backwards", 2 * DAY, DAY, -1},
	    {"not known", 1, DAY, -1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		check_int(rows[i].name,
		    life_share(rows[i].begins == 1 ? 0 : T0 + rows[i].begins,
			T0 + rows[i].ends, T0),
		    rows[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_days),
	    cmocka_unit_test(t_near),
	    cmocka_unit_test(t_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
