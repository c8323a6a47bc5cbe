#include "mapholds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "author.h"
#include "buf.h"
#include "cdbmap.h"
#include "clock.h"
#include "compile.h"
#include "dname.h"
#include "err.h"
#include "ledger_downgrade.h"
#include "maptable.h"
#include "mem.h"
#include "num.h"
#include "registry.h"
#include "say.h"
#include "settings.h"

#define CLOCK_SLACK 60	   /* seconds ahead that are not worth a word */
#define CLOSE_PATIENCE 500 /* ms, for a row that does not hold anyhow */
#define OURSELVES "tlspact"

/* --- What a map has lowered ----------------------------------------------- */

/* The pins of `fingerprint match=A|B ...`, in a's memory; NULL if none. */
static const struct strs *
pins_of(const char *text, size_t len, struct arena *a)
{
	const struct mapmatch all = mapmatch_of(text, len);
	struct mapmatch left = all;
	struct strs *list;
	const char *pin;
	size_t n = 0, plen;

	while (mapmatch_next(&left, '|', &pin, &plen))
		n++;
	if (n == 0)
		return NULL;
	list = arena_alloc(a, sizeof(*list) + n * sizeof(list->v[0]));
	left = all;
	for (list->n = 0; mapmatch_next(&left, '|', &pin, &plen); list->n++)
		list->v[list->n] = arena_copy(a, pin, plen);
	return list;
}

/* One record " d:KEY"; false if it tells of no downgrade. */
static bool
lowered_by(struct cdbmap *live, const char *domain, size_t dlen,
    const char *value, size_t vlen, struct arena *a, struct downgrade *o)
{
	struct maprecord rec;
	const char *row;
	size_t len;
	bool ok = false;

	if (!maprecord_parse(&rec, value, vlen))
		return false;
	*o = (struct downgrade){.level = rec.level,
	    .direction = rec.direction,
	    .begin = rec.begin,
	    .end = rec.until,
	    .id = rec.id};
	if (rec.until != 0 && *rec.partner != '\0') {
		o->partner = arena_copy(a, rec.partner, strlen(rec.partner));
		ok = true;
	}
	maprecord_release(&rec);
	if (!ok || o->direction || o->level != LEVEL_KEY)
		return ok;
	if (cdbmap_get(live, domain, dlen, &row, &len) != CDBMAP_FOUND)
		return false;
	o->key = pins_of(row, len, a);
	return o->key != NULL;
}

/* Keys of lowered rows, each with the index of its downgrade. */
struct keys {
	struct lowered_key {
		const char *name;
		size_t of;
	} * v;
	size_t n, cap;
};

static int
by_owner(const void *a, const void *b)
{
	const struct lowered_key *x = a, *y = b;

	if (x->of != y->of)
		return x->of < y->of ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
share_out(struct keys *k, struct downgrade *v, struct arena *a)
{
	struct strs *list;
	size_t i, n;

	qsort(k->v, k->n, sizeof(*k->v), by_owner);
	for (i = 0; i < k->n; i += n) {
		for (n = 1; i + n < k->n && k->v[i + n].of == k->v[i].of; n++)
			;
		list = arena_alloc(a, sizeof(*list) + n * sizeof(list->v[0]));
		for (list->n = 0; list->n < n; list->n++)
			list->v[list->n] = k->v[i + list->n].name;
		v[k->v[i].of].domains = list;
	}
}

size_t
mapholds_in_map(struct cdbmap *live, struct arena *a, struct downgrade **v)
{
	const char *key, *value;
	size_t klen, vlen, n = 0, cap = 0, i;
	struct keys keys = {0};
	struct downgrade o;
	unsigned pos = 0;

	*v = NULL;
	while (cdbmap_next(live, &pos, &key, &klen, &value, &vlen) ==
	       CDBMAP_FOUND) {
		if (!maprecord_is(key, klen, MAPRECORD_DOMAIN) ||
		    !lowered_by(live, key + MAPRECORD_PREFIX,
			klen - MAPRECORD_PREFIX, value, vlen, a, &o))
			continue;
		for (i = 0; i < n; i++)
			if (strcmp((*v)[i].partner, o.partner) == 0)
				break;
		if (i == n) {
			*v = mem_grow(*v, n, &cap, sizeof(**v));
			(*v)[n++] = o;
		}
		keys.v = mem_grow(keys.v, keys.n, &keys.cap, sizeof(*keys.v));
		keys.v[keys.n++] =
		    (struct lowered_key){arena_copy(a, key + MAPRECORD_PREFIX,
					     klen - MAPRECORD_PREFIX),
			i};
	}
	if (keys.n > 0)
		share_out(&keys, *v, a);
	free(keys.v);
	return n;
}

/* --- What holds ----------------------------------------------------------- */

/* What there is to decide from. */
struct reading {
	struct mapholds *h;
	const struct settings *set;
	const struct mapholds_options *opt;
	struct downgrade *live; /* lowered in the live map */
	size_t nlive;
	struct mapmark *mark; /* of the live map */
	size_t nmarks, mark_cap;
	struct ledger *ledger;
};

static void
add(struct mapholds *h, const struct downgrade *o)
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

static struct mapmark
mark_of(const struct downgrade *o, time_t now, const char *by)
{
	return (struct mapmark){.partner = o->partner,
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
		m = mark_of(&h->v[i], now, OURSELVES);
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
	const struct downgrade *o;
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
			add(r->h, o);
			continue;
		}
		m = mark_of(o, r->opt->now, who(r, o->partner));
		add_mark(r->h, &m);
	}
	r->h->code = why->code;
	say_err(why);
	if (r->h->n > 0)
		say("the downgrades of %zu partner%s are kept as the live map "
		    "has them, until their ends; none is added",
		    r->h->n, num_plural(r->h->n));
	else
		say("no downgrade holds as long as it cannot be read");
}

/*
 * Is o what a live map tells of, as far as is known? The partner may have been
 * renamed since.
 */
static bool
same_one(
    const char *partner, int64_t id, time_t begin, const struct downgrade *o)
{
	if (id != 0 && id == o->id && begin == o->begin)
		return true;
	return strcmp(partner, o->partner) == 0 && (id == 0 || id == o->id);
}

/* The live map's, if it is of the same downgrade, as far as is known. */
static const struct downgrade *
live_one(const struct reading *r, const struct downgrade *o)
{
	size_t i;

	for (i = 0; i < r->nlive; i++)
		if (same_one(
			r->live[i].partner, r->live[i].id, r->live[i].begin, o))
			return &r->live[i];
	return NULL;
}

static bool
is_marked(const struct reading *r, const struct downgrade *o)
{
	size_t i;

	for (i = 0; i < r->nmarks; i++)
		if (mapmark_is_of(&r->mark[i], o))
			return true;
	return false;
}

/* One that the ledger has open. */
static void
take(struct reading *r, const struct downgrade *o)
{
	const struct downgrade *live = live_one(r, o);
	struct downgrade taken = *o;

	if (is_without(r, o->partner) || is_marked(r, o))
		return;
	/* The map has it already, so it had begun. */
	if (live != NULL && o->begin > r->opt->now + CLOCK_SLACK) {
		say("the clock was set back behind the begin of the downgrade "
		    "of %s, which ends",
		    o->partner);
		return;
	}
	/* A row from before domains were listed: those that it has lowered. */
	if (o->domains == NULL && live != NULL)
		taken.domains = live->domains;
	add(r->h, &taken);
}

static bool
is_kept(const struct reading *r, const struct mapmark *m)
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

	for (i = 0; i < r->h->list.n; i++)
		if (r->h->list.v[i].d.id == id)
			return r->h->list.v[i].doubt != NULL;
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

	if (is_kept(r, m))
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
	return ledger_believed(
	    r->ledger, now, r->set->max_downgrade, &r->h->list, e);
}

void
mapholds_read(struct mapholds *h, const struct settings *set,
    struct cdbmap *live, const struct mapholds_options *opt)
{
	struct reading r = {.h = h, .set = set, .opt = opt};
	struct mapmark m;
	struct err e;
	bool any = false;
	size_t i;

	*h = (struct mapholds){0};
	if (live != NULL) {
		r.nlive = mapholds_in_map(live, &h->arena, &r.live);
		read_marks(&r, live);
	}
	if (read_ledger(&r, &e) == -1) {
		hold_as_in_map(&r, &e);
	} else {
		for (i = 0; i < h->list.n; i++)
			if (h->list.v[i].doubt == NULL)
				any = true;
			else
				say("%s; it lowers nobody", h->list.v[i].doubt);
		if (any)
			say_clock(&r);
		for (i = 0; i < h->list.n; i++)
			if (h->list.v[i].doubt == NULL)
				take(&r, &h->list.v[i].d);
		for (i = 0; i < r.nmarks; i++)
			settle_mark(&r, &r.mark[i]);
		for (i = 0; i < r.nlive; i++) {
			m = mark_of(
			    &r.live[i], opt->now, who(&r, r.live[i].partner));
			settle_mark(&r, &m);
		}
	}
	if (opt->also != NULL)
		add(h, opt->also);
	ledger_close(r.ledger);
	free(r.live);
	free(r.mark);
}

/* The place of the partner's, or h->n. */
static size_t
place_of(const struct mapholds *h, const char *partner)
{
	size_t i = 0;

	while (i < h->n && strcmp(h->v[i].partner, partner) != 0)
		i++;
	return i;
}

static void
add_left(struct mapholds *h, const struct downgrade *o, const char *why)
{
	h->left = mem_grow(h->left, h->nleft, &h->left_cap, sizeof(*h->left));
	h->left[h->nleft++] = (struct mapleft){.partner = o->partner,
	    .why = why,
	    .level = o->level,
	    .direction = o->direction};
}

/* One partner has one downgrade: o gives way to the one that goes on. */
static void
give_way(struct mapholds *h, const struct downgrade *o,
    const struct downgrade *on, time_t now)
{
	char until[CLOCK_MAX], was[CLOCK_MAX];
	struct buf why = {0};

	buf_printf(&why,
	    "that of %s goes on, to %s until %s, and this one, until %s, does "
	    "not",
	    on->partner, direction_lowered_to(on->direction, on->level),
	    clock_text(on->end, now, until), clock_text(o->end, now, was));
	add_left(h, o, arena_copy(&h->arena, why.data, why.len));
	buf_free(&why);
}

void
mapholds_rename(
    struct mapholds *h, const char *from, const char *to, time_t now)
{
	const size_t i = place_of(h, from), k = place_of(h, to);

	if (i == h->n)
		return;
	if (k == h->n) {
		h->v[i].partner = arena_copy(&h->arena, to, strlen(to));
		return;
	}
	give_way(h, &h->v[i], &h->v[k], now);
	h->v[i] = h->v[--h->n];
}

/* --- What the registry has left behind ------------------------------------ */

/* Why nothing is left that it could lower, or NULL. */
static const char *
why_left(const struct registry *r, const struct downgrade *o)
{
	const uint32_t i = registry_partner(r, o->partner);
	const struct partner *p;
	size_t k;

	if (i == REGISTRY_NONE)
		return MAPHOLDS_LEFT;
	p = &r->partner[i];
	if (!compile_lowers(o, p))
		return "the registry asks for no more than that";
	if (compile_covers(o, r, p))
		return NULL;
	for (k = 0; o->domains != NULL && k < o->domains->n; k++)
		if (registry_domain(r, o->domains->v[k]) != REGISTRY_NONE)
			return "its domains are another partner's";
	return "its domains left the registry";
}

/* Close it in the ledger, NULL if that is of no use; true if it is closed. */
static bool
close_left(
    struct ledger *l, const struct downgrade *o, const char *why, time_t now)
{
	char who[AUTHOR_TEXT];
	struct author a;
	struct err e;
	int rv;

	if (l == NULL)
		return false;
	author_get(&a);
	rv = ledger_downgrade_close(
	    l, o->id, author_text(&a, who), why, now, &e);
	if (rv == -1)
		say_err(&e);
	return rv != -1;
}

void
mapholds_leave(struct mapholds *h, const struct settings *set,
    const struct registry *r, time_t now, bool dry)
{
	struct ledger *l = NULL;
	struct downgrade *o;
	struct mapmark m;
	const char *why;
	size_t i, kept = 0;
	struct err e;

	for (i = 0; i < h->n; i++) {
		o = &h->v[i];
		h->v[kept++] = *o;
		if ((why = why_left(r, o)) == NULL)
			continue;
		add_left(h, o, why);
		if (dry)
			continue;
		if (l == NULL && h->code == 0 &&
		    (l = ledger_open(set->ledger, LEDGER_WRITE, &e)) != NULL)
			ledger_patience(l, CLOSE_PATIENCE);
		if (close_left(l, o, why, now)) {
			kept--;
			continue;
		}
		m = mark_of(o, now, OURSELVES);
		add_mark(h, &m);
	}
	h->n = kept;
	ledger_close(l);
}

void
mapholds_release(struct mapholds *h)
{
	free(h->left);
	free(h->v);
	free(h->mark);
	ledger_believed_release(&h->list);
	arena_free(&h->arena);
	*h = (struct mapholds){0};
}

/* --- The way back that needs nothing but the map itself ------------------- */

/* Covered under its name, or, a U-label, under that of the registry. */
static bool
covers(const struct downgrade *o, const char *key, size_t klen)
{
	char name[DNAME_NEXTHOP_MAX + 1], buf[DNAME_NEXTHOP_MAX + 1];
	struct dname plain;

	if (klen >= sizeof(name))
		return false;
	memcpy(name, key, klen);
	name[klen] = '\0';
	if (downgrade_covers(o, name))
		return true;
	return dname_nexthop(name, buf, &plain) == NULL &&
	       downgrade_covers(o, plain.s);
}

/* May the row key (NULL: a gateway) of this record stay lowered? */
static bool
is_held(const struct mapholds *h, time_t now, const struct maprecord *rec,
    const char *key, size_t klen)
{
	const struct downgrade *o;
	size_t i;

	if (rec->until <= now)
		return false;
	for (i = 0; i < h->n; i++) {
		o = &h->v[i];
		if ((strcmp(o->partner, rec->partner) == 0 ||
			(rec->id != 0 && rec->id == o->id &&
			    rec->begin == o->begin)) &&
		    o->begin <= now && o->end > now &&
		    (key == NULL || covers(o, key, klen)))
			return true;
	}
	return false;
}

static void
add_name(struct mapraised *out, const char *name)
{
	const size_t len = strlen(out->names), n = strlen(name);
	const char *p = out->names, *next;

	for (; *p != '\0'; p = next + (*next == ',' ? 2 : 0)) {
		next = strchrnul(p, ',');
		if ((size_t)(next - p) == n && memcmp(p, name, n) == 0)
			return;
	}
	if (len + n + 8 < sizeof(out->names))
		(void)snprintf(out->names + len, sizeof(out->names) - len,
		    "%s%s", len == 0 ? "" : ", ", name);
	else if (len > 4 && strcmp(out->names + len - 3, "...") != 0)
		(void)snprintf(
		    out->names + len, sizeof(out->names) - len, ", ...");
}

void
mapholds_look(const struct mapholds *h, time_t now, struct cdbmap *live,
    struct mapraised *out)
{
	const char *key, *value;
	size_t klen, vlen;
	struct maprecord rec;
	unsigned pos = 0;

	*out = (struct mapraised){0};
	while (cdbmap_next(live, &pos, &key, &klen, &value, &vlen) ==
	       CDBMAP_FOUND) {
		if (!maprecord_is(key, klen, MAPRECORD_DOMAIN) ||
		    !maprecord_parse(&rec, value, vlen))
			continue;
		if (rec.until != 0 &&
		    is_held(h, now, &rec, key + MAPRECORD_PREFIX,
			klen - MAPRECORD_PREFIX)) {
			out->left++;
			if (out->expires == 0 || rec.until < out->expires)
				out->expires = rec.until;
		} else if (rec.until != 0) {
			out->rows++;
			add_name(out, rec.partner);
		}
		maprecord_release(&rec);
	}
}

static void
set_text(struct maptable *t, struct maprow *r, const char *text)
{
	r->tlen = (uint32_t)strlen(text);
	r->text = arena_copy(&t->arena, text, r->tlen);
}

/*
 * What a record lowers, and it itself, as it was before, if that is over. Of
 * the several partners of a gateway one is no longer lowered: it neither.
 */
static void
raise_record(struct maptable *t, const struct mapholds *h, time_t now, bool any,
    struct maprow *r)
{
	const bool gateway = maprecord_is(r->key, r->klen, MAPRECORD_GATEWAY);
	struct maprecord rec, full;
	struct buf text = {0};

	if ((!gateway && !maprecord_is(r->key, r->klen, MAPRECORD_DOMAIN)) ||
	    !maprecord_parse(&rec, r->text, r->tlen))
		return;
	if (rec.until != 0 &&
	    (gateway ? !is_held(h, now, &rec, NULL, 0) || (rec.more > 0 && any)
		     : !is_held(h, now, &rec, r->key + MAPRECORD_PREFIX,
			   r->klen - MAPRECORD_PREFIX))) {
		if (r->record != MAPTABLE_NONE)
			set_text(t, &t->row[r->record], rec.full);
		maprecord_of_policy(&full, rec.full, strlen(rec.full));
		rec.level = full.level;
		rec.until = 0;
		rec.full = "";
		maprecord_print(&rec, &text);
		set_text(t, r, text.data);
		buf_free(&text);
	}
	maprecord_release(&rec);
}

/* Postfix obeys the rows also of a map whose header we do not understand. */
static void
raise_header(struct maptable *t, time_t now, const struct mapraised *raised)
{
	struct buf text = {0};
	struct mapheader h;

	if (t->header == NULL || !mapheader_parse(&h, t->header, t->headerlen))
		return;
	h.time = now;
	h.lowered = raised->left;
	h.expires = raised->expires;
	mapheader_print(&h, &text);
	t->header = arena_copy(&t->arena, text.data, text.len);
	t->headerlen = text.len;
	buf_free(&text);
}

int
mapholds_raise(const struct mapholds *h, time_t now, struct cdbmap *live,
    struct maptable *t, struct err *e)
{
	struct mapraised raised;
	size_t i;

	if (maptable_read(t, live, e) == -1)
		return -1;
	mapholds_look(h, now, live, &raised);
	raise_header(t, now, &raised);
	for (i = 0; i < t->n; i++)
		raise_record(t, h, now, raised.rows > 0, &t->row[i]);
	for (i = 0; i < h->nmarks; i++)
		maptable_mark(t, &h->mark[i]);
	return 0;
}
