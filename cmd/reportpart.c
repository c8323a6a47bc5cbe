/*
 * Partners in the page of a report: the table of all, and a section for each.
 * What may be left out of HTML is, as there may be thousands: end tags, and the
 * scope of <th> where only those of a head are in its row.
 */
#include "reportpart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "html.h"
#include "mem.h"
#include "num.h"
#include "registry.h"
#include "reportpage.h"

#define USES 4	    /* protocols and so on of one direction that are named */
#define EVENTS 12   /* of each kind in a section; the newest */
#define FAILURES 12 /* classes of them */

/* --- The table ------------------------------------------------------------ */

/* Held to more than was known to protect it. */
static uint64_t
failed(const struct report_partner *p)
{
	return p->way[EVIDENCE_OUT].mail.kept.required_failed +
	       p->way[EVIDENCE_IN].mail.kept.required_failed;
}

/* The days that are left of the certificate that ends first. */
static void
put_days_left(
    struct buf *out, const struct report *r, const struct report_partner *p)
{
	time_t ends = 0;
	size_t i;

	for (i = 0; i < p->ngateways; i++)
		if (p->gateway[i].ends != 0 &&
		    (ends == 0 || p->gateway[i].ends < ends))
			ends = p->gateway[i].ends;
	if (ends == 0)
		buf_puts(out, "<td>-");
	else
		html_printf(out, "<td>%ld", (long)(ends - r->now) / CLOCK_DAY);
}

static const char *
mode(const struct report_partner *p)
{
	return p->p == NULL			? "not in the registry"
	       : p->full == LEVEL_OPPORTUNISTIC ? "opportunistic"
						: "enforced";
}

/* Of both ways, all that was delivered and had this. */
static uint64_t
both_ways(const struct report_partner *p, enum evidence_seen s)
{
	return report_seen(&p->way[EVIDENCE_OUT].mail, s) +
	       report_seen(&p->way[EVIDENCE_IN].mail, s);
}

/* The shares as a bar. */
static void
put_small(struct buf *out, const char *title, const uint64_t n[REPORT_SEEN])
{
	uint64_t down[REPORT_SEEN];
	const char *colour[REPORT_SEEN];
	unsigned s;

	for (s = 0; s < REPORT_SEEN; s++) {
		down[s] = n[REPORT_SEEN - 1 - s];
		colour[s] = page_colour[REPORT_SEEN - 1 - s];
	}
	chart_small(out, title, down, colour, REPORT_SEEN);
}

static void
put_row(struct buf *out, const struct report *r, size_t which)
{
	const struct report_partner *p = &r->partner[which];
	uint64_t sent = report_mails(&p->way[EVIDENCE_OUT].mail),
		 came = report_mails(&p->way[EVIDENCE_IN].mail),
		 seen[REPORT_SEEN];
	unsigned s;

	for (s = 0; s < REPORT_SEEN; s++)
		seen[s] = both_ways(p, s);
	html_printf(
	    out, "<tr><th scope=row><a href=#p%zu>%s</a><td>", which, p->name);
	page_state(out, p->state, p->verdict);
	html_printf(out, "<td>%s<td>%s<td>%s", mode(p), num_count(sent).s,
	    num_count(came).s);
	html_printf(out, "<td>%s<td>%s",
	    page_share(sent + came - seen[EVIDENCE_CLEAR], sent + came).s,
	    page_share(
		report_seen(&p->way[EVIDENCE_OUT].mail, EVIDENCE_VERIFIED),
		sent)
		.s);
	html_printf(out, "<td>%s<td>%s<td>%s<td>",
	    num_count(seen[EVIDENCE_CLEAR]).s, num_count(failed(p)).s,
	    num_count(p->way[EVIDENCE_OUT].mail.lowered +
		      p->way[EVIDENCE_IN].mail.lowered)
		.s);
	put_small(out, p->name, seen);
	put_days_left(out, r, p);
	buf_putc(out, '\n');
}

static void
put_table(struct buf *out, const struct report *r)
{
	size_t i;

	if (r->npartners == 0) {
		buf_puts(out, "<p>There are no partners.");
		return;
	}
	page_table(out, "Partners",
	    "<th scope=col>Partner<th scope=col>State<th scope=col>Mode"
	    "<th scope=col class=n>Sent<th scope=col class=n>Received"
	    "<th scope=col class=n>Encrypted"
	    "<th scope=col class=n>Sent authenticated"
	    "<th scope=col class=n>In clear<th scope=col class=n>Required "
	    "failed"
	    "<th scope=col class=n>Lowered<th scope=col>Mail"
	    "<th scope=col class=n>Days to expiry");
	for (i = 0; i < r->npartners; i++)
		put_row(out, r, i);
	page_table_end(out);
}

/* --- A section ------------------------------------------------------------ */

static void
put_list(struct buf *out, const char *name, const struct strs *list)
{
	size_t i;

	if (list == NULL || list->n == 0)
		return;
	html_printf(out, ". %s ", name);
	for (i = 0; i < list->n && i < EVENTS; i++)
		html_printf(out, "%s%s", i > 0 ? ", " : "", list->v[i]);
	if (list->n > i)
		html_printf(out, " and %zu more", list->n - i);
}

static void
put_word(struct buf *out, const char *name, const char *word)
{
	if (word != NULL && *word != '\0')
		html_printf(out, ". %s %s", name, word);
}

/* The agreement: what is held, for which names, who is asked about it. */
static void
put_agreement(
    struct buf *out, const struct report *r, const struct report_partner *p)
{
	const struct attributes *t;
	const char **domain;
	size_t n, i;

	html_printf(
	    out, "<p class=meta>%s%s", r->going_on ? "" : "Now ", mode(p));
	if (p->gone != 0)
		html_printf(out, ", since %s", page_day(p->gone).s);
	if (p->full != LEVEL_OPPORTUNISTIC)
		html_printf(out, " at %s", level_name(p->full));
	if (!p->level_known)
		buf_puts(out, "; what is in force is not known");
	else if (p->level != p->full)
		html_printf(out, ", now %s", level_name(p->level));
	if (p->p == NULL)
		return;
	t = p->p->attributes;
	put_word(out, "Ticket", t->ticket);
	put_word(out, "Review", t->review == 0 ? "" : page_day(t->review).s);
	put_word(out, "Contact", p->p->contact);
	put_word(out, "Ours", t->operator_);
	put_word(out, "Note", t->note);
	put_list(out, "Gateways", p->p->gateway);
	put_word(out, "Their names are known:", p->names);
	domain = registry_domains(r->registry, p->p, &n);
	buf_puts(out, ". Domains ");
	for (i = 0; i < n && i < EVENTS; i++)
		html_printf(out, "%s%s", i > 0 ? ", " : "", domain[i]);
	if (n > i)
		html_printf(out, " and %zu more", n - i);
	free(domain);
}

/* The strips: the weakest mail of each day or week, and downgrades. */
static void
put_strips(
    struct buf *out, const struct report *r, const struct report_partner *p)
{
	static const char *const colour[] = {"", "c", "e", "t", "v"};
	struct chart_period period = page_period(r);
	uint32_t column = chart_column(&period), from, i;
	struct chart_bar bar[EVENTS];
	struct buf title[EVENTS] = {{0}};
	uint8_t *day[REPORT_WAYS];
	const uint8_t *line[REPORT_WAYS];
	size_t nbars = 0, k;
	unsigned w, s;

	if (p->ndays == 0 && p->ndowngrades == 0)
		return;
	for (w = 0; w < REPORT_WAYS; w++)
		line[REPORT_WAYS - 1 - w] = day[w] = mem_zero(r->ndays, 1);
	for (k = 0; k < p->ndays; k++)
		for (w = 0; w < REPORT_WAYS; w++)
			for (s = REPORT_SEEN; s-- > 0;) {
				if (p->day[k].n[w][s] == 0)
					continue;
				from = p->day[k].day / column * column;
				for (i = from;
				     i < from + column && i < r->ndays; i++)
					if (day[w][i] == 0 || day[w][i] > s + 1)
						day[w][i] = (uint8_t)(s + 1);
			}
	for (k = 0; k < r->ndowngrades && p->ndowngrades > 0; k++)
		if (nbars < EVENTS &&
		    strcmp(r->downgrade[k].partner, p->name) == 0) {
			bar[nbars] =
			    page_lowered(&r->downgrade[k], &title[nbars]);
			bar[nbars].row = 2;
			nbars++;
		}
	chart_strip(out, p->name, &period, line, REPORT_WAYS, colour,
	    sizeof(colour) / sizeof(colour[0]), bar, nbars);
	for (k = 0; k < nbars; k++)
		buf_free(&title[k]);
	for (w = 0; w < REPORT_WAYS; w++)
		free(day[w]);
}

static void
put_way(struct buf *out, const struct report_partner *p,
    enum evidence_direction way)
{
	const struct report_mail *m = &p->way[way].mail;
	uint64_t seen[REPORT_SEEN];
	unsigned s;

	for (s = 0; s < REPORT_SEEN; s++)
		seen[s] = report_seen(m, s);
	page_mail_row(out, way, seen, &m->kept);
}

/* The number of that name; 0 if it is not there. */
static uint64_t
use_of(const struct report_uses *u, const char *name)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		if (strcmp(u->v[i].name, name) == 0)
			return u->v[i].n;
	return 0;
}

/* Shares of each, sent / received; and what they are shares of. */
static void
put_uses(struct buf *out, const char *what, const struct report_uses *sent,
    const struct report_uses *came, const uint64_t all[REPORT_WAYS])
{
	const struct report_uses *of[] = {sent, came};
	const struct report_use *u;
	size_t i, k, n = 0;

	for (i = 0; i < 2; i++)
		for (k = 0; k < of[i]->n; k++) {
			u = &of[i]->v[k];
			if (i == 1 && use_of(sent, u->name) > 0)
				continue;
			if (n == USES) {
				buf_puts(out, " and others");
				return;
			}
			html_printf(out, "%s%s%s %s / %s", n == 0 ? "; " : "",
			    n == 0 ? what : ", ",
			    *u->name == '\0' ? "not told" : u->name,
			    page_share(use_of(sent, u->name), all[EVIDENCE_OUT])
				.s,
			    page_share(use_of(came, u->name), all[EVIDENCE_IN])
				.s);
			if (u->state > REPORT_GOOD)
				html_printf(out, " (%s)", u->why);
			n++;
		}
}

/* What was not delivered, as a sentence; nothing if there was none. */
static void
put_not_delivered(struct buf *out, const struct report_mail *m)
{
	if (m->deferred + m->returned + m->refused > 0)
		html_printf(out,
		    " Not delivered: %s deferred, %s came back, %s refused.",
		    num_count(m->deferred).s, num_count(m->returned).s,
		    num_count(m->refused).s);
}

/* How the mail was encrypted. */
static void
put_how(struct buf *out, const struct report_partner *p)
{
	const struct report_way *o = &p->way[EVIDENCE_OUT],
				*c = &p->way[EVIDENCE_IN];
	uint64_t all[REPORT_WAYS], proved[REPORT_WAYS];
	unsigned w;

	for (w = 0; w < REPORT_WAYS; w++) {
		all[w] = p->way[w].secret + p->way[w].not_secret +
			 p->way[w].secret_unknown;
		proved[w] = report_seen(&p->way[w].mail, EVIDENCE_VERIFIED);
	}
	if (all[EVIDENCE_OUT] + all[EVIDENCE_IN] == 0)
		return;
	html_printf(out, "<p>Sent / received: forward secrecy %s / %s",
	    page_share(o->secret, all[EVIDENCE_OUT]).s,
	    page_share(c->secret, all[EVIDENCE_IN]).s);
	html_printf(out, "; weakest %s / %s",
	    *o->weakest == '\0' ? "-" : o->weakest,
	    *c->weakest == '\0' ? "-" : c->weakest);
	put_uses(out, "protocols ", &o->protocol, &c->protocol, all);
	put_uses(out, "ciphers ", &o->cipher, &c->cipher, all);
	put_uses(out, "groups ", &o->exchange, &c->exchange, all);
	put_uses(out, "verified by ", &o->proof, &c->proof, proved);
	buf_putc(out, '.');
	put_not_delivered(out, &o->mail);
	put_not_delivered(out, &c->mail);
}

static void
put_mail(struct buf *out, const struct report_partner *p)
{
	buf_puts(out, "<div class=wrap tabindex=0><table "
		      "class=m><thead><tr>" PAGE_MAIL_HEAD "<tbody>");
	put_way(out, p, EVIDENCE_OUT);
	put_way(out, p, EVIDENCE_IN);
	buf_puts(out, "</table></div>\n");
	put_how(out, p);
}

static const char *
by_what(enum evidence_judged by)
{
	switch (by) {
	case EVIDENCE_BY_CA:
		return "CA and name";
	case EVIDENCE_BY_DANE:
		return "DANE";
	case EVIDENCE_BY_KEY:
		return "key";
	case EVIDENCE_BY_NONE:
		return "nothing";
	default:
		return "-";
	}
}

/* The certificates that it showed, leaf first. */
static void
put_chain(struct buf *out, const struct report_gateway *g)
{
	const struct report_cert *c;
	size_t i;

	if (g->ncerts == 0)
		return;
	buf_puts(out, "<tr><td><td colspan=6>");
	for (i = 0; i < g->ncerts; i++) {
		c = &g->cert[i];
		if (i > 0)
			html_printf(
			    out, "; %s to %s", c->subject, page_day(c->ends).s);
		else
			html_printf(out, "%s%s%s %s to %s", c->key,
			    c->server ? ", server" : "",
			    c->client ? ", client" : "", page_day(c->begins).s,
			    page_day(c->ends).s);
	}
}

static void
put_gateway(
    struct buf *out, const struct report *r, const struct report_gateway *g)
{
	html_printf(out, "<tr><th scope=row>%s<br><small>%s</small><td>",
	    *g->host == '\0' ? g->nexthop : g->host, g->address);
	page_state(out, g->state, g->word);
	html_printf(out, "<td>%s<td>%s", page_time(g->time).s, by_what(g->by));
	if (*g->dnssec != '\0')
		html_printf(out, "<br>DNS %s, TLSA %s", g->dnssec, g->tlsa);
	html_printf(out, "<td>%s<br>%s<td>%s<td>%s", g->protocol, g->exchange,
	    g->issuer, page_day(g->ends).s);
	if (g->ends != 0)
		html_printf(
		    out, "<br>%ld days", (long)(g->ends - r->now) / CLOCK_DAY);
	if (g->ends != 0 && g->left >= 0)
		html_printf(out, ", %d %% left", g->left);
	if (g->ends != 0 && strcmp(g->ends_who, g->host) != 0)
		html_printf(out, "<br>%s", g->ends_who);
	put_chain(out, g);
}

static void
put_gateways(
    struct buf *out, const struct report *r, const struct report_partner *p)
{
	size_t i;

	if (p->ngateways == 0) {
		buf_puts(out, "<p>Its gateways were not looked at.");
		return;
	}
	if (!r->going_on)
		buf_puts(out, "<p class=meta>Its gateways now:");
	buf_puts(out,
	    "<div class=wrap tabindex=0><table><thead><tr><th>Gateway"
	    "<th>Result<th>Looked at<th>Authenticated by<th>TLS<th>Issuer"
	    "<th>First end<tbody>");
	for (i = 0; i < p->ngateways; i++)
		put_gateway(out, r, &p->gateway[i]);
	buf_puts(out, "</table></div>\n");
}

static void
put_failures(struct buf *out, const struct report_partner *p)
{
	const struct report_failure *f;
	size_t i;

	for (i = 0; i < p->nfailures && i < FAILURES; i++) {
		f = &p->failure[i];
		html_printf(out,
		    "<li>%s mail failed: %s, %s attempts, %s to %s",
		    f->direction == EVIDENCE_OUT ? "Sent" : "Received",
		    f->fault, num_count(f->n).s, f->first, f->last);
		if (f->mails > 0)
			html_printf(out,
			    "; %s mails waited %s h in all, %s came back",
			    num_count(f->mails).s,
			    num_count(f->seconds / 3600).s,
			    num_count(f->returned).s);
	}
}

static void
put_downgrades(struct buf *out, const struct report *r, const char *name)
{
	const struct report_downgrade *d;
	size_t i, n;

	for (i = r->ndowngrades, n = 0; i-- > 0 && n < EVENTS;) {
		d = &r->downgrade[i];
		if (strcmp(d->partner, name) != 0)
			continue;
		n++;
		html_printf(out,
		    "<li>Lowered from %s to %s, %s to %s, by %s: %s",
		    level_name(d->before),
		    direction_lowered_to(d->direction, d->after),
		    page_time(d->begin).s, page_time(d->over).s, d->author,
		    d->reason);
		if (*d->ticket != '\0')
			html_printf(out, " (%s)", d->ticket);
	}
}

/* Of all domains of a partner that changed at once, the first one is named. */
static void
put_rules(struct buf *out, const struct report *r, const char *name)
{
	const struct report_rule_change *c, *last = NULL;
	size_t i, n;

	for (i = r->nrules, n = 0; i-- > 0 && n < EVENTS;) {
		c = &r->rule[i];
		if (strcmp(c->partner, name) != 0 ||
		    (last != NULL && last->event == c->event))
			continue;
		buf_puts(out, n++ == 0 ? "<li>Rules: " : "; ");
		html_printf(out, "%s %s, by %s: %s <code>%s</code>",
		    page_time(c->time).s, report_change_words(c), c->cause,
		    c->key, c->is);
		last = c;
	}
}

static const char *
seen_of(const struct report_seen_change *v)
{
	return *v->host == '\0' ? v->nexthop : v->host;
}

/* What changed, and when; digests stand in full in the table of all. */
static void
put_seen_one(struct buf *out, const struct report_seen_change *v)
{
	char is[24];

	html_printf(out, "%s", page_day(v->time).s);
	(void)snprintf(is, sizeof(is), "%.16s", v->is);
	if (v->what == REPORT_KEY)
		html_printf(out, " %s...", is);
	else if (*v->is != '\0')
		html_printf(out, " %s", v->is);
}

/* The newest first, by gateway and what it was. */
static void
put_seen(struct buf *out, const struct report *r, const char *name)
{
	const struct report_seen_change *v[EVENTS];
	size_t i, k, n = 0;
	const char *host;

	for (i = r->nseen_changes; i-- > 0 && n < EVENTS;)
		if (strcmp(r->seen_change[i].partner, name) == 0)
			v[n++] = &r->seen_change[i];
	for (i = 0; i < n; i++) {
		if (v[i] == NULL)
			continue;
		host = seen_of(v[i]);
		buf_puts(out, i == 0 ? "<li>Seen of gateways: " : "; ");
		html_printf(out, "%s %s ", host, report_what_name(v[i]->what));
		put_seen_one(out, v[i]);
		for (k = i + 1; k < n; k++) {
			if (v[k] == NULL || v[k]->what != v[i]->what ||
			    strcmp(seen_of(v[k]), host) != 0)
				continue;
			buf_puts(out, ", ");
			put_seen_one(out, v[k]);
			v[k] = NULL;
		}
	}
}

/* What was tried before it was enforced, and what traced mails tell. */
static void
put_tests(struct buf *out, const struct report *r, const char *name)
{
	const struct report_onboard *o;
	const struct report_leg *l;
	size_t i;

	for (i = 0; i < r->nonboards; i++) {
		o = &r->onboard[i];
		if (strcmp(o->partner, name) == 0)
			html_printf(out,
			    "<li>Onboard %s: %s; refusal of a wrong server: %s",
			    page_time(o->time).s, o->text,
			    *o->refusal == '\0' ? "not looked at" : o->refusal);
	}
	for (i = 0; i < r->nlegs; i++) {
		l = &r->leg[i];
		if (strcmp(l->partner, name) != 0)
			continue;
		html_printf(out, "<li>Leg %s, by traced mails: ", l->leg);
		if (l->clear > 0)
			page_state(out, REPORT_BAD, "in clear");
		else
			page_state(out,
			    l->encrypted > 0 && l->unknown == 0 ? REPORT_GOOD
								: REPORT_OPEN,
			    l->unknown == 0 ? "encrypted" : "not known of all");
		html_printf(out,
		    ": %s encrypted, %s clear, %s unknown, last %s",
		    num_count(l->encrypted).s, num_count(l->clear).s,
		    num_count(l->unknown).s, page_time(l->last).s);
	}
}

static void
put_readiness(struct buf *out, const struct report_partner *p)
{
	if (p->ready == REPORT_READY) {
		buf_puts(out, "<p>Could be enforced today: ");
		page_line(out, p);
	} else if (p->ready == REPORT_NOT_READY)
		html_printf(out, "<p>Not to be enforced yet: %s", p->missing);
}

static void
put_section(struct buf *out, const struct report *r, size_t which)
{
	const struct report_partner *p = &r->partner[which];
	size_t from;

	html_printf(out, "<section class=p id=p%zu><h3>%s", which, p->name);
	page_state(out, p->state, p->verdict);
	buf_puts(out, "</h3>");
	put_agreement(out, r, p);
	put_strips(out, r, p);
	put_mail(out, p);
	put_gateways(out, r, p);
	from = out->len;
	buf_puts(out, "<ul>");
	put_failures(out, p);
	if (p->ndowngrades > 0)
		put_downgrades(out, r, p->name);
	put_rules(out, r, p->name);
	put_seen(out, r, p->name);
	put_tests(out, r, p->name);
	if (out->len == from + strlen("<ul>"))
		out->data[out->len = from] = '\0';
	else
		buf_puts(out, "</ul>");
	put_readiness(out, p);
	buf_puts(out, "</section>\n");
}

static void
put_each(struct buf *out, const struct report *r)
{
	size_t i;

	for (i = 0; i < r->npartners; i++)
		put_section(out, r, i);
}

const struct page_slot reportpart_slot[] = {
    {"partners", put_table},
    {"each", put_each},
    {NULL, NULL},
};
