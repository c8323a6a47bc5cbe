#include "check.h"

#include "names.h"

static void
t_numbers(void **state)
{
	struct names t = {.n = 0};
	char name[16];
	uint32_t i, round;

	(void)state;
	for (round = 0; round < 2; round++) {
		assert_int_equal(names_find(&t, "a", 1), STRMAP_NONE);
		for (i = 0; i < 2000; i++) {
			(void)snprintf(name, sizeof(name), "n%u", i % 1000);
			assert_int_equal(
			    names_add(&t, name, strlen(name)), i % 1000);
		}
		assert_int_equal(t.n, 1000);
		assert_int_equal(names_find(&t, "n7", 2), 7);
		assert_int_equal(names_find(&t, "n7x", 2), 7);
		assert_int_equal(names_find(&t, "n1000", 5), STRMAP_NONE);
		assert_string_equal(t.v[999], "n999");
		names_free(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
