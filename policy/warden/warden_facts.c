/*
 * What the ledger says of deliveries and downgrades.
 */
#include "warden_priv.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "err.h"
#include "evidence.h"
#include "ledger_downgrade.h"
#include "mem.h"
#include "num.h"

/* --- Failures ------------------------------------------------------------ */

/* FNV-1a; tells rows apart that are not the same delivery. */
static uint64_t
mix(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return (h ^ 0xff) * 0x100000001b3u;
}

static uint64_t
failure_hash(const struct evidence_failure *f)
{
	uint64_t h = 0xcbf29ce484222325u ^ (uint64_t)f->time;

	h = mix(h, f->partner);
	h = mix(h, f->fault);
	h = mix(h, f->domain);
	h = mix(h, f->host);
	h = mix(h, f->address);
	return mix(h, f->queue_id);
}

/* Where the hash stands among those taken, or would: they are sorted. */
static size_t
place(const struct warden *k, uint64_t hash)
{
	size_t lo = 0, hi = k->ntaken, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (k->taken[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Remember a failure. False if it was there. */
static bool
take_once(struct warden *k, const struct evidence_failure *f)
{
	uint64_t hash = failure_hash(f);
	size_t i = place(k, hash);

	if (i < k->ntaken && k->taken[i].hash == hash)
		return false;
	k->taken =
	    mem_grow(k->taken, k->ntaken, &k->taken_cap, sizeof(*k->taken));
	memmove(k->taken + i + 1, k->taken + i,
	    (k->ntaken - i) * sizeof(*k->taken));
	k->taken[i] = (struct warden_taken){.hash = hash, .time = f->time};
	k->ntaken++;
	return true;
}

static void
forget_old(struct warden *k)
{
	size_t i, n = 0;

	for (i = 0; i < k->ntaken; i++)
		if (k->taken[i].time >= k->failed - WARDEN_LATE)
			k->taken[n++] = k->taken[i];
	k->ntaken = n;
}

struct failures {
	struct warden *k;
	time_t now;
	/* Collected for a rebuild; else they go to drop at once. */
	struct drop_failure *v;
	size_t n, cap;
	struct arena *arena;
};

static bool
take_failure(const struct evidence_failure *f, void *arg)
{
	struct failures *c = arg;
	struct warden *k = c->k;
	struct drop_failure d = {
	    .time = f->time, .partner = f->partner, .nexthop = f->domain};

	if (f->direction != EVIDENCE_OUT ||
	    fault_parse(f->fault, &d.fault) != 0)
		return true;
	if (f->time >= k->failed - WARDEN_LATE && !take_once(k, f))
		return true;
	/* One from the future must not hide those of the present. */
	if (f->time > k->failed && f->time <= c->now + DROP_SLACK)
		k->failed = f->time;
	if (c->arena == NULL) {
		drop_failure(k->drop, &d, c->now, &k->actions);
		return true;
	}
	c->v = mem_grow(c->v, c->n, &c->cap, sizeof(*c->v));
	d.partner = arena_copy(c->arena, f->partner, strlen(f->partner));
	d.nexthop = arena_copy(c->arena, f->domain, strlen(f->domain));
	c->v[c->n++] = d;
	return true;
}

static void
read_failures(struct warden *k, time_t now)
{
	struct failures c = {.k = k, .now = now};
	struct err e;

	if (k->failed > now + DROP_SLACK)
		k->failed = now;
	if (evidence_failures(k->evidence, NULL, k->failed - WARDEN_LATE,
		take_failure, &c, &e) == -1)
		warden_complain("the evidence cannot be read", e.text);
	forget_old(k);
}

/* --- Deliveries ---------------------------------------------------------- */

/*
 * Only partners with one next-hop: the counts do not tell to which one the
 * mail went, and one that works says nothing of another that does not.
 */
static bool
one_nexthop(const struct warden *k, const char *name)
{
	const struct partner *p = warden_partner(k, name);

	return p != NULL && p->ndomains == 1 &&
	       *k->registry->domain[p->first_domain].name != '.';
}

static bool
add_sum(const struct evidence_count *c, void *arg)
{
	struct warden *k = arg;
	size_t n, i = 0;

	if (c->direction != EVIDENCE_OUT || strcmp(c->result, "sent") != 0 ||
	    !one_nexthop(k, c->partner))
		return true;
	/* They come in the order of last time: mostly this one or the next. */
	for (n = 0; n < k->nsums; n++) {
		i = (k->sum_at + n) % k->nsums;
		if (strcmp(k->sum[i].partner, c->partner) == 0)
			break;
	}
	if (n == k->nsums) {
		k->sum =
		    mem_grow(k->sum, k->nsums, &k->sum_cap, sizeof(*k->sum));
		i = k->nsums;
		k->sum[i] = (struct warden_sum){0};
		if (!warden_name(k->sum[i].partner, c->partner))
			return true;
		k->nsums++;
	}
	k->sum_at = i;
	k->sum[i].now += c->n;
	return true;
}

/* Mail went out since the last look: at what second, is not known. */
static void
read_deliveries(struct warden *k, time_t before, time_t now)
{
	char day[NUM_TIME_MAX];
	struct err e;
	size_t i;

	(void)num_time_text(now, day);
	day[10] = '\0';
	if (strcmp(day, k->sum_day) != 0) {
		strcpy(k->sum_day, day);
		k->nsums = 0;
		k->sums_known = false;
	}
	for (i = 0; i < k->nsums; i++)
		k->sum[i].now = 0;
	if (evidence_counts(k->evidence, NULL, day, day, add_sum, k, &e) ==
	    -1) {
		warden_complain("the evidence cannot be read", e.text);
		return;
	}
	for (i = 0; i < k->nsums; i++) {
		/* It takes a while from the log into the ledger. */
		struct drop_good g = {
		    .time = before - 2, .partner = k->sum[i].partner};

		if (k->sums_known && k->sum[i].now > k->sum[i].n)
			drop_good(k->drop, &g, now, &k->actions);
		k->sum[i].n = k->sum[i].now;
	}
	k->sums_known = true;
}

/* --- Downgrades ---------------------------------------------------------- */

void
warden_know_low(struct warden *k, const char *partner, int64_t id, time_t end,
    bool automatic)
{
	struct warden_low *x;
	size_t i;

	for (i = 0; i < k->nlow; i++)
		if (k->low[i].id == id)
			break;
	if (i == k->nlow) {
		k->low =
		    mem_grow(k->low, k->nlow, &k->low_cap, sizeof(*k->low));
		if (!warden_name(k->low[i].partner, partner))
			return;
		k->nlow++;
	}
	x = &k->low[i];
	x->id = id;
	x->end = end;
	x->automatic = automatic;
	x->seen = true;
}

void
warden_forget_low(struct warden *k, int64_t id)
{
	size_t i;

	for (i = 0; i < k->nlow; i++)
		if (k->low[i].id == id) {
			k->low[i] = k->low[--k->nlow];
			return;
		}
}

/* Ours, and nobody has taken it over since. */
static bool
is_automatic(const struct ledger_downgrade *d)
{
	return d->cause == LEDGER_AUTOMATIC &&
	       (*d->extended_by == '\0' ||
		   strcmp(d->extended_by, WARDEN_AUTHOR) == 0);
}

static enum drop_why
why_of(const struct ledger_downgrade *d)
{
	if (strcmp(d->closed_why, "end") == 0)
		return DROP_WHY_END;
	if (strcmp(d->closed_by, WARDEN_AUTHOR) != 0)
		return DROP_WHY_HAND;
	if (strstr(d->closed_why, "probes") != NULL)
		return DROP_WHY_PASSED;
	if (strstr(d->closed_why, "gateway") != NULL)
		return DROP_WHY_STRANGER;
	if (strstr(d->closed_why, "clock") != NULL)
		return DROP_WHY_CLOCK;
	return DROP_WHY_RULES;
}

static void
lowering_of(const struct ledger_downgrade *d, struct drop_lowering *out)
{
	*out = (struct drop_lowering){.id = d->id,
	    .partner = d->partner,
	    .level = d->after,
	    .begin = d->begin,
	    .end = d->end,
	    .closed = d->closed,
	    .automatic = is_automatic(d)};
	if (fault_parse(d->fault, &out->fault) != 0)
		out->fault = FAULT_OK;
	if (d->closed != 0)
		out->why = why_of(d);
}

struct lows {
	struct warden *k;
	time_t now;
};

static bool
see_low(const struct ledger_downgrade *d, void *arg)
{
	struct lows *c = arg;
	struct warden *k = c->k;
	struct drop_lowering l;
	size_t i;

	if (d->closed != 0)
		return true;
	lowering_of(d, &l);
	for (i = 0; i < k->nlow; i++)
		if (k->low[i].id == d->id)
			break;
	if (i == k->nlow || k->low[i].end != d->end ||
	    k->low[i].automatic != l.automatic) {
		warden_know_low(k, d->partner, d->id, d->end, l.automatic);
		drop_lowered(k->drop, &l, c->now, &k->actions);
	}
	for (i = 0; i < k->nlow; i++)
		if (k->low[i].id == d->id)
			k->low[i].seen = true;
	return true;
}

/* One that no longer holds: is it closed, and why? */
struct gone {
	int64_t id;
	bool closed;
	enum drop_why why;
};

static bool
find_gone(const struct ledger_downgrade *d, void *arg)
{
	struct gone *g = arg;

	if (d->id != g->id)
		return true;
	g->closed = d->closed != 0;
	g->why = g->closed ? why_of(d) : DROP_WHY_END;
	return false;
}

void
warden_read_lowered(struct warden *k, time_t now)
{
	struct lows c = {.k = k, .now = now};
	struct err e;
	size_t i;

	for (i = 0; i < k->nlow; i++)
		k->low[i].seen = false;
	if (ledger_downgrades(k->ledger, NULL, now, see_low, &c, &e) == -1) {
		warden_complain("the ledger cannot be read", e.text);
		return;
	}
	for (i = k->nlow; i-- > 0;) {
		struct warden_low low = k->low[i];
		struct gone g = {.id = low.id};

		if (low.seen ||
		    ledger_downgrades(
			k->ledger, low.partner, 0, find_gone, &g, &e) == -1 ||
		    !g.closed) /* drop will end it */
			continue;
		warden_forget_low(k, low.id);
		warden_back_add(k, low.partner, low.id, g.why);
	}
	warden_back_tell(k, now);
}

/* --- All of it ----------------------------------------------------------- */

void
warden_read(struct warden *k, time_t now)
{
	warden_read_lowered(k, now);
	read_deliveries(k, k->counted, now);
	k->counted = now;
	read_failures(k, now);
	warden_read_probes(k, now);
	warden_carry_out(k, now);
}

struct rebuild {
	struct warden *k;
	time_t now;
	struct drop_lowering *v;
	size_t n, cap;
	struct arena arena;
};

static bool
take_lowering(const struct ledger_downgrade *d, void *arg)
{
	struct rebuild *r = arg;
	struct drop_lowering *l;

	if (d->closed != 0 && d->closed < r->now - WARDEN_DAY &&
	    d->begin < r->now - WARDEN_DAY)
		return true;
	r->v = mem_grow(r->v, r->n, &r->cap, sizeof(*r->v));
	l = &r->v[r->n++];
	lowering_of(d, l);
	l->partner = arena_copy(&r->arena, d->partner, strlen(d->partner));
	if (d->closed == 0 && d->begin <= r->now)
		warden_know_low(r->k, d->partner, d->id, d->end, l->automatic);
	return true;
}

/* The `at` of an event, and its number. */
struct stamp {
	int64_t seq;
	time_t at;
};

static bool
take_stamp(const struct ledger_event *ev, void *arg)
{
	struct stamp *s = arg;
	json_t *o = json_loads(ev->data, 0, NULL);
	time_t at = (time_t)json_integer_value(json_object_get(o, "at"));

	if (at > s->at || s->seq == 0)
		s->at = at;
	if (ev->seq > s->seq)
		s->seq = ev->seq;
	json_decref(o);
	return true;
}

static int
read_stamp(struct warden *k, const char *kind, bool all, struct stamp *out,
    struct err *e)
{
	struct ledger_event_query q = {
	    .kind = kind, .newest_first = true, .limit = all ? 0 : 1};

	*out = (struct stamp){0};
	return ledger_events(k->ledger, &q, take_stamp, out, e);
}

static int
collect(struct warden *k, time_t now, struct drop_facts *f, struct rebuild *r,
    struct failures *c, struct warden_reports *reports, struct err *e)
{
	struct stamp mass, over, clock;
	time_t seen;

	if (ledger_newest(k->ledger, &f->last, e) == -1 ||
	    evidence_newest(k->evidence, &seen, e) == -1 ||
	    ledger_downgrades(k->ledger, NULL, 0, take_lowering, r, e) == -1 ||
	    evidence_failures(k->evidence, NULL, now - WARDEN_DAY, take_failure,
		c, e) == -1 ||
	    warden_reports(k, NULL, 0, reports, e) == -1 ||
	    read_stamp(k, "mass-fault", false, &mass, e) == -1 ||
	    read_stamp(k, "mass-over", false, &over, e) == -1 ||
	    read_stamp(k, "clock-back", true, &clock, e) == -1)
		return -1;
	if (seen > f->last)
		f->last = seen;
	k->mass = mass.seq > over.seq;
	f->mass = k->mass ? mass.at : 0;
	f->distrust = clock.at;
	f->lowering = r->v;
	f->nlowerings = r->n;
	f->failure = c->v;
	f->nfailures = c->n;
	f->report = reports->report;
	f->nreports = reports->n;
	return 0;
}

int
warden_rebuild(struct warden *k, time_t now, struct err *e)
{
	struct rebuild r = {.k = k, .now = now};
	struct failures c = {.k = k, .now = now, .arena = &r.arena};
	struct warden_reports reports = {0};
	struct drop_facts f = {0};
	int rv;

	k->failed = now - WARDEN_DAY;
	k->ntaken = k->nlow = k->nlooks = k->nback = 0;
	rv = collect(k, now, &f, &r, &c, &reports, e);
	forget_old(k);
	if (rv == 0)
		drop_rebuild(k->drop, &f, now, &k->actions);
	warden_reports_release(&reports);
	arena_free(&r.arena);
	free(r.v);
	free(c.v);
	return rv;
}
