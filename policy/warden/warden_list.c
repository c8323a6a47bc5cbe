#include "warden_list.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "registry.h"

void *
warden_list_at(const struct warden_list *l, size_t i)
{
	return l->v + i * l->size;
}

void *
warden_list_find(struct warden_list *l, const char *partner)
{
	size_t n, i;

	/* They are asked for in an order: mostly this one or the next. */
	for (n = 0; n < l->n; n++) {
		i = (l->at + n) % l->n;
		if (strcmp(warden_list_at(l, i), partner) == 0) {
			l->at = i;
			return warden_list_at(l, i);
		}
	}
	return NULL;
}

void *
warden_list_append(struct warden_list *l, const char *partner)
{
	char *x;

	if (strlen(partner) > REGISTRY_NAME_MAX)
		return NULL;
	l->v = mem_grow(l->v, l->n, &l->cap, l->size);
	x = warden_list_at(l, l->n++);
	memset(x, 0, l->size);
	strcpy(x, partner);
	return x;
}

void *
warden_list_add(struct warden_list *l, const char *partner)
{
	void *x = warden_list_find(l, partner);

	return x != NULL ? x : warden_list_append(l, partner);
}

void
warden_list_remove(struct warden_list *l, void *x)
{
	void *last = warden_list_at(l, --l->n);

	if (x != last)
		memcpy(x, last, l->size);
}

void
warden_list_free(struct warden_list *l)
{
	free(l->v);
	l->v = NULL;
	l->n = l->cap = l->at = 0;
}
