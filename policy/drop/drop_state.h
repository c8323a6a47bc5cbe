/*
 * drop_state.h: what drop remembers of each partner, what its last report
 * shows, and the actions that are asked for. For drop.c, which takes in what
 * is seen, and drop_decide.c, which says what is to be done about it.
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

/* Rules of a partner that is not (any more) in the registry. */
#define DROP_GONE                   \
	((const struct drop_rules){ \
	    .full = LEVEL_OPPORTUNISTIC, .count = 1, .window = 1})

struct drop_state *drop_state_find(const struct drop *d, const char *name);
/*
 * The one that is there, or a new one; NULL if the lookup does not know the
 * partner, unless always is set.
 */
struct drop_state *drop_state_get(
    struct drop *d, const char *name, bool always);
/* As drop_rename(). */
void drop_state_rename(struct drop *d, const char *from, const char *to);

/*
 * Is the end of one by hand no news at a start: because nobody could see it
 * begin, so short it was, or because the partner was lowered again since?
 */
bool drop_state_stale(
    const struct drop_facts *f, const struct drop_downgrade *l);

/* After a start: say of what is over whether the last look shows the fault. */
void drop_state_still(const struct drop *d, struct drop_actions *a);
enum level drop_state_level(const struct drop_state *p); /* in force */
/* Failures within the window, and the first and last of them. */
unsigned drop_state_count(
    const struct drop_state *p, time_t now, time_t *first, time_t *last);
/* Is it failing, or lowered by us? */
bool drop_state_failing(const struct drop_state *p);
/* Would mail of that level go to one that never passed, by its report? */
bool drop_state_stranger(const struct drop_state *p, enum level to);
/* Has it a gateway that passes by turns, at the next-hop or (NULL) any? */
bool drop_state_turns(const struct drop_report *r, const char *nexthop);

enum drop_sight { DROP_PASSES, DROP_BLOCKED, DROP_UNKNOWN };

/* Does mail of that level move? */
enum drop_sight drop_sight(const struct step_hop *hop, enum level at);

/* Add an action, about p if that is not NULL. */
struct drop_action *drop_action_add(
    struct drop_actions *a, enum drop_what what, const struct drop_state *p);
void drop_ask_probe(
    struct drop_state *p, bool control, time_t now, struct drop_actions *a);

#endif
