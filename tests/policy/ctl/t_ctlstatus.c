/* What the status screens of tlspactctl say of a partner. */
#include "check.h"

#include <stdlib.h>

#include "buf.h"
#include "clock.h"
#include "ctlfacts.h"
#include "ctlprint.h"
#include "ctlstatus.h"
#include "registry.h"
#include "step.h"

#define NOW 1795392000 /* 2026-11-23T00:00:00Z */
#define HOUR 3600

static void
test_status(void **state)
{
	struct ctl_facts f = {.name = "acme",
	    .full = LEVEL_SECURE,
	    .in_map = true,
	    .map_level = LEVEL_ENCRYPT};
	struct buf out = {0};
	json_t *j;

	(void)state;
	f.lowered = (struct ledger_downgrade){.id = 1,
	    .before = LEVEL_SECURE,
	    .after = LEVEL_ENCRYPT,
	    .begin = NOW - HOUR,
	    .end = NOW + 2 * HOUR + 720,
	    .reason = "expired",
	    .ticket = "4711",
	    .author = "root",
	    .sudo_user = "jo",
	    .extended_by = "",
	    .fault = ""};
	f.low = (struct ctl_low){.rows = 1,
	    .level = LEVEL_ENCRYPT,
	    .full = LEVEL_SECURE,
	    .end = f.lowered.end};
	f.moved.n[EVIDENCE_ENCRYPTED] = 14;
	(void)snprintf(f.moved.since, sizeof(f.moved.since), "2026-11-22");
	f.waiting_asked = true;
	ctlstatus_one(&f, NULL, "us@ours.example", NOW, &out);
	assert_non_null(strstr(out.data, "lowered to encrypt until 02:12 "
					 "(2 h 12 min left)\n"));
	assert_non_null(strstr(out.data, "expired (ticket 4711), lowered by "
					 "root (jo) at 2026-11-22 23:00\n"));
	assert_non_null(strstr(out.data, "never looked at"));
	assert_non_null(strstr(out.data, "0 mails\n"));
	assert_non_null(strstr(out.data, "to them 14 mails since 2026-11-22 by "
					 "the log: all encrypted, 14 not "
					 "authenticated\n"));
	assert_non_null(strstr(out.data, "back to secure at 02:12"));
	/* An event's times are in UTC, and people read theirs. */
	buf_clear(&out);
	ctlprint_event("until 2026-11-24T17:30:05Z: x 2026-11-24T17:30Z, "
		       "9-2026-11-24T17:30:0",
	    &out);
	assert_string_equal(out.data,
	    "until 2026-11-24 17:30:05: x 2026-11-24T17:30Z, "
	    "9-2026-11-24T17:30:0");
	buf_clear(&out);
	(void)ctlstatus_table(&f, 1, true, NOW, &out);
	assert_non_null(strstr(out.data, "encrypt  02:12"));
	assert_true(ctl_facts_view(&f, NOW).odd);
	/* Many clients are "unknown": the address tells which. */
	buf_clear(&out);
	f.refused = (struct evidence_failure){.time = NOW,
	    .direction = EVIDENCE_IN,
	    .fault = "no-starttls",
	    .host = "unknown",
	    .address = "192.0.2.1"};
	ctlprint_failure(&f.refused, NOW, &out);
	assert_non_null(strstr(
	    out.data, "incoming mail, no-starttls at unknown [192.0.2.1]"));
	f.refused.time = 0;
	buf_free(&out);
	j = ctlstatus_json(&f, NOW);
	assert_string_equal(json_string_value(json_object_get(
				json_object_get(j, "lowered"), "until")),
	    "2026-11-23T02:12:00Z");
	assert_true(json_is_null(json_object_get(j, "last_failure")));
	json_decref(j);
	f.lowered.id = 0;
	f.low.rows = 0;
	f.ledger_fault = "damaged";
	assert_true(ctl_facts_view(&f, NOW).odd);
	f.map_level = f.full;
	assert_false(ctl_facts_view(&f, NOW).odd);
}

static void
test_returned(void **state)
{
	static const struct {
		const char *name;
		size_t mails;
		time_t at;
		const char *says;
	} cases[] = {
	    {"not known", 2, 0, "2 mails"},
	    {"one", 1, NOW + HOUR,
		"1 mail; returned to its sender from 01:00 on "
		"(maximal_queue_lifetime)"},
	    {"more", 2, NOW + 24 * HOUR,
		"2 mails; returned to senders from 2026-11-24 00:00 on "
		"(maximal_queue_lifetime)"},
	    {"over", 2, NOW - HOUR,
		"2 mails; returned to senders at the next try "
		"(maximal_queue_lifetime)"},
	};
	struct ctl_facts w = {.waiting_asked = true};
	struct buf out = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w.waiting.messages = cases[i].mails;
		w.returned = cases[i].at;
		ctlprint_waiting(&w, NOW, &out);
		check_str(cases[i].name, out.data, cases[i].says);
		buf_clear(&out);
	}
	buf_free(&out);
}

/* What is told of mail has its direction. */
static void
test_mail(void **state)
{
	static const struct {
		const char *name;
		struct ctl_moved moved;
		const char *says;
	} cases[] = {
	    {"nobody counted", {.in = 1}, ""},
	    {"none", {.since = "2026-11-23"},
		"no mail today (UTC), by the log"},
	    {"none today", {.since = "2026-11-23", .last = "2026-11-20"},
		"no mail today (UTC), by the log; the last to them on "
		"2026-11-20"},
	    {"to them", {.since = "2026-11-23", .n = {[EVIDENCE_VERIFIED] = 4}},
		"to them 4 mails since 2026-11-23 by the log: all encrypted, "
		"all authenticated"},
	    {"both ways",
		{.since = "2026-11-23",
		    .n = {[EVIDENCE_VERIFIED] = 4},
		    .in = 3,
		    .in_clear = 1},
		"to them 4 mails since 2026-11-23 by the log: all encrypted, "
		"all authenticated; from them 3 mails, 1 in clear"},
	    {"from them", {.since = "2026-11-23", .in = 1},
		"no mail to them today (UTC), by the log; from them 1 mail, "
		"all encrypted"},
	};
	struct buf out = {0};
	struct ctl_facts f = {.name = "acme"};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		f.moved = cases[i].moved;
		buf_clear(&out);
		buf_puts(&out, "");
		ctlprint_mail(&f, NOW, &out);
		check_str(cases[i].name, out.data, cases[i].says);
	}
	buf_free(&out);
}

/* Mail from them that is refused is a thing to see to, while it is. */
static void
test_refused(void **state)
{
	static const struct {
		const char *name;
		time_t time;
		const char *host, *fault, *helo;
		size_t refusals;
		bool encrypted_since, lowered;
		uint8_t inbound;
		const char *tells, *table; /* NULL: it is not told */
	} cases[] = {
	    {"once", NOW - 60, "unknown", "no-starttls",
		" proto=ESMTP helo=<out.acme.example>", 1, false, false,
		INBOUND_REQUIRE,
		"tell it@acme.example, if it is their server: out.acme.example "
		"[192.0.2.1] does not use STARTTLS\n  next        tlspactctl "
		"downgrade acme --inbound ",
		"  mail FROM them is REFUSED: no-starttls at 2026-11-22 "
		"23:59\n"},
	    {"twice, no HELO", NOW - 60, "unknown", "no-starttls", "", 2, false,
		false, INBOUND_REQUIRE, "server: [192.0.2.1] does not use",
		"REFUSED: 2 mails, the last with no-starttls at 2026-11-22 "
		"23:59\n"},
	    {"a name, another fault", NOW - 60, "out.acme.example",
		"untrusted-issuer", "", 1, false, false, INBOUND_REQUIRE,
		"server: out.acme.example [192.0.2.1] is refused with "
		"untrusted-issuer\n",
		"REFUSED: untrusted-issuer at"},
	    {"HELO without an end", NOW - 60, "unknown", "no-starttls",
		" helo=<out", 1, false, false, INBOUND_REQUIRE,
		"server: [192.0.2.1] does", "REFUSED"},
	    {"a day ago", NOW - CLOCK_DAY, "unknown", "no-starttls", "", 1,
		false, false, INBOUND_REQUIRE, NULL, NULL},
	    {"over TLS since", NOW - 60, "unknown", "no-starttls", "", 1, true,
		false, INBOUND_REQUIRE, NULL, NULL},
	    {"let in", NOW - 60, "unknown", "no-starttls", "", 1, false, true,
		INBOUND_REQUIRE, NULL, NULL},
	    {"not agreed", NOW - 60, "unknown", "no-starttls", "", 1, false,
		false, INBOUND_WARN, NULL, NULL},
	};
	struct attributes attributes = {.mode = MODE_ENFORCED};
	struct partner acme = {.name = "acme",
	    .contact = "it@acme.example",
	    .attributes = &attributes};
	struct buf out = {0};
	struct ctl_facts f;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		attributes.inbound = cases[i].inbound;
		f = (struct ctl_facts){.name = "acme",
		    .partner = &acme,
		    .full = LEVEL_SECURE,
		    .in_map = true,
		    .map_level = LEVEL_SECURE,
		    .refused = {.time = cases[i].time,
			.fault = cases[i].fault,
			.host = cases[i].host,
			.address = "192.0.2.1",
			.text = cases[i].helo},
		    .refusals = cases[i].refusals,
		    .encrypted_since = cases[i].encrypted_since,
		    .low = {.rows = cases[i].lowered,
			.level = LEVEL_SECURE,
			.full = LEVEL_SECURE,
			.direction = DIRECTION_INBOUND,
			.end = NOW + HOUR}};
		buf_clear(&out);
		ctlstatus_one(&f, NULL, "", NOW, &out);
		check_true(cases[i].name,
		    (strstr(out.data, "MAIL FROM THEM WAS REFUSED") != NULL) ==
			(cases[i].tells != NULL));
		check_true(
		    cases[i].name, (strstr(out.data, "--inbound") != NULL) ==
				       (cases[i].tells != NULL));
		if (cases[i].tells != NULL)
			check_has(cases[i].name, out.data, cases[i].tells);
		check_true(cases[i].name,
		    (strstr(out.data,
			 "; mail of theirs came as agreed since") != NULL) ==
			cases[i].encrypted_since);
		buf_clear(&out);
		(void)ctlstatus_table(&f, 1, false, NOW, &out);
		check_true(
		    cases[i].name, (strstr(out.data, "REFUSED") != NULL) ==
				       (cases[i].table != NULL));
		if (cases[i].table != NULL)
			check_has(cases[i].name, out.data, cases[i].table);
	}
	buf_free(&out);
}

/* What is lowered for it is no alarm while mail moves. */
static void
test_calm(void **state)
{
	static const struct {
		const char *name;
		enum fault fault;
		enum level to; /* secure: it is not lowered */
		bool direction, over;
		const char *days;
		bool calm;
	} cases[] = {
	    {"not lowered", FAULT_EXPIRED, LEVEL_SECURE, false, false, " -2!",
		false},
	    {"lowered", FAULT_EXPIRED, LEVEL_ENCRYPT, false, false, " -2 ",
		true},
	    {"not enough", FAULT_NO_STARTTLS, LEVEL_ENCRYPT, false, false,
		" -2!", false},
	    {"mail from them alone", FAULT_EXPIRED, LEVEL_SECURE, true, false,
		" -2!", false},
	    {"its time is up", FAULT_EXPIRED, LEVEL_ENCRYPT, false, true,
		" -2!", false},
	};
	struct attributes attributes = {.mode = MODE_ENFORCED};
	const struct partner acme = {.name = "acme", .attributes = &attributes};
	struct evidence_gateway gateway = {.last = {.time = NOW - 60,
					       .host = "mx1",
					       .begins = NOW - 720 * HOUR,
					       .not_after = NOW - 49 * HOUR}};
	struct step_gateway step;
	struct ctl_facts w;
	struct buf out = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		step = (struct step_gateway){.nexthop = "acme.example",
		    .host = "mx1",
		    .time = NOW - 60,
		    .fault = cases[i].fault};
		w = (struct ctl_facts){.name = "acme",
		    .partner = &acme,
		    .full = LEVEL_SECURE,
		    .in_map = true,
		    .map_level = cases[i].to,
		    .gateway = &gateway,
		    .step = &step,
		    .n = 1,
		    .probed = NOW - 60};
		w.low = (struct ctl_low){
		    .rows = cases[i].to != LEVEL_SECURE || cases[i].direction,
		    .level = cases[i].to,
		    .full = LEVEL_SECURE,
		    .direction = cases[i].direction,
		    .end = cases[i].over ? NOW - HOUR : NOW + HOUR};
		w.lowered = (struct ledger_downgrade){.id = w.low.rows > 0,
		    .after = cases[i].to,
		    .direction = cases[i].direction,
		    .end = w.low.end};
		(void)ctlstatus_table(&w, 1, true, NOW, &out);
		check_has(cases[i].name, out.data, cases[i].days);
		check_true(cases[i].name,
		    (strstr(out.data, "\n  lowered, mail moves\n") != NULL) ==
			cases[i].calm);
		buf_clear(&out);
	}
	buf_free(&out);
}

/* What has ended is told for a while. */
static void
test_was_lowered(void **state)
{
	static const struct {
		const char *name;
		int64_t id, lowered;
		bool direction;
		const char *by, *why;
		uint64_t moved;
		const char *says; /* NULL: nothing */
	} cases[] = {
	    {"none", 0, 0, false, "", "", 0, NULL},
	    {"lowered again", 1, 2, false, "root", "", 0, NULL},
	    {"its time was up", 1, 0, false, "", "", 1,
		"was lowered to encrypt from 2026-11-22 22:00 to 2026-11-22 "
		"23:00, when its time was up; 1 mail moved under it\n"},
	    {"restored", 1, 0, false, "jo", "renewed", 3,
		"23:00, ended by jo (renewed); 3 mails moved under it\n"},
	    {"let in", 1, 0, true, "jo", "", 0,
		"was lowered to no TLS inbound from 2026-11-22 22:00 to "
		"2026-11-22 23:00, ended by jo; 0 mails came in by it "
		"alone\n"},
	};
	struct buf out = {0};
	struct ctl_facts f;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		f = (struct ctl_facts){.name = "acme",
		    .in_map = true,
		    .lowered = {.id = cases[i].lowered,
			.reason = "",
			.ticket = "",
			.author = "",
			.sudo_user = "",
			.extended_by = ""},
		    .ended = {.id = cases[i].id,
			.after = LEVEL_ENCRYPT,
			.direction = cases[i].direction,
			.begin = NOW - 2 * HOUR,
			.closed = NOW - HOUR,
			.closed_by = cases[i].by,
			.closed_why = cases[i].why},
		    .ended_moved = cases[i].moved};
		buf_clear(&out);
		ctlstatus_one(&f, NULL, "", NOW, &out);
		if (cases[i].says != NULL)
			check_has(cases[i].name, out.data, cases[i].says);
		else
			check_true(cases[i].name,
			    strstr(out.data, "was lowered") == NULL);
	}
	buf_free(&out);
}

/* Mail to a contact behind the gateway that fails waits as well. */
static void
test_tell(void **state)
{
	static const struct {
		const char *contact;
		enum fault fault;
		bool waits;
	} cases[] = {
	    {"it@acme.example", FAULT_EXPIRED, true},
	    {"Joe Doe <it@ACME.example>, or 555", FAULT_EXPIRED, true},
	    {"it@acme.example", FAULT_OK, false},
	    {"it@acme.example.org", FAULT_EXPIRED, false},
	    {"it@hosting.example", FAULT_EXPIRED, false},
	    {"telephone 555", FAULT_EXPIRED, false},
	    {NULL, FAULT_EXPIRED, false},
	};
	struct step_gateway g = {.nexthop = "acme.example"};
	struct partner acme = {.name = "acme"};
	const struct ctl_facts f = {
	    .name = "acme", .partner = &acme, .step = &g, .n = 1};
	const char *name;
	struct buf out = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		acme.contact = cases[i].contact;
		g.fault = cases[i].fault;
		name = acme.contact == NULL ? "none" : acme.contact;
		buf_clear(&out);
		ctlprint_tell(&f, &out);
		check_has(name, out.data, "; for the words: tlspact-probe");
		check_true(name,
		    (strstr(out.data, "(that mail would wait too: telephone, "
				      "or from elsewhere)") != NULL) ==
			cases[i].waits);
	}
	buf_free(&out);
}

/* Of one that is lowered: that it is not needed any more comes first. */
static void
test_mended(void **state)
{
	static const struct {
		const char *name;
		enum fault fault;
		bool direction;
		const char *says, *says_not;
	} cases[] = {
	    {"it fails still", FAULT_EXPIRED, false,
		"next        back to secure at 01:00\n"
		"  next        to restore now: tlspactctl restore acme; "
		"longer:",
		"pass as agreed"},
	    {"mended", FAULT_OK, false,
		"next        tlspactctl restore acme: its gateways pass as "
		"agreed\n              else back to secure at 01:00\n",
		"extend"},
	    {"mail from them", FAULT_OK, true,
		"next        their mail needs TLS again at 01:00",
		"pass as agreed"},
	};
	struct step_gateway g = {.nexthop = "acme.example",
	    .host = "mx1.acme.example",
	    .address = "",
	    .key = ""};
	struct evidence_gateway seen = {.key = ""};
	enum ctl_basis basis = CTL_BY_MAP;
	struct buf out = {0};
	struct ctl_facts f;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		g.fault = cases[i].fault;
		f = (struct ctl_facts){.name = "acme",
		    .full = LEVEL_SECURE,
		    .judged = LEVEL_SECURE,
		    .in_map = true,
		    .map_level = LEVEL_ENCRYPT,
		    .low = {.rows = 1,
			.level = LEVEL_ENCRYPT,
			.full = LEVEL_SECURE,
			.direction = cases[i].direction,
			.end = NOW + HOUR},
		    .lowered = {.id = 1,
			.before = LEVEL_SECURE,
			.after = LEVEL_ENCRYPT,
			.direction = cases[i].direction,
			.begin = NOW - HOUR,
			.end = NOW + HOUR,
			.reason = "",
			.ticket = "",
			.author = "root",
			.sudo_user = "",
			.extended_by = "",
			.fault = ""},
		    .step = &g,
		    .gateway = &seen,
		    .basis = &basis,
		    .n = 1,
		    .probed = NOW};
		buf_clear(&out);
		ctlstatus_one(&f, NULL, "", NOW, &out);
		check_has(cases[i].name, out.data, cases[i].says);
		check_true(
		    cases[i].name, strstr(out.data, cases[i].says_not) == NULL);
	}
	buf_free(&out);
}

/* What the map says comes first, whatever the ledger has. */
static void
test_status_by_map(void **state)
{
	static const struct {
		const char *name;
		size_t rows;	/* lowered in the map */
		time_t end;	/* of that */
		bool in_ledger; /* lowered until NOW + HOUR */
		const char *map_fault, *ledger_fault;
		bool lowered, wrong;
		const char *says, *says_not;
	} cases[] = {
	    {"neither", 0, 0, false, NULL, NULL, false, false,
		"not in the registry, at secure by the map\n", "lowered"},
	    {"both", 2, NOW + HOUR, true, NULL, NULL, true, true,
		", lowered to encrypt until 01:00 (1 h left)", "STILL"},
	    {"the map alone", 2, NOW + HOUR, false, NULL, NULL, true, true,
		"the ledger has no such downgrade", "nothing lowered"},
	    {"the ledger alone", 0, 0, true, NULL, NULL, false, false,
		"not in the registry, at secure by the map\n", ", lowered to"},
	    {"its end has passed", 2, NOW, false, NULL, NULL, true, true,
		", STILL LOWERED to encrypt, which ended at 00:00:00",
		"back to"},
	    {"no ledger", 2, NOW + HOUR, false, NULL, "damaged", true, true,
		"why         not known: the ledger cannot be read", "STILL"},
	    {"no map", 0, 0, true, "damaged", NULL, true, false,
		", lowered to encrypt until 01:00", "STILL"},
	};
	static const struct attributes attributes = {.mode = MODE_ENFORCED};
	static const struct partner acme = {
	    .name = "acme", .attributes = &attributes};
	struct buf out = {0};
	struct ctl_facts f;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		f = (struct ctl_facts){.name = "acme",
		    .full = LEVEL_SECURE,
		    .in_map = cases[i].map_fault == NULL,
		    .map_level =
			cases[i].rows > 0 ? LEVEL_ENCRYPT : LEVEL_SECURE,
		    .map_fault = cases[i].map_fault,
		    .ledger_fault = cases[i].ledger_fault,
		    .low = {.rows = cases[i].rows,
			.level = LEVEL_ENCRYPT,
			.full = LEVEL_SECURE,
			.end = cases[i].end}};
		if (cases[i].in_ledger)
			f.lowered = (struct ledger_downgrade){.id = 1,
			    .before = LEVEL_SECURE,
			    .after = LEVEL_ENCRYPT,
			    .begin = NOW - HOUR,
			    .end = NOW + HOUR,
			    .reason = "expired",
			    .ticket = "",
			    .author = "root",
			    .sudo_user = "",
			    .extended_by = "",
			    .fault = ""};
		buf_clear(&out);
		ctlstatus_one(&f, NULL, "us@ours.example", NOW, &out);
		check_has(cases[i].name, out.data, cases[i].says);
		/* No compile raises what the registry does not know. */
		if (cases[i].rows > 0)
			check_has(cases[i].name, out.data,
			    "of it; to raise them: tlspactctl restore acme\n");
		check_true(
		    cases[i].name, strstr(out.data, cases[i].says_not) == NULL);
		check_int(cases[i].name, ctl_facts_view(&f, NOW).lowered,
		    cases[i].lowered);
		check_int(cases[i].name, ctl_facts_view(&f, NOW).wrong,
		    cases[i].wrong);
		/* One that is in the registry may be lowered in time. */
		f.partner = &acme;
		check_int(cases[i].name, ctl_facts_view(&f, NOW).wrong,
		    cases[i].rows > 0 && cases[i].end <= NOW);
	}
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_returned),
	    cmocka_unit_test(test_calm),
	    cmocka_unit_test(test_mail),
	    cmocka_unit_test(test_was_lowered),
	    cmocka_unit_test(test_tell),
	    cmocka_unit_test(test_mended),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_status_by_map),
	};

	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	/* Words are looked for here, wherever lines would end. */
	assert_int_equal(setenv("COLUMNS", "1000", 1), 0);
	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
