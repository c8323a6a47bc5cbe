#include "ledgerlab.h"

#include "ctlfacts.h"
#include "onboard.h"
#include "registry.h"

static void
t_policy(void **state)
{
	static const struct {
		const char *policy, *want, *name;
	} row[] = {
	    {"secure match=mx1.a.test:mx2.a.test ciphers=high",
		"secure match=mx1.a.test:mx2.a.test ciphers=high",
		"mx1.a.test"},
	    {"secure match=.a.test", "secure match=.a.test", "mx.a.test"},
	    {"secure match=nexthop:dot-nexthop protocols=>=TLSv1.2",
		"secure match=d.test:.d.test protocols=>=TLSv1.2", "d.test"},
	    {"secure match=dot-nexthop:x.test", "secure match=.d.test:x.test",
		"mx.d.test"},
	    {"secure match=hostname", "secure match=mx.d.test", "mx.d.test"},
	    {"secure match=a.test tafile=/etc/ca.pem tafile=/b",
		"secure match=a.test tafile=%CA% tafile=%CA%", "a.test"},
	    {"secure match=a.test servername=hostname",
		"secure match=a.test servername=d.test", "a.test"},
	    {"secure match=a.test servername=own.test",
		"secure match=a.test servername=own.test", "a.test"},
	    {"fingerprint match=AB:CD|EF:01 ciphers=high",
		"fingerprint match=AB:CD|EF:01 ciphers=high", "mx.d.test"},
	    {"dane-only", "dane-only", "mx.d.test"},
	    {"encrypt protocols=>=TLSv1.2", "encrypt protocols=>=TLSv1.2",
		"mx.d.test"},
	};
	char *got, *name;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(row); i++) {
		got = onboard_policy(row[i].policy, "d.test", &name);
		check_str(row[i].policy, got, row[i].want);
		check_str(row[i].policy, name, row[i].name);
		free(got);
		free(name);
	}
}

static bool
put_event(const struct ledger_event *ev, void *arg)
{
	return gather(arg, "%s %s %lld: %s", ev->kind, ev->partner,
	    (long long)(ev->time - T0), ev->text);
}

/* The measuring takes a while: others may write into the record meanwhile. */
static void
t_time(void **state)
{
	struct ctl c = {.now = T0, .set.ledger = file};
	struct partner p = {.name = "acme"};
	struct onboard o = {.open = 2};
	struct ledger_event_query q = {.since = 0};
	struct gathered got = {.n = 0};
	size_t i;

	(void)state;
	for (i = 0; i < ONBOARD_STEPS; i++)
		o.step[i] =
		    (struct onboard_step){.name = "step", .state_name = "open"};
	well("record", onboard_record(&c, &p, &o, T0 + 11, &err));
	well("events", ledger_events(led, &q, put_event, &got, &err));
	check_str("event", got.text,
	    "onboard acme 11: not ready for mode=enforced: 2 of 9 steps open");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(t_policy),
	    cmocka_unit_test_setup_teardown(t_time, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
