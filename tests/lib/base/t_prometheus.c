/* Labels: no value ends one, or makes a scrape unreadable. */
#include "check.h"

#include "buf.h"
#include "prometheus.h"

static void
test_label(void **state)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
	    {"mx1.acme.example", "l=\"mx1.acme.example\""},
	    {"", "l=\"\""},
	    {"m\xc3\xbcnchen", "l=\"m\xc3\xbcnchen\""},
	    {"a\",x=\"b", "l=\"a\\\",x=\\\"b\""},
	    {"a\\", "l=\"a\\\\\""},
	    {"a\nup 1", "l=\"a\\\\x0aup 1\""},
	    {"a\xff", "l=\"a\\\\xff\""},
	    {"\xe2\x80\xae", "l=\"\\\\xe2\\\\x80\\\\xae\""},
	};
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		prometheus_label(&b, "l", rows[i].value);
		check_str(rows[i].value, b.data, rows[i].want);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
