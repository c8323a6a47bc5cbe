/*
 * What ends, as a calendar, and what wants somebody today, as a mail.
 */
#include "check.h"

#include "buf.h"
#include "registry.h"
#include "report.h"
#include "reportdaily.h"
#include "reportformat.h"
#include "reportics.h"

#define NOW ((time_t)1795435200) /* 2026-11-23 12:00 UTC */
#define DAY 86400

static const struct attributes agreed = {.review = NOW + 3 * DAY};
static const struct partner acme = {.attributes = &agreed};

/* All is well, with two partners; each test makes something worse. */
static struct world {
	struct report r;
	struct report_partner partner[2];
	struct report_gateway gateway[3];
	struct report_host host;
	struct report_downgrade lowered;
	struct report_own own;
	struct report_wait wait;
	struct report_note note[5];
	struct report_gap gap[2];
} w;

static void
well(void)
{
	size_t i;

	w = (struct world){.host = {.name = "gw1", .last = NOW - 3600}};
	w.r = (struct report){.now = NOW,
	    .version = "1",
	    .map_fault = "",
	    .options = "",
	    .partner = w.partner,
	    .npartners = 1,
	    .gateway = w.gateway,
	    .ngateways = 2,
	    .host = &w.host,
	    .nhosts = 1,
	    .downgrade = &w.lowered,
	    .own = &w.own,
	    .wait = &w.wait,
	    .note = w.note,
	    .gap = w.gap};
	for (i = 0; i < 3; i++)
		w.gateway[i] = (struct report_gateway){.partner = "acme",
		    .nexthop = "acme.example",
		    .host = i == 0 ? "mx1.acme.example" : "mx2.acme.example",
		    .word = "passes",
		    .begins = NOW - 10 * DAY,
		    .ends = NOW + 80 * DAY,
		    .state = REPORT_GOOD};
	for (i = 0; i < 2; i++)
		w.partner[i] = (struct report_partner){.name = "acme",
		    .p = &acme,
		    .full = LEVEL_SECURE,
		    .level = LEVEL_SECURE,
		    .level_known = true,
		    .gateway = w.gateway,
		    .ngateways = 2};
	w.partner[0].p = NULL;
	w.lowered = (struct report_downgrade){.id = 7,
	    .partner = w.partner[0].name,
	    .before = LEVEL_SECURE,
	    .after = LEVEL_ENCRYPT,
	    .begin = NOW - 60,
	    .end = NOW + 4 * 3600,
	    .open = true,
	    .reason = "called jane.doe@acme.example"};
	w.own = (struct report_own){.what = "server certificate",
	    .name = "/ours.pem",
	    .text = "CN mx",
	    .state = REPORT_GOOD,
	    .begins = NOW - 80 * DAY,
	    .ends = NOW + 10 * DAY};
	w.wait = (struct report_wait){
	    .partner = w.partner[0].name, .mails = 1200, .since = NOW - 7200};
}

/* The mail without its subject's host; each line is checked to fit. */
static const char *
daily(void)
{
	static char text[4096];
	struct buf out = {0};
	char *line, *host, *colon;

	reportdaily.put(&w.r, &out);
	(void)snprintf(text, sizeof(text), "%s", out.len == 0 ? "" : out.data);
	buf_free(&out);
	for (line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
		/* What is to be pasted is not cut. */
		check_true(line,
		    strcspn(line, "\n") < 80 || strncmp(line, "xxx", 3) == 0);
	if ((host = strstr(text, "tlspact ")) != NULL &&
	    (colon = strchr(host, ':')) != NULL)
		memmove(host + 7, colon, strlen(colon) + 1);
	return text;
}

static void
t_daily(void **state)
{
	(void)state;
	well();
	check_str("well", daily(), "");
	w.r.ndowngrades = 1;
	check_str("lowered", daily(),
	    "Subject: tlspact: 1 lowered\n\n"
	    "lowered  acme to encrypt until 2026-11-23 16:00Z\n"
	    "next     tlspactctl status acme\n");
	w.gateway[1].state = REPORT_BAD;
	w.gateway[1].word = "wrong-name";
	w.partner[0].p = &acme;
	w.r.nown = w.r.nwaits = 1;
	check_str("all at once", daily(),
	    "Subject: tlspact: 1 lowered, 1 failed, 2 ending, 1 waiting\n\n"
	    "lowered  acme to encrypt until 2026-11-23 16:00Z\n"
	    "failed   acme: mx2.acme.example wrong-name\n"
	    "ends     2026-11-26 acme: review; 2026-12-03 our certificate "
	    "/ours.pem\n"
	    "waits    acme: 1,200 since 2026-11-23 10:00Z, by the log\n"
	    "next     tlspactctl status acme\n");
}

static void
t_not_known(void **state)
{
	(void)state;
	well();
	w.host.last = NOW - 2 * DAY;
	check_str("no log", daily(),
	    "Subject: tlspact: 1 failed\n\n"
	    "failed   no log since 2026-11-21 12:00Z\n"
	    "next     tlspact-setup check\n");
	well();
	w.r.nhosts = 0;
	check_has("none at all", daily(), "no log was read lately");
	well();
	w.partner[0].p = &acme;
	w.gateway[0].state = REPORT_OPEN;
	check_has("not looked at", daily(),
	    "1 enforced partner not looked at lately");
	check_has("one", daily(), "tlspact-probe acme\n");
	w.r.npartners = 2;
	check_has("all", daily(), "next     tlspact-probe --all\n");
	well();
	w.partner[0].level = LEVEL_OPPORTUNISTIC;
	check_has("by no downgrade", daily(),
	    "lowered  acme is at opportunistic by no downgrade");
	well();
	w.own.ends = NOW - DAY;
	w.r.nown = 1;
	check_has(
	    "over", daily(), "2026-11-22 (past) our certificate /ours.pem");
}

/* What the report notes of us alone. */
static void
t_ours(void **state)
{
	static const struct report_note of[] = {
	    {.state = REPORT_BAD,
		.partner = "",
		.text = "the map is not as recorded",
		.next = "",
		.turn = REPORT_OURS},
	    {.state = REPORT_BAD,
		.partner = "",
		.text = "our TLSA mx: none",
		.next = "tlspact-setup check",
		.turn = REPORT_OURS},
	    {.state = REPORT_BAD,
		.partner = "acme",
		.text = "told beside it",
		.next = "",
		.turn = REPORT_OURS},
	    {.state = REPORT_WATCH,
		.partner = "",
		.text = "ends soon",
		.next = "",
		.turn = REPORT_OURS},
	    {.state = REPORT_OPEN,
		.partner = "",
		.text = "a rule is not known",
		.next = "",
		.turn = REPORT_OURS}};

	(void)state;
	well();
	memcpy(w.note, of, sizeof(of));
	w.r.nnotes = COUNT(of);
	check_str("bad", daily(),
	    "Subject: tlspact: 2 failed\n\n"
	    "failed   the map is not as recorded; our TLSA mx: none\n"
	    "next     tlspactctl check\n");
	w.r.map_fault = "cannot open";
	check_has("no map", daily(), "next     tlspact-compile\n");
	w.note[0] = of[1];
	w.r.map_fault = "";
	check_has("its own", daily(), "next     tlspact-setup check\n");
	well();
	w.r.own_old = true;
	check_str("never looked at", daily(), "");
	w.r.own_time = NOW - 3 * DAY;
	check_str("not of late", daily(),
	    "Subject: tlspact: 1 failed\n\n"
	    "failed   our own side was not looked at since 2026-11-20 12:00Z\n"
	    "next     tlspact-setup check --record\n");
}

static void
t_hours(void **state)
{
	(void)state;
	well();
	w.gap[0] = (struct report_gap){NOW - 33 * 3600, NOW - 21 * 3600};
	w.gap[1] = (struct report_gap){NOW - 18 * 3600, NOW - 3 * 3600};
	w.r.ngaps = 2;
	check_str("quiet nights", daily(), "");
	w.gap[1].begin = NOW - 25 * 3600;
	check_str("without log", daily(),
	    "Subject: tlspact: 1 failed\n\n"
	    "failed   no log from 2026-11-22 11:00Z to 2026-11-23 00:00Z\n"
	    "next     tlspact-report --since yesterday\n");
	w.host.last = NOW - 2 * DAY;
	check_str("once", daily(),
	    "Subject: tlspact: 1 failed\n\n"
	    "failed   no log since 2026-11-21 12:00Z\n"
	    "next     tlspact-setup check\n");
	well();
	w.gap[0] = (struct report_gap){NOW - 23 * 3600, NOW};
	w.r.ngaps = 1;
	check_str("today may come", daily(), "");
}

/* Less by a change of rules: of each change the first row. */
static void
t_rules(void **state)
{
	static struct report_rule_change rule[] = {
	    {.time = NOW - 7200,
		.event = 4,
		.partner = "acme",
		.key = "acme.example"},
	    {.time = NOW - 3600,
		.event = 5,
		.partner = "",
		.key = "old.example",
		.weakens = true},
	    {.time = NOW - 3600, .event = 5, .partner = "p1", .key = "a"},
	    {.time = NOW - 3600,
		.event = 5,
		.partner = "p2",
		.key = "b",
		.weakens = true},
	};

	(void)state;
	well();
	w.r.rule = rule;
	w.r.nrules = 1;
	check_str("nothing", daily(), "");
	w.r.nrules = COUNT(rule);
	check_str("weakened", daily(),
	    "Subject: tlspact: 2 lowered\n\n"
	    "lowered  weaker rules 2026-11-23 11:00Z: old.example, p2\n"
	    "next     tlspact-report --since yesterday\n");
	rule[1].unnamed_partners = 1200;
	check_str("all, not those with a name alone", daily(),
	    "Subject: tlspact: 1202 lowered\n\n"
	    "lowered  weaker rules 2026-11-23 11:00Z: old.example, p2 and "
	    "1,200 "
	    "more\n"
	    "next     tlspact-report --since yesterday\n");
	rule[1].at_least = true;
	check_has("where that is not counted", daily(),
	    "old.example, p2 and at least 1,200\n");
	w.r.options = " -C /c";
	check_has("by the same settings", daily(),
	    "next     tlspact-report --since yesterday -C /c\n");
	rule[1].at_least = false;
	rule[3].gone = true;
	rule[1].unnamed_gone = 700;
	check_str("removed", daily(),
	    "Subject: tlspact: 701 removed, 501 lowered\n\n"
	    "removed  2026-11-23 11:00Z: p2 and 700 more\n"
	    "lowered  weaker rules 2026-11-23 11:00Z: old.example and 500 "
	    "more\n"
	    "next     tlspact-compile --lost -C /c\n");
	rule[1].weakens = false;
	check_has("without a name", daily(),
	    "lowered  weaker rules 2026-11-23 11:00Z: 500 without a name\n");
	rule[1].weakens = true;
}

/* However much there is, it is five lines. */
static void
t_much(void **state)
{
	static struct report_wait many[3000];
	char name[300];
	size_t i;

	(void)state;
	well();
	for (i = 0; i < COUNT(many); i++)
		many[i] = (struct report_wait){
		    .partner = "initech", .mails = i, .since = NOW};
	w.r.wait = many;
	w.r.nwaits = COUNT(many);
	check_has("many", daily(),
	    "waits    initech: 0 since 2026-11-23 12:00Z, by the log; and 2999 "
	    "more\n");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	w.r.nwaits = 1;
	many[0].partner = name;
	check_has("long", daily(), "xxx...\n");
	many[0].partner = "a\nb\x1b[31m";
	well();
	w.own.name = name;
	w.r.nown = 1;
	check_has("a day is not cut", daily(), "ends     2026-12-03 our ");
	well();
	w.r.wait = many;
	w.r.nwaits = 1;
	check_has("hostile", daily(), "a\\x0ab\\x1b[31m: 0");
}

static const char *
calendar(void)
{
	static char text[8192];
	struct buf out = {0};
	const char *line;

	reportics.put(&w.r, &out);
	(void)snprintf(text, sizeof(text), "%s", out.data);
	buf_free(&out);
	for (line = text; *line != '\0'; line = strstr(line, "\r\n") + 2)
		check_true(line, strcspn(line, "\r\n") <= 75);
	return text;
}

/* The n-th UID of the calendar. */
static const char *
uid(unsigned n)
{
	static char at[80];
	const char *p = calendar();

	while ((p = strstr(p, "UID:")) != NULL && n-- > 0)
		p += 4;
	(void)snprintf(at, sizeof(at), "%.40s", p == NULL ? "none" : p);
	return at;
}

static void
t_calendar(void **state)
{
	char was[80];

	(void)state;
	well();
	w.partner[0].p = &acme;
	w.r.ndowngrades = w.r.nown = 1;
	check_has("head", calendar(),
	    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tlspact//tlspact-"
	    "report 1//EN\r\n");
	check_has("downgrade", calendar(),
	    "DTSTAMP:20261123T120000Z\r\nDTSTART:20261123T160000Z\r\n"
	    "SUMMARY:acme: downgrade to encrypt ends\r\n"
	    "CATEGORIES:DOWNGRADE\r\n");
	check_has("review", calendar(),
	    "DTSTART;VALUE=DATE:20261126\r\n"
	    "SUMMARY:acme: review of the agreement\r\n");
	check_has("certificate", calendar(),
	    "SUMMARY:acme: certificate of mx1.acme.example ends\r\n");
	check_has(
	    "ours", calendar(), "SUMMARY:our certificate ends: /ours.pem");
	check_true("nothing of people", strstr(calendar(), "jane") == NULL);
	check_true("nor closed ones",
	    (w.lowered.open = false, strstr(calendar(), "downgrade") == NULL));
	/* Two addresses of a host are one end; another end is another. */
	well();
	w.r.ngateways = 3;
	check_str("once", uid(2), "none");
	w.gateway[2].ends += DAY;
	check_true("each", strcmp(uid(2), "none") != 0);
	/* What moves stays the same. */
	well();
	w.r.ngateways = 1;
	(void)snprintf(was, sizeof(was), "%s", uid(0));
	w.gateway[0].ends += 90 * DAY;
	w.r.now += DAY;
	check_str("renewed", uid(0), was);
	w.gateway[0].host = "mx3.acme.example";
	check_true("another", strcmp(uid(0), was) != 0);
}

static void
t_folded(void **state)
{
	char name[200];
	size_t i;

	(void)state;
	well();
	w.r.ngateways = 1;
	w.gateway[0].partner = "a;b,c\\d\r\nEND:VCALENDAR";
	check_has("escaped", calendar(),
	    "SUMMARY:a\\;b\\,c\\\\d\\\\x0d\\\\x0aEND:VCALENDAR: certificate "
	    "of mx1");
	for (i = 0; i + 2 < sizeof(name); i += 2)
		memcpy(name + i, "\xc3\xa9", 3);
	w.gateway[0].partner = name;
	/* "SUMMARY:" and 33 letters of two bytes, not 33 and a half. */
	check_has("between characters", calendar(), "\xc3\xa9\r\n \xc3\xa9");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_daily),
	    cmocka_unit_test(t_ours),
	    cmocka_unit_test(t_hours),
	    cmocka_unit_test(t_rules),
	    cmocka_unit_test(t_not_known),
	    cmocka_unit_test(t_much),
	    cmocka_unit_test(t_calendar),
	    cmocka_unit_test(t_folded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
