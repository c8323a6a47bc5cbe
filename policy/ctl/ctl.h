/*
 * ctl.h: what tlspactctl(8) knows and does, one call for each verb.
 *
 * Facts are gathered first (ctl_facts), words and JSON made of them are pure
 * (ctlstatus.h), and each deed is ledger, then map, then mail.
 */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "arena.h"
#include "author.h"
#include "diag.h"
#include "flush.h"
#include "evidence.h"
#include "ledger_downgrade.h"
#include "settings.h"
#include "step.h"

struct registry;
struct partner;

#define CTL_SCHEMA "tlspact.ctl.v1"
#define CTL_DAY 16 /* bytes of YYYY-MM-DD, and some more */

struct ctl {
	struct settings set;
	struct diags diags;
	struct registry *registry; /* NULL if it cannot be used */
	int registry_code;	   /* then why, all having been said */
	const char **again; /* options for a program that is started; NULL */
	bool json, verbose, yes, dry, no_flush, flush;
	time_t now;
	struct author author;
};

/* What the ledger says of an open downgrade, copied. */
struct ctl_lowered {
	int64_t id; /* 0: there is none */
	enum level before, after;
	time_t begin, end;
	const char *reason, *ticket, *author, *sudo_user, *extended_by;
	bool automatic;
	const char *fault;
};

/* What the map says of a downgrade: it has the last word. */
struct ctl_low {
	size_t rows;		/* that are lowered; 0: none is */
	enum level level, full; /* in force, and to go back to */
	time_t end;
	size_t spared; /* domains of the partner that came later, and are not */
	const char *spared_one; /* the first of them */
};

/* Mail sent to the partner by the log, by what it was protected with. */
struct ctl_moved {
	char since[CTL_DAY]; /* first day, YYYY-MM-DD; "" if nobody counted */
	uint64_t n[EVIDENCE_VERIFIED + 1]; /* by enum evidence_seen */
};

/*
 * All that is known of a partner. Texts of facts that were gathered together
 * live in the arena of the first one.
 */
struct ctl_facts {
	const char *name;
	const struct partner *partner; /* NULL: not in the registry (now) */
	enum level full;	       /* its level without a downgrade */
	struct ctl_lowered lowered;    /* by the ledger, where it is believed */
	const char *doubt;	       /* why it is not, or NULL */
	int64_t doubt_id;	       /* the row that is open all the same */
	struct ctl_low low;	       /* by the map */
	struct evidence_gateway *gateway; /* of the last look, in part */
	struct step_gateway *step;	  /* the same, as step.h wants it */
	size_t n, cap;
	time_t probed;		/* 0: never */
	const char *const *key; /* that a downgrade to `key` pins */
	size_t nkeys;
	struct evidence_failure failure; /* the last one; time 0: none */
	struct ctl_moved moved;
	const char *map_fault; /* why the map tells nothing, or NULL */
	bool in_map;
	enum level map_level;
	time_t map_time;
	bool waiting_asked;
	const char *waiting_fault; /* why that is not known, or NULL */
	struct waiting waiting;
	long requiretls; /* that demand it, of those waiting; -1: not known */
	const char *ledger_fault;   /* why it tells nothing, or NULL */
	const char *evidence_fault; /* the same */
	int evidence_code;	    /* then, the exit code that goes with it */
	struct arena arena;
};

/* Read the registry into c; what is wrong with it is said. */
void ctl_load_registry(struct ctl *c);

/*
 * Gather the facts about the partner of that name, or with that domain.
 * 0 or an exit code, all being said: not that of f->evidence_code, as what was
 * decided is known without it. The caller releases f.
 */
int ctl_facts_get(
    struct ctl *c, const char *name, bool waiting, struct ctl_facts *f);

/*
 * The same, without the queue, for all partners of the registry, in its
 * order, and then for those that only the map has, lowered: *n in all. Ledger
 * and map are read once. The caller frees *f in either case.
 */
int ctl_facts_all(struct ctl *c, struct ctl_facts **f, size_t *n);

/*
 * Read what ledger and evidence have about the partner of f, or of all (n of
 * them), or read it once more after a probe. 0, or an exit code as above.
 */
int ctl_facts_kept(struct ctl *c, struct ctl_facts *f, size_t n);

/* List the mail that waits for the partner of f. */
void ctl_facts_queue(struct ctl *c, struct ctl_facts *f);

/* Read what the map says of these, or read it once more after a deed. */
void ctl_facts_map(const struct ctl *c, struct ctl_facts *f, size_t n);

void ctl_facts_release(struct ctl_facts *f);

/* Free the n facts of ctl_facts_all(); NULL is well. */
void ctl_facts_free(struct ctl_facts *f, size_t n);

/* True if mail to domain (any form) goes by the rules of that partner. */
bool ctl_is_theirs(
    const struct registry *r, const struct partner *p, const char *domain);

/* The verbs. Each returns an exit code. */
struct ctl_lower {
	const char *partner;
	const char *span;  /* --for, or NULL */
	const char *until; /* --until, or NULL */
	const char *reason;
	const char *ticket;
	const char *to; /* or NULL */
};
int ctl_status(struct ctl *c, const char *partner);
int ctl_downgrade(struct ctl *c, const struct ctl_lower *lower);
int ctl_extend(struct ctl *c, const struct ctl_lower *lower);
int ctl_restore(struct ctl *c, const char *partner, const char *reason);
int ctl_history(
    struct ctl *c, const char *partner, bool check, const char *known);

#endif
