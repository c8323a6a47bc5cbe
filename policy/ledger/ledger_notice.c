/*
 * Notices that wait to be sent: a row stays until somebody says that it
 * went out, so a crash in between sends it twice rather than never.
 *
 * Those of one partner are due in the order in which they were added: none
 * is due before an older one that waits, and of one time the older is first.
 */
#include <sysexits.h>

#include "err.h"
#include "ledger_impl.h"
#include "quote.h"

/* Of a row, or of a parameter; NULL if it is of no partner. */
#define PARTNER(data)                          \
	"CASE WHEN json_valid(" data ") THEN " \
	"json_extract(" data ", '$.partner') END"

static int
add_notice(struct ledger *l, const struct ledger_notice *n, struct err *e)
{
	struct db_stmt *s;

	s = db_sql(l->db,
	    "INSERT INTO notice(key, created, not_before, data)"
	    " VALUES(?1, ?2, max(?3, (SELECT coalesce(max(not_before), 0)"
	    " FROM notice WHERE sent = 0 AND " PARTNER("data") " = " PARTNER(
		"?4") ")), ?4) ON CONFLICT DO NOTHING");
	db_text(s, n->key);
	db_int(s, n->created);
	db_int(s, n->not_before);
	db_text(s, n->data);
	if (db_run(s, e) == -1)
		return -1;
	if (db_changes(l->db) != 0)
		return 0;
	(void)err_set(e, LEDGER_REFUSED, "there is a notice %s already",
	    quotes(n->key).s);
	return LEDGER_REFUSED;
}

int
ledger_notice_add(
    struct ledger *l, const struct ledger_notice *n, struct err *e)
{
	if (n->key == NULL || *n->key == '\0')
		return err_set(e, EX_DATAERR, "ledger: a notice needs a key");
	if (ledger_need_time("time", n->created, e) == -1 ||
	    ledger_need_time("time", n->not_before, e) == -1 ||
	    db_begin(l->db, true, e) == -1)
		return -1;
	return db_end(l->db, add_notice(l, n, e), e);
}

int
ledger_notices_due(struct ledger *l, time_t now, ledger_notice_fn *fn,
    void *arg, struct err *e)
{
	struct ledger_notice n;
	struct db_stmt *s;
	int rv;

	s = db_sql(l->db,
	    "SELECT id, key, created, not_before, data, tries FROM notice"
	    " WHERE sent = 0 AND not_before <= ? ORDER BY not_before, id");
	db_int(s, now);
	while ((rv = db_step(s, e)) == 1) {
		n = (struct ledger_notice){
		    .id = db_col_int(s, 0),
		    .key = db_col_text(s, 1),
		    .created = db_col_int(s, 2),
		    .not_before = db_col_int(s, 3),
		    .data = db_col_text(s, 4),
		    .tries = (unsigned)db_col_int(s, 5),
		};
		if (!fn(&n, arg))
			break;
	}
	return db_done(s, rv);
}

int
ledger_notice_next(struct ledger *l, time_t *when, struct err *e)
{
	struct db_stmt *s;
	int rv;

	s = db_sql(l->db, "SELECT min(not_before) FROM notice WHERE sent = 0");
	rv = db_step(s, e);
	*when = rv == 1 ? db_col_int(s, 0) : 0;
	return db_done(s, rv);
}

/* Set a time of the one row; 66 if it does not wait. */
static int
set_time(struct ledger *l, const char *sql, int64_t id, time_t t, struct err *e)
{
	struct db_stmt *s = db_sql(l->db, sql);

	db_int(s, t);
	db_int(s, id);
	if (db_run(s, e) == -1)
		return -1;
	return db_changes(l->db) != 0
		   ? 0
		   : err_set(e, EX_NOINPUT, "there is no notice %lld to send",
			 (long long)id);
}

int
ledger_notice_sent(struct ledger *l, int64_t id, time_t now, struct err *e)
{
	if (ledger_need_time("time", now, e) == -1 ||
	    db_begin(l->db, true, e) == -1)
		return -1;
	return db_end(l->db,
	    set_time(l,
		"UPDATE notice SET sent = ?1 WHERE id = ?2 AND sent = 0", id,
		now, e),
	    e);
}

static int
put_off(struct ledger *l, int64_t id, time_t not_before, struct err *e)
{
	struct db_stmt *s;

	if (set_time(l,
		"UPDATE notice SET not_before = ?1, tries = tries + 1"
		" WHERE id = ?2 AND sent = 0",
		id, not_before, e) == -1)
		return -1;
	s = db_sql(l->db,
	    "UPDATE notice SET not_before = max(not_before, ?1)"
	    " WHERE sent = 0 AND id > ?2 AND " PARTNER(
		"data") " ="
			" (SELECT " PARTNER(
			    "data") " FROM notice WHERE id = ?2)");
	db_int(s, not_before);
	db_int(s, id);
	return db_run(s, e);
}

int
ledger_notice_failed(
    struct ledger *l, int64_t id, time_t not_before, struct err *e)
{
	if (ledger_need_time("time", not_before, e) == -1 ||
	    db_begin(l->db, true, e) == -1)
		return -1;
	return db_end(l->db, put_off(l, id, not_before, e), e);
}

int
ledger_notice_overtaken(
    struct ledger *l, int64_t id, bool *overtaken, struct err *e)
{
	struct db_stmt *s;
	int rv;

	s = db_sql(l->db,
	    "SELECT 1 FROM notice WHERE sent = 0 AND id > ?1"
	    " AND " PARTNER(
		"data") " ="
			" (SELECT " PARTNER(
			    "data") " FROM notice WHERE id = ?1) LIMIT 1");
	db_int(s, id);
	rv = db_step(s, e);
	*overtaken = rv == 1;
	return db_done(s, rv);
}
