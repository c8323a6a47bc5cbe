/* Text in columns: wide characters, cuts, and lines that are broken. */
#include "check.h"

#include "buf.h"
#include "columns.h"

static void
test_width(void **state)
{
	static const struct {
		const char *name, *text;
		size_t want;
	} rows[] = {
	    {"nothing", "", 0},
	    {"ASCII", "abc", 3},
	    {"a letter of two bytes", "m\xc3\xbcnchen", 7},
	    {"wide ones", "\xe4\xbe\x8b\xe3\x81\x88", 4},
	    {"one that combines", "e\xcc\x81", 1},
	    {"right to left", "\xd7\x93\xd7\x95", 2},
	    {"an emoji", "\xf0\x9f\x98\x80", 2},
	    {"no UTF-8", "a\xff\xc3", 3},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		check_int(
		    rows[i].name, columns_width(rows[i].text), rows[i].want);
}

static void
test_put(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		const char *want;
	} rows[] = {
	    {"abc", 5, "abc  "},
	    {"abcde", 5, "abcde"},
	    {"abcdef", 5, "ab..."},
	    {"abcdef", 2, ".."},
	    {"", 2, "  "},
	    {"\xe4\xbe\x8b\xe3\x81\x88\xe4\xbe\x8b", 6,
		"\xe4\xbe\x8b\xe3\x81\x88\xe4\xbe\x8b"},
	    /* Half of a wide one is none. */
	    {"\xe4\xbe\x8b\xe3\x81\x88\xe4\xbe\x8b", 5, "\xe4\xbe\x8b..."},
	    {"\xe4\xbe\x8b\xe3\x81\x88\xe4\xbe\x8b x", 6, "\xe4\xbe\x8b... "},
	};
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		columns_put(&b, rows[i].text, rows[i].width);
		check_str(rows[i].text, b.data, rows[i].want);
	}
	buf_free(&b);
}

static void
test_name(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
	    {"abc", "abc |"},
	    {"abcd", "abcd|"},
	    {"abcde", "abcde\n    |"},
	    {"abcdefghi", "abcdefghi\n    |"},
	    {"abcdefghij", "abcdef...\n    |"},
	    {"\xe4\xbe\x8b\xe3\x81\x88", "\xe4\xbe\x8b\xe3\x81\x88|"},
	    {"\x1b", "\\x1b|"},
	    {"\xe2\x80\xae", "\\xe2\\x...\n    |"},
	    {"", "    |"},
	};
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		columns_name(&b, rows[i].text, 4, 9);
		buf_putc(&b, '|');
		check_str(rows[i].text, b.data, rows[i].want);
	}
	buf_free(&b);
}

static void
test_wrap(void **state)
{
	static const struct {
		const char *text;
		size_t at;
		const char *lead;
		size_t width;
		const char *want;
	} rows[] = {
	    {"a b c", 0, "", 80, "a b c"},
	    {"aa bb cc", 0, "", 5, "aa bb\ncc"},
	    {"aa bb cc", 0, "  ", 5, "aa bb\n  cc"},
	    {"aa bb c", 0, "  ", 6, "aa bb\n  c"},
	    {"aa bb", 4, "  ", 5, "\n  aa\n  bb"},
	    {"aa  bb ", 0, "", COLUMNS_ANY, "aa bb"},
	    {"toolongaword a", 0, "# ", 6, "toolongaword\n# a"},
	    {"a toolongaword", 2, "# ", 6, "a\n# toolongaword"},
	    {"\xe4\xbe\x8b\xe3\x81\x88 a", 0, "", 5,
		"\xe4\xbe\x8b\xe3\x81\x88\na"},
	    {"", 3, "", 5, ""},
	    /* Between wide characters, with what combines with them. */
	    {"\xe4\xbe\x8b\xe3\x81\x88\xe4\xbe\x8b", 0, " ", 5,
		"\xe4\xbe\x8b\xe3\x81\x88\n \xe4\xbe\x8b"},
	    {"\xe4\xbe\x8b\xcc\x81\xe3\x81\x88\xcc\x81", 0, "", 2,
		"\xe4\xbe\x8b\xcc\x81\n\xe3\x81\x88\xcc\x81"},
	    /* Less of the lead, two blanks if that is enough. */
	    {"aaa bbbb", 0, "    ", 6, "aaa\n  bbbb"},
	    {"aa bbbbb", 0, "    ", 6, "aa\n bbbbb"},
	    {"a toolong b", 0, "    ", 6, "a\ntoolong\n    b"},
	};
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		buf_puts(&b, "");
		columns_wrap(
		    &b, rows[i].text, rows[i].at, rows[i].lead, rows[i].width);
		check_str(rows[i].text, b.data, rows[i].want);
	}
	buf_free(&b);
}

static void
test_paragraph(void **state)
{
	static const struct {
		const char *name, *text, *want, *command;
	} rows[] = {
	    {"short", "a b", "L:  a b\n", "L:  a b\n"},
	    {"nothing", "", "L:  \n", "L:  \n"},
	    {"fits", "aaaa bbbb cccc d", "L:  aaaa bbbb cccc d\n",
		"L:  aaaa bbbb cccc \\\n    d\n"},
	    {"broken", "aaaa bbbb cccc dddd", "L:  aaaa bbbb cccc\n    dddd\n",
		"L:  aaaa bbbb cccc \\\n    dddd\n"},
	    {"long word", "a bbbbbbbbbbbbbbbbbbbbbbb c",
		"L:  a\nbbbbbbbbbbbbbbbbbbbbbbb\n    c\n",
		"L:  a \\\nbbbbbbbbbbbbbbbbbbbbbbb \\\n    c\n"},
	    {"first word", "bbbbbbbbbbbbbbbbb c",
		"L:\n   bbbbbbbbbbbbbbbbb\n    c\n",
		"L:  bbbbbbbbbbbbbbbbb \\\n    c\n"},
	    {"nearly a line", "a bbbbbbbbbbbbbbbbbbb",
		"L:  a\n bbbbbbbbbbbbbbbbbbb\n",
		"L:  a \\\nbbbbbbbbbbbbbbbbbbb\n"},
	    {"quoted", "aaaa 'bbb = ccc ddd eee' f",
		"L:  aaaa 'bbb = ccc\n    ddd eee' f\n",
		"L:  aaaa \\\n'bbb = ccc ddd eee' \\\n    f\n"},
	    {"hostile", "a\x1b[31m", "L:  a\\x1b[31m\n", "L:  a\\x1b[31m\n"},
	};
	struct buf out = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		columns_paragraph(&out, "L:", 4, rows[i].text, false, 20);
		check_str(rows[i].name, out.data, rows[i].want);
		buf_clear(&out);
		columns_paragraph(&out, "L:", 4, rows[i].text, true, 20);
		check_str(rows[i].name, out.data, rows[i].command);
	}
	buf_free(&out);
}

static void
test_environment(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	(void)unsetenv("COLUMNS");
	assert_int_equal(columns_of(fd[1]), 80);
	(void)setenv("COLUMNS", "132", 1);
	assert_int_equal(columns_of(fd[1]), 132);
	(void)setenv("COLUMNS", "7", 1);
	assert_int_equal(columns_of(fd[1]), 40);
	(void)setenv("COLUMNS", "many", 1);
	assert_int_equal(columns_of(fd[1]), 80);
	assert_false(columns_colour(fd[1]));
	(void)close(fd[0]);
	(void)close(fd[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_width),
	    cmocka_unit_test(test_put),
	    cmocka_unit_test(test_name),
	    cmocka_unit_test(test_wrap),
	    cmocka_unit_test(test_paragraph),
	    cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
