#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define ARENA_CHUNK 65536 /* bytes of payload in an ordinary chunk */

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
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
	size_t want = size > ARENA_CHUNK / 4 ? size + align : ARENA_CHUNK;
	void *p = take(a, size, align);

	if (p != NULL)
		return p;
	c = mem_alloc(sizeof(*c) + want);
	c->size = want;
	if (want != ARENA_CHUNK && a->chunk != NULL) {
		/* A big block stands alone; the current chunk stays open. */
		c->next = a->chunk->next;
		a->chunk->next = c;
		return c->data;
	}
	c->next = a->chunk;
	a->chunk = c;
	a->left = want;
	return take(a, size, align);
}

void *
arena_alloc(struct arena *a, size_t size)
{
	return alloc(a, size, alignof(max_align_t));
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
	a->left = 0;
}
