/*
 * ctlrun.h: the command line of tlspactctl(8), and what its verbs share.
 */
#ifndef CTLRUN_H
#define CTLRUN_H

#include <jansson.h>
#include <stdbool.h>

#include "ctlcheck.h"
#include "ctldown.h"
#include "ctlfacts.h"
#include "options.h"

struct partner;
struct registry;

struct ctlrun {
	struct options opt; /* first: options.h */
	struct ctl c;
	struct ctl_lower lower;
	char *renamed;	     /* owned: what that partner is called now */
	const char *mailbox; /* of the address that was named; or NULL */
	bool yes, dry, flush, no_flush;
	bool quiet;	    /* status: names alone */
	const char *since;  /* history; its end is lower.until */
	bool open;	    /* the same: downgrades that hold */
	const char *kinds;  /* the same: of these kinds, with commas; or NULL */
	bool weaker;	    /* the same: of the kind CTLHISTORY_WEAKER alone */
	bool check;	    /* the same: is it whole? */
	const char *known;  /* the same, as it was once; or NULL */
	int form;	    /* check: enum ctlcheck_form; 0: for people */
	const char *within; /* certificates: that end in that time; or NULL */
	uint64_t seconds;   /* top: between two looks; 0: the usual */
	struct registry *registry;
	int registry_code; /* why there is none, all having been said */
	/* Of the one that is there, for the verbs that go by the map. */
	struct ctlcheck_registry given;
	/*
	 * -j: what main() prints below "schema" and "verb", see
	 * common_answer(). A verb sets it if it has more to tell than that.
	 */
	json_t *answer;
};

/* Say why ledger and evidence do not tell all. */
void ctlrun_tell_faults(const struct ctl_facts *f);

/*
 * The facts about the partner that was named, as ctl_facts_get(); what is not
 * known is said. f->name is NULL without one. The caller releases f.
 */
int ctlrun_facts(const struct ctlrun *r, bool waiting, struct ctl_facts *f);

/* Say that there is no such partner; the exit code. */
int ctlrun_nobody(const struct ctlrun *r);

#endif
