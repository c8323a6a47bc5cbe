#include "failing.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static const char *
name_of(const void *array, uint32_t i)
{
	return ((const struct failing_hop *)array)[i].name;
}

void
failing_init(struct failing *f)
{
	*f = (struct failing){0};
	strmap_init(&f->map, name_of);
}

void
failing_add(
    struct failing *f, const char *name, const char *fault, time_t since)
{
	size_t len = strlen(name);

	if (failing_find(f, name, len) != NULL)
		return;
	f->v = mem_grow(f->v, f->n, &f->cap, sizeof(*f->v));
	f->v[f->n] = (struct failing_hop){
	    .name = mem_dup(name), .fault = mem_dup(fault), .since = since};
	(void)strmap_add(&f->map, f->v, f->v[f->n].name, len, (uint32_t)f->n);
	f->n++;
}

const struct failing_hop *
failing_find(const struct failing *f, const char *name, size_t len)
{
	uint32_t i;

	if (f->n == 0)
		return NULL;
	i = strmap_find(&f->map, f->v, name, len);
	return i == STRMAP_NONE ? NULL : &f->v[i];
}

void
failing_release(struct failing *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		free(f->v[i].name);
		free(f->v[i].fault);
	}
	free(f->v);
	strmap_free(&f->map);
	failing_init(f);
}
