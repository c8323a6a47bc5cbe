/*
 * warden_facts.h: what the registry, the ledger and the evidence say, told to
 * drop.h as it is written, and what the warden itself adds to the ledger.
 */
#ifndef WARDEN_FACTS_H
#define WARDEN_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "arena.h"
#include "drop.h"
#include "recent.h"
#include "registry.h"
#include "warden_list.h"

struct err;
struct evidence;
struct ledger;
struct ledger_downgrade;
struct settings;

/* A downgrade that drop knows of. */
struct warden_open {
	char partner[REGISTRY_NAME_MAX + 1];
	int64_t id;
	time_t end;
	bool automatic;
	bool seen; /* by this reading of the ledger */
};

/* A partner at whose gateways somebody else has looked. */
struct warden_other {
	char partner[REGISTRY_NAME_MAX + 1];
	time_t last;
};

#define WARDEN_FILES 4

struct warden_facts {
	const struct settings *set;
	const struct drop_settings *drop_settings;
	struct ledger *ledger;
	struct evidence *evidence; /* NULL: there is none that we may read */
	struct registry *registry;
	struct drop *drop; /* who is told */
	struct drop_actions actions;
	bool common; /* the ledger says that many fail at once */

	time_t evidence_next; /* when to try again to open it */
	struct stat registry_seen, map_seen;
	struct stat seen[WARDEN_FILES]; /* of ledger and evidence */
	bool reload;
	time_t read_at;	       /* `now` of the last reading */
	int64_t failure_id;    /* the last that was read */
	struct recent counted; /* failures of late */
	struct warden_list sums;
	char sums_day[11];
	bool sums_known;
	struct warden_list open;   /* downgrades of mail to partners */
	struct warden_list let_in; /* the same, of mail from them alone */
	struct warden_list others; /* by looks of others */
	bool probes_known;
	int64_t probe_id; /* the latest result known */
	time_t probe_time;
};

/*
 * Open the ledger, read the registry, and tell a new drop with these settings
 * (borrowed) all that is known. At first f is zero, but for its settings. 0,
 * or -1 with *e set: then there is no drop.
 */
int warden_facts_start(struct warden_facts *f, const struct drop_settings *s,
    time_t now, struct err *e);
void warden_facts_free(struct warden_facts *f);

/* To the log, but not again and again. */
void warden_complain(const char *what, const char *why);

/*
 * Tell drop what was written since, if anything was, and of a registry or a
 * map that has changed. gone is told of downgrades that somebody else ended;
 * let_in: unless BOTH, of mail from the partner alone.
 */
typedef void warden_gone_fn(void *arg, const char *partner, int64_t id,
    enum direction let_in, enum drop_why why, time_t now);
void warden_facts_read(
    struct warden_facts *f, time_t now, warden_gone_fn *gone, void *arg);

/*
 * Do what drop asks for, DROP_LOWER, DROP_RESTORE or DROP_SHORTEN, in the
 * ledger, and tell drop. 0; -1: it cannot be done now, which was logged.
 */
int warden_facts_change(
    struct warden_facts *f, const struct drop_action *x, time_t now);

const struct partner *warden_facts_partner(
    const struct warden_facts *f, const char *name);

/*
 * What the partner is called by the registry, of which the ledger may not know
 * until that is compiled; what nobody is called stays. Of the facts, or name.
 */
const char *warden_facts_name(const struct warden_facts *f, const char *name);

/* Write an event of ours, with the time that it is about. */
void warden_facts_event(struct warden_facts *f, const char *kind,
    const char *partner, const char *text, time_t at, time_t now);

/* A report of each partner, with the gateways that the latest look met. */
struct warden_reports {
	struct drop_report *v;
	size_t n, cap;
	struct step_gateway *gateway; /* of all, one after the other */
	size_t ngateways, gateway_cap;
	struct arena arena;
};

/* Of one partner or all (NULL), leaving out results before `since`. */
int warden_reports(struct warden_facts *f, const char *partner, time_t since,
    struct warden_reports *out, struct err *e);
void warden_reports_release(struct warden_reports *r);

#endif
