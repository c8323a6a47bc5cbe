/*
 * memmap.h: a cdb image in memory, for tests: keys and values in turns.
 */
#ifndef MEMMAP_H
#define MEMMAP_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cdbmap.h"
#include "err.h"

struct memmap {
	struct cdbmap *map;
	void *image;
};

/* Write to fd. kv ends with NULL. Ends the test if it cannot be made. */
static inline void
memmap_write(int fd, const char *const kv[])
{
	struct cdbmap_writer *w = cdbmap_create(fd);
	struct err e;

	for (; kv[0] != NULL; kv += 2)
		if (cdbmap_add(w, kv[0], strlen(kv[0]), kv[1], strlen(kv[1]),
			&e) == -1)
			abort();
	if (cdbmap_finish(w, &e) == -1)
		abort();
}

/* As memmap_write(). */
static inline void
memmap_make(struct memmap *m, const char *const kv[])
{
	int fd = memfd_create("map", MFD_CLOEXEC);
	off_t size;

	memmap_write(fd, kv);
	size = lseek(fd, 0, SEEK_END);
	m->image = malloc((size_t)size);
	if (m->image == NULL ||
	    pread(fd, m->image, (size_t)size, 0) != (ssize_t)size ||
	    (m->map = cdbmap_of(m->image, (size_t)size)) == NULL)
		abort();
	close(fd);
}

static inline void
memmap_free(struct memmap *m)
{
	cdbmap_close(m->map);
	free(m->image);
}

#endif
