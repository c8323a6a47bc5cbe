/* Certificate rules: every shape of certificate against its verdict. */
#include "certrule.h"
#include "err.h"
#include "shapemake.h"

#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define AT 1795392000 /* 2026-11-23 */

static struct shape_world *world;

static int
setup(void **state)
{
	(void)state;
	world = shape_world(AT);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	shape_world_free(world);
	return 0;
}

static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* What must hold for any verdict. */
static void
check_verdict(const struct certverdict *v)
{
	enum fault worst = FAULT_OK;
	size_t i;

	for (i = 0; i < CERTRULE_COUNT; i++) {
		const struct certrule_result *r = &v->rule[i];

		assert_true(is_plain(r->observed));
		assert_true(is_plain(r->sentence));
		assert_true(strlen(r->sentence) > 10);
		assert_int_equal(
		    r->state == CERTRULE_FAIL, r->fault != FAULT_OK);
		worst = fault_worse(worst, r->fault);
	}
	assert_int_equal(worst, v->fault);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
judge(const struct shape *s, const struct shape_made *m,
    const struct certrules *rules, struct certverdict *v)
{
	STACK_OF(X509) * c;
	struct err err = {0};

	c = x509_chain_parse(m->chain, strlen(m->chain), &err);
	if (c == NULL)
		fail_msg("%s: %s", s->name, err.text);
	assert_int_equal(certrule_judge(c, rules, v, &err), 0);
	sk_X509_pop_free(c, X509_free);
}

static struct x509_store *
store_of(const struct shape_made *m)
{
	struct err err = {0};
	struct x509_store *s;

	s = x509_store_parse(m->is_ta ? X509_ANCHORS : X509_ROOTS, m->trust,
	    strlen(m->trust), "test", &err);
	if (s == NULL)
		fail_msg("%s", err.text);
	return s;
}

static void
test_shapes(void **state)
{
	struct certverdict v;
	struct shape_made m;
	struct certrules r;
	struct x509_store *store;
	const char *pin;
	int bad = 0;
	size_t i;

	(void)state;
	for (i = 0; i < NSHAPES; i++) {
		const struct shape *s = &shapes[i];

		shape_make(s, world, &m);
		store = store_of(&m);
		shape_rules(s, &m, store, &pin, AT, &r);
		judge(s, &m, &r, &v);
		check_verdict(&v);
		if (v.fault != s->fault || v.delivers != shape_delivers(s)) {
			print_error("%s: %s (want %s), delivers %d\n", s->name,
			    fault_text(v.fault), fault_text(s->fault),
			    v.delivers);
			bad++;
		}
		x509_store_free(store);
		shape_free(&m);
	}
	assert_int_equal(bad, 0);
}

/* One leaf by BY_ROOT, judged by what the caller adds to the rules. */
struct bench {
	struct mk_cert leaf;
	STACK_OF(X509) * chain;
	struct x509_store *store;
	char *pem;
	char *root;
	struct certrules r;
	struct certverdict v;
};

static const char *const by_gw[] = {GW};

static void
bench_init(struct bench *b, const struct mk *m, bool send_root)
{
	struct err err = {0};

	memset(b, 0, sizeof(*b));
	b->leaf = mk_cert(m, &world->root, AT);
	mk_pem(b->leaf.x, &b->pem);
	if (send_root)
		mk_pem(world->root.x, &b->pem);
	mk_pem(world->root.x, &b->root);
	b->chain = x509_chain_parse(b->pem, strlen(b->pem), &err);
	b->store = x509_store_parse(
	    X509_ROOTS, b->root, strlen(b->root), "root", &err);
	assert_non_null(b->chain);
	assert_non_null(b->store);
	b->r.store = b->store;
	b->r.gateway = by_gw;
	b->r.ngateway = 1;
	b->r.host = GW;
	b->r.nexthop = "example.test";
	b->r.at = AT;
}

static enum fault
bench_judge(struct bench *b)
{
	struct err err = {0};

	assert_int_equal(certrule_judge(b->chain, &b->r, &b->v, &err), 0);
	check_verdict(&b->v);
	return b->v.fault;
}

static void
bench_free(struct bench *b)
{
	mk_free(&b->leaf);
	sk_X509_pop_free(b->chain, X509_free);
	x509_store_free(b->store);
	free(b->pem);
	free(b->root);
}

static void
test_tokens(void **state)
{
	static const struct {
		const char *san, *match, *nexthop, *host;
		enum fault want;
	} rows[] = {
	    {"DNS:example.test", "nexthop", "example.test", NULL, FAULT_OK},
	    {"DNS:example.test", "NextHop", "EXAMPLE.test", NULL, FAULT_OK},
	    {"DNS:example.test", "dot-nexthop", "example.test", NULL,
		FAULT_NAME_MISMATCH},
	    {"DNS:a.b.example.test", "dot-nexthop", "example.test", NULL,
		FAULT_OK},
	    {"DNS:mx.p.test", "hostname", "example.test", "mx.p.test",
		FAULT_OK},
	    {"DNS:mx.p.test", "hostname", "example.test", NULL,
		FAULT_NAME_MISMATCH},
	    {"DNS:example.test", "nexthop", "", "", FAULT_NAME_MISMATCH},
	    {"DNS:example.test", "", "example.test", "", FAULT_NAME_MISMATCH},
	    {"DNS:example.test", ".", "example.test", "", FAULT_NAME_MISMATCH},
	    {"IP:192.0.2.1", "nexthop", "192.0.2.1", NULL, FAULT_OK},
	    {"IP:2001:db8::1", "hostname", NULL, "2001:db8::1", FAULT_OK},
	};
	struct bench b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bench_init(&b, &(struct mk){.san = rows[i].san}, false);
		b.r.gateway = &rows[i].match;
		b.r.nexthop = rows[i].nexthop;
		b.r.host = rows[i].host;
		if (bench_judge(&b) != rows[i].want)
			fail_msg("%s for %s", rows[i].match, rows[i].san);
		bench_free(&b);
	}
}

static void
test_nothing_configured(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, &(struct mk){DNS_GW}, false);
	b.r.ngateway = 0;
	assert_int_equal(bench_judge(&b), FAULT_NAME_MISMATCH);
	b.r.ngateway = 1;
	b.r.store = NULL;
	assert_int_equal(bench_judge(&b), FAULT_UNTRUSTED_ISSUER);
	b.r.verify = CERTRULE_BY_KEY;
	assert_int_equal(bench_judge(&b), FAULT_KEY_CHANGED);
	b.r.verify = CERTRULE_BY_DANE;
	assert_int_equal(bench_judge(&b), FAULT_NO_TLSA);
	b.r.verify = CERTRULE_BY_NONE;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	bench_free(&b);
}

static void
sha256_of(const X509 *x, bool key, unsigned char *md)
{
	unsigned char *der = NULL;
	int len = key ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der)
		      : i2d_X509(x, &der);

	assert_true(len > 0);
	assert_true(EVP_Digest(der, (size_t)len, md, NULL, EVP_sha256(), NULL));
	OPENSSL_free(der);
}

static void
test_dane(void **state)
{
	static const struct mk good = {.san = "DNS:" GW},
			       bad = {.cn = "b.test", .from = -9, .to = -2},
			       old = {.san = "DNS:" GW, .from = -9, .to = -2},
			       next = {.san = "DNS:example.test"};
	static const struct {
		const struct mk *leaf;
		uint8_t usage, selector;
		bool of_root, wrong;
		enum fault want;
	} rows[] = {
	    {&good, 3, 1, false, false, FAULT_OK},
	    {&good, 3, 0, false, false, FAULT_OK},
	    {&bad, 3, 1, false, false, FAULT_OK},
	    {&good, 3, 1, false, true, FAULT_DANE_MISMATCH},
	    {&good, 2, 0, true, false, FAULT_OK},
	    {&good, 2, 1, true, false, FAULT_OK},
	    {&good, 2, 1, true, true, FAULT_DANE_MISMATCH},
	    {&next, 2, 1, true, false, FAULT_OK},
	    {&bad, 2, 1, true, false, FAULT_NAME_MISMATCH},
	    {&old, 2, 1, true, false, FAULT_EXPIRED},
	    {&good, 2, 1, false, false, FAULT_DANE_MISMATCH},
	    {&good, 1, 1, false, false, FAULT_NO_TLSA},
	    {&good, 0, 1, true, false, FAULT_NO_TLSA},
	    {&good, 3, 9, false, false, FAULT_NO_TLSA},
	};
	struct x509_tlsa t = {.mtype = 1, .len = 32};
	unsigned char md[32];
	struct bench b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bench_init(&b, rows[i].leaf, true);
		sha256_of(rows[i].of_root ? world->root.x : b.leaf.x,
		    rows[i].selector == 1, md);
		md[7] ^= rows[i].wrong;
		t.usage = rows[i].usage;
		t.selector = rows[i].selector;
		t.data = md;
		b.r.verify = CERTRULE_BY_DANE;
		b.r.tlsa = &t;
		b.r.ntlsa = 1;
		if (bench_judge(&b) != rows[i].want)
			fail_msg("row %zu: %s, want %s", i,
			    fault_text(b.v.fault), fault_text(rows[i].want));
		bench_free(&b);
	}
}

/* verify=none takes anything, and still says what there is. */
static void
test_none(void **state)
{
	struct bench b;
	size_t i;

	(void)state;
	bench_init(&b,
	    &(struct mk){.cn = "b.test",
		.from = -9,
		.to = -2,
		.eku = "clientAuth",
		.key = MK_RSA768,
		.md = EVP_sha1},
	    false);
	b.r.verify = CERTRULE_BY_NONE;
	b.r.warn_days = 30;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_true(b.v.delivers);
	for (i = 0; i < CERTRULE_COUNT; i++)
		assert_int_not_equal(b.v.rule[i].state, CERTRULE_FAIL);
	assert_string_equal(b.v.rule[CERTRULE_NAME].observed, "CN:b.test");
	assert_int_equal(b.v.days_left, -2);
	bench_free(&b);
}

static void
test_look_ahead(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, &(struct mk){DNS_GW, .from = -340, .to = 20}, false);
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_false(b.v.warning);
	assert_int_equal(b.v.rule[CERTRULE_AHEAD].state, CERTRULE_NOT_ASKED);
	assert_int_equal(b.v.days_left, 20);
	b.r.warn_days = 20;
	bench_judge(&b);
	assert_false(b.v.warning);
	b.r.warn_days = 21;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_true(b.v.warning && b.v.rule[CERTRULE_AHEAD].warning);
	/* The last second is over for OpenSSL when it begins. */
	b.r.at = AT + 20 * MK_DAY - 1;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_int_equal(b.v.days_left, 0);
	b.r.at++;
	assert_int_equal(bench_judge(&b), FAULT_EXPIRED);
	assert_int_equal(b.v.days_left, 0);
	b.r.at++;
	assert_int_equal(bench_judge(&b), FAULT_EXPIRED);
	assert_int_equal(b.v.days_left, -1);
	assert_int_equal(b.v.rule[CERTRULE_AHEAD].state, CERTRULE_NOT_ASKED);
	bench_free(&b);
}

/* A short life is no fault, and what it rests on ends it as well. */
static void
test_share_of_life(void **state)
{
	struct mk_cert leaf;
	struct bench b;
	struct err err;
	char *pem = NULL;

	(void)state;
	bench_init(&b, &(struct mk){DNS_GW, .to = 5}, false); /* of 6 days */
	b.r.warn_days = 14;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_false(b.v.warning);
	assert_int_equal(b.v.days_left, 5);
	b.r.at = AT + 4 * MK_DAY;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_true(b.v.warning);
	bench_free(&b);
	/* The intermediate ends in 30 days. */
	bench_init(&b, &(struct mk){DNS_GW}, false);
	leaf = mk_cert(&(struct mk){DNS_GW, .to = 59}, &world->inter, AT);
	mk_pem(leaf.x, &pem);
	mk_pem(world->inter.x, &pem);
	sk_X509_pop_free(b.chain, X509_free);
	b.chain = x509_chain_parse(pem, strlen(pem), &err);
	mk_free(&leaf);
	free(pem);
	b.r.warn_days = 14;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_int_equal(b.v.days_left, 30);
	assert_int_equal(b.v.ends, AT + 30 * MK_DAY);
	b.r.at = AT + 26 * MK_DAY;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_int_equal(b.v.days_left, 4);
	assert_true(b.v.warning);
	assert_non_null(
	    strstr(b.v.rule[CERTRULE_AHEAD].sentence, "that it rests on"));
	bench_free(&b);
}

static void
test_last_key(void **state)
{
	char same[65], other[65];
	struct bench b;

	(void)state;
	bench_init(&b, &(struct mk){DNS_GW, .from = -9, .to = -2}, false);
	assert_int_equal(bench_judge(&b), FAULT_EXPIRED);
	assert_int_equal(b.v.key, CERTRULE_KEY_UNKNOWN);
	assert_int_equal(b.v.step, LEVEL_ENCRYPT);
	memcpy(same, b.v.leaf.spki_sha256, sizeof(same));
	memcpy(other, same, sizeof(other));
	other[5] = other[5] == '0' ? '1' : '0';
	b.r.last_key = same;
	bench_judge(&b);
	assert_int_equal(b.v.key, CERTRULE_KEY_SAME);
	assert_int_equal(b.v.step, LEVEL_KEY);
	b.r.last_key = other;
	bench_judge(&b);
	assert_int_equal(b.v.key, CERTRULE_KEY_NEW);
	assert_int_equal(b.v.step, LEVEL_ENCRYPT);
	b.r.last_key = "no hex";
	bench_judge(&b);
	assert_int_equal(b.v.key, CERTRULE_KEY_UNKNOWN);
	b.r.at -= 4 * MK_DAY;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_int_equal(b.v.step, LEVEL_SECURE);
	bench_free(&b);
}

static void
test_pins(void **state)
{
	const char *pins[3] = {"zz", "00:11", NULL};
	char colons[128] = "", *p = colons;
	struct bench b;
	size_t i;

	(void)state;
	bench_init(&b, &(struct mk){.cn = "b.test"}, false);
	bench_judge(&b);
	for (i = 0; i < 32; i++)
		p += sprintf(p, "%s%.2s", i > 0 ? ":" : "",
		    b.v.leaf.spki_sha256 + 2 * i);
	for (p = colons; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 'a' + 'A');
	b.r.verify = CERTRULE_BY_KEY;
	b.r.pin = pins;
	b.r.npin = 2;
	assert_int_equal(bench_judge(&b), FAULT_KEY_CHANGED);
	/* What has to be agreed anew. */
	assert_non_null(
	    strstr(b.v.rule[CERTRULE_PIN].sentence, b.v.leaf.spki_sha256));
	pins[2] = colons;
	b.r.npin = 3;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	bench_free(&b);
}

/* What a certificate that is trusted by itself says of its issuer. */
static void
test_issuer_unproved(void **state)
{
	static const char *const any[] = {"*"}, *const other[] = {"Other*"};
	struct bench b;
	struct err err;

	(void)state;
	bench_init(&b, &(struct mk){DNS_GW}, false);
	b.r.issuer = any;
	b.r.nissuer = 1;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_int_equal(b.v.rule[CERTRULE_ISSUER].state, CERTRULE_PASS);
	x509_store_free(b.store);
	b.store =
	    x509_store_parse(X509_ANCHORS, b.pem, strlen(b.pem), "leaf", &err);
	b.r.store = b.store;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_int_equal(b.v.rule[CERTRULE_ISSUER].state, CERTRULE_NOT_ASKED);
	assert_true(b.v.rule[CERTRULE_ISSUER].warning);
	b.r.issuer = other;
	assert_int_equal(bench_judge(&b), FAULT_WRONG_ISSUER);
	bench_free(&b);
	/* Nor does one of its own making, though it is among the CAs. */
	bench_init(&b, &(struct mk){DNS_GW}, false);
	mk_free(&b.leaf);
	b.leaf = mk_cert(&(struct mk){.cn = "Any CA", DNS_GW}, NULL, AT);
	sk_X509_pop_free(b.chain, X509_free);
	x509_store_free(b.store);
	free(b.pem);
	b.pem = NULL;
	mk_pem(b.leaf.x, &b.pem);
	b.chain = x509_chain_parse(b.pem, strlen(b.pem), &err);
	b.store =
	    x509_store_parse(X509_ROOTS, b.pem, strlen(b.pem), "own", &err);
	b.r.store = b.store;
	b.r.issuer = any;
	b.r.nissuer = 1;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_int_equal(b.v.rule[CERTRULE_ISSUER].state, CERTRULE_NOT_ASKED);
	bench_free(&b);
}

/* The first of two may be well: the sentence would contradict itself. */
static void
test_two_common_names(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, &(struct mk){DNS_GW, .cn = GW, .cn2 = "b.test"}, false);
	b.r.cn_is_gateway = true;
	assert_int_equal(bench_judge(&b), FAULT_COMMON_NAME_MISMATCH);
	assert_non_null(strstr(b.v.rule[CERTRULE_COMMON_NAME].sentence,
	    "several Common Names (" GW " + b.test)"));
	bench_free(&b);
}

/* Of a file: no server can have spoken TLS with that. */
static void
test_no_key_for_tls(void **state)
{
	static const struct {
		enum mk_key key;
		enum fault want;
	} rows[] = {
	    {MK_SECP256K1, FAULT_HANDSHAKE_FAILED},
	    {MK_X25519, FAULT_HANDSHAKE_FAILED},
	    {MK_SM2, FAULT_HANDSHAKE_FAILED},
	    {MK_ED25519, FAULT_OK},
	    {MK_P384, FAULT_OK},
	    {MK_RSA2048, FAULT_OK},
	};
	struct bench b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bench_init(&b, &(struct mk){DNS_GW, .key = rows[i].key}, false);
		assert_int_equal(bench_judge(&b), FAULT_OK);
		b.r.alone = true;
		assert_int_equal(bench_judge(&b), rows[i].want);
		assert_int_equal(b.v.delivers, rows[i].want == FAULT_OK);
		bench_free(&b);
	}
}

/* Postfix looks at all names and all keys of a row. */
static void
test_many(void **state)
{
	const char *many[600];
	struct bench b;
	size_t i;

	(void)state;
	bench_init(&b, &(struct mk){DNS_GW}, false);
	for (i = 0; i < 599; i++)
		many[i] = "other.example.test";
	many[599] = GW;
	b.r.gateway = many;
	b.r.ngateway = 600;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	for (i = 0; i < 599; i++)
		many[i] = "0011223344556677889900112233445566778899"
			  "001122334455667788990011";
	many[599] = b.v.leaf.spki_sha256;
	b.r.verify = CERTRULE_BY_KEY;
	b.r.pin = many;
	b.r.npin = 600;
	assert_int_equal(bench_judge(&b), FAULT_OK);
	bench_free(&b);
}

static void
test_floors(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, &(struct mk){DNS_GW, .key = MK_RSA1024}, false);
	assert_int_equal(bench_judge(&b), FAULT_OK);
	assert_true(b.v.warning && b.v.rule[CERTRULE_KEY_SIZE].warning);
	assert_true(b.v.delivers);
	assert_int_equal(b.v.step, LEVEL_SECURE);
	bench_free(&b);
}

/* Words that a postmaster can forward. */
static void
test_sentences(void **state)
{
	static const char *const two[] = {"nexthop", "dot-nexthop"};
	struct bench b;

	(void)state;
	bench_init(&b,
	    &(struct mk){.cn = "b%0d%0a\"x\"", .san = "DNS:c.test,email:p@d"},
	    false);
	b.r.gateway = two;
	b.r.ngateway = 2;
	b.r.cn_is_gateway = true;
	assert_int_equal(bench_judge(&b), FAULT_NAME_MISMATCH);
	assert_string_equal(b.v.rule[CERTRULE_NAME].sentence,
	    "The certificate is issued to DNS:c.test, email:p@d; none of this "
	    "is \"example.test\" or any name below \"example.test\".");
	assert_string_equal(b.v.rule[CERTRULE_COMMON_NAME].sentence,
	    "The Common Name of the certificate is "
	    "\"b\\x0d\\x0a\\x22x\\x22\"; agreed is \"example.test\" or any "
	    "name below \"example.test\".");
	assert_string_equal(
	    certrule_words[CERTRULE_COMMON_NAME].word, "common-name");
	assert_string_equal(
	    certrule_state_texts[CERTRULE_NOT_ASKED], "not-asked");
	bench_free(&b);
}

/* Long values are cut between characters, never in one. */
static void
test_long_values(void **state)
{
	char cn[3 * 700 + 1] = "", san[8 * 205] = "";
	struct bench b;
	size_t i, n;

	(void)state;
	for (i = 0; i < 350; i++)
		strcat(cn, "%c3%bc");
	for (i = 0; i < 8; i++) {
		n = strlen(san);
		(void)sprintf(san + n, "%sDNS:%0190zu.test", i ? "," : "", i);
	}
	bench_init(&b, &(struct mk){.cn = cn, .san = san}, false);
	b.r.cn_is_gateway = true;
	assert_int_equal(bench_judge(&b), FAULT_NAME_MISMATCH);
	n = strlen(b.v.rule[CERTRULE_NAME].sentence);
	assert_true(n > CERTRULE_TEXT_MAX - 8 && n < CERTRULE_TEXT_MAX);
	assert_string_equal(b.v.rule[CERTRULE_NAME].sentence + n - 3, "...");
	n = strlen(b.v.leaf.subject_cn);
	assert_true(n > 250 && n < X509_TEXT_MAX);
	assert_string_equal(b.v.leaf.subject_cn + n - 3, "...");
	bench_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_tokens),
	    cmocka_unit_test(test_nothing_configured),
	    cmocka_unit_test(test_dane),
	    cmocka_unit_test(test_none),
	    cmocka_unit_test(test_look_ahead),
	    cmocka_unit_test(test_share_of_life),
	    cmocka_unit_test(test_last_key),
	    cmocka_unit_test(test_pins),
	    cmocka_unit_test(test_issuer_unproved),
	    cmocka_unit_test(test_two_common_names),
	    cmocka_unit_test(test_no_key_for_tls),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_floors),
	    cmocka_unit_test(test_sentences),
	    cmocka_unit_test(test_long_values),
	};

	return cmocka_run_group_tests(tests, setup, teardown) != 0;
}
