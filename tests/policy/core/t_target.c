#include "check.h"

#include "target.h"

static const struct {
	const char *text;
	unsigned want;	 /* 0: refused ... */
	const char *bad; /* ... with this */
	bool floor, tls13;
} cases[] = {
    {"2.11.0", 2011, NULL, false, false},
    {"2.11", 2011, NULL, false, false},
    {"3.0", 3000, NULL, false, false},
    {"3.3.22", 3003, NULL, false, false},
    {"3.4.0", 3004, NULL, false, true},
    {"3.5.6", 3005, NULL, false, true},
    {"3.6.0", 3006, NULL, true, true},
    {"3.7.11", 3007, NULL, true, true},
    {"3.11.0", 3011, NULL, true, true},
    {"3.12-20260821", 3012, NULL, true, true},
    {"3.7.0-RC1", 3007, NULL, true, true},
    {"4.0", 4000, NULL, true, true},
    {"2.10.1", 0, "is older than 2.11", false, false},
    {"2.2", 0, "is older than 2.11", false, false},
    {"1.1", 0, "is older than 2.11", false, false},
    {"", 0, "is not a Postfix version", false, false},
    {"3", 0, "is not a Postfix version", false, false},
    {"3.", 0, "is not a Postfix version", false, false},
    {".7", 0, "is not a Postfix version", false, false},
    {"3.7x", 0, "is not a Postfix version", false, false},
    {"3,7", 0, "is not a Postfix version", false, false},
    {"v3.7", 0, "is not a Postfix version", false, false},
    {"3.1000", 0, "is not a Postfix version", false, false},
    {"99999999999.7", 0, "is not a Postfix version", false, false},
    {" 3.7", 0, "is not a Postfix version", false, false},
    {"3.7 ", 0, "is not a Postfix version", false, false},
    {"3.07", 0, "is not a Postfix version", false, false},
    {"03.7", 0, "is not a Postfix version", false, false},
    {"3.7.", 0, "is not a Postfix version", false, false},
    {"3.7.11garbage", 0, "is not a Postfix version", false, false},
    {"3.7.x", 0, "is not a Postfix version", false, false},
    {"3.7.11.2", 0, "is not a Postfix version", false, false},
    {"3.7-", 0, "is not a Postfix version", false, false},
    {"3.7-RC 1", 0, "is not a Postfix version", false, false},
    {"3.9-20240121-nonprod", 3009, NULL, true, true},
};

static void
t_versions(void **state)
{
	struct target t = {0};
	const char *bad;
	unsigned got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		got = 0;
		bad = target_parse_version(cases[i].text, &got);
		if (cases[i].want == 0) {
			check_has(cases[i].text, bad, cases[i].bad);
			continue;
		}
		check_str(cases[i].text, bad, NULL);
		check_int(cases[i].text, got, cases[i].want);
		t.version = got;
		check_int(
		    cases[i].text, t.version >= TARGET_FLOOR, cases[i].floor);
		check_int(
		    cases[i].text, t.version >= TARGET_TLS_1_3, cases[i].tls13);
	}
}

static const struct {
	const char *level, *want;
} levels[] = {
    {NULL, "?"},
    {"", ""},
    {"may", "may"},
    {"dane-only", "dane-only"},
    {"fingerprint", "fingerprint"},
    {"maybe", "?"},
    {"fingerprint-or-what-else", "?"},
};

static void
t_main_level(void **state)
{
	struct target t = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(levels); i++) {
		target_take_level(&t, levels[i].level);
		check_str("level", t.main_level, levels[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_versions),
	    cmocka_unit_test(t_main_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
