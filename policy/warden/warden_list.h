/*
 * warden_list.h: lists of what is known of partners, by their names.
 */
#ifndef WARDEN_LIST_H
#define WARDEN_LIST_H

#include <stddef.h>

/* Of structs that begin with it: char partner[REGISTRY_NAME_MAX + 1]. */
struct warden_list {
	char *v;
	size_t n, cap;
	size_t size; /* of one */
	size_t at;   /* where to begin to look: at the last one found */
};

void *warden_list_at(const struct warden_list *l, size_t i);
void *warden_list_find(struct warden_list *l, const char *partner);
/* A new one, zeroed; NULL if the name is too long. */
void *warden_list_append(struct warden_list *l, const char *partner);
/* The one that is there, or a new one. */
void *warden_list_add(struct warden_list *l, const char *partner);
void warden_list_remove(struct warden_list *l, void *x);
void warden_list_free(struct warden_list *l);

#endif
