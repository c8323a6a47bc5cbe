#include "mapowner.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "evidence_log.h"
#include "ledger.h"
#include "ledger_downgrade.h"
#include "mapevent.h"
#include "mapheir.h"
#include "mem.h"
#include "names.h"
#include "registry.h"

static const char *
name_of(const void *array, uint32_t i)
{
	return ((const struct mapowner *)array)[i].domain;
}

/* That name has the domain, from then on; or had it, up to then. */
static void
put(struct mapowners *o, const char *domain, const char *name, time_t at,
    bool gone)
{
	const size_t len = strlen(domain);
	uint32_t i = strmap_find(&o->map, o->v, domain, len);
	struct mapowner *x;

	if (i == STRMAP_NONE) {
		i = (uint32_t)o->n;
		o->v = mem_grow(o->v, o->n, &o->cap, sizeof(*o->v));
		o->v[o->n++] = (struct mapowner){
		    .domain = arena_copy(&o->arena, domain, len)};
		(void)strmap_add(&o->map, o->v, o->v[i].domain, len, i);
	}
	x = &o->v[i];
	if (x->time > at)
		return;
	if (x->name == NULL || strcmp(x->name, name) != 0) {
		x->before = x->name;
		x->name = arena_copy(&o->arena, name, strlen(name));
	}
	x->time = at;
	x->gone = gone;
}

static void
take_row(const struct ledger_event *ev, const char *key, const char *is,
    const char *was, void *arg)
{
	struct mapowners *o = arg;

	/* A rename is recorded before the map which that registry makes. */
	if (was != NULL)
		put(o, key, ledger_name_now(&o->names, was, 0, ev->time),
		    ev->time, is == NULL);
	if (is != NULL)
		put(o, key, ledger_name_now(&o->names, is, ev->seq, 0),
		    ev->time, false);
}

static bool
take_event(const struct ledger_event *ev, void *arg)
{
	mapevent_owners(ev, take_row, arg);
	return true;
}

static void
take_heir(const struct ledger_event *ev, const struct mapheir *h, void *arg)
{
	struct mapowners *o = arg;

	put(o, h->domain, ledger_name_now(&o->names, h->from, ev->seq, 0),
	    ev->time, false);
	put(o, h->domain, ledger_name_now(&o->names, h->to, ev->seq, 0),
	    ev->time, false);
}

static bool
take_heirs(const struct ledger_event *ev, void *arg)
{
	mapheir_event(ev, take_heir, arg);
	return true;
}

static bool
take_downgrade(const struct ledger_downgrade *d, void *arg)
{
	struct mapowners *o = arg;
	const char *name = ledger_name_now(&o->names, d->partner, 0, d->begin);
	size_t i;

	for (i = 0; i < d->ndomains; i++)
		put(o, d->domains[i], name, d->begin, false);
	return true;
}

int
mapowners_read(
    struct ledger *l, bool domains, struct mapowners *o, struct err *e)
{
	const struct ledger_event_query q = {.kind = MAPEVENT_KIND};
	const struct ledger_event_query heirs = {.kind = MAPHEIR_KIND};

	*o = (struct mapowners){0};
	strmap_init(&o->map, name_of);
	if (ledger_names_read(l, &o->names, e) == -1)
		return -1;
	if (!domains)
		return 0;
	if (ledger_events(l, &q, take_event, o, e) == -1 ||
	    ledger_events(l, &heirs, take_heirs, o, e) == -1)
		return -1;
	return ledger_downgrades(l, NULL, 0, take_downgrade, o, e);
}

static void
take_name(const char *name, void *arg)
{
	if (name != NULL && *name != '\0')
		(void)names_add(arg, name, strlen(name));
}

static void
take_names(const struct ledger_event *ev, const char *key, const char *is,
    const char *was, void *arg)
{
	(void)ev;
	(void)key;
	take_name(is, arg);
	take_name(was, arg);
}

static bool
take_any(const struct ledger_event *ev, void *arg)
{
	take_name(ev->partner, arg);
	mapevent_owners(ev, take_names, arg);
	return true;
}

int
mapowners_names(
    struct ledger *l, struct evidence *v, struct names *out, struct err *e)
{
	const struct ledger_event_query all = {0};

	if (l != NULL && ledger_events(l, &all, take_any, out, e) == -1)
		return -1;
	return evidence_partners(v, take_name, out, e);
}

void
mapowners_release(struct mapowners *o)
{
	ledger_names_release(&o->names);
	strmap_free(&o->map);
	arena_free(&o->arena);
	free(o->v);
	*o = (struct mapowners){0};
}

const struct mapowner *
mapowners_of(const struct mapowners *o, const char *domain)
{
	uint32_t i = o->n == 0
			 ? STRMAP_NONE
			 : strmap_find(&o->map, o->v, domain, strlen(domain));

	return i == STRMAP_NONE ? NULL : &o->v[i];
}

const char *
mapowners_lost(const struct mapowners *o, const struct registry *r,
    const struct partner *p, bool alone, const char **domain)
{
	const char *name = ledger_name_now(&o->names, p->name, 0, 0);
	const struct domain *d = &r->domain[p->first_domain];
	const struct mapowner *was;
	const char *had;
	uint32_t i;

	*domain = NULL;
	if (name != p->name && !registry_leads(r, name))
		return name;
	for (i = 0; i < p->ndomains; i++) {
		was = mapowners_of(o, d[i].name);
		had = was == NULL			? NULL
		      : strcmp(was->name, p->name) != 0 ? was->name
		      : alone				? was->before
							: NULL;
		if (had != NULL && !registry_leads(r, had)) {
			*domain = d[i].name;
			return had;
		}
	}
	return NULL;
}

const char *
mapowners_merged(const struct mapowners *o, const struct registry *r,
    const struct partner *p)
{
	const char *name = ledger_name_now(&o->names, p->name, 0, 0);

	return name != p->name && strcmp(name, p->name) != 0 &&
		       registry_leads(r, name) &&
		       registry_former(r, name) != (uint32_t)(p - r->partner)
		   ? name
		   : NULL;
}

/* --- Two names ----------------------------------------------------------- */

struct two {
	const char *from, *to;
	int64_t first, handed; /* events: of `to`, and that says so; 0: none */
};

static void
take_first(const struct ledger_event *ev, const char *key, const char *is,
    const char *was, void *arg)
{
	struct two *t = arg;

	(void)key;
	if (t->first == 0 && ((is != NULL && strcmp(is, t->to) == 0) ||
				 (was != NULL && strcmp(was, t->to) == 0)))
		t->first = ev->seq;
}

static void
take_handed(const struct ledger_event *ev, const struct mapheir *h, void *arg)
{
	struct two *t = arg;

	if (strcmp(h->from, t->from) == 0 && strcmp(h->to, t->to) == 0)
		t->handed = ev->seq;
}

static bool
take_two(const struct ledger_event *ev, void *arg)
{
	struct two *t = arg;

	take_first(ev, NULL, ev->partner, NULL, t);
	mapevent_owners(ev, take_first, t);
	mapheir_event(ev, take_handed, t);
	return true;
}

bool
mapowners_are_two(struct ledger *l, const char *from, const char *to)
{
	const struct ledger_event_query all = {0};
	struct two t = {.from = from, .to = to};
	struct err ignored;

	return ledger_events(l, &all, take_two, &t, &ignored) == -1 ||
	       t.handed == 0 || (t.first != 0 && t.first < t.handed);
}
