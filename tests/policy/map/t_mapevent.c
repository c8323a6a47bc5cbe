/* No map is put in place unrecorded, and what is recorded is true. */
#include "check.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "author.h"
#include "buf.h"
#include "cdbmap.h"
#include "digest.h"
#include "err.h"
#include "ledger_downgrade.h"
#include "mapbuild.h"
#include "mapchange.h"
#include "mapevent.h"
#include "maptable.h"
#include "mem.h"
#include "settings.h"

#define NOW 1795392000 /* 2026-11-23T00:00:00Z */
#define DAY 86400

static char *dir;
static struct settings set;
static struct diags diags;
static time_t now;

/* A main.cf that says may: by postconf itself it takes ten times as long. */
static void
main_cf(void)
{
	char *program = check_path(dir, "postconf"), *path = NULL;

	check_puts(program, "#!/bin/sh\necho may\n");
	assert_int_equal(chmod(program, 0755), 0);
	assert_int_not_equal(asprintf(&path, "%s:/usr/bin:/bin", dir), -1);
	assert_int_equal(setenv("PATH", path, 1), 0);
	free(path);
	free(program);
}

static int
setup(void **state)
{
	static const char *const names[][2] = {{"registry", "registry"},
	    {"ledger", "ledger.db"}, {"map", "policy.cdb"}};
	struct settings_options o = {.file = "/dev/null"};
	char *option[COUNT(names)], pinned[] = "postfix_version=3.7.11";
	char digest[] = "fingerprint_digest=sha256";
	struct err e;
	size_t i;

	(void)state;
	now = NOW;
	dir = check_folder();
	main_cf();
	for (i = 0; i < COUNT(names); i++) {
		assert_int_not_equal(asprintf(&option[i], "%s=%s/%s",
					 names[i][0], dir, names[i][1]),
		    -1);
		settings_option(&o, option[i]);
	}
	settings_option(&o, pinned);
	settings_option(&o, digest);
	if (settings_load(&set, &o, "/dev/null", &diags, &e) == -1)
		fail_msg("%s", e.text);
	for (i = 0; i < COUNT(names); i++)
		free(option[i]);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	diag_free(&diags);
	settings_free(&set);
	check_folder_end(dir);
	return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static int
compile_now(bool *written)
{
	static const struct mapbuild_options opt = {
	    .quiet = true, .accept_weaker = true};
	struct mapbuild b = {0};
	int code = mapbuild_run(&b, &set, &opt, now);

	if (written != NULL)
		*written = b.written;
	mapbuild_release(&b);
	return code;
}

static void
registry(const char *mode)
{
	char *text = NULL;

	assert_int_not_equal(asprintf(&text,
				 "partner a mode=%s domain=a.example "
				 "gateway=mx.a.example contact=x@a.example\n"
				 "partner b mode=enforced domain=b.example "
				 "gateway=mx.b.example contact=x@a.example\n",
				 mode),
	    -1);
	check_puts(set.registry, text);
	free(text);
}

static bool
show_event(const struct ledger_event *ev, void *arg)
{
	buf_printf(arg, "%s: %s\n", ev->kind, ev->text);
	return true;
}

/* All events, a line each; the caller frees it. */
static char *
told(void)
{
	const struct ledger_event_query all = {0};
	struct buf out = {0};
	struct ledger *l;
	struct err e;

	buf_puts(&out, "");
	l = ledger_open(set.ledger, LEDGER_READ, &e);
	if (l != NULL)
		assert_int_equal(
		    ledger_events(l, &all, show_event, &out, &e), 0);
	ledger_close(l);
	return buf_take(&out);
}

static void
check_told(const char *row, const char *want)
{
	char *got = told();

	check_str(row, got == NULL ? "" : got, want);
	free(got);
}

static void
copy_file(const char *from, const char *to)
{
	char *command = NULL;

	assert_int_not_equal(asprintf(&command, "cp '%s' '%s'", from, to), -1);
	assert_int_equal(system(command), 0);
	free(command);
}

#define FIRST "map: the first map, 2 rows\n"
#define WEAKER "map: registry: 1 weaker (a.example secure -> encrypt)\n"
#define STRONGER "map: registry: 1 stronger (a.example encrypt -> secure)\n"

static void
t_edits(void **state)
{
	bool written;

	(void)state;
	registry("enforced");
	assert_int_equal(compile_now(NULL), 0);
	check_told("the ledger is made", FIRST);
	assert_int_equal(compile_now(&written), 0);
	assert_false(written);
	check_told("nothing new", FIRST);
	registry("enforced verify=none");
	assert_int_equal(compile_now(NULL), 0);
	registry("enforced");
	assert_int_equal(compile_now(NULL), 0);
	check_told("an edit is an event", FIRST WEAKER STRONGER);
}

static void
one_partner(const char *words)
{
	char *text = NULL;

	assert_int_not_equal(asprintf(&text,
				 "partner a mode=enforced domain=a.example "
				 "contact=x@a.example %s\n",
				 words),
	    -1);
	check_puts(set.registry, text);
	free(text);
	assert_int_equal(compile_now(NULL), 0);
}

#define MANY                                                               \
	"mx1.first.a.example,mx2.second.a.example,mx3.third.a.example,mx4" \
	".fourth.a.example"

/* Where all is as strong as before, the words that differ are told. */
static void
t_words(void **state)
{
	static const struct {
		const char *was, *is, *told;
	} rows[] = {
	    {"gateway=mx1.a.example", "gateway=mx2.a.example",
		"1 changed (a.example secure match=mx1.a.example -> "
		"secure match=mx2.a.example)"},
	    {"gateway=" MANY, "gateway=" MANY ",mx5.fifth.a.example",
		"1 weaker (a.example secure match=... -> "
		"secure match=mx5.fifth.a.example:...)"},
	    {"gateway=mx1.a.example inbound-verify=name",
		"gateway=mx1.a.example,mx3.a.example inbound-verify=name",
		"1 weaker (a.example secure, inbound require by name "
		"match=mx1.a.example -> secure, inbound require by name "
		"match=mx1.a.example:mx3.a.example mx3.a.example)"},
	    {"gateway=mx1.a.example",
		"gateway=mx1.a.example inbound-action=reject",
		"1 changed (a.example secure defer -> secure reject)"},
	    {"gateway=mx1.a.example", "gateway=mx1.a.example ciphers=medium",
		"1 weaker (a.example secure ciphers=high -> "
		"secure ciphers=medium)"},
	};
	char *got, *want = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		one_partner(rows[i].was);
		one_partner(rows[i].is);
		got = told();
		assert_int_not_equal(
		    asprintf(&want, "map: registry: %s\n", rows[i].told), -1);
		check_has(rows[i].is, got, want);
		free(want);
		free(got);
	}
}

/* A map by hand, an old one taken back, none, and one from before. */
static void
t_by_hand(void **state)
{
	char *old = check_path(dir, "old"), *text;

	(void)state;
	registry("enforced verify=none");
	assert_int_equal(compile_now(NULL), 0);
	copy_file(set.map, old);
	registry("enforced");
	assert_int_equal(compile_now(NULL), 0);
	copy_file(old, set.map);
	assert_int_equal(compile_now(NULL), 0);
	check_told("taken back", FIRST STRONGER
	    "map-failed: the map of event 2 is not in place, but the one "
	    "before it: it was never put there, or taken back by hand; "
	    "2 rows, 2 of them enforced\n" STRONGER);
	assert_int_equal(compile_now(NULL), 0);
	registry("enforced verify=none");
	assert_int_equal(compile_now(NULL), 0);
	registry("enforced");
	assert_int_equal(compile_now(NULL), 0);
	assert_int_equal(unlink(set.ledger), 0);
	copy_file(old, set.map);
	assert_int_equal(compile_now(NULL), 0);
	check_told("a new ledger",
	    "map-found: the map in place was made before maps were recorded, "
	    "or by others; 2 rows, 2 of them enforced\n" STRONGER);
	copy_file(old, set.map);
	registry("enforced verify=none");
	now += 60;
	assert_int_equal(unlink(set.map), 0);
	assert_int_equal(compile_now(NULL), 0);
	check_told("gone",
	    "map-found: the map in place was made before maps were recorded, "
	    "or by others; 2 rows, 2 of them enforced\n" STRONGER
	    "map-unrecorded: the map of event 2 is gone\n"
	    "map: the first map, 2 rows\n");
	copy_file(old, set.map);
	assert_int_equal(compile_now(NULL), 0);
	check_told("other bytes, the same rows",
	    "map-found: the map in place was made before maps were recorded, "
	    "or by others; 2 rows, 2 of them enforced\n" STRONGER
	    "map-unrecorded: the map of event 2 is gone\n"
	    "map: the first map, 2 rows\n"
	    "map-unrecorded: the map was changed without a record: it is not "
	    "that of event 4; 2 rows, 2 of them enforced\n");
	check_puts(set.map, "no map at all");
	assert_int_equal(compile_now(NULL), 0);
	text = told();
	check_has("damaged", text,
	    "map-unrecorded: the map was changed without a record: it is not "
	    "that of event 5; it is damaged\n"
	    "map: in place of a damaged map, 2 rows\n");
	free(text);
	free(old);
}

/* Died between the two: the event is there, the map is not. */
static void
t_died(void **state)
{
	char *fresh = check_path(dir, "fresh");
	struct cdbmap *live, *next;
	struct mapchanges c;
	struct maptable t;
	struct err e;

	(void)state;
	registry("enforced verify=none");
	assert_int_equal(compile_now(NULL), 0);
	copy_file(set.map, fresh);
	registry("enforced");
	assert_int_equal(compile_now(NULL), 0);
	live = cdbmap_open(set.map, &e);
	assert_non_null(live);
	next = cdbmap_open(fresh, &e);
	assert_non_null(next);
	assert_int_equal(maptable_read(&t, next, &e), 0);
	mapchanges(&c, live, &t, false);
	assert_int_equal(mapevent_announce(&set, &c, &(struct mapevent_made){0},
			     fresh, now, &e),
	    0);
	mapchanges_release(&c);
	maptable_release(&t);
	cdbmap_close(next);
	cdbmap_close(live);
	assert_int_equal(compile_now(NULL), 0);
	check_told("said to be so, and then said that it is not",
	    FIRST STRONGER WEAKER
	    "map-failed: the map of event 3 is not in place, but the one "
	    "before it: it was never put there, or taken back by hand; "
	    "2 rows, 2 of them enforced\n");
	free(fresh);
}

/* The ledger cannot be written: what loses nothing goes through. */
static void
t_refused(void **state)
{
	char *map = check_path(dir, "map.before");
	bool written;
	int code;

	(void)state;
	registry("enforced verify=none");
	assert_int_equal(compile_now(NULL), 0);
	check_puts(set.ledger, "this is no database, but long enough to be "
			       "taken for one by a careless reader of it");
	registry("enforced");
	code = compile_now(&written);
	check_int("stronger", code, EX_DATAERR);
	check_true("stronger", written);
	copy_file(set.map, map);
	registry("enforced verify=none");
	code = compile_now(&written);
	check_int("weaker", code, EX_DATAERR);
	check_true("weaker", !written);
	registry("enforced");
	code = compile_now(&written);
	check_true("the map is as it was", !written);
	assert_int_equal(unlink(set.ledger), 0);
	registry("enforced inbound=off");
	code = compile_now(&written);
	check_int("with a ledger", code, 0);
	check_true("with a ledger", written);
	check_told("what went through before is found",
	    "map-found: the map in place was made before maps were recorded, "
	    "or by others; 2 rows, 2 of them enforced\n"
	    "map: registry: 1 weaker (a.example secure -> secure, inbound "
	    "off)\n");
	free(map);
}

static bool
take_data(const struct ledger_event *ev, void *arg)
{
	*(json_t **)arg = json_loads(ev->data, 0, NULL);
	return true;
}

static void
add_name(const struct ledger_event *ev, const char *name, void *arg)
{
	(void)ev;
	buf_printf(arg, "%s ", name);
}

#define NONE "enforced verify=none"

/* SHA-256 of the lines of p50 to p69, as the page of the module has them. */
static const char *
rest_wanted(void)
{
	static char hex[DIGEST_HEX];
	static const char strong[] = "secure match=mx.example "
				     "protocols=>=TLSv1.2 ciphers=high";
	static const char weak[] = "encrypt protocols=>=TLSv1.2 ciphers=high";
	struct digest *g = digest_new();
	struct buf line = {0};
	unsigned i;

	for (i = 50; i < 70; i++) {
		buf_clear(&line);
		buf_printf(&line, "p%02u.example\t%s\t%s\t%s\n", i,
		    i < 60 ? "weaker" : "stronger", i < 60 ? strong : weak,
		    i < 60 ? weak : strong);
		digest_add(g, line.data, line.len);
	}
	buf_free(&line);
	digest_hex(g, hex);
	return hex;
}

/* Whom they took something from, each once: the named ones are above. */
static void
check_rest(json_t *data)
{
	const json_t *rest = json_object_get(data, "rest");
	char *text = json_dumps(data, 0);
	const struct ledger_event ev = {.kind = "map", .data = text};
	struct mapevent_rest out;
	struct buf names = {0};

	check_true(
	    "there is a rest", mapevent_rest(&ev, add_name, &names, &out));
	check_str(
	    "who", names.data, "p50 p51 p52 p53 p54 p55 p56 p57 p58 p59 ");
	check_int("rows", out.rows, 20);
	check_int("lost", out.lost, 10);
	check_int("whose", out.losers, 10);
	check_true("counted", out.counted);
	check_int("no more partners", out.partners, 0);
	check_int("as it stands there",
	    json_array_size(json_object_get(rest, "partners")), 10);
	free(text);
	buf_free(&names);
}

#define WORDS(level, was, is)                                                  \
	"{\"change\":\"weaker\",\"cause\":\"registry\",\"was\":\"" level       \
	"\",\"is\":\"" level "\",\"was_words\":\"" was "\",\"is_words\":\"" is \
	"\"}"

/* What is less at the same level, and what is one more gateway. */
static void
t_weakens(void **state)
{
	static const struct {
		const char *row;
		bool weakens;
	} rows[] = {
	    {WORDS("secure", "match=mx1.a", "match=mx1.a:mx2.a"), false},
	    {WORDS("secure", "match=...", "match=...:mx2.a:mx3.b"), false},
	    {WORDS("secure", "match=.a:mx1.b", "match=mx1.b:.a:mx2.b"), false},
	    {WORDS("secure", "", "match=nexthop:dot-nexthop:mx.b"), false},
	    {WORDS("secure", "match=mx1.a", "match=mx1.a:.a"), true},
	    {WORDS("secure", "match=mx1.a", "match=mx1.a:hostname"), true},
	    {WORDS("secure", "match=nexthop", "match=nexthop:dot-nexthop"),
		true},
	    {WORDS("secure", "match=a protocols=>=TLSv1.2",
		 "match=a:b protocols=>=TLSv1.1"),
		true},
	    {WORDS("secure", "protocols=>=TLSv1.2", "protocols=>=TLSv1.1"),
		true},
	    {WORDS("key", "match=aa", "match=aa|bb"), true},
	    {WORDS("secure", "", ""), true},
	    {"{}", false},
	};
	char *cut = mem_printf(WORDS("secure", "match=a", "match=a:%0510d"), 1);
	json_t *row;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row = json_loads(rows[i].row, 0, NULL);
		check_int(rows[i].row, mapevent_weakens(row), rows[i].weakens);
		json_decref(row);
	}
	row = json_loads(cut, 0, NULL);
	check_true("what is cut off is not known", mapevent_weakens(row));
	json_decref(row);
	free(cut);
}

/* An older version counts what it does not name, and no more. */
static void
t_older(void **state)
{
	const struct ledger_event ev = {.kind = "map",
	    .data = "{\"rows\":[],\"rest\":{\"n\":3,\"sha256\":\"ab\"}}"};
	struct mapevent_rest out;

	(void)state;
	check_true("there is a rest", mapevent_rest(&ev, NULL, NULL, &out));
	check_int("rows", out.rows, 3);
	check_true("of whom is not known", !out.counted);
}

/* More rows than an event names: the rest is a number and a digest. */
static void
t_bound(void **state)
{
	struct ledger_event_query q = {.newest_first = true, .limit = 1};
	json_t *data = NULL;
	struct buf text = {0};
	struct ledger *l;
	struct err e;
	unsigned i, k;

	(void)state;
	for (k = 0; k < 2; k++) {
		buf_clear(&text);
		for (i = 0; i < 70; i++)
			buf_printf(&text,
			    "partner p%02u mode=%s domain=p%02u.example "
			    "gateway=mx.example contact=x@a.example\n",
			    i,
			    k == 0 ? (i < 60 ? "enforced" : NONE)
				   : (i < 60 ? NONE : "enforced"),
			    i);
		check_puts(set.registry, text.data);
		assert_int_equal(compile_now(NULL), 0);
	}
	buf_free(&text);
	l = ledger_open(set.ledger, LEDGER_READ, &e);
	assert_non_null(l);
	assert_int_equal(ledger_events(l, &q, take_data, &data, &e), 0);
	ledger_close(l);
	check_int("named", json_array_size(json_object_get(data, "rows")),
	    MAPEVENT_NAMED);
	for (i = 0; i < MAPEVENT_NAMED; i++)
		check_str("weaker ones first",
		    json_string_value(json_object_get(
			json_array_get(json_object_get(data, "rows"), i),
			"change")),
		    "weaker");
	check_int("the rest",
	    json_integer_value(
		json_object_get(json_object_get(data, "rest"), "n")),
	    20);
	check_str("its digest",
	    json_string_value(
		json_object_get(json_object_get(data, "rest"), "sha256")),
	    rest_wanted());
	check_int("all",
	    json_integer_value(
		json_object_get(json_object_get(data, "changes"), "weaker")),
	    60);
	check_rest(data);
	json_decref(data);
}

/* --- Many edits ------------------------------------------------------- */

#define EDITS 300
#define PARTNERS 8

/* The demands of a map, or of a replay, by key. */
struct demands {
	struct {
		char *key, *row, *text;
	} v[256];
	size_t n;
};

static void
demand_set(
    struct demands *d, const char *key, const char *row, const char *text)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (strcmp(d->v[i].key, key) == 0) {
			free(d->v[i].key);
			free(d->v[i].row);
			free(d->v[i].text);
			d->v[i] = d->v[--d->n];
			break;
		}
	if (text == NULL)
		return;
	assert_true(d->n < COUNT(d->v));
	d->v[d->n].key = strdup(key);
	d->v[d->n].row = strdup(row);
	d->v[d->n++].text = strdup(text);
}

static void
demands_free(struct demands *d)
{
	while (d->n > 0)
		demand_set(d, d->v[0].key, NULL, NULL);
}

static bool
same_demands(const struct demands *a, const struct demands *b)
{
	size_t i, k;

	for (i = 0; i < a->n; i++) {
		for (k = 0; k < b->n; k++)
			if (strcmp(a->v[i].key, b->v[k].key) == 0 &&
			    strcmp(a->v[i].row, b->v[k].row) == 0 &&
			    strcmp(a->v[i].text, b->v[k].text) == 0)
				break;
		if (k == b->n)
			return false;
	}
	return a->n == b->n;
}

/* What the live map demands, by a walk of its own. */
static void
read_live(struct demands *d)
{
	struct mapdemand m;
	const char *key, *value;
	struct buf text = {0};
	char name[512], record[512];
	struct cdbmap *live;
	size_t klen, vlen;
	unsigned pos = 0;
	struct err e;
	bool client;

	demands_free(d);
	live = cdbmap_open(set.map, &e);
	assert_non_null(live);
	while (cdbmap_next(live, &pos, &key, &klen, &value, &vlen) ==
	       CDBMAP_FOUND) {
		client = klen > 3 && memcmp(key, " g:", 3) == 0;
		if (key[0] == ' ' && !client)
			continue;
		m = (struct mapdemand){0};
		if (client) {
			m.record = value;
			m.recordlen = vlen;
		} else {
			m.row = value;
			m.rowlen = vlen;
			(void)snprintf(
			    record, sizeof(record), " d:%.*s", (int)klen, key);
			if (cdbmap_get(live, record, strlen(record), &m.record,
				&m.recordlen) != CDBMAP_FOUND)
				m.record = NULL;
		}
		buf_clear(&text);
		mapdemand_print(&m, client, &text);
		(void)snprintf(name, sizeof(name), "%s%.*s", client ? "g:" : "",
		    (int)(client ? klen - 3 : klen), client ? key + 3 : key);
		(void)snprintf(record, sizeof(record), "%.*s",
		    client ? 0 : (int)vlen, value);
		demand_set(d, name, record, text.data);
	}
	buf_free(&text);
	cdbmap_close(live);
}

struct replay {
	struct demands demands;
	char after[80]; /* digest, of the last event */
	int64_t seq;
	size_t maps;
	bool ok;
};

static const char *
text_of(json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s == NULL ? "" : s;
}

static bool
replay_event(const struct ledger_event *ev, void *arg)
{
	struct replay *r = arg;
	json_t *data, *row;
	char key[512];
	size_t i;

	r->seq = ev->seq;
	if (strncmp(ev->kind, "downgrade-", 10) == 0)
		return true;
	r->ok = r->ok && strcmp(ev->kind, "map") == 0;
	data = json_loads(ev->data, 0, NULL);
	r->ok = r->ok && strcmp(text_of(data, "before"), r->after) == 0;
	(void)snprintf(
	    r->after, sizeof(r->after), "%s", text_of(data, "after"));
	r->ok = r->ok && json_integer_value(json_object_get(
			     json_object_get(data, "rest"), "n")) == 0;
	json_array_foreach(json_object_get(data, "rows"), i, row)
	{
		(void)snprintf(key, sizeof(key), "%s%s",
		    json_is_true(json_object_get(row, "client")) ? "g:" : "",
		    text_of(row, "key"));
		demand_set(&r->demands, key, text_of(row, "is_row"),
		    strcmp(text_of(row, "is"), "nothing") == 0
			? NULL
			: text_of(row, "is"));
	}
	json_decref(data);
	r->maps++;
	return true;
}

#define PIN                                                                 \
	"AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA" \
	":AA:AA:AA:AA:AA:AA:AA:AA:AA:AA"

/* What a partner says: a choice of each. */
static const char *const words[][5] = {
    {" domain=p%u.example", " domain=p%u.example,.p%u.example",
	" domain=x.p%u.example"},
    {" mode=enforced", " mode=enforced", " mode=opportunistic"},
    {" verify=name", " verify=none", " verify=key key=" PIN, " verify=dane"},
    {" gateway=mx1.host.example", " gateway=mx2.host.example",
	" gateway=mx1.host.example,mx2.host.example", " gateway=mx.p%u.example",
	" gateway=nexthop"},
    {"", " inbound=off", " inbound=warn", " inbound=require"},
    {"", " inbound-verify=name", " inbound-verify=key key=" PIN},
    {"", " inbound-action=reject"},
    {"", " min-tls=TLSv1.2", " min-tls=TLSv1.3"},
    {"", " ciphers=medium"},
};

#define NWORDS COUNT(words)

/* Of each partner: which words, and whether it is left out. */
static unsigned char choice[PARTNERS][NWORDS + 1];

/* The word, with the number for each %u in it. */
static void
print_word(FILE *f, const char *word, unsigned i)
{
	for (; *word != '\0'; word++)
		if (word[0] == '%' && word[1] == 'u') {
			(void)fprintf(f, "%u", i);
			word++;
		} else {
			(void)fputc(*word, f);
		}
}

static void
write_registry(void)
{
	FILE *f = fopen(set.registry, "w");
	unsigned i, k, n;

	assert_non_null(f);
	for (i = 0; i < PARTNERS; i++) {
		if (choice[i][NWORDS] % 2 == 1)
			continue;
		(void)fprintf(f, "partner p%u contact=x@a.example", i);
		for (k = 0; k < NWORDS; k++) {
			for (n = 0; n < 5 && words[k][n] != NULL; n++)
				;
			print_word(f, words[k][choice[i][k] % n], i);
		}
		(void)fputc('\n', f);
	}
	assert_int_equal(fclose(f), 0);
}

/* Begin, extend or restore a downgrade; it may well be refused. */
static void
random_downgrade(void)
{
	char name[8];
	struct ledger_downgrade d = {.partner = name,
	    .before = LEVEL_SECURE,
	    .after = random() % 2 ? LEVEL_ENCRYPT : LEVEL_OPPORTUNISTIC,
	    .begin = now,
	    .end = now + 60 * (1 + random() % 7),
	    .reason = "test",
	    .author = "test"};
	struct ledger *l;
	int64_t id = 1 + random() % 60;
	struct err e;

	(void)snprintf(name, sizeof(name), "p%ld", random() % PARTNERS);
	if ((l = ledger_open(set.ledger, LEDGER_WRITE, &e)) == NULL)
		fail_msg("%s", e.text);
	switch (random() % 4) {
	case 0:
		(void)ledger_downgrade_close(l, id, "test", "", now, &e);
		break;
	case 1:
		(void)ledger_downgrade_extend(
		    l, id, now + 400, "test", "", now, &e);
		break;
	default:
		(void)ledger_downgrade_begin(l, &d, now, &id, &e);
	}
	ledger_close(l);
}

static void
random_edit(void)
{
	if (random() % 4 == 0)
		random_downgrade();
	else
		choice[random() % PARTNERS][random() % (NWORDS + 1)]++;
	write_registry();
}

static void
replay(struct replay *r)
{
	struct ledger_event_query q = {.after = r->seq};
	struct ledger *l;
	struct err e;

	l = ledger_open(set.ledger, LEDGER_READ, &e);
	assert_non_null(l);
	assert_int_equal(ledger_events(l, &q, replay_event, r, &e), 0);
	ledger_close(l);
}

static void
t_many(void **state)
{
	struct replay r = {.ok = true};
	struct demands was = {0}, is = {0};
	size_t i, maps = 0, failed = 0, differ = 0;
	bool written;

	(void)state;
	srandom(1);
	for (i = 0; i < EDITS; i++, now += 10) {
		if (i == 0)
			write_registry();
		else
			random_edit();
		failed += compile_now(&written) != 0;
		maps += written;
		read_live(&is);
		replay(&r);
		/* The first map is not told by row. */
		if (i == 0)
			read_live(&r.demands);
		if (!r.ok || r.maps != maps ||
		    (i > 0 && !written && !same_demands(&was, &is)) ||
		    !same_demands(&r.demands, &is))
			fail_msg(
			    "edit %zu: %zu maps, %zu events", i, maps, r.maps);
		differ += !same_demands(&was, &is);
		read_live(&was);
	}
	/* It was no idle run. */
	check_true("few fail", failed < EDITS / 4);
	check_true("many differ", differ > EDITS / 4);
	demands_free(&was);
	demands_free(&is);
	demands_free(&r.demands);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_edits),
	    CASE(t_words),
	    CASE(t_by_hand),
	    CASE(t_died),
	    CASE(t_refused),
	    CASE(t_bound),
	    CASE(t_weakens),
	    CASE(t_older),
	    CASE(t_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
