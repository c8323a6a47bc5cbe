/*
 * drop_priv.h: what the files of drop share.
 */
#ifndef DROP_PRIV_H
#define DROP_PRIV_H

#include "drop.h"
#include "registry.h"

#define DROP_DAY 86400
#define DROP_NEXTHOP_NONE UINT8_MAX
#define DROP_PASSED_MAX 16    /* of each drop_by, for control probes */
#define DROP_CONTROLS_MAX 8   /* probed at a time */
#define DROP_ANSWER_WAIT 60   /* seconds until we ask for the same again */
#define DROP_ASK_GAP 10	      /* seconds at least between probes asked for */
#define DROP_PASS_GAP 30      /* seconds between the two that restore */
#define DROP_PASS_AGAIN 60    /* seconds until the second is asked for */
#define DROP_FLUSH_AGAIN 900  /* a restart flushes downgrades this young */
#define DROP_MEMBER_EVERY 900 /* seconds between probes in a mass fault */

/* A failure that counts. */
struct drop_fail {
	time_t time;
	uint8_t fault;
	uint8_t nexthop; /* index, or DROP_NEXTHOP_NONE */
};

/* The downgrade in force. */
struct drop_low {
	bool on;
	bool automatic;
	bool near_told;
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
	struct drop_low low;
	time_t *begun; /* when it was lowered by us, the last 24 hours */
	size_t nbegun, begun_cap;
	time_t since;	 /* failing; 0: not */
	time_t onset;	 /* the same, but 0 if it never worked */
	time_t seen;	 /* last evidence of that */
	time_t ignore;	 /* failures up to then are of the past */
	time_t reported; /* time of the last report */
	time_t met;	 /* the threshold; 0: not */
	time_t asked;	 /* for a probe */
	time_t control;	 /* control probes were asked for */
	time_t vouched;	 /* it was known that another passes; 0: not */
	time_t busy;	 /* LOWER was asked for; do not until */
	time_t doubted;	 /* when our probe last passed although mail fails */
	unsigned doubts; /* in a row */
	bool blocked;	 /* the last report says so */
	bool member;	 /* of the mass fault */
	bool held;	 /* told */
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
	time_t mass;	 /* since; 0: no mass fault */
	bool waiting;	 /* somebody waits for control probes */
	time_t set_back; /* from there, and not told yet; 0: no */
	bool quiet;	 /* facts are being taken in: decide later */
};

/* drop_state.c: what is remembered */
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
void drop_state_keep(
    struct drop_state *p, const struct drop_report *r, time_t time);
void drop_state_count_begin(struct drop *d, struct drop_state *p, time_t t);
void drop_state_shift(struct drop_state *p, time_t by);
enum level drop_state_level(const struct drop_state *p); /* in force */
/* Failures within the window, and the first and last of them. */
unsigned drop_state_count(
    const struct drop_state *p, time_t now, time_t *first, time_t *last);

/* drop_judge.c: what a report means */
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

/* drop_control.c: is the cause common? */
enum drop_consent {
	DROP_CONSENT,
	DROP_CONSENT_LATE, /* it passed after the look at p: look again */
	DROP_CONSENT_WAIT, /* for control probes */
	DROP_CONSENT_NONE
};
/*
 * Has somebody else passed between p's N-th failure and the last look at p?
 * Asks for control probes if nobody has since that failure.
 */
enum drop_consent drop_control(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a);
/* Remember, or forget, that the partner passes, by a look begun at t. */
void drop_control_note(struct drop *d, const char *name,
    const struct drop_rules *rules, bool passes, time_t t, time_t now);
void drop_control_shift(struct drop *d, time_t by);

/* drop_decide.c: what is to be done */
void drop_decide(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a);
/* Is it failing, or lowered by us? */
bool drop_decide_failing(const struct drop_state *p);
void drop_decide_mass_over(struct drop *d, time_t now, struct drop_actions *a);
void drop_decide_ask(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a);
void drop_decide_hold(struct drop_state *p, enum drop_why why,
    const struct drop_verdict *v, time_t now, struct drop_actions *a);
void drop_decide_restore(struct drop_state *p, enum drop_why why, time_t now,
    struct drop_actions *a);
void drop_decide_probe(
    struct drop_state *p, bool control, time_t now, struct drop_actions *a);
struct drop_action *drop_action_add(
    struct drop_actions *a, enum drop_what what, const struct drop_state *p);

/* drop_time.c: the clock */
/* To be called first with each input. */
void drop_time_enter(struct drop *d, time_t now);
/* Take back what the registry no longer allows. */
void drop_time_rules(struct drop_state *p, time_t now, struct drop_actions *a);

#endif
