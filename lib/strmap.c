#include "strmap.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Eight bytes at a time, mixed by multiplication; names are short. */
static uint32_t
hash(const char *s, size_t len)
{
	const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = len * k, v;

	while (len >= 8) {
		memcpy(&v, s, 8);
		h = (h ^ v) * k;
		h ^= h >> 29;
		s += 8;
		len -= 8;
	}
	v = 0;
	if (len > 0)
		memcpy(&v, s, len);
	h = (h ^ v) * k;
	h ^= h >> 32;
	return (uint32_t)(h * k >> 32);
}

void
strmap_init(
    struct strmap *m, const char *(*name)(const void *array, uint32_t index))
{
	*m = (struct strmap){.name = name};
}

static size_t
find_slot(const struct strmap *m, const void *array, const char *name,
    size_t len, uint32_t h)
{
	size_t i = h & (m->cap - 1);
	const char *have;

	for (; m->slot[i].next != 0; i = (i + 1) & (m->cap - 1)) {
		if (m->slot[i].hash != h)
			continue;
		have = m->name(array, m->slot[i].next - 1);
		/* The name looked for may hold a NUL. */
		if (strnlen(have, len + 1) == len &&
		    memcmp(have, name, len) == 0)
			break;
	}
	return i;
}

uint32_t
strmap_find(
    const struct strmap *m, const void *array, const char *name, size_t len)
{
	if (m->cap == 0)
		return STRMAP_NONE;
	/* 0 - 1 is STRMAP_NONE. */
	return m->slot[find_slot(m, array, name, len, hash(name, len))].next -
	       1;
}

static void
resize(struct strmap *m, size_t cap)
{
	struct strmap_slot *slot = mem_table(cap, sizeof(*slot));
	size_t i, j;

	for (i = 0; i < m->cap; i++) {
		if (m->slot[i].next == 0)
			continue;
		j = m->slot[i].hash & (cap - 1);
		while (slot[j].next != 0)
			j = (j + 1) & (cap - 1);
		slot[j] = m->slot[i];
	}
	free(m->slot);
	m->slot = slot;
	m->cap = cap;
}

void
strmap_reserve(struct strmap *m, size_t n)
{
	size_t cap = m->cap == 0 ? 64 : m->cap;

	while (n > cap / 4 * 3)
		cap *= 2;
	if (cap > m->cap)
		resize(m, cap);
}

static uint32_t
add(struct strmap *m, const void *array, const char *name, size_t len,
    uint32_t index, uint32_t h)
{
	size_t i;

	strmap_reserve(m, m->n + 1);
	i = find_slot(m, array, name, len, h);
	if (m->slot[i].next != 0)
		return m->slot[i].next - 1;
	m->slot[i].hash = h;
	m->slot[i].next = index + 1;
	m->n++;
	return STRMAP_NONE;
}

uint32_t
strmap_add(struct strmap *m, const void *array, const char *name, size_t len,
    uint32_t index)
{
	return add(m, array, name, len, index, hash(name, len));
}

#define AHEAD 16 /* names whose slots are fetched before they are needed */

uint32_t
strmap_add_all(struct strmap *m, const void *array, size_t n, uint32_t *from)
{
	struct {
		const char *name;
		size_t len;
		uint32_t hash;
	} next[AHEAD];
	size_t i, j = *from;
	uint32_t have;

	strmap_reserve(m, n);
	for (i = *from; i < n; i++) {
		for (; j < n && j < i + AHEAD; j++) {
			next[j % AHEAD].name = m->name(array, (uint32_t)j);
			next[j % AHEAD].len = strlen(next[j % AHEAD].name);
			next[j % AHEAD].hash =
			    hash(next[j % AHEAD].name, next[j % AHEAD].len);
			__builtin_prefetch(
			    &m->slot[next[j % AHEAD].hash & (m->cap - 1)], 1);
		}
		have = add(m, array, next[i % AHEAD].name, next[i % AHEAD].len,
		    (uint32_t)i, next[i % AHEAD].hash);
		if (have != STRMAP_NONE) {
			*from = (uint32_t)i;
			return have;
		}
	}
	*from = (uint32_t)n;
	return STRMAP_NONE;
}

void
strmap_free(struct strmap *m)
{
	free(m->slot);
	m->slot = NULL;
	m->cap = m->n = 0;
}
