/*
 * wired.h: what the configuration of Postfix, the machine's files and the map
 * say together: is the map obeyed?
 */
#ifndef WIRED_H
#define WIRED_H

#include "err.h"
#include "findings.h"
#include "mapfacts.h"
#include "postconf.h"

struct ctl_around;
struct partner;
struct registry;
struct settings;

struct wired {
	struct postconf c;
	struct map_facts map;
	struct findings found;
	struct err why; /* of map.fault */
};

/*
 * What the map of the settings asks for, as far as it can be read; why has the
 * words of map->fault. The caller releases *map.
 */
void wired_map(
    const struct settings *s, struct map_facts *map, struct err *why);

/*
 * Ask postconf(1) and, by postmap(1), the tables that send mail elsewhere; and
 * judge: wiring.h, route.h. Who is not root is not told of files
 * that he may not read: Postfix may. 0, or -1 with *e set: it cannot be asked.
 * The caller releases w in either case.
 */
int wired_check(struct wired *w, const struct settings *s, struct err *e);

void wired_release(struct wired *w);

/*
 * The little of it that stands beside every status: does Postfix read the map,
 * and goes no mail past it? The caller releases it.
 */
void wired_around(const struct settings *s, struct ctl_around *out);

/*
 * How mail to the partner would go past its rows, were it enforced, or why that
 * is not known. NULL: it would not. The caller frees it.
 */
char *wired_past(const struct settings *s, const struct registry *r,
    const struct partner *p);

/* All but what it says of the registry, which is another's. */
void wired_around_release(struct ctl_around *a);

#endif
