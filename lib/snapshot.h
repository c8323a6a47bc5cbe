/*
 * snapshot.h: a private copy of a file, made in small steps.
 *
 * The copy lies in memory (memfd_create(2)) and is sealed: whatever happens
 * to the file, it stays as it was, and reading it through a map never ends
 * in SIGBUS. Steps keep an event loop alive while a large file is copied.
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

/* Fill in id from st. */
void snapshot_identify(const struct stat *st, struct snapshot_id *id);

bool snapshot_same(const struct snapshot_id *a, const struct snapshot_id *b);

/* Begin a copy of the file at path. NULL with *e set: 66, 77, 65. */
struct snapshot *snapshot_begin(
    const char *path, struct snapshot_id *id, struct err *e);

/*
 * Copy up to max bytes more. 1: there is more to do; 0: the copy is whole
 * and sealed; -1 with *e set: it failed, or the file changed meanwhile (75).
 */
int snapshot_step(struct snapshot *s, size_t max, struct err *e);

/* A path under which this process can open the copy; borrowed from s. */
const char *snapshot_path(const struct snapshot *s);

/* What is open or mapped from the copy stays; NULL is well. */
void snapshot_free(struct snapshot *s);

#endif
