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

#define SAME_LOOK 900 /* seconds: results that near belong to one look */
#define FAILURES_SINCE (30 * 86400)

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

static bool
take_open(const struct ledger_downgrade *d, void *arg)
{
	struct ctl_facts *f = arg;
	struct ctl_lowered *x = &f->lowered;

	if (d->closed != 0)
		return true;
	*x = (struct ctl_lowered){.id = d->id,
	    .before = d->before,
	    .after = d->after,
	    .begin = d->begin,
	    .end = d->end,
	    .automatic = d->cause == LEDGER_AUTOMATIC};
	x->reason = keep(f, d->reason);
	x->ticket = keep(f, d->ticket);
	x->author = keep(f, d->author);
	x->sudo_user = keep(f, d->sudo_user);
	x->extended_by = keep(f, d->extended_by);
	x->fault = keep(f, d->fault);
	return false;
}

static bool
take_gateway(const struct ledger_gateway *g, void *arg)
{
	struct ctl_facts *f = arg;
	struct ledger_gateway *x;

	f->gateway = mem_grow(f->gateway, f->n, &f->cap, sizeof(*f->gateway));
	x = &f->gateway[f->n++];
	*x = *g;
	x->key = keep(f, g->key);
	x->last.partner = f->name;
	x->last.nexthop = keep(f, g->last.nexthop);
	x->last.host = keep(f, g->last.host);
	x->last.address = keep(f, g->last.address);
	x->last.fault = keep(f, g->last.fault);
	x->last.protocol = keep(f, g->last.protocol);
	x->last.cipher = keep(f, g->last.cipher);
	x->last.kex = keep(f, g->last.kex);
	x->last.key = keep(f, g->last.key);
	x->last.detail = keep(f, g->last.detail);
	x->last.chain = "";
	if (x->last.time > f->probed)
		f->probed = x->last.time;
	return true;
}

static bool
take_key(const struct ledger_key *k, void *arg)
{
	struct ctl_facts *f = arg;

	f->key = mem_grow(f->key, f->nkeys, &f->key_cap, sizeof(*f->key));
	f->key[f->nkeys++] = keep(f, k->key);
	return true;
}

static bool
take_failure(const struct ledger_failure *x, void *arg)
{
	struct ctl_facts *f = arg;

	/* Oldest first: the last one stays. */
	f->failure.time = x->time;
	f->failure.direction = x->direction;
	f->failure.fault = keep(f, x->fault);
	f->failure.host = keep(f, x->host);
	f->failure.domain = keep(f, x->domain);
	f->failure.text = keep(f, x->text);
	return true;
}

static bool
take_count(const struct ledger_count *x, void *arg)
{
	struct ctl_facts *f = arg;

	if (x->direction != LEDGER_OUT || strcmp(x->result, "sent") != 0)
		return true;
	f->moved.n[x->seen] += x->n;
	return true;
}

/* Gateways that are gone from DNS keep their rows: only one look counts. */
static void
last_look_only(struct ctl_facts *f)
{
	const struct ledger_gateway *g;
	struct step_gateway *s;
	size_t i, k, n = 0;

	for (i = 0; i < f->n; i++)
		if (f->gateway[i].last.time >= f->probed - SAME_LOOK)
			f->gateway[n++] = f->gateway[i];
	f->n = n;
	free(f->step);
	f->step = mem_zero(n + 1, sizeof(*f->step));
	for (i = 0; i < n; i++) {
		g = &f->gateway[i];
		s = &f->step[i];
		*s = (struct step_gateway){.nexthop = g->last.nexthop,
		    .host = g->last.host,
		    .fault = FAULT_LOCAL_ERROR,
		    .time = g->last.time,
		    .since = g->since,
		    .not_after = g->last.not_after};
		(void)fault_parse(g->last.fault, &s->fault);
		for (k = 0; k < f->nkeys && !s->same_key; k++)
			s->same_key = strcmp(f->key[k], g->last.key) == 0;
	}
}

static void
day_text(time_t t, char *out, size_t size)
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, size, "%Y-%m-%d", &tm) == 0)
		*out = '\0';
}

int
ctl_facts_ledger(struct ctl *c, struct ctl_facts *f, struct ledger *l)
{
	struct err e;

	f->lowered = (struct ctl_lowered){0};
	f->n = f->nkeys = 0;
	f->probed = 0;
	f->moved = (struct ctl_moved){0};
	if (ledger_downgrades(l, f->name, 0, take_open, f, &e) == -1 ||
	    ledger_gateways(l, f->name, 0, take_gateway, f, &e) == -1 ||
	    ledger_passed_keys(l, f->name, take_key, f, &e) == -1 ||
	    ledger_failures(
		l, f->name, c->now - FAILURES_SINCE, take_failure, f, &e) == -1)
		goto failed;
	/* What has ended holds no more, whether that was written or not. */
	if (f->lowered.id != 0 && f->lowered.end <= c->now)
		f->lowered = (struct ctl_lowered){0};
	day_text(f->lowered.id != 0 ? f->lowered.begin : c->now, f->moved.since,
	    sizeof(f->moved.since));
	if (ledger_counts(
		l, f->name, f->moved.since, NULL, take_count, f, &e) == -1)
		goto failed;
	last_look_only(f);
	return EX_OK;
failed:
	say_err(&e);
	f->ledger_fault = keep(f, e.text);
	return e.code;
}

static void
ask_map(struct ctl *c, struct ctl_facts *f)
{
	struct cdbmap *m;
	struct mapheader h;
	const char *key = NULL, *text;
	struct err e;
	size_t len;

	if ((m = cdbmap_open(c->set.map, &e)) == NULL) {
		f->map_fault = keep(f, e.text);
		return;
	}
	if (cdbmap_get(m, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1, &text,
		&len) == CDBMAP_FOUND &&
	    mapheader_parse(&h, text, len))
		f->map_time = h.time;
	if (f->partner != NULL && f->partner->ndomains > 0)
		key = c->registry->domain[f->partner->first_domain].name;
	if (key != NULL &&
	    cdbmap_get(m, key, strlen(key), &text, &len) == CDBMAP_FOUND)
		f->in_map = strength_level(text, len, &f->map_level);
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

static void
ask_queue(struct ctl *c, struct ctl_facts *f)
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

/* Find the partner; what the registry no longer has may be in the ledger. */
static int
find(struct ctl *c, const char *name, struct ledger *l, struct ctl_facts *f)
{
	bool known = false;
	uint32_t i = REGISTRY_NONE;
	struct err e;

	if (c->registry != NULL)
		i = registry_find(c->registry, name);
	if (i == REGISTRY_NONE && c->registry != NULL)
		i = walk(c->registry, name);
	if (i != REGISTRY_NONE) {
		f->partner = &c->registry->partner[i];
		f->name = f->partner->name;
		f->full = partner_level(f->partner);
		return EX_OK;
	}
	if (l != NULL && ledger_downgrades(l, name, 0, stop, &known, &e) == -1)
		known = false;
	if (known) {
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
	struct ledger *l;
	struct err e;
	int code;

	*f = (struct ctl_facts){0};
	l = ledger_open(c->set.ledger, LEDGER_READ, &e);
	code = find(c, name, l, f);
	if (code != EX_OK) {
		ledger_close(l);
		return code;
	}
	if (l != NULL) {
		code = ctl_facts_ledger(c, f, l);
		ledger_close(l);
	} else if (e.code != EX_NOINPUT) {
		say_err(&e);
		f->ledger_fault = keep(f, e.text);
		code = e.code;
	}
	ask_map(c, f);
	if (waiting)
		ask_queue(c, f);
	return code;
}

void
ctl_facts_release(struct ctl_facts *f)
{
	free(f->gateway);
	free(f->step);
	free(f->key);
	flush_release(&f->waiting);
	arena_free(&f->arena);
	*f = (struct ctl_facts){0};
}
