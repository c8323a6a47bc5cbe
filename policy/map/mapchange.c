#include "mapchange.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cdbmap.h"
#include "dname.h"
#include "maptable.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "settings.h"
#include "tablekey.h"

#define WORDS_SHOWN 96	/* bytes, for people, of what differs */
#define LOST_AT_LEAST 2 /* rows that a percentage always lets pass */

static const char *const causes[MAPCAUSES] = {
    "registry", "settings", "downgrade", "end"};

const char *
mapcause_name(enum mapcause c)
{
	return causes[c];
}

/* Both at once: what is weaker in any way is weaker. */
static enum change
both(enum change a, enum change b)
{
	return change_sum(a, b, CHANGE_WEAKER);
}

static size_t
shared(const struct strs *a, const struct strs *b)
{
	size_t i, k, n = 0;

	for (i = 0; i < a->n; i++)
		for (k = 0; k < b->n; k++)
			if (strcmp(a->v[i], b->v[k]) == 0) {
				n++;
				break;
			}
	return n;
}

/* Whom a rule lets in: more names or keys are weaker. */
static enum change
compare_list(const struct strs *was, const struct strs *is)
{
	size_t same = shared(was, is);

	if (same == was->n && same == is->n)
		return CHANGE_NONE;
	if (same == was->n)
		return CHANGE_WEAKER;
	return same == is->n ? CHANGE_STRONGER : CHANGE_OTHER;
}

static enum change
compare_inbound(const struct maprecord *was, const struct maprecord *is)
{
	enum change c = change_of_rank((int)was->inbound, (int)is->inbound);

	if (was->inbound == INBOUND_OFF && is->inbound == INBOUND_OFF)
		return CHANGE_NONE;
	if (was->verify != is->verify)
		c = both(c, was->verify == INBOUND_NONE	 ? CHANGE_STRONGER
			    : is->verify == INBOUND_NONE ? CHANGE_WEAKER
							 : CHANGE_OTHER);
	else if (is->verify == INBOUND_NAME)
		c = both(c, compare_list(was->names, is->names));
	else if (is->verify == INBOUND_KEY)
		c = both(c, compare_list(was->keys, is->keys));
	if (was->action != is->action)
		c = both(c, CHANGE_OTHER);
	return c;
}

/* What main.cf has for it is not ours to rank. */
static enum change
compare_requiretls(enum requiretls was, enum requiretls is)
{
	if (was != is &&
	    (was == REQUIRETLS_MAIN_CF || is == REQUIRETLS_MAIN_CF))
		return CHANGE_OTHER;
	return change_of_rank((int)was, (int)is);
}

static bool
parse(struct maprecord *r, const struct mapdemand *d)
{
	if (d->record != NULL)
		return maprecord_parse(r, d->record, d->recordlen);
	maprecord_of_policy(
	    r, d->row == NULL ? "may" : d->row, d->row == NULL ? 3 : d->rowlen);
	return true;
}

static struct span
row_of(const struct mapdemand *d)
{
	return d->row == NULL ? span_of("") : (struct span){d->row, d->rowlen};
}

/* What holds if no downgrade does. */
static struct span
full_of(const struct mapdemand *d, const struct maprecord *r)
{
	return r->until != 0 ? span_of(r->full) : row_of(d);
}

static bool
same_bytes(const char *a, size_t alen, const char *b, size_t blen)
{
	return (a == NULL) == (b == NULL) && alen == blen &&
	       (a == NULL || memcmp(a, b, alen) == 0);
}

static enum mapcause
other_cause(const struct mapchanges *c)
{
	return strcmp(c->was.registry, c->is.registry) == 0 ? MAPCAUSE_SETTINGS
							    : MAPCAUSE_REGISTRY;
}

static bool
same_level(struct span a, struct span b)
{
	enum level x, y;

	return strength_level(a.p, a.n, &x) && strength_level(b.p, b.n, &y) &&
	       x == y;
}

/* How much is asked of mail from them: by the rule, or by what lets it in. */
static int
let_in_rank(const struct maprecord *r)
{
	return r->until == 0			       ? 2
	       : r->direction == DIRECTION_CERTIFICATE ? 1
						       : 0;
}

/* A row or a client that both maps know. */
static void
judge(struct mapchange *c)
{
	struct maprecord was, is;
	struct span a, b;
	enum change full = CHANGE_NONE, rule, now = c->row;
	bool was_ok = parse(&was, &c->was), is_ok = parse(&is, &c->is);

	c->change = CHANGE_OTHER;
	if (!was_ok || !is_ok)
		goto out;
	if (!c->client) {
		a = full_of(&c->was, &was);
		b = full_of(&c->is, &is);
		full = strength_compare(a.p, a.n, b.p, b.n);
		c->in_full = full != CHANGE_NONE &&
			     (was.until == 0) != (is.until == 0) &&
			     same_level(a, b);
	}
	/* The rule for mail from them, whose text stays. */
	if (now == CHANGE_NONE && !c->only_out)
		now = change_of_rank(let_in_rank(&was), let_in_rank(&is));
	rule = compare_requiretls(was.requiretls, is.requiretls);
	if (!c->only_out)
		rule = both(rule, compare_inbound(&was, &is));
	c->loses = full == CHANGE_WEAKER || rule == CHANGE_WEAKER;
	c->later = full == CHANGE_WEAKER && rule != CHANGE_WEAKER &&
		   c->row != CHANGE_WEAKER && (was.until != 0 || is.until != 0);
	if (full == CHANGE_NONE && rule == CHANGE_NONE &&
	    (was.until != 0 || is.until != 0))
		c->cause = is.until == 0 ? MAPCAUSE_END : MAPCAUSE_DOWNGRADE;
	c->change = both(both(now, full), rule);
	if (c->change == CHANGE_NONE && was.until != is.until)
		c->change = CHANGE_OTHER;
out:
	if (was_ok)
		maprecord_release(&was);
	if (is_ok)
		maprecord_release(&is);
}

struct comparing {
	struct mapchanges *out;
	struct cdbmap *was;
	struct maptable *is;
	bool list;
	bool ours;	     /* the live map has a header */
	size_t live, found;  /* records and rows of the live map */
	size_t live_domains; /* records " d:" of it */
	struct buf key;
};

static void
note(struct comparing *k, struct mapchange *c)
{
	struct mapchanges *out = k->out;

	if (!c->client)
		out->row[c->row]++;
	if (c->change != CHANGE_NONE)
		out->count[c->change]++;
	if (!out->first && c->change != CHANGE_NONE) {
		out->cause[c->cause]++;
		out->losses += c->loses;
	}
	if (out->first ? !k->list : c->change == CHANGE_NONE)
		return;
	out->v = mem_grow(out->v, out->n, &out->cap, sizeof(*out->v));
	out->v[out->n++] = *c;
}

/* From the live map. */
static bool
get(struct comparing *k, const char *key, size_t len, const char **value,
    size_t *vlen)
{
	enum cdbmap_answer a = CDBMAP_NOTFOUND;

	if (k->was != NULL)
		a = cdbmap_get(k->was, key, len, value, vlen);
	k->out->damaged = k->out->damaged || a == CDBMAP_BROKEN;
	return a == CDBMAP_FOUND;
}

static void
get_record(struct comparing *k, struct mapchange *c)
{
	if (k->live_domains == 0)
		return;
	buf_clear(&k->key);
	buf_puts(&k->key, MAPRECORD_DOMAIN);
	buf_add(&k->key, c->key, c->keylen);
	if (!get(k, k->key.data, k->key.len, &c->was.record, &c->was.recordlen))
		c->was.record = NULL;
}

/* Why does the live row protect nobody, whatever it says? */
static void
note_idle(struct mapchange *c)
{
	c->unasked = tablekey_unasked((struct span){c->key, c->keylen});
	c->held = strength_held(c->was.row, c->was.rowlen);
}

static bool
is_enforced(const struct comparing *k, const char *key, size_t klen,
    const char *text, size_t len)
{
	enum level level;

	return strength_level(text, len, &level) &&
	       level > LEVEL_OPPORTUNISTIC &&
	       (k->ours ||
		   (!strength_held(text, len) &&
		       tablekey_unasked((struct span){key, klen}) == NULL));
}

/* A row of the new map. */
static void
compare_row(struct comparing *k, const struct maprow *r)
{
	struct mapchanges *out = k->out;
	struct mapchange c = {.key = r->key,
	    .keylen = r->klen,
	    .is = {.row = r->text, .rowlen = r->tlen},
	    .row = CHANGE_ADDED,
	    .change = CHANGE_ADDED,
	    .cause = other_cause(out)};
	enum level level;

	out->rows++;
	if (strength_level(r->text, r->tlen, &level))
		out->level[level]++;
	if (r->record != MAPTABLE_NONE) {
		c.is.record = k->is->row[r->record].text;
		c.is.recordlen = k->is->row[r->record].tlen;
	}
	if (!get(k, r->key, r->klen, &c.was.row, &c.was.rowlen)) {
		note(k, &c);
		return;
	}
	k->found++;
	c.row =
	    strength_compare(c.was.row, c.was.rowlen, c.is.row, c.is.rowlen);
	if (c.row != CHANGE_NONE)
		note_idle(&c);
	c.same = c.row == CHANGE_OTHER &&
		 strength_same(c.was.row, c.was.rowlen, c.is.row, c.is.rowlen);
	/* A downgrade weakens on purpose, with a record of its own. */
	c.lost = c.row == CHANGE_WEAKER && !r->lowered &&
		 is_enforced(k, c.key, c.keylen, c.was.row, c.was.rowlen);
	out->lost += c.lost;
	get_record(k, &c);
	c.only_out = !k->ours && c.was.record == NULL;
	if (c.row == CHANGE_NONE && same_bytes(c.was.record, c.was.recordlen,
					c.is.record, c.is.recordlen))
		return;
	judge(&c);
	note(k, &c);
}

/* A record of the new map; of a client its rule is compared. */
static void
compare_record(struct comparing *k, const struct maprow *r)
{
	struct mapchange c = {.key = r->key + MAPRECORD_PREFIX,
	    .keylen = r->klen - MAPRECORD_PREFIX,
	    .client = true,
	    .is = {.record = r->text, .recordlen = r->tlen},
	    .change = CHANGE_ADDED,
	    .cause = other_cause(k->out)};
	bool found = get(k, r->key, r->klen, &c.was.record, &c.was.recordlen);

	k->found += found;
	if (found &&
	    same_bytes(c.was.record, c.was.recordlen, r->text, r->tlen))
		return;
	k->out->records++;
	if (k->was == NULL || !maprecord_is(r->key, r->klen, MAPRECORD_GATEWAY))
		return;
	if (found)
		judge(&c);
	note(k, &c);
}

/* A row or record of the live map that the new one has not. */
static void
note_gone(struct comparing *k, const char *key, size_t klen, const char *value,
    size_t vlen)
{
	struct mapchange c = {.key = key,
	    .keylen = klen,
	    .client = maprecord_is(key, klen, MAPRECORD_GATEWAY),
	    .was = {.row = value, .rowlen = vlen},
	    .row = CHANGE_REMOVED,
	    .change = CHANGE_REMOVED,
	    .cause = other_cause(k->out)};

	if (klen > 0 && key[0] == ' ') {
		k->out->records++;
		if (!c.client)
			return;
		c.key += MAPRECORD_PREFIX;
		c.keylen -= MAPRECORD_PREFIX;
		c.was = (struct mapdemand){.record = value, .recordlen = vlen};
	} else {
		get_record(k, &c);
		note_idle(&c);
		c.above = maptable_above(k->is, key, klen);
		c.lost = is_enforced(k, key, klen, value, vlen);
		k->out->lost += c.lost;
		c.loses = c.lost || c.was.record != NULL;
	}
	note(k, &c);
}

/* Walk the live map: count it, or find what is gone. */
static void
walk_live(struct comparing *k, bool gone)
{
	struct mapchanges *out = k->out;
	const char *key, *value, *text;
	size_t klen, vlen, len;
	enum cdbmap_answer a;
	unsigned pos = 0;

	while ((a = cdbmap_next(k->was, &pos, &key, &klen, &value, &vlen)) ==
	       CDBMAP_FOUND) {
		if (mapheader_is(key, klen)) {
			k->ours = true;
			continue;
		}
		if (gone) {
			if (!maptable_get(k->is, key, klen, &text, &len))
				note_gone(k, key, klen, value, vlen);
			continue;
		}
		k->live++;
		k->live_domains += maprecord_is(key, klen, MAPRECORD_DOMAIN);
		out->live_enforced += !(klen > 0 && key[0] == ' ') &&
				      is_enforced(k, key, klen, value, vlen);
	}
	out->damaged = out->damaged || a == CDBMAP_BROKEN;
}

void
mapchanges(
    struct mapchanges *out, struct cdbmap *was, struct maptable *is, bool list)
{
	struct comparing k = {.out = out, .was = was, .is = is, .list = list};
	size_t i;

	*out = (struct mapchanges){.first = was == NULL};
	if (is->header != NULL &&
	    !mapheader_parse(&out->is, is->header, is->headerlen))
		out->is = (struct mapheader){0};
	out->emptied = out->is.partners == 0;
	if (was != NULL) {
		(void)mapheader_get(&out->was, was);
		walk_live(&k, false);
	}
	for (i = 0; i < is->n; i++)
		if (maprow_is_record(&is->row[i]))
			compare_record(&k, &is->row[i]);
		else
			compare_row(&k, &is->row[i]);
	if (was != NULL && k.found != k.live)
		walk_live(&k, true);
	buf_free(&k.key);
	out->any = out->damaged || out->records > 0;
	for (i = CHANGE_ADDED; i <= CHANGE_OTHER; i++)
		out->any = out->any || out->row[i] > 0;
}

bool
mapchanges_too_much(
    const struct mapchanges *c, const char *limit, size_t *allowed)
{
	struct limit l;

	if (limit_parse(limit, &l) == -1)
		l.n = 0;
	if (l.percent) {
		l.n = c->live_enforced * l.n / 100;
		if (l.n < LOST_AT_LEAST)
			l.n = LOST_AT_LEAST;
	}
	*allowed = (size_t)l.n;
	/* A registry without any partner is an accident of its own kind. */
	return c->lost > l.n || (c->emptied && c->lost > 0);
}

static int
rank(enum change c)
{
	static const int ranks[] = {[CHANGE_WEAKER] = 0,
	    [CHANGE_REMOVED] = 1,
	    [CHANGE_OTHER] = 2,
	    [CHANGE_STRONGER] = 3,
	    [CHANGE_ADDED] = 4};

	return ranks[c];
}

int
mapchange_by_key(const void *x, const void *y)
{
	const struct mapchange *a = *(const struct mapchange *const *)x,
			       *b = *(const struct mapchange *const *)y;
	size_t n = a->keylen < b->keylen ? a->keylen : b->keylen;
	int rv = memcmp(a->key, b->key, n);

	return rv != 0 ? rv : (a->keylen > b->keylen) - (a->keylen < b->keylen);
}

static int
by_rank(const void *x, const void *y)
{
	const struct mapchange *a = *(const struct mapchange *const *)x,
			       *b = *(const struct mapchange *const *)y;
	int rv = rank(a->change) - rank(b->change);

	if (rv == 0)
		rv = mapchange_by_key(x, y);
	return rv != 0 ? rv : (int)a->client - (int)b->client;
}

const struct mapchange **
mapchanges_ranked(const struct mapchanges *c, size_t *n)
{
	const struct mapchange **v = mem_zero(c->n + 1, sizeof(*v));
	size_t i;

	*n = c->first ? 0 : c->n;
	for (i = 0; i < *n; i++)
		v[i] = &c->v[i];
	qsort(v, *n, sizeof(*v), by_rank);
	return v;
}

void
mapchanges_release(struct mapchanges *c)
{
	free(c->v);
	*c = (struct mapchanges){0};
}

/* As mapdemand_print(); of mail that leaves alone if inbound is false. */
static void
print_demand(
    const struct mapdemand *d, bool client, bool inbound, struct buf *out)
{
	static const char *const verifies[] = {[INBOUND_NONE] = "",
	    [INBOUND_NAME] = " by name",
	    [INBOUND_KEY] = " by key"};
	struct maprecord r, plain;
	enum level level;
	struct span full;

	if (d->row == NULL && d->record == NULL) {
		buf_puts(out, "nothing");
		return;
	}
	if (!client)
		buf_puts(out, strength_level(d->row, d->rowlen, &level)
				  ? level_name(level)
				  : "unknown");
	if (d->record == NULL)
		return;
	if (!parse(&r, d)) {
		buf_puts(out, " damaged record");
		return;
	}
	full = full_of(d, &r);
	if (r.until != 0 && r.direction)
		buf_puts(out, !inbound ? ""
			      : r.direction == DIRECTION_CERTIFICATE
				  ? ", lowered inbound to TLS"
				  : ", lowered inbound");
	else if (r.until != 0 && !client &&
		 strength_level(full.p, full.n, &level))
		buf_printf(out, " (full: %s)", level_name(level));
	maprecord_of_policy(
	    &plain, client ? "may" : full.p, client ? 3 : full.n);
	/* Where nothing is asked, it does not matter by what. */
	if (r.inbound == INBOUND_OFF)
		r.verify = INBOUND_NONE;
	if (inbound &&
	    (client || r.inbound != plain.inbound || r.verify != INBOUND_NONE))
		buf_printf(out, "%sinbound %s%s", client ? "" : ", ",
		    maprecord_inbound[r.inbound], verifies[r.verify]);
	if (r.requiretls != REQUIRETLS_MAIN_CF)
		buf_printf(
		    out, ", requiretls %s", maprecord_requiretls[r.requiretls]);
	maprecord_release(&r);
}

void
mapdemand_print(const struct mapdemand *d, bool client, struct buf *out)
{
	print_demand(d, client, true, out);
}

/* --- What differs in demands that look alike ----------------------------- */

/* Of a list those that the other one has not. */
static void
put_others(const struct strs *list, const struct strs *other, struct buf *out)
{
	const char *between = out->len == 0 ? "" : " ";
	size_t i, k;

	for (i = 0; i < list->n; i++) {
		for (k = 0; k < other->n; k++)
			if (strcmp(list->v[i], other->v[k]) == 0)
				break;
		if (k < other->n)
			continue;
		buf_printf(out, "%s%s", between, list->v[i]);
		between = ":";
	}
}

/* Whom the inbound rule lets in, and what it does. */
static void
put_rule(
    const struct maprecord *r, const struct maprecord *other, struct buf *out)
{
	if (r->verify == INBOUND_NAME)
		put_others(r->names, other->names, out);
	else if (r->verify == INBOUND_KEY)
		put_others(r->keys, other->keys, out);
	if (r->action != other->action)
		buf_printf(out, "%s%s", out->len == 0 ? "" : " ",
		    r->action == ACTION_REJECT ? "reject" : "defer");
}

static void
put_until(
    const struct maprecord *r, const struct maprecord *other, struct buf *out)
{
	char when[NUM_TIME_MAX];

	if (r->until != other->until && r->until != 0)
		buf_printf(out, "%suntil %s", out->len == 0 ? "" : " ",
		    num_time_text(r->until, when));
}

static void
put_words(const struct mapdemand *d, const struct mapdemand *other,
    bool inbound, struct buf *out)
{
	struct maprecord r, o;
	bool ok = parse(&r, d), other_ok = parse(&o, other);
	const bool both_ok = ok && other_ok;

	if (both_ok && (r.until == 0) != (o.until == 0)) {
		strength_words(full_of(d, &r), full_of(other, &o), out);
	} else {
		strength_words(row_of(d), row_of(other), out);
		if (both_ok && out->len == 0)
			strength_words(span_of(r.full), span_of(o.full), out);
	}
	if (both_ok && inbound)
		put_rule(&r, &o, out);
	if (both_ok && ((r.until == 0) == (o.until == 0) || out->len == 0))
		put_until(&r, &o, out);
	if (ok)
		maprecord_release(&r);
	if (other_ok)
		maprecord_release(&o);
}

void
mapdemand_words(
    const struct mapdemand *d, const struct mapdemand *other, struct buf *out)
{
	put_words(d, other, true, out);
}

/* A demand of c, and what differs if the other one looks alike. */
static void
put_demand(const struct mapchange *c, const struct mapdemand *d,
    const struct mapdemand *other, struct buf *out)
{
	const bool inbound = !c->only_out;
	struct buf is = {0}, was = {0}, words = {0};
	char shown[WORDS_SHOWN];

	print_demand(d, c->client, inbound, &is);
	print_demand(other, c->client, inbound, &was);
	buf_puts(out, is.data);
	if (c->in_full || strcmp(is.data, was.data) == 0)
		put_words(d, other, inbound, &words);
	if (words.len > 0) {
		quote_show(shown, sizeof(shown), words.data, words.len);
		buf_printf(out, " %s%s", shown,
		    strlen(shown) < words.len ? "..." : "");
	}
	buf_free(&is);
	buf_free(&was);
	buf_free(&words);
}

void
mapchange_print(const struct mapchange *c, struct buf *out)
{
	if (c->same && c->change == CHANGE_OTHER &&
	    (c->only_out || same_bytes(c->was.record, c->was.recordlen,
				c->is.record, c->is.recordlen))) {
		print_demand(&c->is, c->client, !c->only_out, out);
		buf_puts(out, " to the same in other words");
		return;
	}
	put_demand(c, &c->was, &c->is, out);
	buf_puts(out, " -> ");
	put_demand(c, &c->is, &c->was, out);
}

static void
put_full(
    const struct mapdemand *d, const struct mapdemand *other, struct buf *out)
{
	struct buf words = {0};
	char shown[WORDS_SHOWN];
	struct maprecord r, o;
	enum level level;

	if (!parse(&r, d))
		return;
	if (strength_level(full_of(d, &r).p, full_of(d, &r).n, &level))
		buf_puts(out, level_name(level));
	if (parse(&o, other)) {
		strength_words(full_of(d, &r), full_of(other, &o), &words);
		maprecord_release(&o);
	}
	if (words.len > 0) {
		quote_show(shown, sizeof(shown), words.data, words.len);
		buf_printf(out, " %s%s", shown,
		    strlen(shown) < words.len ? "..." : "");
	}
	maprecord_release(&r);
	buf_free(&words);
}

void
mapchange_print_full(const struct mapchange *c, struct buf *out)
{
	put_full(&c->was, &c->is, out);
	buf_puts(out, " -> ");
	put_full(&c->is, &c->was, out);
}

/* --- What is left where a row is gone ------------------------------------- */

bool
mapchange_stays(const struct mapchange *c, const struct registry *r)
{
	char key[DNAME_NEXTHOP_MAX + 1], buf[DNAME_NEXTHOP_MAX + 1];
	struct dname plain;

	if (c->client || c->is.row != NULL || c->was.row == NULL ||
	    c->keylen >= sizeof(key))
		return false;
	span_keep(key, sizeof(key), (struct span){c->key, c->keylen});
	return registry_domain(r, key) != REGISTRY_NONE ||
	       (dname_nexthop(key, buf, &plain) == NULL &&
		   registry_domain(r, plain.s) != REGISTRY_NONE);
}

struct span
mapchange_now(const struct mapchange *c, const char *level, struct span *by)
{
	*by = (struct span){NULL, 0};
	if (c->above == NULL)
		return span_of(level == NULL ? "" : level);
	*by = (struct span){c->above->key, c->above->klen};
	return (struct span){c->above->text, c->above->tlen};
}

void
mapchange_print_now(
    const struct mapchange *c, const char *level, struct buf *out)
{
	struct span by, row = mapchange_now(c, level, &by);

	if (c->unasked != NULL) {
		buf_printf(out, "as before: %s", c->unasked);
		return;
	}
	if (by.n > 0)
		buf_printf(out, "by %.*s: %.*s", SPAN_ARG(by), SPAN_ARG(row));
	else if (level == NULL)
		buf_puts(out, "by smtp_tls_security_level of main.cf");
	else if (*level == '\0')
		buf_puts(out, "without TLS: main.cf has no "
			      "smtp_tls_security_level");
	else
		buf_printf(
		    out, "by smtp_tls_security_level = %s of main.cf", level);
}
