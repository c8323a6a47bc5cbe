#include "ctlstatus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "ctl.h"
#include "json.h"
#include "level.h"
#include "quote.h"
#include "registry.h"

#define DAY 86400
#define NEAR 600 /* seconds: ends that near are said to the second */

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* The level that holds by registry and ledger. */
static enum level
should_be(const struct ctl_facts *f)
{
	return f->lowered.id != 0 && f->lowered.after < f->full
		   ? f->lowered.after
		   : f->full;
}

/* The map, which Postfix obeys, has lowered it. */
static bool
is_low(const struct ctl_facts *f)
{
	return f->low.rows > 0;
}

bool
ctlstatus_lowered(const struct ctl_facts *f)
{
	return is_low(f) || (f->map_fault != NULL && f->lowered.id != 0);
}

bool
ctlstatus_wrong(const struct ctl_facts *f, time_t now)
{
	return is_low(f) && (f->low.end <= now || f->partner == NULL);
}

static bool
map_differs(const struct ctl_facts *f)
{
	/* An opportunistic partner may have no row. */
	enum level level = f->in_map ? f->map_level : LEVEL_OPPORTUNISTIC;

	return f->map_fault == NULL && f->ledger_fault == NULL &&
	       f->partner != NULL &&
	       (level != should_be(f) ||
		   (is_low(f) && f->low.end != f->lowered.end));
}

static const char *
end_text(time_t end, time_t now, char *buf)
{
	return end - now < NEAR ? clock_text_seconds(end, now, buf)
				: clock_text(end, now, buf);
}

/* Days to the first expiry among the gateways; false if not known. */
static bool
days_left(const struct ctl_facts *f, time_t now, long *days)
{
	time_t first = 0, t;
	size_t i;

	for (i = 0; i < f->n; i++) {
		t = f->gateway[i].last.not_after;
		if (t != 0 && (first == 0 || t < first))
			first = t;
	}
	*days = (long)((first - now) / DAY);
	if (first < now)
		*days = -(long)((now - first) / DAY) - 1;
	return first != 0;
}

static bool
is_enforced(const struct ctl_facts *f)
{
	return f->partner == NULL || f->partner->terms->mode == MODE_ENFORCED;
}

static time_t
end_of(const struct ctl_facts *f)
{
	return is_low(f) ? f->low.end : f->lowered.end;
}

static void
print_head(const struct ctl_facts *f, time_t now, struct buf *out)
{
	char when[CLOCK_MAX], left[CLOCK_MAX];

	buf_printf(out, "%-13s ", f->name);
	if (f->partner == NULL)
		buf_puts(out, "not in the registry");
	else if (!is_enforced(f))
		buf_puts(out, "opportunistic: TLS when it is offered");
	else
		buf_puts(out, "enforced");
	if (is_low(f) && f->low.end <= now)
		buf_printf(out, ", STILL LOWERED to %s, which ended at %s",
		    level_name(f->low.level),
		    clock_text_seconds(f->low.end, now, when));
	else if (ctlstatus_lowered(f))
		buf_printf(out, ", lowered to %s until %s (%s left)",
		    level_name(is_low(f) ? f->low.level : f->lowered.after),
		    end_text(end_of(f), now, when),
		    clock_span(end_of(f) - now, left));
	else if (is_enforced(f) && f->partner != NULL)
		buf_printf(out, " at %s, nothing lowered", level_name(f->full));
	buf_putc(out, '\n');
}

static void
print_doubt(const struct ctl_facts *f, time_t now, struct buf *out)
{
	(void)now;
	if (f->doubt != NULL)
		buf_printf(out, "  %-11s %s\n", "record", f->doubt);
}

static void
print_why(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_lowered *x = &f->lowered;
	char when[CLOCK_MAX];

	if (x->id == 0 && is_low(f))
		buf_printf(out, "  %-11s not known: %s\n", "why",
		    f->ledger_fault != NULL
			? "the ledger cannot be read"
			: "the ledger has no such downgrade");
	if (x->id == 0)
		return;
	buf_printf(out, "  %-11s %s", "why", x->reason);
	if (*x->ticket != '\0')
		buf_printf(out, " (ticket %s)", x->ticket);
	buf_printf(out, ", lowered by %s", x->author);
	if (*x->sudo_user != '\0' && strcmp(x->sudo_user, x->author) != 0)
		buf_printf(out, " (%s)", x->sudo_user);
	buf_printf(out, " at %s", clock_text(x->begin, now, when));
	if (*x->extended_by != '\0')
		buf_printf(out, ", end changed by %s", x->extended_by);
	buf_putc(out, '\n');
}

static void
print_probe(const struct ctl_facts *f, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];
	struct step s;

	buf_printf(out, "  %-11s ",
	    ctlstatus_lowered(f) ? "still true" : "last probe");
	if (f->n == 0) {
		buf_puts(out, f->evidence_fault != NULL
				  ? "not known: the evidence cannot be read\n"
				  : "never looked at: tlspact-probe ");
		if (f->evidence_fault == NULL)
			buf_printf(out, "%s\n", f->name);
		return;
	}
	step_propose(f->step, f->n, LEVEL_SECURE, &s);
	if (ctlstatus_lowered(f))
		buf_puts(out, s.failing > 0	  ? "yes: probe "
			      : s.passing == f->n ? "no: probe "
						  : "not known: probe ");
	buf_printf(out, "%s, ", clock_text(f->probed, now, when));
	step_describe(f->step, f->n, now, out);
	buf_putc(out, '\n');
}

static void
print_certificate(const struct ctl_facts *f, time_t now, struct buf *out)
{
	long days;

	if (!days_left(f, now, &days))
		return;
	buf_printf(out, "  %-11s ", "certificate");
	if (days < 0)
		buf_printf(out, "the first one expired %ld day%s ago\n", -days,
		    plural((uint64_t)-days));
	else
		buf_printf(out, "%ld day%s left on the first one to expire\n",
		    days, plural((uint64_t)days));
}

static void
print_failure(const struct ctl_facts *f, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	if (f->failure.time == 0)
		return;
	buf_printf(out, "  %-11s %s, %s mail, %s", "last failed",
	    clock_text(f->failure.time, now, when),
	    f->failure.direction == EVIDENCE_IN ? "incoming" : "outgoing",
	    f->failure.fault);
	if (*f->failure.host != '\0')
		buf_printf(out, " at %s", f->failure.host);
	buf_putc(out, '\n');
}

static void
print_moved(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const uint64_t *n = f->moved.n;
	uint64_t all = n[EVIDENCE_CLEAR] + n[EVIDENCE_ENCRYPTED] +
		       n[EVIDENCE_TRUSTED] + n[EVIDENCE_VERIFIED];

	(void)now;
	if (all == 0)
		return;
	buf_printf(out,
	    "  %-11s %" PRIu64 " mail%s since %s by the log: ", "moved", all,
	    plural(all), f->moved.since);
	if (n[EVIDENCE_CLEAR] == 0)
		buf_puts(out, "all encrypted");
	else
		buf_printf(out, "%" PRIu64 " IN CLEAR TEXT", n[EVIDENCE_CLEAR]);
	if (n[EVIDENCE_VERIFIED] == all)
		buf_puts(out, ", all authenticated\n");
	else
		buf_printf(out, ", %" PRIu64 " not authenticated\n",
		    all - n[EVIDENCE_VERIFIED]);
}

static void
print_waiting(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct waiting *w = &f->waiting;
	char age[CLOCK_MAX];

	if (!f->waiting_asked)
		return;
	buf_printf(out, "  %-11s ", "waiting");
	if (f->waiting_fault != NULL) {
		buf_printf(out, "not known: %s\n", f->waiting_fault);
		return;
	}
	buf_printf(out, "%zu mail%s", w->messages, plural(w->messages));
	if (w->oldest != 0)
		buf_printf(out, ", the oldest for %s",
		    clock_span(now - w->oldest, age));
	if (w->reason != NULL)
		buf_printf(out, ": %s", quotes(w->reason).s);
	if (w->held > 0)
		buf_printf(out, "; %zu on hold", w->held);
	buf_putc(out, '\n');
}

static void
print_map(const struct ctl_facts *f, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	if (f->map_fault != NULL)
		buf_printf(out,
		    "  %-11s %s: Postfix defers all mail; run "
		    "tlspact-compile\n",
		    "map", f->map_fault);
	else if (map_differs(f) && !f->in_map)
		buf_printf(out,
		    "  %-11s NOT IN FORCE: the map of %s has no row of this "
		    "partner; run tlspact-compile\n",
		    "map", clock_text(f->map_time, now, when));
	else if (is_low(f) && f->partner == NULL)
		buf_printf(out,
		    "  %-11s the map of %s has %zu lowered row%s of it; "
		    "to raise them: tlspactctl restore %s\n",
		    "map", clock_text(f->map_time, now, when), f->low.rows,
		    plural(f->low.rows), f->name);
	else if (is_low(f) && f->low.end <= now)
		buf_printf(out,
		    "  %-11s the map of %s holds on to it; run "
		    "tlspact-compile\n",
		    "map", clock_text(f->map_time, now, when));
	else if (map_differs(f) && f->map_level == should_be(f))
		buf_printf(out,
		    "  %-11s NOT IN FORCE: the map of %s has another end than "
		    "the ledger; run tlspact-compile\n",
		    "map", clock_text(f->map_time, now, when));
	else if (map_differs(f))
		buf_printf(out,
		    "  %-11s NOT IN FORCE: the map of %s says %s and should "
		    "say %s; run tlspact-compile\n",
		    "map", clock_text(f->map_time, now, when),
		    level_name(f->map_level), level_name(should_be(f)));
}

static void
print_ledger(const struct ctl_facts *f, time_t now, struct buf *out)
{
	(void)now;
	if (f->ledger_fault != NULL)
		buf_printf(out, "  %-11s %s: downgrades are not known\n",
		    "ledger", f->ledger_fault);
}

static void
print_evidence(const struct ctl_facts *f, time_t now, struct buf *out)
{
	(void)now;
	if (f->evidence_fault != NULL)
		buf_printf(out,
		    "  %-11s %s: probes and deliveries are not known\n",
		    "evidence", f->evidence_fault);
}

static void
print_spared(const struct ctl_facts *f, time_t now, struct buf *out)
{
	(void)now;
	if (is_low(f) && f->low.spared > 0)
		buf_printf(out,
		    "  %-11s not for %s%s, which came later: at %s\n", "but",
		    f->low.spared_one, f->low.spared > 1 ? " and others" : "",
		    level_name(f->full));
}

void
ctlstatus_print(const struct ctl_facts *f, time_t now, struct buf *out)
{
	/* A line each, or none; who wrote the ledger may write it here. */
	static void (*const line[])(const struct ctl_facts *, time_t,
	    struct buf *) = {print_head, print_ledger, print_evidence,
	    print_map, print_doubt, print_why, print_probe, print_certificate,
	    print_failure, print_waiting, print_moved, print_spared};
	char when[CLOCK_MAX];
	size_t i, from;

	for (i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		from = out->len;
		line[i](f, now, out);
		quote_since(out, from);
	}
	if (!ctlstatus_lowered(f))
		return;
	if (end_of(f) > now)
		buf_printf(out,
		    "  %-11s back to %s at %s; earlier if tlspactd sees two "
		    "probes pass\n",
		    "next", level_name(is_low(f) ? f->low.full : f->full),
		    end_text(end_of(f), now, when));
	buf_printf(out, "  to restore now: tlspactctl restore %s\n", f->name);
}

bool
ctlstatus_odd(const struct ctl_facts *f)
{
	struct step s;

	if (f->lowered.id != 0 || is_low(f) || map_differs(f) ||
	    f->map_fault != NULL || f->doubt != NULL)
		return true;
	/* Lowered, without a record in the map that says so. */
	if (f->ledger_fault != NULL && f->in_map && f->map_level < f->full)
		return true;
	step_propose(f->step, f->n, f->full, &s);
	return is_enforced(f) && (s.failing > 0 || s.network > 0);
}

void
ctlstatus_head(struct buf *out)
{
	buf_printf(out, "%-20s %-14s %-14s %-17s %-9s %5s  %s\n", "partner",
	    "mode", "in force", "until", "gateways", "days", "last probe");
}

void
ctlstatus_line(const struct ctl_facts *f, time_t now, struct buf *out)
{
	char until[CLOCK_MAX] = "-", when[CLOCK_MAX] = "never",
	     gateways[32] = "-", left[24] = "-";
	enum level level = f->in_map ? f->map_level : LEVEL_OPPORTUNISTIC;
	struct step s;
	long days;

	step_propose(f->step, f->n, f->full, &s);
	if (ctlstatus_lowered(f))
		(void)clock_text(end_of(f), now, until);
	if (f->probed != 0)
		(void)clock_text(f->probed, now, when);
	if (f->n > 0)
		(void)snprintf(
		    gateways, sizeof(gateways), "%zu of %zu", s.passing, f->n);
	if (days_left(f, now, &days))
		(void)snprintf(left, sizeof(left), "%ld", days);
	buf_printf(out, "%-20s %-14s %-14s %-17s %-9s %5s  %s%s\n", f->name,
	    is_enforced(f) ? "enforced" : "opportunistic",
	    f->map_fault != NULL ? "not known" : level_name(level),
	    f->map_fault != NULL && f->ledger_fault != NULL ? "not known"
							    : until,
	    gateways, left, f->ledger_fault != NULL ? "not known" : when,
	    map_differs(f) || ctlstatus_wrong(f, now) ? "  NOT AS IT SHOULD BE"
						      : "");
}

static json_t *
json_lowered(const struct ctl_facts *f)
{
	const struct ctl_lowered *x = &f->lowered;

	if (x->id == 0)
		return json_null();
	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, "
			 "s:o}",
	    "id", (json_int_t)x->id, "before", level_name(x->before), "after",
	    level_name(x->after), "begin", json_time(x->begin), "end",
	    json_time(x->end), "reason", json_text(x->reason), "ticket",
	    json_text(x->ticket), "author", json_text(x->author), "sudo_user",
	    json_text(x->sudo_user), "cause",
	    ledger_cause_name(x->automatic ? LEDGER_AUTOMATIC : LEDGER_MANUAL),
	    "fault", json_text(x->fault));
}

static json_t *
json_low(const struct ctl_facts *f)
{
	const struct ctl_low *x = &f->low;

	if (x->rows == 0)
		return json_null();
	return json_pack("{s:I, s:s, s:s, s:o, s:I}", "rows",
	    (json_int_t)x->rows, "level", level_name(x->level), "full",
	    level_name(x->full), "end", json_time(x->end),
	    "domains_not_lowered", (json_int_t)x->spared);
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
		    json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:b, "
			      "s:o}",
			"nexthop", json_text(p->nexthop), "gateway",
			json_text(p->host), "address", json_text(p->address),
			"time", json_time(p->time), "fault",
			json_text(p->fault), "passed",
			p->judged != EVIDENCE_FAILED, "since",
			json_time(f->gateway[i].since), "not_after",
			json_time(p->not_after), "key_passed_before",
			step_same_key(&f->step[i]), "detail",
			json_text(p->detail)));
	}
	return list;
}

static json_t *
json_failure(const struct ctl_facts *f)
{
	if (f->failure.time == 0)
		return json_null();
	return json_pack("{s:o, s:s, s:o, s:o, s:o}", "time",
	    json_time(f->failure.time), "direction",
	    evidence_direction_name(f->failure.direction), "fault",
	    json_text(f->failure.fault), "gateway", json_text(f->failure.host),
	    "text", json_text(f->failure.text));
}

static json_t *
json_waiting(const struct ctl_facts *f)
{
	if (!f->waiting_asked || f->waiting_fault != NULL)
		return json_null();
	return json_pack("{s:I, s:I, s:o, s:o}", "mails",
	    (json_int_t)f->waiting.messages, "on_hold",
	    (json_int_t)f->waiting.held, "oldest", json_time(f->waiting.oldest),
	    "reason", json_text(f->waiting.reason));
}

json_t *
ctlstatus_json(const struct ctl_facts *f, time_t now)
{
	const uint64_t *n = f->moved.n;
	json_t *root, *moved;
	long days;

	moved = json_pack("{s:o, s:I, s:I, s:I, s:I}", "since",
	    json_text(f->moved.since), "clear", (json_int_t)n[EVIDENCE_CLEAR],
	    "encrypted", (json_int_t)n[EVIDENCE_ENCRYPTED], "trusted",
	    (json_int_t)n[EVIDENCE_TRUSTED], "verified",
	    (json_int_t)n[EVIDENCE_VERIFIED]);
	root = json_pack("{s:s, s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o, s:o}",
	    "partner", f->name, "mode",
	    is_enforced(f) ? "enforced" : "opportunistic", "level",
	    level_name(f->full), "level_in_force",
	    f->in_map ? json_string(level_name(f->map_level)) : json_null(),
	    "in_force", !map_differs(f) && f->map_fault == NULL, "lowered",
	    json_lowered(f), "probed", json_time(f->probed), "gateways",
	    json_gateways(f), "last_failure", json_failure(f), "waiting",
	    json_waiting(f), "moved", moved, "ledger_fault",
	    json_text(f->ledger_fault), "evidence_fault",
	    json_text(f->evidence_fault));
	json_object_set_new(root, "lowered_in_map", json_low(f));
	json_object_set_new(root, "days_to_expiry",
	    days_left(f, now, &days) ? json_integer(days) : json_null());
	return root;
}
