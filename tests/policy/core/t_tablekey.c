#include "check.h"

#include "tablekey.h"

static void
t_unasked(void **state)
{
	static const struct {
		const char *key, *why; /* a piece of it; NULL: it is asked for
					*/
	} rows[] = {
	    {"a.example", NULL},
	    {".a.example", NULL},
	    {".example", NULL},
	    {"a_b.example", NULL},
	    {"localhost", NULL},
	    {"a.example.", NULL},
	    {"[mx.a.example]:587", NULL},
	    {"mx.a.example:submission", NULL},
	    {"[192.0.2.1]", NULL},
	    /* Where a transport has it without brackets. */
	    {"192.0.2.1", NULL},
	    {"[2001:db8::1%eth0]", NULL},
	    {"m\xc3\xbcnchen.example", NULL},
	    {"*", "asks for no \"*\""},
	    {"*.a.example", ".domain"},
	    {"a.*.example", "neither"},
	    {"joe@a.example", "not for addresses"},
	    {"@a.example", "not for addresses"},
	    {"/^a\\.example$/", "a pattern"},
	    {"!/a/", "a pattern"},
	    {"a b.example", "neither"},
	    {"(a|b).example", "neither"},
	};
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		why = tablekey_unasked(span_of(rows[i].key));
		if (rows[i].why == NULL)
			check_str(rows[i].key, why, NULL);
		else
			check_has(rows[i].key, why, rows[i].why);
	}
	assert_null(tablekey_unasked((struct span){"a*", 1}));
	assert_null(tablekey_unasked((struct span){NULL, 0}));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
