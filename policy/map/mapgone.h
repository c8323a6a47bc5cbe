/*
 * mapgone.h: who was in the map a day ago, by the record, and is not any more,
 * or is there with less than was demanded.
 *
 * The guard against accidents lets small ones through, and all that is
 * accepted: what it took from the map is to be seen for a while.
 */
#ifndef MAPGONE_H
#define MAPGONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct buf;
struct err;
struct ledger;
struct registry;
struct settings;

/* Behind what tells that partners left the registry, or are there with less;
 * and what gives them back. */
#define MAPGONE_NOT_MEANT "; if that was not meant, put them back"
#define MAPGONE_NOT_MEANT_ONE "; if that was not meant, put it back"
#define MAPGONE_LOST "tlspact-compile --lost"
/* Behind who would. */
#define MAPGONE_SEE "; see tlspact-compile --diff" MAPGONE_NOT_MEANT

#define MAPGONE_SPAN 86400 /* seconds; tlspactctl(8) says 24 hours */
/* Enforced ones that may go at once and be meant, though nobody said so: as
 * many as a percentage of max_weakened always lets pass. */
#define MAPGONE_FEW 2

/* Behind what is told of a change, for a day. */
#define MAPGONE_MEANT "; if that was meant, this goes by itself after a day"

/* What one event took out of the map and nobody brought back. */
struct mapgone_change {
	int64_t seq; /* of the event */
	time_t time;
	bool opened;  /* partners that stay, and are Enforced no more */
	bool weaker;  /* that stay so, with less: registry_weaker() */
	bool domains; /* of partners that stay, or whose it was is not known */
	const char **name; /* of partners or domains, in order; n of them */
	const char **less; /* of each that is weaker: "secure -> encrypt" */
	size_t n;
	uint64_t enforced;	     /* of them, as far as that can be told */
	uint64_t together;	     /* of all that the event took */
	const char *author, *agreed; /* as ledger.h and mapevent.h have them */
	uint64_t more;		     /* partners that the event does not name */
	bool at_least;		     /* there may be others yet */
	/* A copy of the registry that has them, as they were; or NULL. */
	const char *before;
};

struct mapgone {
	struct mapgone_change *v; /* newest first */
	size_t n;
	/* Private. */
	void *kept;
};

/*
 * Read it back to since. live is what the map was made of: who is in it was
 * brought back, also under another name. NULL: that is not known, and nobody
 * was. map is its path: beside it the registry before may be kept. 0, or -1
 * with *e set; the caller releases out in either case.
 */
int mapgone_read(struct ledger *l, const struct registry *live, const char *map,
    time_t since, struct mapgone *out, struct err *e);
void mapgone_release(struct mapgone *g);

/* How many partners, without those that stay. */
uint64_t mapgone_partners(const struct mapgone *g);

/*
 * As mapgone_read(), of the ledger of the settings: where that cannot be read
 * nobody is known.
 */
void mapgone_look(const struct settings *set, const struct registry *live,
    time_t since, struct mapgone *out);

/* The place of a partner among those of a change; c->n: it is none of them. */
size_t mapgone_find(const struct mapgone_change *c, const char *partner);

/*
 * By which change a partner that stays has less: the next one from *from on, an
 * index, which is moved behind it. *less is what: "secure -> encrypt", or NULL,
 * it is Enforced no more. NULL: by none. g may be NULL.
 */
const struct mapgone_change *mapgone_less(const struct mapgone *g, size_t *from,
    const char *partner, const char **less);

/* Took the event more Enforced ones than a few, and nobody agreed to it? */
bool mapgone_alarms(const struct mapgone_change *c);

/* Can tlspact-compile --lost give them back? */
bool mapgone_can_return(const struct mapgone_change *c);

/*
 * Append "12 partners are no longer in the map since 06:10, by root: acme,
 * bolt, cog and 9 more", or "are Opportunistic since", or "demand less since",
 * with the command that shows what happened then; of domains, where the
 * registry before is.
 */
void mapgone_print(const struct mapgone_change *c, time_t now, struct buf *out);

/*
 * Append the command that gives them back, or, without a copy, by which one is
 * made Enforced again, or else shows what happened.
 */
void mapgone_next(const struct mapgone_change *c, struct buf *out);

#endif
