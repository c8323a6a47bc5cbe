/*
 * mapowner.h: whose a domain was, by the record.
 *
 * All that is on record goes by a partner's name. What is kept under a name
 * that the registry does not have, nor as a former one, is found by nobody: a
 * partner of today that had that name, or the domains, may be the same one.
 */
#ifndef MAPOWNER_H
#define MAPOWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "arena.h"
#include "ledger_rename.h"
#include "strmap.h"

struct err;
struct evidence;
struct ledger;
struct names;
struct partner;
struct registry;

/* The last partner of which the record says that the domain was its own. */
struct mapowner {
	const char *domain;
	const char *name;   /* as it is called now */
	const char *before; /* the last of another name; NULL: none */
	time_t time;	    /* when that was said */
	bool gone;	    /* it said that the domain has no row any more */
};

struct mapowners {
	struct ledger_names names;
	/* Private. */
	struct mapowner *v;
	size_t n, cap;
	struct strmap map;
	struct arena arena;
};

/*
 * Read that of all events and downgrades; without `domains` the renames alone,
 * which costs next to nothing. An event names its first rows only. 0, or -1
 * with *e set. The caller releases o in either case.
 */
int mapowners_read(
    struct ledger *l, bool domains, struct mapowners *o, struct err *e);
void mapowners_release(struct mapowners *o);

/*
 * Add to *out each name that anything on record goes by, or went by, events,
 * rows of maps and the evidence; NULL: there is none of these. 0, or -1 with *e
 * set and what was found so far.
 */
int mapowners_names(
    struct ledger *l, struct evidence *v, struct names *out, struct err *e);

/* Whose the domain was, which is in normal form; or NULL. */
const struct mapowner *mapowners_of(
    const struct mapowners *o, const char *domain);

/*
 * The name, borrowed from o, under which is what may be the record of partner p
 * of r, while it leads to no partner of r; or NULL. *domain is the one which p
 * has from there; NULL: it is p's own name that is another one since. With
 * `alone`, as nothing is on record of p itself, p may have it for long.
 */
const char *mapowners_lost(const struct mapowners *o, const struct registry *r,
    const struct partner *p, bool alone, const char **domain);

/*
 * The partner of r, borrowed from o, under whose name the record goes on that
 * partner p once had: p's name is a new one's, or a merge was taken back, which
 * does not divide the record again. NULL: there is none.
 */
const char *mapowners_merged(const struct mapowners *o,
    const struct registry *r, const struct partner *p);

/*
 * Has `to` anything on record from before `from` was handed on to it? Then a
 * rename of that makes one record of two; so it does where that is not known.
 */
bool mapowners_are_two(struct ledger *l, const char *from, const char *to);

#endif
