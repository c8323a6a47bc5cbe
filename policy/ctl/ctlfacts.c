#include "ctlfacts.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cdbmap.h"
#include "clock.h"
#include "dname.h"
#include "err.h"
#include "life.h"
#include "mapholds.h"
#include "maprecord.h"
#include "mem.h"
#include "strength.h"

#define FAILURES_SINCE (30 * CLOCK_DAY)

/* --- Ledger and evidence: a question a table, whose rows go to the facts
 * of their partners ------------------------------------------------------ */

/* Whose facts the rows are. */
struct reading {
	const struct registry *registry;
	struct ctl_facts *f; /* one, or those of all partners by index */
	size_t n;
	time_t now;
	int code; /* exit code: the ledger cannot be read */
};

static const char *
keep(const struct reading *g, const char *s)
{
	return arena_copy(&g->f->arena, s, strlen(s));
}

static struct ctl_facts *
whose(const struct reading *g, const char *partner)
{
	uint32_t i;

	if (g->n == 1)
		return g->f; /* nothing else was asked for */
	i = registry_partner(g->registry, partner);
	return i == REGISTRY_NONE ? NULL : &g->f[i];
}

/*
 * What is open, as the compile believes it: a row that no event bears out
 * lowers nobody.
 */
static void
take_open(const struct reading *g, const struct ledger_open *x)
{
	const struct ledger_downgrade *d = &x->row;
	struct ctl_facts *f = whose(g, x->d.partner);

	if (f == NULL || strcmp(f->name, x->d.partner) != 0)
		return;
	if (x->doubt != NULL) {
		f->doubt = keep(g, x->doubt);
		f->doubt_id = x->d.id;
		return;
	}
	f->lowered = (struct ledger_downgrade){.id = d->id,
	    .before = d->before,
	    .after = d->after,
	    .begin = d->begin,
	    .end = d->end,
	    .cause = d->cause,
	    .reason = keep(g, d->reason),
	    .ticket = keep(g, d->ticket),
	    .author = keep(g, d->author),
	    .sudo_user = keep(g, d->sudo_user),
	    .extended_by = keep(g, d->extended_by),
	    .fault = keep(g, d->fault)};
}

static bool
take_gateway(const struct evidence_gateway *x, void *arg)
{
	const struct reading *g = arg;
	struct ctl_facts *f = whose(g, x->last.partner);
	struct evidence_gateway *to;

	if (f == NULL)
		return true;
	f->gateway = mem_grow(f->gateway, f->n, &f->cap, sizeof(*f->gateway));
	to = &f->gateway[f->n++];
	*to = *x;
	to->key = keep(g, x->key);
	to->last.partner = f->name;
	to->last.nexthop = keep(g, x->last.nexthop);
	to->last.host = keep(g, x->last.host);
	to->last.address = keep(g, x->last.address);
	to->last.fault = keep(g, x->last.fault);
	to->last.key = keep(g, x->last.key);
	to->last.detail = keep(g, x->last.detail);
	/* Not told here. */
	to->last.protocol = to->last.cipher = to->last.kex = "";
	to->last.requiretls = to->last.dnssec = to->last.tlsa = "";
	if (x->last.time > f->probed)
		f->probed = x->last.time;
	return true;
}

static bool
take_failure(const struct evidence_failure *x, void *arg)
{
	const struct reading *g = arg;
	struct ctl_facts *f = whose(g, x->partner);

	if (f != NULL)
		f->failure = (struct evidence_failure){.time = x->time,
		    .direction = x->direction,
		    .fault = keep(g, x->fault),
		    .host = keep(g, x->host),
		    .domain = keep(g, x->domain),
		    .text = keep(g, x->text)};
	return true;
}

static bool
take_count(const struct evidence_count *x, void *arg)
{
	struct ctl_facts *f;

	if (x->direction != EVIDENCE_OUT || strcmp(x->result, "sent") != 0)
		return true;
	f = whose(arg, x->partner);
	if (f != NULL && strcmp(x->day, f->moved.since) >= 0)
		f->moved.n[x->seen] += x->n;
	return true;
}

/* The key vouched for last at that host, at whatever address; or "". */
static const char *
host_key(const struct evidence_gateway *g, size_t n, const char *host)
{
	const char *key = "";
	time_t vouched = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (g[i].vouched > vouched &&
		    strcmp(g[i].last.host, host) == 0) {
			vouched = g[i].vouched;
			key = g[i].key;
		}
	return key;
}

/* Gateways that are gone from DNS keep their rows: the last look counts. */
static void
last_look_only(const struct reading *r, struct ctl_facts *f, time_t span)
{
	const struct evidence_gateway *g;
	struct step_gateway *all = mem_zero(f->n + 1, sizeof(*all));
	size_t i, n = 0;

	for (i = 0; i < f->n; i++) {
		g = &f->gateway[i];
		if (!evidence_step(g, f->full, &all[i]))
			all[i].fault = FAULT_LOCAL_ERROR;
		all[i].last_key = host_key(f->gateway, f->n, g->last.host);
	}
	free(f->step);
	f->step = mem_zero(f->n + 1, sizeof(*f->step));
	for (i = 0; i < f->n; i++)
		if (step_met(all, f->n, i, span)) {
			f->step[n] = all[i];
			f->gateway[n++] = f->gateway[i];
		}
	free(all);
	f->n = n;
	f->nkeys = step_keys(f->step, n, &r->f->arena, &f->key);
}

static void
day_text(time_t t, char day[CTL_DAY])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(day, CTL_DAY, "%Y-%m-%d", &tm) == 0)
		*day = '\0';
}

/* Set the days from which mail is counted; first is the earliest. */
static void
begin_counts(const struct reading *g, char first[CTL_DAY])
{
	struct ctl_facts *f;
	size_t i;

	day_text(g->now, first);
	for (i = 0; i < g->n; i++) {
		f = &g->f[i];
		day_text(f->lowered.id != 0 ? f->lowered.begin : g->now,
		    f->moved.since);
		if (strcmp(f->moved.since, first) < 0)
			memcpy(first, f->moved.since, CTL_DAY);
	}
}

static void
forget_ledger(struct ctl_facts *f)
{
	f->lowered = (struct ledger_downgrade){0};
	f->ledger_fault = f->doubt = NULL;
	f->doubt_id = 0;
}

static void
read_ledger(const struct ctl *c, struct reading *g)
{
	struct ledger_believed o = {0};
	struct ledger *l;
	struct err e;
	size_t i;
	int rv;

	l = ledger_open(c->set.ledger, LEDGER_READ, &e);
	/* What is not there yet has nothing to tell. */
	if (l == NULL && e.code == EX_NOINPUT)
		return;
	rv = l == NULL
		 ? -1
		 : ledger_believed(l, c->now, c->set.max_downgrade, &o, &e);
	ledger_close(l);
	for (i = 0; i < o.n; i++)
		take_open(g, &o.v[i]);
	ledger_believed_release(&o);
	if (rv == 0)
		return;
	g->code = e.code;
	for (i = 0; i < g->n; i++)
		g->f[i].ledger_fault = keep(g, e.text);
}

static int
ask_evidence(
    const struct ctl *c, struct reading *g, struct evidence *v, struct err *e)
{
	const char *partner = g->n == 1 ? g->f->name : NULL;
	char first[CTL_DAY];
	size_t i;

	if (evidence_gateways(v, partner, 0, take_gateway, g, e) == -1 ||
	    evidence_last_failures(
		v, partner, c->now - FAILURES_SINCE, take_failure, g, e) == -1)
		return -1;
	begin_counts(g, first);
	if (evidence_counts(v, partner, first, NULL, take_count, g, e) == -1)
		return -1;
	for (i = 0; i < g->n; i++)
		last_look_only(
		    g, &g->f[i], 2 * (time_t)c->set.probe_timeout + 10);
	return 0;
}

static void
forget_evidence(struct ctl_facts *f)
{
	f->n = f->nkeys = 0;
	f->probed = 0;
	f->failure = (struct evidence_failure){0};
	f->moved = (struct ctl_moved){0};
}

static void
read_evidence(const struct ctl *c, struct reading *g)
{
	struct evidence *v;
	struct err e;
	size_t i;

	v = evidence_open(c->set.evidence, c->set.ledger, EVIDENCE_READ, &e);
	/* NULL is empty. */
	if ((v != NULL || e.code == EX_NOINPUT) &&
	    ask_evidence(c, g, v, &e) == 0) {
		evidence_close(v);
		return;
	}
	evidence_close(v);
	for (i = 0; i < g->n; i++) {
		forget_evidence(&g->f[i]);
		g->f[i].evidence_fault = keep(g, e.text);
		g->f[i].evidence_code = e.code;
	}
}

int
ctl_facts_kept(const struct ctl *c, struct ctl_facts *f, size_t n)
{
	struct reading g = {
	    .registry = c->registry, .f = f, .n = n, .now = c->now};
	size_t i;

	for (i = 0; i < n; i++) {
		forget_ledger(&f[i]);
		forget_evidence(&f[i]);
		f[i].evidence_fault = NULL;
		f[i].evidence_code = EX_OK;
	}
	read_ledger(c, &g);
	read_evidence(c, &g);
	return g.code;
}

/* --- The map: the one that Postfix reads, and so the last word on what is
 * lowered ---------------------------------------------------------------- */

struct map {
	struct cdbmap *cdb; /* NULL: why tells */
	struct err why;
	struct mapheader header;
	struct downgrade *v; /* that it has lowered */
	size_t n;
	struct arena arena;
};

static void
open_map(const struct ctl *c, struct map *m)
{
	*m = (struct map){0};
	if ((m->cdb = cdbmap_open(c->set.map, &m->why)) == NULL)
		return;
	(void)mapheader_get(&m->header, m->cdb);
	m->n = mapholds_in_map(m->cdb, &m->arena, &m->v);
}

static void
close_map(struct map *m)
{
	free(m->v);
	arena_free(&m->arena);
	cdbmap_close(m->cdb);
}

/* The level to which a lowered partner goes back, by its first record. */
static enum level
full_level(const struct map *m, const struct downgrade *o)
{
	enum level level = LEVEL_SECURE;
	struct maprecord rec;
	const char *domain = o->domains->v[0];

	if (maprecord_get(&rec, m->cdb, domain, strlen(domain))) {
		if (!strength_level(rec.full, strlen(rec.full), &level))
			level = LEVEL_SECURE;
		maprecord_release(&rec);
	}
	return level;
}

/* Domains of the partner that the downgrade does not cover. */
static void
count_spared(
    const struct ctl *c, struct ctl_facts *f, const struct downgrade *o)
{
	const char *name;
	uint32_t i;

	for (i = 0; f->partner != NULL && i < f->partner->ndomains; i++) {
		name = c->registry->domain[f->partner->first_domain + i].name;
		if (downgrade_covers(o, name))
			continue;
		if (f->low.spared++ == 0)
			f->low.spared_one = name;
	}
}

static void
take_map(const struct ctl *c, const struct map *m, struct ctl_facts *f)
{
	const struct downgrade *o;
	const char *key, *text;
	size_t len, i;

	if (f->partner != NULL && f->partner->ndomains > 0) {
		key = c->registry->domain[f->partner->first_domain].name;
		if (cdbmap_get(m->cdb, key, strlen(key), &text, &len) ==
		    CDBMAP_FOUND)
			f->in_map = strength_level(text, len, &f->map_level);
	}
	for (i = 0; i < m->n; i++) {
		o = &m->v[i];
		if (strcmp(o->partner, f->name) != 0)
			continue;
		f->low = (struct ctl_low){.rows = o->domains->n,
		    .level = o->level,
		    .full = full_level(m, o),
		    .end = o->end};
		f->in_map = true;
		f->map_level = o->level;
		count_spared(c, f, o);
	}
}

static void
take_from_map(
    const struct ctl *c, const struct map *m, struct ctl_facts *f, size_t n)
{
	const char *why = NULL;
	size_t i;

	if (m->cdb == NULL && n > 0)
		why = arena_copy(&f->arena, m->why.text, strlen(m->why.text));
	for (i = 0; i < n; i++) {
		f[i].map_fault = why;
		f[i].map_time = m->header.time;
		f[i].in_map = false;
		f[i].low = (struct ctl_low){0};
		if (why == NULL)
			take_map(c, m, &f[i]);
	}
}

void
ctl_facts_map(const struct ctl *c, struct ctl_facts *f)
{
	struct map m;

	open_map(c, &m);
	take_from_map(c, &m, f, 1);
	close_map(&m);
}

static void
take_name(const struct map *m, const struct downgrade *o, struct ctl_facts *f)
{
	f->name = arena_copy(&f->arena, o->partner, strlen(o->partner));
	f->full = full_level(m, o);
}

/*
 * Is a partner of that name, or with that domain, lowered in the map? Then
 * f->name and f->full are set.
 */
static bool
find_in_map(const struct ctl *c, const char *name, struct ctl_facts *f)
{
	char buf[DNAME_NEXTHOP_MAX + 1];
	struct dname plain;
	const char *domain;
	struct map m;
	bool found;
	size_t i;

	open_map(c, &m);
	for (i = 0; i < m.n && f->name == NULL; i++) {
		domain =
		    dname_nexthop(name, buf, &plain) == NULL ? plain.s : name;
		found = strcmp(m.v[i].partner, name) == 0;
		/* As smtp(8) looks it up. */
		for (; domain != NULL && !found; domain = registry_up(domain))
			found = downgrade_covers(&m.v[i], domain);
		if (found)
			take_name(&m, &m.v[i], f);
	}
	close_map(&m);
	return f->name != NULL;
}

/* --- The queue --------------------------------------------------------- */

struct theirs {
	const struct registry *r;
	const struct partner *p;
};

static bool
match_theirs(const char *domain, void *arg)
{
	const struct theirs *t = arg;
	uint32_t i = registry_covering(t->r, domain);

	return i != REGISTRY_NONE && &t->r->partner[i] == t->p;
}

int
ctl_facts_list(const struct ctl *c, struct ctl_facts *f, struct err *e)
{
	struct theirs t = {.r = c->registry, .p = f->partner};

	return flush_list(
	    &f->waiting, settings_postfix(&c->set), match_theirs, &t, e);
}

void
ctl_facts_queue(const struct ctl *c, struct ctl_facts *f)
{
	struct err e;

	f->waiting_asked = true;
	if (f->partner == NULL)
		f->waiting_fault = "the registry does not tell its domains";
	else if (ctl_facts_list(c, f, &e) == -1)
		f->waiting_fault =
		    arena_copy(&f->arena, e.text, strlen(e.text));
}

/* --- All of it --------------------------------------------------------- */

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
	bool known = false;
	struct err e;

	l = ledger_open(c->set.ledger, LEDGER_READ, &e);
	if (l != NULL && ledger_downgrades(l, name, 0, stop, &known, &e) == -1)
		known = false;
	ledger_close(l);
	return known;
}

/* What the registry no longer has may be in the map, or in the ledger. */
static int
find(const struct ctl *c, const char *name, struct ctl_facts *f)
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
	if (find_in_map(c, name, f))
		return EX_OK;
	if (is_on_record(c, name)) {
		f->name = arena_copy(&f->arena, name, strlen(name));
		f->full = LEVEL_SECURE;
		return EX_OK;
	}
	return EX_NOINPUT;
}

int
ctl_facts_get(
    const struct ctl *c, const char *name, bool waiting, struct ctl_facts *f)
{
	int code;

	*f = (struct ctl_facts){.requiretls = -1};
	if ((code = find(c, name, f)) != EX_OK)
		return code;
	code = ctl_facts_kept(c, f, 1);
	ctl_facts_map(c, f);
	if (waiting)
		ctl_facts_queue(c, f);
	return code;
}

int
ctl_facts_all(const struct ctl *c, struct ctl_facts **out, size_t *nout)
{
	const size_t n = c->registry == NULL ? 0 : c->registry->npartners;
	struct ctl_facts *f;
	int code = EX_OK, rv;
	struct map m;
	size_t i;

	open_map(c, &m);
	*out = f = mem_zero(n + m.n + 1, sizeof(*f));
	*nout = n;
	for (i = 0; i < n; i++)
		take_partner(&f[i], &c->registry->partner[i]);
	for (i = 0; i < m.n; i++)
		if (c->registry == NULL || registry_partner(c->registry,
					       m.v[i].partner) == REGISTRY_NONE)
			take_name(&m, &m.v[i], &f[(*nout)++]);
	if (n > 0)
		code = ctl_facts_kept(c, f, n);
	for (i = n; i < *nout; i++)
		if ((rv = ctl_facts_kept(c, &f[i], 1)) != EX_OK)
			code = rv;
	take_from_map(c, &m, f, *nout);
	close_map(&m);
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

/* --- What follows ------------------------------------------------------ */

enum level
ctl_facts_level(const struct ctl_facts *f)
{
	return f->lowered.id != 0 && f->lowered.after < f->full
		   ? f->lowered.after
		   : f->full;
}

/* Does the map say another level, or end, than registry and ledger? */
static bool
differs(const struct ctl_facts *f)
{
	/* An opportunistic partner may have no row. */
	enum level level = f->in_map ? f->map_level : LEVEL_OPPORTUNISTIC;

	return f->map_fault == NULL && f->ledger_fault == NULL &&
	       f->partner != NULL &&
	       (level != ctl_facts_level(f) ||
		   (f->low.rows > 0 && f->low.end != f->lowered.end));
}

static bool
is_odd(const struct ctl_facts *f, const struct ctl_view *v)
{
	struct step s;
	size_t i;

	if (f->lowered.id != 0 || v->low || v->differs ||
	    f->map_fault != NULL || f->doubt != NULL)
		return true;
	/* Lowered, without a record in the map that says so. */
	if (f->ledger_fault != NULL && f->in_map && f->map_level < f->full)
		return true;
	step_propose(f->step, f->n, f->full, &s);
	for (i = 0; i < f->n; i++)
		s.failing += f->step[i].turns.on;
	return v->enforced && (s.failing > 0 || s.network > 0);
}

struct ctl_view
ctl_facts_view(const struct ctl_facts *f, time_t now)
{
	struct ctl_view v = {.low = f->low.rows > 0,
	    .enforced = f->partner == NULL ||
			f->partner->attributes->mode == MODE_ENFORCED,
	    .differs = differs(f)};
	const struct evidence_probe *p;
	time_t first = 0;
	size_t i;

	v.lowered = v.low || (f->map_fault != NULL && f->lowered.id != 0);
	v.end = v.low ? f->low.end : f->lowered.end;
	v.wrong = v.low && (f->low.end <= now || f->partner == NULL);
	v.odd = is_odd(f, &v);
	for (i = 0; i < f->n; i++) {
		p = &f->gateway[i].last;
		if (p->not_after != 0 && (first == 0 || p->not_after < first))
			first = p->not_after;
		v.soon |= life_ends_soon(
		    p->begins, p->not_after, now, LIFE_WARN_DAYS);
	}
	v.dated = first != 0;
	v.days = life_days(first, now);
	return v;
}
