#include "reporttext.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "columns.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "report.h"
#include "reportbrief.h"
#include "reportformat.h"

#define USES_MAX 12			 /* of one kind that are shown */
#define NAME 24				 /* columns */
#define ROWS_MAX 40			 /* of a list; JSON and CSV have all */
#define QUIETS_MAX 10			 /* kinds of gaps */
#define ANSWER 8			 /* columns before it */
#define BELOW "        "		 /* as many */
#define DATE (sizeof("2026-11-23 ") - 1) /* of when(), before the time */

/* --- Lines -----------------------------------------------------------------
 */

/* Append a paragraph behind a label; foreign text is safe. */
static void __attribute__((format(printf, 4, 5)))
say(struct buf *out, size_t indent, const char *label, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = mem_vprintf(fmt, ap);
	va_end(ap);
	columns_paragraph(out, label, indent, text, false, COLUMNS_KEPT);
	free(text);
}

static void
head(struct buf *out, const char *title)
{
	buf_printf(out, "\n%s\n", title);
}

struct text {
	char s[CLOCK_MAX];
};

/* "2026-11-23 12:00", local as all of it but the days; "-" for 0. */
static struct text
when(time_t t)
{
	struct text x = {"-"};

	if (t != 0)
		(void)clock_text(t, 0, x.s);
	return x;
}

/* A row's name and direction. */
static void
row_head(struct buf *out, const char *name, unsigned way)
{
	columns_name(out, name, NAME, COLUMNS_KEPT);
	buf_printf(out, "%-3s", evidence_direction_name(way));
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
put_answer(const struct report_answer *a, struct buf *out)
{
	say(out, 8, report_state_name(a->state), "%s", a->question);
	say(out, 8, "", "%s%s%s", a->answer, *a->detail == '\0' ? "" : "; ",
	    a->detail);
}

static void
put_note(const struct report_note *n, struct buf *out)
{
	say(out, 8, report_state_name(n->state), "%s%s%s%s%s%s%s%s", n->partner,
	    *n->partner == '\0' ? "" : ": ", n->text,
	    *n->next == '\0' ? "" : "; ", n->next,
	    n->turn == REPORT_NOBODY ? "" : " (", report_turn_name(n->turn),
	    n->turn == REPORT_NOBODY ? "" : ")");
}

/* Those that are as of now, or the others. */
static void
put_notes(const struct report *r, bool now, const char *title, struct buf *out)
{
	size_t i, n = 0;

	for (i = 0; i < r->nnotes; i++) {
		if ((r->note[i].now && !r->going_on) != now)
			continue;
		if (n == 0 && title != NULL)
			head(out, title);
		if (n++ < ROWS_MAX)
			put_note(&r->note[i], out);
	}
	more(out, n);
}

/* What is so now stands apart from a period that is over. */
static void
put_answers(const struct report *r, struct buf *out)
{
	size_t i, n = 0;

	for (i = 0; i < r->nanswers; i++)
		if (r->going_on || !r->answer[i].now)
			put_answer(&r->answer[i], out);
	put_notes(r, false, "NEEDS ATTENTION", out);
	for (i = 0; i < r->nnotes; i++)
		n += r->note[i].now;
	for (i = 0; i < r->nanswers; i++)
		n += r->answer[i].now;
	if (r->going_on || n == 0)
		return;
	buf_printf(out, "\nNOW, %s, NOT OF THE PERIOD\n", when(r->now).s);
	for (i = 0; i < r->nanswers; i++)
		if (r->answer[i].now)
			put_answer(&r->answer[i], out);
	put_notes(r, true, NULL, out);
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
		row_head(out, who, w);
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
		row_head(out, who, w);
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

	/* Of one partner it would say the same twice. */
	if (r->npartners != 1 ||
	    report_mails(&r->others[EVIDENCE_IN].mail) > 0 ||
	    report_mails(&r->others[EVIDENCE_OUT].mail) > 0)
		row(out, "(all)", r->all);
	row(out, "(others)", r->others);
	for (i = 0; i < r->npartners; i++)
		row(out, r->partner[i].name, r->partner[i].way);
}

static void
put_uses(struct buf *out, const char *kind, enum evidence_direction way,
    const struct report_uses *u)
{
	char label[80];
	size_t i;

	for (i = 0; i < u->n && i < USES_MAX; i++) {
		(void)snprintf(label, sizeof(label), "%-13s %-3s %9s  ",
		    i == 0 ? kind : "", evidence_direction_name(way),
		    num_count(u->v[i].n).s);
		say(out, strlen(label), label, "%s%s%s%s",
		    *u->v[i].name == '\0' ? "not known" : u->v[i].name,
		    u->v[i].state == REPORT_BAD ? ": BAD" : "",
		    *u->v[i].why == '\0' ? "" : ": ", u->v[i].why);
	}
	if (u->n > USES_MAX)
		buf_printf(out, "%-13s %-3s %9s  and %zu more\n", "", "", "",
		    u->n - USES_MAX);
}

static void
put_mail(const struct report *r, struct buf *out)
{
	const struct report_way *w;
	unsigned i;
	size_t k;

	buf_printf(out, "\n%-23s %-3s %9s %9s %9s %9s %9s\n", "MAIL", "", "ALL",
	    "VERIFIED", "TRUSTED", "ENCRYPTED", "CLEAR");
	put_each(r, out, put_mail_row);
	buf_printf(out, "\n%-23s %-3s %15s %17s %8s %8s\n", "AS DEMANDED THEN",
	    "", "REQUIRED", "PREFERRED", "RULE NOT", "UNDER");
	buf_printf(out, "%-23s %-3s %8s %6s %8s %8s %8s %8s\n", "", "", "KEPT",
	    "FAILED", "KEPT", "FAILED", "KNOWN", "DOWNGR.");
	put_each(r, out, put_kept_row);
	if (r->ndomains > 0)
		head(out, "DOMAINS OF NO PARTNER WITH MAIL IN THE CLEAR");
	for (k = 0; k < some(r->ndomains); k++)
		say(out, 2, "", "%s: %s out, %s in, last on %s",
		    r->domain[k].name,
		    num_count(r->domain[k].n[EVIDENCE_OUT][EVIDENCE_CLEAR]).s,
		    num_count(r->domain[k].n[EVIDENCE_IN][EVIDENCE_CLEAR]).s,
		    r->domain[k].last);
	more(out, r->ndomains);
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
}

/* --- Partners
 * ----------------------------------------------------------------- */

static void
put_agreement(
    const struct report *r, const struct report_partner *p, struct buf *out)
{
	const char *label = r->going_on ? "  agreed" : "  agreed now";
	const struct attributes *a;
	char day[NUM_TIME_MAX];

	if (p->p == NULL) {
		say(out, 16, label, "it is not in the registry now%s%.*s",
		    p->gone == 0 ? "" : ", since ", p->gone == 0 ? 0 : 10,
		    when(p->gone).s);
		return;
	}
	a = p->p->attributes;
	say(out, 16, label, "%s (%s), in force %s%s%s",
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
put_gateway(
    const struct report *r, const struct report_gateway *w, struct buf *out)
{
	static const char *const by[] = {
	    "", "", ", by CA and name", ", by DANE", ", by key"};
	char end[NUM_TIME_MAX], left[32] = "";

	say(out, 16, r->going_on ? "  gateway" : "  gateway now",
	    "%s %s: %s: %s%s; looked at %s",
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
	struct buf label = {0};
	size_t i;

	buf_putc(out, '\n');
	columns_name(&label, p->name, NAME, COLUMNS_KEPT);
	say(out, NAME, label.data, "%s: %s", report_state_name(p->state),
	    p->verdict);
	buf_free(&label);
	put_agreement(r, p, out);
	for (i = 0; i < p->ngateways; i++)
		put_gateway(r, &p->gateway[i], out);
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

/* If the record tells of none, and of what part of the period it can. */
static void
put_none(const struct report *r, struct buf *out)
{
	if (*r->unrecorded == '\0')
		buf_puts(out, "  none\n");
	else
		say(out, 2, "", "%s%s", r->recorded ? "none on record; " : "",
		    r->unrecorded);
}

static void
put_downgrades(const struct report *r, struct buf *out)
{
	const struct report_downgrade *d;
	size_t i;

	head(out, "DOWNGRADES");
	if (r->ndowngrades == 0)
		put_none(r, out);
	for (i = 0; i < some(r->ndowngrades); i++) {
		d = &r->downgrade[i];
		say(out, 4, "  ", "%s from %s to %s, %s until %s%s%s%s",
		    d->partner, level_name(d->before),
		    direction_lowered_to(d->direction, d->after),
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
	if (r->ndowngrades > 0)
		say(out, 4, "  ",
		    "what moved in the second of a change counts as under it");
	more(out, r->ndowngrades);
}

static void
put_rule(const struct report_rule_change *x, struct buf *out)
{
	say(out, 4, "  ", "%s %s: %s (%s); %s, event %" PRId64, when(x->time).s,
	    x->key, report_change_words(x), x->cause, x->author, x->event);
	say(out, 11, "      was", "%s", *x->was == '\0' ? "-" : x->was);
	say(out, 11, "      is", "%s", *x->is == '\0' ? "-" : x->is);
}

static void
put_changes(const struct report *r, struct buf *out)
{
	const struct report_rule_change *x;
	const struct report_seen_change *c;
	size_t i;

	head(out, "CHANGES OF RULES");
	if (r->nrules == 0)
		put_none(r, out);
	for (i = 0; i < some(r->nrules); i++) {
		x = &r->rule[i];
		if (*x->text != '\0')
			say(out, 4, "  ", "%s event %" PRId64 ", %s: %s%s",
			    when(x->time).s, x->event, x->author, x->text,
			    x->is);
		else
			put_rule(x, out);
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

static void
put_own(const struct report *r, struct buf *out)
{
	const struct report_own *o;
	size_t i;

	head(out, "OUR OWN SIDE");
	if (r->nown == 0)
		buf_puts(
		    out, "  not looked at: tlspact-setup check --record\n");
	else
		say(out, 2, "", "%sooked at on %s", r->own_old ? "OLD: l" : "L",
		    when(r->own_time).s);
	for (i = 0; i < r->nown; i++) {
		o = &r->own[i];
		say(out, 8, report_state_name(o->state), "%s%s%s: %s", o->what,
		    *o->name == '\0' ? "" : " ", o->name, o->text);
	}
}

/* --- What is not known, and how to verify
 * -------------------------------------------- */

/* The longest, then those that come again; at most a few lines. */
static void
put_quiets(const struct report *r, struct buf *out)
{
	const struct report_quiet *q;
	char span[CLOCK_MAX];
	uint64_t rest = 0;
	time_t longest = 0;
	size_t i;

	for (i = 0; i < r->nquiets && r->hours_known; i++) {
		q = &r->quiet[i];
		if (i >= QUIETS_MAX) {
			rest += q->n;
			if (q->end - q->begin > longest)
				longest = q->end - q->begin;
		} else if (q->n == 1) {
			say(out, 4, "  ", "none from %s to %s (%s)",
			    when(q->begin).s, when(q->end).s,
			    clock_span(q->end - q->begin, span));
		} else {
			say(out, 4, "  ",
			    "none from %s to %s %s, %.10s to %.10s: %s times",
			    when(q->begin).s + DATE, when(q->end).s + DATE,
			    report_each_day(q) ? "each day" : "on some days",
			    when(q->begin).s, when(q->last).s,
			    num_count(q->n).s);
		}
	}
	if (rest > 0)
		say(out, 4, "  ",
		    "and %s more, none longer than %s, which CSV and JSON have",
		    num_count(rest).s, clock_span(longest, span));
}

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
	put_quiets(r, out);
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
		    "%s: %" PRId64 " events; %s. To hold this report against "
		    "a later state of it:",
		    r->flaws == 0 ? "Whole" : "NOT WHOLE", r->head.count,
		    *r->unsealed != '\0' ? r->unsealed
					 : "the evidence was held against it");
	if (r->head.count > 0)
		columns_paragraph(out, "", 4, r->verify, true, COLUMNS_KEPT);
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

/* Of whom it is: "acme, enforced now", "17 partners, 13 enforced now". */
static void
put_whose(const struct report *r, struct buf *out)
{
	const char *now = r->going_on ? "" : " now";

	if (r->npartners == 1)
		buf_printf(out, "%s, %s%s", r->partner[0].name,
		    r->partner[0].p == NULL ? "no partner"
		    : r->nenforced == 1	    ? "enforced"
					    : "opportunistic",
		    r->partner[0].p == NULL ? " now" : now);
	else
		buf_printf(out, "%s partner%s, %s enforced%s",
		    num_count(r->nregistered).s, num_plural(r->nregistered),
		    num_count(r->nenforced).s, now);
}

static void
put_title(const struct report *r, struct buf *out)
{
	buf_printf(out, "tlspact: %s to %s (UTC)%s, made %s\n", r->from_day,
	    r->to_day, r->going_on ? ", not over" : "", when(r->now).s);
}

static void
put_text(const struct report *r, struct buf *out)
{
	struct buf whose = {0};
	size_t i;

	put_whose(r, &whose);
	say(out, ANSWER, report_state_name(r->state), "%s", r->summary);
	put_title(r, out);
	say(out, 2, "", "%s; registry %.16s; map of %s", whose.data,
	    *r->registry_digest == '\0' ? "not known" : r->registry_digest,
	    *r->map_fault == '\0' ? when(r->map_time).s : r->map_fault);
	buf_free(&whose);
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
	put_own(r, out);
	put_gaps(r, out);
	put_record(r, out);
	/* What stands first has left the screen. */
	buf_puts(out, "\nthe answers alone:\n");
	columns_paragraph(out, "", 4, r->answers, true, COLUMNS_KEPT);
}

/* --- In brief --------------------------------------------------------------
 */

static void
put_left(struct buf *out, size_t all, size_t shown)
{
	if (all > shown)
		buf_printf(
		    out, BELOW "and %s more (-v)\n", num_count(all - shown).s);
}

/* "12 mails, all encrypted", which they need not have been. */
static void
put_brief_moved(struct buf *out, const struct report_downgrade *d)
{
	uint64_t clear, mails = report_brief_moved(d, &clear);

	if (!d->moved_known)
		buf_puts(out, "not known how many mails");
	else if (mails == 0)
		buf_puts(out, "no mail");
	else if (clear == 0 || clear == mails)
		buf_printf(out, "%s mail%s, %s%s", num_count(mails).s,
		    num_plural(mails), mails == 1 ? "" : "all ",
		    clear == 0 ? "encrypted" : "in the clear");
	else
		buf_printf(out, "%s mails, %s of them in the clear",
		    num_count(mails).s, num_count(clear).s);
}

/* When and why a downgrade held, whose it was, what moved, and its end. */
static void
put_brief_downgrade(const struct report_downgrade *d, struct buf *out)
{
	const bool timed = d->closed == 0 || strcmp(d->closed_why, "end") == 0;
	struct buf moved = {0};

	put_brief_moved(&moved, d);
	say(out, ANSWER, BELOW,
	    "%s %s to %s, to %s by %s%s%s%s%s: \"%s\"; %s; %s%s%s", d->partner,
	    when(d->begin).s, when(d->over).s,
	    direction_lowered_to(d->direction, d->after), d->author,
	    *d->sudo_user == '\0' ? "" : " for ", d->sudo_user,
	    *d->ticket == '\0' ? "" : ", ticket ", d->ticket, d->reason,
	    moved.data,
	    d->open ? "open"
	    : timed ? "its time was up"
		    : d->closed_by,
	    d->open || timed || *d->closed_why == '\0' ? "" : ": ",
	    d->open || timed ? "" : d->closed_why);
	buf_free(&moved);
}

/* To whom mail went in the clear, a line each. */
static void
put_brief_clear(
    const struct report *r, const struct report_brief *b, struct buf *out)
{
	char label[ANSWER + sizeof(struct num_count) + 4];
	size_t i;

	for (i = 0; i < b->nclear; i++) {
		(void)snprintf(label, sizeof(label), BELOW "%7s  ",
		    num_count(b->clear[i]->n).s);
		say(out, strlen(label), label, "%s%s%s", b->clear[i]->name,
		    report_brief_partner(r, b->clear[i]) ? ", a partner" : "",
		    b->clear[i]->held	   ? ", held to TLS"
		    : b->clear[i]->lowered ? ", under a downgrade"
					   : "");
	}
	if (r->clear_others > 0)
		buf_printf(out,
		    BELOW "%7s  others (domains not kept by name)\n",
		    num_count(r->clear_others).s);
}

/*
 * That all is well needs no numbers of what is not; but of mail in the clear
 * it is said whose. What is listed below goes without.
 */
static void
put_brief_answer(const struct report *r, const struct report_answer *a,
    const struct report_brief *b, bool each, struct buf *out)
{
	const bool clear = each && strcmp(a->about, "clear") == 0,
		   lowered =
		       b->ndowngrades > 0 && strcmp(a->about, "lowered") == 0;
	const char *detail = a->detail;
	size_t i;

	if ((a->state == REPORT_GOOD && a->number[REPORT_N_CLEAR] <= 0) ||
	    (clear && r->nclear > 0) || lowered)
		detail = "";
	say(out, ANSWER, report_state_name(a->state), "%s %s%s%s", a->question,
	    a->answer, *detail == '\0' ? "" : "; ", detail);
	if (clear)
		put_brief_clear(r, b, out);
	if (!lowered)
		return;
	for (i = 0; i < b->ndowngrades; i++)
		put_brief_downgrade(b->downgrade[i], out);
	put_left(out, r->ndowngrades, b->ndowngrades);
}

/* What else there is, the worst of it, and the commands that tell it. */
static void
put_brief_rest(
    const struct report *r, const struct report_brief *b, struct buf *out)
{
	size_t i;

	buf_printf(out, "\nNEEDS ATTENTION: %s", num_count(b->notes).s);
	if (b->now > 0)
		buf_printf(out, ", and %s as of now", num_count(b->now).s);
	buf_putc(out, '\n');
	for (i = 0; i < b->nnotes; i++)
		put_note(b->note[i], out);
	put_left(out, b->notes, b->nnotes);
	if (b->left > 0) {
		buf_puts(out, "with each of those that are more:\n");
		columns_paragraph(out, "", 4, r->each, true, COLUMNS_KEPT);
	}
	buf_puts(out, "all of it:\n");
	columns_paragraph(out, "", 4, r->again, true, COLUMNS_KEPT);
}

/* Of one partner it is not said what it had no mail of, if it had some. */
static bool
is_void(const struct report *r, const struct report_answer *a)
{
	return r->npartners == 1 && a->state == REPORT_OPEN &&
	       a->number[REPORT_N_MAILS] == 0 &&
	       a->number[REPORT_N_KEPT] == 0 &&
	       a->number[REPORT_N_RULE_UNKNOWN] <= 0 &&
	       report_mails(&r->all[EVIDENCE_IN].mail) +
		       report_mails(&r->all[EVIDENCE_OUT].mail) >
		   0;
}

/* What is so now is counted alone: it is no answer about mail that moved. */
static void
put_brief(const struct report *r, struct buf *out)
{
	struct report_brief b;
	size_t i;

	report_brief_of(&b, r, r->all_named);
	say(out, ANSWER, report_state_name(r->state), "%s", r->summary);
	put_title(r, out);
	buf_puts(out, "  ");
	put_whose(r, out);
	buf_puts(out, "\n\n");
	for (i = 0; i < r->nanswers; i++)
		if (!r->answer[i].now && !is_void(r, &r->answer[i]))
			put_brief_answer(
			    r, &r->answer[i], &b, r->all_named, out);
	put_brief_rest(r, &b, out);
	report_brief_release(&b);
}

const struct reportformat reporttext = {"text", put_text, true, false, true};

const struct reportformat reporttext_brief = {
    "brief", put_brief, true, false, true};
