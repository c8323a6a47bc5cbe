#include "ctlexplainprint.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "columns.h"
#include "ctlexplain.h"
#include "ctlexplainmx.h"
#include "ctlprint.h"
#include "ctlstatus.h"
#include "ctlrun.h"
#include "fault.h"
#include "json.h"
#include "life.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "settings.h"
#include "sidemap.h"
#include "step.h"

#define GATEWAYS_SHOWN 12 /* the rest is counted */
#define ANOTHER_KEY "another key than the pinned one"

/* --- Rows ---------------------------------------------------------------- */

struct screen {
	const struct ctlexplain *x;
	struct buf out, words; /* the words of the row that comes next */
};

static void
row(struct screen *s, const char *name)
{
	ctlprint_row(&s->out, name, &s->words);
}

static void
put_address(const struct ctlexplain *x, struct buf *out)
{
	if (x->mailbox != NULL)
		buf_printf(out, "%s@", x->mailbox);
	buf_puts(out, x->domain);
}

/* Of the mail that was asked about, if one was. */
static void
put_queued(const struct ctlexplain *x, struct buf *out)
{
	if (x->queue_id == NULL)
		return;
	buf_printf(out, "%s waits", x->queue_id);
	if (x->mail.reason != NULL)
		buf_printf(out, ": %s", quotes(x->mail.reason).s);
	if (x->mail.others > 0)
		buf_printf(
		    out, "; and for %zu more of other domains", x->mail.others);
}

/* The first gateway of that kind, of which there is one. */
static size_t
first_of(const struct ctlexplain *x, enum explain_gateway kind)
{
	size_t i = 0;

	while (x->fate.gateway[i] != kind)
		i++;
	return i;
}

static const char *
gateway_name(const struct step_gateway *g)
{
	return *g->host == '\0' ? g->nexthop : g->host;
}

/* "with no-starttls"; of what expired since when, if that is known. */
static void
put_fault(const struct step_gateway *g, time_t now, struct buf *out)
{
	const time_t ago = now - g->not_after;
	const long days = -life_days(g->not_after, now);
	char span[CLOCK_MAX];

	if (!fault_stops_mail(g->fault))
		buf_puts(out, "with " ANOTHER_KEY);
	else if (g->fault != FAULT_EXPIRED || g->not_after == 0 || ago < 0)
		buf_printf(out, "with %s", fault_text(g->fault));
	else if (ago < CLOCK_DAY)
		buf_printf(out, "as its certificate expired %s ago",
		    clock_span(ago, span));
	else
		buf_printf(out, "as its certificate expired %ld day%s ago",
		    days, num_plural((uint64_t)days));
}

/* The gateways that hold it, in short. */
static void
put_holding(const struct ctlexplain *x, struct buf *out)
{
	const struct step_gateway *g;
	char when[CLOCK_MAX];

	if (x->fate.holds == 0)
		return;
	g = &x->looked->step[first_of(x, EXPLAIN_HOLDS)];
	if (x->fate.holds > 1)
		buf_printf(
		    out, "all %zu gateways fail, the first ", x->fate.holds);
	else
		buf_printf(out, "%s fails ", gateway_name(g));
	put_fault(g, x->run->c.now, out);
	if (step_by_log(g))
		buf_printf(out, ", by the log of %s, after the last probe",
		    clock_text(g->failed, x->run->c.now, when));
}

/* Why the last look is not believed. */
static void
put_doubt(const struct ctlexplain *x, struct buf *out)
{
	const struct ctl_facts *f = x->looked;
	const size_t i = first_of(x, EXPLAIN_DOUBT);
	const struct step_gateway *g = &f->step[i];
	const time_t now = x->run->c.now;
	char when[CLOCK_MAX];

	if (f->basis[i] == CTL_BY_REGISTRY)
		buf_printf(out,
		    "%s was judged by the registry, which is not in the map "
		    "yet",
		    gateway_name(g));
	else if (f->basis[i] == CTL_BY_RULE_BEFORE)
		buf_printf(out,
		    "the rule was changed at %s, and %s was probed by the one "
		    "before",
		    clock_text(f->changed, now, when), gateway_name(g));
	else
		buf_printf(out,
		    g->failed_before ? "a mail to %s failed at %s with %s, "
				       "after the last probe"
				     : "a mail failed at %s at %s with %s, "
				       "after the last probe",
		    g->failed_before	     ? g->nexthop
		    : g->failed_host != NULL ? g->failed_host
					     : gateway_name(g),
		    clock_text(g->failed, now, when),
		    fault_text(g->failed_with));
}

/* Why it waits, is not known, or goes elsewhere. */
static void
put_reason(const struct ctlexplain *x, struct buf *out)
{
	char when[CLOCK_MAX];

	switch (x->fate.reason) {
	case EXPLAIN_GATEWAYS:
		put_holding(x, out);
		break;
	case EXPLAIN_ANY:
		buf_puts(out, "no TLS is asked for, so none holds it");
		break;
	case EXPLAIN_NO_MAP:
		buf_puts(out, "the map cannot be read, and Postfix defers all "
			      "mail");
		break;
	case EXPLAIN_NO_SERVICE:
		buf_printf(out, "master.cf does not have %s", x->way.service);
		break;
	case EXPLAIN_NO_SMTP:
		buf_printf(
		    out, "it goes to %s, which asks no map", x->way.command);
		break;
	case EXPLAIN_NO_LOOK:
		buf_printf(
		    out, "nobody looked at the gateways of %s yet", x->nexthop);
		break;
	case EXPLAIN_NO_EVIDENCE:
		buf_puts(out, "what was seen of the gateways cannot be read");
		break;
	case EXPLAIN_DOUBTS:
		put_doubt(x, out);
		break;
	case EXPLAIN_OURS:
		explain_ours_text(x->fate.ours, x->run->c.now, out);
		break;
	case EXPLAIN_NO_DOMAIN:
	case EXPLAIN_NEW_MX:
		ctlexplainmx_print(x, out);
		break;
	case EXPLAIN_QUEUE:
		buf_printf(out, "a mail of %s waits, after the last probe: %s",
		    clock_text(x->queued, x->run->c.now, when),
		    quotes(x->queued_reason).s);
		break;
	}
}

static void
put_protection(enum level level, bool clear, struct buf *out)
{
	switch (level) {
	case LEVEL_SECURE:
		buf_puts(out, "encrypted, to a certificate that was agreed");
		break;
	case LEVEL_KEY:
		buf_puts(out, "encrypted, to a key that is known");
		break;
	case LEVEL_ENCRYPT:
		buf_puts(out, "encrypted, NOT AUTHENTICATED");
		break;
	case LEVEL_OPPORTUNISTIC:
		buf_puts(out, clear ? "IN CLEAR TEXT"
				    : "encrypted if the gateway offers it");
		break;
	}
}

/* Mail from them was refused, and would be again. */
static bool
is_refused(const struct ctlexplain *x)
{
	return ctl_facts_view(&x->facts, x->run->c.now).refused && x->ruled &&
	       (x->clear.verdict == VERDICT_DEFER ||
		   x->clear.verdict == VERDICT_REJECT);
}

static void
put_headline(const struct ctlexplain *x, struct buf *out)
{
	const struct evidence_failure *in = &x->facts.refused;
	char when[CLOCK_MAX];

	put_address(x, out);
	switch (x->fate.fate) {
	case EXPLAIN_MOVES:
		buf_puts(out, ": a mail sent now MOVES, ");
		put_protection(x->level, x->fate.clear, out);
		if (x->past)
			buf_puts(out, ", which is NOT AS AGREED");
		break;
	case EXPLAIN_WAITS:
		buf_puts(out, ": a mail sent now WAITS: ");
		put_reason(x, out);
		if (x->fate.reason == EXPLAIN_GATEWAYS && x->looked->unsure)
			buf_puts(out, ", by the registry, which is not in the "
				      "map yet");
		break;
	case EXPLAIN_RETURNED:
		buf_puts(out, ": a mail sent now is RETURNED to its sender: ");
		put_reason(x, out);
		break;
	case EXPLAIN_ELSEWHERE:
		buf_puts(out, ": a mail sent now is not ours to hold: ");
		put_reason(x, out);
		break;
	case EXPLAIN_UNKNOWN:
		buf_puts(out, ": whether a mail sent now moves is NOT KNOWN: ");
		put_reason(x, out);
		break;
	}
	if (is_refused(x))
		buf_printf(out, "; mail FROM them was REFUSED %s (%s)",
		    clock_text(in->time, x->run->c.now, when), in->fault);
}

/* Of one that was removed: today's mail is counted under two names. */
static void
put_was_counted(const struct ctlexplain *x, struct buf *out)
{
	char when[CLOCK_MAX];

	if (x->was != NULL)
		buf_printf(out,
		    "%suntil %s it was counted as %s's: "
		    "tlspact-report --partner %s",
		    out->len == 0 ? "" : "; ",
		    clock_text(x->was_until, x->run->c.now, when), x->was,
		    x->was);
}

static void
put_partner(const struct ctlexplain *x, struct buf *out)
{
	const struct ctlrun *r = x->run;
	const struct ctl_facts *f = &x->facts;
	const struct partner *p = f->partner;
	const char *provider;

	if (x->nobody && x->left != NULL)
		buf_printf(out, "none: %s", x->left);
	else if (x->nobody && x->near != NULL)
		buf_printf(out,
		    "none: the registry has no such domain; did you mean %s?",
		    x->near);
	else if (x->nobody && r->registry != NULL)
		buf_puts(out, "none: the domain is in no statement of the "
			      "registry");
	else if (x->nobody)
		buf_puts(out, "not known: the registry cannot be used");
	else if (p == NULL)
		buf_printf(out, "%s, %s", f->name,
		    r->registry == NULL
			? "as it was; the registry cannot be used"
			: "which the registry does not have any more");
	else {
		(void)registry_provider(r->registry, p->provider, &provider);
		buf_printf(out, "%s, %s:%u, %s%s%s", p->name,
		    partner_file(r->registry, p), p->line,
		    p->attributes->mode == MODE_ENFORCED ? "enforced"
							 : "opportunistic",
		    provider == NULL ? "" : ", provider ",
		    provider == NULL ? "" : provider);
	}
}

/* A pin is one word, and longer than a line: it goes on behind a colon. */
static void
put_policy(struct span row, struct buf *out)
{
	const size_t room = columns_of(STDOUT_FILENO) - CTLPRINT_LEAD;
	const char *end = row.p + row.n, *p = row.p, *word;
	size_t n;

	while (p < end) {
		word = memchr(p, ' ', (size_t)(end - p));
		n = (size_t)((word == NULL ? end : word + 1) - p);
		if (n > room + (word != NULL)) {
			for (n = room; n > 1 && p[n - 1] != ':'; n--)
				;
			n = n > 1 ? n : room;
			buf_add(out, p, n);
			buf_putc(out, ' ');
		} else {
			buf_add(out, p, n);
		}
		p += n;
	}
}

/* The row that decides, as smtp(8) finds it. */
static void
put_row(const struct ctlexplain *x, struct buf *out)
{
	char when[CLOCK_MAX];

	if (*x->map_fault.text != '\0')
		buf_printf(out, "not known: %s", x->map_fault.text);
	else if (x->has_row) {
		buf_printf(out, "%s, of the map of %s: ", x->key,
		    clock_text(x->header.time, x->run->c.now, when));
		put_policy(x->row, out);
	} else
		buf_printf(out,
		    "none for %s: smtp_tls_security_level%s%s "
		    "holds",
		    x->nexthop, x->routed ? " = " : " of main.cf",
		    x->routed && x->way.level != NULL ? x->way.level : "");
}

/* Of a map that cannot be read, what is in force is not known either. */
static bool
is_level_known(const struct ctlexplain *x)
{
	return *x->map_fault.text == '\0' || (x->routed && !x->way.asks);
}

static void
put_level(const struct ctlexplain *x, struct buf *out)
{
	const struct ctl_facts *f = &x->facts;
	const time_t now = x->run->c.now;
	const struct ctl_view v = ctl_facts_view(f, now);
	char when[CLOCK_MAX], left[CLOCK_MAX];

	if (!is_level_known(x)) {
		buf_puts(out, "not known, as the map cannot be read");
		if (f->partner != NULL)
			buf_printf(
			    out, "; the registry says %s", level_name(f->full));
		return;
	}
	buf_puts(out, level_name(x->level));
	if (x->routed && x->way.command != NULL && !x->way.asks)
		buf_printf(out,
		    ": %s DOES NOT ASK THE MAP; see tlspact-setup "
		    "check",
		    x->way.service);
	else if (x->past)
		buf_printf(out, ": NOT AS AGREED: %s %s, and the %s",
		    v.lowered ? "it is lowered to" : "the registry says",
		    level_name(ctl_facts_level(f)),
		    x->has_row ? "row of the next-hop says less"
			       : "next-hop has no row");
	else if (x->nobody && !x->has_row)
		buf_puts(out, ": the default for everybody");
	else if (v.low && f->low.end <= now)
		buf_printf(out, ": STILL LOWERED, which ended at %s",
		    clock_text_seconds(f->low.end, now, when));
	else if (v.low && f->low.direction)
		buf_printf(out,
		    ", as the registry says; mail FROM them needs no %s until "
		    "%s (%s left)",
		    direction_waives(f->low.direction),
		    ctlprint_end(f->low.end, now, when),
		    clock_span(f->low.end - now, left));
	else if (v.low)
		buf_printf(out, ": lowered from %s until %s (%s left)",
		    level_name(f->low.full),
		    ctlprint_end(f->low.end, now, when),
		    clock_span(f->low.end - now, left));
	else if (v.differs)
		buf_printf(out,
		    ": NOT AS IT SHOULD BE, which is %s; run "
		    "tlspact-compile",
		    level_name(ctl_facts_level(f)));
	else if (f->partner != NULL)
		buf_printf(out, ", as the registry says%s",
		    v.enforced ? "; nothing is lowered"
			       : ": mode=opportunistic");
}

static void
put_change(const struct ctlexplain *x, struct buf *out)
{
	const struct ctlexplain_change *c = &x->change;
	char when[CLOCK_MAX];

	if (c->seq != 0)
		buf_printf(out, "%s by %s%s%s%s, event %lld, %s: ",
		    clock_text(c->time, x->run->c.now, when), c->author,
		    c->sudo == NULL ? "" : " (", c->sudo == NULL ? "" : c->sudo,
		    c->sudo == NULL ? "" : ")", (long long)c->seq, c->kind);
	if (c->seq != 0)
		ctlprint_event(c->text, out);
	else if (*x->change_fault.text != '\0')
		buf_printf(out, "not known: %s", x->change_fault.text);
	else if (!x->nobody)
		buf_puts(out, "by no event of the record");
}

static void
put_way(const struct ctlexplain *x, struct buf *out)
{
	const struct route_way *w = &x->way;

	if (!x->routed) {
		buf_printf(out, "not known: %s", x->route_fault.text);
		return;
	}
	if (w->rewritten) {
		buf_puts(out, "other addresses, by virtual_alias_domains: ask "
			      "for those");
		return;
	}
	buf_printf(out, "%s by %s (%s)", x->nexthop, w->service, w->cause);
	if (w->by_sender != NULL)
		buf_printf(out,
		    "; some senders' mail perhaps another way, by "
		    "%s",
		    w->by_sender);
}

static void
put_notes(struct screen *s)
{
	size_t i;

	for (i = 0; i < s->x->notes.n; i++) {
		buf_puts(&s->words, s->x->notes.v[i].what);
		row(s, "  but");
	}
}

/* --- Gateways ------------------------------------------------------------ */

static void
put_gateway(const struct ctlexplain *x, size_t i, struct buf *out)
{
	const struct ctl_facts *f = x->looked;

	step_describe(&f->step[i], 1, x->run->c.now, out);
	if (!fault_stops_mail(f->step[i].fault) && explain_shut(f, i, x->level))
		buf_puts(out, ", but with " ANOTHER_KEY);
	if (*f->gateway[i].last.address != '\0')
		buf_printf(out, " [%s]", f->gateway[i].last.address);
}

static void
put_look(const struct ctlexplain *x, struct buf *out)
{
	const struct ctl_facts *f = x->looked;
	const time_t now = x->run->c.now;
	char when[CLOCK_MAX], age[CLOCK_MAX];

	if (x->fate.reason == EXPLAIN_NO_SMTP ||
	    x->fate.reason == EXPLAIN_NO_SERVICE)
		return;
	if (f->evidence_fault != NULL)
		buf_printf(out, "not known: %s", f->evidence_fault);
	else if (x->fate.probed == 0 && f->name != NULL && !x->nobody)
		buf_printf(out, "never: tlspact-probe %s", f->name);
	if (x->fate.probed == 0)
		return;
	buf_printf(out, "%s", clock_text(x->fate.probed, now, when));
	if (x->fate.borrowed)
		buf_puts(out, ", at other domains of the partner");
	if (now - x->fate.probed > CLOCK_DAY)
		buf_printf(out, ", %s ago: tlspact-probe %s",
		    clock_span(now - x->fate.probed, age), f->name);
}

/* Those of one kind. */
static void
put_gateways(struct screen *s, enum explain_gateway kind, const char *name)
{
	const struct ctlexplain *x = s->x;
	size_t i, n = 0;

	for (i = 0; x->fate.gateway != NULL && i < x->looked->n; i++) {
		if (x->fate.gateway[i] != kind || n++ >= GATEWAYS_SHOWN)
			continue;
		put_gateway(x, i, &s->words);
		row(s, name);
		name = "";
	}
	if (n > GATEWAYS_SHOWN)
		buf_printf(&s->words, "and %zu more", n - GATEWAYS_SHOWN);
	row(s, "");
}

/* --- Inbound, and people ------------------------------------------------- */

static void
put_answer(const char *how, const struct decision *d, struct buf *out)
{
	const char *code = d->action;

	if (d->verdict == VERDICT_DUNNO)
		buf_printf(out, "%s accepted", how);
	else if (d->verdict == VERDICT_WARN)
		buf_printf(out, "%s accepted and logged: %s%s", how, d->why,
		    d->lowered ? ", while it is lowered" : "");
	else
		buf_printf(out, "%s %s (%.*s): %s", how,
		    d->verdict == VERDICT_DEFER ? "REFUSED for now" : "REFUSED",
		    (int)strcspn(code + 4, " ") + 4, code, d->why);
}

/* By Postfix, and does it answer? */
static bool
is_asked(const struct ctlexplain *x)
{
	return !x->routed ||
	       (x->asks == RECEIVER_ASKS && x->daemon_fault.code == 0);
}

/* Does a tlspactd that is dead have Postfix answer all mail in the same way? */
static bool
is_for_all(const struct ctlexplain *x)
{
	return x->daemon_fault.code != 0 &&
	       strncasecmp(x->action, "DUNNO", 5) != 0 &&
	       strcmp(x->action, SIDEMAP_CLASS) != 0;
}

/* By what Postfix goes while tlspactd does not answer, and what that does. */
static void
put_meanwhile(const struct ctlexplain *x, struct buf *out)
{
	static const char *const words[] = {
	    [CTLEXPLAIN_DEAD_ACCEPTS] = "accepted in any case",
	    [CTLEXPLAIN_DEAD_WANTS_TLS] =
		"without TLS REFUSED for now (450 4.7.1), over TLS accepted",
	    [CTLEXPLAIN_DEAD_REFUSES] =
		"REFUSED for now (450 4.3.0), also over TLS, as nobody "
		"compares their certificate",
	    [CTLEXPLAIN_DEAD_UNKNOWN] =
		"not known, as its table is not of this map; run "
		"tlspact-compile"};

	buf_printf(out, "%s=%s: %s",
	    x->action_general ? "smtpd_policy_service_default_action"
			      : "default_action",
	    x->action,
	    is_for_all(x) ? "the answer to ALL MAIL; see tlspact-setup check"
	    : strcmp(x->action, SIDEMAP_CLASS) == 0
		? words[x->dead]
		: words[CTLEXPLAIN_DEAD_ACCEPTS]);
}

/* Whether it is asked at all. */
static void
put_asked(const struct ctlexplain *x, struct buf *out)
{
	if (x->routed && x->asks == RECEIVER_ASKS_NOT)
		buf_puts(out, "POSTFIX DOES NOT ASK tlspactd: see "
			      "tlspact-setup check. If it did:");
	else if (x->routed && x->asks == RECEIVER_NONE)
		buf_puts(out,
		    "POSTFIX DOES NOT ASK tlspactd: no smtpd of master.cf "
		    "takes mail from other hosts. If one did:");
	else if (x->daemon_fault.code != 0) {
		buf_printf(out,
		    "tlspactd DOES NOT ANSWER: %s; until it does Postfix goes "
		    "by ",
		    x->daemon_fault.text);
		put_meanwhile(x, out);
		buf_puts(out, ". If it did:");
	}
}

static void
put_inbound(struct screen *s)
{
	const struct ctlexplain *x = s->x;
	const bool none = !x->ruled || x->clear.verdict == VERDICT_DUNNO;

	if (!none || is_for_all(x))
		put_asked(x, &s->words);
	row(s, "  from them");
	if (*x->map_fault.text != '\0')
		buf_puts(&s->words, "not known, as the map cannot be read");
	else if (none)
		buf_puts(&s->words, "accepted in any case: there is no rule");
	else
		put_answer("without TLS", &x->clear, &s->words);
	row(s, is_asked(x) || (none && !is_for_all(x)) ? "  from them" : "");
	if (none)
		return;
	put_answer(x->tls.verdict == VERDICT_DUNNO
		       ? "over TLS"
		       : "over TLS without a client certificate",
	    &x->tls, &s->words);
	row(s, "");
}

/* --- What to do ---------------------------------------------------------- */

/* Does it depend on what the partner's gateways show? */
static bool
is_theirs(const struct ctlexplain *x)
{
	return x->fate.reason == EXPLAIN_GATEWAYS && !x->past &&
	       (x->fate.fate == EXPLAIN_WAITS ||
		   x->fate.fate == EXPLAIN_RETURNED) &&
	       x->looked->partner != NULL;
}

static void
put_next(const struct ctlexplain *x, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(&x->facts, x->run->c.now);
	const bool waits = x->facts.waiting.messages > 0;

	if (x->fate.reason == EXPLAIN_NO_MAP)
		buf_puts(out, "tlspact-compile");
	else if (x->fate.reason == EXPLAIN_NO_SERVICE || x->past)
		buf_puts(out, "tlspact-setup check");
	else if (x->fate.reason == EXPLAIN_NO_EVIDENCE &&
		 x->looked->evidence_code == EX_NOPERM)
		buf_printf(out, "sudo tlspactctl explain %s", x->domain);
	else if (x->fate.reason == EXPLAIN_OURS)
		buf_puts(out, "tlspact-probe --all");
	else if (x->fate.reason == EXPLAIN_DOUBTS && x->looked->unsure)
		buf_puts(out, "tlspact-compile --diff: what a compile changes");
	else if (x->fate.fate == EXPLAIN_UNKNOWN ||
		 x->fate.reason == EXPLAIN_NEW_MX)
		buf_printf(out, "tlspact-probe %s",
		    x->looked->partner == NULL ? x->nexthop : x->looked->name);
	else if (explain_mended(x->looked))
		ctlprint_mended(x->looked, out);
	else if (is_theirs(x))
		ctlprint_lower(x->looked, x->level, out);
	else if (x->fate.fate == EXPLAIN_MOVES && waits && !v.lowered &&
		 x->facts.partner != NULL)
		buf_printf(out,
		    "what waits goes in Postfix's own time, or now by "
		    "tlspactctl restore %s --flush",
		    x->facts.name);
	else if (x->fate.fate == EXPLAIN_MOVES && !waits && !v.enforced &&
		 !x->lost && x->facts.partner != NULL)
		ctlprint_enforce(x->facts.name, false, out);
	else if (x->fate.fate == EXPLAIN_MOVES)
		buf_printf(out, "%s%s%s%s",
		    waits ? "what waits goes in Postfix's own time, or by "
			    "postqueue -f"
			  : "",
		    waits && v.lowered ? "; " : "",
		    v.lowered ? "how it goes: tlspactctl status " : "",
		    v.lowered ? x->facts.name : "");
}

/* Whom to call, or how what holds is ended. */
static void
put_then(const struct ctlexplain *x, struct buf *out)
{
	/* One that is of the names agreed may be theirs without a word. */
	if (x->fate.reason == EXPLAIN_NEW_MX && x->fate.fate == EXPLAIN_WAITS)
		ctlprint_ask_move(x->looked, out);
	else if (is_theirs(x))
		ctlprint_tell(x->looked, out);
	else if (ctl_facts_view(&x->facts, x->run->c.now).lowered)
		ctlprint_way_back(&x->facts, x->run->c.now, out);
}

/* What to do, one after the other; of some there is nothing to say. */
#define NEXTS 6
static void
put_step(const struct ctlexplain *x, unsigned i, struct buf *out)
{
	if (i == 0 && x->lost)
		ctlprint_enforce(x->facts.name, true, out);
	else if (i == 1 && is_theirs(x))
		ctlprint_ask_move(x->looked, out);
	else if (i == 2)
		put_next(x, out);
	else if (i == 3 && !explain_mended(x->looked))
		put_then(x, out);
	else if (i == 4 && is_refused(x))
		ctlprint_tell_sender(&x->facts, out);
	else if (i == 5 && is_refused(x))
		ctlprint_let_in(&x->facts, out);
}

static void
print_text(const struct ctlexplain *x)
{
	struct screen s = {.x = x};
	const time_t now = x->run->c.now;
	unsigned i;

	put_headline(x, &s.words);
	quote_since(&s.words, 0);
	columns_wrap(&s.out, s.words.data, 0, "  ", columns_of(STDOUT_FILENO));
	buf_putc(&s.out, '\n');
	buf_clear(&s.words);
	put_queued(x, &s.words);
	row(&s, "  mail");
	put_partner(x, &s.words);
	row(&s, "  partner");
	put_level(x, &s.words);
	row(&s, "  level");
	ctlprint_why(&x->facts, now, &s.words);
	row(&s, "  why");
	put_row(x, &s.words);
	row(&s, "  row");
	put_change(x, &s.words);
	row(&s, "  changed");
	put_way(x, &s.words);
	row(&s, "  goes to");
	put_notes(&s);
	put_look(x, &s.words);
	row(&s, "  last probe");
	if (x->looked->n > 0 && x->fate.gateway != NULL)
		ctlprint_judged(x->looked, now, &s.words);
	row(&s, "  judged");
	if (x->fate.reason == EXPLAIN_OURS && x->looked->blind_why != NULL)
		buf_puts(&s.words, x->looked->blind_why);
	row(&s, "  our side");
	put_gateways(&s, EXPLAIN_TAKES,
	    x->fate.reason == EXPLAIN_QUEUE ? "  was seen" : "  takes it");
	put_gateways(&s, EXPLAIN_HOLDS,
	    x->fate.fate == EXPLAIN_RETURNED ? "  returned" : "  holds it");
	put_gateways(&s, EXPLAIN_DOUBT, "  not known");
	ctlprint_move(x->looked, now, &s.words);
	row(&s, "  new MX");
	ctlprint_mail(&x->facts, now, &s.words);
	put_was_counted(x, &s.words);
	row(&s, "  moved");
	ctlprint_failure(&x->facts.failure, now, &s.words);
	row(&s, "  last failed");
	ctlprint_refused(&x->facts, now, &s.words);
	row(&s, "  refused");
	ctlprint_waiting(&x->facts, now, &s.words);
	row(&s, "  waiting");
	put_inbound(&s);
	ctlprint_call(&x->facts, x->run->c.set.operator_, &s.words);
	row(&s, "  call");
	for (i = 0; i < NEXTS; i++) {
		put_step(x, i, &s.words);
		row(&s, "  next");
	}
	(void)fputs(s.out.data, stdout);
	buf_free(&s.out);
	buf_free(&s.words);
}

/* --- JSON ---------------------------------------------------------------- */

static json_t *
json_way(const struct ctlexplain *x)
{
	const struct route_way *w = &x->way;

	if (!x->routed)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:b, s:b, s:o}", "next_hop",
	    json_text(x->nexthop), "service", json_text(w->service), "command",
	    json_text(w->command), "cause", json_text(w->cause), "asks_map",
	    w->asks, "rewritten", w->rewritten, "by_sender",
	    json_text(w->by_sender));
}

static json_t *
json_row(const struct ctlexplain *x)
{
	if (!x->has_row)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "key", json_text(x->key), "policy",
	    json_span(x->row), "compiled", json_time(x->header.time));
}

static json_t *
json_place(const struct ctlexplain *x)
{
	const struct partner *p = x->facts.partner;
	const struct registry *r = x->run->registry;
	const char *provider;

	if (p == NULL)
		return json_null();
	(void)registry_provider(r, p->provider, &provider);
	return json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "file",
	    json_text(partner_file(r, p)), "line", (int)p->line, "provider",
	    json_text(provider), "contact", json_text(p->contact), "operator",
	    json_text(p->attributes->operator_ != NULL
			  ? p->attributes->operator_
			  : x->run->c.set.operator_),
	    "ticket", json_text(p->attributes->ticket), "note",
	    json_text(p->attributes->note));
}

static json_t *
json_change(const struct ctlexplain *x)
{
	const struct ctlexplain_change *c = &x->change;

	if (c->seq == 0)
		return json_null();
	return json_pack("{s:I, s:o, s:s, s:o, s:o}", "seq", (json_int_t)c->seq,
	    "time", json_time(c->time), "kind", c->kind, "author",
	    json_text(c->author), "text", json_text(c->text));
}

static json_t *
json_gateways(const struct ctlexplain *x)
{
	json_t *list = json_array();
	const struct evidence_probe *p;
	size_t i;

	for (i = 0; x->fate.gateway != NULL && i < x->looked->n; i++) {
		if (x->fate.gateway[i] == EXPLAIN_OTHER)
			continue;
		p = &x->looked->gateway[i].last;
		json_array_append_new(
		    list, json_pack("{s:o, s:o, s:o, s:o, s:b}", "gateway",
			      json_text(p->host), "address",
			      json_text(p->address), "seen", json_time(p->time),
			      "fault", ctlprint_fault(p->fault), "takes",
			      x->fate.gateway[i] == EXPLAIN_TAKES));
	}
	return list;
}

static json_t *
json_answer(const struct ctlexplain *x, const struct decision *d)
{
	if (!x->ruled)
		return json_null();
	return json_pack("{s:s, s:s, s:s}", "verdict", verdict_name(d->verdict),
	    "why", d->why, "action", d->action);
}

/* Refused: a mail of theirs was, and would be again. */
static json_t *
json_from_them(const struct ctlexplain *x)
{
	const bool none = !x->ruled || x->clear.verdict == VERDICT_DUNNO;

	if (is_refused(x))
		return json_string("refused");
	if (*x->map_fault.text != '\0' ||
	    (x->daemon_fault.code != 0 && (!none || is_for_all(x))) ||
	    (!none && x->clear.verdict != VERDICT_WARN &&
		x->facts.evidence_fault != NULL))
		return json_null();
	return json_string("accepted");
}

/* What could not be found out, and why. */
static json_t *
json_not_known(const struct ctlexplain *x)
{
	const char *const why[] = {x->map_fault.text, x->route_fault.text,
	    x->change_fault.text, x->facts.ledger_fault,
	    x->facts.evidence_fault, x->facts.waiting_fault};
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < sizeof(why) / sizeof(why[0]); i++)
		if (why[i] != NULL && *why[i] != '\0')
			json_array_append_new(list, json_text(why[i]));
	for (i = 0; i < x->notes.n; i++)
		json_array_append_new(list, json_text(x->notes.v[i].what));
	return list;
}

static json_t *
json_was(const struct ctlexplain *x)
{
	char until[NUM_TIME_MAX];

	return x->was == NULL
		   ? json_null()
		   : json_pack("{s:o, s:s}", "partner", json_text(x->was),
			 "until", num_time_text(x->was_until, until));
}

/* As below "next" for people. */
static json_t *
json_next(const struct ctlexplain *x)
{
	json_t *list = json_array();
	struct buf words = {0};
	unsigned i;

	for (i = 0; i < NEXTS; i++) {
		put_step(x, i, &words);
		if (words.len > 0)
			json_array_append_new(list, json_text(words.data));
		buf_clear(&words);
	}
	buf_free(&words);
	return list;
}

static json_t *
json_explanation(const struct ctlexplain *x)
{
	const struct ctl_facts *f = &x->facts;
	json_t *root;
	struct buf address = {0}, reason = {0}, meanwhile = {0};

	put_address(x, &address);
	put_reason(x, &reason);
	if (x->daemon_fault.code != 0)
		put_meanwhile(x, &meanwhile);
	root = json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:o, "
			 "s:o, s:o, s:o, s:o}",
	    "address", json_text(address.data), "domain", json_text(x->domain),
	    "partner", json_text(x->nobody ? NULL : x->facts.name), "verdict",
	    explain_fate_names[x->fate.fate], "reason",
	    x->fate.fate == EXPLAIN_MOVES ? json_null()
					  : json_text(reason.data),
	    "level",
	    is_level_known(x) ? json_string(level_name(x->level)) : json_null(),
	    "agreed",
	    f->partner == NULL ? json_null()
			       : json_string(level_name(ctl_facts_level(f))),
	    "clear_text", x->fate.clear, "place", json_place(x), "row",
	    json_row(x), "way", json_way(x), "changed", json_change(x),
	    "gateways", json_gateways(x));
	json_object_set_new(root, "mx", ctlexplainmx_json(x));
	json_object_set_new(root, "from_them", json_from_them(x));
	json_object_set_new(root, "inbound",
	    json_pack("{s:b, s:o, s:o, s:o, s:o}", "asked",
		x->routed && x->asks == RECEIVER_ASKS, "no_answer",
		x->daemon_fault.code == 0 ? json_null()
					  : json_text(x->daemon_fault.text),
		"meanwhile", json_text(meanwhile.data), "clear",
		json_answer(x, &x->clear), "tls", json_answer(x, &x->tls)));
	json_object_set_new(
	    root, "status", ctlstatus_json(&x->facts, x->run->c.now));
	json_object_set_new(root, "not_known", json_not_known(x));
	json_object_set_new(root, "next", json_next(x));
	json_object_set_new(root, "was", json_was(x));
	json_object_set_new(root, "near", json_text(x->near));
	json_object_set_new(root, "queue_id", json_text(x->queue_id));
	buf_free(&address);
	buf_free(&reason);
	buf_free(&meanwhile);
	return json_pack("{s:o}", "explanation", root);
}

json_t *
ctlexplainprint(const struct ctlexplain *x)
{
	if (x->run->opt.json)
		return json_explanation(x);
	print_text(x);
	return NULL;
}
