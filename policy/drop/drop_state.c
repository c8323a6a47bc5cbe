#include "drop_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "num.h"
#include "quote.h"

#define TEXT_GATEWAYS 6 /* named in the evidence */

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
	arena_free(&p->kept);
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
	/* By those that are left the threshold is reached later, or not at all.
	 */
	if (p->reached <= upto)
		p->reached = 0;
	if (n == 0) {
		forget_nexthops(p);
		p->reached = p->control = 0;
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

static const char *
keep(struct drop_state *p, const char *s)
{
	return s == NULL ? "" : arena_copy(&p->kept, s, strlen(s));
}

void
drop_state_keep(struct drop_state *p, const struct drop_report *r, time_t time)
{
	struct step_gateway *v;
	size_t i;

	arena_free(&p->kept);
	v = arena_alloc(&p->kept, r->n * sizeof(*v));
	for (i = 0; i < r->n; i++) {
		v[i] = r->gateway[i];
		v[i].nexthop = keep(p, v[i].nexthop);
		v[i].host = keep(p, v[i].host);
		v[i].key = keep(p, v[i].key);
		v[i].last_key = keep(p, v[i].last_key);
		v[i].address = keep(p, v[i].address);
	}
	p->report = arena_alloc(&p->kept, sizeof(*p->report));
	*p->report = (struct drop_report){
	    .partner = p->name, .time = time, .gateway = v, .n = r->n};
}

void
drop_state_unkeep(struct drop_state *p)
{
	arena_free(&p->kept);
	p->report = NULL;
}

void
drop_state_count_begin(struct drop *d, struct drop_state *p, time_t t)
{
	size_t i, n = 0;

	for (i = 0; i < p->nbegun; i++)
		if (p->begun[i] > d->now - CLOCK_DAY)
			p->begun[n++] = p->begun[i];
	p->nbegun = n;
	if (t <= d->now - CLOCK_DAY)
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
	time_t *const times[] = {&p->down.begin, &p->down.end, &p->down.asked,
	    &p->down.passed, &p->since, &p->onset, &p->seen, &p->ignore,
	    &p->reported, &p->reached, &p->asked, &p->control, &p->vouched,
	    &p->busy, &p->unconfirmed_at};
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

/* --- Who passes ---------------------------------------------------------- */

/* Forget the partner; true if what is known of it is later than t. */
static bool
forget(struct drop_roll *roll, const char *name, time_t t, bool always)
{
	struct drop_passed *v = roll->v;
	size_t i;

	for (i = 0; i < roll->n; i++)
		if (strcmp(v[i].name, name) == 0)
			break;
	if (i == roll->n)
		return false;
	if (!always && v[i].time > t)
		return true;
	roll->n--;
	memmove(v + i, v + i + 1, (roll->n - i) * sizeof(*v));
	return false;
}

void
drop_state_passed(struct drop *d, const char *name,
    const struct drop_rules *rules, bool passes, time_t t, time_t now)
{
	struct drop_roll *roll = &d->passed[rules->by];
	struct drop_passed *v = roll->v;
	bool later = false;
	size_t i;

	for (i = 0; !passes && i < d->n; i++)
		if (strcmp(d->state[i]->name, name) != 0)
			d->state[i]->vouched = 0;
	for (i = 0; i < DROP_BY_COUNT; i++)
		later |= forget(&d->passed[i], name, t, !passes);
	if (!passes || later || strlen(name) > REGISTRY_NAME_MAX)
		return;
	for (i = 0; i < roll->n && v[i].time > t; i++)
		;
	if (i == DROP_PASSED_MAX)
		return;
	if (roll->n == DROP_PASSED_MAX)
		roll->n--;
	memmove(v + i + 1, v + i, (roll->n - i) * sizeof(*v));
	roll->n++;
	strcpy(v[i].name, name);
	v[i].time = t;
	v[i].known = now;
	v[i].ca = rules->ca;
}

void
drop_state_passed_shift(struct drop *d, time_t by)
{
	size_t i, k;

	for (k = 0; k < DROP_BY_COUNT; k++)
		for (i = 0; i < d->passed[k].n; i++) {
			d->passed[k].v[i].time -= by;
			d->passed[k].v[i].known -= by;
		}
}

/* --- What a report means ------------------------------------------------- */

#define TEXT_GATEWAYS 6 /* named in the evidence */

/* Does mail of that level move? */
static enum drop_sight
sight_of(const struct step_hop *hop, enum level at)
{
	if (hop->passes || (hop->helps && hop->level >= at))
		return DROP_PASSES;
	return hop->helps ? DROP_BLOCKED : DROP_UNKNOWN;
}

enum drop_sight
drop_judge_nexthop(
    const struct drop_report *r, size_t i, enum level at, bool no_key)
{
	struct step_hop hop;

	if (!step_hop(r->gateway, r->n, i, LEVEL_SECURE, no_key, &hop))
		return DROP_UNKNOWN;
	return sight_of(&hop, at);
}

enum drop_sight
drop_judge_sight(
    const struct drop_report *r, enum level full, bool no_key, time_t *since)
{
	enum drop_sight sight = DROP_UNKNOWN, one;
	struct step_hop hop;
	size_t i;

	*since = 0;
	for (i = 0; i < r->n; i++) {
		if (!step_hop(r->gateway, r->n, i, LEVEL_SECURE, no_key, &hop))
			continue;
		one = sight_of(&hop, full);
		if (one == DROP_BLOCKED && hop.since > *since)
			*since = hop.since;
		if (one == DROP_BLOCKED || sight == DROP_UNKNOWN)
			sight = one;
	}
	return sight;
}

bool
drop_judge_worked(const struct drop_report *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->gateway[i].last_key != NULL &&
		    *r->gateway[i].last_key != '\0')
			return true;
	return false;
}

/* Does the report speak of that next-hop? */
static bool
knows(const struct drop_report *r, const char *nexthop)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->gateway[i].nexthop, nexthop) == 0)
			return true;
	return false;
}

/* Could failure f have been one of the next-hop of gateway i? */
static bool
concerns(const struct drop_state *p, const struct drop_fail *f, size_t i)
{
	const char *nexthop;

	if (f->nexthop == DROP_NEXTHOP_NONE)
		return true;
	nexthop = p->nexthop[f->nexthop];
	return strcmp(nexthop, p->report->gateway[i].nexthop) == 0 ||
	       !knows(p->report, nexthop);
}

static bool
same_fault(enum fault logged, enum fault seen)
{
	return logged == seen || fault_smallest_step(logged, false) ==
				     fault_smallest_step(seen, false);
}

/* A failure of p within the window is what a gateway of i's next-hop shows. */
static bool
matches(const struct drop_state *p, size_t i, time_t now, bool *touched)
{
	const struct drop_report *r = p->report;
	size_t j, k;

	*touched = false;
	for (k = 0; k < p->nfails; k++) {
		const struct drop_fail *f = &p->fail[k];

		if (f->time <= now - (time_t)p->rules.window ||
		    !concerns(p, f, i))
			continue;
		*touched = true;
		for (j = i; j < r->n; j++) {
			const struct step_gateway *g = &r->gateway[j];

			if (strcmp(g->nexthop, r->gateway[i].nexthop) == 0 &&
			    fault_is_tls(g->fault) &&
			    fault_stops_mail(g->fault) &&
			    same_fault((enum fault)f->fault, g->fault))
				return true;
		}
	}
	return false;
}

void
drop_judge_confirm(const struct drop_state *p, bool no_key, time_t now,
    struct drop_verdict *out)
{
	const struct drop_report *r = p->report;
	struct step_hop hop;
	enum drop_sight sight;
	bool touched, same;
	size_t i;

	*out = (struct drop_verdict){.step = drop_state_level(p)};
	for (i = 0; i < r->n; i++) {
		if (!step_hop(r->gateway, r->n, i, LEVEL_SECURE, no_key, &hop))
			continue;
		sight = sight_of(&hop, drop_state_level(p));
		if (sight == DROP_PASSES)
			continue;
		same = matches(p, i, now, &touched);
		if (!touched)
			continue;
		if (sight == DROP_UNKNOWN) {
			out->not_tls = true;
			if (out->fault == FAULT_OK)
				out->fault = r->gateway[i].fault;
		} else if (!same) {
			out->blocked = true;
			if (!out->confirmed)
				out->fault = hop.fault;
		} else {
			if (!out->confirmed || hop.level < out->step) {
				out->step = hop.level;
				out->fault = hop.fault;
			}
			out->confirmed = true;
		}
	}
}

bool
drop_judge_stranger(const struct drop_state *p, enum level to)
{
	return to < LEVEL_KEY && p->report != NULL &&
	       step_strangers(p->report->gateway, p->report->n, NULL) > 0;
}

/* A host name without the quotes of quote(). */
static void
put_name(struct buf *b, const char *s)
{
	struct quoted q = quotes(s);

	buf_add(b, q.s + 1, strlen(q.s) - 2);
}

const char *
drop_judge_text(const struct drop_state *p, unsigned failures, time_t first,
    struct arena *arena)
{
	const struct drop_report *r = p->report;
	char time[NUM_TIME_MAX];
	struct buf b = {0};
	const char *text;
	size_t i, len;

	buf_printf(&b, "%u failed deliver%s since %s", failures,
	    failures == 1 ? "y" : "ies", num_time_text(first, time));
	if (r == NULL)
		buf_puts(&b, "; no probe");
	else
		buf_printf(&b, "; probe %s:", num_time_text(r->time, time));
	for (i = 0; r != NULL && i < r->n; i++) {
		const struct step_gateway *g = &r->gateway[i];

		if (i == TEXT_GATEWAYS) {
			buf_printf(&b, ", and %zu more", r->n - i);
			break;
		}
		buf_puts(&b, i == 0 ? " " : ", ");
		put_name(&b, *g->host != '\0' ? g->host : g->nexthop);
		buf_printf(&b, " %s", fault_text(g->fault));
		if (g->fault != FAULT_OK && *g->key != '\0' &&
		    *g->last_key != '\0')
			buf_printf(&b, " (%s key)",
			    step_same_key(g) ? "the same" : "another");
	}
	len = b.len;
	if (len > DROP_TEXT_KEPT) {
		/* Not in the middle of a character. */
		for (len = DROP_TEXT_KEPT;
		     len > 0 && ((unsigned char)b.data[len] & 0xc0) == 0x80;
		     len--)
			;
	}
	text = arena_copy(arena, b.data, len);
	buf_free(&b);
	return text;
}
