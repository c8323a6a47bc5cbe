#include "sidemap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "arena.h"
#include "attributes.h"
#include "buf.h"
#include "cdbmap.h"
#include "err.h"
#include "lookup.h"
#include "maptable.h"
#include "mem.h"
#include "publish.h"
#include "quote.h"
#include "settings.h"
#include "strmap.h"

#define HEADER " header"
#define SPARE ".full" /* behind the name of the table */
#define LOCK_WAIT_MS 10000
#define AHEAD 16  /* rows whose gateways are prefetched */
#define BELOW "_" /* a label that no domain of a registry has */

struct making {
	struct lookup lookup; /* as tlspactd asks */
	time_t now;
	struct cdbmap_writer *w;
	struct err *e;
	struct buf key, value;
	bool gateways; /* some were looked at */
	/* Names of those outside the domain that names them. */
	const char **name;
	size_t n, cap;
	struct strmap names;
	struct arena arena;
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

/* NULL: there is no rule. */
static bool
is_refused(const struct lookup_rule *r)
{
	return r != NULL && r->record.inbound == INBOUND_REQUIRE &&
	       lookup_needs_tls(r);
}

/*
 * What Postfix is to do. It cannot compare certificates with the partner:
 * where one is asked for, mail waits until tlspactd is back.
 */
static void
set_action(struct making *m, const struct lookup_rule *r)
{
	buf_clear(&m->value);
	if (!is_refused(r))
		buf_puts(&m->value, "DUNNO");
	else if (!lookup_needs_certificate(r))
		buf_puts(&m->value, "reject_plaintext_session");
	else
		buf_printf(&m->value,
		    "450 4.3.0 Mail from %s is accepted with your client "
		    "certificate only, as agreed: we cannot check it at "
		    "present; this is our mistake. Try again later",
		    r->key);
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

static int
broken(struct making *m)
{
	return err_set(m->e, EX_DATAERR, "the map is damaged");
}

/* The rule for a domain, or for those below it; 0: none, 1: in *r. */
static int
rule_of(struct making *m, const char *below, const char *domain, size_t len,
    struct lookup_rule *r)
{
	buf_clear(&m->key);
	buf_puts(&m->key, below);
	buf_add(&m->key, domain, len);
	switch (lookup_domain(&m->lookup, m->key.data, m->key.len, m->now, r)) {
	case LOOKUP_FOUND:
		return 1;
	case LOOKUP_NOTFOUND:
		return 0;
	default:
		return broken(m);
	}
}

/*
 * "=domain", whose rule is r (NULL: it has none), unless nothing is asked and
 * nothing else can be found.
 */
static int
put_exact(struct making *m, const char *domain, size_t len,
    const struct lookup_rule *r)
{
	struct lookup_rule below;
	int rc;

	if (!is_refused(r)) {
		rc = rule_of(m, BELOW ".", domain, len, &below);
		if (rc != 1)
			return rc;
		lookup_release(&below);
	}
	set_action(m, r);
	return put(m, "=", domain, len);
}

static bool
has_row(struct making *m, const char *kind, const char *key, size_t klen)
{
	const char *value;
	size_t vlen;

	buf_clear(&m->key);
	buf_puts(&m->key, kind);
	buf_add(&m->key, key, klen);
	return maptable_get(
	    m->lookup.table, m->key.data, m->key.len, &value, &vlen);
}

/* A row, or the record alone of an opportunistic partner. */
static bool
is_row(struct making *m, const char *key, size_t klen)
{
	return has_row(m, "", key, klen) ||
	       (m->lookup.table->domains > 0 &&
		   has_row(m, MAPRECORD_DOMAIN, key, klen));
}

static const char *
name_of(const void *array, uint32_t i)
{
	return ((const char *const *)array)[i];
}

/* Is the name met for the first time? */
static bool
is_first(struct making *m, const char *name, size_t len)
{
	if (strmap_add(&m->names, m->name, name, len, (uint32_t)m->n) !=
	    STRMAP_NONE)
		return false;
	m->name = mem_grow(m->name, m->n, &m->cap, sizeof(*m->name));
	m->name[m->n++] = arena_copy(&m->arena, name, len);
	return true;
}

/* "g=name" for a gateway whose bounces are judged. */
static int
put_client(
    struct making *m, const char *name, size_t len, const struct lookup_rule *r)
{
	if (!is_refused(r))
		return 0;
	set_action(m, r);
	return put(m, "g=", name, len);
}

static int
put_gateway(struct making *m, const char *name, size_t len)
{
	struct lookup_rule r;
	int rv;

	m->gateways = true;
	switch (lookup_client(&m->lookup, name, len, m->now, &r)) {
	case LOOKUP_BROKEN:
		return broken(m);
	case LOOKUP_NOTFOUND:
		return 0;
	default:
		rv = put_client(m, name, len, &r);
		lookup_release(&r);
		return rv;
	}
}

/* The next gateway of `secure match=a:.b:nexthop ...`; false at the end. */
static bool
next_gateway(struct mapmatch *left, char name[DNAME_MAX + 1], size_t *len)
{
	const char *s;

	while (mapmatch_next(left, ':', &s, len)) {
		if (*len > DNAME_MAX)
			continue;
		memcpy(name, s, *len);
		name[*len] = '\0';
		if (!attribute_is_token(name))
			return true;
	}
	return false;
}

static struct mapmatch
gateways_of(const struct maprow *r)
{
	if (r->tlen < 7 || memcmp(r->text, "secure ", 7) != 0)
		return (struct mapmatch){0};
	return mapmatch_of(r->text, r->tlen);
}

/* Does the gateway lie in the domain of the row that names it? */
static bool
is_own(const struct maprow *r, const char *name, size_t len)
{
	return len > r->klen && name[len - r->klen - 1] == '.' &&
	       memcmp(name + len - r->klen, r->key, r->klen) == 0;
}

/* The same, and is there no other rule that lookup_client() comes to first? */
static bool
has_rule_of(
    struct making *m, const struct maprow *r, const char *name, size_t len)
{
	const struct maptable *t = m->lookup.table;

	return t->gateways == 0 && t->suffixes == 0 &&
	       memchr(name, '.', len) == name + len - r->klen - 1 &&
	       !is_row(m, name, len);
}

/* The gateways of a row, whose own rule is `rule`, or NULL. */
static int
put_gateways(
    struct making *m, const struct maprow *r, const struct lookup_rule *rule)
{
	struct mapmatch g = gateways_of(r);
	char name[DNAME_MAX + 1];
	size_t len;
	int rv = 0;

	while (rv == 0 && next_gateway(&g, name, &len)) {
		if (*name == '.')
			continue;
		/* It is hardly named elsewhere; a second row does no harm. */
		if (!is_own(r, name, len)) {
			if (is_first(m, name, len))
				rv = put_gateway(m, name, len);
		} else if (rule != NULL && has_rule_of(m, r, name, len)) {
			m->gateways = true;
			rv = put_client(m, name, len, rule);
		} else {
			rv = put_gateway(m, name, len);
		}
	}
	return rv;
}

/* The gateways of this row will be looked for soon. */
static void
prefetch(struct making *m, const struct maprow *r)
{
	struct mapmatch g = gateways_of(r);
	char name[DNAME_MAX + 1];
	size_t len;

	while (next_gateway(&g, name, &len))
		maptable_prefetch(m->lookup.table, name, len);
}

/* A row of that domain, or, where r is NULL, its record alone. */
static int
put_domain(
    struct making *m, const char *domain, size_t len, const struct maprow *r)
{
	struct lookup_rule rule;
	const int rc = rule_of(m, "", domain, len, &rule);
	const struct lookup_rule *own = rc == 1 ? &rule : NULL;
	int rv = rc == -1 ? -1 : put_exact(m, domain, len, own);

	if (rv == 0 && r != NULL)
		rv = put_gateways(m, r, own);
	if (own != NULL)
		lookup_release(&rule);
	return rv;
}

/* A row ".domain": for all below the domain, and not for itself. */
static int
put_below(struct making *m, const char *suffix, size_t len)
{
	struct lookup_rule r;
	int rc;

	if ((rc = rule_of(m, BELOW, suffix, len, &r)) != 1)
		return rc;
	set_action(m, &r);
	lookup_release(&r);
	if (put(m, "", suffix + 1, len - 1) == -1 ||
	    put(m, "", suffix, len) == -1)
		return -1;
	return is_row(m, suffix + 1, len - 1)
		   ? 0
		   : put_domain(m, suffix + 1, len - 1, NULL);
}

static int
put_row(struct making *m, const struct maprow *r)
{
	const bool alone = maprecord_is(r->key, r->klen, MAPRECORD_DOMAIN);
	const size_t skip = maprow_is_record(r) ? MAPRECORD_PREFIX : 0;
	const char *key = r->key + skip;
	const size_t klen = r->klen - skip;

	if (maprecord_is(r->key, r->klen, MAPRECORD_GATEWAY))
		return *key != '.' && is_first(m, key, klen)
			   ? put_gateway(m, key, klen)
			   : 0;
	if (maprow_is_record(r) && (!alone || has_row(m, "", key, klen)))
		return 0;
	if (klen == 0 || dname_is_nexthop_n(key, klen))
		return 0;
	if (*key != '.')
		return put_domain(m, key, klen, alone ? NULL : r);
	if (put_below(m, key, klen) == -1)
		return -1;
	return alone ? 0 : put_gateways(m, r, NULL);
}

static int
put_inbound(struct making *m)
{
	struct maptable *t = m->lookup.table;
	uint32_t i;

	for (i = 0; i < t->n; i++) {
		t->near = i;
		if (i + AHEAD < t->n)
			prefetch(m, &t->row[i + AHEAD]);
		if (put_row(m, &t->row[i]) == -1)
			return -1;
	}
	if (!m->gateways)
		return 0;
	buf_clear(&m->value);
	buf_puts(&m->value, SIDEMAP_BOUNCE);
	return put(m, "<>", "", 0);
}

/* What the record at r has for REQUIRETLS. */
static enum requiretls
word_of(const struct maprow *r)
{
	enum requiretls word = REQUIRETLS_MAIN_CF;
	struct maprecord rec;

	if (maprecord_is(r->key, r->klen, MAPRECORD_DOMAIN) &&
	    memmem(r->text, r->tlen, "requiretls=", 11) != NULL &&
	    maprecord_parse(&rec, r->text, r->tlen)) {
		word = rec.requiretls;
		maprecord_release(&rec);
	}
	return word;
}

/* The next-hop of a row as smtp_requiretls_policy has it; false: never. */
static bool
bare_nexthop(const struct maprow *r, const char **name, size_t *len)
{
	const char *end;
	size_t i;

	*name = r->key + MAPRECORD_PREFIX;
	*len = r->klen - MAPRECORD_PREFIX;
	if (**name == '[') {
		end = memchr(++*name, ']', *len - 1);
		*len = end == NULL ? 0 : (size_t)(end - *name);
	} else if ((end = memchr(*name, ':', *len)) != NULL) {
		*len = (size_t)(end - *name);
	}
	for (i = 0; i < *len; i++)
		if ((unsigned char)(*name)[i] >= 0x80)
			return false;
	return *len > 0;
}

/* Strictest first: of two rows with one key cdb finds the first. */
static int
put_requiretls(struct making *m)
{
	const struct maptable *t = m->lookup.table;
	const char *name;
	unsigned word;
	size_t len;
	uint32_t i;

	for (word = REQUIRETLS_ENFORCE; word > REQUIRETLS_MAIN_CF; word--) {
		buf_clear(&m->value);
		buf_puts(&m->value, maprecord_requiretls[word]);
		for (i = 0; i < t->n; i++)
			if (word_of(&t->row[i]) == word &&
			    bare_nexthop(&t->row[i], &name, &len) &&
			    put(m, "", name, len) == -1)
				return -1;
	}
	return 0;
}

static int
make(const char *path, bool spare, const char *map,
    int (*rows)(struct making *), struct maptable *t, time_t now, struct err *e)
{
	struct making m = {
	    .lookup = {.table = t, .lowered = true}, .now = now, .e = e};
	struct publish *p = NULL;
	struct buf header = {0};
	int fd, rv = -1;

	strmap_init(&m.names, name_of);
	if (!identify(map, &header)) {
		err_sys(e, err_code_input(errno), "cannot look at %s",
		    quotes(map).s);
	} else if ((p = publish_lock(path, LOCK_WAIT_MS, e)) != NULL &&
		   (fd = publish_open(p, e)) != -1) {
		m.w = cdbmap_create(fd);
		if (cdbmap_add(m.w, HEADER, sizeof(HEADER) - 1, header.data,
			header.len, e) == -1 ||
		    rows(&m) == -1)
			cdbmap_abandon(m.w);
		else if (cdbmap_finish(m.w, e) == 0)
			rv = spare ? publish_commit_beside(
					 p, SPARE, PUBLISH_MODE, e)
				   : publish_commit(p, e);
	}
	publish_free(p);
	buf_free(&header);
	buf_free(&m.key);
	buf_free(&m.value);
	strmap_free(&m.names);
	free(m.name);
	arena_free(&m.arena);
	return rv;
}

/* Has somebody a word on it? `header` is the map's. */
static bool
has_words(const char *header, size_t len)
{
	struct mapheader h;

	return header != NULL && mapheader_parse(&h, header, len) &&
	       h.requiretls > 0;
}

int
sidemap_publish(const struct settings *set, bool spare, const char *map,
    struct maptable *t, time_t now, struct err *e)
{
	if (make(set->inbound_map, spare, map, put_inbound, t, now, e) == -1)
		return -1;
	if (spare || (!has_words(t->header, t->headerlen) &&
			 access(set->requiretls_map, F_OK) == -1))
		return 0;
	return make(set->requiretls_map, false, map, put_requiretls, t, now, e);
}

bool
sidemap_current(const char *path, const char *map)
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
sidemap_drop_spare(const struct settings *set)
{
	struct err e;
	struct publish *p = publish_lock(set->inbound_map, LOCK_WAIT_MS, &e);

	if (p != NULL)
		publish_remove_beside(p, SPARE);
	publish_free(p);
}

static int
make_from(const struct settings *set, const char *path,
    int (*rows)(struct making *), time_t now, struct err *e)
{
	struct maptable t = {0};
	struct cdbmap *m = cdbmap_open(set->map, e);
	int rv = m == NULL ? -1 : maptable_read(&t, m, e);

	if (rv == 0)
		rv = make(path, false, set->map, rows, &t, now, e);
	maptable_release(&t);
	cdbmap_close(m);
	return rv;
}

static int
follow_inbound(const struct settings *set, time_t now, struct err *e)
{
	const char *path = set->inbound_map;
	char *spare;
	bool fits;

	if (sidemap_current(path, set->map))
		return 0;
	spare = mem_printf("%s" SPARE, path);
	fits = sidemap_current(spare, set->map);
	free(spare);
	return fits ? take_spare(path, e)
		    : make_from(set, path, put_inbound, now, e);
}

static int
follow_requiretls(const struct settings *set, time_t now, struct err *e)
{
	const char *path = set->requiretls_map;
	struct mapheader h = {0};
	struct err ignored;
	struct cdbmap *m;

	if (access(path, F_OK) == -1 &&
	    (m = cdbmap_open(set->map, &ignored)) != NULL) {
		(void)mapheader_get(&h, m);
		cdbmap_close(m);
		if (h.requiretls == 0)
			return 0;
	}
	if (sidemap_current(path, set->map))
		return 0;
	return make_from(set, path, put_requiretls, now, e);
}

int
sidemap_follow(const struct settings *set, time_t now, struct err *e)
{
	if (follow_inbound(set, now, e) == -1)
		return -1;
	return follow_requiretls(set, now, e);
}
