/*
 * whatif.h: had another registry been in force, which of the mails that the
 * log saw would have waited, and why.
 *
 * From what moved, by day, and the chains that gateways showed at that time,
 * judged by the other registry's rules. What those do not tell is a number of
 * its own: a chain was not seen, several gateways differ, the mail changed
 * gateways, TLSA records (not kept).
 */
#ifndef WHATIF_H
#define WHATIF_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "evidence_log.h"
#include "fault.h"

struct err;
struct registry;
struct settings;

/* A partner of the other registry who had mail. */
struct whatif_partner {
	const char *name;
	uint64_t mails;
	uint64_t waits;		   /* of these, would have waited */
	uint64_t unknown;	   /* of these, nobody knows */
	uint64_t why[FAULT_COUNT]; /* of those that would have waited */
};

struct whatif {
	uint64_t mails, waits, unknown; /* of all that moved */
	struct whatif_partner *v;	/* that would have waited most first */
	size_t n, cap;
	size_t waiting; /* of them, with mail that would have waited */
};

struct whatif_ask {
	const struct settings *set;
	const struct registry *was, *would; /* was: under which was counted */
	time_t from, to; /* first seconds of days (UTC), `to` not included */
};

/* 0, or -1 with *e set, with the codes of ledger.h. Free it either way. */
int whatif_read(struct whatif *w, const struct whatif_ask *ask, struct err *e);

void whatif_free(struct whatif *w);

#endif
