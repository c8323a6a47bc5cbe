#include "mapheir.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "ledger.h"
#include "ledger_rename.h"
#include "mem.h"
#include "registry.h"

static void
add(struct mapheirs *h, const struct mapheir *x)
{
	h->v = mem_grow(h->v, h->n, &h->cap, sizeof(*h->v));
	h->v[h->n++] = *x;
}

void
mapheirs_find(
    const struct registry *was, const struct registry *is, struct mapheirs *out)
{
	bool *seen = mem_zero(was->npartners + 1, sizeof(*seen));
	const struct partner *p, *q;
	const struct domain *d;
	uint32_t i;
	size_t k;

	for (k = 0; k < is->ndomains; k++) {
		d = &is->domain[k];
		if ((i = registry_domain(was, d->name)) == REGISTRY_NONE)
			continue;
		p = &is->partner[d->partner];
		i = was->domain[i].partner;
		q = &was->partner[i];
		if (strcmp(p->name, q->name) == 0 || seen[i])
			continue;
		seen[i] = true; /* or needs no word */
		if (!registry_leads(is, q->name))
			add(out, &(struct mapheir){.from = q->name,
				     .to = p->name,
				     .domain = d->name});
	}
	free(seen);
}

static int
record(struct ledger *l, const struct mapheir *h, const char *author,
    time_t now, struct err *e)
{
	char *text = mem_printf("%s is no partner any more: %s is %s's from "
				"now on",
	    h->from, h->domain, h->to);
	char *data = json_compact(json_pack("{s:s, s:s, s:s}", "from", h->from,
	    "to", h->to, "domain", h->domain));
	const struct ledger_event ev = {.time = now,
	    .kind = MAPHEIR_KIND,
	    .partner = h->from,
	    .author = author,
	    .text = text,
	    .data = data};
	int rv = ledger_event_add(l, &ev, e);

	free(text);
	free(data);
	return rv;
}

int
mapheirs_record(struct ledger *l, const struct mapheirs *h, const char *author,
    time_t now, struct err *e)
{
	size_t i;

	for (i = 0; i < h->n && i < MAPHEIR_MAX; i++)
		if (record(l, &h->v[i], author, now, e) == -1)
			return -1;
	return 0;
}

void
mapheir_event(const struct ledger_event *ev, mapheir_fn *fn, void *arg)
{
	struct mapheir h = {.time = ev->time};
	json_t *data;

	if (strcmp(ev->kind, MAPHEIR_KIND) != 0)
		return;
	data = json_loads(ev->data, 0, NULL);
	if (json_unpack(data, "{s:s, s:s, s:s}", "from", &h.from, "to", &h.to,
		"domain", &h.domain) == 0)
		fn(ev, &h, arg);
	json_decref(data);
}

struct reading {
	const struct registry *r;
	struct ledger_names names;
	struct mapheirs *out;
};

static void
take(const struct ledger_event *ev, const struct mapheir *h, void *arg)
{
	struct reading *g = arg;
	struct arena *a = &g->out->arena;
	/* What either is called since. */
	const char *from = ledger_name_now(&g->names, h->from, ev->seq, 0);
	const char *to = ledger_name_now(&g->names, h->to, ev->seq, 0);
	size_t i;

	if (registry_leads(g->r, from) || !registry_has(g->r, to, h->domain))
		return;
	for (i = 0; i < g->out->n; i++)
		if (strcmp(g->out->v[i].from, from) == 0 &&
		    strcmp(g->out->v[i].to, to) == 0)
			return;
	add(g->out, &(struct mapheir){.from = arena_copy(a, from, strlen(from)),
			.to = arena_copy(a, to, strlen(to)),
			.domain = arena_copy(a, h->domain, strlen(h->domain)),
			.time = h->time});
}

static bool
take_event(const struct ledger_event *ev, void *arg)
{
	mapheir_event(ev, take, arg);
	return true;
}

int
mapheirs_read(struct ledger *l, const struct registry *r, time_t since,
    struct mapheirs *out, struct err *e)
{
	const struct ledger_event_query q = {
	    .kind = MAPHEIR_KIND, .since = since};
	struct reading g = {.r = r, .out = out};
	int rv = ledger_names_read(l, &g.names, e);

	if (rv == 0)
		rv = ledger_events(l, &q, take_event, &g, e);
	ledger_names_release(&g.names);
	return rv;
}

void
mapheirs_release(struct mapheirs *h)
{
	free(h->v);
	arena_free(&h->arena);
	*h = (struct mapheirs){0};
}
