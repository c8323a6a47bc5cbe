/*
 * strmap.h: find an element of an array by its name.
 *
 * The map holds indexes only; names stay where the array has them, and a
 * callback finds them. Made for millions of names: 12 to 24 bytes each.
 */
#ifndef STRMAP_H
#define STRMAP_H

#include <stddef.h>
#include <stdint.h>

#define STRMAP_NONE UINT32_MAX

struct strmap_slot {
	uint32_t hash;
	uint32_t next; /* index + 1; 0: free */
};

struct strmap {
	struct strmap_slot *slot;
	size_t cap;
	size_t n;
	/* The name of element index of the array. */
	const char *(*name)(const void *array, uint32_t index);
};

/* Start an empty map; array elements are named by the callback. */
void strmap_init(
    struct strmap *m, const char *(*name)(const void *array, uint32_t index));

/* Make room for n names in all, so that adding them moves nothing. */
void strmap_reserve(struct strmap *m, size_t n);

/* Index of the name of len bytes, or STRMAP_NONE. */
uint32_t strmap_find(
    const struct strmap *m, const void *array, const char *name, size_t len);

/*
 * Add index under name. If the name is there already nothing changes and
 * its index is returned; else STRMAP_NONE.
 */
uint32_t strmap_add(struct strmap *m, const void *array, const char *name,
    size_t len, uint32_t index);

/* Take a name out, whose element must still have it; it may be missing. */
void strmap_remove(
    struct strmap *m, const void *array, const char *name, size_t len);

/*
 * The name will be added or asked for soon: a large map is in no cache, and
 * without this most of the time goes into waiting for it.
 */
void strmap_prefetch(const struct strmap *m, const char *name, size_t len);

/* Free the map's own memory. */
void strmap_free(struct strmap *m);

#endif
