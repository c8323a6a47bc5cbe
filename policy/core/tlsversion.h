/*
 * tlsversion.h: the versions of TLS: how the registry, both sides of Postfix
 * and OpenSSL name them.
 */
#ifndef TLSVERSION_H
#define TLSVERSION_H

#include <stddef.h>

enum tls_version { /* oldest first */
	TLS_SSL_2,
	TLS_SSL_3,
	TLS_1_0,
	TLS_1_1,
	TLS_1_2,
	TLS_1_3,
	TLS_VERSIONS
};

/* "TLSv1", "TLSv1.2", and so on. */
const char *tls_version_name(enum tls_version v);

/* As OpenSSL counts them: TLS1_VERSION, TLS1_2_VERSION, and so on. */
int tls_version_number(enum tls_version v);

/* The version of the name of len bytes, in any case of letters; or -1. */
int tls_version_find(const char *name, size_t len);

/*
 * The lowest version that a policy's protocols= of len bytes lets in: as
 * ">=TLSv1.2", or as "!SSLv2:!SSLv3:!TLSv1:!TLSv1.1" before Postfix 3.6; -1:
 * it says none, or cannot be understood.
 */
int tls_version_floor(const char *protocols, size_t len);

#endif
