#include "check.h"

#include "buf.h"
#include "conf.h"
#include "diag.h"

struct values {
	char *path;
	char *word;
	uint64_t count;
	uint64_t wait;
	int grade;
};

static const char *const grades[] = {"low", "medium", "high", NULL};

static const char *
check_word(const char *value)
{
	return strchr(value, ' ') == NULL ? NULL : "is more than one word";
}

static const struct conf_item items[] = {
    {"path", CONF_TEXT, offsetof(struct values, path), "/default", 0, 0, NULL,
	NULL},
    {"word", CONF_TEXT, offsetof(struct values, word), "", 0, 0, NULL,
	check_word},
    {"count", CONF_NUMBER, offsetof(struct values, count), "5", 1, 10, NULL,
	NULL},
    {"wait", CONF_DURATION, offsetof(struct values, wait), "90m", 60, 86400,
	NULL, NULL},
    {"grade", CONF_CHOICE, offsetof(struct values, grade), "medium", 0, 0,
	grades, NULL},
};

#define PRESETS \
	"path = /default\nword =\ncount = 5\nwait = 90m\ngrade = medium\n"

static const struct {
	const char *name;
	const char *text;
	const char *want; /* all settings; NULL: the presets */
	const char *bad;  /* "LINE: text" of each complaint, '\n' behind */
} cases[] = {
    {"nothing", "", NULL, ""},
    {"comments and blanks", "# a\n\n  \n  # b\n", NULL, ""},
    {"every type", "path = /a b\nword=x\ncount = 10\nwait = 2h\ngrade = high\n",
	"path = /a b\nword = x\ncount = 10\nwait = 2h\ngrade = high\n", ""},
    {"continued", "path = /a\n  b\n# x\n  c\n",
	"path = /a b c\nword =\ncount = 5\nwait = 90m\ngrade = medium\n", ""},
    {"empty text", "path =\n",
	"path =\nword =\ncount = 5\nwait = 90m\ngrade = medium\n", ""},
    {"seconds without a unit", "wait = 61",
	"path = /default\nword =\ncount = 5\nwait = 61s\ngrade = medium\n", ""},
    {"no =", "path /a\n", NULL,
	"1: \"path /a\": missing '=': say \"path=/a\"\n"},
    {"unknown", "\nfoo = 1\n", NULL, "2: \"foo\": unknown setting\n"},
    {"unknown: case counts", "Path = 1\n", NULL,
	"1: \"Path\": unknown setting; did you mean path?\n"},
    {"no name", "= 1\n", NULL, "1: unknown setting\n"},
    {"twice", "count = 1\n\ncount = 2\n",
	"path = /default\nword =\ncount = 1\nwait = 90m\ngrade = medium\n",
	"3: count is set already on line 1\n"},
    {"too small", "count = 0\n", NULL,
	"1: count: \"0\" is not a number from 1 to 10\n"},
    {"too large", "count = 11\n", NULL,
	"1: count: \"11\" is not a number from 1 to 10\n"},
    {"no number", "count = 1x\n", NULL,
	"1: count: \"1x\" is not a number from 1 to 10\n"},
    {"no value", "count =\n", NULL,
	"1: count: \"\" is not a number from 1 to 10\n"},
    {"too short", "wait = 59\n", NULL,
	"1: wait: \"59\" is not a time from 1m to 1d (units s, m, h, d, w)\n"},
    {"too long", "wait = 25h\n", NULL,
	"1: wait: \"25h\" is not a time from 1m to 1d (units s, m, h, d, w)\n"},
    {"no such choice", "grade = High\n", NULL,
	"1: grade: \"High\" is not one of low, medium, high; did you mean "
	"high?\n"},
    {"its own check", "word = a b\n", NULL,
	"1: word: \"a b\" is more than one word\n"},
    {"an orphan", "  path = /a\n", NULL,
	"1: a line that starts with a blank continues nothing\n"},
    {"all of them", "a\nb=\nc=\n", NULL,
	"1: \"a\": missing '='\n2: \"b\": unknown setting\n"
	"3: \"c\": unknown setting\n"},
    {"another's file",
	"root:*:2:\nb c:d\na-line-of-more-than-20 =\n\nPIN+=\n"
	"root:x y = 1\nf\ng\n",
	NULL,
	"1: missing '='\n2: \"b\": missing '='\n"
	"3: \"a-line-of-more-than-...\": unknown setting\n"
	"5: unknown setting\n6: unknown setting\n"
	"7: and more may be wrong: not read from here on\n"},
    {"DOS line ends", "count = 1\r\n", NULL,
	"1: \"\\x0d\": a control character, or not UTF-8\n"},
    {"not UTF-8", "count = 1\nword = \xff\n", NULL,
	"2: \"\\xff\": a control character, or not UTF-8\n"},
    {"UTF-8", "path = /\xc3\xbc\n",
	"path = /\xc3\xbc\nword =\ncount = 5\nwait = 90m\ngrade = medium\n",
	""},
};

static void
check_diags(const char *row, struct diags *d, const char *want)
{
	struct buf b = {0};
	size_t i;

	buf_puts(&b, "");
	for (i = 0; i < d->n; i++) {
		check_int(row, d->v[i].kind, DIAG_ERROR);
		check_str(row, d->v[i].file, "conf");
		buf_printf(&b, "%u: %s\n", d->v[i].line, d->v[i].text);
	}
	check_str(row, b.data, want);
	buf_free(&b);
}

static void
check_values(const char *row, const struct conf *c, const char *want)
{
	struct buf b = {0};

	conf_print(c, &b);
	check_str(row, b.data, want == NULL ? PRESETS : want);
	buf_free(&b);
}

/* A text, or NULL, and n overrides. */
static struct conf
conf_of(struct values *v, char *text, const char *const *override, size_t n,
    struct diags *d)
{
	struct conf c = {items, COUNT(items), v};
	const struct conf_source from = {.file = "conf",
	    .text = text,
	    .len = text == NULL ? 0 : strlen(text),
	    .option = "conf",
	    .override = override,
	    .noverrides = n};

	conf_read(&c, &from, d);
	return c;
}

static void
t_parse(void **state)
{
	struct values v;
	struct diags d;
	struct conf c;
	size_t i, len;
	char *text;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		memset(&v, 0, sizeof(v));
		d = (struct diags){0};
		len = strlen(cases[i].text);
		text = malloc(len + 1);
		memcpy(text, cases[i].text, len + 1);
		c = conf_of(&v, text, NULL, 0, &d);
		/* Values are the conf's own. */
		memset(text, 'X', len + 1);
		free(text);
		check_values(cases[i].name, &c, cases[i].want);
		check_diags(cases[i].name, &d, cases[i].bad);
		conf_free(&c);
		check_str(cases[i].name, v.path, NULL);
		diag_free(&d);
	}
}

/* What is printed reads back to the same. */
static void
t_print(void **state)
{
	struct values v = {0}, w = {0};
	struct buf a = {0}, b = {0};
	struct diags d = {0};
	struct conf c;
	char text[] = "path = /x y\ncount = 7\nwait = 61\ngrade = low\n";

	(void)state;
	c = conf_of(&v, text, NULL, 0, &d);
	conf_print(&c, &a);
	conf_print(&c, &b);
	conf_free(&c);
	c = conf_of(&w, a.data, NULL, 0, &d);
	buf_clear(&a);
	conf_print(&c, &a);
	assert_string_equal(a.data, b.data);
	assert_int_equal(d.n, 0);
	buf_free(&a);
	buf_free(&b);
	conf_free(&c);
}

static const struct {
	const char *name;
	const char *assignment;
	uint64_t want; /* count */
	const char *bad;
} overrides[] = {
    {"plain", "count=3", 3, ""},
    {"blanks", " count = 3 ", 3, ""},
    {"no =", "count", 5, "0: \"count\": missing '=': say \"count=VALUE\"\n"},
    {"unknown", "x=1", 5, "0: \"x\": unknown setting\n"},
    {"bad", "count=x", 5, "0: count: \"x\" is not a number from 1 to 10\n"},
    {"control", "word=\x01", 5,
	"0: \"word=\\x01\": a control character, or not UTF-8\n"},
    {"not UTF-8", "word=\xff", 5,
	"0: \"word=\\xff\": a control character, or not UTF-8\n"},
};

static void
t_override(void **state)
{
	static const char *const both[] = {"count=3", "count=4"};
	char text[] = "count = 2\n";
	struct values v = {0};
	struct diags d = {0};
	struct conf c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(overrides); i++) {
		c = conf_of(&v, NULL, &overrides[i].assignment, 1, &d);
		check_int(overrides[i].name, v.count, overrides[i].want);
		check_diags(overrides[i].name, &d, overrides[i].bad);
		conf_free(&c);
		diag_free(&d);
	}
	/* Over the file's, over the last one, and that is no fault. */
	c = conf_of(&v, text, both, 2, &d);
	assert_int_equal(v.count, 4);
	assert_int_equal(d.n, 0);
	conf_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_parse),
	    cmocka_unit_test(t_print),
	    cmocka_unit_test(t_override),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
