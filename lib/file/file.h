/*
 * file.h: whole files read at once.
 */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * Read the file at path, of max bytes or less, into memory that the caller
 * frees; there is room for one more byte behind *len, which is NUL. *st (may
 * be NULL) gets the file's data. Returns NULL with *e set: no such file
 * (66), not allowed (77), too large (65), or changed while it was read (75),
 * which would mix two versions of it.
 */
struct err;
char *file_slurp(
    const char *path, size_t max, size_t *len, struct stat *st, struct err *e);

/*
 * Is there a pipe, device or socket at path? Opened where a file was meant,
 * it may keep the reader waiting for ever.
 */
bool file_is_special(const char *path);

#endif
