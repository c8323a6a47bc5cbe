/* inorder: results come in order, whatever the threads do. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "check.h"

#include "inorder.h"

#define MANY 5000

struct item {
	unsigned number, answer, uses;
};

struct job {
	unsigned next, end;    /* items */
	unsigned taken, until; /* taken so far; no more are wanted then */
	unsigned dropped, reused;
	atomic_uint sourcing, begun, worked;
	pthread_t caller;
};

static bool
next(void *arg, void *p)
{
	struct job *j = arg;
	struct item *item = p;

	/* Never two at a time. */
	assert_int_equal(atomic_fetch_add(&j->sourcing, 1), 0);
	if (j->next == j->end) {
		(void)atomic_fetch_sub(&j->sourcing, 1);
		return false;
	}
	item->number = j->next++;
	if (item->number % 7 == 0)
		(void)sched_yield();
	(void)atomic_fetch_sub(&j->sourcing, 1);
	return true;
}

static void
work(void *arg, void *p)
{
	struct job *j = arg;
	struct item *item = p;
	unsigned i;

	/* Of uneven length, so that later ones are ready first. */
	for (i = 0; i < item->number % 5; i++)
		(void)sched_yield();
	item->answer = item->number * 3 + 1;
	(void)atomic_fetch_add(&j->worked, 1);
}

static bool
take(void *arg, void *p)
{
	struct job *j = arg;
	struct item *item = p;

	assert_true(pthread_equal(pthread_self(), j->caller));
	assert_int_equal(item->number, j->taken);
	assert_int_equal(item->answer, j->taken * 3 + 1);
	j->reused += item->uses++ > 0;
	return ++j->taken < j->until;
}

static void
drop(void *arg, void *p)
{
	(void)p;
	((struct job *)arg)->dropped++;
}

static const struct {
	const char *name;
	unsigned threads, items, until, taken;
} cases[] = {
    {"nothing, alone", 0, 0, MANY, 0},
    {"nothing, beside", 2, 0, MANY, 0},
    {"one, alone", 0, 1, MANY, 1},
    {"one, beside", 3, 1, MANY, 1},
    {"many, alone", 0, MANY, MANY + 1, MANY},
    {"many, one thread", 1, MANY, MANY + 1, MANY},
    {"many, two", 2, MANY, MANY + 1, MANY},
    {"many, four", 4, MANY, MANY + 1, MANY},
    {"more threads than there may be", 1000, MANY, MANY + 1, MANY},
    {"enough at once, alone", 0, MANY, 1, 1},
    {"enough at once, beside", 4, MANY, 1, 1},
    {"enough in the middle, alone", 0, MANY, 77, 77},
    {"enough in the middle, beside", 2, MANY, 77, 77},
};

static void
t_order(void **state)
{
	static const struct inorder how = {
	    sizeof(struct item), next, work, take, drop};
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		memset(&j, 0, sizeof(j));
		j.end = cases[i].items;
		j.until = cases[i].until;
		j.caller = pthread_self();
		inorder_run(&how, &j, cases[i].threads);
		check_int(cases[i].name, j.taken, cases[i].taken);
		check_true(cases[i].name, j.worked >= j.taken);
		/* Few at a time, however many there are. */
		check_true(cases[i].name, j.worked <= j.taken + 24);
		check_true(cases[i].name, j.dropped >= 1 && j.dropped <= 24);
		check_true(
		    cases[i].name, j.taken < MANY || j.reused > MANY - 25);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
