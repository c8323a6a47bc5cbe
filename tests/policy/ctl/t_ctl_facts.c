/* Facts about partners: what one look at all of them says of each. */
#include "ledgerlab.h"
#include "mkcert.h"

#include <jansson.h>

#include "buf.h"
#include "ctlfacts.h"
#include "ctllive.h"
#include "ctlstatus.h"
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
look(const char *partner, const char *nexthop, const char *host,
    const char *address, const char *fault, const char *key, time_t t)
{
	struct evidence_probe p = {.time = t,
	    .partner = partner,
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
	well("probe", evidence_probe_add(evi, &p, NULL, &err));
}

static void
looked(const char *nexthop, const char *host, const char *address,
    const char *fault, const char *key, time_t t)
{
	look("acme", nexthop, host, address, fault, key, t);
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
	    {0, T0 - 6, "acme", EVIDENCE_IN, "no-starttls", "acme.example",
		"unknown", "192.0.2.66", "NOQUEUE", "anybody's"},
	    {0, T0 - 31 * DAY, "globex", EVIDENCE_OUT, "expired", "", "", "",
		"4C", "long ago"},
	    {0, T0 - 5, "gone", EVIDENCE_IN, "no-starttls", "", "", "", "4D",
		""},
	    {0, T0 - DAY, "acme", EVIDENCE_IN, "no-starttls", "", "", "", "4E",
		"a day ago"},
	    {0, T0 - 7, "acme", EVIDENCE_IN, "no-starttls", "", "", "", "4F",
		""},
	    {0, T0 - DAY + 1, "globex", EVIDENCE_IN, "no-starttls", "", "", "",
		"50", ""},
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
	    /* On the day of the downgrade, before it. */
	    SENT("2026-11-21", "acme", EVIDENCE_OUT, VERIFIED, 40),
	    /* Before the refusal, and after it. */
	    SENT("2026-11-23", "acme", EVIDENCE_IN, ENCRYPTED, 1),
	    SENT("2026-11-23", "globex", EVIDENCE_IN, ENCRYPTED, 1),
	    /* Under the downgrade that ended. */
	    SENT("2026-11-22", "globex", EVIDENCE_OUT, ENCRYPTED, 2),
	    SENT("2026-11-22", "globex", EVIDENCE_IN, CLEAR, 4),
	};
	struct evidence_batch b = {.count = count,
	    .ncounts = COUNT(count),
	    .failure = failure,
	    .nfailures = COUNT(failure)};
	int64_t id;

	count[1].downgrade = count[2].downgrade = 2;
	count[4].result = "deferred";
	count[9].result = count[10].result = count[12].result = "received";
	count[9].last = T0 - 60;
	count[10].last = T0 - 9;
	count[11].downgrade = count[12].downgrade = 1;
	well("probe", probe("acme", "mx0", T0 - DAY, "ok", KEY_B,
			  "")); /* gone from DNS */
	well("probe", probe("acme", "mx1", T0 - 3600, "ok", KEY_A, ""));
	well("probe", probe("acme", "mx1", T0 - 10, "expired", KEY_A, ""));
	well("probe", probe("acme", "mx2", T0 - 5, "expired", KEY_B, ""));
	well("probe", probe("acme", "mx3", T0 - 5, "expired", KEY_C, ""));
	well("probe", probe("gone", "mx1", T0 - 5, "ok", KEY_C, ""));
	look("globex", "globex.example", "mx1", "192.0.2.1", "ok", KEY_C,
	    T0 - 7);
	look("globex", "globex.example", "mx2", "192.0.2.1", "ok", KEY_C,
	    T0 - 6);
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
	json_t *j = ctlstatus_json(f, T0);
	char *s = json_dumps(j, JSON_INDENT(1) | JSON_SORT_KEYS);

	json_decref(j);
	assert_non_null(s);
	return s;
}

static void
t_all(void **state)
{
	static const char *const last[] = {"2026-11-23", "2026-11-23", ""};
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
		check_str(name, one.moved.last, last[i]);
		check_int(name, one.ended.id, i == 1 ? 1 : 0);
		check_int(name, (long)one.ended_moved, i == 1 ? 2 : 0);
		ctl_facts_release(&one);
	}
	check_str("why", all[0].lowered.reason, "expired certificate");
	check_int("gateways of one look", all[0].n, 3);
	check_int("since the begin", all[0].moved.n[EVIDENCE_ENCRYPTED], 23);
	check_int("no more", all[0].moved.n[EVIDENCE_VERIFIED], 0);
	check_int("sent only", all[0].moved.n[EVIDENCE_CLEAR], 0);
	check_str("the last failure", all[0].failure.text, "last");
	check_str("and where", all[0].failure.address, "192.0.2.1");
	check_str("of what came in", all[0].refused.text, "anybody's");
	check_int("within a day", (long)all[0].refusals, 2);
	check_true("over TLS before", !all[0].encrypted_since);
	check_int("once", (long)all[1].refusals, 1);
	check_true("over TLS since", all[1].encrypted_since);
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
	check_str("by none", facts(),
	    "mx1 expired, no key ever passed for acme.example; encrypt, "
	    "strangers");
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
	    "mx1 expired since 11:50, no key ever passed for acme.example; "
	    "acme.test: dns-failed; encrypt, strangers");
	looked("acme.test", "mx1", "192.0.2.1", "ok", KEY_A, T0 - 20);
	check_str("and of the other", facts(),
	    "mx1 expired since 11:50, key unchanged; mx1 passes; key aa");
	/* Another address: a look finds all that there are. */
	looked("acme.test", "mx1", "192.0.2.2", "ok", KEY_B, T0);
	looked("acme.example", "mx1", "192.0.2.2", "ok", KEY_B, T0);
	check_str("moved", facts(), "mx1 passes; no help bb");
}

/* What was seen at a domain that is the partner's no more. */
static void
t_taken(void **state)
{
	static const char was[] = "partner acme mode=enforced"
				  " contact=p@acme.test\n"
				  "\tdomain=acme.example,old.example\n";
	static const char given[] = "partner globex mode=enforced"
				    " contact=p@acme.test\n"
				    "\tdomain=old.example\n";
	static const struct {
		const char *name, *live;
		size_t n;
	} rows[] = {
	    {"taken", NULL, 1},
	    {"taken from what the map has", was, 2},
	    {"given to another", given, 1},
	};
	struct diags d = {0};
	struct registry *live;
	struct ctl_facts f, *all;
	struct ctl c;
	size_t i, n;

	(void)state;
	looked("acme.example", "mx1", "192.0.2.1", "ok", KEY_A, T0 - 60);
	looked("old.example", "mx2", "192.0.2.2", "expired", KEY_B, T0 - 30);
	for (i = 0; i < COUNT(rows); i++) {
		begin(&c, text);
		live = rows[i].live == NULL
			   ? NULL
			   : registry_parse("live", rows[i].live,
				 strlen(rows[i].live), T0, &d);
		c.live = live;
		check_int(
		    rows[i].name, ctl_facts_get(&c, "acme", false, &f), 0);
		check_int(rows[i].name, f.n, rows[i].n);
		if (f.n == 1)
			check_int(rows[i].name, f.probed, T0 - 60);
		ctl_facts_release(&f);
		check_int(rows[i].name, ctl_facts_all(&c, &all, &n), 0);
		check_int(rows[i].name, all->n, rows[i].n);
		ctl_facts_free(all, n);
		registry_free(live);
		end();
	}
	diag_free(&d);
	/* What no registry has is told as it was seen. */
	begin(&c, given);
	looked("acme.example", "mx1", "192.0.2.1", "ok", KEY_A, T0);
	well("lowered",
	    ledger_downgrade_begin(led, &lowering, T0, &(int64_t){0}, &err));
	check_int("gone", ctl_facts_get(&c, "acme", false, &f), 0);
	check_int("gone", f.n, 2);
	ctl_facts_release(&f);
	end();
}

/* What a mail met after the look, or after the one before it. */
static void
t_failed(void **state)
{
	static const struct {
		const char *name;
		struct evidence_failure x;
		const char *want;
		bool in;
	} rows[] = {
	    {"another partner's",
		{.partner = "globex", .time = T0, .fault = "expired"},
		"mx1 passes", false},
	    {"before the look", {.time = T0 - 60, .fault = "expired"},
		"mx1 passes", false},
	    {"what came in", {.time = T0 - 40, .fault = "no-starttls"},
		"mx1 passes", true},
	    {"at another gateway, but for its TLS",
		{.time = T0 - 40, .fault = "connect-timeout", .host = "mx2"},
		"mx1 passes", false},
	    {"at another address",
		{.time = T0 - 40, .fault = "expired", .address = "192.0.2.9"},
		"mx1 passes", false},
	    {"the gateway said no", {.time = T0 - 40, .fault = "ok"},
		"mx1 passes", false},
	    {"a sub-domain that nobody has",
		{.time = T0 - 45,
		    .fault = "dns-failed",
		    .host = "",
		    .domain = "sub.acme.example"},
		"mx1 passes", false},
	    {"at one that is new",
		{.time = T0 - 46, .fault = "name-mismatch", .host = "mx2"},
		"mx1 passes; since then a mail failed at mx2 with "
		"name-mismatch at 11:59",
		false},
	    {"no gateway was found",
		{.time = T0 - 45, .fault = "dns-failed", .host = ""},
		"mx1 passes; since then a mail failed with dns-failed at 11:59",
		false},
	    {"not TLS", {.time = T0 - 40, .fault = "connect-timeout"},
		"mx1 passes; since then a mail failed with connect-timeout at "
		"11:59",
		false},
	    {"the certificate", {.time = T0 - 30, .fault = "expired"},
		"mx1 expired at 11:59, by the log", false},
	    {"not TLS, later", {.time = T0 - 20, .fault = "connect-timeout"},
		"mx1 expired at 11:59, by the log", false},
	    {"something worse", {.time = T0 - 10, .fault = "no-starttls"},
		"mx1 no-starttls at 11:59, by the log", false},
	};
	struct evidence_failure x;
	struct evidence_batch b = {.failure = &x, .nfailures = 1};
	char want[200];
	size_t i;

	(void)state;
	looked("acme.example", "mx1", "192.0.2.1", "ok", KEY_A, T0 - 50);
	for (i = 0; i < COUNT(rows); i++) {
		x = rows[i].x;
		if (x.domain == NULL)
			x.domain = "acme.example";
		x.direction = rows[i].in ? EVIDENCE_IN : EVIDENCE_OUT;
		if (x.partner == NULL)
			x.partner = "acme";
		if (x.host == NULL)
			x.host = "mx1";
		if (x.address == NULL)
			x.address = "192.0.2.1";
		well(rows[i].name, evidence_log_add(evi, &b, &err));
		(void)snprintf(want, sizeof(want), "%s; ", rows[i].want);
		check_has(rows[i].name, facts(), want);
	}
	looked("acme.example", "mx1", "192.0.2.1", "ok", KEY_A, T0);
	check_has("looked at again", facts(), "mx1 passes; no help");
	/* Who met what the look had seen makes it no less known. */
	looked("acme.example", "mx1", "192.0.2.1", "expired", KEY_A, T0 + 1);
	x.time = T0 + 2;
	x.fault = "expired";
	well("the same", evidence_log_add(evi, &b, &err));
	check_has("the same", facts(), "mx1 expired, key unchanged; ");
	x.time = T0 + 3;
	x.fault = "local-error";
	well("another", evidence_log_add(evi, &b, &err));
	check_has("each says its own", facts(),
	    "mx1 expired, key unchanged; since then a mail failed with "
	    "local-error at ");
}

/* --- By a registry that is not in force ----------------------------------- */

#define ENFORCED "partner acme mode=enforced domain=acme.example contact=p "
#define OPEN "partner acme domain=acme.example "

static void
put_forecast(const char *partner, const char *line, void *arg)
{
	assert_ptr_equal(strstr(line, partner), line);
	buf_puts(arg, line);
}

static void
t_foreseen(void **state)
{
	static const struct {
		const char *was, *would, *want;
	} row[] = {
	    {ENFORCED "gateway=.gw.example\n",
		ENFORCED "gateway=.gw.example ticket=1\n", ""},
	    {ENFORCED "gateway=.gw.example\n",
		ENFORCED "gateway=mx1.gw.example,mx2.gw.example\n", ""},
	    {ENFORCED "gateway=.gw.example\n",
		ENFORCED "gateway=mx1.gw.example\n",
		"acme: 1 of 3 gateways as last seen would fail by this "
		"(name-mismatch at mx2.gw.example)"},
	    {ENFORCED "gateway=.gw.example\n",
		ENFORCED "gateway=mx1.gx.example\n",
		"acme: 2 of 3 gateways as last seen would fail by this "
		"(name-mismatch)"},
	    {OPEN "gateway=.gw.example\n", ENFORCED "gateway=mx1.gx.example\n",
		"acme: all 3 gateways as last seen would fail by this "
		"(no-starttls)"},
	    {OPEN "gateway=.gw.example\n", ENFORCED "gateway=.gw.example\n",
		"acme: 1 of 3 gateways as last seen would fail by this "
		"(no-starttls at mx3.gw.example)"},
	    {ENFORCED "gateway=.gw.example\n", OPEN "gateway=x.example\n", ""},
	    {ENFORCED "gateway=.gw.example\n",
		ENFORCED "gateway=.gw.example issuer=Other*\n",
		"acme: 2 of 3 gateways as last seen would fail by this "
		"(wrong-issuer: issued by O=, CN=Test CA)"},
	    {ENFORCED "gateway=.gw.example\n",
		"partner new mode=enforced domain=acme.example contact=p\n",
		""},
	    /* What is seen at a domain that it gave away. */
	    {ENFORCED "gateway=.gw.example\n",
		"partner acme mode=enforced domain=other.example contact=p "
		"gateway=mx1.gx.example\n",
		""},
	};
	const struct mk one = {.san = "DNS:mx1.gw.example"},
			two = {.san = "DNS:mx2.gw.example"};
	struct mk_two cert = mk_two(&one, &two, T0);
	char *ca = NULL, *a = NULL, *b = NULL, *bundle;
	struct registry *was, *would;
	struct diags d = {0};
	struct buf out = {0};
	struct ctl c;
	size_t i;

	(void)state;
	mk_pem(cert.ca.x, &ca);
	mk_pem(cert.a.x, &a);
	mk_pem(cert.b.x, &b);
	bundle = check_path(dir, "ca.pem");
	check_write(bundle, ca, strlen(ca));
	well("a", probe("acme", "mx1.gw.example", T0 - 9, "ok", KEY_A, a));
	well("b", probe("acme", "mx2.gw.example", T0 - 8, "ok", KEY_B, b));
	/* By any rule, so that only a level makes the difference. */
	well("c",
	    probe("acme", "mx3.gw.example", T0 - 7, "no-starttls", "", ""));
	begin(&c, text);
	c.set.ca_file = bundle;
	for (i = 0; i < COUNT(row); i++) {
		was = registry_parse(
		    "was", row[i].was, strlen(row[i].was), T0, &d);
		would = registry_parse(
		    "would", row[i].would, strlen(row[i].would), T0, &d);
		check_int(row[i].would, d.errors, 0);
		buf_clear(&out);
		buf_puts(&out, "");
		ctllive_foresee(&c.set, was, would, T0, put_forecast, &out);
		check_str(row[i].would, out.data, row[i].want);
		registry_free(was);
		registry_free(would);
	}
	end();
	diag_free(&d);
	buf_free(&out);
	mk_two_free(&cert);
	free(ca);
	free(a);
	free(b);
	free(bundle);
}

/* Whose mail goes past its rows, of one partner and of all. */
static void
t_past(void **state)
{
	static char a[] = "acme.example", sub[] = ".acme.example",
		    joe[] = "joe@globex.example", how[] = "relayhost: so";
	static struct ctl_past way[] = {{a, false, how}, {a, false, how},
	    {sub, false, how}, {joe, true, how}};
	static struct ctl_past lost = {NULL, false, how};
	struct ctl_around around = {.way = way, .nways = COUNT(way)};
	static const struct {
		const char *name;
		size_t npast;
		bool past, aside;
	} want[] = {{"acme", 2, true, true}, {"globex", 1, true, false},
	    {"hooli", 0, false, false}};
	struct ctl_facts *all, one;
	struct ctl_view v;
	struct ctl c;
	size_t n, i;

	(void)state;
	begin(&c, "partner acme mode=enforced domain=acme.example,.acme.example"
		  " contact=p@acme.example\n"
		  "partner globex mode=enforced domain=globex.example"
		  " contact=p@globex.example\n"
		  "partner hooli domain=hooli.example\n");
	c.around = &around;
	(void)ctl_facts_all(&c, &all, &n);
	assert_int_equal(n, COUNT(want));
	for (i = 0; i < n; i++) {
		(void)ctl_facts_get(&c, want[i].name, false, &one);
		v = ctl_facts_view(&all[i], T0);
		check_int(want[i].name, v.past, want[i].past);
		check_int(want[i].name, v.aside, want[i].aside);
		check_int(want[i].name, all[i].npast, want[i].npast);
		check_int(want[i].name, one.npast, want[i].npast);
		check_int(want[i].name, one.past == all[i].past, true);
		ctl_facts_release(&one);
	}
	ctl_facts_free(all, n);
	around = (struct ctl_around){.way = &lost, .nways = 1};
	for (i = 0; i < COUNT(want); i++) {
		(void)ctl_facts_get(&c, want[i].name, false, &one);
		check_int(want[i].name, ctl_facts_view(&one, T0).past, i < 2);
		ctl_facts_release(&one);
	}
	end();
}

/* A gateway that is new and fails, where one that passed is gone. */
static void
t_move(void **state)
{
	static const struct {
		const char *host, *fault, *want; /* of the last look */
	} row[] = {
	    {"new", "name-mismatch", "old -> new, 2: globex of hoster"},
	    {"NEW", "name-mismatch", "old -> NEW, 2: globex of hoster"},
	    {"other", "name-mismatch", "old -> other, 0: none of none"},
	    {"other", "no-starttls", "old -> other, 0: none of none"},
	    /* It is seen as it should be, or nothing is known of it. */
	    {"new", "ok", "none"},
	    {"new", "unreachable", "none"},
	    {"", "dns-failed", "none"},
	    {"old", "name-mismatch", "none"},
	};
	struct ctl_facts f;
	struct ctl c;
	char told[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(row); i++) {
		begin(&c, "provider hoster gateway=new\n"
			  "partner acme mode=enforced domain=acme.example"
			  " contact=p@acme.example gateway=old\n"
			  "partner globex mode=enforced domain=globex.example"
			  " contact=p@globex.example provider=hoster\n"
			  "partner hooli domain=hooli.example\n");
		looked("acme.example", "older", "192.0.2.3", "ok", KEY_A,
		    T0 - 9000);
		looked("acme.example", "bad", "192.0.2.5", "expired", KEY_A,
		    T0 - 6000);
		looked(
		    "acme.example", "old", "192.0.2.1", "ok", KEY_A, T0 - 7000);
		look("globex", "globex.example", "new", "192.0.2.2", "ok",
		    KEY_B, T0 - 60);
		look("globex", "globex.example", "new", "192.0.2.4", "ok",
		    KEY_B, T0 - 60);
		look("hooli", "hooli.example", "new", "192.0.2.2", "ok", KEY_B,
		    T0 - 60);
		look("gone", "gone.example", "new", "192.0.2.2", "ok", KEY_B,
		    T0 - 60);
		looked("acme.example", row[i].host,
		    *row[i].host == '\0' ? "" : "192.0.2.2", row[i].fault,
		    *row[i].host == '\0' ? "" : KEY_B, T0 - 30);
		(void)ctl_facts_get(&c, "acme", false, &f);
		(void)snprintf(told, sizeof(told), "none");
		if (f.move.was != NULL) {
			check_int("until", f.move.until, T0 - 7000);
			check_str("of", f.move.nexthop, "acme.example");
			(void)snprintf(told, sizeof(told),
			    "%s -> %s, %zu: %s of %s", f.move.was, f.move.is,
			    f.move.others,
			    f.move.other == NULL ? "none" : f.move.other,
			    f.move.provider == NULL ? "none" : f.move.provider);
		}
		check_str(row[i].host, told, row[i].want);
		ctl_facts_release(&f);
		end();
		evidence_close(evi);
		assert_int_equal(unlink(seen), 0);
		evi = evidence_open(seen, NULL, EVIDENCE_WRITE, &err);
		assert_non_null(evi);
	}
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
	    CASE(t_taken),
	    CASE(t_failed),
	    CASE(t_foreseen),
	    CASE(t_past),
	    CASE(t_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
