/* t_decide.c: what was agreed against what was shown. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide.h"
#include "ours.h"
#include "policyproto.h"

#define FP1                                                \
	"AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:" \
	"AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA"
#define FP2                                                \
	"BB:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:" \
	"AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA"
#define MD5 "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA"
#define FP1_LOWER                                          \
	"aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:" \
	"aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa"

#define ROW "secure match=x protocols=>=TLSv1.2 ciphers=high"
#define NAMED "inbound=require verify=name names="

static const struct test {
	const char *record;
	const char *policy;
	const char *tls, *cn, *fingerprint, *client;
	enum verdict want;
	enum breach breach;
} tests[] = {
    /* TLS or none. */
    {"inbound=require", ROW, "", "", "", "", VERDICT_DEFER, BREACH_CLEAR},
    {"inbound=require", ROW, "TLSv1.3", "", "", "", VERDICT_DUNNO, 0},
    {"inbound=require", ROW, "TLSv1.2", "", "", "", VERDICT_DUNNO, 0},
    {"inbound=require", ROW, "TLSv1.1", "", "", "", VERDICT_DEFER,
	BREACH_PROTOCOL},
    {"inbound=require", ROW, "TLSv1", "", "", "", VERDICT_DEFER,
	BREACH_PROTOCOL},
    {"inbound=require", ROW, "TLSv1.4", "", "", "", VERDICT_DUNNO, 0},
    {"inbound=require", "", "TLSv1", "", "", "", VERDICT_DUNNO, 0},
    {"inbound=require", "secure protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1",
	"TLSv1.1", "", "", "", VERDICT_DEFER, BREACH_PROTOCOL},
    {"inbound=require", "secure protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1",
	"TLSv1.2", "", "", "", VERDICT_DUNNO, 0},
    {"inbound=require", "secure protocols=TLSv1.2", "TLSv1.1", "", "", "",
	VERDICT_DEFER, BREACH_PROTOCOL},
    {"inbound=require", "secure protocols=>=odd", "TLSv1", "", "", "",
	VERDICT_DUNNO, 0},
    {"inbound=require action=reject", ROW, "", "", "", "", VERDICT_REJECT,
	BREACH_CLEAR},
    {"inbound=warn action=reject", ROW, "", "", "", "", VERDICT_WARN,
	BREACH_CLEAR},
    {"inbound=off action=reject", ROW, "", "", "", "", VERDICT_DUNNO, 0},
    /* Names. */
    {NAMED "mx.acme.example", ROW, "", "mx.acme.example", "", "", VERDICT_DEFER,
	BREACH_CLEAR},
    {NAMED "mx.acme.example", ROW, "TLSv1.3", "mx.acme.example", "", "",
	VERDICT_DUNNO, 0},
    {NAMED "a.example,mx.acme.example", ROW, "TLSv1.3", "MX.Acme.Example", "",
	"", VERDICT_DUNNO, 0},
    {NAMED "mx.acme.example", ROW, "TLSv1.3", "", "", "", VERDICT_DEFER,
	BREACH_NO_CERT},
    {NAMED "mx.acme.example", ROW, "TLSv1.3", "", FP1, "", VERDICT_DEFER,
	BREACH_UNTRUSTED},
    {NAMED "mx.acme.example", ROW, "TLSv1.3", "mx2.acme.example", FP1, "",
	VERDICT_DEFER, BREACH_NAME},
    {NAMED "mx.acme.example", ROW, "TLSv1.3", "xmx.acme.example", FP1, "",
	VERDICT_DEFER, BREACH_NAME},
    {NAMED "mx.acme.example", ROW, "TLSv1.3", "mx+2Eacme+2eexample", FP1, "",
	VERDICT_DUNNO, 0},
    {NAMED "mx.acme.example", ROW, "TLSv1.3", "mx.acme.example+00", FP1, "",
	VERDICT_DEFER, BREACH_NAME},
    {NAMED "mx.acme.example", ROW, "TLSv1.3", "mx.acme.example+", FP1, "",
	VERDICT_DEFER, BREACH_NAME},
    {NAMED "mx.acme.example", ROW, "TLSv1.3", "mx.acme.example+2g", FP1, "",
	VERDICT_DEFER, BREACH_NAME},
    {NAMED ".acme.example", ROW, "TLSv1.3", "a.b.acme.example", FP1, "",
	VERDICT_DUNNO, 0},
    {NAMED ".acme.example", ROW, "TLSv1.3", "*.acme.example", FP1, "",
	VERDICT_DUNNO, 0},
    {NAMED ".acme.example", ROW, "TLSv1.3", "acme.example", FP1, "",
	VERDICT_DEFER, BREACH_NAME},
    {NAMED ".acme.example", ROW, "TLSv1.3", ".acme.example", FP1, "",
	VERDICT_DEFER, BREACH_NAME},
    {NAMED "mx.acme.example", ROW, "TLSv1.3", "*.acme.example", FP1, "",
	VERDICT_DUNNO, 0},
    {NAMED "a.mx.acme.example", ROW, "TLSv1.3", "*.acme.example", FP1, "",
	VERDICT_DEFER, BREACH_NAME},
    {NAMED "acme.example", ROW, "TLSv1.3", "*.example", FP1, "", VERDICT_DUNNO,
	0},
    {NAMED "mx.acme.example", ROW, "TLSv1.3", "*", FP1, "", VERDICT_DEFER,
	BREACH_NAME},
    {NAMED "xn--mnchen-3ya.example", ROW, "TLSv1.3", "m+C3+BCnchen.example",
	FP1, "", VERDICT_DUNNO, 0},
    {NAMED "nexthop,dot-nexthop", ROW, "TLSv1.3", "acme.example", FP1, "",
	VERDICT_DUNNO, 0},
    {NAMED "nexthop,dot-nexthop", ROW, "TLSv1.3", "mx.acme.example", FP1, "",
	VERDICT_DUNNO, 0},
    {NAMED "nexthop", ROW, "TLSv1.3", "mx.acme.example", FP1, "", VERDICT_DEFER,
	BREACH_NAME},
    {NAMED "nexthop,dot-nexthop", ROW, "TLSv1.3", "mx.acme2.example", FP1, "",
	VERDICT_DEFER, BREACH_NAME},
    {NAMED "hostname", ROW, "TLSv1.3", "out.host.example", FP1,
	"Out.Host.example", VERDICT_DUNNO, 0},
    {NAMED "hostname", ROW, "TLSv1.3", "unknown", FP1, "unknown", VERDICT_DEFER,
	BREACH_NAME},
    {NAMED "hostname", ROW, "TLSv1.3", "a.example", FP1, "", VERDICT_DEFER,
	BREACH_NAME},
    /* Keys. */
    {"inbound=require verify=key keys=" FP1, ROW, "TLSv1.3", "", FP1, "",
	VERDICT_DUNNO, 0},
    {"inbound=require verify=key keys=" FP2 "," FP1, ROW, "TLSv1.3", "",
	FP1_LOWER, "", VERDICT_DUNNO, 0},
    {"inbound=require verify=key keys=" FP1, ROW, "TLSv1.3", "", FP2, "",
	VERDICT_DEFER, BREACH_KEY},
    {"inbound=require verify=key keys=" FP1, ROW, "TLSv1.3", "", "", "",
	VERDICT_DEFER, BREACH_NO_CERT},
    {"inbound=require verify=key action=reject keys=" FP1, ROW, "TLSv1.3", "",
	FP2, "", VERDICT_REJECT, BREACH_KEY},
    {"inbound=require verify=key action=reject keys=" FP1, ROW, "TLSv1.3", "",
	MD5, "", VERDICT_DEFER, BREACH_OUR_DIGEST},
};

static const struct decide_about at_a = {.contact = "postmaster@a.example"},
				 ours = {.contact = "postmaster@ours.example"},
				 client = {.by_client = true,
				     .contact = "postmaster"};

static struct span
value(const char *s)
{
	return (struct span){s, strlen(s)};
}

static void
make_request(struct policyproto *r, const struct test *t)
{
	size_t i;

	for (i = 0; i < POLICYPROTO_COUNT; i++)
		r->v[i] = value("");
	r->v[POLICYPROTO_PROTOCOL] = value(t->tls);
	r->v[POLICYPROTO_CCERT_SUBJECT] = value(t->cn);
	r->v[POLICYPROTO_CCERT_FINGERPRINT] = value(t->fingerprint);
	r->v[POLICYPROTO_CCERT_PUBKEY] = value(t->fingerprint);
	r->v[POLICYPROTO_CLIENT_NAME] = value(t->client);
	r->v[POLICYPROTO_SENDER] = value("evil\x01\n@acme.example");
}

static void
make_rule(struct lookup_rule *rule, const struct test *t)
{
	*rule = (struct lookup_rule){.key = "acme.example",
	    .policy = t->policy,
	    .policy_len = strlen(t->policy)};
	assert_true(
	    maprecord_parse(&rule->record, t->record, strlen(t->record)));
}

/* One line of printable ASCII that Postfix takes as that verdict. */
static void
is_sound(const struct decision *d)
{
	static const char *const begins[] = {[VERDICT_DUNNO] = "DUNNO",
	    [VERDICT_WARN] = "WARN tlspact: ",
	    [VERDICT_DEFER] = "450 4.",
	    [VERDICT_REJECT] = "550 5.7."};
	const char *s;

	assert_int_equal(
	    strncmp(d->action, begins[d->verdict], strlen(begins[d->verdict])),
	    0);
	for (s = d->action; *s != '\0'; s++)
		assert_in_range(*s, ' ', '~');
	assert_in_range(s - d->action, 5, DECIDE_TEXT_MAX - 1);
}

static void
lets_in_over_tls(const struct lookup_rule *rule, const struct policyproto *req,
    const struct test *t)
{
	const bool tls =
	    t->breach != BREACH_CLEAR && t->breach != BREACH_PROTOCOL;
	struct decision d;

	decide_inbound(rule, req, &client, &d);
	assert_int_equal(d.verdict, t->want == VERDICT_DUNNO ? VERDICT_DUNNO
				    : tls		     ? VERDICT_WARN
							     : t->want);
	assert_int_equal(d.breach, t->breach);
	assert_int_equal(d.lowered, tls && d.verdict == VERDICT_WARN);
	is_sound(&d);
}

static void
judges(void **state)
{
	struct lookup_rule rule;
	struct policyproto req;
	struct decision d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		make_rule(&rule, &tests[i]);
		make_request(&req, &tests[i]);
		decide_inbound(&rule, &req, &at_a, &d);
		if (d.verdict != tests[i].want || d.breach != tests[i].breach)
			fail_msg("%s, tls=%s cn=%s: %s, %s", tests[i].record,
			    tests[i].tls, tests[i].cn, verdict_name(d.verdict),
			    d.why);
		is_sound(&d);
		/* A downgrade lets in, and says so; it forbids nothing. */
		rule.lowered = true;
		decide_inbound(&rule, &req, &client, &d);
		assert_int_equal(d.verdict, tests[i].want == VERDICT_DUNNO
						? VERDICT_DUNNO
						: VERDICT_WARN);
		assert_int_equal(d.lowered, d.verdict == VERDICT_WARN);
		is_sound(&d);
		/* But if it lets in over TLS alone, what had none. */
		rule.record.direction = DIRECTION_CERTIFICATE;
		lets_in_over_tls(&rule, &req, &tests[i]);
		lookup_release(&rule);
	}
}

/* Who showed no certificate, or was not asked for one: it can be told. */
static void
unasked(void **state)
{
	const struct test t = {"inbound=require verify=key keys=" FP1, ROW,
	    "TLSv1.3", "", "", "", VERDICT_DEFER, BREACH_NO_CERT};
	struct lookup_rule rule;
	struct policyproto req;
	struct decision d;
	struct ours o;

	(void)state;
	make_rule(&rule, &t);
	make_request(&req, &t);
	decide_inbound(&rule, &req, &at_a, &d);
	assert_string_equal(d.why, "no client certificate was shown");
	ours_parse(&o, "01 a.example", 12);
	assert_true(o.unasked && !o.no_tls);
	assert_string_equal(o.mydomain, "a.example");
	decide_inbound(&rule, &req,
	    &(struct decide_about){.unasked = o.unasked, .contact = ""}, &d);
	assert_int_equal(d.breach, BREACH_NO_CERT);
	assert_string_equal(d.why,
	    "we ask for no client certificate: set smtpd_tls_ask_ccert = yes");
	decide_inbound(&rule, &req,
	    &(struct decide_about){.asked = true, .contact = ""}, &d);
	assert_string_equal(
	    d.why, "no client certificate was shown, though we ask for one");
	lookup_release(&rule);
}

static void
words(void **state)
{
	struct lookup_rule rule;
	struct policyproto req;
	struct decision d;

	(void)state;
	make_rule(&rule, &tests[0]);
	make_request(&req, &tests[0]);
	decide_inbound(&rule, &req, &ours, &d);
	assert_string_equal(d.action,
	    "450 4.7.10 Mail from acme.example is accepted over TLS only, as "
	    "agreed: your server did not use STARTTLS. Switch TLS on for mail "
	    "to us. Questions to postmaster@ours.example");
	rule.record.action = ACTION_REJECT;
	decide_inbound(&rule, &req, &client, &d);
	assert_string_equal(d.action,
	    "550 5.7.10 Mail from servers of acme.example is accepted over "
	    "TLS only, as agreed: your server did not use STARTTLS. Switch "
	    "TLS on for mail to us");
	/* It could not, and is not told to. */
	decide_inbound(&rule, &req,
	    &(struct decide_about){.no_tls = true, .contact = ""}, &d);
	assert_int_equal(d.breach, BREACH_OUR_TLS);
	assert_string_equal(d.action,
	    "450 4.3.0 Mail from acme.example is accepted over TLS only, as "
	    "agreed: our server offers no TLS at present; this is our mistake. "
	    "Try again later");
	req.v[POLICYPROTO_PROTOCOL] = value("TLSv1.3");
	decide_inbound(&rule, &req,
	    &(struct decide_about){.no_tls = true, .contact = ""}, &d);
	assert_int_equal(d.verdict, VERDICT_DUNNO);
	lookup_release(&rule);
}

/* What a certificate lacks is told, with the way that needs no such one. */
static void
certificates(void **state)
{
	static const struct {
		const char *issuer, *fingerprint;
		enum breach breach;
		const char *says;
	} cases[] = {
	    {"", "", BREACH_NO_CERT, "showed no client certificate"},
	    {"", FP1, BREACH_UNTRUSTED,
		"has expired, is from a CA that we do not accept, or was not "
		"made for clients, as those of public CAs are not any more. "
		"Present another, or agree with us on its key instead"},
	    {"CA", FP1, BREACH_NO_NAME,
		"has no common name. Present one for mx.acme.example, or "
		"agree with us on its key instead"},
	};
	const struct test t = {.record = NAMED "mx.acme.example",
	    .policy = ROW,
	    .tls = "TLSv1.3",
	    .cn = "",
	    .fingerprint = "",
	    .client = ""};
	struct lookup_rule rule;
	struct policyproto req;
	struct decision d;
	size_t i;

	(void)state;
	make_rule(&rule, &t);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_request(&req, &t);
		req.v[POLICYPROTO_CCERT_ISSUER] = value(cases[i].issuer);
		req.v[POLICYPROTO_CCERT_FINGERPRINT] =
		    value(cases[i].fingerprint);
		decide_inbound(&rule, &req, &ours, &d);
		assert_int_equal(d.breach, cases[i].breach);
		if (strstr(d.action, cases[i].says) == NULL)
			fail_msg("%s, without %s", d.action, cases[i].says);
		is_sound(&d);
	}
	lookup_release(&rule);
}

/* A few names help, a long list does not. */
static void
names(void **state)
{
	static const struct {
		const char *record, *says;
	} cases[] = {
	    {NAMED "a.example", "for a.example"},
	    {NAMED "a.example,.b.example,hostname",
		"for a.example or a host in b.example or your host name"},
	    {NAMED "nexthop,b.example,c.example,d.example",
		"for acme.example or b.example or c.example or others"},
	};
	struct test t = {.policy = ROW,
	    .tls = "TLSv1.3",
	    .cn = "x",
	    .fingerprint = "",
	    .client = ""};
	struct lookup_rule rule;
	struct policyproto req;
	struct decision d;
	const char *end;
	size_t i;

	(void)state;
	make_request(&req, &t);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		t.record = cases[i].record;
		make_rule(&rule, &t);
		decide_inbound(
		    &rule, &req, &(struct decide_about){.contact = ""}, &d);
		end = strstr(d.action, "Present the one ");
		assert_non_null(end);
		assert_string_equal(
		    end + strlen("Present the one "), cases[i].says);
		lookup_release(&rule);
	}
}

/* However much there is to tell, the text ends with a whole part. */
static void
fits(void **state)
{
	struct test t = tests[0];
	struct lookup_rule rule;
	struct policyproto req;
	struct decision d;
	char record[2000], name[200], contact[400];
	int i, n;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	n = snprintf(record, sizeof(record), NAMED "%s", name);
	for (i = 0; i < 5; i++)
		n += snprintf(
		    record + n, sizeof(record) - (size_t)n, ",%s", name);
	t.record = record;
	t.tls = "TLSv1.3";
	t.cn = "other";
	make_rule(&rule, &t);
	memset(rule.key, 'k', DNAME_MAX);
	memset(contact, '@', sizeof(contact) - 1);
	contact[sizeof(contact) - 1] = '\0';
	make_request(&req, &t);
	decide_inbound(
	    &rule, &req, &(struct decide_about){.contact = contact}, &d);
	assert_int_equal(d.verdict, VERDICT_DEFER);
	is_sound(&d);
	lookup_release(&rule);
}

static void
tells_senders(void **state)
{
	const struct decide_failing f = {
	    .domain = ".acme.example", .fault = "expired", .since = 0};
	struct decision d;
	int i;

	(void)state;
	for (i = VERDICT_DUNNO; i <= VERDICT_REJECT; i++) {
		decide_outbound(&f, (enum verdict)i, "help@ours.example", &d);
		assert_int_equal(d.verdict, i);
		is_sound(&d);
	}
	assert_string_equal(d.action,
	    "550 5.7.5 Mail to acme.example goes over verified TLS only, and "
	    "its servers have failed that since 1970-01-01T00:00:00Z "
	    "(expired). Send it again when they are mended. Questions to "
	    "help@ours.example");
	assert_int_equal(decide_broken.verdict, VERDICT_DEFER);
}

int
main(void)
{
	const struct CMUnitTest all[] = {
	    cmocka_unit_test(judges),
	    cmocka_unit_test(words),
	    cmocka_unit_test(certificates),
	    cmocka_unit_test(unasked),
	    cmocka_unit_test(names),
	    cmocka_unit_test(fits),
	    cmocka_unit_test(tells_senders),
	};

	return cmocka_run_group_tests_name("decide", all, NULL, NULL);
}
