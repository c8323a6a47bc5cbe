/* t_warden_guard.c: a warden that ends is started again, ever more slowly. */
#include "check.h"

#include "logline.h"
#include "warden_run.h"

#define TRIES 1000 /* of 10 ms */

/* Until it has ended, at that time. */
static void
ends(struct warden_guard *g, time_t at)
{
	int i;

	for (i = 0; i < TRIES && g->pid != 0; i++) {
		usleep(10000);
		warden_guard_tick(g, at, false);
	}
	check_int("it has ended", g->pid, 0);
}

static void
t_again(void **state)
{
	static const int waits[] = {1, 2, 4, 8, 16, 32, 60, 60};
	struct warden_guard g = {0};
	time_t now = 1000;
	size_t i;

	(void)state;
	warden_guard_init(&g, NULL, true, false);
	for (i = 0; i < COUNT(waits); i++) {
		warden_guard_tick(&g, now, false);
		check_true("started", g.pid != 0);
		now += 30; /* the pause is counted from its end */
		ends(&g, now);
		warden_guard_tick(&g, now + waits[i] - 1, false);
		check_int("not at once", g.pid, 0);
		now += waits[i];
	}
	/* One that ran for a while is an accident. */
	warden_guard_tick(&g, now, false);
	check_true("started", g.pid != 0);
	now += 60;
	ends(&g, now);
	warden_guard_tick(&g, now + 1, false);
	check_true("at once", g.pid != 0);
	warden_guard_end(&g);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_again),
	};

	/* The guard starts its own program: that is the warden. */
	if (argc > 1 && strcmp(argv[1], WARDEN_OPTION) == 0)
		return 3;
	logline_init("t_warden_guard", LOGLINE_ERROR, true);
	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
