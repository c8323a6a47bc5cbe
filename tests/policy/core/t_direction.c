/* Which mail a downgrade is of, in the words of records and of people. */
#include "check.h"

#include "direction.h"

static const struct {
	const char *name, *lowered, *waives, *needs, *needs_certificate;
} cases[] = {
    [DIRECTION_BOTH] = {"both", "encrypt", "TLS", "TLS",
	"TLS and their certificate"},
    [DIRECTION_INBOUND] = {"inbound", "no TLS inbound", "TLS", "TLS",
	"TLS and their certificate"},
    [DIRECTION_CERTIFICATE] = {"inbound-certificate", "no certificate inbound",
	"certificate", "their certificate", "their certificate"},
};

static void
t_words(void **state)
{
	enum direction d, back;

	(void)state;
	for (d = DIRECTION_BOTH; d < COUNT(cases); d++) {
		check_str("name", direction_name(d), cases[d].name);
		check_int(
		    cases[d].name, direction_parse(cases[d].name, &back), 0);
		check_int(cases[d].name, (int)back, (int)d);
		check_str(cases[d].name, direction_lowered_to(d, LEVEL_ENCRYPT),
		    cases[d].lowered);
		check_str(cases[d].name, direction_waives(d), cases[d].waives);
		check_str(
		    cases[d].name, direction_needs(d, false), cases[d].needs);
		check_str(cases[d].name, direction_needs(d, true),
		    cases[d].needs_certificate);
	}
	check_int("none", direction_parse("outbound", &back), -1);
	check_int("nothing", direction_parse("", &back), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(t_words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
