/*
 * The open downgrades in the form that compile() takes. Whoever can write the
 * file can write a row; what lowers a partner has an event that says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "err.h"
#include "ledger_impl.h"
#include "mem.h"
#include "quote.h"
#include "registry.h"

struct gather {
	struct ledger *l;
	struct ledger_overrides *out;
	uint64_t max; /* seconds that one may last */
	struct override *v;
	size_t n, cap, doubt_cap;
	char why[1024]; /* a row is not believed */
};

/* A key as the registry and Postfix write it: AA:BB:... */
static const char *
pin_text(struct arena *a, const char *hex)
{
	char text[3 * (LEDGER_HASH - 1) / 2], *p = text;
	size_t i;

	for (i = 0; i < LEDGER_HASH - 1; i++) {
		if (i > 0 && i % 2 == 0)
			*p++ = ':';
		*p++ = hex[i] >= 'a' ? (char)(hex[i] - 'a' + 'A') : hex[i];
	}
	return arena_copy(a, text, (size_t)(p - text));
}

/* False, and g->why set, if the row pins what is no key. */
static bool
take_pins(
    struct gather *g, const struct ledger_downgrade *d, struct override *o)
{
	struct arena *a = &g->out->arena;
	struct strs *list;
	struct err e;
	size_t i;

	list = arena_alloc(a, sizeof(*list) + d->nkeys * sizeof(list->v[0]));
	list->n = d->nkeys;
	for (i = 0; i < d->nkeys; i++) {
		if (ledger_need_hash("key", d->keys[i], &e) == -1) {
			(void)snprintf(g->why, sizeof(g->why), "%s", e.text);
			return false;
		}
		list->v[i] = pin_text(a, d->keys[i]);
	}
	o->key = list;
	if (list->n > 0 || d->after != LEVEL_KEY)
		return true;
	(void)snprintf(g->why, sizeof(g->why), "it pins no key");
	return false;
}

static const struct strs *
copy_domains(struct gather *g, const struct ledger_downgrade *d)
{
	struct arena *a = &g->out->arena;
	struct strs *list;
	size_t i;

	if (d->ndomains == 0)
		return NULL;
	list = arena_alloc(a, sizeof(*list) + d->ndomains * sizeof(list->v[0]));
	list->n = d->ndomains;
	for (i = 0; i < list->n; i++)
		list->v[i] =
		    arena_copy(a, d->domains[i], strlen(d->domains[i]));
	return list;
}

/* Columns that came later are not in older events: they must be empty. */
static bool
same_row(struct gather *g, const json_t *row, const char *data)
{
	json_t *event = json_loads(data, JSON_REJECT_DUPLICATES, NULL), *v;
	const char *name, *bad = NULL;

	json_object_foreach((json_t *)(uintptr_t)row, name, v)
	{
		const json_t *is = json_object_get(event, name);

		if (is == NULL ? json_is_string(v) && json_string_length(v) == 0
			       : json_equal(is, v))
			continue;
		bad = name;
		break;
	}
	if (bad != NULL || !json_is_object(event))
		(void)snprintf(g->why, sizeof(g->why),
		    "its %s is not what the last event about it says",
		    bad == NULL ? "data" : bad);
	json_decref(event);
	return *g->why == '\0';
}

/* The last event about the row at s: 1 if it bears the row out, 0, or -1. */
static int
is_borne_out(struct gather *g, struct db_stmt *s, struct err *e)
{
	time_t from = db_col_int(s, 4), end = db_col_int(s, 5);
	struct db_stmt *ev;
	json_t *row;
	int rv;

	ev = db_sql(g->l->db,
	    "SELECT data, time, kind FROM event WHERE downgrade = ?"
	    " AND downgrade > 0 ORDER BY seq DESC LIMIT 1");
	db_int(ev, db_col_int(s, 0));
	if ((rv = db_step(ev, e)) == 0)
		(void)snprintf(g->why, sizeof(g->why), "no event tells of it");
	if (rv == 1) {
		row = ledger_downgrade_json(s);
		rv = same_row(g, row, db_col_text(ev, 0));
		json_decref(row);
		if (strcmp(db_col_text(ev, 2), "downgrade-extend") == 0)
			from = db_col_int(ev, 1);
	}
	/* What came after that is no better founded. */
	if (rv == 1 &&
	    (rv = ledger_edit_was_found(g->l, db_col_int(s, 0), e)) != -1 &&
	    (rv = !rv) == 0)
		(void)snprintf(g->why, sizeof(g->why),
		    "it was edited by hand, as the record says");
	if (rv == 1 && (end < from || (uint64_t)(end - from) > g->max)) {
		(void)snprintf(g->why, sizeof(g->why),
		    "its end is further away than max_downgrade allows");
		rv = 0;
	}
	(void)db_done(ev, 0);
	return rv;
}

static void
add_doubt(struct gather *g, struct db_stmt *s)
{
	struct ledger_overrides *o = g->out;
	const char *partner = db_col_text(s, 1);
	struct ledger_doubt *x;
	char *text;

	o->doubt =
	    mem_grow(o->doubt, o->ndoubts, &g->doubt_cap, sizeof(*o->doubt));
	x = &o->doubt[o->ndoubts++];
	x->id = db_col_int(s, 0);
	x->partner = arena_copy(&o->arena, partner, strlen(partner));
	text = mem_printf("downgrade %lld of %s is not believed: %s",
	    (long long)x->id, quotes(partner).s, g->why);
	x->text = arena_copy(&o->arena, text, strlen(text));
	free(text);
}

/* The row at s; 0 or -1. */
static int
take_row(struct gather *g, struct db_stmt *s, struct err *e)
{
	struct ledger_downgrade d;
	struct override o;
	struct err bad;
	int rv;

	*g->why = '\0';
	rv = is_borne_out(g, s, e);
	if (rv == -1)
		return -1;
	if (rv == 1 &&
	    ledger_downgrade_get(s, &g->out->arena, &d, &bad) == -1) {
		(void)snprintf(g->why, sizeof(g->why), "%s", bad.text);
		rv = 0;
	}
	if (rv == 1) {
		o = (struct override){.partner = arena_copy(&g->out->arena,
					  d.partner, strlen(d.partner)),
		    .level = d.after,
		    .begin = d.begin,
		    .end = d.end,
		    .id = d.id};
		rv = take_pins(g, &d, &o);
	}
	if (rv == 0) {
		add_doubt(g, s);
		return 0;
	}
	o.domains = copy_domains(g, &d);
	g->v = mem_grow(g->v, g->n, &g->cap, sizeof(*g->v));
	g->v[g->n++] = o;
	return 0;
}

int
ledger_overrides(struct ledger *l, time_t now, uint64_t max_downgrade,
    struct ledger_overrides *out, struct err *e)
{
	struct gather g = {.l = l, .out = out, .max = max_downgrade};
	struct db_stmt *s;
	int rv;

	*out = (struct ledger_overrides){0};
	s = db_sql(l->db,
	    "SELECT " LEDGER_DOWNGRADE_COLUMNS " FROM downgrade d"
	    " WHERE closed = 0 AND NOT " LEDGER_DOWNGRADE_OVER " ORDER BY id");
	db_int(s, now);
	while ((rv = db_step(s, e)) == 1 && (rv = take_row(&g, s, e)) == 0)
		;
	(void)db_done(s, 0);
	out->list.v = g.v;
	out->list.n = g.n;
	if (rv == -1)
		ledger_overrides_release(out);
	return rv;
}

void
ledger_overrides_release(struct ledger_overrides *o)
{
	free((void *)(uintptr_t)o->list.v);
	free(o->doubt);
	arena_free(&o->arena);
	*o = (struct ledger_overrides){0};
}

int
ledger_downgrade_is_open(struct ledger *l, const char *partner, int64_t id,
    time_t begin, time_t by, int64_t *found, struct err *e)
{
	struct db_stmt *s;
	int rv;

	s = db_sql(l->db,
	    "SELECT id FROM downgrade WHERE closed = 0 AND partner = ?1"
	    " AND CASE ?2 WHEN 0 THEN begin <= ?4 ELSE id = ?2"
	    " AND (?3 = 0 OR begin = ?3) END");
	db_text(s, partner);
	db_int(s, id);
	db_int(s, begin);
	db_int(s, by);
	if ((rv = db_step(s, e)) == 1)
		*found = db_col_int(s, 0);
	(void)db_done(s, 0);
	return rv;
}
