/*
 * explain.h: would a mail to an address move now, and at which gateways? By
 * what main.cf and the map say, what the last look found, and what DNS, queue
 * and log say since. Pure.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "level.h"
#include "span.h"

struct buf;
struct ctl_facts;
struct ctlmx;
struct step_gateway;

enum explain_fate {
	EXPLAIN_MOVES,
	EXPLAIN_WAITS,
	EXPLAIN_RETURNED,  /* to its sender, at once */
	EXPLAIN_ELSEWHERE, /* not by smtp(8): the map has no say */
	EXPLAIN_UNKNOWN,   /* what the gateways are like is not known */
};

/* "moves", "waits", "returned", "elsewhere", "unknown". */
extern const char *const explain_fate_names[];

enum explain_reason {
	EXPLAIN_GATEWAYS,    /* what they showed */
	EXPLAIN_ANY,	     /* TLS is not asked for, which holds no mail */
	EXPLAIN_NO_MAP,	     /* Postfix defers where it cannot read its map */
	EXPLAIN_NO_SERVICE,  /* master.cf does not have the transport */
	EXPLAIN_NO_SMTP,     /* the transport runs something else */
	EXPLAIN_NO_LOOK,     /* no gateway of that next-hop was probed */
	EXPLAIN_NO_EVIDENCE, /* whether one was, cannot be read */
	EXPLAIN_DOUBTS,	     /* what they showed may not hold any more */
	EXPLAIN_OURS,	     /* the last look at them failed on our side */
	EXPLAIN_NEW_MX,	     /* DNS names one that no look met: out->is_new */
	EXPLAIN_QUEUE,	     /* a mail that came after the look waits for TLS */
	EXPLAIN_NO_DOMAIN,   /* nobody looked, and DNS has nothing to send to */
};

struct explain_asked {
	const struct ctl_facts *facts; /* of the partner; NULL: nobody's */
	const char *domain;	       /* of the recipient */
	const char *nexthop;
	bool routed; /* what main.cf says is known, which are the next four */
	const char *command; /* of the service; NULL: there is none */
	bool asks;	     /* it asks the map */
	bool keeps;	     /* it returns nothing at once, whatever DNS says */
	bool no_map;	     /* which cannot be read */
	enum level level;    /* in force for that next-hop */
	const struct ctlmx *mx; /* of the next-hop now; NULL: not known */
	bool no_domain;		/* DNS has none, or it takes no mail */
	struct span row;	/* of the next-hop; "": none */
	time_t changed;		/* when the rule was, last; 0: not known */
	/* When the newest mail came to the domain that waits for TLS; 0: none
	 * does. */
	time_t queued;
};

/* What a gateway of the facts is to this mail. */
enum explain_gateway {
	EXPLAIN_OTHER, /* of another next-hop */
	EXPLAIN_TAKES,
	EXPLAIN_HOLDS,
	EXPLAIN_DOUBT, /* the look does not tell, see explain_gateway() */
	EXPLAIN_GONE,  /* DNS does not name it any more */
};

/* Why mail waits for gateways that no look met. */
enum explain_new {
	EXPLAIN_NEW_UNKNOWN, /* nothing tells that it does */
	EXPLAIN_NEW_FAILED,  /* a mail failed there, by the log */
	EXPLAIN_NEW_QUEUED,  /* a mail waits since the look */
	EXPLAIN_NEW_UNNAMED, /* the row has not their names */
};

struct explain {
	enum explain_fate fate;
	enum explain_reason reason;
	enum explain_gateway *gateway; /* one each of facts->gateway; owned */
	size_t takes, holds, doubts;
	bool clear;	    /* it would go in clear text, by what was seen */
	bool borrowed;	    /* the looks were at other domains of the partner */
	time_t probed;	    /* the last of these looks; 0: none */
	time_t ours;	    /* EXPLAIN_OURS: when it failed */
	const char *is_new; /* the first that DNS names and no look met */
	enum explain_new why; /* then */
	size_t failed; /* then: of which gateway of the facts the log tells */
};

void explain_judge(const struct explain_asked *a, struct explain *out);

void explain_release(struct explain *x);

/*
 * What gateway i of f is to a mail at that level. A look is not believed
 * where the rule was changed since, or a mail failed since; nor is one that
 * passed by a rule that is not in force. Where a later one failed on our side,
 * that it passed, or was not reached, may not be so any more.
 */
enum explain_gateway explain_gateway(
    const struct ctl_facts *f, size_t i, enum level level);

/*
 * Is it lowered to keys, of which gateway i shows none? Then Postfix hands it
 * no mail, even if it passes by what was agreed.
 */
bool explain_shut(const struct ctl_facts *f, size_t i, enum level level);

/*
 * Does DNS name no gateway at all? Then smtp(8) bounces the mail: 5.1.0, 5.4.4.
 * Of the gateways of f those that are HOLDS in `is`; NULL: of all.
 */
bool explain_returned(
    const struct ctl_facts *f, const enum explain_gateway *is);

/*
 * What becomes of mail to the partner at that level, by the last look: it moves
 * if each next-hop has a gateway that takes it, and waits if one has none that
 * may.
 */
enum explain_fate explain_at(const struct ctl_facts *f, enum level level);

/* The same at the level that the map has, else the ledger. */
enum explain_fate explain_now(const struct ctl_facts *f);

/* Is it lowered for mail to it, which would move in full? */
bool explain_mended(const struct ctl_facts *f);

/* No gateway takes it for certain, but one may. */
bool explain_doubted(const struct ctl_facts *f, enum level level);

/*
 * When our side failed, if that is why no gateway takes it for certain; else 0.
 * What is said of that: "our own resolver or network failed at 15:13".
 */
time_t explain_ours(const struct ctl_facts *f, enum level level);
void explain_ours_text(time_t at, time_t now, struct buf *out);

/*
 * Would smtp(8) hand mail to a gateway that was judged at the level `full`,
 * where `level` is in force?
 */
bool explain_takes(
    const struct step_gateway *g, enum level full, enum level level);

#endif
