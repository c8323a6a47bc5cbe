#include "x509.h"
#include "x509_priv.h"

#include "buf.h"
#include "err.h"
#include "mem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static struct x509_chain *
chain_new(void)
{
	struct x509_chain *c = mem_zero(1, sizeof(*c));

	if ((c->certs = sk_X509_new_null()) == NULL)
		abort();
	return c;
}

/* Take over x. */
static int
chain_add(struct x509_chain *c, X509 *x, struct err *err)
{
	if (sk_X509_num(c->certs) >= X509_MAX_CERTS) {
		X509_free(x);
		return err_set(err, EX_DATAERR,
		    "more than %d certificates in one chain", X509_MAX_CERTS);
	}
	if (sk_X509_push(c->certs, x) == 0)
		abort();
	return 0;
}

static int
chain_add_der(
    struct x509_chain *c, const unsigned char *der, long len, struct err *err)
{
	const unsigned char *p = der;
	X509 *x = d2i_X509(NULL, &p, len);

	if (x == NULL || p != der + len) {
		X509_free(x);
		return err_set(err, EX_DATAERR, "certificate %d is damaged",
		    sk_X509_num(c->certs) + 1);
	}
	return chain_add(c, x, err);
}

/* All the certificates of in; what follows the last block does not count. */
static int
chain_read(struct x509_chain *c, BIO *in, struct err *err)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len = 0;
	int rv = 0;

	while (rv == 0 && PEM_read_bio(in, &name, &header, &der, &len)) {
		if (strcmp(name, PEM_STRING_X509) == 0 ||
		    strcmp(name, PEM_STRING_X509_OLD) == 0)
			rv = chain_add_der(c, der, len, err);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)len);
	}
	if (rv == -1)
		return -1;
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_set(err, EX_DATAERR,
		    "PEM block after %d certificates is damaged",
		    sk_X509_num(c->certs));
	if (sk_X509_num(c->certs) == 0)
		return err_set(err, EX_DATAERR, "no certificate in it");
	return 0;
}

struct x509_chain *
x509_chain_parse(const char *pem, size_t len, struct err *err)
{
	struct x509_chain *c;
	BIO *in;
	int rv;

	if (len > X509_MAX_PEM) {
		err_set(err, EX_DATAERR, "chain is longer than %d bytes",
		    X509_MAX_PEM);
		return NULL;
	}
	if ((in = BIO_new_mem_buf(pem, (int)len)) == NULL)
		abort();
	c = chain_new();
	ERR_clear_error();
	rv = chain_read(c, in, err);
	ERR_clear_error();
	BIO_free(in);
	if (rv == -1) {
		x509_chain_free(c);
		return NULL;
	}
	return c;
}

struct x509_chain *
x509_chain_of_stack(const STACK_OF(X509) * certs, struct err *err)
{
	struct x509_chain *c;
	int i;

	if (certs == NULL || sk_X509_num(certs) <= 0) {
		err_set(err, EX_DATAERR, "no certificate was shown");
		return NULL;
	}
	c = chain_new();
	for (i = 0; i < sk_X509_num(certs); i++) {
		X509 *x = sk_X509_value(certs, i);

		X509_up_ref(x);
		if (chain_add(c, x, err) == -1) {
			x509_chain_free(c);
			return NULL;
		}
	}
	return c;
}

struct x509_chain *
x509_chain_of_ssl(const SSL *ssl, struct err *err)
{
	return x509_chain_of_stack(SSL_get_peer_cert_chain(ssl), err);
}

size_t
x509_chain_len(const struct x509_chain *c)
{
	return (size_t)sk_X509_num(c->certs);
}

int
x509_chain_pem(const struct x509_chain *c, struct buf *out)
{
	BIO *mem = BIO_new(BIO_s_mem());
	char *data;
	long len;
	int i, rv = 0;

	if (mem == NULL)
		abort();
	for (i = 0; rv == 0 && i < sk_X509_num(c->certs); i++)
		if (!PEM_write_bio_X509(mem, sk_X509_value(c->certs, i)))
			rv = -1;
	if (rv == 0) {
		len = BIO_get_mem_data(mem, &data);
		buf_add(out, data, (size_t)len);
	}
	BIO_free(mem);
	ERR_clear_error();
	return rv;
}

void
x509_chain_free(struct x509_chain *c)
{
	if (c == NULL)
		return;
	sk_X509_pop_free(c->certs, X509_free);
	free(c);
}
