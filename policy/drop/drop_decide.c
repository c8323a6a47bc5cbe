#include "drop_decide.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "num.h"
#include "quote.h"

#define PROBE_AGAIN 60	   /* seconds until an unanswered one is repeated */
#define PROBE_WAIT 300	   /* seconds after which we say: no probe */
#define CONTROL_WAIT 30	   /* seconds that control probes may take */
#define COMMON_WINDOW 3600 /* seconds: "at once" */
#define CONTROLS_MAX 8	   /* probed at a time */
#define TEXT_GATEWAYS 6	   /* named in the evidence */
#define ASK_GAP 10	   /* seconds at least between probes asked for */

struct drop_verdict {
	bool confirmed;
	bool blocked; /* a next-hop that fails is, but by another fault */
	bool not_tls; /* a next-hop that fails cannot be reached at all */
	bool turns;   /* one that fails passes, too */
	enum level step;
	enum fault fault;
};

/* --- What a report means ------------------------------------------------- */

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

/* Hold p's report against its failures. */
static void
confirm(const struct drop_state *p, bool no_key, time_t now,
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
		sight = drop_sight(&hop, drop_state_level(p));
		if (sight == DROP_PASSES)
			continue;
		same = matches(p, i, now, &touched);
		if (!touched)
			continue;
		if (sight == DROP_UNKNOWN) {
			out->not_tls = true;
			if (out->fault == FAULT_OK)
				out->fault = r->gateway[i].fault;
		} else if (drop_state_turns(r, r->gateway[i].nexthop)) {
			out->turns = true;
			if (!out->confirmed)
				out->fault = hop.fault;
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

/* A host name without the quotes of quote(). */
static void
put_name(struct buf *b, const char *s)
{
	struct quoted q = quotes(s);

	buf_add(b, q.s + 1, strlen(q.s) - 2);
}

/* Evidence for people. */
static const char *
evidence_text(const struct drop_state *p, unsigned failures, time_t first,
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
	len = b.len < DROP_TEXT_KEPT ? b.len : DROP_TEXT_KEPT;
	/* Not in the middle of a character. */
	while (len > 0 && ((unsigned char)b.data[len] & 0xc0) == 0x80)
		len--;
	text = arena_copy(arena, b.data, len);
	buf_free(&b);
	return text;
}

/* --- What is done about it -------------------------------------------------
 */

/* Counts for "at once": lowered by us, or failing since a short while. */
static bool
at_once(const struct drop_state *p, time_t now)
{
	if (p->busy != 0 || (p->down.on && p->down.automatic))
		return true;
	return p->since != 0 && p->onset != 0 && p->onset > now - COMMON_WINDOW;
}

static void
ask_for_probe(struct drop_state *p, time_t now, struct drop_actions *a)
{
	time_t every =
	    p->held || p->reached == 0 ? DROP_PROBE_EVERY : PROBE_AGAIN;

	if (p->asked != 0 && now - p->asked < ASK_GAP)
		return;
	if (p->asked != 0 && (p->asked >= p->reached || p->unconfirmed >= 2) &&
	    now - p->asked < every)
		return;
	drop_ask_probe(p, false, now, a);
}

void
drop_decide_hold(struct drop_state *p, enum drop_why why,
    const struct drop_verdict *v, time_t now, struct drop_actions *a)
{
	enum level step = drop_state_level(p);
	struct drop_action *x;
	time_t first, last;

	if (v != NULL && v->confirmed)
		step = v->step;
	if (p->held && p->held_why == why && p->held_step == step)
		return;
	p->held = true;
	p->held_why = why;
	p->held_step = step;
	x = drop_action_add(a, DROP_TELL_HELD, p);
	x->why = why;
	x->to = step;
	x->failures = drop_state_count(p, now, &first, &last);
	/* The log's word if there is no better one. */
	if (v != NULL && v->fault != FAULT_OK)
		x->fault = v->fault;
	else if (p->nfails > 0)
		x->fault = (enum fault)p->fail[p->nfails - 1].fault;
	if (x->failures > 0)
		x->text = evidence_text(p, x->failures, first, &a->arena);
}

/* Tell of the common fault, and look at everybody in it. */
static void
tell_common(struct drop *d, size_t n, time_t now, struct drop_actions *a)
{
	struct drop_action *x = drop_action_add(a, DROP_TELL_COMMON, NULL);
	const char **v = arena_alloc(&a->arena, n * sizeof(*v));
	size_t i, k = 0;

	for (i = 0; i < d->n; i++) {
		struct drop_state *q = d->state[i];

		if (!q->member)
			continue;
		v[k++] = arena_copy(&a->arena, q->name, strlen(q->name));
		if (x->since == 0 || (q->since != 0 && q->since < x->since))
			x->since = q->since;
		if (q->nfails > 0 && x->fault == FAULT_OK)
			x->fault = (enum fault)q->fail[q->nfails - 1].fault;
	}
	x->begin = now;
	x->name = v;
	x->nnames = k;
	for (i = 0; i < d->n; i++)
		if (d->state[i]->member)
			drop_ask_probe(d->state[i], false, now, a);
}

/* Are too many failing at once? Then nobody is lowered. */
static bool
many_fail(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a)
{
	size_t i, n = 1;

	if (d->common != 0) {
		p->member = true;
		return true;
	}
	if (d->settings.max_partners == 0)
		return false;
	for (i = 0; i < d->n; i++)
		if (d->state[i] != p && at_once(d->state[i], now))
			n++;
	if (n <= d->settings.max_partners)
		return false;
	d->common = now;
	for (i = 0; i < d->n; i++)
		d->state[i]->member =
		    d->state[i] == p || at_once(d->state[i], now);
	tell_common(d, n, now, a);
	return true;
}

static unsigned
begun_today(const struct drop_state *p, time_t now)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < p->nbegun; i++)
		if (p->begun[i] > now - CLOCK_DAY)
			n++;
	return n;
}

/* Why p may not be lowered as the verdict wants it. */
static enum drop_why
forbidden(const struct drop *d, const struct drop_state *p,
    const struct drop_verdict *v, time_t now)
{
	if (!v->confirmed)
		return v->turns			   ? DROP_WHY_TURNS
		       : v->blocked || !v->not_tls ? DROP_WHY_UNCONFIRMED
						   : DROP_WHY_NOT_TLS;
	if (!p->rules.may_drop)
		return DROP_WHY_POLICY;
	if (p->down.on && !p->down.automatic)
		return DROP_WHY_MANUAL;
	if (v->step < p->rules.floor)
		return DROP_WHY_FLOOR;
	if (drop_state_stranger(p, v->step))
		return DROP_WHY_STRANGER;
	if (d->settings.max_partners == 0)
		return DROP_WHY_OFF;
	if (begun_today(p, now) >= d->settings.a_day)
		return DROP_WHY_A_DAY;
	return DROP_WHY_NONE;
}

static void
lower(struct drop *d, struct drop_state *p, const struct drop_verdict *v,
    time_t now, struct drop_actions *a)
{
	uint32_t seconds = p->rules.seconds < d->settings.max_downgrade
			       ? p->rules.seconds
			       : d->settings.max_downgrade;
	struct drop_action *x = drop_action_add(a, DROP_LOWER, p);
	time_t first, last, end = now + (time_t)seconds;

	/* A second step ends with the first. */
	if (p->down.on && p->down.end < end)
		end = p->down.end;
	x->begin = now;
	x->until = end;
	x->to = v->step;
	x->fault = v->fault;
	x->automatic = true;
	x->failures = drop_state_count(p, now, &first, &last);
	x->text = evidence_text(p, x->failures, first, &a->arena);
	if (v->step == LEVEL_KEY)
		x->nkeys = step_keys(
		    p->report->gateway, p->report->n, &a->arena, &x->key);
	p->busy = now + DROP_ANSWER_WAIT;
}

/* --- Is the cause common? ------------------------------------------------ */

/* Does another partner with the same CA files of its own fail? */
static bool
shared(const struct drop *d, const struct drop_state *p)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct drop_state *q = d->state[i];

		if (q != p && q->rules.by == DROP_BY_OWN_CA &&
		    q->rules.ca == p->rules.ca && drop_state_failing(q))
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
ask_others(struct drop *d, struct drop_state *p, bool same_ca, time_t now,
    struct drop_actions *a)
{
	size_t i, k, n = 0, max = d->settings.max_partners;

	if (max == 0 || max > CONTROLS_MAX)
		max = max == 0 ? 1 : CONTROLS_MAX;
	for (k = 0; k < DROP_BY_COUNT; k++)
		for (i = 0; i < d->passed[k].n && n < max; i++) {
			const struct drop_passed *x = &d->passed[k].v[i];
			struct drop_state *q = drop_state_find(d, x->name);
			struct drop_rules rules;

			if (!tells(p, (enum drop_by)k, x->ca, same_ca) ||
			    q == p || (q != NULL && drop_state_failing(q)) ||
			    !d->lookup(d->ctx, x->name, &rules) ||
			    (q = drop_state_get(d, x->name, false)) == NULL)
				continue;
			drop_ask_probe(q, true, now, a);
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

enum consent { CONSENT, CONSENT_WAIT, CONSENT_NONE };

/*
 * Is the fault p's, or has it a cause that many share: our CA file, the
 * clock, the resolver? Only another partner that passes, judged by the same
 * of ours, says that it is p's; and only if p fails also after that: what p
 * showed before may have been ours, and be mended since.
 *
 * So somebody else must have passed since p's N-th failure, else control
 * probes are asked for; and the look at p must not have begun before the
 * second in which that was known, else p is looked at again. The first such
 * pass counts until somebody else fails: one who passes again and again does
 * not make us look at p for ever.
 */
static enum consent
control(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a)
{
	bool same_ca = p->rules.by == DROP_BY_OWN_CA && shared(d, p);
	time_t since = now - DROP_FRESH, waited, known;

	if (since < p->reached)
		since = p->reached;
	if ((known = passed(d, p, same_ca, since)) != 0) {
		if (p->vouched < since || p->vouched > known)
			p->vouched = known;
		if (p->report != NULL && p->report->time >= p->vouched)
			return CONSENT;
		if (p->asked < p->vouched || now - p->asked >= PROBE_AGAIN)
			drop_ask_probe(p, false, now, a);
		return CONSENT_WAIT;
	}
	/* One that passed too long ago by now is asked again. */
	if (p->control != 0 && passed(d, p, same_ca, p->control) != 0)
		p->control = 0;
	waited = now - p->control;
	if (p->control == 0 || waited >= DROP_PROBE_EVERY) {
		if (ask_others(d, p, same_ca, now, a) == 0)
			return CONSENT_NONE;
		p->control = now;
		waited = 0;
	}
	if (waited >= CONTROL_WAIT)
		return CONSENT_NONE;
	d->waiting = true;
	return CONSENT_WAIT;
}

void
drop_decide(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a)
{
	time_t first, last, sent = p->reached;
	struct drop_verdict v;
	enum consent consent;
	enum drop_why why;
	unsigned n;

	n = drop_state_count(p, now, &first, &last);
	if (d->quiet)
		return;
	if (n < p->rules.count || p->rules.full == LEVEL_OPPORTUNISTIC) {
		p->reached = p->control = 0;
		return;
	}
	if (p->reached == 0)
		sent = p->reached = last;
	if (p->busy > now || many_fail(d, p, now, a))
		return;
	p->busy = 0;
	if (p->report == NULL || p->report->time < p->reached ||
	    now - p->report->time > DROP_FRESH) {
		ask_for_probe(p, now, a);
		/* At once, so that they need not be waited for later. */
		if (!p->held && p->control == 0)
			(void)control(d, p, now, a);
		if ((p->reported < p->reached ||
			(!p->held && p->reported < p->vouched)) &&
		    now - sent >= PROBE_WAIT)
			drop_decide_hold(p, DROP_WHY_NO_PROBE, NULL, now, a);
		return;
	}
	confirm(p, d->settings.no_key, now, &v);
	why = forbidden(d, p, &v, now);
	if (why == DROP_WHY_NONE && p->down.on &&
	    p->down.end <= now + DROP_ANSWER_WAIT)
		return; /* it is over before it helps */
	/* Whoever is told that he has to mend it must not hear it of ours. */
	if (why != DROP_WHY_UNCONFIRMED) {
		consent = control(d, p, now, a);
		if (consent == CONSENT_WAIT)
			return;
		if (consent == CONSENT_NONE)
			why = DROP_WHY_COMMON;
	}
	if (why == DROP_WHY_NONE)
		lower(d, p, &v, now, a);
	else
		drop_decide_hold(p, why, &v, now, a);
}
