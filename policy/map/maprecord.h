/*
 * maprecord.h: what policy.cdb says beside the policy rows.
 *
 * Keys begin with a space, so Postfix never asks for them:
 *   " header" describes the file.
 *   " d:KEY"  for the row KEY (a domain or .domain): its inbound rule, the
 *             downgrade that holds, and what becomes of mail that demands
 *             REQUIRETLS. Left out where all follow from the row itself: see
 *             maprecord_of_policy().
 *   " g:NAME" for a gateway's host name or .suffix: the inbound rule for
 *             mail from that client, when the sender does not tell. Left
 *             out for gateways below a domain of their own partner: going
 *             up from the client's name leads to the row of that domain.
 *   " r:ID:PARTNER" is a mark: of a downgrade that the map has ended when the
 *             ledger could not be told. A compile obeys no row of the ledger
 *             that has one; it closes the row, and when the ledger says that
 *             it is closed, or knows of none, the mark goes.
 * Values are `name=value` words, as attr.h reads them; words of later versions
 * are passed over.
 */
#ifndef MAPRECORD_H
#define MAPRECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "direction.h"
#include "level.h"
#include "registry.h"

struct arena;
struct buf;
struct cdbmap;
struct downgrade;

#define MAPHEADER_KEY " header"
#define MAPHEADER_FORMAT 1
#define MAPRECORD_DOMAIN " d:"
#define MAPRECORD_GATEWAY " g:"
#define MAPMARK_KEY " r:"
#define MAPRECORD_PREFIX 3 /* bytes of these three */

/* Is key of that kind, with something behind the prefix? */
static inline bool
maprecord_is(const char *key, size_t klen, const char *kind)
{
	return klen > MAPRECORD_PREFIX &&
	       memcmp(key, kind, MAPRECORD_PREFIX) == 0;
}

static inline bool
mapheader_is(const char *key, size_t klen)
{
	return klen == sizeof(MAPHEADER_KEY) - 1 &&
	       memcmp(key, MAPHEADER_KEY, klen) == 0;
}

struct mapheader {
	unsigned format;
	time_t time;	  /* when it was compiled */
	time_t expires;	  /* next time at which a row changes; 0: never */
	unsigned postfix; /* TARGET_VERSION it was made for */
	size_t partners, domains, enforced;
	size_t lowered;	   /* domains under a downgrade: they have records */
	char registry[65]; /* SHA-256 of the registry's files, hex */
	size_t requiretls; /* domains with a word on REQUIRETLS */
};

/* Append the value. */
void mapheader_print(const struct mapheader *h, struct buf *out);

/* Read it back; false if it is not one of a format that we know. */
bool mapheader_parse(struct mapheader *h, const char *text, size_t len);

/* The header of a map; false, and zeroes, if it cannot be told. */
bool mapheader_get(struct mapheader *h, const struct cdbmap *m);

struct maprecord {
	const char *partner; /* name; "" if not known */
	size_t more;	     /* further partners behind the same gateway */
	enum inbound inbound;
	enum inbound_verify verify;
	enum inbound_action action;
	const struct strs *names; /* for verify=name; never NULL */
	const struct strs *keys;  /* for verify=key; never NULL */
	enum level level;	  /* in force */
	time_t until;		  /* end of the downgrade; 0: none holds */
	time_t begin;		  /* of that downgrade */
	int64_t id;		  /* its number in the ledger, 0: not known */
	const char *full; /* the row's text without it; "" if none holds */
	void *memory;	  /* of a parsed record; owned */
	enum requiretls requiretls; /* of mail that is sent there */
	/* Unless BOTH, it lets mail in; the row is as always. */
	enum direction direction;
};

/* By enum inbound and enum inbound_verify: their words, then NULL. */
extern const char *const maprecord_inbound[], *const maprecord_verify[];

/* Append what a partner that is registry_weaker() has less: "secure -> encrypt,
 * inbound require -> off". */
void maprecord_print_less(
    const struct partner *is, const struct partner *was, struct buf *out);

/* By enum requiretls: the words of smtp_requiretls_policy, postconf(5). */
extern const char *const maprecord_requiretls[];

/* Append the value. */
void maprecord_print(const struct maprecord *r, struct buf *out);

/*
 * Read a value back. False if it is damaged: the caller must not take that
 * for "no rule". maprecord_release frees what it holds.
 */
bool maprecord_parse(struct maprecord *r, const char *text, size_t len);

/* The record of the row key of a map; false if there is none, or damaged. */
bool maprecord_get(
    struct maprecord *r, const struct cdbmap *m, const char *key, size_t klen);

/* The record that a row without one stands for. Holds no memory. */
void maprecord_of_policy(struct maprecord *r, const char *policy, size_t len);

void maprecord_release(struct maprecord *r);

struct mapmark {
	const char *partner;
	int64_t id;   /* of the downgrade in the ledger; 0: not known */
	time_t begin; /* of the downgrade; 0: not known */
	time_t at;    /* when the map ended it, or could have at first */
	const char *by;
};

/* Append key and value. */
void mapmark_print(const struct mapmark *m, struct buf *key, struct buf *out);

/* Read a record back; texts in a's memory. False if it is none, or damaged. */
bool mapmark_parse(struct mapmark *m, const char *key, size_t klen,
    const char *text, size_t len, struct arena *a);

/* Is it about that downgrade? */
bool mapmark_is_of(const struct mapmark *m, const struct downgrade *o);

/* What is left of the list behind ` match=` of a policy's text. */
struct mapmatch {
	const char *p, *end;
};

/* The whole list; an empty one if the text has none. */
struct mapmatch mapmatch_of(const char *policy, size_t len);

/* The next element that is not empty, borrowed; false at the end. */
bool mapmatch_next(
    struct mapmatch *m, char separator, const char **s, size_t *len);

#endif
