#include "mapbuild.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "cdbmap.h"
#include "clock.h"
#include "err.h"
#include "inboundmap.h"
#include "mapevent.h"
#include "maprecord.h"
#include "mapwrite.h"
#include "publish.h"
#include "registry.h"
#include "say.h"
#include "settings.h"

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

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* The last line of a run that failed: what became of the map. */
static void
tell_failed(const struct mapbuild *b)
{
	const struct mapraised *r = &b->raised;
	const char *map = b->set->map;
	struct buf live = {0};

	describe_live(b, &live);
	if (b->raise == MAPBUILD_RAISED)
		say("%s; in %s %zu row%s of %s went back to full strength all "
		    "the same, the rest is as it was",
		    b->why, map, r->rows, plural(r->rows), r->names);
	else if (b->raise == MAPBUILD_SPARED)
		say("%s; %s was replaced by the copy of it with nothing "
		    "lowered: all downgrades are over, those too that had time "
		    "left; due were %zu row%s of %s",
		    b->why, map, r->rows, plural(r->rows), r->names);
	else if (b->raise == MAPBUILD_STUCK)
		say("%s; %zu row%s of %s STAY%s LOWERED in %s, and should not",
		    b->why, r->rows, plural(r->rows), r->names,
		    r->rows == 1 ? "S" : "", map);
	else if (access(map, F_OK) == 0)
		say("%s; %s left as it was%s", b->why, map,
		    live.data == NULL ? "" : live.data);
	else
		say("%s; no map written", b->why);
	buf_free(&live);
}

/* Why nothing is compiled; code for return. */
static int __attribute__((format(printf, 3, 4)))
fails(struct mapbuild *b, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
	return code;
}

static bool
pins_keys(const struct mapbuild *b)
{
	const struct registry *r = b->registry;
	size_t i;

	for (i = 0; i < b->holds.n; i++)
		if (b->holds.v[i].level == LEVEL_KEY &&
		    b->holds.v[i].end > b->now)
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

	for (i = 0; i < b->holds.n; i++)
		if (b->holds.v[i].level < LEVEL_KEY &&
		    b->holds.v[i].end > b->now)
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

/* What the map remembers of downgrades, beside the rows. */
static void
add_marks(const struct mapholds *h, struct compiled *c)
{
	struct buf key = {0}, text = {0};
	size_t i;

	for (i = 0; i < h->nmarks; i++) {
		buf_clear(&key);
		buf_clear(&text);
		mapmark_print(&h->mark[i], &key, &text);
		compiled_add_record(c, key.data, text.data);
	}
	buf_free(&key);
	buf_free(&text);
}

/* Read, check and render. 0, or the exit code, everything being said. */
static int
build(struct mapbuild *b)
{
	struct overrides list;
	struct err e;

	b->registry = registry_load(b->set->registry, b->now, &b->diags, &e);
	if (b->registry == NULL) {
		say_err(&e);
		return fails(b, e.code, "the registry cannot be read");
	}
	if (settings_target(b->set, needs(b), &b->target, &e) == -1) {
		say_err(&e);
		return fails(b, e.code, "nothing compiled");
	}
	/* Both kinds of complaint in one go, unless rows cannot be trusted. */
	list = (struct overrides){.v = b->holds.v, .n = b->holds.n};
	if (b->diags.errors == 0) {
		compile(b->registry, &list, b->now, &b->target, &b->compiled,
		    &b->diags);
		add_marks(&b->holds, &b->compiled);
	}
	diag_sort(&b->diags);
	if (!b->opt.quiet || b->diags.errors > 0)
		say_diags(&b->diags, b->opt.verbose);
	if (b->diags.errors == 0)
		return EX_OK;
	return fails(b, EX_DATAERR, "%zu error%s", b->diags.errors,
	    plural(b->diags.errors));
}

static int
compare(struct mapbuild *b)
{
	size_t allowed;

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
	return fails(b, EX_DATAERR, "refused");
}

/*
 * Record the map at path before it is put in place. 0, or -1 with *e set: it
 * must not be.
 */
static int
announce(struct mapbuild *b, const char *path, struct err *e)
{
	struct err why;
	int rv;

	(void)err_set(&why, b->holds.code,
	    "the ledger %s is of no use, so the new map is in no record",
	    b->set->ledger);
	rv = mapevent_announce(
	    b->set, b->live, path, b->holds.code == 0 ? NULL : &why, b->now, e);
	if (rv == 0)
		return 0;
	b->holds.code = e->code;
	if (rv == MAPEVENT_LATER) {
		say_err(e);
		say("nothing gets weaker by the new map: it goes into the "
		    "record when that can be written");
		return 0;
	}
	b->refused = true;
	return -1;
}

static int
announce_compiled(const char *path, void *arg, struct err *e)
{
	return announce(arg, path, e);
}

static int
fill_compiled(struct cdbmap_writer *w, bool full, void *arg, struct err *e)
{
	static const struct overrides none = {0};
	struct mapbuild *b = arg;
	struct diags twice = {0}; /* it was all said */
	struct compiled c;
	int rv;

	if (!full)
		return mapwrite_rows(w, &b->compiled, b->now, e);
	compile(b->registry, &none, b->now, &b->target, &c, &twice);
	mapholds_mark_all(&b->holds, b->now);
	add_marks(&b->holds, &c);
	rv = mapwrite_rows(w, &c, b->now, e);
	compiled_release(&c);
	diag_free(&twice);
	return rv;
}

/* A new header alone is worth no write, but for the time of expiry. */
static bool
must_write(const struct mapbuild *b)
{
	return b->live == NULL || mapdiff_any(&b->diff) ||
	       !b->diff.has_header ||
	       b->diff.header.expires != b->compiled.expires;
}

static int
put(struct mapbuild *b)
{
	struct mapwrite m = {.fill = fill_compiled,
	    .before = announce_compiled,
	    .arg = b,
	    .lowered = b->compiled.lowered > 0,
	    .inbound = b->set->inbound_map,
	    .now = b->now};
	struct err e, ignored;
	int rv = 0;

	if (must_write(b)) {
		rv = mapwrite(b->publish, &m, &e);
		b->written = rv == 0;
	} else if (!m.lowered) {
		mapwrite_drop_spare(b->publish);
	} else if (!mapwrite_has_spare(b->publish, &b->diff.header)) {
		/* As the map that it stands beside, not as of now. */
		b->now = b->diff.header.time;
		rv = mapwrite_spare(b->publish, &m, &e);
	}
	if (rv == 0)
		return EX_OK;
	say_err(&e);
	if (b->refused)
		say("something gets weaker by the new map, and that cannot be "
		    "recorded");
	else
		(void)mapevent_look(b->set, b->now, &ignored);
	return fails(
	    b, e.code, b->refused ? "refused" : "the map cannot be written");
}

struct raising {
	struct mapbuild *b;
	struct cdbmap *live;
	struct mapholds *holds;
	struct mapraise how;
};

static int
fill_raised(struct cdbmap_writer *w, bool full, void *arg, struct err *e)
{
	const struct raising *r = arg;
	struct mapraise how = r->how;

	how.mark = r->holds->mark;
	if (full) {
		how.nholds = 0;
		how.nmarks = r->holds->nmarks;
	}
	return mapraise_copy(r->live, &how, w, e);
}

static int
announce_raised(const char *path, void *arg, struct err *e)
{
	return announce(((struct raising *)arg)->b, path, e);
}

/* The spare, in a rename that takes no block; so may be the record of it. */
static int
take_spare(struct mapbuild *b, struct err *e)
{
	char *path = publish_beside(b->publish, MAPWRITE_SPARE);
	struct err ignored;

	(void)announce(b, path, &ignored);
	free(path);
	return mapwrite_take_spare(b->publish, e);
}

/*
 * There is no new map. What is over in the live one ends all the same: in a
 * copy of it, or, where the disk takes none, by the spare.
 */
static void
end_what_is_over(struct mapbuild *b)
{
	struct raising r = {.b = b,
	    .live = b->live,
	    .holds = &b->holds,
	    .how = {.now = b->now,
		.hold = b->holds.v,
		.nholds = b->holds.n,
		.nmarks = b->holds.nmarks}};
	struct mapwrite m = {
	    .fill = fill_raised, .before = announce_raised, .arg = &r};
	struct err e;

	if (b->live == NULL)
		return;
	mapraise_look(b->live, &r.how, &b->raised);
	if (b->raised.rows == 0)
		return;
	m.lowered = b->raised.left > 0;
	if (m.lowered)
		mapholds_mark_all(&b->holds, b->now);
	if (mapwrite(b->publish, &m, &e) == 0) {
		b->raise = MAPBUILD_RAISED;
		return;
	}
	say_err(&e);
	b->raise = MAPBUILD_SPARED;
	if (take_spare(b, &e) == 0)
		return;
	say_err(&e);
	b->raise = MAPBUILD_STUCK;
}

/*
 * What a crash between two renames left undone, or an older version, or the
 * end of a downgrade, which waits for no table.
 */
static int
mend_inbound(const struct mapbuild *b, int code)
{
	struct err e;

	if (b->opt.dry || b->publish == NULL ||
	    inboundmap_follow(b->set->inbound_map, b->set->map, b->now, &e) ==
		0 ||
	    e.code == EX_DATAERR) /* of the live map, which was said */
		return code;
	if (code != EX_OK && b->raise == 0)
		return code; /* as well */
	say_err(&e);
	return code == EX_OK ? e.code : code;
}

/* 0, or the exit code; the map that is there is open, if it can be. */
static int
begin(struct mapbuild *b)
{
	struct err e;

	/* Before anything is read: of two runs the later one has seen more. */
	if (!b->opt.dry && (b->publish = publish_lock(
				b->set->map, LOCK_WAIT_MS, &e)) == NULL) {
		say_err(&e);
		return fails(b, e.code, "nothing compiled");
	}
	b->live = cdbmap_open(b->set->map, &e);
	if (b->live != NULL || e.code == EX_NOINPUT)
		return EX_OK;
	say_err(&e);
	if (e.code != EX_DATAERR)
		return fails(b, e.code, "nothing compiled");
	/* Postfix cannot read it either: anything is better. */
	say("the live map is of no use and will be replaced");
	return EX_OK;
}

int
mapbuild_run(struct mapbuild *b, const struct settings *set,
    const struct mapbuild_options *opt, time_t now)
{
	const struct mapholds_options holds = {.now = now,
	    .dry = opt->dry,
	    .without = opt->without,
	    .by = opt->by};
	struct err ignored;
	int code;

	b->opt = *opt;
	b->set = set;
	b->now = now;
	if ((code = begin(b)) == EX_OK) {
		/* If that cannot be told now, it is the next time. */
		if (!opt->dry)
			(void)mapevent_look(set, now, &ignored);
		mapholds_read(&b->holds, set, b->live, &holds);
		if (opt->also != NULL)
			mapholds_add(&b->holds, opt->also);
		if ((code = build(b)) == EX_OK &&
		    (code = compare(b)) == EX_OK && !opt->dry)
			code = put(b);
		if (code != EX_OK && !opt->dry)
			end_what_is_over(b);
	}
	code = mend_inbound(b, code);
	if (*b->why != '\0') {
		tell_failed(b);
		return code;
	}
	/* A registry may be checked by those who may not see the ledger. */
	if (code == EX_OK && !(opt->dry && b->holds.code == EX_NOPERM))
		code = b->holds.code;
	return code;
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
	mapholds_release(&b->holds);
	*b = (struct mapbuild){0};
}
