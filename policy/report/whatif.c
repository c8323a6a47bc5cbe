#include "whatif.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "err.h"
#include "evidence_changes.h"
#include "judge.h"
#include "mem.h"
#include "num.h"
#include "registry.h"
#include "settings.h"
#include "x509.h"

/* A chain that a gateway showed from some time on, judged by the rules. */
struct shown {
	uint32_t partner; /* of the other registry */
	char gateway[320];
	time_t from, ends; /* ends 0: not known, or it does not matter */
	enum fault fault;
	bool known;
	size_t before; /* the one of that partner before, + 1; 0: none */
};

/* What all chains of a partner make of a day. */
enum verdict { PASS, FAIL, NOBODY_KNOWS };

struct asking {
	struct whatif *w;
	const struct whatif_ask *ask;
	struct judge *judge;
	struct shown *shown;
	size_t nshown, cap;
	size_t *last;	/* of each partner, + 1 */
	uint32_t *row;	/* of each partner in w, + 1 */
	uint32_t whose; /* what was asked last: partner, day, and the answer */
	time_t day;
	enum verdict verdict;
	enum fault fault;
};

/* Whose mail it would be, that was counted under that name. */
static uint32_t
whose(const struct asking *a, const char *name)
{
	const struct registry *was = a->ask->was, *would = a->ask->would;
	uint32_t i = registry_partner(would, name), at, d;

	if (i != REGISTRY_NONE)
		return i;
	i = was == NULL ? REGISTRY_NONE : registry_partner(was, name);
	if (i == REGISTRY_NONE)
		return strchr(name, '.') == NULL
			   ? REGISTRY_NONE
			   : registry_covering(would, name);
	for (d = was->partner[i].first_domain, at = REGISTRY_NONE;
	     d < was->partner[i].first_domain + was->partner[i].ndomains &&
	     at == REGISTRY_NONE;
	     d++)
		at = registry_covering(would, was->domain[d].name);
	return at;
}

/*
 * Does the verdict hold for all mail that was counted under that name? It does
 * not tell which of its domains a mail was of; with nobody, it goes.
 */
static bool
holds_for_all(const struct asking *a, const char *name, uint32_t at, bool goes)
{
	const struct registry *was = a->ask->was, *would = a->ask->would;
	uint32_t i = was == NULL ? REGISTRY_NONE : registry_partner(was, name),
		 d, to;

	if (i == REGISTRY_NONE)
		return true;
	for (d = was->partner[i].first_domain;
	     d < was->partner[i].first_domain + was->partner[i].ndomains; d++) {
		to = registry_covering(would, was->domain[d].name);
		if (to != at && !(to == REGISTRY_NONE && goes))
			return false;
	}
	return true;
}

/* --- Chains ----------------------------------------------------------------
 */

static void
judge_shown(struct asking *a, const struct evidence_change *x, struct shown *s)
{
	const struct partner *p = &a->ask->would->partner[s->partner];
	const struct judge_gateway g = {.attributes = p->attributes,
	    .gateway = p->gateway,
	    .level = partner_level(p),
	    .nexthop = x->nexthop,
	    .host = x->host,
	    .at = x->time};
	struct judgement *j;
	STACK_OF(X509) * chain;
	struct err e;

	/* TLSA records are not kept; nor does a route tell a name. */
	if (p->attributes->verify == VERIFY_DANE ||
	    dname_is_nexthop(x->nexthop) ||
	    (chain = x509_chain_parse(x->chain, strlen(x->chain), &e)) == NULL)
		return;
	j = mem_zero(1, sizeof(*j));
	if (judge_chain(a->judge, &g, chain, j, &e) == 0) {
		s->known = true;
		s->fault = fault_stops_mail(j->fault) ? j->fault : FAULT_OK;
		if (p->attributes->verify == VERIFY_NAME && j->v.days_known)
			s->ends = j->v.ends;
	}
	free(j);
	sk_X509_pop_free(chain, X509_free);
}

static bool
take_change(const struct evidence_change *x, void *arg)
{
	struct asking *a = arg;
	uint32_t at = whose(a, x->partner);
	struct shown *s;

	if (at == REGISTRY_NONE ||
	    partner_level(&a->ask->would->partner[at]) < LEVEL_KEY)
		return true;
	a->shown = mem_grow(a->shown, a->nshown, &a->cap, sizeof(*a->shown));
	s = &a->shown[a->nshown++];
	*s = (struct shown){
	    .partner = at, .from = x->time, .before = a->last[at]};
	(void)snprintf(
	    s->gateway, sizeof(s->gateway), "%s %s", x->host, x->address);
	a->last[at] = a->nshown;
	judge_shown(a, x, s);
	return true;
}

/* Was it shown on that day, not having given way to another one before? */
static bool
shown_on(const struct asking *a, const struct shown *s, time_t day)
{
	const struct shown *o;
	size_t i;

	if (s->from >= day + CLOCK_DAY)
		return false;
	for (i = a->last[s->partner]; i > 0; i = o->before) {
		o = &a->shown[i - 1];
		if (o->from > s->from && o->from <= day &&
		    strcmp(o->gateway, s->gateway) == 0)
			return false;
	}
	return true;
}

static void
judge_day(struct asking *a, uint32_t partner, time_t day)
{
	bool pass = false, fail = false, unknown = false;
	const struct shown *s;
	size_t i;

	if (a->whose == partner && a->day == day)
		return;
	a->whose = partner;
	a->day = day;
	a->fault = FAULT_OK;
	for (i = a->last[partner]; i > 0; i = s->before) {
		s = &a->shown[i - 1];
		if (!shown_on(a, s, day))
			continue;
		if (!s->known || (s->ends > day && s->ends < day + CLOCK_DAY))
			unknown = true;
		else if (s->fault != FAULT_OK ||
			 (s->ends != 0 && s->ends <= day)) {
			fail = true;
			a->fault = fault_worse(a->fault,
			    s->fault != FAULT_OK ? s->fault : FAULT_EXPIRED);
		} else {
			pass = true;
		}
	}
	a->verdict = unknown || pass == fail ? NOBODY_KNOWS
		     : pass		     ? PASS
					     : FAIL;
}

/* --- Mail ------------------------------------------------------------- */

/* It was verified by rules that are also those of the other registry. */
static bool
passed_then(const struct asking *a, const struct evidence_count *c,
    const struct partner *p)
{
	const struct registry *was = a->ask->was;
	const struct partner *then;
	uint32_t i;

	if (c->seen != EVIDENCE_VERIFIED || c->downgrade != 0 || was == NULL ||
	    (i = registry_partner(was, c->partner)) == REGISTRY_NONE)
		return false;
	then = &was->partner[i];
	return partner_level(then) >= LEVEL_KEY &&
	       then->attributes->verify == p->attributes->verify &&
	       strs_same(then->gateway, p->gateway) &&
	       strs_same(then->attributes->ca, p->attributes->ca) &&
	       strs_same(then->attributes->key, p->attributes->key);
}

/* What would have become of mail that left. */
static enum verdict
judge_out(struct asking *a, const struct evidence_count *c, uint32_t partner,
    enum fault *why)
{
	const struct partner *p = &a->ask->would->partner[partner];
	enum level level = partner_level(p);
	int v = tls_version_find(c->protocol, strlen(c->protocol));
	time_t day;

	*why = FAULT_NO_STARTTLS;
	if (level == LEVEL_OPPORTUNISTIC)
		return PASS;
	if (c->seen == EVIDENCE_CLEAR)
		return FAIL;
	*why = FAULT_PROTOCOL_TOO_OLD;
	if (v == -1 && p->attributes->min_tls > 0)
		return NOBODY_KNOWS;
	if (v != -1 && v < p->attributes->min_tls)
		return FAIL;
	if (level == LEVEL_ENCRYPT || passed_then(a, c, p))
		return PASS;
	if (num_time(c->day, &day) == -1)
		return NOBODY_KNOWS;
	judge_day(a, partner, day);
	*why = a->fault;
	return a->verdict;
}

static enum verdict
judge_in(
    const struct evidence_count *c, const struct partner *p, enum fault *why)
{
	*why = FAULT_NO_STARTTLS;
	if (p->attributes->inbound != INBOUND_REQUIRE)
		return PASS;
	if (c->seen == EVIDENCE_CLEAR)
		return FAIL;
	return p->attributes->inbound_verify == INBOUND_NONE ? PASS
							     : NOBODY_KNOWS;
}

static struct whatif_partner *
row_of(struct asking *a, uint32_t partner)
{
	struct whatif *w = a->w;

	if (a->row[partner] == 0) {
		w->v = mem_grow(w->v, w->n, &w->cap, sizeof(*w->v));
		w->v[w->n] = (struct whatif_partner){
		    .name = a->ask->would->partner[partner].name};
		a->row[partner] = (uint32_t)++w->n;
	}
	return &w->v[a->row[partner] - 1];
}

static bool
take_count(const struct evidence_count *c, void *arg)
{
	bool out = c->direction == EVIDENCE_OUT;
	struct asking *a = arg;
	struct whatif_partner *p;
	enum verdict verdict;
	enum fault why;
	uint32_t at;

	if (strcmp(c->result, out ? "sent" : "received") != 0)
		return true;
	a->w->mails += c->n;
	if ((at = whose(a, c->partner)) == REGISTRY_NONE)
		return true;
	p = row_of(a, at);
	p->mails += c->n;
	verdict = out ? judge_out(a, c, at, &why)
		      : judge_in(c, &a->ask->would->partner[at], &why);
	if (!holds_for_all(a, c->partner, at, verdict == PASS))
		verdict = NOBODY_KNOWS;
	if (verdict == FAIL) {
		p->waits += c->n;
		p->why[why] += c->n;
		a->w->waits += c->n;
	} else if (verdict == NOBODY_KNOWS) {
		p->unknown += c->n;
		a->w->unknown += c->n;
	}
	return true;
}

static int
most_first(const void *x, const void *y)
{
	const struct whatif_partner *a = x, *b = y;

	if (a->waits != b->waits)
		return a->waits > b->waits ? -1 : 1;
	if (a->unknown != b->unknown)
		return a->unknown > b->unknown ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int
read_all(struct asking *a, struct evidence *v, struct err *e)
{
	char from[NUM_TIME_MAX], to[NUM_TIME_MAX];

	num_time_text(a->ask->from, from)[10] = '\0';
	num_time_text(a->ask->to - 1, to)[10] = '\0';
	return evidence_changes(v, NULL, a->ask->to, take_change, a, e) == -1
		   ? -1
		   : evidence_counts(v, NULL, from, to, take_count, a, e);
}

int
whatif_read(struct whatif *w, const struct whatif_ask *ask, struct err *e)
{
	const size_t n = ask->would->npartners + 1;
	struct asking a = {.w = w, .ask = ask, .whose = REGISTRY_NONE};
	struct evidence *v;
	size_t i;
	int rv;

	*w = (struct whatif){0};
	v = evidence_open(
	    ask->set->evidence, ask->set->ledger, EVIDENCE_READ, e);
	if (v == NULL && e->code != EX_NOINPUT)
		return -1;
	a.last = mem_zero(n, sizeof(*a.last));
	a.row = mem_zero(n, sizeof(*a.row));
	a.judge = judge_new(ask->set->ca_file);
	rv = evidence_begin(v, e);
	if (rv == 0)
		rv = evidence_end(v, read_all(&a, v, e), e);
	judge_free(a.judge);
	free(a.row);
	free(a.last);
	free(a.shown);
	evidence_close(v);
	if (w->n > 0)
		qsort(w->v, w->n, sizeof(*w->v), most_first);
	for (i = 0; i < w->n; i++)
		w->waiting += w->v[i].waits > 0;
	return rv;
}

void
whatif_free(struct whatif *w)
{
	free(w->v);
	*w = (struct whatif){0};
}
