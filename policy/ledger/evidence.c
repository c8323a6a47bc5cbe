/*
 * The schema, what once stood in the ledger, and probes.
 */
#include "evidence_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "db.h"
#include "digest.h"
#include "err.h"
#include "evidence_names.h"
#include "evidence_tables.h"
#include "ledger.h"
#include "mem.h"
#include "quote.h"
#include "step.h"

#define WRITERS \
	"tlspact-probe, tlspact-log or tlspactd, run by its owner or root"

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

/* The rule of rows from before, and what was wrong, are not known. */
static const char rules[] =
    "ALTER TABLE log_count RENAME TO log_count_before;"
    "CREATE TABLE log_count("
    "day TEXT NOT NULL,"
    " partner TEXT NOT NULL,"
    " direction INTEGER NOT NULL,"
    " seen INTEGER NOT NULL,"
    " protocol TEXT NOT NULL,"
    " cipher TEXT NOT NULL,"
    " result TEXT NOT NULL,"
    " required TEXT NOT NULL,"
    " downgrade INTEGER NOT NULL,"
    " proof TEXT NOT NULL,"
    " fault TEXT NOT NULL,"
    " n INTEGER NOT NULL,"
    " PRIMARY KEY(day, partner, direction, seen, protocol, cipher, result,"
    " required, downgrade, proof, fault)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO log_count SELECT day, partner, direction, seen, protocol,"
    " cipher, result, '', 0, '', '', n FROM log_count_before;"
    "DROP TABLE log_count_before;"
    "CREATE TABLE log_hour("
    "hour INTEGER NOT NULL,"
    " host TEXT NOT NULL,"
    " n INTEGER NOT NULL,"
    " PRIMARY KEY(hour, host)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE log_wait("
    "host TEXT NOT NULL,"
    " queue_id TEXT NOT NULL,"
    " domain TEXT NOT NULL,"
    " partner TEXT NOT NULL,"
    " fault TEXT NOT NULL,"
    " since INTEGER NOT NULL,"
    " PRIMARY KEY(host, queue_id, domain)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX log_wait_since ON log_wait(since);"
    "CREATE TABLE log_waited("
    "day TEXT NOT NULL,"
    " partner TEXT NOT NULL,"
    " fault TEXT NOT NULL,"
    " result TEXT NOT NULL,"
    " n INTEGER NOT NULL,"
    " seconds INTEGER NOT NULL,"
    " PRIMARY KEY(day, partner, fault, result)"
    ") STRICT, WITHOUT ROWID;";

/* When what ends at not_after began; of results from before, not known. */
static const char lives[] =
    "ALTER TABLE result ADD COLUMN begins INTEGER NOT NULL DEFAULT 0;";

/* They stand beside the result, which they are a part of: see add_look(). */
static const char shown[] =
    "ALTER TABLE probe ADD COLUMN requiretls TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE probe ADD COLUMN dnssec TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE probe ADD COLUMN tlsa TEXT NOT NULL DEFAULT '';";

/*
 * The last looks of a gateway that passed or had a fault of TLS: how many (as
 * far as they count), a bit each, and the fault that a bit stands for. In
 * rows of probe they could be counted, too, but not found: see above.
 */
static const char turns[] =
    "ALTER TABLE gateway ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE gateway ADD COLUMN history INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE gateway ADD COLUMN bad TEXT NOT NULL DEFAULT '';";

/* struct evidence_leg */
static const char legs[] = "CREATE TABLE leg("
			   "day TEXT NOT NULL,"
			   " partner TEXT NOT NULL,"
			   " leg TEXT NOT NULL,"
			   " tls TEXT NOT NULL,"
			   " protocol TEXT NOT NULL,"
			   " n INTEGER NOT NULL,"
			   " last INTEGER NOT NULL,"
			   " PRIMARY KEY(day, partner, leg, tls, protocol)"
			   ") STRICT, WITHOUT ROWID;"
			   "CREATE TABLE leg_mail("
			   "mail TEXT NOT NULL,"
			   " partner TEXT NOT NULL,"
			   " leg TEXT NOT NULL,"
			   " time INTEGER NOT NULL,"
			   " PRIMARY KEY(mail, partner, leg)"
			   ") STRICT, WITHOUT ROWID;"
			   "CREATE INDEX leg_mail_time ON leg_mail(time);";

/* evidence_own.h; a look is all rows of one time. */
static const char own[] = "CREATE TABLE own("
			  "time INTEGER NOT NULL,"
			  " place INTEGER NOT NULL,"
			  " what TEXT NOT NULL,"
			  " name TEXT NOT NULL,"
			  " state TEXT NOT NULL,"
			  " text TEXT NOT NULL,"
			  " begins INTEGER NOT NULL,"
			  " ends INTEGER NOT NULL,"
			  " PRIMARY KEY(time, place)"
			  ") STRICT, WITHOUT ROWID;";

/* 1: a whole look at its next-hop, after its last result, did not meet it. */
static const char gone[] =
    "ALTER TABLE gateway ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;";

/* By which the looks of the history were judged; '': not known. */
static const char ruled[] =
    "ALTER TABLE gateway ADD COLUMN rule TEXT NOT NULL DEFAULT '';";

/* The last look that failed on our side, if nothing was seen since; or 0. */
static const char blind[] =
    "ALTER TABLE gateway ADD COLUMN blind INTEGER NOT NULL DEFAULT 0;";

/* When mail of a partner came as agreed last, see evidence_received(). */
static const char received[] = "CREATE TABLE IF NOT EXISTS log_received("
			       "partner TEXT NOT NULL PRIMARY KEY,"
			       " time INTEGER NOT NULL"
			       ") STRICT, WITHOUT ROWID;";

static const char *const step[] = {probes, logged, tails, exchanges, rules,
    lives, shown, turns, legs, own, evidence_names_step, gone, ruled, blind,
    received};

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
    "INSERT INTO gateway(id, partner, nexthop, host, address, port, last, time,"
    " fault, since, run, passed, vouched, shown) SELECT id, partner, nexthop, "
    "host, address, port,"
    " (SELECT kept FROM temp.look WHERE id = g.last), time, fault, since, run,"
    " (SELECT kept FROM temp.look WHERE id = g.passed), NULL,"
    " (SELECT kept FROM temp.look WHERE id = g.shown)"
    " FROM old.old_gateway g;"
    "INSERT INTO probe(id, gateway, result, first, time, n, look, detail)"
    " SELECT p.id, p.gateway, l.result, l.first, p.time, l.n,"
    " p.id, p.detail FROM temp.look l JOIN old.old_probe p ON p.id = l.id"
    " WHERE l.kept = l.id;"
    "DROP TABLE temp.look;"
    "UPDATE state SET looks = (SELECT coalesce(max(seq), 0)"
    " FROM old.sqlite_sequence WHERE name = 'old_probe');"
    "INSERT INTO log_count SELECT day, partner, direction, seen, protocol,"
    " cipher, result, '', 0, '', '', n FROM old.old_log_count;"
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
	if (db_exec(db, "DETACH old", rv == 0 ? e : &ignored) == -1)
		rv = -1;
	return rv;
}

static int
move(struct db *db, const char *ledger, struct err *e)
{
	struct ledger *l = ledger_open(ledger, LEDGER_WRITE, e);
	struct err ignored;
	int rv;

	if (l == NULL)
		return -1;
	if ((rv = ledger_has_evidence(l, e)) == 1 &&
	    (rv = copy_once(db, ledger, e)) == 0 &&
	    (rv = EVIDENCE_DROP_OLD(l->db, e)) == 0)
		/* Give the room back; without, it is used again. */
		(void)db_exec(l->db, "VACUUM", &ignored);
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

/* What cannot be followed now is by the next one who opens it. */
static void
follow_names(struct db *db, const char *ledger)
{
	struct err ignored;
	struct ledger *l =
	    ledger == NULL ? NULL : ledger_open(ledger, LEDGER_READ, &ignored);

	if (l != NULL)
		(void)evidence_names_follow(db, l, &ignored);
	ledger_close(l);
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
	if (write)
		follow_names(db, ledger);
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

bool
evidence_is_still(const struct evidence *v)
{
	return db_is_still(v->db);
}

void
evidence_as_written(struct evidence *v)
{
	if (v != NULL)
		v->as_written = true;
}

int
evidence_begin(struct evidence *v, struct err *e)
{
	return v == NULL ? 0 : db_begin_read(v->db, e);
}

int
evidence_end(struct evidence *v, int rv, struct err *e)
{
	return v == NULL ? rv : db_end(v->db, rv, e);
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
	char hash[DIGEST_HEX];

	*id = 0;
	if (pem == NULL || *pem == '\0')
		return 0;
	(void)digest_of(pem, strlen(pem), hash);
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
	if (intern(db,
		"SELECT id FROM result WHERE fault = ? AND protocol = ?"
		" AND cipher = ? AND kex = ? AND not_after = ? AND key = ?"
		" AND chain = ? AND judged = ?",
		8,
		"INSERT INTO result(fault, protocol, cipher, kex, not_after, "
		"key,"
		" chain, judged) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
		(struct db_value[]){DB_TEXT(p->fault), DB_TEXT(p->protocol),
		    DB_TEXT(p->cipher), DB_TEXT(p->kex), DB_INT(p->not_after),
		    DB_TEXT(p->key), DB_INT(chain),
		    DB_TEXT(judged_name[p->judged])},
		8, id, e) == -1)
		return -1;
	/* It is no part of what tells results apart. */
	return db_do(db, e,
	    "UPDATE result SET begins = ?2 WHERE id = ?1 AND begins <> ?2",
	    DB_INT(*id), DB_INT(p->begins));
}

/* Did it fail on our side, and so tells nothing of the gateway? */
static bool
is_ours(const struct evidence_probe *p)
{
	return strcmp(p->fault, fault_text(FAULT_LOCAL_ERROR)) == 0;
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
	    " ON p.id = CASE WHEN ?9 THEN g.blind ELSE g.last END"
	    " WHERE g.id = ?1 AND p.result = ?2"
	    " AND p.first <= ?3 AND p.first / 86400 = ?3 / 86400"
	    " AND p.requiretls = ?6 AND p.dnssec = ?7 AND p.tlsa = ?8)"
	    " RETURNING id",
	    9,
	    "INSERT INTO probe(gateway, result, first, time, n, look, detail,"
	    " requiretls, dnssec, tlsa)"
	    " VALUES(?1, ?2, ?3, ?3, 1, ?4, ?5, ?6, ?7, ?8)",
	    (struct db_value[]){DB_INT(gateway), DB_INT(result),
		DB_INT(p->time), DB_INT(look), DB_TEXT(p->detail),
		DB_TEXT(p->requiretls), DB_TEXT(p->dnssec), DB_TEXT(p->tlsa),
		DB_INT(is_ours(p))},
	    8, row, e);
}

/* What next_turns() reads. */
#define TURNS_COLUMNS "g.history, g.looks, g.bad"

/* history: a bit a look, the latest lowest; 1: it had that fault. */
static struct turns
next_turns(struct db_stmt *s, int from)
{
	const unsigned history = (unsigned)db_col_int(s, from);
	struct turns t = {.looks = (unsigned)db_col_int(s, from + 1)};
	unsigned i, runs = 0;
	bool bad, before = false;

	(void)fault_parse(db_col_text(s, from + 2), &t.fault);
	for (i = 0; i < t.looks && i < TURNS_LOOKS; i++, before = bad) {
		bad = (history >> i & 1) != 0;
		t.bad += bad;
		runs += bad && !before;
	}
	t.on = runs > 1;
	return t;
}

/*
 * A result older than the latest (two sweeps at once) changes nothing. Of the
 * history, a look that got as far as TLS is a bit; a fault that is another one
 * than before begins it anew, and so does another rule.
 */
#define OTHER_RULE "(?11 <> '' AND rule NOT IN ('', ?11))"

static int
update_gateway(struct db *db, int64_t gateway, int64_t row, int64_t chain,
    const struct evidence_probe *p, struct err *e)
{
	bool vouched =
	    p->judged > EVIDENCE_BY_NONE && p->key != NULL && *p->key != '\0';
	enum fault fault;
	bool known = fault_parse(p->fault, &fault) == 0;
	bool well = known && fault == FAULT_OK;
	bool bad = known && fault_is_tls(fault);

	return db_do(db, e,
	    "UPDATE gateway SET last = ?2, time = ?3,"
	    " since = CASE WHEN fault = ?4 THEN since ELSE ?3 END,"
	    " run = CASE WHEN fault = ?4 THEN run + 1 ELSE 1 END,"
	    " passed = CASE WHEN ?5 THEN ?2 ELSE passed END,"
	    " vouched = CASE WHEN ?6 THEN ?2 ELSE vouched END,"
	    " shown = CASE WHEN ?7 THEN ?2 ELSE shown END,"
	    " looks = min(CASE WHEN " OTHER_RULE " THEN 0 ELSE looks END"
	    " + (?8 OR ?9), ?10),"
	    " history = CASE WHEN " OTHER_RULE " THEN ?9"
	    " WHEN ?8 OR (?9 AND bad = ?4)"
	    " THEN (history << 1 | ?9) & (1 << ?10) - 1"
	    " WHEN ?9 THEN 1 ELSE history END,"
	    " bad = CASE WHEN ?9 THEN ?4 WHEN " OTHER_RULE " THEN ''"
	    " ELSE bad END,"
	    " rule = CASE ?11 WHEN '' THEN rule ELSE ?11 END, gone = 0,"
	    " fault = ?4 WHERE id = ?1 AND time <= ?3",
	    DB_INT(gateway), DB_INT(row), DB_INT(p->time), DB_TEXT(p->fault),
	    DB_INT(p->judged != EVIDENCE_FAILED), DB_INT(vouched),
	    DB_INT(chain != 0), DB_INT(well), DB_INT(bad), DB_INT(TURNS_LOOKS),
	    DB_TEXT(p->rule));
}

/* Something was seen: our side does not fail any more. */
static int
see_again(struct db *db, const struct evidence_probe *p, struct err *e)
{
	return db_do(db, e,
	    "UPDATE gateway SET blind = 0 WHERE partner = ?1 AND nexthop = ?2"
	    " AND blind <> 0 AND (?3 = '' OR host = ''"
	    " OR (host = ?3 AND address IN ('', ?4)))"
	    " AND (SELECT time FROM probe WHERE id = blind) <= ?5",
	    DB_TEXT(p->partner), DB_TEXT(p->nexthop), DB_TEXT(p->host),
	    DB_TEXT(p->address), DB_INT(p->time));
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
	if (is_ours(p))
		return db_do(db, e,
		    "UPDATE gateway SET blind = ?2 WHERE id = ?1"
		    " AND time <= ?3",
		    DB_INT(gateway), DB_INT(row), DB_INT(p->time));
	return see_again(db, p, e) == -1
		   ? -1
		   : update_gateway(db, gateway, row, chain, p, e);
}

/* What the gateway of p shows by turns, as far as is known. */
static int
read_turns(struct db *db, const struct evidence_probe *p, struct turns *out,
    struct err *e)
{
	struct db_stmt *s;
	int rv;

	*out = (struct turns){0};
	s = db_query(db,
	    "SELECT " TURNS_COLUMNS " FROM gateway g WHERE partner = ?"
	    " AND nexthop = ? AND host = ? AND address = ? AND port = ?",
	    DB_TEXT(p->partner), DB_TEXT(p->nexthop), DB_TEXT(p->host),
	    DB_TEXT(p->address), DB_INT(p->port));
	if ((rv = db_step(s, e)) == 1)
		*out = next_turns(s, 0);
	return db_done(s, rv);
}

int
evidence_probe_add(struct evidence *v, const struct evidence_probe *p,
    struct turns *by_turns, struct err *e)
{
	struct err ignored;

	if (ledger_need_word("fault", p->fault, e) == -1 ||
	    ledger_need_hash("key", p->key, e) == -1 ||
	    ledger_need_time("time", p->time, e) == -1)
		return -1;
	if ((unsigned)p->judged >= JUDGED)
		return err_set(e, EX_SOFTWARE, "evidence: judged by nothing");
	if (p->port > 65535)
		return err_set(e, EX_DATAERR, "evidence: no port: %u", p->port);
	if (db_within(v->db, false, e, add_probe(v->db, p, e)) == -1)
		return -1;
	if (by_turns != NULL)
		(void)read_turns(v->db, p, by_turns, &ignored);
	return 0;
}

int
evidence_looked(struct evidence *v, const char *partner, const char *nexthop,
    time_t began, struct err *e)
{
	return db_within(v->db, false, e,
	    db_do(v->db, e,
		"UPDATE gateway SET gone = 1 WHERE partner = ?1"
		" AND nexthop = ?2 AND time < ?3 AND EXISTS (SELECT 1"
		" FROM gateway o WHERE o.partner = ?1 AND o.nexthop = ?2"
		" AND o.host <> '' AND o.time >= ?3)",
		DB_TEXT(partner), DB_TEXT(nexthop), DB_INT(began)));
}

/* What next_probe() reads; the chain comes next, and then what else is. */
#define PROBE_COLUMNS PROBE_COLUMNS_OF("g.partner")
#define PROBE_COLUMNS_OF(name)                                              \
	"p.look, p.time, p.n, p.first, " name ", g.nexthop, g.host,"        \
	" g.address, g.port, r.fault, r.protocol, r.cipher, r.kex,"         \
	" r.begins, r.not_after, r.key, p.detail, p.requiretls, p.dnssec, " \
	"p.tlsa,"                                                           \
	" r.judged"
#define PROBE_RESULT " JOIN result r ON r.id = p.result"
#define PROBE(m) DB_MEMBER(struct evidence_probe, m)
static const struct db_member probe_members[] = {PROBE(id), PROBE(time),
    PROBE(n), PROBE(first), PROBE(partner), PROBE(nexthop), PROBE(host),
    PROBE(address), PROBE(port), PROBE(fault), PROBE(protocol), PROBE(cipher),
    PROBE(kex), PROBE(begins), PROBE(not_after), PROBE(key), PROBE(detail),
    PROBE(requiretls), PROBE(dnssec), PROBE(tlsa), {0}};
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
	    .begins = p->begins,
	    .not_after = p->not_after,
	    .passed = g->passed,
	    .run = g->run,
	    .turns = g->turns,
	    .gone = g->gone,
	    .blind = g->blind,
	    /* What passed while nothing was asked may have been anybody's. */
	    .known = (full <= LEVEL_ENCRYPT ? g->passed : g->vouched) != 0};
	return fault_parse(p->fault, &out->fault) == 0;
}

/* The last look at its next-hop that met a gateway at all. */
#define MET                                                              \
	"(SELECT max(o.time) FROM gateway o WHERE o.partner = g.partner" \
	" AND o.nexthop = g.nexthop AND o.host <> '')"

bool
evidence_gone(const struct evidence_gateway *g, time_t span)
{
	const time_t time = g->blind > g->last.time ? g->blind : g->last.time;

	return g->gone || g->met > time + span;
}

/* The last one of ours that would have looked at it. */
#define BLIND                                                      \
	" LEFT JOIN probe b ON b.id = (SELECT max(o.blind)"        \
	" FROM gateway o WHERE o.partner = g.partner"              \
	" AND o.nexthop = g.nexthop AND (o.host = '' OR (o.host =" \
	" g.host AND o.address IN ('', g.address))))"

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
	    " y.key, " TURNS_COLUMNS ", " MET ", g.gone, b.time, b.first, b.n"
	    " FROM gateway g JOIN probe p ON p.id = g.last" PROBE_RESULT
	    " LEFT JOIN probe q ON q.id = g.passed"
	    " LEFT JOIN probe w ON w.id = g.vouched"
	    " LEFT JOIN result y ON y.id = w.result" BLIND
	    " WHERE (?1 IS NULL OR g.partner = ?1) AND g.time >= ?2"
	    " ORDER BY g.partner, g.nexthop, g.host, g.address, g.port",
	    DB_TEXT_OR_NULL(partner), DB_INT(since));
	while ((rv = next_probe(s, &g.last, e)) == 1) {
		g.since = db_col_int(s, COLUMN_MORE);
		g.run = (unsigned)db_col_int(s, COLUMN_MORE + 1);
		g.passed = db_col_int(s, COLUMN_MORE + 2);
		g.vouched = db_col_int(s, COLUMN_MORE + 3);
		g.key = db_col_text(s, COLUMN_MORE + 4);
		g.turns = next_turns(s, COLUMN_MORE + 5);
		g.met = db_col_int(s, COLUMN_MORE + 8);
		g.gone = db_col_int(s, COLUMN_MORE + 9) != 0;
		g.blind = db_col_int(s, COLUMN_MORE + 10);
		g.blind_since = db_col_int(s, COLUMN_MORE + 11);
		g.blind_run = (unsigned)db_col_int(s, COLUMN_MORE + 12);
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
evidence_blind(struct evidence *v, const char *partner, evidence_probe_fn *fn,
    void *arg, struct err *e)
{
	if (v == NULL)
		return 0;
	return each_probe(db_query(v->db,
			      "SELECT " PROBE_COLUMNS ", '' FROM gateway g"
			      " JOIN probe p ON p.id = g.blind" PROBE_RESULT
			      " WHERE ?1 IS NULL OR g.partner = ?1",
			      DB_TEXT_OR_NULL(partner)),
	    fn, arg, e);
}

int
evidence_probes(struct evidence *v, const char *partner, time_t since,
    evidence_probe_fn *fn, void *arg, struct err *e)
{
#define PROBES(name)                                                       \
	"SELECT " PROBE_COLUMNS_OF(                                        \
	    name) ", '' FROM gateway g"                                    \
		  " JOIN probe p ON p.gateway = g.id" PROBE_RESULT         \
		  " WHERE (?1 IS NULL OR g.partner = ?1) AND p.time >= ?2" \
		  " ORDER BY p.time DESC, p.look DESC"
	static const char *const sql[] = {
	    PROBES("g.partner"), PROBES(EVIDENCE_NAME_WRITTEN)};

	if (v == NULL)
		return 0;
	return each_probe(db_query(v->db, sql[v->as_written],
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
