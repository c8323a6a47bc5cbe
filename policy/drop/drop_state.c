#include "drop_state.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define SEEN_AFTER 2 /* seconds in which a downgrade is surely seen */

/* Where name stands among the states, or would. */
static size_t
place(const struct drop *d, const char *name, bool *found)
{
	size_t lo = 0, hi = d->n, mid;
	int c;

	*found = false;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = strcmp(d->state[mid]->name, name);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct drop_state *
drop_state_find(const struct drop *d, const char *name)
{
	bool found;
	size_t i = place(d, name, &found);

	return found ? d->state[i] : NULL;
}

struct drop_state *
drop_state_get(struct drop *d, const char *name, bool always)
{
	struct drop_rules rules;
	struct drop_state *p;
	bool found;
	size_t i = place(d, name, &found);

	if (found)
		return d->state[i];
	if (strlen(name) > REGISTRY_NAME_MAX)
		return NULL;
	if (!d->lookup(d->ctx, name, &rules)) {
		if (!always)
			return NULL;
		rules = DROP_GONE;
	}
	p = mem_zero(1, sizeof(*p));
	strcpy(p->name, name);
	p->rules = rules;
	d->state = mem_grow(d->state, d->n, &d->cap, sizeof(*d->state));
	memmove(d->state + i + 1, d->state + i, (d->n - i) * sizeof(*d->state));
	d->state[i] = p;
	d->n++;
	return p;
}

void
drop_state_rename(struct drop *d, const char *from, const char *to)
{
	bool found, taken;
	size_t i = place(d, from, &found), k = place(d, to, &taken);
	struct drop_state *p, *q;

	if (!found || strlen(to) > REGISTRY_NAME_MAX)
		return;
	p = d->state[i];
	if (taken) {
		q = d->state[k];
		if (!q->down.on)
			q->down = p->down;
		p->down.on = false;
		return;
	}
	memmove(
	    d->state + i, d->state + i + 1, (d->n - 1 - i) * sizeof(*d->state));
	if (k > i)
		k--;
	memmove(
	    d->state + k + 1, d->state + k, (d->n - 1 - k) * sizeof(*d->state));
	d->state[k] = p;
	strcpy(p->name, to);
}

bool
drop_state_stale(const struct drop_facts *f, const struct drop_downgrade *l)
{
	bool stale = l->closed - l->begin < SEEN_AFTER;
	size_t i;

	for (i = 0; !stale && i < f->ndowngrades; i++)
		stale = f->downgrade[i].id > l->id &&
			strcmp(f->downgrade[i].partner, l->partner) == 0;
	return stale && !l->automatic;
}

void
drop_state_still(const struct drop *d, struct drop_actions *a)
{
	const struct drop_state *p;
	size_t i;

	for (i = 0; i < a->n; i++) {
		if (a->v[i].what != DROP_TELL_RESTORED)
			continue;
		p = drop_state_find(d, a->v[i].partner);
		a->v[i].still = p != NULL && p->blocked;
	}
}

enum level
drop_state_level(const struct drop_state *p)
{
	return p->down.on && p->down.level < p->rules.full ? p->down.level
							   : p->rules.full;
}

unsigned
drop_state_count(
    const struct drop_state *p, time_t now, time_t *first, time_t *last)
{
	unsigned n = 0;
	size_t i;

	*first = *last = 0;
	for (i = 0; i < p->nfails; i++) {
		time_t t = p->fail[i].time;

		if (t <= now - (time_t)p->rules.window)
			continue;
		if (n++ == 0 || t < *first)
			*first = t;
		if (t > *last)
			*last = t;
	}
	return n;
}

bool
drop_state_failing(const struct drop_state *p)
{
	return p->since != 0 || p->busy != 0 ||
	       (p->down.on && p->down.automatic);
}

/* --- What a report shows ------------------------------------------------- */

enum drop_sight
drop_sight(const struct step_hop *hop, enum level at)
{
	if (hop->passes || (hop->helps && hop->level >= at))
		return DROP_PASSES;
	return hop->helps ? DROP_BLOCKED : DROP_UNKNOWN;
}

bool
drop_state_turns(const struct drop_report *r, const char *nexthop)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->gateway[i].turns.on &&
		    (nexthop == NULL ||
			strcmp(r->gateway[i].nexthop, nexthop) == 0))
			return true;
	return false;
}

bool
drop_state_stranger(const struct drop_state *p, enum level to)
{
	return to < LEVEL_KEY && p->report != NULL &&
	       step_strangers(p->report->gateway, p->report->n, NULL) > 0;
}

/* --- What is to be done -------------------------------------------------- */

struct drop_action *
drop_action_add(
    struct drop_actions *a, enum drop_what what, const struct drop_state *p)
{
	struct drop_action *x;

	a->v = mem_grow(a->v, a->n, &a->cap, sizeof(*a->v));
	x = &a->v[a->n++];
	memset(x, 0, sizeof(*x));
	x->what = what;
	x->partner = x->text = "";
	if (p == NULL)
		return x;
	x->partner = arena_copy(&a->arena, p->name, strlen(p->name));
	x->since = p->since;
	x->from = x->to = drop_state_level(p);
	if (p->down.on) {
		x->id = p->down.id;
		x->automatic = p->down.automatic;
		x->begin = p->down.begin;
		x->until = p->down.end;
		x->fault = p->down.fault;
	}
	return x;
}

void
drop_ask_probe(
    struct drop_state *p, bool control, time_t now, struct drop_actions *a)
{
	struct drop_action *x = drop_action_add(a, DROP_PROBE, p);

	x->at = now;
	x->control = control;
	p->asked = now;
}
