/*
 * Times in the page of a report: of downgrades, faults and failures, of
 * changes, and when certificates end.
 */
#include "reportwhen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "html.h"
#include "mem.h"
#include "num.h"
#include "reportpage.h"

#define ROWS 40	       /* of the timeline */
#define ROW_BARS 60    /* in one of them */
#define CHANGES 100    /* of each kind, the newest */
#define DOWNGRADES 200 /* the newest */
#define NEAREST 12     /* certificates that end first */
#define SOON 2	       /* weeks, which is told by the colour */
#define WEEKS 58       /* of the strip of expiry, the last has the rest */

/* --- The timeline --------------------------------------------------------- */

static void
put_timekey(struct buf *out, const struct report *r)
{
	static const char *const key[][2] = {
	    {"c", "lowered to opportunistic"},
	    {"g", "lowered to encrypt"},
	    {"t", "lowered to key"},
	    {"f", "a fault"},
	};
	size_t i;

	(void)r;
	buf_puts(out, "<ul class=\"key\">");
	for (i = 0; i < sizeof(key) / sizeof(key[0]); i++) {
		buf_puts(out, "<li>");
		chart_chip(out, key[i][0]);
		html_printf(out, "%s</li>", key[i][1]);
	}
	buf_puts(out, "</ul>");
}

/* Bars of a partner; how many downgrades and faults it has of all. */
static size_t
row_bars(const struct report *r, const char *partner, struct chart_bar *bar,
    struct buf *title, size_t *lowered, size_t *faults)
{
	const struct report_fault *f;
	size_t i, n = 0;

	*lowered = *faults = 0;
	for (i = 0; i < r->ndowngrades; i++) {
		if (strcmp(r->downgrade[i].partner, partner) != 0)
			continue;
		++*lowered;
		if (n < ROW_BARS) {
			bar[n] = page_lowered(&r->downgrade[i], &title[n]);
			n++;
		}
	}
	for (i = 0; i < r->nfaults; i++) {
		f = &r->fault[i];
		if (strcmp(f->partner, partner) != 0)
			continue;
		++*faults;
		if (n == ROW_BARS)
			continue;
		buf_clear(&title[n]);
		buf_printf(&title[n], "%s, %s to %s: %s", partner,
		    page_time(f->begin).s,
		    f->end == 0 ? "now" : page_time(f->end).s, f->word);
		bar[n] = (struct chart_bar){.begin = f->begin,
		    .end = f->end == 0 ? r->now : f->end,
		    .row = 1,
		    .colour = "f",
		    .title = title[n].data};
		n++;
	}
	return n;
}

static void
put_row(struct buf *out, const struct report *r, size_t which,
    const struct chart_bar *bar, size_t n, size_t lowered, size_t faults)
{
	struct chart_period period = page_period(r);
	const char *name = r->partner[which].name;

	html_printf(out,
	    "<tr data-p=\"%zu\"><th scope=\"row\"><a href=\"#p%zu\">%s</a></th>"
	    "<td>",
	    which, which, name);
	chart_bars(out, name, &period, bar, n);
	html_printf(
	    out, "</td><td class=\"n\">%zu / %zu</td></tr>\n", lowered, faults);
}

static void
put_timeline(struct buf *out, const struct report *r)
{
	struct chart_period period = page_period(r);
	struct chart_bar bar[ROW_BARS];
	struct buf title[ROW_BARS] = {{0}};
	size_t i, n, lowered, faults, rows = 0, more = 0;

	if (r->ndowngrades == 0 && r->nfaults == 0) {
		html_printf(out,
		    "<p>No downgrade and no fault is on record%s%s.</p>",
		    *r->unrecorded == '\0' ? "" : "; ", r->unrecorded);
		return;
	}
	buf_puts(out,
	    "<table class=\"row\"><caption>Downgrades / faults of each "
	    "partner</caption><tbody>\n");
	for (i = 0; i < r->npartners; i++) {
		n = row_bars(
		    r, r->partner[i].name, bar, title, &lowered, &faults);
		if (n > 0 && rows++ < ROWS)
			put_row(out, r, i, bar, n, lowered, faults);
		else if (n > 0)
			more++;
	}
	buf_puts(out, "<tr><th></th><td>");
	chart_axis(out, &period);
	buf_puts(out, "</td><td></td></tr></tbody></table>\n");
	if (more > 0)
		html_printf(out,
		    "<p>%s more partners had some; see each of them.</p>",
		    num_count(more).s);
	for (i = 0; i < ROW_BARS; i++)
		buf_free(&title[i]);
}

/* The mail that moved under it, by what protected it. */
static void
put_moved(struct buf *out, const struct report_downgrade *d)
{
	uint64_t n, all = 0;
	unsigned s;

	if (!d->moved_known) {
		buf_puts(out, "not counted");
		return;
	}
	for (s = 0; s < REPORT_SEEN; s++) {
		n = d->moved[EVIDENCE_OUT][s] + d->moved[EVIDENCE_IN][s];
		if (n > 0)
			html_printf(out, "%s%s %s", all > 0 ? ", " : "",
			    num_count(n).s, evidence_seen_name(s));
		all += n;
	}
	if (all == 0)
		buf_puts(out, "none");
}

static void
put_downgrade(
    struct buf *out, const struct report *r, const struct report_downgrade *d)
{
	html_printf(out,
	    "<tr data-from=\"%ld\" data-to=\"%ld\" data-name=\"%s\">"
	    "<th scope=\"row\">",
	    (long)((d->begin - r->from) / CLOCK_DAY),
	    (long)((d->over - r->from) / CLOCK_DAY), d->partner);
	page_name(out, r, d->partner);
	html_printf(out,
	    "</th><td>%s to %s</td><td class=\"d\">%s<br>%s%s</td><td>",
	    level_name(d->before), direction_lowered_to(d->direction, d->after),
	    page_time(d->begin).s, page_time(d->over).s,
	    d->open ? " (open)" : "");
	put_moved(out, d);
	html_printf(out, "</td><td>%s%s", d->author,
	    d->automatic ? " (by itself)" : "");
	if (*d->sudo_user != '\0' && strcmp(d->sudo_user, d->author) != 0)
		html_printf(out, " for %s", d->sudo_user);
	html_printf(out, "<br>%s</td><td>%s", d->ticket, d->reason);
	if (*d->fault != '\0')
		html_printf(out, " <span class=\"note\">(%s)</span>", d->fault);
	if (*d->extended_by != '\0')
		html_printf(out,
		    "<br><span class=\"note\">end changed by %s"
		    "</span>",
		    d->extended_by);
	if (d->closed != 0 && *d->closed_by != '\0')
		html_printf(out,
		    "<br><span class=\"note\">ended by %s: %s</span>",
		    d->closed_by, d->closed_why);
	buf_puts(out, "</td></tr>\n");
}

static void
put_older(struct buf *out, size_t all, size_t shown)
{
	if (all > shown)
		html_printf(out, "<p>%s older ones are not shown.</p>",
		    num_count(all - shown).s);
}

static void
put_downgrades(struct buf *out, const struct report *r)
{
	size_t i, n = 0;

	if (r->ndowngrades == 0)
		return;
	html_printf(out, "<h3>Downgrades</h3>");
	page_table(out, "Downgrades, the newest first",
	    "<th scope=\"col\">Partner</th><th scope=\"col\">Level</th>"
	    "<th scope=\"col\">Begin, end</th>"
	    "<th scope=\"col\">Mail under it</th>"
	    "<th scope=\"col\">By, ticket</th><th scope=\"col\">Reason</th>");
	for (i = r->ndowngrades; i-- > 0 && n < DOWNGRADES; n++)
		put_downgrade(out, r, &r->downgrade[i]);
	page_table_end(out);
	put_older(out, r->ndowngrades, n);
}

/* One class of failures, over all partners. */
struct class
{
	const char *fault;
	enum evidence_direction direction;
	uint64_t n, mails, seconds, returned;
	size_t partners;
};

static int
more_first(const void *a, const void *b)
{
	const struct class *x = a, *y = b;

	return x->n < y->n ? 1 : x->n > y->n ? -1 : strcmp(x->fault, y->fault);
}

static size_t
classes(const struct report *r, struct class *class)
{
	const struct report_failure *f;
	size_t i, k, n = 0;

	for (i = 0; i < r->nfailures; i++) {
		f = &r->failure[i];
		for (k = 0; k < n; k++)
			if (class[k].direction == f->direction &&
			    strcmp(class[k].fault, f->fault) == 0)
				break;
		if (k == n)
			class[n++] = (struct class){
			    .fault = f->fault, .direction = f->direction};
		class[k].n += f->n;
		class[k].mails += f->mails;
		class[k].seconds += f->seconds;
		class[k].returned += f->returned;
		class[k].partners++;
	}
	qsort(class, n, sizeof(*class), more_first);
	return n;
}

static void
put_class(struct buf *out, const struct class *c)
{
	html_printf(out,
	    "<tr><th scope=\"row\">%s</th><td>%s</td><td class=\"n\">%zu</td>"
	    "<td class=\"n\">%s</td><td class=\"n\">%s</td>"
	    "<td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
	    c->fault, c->direction == EVIDENCE_OUT ? "sent" : "received",
	    c->partners, num_count(c->n).s, num_count(c->mails).s,
	    num_count(c->seconds / 3600).s, num_count(c->returned).s);
}

static void
put_failures(struct buf *out, const struct report *r)
{
	struct class *class;
	size_t i, n;

	buf_puts(out, "<h3>Failures</h3>");
	if (r->nfailures == 0) {
		buf_puts(out, "<p>None is on record.</p>");
		return;
	}
	class = mem_zero(r->nfailures, sizeof(*class));
	n = classes(r, class);
	page_table(out, "Failures by class",
	    "<th scope=\"col\">What failed</th><th scope=\"col\">Mail</th>"
	    "<th scope=\"col\" class=\"n\">Partners</th>"
	    "<th scope=\"col\" class=\"n\">Attempts</th>"
	    "<th scope=\"col\" class=\"n\">Mails that waited</th>"
	    "<th scope=\"col\" class=\"n\">Hours in all</th>"
	    "<th scope=\"col\" class=\"n\">Came back</th>");
	for (i = 0; i < n; i++)
		put_class(out, &class[i]);
	page_table_end(out);
	free(class);
}

/* --- Expiry --------------------------------------------------------------- */

static int
ends_first(const void *a, const void *b)
{
	const struct report_gateway *x = *(
					const struct report_gateway *const *)a,
				    *y = *(
					const struct report_gateway *const *)b;

	return x->ends < y->ends ? -1 : x->ends > y->ends;
}

/* Which bin: 0 has what is over. */
static size_t
week_of(const struct report *r, const struct report_gateway *g)
{
	size_t week;

	if (g->ends <= r->now)
		return 0;
	week = 1 + (size_t)(g->ends - r->now) / (7 * CLOCK_DAY);
	return week < WEEKS ? week : WEEKS - 1;
}

static void
put_weeks(struct buf *out, const struct report *r,
    const struct report_gateway *const *g, size_t n)
{
	struct chart_bin bin[WEEKS] = {{0}};
	struct buf title[WEEKS] = {{0}};
	size_t i, w;

	for (i = 0; i < n; i++) {
		w = week_of(r, g[i]);
		if (bin[w].n++ < NEAREST)
			buf_printf(&title[w], "%s%s %s (%s)",
			    bin[w].n > 1 ? "; " : "", page_day(g[i]->ends).s,
			    g[i]->host, g[i]->partner);
		else if (bin[w].n == NEAREST + 1)
			buf_puts(&title[w], " and others");
	}
	for (w = 0; w < WEEKS; w++) {
		bin[w].colour = w == 0 ? "c" : w <= SOON ? "g" : "v";
		bin[w].title = title[w].data;
	}
	buf_puts(out, "<figure><figcaption>Gateways by the week in which their "
		      "first certificate ends</figcaption>");
	chart_bins(out, "Gateways by weeks to expiry", bin, WEEKS);
	buf_puts(out, "<svg class=\"scale\" aria-hidden=\"true\">");
	for (i = 0; i <= 360; i += 30)
		buf_printf(out, "<text x=\"%.2f%%\" y=\"12\"%s>%zu%s</text>",
		    100.0 * (1 + (double)i / 7) / WEEKS,
		    i % 60 == 0 ? "" : " class=\"odd\"", i,
		    i == 0 ? " days" : "");
	buf_puts(out, "</svg></figure>\n");
	for (w = 0; w < WEEKS; w++)
		buf_free(&title[w]);
}

static void
put_expiry(struct buf *out, const struct report *r)
{
	const struct report_gateway **g;
	size_t i, n = 0;

	g = mem_zero(r->ngateways + 1, sizeof(*g));
	for (i = 0; i < r->ngateways; i++)
		if (r->gateway[i].ends != 0)
			g[n++] = &r->gateway[i];
	if (n > 0) {
		qsort(g, n, sizeof(*g), ends_first);
		put_weeks(out, r, g, n);
		page_table(out, "The certificates that end first",
		    "<th scope=\"col\">Gateway</th><th "
		    "scope=\"col\">Partner</th>"
		    "<th scope=\"col\">State</th><th scope=\"col\">Issuer</th>"
		    "<th scope=\"col\">Ends</th>"
		    "<th scope=\"col\" class=\"n\">Days</th>"
		    "<th scope=\"col\" class=\"n\">Life left</th>");
	}
	for (i = 0; i < n && i < NEAREST; i++) {
		html_printf(
		    out, "<tr><th scope=\"row\">%s</th><td>", g[i]->host);
		page_name(out, r, g[i]->partner);
		buf_puts(out, "</td><td>");
		page_state(out, g[i]->state, g[i]->word);
		html_printf(out,
		    "</td><td>%s</td><td class=\"d\">%s</td>"
		    "<td class=\"n\">%ld</td><td class=\"n\">",
		    g[i]->issuer, page_day(g[i]->ends).s,
		    (long)(g[i]->ends - r->now) / CLOCK_DAY);
		if (g[i]->left >= 0)
			html_printf(out, "%d %%</td></tr>\n", g[i]->left);
		else
			buf_puts(out, "-</td></tr>\n");
	}
	if (n > 0)
		page_table_end(out);
	html_printf(out, "<p>%s gateway%s", num_count(r->ngateways).s,
	    num_plural(r->ngateways));
	if (r->ngateways > n)
		html_printf(out, "; of %s no certificate is known",
		    num_count(r->ngateways - n).s);
	buf_puts(out, ".</p>");
	free(g);
}

/* --- Changes ---------------------------------------------------------------
 */

/* Begin the row of what was at that time. */
static void
put_dated(
    struct buf *out, const struct report *r, time_t time, const char *partner)
{
	long day = (long)((time - r->from) / CLOCK_DAY);

	html_printf(out,
	    "<tr data-from=\"%ld\" data-to=\"%ld\" data-name=\"%s\">"
	    "<td class=\"d\">%s</td><th scope=\"row\">",
	    day, day, partner, page_time(time).s);
	page_name(out, r, partner);
	buf_puts(out, "</th><td>");
}

/* Is it the same change, of another domain of that partner? */
static bool
is_alike(const struct report_rule_change *a, const struct report_rule_change *b)
{
	return a->event == b->event && a->change == b->change &&
	       strcmp(a->cause, b->cause) == 0 &&
	       strcmp(a->partner, b->partner) == 0 &&
	       strcmp(a->was, b->was) == 0 && strcmp(a->is, b->is) == 0;
}

/* The changes from first to last, which are alike. */
static void
put_rule(struct buf *out, const struct report *r,
    const struct report_rule_change *first,
    const struct report_rule_change *last)
{
	put_dated(out, r, first->time, first->partner);
	html_printf(out, "%s, by %s</td><td>%s", report_change_words(first),
	    first->cause, first->key);
	if (last == first + 1)
		html_printf(out, ", %s", last->key);
	else if (last != first)
		html_printf(out, " and %zu more", (size_t)(last - first));
	html_printf(out,
	    ": <code>%s</code> &rarr; <code>%s</code>%s%s</td><td>%s</td></tr>"
	    "\n",
	    *first->was == '\0' ? "-" : first->was,
	    *first->is == '\0' ? "-" : first->is,
	    *first->text == '\0' ? "" : ": ", first->text, first->author);
}

static void
put_rules(struct buf *out, const struct report *r)
{
	const struct report_rule_change *c;
	size_t i, n = 0, rows = 0;

	buf_puts(out, "<h3>Of rules</h3>");
	if (r->nrules == 0) {
		html_printf(out, "<p>None is on record of this period%s%s.</p>",
		    *r->unrecorded == '\0' ? "" : "; ", r->unrecorded);
		return;
	}
	page_table(out, "Changes of rules, the newest first",
	    "<th scope=\"col\">When</th><th scope=\"col\">Partner</th>"
	    "<th scope=\"col\">Change</th><th scope=\"col\">Was, is</th>"
	    "<th scope=\"col\">By</th>");
	for (i = r->nrules; i > 0 && rows < CHANGES; rows++) {
		c = &r->rule[--i];
		while (i > 0 && is_alike(&r->rule[i - 1], c))
			i--;
		put_rule(out, r, &r->rule[i], c);
	}
	n = r->nrules - i;
	page_table_end(out);
	put_older(out, r->nrules, n);
}

static void
put_seen_changes(struct buf *out, const struct report *r)
{
	const struct report_seen_change *c;
	size_t i, n = 0;

	buf_puts(out, "<h3>Of gateways</h3>");
	if (r->nseen_changes == 0) {
		buf_puts(out, "<p>None was seen.</p>");
		return;
	}
	page_table(out, "Changes that were seen of gateways, the newest first",
	    "<th scope=\"col\">When</th><th scope=\"col\">Partner</th>"
	    "<th scope=\"col\">Gateway</th><th scope=\"col\">What</th>"
	    "<th scope=\"col\">Was, is</th>");
	for (i = r->nseen_changes; i-- > 0 && n < CHANGES; n++) {
		c = &r->seen_change[i];
		put_dated(out, r, c->time, c->partner);
		html_printf(out, "%s</td><td>%s</td><td>",
		    *c->host == '\0' ? c->nexthop : c->host,
		    report_what_name(c->what));
		if (*c->is != '\0' || *c->was != '\0')
			html_printf(out, "<code>%s</code><br><code>%s</code>",
			    c->was, c->is);
		buf_puts(out, "</td></tr>\n");
	}
	page_table_end(out);
	put_older(out, r->nseen_changes, n);
}

static void
put_changes(struct buf *out, const struct report *r)
{
	put_rules(out, r);
	put_seen_changes(out, r);
}

const struct page_slot reportwhen_slot[] = {
    {"timekey", put_timekey},
    {"timeline", put_timeline},
    {"downgrades", put_downgrades},
    {"failures", put_failures},
    {"expiry", put_expiry},
    {"changes", put_changes},
    {NULL, NULL},
};
