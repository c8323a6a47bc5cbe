/*
 * file.h: whole files, read and replaced at once.
 */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct err;

/*
 * Read the file at path, of max bytes or less, into memory that the caller
 * frees; there is room for one more byte behind *len, which is NUL. *st (may
 * be NULL) gets the file's data. Returns NULL with *e set: no such file
 * (66), not allowed (77), too large (65), or changed while it was read (75),
 * which would mix two versions of it.
 */
char *file_slurp(
    const char *path, size_t max, size_t *len, struct stat *st, struct err *e);

/*
 * Is there a pipe, device or socket at path? Opened where a file was meant,
 * it may keep the reader waiting for ever.
 */
bool file_is_special(const char *path);

/* Do both paths say, or lead to, the same file? */
bool file_is_same(const char *a, const char *b);

/*
 * The process that has locked the file for itself with flock(2), by what the
 * kernel tells everybody (/proc/locks). 0: there is none that we may see.
 */
pid_t file_lock_holder(const char *path);

#define FILE_MODE 0644 /* of a new file; of an old one no more is kept */

/*
 * Put a file in place of another, through PATH.tmp: readers see the old or
 * the new one whole. With st it gets the owner in it, which the account must
 * be allowed to give, and of its mode what is in FILE_MODE, and is on disk
 * when this returns; without (NULL) its mode is FILE_MODE, and unlike
 * publish.h nothing waits for the disk: for what is written anew all the time.
 * A link is replaced, not followed; a device, pipe or folder, and a link to
 * one, is not: root would have no /dev/null any more. Root writes as the
 * account whose folder it is (owned.h). 0, or -1 with *e set.
 */
int file_replace(const char *path, const char *text, size_t len,
    const struct stat *st, struct err *e);

#endif
