/*
 * Evidence once stood in the ledger: it is copied from there by one
 * transaction, and dropped there by another. Who is killed in between leaves
 * EVIDENCE_COPIED behind, which says that only the second is left to do.
 */
#include <errno.h>
#include <stdbool.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "evidence_impl.h"
#include "ledger_impl.h"
#include "quote.h"

/*
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
    "INSERT INTO position SELECT * FROM old.old_position;";

/* What one row of one number says. */
static int
ask(struct db *db, const char *sql, int64_t *out, struct err *e)
{
	struct db_stmt *s = db_sql(db, sql);
	int rv = db_step(s, e);

	*out = rv == 1 ? db_col_int(s, 0) : 0;
	return db_done(s, rv);
}

int
evidence_state(struct db *db, int64_t *taken, struct err *e)
{
	return ask(db, "SELECT taken FROM state", taken, e);
}

/* *there: are the tables in the ledger? *filled: with anything in them? */
static int
look_into(struct db *ledger, bool *there, bool *filled, struct err *e)
{
	int64_t n;

	*there = *filled = false;
	if (ask(ledger,
		"SELECT count(*) FROM sqlite_schema WHERE name = 'old_gateway'",
		&n, e) == -1)
		return -1;
	if (n == 0)
		return 0;
	*there = true;
	if (ask(ledger,
		"SELECT EXISTS(SELECT 1 FROM old_gateway)"
		" + EXISTS(SELECT 1 FROM old_log_count)"
		" + EXISTS(SELECT 1 FROM old_failure)"
		" + EXISTS(SELECT 1 FROM old_failure_sum)"
		" + EXISTS(SELECT 1 FROM old_position)",
		&n, e) == -1)
		return -1;
	*filled = n > 0;
	return 0;
}

static int
drop(struct db *ledger, struct err *e)
{
	if (db_begin(ledger, true, e) == -1)
		return -1;
	/* Two at once: the second finds nothing. */
	return db_end(ledger,
	    db_exec(ledger,
		"DROP TABLE IF EXISTS old_probe;"
		"DROP TABLE IF EXISTS old_gateway;"
		"DROP TABLE IF EXISTS old_chain;"
		"DROP TABLE IF EXISTS old_log_count;"
		"DROP TABLE IF EXISTS old_failure;"
		"DROP TABLE IF EXISTS old_failure_sum;"
		"DROP TABLE IF EXISTS old_position",
		e),
	    e);
}

int
evidence_drop_empty(struct db *ledger, struct err *e)
{
	bool there, filled;

	if (look_into(ledger, &there, &filled, e) == -1)
		return -1;
	return there && !filled ? drop(ledger, e) : 0;
}

int
evidence_not_in(const char *ledger, struct err *e)
{
	struct db *l = db_open(ledger, DB_READ, &ledger_schema, e);
	bool there, filled;
	int rv;

	if (l == NULL)
		return e->code == EX_NOINPUT ? 0 : -1;
	rv = look_into(l, &there, &filled, e);
	if (rv == 0 && filled)
		rv = err_set(e, EX_DATAERR,
		    "what was seen still stands in ledger %s: a program that "
		    "may write both must move it (%s)",
		    quotes(ledger).s, EVIDENCE_WRITERS);
	db_close(l);
	return rv;
}

/* Copy all, unless somebody did while we waited. */
static int
copy_once(struct db *db, const char *ledger, struct err *e)
{
	struct err ignored;
	int rv;

	if (db_attach(db, ledger, e) == -1)
		return -1;
	rv = db_begin(db, true, e);
	if (rv == 0) {
		rv = db_run(
		    db_sql(db, "UPDATE state SET taken = 1 WHERE taken = 0"),
		    e);
		if (rv == 0 && db_changes(db) != 0)
			rv = db_exec(db, copy, e);
		rv = db_end(db, rv, e);
	}
	if (db_detach(db, rv == 0 ? e : &ignored) == -1)
		rv = -1;
	return rv;
}

static int
move(struct db *db, const char *ledger, struct err *e)
{
	struct db *l = db_open(ledger, DB_WRITE, &ledger_schema, e);
	bool there, filled;
	struct err ignored;
	int rv;

	if (l == NULL)
		return -1;
	rv = look_into(l, &there, &filled, e);
	if (rv == 0 && filled)
		rv = copy_once(db, ledger, e);
	if (rv == 0 && there)
		rv = drop(l, e);
	/* Give the room back; without, it is used again. */
	if (rv == 0 && filled)
		(void)db_exec(l, "VACUUM", &ignored);
	db_close(l);
	return rv;
}

int
evidence_take(struct db *db, const char *ledger, struct err *e)
{
	int64_t taken;
	struct err why;

	if (evidence_state(db, &taken, e) == -1)
		return -1;
	if (ledger == NULL || taken == EVIDENCE_TAKEN)
		return 0;
	if (evidence_not_in(ledger, &why) == -1 && move(db, ledger, &why) == -1)
		return err_set(e, why.code,
		    "cannot move what was seen from the ledger: %s", why.text);
	if (db_begin(db, true, &why) == 0 &&
	    db_end(db, db_run(db_sql(db, "UPDATE state SET taken = 2"), &why),
		&why) == 0)
		return 0;
	/* Others are at work: whoever opens it next will say so. */
	if (why.code == EX_TEMPFAIL)
		return 0;
	*e = why;
	return -1;
}
