/*
 * The page of a report: what stands in it of the whole. Its words and its
 * looks are files of the tree, cmd/page/, which are part of the program.
 */
#include "reporthtml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "html.h"
#include "mem.h"
#include "num.h"
#include "reportdata.h"
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

static void
put_policy(struct buf *out, const struct report *r)
{
	(void)r;
	buf_puts(out,
	    "default-src 'none'; base-uri 'none'; form-action 'none'; "
	    "style-src ");
	html_csp(out, page_style);
	buf_puts(out, "; script-src ");
	html_csp(out, page_script);
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
	    "%s partner%s, of which %s %s Enforced. Made %s by tlspact %s "
	    "from "
	    "registry, map, ledger and evidence alone. Days and times are UTC.",
	    num_count(r->npartners).s, num_plural(r->npartners),
	    num_count(r->nenforced).s, r->nenforced == 1 ? "is" : "are",
	    page_time(r->now).s, r->version);
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

static void
put_answers(struct buf *out, const struct report *r)
{
	const struct report_answer *a;
	size_t i;

	buf_puts(out, "<ol class=\"answers\">");
	for (i = 0; i < r->nanswers; i++) {
		a = &r->answer[i];
		buf_puts(out, "<li>");
		page_state(out, a->state, report_state_name(a->state));
		html_printf(out, "<div><h3>%s</h3><b>%s</b>%s</div></li>\n",
		    a->question, a->answer, a->detail);
	}
	buf_puts(out, "</ol>");
}

static void
put_attention(struct buf *out, const struct report *r)
{
	const struct report_note *n;
	size_t i;

	if (r->nnotes == 0)
		buf_puts(out, "<p>Nothing.</p>");
	buf_puts(out, "<ul class=\"notes\">");
	for (i = 0; i < r->nnotes && i < NOTES; i++) {
		n = &r->note[i];
		buf_puts(out, "<li>");
		page_state(out, n->state, report_state_name(n->state));
		buf_puts(out, "<div>");
		if (*n->partner != '\0') {
			page_name(out, r, n->partner);
			buf_puts(out, ": ");
		}
		html_printf(out, "%s", n->text);
		if (*n->next != '\0')
			html_printf(
			    out, " <span class=\"note\">%s</span>", n->next);
		if (*report_turn_name(n->turn) != '\0')
			html_printf(out,
			    " <span class=\"note\">(turn: %s)</span>",
			    report_turn_name(n->turn));
		buf_puts(out, "</div></li>\n");
	}
	buf_puts(out, "</ul>");
	if (r->nnotes > NOTES)
		html_printf(out, "<p>%s more stand with each partner.</p>",
		    num_count(r->nnotes - NOTES).s);
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
	char span[CLOCK_MAX];
	size_t i;

	for (i = 0; i < r->ngaps && i < GAPS; i++)
		html_printf(out, "<li>No log from %s to %s (%s)</li>\n",
		    page_time(r->gap[i].begin).s, page_time(r->gap[i].end).s,
		    clock_span(r->gap[i].end - r->gap[i].begin, span));
	if (r->ngaps > i)
		html_printf(out, "<li>and %s more times</li>",
		    num_count(r->ngaps - i).s);
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

void
reporthtml_put(const struct report *r, struct buf *out)
{
	static const struct html_slot slot[] = {
	    {"policy", put_policy},
	    {"title", put_title},
	    {"style", put_style},
	    {"heading", put_heading},
	    {"about", put_about},
	    {"answers", put_answers},
	    {"attention", put_attention},
	    {"legend", reportmail_legend},
	    {"figures", reportmail_figures},
	    {"mail", reportmail_mail},
	    {"timekey", reportwhen_timekey},
	    {"timeline", reportwhen_timeline},
	    {"downgrades", reportwhen_downgrades},
	    {"failures", reportwhen_failures},
	    {"protocols", reportmail_protocols},
	    {"expiry", reportwhen_expiry},
	    {"partners", reportpart_table},
	    {"ready", put_ready},
	    {"others", reportmail_others},
	    {"changes", reportwhen_changes},
	    {"open", put_open},
	    {"record", put_record},
	    {"facts", put_facts},
	    {"each", reportpart_each},
	    {"footer", put_footer},
	    {"data", reportdata_put},
	    {"script", put_script},
	};

	html_fill(out, page_template, slot, sizeof(slot) / sizeof(slot[0]), r);
}
