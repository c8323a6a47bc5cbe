/*
 * mapbuild.h: the one way by which a decision reaches Postfix.
 *
 * Registry + downgrades of the ledger + target -> rows -> compared with the
 * live map -> one renamed file. Whoever wants an outcome to change (a new
 * registry, a downgrade, its end) calls this. What goes wrong is told on
 * standard error; the live map then stays as it is, but for what is over.
 *
 * Which downgrades hold is decided by mapholds.h. If the ledger is of no use,
 * the run fails with words, map written or not.
 *
 * The way back needs nothing else: whatever it is that fails, what is lowered
 * in the live map and may not be any more is raised there, from the map's own
 * records (mapholds.h). Before a map with lowered rows is put in place, the
 * same one with nothing lowered, the spare, is written beside it: from then on
 * the way back is a rename, which takes no block of the disk. The tables
 * beside the map, sidemap.h, go the same way.
 */
#ifndef MAPBUILD_H
#define MAPBUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "compile.h"
#include "diag.h"
#include "mapchange.h"
#include "mapheir.h"
#include "mapholds.h"
#include "names.h"
#include "target.h"

struct cdbmap;
struct publish;
struct registry;
struct settings;

struct mapbuild_options {
	bool dry;	    /* check and compare, write nothing, take no lock */
	bool list;	    /* keep the rows that differ in changes */
	bool verbose;	    /* show warnings beside errors */
	bool quiet;	    /* show errors only */
	bool no_warnings;   /* show none, and go on as without it */
	bool accept_weaker; /* max_weakened does not apply */
	/* Who was shown what goes away agreed, mapevent.h; or NULL. */
	const char *agreed;
	bool kept; /* by the copy of the registry, mapbuild_kept() */
	/* Holds besides the ledger's, for a rehearsal; or NULL. */
	const struct downgrade *also;
	const char *without; /* the ledger's of this partner do not hold */
	const char *by;	     /* who says so, for the record; or NULL */
};

struct mapbuild {
	struct mapbuild_options opt;
	const struct settings *set;
	time_t now;
	struct diags diags;
	struct registry *registry; /* NULL if it cannot be read */
	/* The one before, where this is another; NULL if there is no copy. */
	struct registry *before;
	struct target target;
	struct compiled compiled;
	struct mapchanges changes;
	/* Downgrades that ended with this registry; would, in a dry run. */
	const struct mapleft *left;
	size_t nleft;
	bool written;  /* the map was replaced by what was compiled */
	bool too_much; /* a dry run: max_weakened would have it refused */
	bool stands;   /* compiled, and in place unless dry, whatever else */
	/* After a failure: what was raised all the same. */
	enum mapbuild_raise {
		MAPBUILD_NOT_DUE,
		MAPBUILD_RAISED, /* what was due */
		MAPBUILD_SPARED, /* all downgrades ended */
		MAPBUILD_STUCK,	 /* nothing, though it was due */
	} raise;
	struct mapraised raised;
	/* Private. */
	struct cdbmap *live;
	struct publish *publish;
	struct mapholds holds;
	bool refused;	 /* the new map loses something, and no event says so */
	bool any_former; /* the registry has partners that were renamed */
	struct names unknown;  /* former ones with nothing on record */
	struct mapheirs heirs; /* who may lack a former= */
	bool renamed;	       /* the record does not know of one, or did not */
	char why[64];	       /* nothing was compiled, in a few words */
};

/*
 * Do it, as of now. b is zeroed but for diags, and set outlives it. Returns
 * 0, or the exit code; everything has then been said. The caller releases b
 * in any case.
 */
int mapbuild_run(struct mapbuild *b, const struct settings *set,
    const struct mapbuild_options *opt, time_t now);

/* Nothing more is written: let others do it before b is released. */
void mapbuild_unlock(struct mapbuild *b);

void mapbuild_release(struct mapbuild *b);

/*
 * The copy that is kept, beside that map, of the registry which was last
 * taken; the caller frees the path. It is never older than the map.
 */
char *mapbuild_kept(const char *map);

/*
 * The same of the one before the last that took or weakened a row (age 1), and
 * of those before the earlier ones, up to MAPBUILD_BEFORE: each may be there,
 * and changes that do neither leave them. The time of the file is when it was
 * replaced.
 */
#define MAPBUILD_BEFORE 3
char *mapbuild_kept_before(const char *map, unsigned age);

#endif
