#include "mapchange.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cdbmap.h"
#include "maprecord.h"
#include "mem.h"

#define PREFIX (sizeof(MAPRECORD_DOMAIN) - 1) /* of both kinds of record */

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
	if (a == CHANGE_NONE || a == b)
		return b;
	if (b == CHANGE_NONE)
		return a;
	if (a == CHANGE_WEAKER || b == CHANGE_WEAKER)
		return CHANGE_WEAKER;
	return CHANGE_OTHER;
}

static enum change
order(int was, int is)
{
	return is < was	  ? CHANGE_WEAKER
	       : is > was ? CHANGE_STRONGER
			  : CHANGE_NONE;
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
	enum change c = order((int)was->inbound, (int)is->inbound);

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
judge(const struct mapchanges *all, struct mapchange *c)
{
	struct maprecord was, is;
	const char *a, *b;
	size_t alen, blen;
	enum change full = CHANGE_NONE, rule, now = CHANGE_NONE;
	bool was_ok = parse(&was, &c->was), is_ok = parse(&is, &c->is);

	c->cause = other_cause(all);
	c->change = CHANGE_OTHER;
	if (!was_ok || !is_ok)
		goto out;
	if (!c->client) {
		full_text(&c->was, &was, &a, &alen);
		full_text(&c->is, &is, &b, &blen);
		full = strength_compare(a, alen, b, blen);
		now = strength_compare(
		    c->was.row, c->was.rowlen, c->is.row, c->is.rowlen);
	} else if ((was.until == 0) != (is.until == 0)) {
		now = is.until != 0 ? CHANGE_WEAKER : CHANGE_STRONGER;
	}
	rule = compare_inbound(&was, &is);
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

static void
note(struct mapchanges *all, const struct mapchange *c)
{
	all->count[c->change]++;
	all->cause[c->cause]++;
	all->losses += c->loses;
	all->v = mem_grow(all->v, all->n, &all->cap, sizeof(*all->v));
	all->v[all->n++] = *c;
}

static bool
get(struct mapchanges *all, struct cdbmap *m, const char *key, size_t len,
    const char **value, size_t *vlen)
{
	enum cdbmap_answer a = cdbmap_get(m, key, len, value, vlen);

	all->damaged = all->damaged || a == CDBMAP_BROKEN;
	if (a == CDBMAP_FOUND)
		return true;
	*value = NULL;
	*vlen = 0;
	return false;
}

static bool
get_record(struct mapchanges *all, struct cdbmap *m, const char *key,
    size_t len, struct mapdemand *out)
{
	char full[PREFIX + 1024];

	if (len > sizeof(full) - PREFIX)
		return false;
	memcpy(full, MAPRECORD_DOMAIN, PREFIX);
	memcpy(full + PREFIX, key, len);
	return get(all, m, full, PREFIX + len, &out->record, &out->recordlen);
}

/* Both maps know it. */
static void
note_changed(struct mapchanges *all, struct mapchange *c)
{
	if (same_bytes(c->was.row, c->was.rowlen, c->is.row, c->is.rowlen) &&
	    same_bytes(
		c->was.record, c->was.recordlen, c->is.record, c->is.recordlen))
		return;
	judge(all, c);
	if (c->change != CHANGE_NONE)
		note(all, c);
}

static void
note_added(struct mapchanges *all, struct mapchange *c)
{
	c->change = CHANGE_ADDED;
	c->cause = other_cause(all);
	note(all, c);
}

/* A row of the new map; its value is in c->is. */
static void
compare_row(struct mapchanges *all, struct cdbmap *was, struct cdbmap *is,
    struct mapchange *c)
{
	(void)get_record(all, is, c->key, c->keylen, &c->is);
	if (!get(all, was, c->key, c->keylen, &c->was.row, &c->was.rowlen)) {
		note_added(all, c);
		return;
	}
	(void)get_record(all, was, c->key, c->keylen, &c->was);
	note_changed(all, c);
}

static void
compare_client(struct mapchanges *all, struct cdbmap *was, struct mapchange *c)
{
	/* The prefix stands before it. */
	if (get(all, was, c->key - PREFIX, c->keylen + PREFIX, &c->was.record,
		&c->was.recordlen))
		note_changed(all, c);
	else
		note_added(all, c);
}

static bool
begins(const char *key, size_t len, const char *prefix)
{
	return len > PREFIX && memcmp(key, prefix, PREFIX) == 0;
}

static void
count_level(struct mapchanges *all, const char *row, size_t len)
{
	enum level level;

	all->rows++;
	if (strength_level(row, len, &level))
		all->level[level]++;
}

/* One record of the new map. */
static void
take_new(struct mapchanges *all, struct cdbmap *was, struct cdbmap *is,
    const char *key, size_t klen, const char *value, size_t vlen)
{
	struct mapchange c = {.key = key, .keylen = klen};

	if (begins(key, klen, MAPRECORD_GATEWAY)) {
		c.client = true;
		c.key += PREFIX;
		c.keylen -= PREFIX;
		c.is.record = value;
		c.is.recordlen = vlen;
		if (was != NULL)
			compare_client(all, was, &c);
	} else if (klen > 0 && key[0] != ' ') {
		count_level(all, value, vlen);
		c.is.row = value;
		c.is.rowlen = vlen;
		if (was != NULL)
			compare_row(all, was, is, &c);
		else
			all->count[CHANGE_ADDED]++;
	}
}

/* One record of the old map: is it gone? */
static void
take_old(struct mapchanges *all, struct cdbmap *was, struct cdbmap *is,
    const char *key, size_t klen, const char *value, size_t vlen)
{
	struct mapchange c = {.key = key,
	    .keylen = klen,
	    .change = CHANGE_REMOVED,
	    .cause = other_cause(all)};
	enum level level;
	const char *now;
	size_t len;

	c.client = begins(key, klen, MAPRECORD_GATEWAY);
	if ((klen > 0 && key[0] == ' ' && !c.client) ||
	    get(all, is, key, klen, &now, &len))
		return;
	if (c.client) {
		c.key += PREFIX;
		c.keylen -= PREFIX;
		c.was.record = value;
		c.was.recordlen = vlen;
	} else {
		c.was.row = value;
		c.was.rowlen = vlen;
		(void)get_record(all, was, key, klen, &c.was);
		/* What is not understood protects somebody. */
		c.loses = c.was.record != NULL ||
			  !strength_level(value, vlen, &level) ||
			  level > LEVEL_OPPORTUNISTIC;
	}
	note(all, &c);
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

static int
by_rank(const void *x, const void *y)
{
	const struct mapchange *a = x, *b = y;
	size_t n = a->keylen < b->keylen ? a->keylen : b->keylen;
	int rv = rank(a->change) - rank(b->change);

	if (rv == 0)
		rv = memcmp(a->key, b->key, n);
	if (rv == 0)
		rv = (a->keylen > b->keylen) - (a->keylen < b->keylen);
	return rv != 0 ? rv : (int)a->client - (int)b->client;
}

static void
read_header(struct mapchanges *all, struct cdbmap *m, struct mapheader *h)
{
	const char *text;
	size_t len;

	if (!get(all, m, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1, &text,
		&len) ||
	    !mapheader_parse(h, text, len))
		*h = (struct mapheader){0};
}

void
mapchanges(struct mapchanges *out, struct cdbmap *was, struct cdbmap *is)
{
	const char *key, *value;
	size_t klen, vlen;
	enum cdbmap_answer a;
	unsigned pos = 0;

	*out = (struct mapchanges){0};
	if (was != NULL)
		read_header(out, was, &out->was);
	read_header(out, is, &out->is);
	while ((a = cdbmap_next(is, &pos, &key, &klen, &value, &vlen)) ==
	       CDBMAP_FOUND)
		take_new(out, was, is, key, klen, value, vlen);
	out->damaged = out->damaged || a == CDBMAP_BROKEN;
	if (was == NULL)
		return;
	pos = 0;
	while ((a = cdbmap_next(was, &pos, &key, &klen, &value, &vlen)) ==
	       CDBMAP_FOUND)
		take_old(out, was, is, key, klen, value, vlen);
	out->damaged = out->damaged || a == CDBMAP_BROKEN;
	if (out->n > 0)
		qsort(out->v, out->n, sizeof(*out->v), by_rank);
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
	maprecord_release(&r);
}
