/*
 * ctlfacts.h: all that tlspactctl(8) knows of partners: what the registry
 * asks for, ledger and evidence have on record, the map says and the queue
 * holds; and what follows from these together.
 */
#ifndef CTLFACTS_H
#define CTLFACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "arena.h"
#include "author.h"
#include "evidence_log.h"
#include "flush.h"
#include "ledger_downgrade.h"
#include "registry.h"
#include "settings.h"
#include "step.h"

#define CTL_DAY 16 /* bytes of YYYY-MM-DD, and some more */

/* What is looked at, and who looks. */
struct ctl {
	struct settings set;
	const struct registry *registry; /* NULL if it cannot be used */
	const char **again; /* options for a program that is started; NULL */
	struct author author;
	time_t now;
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
	/* By the ledger, where it is believed; id 0: there is none. */
	struct ledger_downgrade lowered;
	const char *doubt;  /* why it is not believed, or NULL */
	int64_t doubt_id;   /* the row that is open all the same */
	struct ctl_low low; /* by the map */
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

/*
 * Gather the facts about the partner of that name, or with that domain. 0, or
 * an exit code: 66 with f->name NULL if there is none, else that of
 * f->ledger_fault. It is not that of f->evidence_code, as what was decided is
 * known without it. The caller releases f.
 */
int ctl_facts_get(
    const struct ctl *c, const char *name, bool waiting, struct ctl_facts *f);

/*
 * The same, without the queue, for all partners of the registry, in its
 * order, and then for those that only the map has, lowered: *n in all. Ledger
 * and map are read once. The caller frees *f in either case.
 */
int ctl_facts_all(const struct ctl *c, struct ctl_facts **f, size_t *n);

/*
 * Read what ledger and evidence have about the partner of f, or of all (n of
 * them), or read it once more after a probe. 0, or an exit code as above.
 */
int ctl_facts_kept(const struct ctl *c, struct ctl_facts *f, size_t n);

/* List the mail that waits for the partner of f. */
void ctl_facts_queue(const struct ctl *c, struct ctl_facts *f);
int ctl_facts_list(const struct ctl *c, struct ctl_facts *f, struct err *e);

/* Read what the map says of it, once more after a deed. */
void ctl_facts_map(const struct ctl *c, struct ctl_facts *f);

void ctl_facts_release(struct ctl_facts *f);

/* Free the n facts of ctl_facts_all(); NULL is allowed. */
void ctl_facts_free(struct ctl_facts *f, size_t n);

/* The level that holds by registry and ledger. */
enum level ctl_facts_level(const struct ctl_facts *f);

/* What follows from the facts. */
struct ctl_view {
	bool enforced; /* mail to it is not left to chance */
	bool low;      /* the map, which Postfix obeys, has lowered it */
	bool lowered;  /* the same, or, where that tells nothing, the ledger */
	time_t end;    /* then: until when */
	/* It is low and should not be: its time is up, or nobody knows it. */
	bool wrong;
	bool differs; /* the map says otherwise than registry and ledger */
	bool odd; /* something is to be told: lowered, failing, not in force */
	bool dated; /* the first expiry among the gateways is known: */
	long days;  /* ... in so many days */
	bool soon;  /* any is near, life.h */
};

struct ctl_view ctl_facts_view(const struct ctl_facts *f, time_t now);

#endif
