#include "ledgerlab.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define PEM_A "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define PEM_B "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n"

static bool
show_gateway(const struct ledger_gateway *g, void *arg)
{
	return gather(arg,
	    "%s %s %s +%lld %s since +%lld run %u passed +%lld %.2s%s\n",
	    g->last.partner, g->last.host, g->last.address,
	    (long long)(g->last.time - T0), g->last.fault,
	    (long long)(g->since - T0), g->run,
	    (long long)(g->passed == 0 ? 0 : g->passed - T0), g->key,
	    g->last.passed ? " pass" : "");
}

static bool
show_probe(const struct ledger_probe *p, void *arg)
{
	return gather(arg, "%s %s +%lld %s %.2s %zu\n", p->partner, p->host,
	    (long long)(p->time - T0), p->fault, p->key, strlen(p->chain));
}

static void
check_gateways(
    const char *row, const char *partner, time_t since, const char *want)
{
	struct gathered g = {0};

	well(row, ledger_gateways(led, partner, since, show_gateway, &g, &err));
	check_str(row, g.text, want);
}

static void
t_probes(void **state)
{
	char key[LEDGER_HASH];
	struct gathered g = {0};
	int64_t removed = 0;
	time_t when;

	(void)state;
	check_gateways("empty", NULL, 0, "");
	well("add", probe("acme", "mx1", T0 + 1, "ok", KEY_A, PEM_A));
	well("add", probe("acme", "mx1", T0 + 2, "expired", KEY_A, PEM_A));
	well("add", probe("acme", "mx1", T0 + 3, "expired", KEY_A, PEM_A));
	well("add", probe("acme", "mx2", T0 + 3, "ok", KEY_B, PEM_B));
	well("add", probe("acme", "mx2", T0 + 4, "connect-timeout", "", ""));
	well("add", probe("globex", "mx", T0 + 4, "ok", KEY_A, PEM_A));
	/* Another sweep, which was slower. */
	well("late", probe("acme", "mx1", T0 + 2, "ok", KEY_B, PEM_B));
	check_gateways("all", NULL, 0,
	    "acme mx1 192.0.2.1 +3 expired since +2 run 2 passed +1 aa\n"
	    "acme mx2 192.0.2.1 +4 connect-timeout since +4 run 1 passed +3 "
	    "bb\n"
	    "globex mx 192.0.2.1 +4 ok since +4 run 1 passed +4 aa pass\n");
	check_gateways("one", "globex", 0,
	    "globex mx 192.0.2.1 +4 ok since +4 run 1 passed +4 aa pass\n");
	check_gateways("since", "acme", T0 + 4,
	    "acme mx2 192.0.2.1 +4 connect-timeout since +4 run 1 passed +3 "
	    "bb\n");
	well("key", ledger_passed_key(led, "acme", "mx1", key, &when, &err));
	check_str("key", key, KEY_A);
	check_int("when", when, T0 + 1);
	well("key", ledger_passed_key(led, "acme", "mx9", key, &when, &err));
	check_str("none", key, "");
	check_int("none", when, 0);
	well("chains", ledger_chains(led, "acme", show_probe, &g, &err));
	check_str("chains", g.text,
	    "acme mx1 +3 expired aa 59\nacme mx2 +3 ok bb 59\n");
	g = (struct gathered){0};
	well("history",
	    ledger_probes(led, "acme", T0 + 3, show_probe, &g, &err));
	check_str("history", g.text,
	    "acme mx2 +4 connect-timeout  0\nacme mx2 +3 ok bb 0\n"
	    "acme mx1 +3 expired aa 0\n");
	well("prune", ledger_prune(led, T0 + 100, &removed, &err));
	check_int("all but what matters", removed, 2);
	g = (struct gathered){0};
	well("pruned", ledger_probes(led, NULL, 0, show_probe, &g, &err));
	check_str("pruned", g.text,
	    "globex mx +4 ok aa 0\nacme mx2 +4 connect-timeout  0\n"
	    "acme mx2 +3 ok bb 0\nacme mx1 +3 expired aa 0\n"
	    "acme mx1 +1 ok aa 0\n");
	well("newest", ledger_newest(led, &when, &err));
	check_int("newest", when, T0 + 4);
	well("add", probe("acme", "mx2", T0 + 200, "ok", KEY_A, PEM_A));
	well("prune", ledger_prune(led, T0 + 150, &removed, &err));
	check_int("two probes and PEM_B", removed, 3);
}

static void
t_probe_refused(void **state)
{
	char *big = malloc(LEDGER_CHAIN_MAX + 2);

	(void)state;
	check_int("no fault", probe("acme", "mx", T0, "", "", ""), -1);
	check_int("fault", probe("acme", "mx", T0, "No Word", "", ""), -1);
	check_int("key", probe("acme", "mx", T0, "ok", "AA:BB", ""), -1);
	check_int("time", probe("acme", "mx", -1, "ok", "", ""), -1);
	check_int("host", probe("acme", "\xff", T0, "ok", "", ""), -1);
	check_int("code", err.code, EX_DATAERR);
	memset(big, 'x', LEDGER_CHAIN_MAX + 1);
	big[LEDGER_CHAIN_MAX + 1] = '\0';
	check_int("chain", probe("acme", "mx", T0, "ok", "", big), -1);
	check_has("chain", err.text, "too long");
	check_gateways("nothing is left behind", NULL, 0, "");
	well("just", probe("acme", "mx", T0, "ok", "", big + 1));
	free(big);
}

static bool
show_count(const struct ledger_count *c, void *arg)
{
	return gather(arg, "%s %s %s %s %s %s %s %llu\n", c->day, c->partner,
	    ledger_direction_name(c->direction), ledger_seen_name(c->seen),
	    c->protocol, c->cipher, c->result, (unsigned long long)c->n);
}

static bool
show_failure(const struct ledger_failure *f, void *arg)
{
	return gather(arg, "+%lld %s %s %s\n", (long long)(f->time - T0),
	    f->partner, f->fault, f->queue_id);
}

static bool
show_sum(const struct ledger_failure_sum *s, void *arg)
{
	return gather(arg, "%s %s %s %s %llu\n", s->day, s->partner,
	    ledger_direction_name(s->direction), s->fault,
	    (unsigned long long)s->n);
}

static bool
show_position(const struct ledger_position *p, void *arg)
{
	return gather(arg, "%s %llu %llu %.2s %llu +%lld\n", p->path,
	    (unsigned long long)p->device, (unsigned long long)p->inode,
	    p->first, (unsigned long long)p->offset, (long long)(p->time - T0));
}

static void
t_log(void **state)
{
	struct ledger_count count[] = {
	    {"2026-11-23", "acme", LEDGER_OUT, LEDGER_VERIFIED, "TLSv1.3", "C",
		"sent", 2},
	    {"2026-11-22", "acme", LEDGER_OUT, LEDGER_CLEAR, "", "", "sent", 1},
	    {"2026-11-23", "other", LEDGER_IN, LEDGER_TRUSTED, "TLSv1.2", "C",
		"sent", 7},
	};
	struct ledger_position pos = {.path = "/var/log/mail.log",
	    .device = 1,
	    .inode = UINT64_MAX,
	    .first = KEY_A,
	    .offset = 4096,
	    .time = T0};
	struct ledger_batch b = {.count = count,
	    .ncounts = COUNT(count),
	    .position = &pos,
	    .npositions = 1};
	struct gathered g = {0};

	(void)state;
	well("nothing", ledger_log_add(led, &(struct ledger_batch){0}, &err));
	well("add", ledger_log_add(led, &b, &err));
	pos.offset = 8192;
	pos.time = T0 + 1;
	b.ncounts = 1;
	well("more", ledger_log_add(led, &b, &err));
	pos.first = KEY_B;
	pos.offset = 100;
	pos.time = T0 + 2;
	count[1].day = "2026-11-2x";
	b.ncounts = 2;
	check_int("a bad day", ledger_log_add(led, &b, &err), -1);
	check_has("a bad day", err.text, "\"2026-11-2x\" is no day");
	well("counts", ledger_counts(led, NULL, "", "", show_count, &g, &err));
	check_str("nothing of the batch that failed", g.text,
	    "2026-11-22 acme out clear   sent 1\n"
	    "2026-11-23 acme out verified TLSv1.3 C sent 4\n"
	    "2026-11-23 other in trusted TLSv1.2 C sent 7\n");
	g = (struct gathered){0};
	well("positions", ledger_positions(led, show_position, &g, &err));
	check_str("nor its position", g.text,
	    "/var/log/mail.log 1 18446744073709551615 aa 8192 +1\n");
	g = (struct gathered){0};
	well("range", ledger_counts(led, "acme", "2026-11-23", "2026-11-23",
			  show_count, &g, &err));
	check_str(
	    "range", g.text, "2026-11-23 acme out verified TLSv1.3 C sent 4\n");
	b.ncounts = 1;
	well("copied and truncated", ledger_log_add(led, &b, &err));
	g = (struct gathered){0};
	well("positions", ledger_positions(led, show_position, &g, &err));
	check_int("both are known", g.n, 2);
}

static void
t_failures(void **state)
{
	struct ledger_failure *f;
	struct ledger_batch b = {.nfailures = LEDGER_FAILURES_MAX + 50};
	struct gathered g = {0};
	size_t i;

	(void)state;
	b.failure = f = calloc(b.nfailures, sizeof(*f));
	for (i = 0; i < b.nfailures; i++)
		f[i] = (struct ledger_failure){
		    .time = T0 + (time_t)(i < 5 ? 4 - i : i),
		    .partner = i < 5 ? "globex" : "acme",
		    .direction = LEDGER_OUT,
		    .fault = i % 2 == 0 ? "expired" : "no-starttls",
		    .queue_id = "4XYZ"};
	f[i - 1].time--; /* two at once */
	well("add", ledger_log_add(led, &b, &err));
	well("few",
	    ledger_failures(led, "globex", T0 + 3, show_failure, &g, &err));
	check_str("few", g.text,
	    "+3 globex no-starttls 4XYZ\n+4 globex expired 4XYZ\n");
	g = (struct gathered){0};
	well("all", ledger_failures(led, NULL, 0, show_failure, &g, &err));
	check_int("bounded", g.n, LEDGER_FAILURES_MAX + 5);
	g = (struct gathered){0};
	well("last",
	    ledger_last_failures(led, NULL, T0, show_failure, &g, &err));
	check_str("last", g.text,
	    "+1048 acme no-starttls 4XYZ\n+4 globex expired 4XYZ\n");
	g = (struct gathered){0};
	well("last", ledger_last_failures(
			 led, "globex", T0 + 4, show_failure, &g, &err));
	check_str("last of one", g.text, "+4 globex expired 4XYZ\n");
	g = (struct gathered){0};
	well("last", ledger_last_failures(
			 led, "globex", T0 + 5, show_failure, &g, &err));
	check_str("none since", g.text, "");
	g = (struct gathered){0};
	well("sums",
	    ledger_failure_sums(led, "acme", NULL, NULL, show_sum, &g, &err));
	check_str("sums", g.text,
	    "2026-11-23 acme out expired 22\n"
	    "2026-11-23 acme out no-starttls 23\n");
	well("prune", ledger_prune(led, T0 + 100000, NULL, &err));
	g = (struct gathered){0};
	well("sums", ledger_failure_sums(led, NULL, "2026-11-01", "2026-11-30",
			 show_sum, &g, &err));
	check_str("what was pruned is in the sums", g.text,
	    "2026-11-23 acme out expired 522\n"
	    "2026-11-23 acme out no-starttls 523\n"
	    "2026-11-23 globex out expired 3\n"
	    "2026-11-23 globex out no-starttls 2\n");
	g = (struct gathered){0};
	well("none", ledger_failures(led, NULL, 0, show_failure, &g, &err));
	check_int("none", g.n, 0);
	free(f);
}

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
	time_t when;

	(void)state;
	well("next", ledger_notice_next(led, &when, &err));
	check_int("none", when, 0);
	well("add", ledger_notice_add(led, &n, &err));
	check_int("twice", ledger_notice_add(led, &n, &err), LEDGER_REFUSED);
	n.key = "held/acme";
	n.not_before = T0 + 5;
	well("add", ledger_notice_add(led, &n, &err));
	well("next", ledger_notice_next(led, &when, &err));
	check_int("next", when, T0 + 5);
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

/* Those of a partner stay in order; those of others do not wait for them. */
static void
t_notice_order(void **state)
{
	static const char acme[] = "{\"partner\":\"acme\"}";
	struct ledger_notice n = {
	    .key = "1", .created = T0, .not_before = T0, .data = acme};
	struct gathered g = {0};
	bool overtaken;

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
	well("behind", ledger_notice_overtaken(led, 1, &overtaken, &err));
	check_true("1", overtaken);
	well("behind", ledger_notice_overtaken(led, 3, &overtaken, &err));
	check_true("the last", !overtaken);
	well("behind", ledger_notice_overtaken(led, 5, &overtaken, &err));
	check_true("of nobody", !overtaken);
}

/* Version 1 as it was, with a gateway in it. Never to be changed. */
static const char version_1[] =
    "CREATE TABLE chain(id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE,"
    " pem TEXT NOT NULL) STRICT;"
    "CREATE TABLE gateway(id INTEGER PRIMARY KEY, partner TEXT NOT NULL,"
    " nexthop TEXT NOT NULL, host TEXT NOT NULL, address TEXT NOT NULL,"
    " port INTEGER NOT NULL, last INTEGER NOT NULL, time INTEGER NOT NULL,"
    " fault TEXT NOT NULL, since INTEGER NOT NULL, run INTEGER NOT NULL,"
    " passed INTEGER, shown INTEGER,"
    " UNIQUE(partner, nexthop, host, address, port)) STRICT;"
    "CREATE TABLE probe(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " gateway INTEGER NOT NULL REFERENCES gateway(id),"
    " time INTEGER NOT NULL, fault TEXT NOT NULL, protocol TEXT NOT NULL,"
    " cipher TEXT NOT NULL, kex TEXT NOT NULL, not_after INTEGER NOT NULL,"
    " key TEXT NOT NULL, chain INTEGER REFERENCES chain(id),"
    " detail TEXT NOT NULL, passed INTEGER NOT NULL) STRICT;"
    "CREATE INDEX probe_gateway ON probe(gateway, time);"
    "CREATE INDEX probe_time ON probe(time);"
    "CREATE INDEX probe_chain ON probe(chain) WHERE chain IS NOT NULL;"
    "INSERT INTO chain VALUES(1, '" KEY_B "', 'PEM');"
    "INSERT INTO gateway VALUES(1, 'acme', 'acme.example', 'mx1',"
    " '192.0.2.1', 25, 2, 1795435201, 'expired', 1795435201, 1, 1, 2);"
    "INSERT INTO probe VALUES(1, 1, 1795435200, 'ok', '', '', '', 0,"
    " '" KEY_A "', 1, '', 1);"
    "INSERT INTO probe VALUES(2, 1, 1795435201, 'expired', '', '', '', 0,"
    " '" KEY_A "', 1, '', 0);"
    "PRAGMA application_id=1953264496;"
    "PRAGMA user_version=1;";

static void
t_migrate(void **state)
{
	size_t flaws;

	(void)state;
	ledger_close(led);
	led = NULL;
	free(file);
	file = check_path(dir, "old.db");
	by_hand(version_1);
	assert_null(ledger_open(file, LEDGER_READ, &err));
	check_int("not by a reader", err.code, EX_DATAERR);
	led = must_open(file, LEDGER_WRITE);
	check_gateways("kept", NULL, 0,
	    "acme mx1 192.0.2.1 +1 expired since +1 run 1 passed +0 aa\n");
	well("new tables",
	    ledger_event_add(led,
		&(struct ledger_event){.kind = "notice", .time = T0}, &err));
	well("check", ledger_check(led, NULL, NULL, NULL, NULL, &flaws, &err));
	check_int("check", flaws, 0);
	well("add", probe("acme", "mx1", T0 + 9, "expired", KEY_A, PEM_A));
	check_gateways("goes on", NULL, 0,
	    "acme mx1 192.0.2.1 +9 expired since +1 run 2 passed +0 aa\n");
	by_hand("PRAGMA user_version=99");
	assert_null(ledger_open(file, LEDGER_WRITE, &err));
	check_int("newer", err.code, EX_UNAVAILABLE);
	check_has("newer", err.text, "written by a newer tlspact");
}

/* Write, and tell through fd how many writes are done. */
static void __attribute__((noreturn)) write_on(int fd)
{
	struct ledger_count count = {
	    .day = "2026-11-23", .partner = "acme", .result = "sent", .n = 1};
	struct ledger_position pos = {.path = "/l", .first = KEY_A};
	struct ledger_batch b = {
	    .count = &count, .ncounts = 1, .position = &pos, .npositions = 1};
	struct ledger_event ev = {.kind = "notice", .time = T0};

	if ((led = ledger_open(file, LEDGER_WRITE, &err)) == NULL)
		_exit(1);
	for (;;) {
		pos.offset++;
		if (probe("acme", "mx", T0 + (time_t)pos.offset, "ok", KEY_A,
			PEM_A) != 0 ||
		    ledger_event_add(led, &ev, &err) != 0 ||
		    ledger_log_add(led, &b, &err) != 0 ||
		    write(fd, "x", 1) != 1)
			_exit(2);
	}
}

static bool
take_offset(const struct ledger_position *p, void *arg)
{
	*(uint64_t *)arg = p->offset;
	return true;
}

static bool
take_n(const struct ledger_count *c, void *arg)
{
	*(uint64_t *)arg += c->n;
	return true;
}

static bool
count_probe(const struct ledger_probe *p, void *arg)
{
	(void)p;
	++*(uint64_t *)arg;
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
		led = NULL;
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
		counted = offset = probes = 0;
		well("counts",
		    ledger_counts(led, NULL, "", "", take_n, &counted, &err));
		well("positions",
		    ledger_positions(led, take_offset, &offset, &err));
		well("probes",
		    ledger_probes(led, NULL, 0, count_probe, &probes, &err));
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
	if (probe("acme", "mx", T0, "ok", KEY_A, text) == 0)
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
	led = NULL;
	if ((pid = fork()) == 0)
		_exit(on_small_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	check_int("child", status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_probes),
	    CASE(t_probe_refused),
	    CASE(t_log),
	    CASE(t_failures),
	    CASE(t_notices),
	    CASE(t_notice_order),
	    CASE(t_migrate),
	    CASE(t_killed),
	    CASE(t_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
