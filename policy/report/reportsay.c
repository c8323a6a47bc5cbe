/*
 * What follows from the facts: answers, what needs attention, who could be
 * enforced.
 */
#include "reportsay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fault.h"
#include "life.h"
#include "mem.h"
#include "num.h"
#include "reading.h"
#include "registry.h"
#include "reportanswer.h"
#include "reportfacts.h"

#define TOGETHER_NAMED 3 /* partners of whom one note tells */
#define READY_DAYS 30	 /* without clear text, before it may be enforced */

/* --- Words --------------------------------------------------------------- */

static struct report_note *
note(struct reading *g, enum report_state state, const char *partner,
    enum report_turn turn)
{
	struct report *r = g->r;
	struct report_note *n;

	r->note = mem_grow(r->note, r->nnotes, &r->note_cap, sizeof(*r->note));
	n = &r->note[r->nnotes++];
	*n = (struct report_note){.state = state,
	    .partner = partner,
	    .text = "",
	    .next = "",
	    .turn = turn};
	return n;
}

/* One that is so now, and may not have been in the period. */
static struct report_note *
note_now(struct reading *g, enum report_state state, const char *partner,
    enum report_turn turn)
{
	struct report_note *n = note(g, state, partner, turn);

	n->now = true;
	return n;
}

/* --- Who could be enforced ----------------------------------------------- */

static void
not_ready(struct report_partner *p, enum report_turn turn, const char *missing)
{
	p->ready = REPORT_NOT_READY;
	p->turn = turn;
	p->missing = missing;
}

/* Mail of the last days of the period: all, and in the clear. */
static void
last_mail(const struct report *r, const struct report_partner *p,
    uint64_t *mails, uint64_t *clear, uint32_t *day)
{
	const struct report_day *d;
	unsigned w, s;
	size_t i;

	*mails = *clear = 0;
	for (i = 0; i < p->ndays; i++) {
		d = &p->day[i];
		if (d->day + READY_DAYS < r->ndays)
			continue;
		for (w = 0; w < REPORT_WAYS; w++) {
			for (s = 0; s < REPORT_SEEN; s++)
				*mails += d->n[w][s];
			if (d->n[w][EVIDENCE_CLEAR] > 0)
				*day = d->day;
			*clear += d->n[w][EVIDENCE_CLEAR];
		}
	}
}

static bool
gateways_ready(struct reading *g, struct report_partner *p)
{
	const char *options = g->r->options;
	const struct report_gateway *w;
	enum fault fault;
	size_t i;

	if (p->ngateways == 0) {
		not_ready(p, REPORT_OURS,
		    reading_printf(g,
			"no probe has looked at its gateways: tlspact-probe "
			"%s%s",
			p->name, options));
		return false;
	}
	for (i = 0; i < p->ngateways; i++) {
		w = &p->gateway[i];
		if (w->state == REPORT_OPEN || *w->would == '\0') {
			not_ready(p, REPORT_OURS,
			    reading_printf(g,
				"%s was not looked at lately, or not by this "
				"rule, or not as if it were enforced: "
				"tlspact-probe --as enforced %s%s",
				*w->host == '\0' ? w->nexthop : w->host,
				p->name, options));
			return false;
		}
		if (strcmp(w->would, "ok") == 0)
			continue;
		if (fault_parse(w->would, &fault) == -1)
			fault = FAULT_LOCAL_ERROR;
		not_ready(p,
		    fault == FAULT_LOCAL_ERROR ? REPORT_OURS : REPORT_THEIRS,
		    reading_printf(g, "%s: %s",
			*w->host == '\0' ? w->nexthop : w->host,
			fault_description(fault)));
		return false;
	}
	return true;
}

static void
conclude_ready(struct reading *g, struct report_partner *p)
{
	const struct report *r = g->r;
	uint64_t mails, clear;
	const uint64_t unread =
	    reading_days_unread(r, r->to - (time_t)READY_DAYS * CLOCK_DAY);
	uint32_t day = 0;

	if (p->p == NULL || reading_is_enforced(p) || !gateways_ready(g, p))
		return;
	last_mail(r, p, &mails, &clear, &day);
	if (clear > 0) {
		not_ready(p, REPORT_THEIRS,
		    reading_printf(g,
			"%s mail%s in the clear within %d days, the "
			"last on %s",
			reading_count(g, clear).s, num_plural(clear),
			READY_DAYS, r->days.v[day]));
	} else if (r->ndays < READY_DAYS) {
		not_ready(p, REPORT_TIME,
		    "the period has fewer than 30 days to judge by");
	} else if (mails == 0) {
		not_ready(p, REPORT_TIME, "no mail within 30 days shows it");
	} else if (unread > 0) {
		not_ready(p, REPORT_OURS,
		    reading_printf(g, "%" PRIu64 " of %d days have no log",
			unread, READY_DAYS));
	} else if (p->p->contact == NULL) {
		not_ready(p, REPORT_OURS, "the registry has no contact");
	} else {
		p->ready = REPORT_READY;
		p->line = reading_printf(g, "%s:%u: partner %s mode=enforced",
		    partner_file(g->ask->registry, p->p), p->p->line, p->name);
	}
}

/* --- A partner in one word ------------------------------------------------ */

static void
say_partner(
    struct report_partner *p, enum report_state state, const char *verdict)
{
	p->state = state;
	p->verdict = verdict;
}

static enum report_state
gateways_state(const struct report_partner *p)
{
	enum report_state worst = REPORT_OPEN;
	bool open = p->ngateways == 0;
	size_t i;

	for (i = 0; i < p->ngateways; i++) {
		open = open || p->gateway[i].state == REPORT_OPEN;
		if (p->gateway[i].state > worst)
			worst = p->gateway[i].state;
	}
	return open && worst < REPORT_WATCH ? REPORT_OPEN : worst;
}

static void
conclude_enforced(struct reading *g, struct report_partner *p)
{
	const struct report_mail *in = &p->way[EVIDENCE_IN].mail;
	const struct report_mail *out = &p->way[EVIDENCE_OUT].mail;
	uint64_t failed = in->kept.required_failed + out->kept.required_failed;
	uint64_t lowered = in->lowered + out->lowered;
	uint64_t unknown = in->kept.unknown + out->kept.unknown;
	uint64_t clear = reading_clear_unknown(p, EVIDENCE_IN) +
			 reading_clear_unknown(p, EVIDENCE_OUT);
	enum report_state gateways =
	    g->r->going_on ? gateways_state(p) : REPORT_GOOD;

	if (failed > 0)
		say_partner(p, REPORT_BAD,
		    reading_printf(g, "%s mail%s with less than was demanded",
			reading_count(g, failed).s, num_plural(failed)));
	else if (gateways == REPORT_BAD)
		say_partner(p, REPORT_BAD, "a gateway fails");
	else if (clear > 0)
		say_partner(p, REPORT_WATCH,
		    reading_printf(g, "%s mail%s in the clear, rule not known",
			reading_count(g, clear).s, num_plural(clear)));
	else if (lowered > 0)
		say_partner(p, REPORT_WATCH,
		    reading_printf(g, "%s mail%s under a downgrade",
			reading_count(g, lowered).s, num_plural(lowered)));
	else if (p->ndowngrades > 0)
		say_partner(p, REPORT_WATCH, "lowered; no mail under it");
	else if (gateways == REPORT_WATCH)
		say_partner(p, REPORT_WATCH, "a gateway is to be looked at");
	else if (unknown > 0)
		say_partner(
		    p, REPORT_OPEN, "the rule of its time is not known");
	else if (report_mails(in) + report_mails(out) == 0)
		say_partner(p, REPORT_OPEN, "no mail");
	else if (gateways == REPORT_OPEN)
		say_partner(p, REPORT_OPEN, "kept; gateways not looked at");
	else
		say_partner(p, REPORT_GOOD, "kept");
}

static void
conclude_opportunistic(struct reading *g, struct report_partner *p)
{
	uint64_t clear = 0, all = 0;
	char share[REPORT_PERCENT_MAX];
	unsigned w;

	for (w = 0; w < REPORT_WAYS; w++) {
		clear += report_seen(&p->way[w].mail, EVIDENCE_CLEAR);
		all += report_mails(&p->way[w].mail);
	}
	if (all == 0)
		say_partner(p, REPORT_OPEN, "no mail");
	else if (clear > 0)
		say_partner(p, REPORT_WATCH,
		    reading_printf(g, "%s in the clear",
			report_percent(clear, all, share)));
	else
		say_partner(p, REPORT_GOOD, "all encrypted");
}

/* By what the names of its gateways are known. */
static const char *
names_by(const struct report_partner *p)
{
	if (p->p == NULL || !reading_is_enforced(p))
		return "";
	switch (p->p->attributes->verify) {
	case VERIFY_DANE:
		return "DNSSEC";
	case VERIFY_KEY:
		return "agreed (key)";
	case VERIFY_NONE:
		return "";
	default:
		return "agreed";
	}
}

/* --- What needs attention --------------------------------------------------
 */

static void
note_gateways(struct reading *g, const struct report_partner *p)
{
	const struct report_gateway *w;
	struct report_note *n;
	char day[NUM_TIME_MAX];
	enum fault fault;
	size_t i;

	for (i = 0; i < p->ngateways && reading_is_enforced(p); i++) {
		w = &p->gateway[i];
		if (w->state == REPORT_GOOD)
			continue;
		n = note_now(g, w->state, p->name,
		    w->state == REPORT_OPEN ? REPORT_OURS : REPORT_THEIRS);
		n->text = reading_printf(g, "%s%s%s: %s",
		    *w->host == '\0' ? w->nexthop : w->host,
		    *w->address == '\0' ? "" : " ", w->address, w->word);
		if (w->state == REPORT_OPEN)
			n->next = reading_printf(
			    g, "tlspact-probe %s%s", p->name, g->r->options);
		else if (strcmp(w->fault, "ok") != 0 &&
			 fault_parse(w->fault, &fault) == 0)
			n->next = fault_remedy(fault);
		else if (w->ends != 0)
			n->next =
			    reading_printf(g, "a new certificate before %.10s",
				num_time_text(w->ends, day));
	}
}

static void
note_agreement(struct reading *g, const struct report_partner *p)
{
	const struct attributes *a = p->p->attributes;
	char day[NUM_TIME_MAX];

	if (a->review != 0 && a->review <= g->r->now)
		note_now(g, REPORT_WATCH, p->name, REPORT_OURS)->text =
		    reading_printf(g,
			"the agreement was to be reviewed on %.10s",
			num_time_text(a->review, day));
	if (reading_is_enforced(p) && p->p->contact == NULL)
		note_now(g, REPORT_WATCH, p->name, REPORT_OURS)->text =
		    "enforced, and the registry has no contact";
	if (p->level_known && p->level < p->full) {
		size_t i;

		for (i = 0; i < g->r->ndowngrades; i++)
			if (g->r->downgrade[i].open &&
			    g->r->downgrade[i].partner == p->name)
				return;
		note_now(g, REPORT_BAD, p->name, REPORT_OURS)->text =
		    reading_printf(g,
			"the map has %s in force, the registry asks for %s",
			level_name(p->level), level_name(p->full));
	}
}

/* Of an enforced partner: he should know, whatever the rule was. */
static void
note_clear(struct reading *g, const struct report_partner *p, unsigned way)
{
	uint64_t clear = reading_clear_unknown(p, way);

	if (clear > 0 && reading_is_enforced(p))
		note(g, REPORT_WATCH, p->name, REPORT_OURS)->text =
		    reading_printf(g,
			"%s of %s mails (%s) in the clear; the rule of that "
			"time is not on record",
			reading_count(g, clear).s,
			reading_count(g, report_mails(&p->way[way].mail)).s,
			evidence_direction_name(way));
}

/* Enforced, and there was no mail that could show it. */
static bool
is_silent(const struct report_partner *p)
{
	return reading_is_enforced(p) &&
	       report_mails(&p->way[EVIDENCE_IN].mail) +
		       report_mails(&p->way[EVIDENCE_OUT].mail) ==
		   0;
}

/* Joined: that there was none is told of all together. */
static void
note_mail(struct reading *g, const struct report_partner *p, bool joined)
{
	unsigned w;
	const struct report_kept *k;
	const struct report_use *u;
	size_t i;

	for (w = 0; w < REPORT_WAYS; w++) {
		k = &p->way[w].mail.kept;
		if (k->required_failed > 0)
			note(g, REPORT_BAD, p->name, REPORT_OURS)->text =
			    reading_printf(g,
				"%s mail%s (%s) with less than was "
				"demanded then",
				reading_count(g, k->required_failed).s,
				num_plural(k->required_failed),
				evidence_direction_name(w));
		note_clear(g, p, w);
		for (i = 0; i < p->way[w].protocol.n; i++) {
			u = &p->way[w].protocol.v[i];
			if (u->state == REPORT_BAD)
				note(g, REPORT_WATCH, p->name, REPORT_THEIRS)
				    ->text = reading_printf(g,
				    "%s mail%s (%s) by %s, %s; last "
				    "on %s",
				    reading_count(g, u->n).s, num_plural(u->n),
				    evidence_direction_name(w), u->name, u->why,
				    u->last);
		}
	}
	if (is_silent(p) && !joined)
		note(g, REPORT_OPEN, p->name, REPORT_TIME)->text =
		    "no mail in this period: nothing is proven";
}

/* For people those without mail are one note, if they are several. */
static bool
note_silent(struct reading *g)
{
	const struct report *r = g->r;
	const char *names = "";
	size_t i, n = 0;

	for (i = 0; i < r->npartners && g->ask->grouped; i++)
		if (is_silent(&r->partner[i]) && n++ < TOGETHER_NAMED)
			names = reading_printf(g, "%s%s%s", names,
			    n == 1 ? "" : ", ", r->partner[i].name);
	if (n < 2)
		return false;
	if (n > TOGETHER_NAMED)
		names = reading_printf(g, "%s and %s more", names,
		    reading_count(g, n - TOGETHER_NAMED).s);
	note(g, REPORT_OPEN, "", REPORT_TIME)->text = reading_printf(g,
	    "%s partners had no mail in this period, so nothing is proven: %s",
	    reading_count(g, n).s, names);
	return true;
}

static void
note_downgrades(struct reading *g)
{
	const struct report_downgrade *d;
	struct report_note *n;
	size_t i;

	for (i = 0; i < g->r->ndowngrades; i++) {
		d = &g->r->downgrade[i];
		if (!d->open)
			continue;
		n = note_now(g, REPORT_WATCH, d->partner, REPORT_OURS);
		n->text = reading_printf(g,
		    "lowered from %s to %s until %s: %s", level_name(d->before),
		    direction_lowered_to(d->direction, d->after),
		    reading_time(g, d->end), d->reason);
		n->next = reading_printf(
		    g, "tlspactctl status %s%s", d->partner, g->r->options);
	}
}

/* Of one partner; else, as its name is not known, under one key. */
static bool
is_of_same(
    const struct report_rule_change *x, const struct report_rule_change *y)
{
	return strcmp(x->partner, y->partner) == 0 &&
	       (*x->partner != '\0' || strcmp(x->key, y->key) == 0);
}

/* Is it the first row of the partner that was weakened? */
static bool
is_first_weaker(const struct report *r, size_t i)
{
	const struct report_rule_change *x = &r->rule[i];
	size_t k;

	for (k = 0; k < i && x->weakens; k++)
		if (r->rule[k].weakens && is_of_same(&r->rule[k], x))
			return false;
	return x->weakens;
}

/* Is a row of it no partner's now? */
static bool
is_nobodys(const struct reading *g, const struct report_rule_change *x)
{
	return g->ask->registry != NULL &&
	       registry_find(g->ask->registry, x->key) == REGISTRY_NONE;
}

/* Those of one event from i on, by their names, if they are several. */
static bool
note_together(struct reading *g, size_t i)
{
	const struct report *r = g->r;
	const struct report_rule_change *x = &r->rule[i];
	char when[NUM_TIME_MAX];
	const char *names = "";
	uint64_t all = x->unnamed_partners;
	bool gone = false;
	size_t named = 0;
	struct report_note *n;

	for (; i < r->nrules && r->rule[i].event == x->event; i++) {
		if (!is_first_weaker(r, i))
			continue;
		all++;
		gone = gone || is_nobodys(g, &r->rule[i]);
		if (named++ < TOGETHER_NAMED)
			names = reading_printf(g, "%s%s%s", names,
			    named == 1 ? "" : ", ",
			    *r->rule[i].partner == '\0' ? r->rule[i].key
							: r->rule[i].partner);
	}
	if (all < 2 && !x->at_least)
		return false;
	g->weakened += named;
	if (named > TOGETHER_NAMED)
		named = TOGETHER_NAMED;
	n = note(g, REPORT_WATCH, "", REPORT_OURS);
	n->text = reading_printf(g,
	    "%s%s partner%s weakened by a change of rules at %s: %s",
	    x->at_least ? "at least " : "", reading_count(g, all).s,
	    num_plural(all), reading_date(g, x->time), names);
	if (all > named)
		n->text = reading_printf(g, "%s and %s more", n->text,
		    reading_count(g, all - named).s);
	if (gone)
		n->text = reading_printf(g,
		    "%s; mail since then of domains that are no partner's now "
		    "is counted so",
		    n->text);
	n->next = reading_printf(g, "tlspactctl history --since %s%s",
	    num_time_text(x->time, when), r->options);
	return true;
}

/*
 * Each partner that has less by a change of rules: by the first row, and how
 * many there are; several of one change together.
 */
static void
note_weakened(struct reading *g)
{
	const struct report *r = g->r;
	const struct report_rule_change *x;
	struct report_note *n;
	int64_t told = 0;
	size_t i, k, rows;

	for (i = 0; i < r->nrules; i++) {
		x = &r->rule[i];
		if (x->event == told || !is_first_weaker(r, i))
			continue;
		if (note_together(g, i)) {
			told = x->event;
			continue;
		}
		for (rows = 0, k = i; k < r->nrules; k++)
			rows +=
			    r->rule[k].weakens && is_of_same(&r->rule[k], x);
		g->weakened++;
		n = note(g, REPORT_WATCH, x->partner, REPORT_OURS);
		n->text = reading_printf(g,
		    "weakened by a change of rules at %s: %s from %s to %s%s",
		    reading_date(g, x->time), x->key, x->was, x->is,
		    rows == 1 ? ""
			      : reading_printf(g, ", and %s more",
				    reading_count(g, rows - 1).s));
		if (*x->partner != '\0')
			n->next = reading_printf(g, "tlspactctl history %s%s",
			    x->partner, r->options);
		if (is_nobodys(g, x))
			n->text = reading_printf(g,
			    "%s; that is no partner's now, and mail since then "
			    "is counted so",
			    n->text);
	}
}

static void
note_legs(struct reading *g)
{
	const struct report_leg *l;
	struct report_note *n;
	size_t i;

	for (i = 0; i < g->r->nlegs; i++) {
		l = &g->r->leg[i];
		if (l->clear == 0)
			continue;
		n = note(g, REPORT_WATCH, l->partner, REPORT_THEIRS);
		n->text = reading_printf(g,
		    "%s of %s traced mails in the clear on the leg %s",
		    reading_count(g, l->clear).s,
		    reading_count(g, l->clear + l->encrypted + l->unknown).s,
		    l->leg);
	}
}

/* " from X to Y", as far as it is known. */
static const char *
handed_when(struct reading *g, const struct report_handed *h)
{
	const char *times = h->times ? " at times" : "";

	if (h->begin == 0 && h->end == 0)
		return reading_printf(g, "%s before", times);
	if (h->begin == 0)
		return reading_printf(
		    g, "%s until %s", times, reading_date(g, h->end));
	if (h->end == 0)
		return reading_printf(
		    g, "%s from %s", times, reading_date(g, h->begin));
	return reading_printf(g, "%s from %s to %s", times,
	    reading_date(g, h->begin), reading_date(g, h->end));
}

/* For the partner that lacks it, and for the one as whose it counts. */
static void
say_handed(struct reading *g, const struct report_handed *h, const char **lacks,
    const char **has)
{
	const char *gone = h->leads ? "" : ", which is no partner";
	const char *when = handed_when(g, h), *what;

	if (*h->domain == '\0') {
		*lacks = reading_printf(g,
		    "what is on record of this name%s went on as %s's%s", when,
		    h->to, gone);
		*has = reading_printf(
		    g, "what is on record of %s%s is in it", h->from, when);
		return;
	}
	what = h->domains == 1 ? reading_printf(g, "%s was", h->domain)
			       : reading_printf(g, "%s domains, e.g. %s, were",
				     reading_count(g, h->domains).s, h->domain);
	*lacks = reading_printf(g, "%s %s's%s%s%s; that mail is counted there",
	    what, h->to, gone, h->leads ? "" : ",", when);
	*has = reading_printf(
	    g, "%s in it%s; that mail is counted here", what, when);
}

/* For the command for another report: the period, if one was asked for. */
static const char *
period(struct reading *g)
{
	return !g->ask->period ? ""
			       : reading_printf(g, " --since %s --until %s",
				     g->r->from_day, g->r->to_day);
}

/* The same for a report of ours, which knows a month by its name. */
static const char *
report_period(struct reading *g)
{
	static const char first[] = "-01";
	const struct report *r = g->r;
	char after[NUM_TIME_MAX];

	(void)num_time_text(r->to, after);
	return !g->ask->period || strcmp(r->from_day + 7, first) != 0 ||
		       strncmp(r->from_day, r->to_day, 7) != 0 ||
		       strncmp(after + 7, first, 3) != 0
		   ? period(g)
		   : reading_printf(g, " --month %.7s", r->from_day);
}

/* The command for a report of the same, with these words more. */
static const char *
say_again(struct reading *g, const char *with)
{
	char at[NUM_TIME_MAX];
	const char *text = reading_printf(g, "tlspact-report%s%s%s%s%s",
	    g->r->options, g->ask->dated ? " --at " : "",
	    g->ask->dated ? num_time_text(g->ask->now, at) : "", with,
	    report_period(g));
	size_t i;

	for (i = 0; i < g->ask->npartners; i++)
		text = reading_printf(
		    g, "%s --partner %s", text, g->ask->partner[i]);
	return text;
}

/* Whose mail is counted as another's. */
static void
note_handed(struct reading *g)
{
	const struct report_handed *h;
	const struct report_partner *p;
	const char *lacks, *has;
	struct report_note *n;
	size_t i;

	for (i = 0; i < g->r->nhanded; i++) {
		h = &g->r->handed[i];
		say_handed(g, h, &lacks, &has);
		if ((p = reading_partner(g, h->from)) != NULL) {
			n = note(g, REPORT_OPEN, p->name, REPORT_OURS);
			n->text = lacks;
			if (h->leads || !h->apart)
				n->next =
				    h->leads
					? reading_printf(g,
					      "tlspact-report%s --partner %s%s",
					      g->r->options, h->to,
					      report_period(g))
					: reading_printf(g,
					      "former=%s, if it is the same "
					      "partner",
					      h->to);
		}
		if ((p = reading_partner(g, h->to)) != NULL)
			note(g, REPORT_OPEN, p->name, REPORT_OURS)->text = has;
	}
}

/* Whose mail is counted as no partner's. */
static void
note_before(struct reading *g, const struct report_partner *p)
{
	const struct report_before *b = &p->before;
	struct report_note *n;

	if (b->mails == 0)
		return;
	n = note(g, REPORT_OPEN, p->name, REPORT_OURS);
	n->text = reading_printf(g,
	    "%s mail%s with %s%s, %s of them sent in the clear, are of a time "
	    "when that was no partner's, and counted so",
	    reading_count(g, b->mails).s, num_plural(b->mails), b->domain,
	    b->more ? " and others" : "", reading_count(g, b->clear).s);
	n->next = reading_printf(g, "tlspact-log report%s %s%s", period(g),
	    b->domain, g->r->options);
}

static void
note_ours(struct reading *g)
{
	const struct report *r = g->r;
	struct report_note *n;
	size_t i;

	if (r->flaws > 0) {
		n = note(g, REPORT_BAD, "", REPORT_OURS);
		n->text =
		    reading_printf(g, "the record is not whole: %zu flaw%s",
			r->flaws, num_plural(r->flaws));
		n->next = reading_printf(
		    g, "tlspactctl history --check%s", r->options);
	}
	if (g->ask->kept) {
		n = note_now(g, REPORT_BAD, "", REPORT_OURS);
		n->text = "the registry as it stands is not taken: all of this "
			  "goes by the one that was taken last";
		n->next = reading_printf(g, "tlspact-compile -n%s", r->options);
	}
	if (*r->map_fault != '\0')
		note_now(g, REPORT_BAD, "", REPORT_OURS)->text = reading_printf(
		    g, "what is in force is not known: %s", r->map_fault);
	for (i = 0; i < r->nrules; i++)
		if (*r->rule[i].text != '\0')
			note(g, REPORT_BAD, "", REPORT_OURS)->text =
			    r->rule[i].text;
	if (!r->hours_known)
		note(g, REPORT_OPEN, "", REPORT_OURS)->text =
		    "which hours of the log were read is not on record";
	else if (r->hours_read < r->hours)
		note(g, REPORT_OPEN, "", REPORT_OURS)->text =
		    reading_printf(g, "%s of %s hours have no log",
			reading_count(g, r->hours - r->hours_read).s,
			reading_count(g, r->hours).s);
	if (r->rule_unknown > 0)
		note(g, REPORT_OPEN, "", REPORT_OURS)->text = reading_printf(g,
		    "of %s mail%s the rule of that time is not "
		    "known: counted before it was recorded",
		    reading_count(g, r->rule_unknown).s,
		    num_plural(r->rule_unknown));
}

static void
note_waits(struct reading *g)
{
	const struct report_wait *w;
	struct report_note *n;
	size_t i;

	for (i = 0; i < g->r->nwaits; i++) {
		w = &g->r->wait[i];
		n = note_now(g, REPORT_WATCH, w->partner, REPORT_OURS);
		n->text = reading_printf(g,
		    "%s mail%s deferred by the log, the longest since %s",
		    reading_count(g, w->mails).s,
		    w->mails == 1 ? " is" : "s are", reading_time(g, w->since));
		n->next = *w->partner == '\0'
			      ? "postqueue -p"
			      : reading_printf(g, "tlspactctl status %s%s",
				    w->partner, g->r->options);
	}
}

/* What is wrong with us, or ends soon, at the end of the period. */
static void
note_own(struct reading *g)
{
	const time_t at = g->r->to < g->r->now ? g->r->to : g->r->now;
	const struct report_own *o;
	struct report_note *n;
	bool ends;
	size_t i;

	for (i = 0; i < g->r->nown; i++) {
		o = &g->r->own[i];
		ends = life_ends_soon(o->begins, o->ends, at, LIFE_WARN_DAYS);
		if (o->state != REPORT_BAD && !ends)
			continue;
		n = note(g, o->state == REPORT_BAD ? REPORT_BAD : REPORT_WATCH,
		    "", REPORT_OURS);
		n->text = reading_printf(g, "our %s %s: %s%s%s", o->what,
		    o->name, o->text, ends ? "; it ends " : "",
		    ends ? reading_date(g, o->ends) : "");
		n->next =
		    reading_printf(g, "tlspact-setup check%s", g->r->options);
	}
}

/* Worst first; else as they were found: qsort(3) is not stable. */
static void
sort_notes(struct report *r)
{
	static const enum report_state order[] = {
	    REPORT_BAD, REPORT_WATCH, REPORT_OPEN};
	struct report_note *sorted = mem_zero(r->nnotes + 1, sizeof(*sorted));
	size_t i, k, n = 0;

	for (k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (i = 0; i < r->nnotes; i++)
			if (r->note[i].state == order[k])
				sorted[n++] = r->note[i];
	free(r->note);
	r->note = sorted;
	r->nnotes = n;
}

void
reading_conclude(struct reading *g)
{
	struct report *r = g->r;
	struct report_partner *p;
	const bool joined = note_silent(g);
	size_t i;

	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		p->names = names_by(p);
		conclude_ready(g, p);
		/* One that is gone may have been. */
		if (reading_is_enforced(p) || p->ndowngrades > 0 ||
		    p->way[EVIDENCE_OUT].mail.kept.required_kept > 0)
			conclude_enforced(g, p);
		else
			conclude_opportunistic(g, p);
		note_mail(g, p, joined);
		note_before(g, p);
		note_gateways(g, p);
		if (p->p != NULL)
			note_agreement(g, p);
	}
	note_legs(g);
	note_handed(g);
	note_downgrades(g);
	note_weakened(g);
	note_waits(g);
	note_own(g);
	note_ours(g);
	sort_notes(r);
	r->again = say_again(g, "");
	r->answers = say_again(g, " --brief");
	r->each = say_again(g, " --brief -v");
	reading_answers(g);
	reading_facts(g);
}
