#include "check.h"

#include "buf.h"
#include "json.h"

static void
t_values(void **state)
{
	const struct {
		const char *name;
		json_t *value;
		const char *want;
	} rows[] = {
	    {"no text", json_text(NULL), "null"},
	    {"empty text", json_text(""), "null"},
	    {"text", json_text("m\xc3\xbcnchen"), "\"m\xc3\xbcnchen\""},
	    {"text that is no UTF-8", json_text("m\xfcnchen"),
		"\"\\\"m\\\\xfcnchen\\\"\""},
	    {"no bytes", json_bytes(NULL, 0), "null"},
	    {"none of them", json_bytes("", 0), "\"\""},
	    {"bytes with a NUL", json_bytes("a\0b", 3), "\"a\\u0000b\""},
	    {"a cut character", json_bytes("a\xc3", 2), "\"\\\"a\\\\xc3\\\"\""},
	    {"empty piece", json_span((struct span){"abc", 0}), "null"},
	    {"piece", json_span((struct span){"abc", 2}), "\"ab\""},
	    {"no time", json_time(0), "null"},
	    {"time", json_time(1796860800), "\"2026-12-10T00:00:00Z\""},
	};
	struct buf out = {0};
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		text = json_compact(json_pack("[o]", rows[i].value));
		text[strlen(text) - 1] = '\0';
		check_str(rows[i].name, text + 1, rows[i].want);
		free(text);
	}
	json_put(json_pack("{s:i, s:[i]}", "b", 1, "a", 2), &out);
	assert_string_equal(
	    out.data, "{\n  \"b\": 1,\n  \"a\": [\n    2\n  ]\n}\n");
	buf_free(&out);
}

static void
t_shown(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
	    {"a letter", "m\xc3\xbcnchen", "m\xc3\xbcnchen"},
	    {"an escape", "\x1b[2J", "\\u001B[2J"},
	    {"a newline", "a\nb", "a\\nb"},
	    {"DEL", "\x7f", "\\u007F"},
	    {"C1", "\xc2\x9b", "\\u009B"},
	    {"an override", "\xe2\x80\xae", "\\u202E"},
	    {"a tag", "\xf3\xa0\x81\x81", "\\uDB40\\uDC41"},
	    {"a picture", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	};
	struct buf out = {0};
	char want[64];
	json_t *again;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		json_put(json_pack("[o]", json_text(rows[i].text)), &out);
		(void)snprintf(
		    want, sizeof(want), "[\n  \"%s\"\n]\n", rows[i].want);
		check_str(rows[i].name, out.data, want);
		again = json_loads(out.data, 0, NULL);
		check_str(rows[i].name,
		    json_string_value(json_array_get(again, 0)), rows[i].text);
		json_decref(again);
	}
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_values), cmocka_unit_test(t_shown)};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
