/*
 * mapchange.h: in what a new map differs from the live one: row by row, for
 * people and for the guard against accidents; and, for the record, as those
 * see it of whom something is demanded: the level, the inbound rule, and what
 * holds after a downgrade.
 */
#ifndef MAPCHANGE_H
#define MAPCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "level.h"
#include "maprecord.h"
#include "strength.h"

struct buf;
struct cdbmap;
struct maptable;

/* Why a row differs: what else differs tells. */
enum mapcause {
	MAPCAUSE_REGISTRY,
	MAPCAUSE_SETTINGS,  /* the same registry: settings, or Postfix's version
			     */
	MAPCAUSE_DOWNGRADE, /* it began, or has another end */
	MAPCAUSE_END,	    /* of a downgrade */
	MAPCAUSES
};

/* "registry", "settings", "downgrade", "end". */
const char *mapcause_name(enum mapcause c);

/* What one map demands under a key; borrowed from it. */
struct mapdemand {
	const char *row; /* NULL: there is none */
	size_t rowlen;
	const char *record; /* see maprecord.h; NULL: none */
	size_t recordlen;
};

struct mapchange {
	enum change row;    /* of the row's text alone */
	enum change change; /* of what is demanded */
	enum mapcause cause;
	bool client; /* key is a client's name (" g:"), not a next-hop */
	/*
	 * Less is demanded, and not by a downgrade alone. Of a row that is
	 * lowered the demands after its end are compared.
	 */
	bool loses;
	const char *key; /* borrowed, not NUL-terminated */
	size_t keylen;
	struct mapdemand was, is;
};

struct mapchanges {
	struct mapchange *v; /* as in the new map; then what is gone */
	size_t n, cap;
	bool first; /* there is no map before */
	/* Rows for Postfix, by their texts. */
	size_t row[CHANGE_OTHER + 1]; /* that differ, by enum change */
	size_t live_enforced;	      /* in the live map, over opportunistic */
	size_t lost;  /* of these, removed or weakened, but by no downgrade */
	bool emptied; /* the new map is of no partner at all */
	size_t rows;  /* in the new map */
	size_t level[LEVEL_SECURE + 1]; /* of these, by enum level */
	/* What is demanded, of next-hops and clients. */
	size_t count[CHANGE_OTHER + 1]; /* that differ, by enum change */
	size_t cause[MAPCAUSES];
	size_t losses;
	size_t records;		  /* of any kind that differ */
	bool damaged;		  /* the live map cannot be read whole */
	struct mapheader was, is; /* zeroed if there is none */
};

/*
 * Compare a map with the live one, was. If that is NULL, what is added is
 * counted, and kept only if `list` is set. Both outlive out, which the caller
 * releases.
 */
void mapchanges(
    struct mapchanges *out, struct cdbmap *was, struct maptable *is, bool list);
void mapchanges_release(struct mapchanges *c);

/* Would putting the new map in place change any record but the header? */
bool mapchanges_any(const struct mapchanges *c);

/*
 * The changes of what is demanded, n of them: weaker first, then removed,
 * changed, stronger, added; by key among those. The caller frees the array.
 */
const struct mapchange **mapchanges_ranked(
    const struct mapchanges *c, size_t *n);

/* By key alone, for qsort(3) of such an array. */
int mapchange_by_key(const void *x, const void *y);

/*
 * The guard of max_weakened: `limit` is "N" or "N%", percent of the live
 * enforced rows but at least 2. True if more were lost than that, or if any
 * was lost to a registry without partners; *allowed is the number that may
 * be lost.
 */
bool mapchanges_too_much(
    const struct mapchanges *c, const char *limit, size_t *allowed);

/* "secure", or "secure inbound off" and so on where that does not follow. */
void mapdemand_print(const struct mapdemand *d, bool client, struct buf *out);

#endif
