#include "reporttext.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "report.h"

#define WIDTH 79
#define USES_MAX 12 /* of one kind that are shown */
#define ROWS_MAX 40 /* of a list; JSON and CSV have all */

/* --- Lines -----------------------------------------------------------------
 */

/* Append a paragraph behind a label, broken at blanks; foreign text is safe. */
static void __attribute__((format(printf, 4, 5)))
say(struct buf *out, int indent, const char *label, const char *fmt, ...)
{
	struct buf text = {0};
	const char *s;
	int column, len;
	char *raw;
	va_list ap;

	va_start(ap, fmt);
	raw = mem_vprintf(fmt, ap);
	va_end(ap);
	quote_put(&text, raw, strlen(raw));
	free(raw);
	buf_printf(out, "%-*s", indent, label);
	column = indent;
	for (s = text.data; text.len > 0 && *s != '\0'; s += len) {
		s += strspn(s, " ");
		len = (int)strcspn(s, " ");
		if (column > indent && column + 1 + len > WIDTH) {
			buf_printf(out, "\n%*s", indent, "");
			column = indent;
		}
		buf_printf(out, "%s%.*s", column == indent ? "" : " ", len, s);
		column += len + (column != indent);
	}
	buf_putc(out, '\n');
	buf_free(&text);
}

static void
head(struct buf *out, const char *title)
{
	buf_printf(out, "\n%s\n", title);
}

struct text {
	char s[64];
};

/* "2026-11-23 12:00", UTC; "-" for 0. */
static struct text
when(time_t t)
{
	char full[NUM_TIME_MAX];
	struct text x = {"-"};

	if (t != 0)
		(void)snprintf(x.s, sizeof(x.s), "%.10s %.5s",
		    num_time_text(t, full), full + 11);
	return x;
}

/* A foreign name, cut to fit a column. */
static struct text
name(const char *s)
{
	struct text x = {""};

	quote_show(x.s, 24, s, strlen(s));
	return x;
}

static void
more(struct buf *out, size_t n)
{
	if (n > ROWS_MAX)
		buf_printf(out, "  and %s more, which CSV and JSON have\n",
		    num_count(n - ROWS_MAX).s);
}

static size_t
some(size_t n)
{
	return n < ROWS_MAX ? n : ROWS_MAX;
}

/* --- First the answers ------------------------------------------------------
 */

static void
put_answers(const struct report *r, struct buf *out)
{
	const struct report_note *n;
	size_t i;

	for (i = 0; i < r->nanswers; i++) {
		say(out, 8, report_state_name(r->answer[i].state), "%s",
		    r->answer[i].question);
		say(out, 8, "", "%s%s%s", r->answer[i].answer,
		    *r->answer[i].detail == '\0' ? "" : "; ",
		    r->answer[i].detail);
	}
	if (r->nnotes > 0)
		head(out, "NEEDS ATTENTION");
	for (i = 0; i < some(r->nnotes); i++) {
		n = &r->note[i];
		say(out, 8, report_state_name(n->state), "%s%s%s%s%s%s%s%s",
		    n->partner, *n->partner == '\0' ? "" : ": ", n->text,
		    *n->next == '\0' ? "" : "; ", n->next,
		    n->turn == REPORT_NOBODY ? "" : " (",
		    report_turn_name(n->turn),
		    n->turn == REPORT_NOBODY ? "" : ")");
	}
	more(out, r->nnotes);
}

/* --- Mail --------------------------------------------------------------------
 */

/*
 * Behind a name numbers in columns that are so wide; one that is wider takes of
 * the next ones.
 */
static void
put_counts(struct buf *out, const uint64_t *n, const int *width, size_t columns)
{
	struct num_count c;
	int over = 0, len;
	size_t i;

	for (i = 0; i < columns; i++) {
		c = num_count(n[i]);
		len = (int)strlen(c.s);
		buf_printf(out, " %*s", width[i] - over, c.s);
		over = len > width[i] - over ? len - (width[i] - over) : 0;
	}
	buf_putc(out, '\n');
}

static void
put_mail_row(struct buf *out, const char *who, const struct report_way *way)
{
	static const int width[] = {9, 9, 9, 9, 9};
	const struct report_mail *m;
	unsigned w;

	for (w = REPORT_WAYS; w-- > 0;) {
		m = &way[w].mail;
		if (report_mails(m) == 0)
			continue;
		buf_printf(
		    out, "%-23s %-3s", name(who).s, evidence_direction_name(w));
		put_counts(out,
		    (const uint64_t[]){report_mails(m),
			report_seen(m, EVIDENCE_VERIFIED),
			report_seen(m, EVIDENCE_TRUSTED),
			report_seen(m, EVIDENCE_ENCRYPTED),
			report_seen(m, EVIDENCE_CLEAR)},
		    width, sizeof(width) / sizeof(width[0]));
	}
}

static void
put_kept_row(struct buf *out, const char *who, const struct report_way *way)
{
	static const int width[] = {8, 6, 8, 8, 8, 8};
	const struct report_kept *k;
	unsigned w;

	for (w = REPORT_WAYS; w-- > 0;) {
		k = &way[w].mail.kept;
		if (report_mails(&way[w].mail) == 0)
			continue;
		buf_printf(
		    out, "%-23s %-3s", name(who).s, evidence_direction_name(w));
		put_counts(out,
		    (const uint64_t[]){k->required_kept, k->required_failed,
			k->preferred_kept, k->preferred_failed, k->unknown,
			way[w].mail.lowered},
		    width, sizeof(width) / sizeof(width[0]));
	}
}

static void
put_each(const struct report *r, struct buf *out,
    void (*row)(struct buf *, const char *, const struct report_way *))
{
	size_t i;

	row(out, "(all)", r->all);
	row(out, "(others)", r->others);
	for (i = 0; i < r->npartners; i++)
		row(out, r->partner[i].name, r->partner[i].way);
}

static void
put_uses(struct buf *out, const char *kind, enum evidence_direction way,
    const struct report_uses *u)
{
	size_t i;

	for (i = 0; i < u->n && i < USES_MAX; i++)
		buf_printf(out, "%-13s %-3s %9s  %s%s%s%s\n",
		    i == 0 ? kind : "", evidence_direction_name(way),
		    num_count(u->v[i].n).s,
		    *u->v[i].name == '\0' ? "not known" : name(u->v[i].name).s,
		    u->v[i].state == REPORT_BAD ? "  BAD" : "",
		    *u->v[i].why == '\0' ? "" : "  ", u->v[i].why);
	if (u->n > USES_MAX)
		buf_printf(out, "%-13s %-3s %9s  and %zu more\n", "", "", "",
		    u->n - USES_MAX);
}

static void
put_mail(const struct report *r, struct buf *out)
{
	const struct report_way *w;
	unsigned i;

	buf_printf(out, "\n%-23s %-3s %9s %9s %9s %9s %9s\n", "MAIL", "", "ALL",
	    "VERIFIED", "TRUSTED", "ENCRYPTED", "CLEAR");
	put_each(r, out, put_mail_row);
	buf_printf(out, "\n%-23s %-3s %15s %17s %8s %8s\n", "AS DEMANDED THEN",
	    "", "REQUIRED", "PREFERRED", "RULE NOT", "UNDER");
	buf_printf(out, "%-23s %-3s %8s %6s %8s %8s %8s %8s\n", "", "", "KEPT",
	    "FAILED", "KEPT", "FAILED", "KNOWN", "DOWNGR.");
	put_each(r, out, put_kept_row);
	head(out, "HOW IT WAS ENCRYPTED");
	for (i = REPORT_WAYS; i-- > 0;) {
		const enum evidence_direction d = (enum evidence_direction)i;

		w = &r->all[i];
		put_uses(out, "protocol", d, &w->protocol);
		put_uses(out, "cipher", d, &w->cipher);
		put_uses(out, "key exchange", d, &w->exchange);
		put_uses(out, "signature", d, &w->signature);
		put_uses(out, "verified by", d, &w->proof);
		say(out, 18, "forward secrecy",
		    "%s: %s mails yes, %s no, %s not known; %s post-quantum",
		    evidence_direction_name(d), num_count(w->secret).s,
		    num_count(w->not_secret).s, num_count(w->secret_unknown).s,
		    num_count(w->quantum).s);
	}
	if (r->ndomains > 0)
		head(out, "DOMAINS OF NO PARTNER WITH MOST MAIL IN THE CLEAR");
	for (i = 0; i < r->ndomains; i++)
		say(out, 2, "", "%s: %s out, %s in, last on %s",
		    r->domain[i].name,
		    num_count(r->domain[i].n[EVIDENCE_OUT][EVIDENCE_CLEAR]).s,
		    num_count(r->domain[i].n[EVIDENCE_IN][EVIDENCE_CLEAR]).s,
		    r->domain[i].last);
	if (r->domains_more > 0)
		buf_printf(out, "  and %s more domains\n",
		    num_count(r->domains_more).s);
}

/* --- Partners
 * ----------------------------------------------------------------- */

static void
put_agreement(const struct report_partner *p, struct buf *out)
{
	const struct attributes *a;
	char day[NUM_TIME_MAX];

	if (p->p == NULL) {
		say(out, 16, "  agreed", "it is not in the registry now");
		return;
	}
	a = p->p->attributes;
	say(out, 16, "  agreed", "%s (%s), in force %s%s%s",
	    a->mode == MODE_ENFORCED ? "enforced" : "opportunistic",
	    level_name(p->full),
	    p->level_known ? level_name(p->level) : "is not known",
	    *p->names == '\0' ? "" : "; names of gateways: ", p->names);
	say(out, 16, "  agreement", "ticket %s; review %.10s; contact %s; %s%s",
	    a->ticket == NULL ? "-" : a->ticket,
	    a->review == 0 ? "-" : num_time_text(a->review, day),
	    p->p->contact == NULL ? "-" : p->p->contact,
	    a->operator_ == NULL ? "" : "ours ",
	    a->operator_ == NULL ? "ours -" : a->operator_);
}

static void
put_gateway(const struct report_gateway *w, struct buf *out)
{
	static const char *const by[] = {
	    "", "", ", by CA and name", ", by DANE", ", by key"};
	char end[NUM_TIME_MAX], left[32] = "";

	say(out, 16, "  gateway", "%s %s: %s: %s%s; looked at %s",
	    *w->host == '\0' ? w->nexthop : w->host, w->address,
	    report_state_name(w->state), w->word, by[w->by], when(w->time).s);
	if (*w->protocol != '\0')
		say(out, 16, "", "%s, %s, %s; DNSSEC %s; TLSA %s", w->protocol,
		    w->cipher, *w->exchange == '\0' ? "-" : w->exchange,
		    *w->dnssec == '\0' ? "not looked at" : w->dnssec,
		    *w->tlsa == '\0' ? "not looked at" : w->tlsa);
	if (w->left >= 0)
		(void)snprintf(
		    left, sizeof(left), ", %d %% of its life left", w->left);
	if (w->ends != 0)
		say(out, 16, "", "issued by %s; ends %.10s%s",
		    *w->issuer == '\0' ? "-" : w->issuer,
		    num_time_text(w->ends, end), left);
}

static void
put_failure(const struct report_failure *f, struct buf *out)
{
	char span[CLOCK_MAX];

	say(out, 16, "  failures",
	    "%s (%s): %s attempts, %s to %s; %s mails waited %s in all, %s of "
	    "them came back",
	    f->fault, evidence_direction_name(f->direction), num_count(f->n).s,
	    f->first, f->last, num_count(f->mails).s,
	    clock_span((time_t)f->seconds, span), num_count(f->returned).s);
}

/* What was tried before it was enforced, and what traced mails tell. */
static void
put_tests(
    const struct report *r, const struct report_partner *p, struct buf *out)
{
	const struct report_leg *l;
	size_t i;

	for (i = 0; i < r->nonboards; i++)
		if (r->onboard[i].partner == p->name)
			say(out, 16, "  onboard",
			    "%s: %s; refusal of a wrong server: %s",
			    when(r->onboard[i].time).s, r->onboard[i].text,
			    *r->onboard[i].refusal == '\0'
				? "not looked at"
				: r->onboard[i].refusal);
	for (i = 0; i < r->nlegs; i++) {
		l = &r->leg[i];
		if (l->partner == p->name)
			say(out, 16, "  leg",
			    "%s: %s encrypted, %s clear, %s unknown, last %s",
			    l->leg, num_count(l->encrypted).s,
			    num_count(l->clear).s, num_count(l->unknown).s,
			    when(l->last).s);
	}
}

static void
put_partner(
    const struct report *r, const struct report_partner *p, struct buf *out)
{
	size_t i;

	buf_printf(
	    out, "\n%-24s %s", name(p->name).s, report_state_name(p->state));
	say(out, 2, ":", "%s", p->verdict);
	put_agreement(p, out);
	for (i = 0; i < p->ngateways; i++)
		put_gateway(&p->gateway[i], out);
	if (p->ngateways == 0)
		say(out, 16, "  gateways", "not looked at");
	for (i = 0; i < p->nfailures; i++)
		put_failure(&p->failure[i], out);
	put_tests(r, p, out);
	if (p->ready == REPORT_READY)
		say(out, 16, "  enforce", "could be enforced today: %s",
		    p->line);
	else if (p->ready == REPORT_NOT_READY)
		say(out, 16, "  enforce", "not yet (%s): %s",
		    report_turn_name(p->turn), p->missing);
}

/* --- What was decided, and seen
 * -------------------------------------------------- */

static void
put_moved(struct buf *out, const struct report_downgrade *d)
{
	const uint64_t *n;
	unsigned w;

	if (!d->moved_known) {
		say(out, 4, "", "which mail moved under it was not counted");
		return;
	}
	for (w = REPORT_WAYS; w-- > 0;) {
		n = d->moved[w];
		say(out, 4, "",
		    "%s: %s verified, %s trusted, %s encrypted, %s clear",
		    evidence_direction_name(w),
		    num_count(n[EVIDENCE_VERIFIED]).s,
		    num_count(n[EVIDENCE_TRUSTED]).s,
		    num_count(n[EVIDENCE_ENCRYPTED]).s,
		    num_count(n[EVIDENCE_CLEAR]).s);
	}
}

static void
put_downgrades(const struct report *r, struct buf *out)
{
	const struct report_downgrade *d;
	size_t i;

	head(out, "DOWNGRADES");
	if (r->ndowngrades == 0)
		buf_puts(out, r->head.count == 0 ? "  there is no record yet\n"
						 : "  none\n");
	for (i = 0; i < some(r->ndowngrades); i++) {
		d = &r->downgrade[i];
		say(out, 4, "  ", "%s from %s to %s, %s until %s%s%s%s",
		    d->partner, level_name(d->before), level_name(d->after),
		    when(d->begin).s, when(d->over).s, d->open ? " (open)" : "",
		    *d->closed_by == '\0' ? "" : ", closed by ", d->closed_by);
		say(out, 4, "", "by %s%s%s%s%s%s: %s%s%s", d->author,
		    *d->sudo_user == '\0' ? "" : " for ", d->sudo_user,
		    *d->extended_by == '\0' ? "" : ", extended by ",
		    d->extended_by, d->automatic ? ", automatic" : "",
		    d->reason, *d->ticket == '\0' ? "" : "; ticket ",
		    d->ticket);
		put_moved(out, d);
	}
	more(out, r->ndowngrades);
}

static void
put_changes(const struct report *r, struct buf *out)
{
	const struct report_rule_change *x;
	const struct report_seen_change *c;
	size_t i;

	head(out, "CHANGES OF RULES");
	if (r->nrules == 0)
		buf_puts(out, r->head.count == 0 ? "  there is no record yet\n"
						 : "  none\n");
	for (i = 0; i < some(r->nrules); i++) {
		x = &r->rule[i];
		if (*x->text != '\0')
			say(out, 4, "  ", "%s event %" PRId64 ", %s: %s%s",
			    when(x->time).s, x->event, x->author, x->text,
			    x->is);
		else
			say(out, 4, "  ",
			    "%s event %" PRId64 ", %s: %s: %s -> %s (%s, %s)",
			    when(x->time).s, x->event, x->author, x->key,
			    x->was, x->is, change_name(x->change), x->cause);
	}
	more(out, r->nrules);
	if (r->rules_more > 0)
		buf_printf(out, "  and %s that their events only count\n",
		    num_count(r->rules_more).s);
	if (r->nseen_changes > 0)
		head(out, "SEEN TO CHANGE AT GATEWAYS");
	for (i = 0; i < some(r->nseen_changes); i++) {
		c = &r->seen_change[i];
		say(out, 4, "  ", "%s %s %s: %s%s%.60s%s%.60s", when(c->time).s,
		    c->partner, c->host, report_what_name(c->what),
		    *c->was == '\0' ? "" : " ", c->was,
		    *c->is == '\0' ? "" : " -> ", c->is);
	}
	more(out, r->nseen_changes);
	if (r->nfaults > 0)
		head(out, "FAULTS OF PARTNERS");
	for (i = 0; i < some(r->nfaults); i++)
		say(out, 4, "  ", "%s: %s, %s until %s", r->fault[i].partner,
		    r->fault[i].word, when(r->fault[i].begin).s,
		    r->fault[i].end == 0 ? "now" : when(r->fault[i].end).s);
	more(out, r->nfaults);
}

/* --- What is not known, and how to verify
 * -------------------------------------------- */

static void
put_gaps(const struct report *r, struct buf *out)
{
	size_t i;

	head(out, "GAPS");
	if (!r->hours_known)
		say(out, 2, "",
		    "Which hours of the log were read is not known.");
	else
		say(out, 2, "", "%s of %s hours have lines in the log.",
		    num_count(r->hours_read).s, num_count(r->hours).s);
	for (i = 0; i < some(r->ngaps) && r->hours_known; i++)
		say(out, 4, "  ", "none from %s to %s", when(r->gap[i].begin).s,
		    when(r->gap[i].end).s);
	more(out, r->ngaps);
	for (i = 0; i < some(r->nhosts); i++)
		say(out, 4, "  ", "host %s: %s hours, %s to %s (%s)",
		    *r->host[i].name == '\0' ? "(no name)" : r->host[i].name,
		    num_count(r->host[i].hours).s, when(r->host[i].first).s,
		    when(r->host[i].last).s,
		    report_state_name(r->host[i].state));
	if (r->nnotices > 0)
		head(out, "NOTICES");
	for (i = 0; i < some(r->nnotices); i++)
		say(out, 4, "  ", "%s %s: %s%s%s",
		    r->notice[i].time == 0 ? "waiting"
					   : when(r->notice[i].time).s,
		    r->notice[i].kind, r->notice[i].subject,
		    *r->notice[i].partner == '\0' ? "" : ", partner ",
		    r->notice[i].partner);
	more(out, r->nnotices);
}

static void
put_record(const struct report *r, struct buf *out)
{
	static const char *const shown[] = {"not", "shown", "part", "part"};
	char keep[NUM_DURATION_MAX];
	char number[16];
	size_t i;

	head(out, "RECORD");
	if (r->head.count == 0)
		buf_puts(out, "  There is none yet.\n");
	else
		say(out, 2, "",
		    "%s: %" PRId64 " events; the evidence was %sheld against "
		    "it. To hold this report against a later state of it:",
		    r->flaws == 0 ? "Whole" : "NOT WHOLE", r->head.count,
		    r->evidence_checked ? "" : "not ");
	if (r->head.count > 0)
		buf_printf(out, "    %s\n", r->verify);
	for (i = 0; i < r->nflaws; i++)
		say(out, 4, "  ", "%s", r->flaw[i]);
	say(out, 2, "",
	    "Kept: counts for ever; single looks, failures and notices %s. "
	    "This report has no addresses of mail and no queue ids.",
	    r->keep == 0 ? "for ever" : num_duration_text(r->keep, keep));
	head(out, "FACTS THAT AUDITORS ASK FOR");
	for (i = 0; i < REPORT_FACTS; i++) {
		(void)snprintf(number, sizeof(number), "%2zu  %s", i + 1,
		    shown[r->fact[i].state]);
		say(out, 11, number, "%s%s%s", r->fact[i].title,
		    *r->fact[i].text == '\0' ? "" : ": ", r->fact[i].text);
	}
}

void
reporttext_put(const struct report *r, struct buf *out)
{
	size_t i;

	buf_printf(out, "tlspact: %s to %s (UTC)%s, made %s UTC\n", r->from_day,
	    r->to_day, r->going_on ? ", not over" : "", when(r->now).s);
	say(out, 2, "", "%s partner%s, %s enforced; registry %.16s; map of %s",
	    num_count(r->npartners).s, num_plural(r->npartners),
	    num_count(r->nenforced).s,
	    *r->registry_digest == '\0' ? "not known" : r->registry_digest,
	    *r->map_fault == '\0' ? when(r->map_time).s : r->map_fault);
	buf_putc(out, '\n');
	put_answers(r, out);
	put_mail(r, out);
	head(out, "PARTNERS");
	for (i = 0; i < r->npartners; i++)
		put_partner(r, &r->partner[i], out);
	for (i = 0; i < r->nfailures; i++)
		if (*r->failure[i].partner == '\0') {
			if (i == 0)
				head(out, "FAILURES OF OTHERS");
			put_failure(&r->failure[i], out);
		}
	put_downgrades(r, out);
	put_changes(r, out);
	put_gaps(r, out);
	put_record(r, out);
}
