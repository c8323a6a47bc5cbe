/* t_step.c: what is seen of a next-hop, and what would help. */
#include "check.h"

#include "step.h"

#define GATEWAYS 4
#define NONE LEVEL_SECURE

static void
t_hop(void **state)
{
	static const struct {
		const char *name;
		struct step_gateway g[GATEWAYS];
		bool no_key;
		enum level under, level;
		enum fault fault;
		time_t since;
		bool passes, helps;
	} rows[] = {
	    {.name = "it passes",
		.g = {{.nexthop = "a"}},
		.under = NONE,
		.passes = true},
	    {.name = "it breaks our own rules only",
		.g = {{.nexthop = "a", .fault = FAULT_WRONG_ISSUER}},
		.under = NONE,
		.passes = true},
	    {.name = "it cannot be reached",
		.g = {{.nexthop = "a", .fault = FAULT_TIMEOUT, .since = 9}},
		.under = NONE},
	    {.name = "the strongest of two, and the last to fail",
		.g = {{.nexthop = "a", .fault = FAULT_NO_STARTTLS, .since = 5},
		    {.nexthop = "a",
			.fault = FAULT_EXPIRED,
			.key = "k",
			.last_key = "k",
			.since = 3},
		    {.nexthop = "b", .fault = FAULT_EXPIRED, .since = 8}},
		.under = NONE,
		.level = LEVEL_KEY,
		.fault = FAULT_EXPIRED,
		.since = 5,
		.helps = true},
	    {.name = "no key can be pinned",
		.g = {{.nexthop = "a",
		    .fault = FAULT_EXPIRED,
		    .key = "k",
		    .last_key = "k"}},
		.no_key = true,
		.under = NONE,
		.level = LEVEL_ENCRYPT,
		.fault = FAULT_EXPIRED,
		.helps = true},
	    {.name = "lowered to that already",
		.g = {{.nexthop = "a", .fault = FAULT_SELF_SIGNED},
		    {.nexthop = "a", .fault = FAULT_NO_STARTTLS}},
		.under = LEVEL_ENCRYPT,
		.level = LEVEL_OPPORTUNISTIC,
		.fault = FAULT_NO_STARTTLS,
		.helps = true},
	    {.name = "one passes, one would be helped",
		.g = {{.nexthop = "a", .fault = FAULT_SELF_SIGNED},
		    {.nexthop = "a"}},
		.under = NONE,
		.level = LEVEL_ENCRYPT,
		.fault = FAULT_SELF_SIGNED,
		.passes = true,
		.helps = true},
	};
	struct step_hop hop;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		for (n = 0; n < GATEWAYS && rows[i].g[n].nexthop != NULL; n++)
			;
		check_true(
		    rows[i].name, step_hop(rows[i].g, n, 0, rows[i].under,
				      rows[i].no_key, &hop));
		check_int(rows[i].name, hop.passes, rows[i].passes);
		check_int(rows[i].name, hop.helps, rows[i].helps);
		if (n > 1 && strcmp(rows[i].g[1].nexthop, "a") == 0)
			check_true("said once",
			    !step_hop(rows[i].g, n, 1, rows[i].under,
				rows[i].no_key, &hop));
		if (!rows[i].helps)
			continue;
		(void)step_hop(
		    rows[i].g, n, 0, rows[i].under, rows[i].no_key, &hop);
		check_int(rows[i].name, hop.level, rows[i].level);
		check_int(rows[i].name, hop.fault, rows[i].fault);
		check_int(rows[i].name, hop.since, rows[i].since);
	}
}

/* The rows of gateways; the second is met unless it is said. */
static void
t_met(void **state)
{
	static const struct {
		const char *name;
		struct step_gateway g[2];
		bool met;
	} rows[] = {
	    {"of one look", {{"a", "x", .time = 9}, {"a", "y", .time = 5}},
		true},
	    {"of the look before",
		{{"a", "x", .time = 70}, {"a", "y", .time = 5}}, false},
	    {"said to be gone",
		{{"a", "x", .time = 9}, {"a", "y", .time = 5, .gone = true}},
		false},
	    {"another next-hop",
		{{"b", "x", .time = 70}, {"a", "y", .time = 5}}, true},
	    {"no MX any more", {{"a", "", .time = 6}, {"a", "y", .time = 5}},
		false},
	    {"an MX again", {{"a", "x", .time = 6}, {"a", "", .time = 5}},
		false},
	    {"not seen then, by our own fault",
		{{"a", "x", .time = 70}, {"a", "y", .time = 5, .blind = 71}},
		true},
	    {"our own fault was before",
		{{"a", "x", .time = 170}, {"a", "y", .time = 5, .blind = 71}},
		false},
	    {"our own fault, and then no MX",
		{{"a", "", .time = 72}, {"a", "y", .time = 5, .blind = 71}},
		false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		check_int(
		    rows[i].name, step_met(rows[i].g, 2, 1, 60), rows[i].met);
		check_true(rows[i].name, step_met(rows[i].g, 2, 0, 60));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_hop),
	    cmocka_unit_test(t_met),
	};

	return cmocka_run_group_tests_name("step", tests, NULL, NULL) != 0;
}
