/*
 * maprecord.h: what policy.cdb tells tlspactd beside the policy rows.
 *
 * Keys begin with a space, so Postfix never asks for them:
 *   " d:KEY"  for the row KEY (a domain or .domain): its inbound rule, and
 *             the downgrade that holds. Left out where both follow from the
 *             row itself: see maprecord_of_policy().
 *   " g:NAME" for a gateway's host name or .suffix: the inbound rule for
 *             mail from that client, when the sender does not tell. Left
 *             out for gateways below a domain of their own partner: going
 *             up from the client's name leads to the row of that domain.
 * Values are `name=value` words, as attr.h reads them.
 */
#ifndef MAPRECORD_H
#define MAPRECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "level.h"
#include "registry.h"

struct buf;

#define MAPRECORD_DOMAIN " d:"
#define MAPRECORD_GATEWAY " g:"

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
	char *memory;	  /* of a parsed record; owned */
};

/* Append the value. */
void maprecord_print(const struct maprecord *r, struct buf *out);

/*
 * Read a value back. False if it is damaged: the caller must not take that
 * for "no rule". maprecord_release frees what it holds.
 */
bool maprecord_parse(struct maprecord *r, const char *text, size_t len);

/* The record that a row without one stands for. Holds no memory. */
void maprecord_of_policy(struct maprecord *r, const char *policy, size_t len);

void maprecord_release(struct maprecord *r);

#endif
