/*
 * livemap.h: the map that is served: policy.cdb, or the last good one.
 *
 * What is served is a private copy in memory, checked record by record
 * before it takes over. So it stays good when the file is deleted, truncated or
 * overwritten in place, and no lookup in it can fail. The price is memory
 * of the size of the file, twice that while a new one is taken over.
 *
 * All work is done in small steps between requests: a map of a million
 * domains is taken over without a pause.
 */
#ifndef LIVEMAP_H
#define LIVEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maprecord.h"

struct cdbmap;
struct err;
struct livemap;

enum livemap_event {
	LIVEMAP_IDLE,	 /* nothing to do */
	LIVEMAP_BUSY,	 /* call livemap_step() again soon */
	LIVEMAP_NEW,	 /* another map is served from now on */
	LIVEMAP_REFUSED, /* the file is no good, *e says why: said once */
};

/* path is borrowed. Nothing is read yet. */
struct livemap *livemap_new(const char *path);

/*
 * Has the file changed? If so (or if again is set, whatever it looks like)
 * begin to take it over. A file that was refused is not tried again before
 * it changes.
 */
enum livemap_event livemap_look(struct livemap *lm, bool again, struct err *e);

/* Work for about so many nanoseconds; LIVEMAP_IDLE if there is no work. */
enum livemap_event livemap_step(
    struct livemap *lm, uint64_t nanoseconds, struct err *e);

#define LIVEMAP_FILTER (1u << 19)

struct livemap_served {
	struct cdbmap *map; /* NULL before the first good one */
	struct mapheader header;
	/*
	 * One bit for each hash of a row's record (" d:"), folded;
	 * LIVEMAP_FILTER bits. Where there is none, there is no record.
	 */
	uint64_t *filter;
	bool current; /* it is what lies on disk, as far as is known */
};

/* What is served: until the next step, look or livemap_free(). */
const struct livemap_served *livemap_served(const struct livemap *lm);

/* Free; NULL is allowed. */
void livemap_free(struct livemap *lm);

#endif
