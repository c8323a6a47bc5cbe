/* Chains and stores: reading, limits, words, names. */
#include "buf.h"
#include "err.h"
#include "mkcert.h"
#include "x509.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sysexits.h>
#include <unistd.h>
#include <cmocka.h>

#define AT 1795392000 /* 2026-11-23 */

static struct mk_cert root, leaf;
static char *root_pem, *leaf_pem;

static int
setup(void **state)
{
	(void)state;
	root = mk_cert(
	    &(struct mk){.cn = "R", .org = "Org Ltd", .ca = true}, NULL, AT);
	leaf = mk_cert(
	    &(struct mk){.cn = "mx.test", .san = "DNS:mx.test"}, &root, AT);
	mk_pem(root.x, &root_pem);
	mk_pem(leaf.x, &leaf_pem);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	mk_free(&root);
	mk_free(&leaf);
	free(root_pem);
	free(leaf_pem);
	return 0;
}

static STACK_OF(X509) * chain_of(const char *pem)
{
	struct err err = {0};
	STACK_OF(X509) *c = x509_chain_parse(pem, strlen(pem), &err);

	if (c == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(ERR_peek_error(), 0);
	return c;
}

/* A chain of one certificate that says m. */
static STACK_OF(X509) * made(const struct mk *m)
{
	struct mk_cert c = mk_cert(m, &root, AT);
	STACK_OF(X509) * chain;
	char *pem = NULL;

	mk_pem(c.x, &pem);
	chain = chain_of(pem);
	mk_free(&c);
	free(pem);
	return chain;
}

static void
test_parse(void **state)
{
	struct buf in = {0}, out = {0}, twice = {0};
	STACK_OF(X509) * c;
	BIO *mem = BIO_new(BIO_s_mem());
	char *key;
	long n;

	(void)state;
	/* Keys and words between the certificates are passed over. */
	assert_true(
	    PEM_write_bio_PrivateKey(mem, leaf.key, NULL, NULL, 0, NULL, NULL));
	n = BIO_get_mem_data(mem, &key);
	buf_puts(&in, "Bag Attributes\n  friendlyName: x\n");
	buf_puts(&in, leaf_pem);
	buf_add(&in, key, (size_t)n);
	buf_puts(&in, "subject=CN = R\n");
	buf_puts(&in, root_pem);
	buf_puts(&in, "the end");
	BIO_free(mem);
	c = chain_of(in.data);
	assert_int_equal(sk_X509_num(c), 2);
	assert_int_equal(x509_chain_pem(c, &out), 0);
	sk_X509_pop_free(c, X509_free);
	buf_printf(&twice, "%s%s", leaf_pem, root_pem);
	assert_string_equal(out.data, twice.data);
	sk_X509_pop_free(NULL, X509_free);
	buf_free(&in);
	buf_free(&out);
	buf_free(&twice);
}

static void
test_parse_bad(void **state)
{
	static const struct {
		const char *pem, *want;
	} rows[] = {
	    {"", "no certificate in it"},
	    {"hello\n", "no certificate in it"},
	    {"-----BEGIN CERTIFICATE-----\n", "is damaged"},
	    {"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"is damaged"},
	    {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"certificate 1 is damaged"},
	    {"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
		"is damaged"},
	    {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
		"no certificate in it"},
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(
		    x509_chain_parse(rows[i].pem, strlen(rows[i].pem), &err));
		assert_int_equal(err.code, EX_DATAERR);
		if (strstr(err.text, rows[i].want) == NULL)
			fail_msg("row %zu: %s", i, err.text);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

/* A good certificate and then a bad one: nothing is taken. */
static void
test_parse_tail(void **state)
{
	struct buf b = {0};
	struct err err;
	X509 *x = X509_dup(leaf.x);
	unsigned char *der = NULL, *longer;
	BIO *mem = BIO_new(BIO_s_mem());
	char *data;
	long n;
	int len = i2d_X509(x, &der);

	(void)state;
	buf_puts(&b, leaf_pem);
	buf_add(&b, leaf_pem, strlen(leaf_pem) - 60);
	assert_null(x509_chain_parse(b.data, b.len, &err));
	buf_clear(&b);
	/* One byte behind the certificate in the same block. */
	longer = calloc(1, (size_t)len + 1);
	assert_non_null(longer);
	memcpy(longer, der, (size_t)len);
	PEM_write_bio(mem, PEM_STRING_X509, "", longer, len + 1);
	n = BIO_get_mem_data(mem, &data);
	assert_null(x509_chain_parse(data, (size_t)n, &err));
	assert_non_null(strstr(err.text, "certificate 1 is damaged"));
	BIO_free(mem);
	OPENSSL_free(der);
	free(longer);
	X509_free(x);
	buf_free(&b);
}

static void
test_limits(void **state)
{
	struct buf b = {0};
	struct err err;
	STACK_OF(X509) * c;
	size_t i;

	(void)state;
	for (i = 0; i < X509_MAX_CERTS; i++)
		buf_puts(&b, leaf_pem);
	c = chain_of(b.data);
	assert_int_equal(sk_X509_num(c), X509_MAX_CERTS);
	sk_X509_pop_free(c, X509_free);
	buf_puts(&b, leaf_pem);
	assert_null(x509_chain_parse(b.data, b.len, &err));
	assert_non_null(strstr(err.text, "more than 512"));
	while (b.len <= X509_MAX_PEM)
		buf_puts(&b, "filler filler filler filler filler filler\n");
	assert_null(x509_chain_parse(b.data, b.len, &err));
	assert_non_null(strstr(err.text, "longer than"));
	buf_free(&b);
}

static void
test_info(void **state)
{
	STACK_OF(X509) *c = chain_of(leaf_pem);
	unsigned char md[32], *der = NULL;
	struct x509_info in;
	char hex[65];
	size_t i;
	int len;

	(void)state;
	x509_info(sk_X509_value(c, 0), &in);
	assert_string_equal(in.subject_cn, "mx.test");
	assert_string_equal(in.issuer_cn, "R");
	assert_string_equal(in.issuer_org, "Org Ltd");
	assert_string_equal(in.key_type, "EC");
	assert_int_equal(in.key_bits, 256);
	assert_string_equal(in.signature, "ecdsa-with-SHA256");
	assert_int_equal(in.signature_bits, 128);
	assert_true(in.dates_ok);
	assert_int_equal(in.not_before, AT - MK_DAY);
	assert_int_equal(in.not_after, AT + 30 * MK_DAY);
	assert_false(in.self_signed);
	assert_int_equal(in.sans, 1);
	assert_int_equal(in.dns_sans, 1);
	/* The digest that `openssl pkey -pubin -outform DER` leads to. */
	len = i2d_PUBKEY(leaf.key, &der);
	assert_true(EVP_Digest(der, (size_t)len, md, NULL, EVP_sha256(), NULL));
	OPENSSL_free(der);
	for (i = 0; i < 32; i++)
		(void)sprintf(hex + 2 * i, "%02x", md[i]);
	assert_string_equal(in.spki_sha256, hex);
	assert_int_equal(strlen(in.cert_sha256), 64);
	sk_X509_pop_free(c, X509_free);
	c = chain_of(root_pem);
	x509_info(sk_X509_value(c, 0), &in);
	assert_true(in.self_signed);
	assert_int_equal(in.sans, 0);
	sk_X509_pop_free(c, X509_free);
}

static void
test_kinds(void **state)
{
	static const struct {
		enum mk_key key;
		const char *type;
		int bits;
	} rows[] = {
	    {MK_P384, "EC", 384},
	    {MK_RSA1024, "RSA", 1024},
	    {MK_ED25519, "ED25519", 256},
	};
	struct x509_info in;
	STACK_OF(X509) * c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c = made(&(struct mk){.key = rows[i].key});
		x509_info(sk_X509_value(c, 0), &in);
		assert_string_equal(in.key_type, rows[i].type);
		assert_int_equal(in.key_bits, rows[i].bits);
		assert_string_equal(in.subject_cn, "");
		sk_X509_pop_free(c, X509_free);
	}
	c = made(&(struct mk){.md = EVP_sha1});
	x509_info(sk_X509_value(c, 0), &in);
	assert_true(in.signature_bits > 0 && in.signature_bits < 80);
	sk_X509_pop_free(c, X509_free);
}

static void
test_text(void **state)
{
	static const struct {
		const char *cn, *want;
	} rows[] = {
	    {"plain name", "plain name"},
	    {"a%00b", "a\\x00b"},
	    {"%0d%0aX: y%1b[31m%7f", "\\x0d\\x0aX: y\\x1b[31m\\x7f"},
	    {"q\"q\\q", "q\\x22q\\x5cq"},
	    {"m%c3%bcnchen", "m\xc3\xbcnchen"},
	    {"%c2%9b31m", "\\xc2\\x9b31m"},
	    {"a%e2%80%aeb", "a\\xe2\\x80\\xaeb"},
	    {"a%ef%bb%bfb", "a\\xef\\xbb\\xbfb"},
	    {"%f3%a0%81%81", "\\xf3\\xa0\\x81\\x81"},
	    {"%f0%9f%93%a7", "\xf0\x9f\x93\xa7"},
	};
	struct x509_info in;
	STACK_OF(X509) * c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c = made(&(struct mk){.cn = rows[i].cn});
		x509_info(sk_X509_value(c, 0), &in);
		assert_string_equal(in.subject_cn, rows[i].want);
		sk_X509_pop_free(c, X509_free);
	}
}

static void
test_text_long(void **state)
{
	char cn[4000];
	struct x509_info in;
	STACK_OF(X509) * c;

	(void)state;
	memset(cn, 'x', sizeof(cn) - 1);
	cn[sizeof(cn) - 1] = '\0';
	c = made(&(struct mk){.cn = cn});
	x509_info(sk_X509_value(c, 0), &in);
	assert_true(strlen(in.subject_cn) > 250);
	assert_string_equal(in.subject_cn + strlen(in.subject_cn) - 4, "x...");
	sk_X509_pop_free(c, X509_free);
}

static void
test_san(void **state)
{
	struct buf b = {0};
	STACK_OF(X509) * c;

	(void)state;
	c = made(&(struct mk){.san = "DNS:a%0a,email:p@x,URI:u:,other,"
				     "IP:192.0.2.1,IP:2001:db8::1"});
	x509_san_text(sk_X509_value(c, 0), 10, &b);
	assert_string_equal(b.data,
	    "DNS:a\\x0a, email:p@x, URI:u:, other, IP:192.0.2.1, "
	    "IP:2001:db8::1");
	buf_clear(&b);
	x509_san_text(sk_X509_value(c, 0), 2, &b);
	assert_string_equal(b.data, "DNS:a\\x0a, email:p@x and 4 more");
	sk_X509_pop_free(c, X509_free);
	buf_clear(&b);
	c = made(&(struct mk){.sans = 1000});
	x509_san_text(sk_X509_value(c, 0), 1, &b);
	assert_string_equal(b.data, "DNS:n0.fill.test and 999 more");
	sk_X509_pop_free(c, X509_free);
	buf_clear(&b);
	c = made(&(struct mk){.cn = "x"});
	x509_san_text(sk_X509_value(c, 0), 9, &b);
	assert_int_equal(b.len, 0);
	sk_X509_pop_free(c, X509_free);
	buf_free(&b);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_cn(void **state)
{
	static const struct {
		struct mk m;
		const char *name;
		bool want;
	} rows[] = {
	    {{.cn = "mx.test"}, "mx.test", true},
	    {{.cn = "MX.Test"}, "mx.tEST", true},
	    {{.cn = "mx.test", .san = "DNS:b"}, "mx.test", true},
	    {{.cn = "b", .san = "DNS:mx.test"}, "mx.test", false},
	    {{.cn = "*.a.test"}, "mx.a.test", true},
	    {{.cn = "*.a.test"}, "x.mx.a.test", false},
	    {{.cn = "m*.a.test"}, "mx.a.test", false},
	    {{.cn = "x.y.a.test"}, ".a.test", true},
	    {{.cn = "a.test"}, ".a.test", false},
	    {{.cn = "mx.test%00"}, "mx.test", false},
	    {{.cn = "mx.test", .cn2 = "b"}, "mx.test", false},
	    {{.cn = "mx.test", .cn2 = "MX.test"}, "mx.test", true},
	    {{.org = "x"}, "mx.test", false},
	    {{.cn = "192.0.2.1"}, "192.0.2.1", true},
	    {{.cn = ""}, "", false},
	    {{.cn = "anything"}, "", false},
	    {{.cn = "https://evil.test/.a.test"}, ".a.test", false},
	    {{.cn = "Evil Corp (x.a.test"}, ".a.test", false},
	    {{.cn = ".a.test"}, ".a.test", false},
	    {{.cn = "x..a.test"}, ".a.test", false},
	    {{.cn = "x@mx.a.test"}, ".a.test", false},
	    {{.cn = "*.mx.a.test"}, ".a.test", true},
	    {{.cn = "x_1.a.test"}, ".a.test", true},
	    {{.cn = "2001:db8::1"}, "2001:db8::1", true},
	    {{.cn = ":.a.test"}, ".a.test", false},
	    {{.cn = "x:25.a.test"}, ".a.test", false},
	    {{.cn = "-x.a.test"}, ".a.test", false},
	    {{.cn = "x-.a.test"}, ".a.test", false},
	    {{.cn = "x-1.a.test"}, ".a.test", true},
	};
	STACK_OF(X509) * c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c = made(&rows[i].m);
		if (x509_cn_is(sk_X509_value(c, 0), &rows[i].name, 1) !=
		    rows[i].want)
			fail_msg("row %zu", i);
		assert_false(x509_cn_is(sk_X509_value(c, 0), NULL, 0));
		sk_X509_pop_free(c, X509_free);
	}
}

static void
test_issuer(void **state)
{
	static const struct {
		const char *pattern;
		bool want;
	} rows[] = {
	    {"R", true},
	    {"r", true},
	    {"Org Ltd", true},
	    {"org*", true},
	    {"*LTD", true},
	    {"*g*t*", true},
	    {"*", true},
	    {"**", true},
	    {"Org", false},
	    {"", false},
	    {"*x", false},
	    {"mx.test", false},
	    {"Org Ltd*x", false},
	    {"?", false},
	};
	STACK_OF(X509) *c = chain_of(leaf_pem);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (x509_issuer_like(sk_X509_value(c, 0), &rows[i].pattern,
			1) != rows[i].want)
			fail_msg("%s", rows[i].pattern);
	sk_X509_pop_free(c, X509_free);
}

/* Of two organisations each is to be agreed; both are shown. */
static void
test_issuer_two(void **state)
{
	static const char *const good[] = {"Good*"},
				 *const both[] = {"EVIL", "good ca"},
				 *const cn[] = {"R?", "R"};
	struct mk_cert ca = mk_cert(&(struct mk){.org = "Good CA",
					.org2 = "Evil",
					.cn = "R",
					.ca = true},
			   NULL, AT),
		       of = mk_cert(
			   &(struct mk){.cn = "\xd0\xb0.example"}, &ca, AT);
	struct x509_info in;

	(void)state;
	assert_false(x509_issuer_like(of.x, good, 1));
	assert_true(x509_issuer_like(of.x, both, 2));
	assert_true(x509_issuer_like(of.x, cn, 2));
	assert_false(x509_issuer_like(of.x, cn, 1));
	x509_info(of.x, &in);
	assert_string_equal(in.issuer_org, "Good CA + Evil");
	/* A Cyrillic letter that looks like an a. */
	assert_string_equal(in.subject_cn, "\\xd0\\xb0.example");
	mk_free(&of);
	mk_free(&ca);
}

/* A pattern of many stars against a long name ends soon. */
static void
test_issuer_hostile(void **state)
{
	struct mk_cert ca;
	STACK_OF(X509) * c;
	char org[30001], pattern[2001], *pem = NULL;
	X509 *x;
	size_t i;

	(void)state;
	memset(org, 'a', sizeof(org) - 1);
	org[sizeof(org) - 1] = '\0';
	for (i = 0; i < sizeof(pattern) - 1; i++)
		pattern[i] = i % 2 == 0 ? '*' : 'a';
	pattern[sizeof(pattern) - 2] = 'b';
	pattern[sizeof(pattern) - 1] = '\0';
	ca = mk_cert(
	    &(struct mk){.org = org, .cn = "x%00R", .ca = true}, NULL, AT);
	x = mk_sign(&(struct mk){.cn = "y"}, leaf.key, &ca, AT);
	mk_pem(x, &pem);
	c = chain_of(pem);
	assert_false(x509_issuer_like(
	    sk_X509_value(c, 0), (const char *const[]){pattern, "*R"}, 2));
	sk_X509_pop_free(c, X509_free);
	X509_free(x);
	mk_free(&ca);
	free(pem);
}

static void
test_store(void **state)
{
	char path[] = "/tmp/t_x509.XXXXXX";
	struct x509_store *s;
	struct err err;
	int fd = mkstemp(path);

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_null(x509_store_load(X509_ROOTS, path, &err));
	assert_int_equal(err.code, EX_DATAERR);
	assert_null(x509_store_load(X509_ANCHORS, path, &err));
	assert_int_equal(
	    write(fd, root_pem, strlen(root_pem)), (ssize_t)strlen(root_pem));
	s = x509_store_load(X509_ROOTS, path, &err);
	assert_non_null(s);
	x509_store_free(s);
	s = x509_store_load(X509_ANCHORS, path, &err);
	assert_non_null(s);
	x509_store_free(s);
	/* Half a certificate behind it spoils the file, as for Postfix. */
	assert_int_equal(write(fd, root_pem, 200), 200);
	assert_null(x509_store_load(X509_ROOTS, path, &err));
	assert_null(x509_store_load(X509_ANCHORS, path, &err));
	(void)close(fd);
	(void)unlink(path);
	assert_null(x509_store_load(X509_ROOTS, path, &err));
	assert_int_equal(err.code, EX_NOINPUT);
	x509_store_free(NULL);
	assert_int_equal(ERR_peek_error(), 0);
}

/* A key of tomorrow is passed over, as Postfix does. */
static void
strange_anchor(bool public)
{
	static const unsigned char ec[] = {
	    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
	unsigned char *der = NULL, *at;
	int len = public ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(root.x), &der)
			 : i2d_X509(root.x, &der);
	BIO *mem = BIO_new(BIO_s_mem());
	struct x509_store *s;
	struct buf b = {0};
	struct err err;
	char *pem;
	long n;

	at = memmem(der, (size_t)len, ec, sizeof(ec));
	assert_non_null(at);
	at[sizeof(ec) - 1] = 0x63; /* 1.2.840.10045.2.99 */
	PEM_write_bio(
	    mem, public ? PEM_STRING_PUBLIC : PEM_STRING_X509, "", der, len);
	n = BIO_get_mem_data(mem, &pem);
	buf_add(&b, pem, (size_t)n);
	assert_null(x509_store_parse(X509_ANCHORS, b.data, b.len, "r", &err));
	buf_puts(&b, root_pem);
	s = x509_store_parse(X509_ANCHORS, b.data, b.len, "r", &err);
	assert_non_null(s);
	assert_int_equal(x509_store_unread(s), 1);
	x509_store_free(s);
	s = x509_store_parse(
	    X509_ANCHORS, root_pem, strlen(root_pem), "r", &err);
	assert_int_equal(x509_store_unread(s), 0);
	x509_store_free(s);
	BIO_free(mem);
	OPENSSL_free(der);
	buf_free(&b);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_strange_anchor(void **state)
{
	(void)state;
	strange_anchor(false);
	strange_anchor(true);
}

static void
test_verify(void **state)
{
	static const char *const names[] = {"mx.test"};
	struct x509_ask ask = {.names = names, .nnames = 1, .at = AT};
	STACK_OF(X509) *c = chain_of(leaf_pem);
	struct x509_verdict v;
	struct x509_store *s;
	struct err err;
	size_t i;

	(void)state;
	s = x509_store_parse(X509_ROOTS, root_pem, strlen(root_pem), "r", &err);
	ask.store = s;
	/* One store serves any number of checks, and none leaves a trace. */
	for (i = 0; i < 100; i++) {
		ask.at = i % 2 == 0 ? AT : AT + 40 * MK_DAY;
		assert_int_equal(x509_verify(c, &ask, &v, &err), 0);
		assert_int_equal(v.ok, i % 2 == 0);
		assert_int_equal(v.bad[X509_BAD_EXPIRED].found, i % 2 == 1);
	}
	ask.at = AT;
	assert_int_equal(x509_verify(c, &ask, &v, &err), 0);
	assert_string_equal(v.matched, "mx.test");
	assert_int_equal(v.depth, 2);
	assert_string_equal(v.top, "R");
	assert_true(v.ends_known);
	assert_int_equal(v.ends, AT + 30 * MK_DAY);
	/* All faults are told, not only the first. */
	ask.store = NULL;
	ask.nnames = 0;
	ask.at = AT - 9 * MK_DAY;
	assert_int_equal(x509_verify(c, &ask, &v, &err), 0);
	assert_false(v.ok);
	assert_true(v.bad[X509_BAD_UNTRUSTED].found);
	assert_true(v.bad[X509_BAD_NAME].found);
	assert_true(v.bad[X509_BAD_NOT_YET].found);
	assert_false(v.bad[X509_BAD_EXPIRED].found);
	assert_int_equal(ERR_peek_error(), 0);
	x509_store_free(s);
	sk_X509_pop_free(c, X509_free);
}

/* A name that is none is nobody's, and not anybody's. */
static void
test_empty_names(void **state)
{
	static const char *const names[][2] = {
	    {"", "mx.test"}, {".", "mx.test"}, {"", "."}, {"", "other.test"}};
	STACK_OF(X509) *c = chain_of(leaf_pem);
	struct x509_ask ask = {.at = AT};
	struct x509_verdict v;
	struct x509_store *s;
	struct err err;
	size_t i;

	(void)state;
	ask.store = s =
	    x509_store_parse(X509_ROOTS, root_pem, strlen(root_pem), "r", &err);
	for (i = 0; i < 4; i++) {
		ask.names = names[i];
		ask.nnames = 1;
		assert_int_equal(x509_verify(c, &ask, &v, &err), 0);
		assert_false(v.ok);
		assert_true(v.bad[X509_BAD_NAME].found);
		/* Nor does it spoil the others. */
		ask.nnames = 2;
		assert_int_equal(x509_verify(c, &ask, &v, &err), 0);
		assert_int_equal(v.ok, i < 2);
	}
	x509_store_free(s);
	sk_X509_pop_free(c, X509_free);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_parse_bad),
	    cmocka_unit_test(test_parse_tail),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_info),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_text_long),
	    cmocka_unit_test(test_san),
	    cmocka_unit_test(test_cn),
	    cmocka_unit_test(test_issuer),
	    cmocka_unit_test(test_issuer_two),
	    cmocka_unit_test(test_issuer_hostile),
	    cmocka_unit_test(test_store),
	    cmocka_unit_test(test_strange_anchor),
	    cmocka_unit_test(test_verify),
	    cmocka_unit_test(test_empty_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown) != 0;
}
