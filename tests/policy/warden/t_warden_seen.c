/* The warden: what it makes of the log, of probes and of the ledger. */
#include "wardenlab.h"

/* What was ours and is extended by hand is theirs: only its end ends it. */
static void
test_extended(void **state)
{
	static const struct {
		const char *author;
		bool restart;
		size_t open;
	} rows[] = {{"jo", false, 1}, {"jo", true, 1},
	    {WARDEN_AUTHOR, false, 0}, {WARDEN_AUTHOR, true, 0}};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		all_well();
		lower_acme("expired", KEY_A);
		compiled(NULL, T0 + 12);
		well("extend", ledger_downgrade_extend(led, 1, T0 + 900,
				   rows[i].author, "more", T0 + 20, &err));
		warden_tick(k, T0 + 21);
		if (rows[i].restart) {
			warden_free(k);
			start(T0 + 22);
		}
		shows("acme", "ok", KEY_A, T0 + 60, T0 + 90 * 86400);
		warden_tick(k, T0 + 60);
		warden_tick(k, T0 + 65);
		check_int("one look is not enough", lows().open, 1);
		shows("acme", "ok", KEY_A, T0 + 100, T0 + 90 * 86400);
		warden_tick(k, T0 + 100);
		warden_tick(k, T0 + 105);
		warden_tick(k, T0 + 106);
		check_int(rows[i].author, lows().open, rows[i].open);
		(void)send_all(T0 + 110);
		warden_tick(k, T0 + 901);
		check_int("the end", lows().open, 0);
		(void)send_all(T0 + 902);
	}
}

/* What is not TLS, and not there every time, is told at the third result. */
static void
test_not_tls(void **state)
{
	time_t t = T0 + 100;
	int i;

	(void)state;
	all_well();
	for (i = 1; i <= 3; i++, t += 1000) {
		shows("acme", "connect-timeout", "", t, 0);
		shows("globex", "ok", KEY_B, t, T0 + 90 * 86400);
		warden_tick(k, t);
		warden_tick(k, t + 5);
		warden_tick(k, t + 30);
		warden_tick(k, t + 31);
		check_int("told", letter != 0, i == 3);
	}
	check_has("as what", letter_json, "\"kind\":\"fault-new\"");
	(void)send_all(t);
	/* One of TLS at once. */
	shows("acme", "ok", KEY_A, t, T0 + 90 * 86400);
	warden_tick(k, t);
	warden_tick(k, t + 5);
	warden_tick(k, t + 6);
	(void)send_all(t + 7);
	shows("globex", "expired", KEY_B, t + 10, T0 + 90 * 86400);
	shows("acme", "ok", KEY_A, t + 10, T0 + 90 * 86400);
	warden_tick(k, t + 10);
	warden_tick(k, t + 14);
	warden_tick(k, t + 30);
	warden_tick(k, t + 31);
	check_has("at once", letter_json, "\"partner\":\"globex\"");
	(void)send_all(t + 32);
}

/* It is in the log, and the warden looks. */
static void
seen_mail(const char *partner, enum evidence_direction direction,
    const char *fault, const char *id, time_t t)
{
	char domain[64];
	struct evidence_count sent = {.day = "2026-11-23",
	    .partner = partner,
	    .direction = direction,
	    .seen = EVIDENCE_VERIFIED,
	    .result = "sent",
	    .n = 1};
	struct evidence_failure f = {.time = t,
	    .partner = partner,
	    .direction = direction,
	    .fault = fault,
	    .domain = domain,
	    .queue_id = id};
	struct evidence_batch b = {.count = &sent,
	    .ncounts = fault == NULL,
	    .failure = &f,
	    .nfailures = fault != NULL};

	(void)snprintf(domain, sizeof(domain), "%s.example", partner);
	well("log", evidence_log_add(evi, &b, &err));
	warden_tick(k, t);
}

/* What the log counts: mail that went clears what failed before, no more. */
static void
test_log(void **state)
{
	(void)state;
	all_well();
	warden_tick(k, T0 + 1);
	seen_mail("acme", EVIDENCE_IN, "no-starttls", "I1", T0 + 2);
	seen_mail("acme", EVIDENCE_IN, "no-starttls", "I2", T0 + 3);
	check_str("mail that comes in", did(), "");
	seen_mail("acme", EVIDENCE_OUT, "expired", "A1", T0 + 4);
	seen_mail("acme", EVIDENCE_IN, NULL, NULL, T0 + 10);
	seen_mail("acme", EVIDENCE_OUT, NULL, NULL, T0 + 20);
	seen_mail("acme", EVIDENCE_OUT, "expired", "A2", T0 + 30);
	check_str("one that went in between", did(), "");
	/* One that failed when the look before was over may be the later. */
	seen_mail("acme", EVIDENCE_OUT, NULL, NULL, T0 + 31);
	seen_mail("acme", EVIDENCE_OUT, "expired", "A3", T0 + 32);
	check_has("the failure stays", did(), "probe acme;");
	/* What comes in says nothing of what goes out. */
	shows("globex", "ok", KEY_B, T0 + 32, T0 + 90 * 86400);
	probed("globex", T0 + 33);
	seen_mail("globex", EVIDENCE_OUT, "expired", "B1", T0 + 40);
	seen_mail("globex", EVIDENCE_IN, NULL, NULL, T0 + 50);
	seen_mail("globex", EVIDENCE_IN, NULL, NULL, T0 + 60);
	seen_mail("globex", EVIDENCE_OUT, "expired", "B2", T0 + 61);
	check_has("both count", did(), "probe globex;");
}

/* With two domains nobody knows to which of them the mail went. */
static void
test_two_domains(void **state)
{
	(void)state;
	write_only("partner acme mode=enforced on-failure=drop drop-after=2/1m"
		   " domain=acme.example,acme.test contact=a@b.example "
		   "notify-contact=yes\n");
	shows("acme", "ok", KEY_A, T0 - 3600, T0 + 90 * 86400);
	start(T0);
	warden_tick(k, T0 + 1);
	seen_mail("acme", EVIDENCE_OUT, "expired", "A1", T0 + 4);
	seen_mail("acme", EVIDENCE_IN, NULL, NULL, T0 + 10);
	seen_mail("acme", EVIDENCE_OUT, NULL, NULL, T0 + 20);
	seen_mail("acme", EVIDENCE_OUT, "expired", "A2", T0 + 30);
	check_has("both count", did(), "probe acme;");
}

/* A mail to two recipients fails once; what is known stays known. */
static void
test_recipients(void **state)
{
	(void)state;
	all_well();
	failure("acme", "expired", "A1", T0 + 10);
	failure("acme", "expired", "A1", T0 + 10);
	warden_tick(k, T0 + 10);
	warden_tick(k, T0 + 20);
	check_str("one mail", did(), "");
	warden_free(k);
	start(T0 + 21);
	(void)did();
	compiled(NULL, T0 + 21);
	check_str("also after a start", did(), "");
	/* Nothing is lost if it begins anew. */
	assert_int_equal(warden_start(k, T0 + 22, &err), 0);
	failure("acme", "expired", "A2", T0 + 22);
	warden_tick(k, T0 + 23);
	check_has("another mail", did(), "probe acme;");
}

/* However many fail, each counts once. */
static void
test_many(void **state)
{
	static struct evidence_failure f[1200];
	static char id[1200][16];
	struct evidence_batch b = {.failure = f, .nfailures = COUNT(f)};
	size_t i;

	(void)state;
	all_well();
	failure("acme", "expired", "A1", T0 + 10);
	for (i = 0; i < COUNT(f); i++) {
		(void)snprintf(id[i], sizeof(id[i]), "B%zu", i);
		f[i] = (struct evidence_failure){.time = T0 + 10,
		    .partner = i % 2 == 0 ? "initech" : "hooli",
		    .direction = EVIDENCE_OUT,
		    .fault = "expired",
		    .domain = "mail.example",
		    .queue_id = id[i]};
	}
	well("failures", evidence_log_add(evi, &b, &err));
	warden_tick(k, T0 + 10);
	warden_tick(k, T0 + 20);
	check_str("one of acme", did(), "");
}

/* A look of ours is taken when it is complete, and as of its begin. */
static void
test_looks(void **state)
{
	(void)state;
	all_well();
	failure("globex", "expired", "B1", T0 + 4);
	failure("globex", "expired", "B2", T0 + 5);
	warden_tick(k, T0 + 5);
	check_str("acme is a control", did(), "probe globex;probe acme;");
	failure("acme", "expired", "A1", T0 + 10);
	failure("acme", "expired", "A2", T0 + 11);
	warden_tick(k, T0 + 11);
	check_str("it is being looked at", did(), "");
	shows("acme", "expired", KEY_A, T0 + 12, T0 - 5);
	warden_tick(k, T0 + 12);
	warden_tick(k, T0 + 17);
	warden_tick(k, T0 + 18);
	check_str("not complete", did(), "");
	probed("acme", T0 + 18);
	check_str("begun before the failure: once more", did(), "probe acme;");
	warden_tick(k, T0 + 19);
	check_int("so it says nothing", letter, 0);
	shows("acme", "expired", KEY_A, T0 + 19, T0 - 5);
	shows("globex", "ok", KEY_B, T0 + 19, T0 + 90 * 86400);
	probed("globex", T0 + 19);
	warden_tick(k, T0 + 24);
	check_int("nor while it is not complete", lows().all, 0);
	probed("acme", T0 + 24);
	check_str("begun before globex passed: again", did(), "probe acme;");
	shows("acme", "expired", KEY_A, T0 + 24, T0 - 5);
	probed("acme", T0 + 25);
	check_str("now", lows().after, "key");
	(void)send_all(T0 + 26);
}

/* A common cause that was told lasts over a restart. */
static void
test_mass_restart(void **state)
{
	static const char *const names[] = {"p1", "p2", "p3", "p4"};
	size_t i;

	(void)state;
	many_partners(6, true, 3);
	for (i = 0; i < COUNT(names); i++) {
		failure(names[i], "expired", "A1", T0 + 10);
		failure(names[i], "expired", "A2", T0 + 11);
	}
	warden_tick(k, T0 + 11);
	warden_tick(k, T0 + 12);
	check_has("told", letter_json, "\"kind\":\"mass\"");
	check_int("once", send_all(T0 + 12), 1);
	warden_free(k);
	start(T0 + 20);
	shows("p5", "expired", KEY_A, T0 + 21, T0 - 5);
	shows("p6", "ok", KEY_A, T0 + 21, T0 + 90 * 86400);
	warden_tick(k, T0 + 21);
	warden_tick(k, T0 + 25);
	warden_tick(k, T0 + 40);
	warden_tick(k, T0 + 41);
	check_int("a fifth one is of it", send_all(T0 + 41), 0);
}

/* Passing again is no news while it is lowered: the end will be. */
static void
test_gone_while_low(void **state)
{
	struct ledger_downgrade d = lowering;
	int64_t id;

	(void)state;
	all_well();
	shows("acme", "expired", KEY_A, T0 + 10, T0 - 5);
	shows("globex", "ok", KEY_B, T0 + 10, T0 + 90 * 86400);
	warden_tick(k, T0 + 10);
	warden_tick(k, T0 + 14);
	warden_tick(k, T0 + 30);
	warden_tick(k, T0 + 31);
	check_has("told", letter_json, "\"kind\":\"fault-new\"");
	(void)send_all(T0 + 31);
	d.begin = T0 + 40;
	well("low", ledger_downgrade_begin(led, &d, T0 + 40, &id, &err));
	warden_tick(k, T0 + 41);
	shows("acme", "ok", KEY_A, T0 + 50, T0 + 90 * 86400);
	warden_tick(k, T0 + 50);
	warden_tick(k, T0 + 55);
	warden_tick(k, T0 + 56);
	check_int("not told", send_all(T0 + 57), 0);
}

/* Postfix compares digests that are not ours: no key can be pinned. */
static void
test_no_pins(void **state)
{
	(void)state;
	free(set.fingerprint_digest);
	set.fingerprint_digest = mem_dup("sha1");
	all_well();
	lower_acme("expired", KEY_A);
	check_str("step", lows().after, "encrypt");
	(void)send_all(T0 + 12);
}

/* A row of the ledger that somebody has edited: no option of sendmail(1). */
static void
test_address(void **state)
{
	struct ledger_notice n = {.key = "x",
	    .created = T0,
	    .not_before = T0,
	    .data = "{\"kind\":\"held\",\"notice\":\"{}\",\"mail\":["
		    "{\"to\":[\"-oQ/tmp\"],\"text\":\"a\"},"
		    "{\"to\":[\"a@b.example\"],\"text\":\"b\"}]}"};

	(void)state;
	all_well();
	(void)did();
	well("add", ledger_notice_add(led, &n, &err));
	warden_tick(k, T0 + 6);
	check_str("the good one", did(), "send a@b.example;");
	(void)send_all(T0 + 7);
}

/*
 * What passed while nothing was asked of a certificate, as with verify=none,
 * is neither a key to pin nor a place to be known by.
 */
static void
test_judged(void **state)
{
	static const struct {
		enum evidence_judged by;
		const char *after;
	} rows[] = {{EVIDENCE_BY_NONE, ""}, {EVIDENCE_BY_CA, "key"},
	    {EVIDENCE_BY_DANE, "key"}, {EVIDENCE_BY_KEY, "key"}};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		ok_by = rows[i].by;
		shows("acme", "ok", KEY_A, T0 - 3600, T0 + 90 * 86400);
		ok_by = EVIDENCE_BY_CA;
		shows("globex", "ok", KEY_B, T0 - 3600, T0 + 90 * 86400);
		start(T0);
		compiled(NULL, T0);
		lower_acme("expired", KEY_A);
		warden_tick(k, T0 + 12);
		check_str("step", lows().after, rows[i].after);
		check_str("pin", lows().keys, *rows[i].after == 0 ? "" : KEY_A);
		if (*rows[i].after == 0)
			check_has("held", letter_json, "\"why\":\"stranger\"");
		(void)send_all(T0 + 13);
	}
}

/* One fault, and nobody passes: it may be ours, and so is that it is gone. */
static void
test_perhaps_ours(void **state)
{
	(void)state;
	many_partners(3, true, 10);
	shows("p1", "expired", KEY_A, T0 + 100, T0 - 5);
	warden_tick(k, T0 + 100);
	warden_tick(k, T0 + 104);
	warden_tick(k, T0 + 120);
	warden_tick(k, T0 + 121);
	check_has("told", letter_json, "\"kind\":\"fault-new\"");
	check_has("as such", letter_json, "\"why\":\"common-cause\"");
	check_has("with what to do", letter_text[0], "on our side");
	(void)send_all(T0 + 121);
	shows("p1", "ok", KEY_A, T0 + 200, T0 + 90 * 86400);
	warden_tick(k, T0 + 200);
	warden_tick(k, T0 + 204);
	warden_tick(k, T0 + 205);
	check_has("told", letter_json, "\"kind\":\"fault-gone\"");
	(void)send_all(T0 + 206);
	check_int("to us alone", told_contact, 0);
	/* Now p2 passes, and p1 fails: that is its own. */
	shows("p2", "ok", KEY_A, T0 + 300, T0 + 90 * 86400);
	shows("p1", "expired", KEY_A, T0 + 300, T0 - 5);
	warden_tick(k, T0 + 300);
	warden_tick(k, T0 + 304);
	warden_tick(k, T0 + 320);
	warden_tick(k, T0 + 321);
	(void)send_all(T0 + 321);
	check_int("to its contact", told_contact, 1);
}

/* Our prober fails for one partner: the others pass, and it is ours still. */
static void
test_local_error(void **state)
{
	time_t t = T0 + 100;
	int i;

	(void)state;
	all_well();
	for (i = 0; i < 3; i++, t += 1000) {
		shows("acme", "local-error", "", t, 0);
		shows("globex", "ok", KEY_B, t, T0 + 90 * 86400);
		warden_tick(k, t);
		warden_tick(k, t + 5);
		warden_tick(k, t + 30);
		warden_tick(k, t + 31);
	}
	check_has("told", letter_json, "\"fault\":\"local-error\"");
	check_int("once", send_all(t), 1);
	check_int("to us alone", told_contact, 0);
}

/* Letters to contacts while p1 shows that three times, and for a while. */
static unsigned
letters(const char *fault, time_t from, time_t until)
{
	time_t t, not_after = strcmp(fault, "ok") == 0 ? T0 + 90 * 86400 : from;
	unsigned had = told_contact;

	for (t = from; t < until; t += t < from + 90 ? 1 : 30) {
		if (t < from + 60 && (t - from) % 20 == 0) {
			shows("p2", "ok", KEY_A, t, T0 + 90 * 86400);
			shows("p1", fault, KEY_A, t, not_after);
		}
		warden_tick(k, t);
		(void)send_all(t);
	}
	return told_contact - had;
}

static void
notifies(const char *how)
{
	char *text = mem_printf(
	    "default { notify-contact = %s }\n"
	    "partner p1 mode=enforced domain=p1.example contact=a@b.example\n"
	    "partner p2 mode=enforced domain=p2.example\n",
	    how);

	write_only(text);
	free(text);
}

static void
anew(time_t now)
{
	warden_free(k);
	start(now);
	(void)did();
	compiled(NULL, now);
}

/* A fault that is over by then is not told to the contact, nor its end. */
static void
test_notify_contact(void **state)
{
	static const struct {
		const char *how, *later; /* later: the registry says this */
		time_t lasts;
		bool restart;
		unsigned at_once, then, end; /* letters to the contact */
	} rows[] = {{"no", NULL, 7200, false, 0, 0, 0},
	    {"yes", NULL, 600, false, 1, 0, 1},
	    {"after 1h", NULL, 600, false, 0, 0, 0},
	    {"after 1h", NULL, 600, true, 0, 0, 0},
	    {"after 1h", NULL, 7200, false, 0, 1, 1},
	    {"after 1h", NULL, 7200, true, 0, 1, 1},
	    {"after 1h", "no", 7200, true, 0, 0, 0}};
	char name[64];
	time_t t = T0 + 100;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		(void)snprintf(name, sizeof(name), "row %zu", i);
		notifies(rows[i].how);
		shows("p1", "ok", KEY_A, T0 - 3600, T0 + 90 * 86400);
		shows("p2", "ok", KEY_A, T0 - 3600, T0 + 90 * 86400);
		anew(T0);
		check_int(
		    name, letters("expired", t, t + 300), rows[i].at_once);
		check_has(name, did(), "send postmaster@ours.example");
		if (rows[i].later != NULL)
			notifies(rows[i].later);
		if (rows[i].restart)
			anew(t + 300);
		check_int(name, letters("expired", t + 301, t + rows[i].lasts),
		    rows[i].then);
		if (rows[i].restart)
			anew(t + rows[i].lasts);
		(void)did();
		check_int(name,
		    letters(
			"ok", t + rows[i].lasts + 1, t + rows[i].lasts + 4000),
		    rows[i].end);
		check_has(name, did(), "send postmaster@ours.example");
	}
}

/* The operator's letters do not wait behind those to the contact. */
static void
test_notify_order(void **state)
{
	(void)state;
	notifies("after 1h");
	shows("p1", "ok", KEY_A, T0 - 3600, T0 + 90 * 86400);
	shows("p2", "ok", KEY_A, T0 - 3600, T0 + 90 * 86400);
	anew(T0);
	check_int("none", letters("expired", T0 + 100, T0 + 300), 0);
	check_has("to the operator", letter_text[0], "(is told by us ");
	check_int("none", letters("ok", T0 + 301, T0 + 600), 0);
	check_has("its end", letter_json, "\"kind\":\"fault-gone\"");
	check_has("as it is", letter_text[0], "(was not told by us)");
	/* The next one lasts. */
	check_int("one", letters("expired", T0 + 1000, T0 + 5000), 1);
	check_has("to the contact", letter_text[0], "To: a@b.example");
}

/* Two at once, and nobody passes: one notice for both. */
static void
test_two_at_once(void **state)
{
	(void)state;
	many_partners(3, true, 10);
	shows("p1", "expired", KEY_A, T0 + 100, T0 - 5);
	shows("p2", "expired", KEY_A, T0 + 101, T0 - 5);
	warden_tick(k, T0 + 101);
	warden_tick(k, T0 + 105);
	warden_tick(k, T0 + 120);
	warden_tick(k, T0 + 121);
	check_has("one", letter_json, "\"kind\":\"mass\"");
	check_int("no more", send_all(T0 + 121), 1);
	check_int("to us alone", told_contact, 0);
}

/* Closed, and killed before that was told: told later, with the reason. */
static void
test_closed_why(void **state)
{
	static const struct {
		const char *author, *words, *want;
	} rows[] = {{WARDEN_AUTHOR, "two probes passed", "passed"},
	    {WARDEN_AUTHOR, "the registry no longer allows it", "rules"},
	    {WARDEN_AUTHOR, "the clock was set back behind its beginning",
		"clock"},
	    {WARDEN_AUTHOR, "a gateway answers that never passed a probe",
		"stranger"},
	    {"jo", "two probes passed", "hand"}};
	char want[40];
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		all_well();
		lower_acme("expired", KEY_A);
		(void)send_all(T0 + 12);
		warden_free(k);
		well("close", ledger_downgrade_close(led, 1, rows[i].author,
				  rows[i].words, T0 + 20, &err));
		start(T0 + 30);
		warden_tick(k, T0 + 31);
		(void)snprintf(
		    want, sizeof(want), "\"why\":\"%s\"", rows[i].want);
		check_has(rows[i].words, letter_json, want);
		(void)send_all(T0 + 32);
	}
}

/* What ends first of a chain, by its life; and only of what passed. */
static void
test_expiring(void **state)
{
	static const struct {
		const char *name, *fault;
		time_t life, left; /* days; life 0: no date stops mail */
		const char *want;
	} rows[] = {{"six days, fresh", "ok", 6, 5, NULL},
	    {"45 days, renewed at 15", "ok", 45, 14, NULL},
	    {"the same, forgotten", "ok", 45, 10, "\"days\":14"},
	    {"an intermediate", "ok", 1800, 4, "\"days\":7"},
	    {"a pin", "ok", 0, 4, NULL},
	    {"a stranger's", "self-signed", 90, 4, NULL}};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		all_well();
		life = rows[i].life * 86400;
		*letter_json = '\0';
		shows("acme", rows[i].fault, KEY_A, T0 + 5,
		    T0 + rows[i].left * 86400);
		warden_tick(k, T0 + 5);
		warden_tick(k, T0 + 9);
		warden_tick(k, T0 + 10);
		if (rows[i].want != NULL)
			check_has(rows[i].name, letter_json, rows[i].want);
		else
			check_true(rows[i].name, *letter_json == '\0');
	}
}

/* A look by somebody else, of which a letter says what it shows; then time. */
static void
look(char c, time_t t)
{
	shows("globex", "ok", KEY_B, t, T0 + 90 * 86400);
	shows("acme", c == 'p' ? "ok" : "no-starttls", c == 'p' ? KEY_A : "", t,
	    T0 + 90 * 86400);
	warden_tick(k, t);
	warden_tick(k, t + 4);
}

/* What we ask for when a look differs; the answers are letters, too. */
static void
answer(const char **answers, time_t t)
{
	while (nasked > 0) {
		nasked--;
		if (**answers == '\0')
			continue;
		shows("acme", *(*answers)++ == 'p' ? "ok" : "no-starttls",
		    KEY_A, t, T0 + 90 * 86400);
		probed("acme", t++);
	}
}

/*
 * By turns is one state and one notice, however often it comes and goes; and
 * over only when the last eight looks have passed.
 */
static void
test_turns(void **state)
{
	static const struct {
		const char *name, *looks; /* R: a restart */
		const char *answers;	  /* to what we ask for */
		const char *want;	  /* first letters of what is told */
	} rows[] = {
	    {"every other time", "fpfpfp", "pf", "t"},
	    {"and over a restart", "fpRfpfpRf", "pf", "t"},
	    {"half of the times", "fpffpppfpffp", "ffpf", "t"},
	    {"it is mended", "fpppppppp", "pfppp", "tg"},
	    {"and not before", "fpppppp", "pfpp", "t"},
	    {"once, and no more", "fpppp", "ppp", ""},
	    {"a plain fault", "ffff", "fff", "n"},
	    {"that is mended", "fffp", "fffpp", "ng"},
	    {"or seems to be", "fffppfp", "fffpf", "nt"},
	    {"all of it fails, later", "fpffffffff", "pf", "tn"},
	    {"nobody answers", "fppp", "", "ng"},
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		const char *c, *answers = rows[i].answers;
		char told[16] = "";
		time_t t = T0 + 100;

		if (i > 0) {
			(void)finish(state);
			(void)begin(state);
		}
		all_well();
		nasked = 0;
		for (c = rows[i].looks; *c != '\0'; c++) {
			if (*c == 'R') {
				warden_free(k);
				start(t);
				compiled(NULL, t);
				continue;
			}
			look(*c, t);
			answer(&answers, t + 5);
			warden_tick(k, t + 30);
			warden_tick(k, t + 31);
			while (letter != 0) {
				strcat(told,
				    strstr(letter_json, "\"by-turns\"")	   ? "t"
				    : strstr(letter_json, "\"fault-new\"") ? "n"
				    : strstr(letter_json, "\"fault-gone\"")
					? "g"
					: "?");
				letter_sent(letter, NULL, t + 32);
				letter = 0;
				warden_tick(k, t + 33);
			}
			t += 900;
		}
		check_str(rows[i].name, told, rows[i].want);
		check_int("nobody is lowered", lows().all, 0);
	}
}

/* What fails by turns goes through when it is tried again: nobody is lowered */
static void
test_turns_held(void **state)
{
	int i;

	(void)state;
	all_well();
	for (i = 0; i < 3; i++) {
		look(i % 2 == 0 ? 'f' : 'p', T0 + 100 + 900 * i);
		probed("acme", T0 + 105 + 900 * i);
	}
	warden_tick(k, T0 + 1930);
	(void)send_all(T0 + 1931);
	failure("acme", "no-starttls", "A1", T0 + 2000);
	failure("acme", "no-starttls", "A2", T0 + 2001);
	warden_tick(k, T0 + 2001);
	shows("acme", "no-starttls", "", T0 + 2001, 0);
	shows("globex", "ok", KEY_B, T0 + 2001, T0 + 90 * 86400);
	probed("globex", T0 + 2001);
	probed("acme", T0 + 2001);
	warden_tick(k, T0 + 2002);
	check_has("held", letter_json, "\"kind\":\"held\"");
	check_has("why", letter_json, "\"why\":\"by-turns\"");
	check_has("text", letter_text[0], "fail it by turns");
	check_int("nobody is lowered", lows().all, 0);
	(void)send_all(T0 + 2003);
}

/* A probe finds what mail fails by a moment later: lowered, and told once. */
static void
test_lowered_meanwhile(void **state)
{
	(void)state;
	all_well();
	shows("acme", "expired", KEY_A, T0 + 5, T0 - 5);
	shows("globex", "ok", KEY_B, T0 + 5, T0 + 90 * 86400);
	warden_tick(k, T0 + 5);
	warden_tick(k, T0 + 9);
	lower_acme("expired", KEY_A);
	/* That one was begun before: once more. */
	shows("acme", "expired", KEY_A, T0 + 12, T0 + 86400 * 60);
	probed("acme", T0 + 12);
	check_int("lowered", lows().open, 1);
	warden_tick(k, T0 + 12);
	check_int("told", send_all(T0 + 12), 1);
	warden_tick(k, T0 + 30);
	warden_tick(k, T0 + 31);
	check_int("once", send_all(T0 + 31), 0);
}

static void
waits(const char *kind, int i)
{
	char key[20], data[120];
	struct ledger_notice n = {
	    .key = key, .created = T0, .not_before = T0, .data = data};

	(void)snprintf(key, sizeof(key), "%s%d", kind, i);
	(void)snprintf(data, sizeof(data),
	    "{\"kind\":\"%s\",\"notice\":\"{\\\"%s\\\"}\",\"mail\":[]}", kind,
	    kind);
	well("add", ledger_notice_add(led, &n, &err));
}

/* So many in that time; all of them of that kind. */
static int
sent(time_t from, time_t to, const char *kind)
{
	int n = 0;
	time_t t;

	for (t = from; t < to; t += 10) {
		warden_tick(k, t);
		for (; letter != 0; n++) {
			int64_t id = letter;

			check_has("kind", letter_json, kind);
			letter = 0;
			letter_sent(id, NULL, t);
			warden_tick(k, t);
		}
	}
	return n;
}

/* 20 an hour; what is urgent overtakes those that wait, but not without end. */
static void
test_rate(void **state)
{
	int i;

	(void)state;
	all_well();
	for (i = 0; i < 50; i++)
		waits("held", i);
	check_int("an hour", sent(T0 + 10, T0 + 1000, "held"), 20);
	for (i = 0; i < 30; i++)
		waits("map", i);
	check_int("urgent", sent(T0 + 1000, T0 + 3600, "map"), 20);
	check_int("the next", sent(T0 + 3620, T0 + 3630, ""), 20 + 10);
	/* A clock that went back must not silence us. */
	check_int("back", sent(T0 + 100, T0 + 110, "held"), 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WARDEN_TEST(test_extended),
	    WARDEN_TEST(test_not_tls),
	    WARDEN_TEST(test_log),
	    WARDEN_TEST(test_two_domains),
	    WARDEN_TEST(test_recipients),
	    WARDEN_TEST(test_many),
	    WARDEN_TEST(test_looks),
	    WARDEN_TEST(test_mass_restart),
	    WARDEN_TEST(test_gone_while_low),
	    WARDEN_TEST(test_no_pins),
	    WARDEN_TEST(test_address),
	    WARDEN_TEST(test_judged),
	    WARDEN_TEST(test_perhaps_ours),
	    WARDEN_TEST(test_local_error),
	    WARDEN_TEST(test_notify_contact),
	    WARDEN_TEST(test_notify_order),
	    WARDEN_TEST(test_two_at_once),
	    WARDEN_TEST(test_closed_why),
	    WARDEN_TEST(test_expiring),
	    WARDEN_TEST(test_turns),
	    WARDEN_TEST(test_turns_held),
	    WARDEN_TEST(test_lowered_meanwhile),
	    WARDEN_TEST(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
