#include "strmap.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Eight bytes at a time, mixed by multiplication; names are short. */
static uint32_t
hash_of(const char *s, size_t len)
{
	const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
	const char *end = s + len;
	uint64_t h = len * k, v = 0;

	for (; end - s > 8; s += 8) {
		memcpy(&v, s, 8);
		h = (h ^ v) * k;
		h ^= h >> 29;
	}
	/* The last eight, some of them once more: cheaper than fewer. */
	if (len >= 8)
		memcpy(&v, end - 8, 8);
	else
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

/* Where to look first, whatever the capacity. */
static size_t
home(uint32_t hash, size_t cap)
{
	return (size_t)((uint64_t)hash * cap >> 32);
}

static size_t
behind(size_t i, size_t cap)
{
	return i + 1 == cap ? 0 : i + 1;
}

static size_t
find_slot(const struct strmap *m, const void *array, const char *name,
    size_t len, uint32_t h)
{
	size_t i = home(h, m->cap);
	const char *have;

	for (; m->slot[i].next != 0; i = behind(i, m->cap)) {
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
	return m->slot[find_slot(m, array, name, len, hash_of(name, len))]
		   .next -
	       1;
}

static void
resize(struct strmap *m, size_t cap)
{
	struct strmap_slot *slot = mem_zero(cap, sizeof(*slot));
	size_t i, j;

	for (i = 0; i < m->cap; i++) {
		if (m->slot[i].next == 0)
			continue;
		j = home(m->slot[i].hash, cap);
		while (slot[j].next != 0)
			j = behind(j, cap);
		slot[j] = m->slot[i];
	}
	free(m->slot);
	m->slot = slot;
	m->cap = cap;
}

void
strmap_reserve(struct strmap *m, size_t n)
{
	size_t cap = n + n / 2, least = m->cap == 0 ? 64 : 2 * m->cap;

	if (cap > m->cap)
		resize(m, cap < least ? least : cap);
}

uint32_t
strmap_add(struct strmap *m, const void *array, const char *name, size_t len,
    uint32_t index)
{
	const uint32_t h = hash_of(name, len);
	size_t i;

	strmap_reserve(m, m->n + 1);
	i = find_slot(m, array, name, len, h);
	if (m->slot[i].next != 0)
		return m->slot[i].next - 1;
	m->slot[i] = (struct strmap_slot){h, index + 1};
	m->n++;
	return STRMAP_NONE;
}

void
strmap_remove(struct strmap *m, const void *array, const char *name, size_t len)
{
	size_t hole, i, home_at;

	if (m->cap == 0)
		return;
	hole = find_slot(m, array, name, len, hash_of(name, len));
	if (m->slot[hole].next == 0)
		return;
	/* Those behind it move up, unless they are at home or on the way. */
	for (i = behind(hole, m->cap); m->slot[i].next != 0;
	     i = behind(i, m->cap)) {
		home_at = home(m->slot[i].hash, m->cap);
		if ((i + m->cap - home_at) % m->cap <
		    (i + m->cap - hole) % m->cap)
			continue;
		m->slot[hole] = m->slot[i];
		hole = i;
	}
	m->slot[hole].next = 0;
	m->n--;
}

void
strmap_prefetch(const struct strmap *m, const char *name, size_t len)
{
	if (m->cap > 0)
		__builtin_prefetch(&m->slot[home(hash_of(name, len), m->cap)]);
}

void
strmap_free(struct strmap *m)
{
	free(m->slot);
	m->slot = NULL;
	m->cap = m->n = 0;
}
