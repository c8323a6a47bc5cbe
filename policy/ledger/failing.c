#include "failing.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "err.h"
#include "fault.h"
#include "evidence.h"
#include "mem.h"

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
	char *partner, *nexthop;
	enum fault worst;
	time_t since; /* of the last that began to fail */
	bool fails, passes;
};

static void
finish(struct summary *s)
{
	if (s->nexthop != NULL && s->fails && !s->passes)
		buf_printf(s->out, "%lld %s %s\n", (long long)s->since,
		    fault_text(s->worst), s->nexthop);
	free(s->partner);
	free(s->nexthop);
	*s = (struct summary){.out = s->out};
}

static bool
add_gateway(const struct evidence_gateway *g, void *arg)
{
	struct summary *s = arg;
	enum fault fault;

	if (s->nexthop == NULL || strcmp(s->partner, g->last.partner) != 0 ||
	    strcmp(s->nexthop, g->last.nexthop) != 0) {
		finish(s);
		s->partner = mem_dup(g->last.partner);
		s->nexthop = mem_dup(g->last.nexthop);
	}
	if (fault_parse(g->last.fault, &fault) == -1)
		return true;
	/* By turns: what fails goes through when it is tried again. */
	if (!fault_stops_mail(fault) || g->turns.on) {
		s->passes = true;
	} else if (fault_is_tls(fault)) {
		s->fails = true;
		s->worst = fault_worse(s->worst, fault);
		if (g->since > s->since)
			s->since = g->since;
	}
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
	evidence_close(v);
	return rv;
}

void
failing_parse(struct failing *f, const char *text, size_t len)
{
	char line[512], fault[64], name[400];
	const char *end = text + len, *lf;
	struct failing_hop *hop;
	long long since;

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

void
failing_init(struct failing *f)
{
	*f = (struct failing){0};
	strmap_init(&f->map, name_of);
}

void
failing_release(struct failing *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		free(f->v[i].name);
		free(f->v[i].fault);
	}
	free(f->v);
	strmap_free(&f->map);
	failing_init(f);
}
