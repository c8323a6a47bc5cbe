/* Who was taken out of the map within a day, and is not back. */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "diag.h"
#include "err.h"
#include "ledger.h"
#include "ledger_rename.h"
#include "digest.h"
#include "mapbuild.h"
#include "mapgone.h"
#include "registry.h"
#include "registry_keep.h"

#define NOW 1795392000 /* 2026-11-23T00:00:00Z */
#define HOUR 3600
#define DAY 86400

#define ROW(key, is, was)                                              \
	"{\"key\":\"" key "\",\"partner\":" is ",\"partner_was\":" was \
	",\"client\":false}"
#define GONE(p) ROW(p ".example", "null", "\"" p "\"")
#define OTHERS(n, more, names)                                        \
	"],\"rest\":{\"n\":" n ",\"lost\":" n ",\"partners_lost\":" n \
	",\"partners_more\":" more ",\"partners\":[" names "]}}"
#define NONE "],\"rest\":{\"n\":0}}"
#define OLD(n) "],\"rest\":{\"n\":" n "}}"
#define STAYS "partner z domain=z.example\n"

/* A map so many hours ago, with such rows and such a rest; or "=a" is "b". */
struct happens {
	int ago;
	const char *rows, *rest;
};

static const struct {
	const char *name;
	struct happens v[3];
	const char *registry; /* that is live; NULL: none */
	const char *told;
} row[] = {
    {"nothing is on record", {{0}}, STAYS, ""},
    {"one", {{2, GONE("a"), NONE}}, STAYS,
	"1 partner is no longer in the map since 2026-11-22 22:00, by me: a\n"},
    {"a day ago", {{24, GONE("a"), NONE}}, STAYS,
	"1 partner is no longer in the map since 2026-11-22 00:00, by me: a\n"},
    {"longer ago", {{25, GONE("a"), NONE}}, STAYS, ""},
    {"back", {{2, GONE("a"), NONE}}, "partner a domain=a.example\n", ""},
    {"back by former=", {{2, GONE("a"), NONE}},
	"partner b domain=a.example former=a\n", ""},
    {"back by a rename", {{2, "=a", "b"}, {2, GONE("a"), NONE}},
	"partner b domain=a.example\n", ""},
    {"that came later", {{2, GONE("a"), NONE}, {1, "=a", "b"}},
	"partner b domain=a.example\n", ""},
    {"with another domain", {{2, "=a", "b"}, {2, GONE("a"), NONE}},
	"partner b domain=b.example\n",
	"1 domain is no longer in the map since 2026-11-22 22:00, by me: "
	"a.example\n"},
    {"gone under its new name", {{2, "=a", "b"}, {2, GONE("a"), NONE}}, STAYS,
	"1 partner is no longer in the map since 2026-11-22 22:00, by me: b\n"},
    {"without a registry", {{2, GONE("a"), NONE}}, NULL,
	"1 partner is no longer in the map since 2026-11-22 22:00, by me: a\n"},
    {"a row that is weaker", {{2, ROW("a.example", "\"a\"", "\"a\""), NONE}},
	STAYS, ""},
    {"a row that is somebody's",
	{{2, ROW("a.example", "\"b\"", "\"a\""), NONE}}, STAYS, ""},
    {"of one of two", {{2, ROW("y.example", "null", "\"z\""), NONE}}, STAYS,
	"1 domain is no longer in the map since 2026-11-22 22:00, by me: "
	"y.example\n"},
    {"that one above covers", {{2, ROW("y.z.example", "null", "\"z\""), NONE}},
	"partner z domain=.z.example\n", ""},
    {"of somebody", {{2, ROW("y.example", "null", "null"), NONE}}, STAYS,
	"1 domain is no longer in the map since 2026-11-22 22:00, by me: "
	"y.example\n"},
    {"that is written otherwise",
	{{2, ROW("m\xc3\xbc.example", "null", "null"), NONE}}, STAYS, ""},
    {"more than are named",
	{{2, GONE("b") "," GONE("a"), OTHERS("9", "7", "\"d\",\"c\"")}}, STAYS,
	"11 partners are no longer in the map since 2026-11-22 22:00, by me: "
	"a, b, c "
	"and 8 more\n"},
    {"by two events, and domains",
	{{3, GONE("a"), NONE},
	    {2, GONE("b") "," ROW("y.example", "null", "\"z\""), NONE}},
	STAYS,
	"1 partner is no longer in the map since 2026-11-22 22:00, by me: b\n"
	"1 domain is no longer in the map since 2026-11-22 22:00, by me: "
	"y.example\n"
	"1 partner is no longer in the map since 2026-11-22 21:00, by me: a\n"},
    {"twice", {{3, GONE("a"), NONE}, {2, GONE("a"), NONE}}, STAYS,
	"1 partner is no longer in the map since 2026-11-22 22:00, by me: a\n"},
    {"one came back, of others it is not known",
	{{2, GONE("a") "," GONE("z"), OTHERS("9", "7", "\"d\"")}}, STAYS,
	"at least 2 partners are no longer in the map since 2026-11-22 22:00, "
	"by me: "
	"a, d\n"},
    {"an older version", {{2, GONE("a"), OLD("7")}}, STAYS,
	"at least 1 partner is no longer in the map since 2026-11-22 22:00, by "
	"me: "
	"a\n"},
};

static void
happen(struct ledger *l, const struct happens *h)
{
	struct ledger_event ev = {.time = NOW - h->ago * HOUR,
	    .kind = "map",
	    .author = "me",
	    .text = "a map"};
	char *data = NULL;
	struct err e;

	if (h->rows == NULL)
		return;
	if (*h->rows == '=') {
		assert_int_equal(
		    ledger_rename(l, h->rows + 1, h->rest, "me", ev.time, &e),
		    1);
		return;
	}
	assert_int_not_equal(
	    asprintf(&data, "{\"rows\":[%s%s", h->rows, h->rest), -1);
	ev.data = data;
	assert_int_equal(ledger_event_add(l, &ev, &e), 0);
	free(data);
}

static void
check_told(size_t i, struct ledger *l, const struct registry *r)
{
	struct mapgone g;
	struct buf out = {0};
	struct err e;
	size_t k;
	char *end;

	buf_puts(&out, "");
	check_int(
	    row[i].name, mapgone_read(l, r, "/none", NOW - DAY, &g, &e), 0);
	for (k = 0; k < g.n; k++) {
		mapgone_print(&g.v[k], NOW, &out);
		/* Each ends so, where no copy is. */
		end = strstr(out.data, MAPGONE_MEANT);
		assert_non_null(end);
		out.len = (size_t)(end - out.data);
		buf_puts(&out, "\n");
	}
	check_str(row[i].name, out.data, row[i].told);
	buf_free(&out);
	mapgone_release(&g);
}

static void
t_gone(void **state)
{
	struct registry *r;
	struct diags d;
	struct ledger *l;
	struct err e;
	char *dir = check_folder(), *path;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(row); i++) {
		assert_int_not_equal(asprintf(&path, "%s/%zu.db", dir, i), -1);
		l = ledger_open(path, LEDGER_WRITE, &e);
		assert_non_null(l);
		for (k = 0; k < COUNT(row[i].v); k++)
			happen(l, &row[i].v[k]);
		d = (struct diags){0};
		r = row[i].registry == NULL
			? NULL
			: registry_parse("registry", row[i].registry,
			      strlen(row[i].registry), NOW, &d);
		check_int(row[i].name, d.errors, 0);
		check_told(i, l, r);
		diag_free(&d);
		registry_free(r);
		ledger_close(l);
		free(path);
	}
	check_folder_end(dir);
}

#define LOST(p)                                                              \
	"{\"key\":\"" p ".example\",\"partner\":null,\"partner_was\":\"" p   \
	"\",\"client\":false,\"change\":\"removed\",\"cause\":\"registry\"," \
	"\"was\":\"secure\",\"is\":\"nothing\"}"
#define AGREED "],\"agreed\":\"edit\",\"rest\":{\"n\":0}}"

#define OPENED(p)                                                       \
	"{\"key\":\"" p ".example\",\"partner\":\"" p                   \
	"\",\"partner_was\":\"" p "\",\"client\":false,\"change\":"     \
	"\"removed\",\"cause\":\"registry\",\"was\":\"secure\",\"is\":" \
	"\"nothing\"}"

/* Partners that stay, and were made Opportunistic. */
static void
t_opened(void **state)
{
	static const struct happens h = {
	    2, OPENED("a") "," OPENED("b") "," OPENED("c"), NONE};
	static const struct {
		const char *name, *registry;
		size_t n;
		bool alarms;
	} rows[] = {
	    {"three",
		"partner a domain=a.example\npartner b domain=b.example\n"
		"partner c domain=c.example\n",
		3, true},
	    {"one is Enforced again",
		"partner a domain=a.example\npartner b domain=b.example\n"
		"partner c mode=enforced domain=c.example\n",
		2, false},
	    {"all are",
		"default mode=enforced\npartner a domain=a.example\n"
		"partner b domain=b.example\npartner c domain=c.example\n",
		0, false},
	};
	struct registry *r;
	struct diags d = {0};
	struct mapgone g;
	struct ledger *l;
	struct err e;
	char *dir = check_folder(), *path;
	const char *less;
	size_t i, from;

	(void)state;
	assert_int_not_equal(asprintf(&path, "%s/l.db", dir), -1);
	l = ledger_open(path, LEDGER_WRITE, &e);
	assert_non_null(l);
	happen(l, &h);
	for (i = 0; i < COUNT(rows); i++) {
		r = registry_parse("registry", rows[i].registry,
		    strlen(rows[i].registry), NOW, &d);
		assert_int_equal(
		    mapgone_read(l, r, "/none", NOW - DAY, &g, &e), 0);
		check_int(rows[i].name, (int)g.n, rows[i].n > 0);
		if (g.n > 0) {
			check_int(rows[i].name, g.v[0].opened, true);
			check_int(rows[i].name, (int)g.v[0].n, (int)rows[i].n);
			check_int(rows[i].name, mapgone_alarms(&g.v[0]),
			    rows[i].alarms);
			from = 0;
			check_int(rows[i].name,
			    mapgone_less(&g, &from, "a", &less) == &g.v[0],
			    true);
			check_str(rows[i].name, less, NULL);
		}
		mapgone_release(&g);
		registry_free(r);
	}
	diag_free(&d);
	ledger_close(l);
	free(path);
	check_folder_end(dir);
}

#define WEAKER(p)                                                      \
	"{\"key\":\"" p ".example\",\"partner\":\"" p                  \
	"\",\"partner_was\":\"" p "\",\"client\":false,\"change\":"    \
	"\"weaker\",\"cause\":\"registry\",\"was\":\"secure\",\"is\":" \
	"\"secure inbound off\"}"

/* A copy of the registry that was in force until then. */
static void
keep_copy(
    const char *path, const char *text, time_t until, char digest[DIGEST_HEX])
{
	const struct timespec at[2] = {{.tv_sec = until}, {.tv_sec = until}};
	struct registry *r;
	struct diags d = {0};
	struct err e;
	char *of;
	int fd;

	assert_int_not_equal(asprintf(&of, "%s.of", path), -1);
	check_puts(of, text);
	r = registry_load(of, NOW, &d, &e);
	assert_non_null(r);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(registry_keep(r, fd, &e), 0);
	assert_int_equal(futimens(fd, at), 0);
	(void)close(fd);
	memcpy(digest, r->digest, DIGEST_HEX);
	registry_free(r);
	diag_free(&d);
	free(of);
}

/* The text with the two in place of "%s"; the caller frees it. */
static char *
fill(const char *text, const char *was, const char *is)
{
	struct buf out = {0};
	const char *p;

	for (; (p = strstr(text, "%s")) != NULL; text = p + 2, was = is) {
		buf_add(&out, text, (size_t)(p - text));
		buf_puts(&out, was);
	}
	buf_puts(&out, text);
	return buf_take(&out);
}

#define OF                                                               \
	"],\"registry\":{\"before\":\"%s\",\"after\":\"%s\"},\"rest\":{" \
	"\"n\":0}}"
#define OTHERS_OF(name)                                                  \
	"],\"registry\":{\"before\":\"%s\",\"after\":\"%s\"},\"rest\":{" \
	"\"n\":9,\"lost\":9,\"partners_lost\":9,\"partners_more\":0,"    \
	"\"partners\":"                                                  \
	"[\"" name "\"]}}"

/* Partners that stay Enforced, with less than the copy of the registry has that
 * a change took away. */
static void
t_weaker(void **state)
{
	/* Two copies, the older one first, and the one that is older still. */
	static const char *const copies[] = {
	    "default mode=enforced\npartner a domain=a.example\n"
	    "partner b domain=b.example inbound-verify=name gateway=b.example\n"
	    "partner c domain=c.example inbound=warn\n"
	    "partner f domain=f.example\n",
	    "default mode=enforced\npartner a domain=a.example verify=none\n"
	    "partner b domain=b.example\n"
	    "partner c domain=c.example inbound=off\n"
	    "partner e domain=e.example inbound=off\n"
	    "partner f domain=f.example\n",
	    "partner d mode=enforced domain=d.example\n"};
	static const struct {
		const char *name;
		struct happens h[2]; /* each took the copy of its place away */
		const char *registry, *told;
		bool alarms, kept;
	} rows[] = {
	    {"each by what it has less",
		{{3, WEAKER("a") "," WEAKER("b") "," WEAKER("c"), OF}},
		"partner a mode=enforced domain=a.example verify=none "
		"inbound=off\npartner b mode=enforced domain=b.example\n"
		"partner c mode=enforced domain=c.example inbound=off\n",
		"3 partners demand less since 2026-11-22 21:00, by me: a "
		"(secure -> "
		"encrypt), b (inbound-verify name -> "
		"none), c (inbound warn -> "
		"off)\n",
		true, true},
	    {"one that the event does not name",
		{{2, NULL, NULL}, {2, WEAKER("a"), OTHERS_OF("c")}},
		"default mode=enforced inbound=off verify=none\npartner a "
		"domain=a.example\npartner c domain=c.example\n",
		"2 partners demand less since 2026-11-22 22:00, by me: a "
		"(inbound "
		"require -> off), c (secure -> encrypt)\n",
		false, true},
	    {"by two, each its part",
		{{3, WEAKER("a"), OF}, {2, WEAKER("a"), OF}},
		"partner a mode=enforced domain=a.example verify=none "
		"inbound=off\n",
		"1 partner demands less since 2026-11-22 22:00, by me: a "
		"(inbound "
		"require -> off)\n"
		"1 partner demands less since 2026-11-22 21:00, by me: a "
		"(secure -> "
		"encrypt)\n",
		false, true},
	    {"what was less before is not of the later one",
		{{2, NULL, NULL}, {2, WEAKER("a") "," WEAKER("e"), OF}},
		"default mode=enforced\npartner a domain=a.example verify=none "
		"min-tls=TLSv1.1\npartner e domain=e.example inbound=off\n",
		"", false, false},
	    {"what was back in between is of the later one",
		{{3, WEAKER("f"), OF}, {2, WEAKER("f"), OF}},
		"partner f mode=enforced domain=f.example inbound=off "
		"verify=none\n",
		"1 partner demands less since 2026-11-22 22:00, by me: f "
		"(secure -> "
		"encrypt, inbound require -> off)\n",
		false, true},
	    {"under another name", {{2, NULL, NULL}, {2, WEAKER("a"), OF}},
		"partner g former=a mode=enforced domain=a.example "
		"verify=none inbound=off\n",
		"1 partner demands less since 2026-11-22 22:00, by me: g "
		"(inbound "
		"require -> off)\n",
		false, false},
	    {"what is back, or was never more",
		{{3, WEAKER("a") "," WEAKER("b") "," WEAKER("z"), OF}},
		"default mode=enforced\npartner a domain=a.example\n"
		"partner b domain=b.example inbound-verify=name "
		"gateway=b.example\npartner z domain=z.example\n",
		"", false, false},
	    {"of no copy", {{2, WEAKER("d"), NONE}},
		"partner d mode=enforced domain=d.example inbound=off\n", "",
		false, false},
	    {"what is not on record", {{2, GONE("z"), OF}},
		"partner a mode=enforced domain=a.example inbound=off\n"
		"partner z domain=z.example\n",
		"", false, false},
	};
	char *dir = check_folder(), *path, *map = check_path(dir, "map");
	char digest[3][DIGEST_HEX], *end, *rest[2];
	const char *less;
	struct registry *r;
	struct diags d = {0};
	struct mapgone g;
	struct ledger *l;
	struct err e;
	struct buf out = {0};
	struct happens h;
	size_t i, k, from;

	(void)state;
	for (k = 0; k < 3; k++) {
		path = mapbuild_kept_before(map, k == 2 ? 3 : 2 - (unsigned)k);
		keep_copy(path, copies[k],
		    k == 2 ? NOW - DAY - 1 : NOW - (3 - (int)k) * HOUR,
		    digest[k]);
		free(path);
	}
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_not_equal(asprintf(&path, "%s/%zu.db", dir, i), -1);
		l = ledger_open(path, LEDGER_WRITE, &e);
		assert_non_null(l);
		for (k = 0; k < 2; k++) {
			h = rows[i].h[k];
			rest[k] = h.rest == NULL
				      ? NULL
				      : fill(h.rest, digest[k],
					    k == 0 && rows[i].h[1].rest != NULL
						? digest[1]
						: "live");
			h.rest = rest[k];
			happen(l, &h);
			free(rest[k]);
		}
		r = registry_parse("registry", rows[i].registry,
		    strlen(rows[i].registry), NOW, &d);
		check_int(rows[i].name, d.errors, 0);
		assert_int_equal(mapgone_read(l, r, map, NOW - DAY, &g, &e), 0);
		buf_clear(&out);
		buf_puts(&out, "");
		for (k = 0; k < g.n; k++) {
			mapgone_print(&g.v[k], NOW, &out);
			end = strstr(out.data, "; see ");
			out.len = (size_t)(end - out.data);
			buf_puts(&out, "\n");
			check_int(
			    rows[i].name, g.v[k].before != NULL, rows[i].kept);
			check_int(rows[i].name, mapgone_alarms(&g.v[k]),
			    rows[i].alarms);
			from = k;
			check_int(rows[i].name,
			    mapgone_less(&g, &from, g.v[k].name[0], &less) ==
				&g.v[k],
			    true);
			check_int(rows[i].name, from, k + 1);
			check_str(rows[i].name, less, g.v[k].less[0]);
		}
		check_str(rows[i].name, out.data, rows[i].told);
		check_int(rows[i].name, mapgone_partners(&g), 0);
		mapgone_release(&g);
		registry_free(r);
		ledger_close(l);
		free(path);
	}
	buf_free(&out);
	diag_free(&d);
	free(map);
	check_folder_end(dir);
}

/* How many of them are Enforced, and when that alarms. */
static void
t_alarm(void **state)
{
	static const struct {
		const char *name;
		struct happens v;
		int enforced;
		bool alarms;
	} rows[] = {
	    {"two", {2, LOST("a") "," LOST("b"), NONE}, 2, false},
	    {"three", {2, LOST("a") "," LOST("b") "," LOST("c"), NONE}, 3,
		true},
	    {"of which one is not",
		{2, LOST("a") "," LOST("b") "," GONE("c"), NONE}, 2, false},
	    {"three, agreed",
		{2, LOST("a") "," LOST("b") "," LOST("c"), AGREED}, 3, false},
	    {"not named", {2, LOST("a"), OTHERS("9", "7", "\"d\"")}, 9, true},
	};
	struct mapgone g;
	struct ledger *l;
	struct err e;
	char *dir = check_folder(), *path;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_not_equal(asprintf(&path, "%s/%zu.db", dir, i), -1);
		l = ledger_open(path, LEDGER_WRITE, &e);
		assert_non_null(l);
		happen(l, &rows[i].v);
		assert_int_equal(
		    mapgone_read(l, NULL, "/none", NOW - DAY, &g, &e), 0);
		check_int(rows[i].name, g.n, 1);
		check_int(rows[i].name, (int)g.v[0].enforced, rows[i].enforced);
		check_int(
		    rows[i].name, mapgone_alarms(&g.v[0]), rows[i].alarms);
		check_str(rows[i].name, g.v[0].author, "me");
		mapgone_release(&g);
		ledger_close(l);
		free(path);
	}
	check_folder_end(dir);
}

/* The command that shows it, and how many partners it is. */
static void
t_sum(void **state)
{
	const char *names[] = {"a", "b"};
	struct mapgone_change v[] = {
	    {.time = NOW, .name = names, .n = 2, .more = 5},
	    {.time = NOW, .name = names, .n = 1, .domains = true},
	    {.time = NOW, .name = names, .n = 1}};
	const struct mapgone g = {.v = v, .n = COUNT(v)};
	struct buf out = {0};

	(void)state;
	check_int("partners", mapgone_partners(&g), 8);
	mapgone_next(&v[0], &out);
	check_str("next", out.data,
	    "tlspactctl history --since 2026-11-23T00:00:00Z");
	buf_clear(&out);
	v[0].before = v[2].before = "/x y";
	mapgone_print(&v[0], NOW, &out);
	check_str("before", out.data,
	    "7 partners are no longer in the map since 00:00: a, b and 5 more; "
	    "see tlspactctl history --since 2026-11-23T00:00:00Z" MAPGONE_MEANT
	    "; if not, put them back");
	buf_clear(&out);
	mapgone_next(&v[0], &out);
	check_str("back", out.data, "tlspact-compile --lost");
	buf_clear(&out);
	mapgone_next(&v[2], &out);
	check_str("one back", out.data, "tlspact-compile --lost a");
	buf_clear(&out);
	v[1].before = "/x y";
	mapgone_print(&v[1], NOW, &out);
	check_str("domain", out.data,
	    "1 domain is no longer in the map since 00:00: a" MAPGONE_MEANT
	    "; if not, the registry before is in \"/x y\"");
	buf_clear(&out);
	v[1] = (struct mapgone_change){
	    .time = NOW, .name = names, .n = 2, .opened = true};
	mapgone_print(&v[1], NOW, &out);
	check_str("opened", out.data,
	    "2 partners are Opportunistic, were Enforced, since 00:00: a, b; "
	    "see tlspactctl history --since 2026-11-23T00:00:00Z" MAPGONE_MEANT
	    "; if not, make them Enforced again");
	buf_clear(&out);
	mapgone_next(&v[1], &out);
	check_str("opened", out.data, "tlspactctl edit a");
	v[1].before = "/x y";
	buf_clear(&out);
	mapgone_next(&v[1], &out);
	check_str("opened, and kept", out.data, "tlspact-compile --lost a b");
	check_int("none is gone", mapgone_partners(&g), 8);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_gone),
	    cmocka_unit_test(t_opened),
	    cmocka_unit_test(t_weaker),
	    cmocka_unit_test(t_alarm),
	    cmocka_unit_test(t_sum),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
