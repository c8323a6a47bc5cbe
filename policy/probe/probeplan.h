/*
 * probeplan.h: which next-hops to look at, and how. Pure.
 */
#ifndef PROBEPLAN_H
#define PROBEPLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "level.h"
#include "registry.h"

struct err;
struct nexthop;
struct smtpclient;

/* A next-hop to look up, and whose rules hold there. */
struct probetarget {
	const struct partner *partner;	     /* NULL: of no partner */
	const char *name;		     /* of the partner, or "-" */
	const struct attributes *attributes; /* never NULL, and so the next */
	const struct strs *gateway;
	enum level level; /* at which to look and to judge */
	enum level own;	  /* that the registry has */
	/* At which the map holds its mail by that rule; own unless said. */
	enum level held;
	const char *nexthop; /* for mxdns_lookup, and the evidence */
	/* Whose domain `nexthop` is in the rules; NULL: that of the nexthop. */
	const char *domain;
	bool listed; /* nexthop stands in the registry: worth recording */
	bool fresh;  /* there are no rules yet: all is asked for, TXT as well */
	const struct smtpclient *client; /* how Postfix meets it */
};

/* Something that was asked for and cannot be looked at. */
struct probeskip {
	const char *name; /* of the partner */
	const char *what; /* its `.domain` */
};

struct probeplan {
	struct probetarget *target;
	size_t n, cap;
	struct probeskip *skip;
	size_t nskip, skip_cap;
	const struct registry *registry;
	bool as_enforced; /* look at all as if the mode were enforced */
	struct attributes stranger;
	struct arena arena;
};

/* Start an empty plan over r, which is borrowed; zeroed memory will do. */
void probeplan_init(
    struct probeplan *p, const struct registry *r, bool as_enforced);

/* Every domain of every partner. */
void probeplan_all(struct probeplan *p);

/*
 * A partner's name, one of its domains, a name below its `.domain`, one of
 * its gateways, or any other domain or host (judged as opportunistic). What
 * is in the plan already is not added again. 0, or -1 with *e set: 66 if it is
 * nothing of the kind, 64 for a `.domain`.
 */
int probeplan_add(struct probeplan *p, const char *what, struct err *e);

/* The next-hop, in normal form, as one of nobody that we know. */
void probeplan_stranger(struct probeplan *p, const char *nexthop);

/* HOST or HOST:PORT, by the rules of the partner of that index. 0 or -1. */
int probeplan_host(
    struct probeplan *p, uint32_t partner, const char *host, struct err *e);

/*
 * A host as people write it: also in brackets, with a port, with a dot at its
 * end, in its own script. 0, or -1 if what is none.
 */
int probeplan_name(const char *what, struct nexthop *n);

/* Index of the partner that what stands for, or REGISTRY_NONE. */
uint32_t probeplan_partner(const struct registry *r, const char *what);

void probeplan_release(struct probeplan *p);

/* Are TLSA records of use for t? dane: at opportunistic, too. */
bool probeplan_wants_tlsa(const struct probetarget *t, bool dane);

#endif
