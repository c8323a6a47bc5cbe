#include "ctlprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "ctlfacts.h"
#include "num.h"
#include "quote.h"

#define NEAR 600 /* seconds: ends that near are said to the second */

char *
ctlprint_end(time_t end, time_t now, char *buf)
{
	return end - now < NEAR ? clock_text_seconds(end, now, buf)
				: clock_text(end, now, buf);
}

/* One row of the screen, if there are words for it; they are used up. */
static void
row(struct buf *out, const char *name, struct buf *words)
{
	size_t from = out->len;

	if (words->len > 0)
		buf_printf(out, "%-13s %s\n", name, words->data);
	/* Who wrote the ledger may have written it here. */
	quote_since(out, from);
	buf_clear(words);
}

static void
put_state(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	char when[CLOCK_MAX], left[CLOCK_MAX];

	if (f->partner == NULL)
		buf_puts(out, "not in the registry");
	else if (!v.enforced)
		buf_puts(out, "opportunistic: TLS when it is offered");
	else
		buf_puts(out, "enforced");
	if (v.low && f->low.end <= now)
		buf_printf(out, ", STILL LOWERED to %s, which ended at %s",
		    level_name(f->low.level),
		    clock_text_seconds(f->low.end, now, when));
	else if (v.lowered)
		buf_printf(out, ", lowered to %s until %s (%s left)",
		    level_name(v.low ? f->low.level : f->lowered.after),
		    ctlprint_end(v.end, now, when),
		    clock_span(v.end - now, left));
	else if (v.enforced && f->partner != NULL)
		buf_printf(out, " at %s, nothing lowered", level_name(f->full));
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
	else if (differs && f->map_level == ctl_facts_level(f))
		buf_printf(out,
		    "NOT IN FORCE: the map of %s has another end than the "
		    "ledger",
		    when);
	else if (differs)
		buf_printf(out,
		    "NOT IN FORCE: the map of %s says %s and should say %s",
		    when, level_name(f->map_level),
		    level_name(ctl_facts_level(f)));
	/* What is not in the registry is not compiled. */
	if (out->len > 0 &&
	    (f->map_fault != NULL || f->partner != NULL || !low))
		buf_puts(out, "; run tlspact-compile");
}

static void
put_why(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	const struct ledger_downgrade *x = &f->lowered;
	char when[CLOCK_MAX];

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
	if (v.lowered)
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

	if (!v.dated)
		return;
	if (v.days < 0)
		buf_printf(out, "the first one expired %ld day%s ago", -v.days,
		    num_plural((uint64_t)-v.days));
	else
		buf_printf(out, "%ld day%s left on the first one to expire",
		    v.days, num_plural((uint64_t)v.days));
	if (v.soon && v.days >= 0)
		buf_puts(out, ": renew it");
}

static void
put_failure(const struct ctl_facts *f, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	if (f->failure.time == 0)
		return;
	buf_printf(out, "%s, %s mail, %s",
	    clock_text(f->failure.time, now, when),
	    f->failure.direction == EVIDENCE_IN ? "incoming" : "outgoing",
	    f->failure.fault);
	if (*f->failure.host != '\0')
		buf_printf(out, " at %s", f->failure.host);
}

static void
put_waiting(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct waiting *w = &f->waiting;
	char age[CLOCK_MAX];

	if (f->waiting_fault != NULL)
		buf_printf(out, "not known: %s", f->waiting_fault);
	if (f->waiting_fault != NULL || !f->waiting_asked)
		return;
	buf_printf(out, "%zu mail%s", w->messages, num_plural(w->messages));
	if (w->oldest != 0)
		buf_printf(out, ", the oldest for %s",
		    clock_span(now - w->oldest, age));
	if (w->reason != NULL)
		buf_printf(out, ": %s", quotes(w->reason).s);
	if (w->held > 0)
		buf_printf(out, "; %zu on hold", w->held);
}

static void
put_moved(const struct ctl_moved *m, struct buf *out)
{
	const uint64_t *n = m->n;
	uint64_t all = n[EVIDENCE_CLEAR] + n[EVIDENCE_ENCRYPTED] +
		       n[EVIDENCE_TRUSTED] + n[EVIDENCE_VERIFIED];

	if (all == 0)
		return;
	buf_printf(out, "%" PRIu64 " mail%s since %s by the log: ", all,
	    num_plural(all), m->since);
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

void
ctlprint_one(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	struct buf w = {0};
	char when[CLOCK_MAX];

	put_state(f, now, &w);
	row(out, f->name, &w);
	if (f->ledger_fault != NULL)
		buf_printf(&w, "%s: downgrades are not known", f->ledger_fault);
	row(out, "  ledger", &w);
	if (f->evidence_fault != NULL)
		buf_printf(&w, "%s: probes and deliveries are not known",
		    f->evidence_fault);
	row(out, "  evidence", &w);
	put_map(f, now, &w);
	row(out, "  map", &w);
	if (f->doubt != NULL)
		buf_puts(&w, f->doubt);
	row(out, "  record", &w);
	put_why(f, now, &w);
	row(out, "  why", &w);
	put_probe(f, now, &w);
	row(out, v.lowered ? "  still true" : "  last probe", &w);
	put_certificate(f, now, &w);
	row(out, "  certificate", &w);
	put_failure(f, now, &w);
	row(out, "  last failed", &w);
	put_waiting(f, now, &w);
	row(out, "  waiting", &w);
	put_moved(&f->moved, &w);
	row(out, "  moved", &w);
	if (v.low && f->low.spared > 0)
		buf_printf(&w, "not for %s%s, which came later: at %s",
		    f->low.spared_one, f->low.spared > 1 ? " and others" : "",
		    level_name(f->full));
	row(out, "  but", &w);
	if (v.lowered && v.end > now)
		buf_printf(&w,
		    "back to %s at %s; earlier if tlspactd sees two probes "
		    "pass",
		    level_name(v.low ? f->low.full : f->full),
		    ctlprint_end(v.end, now, when));
	row(out, "  next", &w);
	if (v.lowered)
		buf_printf(
		    out, "  to restore now: tlspactctl restore %s\n", f->name);
	buf_free(&w);
}

static void
put_line(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	char until[CLOCK_MAX] = "-", when[CLOCK_MAX] = "never",
	     gateways[32] = "-", left[24] = "-";
	enum level level = f->in_map ? f->map_level : LEVEL_OPPORTUNISTIC;
	struct step s;

	step_propose(f->step, f->n, f->full, &s);
	if (v.lowered)
		(void)clock_text(v.end, now, until);
	if (f->probed != 0)
		(void)clock_text(f->probed, now, when);
	if (f->n > 0)
		(void)snprintf(
		    gateways, sizeof(gateways), "%zu of %zu", s.passing, f->n);
	if (v.dated)
		(void)snprintf(
		    left, sizeof(left), "%ld%s", v.days, v.soon ? "!" : "");
	buf_printf(out, "%-20s %-14s %-14s %-17s %-9s %5s  %s%s\n", f->name,
	    v.enforced ? "enforced" : "opportunistic",
	    f->map_fault != NULL ? "not known" : level_name(level),
	    f->map_fault != NULL && f->ledger_fault != NULL ? "not known"
							    : until,
	    gateways, left, f->ledger_fault != NULL ? "not known" : when,
	    v.differs || v.wrong ? "  NOT AS IT SHOULD BE" : "");
}

size_t
ctlprint_table(const struct ctl_facts *f, size_t n, bool whole, time_t now,
    struct buf *out)
{
	size_t shown = 0, i;

	buf_printf(out, "%-20s %-14s %-14s %-17s %-9s %5s  %s\n", "partner",
	    "mode", "in force", "until", "gateways", "days", "last probe");
	for (i = 0; i < n; i++)
		if (whole || ctl_facts_view(&f[i], now).odd) {
			put_line(&f[i], now, out);
			shown++;
		}
	return shown;
}

static json_t *
json_lowered(const struct ctl_facts *f)
{
	const struct ledger_downgrade *x = &f->lowered;

	if (x->id == 0)
		return json_null();
	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, "
			 "s:o}",
	    "id", (json_int_t)x->id, "before", level_name(x->before), "after",
	    level_name(x->after), "begin", json_time(x->begin), "end",
	    json_time(x->end), "reason", json_text(x->reason), "ticket",
	    json_text(x->ticket), "author", json_text(x->author), "sudo_user",
	    json_text(x->sudo_user), "cause", ledger_cause_name(x->cause),
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
		    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, "
			      "s:b, s:o}",
			"by_turns", turns_json(&f->step[i].turns), "nexthop",
			json_text(p->nexthop), "gateway", json_text(p->host),
			"address", json_text(p->address), "time",
			json_time(p->time), "fault", json_text(p->fault),
			"passed", p->judged != EVIDENCE_FAILED, "since",
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
ctlprint_json(const struct ctl_facts *f, time_t now)
{
	const struct ctl_view v = ctl_facts_view(f, now);
	const uint64_t *n = f->moved.n;
	json_t *root, *moved;

	moved = json_pack("{s:o, s:I, s:I, s:I, s:I}", "since",
	    json_text(f->moved.since), "clear", (json_int_t)n[EVIDENCE_CLEAR],
	    "encrypted", (json_int_t)n[EVIDENCE_ENCRYPTED], "trusted",
	    (json_int_t)n[EVIDENCE_TRUSTED], "verified",
	    (json_int_t)n[EVIDENCE_VERIFIED]);
	root = json_pack("{s:s, s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o, s:o}",
	    "partner", f->name, "mode",
	    v.enforced ? "enforced" : "opportunistic", "level",
	    level_name(f->full), "level_in_force",
	    f->in_map ? json_string(level_name(f->map_level)) : json_null(),
	    "in_force", !v.differs && f->map_fault == NULL, "lowered",
	    json_lowered(f), "probed", json_time(f->probed), "gateways",
	    json_gateways(f), "last_failure", json_failure(f), "waiting",
	    json_waiting(f), "moved", moved, "ledger_fault",
	    json_text(f->ledger_fault), "evidence_fault",
	    json_text(f->evidence_fault));
	json_object_set_new(root, "lowered_in_map", json_low(f));
	json_object_set_new(root, "days_to_expiry",
	    v.dated ? json_integer(v.days) : json_null());
	json_object_set_new(root, "ends_soon", json_boolean(v.soon));
	return root;
}
