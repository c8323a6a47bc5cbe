#include "checkprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "columns.h"
#include "ctlcheck.h"
#include "ctlprint.h"
#include "ctlrun.h"
#include "json.h"
#include "life.h"
#include "mapgone.h"
#include "mem.h"
#include "num.h"
#include "prometheus.h"
#include "quote.h"

#define SHOWN 10	/* findings of one kind that people are shown */
#define SHOWN_LIVE 3	/* the same, on a screen that has more to show */
#define NAGIOS_LINE 88	/* columns of names in the first line: 120 in all */
#define NAGIOS_NAMES 20 /* partners */
#define LEAD "                       "
#define INDENT (sizeof(LEAD) - 1) /* columns before the words */

/*
 * What mail hangs on, the worst first: what all partners lose by an accident
 * before what one of them has to wait for. What is only ours comes behind it.
 */
static const enum checkup worst_first[CHECKUPS] = {CHECKUP_POSTFIX, CHECKUP_MAP,
    CHECKUP_GUARD, CHECKUP_REGISTRY, CHECKUP_QUEUE, CHECKUP_GATEWAYS,
    CHECKUP_INBOUND, CHECKUP_LOWERED, CHECKUP_DAEMON, CHECKUP_CERTIFICATES,
    CHECKUP_RECORD, CHECKUP_CLOCK, CHECKUP_DISK, CHECKUP_WARDEN, CHECKUP_LOG,
    CHECKUP_PROBES, CHECKUP_NOTICES};
#define MAIL 10 /* of these */

/* --- People ------------------------------------------------------------- */

static void
put_finding(const struct checkup_finding *x, struct buf *out)
{
	static const char *const word[] = {[CHECKUP_OK] = "ok",
	    [CHECKUP_UNKNOWN] = "not known",
	    [CHECKUP_WARNING] = "WARNING",
	    [CHECKUP_CRITICAL] = "CRITICAL"};
	const size_t width = columns_of(STDOUT_FILENO);
	char label[INDENT + 1];

	(void)snprintf(label, sizeof(label), "%-9s %-12s ", word[x->state],
	    checkup_names[x->check]);
	columns_paragraph(out, label, INDENT, x->text, false, width);
	if (x->next != NULL)
		columns_paragraph(
		    out, LEAD "->", INDENT + 3, x->next, true, width);
}

/* Those of one state and kind. */
static void
put_some(const struct checkup_list *l, enum checkup_state state, enum checkup c,
    size_t max, struct buf *out)
{
	size_t i, n = 0;

	for (i = 0; i < l->n; i++)
		if (l->v[i].state == state && l->v[i].check == c && n++ < max)
			put_finding(&l->v[i], out);
	if (n > max)
		buf_printf(out, LEAD "... and %zu more (-v)\n", n - max);
}

static void
put_sum(const struct checkup_list *l, struct buf *out)
{
	buf_printf(out, "%zu critical, %zu warning%s, %zu not known, %zu ok\n",
	    l->count[CHECKUP_CRITICAL], l->count[CHECKUP_WARNING],
	    num_plural(l->count[CHECKUP_WARNING]), l->count[CHECKUP_UNKNOWN],
	    l->count[CHECKUP_OK]);
}

/* All of one state, what mail hangs on in front. */
static void
put_state(const struct checkup_list *l, enum checkup_state state, size_t max,
    bool lowered, struct buf *out)
{
	size_t i;

	for (i = 0; i < CHECKUPS; i++)
		if (lowered || worst_first[i] != CHECKUP_LOWERED)
			put_some(l, state, worst_first[i], max, out);
}

static void
put_text(const struct checkup_list *l, bool whole, struct buf *out)
{
	int state;

	for (state = CHECKUP_CRITICAL; state >= CHECKUP_OK; state--)
		put_state(l, (enum checkup_state)state,
		    whole ? SIZE_MAX : SHOWN, true, out);
	put_sum(l, out);
}

void
checkprint_attention(const struct checkup_list *l, struct buf *out)
{
	int state;

	for (state = CHECKUP_CRITICAL; state > CHECKUP_OK; state--)
		put_state(l, (enum checkup_state)state, SHOWN_LIVE,
		    state == CHECKUP_CRITICAL, out);
	put_sum(l, out);
}

/* --- Numbers ------------------------------------------------------------- */

static size_t
count_lowered(const struct checkup_facts *f)
{
	size_t i, n = 0;

	for (i = 0; i < f->npartners; i++)
		n += ctl_facts_view(&f->partner[i], f->now).lowered;
	return n;
}

/* The first certificate of a partner that ends; 0: none is known. */
static time_t
first_end(const struct checkup_facts *f)
{
	time_t first = 0, end;
	size_t i;

	for (i = 0; i < f->npartners; i++) {
		end = checkup_first_end(&f->partner[i], f->now);
		if (end != 0 && (first == 0 || end < first))
			first = end;
	}
	return first;
}

/* --- Nagios -------------------------------------------------------------- */

/* A partner whose gateways fail. */
struct failing {
	const char *name;
	time_t since; /* the first of them; 0: just now, by another rule */
	bool none;    /* all of them do */
};

static int
by_newest(const void *a, const void *b)
{
	const struct failing *x = a, *y = b;

	if (x->since == y->since)
		return strcmp(x->name, y->name);
	if (x->since == 0 || y->since == 0)
		return x->since == 0 ? -1 : 1;
	return x->since > y->since ? -1 : 1;
}

static struct failing
failing_of(const struct checkup_facts *f, const char *name)
{
	struct failing x = {.name = name};
	const struct ctl_facts *p;
	struct step s;
	size_t i;

	for (i = 0; i < f->npartners; i++) {
		p = &f->partner[i];
		if (strcmp(p->name, name) != 0)
			continue;
		step_propose(p->step, p->n, ctl_facts_judged(p), &s);
		x.none = s.passing == 0;
		(void)ctl_facts_worst(p, &x.since);
	}
	return x;
}

/* Several partners by name: who is new shall not hide behind who is not. */
static void
put_failing(const struct checkup_list *l, const struct checkup_facts *f,
    enum checkup_state state, struct buf *out)
{
	struct failing *v = mem_zero(l->n + 1, sizeof(*v));
	size_t i, n = 0, none = 0;

	for (i = 0; i < l->n; i++)
		if (l->v[i].check == CHECKUP_GATEWAYS &&
		    l->v[i].state == state && l->v[i].partner != NULL) {
			v[n] = failing_of(f, l->v[i].partner);
			none += v[n++].none;
		}
	qsort(v, n, sizeof(*v), by_newest);
	for (i = 0; i < n && i < NAGIOS_NAMES; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", v[i].name);
	if (n > NAGIOS_NAMES)
		buf_printf(out, " and %zu more", n - NAGIOS_NAMES);
	buf_puts(out, state == CHECKUP_UNKNOWN ? " may not pass"
		      : state == CHECKUP_WARNING && none > 0
			  ? " fail; mail moves"
		      : state == CHECKUP_WARNING ? " fail in part; mail moves"
		      : none == n		 ? " pass at none"
						 : " pass at none or in part");
	free(v);
}

static const struct {
	const char *word;
	int code;
} plugin[] = {[CHECKUP_OK] = {"OK", 0},
    [CHECKUP_WARNING] = {"WARNING", 1},
    [CHECKUP_CRITICAL] = {"CRITICAL", 2},
    [CHECKUP_UNKNOWN] = {"UNKNOWN", 3}};

/* "map CRITICAL, daemon WARNING" as far as it fits, and a line for each. */
struct telling {
	struct buf names, one, lines; /* one: the first in words alone */
	size_t told, unnamed;
};

static void
put_name(struct telling *t, const char *check, const char *state)
{
	if (t->unnamed > 0 ||
	    t->names.len + strlen(check) + strlen(state) + 3 > NAGIOS_LINE) {
		t->unnamed++;
		return;
	}
	buf_printf(
	    &t->names, "%s%s %s", t->names.len == 0 ? "" : ", ", check, state);
}

/* The first finding of n, and how many follow; of failing partners all names.
 */
static void
put_words(const struct checkup_list *l, const struct checkup_facts *f,
    const struct checkup_finding *first, size_t n, struct telling *t)
{
	const char *check = checkup_names[first->check],
		   *state = plugin[first->state].word;
	struct buf words = {0};

	if (n == 1)
		buf_puts(&words, first->text);
	else if (first->check == CHECKUP_GATEWAYS && first->partner != NULL)
		put_failing(l, f, first->state, &words);
	else
		buf_printf(&words, "%s (and %zu more)", first->text, n - 1);
	if (t->told++ == 0) {
		buf_printf(&t->one, "%s: ", check);
		quote_put(&t->one, words.data, words.len);
	}
	/* What is worse of that check was named before. */
	if (l->state[first->check] == first->state)
		put_name(t, check, state);
	if (first->next != NULL)
		buf_printf(&words, " -> %s",
		    n > 1 && first->check == CHECKUP_GATEWAYS
			? "tlspactctl status"
			: first->next);
	buf_printf(&t->lines, "%s %s: ", check, state);
	quote_put(&t->lines, words.data, words.len);
	buf_putc(&t->lines, '\n');
	buf_free(&words);
}

static void
put_checks(const struct checkup_list *l, const struct checkup_facts *f,
    enum checkup_state state, const enum checkup *check, size_t nchecks,
    struct telling *t)
{
	const struct checkup_finding *first;
	size_t i, k, n;

	for (k = 0; k < nchecks; k++) {
		first = NULL;
		for (i = n = 0; i < l->n; i++)
			if (l->v[i].state == state &&
			    l->v[i].check == check[k] && n++ == 0)
				first = &l->v[i];
		if (first != NULL)
			put_words(l, f, first, n, t);
	}
}

/* What stands behind it would be taken for numbers. */
static void
spare_bars(struct buf *b)
{
	size_t i;

	for (i = 0; i < b->len; i++)
		if (b->data[i] == '|')
			b->data[i] = '?';
}

/*
 * What is worst for mail in front. One check is told in words; of several the
 * line has the names and states, as a screen shows no more of it, and the words
 * are the caller's to put behind it and free.
 */
static void
put_plugin(const struct checkup_list *l, const struct checkup_facts *f,
    struct buf *out, struct buf *lines)
{
	static const enum checkup_state order[] = {
	    CHECKUP_CRITICAL, CHECKUP_WARNING, CHECKUP_UNKNOWN};
	const enum checkup *mail = worst_first, *ours = mail + MAIL;
	const size_t nmail = MAIL, nours = CHECKUPS - MAIL;
	struct telling t = {0};
	size_t i;

	/* What is not known of mail is no news before what is. */
	for (i = 0; i < 3; i++) {
		put_checks(l, f, order[i], mail, nmail, &t);
		put_checks(l, f, order[i], ours, nours, &t);
	}
	if (t.told == 0)
		buf_puts(out, "all is well");
	else
		buf_puts(out, t.told == 1 ? t.one.data : t.names.data);
	if (t.told > 1 && t.unnamed > 0)
		buf_printf(out, " and %zu more", t.unnamed);
	if (t.told > 1)
		buf_puts(lines, t.lines.data);
	spare_bars(out);
	spare_bars(lines);
	buf_free(&t.names);
	buf_free(&t.one);
	buf_free(&t.lines);
}

/* As a number behind the line, unless 0. */
static void
put_days(const char *name, time_t end, time_t now, struct buf *out)
{
	if (end != 0)
		buf_printf(out, " %s=%ld;%d:;0:", name, life_days(end, now),
		    LIFE_WARN_DAYS);
}

static int
put_nagios(const struct checkup_list *l, const struct checkup_facts *f,
    struct buf *out)
{
	enum checkup_state worst = checkup_worst(l);
	struct buf lines = {0};

	buf_printf(out, "TLSPACT %s - ", plugin[worst].word);
	put_plugin(l, f, out, &lines);
	buf_printf(out,
	    " | critical=%zu;;0 warning=%zu;0 unknown=%zu lowered=%zu;0"
	    " flaws=%zu;;0",
	    l->count[CHECKUP_CRITICAL], l->count[CHECKUP_WARNING],
	    l->count[CHECKUP_UNKNOWN], count_lowered(f), f->flaws);
	put_days("min_days_left", first_end(f), f->now, out);
	put_days("own_days_left", checkup_own_end(f), f->now, out);
	if (f->log_read != 0)
		buf_printf(
		    out, " log_age=%llds", (long long)(f->now - f->log_read));
	if (f->header.time != 0)
		buf_printf(out, " map_age=%llds",
		    (long long)(f->now - f->header.time));
	buf_putc(out, '\n');
	buf_add(out, lines.data, lines.len);
	buf_free(&lines);
	return plugin[worst].code;
}

/* --- Prometheus ---------------------------------------------------------- */

static void
put_partner(struct buf *out, const char *metric, const char *name)
{
	buf_printf(out, "%s{", metric);
	prometheus_label(out, "partner", name);
}

static void
put_states(const struct checkup_list *l, struct buf *out)
{
	const char *m = "tlspact_check_state";
	size_t i;

	prometheus_gauge(
	    out, m, "Of each check: 0 ok, 1 not known, 2 warning, 3 critical.");
	for (i = 0; i < CHECKUPS; i++)
		buf_printf(out, "%s{check=\"%s\"} %d\n", m, checkup_names[i],
		    (int)l->state[i]);
	m = "tlspact_check_findings";
	prometheus_gauge(out, m, "Findings by their state.");
	for (i = 0; i < CHECKUP_STATES; i++) {
		buf_printf(out, "%s{", m);
		prometheus_label(out, "state", checkup_state_names[i]);
		buf_printf(out, "} %zu\n", l->count[i]);
	}
}

static void
put_lowered(const struct checkup_facts *f, struct buf *out)
{
	const char *m = "tlspact_check_lowered_until_seconds";
	const struct ctl_facts *p;
	struct ctl_view v;
	size_t i;

	prometheus_gauge(
	    out, m, "A partner that is lowered, and until when, UNIX time.");
	for (i = 0; i < f->npartners; i++) {
		p = &f->partner[i];
		v = ctl_facts_view(p, f->now);
		if (!v.lowered)
			continue;
		put_partner(out, m, p->name);
		buf_printf(out, ",level=\"%s\"} %lld\n",
		    ctl_facts_lowered_to(p), (long long)v.end);
	}
	m = "tlspact_check_lowered";
	prometheus_gauge(out, m, "Partners that are lowered.");
	buf_printf(out, "%s %zu\n", m, count_lowered(f));
}

/* A partner that something is told of. */
static void
put_findings(const struct checkup_list *l, struct buf *out)
{
	const char *m = "tlspact_check_partner_state";
	const struct checkup_finding *x;
	size_t i;

	prometheus_gauge(out, m,
	    "A partner with a finding of that check: 2 warning, 3 critical.");
	for (i = 0; i < l->n; i++) {
		x = &l->v[i];
		/* Of two findings of one kind the first stands for both. */
		if (x->partner == NULL ||
		    (i > 0 && x[-1].partner == x->partner &&
			x[-1].check == x->check))
			continue;
		put_partner(out, m, x->partner);
		buf_printf(out, ",check=\"%s\"} %d\n", checkup_names[x->check],
		    (int)x->state);
	}
}

static void
put_gateways(const struct checkup_facts *f, struct buf *out)
{
	const char *m = "tlspact_check_gateways_failing";
	const struct ctl_facts *p;
	struct step s;
	time_t end;
	size_t i;

	prometheus_gauge(out, m,
	    "Gateways of an enforced partner that failed their last probe.");
	for (i = 0; i < f->npartners; i++) {
		p = &f->partner[i];
		if (p->n == 0 || !ctl_facts_view(p, f->now).enforced)
			continue;
		step_propose(p->step, p->n, ctl_facts_judged(p), &s);
		put_partner(out, m, p->name);
		buf_printf(out, "} %zu\n", p->n - s.passing);
	}
	m = "tlspact_check_certificate_days_left";
	prometheus_gauge(out, m,
	    "Days until the first certificate of an enforced partner ends.");
	for (i = 0; i < f->npartners; i++) {
		p = &f->partner[i];
		end = checkup_first_end(p, f->now);
		if (end == 0)
			continue;
		put_partner(out, m, p->name);
		buf_printf(out, "} %ld\n", life_days(end, f->now));
	}
	m = "tlspact_check_probe_time_seconds";
	prometheus_gauge(out, m,
	    "When a gateway of the partner was looked at last, UNIX time.");
	for (i = 0; i < f->npartners; i++) {
		p = &f->partner[i];
		if (p->probed == 0)
			continue;
		put_partner(out, m, p->name);
		buf_printf(out, "} %lld\n", (long long)p->probed);
	}
}

static void
put_one(struct buf *out, const char *metric, const char *help, bool known,
    int64_t value)
{
	prometheus_gauge(out, metric, help);
	if (known)
		buf_printf(out, "%s %" PRId64 "\n", metric, value);
}

static void
put_prometheus(const struct checkup_list *l, const struct checkup_facts *f,
    struct buf *out)
{
	static const char *const file[] = {"ledger", "evidence"};
	const bool record = f->ledger_fault == NULL && !f->no_ledger;
	const time_t own = checkup_own_end(f);
	const char *m;
	size_t i;

	put_states(l, out);
	put_lowered(f, out);
	put_findings(l, out);
	put_gateways(f, out);
	put_one(out, "tlspact_check_own_certificate_days_left",
	    "Days until the first certificate ends that Postfix shows others.",
	    own != 0, life_days(own, f->now));
	put_one(out, "tlspact_check_map_compiled_seconds",
	    "When the map was compiled, UNIX time.", f->header.time != 0,
	    f->header.time);
	put_one(out, "tlspact_check_partners_gone",
	    "Partners that were in the map within 24 hours and are not now.",
	    f->gone != NULL,
	    f->gone == NULL ? 0 : (int64_t)mapgone_partners(f->gone));
	put_one(out, "tlspact_check_log_read_seconds",
	    "When lines of the mail log were read last, UNIX time.",
	    f->log_read != 0, f->log_read);
	put_one(out, "tlspact_check_record_events", "Events in the record.",
	    record, f->events);
	put_one(out, "tlspact_check_record_flaws",
	    "What is wrong with the record.", record, (int64_t)f->flaws);
	m = "tlspact_check_file_bytes";
	prometheus_gauge(out, m, "Size of the file, with its journal.");
	for (i = 0; i < CHECKUP_FILES; i++)
		if (f->file[i].known)
			buf_printf(out, "%s{file=\"%s\"} %" PRIu64 "\n", m,
			    file[i], f->file[i].size);
	m = "tlspact_check_free_bytes";
	prometheus_gauge(out, m, "Room that is left for it.");
	for (i = 0; i < CHECKUP_FILES; i++)
		if (f->file[i].known)
			buf_printf(out, "%s{file=\"%s\"} %" PRIu64 "\n", m,
			    file[i], f->file[i].room);
	put_one(out, "tlspact_check_time_seconds",
	    "When all this was looked at, UNIX time.", true, f->now);
}

/* --- JSON ---------------------------------------------------------------- */

static json_t *
json_days(time_t end, time_t now)
{
	return end == 0 ? json_null() : json_integer(life_days(end, now));
}

/* All that it is about, who may be more than its text names. */
static json_t *
json_partners(const struct checkup_finding *x)
{
	json_t *list = json_array();
	size_t i;

	if (x->partner != NULL)
		json_array_append_new(list, json_text(x->partner));
	for (i = 0; i < x->npartners; i++)
		json_array_append_new(list, json_text(x->partners[i]));
	return list;
}

static json_t *
json_list(const struct checkup_list *l, const struct checkup_facts *f)
{
	json_t *list = json_array();
	const struct checkup_finding *x;
	size_t i;

	for (i = 0; i < l->n; i++) {
		x = &l->v[i];
		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "check",
			      checkup_names[x->check], "state",
			      checkup_state_names[x->state], "partner",
			      json_text(x->partner == NULL ? "" : x->partner),
			      "partners", json_partners(x), "text",
			      json_text(x->text), "next",
			      json_text(x->next == NULL ? "" : x->next)));
	}
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "state",
	    checkup_state_names[checkup_worst(l)], "critical",
	    (json_int_t)l->count[CHECKUP_CRITICAL], "warning",
	    (json_int_t)l->count[CHECKUP_WARNING], "not_known",
	    (json_int_t)l->count[CHECKUP_UNKNOWN], "ok",
	    (json_int_t)l->count[CHECKUP_OK], "min_days_left",
	    json_days(first_end(f), f->now), "own_days_left",
	    json_days(checkup_own_end(f), f->now), "checks", list);
}

/* --- The verb ------------------------------------------------------------- */

static int
print(const struct ctlcheck_seen *seen, struct ctlrun *r)
{
	const struct checkup_list *l = &seen->list;
	struct buf out = {0};
	int code = checkup_worst(l) == CHECKUP_OK ? EX_OK : 1;

	if (r->form == CHECKPRINT_NAGIOS) {
		code = put_nagios(l, seen->facts, &out);
	} else if (r->form == CHECKPRINT_PROMETHEUS) {
		put_prometheus(l, seen->facts, &out);
		code = EX_OK;
	} else if (r->opt.json) {
		r->answer = json_list(l, seen->facts);
	} else {
		put_text(l, r->opt.verbose, &out);
	}
	if (out.len > 0)
		(void)fputs(out.data, stdout);
	buf_free(&out);
	return code;
}

int
checkprint(void *run)
{
	struct ctlrun *r = run;
	struct ctlcheck_postfix postfix = {0};
	struct ctlcheck_seen seen;
	int code;

	ctlcheck_ask(&postfix, &r->c.set, r->c.now);
	ctlcheck_look(&seen, &r->c, &postfix);
	code = print(&seen, r);
	ctlcheck_release(&seen);
	ctlcheck_forget(&postfix);
	return code;
}
