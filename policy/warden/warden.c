#include "warden_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "dname.h"
#include "day.h"
#include "err.h"
#include "evidence.h"
#include "ledger_downgrade.h"
#include "logline.h"
#include "mem.h"
#include "num.h"
#include "proberecord.h"
#include "settings.h"
#include "target.h"

#define PATIENCE_MS 2000 /* with others who write the ledger */
#define EVIDENCE_AGAIN                                        \
	10 /* seconds; to look for evidence that is not there \
	    */

bool
warden_name(char to[REGISTRY_NAME_MAX + 1], const char *name)
{
	if (strlen(name) > REGISTRY_NAME_MAX)
		return false;
	strcpy(to, name);
	return true;
}

void
warden_complain(const char *what, const char *why)
{
	static struct logline_limit limit;

	if (logline_may(&limit, "warden"))
		logline(LOGLINE_ERROR, "%s: %s", what, why);
}

const struct partner *
warden_partner(const struct warden *k, const char *name)
{
	uint32_t i = k->registry == NULL ? REGISTRY_NONE
					 : registry_find(k->registry, name);

	return i == REGISTRY_NONE ||
		       strcmp(k->registry->partner[i].name, name) != 0
		   ? NULL
		   : &k->registry->partner[i];
}

static bool
lookup(void *ctx, const char *partner, struct drop_rules *out)
{
	const struct partner *p = warden_partner(ctx, partner);

	if (p == NULL)
		return false;
	drop_rules_of(p, out);
	return true;
}

bool
warden_is_theirs(
    const struct warden *k, const char *partner, const char *domain)
{
	const struct partner *p = warden_partner(k, partner);
	uint32_t i;

	if (p == NULL)
		return false;
	i = registry_covering(k->registry, domain);
	return i != REGISTRY_NONE && &k->registry->partner[i] == p;
}

/* --- The registry -------------------------------------------------------- */

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Has the file changed since the last call? */
static bool
changed(const char *path, struct stat *seen)
{
	struct stat st;

	if (stat(path, &st) == -1)
		memset(&st, 0, sizeof(st));
	if (same_file(&st, seen))
		return false;
	*seen = st;
	return true;
}

/* 0, or -1 with *e set; then the old one stays. */
static int
load_registry(struct warden *k, time_t now, struct err *e)
{
	struct diags d = {0};
	struct registry *r;
	size_t i;

	r = registry_load(k->set->registry, now, &d, e);
	if (r == NULL)
		return -1;
	if (d.errors > 0) {
		for (i = 0; d.v[i].kind != DIAG_ERROR; i++)
			;
		(void)err_set(e, EX_DATAERR, "%s:%u: %s (error 1 of %zu)",
		    d.v[i].file, d.v[i].line, d.v[i].text, d.errors);
		diag_free(&d);
		registry_free(r);
		return -1;
	}
	diag_free(&d);
	registry_free(k->registry);
	k->registry = r;
	return 0;
}

static void
reload_if_changed(struct warden *k, time_t now)
{
	bool a = changed(k->set->registry, &k->registry_seen);
	bool b = changed(k->set->map, &k->map_seen);
	struct err e;

	if (!a && !b && !k->reload)
		return;
	k->reload = false;
	if (load_registry(k, now, &e) == -1) {
		warden_complain("still by the registry as it was", e.text);
		return;
	}
	drop_reload(k->drop, &k->drop_settings, now, &k->actions);
	warden_carry_out(k, now);
}

void
warden_reload(struct warden *k)
{
	k->reload = true;
}

/* --- Actions ------------------------------------------------------------- */

static void
want_flush(struct warden *k, const char *partner)
{
	size_t i;

	for (i = 0; i < k->nflush; i++)
		if (strcmp(k->flush[i], partner) == 0)
			return;
	k->flush =
	    mem_grow(k->flush, k->nflush, &k->flush_cap, sizeof(*k->flush));
	if (warden_name(k->flush[k->nflush], partner))
		k->nflush++;
}

/* DROP_LOWER. */
static void
lower(struct warden *k, const struct drop_action *x, time_t now)
{
	const struct partner *p = warden_partner(k, x->partner);
	struct ledger_downgrade d = {.partner = x->partner,
	    .before = p == NULL ? x->from : partner_level(p),
	    .after = x->to,
	    .begin = now,
	    .end = x->until,
	    .reason = x->text,
	    .author = WARDEN_AUTHOR,
	    .cause = LEDGER_AUTOMATIC,
	    .fault = fault_text(x->fault),
	    .keys = x->to == LEVEL_KEY ? x->key : NULL,
	    .nkeys = x->to == LEVEL_KEY ? x->nkeys : 0,
	    .replaces = x->id};
	struct drop_lowering l = {.partner = x->partner,
	    .level = x->to,
	    .begin = now,
	    .end = x->until,
	    .automatic = true,
	    .fault = x->fault};
	char end[NUM_TIME_MAX];
	const char **domains;
	struct err e;
	int rv;

	d.domains = domains = registry_domains(k->registry, p, &d.ndomains);
	rv = ledger_downgrade_begin(k->ledger, &d, now, &l.id, &e);
	free(domains);
	if (rv != 0) {
		warden_complain(x->partner, e.text);
		drop_refused(k->drop, x->partner, now);
		return;
	}
	logline(LOGLINE_INFO, "%s: lowered to %s until %s: %s; %s", x->partner,
	    level_name(x->to), num_time_text(x->until, end),
	    fault_text(x->fault), x->text);
	if (x->id != 0)
		warden_forget_low(k, x->id);
	warden_know_low(k, x->partner, l.id, l.end, true);
	k->compile_wanted = true;
	drop_lowered(k->drop, &l, now, &k->actions);
}

/* Why a downgrade was ended, for the ledger; and back again. */
static const char *const why_words[] = {
    [DROP_WHY_END] = "end",
    [DROP_WHY_PASSED] = "two probes passed",
    [DROP_WHY_RULES] = "the registry no longer allows it",
    [DROP_WHY_STRANGER] = "a gateway answers that never passed a probe",
    [DROP_WHY_CLOCK] = "the clock was set back behind its beginning",
};

/* DROP_RESTORE. */
static void
restore(struct warden *k, const struct drop_action *x, time_t now)
{
	const char *why = why_words[x->why];
	struct err e;
	int rv;

	rv = ledger_downgrade_settle(k->ledger, now, &e);
	if (rv == 0)
		rv = ledger_downgrade_close(k->ledger, x->id, WARDEN_AUTHOR,
		    why == NULL ? drop_why_text(x->why) : why, now, &e);
	/* Refused: it has ended already. */
	if (rv == -1) {
		warden_complain(x->partner, e.text);
		drop_refused(k->drop, x->partner, now);
		/* The map knows its end without the ledger. */
		k->compile_wanted |= x->why == DROP_WHY_END;
		return;
	}
	logline(
	    LOGLINE_INFO, "%s: ended: %s", x->partner, drop_why_text(x->why));
	warden_forget_low(k, x->id);
	k->compile_wanted = true;
	warden_back_add(k, x->partner, x->id, x->why);
	warden_back_tell(k, now);
}

/* DROP_SHORTEN. */
static void
shorten(struct warden *k, const struct drop_action *x, time_t now)
{
	struct drop_lowering l = {.id = x->id,
	    .partner = x->partner,
	    .level = x->from,
	    .begin = x->begin,
	    .end = x->until,
	    .automatic = x->automatic,
	    .fault = x->fault};
	struct err e;

	if (ledger_downgrade_extend(k->ledger, x->id, x->until, WARDEN_AUTHOR,
		"the clock or max_downgrade says so", now, &e) != 0) {
		warden_complain(x->partner, e.text);
		drop_refused(k->drop, x->partner, now);
		return;
	}
	warden_know_low(k, x->partner, x->id, x->until, x->automatic);
	k->compile_wanted = true;
	drop_lowered(k->drop, &l, now, &k->actions);
}

static void
tell(struct warden *k, const struct drop_action *x, time_t now)
{
	struct notice n;

	switch (x->what) {
	case DROP_TELL_MASS:
		k->mass = true;
		warden_event(k, "mass-fault", NULL,
		    "many partners fail at once: nobody is lowered", x->at,
		    now);
		break;
	case DROP_TELL_MASS_OVER:
		k->mass = false;
		warden_event(k, "mass-over", NULL,
		    "partners recover: downgrades are possible again", x->at,
		    now);
		break;
	case DROP_TELL_HELD:
		warden_watch_told(k, x, now);
		logline(LOGLINE_INFO, "%s: held (%s): %s; %s", x->partner,
		    drop_why_text(x->why), fault_text(x->fault), x->text);
		break;
	default:
		break;
	}
	if (notice_of_action(x, now, &n)) {
		n.returns = n.kind == NOTICE_LOWERED && n.to < LEVEL_KEY &&
			    k->requiretls;
		warden_tell(k, &n, now);
	}
}

static void
carry(struct warden *k, const struct drop_action *x, time_t now)
{
	switch (x->what) {
	case DROP_PROBE:
		warden_ask_probe(k, x->partner, x->control, now);
		break;
	case DROP_LOWER:
		lower(k, x, now);
		break;
	case DROP_RESTORE:
		restore(k, x, now);
		break;
	case DROP_SHORTEN:
		shorten(k, x, now);
		break;
	case DROP_FLUSH:
		want_flush(k, x->partner);
		break;
	case DROP_KEEP_CLOCK:
		warden_event(k, "clock-back", NULL, "the clock was set back",
		    x->at, now);
		break;
	default:
		tell(k, x, now);
		break;
	}
}

void
warden_carry_out(struct warden *k, time_t now)
{
	struct drop_actions a;
	size_t i;

	while (!k->carrying && k->actions.n > 0) {
		a = k->actions;
		k->actions = (struct drop_actions){0};
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
		k->hands.compile(k->hands.ctx);
		return;
	}
	for (i = 0; i < k->nflush; i++)
		k->hands.flush(k->hands.ctx, k->flush[i]);
	k->nflush = 0;
}

void
warden_compiled(struct warden *k, bool well, const char *text, time_t now)
{
	struct notice n = {.kind = NOTICE_MAP,
	    .at = now,
	    .waiting = -1,
	    .text = text,
	    .map = k->set->map,
	    .compiled = k->map_seen.st_mtim.tv_sec};

	k->compiling = false;
	k->compile_next = 0;
	k->back_next = 0;
	warden_back_tell(k, now);
	warden_carry_out(k, now);
	if (!well) {
		k->compile_wanted = true;
		k->compile_next = now + WARDEN_COMPILE;
		warden_complain("the map was not compiled", text);
		warden_tell(k, &n, now);
		return;
	}
	compile_if_wanted(k, now);
}

/* --- Life ---------------------------------------------------------------- */

struct warden *
warden_new(const struct settings *set, const struct warden_hands *hands)
{
	struct warden *k = mem_zero(1, sizeof(*k));
	struct target target;
	struct err e;

	k->set = set;
	k->hands = *hands;
	k->drop_settings = drop_preset;
	k->drop_settings.max_partners = (uint32_t)set->drop_max_partners;
	k->drop_settings.max_downgrade = (uint32_t)set->max_downgrade;
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

/* What was seen is of use, but there is a way back without it. */
static void
open_evidence(struct warden *k, time_t now)
{
	const struct settings *set = k->set;
	struct err e;

	if (k->evidence != NULL ||
	    (now < k->evidence_next &&
		k->evidence_next - now <= EVIDENCE_AGAIN))
		return;
	k->evidence_next = now + EVIDENCE_AGAIN;
	k->evidence =
	    evidence_open(set->evidence, set->ledger, EVIDENCE_WRITE, &e);
	if (k->evidence == NULL)
		k->evidence = evidence_open(
		    set->evidence, set->ledger, EVIDENCE_READ, &e);
	if (k->evidence != NULL)
		evidence_patience(k->evidence, PATIENCE_MS);
	else if (e.code != EX_NOINPUT)
		warden_complain("the evidence cannot be read", e.text);
}

int
warden_start(struct warden *k, time_t now, struct err *e)
{
	if (k->ledger == NULL) {
		k->ledger = ledger_open(k->set->ledger, LEDGER_WRITE, e);
		if (k->ledger == NULL)
			return -1;
		ledger_patience(k->ledger, PATIENCE_MS);
	}
	open_evidence(k, now);
	(void)changed(k->set->registry, &k->registry_seen);
	(void)changed(k->set->map, &k->map_seen);
	if (load_registry(k, now, e) == -1)
		return -1;
	drop_free(k->drop);
	k->drop = drop_new(&k->drop_settings, lookup, k);
	/* What was decided before we died may not have reached the map. */
	k->compile_wanted = true;
	warden_watch_rebuild(k, now);
	if (warden_rebuild(k, now, e) == -1) {
		drop_free(k->drop);
		k->drop = NULL;
		return -1;
	}
	k->sweep_next = now + (time_t)k->set->probe_every;
	warden_carry_out(k, now);
	warden_tick(k, now);
	return 0;
}

/* Has anybody written to the ledger or to the evidence? */
static bool
is_written(struct warden *k, time_t now)
{
	char *path[WARDEN_FILES] = {mem_dup(k->set->ledger),
	    mem_printf("%s-wal", k->set->ledger), mem_dup(k->set->evidence),
	    mem_printf("%s-wal", k->set->evidence)};
	bool yes = now - k->looked >= 10 || now < k->looked;
	size_t i;

	for (i = 0; i < WARDEN_FILES; i++) {
		/* Stamps are coarse: what came right after the last look, too.
		 */
		if (changed(path[i], &k->seen[i]) ||
		    now - k->seen[i].st_mtim.tv_sec <= 2)
			yes = true;
		free(path[i]);
	}
	if (yes)
		k->looked = now;
	return yes;
}

/* Forget notices that were sent long ago. */
static void
prune(struct warden *k, time_t now)
{
	time_t keep = (time_t)k->set->keep;
	struct err e;

	if (keep == 0 ||
	    (now < k->prune_next && k->prune_next - now <= WARDEN_DAY))
		return;
	k->prune_next = now + WARDEN_DAY;
	if (keep < PROBERECORD_KEEP)
		keep = PROBERECORD_KEEP;
	if (ledger_prune(k->ledger, now - keep, &e) == -1)
		warden_complain("old notices cannot be removed", e.text);
}

/* The day before goes into the record. */
static void
tell_day(struct warden *k, time_t now)
{
	struct err e;

	if (now / WARDEN_DAY == k->day_told)
		return;
	k->day_told = now / WARDEN_DAY;
	if (day_run(k->ledger, k->set, now, &e) == -1)
		warden_complain(
		    "the evidence of yesterday is not in the record", e.text);
}

void
warden_tick(struct warden *k, time_t now)
{
	if (k->drop == NULL)
		return;
	reload_if_changed(k, now);
	open_evidence(k, now);
	if (is_written(k, now))
		warden_read(k, now);
	warden_settle_probes(k, now);
	warden_back_tell(k, now);
	drop_tick(k->drop, now, &k->actions);
	warden_carry_out(k, now);
	warden_watch_tick(k, now);
	compile_if_wanted(k, now);
	if (k->set->probe_every != 0 && now >= k->sweep_next) {
		k->sweep_next = now + (time_t)k->set->probe_every;
		k->hands.sweep(k->hands.ctx);
	}
	warden_send(k, now);
	tell_day(k, now);
	prune(k, now);
}

void
warden_free(struct warden *k)
{
	if (k == NULL)
		return;
	drop_free(k->drop);
	drop_actions_free(&k->actions);
	registry_free(k->registry);
	ledger_close(k->ledger);
	evidence_close(k->evidence);
	free(k->taken);
	free(k->low);
	free(k->back);
	free(k->look);
	free(k->touched);
	free(k->fault);
	free(k->sum);
	free(k->flush);
	free(k);
}
