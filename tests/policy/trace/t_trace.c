#include "check.h"

#include "diag.h"
#include "mails.h"
#include "registry.h"
#include "trace.h"

#define OURS " by mx.ours.test (Postfix) with "
#define P(helo, name) "from " helo " (" name " [192.0.2.1])"

static const char text[] =
    "provider labs gateway=.labs.test,in.cloud.test\n"
    "provider cloud gateway=.prod.cloud.test\n"
    "partner acme mode=enforced domain=acme.test,.acme.test provider=labs "
    "contact=p@acme.test\n"
    "partner globex mode=enforced domain=globex.test,[gw.glob.test]:26 "
    "gateway=mx1.globex.test,.glob-mail.test,nexthop contact=p@globex.test\n"
    "partner saas mode=enforced domain=saas.test provider=cloud "
    "contact=p@saas.test\n";

static const char *const ours[] = {"mx.ours.test", ".ours.test"};

/* Of each hop, newest first: tls b(elieved) or c(laimed) leg. */
static const struct chain {
	const char *row, *partner;
	const char *hop[8];
	const char *want;
} chains[] = {
    {"straight to us", "globex",
	{P("h", "mx1.globex.test") OURS "ESMTPS",
	    P("pc", "pc.globex.test") " by mx1.globex.test with ESMTP",
	    "from x by pc.globex.test with ESMTPS"},
	"encrypted b to-us; clear b in-partner; encrypted b ;"},
    {"an unprotected leg behind the provider", "acme",
	{P("s", "s1.labs.test") OURS "ESMTPS",
	    P("f", "f.labs.test") " by s1.labs.test with ESMTPS",
	    "(qmail 7 invoked from network); x",
	    "from unknown (HELO mx.acme.test) (192.0.2.7) by f.labs.test with "
	    "SMTP",
	    "from pc by mx.acme.test with ESMTPS"},
	"encrypted b to-us; encrypted b in-provider; local b ; clear b "
	"to-provider; encrypted c ;"},
    {"its name was found", "acme",
	{P("s", "s1.labs.test") OURS "ESMTPS",
	    "from mx.acme.test (HELO x) (192.0.2.7) by s1.labs.test with SMTP",
	    "from pc.acme.test ([10.0.0.1]) by mx.acme.test with esmtps"},
	"encrypted b to-us; clear b to-provider; encrypted b in-partner;"},
    {"a stranger who writes what he likes", "acme",
	{P("mx.acme.test", "evil.test") OURS "ESMTPS",
	    P("a", "mx.acme.test") " by s1.labs.test with ESMTPS"},
	"encrypted b ; encrypted c ;"},
    {"a greeting is no name", "acme",
	{P("s1.labs.test", "unknown") OURS "ESMTPS",
	    P("a", "mx.acme.test") " by s1.labs.test with ESMTPS"},
	"encrypted b ; encrypted c ;"},
    {"nor beside an address, where Sendmail and Google found none", "acme",
	{P("s", "s1.labs.test") OURS "ESMTPS",
	    "from s2.labs.test ([192.0.2.66]) by s1.labs.test with ESMTPS id 1",
	    P("a", "mx.acme.test") " by s2.labs.test with ESMTPS"},
	"encrypted b to-us; encrypted b in-provider; encrypted c ;"},
    {"but it is with Exim", "acme",
	{P("s", "s1.labs.test") OURS "ESMTPS",
	    "from s2.labs.test ([192.0.2.66]) by s1.labs.test with esmtps "
	    "(TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.96) id 1",
	    P("a", "mx.acme.test") " by s2.labs.test with ESMTPS"},
	"encrypted b to-us; encrypted b in-provider; encrypted b "
	"to-provider;"},
    {"a name that may be forged", "acme",
	{"from s (s1.labs.test [192.0.2.1] (may be forged))" OURS "ESMTPS",
	    P("a", "mx.acme.test") " by s1.labs.test with ESMTPS"},
	"encrypted b ; encrypted c ;"},
    {"a greeting as ours, from outside", "acme",
	{P("mx.ours.test", "unknown") OURS "ESMTPS",
	    P("s", "s1.labs.test") OURS "ESMTPS"},
	"encrypted b ; encrypted c ;"},
    {"and from within", "acme",
	{"from in.ours.test (unknown [10.0.0.7])" OURS "ESMTP",
	    P("s", "s1.labs.test") " by in.ours.test with ESMTPS"},
	"clear b in-ours; encrypted b to-us;"},
    {"a line left out", "acme",
	{P("s", "s1.labs.test") OURS "ESMTPS",
	    P("x", "y.acme.test") " by mx.acme.test with ESMTPS"},
	"encrypted b to-us; encrypted c ;"},
    {"not by us", "acme",
	{P("s", "s1.labs.test") " by elsewhere.test with ESMTPS",
	    P("a", "mx.acme.test") " by s1.labs.test with ESMTPS"},
	"encrypted c ; encrypted c ;"},
    {"our filter", "acme",
	{P("localhost", "localhost") OURS "ESMTP",
	    "from localhost ([127.0.0.1]) by localhost (amavisd) with ESMTP",
	    P("s", "s1.labs.test") OURS "ESMTPS"},
	"clear b ; local c ; encrypted c ;"},
    {"our filter, by its address", "acme",
	{"from localhost (localhost [127.0.0.1])" OURS "ESMTP",
	    P("s", "s1.labs.test") OURS "ESMTPS"},
	"local b ; encrypted b to-us;"},
    {"our filter has a line of its own", "acme",
	{"from localhost (localhost [127.0.0.1])" OURS "ESMTP",
	    "from mx.ours.test ([127.0.0.1]) by localhost (mx.ours.test "
	    "[127.0.0.1]) (amavisd-new, port 10024) with ESMTP id 7",
	    P("s", "s1.labs.test") OURS "ESMTPS"},
	"local b ; local b ; encrypted b to-us;"},
    {"but no other host is called so", "acme",
	{P("s", "s1.labs.test") OURS "ESMTPS",
	    P("a", "mx.acme.test") " by localhost with ESMTPS"},
	"encrypted b to-us; encrypted c ;"},
    {"a broken line ends belief", "acme",
	{P("s", "s1.labs.test") OURS "ESMTPS",
	    "from (a by s1.labs.test with ESMTPS",
	    P("a", "mx.acme.test") " by s1.labs.test with ESMTPS"},
	"encrypted b to-us; unknown c ; encrypted c ;"},
    {"so does one that contradicts itself", "acme",
	{P("s", "s1.labs.test") OURS "ESMTPS",
	    P("t", "s2.labs.test") " by s1.labs.test with ESMTP with ESMTPS",
	    P("a", "mx.acme.test") " by s2.labs.test with ESMTPS"},
	"encrypted b to-us; unknown c ; encrypted c ;"},
    {"exchange looks for no names", "saas",
	{P("o", "out.prod.cloud.test") OURS "ESMTPS",
	    "from A.prod.cloud.test (2001:db8::1) by out.prod.cloud.test "
	    "(2001:db8::2) with Microsoft SMTP Server (version=TLS1_2, "
	    "cipher=TLS_X_Y) id 1",
	    "from mx.saas.test (192.0.2.5) by A.prod.cloud.test (192.0.2.6) "
	    "with Microsoft SMTP Server id 1",
	    "from pc by mx.saas.test with ESMTPS"},
	"encrypted b to-us; encrypted b in-provider; clear b to-provider;"
	" encrypted c ;"},
    {"which a stranger knows, too", "saas",
	{P("o", "out.prod.cloud.test") OURS "ESMTPS",
	    "from A.prod.cloud.test (203.0.113.5) by out.prod.cloud.test "
	    "(2001:db8::2) with Microsoft SMTP Server (version=TLS1_2, "
	    "cipher=TLS_X_Y) id 1",
	    "from mx.saas.test (192.0.2.5) by A.prod.cloud.test (192.0.2.6) "
	    "with Microsoft SMTP Server (TLS) id 1"},
	"encrypted b to-us; encrypted b in-provider; encrypted c ;"},
    {"bare addresses of one host", "acme",
	{P("s", "s1.labs.test") OURS "ESMTPS",
	    "by 2001:db8:6512:: with SMTP id 7",
	    "from mx.acme.test ([192.0.2.7]) by x.labs.test with esmtps"},
	"encrypted b to-us; unknown b ; encrypted c ;"},
    {"the way there", "acme",
	{P("s", "s1.labs.test") " by mx.acme.test (Postfix) with ESMTP",
	    P("mx", "mx.ours.test") " by s1.labs.test with ESMTPS",
	    "by mx.ours.test (Postfix, from userid 0) id 7"},
	"clear b from-provider; encrypted b from-us; local b ;"},
    {"domains, hosts, suffixes; not their look-alikes", "globex",
	{P("s", "a.glob-mail.test") OURS "ESMTPS",
	    P("s", "gw.glob.test") " by glob-mail.test with ESMTPS"},
	"encrypted b to-us; encrypted c ;"},
    {"a suffix of another name", "globex",
	{P("s", "xglobex.test") OURS "ESMTPS"}, "encrypted b ;"},
    {"no partner", NULL,
	{P("in", "in.ours.test") OURS "ESMTPS",
	    P("s", "s1.labs.test") " by in.ours.test with ESMTP", "x"},
	"encrypted b in-ours; clear b ; unknown c ;"},
    {"nothing", "acme", {NULL}, ""},
};

static struct registry *registry;

static int
parse(void **state)
{
	struct diags d = {0};

	(void)state;
	registry = registry_parse("r", text, sizeof(text) - 1, 1700000000, &d);
	assert_int_equal(d.errors, 0);
	diag_free(&d);
	return 0;
}

static int
release(void **state)
{
	(void)state;
	registry_free(registry);
	return 0;
}

static void
t_chains(void **state)
{
	struct trace t = {.n = 0};
	struct trace_ask ask = {
	    .registry = registry, .ours = ours, .nours = COUNT(ours)};
	const struct chain *c;
	struct span field[8];
	char got[512];
	size_t i, n, len;

	(void)state;
	for (c = chains; c < chains + COUNT(chains); c++) {
		for (n = 0; n < 8 && c->hop[n] != NULL; n++)
			field[n] = span_of(c->hop[n]);
		ask.partner = c->partner == NULL
				  ? NULL
				  : &registry->partner[registry_partner(
					registry, c->partner)];
		trace_mail(&t, &(struct mail){.received = field, .n = n}, &ask);
		check_int(c->row, t.n, n);
		got[0] = '\0';
		for (i = len = 0; i < n; i++)
			len += (size_t)snprintf(got + len, sizeof(got) - len,
			    "%s%s %c %s;", i == 0 ? "" : " ",
			    received_tls_names[t.hop[i].field.tls],
			    t.hop[i].believed ? 'b' : 'c',
			    leg_name(t.hop[i].leg));
		check_str(c->row, got, c->want);
	}
	trace_free(&t);
}

static void
t_weakest(void **state)
{
	static const char *const hop[] = {P("s", "s1.labs.test") OURS
	    "ESMTPS; Sat, 28 Nov 2026 22:00:05 +0000",
	    P("s", "s2.labs.test") " by s1.labs.test with ESMTPS; Sat, 28 Nov "
				   "2026 22:00:06 +0000",
	    P("s", "s3.labs.test") " by s2.labs.test with ESMTP; x",
	    P("a", "mx.acme.test") " by s3.labs.test with ESMTPS (version="
				   "TLSv1.2 cipher=X-Y); Sat, 28 Nov 2026 "
				   "21:59:00 +0000"};
	struct trace t = {.n = 0};
	struct trace_ask ask = {.registry = registry,
	    .partner = &registry->partner[0],
	    .ours = ours,
	    .nours = COUNT(ours)};
	struct span field[COUNT(hop)];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(hop); i++)
		field[i] = span_of(hop[i]);
	trace_mail(
	    &t, &(struct mail){.received = field, .n = COUNT(hop)}, &ask);
	assert_int_equal(t.leg[LEG_IN_PROVIDER].n, 2);
	assert_int_equal(t.leg[LEG_IN_PROVIDER].tls, RECEIVED_CLEAR);
	/* Of a hop that does not say when, the mail's own time. */
	assert_int_equal(t.leg[LEG_IN_PROVIDER].time, 1795903205);
	assert_int_equal(t.leg[LEG_TO_PROVIDER].tls, RECEIVED_ENCRYPTED);
	assert_string_equal(t.leg[LEG_TO_PROVIDER].protocol, "TLSv1.2");
	assert_int_equal(t.count[RECEIVED_ENCRYPTED], 3);
	assert_int_equal(t.count[RECEIVED_CLEAR], 1);
	assert_true(t.hop[0].timed && t.hop[1].timed && !t.hop[2].timed &&
		    !t.hop[3].timed);
	assert_int_equal(t.hop[0].delay, -1);
	assert_int_equal(t.hop[1].delay, 66);
	trace_free(&t);
}

static void
t_partner(void **state)
{
	static const struct {
		const char *sender, *author, *want;
	} row[] = {
	    {" <u@acme.test>", "", "acme"},
	    {" <u@sub.ACME.test>", " B <b@globex.test>", "acme"},
	    {" <>", " B <b@globex.test>", "globex"},
	    {"", " b@globex.test (Bob)", "globex"},
	    {"", " \"x@acme.test\" <b@globex.test>", "globex"},
	    {"", " b@other.test", NULL},
	    {"", " nobody", NULL},
	    {" <u@>", "", NULL},
	    {"", "", NULL},
	};
	struct trace t = {.n = 0};
	struct trace_ask ask = {.registry = registry};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(row); i++) {
		trace_mail(&t,
		    &(struct mail){.sender = span_of(row[i].sender),
			.author = span_of(row[i].author)},
		    &ask);
		check_str(row[i].author,
		    t.partner == NULL ? NULL : t.partner->name, row[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_chains),
	    cmocka_unit_test(t_weakest),
	    cmocka_unit_test(t_partner),
	};

	return cmocka_run_group_tests(tests, parse, release);
}
