#include "ctlmove.h"

#include <string.h>
#include <strings.h>

#include "ctlfacts.h"
#include "ctlmx.h"
#include "err.h"
#include "evidence.h"
#include "fault.h"
#include "probemoved.h"

struct looking {
	const struct ctl *c;
	struct ctl_facts *f;
	const struct ctlmx *mx; /* what DNS names now; NULL: as it was met */
	const char *last; /* of the others, the last one that was counted */
};

/* It fails by TLS, and never passed at that address. */
static bool
is_new(const struct ctl_facts *f, size_t i)
{
	const struct step_gateway *g = &f->step[i];

	return *g->host != '\0' && fault_stops_mail(g->fault) &&
	       fault_is_tls(g->fault) && f->gateway[i].passed == 0;
}

/* Is it there still? */
static bool
is_there(const char *host, void *arg)
{
	const struct looking *k = arg;
	const struct ctl_facts *f = k->f;
	size_t i;

	if (k->mx != NULL)
		return ctlmx_has(k->mx, host);
	for (i = 0; i < f->n; i++)
		if (strcasecmp(f->step[i].host, host) == 0)
			return true;
	return false;
}

static const char *
keep(struct ctl_facts *f, const char *s)
{
	return arena_copy(&f->arena, s, strlen(s));
}

/* Who else is served by the new one. They come partner by partner. */
static bool
take_other(const struct evidence_gateway *g, void *arg)
{
	struct looking *k = arg;
	const struct evidence_probe *p = &g->last;
	const struct registry *r = k->c->registry;
	struct ctl_move *m = &k->f->move;
	uint32_t i;

	if (strcmp(p->partner, k->f->name) == 0 ||
	    strcasecmp(p->host, m->is) != 0 ||
	    strcmp(p->fault, fault_text(FAULT_OK)) != 0 || r == NULL ||
	    (i = registry_partner(r, p->partner)) == REGISTRY_NONE ||
	    r->partner[i].name == k->last)
		return true;
	k->last = r->partner[i].name;
	if (m->others++ == 0) {
		m->other = keep(k->f, p->partner);
		(void)registry_provider(
		    r, r->partner[i].provider, &m->provider);
	}
	return true;
}

static int
find(struct looking *k, struct evidence *v, struct err *e)
{
	struct ctl_move *m = &k->f->move;
	struct probemoved x = {
	    .partner = k->f->name, .nexthop = m->nexthop, .is = m->is};

	if (probemoved_find(&x, v, is_there, k, &k->f->arena, e) == -1)
		return -1;
	m->was = x.was;
	m->until = x.until;
	return x.was == NULL ? 0
			     : evidence_gateways(v, NULL, 0, take_other, k, e);
}

int
ctlmove_find(
    const struct ctl *c, struct ctl_facts *f, struct evidence *v, struct err *e)
{
	struct looking k = {.c = c, .f = f};
	size_t i;

	f->move = (struct ctl_move){0};
	for (i = 0; i < f->n && !is_new(f, i); i++)
		;
	if (i == f->n)
		return 0;
	f->move.nexthop = f->step[i].nexthop;
	f->move.is = f->step[i].host;
	return find(&k, v, e);
}

void
ctlmove_live(const struct ctl *c, struct ctl_facts *f, const char *nexthop,
    const struct ctlmx *mx, const char *is)
{
	struct looking k = {.c = c, .f = f, .mx = mx};
	struct evidence *v;
	struct err ignored;

	f->move = (struct ctl_move){.nexthop = nexthop, .is = is};
	v = evidence_open(
	    c->set.evidence, c->set.ledger, EVIDENCE_READ, &ignored);
	if (find(&k, v, &ignored) == -1)
		f->move.was = NULL;
	evidence_close(v);
}
