/* thread, beside: help that comes and goes, or is not to be had. */
#include <sched.h>
#include <signal.h>

#include "check.h"

#include "beside.h"
#include "thread.h"

static void
t_count(void **state)
{
	cpu_set_t all, one;

	(void)state;
	assert_in_range(thread_count(), 0, 4);
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(thread_count(), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

/* What a helper finds. */
struct found {
	pthread_t who;
	bool blocked;
	int runs;
};

static void
look(void *arg)
{
	struct found *f = arg;
	sigset_t set;

	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &set), 0);
	f->who = pthread_self();
	f->blocked = sigismember(&set, SIGTERM) == 1;
	f->runs++;
}

static void
t_beside(void **state)
{
	struct found f = {0};
	struct beside b;
	cpu_set_t all, one;

	(void)state;
	/* Not worth it: here and now. */
	beside_start(&b, look, &f, false);
	assert_int_equal(f.runs, 1);
	assert_true(pthread_equal(f.who, pthread_self()));
	assert_false(f.blocked);
	beside_end(&b);
	assert_int_equal(f.runs, 1);

	beside_start(&b, look, &f, true);
	beside_end(&b);
	assert_int_equal(f.runs, 2);
	assert_int_equal(
	    pthread_equal(f.who, pthread_self()) == 0, thread_count() > 0);
	assert_int_equal(f.blocked, thread_count() > 0);
	beside_end(&b);

	/* Nobody to be had. */
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	beside_start(&b, look, &f, true);
	assert_int_equal(f.runs, 3);
	assert_true(pthread_equal(f.who, pthread_self()));
	beside_end(&b);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_count),
	    cmocka_unit_test(t_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
