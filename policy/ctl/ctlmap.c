/*
 * What the map says: the one that Postfix reads, and so the last word on what
 * is lowered.
 */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cdbmap.h"
#include "ctl.h"
#include "ctlact_priv.h"
#include "dname.h"
#include "err.h"
#include "maprecord.h"
#include "mapraise.h"
#include "registry.h"
#include "strength.h"

struct map {
	struct cdbmap *cdb; /* NULL: why tells */
	struct err why;
	struct mapheader header;
	struct override *v; /* that it has lowered */
	size_t n;
	struct arena arena;
};

static void
open_map(const struct ctl *c, struct map *m)
{
	const char *text;
	size_t len;

	*m = (struct map){0};
	if ((m->cdb = cdbmap_open(c->set.map, &m->why)) == NULL)
		return;
	if (cdbmap_get(m->cdb, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1, &text,
		&len) == CDBMAP_FOUND &&
	    !mapheader_parse(&m->header, text, len))
		m->header.time = 0;
	m->n = mapraise_lowered(m->cdb, &m->arena, &m->v);
}

static void
close_map(struct map *m)
{
	free(m->v);
	arena_free(&m->arena);
	cdbmap_close(m->cdb);
}

/* The level to which a lowered partner goes back, by its first record. */
static enum level
full_level(const struct map *m, const struct override *o)
{
	enum level level = LEVEL_SECURE;
	struct maprecord rec;
	struct buf key = {0};
	const char *text;
	size_t len;

	buf_puts(&key, MAPRECORD_DOMAIN);
	buf_puts(&key, o->domains->v[0]);
	if (cdbmap_get(m->cdb, key.data, key.len, &text, &len) ==
		CDBMAP_FOUND &&
	    maprecord_parse(&rec, text, len)) {
		if (!strength_level(rec.full, strlen(rec.full), &level))
			level = LEVEL_SECURE;
		maprecord_release(&rec);
	}
	buf_free(&key);
	return level;
}

/* Domains of the partner that the downgrade does not cover. */
static void
count_spared(const struct ctl *c, struct ctl_facts *f, const struct override *o)
{
	const char *name;
	uint32_t i;

	for (i = 0; f->partner != NULL && i < f->partner->ndomains; i++) {
		name = c->registry->domain[f->partner->first_domain + i].name;
		if (override_covers(o, name))
			continue;
		if (f->low.spared++ == 0)
			f->low.spared_one = name;
	}
}

static void
take_map(const struct ctl *c, const struct map *m, struct ctl_facts *f)
{
	const struct override *o;
	const char *key, *text;
	size_t len, i;

	if (f->partner != NULL && f->partner->ndomains > 0) {
		key = c->registry->domain[f->partner->first_domain].name;
		if (cdbmap_get(m->cdb, key, strlen(key), &text, &len) ==
		    CDBMAP_FOUND)
			f->in_map = strength_level(text, len, &f->map_level);
	}
	for (i = 0; i < m->n; i++) {
		o = &m->v[i];
		if (strcmp(o->partner, f->name) != 0)
			continue;
		f->low = (struct ctl_low){.rows = o->domains->n,
		    .level = o->level,
		    .full = full_level(m, o),
		    .end = o->end};
		f->in_map = true;
		f->map_level = o->level;
		count_spared(c, f, o);
	}
}

void
ctl_facts_map(const struct ctl *c, struct ctl_facts *f, size_t n)
{
	const char *why = NULL;
	struct map m;
	size_t i;

	open_map(c, &m);
	if (m.cdb == NULL && n > 0)
		why = arena_copy(&f->arena, m.why.text, strlen(m.why.text));
	for (i = 0; i < n; i++) {
		f[i].map_fault = why;
		f[i].map_time = m.header.time;
		f[i].in_map = false;
		f[i].low = (struct ctl_low){0};
		if (why == NULL)
			take_map(c, &m, &f[i]);
	}
	close_map(&m);
}

static void
take_name(const struct map *m, const struct override *o, struct ctl_facts *f)
{
	f->name = arena_copy(&f->arena, o->partner, strlen(o->partner));
	f->full = full_level(m, o);
}

/* Does mail to that domain go by a row that o has lowered? */
static bool
is_their_domain(const struct override *o, const char *domain)
{
	for (; domain != NULL; domain = registry_up(domain))
		if (override_covers(o, domain))
			return true;
	return false;
}

bool
ctl_map_find(const struct ctl *c, const char *name, struct ctl_facts *f)
{
	char buf[DNAME_NEXTHOP_MAX + 1];
	struct dname plain;
	const char *domain = name;
	bool found = false;
	struct map m;
	size_t i;

	if (dname_nexthop(name, buf, &plain) == NULL)
		domain = plain.s;
	open_map(c, &m);
	for (i = 0; i < m.n && !found; i++) {
		found = strcmp(m.v[i].partner, name) == 0 ||
			is_their_domain(&m.v[i], domain);
		if (found)
			take_name(&m, &m.v[i], f);
	}
	close_map(&m);
	return found;
}

size_t
ctl_map_others(const struct ctl *c, struct ctl_facts *f, size_t max)
{
	const struct registry *r = c->registry;
	size_t n = 0, i;
	struct map m;
	uint32_t k;

	open_map(c, &m);
	for (i = 0; i < m.n; i++) {
		k = r == NULL ? REGISTRY_NONE
			      : registry_find(r, m.v[i].partner);
		if (k != REGISTRY_NONE &&
		    strcmp(r->partner[k].name, m.v[i].partner) == 0)
			continue;
		if (n < max)
			take_name(&m, &m.v[i], &f[n]);
		n++;
	}
	close_map(&m);
	return n < max || max == 0 ? n : max;
}

bool
ctl_map_remembers(const struct ctl *c)
{
	const char *key, *value;
	size_t klen, vlen;
	struct mapmark mark;
	unsigned pos = 0;
	bool found = false;
	struct map m;

	open_map(c, &m);
	while (!found && m.cdb != NULL &&
	       cdbmap_next(m.cdb, &pos, &key, &klen, &value, &vlen) ==
		   CDBMAP_FOUND)
		found = mapmark_parse(&mark, key, klen, value, vlen, &m.arena);
	close_map(&m);
	return found;
}
