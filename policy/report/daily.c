#include "daily.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ends.h"
#include "life.h"
#include "mem.h"
#include "num.h"
#include "report.h"

#define REVIEW_DAYS 7	      /* before it is due */
#define NAMES 17	      /* bytes, of those of one change */
#define QUIET_MAX (12 * 3600) /* seconds without a line of the log */

static void __attribute__((format(printf, 3, 4)))
add(struct daily *d, enum daily_line which, const char *fmt, ...)
{
	struct daily_list *l = &d->line[which];
	va_list ap;

	l->v = mem_grow(l->v, l->n, &l->cap, sizeof(*l->v));
	va_start(ap, fmt);
	l->v[l->n++] = mem_vprintf(fmt, ap);
	va_end(ap);
	l->of++;
}

/* The first that is found is what to go on with. */
static void __attribute__((format(printf, 2, 3)))
next(struct daily *d, const char *fmt, ...)
{
	va_list ap;

	if (d->next != NULL)
		return;
	va_start(ap, fmt);
	d->next = mem_vprintf(fmt, ap);
	va_end(ap);
}

struct when {
	char s[32];
};

static struct when
minute(time_t t)
{
	char full[NUM_TIME_MAX];
	struct when w;

	/* "2026-11-29 17:30Z" */
	(void)num_time_text(t, full);
	memcpy(w.s, full, 16);
	w.s[10] = ' ';
	memcpy(w.s + 16, "Z", 2);
	return w;
}

static void
take_lowered(struct daily *d, const struct report *r)
{
	const struct report_downgrade *g;
	const struct report_partner *p;
	size_t i, k;

	for (i = 0; i < r->ndowngrades; i++) {
		g = &r->downgrade[i];
		if (!g->open)
			continue;
		add(d, DAILY_LOWERED, "%s to %s until %s", g->partner,
		    direction_lowered_to(g->direction, g->after),
		    minute(g->end).s);
		next(d, "tlspactctl status %s%s", g->partner, r->options);
	}
	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		if (!p->level_known || p->level >= p->full)
			continue;
		for (k = 0; k < r->ndowngrades; k++)
			if (r->downgrade[k].open &&
			    r->downgrade[k].partner == p->name)
				break;
		if (k < r->ndowngrades)
			continue;
		add(d, DAILY_LOWERED, "%s is at %s by no downgrade", p->name,
		    level_name(p->level));
		next(d, "tlspactctl status %s%s", p->name, r->options);
	}
}

/* Those of one change, the first ones by name. */
struct several {
	char *names;
	size_t named;
	uint64_t n;
	bool at_least;
};

static void
add_several(struct several *to, const char *name)
{
	char *was = to->names;

	to->n++;
	/* One is named however long it is. */
	if (to->named + 1 < to->n ||
	    (was != NULL && strlen(was) + strlen(name) > NAMES))
		return;
	to->names = mem_printf(
	    "%s%s%s", was == NULL ? "" : was, was == NULL ? "" : ", ", name);
	to->named++;
	free(was);
}

/* The time first: names may be wider than the line. */
static void
take_several(struct daily *d, enum daily_line which, const char *how,
    time_t time, struct several *s)
{
	const struct num_count more = num_count(s->n - s->named);

	if (s->n == 0)
		return;
	if (s->n == s->named && !s->at_least)
		add(d, which, "%s%s: %s", how, minute(time).s, s->names);
	else
		add(d, which, "%s%s: %s%s%s%s%s", how, minute(time).s,
		    s->named == 0 ? "" : s->names, s->named == 0 ? "" : " and ",
		    s->at_least ? "at least " : "", more.s,
		    s->named == 0 ? " without a name"
		    : s->at_least ? ""
				  : " more");
	d->line[which].of += s->n - 1;
	free(s->names);
}

/* Was its partner told before, with the rows from `first` on? */
static bool
is_told(const struct report *r, size_t first, size_t i)
{
	const struct report_rule_change *x = &r->rule[i];

	for (; first < i; first++)
		if (r->rule[first].weakens &&
		    strcmp(r->rule[first].partner, x->partner) == 0 &&
		    (*x->partner != '\0' ||
			strcmp(r->rule[first].key, x->key) == 0))
			return true;
	return false;
}

/*
 * Who has less by one change of rules, or is removed from the registry by it,
 * also those whom the event has no row of. One whose row went, and another
 * got weaker, is removed.
 */
static void
take_change(struct daily *d, const struct report *r, size_t first, size_t end)
{
	const struct report_rule_change *x = &r->rule[first];
	struct several gone = {0}, weaker = {0};
	const uint64_t more_gone = x->unnamed_gone < x->unnamed_partners
				       ? x->unnamed_gone
				       : x->unnamed_partners;
	size_t i;

	for (i = first; i < end; i++)
		if (r->rule[i].weakens && !is_told(r, first, i))
			add_several(r->rule[i].gone ? &gone : &weaker,
			    *r->rule[i].partner == '\0' ? r->rule[i].key
							: r->rule[i].partner);
	if (gone.n + weaker.n > 0) {
		gone.n += more_gone;
		weaker.n += x->unnamed_partners - more_gone;
		(gone.n > 0 ? &gone : &weaker)->at_least = x->at_least;
	}
	if (gone.n > 0)
		next(d, "tlspact-compile --lost%s", r->options);
	take_several(d, DAILY_REMOVED, "", x->time, &gone);
	take_several(d, DAILY_LOWERED, "weaker rules ", x->time, &weaker);
	if (weaker.n > 0)
		next(d, "tlspact-report --since yesterday%s", r->options);
}

static void
take_weakened(struct daily *d, const struct report *r)
{
	size_t i, k;

	/* The rows of one change come together. */
	for (i = 0; i < r->nrules; i = k) {
		for (k = i + 1;
		     k < r->nrules && r->rule[k].event == r->rule[i].event; k++)
			;
		take_change(d, r, i, k);
	}
}

/* Mail with less than was demanded; gateways that fail, each host once. */
static void
take_partner(
    struct daily *d, const struct report *r, const struct report_partner *p)
{
	const struct report_gateway *w;
	uint64_t failed = p->way[EVIDENCE_OUT].mail.kept.required_failed +
			  p->way[EVIDENCE_IN].mail.kept.required_failed;
	size_t i;

	if (failed > 0) {
		add(d, DAILY_FAILED,
		    "%s: %s mail%s with less than was demanded", p->name,
		    num_count(failed).s, num_plural(failed));
		next(d, "tlspact-report --partner %s%s", p->name, r->options);
	}
	for (i = 0; i < p->ngateways; i++) {
		w = &p->gateway[i];
		if (w->state != REPORT_BAD ||
		    (i > 0 && strcmp(w[-1].host, w->host) == 0 &&
			strcmp(w[-1].word, w->word) == 0))
			continue;
		add(d, DAILY_FAILED, "%s: %s %s", p->name,
		    *w->host == '\0' ? w->nexthop : w->host, w->word);
		next(d, "tlspact-probe %s%s", p->name, r->options);
	}
}

/* What is wrong with us, as the report notes it. */
static void
take_ours(struct daily *d, const struct report *r)
{
	const struct report_note *n;
	size_t i;

	if (*r->map_fault != '\0')
		next(d, "tlspact-compile%s", r->options);
	for (i = 0; i < r->nnotes; i++) {
		n = &r->note[i];
		if (n->state != REPORT_BAD || n->turn != REPORT_OURS ||
		    *n->partner != '\0')
			continue;
		add(d, DAILY_FAILED, "%s", n->text);
		if (*n->next == '\0')
			next(d, "tlspactctl check%s", r->options);
		else
			next(d, "%s", n->next);
	}
	if (r->own_time != 0 && r->own_old) {
		add(d, DAILY_FAILED, "our own side was not looked at since %s",
		    minute(r->own_time).s);
		next(d, "tlspact-setup check --record%s", r->options);
	}
}

/*
 * Many have no mail at night. Of days that are over: the log of this one may be
 * still to be read.
 */
static void
take_hours(struct daily *d, const struct report *r)
{
	const time_t today = r->now - r->now % CLOCK_DAY;
	time_t end;
	size_t i;

	for (i = 0; i < r->ngaps; i++) {
		end = r->gap[i].end < today ? r->gap[i].end : today;
		if (end - r->gap[i].begin <= QUIET_MAX)
			continue;
		add(d, DAILY_FAILED, "no log from %s to %s",
		    minute(r->gap[i].begin).s, minute(end).s);
		next(d, "tlspact-report --since yesterday%s", r->options);
	}
}

/* What nobody looked at lately. */
static void
take_open(struct daily *d, const struct report *r)
{
	const struct report_partner *p;
	const char *one = NULL;
	size_t i, k, stale, open = 0;
	time_t last = 0;

	for (i = 0; i < r->nhosts; i++)
		if (r->host[i].last > last)
			last = r->host[i].last;
	if (last < r->now - CLOCK_DAY) {
		if (last == 0)
			add(d, DAILY_FAILED, "no log was read lately");
		else
			add(d, DAILY_FAILED, "no log since %s", minute(last).s);
		next(d, "tlspact-setup check%s", r->options);
	} else {
		take_hours(d, r);
	}
	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		if (p->p == NULL || p->full <= LEVEL_OPPORTUNISTIC)
			continue;
		stale = p->ngateways == 0;
		for (k = 0; k < p->ngateways; k++)
			stale += p->gateway[k].state == REPORT_OPEN;
		if (stale > 0 && open++ == 0)
			one = p->name;
	}
	if (open == 0)
		return;
	add(d, DAILY_FAILED, "%zu enforced partner%s not looked at lately",
	    open, num_plural(open));
	if (open == 1)
		next(d, "tlspact-probe %s%s", one, r->options);
	else
		next(d, "tlspact-probe --all%s", r->options);
}

/* Is it time to do something: in the last part of its life, or over? */
static bool
is_near(const struct end *e, time_t now)
{
	switch (e->kind) {
	case END_DOWNGRADE:
		return true;
	case END_REVIEW:
		return e->at - now < (time_t)REVIEW_DAYS * CLOCK_DAY;
	default:
		return life_ends_soon(e->begins, e->at, now, LIFE_WARN_DAYS);
	}
}

static void
take_ends(struct daily *d, const struct report *r)
{
	static const char *const what[] = {[END_CERTIFICATE] = "",
	    [END_OWN] = "our certificate ",
	    [END_REVIEW] = "review"};
	struct ends ends;
	const struct end *e;
	char day[NUM_TIME_MAX];
	size_t i;

	ends_of(r, &ends);
	for (i = 0; i < ends.n; i++) {
		e = &ends.v[i];
		/* A gateway whose certificate has ended fails. */
		if (e->kind == END_DOWNGRADE || !is_near(e, r->now) ||
		    (e->kind == END_CERTIFICATE && e->at <= r->now))
			continue;
		/* The day first: names may be wider than the line. */
		add(d, DAILY_ENDS, "%.10s %s%s%s%s%s",
		    num_time_text(e->at, day), e->at <= r->now ? "(past) " : "",
		    e->partner, *e->partner == '\0' ? "" : ": ", what[e->kind],
		    e->of);
		if (e->kind == END_OWN)
			next(d, "tlspact-setup check%s", r->options);
		else
			next(d, "tlspact-report --partner %s%s", e->partner,
			    r->options);
	}
	ends_release(&ends);
}

static void
take_waits(struct daily *d, const struct report *r)
{
	const struct report_wait *w;
	size_t i;

	for (i = 0; i < r->nwaits; i++) {
		w = &r->wait[i];
		add(d, DAILY_WAITS, "%s: %s since %s%s",
		    *w->partner == '\0' ? "others" : w->partner,
		    num_count(w->mails).s, minute(w->since).s,
		    i == 0 ? ", by the log" : "");
		if (*w->partner != '\0')
			next(d, "tlspactctl status %s%s", w->partner,
			    r->options);
		else
			next(d, "postqueue -p");
	}
}

void
daily_of(struct daily *d, const struct report *r)
{
	size_t i;

	*d = (struct daily){0};
	take_lowered(d, r);
	take_weakened(d, r);
	for (i = 0; i < r->npartners; i++)
		if (r->partner[i].full > LEVEL_OPPORTUNISTIC)
			take_partner(d, r, &r->partner[i]);
	take_ours(d, r);
	take_open(d, r);
	take_waits(d, r);
	take_ends(d, r);
}

void
daily_release(struct daily *d)
{
	size_t i, k;

	for (i = 0; i < DAILY_LINES; i++) {
		for (k = 0; k < d->line[i].n; k++)
			free(d->line[i].v[k]);
		free(d->line[i].v);
	}
	free(d->next);
}
