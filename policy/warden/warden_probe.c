/*
 * What the gateways showed: looks of ours, and those of others.
 */
#include "warden_priv.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "evidence.h"
#include "mem.h"
#include "settings.h"

/* --- Reports ------------------------------------------------------------- */

struct collector {
	struct warden *k;
	struct warden_reports *r;
	time_t since;
};

static const char *
keep(struct warden_reports *r, const char *s)
{
	return arena_copy(&r->arena, s, strlen(s));
}

static bool
take_gateway(const struct evidence_gateway *g, void *arg)
{
	struct collector *c = arg;
	struct warden_reports *r = c->r;
	const struct partner *p;
	struct warden_gateway *x;
	char key[EVIDENCE_KEY];
	struct err e;

	if (g->last.time < c->since)
		return true;
	r->gateway = mem_grow(
	    r->gateway, r->ngateways, &r->gateway_cap, sizeof(*r->gateway));
	x = &r->gateway[r->ngateways];
	*x = (struct warden_gateway){.partner = keep(r, g->last.partner),
	    .address = keep(r, g->last.address),
	    .not_after = g->last.not_after,
	    .passed = g->passed,
	    .run = g->run};
	if (fault_parse(g->last.fault, &x->seen.fault) != 0)
		return true;
	if (evidence_passed_key(
		c->k->evidence, g->last.partner, g->last.host, key, &e) == -1)
		key[0] = '\0';
	x->seen.nexthop = keep(r, g->last.nexthop);
	x->seen.host = keep(r, g->last.host);
	/* Where nothing was asked, no key is to be held to. */
	x->seen.key =
	    keep(r, g->last.judged == EVIDENCE_BY_NONE ? "" : g->last.key);
	x->seen.last_key = keep(r, key);
	x->seen.since = g->since;
	x->seen.time = g->last.time;
	x->seen.address = x->address;
	/* What passed while nothing was asked may have been anybody's. */
	p = warden_partner(c->k, g->last.partner);
	x->seen.known =
	    (p != NULL && partner_level(p) <= LEVEL_ENCRYPT ? g->passed
							    : g->vouched) != 0;
	r->ngateways++;
	return true;
}

/* Gateways first to last-1 are one partner's: make a report of them. */
static void
add_report(struct warden_reports *r, size_t first, size_t last, time_t span)
{
	size_t i, n = last - first, met = 0;
	struct step_gateway *v = arena_alloc(&r->arena, n * sizeof(*v));
	struct drop_report *to;
	time_t oldest = 0;

	for (i = 0; i < n; i++)
		v[i] = r->gateway[first + i].seen;
	for (i = 0; i < n; i++)
		r->gateway[first + i].met = step_met(v, n, i, span);
	for (i = 0; i < n; i++) {
		if (!r->gateway[first + i].met)
			continue;
		if (oldest == 0 || v[i].time < oldest)
			oldest = v[i].time;
		v[met++] = v[i];
	}
	r->report = mem_grow(r->report, r->n, &r->cap, sizeof(*r->report));
	to = &r->report[r->n++];
	to->partner = r->gateway[first].partner;
	to->time = oldest;
	to->gateway = v;
	to->n = met;
}

int
warden_reports(struct warden *k, const char *partner, time_t since,
    struct warden_reports *out, struct err *e)
{
	struct collector c = {.k = k, .r = out, .since = since};
	/* From the first to the last result of one look at a next-hop. */
	time_t span = 2 * (time_t)k->set->probe_timeout + 10;
	size_t i, j;

	if (evidence_gateways(
		k->evidence, partner, since, take_gateway, &c, e) == -1)
		return -1;
	for (i = 0; i < out->ngateways; i = j) {
		for (j = i + 1;
		     j < out->ngateways && strcmp(out->gateway[j].partner,
					       out->gateway[i].partner) == 0;
		     j++)
			;
		add_report(out, i, j, span);
	}
	return 0;
}

void
warden_reports_release(struct warden_reports *r)
{
	arena_free(&r->arena);
	free(r->report);
	free(r->gateway);
	*r = (struct warden_reports){0};
}

/* Take the partner's look from `since` on; start: when it began, or 0. */
static void
take(struct warden *k, const char *partner, time_t since, time_t start,
    bool story, time_t now)
{
	struct warden_reports r = {0};
	struct err e;

	if (warden_reports(k, partner, since, &r, &e) == -1) {
		warden_complain("the evidence cannot be read", e.text);
	} else if (r.n == 1) {
		if (start != 0)
			r.report[0].time = start;
		drop_probe(k->drop, &r.report[0], now, &k->actions);
		warden_carry_out(k, now);
		warden_watch_report(
		    k, partner, r.gateway, r.ngateways, story, now);
	}
	warden_reports_release(&r);
}

/* --- Ours ---------------------------------------------------------------- */

void
warden_ask_probe(
    struct warden *k, const char *partner, bool control, time_t now)
{
	size_t i;

	for (i = 0; i < k->nlooks; i++)
		if (strcmp(k->look[i].partner, partner) == 0) {
			/* What it began with may be over. */
			k->look[i].again = k->look[i].start < now;
			return;
		}
	k->look = mem_grow(k->look, k->nlooks, &k->look_cap, sizeof(*k->look));
	k->look[i] = (struct warden_look){.start = now, .control = control};
	if (!warden_name(k->look[i].partner, partner))
		return;
	k->nlooks++;
	k->hands.probe(k->hands.ctx, partner);
}

static bool
looking(const struct warden *k, const char *partner)
{
	size_t i;

	for (i = 0; i < k->nlooks; i++)
		if (strcmp(k->look[i].partner, partner) == 0)
			return true;
	return false;
}

void
warden_probed(struct warden *k, const char *partner, time_t now)
{
	struct warden_look l = {0};
	size_t i;

	for (i = 0; i < k->nlooks; i++)
		if (strcmp(k->look[i].partner, partner) == 0)
			break;
	if (i == k->nlooks || k->drop == NULL)
		return;
	l = k->look[i];
	k->look[i] = k->look[--k->nlooks];
	/* Somebody set the clock back: what was written bears less. */
	if (l.start > now)
		l.start = now;
	take(k, l.partner, l.start, l.start, !l.control, now);
	if (l.again)
		warden_ask_probe(k, l.partner, l.control, now);
}

/* --- Those of others ----------------------------------------------------- */

static bool
touch(const struct evidence_probe *p, void *arg)
{
	struct warden *k = arg;
	size_t i;

	if (p->id <= k->probe_id)
		return true;
	for (i = 0; i < k->ntouched; i++)
		if (strcmp(k->touched[i].partner, p->partner) == 0)
			break;
	if (i == k->ntouched) {
		k->touched = mem_grow(k->touched, k->ntouched, &k->touched_cap,
		    sizeof(*k->touched));
		k->touched[i] = (struct warden_touched){0};
		if (!warden_name(k->touched[i].partner, p->partner))
			return true;
		k->ntouched++;
	}
	if (p->time > k->touched[i].last)
		k->touched[i].last = p->time;
	return true;
}

static bool
newest_id(const struct evidence_probe *p, void *arg)
{
	int64_t *id = arg;

	if (p->id > *id)
		*id = p->id;
	return true;
}

void
warden_read_probes(struct warden *k, time_t now)
{
	time_t since = k->probes_known ? k->probe_time - 60 : now - WARDEN_LOOK;
	int64_t newest = k->probe_id;
	struct err e;

	/* What there is at the start is in the facts already. */
	if ((k->probes_known && evidence_probes(k->evidence, NULL, since, touch,
				    k, &e) == -1) ||
	    evidence_probes(k->evidence, NULL, since, newest_id, &newest, &e) ==
		-1) {
		warden_complain("the evidence cannot be read", e.text);
		return;
	}
	k->probes_known = true;
	k->probe_id = newest;
	k->probe_time = now;
}

void
warden_settle_probes(struct warden *k, time_t now)
{
	size_t i;

	for (i = k->ntouched; i-- > 0;) {
		struct warden_touched t = k->touched[i];

		if (now - t.last < WARDEN_SETTLE && now >= t.last)
			continue;
		k->touched[i] = k->touched[--k->ntouched];
		/* What ours shows is taken when it is complete. */
		if (!looking(k, t.partner))
			take(k, t.partner, t.last - WARDEN_LOOK, 0, false, now);
	}
}
