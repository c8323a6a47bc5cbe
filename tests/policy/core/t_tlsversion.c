/* What lists of TLS versions let in, as rows and main.cf write them. */
#include "tlsversion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void
test_range(void **state)
{
	static const struct {
		const char *text;
		int lowest, highest; /* -1: nothing, or not understood */
	} rows[] = {
	    {"", TLS_SSL_2, TLS_1_3},
	    {">=TLSv1.2", TLS_1_2, TLS_1_3},
	    {" >=TLSv1, <=tlsv1.2 ", TLS_1_0, TLS_1_2},
	    {"!SSLv2:!SSLv3", TLS_1_0, TLS_1_3},
	    {"!SSLv2, !SSLv3,!TLSv1\t!TLSv1.1", TLS_1_2, TLS_1_3},
	    {"TLSv1.2, TLSv1.1, !TLSv1, !SSLv2", TLS_1_1, TLS_1_2},
	    {"TLSv1", TLS_1_0, TLS_1_0},
	    {">=TLSv1.1 !TLSv1.3", TLS_1_1, TLS_1_2},
	    {"TLSv1 !TLSv1", -1, -1},
	    {">=TLSv1.3 <=TLSv1.2", -1, -1},
	    {">TLSv1.2", -1, -1},
	    {"!", -1, -1},
	    {"all -SSLv2", -1, -1},
	};
	enum tls_version lowest, highest;
	size_t i;
	bool is;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		is = tls_version_range(
		    rows[i].text, strlen(rows[i].text), &lowest, &highest);
		if (is != (rows[i].lowest != -1) ||
		    (is && ((int)lowest != rows[i].lowest ||
			       (int)highest != rows[i].highest)))
			fail_msg("%s: %d %d", rows[i].text,
			    is ? (int)lowest : -1, is ? (int)highest : -1);
	}
}

static void
test_floor(void **state)
{
	(void)state;
	assert_int_equal(
	    tls_version_floor("!SSLv2:!SSLv3:!TLSv1", 20), TLS_1_1);
	assert_int_equal(tls_version_floor("TLSv1.2", 7), TLS_1_2);
	assert_int_equal(tls_version_floor("!what", 5), -1);
	assert_int_equal(tls_version_floor("", 0), -1);
}

static void
test_exchange(void **state)
{
	(void)state;
	assert_true(tls_exchange_forward_secret("ECDHE (P-256)"));
	assert_false(tls_exchange_forward_secret("RSA"));
	assert_true(tls_exchange_post_quantum("X25519MLKEM768"));
	assert_true(tls_exchange_post_quantum("x25519_kyber768"));
	assert_false(tls_exchange_post_quantum("X25519"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_range),
	    cmocka_unit_test(test_floor),
	    cmocka_unit_test(test_exchange),
	};

	return cmocka_run_group_tests_name("tlsversion", tests, NULL, NULL);
}
