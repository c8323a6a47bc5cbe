/* What drop makes of facts after a restart; its bounds; its evidence. */
#include "drop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "dropworld.h"

static bool
any_partner(void *ctx, const char *partner, struct drop_rules *out)
{
	const struct story s = {0};
	struct world w = {.story = &s};

	(void)ctx;
	return lookup(&w, partner, out);
}

/* The actions of a rebuild, as words. */
static char *
rebuild(const struct drop_facts *f, time_t now, struct drop **out)
{
	const struct story s = {0};
	struct world w = {.story = &s};
	struct drop_actions a = {0};
	struct drop_actions none = {0};
	size_t i;

	w.d = drop_new(&drop_preset, any_partner, NULL, f, now, &a);
	for (i = 0; i < a.n; i++)
		act(&w, &a.v[i], now, true, &none);
	drop_actions_free(&a);
	if (out != NULL)
		*out = w.d;
	else
		drop_free(w.d);
	return w.log.len == 0 ? calloc(1, 1) : buf_take(&w.log);
}

static const struct step_gateway bad = {.nexthop = "acme.example",
    .host = "mx1",
    .fault = FAULT_EXPIRED,
    .key = KEY_A,
    .last_key = KEY_A};
static const struct drop_delivery fails[] = {
    {T0 - 30, "acme", "acme.example", FAULT_EXPIRED},
    {T0 - 20, "acme", "acme.example", FAULT_EXPIRED},
    {T0 - 10, "acme", "acme.example", FAULT_EXPIRED},
};
static const struct step_gateway good = {.nexthop = "zed.example",
    .host = "mx1"};
static const struct drop_report report[] = {
    {"acme", T0 - 5, &bad, 1}, {"zed", T0 - 5, &good, 1}};
static const struct rebuild_row {
	const char *name;
	struct drop_downgrade low[2];
	size_t nlow, nfails, nreports;
	time_t common, last, distrust;
	long now;
	const char *want;
} rows[] = {
    {.name = "nothing", .want = ""},
    {.name = "failures only: probe", .nfails = 3, .want = "probe acme"},
    {.name = "failures and a fresh probe, but nobody passes: held",
	.nfails = 3,
	.nreports = 1,
	.want = "held acme common-cause key expired"},
    {.name = "failures, and zed passed, nobody knows which first: probe",
	.nfails = 3,
	.nreports = 2,
	.want = "probe acme"},
    {.name = "in force, young: told and flushed again",
	.low = {{.id = 7,
	    .partner = "acme",
	    .level = LEVEL_KEY,
	    .begin = T0 - 9,
	    .end = T0 + 99,
	    .automatic = true}},
	.nlow = 1,
	.nfails = 3,
	.want = "flush acme; lowered acme key"},
    {.name = "in force, but its time is up",
	.low = {{.id = 7,
	    .partner = "acme",
	    .level = LEVEL_KEY,
	    .begin = T0 - 9000,
	    .end = T0,
	    .automatic = true}},
	.nlow = 1,
	.want = "lowered acme key; restore acme end"},
    {.name = "the clock was set back by an hour meanwhile",
	.low = {{.id = 7,
	    .partner = "acme",
	    .level = LEVEL_KEY,
	    .begin = T0 - 9000,
	    .end = T0 + 10,
	    .automatic = true}},
	.nlow = 1,
	.last = T0,
	.now = -3600,
	.want = "lowered acme key; clock 3600; shorten acme 10; near "
		"acme; probe acme"},
    {.name = "noted before the clock was set back: of unknown age",
	.nfails = 3,
	.nreports = 1,
	.distrust = T0 + 50,
	.want = ""},
    {.name = "over since: failures before it do not count, a look does",
	.low = {{.id = 7,
	    .partner = "acme",
	    .level = LEVEL_KEY,
	    .begin = T0 - 9000,
	    .end = T0 + 10,
	    .closed = T0 - 15,
	    .automatic = true,
	    .why = DROP_WHY_PASSED}},
	.nlow = 1,
	.nfails = 3,
	.nreports = 1,
	.want = "restored acme passed still"},
    {.name = "a downgrade of a partner that is gone",
	.low = {{.id = 7,
	    .partner = "nobody",
	    .level = LEVEL_KEY,
	    .begin = T0 - 9000,
	    .end = T0 + 10,
	    .automatic = true}},
	.nlow = 1,
	.want = "restore nobody rules"},
    {.name = "by hand, to begin later: not yet",
	.low = {{.id = 7,
	    .partner = "acme",
	    .level = LEVEL_KEY,
	    .begin = T0 + 9000,
	    .end = T0 + 9900}},
	.nlow = 1,
	.want = ""},
    {.name = "a mass fault goes on: nothing is lowered",
	.nfails = 3,
	.nreports = 1,
	.common = T0 - 99999,
	.want = "probe acme; mass-over"},
};

static void
test_rebuild(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct drop_facts f = {.downgrade = rows[i].low,
		    .ndowngrades = rows[i].nlow,
		    .failure = fails,
		    .nfailures = rows[i].nfails,
		    .report = report,
		    .nreports = rows[i].nreports,
		    .common = rows[i].common,
		    .last = rows[i].last,
		    .distrust = rows[i].distrust};
		char *got = rebuild(&f, T0 + rows[i].now, NULL);

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s:\n want: %s\n  got: %s", rows[i].name,
			    rows[i].want, got);
		free(got);
	}
}

/* After a step back by an hour, what had 10 seconds left has them still. */
static void
test_rebuild_end(void **state)
{
	const struct drop_downgrade low = {.id = 7,
	    .partner = "acme",
	    .level = LEVEL_KEY,
	    .begin = T0 - 9000,
	    .end = T0 + 10,
	    .automatic = true};
	struct drop_facts f = {.downgrade = &low, .ndowngrades = 1, .last = T0};
	struct drop_actions a = {0};
	struct drop *d;
	size_t i, n = 0;

	(void)state;
	free(rebuild(&f, T0 - 3600, &d));
	/* The same row, read again, gives it no more. */
	drop_downgrade(d, &low, T0 - 3599, &a);
	drop_tick(d, T0 - 3590, &a);
	for (i = 0; i < a.n; i++)
		n += a.v[i].what == DROP_RESTORE;
	assert_int_equal(n, 1);
	drop_actions_free(&a);
	drop_free(d);
}

/* What is remembered is bounded, and forgotten when it is of no use. */
static void
test_bounds(void **state)
{
	struct drop *d =
	    drop_new(&drop_preset, any_partner, NULL, NULL, 0, NULL);
	struct drop_actions a = {0};
	char nexthop[32], name[16];
	unsigned i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		struct drop_delivery f = {
		    T0 + i / 100, "acme", nexthop, FAULT_SELF_SIGNED};

		(void)snprintf(nexthop, sizeof(nexthop), "n%u.example", i);
		drop_delivery(d, &f, T0 + i / 100, &a);
		drop_actions_free(&a);
	}
	assert_int_equal(drop_partners(d), 1);
	for (i = 0; i < 500; i++) {
		struct drop_delivery f = {
		    T0 + 1000, name, NULL, FAULT_SELF_SIGNED};

		(void)snprintf(name, sizeof(name), "p%u", i);
		drop_delivery(d, &f, T0 + 1000, &a);
	}
	assert_int_equal(drop_partners(d), 501);
	drop_actions_free(&a);
	for (i = 0; i < 60; i++)
		drop_tick(d, T0 + 1000 + i * 3600, &a);
	assert_int_equal(drop_partners(d), 0);
	drop_actions_free(&a);
	drop_free(d);
	drop_free(NULL);
}

/* Evidence is for people: foreign names do no harm in it. */
static void
test_text(void **state)
{
	struct step_gateway g[20];
	struct drop_report r = {"acme", T0 + 1, g, 20};
	struct drop_delivery f = {T0, "acme", NULL, FAULT_SELF_SIGNED};
	struct drop *d =
	    drop_new(&drop_preset, any_partner, NULL, NULL, 0, NULL);
	struct drop_actions a = {0};
	char host[1000];
	size_t i;

	(void)state;
	memset(host, 'x', sizeof(host));
	memcpy(host, "m\n\033x\r", 6);
	host[sizeof(host) - 1] = '\0';
	for (i = 0; i < 20; i++)
		g[i] = (struct step_gateway){.nexthop = "n",
		    .host = host,
		    .fault = FAULT_SELF_SIGNED,
		    .key = "k",
		    .last_key = "l",
		    .address = "",
		    .known = true};
	for (i = 0; i < 3; i++)
		drop_delivery(d, &f, T0, &a);
	zed_passes(d, T0 + 1, T0 + 1, &a);
	drop_probe(d, &r, T0 + 1, &a);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.v[1].what, DROP_LOWER);
	assert_true(strlen(a.v[1].text) <= DROP_TEXT_KEPT);
	assert_non_null(strstr(a.v[1].text, "m\\x0a\\x1bx\\x0d"));
	drop_actions_free(&a);
	drop_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rebuild),
	    cmocka_unit_test(test_rebuild_end),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
