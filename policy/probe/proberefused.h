/*
 * proberefused.h: mail of a partner that we refused last, or let in by a
 * downgrade alone, and nothing came since as it is agreed.
 */
#ifndef PROBEREFUSED_H
#define PROBEREFUSED_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct arena;
struct err;
struct evidence;

struct proberefused {
	const char *partner;
	time_t at;		    /* 0: none, or some was let in since */
	const char *fault;	    /* word of fault.h */
	const char *host, *address; /* of the client; "unknown": no name */
	/* Within PROBEREFUSED_DAYS, if none was refused since; 0: no such. */
	uint64_t let_in;
	bool clear;		 /* the last day some came without TLS */
	const char *first, *day; /* YYYY-MM-DD: of the first, and the last */
	time_t until; /* when what let in the last ended, or will; or 0 */
};

#define PROBEREFUSED_DAYS 30

/*
 * Fill the rest of *r, by r->partner, from what is on record since then; of the
 * ledger, a path, when what let in ends. Text goes into a. 0, or -1 with *e
 * set.
 */
int proberefused_find(struct proberefused *r, struct evidence *v,
    const char *ledger, time_t since, struct arena *a, struct err *e);

#endif
