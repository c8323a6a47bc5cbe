/*
 * cdbmem.h: look things up in a cdb file that lies in memory.
 *
 * Beside cdbmap.h because a service asks millions of times: no function
 * call for each number read, and no descriptor. The image may hold anything;
 * no answer leads out of it.
 */
#ifndef CDBMEM_H
#define CDBMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cdbmap.h"

struct cdbmem {
	const unsigned char *data; /* borrowed */
	uint32_t size;
	uint32_t end; /* of the records */
};

/* False if the image cannot be a cdb: its tables do not fill its end. */
bool cdbmem_init(struct cdbmem *m, const void *data, size_t size);

/* The hash by which a key is found. */
uint32_t cdbmem_hash(const char *key, size_t klen);

/* As cdbmap_get() and cdbmap_next(). */
enum cdbmap_answer cdbmem_get(const struct cdbmem *m, const char *key,
    size_t klen, const char **value, size_t *vlen);
enum cdbmap_answer cdbmem_next(const struct cdbmem *m, uint32_t *pos,
    const char **key, size_t *klen, const char **value, size_t *vlen);

#endif
