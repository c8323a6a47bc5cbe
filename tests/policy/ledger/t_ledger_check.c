#include "ledgerlab.h"

/* Three downgrades and ten events, the way they come to be. */
static void
fill(void)
{
	struct ledger_downgrade d = lowering;
	int64_t id = 0;

	well("fill", add_event("map-compiled", "", "{}", T0));
	well("fill", ledger_downgrade_begin(led, &d, T0, &id, &err));
	well("fill", add_event("map-compiled", "", "{}", T0));
	well("fill",
	    ledger_downgrade_extend(led, id, T0 + 60, "jo", "", T0, &err));
	well("fill", ledger_downgrade_close(led, id, "jo", "", T0 + 5, &err));
	well("fill", ledger_downgrade_begin(led, &d, T0 + 5, &id, &err));
	d.partner = "globex";
	well("fill", ledger_downgrade_begin(led, &d, T0 + 5, &id, &err));
	well("fill", add_event("notice", "acme", "{}", T0 + 6));
	well("fill", add_event("notice", "acme", "{}", T0 + 7));
	well("fill", add_event("notice", "acme", "{}", T0 + 8));
}

static void
t_whole(void **state)
{
	struct ledger_head head;

	(void)state;
	check_finds("empty", NULL, NULL, "");
	fill();
	check_finds("whole", NULL, NULL, "");
	well("head", ledger_head(led, &head, &err));
	check_int("events", head.count, 10);
	check_finds("written down", &head, NULL, "");
	well("more", add_event("notice", "", "", T0 + 9));
	check_finds("written down, more came", &head, NULL, "");
}

#define FIND(function, name, sql, want)             \
	static void function(void **state)          \
	{                                           \
		(void)state;                        \
		fill();                             \
		check_finds(name, NULL, sql, want); \
	}

FIND(t_edited, "an edited event",
    "UPDATE event SET text = 'nothing' WHERE seq = 3",
    "event 3 (\"map-compiled\") was edited: its hash does not fit it\n")
FIND(t_edited_nul, "an edit behind a NUL",
    "UPDATE event SET text = text || char(0) || 'x' WHERE seq = 3",
    "event 3 (\"map-compiled\") was edited: its hash does not fit it\n")
FIND(t_edited_time, "an edited time",
    "UPDATE event SET time = time - 1 WHERE seq = 1",
    "event 1 (\"map-compiled\") was edited: its hash does not fit it\n")
FIND(t_moved_text, "text moved between fields",
    "UPDATE event SET partner = 'acmetest', author = '' WHERE seq = 8",
    "event 8 (\"notice\") was edited: its hash does not fit it\n")
FIND(t_new_hash, "an edited hash", "UPDATE event SET hash = prev WHERE seq = 3",
    "event 3 (\"map-compiled\") was edited: its hash does not fit it\n"
    "event 4 does not follow from the one before: that one was replaced, and "
    "its hash made anew\n")
FIND(t_removed, "a removed event", "DELETE FROM event WHERE seq = 3",
    "event 3 is missing\n")
FIND(t_removed_two, "two removed, the first one too",
    "DELETE FROM event WHERE seq IN (1, 8, 9)",
    "event 1 is missing\nevents 8 to 9 are missing\n")
FIND(t_tail, "a tail cut off", "DELETE FROM event WHERE seq > 8",
    "events 9 to 10 are missing at the end of the chain\n")
FIND(t_all, "all events removed", "DELETE FROM event WHERE seq > 0",
    "events 1 to 10 are missing at the end of the chain\n"
    "downgrade 1 of \"acme\" has no event: it was added by hand, or its "
    "events were removed\n"
    "downgrade 2 of \"acme\" has no event: it was added by hand, or its "
    "events were removed\n"
    "downgrade 3 of \"globex\" has no event: it was added by hand, or its "
    "events were removed\n")
FIND(t_row, "an edited downgrade",
    "UPDATE downgrade SET end = end + 60, reason = 'x', closed_why = 'y'"
    " WHERE id = 1",
    "downgrade 1 was edited: end is \"2026-11-23T12:02:00Z\", and event 5 "
    "says \"2026-11-23T12:01:00Z\"\n"
    "downgrade 1 was edited: reason is \"x\", and event 5 says \"expired "
    "certificate\"\n"
    "downgrade 1 was edited: closed_why is \"y\", and event 5 says \"\"\n")
FIND(t_row_nul, "a downgrade edited behind a NUL",
    "UPDATE downgrade SET author = author || char(0) || 'x' WHERE id = 3",
    "downgrade 3 was edited: author is \"root\\x00x\", and event 7 says "
    "\"root\"\n")
FIND(t_row_reopened, "a downgrade opened again",
    "DELETE FROM downgrade WHERE id = 2;"
    "UPDATE downgrade SET closed = 0 WHERE id = 1",
    "downgrade 1 was edited: closed is not set, and event 5 says "
    "\"2026-11-23T12:00:05Z\"\n"
    "downgrade 2 of \"acme\" was removed: event 6 began it\n")
FIND(t_row_added, "a downgrade added",
    "INSERT INTO downgrade SELECT 9, 'x', before, after, begin, end, reason,"
    " ticket, author, sudo_user, cause, fault, keys, closed, closed_by,"
    " closed_why, extended_by, domains, direction FROM downgrade"
    " WHERE id = 3",
    "downgrade 9 of \"x\" has no event: it was added by hand, or its events "
    "were removed\n")
FIND(t_row_odd, "words that are none",
    "UPDATE downgrade SET after = 'zz', begin = -5 WHERE id = 3",
    "downgrade 3 was edited: after is \"zz\", and event 7 says \"encrypt\"\n"
    "downgrade 3 was edited: begin is -5, and event 7 says "
    "\"2026-11-23T12:00:00Z\"\n")

FIND(t_late_column, "a column that is younger than the event",
    "UPDATE event SET data = json_remove(data, '$.extended_by')"
    " WHERE seq IN (6, 7);"
    "UPDATE downgrade SET extended_by = 'eve' WHERE id = 3",
    "event 6 (\"downgrade-begin\") was edited: its hash does not fit it\n"
    "event 7 (\"downgrade-begin\") was edited: its hash does not fit it\n"
    "downgrade 3 was edited: extended_by is \"eve\", and event 7 says not "
    "set\n")
FIND(t_trigger, "what is not ours",
    "CREATE TRIGGER calm AFTER INSERT ON event BEGIN"
    " UPDATE downgrade SET after = 'opportunistic'; END;"
    "CREATE VIEW \"x\n\" AS SELECT 1; DROP INDEX downgrade_open",
    "there is a trigger \"calm\" in the file that is not the ledger's\n"
    "there is a view \"x\\x0a\" in the file that is not the ledger's\n"
    "the index \"downgrade_open\" of the ledger is gone or was altered\n")

/*
 * Edits by hand, and the change that comes after each: it would carry the
 * edited row into its own event. The downgrades of acme and globex are open.
 */
#define SAYS_AFTER                                                         \
	"downgrade 2 was edited by hand: after is \"opportunistic\", and " \
	"event "                                                           \
	"6 says \"encrypt\""
static const struct {
	const char *name, *sql, *change, *want;
} washings[] = {
    {"extend", "UPDATE downgrade SET after = 'opportunistic' WHERE id = 2",
	"extend", "event 11 found: " SAYS_AFTER "\n"},
    {"close", "UPDATE downgrade SET after = 'opportunistic' WHERE id = 2",
	"close", "event 11 found: " SAYS_AFTER "\n"},
    {"end", "UPDATE downgrade SET after = 'opportunistic' WHERE id = 2",
	"settle", "event 11 found: " SAYS_AFTER "\n"},
    {"begin again", "UPDATE downgrade SET after = 'opportunistic' WHERE id = 2",
	"replace", "event 11 found: " SAYS_AFTER "\n"},
    {"nothing to do",
	"UPDATE downgrade SET after = 'opportunistic' WHERE id = 2", "look",
	"event 11 found: " SAYS_AFTER "\n"},
    {"author, reason, end",
	"UPDATE downgrade SET author = 'eve', reason = 'r' || char(10),"
	" end = end + 60 WHERE id = 2",
	"close",
	"event 11 found: downgrade 2 was edited by hand: end is "
	"\"2026-11-23T13:01:00Z\", and event 6 says "
	"\"2026-11-23T13:00:00Z\"; reason is \"r\\x0a\", and event 6 says "
	"\"expired certificate\"; author is \"eve\", and event 6 says "
	"\"root\"\n"},
    {"ended sooner", "UPDATE downgrade SET end = begin + 6 WHERE id = 2",
	"settle",
	"event 11 found: downgrade 2 was edited by hand: end is "
	"\"2026-11-23T12:00:06Z\", and event 6 says "
	"\"2026-11-23T13:00:00Z\"\n"},
    {"restored by hand",
	"UPDATE downgrade SET closed = begin + 6, closed_by = 'jo'"
	" WHERE id = 2",
	"replace",
	"event 11 found: downgrade 2 was edited by hand: closed is "
	"\"2026-11-23T12:00:06Z\", and event 6 says not set; closed_by is "
	"\"jo\", and event 6 says \"\"\n"},
    {"opened again",
	"DELETE FROM downgrade WHERE id = 2;"
	"UPDATE downgrade SET closed = 0 WHERE id = 1",
	"close 1",
	"event 11 found: downgrade 1 was edited by hand: closed is not set, "
	"and event 5 says \"2026-11-23T12:00:05Z\"\n"
	"downgrade 2 of \"acme\" was removed: event 6 began it\n"},
    {"added",
	"INSERT INTO downgrade SELECT 9, 'x', before, after, begin, end,"
	" reason, ticket, author, sudo_user, cause, fault, keys, closed,"
	" closed_by, closed_why, extended_by, domains, direction FROM downgrade"
	" WHERE id = 3",
	"settle",
	"event 13 found: downgrade 9 was added by hand: no event tells of "
	"it\n"},
    {"removed, and its number given anew",
	"DELETE FROM downgrade WHERE id > 1;"
	"UPDATE sqlite_sequence SET seq = 1 WHERE name = 'downgrade'",
	"begin",
	"event 11 found: downgrade 2 was removed by hand: event 6 says what "
	"it was\n"
	"downgrade 3 of \"globex\" was removed: event 7 began it\n"},
    {"more than an event may hold",
	"UPDATE downgrade SET keys = char(0) || printf('%.*c', 70000, 'a')"
	" WHERE id = 2",
	"settle",
	"event 11 found: downgrade 2 was edited by hand: keys is "
	"\"\\x00"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaa...\", and event 6 "
	"says \"\"\n"},
};

static int
change(const char *how)
{
	struct ledger_downgrade d = lowering;
	int64_t id;

	if (strcmp(how, "extend") == 0)
		return ledger_downgrade_extend(
		    led, 2, T0 + 70, "jo", "", T0 + 10, &err);
	if (strncmp(how, "close", 5) == 0)
		return ledger_downgrade_close(led,
		    strcmp(how, "close") == 0 ? 2 : 1, "jo", "", T0 + 10, &err);
	if (strcmp(how, "settle") == 0)
		return ledger_downgrade_settle(led, T0 + 7200, &err);
	if (strcmp(how, "look") == 0)
		return ledger_downgrade_settle(led, T0 + 10, &err);
	if (strcmp(how, "replace") == 0)
		d.replaces = 2;
	return ledger_downgrade_begin(led, &d, T0 + 10, &id, &err);
}

static void
t_washed(void **state)
{
	struct ledger_head known;
	size_t i;

	for (i = 0; i < sizeof(washings) / sizeof(washings[0]); i++) {
		if (i > 0) {
			teardown(state);
			setup(state);
		}
		fill();
		well("head", ledger_head(led, &known, &err));
		by_hand(washings[i].sql);
		well(washings[i].name, change(washings[i].change));
		check_finds(washings[i].name, &known, NULL, washings[i].want);
		/* And for ever, whatever comes later. */
		well(washings[i].name,
		    ledger_downgrade_settle(led, T0 + 86400, &err));
		well(washings[i].name, change("look"));
		check_finds(washings[i].name, &known, NULL, washings[i].want);
	}
}

/* A release that did not compare carried edits into the events after them. */
static void
t_washed_before(void **state)
{
	(void)state;
	fill();
	well("close", ledger_downgrade_close(led, 2, "jo", "", T0 + 9, &err));
	check_finds("as it should be", NULL, NULL, "");
	by_hand("UPDATE event SET data = replace(data, '\"encrypt\"',"
		" '\"opportunistic\"') WHERE seq IN (4, 5, 11);"
		"UPDATE downgrade SET after = 'opportunistic' WHERE id < 3");
	check_finds("carried on", NULL, NULL,
	    "event 4 (\"downgrade-extend\") was edited: its hash does not fit "
	    "it\n"
	    "event 5 (\"downgrade-close\") was edited: its hash does not fit "
	    "it\n"
	    "event 11 (\"downgrade-close\") was edited: its hash does not fit "
	    "it\n"
	    "downgrade 1 was edited before event 4: after is "
	    "\"opportunistic\", and event 2 says \"encrypt\"\n"
	    "downgrade 2 was edited before event 11: after is "
	    "\"opportunistic\", and event 6 says \"encrypt\"\n");
}

/*
 * Cut the chain at row 3 and let the ledger itself write other rows from
 * there: no hash is wrong in the result.
 */
static void
t_forged(void **state)
{
	struct ledger_head head, now;
	int i;

	(void)state;
	for (i = 0; i < 6; i++)
		well("add", add_event("notice", "", "", T0 + i));
	well("head", ledger_head(led, &head, &err));
	by_hand("DELETE FROM event WHERE seq > 3;"
		"UPDATE head SET count = 3,"
		" hash = (SELECT hash FROM event WHERE seq = 3)");
	check_finds("cut, and the head with it", NULL, NULL, "");
	check_finds("a cut, against the head written down", &head, NULL,
	    "the chain was 6 events long when its head was written down, and "
	    "has only 3 now\n");
	for (i = 0; i < 5; i++)
		well("forge", add_event("notice", "acme", "", T0 + i));
	check_finds("forged anew", NULL, NULL, "");
	check_finds("forged, against the head written down", &head, NULL,
	    "event 6 is not the one whose hash was written down: it or an "
	    "earlier one was replaced and the chain made anew from there\n");
	well("head", ledger_head(led, &now, &err));
	check_int("length", now.count, 8);
	by_hand("UPDATE head SET count = 5");
	check_finds("a head that is short", NULL, NULL,
	    "the head says that event 5 is the last one, but there are later "
	    "ones up to 8\n");
	by_hand("DELETE FROM head");
	check_int("no head", ledger_head(led, &now, &err), -1);
	check_int("no head", err.code, EX_DATAERR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_whole),
	    CASE(t_edited),
	    CASE(t_edited_nul),
	    CASE(t_edited_time),
	    CASE(t_moved_text),
	    CASE(t_new_hash),
	    CASE(t_removed),
	    CASE(t_removed_two),
	    CASE(t_tail),
	    CASE(t_all),
	    CASE(t_row),
	    CASE(t_row_nul),
	    CASE(t_row_reopened),
	    CASE(t_row_added),
	    CASE(t_row_odd),
	    CASE(t_late_column),
	    CASE(t_trigger),
	    CASE(t_washed),
	    CASE(t_washed_before),
	    CASE(t_forged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
