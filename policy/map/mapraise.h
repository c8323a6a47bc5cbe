/*
 * mapraise.h: the way back that needs nothing but the map itself.
 *
 * Each lowered row has a record with its full text and its end, maprecord.h.
 * So a map can be copied with what is over at full strength, whatever has
 * become of the registry, the ledger or Postfix's own settings.
 */
#ifndef MAPRAISE_H
#define MAPRAISE_H

#include <stddef.h>
#include <time.h>

#include "arena.h"
#include "maprecord.h"
#include "ledger_downgrade.h"

struct cdbmap;
struct err;
struct maptable;

/*
 * The downgrades that the map itself tells of, each partner once, with all
 * domains that it has lowered; memory from a. *v is allocated; the caller
 * frees it. Damaged records are passed over.
 */
size_t mapraise_lowered(
    struct cdbmap *live, struct arena *a, struct override **v);

struct mapraise {
	time_t now;
	/* What may stay as it is, if its end in the map has not come. */
	const struct override *hold;
	size_t nholds;
	/* To be written; those in the map are left out. */
	const struct mapmark *mark;
	size_t nmarks;
};

#define MAPRAISE_NAMES 256

struct mapraised {
	size_t rows;	/* that are raised: in the map, not their records */
	size_t left;	/* rows that stay lowered */
	time_t expires; /* when the first of those ends; 0: none is left */
	char names[MAPRAISE_NAMES]; /* partners whose rows are raised */
};

/* What the copy would raise. */
void mapraise_look(
    struct cdbmap *live, const struct mapraise *how, struct mapraised *out);

/*
 * Make the copy, which borrows from live and is released by the caller in any
 * case. 0, or -1 with *e set: 65 if the map is damaged.
 */
int mapraise_copy(struct cdbmap *live, const struct mapraise *how,
    struct maptable *t, struct err *e);

#endif
