/*
 * copy.h: a file copied whole.
 */
#ifndef COPY_H
#define COPY_H

struct err;

/*
 * Copy the file `from` over `to`, with its owner and as much of its mode as
 * replace_as() keeps; whoever reads `to` sees the old or the new one whole.
 * 0, or -1 with *e set.
 */
int copy_file(const char *from, const char *to, struct err *e);

#endif
