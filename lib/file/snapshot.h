/*
 * snapshot.h: a private copy of a file in memory, made in small steps.
 *
 * Whatever happens to the file, the copy stays as it was, cannot be written
 * to any more, and reading it never ends in SIGBUS. It lies on huge pages
 * where the kernel has them, without which half of the time of a lookup in
 * a large file goes into finding the page. Steps keep an event loop alive
 * while a large file is copied.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct err;
struct snapshot;

/* Which file it is, and in which state. */
struct snapshot_id {
	uint64_t device, inode, size;
	int64_t mtime, mtime_ns, ctime, ctime_ns;
};

/* Is it that file, as it was? */
bool snapshot_is(const struct snapshot_id *id, const struct stat *st);

/*
 * Begin a copy of the file at path, of max bytes or less. NULL with *e set:
 * 66, 77, 65, or 71 if there is no memory.
 */
struct snapshot *snapshot_begin(
    const char *path, size_t max, struct snapshot_id *id, struct err *e);

/*
 * Copy up to max bytes more. 1: there is more to do; 0: the copy is whole;
 * -1 with *e set: it failed, or the file changed meanwhile (75).
 */
int snapshot_step(struct snapshot *s, size_t max, struct err *e);

/* The copy, once it is whole; it lives as long as s. */
const void *snapshot_data(const struct snapshot *s, size_t *size);

/* NULL is allowed. */
void snapshot_free(struct snapshot *s);

#endif
