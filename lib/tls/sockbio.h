/*
 * sockbio.h: an OpenSSL BIO on a non-blocking socket.
 *
 * OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE, and
 * reads for as long as the peer sends. This one sends with MSG_NOSIGNAL,
 * counts, and stops at a limit.
 */
#ifndef SOCKBIO_H
#define SOCKBIO_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/bio.h>

/* What happened on the socket; the caller sets fd and max, zeroes the rest. */
struct sockbio {
	int fd;	    /* borrowed, never closed here */
	size_t max; /* bytes that may come in; more fail with over set */
	size_t in;  /* bytes that came in */
	int errnum; /* errno of the first failure, 0 if none */
	bool eof;   /* the peer closed its side */
	bool over;  /* the peer sent more than max */
};

/*
 * The method for BIO_new; one serves any number of BIOs. NULL if OpenSSL
 * has no memory. Free with BIO_meth_free, after the last BIO.
 */
BIO_METHOD *sockbio_method(void);

/*
 * A BIO on s, which is borrowed and must outlive it. NULL as above. Free
 * with BIO_free or give it to SSL_set_bio.
 */
BIO *sockbio_new(const BIO_METHOD *method, struct sockbio *s);

#endif
