/*
 * step.h: the smallest downgrade that gets a partner's mail moving, and what
 * each one gives up. Pure.
 */
#ifndef STEP_H
#define STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "fault.h"
#include "level.h"

struct buf;

/* One gateway of the partner, as it was seen last. */
struct step_gateway {
	const char *nexthop; /* the domain asked for */
	const char *host;    /* "" if there was none */
	enum fault fault;
	time_t time;	  /* of this look */
	time_t since;	  /* when this fault was first seen; 0: not known */
	time_t not_after; /* of the certificate; 0: not known */
	bool same_key;	  /* it shows a key that passed before */
};

struct step {
	/* What to lower to; not under the present level: nothing helps. */
	enum level level;
	bool helps;	/* that level is weaker and gets mail moving */
	size_t passing; /* gateways that take mail now */
	size_t failing; /* that fail by TLS */
	size_t network; /* that fail by something else, which no level mends */
	size_t blocked; /* next-hops of which no gateway passes */
};

/*
 * Of each next-hop that no gateway serves now the strongest level that would
 * mend one of them is needed, and of these the weakest. Where mail moves
 * through another gateway, the failing one alone decides.
 */
void step_propose(
    const struct step_gateway *g, size_t n, enum level now, struct step *out);

/* One sentence: what a downgrade to this level keeps and gives up. */
const char *step_given_up(enum level to);

/*
 * Append "mx1.x expired since 11:02, key unchanged; mx2.x passes", each host
 * with the same words once, in local time.
 */
void step_describe(
    const struct step_gateway *g, size_t n, time_t now, struct buf *out);

#endif
