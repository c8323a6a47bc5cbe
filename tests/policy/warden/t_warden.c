/* The warden: what it decides, tells, and leaves to its calls. */
#include "wardenlab.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "mapbuild.h"

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
	warden_probed(k, "acme", T0 + 12);
	check_str("the control is out", did(), "");
	warden_probed(k, "globex", T0 + 12);
	warden_tick(k, T0 + 12);
	check_str("lowered", did(),
	    "compile;send postmaster@ours.example it@partners.example;");
	check_has("json", letter_json, "\"kind\":\"lowered\"");
	check_has("json", letter_json, "\"level_after\":\"key\"");
	check_has("ours", letter_text[0], "tlspactctl restore acme");
	check_has("from", letter_text[1], "\nFrom: postmaster@ours.example\n");
	check_true(
	    "theirs", strstr(letter_text[1], "tlspactctl restore") == NULL);
	warden_compiled(k, true, "", T0 + 13);
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
	warden_compiled(k, true, "", T0 + 323);
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
	warden_compiled(k, true, "", T0 + 21);
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
	warden_probed(k, "globex", T0 + 11);
	check_str("whose fault it is, is not known yet", did(), "");
	shows("acme", "ok", KEY_A, T0 + 11, T0 + 90 * 86400);
	warden_probed(k, "acme", T0 + 11);
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
	warden_probed(k, "acme", T0 + 11);
	warden_probed(k, "globex", T0 + 11);
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
	warden_probed(k, "acme", T0 + 320);
	warden_probed(k, "globex", T0 + 320);
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
	warden_compiled(k, false, "registry:3: nonsense", T0 + 12);
	(void)send_all(T0 + 12);
	check_has("told", letter_json, "\"kind\":\"map\"");
	check_has("why", letter_json, "nonsense");
	(void)did();
	warden_tick(k, T0 + 30);
	check_str("not at once", did(), "");
	warden_tick(k, T0 + 73);
	check_has("again", did(), "compile;");
	warden_compiled(k, false, "registry:3: nonsense", T0 + 74);
	check_int("not told again", send_all(T0 + 74), 0);
	warden_tick(k, T0 + 140);
	(void)did();
	warden_compiled(k, true, "", T0 + 141);
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
	warden_sent(k, id, "sendmail failed", T0 + 12);
	warden_tick(k, T0 + 40);
	check_int("not yet", letter, 0);
	warden_tick(k, T0 + 80);
	check_int("again", letter, id);
	letter = 0;
	warden_sent(k, id, "sendmail failed", T0 + 81);
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
	warden_compiled(k, true, "", T0 + 12);
	/* It takes its time, and fails; meanwhile the downgrade ends. */
	warden_tick(k, T0 + 250);
	warden_tick(k, T0 + 311);
	warden_compiled(k, true, "", T0 + 311);
	warden_sent(k, first, "sendmail takes too long", T0 + 312);
	warden_tick(k, T0 + 313);
	warden_tick(k, T0 + 330);
	check_int("the end is not told before the begin", letter, 0);
	warden_tick(k, T0 + 373);
	check_int("the begin is tried again", letter, first);
	letter = 0;
	warden_sent(k, first, NULL, T0 + 374);
	warden_tick(k, T0 + 375);
	check_has("then the next", letter_json, "\"kind\":\"end-near\"");
	first = letter;
	letter = 0;
	/* This one cannot be sent at all: it gives way in the end. */
	for (i = 0; i < 100 && (letter == 0 || letter == first); i++) {
		if (letter == first || i == 0) {
			letter = 0;
			warden_sent(k, first, "no", T0 + 400 + i * 600);
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
	warden_tick(k, T0 + 62);
	check_has("told", letter_json, "\"kind\":\"restored\"");
	check_has("why", letter_json, "\"why\":\"hand\"");
	check_has("the operator alone", did(), "send postmaster@ours.example;");
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
	warden_compiled(k, true, "", T0 + 1);
	warden_tick(k, T0 + 61);
	check_has("the end", did(), "compile;");
	check_int("ended", lows().open, 0);
	warden_compiled(k, true, "", T0 + 62);
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
			warden_probed(k, asked[--nasked], t);
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
	check_has("why", err.text, "/registry:7: mode \"nonsense\" is not one");
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
	    WARDEN_TEST(test_no_evidence),
	    WARDEN_TEST(test_not_taken),
	    WARDEN_TEST(test_old_notices),
	    WARDEN_TEST(test_stamps),
	    WARDEN_TEST(test_expiring),
	    WARDEN_TEST(test_many),
	    WARDEN_TEST(test_sweep),
	    WARDEN_TEST(test_bad_registry),
	    WARDEN_TEST(test_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
