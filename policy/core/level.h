/*
 * level.h: the ladder of levels, weakest first, so that < means weaker.
 */
#ifndef LEVEL_H
#define LEVEL_H

#include <stddef.h>

enum level {
	LEVEL_OPPORTUNISTIC, /* TLS if offered, any certificate, or clear */
	LEVEL_ENCRYPT,	     /* TLS, any certificate */
	LEVEL_KEY,	     /* TLS, a known public key */
	LEVEL_SECURE,	     /* TLS, accepted CA and name (or DANE) */
};

/* "opportunistic", "encrypt", "key", "secure". */
const char *level_name(enum level level);

/* The level of that name, 0; or -1. */
int level_parse(const char *name, enum level *out);

/*
 * The level that Postfix calls the len bytes at word ("may", "fingerprint",
 * "dane-only", in any case of letters) into *out, which may be NULL. Returns
 * its strength, more being stronger, also of two words for one level; or -1.
 */
int level_of_postfix(const char *word, size_t len, enum level *out);

#endif
