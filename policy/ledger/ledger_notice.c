/*
 * Notices that wait to be sent: a row stays until somebody says that it
 * went out, so a crash in between sends it twice rather than never.
 */
#include <sysexits.h>

#include "err.h"
#include "ledger_impl.h"
#include "quote.h"

static int
add_notice(struct ledger *l, const struct ledger_notice *n, struct err *e)
{
	struct db_stmt *s;

	s = db_sql(l->db, "INSERT INTO notice(key, created, not_before, data)"
			  " VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING");
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
	db_done(s);
	return rv == -1 ? -1 : 0;
}

int
ledger_notice_next(struct ledger *l, time_t *when, struct err *e)
{
	struct db_stmt *s;
	int rv;

	s = db_sql(l->db, "SELECT min(not_before) FROM notice WHERE sent = 0");
	rv = db_step(s, e);
	*when = rv == 1 ? db_col_int(s, 0) : 0;
	db_done(s);
	return rv == -1 ? -1 : 0;
}

/* Run a change of the one row, in a transaction. */
static int
change(struct ledger *l, struct db_stmt *(*sql)(struct ledger *l), int64_t id,
    time_t t, struct err *e)
{
	struct db_stmt *s;
	int rv;

	if (ledger_need_time("time", t, e) == -1 ||
	    db_begin(l->db, true, e) == -1)
		return -1;
	s = sql(l);
	db_int(s, t);
	db_int(s, id);
	rv = db_run(s, e);
	if (rv == 0 && db_changes(l->db) == 0)
		rv = err_set(e, EX_NOINPUT, "there is no notice %lld to send",
		    (long long)id);
	return db_end(l->db, rv, e);
}

static struct db_stmt *
sent_sql(struct ledger *l)
{
	return db_sql(
	    l->db, "UPDATE notice SET sent = ?1 WHERE id = ?2 AND sent = 0");
}

static struct db_stmt *
failed_sql(struct ledger *l)
{
	return db_sql(l->db,
	    "UPDATE notice SET not_before = ?1, tries = tries + 1"
	    " WHERE id = ?2 AND sent = 0");
}

int
ledger_notice_sent(struct ledger *l, int64_t id, time_t now, struct err *e)
{
	return change(l, sent_sql, id, now, e);
}

int
ledger_notice_failed(
    struct ledger *l, int64_t id, time_t not_before, struct err *e)
{
	return change(l, failed_sql, id, not_before, e);
}
