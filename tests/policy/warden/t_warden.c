/* The warden: what it decides, tells, and leaves to its calls. */
#include "wardenlab.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "ledger_rename.h"
#include "mapbuild.h"
#include "mapevent.h"

/* What tlspact-compile would do. */
static void
write_map(time_t now)
{
	static const struct mapbuild_options opt = {.quiet = true};
	struct mapbuild b = {0};

	assert_int_equal(mapbuild_run(&b, &set, &opt, now), 0);
	mapbuild_release(&b);
}

/* From the failure to the end, with the same key. */
static void
test_story(void **state)
{
	(void)state;
	all_well();
	failure("acme", "expired", "A1", T0 + 10);
	warden_tick(k, T0 + 10);
	check_str("one", did(), "");
	warden_tick(k, T0 + 11);
	check_str("not counted twice", did(), "");
	failure("acme", "untrusted-issuer", "A2", T0 + 12);
	warden_tick(k, T0 + 12);
	check_str("two", did(), "probe acme;probe globex;");
	shows("acme", "expired", KEY_A, T0 + 12, T0 - 5);
	shows("globex", "ok", KEY_B, T0 + 12, T0 + 90 * 86400);
	probed("acme", T0 + 12);
	check_str("the control is out", did(), "");
	probed("globex", T0 + 12);
	warden_tick(k, T0 + 12);
	check_str("lowered", did(),
	    "compile;send postmaster@ours.example it@partners.example;");
	check_has("json", letter_json, "\"kind\":\"lowered\"");
	check_has("json", letter_json, "\"level_after\":\"key\"");
	check_has("ours", letter_text[0], "tlspactctl restore acme");
	check_has("from", letter_text[1], "\nFrom: postmaster@ours.example\n");
	check_true(
	    "theirs", strstr(letter_text[1], "tlspactctl restore") == NULL);
	compiled(NULL, T0 + 13);
	check_str("flushed once the map is there", did(), "flush acme;");
	(void)send_all(T0 + 13);
	(void)did();
	write_map(T0 + 13);
	warden_tick(k, T0 + 200);
	check_str("nothing yet", did(), "");
	warden_tick(k, T0 + 250);
	check_has("near", letter_json, "\"kind\":\"end-near\"");
	check_has("still", letter_json, "\"still\":true");
	(void)send_all(T0 + 251);
	(void)did();
	warden_tick(k, T0 + 12 + 300);
	check_str("the end", did(), "compile;");
	warden_tick(k, T0 + 12 + 310);
	check_str("nobody is told before the map says so", did(), "");
	write_map(T0 + 322);
	compiled(NULL, T0 + 323);
	warden_tick(k, T0 + 323);
	check_has("told", letter_json, "\"kind\":\"restored\"");
	(void)send_all(T0 + 324);
}

/* What Postfix 3.11 does to mail that demands REQUIRETLS is told. */
static void
test_requiretls(void **state)
{
	static const struct {
		const char *version, *key, *want;
		bool told;
	} rows[] = {{"3.11.1", KEY_B, "true", true},
	    {"3.10.4", KEY_B, "false", false},
	    {"3.11.1", KEY_A, "false", false}};
	char want[40];
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		free(set.postfix_version);
		set.postfix_version = mem_dup(rows[i].version);
		all_well();
		lower_acme("expired", rows[i].key);
		(void)snprintf(want, sizeof(want), "requiretls_returned\":%s",
		    rows[i].want);
		check_has("json", letter_json, want);
		check_int("text", strstr(letter_text[0], "REQUIRETLS") != NULL,
		    rows[i].told);
		(void)send_all(T0 + 20);
	}
}

/* An operator without a domain is a sender, too: Postfix adds it. */
static void
test_sender(void **state)
{
	(void)state;
	free(set.operator_);
	set.operator_ = mem_dup("jane");
	all_well();
	lower_acme("expired", KEY_A);
	check_has("to us", letter_text[0], "\nFrom: jane\n");
	check_has("to the partner", letter_text[1], "\nFrom: jane\n");
}

/* Killed right after the ledger was written: the rest is made up for. */
static void
test_crash(void **state)
{
	struct open o;

	(void)state;
	all_well();
	lower_acme("expired", KEY_A);
	warden_free(k);
	(void)did();
	o = lows();
	check_int("one", o.open, 1);
	check_str("step", o.after, "key");
	check_str("the pin is the key that passed", o.keys, KEY_A);
	start(T0 + 20);
	check_has("the map first", did(), "compile;");
	compiled(NULL, T0 + 21);
	check_has("then the mail", did(), "flush acme;");
	check_int("not lowered again", lows().all, 1);
	check_int("one notice", send_all(T0 + 22), 1);
	warden_free(k);
	start(T0 + 30);
	check_int("and no second one", send_all(T0 + 30), 0);
	check_int("still one", lows().all, 1);
	warden_tick(k, T0 + 500);
	check_int("ended", lows().open, 0);
}

/* on-failure=hold: nothing but words. */
static void
test_hold(void **state)
{
	(void)state;
	all_well();
	failure("globex", "self-signed", "B1", T0 + 10);
	failure("globex", "self-signed", "B2", T0 + 11);
	warden_tick(k, T0 + 11);
	check_str("probe", did(), "probe globex;probe acme;");
	shows("globex", "self-signed", KEY_A, T0 + 11, T0 + 90 * 86400);
	probed("globex", T0 + 11);
	check_str("whose fault it is, is not known yet", did(), "");
	shows("acme", "ok", KEY_A, T0 + 11, T0 + 90 * 86400);
	probed("acme", T0 + 11);
	warden_tick(k, T0 + 12);
	check_has("told", did(), "send postmaster@ours.example");
	check_has("held", letter_json, "\"kind\":\"held\"");
	check_int("nobody lowered", lows().all, 0);
	(void)send_all(T0 + 12);
	/* The look of somebody else passes. */
	shows("globex", "ok", KEY_B, T0 + 100, T0 + 90 * 86400);
	warden_tick(k, T0 + 101);
	warden_tick(k, T0 + 106);
	warden_tick(k, T0 + 107);
	check_has("gone", letter_json, "\"kind\":\"fault-gone\"");
}

/* Our CA file or our clock is wrong: nobody is lowered, however many. */
static void
test_common(void **state)
{
	static const struct {
		const char *fault;
		unsigned partners;
		bool passed;
	} rows[] = {{"untrusted-issuer", 2, true},
	    {"untrusted-issuer", 6, true}, {"untrusted-issuer", 10, true},
	    {"expired", 2, true}, {"not-yet-valid", 6, true},
	    {"expired", 10, true}, {"untrusted-issuer", 2, false},
	    {"expired", 6, false}, {"expired", 10, false}};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		many_partners(rows[i].partners, rows[i].passed, 10);
		failure("p1", rows[i].fault, "A1", T0 + 10);
		failure("p1", rows[i].fault, "A2", T0 + 11);
		failure("p2", rows[i].fault, "A3", T0 + 40);
		failure("p2", rows[i].fault, "A4", T0 + 41);
		all_see(rows[i].fault, T0 + 11, T0 + 500);
		check_int("nobody lowered", lows().all, 0);
		check_has("held", done.data, "send postmaster@ours.example");
		check_int("no partner is told to mend his", told_contact, 0);
		/* Ours is mended. */
		all_see("ok", T0 + 501, T0 + 900);
		check_int("still nobody", lows().all, 0);
		check_int("nor that it passes", told_contact, 0);
	}
}

/* Ours is mended, and all are looked at: whose result is read first? */
static void
test_mended(void **state)
{
	static const char *const first[] = {"acme", "globex"};
	size_t i;

	for (i = 0; i < COUNT(first); i++) {
		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		all_well();
		failure("acme", "untrusted-issuer", "A1", T0 + 10);
		failure("acme", "untrusted-issuer", "A2", T0 + 11);
		all_see("untrusted-issuer", T0 + 11, T0 + 50);
		check_has("held", letter_json, "\"why\":\"common-cause\"");
		shows(first[i], "ok", KEY_A, T0 + 60, T0 + 90 * 86400);
		shows(first[1 - i], "ok", KEY_A, T0 + 60, T0 + 90 * 86400);
		all_see("ok", T0 + 60, T0 + 200);
		check_int("nobody lowered", lows().all, 0);
	}
}

/* Somebody answers for the MX name at an address of his own. */
static void
test_stranger(void **state)
{
	(void)state;
	all_well();
	failure("acme", "self-signed", "A1", T0 + 10);
	failure("acme", "self-signed", "A2", T0 + 11);
	warden_tick(k, T0 + 11);
	shows_at("192.0.2.66", "acme", "self-signed", KEY_B, T0 + 11,
	    T0 + 90 * 86400);
	shows("globex", "ok", KEY_B, T0 + 11, T0 + 90 * 86400);
	probed("acme", T0 + 11);
	probed("globex", T0 + 11);
	warden_tick(k, T0 + 12);
	check_int("nobody lowered", lows().all, 0);
	check_has("held", letter_json, "\"why\":\"stranger\"");
	check_true("and it is not offered either",
	    strstr(letter_text[0], "tlspactctl downgrade") == NULL);
	(void)send_all(T0 + 12);
	/* At the old place: as drop-to says. Then he comes. */
	shows("acme", "self-signed", KEY_B, T0 + 320, T0 + 90 * 86400);
	failure("acme", "self-signed", "A3", T0 + 318);
	failure("acme", "self-signed", "A4", T0 + 319);
	shows("globex", "ok", KEY_B, T0 + 320, T0 + 90 * 86400);
	warden_tick(k, T0 + 320);
	probed("acme", T0 + 320);
	probed("globex", T0 + 320);
	warden_tick(k, T0 + 321);
	check_str("lowered", lows().after, "encrypt");
	(void)send_all(T0 + 321);
	shows_at("192.0.2.66", "acme", "self-signed", KEY_A, T0 + 400,
	    T0 + 90 * 86400);
	warden_tick(k, T0 + 400);
	warden_tick(k, T0 + 404);
	warden_tick(k, T0 + 405);
	check_int("and raised", lows().open, 0);
	(void)send_all(T0 + 406);
	check_has("told", letter_json, "\"why\":\"stranger\"");
}

/* The compiler fails: told once a day, tried again, flushed in the end. */
static void
test_compiler(void **state)
{
	(void)state;
	all_well();
	lower_acme("self-signed", KEY_B);
	check_has("compile", did(), "compile;");
	check_str("step", lows().after, "encrypt");
	compiled("registry:3: nonsense", T0 + 12);
	(void)send_all(T0 + 12);
	check_has("told", letter_json, "\"kind\":\"map\"");
	check_has("why", letter_json, "nonsense");
	(void)did();
	warden_tick(k, T0 + 30);
	check_str("not at once", did(), "");
	warden_tick(k, T0 + 73);
	check_has("again", did(), "compile;");
	compiled("registry:3: nonsense", T0 + 74);
	check_int("not told again", send_all(T0 + 74), 0);
	warden_tick(k, T0 + 140);
	(void)did();
	compiled(NULL, T0 + 141);
	check_str("flush", did(), "flush acme;");
}

/* A notice that cannot be sent stays, and comes less and less often. */
static void
test_unsent(void **state)
{
	int64_t id;

	(void)state;
	all_well();
	lower_acme("self-signed", KEY_B);
	check_true("on its way", letter != 0);
	id = letter;
	letter = 0;
	letter_sent(id, "sendmail failed", T0 + 12);
	warden_tick(k, T0 + 40);
	check_int("not yet", letter, 0);
	warden_tick(k, T0 + 80);
	check_int("again", letter, id);
	letter = 0;
	letter_sent(id, "sendmail failed", T0 + 81);
	warden_tick(k, T0 + 145);
	check_int("later", letter, 0);
	warden_tick(k, T0 + 205);
	check_int("and again", letter, id);
	warden_free(k);
	letter = 0;
	start(T0 + 210);
	check_int("also by the next one", letter, id);
}

/* A slow sendmail: what happened first is told first. */
static void
test_order(void **state)
{
	int64_t first;
	int i;

	(void)state;
	all_well();
	lower_acme("expired", KEY_A);
	check_has("lowered", letter_json, "\"kind\":\"lowered\"");
	first = letter;
	letter = 0;
	compiled(NULL, T0 + 12);
	/* It takes its time, and fails; meanwhile the downgrade ends. */
	warden_tick(k, T0 + 250);
	warden_tick(k, T0 + 311);
	compiled(NULL, T0 + 311);
	letter_sent(first, "sendmail takes too long", T0 + 312);
	warden_tick(k, T0 + 313);
	warden_tick(k, T0 + 330);
	check_int("the end is not told before the begin", letter, 0);
	warden_tick(k, T0 + 373);
	check_int("the begin is tried again", letter, first);
	letter = 0;
	letter_sent(first, NULL, T0 + 374);
	warden_tick(k, T0 + 375);
	check_has("then the next", letter_json, "\"kind\":\"end-near\"");
	first = letter;
	letter = 0;
	/* This one cannot be sent at all: it gives way in the end. */
	for (i = 0; i < 100 && (letter == 0 || letter == first); i++) {
		if (letter == first || i == 0) {
			letter = 0;
			letter_sent(first, "no", T0 + 400 + i * 600);
		}
		warden_tick(k, T0 + 700 + i * 600);
	}
	check_true("not at once", i > 7);
	check_has("the newer one", letter_json, "\"kind\":\"restored\"");
}

/* What people do by hand is seen, and not taken for ours. */
static void
test_by_hand(void **state)
{
	struct ledger_downgrade d = {.partner = "acme",
	    .before = LEVEL_SECURE,
	    .after = LEVEL_ENCRYPT,
	    .begin = T0 + 5,
	    .end = T0 + 3600,
	    .reason = "by hand",
	    .author = "jo",
	    .cause = LEDGER_MANUAL};
	int64_t id;

	(void)state;
	all_well();
	well("begin", ledger_downgrade_begin(led, &d, T0 + 5, &id, &err));
	warden_tick(k, T0 + 6);
	check_str("nothing to do", did(), "");
	well("close",
	    ledger_downgrade_close(led, id, "jo", "enough", T0 + 60, &err));
	warden_tick(k, T0 + 61);
	warden_tick(k, T0 + 65);
	check_str("whoever restores looks first", did(), "");
	warden_tick(k, T0 + 71);
	warden_tick(k, T0 + 72);
	check_has("told", letter_json, "\"kind\":\"restored\"");
	check_has("why", letter_json, "\"why\":\"hand\"");
	check_has("the operator alone", did(), "send postmaster@ours.example;");
}

/* What is told of a restore goes by the look that came with it. */
static void
test_restored_look(void **state)
{
	static const struct {
		const char *name, *before, *after, *want;
	} rows[] = {
	    {"mended", "expired", "ok", "is back at secure\","},
	    {"broken", "ok", "name-mismatch",
		"is back at secure, but the fault is still there"},
	};
	struct ledger_downgrade d = lowering;
	int64_t id;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		all_well();
		shows("acme", rows[i].before, KEY_A, T0 + 1, T0 + 90 * 86400);
		d.begin = T0 + 5;
		d.end = T0 + 3600;
		well(rows[i].name,
		    ledger_downgrade_begin(led, &d, T0 + 5, &id, &err));
		warden_tick(k, T0 + 6);
		warden_tick(k, T0 + 12);
		well(rows[i].name,
		    ledger_downgrade_close(led, id, "jo", "", T0 + 60, &err));
		warden_tick(k, T0 + 60);
		shows("acme", rows[i].after, KEY_A, T0 + 61, T0 + 90 * 86400);
		warden_tick(k, T0 + 62);
		warden_tick(k, T0 + 63);
		warden_tick(k, T0 + 64);
		check_has(rows[i].name, letter_json, rows[i].want);
		if (i == 1)
			check_has(rows[i].name, letter_json,
			    "\"fault\":\"name-mismatch\"");
		(void)send_all(T0 + 65);
	}
}

/*
 * What ended while nobody looked: with the fault, if it is there, and only the
 * last end; not one that nobody could see begin.
 */
static void
test_ended_unseen(void **state)
{
	static const struct {
		const char *name, *fault;
		time_t seconds;
		int again;
		const char *want;
	} rows[] = {
	    {"it fails", "expired", 50, 0, "is back at secure, but the fault"},
	    {"it passes", "ok", 50, 0, "is back at secure\","},
	    {"twice", "ok", 50, 1, "is back at secure\","},
	    {"at once", "ok", 1, 0, NULL},
	};
	struct ledger_downgrade d = lowering;
	int64_t id;
	size_t i;
	int n;

	for (i = 0; i < COUNT(rows); i++) {
		time_t t = T0 + 10;

		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		all_well();
		shows("acme", rows[i].fault, KEY_A, T0 + 5, T0 + 90 * 86400);
		warden_free(k);
		for (n = 0; n <= rows[i].again; n++, t += 100) {
			d.begin = t;
			d.end = t + 3600;
			well(rows[i].name,
			    ledger_downgrade_begin(led, &d, t, &id, &err));
			well(rows[i].name, ledger_downgrade_close(led, id, "jo",
					       "", t + rows[i].seconds, &err));
		}
		start(T0 + 400);
		compiled(NULL, T0 + 400);
		if (rows[i].want != NULL)
			check_has(rows[i].name, letter_json, rows[i].want);
		check_int(
		    rows[i].name, send_all(T0 + 401), rows[i].want != NULL);
	}
}

/* Evidence that is not there yet, or not to be read, keeps nobody lowered. */
static void
test_no_evidence(void **state)
{
	struct ledger_downgrade d = {.partner = "acme",
	    .before = LEVEL_SECURE,
	    .after = LEVEL_ENCRYPT,
	    .begin = T0,
	    .end = T0 + 60,
	    .reason = "by hand",
	    .author = "jo",
	    .cause = LEDGER_MANUAL};
	int64_t id;

	(void)state;
	evidence_close(evi);
	evi = NULL;
	check_puts(seen, "no database, but long enough to be taken for one, "
			 "as it has more than a hundred bytes: neither more "
			 "nor less than that.");
	well("begin", ledger_downgrade_begin(led, &d, T0, &id, &err));
	start(T0 + 1);
	check_str("the map", did(), "compile;");
	compiled(NULL, T0 + 1);
	warden_tick(k, T0 + 61);
	check_has("the end", did(), "compile;");
	check_int("ended", lows().open, 0);
	compiled(NULL, T0 + 62);
	check_has("told", letter_json, "\"kind\":\"restored\"");
	(void)send_all(T0 + 62);
	/* Once it is there, what is new in it counts. */
	(void)unlink(seen);
	warden_tick(k, T0 + 80);
	evi = must_see(EVIDENCE_WRITE);
	(void)did();
	lower_acme("expired", KEY_A);
	check_has("failures are seen again", did(), "probe acme;");
}

/* Evidence that may only be read may be a copy: it is looked for again. */
static void
test_read_only(void **state)
{
	char *folder = check_path(dir, "seen");
	const uid_t nobody = geteuid() == 0 ? 65534 : (uid_t)-1;

	(void)state;
	/* Root writes there as the account whose folder it is. */
	assert_int_equal(chmod(dir, 0755) | mkdir(folder, 0755), 0);
	evidence_close(evi);
	free(seen);
	free(set.evidence);
	seen = check_path(folder, "evidence.db");
	set.evidence = mem_dup(seen);
	assert_int_equal(chown(folder, nobody, (gid_t)-1), 0);
	evi = must_see(EVIDENCE_WRITE);
	shows("acme", "ok", KEY_A, T0 - 3600, T0 + 90 * 86400);
	evidence_close(evi);
	/* Neither -wal nor -shm stays. */
	by_hand_in(seen, "PRAGMA journal_mode=DELETE; PRAGMA journal_mode=WAL");
	assert_int_equal(chmod(folder, 0555) | chmod(seen, 0444), 0);
	start(T0);
	compiled(NULL, T0);
	(void)did();
	assert_int_equal(chmod(folder, 0755) | chmod(seen, 0644), 0);
	evi = must_see(EVIDENCE_WRITE);
	warden_tick(k, T0 + 11);
	lower_acme("expired", KEY_A);
	check_has("failures are seen", did(), "probe acme;");
	free(folder);
}

/* What was written is seen by the stamps of the files. */
static void
stamp(const char *path, time_t t)
{
	const struct timespec ts[2] = {{.tv_sec = t}, {.tv_sec = t}};
	char *wal = mem_printf("%s-wal", path);

	assert_int_equal(utimensat(AT_FDCWD, path, ts, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, wal, ts, 0), 0);
	free(wal);
}

static void
test_stamps(void **state)
{
	(void)state;
	all_well();
	stamp(file, T0 - 100);
	stamp(seen, T0 - 100);
	warden_tick(k, T0 + 1);
	failure("acme", "expired", "A1", T0 + 2);
	failure("acme", "expired", "A2", T0 + 2);
	stamp(seen, T0 - 100); /* now the -wal is longer, no more */
	warden_tick(k, T0 + 2);
	check_str("the evidence is new", did(), "probe acme;probe globex;");
}

/* A downgrade that the ledger did not take is tried again. */
static void
test_not_taken(void **state)
{
	time_t t;

	(void)state;
	all_well();
	by_hand("CREATE TABLE kept AS SELECT * FROM head; DELETE FROM head");
	lower_acme("self-signed", KEY_B);
	check_int("not lowered", lows().all, 0);
	by_hand("INSERT INTO head SELECT * FROM kept; DROP TABLE kept");
	(void)did();
	warden_tick(k, T0 + 12);
	check_int("not at once", lows().all, 0);
	for (t = T0 + 13; t < T0 + 300 && lows().all == 0; t++) {
		if (t % 20 == 0)
			failure("acme", "self-signed", "A3", t);
		while (nasked > 0) {
			shows("acme", "self-signed", KEY_B, t, T0 + 86400 * 60);
			probed(asked[--nasked], t);
		}
		warden_tick(k, t);
	}
	check_int("then", lows().open, 1);
	check_has("and in the map", did(), "compile;");
}

/* Notices that were sent long ago are forgotten, others are not. */
static void
test_old_notices(void **state)
{
	struct ledger_notice n = {.key = "old",
	    .created = T0 - 1,
	    .not_before = T0 + 1,
	    .data = "{}"};

	(void)state;
	well("add", ledger_notice_add(led, &n, &err));
	well("sent", ledger_notice_sent(led, 1, T0 - 101 * 86400, &err));
	n.key = "new";
	well("add", ledger_notice_add(led, &n, &err));
	well("sent", ledger_notice_sent(led, 2, T0 - 99 * 86400, &err));
	start(T0);
	warden_tick(k, T0);
	check_int(
	    "one stays", ledger_notice_add(led, &n, &err), LEDGER_REFUSED);
	n.key = "old";
	n.not_before = T0 + 9999;
	well("the other went", ledger_notice_add(led, &n, &err));
}

/* Certificates that come to their end, a step at a time. */
static void
test_expiring(void **state)
{
	(void)state;
	shows("acme", "ok", KEY_A, T0 - 60, T0 + 20 * 86400);
	start(T0);
	warden_tick(k, T0 + 1);
	check_has("30 days", letter_json, "\"days\":30");
	check_int("once", send_all(T0 + 2), 1);
	warden_tick(k, T0 + 4000);
	check_int("not each hour", send_all(T0 + 4001), 0);
	warden_tick(k, T0 + 7 * 86400);
	warden_tick(k, T0 + 7 * 86400 + 1);
	check_has("14 days", letter_json, "\"days\":14");
}

/* Many new faults of one sweep are one event, and one notice. */
static void
test_many(void **state)
{
	static const char *const names[] = {"p1", "p2", "p3", "p4"};
	size_t i;

	(void)state;
	write_registry(
	    "default notify-contact=yes\n"
	    "partner p1 mode=enforced domain=p1.example contact=a@b.example\n"
	    "partner p2 mode=enforced domain=p2.example contact=a@b.example\n"
	    "partner p3 mode=enforced domain=p3.example contact=a@b.example\n"
	    "partner p4 mode=enforced domain=p4.example contact=a@b.example\n");
	for (i = 0; i < COUNT(names); i++)
		shows(names[i], "ok", KEY_A, T0 - 3600, T0 + 90 * 86400);
	all_well();
	for (i = 0; i < COUNT(names); i++)
		shows(names[i], "untrusted-issuer", KEY_A, T0 + 10,
		    T0 + 90 * 86400);
	warden_tick(k, T0 + 10);
	warden_tick(k, T0 + 14);
	check_int("they are collected", letter, 0);
	warden_tick(k, T0 + 30);
	warden_tick(k, T0 + 31);
	check_has("one for all", letter_json, "\"kind\":\"mass\"");
	check_has("names", letter_json, "\"p1\",\"p2\",\"p3\",\"p4\"");
	check_int("one", send_all(T0 + 32), 1);
	check_int("nobody lowered", lows().all, 0);
}

/* probe_every. */
static void
test_sweep(void **state)
{
	(void)state;
	set.probe_every = 600;
	all_well();
	warden_tick(k, T0 + 599);
	check_str("not yet", did(), "");
	warden_tick(k, T0 + 600);
	check_str("now", did(), "sweep;");
	warden_tick(k, T0 + 601);
	check_str("once", did(), "");
}

/* A registry that is no good: where, before anything is done. */
static void
test_bad_registry(void **state)
{
	(void)state;
	write_registry("partner p1 mode=nonsense domain=p1.example\n");
	k = warden_new(&set, &calls);
	check_int("no start", warden_start(k, T0, &err), -1);
	check_has("why", err.text, "/registry:9: mode \"nonsense\" is not one");
	check_has("there is more", err.text, "(error 1 of 1)");
}

/* A registry that is no good: the old one stays. */
static void
test_registry(void **state)
{
	(void)state;
	all_well();
	write_registry("partner p1 mode=nonsense domain=p1.example\n");
	warden_tick(k, T0 + 2);
	check_true("theirs", warden_is_theirs(k, "acme", "acme.example"));
	write_registry("partner p1 domain=p1.example,.p1.example\n");
	warden_tick(k, T0 + 4);
	check_true("new", warden_is_theirs(k, "p1", "sub.p1.example"));
	check_true("other", !warden_is_theirs(k, "p1", "acme.example"));
}

/* Cut, and refused or not compiled yet: who is in the map is watched. */
static void
test_cut(void **state)
{
	(void)state;
	set.opportunistic_level = OPPORTUNISTIC_MAY;
	write_map(T0 - 60);
	all_well();
	write_only("partner p1 domain=p1.example\n");
	warden_tick(k, T0 + 2);
	check_true("cut", warden_is_theirs(k, "acme", "acme.example"));
	check_true("new", warden_is_theirs(k, "p1", "p1.example"));
	write_only("");
	warden_tick(k, T0 + 4);
	check_true("empty", warden_is_theirs(k, "globex", "globex.example"));
}

static void
restart(time_t now)
{
	warden_free(k);
	start(now);
	compiled(NULL, now);
}

/* Three partners of that mode, compiled by somebody who agreed, or did not. */
static void
three(const char *mode, const char *agreed, time_t now)
{
	const struct mapbuild_options opt = {
	    .quiet = true, .accept_weaker = true, .agreed = agreed};
	struct mapbuild b = {0};
	struct buf text = {0};
	unsigned i;

	for (i = 1; i <= 3; i++)
		buf_printf(&text,
		    "partner p%u mode=%s domain=p%u.example gateway=x.example"
		    "\n",
		    i, mode, i);
	write_registry(text.data);
	assert_int_equal(mapbuild_run(&b, &set, &opt, now), 0);
	mapbuild_release(&b);
	buf_free(&text);
}

/* Many are enforced no more by a change that nobody agreed to: told once. */
static void
test_lost(void **state)
{
	(void)state;
	set.opportunistic_level = OPPORTUNISTIC_MAY;
	three("enforced", NULL, T0 - 90);
	three("opportunistic", MAPEVENT_EDIT, T0 - 80);
	three("enforced", NULL, T0 - 70);
	all_well();
	warden_tick(k, T0 + 1);
	check_int("nothing yet", send_all(T0 + 1), 0);
	three("opportunistic", NULL, T0 + 2);
	warden_tick(k, T0 + 3);
	check_has("told", letter_json, "\"kind\":\"lost\"");
	check_has("who", letter_json, "\"partners\":[\"p1\",\"p2\",\"p3\"]");
	check_has("how", letter_json,
	    "3 partners are Opportunistic, were Enforced, since ");
	check_has(
	    "the way back", letter_json, "tlspact-compile --lost p1 p2 p3");
	check_int("in one", send_all(T0 + 3), 1);
	restart(T0 + 4);
	warden_tick(k, T0 + 5);
	check_int("once", send_all(T0 + 5), 0);
	three("enforced", NULL, T0 + 6);
	three("opportunistic", MAPEVENT_EDIT, T0 + 7);
	warden_tick(k, T0 + 8);
	check_int("not as agreed", send_all(T0 + 8), 0);
}

/* A partner that is lowered gets another name: the downgrade goes on. */
static void
test_renamed(void **state)
{
	(void)state;
	all_well();
	lower_acme("expired", KEY_A);
	compiled(NULL, T0 + 11);
	(void)send_all(T0 + 11);
	(void)did();
	write_only("partner acme2 former=acme mode=enforced domain=acme.example"
		   "\n\tgateway=mx1.acme.example on-failure=drop\n"
		   "\tdrop-to=encrypt drop-after=2/1m drop-for=5m\n");
	warden_tick(k, T0 + 12);
	check_str("so far in the registry", did(), "");
	check_int("goes on", lows().open, 1);
	check_int("renamed",
	    ledger_rename(led, "acme", "acme2", "jo", T0 + 13, &err), 1);
	warden_tick(k, T0 + 14);
	check_str("in the record as well", did(), "");
	check_int("goes on", lows().open, 1);
	warden_tick(k, T0 + 11 + 290);
	check_has("near", letter_json, "\"kind\":\"end-near\"");
	check_has("by its new name", letter_json, "\"partner\":\"acme2\"");
	(void)did();
	warden_tick(k, T0 + 11 + 300);
	check_has("to its end", did(), "compile;");
	check_int("over", lows().open, 0);
}

/* As a registry of acme under that name. */
static void
named(const char *name, const char *former)
{
	char *text = mem_printf("partner %s %s%s mode=enforced"
				" domain=acme.example\n"
				"\tgateway=mx1.acme.example on-failure=drop\n"
				"\tdrop-to=encrypt drop-after=2/1m drop-for=5m"
				" contact=it@partners.example\n"
				"\tnotify-contact=yes\n",
	    name, *former == '\0' ? "" : "former=", former);

	write_only(text);
	free(text);
}

/* What people were told under the former name is not told again. */
static void
test_renamed_told(void **state)
{
	static const char *const rows[] = {"registry", "record", "no word"};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		all_well();
		lower_acme("expired", KEY_A);
		compiled(NULL, T0 + 11);
		check_int("lowered", send_all(T0 + 11), 1);
		warden_tick(k, T0 + 11 + 290);
		check_int("near", send_all(T0 + 11 + 290), 1);
		warden_tick(k, T0 + 11 + 300);
		compiled(NULL, T0 + 11 + 301);
		check_int("over", send_all(T0 + 11 + 301), 1);
		named("acme2", i == 2 ? "" : "acme");
		if (i > 0)
			check_int(rows[i],
			    ledger_rename(
				led, "acme", "acme2", "jo", T0 + 400, &err),
			    1);
		restart(T0 + 401);
		check_int(rows[i], send_all(T0 + 402), 0);
	}
}

/* A probe sees that of the gateway; and time goes on. */
static void
see_acme_as(const char *partner, const char *fault, time_t t)
{
	struct evidence_probe p = {.time = t,
	    .partner = partner,
	    .nexthop = "acme.example",
	    .host = "mx1.acme.example",
	    .address = "192.0.2.1",
	    .port = 25,
	    .fault = fault,
	    .key = KEY_A,
	    .not_after = T0 + 90 * 86400,
	    .judged =
		strcmp(fault, "ok") == 0 ? EVIDENCE_BY_CA : EVIDENCE_FAILED};
	static const time_t later[] = {0, 5, 30, 31};
	size_t i;

	well("probe", evidence_probe_add(evi, &p, NULL, &err));
	shows("globex", "ok", KEY_B, t, T0 + 90 * 86400);
	for (i = 0; i < COUNT(later); i++)
		warden_tick(k, t + later[i]);
}

/* The same of a fault that is there, and for which nobody was lowered. */
static void
test_renamed_fault(void **state)
{
	static const char *const rows[] = {
	    "registry", "record", "while it runs"};
	const time_t t = T0 + 100;
	size_t i;
	int n;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		all_well();
		see_acme_as("acme", "expired", t);
		check_has(rows[i], letter_json, "\"kind\":\"fault-new\"");
		check_int(rows[i], send_all(t + 50), 1);
		named("acme2", "acme");
		if (i > 0)
			check_int(rows[i],
			    ledger_rename(
				led, "acme", "acme2", "jo", t + 60, &err),
			    1);
		if (i < 2)
			restart(t + 70);
		else
			compiled(NULL, t + 70);
		/* Who opens it to write follows the record. */
		evidence_close(evi);
		evi = must_see(EVIDENCE_WRITE);
		for (n = 1; n <= 4; n++) {
			see_acme_as(i == 0 ? "acme" : "acme2",
			    i < 2 ? "expired" : "ok", t + 1000 * n);
			check_int(rows[i], send_all(t + 1000 * n + 50),
			    i == 2 && n == 3);
		}
		if (i == 2)
			check_has(rows[i], letter_json, "\"fault-gone\"");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WARDEN_TEST(test_story),
	    WARDEN_TEST(test_requiretls),
	    WARDEN_TEST(test_sender),
	    WARDEN_TEST(test_crash),
	    WARDEN_TEST(test_hold),
	    WARDEN_TEST(test_common),
	    WARDEN_TEST(test_mended),
	    WARDEN_TEST(test_stranger),
	    WARDEN_TEST(test_compiler),
	    WARDEN_TEST(test_unsent),
	    WARDEN_TEST(test_order),
	    WARDEN_TEST(test_by_hand),
	    WARDEN_TEST(test_restored_look),
	    WARDEN_TEST(test_ended_unseen),
	    WARDEN_TEST(test_no_evidence),
	    WARDEN_TEST(test_read_only),
	    WARDEN_TEST(test_not_taken),
	    WARDEN_TEST(test_old_notices),
	    WARDEN_TEST(test_stamps),
	    WARDEN_TEST(test_expiring),
	    WARDEN_TEST(test_many),
	    WARDEN_TEST(test_sweep),
	    WARDEN_TEST(test_bad_registry),
	    WARDEN_TEST(test_registry),
	    WARDEN_TEST(test_cut),
	    WARDEN_TEST(test_lost),
	    WARDEN_TEST(test_renamed),
	    WARDEN_TEST(test_renamed_told),
	    WARDEN_TEST(test_renamed_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
