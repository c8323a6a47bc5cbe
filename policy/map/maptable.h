/*
 * maptable.h: the rows and records of a map in memory, in the order of the
 * file: as they were compiled, or as they stand in another map.
 */
#ifndef MAPTABLE_H
#define MAPTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "strmap.h"

struct cdbmap;
struct cdbmap_writer;
struct err;
struct mapmark;

#define MAPTABLE_NONE UINT32_MAX

/* One of perhaps a million: kept small. */
struct maprow {
	const char *key;  /* what smtp(8) asks for, or of a record */
	const char *text; /* not NUL-terminated if it was read */
	uint32_t klen, tlen;
	/* Index of its record " d:", or MAPTABLE_NONE; if it was read and is
	 * such a record, that of its row. */
	uint32_t record;
	uint32_t partner; /* index in the registry, if it was compiled */
	uint8_t level;	  /* enum level, the same */
	bool covered;	  /* a downgrade holds, the same */
	bool lowered;	  /* it does, and not of mail from them alone */
};

/* Is it for us, and not for Postfix? See maprecord.h. */
static inline bool
maprow_is_record(const struct maprow *r)
{
	return r->klen > 0 && r->key[0] == ' ';
}

struct maptable {
	const char *header; /* the value of it, NULL: there is none */
	size_t headerlen;
	struct maprow *row;
	size_t n, cap;
	struct arena arena; /* for texts that nobody else keeps */
	uint32_t near;	    /* a row that may soon be asked for */
	/* How many keys are " d:", " g:", "."; most maps have none of them. */
	size_t domains, gateways, suffixes;
	struct strmap index; /* private */
};

/* Add a row; key, NUL-terminated, and text are borrowed. Returns its index. */
uint32_t maptable_add(struct maptable *t, const char *key, size_t klen,
    const char *text, size_t tlen);

/* Add the record of a mark. */
void maptable_mark(struct maptable *t, const struct mapmark *m);

/*
 * Read a map, which outlives t, but for its marks. 0, or -1 with *e set: it is
 * damaged. The caller releases t in any case.
 */
int maptable_read(struct maptable *t, struct cdbmap *m, struct err *e);

/*
 * The text of the (first) row of that key; false if there is none. What is
 * added after the first call, or to a map that was read, is not found.
 */
bool maptable_get(struct maptable *t, const char *key, size_t klen,
    const char **text, size_t *tlen);

/*
 * The row that smtp(8) comes to for a name which has none of its own, the
 * nearest above; NULL: there is none. As maptable_get().
 */
const struct maprow *maptable_above(
    struct maptable *t, const char *key, size_t klen);

/* That key will be asked for soon, strmap_prefetch(). */
static inline void
maptable_prefetch(const struct maptable *t, const char *key, size_t klen)
{
	strmap_prefetch(&t->index, key, klen);
}

/* Write the header and all rows. 0, or -1 with *e set. */
int maptable_write(
    const struct maptable *t, struct cdbmap_writer *w, struct err *e);

void maptable_release(struct maptable *t);

#endif
