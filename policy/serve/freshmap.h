/*
 * freshmap.h: the map that is served, kept fresh on an event loop.
 *
 * Sees that the file was replaced, takes over the new one, and runs
 * tlspact-compile when a downgrade ends, so that Postfix sees it end as well.
 *
 * What is served is a private copy in memory, checked record by record
 * before it takes over. So it stays good when the file is deleted, truncated or
 * overwritten in place, and no lookup in it can fail. The price is memory
 * of the size of the file, twice that while a new one is taken over.
 *
 * All work is done in small steps between requests: a map of a million
 * domains is taken over without a pause.
 */
#ifndef FRESHMAP_H
#define FRESHMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "maprecord.h"

struct cdbmap;
struct children;
struct event;
struct event_base;
struct livemap;
struct service;
struct settings;

#define FRESHMAP_AGAIN 60 /* seconds between two runs of it */

struct freshmap_served {
	struct cdbmap *map; /* NULL before the first good one */
	struct mapheader header;
	uint64_t *filter; /* see lookup.h */
	bool current;	  /* it is what lies on disk, as far as is known */
};

struct freshmap {
	const char *path; /* borrowed */
	struct service *service;
	struct livemap *map;
	const struct freshmap_served *served; /* of that: till a tick */
	const char **compile;		      /* what to run */
	struct children *children;
	bool compiling;
	time_t compile_next; /* not before, by a clock that never jumps */
	struct event *loading, *watching;
	struct filewatch *files; /* NULL before freshmap_start() */
	time_t compiled;	 /* the map that is served */
	uint64_t loaded, refused, compile_failed;
};

/*
 * Load the map of the settings for s, whose lookup and clock are set then and
 * with each new map, and watch for new ones on base. Waits. options are those
 * that tlspact-compile gets, ended by NULL; all is borrowed. 0, or the exit
 * code, everything being logged.
 */
int freshmap_start(struct freshmap *f, const struct settings *set,
    const char *const *options, struct service *s, struct event_base *base);

/*
 * Each second: now is of a clock that never jumps. again: take the file over,
 * whatever it looks like.
 */
void freshmap_tick(struct freshmap *f, time_t now, bool again);

/* Has something in the map ended or begun that it does not know of? */
bool freshmap_expired(const struct freshmap *f);

/* One that was never loaded is well too. */
void freshmap_release(struct freshmap *f);

#endif
