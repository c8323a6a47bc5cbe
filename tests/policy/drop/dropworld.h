/*
 * dropworld.h: stories about partners for the tests of drop.
 *
 * A story is a table of inputs with the actions that each must cause, in
 * words. What is asked for is done at once. Static, as each test is one
 * program.
 */
#ifndef DROPWORLD_H
#define DROPWORLD_H

#include "drop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"

#define T0 1795000000 /* a day in November 2026 */
#define STEPS 24
#define GATEWAYS 6
#define KEY_A "aaaa"
#define KEY_B "bbbb"

enum input { END, FAIL, GOOD, PROBE, TICK, RELOAD, HAND, EXTEND, CLOSE };

/* A gateway as a probe saw it; zero is one that passes with KEY_A. */
struct gw {
	const char *nexthop; /* NULL: the end; else "mx" is host mx.nexthop */
	const char *host;
	enum fault fault;
	const char *key;
	const char *last_key;
	const char *address; /* NULL: one that passed before */
};

struct scene {
	enum input in;
	long at;	 /* seconds since T0 */
	const char *who; /* NULL: acme */
	unsigned times;	 /* of FAIL, a second apart; 0: once */
	long seen;	 /* age of what was seen, seconds before `at` */
	enum fault fault;
	const char *nexthop;
	struct gw gw[GATEWAYS];
	enum level level;
	bool refuse; /* the ledger cannot be written */
	bool turns;  /* PROBE: the first gateway shows that by turns */
	const char *want;
};

struct story {
	const char *name;
	struct drop_rules rules; /* of acme; zero fields as usual */
	bool hold;
	bool gone;		       /* RELOAD: acme is no longer there */
	bool hold_later;	       /* RELOAD: on-failure=hold */
	enum level floor_later;	       /* RELOAD */
	struct drop_settings settings; /* zero fields as usual */
	bool off;		       /* drop_max_partners=0 */
	bool alone; /* no zed, who passes whenever somebody looks */
	struct scene step[STEPS];
};

struct world {
	const struct story *story;
	struct drop *d;
	struct drop_actions a;
	bool reloaded;
	int64_t id;
	struct drop_downgrade low; /* the last of acme */
	struct buf log;
};

__attribute__((unused)) static bool
lookup(void *ctx, const char *partner, struct drop_rules *out)
{
	const struct world *w = ctx;

	*out = (struct drop_rules){.full = LEVEL_SECURE,
	    .floor = LEVEL_ENCRYPT,
	    .may_drop = true,
	    .count = 3,
	    .window = 900,
	    .seconds = 14400};
	if (strcmp(partner, "nobody") == 0)
		return false;
	if (strcmp(partner, "acme") != 0)
		return true;
	if (w->story->rules.full != 0)
		out->full = w->story->rules.full;
	if (w->story->rules.count != 0)
		*out = w->story->rules;
	out->may_drop = !w->story->hold;
	if (w->reloaded) {
		if (w->story->gone)
			return false;
		if (w->story->hold_later)
			out->may_drop = false;
		if (w->story->floor_later != 0)
			out->floor = w->story->floor_later;
	}
	return true;
}

static void
log_names(struct world *w, const struct drop_action *x)
{
	size_t i;

	for (i = 0; i < x->nnames; i++)
		buf_printf(&w->log, "%c%s", i == 0 ? ' ' : ',', x->name[i]);
}

/* That one is over. */
static void
end(struct drop *d, const char *who, int64_t id, enum drop_why why, time_t now,
    struct drop_actions *a)
{
	const struct drop_downgrade l = {
	    .id = id, .partner = who, .closed = now, .why = why};

	drop_downgrade(d, &l, now, a);
}

/* What needs no answer. */
static void
tell(struct world *w, const struct drop_action *x, time_t now)
{
	switch (x->what) {
	case DROP_FLUSH:
		buf_printf(&w->log, "flush %s", x->partner);
		break;
	case DROP_TELL_HELD:
		buf_printf(&w->log, "held %s %s %s %s", x->partner,
		    drop_why_text(x->why), level_name(x->to),
		    fault_text(x->fault));
		break;
	case DROP_TELL_LOWERED:
		buf_printf(
		    &w->log, "lowered %s %s", x->partner, level_name(x->to));
		break;
	case DROP_TELL_RESTORED:
		buf_printf(&w->log, "restored %s %s%s", x->partner,
		    drop_why_text(x->why), x->still ? " still" : "");
		break;
	case DROP_TELL_END_NEAR:
		buf_printf(&w->log, "near %s", x->partner);
		break;
	case DROP_TELL_COMMON:
		buf_puts(&w->log, "mass");
		log_names(w, x);
		break;
	case DROP_KEEP_CLOCK:
		buf_printf(&w->log, "clock %ld", (long)(x->at - now));
		break;
	case DROP_TELL_COMMON_OVER:
		buf_puts(&w->log, "mass-over");
		break;
	default:
		break;
	}
}

/* A partner that always passes. */
__attribute__((unused)) static void
zed_passes(struct drop *d, time_t t, time_t now, struct drop_actions *more)
{
	const struct step_gateway g = {
	    .nexthop = "zed.example", .host = "mx.zed", .known = true};
	const struct drop_report r = {"zed", t, &g, 1};

	drop_probe(d, &r, now, more);
}

/* Write the action down, and do it. */
static void
act(struct world *w, const struct drop_action *x, time_t now, bool refuse,
    struct drop_actions *more)
{
	size_t i;

	if (x->control && strcmp(x->partner, "zed") == 0) {
		zed_passes(w->d, now, now, more);
		return;
	}
	if (w->log.len > 0)
		buf_puts(&w->log, "; ");
	switch (x->what) {
	case DROP_PROBE:
		buf_printf(&w->log, "%s %s", x->control ? "control" : "probe",
		    x->partner);
		assert_true(x->at <= now);
		break;
	case DROP_LOWER:
		buf_printf(&w->log, "lower %s %s %ld %s", x->partner,
		    level_name(x->to), (long)(x->until - now),
		    fault_text(x->fault));
		for (i = 0; i < x->nkeys; i++)
			buf_printf(&w->log, " %s", x->key[i]);
		assert_true(*x->text != '\0');
		if (refuse) {
			drop_refused(w->d, x->partner, now);
			break;
		}
		w->low = (struct drop_downgrade){.id = ++w->id,
		    .partner = "acme",
		    .level = x->to,
		    .begin = x->begin,
		    .end = x->until,
		    .automatic = true,
		    .fault = x->fault};
		if (strcmp(x->partner, "acme") != 0)
			w->low.partner =
			    strcmp(x->partner, "bex") == 0 ? "bex" : "cog";
		drop_downgrade(w->d, &w->low, now, more);
		break;
	case DROP_RESTORE:
		buf_printf(&w->log, "restore %s %s", x->partner,
		    drop_why_text(x->why));
		if (refuse)
			drop_refused(w->d, x->partner, now);
		else
			end(w->d, x->partner, x->id, x->why, now, more);
		break;
	case DROP_SHORTEN:
		buf_printf(&w->log, "shorten %s %ld", x->partner,
		    (long)(x->until - now));
		if (refuse)
			break;
		w->low.end = x->until;
		drop_downgrade(w->d, &w->low, now, more);
		break;
	default:
		tell(w, x, now);
		break;
	}
}

static void
do_actions(struct world *w, struct drop_actions *a, time_t now, bool refuse)
{
	struct drop_actions more = {0};
	size_t i;

	for (i = 0; i < a->n; i++)
		act(w, &a->v[i], now, refuse, &more);
	if (more.n > 0)
		do_actions(w, &more, now, refuse);
	drop_actions_free(&more);
}

static void
do_probe(struct world *w, const struct scene *s, time_t now)
{
	struct step_gateway g[GATEWAYS] = {0};
	struct drop_report r = {.partner = s->who == NULL ? "acme" : s->who,
	    .time = now - s->seen,
	    .gateway = g};
	size_t i;

	for (i = 0; i < GATEWAYS && s->gw[i].host != NULL; i++) {
		const struct gw *from = &s->gw[i];

		g[i].nexthop =
		    from->nexthop == NULL ? "acme.example" : from->nexthop;
		g[i].host = from->host;
		g[i].fault = from->fault;
		g[i].key = from->key;
		g[i].last_key = from->last_key;
		g[i].address = from->address == NULL ? "" : from->address;
		g[i].known = from->address == NULL;
	}
	/* Said nothing: one gateway; one that signs for itself is new. */
	if (i == 0) {
		g[0] = (struct step_gateway){.nexthop = "acme.example",
		    .host = "mx1",
		    .fault = s->fault,
		    .key = s->fault == FAULT_SELF_SIGNED ? KEY_B : KEY_A,
		    .last_key = KEY_A,
		    .known = true};
		i = 1;
	}
	g[0].turns.on = s->turns;
	r.n = i;
	drop_probe(w->d, &r, now, &w->a);
}

static void
do_fail(struct world *w, const struct scene *s, time_t now)
{
	struct drop_delivery f = {.partner = s->who == NULL ? "acme" : s->who,
	    .nexthop = s->nexthop,
	    .fault = s->fault};
	unsigned i, n = s->times == 0 ? 1 : s->times;

	for (i = 0; i < n; i++) {
		f.time = now - s->seen - (time_t)(n - 1 - i);
		drop_delivery(w->d, &f, now, &w->a);
	}
}

static void
do_step(struct world *w, const struct scene *s)
{
	const char *who = s->who == NULL ? "acme" : s->who;
	time_t now = T0 + s->at;
	struct drop_delivery good = {now - s->seen, who, s->nexthop, FAULT_OK};

	switch (s->in) {
	case FAIL:
		do_fail(w, s, now);
		break;
	case GOOD:
		drop_delivery(w->d, &good, now, &w->a);
		break;
	case PROBE:
		do_probe(w, s, now);
		break;
	case RELOAD:
		w->reloaded = true;
		drop_reload(w->d, &w->story->settings, now, &w->a);
		break;
	case HAND:
		w->low = (struct drop_downgrade){.id = ++w->id,
		    .partner = who,
		    .level = s->level,
		    .begin = now,
		    .end = now + 3600};
		drop_downgrade(w->d, &w->low, now, &w->a);
		break;
	case EXTEND:
		w->low.end += 3600;
		w->low.automatic = false;
		drop_downgrade(w->d, &w->low, now, &w->a);
		break;
	case CLOSE:
		end(w->d, who, w->id, DROP_WHY_HAND, now, &w->a);
		break;
	case TICK:
	case END:
		drop_tick(w->d, now, &w->a);
		break;
	}
	do_actions(w, &w->a, now, s->refuse);
	drop_actions_free(&w->a);
}

static struct drop_settings
settings_of(const struct story *s)
{
	struct drop_settings x = drop_preset;

	if (s->settings.a_day != 0)
		x.a_day = s->settings.a_day;
	if (s->settings.max_downgrade != 0)
		x.max_downgrade = s->settings.max_downgrade;
	if (s->settings.max_partners != 0)
		x.max_partners = s->settings.max_partners;
	x.no_key = s->settings.no_key;
	if (s->off)
		x.max_partners = 0;
	return x;
}

__attribute__((unused)) static void
run(const struct story *s)
{
	struct story copy = *s;
	struct world w = {.story = &copy};
	size_t i;

	copy.settings = settings_of(s);
	w.d = drop_new(&copy.settings, lookup, &w, NULL, 0, NULL);
	if (!s->alone)
		zed_passes(w.d, T0 - 100000, T0 - 100000, &w.a);
	for (i = 0; i < STEPS && s->step[i].in != END; i++) {
		const char *want = s->step[i].want, *got;

		buf_clear(&w.log);
		do_step(&w, &s->step[i]);
		got = w.log.len == 0 ? "" : w.log.data;
		if (strcmp(got, want == NULL ? "" : want) != 0)
			fail_msg("%s, step %zu:\n want: %s\n  got: %s", s->name,
			    i + 1, want == NULL ? "" : want, got);
	}
	buf_free(&w.log);
	drop_actions_free(&w.a);
	drop_free(w.d);
}

#endif
