#include "ctlprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "columns.h"
#include "ctlfacts.h"
#include "explain.h"
#include "mapgone.h"
#include "num.h"
#include "quote.h"
#include "span.h"

#define NAME 13 /* columns */
#define LEAD "              "
#define NEAR 600 /* seconds: ends that near are said to the second */
#define STAMP 20 /* bytes of num_time_text() */

char *
ctlprint_end(time_t end, time_t now, char *buf)
{
	return end - now < NEAR ? clock_text_seconds(end, now, buf)
				: clock_text(end, now, buf);
}

/* Is there a time of num_time_text() at s? */
static bool
stamp_at(const char *s, time_t *t)
{
	char text[STAMP + 1];

	if (strnlen(s, STAMP) < STAMP || s[STAMP - 1] != 'Z' ||
	    s[strspn(s, "0123456789-T:")] != 'Z')
		return false;
	memcpy(text, s, STAMP);
	text[STAMP] = '\0';
	return num_time(text, t) == 0;
}

void
ctlprint_event(const char *text, struct buf *out)
{
	char when[CLOCK_MAX];
	time_t t;

	while (*text != '\0')
		if (stamp_at(text, &t)) {
			buf_puts(
			    out, clock_text_seconds(t, CTLPRINT_DATED, when));
			text += STAMP;
		} else {
			buf_putc(out, *text++);
		}
}

void
ctlprint_row(struct buf *out, const char *name, struct buf *words)
{
	size_t from = out->len;
	struct buf fit = {0};

	if (words->len > 0) {
		/* Who wrote the ledger may have written it here. */
		quote_put(&fit, words->data, words->len);
		buf_printf(out, "%-*s ", NAME, name);
		quote_since(out, from);
		columns_wrap(out, fit.data, columns_width(out->data + from),
		    LEAD, columns_of(STDOUT_FILENO));
		buf_putc(out, '\n');
	}
	buf_free(&fit);
	buf_clear(words);
}

void
ctlprint_why(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	const struct ledger_downgrade *x = &f->lowered;
	char when[CLOCK_MAX];

	if (x->id == 0 && v.low)
		x = &f->over;
	if (x->id == 0 && v.low)
		buf_printf(out, "not known: %s",
		    f->ledger_fault != NULL
			? "the ledger cannot be read"
			: "the ledger has no such downgrade");
	if (x->id == 0)
		return;
	buf_puts(out, x->reason);
	if (*x->ticket != '\0')
		buf_printf(out, " (ticket %s)", x->ticket);
	buf_printf(out, ", lowered by %s", x->author);
	if (*x->sudo_user != '\0' && strcmp(x->sudo_user, x->author) != 0)
		buf_printf(out, " (%s)", x->sudo_user);
	buf_printf(out, " at %s", clock_text(x->begin, now, when));
	if (*x->extended_by != '\0')
		buf_printf(out, ", end changed by %s", x->extended_by);
}

void
ctlprint_judged(const struct ctl_facts *f, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	/* Its rule is not another one, and a compile no cure. */
	if (f->partner == NULL && !f->unregistered && f->in_map &&
	    f->map_fault == NULL) {
		buf_printf(out,
		    "by the rule in the map; %s is not in the registry any "
		    "more: its protection ends at the next compile; if that "
		    "was not meant: " MAPGONE_LOST " %s",
		    f->name, f->name);
		return;
	}
	if (f->n == 0)
		return;
	if (f->unsure)
		buf_puts(out, "by the registry, which is not in the map yet; "
			      "by the rule in the map it may be otherwise: "
			      "tlspact-compile --diff");
	else if (f->by_map && ctl_facts_sinks(f))
		buf_puts(out, "by the rule in the map; that of the registry is "
			      "weaker, and comes with the next compile");
	else if (f->by_map)
		buf_puts(out, "by the rule in the map; that of the registry is "
			      "another one, and not in force: "
			      "tlspact-compile");
	else if (ctl_facts_before(f))
		buf_printf(out,
		    "by the rule before that of %s; by this one it may be "
		    "otherwise: tlspact-probe %s",
		    clock_text(f->changed, now, when), f->name);
	else if (f->rejudged)
		buf_printf(out,
		    "by the rule of %s, which is newer than the probe: "
		    "tlspact-probe %s",
		    clock_text(f->changed, now, when), f->name);
}

void
ctlprint_failure(const struct evidence_failure *x, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	if (x->time == 0)
		return;
	buf_printf(out, "%s, %s mail, %s", clock_text(x->time, now, when),
	    x->direction == EVIDENCE_IN ? "incoming" : "outgoing", x->fault);
	if (*x->host != '\0')
		buf_printf(out, " at %s", x->host);
	if (*x->address != '\0')
		buf_printf(out, " [%s]", x->address);
}

static const char *
contact_of(const struct ctl_facts *f)
{
	return f->partner == NULL || f->partner->contact == NULL
		   ? "their postmaster"
		   : f->partner->contact;
}

/* What the client called itself, by the text of Postfix; n 0: it is not told.
 */
static struct span
helo_of(const struct evidence_failure *x)
{
	static const char lead[] = " helo=<";
	const char *from = x->text == NULL ? NULL : strstr(x->text, lead);
	size_t n;

	if (from == NULL)
		return (struct span){0};
	from += sizeof(lead) - 1;
	n = strcspn(from, "> ");
	return (struct span){from, from[n] == '>' ? n : 0};
}

void
ctlprint_refused(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct evidence_failure *x = &f->refused;
	const struct span helo = helo_of(x);

	ctlprint_failure(x, now, out);
	if (x->time != 0 && helo.n > 0 && !span_same(helo, span_of(x->host)))
		buf_printf(out, ", in HELO %.*s", SPAN_ARG(helo));
	if (f->refusals > 1)
		buf_printf(out, "; %zu within a day", f->refusals);
	if (x->time != 0 && f->encrypted_since)
		buf_puts(out, "; mail of theirs came as agreed since");
}

void
ctlprint_tell_sender(const struct ctl_facts *f, struct buf *out)
{
	const struct evidence_failure *x = &f->refused;
	const struct span helo = helo_of(x);
	const bool named = *x->host != '\0' && strcmp(x->host, "unknown") != 0;

	buf_printf(out, "tell %s, if it is their server: ", contact_of(f));
	if (named)
		buf_printf(out, "%s ", x->host);
	else if (helo.n > 0)
		buf_printf(out, "%.*s ", SPAN_ARG(helo));
	buf_printf(out, "[%s] ", x->address);
	if (strcmp(x->fault, fault_text(FAULT_NO_STARTTLS)) == 0)
		buf_puts(out, "does not use STARTTLS");
	else if (ctl_facts_over_tls(x))
		buf_puts(out, "shows no client certificate");
	else
		buf_printf(out, "is refused with %s", x->fault);
}

/* From when on Postfix gives it up. */
static void
put_returned(const struct ctl_facts *f, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	if (f->returned == 0)
		return;
	buf_printf(out, "; returned to %s",
	    f->waiting.messages == 1 ? "its sender" : "senders");
	if (f->returned > now)
		buf_printf(
		    out, " from %s on", clock_text(f->returned, now, when));
	else
		buf_puts(out, " at the next try");
	buf_puts(out, " (maximal_queue_lifetime)");
}

void
ctlprint_waiting(const struct ctl_facts *f, time_t now, struct buf *out)
{
	if (f->waiting_fault != NULL)
		buf_printf(out, "not known: %s", f->waiting_fault);
	else if (f->waiting_asked) {
		ctlprint_queue(&f->waiting, "", now, out);
		put_returned(f, now, out);
	}
}

void
ctlprint_queue(
    const struct waiting *w, const char *who, time_t now, struct buf *out)
{
	char age[CLOCK_MAX];

	buf_printf(out, "%zu mail%s", w->messages, num_plural(w->messages));
	if (*who != '\0')
		buf_printf(out, " to %s", who);
	if (w->oldest != 0)
		buf_printf(out, ", the oldest for %s",
		    clock_span(now - w->oldest, age));
	if (w->reason != NULL)
		buf_printf(out, ": %s", quotes(w->reason).s);
	if (w->held > 0)
		buf_printf(out, "; %zu on hold", w->held);
}

void
ctlprint_call(const struct ctl_facts *f, const char *operator_, struct buf *out)
{
	const struct partner *p = f->partner;
	const struct attributes *t;

	if (p == NULL)
		return;
	t = p->attributes;
	if (t->operator_ != NULL)
		operator_ = t->operator_;
	buf_printf(out, "%s%s",
	    p->contact == NULL ? "no contact in the registry" : p->contact,
	    p->contact == NULL ? "" : " (contact)");
	if (*operator_ != '\0')
		buf_printf(out, "; %s (our operator)", operator_);
	if (t->ticket != NULL)
		buf_printf(out, "; ticket %s", t->ticket);
	if (t->note != NULL)
		buf_printf(out, "; %s", t->note);
}

/* From when on that is counted. Returns buf, of CLOCK_MAX bytes. */
static char *
since_when(const struct ctl_moved *m, time_t now, char *buf)
{
	if (m->begin != 0)
		return clock_text(m->begin, now, buf);
	(void)snprintf(buf, CLOCK_MAX, "%s", m->since);
	return buf;
}

static void
put_moved(const struct ctl_moved *m, time_t now, struct buf *out)
{
	const uint64_t *n = m->n;
	char when[CLOCK_MAX];
	uint64_t all = n[EVIDENCE_CLEAR] + n[EVIDENCE_ENCRYPTED] +
		       n[EVIDENCE_TRUSTED] + n[EVIDENCE_VERIFIED];

	if (all == 0)
		return;
	buf_printf(out, "to them %" PRIu64 " mail%s since %s by the log: ", all,
	    num_plural(all), since_when(m, now, when));
	if (n[EVIDENCE_CLEAR] == 0)
		buf_puts(out, "all encrypted");
	else
		buf_printf(out, "%" PRIu64 " IN CLEAR TEXT", n[EVIDENCE_CLEAR]);
	if (n[EVIDENCE_VERIFIED] == all)
		buf_puts(out, ", all authenticated");
	else
		buf_printf(out, ", %" PRIu64 " not authenticated",
		    all - n[EVIDENCE_VERIFIED]);
}

/* What a downgrade of mail from them is about. */
static void
put_let_in(const struct ctl_moved *m, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	buf_printf(out,
	    "let in since %s by the log: %" PRIu64 " mail%s that would be "
	    "refused (%" PRIu64 " without TLS), of %" PRIu64 " from them",
	    since_when(m, now, when), m->let_in, num_plural(m->let_in),
	    m->in_clear, m->in);
}

/* That none went to them, and when the last one did. */
static void
put_none(const struct ctl_moved *m, time_t now, struct buf *out)
{
	const char *to = m->in > 0 ? " to them" : "";
	char when[CLOCK_MAX], today[NUM_TIME_MAX];

	(void)num_time_text(now, today);
	if (m->begin == 0 && strncmp(m->since, today, strlen(m->since)) == 0)
		buf_printf(out, "no mail%s today (UTC), by the log", to);
	else
		buf_printf(out, "no mail%s since %s, by the log", to,
		    since_when(m, now, when));
	if (*m->last != '\0')
		buf_printf(out, "; the last to them on %s", m->last);
}

/* What came from them in the same time. */
static void
put_received(const struct ctl_moved *m, struct buf *out)
{
	if (m->in == 0)
		return;
	buf_printf(
	    out, "; from them %" PRIu64 " mail%s, ", m->in, num_plural(m->in));
	if (m->in_clear == 0)
		buf_puts(out, "all encrypted");
	else
		buf_printf(out, "%" PRIu64 " in clear", m->in_clear);
}

void
ctlprint_mail(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_moved *m = &f->moved;
	const size_t before = out->len;

	if (f->lowered.id != 0 && f->lowered.direction) {
		if (f->evidence_fault == NULL)
			put_let_in(m, now, out);
		return;
	}
	put_moved(m, now, out);
	if (f->evidence_fault != NULL || *m->since == '\0')
		return;
	if (out->len == before)
		put_none(m, now, out);
	put_received(m, out);
}

void
ctlprint_enforce(const char *name, bool lost, struct buf *out)
{
	if (lost)
		buf_printf(out,
		    MAPGONE_LOST " %s: if it was not meant that it demands "
				 "less",
		    name);
	else
		buf_printf(out,
		    "tlspact-probe --as enforced %s: could it be enforced? "
		    "With a letter to them",
		    name);
}

void
ctlprint_lower(const struct ctl_facts *f, enum level level, struct buf *out)
{
	const char *to = NULL;
	struct step s;
	size_t i;

	step_propose(f->step, f->n, level, &s);
	if (!s.helps) {
		buf_puts(out, "no lower level helps, as what fails is not TLS");
		return;
	}
	/* The log does not tell all that the step depends on. */
	for (i = 0; i < f->n && to == NULL; i++)
		if (step_by_log(&f->step[i]))
			to = "what helps by a new look";
	buf_printf(out,
	    "tlspactctl downgrade %s --for 4h --reason TEXT: to %s, if it "
	    "cannot wait; -n tells it first",
	    f->name, to == NULL ? level_name(s.level) : to);
}

/* Is the address in a domain of which a gateway holds our mail? */
static bool
would_wait_too(const struct ctl_facts *f, const char *address)
{
	const char *domain = strrchr(address, '@');
	size_t i, n;

	if (domain == NULL)
		return false;
	n = strcspn(++domain, " \t>,;)");
	for (i = 0; i < f->n; i++)
		if (fault_stops_mail(f->step[i].fault) &&
		    strlen(f->step[i].nexthop) == n &&
		    strncasecmp(f->step[i].nexthop, domain, n) == 0)
			return true;
	return false;
}

void
ctlprint_tell(const struct ctl_facts *f, struct buf *out)
{
	buf_printf(out,
	    "tell %s%s; for the words: tlspact-probe --as enforced %s",
	    contact_of(f),
	    would_wait_too(f, contact_of(f))
		? " (that mail would wait too: telephone, or from elsewhere)"
		: "",
	    f->name);
}

void
ctlprint_move(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_move *m = &f->move;
	char when[CLOCK_MAX];

	if (m->was == NULL)
		return;
	buf_printf(out, "MX of %s was %s until %s, is now %s", m->nexthop,
	    m->was, clock_text(m->until, now, when), m->is);
	if (m->others > 0)
		buf_printf(out, ", which passes for %s", m->other);
	if (m->others > 1)
		buf_printf(out, " and %zu more partner%s", m->others - 1,
		    num_plural(m->others - 1));
}

void
ctlprint_ask_move(const struct ctl_facts *f, struct buf *out)
{
	const struct ctl_move *m = &f->move;

	if (m->was == NULL || f->partner == NULL)
		return;
	buf_printf(out, "ask %s whether they moved; if so: ", contact_of(f));
	if (m->provider != NULL)
		buf_printf(out, "provider=%s", m->provider);
	else
		buf_printf(out, "gateway=%s or provider=", m->is);
	buf_puts(out, " in the registry, see tlspact(7)");
}

void
ctlprint_tell_let_in(const struct ctl_facts *f, struct buf *out)
{
	if (f->refused.time != 0 && !f->encrypted_since)
		ctlprint_tell_sender(f, out);
	else if (f->moved.let_in > 0)
		buf_printf(out,
		    "tell %s that their mail comes without %s; for the words: "
		    "tlspact-probe --as enforced %s",
		    contact_of(f),
		    f->moved.in_clear > 0 ? "TLS" : "their certificate",
		    f->name);
}

void
ctlprint_let_in(const struct ctl_facts *f, struct buf *out)
{
	buf_printf(out,
	    "tlspactctl downgrade %s --inbound%s --for 4h --reason TEXT: lets "
	    "their mail in, if it cannot wait",
	    f->name, f->lowered.id != 0 ? " --to opportunistic" : "");
}

void
ctlprint_way_back(const struct ctl_facts *f, time_t now, struct buf *out)
{
	buf_printf(out, "to restore now: tlspactctl restore %s", f->name);
	if (ctl_facts_view(f, now).end > now)
		buf_printf(out,
		    "; longer: tlspactctl extend %s --for 8h, from now",
		    f->name);
}

void
ctlprint_mended(const struct ctl_facts *f, struct buf *out)
{
	buf_printf(
	    out, "tlspactctl restore %s: its gateways pass as agreed", f->name);
	if (explain_now(f) == EXPLAIN_WAITS)
		buf_puts(out, ", but with another key than the one that it is "
			      "lowered to: MAIL WAITS");
}

json_t *
ctlprint_fault(const char *word)
{
	return strcmp(word, fault_text(FAULT_OK)) == 0 ? json_null()
						       : json_text(word);
}

json_t *
ctlprint_json_queue(const struct waiting *w)
{
	return json_pack("{s:I, s:I, s:o, s:o}", "mails",
	    (json_int_t)w->messages, "on_hold", (json_int_t)w->held, "oldest",
	    json_time(w->oldest), "reason", json_text(w->reason));
}
