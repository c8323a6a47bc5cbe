/*
 * route.h: where mail to enforced domains really goes, by which service of
 * master.cf and under which level, as trivial-rewrite(8) finds out; and the
 * tables by which smtp(8) takes a reply or a failure for another one, so that
 * this mail bounces or never has TLS.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

struct cdbmap;
struct findings;
struct map_facts;
struct postconf;

#define ROUTE_NEXTHOP 1024 /* bytes of a next-hop, NUL included */

/*
 * Is told of each fault: the key of its row, or the address; NULL if it is one
 * of all mail. Texts are gone afterwards.
 */
typedef void route_past_fn(
    const char *key, const char *where, const char *what, void *arg);

/*
 * Add a finding for what leaves at a lower level than its row in the map
 * (NULL: there is none) says, or by a service that asks no map, and for each
 * such table. Asks tables by postmap(1). past: NULL is allowed.
 */
void route_check(const struct postconf *c, const struct map_facts *facts,
    const struct cdbmap *map, struct findings *out, route_past_fn *past,
    void *arg);

/*
 * The same for these domains alone, as if they had a row that begins with that
 * word of Postfix: "secure", "encrypt".
 */
void route_check_as(const struct postconf *c, const struct map_facts *facts,
    const struct cdbmap *map, const char *const *domain, size_t n,
    const char *word, struct findings *out);

/* The way of mail to one address; texts borrow from the postconf. */
struct route_way {
	bool rewritten;	  /* a virtual alias: another address, nothing below */
	char service[72]; /* "smtp/unix" */
	const char *command;	     /* NULL: master.cf has no such service */
	char nexthop[ROUTE_NEXTHOP]; /* the first of them */
	const char *cause;	     /* the parameter that decides it */
	const char *level;	     /* of the service, where there is no row */
	bool asks;		     /* it asks our map */
	const char *by_sender; /* by which some senders' mail may go else */
};

/*
 * The way to mailbox@domain, or (NULL) to any mailbox there. Tables that
 * cannot be asked are notes in *out. facts: path and socket only.
 */
void route_of(const struct postconf *c, const struct map_facts *facts,
    const char *domain, const char *mailbox, struct findings *out,
    struct route_way *way);

/*
 * What the map has for a next-hop as smtp(8) walks it: the key of the row, and
 * its text, which borrows from the map. False: nothing, key is undefined.
 */
bool route_row(const struct cdbmap *map, const char *nexthop,
    char key[ROUTE_NEXTHOP], struct span *text);

#endif
