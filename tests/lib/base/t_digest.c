#include "check.h"

#include "digest.h"

/* The first three from FIPS 180-4's examples. */
static const struct {
	const char *name;
	const char *text;
	size_t times;
	const char *want;
} cases[] = {
    {"nothing", "", 1,
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "abc", 1,
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	1, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a million times a", "a", 1000000,
	"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

static void
t_sha256(void **state)
{
	char hex[DIGEST_HEX];
	struct digest *g;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		g = digest_new();
		for (j = 0; j < cases[i].times; j++)
			digest_add(g, cases[i].text, strlen(cases[i].text));
		digest_hex(g, hex);
		check_str(cases[i].name, hex, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
