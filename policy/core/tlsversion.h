/*
 * tlsversion.h: the versions of TLS: how the registry, both sides of Postfix
 * and OpenSSL name them; and what the log's name of a key exchange tells.
 */
#ifndef TLSVERSION_H
#define TLSVERSION_H

#include <stdbool.h>
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
 * What protocols= of a policy or a parameter such as smtp_tls_protocols, of
 * len bytes, lets in: ">=TLSv1.2", "!SSLv2, !SSLv3" as before Postfix 3.6, or
 * "TLSv1.2 TLSv1.1", which lets in no other. False: nothing, or it cannot be
 * understood.
 */
bool tls_version_range(const char *protocols, size_t len,
    enum tls_version *lowest, enum tls_version *highest);

/* The lowest of them; -1: nothing is said, or it cannot be understood. */
int tls_version_floor(const char *protocols, size_t len);

/*
 * Of a key exchange, as Postfix logs it ("X25519", "ECDHE (P-256)", "RSA"):
 * does no later theft of the server's key open it; nor a quantum computer?
 */
bool tls_exchange_forward_secret(const char *exchange);
bool tls_exchange_post_quantum(const char *exchange);

#endif
