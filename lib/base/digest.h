/*
 * digest.h: SHA-256 (FIPS 180-4) by OpenSSL.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>

#define DIGEST_HEX 65 /* bytes of a digest in hex, NUL included */

struct digest;

/* Begin; the caller ends it with digest_hex(). */
struct digest *digest_new(void);

void digest_add(struct digest *g, const void *p, size_t len);

/* Lower-case hex into out of DIGEST_HEX bytes; frees g. */
void digest_hex(struct digest *g, char *out);

/* All three, of len bytes at p. Returns out. */
const char *digest_of(const void *p, size_t len, char *out);

#endif
