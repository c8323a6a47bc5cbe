/* Whose a domain was, and whose record leads to nobody any more. */
#include "check.h"

#include "diag.h"
#include "err.h"
#include "ledger_downgrade.h"
#include "mapowner.h"
#include "registry.h"

#define NOW 1795392000 /* 2026-11-23T00:00:00Z */

static void
add_map(struct ledger *l, time_t now, const char *rows)
{
	struct ledger_event ev = {
	    .time = now, .kind = "map", .author = "me", .text = "a map"};
	char *data = NULL;
	struct err e;

	assert_int_not_equal(asprintf(&data, "{\"rows\":[%s]}", rows), -1);
	ev.data = data;
	assert_int_equal(ledger_event_add(l, &ev, &e), 0);
	free(data);
}

static void
lower(struct ledger *l, time_t now, const char *partner, const char *domain)
{
	const struct ledger_downgrade d = {.partner = partner,
	    .before = LEVEL_SECURE,
	    .after = LEVEL_ENCRYPT,
	    .begin = now,
	    .end = now + 10,
	    .reason = "test",
	    .author = "me",
	    .domains = &domain,
	    .ndomains = 1};
	struct err e;
	int64_t id;

	assert_int_equal(ledger_downgrade_begin(l, &d, now, &id, &e), 0);
}

#define ROW(key, is, was)                                              \
	"{\"key\":\"" key "\",\"partner\":" is ",\"partner_was\":" was \
	",\"client\":false}"
#define A_FIRST ROW("a.example", "\"a\"", "null")

/* Of what happens: a verb and two words, then a map with such rows. */
struct happens {
	const char *map, *verb, *one, *two;
};

static const struct {
	const char *name;
	struct happens v[4]; /* an hour after another */
	const char *registry;
	const char *lost, *domain; /* of its first partner; NULL: none */
	bool alone;
} rows[] = {
    {"nothing is on record", {{0}}, "partner b domain=a.example\n", NULL, NULL,
	false},
    {"it has the name it had", {{.map = A_FIRST}},
	"partner a domain=a.example\n", NULL, NULL, false},
    {"another name", {{.map = A_FIRST}}, "partner b domain=a.example\n", "a",
	"a.example", false},
    {"another name and another domain", {{.map = A_FIRST}},
	"partner b domain=b.example\n", NULL, NULL, false},
    {"the second of its domains", {{.map = A_FIRST}},
	"partner b domain=b.example,a.example\n", "a", "a.example", false},
    {"which is said", {{.map = A_FIRST}},
	"partner b domain=a.example former=a\n", NULL, NULL, false},
    {"and was recorded", {{.map = A_FIRST}, {NULL, "rename", "a", "b"}},
	"partner b domain=a.example\n", NULL, NULL, false},
    {"from one that stays", {{.map = A_FIRST}},
	"partner b domain=a.example\npartner a domain=b.example\n", NULL, NULL,
	false},
    {"from one that has another name",
	{{.map = A_FIRST}, {NULL, "rename", "a", "c"}},
	"partner b domain=a.example\npartner c domain=b.example\n", NULL, NULL,
	false},
    {"taken out, come back under another name",
	{{.map = A_FIRST}, {.map = ROW("a.example", "null", "\"a\"")}},
	"partner b domain=a.example\n", "a", "a.example", false},
    {"had by others since",
	{{.map = A_FIRST}, {.map = ROW("a.example", "\"b\"", "\"a\"")}},
	"partner b domain=a.example\n", NULL, NULL, false},
    {"which counts if that one has nothing else",
	{{.map = A_FIRST}, {.map = ROW("a.example", "\"b\"", "\"a\"")}},
	"partner b domain=a.example\n", "a", "a.example", true},
    {"which the event itself tells",
	{{.map = ROW("a.example", "\"b\"", "\"a\"")}},
	"partner b domain=a.example\n", "a", "a.example", true},
    {"of several the last one",
	{{.map = A_FIRST}, {.map = ROW("a.example", "\"c\"", "\"a\"")},
	    {.map = ROW("a.example", "null", "\"c\"")},
	    {.map = ROW("a.example", "\"b\"", "null")}},
	"partner b domain=a.example\n", "c", "a.example", true},
    {"nobody else had it", {{.map = A_FIRST}}, "partner a domain=a.example\n",
	NULL, NULL, true},
    {"one that is there had it", {{.map = ROW("a.example", "\"b\"", "\"a\"")}},
	"partner b domain=a.example\npartner a domain=b.example\n", NULL, NULL,
	true},
    {"given up with a rename",
	{{.map = A_FIRST},
	    {ROW("a.example", "null", "\"a\""), "rename", "a", "c"}},
	"partner b domain=a.example\npartner c domain=b.example\n", NULL, NULL,
	false},
    {"a rename that is taken back",
	{{.map = A_FIRST}, {NULL, "rename", "a", "b"}},
	"partner a domain=a.example\n", "b", NULL, false},
    {"whatever its domains are", {{NULL, "rename", "a", "b"}},
	"partner a domain=c.example\n", "b", NULL, false},
    {"which is said", {{NULL, "rename", "a", "b"}},
	"partner a domain=a.example former=b\n", NULL, NULL, false},
    {"and was recorded",
	{{.map = A_FIRST}, {NULL, "rename", "a", "b"},
	    {NULL, "rename", "b", "a"}},
	"partner a domain=a.example\n", NULL, NULL, false},
    {"through several names",
	{{.map = A_FIRST}, {NULL, "rename", "a", "b"},
	    {NULL, "rename", "b", "c"}},
	"partner a domain=a.example\n", "c", NULL, false},
    {"a name that went on and is in use", {{NULL, "rename", "a", "b"}},
	"partner a domain=c.example\npartner b domain=a.example\n", NULL, NULL,
	false},
    {"a downgrade tells it, too", {{NULL, "lower", "a", "a.example"}},
	"partner b domain=a.example\n", "a", "a.example", false},
    {"what is later counts",
	{{.map = A_FIRST}, {NULL, "lower", "b", "a.example"}},
	"partner b domain=a.example\n", NULL, NULL, false},
    {"also of the other kind",
	{{NULL, "lower", "a", "a.example"},
	    {.map = ROW("a.example", "\"b\"", "\"a\"")}},
	"partner b domain=a.example\n", NULL, NULL, false},
    {"inbound rows are no domains",
	{{.map = "{\"key\":\"a.example\",\"partner\":\"a\",\"client\":true}"}},
	"partner b domain=a.example\n", NULL, NULL, false},
    {"older events name nobody",
	{{.map = A_FIRST}, {.map = "{\"key\":\"a.example\",\"client\":false}"}},
	"partner b domain=a.example\n", "a", "a.example", false},
    {"what is no event is none", {{.map = "7,null,{\"key\":3,\"partner\":{}}"}},
	"partner b domain=a.example\n", NULL, NULL, false},
};

static void
happen(struct ledger *l, const struct happens *h, time_t now)
{
	struct err e;

	if (h->verb != NULL && strcmp(h->verb, "lower") == 0)
		lower(l, now, h->one, h->two);
	else if (h->verb != NULL)
		assert_int_equal(
		    ledger_rename(l, h->one, h->two, "me", now, &e), 1);
	if (h->map != NULL)
		add_map(l, now, h->map);
}

static void
test_lost(void **state)
{
	const char *lost, *domain;
	struct mapowners o;
	struct diags d;
	struct registry *r;
	struct ledger *l;
	struct err e;
	char *dir = check_folder(), *path;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_not_equal(asprintf(&path, "%s/%zu.db", dir, i), -1);
		l = ledger_open(path, LEDGER_WRITE, &e);
		assert_non_null(l);
		for (k = 0; k < COUNT(rows[i].v); k++)
			happen(l, &rows[i].v[k], NOW + (time_t)k * 3600);
		d = (struct diags){0};
		r = registry_parse("registry", rows[i].registry,
		    strlen(rows[i].registry), NOW, &d);
		check_int(rows[i].name, d.errors, 0);
		check_int(rows[i].name, mapowners_read(l, true, &o, &e), 0);
		lost = mapowners_lost(
		    &o, r, &r->partner[0], rows[i].alone, &domain);
		check_str(rows[i].name, lost == NULL ? "" : lost,
		    rows[i].lost == NULL ? "" : rows[i].lost);
		check_str(rows[i].name, domain == NULL ? "" : domain,
		    rows[i].domain == NULL ? "" : rows[i].domain);
		mapowners_release(&o);
		diag_free(&d);
		registry_free(r);
		ledger_close(l);
		free(path);
	}
	check_folder_end(dir);
}

/* Without domains the renames alone are read. */
static void
test_of(void **state)
{
	const struct mapowner *was;
	struct mapowners o;
	struct ledger *l;
	struct err e;
	char *dir = check_folder(), *path = check_path(dir, "ledger.db");

	(void)state;
	l = ledger_open(path, LEDGER_WRITE, &e);
	assert_non_null(l);
	add_map(l, NOW, A_FIRST);
	add_map(l, NOW + 1, ROW("a.example", "null", "\"a\""));
	assert_int_equal(mapowners_read(l, false, &o, &e), 0);
	assert_null(mapowners_of(&o, "a.example"));
	mapowners_release(&o);
	assert_int_equal(mapowners_read(l, true, &o, &e), 0);
	assert_null(mapowners_of(&o, "b.example"));
	was = mapowners_of(&o, "a.example");
	assert_non_null(was);
	assert_string_equal(was->name, "a");
	assert_true(was->gone);
	assert_int_equal(was->time, NOW + 1);
	mapowners_release(&o);
	ledger_close(l);
	check_folder_end(dir);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lost),
	    cmocka_unit_test(test_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
