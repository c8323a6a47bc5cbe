/*
 * drop_decide.h: what drop remembers of each partner (drop.c), what its last
 * report means, and what is to be done about it (drop_decide.c). For these two.
 */
#ifndef DROP_DECIDE_H
#define DROP_DECIDE_H

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
	size_t nfails, fail_cap;
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

/* --- drop.c -------------------------------------------------------------- */

struct drop_state *drop_state_find(const struct drop *d, const char *name);
/* NULL if the lookup does not know the partner and it is not there yet. */
struct drop_state *drop_state_get(struct drop *d, const char *name);
enum level drop_state_level(const struct drop_state *p); /* in force */
/* Failures within the window, and the first and last of them. */
unsigned drop_state_count(
    const struct drop_state *p, time_t now, time_t *first, time_t *last);

/* --- drop_decide.c ------------------------------------------------------- */

enum drop_sight { DROP_PASSES, DROP_BLOCKED, DROP_UNKNOWN };

/* Does mail of the given level move? *since: of the fault, if blocked. */
enum drop_sight drop_judge_sight(
    const struct drop_report *r, enum level full, bool no_key, time_t *since);
/* Does mail to the next-hop of gateway i? */
enum drop_sight drop_judge_nexthop(
    const struct drop_report *r, size_t i, enum level at, bool no_key);
/* Has it a gateway that passes by turns, at the next-hop or (NULL) any? */
bool drop_judge_turns(const struct drop_report *r, const char *nexthop);
/* Would mail of that level go to one that never passed, by p's report? */
bool drop_judge_stranger(const struct drop_state *p, enum level to);

/* Add an action, about p if that is not NULL. */
struct drop_action *drop_action_add(
    struct drop_actions *a, enum drop_what what, const struct drop_state *p);

/* Lower p, hold it, ask for probes, or leave it. */
void drop_decide(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a);

/* Is it failing, or lowered by us? */
bool drop_decide_failing(const struct drop_state *p);

/* End the common fault if few enough fail. */
void drop_decide_common_over(
    struct drop *d, time_t now, struct drop_actions *a);

/* Tell that mail waits, once; v is NULL if no probe says why. */
struct drop_verdict;
void drop_decide_hold(struct drop_state *p, enum drop_why why,
    const struct drop_verdict *v, time_t now, struct drop_actions *a);

void drop_decide_restore(struct drop_state *p, enum drop_why why, time_t now,
    struct drop_actions *a);

void drop_decide_probe(
    struct drop_state *p, bool control, time_t now, struct drop_actions *a);

#endif
