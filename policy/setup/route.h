/*
 * route.h: where mail to enforced domains really goes, by which service of
 * master.cf and under which level; as trivial-rewrite(8) finds out.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "asktable.h"

struct cdbmap;
struct findings;
struct map_facts;
struct postconf;

/*
 * Add a finding for what leaves at a lower level than its row in the map
 * says, or by a service that asks no map. ask is asked for tables.
 */
void route_check(const struct postconf *c, const struct map_facts *facts,
    const struct cdbmap *map, asktable_fn *ask, struct findings *out);

#endif
