/*
 * maplost.h: who was taken out of the registry, or is there with less, as text
 * to put back; and put back.
 *
 * Beside the map lie copies of the registry: the one in force, and those before
 * the last changes that removed or weakened a row (mapbuild_kept_before()).
 * Whom one of them has and the registry has not, by no name, is lost, unless
 * it has a statement of his that is not taken, for its errors; the newest copy
 * counts. So is whom one of them has at a higher level, or with a
 * stricter inbound rule: his statement of then replaces that of now, and the
 * defaults of then those of now if he had it from them.
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
	char *why;	  /* it is not given back; NULL: it is */
	/* Of one who stays: "secure -> opportunistic", and "FILE:LINE", where
	 * the text, a comment, has to replace what is there; NULL: gone. */
	char *less, *place;
	/* Then, what else was changed there, and is put back with it, such as
	 * "contact=new -> contact=old; default review=new -> nothing"; NULL:
	 * nothing. The first so many bytes are of his own statement. */
	char *undone;
	size_t undone_own;
};

struct maplost {
	struct buf text; /* of the registry; none if nobody is lost */
	struct maplost_partner *v;
	size_t n, cap;
	size_t comments; /* of these, those that are not given back */
	char *undone;	 /* with the defaults, for all; NULL: nothing */
	/* Private. */
	struct names names, paths, providers;
	bool defaults;	   /* were looked at */
	struct buf append; /* of the text, what is no comment */
	struct maplost_put *put;
	size_t nput, put_cap;
	struct maplost_file *file; /* of the registry, as it was read */
	size_t nfiles;
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

/*
 * Put those of m back that are given back into the files of r, which m was
 * found for. 0, or -1 with *e set: one of them was changed since, is written by
 * others, or may not be; or the registry would have errors. Then none was
 * changed: what was written before another failed is as it was again, unless *e
 * says so.
 */
int maplost_write(
    struct maplost *m, struct registry *r, time_t now, struct err *e);

#endif
