/*
 * evidence_log.h: what the mail log proved: counts, failures, how long mail
 * waited, which hours there is a log of, and how far it was read.
 *
 * In the file of evidence.h, whose rules hold here. Counts, hours and what
 * waited stay for ever; failures become sums (evidence_prune()).
 */
#ifndef EVIDENCE_LOG_H
#define EVIDENCE_LOG_H

#include "evidence.h"

/* A partner and direction; older ones become sums. */
#define EVIDENCE_FAILURES_MAX 1000
#define EVIDENCE_WAITS_MAX 16384 /* open ones; the oldest make room */

enum evidence_direction { EVIDENCE_IN, EVIDENCE_OUT };
enum evidence_seen { /* weakest first */
	EVIDENCE_CLEAR,
	EVIDENCE_ENCRYPTED,
	EVIDENCE_TRUSTED,
	EVIDENCE_VERIFIED,
};
const char *evidence_direction_name(enum evidence_direction d); /* "in" */
const char *evidence_seen_name(enum evidence_seen s); /* "clear" ... */

/*
 * Attempts of one day that were alike: a recipient each, outbound. Of strangers
 * the first thousand domains a day and direction have rows of their own
 * (LOGTALLY_STRANGERS_MAX), with a dot in `partner`; the rest is "other".
 */
struct evidence_count {
	const char *day;     /* YYYY-MM-DD, UTC */
	const char *partner; /* or a domain, or "other" */
	enum evidence_direction direction;
	enum evidence_seen seen;
	const char *protocol;
	const char *cipher;
	/*
	 * Outbound "sent", "deferred", "bounced" and what else status= says;
	 * "expired": a message that had been deferred, for all recipients of
	 * a partner, which then was given up; "skipped": a gateway after which
	 * the next was tried. Inbound "received", "rejected", "failed".
	 */
	const char *result;
	uint64_t n; /* adding: how many more */
	/*
	 * The rule as it was at the time of the attempt, not when it was read:
	 * level_name() of what the map then demanded. Inbound: "encrypt" for
	 * inbound=require, "key" and "secure" with inbound-verify, else
	 * "opportunistic", which strangers have, too: main.cf rules them. "":
	 * not known; so is all that was counted before there was this column.
	 */
	const char *required;
	/* Number in the ledger of the downgrade it was under; 0: none. */
	int64_t downgrade;
	/* If EVIDENCE_VERIFIED, by what: "ca" (and name), "key", "dane"; else,
	 * and where that is not known, "". */
	const char *proof;
	/*
	 * A word of fault.h, "ok" if there was none; "": not known (before). Of
	 * mail received: what it lacked, and was let in by a downgrade alone.
	 */
	const char *fault;
	time_t last; /* adding: when the last of them was; 0: not known */
};

/*
 * Mail that moved: was it protected as was required then, if that is known?
 * "secure" and "key" outbound need EVIDENCE_VERIFIED; inbound a client's
 * certificate is judged by tlspactd, and the log shows TLS only.
 */
bool evidence_kept(const struct evidence_count *c);

/* Mail that came in under a downgrade without TLS, or what else was agreed. */
bool evidence_let_in(const struct evidence_count *c);

/* How the keys of mail that was encrypted were agreed, and signed. */
struct evidence_exchange {
	const char *day;
	const char *partner; /* "other": all that are none */
	enum evidence_direction direction;
	const char *exchange; /* "X25519", "ECDHE (P-256)", "RSA" */
	const char *signature;
	uint64_t n; /* adding: how many more */
};

struct evidence_failure {
	int64_t id; /* 0 when adding; never given twice, and it only grows */
	time_t time;
	const char *partner;
	enum evidence_direction direction;
	const char *fault; /* word of fault.h */
	const char *domain;
	const char *host;
	const char *address;
	const char *queue_id;
	const char *text;
};

#define EVIDENCE_HOUR 3600 /* seconds */

/* An hour of which there are lines of Postfix. */
struct evidence_hour {
	time_t hour;	  /* its first second */
	const char *host; /* as the lines have it; "": they have none */
	uint64_t n;	  /* lines; adding: how many more */
};

/*
 * Mail to a partner (or, if TLS is at fault, to a stranger) that was deferred,
 * and what became of it.
 */
struct evidence_wait {
	const char *host; /* that logged it: with queue_id its name */
	const char *queue_id;
	const char *domain;
	const char *partner; /* as in evidence_count */
	/* Why it was deferred first, the first of TLS before others; "ok": the
	 * gateway said no to it, which is no fault. */
	const char *fault;
	time_t since;	    /* it was deferred for that */
	time_t until;	    /* adding: 0: it waits; else it waits no more ... */
	const char *result; /* ... because it is that: "sent", "expired" */
};

/* Those that wait no more, by the day of their end. */
struct evidence_waited {
	const char *day;
	const char *partner;
	const char *fault;
	const char *result;
	uint64_t n;	  /* messages, for each domain of recipients once */
	uint64_t seconds; /* all of them together */
};

/*
 * How far a log was read. A file is its device, inode and first line. The
 * journal has neither: `first` is then of its name, `path` the cursor of the
 * last entry, `offset` the microsecond of that.
 */
struct evidence_position {
	const char *path; /* where it was last */
	uint64_t device;
	uint64_t inode;
	const char *first; /* SHA-256 of the first line, hex */
	uint64_t offset;
	const char *tail; /* SHA-256 of what stands before that, or "" */
	time_t time;	  /* when it was saved */
	/*
	 * Adding: whose offset this goes on from, which is still that, or
	 * else nothing of the batch is added (75); of a file that is new, its
	 * own with offset 0. NULL: whatever there is. It moves on, too.
	 */
	const struct evidence_position *was;
};

/* --- Legs ---------------------------------------------------------------- */

/*
 * What Received fields of mails said of the legs between us, a partner and its
 * provider. Kept are counts of a day, for ever, and the digests of the mails
 * that they are of until evidence_prune(), so that none counts twice.
 */
enum leg {
	LEG_TO_US,	   /* from the partner, or its provider */
	LEG_FROM_US,	   /* to it */
	LEG_TO_PROVIDER,   /* from the partner's own host */
	LEG_FROM_PROVIDER, /* to that */
	LEG_IN_PARTNER,	   /* between its hosts */
	LEG_IN_PROVIDER,
	LEG_IN_OURS,
	LEG_NONE, /* no such leg */
};

/* "to-us", "from-us", "to-provider" ...; "" for none. */
const char *leg_name(enum leg l);

/* 0, or -1: no such leg, *l is LEG_NONE then. */
int leg_parse(const char *name, enum leg *l);

/* One leg of one mail; or, reading, all of a day that were alike. */
struct evidence_leg {
	const char *mail; /* adding: a SHA-256 in hex */
	time_t time;	  /* adding: when it went over it */
	const char *day;  /* reading */
	const char *partner;
	enum leg leg;
	const char *tls; /* "encrypted", "clear", "unknown" */
	const char *protocol;
	uint64_t n;  /* reading: mails */
	time_t last; /* reading: the last of them */
};

/* All of it in one transaction: nothing is counted twice or left out. */
struct evidence_batch {
	const struct evidence_count *count;
	size_t ncounts;
	const struct evidence_exchange *exchange;
	size_t nexchanges;
	const struct evidence_hour *hour;
	size_t nhours;
	const struct evidence_wait *wait;
	size_t nwaits;
	const struct evidence_failure *failure;
	size_t nfailures;
	const struct evidence_position *position;
	size_t npositions;
	const struct evidence_leg *leg; /* of mails, not of the log */
	size_t nlegs;
};
int evidence_log_add(
    struct evidence *v, const struct evidence_batch *b, struct err *e);

/*
 * Counts of the days `from` to `to`, both included ("" or NULL: open), of
 * one partner or all (NULL). By day, partner, and so on.
 */
typedef bool evidence_count_fn(const struct evidence_count *c, void *arg);
int evidence_counts(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_count_fn *fn, void *arg, struct err *e);

/*
 * When mail of each partner, or of one, came over TLS last that lacked nothing
 * (a mail that only a downgrade let in does), which counts of a day do not
 * tell. By the name that it had then; not of mail before this was
 * kept.
 */
typedef bool evidence_received_fn(const char *partner, time_t last, void *arg);
int evidence_received(struct evidence *v, const char *partner,
    evidence_received_fn *fn, void *arg, struct err *e);

/* Key exchanges, as evidence_counts(). */
typedef bool evidence_exchange_fn(const struct evidence_exchange *x, void *arg);
int evidence_exchanges(struct evidence *v, const char *partner,
    const char *from, const char *to, evidence_exchange_fn *fn, void *arg,
    struct err *e);

/* Hours from `since` up to `until`, which is not included (0: all), in order.
 */
typedef bool evidence_hour_fn(const struct evidence_hour *h, void *arg);
int evidence_hours(struct evidence *v, time_t since, time_t until,
    evidence_hour_fn *fn, void *arg, struct err *e);

/* What waits, the longest first. */
typedef bool evidence_wait_fn(const struct evidence_wait *w, void *arg);
int evidence_waits(
    struct evidence *v, evidence_wait_fn *fn, void *arg, struct err *e);

/* What waited, as evidence_counts(). */
typedef bool evidence_waited_fn(const struct evidence_waited *w, void *arg);
int evidence_waited(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_waited_fn *fn, void *arg, struct err *e);

/* Failures from `since` on, oldest first. */
typedef bool evidence_failure_fn(const struct evidence_failure *f, void *arg);
int evidence_failures(struct evidence *v, time_t since, evidence_failure_fn *fn,
    void *arg, struct err *e);

/*
 * Those from `since` on that were added after the one of that number, in the
 * order in which they were: to go on where one stopped.
 */
int evidence_failures_after(struct evidence *v, int64_t after, time_t since,
    evidence_failure_fn *fn, void *arg, struct err *e);

/* The last of each direction, of each partner or of one, from `since` on. */
int evidence_last_failures(struct evidence *v, const char *partner,
    time_t since, evidence_failure_fn *fn, void *arg, struct err *e);

/* All positions, those saved last first. */
typedef bool evidence_position_fn(const struct evidence_position *p, void *arg);
int evidence_positions(
    struct evidence *v, evidence_position_fn *fn, void *arg, struct err *e);

/*
 * Of the days `from` to `to`, both included ("" or NULL: open), of one partner
 * or all (NULL). By day, partner, leg.
 */
typedef bool evidence_leg_fn(const struct evidence_leg *l, void *arg);
int evidence_legs(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_leg_fn *fn, void *arg, struct err *e);

/*
 * Each partner of which anything was counted or looked at, by the names of
 * then, in any order; of those with a dot, which a stranger's domain has as
 * well, only what strangers do not have.
 */
typedef void evidence_partner_fn(const char *name, void *arg);
int evidence_partners(
    struct evidence *v, evidence_partner_fn *fn, void *arg, struct err *e);

/*
 * Remove what is older than `before`: probes (never the latest of a gateway,
 * its last that passed or was vouched for, nor its last that showed a chain),
 * chains that nothing needs any more, failures (never the one added last),
 * which become sums, positions of files not read since. Counts stay for ever.
 */
int evidence_prune(struct evidence *v, time_t before, struct err *e);

#endif
