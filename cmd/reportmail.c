/*
 * Mail in the page of a report: how much, what protected it, and how.
 */
#include "reportmail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "html.h"
#include "mem.h"
#include "num.h"
#include "reportpage.h"

#define SHARES 6   /* in a chart; the last one is the rest */
#define DOMAINS 25 /* with mail in clear, that are named */

/* --- Mail ----------------------------------------------------------------- */

static const char *const seen_means[REPORT_SEEN] = {
    [EVIDENCE_CLEAR] = "clear: not encrypted",
    [EVIDENCE_ENCRYPTED] = "encrypted: with whom is not proved",
    [EVIDENCE_TRUSTED] = "trusted: a certificate of an accepted CA",
    [EVIDENCE_VERIFIED] = "verified: that, and the right name; or a known key",
};

static void
put_legend(struct buf *out, const struct report *r)
{
	unsigned s;

	(void)r;
	buf_puts(out, "<ul class=\"key\">");
	for (s = REPORT_SEEN; s-- > 0;) {
		buf_puts(out, "<li>");
		chart_chip(out, page_colour[s]);
		html_printf(out, "%s</li>", seen_means[s]);
	}
	buf_puts(out, "</ul>");
}

/* All that was delivered with partners in the period. */
struct sums {
	uint64_t n[REPORT_WAYS][REPORT_SEEN];
	uint64_t all[REPORT_WAYS];
	struct report_kept kept[REPORT_WAYS];
	uint64_t lowered[REPORT_WAYS];
};

static void
add_kept(struct report_kept *to, const struct report_kept *k)
{
	to->required_kept += k->required_kept;
	to->required_failed += k->required_failed;
	to->preferred_kept += k->preferred_kept;
	to->preferred_failed += k->preferred_failed;
	to->unknown += k->unknown;
}

static void
sum_up(const struct report *r, struct sums *out)
{
	const struct report_mail *m;
	unsigned w, s;
	size_t i;

	*out = (struct sums){0};
	for (i = 0; i < r->npartners; i++)
		for (w = 0; w < REPORT_WAYS; w++) {
			m = &r->partner[i].way[w].mail;
			for (s = 0; s < REPORT_SEEN; s++)
				out->n[w][s] += report_seen(m, s);
			out->all[w] += report_mails(m);
			add_kept(&out->kept[w], &m->kept);
			out->lowered[w] += m->lowered;
		}
}

/* The script counts these again: the names are known to it. */
static void
put_figure(struct buf *out, const char *id, const char *what, const char *text)
{
	html_printf(
	    out, "<div><dt>%s</dt><dd id=\"%s\">%s</dd></div>", what, id, text);
}

static void
put_figures(struct buf *out, const struct report *r)
{
	uint64_t all, clear, kept, failed;
	struct sums t;

	sum_up(r, &t);
	all = t.all[EVIDENCE_OUT] + t.all[EVIDENCE_IN];
	clear = t.n[EVIDENCE_OUT][EVIDENCE_CLEAR] +
		t.n[EVIDENCE_IN][EVIDENCE_CLEAR];
	kept = t.kept[EVIDENCE_OUT].required_kept +
	       t.kept[EVIDENCE_IN].required_kept;
	failed = t.kept[EVIDENCE_OUT].required_failed +
		 t.kept[EVIDENCE_IN].required_failed;
	buf_puts(out, "<dl class=\"figures\">");
	put_figure(out, "f-all", "mails with partners", num_count(all).s);
	put_figure(
	    out, "f-encrypted", "encrypted", page_share(all - clear, all).s);
	put_figure(out, "f-verified", "of the sent, authenticated",
	    page_share(
		t.n[EVIDENCE_OUT][EVIDENCE_VERIFIED], t.all[EVIDENCE_OUT])
		.s);
	put_figure(out, "f-clear", "in clear", num_count(clear).s);
	put_figure(out, "f-kept", "of the required, kept",
	    page_share(kept, kept + failed).s);
	put_figure(out, "f-lowered", "under a downgrade",
	    num_count(t.lowered[EVIDENCE_OUT] + t.lowered[EVIDENCE_IN]).s);
	buf_puts(out, "</dl>\n");
}

/* Of partners, mail of each day by what protected it: one chart. */
static void
put_protection(
    struct buf *out, const struct report *r, enum evidence_direction way)
{
	struct chart_period period = page_period(r);
	struct chart_share share[REPORT_SEEN];
	uint64_t *day[REPORT_SEEN];
	const struct report_partner *p;
	size_t i, k;
	unsigned s;

	for (s = 0; s < REPORT_SEEN; s++) {
		day[s] = mem_zero(r->ndays, sizeof(uint64_t));
		share[REPORT_SEEN - 1 - s] =
		    (struct chart_share){.name = evidence_seen_name(s),
			.colour = page_colour[s],
			.day = day[s]};
	}
	for (i = 0; i < r->npartners; i++)
		for (p = &r->partner[i], k = 0; k < p->ndays; k++)
			for (s = 0; s < REPORT_SEEN; s++)
				day[s][p->day[k].day] += p->day[k].n[way][s];
	html_printf(out,
	    "<figure><figcaption>%s, by what protected it"
	    "</figcaption>",
	    way == EVIDENCE_OUT ? "Sent to partners"
				: "Received from partners");
	chart_shares(out,
	    way == EVIDENCE_OUT ? "Shares of mail sent to partners over time"
				: "Shares of mail received over time",
	    &period, share, REPORT_SEEN);
	buf_puts(out, "</figure>");
	for (s = 0; s < REPORT_SEEN; s++)
		free(day[s]);
}

static void
put_mail(struct buf *out, const struct report *r)
{
	struct sums t;

	buf_puts(out, "<div class=\"two\">");
	put_protection(out, r, EVIDENCE_OUT);
	put_protection(out, r, EVIDENCE_IN);
	buf_puts(out, "</div>\n");
	sum_up(r, &t);
	page_table(out, "Mail with partners, by direction", PAGE_MAIL_HEAD);
	page_mail_row(
	    out, EVIDENCE_OUT, t.n[EVIDENCE_OUT], &t.kept[EVIDENCE_OUT]);
	page_mail_row(out, EVIDENCE_IN, t.n[EVIDENCE_IN], &t.kept[EVIDENCE_IN]);
	page_table_end(out);
}

/* --- Protocols ------------------------------------------------------------ */

static const char *const share_colour[SHARES] = {"a", "b", "k", "g", "f", "u"};

/* Uses of both directions as one. */
struct both {
	struct report_use *v;
	size_t n, cap;
	uint64_t all;
};

static int
more_used(const void *a, const void *b)
{
	const struct report_use *x = a, *y = b;

	return x->n < y->n ? 1 : x->n > y->n ? -1 : strcmp(x->name, y->name);
}

static void
add_uses(struct both *b, const struct report_uses *u, uint32_t ndays)
{
	struct report_use *to;
	uint32_t day;
	size_t i, k;

	for (i = 0; i < u->n; i++) {
		for (k = 0; k < b->n; k++)
			if (strcmp(b->v[k].name, u->v[i].name) == 0)
				break;
		if (k == b->n) {
			b->v = mem_grow(b->v, b->n, &b->cap, sizeof(*b->v));
			b->v[b->n] = u->v[i];
			b->v[b->n].n = 0;
			b->v[b->n++].day = mem_zero(ndays, sizeof(uint64_t));
		}
		to = &b->v[k];
		to->n += u->v[i].n;
		b->all += u->v[i].n;
		if (strcmp(to->last, u->v[i].last) < 0)
			to->last = u->v[i].last;
		for (day = 0; u->v[i].day != NULL && day < ndays; day++)
			to->day[day] += u->v[i].day[day];
	}
}

static const char *
use_name(const struct report_use *u)
{
	return *u->name == '\0' ? "not told by the log" : u->name;
}

static void
put_use_chart(
    struct buf *out, const struct report *r, const char *what, struct both *b)
{
	struct chart_period period = page_period(r);
	struct chart_share share[SHARES];
	uint32_t day;
	size_t i, n = b->n < SHARES ? b->n : SHARES;

	for (i = 0; i < n; i++)
		share[i] = (struct chart_share){.name = use_name(&b->v[i]),
		    .colour = share_colour[i],
		    .day = b->v[i].day};
	/* The last one is drawn for all that follow; nobody reads it again. */
	for (i = SHARES; i < b->n; i++)
		for (day = 0; day < r->ndays; day++)
			b->v[SHARES - 1].day[day] += b->v[i].day[day];
	if (b->n > SHARES)
		share[SHARES - 1].name = "others";
	html_printf(out, "<figure><figcaption>%s over time</figcaption>", what);
	chart_shares(out, what, &period, share, n);
	buf_puts(out, "</figure>");
}

static void
put_use_table(
    struct buf *out, const char *what, const struct both *b, bool coloured)
{
	size_t i;

	page_table(out, what, "");
	html_printf(out,
	    "<tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"n\">Mails"
	    "</th><th scope=\"col\" class=\"n\">Share</th>"
	    "<th scope=\"col\">Last</th></tr>",
	    what);
	for (i = 0; i < b->n; i++) {
		buf_puts(out, "<tr><td>");
		if (coloured)
			chart_chip(
			    out, share_colour[i < SHARES ? i : SHARES - 1]);
		html_printf(out, "%s", use_name(&b->v[i]));
		if (*b->v[i].why != '\0') {
			buf_puts(out, "<br>");
			page_state(out, b->v[i].state, b->v[i].why);
		}
		html_printf(out,
		    "</td><td class=\"n\">%s</td><td class=\"n\">%s</td>"
		    "<td class=\"d\">%s</td></tr>\n",
		    num_count(b->v[i].n).s, page_share(b->v[i].n, b->all).s,
		    b->v[i].last);
	}
	page_table_end(out);
}

static void
put_use(struct buf *out, const struct report *r, const char *what,
    const struct report_uses *sent, const struct report_uses *came, bool chart)
{
	struct both b = {0};
	size_t i;

	add_uses(&b, came, r->ndays);
	add_uses(&b, sent, r->ndays);
	if (b.n > 0) {
		qsort(b.v, b.n, sizeof(*b.v), more_used);
		buf_puts(out, "<div>");
		if (chart)
			put_use_chart(out, r, what, &b);
		put_use_table(out, what, &b, chart);
		buf_puts(out, "</div>\n");
	}
	for (i = 0; i < b.n; i++)
		free(b.v[i].day);
	free(b.v);
}

static void
put_protocols(struct buf *out, const struct report *r)
{
	const struct report_way *o = &r->all[EVIDENCE_OUT],
				*i = &r->all[EVIDENCE_IN];
	uint64_t secret = o->secret + i->secret,
		 unknown = o->secret_unknown + i->secret_unknown,
		 all = secret + o->not_secret + i->not_secret + unknown;

	if (all == 0) {
		buf_puts(out, "<p>No encrypted mail was counted.</p>");
		return;
	}
	html_printf(out,
	    "<p>Forward secrecy: %s of %s mails, and %s for which it is not "
	    "known. Keys that a quantum computer does not open: %s.</p>",
	    page_share(secret, all).s, num_count(all).s, num_count(unknown).s,
	    num_count(o->quantum + i->quantum).s);
	buf_puts(out, "<div class=\"two\">");
	put_use(out, r, "Protocols", &o->protocol, &i->protocol, true);
	put_use(out, r, "Key exchange", &o->exchange, &i->exchange, true);
	put_use(out, r, "Ciphers", &o->cipher, &i->cipher, false);
	put_use(out, r, "Signatures", &o->signature, &i->signature, false);
	put_use(out, r, "Verified by", &o->proof, &i->proof, false);
	buf_puts(out, "</div>");
}

/* --- Others ------------------------------------------------------------ */

static void
put_others(struct buf *out, const struct report *r)
{
	const struct report_domain *d;
	uint64_t n[REPORT_WAYS][REPORT_SEEN];
	unsigned w, s;
	size_t i;

	for (w = 0; w < REPORT_WAYS; w++) {
		for (s = 0; s < REPORT_SEEN; s++)
			n[w][s] = report_seen(&r->others[w].mail, s);
	}
	page_table(out, "Mail with others, by direction", PAGE_MAIL_HEAD);
	page_mail_row(out, EVIDENCE_OUT, n[EVIDENCE_OUT],
	    &r->others[EVIDENCE_OUT].mail.kept);
	page_mail_row(out, EVIDENCE_IN, n[EVIDENCE_IN],
	    &r->others[EVIDENCE_IN].mail.kept);
	page_table_end(out);
	if (r->ndomains == 0)
		return;
	buf_puts(out, "<h3>Most mail in clear</h3>");
	page_table(out, "Domains with the most mail in clear",
	    "<th scope=\"col\">Domain</th>"
	    "<th scope=\"col\" class=\"n\">Sent in clear</th>"
	    "<th scope=\"col\" class=\"n\">Received in clear</th>"
	    "<th scope=\"col\" class=\"n\">Encrypted, both</th>"
	    "<th scope=\"col\">Last in clear</th>");
	for (i = 0; i < r->ndomains && i < DOMAINS; i++) {
		d = &r->domain[i];
		html_printf(out,
		    "<tr><th scope=\"row\">%s</th><td class=\"n\">%s</td>"
		    "<td class=\"n\">%s</td>",
		    d->name, num_count(d->n[EVIDENCE_OUT][EVIDENCE_CLEAR]).s,
		    num_count(d->n[EVIDENCE_IN][EVIDENCE_CLEAR]).s);
		for (n[0][0] = 0, s = EVIDENCE_CLEAR + 1; s < REPORT_SEEN; s++)
			n[0][0] += d->n[EVIDENCE_OUT][s] + d->n[EVIDENCE_IN][s];
		html_printf(out,
		    "<td class=\"n\">%s</td><td class=\"d\">%s</td></tr>\n",
		    num_count(n[0][0]).s, d->last);
	}
	page_table_end(out);
	if (r->ndomains > DOMAINS)
		html_printf(out, "<p>%s more had mail in clear.</p>",
		    num_count(r->ndomains - DOMAINS).s);
}

const struct page_slot reportmail_slot[] = {
    {"legend", put_legend},
    {"figures", put_figures},
    {"mail", put_mail},
    {"protocols", put_protocols},
    {"others", put_others},
    {NULL, NULL},
};
