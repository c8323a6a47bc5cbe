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

/* Mail that leaves below its row, or is lost, by main.cf. */
struct ctl_past {
	char *domain; /* or an address; NULL: it is said of everybody's */
	bool part;    /* an address, or what some senders send there */
	char *how;
};

/* What the map is worth, as far as somebody asked; texts or NULL. */
struct ctl_around {
	char *unread;  /* Postfix does not read the map: why */
	char *unasked; /* whether all goes by it is not known: why */
	char *past;    /* mail of enforced domains goes past their rows: how */
	struct ctl_past *way; /* each of those; `past` is the sum */
	size_t nways, cap;
	char *lifetime; /* maximal_queue_lifetime; NULL: nobody asked */
	char *behind;	/* the registry is not what the map was made of */
	bool takes;	/* and its compile takes something from somebody */
};

struct buf;
struct mapgone;

/* What is looked at, and who looks. */
struct ctl {
	struct settings set;
	const struct registry *registry; /* NULL if it cannot be used */
	bool kept; /* it is the copy of the one that was last compiled */
	/* The map was made of another one: that, or NULL if it is not known */
	bool behind;
	const struct registry *live;
	const char **again; /* options for a program that is started; NULL */
	struct author author;
	time_t now;
	const struct ctl_around *around; /* NULL: nobody asked */
	struct mapgone *gone; /* to be read with the ledger; NULL: not asked */
};

/* What the map says of a downgrade: it has the last word. */
struct ctl_low {
	size_t rows;		  /* that are lowered; 0: none is */
	enum level level, full;	  /* in force, and to go back to */
	enum direction direction; /* unless BOTH both are the same */
	time_t end;
	size_t spared; /* domains of the partner that came later, and are not */
	const char *spared_one; /* the first of them */
};

/*
 * Mail sent to the partner by the log, by what it was protected with: under the
 * downgrade that holds, or on this day.
 */
struct ctl_moved {
	char since[CTL_DAY]; /* first day, YYYY-MM-DD; "" if nobody counted */
	time_t begin;	     /* of the downgrade; 0: none holds */
	uint64_t n[EVIDENCE_VERIFIED + 1]; /* by enum evidence_seen */
	uint64_t in, in_clear; /* that came from it meanwhile; without TLS */
	uint64_t let_in;       /* of these by a downgrade alone */
	char last[CTL_DAY];    /* of any at all; ctl_facts_all(): "" */
};

/* Where a gateway fails that is new, and one that passed is gone. */
struct ctl_move {
	const char *was; /* passed last at `until`; NULL: no such thing */
	time_t until;
	const char *nexthop, *is;
	size_t others;		      /* partners to whom it passes: */
	const char *other, *provider; /* the first one; and its, or NULL */
};

/* By what else than the rule in the map a look at a gateway was judged. */
enum ctl_basis {
	CTL_BY_MAP,
	CTL_BY_REGISTRY,    /* the map is not made of it */
	CTL_BY_RULE_BEFORE, /* the row of the map was changed since */
};

/*
 * All that is known of a partner. Texts of facts that were gathered together
 * live in the arena of the first one.
 */
struct ctl_facts {
	const char *name;
	const struct partner *partner; /* NULL: not in the registry (now) */
	bool unregistered; /* then: the registry cannot be used, who knows */
	const struct ctl_around *around; /* as in struct ctl; or NULL */
	const struct ctl_past *past;	 /* its first way past; NULL: none */
	size_t npast; /* domains and addresses with one; 0: all, if any */
	size_t past_domains; /* of these, domains as a whole */
	enum level full;     /* its level without a downgrade */
	/*
	 * The registry has a rule for it that is not in the map yet. Then the
	 * gateways are judged by that in the map, at the level `judged`; but
	 * `unsure`: one, or all, by the registry.
	 */
	bool by_map, unsure;
	enum level judged;
	time_t changed; /* the row of the map, after a look; 0: it was not */
	/* One was judged anew for that, with another verdict. */
	bool rejudged;
	/* By the ledger, where it is believed; id 0: there is none. */
	struct ledger_downgrade lowered;
	/* That is open, though its time is over; id 0: none. */
	struct ledger_downgrade over;
	/*
	 * Of one partner: the last that ended, within a day, at `closed`, early
	 * if somebody did it; id 0: none. What moved under it: mail to them,
	 * or, if it was of mail from them, that by it alone.
	 */
	struct ledger_downgrade ended;
	uint64_t ended_moved;
	const char *doubt;  /* why it is not believed, or NULL */
	int64_t doubt_id;   /* the row that is open all the same */
	struct ctl_low low; /* by the map */
	struct evidence_gateway *gateway; /* of the last look, in part */
	struct step_gateway *step;	  /* the same, as step.h wants it */
	enum ctl_basis *basis;		  /* what each verdict is by */
	size_t n, cap;
	/*
	 * So many more behind the n of `gateway` alone: as they were met
	 * before their DNS fell silent, which makes none forgotten.
	 */
	size_t silent;
	time_t probed; /* 0: never */
	/* The last look that failed on our side, if later; 0: none did. */
	time_t blind;
	const char *blind_why;
	const char *const *key; /* that a downgrade to `key` pins */
	size_t nkeys;
	struct ctl_move move; /* of one partner */
	/* The last one of mail to it, and from it; time 0: none. */
	struct evidence_failure failure, refused;
	size_t refusals;      /* of mail from it, within a day */
	size_t refused_tls;   /* of these, with TLS, for their certificate */
	bool encrypted_since; /* mail from it came as agreed later */
	struct ctl_moved moved;
	const char *map_fault; /* why the map tells nothing, or NULL */
	bool in_map;
	enum level map_level;
	time_t map_time;
	bool waiting_asked;
	const char *waiting_fault; /* why that is not known, or NULL */
	struct waiting waiting;
	time_t returned; /* the first of it to its sender; 0: not known */
	long requiretls; /* that demand it, of those waiting; -1: not known */
	const char *ledger_fault;   /* why it tells nothing, or NULL */
	const char *evidence_fault; /* the same */
	int evidence_code;	    /* then, the exit code that goes with it */
	struct arena arena;
};

/*
 * Gather the facts about the partner of that name, or with that domain; of
 * what is in no registry, as far as the map tells them. 0, or an exit code: 66
 * with f->name NULL if there is none, else that of
 * f->ledger_fault. It is not that of f->evidence_code, as what was decided is
 * known without it. The caller releases f.
 */
int ctl_facts_get(
    const struct ctl *c, const char *name, bool waiting, struct ctl_facts *f);

/*
 * The same, without the queue, for all partners of the registry, in its
 * order, and then for those that only the map has, as they are not gone from
 * it yet or are lowered: *n in all. Ledger
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

/* The full level at which the gateways were judged. */
enum level ctl_facts_judged(const struct ctl_facts *f);

/* The level that holds by registry and ledger. */
enum level ctl_facts_level(const struct ctl_facts *f);

/* Does the map hold it higher than the registry, so that a compile weakens? */
bool ctl_facts_sinks(const struct ctl_facts *f);

/* To what it is lowered, by the map, else by the ledger; for people. */
const char *ctl_facts_lowered_to(const struct ctl_facts *f);

/* If mail from them alone is lowered, by the map, else the ledger: what of it.
 */
enum direction ctl_facts_direction(const struct ctl_facts *f);

/* Was mail from them refused though it had TLS, for their certificate? */
bool ctl_facts_over_tls(const struct evidence_failure *refused);

/* What mail from them needs again after that, or what lets it in: "TLS". */
const char *ctl_facts_needs(const struct ctl_facts *f);

/* Was the row of the map changed after the last look at a gateway? */
bool ctl_facts_before(const struct ctl_facts *f);

/* By the last look: does mail wait at the full level? */
bool ctl_facts_waits(const struct ctl_facts *f);

/* The worst fault of the gateways, and since when it is there (0: not known).
 */
enum fault ctl_facts_worst(const struct ctl_facts *f, time_t *since);

/* What follows from the facts. */
struct ctl_view {
	bool enforced; /* mail to it is not left to chance */
	bool low;      /* the map, which Postfix obeys, has lowered it */
	bool lowered;  /* the same, or, where that tells nothing, the ledger */
	time_t end;    /* then: until when */
	/* It is low and should not be: its time is up, or nobody knows it. */
	bool wrong;
	bool differs; /* the map says otherwise than registry and ledger */
	bool unread;  /* it is enforced, and Postfix does not read the map */
	bool past;    /* Postfix sends some of its mail past its rows */
	bool aside;   /* it does so with mail to all of its domains */
	bool refused; /* mail from it was, within a day, and would be again */
	bool odd; /* something is to be told: lowered, failing, not in force */
	bool dated; /* the first expiry among the gateways is known: */
	long days;  /* ... in so many days */
	bool soon;  /* any is near, life.h */
};

/* In ctlview.c. */
struct ctl_view ctl_facts_view(const struct ctl_facts *f, time_t now);

/* Does the map say otherwise? Then how, behind "the map", in out. */
bool ctl_facts_differs(const struct ctl_facts *f, time_t now, struct buf *out);

#endif
