#include "maptable.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "cdbmap.h"
#include "dname.h"
#include "err.h"
#include "maprecord.h"
#include "mem.h"
#include "span.h"

#define AHEAD 16 /* keys that are prefetched */

uint32_t
maptable_add(struct maptable *t, const char *key, size_t klen, const char *text,
    size_t tlen)
{
	struct maprow *r;

	t->row = mem_grow(t->row, t->n, &t->cap, sizeof(*t->row));
	r = &t->row[t->n];
	*r = (struct maprow){.key = key,
	    .klen = (uint32_t)klen,
	    .text = text,
	    .tlen = (uint32_t)tlen,
	    .record = MAPTABLE_NONE,
	    .partner = REGISTRY_NONE};
	t->domains += maprecord_is(key, klen, MAPRECORD_DOMAIN);
	t->gateways += maprecord_is(key, klen, MAPRECORD_GATEWAY);
	t->suffixes += klen > 0 && *key == '.';
	return (uint32_t)t->n++;
}

void
maptable_mark(struct maptable *t, const struct mapmark *m)
{
	struct buf key = {0}, text = {0};

	mapmark_print(m, &key, &text);
	(void)maptable_add(t, arena_copy(&t->arena, key.data, key.len), key.len,
	    arena_copy(&t->arena, text.data, text.len), text.len);
	buf_free(&key);
	buf_free(&text);
}

static const char *
key_of(const void *array, uint32_t i)
{
	return ((const struct maprow *)array)[i].key;
}

static void
make_index(struct maptable *t)
{
	const struct maprow *r = t->row;
	size_t i;

	strmap_init(&t->index, key_of);
	strmap_reserve(&t->index, t->n);
	for (i = 0; i < t->n; i++) {
		if (i + AHEAD < t->n)
			strmap_prefetch(
			    &t->index, r[i + AHEAD].key, r[i + AHEAD].klen);
		(void)strmap_add(
		    &t->index, r, r[i].key, r[i].klen, (uint32_t)i);
	}
}

static uint32_t
find(struct maptable *t, const char *key, size_t klen)
{
	if (t->index.name == NULL)
		make_index(t);
	return strmap_find(&t->index, t->row, key, klen);
}

bool
maptable_get(struct maptable *t, const char *key, size_t klen,
    const char **text, size_t *tlen)
{
	const struct maprow *r;
	uint32_t i = t->near;

	if (t->suffixes == 0 && klen > 0 && *key == '.')
		return false;
	if (i >= t->n || t->row[i].klen != klen ||
	    memcmp(t->row[i].key, key, klen) != 0)
		i = find(t, key, klen);
	if (i == MAPTABLE_NONE)
		return false;
	r = &t->row[i];
	*text = r->text;
	*tlen = r->tlen;
	return true;
}

const struct maprow *
maptable_above(struct maptable *t, const char *key, size_t klen)
{
	struct span rest = {key, klen};
	uint32_t i;

	if (dname_is_nexthop_n(key, klen))
		return NULL;
	while (rest.n > 0) {
		rest = span_skip(rest, 1);
		rest = span_skip(rest, span_chr(rest, '.'));
		i = rest.n == 0 ? MAPTABLE_NONE : find(t, rest.p, rest.n);
		if (i != MAPTABLE_NONE)
			return &t->row[i];
	}
	return NULL;
}

int
maptable_read(struct maptable *t, struct cdbmap *m, struct err *e)
{
	const char *key, *value;
	enum cdbmap_answer a;
	size_t klen, vlen;
	unsigned pos = 0;
	uint32_t i, of;

	*t = (struct maptable){0};
	while ((a = cdbmap_next(m, &pos, &key, &klen, &value, &vlen)) ==
	       CDBMAP_FOUND) {
		if (mapheader_is(key, klen)) {
			t->header = value;
			t->headerlen = vlen;
		} else if (!maprecord_is(key, klen, MAPMARK_KEY)) {
			(void)maptable_add(t, arena_copy(&t->arena, key, klen),
			    klen, value, vlen);
		}
	}
	if (a == CDBMAP_BROKEN)
		return err_set(e, EX_DATAERR, "the live map is damaged");
	for (i = 0; i < t->n; i++) {
		if (!maprecord_is(
			t->row[i].key, t->row[i].klen, MAPRECORD_DOMAIN))
			continue;
		of = find(t, t->row[i].key + MAPRECORD_PREFIX,
		    t->row[i].klen - MAPRECORD_PREFIX);
		if (of == MAPTABLE_NONE)
			continue;
		t->row[of].record = i;
		t->row[i].record = of;
	}
	return 0;
}

int
maptable_write(const struct maptable *t, struct cdbmap_writer *w, struct err *e)
{
	const struct maprow *r;
	size_t i;

	if (t->header != NULL &&
	    cdbmap_add(w, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1, t->header,
		t->headerlen, e) == -1)
		return -1;
	for (i = 0; i < t->n; i++) {
		r = &t->row[i];
		if (cdbmap_add(w, r->key, r->klen, r->text, r->tlen, e) == -1)
			return -1;
	}
	return 0;
}

void
maptable_release(struct maptable *t)
{
	free(t->row);
	strmap_free(&t->index);
	arena_free(&t->arena);
	*t = (struct maptable){0};
}
