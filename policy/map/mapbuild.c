#include "mapbuild.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "cdbmap.h"
#include "clock.h"
#include "err.h"
#include "inorder.h"
#include "ledger.h"
#include "mapheader.h"
#include "maprecord.h"
#include "mem.h"
#include "num.h"
#include "publish.h"
#include "registry.h"
#include "say.h"
#include "settings.h"
#include "thread.h"

#define CLOCK_SLACK 60	   /* seconds ahead that are not worth a word */
#define LOCK_WAIT_MS 10000 /* patience with another one that compiles */

/* " (412 domains, compiled 09:14)", or nothing if it cannot be told. */
static void
describe_live(const struct mapbuild *b, struct buf *out)
{
	struct mapheader h;
	struct cdbmap *live;
	struct err e;
	const char *text;
	size_t len;
	char when[CLOCK_MAX];

	if ((live = cdbmap_open(b->set->map, &e)) == NULL)
		return;
	if (cdbmap_get(live, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1, &text,
		&len) == CDBMAP_FOUND &&
	    mapheader_parse(&h, text, len))
		buf_printf(out, " (%zu domain%s, compiled %s)", h.domains,
		    h.domains == 1 ? "" : "s",
		    clock_text(h.time, b->now, when));
	cdbmap_close(live);
}

/* The last line of a run that failed; code for return. */
static int
left_alone(const struct mapbuild *b, const char *why, int code)
{
	struct buf live = {0};

	describe_live(b, &live);
	if (access(b->set->map, F_OK) == 0)
		say("%s; %s left as it was%s", why, b->set->map,
		    live.data == NULL ? "" : live.data);
	else
		say("%s; no map written", why);
	buf_free(&live);
	return code;
}

static void
add_override(struct mapbuild *b, const struct override *o)
{
	b->override = mem_grow(
	    b->override, b->noverrides, &b->override_cap, sizeof(*b->override));
	b->override[b->noverrides++] = *o;
}

/* The pins of `fingerprint match=A|B ...`, in a's memory; NULL if none. */
static const struct strs *
pins_of(const char *text, size_t len, struct arena *a)
{
	const char *p, *end, *bar;
	struct strs *list;
	size_t n = 1;

	p = memmem(text, len, " match=", 7);
	if (p == NULL)
		return NULL;
	p += 7;
	end = memchr(p, ' ', len - (size_t)(p - text));
	if (end == NULL)
		end = text + len;
	for (bar = p; bar < end; bar++)
		n += *bar == '|';
	list = arena_alloc(a, sizeof(*list) + n * sizeof(list->v[0]));
	for (list->n = 0; p < end; p = bar + 1) {
		bar = memchr(p, '|', (size_t)(end - p));
		if (bar == NULL)
			bar = end;
		if (bar > p)
			list->v[list->n++] =
			    arena_copy(a, p, (size_t)(bar - p));
	}
	return list->n == 0 ? NULL : list;
}

/* One record " d:KEY"; false if it tells of no downgrade. */
static bool
live_override(struct cdbmap *live, const char *domain, size_t dlen,
    const char *value, size_t vlen, struct arena *a, struct override *o)
{
	struct maprecord rec;
	const char *row;
	size_t len;
	bool ok = false;

	if (!maprecord_parse(&rec, value, vlen))
		return false;
	*o = (struct override){.level = rec.level, .end = rec.until};
	if (rec.until != 0 && *rec.partner != '\0') {
		o->partner = arena_copy(a, rec.partner, strlen(rec.partner));
		ok = true;
	}
	maprecord_release(&rec);
	if (!ok || o->level != LEVEL_KEY)
		return ok;
	if (cdbmap_get(live, domain, dlen, &row, &len) != CDBMAP_FOUND)
		return false;
	o->key = pins_of(row, len, a);
	return o->key != NULL;
}

size_t
mapbuild_live_overrides(
    struct cdbmap *live, struct arena *a, struct override **v)
{
	const size_t skip = sizeof(MAPRECORD_DOMAIN) - 1;
	const char *key, *value;
	size_t klen, vlen, n = 0, cap = 0, i;
	struct override o;
	unsigned pos = 0;

	*v = NULL;
	while (cdbmap_next(live, &pos, &key, &klen, &value, &vlen) ==
	       CDBMAP_FOUND) {
		if (klen <= skip || memcmp(key, MAPRECORD_DOMAIN, skip) != 0 ||
		    !live_override(
			live, key + skip, klen - skip, value, vlen, a, &o))
			continue;
		for (i = 0; i < n; i++)
			if (strcmp((*v)[i].partner, o.partner) == 0)
				break;
		if (i < n)
			continue;
		*v = mem_grow(*v, n, &cap, sizeof(**v));
		(*v)[n++] = o;
	}
	return n;
}

/* The ledger is of no use: what the live map says, and not a day longer. */
static void
keep_live_overrides(struct mapbuild *b, const struct err *why)
{
	struct override *v = NULL;
	struct cdbmap *live;
	size_t n = 0, i, held = 0;
	struct err e;

	if ((live = cdbmap_open(b->set->map, &e)) != NULL)
		n = mapbuild_live_overrides(live, &b->arena, &v);
	cdbmap_close(live);
	for (i = 0; i < n; i++) {
		held += v[i].end > b->now;
		add_override(b, &v[i]);
	}
	free(v);
	/* No ledger, and nothing that it could have told of. */
	if (why->code == EX_NOINPUT && n == 0)
		return;
	b->ledger_code = why->code;
	say_err(why);
	if (held > 0)
		say("the downgrades of %zu partner%s are kept as the live map "
		    "has them, until their ends; none is added",
		    held, held == 1 ? "" : "s");
	else
		say("no downgrade holds as long as it cannot be read");
}

static void
take_overrides(struct mapbuild *b, const struct overrides *list)
{
	const struct override *o;
	struct override copy;
	struct strs *keys;
	size_t i, k;

	for (i = 0; i < list->n; i++) {
		o = &list->v[i];
		if (b->opt.without != NULL &&
		    strcmp(o->partner, b->opt.without) == 0)
			continue;
		copy = *o;
		copy.partner =
		    arena_copy(&b->arena, o->partner, strlen(o->partner));
		if (o->key != NULL) {
			keys = arena_alloc(&b->arena,
			    sizeof(*keys) + o->key->n * sizeof(keys->v[0]));
			keys->n = o->key->n;
			for (k = 0; k < keys->n; k++)
				keys->v[k] = arena_copy(&b->arena, o->key->v[k],
				    strlen(o->key->v[k]));
			copy.key = keys;
		}
		add_override(b, &copy);
	}
}

/*
 * A time that lies ahead of the clock, from wherever, is nobody's "now"; the
 * ledger itself sees to it that a clock that was set back prolongs nothing.
 */
static void
say_clock(const struct mapbuild *b, struct ledger *l)
{
	time_t newest;
	struct err e;
	char when[NUM_TIME_MAX], now[NUM_TIME_MAX];

	if (ledger_newest(l, &newest, &e) == 0 && newest > b->now + CLOCK_SLACK)
		say("warning: the ledger has an entry of %s, and the clock "
		    "says %s: it was set back, or one is wrong",
		    num_time_text(newest, when), num_time_text(b->now, now));
}

/*
 * What holds now. Ends that have come are written down first, so that a
 * clock set back does not bring a downgrade back to life; without the right
 * to write, the times alone decide.
 */
static void
read_ledger(struct mapbuild *b)
{
	struct ledger_overrides list = {0};
	struct ledger *l = NULL;
	struct err e;
	size_t i;

	if (access(b->set->ledger, F_OK) == -1 && errno == ENOENT) {
		err_set(&e, EX_NOINPUT,
		    "there is no ledger %s, and the live "
		    "map holds downgrades",
		    b->set->ledger);
		keep_live_overrides(b, &e);
		return;
	}
	if (!b->opt.dry &&
	    (l = ledger_open(b->set->ledger, LEDGER_WRITE, &e)) != NULL)
		(void)ledger_downgrade_settle(l, b->now, NULL, NULL, &e);
	if (l == NULL)
		l = ledger_open(b->set->ledger, LEDGER_READ, &e);
	if (l == NULL ||
	    ledger_overrides(l, b->now, b->set->max_downgrade, &list, &e) == -1)
		keep_live_overrides(b, &e);
	else
		take_overrides(b, &list.list);
	for (i = 0; i < list.ndoubts; i++)
		say("%s; it lowers nobody", list.doubt[i].text);
	if (list.list.n > 0)
		say_clock(b, l);
	ledger_overrides_release(&list);
	ledger_close(l);
}

static bool
pins_keys(const struct mapbuild *b)
{
	const struct registry *r = b->registry;
	size_t i;

	for (i = 0; i < b->noverrides; i++)
		if (b->override[i].level == LEVEL_KEY &&
		    b->override[i].end > b->now)
			return true;
	for (i = 0; i < r->npartners; i++)
		if (partner_level(&r->partner[i]) == LEVEL_KEY)
			return true;
	return false;
}

/* Is there a row that might be weaker than main.cf has it for strangers? */
static bool
has_weak_rows(const struct mapbuild *b)
{
	const struct registry *r = b->registry;
	size_t i;

	for (i = 0; i < b->noverrides; i++)
		if (b->override[i].level < LEVEL_KEY &&
		    b->override[i].end > b->now)
			return true;
	for (i = 0; i < r->npartners; i++)
		if (partner_level(&r->partner[i]) < LEVEL_KEY)
			return true;
	return false;
}

static unsigned
needs(const struct mapbuild *b)
{
	return (pins_keys(b) ? SETTINGS_DIGEST : 0u) |
	       (has_weak_rows(b) ? SETTINGS_LEVEL : 0u);
}

/* Read, check and render. 0, or the exit code, everything being said. */
static int
build(struct mapbuild *b)
{
	struct overrides list;
	char why[64];
	struct err e;

	b->registry =
	    registry_load_rules(b->set->registry, b->now, &b->diags, &e);
	if (b->registry == NULL) {
		say_err(&e);
		return left_alone(b, "the registry cannot be read", e.code);
	}
	read_ledger(b);
	if (b->opt.also != NULL)
		add_override(b, b->opt.also);
	if (settings_target(b->set, needs(b), &b->target, &e) == -1) {
		say_err(&e);
		return left_alone(b, "nothing compiled", e.code);
	}
	/* Both kinds of complaint in one go, unless rows cannot be trusted. */
	list = (struct overrides){.v = b->override, .n = b->noverrides};
	if (b->diags.errors == 0)
		compile(b->registry, &list, b->now, &b->target, &b->compiled,
		    &b->diags);
	diag_sort(&b->diags);
	if (!b->opt.quiet || b->diags.errors > 0)
		say_diags(&b->diags, b->opt.verbose);
	if (b->diags.errors == 0)
		return EX_OK;
	(void)snprintf(why, sizeof(why), "%zu error%s", b->diags.errors,
	    b->diags.errors == 1 ? "" : "s");
	return left_alone(b, why, EX_DATAERR);
}

static int
compare(struct mapbuild *b)
{
	struct err e;
	size_t allowed;

	b->live = cdbmap_open(b->set->map, &e);
	if (b->live == NULL && e.code != EX_NOINPUT) {
		/* Postfix cannot read it either: anything is better. */
		say_err(&e);
		if (e.code != EX_DATAERR)
			return e.code;
		say("the live map is of no use and will be replaced");
	}
	mapdiff(&b->diff, b->live, &b->compiled, b->opt.list);
	if (!mapdiff_too_much(&b->diff, b->set->max_weakened, &allowed) ||
	    b->opt.accept_weaker)
		return EX_OK;
	say("%zu of %zu rows of enforced domains %s removed or weakened; "
	    "max_weakened = %s allows %zu%s",
	    b->diff.lost, b->diff.live_enforced,
	    b->opt.dry ? "are" : "would be", b->set->max_weakened, allowed,
	    b->diff.emptied ? ", and a registry without partners none" : "");
	if (b->opt.dry) {
		say("without --accept-weaker this would be refused");
		return b->opt.quiet ? EX_DATAERR : EX_OK;
	}
	say("see tlspact-compile --diff; if it is meant, run "
	    "tlspact-compile --accept-weaker");
	return left_alone(b, "refused", EX_DATAERR);
}

#define BATCH 2048 /* rows that are rendered together */

/* Rows, ready to be written. */
struct batch {
	size_t first, n;
	struct cdbmap_batch records;
};

struct rows {
	struct compiled *c;
	struct cdbmap_writer *w;
	size_t next;
	int rc;
	struct err *e;
};

static bool
next_rows(void *arg, void *item)
{
	struct rows *r = arg;
	struct batch *b = item;

	b->first = r->next;
	b->n = r->c->n - r->next < BATCH ? r->c->n - r->next : BATCH;
	r->next += b->n;
	return b->n > 0;
}

static void
render_rows(void *arg, void *item)
{
	const struct rows *r = arg;
	const struct row *row;
	struct batch *b = item;
	const char *key;
	size_t i;

	cdbmap_batch_clear(&b->records);
	for (i = 0; i < b->n; i++) {
		row = &r->c->row[b->first + i];
		key = compiled_key(r->c, row);
		cdbmap_batch_begin(&b->records, key, strlen(key));
		compiled_put(r->c, row, &b->records.bytes);
		cdbmap_batch_end(&b->records);
	}
}

static bool
add_rows(void *arg, void *item)
{
	struct rows *r = arg;
	const struct batch *b = item;

	r->rc = cdbmap_add_batch(r->w, &b->records, r->e);
	return r->rc == 0;
}

static void
drop_rows(void *arg, void *item)
{
	struct batch *b = item;

	(void)arg;
	cdbmap_batch_free(&b->records);
}

static int
write_rows(struct cdbmap_writer *w, struct mapbuild *b, struct err *e)
{
	static const struct inorder how = {
	    sizeof(struct batch), next_rows, render_rows, add_rows, drop_rows};
	struct compiled *c = &b->compiled;
	struct rows r = {.c = c, .w = w, .e = e};
	struct mapheader h = {.format = MAPHEADER_FORMAT,
	    .time = b->now,
	    .expires = c->expires,
	    .postfix = b->target.version,
	    .partners = c->partners,
	    .domains = c->domains,
	    .enforced = c->enforced,
	    .lowered = c->lowered};
	struct buf header = {0};
	unsigned threads = 0;
	int rc;

	memcpy(h.registry, b->registry->digest, sizeof(h.registry));
	mapheader_print(&h, &header);
	rc = cdbmap_add(w, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1,
	    header.data, header.len, e);
	buf_free(&header);
	if (rc == -1)
		return -1;
	cdbmap_expect(w, c->n);
	/* Small maps are rendered before a thread has started. */
	if (c->n > 16 * BATCH && (threads = thread_count()) > 0)
		threads--; /* to write takes as long: one is for us */
	inorder_run(&how, &r, threads);
	return r.rc;
}

static int
write_map(struct mapbuild *b)
{
	struct cdbmap_writer *w;
	struct err e;
	int fd;

	if ((fd = publish_open(b->publish, &e)) == -1)
		goto failed;
	w = cdbmap_create(fd);
	if (write_rows(w, b, &e) == -1) {
		cdbmap_abandon(w);
		goto failed;
	}
	if (cdbmap_finish(w, &e) == -1 || publish_commit(b->publish, &e) == -1)
		goto failed;
	b->written = true;
	return EX_OK;
failed:
	say_err(&e);
	/* Gone before the words, which may never reach anybody. */
	publish_free(b->publish);
	b->publish = NULL;
	return left_alone(b, "the map cannot be written", e.code);
}

/* A new header alone is worth no write, but for the time of expiry. */
static bool
must_write(const struct mapbuild *b)
{
	return b->live == NULL || mapdiff_any(&b->diff) ||
	       !b->diff.has_header ||
	       b->diff.header.expires != b->compiled.expires;
}

int
mapbuild_run(struct mapbuild *b, const struct settings *set,
    const struct mapbuild_options *opt, time_t now)
{
	struct err e;
	int code;

	b->opt = *opt;
	b->set = set;
	b->now = now;
	/* Before anything is read: of two runs the later one has seen more. */
	if (!b->opt.dry && (b->publish = publish_lock(
				b->set->map, LOCK_WAIT_MS, &e)) == NULL) {
		say_err(&e);
		return left_alone(b, "nothing compiled", e.code);
	}
	if ((code = build(b)) != EX_OK || (code = compare(b)) != EX_OK)
		return code;
	if (!b->opt.dry && must_write(b) && (code = write_map(b)) != EX_OK)
		return code;
	/* A registry may be checked by those who may not see the ledger. */
	if (b->opt.dry && b->ledger_code == EX_NOPERM)
		return EX_OK;
	return b->ledger_code;
}

void
mapbuild_release(struct mapbuild *b)
{
	publish_free(b->publish);
	mapdiff_release(&b->diff);
	cdbmap_close(b->live);
	compiled_release(&b->compiled);
	diag_free(&b->diags);
	registry_free(b->registry);
	free(b->override);
	arena_free(&b->arena);
	*b = (struct mapbuild){0};
}
