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
    " closed_why, extended_by, domains FROM downgrade WHERE id = 3",
    "downgrade 9 of \"x\" has no event: it was added by hand, or its events "
    "were removed\n")
FIND(t_row_odd, "words that are none",
    "UPDATE downgrade SET after = 'zz', begin = -5 WHERE id = 3",
    "downgrade 3 was edited: after is \"zz\", and event 7 says \"encrypt\"\n"
    "downgrade 3 was edited: begin is -5, and event 7 says "
    "\"2026-11-23T12:00:00Z\"\n")

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
	    CASE(t_forged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
