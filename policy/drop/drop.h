/*
 * drop.h: when a partner is lowered by itself, by how much, and until when.
 *
 * A state machine over all partners. It is fed what was seen (deliveries,
 * probes, downgrades, the clock) and answers with actions; it reads no
 * clock and does nothing itself. The rules are those of tlspact(7):
 *
 * - N failed deliveries for a reason of TLS within a time raise suspicion,
 *   and make it ask for a probe of our own. Only a probe begun after the
 *   N-th failure, and no older than DROP_FRESH, confirms.
 * - Mail to a next-hop moves if any of its gateways takes it, because
 *   smtp(8) tries them in turn. A next-hop is blocked if gateways can be
 *   reached and each of these has a fault of TLS; its step is that of the
 *   gateway that needs the smallest one. Gateways that cannot be reached
 *   count neither way.
 * - The probe confirms if a blocked next-hop, to which deliveries failed,
 *   has a gateway with the fault that the log told, or with one that needs
 *   the same step when nothing is known of the key (Postfix's log is vague:
 *   an expired certificate is often just "not trusted"). The step taken is
 *   that of the probe, the largest over all next-hops so confirmed.
 * - A next-hop with a gateway that passes and fails by turns (turns.h) is not
 *   blocked: what fails there goes through when it is tried again. So nobody
 *   is lowered for it, and nobody is again and again.
 * - Below `key` nobody proves who he is. So a partner goes there only while
 *   every gateway that may answer has passed before, at its address
 *   (step_strangers()), and is restored as soon as a probe meets another.
 * - A failure that lowering cannot mend is never counted: DNS, network,
 *   SMTP, and rules that are stricter than Postfix's.
 * - Before a partner is lowered some other one, judged by the same of ours,
 *   must have passed a probe since the N-th failure. If none has, a few that
 *   passed last are probed (control probes). If they fail too, do not answer,
 *   or none is known to pass, the cause may be common, and nobody is lowered.
 *   Nor by a probe begun before that pass was known, as ours may have been
 *   mended between the two: the partner is probed once more.
 *
 * All times are of one clock. If it steps back everything remembered is
 * moved back with it, so that what was left of a downgrade stays the same;
 * the ledger is told of the new end. One of ours whose beginning now lies
 * in the future is ended.
 */
#ifndef DROP_H
#define DROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "arena.h"
#include "direction.h"
#include "fault.h"
#include "level.h"
#include "step.h"

struct drop;
struct partner;

#define DROP_SLACK 60	       /* seconds that times may lie ahead of now */
#define DROP_NEXTHOPS_MAX 8    /* failing next-hops told apart */
#define DROP_GATEWAYS_MAX 1024 /* of one report; larger ones are not read */
#define DROP_TEXT_KEPT 700     /* bytes of evidence text */

#define DROP_FRESH 120 /* seconds; a confirming probe is no older */

struct drop_settings {
	uint32_t max_partners;	/* drop_max_partners; 0: nobody is lowered */
	uint32_t max_downgrade; /* seconds */
	uint32_t a_day;		/* times a partner is lowered in 24 hours */
	bool no_key;		/* Postfix cannot pin keys; take encrypt */
};

/* 3 partners, 7d, 3 a day. */
extern const struct drop_settings drop_preset;

/*
 * What of ours a partner is judged by, and so what may be at fault with
 * several at once: ca_file, a CA file of its own, the resolver, or no more
 * than what TLS itself takes.
 */
enum drop_by { DROP_BY_CA, DROP_BY_OWN_CA, DROP_BY_DANE, DROP_BY_TLS };
#define DROP_BY_COUNT 4

/* What the registry says of a partner. */
struct drop_rules {
	enum level full;  /* partner_level() */
	enum level floor; /* drop-to */
	bool may_drop;	  /* on-failure=drop */
	uint16_t count;	  /* drop-after: so many ... */
	uint32_t window;  /* ... within seconds */
	uint32_t seconds; /* drop-for */
	enum drop_by by;
	uint64_t ca; /* OWN_CA: tells one list of files from another */
};

/* The rules of a partner of the registry. */
void drop_rules_of(const struct partner *p, struct drop_rules *out);

/* Looks a partner up by name; false if there is none. */
typedef bool drop_lookup(void *ctx, const char *partner, struct drop_rules *);

/* A delivery. */
struct drop_delivery {
	time_t time;
	const char *partner;
	const char *nexthop; /* NULL or "": not known */
	enum fault fault;    /* OK: it was made; else why it failed */
};

/* A probe of all gateways of a partner. */
struct drop_report {
	const char *partner;
	time_t time; /* it began */
	const struct step_gateway *gateway;
	size_t n;
};

enum drop_why {
	DROP_WHY_NONE,
	/* held */
	DROP_WHY_POLICY,      /* on-failure=hold */
	DROP_WHY_FLOOR,	      /* the step needed is below drop-to */
	DROP_WHY_A_DAY,	      /* lowered often enough today */
	DROP_WHY_MANUAL,      /* lowered by hand, and that does not help */
	DROP_WHY_OFF,	      /* drop_max_partners is 0 */
	DROP_WHY_UNCONFIRMED, /* our probe sees no such fault */
	DROP_WHY_NOT_TLS,     /* our probe sees another kind of fault */
	DROP_WHY_NO_PROBE,    /* there is no probe */
	DROP_WHY_COMMON,      /* nobody else passes: the fault may be ours */
	DROP_WHY_TURNS,	      /* it passes by turns: mail moves, if late */
	/* Also restored: below key, and one that never passed answers. */
	DROP_WHY_STRANGER,
	/* restored */
	DROP_WHY_END,	 /* its time is up */
	DROP_WHY_PASSED, /* two probes passed */
	DROP_WHY_RULES,	 /* the registry no longer allows it */
	DROP_WHY_HAND,	 /* closed by hand */
	DROP_WHY_CLOCK,	 /* the clock was set back behind its beginning */
};

/* "policy", "floor", ... */
const char *drop_why_text(enum drop_why why);

/* A downgrade of the ledger. */
struct drop_downgrade {
	int64_t id; /* not 0 */
	const char *partner;
	enum level level;
	time_t begin;
	time_t end;
	time_t closed;	/* 0: it is open */
	bool automatic; /* ours; else it, or its last extension, is by hand */
	enum fault fault;
	enum drop_why why; /* of closed */
};

enum drop_what {
	DROP_PROBE, /* see what the partner's gateways show */
	/*
	 * Lower it. The caller writes the ledger, compiles, and answers with
	 * drop_downgrade() or drop_refused() before the next input.
	 */
	DROP_LOWER,
	/* End a downgrade; the answer is drop_downgrade() or drop_refused(). */
	DROP_RESTORE,
	/*
	 * Give a downgrade the earlier end `until`, because the clock was set
	 * back or max_downgrade is less now; the answer is drop_downgrade().
	 */
	DROP_SHORTEN,
	DROP_FLUSH,	    /* have Postfix retry what waits for the partner */
	DROP_TELL_HELD,	    /* mail waits, and we do not lower */
	DROP_TELL_LOWERED,  /* ... */
	DROP_TELL_RESTORED, /* ... */
	DROP_TELL_END_NEAR, /* ... and the fault is still there */
	DROP_TELL_COMMON,   /* many at once: the fault is ours; to be kept in
		       the ledger as a fact for drop_new() */
	DROP_TELL_COMMON_OVER,
	/* The clock was set back from `at`: to be kept in the ledger. */
	DROP_KEEP_CLOCK,
};

struct drop_action {
	enum drop_what what;
	const char *partner; /* "" for common faults */
	/* PROBE: reports begun earlier are of no use. KEEP_CLOCK: from when */
	time_t at;
	bool control;	/* DROP_PROBE: to see whether the fault is ours */
	bool automatic; /* the downgrade is ours */
	bool still;	/* END_NEAR, RESTORED: the fault was seen last time */
	/* RESTORED: of mail from them that was let in, no more; else BOTH. */
	enum direction inbound;
	bool certificate;  /* then: it needs one, as agreed */
	enum drop_why why; /* of held, restore, restored */
	/*
	 * RESTORE, TELL_*: the downgrade's number. LOWER: that of the one
	 * that is open and has to give way, 0 if there is none.
	 */
	int64_t id;
	enum level from; /* in force now, or before */
	enum level to;	 /* LOWER, LOWERED; HELD: what would help, or from */
	enum fault fault;
	time_t since;		/* first failure of this story; 0: not known */
	time_t begin;		/* of the downgrade; COMMON: since */
	time_t until;		/* its end */
	unsigned failures;	/* that counted */
	const char *const *key; /* to == LEVEL_KEY: what to pin */
	size_t nkeys;
	const char *const *name; /* COMMON: partners */
	size_t nnames;
	const char *text; /* evidence, for people; clean, "" if there is none */
};

/* What is to be done, in this order. Zeroed is empty. */
struct drop_actions {
	struct drop_action *v;
	size_t n, cap;
	struct arena arena;
};

void drop_actions_free(struct drop_actions *a);

/* What the ledger knows, after a start. */
struct drop_facts {
	/* All open ones, and those that began or were closed in 24 hours. */
	const struct drop_downgrade *downgrade;
	size_t ndowngrades;
	/* Of the last 24 hours, and of the longest drop-after. */
	const struct drop_delivery *failure;
	size_t nfailures;
	/* The last report of each partner. */
	const struct drop_report *report;
	size_t nreports;
	time_t common; /* since when a common fault lasts; 0: there is none */
	/*
	 * The time that was written last, whatever it was for, the newer the
	 * better: shows a clock that was set back while we were not there.
	 */
	time_t last;
	/*
	 * The latest time from which the clock was set back (KEEP_CLOCK), 0:
	 * never. What bears an earlier one may be older than it seems.
	 */
	time_t distrust;
};

/*
 * A machine that knows the facts; NULL: nothing yet. ctx is borrowed. What may
 * have been lost (flush, told) is said again: both may come twice, and notices
 * have keys.
 */
struct drop *drop_new(const struct drop_settings *s, drop_lookup *lookup,
    void *ctx, const struct drop_facts *f, time_t now, struct drop_actions *a);
void drop_free(struct drop *d);

/*
 * Partner `from` is `to` from now on, and its downgrade goes on; but if `to`
 * has one that is what holds. To be said before drop_reload().
 */
void drop_rename(struct drop *d, const char *from, const char *to);

/* Other settings, or another registry behind the lookup. */
void drop_reload(struct drop *d, const struct drop_settings *s, time_t now,
    struct drop_actions *a);

/* Something was seen. Partners that are not enforced are passed over. */
void drop_delivery(struct drop *d, const struct drop_delivery *f, time_t now,
    struct drop_actions *a);
void drop_probe(struct drop *d, const struct drop_report *r, time_t now,
    struct drop_actions *a);

/*
 * A downgrade has begun (not: will begin), or has got another end, or was taken
 * over by hand: ours (the answer to DROP_LOWER) and those of others. It
 * replaces an older one of the partner. Or it is closed, and that is over: of
 * that the partner, the number and why are enough.
 */
void drop_downgrade(struct drop *d, const struct drop_downgrade *l, time_t now,
    struct drop_actions *a);

/* What was asked for could not be done; it is asked for again later. */
void drop_refused(struct drop *d, const char *partner, time_t now);

/* Time has passed. To be called every minute, if not sooner. */
void drop_tick(struct drop *d, time_t now, struct drop_actions *a);

/* Does any partner pass that was looked at since then? */
bool drop_passing(const struct drop *d, time_t since);

/* Partners of which something is remembered. */
size_t drop_partners(const struct drop *d);

#endif
