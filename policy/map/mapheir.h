/*
 * mapheir.h: partners whose domain another one has since they are gone.
 *
 * It may be the same partner under another name, without former=: then all that
 * is on record of it is found by nobody. As names alone change no row of the
 * map, that is an event of its own: MAPHEIR_KIND, with the name that is gone as
 * its partner, and {"from": ..., "to": ..., "domain": ...} as its data.
 */
#ifndef MAPHEIR_H
#define MAPHEIR_H

#include <stddef.h>
#include <time.h>

#include "arena.h"

struct err;
struct ledger;
struct ledger_event;
struct registry;

#define MAPHEIR_KIND "partner-replaced"
#define MAPHEIR_MAX 100		 /* that one compile records */
#define MAPHEIR_SPAN (7 * 86400) /* for which tlspactctl(8) tells of it */

struct mapheir {
	const char *from, *to,
	    *domain; /* one of those that it has from there */
	time_t time; /* 0: of no event */
};

struct mapheirs {
	struct mapheir *v;
	size_t n, cap;
	struct arena arena;
};

/*
 * Those of one registry and the next, each partner that is gone once; texts are
 * theirs. out is zeroed, here and below; the caller releases it.
 */
void mapheirs_find(const struct registry *was, const struct registry *is,
    struct mapheirs *out);

/* Append what was found to the record, up to MAPHEIR_MAX. 0, or -1. */
int mapheirs_record(struct ledger *l, const struct mapheirs *h,
    const char *author, time_t now, struct err *e);

/*
 * Those on record since then, oldest first, for which that is still so by r:
 * it has the heir, with that domain, and not the other one, nor as a former
 * name. 0, or -1.
 */
int mapheirs_read(struct ledger *l, const struct registry *r, time_t since,
    struct mapheirs *out, struct err *e);

void mapheirs_release(struct mapheirs *h);

/*
 * What an event says of it: fn is called for one of that kind alone, with texts
 * that live until it returns.
 */
typedef void mapheir_fn(
    const struct ledger_event *ev, const struct mapheir *h, void *arg);
void mapheir_event(const struct ledger_event *ev, mapheir_fn *fn, void *arg);

#endif
