#include "check.h"

#include "meant.h"

static const char *const known[] = {"status", "explain", "check", "history",
    "top", "ca", "acme", "acne-corp", "domain", "x", NULL};

static const struct {
	const char *word, *want;
} cases[] = {
    {"stats", "; did you mean status?"},
    {"statsu", "; did you mean status?"},
    {"Status", "; did you mean status?"},
    {"STATUS", "; did you mean status?"},
    {"HSTRY", "; did you mean history?"},
    {"TOP", "; did you mean top?"},
    {"CeHck", "; did you mean check?"},
    {"acm", "; did you mean acme?"},
    {"acmee", "; did you mean acme?"},
    {"amce", "; did you mean acme?"},
    {"domian", "; did you mean domain?"},
    {"doamni", "; did you mean domain?"},
    {"domains", "; did you mean domain?"},
    {"potato", ""},
    {"histry", "; did you mean history?"},
    {"hstry", "; did you mean history?"},
    {"hsty", ""},
    {"tpo", "; did you mean top?"},
    {"tip", "; did you mean top?"},
    {"pit", ""},
    {"c", ""},
    {"y", ""},
    {"", ""},
    {"cheeck", "; did you mean check?"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	""},
};

static void
t_nearest(void **state)
{
	struct meant m;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		m = meant(cases[i].word);
		for (k = 0; known[k] != NULL; k++)
			meant_try(&m, known[k]);
		check_str(cases[i].word, meant_text(&m).s, cases[i].want);
	}
}

/* The longest words fit, and the first of two as near is kept. */
static void
t_bounds(void **state)
{
	char word[MEANT_MAX + 1], near[MEANT_MAX + 1];
	struct meant m;

	(void)state;
	memset(word, 'a', MEANT_MAX);
	word[MEANT_MAX] = '\0';
	memcpy(near, word, sizeof(near));
	near[0] = 'b';
	m = meant(word);
	meant_try(&m, near);
	assert_ptr_equal(m.name, near);
	assert_int_equal(strlen(meant_text(&m).s), MEANT_MAX + 16);
	m = meant("bcme");
	meant_try(&m, "acme");
	meant_try(&m, "dcme");
	assert_string_equal(m.name, "acme");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_nearest),
	    cmocka_unit_test(t_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
