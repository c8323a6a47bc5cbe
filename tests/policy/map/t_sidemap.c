/* What Postfix finds in the table, by both ways of going up, as by tlspactd. */
#include "check.h"

#include <sys/stat.h>
#include <sysexits.h>

#include "cdbmap.h"
#include "err.h"
#include "file.h"
#include "sidemap.h"
#include "ledger_downgrade.h"
#include "lookup.h"
#include "mapbuild.h"
#include "maptable.h"
#include "mem.h"
#include "settings.h"

#define NOW 1795392000 /* 2026-11-23T00:00:00Z */
#define CLEAR "reject_plaintext_session"

static const char registry[] =
    "default operator=x@ours.example\n"
    "partner exact mode=enforced domain=exact.example "
    "gateway=mx.exact.example\n"
    "partner both mode=enforced domain=both.example,.both.example "
    "gateway=mx.both.example,.cloud.example\n"
    "partner below mode=enforced domain=.below.example gateway=mx.b.example\n"
    "partner hole domain=hole.both.example\n"
    "partner holes domain=.holes.both.example\n"
    "partner island mode=enforced domain=a.holes.both.example "
    "gateway=mx.island.example\n"
    "partner open domain=.open.example,exact.open2.example\n"
    "partner inner mode=enforced domain=.inner.open.example "
    "gateway=mx.both.example\n"
    "partner watched mode=enforced domain=watched.example inbound=warn "
    "gateway=mx.watched.example\n"
    "partner asked domain=asked.example inbound=require\n"
    "partner named mode=enforced domain=named.example inbound-verify=name "
    "gateway=mx.named.example inbound-action=reject\n"
    "partner idn mode=enforced domain=m\xc3\xbcnchen.example,"
    ".m\xc3\xbcnchen.example gateway=mx.idn.example\n"
    "partner many mode=enforced domain=many.example "
    "gateway=nexthop,mx.many2.example,mx.many3.example\n"
    "partner low mode=enforced domain=low.example,.low.example "
    "gateway=mx.low.example\n";

struct world {
	char *dir;
	struct settings set;
	struct diags diags;
};

static void
world_make(struct world *w)
{
	static const char *const options[] = {
	    "registry=%s/registry", "ledger=%s/ledger.db", "map=%s/policy.cdb"};
	struct settings_options o = {.file = "/dev/null"};
	char *option[COUNT(options)];
	struct err e;
	size_t i;

	*w = (struct world){.dir = check_folder()};
	for (i = 0; i < COUNT(options); i++) {
		option[i] = mem_printf("%.*s%s%s",
		    (int)(strchr(options[i], '%') - options[i]), options[i],
		    w->dir, strchr(options[i], '%') + 2);
		settings_option(&o, option[i]);
	}
	settings_option(&o, "postfix_version=3.7.11");
	settings_option(&o, "fingerprint_digest=sha256");
	settings_option(&o, "max_weakened=100%");
	assert_int_equal(
	    settings_load(&w->set, &o, "/dev/null", &w->diags, &e), 0);
	for (i = 0; i < COUNT(options); i++)
		free(option[i]);
	check_puts(w->set.registry, registry);
}

static void
world_end(struct world *w)
{
	char *command = mem_printf("rm -r %s", w->dir);

	assert_int_equal(system(command), 0);
	free(command);
	free(w->dir);
	diag_free(&w->diags);
	settings_free(&w->set);
}

static int
built(struct world *w, time_t now)
{
	static const struct mapbuild_options opt = {.quiet = true};
	struct mapbuild b = {0};
	int code = mapbuild_run(&b, &w->set, &opt, now);

	mapbuild_release(&b);
	return code;
}

static void
lower(struct world *w, enum direction direction)
{
	struct ledger_downgrade d = {.partner = direction ? "named" : "low",
	    .before = LEVEL_SECURE,
	    .after = direction ? LEVEL_SECURE : LEVEL_ENCRYPT,
	    .direction = direction,
	    .begin = NOW,
	    .end = NOW + 100,
	    .reason = "test",
	    .author = "me"};
	struct ledger *l;
	struct err e;
	int64_t id;

	l = ledger_open(w->set.ledger, LEDGER_WRITE, &e);
	assert_non_null(l);
	assert_int_equal(ledger_downgrade_begin(l, &d, NOW, &id, &e), 0);
	ledger_close(l);
}

static bool
find(struct cdbmap *t, const char *prefix, const char *key, char out[512])
{
	char *full = mem_printf("%s%s", prefix, key);
	const char *value;
	size_t len;
	bool found =
	    cdbmap_get(t, full, strlen(full), &value, &len) == CDBMAP_FOUND;

	free(full);
	if (found) {
		assert_true(len > 0 && len < 512);
		memcpy(out, value, len);
		out[len] = '\0';
	}
	return found;
}

/* As check_sender_access does, access(5): the address, then its domain. */
static const char *
postfix_says(struct cdbmap *t, const char *domain, bool dotted, char out[512])
{
	const char *dot;

	if (find(t, "=", domain, out) || find(t, "", domain, out))
		return out;
	for (dot = strchr(domain, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
		if (find(t, "", dot + !dotted, out))
			return out;
	return "DUNNO";
}

/* Is mail in clear text refused by tlspactd? */
static bool
tlspactd_refuses(const struct cdbmap *map, const char *domain, time_t now)
{
	struct lookup l = {.map = map, .lowered = true};
	struct lookup_rule r;
	bool refuses;

	if (lookup_domain(&l, domain, strlen(domain), now, &r) != LOOKUP_FOUND)
		return false;
	refuses = r.record.inbound == INBOUND_REQUIRE && !r.lowered;
	lookup_release(&r);
	return refuses;
}

static const struct {
	const char *domain, *says;
} senders[] = {
    {"exact.example", CLEAR},
    {"a.exact.example", "DUNNO"},
    {"both.example", CLEAR},
    {"a.both.example", CLEAR},
    {"a.b.both.example", CLEAR},
    {"a_b.both.example", CLEAR},
    {"below.example", "DUNNO"},
    {"a.below.example", CLEAR},
    {"hole.both.example", "DUNNO"},
    {"a.hole.both.example", CLEAR},
    {"holes.both.example", CLEAR},
    {"b.holes.both.example", "DUNNO"},
    {"a.holes.both.example", CLEAR},
    {"c.a.holes.both.example", "DUNNO"},
    {"open.example", "DUNNO"},
    {"a.open.example", "DUNNO"},
    {"inner.open.example", "DUNNO"},
    {"a.inner.open.example", CLEAR},
    {"watched.example", "DUNNO"},
    {"asked.example", CLEAR},
    {"a.asked.example", "DUNNO"},
    {"xn--mnchen-3ya.example", CLEAR},
    {"a.xn--mnchen-3ya.example", CLEAR},
    {"m\xc3\xbcnchen.example", CLEAR},
    {"a.m\xc3\xbcnchen.example", CLEAR},
    {"low.example", CLEAR},
    {"stranger.example", "DUNNO"},
    {"example", "DUNNO"},
    {"notboth.example", "DUNNO"},
    {"named.example",
	"450 4.3.0 Mail from named.example is accepted with your client "
	"certificate only, as agreed: we cannot check it at present; this is "
	"our mistake. Try again later"},
};

/* All senders, by both ways, against what is written and against tlspactd. */
static void
check_senders(struct world *w, time_t now, const char *of_low)
{
	struct cdbmap *map, *t;
	char *image, out[512];
	const char *says, *want;
	struct err e;
	size_t len, i;
	int dotted;

	image = file_slurp(w->set.map, UINT32_MAX, &len, NULL, &e);
	assert_non_null(image);
	map = cdbmap_of(image, len);
	assert_non_null(map);
	t = cdbmap_open(w->set.inbound_map, &e);
	assert_non_null(t);
	for (i = 0; i < COUNT(senders); i++)
		for (dotted = 0; dotted < 2; dotted++) {
			says = postfix_says(
			    t, senders[i].domain, dotted == 1, out);
			want = strcmp(senders[i].domain, "low.example") == 0
				   ? of_low
				   : senders[i].says;
			check_str(senders[i].domain, says, want);
			check_int(senders[i].domain, strcmp(says, "DUNNO") != 0,
			    tlspactd_refuses(map, senders[i].domain, now));
		}
	cdbmap_close(t);
	cdbmap_close(map);
	free(image);
}

static void
test_senders(void **state)
{
	struct world w;
	char *spare;

	(void)state;
	world_make(&w);
	assert_int_equal(built(&w, NOW), 0);
	check_senders(&w, NOW, CLEAR);
	/* A downgrade lets in, until its end. */
	lower(&w, DIRECTION_BOTH);
	assert_int_equal(built(&w, NOW), 0);
	check_senders(&w, NOW, "DUNNO");
	spare = mem_printf("%s.full", w.set.inbound_map);
	assert_int_equal(access(spare, F_OK), 0);
	assert_int_equal(built(&w, NOW + 100), 0);
	check_senders(&w, NOW + 100, CLEAR);
	assert_int_equal(access(spare, F_OK), -1);
	free(spare);
	world_end(&w);
}

/* The way back of the map is a rename, and so is that of the table. */
static void
test_spare(void **state)
{
	char *map_spare, *spare;
	struct stat before, after;
	struct world w;
	struct err e;

	(void)state;
	world_make(&w);
	map_spare = mem_printf("%s.full", w.set.map);
	spare = mem_printf("%s.full", w.set.inbound_map);
	lower(&w, DIRECTION_BOTH);
	assert_int_equal(built(&w, NOW), 0);
	check_senders(&w, NOW, "DUNNO");
	assert_int_equal(stat(spare, &before), 0);
	assert_int_equal(rename(map_spare, w.set.map), 0);
	assert_false(sidemap_current(w.set.inbound_map, w.set.map));
	assert_int_equal(sidemap_follow(&w.set, NOW, &e), 0);
	check_senders(&w, NOW, CLEAR);
	assert_int_equal(stat(w.set.inbound_map, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(built(&w, NOW), 0);
	check_senders(&w, NOW, CLEAR);
	free(spare);
	free(map_spare);
	world_end(&w);
}

/* What is let in without a certificate alone needs TLS of Postfix as well. */
static void
test_over_tls(void **state)
{
	static const struct {
		enum direction of;
		const char *says;
	} cases[] = {
	    {DIRECTION_CERTIFICATE, CLEAR}, {DIRECTION_INBOUND, "DUNNO"}};
	struct cdbmap *t;
	struct world w;
	struct err e;
	char out[512];
	size_t i;

	(void)state;
	world_make(&w);
	for (i = 0; i < COUNT(cases); i++) {
		/* The wider one takes the place of the other. */
		lower(&w, cases[i].of);
		assert_int_equal(built(&w, NOW), 0);
		t = cdbmap_open(w.set.inbound_map, &e);
		assert_non_null(t);
		check_str("the domain",
		    postfix_says(t, "named.example", false, out),
		    cases[i].says);
		check_str("its gateway",
		    find(t, "g=", "mx.named.example", out) ? out : "DUNNO",
		    cases[i].says);
		cdbmap_close(t);
	}
	world_end(&w);
}

static void
test_bounces(void **state)
{
	static const struct {
		const char *client, *says; /* NULL: no row */
	} cases[] = {
	    {"mx.exact.example", CLEAR},
	    {"mx.both.example", CLEAR},
	    {"mx.b.example", CLEAR},
	    {"mx.watched.example", NULL},
	    {"mx.island.example", CLEAR},
	    {"mx.many2.example", CLEAR},
	    {"mx.many3.example", CLEAR},
	    {".cloud.example", NULL},
	};
	struct cdbmap *t;
	char out[512];
	struct world w;
	struct err e;
	size_t i;

	(void)state;
	world_make(&w);
	assert_int_equal(built(&w, NOW), 0);
	t = cdbmap_open(w.set.inbound_map, &e);
	assert_non_null(t);
	assert_true(find(t, "", "<>", out));
	assert_string_equal(out, SIDEMAP_BOUNCE);
	for (i = 0; i < COUNT(cases); i++)
		check_str(cases[i].client,
		    find(t, "g=", cases[i].client, out) ? out : NULL,
		    cases[i].says);
	cdbmap_close(t);
	/* Nobody's gateways: nothing to ask. */
	check_puts(w.set.registry,
	    "partner open domain=open.example\n"
	    "partner token mode=enforced domain=token.example "
	    "gateway=nexthop\n");
	assert_int_equal(built(&w, NOW), 0);
	t = cdbmap_open(w.set.inbound_map, &e);
	assert_non_null(t);
	assert_false(find(t, "", "<>", out));
	cdbmap_close(t);
	world_end(&w);
}

#define ASKED(domain)                                                 \
	"450 4.3.0 Mail from " domain                                 \
	" is accepted with your client certificate only, as agreed: " \
	"we cannot check it at present; this is our mistake. Try again later"

/* A gateway in the domain that names it has the rule of that, or its own. */
static void
test_own(void **state)
{
	static const struct {
		const char *client, *says; /* NULL: no row */
	} cases[] = {
	    {"mx.named.example", ASKED("named.example")},
	    {"in.named.example", ASKED("in.named.example")},
	    {"a.in.named.example", ASKED("in.named.example")},
	    {"mx.plain.example", CLEAR},
	    {"mx.watched.example", NULL},
	};
	struct cdbmap *t;
	char out[512];
	struct world w;
	struct err e;
	size_t i;

	(void)state;
	world_make(&w);
	check_puts(w.set.registry,
	    "partner named mode=enforced domain=named.example,in.named.example "
	    "gateway=mx.named.example,in.named.example,a.in.named.example "
	    "inbound-verify=name\n"
	    "partner plain mode=enforced domain=plain.example "
	    "gateway=mx.plain.example\n"
	    "partner watched mode=enforced domain=watched.example inbound=warn "
	    "gateway=mx.watched.example\n");
	assert_int_equal(built(&w, NOW), 0);
	t = cdbmap_open(w.set.inbound_map, &e);
	assert_non_null(t);
	for (i = 0; i < COUNT(cases); i++)
		check_str(cases[i].client,
		    find(t, "g=", cases[i].client, out) ? out : NULL,
		    cases[i].says);
	cdbmap_close(t);
	world_end(&w);
}

/* Whatever is missing or behind is made anew by the next run. */
static void
test_belongs(void **state)
{
	struct maptable none = {0};
	struct world w;
	struct err e;
	char *old;

	(void)state;
	world_make(&w);
	/* No map: nothing to follow, and nothing to make it from. */
	assert_true(sidemap_current(w.set.inbound_map, w.set.map));
	assert_int_equal(
	    sidemap_publish(&w.set, false, w.set.map, &none, NOW, &e), -1);
	assert_int_equal(e.code, EX_NOINPUT);
	assert_int_equal(built(&w, NOW), 0);
	assert_true(sidemap_current(w.set.inbound_map, w.set.map));

	assert_int_equal(unlink(w.set.inbound_map), 0);
	assert_false(sidemap_current(w.set.inbound_map, w.set.map));
	assert_int_equal(built(&w, NOW), 0);
	check_senders(&w, NOW, CLEAR);

	check_puts(w.set.inbound_map, "no cdb");
	assert_int_equal(built(&w, NOW), 0);
	check_senders(&w, NOW, CLEAR);

	/* Not even a registry is needed. */
	assert_int_equal(unlink(w.set.inbound_map), 0);
	check_puts(w.set.registry, "partner\n");
	assert_int_equal(built(&w, NOW), EX_DATAERR);
	check_senders(&w, NOW, CLEAR);

	/* A table that cannot be written leaves the map alone. */
	check_puts(w.set.registry, "partner new domain=new.example\n");
	assert_int_equal(unlink(w.set.inbound_map), 0);
	old = mem_printf("mkdir %s", w.set.inbound_map);
	assert_int_equal(system(old), 0);
	free(old);
	assert_int_equal(built(&w, NOW), EX_CANTCREAT);
	assert_int_equal(rmdir(w.set.inbound_map), 0);
	check_puts(w.set.registry, registry);
	assert_int_equal(built(&w, NOW), 0);
	check_senders(&w, NOW, CLEAR);
	world_end(&w);
}

/* What smtp_requiretls_policy finds: A-labels without brackets and port. */
static void
test_requiretls(void **state)
{
	static const char with_words[] =
	    "default requiretls=opportunistic operator=x@ours.example\n"
	    "partner acme mode=enforced domain=acme.example,.acme.example\n"
	    "partner strict mode=enforced requiretls=enforce\n"
	    "  domain=[mx.acme.example]:587,[192.0.2.7]\n"
	    "  gateway=mx.strict.example\n"
	    "partner loose domain=loose.example requiretls=disable\n"
	    "partner hop domain=[hop.example] "
	    "requiretls=opportunistic+starttls\n"
	    "partner other domain=mx.acme.example\n"
	    "partner idn mode=enforced domain=m\xc3\xbcnchen.example\n"
	    "partner silent domain=silent.example requiretls=main.cf\n"
	    "partner low mode=enforced domain=low.example,.low.example "
	    "gateway=mx.low.example\n";
	static const struct {
		const char *nexthop, *says;
	} cases[] = {
	    {"acme.example", "opportunistic"},
	    {".acme.example", "opportunistic"},
	    {"mx.acme.example", "enforce"}, /* of two the stricter */
	    {"[mx.acme.example]:587", NULL},
	    {"192.0.2.7", "enforce"},
	    {"loose.example", "disable"},
	    {"hop.example", "opportunistic+starttls"},
	    {"xn--mnchen-3ya.example", "opportunistic"},
	    {"m\xc3\xbcnchen.example", NULL},
	    {"silent.example", NULL},
	    {"low.example", "opportunistic"},
	};
	struct cdbmap *t;
	char out[512];
	struct world w;
	struct err e;
	size_t i, n;

	(void)state;
	world_make(&w);
	free(w.set.postfix_version);
	w.set.postfix_version = mem_dup("3.11.1");
	/* Nobody asks for it. */
	assert_int_equal(built(&w, NOW), 0);
	assert_int_equal(access(w.set.requiretls_map, F_OK), -1);
	check_puts(w.set.registry, with_words);
	/* As compiled; made anew from the map; under a downgrade; after it,
	 * from the map's own records. */
	for (n = 0; n < 4; n++) {
		if (n == 1)
			assert_int_equal(unlink(w.set.requiretls_map), 0);
		if (n == 2)
			lower(&w, DIRECTION_BOTH);
		if (n == 3)
			check_puts(w.set.registry, "partner\n");
		assert_int_equal(built(&w, n == 3 ? NOW + 100 : NOW),
		    n == 3 ? EX_DATAERR : 0);
		assert_true(sidemap_current(w.set.requiretls_map, w.set.map));
		t = cdbmap_open(w.set.requiretls_map, &e);
		assert_non_null(t);
		for (i = 0; i < COUNT(cases); i++)
			check_str(cases[i].nexthop,
			    find(t, "", cases[i].nexthop, out) ? out : NULL,
			    cases[i].says);
		cdbmap_close(t);
	}
	/* Who sends is another matter. */
	t = cdbmap_open(w.set.map, &e);
	assert_non_null(t);
	assert_true(find(t, " g:", "mx.strict.example", out));
	assert_null(strstr(out, "requiretls"));
	cdbmap_close(t);
	/* Postfix goes on asking where nobody has a word any more. */
	check_puts(w.set.registry, registry);
	assert_int_equal(built(&w, NOW + 100), 0);
	t = cdbmap_open(w.set.requiretls_map, &e);
	assert_non_null(t);
	assert_false(find(t, "", "acme.example", out));
	cdbmap_close(t);
	world_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_senders),
	    cmocka_unit_test(test_spare),
	    cmocka_unit_test(test_over_tls),
	    cmocka_unit_test(test_bounces),
	    cmocka_unit_test(test_own),
	    cmocka_unit_test(test_belongs),
	    cmocka_unit_test(test_requiretls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
