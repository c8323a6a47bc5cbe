#include "warden_reports.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "evidence.h"
#include "mem.h"
#include "settings.h"
#include "warden_facts.h"

static const char *
keep(struct arena *a, const char *s)
{
	return arena_copy(a, s, strlen(s));
}

struct collector {
	struct warden_facts *f;
	struct warden_reports *r;
	time_t since;
};

static bool
take_gateway(const struct evidence_gateway *g, void *arg)
{
	struct collector *c = arg;
	struct warden_reports *r = c->r;
	const struct partner *p = warden_facts_partner(c->f, g->last.partner);
	struct step_gateway x;
	char key[EVIDENCE_KEY];
	struct err e;

	if (g->last.time < c->since ||
	    !evidence_step(g, p == NULL ? LEVEL_SECURE : partner_level(p), &x))
		return true;
	if (evidence_passed_key(
		c->f->evidence, g->last.partner, g->last.host, key, &e) == -1)
		key[0] = '\0';
	x.partner = keep(&r->arena, x.partner);
	x.nexthop = keep(&r->arena, x.nexthop);
	x.host = keep(&r->arena, x.host);
	x.address = keep(&r->arena, x.address);
	x.key = keep(&r->arena, x.key);
	x.last_key = keep(&r->arena, key);
	r->gateway = mem_grow(
	    r->gateway, r->ngateways, &r->gateway_cap, sizeof(*r->gateway));
	r->gateway[r->ngateways++] = x;
	return true;
}

/* The n gateways at v are one partner's: those that the latest look met. */
static void
add_report(
    struct warden_reports *r, struct step_gateway *v, size_t n, time_t span)
{
	bool *met = mem_zero(n, sizeof(*met));
	struct drop_report *to;
	size_t i;

	r->v = mem_grow(r->v, r->n, &r->cap, sizeof(*r->v));
	to = &r->v[r->n++];
	*to = (struct drop_report){.partner = v->partner, .gateway = v};
	for (i = 0; i < n; i++)
		met[i] = step_met(v, n, i, span);
	for (i = 0; i < n; i++) {
		if (!met[i])
			continue;
		if (to->time == 0 || v[i].time < to->time)
			to->time = v[i].time;
		v[to->n++] = v[i];
	}
	free(met);
}

int
warden_reports(struct warden_facts *f, const char *partner, time_t since,
    struct warden_reports *out, struct err *e)
{
	struct collector c = {.f = f, .r = out, .since = since};
	/* From the first to the last result of one look at a next-hop. */
	time_t span = 2 * (time_t)f->set->probe_timeout + 10;
	size_t i, j;

	if (evidence_gateways(
		f->evidence, partner, since, take_gateway, &c, e) == -1)
		return -1;
	for (i = 0; i < out->ngateways; i = j) {
		for (j = i + 1;
		     j < out->ngateways && strcmp(out->gateway[j].partner,
					       out->gateway[i].partner) == 0;
		     j++)
			;
		add_report(out, &out->gateway[i], j - i, span);
	}
	return 0;
}

void
warden_reports_release(struct warden_reports *r)
{
	arena_free(&r->arena);
	free(r->v);
	free(r->gateway);
	*r = (struct warden_reports){0};
}
