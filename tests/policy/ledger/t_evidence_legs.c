#include "ledgerlab.h"

#include "evidence_log.h"

static bool
show(const struct evidence_leg *l, void *arg)
{
	return gather(arg, "%s %s %s %s %s %llu +%d\n", l->day, l->partner,
	    leg_name(l->leg), l->tls, l->protocol, (unsigned long long)l->n,
	    (int)(l->last - T0));
}

static int
add(const char *mail, const char *partner, enum leg leg, const char *tls,
    time_t when)
{
	const struct evidence_leg l = {.mail = mail,
	    .time = when,
	    .partner = partner,
	    .leg = leg,
	    .tls = tls,
	    .protocol = "TLSv1.3"};

	return evidence_log_add(
	    evi, &(struct evidence_batch){.leg = &l, .nlegs = 1}, &err);
}

static void
check_legs(const char *row, const char *partner, const char *from,
    const char *to, const char *want)
{
	struct gathered g = {0};

	well(row, evidence_legs(evi, partner, from, to, show, &g, &err));
	check_str(row, g.text, want);
}

static void
t_counted(void **state)
{
	const time_t next = T0 + 86400;

	(void)state;
	well("one", add(KEY_A, "acme", LEG_TO_US, "encrypted", T0 + 5));
	well("again", add(KEY_A, "acme", LEG_TO_US, "clear", next));
	well("another", add(KEY_B, "acme", LEG_TO_US, "encrypted", T0 + 9));
	well("older", add("", "globex", LEG_TO_US, "unknown", T0 + 1));
	well("its other leg", add(KEY_A, "acme", LEG_TO_PROVIDER, "clear", T0));
	well("later", add(KEY_B, "acme", LEG_TO_PROVIDER, "clear", next));
	check_legs("all", NULL, "", "",
	    "2026-11-23 acme to-provider clear TLSv1.3 1 +0\n"
	    "2026-11-23 acme to-us encrypted TLSv1.3 2 +9\n"
	    "2026-11-23 globex to-us unknown TLSv1.3 1 +1\n"
	    "2026-11-24 acme to-provider clear TLSv1.3 1 +86400\n");
	check_legs("one partner", "globex", NULL, NULL,
	    "2026-11-23 globex to-us unknown TLSv1.3 1 +1\n");
	check_legs("from", NULL, "2026-11-24", "",
	    "2026-11-24 acme to-provider clear TLSv1.3 1 +86400\n");
	check_legs("to", "globex", "", "2026-11-22", "");
	well("none", evidence_legs(NULL, NULL, "", "", show, NULL, &err));
}

/* Counts stay; mails are known again until then. */
static void
t_pruned(void **state)
{
	(void)state;
	well("one", add(KEY_A, "acme", LEG_TO_US, "clear", T0));
	well("two", add(KEY_B, "acme", LEG_TO_US, "clear", T0 + 100));
	well("prune", evidence_prune(evi, T0 + 50, &err));
	well("two again", add(KEY_B, "acme", LEG_TO_US, "clear", T0 + 100));
	check_legs("still", NULL, "", "",
	    "2026-11-23 acme to-us clear TLSv1.3 2 +100\n");
}

static void
t_refused(void **state)
{
	(void)state;
	check_int("mail", add("x", "acme", LEG_TO_US, "clear", T0), -1);
	check_int("leg", add(KEY_A, "acme", LEG_NONE, "clear", T0), -1);
	check_int("tls", add(KEY_A, "acme", LEG_TO_US, "", T0), -1);
	check_legs("nothing", NULL, "", "", "");
}

static void
t_names(void **state)
{
	enum leg l, got;

	(void)state;
	for (l = 0; l < LEG_NONE; l++) {
		check_int(leg_name(l), leg_parse(leg_name(l), &got), 0);
		check_int(leg_name(l), got, l);
	}
	check_int("none", leg_parse("", &got), -1);
	check_int("none", got, LEG_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(t_counted, setup, teardown),
	    cmocka_unit_test_setup_teardown(t_pruned, setup, teardown),
	    cmocka_unit_test_setup_teardown(t_refused, setup, teardown),
	    cmocka_unit_test(t_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
