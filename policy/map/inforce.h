/*
 * inforce.h: who is a partner, and by what rules, while registry and map
 * differ: for all who look, count or tell, and change no rule.
 *
 * What is in force is the map, and the copy of the registry that it was made
 * of (mapbuild_kept()). A registry that cannot be used, or that
 * tlspact-compile would not take, is in force for nobody: that copy is gone
 * by, and of the registry only who is new in it. From one that would be taken,
 * but was not yet, those are missing that it has no more, though their rows
 * are still in the map: they are added.
 */
#ifndef INFORCE_H
#define INFORCE_H

#include <stdbool.h>
#include <time.h>

#include "level.h"

struct err;
struct partner;
struct registry;
struct settings;

struct inforce {
	struct registry *registry; /* NULL: there is none that can be used */
	bool kept;		   /* the rules are those of the copy */
	char *why; /* what is to be said of that, once; or NULL */
};

/*
 * Of the registry as it is now (NULL: it cannot be used), which is taken over.
 * The caller frees what is in out.
 */
void inforce_find(struct inforce *out, struct registry *given,
    const struct settings *set, time_t now);

/*
 * Does the map at set->map demand what r does, downgrades apart? Then r is in
 * force, whichever the map was made of. False also if that cannot be found out.
 */
bool inforce_same(
    const struct registry *r, const struct settings *set, time_t now);

/* A next-hop of a partner, and the level at which the map holds mail to it. */
struct inforce_row {
	const struct partner *partner;
	const char *nexthop;
	enum level level;
};

/*
 * Set the level of each row, whose partner is of r: that of the map at
 * set->map now, if that is by the rule that the partner has, or by what a
 * downgrade has made of that. LEVEL_OPPORTUNISTIC: it has another rule, or
 * none, such as r being a candidate. Where the map cannot be read, the
 * partner's own level.
 */
void inforce_levels(const struct registry *r, const struct settings *set,
    time_t now, struct inforce_row *row, size_t n);

/*
 * The same as inforce_find() of the registry that set names, which is read.
 * e->code is 0; or *e says why it cannot be used, with the first fault of it.
 */
void inforce_read(
    struct inforce *out, const struct settings *set, time_t now, struct err *e);

#endif
