#include "check.h"

#include <fcntl.h>

#include "buf.h"
#include "cdbmap.h"
#include "err.h"
#include "settings.h"
#include "mapchange.h"
#include "maptable.h"

struct text_row {
	const char *key, *text;
	bool lowered;
};

/* Two maps, and what becomes of the first one. */
static const struct {
	const char *name;
	struct text_row live[6]; /* no key: end */
	struct text_row rows[6];
	const char *want; /* "CHANGE KEY" of what differs, '\n' behind */
	size_t lost, enforced;
	size_t records; /* that differ */
} cases[] = {
    {"nothing", {{0}}, {{0}}, "", 0, 0, 0},
    {"equal", {{"a", "secure", false}, {"b", "may", false}},
	{{"a", "secure", false}, {"b", "may", false}}, "", 0, 1, 0},
    {"equal in another order", {{"a", "secure", false}, {"b", "may", false}},
	{{"b", "may", false}, {"a", "secure", false}}, "", 0, 1, 0},
    {"added", {{"a", "may", false}},
	{{"a", "may", false}, {"b", "secure", false}}, "added b\n", 0, 0, 0},
    {"removed", {{"a", "secure", false}, {"b", "may", false}}, {{0}},
	"removed a\nremoved b\n", 1, 1, 0},
    {"weaker", {{"a", "secure", false}}, {{"a", "may", false}}, "weaker a\n", 1,
	1, 0},
    {"stronger", {{"a", "may", false}}, {{"a", "secure", false}},
	"stronger a\n", 0, 0, 0},
    {"changed", {{"a", "secure match=a", false}},
	{{"a", "secure match=b", false}}, "changed a\n", 0, 1, 0},
    {"lowered on purpose", {{"a", "secure", false}, {"b", "secure", false}},
	{{"a", "may", true}, {"b", "encrypt", true}}, "weaker a\nweaker b\n", 0,
	2, 0},
    {"one added, one removed", {{"a", "secure", false}},
	{{"b", "secure", false}}, "added b\nremoved a\n", 1, 1, 0},
    {"weaker among the opportunistic", {{"a", "dane", false}},
	{{"a", "may", false}}, "weaker a\n", 0, 0, 0},
    {"what Postfix holds all mail for protects nobody",
	{{"a", "what", false}, {"b", "secure match=", false},
	    {"c", "encrypt match=c", false}, {"d", "secure match=d", false}},
	{{"b", "may", false}}, "changed b\nremoved a\nremoved c\nremoved d\n",
	1, 1, 0},
    {"nor does what it never asks for",
	{{"*", "encrypt", false}, {"joe@a", "secure", false},
	    {"*.a", "secure", false}, {"/a/", "secure", false},
	    {".a", "secure", false}, {"192.0.2.1", "encrypt", false}},
	{{0}},
	"removed *\nremoved joe@a\nremoved *.a\nremoved /a/\nremoved .a\n"
	"removed 192.0.2.1\n",
	2, 2, 0},
    {"verify is secure, if it has the same names",
	{{"a", "verify match=a:b", false},
	    {"b", "secure match=a match=b", false},
	    {"c", "verify match=a", false}, {"d", "verify match=a", false}},
	{{"a", "secure match=b:a", false}, {"b", "verify match=a:b", false},
	    {"c", "secure match=a:b", false}, {"d", "secure match=b", false}},
	"same a\nsame b\nweaker c\nchanged d\n", 1, 4, 0},
    {"the header is no row",
	{{" header", "format=1", false}, {"a", "may", false}},
	{{"a", "may", false}}, "", 0, 0, 0},
    {"records are no rows, but differ",
	{{" d:a", "inbound=warn", false}, {" d:b", "inbound=off", false},
	    {"a", "may", false}},
	{{"a", "may", false}, {" d:a", "inbound=off", false},
	    {" g:c", "inbound=off", false}},
	"", 0, 0, 3},
    {"records that are equal",
	{{" d:a", "inbound=warn", false}, {"a", "secure", false}},
	{{" d:a", "inbound=warn", false}, {"a", "secure", false}}, "", 0, 1, 0},
    {"a record weighs nothing for the guard",
	{{" d:a", "secure match=a", false}, {"a", "secure", false}},
	{{"a", "secure", false}}, "", 0, 1, 1},
};

static struct cdbmap *
write_live(const char *path, const struct text_row *v)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct cdbmap_writer *w = cdbmap_create(fd);
	struct cdbmap *m;
	struct err e;

	for (; v->key != NULL; v++)
		assert_int_equal(cdbmap_add(w, v->key, strlen(v->key), v->text,
				     strlen(v->text), &e),
		    0);
	assert_int_equal(cdbmap_finish(w, &e), 0);
	close(fd);
	m = cdbmap_open(path, &e);
	assert_non_null(m);
	return m;
}

static struct maptable
table_of(const struct text_row *v)
{
	struct maptable t = {0};
	uint32_t i;

	for (; v->key != NULL; v++) {
		i = maptable_add(
		    &t, v->key, strlen(v->key), v->text, strlen(v->text));
		t.row[i].lowered = v->lowered;
	}
	return t;
}

static void
t_diff(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "m.cdb");
	struct maptable t;
	struct mapchanges d;
	struct cdbmap *live;
	struct buf b = {0};
	size_t i, j, lost;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;

		live = write_live(path, cases[i].live);
		t = table_of(cases[i].rows);
		mapchanges(&d, live, &t, true);
		buf_clear(&b);
		buf_puts(&b, "");
		for (j = lost = 0; j < d.n; j++) {
			lost += d.v[j].lost;
			if (!d.v[j].client && d.v[j].row != CHANGE_NONE)
				buf_printf(&b, "%s %.*s\n",
				    d.v[j].same ? "same"
						: change_name(d.v[j].row),
				    (int)d.v[j].keylen, d.v[j].key);
		}
		check_int(name, lost, cases[i].lost);
		check_str(name, b.data, cases[i].want);
		check_int(name, d.records, cases[i].records);
		check_int(name, d.lost, cases[i].lost);
		check_int(name, d.live_enforced, cases[i].enforced);
		check_int(name, d.any,
		    *cases[i].want != '\0' || cases[i].records > 0);
		check_true(name, !d.damaged);
		mapchanges_release(&d);
		/* The counts are the same without the list. */
		mapchanges(&d, live, &t, false);
		check_int(name, d.lost, cases[i].lost);
		check_int(name, d.any,
		    *cases[i].want != '\0' || cases[i].records > 0);
		mapchanges_release(&d);
		maptable_release(&t);
		cdbmap_close(live);
	}
	buf_free(&b);
	free(path);
	check_folder_end(dir);
}

static void
t_no_live(void **state)
{
	static const struct text_row rows[] = {{"a", "secure", false},
	    {"b", "may", false}, {" d:b", "x", false}, {NULL, NULL, false}};
	struct maptable t = table_of(rows);
	struct mapchanges d;

	(void)state;
	mapchanges(&d, NULL, &t, true);
	assert_int_equal(d.row[CHANGE_ADDED], 2);
	assert_int_equal(d.lost, 0);
	assert_int_equal(d.was.format, 0);
	assert_null(d.v[0].was.row);
	assert_string_equal(d.v[0].is.row, "secure");
	assert_int_equal(d.n, 2);
	assert_int_equal(d.records, 1);
	mapchanges_release(&d);
	/* Only counted, with the same result. */
	mapchanges(&d, NULL, &t, false);
	assert_int_equal(d.row[CHANGE_ADDED], 2);
	assert_int_equal(d.records, 1);
	assert_int_equal(d.lost, 0);
	assert_null(d.v);
	mapchanges_release(&d);
	maptable_release(&t);
}

static void
t_header(void **state)
{
	static const struct text_row live[] = {
	    {" header", "format=1 domains=5 expires=never", false},
	    {"a", "may", false}, {NULL, NULL, false}};
	static const struct text_row bad[] = {
	    {" header", "format=9", false}, {NULL, NULL, false}};
	char *dir = check_folder(), *path = check_path(dir, "m.cdb");
	struct maptable t = {0};
	struct mapchanges d;
	struct cdbmap *m;

	(void)state;
	m = write_live(path, live);
	mapchanges(&d, m, &t, false);
	assert_int_equal(d.was.format, 1);
	assert_int_equal(d.was.domains, 5);
	mapchanges_release(&d);
	cdbmap_close(m);
	m = write_live(path, bad);
	mapchanges(&d, m, &t, false);
	assert_int_equal(d.was.format, 0);
	mapchanges_release(&d);
	cdbmap_close(m);
	free(path);
	check_folder_end(dir);
}

/* A row whose length is nonsense: said, and a reason to write anew. */
static void
t_damaged(void **state)
{
	static const struct text_row live[] = {
	    {"a", "secure", false}, {NULL, NULL, false}};
	char *dir = check_folder(), *path = check_path(dir, "m.cdb");
	struct maptable t = table_of(live);
	struct mapchanges d;
	struct cdbmap *m;
	struct err e;
	int fd;

	(void)state;
	cdbmap_close(write_live(path, live));
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\x7f", 4, 2048 + 4), 4);
	close(fd);
	m = cdbmap_open(path, &e);
	assert_non_null(m);
	mapchanges(&d, m, &t, true);
	assert_true(d.damaged);
	assert_true(d.any);
	mapchanges_release(&d);
	maptable_release(&t);
	cdbmap_close(m);
	free(path);
	check_folder_end(dir);
}

static const struct {
	const char *limit;
	size_t enforced, lost;
	bool want;
	size_t allowed;
} guards[] = {
    {"10%", 0, 0, false, 2},
    {"10%", 1, 1, false, 2},
    {"10%", 2, 2, false, 2},
    {"10%", 3, 3, true, 2},
    {"10%", 29, 3, true, 2},
    {"10%", 30, 3, false, 3},
    {"10%", 39, 4, true, 3},
    {"10%", 1000, 100, false, 100},
    {"10%", 1000, 101, true, 100},
    {"0%", 1000, 2, false, 2},
    {"0%", 1000, 3, true, 2},
    {"100%", 1000, 1000, false, 1000},
    {"0", 1000, 0, false, 0},
    {"0", 1000, 1, true, 0},
    {"1", 1000, 1, false, 1},
    {"5", 3, 3, false, 5},
};

static void
t_guard(void **state)
{
	struct mapchanges d = {0};
	char row[64];
	size_t i, allowed;

	(void)state;
	for (i = 0; i < COUNT(guards); i++) {
		(void)snprintf(row, sizeof(row), "%s: %zu of %zu",
		    guards[i].limit, guards[i].lost, guards[i].enforced);
		d.live_enforced = guards[i].enforced;
		d.lost = guards[i].lost;
		check_int(row,
		    mapchanges_too_much(&d, guards[i].limit, &allowed),
		    guards[i].want);
		check_int(row, allowed, guards[i].allowed);
	}
}

/* Without partners not even two may go. */
static void
t_emptied(void **state)
{
	struct mapchanges d = {.live_enforced = 5, .emptied = true};
	size_t allowed;

	(void)state;
	assert_false(mapchanges_too_much(&d, "10%", &allowed));
	d.lost = 1;
	assert_true(mapchanges_too_much(&d, "10%", &allowed));
	assert_true(mapchanges_too_much(&d, "100%", &allowed));
}

static const struct {
	const char *limit;
	bool good;
} limits[] = {{"10%", true}, {"0%", true}, {"100%", true}, {"0", true},
    {"4294967295", true}, {"101%", false}, {"", false}, {"%", false},
    {"-1", false}, {"10 %", false}, {"10%%", false}, {"1.5%", false},
    {"4294967296", false}, {"all", false}};

static void
t_limit(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(limits); i++)
		check_int(limits[i].limit,
		    limit_parse(limits[i].limit, &(struct limit){0}) == 0,
		    limits[i].good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_diff),
	    cmocka_unit_test(t_no_live),
	    cmocka_unit_test(t_header),
	    cmocka_unit_test(t_damaged),
	    cmocka_unit_test(t_guard),
	    cmocka_unit_test(t_emptied),
	    cmocka_unit_test(t_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
