/*
 * Is the fault theirs, or has it a cause that many share: our CA file, the
 * clock, the resolver? Only another partner that passes, judged by the same
 * of ours, says that it is theirs; and only if p fails also after that: what
 * p showed before may have been ours, and be mended since.
 *
 * So the look at p must not have begun before the second in which that pass
 * was known. The first pass counts until somebody else fails: one who passes
 * again and again does not make us look at p for ever.
 */
#include "drop_priv.h"

#include <string.h>

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
drop_control_note(struct drop *d, const char *name,
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
drop_control_shift(struct drop *d, time_t by)
{
	size_t i, k;

	for (k = 0; k < DROP_BY_COUNT; k++)
		for (i = 0; i < d->passed[k].n; i++) {
			d->passed[k].v[i].time -= by;
			d->passed[k].v[i].known -= by;
		}
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

/* Does another partner with the same CA files of its own fail? */
static bool
shared(const struct drop *d, const struct drop_state *p)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct drop_state *q = d->state[i];

		if (q != p && q->rules.by == DROP_BY_OWN_CA &&
		    q->rules.ca == p->rules.ca && drop_decide_failing(q))
			return true;
	}
	return false;
}

/* Would a partner of that kind that passes show that p's fault is p's own? */
static bool
tells(const struct drop_state *p, enum drop_by by, uint64_t ca, bool same_ca)
{
	switch (p->rules.by) {
	case DROP_BY_TLS:
		return true;
	case DROP_BY_OWN_CA:
		return by == DROP_BY_OWN_CA ? !same_ca || ca == p->rules.ca
					    : !same_ca && by == DROP_BY_CA;
	default:
		return by == p->rules.by;
	}
}

/* Ask for a probe of somebody who passed and could tell; how many. */
static size_t
ask(struct drop *d, struct drop_state *p, bool same_ca, time_t now,
    struct drop_actions *a)
{
	size_t i, k, n = 0, max = d->settings.max_partners;

	if (max == 0 || max > DROP_CONTROLS_MAX)
		max = max == 0 ? 1 : DROP_CONTROLS_MAX;
	for (k = 0; k < DROP_BY_COUNT; k++)
		for (i = 0; i < d->passed[k].n && n < max; i++) {
			const struct drop_passed *x = &d->passed[k].v[i];
			struct drop_state *q = drop_state_find(d, x->name);
			struct drop_rules rules;

			if (!tells(p, (enum drop_by)k, x->ca, same_ca) ||
			    q == p || (q != NULL && drop_decide_failing(q)) ||
			    !d->lookup(d->ctx, x->name, &rules) ||
			    (q = drop_state_get(d, x->name)) == NULL)
				continue;
			drop_decide_probe(q, true, now, a);
			n++;
		}
	return n;
}

/* When it was first known that one who could tell passes since then, or 0. */
static time_t
passed(const struct drop *d, const struct drop_state *p, bool same_ca,
    time_t since)
{
	time_t first = 0;
	size_t i, k;

	for (k = 0; k < DROP_BY_COUNT; k++)
		for (i = 0; i < d->passed[k].n; i++) {
			const struct drop_passed *x = &d->passed[k].v[i];

			if (x->time >= since &&
			    tells(p, (enum drop_by)k, x->ca, same_ca) &&
			    strcmp(x->name, p->name) != 0 &&
			    (first == 0 || x->known < first))
				first = x->known;
		}
	return first;
}

enum drop_consent
drop_control(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a)
{
	bool same_ca = p->rules.by == DROP_BY_OWN_CA && shared(d, p);
	time_t since = now - (time_t)d->settings.fresh, waited, known;

	if (since < p->met)
		since = p->met;
	if ((known = passed(d, p, same_ca, since)) != 0) {
		if (p->vouched < since || p->vouched > known)
			p->vouched = known;
		return p->report != NULL && p->report->time >= p->vouched
			   ? DROP_CONSENT
			   : DROP_CONSENT_LATE;
	}
	/* One that passed too long ago by now is asked again. */
	if (p->control != 0 && passed(d, p, same_ca, p->control) != 0)
		p->control = 0;
	waited = now - p->control;
	if (p->control == 0 || waited >= (time_t)d->settings.probe_every) {
		if (ask(d, p, same_ca, now, a) == 0)
			return DROP_CONSENT_NONE;
		p->control = now;
		waited = 0;
	}
	if (waited >= (time_t)d->settings.control_wait)
		return DROP_CONSENT_NONE;
	d->waiting = true;
	return DROP_CONSENT_WAIT;
}
