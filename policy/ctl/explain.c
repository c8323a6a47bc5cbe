#include "explain.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "clock.h"
#include "ctlfacts.h"
#include "ctlmx.h"
#include "fault.h"
#include "maprecord.h"
#include "mem.h"
#include "step.h"

const char *const explain_fate_names[] = {[EXPLAIN_MOVES] = "moves",
    [EXPLAIN_WAITS] = "waits",
    [EXPLAIN_RETURNED] = "returned",
    [EXPLAIN_ELSEWHERE] = "elsewhere",
    [EXPLAIN_UNKNOWN] = "unknown"};

bool
explain_takes(const struct step_gateway *g, enum level full, enum level level)
{
	enum level step;

	if (!fault_stops_mail(g->fault))
		return true;
	if (level >= full)
		return false;
	/* Secure: nothing helps, as where the network is at fault. */
	step = fault_smallest_step(g->fault, step_same_key(g));
	return step < LEVEL_SECURE && step >= level;
}

/* Is there no TLS to be had? */
static bool
is_clear(const struct step_gateway *g)
{
	return fault_is_tls(g->fault) &&
	       fault_smallest_step(g->fault, true) == LEVEL_OPPORTUNISTIC;
}

/* Who looks at an opportunistic partner asks for TLS all the same. */
static enum level
full_level(const struct ctl_facts *f)
{
	const enum level full = ctl_facts_judged(f);

	return full < LEVEL_ENCRYPT ? LEVEL_ENCRYPT : full;
}

/* Does what failed since fail at that level? */
static bool
fails_since(const struct ctl_facts *f, size_t i, enum level level)
{
	struct step_gateway g = f->step[i];

	g.fault = g.failed_with;
	g.key = "";
	return g.failed != 0 && !explain_takes(&g, full_level(f), level);
}

/* Did a later look fail on our side? Where no TLS is asked for, what of it. */
static bool
is_blind(const struct ctl_facts *f, size_t i, enum level level)
{
	return level > LEVEL_OPPORTUNISTIC && f->step[i].blind != 0;
}

bool
explain_shut(const struct ctl_facts *f, size_t i, enum level level)
{
	const struct ledger_downgrade *d = &f->lowered;

	return level == LEVEL_KEY && d->id != 0 && d->nkeys > 0 &&
	       step_said(f->step[i].key) &&
	       !step_pinned(&f->step[i], d->keys, d->nkeys);
}

enum explain_gateway
explain_gateway(const struct ctl_facts *f, size_t i, enum level level)
{
	const bool takes = explain_takes(&f->step[i], full_level(f), level) &&
			   !explain_shut(f, i, level);
	const enum ctl_basis basis =
	    f->basis == NULL ? CTL_BY_MAP : f->basis[i];

	/* At the lower levels certificates do not matter. */
	if (level > LEVEL_ENCRYPT && (basis == CTL_BY_RULE_BEFORE ||
					 (basis == CTL_BY_REGISTRY && takes)))
		return EXPLAIN_DOUBT;
	if (is_blind(f, i, level) && (takes || !fault_is_tls(f->step[i].fault)))
		return EXPLAIN_DOUBT;
	if (!takes)
		return EXPLAIN_HOLDS;
	return fails_since(f, i, level) ? EXPLAIN_DOUBT : EXPLAIN_TAKES;
}

/* The best that a gateway of the next-hop of gateway i is to it. */
static enum explain_fate
fate_at(const struct ctl_facts *f, size_t i, enum level level)
{
	enum explain_fate fate = EXPLAIN_WAITS;
	enum explain_gateway is;
	size_t j;

	for (j = 0; j < f->n && fate != EXPLAIN_MOVES; j++) {
		if (strcasecmp(f->step[j].nexthop, f->step[i].nexthop) != 0)
			continue;
		is = explain_gateway(f, j, level);
		if (is == EXPLAIN_TAKES)
			fate = EXPLAIN_MOVES;
		else if (is == EXPLAIN_DOUBT)
			fate = EXPLAIN_UNKNOWN;
	}
	return fate;
}

enum explain_fate
explain_at(const struct ctl_facts *f, enum level level)
{
	enum explain_fate all = f->n == 0 ? EXPLAIN_UNKNOWN : EXPLAIN_MOVES;
	enum explain_fate one;
	size_t i;

	for (i = 0; i < f->n && all != EXPLAIN_WAITS; i++) {
		one = fate_at(f, i, level);
		if (one != EXPLAIN_MOVES)
			all = one;
	}
	return all;
}

enum explain_fate
explain_now(const struct ctl_facts *f)
{
	return explain_at(f, f->in_map ? f->map_level : ctl_facts_level(f));
}

bool
explain_mended(const struct ctl_facts *f)
{
	return ctl_facts_level(f) < f->full &&
	       explain_at(f, f->full) == EXPLAIN_MOVES;
}

bool
explain_doubted(const struct ctl_facts *f, enum level level)
{
	size_t i, n[EXPLAIN_DOUBT + 1] = {0};

	for (i = 0; i < f->n; i++)
		n[explain_gateway(f, i, level)]++;
	return n[EXPLAIN_TAKES] == 0 && n[EXPLAIN_DOUBT] > 0;
}

bool
explain_returned(const struct ctl_facts *f, const enum explain_gateway *is)
{
	size_t i, n = 0;

	for (i = 0; i < f->n; i++) {
		if (is != NULL && is[i] != EXPLAIN_HOLDS)
			continue;
		if (f->step[i].fault != FAULT_NO_MX)
			return false;
		n++;
	}
	return n > 0;
}

time_t
explain_ours(const struct ctl_facts *f, enum level level)
{
	time_t at = 0;
	size_t i;

	if (level == LEVEL_OPPORTUNISTIC || f->evidence_fault != NULL)
		return 0;
	if (f->n == 0)
		return f->blind;
	if (!explain_doubted(f, level))
		return 0;
	for (i = 0; i < f->n; i++)
		if (explain_gateway(f, i, level) == EXPLAIN_DOUBT &&
		    f->step[i].blind > at)
			at = f->step[i].blind;
	return at;
}

void
explain_ours_text(time_t at, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	buf_printf(out, "our own resolver or network failed at %s",
	    clock_text(at, now, when));
}

static void
judge_gateway(const struct explain_asked *a, size_t i, struct explain *out)
{
	const struct ctl_facts *f = a->facts;
	enum explain_gateway is = explain_gateway(f, i, a->level);

	/* A look that found no gateway names none. */
	if (a->mx != NULL && *f->step[i].host != '\0' &&
	    !ctlmx_has(a->mx, f->step[i].host))
		is = EXPLAIN_GONE;
	out->gateway[i] = is;
	if (is == EXPLAIN_TAKES)
		out->clear =
		    (out->takes == 0 || out->clear) && is_clear(&f->step[i]);
	out->takes += is == EXPLAIN_TAKES;
	out->holds += is == EXPLAIN_HOLDS;
	out->doubts += is == EXPLAIN_DOUBT;
	if (is == EXPLAIN_DOUBT && is_blind(f, i, a->level) &&
	    f->step[i].blind > out->ours)
		out->ours = f->step[i].blind;
	if (f->gateway[i].last.time > out->probed)
		out->probed = f->gateway[i].last.time;
}

/* Those of the next-hop; for a name below a `.domain`, which nobody can look
 * at, all. */
static void
judge_gateways(const struct explain_asked *a, struct explain *out)
{
	const struct ctl_facts *f = a->facts;
	size_t i, found = 0;

	if (f == NULL || f->n == 0)
		return;
	out->gateway = mem_zero(f->n, sizeof(*out->gateway));
	for (i = 0; i < f->n; i++)
		found += strcasecmp(f->step[i].nexthop, a->nexthop) == 0;
	out->borrowed = found == 0;
	if (found == 0 && strcasecmp(a->nexthop, a->domain) != 0)
		return;
	for (i = 0; i < f->n; i++)
		if (out->borrowed ||
		    strcasecmp(f->step[i].nexthop, a->nexthop) == 0)
			judge_gateway(a, i, out);
}

/* --- Gateways that no look met -------------------------------------------- */

/* Does the row take a certificate with the host's own name? */
static bool
is_named(const struct explain_asked *a, const char *host)
{
	struct mapmatch left = {0};
	const size_t n = strlen(host);
	bool any = false;
	const char *s;
	size_t len;

	if (a->row.n > 0)
		left = mapmatch_of(a->row.p, a->row.n);
	while (mapmatch_next(&left, ':', &s, &len)) {
		any = true;
		/* nexthop, dot-nexthop, hostname: what they are, who knows. */
		if (memchr(s, '.', len) == NULL ||
		    (*s == '.' ? n > len &&
				     strncasecmp(host + n - len, s, len) == 0
			       : n == len && strncasecmp(host, s, n) == 0))
			return true;
	}
	return !any;
}

/* The gateway at whose next-hop, by the log, a mail failed at the host. */
static bool
failed_at(const struct explain_asked *a, const char *host, struct explain *out)
{
	const struct ctl_facts *f = a->facts;
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->step[i].failed_host != NULL &&
		    out->gateway[i] != EXPLAIN_OTHER &&
		    strcasecmp(f->step[i].failed_host, host) == 0 &&
		    f->step[i].failed > a->changed &&
		    fails_since(f, i, a->level)) {
			out->failed = i;
			return true;
		}
	return false;
}

static bool
is_met(
    const struct explain_asked *a, const char *host, const struct explain *out)
{
	const struct ctl_facts *f = a->facts;
	size_t i;

	for (i = 0; i < f->n; i++)
		if (out->gateway[i] != EXPLAIN_OTHER &&
		    strcasecmp(f->step[i].host, host) == 0)
			return true;
	return false;
}

/* Does the queue say more than the look, by the rule of now? */
static bool
is_queued(const struct explain_asked *a, const struct explain *out)
{
	return a->queued > out->probed && a->queued > a->changed &&
	       out->probed != 0 && a->level > LEVEL_OPPORTUNISTIC;
}

/* Of those that DNS names: is one new, and does each of these hold mail? */
static void
find_new(const struct explain_asked *a, struct explain *out)
{
	enum explain_new why;
	size_t i, unsure = 0;

	if (a->mx == NULL || out->gateway == NULL || out->borrowed)
		return;
	for (i = 0; i < a->mx->n; i++) {
		if (is_met(a, a->mx->host[i], out))
			continue;
		why = failed_at(a, a->mx->host[i], out) ? EXPLAIN_NEW_FAILED
		      : is_queued(a, out)		? EXPLAIN_NEW_QUEUED
		      : a->level == LEVEL_SECURE && !is_named(a, a->mx->host[i])
			  ? EXPLAIN_NEW_UNNAMED
			  : EXPLAIN_NEW_UNKNOWN;
		unsure += why == EXPLAIN_NEW_UNKNOWN;
		if (out->is_new != NULL &&
		    (why != EXPLAIN_NEW_UNKNOWN || out->why == why))
			continue;
		out->is_new = a->mx->host[i];
		out->why = why;
	}
	if (unsure > 0 || out->doubts > 0)
		out->why = EXPLAIN_NEW_UNKNOWN;
}

static void
settle(struct explain *out, enum explain_fate fate, enum explain_reason reason)
{
	out->fate = fate;
	out->reason = reason;
}

void
explain_judge(const struct explain_asked *a, struct explain *out)
{
	*out = (struct explain){0};
	if (a->routed && a->command == NULL)
		settle(out, EXPLAIN_WAITS, EXPLAIN_NO_SERVICE);
	else if (a->routed && strcmp(a->command, "smtp") != 0)
		settle(out, EXPLAIN_ELSEWHERE, EXPLAIN_NO_SMTP);
	if (out->reason != EXPLAIN_GATEWAYS)
		return;
	judge_gateways(a, out);
	find_new(a, out);
	if (a->no_map && (!a->routed || a->asks))
		settle(out, EXPLAIN_WAITS, EXPLAIN_NO_MAP);
	else if (out->takes > 0 && is_queued(a, out))
		settle(out, EXPLAIN_UNKNOWN, EXPLAIN_QUEUE);
	else if (out->takes == 0 && out->is_new != NULL)
		settle(out,
		    out->why == EXPLAIN_NEW_UNKNOWN ? EXPLAIN_UNKNOWN
						    : EXPLAIN_WAITS,
		    EXPLAIN_NEW_MX);
	else if (out->takes > 0)
		settle(out, EXPLAIN_MOVES, EXPLAIN_GATEWAYS);
	else if (out->doubts > 0)
		settle(out, EXPLAIN_UNKNOWN,
		    out->ours != 0 ? EXPLAIN_OURS : EXPLAIN_DOUBTS);
	else if (out->holds > 0)
		settle(out,
		    !a->keeps && explain_returned(a->facts, out->gateway)
			? EXPLAIN_RETURNED
			: EXPLAIN_WAITS,
		    EXPLAIN_GATEWAYS);
	else if (a->no_domain)
		settle(out, a->keeps ? EXPLAIN_WAITS : EXPLAIN_RETURNED,
		    EXPLAIN_NO_DOMAIN);
	else if (a->level == LEVEL_OPPORTUNISTIC)
		settle(out, EXPLAIN_MOVES, EXPLAIN_ANY);
	else if (a->facts != NULL && a->facts->evidence_fault != NULL)
		settle(out, EXPLAIN_UNKNOWN, EXPLAIN_NO_EVIDENCE);
	else if (a->facts != NULL && a->facts->n == 0 && a->facts->blind != 0) {
		settle(out, EXPLAIN_UNKNOWN, EXPLAIN_OURS);
		out->ours = a->facts->blind;
	} else
		settle(out, EXPLAIN_UNKNOWN, EXPLAIN_NO_LOOK);
}

void
explain_release(struct explain *x)
{
	free(x->gateway);
	*x = (struct explain){0};
}
