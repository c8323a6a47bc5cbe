/*
 * arena.h: memory for many small things that die together.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk;
	size_t left;	  /* bytes free in the newest chunk */
	size_t next_size; /* of the next chunk */
};

/* size bytes, aligned for integers and pointers, not cleared; freed by
 * arena_free. */
void *arena_alloc(struct arena *a, size_t size);

/* A copy of the len bytes at s, with a NUL behind it. */
char *arena_copy(struct arena *a, const char *s, size_t len);

/* Free all that was taken from a; a may then be used again. */
void arena_free(struct arena *a);

#endif
