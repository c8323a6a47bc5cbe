#include "check.h"

#include <fcntl.h>

#include "buf.h"
#include "cdbmap.h"
#include "compile.h"
#include "err.h"
#include "settings.h"
#include "mapdiff.h"

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
	size_t lost, enforced, count;
	size_t records; /* that differ */
} cases[] = {
    {"nothing", {{0}}, {{0}}, "", 0, 0, 0, 0},
    {"equal", {{"a", "secure", false}, {"b", "may", false}},
	{{"a", "secure", false}, {"b", "may", false}}, "", 0, 1, 2, 0},
    {"equal in another order", {{"a", "secure", false}, {"b", "may", false}},
	{{"b", "may", false}, {"a", "secure", false}}, "", 0, 1, 2, 0},
    {"added", {{"a", "may", false}},
	{{"a", "may", false}, {"b", "secure", false}}, "added b\n", 0, 0, 1, 0},
    {"removed", {{"a", "secure", false}, {"b", "may", false}}, {{0}},
	"removed a\nremoved b\n", 1, 1, 2, 0},
    {"weaker", {{"a", "secure", false}}, {{"a", "may", false}}, "weaker a\n", 1,
	1, 1, 0},
    {"stronger", {{"a", "may", false}}, {{"a", "secure", false}},
	"stronger a\n", 0, 0, 1, 0},
    {"changed", {{"a", "secure match=a", false}},
	{{"a", "secure match=b", false}}, "changed a\n", 0, 1, 1, 0},
    {"lowered on purpose", {{"a", "secure", false}, {"b", "secure", false}},
	{{"a", "may", true}, {"b", "encrypt", true}}, "weaker a\nweaker b\n", 0,
	2, 2, 0},
    {"one added, one removed", {{"a", "secure", false}},
	{{"b", "secure", false}}, "added b\nremoved a\n", 1, 1, 1, 0},
    {"weaker among the opportunistic", {{"a", "dane", false}},
	{{"a", "may", false}}, "weaker a\n", 0, 0, 1, 0},
    {"what is not understood protects somebody", {{"a", "what", false}}, {{0}},
	"removed a\n", 1, 1, 1, 0},
    {"the header is no row",
	{{" header", "format=1", false}, {"a", "may", false}},
	{{"a", "may", false}}, "", 0, 0, 1, 0},
    {"records are no rows, but differ",
	{{" d:a", "inbound=warn", false}, {" d:b", "inbound=off", false},
	    {"a", "may", false}},
	{{"a", "may", false}, {" d:a", "inbound=off", false},
	    {" g:c", "inbound=off", false}},
	"", 0, 0, 1, 3},
    {"records that are equal",
	{{" d:a", "inbound=warn", false}, {"a", "secure", false}},
	{{" d:a", "inbound=warn", false}, {"a", "secure", false}}, "", 0, 1, 1,
	0},
    {"a record weighs nothing for the guard",
	{{" d:a", "secure match=a", false}, {"a", "secure", false}},
	{{"a", "secure", false}}, "", 0, 1, 1, 1},
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

static void
t_diff(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "m.cdb");
	struct row row[6];
	struct extra extra[6];
	struct compiled c;
	struct mapdiff d;
	struct cdbmap *live;
	struct buf b = {0};
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;

		live = write_live(path, cases[i].live);
		c = (struct compiled){.row = row, .extra = extra};
		for (; cases[i].rows[c.n].key != NULL; c.n++) {
			extra[c.n] =
			    (struct extra){.key = cases[i].rows[c.n].key,
				.text = cases[i].rows[c.n].text};
			row[c.n] = (struct row){.index = (uint32_t)c.n,
			    .extra = true,
			    .lowered = cases[i].rows[c.n].lowered,
			    .record = cases[i].rows[c.n].key[0] == ' '};
			c.records += row[c.n].record;
		}
		mapdiff(&d, live, &c, true);
		buf_clear(&b);
		buf_puts(&b, "");
		for (j = 0; j < d.n; j++)
			buf_printf(&b, "%s %.*s\n", change_name(d.v[j].change),
			    (int)d.v[j].keylen, d.v[j].key);
		check_str(name, b.data, cases[i].want);
		check_int(name, d.records, cases[i].records);
		check_int(name, d.lost, cases[i].lost);
		check_int(name, d.live_enforced, cases[i].enforced);
		check_int(name, d.live, cases[i].count);
		check_int(name, mapdiff_any(&d),
		    *cases[i].want != '\0' || cases[i].records > 0);
		check_true(name, !d.damaged);
		mapdiff_release(&d);
		/* The counts are the same without the list. */
		mapdiff(&d, live, &c, false);
		check_int(name, d.n, 0);
		check_int(name, d.lost, cases[i].lost);
		check_int(name, mapdiff_any(&d),
		    *cases[i].want != '\0' || cases[i].records > 0);
		mapdiff_release(&d);
		cdbmap_close(live);
	}
	buf_free(&b);
	free(path);
	check_folder_end(dir);
}

static void
t_no_live(void **state)
{
	struct extra extra[3] = {{.key = "a", .text = "secure"},
	    {.key = "b", .text = "may"}, {.key = " d:b", .text = "x"}};
	struct row row[3] = {{.index = 0, .extra = true},
	    {.index = 1, .extra = true},
	    {.index = 2, .extra = true, .record = true}};
	struct compiled c = {.row = row, .n = 3, .extra = extra, .records = 1};
	struct mapdiff d;

	(void)state;
	mapdiff(&d, NULL, &c, true);
	assert_int_equal(d.count[CHANGE_ADDED], 2);
	assert_int_equal(d.lost, 0);
	assert_false(d.has_header);
	assert_null(d.v[0].was);
	assert_string_equal(d.v[0].is, "secure");
	assert_int_equal(d.n, 2);
	assert_int_equal(d.records, 1);
	mapdiff_release(&d);
	/* Only counted, with the same result. */
	mapdiff(&d, NULL, &c, false);
	assert_int_equal(d.count[CHANGE_ADDED], 2);
	assert_int_equal(d.records, 1);
	assert_int_equal(d.lost, 0);
	assert_null(d.v);
	mapdiff_release(&d);
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
	struct compiled c = {0};
	struct mapdiff d;
	struct cdbmap *m;

	(void)state;
	m = write_live(path, live);
	mapdiff(&d, m, &c, false);
	assert_true(d.has_header);
	assert_int_equal(d.header.domains, 5);
	mapdiff_release(&d);
	cdbmap_close(m);
	m = write_live(path, bad);
	mapdiff(&d, m, &c, false);
	assert_false(d.has_header);
	mapdiff_release(&d);
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
	struct extra extra = {.key = "a", .text = "secure"};
	struct row row = {.extra = true};
	struct compiled c = {.row = &row, .n = 1, .extra = &extra};
	struct mapdiff d;
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
	mapdiff(&d, m, &c, true);
	assert_true(d.damaged);
	assert_true(mapdiff_any(&d));
	mapdiff_release(&d);
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
	struct mapdiff d = {0};
	char row[64];
	size_t i, allowed;

	(void)state;
	for (i = 0; i < COUNT(guards); i++) {
		(void)snprintf(row, sizeof(row), "%s: %zu of %zu",
		    guards[i].limit, guards[i].lost, guards[i].enforced);
		d.live_enforced = guards[i].enforced;
		d.lost = guards[i].lost;
		check_int(row, mapdiff_too_much(&d, guards[i].limit, &allowed),
		    guards[i].want);
		check_int(row, allowed, guards[i].allowed);
	}
}

/* Without partners not even two may go. */
static void
t_emptied(void **state)
{
	struct mapdiff d = {.live_enforced = 5, .emptied = true};
	size_t allowed;

	(void)state;
	assert_false(mapdiff_too_much(&d, "10%", &allowed));
	d.lost = 1;
	assert_true(mapdiff_too_much(&d, "10%", &allowed));
	assert_true(mapdiff_too_much(&d, "100%", &allowed));
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
