/*
 * step.h: the smallest downgrade that gets a partner's mail moving, and what
 * each one gives up. Pure.
 */
#ifndef STEP_H
#define STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "fault.h"
#include "level.h"
#include "turns.h"

struct arena;
struct buf;

/*
 * One gateway of the partner at one address, as a probe saw it last: what is
 * decided, offered and told rests on these.
 */
struct step_gateway {
	const char *nexthop; /* the domain asked for */
	const char *host;    /* "" if there was none */
	enum fault fault;
	const char *key; /* SPKI SHA-256 shown; NULL or "": none */
	/*
	 * Of the last chain that passed at this host before; NULL or "":
	 * none did. From the record, never from the one who probed.
	 */
	const char *last_key;
	time_t since;	     /* when this fault was first seen; 0: not known */
	time_t time;	     /* of this look; 0: not known */
	time_t begins;	     /* life.h: of what ends then */
	time_t not_after;    /* of the certificate; 0: not known */
	const char *address; /* NULL or "": there was none */
	bool known;	     /* it passed before, at this host and address */
	time_t passed;	     /* last; 0: never, or not known */
	unsigned run;	     /* results in a row with this fault */
	const char *partner; /* NULL: the reader knows */
	struct turns turns;
	bool gone;    /* a whole look since then did not meet it */
	time_t blind; /* a later one that failed on our side; 0: none did */
	/*
	 * After this look a mail failed there, by the log; 0: none did. If
	 * failed_with is `fault`, the look itself saw something better.
	 */
	time_t failed;
	enum fault failed_with;
	bool failed_before; /* it got to no gateway at all */
	/* At which one, where no look met that; NULL: at this one. */
	const char *failed_host;
};

/* Is there such a text, neither NULL nor ""? */
static inline bool
step_said(const char *s)
{
	return s != NULL && *s != '\0';
}

/*
 * Mail to a next-hop moves if any of its gateways takes it, because smtp(8)
 * tries them in turn. Those that cannot be reached count neither way.
 */
struct step_hop {
	bool passes;	  /* a gateway takes mail as it should be */
	bool helps;	  /* one fails that takes it at a lower level: */
	enum level level; /* ... the highest such */
	enum fault fault; /* what is wrong there */
	time_t since;	  /* when the last of those began to fail */
};

/*
 * What is seen of the next-hop of g[at], of which levels under `under` would
 * help; no_key: `key` is out of reach. False if an earlier gateway stands for
 * it.
 */
bool step_hop(const struct step_gateway *g, size_t n, size_t at,
    enum level under, bool no_key, struct step_hop *out);

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

/* Does mail wait at that level? Where no TLS is asked for nothing holds it. */
bool step_waits(const struct step_gateway *g, size_t n, enum level full);

/* The worst fault of them, and since when it is there (0: not known). */
enum fault step_worst(const struct step_gateway *g, size_t n, time_t *since);

#define STEP_LOOK 900 /* seconds: results that near belong to one look */

/* Seconds from the first to the last result of one look at a next-hop. */
static inline time_t
step_span(uint64_t probe_timeout)
{
	return 2 * (time_t)probe_timeout + 10;
}

/*
 * Was g[i] met by the latest look at its next-hop? The rows are what is kept
 * of one partner, some of gateways that are gone; time has to be set. The
 * others of a look that was broken off are within `span` seconds, and a look
 * that found no gateway at all leaves a row without a host, which one that
 * finds some takes away, and the other way round. One that failed on our side
 * takes away nothing, and would have met it.
 */
bool step_met(const struct step_gateway *g, size_t n, size_t i, time_t span);

/* What is said of it is known by the log, and not by the look. */
static inline bool
step_by_log(const struct step_gateway *g)
{
	return g->failed != 0 && g->failed_with == g->fault;
}

/* It shows the key that passed last at its host. */
bool step_same_key(const struct step_gateway *g);

/* Is the key that it shows one of these, of sha256 hex with or without `:`? */
bool step_pinned(
    const struct step_gateway *g, const char *const *pin, size_t n);

/*
 * The keys that a downgrade to `key` pins, each once; 0 if there are none.
 * All gateways will be held to them, not only those at fault: so one that
 * passes brings the key it shows, one that cannot be seen now the key that
 * passed last at its host, and one that shows another key brings none.
 * *out and the keys live in the arena.
 */
size_t step_keys(const struct step_gateway *g, size_t n, struct arena *arena,
    const char *const **out);

/*
 * Below `key` whoever answers gets the mail, so all that may answer has to
 * have passed before: the number of gateways that did not, at their address;
 * for one that cannot be reached now it is enough that its host did at some
 * address. One that passes now is no stranger. *first (may be NULL) is one.
 */
size_t step_strangers(
    const struct step_gateway *g, size_t n, const struct step_gateway **first);

/* One sentence: what a downgrade to this level keeps and gives up. */
const char *step_given_up(enum level to);

/* Since when it is as it is, for people: of what expired the expiry. 0: not
 * known. */
time_t step_since(const struct step_gateway *g);

/*
 * Append "mx1.x expired since 11:02, key unchanged; mx2.x passes", each host
 * with the same words once, in local time.
 */
void step_describe(
    const struct step_gateway *g, size_t n, time_t now, struct buf *out);

#endif
