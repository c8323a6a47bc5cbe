/*
 * starttls_tls.h: the OpenSSL half of starttls.c, private to it.
 */
#ifndef STARTTLS_TLS_H
#define STARTTLS_TLS_H

#include <openssl/ssl.h>

#include "starttls.h"

struct sockbio;

struct starttls_ctx {
	unsigned refs;
	SSL_CTX *ssl;
	BIO_METHOD *bio;
	unsigned step_ms;
	unsigned total_ms;
	char helo[STARTTLS_MAX_HELO + 1];
};

/*
 * A TLS client connection on io, sending sni unless NULL. r->cert_asked is
 * set if the server asks for a certificate. NULL if OpenSSL has no memory
 * or does not take sni; the error queue is left for starttls_tls_reason.
 */
SSL *starttls_tls_new(struct starttls_ctx *ctx, struct sockbio *io, char *sni,
    struct starttls_result *r);

/* Note the certificates and, if the handshake is done, all about it. */
void starttls_tls_facts(SSL *ssl, struct starttls_result *r);

/*
 * The outcome of a handshake that ended with rc of SSL_connect: neither
 * SSL_ERROR_WANT_READ nor _WRITE. Fills text and errnum of r and empties
 * OpenSSL's error queue.
 */
enum starttls_outcome starttls_tls_failure(
    SSL *ssl, int rc, const struct sockbio *io, struct starttls_result *r);

/* One more, or one less, user of ctx. */
void starttls_ctx_hold(struct starttls_ctx *ctx);

#endif
