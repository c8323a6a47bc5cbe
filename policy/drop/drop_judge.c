#include "drop_priv.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "num.h"
#include "quote.h"

#define TEXT_GATEWAYS 6 /* named in the evidence */

/*
 * The highest level at which the gateway takes mail; false if it takes none
 * at any level, as far as was seen.
 */
static bool
takes(const struct step_gateway *g, bool no_key, enum level *out)
{
	if (!fault_stops_mail(g->fault)) {
		*out = LEVEL_SECURE;
		return true;
	}
	if (!fault_is_tls(g->fault))
		return false;
	*out = fault_smallest_step(g->fault, step_same_key(g) && !no_key);
	return true;
}

/* The best of the gateways of the next-hop of gateway i. */
static bool
best(const struct drop_report *r, size_t i, bool no_key, enum level *out,
    enum fault *fault)
{
	const char *nexthop = r->gateway[i].nexthop;
	enum level level;
	bool any = false;
	size_t j;

	for (j = 0; j < r->n; j++) {
		const struct step_gateway *g = &r->gateway[j];

		if (strcmp(g->nexthop, nexthop) != 0 ||
		    !takes(g, no_key, &level))
			continue;
		if (!any || level > *out) {
			*out = level;
			*fault = g->fault;
		}
		any = true;
	}
	return any;
}

/* Is gateway i the first of its next-hop? */
static bool
is_first(const struct drop_report *r, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (strcmp(r->gateway[j].nexthop, r->gateway[i].nexthop) == 0)
			return false;
	return true;
}

enum drop_sight
drop_judge_nexthop(
    const struct drop_report *r, size_t i, enum level at, bool no_key)
{
	enum fault fault = FAULT_OK;
	enum level level = LEVEL_SECURE;

	if (!best(r, i, no_key, &level, &fault))
		return DROP_UNKNOWN;
	return level >= at ? DROP_PASSES : DROP_BLOCKED;
}

enum drop_sight
drop_judge_sight(
    const struct drop_report *r, enum level full, bool no_key, time_t *since)
{
	enum drop_sight sight = DROP_UNKNOWN;
	size_t i;

	*since = 0;
	for (i = 0; i < r->n; i++) {
		const struct step_gateway *g = &r->gateway[i];

		switch (drop_judge_nexthop(r, i, full, no_key)) {
		case DROP_BLOCKED:
			sight = DROP_BLOCKED;
			/* Blocked since the last of its gateways failed. */
			if (fault_is_tls(g->fault) && g->since > *since)
				*since = g->since;
			break;
		case DROP_PASSES:
			if (sight == DROP_UNKNOWN)
				sight = DROP_PASSES;
			break;
		case DROP_UNKNOWN:
			break;
		}
	}
	return sight;
}

bool
drop_judge_worked(const struct drop_report *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->gateway[i].last_key != NULL &&
		    *r->gateway[i].last_key != '\0')
			return true;
	return false;
}

/* Does the report speak of that next-hop? */
static bool
knows(const struct drop_report *r, const char *nexthop)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->gateway[i].nexthop, nexthop) == 0)
			return true;
	return false;
}

/* Could failure f have been one of the next-hop of gateway i? */
static bool
concerns(const struct drop_state *p, const struct drop_fail *f, size_t i)
{
	const char *nexthop;

	if (f->nexthop == DROP_NEXTHOP_NONE)
		return true;
	nexthop = p->nexthop[f->nexthop];
	return strcmp(nexthop, p->report->gateway[i].nexthop) == 0 ||
	       !knows(p->report, nexthop);
}

static bool
same_fault(enum fault logged, enum fault seen)
{
	return logged == seen || fault_smallest_step(logged, false) ==
				     fault_smallest_step(seen, false);
}

/* A failure of p within the window is what a gateway of i's next-hop shows. */
static bool
matches(const struct drop_state *p, size_t i, time_t now, bool *touched)
{
	const struct drop_report *r = p->report;
	size_t j, k;

	*touched = false;
	for (k = 0; k < p->nfails; k++) {
		const struct drop_fail *f = &p->fail[k];

		if (f->time <= now - (time_t)p->rules.window ||
		    !concerns(p, f, i))
			continue;
		*touched = true;
		for (j = i; j < r->n; j++) {
			const struct step_gateway *g = &r->gateway[j];

			if (strcmp(g->nexthop, r->gateway[i].nexthop) == 0 &&
			    fault_is_tls(g->fault) &&
			    fault_stops_mail(g->fault) &&
			    same_fault((enum fault)f->fault, g->fault))
				return true;
		}
	}
	return false;
}

void
drop_judge_confirm(const struct drop_state *p, bool no_key, time_t now,
    struct drop_verdict *out)
{
	const struct drop_report *r = p->report;
	enum level at = drop_state_level(p), level;
	enum fault fault = FAULT_OK;
	bool touched;
	size_t i;

	memset(out, 0, sizeof(*out));
	out->step = at;
	for (i = 0; i < r->n; i++) {
		if (!is_first(r, i))
			continue;
		if (!best(r, i, no_key, &level, &fault)) {
			(void)matches(p, i, now, &touched);
			if (touched)
				out->not_tls = true;
			if (touched && out->fault == FAULT_OK)
				out->fault = r->gateway[i].fault;
			continue;
		}
		if (level >= at)
			continue;
		if (!matches(p, i, now, &touched)) {
			out->blocked = out->blocked || touched;
			if (touched && !out->confirmed)
				out->fault = fault;
			continue;
		}
		if (!out->confirmed || level < out->step) {
			out->step = level;
			out->fault = fault;
		}
		out->confirmed = true;
	}
}

bool
drop_judge_stranger(const struct drop_state *p, enum level to)
{
	return to < LEVEL_KEY && p->report != NULL &&
	       step_strangers(p->report->gateway, p->report->n, NULL) > 0;
}

/* A host name without the quotes of quote(). */
static void
put_name(struct buf *b, const char *s)
{
	struct quoted q = quotes(s);

	buf_add(b, q.s + 1, strlen(q.s) - 2);
}

const char *
drop_judge_text(const struct drop_state *p, unsigned failures, time_t first,
    struct arena *arena)
{
	const struct drop_report *r = p->report;
	char time[NUM_TIME_MAX];
	struct buf b = {0};
	const char *text;
	size_t i, len;

	buf_printf(&b, "%u failed deliver%s since %s", failures,
	    failures == 1 ? "y" : "ies", num_time_text(first, time));
	if (r == NULL)
		buf_puts(&b, "; no probe");
	else
		buf_printf(&b, "; probe %s:", num_time_text(r->time, time));
	for (i = 0; r != NULL && i < r->n; i++) {
		const struct step_gateway *g = &r->gateway[i];

		if (i == TEXT_GATEWAYS) {
			buf_printf(&b, ", and %zu more", r->n - i);
			break;
		}
		buf_puts(&b, i == 0 ? " " : ", ");
		put_name(&b, *g->host != '\0' ? g->host : g->nexthop);
		buf_printf(&b, " %s", fault_text(g->fault));
		if (g->fault != FAULT_OK && *g->key != '\0' &&
		    *g->last_key != '\0')
			buf_printf(&b, " (%s key)",
			    step_same_key(g) ? "the same" : "another");
	}
	len = b.len;
	if (len > DROP_TEXT_KEPT) {
		/* Not in the middle of a character. */
		for (len = DROP_TEXT_KEPT;
		     len > 0 && ((unsigned char)b.data[len] & 0xc0) == 0x80;
		     len--)
			;
	}
	text = arena_copy(arena, b.data, len);
	buf_free(&b);
	return text;
}
