/*
 * recent.h: a table of a fixed size, in which the element that was not asked
 * for longest makes room.
 *
 * Elements are structs that begin with their name, a string that is not
 * empty; that of a free one is.
 */
#ifndef RECENT_H
#define RECENT_H

#include "strmap.h"

struct recent {
	struct strmap map;
	uint32_t max;
	size_t size;
	char *v; /* max elements of size bytes */
	/* From each to the next older and newer one; the last, of no element,
	 * stands between the newest and the oldest. */
	struct recent_link {
		uint32_t older, newer;
	} * link;
};

/* Start an empty table of max elements of size bytes. */
void recent_init(struct recent *r, uint32_t max, size_t size);

/* The element of that name, which is now the newest, or NULL. */
void *recent_find(struct recent *r, const char *name, size_t len);

/*
 * The element that a new name is to have: a free one if there is one, else the
 * oldest, which is to be removed first.
 */
void *recent_place(const struct recent *r);

/* A free element has got a name that is not there: it is the newest. */
void recent_add(struct recent *r, void *element);

/* Take out an element, whose name is then empty. */
void recent_remove(struct recent *r, void *element);

/* Elements by their number, from 0 to max - 1; they never move. */
void *recent_at(const struct recent *r, uint32_t i);

/* Free the table; what its elements own is theirs. */
void recent_free(struct recent *r);

#endif
