/*
 * route.h: where mail to enforced domains really goes, by which service of
 * master.cf and under which level, as trivial-rewrite(8) finds out; and the
 * tables by which smtp(8) takes a reply or a failure for another one, so that
 * this mail bounces or never has TLS.
 */
#ifndef ROUTE_H
#define ROUTE_H

struct cdbmap;
struct findings;
struct map_facts;
struct postconf;

/*
 * Add a finding for what leaves at a lower level than its row in the map
 * (NULL: there is none) says, or by a service that asks no map, and for each
 * such table. Asks tables by postmap(1).
 */
void route_check(const struct postconf *c, const struct map_facts *facts,
    const struct cdbmap *map, struct findings *out);

#endif
