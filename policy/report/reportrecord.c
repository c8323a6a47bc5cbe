/*
 * What was decided and told, from the ledger, and whether that is whole; how
 * we are seen, from the evidence.
 */
#include "reportrecord.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "day.h"
#include "evidence_own.h"
#include "json.h"
#include "ledger.h"
#include "mapevent.h"
#include "mem.h"
#include "num.h"
#include "reading.h"
#include "registry.h"
#include "reportgateway.h"
#include "reporthanded.h"
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
	    .direction = d->direction,
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

/*
 * Mail that comes in shows TLS, and no more: whether a client had the
 * certificate that was agreed nobody looked at then.
 */
static bool
met_inbound(const struct report_partner *p, const struct evidence_count *c)
{
	return p->p != NULL &&
	       p->p->attributes->inbound_verify == INBOUND_NONE &&
	       c->seen != EVIDENCE_CLEAR;
}

/* A key that was agreed is no accepted CA, nor is that the key. */
static bool
met_outbound(const struct report_downgrade *d, const struct evidence_count *c)
{
	switch (d->before) {
	case LEVEL_ENCRYPT:
		return c->seen != EVIDENCE_CLEAR;
	case LEVEL_KEY:
		return c->seen == EVIDENCE_VERIFIED &&
		       strcmp(c->proof, "key") == 0;
	case LEVEL_SECURE:
		return c->seen == EVIDENCE_VERIFIED && *c->proof != '\0' &&
		       strcmp(c->proof, "key") != 0;
	default:
		return false;
	}
}

bool
reading_met(const struct reading *g, const struct report_partner *p,
    const struct evidence_count *c)
{
	const struct report_downgrade *d = g->r->downgrade;
	size_t i;

	if (p == NULL || c->downgrade == 0)
		return false;
	for (i = 0; i < g->r->ndowngrades; i++)
		if (d[i].id == c->downgrade)
			return c->direction == EVIDENCE_IN
				   ? met_inbound(p, c)
				   : met_outbound(&d[i], c);
	return false;
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

/* What a row demanded, or does, with what differs if both look alike. */
static const char *
demand(struct reading *g, const json_t *row, bool is)
{
	struct buf out = {0};
	const char *kept;

	mapevent_demand(row, is, &out);
	kept = reading_keep(g, out.data);
	buf_free(&out);
	return kept;
}

/* How long is what stands before the word match=, if that is the last one? */
static size_t
before_match(const char *text)
{
	const char *last = strrchr(text, ' ');

	return last != NULL && strncmp(last, " match=", 7) == 0
		   ? (size_t)(last - text)
		   : 0;
}

const char *
report_change_words(const struct report_rule_change *x)
{
	const size_t n = before_match(x->was);

	return x->change == CHANGE_OTHER && n > 0 && n == before_match(x->is) &&
		       strncmp(x->was, x->is, n) == 0
		   ? "new gateway names"
		   : change_name(x->change);
}

/* Whose it is by the registry, else whose it was by the event; or NULL. */
static const char *
partner_of_row(struct reading *g, const json_t *row, const char *key)
{
	const struct report_partner *p =
	    key == NULL ? NULL : partner_of_key(g, key);
	const char *was;

	if (p != NULL)
		return p->name;
	was = member(g, row, "partner_was");
	if ((p = reading_partner(g, was)) != NULL)
		return p->name;
	return g->ask->npartners > 0 ? NULL : was;
}

/* Had it a name in the registry, and has none there now? */
static bool
is_gone(const struct reading *g, const char *name)
{
	return *name != '\0' && g->ask->registry != NULL &&
	       registry_partner(g->ask->registry, name) == REGISTRY_NONE;
}

struct gone {
	const struct reading *g;
	uint64_t n;
};

static void
count_gone(const struct ledger_event *ev, const char *name, void *arg)
{
	struct gone *gone = arg;

	(void)ev;
	gone->n += is_gone(gone->g, name);
}

/* A map that was put in place: the demands that it changed, by name. */
static void
take_map(struct reading *g, const struct ledger_event *ev)
{
	json_t *data = json_loads(ev->data, 0, NULL), *row;
	const json_t *rows = json_object_get(data, "rows");
	struct report_rule_change *to;
	const size_t first = g->r->nrules;
	const char *key, *partner;
	struct mapevent_rest rest;
	struct gone gone = {.g = g};
	size_t i;

	json_array_foreach(rows, i, row)
	{
		key = json_string_value(json_object_get(row, "key"));
		if ((partner = partner_of_row(g, row, key)) == NULL)
			continue;
		to = add_rule(g, ev);
		to->partner = partner;
		to->key = reading_keep(g, key);
		to->change = change_of(
		    json_string_value(json_object_get(row, "change")));
		to->cause = member(g, row, "cause");
		to->was = demand(g, row, false);
		to->is = demand(g, row, true);
		to->weakens = mapevent_weakens(row);
		to->gone = to->change == CHANGE_REMOVED && is_gone(g, partner);
	}
	json_decref(data);
	if (!mapevent_rest(ev, count_gone, &gone, &rest))
		return;
	g->r->rules_more += rest.rows;
	/* Of whose they are little is known: they count where all are asked. */
	for (i = first; i < g->r->nrules && g->ask->npartners == 0; i++) {
		g->r->rule[i].unnamed = rest.lost;
		g->r->rule[i].unnamed_partners = rest.losers;
		g->r->rule[i].unnamed_gone = gone.n;
		g->r->rule[i].at_least = !rest.counted;
	}
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
	reading_ruled(g, ev);
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

	/* What waits for the contact is told to the operator as well. */
	if (json_object_get(o, "contact_of") == NULL && n->created < r->to &&
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

/* Seconds since midnight. */
static int
time_of_day(const struct reading *g, time_t t)
{
	struct tm tm = {0};

	(void)(g->ask->local ? localtime_r(&t, &tm) : gmtime_r(&t, &tm));
	return (tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec;
}

static int
by_quiet(const void *a, const void *b)
{
	const struct report_quiet *x = a, *y = b;
	time_t of = x->end - x->begin, than = y->end - y->begin;

	if ((of >= CLOCK_DAY || than >= CLOCK_DAY || x->n == y->n) &&
	    of != than)
		return of > than ? -1 : 1;
	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/*
 * A site that sleeps has a gap each night. One of a day or more is none of
 * these and stays alone; so there are no more kinds than hours by lengths.
 */
static void
join_gaps(struct reading *g)
{
	struct report *r = g->r;
	const struct report_gap *p;
	const struct report_quiet *q;
	size_t i, k;
	time_t len;
	int at;

	if (r->ngaps == 0)
		return;
	r->quiet = mem_zero(r->ngaps, sizeof(*r->quiet));
	for (i = 0; i < r->ngaps; i++) {
		p = &r->gap[i];
		len = p->end - p->begin;
		at = time_of_day(g, p->begin);
		for (k = len < CLOCK_DAY ? 0 : r->nquiets; k < r->nquiets;
		     k++) {
			q = &r->quiet[k];
			if (at == q->at && len == q->end - q->begin)
				break;
		}
		if (k == r->nquiets)
			r->quiet[r->nquiets++] = (struct report_quiet){
			    .begin = p->begin, .end = p->end, .at = at};
		r->quiet[k].last = p->begin;
		r->quiet[k].n++;
	}
	qsort(r->quiet, r->nquiets, sizeof(*r->quiet), by_quiet);
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

static int
read_hours(struct reading *g, struct err *e)
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
	join_gaps(g);
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

static int
read_legs(struct reading *g, struct err *e)
{
	struct report *r = g->r;

	if (evidence_legs(g->evidence, reading_one(g), r->from_day, r->to_day,
		take_leg, g, e) == -1)
		return -1;
	if (r->nlegs > 0)
		qsort(r->leg, r->nlegs, sizeof(*r->leg), by_leg);
	return 0;
}

/* --- Our own side -------------------------------------------------------- */

#define OLD (2 * CLOCK_DAY) /* it is looked at each day */

static bool
take_own(const struct evidence_own *o, void *arg)
{
	struct reading *g = arg;
	struct report *r = g->r;
	struct report_own *to;

	r->own = mem_grow(r->own, r->nown, &r->own_cap, sizeof(*r->own));
	to = &r->own[r->nown++];
	*to = (struct report_own){.what = reading_keep(g, o->what),
	    .name = reading_keep(g, o->name),
	    .text = reading_keep(g, o->text),
	    .state = REPORT_BAD,
	    .begins = o->begins,
	    .ends = o->ends};
	while (to->state > REPORT_OPEN &&
	       strcmp(o->state, report_state_name(to->state)) != 0)
		to->state--;
	r->own_time = o->time;
	return true;
}

static int
read_own(struct reading *g, struct err *e)
{
	struct report *r = g->r;
	time_t until = r->now < r->to ? r->now + 1 : r->to;
	int rv = evidence_own_last(g->evidence, until, take_own, g, e);

	r->own_old = r->own_time < until - OLD;
	return rv;
}

/* --- What waits ---------------------------------------------------------- */

/* Postfix gives up after five days, as it comes: older ones were not seen to
 * end. */
#define WAIT_MAX (7 * CLOCK_DAY)

static bool
take_wait(const struct evidence_wait *w, void *arg)
{
	struct reading *g = arg;
	struct report *r = g->r;
	const struct report_partner *p = reading_partner(g, w->partner);
	const char *name = p == NULL ? "" : p->name;
	size_t i;

	if (w->since > r->now || w->since < r->now - WAIT_MAX ||
	    (p == NULL && (*w->partner != '\0' || g->ask->npartners > 0)))
		return true;
	for (i = 0; i < r->nwaits; i++)
		if (r->wait[i].partner == name)
			break;
	if (i == r->nwaits) {
		r->wait = mem_grow(
		    r->wait, r->nwaits, &r->wait_cap, sizeof(*r->wait));
		r->wait[r->nwaits++] =
		    (struct report_wait){.partner = name, .since = w->since};
	}
	r->wait[i].mails++;
	return true;
}

static int
read_waits(struct reading *g, struct err *e)
{
	return evidence_waits(g->evidence, take_wait, g, e);
}

int
reading_evidence(struct reading *g, struct err *e)
{
	if (read_hours(g, e) == -1 || read_legs(g, e) == -1 ||
	    read_own(g, e) == -1)
		return -1;
	return read_waits(g, e);
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
	struct day_seals seals = {.from = r->from, .to = r->to};

	r->flaw = mem_zero(REPORT_FLAWS_MAX, sizeof(*r->flaw));
	if (ledger_check(
		g->ledger, NULL, take_flaw, g, &r->head, &r->flaws, e) == -1)
		return -1;
	r->evidence_checked = g->ask->check && g->evidence != NULL;
	if (g->ask->check && day_check(g->ledger, g->ask->set, r->now,
				 take_flaw, g, &r->flaws, &seals, e) == -1)
		return -1;
	r->unsealed =
	    g->evidence == NULL ? "there is no evidence to hold against it"
	    : !g->ask->check ? "the evidence was not held against it: --check"
			     : reading_keep(g, seals.unsealed);
	r->verify = reading_printf(g,
	    "tlspactctl history --check --known %" PRId64 ":%s%s",
	    r->head.count, r->head.hash, r->options);
	return 0;
}

/* What is not on record was not decided only where all is recorded. */
static void
find_unrecorded(struct reading *g)
{
	struct report *r = g->r;

	r->recorded = r->head.count > 0 && r->record_begins < r->to;
	r->unrecorded =
	    r->head.count == 0 ? "there is no record yet"
	    : !r->recorded || r->record_begins > r->from
		? reading_printf(g, "not known before the record begins, at %s",
		      reading_date(g, r->record_begins))
	    : r->flaws > 0 ? "the record is not whole"
			   : "";
}

int
reading_record(struct reading *g, struct err *e)
{
	const struct ledger_event_query all = {0};

	g->r->verify = g->r->unsealed = "";
	g->r->unrecorded = "there is no record yet";
	if (g->ledger == NULL)
		return 0;
	if (ledger_events(g->ledger, &all, take_event, g, e) == -1 ||
	    ledger_notices_since(g->ledger, g->r->from, take_notice, g, e) ==
		-1)
		return -1;
	drop_old_faults(g->r);
	if (reading_handed(g, e) == -1 || check(g, e) == -1)
		return -1;
	find_unrecorded(g);
	return 0;
}
