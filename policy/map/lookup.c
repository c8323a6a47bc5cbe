#include "lookup.h"

#include <stdlib.h>
#include <string.h>

#include "cdbmap.h"
#include "dname.h"
#include "maptable.h"

static const char row[] = MAPRECORD_DOMAIN;
static const char gateway[] = MAPRECORD_GATEWAY;

#define ROOM (sizeof(MAPRECORD_DOMAIN) - 1) /* before a key, for its record */

/* A folded name with room before it. */
struct folded {
	char bytes[ROOM + LOOKUP_KEY_MAX + 1];
	char *s; /* bytes + ROOM */
	size_t len;
};

/*
 * Lower case, and A-labels if it has others. False if no key can be like
 * that. What is no proper name stays as it is, in lower case: the parents
 * of a_b.acme.example are looked at all the same.
 */
static bool
fold(const char *name, size_t len, struct folded *f)
{
	char buf[DNAME_NEXTHOP_MAX + 1];
	unsigned char any = 0, c;
	struct dname out;
	size_t i;

	f->s = f->bytes + ROOM;
	f->len = len;
	if (len == 0 || len > LOOKUP_KEY_MAX)
		return false;
	for (i = 0; i < len; i++) {
		c = (unsigned char)name[i];
		if (c <= ' ')
			return false;
		any |= c;
		f->s[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	f->s[len] = '\0';
	if (any >= 0x80 && dname_nexthop(f->s, buf, &out) == NULL &&
	    out.s != f->s) {
		f->len = out.len;
		memcpy(f->s, out.s, f->len + 1);
	}
	return true;
}

static enum lookup_answer
get(const struct lookup *l, const char *key, size_t klen, const char **value,
    size_t *vlen)
{
	if (l->table != NULL)
		return maptable_get(l->table, key, klen, value, vlen)
			   ? LOOKUP_FOUND
			   : LOOKUP_NOTFOUND;
	switch (cdbmap_get(l->map, key, klen, value, vlen)) {
	case CDBMAP_FOUND:
		return LOOKUP_FOUND;
	case CDBMAP_NOTFOUND:
		return LOOKUP_NOTFOUND;
	default:
		return LOOKUP_BROKEN;
	}
}

/* Are there records of that kind at all? */
static bool
has_kind(const struct lookup *l, const char *kind)
{
	return l->table == NULL ||
	       (kind == gateway ? l->table->gateways : l->table->domains) > 0;
}

/* Is it worth looking for the row's record? */
static bool
may_have(const struct lookup *l, const char *key, size_t klen)
{
	uint32_t h;

	if (l->filter == NULL)
		return true;
	h = cdbmap_hash(key, klen) % LOOKUP_FILTER;
	return (l->filter[h / 64] >> h % 64 & 1) != 0;
}

/* The record of the row whose key is at key, with ROOM before it. */
static enum lookup_answer
get_record(const struct lookup *l, const char *kind, char *key, size_t klen,
    struct maprecord *r)
{
	char saved[ROOM];
	const char *value;
	size_t vlen;
	enum lookup_answer rc;

	if (!has_kind(l, kind))
		return LOOKUP_NOTFOUND;
	memcpy(saved, key - ROOM, ROOM);
	memcpy(key - ROOM, kind, ROOM);
	rc = kind == gateway || may_have(l, key - ROOM, klen + ROOM)
		 ? get(l, key - ROOM, klen + ROOM, &value, &vlen)
		 : LOOKUP_NOTFOUND;
	memcpy(key - ROOM, saved, ROOM);
	if (rc == LOOKUP_FOUND && !maprecord_parse(r, value, vlen))
		return LOOKUP_BROKEN;
	return rc;
}

enum lookup_answer
lookup_policy(const struct lookup *l, const char *key, size_t klen, time_t now,
    const char **text, size_t *tlen, char **hold)
{
	enum lookup_answer rc;
	struct maprecord r;
	struct folded f;

	*hold = NULL;
	if (!fold(key, klen, &f))
		return LOOKUP_NOTFOUND;
	rc = get(l, f.s, f.len, text, tlen);
	if (rc != LOOKUP_FOUND || !l->lowered)
		return rc;
	rc = get_record(l, row, f.s, f.len, &r);
	if (rc != LOOKUP_FOUND)
		return rc == LOOKUP_NOTFOUND ? LOOKUP_FOUND : rc;
	if (r.until != 0 && now >= r.until) {
		*hold = strdup(r.full);
		if (*hold == NULL)
			abort();
		*text = *hold;
		*tlen = strlen(*hold);
	}
	maprecord_release(&r);
	return LOOKUP_FOUND;
}

static void
name_rule(struct lookup_rule *out, const char *key, size_t klen)
{
	out->suffix = *key == '.';
	key += out->suffix;
	klen -= out->suffix;
	if (klen >= sizeof(out->key))
		klen = sizeof(out->key) - 1;
	memcpy(out->key, key, klen);
	out->key[klen] = '\0';
}

/* Is the downgrade of the record in force? */
static void
settle(struct lookup_rule *out, time_t now)
{
	out->lowered = out->record.until != 0 && now < out->record.until;
	if (out->record.until != 0 && !out->lowered && out->policy_len > 0) {
		out->policy = out->record.full;
		out->policy_len = strlen(out->record.full);
	}
}

/*
 * The rule of the row key (with ROOM before it), if there is one: a row, a
 * record, or both. An opportunistic partner may have but a record.
 */
static enum lookup_answer
row_rule(const struct lookup *l, char *key, size_t klen, time_t now,
    struct lookup_rule *out)
{
	enum lookup_answer rc, rec;

	rc = get(l, key, klen, &out->policy, &out->policy_len);
	if (rc == LOOKUP_BROKEN)
		return rc;
	rec = get_record(l, row, key, klen, &out->record);
	if (rec == LOOKUP_BROKEN || (rc == LOOKUP_NOTFOUND && rc == rec))
		return rec;
	if (rc == LOOKUP_NOTFOUND) {
		out->policy = "";
		out->policy_len = 0;
	}
	if (rec == LOOKUP_NOTFOUND)
		maprecord_of_policy(&out->record, out->policy, out->policy_len);
	name_rule(out, key, klen);
	settle(out, now);
	return LOOKUP_FOUND;
}

static enum lookup_answer
gateway_rule(const struct lookup *l, char *key, size_t klen, time_t now,
    struct lookup_rule *out)
{
	enum lookup_answer rc;

	rc = get_record(l, gateway, key, klen, &out->record);
	if (rc != LOOKUP_FOUND)
		return rc;
	out->policy = "";
	out->policy_len = 0;
	name_rule(out, key, klen);
	settle(out, now);
	return LOOKUP_FOUND;
}

/* A host or domain name: one dot at its end is dropped. */
static bool
fold_domain(const char *name, size_t len, struct folded *f)
{
	if (len > 1 && name[len - 1] == '.')
		len--;
	/* Of a name too long for any DNS its end can still be a partner's. */
	if (len > LOOKUP_KEY_MAX) {
		name += len - LOOKUP_KEY_MAX;
		len = LOOKUP_KEY_MAX;
	}
	return len > 0 && *name != '[' && fold(name, len, f);
}

/* Move to the next part that begins with a dot; false at the end. */
static bool
go_up(struct folded *f)
{
	const char *up = registry_up(f->s);

	if (up == NULL || up[1] == '\0')
		return false;
	f->len -= (size_t)(up - f->s);
	f->s += up - f->s;
	return true;
}

enum lookup_answer
lookup_domain(const struct lookup *l, const char *domain, size_t len,
    time_t now, struct lookup_rule *out)
{
	enum lookup_answer rc;
	struct folded f;

	if (!fold_domain(domain, len, &f))
		return LOOKUP_NOTFOUND;
	do
		rc = row_rule(l, f.s, f.len, now, out);
	while (rc == LOOKUP_NOTFOUND && go_up(&f));
	return rc;
}

enum lookup_answer
lookup_client(const struct lookup *l, const char *name, size_t len, time_t now,
    struct lookup_rule *out)
{
	enum lookup_answer rc;
	struct folded f;
	char *whole;

	if (!fold_domain(name, len, &f))
		return LOOKUP_NOTFOUND;
	whole = f.s;
	len = f.len;
	do
		rc = gateway_rule(l, f.s, f.len, now, out);
	while (rc == LOOKUP_NOTFOUND && go_up(&f));
	if (rc != LOOKUP_NOTFOUND)
		return rc;
	f.s = whole;
	f.len = len;
	rc = row_rule(l, f.s, f.len, now, out);
	while (rc == LOOKUP_NOTFOUND && go_up(&f)) {
		rc = row_rule(l, f.s, f.len, now, out);
		if (rc == LOOKUP_NOTFOUND)
			rc = row_rule(l, f.s + 1, f.len - 1, now, out);
	}
	return rc;
}

void
lookup_release(struct lookup_rule *r)
{
	maprecord_release(&r->record);
}
