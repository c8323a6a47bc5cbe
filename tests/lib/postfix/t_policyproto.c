/* t_policyproto.c: requests of Postfix's policy protocol. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "policyproto.h"

static const char whole[] = "request=smtpd_access_policy\n"
			    "protocol_state=RCPT\n"
			    "protocol_name=ESMTP\n"
			    "client_address=192.0.2.1\n"
			    "client_name=mx.acme.example\n"
			    "client_port=4711\n"
			    "reverse_client_name=mx.acme.example\n"
			    "server_address=192.0.2.2\n"
			    "server_port=25\n"
			    "helo_name=mx.acme.example\n"
			    "sender=a=b@acme.example\n"
			    "recipient=us@ours.example\n"
			    "recipient_count=0\n"
			    "queue_id=\n"
			    "instance=3b.60.0\n"
			    "size=0\n"
			    "etrn_domain=\n"
			    "stress=\n"
			    "sasl_method=\n"
			    "sasl_username=\n"
			    "sasl_sender=\n"
			    "ccert_subject=mx+20x\n"
			    "ccert_issuer=Lab\n"
			    "ccert_fingerprint=AA:BB\n"
			    "ccert_pubkey_fingerprint=CC:DD\n"
			    "encryption_protocol=TLSv1.3\n"
			    "encryption_cipher=TLS_AES_256_GCM_SHA384\n"
			    "encryption_keysize=256\n"
			    "policy_context=x\n"
			    "\n";

static const char *const values[POLICYPROTO_COUNT] = {
    [POLICYPROTO_REQUEST] = "smtpd_access_policy",
    [POLICYPROTO_STATE] = "RCPT",
    [POLICYPROTO_CLIENT_ADDRESS] = "192.0.2.1",
    [POLICYPROTO_CLIENT_NAME] = "mx.acme.example",
    [POLICYPROTO_SERVER_ADDRESS] = "192.0.2.2",
    [POLICYPROTO_SENDER] = "a=b@acme.example",
    [POLICYPROTO_RECIPIENT] = "us@ours.example",
    [POLICYPROTO_INSTANCE] = "3b.60.0",
    [POLICYPROTO_QUEUE_ID] = "",
    [POLICYPROTO_CONTEXT] = "x",
    [POLICYPROTO_PROTOCOL] = "TLSv1.3",
    [POLICYPROTO_CIPHER] = "TLS_AES_256_GCM_SHA384",
    [POLICYPROTO_KEYSIZE] = "256",
    [POLICYPROTO_CCERT_SUBJECT] = "mx+20x",
    [POLICYPROTO_CCERT_ISSUER] = "Lab",
    [POLICYPROTO_CCERT_FINGERPRINT] = "AA:BB",
    [POLICYPROTO_CCERT_PUBKEY] = "CC:DD",
};

static void
is_value(const struct policyproto *p, enum policyproto_name i, const char *want)
{
	assert_int_equal(p->v[i].n, strlen(want));
	assert_memory_equal(p->v[i].p, want, strlen(want));
}

static void
reads_what_postfix_sends(void **state)
{
	struct policyproto p;
	const char *why;
	size_t used, i;

	(void)state;
	assert_int_equal(
	    policyproto_take(whole, sizeof(whole) - 1, &p, &used, &why),
	    POLICYPROTO_DONE);
	assert_int_equal(used, sizeof(whole) - 1);
	for (i = 0; i < POLICYPROTO_COUNT; i++)
		is_value(&p, (enum policyproto_name)i, values[i]);
	for (i = 0; i < sizeof(whole) - 1; i++)
		assert_int_equal(policyproto_take(whole, i, &p, &used, &why),
		    POLICYPROTO_MORE);
}

static void
reads_any_order(void **state)
{
	static const char in[] = "sender=first\nunknown=x\nsender=second\n"
				 "senders=no\nsende=no\nrequest=r\n=\n\nrest";
	struct policyproto p;
	const char *why;
	size_t used;

	(void)state;
	assert_int_equal(policyproto_take(in, sizeof(in) - 1, &p, &used, &why),
	    POLICYPROTO_DONE);
	assert_int_equal(used, sizeof(in) - 1 - 4);
	is_value(&p, POLICYPROTO_SENDER, "first");
	is_value(&p, POLICYPROTO_REQUEST, "r");
	is_value(&p, POLICYPROTO_RECIPIENT, "");
}

static void
refuses_what_is_none(void **state)
{
	static const struct {
		const char *in;
		size_t len;
	} bad[] = {
	    {"\n", 1},
	    {"\nrequest=x\n\n", 12},
	    {"request=x\r\n", 11},
	    {"request=x\nfoo\n", 14},
	    {"request=x\nsender\n\n", 18},
	    {"request=x\nsender=\0\n\n", 20},
	    {"request=\0\n\n", 11},
	};
	struct policyproto p;
	const char *why;
	size_t used, i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		assert_int_equal(
		    policyproto_take(bad[i].in, bad[i].len, &p, &used, &why),
		    POLICYPROTO_BAD);
		assert_non_null(why);
	}
}

int
main(void)
{
	const struct CMUnitTest all[] = {
	    cmocka_unit_test(reads_what_postfix_sends),
	    cmocka_unit_test(reads_any_order),
	    cmocka_unit_test(refuses_what_is_none),
	};

	return cmocka_run_group_tests_name("policyproto", all, NULL, NULL);
}
