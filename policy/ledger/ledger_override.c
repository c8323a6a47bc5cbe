/*
 * The open downgrades in the form that compile() takes.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "err.h"
#include "ledger_impl.h"
#include "mem.h"
#include "registry.h"

struct gather {
	struct ledger_overrides *out;
	struct override *v;
	size_t n, cap;
	time_t now;
	struct err *e;
	int rv;
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

static const struct strs *
pins(struct gather *g, const struct ledger_downgrade *d)
{
	struct arena *a = &g->out->arena;
	struct strs *list;
	size_t i;

	list = arena_alloc(a, sizeof(*list) + d->nkeys * sizeof(list->v[0]));
	list->n = d->nkeys;
	for (i = 0; i < d->nkeys; i++) {
		/* The row may have been edited. */
		g->rv = ledger_need_hash("key", d->keys[i], g->e);
		if (g->rv == -1)
			return NULL;
		list->v[i] = pin_text(a, d->keys[i]);
	}
	if (list->n == 0 && d->after == LEVEL_KEY)
		g->rv = err_set(g->e, EX_DATAERR,
		    "ledger: downgrade %lld of %s to key pins no key",
		    (long long)d->id, d->partner);
	return list;
}

static bool
take(const struct ledger_downgrade *d, void *arg)
{
	struct gather *g = arg;
	struct override *o;

	if (d->closed != 0 || d->end <= g->now)
		return true;
	g->v = mem_grow(g->v, g->n, &g->cap, sizeof(*g->v));
	o = &g->v[g->n++];
	*o = (struct override){
	    .partner =
		arena_copy(&g->out->arena, d->partner, strlen(d->partner)),
	    .level = d->after,
	    .begin = d->begin,
	    .end = d->end,
	};
	o->key = pins(g, d);
	return g->rv == 0;
}

int
ledger_overrides(
    struct ledger *l, time_t now, struct ledger_overrides *out, struct err *e)
{
	struct gather g = {.out = out, .now = now, .e = e};

	*out = (struct ledger_overrides){0};
	if (ledger_downgrades_open(l, NULL, take, &g, e) == -1)
		g.rv = -1;
	out->list.v = g.v;
	out->list.n = g.n;
	if (g.rv == -1)
		ledger_overrides_release(out);
	return g.rv;
}

void
ledger_overrides_release(struct ledger_overrides *o)
{
	free((void *)(uintptr_t)o->list.v);
	arena_free(&o->arena);
	*o = (struct ledger_overrides){0};
}

int
ledger_overrides_read(
    const char *path, time_t now, struct ledger_overrides *out, struct err *e)
{
	struct ledger *l;
	int rv;

	*out = (struct ledger_overrides){0};
	if ((l = ledger_open(path, LEDGER_READ, e)) == NULL)
		return e->code == EX_NOINPUT ? 0 : -1;
	rv = ledger_overrides(l, now, out, e);
	ledger_close(l);
	return rv;
}
