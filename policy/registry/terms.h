/*
 * terms.h: the attributes of the registry, their names and values.
 */
#ifndef TERMS_H
#define TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "attr.h"
#include "registry.h"

enum term {
	TERM_CA,
	TERM_CIPHERS,
	TERM_COMMON_NAME,
	TERM_CONTACT,
	TERM_DOMAIN,
	TERM_DROP_AFTER,
	TERM_DROP_FOR,
	TERM_DROP_TO,
	TERM_GATEWAY,
	TERM_INBOUND,
	TERM_INBOUND_ACTION,
	TERM_INBOUND_VERIFY,
	TERM_ISSUER,
	TERM_KEY,
	TERM_MIN_TLS,
	TERM_MODE,
	TERM_NOTE,
	TERM_ON_FAILURE,
	TERM_OPERATOR,
	TERM_PROVIDER,
	TERM_REVIEW,
	TERM_TICKET,
	TERM_VERIFY,
	TERM_COUNT, /* no such attribute */
};

#define TERM_BIT(t) (UINT32_C(1) << (t))

/* Of which statements an attribute may be said. */
#define TERM_OF_PARTNER 1u
#define TERM_OF_PROVIDER 2u
#define TERM_OF_DEFAULT 4u

/* The attribute of that name, of len bytes, or TERM_COUNT. */
enum term term_find(const char *name, size_t len);

const char *term_name(enum term t);

/* TERM_OF_* bits. */
unsigned term_place(enum term t);

/* True if saying it again adds to a list. */
bool term_is_list(enum term t);

/* Is it one of the three tokens of a gateway list? */
bool term_is_token(const char *s);

/*
 * Take value, which is cut in place, into terms; names, keys and paths go to
 * the arena, and texts if they are kept, else they are "". The domain and
 * provider attributes are not for here. NULL if it is good, else
 * what is wrong as a phrase behind `attribute "x": `, with *culprit set to the
 * part of the value that is meant. The phrase may stand in buf, of
 * TERM_PHRASE_MAX bytes. value is then what follows a bad element of a list,
 * for another call, or at its end.
 */
#define TERM_PHRASE_MAX 512
const char *term_take(struct terms *terms, enum term t, struct attr_list *value,
    struct arena *arena, bool texts, char *buf, const char **culprit);

/* Fill in what is not said in `to` from `from`, which must outlive it. */
void terms_inherit(struct terms *to, const struct terms *from);

/* Fill in what nobody said. */
void terms_preset(struct terms *to);

#endif
