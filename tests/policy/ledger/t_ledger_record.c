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
	well("begin", ledger_downgrade_begin(led, &d, T0, &id, &err));
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
	well("settle",
	    ledger_downgrade_settle(led, T0 + 3600, show_downgrade, &g, &err));
	check_str("settled", g.text,
	    "2 globex secure>encrypt +0 +3600 root/jo manual expired keys=0"
	    " closed=3600 tlspact end\n");
	g = (struct gathered){0};
	well("settle",
	    ledger_downgrade_settle(led, T0 + 3601, show_downgrade, &g, &err));
	check_int("nothing more", g.n, 0);
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
	well("begin", ledger_downgrade_begin(led, &d, T0, &id, &err));
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
}

static const char *const short_key[] = {"abc"};
static const struct {
	const char *name;
	struct ledger_downgrade d;
	const char *bad;
} refused[] = {
    {"no partner",
	{.before = 3, .begin = T0, .end = T0 + 1, .reason = "r", .author = "a"},
	"needs a partner"},
    {"no reason",
	{.partner = "p",
	    .before = 3,
	    .begin = T0,
	    .end = T0 + 1,
	    .author = "a"},
	"needs a reason"},
    {"no author",
	{.partner = "p",
	    .before = 3,
	    .begin = T0,
	    .end = T0 + 1,
	    .reason = "r",
	    .author = ""},
	"needs an author"},
    {"no step",
	{.partner = "p",
	    .before = 1,
	    .after = 1,
	    .begin = T0,
	    .end = T0 + 1,
	    .reason = "r",
	    .author = "a"},
	"no downgrade"},
    {"no end",
	{.partner = "p",
	    .before = 3,
	    .begin = T0,
	    .reason = "r",
	    .author = "a"},
	"must lie ahead"},
    {"end is now",
	{.partner = "p",
	    .before = 3,
	    .begin = T0 - 5,
	    .end = T0,
	    .reason = "r",
	    .author = "a"},
	"must lie ahead"},
    {"end too far",
	{.partner = "p",
	    .before = 3,
	    .begin = T0,
	    .end = INT64_MAX,
	    .reason = "r",
	    .author = "a"},
	"1970 to 9999"},
    {"no key",
	{.partner = "p",
	    .before = 3,
	    .after = LEVEL_KEY,
	    .begin = T0,
	    .end = T0 + 1,
	    .reason = "r",
	    .author = "a"},
	"needs a key"},
    {"a short key",
	{.partner = "p",
	    .before = 3,
	    .after = LEVEL_KEY,
	    .begin = T0,
	    .end = T0 + 1,
	    .reason = "r",
	    .author = "a",
	    .keys = short_key,
	    .nkeys = 1},
	"not a SHA-256"},
    {"fault",
	{.partner = "p",
	    .before = 3,
	    .begin = T0,
	    .end = T0 + 1,
	    .reason = "r",
	    .author = "a",
	    .fault = "Not a word"},
	"not a word"},
    {"not UTF-8",
	{.partner = "p",
	    .before = 3,
	    .begin = T0,
	    .end = T0 + 1,
	    .reason = "\xff",
	    .author = "a"},
	"not UTF-8"},
};

static void
t_refused(void **state)
{
	struct ledger_head head;
	int64_t id = 0;
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

static void
t_overrides(void **state)
{
	struct ledger_downgrade d = lowering;
	const char *const keys[] = {KEY_A};
	struct ledger_overrides o;
	char *none = check_path(dir, "none.db");
	int64_t id = 0;

	(void)state;
	well("missing", ledger_overrides_read(none, T0, &o, &err));
	check_int("missing", o.list.n, 0);
	well("begin", ledger_downgrade_begin(led, &d, T0, &id, &err));
	d.partner = "globex";
	d.after = LEVEL_KEY;
	d.begin = T0 + 100;
	d.keys = keys;
	d.nkeys = 1;
	well("begin", ledger_downgrade_begin(led, &d, T0, &id, &err));
	well("read", ledger_overrides_read(file, T0, &o, &err));
	check_int("both", o.list.n, 2);
	check_str("first", o.list.v[0].partner, "acme");
	check_int("level", o.list.v[0].level, LEVEL_ENCRYPT);
	check_int("end", o.list.v[0].end, T0 + 3600);
	check_str("second", o.list.v[1].partner, "globex");
	check_int("begins", o.list.v[1].begin, T0 + 100);
	check_int("keys", o.list.v[1].key->n, 1);
	check_str("as Postfix writes it", o.list.v[1].key->v[0],
	    "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA"
	    ":AA:AA:AA:AA:AA:AA:AA:AA:AA:A1");
	ledger_overrides_release(&o);
	well("read", ledger_overrides_read(file, T0 + 3600, &o, &err));
	check_int("at the end none", o.list.n, 0);
	ledger_overrides_release(&o);
	by_hand("UPDATE downgrade SET after = 'none' WHERE id = 1");
	check_int("a level that is none",
	    ledger_overrides_read(file, T0, &o, &err), -1);
	check_int("a level that is none", err.code, EX_DATAERR);
	by_hand("UPDATE downgrade SET after = 'encrypt' WHERE id = 1;"
		"UPDATE downgrade SET keys = 'x' WHERE id = 2");
	check_int(
	    "an edited key", ledger_overrides_read(file, T0, &o, &err), -1);
	by_hand("UPDATE downgrade SET keys = '' WHERE id = 2");
	check_int(
	    "a key removed", ledger_overrides_read(file, T0, &o, &err), -1);
	check_has("a key removed", err.text, "pins no key");
	free(none);
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
	for (round = 0; round < 10; round++) {
		/* No handle goes through a fork. */
		ledger_close(led);
		assert_int_equal(pipe(gate), 0);
		for (i = 0; i < (int)COUNT(pid); i++) {
			struct ledger *l;
			int64_t id = 0;
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
	    CASE(t_refused),
	    CASE(t_overrides),
	    CASE(t_events),
	    CASE(t_two_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
