#include "ledgerlab.h"

#include "clock.h"
#include "day.h"
#include "ledger_rename.h"
#include "settings.h"

static int64_t
begun_for(const char *partner, time_t now)
{
	struct ledger_downgrade d = lowering;

	d.partner = partner;
	d.end = T0 + 7200;
	return begun(&d, now);
}

static void
renamed(const char *from, const char *to, time_t now, int want)
{
	check_int(to, ledger_rename(led, from, to, "jo", now, &err), want);
}

static bool
show_downgrade(const struct ledger_downgrade *d, void *arg)
{
	return gather(arg, "%lld %s%s; ", (long long)d->id, d->partner,
	    d->closed == 0 ? "" : " closed");
}

static void
downgrades_are(const char *row, const char *partner, const char *want)
{
	struct gathered g = {0};

	well(row, ledger_downgrades(led, partner, 0, show_downgrade, &g, &err));
	check_str(row, g.text, want);
}

static void
open_are(const char *row, time_t now, uint64_t max, const char *want)
{
	struct gathered g = {0};
	struct ledger_believed o;
	size_t i;

	well(row, ledger_believed(led, now, max, &o, &err));
	for (i = 0; i < o.n; i++)
		(void)gather(&g, "%lld %s %lld%s; ", (long long)o.v[i].d.id,
		    o.v[i].d.partner, (long long)(o.v[i].d.end - T0),
		    o.v[i].doubt == NULL ? "" : o.v[i].doubt);
	ledger_believed_release(&o);
	check_str(row, g.text, want);
}

static void
whole(void)
{
	size_t flaws;

	well("check", ledger_check(led, NULL, NULL, NULL, NULL, &flaws, &err));
	check_int("whole", flaws, 0);
}

/* It goes on to the same end, and the record stays whole. */
static void
t_open(void **state)
{
	int64_t id = begun_for("acme", T0);

	(void)state;
	renamed("acme", "acme2", T0 + 10, 1);
	open_are("goes on", T0 + 10, 86400, "1 acme2 7200; ");
	renamed("acme", "acme2", T0 + 11, 0);
	check_int("extend",
	    ledger_downgrade_extend(
		led, id, T0 + 9000, "jo", "", T0 + 20, &err),
	    0);
	well("settle", ledger_downgrade_settle(led, T0 + 9000, &err));
	open_are("over", T0 + 9000, 86400, "");
	downgrades_are("by its new name", "acme2", "1 acme2 closed; ");
	downgrades_are("not by the old one", "acme", "");
	whole();
}

/* The limit counts from the last word on the end, not from the rename. */
static void
t_extended(void **state)
{
	int64_t id = begun_for("acme", T0);

	(void)state;
	well("extend", ledger_downgrade_extend(
			   led, id, T0 + 14000, "jo", "", T0 + 7000, &err));
	renamed("acme", "acme2", T0 + 7100, 1);
	open_are("believed", T0 + 7100, 7200, "1 acme2 14000; ");
	whole();
}

/* What was closed before is found by the new name; so is what two had. */
static void
t_merge(void **state)
{
	int64_t id = begun_for("a", T0);

	(void)state;
	well("close", ledger_downgrade_close(led, id, "jo", "", T0 + 1, &err));
	(void)begun_for("a", T0 + 2);
	(void)begun_for("b", T0 + 3);
	renamed("a", "c", T0 + 4, 1);
	renamed("b", "c", T0 + 4, 1);
	open_are("one goes on", T0 + 4, 86400, "2 c 7200; ");
	downgrades_are("all", "c", "3 c closed; 2 c; 1 c closed; ");
	whole();
}

/* What is open has the name that it goes by, whoever had that before. */
static void
t_taken_over(void **state)
{
	(void)state;
	(void)begun_for("initech", T0);
	renamed("acme", "acme2", T0 + 10, 1);
	renamed("initech", "acme", T0 + 20, 1);
	downgrades_are("its own", "acme", "1 acme; ");
	downgrades_are("not the other's", "acme2", "");
	well("settle", ledger_downgrade_settle(led, T0 + 7200, &err));
	downgrades_are("over", "acme", "1 acme closed; ");
	whole();
}

/* A row that somebody edited is not made good by a rename. */
static void
t_edited(void **state)
{
	struct ledger_believed o;

	(void)state;
	(void)begun_for("acme", T0);
	by_hand("UPDATE downgrade SET after = 'opportunistic'");
	renamed("acme", "acme2", T0 + 1, 1);
	well("read", ledger_believed(led, T0 + 1, 86400, &o, &err));
	check_int("one", o.n, 1);
	assert_non_null(o.v[0].doubt);
	ledger_believed_release(&o);
}

/* There and back, and the name is another's later. */
static void
t_names(void **state)
{
	static const struct {
		const char *row, *name;
		time_t at;
		const char *want;
	} rows[] = {
	    {"first", "acme", T0, "acme"},
	    {"between", "acme2", T0 + 15, "acme"},
	    {"third", "acme", T0 + 25, "acme3"},
	    {"last", "acme3", T0 + 40, "acme3"},
	    {"somebody else", "acme", T0 + 40, "acme"},
	    {"stranger", "globex", T0, "globex"},
	};
	struct ledger_names n;
	size_t i;

	(void)state;
	renamed("acme", "acme2", T0 + 10, 1);
	renamed("acme2", "acme", T0 + 20, 1);
	well("read", ledger_names_read(led, &n, &err));
	for (i = 0; i < 2; i++)
		check_str(rows[i].row,
		    ledger_name_now(&n, rows[i].name, 0, rows[i].at), "acme");
	ledger_names_release(&n);
	renamed("acme", "acme3", T0 + 30, 1);
	well("read", ledger_names_read(led, &n, &err));
	for (i = 2; i < COUNT(rows); i++)
		check_str(rows[i].row,
		    ledger_name_now(&n, rows[i].name, 0, rows[i].at),
		    rows[i].want);
	check_str("all the way", ledger_name_now(&n, "acme2", 0, T0), "acme3");
	check_str("by the event", ledger_name_now(&n, "acme", 2, 0), "acme3");
	check_str("after it", ledger_name_now(&n, "acme", 3, 0), "acme");
	ledger_names_release(&n);
	/* Somebody wrote under the old name since: it is due again. */
	(void)begun_for("acme", T0 + 50);
	renamed("acme", "acme3", T0 + 60, 1);
	open_are("follows", T0 + 60, 86400, "1 acme3 7200; ");
	check_int("by nobody else",
	    ledger_event_add(led,
		&(struct ledger_event){
		    .kind = LEDGER_RENAMED, .partner = "x", .time = T0},
		&err),
	    -1);
	check_int("no names", ledger_rename(led, "x", "x", "jo", T0, &err), -1);
	whole();
}

static struct evidence_count counted = {.day = "2026-11-23",
    .partner = "acme",
    .direction = EVIDENCE_OUT,
    .seen = EVIDENCE_VERIFIED,
    .result = "sent",
    .n = 7};

static struct evidence_failure failed = {.time = T0 + 5,
    .partner = "acme",
    .direction = EVIDENCE_OUT,
    .fault = "no-starttls",
    .domain = "acme.example"};

static void
add_log(const char *row)
{
	const struct evidence_batch b = {.count = &counted,
	    .ncounts = 1,
	    .failure = &failed,
	    .nfailures = 1};

	well(row, evidence_log_add(evi, &b, &err));
}

static bool
show_count(const struct evidence_count *c, void *arg)
{
	return gather(arg, "%s %s %d; ", c->day, c->partner, (int)c->n);
}

static bool
show_failure(const struct evidence_failure *f, void *arg)
{
	return gather(arg, "%s %lld; ", f->partner, (long long)(f->time - T0));
}

static bool
show_gateway(const struct evidence_gateway *g, void *arg)
{
	return gather(arg, "%s run %u; ", g->last.partner, g->run);
}

static bool
show_gateway_now(const struct evidence_gateway *g, void *arg)
{
	return gather(arg, "%s %s %s %lld passed %lld; ", g->last.partner,
	    g->last.host, g->last.fault, (long long)(g->last.time - T0),
	    (long long)(g->passed - T0));
}

static bool
show_chain(const struct evidence_probe *p, void *arg)
{
	return gather(arg, "%s %lld; ", p->host, (long long)(p->time - T0));
}

static bool
show_probe(const struct evidence_probe *p, void *arg)
{
	return gather(arg, "%s; ", p->partner);
}

/* What is seen of the names, in the words of those who read it. */
static void
seen_as(const char *row, const char *want)
{
	struct gathered g = {0};

	well(row, evidence_counts(evi, NULL, "", "", show_count, &g, &err));
	well(row, evidence_failures(evi, 0, show_failure, &g, &err));
	well(row, evidence_last_failures(evi, NULL, 0, show_failure, &g, &err));
	well(row, evidence_gateways(evi, NULL, 0, show_gateway, &g, &err));
	well(row, evidence_probes(evi, NULL, 0, show_probe, &g, &err));
	check_str(row, g.text, want);
}

/* Who opens it follows: counts, failures, gateways, the key that passed. */
static void
t_seen(void **state)
{
	struct settings set = {.ledger = file, .evidence = seen};
	struct gathered g = {0};
	char key[EVIDENCE_KEY];
	struct day_seals seals = {0};
	size_t flaws = 0;

	(void)state;
	well("probe", probe("acme", "mx1", T0, "ok", KEY_A, PEM_A));
	add_log("before");
	well("day", day_run(led, &set, T0 + CLOCK_DAY, &err));
	renamed("acme", "acme2", T0 + CLOCK_DAY, 1);
	seen_as(
	    "not yet", "2026-11-23 acme 7; acme 5; acme 5; acme run 1; acme; ");
	evidence_close(evi);
	evi = must_see(EVIDENCE_WRITE);
	seen_as("followed",
	    "2026-11-23 acme2 7; acme2 5; acme2 5; acme2 run 1; acme2; ");
	well("key", evidence_passed_key(evi, "acme2", "mx1", key, &err));
	check_str("key", key, KEY_A);
	/* What comes goes on; what was read late is one sum with the rest. */
	counted.partner = failed.partner = "acme2";
	failed.time = T0 + CLOCK_DAY + 5;
	well("probe",
	    probe("acme2", "mx1", T0 + CLOCK_DAY + 10, "ok", KEY_A, PEM_A));
	add_log("late");
	seen_as("goes on",
	    "2026-11-23 acme2 14; acme2 5; acme2 86405; acme2 86405; "
	    "acme2 run 2; acme2; acme2; ");
	well("days", day_run(led, &set, T0 + 3 * CLOCK_DAY, &err));
	well("check", day_check(led, &set, T0 + 3 * CLOCK_DAY, show_flaw, &g,
			  &flaws, &seals, &err));
	check_str("whole", g.text, "");
	whole();
	/* The name is somebody else's later. */
	counted.partner = failed.partner = "acme";
	counted.day = "2026-11-25";
	failed.time = T0 + 2 * CLOCK_DAY;
	well("probe",
	    probe("acme", "mx1", T0 + 2 * CLOCK_DAY, "ok", KEY_A, PEM_A));
	add_log("another");
	evidence_close(evi);
	evi = must_see(EVIDENCE_WRITE);
	seen_as("another",
	    "2026-11-23 acme2 14; 2026-11-25 acme 7; acme2 5; acme2 86405; "
	    "acme 172800; acme 172800; acme2 86405; acme run 1; acme2 run 2; "
	    "acme; acme2; acme2; ");
	counted.partner = failed.partner = "acme";
}

/* Looked at under the new name before the record knew of it. */
static void
t_looked_before(void **state)
{
	const time_t day[] = {
	    T0, T0 + CLOCK_DAY, T0 + 2 * CLOCK_DAY, T0 + 3 * CLOCK_DAY};
	struct settings set = {.ledger = file, .evidence = seen};
	struct gathered g = {0};
	char key[EVIDENCE_KEY];
	struct day_seals seals = {0};
	size_t flaws = 0;

	(void)state;
	well("acme", probe("acme", "mx1", day[0], "ok", KEY_A, PEM_A));
	well("acme", probe("acme", "mx2", day[0], "ok", KEY_B, PEM_A));
	well("gone", probe("acme", "mx3", day[0], "ok", KEY_B, PEM_A));
	well("new", probe("acme2", "mx1", day[1], "expired", KEY_A, PEM_B));
	well("new", probe("acme2", "mx2", day[1], "ok", KEY_A, PEM_B));
	/* It was called so again for a day. */
	well("back", probe("acme", "mx2", day[2], "expired", KEY_B, PEM_A));
	well("days", day_run(led, &set, day[3], &err));
	renamed("acme", "acme2", day[3], 1);
	well("key", evidence_passed_key(evi, "acme2", "mx1", key, &err));
	check_str("not yet", key, "");
	evidence_close(evi);
	evi = must_see(EVIDENCE_WRITE);
	well("key", evidence_passed_key(evi, "acme2", "mx1", key, &err));
	check_str("the key that passed before", key, KEY_A);
	well("key", evidence_passed_key(evi, "acme2", "mx2", key, &err));
	check_str("the last one", key, KEY_A);
	well("gateways",
	    evidence_gateways(evi, NULL, 0, show_gateway_now, &g, &err));
	check_str("one each", g.text,
	    "acme2 mx1 expired 86400 passed 0; "
	    "acme2 mx2 expired 172800 passed 86400; "
	    "acme2 mx3 ok 0 passed 0; ");
	g = (struct gathered){0};
	well("chains", evidence_chains(evi, NULL, show_chain, &g, &err));
	check_str(
	    "the last ones shown", g.text, "mx1 86400; mx2 172800; mx3 0; ");
	g = (struct gathered){0};
	well("looks", evidence_probes(evi, "acme2", 0, show_probe, &g, &err));
	check_str("all its looks", g.text,
	    "acme2; acme2; acme2; acme2; acme2; acme2; ");
	g = (struct gathered){0};
	evidence_as_written(evi);
	well("looks", evidence_probes(evi, "acme2", 0, show_probe, &g, &err));
	check_str(
	    "as written", g.text, "acme; acme2; acme2; acme; acme; acme; ");
	evidence_close(evi);
	evi = must_see(EVIDENCE_WRITE);
	/* What comes goes on. */
	well("next", probe("acme2", "mx2", day[3], "expired", KEY_B, PEM_A));
	g = (struct gathered){0};
	well("days", day_run(led, &set, day[3] + 2 * CLOCK_DAY, &err));
	well("check", day_check(led, &set, day[3] + 2 * CLOCK_DAY, show_flaw,
			  &g, &flaws, &seals, &err));
	check_str("whole", g.text, "");
	whole();
}

static bool
show_notice(const struct ledger_notice *n, void *arg)
{
	return gather(arg, "%s %s; ", n->key, n->data);
}

/* What was said of it, or waits, is of the new name. */
static void
t_notices(void **state)
{
	static const struct {
		const char *key, *data, *want;
	} rows[] = {
	    {"lowered:acme:1", "{\"partner\":\"acme\"}",
		"lowered:acme2:1 {\"partner\":\"acme2\"}; "},
	    {"contact/lowered:acme:1",
		"{\"partner\":\"contact of acme\",\"contact_of\":\"acme\"}",
		"contact/lowered:acme2:1 {\"partner\":\"contact of acme2\","
		"\"contact_of\":\"acme2\"}; "},
	    {"held:acme:x", "{\"partner\":\"acme\"}",
		"held:acme:x {\"partner\":\"acme\"}; "},
	    {"held:acme2:x", "{\"partner\":\"acme2\"}",
		"held:acme2:x {\"partner\":\"acme2\"}; "},
	    {"lowered:acmeb:1", "{\"partner\":\"acmeb\"}",
		"lowered:acmeb:1 {\"partner\":\"acmeb\"}; "},
	    {"map:acme:1", "{}", "map:acme:1 {}; "},
	    {"odd:acme:1", "acme", "odd:acme:1 acme; "},
	};
	struct gathered g = {0};
	char want[1024] = "";
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct ledger_notice n = {.key = rows[i].key,
		    .created = T0,
		    .not_before = T0,
		    .data = rows[i].data};

		well(n.key, ledger_notice_add(led, &n, &err));
		strcat(want, rows[i].want);
	}
	renamed("acme", "acme2", T0 + 10, 1);
	well("notices", ledger_notices_since(led, 0, show_notice, &g, &err));
	check_str("moved", g.text, want);
	check_int("any", ledger_notice_like(led, "lowered:*:1", &err), 1);
	check_int("none", ledger_notice_like(led, "lowered:*:2", &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_open),
	    CASE(t_extended),
	    CASE(t_merge),
	    CASE(t_taken_over),
	    CASE(t_edited),
	    CASE(t_names),
	    CASE(t_notices),
	    CASE(t_seen),
	    CASE(t_looked_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
