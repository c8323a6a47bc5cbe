#include "mapdiff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cdbmap.h"
#include "compile.h"
#include "settings.h"
#include "mem.h"
#include "strmap.h"

#define LOST_AT_LEAST 2 /* rows that a percentage always lets pass */

static void
note(struct mapdiff *d, bool list, const struct difference *x)
{
	d->count[x->change]++;
	if (!list || x->change == CHANGE_NONE)
		return;
	d->v = mem_grow(d->v, d->n, &d->cap, sizeof(*d->v));
	d->v[d->n] = *x;
	if (x->is != NULL)
		d->v[d->n].is = arena_copy(&d->arena, x->is, strlen(x->is));
	d->n++;
}

static bool
is_enforced(const char *text, size_t len)
{
	enum level level;

	/* What is not understood protects somebody: count it. */
	return !strength_level(text, len, &level) ||
	       level > LEVEL_OPPORTUNISTIC;
}

/* Compare each new row with the live one; returns how many were found. */
static size_t
compare_rows(
    struct mapdiff *d, struct cdbmap *live, struct compiled *c, bool list)
{
	struct difference x;
	const struct row *row;
	size_t i, found = 0;

	for (i = 0; i < c->n; i++) {
		row = &c->row[i];
		x = (struct difference){
		    .change = CHANGE_ADDED, .key = compiled_key(c, row)};
		x.keylen = strlen(x.key);
		x.is = compiled_text(c, row);
		if (live != NULL)
			switch (cdbmap_get(
			    live, x.key, x.keylen, &x.was, &x.waslen)) {
			case CDBMAP_FOUND:
				found++;
				x.change = strength_compare(
				    x.was, x.waslen, x.is, strlen(x.is));
				break;
			case CDBMAP_BROKEN:
				d->damaged = true;
				break;
			case CDBMAP_NOTFOUND:
				break;
			}
		if (row->record) {
			d->records += x.change != CHANGE_NONE;
			continue;
		}
		/* A downgrade weakens on purpose, with a record of its own. */
		if (x.change == CHANGE_WEAKER && !row->lowered &&
		    is_enforced(x.was, x.waslen))
			d->lost++;
		note(d, list, &x);
	}
	return found;
}

static const char *
row_key(const void *array, uint32_t i)
{
	const struct compiled *c = array;

	return compiled_key(c, &c->row[i]);
}

static void
take_header(struct mapdiff *d, const char *value, size_t len)
{
	d->has_header = mapheader_parse(&d->header, value, len);
}

/* Walk the live map: count it, and find what is gone if anything is. */
static void
walk_live(struct mapdiff *d, struct cdbmap *live, const struct strmap *rows,
    struct compiled *c, bool list)
{
	struct difference x = {.change = CHANGE_REMOVED};
	enum cdbmap_answer a;
	unsigned pos = 0;
	bool record;

	while ((a = cdbmap_next(live, &pos, &x.key, &x.keylen, &x.was,
		    &x.waslen)) == CDBMAP_FOUND) {
		if (x.keylen == sizeof(MAPHEADER_KEY) - 1 &&
		    memcmp(x.key, MAPHEADER_KEY, x.keylen) == 0) {
			take_header(d, x.was, x.waslen);
			continue;
		}
		record = x.keylen > 0 && x.key[0] == ' ';
		if (rows == NULL && record) {
			d->live_records++;
			continue;
		}
		if (rows == NULL) {
			d->live++;
			d->live_enforced += is_enforced(x.was, x.waslen);
			continue;
		}
		if (strmap_find(rows, c, x.key, x.keylen) != STRMAP_NONE)
			continue;
		if (record) {
			d->records++;
			continue;
		}
		d->lost += is_enforced(x.was, x.waslen);
		note(d, list, &x);
	}
	d->damaged = d->damaged || a == CDBMAP_BROKEN;
}

void
mapdiff(struct mapdiff *d, struct cdbmap *live, struct compiled *c, bool list)
{
	struct strmap rows;
	size_t found, i;
	const char *key;

	*d = (struct mapdiff){.emptied = c->partners == 0};
	if (live == NULL && !list) {
		d->records = c->records;
		d->count[CHANGE_ADDED] = c->n - c->records;
		return;
	}
	found = compare_rows(d, live, c, list);
	if (live == NULL)
		return;
	walk_live(d, live, NULL, c, list);
	if (found == d->live + d->live_records)
		return;
	strmap_init(&rows, row_key);
	for (i = 0; i < c->n; i++) {
		key = compiled_key(c, &c->row[i]);
		(void)strmap_add(&rows, c, key, strlen(key), (uint32_t)i);
	}
	walk_live(d, live, &rows, c, list);
	strmap_free(&rows);
}

void
mapdiff_release(struct mapdiff *d)
{
	free(d->v);
	arena_free(&d->arena);
	*d = (struct mapdiff){0};
}

bool
mapdiff_any(const struct mapdiff *d)
{
	size_t i;

	for (i = CHANGE_ADDED; i <= CHANGE_OTHER; i++)
		if (d->count[i] > 0)
			return true;
	return d->damaged || d->records > 0;
}

bool
mapdiff_too_much(const struct mapdiff *d, const char *limit, size_t *allowed)
{
	struct limit l;

	if (limit_parse(limit, &l) == -1)
		l.n = 0;
	if (l.percent) {
		l.n = d->live_enforced * l.n / 100;
		if (l.n < LOST_AT_LEAST)
			l.n = LOST_AT_LEAST;
	}
	*allowed = (size_t)l.n;
	/* A registry without any partner is an accident of its own kind. */
	return d->lost > l.n || (d->emptied && d->lost > 0);
}
