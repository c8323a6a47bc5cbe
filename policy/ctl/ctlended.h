/*
 * ctlended.h: what became of the downgrades that the record tells of: an event
 * says only what was meant when it was written. Pure.
 */
#ifndef CTLENDED_H
#define CTLENDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "arena.h"
#include "direction.h"
#include "level.h"

struct buf;
struct ledger_downgrade;

struct ctlended_one {
	int64_t id;
	const char *partner; /* as it is called now */
	enum level before;
	enum direction direction;
	time_t begin;
	time_t end; /* as it was last planned */
	/* When it ended, 0 while it goes on, and what the ledger has of that:
	 * its time alone may have ended it, "end", which nobody wrote yet. */
	time_t over;
	const char *by, *why;
};

/* Zeroed but for now; release it. */
struct ctlended {
	time_t now;
	struct ctlended_one *v; /* by id, the newest first */
	size_t n, cap;
	struct arena arena;
};

/* Take one in, newest first, as ledger_downgrades() has them. Returns true. */
bool ctlended_take(const struct ledger_downgrade *d, void *ended);

/* The one of that number, or NULL. */
const struct ctlended_one *ctlended_find(const struct ctlended *x, int64_t id);

/* Append "ended 2026-11-30 08:09:04 by root", or "holds until ...". */
void ctlended_put(const struct ctlended_one *o, struct buf *out);

/*
 * Append what its end, whose event says `text`, led to: "restored to secure:
 * renewed". If another one of the partner held then, it is "ended: renewed".
 * certificate: one was agreed for mail from it.
 */
void ctlended_put_back(const struct ctlended *x, const struct ctlended_one *o,
    bool certificate, const char *text, struct buf *out);

void ctlended_release(struct ctlended *x);

#endif
