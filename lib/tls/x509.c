#include "x509.h"

#include "buf.h"
#include "digest.h"
#include "err.h"
#include "file.h"
#include "mem.h"
#include "quote.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* --- PEM ----------------------------------------------------------------- */

typedef int take_block(
    void *to, const unsigned char *der, long len, bool key, struct err *err);

/*
 * Hand each certificate and public key of a PEM text to take; what follows
 * the last block does not count. Of a damaged block der is NULL. 0, or -1 as
 * soon as take does not return 0.
 */
static int
each_block(
    const char *pem, size_t size, take_block *take, void *to, struct err *err)
{
	BIO *in = BIO_new_mem_buf(pem, (int)size);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len = 0;
	bool key;
	int rv = 0;

	if (in == NULL)
		abort();
	ERR_clear_error();
	while (rv == 0 && PEM_read_bio(in, &name, &header, &der, &len)) {
		key = strcmp(name, PEM_STRING_PUBLIC) == 0;
		if (key || strcmp(name, PEM_STRING_X509) == 0 ||
		    strcmp(name, PEM_STRING_X509_OLD) == 0)
			rv = take(to, der, len, key, err);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)len);
	}
	if (rv == 0 &&
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		rv = take(to, NULL, 0, false, err);
	ERR_clear_error();
	BIO_free(in);
	return rv;
}

/* Why there is none in a file: it may be DER, or PKCS#7. */
static const char *
no_certificate(const char *data, size_t len)
{
	if ((len < 2 || memcmp(data, "\x30\x82", 2) != 0) &&
	    memmem(data, len, "BEGIN PKCS7", 11) == NULL)
		return "no certificate in it";
	return "no certificate in it that is PEM, which is made by "
	       "openssl x509 -inform der, or openssl pkcs7 -print_certs";
}

/* --- Chains -------------------------------------------------------------- */

static int
chain_add(
    void *to, const unsigned char *der, long len, bool key, struct err *err)
{
	STACK_OF(X509) *chain = to;
	const unsigned char *p = der;
	int n = sk_X509_num(chain);
	X509 *x;

	if (der == NULL)
		return err_set(err, EX_DATAERR,
		    "PEM block after %d certificates is damaged", n);
	if (key)
		return 0;
	x = d2i_X509(NULL, &p, len);
	if (x != NULL && p == der + len && n < X509_MAX_CERTS) {
		if (sk_X509_push(chain, x) == 0)
			abort();
		return 0;
	}
	X509_free(x);
	if (n == X509_MAX_CERTS)
		return err_set(err, EX_DATAERR,
		    "more than %d certificates in one chain", n);
	return err_set(err, EX_DATAERR, "certificate %d is damaged", n + 1);
}

STACK_OF(X509) * x509_chain_parse(const char *pem, size_t len, struct err *err)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	int rv;

	if (chain == NULL)
		abort();
	if (len > X509_MAX_PEM)
		rv = err_set(err, EX_DATAERR, "chain is longer than %d bytes",
		    X509_MAX_PEM);
	else
		rv = each_block(pem, len, chain_add, chain, err);
	if (rv == 0 && sk_X509_num(chain) == 0)
		rv = err_set(err, EX_DATAERR, "%s", no_certificate(pem, len));
	if (rv == 0)
		return chain;
	sk_X509_pop_free(chain, X509_free);
	return NULL;
}

int
x509_chain_pem(const STACK_OF(X509) * chain, struct buf *out)
{
	BIO *mem = BIO_new(BIO_s_mem());
	char *data;
	long len;
	int i, rv = 0;

	if (mem == NULL)
		abort();
	for (i = 0; rv == 0 && i < sk_X509_num(chain); i++)
		rv = PEM_write_bio_X509(mem, sk_X509_value(chain, i)) ? 0 : -1;
	if (rv == 0) {
		len = BIO_get_mem_data(mem, &data);
		buf_add(out, data, (size_t)len);
	}
	BIO_free(mem);
	ERR_clear_error();
	return rv;
}

/* --- A certificate in words ---------------------------------------------- */

static char *
escape(const unsigned char *p, size_t len, char *out, size_t size)
{
	/* The name of a host has none but ASCII letters, whatever it shows. */
	bool host = memchr(p, '.', len) != NULL && memchr(p, ' ', len) == NULL,
	     plain;
	size_t i, k, n, o = 0;

	for (i = 0; i < len; i += n) {
		plain = !quote_unsafe((const char *)p + i, len - i, &n) &&
			p[i] != '"' && p[i] != '\\' && !(host && n > 1);
		/* Room for one character in full, the dots and the NUL. */
		if (o + (plain ? n : 4 * n) + 3 + 1 > size) {
			memcpy(out + o, "...", 3);
			o += 3;
			break;
		}
		for (k = 0; !plain && k < n; k++, o += 4)
			(void)sprintf(out + o, "\\x%02x", p[i + k]);
		if (plain) {
			memcpy(out + o, p + i, n);
			o += n;
		}
	}
	out[o] = '\0';
	return out;
}

/* The text of an ASN.1 string, escaped and cut; returns out. */
static char *
show(const ASN1_STRING *s, char *out, size_t size)
{
	unsigned char *utf8 = NULL;
	int len;

	out[0] = '\0';
	if (s == NULL)
		return out;
	if ((len = ASN1_STRING_to_UTF8(&utf8, s)) >= 0) {
		escape(utf8, (size_t)len, out, size);
		OPENSSL_free(utf8);
	} else {
		/* Not a text at all: its bytes. */
		escape(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s),
		    out, size);
	}
	ERR_clear_error();
	return out;
}

/* All values of the given kind in name, " + " between them. */
static void
show_name(const X509_NAME *name, int nid, char *out, size_t size)
{
	size_t at = 0;
	int i = -1;

	out[0] = '\0';
	while (at + 4 < size &&
	       (i = X509_NAME_get_index_by_NID(name, nid, i)) >= 0) {
		at += strlen(strcpy(out + at, at > 0 ? " + " : ""));
		(void)show(
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)),
		    out + at, size - at);
		at += strlen(out + at);
	}
}

/* The digest of len bytes at der, which are freed. */
static void
put_digest(unsigned char *der, int len, char out[X509_HEX_MAX])
{
	struct digest *g = digest_new();

	digest_add(g, der, len > 0 ? (size_t)len : 0);
	digest_hex(g, out);
	OPENSSL_free(der);
}

static void
key_info(X509 *x, struct x509_info *out)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	const char *type;

	(void)snprintf(out->key_type, sizeof(out->key_type), "unknown");
	if (key == NULL)
		return;
	type = EVP_PKEY_get0_type_name(key);
	(void)snprintf(out->key_type, sizeof(out->key_type), "%.31s",
	    type != NULL ? type : "unknown");
	out->key_bits = EVP_PKEY_get_bits(key);
	(void)EVP_PKEY_get_group_name(
	    key, out->group, sizeof(out->group), NULL);
}

static void
signature_info(X509 *x, struct x509_info *out)
{
	int nid = X509_get_signature_nid(x), md, key, bits;
	const char *name = nid == NID_undef ? NULL : OBJ_nid2ln(nid);

	(void)snprintf(out->signature, sizeof(out->signature), "%.47s",
	    name != NULL ? name : "unknown");
	if (X509_get_signature_info(x, &md, &key, &bits, NULL) && bits > 0)
		out->signature_bits = bits;
}

static bool
asn1_time(const ASN1_TIME *t, time_t *out)
{
	struct tm tm;

	/* NULL would be read as the present time. */
	if (t == NULL || !ASN1_TIME_to_tm(t, &tm))
		return false;
	*out = timegm(&tm);
	return true;
}

static void
san_count(const X509 *x, struct x509_info *out)
{
	GENERAL_NAMES *all =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		out->sans++;
		out->dns_sans += sk_GENERAL_NAME_value(all, i)->type == GEN_DNS;
	}
	GENERAL_NAMES_free(all);
}

void
x509_info(X509 *x, struct x509_info *out)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	const X509_NAME *issuer = X509_get_issuer_name(x);
	unsigned char *der = NULL, *key = NULL;
	int len;

	memset(out, 0, sizeof(*out));
	show_name(
	    subject, NID_commonName, out->subject_cn, sizeof(out->subject_cn));
	show_name(
	    issuer, NID_commonName, out->issuer_cn, sizeof(out->issuer_cn));
	show_name(issuer, NID_organizationName, out->issuer_org,
	    sizeof(out->issuer_org));
	len = i2d_X509(x, &der);
	put_digest(der, len, out->cert_sha256);
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
	put_digest(key, len, out->spki_sha256);
	key_info(x, out);
	signature_info(x, out);
	out->dates_ok = asn1_time(X509_get0_notBefore(x), &out->not_before) &&
			asn1_time(X509_get0_notAfter(x), &out->not_after);
	out->self_signed = X509_self_signed(x, 1) == 1;
	san_count(x, out);
	ERR_clear_error();
}

static void
ip_text(const ASN1_OCTET_STRING *ip, char *out, size_t size)
{
	int af = ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6;

	if ((af == AF_INET6 && ASN1_STRING_length(ip) != 16) ||
	    inet_ntop(af, ASN1_STRING_get0_data(ip), out, (socklen_t)size) ==
		NULL)
		(void)snprintf(out, size, "(damaged)");
}

static void
san_one(const GENERAL_NAME *name, struct buf *out)
{
	char text[X509_TEXT_MAX];

	switch (name->type) {
	case GEN_DNS:
		buf_printf(
		    out, "DNS:%s", show(name->d.dNSName, text, sizeof(text)));
		break;
	case GEN_EMAIL:
		buf_printf(out, "email:%s",
		    show(name->d.rfc822Name, text, sizeof(text)));
		break;
	case GEN_URI:
		buf_printf(out, "URI:%s",
		    show(
			name->d.uniformResourceIdentifier, text, sizeof(text)));
		break;
	case GEN_IPADD:
		ip_text(name->d.iPAddress, text, sizeof(text));
		buf_printf(out, "IP:%s", text);
		break;
	default:
		buf_puts(out, "other");
	}
}

void
x509_san_text(const X509 *x, size_t max, struct buf *out)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int i, n = sk_GENERAL_NAME_num(names);

	for (i = 0; i < n && (size_t)i < max; i++) {
		if (i > 0)
			buf_puts(out, ", ");
		san_one(sk_GENERAL_NAME_value(names, i), out);
	}
	if (i < n)
		buf_printf(out, " and %d more", n - i);
	GENERAL_NAMES_free(names);
	ERR_clear_error();
}

/* --- Names --------------------------------------------------------------- */

/*
 * OpenSSL matches a CN only for a whole certificate, and only if it has no
 * dNSName. So ask it about a certificate that has this CN and nothing else.
 */
static X509 *
only_cn(const X509_NAME_ENTRY *cn)
{
	X509_NAME *name = X509_NAME_new();
	X509 *x = X509_new();

	if (name == NULL || x == NULL ||
	    !X509_NAME_add_entry(name, cn, -1, 0) ||
	    !X509_set_subject_name(x, name)) {
		X509_free(x);
		x = NULL;
	}
	X509_NAME_free(name);
	return x;
}

static bool
is_label(const unsigned char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] >= 0x80 ||
		    (!isalnum(s[i]) && s[i] != '-' && s[i] != '_'))
			return false;
	return len > 0 && len <= 63 && s[0] != '-' && s[len - 1] != '-';
}

static bool
is_ipv6(const unsigned char *s, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;

	(void)snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)s);
	return strlen(text) == len && inet_pton(AF_INET6, text, &a) == 1;
}

/*
 * Is it a host name, or an address, at all? OpenSSL compares what it is given,
 * and a .suffix is found behind anything.
 */
static bool
is_host(const unsigned char *s, size_t len)
{
	bool star = len > 2 && s[0] == '*' && s[1] == '.';
	const unsigned char *p = s + (star ? 2 : 0), *end = s + len, *dot;

	while ((dot = memchr(p, '.', (size_t)(end - p))) != NULL &&
	       is_label(p, (size_t)(dot - p)))
		p = dot + 1;
	return is_label(p, (size_t)(end - p)) || is_ipv6(s, len);
}

static bool
cn_is_one(const X509_NAME_ENTRY *cn, const char *const *names, size_t n)
{
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(cn));
	bool host = len > 0 && is_host(utf8, (size_t)len), found = false;
	X509 *x = host ? only_cn(cn) : NULL;
	size_t i;

	OPENSSL_free(utf8);
	/* An empty reference would match nothing or, unchecked, all. */
	for (i = 0; x != NULL && !found && i < n; i++)
		found = names[i][0] != '\0' &&
			X509_check_host(x, names[i], 0,
			    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
	X509_free(x);
	return found;
}

static int
lower(int ch)
{
	return ch >= 'A' && ch <= 'Z' ? ch - 'A' + 'a' : ch;
}

/* Backtracks to the last star only: at most strlen(pattern) * len steps. */
static bool
glob(const char *pattern, const unsigned char *s, size_t len)
{
	const char *star = NULL;
	size_t i = 0, mark = 0;

	while (i < len) {
		if (*pattern == '*') {
			star = pattern++;
			mark = i;
		} else if (*pattern != '\0' &&
			   lower((unsigned char)*pattern) == lower(s[i])) {
			pattern++;
			i++;
		} else if (star != NULL) {
			pattern = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool
is_like_one(const X509_NAME_ENTRY *entry, const char *const *pattern, size_t n)
{
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
	bool like = false;
	size_t i;

	/* A NUL inside is never part of an honest name. */
	if (len > 0 && memchr(utf8, '\0', (size_t)len) == NULL)
		for (i = 0; !like && i < n; i++)
			like = glob(pattern[i], utf8, (size_t)len);
	OPENSSL_free(utf8);
	return like;
}

/* Is there such an entry, and is each of that kind one of the list? */
static bool
all_are(const X509_NAME *name, int nid,
    bool (*is_one)(const X509_NAME_ENTRY *, const char *const *, size_t),
    const char *const *list, size_t n)
{
	int i = X509_NAME_get_index_by_NID(name, nid, -1);
	bool all = i >= 0;

	for (; all && i >= 0; i = X509_NAME_get_index_by_NID(name, nid, i))
		all = is_one(X509_NAME_get_entry(name, i), list, n);
	ERR_clear_error();
	return all;
}

bool
x509_cn_is(const X509 *x, const char *const *names, size_t n)
{
	return all_are(
	    X509_get_subject_name(x), NID_commonName, cn_is_one, names, n);
}

bool
x509_issuer_like(const X509 *x, const char *const *pattern, size_t n)
{
	const X509_NAME *issuer = X509_get_issuer_name(x);

	return all_are(issuer, NID_organizationName, is_like_one, pattern, n) ||
	       all_are(issuer, NID_commonName, is_like_one, pattern, n);
}

/* --- What is trusted ------------------------------------------------------ */

struct anchor {
	unsigned char *der; /* a certificate, or a public key info */
	size_t len;
	bool is_key;
};

struct x509_store {
	SSL_CTX *ctx; /* a place for the settings of Postfix's client */
	X509_STORE *roots;
	struct anchor *anchors; /* of a tafile; then roots is empty */
	size_t nanchors, cap;
	size_t n;
	size_t unread;	  /* of kinds of keys that OpenSSL does not know */
	const char *name; /* while it is read */
};

/* Settings that every check starts from; never NULL. */
static SSL_CTX *
client_ctx(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL || SSL_CTX_dane_enable(ctx) <= 0)
		abort();
	/* Not openssl.cnf: x509_verify sets the level of Postfix. */
	SSL_CTX_set_security_level(ctx, 0);
	return ctx;
}

static int
fail_store(const struct x509_store *s, struct err *err, const char *what)
{
	return err_set(err, EX_DATAERR, "%s: %s", quotes(s->name).s, what);
}

/* No pass phrase for a key that has no business in this file. */
static int
no_pass_phrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* As OpenSSL reads a file of CAs, and with it Postfix. */
static int
read_roots(struct x509_store *s, const char *pem, size_t len, struct err *err)
{
	BIO *in = BIO_new_mem_buf(pem, (int)len);
	STACK_OF(X509_INFO) * infos;
	bool good;
	int i;

	if (in == NULL)
		abort();
	ERR_clear_error();
	infos = PEM_X509_INFO_read_bio(in, NULL, no_pass_phrase, NULL);
	good = infos != NULL;
	for (i = 0; good && i < sk_X509_INFO_num(infos); i++) {
		X509 *x = sk_X509_INFO_value(infos, i)->x509;

		if (x == NULL)
			continue;
		good = X509_STORE_add_cert(s->roots, x);
		s->n++;
	}
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	BIO_free(in);
	ERR_clear_error();
	return good ? 0 : fail_store(s, err, "a certificate is damaged");
}

/* *readable: OpenSSL can read the key, without which it is of no use. */
static bool
is_key(const unsigned char *der, long len, bool *readable)
{
	const unsigned char *p = der;
	X509_PUBKEY *key = d2i_X509_PUBKEY(NULL, &p, len);
	bool good = key != NULL && p == der + len;

	*readable = good && X509_PUBKEY_get0(key) != NULL;
	X509_PUBKEY_free(key);
	return good;
}

static bool
is_certificate(const unsigned char *der, long len, bool *readable)
{
	const unsigned char *p = der;
	X509 *x = d2i_X509(NULL, &p, len);
	bool good = x != NULL && p == der + len;

	*readable = good && X509_get0_pubkey(x) != NULL;
	X509_free(x);
	return good;
}

static int
add_anchor(
    void *to, const unsigned char *der, long len, bool key, struct err *err)
{
	struct x509_store *s = to;
	struct anchor *a;
	bool readable = true;

	if (der == NULL || (key ? !is_key(der, len, &readable)
				: !is_certificate(der, len, &readable)))
		return err_set(err, EX_DATAERR,
		    "%s: certificate or key %zu is damaged", quotes(s->name).s,
		    s->n + s->unread + 1);
	if (!readable) {
		s->unread++;
		return 0;
	}
	s->anchors =
	    mem_grow(s->anchors, s->nanchors, &s->cap, sizeof(*s->anchors));
	a = &s->anchors[s->nanchors++];
	a->der = mem_alloc((size_t)len);
	memcpy(a->der, der, (size_t)len);
	a->len = (size_t)len;
	a->is_key = key;
	s->n++;
	return 0;
}

size_t
x509_store_unread(const struct x509_store *s)
{
	return s->unread;
}

struct x509_store *
x509_store_parse(enum x509_trust trust, const char *pem, size_t len,
    const char *name, struct err *err)
{
	struct x509_store *s = mem_zero(1, sizeof(*s));
	int rv;

	s->name = name;
	s->ctx = client_ctx();
	if ((s->roots = X509_STORE_new()) == NULL)
		abort();
	if (len > X509_MAX_STORE)
		rv = err_set(err, EX_DATAERR, "%s: longer than %d bytes",
		    quotes(name).s, X509_MAX_STORE);
	else if (trust == X509_ROOTS)
		rv = read_roots(s, pem, len, err);
	else
		rv = each_block(pem, len, add_anchor, s, err);
	if (rv == 0 && s->n == 0)
		rv = fail_store(s, err,
		    trust == X509_ROOTS
			? no_certificate(pem, len)
			: "no certificate and no public key in it");
	if (rv == 0)
		return s;
	x509_store_free(s);
	return NULL;
}

struct x509_store *
x509_store_load(enum x509_trust trust, const char *path, struct err *err)
{
	size_t len;
	char *pem = file_slurp(path, X509_MAX_STORE, &len, NULL, err);
	struct x509_store *s =
	    pem == NULL ? NULL : x509_store_parse(trust, pem, len, path, err);

	free(pem);
	return s;
}

void
x509_store_free(struct x509_store *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->nanchors; i++)
		free(s->anchors[i].der);
	free(s->anchors);
	X509_STORE_free(s->roots);
	SSL_CTX_free(s->ctx);
	free(s);
}

/* --- As Postfix verifies ------------------------------------------------- */

/* RFC 6698 in numbers. */
enum {
	USAGE_TA = 2,
	USAGE_EE = 3,
	WHOLE_CERT = 0,
	PUBLIC_KEY = 1,
	NO_HASH = 0
};

/* What OpenSSL says about a chain while it walks along it. */
struct walk {
	struct x509_verdict *out;
	bool records;  /* trust rests on records, not on a store */
	bool no_names; /* no reference name was left to compare with */
};

static enum x509_bad
bad_of(int code)
{
	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
		return X509_BAD_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
		return X509_BAD_NOT_YET;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return X509_BAD_SELF_SIGNED;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_REJECTED:
		return X509_BAD_UNTRUSTED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return X509_BAD_NAME;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		return X509_BAD_KEY;
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return X509_BAD_SIGNATURE;
	case X509_V_ERR_DANE_NO_MATCH:
		return X509_BAD_TLSA;
	default:
		return X509_BAD_CHAIN;
	}
}

static void
note(struct x509_verdict *out, enum x509_bad kind, int code, int depth,
    const X509 *x)
{
	struct x509_finding *f = &out->bad[kind];

	/* The fault nearest to the leaf is the one to tell. */
	if (f->found && f->depth <= depth)
		return;
	out->ok = false;
	f->found = true;
	f->depth = depth;
	f->why = X509_verify_cert_error_string(code);
	f->who[0] = '\0';
	if (x != NULL)
		show_name(X509_get_subject_name(x), NID_commonName, f->who,
		    sizeof(f->who));
}

/* Goes on after a fault, as Postfix's own callback does. */
static int
on_cert(int ok, X509_STORE_CTX *sc)
{
	struct walk *w = X509_STORE_CTX_get_app_data(sc);
	int code = X509_STORE_CTX_get_error(sc);
	int depth = X509_STORE_CTX_get_error_depth(sc);
	enum x509_bad kind = bad_of(code);

	if (ok == 0) {
		if (code == X509_V_ERR_INVALID_PURPOSE)
			kind = depth == 0 ? X509_BAD_PURPOSE : X509_BAD_CHAIN;
		note(w->out, kind, code, depth,
		    X509_STORE_CTX_get_current_cert(sc));
	}
	return 1;
}

/* Number of names that now have to match one of the certificate's. */
static size_t
add_names(SSL *ssl, const struct x509_ask *ask)
{
	size_t i, n = 0;

	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	for (i = 0; i < ask->nnames; i++) {
		/* OpenSSL takes an empty name to mean any name. */
		if (ask->names[i][0] == '\0' || strcmp(ask->names[i], ".") == 0)
			continue;
		if (SSL_add1_host(ssl, ask->names[i]))
			n++;
	}
	return n;
}

/* Number of records that OpenSSL can use. */
static size_t
add_records(SSL *ssl, const struct x509_tlsa *tlsa, size_t ntlsa)
{
	size_t i, n = 0;

	for (i = 0; i < ntlsa; i++) {
		/* SMTP has no use for the PKIX usages (RFC 7672, 3.1.3). */
		if (tlsa[i].usage != USAGE_TA && tlsa[i].usage != USAGE_EE)
			continue;
		if (SSL_dane_tlsa_add(ssl, tlsa[i].usage, tlsa[i].selector,
			tlsa[i].mtype, tlsa[i].data, tlsa[i].len) > 0)
			n++;
	}
	return n;
}

/*
 * As tls_dane_load_trustfile(): an anchor may be an issuer or the leaf, and
 * the last of the file comes first. Of two with one name that counts: OpenSSL
 * tries one only.
 */
static size_t
add_anchors(SSL *ssl, const struct x509_store *s)
{
	size_t i, n = 0;

	for (i = s->nanchors; i > 0; i--) {
		const struct anchor *a = &s->anchors[i - 1];
		struct x509_tlsa t[2] = {
		    {USAGE_TA, a->is_key ? PUBLIC_KEY : WHOLE_CERT, NO_HASH,
			a->der, a->len}};

		t[1] = t[0];
		t[1].usage = USAGE_EE;
		n += add_records(ssl, t, 2);
	}
	return n;
}

/* Tell ssl what Postfix would tell its own. Number of usable records. */
static size_t
configure(SSL *ssl, const struct x509_ask *ask, struct walk *w)
{
	const struct x509_store *s = ask->store;
	bool anchored = s != NULL && s->nanchors > 0;
	size_t usable = 0;

	w->records = ask->mode != X509_BY_CA || anchored;
	SSL_set_security_level(ssl, 1);
	SSL_set_verify_depth(ssl, X509_DEPTH + 1);
	if (w->records && SSL_dane_enable(ssl, NULL) <= 0)
		return 0;
	switch (ask->mode) {
	case X509_BY_CA:
		w->no_names = add_names(ssl, ask) == 0;
		if (anchored)
			usable = add_anchors(ssl, s);
		break;
	case X509_BY_TLSA:
		SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
		w->no_names = add_names(ssl, ask) == 0;
		usable = add_records(ssl, ask->tlsa, ask->ntlsa);
		break;
	case X509_BY_PIN:
		SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
		usable = add_records(ssl, ask->tlsa, ask->ntlsa);
		break;
	}
	return usable;
}

/* The same steps as OpenSSL's ssl_verify_cert_chain(). */
static int
walk_init(X509_STORE_CTX *sc, SSL *ssl, STACK_OF(X509) * chain,
    X509_STORE *roots, time_t at)
{
	X509_VERIFY_PARAM *param;

	if (!X509_STORE_CTX_init(sc, roots, sk_X509_value(chain, 0), chain))
		return -1;
	param = X509_STORE_CTX_get0_param(sc);
	X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
	X509_STORE_CTX_set0_dane(sc, SSL_get0_dane(ssl));
	if (!X509_STORE_CTX_set_default(sc, "ssl_server") ||
	    !X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl)))
		return -1;
	X509_VERIFY_PARAM_set_time(param, at);
	X509_STORE_CTX_set_verify_cb(sc, on_cert);
	return 0;
}

static void
path_info(X509_STORE_CTX *sc, struct x509_verdict *out)
{
	STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(sc);
	int i;

	out->depth = path == NULL ? 0 : (size_t)sk_X509_num(path);
	for (i = 0; (size_t)i < out->depth; i++) {
		const X509 *x = sk_X509_value(path, i);
		time_t t;

		show_name(X509_get_subject_name(x), NID_commonName, out->top,
		    sizeof(out->top));
		if (!asn1_time(X509_get0_notAfter(x), &t) ||
		    (out->ends_known && out->ends <= t))
			continue;
		out->ends_known = true;
		out->ends = t;
		out->begins = 0;
		(void)asn1_time(X509_get0_notBefore(x), &out->begins);
		memcpy(out->ends_who, out->top, sizeof(out->ends_who));
	}
}

static void
matched_name(X509_STORE_CTX *sc, struct x509_verdict *out)
{
	const char *name =
	    X509_VERIFY_PARAM_get0_peername(X509_STORE_CTX_get0_param(sc));
	ASN1_STRING *s = ASN1_UTF8STRING_new();

	if (name != NULL && s != NULL && ASN1_STRING_set(s, name, -1))
		show(s, out->matched, sizeof(out->matched));
	ASN1_STRING_free(s);
}

static void
run(X509_STORE_CTX *sc, SSL *ssl, struct walk *w)
{
	struct x509_verdict *out = w->out;
	X509 *leaf = X509_STORE_CTX_get0_cert(sc);

	out->ok = true;
	X509_STORE_CTX_set_app_data(sc, w);
	(void)X509_verify_cert(sc);
	path_info(sc, out);
	if (w->no_names)
		note(out, X509_BAD_NAME, X509_V_ERR_HOSTNAME_MISMATCH, 0, leaf);
	if (w->records && out->usable == 0)
		note(out, X509_BAD_TLSA, X509_V_ERR_DANE_NO_MATCH, 0, leaf);
	out->ok &= X509_STORE_CTX_get_error(sc) == X509_V_OK;
	out->leaf_is_anchor = SSL_get0_dane_authority(ssl, NULL, NULL) == 0;
	if (!out->bad[X509_BAD_NAME].found)
		matched_name(sc, out);
}

int
x509_verify(STACK_OF(X509) * chain, const struct x509_ask *ask,
    struct x509_verdict *out, struct err *err)
{
	const struct x509_store *s = ask->store;
	SSL_CTX *ctx = s != NULL ? s->ctx : client_ctx();
	X509_STORE *roots = s != NULL ? s->roots : SSL_CTX_get_cert_store(ctx);
	X509_STORE_CTX *sc = X509_STORE_CTX_new();
	SSL *ssl = SSL_new(ctx);
	struct walk w = {.out = out};
	int rv = -1;

	memset(out, 0, sizeof(*out));
	if (sc != NULL && ssl != NULL) {
		out->usable = configure(ssl, ask, &w);
		rv = walk_init(sc, ssl, chain, roots, ask->at);
		if (rv == 0)
			run(sc, ssl, &w);
	}
	if (rv == -1)
		err_set(err, EX_SOFTWARE, "OpenSSL cannot check a chain: %s",
		    ERR_reason_error_string(ERR_peek_last_error()));
	X509_STORE_CTX_free(sc);
	SSL_free(ssl);
	if (s == NULL)
		SSL_CTX_free(ctx);
	ERR_clear_error();
	return rv;
}
