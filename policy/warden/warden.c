#include "warden.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "buf.h"
#include "cdbmap.h"
#include "clock.h"
#include "day.h"
#include "err.h"
#include "evidence.h"
#include "ledger.h"
#include "logline.h"
#include "mapgone.h"
#include "mapholds.h"
#include "mem.h"
#include "proberecord.h"
#include "settings.h"
#include "target.h"
#include "warden_facts.h"
#include "warden_list.h"
#include "warden_tell.h"

#define SETTLE 3	 /* seconds without a result: the look is over */
#define CONTROL_OLD 30	 /* seconds that one of ours may keep others waiting */
#define COMPILE_AGAIN 60 /* seconds until a compile that failed is retried */
#define MAP_AGAIN 5	 /* seconds until the map is read once more */
#define LOOK_AGAIN 10	 /* seconds for the look of whoever restores */

/* A look at a partner's gateways that we asked for. */
struct probe {
	char partner[REGISTRY_NAME_MAX + 1];
	time_t start;
	bool again; /* asked for once more meanwhile */
	bool control;
};

/* A downgrade that the ledger has ended; the map may not say so yet. */
struct back {
	char partner[REGISTRY_NAME_MAX + 1];
	int64_t id;
	enum direction let_in; /* unless BOTH of mail from them alone */
	enum drop_why why;
	time_t known; /* since when we know of it */
};

/* A partner whose mail is retried once the map is written. */
struct flush {
	char partner[REGISTRY_NAME_MAX + 1];
};

struct warden {
	const struct settings *set;
	struct warden_calls calls;
	struct warden_facts facts;
	struct warden_tell tell;
	struct drop_settings drop_settings;
	bool requiretls; /* Postfix knows it, and returns mail below key */
	bool carrying;
	struct warden_list probes, backs, flushes;
	time_t back_next;
	bool compile_wanted, compiling;
	time_t compile_next;
	time_t sweep_next;
	time_t prune_next;
	time_t day_told;      /* number of the day on which that was done */
	struct stat map_told; /* the map whose losses were told */
};

static void carry_out(struct warden *k, time_t now);

bool
warden_is_theirs(
    const struct warden *k, const char *partner, const char *domain)
{
	const struct partner *p = warden_facts_partner(&k->facts, partner);
	uint32_t i;

	if (p == NULL)
		return false;
	i = registry_covering(k->facts.registry, domain);
	return i != REGISTRY_NONE && &k->facts.registry->partner[i] == p;
}

/* --- Looks at gateways --------------------------------------------------- */

static void
ask_probe(struct warden *k, const char *partner, bool control, time_t now)
{
	struct probe *l = warden_list_find(&k->probes, partner);

	if (l != NULL) {
		/* What it began with may be over. */
		l->again = l->start < now;
		l->control &= control;
	} else if ((l = warden_list_add(&k->probes, partner)) != NULL) {
		l->start = now;
		l->control = control;
		k->calls.probe(k->calls.ctx, partner);
	}
}

/* Take the partner's look from `since` on; start: when it began, or 0. */
static void
take_probe(struct warden *k, const char *partner, time_t since, time_t start,
    bool asked, time_t now)
{
	struct warden_reports r = {0};
	struct err e;

	if (warden_reports(&k->facts, partner, since, &r, &e) == -1) {
		warden_complain("the evidence cannot be read", e.text);
	} else if (r.n == 1) {
		if (start != 0)
			r.v->time = start;
		drop_probe(k->facts.drop, r.v, now, &k->facts.actions);
		carry_out(k, now);
		if (warden_tell_report(&k->tell, r.v, asked, now))
			ask_probe(k, partner, true, now);
	}
	warden_reports_release(&r);
}

static void
probed(struct warden *k, const char *partner, time_t now)
{
	struct probe *at = warden_list_find(&k->probes, partner), l;

	if (at == NULL || k->facts.drop == NULL)
		return;
	l = *at;
	warden_list_remove(&k->probes, at);
	/* Somebody set the clock back: what was written bears less. */
	if (l.start > now)
		l.start = now;
	take_probe(k, l.partner, l.start, l.start, !l.control, now);
	if (l.again)
		ask_probe(k, l.partner, l.control, now);
}

/* Looks of others that are complete. */
static void
settle_probes(struct warden *k, time_t now)
{
	struct warden_other *at, t;
	struct probe *ours;
	size_t i;

	for (i = k->facts.others.n; i-- > 0;) {
		t = *(at = warden_list_at(&k->facts.others, i));
		if (now - t.last < SETTLE && now >= t.last)
			continue;
		warden_list_remove(&k->facts.others, at);
		/* What ours shows is taken when it is complete. */
		ours = warden_list_find(&k->probes, t.partner);
		if (ours == NULL ||
		    (ours->control && now - ours->start > CONTROL_OLD))
			take_probe(
			    k, t.partner, t.last - STEP_LOOK, 0, false, now);
	}
}

/* --- What is told ------------------------------------------------------- */

/* Does mail there that demands REQUIRETLS go back to its sender? */
static bool
is_returned(struct warden *k, const char *partner, enum level level)
{
	const struct partner *p = warden_facts_partner(&k->facts, partner);

	return p != NULL ? attributes_returned(p->attributes, level)
			 : level < LEVEL_KEY;
}

static void
tell(struct warden *k, const struct drop_action *x, time_t now)
{
	struct notice n;

	switch (x->what) {
	case DROP_TELL_COMMON:
		k->facts.common = true;
		warden_facts_event(&k->facts, "mass-fault", NULL,
		    "many partners fail at once: nobody is lowered", x->begin,
		    now);
		break;
	case DROP_TELL_COMMON_OVER:
		k->facts.common = false;
		warden_facts_event(&k->facts, "mass-over", NULL,
		    "partners recover: downgrades are possible again", x->begin,
		    now);
		break;
	case DROP_TELL_HELD:
		logline(LOGLINE_INFO, "%s: held (%s): %s; %s", x->partner,
		    drop_why_text(x->why), fault_text(x->fault), x->text);
		break;
	default:
		break;
	}
	if (notice_of_action(x, now, &n)) {
		n.returns = n.kind == NOTICE_LOWERED && k->requiretls &&
			    is_returned(k, x->partner, n.of.to);
		warden_tell(&k->tell, &n, now);
	}
}

/* --- Who is back at full strength ---------------------------------------- */

static bool
is_among(const struct downgrade *v, size_t n, const struct back *x)
{
	size_t i;

	/* Another downgrade of that partner is another story. */
	for (i = 0; i < n; i++)
		if (strcmp(v[i].partner, x->partner) == 0 &&
		    (v[i].id == 0 || v[i].id == x->id))
			return true;
	return false;
}

/* Of mail from them: has one that lets in as much taken its place? */
static bool
is_followed(const struct downgrade *v, size_t n, const struct back *x)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(v[i].partner, x->partner) == 0 &&
		    v[i].direction <= x->let_in)
			return true;
	return false;
}

/* Mail from them was let in: drop, which watches mail to them, knows nothing.
 */
static void
tell_let_in(struct warden *k, const struct back *x, time_t now)
{
	const struct partner *p = warden_facts_partner(&k->facts, x->partner);
	const enum level level =
	    p == NULL ? LEVEL_OPPORTUNISTIC : partner_level(p);
	const struct drop_action told = {.what = DROP_TELL_RESTORED,
	    .partner = x->partner,
	    .id = x->id,
	    .why = x->why,
	    .inbound = x->let_in,
	    .certificate =
		p != NULL && p->attributes->inbound_verify != INBOUND_NONE,
	    .from = level,
	    .to = level,
	    .fault = FAULT_OK,
	    .text = ""};

	tell(k, &told, now);
}

/*
 * Who restores by hand looks at the gateways right after: what is told of it
 * waits for that look, if there is one.
 */
static bool
is_looked_at(struct warden *k, const struct back *x, time_t now)
{
	struct warden_reports r = {0};
	bool looked;
	struct err e;

	if (x->let_in || x->why != DROP_WHY_HAND || now < x->known ||
	    now - x->known >= LOOK_AGAIN)
		return true;
	if (now - x->known < SETTLE)
		return false;
	looked = warden_reports(&k->facts, x->partner, 0, &r, &e) == -1 ||
		 (r.n == 1 && r.v->time >= x->known - 2);
	warden_reports_release(&r);
	return looked;
}

/* Nobody is told that a partner is back before the map says so. */
static void
tell_backs(struct warden *k, time_t now)
{
	struct downgrade *v = NULL;
	struct drop_downgrade gone;
	struct back *at, back;
	struct cdbmap *map;
	struct arena a = {0};
	size_t n = 0, i;
	struct err e;

	if (k->backs.n == 0 || (now < k->back_next && k->back_next - now < 60))
		return;
	k->back_next = now + MAP_AGAIN;
	map = cdbmap_open(k->set->map, &e);
	/* A map that is not there lowers nobody; any other tells nothing. */
	if (map == NULL && e.code != EX_NOINPUT)
		return;
	if (map != NULL)
		n = mapholds_in_map(map, &a, &v);
	for (i = k->backs.n; i-- > 0;) {
		back = *(at = warden_list_at(&k->backs, i));
		if (is_among(v, n, &back))
			continue;
		if (!is_looked_at(k, &back, now)) {
			k->back_next = now + 1;
			continue;
		}
		warden_list_remove(&k->backs, at);
		if (back.let_in && is_followed(v, n, &back))
			continue;
		logline(LOGLINE_INFO, "%s: back at full strength: %s",
		    back.partner, drop_why_text(back.why));
		if (back.let_in) {
			tell_let_in(k, &back, now);
			continue;
		}
		gone = (struct drop_downgrade){.id = back.id,
		    .partner = back.partner,
		    .closed = now,
		    .why = back.why};
		drop_downgrade(k->facts.drop, &gone, now, &k->facts.actions);
	}
	free(v);
	arena_free(&a);
	cdbmap_close(map);
}

static void
add_back(void *arg, const char *partner, int64_t id, enum direction let_in,
    enum drop_why why, time_t now)
{
	struct warden *k = arg;
	struct back *x;
	size_t i;

	for (i = 0; i < k->backs.n; i++) {
		x = warden_list_at(&k->backs, i);
		if (x->id == id)
			return;
	}
	if ((x = warden_list_append(&k->backs, partner)) == NULL)
		return;
	x->id = id;
	x->let_in = let_in;
	x->why = why;
	x->known = now;
	k->back_next = 0;
	tell_backs(k, now);
}

/* --- Actions ------------------------------------------------------------- */

static void
restore(struct warden *k, const struct drop_action *x, time_t now)
{
	bool ended = warden_facts_change(&k->facts, x, now) == 0;

	/* The map knows its end without the ledger. */
	k->compile_wanted |= ended || x->why == DROP_WHY_END;
	if (ended)
		add_back(k, x->partner, x->id, false, x->why, now);
}

static void
carry(struct warden *k, const struct drop_action *x, time_t now)
{
	switch (x->what) {
	case DROP_PROBE:
		ask_probe(k, x->partner, x->control, now);
		break;
	case DROP_LOWER:
	case DROP_SHORTEN:
		k->compile_wanted |=
		    warden_facts_change(&k->facts, x, now) == 0;
		break;
	case DROP_RESTORE:
		restore(k, x, now);
		break;
	case DROP_FLUSH:
		(void)warden_list_add(&k->flushes, x->partner);
		break;
	case DROP_KEEP_CLOCK:
		warden_facts_event(&k->facts, "clock-back", NULL,
		    "the clock was set back", x->at, now);
		break;
	default:
		tell(k, x, now);
		break;
	}
}

static void
carry_out(struct warden *k, time_t now)
{
	struct drop_actions a;
	size_t i;

	while (!k->carrying && k->facts.actions.n > 0) {
		a = k->facts.actions;
		k->facts.actions = (struct drop_actions){0};
		k->carrying = true;
		for (i = 0; i < a.n; i++)
			carry(k, &a.v[i], now);
		k->carrying = false;
		drop_actions_free(&a);
	}
}

/* --- The map ------------------------------------------------------------- */

static void
compile_if_wanted(struct warden *k, time_t now)
{
	size_t i;

	if (k->compiling)
		return;
	if (k->compile_wanted) {
		if (now < k->compile_next)
			return;
		k->compile_wanted = false;
		k->compiling = true;
		k->calls.compile(k->calls.ctx);
		return;
	}
	for (i = 0; i < k->flushes.n; i++) {
		const struct flush *f = warden_list_at(&k->flushes, i);

		k->calls.flush(k->calls.ctx, f->partner);
	}
	k->flushes.n = 0;
}

/* why: NULL: it is. */
static void
compiled(struct warden *k, const char *why, time_t now)
{
	struct notice n = {.kind = NOTICE_MAP,
	    .at = now,
	    .of.text = why,
	    .map = k->set->map,
	    .compiled = k->facts.map_seen.st_mtim.tv_sec};

	k->compiling = false;
	k->compile_next = 0;
	k->back_next = 0;
	tell_backs(k, now);
	carry_out(k, now);
	if (why != NULL) {
		k->compile_wanted = true;
		k->compile_next = now + COMPILE_AGAIN;
		warden_complain("the map was not compiled", why);
		warden_tell(&k->tell, &n, now);
		return;
	}
	compile_if_wanted(k, now);
}

/* --- Life ---------------------------------------------------------------- */

struct warden *
warden_new(const struct settings *set, const struct warden_calls *calls)
{
	struct warden *k = mem_zero(1, sizeof(*k));
	struct target target;
	struct err e;

	*k = (struct warden){.set = set,
	    .calls = *calls,
	    .drop_settings = drop_preset,
	    .probes = {.size = sizeof(struct probe)},
	    .backs = {.size = sizeof(struct back)},
	    .flushes = {.size = sizeof(struct flush)}};
	k->drop_settings.max_partners = (uint32_t)set->drop_max_partners;
	k->drop_settings.max_downgrade = (uint32_t)set->max_downgrade;
	k->facts.set = set;
	k->tell.facts = &k->facts;
	k->tell.calls = &k->calls;
	k->requiretls = settings_target(set, 0, &target, &e) == 0 &&
			target.version >= TARGET_REQUIRETLS;
	if (settings_target(set, SETTINGS_DIGEST, &target, &e) == -1) {
		warden_complain("no downgrade to key", e.text);
		k->drop_settings.no_key = true;
	} else if (!target.sha256) {
		k->drop_settings.no_key = true;
	}
	return k;
}

void
warden_free(struct warden *k)
{
	if (k == NULL)
		return;
	warden_facts_free(&k->facts);
	warden_list_free(&k->tell.faults);
	warden_list_free(&k->probes);
	warden_list_free(&k->backs);
	warden_list_free(&k->flushes);
	free(k);
}

void
warden_take(struct warden *k, const struct warden_news *n, time_t now)
{
	switch (n->what) {
	case WARDEN_PROBED:
		probed(k, n->partner, now);
		break;
	case WARDEN_COMPILED:
		compiled(k, n->why, now);
		break;
	case WARDEN_SENT:
		warden_tell_sent(&k->tell, n->id, n->why, now);
		break;
	case WARDEN_CHANGED:
		k->facts.reload = true;
		break;
	}
}

int
warden_start(struct warden *k, time_t now, struct err *e)
{
	/* What was decided before we died may not have reached the map. */
	k->compile_wanted = true;
	k->probes.n = k->backs.n = 0;
	if (warden_facts_start(&k->facts, &k->drop_settings, now, e) == -1)
		return -1;
	warden_tell_start(&k->tell, now);
	k->sweep_next = now + (time_t)k->set->probe_every;
	carry_out(k, now);
	warden_tick(k, now);
	return 0;
}

/* Forget notices that were sent long ago. */
static void
prune(struct warden *k, time_t now)
{
	time_t keep = (time_t)k->set->keep;
	struct err e;

	if (keep == 0 ||
	    (now < k->prune_next && k->prune_next - now <= CLOCK_DAY))
		return;
	k->prune_next = now + CLOCK_DAY;
	if (keep < PROBERECORD_KEEP)
		keep = PROBERECORD_KEEP;
	if (ledger_prune(k->facts.ledger, now - keep, &e) == -1)
		warden_complain("old notices cannot be removed", e.text);
}

/* The day before goes into the record. */
static void
tell_day(struct warden *k, time_t now)
{
	struct err e;

	if (now / CLOCK_DAY == k->day_told)
		return;
	k->day_told = now / CLOCK_DAY;
	if (day_run(k->facts.ledger, k->set, now, &e) == -1)
		warden_complain(
		    "the evidence of yesterday is not in the record", e.text);
}

/* Of a map that takes many Enforced ones away, as nobody agreed. */
static void
tell_lost(struct warden *k, time_t now)
{
	const struct stat *st = &k->facts.map_seen;
	struct notice n = {.kind = NOTICE_LOST, .at = now};
	struct buf text = {0};
	struct mapgone g;
	struct err e;
	size_t i;

	if (st->st_ino == k->map_told.st_ino &&
	    st->st_mtim.tv_sec == k->map_told.st_mtim.tv_sec &&
	    st->st_mtim.tv_nsec == k->map_told.st_mtim.tv_nsec)
		return;
	k->map_told = *st;
	if (mapgone_read(k->facts.ledger, k->facts.registry, k->set->map,
		now - MAPGONE_SPAN, &g, &e) == -1)
		warden_complain("who left the map is not known", e.text);
	for (i = 0; i < g.n; i++) {
		if (!mapgone_alarms(&g.v[i]))
			continue;
		buf_clear(&text);
		mapgone_print(&g.v[i], now, &text);
		buf_puts(&text, ":\n");
		mapgone_next(&g.v[i], &text);
		n.of.since = g.v[i].time;
		n.of.text = text.data;
		n.of.name = g.v[i].name;
		n.of.nnames = g.v[i].n;
		warden_tell(&k->tell, &n, now);
	}
	mapgone_release(&g);
	buf_free(&text);
}

void
warden_tick(struct warden *k, time_t now)
{
	if (k->facts.drop == NULL)
		return;
	warden_facts_read(&k->facts, now, add_back, k);
	carry_out(k, now);
	tell_lost(k, now);
	settle_probes(k, now);
	tell_backs(k, now);
	drop_tick(k->facts.drop, now, &k->facts.actions);
	carry_out(k, now);
	compile_if_wanted(k, now);
	if (k->set->probe_every != 0 && now >= k->sweep_next) {
		k->sweep_next = now + (time_t)k->set->probe_every;
		k->calls.sweep(k->calls.ctx);
	}
	warden_tell_tick(&k->tell, now);
	tell_day(k, now);
	prune(k, now);
}
