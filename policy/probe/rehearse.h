/*
 * rehearse.h: the chains seen last, against a CA bundle not yet installed.
 */
#ifndef REHEARSE_H
#define REHEARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "arena.h"
#include "evidence.h"
#include "fault.h"

struct err;
struct judge;
struct registry;

struct rehearsal_row {
	const char *partner, *nexthop, *host, *issuer;
	const char *ca; /* CN of the CA that it rests on now; "": none */
	time_t seen;
	enum fault now, then; /* with the old bundle, and with the new one */
	bool breaks;	      /* is delivered to now, would not be then */
	bool mends;	      /* the other way round */
};

/* A CA without which gateways break. */
struct rehearsal_ca {
	const char *name; /* rehearsal_row.ca */
	size_t breaks;
};

struct rehearsal {
	struct rehearsal_row *row;
	size_t n, cap;
	size_t breaks, mends;
	size_t failing; /* by both bundles */
	bool none;	/* is delivered to then, of those that there are */
	struct rehearsal_ca *ca; /* those that most rest on first */
	size_t ncas;
	size_t own;	    /* enforced partners that do not use the bundle */
	const char **never; /* enforced ones that use it, never seen */
	size_t nnever;
	/* Those that name other files where a distribution keeps its CAs. */
	const char **near;
	size_t nnear;
	struct arena arena;
};

/*
 * Judge the last chain of every gateway, unless evidence_gone() within span, of
 * every enforced partner that relies on the system's CAs or names that very
 * file as its own, at time at. before and after differ in their ca_file only.
 * 0, or -1 with *e set. The caller releases out in any case.
 */
int rehearse(struct evidence *v, const struct registry *r, struct judge *before,
    struct judge *after, time_t at, time_t span, struct rehearsal *out,
    struct err *e);

void rehearsal_release(struct rehearsal *r);

#endif
