#include "check.h"

#include <stdbool.h>

#include "lines.h"

/* What lines_next gives, written as "NO:text|NO:text". */
static const struct {
	const char *name;
	const char *text;
	const char *want;
} cases[] = {
    {"nothing", "", ""},
    {"one line", "a b\n", "1:a b"},
    {"no final newline", "a b", "1:a b"},
    {"two lines", "a\nb\n", "1:a|2:b"},
    {"two lines, no final newline", "a\nb", "1:a|2:b"},
    {"continued by a space", "a\n b\nc\n", "1:a\n b|3:c"},
    {"continued by a tab", "a\n\tb\n", "1:a\n\tb"},
    {"continued at the end, no newline", "a\n b", "1:a\n b"},
    {"continued twice", "a\n b\n c\nd", "1:a\n b\n c|4:d"},
    {"empty lines before", "\n\n\na\n", "4:a"},
    {"empty lines between", "a\n\n\nb\n", "1:a|4:b"},
    {"blank lines between", "a\n  \n\t\nb\n", "1:a|4:b"},
    {"only blanks", "  \n\t\n \t", ""},
    {"only newlines", "\n\n\n", ""},
    {"a comment first", "# x\na\n", "2:a"},
    {"an indented comment first", "   # x\na\n", "2:a"},
    {"only comments", "# a\n#b\n\t#c", ""},
    {"a comment last", "a\n# x", "1:a"},
    {"# inside a line is text", "a # b\n", "1:a # b"},
    {"a comment inside", "a\n# x\n b\n", "1:a\n   \n b"},
    {"an indented comment inside", "a\n  # x\n b\n", "1:a\n     \n b"},
    {"an empty line inside", "a\n\n b\nc", "1:a\n\n b|4:c"},
    {"a blank line inside", "a\n \t\n b\n", "1:a\n  \n b"},
    {"a comment between two", "a\n# x\nb\n", "1:a|3:b"},
    {"comment, continuation, comment", "a\n#1\n b\n#2\nc", "1:a\n  \n b|5:c"},
    {"begins with a blank", " a\nb\n", "1: a|2:b"},
    {"an orphan behind a comment", "# x\n a\n", "2: a"},
    {"trailing blanks are kept", "a  \nb", "1:a  |2:b"},
};

static void
t_lines(void **state)
{
	char text[256], got[256];
	struct lines in;
	struct line line;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		memset(text, 'Z', sizeof(text));
		memcpy(text, cases[i].text, strlen(cases[i].text));
		lines_init(&in, text, strlen(cases[i].text));
		got[0] = '\0';
		for (n = 0; lines_next(&in, &line);) {
			check_int(cases[i].name, line.len, strlen(line.text));
			n += (size_t)snprintf(got + n, sizeof(got) - n,
			    "%s%u:%s", n == 0 ? "" : "|", line.no, line.text);
		}
		check_str(cases[i].name, got, cases[i].want);
		check_true(cases[i].name, !lines_next(&in, &line));
	}
}

/* A comment in the middle of every line: the work must stay linear. */
static void
t_many(void **state)
{
	const size_t n = 200000;
	char *text = malloc(n * 8 + 3);
	struct lines in;
	struct line line;
	size_t i;

	(void)state;
	memcpy(text, "a\n", 2);
	for (i = 0; i < n; i++)
		memcpy(text + 2 + i * 8, "#xxxx\n b", 8);
	/* "a\n#xxxx\n b#xxxx\n b": the comments but the first are text. */
	lines_init(&in, text, 2 + n * 8);
	assert_true(lines_next(&in, &line));
	assert_int_equal(line.no, 1);
	assert_int_equal(line.len, 2 + n * 8);
	assert_false(lines_next(&in, &line));
	memset(text, '#', 2 + n * 8);
	for (i = 1; i < 2 + n * 8; i += 2)
		text[i] = '\n';
	text[0] = 'a';
	lines_init(&in, text, 2 + n * 8);
	assert_true(lines_next(&in, &line));
	assert_string_equal(line.text, "a");
	assert_false(lines_next(&in, &line));
	assert_int_equal(in.no, 2 + n * 4);
	free(text);
}

static const struct {
	const char *name;
	const char *text;
	size_t len;
	long want; /* offset of the bad byte inside text, or -1 */
} bytes[] = {
    {"plain", "abcdefgh", 8, -1},
    {"empty", "", 0, -1},
    {"newline and tab", "a\n\tb", 4, -1},
    {"tilde, the last plain one", "~", 1, -1},
    {"NUL", "\0", 1, 0},
    {"SOH", "\x01", 1, 0},
    {"carriage return", "a\r\n", 3, 1},
    {"escape", "\x1b[2J", 4, 0},
    {"US, the last control", "\x1f", 1, 0},
    {"DEL", "\x7f", 1, 0},
    {"two bytes", "\xc3\xbc", 2, -1},
    {"three bytes", "\xe2\x82\xac", 3, -1},
    {"four bytes", "\xf0\x9f\x98\x80", 4, -1},
    {"latin-1", "\xfc", 1, 0},
    {"a lone continuation", "\x80", 1, 0},
    {"cut short", "\xe2\x82", 2, 0},
    {"overlong slash", "\xc0\xaf", 2, 0},
    {"a surrogate", "\xed\xa0\x80", 3, 0},
    {"over U+10FFFF", "\xf4\x90\x80\x80", 4, 0},
    {"0xff", "\xff", 1, 0},
};

/* 64 bytes are looked at in one go, so every offset is tried. */
static void
t_bad_byte(void **state)
{
	char text[160];
	size_t i, before, after;
	long got;

	(void)state;
	for (i = 0; i < COUNT(bytes); i++)
		for (before = 0; before <= 70; before++)
			for (after = 0; after <= 70; after++) {
				memset(text, '~', sizeof(text));
				memcpy(
				    text + before, bytes[i].text, bytes[i].len);
				got = lines_bad_byte(
				    text, before + bytes[i].len + after);
				check_int(bytes[i].name, got,
				    bytes[i].want == -1
					? -1
					: (long)before + bytes[i].want);
			}
}

/* All 256 bytes, one at a time, at every offset of the 64. */
static void
t_every_byte(void **state)
{
	char text[130], row[16];
	int c;
	size_t at;
	bool good;

	(void)state;
	for (c = 0; c < 256; c++)
		for (at = 0; at < 128; at++) {
			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			good =
			    (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';
			(void)snprintf(
			    row, sizeof(row), "%02x at %zu", (unsigned)c, at);
			check_int(row, lines_bad_byte(text, sizeof(text)),
			    good ? -1 : (long)at);
		}
}

/* In blocks and what is left of one; all newlines too. */
static void
t_count(void **state)
{
	char text[300];
	size_t len, every, i;
	unsigned want;

	(void)state;
	for (every = 1; every < 70; every += 3)
		for (len = 0; len <= sizeof(text); len++) {
			for (want = 0, i = 0; i < len; i++) {
				text[i] = i % every == 0 ? '\n' : 'x';
				want += i % every == 0;
			}
			assert_int_equal(lines_number(text, len), want + 1);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_lines),
	    cmocka_unit_test(t_many),
	    cmocka_unit_test(t_bad_byte),
	    cmocka_unit_test(t_every_byte),
	    cmocka_unit_test(t_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
