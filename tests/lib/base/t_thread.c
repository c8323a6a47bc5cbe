/* thread: help that comes and goes, and does not get our signals. */
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

#include "check.h"

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

static void *
look(void *arg)
{
	struct found *f = arg;
	sigset_t set;

	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &set), 0);
	f->who = pthread_self();
	f->blocked = sigismember(&set, SIGTERM) == 1;
	f->runs++;
	return NULL;
}

static void
t_start(void **state)
{
	struct found f = {0};
	pthread_t thread;

	(void)state;
	(void)look(&f);
	assert_int_equal(f.runs, 1);
	assert_false(f.blocked);
	assert_int_equal(thread_start(&thread, look, &f), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(f.runs, 2);
	assert_true(f.blocked);
	assert_true(pthread_equal(f.who, thread));
	assert_false(pthread_equal(f.who, pthread_self()));
	/* Ours are as they were. */
	(void)look(&f);
	assert_int_equal(f.runs, 3);
	assert_false(f.blocked);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_count),
	    cmocka_unit_test(t_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
