/*
 * mapmark.h: what policy.cdb remembers of downgrades that it has ended when
 * the ledger could not be told.
 *
 * Keys are " r:ID:PARTNER", values `name=value` words. A compile obeys no row
 * of the ledger that has a mark; it closes the row, and when the ledger says
 * that it is closed, or knows of none, the mark goes.
 */
#ifndef MAPMARK_H
#define MAPMARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct arena;
struct buf;
struct override;

#define MAPMARK_KEY " r:"

struct mapmark {
	const char *partner;
	int64_t id;   /* of the downgrade in the ledger; 0: not known */
	time_t begin; /* of the downgrade; 0: not known */
	time_t at;    /* when the map ended it, or could have at first */
	const char *by;
};

/* Append key and value. */
void mapmark_print(const struct mapmark *m, struct buf *key, struct buf *out);

/* Read a record back; texts in a's memory. False if it is none, or damaged. */
bool mapmark_parse(struct mapmark *m, const char *key, size_t klen,
    const char *text, size_t len, struct arena *a);

/* Is it about that downgrade? */
bool mapmark_is_of(const struct mapmark *m, const struct override *o);

#endif
