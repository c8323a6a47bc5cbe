/*
 * replace.h: put a small file in place of another, at once and not durably.
 *
 * Readers see the old or the new one whole. Unlike publish.h nothing waits
 * for the disk: for files that are written anew all the time.
 */
#ifndef REPLACE_H
#define REPLACE_H

#include <stddef.h>

struct err;

/* Through PATH.tmp, mode 0644. 0, or -1 with *e set. */
int replace_file(const char *path, const char *text, size_t len, struct err *e);

#endif
