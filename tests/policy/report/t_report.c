/*
 * The facts of a report: mail, days, partners that are gone, downgrades,
 * changes of rules, failures, hours.
 */
#include "reportlab.h"

#include "day.h"
#include "evidence_own.h"

#define REGISTRY                                                    \
	"partner acme mode=enforced domain=acme.example"            \
	" contact=postmaster@acme.example\n"                        \
	"partner initech mode=opportunistic domain=initech.example" \
	" contact=postmaster@initech.example\n"

#define OUT EVIDENCE_OUT
#define IN EVIDENCE_IN
#define CLEAR EVIDENCE_CLEAR
#define ENCRYPTED EVIDENCE_ENCRYPTED
#define VERIFIED EVIDENCE_VERIFIED

#define add(...)                      \
	well("add", evidence_log_add( \
			evi, &(struct evidence_batch){__VA_ARGS__}, &err))

/* Nothing is there: nothing is green. */
static void
t_empty(void **state)
{
	static const char *const open[] = {"to Enforced", "from Enforced",
	    "in the clear", "lowered", "gateways", "Opportunistic mail",
	    "whole"};
	size_t i;

	(void)state;
	have_registry(REGISTRY);
	ledger_close(led);
	evidence_close(evi);
	led = NULL;
	evi = NULL;
	(void)unlink(file);
	(void)unlink(seen);
	read_days(30);
	check_int("days", rep.ndays, 30);
	check_str("from", rep.from_day, "2026-10-25");
	check_str("to", rep.to_day, "2026-11-23");
	check_true("today", rep.going_on);
	check_int("partners", rep.npartners, 2);
	for (i = 0; i < COUNT(open); i++)
		check_int(open[i], answer(open[i])->state, REPORT_OPEN);
	for (i = 0; i < rep.nanswers; i++)
		check_int(
		    rep.answer[i].question, rep.answer[i].state, REPORT_OPEN);
	check_int("acme", partner("acme")->state, REPORT_OPEN);
	check_str("acme", partner("acme")->verdict, "no mail");
	check_int("initech", partner("initech")->state, REPORT_OPEN);
	check_has("notes", notes(), "open acme: no mail in this period");
	for (i = 0; i < REPORT_FACTS; i++)
		if (rep.fact[i].state == REPORT_OPEN)
			check_true(
			    rep.fact[i].title, *rep.fact[i].text != '\0');
}

static void
t_mail(void **state)
{
	const struct report_mail *m;

	(void)state;
	have_registry(REGISTRY);
	count("2026-11-20", "acme", OUT, VERIFIED, "secure", 0, 90);
	count("2026-11-21", "acme", OUT, ENCRYPTED, "secure", 0, 1);
	count("2026-11-21", "acme", OUT, ENCRYPTED, "encrypt", 7, 4);
	count("2026-11-21", "acme", OUT, CLEAR, "opportunistic", 8, 5);
	count("2026-11-22", "acme", IN, ENCRYPTED, "secure", 0, 20);
	/* Not of the period. */
	count("2026-11-24", "acme", OUT, CLEAR, "secure", 0, 1000);
	count("2026-11-01", "acme", OUT, CLEAR, "secure", 0, 1000);
	count("2026-11-22", "initech", OUT, CLEAR, "opportunistic", 0, 3);
	count("2026-11-22", "initech", OUT, ENCRYPTED, "", 0, 7);
	count("2026-11-22", "a.example", IN, CLEAR, "opportunistic", 0, 2);
	count("2026-11-22", "b.example", IN, CLEAR, "opportunistic", 0, 9);
	count("2026-11-22", "c.example", IN, EVIDENCE_TRUSTED, "opportunistic",
	    0, 50);
	count("2026-11-22", "other", OUT, CLEAR, "opportunistic", 0, 100);
	read_days(7);
	m = &partner("acme")->way[OUT].mail;
	check_int("acme out", report_mails(m), 100);
	check_int("kept", m->kept.required_kept, 94);
	check_int("failed", m->kept.required_failed, 1);
	check_int("preferred", m->kept.preferred_failed, 5);
	check_int("lowered", m->lowered, 9);
	check_str("first", m->first, "2026-11-20");
	check_str("last", m->last, "2026-11-21");
	check_int("in", partner("acme")->way[IN].mail.kept.required_kept, 20);
	check_int("acme", partner("acme")->state, REPORT_BAD);
	/* 90 of 100 were as agreed: 9 under downgrades, 1 was not. */
	check_str(
	    "to", answer("to Enforced")->answer, "90.00 %: 90 of 100 mails");
	check_int("to", answer("to Enforced")->state, REPORT_BAD);
	check_str(
	    "from", answer("from Enforced")->answer, "100 %: 20 of 20 mails");
	/* Which hours were read is not on record. */
	check_int("from", answer("from Enforced")->state, REPORT_OPEN);
	/* Mail under a downgrade to opportunistic is none of it. */
	check_str("opportunistic", answer("Opportunistic mail")->answer,
	    "30.48 %: 50 of 164 mails (3 with partners, 161 with others)");
	check_str("in the clear", answer("in the clear")->answer,
	    "108 mails, 5 to Enforced partners: to 2 partners and others");
	check_str("whom", answer("in the clear")->detail,
	    "acme 5 (under a downgrade) and initech 3; others (domains not "
	    "kept by name) 100");
	check_int("unknown", rep.rule_unknown, 7);
	check_has("notes", notes(), "of 7 mails the rule of that time");
	check_str(
	    "initech", partner("initech")->verdict, "30.00 % in the clear");
	/* Days, and domains, the worst first. */
	check_int("days", partner("acme")->ndays, 3);
	check_int("day", partner("acme")->day[1].day, 4);
	check_int("day", partner("acme")->day[1].lowered[OUT], 9);
	check_int("day", rep.day[5].n[IN][CLEAR], 11);
	check_int("domains", rep.ndomains, 2);
	check_str("worst", rep.domain[0].name, "b.example");
	check_int("all out", report_mails(&rep.all[OUT].mail), 210);
	check_int("all in", report_mails(&rep.all[IN].mail), 81);
	check_int("others", report_seen(&rep.others[OUT].mail, CLEAR), 100);
	/* Of one partner alone. */
	well("one", try_report(NOON(-6), NOON(1), T0, "initech"));
	check_int("one", rep.npartners, 1);
	check_int("one", report_mails(&rep.all[OUT].mail), 10);
	check_int("one", rep.ndomains, 0);
	check_str("one", answer("Opportunistic mail")->answer,
	    "0.00 %: 0 of 3 mails to this partner, not held to TLS");
}

/* To whom mail went in the clear, and that it was nobody. */
static void
t_in_the_clear(void **state)
{
	static const struct evidence_hour h[] = {
	    {MIDNIGHT - DAY + 3600, "mx1", 1}, {MIDNIGHT + 3600, "mx1", 1}};
	static const char question[] = "To whom did mail go in the clear?";
	char name[] = "a.example";

	(void)state;
	have_registry(REGISTRY);
	read_days(1);
	check_str(
	    "nothing", answer(question)->answer, "no such mail was counted");
	count("2026-11-23", "acme", OUT, VERIFIED, "secure", 0, 90);
	count("2026-11-23", "a.example", IN, CLEAR, "opportunistic", 0, 9);
	read_days(1);
	check_int("hours not known", answer(question)->state, REPORT_OPEN);
	check_str("hours not known", answer(question)->detail,
	    "the hours read are not on record");
	add(.hour = h, .nhours = COUNT(h));
	read_days(3);
	check_str("a day without log", answer(question)->answer,
	    "nobody as far as is known");
	check_str(
	    "a day without log", answer(question)->detail, "1 day has no log");
	check_int("nor is all", answer("to Enforced")->state, REPORT_OPEN);
	check_has("nor is all", answer("to Enforced")->detail,
	    "0 of unknown rule; 1 day has no log");
	read_days(2);
	check_int("all was read", answer("to Enforced")->state, REPORT_GOOD);
	check_str("nobody", answer(question)->answer, "nobody");
	check_int("nobody", answer(question)->state, REPORT_GOOD);
	count("2026-11-23", "initech", OUT, CLEAR, "opportunistic", 0, 6);
	read_days(2);
	check_str("one", answer(question)->answer,
	    "6 mails, none to an Enforced partner: to 1 partner");
	check_has("not of Enforced mail", rep.summary,
	    " of Enforced mail as agreed; 6 clear elsewhere; ");
	check_int("one", answer(question)->state, REPORT_WATCH);
	for (; *name < 'f'; (*name)++)
		count("2026-11-23", name, OUT, CLEAR, "opportunistic", 0,
		    (uint64_t)(*name - 'a' + 4));
	read_days(2);
	check_str("some", answer(question)->answer,
	    "36 mails, none to an Enforced partner: to 1 partner and 5 domains "
	    "of no partner");
	check_str("worst", answer(question)->detail,
	    "initech 6; e.example 8, d.example 7, c.example 6 and 2 more");
	count("2026-11-23", "z.example", IN, CLEAR, "opportunistic", 0, 99);
	read_days(2);
	check_int("all of them", rep.ndomains, 6);
	check_str("sent first", rep.domain[0].name, "e.example");
	check_str("then received", rep.domain[5].name, "z.example");
	count("2026-11-22", "acme", OUT, CLEAR, "secure", 0, 2);
	read_days(2);
	check_int("held to TLS", answer(question)->state, REPORT_BAD);
	check_has("of all", answer(question)->answer,
	    "38 mails, 2 to Enforced partners: to 2 partners and ");
	check_has("first", rep.summary,
	    " of Enforced mail as agreed, 2 went clear (held to TLS); 36 "
	    "clear elsewhere; ");
	check_str("is named", answer(question)->detail,
	    "acme 2 (held to TLS) and initech 6; e.example 8, d.example 7, "
	    "c.example 6 and 2 more");
	well("it", try_report(MIDNIGHT - DAY, MIDNIGHT + DAY, T0, "acme"));
	check_str("of one", answer(question)->answer,
	    "2 of 92 mails to this partner, 2 while it was Enforced");
	well("one", try_report(MIDNIGHT, MIDNIGHT + DAY, T0, "initech"));
	check_str(
	    "alone", answer(question)->answer, "6 of 6 mails to this partner");
	check_str("alone", answer(question)->detail, "");
}

/* A domain was nobody's before it came to a partner. */
static void
t_before(void **state)
{
	static const struct evidence_hour h[] = {{MIDNIGHT + 3600, "mx1", 1}};
	static const char question[] = "To whom did mail go in the clear?";
	static const char text[] =
	    "open acme: 9 mails with acme.example, 7 of them sent in the "
	    "clear, are of a "
	    "time when that was no partner's, and counted so";
	size_t i;

	(void)state;
	have_registry(REGISTRY);
	add(.hour = h, .nhours = COUNT(h));
	count("2026-11-23", "acme", OUT, VERIFIED, "secure", 0, 90);
	count("2026-11-23", "acme.example", OUT, CLEAR, "opportunistic", 0, 7);
	count("2026-11-23", "acme.example", IN, CLEAR, "opportunistic", 0, 2);
	count("2026-11-23", "b.example", OUT, CLEAR, "opportunistic", 0, 1);
	for (i = 0; i < 2; i++) {
		well("acme", try_report(MIDNIGHT, MIDNIGHT + DAY, T0,
				 i == 0 ? "acme" : NULL));
		check_has("told", notes(), text);
		if (i > 0)
			break;
		check_str("nobody", answer(question)->answer, "nobody");
		check_int("but", answer(question)->state, REPORT_WATCH);
		check_str("but", answer(question)->detail,
		    "7 mails to acme.example while that was no partner's");
	}
	check_str("whole", answer(question)->detail,
	    "acme.example 7 and b.example 1");
}

/* Of an enforced partner mail in the clear is told, rule or no rule. */
static void
t_clear_without_rule(void **state)
{
	(void)state;
	have_registry(REGISTRY);
	count("2026-11-20", "acme", OUT, VERIFIED, "", 0, 51);
	count("2026-11-20", "acme", OUT, CLEAR, "", 0, 2);
	read_days(7);
	check_has("notes", notes(),
	    "acme: 2 of 53 mails (out) in the clear; the rule of that time is "
	    "not on record");
	check_str("acme", partner("acme")->verdict,
	    "2 mails in the clear, rule not known");
	check_int("acme", partner("acme")->state, REPORT_WATCH);
	check_int("to", answer("to Enforced")->state, REPORT_WATCH);
	check_str("to", answer("to Enforced")->detail,
	    "of 53 mails with Enforced partners 2 went in the clear");
	check_int("from", answer("from Enforced")->state, REPORT_OPEN);
}

/* Uses of protocols and ciphers. */
static void
t_uses(void **state)
{
	static const struct {
		const char *protocol, *cipher;
		int secret; /* 1, 0, -1: not known */
		enum report_state state;
	} use[] = {
	    {"TLSv1.3", "TLS_AES_128_GCM_SHA256", 1, REPORT_GOOD},
	    {"TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", 1, REPORT_GOOD},
	    {"TLSv1.2", "DHE-RSA-AES256-SHA", 1, REPORT_GOOD},
	    {"TLSv1.2", "AES256-SHA", 0, REPORT_GOOD},
	    {"TLSv1.1", "ECDHE-RSA-AES256-SHA", 1, REPORT_BAD},
	    {"TLSv1", "AES256-SHA", 0, REPORT_BAD},
	    {"SSLv3", "ADH-AES256-SHA", 1, REPORT_BAD},
	    {"", "", -1, REPORT_OPEN},
	    {"TLSv9", "NEW", 0, REPORT_OPEN},
	};
	const struct report_way *w;
	size_t i;

	(void)state;
	have_registry(REGISTRY);
	for (i = 0; i < COUNT(use); i++) {
		const struct evidence_count c = {.day = "2026-11-23",
		    .partner = "acme",
		    .direction = OUT,
		    .seen = ENCRYPTED,
		    .protocol = use[i].protocol,
		    .cipher = use[i].cipher,
		    .result = "sent",
		    .required = "encrypt",
		    .n = i + 1};

		add(.count = &c, .ncounts = 1);
		read_days(1);
		w = &partner("acme")->way[OUT];
		check_int(use[i].cipher,
		    use[i].secret == 1	 ? w->secret
		    : use[i].secret == 0 ? w->not_secret
					 : w->secret_unknown,
		    i + 1);
		check_int(
		    use[i].protocol, w->protocol.v[0].state, use[i].state);
		by_hand_in(seen, "DELETE FROM log_count");
	}
}

static void
t_exchanges(void **state)
{
	static const struct evidence_exchange x[] = {
	    {"2026-11-23", "acme", OUT, "X25519MLKEM768", "RSA", 5},
	    {"2026-11-23", "acme", OUT, "RSA", "", 6},
	    {"2026-11-23", "other", OUT, "ECDHE (P-256)", "ECDSA", 1},
	    {"2026-11-24", "acme", OUT, "X448", "ECDSA", 1},
	};
	const struct report_way *w;

	(void)state;
	have_registry(REGISTRY);
	add(.exchange = x, .nexchanges = COUNT(x));
	read_days(1);
	w = &partner("acme")->way[OUT];
	check_int("exchanges", w->exchange.n, 2);
	check_str("most first", w->exchange.v[0].name, "RSA");
	check_int("no secrecy", w->exchange.v[0].state, REPORT_BAD);
	check_has("not listed", w->exchange.v[1].why, "TR-02102-2");
	check_int("not listed", w->exchange.v[1].state, REPORT_GOOD);
	check_int("quantum", w->quantum, 5);
	check_int("all", rep.all[OUT].exchange.n, 3);
	check_int("by day", rep.all[OUT].exchange.v[0].day[0], 6);
}

/* Removed, renamed, and one whose name is like a stranger's. */
static void
t_gone(void **state)
{
	struct ledger_downgrade d = lowering;

	(void)state;
	have_registry(REGISTRY);
	count("2026-11-23", "acme-old", OUT, VERIFIED, "secure", 0, 8);
	count("2026-11-23", "was.example", OUT, ENCRYPTED, "encrypt", 1, 3);
	d.partner = "was.example";
	(void)begun(&d, T0);
	read_days(1);
	check_int("partners", rep.npartners, 4);
	check_true("gone", partner("acme-old")->p == NULL);
	check_int(
	    "its mail", report_mails(&partner("acme-old")->way[OUT].mail), 8);
	check_str("its mail", partner("acme-old")->verdict,
	    "kept; gateways not looked at");
	/* The record knows that it was no stranger. */
	check_int("its mail",
	    report_mails(&partner("was.example")->way[OUT].mail), 3);
	check_int("strangers", report_mails(&rep.others[OUT].mail), 0);
	check_int("none", try_report(MIDNIGHT, NOON(1), T0, "nobody"), -1);
	check_int("none", err.code, EX_NOINPUT);
}

#define OWNER(key, is, was)                                                \
	"{\"rows\":[{\"key\":\"" key "\",\"client\":false,\"partner\":" is \
	",\"partner_was\":" was "}]}"

/* Since its last row went, by the record. */
static void
t_gone_since(void **state)
{
	(void)state;
	have_registry(REGISTRY);
	count("2026-11-20", "old", OUT, VERIFIED, "secure", 0, 8);
	well("row",
	    add_event("map", "", OWNER("a", "null", "\"old\""), NOON(-4)));
	well("row",
	    add_event("map", "", OWNER("a", "\"old\"", "null"), NOON(-3)));
	read_days(7);
	check_int("it has one", partner("old")->gone, 0);
	well("row",
	    add_event("map", "", OWNER("a", "null", "\"old\""), NOON(-2)));
	well("row",
	    add_event("map", "", OWNER("b", "\"acme\"", "\"old\""), NOON(-1)));
	well("row", add_event("map", "", OWNER("c", "null", "\"acme\""), T0));
	read_days(7);
	check_int("since", partner("old")->gone, NOON(-1));
	check_int("in the registry", partner("acme")->gone, 0);
}

/* Lowered over midnight: what moved is counted by the downgrade. */
static void
t_downgrades(void **state)
{
	struct ledger_downgrade d = lowering;
	const struct report_downgrade *r;
	int64_t id;

	(void)state;
	have_registry(REGISTRY);
	d.begin = NOON(-3) + 11 * 3600;
	d.end = d.begin + 3 * 3600;
	id = begun(&d, d.begin);
	well("extend", ledger_downgrade_extend(led, id, d.end + 3600, "jo",
			   "not yet", d.end - 60, &err));
	well("close",
	    ledger_downgrade_close(led, id, "tlspactd", "passes", d.end, &err));
	count("2026-11-20", "acme", OUT, VERIFIED, "secure", 0, 50);
	count("2026-11-20", "acme", OUT, ENCRYPTED, "encrypt", id, 3);
	count("2026-11-21", "acme", OUT, ENCRYPTED, "encrypt", id, 4);
	count("2026-11-21", "acme", OUT, VERIFIED, "encrypt", id, 5);
	d = lowering;
	(void)begun(&d, T0);
	read_days(7);
	check_int("downgrades", rep.ndowngrades, 2);
	r = &rep.downgrade[0];
	check_int("encrypted", r->moved[OUT][ENCRYPTED], 7);
	check_int("verified", r->moved[OUT][VERIFIED], 5);
	check_true("known", r->moved_known);
	check_int("over", r->over, NOON(-3) + 14 * 3600);
	check_str("extended", r->extended_by, "jo");
	check_str("why", r->closed_why, "passes");
	check_true("is over", !r->open);
	check_true("open", rep.downgrade[1].open);
	check_str(
	    "answer", answer("lowered")->answer, "2 downgrades, 1 of them now");
	check_str(
	    "answer", answer("to Enforced")->answer, "88.70 %: 55 of 62 mails");
	check_int("answer", answer("to Enforced")->state, REPORT_WATCH);
	check_has(
	    "note", notes(), "watch acme: lowered from secure to encrypt");
	check_str(
	    "verdict", partner("acme")->verdict, "12 mails under a downgrade");
	/* A row without its rule on one of its days. */
	count("2026-11-21", "acme", OUT, ENCRYPTED, "", 0, 1);
	read_days(7);
	check_true("not known", !rep.downgrade[0].moved_known);
	check_true("known", rep.downgrade[1].moved_known);
	/* One that was over before, and one that is to come, are not told. */
	well("day", try_report(MIDNIGHT - 2 * DAY, MIDNIGHT - DAY, T0, NULL));
	check_int("of that day", rep.ndowngrades, 1);
	well("day", try_report(MIDNIGHT - DAY, MIDNIGHT, T0, NULL));
	check_int("of none", rep.ndowngrades, 0);
}

static void
t_rules(void **state)
{
	static const char map[] =
	    "{\"rows\":[{\"key\":\"acme.example\",\"client\":false,"
	    "\"change\":\"weaker\",\"cause\":\"registry\",\"was\":\"secure\","
	    "\"is\":\"encrypt\"},{\"key\":\"gone.example\","
	    "\"change\":\"removed\",\"cause\":\"registry\"},"
	    "{\"key\":7}],\"rest\":{\"n\":3}}";

	(void)state;
	have_registry(REGISTRY);
	well("add", add_event("map", "", map, NOON(-9)));
	well("add", add_event("map", "", map, T0));
	well("add", add_event("map-unrecorded", "", "{}", T0 + 1));
	read_days(1);
	check_int("rules", rep.nrules, 4);
	check_str("partner", rep.rule[0].partner, "acme");
	check_int("change", rep.rule[0].change, CHANGE_WEAKER);
	check_str("was", rep.rule[0].was, "secure");
	check_str("is", rep.rule[0].is, "encrypt");
	check_str("gone", rep.rule[1].partner, "");
	check_str("gone", rep.rule[1].is, "");
	check_int("more", rep.rules_more, 3);
	check_has("note", notes(), "bad : t");
	well("one", try_report(MIDNIGHT, MIDNIGHT + DAY, T0, "initech"));
	check_int("of another one", rep.nrules, 0);
}

#define WEAK(change, cause, was, is)                                  \
	"{\"rows\":[{\"key\":\"initech.example\",\"client\":false,"   \
	"\"partner_was\":\"initech\",\"change\":\"" change            \
	"\",\"cause\":\"" cause "\",\"was\":\"" was "\",\"is\":\"" is \
	"\",\"was_row\":\"\",\"is_row\":\"\"}],\"rest\":{\"n\":0}}"

/* An Enforced partner that has less by a change of the registry. */
static void
t_weakened(void **state)
{
	static const struct {
		const char *data;
		bool weakens;
	} rows[] = {
	    {WEAK("weaker", "registry", "secure", "opportunistic"), true},
	    {WEAK("removed", "registry", "encrypt", "nothing"), true},
	    {WEAK("weaker", "settings", "secure", "secure, inbound off"), true},
	    /* One more name that is taken, an older protocol. */
	    {WEAK("weaker", "registry", "secure", "secure"), true},
	    {WEAK("weaker", "registry", "opportunistic (full: secure)",
		 "opportunistic"),
		true},
	    {WEAK("weaker", "downgrade", "secure",
		 "opportunistic (full: secure)"),
		false},
	    {WEAK("removed", "registry", "opportunistic", "nothing"), false},
	    {WEAK("changed", "registry", "secure", "secure"), false},
	    {WEAK("stronger", "registry", "encrypt", "secure"), false},
	};
	size_t i;

	(void)state;
	have_registry(REGISTRY);
	well("add", add_event("map", "", "{}", NOON(-5)));
	read_days(3);
	check_str("no", answer("lowered")->answer, "no");
	for (i = COUNT(rows); i-- > 0;) {
		well("add", add_event("map", "", rows[i].data,
				NOON(-1) + 60 * (time_t)(COUNT(rows) - i)));
		read_days(3);
		check_int(rows[i].data, rep.rule[rep.nrules - 1].weakens,
		    rows[i].weakens);
		if (!rows[i].weakens)
			check_str("no", answer("lowered")->answer, "no");
	}
	check_str("one", answer("lowered")->answer,
	    "no downgrade; 1 partner was weakened by a change of rules");
	check_int("one", answer("lowered")->state, REPORT_WATCH);
	check_has("note", notes(),
	    "watch initech: weakened by a change of rules at "
	    "2026-11-22T12:05:00Z: initech.example from opportunistic (full: "
	    "secure) to opportunistic, and 4 more\n");
	/* One that the registry has no more, by the event. */
	have_registry("partner acme mode=enforced domain=acme.example\n");
	read_days(3);
	check_str("gone", rep.rule[0].partner, "initech");
	check_has("gone", notes(), "watch initech: weakened");
	check_has("gone", notes(),
	    "and 4 more; that is no partner's now, and mail since then is "
	    "counted so\n");
	well("one", try_report(MIDNIGHT - 2 * DAY, MIDNIGHT + DAY, T0, "acme"));
	check_str("of another one", answer("lowered")->answer, "no");
}

#define ROW                                                            \
	"{\"rows\":[{\"key\":\"acme.example\",\"change\":\"changed\"," \
	"\"cause\":\"registry\",\"was\":\"secure\",\"is\":\"secure\","

/* Two demands that look alike, of events with the words and without. */
static void
t_rule_words(void **state)
{
	static const struct {
		const char *data, *change, *was, *is;
	} rows[] = {
	    {ROW "\"was_words\":\"match=a\",\"is_words\":\"match=b\"}]}",
		"new gateway names", "secure match=a", "secure match=b"},
	    {ROW "\"was_row\":\"secure match=a\","
		 "\"is_row\":\"secure match=b\"}]}",
		"new gateway names", "secure match=a", "secure match=b"},
	    {ROW "\"was_words\":\"defer\",\"is_words\":\"reject\"}]}",
		"changed", "secure defer", "secure reject"},
	    {ROW "\"was_row\":\"secure\",\"is_row\":\"secure\"}]}", "changed",
		"secure", "secure"},
	    {ROW "\"was_row\":null}]}", "changed", "secure", "secure"},
	    {"{\"rows\":[{\"key\":\"acme.example\",\"change\":\"weaker\","
	     "\"was\":\"encrypt (full: secure)\",\"was_words\":\"match=a\","
	     "\"is\":\"secure\",\"is_words\":\"match=a:b\"}]}",
		"weaker", "encrypt (full: secure) match=a", "secure match=a:b"},
	};
	size_t i;

	(void)state;
	have_registry(REGISTRY);
	for (i = 0; i < COUNT(rows); i++)
		well("add", add_event("map", "", rows[i].data, T0));
	read_days(1);
	check_int("rules", rep.nrules, COUNT(rows));
	for (i = 0; i < COUNT(rows); i++) {
		check_str(rows[i].data, report_change_words(&rep.rule[i]),
		    rows[i].change);
		check_str(rows[i].data, rep.rule[i].was, rows[i].was);
		check_str(rows[i].data, rep.rule[i].is, rows[i].is);
	}
}

static void
t_faults(void **state)
{
	static const char at[] = "{\"at\":1795435100}";

	(void)state;
	have_registry(REGISTRY);
	well("add", add_event("fault-new", "acme", "{}", NOON(-40)));
	well("add", add_event("fault-gone", "acme", "{}", NOON(-30)));
	well("add", add_event("fault-new", "acme", "{}", NOON(-9)));
	well("add", add_event("fault-new", "acme", "{}", NOON(-8)));
	well("add", add_event("fault-gone", "acme", "{}", NOON(-1)));
	well("add", add_event("fault-gone", "acme", "{}", NOON(-1)));
	well("add", add_event("fault-new", "initech", at, T0));
	read_days(7);
	check_int("faults", rep.nfaults, 2);
	check_int("began before", rep.fault[0].begin, NOON(-9));
	check_int("ended", rep.fault[0].end, NOON(-1));
	check_int("begins when seen", rep.fault[1].begin, T0 - 100);
	check_int("goes on", rep.fault[1].end, 0);
}

#define FAILED(d, p, w, r, f, m)                                      \
	{                                                             \
		.day = "2026-11-" d, .partner = p, .direction = w,    \
		.result = r, .fault = f, .required = "secure", .n = m \
	}
#define WAITED(q, seconds, r)                                               \
	{                                                                   \
		.queue_id = q, .domain = "acme.example", .partner = "acme", \
		.fault = "expired", .since = T0, .until = T0 + (seconds),   \
		.result = r                                                 \
	}

static void
t_failures(void **state)
{
	static const struct evidence_count c[] = {
	    FAILED("22", "acme", OUT, "deferred", "expired", 3),
	    FAILED("23", "acme", OUT, "deferred", "expired", 4),
	    FAILED("23", "acme", OUT, "bounced", "ok", 5),
	    FAILED("23", "x.example", IN, "rejected", "no-starttls", 6)};
	static const struct evidence_wait w[] = {
	    WAITED("A", 3600, "sent"), WAITED("B", 7200, "expired")};
	const struct report_failure *f;

	(void)state;
	have_registry(REGISTRY);
	add(.count = c, .ncounts = COUNT(c));
	add(.wait = w, .nwaits = COUNT(w));
	read_days(7);
	check_int("failures", rep.nfailures, 2);
	check_str("stranger", rep.failure[0].partner, "");
	check_int("stranger", rep.failure[0].n, 6);
	check_int("acme", partner("acme")->nfailures, 1);
	f = partner("acme")->failure;
	check_str("fault", f->fault, "expired");
	check_int("n", f->n, 7);
	check_str("first", f->first, "2026-11-22");
	check_str("last", f->last, "2026-11-23");
	check_int("mails", f->mails, 2);
	check_int("returned", f->returned, 1);
	check_int("seconds", f->seconds, 10800);
	check_int("deferred", rep.all[OUT].mail.deferred, 7);
	check_int("returned", rep.all[OUT].mail.returned, 5);
	check_int("refused", rep.all[IN].mail.refused, 6);
	check_int("no mail", report_mails(&rep.all[OUT].mail), 0);
}

static void
t_hours(void **state)
{
	static const struct evidence_hour h[] = {
	    {MIDNIGHT - 3600, "mx1", 1}, {MIDNIGHT + 1 * 3600, "mx1", 1},
	    {MIDNIGHT + 2 * 3600, "mx1", 1}, {MIDNIGHT + 2 * 3600, "mx2", 1},
	    {MIDNIGHT + 6 * 3600, "mx1", 1},
	    {MIDNIGHT + 12 * 3600, "mx1", 1}, /* is not over */
	};

	(void)state;
	have_registry(REGISTRY);
	count("2026-11-23", "acme", OUT, CLEAR, "", 0, 1);
	read_days(1);
	check_true("not known", !rep.hours_known);
	check_has("answer", answer("log read")->answer, "not known");
	/* The present hour shows that they are. */
	add(.hour = &h[5], .nhours = 1);
	read_days(1);
	check_true("known", rep.hours_known);
	check_int("none is over", rep.hours_read, 0);
	add(.hour = h, .nhours = 5);
	read_days(1);
	check_true("known", rep.hours_known);
	check_int("hours", rep.hours, 12);
	check_int("read", rep.hours_read, 3);
	check_int("gaps", rep.ngaps, 3);
	check_int("first", rep.gap[0].begin, MIDNIGHT);
	check_int("first", rep.gap[0].end, MIDNIGHT + 3600);
	check_int("last", rep.gap[2].end, T0);
	check_int("hosts", rep.nhosts, 2);
	check_int("hours of one", rep.host[0].hours, 3);
	check_has("answer", answer("log read")->answer, "3 of 12 hours");
	check_int("answer", answer("log read")->state, REPORT_OPEN);
	/* Two of 1 h and 3 h at night; 5 h before noon. */
	check_int("kinds", rep.nquiets, 3);
	check_int("the longest first", rep.quiet[0].begin, MIDNIGHT + 7 * 3600);
	check_int("alone", rep.quiet[0].n, 1);
	/* A day of which no hour is over. */
	well("new", try_report(MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 60, NULL));
	check_int("hours", rep.hours, 0);
	check_int("answer", answer("log read")->state, REPORT_OPEN);
}

/* From 03:00 on an hour each night, once two; and a lost day. */
static void
t_quiet_nights(void **state)
{
	struct evidence_hour h[8 * 24];
	size_t n = 0;
	time_t t, at;

	(void)state;
	have_registry(REGISTRY);
	count("2026-11-23", "acme", OUT, CLEAR, "", 0, 1);
	for (t = MIDNIGHT - 7 * DAY; t < T0; t += 3600) {
		at = t % DAY / 3600;
		if (at == 3 || (at == 4 && t > MIDNIGHT) ||
		    (t >= MIDNIGHT - 4 * DAY && t < MIDNIGHT - 3 * DAY))
			continue;
		h[n++] = (struct evidence_hour){t, "mx1", 1};
	}
	add(.hour = h, .nhours = n);
	read_days(8);
	check_int("gaps", rep.ngaps, 8);
	check_int("kinds", rep.nquiets, 3);
	check_int("the day", rep.quiet[0].end - rep.quiet[0].begin, DAY);
	check_int("the hour", rep.quiet[1].n, 6);
	check_int("from", rep.quiet[1].begin, MIDNIGHT - 7 * DAY + 3 * 3600);
	check_int("to", rep.quiet[1].last, MIDNIGHT - DAY + 3 * 3600);
	check_true("not on the lost day", !report_each_day(&rep.quiet[1]));
	check_true("one alone", report_each_day(&rep.quiet[2]));
	check_int("last", rep.quiet[2].begin, MIDNIGHT + 3 * 3600);
}

static void
t_notices(void **state)
{
	struct ledger_notice n = {.key = "a",
	    .created = T0,
	    .not_before = T0,
	    .data = "{\"kind\":\"held\",\"partner\":\"acme\","
		    "\"subject\":\"acme is held\"}"};

	(void)state;
	have_registry(REGISTRY);
	well("add", ledger_notice_add(led, &n, &err));
	n.key = "b";
	n.created = NOON(-9);
	well("add", ledger_notice_add(led, &n, &err));
	n.key = "c";
	n.created = T0;
	n.data = "{}";
	well("add", ledger_notice_add(led, &n, &err));
	well("sent", ledger_notice_sent(led, 1, T0 + 5, &err));
	read_days(1);
	check_int("notices", rep.nnotices, 2);
	check_str("partner", rep.notice[0].partner, "acme");
	check_str("subject", rep.notice[0].subject, "acme is held");
	check_int("sent", rep.notice[0].time, T0 + 5);
	check_int("waits", rep.notice[1].time, 0);
	well("one", try_report(MIDNIGHT, NOON(1), T0, "acme"));
	check_int("of one", rep.nnotices, 1);
}

static void
t_record(void **state)
{
	/* Changes of rules, downgrades, who was told. */
	static const unsigned told[] = {2, 17, 24};
	size_t i;

	(void)state;
	have_registry(REGISTRY);
	well("add", add_event("map", "", "{}", T0));
	read_days(1);
	check_int("head", rep.head.count, 1);
	check_has(
	    "verify", rep.verify, "tlspactctl history --check --known 1:");
	check_has("verify", rep.verify, rep.head.hash);
	check_int("whole", answer("whole")->state, REPORT_OPEN);
	check_has("whole", answer("whole")->detail, "no sealed day");
	/* What was before the record is not on it. */
	check_has("lowered", answer("lowered")->answer,
	    "not since the record begins, at 2026-11-23T12:00:00Z");
	check_int("lowered", answer("lowered")->state, REPORT_OPEN);
	for (i = 0; i < COUNT(told); i++) {
		check_int("in part", rep.fact[told[i]].state, REPORT_WATCH);
		check_str("since", rep.fact[told[i]].text,
		    "not known before the record begins, at "
		    "2026-11-23T12:00:00Z");
	}
	/* Of a time before it there is no record. */
	well(
	    "before", try_report(MIDNIGHT - 2 * DAY, MIDNIGHT - DAY, T0, NULL));
	for (i = 0; i < COUNT(told); i++)
		check_int("not shown", rep.fact[told[i]].state, REPORT_OPEN);
	check_int("lowered", answer("lowered")->state, REPORT_OPEN);
	check_has("lowered", answer("lowered")->answer,
	    "not known before the record begins");
	well("then", try_report(MIDNIGHT + DAY, NOON(2), NOON(2), NULL));
	check_int("lowered", answer("lowered")->state, REPORT_GOOD);
	for (i = 0; i < COUNT(told); i++)
		check_int("shown", rep.fact[told[i]].state, REPORT_GOOD);
	by_hand("UPDATE event SET text = 'another'");
	read_days(1);
	check_int("flaws", rep.flaws, 1);
	check_has("flaw", rep.flaw[0], "was edited");
	check_int("whole", answer("whole")->state, REPORT_BAD);
	well("then", try_report(MIDNIGHT + DAY, NOON(2), NOON(2), NULL));
	check_int("lowered", answer("lowered")->state, REPORT_OPEN);
	count("2026-11-24", "acme", OUT, CLEAR, "opportunistic", 77, 3);
	well("then", try_report(MIDNIGHT + DAY, NOON(2), NOON(2), NULL));
	check_has("lowered", answer("lowered")->answer,
	    "3 mails under a downgrade that the record does not have");
	check_int("lowered", answer("lowered")->state, REPORT_BAD);
}

/* The evidence is as the record says only where that says something. */
static void
t_sealed(void **state)
{
	static const char some[] = "the evidence is as it says on 2 of 3 days; "
				   "the others are not sealed: 2026-11-21";
	(void)state;
	have_registry(REGISTRY);
	count("2026-11-21", "acme", OUT, VERIFIED, "secure", 0, 5);
	count("2026-11-22", "acme", OUT, VERIFIED, "secure", 0, 5);
	set.ledger = file;
	set.evidence = seen;
	well("seal", day_run(led, &set, T0, &err));
	well("seal", day_run(led, &set, T0 + DAY, &err));
	well("all", try_report(MIDNIGHT - DAY, NOON(2), NOON(2), NULL));
	check_int("all", answer("whole")->state, REPORT_GOOD);
	check_str("all", answer("whole")->detail, "the evidence is as it says");
	check_int("fact", rep.fact[22].state, REPORT_GOOD);
	well("some", try_report(MIDNIGHT - 9 * DAY, NOON(2), NOON(2), NULL));
	check_int("some", answer("whole")->state, REPORT_OPEN);
	check_str("some", answer("whole")->answer, "whole: 2 events");
	check_str("some", answer("whole")->detail, some);
	check_int("fact", rep.fact[22].state, REPORT_WATCH);
	check_str("fact", rep.fact[22].text, some);
	by_hand_in(seen, "DELETE FROM log_count WHERE day = '2026-11-22'");
	well("gone", try_report(MIDNIGHT - DAY, NOON(2), NOON(2), NULL));
	check_int("gone", answer("whole")->state, REPORT_BAD);
	check_has("gone", answer("whole")->detail, "was held against it");
}

/* Asked for, but there is none: that proves nothing. */
static void
t_no_evidence(void **state)
{
	(void)state;
	have_registry(REGISTRY);
	well("add", add_event("map", "", "{}", T0));
	evidence_close(evi);
	evi = NULL;
	(void)unlink(seen);
	read_days(1);
	check_int("head", rep.head.count, 1);
	check_int("whole", answer("whole")->state, REPORT_OPEN);
	check_has("whole", answer("whole")->detail, "there is no evidence");
}

static void
t_tests(void **state)
{
	static const char done[] = "{\"steps\":{\"refusal\":\"done\"}}";
	static const struct evidence_leg leg[] = {
	    {.mail = KEY_A,
		.time = T0,
		.partner = "acme",
		.leg = LEG_TO_US,
		.tls = "encrypted"},
	    {.mail = KEY_A,
		.time = T0,
		.partner = "acme",
		.leg = LEG_TO_PROVIDER,
		.tls = "clear"},
	    {.mail = KEY_B,
		.time = NOON(-1),
		.partner = "acme",
		.leg = LEG_TO_US,
		.tls = "unknown"},
	    {.mail = KEY_B,
		.time = NOON(-1),
		.partner = "stranger",
		.leg = LEG_TO_US,
		.tls = "clear"},
	};

	(void)state;
	have_registry(REGISTRY);
	well("add", add_event("onboard", "acme", "{}", NOON(-90)));
	read_days(7);
	check_int("onboard", rep.nonboards, 1);
	check_str("not told", rep.onboard[0].refusal, "");
	check_int("fact", rep.fact[16].state, REPORT_OPEN);
	check_int("fact", rep.fact[20].state, REPORT_OPEN);
	well("add", add_event("onboard", "acme", done, NOON(-80)));
	add(.leg = leg, .nlegs = COUNT(leg));
	read_days(7);
	check_int("the last one", rep.nonboards, 1);
	check_str("told", rep.onboard[0].refusal, "done");
	check_int("fact", rep.fact[16].state, REPORT_GOOD);
	check_int("legs", rep.nlegs, 2);
	check_str("leg", rep.leg[1].leg, "to-us");
	check_int("encrypted", rep.leg[1].encrypted, 1);
	check_int("unknown", rep.leg[1].unknown, 1);
	check_int("last", rep.leg[1].last, T0);
	check_has("note", notes(),
	    "1 of 1 traced mails in the clear on the leg "
	    "to-provider");
	check_int("fact", rep.fact[20].state, REPORT_GOOD);
}

static void
t_own(void **state)
{
	static const struct evidence_own own[] = {
	    {.what = "server certificate",
		.name = "/a.pem",
		.state = "good",
		.text = "CN mx",
		.begins = NOON(-80),
		.ends = NOON(10)},
	    {.what = "TLSA",
		.name = "mx.example",
		.state = "bad",
		.text = "no match"},
	    {.what = "MTA-STS", .state = "strange", .text = "?"},
	};

	(void)state;
	have_registry(REGISTRY);
	read_days(7);
	check_int("fact", rep.fact[19].state, REPORT_OPEN);
	check_str("fact", rep.fact[19].text,
	    "not looked at: tlspact-setup check --record");
	well("add", evidence_own_set(evi, NOON(-1), own, COUNT(own), &err));
	read_days(7);
	check_int("own", rep.nown, 3);
	check_int("own", rep.own[1].state, REPORT_BAD);
	check_int("no such state", rep.own[2].state, REPORT_OPEN);
	check_true("fresh", !rep.own_old);
	check_int("fact", rep.fact[19].state, REPORT_WATCH);
	check_str("fact", rep.fact[19].text, "1 of 3 not known");
	check_has("bad", notes(), "bad : our TLSA mx.example: no match");
	check_has("ends", notes(),
	    "watch : our server certificate /a.pem: CN mx; it ends ");
	well("add", evidence_own_set(evi, NOON(-1), own, 1, &err));
	well("to come", evidence_own_set(evi, NOON(9), own + 1, 1, &err));
	read_days(7);
	check_int("fact", rep.fact[19].state, REPORT_GOOD);
	well("gone", evidence_own_set(evi, NOON(-1), own, 0, &err));
	well("add", evidence_own_set(evi, NOON(-3), own, 1, &err));
	read_days(7);
	check_true("old", rep.own_old);
	check_int("fact", rep.fact[19].state, REPORT_WATCH);
	check_str("fact", rep.fact[19].text,
	    "looked at last on 2026-11-20: tlspact-setup check --record");
}

static void
t_percent(void **state)
{
	static const struct {
		uint64_t part, all;
		const char *want;
	} row[] = {
	    {0, 0, "-"},
	    {0, 7, "0.00 %"},
	    {7, 7, "100 %"},
	    {9998, 10000, "99.98 %"},
	    {UINT64_MAX - 1, UINT64_MAX, "99.99 %"},
	    {1, UINT64_MAX, "0.01 %"},
	    {1, 3, "33.33 %"},
	};
	char text[REPORT_PERCENT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(row); i++)
		check_str(row[i].want,
		    report_percent(row[i].part, row[i].all, text), row[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    REPORT_CASE(t_empty),
	    REPORT_CASE(t_mail),
	    REPORT_CASE(t_in_the_clear),
	    REPORT_CASE(t_before),
	    REPORT_CASE(t_clear_without_rule),
	    REPORT_CASE(t_uses),
	    REPORT_CASE(t_exchanges),
	    REPORT_CASE(t_gone),
	    REPORT_CASE(t_gone_since),
	    REPORT_CASE(t_downgrades),
	    REPORT_CASE(t_rules),
	    REPORT_CASE(t_weakened),
	    REPORT_CASE(t_rule_words),
	    REPORT_CASE(t_faults),
	    REPORT_CASE(t_failures),
	    REPORT_CASE(t_hours),
	    REPORT_CASE(t_quiet_nights),
	    REPORT_CASE(t_notices),
	    REPORT_CASE(t_record),
	    REPORT_CASE(t_sealed),
	    REPORT_CASE(t_no_evidence),
	    REPORT_CASE(t_tests),
	    REPORT_CASE(t_own),
	    cmocka_unit_test(t_percent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
