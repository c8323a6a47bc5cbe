/*
 * cdbmap.h: constant databases as Postfix's cdb: table type reads them, by
 * tinycdb.
 *
 * Keys and values have no NUL behind them (CDB_README; files that mix both
 * forms lose keys). A file is at most 4 GiB. It may hold anything: no answer
 * leads out of it.
 */
#ifndef CDBMAP_H
#define CDBMAP_H

#include <stddef.h>
#include <stdint.h>

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
 * The same of a file that lies in memory and outlives the map. NULL if it
 * cannot be a cdb.
 */
struct cdbmap *cdbmap_of(const void *data, size_t size);

/* The hash by which a key is found. */
uint32_t cdbmap_hash(const char *key, size_t klen);

/*
 * Look up key. *value borrows from m, is not NUL-terminated, and lives
 * until cdbmap_close.
 */
enum cdbmap_answer cdbmap_get(const struct cdbmap *m, const char *key,
    size_t klen, const char **value, size_t *vlen);

/*
 * The records in the order of the file: start with *pos = 0, call until it
 * returns something else than CDBMAP_FOUND.
 */
enum cdbmap_answer cdbmap_next(const struct cdbmap *m, unsigned *pos,
    const char **key, size_t *klen, const char **value, size_t *vlen);

/* Unmap and close; NULL is allowed. */
void cdbmap_close(struct cdbmap *m);

/* Start writing to the empty file fd, which stays the caller's. */
struct cdbmap_writer *cdbmap_create(int fd);

/* Add a record. 0, or -1 with *e set (disk full, more than 4 GiB). */
int cdbmap_add(struct cdbmap_writer *w, const char *key, size_t klen,
    const char *value, size_t vlen, struct err *e);

/* Write the tables. 0 or -1 with *e set; frees w either way. */
int cdbmap_finish(struct cdbmap_writer *w, struct err *e);

/* Give up and free w; NULL is allowed. */
void cdbmap_abandon(struct cdbmap_writer *w);

#endif
