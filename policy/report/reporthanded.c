/*
 * What counts as another's: the record of a name that went on under another one
 * (former=), and the mail of domains that were another partner's without that.
 */
#include "reporthanded.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "evidence_log.h"
#include "ledger.h"
#include "ledger_rename.h"
#include "mapevent.h"
#include "mem.h"
#include "num.h"
#include "reading.h"
#include "registry.h"

#define TIMES_MAX 3 /* lines about two partners; more are told as one */

/* A partner's name, as it stands in events. */
struct named {
	size_t renamed; /* 1 + the number of its last rename; 0: none */
	size_t handed;	/* 1 + its number in the report; 0: it has none */
	int64_t seq;	/* of that rename; once it is back, of that event */
	int64_t seen;	/* the last event in which it has or had a domain */
};

/* A domain, by the last event that names it. */
struct owned {
	const char *owner; /* as it is called now; NULL: nobody, not known */
	time_t since;
	bool exact; /* from then on; else some time later */
};

/* A time in which a domain of one partner of now was another's. */
struct stay {
	uint32_t domain;	 /* of the registry */
	const char *is, *was;	 /* whose it is; whose it was, called so now */
	time_t begin, end, over; /* begin, end: 0: not known; over by then */
	int64_t seq;		 /* of the event that tells it */
};

struct handing {
	struct reading *g;
	struct ledger_names renames;
	struct names names, domains;
	struct named *named; /* by their numbers */
	struct owned *owned;
	size_t named_cap, owned_cap;
	struct stay *stay;
	size_t nstays, stay_cap;
};

static struct named *
named(struct handing *m, const char *name, const char **kept)
{
	const uint32_t n = m->names.n;
	const uint32_t i = names_add(&m->names, name, strlen(name));

	if (i == n) {
		m->named =
		    mem_grow(m->named, n, &m->named_cap, sizeof(*m->named));
		m->named[i] = (struct named){0};
	}
	if (kept != NULL)
		*kept = m->names.v[i];
	return &m->named[i];
}

/* --- The record of a name ------------------------------------------------- */

/* Renames and merges that were taken back: each name by its last one. */
static void
find_names(struct handing *m)
{
	struct report *r = m->g->r;
	const struct ledger_renamed *x;
	struct named *n;
	const char *to;
	size_t i;

	for (i = 0; i < m->renames.n; i++)
		named(m, m->renames.v[i].from, NULL)->renamed = i + 1;
	for (i = 0; i < m->renames.n; i++) {
		x = &m->renames.v[i];
		n = named(m, x->from, NULL);
		to = ledger_name_now(&m->renames, x->from, 0, 0);
		if (n->renamed != i + 1 || strcmp(to, x->from) == 0 ||
		    registry_partner(r->registry, x->from) == REGISTRY_NONE)
			continue;
		r->handed = mem_grow(
		    r->handed, r->nhanded, &r->handed_cap, sizeof(*r->handed));
		r->handed[r->nhanded++] = (struct report_handed){
		    .from = reading_keep(m->g, x->from),
		    .to = reading_keep(m->g, to),
		    .leads = registry_partner(r->registry, to) != REGISTRY_NONE,
		    .domain = ""};
		n->handed = r->nhanded;
		n->seq = x->seq;
	}
}

/* The name is a partner's again: from then on, or since some time before. */
static void
take_back(struct handing *m, const struct ledger_event *ev, const char *name,
    bool exact)
{
	struct named *n = named(m, name, NULL);
	struct report_handed *h;

	if (n->handed == 0 || ev->seq <= n->seq)
		return;
	h = &m->g->r->handed[n->handed - 1];
	if (h->over != 0)
		return;
	h->over = ev->time;
	h->end = exact ? ev->time : 0;
	n->seq = ev->seq;
}

static bool
take_count(const struct evidence_count *c, void *arg)
{
	(void)c;
	*(bool *)arg = true;
	return false;
}

/*
 * Where no event tells, mail does: what is counted under the name is of a time
 * at which it was back.
 */
static int
find_counted(struct handing *m, struct err *e)
{
	struct report *r = m->g->r;
	char first[NUM_TIME_MAX], last[NUM_TIME_MAX];
	bool any;
	size_t i;

	num_time_text(r->from - 30 * CLOCK_DAY, first)[10] = '\0';
	num_time_text(r->from - CLOCK_DAY, last)[10] = '\0';
	for (i = 0; i < r->nhanded; i++) {
		any = false;
		if (r->handed[i].over == 0 && m->g->evidence != NULL &&
		    evidence_counts(m->g->evidence, r->handed[i].from, first,
			last, take_count, &any, e) == -1)
			return -1;
		if (any)
			r->handed[i].over = r->from;
	}
	return 0;
}

/* Of a period after it nothing counts as another's. */
static void
drop_over(struct handing *m)
{
	struct report *r = m->g->r;
	struct report_handed *h;
	size_t i, n = 0;
	int64_t back;

	for (i = 0; i < r->nhanded; i++) {
		h = &r->handed[i];
		if (h->over != 0 && h->over <= r->from)
			continue;
		back = named(m, h->from, NULL)->seq;
		h->apart = h->over != 0 && named(m, h->to, NULL)->seen > back;
		r->handed[n++] = *h;
	}
	r->nhanded = n;
}

/* --- Mail of a domain ----------------------------------------------------- */

/* The partner that has what is on record under that name. */
static uint32_t
leads_to(const struct registry *r, const char *name)
{
	const uint32_t i = registry_partner(r, name);

	return i == REGISTRY_NONE ? registry_former(r, name) : i;
}

/* It was `was`'s up to `end` (0: some time before `over`). */
static void
add_stay(struct handing *m, uint32_t i, const char *was, time_t begin,
    time_t end, time_t over, int64_t seq)
{
	const struct registry *r = m->g->r->registry;
	const uint32_t d = registry_domain(r, m->domains.v[i]);
	uint32_t p, q;
	const char *is;

	if (was == NULL || d == REGISTRY_NONE)
		return;
	p = r->domain[d].partner;
	q = leads_to(r, was);
	if (p == q)
		return;
	is = r->partner[p].name;
	if (q != REGISTRY_NONE)
		was = r->partner[q].name;
	if (reading_partner(m->g, is) == NULL &&
	    reading_partner(m->g, was) == NULL)
		return;
	m->stay = mem_grow(m->stay, m->nstays, &m->stay_cap, sizeof(*m->stay));
	m->stay[m->nstays++] = (struct stay){.domain = d,
	    .is = is,
	    .was = was,
	    .begin = begin,
	    .end = end,
	    .over = over,
	    .seq = seq};
}

/*
 * Up to that event it was `was`'s. If the event before told of another owner,
 * what changed in between is on no record: no row did.
 */
static void
end_stay(struct handing *m, uint32_t i, const char *was, bool stays,
    time_t over, int64_t seq)
{
	const struct owned *x = &m->owned[i];
	const time_t begin = x->exact ? x->since : 0;
	const bool gapless = x->owner == was;

	if (x->since >= m->g->r->to || over <= m->g->r->from ||
	    x->since >= over)
		return;
	if (!gapless)
		add_stay(m, i, x->owner, begin, 0, over, seq);
	if (!stays)
		add_stay(m, i, was, gapless ? begin : 0, over, over, seq);
}

/* What the partner is called now that had the name in the event, or before. */
static const char *
name_now(struct handing *m, const struct ledger_event *ev, const char *name,
    bool before)
{
	struct named *n = named(m, name, &name);

	n->seen = ev->seq;
	if (n->renamed == 0)
		return name;
	/* A rename is recorded before the map which that registry makes. */
	(void)named(m,
	    ledger_name_now(&m->renames, name, before ? 0 : ev->seq, ev->time),
	    &name);
	return name;
}

/* When one that the registry has no more had its last row. */
static void
note_gone(struct reading *g, const struct ledger_event *ev, const char *is,
    const char *was)
{
	struct report_partner *p;

	if (was != NULL && (p = reading_partner(g, was)) != NULL &&
	    p->p == NULL)
		p->gone = ev->time;
	if (is != NULL && (p = reading_partner(g, is)) != NULL)
		p->gone = 0;
}

static void
take_row(const struct ledger_event *ev, const char *key, const char *is,
    const char *was, void *arg)
{
	struct handing *m = arg;
	const uint32_t n = m->domains.n;
	const char *name = NULL;
	struct owned *x;
	uint32_t i;

	note_gone(m->g, ev, is, was);
	if (is == NULL && was == NULL)
		return;
	if (was != NULL) {
		name = name_now(m, ev, was, true);
		/* Else it went on under another one by this very map. */
		if (strcmp(name, was) == 0)
			take_back(m, ev, was, false);
	}
	if (is != NULL)
		take_back(m, ev, is, was == NULL || strcmp(was, is) != 0);
	was = name;
	is = is == NULL ? NULL : name_now(m, ev, is, false);
	i = names_add(&m->domains, key, strlen(key));
	if (i == n) {
		m->owned =
		    mem_grow(m->owned, n, &m->owned_cap, sizeof(*m->owned));
		m->owned[i] = (struct owned){0};
	}
	x = &m->owned[i];
	/* Nobody's, or not known. */
	if (was == NULL && x->owner == is)
		was = is;
	if (x->owner != was || is != was)
		end_stay(m, i, was, is == was, ev->time, ev->seq);
	if (is != was)
		*x = (struct owned){is, ev->time, true};
	else if (x->owner != is)
		*x = (struct owned){is, x->since, false};
}

static bool
take_event(const struct ledger_event *ev, void *arg)
{
	struct handing *m = arg;

	if (*ev->partner != '\0')
		take_back(m, ev, ev->partner, false);
	mapevent_owners(ev, take_row, m);
	return true;
}

/* --- Told once ------------------------------------------------------------ */

/* Is it told of the name already? */
static bool
is_told(struct handing *m, const struct stay *s)
{
	const struct named *n = named(m, s->is, NULL);
	const struct report_handed *h;

	if (n->handed == 0)
		return false;
	h = &m->g->r->handed[n->handed - 1];
	return strcmp(h->to, s->was) == 0 &&
	       (h->over == 0 || s->over <= h->over);
}

static void
drop_told(struct handing *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->nstays; i++)
		if (!is_told(m, &m->stay[i]))
			m->stay[n++] = m->stay[i];
	m->nstays = n;
}

static int
compare_times(time_t a, time_t b)
{
	return a == b ? 0 : a < b ? -1 : 1;
}

static int
by_pair(const struct stay *x, const struct stay *y)
{
	const int rv = strcmp(x->is, y->is);

	return rv == 0 ? strcmp(x->was, y->was) : rv;
}

static int
by_time(const struct stay *x, const struct stay *y)
{
	const int rv = compare_times(x->begin, y->begin);

	return rv == 0 ? compare_times(x->end, y->end) : rv;
}

static int
by_stay(const void *a, const void *b)
{
	const struct stay *x = a, *y = b;
	int rv = by_pair(x, y);

	if (rv == 0)
		rv = by_time(x, y);
	return rv != 0 ? rv : (x->domain > y->domain) - (x->domain < y->domain);
}

/* How many of the n stays at s are alike, by that order? */
static size_t
alike(const struct stay *s, size_t n,
    int (*compare)(const struct stay *x, const struct stay *y))
{
	size_t k = 1;

	while (k < n && compare(s, &s[k]) == 0)
		k++;
	return k;
}

static void
tell(struct handing *m, const struct stay *s, size_t domains, time_t end,
    bool times)
{
	struct report *r = m->g->r;
	const bool leads = leads_to(r->registry, s->was) != REGISTRY_NONE;

	r->handed =
	    mem_grow(r->handed, r->nhanded, &r->handed_cap, sizeof(*r->handed));
	r->handed[r->nhanded++] = (struct report_handed){
	    .from = reading_keep(m->g, s->is),
	    .to = reading_keep(m->g, s->was),
	    .domain = reading_keep(m->g, r->registry->domain[s->domain].name),
	    .domains = domains,
	    .begin = s->begin,
	    .end = end,
	    .times = times,
	    .leads = leads,
	    .apart = named(m, s->was, NULL)->seen > s->seq};
}

/* The n stays at s, all of one partner's domains with another one. */
static void
tell_pair(struct handing *m, const struct stay *s, size_t n)
{
	size_t i, k, times = 0, most = 0;
	time_t end = s->end;

	for (i = 0; i < n; i += k, times++) {
		k = alike(&s[i], n - i, by_time);
		if (k > most)
			most = k;
		/* 0 is later than all. */
		if (end != 0 && (s[i].end == 0 || s[i].end > end))
			end = s[i].end;
	}
	if (times > TIMES_MAX) {
		tell(m, s, most, end, true);
		return;
	}
	for (i = 0; i < n; i += k) {
		k = alike(&s[i], n - i, by_time);
		tell(m, &s[i], k, s[i].end, false);
	}
}

static void
tell_all(struct handing *m)
{
	size_t i, k;

	for (i = 0; i < m->domains.n; i++)
		if (m->owned[i].owner != NULL)
			end_stay(m, (uint32_t)i, NULL, false, LEDGER_TIME_MAX,
			    INT64_MAX);
	drop_told(m);
	drop_over(m);
	if (m->nstays > 0)
		qsort(m->stay, m->nstays, sizeof(*m->stay), by_stay);
	for (i = 0; i < m->nstays; i += k) {
		k = alike(&m->stay[i], m->nstays - i, by_pair);
		tell_pair(m, &m->stay[i], k);
	}
}

static int
read_all(struct handing *m, struct err *e)
{
	struct ledger_event_query q = {0};

	if (ledger_names_read(m->g->ledger, &m->renames, e) == -1)
		return -1;
	find_names(m);
	/* Any event about a name shows that it is back. */
	if (m->g->r->nhanded == 0)
		q.kind = MAPEVENT_KIND;
	if (ledger_events(m->g->ledger, &q, take_event, m, e) == -1 ||
	    find_counted(m, e) == -1)
		return -1;
	tell_all(m);
	return 0;
}

int
reading_handed(struct reading *g, struct err *e)
{
	struct handing m = {.g = g};
	int rv;

	if (g->r->registry == NULL)
		return 0;
	rv = read_all(&m, e);
	ledger_names_release(&m.renames);
	names_free(&m.names);
	names_free(&m.domains);
	free(m.named);
	free(m.owned);
	free(m.stay);
	return rv;
}
