#include "recent.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static const char *
name_of(const void *array, uint32_t i)
{
	return recent_at(array, i);
}

void
recent_init(struct recent *r, uint32_t max, size_t size)
{
	uint32_t i;

	*r = (struct recent){.max = max, .size = size};
	strmap_init(&r->map, name_of);
	r->v = mem_zero(max, size);
	r->link = mem_zero(max + (size_t)1, sizeof(*r->link));
	for (i = 0; i <= max; i++) {
		r->link[i].older = i == 0 ? max : i - 1;
		r->link[i].newer = i == max ? 0 : i + 1;
	}
}

/* Let it stand between `older` and what was newer than that. */
static void
move(struct recent *r, uint32_t i, uint32_t older)
{
	struct recent_link *v = r->link;

	if (i == older)
		return;
	v[v[i].older].newer = v[i].newer;
	v[v[i].newer].older = v[i].older;
	v[i] = (struct recent_link){older, v[older].newer};
	v[v[i].newer].older = i;
	v[older].newer = i;
}

void *
recent_find(struct recent *r, const char *name, size_t len)
{
	uint32_t i = strmap_find(&r->map, r, name, len);

	if (i == STRMAP_NONE)
		return NULL;
	move(r, i, r->link[r->max].older);
	return recent_at(r, i);
}

void *
recent_place(const struct recent *r)
{
	return recent_at(r, r->link[r->max].newer);
}

static uint32_t
index_of(const struct recent *r, const void *element)
{
	return (uint32_t)((size_t)((const char *)element - r->v) / r->size);
}

void
recent_add(struct recent *r, void *element)
{
	uint32_t i = index_of(r, element);

	(void)strmap_add(&r->map, r, element, strlen(element), i);
	move(r, i, r->link[r->max].older);
}

void
recent_remove(struct recent *r, void *element)
{
	char *name = element;

	strmap_remove(&r->map, r, name, strlen(name));
	move(r, index_of(r, element), r->max);
	*name = '\0';
}

void *
recent_at(const struct recent *r, uint32_t i)
{
	return r->v + i * r->size;
}

void
recent_free(struct recent *r)
{
	strmap_free(&r->map);
	free(r->v);
	free(r->link);
	*r = (struct recent){.v = NULL};
}
