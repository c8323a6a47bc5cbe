/*
 * evidence_changes.h: what gateways showed that they had not shown before. In
 * the file of evidence.h, whose rules hold here.
 */
#ifndef EVIDENCE_CHANGES_H
#define EVIDENCE_CHANGES_H

#include "evidence.h"

/* What a gateway showed that it had not shown at the look before. */
struct evidence_change {
	time_t time; /* when that was first seen */
	const char *partner, *nexthop, *host, *address;
	bool fresh; /* there is no earlier look that showed a key */
	const char *key_was, *key;
	const char *chain_was, *chain; /* PEM; the same if only one changed */
};

/*
 * Other keys and chains than before, seen before `until`, in order; of one
 * partner or all (NULL).
 */
typedef bool evidence_change_fn(const struct evidence_change *c, void *arg);
int evidence_changes(struct evidence *v, const char *partner, time_t until,
    evidence_change_fn *fn, void *arg, struct err *e);

#endif
