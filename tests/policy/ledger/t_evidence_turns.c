/* The evidence: what a gateway shows by turns, and when what ends began. */
#include "ledgerlab.h"

#include "step.h"

static struct evidence_gateway last;

static bool
keep(const struct evidence_gateway *g, void *arg)
{
	(void)arg;
	last = *g;
	return true;
}

/* The looks are letters: passes, fails, Fails otherwise, unreachable. */
static void
t_turns(void **state)
{
	static const struct {
		const char *looks;
		bool on;
		unsigned bad, of;
		enum fault fault;
	} rows[] = {
	    {"p", false, 0, 1, FAULT_OK},
	    {"f", false, 1, 1, FAULT_NO_STARTTLS},
	    {"pppf", false, 1, 4, FAULT_NO_STARTTLS},
	    {"pppfp", false, 1, 5, FAULT_NO_STARTTLS},
	    {"ffffp", false, 4, 5, FAULT_NO_STARTTLS},
	    {"fpf", true, 2, 3, FAULT_NO_STARTTLS},
	    {"fpfp", true, 2, 4, FAULT_NO_STARTTLS},
	    {"pfpfpfpfpf", true, 4, 8, FAULT_NO_STARTTLS},
	    {"pfppfpppf", true, 3, 8, FAULT_NO_STARTTLS},
	    {"fpfppppppp", false, 1, 8, FAULT_NO_STARTTLS},
	    {"fpffffffff", false, 8, 8, FAULT_NO_STARTTLS},
	    {"fpfffffffp", false, 7, 8, FAULT_NO_STARTTLS},
	    /* Our CA, and then something of theirs. */
	    {"ppffpF", false, 1, 6, FAULT_EXPIRED},
	    {"ffpFpF", true, 2, 6, FAULT_EXPIRED},
	    /* What could not be reached says nothing. */
	    {"pupupu", false, 0, 3, FAULT_OK},
	    {"fupuf", true, 2, 3, FAULT_NO_STARTTLS},
	};
	struct turns t;
	const char *c;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			(void)teardown(state);
			(void)setup(state);
		}
		for (c = rows[i].looks; *c != '\0'; c++)
			well(rows[i].looks,
			    probe("acme", "mx1", T0 + (c - rows[i].looks),
				*c == 'p'   ? "ok"
				: *c == 'f' ? "no-starttls"
				: *c == 'F' ? "expired"
					    : "connect-timeout",
				KEY_A, ""));
		well(rows[i].looks,
		    evidence_gateways(evi, "acme", 0, keep, NULL, &err));
		t = last.turns;
		check_int(rows[i].looks, t.on, rows[i].on);
		check_int(rows[i].looks, t.bad, rows[i].bad);
		check_int(rows[i].looks, t.looks, rows[i].of);
		check_int(rows[i].looks, t.fault, rows[i].fault);
	}
}

/* The rule went to and fro, and not the gateway. */
static void
t_rule(void **state)
{
	static const struct {
		const char *fault, *rule;
		bool on;
		unsigned looks;
	} rows[] = {
	    /* Of a version before it is not known. */
	    {"ok", NULL, false, 1},
	    {"expired", "one", false, 2},
	    {"ok", "two", false, 1},
	    {"expired", "one", false, 1},
	    {"ok", "two", false, 1},
	    {"expired", "two", false, 2},
	    {"ok", "two", false, 3},
	    {"expired", NULL, true, 4},
	    {"ok", "two", true, 5},
	    {"connect-timeout", "one", false, 0},
	    {"expired", "one", false, 1},
	};
	struct evidence_probe p = {.time = T0,
	    .partner = "acme",
	    .nexthop = "acme.example",
	    .host = "mx1"};
	struct turns t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		p.fault = rows[i].fault;
		p.rule = rows[i].rule;
		p.time++;
		well("add", evidence_probe_add(evi, &p, &t, &err));
		check_int(rows[i].fault, t.on, rows[i].on);
		check_int(rows[i].fault, t.looks, rows[i].looks);
	}
}

/* One that is late is not the latest. */
static void
t_late(void **state)
{
	(void)state;
	well("new", probe("acme", "mx1", T0 + 9, "expired", KEY_A, ""));
	well("late", probe("acme", "mx1", T0, "ok", KEY_A, ""));
	well("new", probe("acme", "mx1", T0 + 10, "expired", KEY_A, ""));
	well("read", evidence_gateways(evi, "acme", 0, keep, NULL, &err));
	check_int("late", last.turns.on, false);
	check_int("late", last.turns.looks, 2);
}

/* A result of the version before does not say it, until it is seen again. */
static void
t_begins(void **state)
{
	struct evidence_probe p = {.time = T0,
	    .partner = "acme",
	    .nexthop = "acme.example",
	    .host = "mx1",
	    .fault = "ok",
	    .not_after = T0 + 100,
	    .judged = EVIDENCE_BY_CA};

	(void)state;
	well("before", evidence_probe_add(evi, &p, NULL, &err));
	p.begins = T0 - 100;
	p.time++;
	well("now", evidence_probe_add(evi, &p, NULL, &err));
	well("read", evidence_gateways(evi, "acme", 0, keep, NULL, &err));
	check_int("begins", last.last.begins, T0 - 100);
	check_int("the same result", last.last.n, 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(t_turns),
	    TEST(t_rule),
	    TEST(t_late),
	    TEST(t_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
