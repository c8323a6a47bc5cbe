/*
 * proberefused.h: mail of a partner that we refused last, and nothing came
 * since as it is agreed.
 */
#ifndef PROBEREFUSED_H
#define PROBEREFUSED_H

#include <time.h>

struct arena;
struct err;
struct evidence;

struct proberefused {
	const char *partner;
	time_t at;		    /* 0: no such mail */
	const char *fault;	    /* word of fault.h */
	const char *host, *address; /* of the client; "unknown": no name */
};

/*
 * Fill the rest of *r, by r->partner, from what is on record since then. Text
 * goes into a. 0, or -1 with *e set.
 */
int proberefused_find(struct proberefused *r, struct evidence *v, time_t since,
    struct arena *a, struct err *e);

#endif
