/*
 * ctlexplain.h: tlspactctl explain: what becomes of a mail to an address now,
 * and why. Each part that cannot be found out says so, and stops no other.
 */
#ifndef CTLEXPLAIN_H
#define CTLEXPLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "ctlfacts.h"
#include "ctlmx.h"
#include "decide.h"
#include "dname.h"
#include "err.h"
#include "explain.h"
#include "findings.h"
#include "flush.h"
#include "maprecord.h"
#include "receiver.h"
#include "route.h"
#include "span.h"

struct cdbmap;
struct ctlrun;

/* Who changed the rule last. */
struct ctlexplain_change {
	int64_t seq; /* 0: no event tells */
	time_t time;
	/* In the arena of the facts; sudo: who was behind sudo(8), or NULL. */
	const char *kind, *author, *sudo, *text;
};

/* What the table for a dead tlspactd says of mail from the domain. */
enum ctlexplain_dead {
	CTLEXPLAIN_DEAD_UNKNOWN, /* it is not the table of this map */
	CTLEXPLAIN_DEAD_ACCEPTS,
	CTLEXPLAIN_DEAD_WANTS_TLS,
	CTLEXPLAIN_DEAD_REFUSES, /* as nobody compares their certificate */
};

/* All that is known of one address. */
struct ctlexplain {
	const struct ctlrun *run;
	char domain[DNAME_NEXTHOP_MAX + 1];
	/* Of a mail that was named by its queue id, its address without the
	 * domain; else, or NULL, that of the run. */
	const char *mailbox;
	const char *queue_id; /* or NULL */
	struct flush_mail mail;
	/* Of the partner; of a domain that is nobody's its counts and queue. */
	struct ctl_facts facts;
	bool lost; /* had more a day ago, and the registry before is kept */
	bool nobody;
	/* The domain of a partner that is near to such a one; or NULL. */
	const char *near;
	/* How such a one left its partner, or that the map; or NULL. */
	const char *left;
	/* Whose such a one was until then, by the record; NULL: nobody's. */
	const char *was; /* in the arena of the facts */
	time_t was_until;
	/* Of the next-hop, where that is another one's; else `facts`. */
	const struct ctl_facts *looked;
	struct ctl_facts hop;
	bool no_mx;	 /* by main.cf the next-hop is the gateway */
	struct ctlmx mx; /* of the next-hop now; in the arena of the facts */
	/* When the newest mail to the domain came that waits for TLS; 0: none
	 * does. And why it waits, as Postfix says. */
	time_t queued;
	const char *queued_reason;
	/* The way, by main.cf. */
	bool routed;
	struct err route_fault;
	struct route_way way;
	struct findings notes; /* tables that could not be asked */
	const char *nexthop;
	bool keeps; /* Postfix returns no mail at once, by main.cf */
	enum receiver_asks asks; /* about mail that comes in; if routed */
	struct err daemon_fault; /* code 0: tlspactd answers, or is not asked */
	/* Else: the default_action that Postfix goes by, and is it main.cf's?
	 */
	char *action;
	bool action_general;
	/* The map. */
	struct err map_fault;
	struct mapheader header;
	bool has_row;
	char key[ROUTE_NEXTHOP];
	struct span row;
	enum level level; /* in force, of the row or else of main.cf */
	bool past;	  /* less than was agreed: mail goes past its row */
	bool ruled;	  /* there is a rule for mail from the domain: */
	struct decision clear, tls; /* without TLS, with the newest */
	enum ctlexplain_dead dead;  /* the same without tlspactd */
	struct ctlexplain_change change;
	struct err change_fault;
	struct explain fate;
};

/*
 * Print it for r->lower.partner. 0: a mail sent now would move; 1: it would
 * wait, or be returned; 75: nobody looked at the gateways; 64, 66: it is no
 * address, or no partner. run: a struct ctlrun.
 */
int ctlexplain(void *run);

#endif
