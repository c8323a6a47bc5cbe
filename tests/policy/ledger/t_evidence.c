#include "ledgerlab.h"

static bool
show_gateway(const struct evidence_gateway *g, void *arg)
{
	return gather(arg,
	    "%s %s %s +%lld %s since +%lld run %u passed +%lld %.2s%s\n",
	    g->last.partner, g->last.host, g->last.address,
	    (long long)(g->last.time - T0), g->last.fault,
	    (long long)(g->since - T0), g->run,
	    (long long)(g->passed == 0 ? 0 : g->passed - T0), g->key,
	    g->last.judged ? " pass" : "");
}

static bool
show_gone(const struct evidence_gateway *g, void *arg)
{
	return gather(arg, "%s %s\n", g->last.host,
	    evidence_gone(g, 60) ? "gone" : "there");
}

static bool
show_probe(const struct evidence_probe *p, void *arg)
{
	return gather(arg, "%s %s +%lld %s %.2s %zu\n", p->partner, p->host,
	    (long long)(p->time - T0), p->fault, p->key, strlen(p->chain));
}

static void
check_gateways(
    const char *row, const char *partner, time_t since, const char *want)
{
	struct gathered g = {0};

	well(row,
	    evidence_gateways(evi, partner, since, show_gateway, &g, &err));
	check_str(row, g.text, want);
}

/* Rows of the tables that are pruned. */
static void
check_left(const char *row, const char *want)
{
	struct gathered g = {0};

	ask_by_hand(seen,
	    "SELECT (SELECT count(*) FROM probe),"
	    " (SELECT count(*) FROM result), (SELECT count(*) FROM chain)",
	    &g);
	check_str(row, g.text, want);
}

static void
t_probes(void **state)
{
	char key[EVIDENCE_KEY];
	struct gathered g = {0};
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
	well("key", evidence_passed_key(evi, "acme", "mx1", key, &err));
	check_str("key", key, KEY_A);
	well("key", evidence_passed_key(evi, "acme", "mx9", key, &err));
	check_str("none", key, "");
	well("chains", evidence_chains(evi, "acme", show_probe, &g, &err));
	check_str("chains", g.text,
	    "acme mx1 +3 expired aa 59\nacme mx2 +3 ok bb 59\n");
	g = (struct gathered){0};
	well("history",
	    evidence_probes(evi, "acme", T0 + 3, show_probe, &g, &err));
	check_str("history", g.text,
	    "acme mx2 +4 connect-timeout  0\nacme mx2 +3 ok bb 0\n"
	    "acme mx1 +3 expired aa 0\n");
	well("prune", evidence_prune(evi, T0 + 100, &err));
	g = (struct gathered){0};
	well("pruned", evidence_probes(evi, NULL, 0, show_probe, &g, &err));
	check_str("pruned", g.text,
	    "globex mx +4 ok aa 0\nacme mx2 +4 connect-timeout  0\n"
	    "acme mx2 +3 ok bb 0\nacme mx1 +3 expired aa 0\n"
	    "acme mx1 +1 ok aa 0\n");
	well("newest", evidence_newest(evi, &when, &err));
	check_int("newest", when, T0 + 4);
	well("add", probe("acme", "mx2", T0 + 200, "ok", KEY_A, PEM_A));
	check_left("before", "6 4 2\n");
	well("prune", evidence_prune(evi, T0 + 150, &err));
	check_left("two probes, their results, and PEM_B", "4 2 1\n");
}

/* Who is not met any more, where others of the next-hop are. */
static void
t_gone(void **state)
{
	struct gathered g = {0};

	(void)state;
	well("add", probe("acme", "mx1", T0, "ok", KEY_A, PEM_A));
	well("add", probe("acme", "mx2", T0 + 60, "ok", KEY_B, PEM_B));
	well("add", probe("globex", "mx", T0, "ok", KEY_A, PEM_A));
	/* DNS that does not answer tells nothing. */
	well("add", probe("acme", "", T0 + 9000, "dns-failed", "", ""));
	well("before", evidence_gateways(evi, NULL, 0, show_gone, &g, &err));
	check_str("before", g.text, " there\nmx1 there\nmx2 there\nmx there\n");
	well("add", probe("acme", "mx1", T0 + 121, "expired", KEY_A, PEM_A));
	g = (struct gathered){0};
	well("after", evidence_gateways(evi, NULL, 0, show_gone, &g, &err));
	check_str("after", g.text, " there\nmx1 there\nmx2 gone\nmx there\n");
}

/* A whole look tells at once who is gone, however soon after the other. */
static void
t_looked(void **state)
{
	static const struct {
		const char *host, *fault;
		time_t at, began; /* +; the look is whole, or 0 */
		const char *want;
	} rows[] = {
	    {"mx1", "ok", 0, 0, "mx1 there\n"},
	    {"mx2", "expired", 1, 0, "mx1 there\nmx2 there\n"},
	    /* mx2 may be to come. */
	    {"mx1", "ok", 5, 0, "mx1 there\nmx2 there\n"},
	    {"mx1", "ok", 6, 6, "mx1 there\nmx2 gone\n"},
	    {"mx1", "ok", 7, 0, "mx1 there\nmx2 gone\n"},
	    {"", "dns-failed", 9, 9, " there\nmx1 there\nmx2 gone\n"},
	    {"mx2", "ok", 10, 10, " gone\nmx1 gone\nmx2 there\n"},
	    {"mx1", "ok", 8, 0, " gone\nmx1 there\nmx2 there\n"},
	};
	struct gathered g;
	size_t i;

	(void)state;
	well("others", probe("globex", "mx", T0, "ok", KEY_A, PEM_A));
	for (i = 0; i < COUNT(rows); i++) {
		well(rows[i].want, probe("acme", rows[i].host, T0 + rows[i].at,
				       rows[i].fault, KEY_A, ""));
		if (rows[i].began != 0)
			well("looked",
			    evidence_looked(evi, "acme", "acme.example",
				T0 + rows[i].began, &err));
		g = (struct gathered){0};
		well("read",
		    evidence_gateways(evi, "acme", 0, show_gone, &g, &err));
		check_str(rows[i].want, g.text, rows[i].want);
	}
}

static bool
show_at(const struct evidence_probe *p, void *arg)
{
	return gather(arg, "%s +%lld; ", p->host, (long long)(p->time - T0));
}

static bool
show_blind(const struct evidence_gateway *g, void *arg)
{
	return gather(arg, "%s +%lld %s run %u%s", g->last.host,
		   (long long)(g->last.time - T0), g->last.fault, g->run,
		   evidence_gone(g, 60) ? " gone" : "") &&
	       (g->blind == 0 ||
		   gather(arg, " blind +%lld since +%lld run %u",
		       (long long)(g->blind - T0),
		       (long long)(g->blind_since - T0), g->blind_run)) &&
	       gather(arg, "; ");
}

/* A look that failed on our side stands beside what is known. */
static void
t_blind(void **state)
{
	static const struct {
		const char *host, *fault;
		time_t at; /* + */
		const char *want, *blind;
	} rows[] = {
	    {"mx9", "local-error", 0, "", "mx9 +0; "},
	    {"mx1", "ok", 1, "mx1 +1 ok run 1; ", "mx9 +0; "},
	    {"", "local-error", 100,
		"mx1 +1 ok run 1 blind +100 since +100 run 1; ",
		"mx9 +0;  +100; "},
	    {"", "local-error", 200,
		"mx1 +1 ok run 1 blind +200 since +100 run 2; ",
		"mx9 +0;  +200; "},
	    /* Slower than one that saw it. */
	    {"mx1", "local-error", 0,
		"mx1 +1 ok run 1 blind +200 since +100 run 2; ",
		"mx9 +0;  +200; "},
	    {"mx1", "ok", 300, "mx1 +300 ok run 2; ", "mx9 +0; "},
	    {"mx2", "ok", 301, "mx1 +300 ok run 2; mx2 +301 ok run 1; ",
		"mx9 +0; "},
	    /* The others were met, and that it is gone nobody saw. */
	    {"mx2", "local-error", 400,
		"mx1 +300 ok run 2; mx2 +301 ok run 1 blind +400 since +400 "
		"run 1; ",
		"mx9 +0; mx2 +400; "},
	    {"mx1", "ok", 401,
		"mx1 +401 ok run 3; mx2 +301 ok run 1 blind +400 since +400 "
		"run 1; ",
		"mx9 +0; mx2 +400; "},
	    /* Our resolver works again, and theirs does not. */
	    {"", "dns-failed", 500,
		" +500 dns-failed run 1; mx1 +401 ok run 3; mx2 +301 ok run 1 "
		"gone; ",
		""},
	    {"", "local-error", 600,
		" +500 dns-failed run 1 blind +600 since +600 run 1; mx1 +401 "
		"ok run 3 blind +600 since +600 run 1; mx2 +301 ok run 1 "
		"blind +600 since +600 run 1; ",
		" +600; "},
	};
	struct gathered g;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		well(rows[i].want, probe("acme", rows[i].host, T0 + rows[i].at,
				       rows[i].fault, "", ""));
		well("prune", evidence_prune(evi, T0 + rows[i].at, &err));
		g = (struct gathered){0};
		well("read",
		    evidence_gateways(evi, "acme", 0, show_blind, &g, &err));
		check_str(rows[i].want, g.text, rows[i].want);
		g = (struct gathered){0};
		well("blind", evidence_blind(evi, "acme", show_at, &g, &err));
		check_str(rows[i].blind, g.text, rows[i].blind);
	}
}

static bool
show_judged(const struct evidence_probe *p, void *arg)
{
	return gather(arg, "%lld %s +%lld..+%lld %llu %d %s\n",
	    (long long)p->id, p->fault, (long long)(p->first - T0),
	    (long long)(p->time - T0), (unsigned long long)p->n, (int)p->judged,
	    p->detail);
}

static int
look(time_t t, const char *fault, enum evidence_judged by, const char *detail)
{
	struct evidence_probe p = {.time = T0 + t,
	    .partner = "acme",
	    .nexthop = "acme.example",
	    .host = "mx1",
	    .address = "192.0.2.1",
	    .port = 25,
	    .fault = fault,
	    .key = by == EVIDENCE_FAILED ? "" : KEY_A,
	    .judged = by,
	    .detail = detail};

	return evidence_probe_add(evi, &p, NULL, &err);
}

/* What is the same, in a row and of a day, is one row; T0 is noon. */
static void
t_runs(void **state)
{
	struct gathered g = {0};

	(void)state;
	well("add", look(0, "ok", EVIDENCE_BY_CA, ""));
	well("same", look(900, "ok", EVIDENCE_BY_CA, ""));
	well("late, and within", look(800, "ok", EVIDENCE_BY_CA, ""));
	well("before its time", look(-900, "ok", EVIDENCE_BY_CA, ""));
	well("otherwise", look(1800, "ok", EVIDENCE_BY_DANE, ""));
	well("fails", look(2700, "smtp-error", EVIDENCE_FAILED, "id 1"));
	well("in other words",
	    look(3600, "smtp-error", EVIDENCE_FAILED, "id 2"));
	well("late", look(3000, "smtp-error", EVIDENCE_FAILED, "id 3"));
	well("again", look(43199, "ok", EVIDENCE_BY_DANE, ""));
	well("tomorrow", look(43200, "ok", EVIDENCE_BY_DANE, ""));
	well("probes", evidence_probes(evi, NULL, 0, show_judged, &g, &err));
	check_str("rows", g.text,
	    "10 ok +43200..+43200 1 3 \n"
	    "9 ok +43199..+43199 1 3 \n"
	    "8 smtp-error +2700..+3600 3 0 id 2\n"
	    "5 ok +1800..+1800 1 3 \n"
	    "3 ok +0..+900 3 2 \n"
	    "4 ok +-900..+-900 1 2 \n");
	check_gateways("a run goes on over midnight", NULL, 0,
	    "acme mx1 192.0.2.1 +43200 ok since +43199 run 2 passed +43200 aa "
	    "pass\n");
}

static bool
show_shown(const struct evidence_probe *p, void *arg)
{
	return gather(arg, "%llu %s/%s/%s\n", (unsigned long long)p->n,
	    p->requiretls, p->dnssec, p->tlsa);
}

/* Back to the schema without it. */
#define UNLEG "DROP TABLE own; DROP TABLE leg; DROP TABLE leg_mail;"
#define UNSHOW                                        \
	"ALTER TABLE gateway DROP COLUMN looks;"      \
	"ALTER TABLE gateway DROP COLUMN history;"    \
	"ALTER TABLE gateway DROP COLUMN bad;"        \
	"ALTER TABLE gateway DROP COLUMN blind;"      \
	"ALTER TABLE gateway DROP COLUMN gone;"       \
	"ALTER TABLE gateway DROP COLUMN rule;" UNLEG \
	"ALTER TABLE probe DROP COLUMN requiretls;"   \
	"ALTER TABLE probe DROP COLUMN dnssec;"       \
	"ALTER TABLE probe DROP COLUMN tlsa;"

#define BEFORE_RULES                                                           \
	"DROP TABLE log_count; DROP TABLE log_hour; DROP TABLE log_wait;"      \
	"DROP TABLE log_waited; CREATE TABLE log_count(day TEXT NOT NULL,"     \
	" partner TEXT NOT NULL, direction INTEGER NOT NULL,"                  \
	" seen INTEGER NOT NULL, protocol TEXT NOT NULL, cipher TEXT NOT "     \
	"NULL,"                                                                \
	" result TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(day, partner," \
	" direction, seen, protocol, cipher, result)) STRICT, WITHOUT ROWID;"  \
	"ALTER TABLE result DROP COLUMN begins;" UNSHOW                        \
	"PRAGMA user_version=4;"

/* What else was seen is a part of the result; rows of before have none. */
static void
t_shown(void **state)
{
	struct evidence_probe p = {.time = T0,
	    .partner = "acme",
	    .nexthop = "acme.example",
	    .host = "mx1",
	    .fault = "ok"};
	struct gathered g = {0};

	(void)state;
	well("before", evidence_probe_add(evi, &p, NULL, &err));
	evidence_close(evi);
	by_hand_in(seen, UNSHOW "PRAGMA user_version=6");
	evi = must_see(EVIDENCE_READ);
	check_gateways("who only reads has all of it", NULL, 0,
	    "acme mx1  +0 ok since +0 run 1 passed +0 \n");
	evidence_close(evi);
	evi = must_see(EVIDENCE_WRITE);
	p.requiretls = "no";
	p.dnssec = "secure";
	p.tlsa = "used";
	well("more", evidence_probe_add(evi, &p, NULL, &err));
	well("the same", evidence_probe_add(evi, &p, NULL, &err));
	p.requiretls = "yes";
	well("announced", evidence_probe_add(evi, &p, NULL, &err));
	p.dnssec = "insecure";
	well("not signed", evidence_probe_add(evi, &p, NULL, &err));
	p.tlsa = "none";
	well("no record", evidence_probe_add(evi, &p, NULL, &err));
	well("probes", evidence_probes(evi, NULL, 0, show_shown, &g, &err));
	check_str("rows", g.text,
	    "1 yes/insecure/none\n1 yes/insecure/used\n1 yes/secure/used\n"
	    "2 no/secure/used\n1 //\n");
}

static bool
count_looks(const struct evidence_probe *p, void *arg)
{
	/* by day, and by whether they passed */
	uint64_t(*n)[2] = arg;

	/* A row must be of one day. */
	check_int("a day", p->first / 86400, p->time / 86400);
	n[p->time / 86400 - T0 / 86400][p->judged != EVIDENCE_FAILED] += p->n;
	return true;
}

/* 12 days of 3 gateways: what a day says is what was added on that day. */
static void
t_exact(void **state)
{
	static const char *const fault[] = {
	    "ok", "connect-timeout", "expired", "ok"};
	uint64_t want[32][2] = {{0}}, got[32][2] = {{0}};
	static const char *const host[] = {"mx1", "mx2", "mx3"};
	unsigned luck = 1;
	size_t i, k;
	time_t t;

	(void)state;
	for (i = 0; i < 12 * 96; i++)
		for (k = 0; k < 3; k++) {
			const char *f = fault[0];

			luck = luck * 1103515245 + 12345;
			if (luck >> 16 < 2000)
				f = fault[luck % 4];
			t = T0 + (time_t)i * 900 + (time_t)k;
			well("add", probe("acme", host[k], t, f, KEY_A, PEM_A));
			want[t / 86400 - T0 / 86400][strcmp(f, "ok") == 0]++;
		}
	well("all", evidence_probes(evi, NULL, 0, count_looks, got, &err));
	assert_memory_equal(want, got, sizeof(want));
	/* From some day on, as well; and each look has counted. */
	memset(got, 0, sizeof(got));
	t = (T0 / 86400 + 7) * 86400;
	well("since", evidence_probes(evi, NULL, t, count_looks, got, &err));
	memset(want, 0, 7 * sizeof(want[0]));
	assert_memory_equal(want, got, sizeof(want));
	well("prune", evidence_prune(evi, t, &err));
	memset(got, 0, sizeof(got));
	well("kept", evidence_probes(evi, NULL, t, count_looks, got, &err));
	assert_memory_equal(want, got, sizeof(want));
}

static void
pass(const char *host, const char *address, time_t t, enum evidence_judged by,
    const char *key)
{
	struct evidence_probe p = {.time = T0 + t,
	    .partner = "acme",
	    .nexthop = "acme.example",
	    .host = host,
	    .address = address,
	    .port = 25,
	    .fault = "ok",
	    .key = key,
	    .judged = by};

	well("pass", evidence_probe_add(evi, &p, NULL, &err));
}

/* What may be pinned of a host: the last key that was vouched for. */
static void
check_key(const char *row, const char *host, const char *want)
{
	char key[EVIDENCE_KEY];

	well(row, evidence_passed_key(evi, "acme", host, key, &err));
	check_str(row, key, want);
}

static void
t_keys(void **state)
{
	(void)state;
	pass("mx1", "192.0.2.1", 1, EVIDENCE_BY_NONE, KEY_B);
	check_key("encrypted only", "mx1", "");
	pass("mx1", "192.0.2.1", 2, EVIDENCE_BY_CA, KEY_A);
	check_key("CA and name", "mx1", KEY_A);
	pass("mx1", "192.0.2.1", 3, EVIDENCE_BY_NONE, KEY_B);
	check_key("what is not asked says nothing", "mx1", KEY_A);
	check_gateways("but it passed", NULL, 0,
	    "acme mx1 192.0.2.1 +3 ok since +1 run 3 passed +3 aa pass\n");
	pass("mx1", "192.0.2.9", 4, EVIDENCE_BY_DANE, KEY_B);
	check_key("moved: the last only", "mx1", KEY_B);
	pass("mx2", "192.0.2.2", 3, EVIDENCE_BY_KEY, KEY_A);
	check_key("of each host", "mx2", KEY_A);
	check_key("of each host", "mx1", KEY_B);
	pass("mx1", "192.0.2.1", 5, EVIDENCE_BY_CA, "");
	check_key("no key, no pin", "mx1", KEY_B);
	pass("mx1", "192.0.2.9", 6, EVIDENCE_BY_NONE, KEY_A);
	well("add", probe("acme", "mx1", T0 + 9, "expired", KEY_A, PEM_A));
	check_key("nor what failed", "mx1", KEY_B);
	well("prune", evidence_prune(evi, T0 + 86400, &err));
	check_key("they are kept", "mx1", KEY_B);
	check_key("they are kept", "mx2", KEY_A);
}

static void
t_probe_refused(void **state)
{
	char *big = malloc(EVIDENCE_CHAIN_MAX + 2);

	(void)state;
	check_int("no fault", probe("acme", "mx", T0, "", "", ""), -1);
	check_int("fault", probe("acme", "mx", T0, "No Word", "", ""), -1);
	check_int("key", probe("acme", "mx", T0, "ok", "AA:BB", ""), -1);
	check_int("time", probe("acme", "mx", -1, "ok", "", ""), -1);
	check_int("host", probe("acme", "\xff", T0, "ok", "", ""), -1);
	check_int("code", err.code, EX_DATAERR);
	memset(big, 'x', EVIDENCE_CHAIN_MAX + 1);
	big[EVIDENCE_CHAIN_MAX + 1] = '\0';
	check_int("chain", probe("acme", "mx", T0, "ok", "", big), -1);
	check_has("chain", err.text, "too long");
	check_gateways("nothing is left behind", NULL, 0, "");
	well("just", probe("acme", "mx", T0, "ok", "", big + 1));
	free(big);
}

static bool
show_count(const struct evidence_count *c, void *arg)
{
	return gather(arg, "%s %s %s %s %s %s %s %llu\n", c->day, c->partner,
	    evidence_direction_name(c->direction), evidence_seen_name(c->seen),
	    c->protocol, c->cipher, c->result, (unsigned long long)c->n);
}

static bool
show_failure(const struct evidence_failure *f, void *arg)
{
	return gather(arg, "+%lld %s %s %s\n", (long long)(f->time - T0),
	    f->partner, f->fault, f->queue_id);
}

/* What was shown, and the number of the last. */
struct last_failure {
	struct gathered g;
	int64_t id;
};

static bool
show_new(const struct evidence_failure *f, void *arg)
{
	struct last_failure *last = arg;

	assert_true(f->id > last->id);
	last->id = f->id;
	return gather(&last->g, "+%lld %s %s\n", (long long)(f->time - T0),
	    f->partner, f->fault);
}

/* The sums that older failures became. */
static void
check_sums(const char *row, const char *want)
{
	struct gathered g = {0};

	ask_by_hand(seen,
	    "SELECT day, partner, direction, fault, n FROM failure_sum", &g);
	check_str(row, g.text, want);
}

static bool
show_position(const struct evidence_position *p, void *arg)
{
	return gather(arg, "%s %llu %llu %.2s %llu +%lld\n", p->path,
	    (unsigned long long)p->device, (unsigned long long)p->inode,
	    p->first, (unsigned long long)p->offset, (long long)(p->time - T0));
}

static void
t_log(void **state)
{
	struct evidence_count count[] = {
	    {"2026-11-23", "acme", EVIDENCE_OUT, EVIDENCE_VERIFIED, "TLSv1.3",
		"C", "sent", .n = 2},
	    {"2026-11-22", "acme", EVIDENCE_OUT, EVIDENCE_CLEAR, "", "", "sent",
		.n = 1},
	    {"2026-11-23", "other", EVIDENCE_IN, EVIDENCE_TRUSTED, "TLSv1.2",
		"C", "sent", .n = 7},
	};
	struct evidence_position pos = {.path = "/var/log/mail.log",
	    .device = 1,
	    .inode = UINT64_MAX,
	    .first = KEY_A,
	    .offset = 4096,
	    .time = T0};
	struct evidence_batch b = {.count = count,
	    .ncounts = COUNT(count),
	    .position = &pos,
	    .npositions = 1};
	struct gathered g = {0};

	(void)state;
	well("nothing",
	    evidence_log_add(evi, &(struct evidence_batch){0}, &err));
	well("add", evidence_log_add(evi, &b, &err));
	pos.offset = 8192;
	pos.time = T0 + 1;
	b.ncounts = 1;
	well("more", evidence_log_add(evi, &b, &err));
	pos.first = KEY_B;
	pos.offset = 100;
	pos.time = T0 + 2;
	count[1].day = "2026-11-2x";
	b.ncounts = 2;
	check_int("a bad day", evidence_log_add(evi, &b, &err), -1);
	check_has("a bad day", err.text, "\"2026-11-2x\" is no day");
	well(
	    "counts", evidence_counts(evi, NULL, "", "", show_count, &g, &err));
	check_str("nothing of the batch that failed", g.text,
	    "2026-11-22 acme out clear   sent 1\n"
	    "2026-11-23 acme out verified TLSv1.3 C sent 4\n"
	    "2026-11-23 other in trusted TLSv1.2 C sent 7\n");
	g = (struct gathered){0};
	well("positions", evidence_positions(evi, show_position, &g, &err));
	check_str("nor its position", g.text,
	    "/var/log/mail.log 1 18446744073709551615 aa 8192 +1\n");
	g = (struct gathered){0};
	well("range", evidence_counts(evi, "acme", "2026-11-23", "2026-11-23",
			  show_count, &g, &err));
	check_str(
	    "range", g.text, "2026-11-23 acme out verified TLSv1.3 C sent 4\n");
	b.ncounts = 1;
	well("copied and truncated", evidence_log_add(evi, &b, &err));
	g = (struct gathered){0};
	well("positions", evidence_positions(evi, show_position, &g, &err));
	check_int("both are known", g.n, 2);
}

static bool
show_rule(const struct evidence_count *c, void *arg)
{
	return gather(arg, "%s %s \"%s\" %lld \"%s\" \"%s\" %llu%s\n",
	    evidence_direction_name(c->direction), evidence_seen_name(c->seen),
	    c->required, (long long)c->downgrade, c->proof, c->fault,
	    (unsigned long long)c->n, evidence_kept(c) ? " kept" : "");
}

/* Each rule has a count of its own; of what was counted before it is none. */
static bool
show_received(const char *partner, time_t last, void *arg)
{
	return gather(arg, "%s +%lld\n", partner, (long long)(last - T0));
}

/* The last mail over TLS from a partner: its time. */
static void
t_received(void **state)
{
#define RECEIVED(partner, direction, seen, result, last)                   \
	{                                                                  \
		"2026-11-23", (partner), EVIDENCE_##direction,             \
		    EVIDENCE_##seen, "", "", (result), 1, "", 0, "", "ok", \
		    (last)                                                 \
	}
	static const struct evidence_count add[] = {
	    RECEIVED("acme", IN, ENCRYPTED, "received", T0 + 5),
	    RECEIVED("acme", IN, CLEAR, "received", T0 + 9),
	    RECEIVED("acme", OUT, VERIFIED, "sent", T0 + 9),
	    RECEIVED("acme", IN, ENCRYPTED, "rejected", T0 + 9),
	    /* Which a downgrade let in, without what was agreed. */
	    {"2026-11-23", "acme", EVIDENCE_IN, EVIDENCE_ENCRYPTED, "", "",
		"received", 1, "", 7, "", "no-certificate", T0 + 9},
	    /* The same, and it is not known which one. */
	    {"2026-11-23", "acme", EVIDENCE_IN, EVIDENCE_ENCRYPTED, "", "",
		"received", 1, "", 0, "", "no-certificate", T0 + 9},
	    RECEIVED("bolt", IN, TRUSTED, "received", T0 + 7),
	    RECEIVED("crate", IN, ENCRYPTED, "received", 0),
	    RECEIVED("stranger.example", IN, ENCRYPTED, "received", T0),
	    RECEIVED("other", IN, ENCRYPTED, "received", T0)};
	static const struct evidence_count older[] = {
	    RECEIVED("acme", IN, ENCRYPTED, "received", T0 + 2),
	    RECEIVED("bolt", IN, ENCRYPTED, "received", T0 + 8)};
	struct evidence_batch b = {.count = add, .ncounts = COUNT(add)};
	struct gathered g = {0};

	(void)state;
	well("add", evidence_log_add(evi, &b, &err));
	b = (struct evidence_batch){.count = older, .ncounts = COUNT(older)};
	well("again", evidence_log_add(evi, &b, &err));
	well("all", evidence_received(evi, NULL, show_received, &g, &err));
	well("one", evidence_received(evi, "acme", show_received, &g, &err));
	well("none", evidence_received(NULL, NULL, show_received, &g, &err));
	check_str("received", g.text, "acme +5\nbolt +8\nacme +5\n");
}

static void
t_rules(void **state)
{
	static const struct evidence_count add[] = {
	    {"2026-11-23", "acme", EVIDENCE_OUT, EVIDENCE_VERIFIED, "p", "c",
		"sent", 1, "secure", 0, "ca", "ok", 0},
	    {"2026-11-23", "acme", EVIDENCE_OUT, EVIDENCE_VERIFIED, "p", "c",
		"sent", 2, "key", 4, "key", "ok", 0},
	    {"2026-11-23", "acme", EVIDENCE_OUT, EVIDENCE_TRUSTED, "p", "c",
		"sent", 3, "secure", 0, "", "ok", 0},
	    {"2026-11-23", "acme", EVIDENCE_OUT, EVIDENCE_TRUSTED, "p", "c",
		"sent", 4, "encrypt", 5, "", "ok", 0},
	    {"2026-11-23", "acme", EVIDENCE_OUT, EVIDENCE_CLEAR, "", "", "sent",
		5, "encrypt", 5, "", "ok", 0},
	    {"2026-11-23", "acme", EVIDENCE_OUT, EVIDENCE_CLEAR, "", "",
		"deferred", 6, "secure", 0, "", "expired", 0},
	    {"2026-11-23", "acme", EVIDENCE_OUT, EVIDENCE_CLEAR, "", "", "sent",
		7, "opportunistic", 0, "", "ok", 0},
	    {"2026-11-23", "acme", EVIDENCE_IN, EVIDENCE_ENCRYPTED, "p", "c",
		"received", 8, "secure", 0, "", "ok", 0},
	    {"2026-11-23", "acme", EVIDENCE_IN, EVIDENCE_CLEAR, "", "",
		"received", 9, "encrypt", 0, "", "ok", 0},
	};
	struct evidence_batch b = {.count = add, .ncounts = COUNT(add)};
	struct gathered g = {0};

	(void)state;
	by_hand_in(seen, BEFORE_RULES
	    "INSERT INTO log_count VALUES('2026-11-22', 'acme', 1, 3, 'p', 'c',"
	    " 'sent', 77)");
	evidence_close(evi);
	evi = must_see(EVIDENCE_WRITE);
	well("add", evidence_log_add(evi, &b, &err));
	well("again", evidence_log_add(evi, &b, &err));
	well("counts", evidence_counts(evi, NULL, "", "", show_rule, &g, &err));
	check_str("by rule", g.text,
	    "out verified \"\" 0 \"\" \"\" 77\n"
	    "in clear \"encrypt\" 0 \"\" \"ok\" 18\n"
	    "in encrypted \"secure\" 0 \"\" \"ok\" 16 kept\n"
	    "out clear \"secure\" 0 \"\" \"expired\" 12\n"
	    "out clear \"encrypt\" 5 \"\" \"ok\" 10\n"
	    "out clear \"opportunistic\" 0 \"\" \"ok\" 14 kept\n"
	    "out trusted \"encrypt\" 5 \"\" \"ok\" 8 kept\n"
	    "out trusted \"secure\" 0 \"\" \"ok\" 6\n"
	    "out verified \"key\" 4 \"key\" \"ok\" 4 kept\n"
	    "out verified \"secure\" 0 \"ca\" \"ok\" 2 kept\n");
}

static bool
show_hour(const struct evidence_hour *h, void *arg)
{
	return gather(arg, "+%lld %s %llu\n", (long long)(h->hour - T0),
	    h->host, (unsigned long long)h->n);
}

static bool
show_wait(const struct evidence_wait *w, void *arg)
{
	return gather(arg, "%s %s %s %s %s +%lld\n", w->host, w->queue_id,
	    w->domain, w->partner, w->fault, (long long)(w->since - T0));
}

static bool
show_waited(const struct evidence_waited *w, void *arg)
{
	return gather(arg, "%s %s %s %s %llu %llu\n", w->day, w->partner,
	    w->fault, w->result, (unsigned long long)w->n,
	    (unsigned long long)w->seconds);
}

static void
t_waits(void **state)
{
	struct evidence_hour hour[] = {
	    {T0, "mx1", 5}, {T0 + 3600, "mx1", 1}, {T0, "", 2}};
	struct evidence_wait wait[] = {
	    {"mx1", "4A", "a.example", "acme", "ok", T0 + 5, 0, ""},
	    {"mx1", "4A", "a.example", "acme", "expired", T0 + 9, 0, ""},
	    {"mx2", "4A", "a.example", "acme", "expired", T0, 0, ""},
	    {"mx1", "4B", "a.example", "acme", "expired", T0, T0 + 60, "sent"},
	    {"mx1", "4C", "a.example", "acme", "expired", T0, T0 + 40, "sent"},
	    {"mx1", "4D", "b.example", "b.example", "no-starttls", T0 + 9, T0,
		"expired"},
	};
	struct evidence_batch b = {
	    .hour = hour, .nhours = 3, .wait = wait, .nwaits = 6};
	struct gathered g = {0};

	(void)state;
	well("add", evidence_log_add(evi, &b, &err));
	hour[0].n = 70;
	b.nhours = b.nwaits = 1;
	wait[0] = (struct evidence_wait){"mx2", "4A", "a.example", "acme",
	    "expired", T0, T0 + 86400, "sent"};
	well("more", evidence_log_add(evi, &b, &err));
	well("hours", evidence_hours(evi, T0, T0 + 3600, show_hour, &g, &err));
	check_str("hours", g.text, "+0  2\n+0 mx1 75\n");
	g = (struct gathered){0};
	well("hours", evidence_hours(evi, T0 + 1, 0, show_hour, &g, &err));
	check_str("later hours", g.text, "+3600 mx1 1\n");
	g = (struct gathered){0};
	well("waits", evidence_waits(evi, show_wait, &g, &err));
	check_str("what waits", g.text, "mx1 4A a.example acme expired +9\n");
	g = (struct gathered){0};
	well("waited",
	    evidence_waited(evi, NULL, "", "", show_waited, &g, &err));
	check_str("what waited", g.text,
	    "2026-11-23 acme expired sent 2 100\n"
	    "2026-11-23 b.example no-starttls expired 1 0\n"
	    "2026-11-24 acme expired sent 1 86400\n");
	well("prune", evidence_prune(evi, T0 + 10, &err));
	g = (struct gathered){0};
	well("waits", evidence_waits(evi, show_wait, &g, &err));
	check_str("nobody waits for ever", g.text, "");
}

/* Only so many wait: the oldest make room. */
static void
t_many_waits(void **state)
{
	struct evidence_wait *w;
	struct evidence_batch b = {.nwaits = EVIDENCE_WAITS_MAX + 3};
	char id[32][16];
	struct gathered g = {.stop_at = 1};
	size_t i;

	(void)state;
	b.wait = w = calloc(b.nwaits, sizeof(*w));
	for (i = 0; i < COUNT(id); i++)
		(void)snprintf(id[i], sizeof(id[i]), "h%zu", i);
	for (i = 0; i < b.nwaits; i++)
		w[i] = (struct evidence_wait){.host = id[i / 1024],
		    .queue_id = id[i % 32],
		    .domain = id[i / 32 % 32],
		    .partner = "acme",
		    .fault = "expired",
		    .since = T0 + (time_t)i};
	well("add", evidence_log_add(evi, &b, &err));
	well("waits", evidence_waits(evi, show_wait, &g, &err));
	check_str("the oldest", g.text, "h0 h3 h0 acme expired +3\n");
	free(w);
}

/* Who goes on from a place that somebody else left meanwhile adds nothing. */
static void
t_positions(void **state)
{
	static const struct evidence_count count = {"2026-11-23", "acme",
	    EVIDENCE_OUT, EVIDENCE_CLEAR, "", "", "sent", .n = 1};
	struct evidence_position was = {.device = 1, .inode = 2};
	struct evidence_position pos = {.path = "/l",
	    .device = 1,
	    .inode = 2,
	    .first = KEY_A,
	    .offset = 100,
	    .tail = KEY_B,
	    .was = &was};
	struct evidence_batch b = {
	    .count = &count, .ncounts = 1, .position = &pos, .npositions = 1};
	struct gathered g = {0};

	(void)state;
	/* As it was before there were tails. */
	by_hand_in(seen, BEFORE_RULES "DROP TABLE log_exchange;"
				      "ALTER TABLE position DROP COLUMN tail;"
				      "PRAGMA user_version=2");
	evidence_close(evi);
	evi = must_see(EVIDENCE_WRITE);
	well("new", evidence_log_add(evi, &b, &err));
	check_int("new again", evidence_log_add(evi, &b, &err), -1);
	check_int("new again", err.code, EX_TEMPFAIL);
	check_has("new again", err.text, "another tlspact-log");
	was.offset = 100;
	pos.offset = 200;
	well("on", evidence_log_add(evi, &b, &err));
	check_int("on again", evidence_log_add(evi, &b, &err), -1);
	/* Under another name: who reads the first one is to notice. */
	pos.inode = 3;
	was.offset = 200;
	pos.offset = 300;
	well("a copy", evidence_log_add(evi, &b, &err));
	pos.inode = 2;
	check_int("the first name", evidence_log_add(evi, &b, &err), -1);
	well("positions", evidence_positions(evi, show_position, &g, &err));
	check_str("positions", g.text,
	    "/l 1 2 aa 300 +-1795435200\n/l 1 3 aa 300 +-1795435200\n");
	g = (struct gathered){0};
	well(
	    "counts", evidence_counts(evi, NULL, "", "", show_count, &g, &err));
	check_str("counts", g.text, "2026-11-23 acme out clear   sent 3\n");
}

static void
t_failures(void **state)
{
	struct evidence_failure *f;
	struct evidence_batch b = {.nfailures = EVIDENCE_FAILURES_MAX + 50};
	struct gathered g = {.stop_at = 2};
	size_t i;

	(void)state;
	b.failure = f = calloc(b.nfailures, sizeof(*f));
	for (i = 0; i < b.nfailures; i++)
		f[i] = (struct evidence_failure){
		    .time = T0 + (time_t)(i < 5 ? 4 - i : i),
		    .partner = i < 5 ? "globex" : "acme",
		    .direction = EVIDENCE_OUT,
		    .fault = i % 2 == 0 ? "expired" : "no-starttls",
		    .queue_id = "4XYZ"};
	f[i - 1].time--; /* two at once */
	well("add", evidence_log_add(evi, &b, &err));
	well("few", evidence_failures(evi, T0 + 3, show_failure, &g, &err));
	check_str("few", g.text,
	    "+3 globex no-starttls 4XYZ\n+4 globex expired 4XYZ\n");
	g = (struct gathered){0};
	well("all", evidence_failures(evi, 0, show_failure, &g, &err));
	check_int("bounded", g.n, EVIDENCE_FAILURES_MAX + 5);
	g = (struct gathered){0};
	well("last",
	    evidence_last_failures(evi, NULL, T0, show_failure, &g, &err));
	check_str("last", g.text,
	    "+1048 acme no-starttls 4XYZ\n+4 globex expired 4XYZ\n");
	g = (struct gathered){0};
	well("last", evidence_last_failures(
			 evi, "globex", T0 + 4, show_failure, &g, &err));
	check_str("last of one", g.text, "+4 globex expired 4XYZ\n");
	g = (struct gathered){0};
	well("last", evidence_last_failures(
			 evi, "globex", T0 + 5, show_failure, &g, &err));
	check_str("none since", g.text, "");
	g = (struct gathered){0};
	check_sums("sums", "2026-11-23 acme 1 expired 22\n"
			   "2026-11-23 acme 1 no-starttls 23\n");
	well("prune", evidence_prune(evi, T0 + 100000, &err));
	check_sums("what was pruned is in the sums",
	    "2026-11-23 acme 1 expired 522\n"
	    "2026-11-23 acme 1 no-starttls 522\n"
	    "2026-11-23 globex 1 expired 3\n"
	    "2026-11-23 globex 1 no-starttls 2\n");
	g = (struct gathered){0};
	well("all", evidence_failures(evi, 0, show_failure, &g, &err));
	check_str("but the last", g.text, "+1048 acme no-starttls 4XYZ\n");
	free(f);
}

/* What anybody sends in a partner's name hides nothing of mail to it. */
static void
t_failures_of_strangers(void **state)
{
	struct evidence_failure *f, ours = {.time = T0,
					.partner = "acme",
					.direction = EVIDENCE_OUT,
					.fault = "expired",
					.queue_id = "4OUT"};
	struct evidence_batch b = {.failure = &ours, .nfailures = 1};
	struct gathered g = {0};
	size_t i;

	(void)state;
	well("ours", evidence_log_add(evi, &b, &err));
	b.nfailures = EVIDENCE_FAILURES_MAX + 5;
	b.failure = f = calloc(b.nfailures, sizeof(*f));
	for (i = 0; i < b.nfailures; i++)
		f[i] = (struct evidence_failure){.time = T0 + 1 + (time_t)i,
		    .partner = "acme",
		    .direction = EVIDENCE_IN,
		    .fault = "no-starttls",
		    .queue_id = "NOQUEUE"};
	well("theirs", evidence_log_add(evi, &b, &err));
	well("last",
	    evidence_last_failures(evi, NULL, 0, show_failure, &g, &err));
	check_str("one of each direction", g.text,
	    "+1005 acme no-starttls NOQUEUE\n+0 acme expired 4OUT\n");
	g = (struct gathered){0};
	well("last", evidence_last_failures(
			 evi, "acme", T0 + 1, show_failure, &g, &err));
	check_str("of one", g.text, "+1005 acme no-starttls NOQUEUE\n");
	free(f);
}

/* Batches of failures, each with a minute of its own, read once each. */
static void
t_failures_after(void **state)
{
	static const struct {
		const char *name;
		int begin, n; /* minutes */
		bool prune;   /* what is older than minute 90 */
		const char *want;
	} rows[] = {
	    {"first", 80, 2, false, "+4800 acme ok\n+4860 acme ok\n"},
	    {"nothing new", 0, 0, false, ""},
	    {"late", 70, 2, false, "+4200 acme ok\n+4260 acme ok\n"},
	    {"too late", 10, 1, false, ""},
	    {"the last one is old", 0, 0, true, ""},
	    {"after all was pruned", 100, 4, true,
		"+6000 acme ok\n+6060 acme ok\n+6120 acme ok\n"
		"+6180 acme ok\n"},
	};
	struct evidence_failure f[4];
	struct evidence_batch b = {.failure = f};
	struct last_failure last = {0};
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (k = 0; k < rows[i].n; k++)
			f[k] = (struct evidence_failure){
			    .time = T0 + (rows[i].begin + k) * 60,
			    .partner = "acme",
			    .direction = EVIDENCE_OUT,
			    .fault = "ok"};
		b.nfailures = (size_t)rows[i].n;
		if (rows[i].prune)
			well(rows[i].name,
			    evidence_prune(evi, T0 + 90 * 60, &err));
		well(rows[i].name, evidence_log_add(evi, &b, &err));
		last.g = (struct gathered){0};
		well(rows[i].name, evidence_failures_after(evi, last.id,
				       T0 + 60 * 60, show_new, &last, &err));
		check_str(rows[i].name, last.g.text, rows[i].want);
	}
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

/* What is in the table, in the order of its first columns. */
static bool
show_look(const struct evidence_probe *p, void *arg)
{
	return gather(arg, "%lld %s +%lld..+%lld %s %llu %s\n",
	    (long long)p->id, p->host, (long long)(p->first - T0),
	    (long long)(p->time - T0), p->fault, (unsigned long long)p->n,
	    p->detail);
}

/* As before anybody opened anything, but for the ledger that sql makes. */
static void
old_ledger(const char *sql)
{
	ledger_close(led);
	evidence_close(evi);
	led = NULL;
	evi = NULL;
	free(file);
	free(seen);
	file = check_path(dir, "old.db");
	seen = check_path(dir, "seen.db");
	by_hand(sql);
}

static void
t_migrate_1(void **state)
{
	char key[EVIDENCE_KEY];
	size_t flaws;

	(void)state;
	old_ledger(version_1);
	led = must_open(file, LEDGER_READ);
	well("a reader has a copy",
	    ledger_check(led, NULL, NULL, NULL, NULL, &flaws, &err));
	check_int("which is whole", flaws, 0);
	ledger_close(led);
	assert_null(evidence_open(seen, file, EVIDENCE_READ, &err));
	check_int("nor is it empty", err.code, EX_DATAERR);
	led = must_open(file, LEDGER_WRITE);
	assert_null(evidence_open(seen, file, EVIDENCE_READ, &err));
	check_int("still in the ledger", err.code, EX_DATAERR);
	check_has("still in the ledger", err.text, "tlspact-probe");
	evi = must_see(EVIDENCE_WRITE);
	check_gateways("kept", NULL, 0,
	    "acme mx1 192.0.2.1 +1 expired since +1 run 1 passed +0 \n");
	well("key", evidence_passed_key(evi, "acme", "mx1", key, &err));
	check_str("how it passed is not known", key, "");
	well("new tables", add_event("notice", "", "", T0));
	well("check", ledger_check(led, NULL, NULL, NULL, NULL, &flaws, &err));
	check_int("check", flaws, 0);
	well("add", probe("acme", "mx1", T0 + 9, "expired", KEY_A, PEM_A));
	check_gateways("goes on", NULL, 0,
	    "acme mx1 192.0.2.1 +9 expired since +1 run 2 passed +0 \n");
	by_hand("PRAGMA user_version=99");
	assert_null(ledger_open(file, LEDGER_WRITE, &err));
	check_int("newer", err.code, EX_UNAVAILABLE);
	check_has("newer", err.text, "written by a newer tlspact");
	evidence_close(evi);
	evi = must_see(EVIDENCE_WRITE);
	by_hand_in(seen, "PRAGMA user_version=99");
	assert_null(evidence_open(seen, file, EVIDENCE_READ, &err));
	check_int("newer", err.code, EX_UNAVAILABLE);
}

/* The whole of golden/ledger-3.sql, as it is to be found in the evidence. */
static void
check_moved(const char *row)
{
	struct gathered g = {0};
	size_t flaws;

	check_gateways(row, NULL, 0,
	    "acme mx1 192.0.2.1 +45000 expired since +44100 run 2 passed "
	    "+43500 \n"
	    "acme mx2 192.0.2.1 +48600 connect-timeout since +48600 run 1 "
	    "passed +47700 \n"
	    "globex mx 192.0.2.1 +900 ok since +0 run 2 passed +900  "
	    "pass\n");
	well(row, evidence_probes(evi, NULL, 0, show_look, &g, &err));
	check_str(row, g.text,
	    "13 mx2 +48600..+48600 connect-timeout 1 timed out\n"
	    "12 mx2 +47700..+47700 ok 1 \n"
	    "11 mx2 +45900..+46800 connect-timeout 2 timed out\n"
	    "8 mx2 +45000..+45000 ok 1 \n"
	    "7 mx1 +44100..+45000 expired 2 expired 2 days ago\n"
	    "9 mx1 +43200..+43500 ok 2 \n"
	    "4 mx1 +-900..+42300 ok 4 \n"
	    "15 mx +0..+900 ok 2 \n");
	g = (struct gathered){0};
	well(row, evidence_chains(evi, NULL, show_probe, &g, &err));
	check_str(row, g.text,
	    "acme mx1 +45000 expired aa 59\nacme mx2 +47700 ok bb 59\n"
	    "globex mx +900 ok aa 59\n");
	g = (struct gathered){0};
	well(row, evidence_counts(evi, NULL, "", "", show_count, &g, &err));
	well(row, evidence_failures(evi, 0, show_failure, &g, &err));
	well(row, evidence_positions(evi, show_position, &g, &err));
	check_str(row, g.text,
	    "2026-11-22 other in clear   sent 1\n"
	    "2026-11-23 acme out verified TLSv1.3 C sent 2\n"
	    "+1000 acme expired Q1000\n+1001 acme expired Q1001\n"
	    "+1002 acme expired Q1002\n"
	    "/var/log/mail.log 1 2 aa 4096 +0\n");
	g = (struct gathered){0};
	well(row, ledger_check(led, NULL, show_flaw, &g, NULL, &flaws, &err));
	check_str(row, g.text, "");
	/* What was there is gone, and what was done twice does no harm. */
	by_hand("CREATE TABLE old_probe(x); DROP TABLE old_probe");
}

/* The text of golden/ledger-3.sql. */
static char *
golden(void)
{
	FILE *f = fopen("tests/golden/ledger-3.sql", "r");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 1000);
	(void)fclose(f);
	return text;
}

static void
t_migrate_3(void **state)
{
	char *sql = golden();
	struct gathered g = {0};

	(void)state;
	old_ledger(sql);
	/* The map can be compiled before anybody has moved anything. */
	led = must_open(file, LEDGER_WRITE);
	evi = must_see(EVIDENCE_WRITE);
	check_moved("moved");
	evidence_close(evi);
	evi = must_see(EVIDENCE_WRITE);
	check_moved("once only");
	well("add", probe("globex", "mx", T0 + 1800, "ok", KEY_A, PEM_A));
	well("new", evidence_probes(evi, "globex", 0, show_judged, &g, &err));
	check_str("the count of looks goes on", g.text,
	    "16 ok +1800..+1800 1 2 \n15 ok +0..+900 2 1 \n");
	/* Who has the evidence needs the ledger no more. */
	evidence_close(evi);
	by_hand("PRAGMA user_version=99");
	evi = must_see(EVIDENCE_READ);
	free(sql);
}

/* Killed between the two files: copied, and not yet dropped. */
static void
t_migrate_between(void **state)
{
	char *sql = golden();

	(void)state;
	old_ledger(sql);
	evi = must_see(EVIDENCE_WRITE);
	evidence_close(evi);
	by_hand_in(seen, "UPDATE state SET taken = 1");
	(void)unlink(file);
	by_hand(sql);
	evi = must_see(EVIDENCE_READ);
	evidence_close(evi);
	evi = must_see(EVIDENCE_WRITE);
	led = must_open(file, LEDGER_WRITE);
	check_moved("once only");
	/* Killed before that: there is a file, and nothing in it yet. */
	evidence_close(evi);
	ledger_close(led);
	evi = NULL;
	led = NULL;
	(void)unlink(file);
	(void)unlink(seen);
	evi = evidence_open(seen, NULL, EVIDENCE_WRITE, &err);
	evidence_close(evi);
	by_hand(sql);
	evi = evidence_open(seen, file, EVIDENCE_READ, &err);
	assert_null(evi);
	check_int("not taken for empty", err.code, EX_DATAERR);
	evi = must_see(EVIDENCE_WRITE);
	led = must_open(file, LEDGER_WRITE);
	check_moved("now");
	free(sql);
}

/* What cannot be moved is neither lost nor passed over. */
static void
t_migrate_not(void **state)
{
	char *sql = golden();
	sqlite3 *raw;

	(void)state;
	old_ledger(sql);
	assert_int_equal(sqlite3_open(file, &raw), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(raw, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_null(evidence_open(seen, file, EVIDENCE_WRITE, &err));
	check_int("locked", err.code, EX_TEMPFAIL);
	check_has("which", err.text, "cannot move what was seen");
	assert_null(evidence_open(seen, file, EVIDENCE_READ, &err));
	sqlite3_close(raw);
	/* Half of it, and no more: all stays where it was. */
	by_hand_in(seen, "ALTER TABLE position RENAME TO gone");
	assert_null(evidence_open(seen, file, EVIDENCE_WRITE, &err));
	check_has("half", err.text, "cannot move what was seen");
	by_hand_in(seen, "ALTER TABLE gone RENAME TO position");
	evi = must_see(EVIDENCE_WRITE);
	led = must_open(file, LEDGER_WRITE);
	check_moved("nothing is lost");
	evidence_close(evi);
	ledger_close(led);
	evi = NULL;
	led = NULL;
	(void)unlink(seen);
	check_puts(file, "no database, but long enough to be taken for one, "
			 "as it has more than a hundred bytes: neither more "
			 "nor less than that.");
	assert_null(evidence_open(seen, file, EVIDENCE_WRITE, &err));
	check_int("damaged", err.code, EX_DATAERR);
	(void)unlink(file);
	by_hand(sql);
	evi = must_see(EVIDENCE_WRITE);
	led = must_open(file, LEDGER_WRITE);
	check_moved("moved");
	free(sql);
}

/* One statement, or one write to the disk, less each time. */
static void
t_migrate_killed(void **state)
{
	char *sql = golden();
	int status, round;
	pid_t pid;

	(void)state;
	for (round = 0; round < 40; round++) {
		old_ledger(sql);
		if ((pid = fork()) == 0) {
			evi = evidence_open(seen, file, EVIDENCE_WRITE, &err);
			_exit(evi == NULL);
		}
		usleep((useconds_t)(250 * round));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		evi = must_see(EVIDENCE_WRITE);
		led = must_open(file, LEDGER_WRITE);
		check_moved("killed");
		(void)unlink(file);
		(void)unlink(seen);
	}
	free(sql);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_probes),
	    CASE(t_gone),
	    CASE(t_looked),
	    CASE(t_blind),
	    CASE(t_runs),
	    CASE(t_shown),
	    CASE(t_exact),
	    CASE(t_keys),
	    CASE(t_probe_refused),
	    CASE(t_log),
	    CASE(t_received),
	    CASE(t_rules),
	    CASE(t_waits),
	    CASE(t_many_waits),
	    CASE(t_positions),
	    CASE(t_failures),
	    CASE(t_failures_of_strangers),
	    CASE(t_failures_after),
	    CASE(t_migrate_1),
	    CASE(t_migrate_3),
	    CASE(t_migrate_between),
	    CASE(t_migrate_not),
	    CASE(t_migrate_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
