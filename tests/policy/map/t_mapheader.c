#include "check.h"

#include "buf.h"
#include "maprecord.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TIME "time=2026-11-23T11:02:03Z"

static const struct {
	const char *name;
	struct mapheader header;
	const char *want;
} prints[] = {
    {"never expires", {1, 1795431723, 0, 3007, 180, 412, 355, 7, HEX, 0},
	"format=1 " TIME " expires=never postfix=3.7 partners=180 domains=412 "
	"enforced=355 lowered=7 registry=sha256:" HEX},
    {"expires", {1, 1795431723, 1795431783, 2011, 0, 0, 0, 0, HEX, 0},
	"format=1 " TIME " expires=2026-11-23T11:03:03Z postfix=2.11 "
	"partners=0 domains=0 enforced=0 lowered=0 registry=sha256:" HEX},
    {"words on REQUIRETLS", {1, 1795431723, 0, 3011, 1, 2, 2, 0, HEX, 2},
	"format=1 " TIME " expires=never postfix=3.11 partners=1 domains=2 "
	"enforced=2 lowered=0 registry=sha256:" HEX " requiretls=2"},
};

static void
t_print(void **state)
{
	struct mapheader back;
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(prints); i++) {
		buf_clear(&b);
		mapheader_print(&prints[i].header, &b);
		check_str(prints[i].name, b.data, prints[i].want);
		check_true(
		    prints[i].name, mapheader_parse(&back, b.data, b.len));
		check_int(prints[i].name, back.format, 1);
		check_int(prints[i].name, back.time, prints[i].header.time);
		check_int(
		    prints[i].name, back.expires, prints[i].header.expires);
		check_int(
		    prints[i].name, back.postfix, prints[i].header.postfix);
		check_int(
		    prints[i].name, back.partners, prints[i].header.partners);
		check_int(
		    prints[i].name, back.domains, prints[i].header.domains);
		check_int(
		    prints[i].name, back.enforced, prints[i].header.enforced);
		check_str(prints[i].name, back.registry, HEX);
		check_int(prints[i].name, back.requiretls,
		    prints[i].header.requiretls);
	}
	buf_free(&b);
}

static const struct {
	const char *name;
	const char *text;
	bool want;
} parses[] = {
    {"only the format", "format=1", true},
    {"words of a later version", "format=1 colour=blue", true},
    {"another format", "format=2", false},
    {"format 0", "format=0", false},
    {"no format", "partners=1", false},
    {"nothing", "", false},
    {"a bare word", "format=1 x", false},
    {"a bad time", "format=1 time=soon", false},
    {"a bad expiry", "format=1 expires=soon", false},
    {"a bad version", "format=1 postfix=2.10", false},
    {"a bad number", "format=1 domains=-1", false},
    {"a large number", "format=1 domains=99999999999999999999", false},
    {"a digest of another kind", "format=1 registry=md5:" HEX, false},
    {"a short digest", "format=1 registry=sha256:0123", false},
    {"a long digest", "format=1 registry=sha256:" HEX "0", false},
    {"a policy", "secure match=a.example", false},
    {"a brace", "format=1 {", false},
};

static void
t_parse(void **state)
{
	struct mapheader h;
	size_t i, n;
	char *copy;

	(void)state;
	for (i = 0; i < COUNT(parses); i++) {
		n = strlen(parses[i].text);
		copy = memcpy(malloc(n + 1), parses[i].text, n);
		copy[n] = '9'; /* it is not NUL-terminated */
		check_int(parses[i].name, mapheader_parse(&h, copy, n),
		    parses[i].want);
		free(copy);
	}
	assert_false(mapheader_parse(&h, "format=1\0 x", 11));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_print),
	    cmocka_unit_test(t_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
