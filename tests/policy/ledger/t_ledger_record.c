#include "ledgerlab.h"

#include "registry.h"

static bool
show_downgrade(const struct ledger_downgrade *d, void *arg)
{
	return gather(arg,
	    "%lld %s %s>%s +%lld +%lld %s/%s %s %s%s%s keys=%zu"
	    " closed=%lld %s %s\n",
	    (long long)d->id, d->partner, level_name(d->before),
	    level_name(d->after), (long long)(d->begin - T0),
	    (long long)(d->end - T0), d->author, d->sudo_user,
	    ledger_cause_name(d->cause), d->fault,
	    *d->extended_by == '\0' ? "" : " extended by ", d->extended_by,
	    d->nkeys, (long long)(d->closed == 0 ? 0 : d->closed - T0),
	    d->closed_by, d->closed_why);
}

static bool
show_event(const struct ledger_event *ev, void *arg)
{
	return gather(arg, "%lld +%lld %s %s %s: %s\n", (long long)ev->seq,
	    (long long)(ev->time - T0), ev->kind, ev->partner, ev->author,
	    ev->text);
}

static void
check_downgrades(
    const char *row, const char *partner, time_t at, const char *want)
{
	struct gathered g = {0};

	well(
	    row, ledger_downgrades(led, partner, at, show_downgrade, &g, &err));
	check_str(row, g.text, want);
}

static void
t_downgrade(void **state)
{
	struct ledger_downgrade d = lowering;
	struct gathered g = {0};
	int64_t id = 0, id2 = 0;

	(void)state;
	id = begun(&d, T0);
	check_int("id", id, 1);
	check_downgrades("as it is", NULL, 0,
	    "1 acme secure>encrypt +0 +3600 root/jo manual expired keys=0"
	    " closed=0  \n");
	check_int("again", ledger_downgrade_begin(led, &d, T0 + 1, &id2, &err),
	    LEDGER_REFUSED);
	check_int("again", err.code, 1);
	check_str("again", err.text,
	    "acme is lowered to encrypt already, from 2026-11-23T12:00:00Z "
	    "until 2026-11-23T13:00:00Z, by root for jo (downgrade 1): "
	    "expired certificate");
	d.partner = "globex";
	d.reason = "'); DELETE FROM downgrade; --";
	well("other", ledger_downgrade_begin(led, &d, T0 + 1, &id2, &err));
	well("extend", ledger_downgrade_extend(led, id, T0 + 7200, "ann",
			   "not yet renewed", T0 + 60, &err));
	check_downgrades("extended", "acme", T0 + 3600,
	    "1 acme secure>encrypt +0 +7200 root/jo manual expired extended by"
	    " ann keys=0 closed=0  \n");
	check_downgrades("before", NULL, T0 - 1, "");
	check_downgrades("at the end", "acme", T0 + 7200, "");
	well("close", ledger_downgrade_close(
			  led, id, "ann", "it passes again", T0 + 100, &err));
	check_downgrades("closed", "acme", 0,
	    "1 acme secure>encrypt +0 +7200 root/jo manual expired extended by"
	    " ann keys=0 closed=100 ann it passes again\n");
	check_downgrades("until then it held", "acme", T0 + 99,
	    "1 acme secure>encrypt +0 +7200 root/jo manual expired extended by"
	    " ann keys=0 closed=100 ann it passes again\n");
	check_downgrades("then no more", "acme", T0 + 100, "");
	check_int("twice",
	    ledger_downgrade_close(led, id, "ann", "", T0 + 101, &err),
	    LEDGER_REFUSED);
	check_has(
	    "twice", err.text, "has ended already, at 2026-11-23T12:01:4");
	check_int("extend",
	    ledger_downgrade_extend(
		led, id, T0 + 9000, "ann", "", T0 + 101, &err),
	    LEDGER_REFUSED);
	check_int(
	    "none", ledger_downgrade_close(led, 99, "ann", "", T0, &err), -1);
	check_int("none", err.code, EX_NOINPUT);
	check_int("ended",
	    ledger_downgrade_extend(
		led, id2, T0 + 9000, "ann", "", T0 + 3600, &err),
	    LEDGER_REFUSED);
	well("settle", ledger_downgrade_settle(led, T0 + 3600, &err));
	check_downgrades("settled", "globex", 0,
	    "2 globex secure>encrypt +0 +3600 root/jo manual expired keys=0"
	    " closed=3600 tlspact end\n");
	well("nothing more", ledger_downgrade_settle(led, T0 + 3601, &err));
	check_downgrades("the clock set back", "globex", T0 + 4000, "");
	well("events", ledger_events(led, &(struct ledger_event_query){0},
			   show_event, &g, &err));
	check_str("events", g.text,
	    "1 +0 downgrade-begin acme root: lowered from secure to encrypt "
	    "until 2026-11-23T13:00:00Z: expired certificate\n"
	    "2 +1 downgrade-begin globex root: lowered from secure to encrypt "
	    "until 2026-11-23T13:00:00Z: '); DELETE FROM downgrade; --\n"
	    "3 +60 downgrade-extend acme ann: ends 2026-11-23T14:00:00Z: not "
	    "yet renewed\n"
	    "4 +100 downgrade-close acme ann: it passes again\n"
	    "5 +3600 downgrade-end globex tlspact: its time was up at "
	    "2026-11-23T13:00:00Z\n");
}

static void
t_replace(void **state)
{
	struct ledger_downgrade d = lowering;
	const char *const keys[] = {KEY_A, KEY_B};
	int64_t id = 0, id2 = 0, id3 = 0;

	(void)state;
	d.after = LEVEL_KEY;
	d.keys = keys;
	d.nkeys = 2;
	id = begun(&d, T0);
	d.after = LEVEL_ENCRYPT;
	d.keys = NULL;
	d.nkeys = 0;
	d.replaces = id;
	d.cause = LEDGER_AUTOMATIC;
	well("replace", ledger_downgrade_begin(led, &d, T0 + 5, &id2, &err));
	check_downgrades("both", "acme", 0,
	    "2 acme secure>encrypt +0 +3600 root/jo automatic expired keys=0"
	    " closed=0  \n"
	    "1 acme secure>key +0 +3600 root/jo manual expired keys=2"
	    " closed=5 root another one takes its place\n");
	check_int("another is open",
	    ledger_downgrade_begin(led, &d, T0 + 6, &id3, &err),
	    LEDGER_REFUSED);
	/* One whose time is up is in nobody's way. */
	d.replaces = 0;
	d.begin = T0 + 3600;
	d.end = T0 + 7200;
	well("after", ledger_downgrade_begin(led, &d, T0 + 3600, &id3, &err));
	check_int("id", id3, 3);
	/* Nor does that of another partner give way. */
	d.partner = "globex";
	d.replaces = id3;
	(void)begun(&d, T0 + 3600);
	check_downgrades("another's", "acme", T0 + 3600,
	    "3 acme secure>encrypt +3600 +7200 root/jo automatic expired"
	    " keys=0 closed=0  \n");
}

/* Mail from them alone: no level falls, and any other takes its place. */
static void
t_let_in(void **state)
{
	struct ledger_downgrade d = lowering;
	struct ledger_believed o;
	int64_t id = 0, id2 = 0;

	(void)state;
	d.direction = DIRECTION_INBOUND;
	check_int(
	    "a level", ledger_downgrade_begin(led, &d, T0, &id, &err), -1);
	d.before = d.after = LEVEL_KEY; /* and no key is pinned */
	d.direction = DIRECTION_CERTIFICATE;
	id = begun(&d, T0);
	check_int("once", ledger_downgrade_begin(led, &d, T0, &id2, &err),
	    LEDGER_REFUSED);
	check_has("once", err.text, "lowered to no certificate inbound alrea");
	well("believed", ledger_believed(led, T0, 7200, &o, &err));
	check_int(
	    "over TLS alone", (int)o.v[0].d.direction, DIRECTION_CERTIFICATE);
	ledger_believed_release(&o);
	/* What lets in more takes its place; and nothing that of it. */
	d.direction = DIRECTION_INBOUND;
	id = begun(&d, T0);
	d.direction = DIRECTION_CERTIFICATE;
	check_int("not back", ledger_downgrade_begin(led, &d, T0, &id2, &err),
	    LEDGER_REFUSED);
	d.direction = DIRECTION_INBOUND;
	well("believed", ledger_believed(led, T0 + 1, 7200, &o, &err));
	check_int("one", o.n, 1);
	check_true("no doubt", o.v[0].doubt == NULL);
	check_true("of mail from them", o.v[0].d.direction);
	check_true("also its row", o.v[0].row.direction);
	ledger_believed_release(&o);
	check_int("once", ledger_downgrade_begin(led, &d, T0 + 2, &id2, &err),
	    LEDGER_REFUSED);
	check_has("once", err.text, "lowered to no TLS inbound already");
	d = lowering;
	well("both", ledger_downgrade_begin(led, &d, T0 + 5, &id2, &err));
	well("believed", ledger_believed(led, T0 + 6, 7200, &o, &err));
	check_int("one", o.n, 1);
	check_int("the other", o.v[0].d.id, id2);
	check_true("both", !o.v[0].d.direction);
	ledger_believed_release(&o);
	d.direction = DIRECTION_INBOUND;
	d.after = d.before;
	check_int("not back",
	    ledger_downgrade_begin(led, &d, T0 + 7, &id, &err), LEDGER_REFUSED);
	/* By hand it lets nobody's mail through that was not to be. */
	by_hand("UPDATE downgrade SET direction = 'inbound' WHERE id = 3");
	well("edited", ledger_believed(led, T0 + 8, 7200, &o, &err));
	check_has("edited", o.v[0].doubt, "its direction is not what");
	ledger_believed_release(&o);
}

static const char *const short_key[] = {"abc"};
#define DOWN(name, why, who, from, to, ...)                             \
	{                                                               \
		.partner = name, .before = LEVEL_SECURE, .reason = why, \
		.author = who, .begin = from, .end = to, __VA_ARGS__    \
	}
static const struct {
	const char *name;
	struct ledger_downgrade d;
	const char *bad;
} refused[] = {
    {"no partner", DOWN(NULL, "r", "a", T0, T0 + 1), "needs a partner"},
    {"no reason", DOWN("p", NULL, "a", T0, T0 + 1), "needs a reason"},
    {"no author", DOWN("p", "r", "", T0, T0 + 1), "needs an author"},
    {"no step", DOWN("p", "r", "a", T0, T0 + 1, .after = LEVEL_SECURE),
	"no downgrade"},
    {"no end", DOWN("p", "r", "a", T0, 0), "must lie ahead"},
    {"end is begin", DOWN("p", "r", "a", T0 + 5, T0 + 5), "must lie ahead"},
    {"end is now", DOWN("p", "r", "a", T0 - 5, T0), "must lie ahead"},
    {"end too far", DOWN("p", "r", "a", T0, INT64_MAX), "1970 to 9999"},
    {"no key", DOWN("p", "r", "a", T0, T0 + 1, .after = LEVEL_KEY),
	"needs a key"},
    {"a short key",
	DOWN("p", "r", "a", T0, T0 + 1, .after = LEVEL_KEY, .keys = short_key,
	    .nkeys = 1),
	"not a SHA-256"},
    {"fault", DOWN("p", "r", "a", T0, T0 + 1, .fault = "Not a word"),
	"not a word"},
    {"not UTF-8", DOWN("p", "\xff", "a", T0, T0 + 1), "not UTF-8"},
};

static void
t_refused(void **state)
{
	struct ledger_head head;
	int64_t id;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(refused); i++) {
		check_int(refused[i].name,
		    ledger_downgrade_begin(led, &refused[i].d, T0, &id, &err),
		    -1);
		check_int(refused[i].name, err.code, EX_DATAERR);
		check_has(refused[i].name, err.text, refused[i].bad);
	}
	well("head", ledger_head(led, &head, &err));
	check_int("nothing was written", head.count, 0);
	check_downgrades("nothing was written", NULL, 0, "");
}

/* The open ones at that time, by max_downgrade = 1 d, and the doubts. */
static void
believed_are(const char *row, time_t now, const char *want, const char *doubts)
{
	struct ledger_believed o;
	struct gathered g = {0}, d = {0};
	size_t i;

	well(row, ledger_believed(led, now, 86400, &o, &err));
	for (i = 0; i < o.n; i++)
		if (o.v[i].doubt == NULL)
			(void)gather(&g, "%lld %s %s; ", (long long)o.v[i].d.id,
			    o.v[i].d.partner, level_name(o.v[i].d.level));
		else
			(void)gather(&d, "%s; ", o.v[i].doubt);
	check_str(row, g.text, want);
	check_has(row, d.text, doubts);
	check_int(row, *doubts == '\0', *d.text == '\0');
	ledger_believed_release(&o);
}

static void
t_downgrades(void **state)
{
	static const char *const domains[] = {"b.example", ".a.example"};
	struct ledger_downgrade d = lowering;
	struct ledger_believed o;

	(void)state;
	believed_are("none", T0, "", "");
	(void)begun(&d, T0);
	d.partner = "globex";
	pin(&d);
	d.begin = T0 + 100;
	d.domains = domains;
	d.ndomains = 2;
	(void)begun(&d, T0);
	believed_are("both", T0, "1 acme encrypt; 2 globex key; ", "");
	well("read", ledger_believed(led, T0, 86400, &o, &err));
	check_int("end", o.v[0].d.end, T0 + 3600);
	check_int("begins", o.v[1].d.begin, T0 + 100);
	check_int("keys", o.v[1].d.key->n, 1);
	check_str("as Postfix writes it", o.v[1].d.key->v[0],
	    "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA"
	    ":AA:AA:AA:AA:AA:AA:AA:AA:AA:A1");
	check_int("all domains", o.v[0].d.domains == NULL, 1);
	check_int("these only", o.v[1].d.domains->n, 2);
	check_int("one", downgrade_covers(&o.v[1].d, ".a.example"), 1);
	check_int("another", downgrade_covers(&o.v[1].d, "b.example"), 1);
	check_int("no other", downgrade_covers(&o.v[1].d, "a.example"), 0);
	ledger_believed_release(&o);
	believed_are("at the end none", T0 + 3600, "", "");
}

/* Rows as somebody with sqlite3(1) leaves them: none of them lowers anybody. */
static void
t_believed_doubted(void **state)
{
	static const struct {
		const char *name, *sql, *doubt;
	} cases[] = {
	    {"no end", "UPDATE downgrade SET end = 4102444800 WHERE id = 1",
		"its end is not what"},
	    {"weaker",
		"UPDATE downgrade SET after = 'opportunistic'"
		" WHERE id = 1",
		"its after is not what"},
	    {"no level", "UPDATE downgrade SET after = 'none' WHERE id = 1",
		"its after is not what"},
	    {"another partner",
		"UPDATE downgrade SET partner = 'bank' WHERE id = 1",
		"downgrade 1 of \"bank\" is not believed: its partner"},
	    {"later", "UPDATE downgrade SET begin = begin + 60 WHERE id = 1",
		"its begin is not"},
	    {"before", "UPDATE downgrade SET before = 'key' WHERE id = 1",
		"its before is not"},
	    {"more domains",
		"UPDATE downgrade SET domains = 'bank.example' WHERE id = 1",
		"its domains is not"},
	    {"its author", "UPDATE downgrade SET author = 'jo' WHERE id = 1",
		"its author is not"},
	    {"opened anew",
		"UPDATE downgrade SET closed = 0, closed_by = '',"
		" closed_why = '' WHERE id = 3",
		"downgrade 3 of \"soft\" is not believed: its closed"},
	    {"event without data",
		"UPDATE event SET data = '' WHERE downgrade = 1",
		"is not what the last event"},
	    {"no event", "DELETE FROM event WHERE downgrade = 1",
		"no event tells of it"},
	    {"a row with nothing",
		"INSERT INTO downgrade(partner, before, after, begin, end,"
		" reason, ticket, author, sudo_user, cause, fault, keys)"
		" VALUES('bank', 'secure', 'opportunistic', 1795435200,"
		" 4102444800, 'x', '', 'x', '', 'manual', '', '')",
		"downgrade 4 of \"bank\" is not believed: no event"},
	    {"another's key",
		"UPDATE downgrade SET keys = '" KEY_B "'"
		" WHERE id = 2",
		"downgrade 2 of \"globex\" is not believed: its keys"},
	};
	struct ledger_downgrade d;
	size_t i;
	int64_t id;

	for (i = 0; i < COUNT(cases); i++) {
		d = lowering;
		id = begun(&d, T0);
		d.partner = "globex";
		pin(&d);
		id = begun(&d, T0);
		d.partner = "soft";
		id = begun(&d, T0);
		well("close",
		    ledger_downgrade_close(led, id, "me", "x", T0 + 1, &err));
		by_hand(cases[i].sql);
		believed_are(cases[i].name, T0 + 2,
		    strstr(cases[i].doubt, "globex") != NULL
			? "1 acme encrypt; "
		    : strstr(cases[i].sql, "INTO") != NULL ||
			    strstr(cases[i].sql, "id = 3") != NULL
			? "1 acme encrypt; 2 globex key; "
			: "2 globex key; ",
		    cases[i].doubt);
		(void)teardown(state);
		(void)setup(state);
	}
}

/* Keys that a hand wrote into row and event alike. */
static void
t_believed_keys(void **state)
{
	static const struct {
		const char *name, *keys, *doubt;
	} rows[] = {
	    {"blanks are no keys", "'  ' || keys || ' '", ""},
	    {"none", "''", "it pins no key"},
	    {"no key", "'abc'", "\"abc\" is not a SHA-256"},
	};
	struct ledger_downgrade d = lowering;
	struct ledger_believed o;
	char sql[256];
	size_t i;

	pin(&d);
	for (i = 0; i < COUNT(rows); i++) {
		(void)begun(&d, T0);
		(void)snprintf(sql, sizeof(sql),
		    "UPDATE downgrade SET keys = %s; UPDATE event SET data ="
		    " json_set(data, '$.keys', (SELECT keys FROM downgrade))",
		    rows[i].keys);
		by_hand(sql);
		believed_are(rows[i].name, T0,
		    *rows[i].doubt == '\0' ? "1 acme key; " : "",
		    rows[i].doubt);
		well(rows[i].name, ledger_believed(led, T0, 86400, &o, &err));
		if (*rows[i].doubt == '\0') {
			check_int("one key", o.v[0].d.key->n, 1);
			check_int("whole", strlen(o.v[0].d.key->v[0]), 95);
		}
		ledger_believed_release(&o);
		(void)teardown(state);
		(void)setup(state);
	}
}

/* The change that came after an edit vouches for the row as it is. */
static void
t_believed_washed(void **state)
{
	int64_t id = begun(&lowering, T0);

	(void)state;
	by_hand("UPDATE downgrade SET after = 'opportunistic'");
	well("extend", ledger_downgrade_extend(
			   led, id, T0 + 7200, "me", "x", T0 + 60, &err));
	believed_are(
	    "washed", T0 + 61, "", "it was edited by hand, as the record says");
}

/* The end is never further than max_downgrade from begin or extension. */
static void
t_believed_bounded(void **state)
{
	struct ledger_downgrade d = lowering;
	int64_t id;

	(void)state;
	d.end = T0 + 86400;
	id = begun(&d, T0);
	believed_are("a day", T0, "1 acme encrypt; ", "");
	well("extend", ledger_downgrade_extend(led, id, T0 + 50000 + 86400,
			   "me", "x", T0 + 50000, &err));
	believed_are("a day more", T0 + 50001, "1 acme encrypt; ", "");
	well("extend", ledger_downgrade_extend(led, id, T0 + 60001 + 86400,
			   "me", "x", T0 + 60000, &err));
	believed_are("a second too long", T0 + 60001, "",
	    "its end is further away than max_downgrade allows");
	d.partner = "globex";
	d.end = T0 + 86401;
	id = begun(&d, T0);
	believed_are("from the begin", T0 + 1, "", "downgrade 2");
}

/* Which times are taken for "now" beside the clock's own. */
static void
t_believed_clock(void **state)
{
	struct ledger_downgrade d = lowering;
	struct evidence_failure f = {.time = T0 + 5 * 86400,
	    .partner = "acme",
	    .direction = EVIDENCE_OUT,
	    .fault = "expired"};
	struct evidence_batch b = {.failure = &f, .nfailures = 1};

	(void)state;
	/* A log line, and an event, from before it: of another time. */
	well("log", evidence_log_add(evi, &b, &err));
	well("event", add_event("note", "", "", T0 + 5 * 86400));
	(void)begun(&d, T0);
	believed_are("it holds", T0, "1 acme encrypt; ", "");
	well("settle", ledger_downgrade_settle(led, T0, &err));
	believed_are("it still does", T0, "1 acme encrypt; ", "");
	/* A log line comes with any time. */
	f.time = T0 + 6 * 86400;
	well("log", evidence_log_add(evi, &b, &err));
	believed_are("and still", T0, "1 acme encrypt; ", "");
	/* By an event after its begin the clock was there already. */
	well("event", add_event("note", "", "", T0 + 3599));
	believed_are("not yet", T0 + 1, "1 acme encrypt; ", "");
	well("event", add_event("note", "", "", T0 + 3600));
	believed_are("its time had come", T0 + 1, "", "");
	d.partner = "globex";
	(void)begun(&d, T0 + 1);
	believed_are("a new one", T0 + 1, "2 globex encrypt; ", "");
	well("settle", ledger_downgrade_settle(led, T0 + 1, &err));
	check_downgrades("it is written down", "acme", 0,
	    "1 acme secure>encrypt +0 +3600 root/jo manual expired keys=0"
	    " closed=3600 tlspact end\n");
}

static void
t_is_open(void **state)
{
	static const struct {
		const char *name, *partner;
		int64_t id;
		time_t begin, by;
		int want;
	} cases[] = {
	    {"all said", "acme", 1, T0, 0, 1},
	    {"no begin", "acme", 1, 0, 0, 1},
	    {"another name now", "globex", 1, T0, 0, 1},
	    {"another's", "globex", 1, 0, 0, 0},
	    {"another begin", "acme", 1, T0 + 1, 0, 0},
	    {"another number", "acme", 2, T0, 0, 0},
	    {"no number", "acme", 0, 0, T0, 1},
	    {"begun later", "acme", 0, 0, T0 - 1, 0},
	};
	int64_t id, found;
	size_t i;

	(void)state;
	id = begun(&lowering, T0);
	for (i = 0; i < COUNT(cases); i++)
		check_int(cases[i].name,
		    ledger_downgrade_is_open(led, cases[i].partner, cases[i].id,
			cases[i].begin, cases[i].by, &found, &err),
		    cases[i].want);
	well("close", ledger_downgrade_close(led, id, "me", "x", T0, &err));
	check_int("closed",
	    ledger_downgrade_is_open(led, "acme", 1, T0, 0, &found, &err), 0);
}

/* A ledger of the version before: its rows say nothing of domains. */
static void
t_step_domains(void **state)
{
	size_t flaws;

	(void)state;
	(void)begun(&lowering, T0);
	ledger_close(led);
	by_hand("ALTER TABLE downgrade DROP COLUMN domains;"
		"ALTER TABLE downgrade DROP COLUMN direction;"
		"CREATE TABLE probe(x); CREATE TABLE gateway(x);"
		"CREATE TABLE chain(x); CREATE TABLE log_count(x);"
		"CREATE TABLE failure(x); CREATE TABLE failure_sum(x);"
		"CREATE TABLE position(x); PRAGMA user_version = 3");
	by_hand("UPDATE event SET data = json_remove(data, '$.domains',"
		" '$.direction')");
	led = must_open(file, LEDGER_WRITE);
	believed_are("it is believed", T0 + 1, "1 acme encrypt; ", "");
	well("check", ledger_check(led, NULL, NULL, NULL, NULL, &flaws, &err));
	/* The event was edited above; the row fits it all the same. */
	check_int("the row fits", flaws, 1);
	by_hand("UPDATE downgrade SET domains = 'x.example'");
	believed_are("not with domains", T0 + 1, "", "its domains");
}

/* As many as a large partner has, and no more than can be kept. */
static void
t_many_domains(void **state)
{
	static char name[65000][17];
	static const char *v[65000];
	struct ledger_downgrade d = lowering;
	struct ledger_believed o;
	int64_t id;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(v); i++) {
		(void)snprintf(name[i], sizeof(name[i]), "d%06zu.example", i);
		v[i] = name[i];
	}
	d.domains = v;
	d.ndomains = 60000;
	id = begun(&d, T0);
	well("read", ledger_believed(led, T0, 86400, &o, &err));
	check_int("all", o.v[0].d.domains->n, 60000);
	check_int("found", downgrade_covers(&o.v[0].d, v[59999]), 1);
	ledger_believed_release(&o);
	d.partner = "globex";
	d.ndomains = COUNT(v);
	for (i = 0; i < COUNT(v); i++)
		name[i][14] = 'x', name[i][15] = 'y';
	check_int(
	    "too many", ledger_downgrade_begin(led, &d, T0, &id, &err), -1);
	check_int("too many", err.code, EX_DATAERR);
}

static void
t_events(void **state)
{
	static const struct {
		const char *name;
		struct ledger_event_query q;
		const char *want;
	} cases[] = {
	    {"all", {0}, "1 2 3 4 5 6 "},
	    {"newest first", {.newest_first = true}, "6 5 4 3 2 1 "},
	    {"a partner", {.partner = "acme"}, "2 4 6 "},
	    {"a partner, the last",
		{.partner = "acme", .newest_first = true, .limit = 1}, "6 "},
	    {"a kind", {.kind = "notice"}, "3 6 "},
	    {"since", {.since = T0 + 4}, "4 5 6 "},
	    {"after", {.after = 4}, "5 6 "},
	    {"nobody", {.partner = "' OR 1 --"}, ""},
	};
	struct gathered g;
	char seq[64], *p, *q;
	size_t i;
	int n;

	(void)state;
	for (n = 1; n <= 6; n++)
		well("add", add_event(n % 3 == 0 ? "notice" : "map-compiled",
				n % 2 == 0 ? "acme" : "", "{\"n\":1}", T0 + n));
	check_int("own", add_event("downgrade-begin", "", "", T0), -1);
	check_has("own", err.text, "by the change itself");
	check_int("kind", add_event("No Word", "", "", T0), -1);
	check_int("json", add_event("notice", "", "{", T0), -1);
	check_int("array", add_event("notice", "", "[]", T0), -1);
	for (i = 0; i < COUNT(cases); i++) {
		g = (struct gathered){0};
		well(cases[i].name,
		    ledger_events(led, &cases[i].q, show_event, &g, &err));
		seq[0] = '\0';
		for (p = g.text; *p != '\0'; p = q + 1) {
			(void)strncat(seq, p, strcspn(p, " ") + 1);
			q = strchr(p, '\n');
		}
		check_str(cases[i].name, seq, cases[i].want);
	}
	g = (struct gathered){.stop_at = 2};
	well("stop", ledger_events(led, &cases[0].q, show_event, &g, &err));
	check_int("stop", g.n, 2);
}

/* Processes that lower one partner at the same moment: one wins. */
static void
t_two_at_once(void **state)
{
	struct ledger_downgrade d = lowering;
	int status, i, round, won;
	char go;
	int gate[2];
	pid_t pid[6];

	(void)state;
	/* No handle goes through a fork. */
	evidence_close(evi);
	evi = NULL;
	for (round = 0; round < 10; round++) {
		ledger_close(led);
		assert_int_equal(pipe(gate), 0);
		for (i = 0; i < (int)COUNT(pid); i++) {
			struct ledger *l;
			int64_t id;
			int rv;

			if ((pid[i] = fork()) != 0)
				continue;
			close(gate[1]);
			if ((l = ledger_open(file, LEDGER_WRITE, &err)) == NULL)
				_exit(9);
			if (read(gate[0], &go, 1) != 0)
				_exit(8);
			d.begin = T0 + round;
			rv = ledger_downgrade_begin(
			    l, &d, T0 + round, &id, &err);
			if (rv == LEDGER_REFUSED &&
			    strstr(err.text, "by root for jo") == NULL)
				_exit(7);
			ledger_close(l);
			_exit(rv == 0 ? 0 : rv == LEDGER_REFUSED ? 1 : 6);
		}
		close(gate[0]);
		close(gate[1]);
		for (i = won = 0; i < (int)COUNT(pid); i++) {
			assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
			assert_true(WIFEXITED(status));
			assert_in_range(WEXITSTATUS(status), 0, 1);
			won += WEXITSTATUS(status) == 0;
		}
		check_int("winners", won, 1);
		led = must_open(file, LEDGER_WRITE);
		well("close", ledger_downgrade_close(led, round + 1, "test", "",
				  T0 + round, &err));
	}
	check_finds("whole", NULL, NULL, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_downgrade),
	    CASE(t_replace),
	    CASE(t_let_in),
	    CASE(t_refused),
	    CASE(t_downgrades),
	    CASE(t_believed_doubted),
	    CASE(t_believed_keys),
	    CASE(t_believed_washed),
	    CASE(t_believed_bounded),
	    CASE(t_believed_clock),
	    CASE(t_is_open),
	    CASE(t_step_domains),
	    CASE(t_many_domains),
	    CASE(t_events),
	    CASE(t_two_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
