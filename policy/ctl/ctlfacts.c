#include "ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctlact_priv.h"
#include "dname.h"
#include "err.h"
#include "mem.h"
#include "quote.h"
#include "registry.h"
#include "say.h"

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

bool
ctl_is_theirs(
    const struct registry *r, const struct partner *p, const char *domain)
{
	uint32_t i = registry_covering(r, domain);

	return i != REGISTRY_NONE && &r->partner[i] == p;
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

/* What the registry no longer has may be in the map, or in the ledger. */
static int
find(struct ctl *c, const char *name, struct ctl_facts *f)
{
	uint32_t i = REGISTRY_NONE;

	if (c->registry != NULL)
		i = registry_find(c->registry, name);
	if (i == REGISTRY_NONE && c->registry != NULL)
		i = registry_covering(c->registry, name);
	if (i != REGISTRY_NONE) {
		take_partner(f, &c->registry->partner[i]);
		return EX_OK;
	}
	if (ctl_map_find(c, name, f))
		return EX_OK;
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

	*f = (struct ctl_facts){.requiretls = -1};
	if ((code = find(c, name, f)) != EX_OK)
		return code;
	code = ctl_facts_kept(c, f, 1);
	ctl_facts_map(c, f, 1);
	if (waiting)
		ctl_facts_queue(c, f);
	return code;
}

int
ctl_facts_all(struct ctl *c, struct ctl_facts **out, size_t *nout)
{
	const size_t n = c->registry == NULL ? 0 : c->registry->npartners;
	const size_t more = ctl_map_others(c, NULL, 0);
	struct ctl_facts *f;
	int code = EX_OK, rv;
	size_t i;

	*out = f = mem_zero(n + more + 1, sizeof(*f));
	*nout = n;
	for (i = 0; i < n; i++)
		take_partner(&f[i], &c->registry->partner[i]);
	if (more > 0)
		*nout += ctl_map_others(c, f + n, more);
	if (n > 0)
		code = ctl_facts_kept(c, f, n);
	for (i = n; i < *nout; i++)
		if ((rv = ctl_facts_kept(c, &f[i], 1)) != EX_OK)
			code = rv;
	ctl_facts_map(c, f, *nout);
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
