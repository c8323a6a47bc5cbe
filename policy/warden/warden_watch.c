/*
 * What probes find before mail does: new faults, faults that are gone, and
 * certificates that come to their end.
 *
 * What people were told is an event of the ledger ("fault-new",
 * "fault-gone"), so that the end of a fault is told also after a restart.
 */
#include "warden_priv.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "err.h"
#include "ledger.h"
#include "mem.h"

#define NOT_TLS_RUN 3	  /* results in a row until such a fault is told */
#define EXPIRY_EVERY 3600 /* seconds between looks at all certificates */
#define EVENTS_DAYS 90	  /* as long as we remember a fault that was told */

static struct warden_fault *
find(struct warden *k, const char *partner)
{
	size_t i;

	for (i = 0; i < k->nfaults; i++)
		if (strcmp(k->fault[i].partner, partner) == 0)
			return &k->fault[i];
	return NULL;
}

static struct warden_fault *
add(struct warden *k, const char *partner)
{
	struct warden_fault *f = find(k, partner);

	if (f != NULL)
		return f;
	k->fault =
	    mem_grow(k->fault, k->nfaults, &k->fault_cap, sizeof(*k->fault));
	f = &k->fault[k->nfaults];
	memset(f, 0, sizeof(*f));
	if (!warden_name(f->partner, partner))
		return NULL;
	k->nfaults++;
	return f;
}

static void
forget(struct warden *k, struct warden_fault *f)
{
	*f = k->fault[--k->nfaults];
}

static void
told(struct warden *k, const char *partner, enum fault fault, time_t since,
    bool common)
{
	struct warden_fault *f = add(k, partner);

	if (f == NULL)
		return;
	f->fault = fault;
	f->since = since;
	f->found = 0;
	f->common = common;
}

void
warden_watch_told(struct warden *k, const struct drop_action *held, time_t now)
{
	/* What our probe does not see will not be seen to go, either. */
	if (held->why == DROP_WHY_UNCONFIRMED ||
	    held->why == DROP_WHY_NO_PROBE || held->fault == FAULT_OK)
		return;
	if (find(k, held->partner) == NULL)
		warden_event(k, "fault-new", held->partner,
		    fault_text(held->fault), held->since, now);
	told(k, held->partner, held->fault, held->since,
	    held->why == DROP_WHY_COMMON);
}

static bool
take_new(const struct ledger_event *ev, void *arg)
{
	struct warden *k = arg;
	json_t *o = json_loads(ev->data, 0, NULL);
	enum fault fault;

	if (fault_parse(ev->text, &fault) == 0)
		told(k, ev->partner, fault,
		    (time_t)json_integer_value(json_object_get(o, "at")),
		    false);
	json_decref(o);
	return true;
}

static bool
take_event(const struct ledger_event *ev, void *arg)
{
	struct warden *k = arg;
	struct warden_fault *f;

	if (strcmp(ev->kind, "fault-new") == 0)
		return take_new(ev, arg);
	if (strcmp(ev->kind, "fault-gone") == 0 &&
	    (f = find(k, ev->partner)) != NULL)
		forget(k, f);
	return true;
}

void
warden_watch_rebuild(struct warden *k, time_t now)
{
	struct ledger_event_query q = {
	    .since = now - (time_t)EVENTS_DAYS * WARDEN_DAY};
	struct err e;

	k->nfaults = 0;
	if (ledger_events(k->ledger, &q, take_event, k, &e) == -1)
		warden_complain("the ledger cannot be read", e.text);
}

/* --- Certificates -------------------------------------------------------- */

static void
expiring(struct warden *k, const char *partner, const struct warden_gateway *g,
    time_t now)
{
	struct notice_gateway seen = {.nexthop = g->seen.nexthop,
	    .host = g->seen.host,
	    .address = g->address,
	    .fault = g->seen.fault,
	    .key = g->seen.key,
	    .last_key = g->seen.last_key,
	    .not_after = g->not_after};
	struct notice n = {.kind = NOTICE_EXPIRING,
	    .at = now,
	    .partner = partner,
	    .waiting = -1,
	    .gateway = &seen,
	    .ngateways = 1};

	n.days = notice_expiring(g->not_after, now);
	if (n.days != 0)
		warden_tell(k, &n, now);
}

/* Only of those whose certificate counts. */
static bool
is_enforced(const struct warden *k, const char *partner)
{
	const struct partner *p = warden_partner(k, partner);

	return p != NULL && partner_level(p) > LEVEL_ENCRYPT;
}

static void
check_all(struct warden *k, time_t now)
{
	struct warden_reports r = {0};
	struct err e;
	size_t i;

	if (warden_reports(k, NULL, now - 30 * WARDEN_DAY, &r, &e) == -1)
		warden_complain("the ledger cannot be read", e.text);
	for (i = 0; i < r.ngateways; i++)
		if (r.gateway[i].met && is_enforced(k, r.gateway[i].partner))
			expiring(k, r.gateway[i].partner, &r.gateway[i], now);
	warden_reports_release(&r);
}

/* --- Faults -------------------------------------------------------------- */

static bool
is_lowered(const struct warden *k, const char *partner)
{
	size_t i;

	for (i = 0; i < k->nlow; i++)
		if (strcmp(k->low[i].partner, partner) == 0)
			return true;
	return false;
}

/* The worst of what used to pass and does not; *all: everything passes. */
static enum fault
worst_of(const struct warden_gateway *g, size_t n, time_t *since, bool *all)
{
	enum fault worst = FAULT_OK;
	size_t i;

	*all = true;
	*since = 0;
	for (i = 0; i < n; i++) {
		enum fault f = g[i].seen.fault;

		if (!g[i].met)
			continue;
		*all = *all && f == FAULT_OK;
		if (f == FAULT_OK || g[i].passed == 0 ||
		    (!fault_is_tls(f) && g[i].run < NOT_TLS_RUN))
			continue;
		if (fault_worse(worst, f) != worst || *since == 0)
			*since = g[i].seen.since;
		worst = fault_worse(worst, f);
	}
	return worst;
}

void
warden_watch_report(struct warden *k, const char *partner,
    const struct warden_gateway *g, size_t n, bool story, time_t now)
{
	struct notice notice = {.kind = NOTICE_FAULT_GONE,
	    .at = now,
	    .partner = partner,
	    .waiting = -1};
	struct warden_fault *f = find(k, partner);
	enum fault worst;
	time_t since;
	bool all;
	size_t i;

	if (!is_enforced(k, partner))
		return;
	for (i = 0; i < n; i++)
		if (g[i].met)
			expiring(k, partner, &g[i], now);
	worst = worst_of(g, n, &since, &all);
	if (worst == FAULT_OK && all && f != NULL) {
		notice.fault = f->fault;
		notice.since = f->since;
		if (f->common)
			notice.why = DROP_WHY_COMMON;
		if (f->found == 0) {
			warden_event(k, "fault-gone", partner,
			    fault_text(f->fault), f->since, now);
			if (!is_lowered(k, partner))
				warden_tell(k, &notice, now);
		}
		forget(k, f);
		return;
	}
	/* Where mail fails already, there is another notice of that. */
	if (worst == FAULT_OK || f != NULL || story || k->mass ||
	    is_lowered(k, partner) || (f = add(k, partner)) == NULL)
		return;
	f->fault = worst;
	f->since = since;
	f->found = now;
}

/*
 * Partners fail since then, and none that could tell whose fault it is
 * passes. With one partner there is nobody to tell.
 */
static bool
is_common(const struct warden *k, time_t since)
{
	uint32_t i, n = 0;

	for (i = 0; i < k->registry->npartners && n < 2; i++)
		n += is_enforced(k, k->registry->partner[i].name);
	return n > 1 && !drop_passing(k->drop, since - WARDEN_SWEEP);
}

/* Those found about the same time. */
static void
tell_new(struct warden *k, time_t now)
{
	const char **name = mem_zero(k->nfaults + 1, sizeof(*name));
	struct notice many = {.kind = NOTICE_MASS,
	    .at = now,
	    .begin = now,
	    .waiting = -1,
	    .name = name};
	bool mass, common;
	size_t i;

	for (i = 0; i < k->nfaults; i++)
		if (k->fault[i].found != 0) {
			name[many.nnames++] = k->fault[i].partner;
			many.fault = fault_worse(many.fault, k->fault[i].fault);
			if (many.since == 0 || k->fault[i].since < many.since)
				many.since = k->fault[i].since;
		}
	common = is_common(k, many.since);
	mass = many.nnames > k->drop_settings.max_partners ||
	       (common && many.nnames > 1);
	if (mass && !k->mass)
		warden_tell(k, &many, now);
	for (i = 0; i < k->nfaults; i++) {
		struct warden_fault *f = &k->fault[i];
		struct notice one = {.kind = NOTICE_FAULT_NEW,
		    .at = now,
		    .partner = f->partner,
		    .waiting = -1,
		    .fault = f->fault,
		    .why = common || f->fault == FAULT_LOCAL_ERROR
			       ? DROP_WHY_COMMON
			       : DROP_WHY_NONE,
		    .since = f->since};

		if (f->found == 0)
			continue;
		f->found = 0;
		f->common = mass || one.why == DROP_WHY_COMMON;
		warden_event(k, "fault-new", f->partner, fault_text(f->fault),
		    f->since, now);
		if (!mass && !k->mass)
			warden_tell(k, &one, now);
	}
	free(name);
}

void
warden_watch_tick(struct warden *k, time_t now)
{
	size_t i;

	if (now >= k->expiry_next || k->expiry_next - now > EXPIRY_EVERY) {
		k->expiry_next = now + EXPIRY_EVERY;
		check_all(k, now);
	}
	for (i = 0; i < k->nfaults; i++)
		if (k->fault[i].found != 0 &&
		    (now - k->fault[i].found >= WARDEN_GROUP ||
			now < k->fault[i].found)) {
			tell_new(k, now);
			break;
		}
}
