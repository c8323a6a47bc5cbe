#include "ledgerlab.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

static bool
show_notice(const struct ledger_notice *n, void *arg)
{
	return gather(arg, "%lld %s %s tries %u\n", (long long)n->id, n->key,
	    n->data, n->tries);
}

static void
t_notices(void **state)
{
	struct ledger_notice n = {.key = "expiry/acme/14",
	    .created = T0,
	    .not_before = T0 + 10,
	    .data = "{}"};
	struct gathered g = {0};

	(void)state;
	well("add", ledger_notice_add(led, &n, &err));
	check_int("twice", ledger_notice_add(led, &n, &err), LEDGER_REFUSED);
	n.key = "held/acme";
	n.not_before = T0 + 5;
	well("add", ledger_notice_add(led, &n, &err));
	well("due", ledger_notices_due(led, T0 + 4, show_notice, &g, &err));
	check_int("not yet", g.n, 0);
	well("due", ledger_notices_due(led, T0 + 10, show_notice, &g, &err));
	check_str("due", g.text,
	    "3 held/acme {} tries 0\n1 expiry/acme/14 {} tries 0\n");
	well("failed", ledger_notice_failed(led, 3, T0 + 60, &err));
	well("sent", ledger_notice_sent(led, 1, T0 + 11, &err));
	check_int("sent twice", ledger_notice_sent(led, 1, T0 + 12, &err), -1);
	check_int("sent twice", err.code, EX_NOINPUT);
	g = (struct gathered){0};
	well("due", ledger_notices_due(led, T0 + 60, show_notice, &g, &err));
	check_str("again", g.text, "3 held/acme {} tries 1\n");
	n.key = "expiry/acme/14";
	check_int("sent, and not said again", ledger_notice_add(led, &n, &err),
	    LEDGER_REFUSED);
}

/* What waits of one partner is taken back, not what goes out or is another's.
 */
static void
t_notice_withdraw(void **state)
{
	struct ledger_notice n = {.key = "a",
	    .created = T0,
	    .not_before = T0,
	    .data = "{\"partner\":\"p\"}"};
	struct gathered g = {0};

	(void)state;
	well("add", ledger_notice_add(led, &n, &err));
	n.key = "b";
	well("add", ledger_notice_add(led, &n, &err));
	n.key = "c";
	well("add", ledger_notice_add(led, &n, &err));
	n.key = "d";
	n.data = "{\"partner\":\"q\"}";
	well("add", ledger_notice_add(led, &n, &err));
	check_int("none sent", ledger_notice_told(led, "p", T0, 0, &err), 0);
	check_int("on its way", ledger_notice_told(led, "p", T0, 2, &err), 1);
	well("sent", ledger_notice_sent(led, 1, T0, &err));
	check_int("sent", ledger_notice_told(led, "p", T0, 0, &err), 1);
	check_int("later", ledger_notice_told(led, "p", T0 + 1, 0, &err), 0);
	check_int("another", ledger_notice_told(led, "q", T0, 0, &err), 0);
	well("withdraw", ledger_notice_withdraw(led, "p", 2, &err));
	well("due", ledger_notices_due(led, T0, show_notice, &g, &err));
	check_str("due", g.text,
	    "2 b {\"partner\":\"p\"} tries 0\n"
	    "4 d {\"partner\":\"q\"} tries 0\n");
	n.key = "c";
	well("its key is free", ledger_notice_add(led, &n, &err));
}

/* Those of a partner stay in order; those of others do not wait for them. */
static void
t_notice_order(void **state)
{
	static const char acme[] = "{\"partner\":\"acme\"}";
	struct ledger_notice n = {
	    .key = "1", .created = T0, .not_before = T0, .data = acme};
	struct gathered g = {0};

	(void)state;
	well("add", ledger_notice_add(led, &n, &err));
	n.key = "2";
	well("add", ledger_notice_add(led, &n, &err));
	well("failed", ledger_notice_failed(led, 1, T0 + 60, &err));
	/* Added while it waits. */
	n.key = "3";
	n.not_before = T0 + 10;
	well("add", ledger_notice_add(led, &n, &err));
	n.key = "other";
	n.data = "{\"partner\":\"globex\"}";
	well("add", ledger_notice_add(led, &n, &err));
	n.key = "nobody";
	n.data = "{}";
	well("add", ledger_notice_add(led, &n, &err));
	n.key = "odd";
	n.data = "nonsense";
	well("add", ledger_notice_add(led, &n, &err));
	well("due", ledger_notices_due(led, T0 + 59, show_notice, &g, &err));
	check_has("others", g.text, "other");
	check_has("no partner", g.text, "nobody");
	check_has("no object", g.text, "odd");
	check_int("these three", g.n, 3);
	g = (struct gathered){0};
	well("due", ledger_notices_due(led, T0 + 60, show_notice, &g, &err));
	check_true(
	    "in order", strstr(g.text, "1 1 {") != NULL &&
			    strstr(g.text, "2 2 {") > strstr(g.text, "1 1 {") &&
			    strstr(g.text, "3 3 {") > strstr(g.text, "2 2 {"));
	check_int("1", ledger_notice_overtaken(led, 1, &err), 1);
	check_int("the last", ledger_notice_overtaken(led, 3, &err), 0);
	check_int("of nobody", ledger_notice_overtaken(led, 5, &err), 0);
}

/* Write, and tell through fd how many writes are done. */
static void __attribute__((noreturn)) write_on(int fd)
{
	struct evidence_count count = {
	    .day = "2026-11-23", .partner = "acme", .result = "sent", .n = 1};
	struct evidence_position pos = {.path = "/l", .first = KEY_A};
	struct evidence_batch b = {
	    .count = &count, .ncounts = 1, .position = &pos, .npositions = 1};
	struct ledger_event ev = {.kind = "notice", .time = T0};

	if ((led = ledger_open(file, LEDGER_WRITE, &err)) == NULL ||
	    (evi = evidence_open(seen, file, EVIDENCE_WRITE, &err)) == NULL)
		_exit(1);
	for (;;) {
		pos.offset++;
		if (probe("acme", "mx", T0 + (time_t)pos.offset, "ok", KEY_A,
			PEM_A) != 0 ||
		    ledger_event_add(led, &ev, &err) != 0 ||
		    evidence_log_add(evi, &b, &err) != 0 ||
		    write(fd, "x", 1) != 1)
			_exit(2);
	}
}

static bool
take_offset(const struct evidence_position *p, void *arg)
{
	*(uint64_t *)arg = p->offset;
	return true;
}

static bool
take_n(const struct evidence_count *c, void *arg)
{
	*(uint64_t *)arg += c->n;
	return true;
}

static bool
count_probe(const struct evidence_probe *p, void *arg)
{
	*(uint64_t *)arg += p->n;
	return true;
}

static void
t_killed(void **state)
{
	uint64_t told = 0, counted, offset, probes, before = 0;
	struct ledger_head head;
	int gate[2], status, round;
	char buf[4096];
	size_t flaws;
	ssize_t got;
	pid_t pid;

	(void)state;
	for (round = 0; round < 12; round++) {
		ledger_close(led);
		evidence_close(evi);
		led = NULL;
		evi = NULL;
		assert_int_equal(pipe(gate), 0);
		if ((pid = fork()) == 0)
			write_on(gate[1]);
		close(gate[1]);
		/* Until it is at work, then for a while that differs. */
		told = 0;
		if (read(gate[0], buf, 1) == 1)
			told++;
		usleep((useconds_t)(1000 + 2500 * round));
		kill(pid, SIGKILL);
		while ((got = read(gate[0], buf, sizeof(buf))) > 0)
			told += (uint64_t)got;
		close(gate[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		led = must_open(file, LEDGER_WRITE);
		evi = must_see(EVIDENCE_WRITE);
		counted = offset = probes = 0;
		well("counts",
		    evidence_counts(evi, NULL, "", "", take_n, &counted, &err));
		well("positions",
		    evidence_positions(evi, take_offset, &offset, &err));
		well("probes",
		    evidence_probes(evi, NULL, 0, count_probe, &probes, &err));
		well("head", ledger_head(led, &head, &err));
		well("check",
		    ledger_check(led, NULL, NULL, NULL, NULL, &flaws, &err));
		check_int("chain is whole", flaws, 0);
		/* What it told is there, and at most one write more. */
		check_int(
		    "counts and position agree", counted - before, offset);
		check_true("counts", offset == told || offset == told + 1);
		check_true("probes", probes >= counted);
		check_true("events", (uint64_t)head.count >= counted);
		before = counted;
	}
}

/* In a mount namespace of its own: fill a small disk. */
static int
on_small_disk(void)
{
	struct ledger_event ev = {.kind = "notice", .time = T0};
	struct ledger_head head;
	char text[30000];
	size_t flaws = 1;
	int i, rv = 0;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ev.text = text;
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=1200k") == -1)
		return 77;
	if ((led = ledger_open(file, LEDGER_WRITE, &err)) == NULL)
		return 10;
	for (i = 0; i < 1000 && rv == 0; i++)
		rv = ledger_event_add(led, &ev, &err);
	if (rv != -1 || err.code != EX_IOERR)
		return 11;
	if (strstr(err.text, "no space left") == NULL &&
	    strstr(err.text, "No space left") == NULL) {
		(void)fprintf(stderr, "# %s\n", err.text);
		return 12;
	}
	/* What was written before can be read, and is whole. */
	if (ledger_check(led, NULL, NULL, NULL, &head, &flaws, &err) != 0 ||
	    flaws != 0 || head.count != i - 1)
		return 13;
	if ((evi = evidence_open(seen, file, EVIDENCE_WRITE, &err)) != NULL ||
	    err.code != EX_IOERR)
		return 14;
	ledger_close(led);
	/* Full from the beginning. */
	free(file);
	if (mount("tmpfs", dir, "tmpfs", 0, "size=8k") == -1)
		return 77;
	file = check_path(dir, "second.db");
	if ((led = ledger_open(file, LEDGER_WRITE, &err)) != NULL)
		return 15;
	if (err.code != EX_IOERR) {
		(void)fprintf(stderr, "# %d %s\n", err.code, err.text);
		return 16;
	}
	return 0;
}

static void
t_disk_full(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	ledger_close(led);
	evidence_close(evi);
	led = NULL;
	evi = NULL;
	if ((pid = fork()) == 0)
		_exit(on_small_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	check_int("child", status, 0);
}

/* tlspactd takes back what it lowered, unless somebody else extended it. */
static void
t_automatic(void **state)
{
	static const struct {
		enum ledger_cause cause;
		const char *extended_by;
		bool automatic;
	} rows[] = {
	    {LEDGER_AUTOMATIC, "", true},
	    {LEDGER_AUTOMATIC, "tlspactd", true},
	    {LEDGER_AUTOMATIC, "jo", false},
	    {LEDGER_MANUAL, "", false},
	    {LEDGER_MANUAL, "jo", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct ledger_downgrade d = {.cause = rows[i].cause,
		    .author =
			rows[i].cause == LEDGER_AUTOMATIC ? "tlspactd" : "jo",
		    .extended_by = rows[i].extended_by};

		check_int(rows[i].extended_by, ledger_is_automatic(&d),
		    rows[i].automatic);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_notices),
	    CASE(t_notice_order),
	    CASE(t_notice_withdraw),
	    CASE(t_killed),
	    CASE(t_disk_full),
	    CASE(t_automatic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
