#include "warden_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <jansson.h>

#include "clock.h"
#include "digest.h"
#include "err.h"
#include "evidence_log.h"
#include "inforce.h"
#include "ledger_downgrade.h"
#include "ledger.h"
#include "logline.h"
#include "mem.h"
#include "num.h"
#include "settings.h"
#include "warden.h"

#define PATIENCE_MS 2000  /* with others who write the ledger */
#define EVIDENCE_AGAIN 10 /* seconds until it is looked for again */
#define READ_AGAIN 10	  /* seconds, though no file has changed */
#define COUNTED_MAX 1024  /* failures told apart */

/* Mail that went out today, to a partner with one next-hop only. */
struct sum {
	char partner[REGISTRY_NAME_MAX + 1];
	uint64_t n;
	uint64_t now; /* being counted */
};

/* --- Registry, ledger, evidence ------------------------------------------ */

void
warden_facts_free(struct warden_facts *f)
{
	drop_free(f->drop);
	drop_actions_free(&f->actions);
	registry_free(f->registry);
	ledger_close(f->ledger);
	evidence_close(f->evidence);
	recent_free(&f->counted);
	warden_list_free(&f->sums);
	warden_list_free(&f->open);
	warden_list_free(&f->let_in);
	warden_list_free(&f->others);
}

void
warden_complain(const char *what, const char *why)
{
	static struct logline_limit limit;

	if (logline_may(&limit, "warden"))
		logline(LOGLINE_ERROR, "%s: %s", what, why);
}

const struct partner *
warden_facts_partner(const struct warden_facts *f, const char *name)
{
	uint32_t i = f->registry == NULL ? REGISTRY_NONE
					 : registry_find(f->registry, name);

	return i == REGISTRY_NONE ||
		       strcmp(f->registry->partner[i].name, name) != 0
		   ? NULL
		   : &f->registry->partner[i];
}

/* Has the file changed since the last call? */
static bool
changed(const char *path, struct stat *seen)
{
	struct stat st;

	if (stat(path, &st) == -1)
		memset(&st, 0, sizeof(st));
	if (st.st_dev == seen->st_dev && st.st_ino == seen->st_ino &&
	    st.st_size == seen->st_size &&
	    st.st_mtim.tv_sec == seen->st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == seen->st_mtim.tv_nsec)
		return false;
	*seen = st;
	return true;
}

/*
 * Those in force: who is cut out of the registry is watched as long as his rows
 * hold. 0, or -1 with *e set; then the old ones stay.
 */
static int
load_registry(struct warden_facts *f, time_t now, struct err *e)
{
	struct inforce in;

	inforce_read(&in, f->set, now, e);
	if (in.why != NULL)
		warden_complain(
		    "the registry", e->code == 0 ? in.why : e->text);
	free(in.why);
	if (in.registry == NULL)
		return -1;
	registry_free(f->registry);
	f->registry = in.registry;
	return 0;
}

/* Has the registry, or the map, changed, and could it be read? */
static bool
reload(struct warden_facts *f, time_t now)
{
	bool a = changed(f->set->registry, &f->registry_seen);
	bool b = changed(f->set->map, &f->map_seen);
	struct err e;

	if (!a && !b && !f->reload)
		return false;
	f->reload = false;
	if (load_registry(f, now, &e) == 0)
		return true;
	warden_complain("still by the registry as it was", e.text);
	return false;
}

/* What was seen is of use, but there is a way back without it: try. */
static void
open_evidence(struct warden_facts *f, time_t now)
{
	const char *path = f->set->evidence, *old = f->set->ledger;
	struct err e;

	if ((f->evidence != NULL && !evidence_is_still(f->evidence)) ||
	    (now < f->evidence_next &&
		f->evidence_next - now <= EVIDENCE_AGAIN))
		return;
	f->evidence_next = now + EVIDENCE_AGAIN;
	evidence_close(f->evidence);
	f->evidence = evidence_open(path, old, EVIDENCE_WRITE, &e);
	if (f->evidence == NULL)
		f->evidence = evidence_open(path, old, EVIDENCE_READ, &e);
	if (f->evidence != NULL)
		evidence_patience(f->evidence, PATIENCE_MS);
	else if (e.code != EX_NOINPUT)
		warden_complain("the evidence cannot be read", e.text);
}

static int
open_all(struct warden_facts *f, time_t now, struct err *e)
{
	if (f->ledger == NULL) {
		f->ledger = ledger_open(f->set->ledger, LEDGER_WRITE, e);
		if (f->ledger == NULL)
			return -1;
		ledger_patience(f->ledger, PATIENCE_MS);
	}
	open_evidence(f, now);
	(void)changed(f->set->registry, &f->registry_seen);
	(void)changed(f->set->map, &f->map_seen);
	return load_registry(f, now, e);
}

void
warden_facts_event(struct warden_facts *f, const char *kind,
    const char *partner, const char *text, time_t at, time_t now)
{
	char data[40];
	struct ledger_event ev = {.time = now,
	    .kind = kind,
	    .partner = partner,
	    .author = WARDEN_AUTHOR,
	    .text = text,
	    .data = data};
	struct err e;

	(void)snprintf(data, sizeof(data), "{\"at\":%lld}", (long long)at);
	if (ledger_event_add(f->ledger, &ev, &e) != 0)
		warden_complain(kind, e.text);
}

/* --- Failures ------------------------------------------------------------ */

/* A mail that failed for several recipients is one failure. */
static bool
is_counted(struct warden_facts *f, const struct evidence_failure *x)
{
	const char *const parts[] = {
	    x->partner, x->fault, x->domain, x->host, x->address, x->queue_id};
	struct digest *g = digest_new();
	char mark[DIGEST_HEX], *place;
	size_t i;

	digest_add(g, &x->time, sizeof(x->time));
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		digest_add(g, parts[i], strlen(parts[i]) + 1);
	digest_hex(g, mark);
	if (recent_find(&f->counted, mark, strlen(mark)) != NULL)
		return true;
	place = recent_place(&f->counted);
	if (*place != '\0')
		recent_remove(&f->counted, place);
	memcpy(place, mark, sizeof(mark));
	recent_add(&f->counted, place);
	return false;
}

struct failures {
	struct warden_facts *f;
	/* Collected for a rebuild; else they go to drop at once. */
	struct drop_delivery *v;
	size_t n, cap;
	struct arena *arena;
};

static bool
take_failure(const struct evidence_failure *x, void *arg)
{
	struct failures *c = arg;
	struct warden_facts *f = c->f;
	struct drop_delivery d = {
	    .time = x->time, .partner = x->partner, .nexthop = x->domain};

	if (x->id > f->failure_id)
		f->failure_id = x->id;
	if (x->direction != EVIDENCE_OUT ||
	    fault_parse(x->fault, &d.fault) != 0 || d.fault == FAULT_OK ||
	    is_counted(f, x))
		return true;
	if (c->arena == NULL) {
		drop_delivery(f->drop, &d, f->read_at, &f->actions);
		return true;
	}
	c->v = mem_grow(c->v, c->n, &c->cap, sizeof(*c->v));
	d.partner = arena_copy(c->arena, x->partner, strlen(x->partner));
	d.nexthop = arena_copy(c->arena, x->domain, strlen(x->domain));
	c->v[c->n++] = d;
	return true;
}

static void
read_failures(struct warden_facts *f, time_t now)
{
	struct failures c = {.f = f};
	struct err e;

	if (evidence_failures_after(f->evidence, f->failure_id, now - CLOCK_DAY,
		take_failure, &c, &e) == -1)
		warden_complain("the evidence cannot be read", e.text);
}

/* --- Deliveries ---------------------------------------------------------- */

/*
 * Only partners with one next-hop: the counts do not tell to which one the
 * mail went, and one that works says nothing of another that does not.
 */
static bool
one_nexthop(const struct warden_facts *f, const char *name)
{
	const struct partner *p = warden_facts_partner(f, name);

	return p != NULL && p->ndomains == 1 &&
	       *f->registry->domain[p->first_domain].name != '.';
}

static bool
add_sum(const struct evidence_count *c, void *arg)
{
	struct warden_facts *f = arg;
	struct sum *s;

	if (c->direction == EVIDENCE_OUT && strcmp(c->result, "sent") == 0 &&
	    one_nexthop(f, c->partner) &&
	    (s = warden_list_add(&f->sums, c->partner)) != NULL)
		s->now += c->n;
	return true;
}

/* Mail went out since the last reading: at what second, is not known. */
static void
read_deliveries(struct warden_facts *f, time_t before, time_t now)
{
	char day[NUM_TIME_MAX];
	struct sum *s;
	struct err e;
	size_t i;

	num_time_text(now, day)[10] = '\0';
	if (strcmp(day, f->sums_day) != 0) {
		strcpy(f->sums_day, day);
		f->sums.n = 0;
		f->sums_known = false;
	}
	for (i = 0; i < f->sums.n; i++) {
		s = warden_list_at(&f->sums, i);
		s->now = 0;
	}
	if (evidence_counts(f->evidence, NULL, day, day, add_sum, f, &e) ==
	    -1) {
		warden_complain("the evidence cannot be read", e.text);
		return;
	}
	for (i = 0; i < f->sums.n; i++) {
		/* It takes a while from the log into the ledger. */
		struct drop_delivery g = {.time = before - 2};

		s = warden_list_at(&f->sums, i);
		g.partner = s->partner;
		if (f->sums_known && s->now > s->n)
			drop_delivery(f->drop, &g, now, &f->actions);
		s->n = s->now;
	}
	f->sums_known = true;
}

/* --- Reports ------------------------------------------------------------- */

static const char *
keep(struct arena *a, const char *s)
{
	return arena_copy(a, s, strlen(s));
}

struct collector {
	struct warden_facts *f;
	struct warden_reports *r;
	time_t since;
};

static bool
take_gateway(const struct evidence_gateway *g, void *arg)
{
	struct collector *c = arg;
	struct warden_reports *r = c->r;
	const struct partner *p = warden_facts_partner(c->f, g->last.partner);
	struct step_gateway x;
	char key[EVIDENCE_KEY];
	struct err e;

	if ((g->last.time < c->since && g->blind < c->since) ||
	    !evidence_step(g, p == NULL ? LEVEL_SECURE : partner_level(p), &x))
		return true;
	if (evidence_passed_key(
		c->f->evidence, g->last.partner, g->last.host, key, &e) == -1)
		key[0] = '\0';
	/* To whoever decides, a fault of ours is what there is now. */
	if (g->blind != 0) {
		x.fault = FAULT_LOCAL_ERROR;
		x.time = g->blind;
		x.since = g->blind_since;
		x.run = g->blind_run;
		x.key = "";
	}
	x.partner = keep(&r->arena, x.partner);
	x.nexthop = keep(&r->arena, x.nexthop);
	x.host = keep(&r->arena, x.host);
	x.address = keep(&r->arena, x.address);
	x.key = keep(&r->arena, x.key);
	x.last_key = keep(&r->arena, key);
	r->gateway = mem_grow(
	    r->gateway, r->ngateways, &r->gateway_cap, sizeof(*r->gateway));
	r->gateway[r->ngateways++] = x;
	return true;
}

/* The n gateways at v are one partner's: those that the latest look met. */
static void
add_report(
    struct warden_reports *r, struct step_gateway *v, size_t n, time_t span)
{
	bool *met = mem_zero(n, sizeof(*met));
	struct drop_report *to;
	size_t i;

	r->v = mem_grow(r->v, r->n, &r->cap, sizeof(*r->v));
	to = &r->v[r->n++];
	*to = (struct drop_report){.partner = v->partner, .gateway = v};
	for (i = 0; i < n; i++)
		met[i] = step_met(v, n, i, span);
	for (i = 0; i < n; i++) {
		if (!met[i])
			continue;
		if (to->time == 0 || v[i].time < to->time)
			to->time = v[i].time;
		v[to->n++] = v[i];
	}
	free(met);
}

int
warden_reports(struct warden_facts *f, const char *partner, time_t since,
    struct warden_reports *out, struct err *e)
{
	struct collector c = {.f = f, .r = out, .since = since};
	time_t span = step_span(f->set->probe_timeout);
	size_t i, j;

	if (evidence_gateways(f->evidence, partner, 0, take_gateway, &c, e) ==
	    -1)
		return -1;
	for (i = 0; i < out->ngateways; i = j) {
		for (j = i + 1;
		     j < out->ngateways && strcmp(out->gateway[j].partner,
					       out->gateway[i].partner) == 0;
		     j++)
			;
		add_report(out, &out->gateway[i], j - i, span);
	}
	return 0;
}

void
warden_reports_release(struct warden_reports *r)
{
	arena_free(&r->arena);
	free(r->v);
	free(r->gateway);
	*r = (struct warden_reports){0};
}

/* --- Downgrades ---------------------------------------------------------- */

static struct warden_open *
find_open(const struct warden_list *list, int64_t id)
{
	struct warden_open *x;
	size_t i;

	for (i = 0; i < list->n; i++) {
		x = warden_list_at(list, i);
		if (x->id == id)
			return x;
	}
	return NULL;
}

static void
know(struct warden_list *list, const struct drop_downgrade *l)
{
	struct warden_open *x = find_open(list, l->id);

	/* Of one partner there may be two: one that gives way. */
	if (x == NULL && (x = warden_list_append(list, l->partner)) == NULL)
		return;
	x->id = l->id;
	x->end = l->end;
	x->automatic = l->automatic;
	x->seen = true;
}

static void
forget(struct warden_facts *f, int64_t id)
{
	struct warden_open *x = find_open(&f->open, id);

	if (x != NULL)
		warden_list_remove(&f->open, x);
}

/* was: the one that gave way to it, or 0. */
static void
begun(struct warden_facts *f, const struct drop_downgrade *l, int64_t was,
    time_t now)
{
	forget(f, was);
	know(&f->open, l);
	drop_downgrade(f->drop, l, now, &f->actions);
}

const char *
warden_facts_name(const struct warden_facts *f, const char *name)
{
	const struct partner *p = f->registry->partner;
	const struct strs *former;
	size_t i, k;

	if (warden_facts_partner(f, name) != NULL)
		return name;
	for (i = 0; i < f->registry->npartners; i++) {
		former = p[i].attributes->former;
		for (k = 0; former != NULL && k < former->n; k++)
			if (strcmp(former->v[k], name) == 0)
				return p[i].name;
	}
	return name;
}

/* Those that are lowered go on under the names that they have now. */
static void
follow_names(struct warden_facts *f)
{
	struct warden_open *x;
	const char *name;
	size_t i;

	for (i = 0; i < f->open.n; i++) {
		x = warden_list_at(&f->open, i);
		name = warden_facts_name(f, x->partner);
		if (strcmp(name, x->partner) == 0)
			continue;
		drop_rename(f->drop, x->partner, name);
		(void)snprintf(x->partner, sizeof(x->partner), "%s", name);
	}
}

/* Why we end a downgrade, in the ledger's words. */
static const char *const whys[] = {
    [DROP_WHY_END] = "end",
    [DROP_WHY_PASSED] = "two probes passed",
    [DROP_WHY_RULES] = "the registry no longer allows it",
    [DROP_WHY_STRANGER] = "a gateway answers that never passed a probe",
    [DROP_WHY_CLOCK] = "the clock was set back behind its beginning",
};

/* 1: it is closed already. */
static int
end_it(struct warden_facts *f, int64_t id, enum drop_why why, time_t now,
    struct err *e)
{
	int rv = ledger_downgrade_settle(f->ledger, now, e);

	if (rv == 0)
		rv = ledger_downgrade_close(
		    f->ledger, id, WARDEN_AUTHOR, whys[why], now, e);
	if (rv != -1)
		forget(f, id);
	return rv;
}

static enum drop_why
why_of(const struct ledger_downgrade *d)
{
	unsigned i;

	if (strcmp(d->closed_why, "end") == 0)
		return DROP_WHY_END;
	if (strcmp(d->closed_by, WARDEN_AUTHOR) != 0)
		return DROP_WHY_HAND;
	for (i = 0; i < sizeof(whys) / sizeof(whys[0]); i++)
		if (whys[i] != NULL && strcmp(d->closed_why, whys[i]) == 0)
			return (enum drop_why)i;
	return DROP_WHY_RULES;
}

/* Ours is what nobody has taken over since. */
static struct drop_downgrade
downgrade_of(const struct warden_facts *f, const struct ledger_downgrade *d)
{
	struct drop_downgrade l = {.id = d->id,
	    .partner = warden_facts_name(f, d->partner),
	    .level = d->after,
	    .begin = d->begin,
	    .end = d->end,
	    .closed = d->closed,
	    .automatic = ledger_is_automatic(d)};

	if (fault_parse(d->fault, &l.fault) != 0)
		l.fault = FAULT_OK;
	if (d->closed != 0)
		l.why = why_of(d);
	return l;
}

static bool
see_open(const struct ledger_downgrade *d, void *arg)
{
	struct warden_facts *f = arg;
	struct drop_downgrade l = downgrade_of(f, d);
	struct warden_open *x = find_open(&f->open, d->id);

	if (d->closed != 0)
		return true;
	/* What is let in says nothing of mail to them, which is watched. */
	if (d->direction) {
		know(&f->let_in, &l);
		return true;
	}
	if (x != NULL && x->end == d->end && x->automatic == l.automatic) {
		x->seen = true;
		return true;
	}
	begun(f, &l, 0, f->read_at);
	return true;
}

/* One that no longer holds: is it closed, and why? */
struct gone {
	int64_t id;
	enum direction of;
	bool closed;
	enum drop_why why;
};

static bool
find_gone(const struct ledger_downgrade *d, void *arg)
{
	struct gone *g = arg;

	if (d->id != g->id)
		return true;
	g->of = d->direction;
	g->closed = d->closed != 0;
	g->why = g->closed ? why_of(d) : DROP_WHY_END;
	return false;
}

static void
forget_seen(const struct warden_list *list)
{
	struct warden_open *x;
	size_t i;

	for (i = 0; i < list->n; i++) {
		x = warden_list_at(list, i);
		x->seen = false;
	}
}

/* Those of the list that the ledger did not have open just now. */
static void
tell_gone(struct warden_facts *f, struct warden_list *list, time_t now,
    warden_gone_fn *fn, void *arg)
{
	struct warden_open *x, was;
	struct err e;
	size_t i;

	for (i = list->n; i-- > 0;) {
		struct gone g = {0};

		was = *(x = warden_list_at(list, i));
		g.id = was.id;
		if (was.seen ||
		    ledger_downgrades(f->ledger, NULL, 0, find_gone, &g, &e) ==
			-1 ||
		    !g.closed) /* drop, or the next compile, will end it */
			continue;
		warden_list_remove(list, x);
		fn(arg, was.partner, was.id, g.of, g.why, now);
	}
}

static void
read_downgrades(
    struct warden_facts *f, time_t now, warden_gone_fn *fn, void *arg)
{
	struct err e;

	forget_seen(&f->open);
	forget_seen(&f->let_in);
	if (ledger_downgrades(f->ledger, NULL, now, see_open, f, &e) == -1) {
		warden_complain("the ledger cannot be read", e.text);
		return;
	}
	tell_gone(f, &f->open, now, fn, arg);
	tell_gone(f, &f->let_in, now, fn, arg);
}

/* --- What drop asks for --------------------------------------------------- */

static int
refuse(struct warden_facts *f, const struct drop_action *x, const struct err *e,
    time_t now)
{
	warden_complain(x->partner, e->text);
	drop_refused(f->drop, x->partner, now);
	return -1;
}

/* DROP_LOWER. */
static int
lower(struct warden_facts *f, const struct drop_action *x, time_t now)
{
	const struct partner *p = warden_facts_partner(f, x->partner);
	struct ledger_downgrade d = {.partner = x->partner,
	    .before = p == NULL ? x->from : partner_level(p),
	    .after = x->to,
	    .begin = now,
	    .end = x->until,
	    .reason = x->text,
	    .author = WARDEN_AUTHOR,
	    .cause = LEDGER_AUTOMATIC,
	    .fault = fault_text(x->fault),
	    .keys = x->to == LEVEL_KEY ? x->key : NULL,
	    .nkeys = x->to == LEVEL_KEY ? x->nkeys : 0,
	    .replaces = x->id};
	struct drop_downgrade l = {.partner = x->partner,
	    .level = x->to,
	    .begin = now,
	    .end = x->until,
	    .automatic = true,
	    .fault = x->fault};
	char end[NUM_TIME_MAX];
	const char **domains;
	struct err e;
	int rv;

	d.domains = domains = registry_domains(f->registry, p, &d.ndomains);
	rv = ledger_downgrade_begin(f->ledger, &d, now, &l.id, &e);
	free(domains);
	if (rv != 0)
		return refuse(f, x, &e, now);
	logline(LOGLINE_INFO, "%s: lowered to %s until %s: %s; %s", x->partner,
	    level_name(x->to), num_time_text(x->until, end),
	    fault_text(x->fault), x->text);
	begun(f, &l, x->id, now);
	return 0;
}

/* DROP_RESTORE. */
static int
restore(struct warden_facts *f, const struct drop_action *x, time_t now)
{
	struct err e;

	if (end_it(f, x->id, x->why, now, &e) == -1)
		return refuse(f, x, &e, now);
	logline(
	    LOGLINE_INFO, "%s: ended: %s", x->partner, drop_why_text(x->why));
	return 0;
}

/* DROP_SHORTEN. */
static int
shorten(struct warden_facts *f, const struct drop_action *x, time_t now)
{
	struct drop_downgrade l = {.id = x->id,
	    .partner = x->partner,
	    .level = x->from,
	    .begin = x->begin,
	    .end = x->until,
	    .automatic = x->automatic,
	    .fault = x->fault};
	struct err e;

	if (ledger_downgrade_extend(f->ledger, x->id, x->until, WARDEN_AUTHOR,
		"the clock or max_downgrade says so", now, &e) != 0)
		return refuse(f, x, &e, now);
	begun(f, &l, 0, now);
	return 0;
}

int
warden_facts_change(
    struct warden_facts *f, const struct drop_action *x, time_t now)
{
	return x->what == DROP_LOWER	 ? lower(f, x, now)
	       : x->what == DROP_RESTORE ? restore(f, x, now)
					 : shorten(f, x, now);
}

/* --- Probes of others ---------------------------------------------------- */

struct others {
	struct warden_facts *f;
	int64_t newest;
};

static bool
touch(const struct evidence_probe *p, void *arg)
{
	struct others *t = arg;
	struct warden_other *x;

	if (p->id > t->newest)
		t->newest = p->id;
	/* What there is at the start is in the facts already. */
	if (t->f->probes_known && p->id > t->f->probe_id &&
	    (x = warden_list_add(&t->f->others, p->partner)) != NULL &&
	    p->time > x->last)
		x->last = p->time;
	return true;
}

static void
read_probes(struct warden_facts *f, time_t now)
{
	struct others t = {.f = f, .newest = f->probe_id};
	struct err e;

	if (evidence_probes(f->evidence, NULL,
		f->probes_known ? f->probe_time - 60 : now - STEP_LOOK, touch,
		&t, &e) == -1) {
		warden_complain("the evidence cannot be read", e.text);
		return;
	}
	f->probes_known = true;
	f->probe_id = t.newest;
	f->probe_time = now;
}

/* --- All of it ----------------------------------------------------------- */

/* Has anybody written to the ledger or to the evidence? */
static bool
is_written(struct warden_facts *f, time_t now)
{
	char *path[WARDEN_FILES] = {mem_dup(f->set->ledger),
	    mem_printf("%s-wal", f->set->ledger), mem_dup(f->set->evidence),
	    mem_printf("%s-wal", f->set->evidence)};
	bool yes = now - f->read_at >= READ_AGAIN || now < f->read_at;
	size_t i;

	for (i = 0; i < WARDEN_FILES; i++) {
		/* Stamps are coarse: what came right after the last, too. */
		if (changed(path[i], &f->seen[i]) ||
		    now - f->seen[i].st_mtim.tv_sec <= 2)
			yes = true;
		free(path[i]);
	}
	if (yes)
		f->read_at = now;
	return yes;
}

void
warden_facts_read(
    struct warden_facts *f, time_t now, warden_gone_fn *gone, void *arg)
{
	time_t before = f->read_at;

	if (reload(f, now)) {
		follow_names(f);
		drop_reload(f->drop, f->drop_settings, now, &f->actions);
	}
	open_evidence(f, now);
	if (!is_written(f, now))
		return;
	read_downgrades(f, now, gone, arg);
	read_deliveries(f, before, now);
	read_failures(f, now);
	read_probes(f, now);
}

struct rebuild {
	struct warden_facts *f;
	time_t now;
	struct drop_downgrade *v;
	size_t n, cap;
	struct arena arena;
};

static bool
take_downgrade(const struct ledger_downgrade *d, void *arg)
{
	struct rebuild *r = arg;
	struct drop_downgrade *l;

	if (d->direction && d->closed == 0 && d->begin <= r->now) {
		const struct drop_downgrade in = downgrade_of(r->f, d);

		know(&r->f->let_in, &in);
	}
	if (d->direction || (d->closed != 0 && d->closed < r->now - CLOCK_DAY &&
				d->begin < r->now - CLOCK_DAY))
		return true;
	r->v = mem_grow(r->v, r->n, &r->cap, sizeof(*r->v));
	l = &r->v[r->n++];
	*l = downgrade_of(r->f, d);
	l->partner = arena_copy(&r->arena, l->partner, strlen(l->partner));
	if (d->closed == 0 && d->begin <= r->now)
		know(&r->f->open, l);
	return true;
}

/* The last failures of all say at least from which number on to read. */
static bool
take_number(const struct evidence_failure *x, void *arg)
{
	struct warden_facts *f = arg;

	if (x->id > f->failure_id)
		f->failure_id = x->id;
	return true;
}

/* The `at` of an event, and its number. */
struct stamp {
	int64_t seq;
	time_t at;
};

static bool
take_stamp(const struct ledger_event *ev, void *arg)
{
	struct stamp *s = arg;
	json_t *o = json_loads(ev->data, 0, NULL);
	time_t at = (time_t)json_integer_value(json_object_get(o, "at"));

	if (at > s->at || s->seq == 0)
		s->at = at;
	if (ev->seq > s->seq)
		s->seq = ev->seq;
	json_decref(o);
	return true;
}

/* Of the last event of that kind; or all: the latest of them. */
static int
read_stamp(struct warden_facts *f, const char *kind, bool all,
    struct stamp *out, struct err *e)
{
	struct ledger_event_query q = {
	    .kind = kind, .newest_first = true, .limit = all ? 0 : 1};

	*out = (struct stamp){0};
	return ledger_events(f->ledger, &q, take_stamp, out, e);
}

static int
collect(struct warden_facts *f, time_t now, struct drop_facts *to,
    struct rebuild *r, struct failures *c, struct warden_reports *reports,
    struct err *e)
{
	struct stamp many, over, clock;
	time_t seen;

	if (ledger_newest(f->ledger, &to->last, e) == -1 ||
	    evidence_newest(f->evidence, &seen, e) == -1 ||
	    ledger_downgrades(f->ledger, NULL, 0, take_downgrade, r, e) == -1 ||
	    evidence_last_failures(f->evidence, NULL, 0, take_number, f, e) ==
		-1 ||
	    evidence_failures(
		f->evidence, now - CLOCK_DAY, take_failure, c, e) == -1 ||
	    warden_reports(f, NULL, 0, reports, e) == -1 ||
	    read_stamp(f, "mass-fault", false, &many, e) == -1 ||
	    read_stamp(f, "mass-over", false, &over, e) == -1 ||
	    read_stamp(f, "clock-back", true, &clock, e) == -1)
		return -1;
	if (seen > to->last)
		to->last = seen;
	f->common = many.seq > over.seq;
	to->common = f->common ? many.at : 0;
	to->distrust = clock.at;
	to->downgrade = r->v;
	to->ndowngrades = r->n;
	to->failure = c->v;
	to->nfailures = c->n;
	to->report = reports->v;
	to->nreports = reports->n;
	return 0;
}

/* What drop is to know of a partner. */
static bool
lookup(void *ctx, const char *partner, struct drop_rules *out)
{
	const struct partner *p = warden_facts_partner(ctx, partner);

	if (p == NULL)
		return false;
	drop_rules_of(p, out);
	return true;
}

/* A new drop that knows all of it. */
static int
rebuild(struct warden_facts *f, time_t now, struct err *e)
{
	struct rebuild r = {.f = f, .now = now};
	struct failures c = {.f = f, .arena = &r.arena};
	struct warden_reports reports = {0};
	struct drop_facts facts = {0};
	int rv;

	f->open.n = f->let_in.n = 0;
	f->failure_id = 0;
	recent_free(&f->counted);
	recent_init(&f->counted, COUNTED_MAX, DIGEST_HEX);
	rv = collect(f, now, &facts, &r, &c, &reports, e);
	if (rv == 0)
		f->drop = drop_new(
		    f->drop_settings, lookup, f, &facts, now, &f->actions);
	warden_reports_release(&reports);
	arena_free(&r.arena);
	free(r.v);
	free(c.v);
	return rv;
}

int
warden_facts_start(struct warden_facts *f, const struct drop_settings *s,
    time_t now, struct err *e)
{
	f->drop_settings = s;
	f->sums.size = sizeof(struct sum);
	f->open.size = f->let_in.size = sizeof(struct warden_open);
	f->others.size = sizeof(struct warden_other);
	drop_free(f->drop);
	f->drop = NULL;
	if (open_all(f, now, e) == -1)
		return -1;
	return rebuild(f, now, e);
}
