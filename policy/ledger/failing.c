#include "failing.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "arena.h"
#include "buf.h"
#include "err.h"
#include "evidence.h"
#include "fault.h"
#include "mem.h"
#include "step.h"

static const char *
name_of(const void *array, uint32_t i)
{
	return ((const struct failing_hop *)array)[i].name;
}

const struct failing_hop *
failing_find(const struct failing *f, const char *name, size_t len)
{
	uint32_t i = strmap_find(&f->map, f->v, name, len);

	return i == STRMAP_NONE ? NULL : &f->v[i];
}

/* The gateways of a next-hop come one after the other. */
struct summary {
	struct buf *out;
	struct step_gateway *gateway; /* of one next-hop of one partner */
	size_t n, cap;
	struct arena arena;
};

static void
finish(struct summary *s)
{
	struct step_hop hop;

	if (s->n > 0 &&
	    step_hop(s->gateway, s->n, 0, LEVEL_SECURE, false, &hop) &&
	    hop.helps && !hop.passes)
		buf_printf(s->out, "%lld %s %s\n", (long long)hop.since,
		    fault_text(hop.fault), s->gateway[0].nexthop);
	s->n = 0;
	arena_free(&s->arena);
}

static bool
add_gateway(const struct evidence_gateway *g, void *arg)
{
	const struct evidence_probe *p = &g->last;
	struct summary *s = arg;
	struct step_gateway x = {.since = g->since};

	if (s->n > 0 && (strcmp(s->gateway[0].partner, p->partner) != 0 ||
			    strcmp(s->gateway[0].nexthop, p->nexthop) != 0))
		finish(s);
	if (g->gone || fault_parse(p->fault, &x.fault) == -1)
		return true;
	/* By turns: what fails goes through when it is tried again. */
	if (g->turns.on)
		x.fault = FAULT_OK;
	/* What it takes does not matter here, so no keys. */
	x.partner = arena_copy(&s->arena, p->partner, strlen(p->partner));
	x.nexthop = arena_copy(&s->arena, p->nexthop, strlen(p->nexthop));
	s->gateway = mem_grow(s->gateway, s->n, &s->cap, sizeof(*s->gateway));
	s->gateway[s->n++] = x;
	return true;
}

int
failing_print(const char *path, const char *ledger, time_t since,
    struct buf *out, struct err *e)
{
	struct summary s = {.out = out};
	struct evidence *v = evidence_open(path, ledger, EVIDENCE_READ, e);
	int rv;

	if (v == NULL)
		return e->code == EX_NOINPUT ? 0 : -1;
	rv = evidence_gateways(v, NULL, since, add_gateway, &s, e);
	finish(&s);
	free(s.gateway);
	evidence_close(v);
	return rv;
}

static void
forget(struct failing *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		free(f->v[i].name);
		free(f->v[i].fault);
	}
	free(f->v);
	strmap_free(&f->map);
	*f = (struct failing){0};
	strmap_init(&f->map, name_of);
}

void
failing_take(struct failing *f, const char *text, size_t len)
{
	char line[512], fault[64], name[400];
	const char *end = text + len, *lf;
	struct failing_hop *hop;
	long long since;

	forget(f);
	for (; (lf = memchr(text, '\n', (size_t)(end - text))) != NULL;
	     text = lf + 1) {
		if ((size_t)(lf - text) >= sizeof(line))
			continue;
		memcpy(line, text, (size_t)(lf - text));
		line[lf - text] = '\0';
		if (sscanf(line, "%lld %63s %399s", &since, fault, name) != 3 ||
		    failing_find(f, name, strlen(name)) != NULL)
			continue;
		f->v = mem_grow(f->v, f->n, &f->cap, sizeof(*f->v));
		hop = &f->v[f->n];
		*hop = (struct failing_hop){.name = mem_dup(name),
		    .fault = mem_dup(fault),
		    .since = (time_t)since};
		(void)strmap_add(
		    &f->map, f->v, hop->name, strlen(name), (uint32_t)f->n++);
	}
}
