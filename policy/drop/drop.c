#include "drop_decide.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"

#define END_NEAR 3600	 /* seconds before the end: tell */
#define PASS_GAP 30	 /* seconds between the two that restore */
#define PASS_AGAIN 60	 /* seconds until the second is asked for */
#define FLUSH_AGAIN 900	 /* a restart flushes downgrades this young */
#define MEMBER_EVERY 900 /* seconds between probes while many fail at once */

const struct drop_settings drop_preset = {.max_partners = 3,
    .max_downgrade = 7 * CLOCK_DAY,
    .a_day = 3};

static const char *const why_texts[] = {
    [DROP_WHY_NONE] = "none",
    [DROP_WHY_POLICY] = "policy",
    [DROP_WHY_FLOOR] = "floor",
    [DROP_WHY_A_DAY] = "a-day",
    [DROP_WHY_MANUAL] = "manual",
    [DROP_WHY_OFF] = "off",
    [DROP_WHY_UNCONFIRMED] = "unconfirmed",
    [DROP_WHY_NOT_TLS] = "not-tls",
    [DROP_WHY_NO_PROBE] = "no-probe",
    [DROP_WHY_COMMON] = "common-cause",
    [DROP_WHY_TURNS] = "by-turns",
    [DROP_WHY_STRANGER] = "stranger",
    [DROP_WHY_END] = "end",
    [DROP_WHY_PASSED] = "passed",
    [DROP_WHY_RULES] = "rules",
    [DROP_WHY_HAND] = "hand",
    [DROP_WHY_CLOCK] = "clock",
};

const char *
drop_why_text(enum drop_why why)
{
	return why_texts[why];
}

/* FNV-1a: tells lists of files apart, no more. */
static uint64_t
ca_hash(const struct strs *ca)
{
	uint64_t h = 0xcbf29ce484222325u;
	const char *s;
	size_t i;

	for (i = 0; i < ca->n; i++) {
		for (s = ca->v[i]; *s != '\0'; s++)
			h = (h ^ (unsigned char)*s) * 0x100000001b3u;
		h = (h ^ '\n') * 0x100000001b3u;
	}
	return h;
}

void
drop_rules_of(const struct partner *p, struct drop_rules *out)
{
	const struct strs *ca = p->attributes->ca;

	out->by = DROP_BY_TLS;
	out->ca = 0;
	if (p->attributes->verify == VERIFY_DANE)
		out->by = DROP_BY_DANE;
	else if (p->attributes->verify == VERIFY_NAME)
		out->by = ca->n == 0 ? DROP_BY_CA : DROP_BY_OWN_CA;
	if (out->by == DROP_BY_OWN_CA)
		out->ca = ca_hash(ca);
	out->full = partner_level(p);
	out->floor = (enum level)p->attributes->drop_to;
	out->may_drop = p->attributes->on_failure == ON_FAILURE_DROP;
	out->count = p->attributes->drop_count;
	out->window = p->attributes->drop_window;
	out->seconds = p->attributes->drop_for;
}

/* --- What is remembered of each partner ---------------------------------- */

static void
set_rules(struct drop_state *p, const struct drop_rules *r)
{
	size_t over = p->nfails > r->count ? p->nfails - r->count : 0;

	p->rules = *r;
	p->nfails -= over;
	/* The newest failures stay. */
	if (over > 0)
		memmove(p->fail, p->fail + over, p->nfails * sizeof(*p->fail));
}

static void
forget_nexthops(struct drop_state *p)
{
	size_t i;

	for (i = 0; i < p->nnexthops; i++)
		free(p->nexthop[i]);
	p->nnexthops = 0;
}

static void
remove_at(struct drop *d, size_t i)
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

static uint8_t
nexthop_index(struct drop_state *p, const char *nexthop)
{
	size_t i;

	if (!step_said(nexthop))
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

static void
add_failure(struct drop_state *p, const struct drop_delivery *f, time_t time)
{
	if (p->nfails == p->rules.count)
		memmove(p->fail, p->fail + 1, --p->nfails * sizeof(*p->fail));
	p->fail = mem_grow(p->fail, p->nfails, &p->fail_cap, sizeof(*p->fail));
	p->fail[p->nfails++] = (struct drop_fail){.time = time,
	    .fault = (uint8_t)f->fault,
	    .nexthop = nexthop_index(p, f->nexthop)};
}

static void
forgive(struct drop_state *p, const char *nexthop, time_t upto)
{
	size_t i, n = 0;

	for (i = 0; i < p->nfails; i++) {
		const struct drop_fail *f = &p->fail[i];
		bool same = !step_said(nexthop) ||
			    f->nexthop == DROP_NEXTHOP_NONE ||
			    strcmp(p->nexthop[f->nexthop], nexthop) == 0;

		if (!same || f->time > upto)
			p->fail[n++] = *f;
	}
	p->nfails = n;
	/* By what is left the threshold is reached later, or not at all. */
	if (p->reached <= upto)
		p->reached = 0;
	if (n == 0) {
		forget_nexthops(p);
		p->reached = p->control = 0;
	}
}

static const char *
keep(struct drop_state *p, const char *s)
{
	return s == NULL ? "" : arena_copy(&p->kept, s, strlen(s));
}

static void
keep_report(struct drop_state *p, const struct drop_report *r, time_t time)
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

static void
forget_report(struct drop_state *p)
{
	arena_free(&p->kept);
	p->report = NULL;
}

static void
count_begin(struct drop *d, struct drop_state *p, time_t t)
{
	size_t i, n = 0;

	for (i = 0; i < p->nbegun; i++)
		if (p->begun[i] > d->now - CLOCK_DAY)
			p->begun[n++] = p->begun[i];
	p->nbegun = n;
	if (t <= d->now - CLOCK_DAY)
		return;
	p->begun =
	    mem_grow(p->begun, p->nbegun, &p->begun_cap, sizeof(*p->begun));
	p->begun[p->nbegun++] = t;
}

static void
move_back(time_t *t, time_t by)
{
	/* 0 means "not"; a time stays a time. */
	if (*t != 0)
		*t = *t > by ? *t - by : 1;
}

static void
shift(struct drop_state *p, time_t by)
{
	time_t *const times[] = {&p->down.begin, &p->down.end, &p->down.asked,
	    &p->down.passed, &p->since, &p->onset, &p->seen, &p->ignore,
	    &p->reported, &p->reached, &p->asked, &p->control, &p->vouched,
	    &p->busy, &p->unconfirmed_at};
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		move_back(times[i], by);
	for (i = 0; i < p->nfails; i++)
		move_back(&p->fail[i].time, by);
	for (i = 0; i < p->nbegun; i++)
		move_back(&p->begun[i], by);
	if (p->report != NULL)
		move_back(&p->report->time, by);
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

static void
note_passing(struct drop *d, const char *name, const struct drop_rules *rules,
    bool passes, time_t t, time_t now)
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
drop_actions_free(struct drop_actions *a)
{
	arena_free(&a->arena);
	free(a->v);
	memset(a, 0, sizeof(*a));
}

void
drop_free(struct drop *d)
{
	if (d == NULL)
		return;
	while (d->n > 0)
		remove_at(d, d->n - 1);
	free(d->state);
	free(d);
}

size_t
drop_partners(const struct drop *d)
{
	return d->n;
}

bool
drop_passing(const struct drop *d, time_t since)
{
	size_t k;

	for (k = 0; k < DROP_BY_COUNT; k++)
		if (d->passed[k].n > 0 && d->passed[k].v[0].time >= since)
			return true;
	return false;
}

/* To be called first with each input. */
static void
enter(struct drop *d, time_t now)
{
	time_t by = d->now - now;
	size_t i, k;

	if (d->now != 0 && by > 0) {
		if (by > DROP_SLACK && d->now > d->set_back)
			d->set_back = d->now;
		for (i = 0; i < d->n; i++)
			shift(d->state[i], by);
		for (k = 0; k < DROP_BY_COUNT; k++)
			for (i = 0; i < d->passed[k].n; i++) {
				d->passed[k].v[i].time -= by;
				d->passed[k].v[i].known -= by;
			}
		move_back(&d->common, by);
	}
	d->now = now;
}

static void
restore(
    struct drop_state *p, enum drop_why why, time_t now, struct drop_actions *a)
{
	struct drop_action *x;

	if (p->down.asked != 0 && p->down.why == why &&
	    now - p->down.asked < DROP_ANSWER_WAIT)
		return;
	p->down.asked = now;
	p->down.why = why;
	x = drop_action_add(a, DROP_RESTORE, p);
	x->why = why;
	x->from = p->down.level;
	x->to = p->rules.full;
}

/* End the common fault if few enough fail. */
static void
common_over(struct drop *d, time_t now, struct drop_actions *a)
{
	struct drop_action *x;
	size_t i, n = 0;

	if (d->common == 0)
		return;
	for (i = 0; i < d->n; i++)
		if (d->state[i]->member && drop_state_failing(d->state[i]))
			n++;
	if (n > d->settings.max_partners)
		return;
	x = drop_action_add(a, DROP_TELL_COMMON_OVER, NULL);
	x->begin = d->common;
	x->until = now;
	d->common = 0;
	/* What was seen during it proves nothing: probe anew. */
	for (i = 0; i < d->n; i++) {
		struct drop_state *q = d->state[i];

		q->member = false;
		q->control = 0;
		if (q->reached != 0)
			q->reached = now;
	}
}

/* Take back what the registry no longer allows. */
static void
take_back(struct drop_state *p, time_t now, struct drop_actions *a)
{
	if (p->down.on && p->down.automatic &&
	    (!p->rules.may_drop || p->down.level < p->rules.floor ||
		p->down.level >= p->rules.full))
		restore(p, DROP_WHY_RULES, now, a);
}

/* --- What is seen -------------------------------------------------------- */

/* Does mail to the next-hop of gateway i move? */
static enum drop_sight
nexthop_sight(const struct drop_report *r, size_t i, enum level at, bool no_key)
{
	struct step_hop hop;

	if (!step_hop(r->gateway, r->n, i, LEVEL_SECURE, no_key, &hop))
		return DROP_UNKNOWN;
	return drop_sight(&hop, at);
}

/* Does mail of the given level? *since: of the fault, if blocked. */
static enum drop_sight
report_sight(
    const struct drop_report *r, enum level full, bool no_key, time_t *since)
{
	enum drop_sight sight = DROP_UNKNOWN, one;
	struct step_hop hop;
	size_t i;

	*since = 0;
	for (i = 0; i < r->n; i++) {
		if (!step_hop(r->gateway, r->n, i, LEVEL_SECURE, no_key, &hop))
			continue;
		one = drop_sight(&hop, full);
		if (one == DROP_BLOCKED && hop.since > *since)
			*since = hop.since;
		if (one == DROP_BLOCKED || sight == DROP_UNKNOWN)
			sight = one;
	}
	return sight;
}

/* The time of something seen, no later than now; -1: not to be believed. */
static time_t
seen_at(time_t t, time_t now)
{
	if (t > now + DROP_SLACK || t <= 0)
		return -1;
	return t < now ? t : now;
}

static void
begin_failing(
    struct drop *d, struct drop_state *p, time_t since, time_t t, bool worked)
{
	if (p->since == 0)
		p->since = since;
	if (p->onset == 0 && worked)
		p->onset = since;
	if (t > p->seen)
		p->seen = t;
	if (d->common != 0)
		p->member = true;
}

/* All is well again, if it is. */
static void
recover(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a)
{
	if (p->nfails > 0 || p->blocked)
		return;
	p->since = p->onset = p->seen = 0;
	p->held = false;
	p->reached = p->control = 0;
	if (!p->down.on)
		forget_report(p);
	if (!d->quiet)
		common_over(d, now, a);
}

static void
take_failure(struct drop *d, const struct drop_delivery *f, time_t t,
    time_t now, struct drop_actions *a)
{
	struct drop_state *p;

	if (!fault_is_tls(f->fault) ||
	    (p = drop_state_get(d, f->partner, false)) == NULL)
		return;
	/* What lowering (further) cannot mend does not count. */
	if (fault_smallest_step(f->fault, false) >= drop_state_level(p) ||
	    t <= p->ignore || t <= now - CLOCK_DAY)
		return;
	begin_failing(d, p, t, t, true);
	if (t <= now - (time_t)p->rules.window)
		return;
	add_failure(p, f, t);
	drop_decide(d, p, now, a);
}

void
drop_delivery(struct drop *d, const struct drop_delivery *f, time_t now,
    struct drop_actions *a)
{
	struct drop_state *p;
	time_t t;

	enter(d, now);
	if ((t = seen_at(f->time, now)) == -1)
		return;
	if (f->fault != FAULT_OK) {
		take_failure(d, f, t, now, a);
	} else if ((p = drop_state_find(d, f->partner)) != NULL) {
		p->unconfirmed = 0;
		forgive(p, f->nexthop, t);
		recover(d, p, now, a);
	}
}

/* The report passes; does it so although mail keeps failing? */
static void
not_confirmed(struct drop *d, struct drop_state *p, time_t t, time_t now,
    struct drop_actions *a)
{
	if (p->unconfirmed_at != 0 && now - p->unconfirmed_at > CLOCK_DAY)
		p->unconfirmed = 0;
	p->unconfirmed_at = t;
	/* Once may be luck: it was mended meanwhile. */
	if (++p->unconfirmed == 2 && !d->quiet)
		drop_decide_hold(p,
		    drop_state_turns(p->report, NULL) ? DROP_WHY_TURNS
						      : DROP_WHY_UNCONFIRMED,
		    NULL, now, a);
}

/* Some gateway passed before. */
static bool
worked(const struct drop_report *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (step_said(r->gateway[i].last_key))
			return true;
	return false;
}

/* What the report says of p itself. */
static void
take_report(struct drop *d, struct drop_state *p, const struct drop_report *r,
    enum drop_sight sight, time_t since, time_t now, struct drop_actions *a)
{
	enum level at = drop_state_level(p);
	time_t t = seen_at(r->time, now);
	size_t i;

	p->reported = t;
	keep_report(p, r, t);
	if (sight == DROP_BLOCKED) {
		if (since <= 0 || since > t)
			since = t;
		p->blocked = true;
		p->unconfirmed = 0;
		begin_failing(d, p, since, t, worked(r));
	} else if (sight == DROP_PASSES) {
		p->blocked = false;
		if (p->reached != 0 && t >= p->reached)
			not_confirmed(d, p, t, now, a);
	}
	for (i = 0; i < r->n; i++)
		if (nexthop_sight(r, i, at, d->settings.no_key) == DROP_PASSES)
			forgive(p, r->gateway[i].nexthop, t);
	if (!p->down.on || !p->down.automatic || t <= p->down.begin)
		return;
	if (sight != DROP_PASSES) {
		p->down.passes = 0;
	} else if (p->down.passes == 0 || t - p->down.passed >= PASS_GAP) {
		p->down.passed = t;
		if (++p->down.passes >= 2 && !d->quiet)
			restore(p, DROP_WHY_PASSED, now, a);
	}
}

void
drop_probe(struct drop *d, const struct drop_report *r, time_t now,
    struct drop_actions *a)
{
	struct drop_rules rules;
	struct drop_state *p;
	enum drop_sight sight;
	time_t t, since;
	size_t i;

	enter(d, now);
	if ((t = seen_at(r->time, now)) == -1 || r->n > DROP_GATEWAYS_MAX ||
	    !d->lookup(d->ctx, r->partner, &rules) ||
	    rules.full == LEVEL_OPPORTUNISTIC)
		return;
	p = drop_state_find(d, r->partner);
	if (p != NULL && t < p->reported)
		return;
	sight = report_sight(r, rules.full, d->settings.no_key, &since);
	if (sight != DROP_UNKNOWN)
		note_passing(
		    d, r->partner, &rules, sight == DROP_PASSES, t, now);
	if (p == NULL && sight == DROP_BLOCKED)
		p = drop_state_get(d, r->partner, false);
	if (p != NULL) {
		take_report(d, p, r, sight, since, now, a);
		recover(d, p, now, a);
		drop_decide(d, p, now, a);
	}
	if (!d->waiting)
		return;
	d->waiting = false;
	for (i = 0; i < d->n; i++)
		if (d->state[i]->control != 0)
			drop_decide(d, d->state[i], now, a);
}

/* A new page for p: what happened up to t is dealt with. */
static void
new_page(struct drop_state *p, time_t t, time_t now)
{
	forgive(p, "", now);
	if (t > p->ignore)
		p->ignore = t;
	p->reached = p->control = p->asked = p->busy = 0;
	p->held = false;
	p->unconfirmed = 0;
}

/* One that began just now, or that the facts tell of. */
static void
take_downgrade(struct drop *d, struct drop_state *p,
    const struct drop_downgrade *l, time_t now, struct drop_actions *a)
{
	p->down = (struct drop_down){.on = true,
	    .automatic = l->automatic,
	    .id = l->id,
	    .level = l->level,
	    .fault = l->fault,
	    .begin = l->begin,
	    .end = l->end,
	    .ledger_begin = l->begin,
	    .ledger_end = l->end};
	new_page(p, l->begin < now ? l->begin : now, now);
	if (!l->automatic)
		return;
	count_begin(d, p, l->begin);
	if (l->level >= p->rules.full)
		return;
	if (p->since == 0)
		p->since = l->begin;
	if (now - l->begin < FLUSH_AGAIN)
		(void)drop_action_add(a, DROP_FLUSH, p);
	drop_action_add(a, DROP_TELL_LOWERED, p)->from = p->rules.full;
}

static void
take_open(struct drop *d, const struct drop_downgrade *l, time_t now,
    struct drop_actions *a)
{
	/* Also of one that the registry does not know: it has to be ended. */
	struct drop_state *p = drop_state_get(d, l->partner, true);

	if (p == NULL)
		return;
	if (p->down.on && p->down.id == l->id) {
		if (p->down.ledger_end != l->end) {
			p->down.end = p->down.ledger_end = l->end;
			p->down.end_told = false;
			p->down.asked = 0;
		}
		p->down.automatic = l->automatic;
		p->busy = 0;
	} else {
		take_downgrade(d, p, l, now, a);
	}
	if (now >= p->down.end)
		restore(p, DROP_WHY_END, now, a);
	else
		take_back(p, now, a);
}

static void
take_closed(struct drop *d, const struct drop_downgrade *l, time_t now,
    struct drop_actions *a)
{
	struct drop_state *p = drop_state_find(d, l->partner);
	struct drop_action *x;

	if (p == NULL || !p->down.on || p->down.id != l->id)
		return;
	x = drop_action_add(a, DROP_TELL_RESTORED, p);
	x->to = p->rules.full;
	x->why = l->why;
	x->still = p->blocked;
	p->down.on = false;
	new_page(p, now, now);
	recover(d, p, now, a);
	if (!d->quiet)
		common_over(d, now, a);
}

void
drop_downgrade(struct drop *d, const struct drop_downgrade *l, time_t now,
    struct drop_actions *a)
{
	enter(d, now);
	if (l->closed == 0)
		take_open(d, l, now, a);
	else
		take_closed(d, l, now, a);
}

void
drop_refused(struct drop *d, const char *partner, time_t now)
{
	struct drop_state *p;

	enter(d, now);
	if ((p = drop_state_find(d, partner)) == NULL)
		return;
	if (p->busy != 0)
		p->busy = now + DROP_ANSWER_WAIT;
	if (p->down.asked != 0)
		p->down.asked = now;
}

/* --- Time ---------------------------------------------------------------- */

/* When the end of the downgrade is near. */
static time_t
near(const struct drop_state *p)
{
	time_t quarter = (p->down.end - p->down.begin) / 4;

	if (quarter > END_NEAR)
		quarter = END_NEAR;
	return p->down.end - quarter;
}

static void
tick_down(struct drop_state *p, time_t now, struct drop_actions *a)
{
	bool passes = p->reported > p->down.begin && !p->blocked;
	struct drop_action *x;
	time_t due;

	if (now >= p->down.end) {
		restore(p, DROP_WHY_END, now, a);
		return;
	}
	if (p->down.automatic && p->down.ledger_begin > now + DROP_SLACK)
		restore(p, DROP_WHY_CLOCK, now, a);
	else if (p->down.end < p->down.ledger_end &&
		 (p->down.shortened == 0 ||
		     now - p->down.shortened >= DROP_ANSWER_WAIT)) {
		p->down.shortened = now;
		(void)drop_action_add(a, DROP_SHORTEN, p);
	}
	take_back(p, now, a);
	if (p->down.level >= p->rules.full)
		return; /* it lowers nothing */
	if (p->down.automatic && p->down.passes >= 2)
		restore(p, DROP_WHY_PASSED, now, a);
	if (p->down.automatic && p->reported > p->down.begin &&
	    drop_state_stranger(p, p->down.level))
		restore(p, DROP_WHY_STRANGER, now, a);
	if (!p->down.end_told && now >= near(p)) {
		p->down.end_told = true;
		if (!passes) {
			x = drop_action_add(a, DROP_TELL_END_NEAR, p);
			x->from = p->down.level;
			x->to = p->rules.full;
			x->still = p->blocked;
		}
	}
	if (!p->down.automatic)
		return;
	due = (p->asked > p->down.begin ? p->asked : p->down.begin) +
	      DROP_PROBE_EVERY;
	if (p->down.passes == 1 && p->down.passed + PASS_AGAIN < due)
		due = p->down.passed + PASS_AGAIN;
	if (now >= due && now > p->asked)
		drop_ask_probe(p, false, now, a);
}

/* Nothing of p is worth remembering. */
static bool
idle(const struct drop_state *p, time_t now)
{
	time_t first, last;

	return !p->down.on && p->since == 0 && p->busy == 0 &&
	       (p->nbegun == 0 || p->begun[p->nbegun - 1] <= now - CLOCK_DAY) &&
	       p->ignore <= now - CLOCK_DAY &&
	       p->unconfirmed_at <= now - CLOCK_DAY && p->asked <= now - 3600 &&
	       drop_state_count(p, now, &first, &last) == 0;
}

static void
tick(struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a)
{
	if (p->busy != 0 && p->busy <= now)
		p->busy = 0;
	if (p->down.on)
		tick_down(p, now, a);
	drop_decide(d, p, now, a);
	if (d->common != 0 && p->member && now - p->asked >= MEMBER_EVERY)
		drop_ask_probe(p, false, now, a);
	/* No news of it for a day: it is no longer known to fail. */
	if (p->since != 0 && !p->down.on && now - p->seen > CLOCK_DAY) {
		p->since = p->onset = p->seen = 0;
		p->blocked = p->held = false;
	}
}

void
drop_tick(struct drop *d, time_t now, struct drop_actions *a)
{
	size_t i;

	enter(d, now);
	if (d->set_back != 0) {
		drop_action_add(a, DROP_KEEP_CLOCK, NULL)->at = d->set_back;
		d->set_back = 0;
	}
	d->waiting = false;
	/* Control probes may add states while we go: some come twice. */
	for (i = d->n; i-- > 0;)
		tick(d, d->state[i], now, a);
	for (i = d->n; i-- > 0;) {
		if (d->state[i]->control != 0)
			d->waiting = true;
		if (idle(d->state[i], now))
			remove_at(d, i);
	}
	common_over(d, now, a);
}

void
drop_rename(struct drop *d, const char *from, const char *to)
{
	drop_state_rename(d, from, to);
}

void
drop_reload(struct drop *d, const struct drop_settings *s, time_t now,
    struct drop_actions *a)
{
	struct drop_rules rules;
	time_t most;
	size_t i;

	enter(d, now);
	d->settings = *s;
	for (i = d->n; i-- > 0;) {
		struct drop_state *p = d->state[i];

		if (!d->lookup(d->ctx, p->name, &rules)) {
			if (!p->down.on) {
				remove_at(d, i);
				continue;
			}
			/* It keeps what ends the downgrade. */
			set_rules(p, &DROP_GONE);
		} else {
			set_rules(p, &rules);
		}
		most = p->down.begin + (time_t)s->max_downgrade;
		if (p->down.on && p->down.automatic && p->down.end > most)
			p->down.end = most;
		take_back(p, now, a);
	}
	drop_tick(d, now, a);
}

/* --- After a start ------------------------------------------------------- */

static time_t
earlier(time_t a, time_t b)
{
	return a < b ? a : b;
}

/* One that is over. */
static void
rebuild_closed(struct drop *d, const struct drop_facts *f,
    const struct drop_downgrade *l, time_t now, struct drop_actions *a)
{
	struct drop_state *p = drop_state_get(d, l->partner, false);
	time_t closed = earlier(l->closed, now);
	struct drop_action *x;

	if (p == NULL)
		return;
	if (l->automatic)
		count_begin(d, p, earlier(l->begin, now));
	if (closed > p->ignore)
		p->ignore = closed;
	if (now - closed > CLOCK_DAY || drop_state_stale(f, l))
		return;
	x = drop_action_add(a, DROP_TELL_RESTORED, p);
	x->id = l->id;
	x->automatic = l->automatic;
	x->begin = l->begin;
	x->until = l->end;
	x->from = l->level;
	x->to = p->rules.full;
	x->fault = l->fault;
	x->why = l->why;
}

/* One that is open; the clock was set back by `back` since. */
static void
rebuild_open(struct drop *d, const struct drop_downgrade *l, time_t back,
    time_t now, struct drop_actions *a)
{
	struct drop_downgrade shifted = *l;
	struct drop_state *p;

	/*
	 * By hand, and to come; but not if the clock had been there already,
	 * now or before an earlier restart (which has shortened it).
	 */
	if (!l->automatic && l->begin > now + back && l->end > l->begin)
		return;
	shifted.begin = earlier(l->begin - back, now);
	shifted.end -= back;
	drop_downgrade(d, &shifted, now, a);
	p = drop_state_find(d, l->partner);
	if (p != NULL && p->down.on && p->down.id == l->id) {
		p->down.ledger_begin = l->begin;
		p->down.ledger_end = l->end;
	}
}

/*
 * Says again what may have been lost (flush, told): both may come twice, and
 * notices have keys.
 */
static void
rebuild(struct drop *d, const struct drop_facts *f, time_t now,
    struct drop_actions *a)
{
	time_t back = f->last > now ? f->last - now : 0;
	time_t distrust = f->distrust;
	size_t i;

	enter(d, now);
	d->quiet = true;
	if (back > DROP_SLACK && f->last > distrust)
		d->set_back = distrust = f->last;
	for (i = 0; i < f->ndowngrades; i++)
		if (f->downgrade[i].closed != 0)
			rebuild_closed(d, f, &f->downgrade[i], now, a);
	for (i = 0; i < f->ndowngrades; i++)
		if (f->downgrade[i].closed == 0)
			rebuild_open(d, &f->downgrade[i], back, now, a);
	for (i = 0; i < f->nfailures; i++) {
		if (f->failure[i].time > distrust)
			drop_delivery(d, &f->failure[i], now, a);
	}
	for (i = 0; i < f->nreports; i++) {
		if (f->report[i].time > distrust)
			drop_probe(d, &f->report[i], now, a);
	}
	drop_state_still(d, a);
	d->common = f->common;
	move_back(&d->common, back);
	for (i = 0; d->common != 0 && i < d->n; i++)
		if (drop_state_failing(d->state[i]))
			d->state[i]->member = true;
	d->quiet = false;
	drop_tick(d, now, a);
}

struct drop *
drop_new(const struct drop_settings *s, drop_lookup *lookup, void *ctx,
    const struct drop_facts *f, time_t now, struct drop_actions *a)
{
	struct drop *d = mem_zero(1, sizeof(*d));

	*d = (struct drop){.settings = *s, .lookup = lookup, .ctx = ctx};
	if (f != NULL)
		rebuild(d, f, now, a);
	return d;
}
