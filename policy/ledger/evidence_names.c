#include "evidence_names.h"

#include "db.h"
#include "err.h"
#include "ledger_rename.h"

const char evidence_names_step[] = "CREATE TABLE IF NOT EXISTS former("
				   "was TEXT NOT NULL,"
				   " time INTEGER NOT NULL,"
				   " name TEXT NOT NULL,"
				   " PRIMARY KEY(was, time)"
				   ") STRICT, WITHOUT ROWID;"
				   /* Up to the look of that time. */
				   "CREATE TABLE IF NOT EXISTS gateway_former("
				   "gateway INTEGER NOT NULL,"
				   " time INTEGER NOT NULL,"
				   " partner TEXT NOT NULL,"
				   " PRIMARY KEY(gateway, time)"
				   ") STRICT, WITHOUT ROWID;";

/*
 * Gateways that both names have: the one that was looked at last goes on, and
 * the other one's looks become its own.
 */
#define TWINS                                                               \
	"WITH twin(lost, kept) AS (SELECT"                                  \
	" CASE WHEN o.time > n.time THEN n.id ELSE o.id END,"               \
	" CASE WHEN o.time > n.time THEN o.id ELSE n.id END FROM gateway o" \
	" JOIN gateway n USING(nexthop, host, address, port)"               \
	" WHERE o.partner = ?1 AND n.partner = ?2) "
#define LATER(look)                                                      \
	look " = (SELECT p.id FROM probe p WHERE p.id IN (gateway." look \
	     ", l." look ") ORDER BY p.time DESC, p.look DESC LIMIT 1)"
#define LATER_ONES LATER("passed") ", " LATER("vouched") ", " LATER("shown")

static int
follow(struct db *db, const struct ledger_renamed *x, struct err *e)
{
	/* Each asks for both names. */
	static const char *const sql[] = {
	    "UPDATE former SET name = ?2 WHERE name = ?1",
	    /* Of their looks in turn, each last one before another name. */
	    TWINS "INSERT OR REPLACE INTO gateway_former SELECT kept, time, was"
		  " FROM (SELECT kept, time, was, lead(was, 1, ?2) OVER"
		  " (PARTITION BY kept ORDER BY time, look) AS next"
		  " FROM (SELECT t.kept, p.time, p.look, " EVIDENCE_NAME_WRITTEN
		  " AS was FROM twin t JOIN gateway g"
		  " ON g.id IN (t.lost, t.kept)"
		  " JOIN probe p ON p.gateway = g.id)) WHERE was <> next",
	    TWINS "UPDATE gateway SET " LATER_ONES " FROM twin t"
		  " JOIN gateway l ON l.id = t.lost WHERE gateway.id = t.kept",
	    TWINS "UPDATE probe SET gateway = t.kept FROM twin t"
		  " WHERE gateway = t.lost",
	    TWINS "DELETE FROM gateway_former"
		  " WHERE gateway IN (SELECT lost FROM twin)",
	    TWINS "DELETE FROM gateway WHERE id IN (SELECT lost FROM twin)",
	    "INSERT OR IGNORE INTO gateway_former"
	    " SELECT id, time, ?1 FROM gateway"
	    " WHERE partner = ?1 AND partner <> ?2",
	    "UPDATE gateway SET partner = ?2 WHERE partner = ?1",
	    "UPDATE log_wait SET partner = ?2 WHERE partner = ?1",
	    "UPDATE OR IGNORE leg_mail SET partner = ?2 WHERE partner = ?1",
	};
	size_t i;

	if (db_do(db, e,
		"INSERT INTO former(was, time, name) VALUES(?, ?, ?)"
		" ON CONFLICT DO NOTHING",
		DB_TEXT(x->from), DB_INT(x->time), DB_TEXT(x->to)) == -1)
		return -1;
	if (db_changes(db) == 0)
		return 0;
	for (i = 0; i < sizeof(sql) / sizeof(sql[0]); i++)
		if (db_do(db, e, sql[i], DB_TEXT(x->from), DB_TEXT(x->to)) ==
		    -1)
			return -1;
	return 0;
}

static int
follow_all(struct db *db, const struct ledger_names *names, struct err *e)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (follow(db, &names->v[i], e) == -1)
			return -1;
	return 0;
}

int
evidence_names_follow(struct db *db, struct ledger *l, struct err *e)
{
	struct ledger_names names;
	int64_t have;
	int rv;

	if (ledger_names_read(l, &names, e) == -1)
		return -1;
	rv = names.n == 0 ? 0
			  : db_ask(db, e, &have, "SELECT count(*) FROM former");
	if (rv == 1 && have == (int64_t)names.n)
		rv = 0;
	if (rv == 1)
		rv = db_within(db, true, e, follow_all(db, &names, e));
	ledger_names_release(&names);
	return rv;
}

int
evidence_names_any(struct db *db, struct err *e)
{
	int64_t n;

	return db_ask(db, e, &n, "SELECT 1 FROM former LIMIT 1");
}
