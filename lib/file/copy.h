/*
 * copy.h: a file copied whole.
 */
#ifndef COPY_H
#define COPY_H

#include <stddef.h>
#include <sys/stat.h>

struct err;

/*
 * Copy the file `from` over `to`, with its mode and owner; whoever reads
 * `to` sees the old or the new one whole. 0, or -1 with *e set.
 */
int copy_file(const char *from, const char *to, struct err *e);

/*
 * Write the len bytes at text over `to` in the same way, with the owner and
 * the permissions in st. 0, or -1 with *e set.
 */
int copy_write(const char *to, const char *text, size_t len,
    const struct stat *st, struct err *e);

#endif
