#include "names.h"

#include <stdlib.h>

#include "buf.h"
#include "mem.h"

static const char *
name_in(const void *array, uint32_t i)
{
	return ((const char *const *)array)[i];
}

uint32_t
names_find(const struct names *t, const char *name, size_t len)
{
	return strmap_find(&t->map, t->v, name, len);
}

uint32_t
names_add(struct names *t, const char *name, size_t len)
{
	uint32_t i;

	t->map.name = name_in;
	i = strmap_add(&t->map, t->v, name, len, t->n);
	if (i != STRMAP_NONE)
		return i;
	t->v = mem_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	t->v[t->n] = arena_copy(&t->text, name, len);
	return t->n++;
}

void
names_put(const struct names *t, uint32_t most, struct buf *out)
{
	uint32_t i;

	for (i = 0; i < t->n && i < most; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", t->v[i]);
	if (t->n > most)
		buf_printf(out, " and %u more", (unsigned)(t->n - most));
}

void
names_free(struct names *t)
{
	strmap_free(&t->map);
	free(t->v);
	arena_free(&t->text);
	*t = (struct names){.n = 0};
}
