/*
 * names.h: names that are numbered from 0, in the order in which they came.
 *
 * What an array holds of each stands there under its number. A zeroed struct
 * names is empty and ready.
 */
#ifndef NAMES_H
#define NAMES_H

#include "arena.h"
#include "strmap.h"

struct buf;

struct names {
	struct strmap map;
	uint32_t n;
	const char **v; /* copies */
	size_t cap;
	struct arena text;
};

/* The number of the name, or STRMAP_NONE. */
uint32_t names_find(const struct names *t, const char *name, size_t len);

/* The number of the name, which gets the next one if it is new. */
uint32_t names_add(struct names *t, const char *name, size_t len);

/* Append "acme, bolt and 3 more", of the first `most`. */
void names_put(const struct names *t, uint32_t most, struct buf *out);

/* Forget all of them; it is then empty and ready. */
void names_free(struct names *t);

#endif
