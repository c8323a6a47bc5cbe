/* t_netstring.c: netstrings, whole, cut, and wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "netstring.h"

#define MAX 20

static const struct test {
	const char *in;
	enum netstring_status want;
	const char *payload;
	size_t left;
} tests[] = {
    {"0:,", NETSTRING_DONE, "", 0},
    {"3:abc,", NETSTRING_DONE, "abc", 0},
    {"3:abc,4:", NETSTRING_DONE, "abc", 2},
    {"3:,,,,", NETSTRING_DONE, ",,,", 0},
    {"20:01234567890123456789,", NETSTRING_DONE, "01234567890123456789", 0},
    {"", NETSTRING_MORE, NULL, 0},
    {"1", NETSTRING_MORE, NULL, 0},
    {"0", NETSTRING_MORE, NULL, 0},
    {"3:", NETSTRING_MORE, NULL, 0},
    {"3:abc", NETSTRING_MORE, NULL, 0},
    {"0:", NETSTRING_MORE, NULL, 0},
    {"3:abcd", NETSTRING_BAD, NULL, 0},
    {"0:a", NETSTRING_BAD, NULL, 0},
    {"00:,", NETSTRING_BAD, NULL, 0},
    {"03:abc,", NETSTRING_BAD, NULL, 0},
    {":,", NETSTRING_BAD, NULL, 0},
    {",", NETSTRING_BAD, NULL, 0},
    {"-1:a,", NETSTRING_BAD, NULL, 0},
    {"+1:a,", NETSTRING_BAD, NULL, 0},
    {" 1:a,", NETSTRING_BAD, NULL, 0},
    {"1 :a,", NETSTRING_BAD, NULL, 0},
    {"a", NETSTRING_BAD, NULL, 0},
    {"21:", NETSTRING_BAD, NULL, 0},
    {"21", NETSTRING_BAD, NULL, 0},
    {"18446744073709551616:", NETSTRING_BAD, NULL, 0},
};

static void
takes_what_is_whole(void **state)
{
	const char *payload;
	size_t i, plen, used;

	(void)state;
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		const struct test *t = &tests[i];
		size_t len = strlen(t->in);

		if (netstring_take(t->in, len, MAX, &payload, &plen, &used) !=
		    t->want)
			fail_msg("%s: wrong status", t->in);
		if (t->want != NETSTRING_DONE)
			continue;
		assert_int_equal(plen, strlen(t->payload));
		assert_memory_equal(payload, t->payload, plen);
		assert_int_equal(used + t->left, len);
	}
}

/* What is good is wanted more of at each cut, and what is bad stays bad. */
static void
judges_pieces(void **state)
{
	const char *payload;
	size_t i, cut, plen, used;
	enum netstring_status rc;

	(void)state;
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		for (cut = 0; cut < strlen(tests[i].in); cut++) {
			rc = netstring_take(
			    tests[i].in, cut, MAX, &payload, &plen, &used);
			if (rc == NETSTRING_DONE)
				assert_true(tests[i].want == NETSTRING_DONE &&
					    tests[i].left > 0);
			if (rc == NETSTRING_BAD)
				assert_int_equal(tests[i].want, NETSTRING_BAD);
		}
}

static void
puts_what_it_takes(void **state)
{
	struct buf b = {0};
	const char *payload;
	char text[5000];
	size_t n, plen, used;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (n = 0; n < sizeof(text); n = n * 3 + 1) {
		buf_clear(&b);
		netstring_put(&b, "OK ", 3, text, n);
		assert_int_equal(netstring_take(b.data, b.len, 10000, &payload,
				     &plen, &used),
		    NETSTRING_DONE);
		assert_int_equal(used, b.len);
		assert_int_equal(plen, n + 3);
		assert_memory_equal(payload, "OK ", 3);
		assert_memory_equal(payload + 3, text, n);
	}
	buf_clear(&b);
	netstring_put(&b, "", 0, NULL, 0);
	netstring_put(&b, "NOTFOUND ", 9, NULL, 0);
	assert_string_equal(b.data, "0:,9:NOTFOUND ,");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest all[] = {
	    cmocka_unit_test(takes_what_is_whole),
	    cmocka_unit_test(judges_pieces),
	    cmocka_unit_test(puts_what_it_takes),
	};

	return cmocka_run_group_tests_name("netstring", all, NULL, NULL);
}
