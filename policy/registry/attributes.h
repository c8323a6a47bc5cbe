/*
 * attributes.h: what can be said of a partner, a provider, or by default:
 * the attributes of tlspact-registry(5), their names and values.
 */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "attr.h"
#include "level.h"
#include "meant.h"
#include "tlsversion.h"

struct arena;

#define ATTRIBUTE_TEXT_MAX 1024	  /* bytes of note, ticket, contact, ... */
#define ATTRIBUTE_LIST_MAX 100000 /* elements of a list */

/* OPPORTUNISTIC: as strangers. The last three are rows of that very level. */
enum mode { MODE_OPPORTUNISTIC, MODE_ENFORCED, MODE_MAY, MODE_DANE, MODE_NONE };
enum verify { VERIFY_NAME, VERIFY_KEY, VERIFY_DANE, VERIFY_NONE };
enum common_name { COMMON_NAME_ANY, COMMON_NAME_GATEWAY };
enum ciphers { CIPHERS_MEDIUM, CIPHERS_HIGH, CIPHERS_MAIN_CF };
enum inbound { INBOUND_OFF, INBOUND_WARN, INBOUND_REQUIRE };
enum inbound_verify { INBOUND_NONE, INBOUND_NAME, INBOUND_KEY };
enum inbound_action { ACTION_DEFER, ACTION_REJECT };
enum on_failure { ON_FAILURE_HOLD, ON_FAILURE_DROP };
/* smtp_requiretls_policy, weakest first; MAIN_CF: nothing is said. */
enum requiretls {
	REQUIRETLS_MAIN_CF,
	REQUIRETLS_DISABLE,
	REQUIRETLS_OPPORTUNISTIC,
	REQUIRETLS_STARTTLS,
	REQUIRETLS_ENFORCE
};

/* Else notify_contact is seconds that a fault lasts. */
#define NOTIFY_NO 0
#define NOTIFY_YES UINT32_MAX

/* A min_tls that nobody is below: main.cf's holds, whatever it is. */
#define MIN_TLS_MAIN_CF TLS_SSL_2

/* A list of strings. */
struct strs {
	size_t n;
	const char *v[];
};

/* The same strings in the same order; or both NULL. */
bool strs_same(const struct strs *a, const struct strs *b);

/* There may be a million: kept small. */
struct attributes {
	uint32_t set; /* bit per attribute that was said */
	uint32_t own; /* of these, by the partner: once all is read */
	uint8_t mode; /* enum mode, and so on below */
	uint8_t verify;
	uint8_t common_name;
	uint8_t min_tls; /* enum tls_version; also of protocols= */
	uint8_t ciphers;
	uint8_t inbound;
	uint8_t inbound_verify;
	uint8_t inbound_action;
	uint8_t on_failure;
	uint8_t drop_to; /* enum level */
	uint8_t requiretls;
	uint32_t drop_count;	    /* failures ... */
	uint32_t drop_window;	    /* ... within seconds */
	uint32_t drop_for;	    /* seconds */
	uint32_t notify_contact;    /* the same, or NOTIFY_* */
	const struct strs *gateway; /* names, .suffixes, and the three tokens */
	const struct strs *ca;	    /* absolute paths; empty: system */
	const struct strs *issuer;
	const struct strs *key;	   /* SPKI SHA-256: AA:BB:... */
	const struct strs *former; /* names that it had; NULL: none */
	const char *contact;	   /* NULL if not said, and so on below */
	const char *operator_;
	const char *protocols;	/* as Postfix has it, no blanks */
	const char *servername; /* `hostname', `nexthop' or a name */
	const char *ticket;
	const char *note;
	time_t review; /* first second of that day; 0 if not said */
};

enum attribute {
	ATTRIBUTE_CA,
	ATTRIBUTE_CIPHERS,
	ATTRIBUTE_COMMON_NAME,
	ATTRIBUTE_CONTACT,
	ATTRIBUTE_DOMAIN,
	ATTRIBUTE_DROP_AFTER,
	ATTRIBUTE_DROP_FOR,
	ATTRIBUTE_DROP_TO,
	ATTRIBUTE_FORMER,
	ATTRIBUTE_GATEWAY,
	ATTRIBUTE_INBOUND,
	ATTRIBUTE_INBOUND_ACTION,
	ATTRIBUTE_INBOUND_VERIFY,
	ATTRIBUTE_ISSUER,
	ATTRIBUTE_KEY,
	ATTRIBUTE_MIN_TLS,
	ATTRIBUTE_MODE,
	ATTRIBUTE_NOTE,
	ATTRIBUTE_NOTIFY_CONTACT,
	ATTRIBUTE_ON_FAILURE,
	ATTRIBUTE_OPERATOR,
	ATTRIBUTE_PROTOCOLS,
	ATTRIBUTE_PROVIDER,
	ATTRIBUTE_REQUIRETLS,
	ATTRIBUTE_REVIEW,
	ATTRIBUTE_SERVERNAME,
	ATTRIBUTE_TICKET,
	ATTRIBUTE_VERIFY,
	ATTRIBUTE_COUNT, /* no such attribute */
};

#define ATTRIBUTE_BIT(a) (UINT32_C(1) << (a))

/* Of which statements an attribute may be said. */
#define ATTRIBUTE_OF_PARTNER 1u
#define ATTRIBUTE_OF_PROVIDER 2u
#define ATTRIBUTE_OF_DEFAULT 4u

/*
 * The attribute of that name, or ATTRIBUTE_COUNT; *place is where it may stand,
 * ATTRIBUTE_OF_* bits, and *list is set if saying it again adds to a list.
 */
enum attribute attribute_find(const char *name, unsigned *place, bool *list);

/* Is it one whose value is likely to have blanks in it? */
bool attribute_has_blanks(enum attribute a);

/* The one that was meant by a name that is none; its name is NULL: none. */
struct meant attribute_meant(const char *name);

/* Is it one of the three tokens of a gateway list? */
bool attribute_is_token(const char *s);

/*
 * Take value, which is cut in place and must outlive `to`; what memory it
 * needs beside that is of the arena. The domain and provider attributes are
 * not for here. NULL if it is good, else what is wrong as a phrase behind
 * `attribute "x": `, with *culprit set to the part of the value that is meant.
 * The phrase may stand in buf, of ATTRIBUTE_PHRASE_MAX bytes. value is then
 * what follows a bad element of a list, for another call, or at its end.
 */
#define ATTRIBUTE_PHRASE_MAX 512
const char *attribute_take(struct attributes *to, enum attribute a,
    struct attr_list *value, struct arena *arena, char *buf,
    const char **culprit);

/* Fill in what is not said in `to` from `from`, which must outlive it. */
void attributes_inherit(struct attributes *to, const struct attributes *from);

/* Fill in what nobody said. */
void attributes_preset(struct attributes *to);

/* The level if the mode is enforced. */
static inline enum level
attributes_enforced_level(const struct attributes *t)
{
	switch (t->verify) {
	case VERIFY_NONE:
		return LEVEL_ENCRYPT;
	case VERIFY_KEY:
		return LEVEL_KEY;
	default:
		return LEVEL_SECURE;
	}
}

/*
 * Does Postfix 3.11 and later, which goes by the registry, return mail that
 * demands REQUIRETLS to its sender where the partner is at that level? Of
 * REQUIRETLS_STARTTLS: where the gateway offers none.
 */
static inline bool
attributes_returned(const struct attributes *t, enum level level)
{
	switch (t->requiretls) {
	case REQUIRETLS_DISABLE:
	case REQUIRETLS_OPPORTUNISTIC:
		return false;
	case REQUIRETLS_STARTTLS:
		return level < LEVEL_ENCRYPT;
	default:
		return level < LEVEL_KEY;
	}
}

#endif
