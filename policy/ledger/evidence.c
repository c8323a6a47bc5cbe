/*
 * The schema, what once stood in the ledger, probes, what the mail log proved.
 */
#include "evidence.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "db.h"
#include "digest.h"
#include "err.h"
#include "evidence_tables.h"
#include "ledger.h"
#include "mem.h"
#include "quote.h"
#include "step.h"

#define PRUNE_ROWS 1000 /* a transaction: others want to write as well */
#define WRITERS \
	"tlspact-probe, tlspact-log or tlspactd, run by its owner or root"

struct evidence {
	struct db *db;
};

/* state.taken, if what once stood in the ledger was not copied (0) */
enum { COPIED = 1, /* to be dropped there */ TAKEN = 2 };

/* --- The schema, as in ledger.c ---------------------------------------- */

/*
 * A result is what looks have in common; a row of probe is as many looks of a
 * gateway in a row, of one day, with the same result: `first` to `time`.
 * gateway.last, .passed, .vouched and .shown are rows of probe: the latest,
 * the last that passed, the last that passed by more than being encrypted, the
 * last that showed a chain. They are kept right by add_probe(), not by
 * foreign keys, whose indexes would cost each probe.
 */
static const char probes[] =
    "CREATE TABLE state("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " looks INTEGER NOT NULL," /* so many were added */
    " taken INTEGER NOT NULL"  /* take() */
    ") STRICT;"
    "INSERT INTO state VALUES(1, 0, 0);" EVIDENCE_CHAIN EVIDENCE_GATEWAY
    " vouched INTEGER," EVIDENCE_GATEWAY_END "CREATE TABLE result("
    " id INTEGER PRIMARY KEY," EVIDENCE_RESULT
    " chain INTEGER NOT NULL," /* 0: none */
    " judged TEXT NOT NULL,"   /* ca, dane, key, none, or '': failed */
    " UNIQUE(key, chain, fault, judged, not_after, protocol, cipher, kex)"
    ") STRICT;"
    "CREATE TABLE probe("
    " id INTEGER PRIMARY KEY,"
    " gateway INTEGER NOT NULL REFERENCES gateway(id),"
    " result INTEGER NOT NULL,"
    " first INTEGER NOT NULL,"
    " time INTEGER NOT NULL,"
    " n INTEGER NOT NULL,"
    " look INTEGER NOT NULL," /* number of the last look */
    " detail TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX probe_time ON probe(time);";

static const char logged[] = EVIDENCE_LOG_TABLES;

/* Of rows from before it is not known. */
static const char tails[] =
    "ALTER TABLE position ADD COLUMN tail TEXT NOT NULL DEFAULT '';";

static const char exchanges[] = "CREATE TABLE log_exchange("
				"day TEXT NOT NULL,"
				" partner TEXT NOT NULL,"
				" direction INTEGER NOT NULL,"
				" exchange TEXT NOT NULL,"
				" signature TEXT NOT NULL,"
				" n INTEGER NOT NULL,"
				" PRIMARY KEY(day, partner, direction,"
				" exchange, signature)"
				") STRICT, WITHOUT ROWID;";

static const char *const step[] = {probes, logged, tails, exchanges};

static const struct db_schema schema = {
    .noun = "evidence",
    .application_id = 0x746c6576, /* "tlev" */
    .step = step,
    .version = sizeof(step) / sizeof(step[0]),
    .writers = WRITERS,
};
/* --- What once stood in the ledger ------------------------------------- */

/*
 * It is copied from there by one transaction, and dropped there by another.
 * Who is killed in between leaves COPIED behind: only the second is left to do.
 *
 * Looks in a row with one result become one row, which keeps the number of
 * the last of them. `isle` tells rows of a result apart that others stand
 * between. How a look passed was not written down: "none" claims least.
 */
static const char copy[] =
    "INSERT INTO chain SELECT id, sha256, pem FROM old.old_chain;"
    "INSERT INTO result(fault, protocol, cipher, kex, not_after, key, chain,"
    " judged) SELECT DISTINCT fault, protocol, cipher, kex, not_after, key,"
    " coalesce(chain, 0), CASE passed WHEN 0 THEN '' ELSE 'none' END"
    " FROM old.old_probe;"
    "CREATE TEMP TABLE look(id INTEGER PRIMARY KEY, kept, result, first, n);"
    "INSERT INTO temp.look SELECT id, last_value(id) OVER w, result,"
    " first_value(time) OVER w, count(*) OVER w FROM"
    " (SELECT p.id, p.gateway, p.time, p.time / 86400 AS day,"
    " r.id AS result, row_number() OVER"
    " (PARTITION BY p.gateway ORDER BY p.time, p.id) - row_number() OVER"
    " (PARTITION BY p.gateway, r.id, p.time / 86400 ORDER BY p.time, p.id)"
    " AS isle FROM old.old_probe p JOIN result r ON r.key = p.key"
    " AND r.chain = coalesce(p.chain, 0) AND r.fault = p.fault"
    " AND (r.judged = '') = (p.passed = 0) AND r.not_after = p.not_after"
    " AND r.protocol = p.protocol AND r.cipher = p.cipher AND r.kex = p.kex)"
    " WINDOW w AS (PARTITION BY gateway, result, day, isle ORDER BY time, id"
    " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING);"
    "INSERT INTO gateway SELECT id, partner, nexthop, host, address, port,"
    " (SELECT kept FROM temp.look WHERE id = g.last), time, fault, since, run,"
    " (SELECT kept FROM temp.look WHERE id = g.passed), NULL,"
    " (SELECT kept FROM temp.look WHERE id = g.shown)"
    " FROM old.old_gateway g;"
    "INSERT INTO probe SELECT p.id, p.gateway, l.result, l.first, p.time, l.n,"
    " p.id, p.detail FROM temp.look l JOIN old.old_probe p ON p.id = l.id"
    " WHERE l.kept = l.id;"
    "DROP TABLE temp.look;"
    "UPDATE state SET looks = (SELECT coalesce(max(seq), 0)"
    " FROM old.sqlite_sequence WHERE name = 'old_probe');"
    "INSERT INTO log_count SELECT * FROM old.old_log_count;"
    "INSERT INTO failure SELECT * FROM old.old_failure;"
    "INSERT INTO failure_sum SELECT * FROM old.old_failure_sum;"
    "INSERT INTO position(device, inode, first, path, offset, time)"
    " SELECT device, inode, first, path, offset, time FROM old.old_position;";

/* Nothing of it stands in that ledger; also if there is no such ledger. */
static int
need_not_in(const char *ledger, struct err *e)
{
	struct ledger *l = ledger_open(ledger, LEDGER_READ, e);
	int rv;

	if (l == NULL)
		return e->code == EX_NOINPUT ? 0 : -1;
	if ((rv = ledger_has_evidence(l, e)) == 1)
		rv = err_set(e, EX_DATAERR,
		    "what was seen still stands in ledger %s: a program that "
		    "may write both must move it (" WRITERS ")",
		    quotes(ledger).s);
	ledger_close(l);
	return rv;
}

/* Unless somebody did while we waited. */
static int
copy_here(struct db *db, struct err *e)
{
	if (db_do(db, e, "UPDATE state SET taken = 1 WHERE taken = 0") == -1)
		return -1;
	return db_changes(db) == 0 ? 0 : db_exec(db, copy, e);
}

static int
copy_once(struct db *db, const char *ledger, struct err *e)
{
	struct err ignored;
	int rv;

	if (db_attach(db, ledger, e) == -1)
		return -1;
	rv = db_within(db, true, e, copy_here(db, e));
	if (db_detach(db, rv == 0 ? e : &ignored) == -1)
		rv = -1;
	return rv;
}

static int
move(struct db *db, const char *ledger, struct err *e)
{
	struct ledger *l = ledger_open(ledger, LEDGER_WRITE, e);
	int rv;

	if (l == NULL)
		return -1;
	if ((rv = ledger_has_evidence(l, e)) == 1 &&
	    (rv = copy_once(db, ledger, e)) == 0)
		rv = ledger_drop_evidence(l, e);
	ledger_close(l);
	return rv;
}

/*
 * Take it from there, once; who only reads must not take for empty what was
 * not moved here yet. db is NULL if there is none.
 */
static int
take(struct db *db, const char *ledger, bool write, struct err *e)
{
	int64_t taken = 0;
	struct err why;

	if (db != NULL &&
	    db_ask(db, e, &taken, "SELECT taken FROM state") == -1)
		return -1;
	if (ledger == NULL || taken == TAKEN || (taken == COPIED && !write))
		return 0;
	if (need_not_in(ledger, &why) == -1) {
		if (!write)
			goto fail;
		if (move(db, ledger, &why) == -1)
			return err_set(e, why.code,
			    "cannot move what was seen from the ledger: %s",
			    why.text);
	}
	if (!write ||
	    db_within(db, true, &why,
		db_do(db, &why, "UPDATE state SET taken = 2")) == 0 ||
	    /* Others are at work: whoever opens it next will say so. */
	    why.code == EX_TEMPFAIL)
		return 0;
fail:
	*e = why;
	return -1;
}

struct evidence *
evidence_open(const char *path, const char *ledger, enum evidence_mode mode,
    struct err *e)
{
	bool write = mode == EVIDENCE_WRITE;
	struct evidence *v;
	struct db *db;

	db = db_open(path, write ? DB_WRITE : DB_READ, &schema, e);
	if (db == NULL && (write || e->code != EX_NOINPUT))
		return NULL;
	if (take(db, ledger, write, e) == -1 || db == NULL) {
		db_close(db);
		return NULL;
	}
	v = mem_zero(1, sizeof(*v));
	v->db = db;
	return v;
}

void
evidence_close(struct evidence *v)
{
	if (v == NULL)
		return;
	db_close(v->db);
	free(v);
}

void
evidence_patience(struct evidence *v, int ms)
{
	db_patience(v->db, ms);
}

int
evidence_newest(struct evidence *v, time_t *when, struct err *e)
{
	int64_t t = 0;
	int rv = 0;

	if (v != NULL)
		rv = db_ask(v->db, e, &t,
		    "SELECT max(coalesce((SELECT max(time) FROM probe), 0),"
		    " coalesce((SELECT max(time) FROM failure), 0))");
	*when = t;
	return rv == -1 ? -1 : 0;
}

/* --- Pruning ----------------------------------------------------------- */

/* Run sql, bound to `before`, until it finds nothing more to remove. */
static int
prune(struct db *db, const char *sql, time_t before, struct err *e)
{
	do {
		if (db_within(db, false, e,
			db_do(db, e, sql, DB_INT(before),
			    DB_INT(PRUNE_ROWS))) == -1)
			return -1;
	} while (db_changes(db) == PRUNE_ROWS);
	return 0;
}

/* What turns the failures of a condition, of one parameter, into sums. */
#define SUM_UP(which)                                                          \
	"INSERT INTO failure_sum(day, partner, direction, fault, n)"           \
	" SELECT strftime('%Y-%m-%d', time, 'unixepoch'), partner, direction," \
	" fault, count(*) FROM failure WHERE " which " GROUP BY 1, 2, 3, 4"    \
	" ON CONFLICT DO UPDATE SET n = n + excluded.n",                       \
	    "DELETE FROM failure WHERE " which

static int
sum_up(
    struct db *db, const char *sum, const char *drop, int64_t n, struct err *e)
{
	if (db_do(db, e, sum, DB_INT(n)) == -1)
		return -1;
	return db_do(db, e, drop, DB_INT(n));
}

int
evidence_prune(struct evidence *v, time_t before, struct err *e)
{
	static const char *const sql[] = {
	    "DELETE FROM probe WHERE id IN (SELECT p.id FROM probe p"
	    " JOIN gateway g ON g.id = p.gateway WHERE p.time < ?"
	    " AND p.id IS NOT g.last AND p.id IS NOT g.passed"
	    " AND p.id IS NOT g.vouched AND p.id IS NOT g.shown LIMIT ?)",
	    /* What has no time goes when nothing shows it. */
	    "DELETE FROM result WHERE ?1 IS NOT NULL AND id IN"
	    " (SELECT id FROM result WHERE id NOT IN"
	    " (SELECT result FROM probe) LIMIT ?2)",
	    "DELETE FROM chain WHERE ?1 IS NOT NULL AND id IN"
	    " (SELECT id FROM chain WHERE id NOT IN"
	    " (SELECT chain FROM result) LIMIT ?2)",
	    "DELETE FROM position WHERE (device, inode, first) IN"
	    " (SELECT device, inode, first FROM position WHERE time < ?"
	    " LIMIT ?)",
	};
	size_t i;

	for (i = 0; i < sizeof(sql) / sizeof(sql[0]); i++)
		if (prune(v->db, sql[i], before, e) == -1)
			return -1;
	/*
	 * SQLite counts on from the highest number that is there: it stays, or
	 * readers would take new failures for seen.
	 */
	return db_within(v->db, false, e,
	    sum_up(v->db,
		SUM_UP("time < ? AND id < (SELECT max(id) FROM failure)"),
		before, e));
}

/* --- Probes ------------------------------------------------------------ */

/*
 * As many equal results in a row of a gateway and a day are one row; the row
 * of the gateway knows which of them matter most, so that questions about now
 * cost nothing however many there are.
 */

/* The row whose key are the first `key` of n values, made if it is new. */
static int
intern(struct db *db, const char *find, size_t key, const char *make,
    const struct db_value *value, size_t n, int64_t *id, struct err *e)
{
	int rv = db_number(db_bind(db_sql(db, find), value, key), id, e);

	if (rv != 0)
		return rv == 1 ? 0 : -1;
	if (db_run(db_bind(db_sql(db, make), value, n), e) == -1)
		return -1;
	*id = db_rowid(db);
	return 0;
}

/* 0 if there is none. */
static int
add_chain(struct db *db, const char *pem, int64_t *id, struct err *e)
{
	struct digest *g;
	char hash[DIGEST_HEX];

	*id = 0;
	if (pem == NULL || *pem == '\0')
		return 0;
	g = digest_new();
	digest_add(g, pem, strlen(pem));
	digest_hex(g, hash);
	return intern(db, "SELECT id FROM chain WHERE sha256 = ?", 1,
	    "INSERT INTO chain(sha256, pem) VALUES(?, ?)",
	    (struct db_value[]){
		DB_TEXT(hash), DB_TEXT_UP_TO(pem, EVIDENCE_CHAIN_MAX)},
	    2, id, e);
}

static int
add_gateway(
    struct db *db, const struct evidence_probe *p, int64_t *id, struct err *e)
{
	return intern(db,
	    "SELECT id FROM gateway WHERE partner = ? AND nexthop = ?"
	    " AND host = ? AND address = ? AND port = ?",
	    5,
	    "INSERT INTO gateway(partner, nexthop, host, address, port, last,"
	    " time, fault, since, run) VALUES(?, ?, ?, ?, ?, 0, -1, '', 0, 0)",
	    (struct db_value[]){DB_TEXT(p->partner), DB_TEXT(p->nexthop),
		DB_TEXT(p->host), DB_TEXT(p->address), DB_INT(p->port)},
	    5, id, e);
}

static const char *const judged_name[] = {
    [EVIDENCE_FAILED] = "",
    [EVIDENCE_BY_NONE] = "none",
    [EVIDENCE_BY_CA] = "ca",
    [EVIDENCE_BY_DANE] = "dane",
    [EVIDENCE_BY_KEY] = "key",
};
#define JUDGED (sizeof(judged_name) / sizeof(judged_name[0]))

static int
add_result(struct db *db, const struct evidence_probe *p, int64_t chain,
    int64_t *id, struct err *e)
{
	return intern(db,
	    "SELECT id FROM result WHERE fault = ? AND protocol = ?"
	    " AND cipher = ? AND kex = ? AND not_after = ? AND key = ?"
	    " AND chain = ? AND judged = ?",
	    8,
	    "INSERT INTO result(fault, protocol, cipher, kex, not_after, key,"
	    " chain, judged) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
	    (struct db_value[]){DB_TEXT(p->fault), DB_TEXT(p->protocol),
		DB_TEXT(p->cipher), DB_TEXT(p->kex), DB_INT(p->not_after),
		DB_TEXT(p->key), DB_INT(chain),
		DB_TEXT(judged_name[p->judged])},
	    8, id, e);
}

/* One more of the latest row, if it is of that result and day; else a row. */
static int
add_look(struct db *db, int64_t gateway, int64_t result,
    const struct evidence_probe *p, int64_t *row, struct err *e)
{
	int64_t look;

	if (db_ask(db, e, &look,
		"UPDATE state SET looks = looks + 1 RETURNING looks") == -1)
		return -1;
	return intern(db,
	    "UPDATE probe SET n = n + 1, time = max(time, ?3), look = ?4,"
	    " detail = CASE WHEN time <= ?3 THEN ?5 ELSE detail END"
	    " WHERE id = (SELECT p.id FROM gateway g JOIN probe p"
	    " ON p.id = g.last WHERE g.id = ?1 AND p.result = ?2"
	    " AND p.first <= ?3 AND p.first / 86400 = ?3 / 86400)"
	    " RETURNING id",
	    5,
	    "INSERT INTO probe(gateway, result, first, time, n, look, detail)"
	    " VALUES(?1, ?2, ?3, ?3, 1, ?4, ?5)",
	    (struct db_value[]){DB_INT(gateway), DB_INT(result),
		DB_INT(p->time), DB_INT(look), DB_TEXT(p->detail)},
	    5, row, e);
}

/* A result older than the latest (two sweeps at once) changes nothing. */
static int
update_gateway(struct db *db, int64_t gateway, int64_t row, int64_t chain,
    const struct evidence_probe *p, struct err *e)
{
	bool vouched =
	    p->judged > EVIDENCE_BY_NONE && p->key != NULL && *p->key != '\0';

	return db_do(db, e,
	    "UPDATE gateway SET last = ?2, time = ?3,"
	    " since = CASE WHEN fault = ?4 THEN since ELSE ?3 END,"
	    " run = CASE WHEN fault = ?4 THEN run + 1 ELSE 1 END,"
	    " passed = CASE WHEN ?5 THEN ?2 ELSE passed END,"
	    " vouched = CASE WHEN ?6 THEN ?2 ELSE vouched END,"
	    " shown = CASE WHEN ?7 THEN ?2 ELSE shown END,"
	    " fault = ?4 WHERE id = ?1 AND time <= ?3",
	    DB_INT(gateway), DB_INT(row), DB_INT(p->time), DB_TEXT(p->fault),
	    DB_INT(p->judged != EVIDENCE_FAILED), DB_INT(vouched),
	    DB_INT(chain != 0));
}

static int
add_probe(struct db *db, const struct evidence_probe *p, struct err *e)
{
	int64_t gateway, chain, result, row;

	if (add_gateway(db, p, &gateway, e) == -1 ||
	    add_chain(db, p->chain, &chain, e) == -1 ||
	    add_result(db, p, chain, &result, e) == -1 ||
	    add_look(db, gateway, result, p, &row, e) == -1)
		return -1;
	return update_gateway(db, gateway, row, chain, p, e);
}

int
evidence_probe_add(
    struct evidence *v, const struct evidence_probe *p, struct err *e)
{
	if (ledger_need_word("fault", p->fault, e) == -1 ||
	    ledger_need_hash("key", p->key, e) == -1 ||
	    ledger_need_time("time", p->time, e) == -1)
		return -1;
	if ((unsigned)p->judged >= JUDGED)
		return err_set(e, EX_SOFTWARE, "evidence: judged by nothing");
	if (p->port > 65535)
		return err_set(e, EX_DATAERR, "evidence: no port: %u", p->port);
	return db_within(v->db, false, e, add_probe(v->db, p, e));
}

/* What next_probe() reads; the chain comes next, and then what else is. */
#define PROBE_COLUMNS                                                 \
	"p.look, p.time, p.n, p.first, g.partner, g.nexthop, g.host," \
	" g.address, g.port, r.fault, r.protocol, r.cipher, r.kex,"   \
	" r.not_after, r.key, p.detail, r.judged"
#define PROBE_RESULT " JOIN result r ON r.id = p.result"
#define PROBE(m) DB_MEMBER(struct evidence_probe, m)
static const struct db_member probe_members[] = {PROBE(id), PROBE(time),
    PROBE(n), PROBE(first), PROBE(partner), PROBE(nexthop), PROBE(host),
    PROBE(address), PROBE(port), PROBE(fault), PROBE(protocol), PROBE(cipher),
    PROBE(kex), PROBE(not_after), PROBE(key), PROBE(detail), {0}};
enum {
	COLUMN_JUDGED = sizeof(probe_members) / sizeof(probe_members[0]) - 1,
	COLUMN_CHAIN,
	COLUMN_MORE,
};

static int
next_probe(struct db_stmt *s, struct evidence_probe *p, struct err *e)
{
	const char *judged;
	size_t i;
	int rv;

	if ((rv = db_next(s, probe_members, p, e)) != 1)
		return rv;
	p->chain = db_col_text(s, COLUMN_CHAIN);
	judged = db_col_text(s, COLUMN_JUDGED);
	p->judged = EVIDENCE_FAILED;
	for (i = 0; i < JUDGED; i++)
		if (strcmp(judged, judged_name[i]) == 0)
			p->judged = (enum evidence_judged)i;
	return 1;
}

bool
evidence_step(
    const struct evidence_gateway *g, enum level full, struct step_gateway *out)
{
	const struct evidence_probe *p = &g->last;

	*out = (struct step_gateway){.partner = p->partner,
	    .nexthop = p->nexthop,
	    .host = p->host,
	    .address = p->address,
	    /* Where nothing was asked, no key is to be held to. */
	    .key = p->judged == EVIDENCE_BY_NONE ? "" : p->key,
	    .last_key = "",
	    .since = g->since,
	    .time = p->time,
	    .not_after = p->not_after,
	    .passed = g->passed,
	    .run = g->run,
	    /* What passed while nothing was asked may have been anybody's. */
	    .known = (full <= LEVEL_ENCRYPT ? g->passed : g->vouched) != 0};
	return fault_parse(p->fault, &out->fault) == 0;
}

int
evidence_gateways(struct evidence *v, const char *partner, time_t since,
    evidence_gateway_fn *fn, void *arg, struct err *e)
{
	struct evidence_gateway g;
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_query(v->db,
	    "SELECT " PROBE_COLUMNS ", '', g.since, g.run, q.time, w.time,"
	    " y.key FROM gateway g JOIN probe p ON p.id = g.last" PROBE_RESULT
	    " LEFT JOIN probe q ON q.id = g.passed"
	    " LEFT JOIN probe w ON w.id = g.vouched"
	    " LEFT JOIN result y ON y.id = w.result"
	    " WHERE (?1 IS NULL OR g.partner = ?1) AND g.time >= ?2"
	    " ORDER BY g.partner, g.nexthop, g.host, g.address, g.port",
	    DB_TEXT_OR_NULL(partner), DB_INT(since));
	while ((rv = next_probe(s, &g.last, e)) == 1) {
		g.since = db_col_int(s, COLUMN_MORE);
		g.run = (unsigned)db_col_int(s, COLUMN_MORE + 1);
		g.passed = db_col_int(s, COLUMN_MORE + 2);
		g.vouched = db_col_int(s, COLUMN_MORE + 3);
		g.key = db_col_text(s, COLUMN_MORE + 4);
		if (!fn(&g, arg))
			break;
	}
	return db_done(s, rv);
}

static int
each_probe(struct db_stmt *s, evidence_probe_fn *fn, void *arg, struct err *e)
{
	struct evidence_probe p;
	int rv;

	while ((rv = next_probe(s, &p, e)) == 1 && fn(&p, arg))
		;
	return db_done(s, rv);
}

int
evidence_probes(struct evidence *v, const char *partner, time_t since,
    evidence_probe_fn *fn, void *arg, struct err *e)
{
	if (v == NULL)
		return 0;
	return each_probe(
	    db_query(v->db,
		"SELECT " PROBE_COLUMNS ", '' FROM gateway g"
		" JOIN probe p ON p.gateway = g.id" PROBE_RESULT
		" WHERE (?1 IS NULL OR g.partner = ?1) AND p.time >= ?2"
		" ORDER BY p.time DESC, p.look DESC",
		DB_TEXT_OR_NULL(partner), DB_INT(since)),
	    fn, arg, e);
}

int
evidence_chains(struct evidence *v, const char *partner, evidence_probe_fn *fn,
    void *arg, struct err *e)
{
	if (v == NULL)
		return 0;
	/* Beside max(), SQLite takes the columns of the row that has it. */
	return each_probe(
	    db_query(v->db,
		"SELECT " PROBE_COLUMNS ", c.pem, max(p.time) FROM gateway g"
		" JOIN probe p ON p.id = g.shown" PROBE_RESULT
		" JOIN chain c ON c.id = r.chain"
		" WHERE (?1 IS NULL OR g.partner = ?1)"
		" GROUP BY g.partner, g.nexthop, g.host"
		" ORDER BY g.partner, g.nexthop, g.host",
		DB_TEXT_OR_NULL(partner)),
	    fn, arg, e);
}

int
evidence_passed_key(struct evidence *v, const char *partner, const char *host,
    char key[EVIDENCE_KEY], struct err *e)
{
	struct db_stmt *s;
	const char *text;
	int rv;

	key[0] = '\0';
	if (v == NULL)
		return 0;
	s = db_query(v->db,
	    "SELECT r.key FROM gateway g"
	    " JOIN probe p ON p.id = g.vouched" PROBE_RESULT
	    " WHERE g.partner = ? AND g.host = ?"
	    " ORDER BY p.time DESC, p.look DESC LIMIT 1",
	    DB_TEXT(partner), DB_TEXT(host));
	if ((rv = db_step(s, e)) == 1 &&
	    strlen(text = db_col_text(s, 0)) == EVIDENCE_KEY - 1)
		memcpy(key, text, EVIDENCE_KEY);
	return db_done(s, rv);
}

/* --- What the mail log proved ------------------------------------------ */

/*
 * Counts, failures, and how far the log was read, must never disagree; so they
 * are written together.
 */

const char *
evidence_direction_name(enum evidence_direction d)
{
	return d == EVIDENCE_IN ? "in" : "out";
}

const char *
evidence_seen_name(enum evidence_seen s)
{
	static const char *const name[] = {"clear", "encrypted", "trusted"};

	return (unsigned)s < EVIDENCE_VERIFIED ? name[s] : "verified";
}

#define COUNT(m) DB_MEMBER(struct evidence_count, m)
static const struct db_member count_members[] = {COUNT(day), COUNT(partner),
    COUNT(direction), COUNT(seen), COUNT(protocol), COUNT(cipher),
    COUNT(result), COUNT(n), {0}};
#define COUNT_COLUMNS \
	"day, partner, direction, seen, protocol, cipher, result, n"

#define EXCHANGE(m) DB_MEMBER(struct evidence_exchange, m)
static const struct db_member exchange_members[] = {EXCHANGE(day),
    EXCHANGE(partner), EXCHANGE(direction), EXCHANGE(exchange),
    EXCHANGE(signature), EXCHANGE(n), {0}};
#define EXCHANGE_COLUMNS "day, partner, direction, exchange, signature, n"

/* Without the number: from FAILURE_TOLD on. */
#define FAILURE(m) DB_MEMBER(struct evidence_failure, m)
static const struct db_member failure_members[] = {FAILURE(id), FAILURE(time),
    FAILURE(partner), FAILURE(direction), FAILURE(fault), FAILURE(domain),
    FAILURE(host), FAILURE(address), FAILURE(queue_id), FAILURE(text), {0}};
#define FAILURE_TOLD 1
#define FAILURE_COLUMNS                                                      \
	"time, partner, direction, fault, domain, host, address, queue_id, " \
	"text"

#define POSITION(m) DB_MEMBER(struct evidence_position, m)
static const struct db_member position_members[] = {POSITION(path),
    POSITION(device), POSITION(inode), POSITION(first), POSITION(offset),
    POSITION(tail), POSITION(time), {0}};
#define POSITION_COLUMNS "path, device, inode, first, offset, tail, time"

static int
need_day(const char *day, struct err *e)
{
	static const char form[] = "dddd-dd-dd";
	size_t i;

	if (day == NULL)
		day = "";
	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == 'd' ? day[i] < '0' || day[i] > '9'
				   : day[i] != form[i])
			break;
	if (form[i] != '\0' || day[i] != '\0')
		return err_set(e, EX_DATAERR,
		    "evidence: %s is no day like 2026-11-23", quotes(day).s);
	return 0;
}

static int
add_count(struct db *db, const struct evidence_count *c, struct err *e)
{
	struct db_stmt *s;

	if (need_day(c->day, e) == -1)
		return -1;
	if (c->n > INT64_MAX)
		return err_set(e, EX_DATAERR, "evidence: a count is too large");
	s = db_sql(db, "INSERT INTO log_count(" COUNT_COLUMNS ")"
		       " VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
		       " ON CONFLICT DO UPDATE SET n = n + excluded.n");
	return db_run(db_bind_row(s, count_members, c), e);
}

static int
add_exchange(struct db *db, const struct evidence_exchange *x, struct err *e)
{
	struct db_stmt *s;

	if (need_day(x->day, e) == -1)
		return -1;
	s = db_sql(db, "INSERT INTO log_exchange(" EXCHANGE_COLUMNS ")"
		       " VALUES(?, ?, ?, ?, ?, ?)"
		       " ON CONFLICT DO UPDATE SET n = n + excluded.n");
	return db_run(db_bind_row(s, exchange_members, x), e);
}

static int
add_failure(struct db *db, const struct evidence_failure *f, struct err *e)
{
	struct db_stmt *s;

	if (ledger_need_word("fault", f->fault, e) == -1 ||
	    ledger_need_time("time", f->time, e) == -1)
		return -1;
	s = db_sql(db, "INSERT INTO failure(" FAILURE_COLUMNS ")"
		       " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
	return db_run(db_bind_row(s, failure_members + FAILURE_TOLD, f), e);
}

/* True if nobody went on from where this one did. */
static int
need_place(struct db *db, const struct evidence_position *p, struct err *e)
{
	const struct evidence_position *was = p->was;
	int64_t others;

	if (db_ask(db, e, &others,
		"SELECT count(*) FROM position WHERE device = ? AND inode = ?"
		" AND first = ? AND offset <> ?",
		DB_INT((int64_t)was->device), DB_INT((int64_t)was->inode),
		DB_TEXT(p->first), DB_INT((int64_t)was->offset)) == -1)
		return -1;
	if (others == 0)
		return 0;
	return err_set(e, EX_TEMPFAIL,
	    "another tlspact-log went on with %s; what it counted is not "
	    "counted again",
	    quotes(p->path).s);
}

static int
add_position(struct db *db, const struct evidence_position *p, struct err *e)
{
	struct db_stmt *s;

	if (ledger_need_hash("first line", p->first, e) == -1 ||
	    ledger_need_time("time", p->time, e) == -1 ||
	    (p->was != NULL && need_place(db, p, e) == -1))
		return -1;
	s = db_sql(db, "INSERT INTO position(" POSITION_COLUMNS ")"
		       " VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
		       " path = excluded.path, offset = excluded.offset,"
		       " tail = excluded.tail, time = excluded.time");
	if (db_run(db_bind_row(s, position_members, p), e) == -1)
		return -1;
	if (p->was == NULL)
		return 0;
	/* Who reads the same log under its other name is to notice. */
	return db_do(db, e,
	    "UPDATE position SET offset = ?, tail = ? WHERE device = ?"
	    " AND inode = ? AND first = ?",
	    DB_INT((int64_t)p->offset), DB_TEXT(p->tail),
	    DB_INT((int64_t)p->was->device), DB_INT((int64_t)p->was->inode),
	    DB_TEXT(p->first));
}

/*
 * All but the latest failures of each partner that has one after number ?1; c
 * is the first that is too many.
 */
#define SURPLUS                                                         \
	"id IN (SELECT f.id FROM"                                       \
	" (SELECT DISTINCT partner AS p FROM failure NOT INDEXED"       \
	" WHERE id > ?1) CROSS JOIN failure c ON c.id ="                \
	" (SELECT id FROM failure WHERE partner = p"                    \
	" ORDER BY time DESC, id DESC LIMIT 1 OFFSET " FAILURES_MAX ")" \
	" CROSS JOIN failure f"                                         \
	" ON f.partner = p AND (f.time, f.id) <= (c.time, c.id))"
#define FAILURES_MAX TEXT_OF(EVIDENCE_FAILURES_MAX)
#define TEXT_OF(number) TEXT_OF_IT(number)
#define TEXT_OF_IT(number) #number

static int
add_batch(struct db *db, const struct evidence_batch *b, struct err *e)
{
	int64_t last;
	size_t i;

	for (i = 0; i < b->ncounts; i++)
		if (add_count(db, &b->count[i], e) == -1)
			return -1;
	for (i = 0; i < b->nexchanges; i++)
		if (add_exchange(db, &b->exchange[i], e) == -1)
			return -1;
	if (db_ask(db, e, &last, "SELECT max(id) FROM failure") == -1)
		return -1;
	for (i = 0; i < b->nfailures; i++)
		if (add_failure(db, &b->failure[i], e) == -1)
			return -1;
	if (b->nfailures > 0 && sum_up(db, SUM_UP(SURPLUS), last, e) == -1)
		return -1;
	for (i = 0; i < b->npositions; i++)
		if (add_position(db, &b->position[i], e) == -1)
			return -1;
	return 0;
}

int
evidence_log_add(
    struct evidence *v, const struct evidence_batch *b, struct err *e)
{
	if (b->ncounts + b->nexchanges + b->nfailures + b->npositions == 0)
		return 0;
	return db_within(v->db, false, e, add_batch(v->db, b, e));
}

int
evidence_exchanges(struct evidence *v, const char *partner, const char *from,
    evidence_exchange_fn *fn, void *arg, struct err *e)
{
	struct evidence_exchange x;
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_query(v->db,
	    "SELECT " EXCHANGE_COLUMNS " FROM log_exchange"
	    " WHERE (?1 IS NULL OR partner = ?1) AND day >= ?2"
	    " ORDER BY 1, 2, 3, 4, 5",
	    DB_TEXT_OR_NULL(partner), DB_TEXT(from));
	while ((rv = db_next(s, exchange_members, &x, e)) == 1) {
		x.direction = x.direction != EVIDENCE_IN;
		if (!fn(&x, arg))
			break;
	}
	return db_done(s, rv);
}

int
evidence_counts(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_count_fn *fn, void *arg, struct err *e)
{
	struct evidence_count c;
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_query(v->db,
	    "SELECT " COUNT_COLUMNS " FROM log_count"
	    " WHERE (?1 IS NULL OR partner = ?1) AND day >= ?2"
	    " AND (?3 = '' OR day <= ?3) ORDER BY 1, 2, 3, 4, 5, 6, 7",
	    DB_TEXT_OR_NULL(partner), DB_TEXT(from), DB_TEXT(to));
	while ((rv = db_next(s, count_members, &c, e)) == 1) {
		c.direction = c.direction != EVIDENCE_IN;
		c.seen &= 3;
		if (!fn(&c, arg))
			break;
	}
	return db_done(s, rv);
}

static int
each_failure(
    struct db_stmt *s, evidence_failure_fn *fn, void *arg, struct err *e)
{
	struct evidence_failure f;
	int rv;

	while ((rv = db_next(s, failure_members, &f, e)) == 1) {
		f.direction = f.direction != EVIDENCE_IN;
		if (!fn(&f, arg))
			break;
	}
	return db_done(s, rv);
}

int
evidence_failures(struct evidence *v, time_t since, evidence_failure_fn *fn,
    void *arg, struct err *e)
{
	if (v == NULL)
		return 0;
	return each_failure(db_query(v->db,
				"SELECT id, " FAILURE_COLUMNS " FROM failure"
				" WHERE time >= ? ORDER BY time, id",
				DB_INT(since)),
	    fn, arg, e);
}

int
evidence_failures_after(struct evidence *v, int64_t after, time_t since,
    evidence_failure_fn *fn, void *arg, struct err *e)
{
	if (v == NULL)
		return 0;
	return each_failure(db_query(v->db,
				"SELECT id, " FAILURE_COLUMNS " FROM failure"
				" WHERE id > ? AND +time >= ? ORDER BY id",
				DB_INT(after), DB_INT(since)),
	    fn, arg, e);
}

/*
 * Of one partner or all: each has an index of its own, which the inner
 * statement reads alone. Beside max(), SQLite takes the columns of the row
 * that has it.
 */
#define LAST_FAILURES(which)                                      \
	"SELECT max(id), " FAILURE_COLUMNS                        \
	" FROM (SELECT partner AS p, max(time) AS t FROM failure" \
	" WHERE " which " AND time >= ?2 GROUP BY partner)"       \
	" JOIN failure ON partner = p AND time = t GROUP BY p"

int
evidence_last_failures(struct evidence *v, const char *partner, time_t since,
    evidence_failure_fn *fn, void *arg, struct err *e)
{
	static const char *const sql[] = {
	    LAST_FAILURES("?1 IS NULL"), LAST_FAILURES("partner = ?1")};

	if (v == NULL)
		return 0;
	return each_failure(db_query(v->db, sql[partner != NULL],
				DB_TEXT_OR_NULL(partner), DB_INT(since)),
	    fn, arg, e);
}

int
evidence_positions(
    struct evidence *v, evidence_position_fn *fn, void *arg, struct err *e)
{
	struct evidence_position p;
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_sql(v->db, "SELECT " POSITION_COLUMNS " FROM position"
			  " ORDER BY time DESC, path, inode");
	while ((rv = db_next(s, position_members, &p, e)) == 1 && fn(&p, arg))
		;
	return db_done(s, rv);
}
