/*
 * What ledger and evidence know of one partner, or of all of them at once: a
 * question a table, whose rows go to the facts of their partners.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl.h"
#include "err.h"
#include "evidence.h"
#include "ledger_downgrade.h"
#include "mem.h"
#include "registry.h"
#include "say.h"

#define FAILURES_SINCE (30 * 86400)

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

static bool
take_open(const struct ledger_downgrade *d, void *arg)
{
	const struct reading *g = arg;
	struct ctl_facts *f = whose(g, d->partner);

	if (f == NULL)
		return true;
	f->lowered = (struct ctl_lowered){.id = d->id,
	    .before = d->before,
	    .after = d->after,
	    .begin = d->begin,
	    .end = d->end,
	    .automatic = d->cause == LEDGER_AUTOMATIC,
	    .reason = keep(g, d->reason),
	    .ticket = keep(g, d->ticket),
	    .author = keep(g, d->author),
	    .sudo_user = keep(g, d->sudo_user),
	    .extended_by = keep(g, d->extended_by),
	    .fault = keep(g, d->fault)};
	return true;
}

static bool
take_gateway(const struct evidence_gateway *x, void *arg)
{
	const struct reading *g = arg;
	struct ctl_facts *f = whose(g, x->last.partner);

	if (f == NULL)
		return true;
	f->gateway = mem_grow(f->gateway, f->n, &f->cap, sizeof(*f->gateway));
	f->gateway[f->n++] =
	    (struct evidence_gateway){.last = {.id = x->last.id,
					  .time = x->last.time,
					  .partner = f->name,
					  .nexthop = keep(g, x->last.nexthop),
					  .host = keep(g, x->last.host),
					  .address = keep(g, x->last.address),
					  .port = x->last.port,
					  .fault = keep(g, x->last.fault),
					  .not_after = x->last.not_after,
					  .key = keep(g, x->last.key),
					  .detail = keep(g, x->last.detail),
					  .judged = x->last.judged},
		.since = x->since,
		.run = x->run,
		.passed = x->passed,
		.vouched = x->vouched,
		.key = keep(g, x->key)};
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
		all[i] = (struct step_gateway){.nexthop = g->last.nexthop,
		    .host = g->last.host,
		    .fault = FAULT_LOCAL_ERROR,
		    /* Where nothing was asked, no key is to be held to. */
		    .key =
			g->last.judged == EVIDENCE_BY_NONE ? "" : g->last.key,
		    .last_key = host_key(f->gateway, f->n, g->last.host),
		    .time = g->last.time,
		    .since = g->since,
		    .not_after = g->last.not_after,
		    .address = g->last.address,
		    /* As in the warden: or it may have been anybody's. */
		    .known = (f->full <= LEVEL_ENCRYPT ? g->passed
						       : g->vouched) != 0};
		(void)fault_parse(g->last.fault, &all[i].fault);
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

/*
 * A row that no event bears out lowers nobody, and one that is over neither:
 * both are told apart as the compile does it.
 */
static int
only_believed(struct ctl *c, struct reading *g, struct ledger *l, struct err *e)
{
	struct ledger_overrides o;
	struct ctl_facts *f;
	size_t i, k;

	if (ledger_overrides(l, c->now, c->set.max_downgrade, &o, e) == -1)
		return -1;
	for (i = 0; i < g->n; i++) {
		f = &g->f[i];
		for (k = 0; k < o.list.n; k++)
			if (o.list.v[k].id == f->lowered.id)
				break;
		if (k == o.list.n)
			f->lowered = (struct ctl_lowered){0};
		for (k = 0; k < o.ndoubts; k++)
			if (strcmp(o.doubt[k].partner, f->name) == 0) {
				f->doubt = keep(g, o.doubt[k].text);
				f->doubt_id = o.doubt[k].id;
			}
	}
	ledger_overrides_release(&o);
	return 0;
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
	f->lowered = (struct ctl_lowered){0};
	f->ledger_fault = f->doubt = NULL;
	f->doubt_id = 0;
}

static void
read_ledger(struct ctl *c, struct reading *g)
{
	const char *partner = g->n == 1 ? g->f->name : NULL;
	struct ledger *l;
	struct err e;
	size_t i;
	int rv;

	l = ledger_open(c->set.ledger, LEDGER_READ, &e);
	/* What is not there yet has nothing to tell. */
	if (l == NULL && e.code == EX_NOINPUT)
		return;
	rv = l == NULL ? -1
		       : ledger_downgrades_open(l, partner, take_open, g, &e);
	if (rv == 0)
		rv = only_believed(c, g, l, &e);
	ledger_close(l);
	if (rv == 0)
		return;
	say_err(&e);
	g->code = e.code;
	/* Half of it would pass for the whole. */
	for (i = 0; i < g->n; i++) {
		forget_ledger(&g->f[i]);
		g->f[i].ledger_fault = keep(g, e.text);
	}
}

static int
ask_evidence(
    struct ctl *c, struct reading *g, struct evidence *v, struct err *e)
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
read_evidence(struct ctl *c, struct reading *g)
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
	say_err(&e);
	for (i = 0; i < g->n; i++) {
		forget_evidence(&g->f[i]);
		g->f[i].evidence_fault = keep(g, e.text);
		g->f[i].evidence_code = e.code;
	}
}

int
ctl_facts_kept(struct ctl *c, struct ctl_facts *f, size_t n)
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
