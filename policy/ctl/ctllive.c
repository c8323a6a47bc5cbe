#include "ctllive.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arena.h"
#include "buf.h"
#include "ctlfacts.h"
#include "dname.h"
#include "err.h"
#include "evidence.h"
#include "inforce.h"
#include "judgekept.h"
#include "ledger.h"
#include "mapbuild.h"
#include "mapevent.h"
#include "mem.h"
#include "registry_keep.h"

#define FEW 16 /* partners that are asked for one by one */

struct holding {
	const struct ctl *c;
	struct ledger *ledger;
	struct judge *judge;
	struct ctl_facts *f; /* one, or those of all partners by index */
	size_t n;
	time_t map;    /* when it was made; 0: not known */
	time_t oldest; /* of the looks before that; 0: there is none */
	const struct registry *would; /* ctllive_foresee() */
	const char *issuer;	      /* of the chain that was judged last */
};

struct registry *
ctllive_load(const struct ctl *c, const char *digest, bool *behind)
{
	struct registry *live;
	struct err e;
	char *kept;

	*behind = c->registry != NULL && *digest != '\0' &&
		  strcmp(digest, c->registry->digest) != 0;
	if (!*behind)
		return NULL;
	kept = mapbuild_kept(c->set.map);
	live = registry_load_kept(kept, c->now, &e);
	free(kept);
	if (live == NULL || strcmp(live->digest, digest) == 0)
		return live;
	/* The copy is newer than the map, which stays where no row changes. */
	*behind = strcmp(live->digest, c->registry->digest) != 0 ||
		  !inforce_same(c->registry, &c->set, c->now);
	registry_free(live);
	return NULL;
}

static void
rule_digest(const struct partner *p, char out[DIGEST_HEX])
{
	const struct judge_gateway g = {.attributes = p->attributes,
	    .gateway = p->gateway,
	    .level = partner_level(p)};

	judge_rule(&g, out);
}

static bool
same_rule(const struct partner *a, const struct partner *b)
{
	char x[DIGEST_HEX], y[DIGEST_HEX];

	rule_digest(a, x);
	rule_digest(b, y);
	return strcmp(x, y) == 0;
}

/* As f, which has the verdict by another rule. */
static void
take_verdict(const struct judgement *v, struct ctl_facts *f,
    struct evidence_gateway *g, struct step_gateway *s, struct arena *a)
{
	char *text;

	if (v->fault == s->fault)
		return;
	text = mem_printf("%s by %s", fault_text(s->fault),
	    f->by_map ? "the registry, which is not in the map yet"
		      : "the rule before");
	g->last.detail = arena_copy(a, text, strlen(text));
	free(text);
	f->rejudged |= !f->by_map;
	g->last.fault = fault_text(v->fault);
	g->last.judged = judge_passed_by(v);
	/* Since when is of the other rule. */
	g->since = s->since = 0;
	g->turns.on = s->turns.on = false;
	s->fault = v->fault;
	s->key = g->last.key;
}

/*
 * Judge the chain that gateway i showed by the rules of p. False, and nothing
 * is changed, if it was another chain, or what that takes is not known.
 */
static bool
judge_one(struct holding *h, const struct partner *p,
    const struct evidence_probe *chain, struct ctl_facts *f, size_t i)
{
	struct evidence_gateway *g = &f->gateway[i];
	const struct judgekept_look look = {.nexthop = g->last.nexthop,
	    .host = g->last.host,
	    .pem = chain->chain,
	    .time = g->last.time};
	struct judgement *v;
	bool known;

	if (*chain->key == '\0' || strcmp(chain->key, g->last.key) != 0)
		return false;
	v = mem_zero(1, sizeof(*v));
	known = judgekept(h->judge, p, &look, v);
	if (known) {
		take_verdict(v, f, g, &f->step[i], &h->f->arena);
		h->issuer = arena_copy(&h->f->arena,
		    v->v.rule[CERTRULE_ISSUER].observed,
		    strlen(v->v.rule[CERTRULE_ISSUER].observed));
	}
	free(v);
	return known;
}

/* The rule of the map; NULL: not known. */
static const struct partner *
rule_of(const struct holding *h, const struct ctl_facts *f)
{
	const struct registry *live = h->c->live;
	uint32_t i;

	if (live == NULL)
		return h->c->behind ? NULL : f->partner;
	i = registry_partner(live, f->name);
	return i == REGISTRY_NONE ? NULL : &live->partner[i];
}

/* Whose they are; NULL: nobody's who is asked for. */
static struct ctl_facts *
find(const struct holding *h, const char *partner)
{
	uint32_t i = 0;

	if (h->n == 1)
		return strcmp(h->f->name, partner) == 0 ? h->f : NULL;
	i = registry_partner(h->c->registry, partner);
	return i == REGISTRY_NONE ? NULL : &h->f[i];
}

/* --- When a rule changed: what the record has of maps --------------------- */

static void
changed(struct ctl_facts *f, time_t at)
{
	if (f != NULL && at > f->changed)
		f->changed = at;
}

static void
all_changed(struct holding *h, time_t at)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		changed(&h->f[i], at);
}

/* Without a registry what was looked at tells whose a row is. */
static void
take_hop(struct holding *h, const char *key, time_t at)
{
	size_t i, k;

	for (i = 0; i < h->n; i++)
		for (k = 0; k < h->f[i].n; k++)
			if (strcasecmp(h->f[i].step[k].nexthop, key) == 0)
				changed(&h->f[i], at);
}

/* The verdict is that at the full level, whatever is lowered. */
static void
take_row(const char *key, time_t at, void *arg)
{
	struct holding *h = arg;
	const struct registry *r = h->c->registry;
	uint32_t i;

	if (key == NULL)
		all_changed(h, at);
	else if (r == NULL)
		take_hop(h, key, at);
	else if ((i = registry_covering(r, key)) != REGISTRY_NONE)
		changed(find(h, r->partner[i].name), at);
}

static bool
take_map(const struct ledger_event *ev, void *arg)
{
	mapevent_changed(ev, take_row, arg);
	return true;
}

static void
find_changes(struct holding *h)
{
	static const char *const kinds[] = {
	    "map", "map-failed", "map-found", "map-unrecorded"};
	struct ledger_event_query q = {.since = h->oldest};
	int rv = h->ledger == NULL ? -1 : 0;
	struct err e;
	size_t i;

	for (i = 0; rv == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		q.kind = kinds[i];
		rv = ledger_events(h->ledger, &q, take_map, h, &e);
	}
	if (rv == -1)
		all_changed(h, h->map);
}

/* --- All of them ---------------------------------------------------------- */

static void
find_oldest(struct holding *h)
{
	size_t i, j;
	time_t at;

	h->map = h->n == 0 ? 0 : h->f[0].map_time;
	for (i = 0; i < h->n; i++)
		for (j = 0; j < h->f[i].n; j++) {
			at = h->f[i].gateway[j].last.time;
			if (at <= h->map && (h->oldest == 0 || at < h->oldest))
				h->oldest = at;
		}
}

/* Which verdicts are by another rule than that of the map? */
static bool
find_doubts(const struct holding *h, struct ctl_facts *f)
{
	const struct partner *rule = rule_of(h, f), *p = f->partner;
	bool any = false;
	size_t i;

	f->by_map = h->c->live != NULL && rule != NULL &&
		    (p == NULL || !same_rule(rule, p));
	if (f->by_map)
		f->judged = partner_level(rule);
	for (i = 0; i < f->n; i++) {
		if (!judgekept_rests(f->step[i].fault))
			continue;
		if (f->by_map || (h->c->behind && h->c->live == NULL))
			f->basis[i] = CTL_BY_REGISTRY;
		else if (f->gateway[i].last.time <= f->changed)
			f->basis[i] = CTL_BY_RULE_BEFORE;
		any |= f->basis[i] != CTL_BY_MAP && rule != NULL;
	}
	return any;
}

static bool
take_chain(const struct evidence_probe *x, void *arg)
{
	struct holding *h = arg;
	struct ctl_facts *f = find(h, x->partner);
	const struct partner *rule = f == NULL ? NULL : rule_of(h, f);
	size_t i;

	for (i = 0; rule != NULL && i < f->n; i++)
		if (f->basis[i] != CTL_BY_MAP &&
		    strcmp(f->step[i].nexthop, x->nexthop) == 0 &&
		    strcmp(f->step[i].host, x->host) == 0 &&
		    judge_one(h, rule, x, f, i))
			f->basis[i] = CTL_BY_MAP;
	return true;
}

int
ctllive_hold(const struct ctl *c, struct ctl_facts *f, size_t n,
    struct ledger *l, struct evidence *v, struct err *e)
{
	struct holding h = {.c = c, .ledger = l, .f = f, .n = n};
	bool any = false;
	size_t i, k;
	int rv = 0;

	find_oldest(&h);
	if (h.oldest != 0)
		find_changes(&h);
	for (i = 0; i < n; i++)
		any |= find_doubts(&h, &f[i]);
	if (any) {
		h.judge = judge_new(c->set.ca_file);
		rv = evidence_chains(
		    v, n == 1 ? f->name : NULL, take_chain, &h, e);
		judge_free(h.judge);
	}
	for (i = 0; i < n; i++) {
		f[i].unsure = c->behind && c->live == NULL;
		for (k = 0; k < f[i].n; k++)
			f[i].unsure |= f[i].basis[k] == CTL_BY_REGISTRY;
		f[i].nkeys = step_keys(f[i].step, f[i].n, &f->arena, &f[i].key);
	}
	return rv;
}

/* --- By a registry that is not in force ----------------------------------- */

/* Who f is there, if it would be held to another rule; else NULL. */
static const struct partner *
other_rule(const struct holding *h, const struct ctl_facts *f)
{
	const struct partner *p;
	uint32_t i = registry_partner(h->would, f->name);

	if (i == REGISTRY_NONE)
		return NULL;
	p = &h->would->partner[i];
	return partner_level(p) == LEVEL_OPPORTUNISTIC ||
		       same_rule(f->partner, p)
		   ? NULL
		   : p;
}

static bool
take_foreseen(const struct evidence_probe *x, void *arg)
{
	struct holding *h = arg;
	struct ctl_facts *f = find(h, x->partner);
	const struct partner *p = f == NULL ? NULL : other_rule(h, f);
	enum fault was;
	size_t i;

	for (i = 0; p != NULL && i < f->n; i++) {
		was = f->step[i].fault;
		if (strcmp(f->step[i].nexthop, x->nexthop) != 0 ||
		    strcmp(f->step[i].host, x->host) != 0 ||
		    !judgekept_rests(f->step[i].fault) ||
		    !judge_one(h, p, x, f, i) ||
		    (partner_level(f->partner) != LEVEL_OPPORTUNISTIC &&
			fault_stops_mail(was)))
			continue;
		f->basis[i] = CTL_BY_REGISTRY;
		f->gateway[i].last.detail = h->issuer;
	}
	return true;
}

static bool
is_of_ca(enum fault fault)
{
	return fault == FAULT_WRONG_ISSUER || fault == FAULT_UNTRUSTED_ISSUER;
}

/* What would stop. */
struct forecast {
	const char *partner;
	size_t gateways;    /* that were met by the last look, each host once */
	size_t failing;	    /* of these, that pass now, or of whom nothing is
			       demanded */
	enum fault fault;   /* the worst one */
	const char *host;   /* one of those that would fail */
	const char *issuer; /* of one with that fault, if that is the CA */
};

/* Does the host of step i fail there, and by the other rule alone? */
static bool
would_fail(const struct ctl_facts *f, size_t i, struct forecast *out)
{
	const bool asked = partner_level(f->partner) != LEVEL_OPPORTUNISTIC;
	const char *host = f->step[i].host;
	const struct step_gateway *s;
	bool fails = false;

	for (; i < f->n; i++) {
		s = &f->step[i];
		if (strcmp(s->host, host) != 0 || !fault_is_tls(s->fault))
			continue;
		/* Without TLS nothing rests on a rule. */
		if (f->basis[i] != CTL_BY_REGISTRY &&
		    (asked || judgekept_rests(s->fault)))
			continue;
		fails = true;
		if (fault_worse(out->fault, s->fault) == out->fault)
			continue;
		out->fault = s->fault;
		out->issuer =
		    is_of_ca(s->fault) ? f->gateway[i].last.detail : NULL;
	}
	return fails;
}

static void
put_forecast(const struct forecast *x, struct buf *out)
{
	buf_printf(out, "%s: ", x->partner);
	if (x->failing < x->gateways)
		buf_printf(out, "%zu of %zu gateways", x->failing, x->gateways);
	else if (x->gateways == 1)
		buf_puts(out, "its gateway");
	else if (x->gateways == 2)
		buf_puts(out, "both gateways");
	else
		buf_printf(out, "all %zu gateways", x->gateways);
	buf_printf(
	    out, " as last seen would fail by this (%s", fault_text(x->fault));
	if (x->failing == 1 && x->gateways > 1)
		buf_printf(out, " at %s", x->host);
	if (x->issuer != NULL)
		buf_printf(out, ": issued by %s", x->issuer);
	buf_puts(out, ")");
}

static void
foresee_one(const struct holding *h, const struct ctl_facts *f,
    ctllive_foresee_fn *fn, void *arg)
{
	struct forecast x = {.partner = f->name};
	struct buf line = {0};
	const struct partner *p = other_rule(h, f);
	const char *hop;
	size_t i, k;
	uint32_t whose;

	for (i = 0; p != NULL && i < f->n; i++) {
		hop = f->step[i].nexthop;
		whose = registry_meant(h->would, hop);
		if (whose == REGISTRY_NONE || &h->would->partner[whose] != p)
			continue;
		for (k = 0; strcmp(f->step[k].host, f->step[i].host) != 0; k++)
			;
		if (k < i)
			continue;
		x.gateways++;
		if (!would_fail(f, i, &x))
			continue;
		x.failing++;
		x.host = f->step[i].host;
	}
	if (x.failing > 0) {
		put_forecast(&x, &line);
		fn(x.partner, line.data, arg);
	}
	buf_free(&line);
}

static void
foresee_in(
    struct holding *h, struct evidence *v, ctllive_foresee_fn *fn, void *arg)
{
	struct err ignored;
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->f[i].n > 0)
			memset(h->f[i].basis, 0,
			    h->f[i].n * sizeof(*h->f[i].basis));
	if (evidence_chains(v, h->n == 1 ? h->f->name : NULL, take_foreseen, h,
		&ignored) == 0)
		for (i = 0; i < h->n; i++)
			foresee_one(h, &h->f[i], fn, arg);
}

/* How many are held to another rule there; the first FEW of them. */
static size_t
find_held(const struct holding *h, const char *name[FEW])
{
	const struct registry *was = h->c->registry;
	struct ctl_facts f = {0};
	size_t i, n = 0;

	for (i = 0; i < was->npartners; i++) {
		f.partner = &was->partner[i];
		f.name = f.partner->name;
		if (other_rule(h, &f) != NULL && n++ < FEW)
			name[n - 1] = f.name;
	}
	return n;
}

void
ctllive_foresee(const struct settings *set, const struct registry *was,
    const struct registry *would, time_t now, ctllive_foresee_fn *fn, void *arg)
{
	const struct ctl c = {.set = *set, .registry = was, .now = now};
	struct holding h = {.c = &c, .would = would};
	struct evidence *v = NULL;
	const char *name[FEW];
	struct ctl_facts f;
	struct err ignored;
	size_t i, all, n = find_held(&h, name);

	if (n == 0 || (v = evidence_open(set->evidence, set->ledger,
			   EVIDENCE_READ, &ignored)) == NULL)
		return;
	h.judge = judge_new(set->ca_file);
	/* Of each alone it takes a moment, however many there are. */
	for (i = 0; i < n && n <= FEW; i++) {
		h.f = &f;
		h.n = 1;
		(void)ctl_facts_get(&c, name[i], false, &f);
		foresee_in(&h, v, fn, arg);
		ctl_facts_release(&f);
	}
	if (n > FEW) {
		(void)ctl_facts_all(&c, &h.f, &all);
		h.n = was->npartners;
		foresee_in(&h, v, fn, arg);
		ctl_facts_free(h.f, all);
	}
	judge_free(h.judge);
	evidence_close(v);
}
