/*
 * mapbuild.h: the one way by which a decision reaches Postfix.
 *
 * Registry + downgrades of the ledger + target -> rows -> compared with the
 * live map -> one renamed file. Whoever wants an outcome to change (a new
 * registry, a downgrade, its end) calls this. What goes wrong is told on
 * standard error; the live map then stays as it is.
 *
 * The ledger decides which downgrades hold. Where it is there and cannot be
 * read, or is gone while the live map holds downgrades, the live map itself
 * is asked instead: what it has lowered stays so, but not past its end, and
 * nothing else is lowered. The run then fails with words, map written or not.
 */
#ifndef MAPBUILD_H
#define MAPBUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "arena.h"
#include "compile.h"
#include "diag.h"
#include "mapdiff.h"
#include "target.h"

struct cdbmap;
struct publish;
struct registry;
struct settings;

struct mapbuild_options {
	bool dry;	    /* check and compare, write nothing, take no lock */
	bool list;	    /* keep the rows that differ in diff */
	bool verbose;	    /* show warnings beside errors */
	bool quiet;	    /* show errors only */
	bool accept_weaker; /* max_weakened does not apply */
	/* Holds besides the ledger's, for a rehearsal; or NULL. */
	const struct override *also;
	const char *without; /* the ledger's of this partner do not hold */
};

struct mapbuild {
	struct mapbuild_options opt;
	const struct settings *set;
	time_t now;
	struct diags diags;
	struct registry *registry; /* NULL if it cannot be read */
	struct target target;
	struct compiled compiled;
	struct mapdiff diff;
	bool written; /* the map was replaced */
	/* Private. */
	struct cdbmap *live;
	struct publish *publish;
	struct override *override;
	size_t noverrides, override_cap;
	struct arena arena;
	int ledger_code; /* why the ledger is of no use, 0 if it is */
};

/*
 * Do it, as of now. b is zeroed but for diags, and set outlives it. Returns
 * 0, or the exit code; everything has then been said. The caller releases b
 * in any case.
 */
int mapbuild_run(struct mapbuild *b, const struct settings *set,
    const struct mapbuild_options *opt, time_t now);

void mapbuild_release(struct mapbuild *b);

/*
 * The downgrades that the live map at path itself tells of, each partner
 * once; memory from a. *v is allocated; the caller frees it. Damaged records
 * are passed over: their rows then go back to full strength.
 */
size_t mapbuild_live_overrides(
    struct cdbmap *live, struct arena *a, struct override **v);

#endif
