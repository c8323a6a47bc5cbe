/*
 * compile.h: registry + downgrades -> the rows of policy.cdb. Pure.
 */
#ifndef COMPILE_H
#define COMPILE_H

#include <stddef.h>
#include <time.h>

#include "level.h"
#include "maprecord.h"
#include "maptable.h"

struct buf;
struct diags;
struct downgrades;
struct registry;
struct target;

/* Domains under a downgrade, and when the first and the last of them ends. */
struct compiled_low {
	size_t n;
	time_t first, last;
};

struct compiled {
	struct maptable table;
	struct mapheader header; /* its domains: less second forms of names */
	size_t opportunistic;	 /* of these */
	time_t lowered_until;	 /* when the first downgrade of a row ends; 0 */
	/* Of header.lowered those that are enforced, and those that are not. */
	struct compiled_low lowered, let_in;
};

/*
 * Does it lower anything that is asked of the partner, whatever its domains?
 */
bool compile_lowers(const struct downgrade *o, const struct partner *p);

/* Does it cover any domain of the partner? */
bool compile_covers(const struct downgrade *o, const struct registry *r,
    const struct partner *p);

/*
 * Render every domain of the registry as of now. Keys borrow from the
 * registry, which must outlive c. A downgrade that does not weaken its
 * partner, has ended, has not begun, or names nobody is passed over; its begin
 * and end count for the header's expires. Errors (what the target cannot
 * express) go to d. The caller releases the table.
 */
void compile(const struct registry *r, const struct downgrades *o, time_t now,
    const struct target *target, struct compiled *c, struct diags *d);

/*
 * Append the policy text that holds the partner at level, for the Postfix
 * version in target: postconf(5), smtp_tls_policy_maps. For LEVEL_KEY the
 * pins are those in key. No attribute that the version does not know is
 * ever written. Returns NULL, or what makes it impossible, as a phrase
 * behind `partner x: `; out then holds nothing that may be used.
 */
const char *render_policy(const struct partner *p, enum level level,
    const struct strs *key, const struct target *target, struct buf *out);

#endif
