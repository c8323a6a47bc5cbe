#include "ledger.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "err.h"
#include "evidence_impl.h"
#include "ledger_impl.h"
#include "mem.h"
#include "quote.h"

#define TIME_MAX_STORED 253402300799 /* 9999-12-31T23:59:59Z */

_Static_assert(LEDGER_TEXT_MAX == DB_TEXT_MAX, "the limit that is told");

struct ledger *
ledger_open(const char *path, enum ledger_mode mode, struct err *e)
{
	struct ledger *l;
	struct db *db;

	db = db_open(
	    path, mode == LEDGER_WRITE ? DB_WRITE : DB_READ, &ledger_schema, e);
	if (db != NULL && mode == LEDGER_WRITE &&
	    evidence_drop_empty(db, e) == -1) {
		db_close(db);
		db = NULL;
	}
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

	s = db_sql(l->db, "SELECT time FROM event ORDER BY seq DESC LIMIT 1");
	rv = db_step(s, e);
	*when = rv == 1 ? db_col_int(s, 0) : 0;
	return db_done(s, rv);
}

int
ledger_prune(struct ledger *l, time_t before, int64_t *removed, struct err *e)
{
	struct db_stmt *s;

	if (db_begin(l->db, false, e) == -1)
		return -1;
	s = db_sql(l->db, "DELETE FROM notice WHERE sent != 0 AND sent < ?");
	db_int(s, before);
	if (db_end(l->db, db_run(s, e), e) == -1)
		return -1;
	if (removed != NULL)
		*removed = db_changes(l->db);
	return 0;
}
