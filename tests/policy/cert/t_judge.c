/* What was seen, as a fault; and a partner's rules, as a session. */
#include "buf.h"
#include "compile.h"
#include "diag.h"
#include "err.h"
#include "judge.h"
#include "mem.h"
#include "mxdns.h"
#include "probeplan.h"
#include "registry.h"
#include "shapemake.h"
#include "smtpclient.h"
#include "starttls.h"
#include "target.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#define AT 1795392000 /* 2026-11-23 */

static void
test_dns(void **state)
{
	static const struct {
		enum mxdns_status status;
		enum fault want;
	} rows[] = {
	    {MXDNS_OK, FAULT_OK},
	    {MXDNS_NULL_MX, FAULT_NO_MX},
	    {MXDNS_NO_DOMAIN, FAULT_NO_MX},
	    {MXDNS_NO_ADDRESS, FAULT_NO_MX},
	    {MXDNS_FAILED, FAULT_DNS_FAILED},
	    {MXDNS_BAD_NEXTHOP, FAULT_LOCAL_ERROR},
	};
	struct mxdns_result r = {0};
	struct mxdns_host h = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.status = rows[i].status;
		assert_int_equal(judge_way(&r, NULL), rows[i].want);
	}
	assert_int_equal(judge_way(&r, &h), FAULT_DNS_FAILED);
	/* Its name is there, and an address is not: no answer is another case.
	 */
	h.a.kind = MXDNS_NO_NAME;
	assert_int_equal(judge_way(&r, &h), FAULT_NO_MX);
	h.a.kind = MXDNS_NO_DATA;
	h.aaaa.kind = MXDNS_NO_DATA;
	assert_int_equal(judge_way(&r, &h), FAULT_NO_MX);
	h.aaaa.kind = MXDNS_SERVFAIL;
	assert_int_equal(judge_way(&r, &h), FAULT_DNS_FAILED);
	/* Not even the root: the fault is our resolver's. */
	r.status = MXDNS_FAILED;
	r.no_root = true;
	assert_int_equal(judge_way(&r, NULL), FAULT_LOCAL_ERROR);
	assert_int_equal(judge_way(&r, &h), FAULT_LOCAL_ERROR);
	r.status = MXDNS_NO_DOMAIN;
	assert_int_equal(judge_way(&r, NULL), FAULT_NO_MX);
	h.naddr = 1;
	assert_int_equal(judge_way(&r, &h), FAULT_OK);
}

static void
test_tlsa(void **state)
{
	static const struct {
		enum mxdns_kind mx;
		bool mx_secure;
		enum mxdns_kind tlsa;
		bool tlsa_secure;
		enum fault want;
		bool half;
		enum mxdns_kind alias;
	} rows[] = {
	    {MXDNS_FOUND, false, MXDNS_FOUND, true, FAULT_OK, true, 0},
	    {MXDNS_FOUND, false, MXDNS_SERVFAIL, true, FAULT_TLSA_FAILED, true,
		0},
	    {MXDNS_FOUND, true, MXDNS_NOT_ASKED, false, FAULT_NO_TLSA, false,
		MXDNS_FOUND},
	    {MXDNS_FOUND, true, MXDNS_FOUND, true, FAULT_OK, false,
		MXDNS_FOUND},
	    {MXDNS_FOUND, true, MXDNS_NOT_ASKED, false, FAULT_TLSA_FAILED,
		false, MXDNS_SERVFAIL},
	    {MXDNS_FOUND, true, MXDNS_NOT_ASKED, false, FAULT_TLSA_FAILED,
		false, MXDNS_NO_DATA},
	    {MXDNS_FOUND, true, MXDNS_FOUND, true, FAULT_OK, false, 0},
	    {MXDNS_NOT_ASKED, false, MXDNS_FOUND, true, FAULT_OK, false, 0},
	    {MXDNS_NO_DATA, false, MXDNS_FOUND, true, FAULT_OK, false, 0},
	    {MXDNS_FOUND, false, MXDNS_FOUND, true, FAULT_NO_TLSA, false, 0},
	    {MXDNS_FOUND, true, MXDNS_FOUND, false, FAULT_NO_TLSA, false, 0},
	    {MXDNS_FOUND, true, MXDNS_NO_DATA, true, FAULT_NO_TLSA, false, 0},
	    {MXDNS_FOUND, true, MXDNS_NO_NAME, true, FAULT_NO_TLSA, false, 0},
	    {MXDNS_FOUND, true, MXDNS_NOT_ASKED, false, FAULT_NO_TLSA, false,
		0},
	    {MXDNS_FOUND, true, MXDNS_SERVFAIL, false, FAULT_TLSA_FAILED, false,
		0},
	    {MXDNS_FOUND, true, MXDNS_BOGUS, false, FAULT_TLSA_FAILED, false,
		0},
	    {MXDNS_FOUND, true, MXDNS_TIMEOUT, false, FAULT_TLSA_FAILED, false,
		0},
	};
	struct mxdns_result r = {0};
	struct mxdns_host h = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.mx.kind = rows[i].mx;
		r.mx.secure = rows[i].mx_secure;
		h.tlsa.kind = rows[i].tlsa;
		h.tlsa.secure = rows[i].tlsa_secure;
		h.alias.kind = rows[i].alias;
		assert_int_equal(
		    judge_tlsa(&r, &h, rows[i].half), rows[i].want);
	}
}

/* --- Partners --------------------------------------------------------- */

#define KEY                                                                  \
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:" \
	"66:77:88:99:AA:BB:CC:DD:EE:FF"

static const char text[] =
    "partner name mode=enforced domain=a.example,.a.example,b.example"
    " gateway=" GW " contact=a@b.example\n"
    "partner medium mode=enforced domain=c.example ciphers=medium"
    " min-tls=TLSv1.3 contact=a@b.example\n"
    "partner key mode=enforced domain=d.example verify=key key=" KEY
    " contact=a@b.example\n"
    "partner dane mode=enforced domain=e.example verify=dane"
    " contact=a@b.example\n"
    "partner none mode=enforced domain=f.example verify=none"
    " contact=a@b.example\n"
    "partner soft mode=opportunistic domain=g.example,[mx.g.example]:587"
    " gateway=" GW "\n"
    "partner strict mode=enforced domain=h.example gateway=" GW
    " common-name=gateway issuer=The* contact=a@b.example\n";

static struct registry *registry;
static struct diags diags;

static int
setup(void **state)
{
	(void)state;
	registry = registry_parse("test", text, sizeof(text) - 1, AT, &diags);
	return diags.errors == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	diag_free(&diags);
	registry_free(registry);
	return 0;
}

static void
plan_add(struct probeplan *p, const char *what, int want)
{
	struct err e = {0};

	if (probeplan_add(p, what, &e) != want)
		fail_msg("%s: %s", what, e.text);
}

static void
test_plan(void **state)
{
	static const struct {
		const char *what, *name, *nexthop, *domain;
		bool listed;
	} rows[] = {
	    {"a.example", "name", "a.example", NULL, true},
	    {"A.Example", "name", "a.example", NULL, true},
	    {"a.example.", "name", "a.example", NULL, true},
	    {GW ".", "name", "[" GW "]", "a.example", false},
	    {"x.y.a.example", "name", "x.y.a.example", NULL, false},
	    {GW, "name", "[" GW "]", "a.example", false},
	    {"[mx.g.example]:587", "soft", "[mx.g.example]:587", NULL, true},
	    {"stranger.example", "-", "stranger.example", NULL, false},
	    {"192.0.2.1", "-", "192.0.2.1", NULL, false},
	    {"[192.0.2.1]:26", "-", "[192.0.2.1]:26", NULL, false},
	};
	struct probeplan p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		probeplan_init(&p, registry, false);
		plan_add(&p, rows[i].what, 0);
		plan_add(&p, rows[i].what, 0); /* not twice */
		assert_int_equal(p.n, 1);
		assert_string_equal(p.target[0].name, rows[i].name);
		assert_string_equal(p.target[0].nexthop, rows[i].nexthop);
		assert_int_equal(p.target[0].listed, rows[i].listed);
		if (rows[i].domain != NULL)
			assert_string_equal(p.target[0].domain, rows[i].domain);
		else
			assert_null(p.target[0].domain);
		probeplan_release(&p);
	}
	probeplan_init(&p, registry, false);
	plan_add(&p, ".a.example", -1);
	plan_add(&p, ".a.example.", -1);
	plan_add(&p, "a.example..", -1);
	plan_add(&p, "", -1);
	plan_add(&p, "two words", -1);
	plan_add(&p, "nodots", -1);
	plan_add(&p, "name", 0);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.nskip, 1);
	assert_string_equal(p.skip[0].what, ".a.example");
	probeplan_release(&p);
	probeplan_init(&p, registry, true);
	probeplan_all(&p);
	assert_int_equal(p.n, registry->ndomains - 1);
	for (i = 0; i < p.n; i++)
		assert_int_not_equal(p.target[i].level, LEVEL_OPPORTUNISTIC);
	probeplan_release(&p);
}

/* The session is that of the row which Postfix would read. */
static void
test_row(void **state)
{
	static const struct target target = {
	    .version = TARGET_VERSION(3, 7), .sha256 = true};
	char medium[] = STARTTLS_CIPHERS_MEDIUM, high[] = STARTTLS_CIPHERS_HIGH,
	     none[] = "", ciphers[SMTPCLIENT_CIPHERS];
	const struct smtpclient client = {.medium = medium,
	    .high = high,
	    .exclude = none,
	    .exclude_mandatory = none,
	    .may = {false, TLS_1_0, TLS_1_3},
	    .mandatory = {true, TLS_1_1, TLS_1_2}};
	struct starttls_params params;
	struct probeplan p;
	struct buf row = {0};
	size_t i;

	(void)state;
	probeplan_init(&p, registry, false);
	probeplan_all(&p);
	for (i = 0; i < p.n; i++) {
		struct probetarget *t = &p.target[i];

		t->client = &client;
		memset(&params, 0, sizeof(params));
		assert_true(
		    smtpclient_params(t, ciphers, &params) < SMTPCLIENT_KINDS);
		buf_clear(&row);
		assert_null(render_policy(
		    t->partner, t->level, t->attributes->key, &target, &row));
		if (strcmp(row.data, "may") == 0) {
			assert_int_equal(params.security_level, 0);
			assert_int_equal(params.min_proto, TLS1_VERSION);
			continue;
		}
		assert_int_equal(params.security_level,
		    strncmp(row.data, "encrypt", 7) == 0 ? 0 : 1);
		assert_int_equal(params.min_proto,
		    strstr(row.data, ">=TLSv1.3") != NULL ? TLS1_3_VERSION
							  : TLS1_2_VERSION);
		assert_int_equal(strstr(params.ciphers, "MEDIUM") != NULL,
		    strstr(row.data, "ciphers=medium") != NULL);
		assert_int_equal(strstr(params.ciphers, "!aNULL") != NULL,
		    strncmp(row.data, "encrypt", 7) != 0);
	}
	buf_free(&row);
	probeplan_release(&p);
}

/* What the row does not say is main.cf's; what it says, exactly that. */
static void
test_terms(void **state)
{
	static const struct {
		const char *attrs;
		int min, max; /* 0: the newest */
		bool high;
	} rows[] = {
	    {"", TLS1_VERSION, 0, false},
	    {"mode=may", TLS1_VERSION, 0, false},
	    {"mode=may ciphers=high protocols=TLSv1.1", TLS1_1_VERSION,
		TLS1_1_VERSION, true},
	    {"mode=dane protocols=<=TLSv1.2", TLS1_VERSION, TLS1_2_VERSION,
		false},
	    {"protocols=TLSv1.3 ciphers=high", TLS1_VERSION, 0, false},
	    {"mode=enforced verify=none", TLS1_2_VERSION, 0, true},
	    {"mode=enforced ciphers=medium", TLS1_2_VERSION, 0, false},
	    {"mode=enforced min-tls=main.cf ciphers=main.cf", TLS1_1_VERSION,
		TLS1_2_VERSION, true},
	    {"mode=enforced protocols=!SSLv2:!SSLv3:!TLSv1.3", TLS1_VERSION,
		TLS1_2_VERSION, true},
	    {"mode=enforced protocols=SSLv3", TLS1_VERSION, TLS1_VERSION, true},
	};
	char medium[] = STARTTLS_CIPHERS_MEDIUM, high[] = STARTTLS_CIPHERS_HIGH,
	     none[] = "", ciphers[SMTPCLIENT_CIPHERS], said[256];
	const struct smtpclient client = {.medium = medium,
	    .high = high,
	    .exclude = none,
	    .exclude_mandatory = none,
	    .may = {false, TLS_1_0, TLS_1_3},
	    .mandatory = {true, TLS_1_1, TLS_1_2}};
	struct starttls_params params;
	struct diags d = {0};
	struct registry *r;
	struct probeplan p;
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = snprintf(said, sizeof(said),
		    "partner a domain=a.example contact=x %s\n", rows[i].attrs);
		r = registry_parse("r", said, (size_t)n, AT, &d);
		probeplan_init(&p, r, false);
		probeplan_all(&p);
		p.target[0].client = &client;
		memset(&params, 0, sizeof(params));
		assert_true(smtpclient_params(&p.target[0], ciphers, &params) <
			    SMTPCLIENT_KINDS);
		if (params.min_proto != rows[i].min ||
		    params.max_proto != rows[i].max ||
		    (strstr(ciphers, "MEDIUM") == NULL) != rows[i].high)
			fail_msg("[%s] %x to %x, %s", rows[i].attrs,
			    (unsigned)params.min_proto,
			    (unsigned)params.max_proto, ciphers);
		probeplan_release(&p);
		registry_free(r);
	}
	assert_int_equal(d.errors, 0);
	diag_free(&d);
}

/* Whom Postfix does not ask for TLS is not looked at, but as enforced. */
static void
test_clear(void **state)
{
	static const char said[] = "partner a domain=a.example mode=none\n";
	struct diags d = {0};
	struct registry *r =
	    registry_parse("r", said, sizeof(said) - 1, AT, &d);
	struct probeplan p;

	(void)state;
	probeplan_init(&p, r, false);
	probeplan_all(&p);
	assert_int_equal(p.n, 0);
	assert_int_equal(p.nskip, 1);
	assert_string_equal(p.skip[0].what, "a.example");
	probeplan_release(&p);
	probeplan_init(&p, r, true);
	probeplan_all(&p);
	assert_int_equal(p.n, 1);
	probeplan_release(&p);
	diag_free(&d);
	registry_free(r);
}

static void
test_sessions(void **state)
{
	static const struct {
		enum starttls_outcome outcome;
		enum starttls_phase phase;
		bool injected;
		enum fault want;
	} rows[] = {
	    {STARTTLS_OK, STARTTLS_EHLO_TLS, false, FAULT_OK},
	    {STARTTLS_OK, STARTTLS_EHLO_TLS, true, FAULT_INJECTED},
	    {STARTTLS_CONNECT_REFUSED, STARTTLS_CONNECT, false,
		FAULT_CONNECT_REFUSED},
	    {STARTTLS_CONNECT_TIMEOUT, STARTTLS_CONNECT, false,
		FAULT_CONNECT_TIMEOUT},
	    {STARTTLS_CONNECT_FAILED, STARTTLS_CONNECT, false,
		FAULT_CONNECT_FAILED},
	    {STARTTLS_GREETING_REFUSED, STARTTLS_GREETING, false,
		FAULT_GREETING_REFUSED},
	    {STARTTLS_EHLO_REFUSED, STARTTLS_EHLO, false, FAULT_SMTP_ERROR},
	    {STARTTLS_EHLO_REFUSED, STARTTLS_EHLO_TLS, false, FAULT_SMTP_ERROR},
	    {STARTTLS_NOT_OFFERED, STARTTLS_EHLO, false, FAULT_NO_STARTTLS},
	    {STARTTLS_MASKED, STARTTLS_EHLO, false, FAULT_NO_STARTTLS},
	    {STARTTLS_REFUSED, STARTTLS_COMMAND, false, FAULT_STARTTLS_REFUSED},
	    {STARTTLS_PROTOCOL_TOO_OLD, STARTTLS_HANDSHAKE, false,
		FAULT_PROTOCOL_TOO_OLD},
	    {STARTTLS_HANDSHAKE_FAILED, STARTTLS_HANDSHAKE, false,
		FAULT_HANDSHAKE_FAILED},
	    {STARTTLS_TLS_BROKEN, STARTTLS_EHLO_TLS, false,
		FAULT_HANDSHAKE_FAILED},
	    {STARTTLS_TIMEOUT, STARTTLS_GREETING, false, FAULT_TIMEOUT},
	    {STARTTLS_TIMEOUT, STARTTLS_COMMAND, false, FAULT_TIMEOUT},
	    {STARTTLS_TIMEOUT, STARTTLS_HANDSHAKE, false,
		FAULT_HANDSHAKE_FAILED},
	    {STARTTLS_TIMEOUT, STARTTLS_EHLO_TLS, false, FAULT_TIMEOUT},
	    {STARTTLS_CLOSED, STARTTLS_EHLO, false, FAULT_CONNECTION_LOST},
	    {STARTTLS_CLOSED, STARTTLS_HANDSHAKE, false,
		FAULT_HANDSHAKE_FAILED},
	    {STARTTLS_TOO_MUCH, STARTTLS_EHLO, false, FAULT_TOO_MUCH_DATA},
	    {STARTTLS_TOO_MUCH, STARTTLS_HANDSHAKE, false,
		FAULT_HANDSHAKE_FAILED},
	    {STARTTLS_CERT_WANTED, STARTTLS_HANDSHAKE, false,
		FAULT_CLIENT_CERTIFICATE},
	    {STARTTLS_CERT_WANTED, STARTTLS_EHLO_TLS, false,
		FAULT_CLIENT_CERTIFICATE},
	    {STARTTLS_LOCAL, STARTTLS_CONNECT, false, FAULT_LOCAL_ERROR},
	};
	uint32_t p = registry_find(registry, "soft");
	struct judge_gateway g = {.attributes = registry->partner[p].attributes,
	    .gateway = registry->partner[p].gateway,
	    .level = LEVEL_OPPORTUNISTIC,
	    .at = AT};
	struct judge *j = judge_new("/nonexistent/ca.pem");
	static struct judgement v;
	struct starttls_result r;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&r, 0, sizeof(r));
		r.outcome = rows[i].outcome;
		r.phase = rows[i].phase;
		r.injected = rows[i].injected;
		assert_int_equal(judge_session(j, &g, &r, &v, &e), 0);
		assert_string_equal(
		    fault_text(v.fault), fault_text(rows[i].want));
	}
	judge_free(j);
}

/* --- Chains ----------------------------------------------------------- */

static char *
write_root(const struct shape_world *w, const char *path)
{
	FILE *f = fopen(path, "w");
	char *pem = NULL;

	assert_non_null(f);
	mk_pem(w->root.x, &pem);
	(void)fputs(pem, f);
	assert_int_equal(fclose(f), 0);
	return pem;
}

static void
test_chain(void **state)
{
	static const struct {
		const char *partner;
		struct mk leaf;
		enum fault fault; /* as a session */
		bool passed;
		int proto;
		enum certrule_verify by;
	} rows[] = {
	    {"name", {.cn = GW, DNS_GW}, FAULT_OK, true, TLS1_3_VERSION,
		CERTRULE_BY_NAME},
	    {"name", {.cn = "x"}, FAULT_NAME_MISMATCH, false, TLS1_2_VERSION,
		CERTRULE_BY_NAME},
	    {"strict", {.cn = "x", DNS_GW}, FAULT_COMMON_NAME_MISMATCH, false,
		TLS1_3_VERSION, CERTRULE_BY_NAME},
	    {"key", {.cn = GW}, FAULT_KEY_CHANGED, false, TLS1_3_VERSION,
		CERTRULE_BY_KEY},
	    {"dane", {.cn = GW}, FAULT_NO_TLSA, false, TLS1_3_VERSION,
		CERTRULE_BY_DANE},
	    {"none", {.cn = "x"}, FAULT_OK, true, TLS1_3_VERSION,
		CERTRULE_BY_NONE},
	    {"soft", {.cn = "x"}, FAULT_OK, false, TLS1_3_VERSION,
		CERTRULE_BY_NAME},
	    {"soft", {.cn = GW}, FAULT_OK, true, TLS1_3_VERSION,
		CERTRULE_BY_NAME},
	    {"soft", {.cn = GW}, FAULT_OK, false, TLS1_1_VERSION,
		CERTRULE_BY_NAME},
	};
	char path[] = "/tmp/t_judge.XXXXXX";
	struct shape_world *w = shape_world(AT);
	static struct judgement v;
	struct judge *j;
	size_t i;
	int fd;

	(void)state;
	assert_true((fd = mkstemp(path)) != -1);
	(void)close(fd);
	free(write_root(w, path));
	j = judge_new(path);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t p = registry_find(registry, rows[i].partner);
		struct mk_cert leaf = mk_cert(&rows[i].leaf, &w->root, AT);
		struct starttls_result r = {.outcome = STARTTLS_OK,
		    .tls = true,
		    .proto = rows[i].proto,
		    .chain = sk_X509_new_null()};
		struct judge_gateway g = {
		    .attributes = registry->partner[p].attributes,
		    .gateway = registry->partner[p].gateway,
		    .level = partner_level(&registry->partner[p]),
		    .nexthop = "a.example",
		    .host = GW,
		    .at = AT};
		struct err e = {0};

		sk_X509_push(r.chain, leaf.x);
		assert_int_equal(judge_session(j, &g, &r, &v, &e), 0);
		assert_string_equal(
		    fault_text(v.fault), fault_text(rows[i].fault));
		assert_int_equal(v.passed, rows[i].passed);
		assert_int_equal(v.by, rows[i].by);
		sk_X509_free(r.chain);
		/* No certificate at all. */
		r.chain = NULL;
		assert_int_equal(judge_session(j, &g, &r, &v, &e), 0);
		assert_int_equal(v.fault,
		    g.level > LEVEL_ENCRYPT ? FAULT_NO_CERTIFICATE : FAULT_OK);
		mk_free(&leaf);
	}
	judge_free(j);
	(void)unlink(path);
	shape_world_free(w);
}

/* Whose name a certificate under a TLSA record of usage 2 has to bear. */
static void
test_dane_names(void **state)
{
	static const struct {
		const char *san, *host, *nexthop, *base;
		enum fault want;
		const char *expanded;
	} rows[] = {
	    {"DNS:base.example", "alias.example", "e.example", "base.example",
		FAULT_OK, NULL},
	    {"DNS:e.example", "alias.example", "e.example", "base.example",
		FAULT_OK, NULL},
	    {"DNS:alias.example", "alias.example", "e.example", "base.example",
		FAULT_NAME_MISMATCH, NULL},
	    {"DNS:e.example", "e.example", "e.example", "e.example", FAULT_OK,
		NULL},
	    {"DNS:other.example", "alias.example", "e.example", "base.example",
		FAULT_OK, "other.example"},
	    {"DNS:other.example", "alias.example", "e.example", "base.example",
		FAULT_NAME_MISMATCH, ""},
	    /* No MX record, and the domain is an alias. */
	    {"DNS:e.example", "e.example", "e.example", "base.example",
		FAULT_NAME_MISMATCH, NULL},
	    {"DNS:base.example", "e.example", "e.example", "base.example",
		FAULT_OK, NULL},
	};
	struct shape_world *w = shape_world(AT);
	const struct partner *p =
	    &registry->partner[registry_find(registry, "dane")];
	struct judge *j = judge_new("/nonexistent/ca.pem");
	static struct judgement v;
	unsigned char *der = NULL;
	int len = i2d_X509(w->root.x, &der);
	struct x509_tlsa tlsa = {2, 0, 0, der, (size_t)len};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mk_cert leaf =
		    mk_cert(&(struct mk){.san = rows[i].san}, &w->root, AT);
		struct starttls_result r = {.outcome = STARTTLS_OK,
		    .tls = true,
		    .proto = TLS1_3_VERSION,
		    .chain = sk_X509_new_null()};
		struct judge_gateway g = {.attributes = p->attributes,
		    .gateway = p->gateway,
		    .level = LEVEL_SECURE,
		    .nexthop = rows[i].nexthop,
		    .host = rows[i].host,
		    .tlsa = &tlsa,
		    .ntlsa = 1,
		    .tlsa_base = rows[i].base,
		    .expanded = rows[i].expanded,
		    .at = AT};
		struct err e = {0};

		sk_X509_push(r.chain, leaf.x);
		assert_int_equal(judge_session(j, &g, &r, &v, &e), 0);
		if (v.fault != rows[i].want)
			fail_msg("row %zu: %s", i, fault_text(v.fault));
		sk_X509_free(r.chain);
		mk_free(&leaf);
	}
	OPENSSL_free(der);
	judge_free(j);
	shape_world_free(w);
}

/* What cannot be found out of TLSA records stops mail where `dane` counts. */
static void
test_tlsa_failed(void **state)
{
	static const struct {
		bool dane;
		enum fault tlsa, want;
	} rows[] = {
	    {true, FAULT_TLSA_FAILED, FAULT_TLSA_FAILED},
	    {true, FAULT_NO_TLSA, FAULT_OK},
	    {true, FAULT_OK, FAULT_OK},
	    {false, FAULT_TLSA_FAILED, FAULT_OK},
	};
	const struct partner *p =
	    &registry->partner[registry_find(registry, "soft")];
	struct judge *j = judge_new("/nonexistent/ca.pem");
	struct starttls_result r = {
	    .outcome = STARTTLS_OK, .tls = true, .proto = TLS1_3_VERSION};
	static struct judgement v;
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct judge_gateway g = {.attributes = p->attributes,
		    .gateway = p->gateway,
		    .level = LEVEL_OPPORTUNISTIC,
		    .tlsa_fault = rows[i].tlsa,
		    .dane = rows[i].dane,
		    .at = AT};

		assert_int_equal(judge_session(j, &g, &r, &v, &e), 0);
		assert_int_equal(v.fault, rows[i].want);
	}
	judge_free(j);
}

static void
test_no_ca(void **state)
{
	uint32_t p = registry_find(registry, "name");
	struct judge_gateway g = {.attributes = registry->partner[p].attributes,
	    .gateway = registry->partner[p].gateway,
	    .level = LEVEL_SECURE,
	    .at = AT};
	struct judge *j = judge_new("/nonexistent/ca.pem");
	struct err e = {0};

	(void)state;
	assert_int_equal(judge_load(j, &g, &e), -1);
	assert_non_null(strstr(e.text, "/nonexistent/ca.pem"));
	memset(&e, 0, sizeof(e));
	assert_int_equal(judge_load(j, &g, &e), -1);
	assert_non_null(strstr(e.text, "/nonexistent/ca.pem"));
	judge_free(j);
	judge_free(NULL);
}

/* The digest of a rule: each part of it counts, and nothing else does. */
static void
test_rule(void **state)
{
	const struct partner *p =
	    &registry->partner[registry_find(registry, "name")];
	static const struct strs none;
	struct attributes t = *p->attributes, was = t;
	struct judge_gateway g = {
	    .attributes = &t, .gateway = p->gateway, .level = LEVEL_SECURE};
	char first[DIGEST_HEX], now[DIGEST_HEX];
	size_t i;

	(void)state;
	judge_rule(&g, first);
	t.note = "another";
	t.drop_count++;
	judge_rule(&g, now);
	assert_string_equal(first, now);
	for (i = 0; i < 6; i++) {
		t = was;
		t.verify += i == 0;
		t.common_name += i == 1;
		t.min_tls += i == 2;
		t.protocols = i == 3 ? ">=TLSv1.3" : was.protocols;
		g.gateway = i == 4 ? &none : p->gateway;
		g.level = i == 5 ? LEVEL_ENCRYPT : LEVEL_SECURE;
		judge_rule(&g, now);
		assert_string_not_equal(first, now);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sessions),
	    cmocka_unit_test(test_dns),
	    cmocka_unit_test(test_tlsa),
	    cmocka_unit_test(test_plan),
	    cmocka_unit_test(test_row),
	    cmocka_unit_test(test_terms),
	    cmocka_unit_test(test_clear),
	    cmocka_unit_test(test_chain),
	    cmocka_unit_test(test_dane_names),
	    cmocka_unit_test(test_tlsa_failed),
	    cmocka_unit_test(test_no_ca),
	    cmocka_unit_test(test_rule),
	};

	return cmocka_run_group_tests(tests, setup, teardown) != 0;
}
