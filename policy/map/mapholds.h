/*
 * mapholds.h: which downgrades may lower rows now, and which are over.
 *
 * The ledger decides. Where it cannot, the live map is asked: what that has
 * lowered may stay so, but not past its end, and nothing else is lowered.
 * What the live map has ended stays ended, whatever the ledger still says.
 */
#ifndef MAPHOLDS_H
#define MAPHOLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "arena.h"
#include "maprecord.h"
#include "ledger_downgrade.h"

struct cdbmap;
struct settings;

struct mapholds_options {
	time_t now;
	bool dry;	     /* the ledger is not written */
	const char *without; /* those of this partner end now; or NULL */
	const char *by;	     /* who wants that */
};

struct mapholds {
	struct override *v;
	size_t n, cap;
	struct mapmark *mark; /* for the new map */
	size_t nmarks, mark_cap;
	int code; /* why the ledger is of no use, 0 if it is */
	struct arena arena;
};

/*
 * Read the ledger of the settings, and live (NULL: there is no map). What is
 * wrong is said on standard error. The caller releases h.
 */
void mapholds_read(struct mapholds *h, const struct settings *set,
    struct cdbmap *live, const struct mapholds_options *opt);

/*
 * Add a mark for each downgrade that holds at now: for a map with nothing
 * lowered.
 */
void mapholds_mark_all(struct mapholds *h, time_t now);

/* One more, which may borrow. */
void mapholds_add(struct mapholds *h, const struct override *o);

void mapholds_release(struct mapholds *h);

#endif
