/* t_clock.c: a clock that is set does not make anything last longer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clock.h"

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

int
main(void)
{
	const struct CMUnitTest all[] = {
	    cmocka_unit_test(is_the_wall_clock),
	    cmocka_unit_test(does_not_go_back),
	    cmocka_unit_test(goes_forward),
	};

	return cmocka_run_group_tests_name("clock", all, NULL, NULL);
}
