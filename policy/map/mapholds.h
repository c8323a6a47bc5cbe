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
struct registry;
struct settings;

/*
 * The downgrades that a map itself tells of, each partner once, with all
 * domains that it has lowered; memory from a. *v is allocated; the caller
 * frees it. Damaged records are passed over.
 */
size_t mapholds_in_map(
    struct cdbmap *live, struct arena *a, struct downgrade **v);

/*
 * One that is over because there is nothing in the registry that it lowers, or
 * its partner became one with another that has its own.
 */
#define MAPHOLDS_LEFT "the partner left the registry" /* as `why' */
struct mapleft {
	const char *partner, *why;
	enum level level;
	enum direction direction;
};

struct mapholds {
	struct downgrade *v;
	size_t n, cap;
	struct mapleft *left; /* of mapholds_rename(), _leave() */
	size_t nleft, left_cap;
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

/*
 * What holds for partner `from` holds for `to`, by the same downgrade; but if
 * `to` has one that is what holds, and the other is listed as left, with both
 * ends. As ledger_rename() will record it.
 */
void mapholds_rename(
    struct mapholds *h, const char *from, const char *to, time_t now);

/*
 * End, and list, what was begun for a partner that r does not have, or that
 * asks for no more than it leaves, or for domains of which that partner has
 * none any more: who comes back is not lowered. With dry only list. It is
 * closed in the ledger of the settings, or, if that cannot be, it goes on to
 * hold in h, and gets a mark.
 */
void mapholds_leave(struct mapholds *h, const struct settings *set,
    const struct registry *r, time_t now, bool dry);

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
