/*
 * evidence_own.h: our own side, as tlspact-setup saw it: certificates,
 * protocols, what the DNS says of us.
 *
 * In the file of evidence.h, whose rules hold here. Of each day (UTC) the last
 * look is kept, for ever.
 */
#ifndef EVIDENCE_OWN_H
#define EVIDENCE_OWN_H

#include "evidence.h"

/* One thing that was looked at. */
struct evidence_own {
	time_t time;	   /* of the look */
	const char *what;  /* "server certificate", "TLSA" */
	const char *name;  /* of which there may be several: a file, a host */
	const char *state; /* "good", "watch", "bad"; "open": not known */
	const char *text;
	time_t begins, ends; /* of a certificate that ends; else 0 */
};

/* A look at `now`, of all things, in place of those of that day before it. */
int evidence_own_set(struct evidence *v, time_t now,
    const struct evidence_own *own, size_t n, struct err *e);

/* The last look before `until`, as it was given. */
typedef bool evidence_own_fn(const struct evidence_own *o, void *arg);
int evidence_own_last(struct evidence *v, time_t until, evidence_own_fn *fn,
    void *arg, struct err *e);

#endif
