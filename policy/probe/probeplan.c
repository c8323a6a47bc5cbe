#include "probeplan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dname.h"
#include "err.h"
#include "mem.h"
#include "quote.h"
#include "registry_slip.h"

void
probeplan_init(struct probeplan *p, const struct registry *r, bool as_enforced)
{
	memset(p, 0, sizeof(*p));
	p->registry = r;
	p->as_enforced = as_enforced;
	attributes_inherit(&p->stranger, &r->preset);
	p->stranger.mode = MODE_OPPORTUNISTIC;
	p->stranger.verify = VERIFY_NAME;
	p->stranger.gateway = NULL;
	attributes_preset(&p->stranger);
}

static bool
has_target(const struct probeplan *p, const struct partner *partner,
    const char *nexthop)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->target[i].partner == partner &&
		    strcmp(p->target[i].nexthop, nexthop) == 0)
			return true;
	return false;
}

static void
add_target(struct probeplan *p, const struct partner *partner,
    const char *nexthop, const char *domain, bool listed)
{
	struct probetarget *t;

	p->target = mem_grow(p->target, p->n, &p->cap, sizeof(*p->target));
	t = memset(&p->target[p->n++], 0, sizeof(*t));
	t->partner = partner;
	t->name = partner == NULL ? "-" : partner->name;
	t->attributes = partner == NULL ? &p->stranger : partner->attributes;
	t->gateway = partner == NULL ? p->stranger.gateway : partner->gateway;
	t->own = partner == NULL ? LEVEL_OPPORTUNISTIC : partner_level(partner);
	t->held = t->own;
	t->level =
	    p->as_enforced ? attributes_enforced_level(t->attributes) : t->own;
	t->nexthop = nexthop;
	t->domain = domain;
	t->listed = listed;
}

static void
add_skip(struct probeplan *p, const struct partner *partner, const char *what)
{
	p->skip = mem_grow(p->skip, p->nskip, &p->skip_cap, sizeof(*p->skip));
	p->skip[p->nskip++] = (struct probeskip){partner->name, what};
}

/* look: there may be targets of this partner in the plan. */
static void
add_partner(struct probeplan *p, const struct partner *partner, bool look)
{
	const struct domain *d = &p->registry->domain[partner->first_domain];
	uint32_t i;

	for (i = 0; i < partner->ndomains; i++) {
		/* With mode=none Postfix does not even ask for TLS. */
		if (d[i].name[0] == '.' ||
		    (partner->attributes->mode == MODE_NONE && !p->as_enforced))
			add_skip(p, partner, d[i].name);
		else if (!look || !has_target(p, partner, d[i].name))
			add_target(p, partner, d[i].name, NULL,
			    partner->attributes->mode != MODE_NONE);
	}
}

void
probeplan_all(struct probeplan *p)
{
	size_t i;

	for (i = 0; i < p->registry->npartners; i++)
		add_partner(p, &p->registry->partner[i], false);
}

/* The partner's first domain that mail can be sent to, for `nexthop`. */
static const char *
first_domain(const struct registry *r, const struct partner *partner)
{
	const struct domain *d = &r->domain[partner->first_domain];
	uint32_t i;

	for (i = 0; i < partner->ndomains; i++)
		if (d[i].name[0] != '.' && !dname_is_nexthop(d[i].name))
			return d[i].name;
	return NULL;
}

/* The partner with a `.parent` of name. */
static uint32_t
below_suffix(const struct registry *r, const char *name)
{
	return dname_is_address(name) ? REGISTRY_NONE : registry_above(r, name);
}

/* The first partner that lists name as a gateway. */
static uint32_t
with_gateway(const struct registry *r, const char *name)
{
	const struct strs *g;
	size_t i, k;

	for (i = 0; i < r->npartners; i++) {
		g = r->partner[i].gateway;
		for (k = 0; k < g->n; k++)
			if (strcmp(g->v[k], name) == 0)
				return (uint32_t)i;
	}
	return REGISTRY_NONE;
}

uint32_t
probeplan_partner(const struct registry *r, const char *what)
{
	char buf[DNAME_NEXTHOP_MAX + ATTRIBUTE_PHRASE_MAX];
	struct dname name;
	uint32_t i = registry_find(r, what);

	if (i != REGISTRY_NONE || dname_nexthop(what, buf, &name) != NULL ||
	    name.kind != DNAME_HOST)
		return i;
	return below_suffix(r, name.s);
}

static const char *
keep(struct probeplan *p, const char *s)
{
	return arena_copy(&p->arena, s, strlen(s));
}

static const char *
bracket(struct probeplan *p, const struct nexthop *n)
{
	char text[DNAME_MAX + 32];
	int len;

	len = snprintf(text, sizeof(text), "[%s]", n->name);
	if (n->port != 0)
		(void)snprintf(text + len, sizeof(text) - (size_t)len, ":%u",
		    (unsigned)n->port);
	return keep(p, text);
}

static bool
is_nexthop(const char *what, struct nexthop *n)
{
	return nexthop_parse(what, n) == 0 &&
	       (n->len > 0 || strchr(n->name, '.') != NULL || what[0] == '[' ||
		   strcmp(n->name, "localhost") == 0);
}

void
probeplan_stranger(struct probeplan *p, const char *nexthop)
{
	if (!has_target(p, NULL, nexthop))
		add_target(p, NULL, keep(p, nexthop), NULL, false);
}

/* Not a name of a partner or one of its domains. */
static int
add_other(struct probeplan *p, const char *what, const char *normal,
    bool is_name, struct err *e)
{
	const struct registry *r = p->registry;
	const struct partner *partner;
	struct nexthop n;
	uint32_t i;

	if (!is_nexthop(normal, &n))
		return err_set(e, EX_NOINPUT,
		    "%s is neither a partner nor a domain or host%s",
		    quotes(what).s, registry_near(r, what).s);
	if ((i = with_gateway(r, n.name)) != REGISTRY_NONE)
		return probeplan_host(p, i, what, e);
	if (is_name && (i = below_suffix(r, normal)) != REGISTRY_NONE) {
		partner = &r->partner[i];
		if (!has_target(p, partner, normal))
			add_target(p, partner, keep(p, normal), NULL, false);
		return 0;
	}
	probeplan_stranger(p, normal);
	return 0;
}

/* The same without the dot at its end, in buf if there is one. */
static const char *
undotted(const char *what, char buf[DNAME_NEXTHOP_MAX + 1])
{
	size_t len = strlen(what);

	if (len < 2 || len > DNAME_NEXTHOP_MAX || what[len - 1] != '.' ||
	    what[len - 2] == '.')
		return what;
	memcpy(buf, what, len - 1);
	buf[len - 1] = '\0';
	return buf;
}

int
probeplan_add(struct probeplan *p, const char *what, struct err *e)
{
	char text[DNAME_NEXTHOP_MAX + 1];
	char buf[DNAME_NEXTHOP_MAX + ATTRIBUTE_PHRASE_MAX];
	const struct registry *r = p->registry;
	const struct partner *partner;
	const char *normal;
	struct dname name;
	bool is_name;
	uint32_t i;

	i = registry_partner(r, what);
	if (i != REGISTRY_NONE) {
		add_partner(p, &r->partner[i], p->n > 0);
		return 0;
	}
	normal = what = undotted(what, text);
	is_name = dname_nexthop(what, buf, &name) == NULL;
	if (is_name)
		normal = name.s;
	if (is_name && name.kind == DNAME_SUFFIX)
		return err_set(e, EX_USAGE,
		    "%s stands for all names below it; say one of them",
		    quotes(what).s);
	i = registry_domain(r, normal);
	if (i == REGISTRY_NONE)
		return add_other(
		    p, what, normal, is_name && name.kind == DNAME_HOST, e);
	partner = &r->partner[r->domain[i].partner];
	if (!has_target(p, partner, normal))
		add_target(p, partner, r->domain[i].name, NULL, true);
	return 0;
}

int
probeplan_name(const char *what, struct nexthop *n)
{
	char buf[DNAME_NEXTHOP_MAX + ATTRIBUTE_PHRASE_MAX];
	char text[DNAME_NEXTHOP_MAX + 1];
	struct dname name;

	what = undotted(what, text);
	if (dname_nexthop(what, buf, &name) != NULL)
		return nexthop_parse(what, n);
	return name.kind == DNAME_SUFFIX ? -1 : nexthop_parse(name.s, n);
}

int
probeplan_host(
    struct probeplan *p, uint32_t partner, const char *host, struct err *e)
{
	const struct partner *q = &p->registry->partner[partner];
	const char *nexthop, *domain;
	struct nexthop n;

	if (probeplan_name(host, &n) == -1)
		return err_set(e, EX_USAGE, "%s is not a host or host:port",
		    quotes(host).s);
	nexthop = bracket(p, &n);
	if (has_target(p, q, nexthop))
		return 0;
	domain = first_domain(p->registry, q);
	add_target(p, q, nexthop, domain, false);
	return 0;
}

void
probeplan_release(struct probeplan *p)
{
	free(p->target);
	free(p->skip);
	arena_free(&p->arena);
	memset(p, 0, sizeof(*p));
}

bool
probeplan_wants_tlsa(const struct probetarget *t, bool dane)
{
	if (t->fresh)
		return true;
	if (t->level == LEVEL_OPPORTUNISTIC)
		return dane || t->attributes->verify == VERIFY_DANE;
	return t->level == LEVEL_SECURE && t->attributes->verify == VERIFY_DANE;
}
