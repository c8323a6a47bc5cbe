#include "evidence_legs.h"

#include <string.h>
#include <sysexits.h>

#include "db.h"
#include "err.h"
#include "ledger.h"

static const char *const name[] = {[LEG_TO_US] = "to-us",
    [LEG_FROM_US] = "from-us",
    [LEG_TO_PROVIDER] = "to-provider",
    [LEG_FROM_PROVIDER] = "from-provider",
    [LEG_IN_PARTNER] = "in-partner",
    [LEG_IN_PROVIDER] = "in-provider",
    [LEG_IN_OURS] = "in-ours",
    [LEG_NONE] = ""};

const char *
leg_name(enum leg l)
{
	return name[l];
}

int
leg_parse(const char *text, enum leg *l)
{
	for (*l = 0; *l < LEG_NONE; (*l)++)
		if (strcmp(name[*l], text) == 0)
			return 0;
	return -1;
}

static int
add(struct db *db, const struct evidence_leg *l, struct err *e)
{
	const char *leg = leg_name(l->leg);

	if (ledger_need_hash("mail", l->mail, e) == -1 ||
	    ledger_need_time("time", l->time, e) == -1 ||
	    ledger_need_word("leg", leg, e) == -1 ||
	    ledger_need_word("tls", l->tls, e) == -1 ||
	    db_do(db, e,
		"INSERT INTO leg_mail(mail, partner, leg, time)"
		" VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING",
		DB_TEXT(l->mail), DB_TEXT(l->partner), DB_TEXT(leg),
		DB_INT(l->time)) == -1)
		return -1;
	if (db_changes(db) == 0)
		return 0;
	return db_do(db, e,
	    "INSERT INTO leg(day, partner, leg, tls, protocol, n, last)"
	    " VALUES(strftime('%Y-%m-%d', ?1, 'unixepoch'), ?2, ?3, ?4, ?5, 1,"
	    " ?1) ON CONFLICT DO UPDATE SET n = n + 1,"
	    " last = max(last, excluded.last)",
	    DB_INT(l->time), DB_TEXT(l->partner), DB_TEXT(leg), DB_TEXT(l->tls),
	    DB_TEXT(l->protocol));
}

int
evidence_legs_add(
    struct evidence *v, const struct evidence_leg *leg, size_t n, struct err *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (add(v->db, &leg[i], e) == -1)
			return -1;
	return 0;
}

#define LEG(m) DB_MEMBER(struct evidence_leg, m)
static const struct db_member members[] = {
    LEG(day), LEG(partner), LEG(tls), LEG(protocol), LEG(n), LEG(last), {0}};
#define LEG_COLUMN 6

int
evidence_legs(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_leg_fn *fn, void *arg, struct err *e)
{
	struct evidence_leg l = {.mail = ""};
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_query(v->db,
	    "SELECT day, partner, tls, protocol, n, last, leg FROM leg"
	    " WHERE (?1 IS NULL OR partner = ?1) AND day >= ?2"
	    " AND (?3 = '' OR day <= ?3)"
	    " ORDER BY day, partner, leg, tls, protocol",
	    DB_TEXT_OR_NULL(partner), DB_TEXT(from), DB_TEXT(to));
	while ((rv = db_next(s, members, &l, e)) == 1) {
		(void)leg_parse(db_col_text(s, LEG_COLUMN), &l.leg);
		l.time = l.last;
		if (!fn(&l, arg))
			break;
	}
	return db_done(s, rv);
}
