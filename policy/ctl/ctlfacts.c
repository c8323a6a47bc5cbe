#include "ctlfacts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "cdbmap.h"
#include "clock.h"
#include "ctlfailed.h"
#include "ctllive.h"
#include "ctlmove.h"
#include "ctlpast.h"
#include "dname.h"
#include "err.h"
#include "mapgone.h"
#include "mapholds.h"
#include "maprecord.h"
#include "mem.h"
#include "strength.h"

#define FAILURES_SINCE (30 * CLOCK_DAY)

/* --- Ledger and evidence: a question a table, whose rows go to the facts
 * of their partners ------------------------------------------------------ */

/* Whose facts the rows are. */
struct reading {
	const struct registry *registry, *live; /* as in struct ctl */
	struct ctl_facts *f; /* one, or those of all partners by index */
	size_t n;
	time_t now;
	struct ledger *ledger; /* NULL: it cannot be read, or is not there */
	int code;	       /* exit code: it cannot be read */
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

static struct ledger_downgrade
keep_row(const struct reading *g, const struct ledger_downgrade *d)
{
	return (struct ledger_downgrade){.id = d->id,
	    .before = d->before,
	    .after = d->after,
	    .direction = d->direction,
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

/*
 * What is open, as the compile believes it: a row that no event bears out
 * lowers nobody.
 */
static void
take_open(const struct reading *g, const struct ledger_open *x)
{
	const struct ledger_downgrade *d = &x->row;
	struct ctl_facts *f = whose(g, x->d.partner);
	const char **keys;
	size_t i;

	if (f == NULL || strcmp(f->name, x->d.partner) != 0)
		return;
	if (x->doubt != NULL) {
		f->doubt = keep(g, x->doubt);
		f->doubt_id = x->d.id;
		return;
	}
	f->lowered = keep_row(g, d);
	keys = arena_alloc(&g->f->arena, (d->nkeys + 1) * sizeof(*keys));
	for (i = 0; i < d->nkeys; i++)
		keys[i] = keep(g, d->keys[i]);
	f->lowered.keys = keys;
	f->lowered.nkeys = d->nkeys;
}

/* Nobody closed it, as nobody compiled since. */
static bool
take_over(const struct ledger_downgrade *d, void *arg)
{
	const struct reading *g = arg;
	struct ctl_facts *f = whose(g, d->partner);

	if (d->end <= g->now && f != NULL && strcmp(f->name, d->partner) == 0)
		f->over = keep_row(g, d);
	return true;
}

/*
 * Does mail to the partner go there (still)? By a registry that has it, or the
 * one that the map is made of.
 */
static bool
is_theirs(const struct reading *g, const char *partner, const char *nexthop)
{
	const struct registry *const r[] = {g->registry, g->live};
	bool known = false;
	size_t i;

	for (i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
		if (r[i] == NULL ||
		    registry_partner(r[i], partner) == REGISTRY_NONE)
			continue;
		known = true;
		if (registry_has(r[i], partner, nexthop))
			return true;
	}
	return !known;
}

static bool
take_gateway(const struct evidence_gateway *x, void *arg)
{
	const struct reading *g = arg;
	struct ctl_facts *f = whose(g, x->last.partner);
	struct evidence_gateway *to;

	if (f == NULL || !is_theirs(g, f->name, x->last.nexthop))
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
take_blind(const struct evidence_probe *x, void *arg)
{
	const struct reading *g = arg;
	struct ctl_facts *f = whose(g, x->partner);

	if (f != NULL && x->time > f->blind &&
	    is_theirs(g, f->name, x->nexthop)) {
		f->blind = x->time;
		f->blind_why = keep(g, x->detail);
	}
	return true;
}

static bool
take_failure(const struct evidence_failure *x, void *arg)
{
	const struct reading *g = arg;
	struct ctl_facts *f = whose(g, x->partner);
	struct evidence_failure *to;

	if (f == NULL)
		return true;
	to = x->direction == EVIDENCE_IN ? &f->refused : &f->failure;
	*to = (struct evidence_failure){.time = x->time,
	    .direction = x->direction,
	    .fault = keep(g, x->fault),
	    .host = keep(g, x->host),
	    .address = keep(g, x->address),
	    .domain = keep(g, x->domain),
	    .text = keep(g, x->text)};
	return true;
}

/* Of anybody's, since the oldest look, and of a day at least. */
static bool
take_later(const struct evidence_failure *x, void *arg)
{
	const struct reading *g = arg;
	struct ctl_facts *f = whose(g, x->partner);

	if (f == NULL || strcmp(f->name, x->partner) != 0)
		return true;
	ctlfailed_take(f, x, g->f);
	if (x->direction == EVIDENCE_IN && x->time > g->now - CLOCK_DAY) {
		f->refusals++;
		f->refused_tls += ctl_facts_over_tls(x);
	}
	return true;
}

static int
ask_later(struct reading *g, struct evidence *v, struct err *e)
{
	time_t since = g->now - CLOCK_DAY;
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->f[i].n > 0 && g->f[i].probed < since)
			since = g->f[i].probed;
	if (since < g->now - FAILURES_SINCE)
		since = g->now - FAILURES_SINCE;
	return evidence_failures(v, since, take_later, g, e);
}

static void
day_text(time_t t, char day[CTL_DAY])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(day, CTL_DAY, "%Y-%m-%d", &tm) == 0)
		*day = '\0';
}

static bool
take_received(const char *partner, time_t last, void *arg)
{
	struct ctl_facts *f = whose(arg, partner);

	if (f != NULL && strcmp(f->name, partner) == 0)
		f->encrypted_since = last > f->refused.time;
	return true;
}

static bool
take_count(const struct evidence_count *x, void *arg)
{
	const struct reading *g = arg;
	const bool out = x->direction == EVIDENCE_OUT;
	struct ctl_facts *f;

	if (strcmp(x->result, out ? "sent" : "received") != 0)
		return true;
	f = whose(g, x->partner);
	if (f != NULL && out && g->n == 1 && strcmp(x->day, f->moved.last) > 0)
		(void)snprintf(
		    f->moved.last, sizeof(f->moved.last), "%s", x->day);
	if (f != NULL && f->ended.id != 0 && x->downgrade == f->ended.id &&
	    (f->ended.direction ? evidence_let_in(x) : out))
		f->ended_moved += x->n;
	/* A day's mail from before the downgrade is not what it let move. */
	if (f == NULL || strcmp(x->day, f->moved.since) < 0 ||
	    (f->lowered.id != 0 && x->downgrade != f->lowered.id))
		return true;
	if (out)
		f->moved.n[x->seen] += x->n;
	else
		f->moved.in += x->n;
	if (!out && x->seen == EVIDENCE_CLEAR)
		f->moved.in_clear += x->n;
	if (evidence_let_in(x))
		f->moved.let_in += x->n;
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

/* Would it have been met, but for a DNS of theirs that gave no answer? */
static bool
is_silent(const struct step_gateway *all, size_t n, size_t at, time_t span)
{
	struct step_gateway *v = mem_zero(n, sizeof(*v));
	size_t i, k = 0, to = n;
	bool met;

	for (i = 0; i < n; i++) {
		if (i == at)
			to = k;
		if (*all[i].host != '\0' || all[i].fault != FAULT_DNS_FAILED)
			v[k++] = all[i];
	}
	met = to < k && *all[at].host != '\0' && step_met(v, k, to, span);
	free(v);
	return met;
}

/* Gateways that are gone from DNS keep their rows: the last look counts. */
static void
last_look_only(struct ctl_facts *f, time_t span)
{
	const struct evidence_gateway *g;
	struct step_gateway *all = mem_zero(f->n + 1, sizeof(*all));
	struct evidence_gateway *silent = mem_zero(f->n + 1, sizeof(*silent));
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
		} else if (is_silent(all, f->n, i, span)) {
			silent[f->silent++] = f->gateway[i];
		}
	for (i = 0; i < f->silent; i++)
		f->gateway[n + i] = silent[i];
	free(silent);
	free(all);
	f->n = n;
	free(f->basis);
	f->basis = mem_zero(n + 1, sizeof(*f->basis));
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
		f->moved.begin = f->lowered.begin;
		day_text(f->lowered.id != 0 ? f->lowered.begin : g->now,
		    f->moved.since);
		if (strcmp(f->moved.since, first) < 0)
			memcpy(first, f->moved.since, CTL_DAY);
	}
}

/* Newest first: the last one that holds no more, if it did within a day. */
static bool
take_ended(const struct ledger_downgrade *d, void *arg)
{
	const struct reading *g = arg;
	const bool early = d->closed != 0 && d->closed < d->end;
	const time_t end = early ? d->closed : d->end;
	struct ctl_facts *f = g->f;

	if (end > g->now)
		return true;
	if (end <= g->now - CLOCK_DAY)
		return false;
	f->ended = keep_row(g, d);
	f->ended.closed = end;
	f->ended.closed_by = early ? keep(g, d->closed_by) : "";
	f->ended.closed_why = early ? keep(g, d->closed_why) : "";
	return false;
}

static void
forget_ledger(struct ctl_facts *f)
{
	f->lowered = f->over = f->ended = (struct ledger_downgrade){0};
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

	l = g->ledger = ledger_open(c->set.ledger, LEDGER_READ, &e);
	/* What is not there yet has nothing to tell. */
	if (l == NULL && e.code == EX_NOINPUT)
		return;
	rv = l == NULL
		 ? -1
		 : ledger_believed(l, c->now, c->set.max_downgrade, &o, &e);
	if (rv == 0)
		rv = ledger_downgrades(l, g->n == 1 ? g->f->name : NULL,
		    LEDGER_OPEN, take_over, g, &e);
	if (rv == 0 && g->n == 1)
		rv = ledger_downgrades(l, g->f->name, 0, take_ended, g, &e);
	for (i = 0; rv == 0 && i < o.n; i++)
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
	    evidence_blind(v, partner, take_blind, g, e) == -1 ||
	    evidence_last_failures(v, partner, c->now - FAILURES_SINCE,
		take_failure, g, e) == -1 ||
	    evidence_received(v, partner, take_received, g, e) == -1)
		return -1;
	begin_counts(g, first);
	/* Of one the day of the last mail is told. */
	if (evidence_counts(v, partner, g->n == 1 ? NULL : first, NULL,
		take_count, g, e) == -1)
		return -1;
	for (i = 0; i < g->n; i++)
		last_look_only(&g->f[i], step_span(c->set.probe_timeout));
	if (ctllive_hold(c, g->f, g->n, g->ledger, v, e) == -1 ||
	    ask_later(g, v, e) == -1)
		return -1;
	return g->n == 1 ? ctlmove_find(c, g->f, v, e) : 0;
}

static void
forget_evidence(struct ctl_facts *f)
{
	f->n = f->silent = f->nkeys = 0;
	f->by_map = f->unsure = f->rejudged = false;
	f->probed = f->changed = f->blind = 0;
	f->failure = f->refused = (struct evidence_failure){0};
	f->refusals = f->refused_tls = 0;
	f->encrypted_since = false;
	f->ended_moved = 0;
	f->moved = (struct ctl_moved){0};
	f->move = (struct ctl_move){0};
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
	struct reading g = {.registry = c->registry,
	    .live = c->live,
	    .f = f,
	    .n = n,
	    .now = c->now};
	struct err ignored;
	size_t i;

	for (i = 0; i < n; i++) {
		forget_ledger(&f[i]);
		forget_evidence(&f[i]);
		f[i].evidence_fault = NULL;
		f[i].evidence_code = EX_OK;
	}
	read_ledger(c, &g);
	if (c->gone != NULL && c->gone->kept == NULL && g.ledger != NULL)
		(void)mapgone_read(g.ledger,
		    c->live != NULL ? c->live : c->registry, c->set.map,
		    c->now - MAPGONE_SPAN, c->gone, &ignored);
	read_evidence(c, &g);
	ledger_close(g.ledger);
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

/* A key of the map that is the partner's; or NULL. */
static const char *
first_domain(const struct ctl *c, const struct ctl_facts *f)
{
	const struct registry *r = c->registry;
	const struct partner *p = f->partner;
	uint32_t i = REGISTRY_NONE;

	if (p == NULL && c->live != NULL)
		i = registry_partner(c->live, f->name);
	if (i != REGISTRY_NONE) {
		r = c->live;
		p = &r->partner[i];
	}
	/* Without one it is a domain, or a partner that is lowered. */
	if (p == NULL)
		return f->name;
	return p->ndomains == 0 ? NULL : r->domain[p->first_domain].name;
}

static void
take_map(const struct ctl *c, const struct map *m, struct ctl_facts *f)
{
	const struct downgrade *o;
	const char *key = first_domain(c, f), *text;
	size_t len, i;

	if (key != NULL &&
	    cdbmap_get(m->cdb, key, strlen(key), &text, &len) == CDBMAP_FOUND)
		f->in_map = strength_level(text, len, &f->map_level);
	for (i = 0; i < m->n; i++) {
		o = &m->v[i];
		if (strcmp(o->partner, f->name) != 0)
			continue;
		f->low = (struct ctl_low){.rows = o->domains->n,
		    .level = o->level,
		    .full = full_level(m, o),
		    .direction = o->direction,
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

/* A row that is not lowered says what it says, and not whose it is. */
static bool
find_row(const struct map *m, const char *name, struct ctl_facts *f)
{
	char buf[DNAME_NEXTHOP_MAX + 1];
	struct dname plain;
	const char *key, *text;
	size_t len;

	if (m->cdb == NULL)
		return false;
	key = dname_nexthop(name, buf, &plain) == NULL ? plain.s : name;
	for (; key != NULL && *key != ' '; key = registry_up(key)) {
		if (cdbmap_get(m->cdb, key, strlen(key), &text, &len) !=
			CDBMAP_FOUND ||
		    !strength_level(text, len, &f->full))
			continue;
		f->name = arena_copy(&f->arena, key, strlen(key));
		return true;
	}
	return false;
}

static void
take_name(const struct map *m, const struct downgrade *o, struct ctl_facts *f)
{
	f->name = arena_copy(&f->arena, o->partner, strlen(o->partner));
	f->full = full_level(m, o);
}

/*
 * Is a partner of that name, or with that domain, lowered in the map, or has
 * the domain a row there? Then f->name and f->full are set.
 */
static bool
find_in_map(const struct ctl *c, const char *name, struct ctl_facts *f)
{
	char buf[DNAME_NEXTHOP_MAX + 1];
	struct dname plain;
	const char *domain;
	struct map m;
	bool found = false;
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
	found = f->name != NULL || find_row(&m, name, f);
	close_map(&m);
	return found;
}

/* --- The queue --------------------------------------------------------- */

struct theirs {
	const struct registry *r;
	const struct partner *p;
};

static bool
match_theirs(const char *domain, const char *reason, void *arg)
{
	const struct theirs *t = arg;
	uint32_t i = registry_covering(t->r, domain);

	(void)reason;
	return i != REGISTRY_NONE && &t->r->partner[i] == t->p;
}

int
ctl_facts_list(const struct ctl *c, struct ctl_facts *f, struct err *e)
{
	struct theirs t = {.r = c->registry, .p = f->partner};
	uint32_t i = REGISTRY_NONE;

	/* One that left has its domains as long as its rows are in force. */
	if (t.p == NULL && c->live != NULL)
		i = registry_partner(c->live, f->name);
	if (i != REGISTRY_NONE)
		t = (struct theirs){c->live, &c->live->partner[i]};
	if (t.p == NULL)
		return err_set(
		    e, EX_DATAERR, "the registry does not tell its domains");
	return flush_list(
	    &f->waiting, settings_postfix(&c->set), match_theirs, &t, e);
}

void
ctl_facts_queue(const struct ctl *c, struct ctl_facts *f)
{
	struct err e;

	f->waiting_asked = true;
	if (ctl_facts_list(c, f, &e) == -1)
		f->waiting_fault =
		    arena_copy(&f->arena, e.text, strlen(e.text));
	if (c->around != NULL)
		f->returned = flush_returned(&f->waiting, c->around->lifetime);
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

/* Gone from the registry, and not from the map yet. */
static void
take_going(struct ctl_facts *f, const struct partner *live)
{
	take_partner(f, live);
	f->partner = NULL;
}

static bool
is_in(const struct registry *r, const char *partner)
{
	return r != NULL && registry_partner(r, partner) != REGISTRY_NONE;
}

/*
 * Is it lowered by the ledger, or, where nobody knows who is a partner, was it
 * ever?
 */
static bool
is_on_record(const struct ctl *c, const char *name)
{
	struct ledger *l;
	bool known = false;
	struct err e;

	l = ledger_open(c->set.ledger, LEDGER_READ, &e);
	if (l != NULL &&
	    ledger_downgrades(l, name, c->registry == NULL ? 0 : LEDGER_OPEN,
		stop, &known, &e) == -1)
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
		i = registry_meant(c->registry, name);
	if (i != REGISTRY_NONE) {
		take_partner(f, &c->registry->partner[i]);
		return EX_OK;
	}
	if (c->live != NULL)
		i = registry_covering(c->live, name);
	if (i != REGISTRY_NONE) {
		take_going(f, &c->live->partner[i]);
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

	*f = (struct ctl_facts){.requiretls = -1,
	    .unregistered = c->registry == NULL,
	    .around = c->around};
	if ((code = find(c, name, f)) != EX_OK)
		return code;
	ctl_facts_map(c, f);
	ctlpast_take(c, f, 1);
	code = ctl_facts_kept(c, f, 1);
	if (waiting)
		ctl_facts_queue(c, f);
	return code;
}

int
ctl_facts_all(const struct ctl *c, struct ctl_facts **out, size_t *nout)
{
	const size_t n = c->registry == NULL ? 0 : c->registry->npartners;
	const size_t nlive = c->live == NULL ? 0 : c->live->npartners;
	struct ctl_facts *f;
	int code = EX_OK, rv;
	struct map m;
	size_t i;

	open_map(c, &m);
	*out = f = mem_zero(n + nlive + m.n + 1, sizeof(*f));
	*nout = n;
	for (i = 0; i < n; i++)
		take_partner(&f[i], &c->registry->partner[i]);
	for (i = 0; i < nlive; i++)
		if (!is_in(c->registry, c->live->partner[i].name))
			take_going(&f[(*nout)++], &c->live->partner[i]);
	for (i = 0; i < m.n; i++)
		if (!is_in(c->registry, m.v[i].partner) &&
		    !is_in(c->live, m.v[i].partner))
			take_name(&m, &m.v[i], &f[(*nout)++]);
	take_from_map(c, &m, f, *nout);
	close_map(&m);
	ctlpast_take(c, f, *nout);
	if (n > 0)
		code = ctl_facts_kept(c, f, n);
	for (i = n; i < *nout; i++)
		if ((rv = ctl_facts_kept(c, &f[i], 1)) != EX_OK)
			code = rv;
	for (i = 0; i < *nout; i++) {
		f[i].unregistered = c->registry == NULL;
		f[i].around = c->around;
	}
	return code;
}

void
ctl_facts_release(struct ctl_facts *f)
{
	free(f->gateway);
	free(f->step);
	free(f->basis);
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
ctl_facts_judged(const struct ctl_facts *f)
{
	return f->by_map ? f->judged : f->full;
}

enum level
ctl_facts_level(const struct ctl_facts *f)
{
	return f->lowered.id != 0 && !f->lowered.direction &&
		       f->lowered.after < f->full
		   ? f->lowered.after
		   : f->full;
}

bool
ctl_facts_sinks(const struct ctl_facts *f)
{
	return f->partner != NULL && f->map_fault == NULL && f->in_map &&
	       f->lowered.id == 0 && f->map_level > f->full;
}

const char *
ctl_facts_lowered_to(const struct ctl_facts *f)
{
	return f->low.rows > 0
		   ? direction_lowered_to(f->low.direction, f->low.level)
		   : direction_lowered_to(
			 f->lowered.direction, f->lowered.after);
}

enum direction
ctl_facts_direction(const struct ctl_facts *f)
{
	return f->low.rows > 0 ? f->low.direction : f->lowered.direction;
}

bool
ctl_facts_over_tls(const struct evidence_failure *refused)
{
	return refused->time != 0 &&
	       strcmp(refused->fault, fault_text(FAULT_NO_CERTIFICATE)) == 0;
}

const char *
ctl_facts_needs(const struct ctl_facts *f)
{
	return direction_needs(ctl_facts_direction(f),
	    f->partner != NULL &&
		f->partner->attributes->inbound_verify != INBOUND_NONE);
}

bool
ctl_facts_before(const struct ctl_facts *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->basis != NULL && f->basis[i] == CTL_BY_RULE_BEFORE)
			return true;
	return false;
}

bool
ctl_facts_waits(const struct ctl_facts *f)
{
	return step_waits(f->step, f->n, ctl_facts_judged(f));
}

enum fault
ctl_facts_worst(const struct ctl_facts *f, time_t *since)
{
	return step_worst(f->step, f->n, since);
}
