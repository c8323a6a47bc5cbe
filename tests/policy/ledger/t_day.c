/* The evidence of each day, told by the record: what is gone shows. */
#include "ledgerlab.h"

#include "day.h"
#include "settings.h"

#define DAY 86400
#define MIDNIGHT (T0 - DAY / 2)
#define YESTERDAY "2026-11-22"

static bool
show_event(const struct ledger_event *ev, void *arg)
{
	return gather(
	    arg, "%lld %s: %s\n", (long long)ev->seq, ev->kind, ev->text);
}

static bool
show_data(const struct ledger_event *ev, void *arg)
{
	return gather(arg, "%s", ev->data);
}

static bool
show_day_flaw(const struct ledger_flaw *f, void *arg)
{
	return gather(arg, "%lld %s\n", (long long)f->event, f->text);
}

/* By which what is older than `pruned` may be gone now. */
static struct settings
settings(time_t pruned, time_t now)
{
	static char nowhere[] = "/nowhere/evidence.db";

	return (struct settings){.ledger = file,
	    .evidence = evi == NULL ? nowhere : seen,
	    .keep = pruned == 0 ? 0 : (uint64_t)(now - pruned)};
}

static int
close_day(time_t pruned, time_t now)
{
	struct settings set = settings(pruned, now);

	return day_run(led, &set, now, &err);
}

static struct day_seals seals;

static void
check_days(const char *row, time_t pruned, size_t npruned, const char *want)
{
	struct settings set = settings(pruned, T0 + 9 * DAY);
	struct gathered g = {0};
	size_t flaws = 0;

	well(row, day_check(led, &set, T0 + 9 * DAY, show_day_flaw, &g, &flaws,
		      &seals, &err));
	check_str(row, g.text, want);
	check_int(row, flaws, g.n);
	check_int(row, seals.npruned, npruned);
}

static void
count(const char *day, enum evidence_seen as, uint64_t n)
{
	const struct evidence_count c = {.day = day,
	    .partner = "acme",
	    .direction = EVIDENCE_OUT,
	    .seen = as,
	    .protocol = "TLSv1.3",
	    .cipher = "x",
	    .result = "sent",
	    .n = n};

	well("count",
	    evidence_log_add(evi,
		&(struct evidence_batch){.count = &c, .ncounts = 1}, &err));
}

static void
failure(time_t t)
{
	const struct evidence_failure f = {.time = t,
	    .partner = "acme",
	    .direction = EVIDENCE_OUT,
	    .fault = "expired",
	    .domain = "acme.example",
	    .host = "mx1",
	    .address = "192.0.2.1",
	    .queue_id = "4A",
	    .text = "x"};

	well("failure",
	    evidence_log_add(evi,
		&(struct evidence_batch){.failure = &f, .nfailures = 1}, &err));
}

/* A day of evidence, told the day after. */
static void
fill(void)
{
	count(YESTERDAY, EVIDENCE_CLEAR, 2);
	count(YESTERDAY, EVIDENCE_VERIFIED, 5);
	failure(T0 - DAY);
	failure(T0 - DAY + 1);
	well("look", probe("acme", "mx1", T0 - DAY, "ok", KEY_A, PEM_A));
	well("look", probe("acme", "mx1", T0 - DAY + 9, "expired", KEY_A, ""));
	/* Today is not over. */
	count("2026-11-23", EVIDENCE_CLEAR, 1);
	failure(T0);
	well("look", probe("acme", "mx1", T0, "ok", KEY_A, PEM_A));
	well("close", close_day(0, T0));
}

#define FIRST                                                               \
	"1 day: " YESTERDAY ": 7 mails counted, 2 in clear; 2 failures; 2 " \
	"looks, "

/* What the record says of fill(): a release must find the same. */
#define DATA                                                                 \
	"{\"day\":\"" YESTERDAY                                              \
	"\",\"pruned_before\":\"1970-01-01T00:00:00Z\",\"counts\":{\"in\":"  \
	"{\"clear\":0,\"encrypted\":0,\"trusted\":0,\"verified\":0},"        \
	"\"out\":{\"clear\":2,\"encrypted\":0,\"trusted\":0,"                \
	"\"verified\":5},\"sha256\":"                                        \
	"\"a2b93db576701d172f6768a673a8a9a1d10954cfc1ffad666ebfa952d56e3e12" \
	"\"},\"failures\":{\"n\":2,\"sha256\":"                              \
	"\"136634ac70799631448d02327a4f622824133667291e6f191501a2fd42f8fd7c" \
	"\"},\"looks\":{\"n\":2,\"passed\":1,\"sha256\":"                    \
	"\"d4f27ceb88be92359cb4659103aed80c029758fa04e6338156c7851a7b8d0a1e" \
	"\"}}"

static void
t_told(void **state)
{
	struct gathered g = {0};
	const struct ledger_event_query all = {0};

	(void)state;
	fill();
	well("events", ledger_events(led, &all, show_event, &g, &err));
	check_has("told", g.text, FIRST);
	check_int("once", g.n, 1);
	check_days("whole", 0, 0, "");
	g = (struct gathered){0};
	well("events", ledger_events(led, &all, show_data, &g, &err));
	check_str("these numbers and digests, for ever", g.text, DATA);
	well("again", close_day(0, T0 + 60));
	g = (struct gathered){0};
	well("events", ledger_events(led, &all, show_event, &g, &err));
	check_int("once a day", g.n, 1);
	well("later", close_day(0, T0 + 3 * DAY));
	check_days("whole", 0, 0, "");
	g = (struct gathered){0};
	well("events", ledger_events(led, &all, show_event, &g, &err));
	check_int("none is left out", g.n, 4);
	check_has("not that of today", g.text,
	    "2 day: 2026-11-23: 1 mail counted, 1 in clear; 1 failure; 1 "
	    "look, ");
	check_has("nor that of nothing", g.text,
	    "4 day: 2026-11-25: 0 mails counted, 0 in clear; 0 failures; 0 "
	    "looks, 0 passed\n");
}

#define SAYS "1 the evidence of " YESTERDAY " is not what event 1 says: "
#define EDITED " were edited, or some removed\n"

static const struct {
	const char *name, *sql, *want;
} edits[] = {
    {"a count removed", "DELETE FROM log_count WHERE seen = 0",
	SAYS "its counts of the log" EDITED},
    {"clear said to be verified",
	"UPDATE log_count SET cipher = 'y', seen = 3 WHERE seen = 0",
	SAYS "its counts of the log" EDITED},
    {"a count moved",
	"UPDATE log_count SET n = n - 1 WHERE seen = 0;"
	"UPDATE log_count SET n = n + 9 WHERE seen = 3",
	SAYS "its counts of the log" EDITED},
    {"another partner", "UPDATE log_count SET partner = 'x' WHERE seen = 3",
	SAYS "its counts of the log" EDITED},
    {"a rule that was not known", "UPDATE log_count SET fault = 'ok'",
	SAYS "its counts of the log" EDITED},
    {"a failure removed", "DELETE FROM failure WHERE id = 1",
	SAYS "its failures" EDITED},
    {"a failure edited", "UPDATE failure SET fault = 'ok' WHERE id = 1",
	SAYS "its failures" EDITED},
    {"a look removed", "DELETE FROM probe WHERE first < 1795435200 - 86395",
	SAYS "its probes" EDITED},
    {"a key edited", "UPDATE result SET key = '" KEY_B "'",
	SAYS "its probes" EDITED},
    {"looks that passed taken for others that failed",
	"UPDATE probe SET n = n + 9 WHERE first > 1795435200 - 86395;"
	"DELETE FROM probe WHERE first < 1795435200 - 86395",
	SAYS "its probes" EDITED},
    {"and the other way",
	"UPDATE probe SET n = n + 9 WHERE first < 1795435200 - 86395;"
	"DELETE FROM probe WHERE first = 1795435200 - 86391",
	SAYS "its probes" EDITED},
    {"all of it",
	"DELETE FROM log_count; DELETE FROM failure; DELETE FROM probe",
	SAYS "its counts of the log" EDITED SAYS "its failures" EDITED SAYS
	     "its probes" EDITED},
    {"of today", "DELETE FROM log_count WHERE day = '2026-11-23'", ""},
};

/* What else a look showed is told as well, where anything was. */
static void
t_shown(void **state)
{
	static const char *const shown[] = {
	    "UPDATE probe SET requiretls = 'no'",
	    "UPDATE probe SET dnssec = 'secure'",
	    "UPDATE probe SET tlsa = 'used'",
	};
	const struct evidence_probe p = {.time = T0 - DAY,
	    .partner = "acme",
	    .nexthop = "acme.example",
	    .host = "mx1",
	    .fault = "ok",
	    .requiretls = "yes",
	    .dnssec = "insecure",
	    .tlsa = "none"};
	size_t i;

	(void)state;
	well("look", evidence_probe_add(evi, &p, NULL, &err));
	well("close", close_day(0, T0));
	check_days("whole", 0, 0, "");
	for (i = 0; i < COUNT(shown); i++) {
		by_hand_in(seen, shown[i]);
		check_days(shown[i], 0, 0, SAYS "its probes" EDITED);
		by_hand_in(seen, "UPDATE probe SET requiretls = 'yes',"
				 " dnssec = 'insecure', tlsa = 'none'");
	}
}

static void
t_edits(void **state)
{
	size_t i;

	for (i = 0; i < COUNT(edits); i++) {
		if (i > 0) {
			teardown(state);
			setup(state);
		}
		fill();
		by_hand_in(seen, edits[i].sql);
		check_days(edits[i].name, 0, 0, edits[i].want);
	}
}

/* A log that waited is no edit; what is edited is named for ever. */
static void
t_more(void **state)
{
	struct gathered g = {0};
	const struct ledger_event_query all = {0};

	(void)state;
	fill();
	count(YESTERDAY, EVIDENCE_VERIFIED, 1);
	failure(T0 - DAY + 2);
	check_days("more", 0, 0, "");
	well("close", close_day(0, T0 + DAY));
	well("events", ledger_events(led, &all, show_event, &g, &err));
	check_has("told", g.text, "2 day: " YESTERDAY ": 8 mails counted");
	check_has("told", g.text, "; more of it was read since\n3 day: ");
	by_hand_in(seen, "DELETE FROM failure WHERE time < 1795392000");
	well("close", close_day(0, T0 + 2 * DAY));
	check_days("found by the next day's run", 0, 0,
	    "4 event 4 found: " YESTERDAY
	    ": 8 mails counted, 2 in clear; 0 failures; 2 looks, 1 passed; it "
	    "was edited, or some of it removed\n");
}

/* A week is looked at again, its first day included, and no more. */
static void
t_week(void **state)
{
	const struct ledger_event_query all = {0};
	static const struct {
		const char *name;
		int days;
		bool told;
	} rows[] = {{"a week ago", 7, true}, {"before that", 8, false}};
	struct gathered g;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			teardown(state);
			setup(state);
		}
		fill();
		well("close", close_day(0, T0 + (rows[i].days - 1) * DAY));
		count(YESTERDAY, EVIDENCE_VERIFIED, 1);
		well("close", close_day(0, T0 + rows[i].days * DAY));
		g = (struct gathered){0};
		well("events", ledger_events(led, &all, show_event, &g, &err));
		check_int(rows[i].name,
		    strstr(g.text, "; more of it was read since") != NULL,
		    rows[i].told);
		check_true(rows[i].name, strstr(g.text, "edited") == NULL);
	}
}

/* What keep has pruned is no flaw, but for the counts, which stay. */
static void
t_pruned(void **state)
{
	(void)state;
	fill();
	well("prune", evidence_prune(evi, MIDNIGHT, &err));
	check_days("kept, they say", 0, 0,
	    SAYS "its failures" EDITED SAYS "its probes" EDITED);
	check_days("pruned", MIDNIGHT, 1, "");
	/* Said by a later day, when keep was shorter than now. */
	well("close", close_day(MIDNIGHT, T0 + DAY));
	check_days("by the record", 0, 1, "");
	by_hand_in(seen, "DELETE FROM log_count");
	check_days("counts stay", MIDNIGHT, 1,
	    SAYS "its counts of the log" EDITED
		 "2 the evidence of 2026-11-23 is not what event 2 says: its "
		 "counts of the log" EDITED);
	evidence_close(evi);
	evi = NULL;
	check_days("no evidence at all", 0, 1,
	    SAYS "its counts of the log" EDITED
		 "2 the evidence of 2026-11-23 is not what event 2 says: its "
		 "counts of the log" EDITED
		 "2 the evidence of 2026-11-23 is not what event 2 says: its "
		 "failures" EDITED
		 "2 the evidence of 2026-11-23 is not what event 2 says: its "
		 "probes" EDITED);
}

static void
check_seals(const char *row, time_t from, time_t to, unsigned sealed,
    unsigned days, const char *want)
{
	seals.from = from;
	seals.to = to;
	check_days(row, 0, 0, "");
	check_int(row, seals.days, days);
	check_int(row, seals.sealed, sealed);
	check_str(row, seals.unsealed, want);
}

#define ON(of) "the evidence is as it says on " of " days; the others are not "

/* What no event tells can go, and nothing shows it: that is said. */
static void
t_sealed(void **state)
{
	static const char none[] = "there is no sealed day of the evidence to "
				   "hold against it";

	(void)state;
	check_seals("nothing", 0, 0, 0, 0, none);
	count("2026-12-01", EVIDENCE_CLEAR, 2);
	check_seals("yesterday is not due", 0, 0, 0, 0, none);
	count("2026-11-12", EVIDENCE_CLEAR, 2);
	count("2026-11-15", EVIDENCE_CLEAR, 2);
	fill();
	well("close", close_day(0, T0 + 2 * DAY));
	/* 22 to 24 are told; 12 to 21 and 25 to 1 are not. */
	check_seals("all", 0, 0, 3, 20,
	    ON("3 of 20") "sealed: 2026-11-12 to 2026-11-21 and 7 more");
	check_seals("sealed alone", T0 - DAY, MIDNIGHT + 2 * DAY, 3, 3, "");
	check_seals("one that is not", MIDNIGHT - 2 * DAY, MIDNIGHT + DAY, 2, 3,
	    ON("2 of 3") "sealed: 2026-11-21");
	check_seals("from before it", MIDNIGHT - 30 * DAY, MIDNIGHT - DAY, 0,
	    10, ON("0 of 10") "sealed: 2026-11-12 to 2026-11-21");
	by_hand_in(seen, "DELETE FROM log_count WHERE day = '2026-11-15'");
	check_seals("gone, unseen", 0, 0, 3, 20,
	    ON("3 of 20") "sealed: 2026-11-12 to 2026-11-21 and 7 more");
	/* A log that was read late: of what it added nothing is told. */
	count("2026-11-23", EVIDENCE_CLEAR, 1);
	check_seals("late", MIDNIGHT - DAY, MIDNIGHT + 2 * DAY, 2, 3,
	    ON("2 of 3") "sealed: 2026-11-23");
	seals.from = seals.to = 0;
	by_hand_in(seen, "DELETE FROM log_count WHERE day = '" YESTERDAY "'");
	check_days("gone", 0, 0, SAYS "its counts of the log" EDITED);
	check_str("one flaw", seals.unsealed,
	    "2 of 20 days of the evidence are sealed; the others are not: "
	    "2026-11-12 to 2026-11-21 and 8 more");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_told),
	    CASE(t_edits),
	    CASE(t_shown),
	    CASE(t_more),
	    CASE(t_week),
	    CASE(t_pruned),
	    CASE(t_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
