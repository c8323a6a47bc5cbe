#include "cdbmem.h"

#include <endian.h>
#include <string.h>

#define TABLES 256
#define HEAD (TABLES * 8) /* bytes of the 256 table pointers */

static inline uint32_t
number(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

bool
cdbmem_init(struct cdbmem *m, const void *data, size_t size)
{
	size_t expect, slots;
	unsigned i;

	if (size < HEAD || size > UINT32_MAX)
		return false;
	*m = (struct cdbmem){.data = data, .size = (uint32_t)size};
	m->end = number(m->data);
	expect = m->end;
	/* The tables follow each other from the records to the end. */
	for (i = 0; i < TABLES; i++) {
		slots = number(m->data + 8 * i + 4);
		if (expect < HEAD || number(m->data + 8 * i) != expect ||
		    expect > size || slots > (size - expect) / 8)
			return false;
		expect += slots * 8;
	}
	return expect == size;
}

uint32_t
cdbmem_hash(const char *key, size_t klen)
{
	uint32_t h = 5381;
	size_t i;

	for (i = 0; i < klen; i++)
		h = (h + (h << 5)) ^ (unsigned char)key[i];
	return h;
}

/* The record at pos; false if it leaves the part of the records. */
static bool
record(const struct cdbmem *m, uint32_t pos, uint32_t *klen, uint32_t *vlen)
{
	uint32_t left;

	if (pos < HEAD || pos > m->end || m->end - pos < 8)
		return false;
	left = m->end - pos - 8;
	*klen = number(m->data + pos);
	*vlen = number(m->data + pos + 4);
	return *klen <= left && *vlen <= left - *klen;
}

enum cdbmap_answer
cdbmem_get(const struct cdbmem *m, const char *key, size_t klen,
    const char **value, size_t *vlen)
{
	uint32_t h = cdbmem_hash(key, klen), slots, i, n, pos, rk, rv;
	const unsigned char *table, *slot;

	table = m->data + 8 * (h & 255);
	slots = number(table + 4);
	if (slots == 0)
		return CDBMAP_NOTFOUND;
	table = m->data + number(table);
	i = (h >> 8) % slots;
	for (n = 0; n < slots; n++) {
		slot = table + (size_t)8 * i;
		pos = number(slot + 4);
		if (pos == 0)
			return CDBMAP_NOTFOUND;
		if (number(slot) == h) {
			if (!record(m, pos, &rk, &rv))
				return CDBMAP_BROKEN;
			if (rk == klen &&
			    memcmp(m->data + pos + 8, key, klen) == 0) {
				*value = (const char *)m->data + pos + 8 + rk;
				*vlen = rv;
				return CDBMAP_FOUND;
			}
		}
		if (++i == slots)
			i = 0;
	}
	return CDBMAP_NOTFOUND;
}

enum cdbmap_answer
cdbmem_next(const struct cdbmem *m, uint32_t *pos, const char **key,
    size_t *klen, const char **value, size_t *vlen)
{
	uint32_t rk, rv;

	if (*pos == 0)
		*pos = HEAD;
	if (*pos == m->end)
		return CDBMAP_NOTFOUND;
	if (!record(m, *pos, &rk, &rv))
		return CDBMAP_BROKEN;
	*key = (const char *)m->data + *pos + 8;
	*klen = rk;
	*value = *key + rk;
	*vlen = rv;
	*pos += 8 + rk + rv;
	return CDBMAP_FOUND;
}
