/*
 * keeper_priv.h: what the files of keeper share.
 */
#ifndef KEEPER_PRIV_H
#define KEEPER_PRIV_H

#include <sys/stat.h>

#include "diag.h"
#include "drop.h"
#include "keeper.h"
#include "notice.h"
#include "registry.h"
#include "strmap.h"

struct ledger;
struct ledger_downgrade;

#define KEEPER_DAY 86400
#define KEEPER_LATE 900	  /* seconds by which failures may come out of order */
#define KEEPER_LOOK 900	  /* results that near belong to one look */
#define KEEPER_SETTLE 3	  /* seconds without a result: the look is over */
#define KEEPER_COMPILE 60 /* seconds until a compile that failed is retried */
#define KEEPER_GROUP 10	  /* seconds in which new faults are one event */

/* A downgrade that drop knows of. */
struct keeper_low {
	char partner[REGISTRY_NAME_MAX + 1];
	int64_t id;
	time_t end;
	bool automatic;
	bool seen; /* in this look */
};

/* A probe of ours that is under way. */
struct keeper_look {
	char partner[REGISTRY_NAME_MAX + 1];
	time_t start;
	bool again; /* asked for once more meanwhile */
	bool control;
};

/* A partner of which others have looked at gateways. */
struct keeper_touched {
	char partner[REGISTRY_NAME_MAX + 1];
	time_t last;
};

/* A partner whose fault people were told of, or are about to be. */
struct keeper_fault {
	char partner[REGISTRY_NAME_MAX + 1];
	enum fault fault;
	time_t since;
	time_t found; /* not told yet: since when we know; 0: told */
};

/* Mail that went out today, to a partner with one next-hop only. */
struct keeper_sum {
	char partner[REGISTRY_NAME_MAX + 1];
	uint64_t n;
	uint64_t now; /* being counted */
};

struct keeper {
	const struct settings *set;
	struct keeper_hands hands;
	struct ledger *ledger;
	struct registry *registry;
	struct drop_settings drop_settings;
	struct drop *drop;
	struct drop_actions actions;
	bool carrying;

	struct stat registry_seen, map_seen;
	struct stat ledger_seen, wal_seen;
	bool reload;
	time_t looked;	/* the ledger was read */
	time_t counted; /* the deliveries were */

	/* Failures already taken. */
	time_t failed; /* the latest of them */
	uint64_t *taken;
	time_t *taken_time;
	size_t ntaken, taken_cap, time_cap;

	struct keeper_low *low;
	size_t nlow, low_cap;
	struct keeper_look *look;
	size_t nlooks, look_cap;
	bool probes_known;
	int64_t probe_id; /* the latest result known */
	time_t probe_time;
	struct keeper_touched *touched;
	size_t ntouched, touched_cap;
	struct keeper_fault *fault;
	size_t nfaults, fault_cap;
	struct keeper_sum *sum;
	size_t nsums, sum_cap;
	char sum_day[11];
	bool sums_known;

	bool mass;
	bool compile_wanted, compiling;
	time_t compile_next;
	char (*flush)[REGISTRY_NAME_MAX + 1]; /* once the map is written */
	size_t nflush, flush_cap;
	time_t sweep_next;
	time_t expiry_next;

	int64_t sending; /* 0: none */
	unsigned sending_tries;
	time_t send_next;
	struct notice_rate rate;
};

/* Copy a partner's name; false if it is too long to be one. */
bool keeper_name(char to[REGISTRY_NAME_MAX + 1], const char *name);

const struct partner *keeper_partner(const struct keeper *k, const char *name);

/* keeper.c: do what drop asks for. */
void keeper_carry_out(struct keeper *k, time_t now);
void keeper_complain(const char *what, const char *why);

/* keeper_facts.c: what the ledger says. */
int keeper_rebuild(struct keeper *k, time_t now, struct err *e);
void keeper_read(struct keeper *k, time_t now);
void keeper_read_lowered(struct keeper *k, time_t now);
void keeper_forget_low(struct keeper *k, int64_t id);
void keeper_know_low(struct keeper *k, const char *partner, int64_t id,
    time_t end, bool automatic);

/* keeper_probe.c: what the gateways showed. */
struct keeper_reports {
	struct drop_report *report;
	size_t n, cap;
	struct keeper_gateway *gateway; /* of all, one after the other */
	size_t ngateways, gateway_cap;
	struct arena arena;
};
struct keeper_gateway {
	struct drop_gateway seen;
	const char *partner;
	const char *address;
	time_t time;
	time_t not_after;
	time_t passed;
	unsigned run;
};
/*
 * The last look at every gateway of the partner, or of all (NULL), leaving
 * out results before `since`, and gateways that the latest look did not meet.
 */
int keeper_reports(struct keeper *k, const char *partner, time_t since,
    struct keeper_reports *out, struct err *e);
void keeper_reports_release(struct keeper_reports *r);
void keeper_read_probes(struct keeper *k, time_t now);
void keeper_settle_probes(struct keeper *k, time_t now);
void keeper_ask_probe(
    struct keeper *k, const char *partner, bool control, time_t now);

/* keeper_tell.c: notices. */
void keeper_tell(struct keeper *k, struct notice *n, time_t now);
void keeper_send(struct keeper *k, time_t now);
void keeper_event(struct keeper *k, const char *kind, const char *partner,
    const char *text, time_t at, time_t now);

/* keeper_watch.c: faults and ends of certificates that probes find. */
void keeper_watch_rebuild(struct keeper *k, time_t now);
void keeper_watch_report(struct keeper *k, const char *partner,
    const struct keeper_gateway *g, size_t n, bool story, time_t now);
void keeper_watch_told(
    struct keeper *k, const struct drop_action *held, time_t now);
void keeper_watch_tick(struct keeper *k, time_t now);

#endif
