/*
 * warden_priv.h: what the files of warden share.
 */
#ifndef WARDEN_PRIV_H
#define WARDEN_PRIV_H

#include <sys/stat.h>

#include "diag.h"
#include "drop.h"
#include "warden.h"
#include "notice.h"
#include "registry.h"
#include "strmap.h"

struct evidence;
struct ledger;
struct ledger_downgrade;

#define WARDEN_DAY 86400
#define WARDEN_LATE 900	  /* seconds by which failures may come out of order */
#define WARDEN_LOOK 900	  /* results that near belong to one look */
#define WARDEN_SETTLE 3	  /* seconds without a result: the look is over */
#define WARDEN_COMPILE 60 /* seconds until a compile that failed is retried */
#define WARDEN_SWEEP 60	  /* seconds by which results of one may differ */
#define WARDEN_GROUP 10	  /* seconds in which new faults are one event */

/* A failure that was counted. */
struct warden_taken {
	uint64_t hash;
	time_t time;
};

/* A downgrade that drop knows of. */
struct warden_low {
	char partner[REGISTRY_NAME_MAX + 1];
	int64_t id;
	time_t end;
	bool automatic;
	bool seen; /* in this look */
};

/* A probe of ours that is under way. */
struct warden_look {
	char partner[REGISTRY_NAME_MAX + 1];
	time_t start;
	bool again; /* asked for once more meanwhile */
	bool control;
};

/* A partner of which others have looked at gateways. */
struct warden_touched {
	char partner[REGISTRY_NAME_MAX + 1];
	time_t last;
};

/* A partner whose fault people were told of, or are about to be. */
struct warden_fault {
	char partner[REGISTRY_NAME_MAX + 1];
	enum fault fault;
	time_t since;
	time_t found; /* not told yet: since when we know; 0: told */
	bool common;  /* it was told as perhaps our own */
};

#define WARDEN_FILES 4

/* Mail that went out today, to a partner with one next-hop only. */
struct warden_sum {
	char partner[REGISTRY_NAME_MAX + 1];
	uint64_t n;
	uint64_t now; /* being counted */
};

/* A downgrade that the ledger has ended; the map may not say so yet. */
struct warden_back {
	char partner[REGISTRY_NAME_MAX + 1];
	int64_t id;
	enum drop_why why;
};

struct warden {
	const struct settings *set;
	struct warden_hands hands;
	struct ledger *ledger;
	struct evidence *evidence; /* NULL: there is none that we may read */
	time_t evidence_next;	   /* then, when to try again */
	struct registry *registry;
	struct drop_settings drop_settings;
	struct drop *drop;
	struct drop_actions actions;
	bool carrying;

	struct stat registry_seen, map_seen;
	struct stat seen[WARDEN_FILES]; /* of ledger and evidence */
	bool reload;
	time_t looked;	/* the ledger was read */
	time_t counted; /* the deliveries were */

	/* Failures already taken. */
	time_t failed; /* the latest of them */
	struct warden_taken *taken;
	size_t ntaken, taken_cap;

	struct warden_low *low;
	size_t nlow, low_cap;
	struct warden_back *back;
	size_t nback, back_cap;
	time_t back_next;
	struct warden_look *look;
	size_t nlooks, look_cap;
	bool probes_known;
	int64_t probe_id; /* the latest result known */
	time_t probe_time;
	struct warden_touched *touched;
	size_t ntouched, touched_cap;
	struct warden_fault *fault;
	size_t nfaults, fault_cap;
	struct warden_sum *sum;
	size_t nsums, sum_cap, sum_at;
	char sum_day[11];
	bool sums_known;

	bool requiretls; /* Postfix knows it, and returns mail below key */
	bool mass;
	bool compile_wanted, compiling;
	time_t compile_next;
	char (*flush)[REGISTRY_NAME_MAX + 1]; /* once the map is written */
	size_t nflush, flush_cap;
	time_t sweep_next;
	time_t expiry_next;
	time_t prune_next;
	time_t day_told; /* number of the day on which that was done */

	int64_t sending; /* 0: none */
	unsigned sending_tries;
	time_t send_next;
	struct notice_rate rate;
};

/* Copy a partner's name; false if it is too long to be one. */
bool warden_name(char to[REGISTRY_NAME_MAX + 1], const char *name);

const struct partner *warden_partner(const struct warden *k, const char *name);

/* warden.c: do what drop asks for. */
void warden_carry_out(struct warden *k, time_t now);
void warden_complain(const char *what, const char *why);

/* warden_facts.c: what the ledger says. */
int warden_rebuild(struct warden *k, time_t now, struct err *e);
void warden_read(struct warden *k, time_t now);
void warden_read_lowered(struct warden *k, time_t now);
void warden_forget_low(struct warden *k, int64_t id);
void warden_know_low(struct warden *k, const char *partner, int64_t id,
    time_t end, bool automatic);

/* warden_probe.c: what the gateways showed. */
struct warden_reports {
	struct drop_report *report;
	size_t n, cap;
	struct warden_gateway *gateway; /* of all, one after the other */
	size_t ngateways, gateway_cap;
	struct arena arena;
};
struct warden_gateway {
	struct step_gateway seen;
	const char *partner;
	const char *address;
	time_t not_after;
	time_t passed;
	unsigned run;
	bool met; /* by the latest look */
};
/*
 * The last look at every gateway of the partner, or of all (NULL), leaving
 * out results before `since`, and gateways that the latest look did not meet.
 */
int warden_reports(struct warden *k, const char *partner, time_t since,
    struct warden_reports *out, struct err *e);
void warden_reports_release(struct warden_reports *r);
void warden_read_probes(struct warden *k, time_t now);
void warden_settle_probes(struct warden *k, time_t now);
void warden_ask_probe(
    struct warden *k, const char *partner, bool control, time_t now);

/* warden_map.c: who is told to be back, once the map says so. */
void warden_back_add(
    struct warden *k, const char *partner, int64_t id, enum drop_why why);
void warden_back_tell(struct warden *k, time_t now);

/* warden_tell.c: notices. */
void warden_tell(struct warden *k, struct notice *n, time_t now);
void warden_send(struct warden *k, time_t now);
void warden_event(struct warden *k, const char *kind, const char *partner,
    const char *text, time_t at, time_t now);

/* warden_watch.c: faults and ends of certificates that probes find. */
void warden_watch_rebuild(struct warden *k, time_t now);
void warden_watch_report(struct warden *k, const char *partner,
    const struct warden_gateway *g, size_t n, bool story, time_t now);
void warden_watch_told(
    struct warden *k, const struct drop_action *held, time_t now);
void warden_watch_tick(struct warden *k, time_t now);

#endif
