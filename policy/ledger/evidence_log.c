#include "evidence_log.h"

#include <string.h>
#include <sysexits.h>

#include "db.h"
#include "err.h"
#include "evidence_names.h"
#include "ledger.h"
#include "level.h"
#include "quote.h"

#define PRUNE_ROWS 1000 /* a transaction: others want to write as well */

/*
 * Counts, failures, and how far the log was read, must never disagree; so they
 * are written together.
 */

static const char *const legs[] = {[LEG_TO_US] = "to-us",
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
	return legs[l];
}

int
leg_parse(const char *text, enum leg *l)
{
	for (*l = 0; *l < LEG_NONE; (*l)++)
		if (strcmp(legs[*l], text) == 0)
			return 0;
	return -1;
}

const char *
evidence_direction_name(enum evidence_direction d)
{
	return d == EVIDENCE_IN ? "in" : "out";
}

const char *
evidence_seen_name(enum evidence_seen s)
{
	static const char *const name[] = {"clear", "encrypted", "trusted"};

	return (unsigned)s < EVIDENCE_VERIFIED ? name[s] : "verified";
}

bool
evidence_kept(const struct evidence_count *c)
{
	enum level level;

	if (level_parse(c->required, &level) == -1)
		return false;
	if (level >= LEVEL_KEY && c->direction == EVIDENCE_OUT)
		return c->seen == EVIDENCE_VERIFIED;
	return level == LEVEL_OPPORTUNISTIC || c->seen >= EVIDENCE_ENCRYPTED;
}

#define COUNT(m) DB_MEMBER(struct evidence_count, m)
static const struct db_member count_members[] = {COUNT(day), COUNT(partner),
    COUNT(direction), COUNT(seen), COUNT(protocol), COUNT(cipher),
    COUNT(result), COUNT(required), COUNT(downgrade), COUNT(proof),
    COUNT(fault), COUNT(n), {0}};
#define COUNT_COLUMNS                                               \
	"day, partner, direction, seen, protocol, cipher, result, " \
	"required, downgrade, proof, fault, n"

#define EXCHANGE(m) DB_MEMBER(struct evidence_exchange, m)
static const struct db_member exchange_members[] = {EXCHANGE(day),
    EXCHANGE(partner), EXCHANGE(direction), EXCHANGE(exchange),
    EXCHANGE(signature), EXCHANGE(n), {0}};
#define EXCHANGE_COLUMNS "day, partner, direction, exchange, signature, n"

#define HOUR(m) DB_MEMBER(struct evidence_hour, m)
static const struct db_member hour_members[] = {
    HOUR(hour), HOUR(host), HOUR(n), {0}};

#define WAIT(m) DB_MEMBER(struct evidence_wait, m)
static const struct db_member wait_members[] = {WAIT(host), WAIT(queue_id),
    WAIT(domain), WAIT(partner), WAIT(fault), WAIT(since), {0}};
#define WAIT_COLUMNS "host, queue_id, domain, partner, fault, since"

#define WAITED(m) DB_MEMBER(struct evidence_waited, m)
static const struct db_member waited_members[] = {WAITED(day), WAITED(partner),
    WAITED(fault), WAITED(result), WAITED(n), WAITED(seconds), {0}};

/* Without the number: from FAILURE_TOLD on. */
#define FAILURE(m) DB_MEMBER(struct evidence_failure, m)
static const struct db_member failure_members[] = {FAILURE(id), FAILURE(time),
    FAILURE(partner), FAILURE(direction), FAILURE(fault), FAILURE(domain),
    FAILURE(host), FAILURE(address), FAILURE(queue_id), FAILURE(text), {0}};
#define FAILURE_TOLD 1
#define FAILURE_COLUMNS                                                      \
	"time, partner, direction, fault, domain, host, address, queue_id, " \
	"text"

#define POSITION(m) DB_MEMBER(struct evidence_position, m)
static const struct db_member position_members[] = {POSITION(path),
    POSITION(device), POSITION(inode), POSITION(first), POSITION(offset),
    POSITION(tail), POSITION(time), {0}};
#define POSITION_COLUMNS "path, device, inode, first, offset, tail, time"

static int
need_day(const char *day, struct err *e)
{
	static const char form[] = "dddd-dd-dd";
	size_t i;

	if (day == NULL)
		day = "";
	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == 'd' ? day[i] < '0' || day[i] > '9'
				   : day[i] != form[i])
			break;
	if (form[i] != '\0' || day[i] != '\0')
		return err_set(e, EX_DATAERR,
		    "evidence: %s is no day like 2026-11-23", quotes(day).s);
	return 0;
}

/* Did it come without TLS, or what else was agreed? */
static bool
is_lacking(const struct evidence_count *c)
{
	return c->seen == EVIDENCE_CLEAR ||
	       (c->fault != NULL && *c->fault != '\0' &&
		   strcmp(c->fault, fault_text(FAULT_OK)) != 0);
}

bool
evidence_let_in(const struct evidence_count *c)
{
	return c->direction == EVIDENCE_IN && c->downgrade != 0 &&
	       strcmp(c->result, "received") == 0 && is_lacking(c);
}

/*
 * Names with a dot, and "other", are no partner's. What lacks something is not
 * as agreed, also where nobody knows which downgrade let it in.
 */
static int
add_received(struct db *db, const struct evidence_count *c, struct err *e)
{
	if (c->direction != EVIDENCE_IN || c->last <= 0 || is_lacking(c) ||
	    strcmp(c->result, "received") != 0 ||
	    strchr(c->partner, '.') != NULL || strcmp(c->partner, "other") == 0)
		return 0;
	return db_do(db, e,
	    "INSERT INTO log_received(partner, time) VALUES(?, ?)"
	    " ON CONFLICT DO UPDATE SET time = max(time, excluded.time)",
	    DB_TEXT(c->partner), DB_INT(c->last));
}

static int
add_count(struct db *db, const struct evidence_count *c, struct err *e)
{
	struct db_stmt *s;

	if (need_day(c->day, e) == -1)
		return -1;
	if (c->n > INT64_MAX)
		return err_set(e, EX_DATAERR, "evidence: a count is too large");
	s = db_sql(db, "INSERT INTO log_count(" COUNT_COLUMNS ")"
		       " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		       " ON CONFLICT DO UPDATE SET n = n + excluded.n");
	return db_run(db_bind_row(s, count_members, c), e) == -1
		   ? -1
		   : add_received(db, c, e);
}

static int
add_exchange(struct db *db, const struct evidence_exchange *x, struct err *e)
{
	struct db_stmt *s;

	if (need_day(x->day, e) == -1)
		return -1;
	s = db_sql(db, "INSERT INTO log_exchange(" EXCHANGE_COLUMNS ")"
		       " VALUES(?, ?, ?, ?, ?, ?)"
		       " ON CONFLICT DO UPDATE SET n = n + excluded.n");
	return db_run(db_bind_row(s, exchange_members, x), e);
}

static int
add_hour(struct db *db, const struct evidence_hour *h, struct err *e)
{
	struct db_stmt *s;

	if (ledger_need_time("hour", h->hour, e) == -1)
		return -1;
	s = db_sql(db, "INSERT INTO log_hour(hour, host, n) VALUES(?, ?, ?)"
		       " ON CONFLICT DO UPDATE SET n = n + excluded.n");
	return db_run(db_bind_row(s, hour_members, h), e);
}

static int
add_wait(struct db *db, const struct evidence_wait *w, struct err *e)
{
	struct db_stmt *s;

	if (ledger_need_word("fault", w->fault, e) == -1 ||
	    ledger_need_time("since", w->since, e) == -1 ||
	    ledger_need_time("until", w->until, e) == -1)
		return -1;
	if (w->until == 0) {
		s = db_sql(db,
		    "INSERT INTO log_wait(" WAIT_COLUMNS ")"
		    " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
		    " SET partner = excluded.partner,"
		    " fault = excluded.fault, since = excluded.since");
		return db_run(db_bind_row(s, wait_members, w), e);
	}
	if (db_do(db, e,
		"DELETE FROM log_wait WHERE host = ? AND queue_id = ?"
		" AND domain = ?",
		DB_TEXT(w->host), DB_TEXT(w->queue_id),
		DB_TEXT(w->domain)) == -1)
		return -1;
	return db_do(db, e,
	    "INSERT INTO log_waited(day, partner, fault, result, n, seconds)"
	    " VALUES(strftime('%Y-%m-%d', ?1, 'unixepoch'), ?2, ?3, ?4, 1, ?5)"
	    " ON CONFLICT DO UPDATE SET n = n + 1,"
	    " seconds = seconds + excluded.seconds",
	    DB_INT(w->until), DB_TEXT(w->partner), DB_TEXT(w->fault),
	    DB_TEXT(w->result),
	    DB_INT(w->until > w->since ? w->until - w->since : 0));
}

static int
add_waits(struct db *db, const struct evidence_batch *b, struct err *e)
{
	size_t i;

	for (i = 0; i < b->nwaits; i++)
		if (add_wait(db, &b->wait[i], e) == -1)
			return -1;
	if (b->nwaits == 0)
		return 0;
	return db_do(db, e,
	    "DELETE FROM log_wait WHERE (host, queue_id, domain) IN"
	    " (SELECT host, queue_id, domain FROM log_wait"
	    " ORDER BY since DESC LIMIT -1 OFFSET ?)",
	    DB_INT(EVIDENCE_WAITS_MAX));
}

static int
add_failure(struct db *db, const struct evidence_failure *f, struct err *e)
{
	struct db_stmt *s;

	if (ledger_need_word("fault", f->fault, e) == -1 ||
	    ledger_need_time("time", f->time, e) == -1)
		return -1;
	s = db_sql(db, "INSERT INTO failure(" FAILURE_COLUMNS ")"
		       " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
	return db_run(db_bind_row(s, failure_members + FAILURE_TOLD, f), e);
}

/* True if nobody went on from where this one did. */
static int
need_place(struct db *db, const struct evidence_position *p, struct err *e)
{
	const struct evidence_position *was = p->was;
	int64_t others;

	if (db_ask(db, e, &others,
		"SELECT count(*) FROM position WHERE device = ? AND inode = ?"
		" AND first = ? AND offset <> ?",
		DB_INT((int64_t)was->device), DB_INT((int64_t)was->inode),
		DB_TEXT(p->first), DB_INT((int64_t)was->offset)) == -1)
		return -1;
	if (others == 0)
		return 0;
	return err_set(e, EX_TEMPFAIL,
	    "another tlspact-log went on with %s; what it counted is not "
	    "counted again",
	    quotes(p->path).s);
}

static int
add_position(struct db *db, const struct evidence_position *p, struct err *e)
{
	struct db_stmt *s;

	if (ledger_need_hash("first line", p->first, e) == -1 ||
	    ledger_need_time("time", p->time, e) == -1 ||
	    (p->was != NULL && need_place(db, p, e) == -1))
		return -1;
	s = db_sql(db, "INSERT INTO position(" POSITION_COLUMNS ")"
		       " VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
		       " path = excluded.path, offset = excluded.offset,"
		       " tail = excluded.tail, time = excluded.time");
	if (db_run(db_bind_row(s, position_members, p), e) == -1)
		return -1;
	if (p->was == NULL)
		return 0;
	/* Who reads the same log under its other name is to notice. */
	return db_do(db, e,
	    "UPDATE position SET offset = ?, tail = ? WHERE device = ?"
	    " AND inode = ? AND first = ?",
	    DB_INT((int64_t)p->offset), DB_TEXT(p->tail),
	    DB_INT((int64_t)p->was->device), DB_INT((int64_t)p->was->inode),
	    DB_TEXT(p->first));
}

/* What turns the failures of a condition, of one parameter, into sums. */
#define SUM_UP(which)                                                          \
	"INSERT INTO failure_sum(day, partner, direction, fault, n)"           \
	" SELECT strftime('%Y-%m-%d', time, 'unixepoch'), partner, direction," \
	" fault, count(*) FROM failure WHERE " which " GROUP BY 1, 2, 3, 4"    \
	" ON CONFLICT DO UPDATE SET n = n + excluded.n",                       \
	    "DELETE FROM failure WHERE " which

static int
sum_up(
    struct db *db, const char *sum, const char *drop, int64_t n, struct err *e)
{
	if (db_do(db, e, sum, DB_INT(n)) == -1)
		return -1;
	return db_do(db, e, drop, DB_INT(n));
}

/*
 * All but the latest failures of each partner and direction that has one after
 * number ?1, so that mail which anybody can send takes no room from ours; c is
 * the first that is too many.
 */
#define SURPLUS                                                         \
	"id IN (SELECT f.id FROM"                                       \
	" (SELECT DISTINCT partner AS p, direction AS d FROM failure"   \
	" NOT INDEXED WHERE id > ?1) CROSS JOIN failure c ON c.id ="    \
	" (SELECT id FROM failure WHERE partner = p AND direction = d"  \
	" ORDER BY time DESC, id DESC LIMIT 1 OFFSET " FAILURES_MAX ")" \
	" CROSS JOIN failure f ON f.partner = p AND f.direction = d"    \
	" AND (f.time, f.id) <= (c.time, c.id))"
#define FAILURES_MAX TEXT_OF(EVIDENCE_FAILURES_MAX)
#define TEXT_OF(number) TEXT_OF_IT(number)
#define TEXT_OF_IT(number) #number

static int
add_leg(struct db *db, const struct evidence_leg *l, struct err *e)
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

static int
add_batch(struct db *db, const struct evidence_batch *b, struct err *e)
{
	int64_t last;
	size_t i;

	for (i = 0; i < b->ncounts; i++)
		if (add_count(db, &b->count[i], e) == -1)
			return -1;
	for (i = 0; i < b->nexchanges; i++)
		if (add_exchange(db, &b->exchange[i], e) == -1)
			return -1;
	for (i = 0; i < b->nhours; i++)
		if (add_hour(db, &b->hour[i], e) == -1)
			return -1;
	if (add_waits(db, b, e) == -1 ||
	    db_ask(db, e, &last, "SELECT max(id) FROM failure") == -1)
		return -1;
	for (i = 0; i < b->nfailures; i++)
		if (add_failure(db, &b->failure[i], e) == -1)
			return -1;
	if (b->nfailures > 0 && sum_up(db, SUM_UP(SURPLUS), last, e) == -1)
		return -1;
	for (i = 0; i < b->npositions; i++)
		if (add_position(db, &b->position[i], e) == -1)
			return -1;
	for (i = 0; i < b->nlegs; i++)
		if (add_leg(db, &b->leg[i], e) == -1)
			return -1;
	return 0;
}

int
evidence_log_add(
    struct evidence *v, const struct evidence_batch *b, struct err *e)
{
	if (b->ncounts + b->nexchanges + b->nhours + b->nwaits + b->nfailures +
		b->npositions + b->nlegs ==
	    0)
		return 0;
	return db_within(v->db, false, e, add_batch(v->db, b, e));
}

/*
 * Tables with today's names. Where nobody was renamed they are read as they
 * are, which costs less.
 */
#define COUNTS_NAMED                                                        \
	"(SELECT day, " EVIDENCE_NAME_OF_DAY ", direction, seen, protocol," \
	" cipher, result, required, downgrade, proof, fault, sum(n) AS n"   \
	" FROM log_count t GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)"
#define EXCHANGES_NAMED                                               \
	"(SELECT day, " EVIDENCE_NAME_OF_DAY ", direction, exchange," \
	" signature, sum(n) AS n FROM log_exchange t GROUP BY 1, 2, 3, 4, 5)"
#define WAITED_NAMED                                              \
	"(SELECT day, " EVIDENCE_NAME_OF_DAY ", fault, result,"   \
	" sum(n) AS n, sum(seconds) AS seconds FROM log_waited t" \
	" GROUP BY 1, 2, 3, 4)"
#define LEGS_NAMED                                                   \
	"(SELECT day, " EVIDENCE_NAME_OF_DAY ", leg, tls, protocol," \
	" sum(n) AS n, max(last) AS last FROM leg t GROUP BY 1, 2, 3, 4, 5)"
#define FAILURES_NAMED                                                      \
	"(SELECT id, time, " EVIDENCE_NAME(                                 \
	    "t.time") ", direction,"                                        \
		      " fault, domain, host, address, queue_id, text FROM " \
		      "failure t)"

/*
 * The statement for names as they were written, or for today's, with its
 * values. 1 and *s; 0: there is no evidence; or -1.
 */
static int
query_named(struct evidence *v, const char *const sql[2],
    const struct db_value *value, size_t n, struct db_stmt **s, struct err *e)
{
	int other;

	if (v == NULL)
		return 0;
	other = v->as_written ? 0 : evidence_names_any(v->db, e);
	if (other == -1)
		return -1;
	*s = db_bind(db_sql(v->db, sql[other]), value, n);
	return 1;
}
#define QUERY_NAMED(v, sql, s, e, ...)                        \
	query_named(v, sql, (struct db_value[]){__VA_ARGS__}, \
	    sizeof((struct db_value[]){__VA_ARGS__}) /        \
		sizeof(struct db_value),                      \
	    s, e)

int
evidence_exchanges(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_exchange_fn *fn, void *arg, struct err *e)
{
#define EXCHANGES(table)                                    \
	"SELECT " EXCHANGE_COLUMNS " FROM " table           \
	" WHERE (?1 IS NULL OR partner = ?1) AND day >= ?2" \
	" AND (?3 = '' OR day <= ?3) ORDER BY 1, 2, 3, 4, 5"
	static const char *const sql[] = {
	    EXCHANGES("log_exchange"), EXCHANGES(EXCHANGES_NAMED)};
	struct evidence_exchange x;
	struct db_stmt *s;
	int rv;

	if ((rv = QUERY_NAMED(v, sql, &s, e, DB_TEXT_OR_NULL(partner),
		 DB_TEXT(from), DB_TEXT(to))) != 1)
		return rv;
	while ((rv = db_next(s, exchange_members, &x, e)) == 1) {
		x.direction = x.direction != EVIDENCE_IN;
		if (!fn(&x, arg))
			break;
	}
	return db_done(s, rv);
}

int
evidence_counts(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_count_fn *fn, void *arg, struct err *e)
{
#define COUNTS(table)                                                      \
	"SELECT " COUNT_COLUMNS " FROM " table                             \
	" WHERE (?1 IS NULL OR partner = ?1) AND day >= ?2"                \
	" AND (?3 = '' OR day <= ?3) ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, " \
	"10, 11"
	static const char *const sql[] = {
	    COUNTS("log_count"), COUNTS(COUNTS_NAMED)};
	struct evidence_count c;
	struct db_stmt *s;
	int rv;

	if ((rv = QUERY_NAMED(v, sql, &s, e, DB_TEXT_OR_NULL(partner),
		 DB_TEXT(from), DB_TEXT(to))) != 1)
		return rv;
	while ((rv = db_next(s, count_members, &c, e)) == 1) {
		c.direction = c.direction != EVIDENCE_IN;
		c.seen &= 3;
		if (!fn(&c, arg))
			break;
	}
	return db_done(s, rv);
}

int
evidence_received(struct evidence *v, const char *partner,
    evidence_received_fn *fn, void *arg, struct err *e)
{
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_query(v->db,
	    "SELECT partner, time FROM log_received"
	    " WHERE ?1 IS NULL OR partner = ?1 ORDER BY 1",
	    DB_TEXT_OR_NULL(partner));
	while ((rv = db_step(s, e)) == 1 &&
	       fn(db_col_text(s, 0), (time_t)db_col_int(s, 1), arg))
		;
	return db_done(s, rv);
}

int
evidence_hours(struct evidence *v, time_t since, time_t until,
    evidence_hour_fn *fn, void *arg, struct err *e)
{
	struct evidence_hour h;
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_query(v->db,
	    "SELECT hour, host, n FROM log_hour WHERE hour >= ?1"
	    " AND (?2 = 0 OR hour < ?2) ORDER BY hour, host",
	    DB_INT(since), DB_INT(until));
	while ((rv = db_next(s, hour_members, &h, e)) == 1 && fn(&h, arg))
		;
	return db_done(s, rv);
}

int
evidence_waits(
    struct evidence *v, evidence_wait_fn *fn, void *arg, struct err *e)
{
	struct evidence_wait w = {.result = ""};
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_sql(v->db,
	    "SELECT " WAIT_COLUMNS " FROM log_wait ORDER BY since, 1, 2, 3");
	while ((rv = db_next(s, wait_members, &w, e)) == 1 && fn(&w, arg))
		;
	return db_done(s, rv);
}

int
evidence_waited(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_waited_fn *fn, void *arg, struct err *e)
{
#define WAITEDS(table)                                               \
	"SELECT day, partner, fault, result, n, seconds FROM " table \
	" WHERE (?1 IS NULL OR partner = ?1) AND day >= ?2"          \
	" AND (?3 = '' OR day <= ?3) ORDER BY 1, 2, 3, 4"
	static const char *const sql[] = {
	    WAITEDS("log_waited"), WAITEDS(WAITED_NAMED)};
	struct evidence_waited w;
	struct db_stmt *s;
	int rv;

	if ((rv = QUERY_NAMED(v, sql, &s, e, DB_TEXT_OR_NULL(partner),
		 DB_TEXT(from), DB_TEXT(to))) != 1)
		return rv;
	while ((rv = db_next(s, waited_members, &w, e)) == 1 && fn(&w, arg))
		;
	return db_done(s, rv);
}

static int
each_failure(
    struct db_stmt *s, evidence_failure_fn *fn, void *arg, struct err *e)
{
	struct evidence_failure f;
	int rv;

	while ((rv = db_next(s, failure_members, &f, e)) == 1) {
		f.direction = f.direction != EVIDENCE_IN;
		if (!fn(&f, arg))
			break;
	}
	return db_done(s, rv);
}

int
evidence_failures(struct evidence *v, time_t since, evidence_failure_fn *fn,
    void *arg, struct err *e)
{
#define FAILURES(table)                              \
	"SELECT id, " FAILURE_COLUMNS " FROM " table \
	" WHERE time >= ? ORDER BY time, id"
	static const char *const sql[] = {
	    FAILURES("failure"), FAILURES(FAILURES_NAMED)};
	struct db_stmt *s;
	int rv;

	if ((rv = QUERY_NAMED(v, sql, &s, e, DB_INT(since))) != 1)
		return rv;
	return each_failure(s, fn, arg, e);
}

int
evidence_failures_after(struct evidence *v, int64_t after, time_t since,
    evidence_failure_fn *fn, void *arg, struct err *e)
{
#define FAILURES_AFTER(table)                        \
	"SELECT id, " FAILURE_COLUMNS " FROM " table \
	" WHERE id > ? AND +time >= ? ORDER BY id"
	static const char *const sql[] = {
	    FAILURES_AFTER("failure"), FAILURES_AFTER(FAILURES_NAMED)};
	struct db_stmt *s;
	int rv;

	if ((rv = QUERY_NAMED(v, sql, &s, e, DB_INT(after), DB_INT(since))) !=
	    1)
		return rv;
	return each_failure(s, fn, arg, e);
}

/*
 * The index of partners and times tells who has any; of each and direction it
 * is walked from its end to the first such row.
 */
#define LAST_FAILURES(which)                                           \
	"SELECT id, " FAILURE_COLUMNS                                  \
	" FROM (SELECT DISTINCT partner AS p FROM failure"             \
	" WHERE " which " AND time >= ?2)"                             \
	" CROSS JOIN (SELECT 0 AS d UNION ALL SELECT 1)"               \
	" CROSS JOIN failure ON id ="                                  \
	" (SELECT id FROM failure WHERE partner = p AND direction = d" \
	" AND time >= ?2 ORDER BY time DESC, id DESC LIMIT 1)"         \
	" ORDER BY p, d"
#define LAST_NAMED(which)                                           \
	"SELECT id, " FAILURE_COLUMNS                               \
	" FROM (SELECT *, row_number() OVER (PARTITION BY partner," \
	" direction ORDER BY time DESC, id DESC) AS place"          \
	" FROM " FAILURES_NAMED " WHERE " which " AND time >= ?2)"  \
	" WHERE place = 1 ORDER BY partner, direction"

int
evidence_last_failures(struct evidence *v, const char *partner, time_t since,
    evidence_failure_fn *fn, void *arg, struct err *e)
{
	static const char *const sql[2][2] = {
	    {LAST_FAILURES("?1 IS NULL"), LAST_NAMED("?1 IS NULL")},
	    {LAST_FAILURES("partner = ?1"), LAST_NAMED("partner = ?1")}};
	struct db_stmt *s;
	int rv;

	if ((rv = QUERY_NAMED(v, sql[partner != NULL], &s, e,
		 DB_TEXT_OR_NULL(partner), DB_INT(since))) != 1)
		return rv;
	return each_failure(s, fn, arg, e);
}

int
evidence_positions(
    struct evidence *v, evidence_position_fn *fn, void *arg, struct err *e)
{
	struct evidence_position p;
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_sql(v->db, "SELECT " POSITION_COLUMNS " FROM position"
			  " ORDER BY time DESC, path, inode");
	while ((rv = db_next(s, position_members, &p, e)) == 1 && fn(&p, arg))
		;
	return db_done(s, rv);
}

#define LEG(m) DB_MEMBER(struct evidence_leg, m)
static const struct db_member leg_members[] = {
    LEG(day), LEG(partner), LEG(tls), LEG(protocol), LEG(n), LEG(last), {0}};
#define LEG_COLUMN 6

int
evidence_legs(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_leg_fn *fn, void *arg, struct err *e)
{
#define LEGS(table)                                                    \
	"SELECT day, partner, tls, protocol, n, last, leg FROM " table \
	" WHERE (?1 IS NULL OR partner = ?1) AND day >= ?2"            \
	" AND (?3 = '' OR day <= ?3)"                                  \
	" ORDER BY day, partner, leg, tls, protocol"
	static const char *const sql[] = {LEGS("leg"), LEGS(LEGS_NAMED)};
	struct evidence_leg l = {.mail = ""};
	struct db_stmt *s;
	int rv;

	if ((rv = QUERY_NAMED(v, sql, &s, e, DB_TEXT_OR_NULL(partner),
		 DB_TEXT(from), DB_TEXT(to))) != 1)
		return rv;
	while ((rv = db_next(s, leg_members, &l, e)) == 1) {
		(void)leg_parse(db_col_text(s, LEG_COLUMN), &l.leg);
		l.time = l.last;
		if (!fn(&l, arg))
			break;
	}
	return db_done(s, rv);
}

/* --- Pruning ----------------------------------------------------------- */

/* Run sql, bound to `before`, until it finds nothing more to remove. */
static int
prune(struct db *db, const char *sql, time_t before, struct err *e)
{
	do {
		if (db_within(db, false, e,
			db_do(db, e, sql, DB_INT(before),
			    DB_INT(PRUNE_ROWS))) == -1)
			return -1;
	} while (db_changes(db) == PRUNE_ROWS);
	return 0;
}

int
evidence_partners(
    struct evidence *v, evidence_partner_fn *fn, void *arg, struct err *e)
{
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_sql(v->db,
	    "SELECT partner FROM log_count"
	    " WHERE instr(partner, '.') = 0 AND partner <> 'other'"
	    " UNION SELECT partner FROM gateway UNION SELECT partner FROM leg");
	while ((rv = db_step(s, e)) == 1)
		fn(db_col_text(s, 0), arg);
	return db_done(s, rv);
}

int
evidence_prune(struct evidence *v, time_t before, struct err *e)
{
	static const char *const sql[] = {
	    "DELETE FROM probe WHERE id IN (SELECT p.id FROM probe p"
	    " JOIN gateway g ON g.id = p.gateway WHERE p.time < ?"
	    " AND p.id IS NOT g.last AND p.id IS NOT g.passed"
	    " AND p.id IS NOT g.vouched AND p.id IS NOT g.shown"
	    " AND p.id IS NOT g.blind LIMIT ?)",
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
	    "DELETE FROM log_wait WHERE (host, queue_id, domain) IN"
	    " (SELECT host, queue_id, domain FROM log_wait WHERE since < ?"
	    " LIMIT ?)",
	};
	size_t i;

	for (i = 0; i < sizeof(sql) / sizeof(sql[0]); i++)
		if (prune(v->db, sql[i], before, e) == -1)
			return -1;
	/*
	 * SQLite counts on from the highest number that is there: it stays, or
	 * readers would take new failures for seen.
	 */
	return db_within(v->db, false, e,
	    sum_up(v->db,
		SUM_UP("time < ? AND id < (SELECT max(id) FROM failure)"),
		before, e) == -1
		? -1
		: db_do(v->db, e, "DELETE FROM leg_mail WHERE time < ?",
		      DB_INT(before)));
}
