#include "mapbuild.h"

#include <errno.h>
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
#include "mapevent.h"
#include "mapnames.h"
#include "maptable.h"
#include "mem.h"
#include "num.h"
#include "publish.h"
#include "quote.h"
#include "registry.h"
#include "registry_keep.h"
#include "say.h"
#include "settings.h"
#include "sidemap.h"

#define SPARE ".full"	 /* behind the name of the map */
#define KEPT ".registry" /* the same: of what it is made */
#define KEPT_BEFORE ".registry.old"
#define KEPT_BEFORE_2 KEPT_BEFORE ".2"
#define KEPT_BEFORE_3 KEPT_BEFORE ".3"
#define LOCK_WAIT_MS 10000 /* patience with another one that compiles */

/* The header of the map at path; false if it cannot be told. */
static bool
read_header(const char *path, struct mapheader *h)
{
	struct err e;
	struct cdbmap *m = cdbmap_open(path, &e);
	bool ok = m != NULL && mapheader_get(h, m);

	cdbmap_close(m);
	return ok;
}

/* The last line of a run that failed: what became of the map. */
static void
tell_failed(const struct mapbuild *b)
{
	const struct mapraised *r = &b->raised;
	const char *map = b->set->map;
	struct mapheader h;
	char when[CLOCK_MAX];

	if (b->raise == MAPBUILD_RAISED)
		say("%s; in %s %zu row%s of %s went back to full strength all "
		    "the same, the rest is as it was",
		    b->why, map, r->rows, num_plural(r->rows), r->names);
	else if (b->raise == MAPBUILD_SPARED)
		say("%s; %s was replaced by the copy of it with nothing "
		    "lowered: all downgrades are over, those too that had time "
		    "left; due were %zu row%s of %s",
		    b->why, map, r->rows, num_plural(r->rows), r->names);
	else if (b->raise == MAPBUILD_STUCK)
		say("%s; %zu row%s of %s STAY%s LOWERED in %s, and should not",
		    b->why, r->rows, num_plural(r->rows), r->names,
		    r->rows == 1 ? "S" : "", map);
	else if (read_header(map, &h))
		say("%s; %s left as it was (%zu domain%s, compiled %s)", b->why,
		    map, h.domains, num_plural(h.domains),
		    clock_text(h.time, b->now, when));
	else if (access(map, F_OK) == 0)
		say("%s; %s left as it was", b->why, map);
	else
		say("%s; no map written", b->why);
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

/* What main.cf has to tell for partners of that level. */
static unsigned
needs_of(enum level level)
{
	return level == LEVEL_KEY  ? SETTINGS_DIGEST
	       : level < LEVEL_KEY ? SETTINGS_LEVEL
				   : 0u;
}

static unsigned
needs(const struct mapbuild *b)
{
	const struct registry *r = b->registry;
	unsigned all = 0;
	size_t i;

	for (i = 0; i < b->holds.n; i++)
		if (b->holds.v[i].end > b->now)
			all |= needs_of(b->holds.v[i].level);
	for (i = 0; i < r->npartners; i++)
		all |= needs_of(partner_level(&r->partner[i]));
	return all;
}

/* The rows of the downgrades o, with what the map remembers beside them. */
static void
make_rows(struct mapbuild *b, const struct downgrades *o, struct compiled *c,
    struct diags *d)
{
	size_t i;

	compile(b->registry, o, b->now, &b->target, c, d);
	for (i = 0; i < b->holds.nmarks; i++)
		maptable_mark(&c->table, &b->holds.mark[i]);
}

/*
 * The registry that was last taken, if this is another one. The map does not
 * tell: its header stays where an edit changes no row.
 */
static void
look_back(struct mapbuild *b)
{
	struct err ignored;
	char *kept;

	if (b->opt.kept || b->live == NULL)
		return;
	kept = mapbuild_kept(b->set->map);
	if (!registry_is_kept(b->registry, kept))
		b->before = registry_load_kept(kept, b->now, &ignored);
	free(kept);
}

/* Read, check and render. 0, or the exit code, everything being said. */
static int
build(struct mapbuild *b)
{
	struct downgrades list = {.v = b->holds.v, .n = b->holds.n};
	struct err e;

	char *kept = mapbuild_kept(b->set->map);

	b->registry = b->opt.kept ? registry_load_kept(kept, b->now, &e)
				  : registry_load(b->set->registry, b->now,
					&b->diags, &e);
	free(kept);
	if (b->registry == NULL) {
		say_err(&e);
		return fails(b, e.code, "the registry cannot be read");
	}
	if (settings_target(b->set, needs(b), &b->target, &e) == -1) {
		say_err(&e);
		return fails(b, e.code, "nothing compiled");
	}
	/* Both kinds of complaint in one go, unless rows cannot be trusted. */
	if (b->diags.errors == 0) {
		look_back(b);
		mapnames_take(b);
		list.n = b->holds.n;
		make_rows(b, &list, &b->compiled, &b->diags);
	}
	diag_sort(&b->diags);
	if ((!b->opt.quiet && !b->opt.no_warnings) || b->diags.errors > 0)
		say_diags(&b->diags, b->opt.verbose);
	if (b->diags.errors == 0)
		return EX_OK;
	return fails(b, EX_DATAERR, "%zu error%s", b->diags.errors,
	    num_plural(b->diags.errors));
}

/* Has the map partners that the registry has not, or has at less? */
static bool
is_short(const struct mapbuild *b)
{
	return b->before != NULL && (registry_lacks(b->registry, b->before) ||
					registry_sinks(b->registry, b->before));
}

/* If what is refused was an accident: the way back. */
static void
tell_kept(const struct mapbuild *b)
{
	char *kept = mapbuild_kept(b->set->map);

	if (is_short(b))
		say("if it is not, to put them back: tlspact-compile --lost "
		    "--write");
	else if (access(kept, F_OK) == 0)
		say("if it is not: the registry as it was last compiled is in "
		    "%s",
		    quotes(kept).s);
	free(kept);
}

static int
compare(struct mapbuild *b)
{
	size_t allowed;

	mapchanges(&b->changes, b->live, &b->compiled.table, b->opt.list);
	if (!mapchanges_too_much(&b->changes, b->set->max_weakened, &allowed) ||
	    b->opt.accept_weaker)
		return EX_OK;
	say("%zu of %zu rows of enforced domains %s removed or weakened; "
	    "max_weakened = %s allows %zu%s",
	    b->changes.lost, b->changes.live_enforced,
	    b->opt.dry ? "are" : "would be", b->set->max_weakened, allowed,
	    b->changes.emptied ? ", and a registry without partners none" : "");
	if (b->opt.dry) {
		say("without --accept-weaker this would be refused");
		if (is_short(b))
			say("if it is not meant: tlspact-compile --lost");
		b->too_much = true;
		return b->opt.quiet ? EX_DATAERR : EX_OK;
	}
	say("see tlspact-compile --diff; if it is meant, run "
	    "tlspact-compile --accept-weaker");
	tell_kept(b);
	return fails(b, EX_DATAERR, "refused");
}

/*
 * Record the map at path before it is put in place. 0, or -1 with *e set: it
 * must not be, for something is lost and nothing would tell of it.
 */
static int
announce(struct mapbuild *b, const struct mapchanges *c, const char *path,
    struct err *e)
{
	const struct mapevent_made of = {.is = b->registry,
	    .was = b->before == NULL ? b->registry : b->before,
	    .agreed = b->opt.agreed};
	int rv;

	if (b->holds.code != 0)
		rv = err_set(e, b->holds.code,
		    "the ledger %s is of no use, so the new map is in no "
		    "record",
		    b->set->ledger);
	else
		rv = mapevent_announce(b->set, c, &of, path, b->now, e);
	if (rv == 0)
		return 0;
	b->holds.code = e->code;
	b->refused = c->losses > 0;
	if (b->refused)
		return -1;
	say_err(e);
	say("nothing gets weaker by the new map: it goes into the record when "
	    "that can be written");
	return 0;
}

static int
write_file(struct publish *p, const struct maptable *t, struct err *e)
{
	struct cdbmap_writer *w;
	int fd = publish_open(p, e);

	if (fd == -1)
		return -1;
	w = cdbmap_create(fd);
	if (maptable_write(t, w, e) == -1) {
		cdbmap_abandon(w);
		return -1;
	}
	return cdbmap_finish(w, e);
}

static int
write_spare(struct mapbuild *b, struct maptable *t, bool beside, struct err *e)
{
	int rv = write_file(b->publish, t, e);

	if (rv == 0 && beside)
		rv = sidemap_publish(
		    b->set, true, publish_temp(b->publish), t, b->now, e);
	if (rv == 0)
		rv = publish_commit_beside(b->publish, SPARE, PUBLISH_MODE, e);
	if (rv == -1)
		publish_abandon(b->publish);
	return rv;
}

/*
 * Replace the map by t, of which c tells. Where rows are lowered, the spare
 * comes first; where none is, there is no spare afterwards. Of the tables
 * beside it (false: later) it is the same. 0, or -1 with *e set and the old map
 * in place; what was not finished is gone from the disk.
 */
static int
write_map(struct mapbuild *b, struct maptable *t, const struct mapchanges *c,
    struct maptable *spare, bool beside, struct err *e)
{
	struct publish *p = b->publish;
	int rv;

	if (spare != NULL && write_spare(b, spare, beside, e) == -1)
		return -1;
	if ((rv = write_file(p, t, e)) == 0)
		rv = announce(b, c, publish_temp(p), e);
	if (rv == 0 && beside)
		rv = sidemap_publish(
		    b->set, false, publish_temp(p), t, b->now, e);
	if (rv == 0)
		rv = publish_commit(p, e);
	if (rv == -1)
		publish_abandon(p);
	else if (spare == NULL)
		publish_remove_beside(p, SPARE);
	if (rv == 0 && spare == NULL && beside)
		sidemap_drop_spare(b->set);
	return rv;
}

/* A new header alone is worth no write, but for the time of expiry. */
static bool
must_write(const struct mapbuild *b)
{
	return b->live == NULL || b->changes.any ||
	       b->changes.was.format == 0 ||
	       b->changes.was.expires != b->compiled.header.expires;
}

/* Beside what a symbolic link points to, as the map itself. */
static char *
path_beside(const char *map, const char *suffix)
{
	char *real = realpath(map, NULL);
	char *path = mem_printf("%s%s", real == NULL ? map : real, suffix);

	free(real);
	return path;
}

/*
 * Is there a spare beside the map, a whole one with nothing lowered? With
 * live, only if it was written together with the map of that header.
 */
static bool
has_spare(const struct mapbuild *b, const struct mapheader *live)
{
	char *path = path_beside(b->set->map, SPARE);
	struct mapheader h;
	bool ok;

	ok = read_header(path, &h) && h.lowered == 0 &&
	     (live == NULL || (h.time == live->time &&
				  strcmp(h.registry, live->registry) == 0));
	free(path);
	return ok;
}

static int
put_rows(struct mapbuild *b, struct err *e)
{
	static const struct downgrades none = {0};
	const bool write = must_write(b),
		   lowered = b->compiled.header.lowered > 0;
	const size_t marks = b->holds.nmarks;
	struct diags twice = {0}; /* it was all said */
	struct compiled full = {0};
	int rv = 0;

	if (!write && !lowered) {
		publish_remove_beside(b->publish, SPARE);
		return 0;
	}
	if (!write && has_spare(b, &b->changes.was))
		return 0;
	/* The spare alone is as the map beside it, not as of now. */
	if (!write)
		b->now = b->changes.was.time;
	if (lowered) {
		mapholds_mark_all(&b->holds, b->now);
		make_rows(b, &none, &full, &twice);
		b->holds.nmarks = marks; /* no other map has these */
	}
	if (write)
		rv = write_map(b, &b->compiled.table, &b->changes,
		    lowered ? &full.table : NULL, true, e);
	else
		rv = write_spare(b, &full.table, true, e);
	b->written = write && rv == 0;
	maptable_release(&full.table);
	diag_free(&twice);
	return rv;
}

/* Nobody but its owner reads it: it has whom to call, and why. */
static int
write_kept(struct mapbuild *b, struct err *e)
{
	int fd = publish_open(b->publish, e);

	if (fd == -1 || registry_keep(b->registry, fd, e) == -1)
		return -1;
	return publish_commit_beside(b->publish, KEPT, 0600, e);
}

/*
 * Keep what the map is made of, before it is. A copy that is older than the
 * map would take back what came since: rather there is none.
 */
static void
keep_registry(struct mapbuild *b)
{
	char *path = path_beside(b->set->map, KEPT);
	const bool news = !registry_is_kept(b->registry, path);
	struct err e;

	/* Whoever finds that it was an accident wants the one before. */
	if (news && !b->changes.first &&
	    b->changes.count[CHANGE_REMOVED] + b->changes.count[CHANGE_WEAKER] >
		0 &&
	    access(path, F_OK) == 0) {
		publish_rename_beside(b->publish, KEPT_BEFORE_2, KEPT_BEFORE_3);
		publish_rename_beside(b->publish, KEPT_BEFORE, KEPT_BEFORE_2);
		(void)publish_link_beside(b->publish, KEPT, KEPT_BEFORE);
	}
	if (news && write_kept(b, &e) == -1) {
		publish_abandon(b->publish);
		publish_remove_beside(b->publish, KEPT);
		if (b->opt.verbose)
			say("no copy of the registry is kept: %s", e.text);
	}
	free(path);
}

char *
mapbuild_kept(const char *map)
{
	return path_beside(map, KEPT);
}

char *
mapbuild_kept_before(const char *map, unsigned age)
{
	static const char *const suffix[MAPBUILD_BEFORE] = {
	    KEPT_BEFORE, KEPT_BEFORE_2, KEPT_BEFORE_3};

	return path_beside(map, suffix[age - 1]);
}

/*
 * The registry is accepted. What has nothing left to lower ends in the record;
 * or the new map remembers that it has ended.
 */
static void
leave(struct mapbuild *b)
{
	size_t i = b->holds.nmarks;

	mapholds_leave(&b->holds, b->set, b->registry, b->now, b->opt.dry);
	b->left = b->holds.left;
	b->nleft = b->holds.nleft;
	for (; i < b->holds.nmarks; i++) {
		maptable_mark(&b->compiled.table, &b->holds.mark[i]);
		b->changes.any = true;
	}
	for (i = 0; i < b->nleft && b->opt.quiet && !b->opt.dry; i++)
		say("the downgrade of %s ended: %s", b->left[i].partner,
		    b->left[i].why);
}

static int
put(struct mapbuild *b)
{
	struct err e, ignored;

	if (put_rows(b, &e) == 0)
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

/* A copy of the live map, with what is over at full strength. */
static int
put_raised(struct mapbuild *b, struct err *e)
{
	const bool lowered = b->raised.left > 0;
	struct maptable t = {0}, spare = {0};
	struct mapholds none = {0}; /* but marks for all */
	struct mapchanges c = {0};
	int rv;

	rv = mapholds_raise(&b->holds, b->now, b->live, &t, e);
	if (rv == 0 && lowered) {
		mapholds_mark_all(&b->holds, b->now);
		none.mark = b->holds.mark;
		none.nmarks = b->holds.nmarks;
		rv = mapholds_raise(&none, b->now, b->live, &spare, e);
	}
	if (rv == 0) {
		mapchanges(&c, b->live, &t, false);
		rv = write_map(b, &t, &c, lowered ? &spare : NULL, false, e);
	}
	mapchanges_release(&c);
	maptable_release(&t);
	maptable_release(&spare);
	return rv;
}

/*
 * The spare, in a rename that takes no block; so may be the record of it,
 * which is no condition.
 */
static int
take_spare(struct mapbuild *b, struct err *e)
{
	char *path = path_beside(b->set->map, SPARE);
	struct maptable t = {0};
	struct mapchanges c = {0};
	struct cdbmap *m;
	struct err ignored;

	if ((m = cdbmap_open(path, &ignored)) != NULL) {
		(void)maptable_read(&t, m, &ignored);
		mapchanges(&c, b->live, &t, false);
		(void)announce(b, &c, path, &ignored);
		mapchanges_release(&c);
		maptable_release(&t);
		cdbmap_close(m);
	}
	free(path);
	if (has_spare(b, NULL))
		return publish_take_beside(b->publish, SPARE, e);
	return err_set(
	    e, EX_NOINPUT, "there is no copy of the map with nothing lowered");
}

/*
 * There is no new map. What is over in the live one ends all the same: in a
 * copy of it, or, where the disk takes none, by the spare.
 */
static void
end_what_is_over(struct mapbuild *b)
{
	struct err e;

	if (b->live == NULL)
		return;
	mapholds_look(&b->holds, b->now, b->live, &b->raised);
	if (b->raised.rows == 0)
		return;
	b->raise = MAPBUILD_RAISED;
	if (put_raised(b, &e) == 0)
		return;
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
mend_beside(const struct mapbuild *b, int code)
{
	struct err e;

	if (b->opt.dry || b->publish == NULL ||
	    sidemap_follow(b->set, b->now, &e) == 0 ||
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
	    .by = opt->by,
	    .also = opt->also};
	struct err ignored;
	size_t marks;
	int code;

	b->opt = *opt;
	b->set = set;
	b->now = now;
	if ((code = begin(b)) == EX_OK) {
		/* If that cannot be told now, it is the next time. */
		if (!opt->dry)
			(void)mapevent_look(set, now, &ignored);
		mapholds_read(&b->holds, set, b->live, &holds);
		marks = b->holds.nmarks;
		if ((code = build(b)) == EX_OK &&
		    (code = compare(b)) == EX_OK) {
			mapnames_follow(b);
			if (!opt->kept)
				leave(b);
			if (!opt->dry && !opt->kept)
				keep_registry(b);
			if (!opt->dry && (code = put(b)) != EX_OK)
				b->holds.nmarks = marks; /* of the new map */
		}
		if (code != EX_OK && !opt->dry)
			end_what_is_over(b);
	}
	b->stands = code == EX_OK;
	code = mend_beside(b, code);
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
mapbuild_unlock(struct mapbuild *b)
{
	publish_free(b->publish);
	b->publish = NULL;
}

void
mapbuild_release(struct mapbuild *b)
{
	mapbuild_unlock(b);
	mapchanges_release(&b->changes);
	cdbmap_close(b->live);
	maptable_release(&b->compiled.table);
	diag_free(&b->diags);
	registry_free(b->registry);
	registry_free(b->before);
	names_free(&b->unknown);
	mapheirs_release(&b->heirs);
	mapholds_release(&b->holds);
	*b = (struct mapbuild){0};
}
