#include "mapraise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cdbmap.h"
#include "dname.h"
#include "err.h"
#include "maprecord.h"
#include "maptable.h"
#include "mem.h"
#include "registry.h"

/* --- What is lowered ------------------------------------------------------ */

/* The pins of `fingerprint match=A|B ...`, in a's memory; NULL if none. */
static const struct strs *
pins_of(const char *text, size_t len, struct arena *a)
{
	const char *p, *end, *bar;
	struct strs *list;
	size_t n = 1;

	p = memmem(text, len, " match=", 7);
	if (p == NULL)
		return NULL;
	p += 7;
	end = memchr(p, ' ', len - (size_t)(p - text));
	if (end == NULL)
		end = text + len;
	for (bar = p; bar < end; bar++)
		n += *bar == '|';
	list = arena_alloc(a, sizeof(*list) + n * sizeof(list->v[0]));
	for (list->n = 0; p < end; p = bar + 1) {
		bar = memchr(p, '|', (size_t)(end - p));
		if (bar == NULL)
			bar = end;
		if (bar > p)
			list->v[list->n++] =
			    arena_copy(a, p, (size_t)(bar - p));
	}
	return list->n == 0 ? NULL : list;
}

/* One record " d:KEY"; false if it tells of no downgrade. */
static bool
lowered_by(struct cdbmap *live, const char *domain, size_t dlen,
    const char *value, size_t vlen, struct arena *a, struct override *o)
{
	struct maprecord rec;
	const char *row;
	size_t len;
	bool ok = false;

	if (!maprecord_parse(&rec, value, vlen))
		return false;
	*o = (struct override){.level = rec.level,
	    .begin = rec.begin,
	    .end = rec.until,
	    .id = rec.id};
	if (rec.until != 0 && *rec.partner != '\0') {
		o->partner = arena_copy(a, rec.partner, strlen(rec.partner));
		ok = true;
	}
	maprecord_release(&rec);
	if (!ok || o->level != LEVEL_KEY)
		return ok;
	if (cdbmap_get(live, domain, dlen, &row, &len) != CDBMAP_FOUND)
		return false;
	o->key = pins_of(row, len, a);
	return o->key != NULL;
}

/* Keys of lowered rows, each with the index of its override. */
struct keys {
	struct lowered_key {
		const char *name;
		size_t of;
	} * v;
	size_t n, cap;
};

static int
by_owner(const void *a, const void *b)
{
	const struct lowered_key *x = a, *y = b;

	if (x->of != y->of)
		return x->of < y->of ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
share_out(struct keys *k, struct override *v, struct arena *a)
{
	struct strs *list;
	size_t i, n;

	qsort(k->v, k->n, sizeof(*k->v), by_owner);
	for (i = 0; i < k->n; i += n) {
		for (n = 1; i + n < k->n && k->v[i + n].of == k->v[i].of; n++)
			;
		list = arena_alloc(a, sizeof(*list) + n * sizeof(list->v[0]));
		for (list->n = 0; list->n < n; list->n++)
			list->v[list->n] = k->v[i + list->n].name;
		v[k->v[i].of].domains = list;
	}
}

size_t
mapraise_lowered(struct cdbmap *live, struct arena *a, struct override **v)
{
	const char *key, *value;
	size_t klen, vlen, n = 0, cap = 0, i;
	struct keys keys = {0};
	struct override o;
	unsigned pos = 0;

	*v = NULL;
	while (cdbmap_next(live, &pos, &key, &klen, &value, &vlen) ==
	       CDBMAP_FOUND) {
		if (!maprecord_is(key, klen, MAPRECORD_DOMAIN) ||
		    !lowered_by(live, key + MAPRECORD_PREFIX,
			klen - MAPRECORD_PREFIX, value, vlen, a, &o))
			continue;
		for (i = 0; i < n; i++)
			if (strcmp((*v)[i].partner, o.partner) == 0)
				break;
		if (i == n) {
			*v = mem_grow(*v, n, &cap, sizeof(**v));
			(*v)[n++] = o;
		}
		keys.v = mem_grow(keys.v, keys.n, &keys.cap, sizeof(*keys.v));
		keys.v[keys.n++] =
		    (struct lowered_key){arena_copy(a, key + MAPRECORD_PREFIX,
					     klen - MAPRECORD_PREFIX),
			i};
	}
	if (keys.n > 0)
		share_out(&keys, *v, a);
	free(keys.v);
	return n;
}

/* --- The copy ------------------------------------------------------------- */

/* Covered under its name, or, a U-label, under that of the registry. */
static bool
covers(const struct override *o, const char *key, size_t klen)
{
	char name[DNAME_NEXTHOP_MAX + 1], buf[DNAME_NEXTHOP_MAX + 1];
	struct dname plain;

	if (klen >= sizeof(name))
		return false;
	memcpy(name, key, klen);
	name[klen] = '\0';
	if (override_covers(o, name))
		return true;
	return dname_nexthop(name, buf, &plain) == NULL &&
	       override_covers(o, plain.s);
}

/* May the row key (NULL: a gateway) of this record stay lowered? */
static bool
is_held(const struct mapraise *how, const struct maprecord *rec,
    const char *key, size_t klen)
{
	const struct override *o;
	size_t i;

	if (rec->until <= how->now)
		return false;
	for (i = 0; i < how->nholds; i++) {
		o = &how->hold[i];
		if (strcmp(o->partner, rec->partner) == 0 &&
		    o->begin <= how->now && o->end > how->now &&
		    (key == NULL || covers(o, key, klen)))
			return true;
	}
	return false;
}

static void
add_name(struct mapraised *out, const char *name)
{
	const size_t len = strlen(out->names), n = strlen(name);
	const char *p = out->names, *next;

	for (; *p != '\0'; p = next + (*next == ',' ? 2 : 0)) {
		next = strchrnul(p, ',');
		if ((size_t)(next - p) == n && memcmp(p, name, n) == 0)
			return;
	}
	if (len + n + 8 < sizeof(out->names))
		(void)snprintf(out->names + len, sizeof(out->names) - len,
		    "%s%s", len == 0 ? "" : ", ", name);
	else if (len > 4 && strcmp(out->names + len - 3, "...") != 0)
		(void)snprintf(
		    out->names + len, sizeof(out->names) - len, ", ...");
}

void
mapraise_look(
    struct cdbmap *live, const struct mapraise *how, struct mapraised *out)
{
	const char *key, *value;
	size_t klen, vlen;
	struct maprecord rec;
	unsigned pos = 0;

	*out = (struct mapraised){0};
	while (cdbmap_next(live, &pos, &key, &klen, &value, &vlen) ==
	       CDBMAP_FOUND) {
		if (!maprecord_is(key, klen, MAPRECORD_DOMAIN) ||
		    !maprecord_parse(&rec, value, vlen))
			continue;
		if (rec.until != 0 && is_held(how, &rec, key + MAPRECORD_PREFIX,
					  klen - MAPRECORD_PREFIX)) {
			out->left++;
			if (out->expires == 0 || rec.until < out->expires)
				out->expires = rec.until;
		} else if (rec.until != 0) {
			out->rows++;
			add_name(out, rec.partner);
		}
		maprecord_release(&rec);
	}
}

static void
set_text(struct maptable *t, struct maprow *r, const char *text)
{
	r->tlen = (uint32_t)strlen(text);
	r->text = arena_copy(&t->arena, text, r->tlen);
}

/* The text of a policy row as it was before, if its downgrade is over. */
static void
raise_row(struct maptable *t, const struct mapraise *how, struct maprow *r)
{
	const struct maprow *record = &t->row[r->record];
	struct maprecord rec;

	if (!maprecord_parse(&rec, record->text, record->tlen))
		return;
	if (rec.until != 0 && !is_held(how, &rec, r->key, r->klen))
		set_text(t, r, rec.full);
	maprecord_release(&rec);
}

/* Of the several partners of a gateway one is no longer lowered: it neither. */
static void
raise_record(
    struct maptable *t, const struct mapraise *how, bool any, struct maprow *r)
{
	const bool gateway = maprecord_is(r->key, r->klen, MAPRECORD_GATEWAY);
	struct maprecord rec, full;
	struct buf text = {0};

	if ((!gateway && !maprecord_is(r->key, r->klen, MAPRECORD_DOMAIN)) ||
	    !maprecord_parse(&rec, r->text, r->tlen))
		return;
	if (rec.until != 0 &&
	    (gateway ? !is_held(how, &rec, NULL, 0) || (rec.more > 0 && any)
		     : !is_held(how, &rec, r->key + MAPRECORD_PREFIX,
			   r->klen - MAPRECORD_PREFIX))) {
		maprecord_of_policy(&full, rec.full, strlen(rec.full));
		rec.level = full.level;
		rec.until = 0;
		rec.full = "";
		maprecord_print(&rec, &text);
		set_text(t, r, text.data);
		buf_free(&text);
	}
	maprecord_release(&rec);
}

/* Postfix obeys the rows also of a map whose header we do not understand. */
static void
raise_header(struct maptable *t, const struct mapraise *how,
    const struct mapraised *raised)
{
	struct buf text = {0};
	struct mapheader h;

	if (t->header == NULL || !mapheader_parse(&h, t->header, t->headerlen))
		return;
	h.time = how->now;
	h.lowered = raised->left;
	h.expires = raised->expires;
	mapheader_print(&h, &text);
	t->header = arena_copy(&t->arena, text.data, text.len);
	t->headerlen = text.len;
	buf_free(&text);
}

int
mapraise_copy(struct cdbmap *live, const struct mapraise *how,
    struct maptable *t, struct err *e)
{
	struct mapraised raised;
	size_t i;

	if (maptable_read(t, live, e) == -1)
		return -1;
	mapraise_look(live, how, &raised);
	raise_header(t, how, &raised);
	for (i = 0; i < t->n; i++)
		if (t->row[i].record != MAPTABLE_NONE)
			raise_row(t, how, &t->row[i]);
	for (i = 0; i < t->n; i++)
		raise_record(t, how, raised.rows > 0, &t->row[i]);
	for (i = 0; i < how->nmarks; i++)
		maptable_mark(t, &how->mark[i]);
	return 0;
}
