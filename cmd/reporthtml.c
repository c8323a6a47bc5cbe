/*
 * The page of a report: what stands in it of the whole. Its words and its
 * looks are files of the tree, cmd/page/, which are part of the program.
 */
#include "reporthtml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "buf.h"
#include "clock.h"
#include "html.h"
#include "mem.h"
#include "num.h"
#include "reportdata.h"
#include "reportformat.h"
#include "reportmail.h"
#include "reportpage.h"
#include "reportpart.h"
#include "reportwhen.h"

/* A file as a string; the Makefile knows that we depend on it. */
#define EMBED(name, file)                                      \
	__asm__(".section .rodata\n" #name ": .incbin \"" file \
		"\"\n.byte 0\n.previous");                     \
	extern const char name[] __attribute__((visibility("hidden")))
EMBED(page_template, "cmd/page/page.html");
EMBED(page_style, "cmd/page/page.css");
EMBED(page_script, "cmd/page/page.js");

#define NOTES 50   /* that need attention, and are named */
#define GAPS 100   /* without log */
#define NOTICES 50 /* to people */

/* --- The head ------------------------------------------------------------- */

/*
 * The source expression by which a Content-Security-Policy allows this text as
 * a script or style within the page ("'sha256-...'"; CSP 3, 2.3.1).
 */
static void
put_source(struct buf *out, const char *text)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	/* Four characters for three bytes, and a NUL. */
	unsigned char base64[(SHA256_DIGEST_LENGTH + 2) / 3 * 4 + 1];

	(void)SHA256((const unsigned char *)text, strlen(text), sum);
	(void)EVP_EncodeBlock(base64, sum, sizeof(sum));
	buf_printf(out, "'sha256-%s'", (const char *)base64);
}

static void
put_policy(struct buf *out, const struct report *r)
{
	(void)r;
	buf_puts(out,
	    "default-src 'none'; base-uri 'none'; form-action 'none'; "
	    "style-src ");
	put_source(out, page_style);
	buf_puts(out, "; script-src ");
	put_source(out, page_script);
}

static void
put_style(struct buf *out, const struct report *r)
{
	(void)r;
	buf_puts(out, page_style);
}

static void
put_script(struct buf *out, const struct report *r)
{
	(void)r;
	buf_puts(out, page_script);
}

static void
put_title(struct buf *out, const struct report *r)
{
	html_printf(
	    out, "TLS with mail partners, %s to %s", r->from_day, r->to_day);
}

static void
put_heading(struct buf *out, const struct report *r)
{
	/* One partner has a page of its own. */
	html_printf(out,
	    "%s, <span class=\"d\">%s</span> to "
	    "<span class=\"d\">%s</span>",
	    r->npartners == 1 ? r->partner[0].name : "Mail partners",
	    r->from_day, r->to_day);
}

static void
put_about(struct buf *out, const struct report *r)
{
	html_printf(out,
	    "%s partner%s, of which %s %s Enforced%s. Made %s by tlspact %s "
	    "from "
	    "registry, map, ledger and evidence alone. Days and times are UTC.",
	    num_count(r->nregistered).s, num_plural(r->nregistered),
	    num_count(r->nenforced).s, r->nenforced == 1 ? "is" : "are",
	    r->going_on ? "" : " now", page_time(r->now).s, r->version);
	if (r->going_on)
		buf_puts(out, " The last day is not over.");
	if (*r->map_fault != '\0')
		html_printf(out, " The map tells nothing: %s.", r->map_fault);
}

static void
put_footer(struct buf *out, const struct report *r)
{
	html_printf(out,
	    "tlspact-report %s. No addresses of people's mail and no queue ids "
	    "are in this page; it asks no other computer for anything.",
	    r->version);
}

/* --- What is to be read first --------------------------------------------- */

/* The head of what is so now, whatever it was in a period that is over. */
static void
put_now(struct buf *out, const struct report *r)
{
	html_printf(
	    out, "<h3>Now, %s, not of the period</h3>", page_time(r->now).s);
}

/* Those that are as of now, or the others. */
static void
put_answer_list(struct buf *out, const struct report *r, bool now)
{
	const struct report_answer *a;
	size_t i, n = 0;

	for (i = 0; i < r->nanswers; i++) {
		a = &r->answer[i];
		if ((a->now && !r->going_on) != now)
			continue;
		if (n++ == 0) {
			if (now)
				put_now(out, r);
			buf_puts(out, "<ol class=\"answers\">");
		}
		buf_puts(out, "<li>");
		page_state(out, a->state, report_state_name(a->state));
		html_printf(out, "<div><h3>%s</h3><b>%s</b>%s</div></li>\n",
		    a->question, a->answer, a->detail);
	}
	if (n > 0)
		buf_puts(out, "</ol>");
}

static void
put_answers(struct buf *out, const struct report *r)
{
	put_answer_list(out, r, false);
	put_answer_list(out, r, true);
}

static void
put_note(struct buf *out, const struct report *r, const struct report_note *n)
{
	buf_puts(out, "<li>");
	page_state(out, n->state, report_state_name(n->state));
	buf_puts(out, "<div>");
	if (*n->partner != '\0') {
		page_name(out, r, n->partner);
		buf_puts(out, ": ");
	}
	html_printf(out, "%s", n->text);
	if (*n->next != '\0')
		html_printf(out, " <span class=\"note\">%s</span>", n->next);
	if (*report_turn_name(n->turn) != '\0')
		html_printf(out, " <span class=\"note\">(turn: %s)</span>",
		    report_turn_name(n->turn));
	buf_puts(out, "</div></li>\n");
}

/* As put_answer_list(). */
static void
put_note_list(struct buf *out, const struct report *r, bool now)
{
	size_t i, n = 0;

	for (i = 0; i < r->nnotes; i++) {
		if ((r->note[i].now && !r->going_on) != now)
			continue;
		if (n++ == 0) {
			if (now)
				put_now(out, r);
			buf_puts(out, "<ul class=\"notes\">");
		}
		if (n <= NOTES)
			put_note(out, r, &r->note[i]);
	}
	if (n > 0)
		buf_puts(out, "</ul>");
	else if (!now)
		buf_puts(out, "<p>Nothing.</p>");
	if (n > NOTES)
		html_printf(out, "<p>%s more stand with each partner.</p>",
		    num_count(n - NOTES).s);
}

static void
put_attention(struct buf *out, const struct report *r)
{
	put_note_list(out, r, false);
	put_note_list(out, r, true);
}

/* --- Readiness, and the rest of the world ----------------------------------
 */

static void
put_ready(struct buf *out, const struct report *r)
{
	const struct report_partner *p;
	size_t i, ready = 0, not_ready = 0;

	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		if (p->ready != REPORT_READY)
			continue;
		if (ready++ == 0)
			buf_puts(out, "<h3>Could be Enforced today</h3>");
		html_printf(out,
		    "<p data-p=\"%zu\"><a href=\"#p%zu\">%s</a>: ", i, i,
		    p->name);
		page_line(out, p);
		buf_puts(out, "</p>\n");
	}
	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		if (p->ready != REPORT_NOT_READY)
			continue;
		if (not_ready++ == 0) {
			buf_puts(out, "<h3>Should not be yet</h3>");
			page_table(out, "Partners that are not ready",
			    "<th scope=\"col\">Partner</th>"
			    "<th scope=\"col\">What is missing</th>"
			    "<th scope=\"col\">Turn</th>");
		}
		html_printf(out,
		    "<tr data-p=\"%zu\"><th scope=\"row\"><a href=\"#p%zu\">%s"
		    "</a></th><td>%s</td><td>%s</td></tr>\n",
		    i, i, p->name, p->missing, report_turn_name(p->turn));
	}
	if (not_ready > 0)
		page_table_end(out);
	if (ready + not_ready == 0)
		buf_puts(out, "<p>There is none that is not Enforced.</p>");
}

/* --- What is not proven, and the record ------------------------------------
 */

static void
put_gaps(struct buf *out, const struct report *r)
{
	const struct report_quiet *q;
	char span[CLOCK_MAX];
	uint64_t rest = 0;
	size_t i;

	for (i = 0; i < r->nquiets && r->hours_known; i++) {
		q = &r->quiet[i];
		if (i >= GAPS)
			rest += q->n;
		else if (q->n == 1)
			html_printf(out, "<li>No log from %s to %s (%s)</li>\n",
			    page_time(q->begin).s, page_time(q->end).s,
			    clock_span(q->end - q->begin, span));
		else
			html_printf(out,
			    "<li>No log from %s to %s %s, %s to %s: %s times"
			    "</li>\n",
			    page_time(q->begin).s + PAGE_DATE,
			    page_time(q->end).s + PAGE_DATE,
			    report_each_day(q) ? "each day" : "on some days",
			    page_day(q->begin).s, page_day(q->last).s,
			    num_count(q->n).s);
	}
	if (rest > 0)
		html_printf(
		    out, "<li>and %s more times</li>", num_count(rest).s);
	for (i = 0; i < r->nhosts && i < GAPS; i++) {
		html_printf(out, "<li>Host %s: %s hours, %s to %s ",
		    *r->host[i].name == '\0' ? "without a name"
					     : r->host[i].name,
		    num_count(r->host[i].hours).s,
		    page_time(r->host[i].first).s,
		    page_time(r->host[i].last).s);
		page_state(out, r->host[i].state,
		    r->host[i].state == REPORT_OPEN ? "nothing came lately"
						    : "read");
		buf_puts(out, "</li>\n");
	}
}

static void
put_open(struct buf *out, const struct report *r)
{
	size_t i, silent = 0, unseen = 0;

	for (i = 0; i < r->npartners; i++) {
		silent += r->partner[i].ndays == 0;
		unseen += r->partner[i].ngateways == 0;
	}
	buf_puts(out, "<ul class=\"plain\">");
	if (!r->hours_known)
		buf_puts(out,
		    "<li>Which hours of the mail log were read is not "
		    "on record.</li>");
	else
		html_printf(out,
		    "<li>Of %s hours of this period the mail log of %s was "
		    "read."
		    "</li>",
		    num_count(r->hours).s, num_count(r->hours_read).s);
	put_gaps(out, r);
	if (silent > 0)
		html_printf(out,
		    "<li>%s partner%s had no mail in this period: that is no "
		    "proof of anything.</li>",
		    num_count(silent).s, num_plural(silent));
	if (unseen > 0)
		html_printf(out,
		    "<li>Of %s partner%s no gateway was looked at.</li>",
		    num_count(unseen).s, num_plural(unseen));
	if (r->rule_unknown > 0)
		html_printf(out,
		    "<li>To what %s mails were held is not known: they were "
		    "counted before that was written down.</li>",
		    num_count(r->rule_unknown).s);
	if (r->rules_more > 0)
		html_printf(out,
		    "<li>%s changes of rules are counted in the record, but "
		    "not "
		    "named.</li>",
		    num_count(r->rules_more).s);
	buf_puts(out, "</ul>");
}

/* Our own side, which tlspact-setup looks at. */
static void
put_own(struct buf *out, const struct report *r)
{
	const struct report_own *o;
	size_t i;

	if (r->nown == 0) {
		page_state(out, REPORT_OPEN, "not looked at");
		buf_puts(out, ": <code>tlspact-setup check --record</code>");
		return;
	}
	buf_puts(out, "<p>");
	if (r->own_old)
		page_state(out, REPORT_OPEN, "old");
	html_printf(out, "%s looked at on %s.</p>", r->own_old ? ":" : "It was",
	    page_time(r->own_time).s);
	page_table(out, "Our own side",
	    "<th scope=\"col\">What</th><th scope=\"col\">Of</th>"
	    "<th scope=\"col\">State</th><th scope=\"col\">Seen</th>"
	    "<th scope=\"col\">Ends</th>");
	for (i = 0; i < r->nown; i++) {
		o = &r->own[i];
		html_printf(out, "<tr><th scope=\"row\">%s</th><td>%s</td><td>",
		    o->what, o->name);
		page_state(out, o->state, report_state_name(o->state));
		html_printf(out,
		    "</td><td>%s</td><td class=\"d\">%s</td></tr>\n", o->text,
		    o->ends == 0 ? "" : page_day(o->ends).s);
	}
	page_table_end(out);
}

/* Who was told what. */
static void
put_notices(struct buf *out, const struct report *r)
{
	const struct report_notice *n;
	size_t i, shown = 0;

	if (r->nnotices == 0) {
		buf_puts(out, "<p>No notice to people is on record for this "
			      "period.</p>");
		return;
	}
	page_table(out, "Notices to people, the newest first",
	    "<th scope=\"col\">Made</th><th scope=\"col\">Sent</th>"
	    "<th scope=\"col\">Partner</th><th scope=\"col\">Subject</th>");
	for (i = r->nnotices; i-- > 0 && shown < NOTICES; shown++) {
		n = &r->notice[i];
		html_printf(out,
		    "<tr><td class=\"d\">%s</td><td class=\"d\">%s"
		    "</td><th scope=\"row\">",
		    page_time(n->created).s,
		    n->time == 0 ? "waits" : page_time(n->time).s);
		if (*n->partner != '\0')
			page_name(out, r, n->partner);
		html_printf(out, "</th><td>%s</td></tr>\n", n->subject);
	}
	page_table_end(out);
	if (r->nnotices > shown)
		html_printf(out, "<p>%s older ones are not shown.</p>",
		    num_count(r->nnotices - shown).s);
}

static void
put_record(struct buf *out, const struct report *r)
{
	char keep[CLOCK_MAX];
	size_t i;

	buf_puts(out, "<p>");
	if (r->head.count == 0)
		page_state(out, REPORT_OPEN, "nothing is recorded yet");
	else
		page_state(out, r->flaws == 0 ? REPORT_GOOD : REPORT_BAD,
		    r->flaws == 0 ? "whole" : "not whole");
	if (r->head.count > 0)
		html_printf(out,
		    ": %s events, the last one has the digest</p>"
		    "<pre><code>%s</code></pre><p>To check it against a later "
		    "ledger:</p><pre><code>%s</code></pre>",
		    num_count((uint64_t)r->head.count).s, r->head.hash,
		    r->verify);
	if (r->head.count > 0 && !r->evidence_checked)
		buf_puts(out, "<p>The evidence was not held against it, which "
			      "tlspact-report --check does.</p>");
	else if (r->head.count > 0 && *r->unsealed != '\0')
		html_printf(
		    out, "<p>Of the days of the period: %s.</p>", r->unsealed);
	for (i = 0; i < r->nflaws; i++)
		html_printf(out, "<p>%s</p>", r->flaw[i]);
	if (r->flaws > r->nflaws)
		html_printf(out, "<p>and %zu more</p>", r->flaws - r->nflaws);
	html_printf(out,
	    "<p>The registry has the digest <code>%s</code>; the map is of %s."
	    "</p>",
	    *r->registry_digest == '\0' ? "-" : r->registry_digest,
	    page_time(r->map_time).s);
	if (r->keep == 0)
		buf_puts(out, "<p>Probes and failures are kept for ever");
	else
		html_printf(out, "<p>Probes and failures are kept for %s",
		    clock_span((time_t)r->keep, keep));
	buf_puts(out, ", counts by day and the record for ever.</p>");
	put_notices(out, r);
}

/* The places of the page by the parts of a report. */
static void
put_place(struct buf *out, const char *part)
{
	static const struct {
		const char *part, *id, *name;
	} places[] = {
	    {"partners", "each", "Each partner"},
	    {"gateways", "each", "Each partner"},
	    {"rules", "changes", "Changes"},
	    {"mail", "mail", "Mail, Protocols"},
	    {"downgrades", "timeline", "Timeline"},
	    {"failures", "timeline", "Timeline"},
	    {"gaps", "open", "Not proven"},
	    {"ours", "ours", "Our side"},
	    {"record", "record", "Record"},
	    {"notices", "record", "Record"},
	};
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(places[i].part, part) == 0) {
			html_printf(out, "<a href=\"#%s\">%s</a>", places[i].id,
			    places[i].name);
			return;
		}
	html_printf(out, "%s", part);
}

static void
put_facts(struct buf *out, const struct report *r)
{
	size_t i;

	page_table(out, "Facts that auditors ask for",
	    "<th scope=\"col\" class=\"n\">No.</th><th scope=\"col\">Fact</th>"
	    "<th scope=\"col\">State</th><th scope=\"col\">If not, why</th>"
	    "<th scope=\"col\">Where</th>");
	for (i = 0; i < REPORT_FACTS; i++) {
		html_printf(out,
		    "<tr><td class=\"n\">%zu</td><th scope=\"row\">%s</th><td>",
		    i + 1, r->fact[i].title);
		page_state(
		    out, r->fact[i].state, report_state_name(r->fact[i].state));
		html_printf(out, "</td><td>%s</td><td>", r->fact[i].text);
		put_place(out, r->fact[i].where);
		buf_puts(out, "</td></tr>\n");
	}
	page_table_end(out);
}

/* --- The template ----------------------------------------------------------
 */

static const struct page_slot whole_slot[] = {
    {"policy", put_policy},
    {"title", put_title},
    {"style", put_style},
    {"heading", put_heading},
    {"about", put_about},
    {"answers", put_answers},
    {"attention", put_attention},
    {"ready", put_ready},
    {"ours", put_own},
    {"open", put_open},
    {"record", put_record},
    {"facts", put_facts},
    {"footer", put_footer},
    {"script", put_script},
    {NULL, NULL},
};

/* Append what stands for the name of n bytes. The template is ours. */
static void
put_slot(struct buf *out, const char *name, size_t n, const struct report *r)
{
	static const struct page_slot *const lists[] = {whole_slot,
	    reportmail_slot, reportwhen_slot, reportpart_slot, reportdata_slot};
	const struct page_slot *slot;
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (slot = lists[i]; slot->name != NULL; slot++)
			if (strlen(slot->name) == n &&
			    strncmp(slot->name, name, n) == 0) {
				slot->put(out, r);
				return;
			}
	abort();
}

static void
put_page(const struct report *r, struct buf *out)
{
	const char *p = page_template, *at;
	size_t n;

	for (; (at = strchr(p, '@')) != NULL; p = at + n + 2) {
		buf_add(out, p, (size_t)(at - p));
		n = strcspn(at + 1, "@");
		put_slot(out, at + 1, n, r);
	}
	buf_puts(out, p);
}

const struct reportformat reporthtml = {"html", put_page, true, false, false};
