#include "check.h"

#include <inttypes.h>
#include <jansson.h>

#include "buf.h"
#include "html.h"

/* Texts of others, as they stand in markup, and as a string of JSON. */
static const struct {
	const char *name, *text, *markup, *json;
} cases[] = {
    {"plain", "acme", "acme", "\"acme\""},
    {"an element", "</b><script>", "&lt;/b&gt;&lt;script&gt;",
	"\"\\u003c/b\\u003e\\u003cscript\\u003e\""},
    {"end of an attribute", "\" onload=\"", "&quot; onload=&quot;",
	"\"\\u0022 onload=\\u0022\""},
    {"the other quote", "'", "&#39;", "\"'\""},
    {"an entity", "&lt;", "&amp;lt;", "\"\\u0026lt;\""},
    {"a backslash", "\\u0041", "\\u0041", "\"\\u005cu0041\""},
    {"control characters", "a\n\x1b[1m", "a\\x0a\\x1b[1m",
	"\"a\\\\x0a\\\\x1b[1m\""},
    {"right to left",
	"a\xe2\x80\xae"
	"b",
	"a\\xe2\\x80\\xaeb", "\"a\\\\xe2\\\\x80\\\\xaeb\""},
    {"separator of lines", "\xe2\x80\xa8", "\\xe2\\x80\\xa8",
	"\"\\\\xe2\\\\x80\\\\xa8\""},
    {"no UTF-8", "m\xfcller", "m\\xfcller", "\"m\\\\xfcller\""},
    {"UTF-8", "m\xc3\xbcller", "m\xc3\xbcller", "\"m\xc3\xbcller\""},
    {"a percent sign", "100 %s", "100 %s", "\"100 %s\""},
};

static void
t_texts(void **state)
{
	struct buf b = {0};
	json_t *j;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		buf_clear(&b);
		html_printf(&b, "%s", cases[i].text);
		check_str(cases[i].name, b.data, cases[i].markup);
		buf_clear(&b);
		html_json(&b, cases[i].text);
		check_str(cases[i].name, b.data, cases[i].json);
		j = json_loads(b.data, JSON_DECODE_ANY, NULL);
		check_true(cases[i].name, j != NULL);
		json_decref(j);
	}
	buf_free(&b);
}

static void
t_formats(void **state)
{
	struct buf b = {0};

	(void)state;
	html_printf(&b, "<b a=\"%s\">%zu %u %d %ld %" PRIu64 " 5%%</b>", "x\"",
	    (size_t)1, 2U, -3, -4L, UINT64_C(18446744073709551615));
	check_str("all", b.data,
	    "<b a=\"x&quot;\">1 2 -3 -4 18446744073709551615 5%</b>");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_texts),
	    cmocka_unit_test(t_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
