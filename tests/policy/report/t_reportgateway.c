/*
 * Gateways in a report: their state, their chains, what changed there, and
 * who could be enforced.
 */
#include "reportlab.h"

#include "mkcert.h"

#define REGISTRY                                                    \
	"partner acme mode=enforced domain=acme.example"            \
	" contact=postmaster@acme.example\n"                        \
	"partner initech mode=opportunistic domain=initech.example" \
	" gateway=mx.initech.example contact=postmaster@initech.example\n"

/* A chain that an accepted CA issued for a gateway's name, and its text. */
static struct mk_cert root, leaf;

static char *
chain_of(const char *host, const char *org)
{
	char san[256], *pem = NULL;
	struct mk m = {.cn = "Test CA", .org = org, .ca = true};

	mk_free(&root);
	mk_free(&leaf);
	(void)snprintf(san, sizeof(san), "DNS:%s", host);
	root = mk_cert(&m, NULL, T0);
	m = (struct mk){.cn = host, .san = san, .to = 60};
	leaf = mk_cert(&m, &root, T0);
	mk_pem(leaf.x, &pem);
	mk_pem(root.x, &pem);
	return pem;
}

/* What most looks have; the row says what is otherwise. */
static void
look(struct evidence_probe p)
{
	p.partner = p.partner == NULL ? "acme" : p.partner;
	p.nexthop = p.nexthop == NULL ? "acme.example" : p.nexthop;
	p.host = p.host == NULL ? "mx.acme.example" : p.host;
	p.address = p.address == NULL ? "192.0.2.1" : p.address;
	p.port = 25;
	p.time = p.time == 0 ? T0 - 600 : p.time;
	p.fault = p.fault == NULL ? "ok" : p.fault;
	p.key = p.key == NULL ? KEY_A : p.key;
	well("look", evidence_probe_add(evi, &p, &err));
}
#define look(...) look((struct evidence_probe){__VA_ARGS__})

static void
t_states(void **state)
{
	static const struct {
		const char *name, *fault;
		time_t time, begins, ends; /* from T0 */
		enum evidence_judged by;
		enum report_state state;
		const char *word, *note;
	} row[] = {
	    {"good", "ok", -600, -40 * DAY, 50 * DAY, EVIDENCE_BY_CA,
		REPORT_GOOD, "passes", ""},
	    {"soon", "ok", -600, -80 * DAY, 10 * DAY, EVIDENCE_BY_CA,
		REPORT_WATCH, "passes; certificate ends soon",
		"a new certificate before 2026-12-03"},
	    {"does not matter", "ok", -600, 0, -10 * DAY, EVIDENCE_BY_KEY,
		REPORT_GOOD, "passes", ""},
	    {"since expired", "ok", -600, -80 * DAY, -60, EVIDENCE_BY_CA,
		REPORT_BAD, "certificate expired", ""},
	    {"fails", "name-mismatch", -600, -80 * DAY, 30 * DAY,
		EVIDENCE_FAILED, REPORT_BAD, "name-mismatch", ""},
	    {"network", "connect-timeout", -600, 0, 0, EVIDENCE_FAILED,
		REPORT_WATCH, "connect-timeout", ""},
	    {"strict", "ok", -600, -40 * DAY, 50 * DAY, EVIDENCE_FAILED,
		REPORT_WATCH, "encrypts; could not be enforced", ""},
	    {"stale", "ok", -3 * DAY, -40 * DAY, 50 * DAY, EVIDENCE_BY_CA,
		REPORT_OPEN, "not looked at lately", "tlspact-probe acme"},
	    {"later", "ok", 3600, -40 * DAY, 50 * DAY, EVIDENCE_BY_CA,
		REPORT_OPEN, "looked at again since", ""},
	};
	const struct report_gateway *w;
	size_t i, k;

	(void)state;
	have_registry(REGISTRY);
	for (i = 0; i < COUNT(row); i++) {
		look(.fault = row[i].fault, .time = T0 + row[i].time,
		    .begins = row[i].begins == 0 ? 0 : T0 + row[i].begins,
		    .not_after = row[i].ends == 0 ? 0 : T0 + row[i].ends,
		    .judged = row[i].by);
		read_days(1);
		check_int(row[i].name, partner("acme")->ngateways, 1);
		w = partner("acme")->gateway;
		check_int(row[i].name, w->state, row[i].state);
		check_str(row[i].name, w->word, row[i].word);
		for (k = 0; k < rep.nnotes; k++)
			if (strcmp(rep.note[k].next, row[i].note) == 0)
				break;
		if (*row[i].note != '\0')
			check_true(row[i].name, k < rep.nnotes);
		if (row[i].state != REPORT_GOOD)
			check_has(row[i].name, notes(), row[i].word);
		by_hand_in(seen, "DELETE FROM gateway; DELETE FROM probe;"
				 "DELETE FROM result");
	}
}

static void
t_chain(void **state)
{
	char *pem = chain_of("mx.acme.example", "Good CA Ltd");
	const struct report_gateway *w;

	(void)state;
	have_registry(REGISTRY);
	look(.chain = pem, .judged = EVIDENCE_BY_CA, .begins = T0 - DAY,
	    .not_after = T0 + 30 * DAY, .dnssec = "secure", .tlsa = "none");
	look(.address = "192.0.2.2", .chain = pem, .judged = EVIDENCE_BY_CA);
	look(.address = "192.0.2.3", .chain = "not PEM",
	    .judged = EVIDENCE_BY_CA, .host = "mx3.acme.example");
	free(pem);
	read_days(1);
	check_int("gateways", partner("acme")->ngateways, 3);
	w = partner("acme")->gateway;
	check_int("chain", w[0].ncerts, 2);
	check_str("leaf", w[0].cert[0].subject, "mx.acme.example");
	check_str("issuer", w[0].issuer, "Good CA Ltd, Test CA");
	check_str("key", w[0].cert[0].key, "EC prime256v1");
	check_true("purposes", w[0].cert[0].server && !w[0].cert[0].client);
	check_true("root", w[0].cert[1].self_issued);
	check_str("ends first", w[0].ends_who, "Test CA");
	check_int("left", w[0].left, 96);
	check_str("dnssec", w[0].dnssec, "secure");
	check_int("of the other address", w[1].ncerts, 2);
	check_int("not known", w[1].left, -1);
	check_int("not PEM", w[2].ncerts, 0);
	check_str("not PEM", w[2].issuer, "");
	check_str("names", partner("acme")->names, "agreed");
}

static void
t_changes(void **state)
{
	char *one = chain_of("mx.acme.example", "One"), *two;
	const struct report_seen_change *c;
	unsigned i;

	(void)state;
	two = chain_of("mx.acme.example", "Two");
	have_registry(REGISTRY);
	look(.time = NOON(-9), .chain = one);
	look(.time = NOON(-9) + 60, .host = "mx2.acme.example");
	/* Another key before the period; one in it; and back and forth. */
	look(.time = NOON(-8), .chain = one, .key = KEY_B);
	for (i = 0; i < 3; i++) {
		look(.time = NOON(-3) + i * 60, .chain = two, .key = KEY_A);
		look(.time = NOON(-3) + i * 60 + 30, .chain = two,
		    .key = KEY_B);
	}
	/* What shows no key is no change. */
	look(.time = NOON(-2), .fault = "connect-timeout", .key = "");
	look(.time = NOON(-1), .chain = two, .key = KEY_B);
	look(.time = NOON(-1), .host = "mx3.acme.example", .key = KEY_A);
	look(.time = NOON(-1), .partner = "gone", .key = KEY_A);
	free(one);
	free(two);
	read_days(7);
	check_int("changes", rep.nseen_changes, 4);
	c = rep.seen_change;
	check_int("key", c[0].what, REPORT_KEY);
	check_str("was", c[0].was, KEY_B);
	check_str("is", c[0].is, KEY_A);
	check_int("time", c[0].time, NOON(-3));
	check_int("issuer", c[1].what, REPORT_ISSUER);
	check_str("was", c[1].was, "One, Test CA");
	check_str("is", c[1].is, "Two, Test CA");
	check_int("back", c[2].what, REPORT_KEY);
	check_int("appeared", c[3].what, REPORT_APPEARED);
	check_str("appeared", c[3].host, "mx3.acme.example");
	/* mx2 was not met any more before the period. */
	check_int("gateways", partner("acme")->ngateways, 2);
	well("before",
	    try_report(MIDNIGHT - 12 * DAY, MIDNIGHT - 7 * DAY, T0, "acme"));
	check_int("changes", rep.nseen_changes, 2);
	check_int("key", rep.seen_change[1].what, REPORT_KEY);
	check_int("gone", rep.seen_change[0].what, REPORT_GONE);
	check_str("gone", rep.seen_change[0].host, "mx2.acme.example");
}

/* One thing is missing after the other. */
static void
t_ready(void **state)
{
	const struct report_partner *p;
	char *pem = chain_of("mx.initech.example", "Good CA Ltd");
	char *other = chain_of("mx.other.example", "Bad CA Ltd"), *ca = NULL;
	struct evidence_probe probe = {.partner = "initech",
	    .nexthop = "initech.example",
	    .host = "mx.initech.example",
	    .judged = EVIDENCE_FAILED,
	    .chain = other};
	const struct evidence_hour hour = {T0 - 7200, "mx1", 1};

	(void)state;
	have_registry(REGISTRY);
	mk_pem(root.x, &ca);
	read_days(30);
	p = partner("initech");
	check_int("enforced", partner("acme")->ready, REPORT_IS_ENFORCED);
	check_int("no look", p->ready, REPORT_NOT_READY);
	check_int("no look", p->turn, REPORT_OURS);
	/* The CA file is not there: what it would be is not known. */
	(look)(probe);
	read_days(30);
	check_has("no CA", partner("initech")->missing, "tlspact-probe");
	check_puts(set.ca_file, ca);
	read_days(30);
	p = partner("initech");
	check_str("would", p->gateway->would, "name-mismatch");
	check_has("theirs", p->missing, "issued to another name");
	check_int("theirs", p->turn, REPORT_THEIRS);
	probe.chain = pem;
	probe.time = T0 - 60;
	probe.judged = EVIDENCE_BY_CA;
	(look)(probe);
	read_days(30);
	check_has("no mail", partner("initech")->missing, "no mail within 30");
	count("2026-11-20", "initech", EVIDENCE_OUT, EVIDENCE_ENCRYPTED,
	    "opportunistic", 0, 5);
	count("2026-10-01", "initech", EVIDENCE_OUT, EVIDENCE_CLEAR,
	    "opportunistic", 0, 5);
	read_days(60);
	p = partner("initech");
	check_int("ready", p->ready, REPORT_READY);
	check_str("line", p->line, "registry:2: partner initech mode=enforced");
	check_str("answer", answer("could be Enforced")->answer,
	    "1 of 1 Opportunistic partner");
	well("hour",
	    evidence_log_add(evi,
		&(struct evidence_batch){.hour = &hour, .nhours = 1}, &err));
	read_days(60);
	p = partner("initech");
	check_int("no log", p->ready, REPORT_NOT_READY);
	check_int("no log", p->turn, REPORT_OURS);
	check_str("no log", p->missing, "29 of 30 days have no log");
	by_hand_in(seen, "DELETE FROM log_hour");
	read_days(29);
	check_int("too short", partner("initech")->turn, REPORT_TIME);
	count("2026-11-20", "initech", EVIDENCE_IN, EVIDENCE_CLEAR,
	    "opportunistic", 0, 2);
	read_days(30);
	check_str("clear", partner("initech")->missing,
	    "2 mails in the clear within 30 days, the last on 2026-11-20");
	free(pem);
	free(other);
	free(ca);
	mk_free(&root);
	mk_free(&leaf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    REPORT_CASE(t_states),
	    REPORT_CASE(t_chain),
	    REPORT_CASE(t_changes),
	    REPORT_CASE(t_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
