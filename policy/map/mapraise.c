#include "mapraise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "cdbmap.h"
#include "dname.h"
#include "err.h"
#include "maprecord.h"
#include "mem.h"
#include "registry.h"

#define SKIP (sizeof(MAPRECORD_DOMAIN) - 1)

static bool
begins(const char *key, size_t klen, const char *with)
{
	size_t n = strlen(with);

	return klen > n && memcmp(key, with, n) == 0;
}

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
		if (!begins(key, klen, MAPRECORD_DOMAIN) ||
		    !lowered_by(
			live, key + SKIP, klen - SKIP, value, vlen, a, &o))
			continue;
		for (i = 0; i < n; i++)
			if (strcmp((*v)[i].partner, o.partner) == 0)
				break;
		if (i == n) {
			*v = mem_grow(*v, n, &cap, sizeof(**v));
			(*v)[n++] = o;
		}
		keys.v = mem_grow(keys.v, keys.n, &keys.cap, sizeof(*keys.v));
		keys.v[keys.n++] = (struct lowered_key){
		    arena_copy(a, key + SKIP, klen - SKIP), i};
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
		if (!begins(key, klen, MAPRECORD_DOMAIN) ||
		    !maprecord_parse(&rec, value, vlen))
			continue;
		if (rec.until != 0 &&
		    is_held(how, &rec, key + SKIP, klen - SKIP)) {
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

struct copying {
	struct cdbmap *live;
	const struct mapraise *how;
	struct mapraised raised;
	struct buf text;
};

/* The text of a policy row, as it is or as it was before. */
static void
put_row(struct copying *c, const char *key, size_t klen, const char *value,
    size_t vlen)
{
	struct buf name = {0};
	struct maprecord rec;
	const char *text;
	size_t len;

	buf_puts(&name, MAPRECORD_DOMAIN);
	buf_add(&name, key, klen);
	if (cdbmap_get(c->live, name.data, name.len, &text, &len) ==
		CDBMAP_FOUND &&
	    maprecord_parse(&rec, text, len)) {
		if (rec.until != 0 && !is_held(c->how, &rec, key, klen))
			buf_puts(&c->text, rec.full);
		maprecord_release(&rec);
	}
	if (c->text.len == 0)
		buf_add(&c->text, value, vlen);
	buf_free(&name);
}

/* Of the several partners of a gateway one is no longer lowered: it neither. */
static void
put_record(struct copying *c, const char *key, size_t klen, const char *value,
    size_t vlen)
{
	bool gateway = begins(key, klen, MAPRECORD_GATEWAY);
	struct maprecord rec, full;

	if (!maprecord_parse(&rec, value, vlen)) {
		buf_add(&c->text, value, vlen);
		return;
	}
	if (rec.until != 0 &&
	    (gateway ? !is_held(c->how, &rec, NULL, 0) ||
			   (rec.more > 0 && c->raised.rows > 0)
		     : !is_held(c->how, &rec, key + SKIP, klen - SKIP))) {
		maprecord_of_policy(&full, rec.full, strlen(rec.full));
		rec.level = full.level;
		rec.until = 0;
		rec.full = "";
	}
	maprecord_print(&rec, &c->text);
	maprecord_release(&rec);
}

/* Postfix obeys the rows also of a map whose header we do not understand. */
static void
put_header(struct copying *c, const char *value, size_t vlen)
{
	struct mapheader h;

	if (!mapheader_parse(&h, value, vlen)) {
		buf_add(&c->text, value, vlen);
		return;
	}
	h.time = c->how->now;
	h.lowered = c->raised.left;
	h.expires = c->raised.expires;
	mapheader_print(&h, &c->text);
}

/* One record of the live map. 0 or -1. */
static int
put(struct copying *c, struct cdbmap_writer *w, const char *key, size_t klen,
    const char *value, size_t vlen, struct err *e)
{
	buf_clear(&c->text);
	if (begins(key, klen, MAPMARK_KEY))
		return 0;
	if (klen == sizeof(MAPHEADER_KEY) - 1 &&
	    memcmp(key, MAPHEADER_KEY, klen) == 0) {
		put_header(c, value, vlen);
	} else if (begins(key, klen, MAPRECORD_DOMAIN) ||
		   begins(key, klen, MAPRECORD_GATEWAY)) {
		put_record(c, key, klen, value, vlen);
	} else if (klen > 0 && key[0] == ' ') {
		buf_add(&c->text, value, vlen);
	} else {
		put_row(c, key, klen, value, vlen);
	}
	return cdbmap_add(w, key, klen, c->text.data, c->text.len, e);
}

static int
put_marks(struct copying *c, struct cdbmap_writer *w, struct err *e)
{
	struct buf key = {0};
	size_t i;
	int rv = 0;

	for (i = 0; rv == 0 && i < c->how->nmarks; i++) {
		buf_clear(&key);
		buf_clear(&c->text);
		mapmark_print(&c->how->mark[i], &key, &c->text);
		rv = cdbmap_add(
		    w, key.data, key.len, c->text.data, c->text.len, e);
	}
	buf_free(&key);
	return rv;
}

int
mapraise_copy(struct cdbmap *live, const struct mapraise *how,
    struct cdbmap_writer *w, struct err *e)
{
	struct copying c = {.live = live, .how = how};
	enum cdbmap_answer a = CDBMAP_NOTFOUND;
	const char *key, *value;
	size_t klen, vlen;
	unsigned pos = 0;
	int rv = 0;

	mapraise_look(live, how, &c.raised);
	while (rv == 0 && (a = cdbmap_next(live, &pos, &key, &klen, &value,
			       &vlen)) == CDBMAP_FOUND)
		rv = put(&c, w, key, klen, value, vlen, e);
	if (rv == 0 && a == CDBMAP_BROKEN)
		rv = err_set(e, EX_DATAERR, "the live map is damaged");
	if (rv == 0)
		rv = put_marks(&c, w, e);
	buf_free(&c.text);
	return rv;
}
