/*
 * probemoved.h: which gateway passed last at a next-hop where another one is
 * met now: the partner may have moved, or somebody has forged its DNS.
 */
#ifndef PROBEMOVED_H
#define PROBEMOVED_H

#include <stdbool.h>
#include <time.h>

struct arena;
struct err;
struct evidence;

struct probemoved {
	const char *partner, *nexthop;
	const char *is;	 /* met now, and never passed there */
	const char *was; /* passed last at `until`; NULL: no such thing */
	time_t until;
};

/* Is that host there now? */
typedef bool probemoved_there_fn(const char *host, void *arg);

/*
 * Fill m->was and m->until, by the rest of it, and what is on record: the last
 * one that passed and is not there any more. Text goes into a. 0, or -1 with
 * *e set.
 */
int probemoved_find(struct probemoved *m, struct evidence *v,
    probemoved_there_fn *there, void *arg, struct arena *a, struct err *e);

#endif
