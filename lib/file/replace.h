/*
 * replace.h: put a small file in place of another, at once.
 *
 * Through PATH.tmp: readers see the old or the new one whole. Root writes as
 * the account whose folder it is (owned.h).
 */
#ifndef REPLACE_H
#define REPLACE_H

#include <stddef.h>
#include <sys/stat.h>

struct err;

#define REPLACE_MODE 0644 /* of the file; of an old one no more is kept */

/*
 * With mode REPLACE_MODE. Unlike publish.h nothing waits for the disk: for
 * files that are written anew all the time. 0, or -1 with *e set.
 */
int replace_file(const char *path, const char *text, size_t len, struct err *e);

/*
 * With the owner in st, which the account must be allowed to give, and of its
 * mode what is in REPLACE_MODE; on disk when it returns. 0, or -1 with *e set.
 */
int replace_as(const char *path, const char *text, size_t len,
    const struct stat *st, struct err *e);

/*
 * Copy the file `from` over `to`, as replace_as() with its owner and mode.
 * 0, or -1 with *e set.
 */
int replace_by_copy(const char *from, const char *to, struct err *e);

#endif
