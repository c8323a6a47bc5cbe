#include "rehearse.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "judge.h"
#include "mem.h"
#include "dname.h"
#include "registry.h"

struct work {
	const struct registry *r;
	struct judge *before, *after;
	time_t at;
	struct rehearsal *out;
	struct judgement *j;
	bool *seen; /* by partner */
	struct err *e;
	bool failed;
};

static bool
uses_bundle(const struct partner *p)
{
	return partner_level(p) == LEVEL_SECURE &&
	       p->terms->verify == VERIFY_NAME && p->terms->ca->n == 0;
}

/* Both verdicts on one chain. 0 or -1. */
static int
judge_both(struct work *w, const struct judge_gateway *g, STACK_OF(X509) * c,
    struct rehearsal_row *row)
{
	bool before;

	if (judge_chain(w->before, g, c, w->j, w->e) == -1)
		return -1;
	row->now = w->j->fault;
	before = w->j->v.delivers;
	row->issuer = mem_dup(w->j->v.leaf.issuer_cn);
	if (judge_chain(w->after, g, c, w->j, w->e) == -1)
		return -1;
	row->then = w->j->fault;
	row->breaks = before && !w->j->v.delivers;
	row->mends = !before && w->j->v.delivers;
	return 0;
}

static bool
on_chain(const struct evidence_probe *p, void *arg)
{
	struct work *w = arg;
	struct judge_gateway g = {.level = LEVEL_SECURE, .at = w->at};
	struct rehearsal_row row = {0};
	STACK_OF(X509) * c;
	struct nexthop n;
	uint32_t i;

	i = registry_partner(w->r, p->partner);
	if (i == REGISTRY_NONE || !uses_bundle(&w->r->partner[i]) ||
	    (c = x509_chain_parse(p->chain, strlen(p->chain), w->e)) == NULL)
		return true;
	w->seen[i] = true;
	g.terms = w->r->partner[i].terms;
	g.gateway = w->r->partner[i].gateway;
	g.host = p->host;
	g.nexthop = nexthop_parse(p->nexthop, &n) == 0 ? n.name : p->nexthop;
	if (judge_both(w, &g, c, &row) == 0) {
		row.partner = mem_dup(p->partner);
		row.nexthop = mem_dup(p->nexthop);
		row.host = mem_dup(p->host);
		row.seen = p->time;
		w->out->breaks += row.breaks;
		w->out->mends += row.mends;
		w->out->row = mem_grow(
		    w->out->row, w->out->n, &w->out->cap, sizeof(*w->out->row));
		w->out->row[w->out->n++] = row;
	} else {
		free(row.issuer);
		w->failed = true;
	}
	sk_X509_pop_free(c, X509_free);
	return !w->failed;
}

static void
count_others(struct work *w)
{
	struct rehearsal *out = w->out;
	size_t i;

	for (i = 0; i < w->r->npartners; i++) {
		const struct partner *p = &w->r->partner[i];

		if (partner_level(p) == LEVEL_OPPORTUNISTIC || w->seen[i])
			continue;
		if (!uses_bundle(p)) {
			out->own++;
			continue;
		}
		out->never = mem_grow(out->never, out->nnever, &out->never_cap,
		    sizeof(*out->never));
		out->never[out->nnever++] = p->name;
	}
}

int
rehearse(struct evidence *v, const struct registry *r, struct judge *before,
    struct judge *after, time_t at, struct rehearsal *out, struct err *e)
{
	struct work w = {.r = r,
	    .before = before,
	    .after = after,
	    .at = at,
	    .out = out,
	    .e = e};
	int rv;

	memset(out, 0, sizeof(*out));
	w.j = mem_zero(1, sizeof(*w.j));
	w.seen = mem_zero(r->npartners + 1, sizeof(*w.seen));
	rv = evidence_chains(v, NULL, on_chain, &w, e);
	count_others(&w);
	free(w.j);
	free(w.seen);
	return rv == -1 || w.failed ? -1 : 0;
}

void
rehearsal_release(struct rehearsal *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		free(r->row[i].partner);
		free(r->row[i].nexthop);
		free(r->row[i].host);
		free(r->row[i].issuer);
	}
	free(r->row);
	free(r->never);
	memset(r, 0, sizeof(*r));
}
