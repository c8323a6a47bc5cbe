#include "evidence_own.h"

#include "clock.h"
#include "db.h"
#include "err.h"
#include "ledger.h"

static int
set(struct db *db, time_t now, const struct evidence_own *own, size_t n,
    struct err *e)
{
	const time_t day = now - now % CLOCK_DAY;
	size_t i;

	if (db_do(db, e, "DELETE FROM own WHERE time >= ? AND time < ?",
		DB_INT(day), DB_INT(day + CLOCK_DAY)) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (ledger_need_word("state", own[i].state, e) == -1 ||
		    db_do(db, e,
			"INSERT INTO own(time, place, what, name, state, text,"
			" begins, ends) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
			DB_INT(now), DB_INT((int64_t)i), DB_TEXT(own[i].what),
			DB_TEXT(own[i].name), DB_TEXT(own[i].state),
			DB_TEXT(own[i].text), DB_INT(own[i].begins),
			DB_INT(own[i].ends)) == -1)
			return -1;
	return 0;
}

int
evidence_own_set(struct evidence *v, time_t now, const struct evidence_own *own,
    size_t n, struct err *e)
{
	if (ledger_need_time("time", now, e) == -1)
		return -1;
	return db_within(v->db, true, e, set(v->db, now, own, n, e));
}

#define OWN(m) DB_MEMBER(struct evidence_own, m)
static const struct db_member members[] = {OWN(time), OWN(what), OWN(name),
    OWN(state), OWN(text), OWN(begins), OWN(ends), {0}};

int
evidence_own_last(struct evidence *v, time_t until, evidence_own_fn *fn,
    void *arg, struct err *e)
{
	struct evidence_own o = {0};
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_query(v->db,
	    "SELECT time, what, name, state, text, begins, ends FROM own"
	    " WHERE time = (SELECT max(time) FROM own WHERE time < ?)"
	    " ORDER BY place",
	    DB_INT(until));
	while ((rv = db_next(s, members, &o, e)) == 1)
		if (!fn(&o, arg))
			break;
	return db_done(s, rv);
}
