#include "mapholds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cdbmap.h"
#include "err.h"
#include "ledger_downgrade.h"
#include "mapraise.h"
#include "mem.h"
#include "num.h"
#include "registry.h"
#include "say.h"
#include "settings.h"

#define CLOCK_SLACK 60	   /* seconds ahead that are not worth a word */
#define CLOSE_PATIENCE 500 /* ms, for a row that does not hold anyhow */
#define OURSELVES "tlspact"

/* What there is to decide from. */
struct reading {
	struct mapholds *h;
	const struct settings *set;
	const struct mapholds_options *opt;
	struct override *live; /* lowered in the live map */
	size_t nlive;
	struct mapmark *mark; /* of the live map */
	size_t nmarks, mark_cap;
	struct ledger *ledger;
	struct ledger_overrides list;
};

void
mapholds_add(struct mapholds *h, const struct override *o)
{
	h->v = mem_grow(h->v, h->n, &h->cap, sizeof(*h->v));
	h->v[h->n++] = *o;
}

static void
add_mark(struct mapholds *h, const struct mapmark *m)
{
	h->mark = mem_grow(h->mark, h->nmarks, &h->mark_cap, sizeof(*h->mark));
	h->mark[h->nmarks++] = *m;
}

static void
mark_of(const struct override *o, time_t now, const char *by, struct mapmark *m)
{
	*m = (struct mapmark){.partner = o->partner,
	    .id = o->id,
	    .begin = o->begin,
	    .at = now,
	    .by = by};
}

void
mapholds_mark_all(struct mapholds *h, time_t now)
{
	struct mapmark m;
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (h->v[i].begin > now || h->v[i].end <= now)
			continue;
		mark_of(&h->v[i], now, OURSELVES, &m);
		add_mark(h, &m);
	}
}

static void
read_marks(struct reading *r, struct cdbmap *live)
{
	const char *key, *value;
	size_t klen, vlen;
	struct mapmark m;
	unsigned pos = 0;

	while (cdbmap_next(live, &pos, &key, &klen, &value, &vlen) ==
	       CDBMAP_FOUND) {
		if (klen == 0 || *key != ' ' ||
		    !mapmark_parse(&m, key, klen, value, vlen, &r->h->arena))
			continue;
		r->mark = mem_grow(
		    r->mark, r->nmarks, &r->mark_cap, sizeof(*r->mark));
		r->mark[r->nmarks++] = m;
	}
}

static bool
is_without(const struct reading *r, const char *partner)
{
	return r->opt->without != NULL && strcmp(partner, r->opt->without) == 0;
}

/* Who is to stand in the mark of a downgrade that ends now. */
static const char *
who(const struct reading *r, const char *partner)
{
	return is_without(r, partner) && r->opt->by != NULL ? r->opt->by
							    : OURSELVES;
}

/* The ledger is of no use: what the live map says, and not a day longer. */
static void
hold_as_in_map(struct reading *r, const struct err *why)
{
	const struct override *o;
	struct mapmark m;
	size_t i;

	for (i = 0; i < r->nmarks; i++)
		add_mark(r->h, &r->mark[i]);
	/* No ledger, and nothing that it could have told of. */
	if (why->code == EX_NOINPUT && r->nlive == 0)
		return;
	for (i = 0; i < r->nlive; i++) {
		o = &r->live[i];
		if (o->end > r->opt->now && !is_without(r, o->partner)) {
			mapholds_add(r->h, o);
			continue;
		}
		mark_of(o, r->opt->now, who(r, o->partner), &m);
		add_mark(r->h, &m);
	}
	r->h->code = why->code;
	say_err(why);
	if (r->h->n > 0)
		say("the downgrades of %zu partner%s are kept as the live map "
		    "has them, until their ends; none is added",
		    r->h->n, r->h->n == 1 ? "" : "s");
	else
		say("no downgrade holds as long as it cannot be read");
}

static const struct strs *
copy_list(struct arena *a, const struct strs *from)
{
	struct strs *list;
	size_t i;

	if (from == NULL)
		return NULL;
	list = arena_alloc(a, sizeof(*list) + from->n * sizeof(list->v[0]));
	list->n = from->n;
	for (i = 0; i < list->n; i++)
		list->v[i] = arena_copy(a, from->v[i], strlen(from->v[i]));
	return list;
}

/* The live map's, if it is of the same downgrade, as far as is known. */
static const struct override *
live_one(const struct reading *r, const struct override *o)
{
	size_t i;

	for (i = 0; i < r->nlive; i++)
		if (strcmp(r->live[i].partner, o->partner) == 0 &&
		    (r->live[i].id == 0 || r->live[i].id == o->id))
			return &r->live[i];
	return NULL;
}

static bool
is_marked(const struct reading *r, const struct override *o)
{
	size_t i;

	for (i = 0; i < r->nmarks; i++)
		if (mapmark_is_of(&r->mark[i], o))
			return true;
	return false;
}

/* One that the ledger has open. */
static void
take(struct reading *r, const struct override *o)
{
	struct arena *a = &r->h->arena;
	const struct override *live = live_one(r, o);
	struct override copy = *o;

	if (is_without(r, o->partner) || is_marked(r, o))
		return;
	/* The map has it already, so it had begun. */
	if (live != NULL && o->begin > r->opt->now + CLOCK_SLACK) {
		say("the clock was set back behind the begin of the downgrade "
		    "of %s, which ends",
		    o->partner);
		return;
	}
	copy.partner = arena_copy(a, o->partner, strlen(o->partner));
	copy.key = copy_list(a, o->key);
	/* A row from before domains were listed: those that it has lowered. */
	copy.domains = o->domains == NULL && live != NULL
			   ? live->domains
			   : copy_list(a, o->domains);
	mapholds_add(r->h, &copy);
}

static bool
is_held(const struct reading *r, const struct mapmark *m)
{
	size_t i;

	for (i = 0; i < r->h->n; i++)
		if (mapmark_is_of(m, &r->h->v[i]))
			return true;
	return false;
}

static bool
is_doubted(const struct reading *r, int64_t id)
{
	size_t i;

	for (i = 0; i < r->list.ndoubts; i++)
		if (r->list.doubt[i].id == id)
			return true;
	return false;
}

/*
 * What the map has ended, or ends now, and the ledger has open is closed. If
 * that cannot be, the map remembers.
 */
static void
settle_mark(struct reading *r, const struct mapmark *m)
{
	char at[NUM_TIME_MAX], why[128];
	struct err e;
	int64_t id;
	int rv;

	if (is_held(r, m))
		return;
	rv = ledger_downgrade_is_open(
	    r->ledger, m->partner, m->id, m->begin, m->at, &id, &e);
	if (rv == 0)
		return;
	/* An event about a row that is not believed would vouch for it. */
	if (rv == 1 && !r->opt->dry && !is_doubted(r, id)) {
		(void)snprintf(why, sizeof(why),
		    "it was ended in the map at %s", num_time_text(m->at, at));
		ledger_patience(r->ledger, CLOSE_PATIENCE);
		if (ledger_downgrade_close(
			r->ledger, id, m->by, why, r->opt->now, &e) == 0)
			return;
	}
	add_mark(r->h, m);
}

/*
 * A time that lies ahead of the clock, from wherever, is nobody's "now"; the
 * ledger itself sees to it that a clock that was set back prolongs nothing.
 */
static void
say_clock(const struct reading *r)
{
	time_t newest;
	struct err e;
	char when[NUM_TIME_MAX], now[NUM_TIME_MAX];

	if (ledger_newest(r->ledger, &newest, &e) == 0 &&
	    newest > r->opt->now + CLOCK_SLACK)
		say("warning: the ledger has an entry of %s, and the clock "
		    "says %s: it was set back, or one is wrong",
		    num_time_text(newest, when),
		    num_time_text(r->opt->now, now));
}

/*
 * Ends that have come are written down first, so that a clock set back does
 * not bring a downgrade back to life; without the right to write, the times
 * alone decide. 0, or -1 with *e set.
 */
static int
read_ledger(struct reading *r, struct err *e)
{
	const time_t now = r->opt->now;

	if (access(r->set->ledger, F_OK) == -1 && errno == ENOENT)
		return err_set(e, EX_NOINPUT,
		    "there is no ledger %s, and the live map holds downgrades",
		    r->set->ledger);
	if (!r->opt->dry &&
	    (r->ledger = ledger_open(r->set->ledger, LEDGER_WRITE, e)) != NULL)
		(void)ledger_downgrade_settle(r->ledger, now, e);
	/* Whoever locks it against readers was waited for already. */
	if (r->ledger == NULL && (r->opt->dry || e->code != EX_TEMPFAIL))
		r->ledger = ledger_open(r->set->ledger, LEDGER_READ, e);
	if (r->ledger == NULL)
		return -1;
	return ledger_overrides(
	    r->ledger, now, r->set->max_downgrade, &r->list, e);
}

void
mapholds_read(struct mapholds *h, const struct settings *set,
    struct cdbmap *live, const struct mapholds_options *opt)
{
	struct reading r = {.h = h, .set = set, .opt = opt};
	struct mapmark m;
	struct err e;
	size_t i;

	*h = (struct mapholds){0};
	if (live != NULL) {
		r.nlive = mapraise_lowered(live, &h->arena, &r.live);
		read_marks(&r, live);
	}
	if (read_ledger(&r, &e) == -1) {
		hold_as_in_map(&r, &e);
	} else {
		for (i = 0; i < r.list.ndoubts; i++)
			say("%s; it lowers nobody", r.list.doubt[i].text);
		if (r.list.list.n > 0)
			say_clock(&r);
		for (i = 0; i < r.list.list.n; i++)
			take(&r, &r.list.list.v[i]);
		for (i = 0; i < r.nmarks; i++)
			settle_mark(&r, &r.mark[i]);
		for (i = 0; i < r.nlive; i++) {
			mark_of(&r.live[i], opt->now,
			    who(&r, r.live[i].partner), &m);
			settle_mark(&r, &m);
		}
	}
	ledger_overrides_release(&r.list);
	ledger_close(r.ledger);
	free(r.live);
	free(r.mark);
}

void
mapholds_release(struct mapholds *h)
{
	free(h->v);
	free(h->mark);
	arena_free(&h->arena);
	*h = (struct mapholds){0};
}
