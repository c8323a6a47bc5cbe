/*
 * evidence_legs.h: what Received fields of mails said of the legs between us,
 * a partner and its provider.
 *
 * In the file of evidence.h, whose rules hold here. Kept are counts of a day,
 * for ever, and the digests of the mails that they are of until
 * evidence_prune(), so that none counts twice.
 */
#ifndef EVIDENCE_LEGS_H
#define EVIDENCE_LEGS_H

#include "evidence.h"

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

/* Add those of mails that are not counted yet, within a transaction. */
int evidence_legs_add(struct evidence *v, const struct evidence_leg *leg,
    size_t n, struct err *e);

/*
 * Of the days `from` to `to`, both included ("" or NULL: open), of one partner
 * or all (NULL). By day, partner, leg.
 */
typedef bool evidence_leg_fn(const struct evidence_leg *l, void *arg);
int evidence_legs(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_leg_fn *fn, void *arg, struct err *e);

#endif
