#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define ARENA_FIRST 4096 /* bytes of payload in the first chunk */
#define ARENA_LARGEST (32u * 1024 * 1024) /* chunks double up to here */

struct arena_chunk {
	struct arena_chunk *next;
	alignas(max_align_t) char data[];
};

/* Take size bytes from the tail of the chunk, aligned down. */
static void *
take(struct arena *a, size_t size, size_t align)
{
	size_t off;

	if (a->chunk == NULL || a->left < size)
		return NULL;
	off = (a->left - size) & ~(align - 1);
	a->left = off;
	return a->chunk->data + off;
}

static void *
alloc(struct arena *a, size_t size, size_t align)
{
	struct arena_chunk *c;
	void *p = take(a, size, align);
	size_t want;

	if (p != NULL)
		return p;
	if (a->next_size == 0)
		a->next_size = ARENA_FIRST;
	if (size > a->next_size / 4 && a->chunk != NULL) {
		/* A big block stands alone; the current chunk stays open. */
		c = mem_alloc(sizeof(*c) + size);
		c->next = a->chunk->next;
		a->chunk->next = c;
		return c->data;
	}
	want = size > a->next_size ? size + align : a->next_size;
	c = mem_alloc(sizeof(*c) + want);
	c->next = a->chunk;
	a->chunk = c;
	a->left = want;
	if (a->next_size < ARENA_LARGEST)
		a->next_size *= 2;
	return take(a, size, align);
}

void *
arena_alloc(struct arena *a, size_t size)
{
	return alloc(a, size, alignof(long long));
}

char *
arena_copy(struct arena *a, const char *s, size_t len)
{
	char *p = alloc(a, len + 1, 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void
arena_free(struct arena *a)
{
	struct arena_chunk *c, *next;

	for (c = a->chunk; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	a->chunk = NULL;
	a->left = a->next_size = 0;
}
