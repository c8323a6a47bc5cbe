#include "ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cdbmap.h"
#include "dname.h"
#include "err.h"
#include "mapheader.h"
#include "mem.h"
#include "quote.h"
#include "registry.h"
#include "say.h"
#include "strength.h"

void
ctl_load_registry(struct ctl *c)
{
	struct err e;

	c->registry = registry_load(c->set.registry, c->now, &c->diags, &e);
	if (c->registry == NULL) {
		say_err(&e);
		c->registry_code = e.code;
		return;
	}
	if (c->diags.errors == 0)
		return;
	diag_sort(&c->diags);
	say_diags(&c->diags, false);
	/* Their places borrow from it. */
	diag_free(&c->diags);
	registry_free(c->registry);
	c->registry = NULL;
	c->registry_code = EX_DATAERR;
}

static const char *
keep(struct ctl_facts *f, const char *s)
{
	return arena_copy(&f->arena, s, strlen(s));
}

/* As smtp(8) looks it up: the domain, then each parent with its dot. */
static uint32_t
walk(const struct registry *r, const char *domain)
{
	char buf[DNAME_MAX + 256];
	struct dname name;
	const char *dot;
	uint32_t i;

	if (dname_host(domain, buf, &name) != NULL)
		return REGISTRY_NONE;
	i = registry_find(r, name.s);
	for (dot = strchr(name.s, '.'); i == REGISTRY_NONE && dot != NULL;
	     dot = strchr(dot + 1, '.'))
		i = registry_find(r, dot);
	return i;
}

bool
ctl_is_theirs(
    const struct registry *r, const struct partner *p, const char *domain)
{
	uint32_t i = walk(r, domain);

	return i != REGISTRY_NONE && &r->partner[i] == p;
}

/* What the map says of these partners. */
static void
ask_map(struct ctl *c, struct ctl_facts *f, size_t n)
{
	struct mapheader h = {0};
	const char *why = NULL, *key, *text;
	struct cdbmap *m;
	struct err e;
	size_t len, i;

	if ((m = cdbmap_open(c->set.map, &e)) == NULL)
		why = keep(f, e.text);
	else if (cdbmap_get(m, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1, &text,
		     &len) == CDBMAP_FOUND &&
		 !mapheader_parse(&h, text, len))
		h.time = 0;
	for (i = 0; i < n; i++, f++) {
		f->map_fault = why;
		f->map_time = h.time;
		if (why != NULL || f->partner == NULL ||
		    f->partner->ndomains == 0)
			continue;
		key = c->registry->domain[f->partner->first_domain].name;
		if (cdbmap_get(m, key, strlen(key), &text, &len) ==
		    CDBMAP_FOUND)
			f->in_map = strength_level(text, len, &f->map_level);
	}
	cdbmap_close(m);
}

struct theirs {
	const struct registry *r;
	const struct partner *p;
};

static bool
match_theirs(const char *domain, void *arg)
{
	const struct theirs *t = arg;

	return ctl_is_theirs(t->r, t->p, domain);
}

void
ctl_facts_queue(struct ctl *c, struct ctl_facts *f)
{
	struct theirs t = {.r = c->registry, .p = f->partner};
	struct err e;

	f->waiting_asked = true;
	if (f->partner == NULL)
		f->waiting_fault = "the registry does not tell its domains";
	else if (flush_list(&f->waiting, settings_postfix(&c->set),
		     match_theirs, &t, &e) == -1)
		f->waiting_fault = keep(f, e.text);
}

static bool
stop(const struct ledger_downgrade *d, void *arg)
{
	(void)d;
	*(bool *)arg = true;
	return false;
}

static void
take_partner(struct ctl_facts *f, const struct partner *p)
{
	f->partner = p;
	f->name = p->name;
	f->full = partner_level(p);
}

/* Was it ever lowered? */
static bool
is_on_record(const struct ctl *c, const char *name)
{
	struct ledger *l;
	struct err e;
	bool known = false;

	l = ledger_open(c->set.ledger, LEDGER_READ, &e);
	if (l != NULL && ledger_downgrades(l, name, 0, stop, &known, &e) == -1)
		known = false;
	ledger_close(l);
	return known;
}

/* Find the partner; what the registry no longer has may be in the ledger. */
static int
find(struct ctl *c, const char *name, struct ctl_facts *f)
{
	uint32_t i = REGISTRY_NONE;

	if (c->registry != NULL)
		i = registry_find(c->registry, name);
	if (i == REGISTRY_NONE && c->registry != NULL)
		i = walk(c->registry, name);
	if (i != REGISTRY_NONE) {
		take_partner(f, &c->registry->partner[i]);
		return EX_OK;
	}
	if (is_on_record(c, name)) {
		f->name = keep(f, name);
		f->full = LEVEL_SECURE;
		return EX_OK;
	}
	if (c->registry == NULL)
		return c->registry_code;
	say("no partner has the name or the domain %s; see tlspactctl status",
	    quotes(name).s);
	return EX_NOINPUT;
}

int
ctl_facts_get(
    struct ctl *c, const char *name, bool waiting, struct ctl_facts *f)
{
	int code;

	*f = (struct ctl_facts){0};
	if ((code = find(c, name, f)) != EX_OK)
		return code;
	code = ctl_facts_ledger(c, f, 1);
	ask_map(c, f, 1);
	if (waiting)
		ctl_facts_queue(c, f);
	return code;
}

int
ctl_facts_all(struct ctl *c, struct ctl_facts **out)
{
	size_t n = c->registry->npartners, i;
	struct ctl_facts *f;
	int code;

	*out = NULL;
	if (n == 0)
		return EX_OK;
	*out = f = mem_zero(n, sizeof(*f));
	for (i = 0; i < n; i++)
		take_partner(&f[i], &c->registry->partner[i]);
	code = ctl_facts_ledger(c, f, n);
	ask_map(c, f, n);
	return code;
}

void
ctl_facts_release(struct ctl_facts *f)
{
	free(f->gateway);
	free(f->step);
	flush_release(&f->waiting);
	arena_free(&f->arena);
	*f = (struct ctl_facts){0};
}

void
ctl_facts_free(struct ctl_facts *f, size_t n)
{
	size_t i;

	for (i = 0; f != NULL && i < n; i++)
		ctl_facts_release(&f[i]);
	free(f);
}
