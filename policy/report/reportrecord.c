/*
 * What was decided and told, from the ledger, and whether that is whole.
 */
#include "reportrecord.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "day.h"
#include "json.h"
#include "ledger_check.h"
#include "mem.h"
#include "num.h"
#include "reading.h"
#include "registry.h"
#include "settings.h"

/* --- Downgrades ---------------------------------------------------------- */

/* When it ended, or will. */
static time_t
report_over(const struct ledger_downgrade *d)
{
	return d->closed != 0 && d->closed < d->end ? d->closed : d->end;
}

static bool
take_downgrade(const struct ledger_downgrade *d, void *arg)
{
	struct reading *g = arg;
	struct report *r = g->r;
	struct report_partner *p;

	if (d->begin >= r->to || report_over(d) <= r->from ||
	    (p = reading_add(g, d->partner)) == NULL)
		return true;
	p->ndowngrades++;
	r->downgrade = mem_grow(r->downgrade, r->ndowngrades, &r->downgrade_cap,
	    sizeof(*r->downgrade));
	r->downgrade[r->ndowngrades++] = (struct report_downgrade){.id = d->id,
	    .partner = p->name,
	    .before = d->before,
	    .after = d->after,
	    .begin = d->begin,
	    .end = d->end,
	    .closed = d->closed,
	    .over = report_over(d),
	    .open = d->closed == 0 && r->now < d->end,
	    .reason = reading_keep(g, d->reason),
	    .ticket = reading_keep(g, d->ticket),
	    .author = reading_keep(g, d->author),
	    .sudo_user = reading_keep(g, d->sudo_user),
	    .fault = reading_keep(g, d->fault),
	    .extended_by = reading_keep(g, d->extended_by),
	    .closed_by = reading_keep(g, d->closed_by),
	    .closed_why = reading_keep(g, d->closed_why),
	    .automatic = d->cause == LEDGER_AUTOMATIC,
	    .moved_known = true};
	return true;
}

static int
by_begin(const void *a, const void *b)
{
	const struct report_downgrade *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

int
reading_downgrades(struct reading *g, struct err *e)
{
	struct report *r = g->r;

	if (g->ledger == NULL)
		return 0;
	if (ledger_downgrades(
		g->ledger, reading_one(g), 0, take_downgrade, g, e) == -1)
		return -1;
	if (r->ndowngrades > 0)
		qsort(r->downgrade, r->ndowngrades, sizeof(*r->downgrade),
		    by_begin);
	return 0;
}

/* --- Events -------------------------------------------------------------- */

static const char *
member(struct reading *g, const json_t *o, const char *name)
{
	return reading_keep(g, json_string_value(json_object_get(o, name)));
}

/* Whose domain or next-hop a key of the map is. */
static const struct report_partner *
partner_of_key(struct reading *g, const char *key)
{
	const struct registry *registry = g->ask->registry;
	uint32_t i;

	if (registry == NULL ||
	    (i = registry_domain(registry, key)) == REGISTRY_NONE)
		return NULL;
	return reading_partner(
	    g, registry->partner[registry->domain[i].partner].name);
}

static enum change
change_of(const char *word)
{
	enum change c;

	for (c = CHANGE_ADDED; c < CHANGE_OTHER; c++)
		if (word != NULL && strcmp(change_name(c), word) == 0)
			break;
	return c;
}

static struct report_rule_change *
add_rule(struct reading *g, const struct ledger_event *ev)
{
	struct report *r = g->r;
	struct report_rule_change *to;

	r->rule = mem_grow(r->rule, r->nrules, &r->rule_cap, sizeof(*r->rule));
	to = &r->rule[r->nrules++];
	*to = (struct report_rule_change){.time = ev->time,
	    .event = ev->seq,
	    .partner = "",
	    .key = "",
	    .change = CHANGE_OTHER,
	    .cause = "",
	    .was = "",
	    .is = "",
	    .author = reading_keep(g, ev->author),
	    .text = ""};
	return to;
}

/* A map that was put in place: the demands that it changed, by name. */
static void
take_map(struct reading *g, const struct ledger_event *ev)
{
	json_t *data = json_loads(ev->data, 0, NULL), *row;
	const json_t *rows = json_object_get(data, "rows");
	const struct report_partner *p;
	struct report_rule_change *to;
	const char *key;
	json_int_t rest;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		key = json_string_value(json_object_get(row, "key"));
		p = key == NULL ? NULL : partner_of_key(g, key);
		if (p == NULL && g->ask->npartners > 0)
			continue;
		to = add_rule(g, ev);
		to->partner = p == NULL ? "" : p->name;
		to->key = reading_keep(g, key);
		to->change = change_of(
		    json_string_value(json_object_get(row, "change")));
		to->cause = member(g, row, "cause");
		to->was = member(g, row, "was");
		to->is = member(g, row, "is");
	}
	rest = json_integer_value(
	    json_object_get(json_object_get(data, "rest"), "n"));
	if (rest > 0)
		g->r->rules_more += (uint64_t)rest;
	json_decref(data);
}

static void
take_fault(struct reading *g, const struct ledger_event *ev, bool fresh)
{
	const struct report_partner *p = reading_partner(g, ev->partner);
	struct report *r = g->r;
	json_t *data;
	time_t at;
	size_t i;

	if (p == NULL)
		return;
	/* The one that is open. */
	for (i = r->nfaults; i > 0; i--)
		if (strcmp(r->fault[i - 1].partner, p->name) == 0)
			break;
	if (i > 0 && r->fault[i - 1].end == 0) {
		if (!fresh)
			r->fault[i - 1].end = ev->time;
		return;
	}
	if (!fresh)
		return;
	data = json_loads(ev->data, 0, NULL);
	at = (time_t)json_integer_value(json_object_get(data, "at"));
	json_decref(data);
	r->fault =
	    mem_grow(r->fault, r->nfaults, &r->fault_cap, sizeof(*r->fault));
	r->fault[r->nfaults++] = (struct report_fault){.partner = p->name,
	    .begin = at > 0 && at <= ev->time ? at : ev->time,
	    .word = reading_keep(g, ev->text)};
}

/* The last one of a partner counts, whenever it was. */
static void
take_onboard(struct reading *g, const struct ledger_event *ev)
{
	const struct report_partner *p = reading_partner(g, ev->partner);
	struct report *r = g->r;
	json_t *data;
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < r->nonboards; i++)
		if (r->onboard[i].partner == p->name)
			break;
	if (i == r->nonboards) {
		r->onboard = mem_grow(r->onboard, r->nonboards, &r->onboard_cap,
		    sizeof(*r->onboard));
		r->nonboards++;
	}
	data = json_loads(ev->data, 0, NULL);
	r->onboard[i] = (struct report_onboard){.time = ev->time,
	    .partner = p->name,
	    .text = reading_keep(g, ev->text),
	    .refusal = member(g, json_object_get(data, "steps"), "refusal")};
	json_decref(data);
}

static bool
take_event(const struct ledger_event *ev, void *arg)
{
	struct reading *g = arg;
	bool within = ev->time >= g->r->from && ev->time < g->r->to;

	if (g->r->record_begins == 0)
		g->r->record_begins = ev->time;
	/* One that began before the period may go on in it. */
	if (strcmp(ev->kind, "fault-new") == 0 && ev->time < g->r->to)
		take_fault(g, ev, true);
	else if (strcmp(ev->kind, "fault-gone") == 0)
		take_fault(g, ev, false);
	else if (strcmp(ev->kind, "onboard") == 0 && ev->time < g->r->to)
		take_onboard(g, ev);
	else if (within && strcmp(ev->kind, "map") == 0)
		take_map(g, ev);
	else if (within && g->ask->npartners == 0 &&
		 strncmp(ev->kind, "map-", 4) == 0)
		add_rule(g, ev)->text = reading_keep(g, ev->text);
	return true;
}

/* Those that were over before the period are of no interest. */
static void
drop_old_faults(struct report *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->nfaults; i++)
		if (r->fault[i].end == 0 || r->fault[i].end > r->from)
			r->fault[n++] = r->fault[i];
	r->nfaults = n;
}

/* --- Notices ------------------------------------------------------------- */

static bool
take_notice(const struct ledger_notice *n, void *arg)
{
	struct reading *g = arg;
	struct report *r = g->r;
	json_t *o = json_loads(n->data, 0, NULL);
	const char *partner = member(g, o, "partner");

	if (n->created < r->to &&
	    (g->ask->npartners == 0 || reading_partner(g, partner) != NULL)) {
		r->notice = mem_grow(
		    r->notice, r->nnotices, &r->notice_cap, sizeof(*r->notice));
		r->notice[r->nnotices++] =
		    (struct report_notice){.time = n->sent,
			.created = n->created,
			.partner = partner,
			.kind = member(g, o, "kind"),
			.subject = member(g, o, "subject")};
	}
	json_decref(o);
	return true;
}

/* --- Hours with a log ---------------------------------------------------- */

struct hours {
	struct reading *g;
	struct names hosts;
	time_t next; /* hour that is to come; before it all is told */
	time_t end;  /* from this one on none is over */
};

static void
add_gap(struct report *r, time_t begin, time_t end)
{
	if (begin >= end)
		return;
	r->gap = mem_grow(r->gap, r->ngaps, &r->gap_cap, sizeof(*r->gap));
	r->gap[r->ngaps++] = (struct report_gap){.begin = begin, .end = end};
}

static bool
take_hour(const struct evidence_hour *h, void *arg)
{
	struct hours *of = arg;
	struct report *r = of->g->r;
	struct report_host *host;
	uint32_t i;

	r->hours_known = true;
	if (h->hour >= of->end)
		return true;
	if (h->hour >= of->next) {
		add_gap(r, of->next, h->hour);
		of->next = h->hour + EVIDENCE_HOUR;
		r->hours_read++;
	}
	i = names_add(&of->hosts, h->host, strlen(h->host));
	if (i == r->nhosts) {
		r->host = mem_grow(
		    r->host, r->nhosts, &r->host_cap, sizeof(*r->host));
		r->host[r->nhosts++] = (struct report_host){
		    .name = reading_keep(of->g, h->host), .first = h->hour};
	}
	host = &r->host[i];
	host->last = h->hour;
	host->hours++;
	return true;
}

int
reading_hours(struct reading *g, struct err *e)
{
	struct report *r = g->r;
	struct hours of = {.g = g, .next = r->from};
	time_t end = r->now - r->now % EVIDENCE_HOUR;
	size_t i;
	int rv;

	if (end > r->to)
		end = r->to;
	if (end < r->from)
		end = r->from;
	r->hours = (uint64_t)(end - r->from) / EVIDENCE_HOUR;
	of.end = end;
	rv = evidence_hours(g->evidence, r->from, r->to, take_hour, &of, e);
	add_gap(r, of.next, end);
	names_free(&of.hosts);
	for (i = 0; i < r->nhosts; i++)
		r->host[i].state = r->host[i].last < end - CLOCK_DAY
				       ? REPORT_OPEN
				       : REPORT_GOOD;
	/* Where nothing was counted nothing was read, either. */
	if (r->all[EVIDENCE_IN].mail.first[0] == '\0' &&
	    r->all[EVIDENCE_OUT].mail.first[0] == '\0')
		r->hours_known = true;
	return rv;
}

/* --- Legs ---------------------------------------------------------------- */

static int
by_leg(const void *a, const void *b)
{
	const struct report_leg *x = a, *y = b;
	int rv = strcmp(x->partner, y->partner);

	return rv == 0 ? strcmp(x->leg, y->leg) : rv;
}

static bool
take_leg(const struct evidence_leg *l, void *arg)
{
	struct reading *g = arg;
	const struct report_partner *p = reading_partner(g, l->partner);
	struct report *r = g->r;
	struct report_leg *to;
	size_t i;

	if (p == NULL)
		return true;
	for (i = 0; i < r->nlegs; i++)
		if (r->leg[i].partner == p->name &&
		    strcmp(r->leg[i].leg, leg_name(l->leg)) == 0)
			break;
	if (i == r->nlegs) {
		r->leg =
		    mem_grow(r->leg, r->nlegs, &r->leg_cap, sizeof(*r->leg));
		r->leg[r->nlegs++] = (struct report_leg){
		    .partner = p->name, .leg = leg_name(l->leg)};
	}
	to = &r->leg[i];
	*(strcmp(l->tls, "encrypted") == 0 ? &to->encrypted
	    : strcmp(l->tls, "clear") == 0 ? &to->clear
					   : &to->unknown) += l->n;
	if (l->last > to->last)
		to->last = l->last;
	return true;
}

int
reading_legs(struct reading *g, struct err *e)
{
	struct report *r = g->r;

	if (evidence_legs(g->evidence, reading_one(g), r->from_day, r->to_day,
		take_leg, g, e) == -1)
		return -1;
	if (r->nlegs > 0)
		qsort(r->leg, r->nlegs, sizeof(*r->leg), by_leg);
	return 0;
}

/* --- Is it whole? -------------------------------------------------------- */

static bool
take_flaw(const struct ledger_flaw *f, void *arg)
{
	struct reading *g = arg;
	struct report *r = g->r;

	if (r->nflaws < REPORT_FLAWS_MAX)
		r->flaw[r->nflaws++] = reading_keep(g, f->text);
	return true;
}

static int
check(struct reading *g, struct err *e)
{
	struct report *r = g->r;
	size_t pruned;

	r->flaw = mem_zero(REPORT_FLAWS_MAX, sizeof(*r->flaw));
	if (ledger_check(
		g->ledger, NULL, take_flaw, g, &r->head, &r->flaws, e) == -1)
		return -1;
	r->evidence_checked = g->ask->check && g->evidence != NULL;
	if (g->ask->check && day_check(g->ledger, g->ask->set, r->now,
				 take_flaw, g, &r->flaws, &pruned, e) == -1)
		return -1;
	r->verify = reading_printf(g,
	    "tlspactctl history --check --known %" PRId64 ":%s", r->head.count,
	    r->head.hash);
	return 0;
}

int
reading_record(struct reading *g, struct err *e)
{
	const struct ledger_event_query all = {0};

	g->r->verify = "";
	if (g->ledger == NULL)
		return 0;
	if (ledger_events(g->ledger, &all, take_event, g, e) == -1 ||
	    ledger_notices_since(g->ledger, g->r->from, take_notice, g, e) ==
		-1)
		return -1;
	drop_old_faults(g->r);
	return check(g, e);
}
