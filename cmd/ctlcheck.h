/*
 * ctlcheck.h: a look at all that can be wrong on this gateway.
 */
#ifndef CTLCHECK_H
#define CTLCHECK_H

#include "checkup.h"
#include "ctlfacts.h"
#include "ctlown.h"
#include "digest.h"
#include "err.h"
#include "wired.h"

/* What Postfix says: it is dear to ask, and may be used more than once. */
struct ctlcheck_postfix {
	time_t asked; /* 0: never */
	bool fault;   /* it could not be asked: why */
	struct err why;
	struct wired wired;
	struct ctlown own; /* our certificates */
};

/* Ask, and forget what p has from earlier; at first it is zero. */
void ctlcheck_ask(
    struct ctlcheck_postfix *p, const struct settings *s, time_t now);

/* Release what p has; it may be zero. */
void ctlcheck_forget(struct ctlcheck_postfix *p);

/* All that was looked at, as of c->now, and what is wrong with it. */
struct ctlcheck_seen {
	const struct checkup_facts *facts;
	struct ctl_facts *partner; /* the same as facts->partner */
	struct checkup_list list;
	void *look; /* whose all of it is */
};

/*
 * Look at everything anew, but for Postfix. The caller releases seen, before
 * he forgets what Postfix said.
 */
void ctlcheck_look(struct ctlcheck_seen *seen, const struct ctl *c,
    const struct ctlcheck_postfix *postfix);

void ctlcheck_release(struct ctlcheck_seen *seen);

/* How the registry stands to the map. The texts are the caller's to free. */
struct ctlcheck_registry {
	/* Why the next compile would not take it; NULL: it would, or that is
	 * not known. */
	char *refused;
	char *behind; /* why it is not live; or NULL */
	bool takes;   /* a compile of it takes something from somebody */
	/* Digest of that which the map was made of; "": not known. */
	char map[DIGEST_HEX];
};
void ctlcheck_registry(const struct ctl *c, struct ctlcheck_registry *out);

#endif
