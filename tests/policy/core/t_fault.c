/* The list of faults: complete, distinct, and what may be done about each. */
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void
test_words(void **state)
{
	enum fault f, back;

	(void)state;
	for (f = FAULT_OK; f < FAULT_COUNT; f++) {
		const char *d = fault_description(f);

		assert_non_null(fault_text(f));
		assert_int_equal(fault_parse(fault_text(f), &back), 0);
		assert_int_equal(back, f);
		/* One sentence. */
		assert_int_equal(d[strlen(d) - 1], '.');
		assert_null(strstr(d, ". "));
	}
	back = FAULT_EXPIRED;
	assert_int_equal(fault_parse("", &back), -1);
	assert_int_equal(fault_parse("Expired", &back), -1);
	assert_int_equal(fault_parse("expired ", &back), -1);
	assert_int_equal(back, FAULT_EXPIRED);
}

static void
test_steps(void **state)
{
	static const struct {
		enum fault fault;
		bool tls;
		bool stops;
		enum level want;
		enum level want_same_key;
	} rows[] = {
	    {FAULT_OK, false, false, LEVEL_SECURE, LEVEL_SECURE},
	    {FAULT_EXPIRED, true, true, LEVEL_ENCRYPT, LEVEL_KEY},
	    {FAULT_NOT_YET_VALID, true, true, LEVEL_ENCRYPT, LEVEL_KEY},
	    {FAULT_NAME_MISMATCH, true, true, LEVEL_ENCRYPT, LEVEL_KEY},
	    {FAULT_UNTRUSTED_ISSUER, true, true, LEVEL_ENCRYPT, LEVEL_KEY},
	    {FAULT_SELF_SIGNED, true, true, LEVEL_ENCRYPT, LEVEL_KEY},
	    {FAULT_NO_TLSA, true, true, LEVEL_ENCRYPT, LEVEL_KEY},
	    {FAULT_DANE_MISMATCH, true, true, LEVEL_ENCRYPT, LEVEL_KEY},
	    {FAULT_WEAK_KEY, true, true, LEVEL_ENCRYPT, LEVEL_ENCRYPT},
	    {FAULT_NO_CERTIFICATE, true, true, LEVEL_ENCRYPT, LEVEL_ENCRYPT},
	    {FAULT_KEY_CHANGED, true, true, LEVEL_ENCRYPT, LEVEL_ENCRYPT},
	    {FAULT_COMMON_NAME_MISMATCH, true, false, LEVEL_SECURE,
		LEVEL_SECURE},
	    {FAULT_WRONG_ISSUER, true, false, LEVEL_SECURE, LEVEL_SECURE},
	    {FAULT_TLSA_FAILED, false, true, LEVEL_ENCRYPT, LEVEL_ENCRYPT},
	    {FAULT_CLIENT_CERTIFICATE, false, true, LEVEL_SECURE, LEVEL_SECURE},
	    {FAULT_NO_STARTTLS, true, true, LEVEL_OPPORTUNISTIC,
		LEVEL_OPPORTUNISTIC},
	    {FAULT_STARTTLS_REFUSED, true, true, LEVEL_OPPORTUNISTIC,
		LEVEL_OPPORTUNISTIC},
	    {FAULT_HANDSHAKE_FAILED, true, true, LEVEL_OPPORTUNISTIC,
		LEVEL_OPPORTUNISTIC},
	    {FAULT_PROTOCOL_TOO_OLD, true, true, LEVEL_OPPORTUNISTIC,
		LEVEL_OPPORTUNISTIC},
	    {FAULT_INJECTED, true, false, LEVEL_SECURE, LEVEL_SECURE},
	    {FAULT_DNS_FAILED, false, true, LEVEL_SECURE, LEVEL_SECURE},
	    {FAULT_CONNECT_REFUSED, false, true, LEVEL_SECURE, LEVEL_SECURE},
	    {FAULT_CONNECT_TIMEOUT, false, true, LEVEL_SECURE, LEVEL_SECURE},
	    {FAULT_GREETING_REFUSED, false, true, LEVEL_SECURE, LEVEL_SECURE},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum fault f = rows[i].fault;

		assert_int_equal(fault_is_tls(f), rows[i].tls);
		assert_int_equal(fault_stops_mail(f), rows[i].stops);
		assert_int_equal(fault_smallest_step(f, false), rows[i].want);
		assert_int_equal(
		    fault_smallest_step(f, true), rows[i].want_same_key);
	}
}

/* What is not TLS is never a reason to drop, and what stops mail helps. */
static void
test_rules(void **state)
{
	enum fault f;

	(void)state;
	for (f = FAULT_OK; f < FAULT_COUNT; f++) {
		enum level step = fault_smallest_step(f, false);

		/* But a hand may send without TLSA records. */
		if (f != FAULT_TLSA_FAILED &&
		    (!fault_is_tls(f) || !fault_stops_mail(f)))
			assert_int_equal(step, LEVEL_SECURE);
		else
			assert_true(step < LEVEL_SECURE);
		assert_true(fault_smallest_step(f, true) >= step);
		assert_int_equal(fault_worse(f, FAULT_OK), f);
		assert_int_equal(fault_worse(FAULT_OK, f), f);
	}
	assert_int_equal(fault_worse(FAULT_EXPIRED, FAULT_NAME_MISMATCH),
	    FAULT_NAME_MISMATCH);
	assert_int_equal(
	    fault_worse(FAULT_EXPIRED, FAULT_WRONG_ISSUER), FAULT_EXPIRED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_steps),
	    cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
