#include "check.h"

#include "level.h"

static const struct {
	const char *name;
	int want; /* 0, or -1 */
	enum level level;
} cases[] = {
    {"opportunistic", 0, LEVEL_OPPORTUNISTIC},
    {"encrypt", 0, LEVEL_ENCRYPT},
    {"key", 0, LEVEL_KEY},
    {"secure", 0, LEVEL_SECURE},
    {"Secure", -1, 0},
    {"", -1, 0},
    {"may", -1, 0},
};

static void
t_names(void **state)
{
	enum level got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		got = LEVEL_KEY;
		check_int(cases[i].name, level_parse(cases[i].name, &got),
		    cases[i].want);
		if (cases[i].want == -1) {
			check_int(cases[i].name, got, LEVEL_KEY);
			continue;
		}
		check_int(cases[i].name, got, cases[i].level);
		check_str(cases[i].name, level_name(got), cases[i].name);
	}
	/* Comparing levels is what the rules are made of. */
	assert_true(LEVEL_OPPORTUNISTIC < LEVEL_ENCRYPT);
	assert_true(LEVEL_ENCRYPT < LEVEL_KEY);
	assert_true(LEVEL_KEY < LEVEL_SECURE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
