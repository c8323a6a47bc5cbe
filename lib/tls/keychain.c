#include "keychain.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "x509.h"

/* What was read so far. */
struct rest {
	struct keychain *v;
	size_t n, max;
	EVP_PKEY *key; /* that waits for its certificate, or NULL */
	bool waits;    /* a key does, though it may not be readable */
};

static void
take_key(struct rest *r, const char *header, const unsigned char *der, long len)
{
	EVP_PKEY_free(r->key);
	/* One with a pass phrase is of no use to Postfix. */
	r->key = *header == '\0' ? d2i_AutoPrivateKey(NULL, &der, len) : NULL;
	r->waits = true;
}

static enum keychain_key
judge(const struct rest *r, const X509 *x)
{
	if (!r->waits)
		return KEYCHAIN_NONE;
	if (r->key == NULL)
		return KEYCHAIN_SHUT;
	return X509_check_private_key(x, r->key) == 1 ? KEYCHAIN_FITS
						      : KEYCHAIN_OTHER;
}

/* False: no more is to be read. */
static bool
take_cert(struct rest *r, const unsigned char *der, long len)
{
	X509 *x = d2i_X509(NULL, &der, len);
	struct keychain *k;

	if (x == NULL)
		return false;
	if (r->waits || r->n == 0) {
		if (r->n == r->max) {
			X509_free(x);
			return false;
		}
		k = &r->v[r->n++];
		k->key = judge(r, x);
		if ((k->chain = sk_X509_new_null()) == NULL)
			abort();
		EVP_PKEY_free(r->key);
		r->key = NULL;
		r->waits = false;
	}
	k = &r->v[r->n - 1];
	if (sk_X509_num(k->chain) == X509_MAX_CERTS) {
		X509_free(x);
		return false;
	}
	if (sk_X509_push(k->chain, x) == 0)
		abort();
	return true;
}

/* "PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY" */
static bool
is_key(const char *name)
{
	size_t n = strlen(name), end = sizeof("PRIVATE KEY") - 1;

	return n >= end && strcmp(name + n - end, "PRIVATE KEY") == 0;
}

static void
walk(struct rest *r, const char *pem, size_t len, bool keys, bool certs)
{
	BIO *in = BIO_new_mem_buf(pem, (int)len);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	bool more = true;
	long size = 0;

	if (in == NULL)
		abort();
	ERR_clear_error();
	while (more && PEM_read_bio(in, &name, &header, &der, &size)) {
		if (keys && is_key(name)) {
			take_key(r, header, der, size);
			more = certs;
		} else if (certs && (strcmp(name, PEM_STRING_X509) == 0 ||
					strcmp(name, PEM_STRING_X509_OLD) == 0))
			more = take_cert(r, der, size);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)size);
	}
	BIO_free(in);
	ERR_clear_error();
}

size_t
keychain_read(const char *pem, size_t len, struct keychain *out, size_t max)
{
	struct rest r = {.v = out, .max = max};

	walk(&r, pem, len, true, true);
	EVP_PKEY_free(r.key);
	return r.n;
}

bool
keychain_pair(const char *key, size_t keylen, const char *pem, size_t len,
    struct keychain *out)
{
	struct rest r = {.v = out, .max = 1};

	walk(&r, key, keylen, true, false);
	walk(&r, pem, len, false, true);
	EVP_PKEY_free(r.key);
	return r.n > 0;
}

void
keychain_release(struct keychain *k, size_t n)
{
	while (n-- > 0)
		sk_X509_pop_free(k[n].chain, X509_free);
}
