#include "drop_priv.h"

#include <stdlib.h>
#include <string.h>

void
drop_time_enter(struct drop *d, time_t now)
{
	time_t by = d->now - now;
	size_t i;

	if (d->now != 0 && by > 0) {
		if (by > DROP_SLACK && d->now > d->set_back)
			d->set_back = d->now;
		for (i = 0; i < d->n; i++)
			drop_state_shift(d->state[i], by);
		drop_control_shift(d, by);
		if (d->mass != 0)
			d->mass = d->mass > by ? d->mass - by : 1;
	}
	d->now = now;
}

void
drop_time_rules(struct drop_state *p, time_t now, struct drop_actions *a)
{
	if (p->low.on && p->low.automatic &&
	    (!p->rules.may_drop || p->low.level < p->rules.floor ||
		p->low.level >= p->rules.full))
		drop_decide_restore(p, DROP_WHY_RULES, now, a);
}

/* When the end of the downgrade is near. */
static time_t
near(const struct drop *d, const struct drop_state *p)
{
	time_t quarter = (p->low.end - p->low.begin) / 4;

	if (quarter > (time_t)d->settings.near)
		quarter = (time_t)d->settings.near;
	return p->low.end - quarter;
}

static void
tick_low(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a)
{
	bool passes = p->reported > p->low.begin && !p->blocked;
	struct drop_action *x;
	time_t due;

	if (now >= p->low.end) {
		drop_decide_restore(p, DROP_WHY_END, now, a);
		return;
	}
	if (p->low.automatic && p->low.ledger_begin > now + DROP_SLACK)
		drop_decide_restore(p, DROP_WHY_CLOCK, now, a);
	else if (p->low.end < p->low.ledger_end &&
		 (p->low.shortened == 0 ||
		     now - p->low.shortened >= DROP_ANSWER_WAIT)) {
		p->low.shortened = now;
		(void)drop_action_add(a, DROP_SHORTEN, p);
	}
	drop_time_rules(p, now, a);
	if (p->low.level >= p->rules.full)
		return; /* it lowers nothing */
	if (p->low.automatic && p->low.passes >= 2)
		drop_decide_restore(p, DROP_WHY_PASSED, now, a);
	if (p->low.automatic && p->reported > p->low.begin &&
	    drop_judge_stranger(p, p->low.level))
		drop_decide_restore(p, DROP_WHY_STRANGER, now, a);
	if (!p->low.near_told && now >= near(d, p)) {
		p->low.near_told = true;
		if (!passes) {
			x = drop_action_add(a, DROP_TELL_END_NEAR, p);
			x->from = p->low.level;
			x->to = p->rules.full;
			x->still = p->blocked;
		}
	}
	if (!p->low.automatic)
		return;
	due = (p->asked > p->low.begin ? p->asked : p->low.begin) +
	      (time_t)d->settings.probe_every;
	if (p->low.passes == 1 && p->low.passed + DROP_PASS_AGAIN < due)
		due = p->low.passed + DROP_PASS_AGAIN;
	if (now >= due && now > p->asked)
		drop_decide_probe(p, false, now, a);
}

/* Nothing of p is worth remembering. */
static bool
idle(const struct drop_state *p, time_t now)
{
	time_t first, last;

	return !p->low.on && p->since == 0 && p->busy == 0 &&
	       (p->nbegun == 0 || p->begun[p->nbegun - 1] <= now - DROP_DAY) &&
	       p->ignore <= now - DROP_DAY && p->doubted <= now - DROP_DAY &&
	       p->asked <= now - 3600 &&
	       drop_state_count(p, now, &first, &last) == 0;
}

static void
tick(struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a)
{
	if (p->busy != 0 && p->busy <= now)
		p->busy = 0;
	if (p->low.on)
		tick_low(d, p, now, a);
	drop_decide(d, p, now, a);
	if (d->mass != 0 && p->member && now - p->asked >= DROP_MEMBER_EVERY)
		drop_decide_probe(p, false, now, a);
	/* No news of it for a day: it is no longer known to fail. */
	if (p->since != 0 && !p->low.on && now - p->seen > DROP_DAY) {
		p->since = p->onset = p->seen = 0;
		p->blocked = p->held = false;
	}
}

void
drop_tick(struct drop *d, time_t now, struct drop_actions *a)
{
	size_t i;

	drop_time_enter(d, now);
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
			drop_state_remove(d, i);
	}
	drop_decide_mass_over(d, now, a);
}

static void
sooner(time_t *next, time_t t, time_t now)
{
	if (t > now && t < *next)
		*next = t;
}

time_t
drop_next(const struct drop *d, time_t now)
{
	time_t next = now + 60;
	size_t i;

	if (d->n == 0)
		return 0;
	for (i = 0; i < d->n; i++) {
		const struct drop_state *p = d->state[i];

		if (p->low.on) {
			sooner(&next, p->low.end, now);
			if (!p->low.near_told)
				sooner(&next, near(d, p), now);
		}
		if (p->met != 0) {
			sooner(&next,
			    p->asked + (time_t)d->settings.probe_again, now);
			sooner(&next, p->met + (time_t)d->settings.probe_wait,
			    now);
		}
		if (p->control != 0)
			sooner(&next,
			    p->control + (time_t)d->settings.control_wait, now);
		sooner(&next, p->busy, now);
	}
	return next;
}

void
drop_reload(struct drop *d, const struct drop_settings *s, time_t now,
    struct drop_actions *a)
{
	struct drop_rules rules;
	time_t most;
	size_t i;

	drop_time_enter(d, now);
	d->settings = *s;
	for (i = d->n; i-- > 0;) {
		struct drop_state *p = d->state[i];

		if (!d->lookup(d->ctx, p->name, &rules)) {
			if (!p->low.on) {
				drop_state_remove(d, i);
				continue;
			}
			/* It keeps what ends the downgrade. */
			drop_state_gone(p);
		} else {
			drop_state_rules(p, &rules);
		}
		most = p->low.begin + (time_t)s->max_downgrade;
		if (p->low.on && p->low.automatic && p->low.end > most)
			p->low.end = most;
		drop_time_rules(p, now, a);
	}
	drop_tick(d, now, a);
}

static time_t
earlier(time_t a, time_t b)
{
	return a < b ? a : b;
}

/* One that is over. */
static void
rebuild_closed(struct drop *d, const struct drop_lowering *l, time_t now,
    struct drop_actions *a)
{
	struct drop_state *p = drop_state_get(d, l->partner);
	time_t closed = earlier(l->closed, now);
	struct drop_action *x;

	if (p == NULL)
		return;
	if (l->automatic)
		drop_state_count_begin(d, p, earlier(l->begin, now));
	if (closed > p->ignore)
		p->ignore = closed;
	if (now - closed > DROP_DAY)
		return;
	x = drop_action_add(a, DROP_TELL_RESTORED, p);
	x->id = l->id;
	x->automatic = l->automatic;
	x->begin = l->begin;
	x->until = l->end;
	x->at = l->closed;
	x->from = l->level;
	x->to = p->rules.full;
	x->fault = l->fault;
	x->why = l->why;
}

/* One that is open; the clock was set back by `back` since. */
static void
rebuild_open(struct drop *d, const struct drop_lowering *l, time_t back,
    time_t now, struct drop_actions *a)
{
	struct drop_lowering shifted = *l;
	struct drop_state *p;

	/*
	 * By hand, and to come; but not if the clock had been there already,
	 * now or before an earlier restart (which has shortened it).
	 */
	if (!l->automatic && l->begin > now + back && l->end > l->begin)
		return;
	shifted.begin = earlier(l->begin - back, now);
	shifted.end -= back;
	drop_lowered(d, &shifted, now, a);
	p = drop_state_find(d, l->partner);
	if (p != NULL && p->low.on && p->low.id == l->id) {
		p->low.ledger_begin = l->begin;
		p->low.ledger_end = l->end;
	}
}

void
drop_rebuild(struct drop *d, const struct drop_facts *f, time_t now,
    struct drop_actions *a)
{
	time_t back = f->last > now ? f->last - now : 0;
	time_t distrust = f->distrust;
	size_t i;

	drop_time_enter(d, now);
	d->quiet = true;
	if (back > DROP_SLACK && f->last > distrust)
		d->set_back = distrust = f->last;
	for (i = 0; i < f->nlowerings; i++)
		if (f->lowering[i].closed != 0)
			rebuild_closed(d, &f->lowering[i], now, a);
	for (i = 0; i < f->nlowerings; i++)
		if (f->lowering[i].closed == 0)
			rebuild_open(d, &f->lowering[i], back, now, a);
	for (i = 0; i < f->nfailures; i++) {
		if (f->failure[i].time > distrust)
			drop_failure(d, &f->failure[i], now, a);
	}
	for (i = 0; i < f->nreports; i++) {
		if (f->report[i].time > distrust)
			drop_probe(d, &f->report[i], now, a);
	}
	if (f->mass != 0)
		d->mass = f->mass > back ? f->mass - back : 1;
	for (i = 0; d->mass != 0 && i < d->n; i++)
		if (drop_decide_failing(d->state[i]))
			d->state[i]->member = true;
	d->quiet = false;
	drop_tick(d, now, a);
}
