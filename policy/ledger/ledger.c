#include "ledger.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "err.h"
#include "ledger_impl.h"
#include "mem.h"
#include "quote.h"

#define TIME_MAX_STORED 253402300799 /* 9999-12-31T23:59:59Z */
#define PRUNE_ROWS 1000 /* a transaction: others want to write as well */

_Static_assert(LEDGER_TEXT_MAX == DB_TEXT_MAX, "the limit that is told");

struct ledger *
ledger_open(const char *path, enum ledger_mode mode, struct err *e)
{
	struct ledger *l;
	struct db *db;

	db = db_open(
	    path, mode == LEDGER_WRITE ? DB_WRITE : DB_READ, &ledger_schema, e);
	if (db == NULL)
		return NULL;
	l = mem_zero(1, sizeof(*l));
	l->db = db;
	return l;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	db_close(l->db);
	free(l);
}

void
ledger_patience(struct ledger *l, int ms)
{
	db_patience(l->db, ms);
}

int
ledger_need_word(const char *what, const char *s, struct err *e)
{
	size_t n;

	if (s == NULL)
		s = "";
	n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
	if (n == 0 || n > 64 || s[n] != '\0')
		return err_set(e, EX_DATAERR, "ledger: %s %s is not a word",
		    what, quotes(s).s);
	return 0;
}

int
ledger_need_hash(const char *what, const char *s, struct err *e)
{
	size_t n;

	if (s == NULL || *s == '\0')
		return 0;
	n = strspn(s, "0123456789abcdef");
	if (n != LEDGER_HASH - 1 || s[n] != '\0')
		return err_set(e, EX_DATAERR,
		    "ledger: %s %s is not a SHA-256 in lower-case hex", what,
		    quotes(s).s);
	return 0;
}

int
ledger_need_time(const char *what, time_t t, struct err *e)
{
	if (t < 0 || t > TIME_MAX_STORED)
		return err_set(e, EX_DATAERR,
		    "ledger: %s %lld is not a time from 1970 to 9999", what,
		    (long long)t);
	return 0;
}

int
ledger_newest(struct ledger *l, time_t *when, struct err *e)
{
	struct db_stmt *s;
	int rv;

	s = db_sql(l->db,
	    "SELECT max(coalesce((SELECT max(time) FROM probe), 0),"
	    " coalesce((SELECT max(time) FROM failure), 0),"
	    " coalesce((SELECT time FROM event ORDER BY seq DESC LIMIT 1),"
	    " 0))");
	rv = db_step(s, e);
	*when = rv == 1 ? db_col_int(s, 0) : 0;
	db_done(s);
	return rv == -1 ? -1 : 0;
}

/* Run sql, bound to `before`, until it finds nothing more to remove. */
static int
prune(struct ledger *l, const char *sql, time_t before, int64_t *removed,
    struct err *e)
{
	struct db_stmt *s;
	int64_t n;

	do {
		if (db_begin(l->db, false, e) == -1)
			return -1;
		s = db_sql(l->db, sql);
		db_int(s, before);
		db_int(s, PRUNE_ROWS);
		if (db_end(l->db, db_run(s, e), e) == -1)
			return -1;
		n = db_changes(l->db);
		*removed += n;
	} while (n == PRUNE_ROWS);
	return 0;
}

/* Failures become sums before they go. */
static int
prune_failures(struct ledger *l, time_t before, int64_t *removed, struct err *e)
{
	struct db_stmt *s;
	int rv;

	if (db_begin(l->db, false, e) == -1)
		return -1;
	s = db_sql(l->db,
	    "INSERT INTO failure_sum(day, partner, direction, fault, n)"
	    " SELECT strftime('%Y-%m-%d', time, 'unixepoch'), partner,"
	    " direction, fault, count(*) FROM failure WHERE time < ?"
	    " GROUP BY 1, 2, 3, 4"
	    " ON CONFLICT DO UPDATE SET n = n + excluded.n");
	db_int(s, before);
	rv = db_run(s, e);
	if (rv == 0) {
		s = db_sql(l->db, "DELETE FROM failure WHERE time < ?");
		db_int(s, before);
		rv = db_run(s, e);
		*removed += db_changes(l->db);
	}
	return db_end(l->db, rv, e);
}

int
ledger_prune(struct ledger *l, time_t before, int64_t *removed, struct err *e)
{
	static const char *const sql[] = {
	    "DELETE FROM probe WHERE id IN (SELECT p.id FROM probe p"
	    " JOIN gateway g ON g.id = p.gateway WHERE p.time < ?"
	    " AND p.id IS NOT g.last AND p.id IS NOT g.passed"
	    " AND p.id IS NOT g.shown LIMIT ?)",
	    /* A chain has no time: it goes when nothing shows it. */
	    "DELETE FROM chain WHERE ?1 IS NOT NULL AND id IN"
	    " (SELECT id FROM chain c WHERE NOT EXISTS"
	    " (SELECT 1 FROM probe WHERE chain = c.id) LIMIT ?2)",
	    "DELETE FROM notice WHERE id IN (SELECT id FROM notice"
	    " WHERE sent != 0 AND sent < ? LIMIT ?)",
	    "DELETE FROM position WHERE (device, inode, first) IN"
	    " (SELECT device, inode, first FROM position WHERE time < ?"
	    " LIMIT ?)",
	};
	int64_t n = 0;
	size_t i;

	for (i = 0; i < sizeof(sql) / sizeof(sql[0]); i++)
		if (prune(l, sql[i], before, &n, e) == -1)
			return -1;
	if (prune_failures(l, before, &n, e) == -1)
		return -1;
	if (removed != NULL)
		*removed = n;
	return 0;
}
