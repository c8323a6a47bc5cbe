/*
 * copy.h: a file copied whole.
 */
#ifndef COPY_H
#define COPY_H

struct err;

/*
 * Copy the file `from` over `to`, with its mode and owner; whoever reads
 * `to` sees the old or the new one whole. 0, or -1 with *e set.
 */
int copy_file(const char *from, const char *to, struct err *e);

/* 1 if both files hold the same bytes, 0 if not, or -1 with *e set. */
int copy_same(const char *a, const char *b, struct err *e);

#endif
