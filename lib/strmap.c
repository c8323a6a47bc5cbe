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

	for (; m->slot[i].index != STRMAP_NONE; i = (i + 1) & (m->cap - 1)) {
		if (m->slot[i].hash != h)
			continue;
		have = m->name(array, m->slot[i].index);
		if (strncmp(have, name, len) == 0 && have[len] == '\0')
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
	return m->slot[find_slot(m, array, name, len, hash(name, len))].index;
}

static void
grow(struct strmap *m)
{
	size_t cap = m->cap == 0 ? 64 : m->cap * 2, i, j;
	struct strmap_slot *slot = mem_alloc(cap * sizeof(*slot));

	memset(slot, 0xff, cap * sizeof(*slot));
	for (i = 0; i < m->cap; i++) {
		if (m->slot[i].index == STRMAP_NONE)
			continue;
		j = m->slot[i].hash & (cap - 1);
		while (slot[j].index != STRMAP_NONE)
			j = (j + 1) & (cap - 1);
		slot[j] = m->slot[i];
	}
	free(m->slot);
	m->slot = slot;
	m->cap = cap;
}

uint32_t
strmap_add(struct strmap *m, const void *array, const char *name, size_t len,
    uint32_t index)
{
	uint32_t h = hash(name, len);
	size_t i;

	if (m->n + 1 > m->cap / 4 * 3)
		grow(m);
	i = find_slot(m, array, name, len, h);
	if (m->slot[i].index != STRMAP_NONE)
		return m->slot[i].index;
	m->slot[i].hash = h;
	m->slot[i].index = index;
	m->n++;
	return STRMAP_NONE;
}

void
strmap_free(struct strmap *m)
{
	free(m->slot);
	m->slot = NULL;
	m->cap = m->n = 0;
}
