/* The downgrades that a map tells of, and builds around a broken ledger. */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "cdbmap.h"
#include "err.h"
#include "ledger_downgrade.h"
#include "mapbuild.h"
#include "mem.h"
#include "registry.h"
#include "settings.h"
#include "strength.h"

#define NOW 1795392000 /* 2026-11-23T00:00:00Z */
#define PINS "AA:BB|CC:DD"

static char *
path_in(const char *dir, const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

struct world {
	char dir[64];
	struct settings set;
	struct diags diags;
};

static void
world_registry(struct world *w)
{
	write_file(w->set.registry,
	    "partner a mode=enforced domain=a.example,.a.example "
	    "gateway=mx.a.example contact=x@a.example\n"
	    "partner b mode=enforced domain=b.example "
	    "gateway=mx.b.example contact=x@a.example\n");
}

static void
world_make(struct world *w)
{
	struct settings_options o = {.file = "/dev/null"};
	char *option[6];
	struct err e;
	size_t i;

	*w = (struct world){.dir = "/tmp/t_mapbuild.XXXXXX"};
	assert_non_null(mkdtemp(w->dir));
	option[0] = mem_printf("registry=%s/registry", w->dir);
	option[1] = mem_printf("ledger=%s/ledger.db", w->dir);
	option[2] = mem_printf("map=%s/policy.cdb", w->dir);
	option[3] = mem_dup("postfix_version=3.7.11");
	option[4] = mem_dup("fingerprint_digest=sha256");
	option[5] = mem_dup("max_downgrade=1d");
	for (i = 0; i < 6; i++)
		settings_option(&o, option[i]);
	assert_int_equal(
	    settings_load(&w->set, &o, "/dev/null", &w->diags, &e), 0);
	for (i = 0; i < 6; i++)
		free(option[i]);
	world_registry(w);
}

static void
world_end(struct world *w)
{
	static const char *const names[] = {"registry", "ledger.db",
	    "ledger.db-wal", "ledger.db-shm", "policy.cdb", "policy.cdb.lock",
	    "policy.cdb.full", "policy.cdb.registry", "policy.cdb.registry.old",
	    "policy.cdb.registry.old.2", "policy.cdb.registry.old.3",
	    "policy-inbound.cdb", "policy-inbound.cdb.lock",
	    "policy-inbound.cdb.full"};
	char *path;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path = path_in(w->dir, names[i]);
		(void)unlink(path);
		free(path);
	}
	assert_int_equal(rmdir(w->dir), 0);
	diag_free(&w->diags);
	settings_free(&w->set);
}

/* Run it at that time; the level of a.example, and *code. */
static enum level
built(
    struct world *w, const struct mapbuild_options *opt, time_t now, int *code)
{
	struct mapbuild b = {0};
	enum level level = LEVEL_OPPORTUNISTIC;

	*code = mapbuild_run(&b, &w->set, opt, now);
	if (b.compiled.table.n > 0)
		level = (enum level)b.compiled.table.row[0].level;
	mapbuild_release(&b);
	return level;
}

static int64_t
lower_one(struct world *w, const char *partner, enum level to, time_t begin,
    time_t end)
{
	static const char *const keys[] = {"aabbccddeeff00112233445566778899"
					   "aabbccddeeff00112233445566778899"};
	struct ledger_downgrade d = {.partner = partner,
	    .before = LEVEL_SECURE,
	    .after = to,
	    .begin = begin,
	    .end = end,
	    .reason = "test",
	    .author = "me",
	    .keys = keys,
	    .nkeys = to == LEVEL_KEY};
	struct ledger *l;
	struct err e;
	int64_t id = 0;

	l = ledger_open(w->set.ledger, LEDGER_WRITE, &e);
	assert_non_null(l);
	if (ledger_downgrade_begin(l, &d, begin, &id, &e) != 0)
		fail_msg("%s", e.text);
	ledger_close(l);
	return id;
}

static int64_t
lower(struct world *w, enum level to, time_t begin, time_t end)
{
	return lower_one(w, "a", to, begin, end);
}

static void
test_expiry(void **state)
{
	static const struct mapbuild_options opt = {.quiet = true};
	struct world w;
	int code;

	(void)state;
	world_make(&w);
	assert_int_equal(built(&w, &opt, NOW, &code), LEVEL_SECURE);
	assert_int_equal(code, 0);
	(void)lower(&w, LEVEL_ENCRYPT, NOW + 10, NOW + 100);
	assert_int_equal(built(&w, &opt, NOW + 10, &code), LEVEL_ENCRYPT);
	assert_int_equal(built(&w, &opt, NOW + 99, &code), LEVEL_ENCRYPT);
	assert_int_equal(built(&w, &opt, NOW + 100, &code), LEVEL_SECURE);
	/* It was written down: a clock set back does not bring it back. */
	assert_int_equal(built(&w, &opt, NOW + 50, &code), LEVEL_SECURE);
	assert_int_equal(code, 0);
	world_end(&w);
}

static void
test_clock_back(void **state)
{
	static const struct mapbuild_options opt = {.quiet = true};
	struct ledger_event ev = {
	    .time = NOW + 200, .kind = "note", .author = "me", .text = "x"};
	struct ledger *l;
	struct world w;
	struct err e;
	int code;

	(void)state;
	world_make(&w);
	(void)lower(&w, LEVEL_ENCRYPT, NOW, NOW + 100);
	l = ledger_open(w.set.ledger, LEDGER_WRITE, &e);
	assert_non_null(l);
	assert_int_equal(ledger_event_add(l, &ev, &e), 0);
	ledger_close(l);
	assert_int_equal(built(&w, &opt, NOW + 50, &code), LEVEL_SECURE);
	assert_int_equal(code, 0);
	world_end(&w);
}

static void
test_rehearsal(void **state)
{
	struct downgrade also = {.partner = "a",
	    .level = LEVEL_ENCRYPT,
	    .begin = NOW,
	    .end = NOW + 10};
	struct mapbuild_options opt = {
	    .quiet = true, .dry = true, .also = &also, .without = "a"};
	struct world w;
	int code;

	(void)state;
	world_make(&w);
	assert_int_equal(built(&w, &opt, NOW, &code), LEVEL_ENCRYPT);
	assert_int_equal(code, 0);
	assert_int_equal(access(w.set.map, F_OK), -1);
	/* A key level without keys cannot be rendered. */
	also.level = LEVEL_KEY;
	(void)built(&w, &opt, NOW, &code);
	assert_int_equal(code, EX_DATAERR);
	world_end(&w);
}

static void
test_without_ledger(void **state)
{
	static const struct mapbuild_options opt = {.quiet = true};
	struct arena a = {0};
	struct downgrade *v;
	struct cdbmap *m;
	struct world w;
	struct err e;
	int code;

	(void)state;
	world_make(&w);
	(void)lower(&w, LEVEL_KEY, NOW, NOW + 100);
	assert_int_equal(built(&w, &opt, NOW, &code), LEVEL_KEY);
	assert_int_equal(code, 0);

	m = cdbmap_open(w.set.map, &e);
	assert_non_null(m);
	assert_int_equal(mapholds_in_map(m, &a, &v), 1);
	assert_string_equal(v[0].partner, "a");
	assert_int_equal(v[0].level, LEVEL_KEY);
	assert_int_equal(v[0].end, NOW + 100);
	assert_int_equal(v[0].key->n, 1);
	assert_string_equal(v[0].key->v[0],
	    "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:"
	    "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99");
	free(v);
	arena_free(&a);
	cdbmap_close(m);

	/* Kept to its end, and not a second longer. */
	write_file(w.set.ledger, "this is no database, but long enough to be "
				 "taken for one by a careless reader of it");
	assert_int_equal(built(&w, &opt, NOW + 99, &code), LEVEL_KEY);
	assert_int_equal(code, EX_DATAERR);
	assert_int_equal(unlink(w.set.ledger), 0);
	assert_int_equal(built(&w, &opt, NOW + 99, &code), LEVEL_KEY);
	assert_int_equal(code, EX_NOINPUT);
	assert_int_equal(built(&w, &opt, NOW + 100, &code), LEVEL_SECURE);
	assert_int_equal(code, EX_NOINPUT);
	assert_int_equal(built(&w, &opt, NOW + 100, &code), LEVEL_SECURE);
	assert_int_equal(code, 0);
	world_end(&w);
}

/* The level of the row in the map of that suffix, as Postfix sees it. */
static enum level
in_file(const struct world *w, const char *suffix, const char *key)
{
	char *path = mem_printf("%s%s", w->set.map, suffix);
	enum level level;
	struct cdbmap *m;
	const char *text;
	size_t len;
	struct err e;

	m = cdbmap_open(path, &e);
	if (m == NULL)
		fail_msg("%s", e.text);
	assert_int_equal(
	    cdbmap_get(m, key, strlen(key), &text, &len), CDBMAP_FOUND);
	assert_true(strength_level(text, len, &level));
	cdbmap_close(m);
	free(path);
	return level;
}

static bool
has_file(const struct world *w, const char *suffix)
{
	char *path = mem_printf("%s%s", w->set.map, suffix);
	bool has = access(path, F_OK) == 0;

	free(path);
	return has;
}

static void
break_registry(struct world *w)
{
	write_file(w->set.registry, "partner\n");
}

static void
lose_registry(struct world *w)
{
	assert_int_equal(unlink(w->set.registry), 0);
}

static void
lose_ca(struct world *w)
{
	write_file(w->set.registry,
	    "partner a mode=enforced domain=a.example,.a.example "
	    "gateway=mx.a.example contact=x@a.example\n"
	    "partner b mode=enforced domain=b.example ca=/none.pem "
	    "gateway=mx.b.example contact=x@a.example\n");
}

static void
guard(struct world *w)
{
	write_file(w->set.registry, "# nobody is left\n");
}

static void
break_ledger(struct world *w)
{
	write_file(w->set.ledger, "this is no database, but long enough to be "
				  "taken for one by a careless reader of it");
}

static void
lose_ledger(struct world *w)
{
	assert_int_equal(unlink(w->set.ledger), 0);
}

static void
break_both(struct world *w)
{
	break_registry(w);
	break_ledger(w);
}

/* The temporary file of the map cannot be made. */
static void
block_map(struct world *w)
{
	char *path = mem_printf("%s.tmp", w->set.map);

	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

static void
unblock_map(struct world *w)
{
	char *path = mem_printf("%s.tmp", w->set.map);

	(void)rmdir(path);
	free(path);
}

static void
block_all(struct world *w)
{
	break_both(w);
	block_map(w);
}

static const struct {
	const char *name;
	void (*what)(struct world *);
	int code; /* of a compile at the end of the downgrade */
	enum mapbuild_raise how;
} broken[] = {
    {"registry broken", break_registry, EX_DATAERR, MAPBUILD_RAISED},
    {"registry gone", lose_registry, EX_NOINPUT, MAPBUILD_RAISED},
    {"CA file gone", lose_ca, EX_DATAERR, MAPBUILD_RAISED},
    {"guard", guard, EX_DATAERR, MAPBUILD_RAISED},
    {"ledger broken", break_ledger, EX_DATAERR, MAPBUILD_NOT_DUE},
    {"ledger gone", lose_ledger, EX_NOINPUT, MAPBUILD_NOT_DUE},
    {"registry and ledger", break_both, EX_DATAERR, MAPBUILD_RAISED},
    {"no place for a map", block_map, EX_CANTCREAT, MAPBUILD_SPARED},
    {"nothing at all", block_all, EX_DATAERR, MAPBUILD_SPARED},
};

/* Each broken thing: before the end, at it, and by hand. */
static void
test_broken(void **state)
{
	const struct mapbuild_options plain = {.quiet = true},
				      by_hand = {.quiet = true,
					  .without = "a",
					  .by = "jo"};
	const struct mapbuild_options *opt;
	enum mapbuild_raise how;
	struct mapbuild b;
	struct world w;
	size_t i, hand;
	int code;

	(void)state;
	for (i = 0; i < 2 * COUNT(broken); i++) {
		const char *name = broken[i / 2].name;

		hand = i % 2;
		opt = hand ? &by_hand : &plain;
		world_make(&w);
		(void)built(&w, &plain, NOW, &code);
		(void)lower(&w, LEVEL_ENCRYPT, NOW, NOW + 100);
		(void)built(&w, &plain, NOW, &code);
		check_int(name, code, 0);
		check_int(name, in_file(&w, "", "a.example"), LEVEL_ENCRYPT);
		check_int(
		    name, in_file(&w, ".full", "a.example"), LEVEL_SECURE);
		broken[i / 2].what(&w);
		b = (struct mapbuild){0};
		(void)mapbuild_run(&b, &w.set, &plain, NOW + 99);
		check_int(name, b.raise, MAPBUILD_NOT_DUE);
		mapbuild_release(&b);
		check_int(name, in_file(&w, "", "a.example"), LEVEL_ENCRYPT);

		b = (struct mapbuild){0};
		code =
		    mapbuild_run(&b, &w.set, opt, hand ? NOW + 50 : NOW + 100);
		how = b.raise;
		mapbuild_release(&b);
		check_int(name, code, broken[i / 2].code);
		check_int(name, how, broken[i / 2].how);
		check_int(name, in_file(&w, "", "a.example"), LEVEL_SECURE);
		check_int(name, in_file(&w, "", ".a.example"), LEVEL_SECURE);
		check_int(name, has_file(&w, ".full"), false);
		unblock_map(&w);
		world_end(&w);
	}
}

/* What the map has ended does not begin again, whatever the ledger says. */
static void
test_ended_stays(void **state)
{
	const struct mapbuild_options plain = {.quiet = true},
				      by_hand = {.quiet = true,
					  .without = "a",
					  .by = "jo"};
	char *kept;
	struct world w;
	size_t i;
	int code;

	(void)state;
	for (i = 0; i < COUNT(broken); i++) {
		const char *name = broken[i].name;

		if (broken[i].what == break_registry ||
		    broken[i].what == lose_registry)
			continue; /* there the ledger was told at once */
		world_make(&w);
		(void)built(&w, &plain, NOW, &code);
		(void)lower(&w, LEVEL_ENCRYPT, NOW, NOW + 100);
		(void)built(&w, &plain, NOW, &code);
		kept = path_in(w.dir, "kept.db");
		assert_int_equal(link(w.set.ledger, kept), 0);
		if (broken[i].what == break_ledger ||
		    broken[i].what == break_both || broken[i].what == block_all)
			assert_int_equal(unlink(w.set.ledger), 0);
		broken[i].what(&w);
		(void)built(&w, &by_hand, NOW + 50, &code);
		check_int(name, in_file(&w, "", "a.example"), LEVEL_SECURE);
		/* All is well again, the ledger as it was. */
		unblock_map(&w);
		world_registry(&w);
		assert_int_equal(rename(kept, w.set.ledger), 0);
		(void)unlink(kept);
		(void)built(&w, &plain, NOW + 51, &code);
		check_int(name, code, 0);
		check_int(name, in_file(&w, "", "a.example"), LEVEL_SECURE);
		(void)built(&w, &plain, NOW + 52, &code);
		check_int(name, in_file(&w, "", "a.example"), LEVEL_SECURE);
		/* And another one is possible: the ledger has been told. */
		(void)lower(&w, LEVEL_ENCRYPT, NOW + 60, NOW + 100);
		(void)built(&w, &plain, NOW + 60, &code);
		check_int(name, in_file(&w, "", "a.example"), LEVEL_ENCRYPT);
		world_end(&w);
		free(kept);
	}
}

/* A run that fails ends what is over, and no more: not one run later either. */
static void
test_others_stay(void **state)
{
	const struct mapbuild_options plain = {.quiet = true};
	struct world w;
	int code;

	(void)state;
	world_make(&w);
	(void)lower(&w, LEVEL_ENCRYPT, NOW, NOW + 100);
	(void)lower_one(&w, "b", LEVEL_ENCRYPT, NOW, NOW + 1000);
	(void)built(&w, &plain, NOW, &code);
	assert_int_equal(code, 0);
	assert_int_equal(in_file(&w, "", "b.example"), LEVEL_ENCRYPT);
	/* The new map is written, but not the table that goes with it. */
	assert_int_equal(unlink(w.set.inbound_map), 0);
	assert_int_equal(mkdir(w.set.inbound_map, 0700), 0);
	(void)built(&w, &plain, NOW + 100, &code);
	assert_int_not_equal(code, 0);
	assert_int_equal(in_file(&w, "", "a.example"), LEVEL_SECURE);
	assert_int_equal(in_file(&w, "", "b.example"), LEVEL_ENCRYPT);
	assert_int_equal(rmdir(w.set.inbound_map), 0);
	(void)built(&w, &plain, NOW + 101, &code);
	assert_int_equal(code, 0);
	assert_int_equal(in_file(&w, "", "b.example"), LEVEL_ENCRYPT);
	world_end(&w);
}

static const char only_b[] = "partner b mode=enforced domain=b.example "
			     "gateway=mx.b.example contact=x@a.example\n";

/* Which downgrades are left, and which go on, by that registry. */
static const struct {
	const char *name, *registry, *domain, *left;
	int code; /* of the ledger */
	size_t goes_on, marks;
} left_rows[] = {
    {"all are there", NULL, NULL, "", 0, 1, 0},
    {"one domain is there", NULL, "a.example", "", 0, 1, 0},
    {"none of its domains", NULL, "x.example", "its domains left the registry",
	0, 0, 0},
    {"that is another one's",
	"partner a mode=enforced domain=x.example gateway=mx.a.example "
	"contact=x@a.example\n"
	"partner b mode=enforced domain=a.example gateway=mx.b.example "
	"contact=x@a.example\n",
	"a.example", "its domains are another partner's", 0, 0, 0},
    {"no partner", only_b, NULL, "the partner left the registry", 0, 0, 0},
    {"no partner and no ledger", only_b, NULL, "the partner left the registry",
	EX_TEMPFAIL, 1, 1},
};

static void
test_left(void **state)
{
	struct mapholds_options opt = {.now = NOW + 1};
	struct {
		size_t n;
		const char *v[1];
	} domain = {.n = 1};
	struct mapholds h;
	struct registry *r;
	struct world w;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(left_rows); i++) {
		const char *name = left_rows[i].name;

		world_make(&w);
		(void)lower(&w, LEVEL_ENCRYPT, NOW, NOW + 100);
		if (left_rows[i].registry != NULL)
			write_file(w.set.registry, left_rows[i].registry);
		r = registry_load(w.set.registry, NOW, &w.diags, &e);
		assert_non_null(r);
		mapholds_read(&h, &w.set, NULL, &opt);
		assert_int_equal(h.n, 1);
		domain.v[0] = left_rows[i].domain;
		if (domain.v[0] != NULL)
			h.v[0].domains = (const struct strs *)&domain;
		h.code = left_rows[i].code;
		mapholds_leave(&h, &w.set, r, NOW + 1, true);
		check_int(name, h.n, 1);
		check_int(name, h.nmarks, 0);
		h.nleft = 0;
		mapholds_leave(&h, &w.set, r, NOW + 1, false);
		check_str(
		    name, h.nleft == 0 ? "" : h.left[0].why, left_rows[i].left);
		check_int(name, h.n, left_rows[i].goes_on);
		check_int(name, h.nmarks, left_rows[i].marks);
		mapholds_release(&h);
		/* What is closed is not there any more. */
		mapholds_read(&h, &w.set, NULL, &opt);
		check_int(name, h.n, left_rows[i].goes_on);
		mapholds_release(&h);
		registry_free(r);
		world_end(&w);
	}
}

/* A partner that comes back within the time is not lowered. */
static void
test_comes_back(void **state)
{
	const struct mapbuild_options plain = {.quiet = true,
					  .accept_weaker = true},
				      guarded = {.quiet = true};
	struct world w;
	int code;

	(void)state;
	world_make(&w);
	(void)lower(&w, LEVEL_ENCRYPT, NOW, NOW + 100);
	(void)built(&w, &plain, NOW, &code);
	assert_int_equal(in_file(&w, "", "a.example"), LEVEL_ENCRYPT);
	/* A registry that is refused ends nothing. */
	free(w.set.max_weakened);
	w.set.max_weakened = mem_dup("0");
	write_file(w.set.registry, only_b);
	(void)built(&w, &guarded, NOW + 1, &code);
	assert_int_equal(code, EX_DATAERR);
	assert_int_equal(in_file(&w, "", "a.example"), LEVEL_ENCRYPT);
	world_registry(&w);
	(void)built(&w, &plain, NOW + 2, &code);
	assert_int_equal(in_file(&w, "", "a.example"), LEVEL_ENCRYPT);
	write_file(w.set.registry, only_b);
	(void)built(&w, &plain, NOW + 3, &code);
	assert_int_equal(code, 0);
	world_registry(&w);
	(void)built(&w, &plain, NOW + 4, &code);
	assert_int_equal(code, 0);
	assert_int_equal(in_file(&w, "", "a.example"), LEVEL_SECURE);
	world_end(&w);
}

/* Nothing is lowered where the way back cannot be laid down before. */
static void
test_no_spare(void **state)
{
	const struct mapbuild_options plain = {.quiet = true};
	struct world w;
	char *path;
	int code;

	(void)state;
	world_make(&w);
	(void)built(&w, &plain, NOW, &code);
	(void)lower(&w, LEVEL_ENCRYPT, NOW, NOW + 100);
	path = mem_printf("%s.full", w.set.map);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)built(&w, &plain, NOW + 1, &code);
	assert_int_not_equal(code, 0);
	assert_int_equal(in_file(&w, "", "a.example"), LEVEL_SECURE);
	assert_int_equal(rmdir(path), 0);
	(void)built(&w, &plain, NOW + 2, &code);
	assert_int_equal(code, 0);
	assert_int_equal(in_file(&w, "", "a.example"), LEVEL_ENCRYPT);
	/* One that is lost, or of another map, is made anew. */
	assert_int_equal(unlink(path), 0);
	(void)built(&w, &plain, NOW + 3, &code);
	assert_int_equal(code, 0);
	assert_int_equal(in_file(&w, ".full", "a.example"), LEVEL_SECURE);
	write_file(path, "garbage");
	(void)built(&w, &plain, NOW + 4, &code);
	assert_int_equal(in_file(&w, ".full", "a.example"), LEVEL_SECURE);
	/* And not taken, were it no map. */
	write_file(path, "garbage");
	block_map(&w);
	(void)built(&w, &plain, NOW + 100, &code);
	assert_int_equal(code, EX_CANTCREAT);
	assert_int_equal(in_file(&w, "", "b.example"), LEVEL_SECURE);
	unblock_map(&w);
	free(path);
	world_end(&w);
}

/*
 * New domains are not lowered with the old: neither if the ledger is no use,
 * nor by a row from before domains were listed.
 */
static void
test_new_domain(void **state)
{
	const struct mapbuild_options plain = {.quiet = true};
	struct world w;
	int code, broken_too;

	(void)state;
	for (broken_too = 0; broken_too < 2; broken_too++) {
		world_make(&w);
		(void)lower(&w, LEVEL_ENCRYPT, NOW, NOW + 100);
		(void)built(&w, &plain, NOW, &code);
		if (broken_too)
			break_ledger(&w);
		write_file(w.set.registry,
		    "partner a mode=enforced "
		    "domain=a.example,.a.example,new.example "
		    "gateway=mx.a.example contact=x@a.example\n"
		    "partner b mode=enforced domain=b.example "
		    "gateway=mx.b.example contact=x@a.example\n");
		(void)built(&w, &plain, NOW + 1, &code);
		assert_int_equal(code, broken_too ? EX_DATAERR : 0);
		assert_int_equal(in_file(&w, "", "a.example"), LEVEL_ENCRYPT);
		assert_int_equal(in_file(&w, "", "new.example"), LEVEL_SECURE);
		world_end(&w);
	}
}

/* A clock set back behind the begin: not held, and not again later. */
static void
test_clock_behind(void **state)
{
	const struct mapbuild_options plain = {.quiet = true};
	struct world w;
	int code;

	(void)state;
	world_make(&w);
	(void)lower(&w, LEVEL_ENCRYPT, NOW, NOW + 1000);
	(void)built(&w, &plain, NOW, &code);
	assert_int_equal(in_file(&w, "", "a.example"), LEVEL_ENCRYPT);
	(void)built(&w, &plain, NOW - 86400, &code);
	assert_int_equal(in_file(&w, "", "a.example"), LEVEL_SECURE);
	(void)built(&w, &plain, NOW + 1, &code);
	assert_int_equal(code, 0);
	assert_int_equal(in_file(&w, "", "a.example"), LEVEL_SECURE);
	world_end(&w);
}

/* A map that holds what no compile writes. */
static void
test_strange_records(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
	    {"x.example", "encrypt"},
	    {" d:x.example", "garbage"},
	    {" d:", "partner=x inbound=off level=encrypt "
		    "until=2026-11-23T00:00:00Z { full = secure }"},
	    {" d:y.example", "partner=y inbound=off level=key "
			     "until=2026-11-23T00:00:00Z { full = secure }"},
	    {" d:z.example", "partner=z inbound=off level=encrypt"},
	    {" d:v.example", "partner=v inbound=off level=encrypt "
			     "until=2026-11-23T00:00:00Z { full = secure }"},
	    {" d:.v.example", "partner=v inbound=off level=encrypt "
			      "until=2026-11-23T00:00:00Z { full = secure }"},
	    {"k.example", "fingerprint match=" PINS " ciphers=high"},
	    {" d:k.example", "partner=k inbound=off level=key "
			     "until=2026-11-23T00:00:00Z { full = secure }"},
	    {"e.example", "fingerprint match=|"},
	    {" d:e.example", "partner=e inbound=off level=key "
			     "until=2026-11-23T00:00:00Z { full = secure }"},
	};
	char path[] = "/tmp/t_mapbuild.cdb.XXXXXX";
	struct cdbmap_writer *cw;
	struct arena a = {0};
	struct downgrade *v;
	struct cdbmap *m;
	struct err e;
	size_t i;
	int fd;

	(void)state;
	fd = mkstemp(path);
	assert_true(fd != -1);
	cw = cdbmap_create(fd);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    cdbmap_add(cw, rows[i].key, strlen(rows[i].key),
			rows[i].value, strlen(rows[i].value), &e),
		    0);
	assert_int_equal(cdbmap_finish(cw, &e), 0);
	assert_int_equal(close(fd), 0);
	m = cdbmap_open(path, &e);
	assert_non_null(m);
	assert_int_equal(mapholds_in_map(m, &a, &v), 2);
	assert_string_equal(v[0].partner, "v");
	assert_string_equal(v[1].partner, "k");
	assert_int_equal(v[1].key->n, 2);
	assert_string_equal(v[1].key->v[0], "AA:BB");
	assert_string_equal(v[1].key->v[1], "CC:DD");
	free(v);
	arena_free(&a);
	cdbmap_close(m);
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_expiry),
	    cmocka_unit_test(test_clock_back),
	    cmocka_unit_test(test_rehearsal),
	    cmocka_unit_test(test_without_ledger),
	    cmocka_unit_test(test_broken),
	    cmocka_unit_test(test_ended_stays),
	    cmocka_unit_test(test_others_stay),
	    cmocka_unit_test(test_left),
	    cmocka_unit_test(test_comes_back),
	    cmocka_unit_test(test_no_spare),
	    cmocka_unit_test(test_new_domain),
	    cmocka_unit_test(test_clock_behind),
	    cmocka_unit_test(test_strange_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
