#include "drop_priv.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

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

static struct drop_state *
insert(struct drop *d, size_t i, const char *name, const struct drop_rules *r)
{
	struct drop_state *p = mem_zero(1, sizeof(*p));

	strcpy(p->name, name);
	drop_state_rules(p, r);
	d->state = mem_grow(d->state, d->n, &d->cap, sizeof(*d->state));
	memmove(d->state + i + 1, d->state + i, (d->n - i) * sizeof(*d->state));
	d->state[i] = p;
	d->n++;
	return p;
}

struct drop_state *
drop_state_get(struct drop *d, const char *name)
{
	struct drop_rules rules = {0};
	bool found;
	size_t i = place(d, name, &found);

	if (found)
		return d->state[i];
	if (strlen(name) > REGISTRY_NAME_MAX ||
	    !d->lookup(d->ctx, name, &rules))
		return NULL;
	return insert(d, i, name, &rules);
}

/* Of a partner that is not (any more) in the registry. */
static const struct drop_rules gone = {.full = LEVEL_OPPORTUNISTIC,
    .count = 1,
    .window = 1};

struct drop_state *
drop_state_force(struct drop *d, const char *name)
{
	struct drop_state *p = drop_state_get(d, name);
	bool found;

	if (p != NULL || strlen(name) > REGISTRY_NAME_MAX)
		return p;
	return insert(d, place(d, name, &found), name, &gone);
}

void
drop_state_gone(struct drop_state *p)
{
	drop_state_rules(p, &gone);
}

static void
forget_nexthops(struct drop_state *p)
{
	size_t i;

	for (i = 0; i < p->nnexthops; i++)
		free(p->nexthop[i]);
	p->nnexthops = 0;
}

void
drop_state_remove(struct drop *d, size_t i)
{
	struct drop_state *p = d->state[i];

	forget_nexthops(p);
	free(p->fail);
	free(p->report);
	free(p->begun);
	free(p);
	d->n--;
	memmove(d->state + i, d->state + i + 1, (d->n - i) * sizeof(*d->state));
}

static bool
said(const char *s)
{
	return s != NULL && *s != '\0';
}

static uint8_t
nexthop_index(struct drop_state *p, const char *nexthop)
{
	size_t i;

	if (!said(nexthop))
		return DROP_NEXTHOP_NONE;
	for (i = 0; i < p->nnexthops; i++)
		if (strcmp(p->nexthop[i], nexthop) == 0)
			return (uint8_t)i;
	if (i == DROP_NEXTHOPS_MAX)
		return DROP_NEXTHOP_NONE;
	p->nexthop[i] = mem_dup(nexthop);
	p->nnexthops++;
	return (uint8_t)i;
}

void
drop_state_add_failure(
    struct drop_state *p, const struct drop_failure *f, time_t time)
{
	size_t max = p->rules.count;

	if (p->fail == NULL)
		p->fail = mem_zero(max, sizeof(*p->fail));
	if (p->nfails == max)
		memmove(p->fail, p->fail + 1, --p->nfails * sizeof(*p->fail));
	p->fail[p->nfails].time = time;
	p->fail[p->nfails].fault = (uint8_t)f->fault;
	p->fail[p->nfails].nexthop = nexthop_index(p, f->nexthop);
	p->nfails++;
}

void
drop_state_forgive(struct drop_state *p, const char *nexthop, time_t upto)
{
	size_t i, n = 0;

	for (i = 0; i < p->nfails; i++) {
		const struct drop_fail *f = &p->fail[i];
		bool same = !said(nexthop) || f->nexthop == DROP_NEXTHOP_NONE ||
			    strcmp(p->nexthop[f->nexthop], nexthop) == 0;

		if (!same || f->time > upto)
			p->fail[n++] = *f;
	}
	p->nfails = n;
	/* By those that are left the threshold is met later, or not at all. */
	if (p->met <= upto)
		p->met = 0;
	if (n == 0) {
		forget_nexthops(p);
		p->met = p->control = 0;
	}
}

void
drop_state_rules(struct drop_state *p, const struct drop_rules *r)
{
	size_t over;

	/* A ring of another size: the newest failures stay. */
	if (p->fail != NULL && r->count != p->rules.count) {
		struct drop_fail *fail;
		size_t max = r->count == 0 ? 1 : r->count;

		if (max > DROP_COUNT_MAX_KEPT)
			max = DROP_COUNT_MAX_KEPT;
		over = p->nfails > max ? p->nfails - max : 0;
		fail = mem_zero(max, sizeof(*fail));
		p->nfails -= over;
		memcpy(fail, p->fail + over, p->nfails * sizeof(*fail));
		free(p->fail);
		p->fail = fail;
	}
	p->rules = *r;
	if (p->rules.count == 0)
		p->rules.count = 1;
	if (p->rules.count > DROP_COUNT_MAX_KEPT)
		p->rules.count = DROP_COUNT_MAX_KEPT;
}

/* Copy s to *at, and move that on. */
static const char *
put(char **at, const char *s)
{
	char *start = *at;
	size_t len = s == NULL ? 0 : strlen(s);

	if (len > 0)
		memcpy(start, s, len);
	start[len] = '\0';
	*at += len + 1;
	return start;
}

static size_t
room(const char *s)
{
	return s == NULL ? 1 : strlen(s) + 1;
}

void
drop_state_keep(struct drop_state *p, const struct drop_report *r, time_t time)
{
	size_t i, size = sizeof(*r) + r->n * sizeof(*r->gateway);
	struct step_gateway *to;
	struct drop_report *copy;
	char *at;

	for (i = 0; i < r->n; i++)
		size += room(r->gateway[i].nexthop) + room(r->gateway[i].host) +
			room(r->gateway[i].key) + room(r->gateway[i].last_key) +
			room(r->gateway[i].address);
	copy = mem_alloc(size);
	to = (struct step_gateway *)(copy + 1);
	at = (char *)(to + r->n);
	*copy = (struct drop_report){
	    .partner = p->name, .time = time, .gateway = to, .n = r->n};
	for (i = 0; i < r->n; i++) {
		const struct step_gateway *g = &r->gateway[i];

		to[i] = *g;
		to[i].nexthop = put(&at, g->nexthop);
		to[i].host = put(&at, g->host);
		to[i].key = put(&at, g->key);
		to[i].last_key = put(&at, g->last_key);
		to[i].address = put(&at, g->address);
	}
	free(p->report);
	p->report = copy;
}

void
drop_state_count_begin(struct drop *d, struct drop_state *p, time_t t)
{
	size_t i, n = 0;

	for (i = 0; i < p->nbegun; i++)
		if (p->begun[i] > d->now - DROP_DAY)
			p->begun[n++] = p->begun[i];
	p->nbegun = n;
	if (t <= d->now - DROP_DAY)
		return;
	if (n == DROP_A_DAY_MAX)
		memmove(
		    p->begun, p->begun + 1, --p->nbegun * sizeof(*p->begun));
	p->begun =
	    mem_grow(p->begun, p->nbegun, &p->begun_cap, sizeof(*p->begun));
	p->begun[p->nbegun++] = t;
}

static void
back(time_t *t, time_t by)
{
	/* 0 means "not"; a time stays a time. */
	if (*t != 0)
		*t = *t > by ? *t - by : 1;
}

void
drop_state_shift(struct drop_state *p, time_t by)
{
	time_t *const times[] = {&p->low.begin, &p->low.end, &p->low.asked,
	    &p->low.passed, &p->since, &p->onset, &p->seen, &p->ignore,
	    &p->reported, &p->met, &p->asked, &p->control, &p->vouched,
	    &p->busy, &p->doubted};
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		back(times[i], by);
	for (i = 0; i < p->nfails; i++)
		back(&p->fail[i].time, by);
	for (i = 0; i < p->nbegun; i++)
		back(&p->begun[i], by);
	if (p->report != NULL)
		back(&p->report->time, by);
}

enum level
drop_state_level(const struct drop_state *p)
{
	return p->low.on && p->low.level < p->rules.full ? p->low.level
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
