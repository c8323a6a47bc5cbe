/*
 * mapholds.h: which downgrades may lower rows now, and which are over.
 *
 * The ledger decides. Where it cannot, the live map is asked: what that has
 * lowered may stay so, but not past its end, and nothing else is lowered.
 * What the live map has ended stays ended, whatever the ledger still says.
 *
 * Each lowered row has a record with its full text and its end, maprecord.h.
 * So a map can also be copied with what is over at full strength, whatever has
 * become of the registry, the ledger or Postfix's own settings.
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
struct err;
struct maptable;
struct settings;

/*
 * The downgrades that a map itself tells of, each partner once, with all
 * domains that it has lowered; memory from a. *v is allocated; the caller
 * frees it. Damaged records are passed over.
 */
size_t mapholds_in_map(
    struct cdbmap *live, struct arena *a, struct downgrade **v);

struct mapholds {
	struct downgrade *v;
	size_t n, cap;
	struct mapmark *mark; /* for the new map */
	size_t nmarks, mark_cap;
	int code; /* why the ledger is of no use, 0 if it is */
	/* What these borrow from. */
	struct ledger_believed list;
	struct arena arena;
};

struct mapholds_options {
	time_t now;
	bool dry;	     /* the ledger is not written */
	const char *without; /* those of this partner end now; or NULL */
	const char *by;	     /* who wants that */
	const struct downgrade *also; /* one more, which may borrow; or NULL */
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

void mapholds_release(struct mapholds *h);

#define MAPRAISE_NAMES 256

struct mapraised {
	size_t rows;	/* that are raised: in the map, not their records */
	size_t left;	/* rows that stay lowered */
	time_t expires; /* when the first of those ends; 0: none is left */
	char names[MAPRAISE_NAMES]; /* partners whose rows are raised */
};

/*
 * What is to be raised in a map: all that is lowered, but what holds in h and
 * is not over by the map itself.
 */
void mapholds_look(const struct mapholds *h, time_t now, struct cdbmap *live,
    struct mapraised *out);

/*
 * The copy of a map with that raised, and the marks of h in place of its own.
 * It borrows from live and is released by the caller in any case. 0, or -1
 * with *e set: 65 if the map is damaged.
 */
int mapholds_raise(const struct mapholds *h, time_t now, struct cdbmap *live,
    struct maptable *t, struct err *e);

#endif
