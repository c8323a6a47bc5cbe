/* A map is raised by what stands in it, and nothing else is touched. */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "cdbmap.h"
#include "err.h"
#include "maprecord.h"
#include "mapholds.h"
#include "maptable.h"
#include "registry.h"

#define NOW 1795392000 /* 2026-11-23T00:00:00Z */
#define AT(s) "2026-11-23T00:00:" s "Z"
#define TAIL " protocols=>=TLSv1.2 ciphers=high"
#define FULL "secure match=mx.a.example" TAIL
#define HEAD(expires, lowered)                                          \
	"format=1 time=2026-11-22T00:00:00Z expires=" expires           \
	" postfix=3.7 partners=3 domains=5 enforced=5 lowered=" lowered \
	" registry=sha256:"                                             \
	"000000000000000000000000000000000000000000000000000000000000abcd"

struct record {
	const char *key, *value;
};

static const struct record live[] = {
    {" header", HEAD(AT("10"), "4")},
    {"a.example", "may"},
    {".a.example", "may"},
    {"b.example", "encrypt" TAIL},
    {"c.example", "secure match=mx.c.example" TAIL},
    {"xn--mnchen-3ya.example", "encrypt" TAIL},
    {"m\xc3\xbcnchen.example", "encrypt" TAIL},
    {" d:a.example", "partner=a inbound=require level=opportunistic until=" AT(
			 "10") " begin=" AT("00") " id=7 { full = " FULL " }"},
    {" d:.a.example", "partner=a inbound=require level=opportunistic until=" AT(
			  "10") " begin=" AT("00") " id=7 { full = " FULL " }"},
    {" d:b.example",
	"partner=b inbound=warn verify=name names=mx.b.example "
	"level=encrypt until=" AT("20") " { full = dane-only ciphers=high }"},
    {" d:c.example", "partner=c inbound=warn level=secure"},
    {" d:xn--mnchen-3ya.example",
	"partner=b inbound=warn level=encrypt until=" AT(
	    "20") " { full = dane-only ciphers=high }"},
    {" d:m\xc3\xbcnchen.example",
	"partner=b inbound=warn level=encrypt until=" AT(
	    "20") " { full = dane-only ciphers=high }"},
    {" g:mx.a.example",
	"partner=a inbound=require level=opportunistic until=" AT(
	    "10") " { full = - }"},
    {" g:mx.both.example", "partner=b more=1 inbound=require level=encrypt "
			   "until=" AT("20") " { full = - }"},
    {" g:mx.c.example", "partner=c inbound=require level=secure"},
    {" r:3:old", "begin=" AT("00") " at=" AT("01") " by=x"},
    {" later", "words of a later version"},
    {"d.example", "encrypt"},
    {" d:d.example", "no record { at all"},
};

/* A map with these records, or the raised copy of another. */
static struct cdbmap *
made(const struct record *v, size_t n, struct cdbmap *from,
    const struct mapholds *h, time_t now)
{
	char path[] = "/tmp/t_mapraise.XXXXXX";
	struct maptable t = {0};
	struct cdbmap_writer *w;
	struct cdbmap *m;
	struct err e;
	size_t i;
	int fd = mkstemp(path);

	assert_true(fd != -1);
	w = cdbmap_create(fd);
	for (i = 0; i < n; i++)
		assert_int_equal(cdbmap_add(w, v[i].key, strlen(v[i].key),
				     v[i].value, strlen(v[i].value), &e),
		    0);
	if (from != NULL)
		assert_int_equal(mapholds_raise(h, now, from, &t, &e), 0);
	assert_int_equal(maptable_write(&t, w, &e), 0);
	maptable_release(&t);
	assert_int_equal(cdbmap_finish(w, &e), 0);
	assert_int_equal(close(fd), 0);
	m = cdbmap_open(path, &e);
	assert_non_null(m);
	assert_int_equal(unlink(path), 0);
	return m;
}

/* Lines of the records that differ from `live`. */
static void
changes(struct cdbmap *m, struct buf *out)
{
	const char *key, *value, *was;
	size_t klen, vlen, i;
	unsigned pos = 0;

	buf_clear(out);
	buf_puts(out, "");
	while (
	    cdbmap_next(m, &pos, &key, &klen, &value, &vlen) == CDBMAP_FOUND) {
		was = NULL;
		for (i = 0; i < COUNT(live) && was == NULL; i++)
			if (strlen(live[i].key) == klen &&
			    memcmp(live[i].key, key, klen) == 0)
				was = live[i].value;
		if (was == NULL || strlen(was) != vlen ||
		    memcmp(was, value, vlen) != 0)
			buf_printf(out, "%.*s=%.*s\n", (int)klen, key,
			    (int)vlen, value);
	}
}

#define NEW(expires, lowered)                                                  \
	" header=format=1 time=" AT("05") " expires=" expires                  \
					  " postfix=3.7 partners=3 domains=5 " \
					  "enforced=5 lowered=" lowered        \
					  " registry=sha256:"                  \
					  "0000000000000000000000000000000000" \
					  "00000000000000000000000000abcd\n"
#define A_RAISED                                                   \
	"a.example=" FULL "\n.a.example=" FULL "\n"                \
	" d:a.example=partner=a inbound=require level=secure\n"    \
	" d:.a.example=partner=a inbound=require level=secure\n"   \
	" g:mx.a.example=partner=a inbound=require level=secure\n" \
	" g:mx.both.example=partner=b more=1 inbound=require level=secure\n"
#define B_ROW "dane-only ciphers=high\n"
#define B_REC "partner=b inbound=warn level=secure\n"

static const struct {
	size_t n;
	const char *v[2];
} b_now = {2, {"b.example", "xn--mnchen-3ya.example"}},
  b_only = {1, {"b.example"}};

#define B_NOW ((const struct strs *)(const void *)&b_now)
#define B_ONLY ((const struct strs *)(const void *)&b_only)

static const struct {
	const char *name;
	int now; /* seconds */
	struct downgrade hold[2];
	size_t nholds, rows, left;
	const char *names, *want;
} cases[] = {
    {"all hold", 5,
	{{.partner = "a", .begin = NOW, .end = NOW + 10},
	    {.partner = "b", .end = NOW + 20, .domains = B_NOW}},
	2, 0, 5, "", NEW(AT("10"), "5")},
    {"one is over by the ledger", 5,
	{{.partner = "b", .end = NOW + 20, .domains = B_NOW}}, 1, 2, 3, "a",
	NEW(AT("20"), "3") A_RAISED},
    {"a longer end is not in the map", 10,
	{{.partner = "a", .begin = NOW, .end = NOW + 99},
	    {.partner = "b", .end = NOW + 20, .domains = B_NOW}},
	2, 2, 3, "a", NULL},
    {"a shorter one holds", 5,
	{{.partner = "a", .begin = NOW, .end = NOW + 5},
	    {.partner = "b", .end = NOW + 20, .domains = B_NOW}},
	2, 2, 3, "a", NEW(AT("20"), "3") A_RAISED},
    {"not begun", 5,
	{{.partner = "a", .begin = NOW + 6, .end = NOW + 9},
	    {.partner = "b", .end = NOW + 20, .domains = B_NOW}},
	2, 2, 3, "a", NEW(AT("20"), "3") A_RAISED},
    {"not for all domains", 5,
	{{.partner = "a", .end = NOW + 10},
	    {.partner = "b", .end = NOW + 20, .domains = B_ONLY}},
	2, 2, 3, "b",
	NEW(AT("10"), "3") "xn--mnchen-3ya.example=" B_ROW
			   "m\xc3\xbcnchen.example=" B_ROW
			   " d:xn--mnchen-3ya.example=" B_REC
			   " d:m\xc3\xbcnchen.example=" B_REC
			   " g:mx.both.example=partner=b more=1 "
			   "inbound=require level=secure\n"},
    {"nothing holds", 5, {{0}}, 0, 5, 0, "a, b",
	NEW("never", "0") "a.example=" FULL "\n.a.example=" FULL
			  "\nb.example=" B_ROW "xn--mnchen-3ya.example=" B_ROW
			  "m\xc3\xbcnchen.example=" B_ROW
			  " d:a.example=partner=a inbound=require "
			  "level=secure\n"
			  " d:.a.example=partner=a inbound=require "
			  "level=secure\n"
			  " d:b.example=partner=b inbound=warn verify=name "
			  "names=mx.b.example level=secure\n"
			  " d:xn--mnchen-3ya.example=" B_REC
			  " d:m\xc3\xbcnchen.example=" B_REC
			  " g:mx.a.example=partner=a inbound=require "
			  "level=secure\n"
			  " g:mx.both.example=partner=b more=1 "
			  "inbound=require level=secure\n"},
};

static void
t_copy(void **state)
{
	struct cdbmap *from = made(live, COUNT(live), NULL, NULL, 0), *to,
		      *again;
	struct buf b = {0};
	struct mapraised did;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		const time_t now = NOW + cases[i].now;
		struct downgrade hold[2] = {cases[i].hold[0], cases[i].hold[1]};
		struct mapholds h = {.v = hold, .n = cases[i].nholds};

		mapholds_look(&h, now, from, &did);
		check_int(cases[i].name, did.rows, cases[i].rows);
		check_int(cases[i].name, did.left, cases[i].left);
		check_str(cases[i].name, did.names, cases[i].names);
		to = made(NULL, 0, from, &h, now);
		changes(to, &b);
		if (cases[i].want != NULL)
			check_str(cases[i].name, b.data, cases[i].want);
		/* Nothing is left to do. */
		mapholds_look(&h, now, to, &did);
		check_int(cases[i].name, did.rows, 0);
		again = made(NULL, 0, to, &h, now);
		cdbmap_close(again);
		cdbmap_close(to);
	}
	buf_free(&b);
	cdbmap_close(from);
}

static void
t_marks(void **state)
{
	struct mapmark marks[] = {
	    {"a", 7, NOW, NOW + 5, "jo e"},
	    {"b", 0, 0, NOW + 5, ""},
	};
	static const struct {
		const char *key, *value;
		bool good;
	} read[] = {
	    {" r:7:a", "begin=" AT("00") " at=" AT("05") " by=jo", true},
	    {" r:7:a", "at=" AT("05") " by=jo later=1", true},
	    {" r:0:a", "at=" AT("05"), true},
	    {" r:7:", "at=" AT("05"), false},
	    {" r:7", "at=" AT("05"), false},
	    {" r:x:a", "at=" AT("05"), false},
	    {" r:", "at=" AT("05"), false},
	    {" d:7:a", "at=" AT("05"), false},
	    {" r:7:a", "", false},
	    {" r:7:a", "at=soon", false},
	    {" r:7:a", "at=" AT("05") " word", false},
	    {" r:7:a", "at=" AT("05") " begin={", false},
	};
	static const struct {
		const char *name;
		struct mapmark m;
		struct downgrade o;
		bool same;
	} of[] = {
	    {"the same", {"a", 7, 5, 9, ""},
		{.partner = "a", .id = 7, .begin = 5}, true},
	    {"renamed since", {"a", 7, 5, 9, ""},
		{.partner = "b", .id = 7, .begin = 5}, true},
	    {"another partner", {"a", 7, 0, 9, ""},
		{.partner = "b", .id = 7, .begin = 5}, false},
	    {"another number", {"a", 7, 5, 9, ""},
		{.partner = "a", .id = 8, .begin = 5}, false},
	    {"of another ledger", {"a", 7, 5, 9, ""},
		{.partner = "a", .id = 7, .begin = 6}, false},
	    {"no number, begun before", {"a", 0, 0, 9, ""},
		{.partner = "a", .id = 7, .begin = 9}, true},
	    {"no number, begun later", {"a", 0, 0, 9, ""},
		{.partner = "a", .id = 7, .begin = 10}, false},
	};
	struct mapholds h = {.mark = marks, .nmarks = COUNT(marks)};
	struct cdbmap *from = made(live, COUNT(live), NULL, NULL, 0), *to;
	struct arena a = {0};
	const char *text;
	struct mapmark m;
	size_t len, i;

	(void)state;
	to = made(NULL, 0, from, &h, NOW + 5);
	assert_int_equal(
	    cdbmap_get(to, " r:7:a", 6, &text, &len), CDBMAP_FOUND);
	assert_true(mapmark_parse(&m, " r:7:a", 6, text, len, &a));
	check_str("partner", m.partner, "a");
	check_int("id", m.id, 7);
	check_int("begin", m.begin, NOW);
	check_int("at", m.at, NOW + 5);
	check_str("by", m.by, "jo_e");
	assert_int_equal(
	    cdbmap_get(to, " r:0:b", 6, &text, &len), CDBMAP_FOUND);
	/* Those of before are not copied: they may have been settled. */
	assert_int_equal(
	    cdbmap_get(to, " r:3:old", 8, &text, &len), CDBMAP_NOTFOUND);
	cdbmap_close(to);
	cdbmap_close(from);
	for (i = 0; i < COUNT(read); i++)
		check_int(read[i].value,
		    mapmark_parse(&m, read[i].key, strlen(read[i].key),
			read[i].value, strlen(read[i].value), &a),
		    read[i].good);
	for (i = 0; i < COUNT(of); i++)
		check_int(
		    of[i].name, mapmark_is_of(&of[i].m, &of[i].o), of[i].same);
	arena_free(&a);
}

static void
t_lowered(void **state)
{
	struct cdbmap *m = made(live, COUNT(live), NULL, NULL, 0);
	struct downgrade *v;
	struct arena a = {0};
	size_t n;

	(void)state;
	n = mapholds_in_map(m, &a, &v);
	check_int("partners", n, 2);
	check_str("one", v[0].partner, "a");
	check_int("number", v[0].id, 7);
	check_int("begin", v[0].begin, NOW);
	check_int("end", v[0].end, NOW + 10);
	check_int("domains", v[0].domains->n, 2);
	check_int("covered", downgrade_covers(&v[0], ".a.example"), 1);
	check_int("not another's", downgrade_covers(&v[0], "b.example"), 0);
	check_str("another", v[1].partner, "b");
	check_int("no number", v[1].id, 0);
	check_int("domains", v[1].domains->n, 3);
	check_int("covered", downgrade_covers(&v[1], "b.example"), 1);
	free(v);
	arena_free(&a);
	cdbmap_close(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_copy),
	    cmocka_unit_test(t_marks),
	    cmocka_unit_test(t_lowered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
