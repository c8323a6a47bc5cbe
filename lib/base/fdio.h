/*
 * fdio.h: all of it, through a descriptor that blocks.
 */
#ifndef FDIO_H
#define FDIO_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Write all of it; false, with errno, if that fails. */
bool fdio_write(int fd, const char *text, size_t len);

/*
 * Append all there is up to the end, so that out has max bytes or less; else
 * false, with errno (EFBIG: there is more).
 */
bool fdio_read(int fd, size_t max, struct buf *out);

#endif
