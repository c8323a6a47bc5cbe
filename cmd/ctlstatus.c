#include "ctlstatus.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "columns.h"
#include "ctlfacts.h"
#include "ctlprint.h"
#include "explain.h"
#include "logsmtp.h"
#include "mapgone.h"
#include "maprecord.h"
#include "num.h"
#include "quote.h"

/* --- One partner ---------------------------------------------------------- */

/* All gateways passed, and all mail of the day went so: authenticated. */
static bool
is_proven(const struct ctl_facts *f, const struct ctl_view *v)
{
	const uint64_t *n = f->moved.n;
	struct step s;

	step_propose(f->step, f->n, LEVEL_SECURE, &s);
	return !v->odd && f->evidence_fault == NULL && f->n > 0 &&
	       s.passing == f->n && f->moved.begin == 0 &&
	       f->moved.in_clear == 0 && f->moved.let_in == 0 &&
	       n[EVIDENCE_VERIFIED] > 0 &&
	       n[EVIDENCE_CLEAR] + n[EVIDENCE_ENCRYPTED] +
		       n[EVIDENCE_TRUSTED] ==
		   0;
}

/* Nobody is lowered, by what the map says. */
static void
put_in_force(
    const struct ctl_facts *f, const struct ctl_view *v, struct buf *out)
{
	if (f->partner == NULL && f->in_map)
		buf_printf(out, ", at %s by the map", level_name(f->map_level));
	else if (f->partner == NULL || !v->enforced)
		return;
	else if (v->unread)
		buf_puts(out, ", NOT IN FORCE");
	else if (f->map_fault != NULL)
		buf_puts(out, "; what is in force is not known");
	else
		buf_printf(out, " at %s%s, nothing lowered%s",
		    f->in_map ? level_name(f->map_level) : "no level",
		    v->past ? " by the map" : "",
		    is_proven(f, v) ? "; proven by probe and mail" : "");
}

/* Does mail wait that somebody has to see to? */
static bool
is_stuck(const struct ctl_facts *f)
{
	return f->waiting_asked && f->waiting_fault == NULL &&
	       f->waiting.deferred > 0;
}

/* Does the map demand no less than the gateways were judged by? */
static bool
is_as_judged(const struct ctl_facts *f)
{
	return f->map_fault != NULL ||
	       (f->in_map && f->map_level >= ctl_facts_judged(f));
}

/* By the last look, and what is in force. */
static bool
would_wait(const struct ctl_facts *f, const struct ctl_view *v)
{
	if (v->unread || v->aside)
		return false;
	if (v->lowered && !ctl_facts_direction(f))
		return explain_now(f) == EXPLAIN_WAITS;
	return is_as_judged(f) && ctl_facts_waits(f);
}

/* Is the last look not to be believed any more? */
static bool
is_doubted(const struct ctl_facts *f, const struct ctl_view *v)
{
	return !v->lowered && !v->unread && !v->aside && f->map_fault == NULL &&
	       f->in_map && explain_doubted(f, f->map_level);
}

/* Of which mail Postfix does not go by the map. */
static void
put_past(const struct ctl_facts *f, struct buf *out)
{
	buf_puts(out, "NOT IN FORCE");
	if (f->npast > 0)
		buf_printf(out, " for mail to %s", f->past->domain);
	if (f->npast > 1)
		buf_printf(out, " and %zu more", f->npast - 1);
	buf_puts(out, "; ");
}

time_t
ctlstatus_ours(const struct ctl_facts *f, time_t now)
{
	const struct ctl_view v = ctl_facts_view(f, now);

	return !v.lowered && !v.unread && f->map_fault == NULL && f->in_map
		   ? explain_ours(f, f->map_level)
		   : 0;
}

/* What needs a person comes first. */
static void
put_alarm(const struct ctl_facts *f, const struct ctl_view *v, time_t now,
    struct buf *out)
{
	char when[CLOCK_MAX];

	if (is_stuck(f)) {
		buf_puts(out, "MAIL WAITS: ");
		ctlprint_waiting(f, now, out);
		buf_puts(out, "; ");
	} else if (is_doubted(f, v) || ctlstatus_ours(f, now) != 0) {
		buf_puts(out, "NOT KNOWN WHETHER A MAIL SENT NOW MOVES; ");
	} else if (would_wait(f, v) && explain_returned(f, NULL)) {
		buf_puts(out, "A MAIL SENT NOW WOULD BE RETURNED; ");
	} else if (would_wait(f, v)) {
		buf_printf(out, "A MAIL SENT NOW WOULD WAIT%s; ",
		    f->unsure ? " BY THE REGISTRY, which is not in the map yet"
			      : "");
	}
	if (v->refused)
		buf_printf(out, "MAIL FROM THEM WAS REFUSED %s; ",
		    clock_text(f->refused.time, now, when));
	if (v->past)
		put_past(f, out);
}

static void
put_state(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	char when[CLOCK_MAX], left[CLOCK_MAX];

	put_alarm(f, &v, now, out);
	if (f->partner == NULL)
		buf_puts(out, f->unregistered ? "the registry cannot be used"
					      : "not in the registry");
	else if (!v.enforced)
		buf_puts(out, "opportunistic: TLS when it is offered");
	else
		buf_puts(out, "enforced");
	if (v.low && f->low.end <= now)
		buf_printf(out, ", STILL LOWERED to %s, which ended at %s",
		    ctl_facts_lowered_to(f),
		    clock_text_seconds(f->low.end, now, when));
	else if (v.lowered)
		buf_printf(out, ", lowered to %s until %s (%s left)",
		    ctl_facts_lowered_to(f), ctlprint_end(v.end, now, when),
		    clock_span(v.end - now, left));
	else
		put_in_force(f, &v, out);
}

/* Whether the map counts. */
static void
put_postfix(const struct ctl_facts *f, struct buf *out)
{
	const struct ctl_around *a = f->around;

	if (a->unread != NULL)
		buf_printf(out,
		    "mail goes by main.cf alone: %s; run tlspact-setup check",
		    a->unread);
	else if (f->past != NULL)
		buf_printf(out, "run tlspact-setup check: %s", f->past->how);
	else if (a->unasked != NULL)
		buf_printf(out, "not known whether it goes by the map: %s",
		    a->unasked);
}

static void
put_map(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	bool differs = v.differs, low = v.low;
	char when[CLOCK_MAX];

	(void)clock_text(f->map_time, now, when);
	if (f->map_fault != NULL)
		buf_printf(out, "%s: Postfix defers all mail", f->map_fault);
	else if (differs && !f->in_map)
		buf_printf(out,
		    "NOT IN FORCE: the map of %s has no row of this partner",
		    when);
	else if (low && f->partner == NULL)
		buf_printf(out,
		    "the map of %s has %zu lowered row%s of it; to raise "
		    "them: tlspactctl restore %s",
		    when, f->low.rows, num_plural(f->low.rows), f->name);
	else if (low && f->low.end <= now)
		buf_printf(out, "the map of %s holds on to it", when);
	else if (differs && !low && f->lowered.direction)
		buf_printf(out,
		    "NOT IN FORCE: the map of %s does not let their mail in",
		    when);
	else if (differs && low && f->low.direction != f->lowered.direction)
		buf_printf(out,
		    "NOT IN FORCE: the map of %s lowers to %s, the ledger to "
		    "%s",
		    when, ctl_facts_lowered_to(f),
		    direction_lowered_to(
			f->lowered.direction, f->lowered.after));
	else if (differs && f->map_level == ctl_facts_level(f))
		buf_printf(out,
		    "NOT IN FORCE: the map of %s has another end than the "
		    "ledger",
		    when);
	else if (differs && ctl_facts_sinks(f)) {
		buf_printf(out,
		    "the map of %s says %s, the registry %s: the next compile "
		    "weakens it" MAPGONE_NOT_MEANT_ONE ": " MAPGONE_LOST " %s",
		    when, level_name(f->map_level), level_name(f->full),
		    f->name);
		return;
	} else if (differs)
		buf_printf(out,
		    "NOT IN FORCE: the map of %s says %s and should say %s",
		    when, level_name(f->map_level),
		    level_name(ctl_facts_level(f)));
	/* What is not in the registry is not compiled. */
	if (out->len > 0 &&
	    (f->map_fault != NULL || f->partner != NULL || !low))
		buf_puts(out, f->around != NULL && f->around->takes
				  ? "; see tlspact-compile --diff"
				  : "; run tlspact-compile");
}

static void
put_probe(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	char when[CLOCK_MAX];
	struct step s;

	if (f->evidence_fault != NULL)
		buf_puts(out, "not known: the evidence cannot be read");
	else if (f->n == 0)
		buf_printf(out, "never looked at: tlspact-probe %s", f->name);
	if (f->n == 0)
		return;
	step_propose(f->step, f->n, LEVEL_SECURE, &s);
	/* What is let in, no probe sees. */
	if (v.lowered && !ctl_facts_direction(f))
		buf_puts(out, s.failing > 0	  ? "yes: probe "
			      : s.passing == f->n ? "no: probe "
						  : "not known: probe ");
	buf_printf(out, "%s, ", clock_text(f->probed, now, when));
	step_describe(f->step, f->n, now, out);
}

static void
put_certificate(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	char when[CLOCK_MAX];
	size_t i;

	if (!v.dated)
		return;
	if (v.days < 0)
		buf_printf(out, "the first one expired %ld day%s ago", -v.days,
		    num_plural((uint64_t)-v.days));
	else
		buf_printf(out, "%ld day%s left on the first one to expire",
		    v.days, num_plural((uint64_t)v.days));
	/* Which one is shown now, the log does not tell. */
	for (i = 0; i < f->n && !step_by_log(&f->step[i]); i++)
		;
	if (i < f->n)
		buf_printf(
		    out, ", as seen %s", clock_text(f->probed, now, when));
	if (v.soon && v.days >= 0)
		buf_puts(out, ": renew it");
}

static void
put_why_waits(const struct ctl_facts *f, struct buf *out)
{
	buf_printf(out, "tlspactctl explain %s: why it waits", f->name);
}

/* Of one that is lowered: what ends that, by itself or by a command. */
static void
put_next_lowered(const struct ctl_facts *f, const struct ctl_view *v,
    time_t now, struct buf *out)
{
	const bool holds = v->end > now, in = ctl_facts_direction(f),
		   mended = holds && !in && explain_mended(f);
	struct buf w = {0};
	char when[CLOCK_MAX];

	if (mended)
		ctlprint_mended(f, &w);
	ctlprint_row(out, "  next", &w);
	if (holds && in)
		buf_printf(&w,
		    "their mail needs %s again at %s; mail to them goes as "
		    "was agreed",
		    ctl_facts_needs(f), ctlprint_end(v->end, now, when));
	else if (holds)
		buf_printf(&w, "%sback to %s at %s%s", mended ? "else " : "",
		    level_name(v->low ? f->low.full : f->full),
		    ctlprint_end(v->end, now, when),
		    f->lowered.id != 0 && ledger_is_automatic(&f->lowered)
			? "; earlier if tlspactd sees two probes pass"
			: "");
	else if (would_wait(f, v) && f->partner != NULL)
		ctlprint_lower(f, f->map_level, &w);
	else if (is_stuck(f))
		put_why_waits(f, &w);
	ctlprint_row(out, mended ? "" : "  next", &w);
	if (holds && in)
		ctlprint_tell_let_in(f, &w);
	ctlprint_row(out, "  next", &w);
	if (v->refused)
		ctlprint_let_in(f, &w);
	ctlprint_row(out, "  next", &w);
	if (holds && would_wait(f, v) && !mended && f->partner != NULL)
		ctlprint_lower(f, f->map_level, &w);
	ctlprint_row(out, "  next", &w);
	if (!mended)
		ctlprint_way_back(f, now, &w);
	ctlprint_row(out, "  next", &w);
	buf_free(&w);
}

/*
 * Would what waits fail again, for all that is known? Then to have it tried is
 * no cure.
 */
static bool
fails_again(const struct ctl_facts *f, const struct ctl_view *v)
{
	const struct waiting *w = &f->waiting;

	return is_doubted(f, v) ||
	       (w->newest_reason != NULL && w->newest > f->probed &&
		   w->newest > f->changed &&
		   logsmtp_holds_for_tls(w->newest_reason));
}

static void
put_next(const struct ctl_facts *f, bool lost, time_t now, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	const bool waits = would_wait(f, &v) && f->partner != NULL;
	struct buf w = {0};

	if (v.lowered) {
		put_next_lowered(f, &v, now, out);
		return;
	}
	if (lost)
		ctlprint_enforce(f->name, true, &w);
	ctlprint_row(out, "  next", &w);
	if (waits)
		ctlprint_ask_move(f, &w);
	ctlprint_row(out, "  next", &w);
	if (ctlstatus_ours(f, now) != 0)
		buf_puts(&w, "tlspact-probe --all");
	else if (is_doubted(f, &v) && !f->unsure)
		buf_printf(&w, "tlspact-probe %s", f->name);
	else if (waits)
		ctlprint_lower(f, f->map_level, &w);
	else if (is_stuck(f))
		put_why_waits(f, &w);
	else if (f->partner != NULL && !v.enforced && !lost)
		ctlprint_enforce(f->name, false, &w);
	ctlprint_row(out, "  next", &w);
	if (waits)
		ctlprint_tell(f, &w);
	else if (is_stuck(f) && f->partner != NULL && !fails_again(f, &v))
		buf_printf(&w,
		    "to have what waits tried now: tlspactctl restore %s "
		    "--flush",
		    f->name);
	ctlprint_row(out, "  next", &w);
	if (v.refused)
		ctlprint_tell_sender(f, &w);
	ctlprint_row(out, "  next", &w);
	if (v.refused)
		ctlprint_let_in(f, &w);
	ctlprint_row(out, "  next", &w);
	buf_free(&w);
}

/* Of one that was lowered lately, and is not now. */
static void
put_was(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ledger_downgrade *d = &f->ended;
	char when[CLOCK_MAX];

	if (d->id == 0 || f->lowered.id != 0 || ctl_facts_view(f, now).lowered)
		return;
	buf_printf(out, "to %s from %s",
	    direction_lowered_to(d->direction, d->after),
	    clock_text(d->begin, now, when));
	buf_printf(out, " to %s", clock_text(d->closed, now, when));
	if (*d->closed_by == '\0')
		buf_puts(out, ", when its time was up");
	else
		buf_printf(out, ", ended by %s", d->closed_by);
	if (*d->closed_why != '\0')
		buf_printf(out, " (%s)", d->closed_why);
	if (f->evidence_fault == NULL)
		buf_printf(out, "; %" PRIu64 " mail%s %s", f->ended_moved,
		    num_plural(f->ended_moved),
		    d->direction ? "came in by it alone" : "moved under it");
}

/* Of one that had more a day ago, and stays: that is no downgrade. */
static void
put_less(const struct mapgone_change *c, const char *less, time_t now,
    struct buf *out)
{
	char when[CLOCK_MAX];

	buf_printf(out, "%s%s %s, by %s (event %" PRId64 ")",
	    less == NULL ? "Enforced" : less,
	    less == NULL ? " until" : ", since", clock_text(c->time, now, when),
	    c->author, c->seq);
}

/*
 * What else than TLS is demanded of mail from one that is as agreed, or if not
 * even that: as the registry says, if that is live.
 */
static void
put_from_them(
    const struct ctl_facts *f, const struct ctl_view *v, struct buf *out)
{
	const struct attributes *a =
	    f->partner == NULL ? NULL : f->partner->attributes;

	if (a == NULL || !v->enforced || v->lowered || v->differs ||
	    f->map_fault != NULL || f->around == NULL ||
	    f->around->behind != NULL)
		return;
	if (a->inbound != INBOUND_REQUIRE)
		buf_printf(out, "TLS is not demanded: inbound=%s",
		    maprecord_inbound[a->inbound]);
	else if (a->inbound_verify != INBOUND_NONE)
		buf_printf(out,
		    "TLS and a certificate with an agreed %s are "
		    "demanded",
		    maprecord_verify[a->inbound_verify]);
}

void
ctlstatus_one(const struct ctl_facts *f, const struct mapgone *gone,
    const char *operator_, time_t now, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	const struct mapgone_change *c;
	const char *less;
	bool lost = false;
	size_t from = 0;
	struct buf w = {0};

	put_state(f, now, &w);
	ctlprint_row(out, f->name, &w);
	if (f->ledger_fault != NULL)
		buf_printf(&w, "%s: downgrades are not known", f->ledger_fault);
	ctlprint_row(out, "  ledger", &w);
	if (f->evidence_fault != NULL)
		buf_printf(&w, "%s: probes and deliveries are not known",
		    f->evidence_fault);
	ctlprint_row(out, "  evidence", &w);
	if (f->around != NULL)
		put_postfix(f, &w);
	ctlprint_row(out, "  Postfix", &w);
	put_map(f, now, &w);
	ctlprint_row(out, "  map", &w);
	if (f->around != NULL && f->around->behind != NULL)
		buf_puts(&w, f->around->behind);
	ctlprint_row(out, "  registry", &w);
	put_from_them(f, &v, &w);
	ctlprint_row(out, "  from them", &w);
	if (f->doubt != NULL)
		buf_puts(&w, f->doubt);
	ctlprint_row(out, "  record", &w);
	ctlprint_why(f, now, &w);
	ctlprint_row(out, "  why", &w);
	put_was(f, now, &w);
	ctlprint_row(out, "  was lowered", &w);
	while ((c = mapgone_less(gone, &from, f->name, &less)) != NULL) {
		/* A registry that is not live may have it already. */
		lost = lost ||
		       (c->before != NULL &&
			   (f->around == NULL || f->around->behind == NULL));
		put_less(c, less, now, &w);
		ctlprint_row(out, less == NULL ? "  was" : "  weaker", &w);
	}
	put_probe(f, now, &w);
	ctlprint_row(out,
	    v.lowered && !ctl_facts_direction(f) ? "  still true"
						 : "  last probe",
	    &w);
	ctlprint_move(f, now, &w);
	ctlprint_row(out, "  new MX", &w);
	ctlprint_judged(f, now, &w);
	ctlprint_row(out, "  judged", &w);
	if (ctlstatus_ours(f, now) != 0 && f->blind_why != NULL)
		buf_puts(&w, f->blind_why);
	ctlprint_row(out, "  our side", &w);
	put_certificate(f, now, &w);
	ctlprint_row(out, "  certificate", &w);
	ctlprint_failure(&f->failure, now, &w);
	ctlprint_row(out, "  last failed", &w);
	ctlprint_refused(f, now, &w);
	ctlprint_row(out, "  refused", &w);
	if (!is_stuck(f))
		ctlprint_waiting(f, now, &w);
	ctlprint_row(out, "  waiting", &w);
	ctlprint_mail(f, now, &w);
	ctlprint_row(out, "  moved", &w);
	if (v.low && f->low.spared > 0)
		buf_printf(&w,
		    "not for %s%s, for which it was not begun: at %s",
		    f->low.spared_one, f->low.spared > 1 ? " and others" : "",
		    level_name(f->full));
	ctlprint_row(out, "  but", &w);
	ctlprint_call(f, operator_, &w);
	ctlprint_row(out, "  call", &w);
	put_next(f, lost, now, out);
	buf_free(&w);
}

/* --- The table ---------------------------------------------------------- */

enum { PARTNER, MODE, LEVEL, UNTIL, GATEWAYS, DAYS, PROBED, CELLS };

#define INDENT 2 /* columns before a row whose name has a line of its own */

/* What a row says, and the widths of the columns: of the name, then of each. */
struct cells {
	char text[CELLS][CLOCK_MAX];
};

struct table {
	size_t width[CELLS], line;
	struct buf *out;
};

static const struct cells heads = {
    {"partner", "mode", "in force", "until", "gateways", "days", "probed"}};

/* How long ago: the largest unit says enough. */
static void
put_ago(time_t then, time_t now, char *buf)
{
	size_t n;

	(void)clock_span(now - then, buf);
	n = strcspn(buf, " ") + 1;
	n += strcspn(buf + n, " ");
	(void)snprintf(buf + n, CLOCK_MAX - n, " ago");
}

/* Does its mail move, as it is lowered, whatever its gateways show? */
static bool
moves_lowered(const struct ctl_facts *f, const struct ctl_view *v)
{
	return v->lowered && !v->wrong && !v->differs && !v->unread &&
	       !v->past && f->map_fault == NULL && !ctl_facts_direction(f) &&
	       explain_now(f) == EXPLAIN_MOVES;
}

static void
fill(const struct ctl_facts *f, time_t now, struct cells *c)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	enum level level = f->in_map ? f->map_level : LEVEL_OPPORTUNISTIC;
	struct step s;

	*c = (struct cells){{"", "", "", "-", "-", "-", "never"}};
	(void)snprintf(c->text[MODE], CLOCK_MAX, "%s",
	    v.enforced ? "enforced" : "opportunistic");
	(void)snprintf(c->text[LEVEL], CLOCK_MAX, "%s",
	    v.unread || v.aside	   ? "main.cf"
	    : f->map_fault != NULL ? "not known"
	    : f->low.direction	   ? ctl_facts_lowered_to(f)
				   : level_name(level));
	step_propose(f->step, f->n, f->full, &s);
	if (f->map_fault != NULL && f->ledger_fault != NULL)
		(void)snprintf(c->text[UNTIL], CLOCK_MAX, "not known");
	else if (v.lowered)
		(void)clock_text(v.end, now, c->text[UNTIL]);
	if (is_doubted(f, &v) || ctlstatus_ours(f, now) != 0)
		(void)snprintf(c->text[GATEWAYS], CLOCK_MAX, "not known");
	else if (f->n > 0)
		(void)snprintf(c->text[GATEWAYS], CLOCK_MAX, "%zu of %zu",
		    s.passing, f->n);
	if (v.dated)
		(void)snprintf(c->text[DAYS], CLOCK_MAX, "%ld%s", v.days,
		    v.soon && !moves_lowered(f, &v) ? "!" : "");
	if (f->ledger_fault != NULL)
		(void)snprintf(c->text[PROBED], CLOCK_MAX, "not known");
	else if (f->probed != 0)
		put_ago(f->probed, now, c->text[PROBED]);
}

static void
widen(struct table *t, const char *name, const struct cells *c)
{
	size_t w, i;

	for (i = 0; i < CELLS; i++) {
		w = columns_width(i == PARTNER ? name : c->text[i]);
		if (w > t->width[i])
			t->width[i] = w;
	}
}

/* A name too wide for its column stands alone, whole: it is there to paste. */
static void
put_cells(struct table *t, const char *name, const struct cells *c)
{
	size_t first = t->width[PARTNER], i;

	if (columns_width(name) > first) {
		buf_printf(t->out, "%s\n%*s", name, INDENT, "");
		first -= INDENT;
		name = "";
	}
	columns_put(t->out, name, first);
	for (i = MODE; i < CELLS; i++)
		buf_printf(t->out, i == DAYS ? " %*s" : " %-*s",
		    i == PROBED ? 0 : (int)t->width[i], c->text[i]);
	buf_putc(t->out, '\n');
}

/* The name of a row of the map may be anybody's. */
static struct buf
safe_name(const struct ctl_facts *f)
{
	struct buf b = {0};

	buf_puts(&b, "");
	quote_put(&b, f->name, strlen(f->name));
	return b;
}

/* Below the row of a partner whose mail does not come in. */
static void
put_refused(struct buf *out, const struct ctl_facts *f, time_t now)
{
	char when[CLOCK_MAX];

	buf_printf(out, "%*smail FROM them is REFUSED: ", INDENT, "");
	if (f->refusals > 1)
		buf_printf(out, "%zu mails, the last with ", f->refusals);
	quote_put(out, f->refused.fault, strlen(f->refused.fault));
	buf_printf(out, " at %s\n", clock_text(f->refused.time, now, when));
}

static void
put_line(struct table *t, const struct ctl_facts *f, time_t now)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	struct buf name = safe_name(f);
	struct cells c;

	fill(f, now, &c);
	put_cells(t, name.data, &c);
	if (v.differs || v.wrong || v.unread || v.past)
		buf_printf(t->out, "%*sNOT AS IT SHOULD BE\n", INDENT, "");
	if (moves_lowered(f, &v))
		buf_printf(t->out, "%*slowered, mail moves\n", INDENT, "");
	if (v.refused)
		put_refused(t->out, f, now);
	buf_free(&name);
}

/* Columns as wide as what stands in them; names have what is left. */
static void
measure(struct table *t, const struct ctl_facts *f, size_t n, bool whole,
    time_t now)
{
	size_t rest = 0, i;
	struct buf name;
	struct cells c;

	widen(t, heads.text[PARTNER], &heads);
	for (i = 0; i < n; i++) {
		if (!whole && !ctl_facts_view(&f[i], now).odd)
			continue;
		name = safe_name(&f[i]);
		fill(&f[i], now, &c);
		widen(t, name.data, &c);
		buf_free(&name);
	}
	for (i = MODE; i < CELLS; i++)
		rest += 1 + t->width[i];
	i = t->line > rest ? t->line - rest : 0;
	if (i < strlen(heads.text[PARTNER]))
		i = strlen(heads.text[PARTNER]);
	if (t->width[PARTNER] > i)
		t->width[PARTNER] = i;
}

size_t
ctlstatus_table(const struct ctl_facts *f, size_t n, bool whole, time_t now,
    struct buf *out)
{
	struct table t = {.line = columns_of(STDOUT_FILENO), .out = out};
	size_t shown = 0, i;

	measure(&t, f, n, whole, now);
	put_cells(&t, heads.text[PARTNER], &heads);
	for (i = 0; i < n; i++)
		if (whole || ctl_facts_view(&f[i], now).odd) {
			put_line(&t, &f[i], now);
			shown++;
		}
	return shown;
}

/* --- As JSON -------------------------------------------------------------- */

static json_t *
json_lowered(const struct ctl_facts *f)
{
	const struct ledger_downgrade *x = &f->lowered;

	if (x->id == 0)
		return json_null();
	return json_pack("{s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:s, s:o}",
	    "id", (json_int_t)x->id, "before", level_name(x->before), "after",
	    level_name(x->after), "direction", direction_name(x->direction),
	    "begin", json_time(x->begin), "until", json_time(x->end), "reason",
	    json_text(x->reason), "ticket", json_text(x->ticket), "author",
	    json_text(x->author), "sudo_user", json_text(x->sudo_user), "cause",
	    ledger_cause_name(x->cause), "fault", json_text(x->fault));
}

static json_t *
json_low(const struct ctl_facts *f)
{
	const struct ctl_low *x = &f->low;

	if (x->rows == 0)
		return json_null();
	return json_pack("{s:I, s:s, s:s, s:s, s:o, s:I}", "rows",
	    (json_int_t)x->rows, "level", level_name(x->level), "full",
	    level_name(x->full), "direction", direction_name(x->direction),
	    "until", json_time(x->end), "domains_not_lowered",
	    (json_int_t)x->spared);
}

/* A mail that failed there after the look. */
static json_t *
json_failed(const struct step_gateway *g)
{
	return g->failed == 0
		   ? json_null()
		   : json_pack("{s:o, s:s, s:o}", "time", json_time(g->failed),
			 "fault", fault_text(g->failed_with), "gateway",
			 json_text(g->failed_before	    ? NULL
				   : g->failed_host != NULL ? g->failed_host
							    : g->host));
}

static json_t *
json_gateways(const struct ctl_facts *f)
{
	json_t *list = json_array();
	const struct evidence_probe *p;
	size_t i;

	for (i = 0; i < f->n; i++) {
		p = &f->gateway[i].last;
		json_array_append_new(list,
		    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, "
			      "s:o, s:b, s:o}",
			"by_turns", turns_json(&f->step[i].turns),
			"failed_since", json_failed(&f->step[i]), "nexthop",
			json_text(p->nexthop), "gateway", json_text(p->host),
			"address", json_text(p->address), "seen",
			json_time(p->time), "fault", ctlprint_fault(p->fault),
			"passed", p->judged != EVIDENCE_FAILED, "since",
			json_time(step_since(&f->step[i])), "not_after",
			json_time(p->not_after), "key_passed_before",
			step_same_key(&f->step[i]), "detail",
			json_text(p->detail)));
	}
	return list;
}

static json_t *
json_failure(const struct evidence_failure *x)
{
	if (x->time == 0)
		return json_null();
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "time",
	    json_time(x->time), "direction",
	    evidence_direction_name(x->direction), "fault", json_text(x->fault),
	    "gateway", json_text(x->host), "address", json_text(x->address),
	    "text", json_text(x->text));
}

static json_t *
json_waiting(const struct ctl_facts *f)
{
	json_t *queue;

	if (!f->waiting_asked || f->waiting_fault != NULL)
		return json_null();
	queue = ctlprint_json_queue(&f->waiting);
	json_object_set_new(queue, "returned_from", json_time(f->returned));
	return queue;
}

json_t *
ctlstatus_json(const struct ctl_facts *f, time_t now)
{
	const struct partner *p = f->partner;
	const struct ctl_view v = ctl_facts_view(f, now);
	const uint64_t *n = f->moved.n;
	json_t *root, *moved;

	moved = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "since",
	    f->moved.begin != 0 ? json_time(f->moved.begin)
				: json_text(f->moved.since),
	    "clear", (json_int_t)n[EVIDENCE_CLEAR], "encrypted",
	    (json_int_t)n[EVIDENCE_ENCRYPTED], "trusted",
	    (json_int_t)n[EVIDENCE_TRUSTED], "verified",
	    (json_int_t)n[EVIDENCE_VERIFIED], "received",
	    (json_int_t)f->moved.in, "received_clear",
	    (json_int_t)f->moved.in_clear, "received_let_in",
	    (json_int_t)f->moved.let_in);
	root = json_pack("{s:s, s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o, s:o}",
	    "partner", f->name, "mode",
	    v.enforced ? "enforced" : "opportunistic", "level",
	    level_name(f->full), "level_in_force",
	    f->in_map ? json_string(level_name(f->map_level)) : json_null(),
	    "in_force",
	    !v.differs && !v.unread && !v.past && f->map_fault == NULL,
	    "lowered", json_lowered(f), "seen", json_time(f->probed),
	    "gateways", json_gateways(f), "last_failure",
	    json_failure(&f->failure), "waiting", json_waiting(f), "moved",
	    moved, "ledger_fault", json_text(f->ledger_fault), "evidence_fault",
	    json_text(f->evidence_fault));
	json_object_set_new(root, "our_side_failed",
	    f->blind == 0 ? json_null()
			  : json_pack("{s:o, s:o}", "time", json_time(f->blind),
				"detail", json_text(f->blind_why)));
	json_object_set_new(root, "last_refused", json_failure(&f->refused));
	json_object_set_new(
	    root, "refused_in_a_day", json_integer((json_int_t)f->refusals));
	json_object_set_new(root, "passed_by",
	    json_text(f->past == NULL ? NULL : f->past->how));
	json_object_set_new(root, "lowered_in_map", json_low(f));
	json_object_set_new(root, "judged_by",
	    f->n == 0		       ? json_null()
	    : f->unsure		       ? json_string("registry_not_live")
	    : f->by_map || f->rejudged ? json_string("map")
	    : ctl_facts_before(f)      ? json_string("rule_before")
				       : json_string("registry"));
	json_object_set_new(
	    root, "days_left", v.dated ? json_integer(v.days) : json_null());
	json_object_set_new(root, "ends_soon", json_boolean(v.soon));
	json_object_set_new(
	    root, "contact", json_text(p == NULL ? NULL : p->contact));
	json_object_set_new(root, "ticket",
	    json_text(p == NULL ? NULL : p->attributes->ticket));
	return root;
}
