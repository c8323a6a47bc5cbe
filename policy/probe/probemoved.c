#include "probemoved.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "arena.h"
#include "evidence.h"

struct looking {
	struct probemoved *m;
	probemoved_there_fn *there;
	void *arg;
	struct arena *arena;
	bool known; /* it passed before, at another address */
};

static bool
take(const struct evidence_gateway *g, void *arg)
{
	struct looking *k = arg;
	struct probemoved *m = k->m;
	const struct evidence_probe *p = &g->last;

	if (g->passed == 0 || *p->host == '\0' ||
	    strcasecmp(p->nexthop, m->nexthop) != 0)
		return true;
	if (strcasecmp(p->host, m->is) == 0)
		k->known = true;
	else if (g->passed > m->until && !k->there(p->host, k->arg)) {
		m->until = g->passed;
		m->was = arena_copy(k->arena, p->host, strlen(p->host));
	}
	return true;
}

int
probemoved_find(struct probemoved *m, struct evidence *v,
    probemoved_there_fn *there, void *arg, struct arena *a, struct err *e)
{
	struct looking k = {.m = m, .there = there, .arg = arg, .arena = a};

	m->was = NULL;
	m->until = 0;
	if (evidence_gateways(v, m->partner, 0, take, &k, e) == -1)
		return -1;
	if (k.known)
		m->was = NULL;
	return 0;
}
