/*
 * judgekept.h: a chain that is kept of a look, by rules that are newer.
 */
#ifndef JUDGEKEPT_H
#define JUDGEKEPT_H

#include <stdbool.h>
#include <time.h>

#include "judge.h"

struct partner;

/* What was looked at, and what it showed. All is borrowed. */
struct judgekept_look {
	const char *nexthop; /* as it was looked up */
	const char *host;
	const char *pem; /* the chain, leaf first */
	time_t time;
};

/* Does a verdict with that fault rest on the rules for a certificate? */
bool judgekept_rests(enum fault f);

/*
 * Judge it as of then by the rules of p, at its level without any downgrade:
 * where nothing is demanded there is no fault. False if that cannot be told: by
 * TLSA records, which are not kept, without a chain or the CAs.
 */
bool judgekept(struct judge *j, const struct partner *p,
    const struct judgekept_look *look, struct judgement *out);

#endif
