/*
 * What the answers of a report count, and how they are told to people.
 */
#include <inttypes.h>

#include "reportlab.h"

#define REGISTRY                                         \
	"partner acme mode=enforced domain=acme.example" \
	" contact=postmaster@acme.example\n"             \
	"partner soft domain=soft.example\n"

#define OUT EVIDENCE_OUT
#define IN EVIDENCE_IN
#define CLEAR EVIDENCE_CLEAR
#define ENCRYPTED EVIDENCE_ENCRYPTED
#define VERIFIED EVIDENCE_VERIFIED

/* All that the answer about it counts: "mails 3, kept 2". */
static const char *
numbers(const char *about)
{
	static struct gathered g;
	const struct report_answer *a;
	size_t i;
	int k;

	g = (struct gathered){0};
	for (i = 0; i < rep.nanswers; i++) {
		a = &rep.answer[i];
		for (k = 0; strcmp(a->about, about) == 0 && k < REPORT_NUMBERS;
		     k++)
			if (a->number[k] != -1)
				(void)gather(&g, "%s%s %" PRId64,
				    *g.text == '\0' ? "" : ", ",
				    report_number_name(k), a->number[k]);
	}
	return g.text;
}

static void
t_numbers(void **state)
{
	static const struct evidence_hour h = {MIDNIGHT + 3600, "mx1", 1};
	static const char *const want[][2] = {
	    {"sent", "mails 99, kept 98, lowered 8, failed 1, rule_unknown 5"},
	    {"received",
		"mails 20, kept 20, lowered 0, failed 0, rule_unknown 0, "
		"clear 0, not_held 0"},
	    {"clear",
		"mails 211, lowered 0, failed 1, clear 108, not_held 107, "
		"partners 1, domains 1, others 100"},
	    {"lowered", "downgrades 1, open 1, weakened 0"},
	    {"gateways", "gateways 0, unseen 1"},
	    {"opportunistic", "mails 107, kept 0, others 107"},
	    {"ready", "partners 1, ready 0"},
	    {"log", "hours 12, hours_read 1"},
	    {"record", "events 1, flaws 0"},
	};
	struct ledger_downgrade d = lowering;
	int64_t id;
	size_t i;

	(void)state;
	have_registry(REGISTRY);
	id = begun(&d, MIDNIGHT - DAY);
	count("2026-11-23", "acme", OUT, VERIFIED, "secure", 0, 90);
	count("2026-11-23", "acme", OUT, CLEAR, "secure", 0, 1);
	count("2026-11-23", "acme", OUT, VERIFIED, "encrypt", id, 8);
	count("2026-11-23", "acme", OUT, VERIFIED, "", 0, 5);
	count("2026-11-23", "acme", IN, VERIFIED, "secure", 0, 20);
	count("2026-11-23", "a.example", OUT, CLEAR, "opportunistic", 0, 7);
	count("2026-11-23", "other", OUT, CLEAR, "opportunistic", 0, 100);
	well("hour",
	    evidence_log_add(
		evi, &(struct evidence_batch){.hour = &h, .nhours = 1}, &err));
	read_days(1);
	for (i = 0; i < COUNT(want); i++)
		check_str(want[i][0], numbers(want[i][0]), want[i][1]);
	check_int("each has some", rep.nanswers, COUNT(want));
}

#define SHY                                                      \
	REGISTRY "partner shy mode=enforced domain=shy.example " \
		 "gateway=mx.shy.example inbound-verify=name\n"

/*
 * Mail under a downgrade counts as kept where it is known to have had what was
 * agreed without it.
 */
static void
t_met(void **state)
{
	static const struct {
		const char *partner;
		enum level before, after;
		enum evidence_direction way;
		enum evidence_seen seen;
		const char *proof, *numbers;
	} row[] = {
	    {"acme", LEVEL_SECURE, LEVEL_SECURE, IN, ENCRYPTED, "", "1"},
	    {"acme", LEVEL_SECURE, LEVEL_SECURE, IN, CLEAR, "", "0"},
	    {"shy", LEVEL_SECURE, LEVEL_SECURE, IN, ENCRYPTED, "", "0"},
	    {"gone", LEVEL_SECURE, LEVEL_SECURE, IN, ENCRYPTED, "", "0"},
	    {"acme", LEVEL_SECURE, LEVEL_KEY, OUT, VERIFIED, "key", "0"},
	    {"acme", LEVEL_SECURE, LEVEL_KEY, OUT, VERIFIED, "dane", "1"},
	    {"acme", LEVEL_SECURE, LEVEL_ENCRYPT, OUT, VERIFIED, "", "0"},
	    {"acme", LEVEL_SECURE, LEVEL_ENCRYPT, OUT, ENCRYPTED, "", "0"},
	    {"acme", LEVEL_KEY, LEVEL_ENCRYPT, OUT, VERIFIED, "key", "1"},
	    {"acme", LEVEL_KEY, LEVEL_ENCRYPT, OUT, VERIFIED, "ca", "0"},
	    {"acme", LEVEL_ENCRYPT, LEVEL_OPPORTUNISTIC, OUT, ENCRYPTED, "",
		"1"},
	    {"acme", LEVEL_ENCRYPT, LEVEL_OPPORTUNISTIC, OUT, CLEAR, "", "0"},
	};
	struct ledger_downgrade d;
	char want[100];
	int64_t id;
	size_t i;

	for (i = 0; i < COUNT(row); i++) {
		have_registry(SHY);
		d = lowering;
		d.partner = row[i].partner;
		d.before = row[i].before;
		d.after = row[i].after;
		d.direction = row[i].way == IN;
		if (d.after == LEVEL_KEY)
			pin(&d);
		id = begun(&d, MIDNIGHT - DAY);
		count_proof("2026-11-23", row[i].partner, row[i].way,
		    row[i].seen,
		    level_name(
			row[i].way == IN ? LEVEL_OPPORTUNISTIC : row[i].after),
		    id, row[i].proof, 1);
		read_days(1);
		(void)snprintf(want, sizeof(want),
		    "mails 1, kept %s, lowered 1, failed 0, rule_unknown 0%s",
		    row[i].numbers,
		    row[i].way == OUT	   ? ""
		    : row[i].seen == CLEAR ? ", clear 1, not_held 0"
					   : ", clear 0, not_held 0");
		check_str(row[i].proof,
		    numbers(row[i].way == IN ? "received" : "sent"), want);
		report_teardown(state);
		(void)setup(state);
	}
	have_registry(SHY);
	d = lowering;
	d.direction = DIRECTION_INBOUND;
	d.after = d.before;
	id = begun(&d, MIDNIGHT - DAY);
	count("2026-11-23", "acme", IN, ENCRYPTED, "opportunistic", id, 1);
	read_days(1);
	check_str(
	    "all of it", answer("from Enforced")->answer, "100 %: 1 of 1 mail");
	check_int("unread", answer("from Enforced")->state, REPORT_OPEN);
	count("2026-11-23", "acme", IN, CLEAR, "opportunistic", id, 1);
	read_days(1);
	check_str(
	    "half", answer("from Enforced")->answer, "50.00 %: 1 of 2 mails");
	check_int("half", answer("from Enforced")->state, REPORT_WATCH);
	check_has("in words", answer("from Enforced")->detail,
	    "2 under a downgrade (1 of them as agreed all the same), 0 with");
}

/* Who sent in the clear is named, and whether that was as agreed. */
static void
t_received_clear(void **state)
{
	static const struct {
		const char *required;
		bool lowered;
		const char *detail, *summary;
		enum report_state state;
	} row[] = {
	    {"encrypt", false, "; 1 in the clear: acme 1 (held to TLS)",
		"50.00 % of Enforced mail as agreed, 1 came clear (held to "
		"TLS); ",
		REPORT_BAD},
	    {"opportunistic", true,
		"; 1 in the clear: acme 1 (under a downgrade)",
		"50.00 % of Enforced mail as agreed, 1 came clear (under a "
		"downgrade); ",
		REPORT_WATCH},
	    {"", false, "; 1 in the clear: acme 1",
		"100 % of Enforced mail as agreed, 1 came clear (of unknown "
		"rule); ",
		REPORT_WATCH},
	    {"opportunistic", false,
		"; 1 in the clear, of mail not held to TLS: acme 1",
		"100 % of Enforced mail as agreed, 1 came clear (not held to "
		"TLS); ",
		REPORT_WATCH},
	};
	struct ledger_downgrade d;
	int64_t id;
	size_t i;

	for (i = 0; i < COUNT(row); i++) {
		have_registry(REGISTRY);
		d = lowering;
		d.direction = DIRECTION_INBOUND;
		d.after = d.before;
		id = row[i].lowered ? begun(&d, MIDNIGHT - DAY) : 0;
		count("2026-11-23", "acme", IN, ENCRYPTED, "encrypt", 0, 1);
		count("2026-11-23", "acme", IN, CLEAR, row[i].required, id, 1);
		count("2026-11-23", "soft", IN, CLEAR, "opportunistic", 0, 1);
		read_days(1);
		check_has(row[i].detail, answer("from Enforced")->detail,
		    row[i].detail);
		check_int(row[i].detail, answer("from Enforced")->state,
		    row[i].state);
		check_has(row[i].detail, rep.summary, row[i].summary);
		check_int("the worst of it", rep.state, row[i].state);
		report_teardown(state);
		(void)setup(state);
	}
	have_registry(REGISTRY);
	count("2026-11-23", "acme", IN, CLEAR, "opportunistic", 0, 3);
	well("it", try_report(MIDNIGHT, MIDNIGHT + DAY, T0, "acme"));
	check_str("of one", answer("from Enforced")->detail,
	    "3 in the clear, of mail not held to TLS");
	check_int("with nothing else", rep.state, REPORT_WATCH);
	count("2026-11-23", "acme", OUT, CLEAR, "secure", 0, 1);
	read_days(1);
	check_has("of several reasons", rep.summary,
	    ", 1 went and 3 came clear (1 held to TLS, 3 not held to TLS); ");
}

/* To whom mail went in the clear under a downgrade is told before the rest. */
static void
t_sent_clear(void **state)
{
	struct ledger_downgrade d = lowering;
	int64_t id;

	(void)state;
	have_registry(REGISTRY);
	id = begun(&d, MIDNIGHT - DAY);
	count("2026-11-23", "acme", OUT, CLEAR, "opportunistic", id, 2);
	count("2026-11-23", "soft", OUT, CLEAR, "opportunistic", 0, 9);
	read_days(1);
	check_str("first", answer("To whom")->detail,
	    "acme 2 (under a downgrade) and soft 9");
	check_has("and all", rep.summary,
	    ", 2 went clear (under a downgrade); 9 clear elsewhere; ");
}

/* What is not on record is no number, and no 0. */
static void
t_not_known(void **state)
{
	static const char *const want[][2] = {
	    {"sent", "mails 0, kept 0, lowered 0, failed 0, rule_unknown 0"},
	    {"received",
		"mails 0, kept 0, lowered 0, failed 0, rule_unknown 0, "
		"clear 0, not_held 0"},
	    {"clear", "mails 0, lowered 0, failed 0, clear 0, not_held 0, "
		      "partners 0, domains 0, others 0"},
	    {"lowered", ""},
	    {"log", "hours 12, hours_read 0"},
	    {"record", "events 0"},
	};
	size_t i;

	(void)state;
	have_registry(REGISTRY);
	read_days(1);
	for (i = 0; i < COUNT(want); i++)
		check_str(want[i][0], numbers(want[i][0]), want[i][1]);
}

/* Who was lowered is named, those first that are so now. */
static void
t_lowered(void **state)
{
	static const char *const all[] = {
	    "p0", "p1", "p2", "p3", "p4", "p5", "p6"};
	struct ledger_downgrade d = lowering;
	size_t i;
	int64_t id;

	(void)state;
	have_registry(REGISTRY);
	read_days(1);
	check_str("nobody", answer("lowered")->detail, "");
	for (i = 0; i < 2 * COUNT(all); i++) {
		d.partner = all[i / 2];
		d.begin = MIDNIGHT + 60 * (time_t)i;
		d.end = d.begin + 3600;
		id = begun(&d, d.begin);
		well("close", ledger_downgrade_close(
				  led, id, "jo", "passes", d.begin + 30, &err));
		if (i == 2)
			read_days(1);
	}
	check_str("each once", answer("lowered")->detail, "lowered: p0, p1");
	d.partner = "p6";
	d.begin = T0;
	d.end = T0 + 3600;
	(void)begun(&d, T0);
	read_days(1);
	check_str("some", answer("lowered")->detail,
	    "lowered: p6, p0, p1, p2, p3 and 2 more");
	check_str("how many", numbers("lowered"),
	    "downgrades 15, open 1, weakened 0");
	well("one", try_report(MIDNIGHT, MIDNIGHT + DAY, T0, "p0"));
	check_str("of one it goes without", answer("lowered")->detail, "");
}

/* For people what is to be said of many is said once. */
static void
t_silent(void **state)
{
	(void)state;
	have_registry(REGISTRY "partner bolt mode=enforced domain=b.example\n"
			       "partner cog mode=enforced domain=c.example\n"
			       "partner dyne mode=enforced domain=d.example\n");
	read_days(1);
	check_has("a program has each", notes(),
	    "open acme: no mail in this period: nothing is proven\n");
	check_has("a program has each", notes(),
	    "open dyne: no mail in this period: nothing is proven\n");
	grouped = true;
	read_days(1);
	check_has("together", notes(),
	    "open : 4 partners had no mail in this period, so nothing is "
	    "proven: acme, bolt, cog and 1 more\n");
	check_true("and not each", strstr(notes(), "acme: no mail") == NULL);
	count("2026-11-23", "acme", OUT, VERIFIED, "secure", 0, 1);
	count("2026-11-23", "bolt", OUT, VERIFIED, "secure", 0, 1);
	read_days(1);
	check_has("of those without", notes(),
	    "open : 2 partners had no mail in this period, so nothing is "
	    "proven: cog, dyne\n");
	count("2026-11-23", "cog", IN, VERIFIED, "secure", 0, 1);
	read_days(1);
	check_has("of one by its name", notes(),
	    "open dyne: no mail in this period: nothing is proven\n");
	grouped = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    REPORT_CASE(t_numbers),
	    REPORT_CASE(t_met),
	    REPORT_CASE(t_received_clear),
	    REPORT_CASE(t_sent_clear),
	    REPORT_CASE(t_not_known),
	    REPORT_CASE(t_lowered),
	    REPORT_CASE(t_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
