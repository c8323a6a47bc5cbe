#include "mapchange.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cdbmap.h"
#include "settings.h"
#include "maptable.h"
#include "mem.h"

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

/* What holds if no downgrade does. */
static void
full_text(const struct mapdemand *d, const struct maprecord *r,
    const char **text, size_t *len)
{
	*text = r->until != 0 ? r->full : d->row;
	*len = r->until != 0 ? strlen(r->full) : d->rowlen;
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

/* A row or a client that both maps know. */
static void
judge(struct mapchange *c)
{
	struct maprecord was, is;
	const char *a, *b;
	size_t alen, blen;
	enum change full = CHANGE_NONE, rule, now = c->row;
	bool was_ok = parse(&was, &c->was), is_ok = parse(&is, &c->is);

	c->change = CHANGE_OTHER;
	if (!was_ok || !is_ok)
		goto out;
	if (!c->client) {
		full_text(&c->was, &was, &a, &alen);
		full_text(&c->is, &is, &b, &blen);
		full = strength_compare(a, alen, b, blen);
	} else if ((was.until == 0) != (is.until == 0)) {
		now = is.until != 0 ? CHANGE_WEAKER : CHANGE_STRONGER;
	}
	rule = both(compare_inbound(&was, &is),
	    compare_requiretls(was.requiretls, is.requiretls));
	c->loses = full == CHANGE_WEAKER || rule == CHANGE_WEAKER;
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

static bool
is_enforced(const char *text, size_t len)
{
	enum level level;

	/* What is not understood protects somebody: count it. */
	return !strength_level(text, len, &level) ||
	       level > LEVEL_OPPORTUNISTIC;
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
	/* A downgrade weakens on purpose, with a record of its own. */
	out->lost += c.row == CHANGE_WEAKER && !r->lowered &&
		     is_enforced(c.was.row, c.was.rowlen);
	get_record(k, &c);
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
		c.loses = is_enforced(value, vlen);
		k->out->lost += c.loses;
		c.loses = c.loses || c.was.record != NULL;
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
		if (mapheader_is(key, klen))
			continue;
		if (gone) {
			if (!maptable_get(k->is, key, klen, &text, &len))
				note_gone(k, key, klen, value, vlen);
			continue;
		}
		k->live++;
		k->live_domains += maprecord_is(key, klen, MAPRECORD_DOMAIN);
		out->live_enforced +=
		    !(klen > 0 && key[0] == ' ') && is_enforced(value, vlen);
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
}

bool
mapchanges_any(const struct mapchanges *c)
{
	size_t i;

	for (i = CHANGE_ADDED; i <= CHANGE_OTHER; i++)
		if (c->row[i] > 0)
			return true;
	return c->damaged || c->records > 0;
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

void
mapdemand_print(const struct mapdemand *d, bool client, struct buf *out)
{
	static const char *const rules[] = {[INBOUND_OFF] = "off",
	    [INBOUND_WARN] = "warn",
	    [INBOUND_REQUIRE] = "require"};
	static const char *const verifies[] = {[INBOUND_NONE] = "",
	    [INBOUND_NAME] = " by name",
	    [INBOUND_KEY] = " by key"};
	struct maprecord r, plain;
	enum level level;
	const char *full;
	size_t len;

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
	full_text(d, &r, &full, &len);
	if (r.until != 0 && !client && strength_level(full, len, &level))
		buf_printf(out, " (full: %s)", level_name(level));
	maprecord_of_policy(&plain, client ? "may" : full, client ? 3 : len);
	/* Where nothing is asked, it does not matter by what. */
	if (r.inbound == INBOUND_OFF)
		r.verify = INBOUND_NONE;
	if (client || r.inbound != plain.inbound || r.verify != INBOUND_NONE)
		buf_printf(out, "%sinbound %s%s", client ? "" : ", ",
		    rules[r.inbound], verifies[r.verify]);
	if (r.requiretls != REQUIRETLS_MAIN_CF)
		buf_printf(
		    out, ", requiretls %s", maprecord_requiretls[r.requiretls]);
	maprecord_release(&r);
}
