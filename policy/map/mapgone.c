#include "mapgone.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arena.h"
#include "author.h"
#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "err.h"
#include "ledger.h"
#include "ledger_rename.h"
#include "mapbuild.h"
#include "mapevent.h"
#include "maprecord.h"
#include "mem.h"
#include "names.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "registry_keep.h"
#include "settings.h"

#define NAMED 3 /* in words */

/* Partners that left, those that stay and are open, or have less, and domains;
 * so told. */
enum kind { GONE, OPENED, WEAKER, DOMAINS, KINDS };

/* Who is gone, by the last event that says so. */
struct gone {
	const char *name, *less;
	const char *before; /* the copy that has it so, by that name; or NULL */
	int64_t seq;
	time_t time;
	enum kind kind;
	bool enforced;
};

struct taking {
	const struct registry *live;
	struct ledger_names renames;
	struct names names[KINDS];
	struct gone *v;
	size_t n, cap;
	size_t *at[KINDS]; /* by their numbers */
	size_t at_cap[KINDS];
	/* Of the event that is read. */
	bool back; /* one of those that it names came back */
	uint64_t
	    losers; /* Enforced ones of the rest that are not counted yet */
	struct arena text;
	struct mapgone_change *event; /* what is common to those of each */
	size_t nevents, event_cap;
	/* The copies that were in force since then, newest first, NULL where
	 * none is of use; and which of them the event took away. */
	struct registry *copy[MAPBUILD_BEFORE];
	bool looked;
	const struct registry *was;
	size_t was_at; /* or where the one of an earlier event is */
	struct kept *kept;
};

/* What outlives the reading. */
struct kept {
	struct names names[KINDS];
	struct arena text;
	const char **name, **less;
	char *before[MAPBUILD_BEFORE];
};

static struct gone *
add(struct taking *t, const struct ledger_event *ev, const char *name,
    enum kind kind)
{
	struct names *of = &t->names[kind];
	struct gone *g;
	const uint32_t known = of->n;
	const uint32_t i = names_add(of, name, strlen(name));

	if (i == known)
		t->at[kind] = mem_grow(
		    t->at[kind], i, &t->at_cap[kind], sizeof(*t->at[kind]));
	/* What is less may be so by several, each of which took its part. */
	if (i == known ||
	    (kind == WEAKER && t->v[t->at[kind][i]].seq != ev->seq)) {
		t->at[kind][i] = t->n;
		t->v = mem_grow(t->v, t->n, &t->cap, sizeof(*t->v));
		t->v[t->n++] = (struct gone){.name = of->v[i], .kind = kind};
	}
	g = &t->v[t->at[kind][i]];
	g->seq = ev->seq;
	g->time = ev->time;
	g->enforced = kind == OPENED || kind == WEAKER;
	return g;
}

/* An Enforced one among those that this event took. */
static void
set_enforced(struct taking *t, const struct ledger_event *ev, const char *name,
    enum kind kind)
{
	const struct names *of = &t->names[kind];
	const uint32_t i = names_find(of, name, strlen(name));

	if (i != STRMAP_NONE && t->v[t->at[kind][i]].seq == ev->seq)
		t->v[t->at[kind][i]].enforced = true;
}

/* Does the map that is in place know the partner, if by another name? */
static bool
stays(const struct taking *t, const char *partner)
{
	return t->live != NULL && registry_leads(t->live, partner);
}

/* Is the partner, which stays, Opportunistic in the map that is in place? */
static bool
is_open(const struct taking *t, const char *partner)
{
	const uint32_t i = t->live == NULL ? REGISTRY_NONE
					   : registry_partner(t->live, partner);

	return i != REGISTRY_NONE &&
	       t->live->partner[i].attributes->mode != MODE_ENFORCED;
}

/* Does mail to that domain go by a row, its own or one above it? */
static bool
is_covered(const struct taking *t, const char *key)
{
	return t->live != NULL &&
	       (registry_find(t->live, key) != REGISTRY_NONE ||
		   registry_above(t->live, key) != REGISTRY_NONE);
}

/* The row of an internationalised domain in UTF-8: its other one tells. */
static bool
is_twin(const char *key)
{
	while (*key != '\0' && (*key & 0x80) == 0)
		key++;
	return *key != '\0';
}

/* The name of now of a partner that had it when the event was written. */
static const char *
name_now(
    const struct taking *t, const struct ledger_event *ev, const char *name)
{
	/* A rename is recorded before the map which that registry makes. */
	return ledger_name_now(&t->renames, name, 0, ev->time);
}

/*
 * Which of the copies the event took away, which is one that took something.
 * The text may be that of another copy, too: events come in their order, and
 * so do copies.
 */
static void
find_copy(struct taking *t, const struct ledger_event *ev)
{
	char digest[DIGEST_HEX];
	size_t i;

	if (t->looked)
		return;
	t->looked = true;
	if (t->live == NULL || !mapevent_registry_was(ev, digest))
		return;
	for (i = t->was_at; i-- > 0 && t->was == NULL;)
		if (t->copy[i] != NULL &&
		    strcmp(t->copy[i]->digest, digest) == 0) {
			t->was = t->copy[i];
			t->was_at = i;
		}
}

/* The partner that the live map is made of, by a name that it has or had. */
static const struct partner *
live_partner(const struct taking *t, const char *name)
{
	uint32_t i = registry_partner(t->live, name);

	if (i == REGISTRY_NONE)
		i = registry_former(t->live, name);
	return i == REGISTRY_NONE ? NULL : &t->live->partner[i];
}

/* The same partner in another registry, perhaps by the name that it had. */
static const struct partner *
find_in(const struct registry *r, const struct partner *p)
{
	const struct strs *former = p->attributes->former;
	uint32_t i = registry_partner(r, p->name);
	size_t k;

	for (k = 0; i == REGISTRY_NONE && former != NULL && k < former->n; k++)
		i = registry_partner(r, former->v[k]);
	return i == REGISTRY_NONE ? NULL : &r->partner[i];
}

/*
 * What the event took of a partner that stays, and it never had again: a are
 * its attributes of before but for that. False: nothing.
 */
static bool
find_less(const struct taking *t, const struct partner *was,
    const struct partner *live, struct attributes *a)
{
	const struct partner *p = live;
	const struct partner less = {.attributes = a};
	bool level = true, inbound = true, verify = true;
	size_t i;

	/* Each copy that is newer was taken away by a loss that came later. */
	for (i = t->was_at;; i--) {
		if (p != NULL) {
			level = level && partner_level(p) < partner_level(was);
			inbound = inbound && p->attributes->inbound <
						 was->attributes->inbound;
			verify = verify && p->attributes->inbound_verify <
					       was->attributes->inbound_verify;
		}
		if (i == 0)
			break;
		p = t->copy[i - 1] == NULL ? NULL
					   : find_in(t->copy[i - 1], live);
	}
	*a = *was->attributes;
	if (level) {
		a->mode = live->attributes->mode;
		a->verify = live->attributes->verify;
	}
	if (inbound)
		a->inbound = live->attributes->inbound;
	if (verify)
		a->inbound_verify = live->attributes->inbound_verify;
	return registry_weaker(&less, was);
}

/* Of one that stays: is it Enforced, and has less by that event? */
static void
add_weaker(struct taking *t, const struct ledger_event *ev, const char *name)
{
	const struct partner *live, *was;
	struct attributes a;
	struct buf text = {0};
	struct gone *g;

	if (t->was == NULL || (live = live_partner(t, name)) == NULL ||
	    (was = find_in(t->was, live)) == NULL ||
	    !find_less(t, was, live, &a))
		return;
	maprecord_print_less(
	    &(const struct partner){.attributes = &a}, was, &text);
	g = add(t, ev, live->name, WEAKER);
	g->less = arena_copy(&t->text, text.data, text.len);
	g->before = strcmp(was->name, live->name) == 0
			? t->kept->before[t->was_at]
			: NULL;
	buf_free(&text);
}

static void
take_other(const struct ledger_event *ev, const char *name, void *arg)
{
	struct taking *t = arg;

	find_copy(t, ev);
	name = name_now(t, ev, name);
	if (stays(t, name)) {
		t->back = true;
		if (is_open(t, name))
			(void)add(t, ev, name, OPENED);
		else
			add_weaker(t, ev, name);
		return;
	}
	(void)add(t, ev, name, GONE);
	if (t->losers > 0) {
		set_enforced(t, ev, name, GONE);
		t->losers--;
	}
}

static void
take_row(const struct ledger_event *ev, const char *key, const char *is,
    const char *was, void *arg)
{
	struct taking *t = arg;

	if (is != NULL || is_twin(key))
		return;
	if (was != NULL && !stays(t, name_now(t, ev, was)))
		(void)add(t, ev, name_now(t, ev, was), GONE);
	else if (!is_covered(t, key))
		(void)add(t, ev, key, DOMAINS);
	else
		t->back = true;
}

static void
take_loss(const struct ledger_event *ev, const char *key, const char *is,
    const char *was, void *arg)
{
	struct taking *t = arg;

	find_copy(t, ev);
	if (is != NULL && stays(t, name_now(t, ev, is)) &&
	    !is_open(t, name_now(t, ev, is)))
		add_weaker(t, ev, name_now(t, ev, is));
	if (is != NULL)
		return;
	if (was != NULL)
		set_enforced(t, ev, name_now(t, ev, was), GONE);
	set_enforced(t, ev, key, DOMAINS);
}

/* Whose domain it is now; one that left since is told as that alone. */
static void
take_opened(const struct ledger_event *ev, const char *key, const char *is,
    const char *was, void *arg)
{
	struct taking *t = arg;

	(void)was;
	if (!is_twin(key) && is_open(t, name_now(t, ev, is)))
		(void)add(t, ev, name_now(t, ev, is), OPENED);
}

static bool
take_event(const struct ledger_event *ev, void *arg)
{
	struct taking *t = arg;
	struct mapevent_rest rest;
	struct mapgone_change c = {.seq = ev->seq};

	t->back = false;
	t->looked = false;
	t->was = NULL;
	mapevent_owners(ev, take_row, t);
	mapevent_losses(ev, take_loss, t);
	mapevent_opened(ev, take_opened, t);
	if (mapevent_rest(ev, NULL, NULL, &rest)) {
		t->losers = rest.losers;
		(void)mapevent_rest(ev, take_other, t, &rest);
		if (!rest.counted || rest.partners > 0) {
			c.more = t->back ? 0 : rest.partners;
			c.at_least = t->back || !rest.counted;
			c.enforced = c.more < t->losers ? c.more : t->losers;
		}
	}
	c.author = arena_copy(&t->text, ev->author, strlen(ev->author));
	c.agreed = mapevent_agreed(ev);
	t->event =
	    mem_grow(t->event, t->nevents, &t->event_cap, sizeof(*t->event));
	t->event[t->nevents++] = c;
	return true;
}

static int
by_event(const void *a, const void *b)
{
	const struct gone *x = a, *y = b;

	if (x->seq != y->seq)
		return x->seq > y->seq ? -1 : 1;
	return x->kind != y->kind ? (int)x->kind - (int)y->kind
				  : strcmp(x->name, y->name);
}

/* What the event is of one kind; what it does not name are partners that left.
 */
static void
begin_change(
    const struct taking *t, const struct gone *g, struct mapgone_change *c)
{
	size_t i = 0;

	while (t->event[i].seq != g->seq)
		i++;
	*c = t->event[i];
	c->time = g->time;
	c->opened = g->kind == OPENED;
	c->weaker = g->kind == WEAKER;
	c->domains = g->kind == DOMAINS;
	if (g->kind != GONE) {
		c->more = c->enforced = 0;
		c->at_least = c->at_least && !c->domains;
	}
}

/* Enforced ones that one event took, of all kinds. */
static void
count_together(struct mapgone *out)
{
	size_t i, k;

	for (i = 0; i < out->n; i++)
		for (k = 0; k < out->n; k++)
			if (out->v[k].seq == out->v[i].seq)
				out->v[i].together += out->v[k].enforced;
}

/* Those of one event and kind are one. */
static void
group(struct taking *t, struct mapgone *out)
{
	struct kept *k = t->kept;
	struct mapgone_change *c = NULL;
	size_t i;

	if (t->n > 0)
		qsort(t->v, t->n, sizeof(*t->v), by_event);
	k->name = mem_zero(t->n + 1, sizeof(*k->name));
	k->less = mem_zero(t->n + 1, sizeof(*k->less));
	out->v = mem_zero(t->n + 1, sizeof(*out->v));
	for (i = 0; i < t->n; i++) {
		k->name[i] = t->v[i].name;
		k->less[i] = t->v[i].less;
		if (c == NULL || c->seq != t->v[i].seq ||
		    t->v[i].kind != t->v[i - 1].kind) {
			c = &out->v[out->n++];
			begin_change(t, &t->v[i], c);
			c->name = &k->name[i];
			c->less = &k->less[i];
		}
		c->n++;
		c->enforced += t->v[i].enforced;
		if (t->v[i].before != NULL)
			c->before = t->v[i].before;
	}
	count_together(out);
}

/* Has the registry who is gone; and as it was, if it stays? */
static bool
has(const struct registry *r, const struct mapgone_change *c)
{
	const uint32_t i = registry_find(r, c->name[0]);

	return i != REGISTRY_NONE &&
	       (!c->opened || r->partner[i].attributes->mode == MODE_ENFORCED);
}

/* A copy is worth a word if it has who is gone. */
static void
find_before(struct mapgone *out, struct registry *const *copy)
{
	struct kept *k = out->kept;
	unsigned age;
	size_t i;

	for (age = 0; age < MAPBUILD_BEFORE; age++)
		for (i = 0; i < out->n && copy[age] != NULL; i++)
			if (out->v[i].before == NULL && !out->v[i].weaker &&
			    has(copy[age], &out->v[i]))
				out->v[i].before = k->before[age];
}

/* One that is older than since shows what was agreed long ago. */
static void
load_copies(
    struct kept *k, const char *map, time_t since, struct registry **copy)
{
	struct err ignored;
	struct stat st;
	unsigned age;

	for (age = 0; age < MAPBUILD_BEFORE; age++) {
		k->before[age] = mapbuild_kept_before(map, age + 1);
		if (stat(k->before[age], &st) == 0 && st.st_mtime >= since)
			copy[age] =
			    registry_load_kept(k->before[age], since, &ignored);
	}
}

int
mapgone_read(struct ledger *l, const struct registry *live, const char *map,
    time_t since, struct mapgone *out, struct err *e)
{
	const struct ledger_event_query q = {
	    .kind = MAPEVENT_KIND, .since = since};
	struct kept *k = mem_zero(1, sizeof(*k));
	struct taking t = {.live = live, .kept = k, .was_at = MAPBUILD_BEFORE};
	unsigned i;
	int rv;

	*out = (struct mapgone){.kept = k};
	load_copies(k, map, since, t.copy);
	rv = ledger_names_read(l, &t.renames, e);
	if (rv == 0)
		rv = ledger_events(l, &q, take_event, &t, e);
	if (rv == 0) {
		group(&t, out);
		find_before(out, t.copy);
	}
	memcpy(k->names, t.names, sizeof(k->names));
	k->text = t.text;
	ledger_names_release(&t.renames);
	for (i = 0; i < MAPBUILD_BEFORE; i++)
		registry_free(t.copy[i]);
	for (i = 0; i < KINDS; i++)
		free(t.at[i]);
	free(t.event);
	free(t.v);
	return rv;
}

void
mapgone_release(struct mapgone *g)
{
	struct kept *k = g->kept;
	unsigned i;

	if (k != NULL) {
		for (i = 0; i < KINDS; i++)
			names_free(&k->names[i]);
		arena_free(&k->text);
		free(k->name);
		free(k->less);
		for (i = 0; i < MAPBUILD_BEFORE; i++)
			free(k->before[i]);
	}
	free(k);
	free(g->v);
	*g = (struct mapgone){0};
}

void
mapgone_look(const struct settings *set, const struct registry *live,
    time_t since, struct mapgone *out)
{
	struct err ignored;
	struct ledger *l = ledger_open(set->ledger, LEDGER_READ, &ignored);

	if (l != NULL)
		(void)mapgone_read(l, live, set->map, since, out, &ignored);
	ledger_close(l);
}

size_t
mapgone_find(const struct mapgone_change *c, const char *partner)
{
	size_t k = 0;

	if (c->domains)
		return c->n;
	while (k < c->n && strcmp(c->name[k], partner) != 0)
		k++;
	return k;
}

uint64_t
mapgone_partners(const struct mapgone *g)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < g->n; i++)
		if (!g->v[i].domains && !g->v[i].opened && !g->v[i].weaker)
			n += g->v[i].n + g->v[i].more;
	return n;
}

const struct mapgone_change *
mapgone_less(const struct mapgone *g, size_t *from, const char *partner,
    const char **less)
{
	const struct mapgone_change *c;
	size_t k;

	while (g != NULL && *from < g->n) {
		c = &g->v[(*from)++];
		k = mapgone_find(c, partner);
		if (k < c->n && (c->opened || c->weaker)) {
			*less = c->less[k];
			return c;
		}
	}
	return NULL;
}

bool
mapgone_alarms(const struct mapgone_change *c)
{
	return c->agreed == NULL && c->together > MAPGONE_FEW;
}

bool
mapgone_can_return(const struct mapgone_change *c)
{
	return !c->domains && c->before != NULL;
}

static void
put_history(const struct mapgone_change *c, struct buf *out)
{
	char when[NUM_TIME_MAX];

	buf_printf(
	    out, "tlspactctl history --since %s", num_time_text(c->time, when));
}

static void
put_names(const struct mapgone_change *c, size_t n, const char *between,
    bool less, struct buf *out)
{
	size_t i;

	for (i = 0; i < n; i++) {
		buf_puts(out, i == 0 ? "" : between);
		quote_put(out, c->name[i], strlen(c->name[i]));
		if (less && c->weaker)
			buf_printf(out, " (%s)", c->less[i]);
	}
}

void
mapgone_print(const struct mapgone_change *c, time_t now, struct buf *out)
{
	const uint64_t all = c->n + c->more;
	const size_t named = c->n < NAMED ? c->n : NAMED;
	char when[CLOCK_MAX], who[AUTHOR_TEXT];

	buf_printf(out, "%s%s %s%s %s since %s", c->at_least ? "at least " : "",
	    num_count(all).s, c->domains ? "domain" : "partner",
	    num_plural(all),
	    c->opened	? all == 1 ? "is Opportunistic, was Enforced,"
				   : "are Opportunistic, were Enforced,"
	    : c->weaker ? all == 1 ? "demands less" : "demand less"
	    : all == 1	? "is no longer in the map"
			: "are no longer in the map",
	    clock_text(c->time, now, when));
	if (c->author != NULL) {
		quote_show(who, sizeof(who), c->author, strlen(c->author));
		buf_printf(out, ", by %s", who);
	}
	buf_puts(out, ": ");
	put_names(c, named, ", ", true, out);
	if (all > named)
		buf_printf(out, " and %s more", num_count(all - named).s);
	if (mapgone_can_return(c) || c->opened || c->weaker) {
		buf_puts(out, "; see ");
		put_history(c, out);
	}
	buf_puts(out, MAPGONE_MEANT);
	if (c->before != NULL && c->domains)
		buf_printf(out, "; if not, the registry before is in %s",
		    quotes(c->before).s);
	else if (c->before != NULL)
		buf_puts(out, "; if not, put them back");
	else if (c->opened)
		buf_puts(out, "; if not, make them Enforced again");
	else if (c->weaker)
		buf_puts(out, "; if not, demand it again");
}

void
mapgone_next(const struct mapgone_change *c, struct buf *out)
{
	if ((c->opened || c->weaker) && c->before == NULL) {
		buf_puts(out, "tlspactctl edit ");
		put_names(c, 1, "", false, out);
		return;
	}
	if (!mapgone_can_return(c)) {
		put_history(c, out);
		return;
	}
	buf_puts(out, MAPGONE_LOST);
	/* These alone, where the line has room for all of them. */
	if (c->n <= NAMED && c->more == 0 && !c->at_least) {
		buf_puts(out, " ");
		put_names(c, c->n, " ", false, out);
	}
}
