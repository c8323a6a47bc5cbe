#include "evidence.h"

#include <stdlib.h>
#include <sysexits.h>

#include "err.h"
#include "evidence_impl.h"
#include "mem.h"

#define PRUNE_ROWS 1000 /* a transaction: others want to write as well */

/* A reader must not take for empty what was not moved here yet. */
static int
need_taken(struct db *db, const char *ledger, struct err *e)
{
	int64_t taken = 0;
	struct err why;

	if (db != NULL && evidence_state(db, &taken, e) == -1)
		return -1;
	if (taken != 0 || ledger == NULL || evidence_not_in(ledger, &why) == 0)
		return 0;
	*e = why;
	return -1;
}

struct evidence *
evidence_open(const char *path, const char *ledger, enum evidence_mode mode,
    struct err *e)
{
	struct evidence *v;
	struct db *db;
	int rv;

	db = db_open(path, mode == EVIDENCE_WRITE ? DB_WRITE : DB_READ,
	    &evidence_schema, e);
	if (mode == EVIDENCE_WRITE)
		rv = db == NULL ? -1 : evidence_take(db, ledger, e);
	else if (db != NULL || e->code == EX_NOINPUT)
		rv = need_taken(db, ledger, e);
	else
		rv = -1;
	if (rv == -1 || db == NULL) {
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
	struct db_stmt *s;
	int rv;

	*when = 0;
	if (v == NULL)
		return 0;
	s = db_sql(v->db,
	    "SELECT max(coalesce((SELECT max(time) FROM probe), 0),"
	    " coalesce((SELECT max(time) FROM failure), 0))");
	rv = db_step(s, e);
	*when = rv == 1 ? db_col_int(s, 0) : 0;
	return db_done(s, rv);
}

/* Run sql, bound to `before`, until it finds nothing more to remove. */
static int
prune(struct evidence *v, const char *sql, time_t before, int64_t *removed,
    struct err *e)
{
	struct db_stmt *s;
	int64_t n;

	do {
		if (db_begin(v->db, false, e) == -1)
			return -1;
		s = db_sql(v->db, sql);
		db_int(s, before);
		db_int(s, PRUNE_ROWS);
		if (db_end(v->db, db_run(s, e), e) == -1)
			return -1;
		n = db_changes(v->db);
		*removed += n;
	} while (n == PRUNE_ROWS);
	return 0;
}

/*
 * Failures become sums before they go. SQLite counts on from the highest
 * number that is there: it stays, or readers would take new ones for seen.
 */
#define OLD_FAILURES \
	"failure WHERE time < ? AND id < (SELECT max(id) FROM failure)"

static int
prune_failures(
    struct evidence *v, time_t before, int64_t *removed, struct err *e)
{
	struct db_stmt *s;
	int rv;

	if (db_begin(v->db, false, e) == -1)
		return -1;
	s = db_sql(v->db,
	    "INSERT INTO failure_sum(day, partner, direction, fault, n)"
	    " SELECT strftime('%Y-%m-%d', time, 'unixepoch'), partner,"
	    " direction, fault, count(*) FROM " OLD_FAILURES
	    " GROUP BY 1, 2, 3, 4"
	    " ON CONFLICT DO UPDATE SET n = n + excluded.n");
	db_int(s, before);
	rv = db_run(s, e);
	if (rv == 0) {
		s = db_sql(v->db, "DELETE FROM " OLD_FAILURES);
		db_int(s, before);
		rv = db_run(s, e);
		*removed += db_changes(v->db);
	}
	return db_end(v->db, rv, e);
}

int
evidence_prune(
    struct evidence *v, time_t before, int64_t *removed, struct err *e)
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
	int64_t n = 0;
	size_t i;

	for (i = 0; i < sizeof(sql) / sizeof(sql[0]); i++)
		if (prune(v, sql[i], before, &n, e) == -1)
			return -1;
	if (prune_failures(v, before, &n, e) == -1)
		return -1;
	if (removed != NULL)
		*removed = n;
	return 0;
}
