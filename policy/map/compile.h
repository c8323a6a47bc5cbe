/*
 * compile.h: registry + downgrades -> the rows of policy.cdb. Pure.
 */
#ifndef COMPILE_H
#define COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "arena.h"
#include "buf.h"
#include "level.h"
#include "ledger_downgrade.h"
#include "registry.h"
#include "target.h"

struct diags;

/* One of perhaps a million: kept small. */
struct row {
	uint32_t index;	   /* of the registry's domain, or of an extra */
	uint8_t level;	   /* enum level, as rendered */
	bool enforced : 1; /* the partner's mode */
	bool lowered : 1;  /* an override holds */
	bool record : 1;   /* not for Postfix: maprecord.h */
	bool extra : 1;	   /* it is more than the row of a domain */
};

/* What a row has of its own. */
struct extra {
	const char *key;
	const char *text; /* NULL: as of the partner */
	uint32_t partner;
};

struct compiled {
	struct row *row; /* in the order of the registry */
	size_t n, cap;
	struct extra *extra;
	size_t nextras, extra_cap;
	size_t records; /* how many of the rows are records */
	size_t partners;
	size_t domains; /* less the second forms of internationalised names */
	size_t enforced, opportunistic, lowered; /* domains */
	time_t lowered_until; /* when the first of them ends; 0 if none */
	time_t expires; /* next time at which anything changes; 0: never */
	struct arena arena;
	/* For compiled_text(). */
	const struct registry *registry;
	const struct override **by_partner; /* NULL if there are none */
	struct target target;
	struct buf text;
};

/*
 * Render every domain of the registry as of now. Keys borrow from the
 * registry; the registry and the overrides must outlive c. An override that
 * does not weaken its partner, has ended, has not begun, or names nobody is
 * passed over; its begin and end count for expires. Errors (what the target
 * cannot express) go to d. The caller releases c.
 */
void compile(const struct registry *r, const struct overrides *o, time_t now,
    const struct target *target, struct compiled *c, struct diags *d);

/* What smtp(8) asks for, lower case; its partner's index in the registry. */
const char *compiled_key(const struct compiled *c, const struct row *row);
uint32_t compiled_partner(const struct compiled *c, const struct row *row);

/*
 * The policy text of a row, which lives until the next call. Texts are made
 * when they are asked for: kept for all rows they would be most of what a
 * large registry takes.
 */
const char *compiled_text(struct compiled *c, const struct row *row);

/* Add a record that follows from nothing in the registry; both are copied. */
void compiled_add_record(struct compiled *c, const char *key, const char *text);

/* Free what c owns. */
void compiled_release(struct compiled *c);

#endif
