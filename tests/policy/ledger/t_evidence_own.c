#include "ledgerlab.h"

#include "evidence_own.h"

#define DAY 86400

static bool
show(const struct evidence_own *o, void *arg)
{
	return gather(arg, "+%d %s %s %s %s %d %d\n", (int)(o->time - T0),
	    o->what, o->name, o->state, o->text, (int)o->begins, (int)o->ends);
}

static int
set(time_t now, const char *state)
{
	const struct evidence_own rows[] = {
	    {.what = "certificate",
		.name = "/a",
		.state = state,
		.text = "CN a",
		.begins = 1,
		.ends = 2},
	    {.what = "TLSA", .name = "mx", .state = "open", .text = "none"},
	};

	return evidence_own_set(evi, now, rows, COUNT(rows), &err);
}

static void
check_last(const char *row, time_t until, const char *want)
{
	struct gathered g = {0};

	well(row, evidence_own_last(evi, until, show, &g, &err));
	check_str(row, g.text, want);
}

static void
t_last(void **state)
{
	const time_t far = T0 + 100 * DAY;

	(void)state;
	check_last("nothing yet", far, "");
	well("none", evidence_own_last(NULL, far, show, NULL, &err));
	well("one", set(T0, "good"));
	check_last("one", far,
	    "+0 certificate /a good CN a 1 2\n+0 TLSA mx open none 0 0\n");
	well("the same day", set(T0 + 5, "bad"));
	check_last("in its place", far,
	    "+5 certificate /a bad CN a 1 2\n+5 TLSA mx open none 0 0\n");
	check_last("it is gone", T0 + 5, "");
	well("the next", set(T0 + DAY, "watch"));
	check_last("the last", far,
	    "+86400 certificate /a watch CN a 1 2\n"
	    "+86400 TLSA mx open none 0 0\n");
	check_last("as of then", T0 + DAY,
	    "+5 certificate /a bad CN a 1 2\n+5 TLSA mx open none 0 0\n");
	check_int("no state", set(T0 + 2 * DAY, ""), -1);
	check_last("and nothing changed", T0 + 3 * DAY,
	    "+86400 certificate /a watch CN a 1 2\n"
	    "+86400 TLSA mx open none 0 0\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(t_last, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
