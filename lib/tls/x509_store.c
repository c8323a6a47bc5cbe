#include "x509_verify.h"
#include "x509_priv.h"

#include "err.h"
#include "file.h"
#include "mem.h"
#include "quote.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

SSL_CTX *
x509_store_ctx(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL || SSL_CTX_dane_enable(ctx) <= 0)
		abort();
	/* Not openssl.cnf: x509_verify sets the level of Postfix. */
	SSL_CTX_set_security_level(ctx, 0);
	return ctx;
}

static struct x509_store *
store_new(void)
{
	struct x509_store *s = mem_zero(1, sizeof(*s));

	s->ctx = x509_store_ctx();
	if ((s->roots = X509_STORE_new()) == NULL)
		abort();
	return s;
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

static int
add_roots(struct x509_store *s, STACK_OF(X509_INFO) * infos)
{
	int i;

	for (i = 0; i < sk_X509_INFO_num(infos); i++) {
		X509_INFO *info = sk_X509_INFO_value(infos, i);

		if (info->x509 == NULL)
			continue;
		if (!X509_STORE_add_cert(s->roots, info->x509))
			return -1;
		s->n++;
	}
	return 0;
}

struct x509_store *
x509_store_parse_ca(
    const char *pem, size_t len, const char *name, struct err *err)
{
	struct x509_store *s = store_new();
	STACK_OF(X509_INFO) *infos = NULL;
	BIO *in = NULL;
	int rv = -1;

	ERR_clear_error();
	if (len <= X509_MAX_STORE)
		in = BIO_new_mem_buf(pem, (int)len);
	if (in != NULL)
		infos = PEM_X509_INFO_read_bio(in, NULL, no_pass_phrase, NULL);
	if (len > X509_MAX_STORE)
		err_set(err, EX_DATAERR, "%s: longer than %d bytes",
		    quotes(name).s, X509_MAX_STORE);
	else if (infos == NULL || add_roots(s, infos) == -1)
		err_set(err, EX_DATAERR, "%s: a certificate is damaged",
		    quotes(name).s);
	else if (s->n == 0)
		err_set(err, EX_DATAERR, "%s: no certificate in it",
		    quotes(name).s);
	else
		rv = 0;
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	BIO_free(in);
	ERR_clear_error();
	if (rv == -1) {
		x509_store_free(s);
		return NULL;
	}
	return s;
}

static bool
der_is_good(const unsigned char *der, long len, bool is_key)
{
	const unsigned char *p = der;
	EVP_PKEY *key;
	X509 *x;

	if (is_key) {
		key = d2i_PUBKEY(NULL, &p, len);
		EVP_PKEY_free(key);
		return key != NULL && p == der + len;
	}
	x = d2i_X509(NULL, &p, len);
	/* OpenSSL refuses an anchor whose key it cannot read. */
	if (x == NULL || X509_get0_pubkey(x) == NULL)
		p = NULL;
	X509_free(x);
	return p == der + len;
}

static void
add_anchor(struct x509_store *s, const unsigned char *der, long len, bool key)
{
	struct x509_anchor *a;

	s->anchors =
	    mem_grow(s->anchors, s->nanchors, &s->cap, sizeof(*s->anchors));
	a = &s->anchors[s->nanchors++];
	a->der = mem_alloc((size_t)len);
	memcpy(a->der, der, (size_t)len);
	a->len = (size_t)len;
	a->is_key = key;
	s->n++;
}

/* 0 at the end of the file, -1 if a block is damaged. */
static int
read_anchors(struct x509_store *s, BIO *in)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	bool good = true, key;
	long len = 0;

	while (good && PEM_read_bio(in, &name, &header, &der, &len)) {
		key = strcmp(name, PEM_STRING_PUBLIC) == 0;
		if (key || strcmp(name, PEM_STRING_X509) == 0 ||
		    strcmp(name, PEM_STRING_X509_OLD) == 0) {
			good = der_is_good(der, len, key);
			if (good)
				add_anchor(s, der, len, key);
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)len);
	}
	if (!good ||
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return -1;
	return 0;
}

struct x509_store *
x509_store_parse_ta(
    const char *pem, size_t len, const char *name, struct err *err)
{
	struct x509_store *s;
	BIO *in;
	int rv;

	if (len > X509_MAX_STORE) {
		err_set(err, EX_DATAERR, "%s: longer than %d bytes",
		    quotes(name).s, X509_MAX_STORE);
		return NULL;
	}
	if ((in = BIO_new_mem_buf(pem, (int)len)) == NULL)
		abort();
	s = store_new();
	ERR_clear_error();
	if ((rv = read_anchors(s, in)) == -1)
		err_set(err, EX_DATAERR,
		    "%s: certificate or key %zu is damaged", quotes(name).s,
		    s->n + 1);
	else if (s->n == 0)
		rv = err_set(err, EX_DATAERR,
		    "%s: no certificate and no public key in it",
		    quotes(name).s);
	ERR_clear_error();
	BIO_free(in);
	if (rv == -1) {
		x509_store_free(s);
		return NULL;
	}
	return s;
}

struct x509_store *
x509_store_load_ca(const char *path, struct err *err)
{
	struct x509_store *s = NULL;
	size_t len;
	char *pem;

	pem = file_slurp(path, X509_MAX_STORE, &len, NULL, err);
	if (pem != NULL)
		s = x509_store_parse_ca(pem, len, path, err);
	free(pem);
	return s;
}

struct x509_store *
x509_store_load_ta(const char *path, struct err *err)
{
	struct x509_store *s = NULL;
	size_t len;
	char *pem;

	pem = file_slurp(path, X509_MAX_STORE, &len, NULL, err);
	if (pem != NULL)
		s = x509_store_parse_ta(pem, len, path, err);
	free(pem);
	return s;
}

size_t
x509_store_len(const struct x509_store *s)
{
	return s->n;
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
