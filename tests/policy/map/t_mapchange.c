/* In what two maps differ: what counts as weaker, and whose doing it is. */
#include "check.h"

#include <fcntl.h>

#include "buf.h"
#include "cdbmap.h"
#include "err.h"
#include "mapchange.h"
#include "maptable.h"

#define REG_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define REG_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define UNTIL " until=2026-11-23T12:00:00Z { full = secure match=a }"
#define LATER " until=2026-11-23T13:00:00Z { full = secure match=a }"
#define LET_IN(more)                                                 \
	BY_NAME " until=2026-11-23T12:00:00Z direction=inbound" more \
		" { full = secure match=a }"
#define OPEN(level) "partner=p inbound=require level=" level

/*
 * A map of one row "k" with its record, and of one client "c". With no
 * registry it has no header, as one by postmap(1).
 */
struct side {
	const char *row, *record, *client;
};

static struct cdbmap *
make(const char *dir, const char *name, const char *registry,
    const struct side *s)
{
	char *path = check_path(dir, name), *header = NULL;
	const char *const put[][2] = {
	    {"k", s->row}, {" d:k", s->record}, {" g:c", s->client}};
	struct cdbmap_writer *w;
	struct cdbmap *m;
	struct err e;
	size_t i;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	w = cdbmap_create(fd);
	if (registry != NULL) {
		assert_int_not_equal(
		    asprintf(&header,
			"format=1 time=2026-11-23T11:00:00Z expires=never "
			"postfix=3.7 partners=1 domains=1 enforced=1 lowered=0 "
			"registry=sha256:%s",
			registry),
		    -1);
		assert_int_equal(
		    cdbmap_add(w, " header", 7, header, strlen(header), &e), 0);
	}
	for (i = 0; i < COUNT(put); i++)
		if (put[i][1] != NULL)
			assert_int_equal(
			    cdbmap_add(w, put[i][0], strlen(put[i][0]),
				put[i][1], strlen(put[i][1]), &e),
			    0);
	assert_int_equal(cdbmap_finish(w, &e), 0);
	assert_int_equal(close(fd), 0);
	m = cdbmap_open(path, &e);
	assert_non_null(m);
	free(path);
	free(header);
	return m;
}

static const struct {
	const char *name;
	struct side was, is;
	const char *registry; /* of the new map */
	const char *want;     /* "KEY CHANGE CAUSE LOSES WAS -> IS" a line */
} rows[] = {
    {"nothing", {"secure match=a", NULL, NULL}, {"secure match=a", NULL, NULL},
	REG_B, ""},
    {"weaker by registry", {"secure match=a", NULL, NULL}, {"may", NULL, NULL},
	REG_B, "k weaker registry 1 secure -> opportunistic\n"},
    {"weaker by settings", {"secure match=a", NULL, NULL},
	{"encrypt", NULL, NULL}, REG_A,
	"k weaker settings 1 secure -> encrypt\n"},
    {"stronger", {"may", NULL, NULL}, {"secure match=a", NULL, NULL}, REG_B,
	"k stronger registry 0 opportunistic -> secure\n"},
    {"another name", {"secure match=a", NULL, NULL},
	{"secure match=b", NULL, NULL}, REG_B,
	"k changed registry 0 secure -> secure\n"},
    {"added", {NULL, NULL, NULL}, {"secure match=a", NULL, NULL}, REG_B,
	"k added registry 0 nothing -> secure\n"},
    {"removed", {"secure match=a", NULL, NULL}, {NULL, NULL, NULL}, REG_B,
	"k removed registry 1 secure -> nothing\n"},
    {"removed, nothing was demanded", {"may", NULL, NULL}, {NULL, NULL, NULL},
	REG_B, "k removed registry 0 opportunistic -> nothing\n"},
    {"removed, inbound was demanded",
	{"may", "partner=p inbound=require level=opportunistic", NULL},
	{NULL, NULL, NULL}, REG_B,
	"k removed registry 1 opportunistic, inbound require -> nothing\n"},
    {"a downgrade", {"secure match=a", NULL, NULL},
	{"encrypt", OPEN("encrypt") UNTIL, NULL}, REG_A,
	"k weaker downgrade 0 secure -> encrypt (full: secure)\n"},
    {"its end", {"encrypt", OPEN("encrypt") UNTIL, NULL},
	{"secure match=a", NULL, NULL}, REG_A,
	"k stronger end 0 encrypt (full: secure) -> secure\n"},
    {"extended", {"encrypt", OPEN("encrypt") UNTIL, NULL},
	{"encrypt", OPEN("encrypt") LATER, NULL}, REG_B,
	"k changed downgrade 0 encrypt (full: secure) -> encrypt (full: "
	"secure)\n"},
    {"edited under a downgrade", {"may", OPEN("opportunistic") UNTIL, NULL},
	{"may", NULL, NULL}, REG_B,
	"k weaker registry 1 opportunistic (full: secure) -> opportunistic\n"},
    {"begun, and edited", {"secure match=a", NULL, NULL},
	{"encrypt",
	    OPEN("encrypt") " until=2026-11-23T12:00:00Z { full = fingerprint "
			    "match=AA }",
	    NULL},
	REG_B, "k weaker registry 1 secure -> encrypt (full: key)\n"},
    {"inbound off", {"secure match=a", NULL, NULL},
	{"secure match=a", "partner=p inbound=off level=secure", NULL}, REG_B,
	"k weaker registry 1 secure -> secure, inbound off\n"},
    {"inbound warn",
	{"secure match=a", "partner=p inbound=off level=secure", NULL},
	{"secure match=a", "partner=p inbound=warn level=secure", NULL}, REG_B,
	"k stronger registry 0 secure, inbound off -> secure, inbound "
	"warn\n"},
    {"inbound by name", {"secure match=a", NULL, NULL},
	{"secure match=a",
	    "partner=p inbound=require verify=name names=a level=secure", NULL},
	REG_B,
	"k stronger registry 0 secure -> secure, inbound require by name\n"},
    {"one more inbound key",
	{"secure match=a",
	    "partner=p inbound=require verify=key keys=A level=secure", NULL},
	{"secure match=a",
	    "partner=p inbound=require verify=key keys=A,B level=secure", NULL},
	REG_B,
	"k weaker registry 1 secure, inbound require by key -> secure, "
	"inbound require by key\n"},
    {"stronger out, weaker in",
	{"may",
	    "partner=p inbound=require level=oppo"
	    "rtunistic",
	    NULL},
	{"secure match=a", "partner=p inbound=off level=secure", NULL}, REG_B,
	"k weaker registry 1 opportunistic, inbound require -> secure, "
	"inbound off\n"},
    {"REQUIRETLS, said for the first time", {"secure match=a", NULL, NULL},
	{"secure match=a", OPEN("secure") " requiretls=enforce", NULL}, REG_B,
	"k changed registry 0 secure -> secure, requiretls enforce\n"},
    {"REQUIRETLS, weaker",
	{"secure match=a", OPEN("secure") " requiretls=enforce", NULL},
	{"secure match=a", OPEN("secure") " requiretls=opportunistic+starttls",
	    NULL},
	REG_B,
	"k weaker registry 1 secure, requiretls enforce -> secure, requiretls "
	"opportunistic+starttls\n"},
    {"REQUIRETLS, stronger",
	{"secure match=a", OPEN("secure") " requiretls=disable", NULL},
	{"secure match=a", OPEN("secure") " requiretls=opportunistic", NULL},
	REG_B,
	"k stronger registry 0 secure, requiretls disable -> secure, "
	"requiretls opportunistic\n"},
    {"REQUIRETLS, under a downgrade",
	{"secure match=a", OPEN("secure") " requiretls=enforce", NULL},
	{"encrypt", OPEN("encrypt") " requiretls=enforce" UNTIL, NULL}, REG_A,
	"k weaker downgrade 0 secure, requiretls enforce -> encrypt (full: "
	"secure), requiretls enforce\n"},
    {"a client's rule", {NULL, NULL, "partner=p inbound=require level=secure"},
	{NULL, NULL, "partner=p inbound=warn level=secure"}, REG_B,
	"c weaker registry 1 inbound require -> inbound warn\n"},
    {"a client of a lowered partner",
	{NULL, NULL, "partner=p inbound=require level=secure"},
	{NULL, NULL,
	    "partner=p inbound=require level=encrypt "
	    "until=2026-11-23T12:00:00Z { full = - }"},
	REG_A, "c weaker downgrade 0 inbound require -> inbound require\n"},
    {"clients come and go", {NULL, NULL, NULL},
	{NULL, NULL, "partner=p inbound=require level=secure"}, REG_B,
	"c added registry 0 nothing -> inbound require\n"},
    {"a damaged record", {"secure match=a", "zzz", NULL},
	{"secure match=a", NULL, NULL}, REG_B,
	"k changed registry 0 secure damaged record -> secure\n"},
};

static void
t_rows(void **state)
{
	char *dir = check_folder();
	const struct mapchange **v;
	struct mapchanges c;
	struct maptable t;
	struct cdbmap *was, *is;
	struct buf text = {0};
	struct err e;
	size_t i, k, n;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		was = make(dir, "was", REG_A, &rows[i].was);
		is = make(dir, "is", rows[i].registry, &rows[i].is);
		assert_int_equal(maptable_read(&t, is, &e), 0);
		mapchanges(&c, was, &t, false);
		v = mapchanges_ranked(&c, &n);
		buf_clear(&text);
		buf_puts(&text, "");
		for (k = 0; k < n; k++) {
			buf_printf(&text, "%.*s %s %s %d ", (int)v[k]->keylen,
			    v[k]->key, change_name(v[k]->change),
			    mapcause_name(v[k]->cause), v[k]->loses);
			mapdemand_print(&v[k]->was, v[k]->client, &text);
			buf_puts(&text, " -> ");
			mapdemand_print(&v[k]->is, v[k]->client, &text);
			buf_puts(&text, "\n");
		}
		check_str(
		    rows[i].name, text.len == 0 ? "" : text.data, rows[i].want);
		free(v);
		mapchanges_release(&c);
		maptable_release(&t);
		cdbmap_close(was);
		cdbmap_close(is);
	}
	buf_free(&text);
	check_folder_end(dir);
}

#define BY_NAME "partner=p inbound=require verify=name names=m level=secure"

/*
 * As people are told. A live map without a registry is by postmap(1): of mail
 * that comes in it says nothing.
 */
static const struct {
	const char *name, *was;
	struct side is;
	size_t losses;
	const char *want;	       /* "CHANGE WAS -> IS"; "": none */
	const char *record, *registry; /* of the live map */
} told[] = {
    {"inbound off", "secure match=a",
	{"secure match=a", "partner=p inbound=off level=secure", NULL}, 0, "",
	NULL, NULL},
    {"inbound by name", "secure match=a", {"secure match=a", BY_NAME, NULL}, 0,
	"", NULL, NULL},
    {"lowered inbound", "secure match=a",
	{"secure match=a",
	    OPEN("opportunistic") " until=2026-11-23T12:00:00Z "
				  "direction=inbound "
				  "{ full = secure match=a }",
	    NULL},
	0, "changed secure -> secure until 2026-11-23T12:00:00Z", NULL, NULL},
    {"weaker out", "secure match=a",
	{"secure match=a:b", "partner=p inbound=off level=secure", NULL}, 1,
	"weaker secure match=a -> secure match=a:b", NULL, NULL},
    {"stronger out", "encrypt", {"secure match=a", BY_NAME, NULL}, 0,
	"stronger encrypt -> secure", NULL, NULL},
    {"another name", "secure match=a", {"secure match=b", BY_NAME, NULL}, 0,
	"changed secure match=a -> secure match=b", NULL, NULL},
    {"secure for verify", "verify match=a:b",
	{"secure match=b:a", BY_NAME, NULL}, 0,
	"changed secure to the same in other words", NULL, NULL},
    {"in other words, and by another rule", "secure match=a:b",
	{"secure match=b:a", OPEN("secure") " requiretls=enforce", NULL}, 0,
	"changed secure -> secure, requiretls enforce", OPEN("secure"), REG_A},
    {"what Postfix never asked for", "what", {NULL, NULL, NULL}, 0,
	"removed unknown -> nothing", NULL, NULL},
    {"REQUIRETLS", "secure match=a",
	{"secure match=a", OPEN("secure") " requiretls=enforce", NULL}, 0,
	"changed secure -> secure, requiretls enforce", NULL, NULL},
    {"one name more under a downgrade, which ends", "encrypt",
	{"secure match=a:b", OPEN("secure"), NULL}, 1,
	"weaker encrypt (full: secure) match=a -> secure match=a:b; "
	"later: secure match=a -> secure "
	"match=a:b",
	OPEN("encrypt") UNTIL, REG_A},
    {"another name under one that begins", "secure match=b",
	{"encrypt", OPEN("encrypt") UNTIL, NULL}, 0,
	"weaker secure match=b -> encrypt (full: secure) match=a",
	OPEN("secure"), REG_A},
    {"one name more under one that goes on", "encrypt",
	{"encrypt",
	    OPEN("encrypt") " until=2026-11-23T12:00:00Z "
			    "{ full = secure match=a:b }",
	    NULL},
	1,
	"weaker encrypt (full: secure) match=a -> encrypt (full: secure) "
	"match=a:b; later: secure match=a -> secure "
	"match=a:b",
	OPEN("encrypt") UNTIL, REG_A},
    {"let in without a certificate", "secure match=a",
	{"secure match=a", LET_IN("-certificate"), NULL}, 0,
	"weaker secure, inbound require by name -> secure, lowered inbound to "
	"TLS, inbound require by name",
	BY_NAME, REG_A},
    {"and without TLS", "secure match=a", {"secure match=a", LET_IN(""), NULL},
	0,
	"weaker secure, lowered inbound to TLS, inbound require by name -> "
	"secure, lowered inbound, inbound require by name",
	LET_IN("-certificate"), REG_A},
    {"the end alone", "encrypt", {"secure match=a", OPEN("secure"), NULL}, 0,
	"stronger encrypt (full: secure) -> secure", OPEN("encrypt") UNTIL,
	REG_A},
};

static void
t_told(void **state)
{
	char *dir = check_folder();
	const struct mapchange **v;
	struct side side = {0};
	struct mapchanges c;
	struct maptable t;
	struct cdbmap *was, *is;
	struct buf text = {0};
	struct err e;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(told); i++) {
		side.row = told[i].was;
		side.record = told[i].record;
		was = make(dir, "was", told[i].registry, &side);
		is = make(dir, "is", REG_B, &told[i].is);
		assert_int_equal(maptable_read(&t, is, &e), 0);
		mapchanges(&c, was, &t, false);
		v = mapchanges_ranked(&c, &n);
		buf_clear(&text);
		buf_puts(&text, "");
		if (n > 0) {
			buf_printf(&text, "%s ", change_name(v[0]->change));
			mapchange_print(v[0], &text);
		}
		if (n > 0 && v[0]->later) {
			buf_puts(&text, "; later: ");
			mapchange_print_full(v[0], &text);
		}
		check_str(told[i].name, text.data, told[i].want);
		check_int(told[i].name, (int)c.losses, (int)told[i].losses);
		assert_true(c.any);
		free(v);
		mapchanges_release(&c);
		maptable_release(&t);
		cdbmap_close(was);
		cdbmap_close(is);
	}
	buf_free(&text);
	check_folder_end(dir);
}

/* What is left where a row is gone. */
static void
t_now(void **state)
{
	static const struct {
		const char *key, *was, *above, *level, *want;
	} row[] = {
	    {"x.a", "secure", ".a", "may", "by .a: encrypt"},
	    {"y.x.a", "secure", ".a", "may", "by .a: encrypt"},
	    {".x.a", "secure", ".a", NULL, "by .a: encrypt"},
	    {"a", "secure", ".a", "may",
		"by smtp_tls_security_level = may of main.cf"},
	    {"x.a", "secure", "a", "may",
		"by smtp_tls_security_level = may of main.cf"},
	    {"x.a:25", "secure", ".a:25", "dane",
		"by smtp_tls_security_level = dane of main.cf"},
	    {"[x.a]", "secure", ".a]", NULL,
		"by smtp_tls_security_level of main.cf"},
	    {"a", "secure", "b", "",
		"without TLS: main.cf has no smtp_tls_security_level"},
	    {"joe@x.a", "secure", ".a", "may",
		"as before: Postfix asks for domains, not for addresses"},
	    {"x.a", "what", ".a", "may", "by .a: encrypt"},
	};
	char *dir = check_folder(), *path = check_path(dir, "was");
	struct mapchanges c;
	struct cdbmap *was;
	struct buf out = {0};
	struct err e;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(row); i++) {
		struct maptable t = {0};
		struct cdbmap_writer *w;
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

		w = cdbmap_create(fd);
		n = strlen(row[i].was);
		assert_int_equal(cdbmap_add(w, row[i].key, strlen(row[i].key),
				     row[i].was, n, &e),
		    0);
		assert_int_equal(cdbmap_finish(w, &e), 0);
		assert_int_equal(close(fd), 0);
		was = cdbmap_open(path, &e);
		assert_non_null(was);
		(void)maptable_add(
		    &t, row[i].above, strlen(row[i].above), "encrypt", 7);
		mapchanges(&c, was, &t, true);
		assert_int_equal(c.n, 2);
		buf_clear(&out);
		mapchange_print_now(&c.v[1], row[i].level, &out);
		check_str(row[i].key, out.data, row[i].want);
		check_int(
		    row[i].key, c.v[1].held, strcmp(row[i].was, "what") == 0);
		mapchanges_release(&c);
		maptable_release(&t);
		cdbmap_close(was);
	}
	buf_free(&out);
	free(path);
	check_folder_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_rows),
	    cmocka_unit_test(t_told),
	    cmocka_unit_test(t_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
