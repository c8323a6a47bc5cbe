/*
 * warden_facts.h: what the registry, the ledger and the evidence say, read
 * for drop.h as it is written.
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
#include "step.h"

struct err;
struct evidence;
struct ledger;
struct ledger_downgrade;
struct settings;

/* --- Lists by the partner's name ----------------------------------------- */

/* Of structs that begin with it: char partner[REGISTRY_NAME_MAX + 1]. */
struct warden_list {
	char *v;
	size_t n, cap;
	size_t size; /* of one */
	size_t at;   /* where to begin to look: at the last one found */
};

void *warden_list_at(const struct warden_list *l, size_t i);
void *warden_list_find(struct warden_list *l, const char *partner);
/* A new one, zeroed; NULL if the name is too long. */
void *warden_list_append(struct warden_list *l, const char *partner);
/* The one that is there, or a new one. */
void *warden_list_add(struct warden_list *l, const char *partner);
void warden_list_remove(struct warden_list *l, void *x);
void warden_list_free(struct warden_list *l);

/* --- The facts ----------------------------------------------------------- */

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
	struct warden_list open;   /* downgrades */
	struct warden_list others; /* by looks of others */
	bool probes_known;
	int64_t probe_id; /* the latest result known */
	time_t probe_time;
};

void warden_facts_init(struct warden_facts *f, const struct settings *set);
void warden_facts_free(struct warden_facts *f);

/* To the log, but not again and again. */
void warden_complain(const char *what, const char *why);

/* Open the ledger, and read the registry. 0, or -1 with *e set. */
int warden_facts_open(struct warden_facts *f, time_t now, struct err *e);

/* What was seen is of use, but there is a way back without it: try. */
void warden_facts_open_evidence(struct warden_facts *f, time_t now);

/* Has the registry, or the map, changed, and could it be read? */
bool warden_facts_reload(struct warden_facts *f, time_t now);

/* Tell a new drop all that is known. */
int warden_facts_rebuild(struct warden_facts *f, time_t now, struct err *e);

/*
 * Tell drop what was written since, if anything was. gone is told of
 * downgrades that somebody else has ended.
 */
typedef void warden_gone_fn(
    void *arg, const char *partner, int64_t id, enum drop_why why, time_t now);
void warden_facts_read(
    struct warden_facts *f, time_t now, warden_gone_fn *gone, void *arg);

/* A downgrade of ours begins, or has got another end; or is over. */
void warden_facts_know(struct warden_facts *f, const char *partner, int64_t id,
    time_t end, bool automatic);
void warden_facts_forget(struct warden_facts *f, int64_t id);

const struct partner *warden_facts_partner(
    const struct warden_facts *f, const char *name);

/* Only where the certificate counts. */
bool warden_facts_is_enforced(
    const struct warden_facts *f, const char *partner);

/* Why we end a downgrade, in the ledger's words; of restores (drop.h) only. */
extern const char *const warden_why[];

/* Write an event of ours, with the time that it is about. */
void warden_facts_event(struct warden_facts *f, const char *kind,
    const char *partner, const char *text, time_t at, time_t now);

/* --- What probes showed -------------------------------------------------- */

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
