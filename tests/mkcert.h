/*
 * mkcert.h: certificates for tests, good and bad, made on the spot.
 *
 * Static functions, because each test is one program. A failure aborts.
 */
#ifndef MKCERT_H
#define MKCERT_H

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MK_DAY 86400
#define MK_UNUSED __attribute__((unused))

enum mk_key {
	MK_P256,
	MK_P384,
	MK_RSA2048,
	MK_RSA1024,
	MK_RSA768,
	MK_ED25519,
	MK_SECP256K1, /* none for TLS, as the next */
	MK_SM2,
	MK_X25519
};

/* What a certificate is to say. Zero is a good server certificate. */
struct mk {
	const char *cn;	 /* NULL: none; %XX is a byte */
	const char *cn2; /* a second one */
	const char *org;
	const char *org2; /* a second one */
	const char *san;  /* "DNS:a,email:b,IP:192.0.2.1,other", %XX a byte */
	unsigned sans;	  /* so many more dNSNames, n0.fill.test on */
	enum mk_key key;
	const EVP_MD *(*md)(void); /* NULL: sha256 */
	int from;		   /* days from base; 0: one day before */
	int to;			   /* 0: 30 days after */
	const char *eku;	   /* NULL: serverAuth; "": no extension */
	const char *ku;		   /* NULL: none */
	bool ca;
	const char *constraints; /* nameConstraints of a CA */
};

struct mk_cert {
	EVP_PKEY *key;
	X509 *x;
};

MK_UNUSED static void
mk_want(bool ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "mkcert: %s failed\n", what);
		abort();
	}
}

MK_UNUSED static EVP_PKEY *
mk_key(enum mk_key kind)
{
	EVP_PKEY *k = NULL;

	switch (kind) {
	case MK_P256:
		k = EVP_EC_gen("P-256");
		break;
	case MK_P384:
		k = EVP_EC_gen("P-384");
		break;
	case MK_RSA2048:
		k = EVP_RSA_gen(2048);
		break;
	case MK_RSA1024:
		k = EVP_RSA_gen(1024);
		break;
	case MK_RSA768:
		k = EVP_RSA_gen(768);
		break;
	case MK_SECP256K1:
		k = EVP_EC_gen("secp256k1");
		break;
	case MK_SM2:
		k = EVP_PKEY_Q_keygen(NULL, NULL, "SM2");
		break;
	case MK_X25519:
		k = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
		break;
	case MK_ED25519:
		k = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	}
	mk_want(k != NULL, "key");
	return k;
}

/* Undo %XX. out has room for all of s. */
MK_UNUSED static size_t
mk_bytes(const char *s, size_t len, unsigned char *out)
{
	unsigned byte;
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		if (s[i] == '%' && sscanf(s + i + 1, "%2x", &byte) == 1) {
			out[n++] = (unsigned char)byte;
			i += 2;
		} else
			out[n++] = (unsigned char)s[i];
	return n;
}

MK_UNUSED static void
mk_rdn(X509_NAME *name, int nid, const char *value)
{
	unsigned char *raw;
	size_t n;

	if (value == NULL)
		return;
	raw = malloc(strlen(value) + 1);
	mk_want(raw != NULL, "malloc");
	n = mk_bytes(value, strlen(value), raw);
	mk_want(X509_NAME_add_entry_by_NID(
		    name, nid, V_ASN1_UTF8STRING, raw, (int)n, -1, 0),
	    "name");
	free(raw);
}

MK_UNUSED static void
mk_san_one(GENERAL_NAMES *names, const char *s, size_t len)
{
	unsigned char raw[1024];
	GENERAL_NAME *g;
	ASN1_IA5STRING *ia5;
	size_t n, skip;
	char text[64];
	int type;

	if (len >= 3 && strncmp(s, "IP:", 3) == 0) {
		(void)snprintf(text, sizeof(text), "%.*s", (int)len - 3, s + 3);
		g = GENERAL_NAME_new();
		GENERAL_NAME_set0_value(g, GEN_IPADD, a2i_IPADDRESS(text));
		sk_GENERAL_NAME_push(names, g);
		return;
	}
	if (strncmp(s, "other", len) == 0) {
		g = GENERAL_NAME_new();
		GENERAL_NAME_set0_value(g, GEN_RID, OBJ_txt2obj("1.2.3", 1));
		sk_GENERAL_NAME_push(names, g);
		return;
	}
	type = strncmp(s, "DNS:", 4) == 0   ? GEN_DNS
	       : strncmp(s, "URI:", 4) == 0 ? GEN_URI
					    : GEN_EMAIL;
	skip = type == GEN_EMAIL ? strlen("email:") : 4;
	mk_want(len >= skip && len - skip < sizeof(raw), "SAN");
	n = mk_bytes(s + skip, len - skip, raw);
	ia5 = ASN1_IA5STRING_new();
	mk_want(ia5 != NULL && ASN1_STRING_set(ia5, raw, (int)n), "SAN text");
	g = GENERAL_NAME_new();
	GENERAL_NAME_set0_value(g, type, ia5);
	sk_GENERAL_NAME_push(names, g);
}

MK_UNUSED static void
mk_san(X509 *x, const struct mk *m)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	const char *s = m->san;
	char fill[64];
	unsigned i;
	size_t len;

	while (s != NULL && *s != '\0') {
		len = strcspn(s, ",");
		mk_san_one(names, s, len);
		s += len + (s[len] == ',');
	}
	for (i = 0; i < m->sans; i++) {
		(void)snprintf(fill, sizeof(fill), "DNS:n%u.fill.test", i);
		mk_san_one(names, fill, strlen(fill));
	}
	if (sk_GENERAL_NAME_num(names) > 0)
		mk_want(X509_add1_ext_i2d(
			    x, NID_subject_alt_name, names, 0, 0) == 1,
		    "subjectAltName");
	GENERAL_NAMES_free(names);
}

MK_UNUSED static void
mk_ext(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *e;

	if (value == NULL || *value == '\0')
		return;
	e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	mk_want(e != NULL && X509_add_ext(x, e, -1), "extension");
	X509_EXTENSION_free(e);
}

/*
 * A certificate with the given key, by issuer (NULL: itself). base is the
 * time that its days are counted from.
 */
MK_UNUSED static X509 *
mk_sign(const struct mk *m, EVP_PKEY *key, const struct mk_cert *issuer,
    time_t base)
{
	static long serial = 1;
	X509 *x = X509_new();
	EVP_PKEY *by = issuer != NULL ? issuer->key : key;
	const EVP_MD *md = m->md != NULL ? m->md() : EVP_sha256();
	X509_NAME *subject = X509_NAME_new();
	X509V3_CTX ctx;

	mk_want(x != NULL && subject != NULL, "certificate");
	mk_want(X509_set_version(x, 2), "version");
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	mk_rdn(subject, NID_organizationName, m->org);
	mk_rdn(subject, NID_organizationName, m->org2);
	mk_rdn(subject, NID_commonName, m->cn);
	mk_rdn(subject, NID_commonName, m->cn2);
	X509_set_subject_name(x, subject);
	X509_set_issuer_name(
	    x, issuer != NULL ? X509_get_subject_name(issuer->x) : subject);
	X509_NAME_free(subject);
	ASN1_TIME_set(X509_getm_notBefore(x),
	    base + (time_t)(m->from != 0 ? m->from : -1) * MK_DAY);
	ASN1_TIME_set(X509_getm_notAfter(x),
	    base + (time_t)(m->to != 0 ? m->to : 30) * MK_DAY);
	X509_set_pubkey(x, key);
	X509V3_set_ctx(&ctx, issuer != NULL ? issuer->x : x, x, NULL, NULL, 0);
	if (m->ca)
		mk_ext(x, &ctx, NID_basic_constraints, "critical,CA:TRUE");
	else
		mk_ext(x, &ctx, NID_ext_key_usage,
		    m->eku != NULL ? m->eku : "serverAuth");
	mk_ext(x, &ctx, NID_key_usage, m->ku);
	mk_ext(x, &ctx, NID_name_constraints, m->constraints);
	mk_san(x, m);
	if (EVP_PKEY_is_a(by, "ED25519"))
		md = NULL;
	mk_want(X509_sign(x, by, md) > 0, "signature");
	return x;
}

/* A certificate with a key of its own. */
MK_UNUSED static struct mk_cert
mk_cert(const struct mk *m, const struct mk_cert *issuer, time_t base)
{
	struct mk_cert c;

	c.key = mk_key(m->key);
	c.x = mk_sign(m, c.key, issuer, base);
	return c;
}

MK_UNUSED static void
mk_free(struct mk_cert *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->x);
	c->key = NULL;
	c->x = NULL;
}

/* Two certificates of one CA. */
struct mk_two {
	struct mk_cert ca, a, b;
};

MK_UNUSED static struct mk_two
mk_two(const struct mk *a, const struct mk *b, time_t base)
{
	const struct mk root = {.cn = "Test CA", .ca = true};
	struct mk_two t;

	t.ca = mk_cert(&root, NULL, base);
	t.a = mk_cert(a, &t.ca, base);
	t.b = mk_cert(b, &t.ca, base);
	return t;
}

MK_UNUSED static void
mk_two_free(struct mk_two *t)
{
	mk_free(&t->ca);
	mk_free(&t->a);
	mk_free(&t->b);
}

/* Append what was written, and free it. */
MK_UNUSED static void
mk_append(BIO *mem, char **pem)
{
	size_t have = *pem == NULL ? 0 : strlen(*pem);
	char *data;
	long len = BIO_get_mem_data(mem, &data);

	*pem = realloc(*pem, have + (size_t)len + 1);
	mk_want(*pem != NULL, "realloc");
	memcpy(*pem + have, data, (size_t)len);
	(*pem)[have + (size_t)len] = '\0';
	BIO_free(mem);
}

/* Append x as PEM to the NUL-terminated, malloced *pem. */
MK_UNUSED static void
mk_pem(const X509 *x, char **pem)
{
	BIO *mem = BIO_new(BIO_s_mem());

	mk_want(PEM_write_bio_X509(mem, x), "PEM");
	mk_append(mem, pem);
}

#endif
