#include "rehearse.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "judge.h"
#include "mem.h"
#include "names.h"
#include "dname.h"
#include "registry.h"

struct work {
	const struct registry *r;
	struct judge *before, *after;
	time_t at;
	struct rehearsal *out;
	struct judgement *j;
	bool *seen; /* by partner */
	time_t span;
	struct names current; /* not gone from DNS: see gateway_name() */
	struct err *e;
	bool failed;
};

static bool
uses_bundle(const struct work *w, const struct partner *p)
{
	return partner_level(p) == LEVEL_SECURE &&
	       p->attributes->verify == VERIFY_NAME &&
	       judge_uses_ca_file(w->before, p->attributes);
}

/* Does it name a file that an update of the bundle may change as well? */
static bool
is_near(const struct partner *p)
{
	static const char *const folders[] = {"/etc/ssl/certs/", "/etc/pki/",
	    "/etc/ca-certificates/", "/usr/share/ca-certificates/"};
	const struct strs *ca = p->attributes->ca;
	size_t i, k;

	if (partner_level(p) != LEVEL_SECURE ||
	    p->attributes->verify != VERIFY_NAME)
		return false;
	for (i = 0; i < ca->n; i++)
		for (k = 0; k < sizeof(folders) / sizeof(folders[0]); k++)
			if (strncmp(ca->v[i], folders[k], strlen(folders[k])) ==
			    0)
				return true;
	return false;
}

static const char *
keep(struct work *w, const char *s)
{
	return arena_copy(&w->out->arena, s, strlen(s));
}

/* Both verdicts on one chain. 0 or -1. */
static int
judge_both(struct work *w, const struct judge_gateway *g,
    const struct evidence_probe *p, STACK_OF(X509) * c)
{
	struct rehearsal *out = w->out;
	struct rehearsal_row row;
	bool before;

	if (judge_chain(w->before, g, c, w->j, w->e) == -1)
		return -1;
	row = (struct rehearsal_row){.partner = keep(w, p->partner),
	    .nexthop = keep(w, p->nexthop),
	    .host = keep(w, p->host),
	    .issuer = keep(w, w->j->v.leaf.issuer_cn),
	    .seen = p->time,
	    .now = w->j->fault};
	before = w->j->v.delivers;
	row.ca = before ? keep(w, w->j->v.root) : "";
	if (judge_chain(w->after, g, c, w->j, w->e) == -1)
		return -1;
	row.then = w->j->fault;
	row.breaks = before && !w->j->v.delivers;
	row.mends = !before && w->j->v.delivers;
	out->breaks += row.breaks;
	out->mends += row.mends;
	out->failing += !before && !w->j->v.delivers;
	out->row = mem_grow(out->row, out->n, &out->cap, sizeof(*out->row));
	out->row[out->n++] = row;
	return 0;
}

/* Freed by the caller. */
static char *
gateway_name(const struct evidence_probe *p)
{
	return mem_printf("%s\n%s\n%s", p->partner, p->nexthop, p->host);
}

static bool
on_gateway(const struct evidence_gateway *g, void *arg)
{
	struct work *w = arg;
	char *name;

	if (evidence_gone(g, w->span) ||
	    !registry_has(w->r, g->last.partner, g->last.nexthop))
		return true;
	name = gateway_name(&g->last);
	(void)names_add(&w->current, name, strlen(name));
	free(name);
	return true;
}

static bool
is_current(const struct work *w, const struct evidence_probe *p)
{
	char *name = gateway_name(p);
	bool found = names_find(&w->current, name, strlen(name)) != STRMAP_NONE;

	free(name);
	return found;
}

static bool
on_chain(const struct evidence_probe *p, void *arg)
{
	struct work *w = arg;
	struct judge_gateway g = {.level = LEVEL_SECURE, .at = w->at};
	STACK_OF(X509) * c;
	struct nexthop n;
	uint32_t i;

	i = registry_partner(w->r, p->partner);
	if (i == REGISTRY_NONE || !uses_bundle(w, &w->r->partner[i]) ||
	    !is_current(w, p) ||
	    (c = x509_chain_parse(p->chain, strlen(p->chain), w->e)) == NULL)
		return true;
	w->seen[i] = true;
	g.attributes = w->r->partner[i].attributes;
	g.gateway = w->r->partner[i].gateway;
	g.host = p->host;
	g.nexthop = nexthop_parse(p->nexthop, &n) == 0 ? n.name : p->nexthop;
	w->failed = judge_both(w, &g, p, c) == -1;
	sk_X509_pop_free(c, X509_free);
	return !w->failed;
}

static void
count_others(struct work *w)
{
	struct rehearsal *out = w->out;
	size_t i;

	out->never = mem_zero(w->r->npartners + 1, sizeof(char *));
	out->near = mem_zero(w->r->npartners + 1, sizeof(char *));
	for (i = 0; i < w->r->npartners; i++) {
		const struct partner *p = &w->r->partner[i];

		if (partner_level(p) == LEVEL_OPPORTUNISTIC || w->seen[i])
			continue;
		if (!uses_bundle(w, p)) {
			out->own++;
			if (is_near(p))
				out->near[out->nnear++] = p->name;
			continue;
		}
		out->never[out->nnever++] = p->name;
	}
}

static int
by_breaks(const void *x, const void *y)
{
	const struct rehearsal_ca *a = x, *b = y;

	return a->breaks != b->breaks
		   ? (a->breaks < b->breaks) - (a->breaks > b->breaks)
		   : strcmp(a->name, b->name);
}

/* Whose loss breaks how many. */
static void
count_cas(struct rehearsal *out)
{
	struct names seen = {0};
	const char *name;
	uint32_t at;
	size_t i;

	out->none = out->n > 0 && out->breaks + out->failing == out->n;
	out->ca = mem_zero(out->breaks + 1, sizeof(*out->ca));
	for (i = 0; i < out->n; i++) {
		if (!out->row[i].breaks)
			continue;
		name = out->row[i].ca;
		at = names_add(&seen, name, strlen(name));
		if (at == out->ncas)
			out->ca[out->ncas++].name = name;
		out->ca[at].breaks++;
	}
	names_free(&seen);
	qsort(out->ca, out->ncas, sizeof(*out->ca), by_breaks);
}

int
rehearse(struct evidence *v, const struct registry *r, struct judge *before,
    struct judge *after, time_t at, time_t span, struct rehearsal *out,
    struct err *e)
{
	struct work w = {.r = r,
	    .before = before,
	    .after = after,
	    .at = at,
	    .span = span,
	    .out = out,
	    .e = e};
	int rv;

	memset(out, 0, sizeof(*out));
	judge_replace(after, before);
	w.j = mem_zero(1, sizeof(*w.j));
	w.seen = mem_zero(r->npartners + 1, sizeof(*w.seen));
	rv = evidence_gateways(v, NULL, 0, on_gateway, &w, e);
	if (rv == 0)
		rv = evidence_chains(v, NULL, on_chain, &w, e);
	count_others(&w);
	count_cas(out);
	names_free(&w.current);
	free(w.j);
	free(w.seen);
	return rv == -1 || w.failed ? -1 : 0;
}

void
rehearsal_release(struct rehearsal *r)
{
	arena_free(&r->arena);
	free(r->row);
	free(r->ca);
	free(r->never);
	free(r->near);
	memset(r, 0, sizeof(*r));
}
