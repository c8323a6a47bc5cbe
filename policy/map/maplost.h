/*
 * maplost.h: who was taken out of the registry, as text to put back.
 *
 * Beside the map lie copies of the registry: the one in force, and those before
 * the last changes that removed or weakened a row (mapbuild_kept_before()).
 * Whom one of them has and the registry has not, by no name, is lost; the
 * newest copy counts. Nothing is written.
 */
#ifndef MAPLOST_H
#define MAPLOST_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "buf.h"
#include "names.h"

struct err;
struct mapgone;
struct registry;

/* Of whom is gone for longer, it was meant: the text is a comment. */
#define MAPLOST_SPAN (7 * 86400)

struct maplost_partner {
	const char *name;
	const char *copy; /* its path */
	time_t left;	  /* 0: still in force */
	char *by;	  /* who compiled that; NULL: not known */
	char *why;	  /* its text is a comment; NULL: it is not */
};

struct maplost {
	struct buf text; /* of the registry; none if nobody is lost */
	struct maplost_partner *v;
	size_t n, cap;
	size_t comments; /* of these */
	/* Private. */
	struct names names, paths, providers;
};

/* Who is asked for, by name or domain; a zeroed one asks for all. */
struct maplost_wanted {
	char **name;
	size_t n;
	bool *found; /* of each; set to true, never to false */
};

/*
 * Whom r, which is as it was read, faults or not, lacks of the copies beside
 * map; r is changed: they are added to it. gone is what the record knows of
 * them; or NULL. 0, or -1 with *e set: a copy may not
 * be read. The caller releases out in either case.
 */
int maplost_find(struct maplost *out, struct registry *r, const char *map,
    const struct maplost_wanted *wanted, const struct mapgone *gone, time_t now,
    struct err *e);
void maplost_release(struct maplost *m);

#endif
