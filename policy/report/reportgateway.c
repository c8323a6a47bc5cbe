/*
 * Gateways as they were seen last, their chains, and what changed there.
 */
#include "reportgateway.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "certlook.h"
#include "clock.h"
#include "err.h"
#include "evidence_changes.h"
#include "fault.h"
#include "judgekept.h"
#include "ledger.h"
#include "life.h"
#include "mapevent.h"
#include "mem.h"
#include "num.h"
#include "reading.h"
#include "registry.h"
#include "settings.h"
#include "step.h"
#include "x509.h"

#define STALE (2 * CLOCK_DAY) /* seconds after which a look says nothing */
#define SKEW 300	      /* seconds that a look may be from now */
#define CHANGES_MAX 10000
#define CERTS_MAX 16 /* of a chain; no more are told */

/* --- Chains -------------------------------------------------------------- */

static void
take_cert(struct reading *g, const struct certlook *c, struct report_cert *to)
{
	*to = (struct report_cert){.subject = reading_keep(g, c->subject),
	    .issuer = reading_keep(g, c->issuer),
	    .begins = c->begins,
	    .ends = c->ends,
	    .key = reading_keep(g, c->key),
	    .signature = reading_keep(g, c->signature),
	    .server = c->server,
	    .client = c->client,
	    .self_issued = c->self_issued};
}

/* The name of the certificate that ends first. */
static void
find_end(struct report_gateway *w)
{
	size_t i;

	for (i = 0; i < w->ncerts; i++)
		if (w->cert[i].ends == w->ends)
			w->ends_who = w->cert[i].subject;
}

/* Each chain once: gateways with several addresses show the same. */
struct chains {
	struct reading *g;
	struct judge *judge;
	size_t at; /* gateway whose turn it is */
};

/* Order of both queries: partner, next-hop, host. */
static int
compare(const struct report_gateway *w, const struct evidence_probe *p)
{
	int rv = strcmp(w->partner, p->partner);

	if (rv == 0)
		rv = strcmp(w->nexthop, p->nexthop);
	return rv == 0 ? strcmp(w->host, p->host) : rv;
}

/* What would be wrong if the partner were enforced; "" if nobody knows. */
static const char *
would_fail(struct chains *c, const struct report_gateway *w,
    const struct partner *p, const char *pem)
{
	const struct judge_gateway ask = {.attributes = p->attributes,
	    .gateway = p->gateway,
	    .level = LEVEL_OPPORTUNISTIC,
	    .nexthop = w->nexthop,
	    .host = w->host,
	    .at = c->g->r->now};
	struct judgement *j;
	STACK_OF(X509) * chain;
	const char *word = "";
	struct err e;

	/* TLSA records are not kept; nor does a route tell a name. */
	if (p->attributes->verify == VERIFY_DANE ||
	    dname_is_nexthop(w->nexthop) ||
	    (chain = x509_chain_parse(pem, strlen(pem), &e)) == NULL)
		return "";
	j = mem_zero(1, sizeof(*j));
	if (judge_chain(c->judge, &ask, chain, j, &e) == 0 &&
	    j->fault != FAULT_OK)
		word = fault_text(j->fault);
	free(j);
	sk_X509_pop_free(chain, X509_free);
	return word;
}

static void
take_certs(struct chains *c, struct report_gateway *w, const char *pem)
{
	const struct report_partner *p = reading_partner(c->g, w->partner);
	struct certlook look[CERTS_MAX];
	size_t i, n = certlook_pem(pem, strlen(pem), look, CERTS_MAX);

	if (n == 0)
		return;
	w->cert = arena_alloc(&c->g->r->arena, n * sizeof(*w->cert));
	for (i = 0; i < n; i++)
		take_cert(c->g, &look[i], &w->cert[i]);
	w->ncerts = n;
	w->issuer = w->cert[0].issuer;
	if (w->by == EVIDENCE_FAILED && strcmp(w->fault, "ok") == 0 &&
	    p != NULL && p->p != NULL)
		w->would = would_fail(c, w, p->p, pem);
}

/* Does it fail by a rule? Another one may let it pass. */
static bool
fails_by_rule(const struct report_gateway *w)
{
	enum fault fault = FAULT_LOCAL_ERROR;

	(void)fault_parse(w->fault, &fault);
	return fault != FAULT_OK && judgekept_rests(fault);
}

/* By the rule of now, which may be newer than the look. */
static void
judge_now(struct chains *c, size_t i, const struct evidence_probe *p)
{
	const struct report_gateway *w = &c->g->r->gateway[i];
	const struct report_partner *whose = reading_partner(c->g, w->partner);
	const struct judgekept_look look = {.nexthop = w->nexthop,
	    .host = w->host,
	    .pem = p->chain,
	    .time = w->time};
	struct reading_now *now = &c->g->now[i];
	struct judgement *j;

	if (!fails_by_rule(w) || whose == NULL || whose->p == NULL ||
	    *p->key == '\0' || strcmp(p->key, w->key) != 0)
		return;
	j = mem_zero(1, sizeof(*j));
	now->known = judgekept(c->judge, whose->p, &look, j);
	now->fault = j->fault;
	now->by = judge_passed_by(j);
	free(j);
}

static bool
take_chain(const struct evidence_probe *p, void *arg)
{
	struct chains *c = arg;
	struct report *r = c->g->r;
	struct report_gateway *w, *first = NULL;

	for (; c->at < r->ngateways; c->at++) {
		w = &r->gateway[c->at];
		if (compare(w, p) > 0)
			break;
		if (compare(w, p) < 0)
			continue;
		judge_now(c, c->at, p);
		if (c->g->ask->brief)
			continue;
		w->shown = p->time;
		if (first == NULL) {
			take_certs(c, w, p->chain);
			first = w;
		} else {
			w->cert = first->cert;
			w->ncerts = first->ncerts;
			w->issuer = first->issuer;
			if (w->by == EVIDENCE_FAILED && *w->would == '\0')
				w->would = first->would;
		}
		find_end(w);
	}
	return true;
}

/* --- Gateways ------------------------------------------------------------ */

static bool
take_gateway(const struct evidence_gateway *x, void *arg)
{
	const struct evidence_probe *p = &x->last;
	struct reading *g = arg;
	struct report *r = g->r;
	const struct report_partner *is = reading_partner(g, p->partner);

	/* A domain that was taken from it says nothing of it any more. */
	if (is == NULL ||
	    (is->p != NULL && !registry_has(r->registry, is->name, p->nexthop)))
		return true;
	r->gateway = mem_grow(
	    r->gateway, r->ngateways, &r->gateway_cap, sizeof(*r->gateway));
	r->gateway[r->ngateways++] = (struct report_gateway){
	    .partner = is->name,
	    .nexthop = reading_keep(g, p->nexthop),
	    .host = reading_keep(g, p->host),
	    .address = reading_keep(g, p->address),
	    .port = p->port,
	    .time = p->time,
	    .fault = reading_keep(g, p->fault),
	    .would = p->judged != EVIDENCE_FAILED  ? "ok"
		     : strcmp(p->fault, "ok") == 0 ? ""
						   : reading_keep(g, p->fault),
	    .since = x->since,
	    .passed = x->passed,
	    .gone = x->gone,
	    .blind = x->blind,
	    .by = p->judged,
	    .protocol = reading_keep(g, p->protocol),
	    .cipher = reading_keep(g, p->cipher),
	    .exchange = reading_keep(g, p->kex),
	    .key = reading_keep(g, p->key),
	    .requiretls = reading_keep(g, p->requiretls),
	    .dnssec = reading_keep(g, p->dnssec),
	    .tlsa = reading_keep(g, p->tlsa),
	    .begins = p->begins,
	    .ends = p->not_after,
	    .ends_who = "",
	    .issuer = "",
	    .word = "",
	    .left = -1};
	return true;
}

static void
add_seen_change(struct reading *g, const struct report_seen_change *c)
{
	struct report *r = g->r;
	const struct report_seen_change *o;
	size_t i;

	if (c->time < r->from || c->time >= r->to || *c->host == '\0' ||
	    r->nseen_changes == CHANGES_MAX)
		return;
	/* Of several addresses, or again and again: it is told once. */
	for (i = r->nseen_changes; i > 0; i--) {
		o = &r->seen_change[i - 1];
		if (strcmp(o->partner, c->partner) != 0)
			break;
		if (o->what == c->what && strcmp(o->host, c->host) == 0 &&
		    strcmp(o->was, c->was) == 0 && strcmp(o->is, c->is) == 0)
			return;
	}
	r->seen_change = mem_grow(r->seen_change, r->nseen_changes,
	    &r->seen_change_cap, sizeof(*r->seen_change));
	r->seen_change[r->nseen_changes++] = *c;
}

/*
 * Of those from `at` on, all of one partner, keep what the latest look met:
 * gateways that are gone from DNS keep their rows. Returns where they end.
 */
static size_t
keep_met(struct reading *g, size_t at, size_t *kept)
{
	const time_t span = step_span(g->ask->set->probe_timeout);
	struct report_gateway *w = g->r->gateway;
	struct step_gateway *all;
	size_t n, i;

	for (n = 0; at + n < g->r->ngateways &&
		    strcmp(w[at + n].partner, w[at].partner) == 0;
	     n++)
		;
	all = mem_zero(n, sizeof(*all));
	for (i = 0; i < n; i++)
		all[i] = (struct step_gateway){.nexthop = w[at + i].nexthop,
		    .host = w[at + i].host,
		    .time = w[at + i].time,
		    .gone = w[at + i].gone,
		    .blind = w[at + i].blind};
	for (i = 0; i < n; i++)
		if (step_met(all, n, i, span))
			w[(*kept)++] = w[at + i];
		else
			add_seen_change(g,
			    &(struct report_seen_change){.time = w[at + i].time,
				.partner = w[at + i].partner,
				.nexthop = w[at + i].nexthop,
				.host = w[at + i].host,
				.what = REPORT_GONE,
				.was = "",
				.is = ""});
	free(all);
	return at + n;
}

/* Percent of the life that is left. */
static int
life_left(const struct report_gateway *w, time_t now)
{
	if (w->ends == 0 || w->begins == 0 || w->ends <= w->begins)
		return -1;
	if (now >= w->ends)
		return 0;
	return now <= w->begins ? 100
				: (int)((w->ends - now) * 100.0 /
					(double)(w->ends - w->begins));
}

static void
judge_gateway(struct reading *g, struct report_gateway *w)
{
	enum fault fault = FAULT_LOCAL_ERROR;

	w->left = life_left(w, g->r->now);
	(void)fault_parse(w->fault, &fault);
	if (w->time < g->r->now - STALE) {
		w->state = REPORT_OPEN;
		w->word = "not looked at lately";
	} else if (w->time > g->r->now + SKEW) {
		/* As of a time before: what it was then is not kept. */
		w->state = REPORT_OPEN;
		w->word = "looked at again since";
	} else if (fault != FAULT_OK) {
		w->state = fault_is_tls(fault) ? REPORT_BAD : REPORT_WATCH;
		w->word = w->fault;
	} else if (w->begins != 0 && w->ends <= g->r->now) {
		w->state = REPORT_BAD;
		w->word = "certificate expired";
	} else if (w->by == EVIDENCE_FAILED) {
		w->state = REPORT_WATCH;
		w->word = "encrypts; could not be enforced";
	} else if (life_ends_soon(
		       w->begins, w->ends, g->r->now, LIFE_WARN_DAYS)) {
		w->state = REPORT_WATCH;
		w->word = "passes; certificate ends soon";
	} else {
		w->state = REPORT_GOOD;
		w->word = "passes";
	}
}

/* --- What came after the look ----------------------------------------------
 */

/* Else it fails, or is open already. */
static bool
stands(const struct report_gateway *w)
{
	return strcmp(w->fault, "ok") == 0 && w->state != REPORT_BAD &&
	       w->state != REPORT_OPEN;
}

static void
mail_failed(struct reading *g, struct report_gateway *w)
{
	w->state = REPORT_OPEN;
	w->word = reading_printf(g, "a mail failed after the look: %s",
	    fault_text(g->now[w - g->r->gateway].failure));
}

/* The rule of `at` is newer than the look: what failed is judged by it. */
static void
judge_again(struct reading *g, struct report_gateway *w, time_t at)
{
	struct reading_now *now = &g->now[w - g->r->gateway];

	if (now->taken || w->state == REPORT_OPEN ||
	    !(stands(w) || fails_by_rule(w)))
		return;
	now->taken = true;
	if (!now->known) {
		w->state = REPORT_OPEN;
		w->word = "the rule is newer than the look";
		return;
	}
	if (strcmp(fault_text(now->fault), w->fault) == 0)
		return;
	w->fault = fault_text(now->fault);
	w->by = now->by;
	w->since = 0;
	judge_gateway(g, w);
	if (stands(w) && now->failed > at)
		mail_failed(g, w);
	else
		w->word = reading_printf(
		    g, "%s, by the rule after the look", w->word);
}

static void
ruled(struct reading *g, const struct report_partner *p, time_t at)
{
	struct report_gateway *w = g->r->gateway;
	size_t i = 0, end = g->r->ngateways;

	if (p != NULL && p->ngateways == 0)
		return;
	if (p != NULL) {
		i = (size_t)(p->gateway - w);
		end = i + p->ngateways;
	}
	for (; i < end; i++)
		if (w[i].time <= at)
			judge_again(g, &w[i], at);
}

/* A look is judged at the full level, whatever is lowered. */
static void
take_row(const char *key, time_t at, void *arg)
{
	struct reading *g = arg;
	const struct registry *r = g->ask->registry;
	const struct report_partner *p;
	uint32_t i;

	if (key == NULL || r == NULL)
		ruled(g, NULL, at);
	else if ((i = registry_covering(r, key)) != REGISTRY_NONE &&
		 (p = reading_partner(g, r->partner[i].name)) != NULL)
		ruled(g, p, at);
}

void
reading_ruled(struct reading *g, const struct ledger_event *ev)
{
	/* Looks from before that are old in any case. */
	if (ev->time >= g->r->now - STALE && ev->time <= g->r->now)
		mapevent_changed(ev, take_row, g);
}

/* Mail that failed there since, by TLS. */
static bool
take_failure(const struct evidence_failure *x, void *arg)
{
	struct reading *g = arg;
	const struct report_partner *p = reading_partner(g, x->partner);
	struct report_gateway *w;
	struct reading_now *now;
	enum fault fault;
	size_t i;

	if (p == NULL || x->direction != EVIDENCE_OUT || x->time > g->r->now ||
	    fault_parse(x->fault, &fault) == -1 || !fault_is_tls(fault))
		return true;
	for (i = 0; i < p->ngateways; i++) {
		w = &g->r->gateway[p->gateway - g->r->gateway + (ptrdiff_t)i];
		if (x->time <= w->time ||
		    (*x->host != '\0' && strcasecmp(x->host, w->host) != 0) ||
		    (*x->address != '\0' && *w->address != '\0' &&
			strcmp(x->address, w->address) != 0))
			continue;
		now = &g->now[w - g->r->gateway];
		now->failed = x->time;
		now->failure = fault;
		if (stands(w))
			mail_failed(g, w);
	}
	return true;
}

/* --- Changes ------------------------------------------------------------- */

/* The issuer of the first certificate of a chain in PEM; "" if none is. */
static const char *
issuer_of(struct reading *g, const char *pem)
{
	struct certlook look;

	return certlook_pem(pem, strlen(pem), &look, 1) == 0
		   ? ""
		   : reading_keep(g, look.issuer);
}

static bool
take_change(const struct evidence_change *x, void *arg)
{
	struct reading *g = arg;
	struct report_partner *p = reading_partner(g, x->partner);
	struct report_seen_change c = {.time = x->time, .was = "", .is = ""};

	if (p == NULL)
		return true;
	if (p->looked_since == 0)
		p->looked_since = x->time;
	if (x->time < g->r->from)
		return true;
	c.partner = p->name;
	c.nexthop = reading_keep(g, x->nexthop);
	c.host = reading_keep(g, x->host);
	if (x->fresh) {
		/* The first looks find all gateways, as do those before
		 * which older ones were removed. */
		c.what = REPORT_APPEARED;
		if (x->time > p->looked_since + CLOCK_DAY)
			add_seen_change(g, &c);
		return true;
	}
	if (strcmp(x->key_was, x->key) != 0) {
		c.what = REPORT_KEY;
		c.was = reading_keep(g, x->key_was);
		c.is = reading_keep(g, x->key);
		add_seen_change(g, &c);
	}
	c.was = issuer_of(g, x->chain_was);
	c.is = issuer_of(g, x->chain);
	if (*c.was != '\0' && *c.is != '\0' && strcmp(c.was, c.is) != 0) {
		c.what = REPORT_ISSUER;
		add_seen_change(g, &c);
	}
	return true;
}

static int
by_time(const void *a, const void *b)
{
	const struct report_seen_change *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return strcmp(x->partner, y->partner);
}

/* --- All of it ----------------------------------------------------------- */

static void
give_slices(struct report *r, struct reading *g)
{
	struct report_partner *p;
	size_t i;

	for (i = 0; i < r->ngateways; i++) {
		p = reading_partner(g, r->gateway[i].partner);
		if (p->ngateways++ == 0)
			p->gateway = &r->gateway[i];
	}
}

static int
read_chains(struct reading *g, struct err *e)
{
	struct chains c = {.g = g};
	int rv;

	c.judge = judge_new(g->ask->set->ca_file);
	rv = evidence_chains(g->evidence, reading_one(g), take_chain, &c, e);
	judge_free(c.judge);
	return rv == -1 || g->ask->brief
		   ? rv
		   : evidence_changes(g->evidence, reading_one(g), g->r->to,
			 take_change, g, e);
}

int
reading_gateways(struct reading *g, struct err *e)
{
	struct report *r = g->r;
	size_t i, kept = 0;

	if (evidence_gateways(
		g->evidence, reading_one(g), 0, take_gateway, g, e) == -1)
		return -1;
	for (i = 0; i < r->ngateways;)
		i = keep_met(g, i, &kept);
	i = r->ngateways = kept;
	g->now = arena_alloc(&r->arena, (r->ngateways + 1) * sizeof(*g->now));
	memset(g->now, 0, (r->ngateways + 1) * sizeof(*g->now));
	while (g->ask->brief && i > 0 && !fails_by_rule(&r->gateway[i - 1]))
		i--;
	/* They take most of the time. */
	if ((!g->ask->brief || i > 0) && read_chains(g, e) == -1)
		return -1;
	for (i = 0; i < r->ngateways; i++)
		judge_gateway(g, &r->gateway[i]);
	give_slices(r, g);
	if (r->ngateways > 0 && evidence_failures(g->evidence, r->now - STALE,
				    take_failure, g, e) == -1)
		return -1;
	if (r->nseen_changes > 0)
		qsort(r->seen_change, r->nseen_changes, sizeof(*r->seen_change),
		    by_time);
	return 0;
}
