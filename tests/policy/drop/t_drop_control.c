/* Who can tell whether a fault is the partner's own. */
#include "drop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "registry.h"

#define T0 1795000000

/* Names say what they are judged by: ca, dane, tls, own, and own2. */
static bool
lookup(void *ctx, const char *partner, struct drop_rules *out)
{
	(void)ctx;
	*out = (struct drop_rules){.full = LEVEL_SECURE,
	    .floor = LEVEL_KEY,
	    .may_drop = true,
	    .count = 1,
	    .window = 900,
	    .seconds = 3600};
	if (strncmp(partner, "dane", 4) == 0)
		out->by = DROP_BY_DANE;
	else if (strncmp(partner, "tls", 3) == 0)
		out->by = DROP_BY_TLS;
	else if (strncmp(partner, "own", 3) == 0)
		out->by = DROP_BY_OWN_CA;
	if (out->by == DROP_BY_OWN_CA)
		out->ca = strncmp(partner, "own2", 4) == 0 ? 2 : 1;
	return true;
}

static void
looked(
    struct drop *d, const char *name, enum fault fault, struct drop_actions *a)
{
	const struct step_gateway g = {.nexthop = "n",
	    .host = "h",
	    .fault = fault,
	    .key = "k",
	    .last_key = "k",
	    .known = true};
	const struct drop_report r = {name, T0, &g, 1};

	drop_probe(d, &r, T0, a);
}

static void
failed(struct drop *d, const char *name, struct drop_actions *a)
{
	const struct drop_delivery f = {T0, name, "n", FAULT_EXPIRED};

	drop_delivery(d, &f, T0, a);
}

static void
test_who(void **state)
{
	static const struct {
		const char *fails, *passes, *fails_too;
		bool lowered;
	} rows[] = {{"ca", "ca2", NULL, true}, {"ca", "ca", NULL, false},
	    {"ca", "own", NULL, false}, {"ca", "dane", NULL, false},
	    {"ca", "tls", NULL, false}, {"dane", "dane2", NULL, true},
	    {"dane", "ca", NULL, false}, {"dane", "tls", NULL, false},
	    {"tls", "ca", NULL, true}, {"tls", "own", NULL, true},
	    {"tls", "dane", NULL, true}, {"own", "ca", NULL, true},
	    {"own", "own2", NULL, true}, {"own", "own1", NULL, true},
	    {"own", "dane", NULL, false}, {"own", "tls", NULL, false},
	    /* The same file of two partners: one that has it must pass. */
	    {"own", "ca", "own1", false}, {"own", "own2", "own1", false},
	    {"own", "own3", "own1", true}, {"own", "ca", "own2", true}};
	struct drop_actions a;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct drop *d =
		    drop_new(&drop_preset, lookup, NULL, NULL, 0, NULL);
		bool lowered = false, held = false;

		a = (struct drop_actions){0};
		if (rows[i].fails_too != NULL)
			looked(d, rows[i].fails_too, FAULT_EXPIRED, &a);
		looked(d, rows[i].passes, FAULT_OK, &a);
		failed(d, rows[i].fails, &a);
		looked(d, rows[i].fails, FAULT_EXPIRED, &a);
		for (k = 0; k < a.n; k++) {
			lowered |= a.v[k].what == DROP_LOWER;
			held |= a.v[k].what == DROP_TELL_HELD &&
				a.v[k].why == DROP_WHY_COMMON;
		}
		if (lowered != rows[i].lowered || held == lowered)
			fail_msg("%s fails, %s passes: %s", rows[i].fails,
			    rows[i].passes, lowered ? "lowered" : "held");
		drop_actions_free(&a);
		drop_free(d);
	}
}

static struct strs *
list(size_t n, const char *a, const char *b)
{
	struct strs *s = calloc(1, sizeof(*s) + 2 * sizeof(s->v[0]));

	assert_non_null(s);
	s->n = n;
	s->v[0] = a;
	s->v[1] = b;
	return s;
}

/* What the registry says becomes that. */
static void
test_rules(void **state)
{
	struct strs *none = list(0, NULL, NULL), *one = list(1, "/a", NULL),
		    *both = list(2, "/a", "/b"),
		    *joined = list(1, "/a/b", NULL);
	struct attributes t = {.mode = MODE_ENFORCED, .ca = none};
	struct partner p = {.attributes = &t};
	struct drop_rules r, s;

	(void)state;
	drop_rules_of(&p, &r);
	assert_int_equal(r.by, DROP_BY_CA);
	t.verify = VERIFY_DANE;
	drop_rules_of(&p, &r);
	assert_int_equal(r.by, DROP_BY_DANE);
	t.verify = VERIFY_KEY;
	drop_rules_of(&p, &r);
	assert_int_equal(r.by, DROP_BY_TLS);
	t.verify = VERIFY_NAME;
	t.ca = one;
	drop_rules_of(&p, &r);
	assert_int_equal(r.by, DROP_BY_OWN_CA);
	t.ca = both;
	drop_rules_of(&p, &s);
	assert_true(r.ca != s.ca);
	t.ca = joined;
	drop_rules_of(&p, &r);
	assert_true(r.ca != s.ca);
	free(none);
	free(one);
	free(both);
	free(joined);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who),
	    cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
