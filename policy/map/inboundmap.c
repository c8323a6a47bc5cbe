#include "inboundmap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "arena.h"
#include "buf.h"
#include "cdbmap.h"
#include "dname.h"
#include "err.h"
#include "maprecord.h"
#include "maptable.h"
#include "mem.h"
#include "owned.h"
#include "publish.h"
#include "quote.h"
#include "attributes.h"

#define HEADER " header"
#define SPARE ".full" /* behind the name of the table */
#define LOCK_WAIT_MS 10000

struct making {
	struct maptable *t;
	time_t now;
	struct cdbmap_writer *w;
	struct err *e;
	struct buf key, value;
	bool suffixes; /* some rules are for all below a domain */
	bool alone;    /* some rules have a record, but no row */
	bool gateways; /* some gateways have records */
	/* Names of gateways that were written. */
	const char **name;
	size_t n, cap;
	struct strmap names;
	struct arena arena;
};

/* What is asked of mail that comes in, and by which row or record. */
struct rule {
	bool refused; /* what comes in clear text */
	enum inbound_verify verify;
	const char *domain; /* without the dot of a suffix */
};

/* Which file it is: a rename changes none of this. */
static bool
identify(const char *map, struct buf *out)
{
	struct stat st;

	if (stat(map, &st) == -1)
		return false;
	buf_printf(out, "format=1 map=%ju:%jd:%jd.%09ld", (uintmax_t)st.st_ino,
	    (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
	    st.st_mtim.tv_nsec);
	return true;
}

static int
read_rule(struct making *m, const struct maprow *r, struct rule *rule)
{
	const struct maprow *record = maprow_is_record(r) ? r : NULL;
	struct maprecord rec;

	rule->domain = r->key + (record == NULL ? 0 : MAPRECORD_PREFIX);
	rule->domain += *rule->domain == '.';
	if (r->record != MAPTABLE_NONE)
		record = &m->t->row[r->record];
	if (record == NULL)
		maprecord_of_policy(&rec, r->text, r->tlen);
	else if (!maprecord_parse(&rec, record->text, record->tlen))
		return err_set(m->e, EX_DATAERR, "the map is damaged");
	rule->refused = rec.inbound == INBOUND_REQUIRE && m->now >= rec.until;
	rule->verify = rec.verify;
	maprecord_release(&rec);
	return 0;
}

/*
 * What Postfix is to do. It cannot compare certificates with the partner:
 * where one is asked for, mail waits until tlspactd is back.
 */
static void
set_action(struct making *m, const struct rule *rule)
{
	buf_clear(&m->value);
	if (!rule->refused)
		buf_puts(&m->value, "DUNNO");
	else if (rule->verify == INBOUND_NONE)
		buf_puts(&m->value, "reject_plaintext_session");
	else
		buf_printf(&m->value,
		    "450 4.3.0 Mail from %s is accepted with your client "
		    "certificate only, as agreed: we cannot check it at "
		    "present; this is our mistake. Try again later",
		    rule->domain);
}

static int
put(struct making *m, const char *prefix, const char *key, size_t klen)
{
	buf_clear(&m->key);
	buf_puts(&m->key, prefix);
	buf_add(&m->key, key, klen);
	return cdbmap_add(
	    m->w, m->key.data, m->key.len, m->value.data, m->value.len, m->e);
}

static const struct maprow *
find(struct making *m, const char *kind, const char *key, size_t klen)
{
	uint32_t i;

	if (*kind != '\0') {
		buf_clear(&m->key);
		buf_puts(&m->key, kind);
		buf_add(&m->key, key, klen);
		key = m->key.data;
		klen = m->key.len;
	}
	i = maptable_find(m->t, key, klen);
	return i == MAPTABLE_NONE ? NULL : &m->t->row[i];
}

/* The row of that key, or the record alone of an opportunistic partner. */
static const struct maprow *
find_row(struct making *m, const char *key, size_t klen)
{
	const struct maprow *r = find(m, "", key, klen);

	return r != NULL || !m->alone ? r
				      : find(m, MAPRECORD_DOMAIN, key, klen);
}

/* The next suffix up, ".b.c" of "a.b.c" and ".c" of that; NULL at the end. */
static const char *
above(const char *name, const char *end)
{
	const char *dot = end - name < 2
			      ? NULL
			      : memchr(name + 1, '.', (size_t)(end - name) - 1);

	return dot == NULL || dot + 1 == end ? NULL : dot;
}

/* The nearest row for all below a domain that name is below of. */
static const struct maprow *
find_above(struct making *m, const char *name, size_t len)
{
	const char *end = name + len;
	const struct maprow *r = NULL;

	if (!m->suffixes)
		return NULL;
	while (r == NULL && (name = above(name, end)) != NULL)
		r = find_row(m, name, (size_t)(end - name));
	return r;
}

/* The row by which tlspactd judges a sender of that domain. */
static const struct maprow *
find_sender(struct making *m, const char *domain, size_t len)
{
	char buf[DNAME_NEXTHOP_MAX + 1];
	const struct maprow *r;
	struct dname plain;

	if (dname_nexthop(domain, buf, &plain) == NULL) {
		domain = plain.s;
		len = plain.len;
	}
	r = find_row(m, domain, len);
	return r != NULL ? r : find_above(m, domain, len);
}

/* The same for a client of that name. */
static const struct maprow *
find_client(struct making *m, const char *name, size_t len)
{
	const char *s, *end = name + len;
	const struct maprow *r = NULL;

	for (s = name; m->gateways && s != NULL; s = above(s, end))
		if ((r = find(m, MAPRECORD_GATEWAY, s, (size_t)(end - s))) !=
		    NULL)
			return r;
	r = find_row(m, name, len);
	for (s = name; r == NULL && (s = above(s, end)) != NULL;) {
		if (m->suffixes)
			r = find_row(m, s, (size_t)(end - s));
		if (r == NULL)
			r = find_row(m, s + 1, (size_t)(end - s) - 1);
	}
	return r;
}

/* "=domain", unless nothing is asked and nothing else can be found. */
static int
put_exact(struct making *m, const char *domain, size_t len)
{
	struct rule rule = {0};
	const struct maprow *r = find_sender(m, domain, len);

	if (r != NULL && read_rule(m, r, &rule) == -1)
		return -1;
	if (!rule.refused &&
	    (!m->suffixes || (find(m, ".", domain, len) == NULL &&
				 find_above(m, domain, len) == NULL)))
		return 0;
	set_action(m, &rule);
	return put(m, "=", domain, len);
}

/* A row ".domain": for all below the domain, and not for itself. */
static int
put_below(
    struct making *m, const struct maprow *r, const char *suffix, size_t len)
{
	struct rule rule;

	if (read_rule(m, r, &rule) == -1)
		return -1;
	set_action(m, &rule);
	if (put(m, "", suffix + 1, len - 1) == -1 ||
	    put(m, "", suffix, len) == -1)
		return -1;
	return find_row(m, suffix + 1, len - 1) != NULL
		   ? 0
		   : put_exact(m, suffix + 1, len - 1);
}

static const char *
name_of(const void *array, uint32_t i)
{
	return ((const char *const *)array)[i];
}

/* "g=name" for a gateway whose bounces are judged. */
static int
put_gateway(struct making *m, const char *name, size_t len)
{
	const struct maprow *r;
	struct rule rule;

	if (len == 0 || *name == '.' ||
	    strmap_find(&m->names, m->name, name, len) != STRMAP_NONE)
		return 0;
	m->name = mem_grow(m->name, m->n, &m->cap, sizeof(*m->name));
	m->name[m->n] = arena_copy(&m->arena, name, len);
	(void)strmap_add(&m->names, m->name, name, len, (uint32_t)m->n);
	m->n++;
	if ((r = find_client(m, name, len)) == NULL)
		return 0;
	if (read_rule(m, r, &rule) == -1)
		return -1;
	if (!rule.refused)
		return 0;
	set_action(m, &rule);
	return put(m, "g=", name, len);
}

/* The gateways of `secure match=a:.b:nexthop ...`. */
static int
put_gateways(struct making *m, const char *text, size_t len)
{
	const char *p = memmem(text, len, " match=", 7), *end, *colon;
	char name[DNAME_MAX + 1];
	size_t n;

	if (p == NULL || len < 7 || memcmp(text, "secure ", 7) != 0)
		return 0;
	p += 7;
	end = memchr(p, ' ', len - (size_t)(p - text));
	if (end == NULL)
		end = text + len;
	for (; p < end; p = colon + 1) {
		colon = memchr(p, ':', (size_t)(end - p));
		if (colon == NULL)
			colon = end;
		n = (size_t)(colon - p);
		if (n > DNAME_MAX)
			continue;
		memcpy(name, p, n);
		name[n] = '\0';
		if (!attribute_is_token(name) && put_gateway(m, name, n) == -1)
			return -1;
	}
	return 0;
}

static int
put_row(struct making *m, const struct maprow *r)
{
	const char *key = r->key;
	size_t klen = r->klen;

	if (maprecord_is(key, klen, MAPRECORD_GATEWAY))
		return put_gateway(
		    m, key + MAPRECORD_PREFIX, klen - MAPRECORD_PREFIX);
	if (maprecord_is(key, klen, MAPRECORD_DOMAIN)) {
		key += MAPRECORD_PREFIX;
		klen -= MAPRECORD_PREFIX;
		if (!m->alone || find(m, "", key, klen) != NULL)
			return 0;
	}
	if (klen == 0 || *key == ' ' || *key == '[')
		return 0;
	if ((*key == '.' ? put_below(m, r, key, klen)
			 : put_exact(m, key, klen)) == -1)
		return -1;
	return maprow_is_record(r) ? 0 : put_gateways(m, r->text, r->tlen);
}

/* What need not be looked for. */
static void
look_over(struct making *m)
{
	const struct maprow *r;
	size_t i, records = 0;
	bool domain;

	for (i = 0; i < m->t->n; i++) {
		r = &m->t->row[i];
		domain = maprecord_is(r->key, r->klen, MAPRECORD_DOMAIN);
		records += domain;
		records -= r->record != MAPTABLE_NONE;
		m->suffixes =
		    m->suffixes || r->key[domain ? MAPRECORD_PREFIX : 0] == '.';
		m->gateways = m->gateways ||
			      maprecord_is(r->key, r->klen, MAPRECORD_GATEWAY);
	}
	m->alone = records > 0;
}

static int
put_all(struct making *m, const struct buf *header)
{
	size_t i;

	if (cdbmap_add(m->w, HEADER, sizeof(HEADER) - 1, header->data,
		header->len, m->e) == -1)
		return -1;
	look_over(m);
	for (i = 0; i < m->t->n; i++)
		if (put_row(m, &m->t->row[i]) == -1)
			return -1;
	if (m->n == 0)
		return 0;
	buf_clear(&m->value);
	buf_puts(&m->value, INBOUNDMAP_BOUNCE);
	return put(m, "<>", "", 0);
}

/* suffix: of the name of the table, "" for the table itself */
static int
make(struct making *m, const char *path, const char *suffix,
    const struct buf *header)
{
	struct publish *p = publish_lock(path, LOCK_WAIT_MS, m->e);
	int fd, rv = -1;

	if (p == NULL)
		return -1;
	if ((fd = publish_open(p, m->e)) == -1)
		goto out;
	m->w = cdbmap_create(fd);
	if (put_all(m, header) == -1)
		cdbmap_abandon(m->w);
	else if (cdbmap_finish(m->w, m->e) == 0)
		rv = *suffix == '\0' ? publish_commit(p, m->e)
				     : publish_commit_beside(p, suffix, m->e);
out:
	publish_free(p);
	return rv;
}

static int
make_from(const char *path, const char *suffix, const char *map,
    struct maptable *t, time_t now, struct err *e)
{
	struct making m = {.t = t, .now = now, .e = e};
	struct buf header = {0};
	int rv = -1;

	strmap_init(&m.names, name_of);
	if (!identify(map, &header))
		err_sys(e, err_code_input(errno), "cannot look at %s",
		    quotes(map).s);
	else
		rv = make(&m, path, suffix, &header);
	buf_free(&header);
	buf_free(&m.key);
	buf_free(&m.value);
	strmap_free(&m.names);
	free(m.name);
	arena_free(&m.arena);
	return rv;
}

int
inboundmap_publish(const char *path, const char *map, struct maptable *t,
    time_t now, struct err *e)
{
	struct maptable read = {0};
	struct cdbmap *m;
	int rv;

	if (t != NULL)
		return make_from(path, "", map, t, now, e);
	if ((m = cdbmap_open(map, e)) == NULL)
		return -1;
	rv = maptable_read(&read, m, e);
	if (rv == 0)
		rv = make_from(path, "", map, &read, now, e);
	maptable_release(&read);
	cdbmap_close(m);
	return rv;
}

int
inboundmap_spare(const char *path, const char *map, struct maptable *t,
    time_t now, struct err *e)
{
	return make_from(path, SPARE, map, t, now, e);
}

bool
inboundmap_current(const char *path, const char *map)
{
	struct buf header = {0};
	struct cdbmap *table;
	const char *value;
	bool same = false;
	struct err e;
	size_t len;

	if (!identify(map, &header))
		return true; /* there is none to follow */
	if ((table = cdbmap_open(path, &e)) != NULL)
		same = cdbmap_get(table, HEADER, sizeof(HEADER) - 1, &value,
			   &len) == CDBMAP_FOUND &&
		       len == header.len &&
		       memcmp(value, header.data, len) == 0;
	cdbmap_close(table);
	buf_free(&header);
	return same;
}

/* Rename the spare over the table: this takes no block of the disk. */
static int
take_spare(const char *path, struct err *e)
{
	struct publish *p = publish_lock(path, LOCK_WAIT_MS, e);
	int rv = p == NULL ? -1 : publish_take_beside(p, SPARE, e);

	publish_free(p);
	return rv;
}

void
inboundmap_drop_spare(const char *path)
{
	char *spare = mem_printf("%s" SPARE, path);
	struct owned at;
	struct err e;

	if (owned_find(&at, spare, false, &e) == 0) {
		if (owned_enter(&at, &e) == 0)
			(void)unlinkat(at.dir, at.name, 0);
		owned_leave(&at);
		owned_release(&at);
	}
	free(spare);
}

int
inboundmap_follow(const char *path, const char *map, time_t now, struct err *e)
{
	char *spare;
	bool fits;

	if (inboundmap_current(path, map))
		return 0;
	spare = mem_printf("%s" SPARE, path);
	fits = inboundmap_current(spare, map);
	free(spare);
	return fits ? take_spare(path, e)
		    : inboundmap_publish(path, map, NULL, now, e);
}
