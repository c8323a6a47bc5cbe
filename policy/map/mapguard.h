/*
 * mapguard.h: what tlspact-compile would make of a registry, beside the map as
 * it is: a rehearsal, of which nothing is written. Downgrades do not count.
 */
#ifndef MAPGUARD_H
#define MAPGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "compile.h"
#include "diag.h"
#include "mapchange.h"

struct cdbmap;
struct registry;
struct target;

struct mapguard {
	struct diags diags; /* with errors it cannot be compiled: no changes */
	struct mapchanges changes; /* against the map */
	bool refused;		   /* more is lost than is allowed */
	size_t allowed;
	struct compiled compiled; /* what the changes borrow from */
};

/* max: settings.max_weakened. The caller releases g. */
void mapguard_ask(struct mapguard *g, const struct registry *r,
    struct cdbmap *live, const struct target *t, const char *max, time_t now);

void mapguard_release(struct mapguard *g);

#endif
