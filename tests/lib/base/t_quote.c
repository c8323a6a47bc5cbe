#include "check.h"

#include "buf.h"
#include "quote.h"

static const struct {
	const char *name;
	const char *text;
	size_t len;
	const char *want;
} cases[] = {
    {"plain", "abc", 3, "\"abc\""},
    {"empty", "", 0, "\"\""},
    {"blank", "a b", 3, "\"a b\""},
    {"quote", "a\"b", 3, "\"a\\x22b\""},
    {"backslash", "a\\b", 3, "\"a\\x5cb\""},
    {"newline", "a\nb", 3, "\"a\\x0ab\""},
    {"NUL", "a\0b", 3, "\"a\\x00b\""},
    {"escape", "\x1b[1m", 4, "\"\\x1b[1m\""},
    {"DEL", "\x7f", 1, "\"\\x7f\""},
    {"UTF-8 is shown", "m\xc3\xbcnchen", 8, "\"m\xc3\xbcnchen\""},
    {"C1 controls are not",
	"\xc2\x9b"
	"31m",
	5, "\"\\xc2\\x9b31m\""},
    {"nor an override of direction", "\xe2\x80\xae", 3, "\"\\xe2\\x80\\xae\""},
    {"nor an isolate", "\xe2\x81\xa6", 3, "\"\\xe2\\x81\\xa6\""},
    {"nor a mark of direction", "\xe2\x80\x8e", 3, "\"\\xe2\\x80\\x8e\""},
    {"nor a space of no width", "\xe2\x80\x8b", 3, "\"\\xe2\\x80\\x8b\""},
    {"nor a joiner", "\xe2\x81\xa0", 3, "\"\\xe2\\x81\\xa0\""},
    {"nor a byte order mark", "\xef\xbb\xbf", 3, "\"\\xef\\xbb\\xbf\""},
    {"a dash is", "\xe2\x80\x93", 3, "\"\xe2\x80\x93\""},
    {"no-break space is", "\xc2\xa0", 2, "\"\xc2\xa0\""},
    {"latin-1 is not", "m\xfcnchen", 7, "\"m\\xfcnchen\""},
    {"a cut character", "a\xc3", 2, "\"a\\xc3\""},
    {"four bytes", "\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\""},
};

/* The one list of what people may not be shown: its borders, and neighbours. */
static const struct {
	unsigned long first, last;
} hidden[] = {{0x0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x34f, 0x34f},
    {0x61c, 0x61c}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},
    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164},
    {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff9, 0xfffb}, {0x13430, 0x1343f},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};

static size_t
encode(unsigned long c, char *out)
{
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;

	for (i = n; i > 1; i--, c >>= 6)
		out[i - 1] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n == 1 ? 0 : n] | c);
	return n;
}

static void
t_unsafe(void **state)
{
	char text[8], row[32], shown[16];
	struct buf b = {0};
	unsigned long c;
	size_t i, n, len;
	bool want;

	(void)state;
	for (c = 0, i = 0; c < 0x110000; c++) {
		while (i < COUNT(hidden) && c > hidden[i].last)
			i++;
		want = i < COUNT(hidden) && c >= hidden[i].first;
		len = encode(c, text);
		if (c >= 0xd800 && c < 0xe000)
			continue;
		(void)snprintf(row, sizeof(row), "U+%04lX", c);
		check_int(row, quote_unsafe(text, len, &n), want);
		check_int(row, n, len);
		quote_show(shown, sizeof(shown), text, len);
		check_int(row, strcmp(shown, "?") == 0, want || c == '?');
	}
	assert_true(quote_unsafe("\xff", 1, &n));
	assert_int_equal(n, 1);
	buf_puts(&b, "kept\n");
	quote_put(&b, "a\x1b]0;x\x07\n\xc2\x9b", 10);
	quote_since(&b, 5);
	assert_string_equal(b.data, "kept\na\\x1b]0;x\\x07\\x0a\\xc2\\x9b");
	buf_clear(&b);
	buf_puts(&b, "kept\none\ntwo\x1b\n");
	quote_since(&b, 5);
	assert_string_equal(b.data, "kept\none\\x0atwo\\x1b\n");
	quote_since(&b, b.len);
	buf_free(&b);
}

static void
t_quote(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		check_str(cases[i].name, quote(cases[i].text, cases[i].len).s,
		    cases[i].want);
	assert_string_equal(quotes("a\tb").s, "\"a\\x09b\"");
}

/* Whatever is cut, the result is whole: valid, quoted, inside its room. */
static void
t_long(void **state)
{
	static const char *const unit[] = {"a", "\xc3\xbc", "\xe2\x82\xac",
	    "\xf0\x9f\x98\x80", "\x01", "\xff"};
	char text[2048], row[32];
	struct quoted q;
	size_t u, n, len, i, step;

	(void)state;
	for (u = 0; u < COUNT(unit); u++)
		for (n = 0; n < 300; n++) {
			len = 0;
			for (i = 0; i < n; i++) {
				memcpy(text + len, unit[u], strlen(unit[u]));
				len += strlen(unit[u]);
			}
			(void)snprintf(row, sizeof(row), "%zu of %zu", n, u);
			q = quote(text, len);
			check_true(row, memchr(q.s, '\0', sizeof(q.s)) != NULL);
			len = strlen(q.s);
			check_true(row, len >= 2 && q.s[0] == '"');
			check_true(row, q.s[len - 1] == '"');
			for (i = 0; i < len; i += step) {
				step = utf8_len(q.s + i, len - i);
				check_true(row, step > 0);
			}
			if (n == 299)
				check_str(row, q.s + len - 4, "...\"");
		}
}

static const struct {
	const char *name;
	const char *text;
	size_t len, want;
} utf8[] = {
    {"nothing", "", 0, 0},
    {"NUL", "\0", 1, 1},
    {"ASCII", "a", 1, 1},
    {"DEL", "\x7f", 1, 1},
    {"first of two bytes", "\xc2\x80", 2, 2},
    {"last of two bytes", "\xdf\xbf", 2, 2},
    {"overlong two", "\xc1\xbf", 2, 0},
    {"two, cut", "\xc2", 1, 0},
    {"two, bad second", "\xc2\x41", 2, 0},
    {"two, second over", "\xc2\xc0", 2, 0},
    {"first of three", "\xe0\xa0\x80", 3, 3},
    {"overlong three", "\xe0\x9f\xbf", 3, 0},
    {"before the surrogates", "\xed\x9f\xbf", 3, 3},
    {"first surrogate", "\xed\xa0\x80", 3, 0},
    {"last surrogate", "\xed\xbf\xbf", 3, 0},
    {"after the surrogates", "\xee\x80\x80", 3, 3},
    {"last of three", "\xef\xbf\xbf", 3, 3},
    {"three, bad third", "\xe2\x82\x41", 3, 0},
    {"three, cut", "\xe2\x82", 2, 0},
    {"first of four", "\xf0\x90\x80\x80", 4, 4},
    {"overlong four", "\xf0\x8f\xbf\xbf", 4, 0},
    {"U+10FFFF", "\xf4\x8f\xbf\xbf", 4, 4},
    {"over it", "\xf4\x90\x80\x80", 4, 0},
    {"0xf5", "\xf5\x80\x80\x80", 4, 0},
    {"four, bad fourth", "\xf0\x90\x80\x41", 4, 0},
    {"continuation", "\xbf", 1, 0},
    {"0xff", "\xff", 1, 0},
};

static void
t_utf8(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(utf8); i++)
		check_int(utf8[i].name, utf8_len(utf8[i].text, utf8[i].len),
		    utf8[i].want);
}

static void
shown_text_is_cut_between_characters(void **state)
{
	char out[4];

	(void)state;
	quote_show(out, sizeof(out), "ab\xc3\xa9", 4);
	assert_string_equal(out, "ab");
	quote_show(out, sizeof(out), "a\xc3\xa9", 3);
	assert_string_equal(out, "a\xc3\xa9");
	quote_show(out, 1, "abc", 3);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_unsafe),
	    cmocka_unit_test(t_quote),
	    cmocka_unit_test(t_long),
	    cmocka_unit_test(t_utf8),
	    cmocka_unit_test(shown_text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
