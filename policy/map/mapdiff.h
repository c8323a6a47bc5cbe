/*
 * mapdiff.h: what a compiled map would change against the live one, and
 * whether that is too much to happen by accident.
 */
#ifndef MAPDIFF_H
#define MAPDIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "maprecord.h"
#include "strength.h"

struct cdbmap;
struct compiled;

struct difference {
	enum change change;
	const char *key; /* borrowed, not NUL-terminated, and so on */
	size_t keylen;
	const char *was; /* NULL if added */
	size_t waslen;
	const char *is; /* NULL if removed; a NUL-terminated string */
};

struct mapdiff {
	struct difference *v; /* rows that differ, only if they were wanted */
	size_t n, cap;
	struct arena arena;		/* of the texts in v */
	size_t count[CHANGE_OTHER + 1]; /* rows, by enum change */
	size_t records;			/* that differ; see maprecord.h */
	size_t live_records;
	size_t live;	      /* policy rows of the live map */
	size_t live_enforced; /* those that are over opportunistic */
	size_t lost;  /* of these, removed or weakened, but by no downgrade */
	bool emptied; /* the new map is of no partner at all */
	bool damaged; /* the live map cannot be read whole */
	bool has_header;
	struct mapheader header; /* of the live map */
};

/*
 * Compare c with the live map (NULL: there is none). With `list` the rows
 * that differ are kept in d->v; they borrow from both. The caller releases d.
 */
void mapdiff(
    struct mapdiff *d, struct cdbmap *live, struct compiled *c, bool list);

void mapdiff_release(struct mapdiff *d);

/* True if writing c would change any row of the live map. */
bool mapdiff_any(const struct mapdiff *d);

/*
 * The guard of max_weakened: `limit` is "N" or "N%", percent of the live
 * enforced rows but at least 2. True if more were lost than that, or if any
 * was lost to a registry without partners; *allowed is the number that may
 * be lost.
 */
bool mapdiff_too_much(
    const struct mapdiff *d, const char *limit, size_t *allowed);

#endif
