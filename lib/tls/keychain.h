/*
 * keychain.h: our own certificates with their private keys, in the order in
 * which Postfix takes them of smtpd_tls_chain_files: each key before its
 * certificate, which comes before those of its issuers.
 *
 * No byte of a key is kept or told. OpenSSL's error queue is left empty.
 */
#ifndef KEYCHAIN_H
#define KEYCHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#define KEYCHAIN_MAX 8 /* certificates with a key of their own */

enum keychain_key {
	KEYCHAIN_NONE,	/* there is none before it */
	KEYCHAIN_SHUT,	/* it cannot be read: damaged, or with a pass phrase */
	KEYCHAIN_OTHER, /* it is the key of another certificate */
	KEYCHAIN_FITS,
};

struct keychain {
	STACK_OF(X509) * chain; /* leaf first, never empty; owned */
	enum keychain_key key;
};

/*
 * Those of a PEM text, at most max; their number. A certificate without a key
 * before it goes on with the chain, unless it is the first. What is damaged
 * ends it.
 */
size_t keychain_read(
    const char *pem, size_t len, struct keychain *out, size_t max);

/*
 * The same where they are in two files, or twice in one: the first key, and
 * the certificates of the other text. False: there is none.
 */
bool keychain_pair(const char *key, size_t keylen, const char *pem, size_t len,
    struct keychain *out);

void keychain_release(struct keychain *k, size_t n);

#endif
