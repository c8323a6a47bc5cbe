/*
 * x509_priv.h: what the x509*.c files share; not for others.
 */
#ifndef X509_PRIV_H
#define X509_PRIV_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <stdbool.h>

struct x509_chain {
	STACK_OF(X509) * certs; /* leaf first, never empty */
};

struct x509_anchor {
	unsigned char *der; /* a certificate, or a public key info */
	size_t len;
	bool is_key;
};

struct x509_store {
	SSL_CTX *ctx; /* a place for the settings of Postfix's client */
	X509_STORE *roots;
	struct x509_anchor *anchors; /* of a tafile; then roots is empty */
	size_t nanchors;
	size_t cap;
	size_t n;
};

/* Settings that every check starts from; never NULL. */
SSL_CTX *x509_store_ctx(void);

/* The text of an ASN.1 string, escaped and cut; returns out. */
char *x509_text(const ASN1_STRING *s, char *out, size_t size);

/* The first value of the given kind in name, "" if there is none. */
char *x509_name_text(const X509_NAME *name, int nid, char *out, size_t size);

#endif
