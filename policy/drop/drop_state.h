/*
 * drop_state.h: what drop remembers of each partner, and what its last report
 * means. Nothing is decided here.
 */
#ifndef DROP_STATE_H
#define DROP_STATE_H

#include "arena.h"
#include "drop.h"
#include "registry.h"

#define DROP_NEXTHOP_NONE UINT8_MAX
#define DROP_PASSED_MAX 16   /* of each drop_by, for control probes */
#define DROP_PROBE_EVERY 300 /* seconds between probes of lowered and held */
#define DROP_ANSWER_WAIT 60  /* seconds until we ask for the same again */

/* A failure that counts. */
struct drop_fail {
	time_t time;
	uint8_t fault;
	uint8_t nexthop; /* index, or DROP_NEXTHOP_NONE */
};

/* The downgrade in force. */
struct drop_down {
	bool on;
	bool automatic;
	bool end_told;
	int64_t id; /* kept when it is over */
	enum level level;
	enum fault fault;
	time_t begin;
	time_t end; /* or earlier than the ledger's: the clock went back */
	time_t ledger_begin;
	time_t ledger_end;
	time_t shortened;  /* asked for */
	time_t asked;	   /* for a restore */
	enum drop_why why; /* of that */
	unsigned passes;   /* in a row */
	time_t passed;	   /* the last of them */
};

struct drop_state {
	char name[REGISTRY_NAME_MAX + 1];
	struct drop_rules rules;
	struct drop_fail *fail; /* oldest first, at most rules.count */
	size_t nfails;
	char *nexthop[DROP_NEXTHOPS_MAX];
	size_t nnexthops;
	struct drop_report *report; /* the last one, own copy; or NULL */
	struct arena kept;	    /* of that */
	struct drop_down down;
	time_t *begun; /* when it was lowered by us, the last 24 hours */
	size_t nbegun, begun_cap;
	time_t since;	 /* failing; 0: not */
	time_t onset;	 /* the same, but 0 if it never worked */
	time_t seen;	 /* last evidence of that */
	time_t ignore;	 /* failures up to then are of the past */
	time_t reported; /* time of the last report */
	time_t reached;	 /* the threshold; 0: not */
	time_t asked;	 /* for a probe */
	time_t control;	 /* control probes were asked for */
	time_t vouched;	 /* it was known that another passes; 0: not */
	time_t busy;	 /* LOWER was asked for; do not until */
	time_t
	    unconfirmed_at; /* when our probe last passed although mail fails */
	unsigned unconfirmed; /* in a row */
	bool blocked;	      /* the last report says so */
	bool member;	      /* of the common fault */
	bool held;	      /* told */
	enum drop_why held_why;
	enum level held_step;
};

struct drop_passed {
	char name[REGISTRY_NAME_MAX + 1];
	time_t time;  /* the look began */
	time_t known; /* it was over */
	uint64_t ca;
};

/* Those that pass, latest first. */
struct drop_roll {
	struct drop_passed v[DROP_PASSED_MAX];
	size_t n;
};

struct drop {
	struct drop_settings settings;
	drop_lookup *lookup;
	void *ctx;
	struct drop_state **state; /* by name */
	size_t n, cap;
	struct drop_roll passed[DROP_BY_COUNT];
	time_t now;	 /* of the last input */
	time_t common;	 /* since when many fail at once; 0: they do not */
	bool waiting;	 /* somebody waits for control probes */
	time_t set_back; /* from there, and not told yet; 0: no */
	bool quiet;	 /* facts are being taken in: decide later */
};

struct drop_state *drop_state_find(const struct drop *d, const char *name);
/* NULL if the lookup does not know the partner and it is not there yet. */
struct drop_state *drop_state_get(struct drop *d, const char *name);
/* One that allows nothing in that case; NULL if the name is too long. */
struct drop_state *drop_state_force(struct drop *d, const char *name);
void drop_state_gone(struct drop_state *p);
void drop_state_remove(struct drop *d, size_t i);
void drop_state_add_failure(
    struct drop_state *p, const struct drop_failure *f, time_t time);
/* Forget failures of a next-hop (NULL or "": all) up to then. */
void drop_state_forgive(struct drop_state *p, const char *nexthop, time_t upto);
void drop_state_rules(struct drop_state *p, const struct drop_rules *r);
/* Have it as p->report; or no report. */
void drop_state_keep(
    struct drop_state *p, const struct drop_report *r, time_t time);
void drop_state_unkeep(struct drop_state *p);
void drop_state_count_begin(struct drop *d, struct drop_state *p, time_t t);
void drop_state_shift(struct drop_state *p, time_t by);
enum level drop_state_level(const struct drop_state *p); /* in force */
/* Failures within the window, and the first and last of them. */
unsigned drop_state_count(
    const struct drop_state *p, time_t now, time_t *first, time_t *last);

/* --- Who passes ---------------------------------------------------------- */

/* Remember, or forget, that the partner passes, by a look begun at t. */
void drop_state_passed(struct drop *d, const char *name,
    const struct drop_rules *rules, bool passes, time_t t, time_t now);
void drop_state_passed_shift(struct drop *d, time_t by);

/* --- What a report means ------------------------------------------------- */

enum drop_sight { DROP_PASSES, DROP_BLOCKED, DROP_UNKNOWN };

struct drop_verdict {
	bool confirmed;
	bool blocked; /* a next-hop that fails is, but by another fault */
	bool not_tls; /* a next-hop that fails cannot be reached at all */
	enum level step;
	enum fault fault;
};

/* Does mail of the given level move? *since: of the fault, if blocked. */
enum drop_sight drop_judge_sight(
    const struct drop_report *r, enum level full, bool no_key, time_t *since);
/* Does mail to the next-hop of gateway i? */
enum drop_sight drop_judge_nexthop(
    const struct drop_report *r, size_t i, enum level at, bool no_key);
/* Some gateway passed before. */
bool drop_judge_worked(const struct drop_report *r);
/* Hold p's report against its failures. */
void drop_judge_confirm(const struct drop_state *p, bool no_key, time_t now,
    struct drop_verdict *out);
/* Would mail of that level go to one that never passed, by p's report? */
bool drop_judge_stranger(const struct drop_state *p, enum level to);
/* Evidence for people. */
const char *drop_judge_text(const struct drop_state *p, unsigned failures,
    time_t first, struct arena *arena);

#endif
