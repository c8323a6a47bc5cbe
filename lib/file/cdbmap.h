/*
 * cdbmap.h: constant databases as Postfix's cdb: table type reads them.
 *
 * Keys and values have no NUL behind them (CDB_README; files that mix both
 * forms lose keys). A file is at most 4 GiB.
 */
#ifndef CDBMAP_H
#define CDBMAP_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct err;
struct cdbmap;
struct cdbmap_writer;

enum cdbmap_answer {
	CDBMAP_FOUND,
	CDBMAP_NOTFOUND,
	CDBMAP_BROKEN, /* the file is damaged: this is no "not found" */
};

/*
 * Open the file, map it into memory, and check that its tables lie inside
 * it. Returns NULL with *e set: 66 if there is none, 65 if it is damaged.
 */
struct cdbmap *cdbmap_open(const char *path, struct err *e);

/*
 * Look up key. *value borrows from m, is not NUL-terminated, and lives
 * until cdbmap_close.
 */
enum cdbmap_answer cdbmap_get(struct cdbmap *m, const char *key, size_t klen,
    const char **value, size_t *vlen);

/*
 * The records in the order of the file: start with *pos = 0, call until it
 * returns something else than CDBMAP_FOUND.
 */
enum cdbmap_answer cdbmap_next(struct cdbmap *m, unsigned *pos,
    const char **key, size_t *klen, const char **value, size_t *vlen);

/* Unmap and close; NULL is well. */
void cdbmap_close(struct cdbmap *m);

/* Start writing to the empty file fd, which stays the caller's. */
struct cdbmap_writer *cdbmap_create(int fd);

/* Make room for about so many records: adding them is then faster. */
void cdbmap_expect(struct cdbmap_writer *w, size_t records);

/*
 * Records in the form of the file, made by any thread for the one that
 * writes. Zeroed at first; freed with cdbmap_batch_free().
 */
struct cdbmap_batch {
	struct buf bytes;
	struct cdbmap_record {
		uint32_t hash, at; /* where in bytes it begins */
	} * record;
	size_t n, cap;
};

/* Begin a record; its value is what is appended to bytes until its end. */
void cdbmap_batch_begin(struct cdbmap_batch *b, const char *key, size_t klen);
void cdbmap_batch_end(struct cdbmap_batch *b);

/* Forget the records, keep the memory; free that as well. */
void cdbmap_batch_clear(struct cdbmap_batch *b);
void cdbmap_batch_free(struct cdbmap_batch *b);

/* Add the records of b. 0, or -1 with *e set as below. */
int cdbmap_add_batch(
    struct cdbmap_writer *w, const struct cdbmap_batch *b, struct err *e);

/* Add a record. 0, or -1 with *e set (disk full, more than 4 GiB). */
int cdbmap_add(struct cdbmap_writer *w, const char *key, size_t klen,
    const char *value, size_t vlen, struct err *e);

/* Write the tables. 0 or -1 with *e set; frees w either way. */
int cdbmap_finish(struct cdbmap_writer *w, struct err *e);

/* Give up and free w; NULL is well. */
void cdbmap_abandon(struct cdbmap_writer *w);

#endif
