/*
 * lookup.h: ask the map as Postfix would, and beyond: by any spelling.
 *
 * Names come as they stand in envelopes: any case, U-labels, any bytes.
 * They are folded to lower case and A-labels first.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "maprecord.h"

struct cdbmap;
struct maptable;

#define LOOKUP_FILTER (1u << 19)
#define LOOKUP_KEY_MAX 1024 /* bytes of a name while it is folded */

enum lookup_answer {
	LOOKUP_FOUND,
	LOOKUP_NOTFOUND,
	LOOKUP_BROKEN, /* the map is damaged: this is no "not found" */
};

/* What is asked. */
struct lookup {
	const struct cdbmap *map;
	struct maptable *table; /* in place of map, or NULL */
	/*
	 * One bit for each hash of a row's record (" d:"), folded;
	 * LOOKUP_FILTER bits. Where there is none, there is no record. NULL:
	 * any row may have one.
	 */
	const uint64_t *filter;
	bool lowered; /* some downgrade holds, so records are to be read */
};

/*
 * What smtp_tls_policy_maps says for key: a domain, `.domain`, `[host]`,
 * `[host]:port`; one key, no walk, for smtp(8) walks itself. A downgrade
 * that has ended at now is not seen any more. *text borrows from the map,
 * or from *hold, which the caller frees.
 */
enum lookup_answer lookup_policy(const struct lookup *l, const char *key,
    size_t klen, time_t now, const char **text, size_t *tlen, char **hold);

/* The rule for mail that comes in. */
struct lookup_rule {
	struct maprecord record; /* to be released by lookup_release */
	/* The row that says so: its key without a leading dot, and its text
	 * (as it is in force); a gateway's own record has no text. */
	char key[DNAME_MAX + 2];
	const char *policy;
	size_t policy_len;
	bool suffix;  /* the key has a leading dot */
	bool lowered; /* a downgrade holds at now */
};

/* What a rule with inbound=require demands, whatever lets mail in. */
static inline bool
lookup_needs_tls(const struct lookup_rule *r)
{
	return !r->lowered || r->record.direction == DIRECTION_CERTIFICATE;
}

static inline bool
lookup_needs_certificate(const struct lookup_rule *r)
{
	return !r->lowered && r->record.verify != INBOUND_NONE;
}

/*
 * By the domain of a sender or recipient: the domain itself, then the
 * .parents, as smtp(8) goes up.
 */
enum lookup_answer lookup_domain(const struct lookup *l, const char *domain,
    size_t len, time_t now, struct lookup_rule *out);

/*
 * By the client's verified host name: gateways that partners have named,
 * then rows of domains in which the host lies.
 */
enum lookup_answer lookup_client(const struct lookup *l, const char *name,
    size_t len, time_t now, struct lookup_rule *out);

/* Free what a found rule holds. */
void lookup_release(struct lookup_rule *r);

#endif
