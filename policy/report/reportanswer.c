/*
 * The questions that are asked first, and what the facts answer.
 */
#include "reportanswer.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "reading.h"

#define ANSWERS_MAX 12

enum question {
	SENT,
	RECEIVED,
	CLEAR,
	LOWERED,
	GATEWAYS,
	OPPORTUNISTIC,
	READY,
	LOG,
	RECORD
};

static const struct {
	const char *about, *question;
	bool now;
} asked[] = {
    [SENT] = {"sent",
	"Was all mail to Enforced partners encrypted and authenticated as "
	"agreed?",
	false},
    [RECEIVED] = {"received",
	"Was all mail from Enforced partners encrypted as agreed?", false},
    [CLEAR] = {"clear", "To whom did mail go in the clear?", false},
    [LOWERED] = {"lowered", "Was any Enforced partner lowered?", false},
    [GATEWAYS] = {"gateways", "Do the gateways of Enforced partners pass?",
	true},
    [OPPORTUNISTIC] = {"opportunistic",
	"How much Opportunistic mail was encrypted?", false},
    [READY] = {"ready", "Who could be Enforced today?", true},
    [LOG] = {"log", "Was all of the log read?", false},
    [RECORD] = {"record", "Is the record whole, and the evidence as it says?",
	false},
};

static struct report_answer *
answer(struct report *r, enum report_state state, enum question question,
    const char *text)
{
	struct report_answer *a = &r->answer[r->nanswers++];
	size_t i;

	*a = (struct report_answer){.question = asked[question].question,
	    .answer = text,
	    .detail = "",
	    .state = state,
	    .now = asked[question].now,
	    .about = asked[question].about};
	for (i = 0; i < REPORT_NUMBERS; i++)
		a->number[i] = -1;
	return a;
}

/* With the answer that was given last. */
static void
number(struct report *r, enum report_number what, uint64_t n)
{
	r->answer[r->nanswers - 1].number[what] = (int64_t)n;
}

/* What was not read of the period, "" if nothing of it. */
static const char *
say_unread(struct reading *g)
{
	const uint64_t n = reading_days_unread(g->r, g->r->from);

	if (!g->r->hours_known)
		return "the hours read are not on record";
	return n == 0 ? ""
		      : reading_printf(g, "%s day%s no log",
			    reading_count(g, n).s, n == 1 ? " has" : "s have");
}

/* --- Mail in the clear ---------------------------------------------------- */

#define PARTNERS_NAMED REPORT_PARTNERS_NAMED

/* Who had mail in the clear, and how many of them the answer names. */
struct recipients {
	struct report_recipient *v;
	size_t n, max;
};

/* To whom mail went in the clear. Others: domains that the counts join. */
struct clear {
	uint64_t mails, others;
	struct recipients partners, domains;
};

static struct report_recipient *
room_for(struct reading *g, size_t n)
{
	return arena_alloc(
	    &g->r->arena, (n + 1) * sizeof(struct report_recipient));
}

/* In the clear though it was held to TLS. */
static uint64_t
held_clear(const struct report_mail *m)
{
	uint64_t n = 0;
	unsigned rule;

	for (rule = LEVEL_ENCRYPT; rule < REPORT_RULE_UNKNOWN; rule++)
		n += m->n[rule][EVIDENCE_CLEAR];
	return n;
}

/* n mails of m; NULL: nothing was asked of them. */
static void
add_clear(struct recipients *to, const char *name, uint64_t n,
    const struct report_mail *m)
{
	if (n > 0)
		to->v[to->n++] = (struct report_recipient){.name = name,
		    .n = n,
		    .held = m != NULL && held_clear(m) > 0,
		    .lowered = m != NULL && m->lowered_clear > 0};
}

/* Those first of whose mail some was held to TLS, or lowered; by number. */
static int
compare_clear(const void *a, const void *b)
{
	const struct report_recipient *x = a, *y = b;

	if (x->held != y->held)
		return x->held ? -1 : 1;
	if (x->lowered != y->lowered)
		return x->lowered ? -1 : 1;
	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
sort_clear(struct recipients *to)
{
	if (to->n > 0)
		qsort(to->v, to->n, sizeof(*to->v), compare_clear);
}

/*
 * Mail out in the clear to partners that were Enforced then, lowered or not; -1
 * where the rule of that time is not known.
 */
static int64_t
enforced_clear(const struct report *r)
{
	const struct report_mail *m = &r->all[EVIDENCE_OUT].mail;
	const uint64_t n = held_clear(m) + m->lowered_clear;

	return n == 0 && m->n[REPORT_RULE_UNKNOWN][EVIDENCE_CLEAR] > 0
		   ? -1
		   : (int64_t)n;
}

/* The same behind the number of all: ", none to an Enforced partner". */
static const char *
say_enforced(struct reading *g)
{
	const struct report_mail *m = &g->r->all[EVIDENCE_OUT].mail;
	const int64_t n = enforced_clear(g->r);
	const bool one = reading_one(g) != NULL;

	/* One that never was is told with the first question. */
	if (n < 0 || (one && n == 0 &&
			 m->kept.required_kept + m->kept.required_failed == 0))
		return "";
	return reading_printf(g, ", %s %s",
	    n == 0 ? "none" : reading_count(g, (uint64_t)n).s,
	    one	     ? "while it was Enforced"
	    : n <= 1 ? "to an Enforced partner"
		     : "to Enforced partners");
}

static void
find_clear(struct reading *g, struct clear *c)
{
	struct report *r = g->r;
	const struct report_mail *m;
	uint64_t n, named = 0;
	size_t i;

	*c = (struct clear){
	    .mails = report_seen(&r->all[EVIDENCE_OUT].mail, EVIDENCE_CLEAR),
	    .partners.max = PARTNERS_NAMED,
	    .domains.max = REPORT_DOMAINS_NAMED};
	c->partners.v = r->clear = room_for(g, r->npartners + r->ndomains);
	for (i = 0; i < r->npartners; i++) {
		m = &r->partner[i].way[EVIDENCE_OUT].mail;
		n = report_seen(m, EVIDENCE_CLEAR);
		add_clear(&c->partners, r->partner[i].name, n, m);
		named += n;
	}
	c->domains.v = r->clear + c->partners.n;
	for (i = 0; i < r->ndomains; i++) {
		n = r->domain[i].n[EVIDENCE_OUT][EVIDENCE_CLEAR];
		add_clear(&c->domains, r->domain[i].name, n, NULL);
		named += n;
	}
	sort_clear(&c->partners);
	sort_clear(&c->domains);
	r->clear_partners = c->partners.n;
	r->nclear = c->partners.n + c->domains.n;
	c->others = r->clear_others = c->mails - named;
}

/* "3 partners, 5 domains of no partner and others". */
static const char *
say_whom(struct reading *g, const struct clear *c)
{
	const uint64_t np = c->partners.n, nd = c->domains.n;
	const bool others = c->others > 0;
	const char *partners = "", *domains = "";

	if (np > 0)
		partners = reading_printf(g, "%s partner%s%s",
		    reading_count(g, np).s, num_plural(np),
		    nd > 0   ? (others ? ", " : " and ")
		    : others ? " and "
			     : "");
	if (nd > 0)
		domains = reading_printf(g, "%s domain%s of no partner%s",
		    reading_count(g, nd).s, num_plural(nd),
		    others ? " and " : "");
	return reading_printf(
	    g, "%s%s%s", partners, domains, others ? "others" : "");
}

/* Right behind text: "news.example 24, oldshop.example 21 and 5 more". */
static const char *
say_worst(struct reading *g, const struct recipients *to, const char *text)
{
	size_t i;

	for (i = 0; i < to->max && i < to->n; i++)
		text = reading_printf(g, "%s%s%s %s%s", text,
		    i == 0			       ? ""
		    : i < to->n - 1 || to->n > to->max ? ", "
						       : " and ",
		    to->v[i].name, reading_count(g, to->v[i].n).s,
		    to->v[i].held      ? " (held to TLS)"
		    : to->v[i].lowered ? " (under a downgrade)"
				       : "");
	return to->n <= to->max ? text
				: reading_printf(g, "%s and %s more", text,
				      reading_count(g, to->n - to->max).s);
}

/*
 * Partners, then domains, then the rest. Names of strangers stand in the detail
 * alone: a bundle for support has the answers.
 */
static const char *
say_named(struct reading *g, const struct clear *c)
{
	const char *text = say_worst(g, &c->partners, "");

	if (c->partners.n > 0 && c->domains.n > 0)
		text = reading_printf(g, "%s; ", text);
	text = say_worst(g, &c->domains, text);

	if (c->others == 0)
		return text;
	return reading_printf(g, "%s%sothers (domains not kept by name) %s",
	    text, *text == '\0' ? "" : "; ", reading_count(g, c->others).s);
}

/* That it was nobody is known of the time that was read. */
static void
answer_nobody(struct reading *g)
{
	const char *unread = say_unread(g);

	if (report_mails(&g->r->all[EVIDENCE_OUT].mail) == 0)
		answer(g->r, REPORT_OPEN, CLEAR, "no such mail was counted");
	else if (*unread != '\0')
		answer(g->r, REPORT_OPEN, CLEAR, "nobody as far as is known")
		    ->detail = unread;
	else
		answer(g->r, REPORT_GOOD, CLEAR, "nobody");
}

/* The partner that was asked for had a domain not all the time. */
static void
answer_before(struct reading *g)
{
	struct report_answer *a = &g->r->answer[g->r->nanswers - 1];
	const struct report_partner *p =
	    reading_one(g) == NULL ? NULL : reading_partner(g, reading_one(g));

	if (p == NULL || p->before.clear == 0)
		return;
	if (a->state < REPORT_WATCH)
		a->state = REPORT_WATCH;
	a->detail = reading_printf(g,
	    "%s%s%s mail%s to %s%s while that was no partner's", a->detail,
	    *a->detail == '\0' ? "" : "; ", reading_count(g, p->before.clear).s,
	    num_plural(p->before.clear), p->before.domain,
	    p->before.more ? " and others" : "");
}

static void
number_clear(struct report *r, uint64_t all, const struct clear *c)
{
	const struct report_mail *m = &r->all[EVIDENCE_OUT].mail;
	const int64_t enforced = enforced_clear(r);

	number(r, REPORT_N_MAILS, all);
	number(r, REPORT_N_LOWERED, m->lowered_clear);
	number(r, REPORT_N_FAILED, held_clear(m));
	number(r, REPORT_N_CLEAR, c->mails);
	if (enforced >= 0)
		number(r, REPORT_N_NOT_HELD, c->mails - (uint64_t)enforced);
	number(r, REPORT_N_PARTNERS, c->partners.n);
	number(r, REPORT_N_DOMAINS, c->domains.n);
	number(r, REPORT_N_OTHERS, c->others);
}

static void
answer_clear(struct reading *g)
{
	const struct report_mail *m = &g->r->all[EVIDENCE_OUT].mail;
	const uint64_t all = report_mails(m);
	struct report_answer *a;
	struct clear c;

	find_clear(g, &c);
	if (c.mails == 0) {
		answer_nobody(g);
		number_clear(g->r, all, &c);
		return;
	}
	a = answer(g->r, held_clear(m) > 0 ? REPORT_BAD : REPORT_WATCH, CLEAR,
	    reading_one(g) != NULL
		? reading_printf(g, "%s of %s mail%s to this partner%s",
		      reading_count(g, c.mails).s, reading_count(g, all).s,
		      num_plural(all), say_enforced(g))
		: reading_printf(g, "%s mail%s%s: to %s",
		      reading_count(g, c.mails).s, num_plural(c.mails),
		      say_enforced(g), say_whom(g, &c)));
	number_clear(g->r, all, &c);
	if (reading_one(g) == NULL)
		a->detail = say_named(g, &c);
}

/* --- Mail as agreed ------------------------------------------------------- */

/* Of mail of whom more is agreed than to try. */
static void
number_kept(
    struct report *r, const struct report_mail *m, uint64_t all, uint64_t good)
{
	number(r, REPORT_N_MAILS, all);
	number(r, REPORT_N_KEPT, good);
	number(r, REPORT_N_LOWERED, m->lowered);
	number(r, REPORT_N_FAILED, m->kept.required_failed);
	number(r, REPORT_N_RULE_UNKNOWN, m->kept.unknown);
}

/* How much of the mail under downgrades had what was agreed all the same. */
static const char *
say_met(struct reading *g, const struct report_mail *m)
{
	return m->lowered_met == 0
		   ? ""
		   : reading_printf(g, " (%s of them as agreed all the same)",
			 reading_count(g, m->lowered_met).s);
}

/* Append to the detail: "1 in the clear: delta 1"; of one it needs no name. */
static void
add_from(struct reading *g, struct report_answer *a, uint64_t n,
    const struct recipients *from, const char *how)
{
	if (n == 0)
		return;
	a->detail = reading_printf(g, "%s%s%s%s%s", a->detail,
	    *a->detail == '\0' ? "" : "; ", reading_count(g, n).s, how,
	    reading_one(g) == NULL ? ": " : "");
	if (reading_one(g) == NULL)
		a->detail = say_worst(g, from, a->detail);
}

/* In the clear where no TLS was demanded, nor would have been unlowered. */
static uint64_t
loose_clear(const struct report_mail *m)
{
	const uint64_t n = m->n[LEVEL_OPPORTUNISTIC][EVIDENCE_CLEAR];

	return n < m->lowered_clear ? 0 : n - m->lowered_clear;
}

/* From whom it came in the clear, also where that is as agreed. */
static void
add_received_clear(struct reading *g, struct report_answer *a)
{
	struct recipients from = {.max = PARTNERS_NAMED}, unheld = from;
	const struct report_mail *m;
	const bool good = a->state == REPORT_GOOD;
	uint64_t clear, loose, all = 0, all_unheld = 0;
	size_t i;

	from.v = room_for(g, g->r->npartners);
	unheld.v = room_for(g, g->r->npartners);
	for (i = 0; i < g->r->npartners; i++) {
		if (!reading_is_enforced(&g->r->partner[i]))
			continue;
		m = &g->r->partner[i].way[EVIDENCE_IN].mail;
		loose = loose_clear(m);
		clear = report_seen(m, EVIDENCE_CLEAR) - loose;
		add_clear(&from, g->r->partner[i].name, clear, m);
		add_clear(&unheld, g->r->partner[i].name, loose, NULL);
		all += clear;
		all_unheld += loose;
	}
	sort_clear(&from);
	sort_clear(&unheld);
	number(g->r, REPORT_N_CLEAR, all + all_unheld);
	number(g->r, REPORT_N_NOT_HELD, all_unheld);
	if (all + all_unheld > 0 && a->state < REPORT_WATCH)
		a->state = REPORT_WATCH;
	/* That all is well needs no numbers of what is not. */
	if (good && all == 0 && all_unheld > 0)
		a->detail = "";
	add_from(g, a, all, &from, " in the clear");
	add_from(g, a, all_unheld, &unheld,
	    " in the clear, of mail not held to TLS");
}

/* Was mail of a direction as agreed, of whom more is agreed than to try? */
static struct report_answer *
answer_kept(
    struct reading *g, enum evidence_direction way, enum question question)
{
	const struct report_mail *m = &g->r->all[way].mail;
	const struct report_kept *k = &m->kept;
	uint64_t all = k->required_kept + k->required_failed + m->lowered_free;
	uint64_t good = k->required_kept - m->lowered_kept + m->lowered_met;
	char share[REPORT_PERCENT_MAX];
	enum report_state state = REPORT_GOOD;
	struct report_answer *a;
	const struct report_partner *p;
	const char *unread = say_unread(g);
	uint64_t unruled = 0, clear = 0;
	size_t i;

	for (i = 0; i < g->r->npartners; i++) {
		p = &g->r->partner[i];
		if (!reading_is_enforced(p))
			continue;
		unruled += p->way[way].mail.kept.unknown;
		clear += reading_clear_unknown(p, way);
	}
	if (all == 0) {
		a = answer(g->r, clear > 0 ? REPORT_WATCH : REPORT_OPEN,
		    question,
		    k->unknown > 0 ? "not known: the rule of that time is not "
				     "on record"
				   : "no such mail was counted");
		number_kept(g->r, m, all, good);
		if (unruled > 0)
			a->detail = reading_printf(g,
			    "of %s mail%s with Enforced partners %s went in "
			    "the clear",
			    reading_count(g, unruled).s, num_plural(unruled),
			    reading_count(g, clear).s);
		return a;
	}
	if (k->required_failed > 0)
		state = REPORT_BAD;
	else if (m->lowered > m->lowered_met)
		state = REPORT_WATCH;
	else if (k->unknown > 0 || *unread != '\0')
		state = REPORT_OPEN;
	a = answer(g->r, state, question,
	    reading_printf(g, "%s: %s of %s mail%s",
		report_percent(good, all, share), reading_count(g, good).s,
		reading_count(g, all).s, num_plural(all)));
	number_kept(g->r, m, all, good);
	a->detail = reading_printf(g,
	    "%s under a downgrade%s, %s with less than was demanded, %s of "
	    "unknown rule%s%s",
	    reading_count(g, m->lowered).s, say_met(g, m),
	    reading_count(g, k->required_failed).s,
	    reading_count(g, k->unknown).s, *unread == '\0' ? "" : "; ",
	    unread);
	return a;
}

/* --- What was decided, and the rest --------------------------------------- */

/* That there was none is known of the time that a whole record covers. */
static struct report_answer *
answer_lowered(struct reading *g)
{
	const struct report *r = g->r;
	uint64_t mails = r->all[EVIDENCE_IN].mail.lowered +
			 r->all[EVIDENCE_OUT].mail.lowered;
	size_t i, open = 0;

	for (i = 0; i < r->ndowngrades; i++)
		open += r->downgrade[i].open;
	if (r->ndowngrades > 0)
		return answer(g->r, REPORT_WATCH, LOWERED,
		    reading_printf(g, "%s downgrade%s, %s of them now",
			reading_count(g, r->ndowngrades).s,
			num_plural(r->ndowngrades), reading_count(g, open).s));
	if (mails > 0 && r->head.count > 0)
		return answer(g->r, REPORT_BAD, LOWERED,
		    reading_printf(g,
			"%s mail%s under a downgrade that the record "
			"does not have",
			reading_count(g, mails).s, num_plural(mails)));
	if (!r->recorded)
		return answer(g->r, REPORT_OPEN, LOWERED, r->unrecorded);
	if (r->flaws > 0)
		return answer(g->r, REPORT_OPEN, LOWERED,
		    "not known: the record is not whole");
	if (r->record_begins > r->from)
		return answer(g->r, REPORT_OPEN, LOWERED,
		    reading_printf(g, "not since the record begins, at %s",
			reading_date(g, r->record_begins)));
	return answer(g->r, REPORT_GOOD, LOWERED,
	    g->weakened > 0 ? "no downgrade" : "no");
}

/* That it is none is known of a whole record alone. */
static void
number_lowered(struct reading *g)
{
	const struct report *r = g->r;
	const bool known = *r->unrecorded == '\0' && r->flaws == 0;
	size_t i, open = 0;

	for (i = 0; i < r->ndowngrades; i++)
		open += r->downgrade[i].open;
	if (known || r->ndowngrades > 0) {
		number(g->r, REPORT_N_DOWNGRADES, r->ndowngrades);
		number(g->r, REPORT_N_OPEN, open);
	}
	if (known || g->weakened > 0)
		number(g->r, REPORT_N_WEAKENED, g->weakened);
}

/* Is it the first one of its partner? Those that are open come first. */
static bool
is_first_of(const struct report *r, size_t i)
{
	const struct report_downgrade *x, *d = &r->downgrade[i];
	size_t k;

	for (k = 0; k < r->ndowngrades; k++) {
		x = &r->downgrade[k];
		if (strcmp(x->partner, d->partner) == 0 &&
		    (x->open == d->open ? k < i : x->open))
			return false;
	}
	return true;
}

/* Who was, those first that are: in the detail, as with mail in the clear. */
static const char *
say_lowered(struct reading *g)
{
	const struct report *r = g->r;
	const char *text = "lowered: ";
	size_t i, pass, n = 0;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < r->ndowngrades; i++) {
			if (r->downgrade[i].open != (pass == 0) ||
			    !is_first_of(r, i))
				continue;
			if (n++ < PARTNERS_NAMED)
				text = reading_printf(g, "%s%s%s", text,
				    n == 1 ? "" : ", ",
				    r->downgrade[i].partner);
		}
	if (n > PARTNERS_NAMED)
		text = reading_printf(g, "%s and %s more", text,
		    reading_count(g, n - PARTNERS_NAMED).s);
	return n == 0 ? "" : text;
}

/*
 * A change of the registry that takes from what is demanded is none, and tells
 * the same.
 */
static void
answer_downgrades(struct reading *g)
{
	struct report_answer *a = answer_lowered(g);

	number_lowered(g);
	if (reading_one(g) == NULL)
		a->detail = say_lowered(g);
	if (g->weakened == 0)
		return;
	if (a->state < REPORT_WATCH)
		a->state = REPORT_WATCH;
	a->answer = reading_printf(g,
	    "%s; %s%s partner%s weakened by a change of rules", a->answer,
	    g->r->rules_more > 0 ? "at least " : "",
	    reading_count(g, g->weakened).s,
	    g->weakened == 1 ? " was" : "s were");
}

static void
answer_gateways(struct reading *g)
{
	const struct report_partner *p;
	size_t i, k, n[REPORT_BAD + 1] = {0}, all = 0, none = 0;
	struct report_answer *a;

	for (i = 0; i < g->r->npartners; i++) {
		p = &g->r->partner[i];
		if (!reading_is_enforced(p))
			continue;
		none += p->ngateways == 0;
		for (k = 0; k < p->ngateways; k++, all++)
			n[p->gateway[k].state]++;
	}
	if (all == 0) {
		answer(g->r, REPORT_OPEN, GATEWAYS, "not looked at");
		number(g->r, REPORT_N_GATEWAYS, 0);
		number(g->r, REPORT_N_UNSEEN, none);
		return;
	}
	a = answer(g->r,
	    n[REPORT_BAD] > 0		     ? REPORT_BAD
	    : n[REPORT_WATCH] > 0	     ? REPORT_WATCH
	    : n[REPORT_OPEN] > 0 || none > 0 ? REPORT_OPEN
					     : REPORT_GOOD,
	    GATEWAYS,
	    reading_printf(g, "%s of %s pass",
		reading_count(g, n[REPORT_GOOD]).s, reading_count(g, all).s));
	number(g->r, REPORT_N_GATEWAYS, all);
	number(g->r, REPORT_N_GOOD, n[REPORT_GOOD]);
	number(g->r, REPORT_N_WATCH, n[REPORT_WATCH]);
	number(g->r, REPORT_N_BAD, n[REPORT_BAD]);
	number(g->r, REPORT_N_OPEN, n[REPORT_OPEN]);
	number(g->r, REPORT_N_UNSEEN, none);
	a->detail = reading_printf(g,
	    "%s fail, %s to be looked at, %s not looked at lately or not "
	    "since a change; %s partner%s without any look",
	    reading_count(g, n[REPORT_BAD]).s,
	    reading_count(g, n[REPORT_WATCH]).s,
	    reading_count(g, n[REPORT_OPEN]).s, reading_count(g, none).s,
	    num_plural(none));
}

/* What an Enforced partner had under a downgrade is none of it. */
static uint64_t
opportunistic(const struct report_mail *m, uint64_t *kept)
{
	const uint64_t good =
	    m->kept.preferred_kept - (m->lowered_free - m->lowered_clear);

	*kept += good;
	return good + m->kept.preferred_failed - m->lowered_clear;
}

/* Of one partner; one that is Enforced may have such mail in one direction. */
static const char *
say_direction(const uint64_t way[REPORT_WAYS])
{
	return way[EVIDENCE_OUT] == 0 ? " from this partner, not held to TLS"
	       : way[EVIDENCE_IN] == 0
		   ? " to this partner, not held to TLS"
		   : " to and from this partner, not held to TLS";
}

static void
answer_opportunistic(struct reading *g)
{
	char share[REPORT_PERCENT_MAX];
	uint64_t good = 0, all = 0, others = 0, ignored = 0, way[REPORT_WAYS];
	const char *whose = "";
	unsigned w;

	for (w = 0; w < REPORT_WAYS; w++) {
		way[w] = opportunistic(&g->r->all[w].mail, &good);
		all += way[w];
		others += opportunistic(&g->r->others[w].mail, &ignored);
	}
	if (all == 0) {
		answer(g->r, REPORT_OPEN, OPPORTUNISTIC,
		    "no such mail was counted");
		number(g->r, REPORT_N_MAILS, 0);
		number(g->r, REPORT_N_KEPT, 0);
		return;
	}
	if (g->ask->npartners == 0)
		whose = reading_printf(g, " (%s with partners, %s with others)",
		    reading_count(g, all - others).s,
		    reading_count(g, others).s);
	else if (reading_one(g) != NULL)
		whose = say_direction(way);
	answer(g->r, good == all ? REPORT_GOOD : REPORT_WATCH, OPPORTUNISTIC,
	    reading_printf(g, "%s: %s of %s mail%s%s",
		report_percent(good, all, share), reading_count(g, good).s,
		reading_count(g, all).s, num_plural(all), whose));
	number(g->r, REPORT_N_MAILS, all);
	number(g->r, REPORT_N_KEPT, good);
	if (g->ask->npartners == 0)
		number(g->r, REPORT_N_OTHERS, others);
}

static void
answer_record(struct reading *g)
{
	const struct report *r = g->r;
	struct report_answer *a;

	if (r->head.count == 0) {
		answer(g->r, REPORT_OPEN, RECORD, "there is none yet");
		number(g->r, REPORT_N_EVENTS, 0);
		return;
	}
	a = answer(g->r,
	    r->flaws > 0	   ? REPORT_BAD
	    : *r->unsealed == '\0' ? REPORT_GOOD
				   : REPORT_OPEN,
	    RECORD,
	    r->flaws > 0 ? reading_printf(g, "no: %zu flaw%s", r->flaws,
			       num_plural(r->flaws))
			 : reading_printf(g, "%s: %s event%s",
			       *r->unsealed == '\0' ? "yes" : "whole",
			       reading_count(g, (uint64_t)r->head.count).s,
			       num_plural((uint64_t)r->head.count)));
	number(g->r, REPORT_N_EVENTS, (uint64_t)r->head.count);
	number(g->r, REPORT_N_FLAWS, r->flaws);
	a->detail = *r->unsealed != '\0' ? r->unsealed
		    : r->flaws > 0	 ? "the evidence was held against it"
					 : "the evidence is as it says";
}

static void
answer_gaps(struct reading *g)
{
	const struct report *r = g->r;
	char share[REPORT_PERCENT_MAX];

	if (!r->hours_known) {
		answer(g->r, REPORT_OPEN, LOG,
		    "not known: the hours read are not on record");
		return;
	}
	answer(g->r,
	    r->hours_read < r->hours || r->hours == 0 ? REPORT_OPEN
						      : REPORT_GOOD,
	    LOG,
	    reading_printf(g, "%s of %s hours have lines (%s)",
		reading_count(g, r->hours_read).s, reading_count(g, r->hours).s,
		report_percent(r->hours_read, r->hours, share)));
	number(g->r, REPORT_N_HOURS, r->hours);
	number(g->r, REPORT_N_HOURS_READ, r->hours_read);
}

static void
answer_ready(struct reading *g)
{
	const struct report *r = g->r;
	const char *who = "";
	struct report_answer *a;
	size_t i, ready = 0, all = 0;

	for (i = 0; i < r->npartners; i++) {
		all += r->partner[i].ready != REPORT_IS_ENFORCED;
		if (r->partner[i].ready != REPORT_READY)
			continue;
		if (ready++ < PARTNERS_NAMED)
			who = reading_printf(g, "%s%s%s", who,
			    *who == '\0' ? "" : ", ", r->partner[i].name);
	}
	if (all == 0)
		return;
	a = answer(g->r, REPORT_OPEN, READY,
	    reading_printf(g, "%s of %s Opportunistic partner%s",
		reading_count(g, ready).s, reading_count(g, all).s,
		num_plural(all)));
	number(g->r, REPORT_N_PARTNERS, all);
	number(g->r, REPORT_N_READY, ready);
	a->detail = ready <= PARTNERS_NAMED
			? who
			: reading_printf(g, "%s and %s more", who,
			      reading_count(g, ready - PARTNERS_NAMED).s);
}

/* --- All of it in a line -------------------------------------------------- */

static const struct report_answer *
answered(const struct report *r, enum question question)
{
	size_t i = 0;

	while (r->answer[i].about != asked[question].about)
		i++;
	return &r->answer[i];
}

/* What was as agreed, both ways. */
static const char *
sum_kept(struct reading *g)
{
	const int64_t *out = answered(g->r, SENT)->number,
		      *in = answered(g->r, RECEIVED)->number,
		      *loose = answered(g->r, OPPORTUNISTIC)->number;
	const int64_t all = out[REPORT_N_MAILS] + in[REPORT_N_MAILS];
	char share[REPORT_PERCENT_MAX];

	if (all == 0 &&
	    out[REPORT_N_RULE_UNKNOWN] + in[REPORT_N_RULE_UNKNOWN] > 0)
		return "what was agreed is not known";
	if (all == 0 && reading_one(g) != NULL && loose[REPORT_N_MAILS] > 0)
		return reading_printf(g, "%s of Opportunistic mail encrypted",
		    report_percent((uint64_t)loose[REPORT_N_KEPT],
			(uint64_t)loose[REPORT_N_MAILS], share));
	if (all == 0)
		return "no Enforced mail was counted";
	return reading_printf(g, "%s of Enforced mail as agreed",
	    report_percent((uint64_t)(out[REPORT_N_KEPT] + in[REPORT_N_KEPT]),
		(uint64_t)all, share));
}

static const char *
sum_lowered(struct reading *g)
{
	const struct report_answer *a = answered(g->r, LOWERED);
	const int64_t n = a->number[REPORT_N_DOWNGRADES],
		      weakened = a->number[REPORT_N_WEAKENED];
	const char *text = "who was lowered is not known";

	if (a->state == REPORT_GOOD)
		text =
		    reading_one(g) != NULL ? "not lowered" : "nobody lowered";
	else if (a->state == REPORT_BAD)
		text = "mail under a downgrade that is not on record";
	if (n > 0)
		text = reading_printf(g, "%s downgrade%s",
		    reading_count(g, (uint64_t)n).s, num_plural((uint64_t)n));
	if (weakened > 0)
		text = reading_printf(g, "%s%s%s weakened", n > 0 ? text : "",
		    n > 0 ? ", " : "", reading_count(g, (uint64_t)weakened).s);
	return text;
}

/*
 * "(not held to TLS)": what was asked of mail in the clear of Enforced partners
 * when it moved; of several such each with its number.
 */
static const char *
say_why(struct reading *g, uint64_t mails)
{
	static const char *const words[] = {"held to TLS", "under a downgrade",
	    "not held to TLS", "of unknown rule"};
	const struct report_mail *m = &g->r->all[EVIDENCE_OUT].mail;
	uint64_t n[] = {held_clear(m), m->lowered_clear, 0, 0};
	const char *text = "";
	size_t i;

	for (i = 0; i < g->r->npartners; i++) {
		if (!reading_is_enforced(&g->r->partner[i]))
			continue;
		m = &g->r->partner[i].way[EVIDENCE_IN].mail;
		n[0] += held_clear(m);
		n[1] += m->lowered_clear;
		n[2] += loose_clear(m);
		n[3] += m->n[REPORT_RULE_UNKNOWN][EVIDENCE_CLEAR];
	}
	for (i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		if (n[i] == mails)
			return reading_printf(g, "(%s)", words[i]);
		if (n[i] > 0)
			text = reading_printf(g, "%s%s%s %s", text,
			    *text == '\0' ? "(" : ", ",
			    reading_count(g, n[i]).s, words[i]);
	}
	return reading_printf(g, "%s)", text);
}

/* Behind how much was as agreed: ", 2 went and 89 came clear (...)"; or "". */
static const char *
sum_enforced_clear(struct reading *g)
{
	const int64_t came = answered(g->r, RECEIVED)->number[REPORT_N_CLEAR];
	const int64_t went = enforced_clear(g->r);
	const char *text = ", ";

	if (went > 0)
		text = reading_printf(g, ", %s went%s",
		    reading_count(g, (uint64_t)went).s,
		    came > 0 ? " and " : "");
	if (came > 0)
		text = reading_printf(
		    g, "%s%s came", text, reading_count(g, (uint64_t)came).s);
	return went <= 0 && came <= 0
		   ? ""
		   : reading_printf(g, "%s clear %s", text,
			 say_why(g, (uint64_t)((went > 0 ? went : 0) + came)));
}

/*
 * What went in the clear, behind what of it was Enforced mail: so that it is
 * not taken for that.
 */
static const char *
sum_clear(struct reading *g)
{
	const struct report_answer *a = answered(g->r, CLEAR);
	const int64_t n = a->number[REPORT_N_CLEAR],
		      enforced = enforced_clear(g->r),
		      agreed = answered(g->r, SENT)->number[REPORT_N_MAILS] +
			       answered(g->r, RECEIVED)->number[REPORT_N_MAILS];

	if (n <= 0)
		return a->state == REPORT_GOOD
			   ? "; none sent in the clear"
			   : "; none known sent in the clear";
	if (enforced < 0 || enforced + agreed == 0)
		return reading_printf(
		    g, "; %s sent clear", reading_count(g, (uint64_t)n).s);
	return n == enforced ? ""
			     : reading_printf(g, "; %s clear %s",
				   reading_count(g, (uint64_t)(n - enforced)).s,
				   reading_one(g) == NULL ? "elsewhere"
							  : "when not held");
}

/* Of the questions about what is agreed, and of what went in the clear. */
static void
summarize(struct reading *g)
{
	struct report *r = g->r;
	const struct report_answer *a;
	enum question q;

	r->state = REPORT_GOOD;
	for (q = SENT; q <= LOWERED; q++) {
		a = answered(r, q);
		/* That there was no mail one way is told, and no more. */
		if (q <= RECEIVED && a->number[REPORT_N_MAILS] == 0 &&
		    a->number[REPORT_N_RULE_UNKNOWN] == 0 &&
		    a->number[REPORT_N_CLEAR] <= 0)
			continue;
		if (a->state == REPORT_OPEN
			? r->state == REPORT_GOOD
			: r->state < a->state && a->state > REPORT_GOOD)
			r->state = a->state;
	}
	r->summary = reading_printf(g, "%s%s%s; %s", sum_kept(g),
	    sum_enforced_clear(g), sum_clear(g), sum_lowered(g));
}

void
reading_answers(struct reading *g)
{
	struct report *r = g->r;

	r->answer = mem_zero(ANSWERS_MAX, sizeof(*r->answer));
	(void)answer_kept(g, EVIDENCE_OUT, SENT);
	add_received_clear(g, answer_kept(g, EVIDENCE_IN, RECEIVED));
	answer_clear(g);
	answer_before(g);
	answer_downgrades(g);
	answer_gateways(g);
	answer_opportunistic(g);
	answer_ready(g);
	answer_gaps(g);
	answer_record(g);
	summarize(g);
}
