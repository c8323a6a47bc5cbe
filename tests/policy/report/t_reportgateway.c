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
	well("look", evidence_probe_add(evi, &p, NULL, &err));
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

/* What a map or a mail tells after a look; times are from the look. */
static void
t_since(void **state)
{
#define MAP(key, cause, more)                                                 \
	"{\"before\":\"x\",\"rows\":[{\"key\":\"" key "\",\"cause\":\"" cause \
	"\"}],\"rest\":{\"n\":" more "}}"
	static const char newer[] = "the rule is newer than the look";
	static const struct {
		const char *name, *kind, *map, *fault, *host;
		time_t at;
		const char *word;
	} row[] = {
	    {"another's row", "map", MAP("initech.example", "registry", "0"),
		NULL, NULL, 60, "passes"},
	    {"a downgrade", "map", MAP("acme.example", "downgrade", "0"), NULL,
		NULL, 60, "passes"},
	    {"a map before", "map", MAP("acme.example", "registry", "0"), NULL,
		NULL, -60, "passes"},
	    {"no TLS", NULL, NULL, "connect-timeout", "mx.acme.example", 60,
		"passes"},
	    {"at another", NULL, NULL, "expired", "mx9.acme.example", 60,
		"passes"},
	    {"mail before", NULL, NULL, "expired", "mx.acme.example", -60,
		"passes"},
	    {"mail", NULL, NULL, "expired", "mx.acme.example", 60,
		"a mail failed after the look: expired"},
	    {"a rule", "map", MAP("acme.example", "registry", "0"), NULL, NULL,
		60, newer},
	    {"not named", "map", MAP("initech.example", "registry", "3"), NULL,
		NULL, 120, newer},
	    {"not recorded", "map-unrecorded", "{}", NULL, NULL, 180, newer},
	};
	struct evidence_failure x;
	struct evidence_batch b = {.failure = &x, .nfailures = 1};
	time_t at = T0 - 7200;
	bool open;
	size_t i;

	(void)state;
	have_registry(REGISTRY);
	for (i = 0; i < COUNT(row); i++) {
		/* Each look is after all that was before. */
		at += 300;
		look(.time = at, .judged = EVIDENCE_BY_CA);
		x = (struct evidence_failure){.time = at + row[i].at,
		    .partner = "acme",
		    .direction = EVIDENCE_OUT,
		    .fault = row[i].fault,
		    .domain = "acme.example",
		    .host = row[i].host,
		    .address = "",
		    .queue_id = "",
		    .text = ""};
		if (row[i].fault != NULL)
			well("failure", evidence_log_add(evi, &b, &err));
		if (row[i].kind != NULL)
			well("map", add_event(row[i].kind, "", row[i].map,
					at + row[i].at));
		read_days(1);
		open = strcmp(row[i].word, "passes") != 0;
		check_str(
		    row[i].name, partner("acme")->gateway->word, row[i].word);
		check_int(row[i].name, answer("gateways")->state,
		    open ? REPORT_OPEN : REPORT_GOOD);
		check_str(row[i].name, answer("gateways")->answer,
		    open ? "0 of 1 pass" : "1 of 1 pass");
	}
#undef MAP
}

#define ACME                                             \
	"partner acme mode=enforced domain=acme.example" \
	" contact=p@a.example"

/* What failed by the rule before is judged by that of now, mail and all. */
static void
t_ruled(void **state)
{
	static const char map[] =
	    "{\"before\":\"x\",\"rows\":[{\"key\":\"acme.example\","
	    "\"cause\":\"registry\"}],\"rest\":{\"n\":0}}";
	static const char *const rules[] = {ACME " gateway=mx.labs.example\n",
	    ACME " gateway=mx.acme.example\n"};
	char *pem = chain_of("mx.labs.example", "Labs"), *ca = NULL;
	struct evidence_failure x = {.partner = "acme",
	    .direction = EVIDENCE_OUT,
	    .fault = "expired",
	    .domain = "acme.example",
	    .host = "mx.labs.example",
	    .address = "",
	    .queue_id = "",
	    .text = "",
	    .time = T0 - 120};
	struct evidence_batch b = {.failure = &x, .nfailures = 1};
	const struct report_gateway *w;
	unsigned i;

	(void)state;
	mk_pem(root.x, &ca);
	for (i = 0; i < COUNT(rules); i++) {
		have_registry(rules[i]);
		if (i == 0) {
			look(.host = "mx.labs.example", .chain = pem,
			    .fault = "name-mismatch", .time = T0 - 600,
			    .judged = EVIDENCE_FAILED);
			read_days(1);
			check_str("no map since",
			    partner("acme")->gateway->word, "name-mismatch");
			well("map", add_event("map", "", map, T0 - 300));
			read_days(1);
			check_str("no CA", partner("acme")->gateway->word,
			    "the rule is newer than the look");
			check_puts(set.ca_file, ca);
		}
		for (brief = false;; brief = true) {
			read_days(1);
			w = partner("acme")->gateway;
			check_str(
			    "fault", w->fault, i == 0 ? "ok" : "name-mismatch");
			check_str("word", w->word,
			    i == 0 ? "passes, by the rule after the look"
				   : "name-mismatch");
			check_int("answer", answer("gateways")->state,
			    i == 0 ? REPORT_GOOD : REPORT_BAD);
			if (brief)
				break;
		}
		brief = false;
	}
	have_registry(rules[0]);
	well("failure", evidence_log_add(evi, &b, &err));
	read_days(1);
	check_str("mail since", partner("acme")->gateway->word,
	    "a mail failed after the look: expired");
	free(pem);
	free(ca);
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
	/* Chains take most of the time; a short answer does without. */
	brief = true;
	read_days(1);
	brief = false;
	w = partner("acme")->gateway;
	check_int("gateways", partner("acme")->ngateways, 3);
	check_int("state", w[0].state, REPORT_GOOD);
	check_int("no chain", w[0].ncerts, 0);
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
/* What a gateway shows today says nothing of the mail of a day before. */
static void
t_period_over(void **state)
{
	(void)state;
	have_registry(REGISTRY);
	count("2026-11-22", "acme", EVIDENCE_OUT, EVIDENCE_VERIFIED, "secure",
	    0, 7);
	look(.fault = "expired", .judged = EVIDENCE_FAILED);
	well("over", try_report(MIDNIGHT - DAY, MIDNIGHT, T0, NULL));
	check_str("kept", partner("acme")->verdict, "kept");
	check_int("kept", partner("acme")->state, REPORT_GOOD);
	check_int("now", answer("gateways")->state, REPORT_BAD);
	check_true("now", answer("gateways")->now);
	check_true("then", !answer("to Enforced")->now);
	check_has("now", notes(), "bad acme: mx.acme.example");
	check_true("now", rep.note[0].now);
	well("not over", try_report(MIDNIGHT - DAY, MIDNIGHT + DAY, T0, NULL));
	check_str("fails", partner("acme")->verdict, "a gateway fails");
}

/* A gateway of a domain that is the partner's no more is not counted. */
static void
t_taken(void **state)
{
	(void)state;
	have_registry(REGISTRY);
	look(.judged = EVIDENCE_BY_CA);
	look(.nexthop = "old.example", .host = "mx.old.example",
	    .fault = "no-starttls", .judged = EVIDENCE_FAILED);
	read_days(30);
	check_int("gateways", rep.ngateways, 1);
	check_int("acme", partner("acme")->ngateways, 1);
	check_int("now", answer("gateways")->state, REPORT_GOOD);
	check_true("notes", strstr(notes(), "old.example") == NULL);
}

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
	check_str("who", answer("could be Enforced")->detail, "initech");
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
	    REPORT_CASE(t_since),
	    REPORT_CASE(t_ruled),
	    REPORT_CASE(t_chain),
	    REPORT_CASE(t_changes),
	    REPORT_CASE(t_period_over),
	    REPORT_CASE(t_taken),
	    REPORT_CASE(t_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
