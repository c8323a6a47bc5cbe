/*
 * What follows from the facts: answers, what needs attention, who could be
 * enforced, and which of the facts that auditors ask for are shown.
 */
#include "reportsay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fault.h"
#include "mem.h"
#include "num.h"
#include "reading.h"
#include "registry.h"

#define READY_DAYS 30 /* without clear text, before it may be enforced */
#define ANSWERS_MAX 12

/* --- Words --------------------------------------------------------------- */

static bool
is_enforced(const struct report_partner *p)
{
	return p->full > LEVEL_OPPORTUNISTIC;
}

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

/* Whole days of the last ones that have no log; some nights have no line. */
static uint64_t
days_unread(const struct report *r)
{
	time_t from = r->to - (time_t)READY_DAYS * CLOCK_DAY, begin;
	uint64_t days = 0;
	size_t i;

	for (i = 0; r->hours_known && i < r->ngaps; i++) {
		begin = r->gap[i].begin > from ? r->gap[i].begin : from;
		if (r->gap[i].end > begin)
			days += (uint64_t)(r->gap[i].end - begin) / CLOCK_DAY;
	}
	return days;
}

static bool
gateways_ready(struct reading *g, struct report_partner *p)
{
	const struct report_gateway *w;
	enum fault fault;
	size_t i;

	if (p->ngateways == 0) {
		not_ready(p, REPORT_OURS,
		    "no probe has looked at its gateways: tlspact-probe");
		return false;
	}
	for (i = 0; i < p->ngateways; i++) {
		w = &p->gateway[i];
		if (w->state == REPORT_OPEN || *w->would == '\0') {
			not_ready(p, REPORT_OURS,
			    reading_printf(g,
				"%s was not looked at lately, or not as if it "
				"were enforced: tlspact-probe --enforce %s",
				*w->host == '\0' ? w->nexthop : w->host,
				p->name));
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
	uint64_t mails, clear, unread = days_unread(r);
	uint32_t day = 0;

	if (p->p == NULL || is_enforced(p) || !gateways_ready(g, p))
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
	enum report_state gateways = gateways_state(p);

	if (failed > 0)
		say_partner(p, REPORT_BAD,
		    reading_printf(g, "%s mail%s with less than was demanded",
			reading_count(g, failed).s, num_plural(failed)));
	else if (gateways == REPORT_BAD)
		say_partner(p, REPORT_BAD, "a gateway fails");
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
	if (p->p == NULL || !is_enforced(p))
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

	for (i = 0; i < p->ngateways && is_enforced(p); i++) {
		w = &p->gateway[i];
		if (w->state == REPORT_GOOD)
			continue;
		n = note(g, w->state, p->name,
		    w->state == REPORT_OPEN ? REPORT_OURS : REPORT_THEIRS);
		n->text = reading_printf(g, "%s%s%s: %s",
		    *w->host == '\0' ? w->nexthop : w->host,
		    *w->address == '\0' ? "" : " ", w->address, w->word);
		if (w->state == REPORT_OPEN)
			n->next =
			    reading_printf(g, "tlspact-probe %s", p->name);
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
		note(g, REPORT_WATCH, p->name, REPORT_OURS)->text =
		    reading_printf(g,
			"the agreement was to be reviewed on %.10s",
			num_time_text(a->review, day));
	if (is_enforced(p) && p->p->contact == NULL)
		note(g, REPORT_WATCH, p->name, REPORT_OURS)->text =
		    "enforced, and the registry has no contact";
	if (p->level_known && p->level < p->full) {
		size_t i;

		for (i = 0; i < g->r->ndowngrades; i++)
			if (g->r->downgrade[i].open &&
			    g->r->downgrade[i].partner == p->name)
				return;
		note(g, REPORT_BAD, p->name, REPORT_OURS)->text =
		    reading_printf(g,
			"the map has %s in force, the registry asks for %s",
			level_name(p->level), level_name(p->full));
	}
}

static void
note_mail(struct reading *g, const struct report_partner *p)
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
	if (is_enforced(p) &&
	    report_mails(&p->way[EVIDENCE_IN].mail) +
		    report_mails(&p->way[EVIDENCE_OUT].mail) ==
		0)
		note(g, REPORT_OPEN, p->name, REPORT_TIME)->text =
		    "no mail in this period: nothing is proven";
}

static void
note_downgrades(struct reading *g)
{
	const struct report_downgrade *d;
	struct report_note *n;
	char end[NUM_TIME_MAX];
	size_t i;

	for (i = 0; i < g->r->ndowngrades; i++) {
		d = &g->r->downgrade[i];
		if (!d->open)
			continue;
		n = note(g, REPORT_WATCH, d->partner, REPORT_OURS);
		n->text =
		    reading_printf(g, "lowered from %s to %s until %s: %s",
			level_name(d->before), level_name(d->after),
			num_time_text(d->end, end), d->reason);
		n->next = reading_printf(g, "tlspactctl status %s", d->partner);
	}
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
		n->next = "tlspactctl history --check";
	}
	if (*r->map_fault != '\0')
		note(g, REPORT_BAD, "", REPORT_OURS)->text = reading_printf(
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

/* --- Answers ---------------------------------------------------------------
 */

static struct report_answer *
answer(struct report *r, enum report_state state, const char *question,
    const char *text)
{
	struct report_answer *a = &r->answer[r->nanswers++];

	*a = (struct report_answer){
	    .question = question, .answer = text, .detail = "", .state = state};
	return a;
}

/* Was mail of a direction as agreed, of whom more is agreed than to try? */
static void
answer_kept(
    struct reading *g, enum evidence_direction way, const char *question)
{
	const struct report_mail *m = &g->r->all[way].mail;
	const struct report_kept *k = &m->kept;
	uint64_t all = k->required_kept + k->required_failed + m->lowered_free;
	uint64_t good = k->required_kept - m->lowered_kept;
	char share[REPORT_PERCENT_MAX];
	enum report_state state = REPORT_GOOD;
	struct report_answer *a;

	if (all == 0) {
		answer(g->r, REPORT_OPEN, question,
		    k->unknown > 0 ? "not known: the rule of that time is not "
				     "on record"
				   : "no such mail was counted");
		return;
	}
	if (k->required_failed > 0)
		state = REPORT_BAD;
	else if (m->lowered > 0)
		state = REPORT_WATCH;
	else if (k->unknown > 0)
		state = REPORT_OPEN;
	a = answer(g->r, state, question,
	    reading_printf(g, "%s: %s of %s mail%s",
		report_percent(good, all, share), reading_count(g, good).s,
		reading_count(g, all).s, num_plural(all)));
	a->detail = reading_printf(g,
	    "%s under a downgrade, %s with less than was demanded, %s of "
	    "unknown "
	    "rule",
	    reading_count(g, m->lowered).s,
	    reading_count(g, k->required_failed).s,
	    reading_count(g, k->unknown).s);
}

/* That there was none is known of the time that a whole record covers. */
static void
answer_downgrades(struct reading *g)
{
	static const char question[] = "Was any Enforced partner lowered?";
	const struct report *r = g->r;
	uint64_t mails = r->all[EVIDENCE_IN].mail.lowered +
			 r->all[EVIDENCE_OUT].mail.lowered;
	char begin[NUM_TIME_MAX];
	size_t i, open = 0;

	for (i = 0; i < r->ndowngrades; i++)
		open += r->downgrade[i].open;
	if (r->ndowngrades > 0)
		answer(g->r, REPORT_WATCH, question,
		    reading_printf(g, "%s downgrade%s, %s of them now",
			reading_count(g, r->ndowngrades).s,
			num_plural(r->ndowngrades), reading_count(g, open).s));
	else if (r->head.count == 0)
		answer(g->r, REPORT_OPEN, question, "there is no record yet");
	else if (mails > 0)
		answer(g->r, REPORT_BAD, question,
		    reading_printf(g,
			"%s mail%s under a downgrade that the record "
			"does not have",
			reading_count(g, mails).s, num_plural(mails)));
	else if (r->flaws > 0)
		answer(g->r, REPORT_OPEN, question,
		    "not known: the record is not whole");
	else if (r->record_begins > r->from)
		answer(g->r, REPORT_OPEN, question,
		    reading_printf(g, "not since the record begins, at %s",
			num_time_text(r->record_begins, begin)));
	else
		answer(g->r, REPORT_GOOD, question, "no");
}

static void
answer_gateways(struct reading *g)
{
	static const char question[] =
	    "Do the gateways of Enforced partners pass?";
	const struct report_partner *p;
	size_t i, k, n[REPORT_BAD + 1] = {0}, all = 0, none = 0;
	struct report_answer *a;

	for (i = 0; i < g->r->npartners; i++) {
		p = &g->r->partner[i];
		if (!is_enforced(p))
			continue;
		none += p->ngateways == 0;
		for (k = 0; k < p->ngateways; k++, all++)
			n[p->gateway[k].state]++;
	}
	if (all == 0) {
		answer(g->r, REPORT_OPEN, question, "not looked at");
		return;
	}
	a = answer(g->r,
	    n[REPORT_BAD] > 0		     ? REPORT_BAD
	    : n[REPORT_WATCH] > 0	     ? REPORT_WATCH
	    : n[REPORT_OPEN] > 0 || none > 0 ? REPORT_OPEN
					     : REPORT_GOOD,
	    question,
	    reading_printf(g, "%s of %s pass",
		reading_count(g, n[REPORT_GOOD]).s, reading_count(g, all).s));
	a->detail = reading_printf(g,
	    "%s fail, %s to be looked at, %s not looked at lately; %s "
	    "partner%s without any look",
	    reading_count(g, n[REPORT_BAD]).s,
	    reading_count(g, n[REPORT_WATCH]).s,
	    reading_count(g, n[REPORT_OPEN]).s, reading_count(g, none).s,
	    num_plural(none));
}

static void
answer_opportunistic(struct reading *g)
{
	static const char question[] =
	    "How much Opportunistic mail was encrypted?";
	char share[REPORT_PERCENT_MAX];
	uint64_t good = 0, all = 0;
	const struct report_mail *m;
	unsigned w;

	for (w = 0; w < REPORT_WAYS; w++) {
		m = &g->r->all[w].mail;
		/* What an Enforced partner had under a downgrade is not. */
		good += m->kept.preferred_kept -
			(m->lowered_free - m->lowered_clear);
		all += m->kept.preferred_kept + m->kept.preferred_failed -
		       m->lowered_free;
	}
	if (all == 0)
		answer(g->r, REPORT_OPEN, question, "no such mail was counted");
	else
		answer(g->r, good == all ? REPORT_GOOD : REPORT_WATCH, question,
		    reading_printf(g, "%s: %s of %s mail%s",
			report_percent(good, all, share),
			reading_count(g, good).s, reading_count(g, all).s,
			num_plural(all)));
}

static void
answer_record(struct reading *g)
{
	static const char question[] =
	    "Is the record whole, and the evidence as it says?";
	const struct report *r = g->r;

	struct report_answer *a;

	if (r->head.count == 0) {
		answer(g->r, REPORT_OPEN, question, "there is none yet");
		return;
	}
	a = answer(g->r,
	    r->flaws > 0	  ? REPORT_BAD
	    : r->evidence_checked ? REPORT_GOOD
				  : REPORT_OPEN,
	    question,
	    r->flaws > 0 ? reading_printf(g, "no: %zu flaw%s", r->flaws,
			       num_plural(r->flaws))
			 : reading_printf(g, "yes: %s events",
			       reading_count(g, (uint64_t)r->head.count).s));
	a->detail = r->evidence_checked ? "the evidence is as it says"
		    : g->evidence == NULL
			? "there is no evidence to hold against it"
			: "the evidence was not held against it: --check";
}

static void
answer_gaps(struct reading *g)
{
	static const char question[] = "Was all of the log read?";
	const struct report *r = g->r;
	char share[REPORT_PERCENT_MAX];

	if (!r->hours_known)
		answer(g->r, REPORT_OPEN, question,
		    "not known: the hours read are not on record");
	else
		answer(g->r,
		    r->hours_read < r->hours || r->hours == 0 ? REPORT_OPEN
							      : REPORT_GOOD,
		    question,
		    reading_printf(g, "%s of %s hours have lines (%s)",
			reading_count(g, r->hours_read).s,
			reading_count(g, r->hours).s,
			report_percent(r->hours_read, r->hours, share)));
}

static void
answer_ready(struct reading *g)
{
	const struct report *r = g->r;
	size_t i, ready = 0, all = 0;

	for (i = 0; i < r->npartners; i++) {
		ready += r->partner[i].ready == REPORT_READY;
		all += r->partner[i].ready != REPORT_IS_ENFORCED;
	}
	if (all > 0)
		answer(g->r, REPORT_OPEN, "Who could be Enforced today?",
		    reading_printf(g, "%s of %s Opportunistic partner%s",
			reading_count(g, ready).s, reading_count(g, all).s,
			num_plural(all)));
}

/* --- Facts -----------------------------------------------------------------
 */

/* In the order in which auditors count them. */
enum {
	FACT_AGREEMENT,
	FACT_CONTACTS,
	FACT_RULES,
	FACT_MAIL,
	FACT_KEPT,
	FACT_PROTOCOL,
	FACT_CIPHER,
	FACT_GROUP,
	FACT_PROOF,
	FACT_NAMES,
	FACT_RESOLVER,
	FACT_TLSA,
	FACT_MTA_STS,
	FACT_TLSRPT,
	FACT_ISSUER,
	FACT_EXPIRY,
	FACT_NEGATIVE,
	FACT_DOWNGRADES,
	FACT_FAILURES,
	FACT_OURS,
	FACT_LEGS,
	FACT_GAPS,
	FACT_INTEGRITY,
	FACT_PRIVACY,
	FACT_TOLD,
	FACT_LIST,
};

/* What is never looked at here has its reason, and no place. */
static const struct report_fact facts[REPORT_FACTS] = {
    {"agreement with each partner: mode, ticket, review date", 0, "partners",
	""},
    {"contacts of both sides", 0, "partners", ""},
    {"the rule in force, and every change of it", 0, "rules", ""},
    {"messages by direction: clear, encrypted, trusted, verified", 0, "mail",
	""},
    {"required and preferred, kept and failed, as of that day", 0, "mail", ""},
    {"protocol versions", 0, "mail", ""},
    {"ciphers, with forward secrecy", 0, "mail", ""},
    {"key-exchange groups and signatures, post-quantum share", 0, "mail", ""},
    {"by what servers were authenticated", 0, "mail", ""},
    {"how the names of gateways are known", 0, "partners", ""},
    {"our resolver validates DNSSEC", 0, "gateways", ""},
    {"TLSA records there, used, failed", 0, "gateways", ""},
    {"MTA-STS policy, mode, MX matched", 0, "",
	"not looked at: Postfix does not use it"},
    {"TLS reports sent, received, evaluated", 0, "", "not looked at"},
    {"issuing CA of each gateway", 0, "gateways", ""},
    {"expiry, life and purposes of the whole chain", 0, "gateways", ""},
    {"negative test: Enforced refuses a wrong server", 0, "partners",
	"not looked at"},
    {"each downgrade: who, why, how long, and mail under it", 0, "downgrades",
	""},
    {"failures by class, and how long mail waited", 0, "failures", ""},
    {"our own side: certificate, protocols, TLSA, reports", 0, "",
	"not looked at: tlspact-setup check tells of now"},
    {"the legs behind a partner's outsourcer", 0, "partners", ""},
    {"gaps: hours and hosts without a log; no mail", 0, "gaps", ""},
    {"integrity: head of the chain, how to verify", 0, "record", ""},
    {"no personal data; how long rows are kept", 0, "record", ""},
    {"who was told what, and when", 0, "notices", ""},
    {"list of partners, and what each meets", 0, "partners", ""},
};

static void
fact(struct report *r, unsigned which, bool shown, bool whole, const char *why)
{
	struct report_fact *f = &r->fact[which];

	f->state = !shown ? REPORT_OPEN : whole ? REPORT_GOOD : REPORT_WATCH;
	if (!shown || !whole)
		f->text = why;
}

static void
facts_of_partners(struct reading *g)
{
	struct report *r = g->r;
	size_t i, unreviewed = 0, silent = 0, alone = 0;
	const struct report_partner *p;
	bool any = r->npartners > 0;

	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		if (p->p == NULL || !is_enforced(p))
			continue;
		unreviewed += p->p->attributes->review == 0 ||
			      p->p->attributes->ticket == NULL;
		silent += p->p->contact == NULL;
		alone += p->ngateways == 0;
	}
	fact(r, FACT_AGREEMENT, any, unreviewed == 0,
	    any ? reading_printf(g,
		      "%s enforced partner%s without ticket or review date",
		      reading_count(g, unreviewed).s, num_plural(unreviewed))
		: "no partner");
	fact(r, FACT_CONTACTS, any, silent == 0,
	    any ? reading_printf(g, "%s enforced partner%s without a contact",
		      reading_count(g, silent).s, num_plural(silent))
		: "no partner");
	fact(r, FACT_NAMES, any, true, "no partner");
	fact(r, FACT_LIST, any, true, "no partner");
	fact(r, FACT_ISSUER, r->ngateways > 0, alone == 0,
	    "not every enforced partner was looked at: tlspact-probe");
	fact(r, FACT_EXPIRY, r->ngateways > 0, alone == 0,
	    "not every enforced partner was looked at: tlspact-probe");
}

/* Of enforced partners, those that were tried; of those with a provider, those
 * whose legs a traced mail told. */
static void
facts_of_tests(struct reading *g)
{
	const struct report_partner *p;
	struct report *r = g->r;
	size_t i, k, all = 0, tried = 0, behind = 0, traced = 0;

	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		if (p->p == NULL || !is_enforced(p))
			continue;
		all++;
		for (k = 0; k < r->nonboards; k++)
			if (r->onboard[k].partner == p->name)
				tried +=
				    strcmp(r->onboard[k].refusal, "done") == 0;
		if (p->p->provider == REGISTRY_NONE)
			continue;
		behind++;
		for (k = 0; k < r->nlegs; k++)
			if (r->leg[k].partner == p->name)
				break;
		traced += k < r->nlegs;
	}
	fact(r, FACT_NEGATIVE, tried > 0, tried == all,
	    tried == 0
		? "not looked at: tlspactctl onboard"
		: reading_printf(g, "%s of %s enforced partners",
		      reading_count(g, tried).s, reading_count(g, all).s));
	fact(r, FACT_LEGS, traced > 0 || r->nlegs > 0, traced == behind,
	    r->nlegs == 0
		? "not looked at: tlspact-trace --record"
		: reading_printf(g, "%s of %s with a provider",
		      reading_count(g, traced).s, reading_count(g, behind).s));
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

/* What DNS said when gateways were looked at. */
static void
facts_of_dns(struct reading *g)
{
	struct report *r = g->r;
	size_t i, looked = 0, secure = 0, asked = 0;

	for (i = 0; i < r->ngateways; i++) {
		looked += *r->gateway[i].dnssec != '\0';
		secure += strcmp(r->gateway[i].dnssec, "secure") == 0;
		asked += *r->gateway[i].tlsa != '\0';
	}
	fact(r, FACT_RESOLVER, secure > 0, true,
	    looked > 0 ? "no signed name was met; tlspact-setup check asks it"
		       : "not looked at; tlspact-setup check asks it");
	fact(r, FACT_TLSA, asked > 0, asked == r->ngateways,
	    asked > 0 ? "not of every gateway" : "not looked at");
}

static void
facts_of_mail(struct report *r)
{
	const struct report_way *in = &r->all[EVIDENCE_IN];
	const struct report_way *out = &r->all[EVIDENCE_OUT];
	bool mail = report_mails(&in->mail) + report_mails(&out->mail) > 0;
	bool tls = in->protocol.n + out->protocol.n > 0;
	size_t i;

	fact(r, FACT_MAIL, mail, true, "no mail was counted");
	fact(r, FACT_KEPT, mail, r->rule_unknown == 0,
	    mail ? "of some mail the rule of its time is not known"
		 : "no mail was counted");
	fact(r, FACT_PROTOCOL, tls, true, "no mail was encrypted");
	fact(r, FACT_CIPHER, tls, in->secret_unknown + out->secret_unknown == 0,
	    tls ? "of some mail the cipher is not known"
		: "no mail was encrypted");
	fact(r, FACT_GROUP, in->exchange.n + out->exchange.n > 0, true,
	    "the log does not tell: smtp_tls_loglevel = 1 of Postfix 3.4");
	fact(r, FACT_PROOF, out->proof.n > 0, true, "no mail was verified");
	for (i = 0; i < out->proof.n; i++)
		if (*out->proof.v[i].name == '\0')
			fact(r, FACT_PROOF, true, false,
			    "of some mail it is not known");
}

static void
facts_of_record(struct reading *g)
{
	struct report *r = g->r;
	bool record = r->head.count > 0, moved = true;
	size_t i;

	for (i = 0; i < r->ndowngrades; i++)
		moved = moved && r->downgrade[i].moved_known;
	fact(r, FACT_RULES, record, r->rules_more == 0,
	    record
		? reading_printf(g, "%s change%s that the record only counts",
		      reading_count(g, r->rules_more).s,
		      num_plural(r->rules_more))
		: "there is no record yet");
	fact(r, FACT_DOWNGRADES, record, moved,
	    record ? "of some the mail under it was not counted"
		   : "there is no record yet");
	fact(r, FACT_FAILURES, r->hours_read > 0, true, "no log was read");
	fact(r, FACT_GAPS, r->hours_known, true,
	    "the hours read are not on record");
	fact(r, FACT_INTEGRITY, record, r->flaws == 0 && r->evidence_checked,
	    !record	   ? "there is no record yet"
	    : r->flaws > 0 ? "the record is not whole"
			   : "the evidence was not held against the record: "
			     "--check");
	fact(r, FACT_PRIVACY, true, true, "");
	fact(r, FACT_TOLD, record, true, "there is no record yet");
}

void
reading_conclude(struct reading *g)
{
	struct report *r = g->r;
	struct report_partner *p;
	size_t i;

	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		p->names = names_by(p);
		conclude_ready(g, p);
		/* One that is gone may have been. */
		if (is_enforced(p) || p->ndowngrades > 0 ||
		    p->way[EVIDENCE_OUT].mail.kept.required_kept > 0)
			conclude_enforced(g, p);
		else
			conclude_opportunistic(g, p);
		note_mail(g, p);
		note_gateways(g, p);
		if (p->p != NULL)
			note_agreement(g, p);
	}
	note_legs(g);
	note_downgrades(g);
	note_ours(g);
	sort_notes(r);
	r->answer = mem_zero(ANSWERS_MAX, sizeof(*r->answer));
	answer_kept(g, EVIDENCE_OUT,
	    "Was all mail to Enforced partners encrypted and authenticated as "
	    "agreed?");
	answer_kept(
	    g, EVIDENCE_IN, "Was all mail from Enforced partners encrypted?");
	answer_downgrades(g);
	answer_gateways(g);
	answer_opportunistic(g);
	answer_ready(g);
	answer_gaps(g);
	answer_record(g);
	memcpy(r->fact, facts, sizeof(facts));
	facts_of_partners(g);
	facts_of_dns(g);
	facts_of_tests(g);
	facts_of_mail(r);
	facts_of_record(g);
}
