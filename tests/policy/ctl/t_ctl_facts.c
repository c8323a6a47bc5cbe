/* Facts about partners: what one look at all of them says of each. */
#include "ledgerlab.h"

#include <jansson.h>

#include "buf.h"
#include "ctlfacts.h"
#include "ctlprint.h"
#include "diag.h"
#include "registry.h"
#include "step.h"

#define DAY 86400
#define KEY_C "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc3"

#define SENT(day, partner, direction, seen, m)                            \
	{                                                                 \
		day, partner, direction, EVIDENCE_##seen, "", "", "sent", \
		    .n = m                                                \
	}

static const char text[] = "partner acme mode=enforced domain=acme.example"
			   " contact=p@acme.example\n"
			   "partner globex mode=enforced domain=globex.example"
			   " contact=p@globex.example\n"
			   "partner hooli domain=hooli.example\n";

static struct registry *reg;
static struct diags diags;

/* A ctl with this registry and the ledger of the test. */
static void
begin(struct ctl *c, const char *registry)
{
	*c = (struct ctl){.now = T0,
	    .set = {.ledger = file,
		.evidence = seen,
		.map = (char *)(uintptr_t) "/none",
		.probe_timeout = 1,
		.max_downgrade = 7 * DAY}};
	c->registry = reg =
	    registry_parse("registry", registry, strlen(registry), T0, &diags);
	assert_int_equal(diags.errors, 0);
}

static void
end(void)
{
	diag_free(&diags);
	registry_free(reg);
}

static void
fill(void)
{
	struct ledger_downgrade ended = lowering, now = lowering;
	struct evidence_failure failure[] = {
	    {0, T0 - 60, "acme", EVIDENCE_OUT, "expired", "acme.example", "mx1",
		"192.0.2.1", "4A", "last"},
	    {0, T0 - 90, "acme", EVIDENCE_OUT, "no-starttls", "", "", "", "4B",
		""},
	    {0, T0 - 31 * DAY, "globex", EVIDENCE_OUT, "expired", "", "", "",
		"4C", "long ago"},
	    {0, T0 - 5, "gone", EVIDENCE_IN, "no-starttls", "", "", "", "4D",
		""},
	};
	struct evidence_count count[] = {
	    SENT("2026-11-20", "acme", EVIDENCE_OUT, VERIFIED, 1000),
	    SENT("2026-11-21", "acme", EVIDENCE_OUT, ENCRYPTED, 20),
	    SENT("2026-11-23", "acme", EVIDENCE_OUT, ENCRYPTED, 3),
	    SENT("2026-11-23", "acme", EVIDENCE_IN, CLEAR, 7),
	    SENT("2026-11-23", "acme", EVIDENCE_OUT, CLEAR, 8),
	    SENT("2026-11-21", "globex", EVIDENCE_OUT, CLEAR, 300),
	    SENT("2026-11-23", "globex", EVIDENCE_OUT, CLEAR, 5),
	    SENT("2026-11-23", "other", EVIDENCE_OUT, CLEAR, 9),
	};
	struct evidence_batch b = {.count = count,
	    .ncounts = COUNT(count),
	    .failure = failure,
	    .nfailures = COUNT(failure)};
	int64_t id;

	count[4].result = "deferred";
	well("probe", probe("acme", "mx0", T0 - DAY, "ok", KEY_B,
			  "")); /* gone from DNS */
	well("probe", probe("acme", "mx1", T0 - 3600, "ok", KEY_A, ""));
	well("probe", probe("acme", "mx1", T0 - 10, "expired", KEY_A, ""));
	well("probe", probe("acme", "mx2", T0 - 5, "expired", KEY_B, ""));
	well("probe", probe("acme", "mx3", T0 - 5, "expired", KEY_C, ""));
	well("probe", probe("gone", "mx1", T0 - 5, "ok", KEY_C, ""));
	well("probe", probe("globex", "mx1", T0 - 7, "ok", KEY_C, ""));
	well("probe", probe("globex", "mx2", T0 - 6, "ok", KEY_C, ""));
	ended.partner = "globex";
	ended.begin = T0 - 2 * DAY;
	ended.end = T0;
	well("ended",
	    ledger_downgrade_begin(led, &ended, ended.begin, &id, &err));
	now.begin = T0 - 2 * DAY;
	well("open", ledger_downgrade_begin(led, &now, now.begin, &id, &err));
	now.partner = "gone";
	well("gone", ledger_downgrade_begin(led, &now, now.begin, &id, &err));
	well("log", evidence_log_add(evi, &b, &err));
}

static char *
as_text(const struct ctl_facts *f)
{
	json_t *j = ctlprint_json(f, T0);
	char *s = json_dumps(j, JSON_INDENT(1) | JSON_SORT_KEYS);

	json_decref(j);
	assert_non_null(s);
	return s;
}

static void
t_all(void **state)
{
	struct ctl_facts *all, one;
	struct ctl c;
	char *a, *b;
	size_t i, n;

	(void)state;
	fill();
	begin(&c, text);
	assert_int_equal(ctl_facts_all(&c, &all, &n), 0);
	for (i = 0; i < c.registry->npartners; i++) {
		const char *name = c.registry->partner[i].name;

		assert_int_equal(ctl_facts_get(&c, name, false, &one), 0);
		a = as_text(&all[i]);
		b = as_text(&one);
		check_str(name, a, b);
		check_str(name, all[i].name, name);
		free(a);
		free(b);
		ctl_facts_release(&one);
	}
	check_str("why", all[0].lowered.reason, "expired certificate");
	check_int("gateways of one look", all[0].n, 3);
	check_int("since the begin", all[0].moved.n[EVIDENCE_ENCRYPTED], 23);
	check_int("no more", all[0].moved.n[EVIDENCE_VERIFIED], 0);
	check_int("sent only", all[0].moved.n[EVIDENCE_CLEAR], 0);
	check_str("the last failure", all[0].failure.text, "last");
	/* Not what passed at mx0, which is gone. */
	check_int("keys", all[0].nkeys, 1);
	check_str("the key", all[0].key[0], KEY_A);
	check_true("passed", step_same_key(&all[0].step[0]));
	check_true("passed elsewhere", !step_same_key(&all[0].step[1]));
	check_true("is new", !step_same_key(&all[0].step[2]));
	check_int("has ended", all[1].lowered.id, 0);
	check_int("today", all[1].moved.n[EVIDENCE_CLEAR], 5);
	check_int("too long ago", all[1].failure.time, 0);
	check_int("one key", all[1].nkeys, 1);
	check_int("nothing is known", all[2].n + all[2].nkeys, 0);
	ctl_facts_free(all, c.registry->npartners);
	end();
}

static void
t_few(void **state)
{
	struct ctl_facts *all;
	struct ctl c;
	size_t n;

	(void)state;
	fill();
	begin(&c, "");
	assert_int_equal(ctl_facts_all(&c, &all, &n), 0);
	check_int("nobody", n, 0);
	ctl_facts_free(all, 0);
	end();
	begin(&c, "partner hooli domain=hooli.example\n");
	assert_int_equal(ctl_facts_all(&c, &all, &n), 0);
	check_int("nobody else's", all->n, 0);
	check_int("nor this", all->lowered.id, 0);
	ctl_facts_free(all, 1);
	end();
}

/* Half of a ledger is not taken for the whole of it. */
static void
t_damaged(void **state)
{
	static const char *const tables[] = {"log_count", "failure", "gateway"};
	struct ctl_facts *all;
	struct ctl c;
	char sql[64];
	size_t i, k, n;

	(void)state;
	fill();
	begin(&c, text);
	for (k = 0; k < COUNT(tables); k++) {
		(void)snprintf(sql, sizeof(sql), "DROP TABLE %s", tables[k]);
		by_hand_in(seen, sql);
		check_int(tables[k], ctl_facts_all(&c, &all, &n), 0);
		check_true("what is lowered is known", all[0].lowered.id != 0);
		for (i = 0; i < c.registry->npartners; i++) {
			check_true(tables[k], all[i].evidence_code != 0);
			check_has(tables[k], all[i].evidence_fault, tables[k]);
			check_int(tables[k], all[i].n + all[i].nkeys, 0);
			free(as_text(&all[i]));
		}
		ctl_facts_free(all, c.registry->npartners);
	}
	by_hand("DROP TABLE downgrade");
	check_true("downgrade", ctl_facts_all(&c, &all, &n) != 0);
	for (i = 0; i < c.registry->npartners; i++) {
		check_has("downgrade", all[i].ledger_fault, "downgrade");
		check_int("downgrade", all[i].lowered.id, 0);
	}
	ctl_facts_free(all, c.registry->npartners);
	end();
}

static void
looked(const char *nexthop, const char *host, const char *address,
    const char *fault, const char *key, time_t t)
{
	struct evidence_probe p = {.time = t,
	    .partner = "acme",
	    .nexthop = nexthop,
	    .host = host,
	    .address = address,
	    .port = 25,
	    .fault = fault,
	    .key = key,
	    .judged = strcmp(fault, "ok") == 0	   ? EVIDENCE_BY_CA
		      : strcmp(fault, "none") == 0 ? EVIDENCE_BY_NONE
						   : EVIDENCE_FAILED};

	if (p.judged == EVIDENCE_BY_NONE)
		p.fault = "ok";
	well("probe", evidence_probe_add(evi, &p, &err));
}

/* The gateways of the last look and the keys to pin, as words. */
static const char *
facts(void)
{
	static char words[1000];
	struct ctl_facts f;
	struct ctl c;
	struct buf b = {0};
	struct step s;
	size_t i;

	begin(&c, "partner acme mode=enforced contact=p@acme.test\n"
		  "\tdomain=acme.example,acme.test,.acme.test\n");
	check_int("facts", ctl_facts_get(&c, "acme", false, &f), 0);
	step_propose(f.step, f.n, f.full, &s);
	step_describe(f.step, f.n, T0, &b);
	buf_printf(&b, "; %s", s.helps ? level_name(s.level) : "no help");
	for (i = 0; i < f.nkeys; i++)
		buf_printf(&b, " %.2s", f.key[i]);
	if (step_strangers(f.step, f.n, NULL) > 0)
		buf_puts(&b, ", strangers");
	(void)snprintf(words, sizeof(words), "%s", b.data);
	buf_free(&b);
	ctl_facts_release(&f);
	end();
	return words;
}

/* A key that its host has replaced since is not known any more. */
static void
t_retired(void **state)
{
	(void)state;
	looked("acme.example", "mx1", "192.0.2.1", "ok", KEY_A, T0 - 90000);
	looked("acme.example", "mx1", "192.0.2.1", "expired", KEY_A, T0 - 10);
	check_str("the key that passed", facts(),
	    "mx1 expired, key unchanged; key aa");
	/* It moves, with a new key, and then shows the old one. */
	looked("acme.example", "mx1", "192.0.2.2", "ok", KEY_B, T0 - 3600);
	looked("acme.example", "mx1", "192.0.2.1", "expired", KEY_A, T0 - 5);
	looked("acme.example", "mx1", "192.0.2.2", "expired", KEY_A, T0 - 5);
	check_str("a retired key", facts(),
	    "mx1 expired since 11:59, another key; mx1 expired, another key; "
	    "encrypt");
	/* A host that is gone from DNS lends its key to nobody. */
	looked("acme.example", "mx9", "192.0.2.9", "ok", KEY_A, T0 - 7200);
	check_str("of another host", facts(),
	    "mx1 expired since 11:59, another key; mx1 expired, another key; "
	    "encrypt");
}

/* What passed while nothing was asked is no key, and no known place. */
static void
t_judged(void **state)
{
	(void)state;
	looked("acme.example", "mx1", "192.0.2.1", "none", KEY_A, T0 - 90000);
	looked("acme.example", "mx1", "192.0.2.1", "expired", KEY_A, T0 - 10);
	check_str(
	    "by none", facts(), "mx1 expired, another key; encrypt, strangers");
	looked("acme.example", "mx1", "192.0.2.1", "ok", KEY_A, T0 - 9);
	looked("acme.example", "mx1", "192.0.2.1", "expired", KEY_A, T0 - 8);
	check_str("by its CA", facts(),
	    "mx1 expired, key unchanged, by turns: 2 of the last 4 looks "
	    "expired; key aa");
}

/* What an earlier look found, and this one did not, is of the past. */
static void
t_stale(void **state)
{
	(void)state;
	looked("acme.example", "mx1", "192.0.2.1", "expired", KEY_A, T0 - 600);
	looked("acme.example", "", "", "dns-failed", "", T0 - 500);
	looked("acme.test", "", "", "dns-failed", "", T0 - 500);
	check_str("no DNS: the gateways are not there", facts(),
	    "acme.example: dns-failed; acme.test: dns-failed; no help");
	looked("acme.example", "mx1", "192.0.2.1", "expired", KEY_A, T0 - 60);
	check_str("again, of one domain", facts(),
	    "mx1 expired since 11:50, another key; acme.test: dns-failed; "
	    "encrypt, strangers");
	looked("acme.test", "mx1", "192.0.2.1", "ok", KEY_A, T0 - 20);
	check_str("and of the other", facts(),
	    "mx1 expired since 11:50, key unchanged; mx1 passes; key aa");
	/* Another address: a look finds all that there are. */
	looked("acme.test", "mx1", "192.0.2.2", "ok", KEY_B, T0);
	looked("acme.example", "mx1", "192.0.2.2", "ok", KEY_B, T0);
	check_str("moved", facts(), "mx1 passes; no help bb");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_all),
	    CASE(t_few),
	    CASE(t_damaged),
	    CASE(t_retired),
	    CASE(t_judged),
	    CASE(t_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
