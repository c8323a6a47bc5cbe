/*
 * The file and its schema, the chain of events, and notices that wait.
 */
#include "ledger.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "db.h"
#include "digest.h"
#include "err.h"
#include "evidence_tables.h"
#include "mem.h"
#include "quote.h"

/* A downgrade's row with all its domains, as JSON: also of an edited one. */
#define EVENT_DATA_MAX (2 * LEDGER_DOMAINS_MAX)
#define OWN_KINDS "downgrade-" /* of the changes themselves */

_Static_assert(LEDGER_TEXT_MAX == DB_TEXT_MAX, "the limit that is told");

/* --- The schema -------------------------------------------------------- */

/*
 * A step for each version. A step that was released never changes: what is new
 * is a new step at the end.
 *
 * Words (faults, levels, kinds) are stored as text, times as seconds since
 * 1970, and STRICT tables keep other types out.
 */

/*
 * gateway.last, .passed and .shown are rows of probe: the latest, the last
 * that passed, the last that showed a chain. They are kept right by
 * those who add probes, not by foreign keys, whose indexes would cost each
 * probe.
 */
static const char probes[] =
    EVIDENCE_CHAIN EVIDENCE_GATEWAY EVIDENCE_GATEWAY_END
    "CREATE TABLE probe("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " gateway INTEGER NOT NULL REFERENCES gateway(id),"
    " time INTEGER NOT NULL," EVIDENCE_RESULT
    " chain INTEGER REFERENCES chain(id),"
    " detail TEXT NOT NULL,"
    " passed INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX probe_gateway ON probe(gateway, time);"
    "CREATE INDEX probe_time ON probe(time);"
    "CREATE INDEX probe_chain ON probe(chain) WHERE chain IS NOT NULL;";

static const char record[] =
    "CREATE TABLE downgrade("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " partner TEXT NOT NULL,"
    " before TEXT NOT NULL,"
    " after TEXT NOT NULL,"
    " begin INTEGER NOT NULL,"
    " end INTEGER NOT NULL,"
    " reason TEXT NOT NULL,"
    " ticket TEXT NOT NULL,"
    " author TEXT NOT NULL,"
    " sudo_user TEXT NOT NULL,"
    " cause TEXT NOT NULL,"
    " fault TEXT NOT NULL,"
    " keys TEXT NOT NULL,"
    " closed INTEGER NOT NULL DEFAULT 0,"
    " closed_by TEXT NOT NULL DEFAULT '',"
    " closed_why TEXT NOT NULL DEFAULT '',"
    " extended_by TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "CREATE UNIQUE INDEX downgrade_open ON downgrade(partner)"
    " WHERE closed = 0;"
    "CREATE INDEX downgrade_partner ON downgrade(partner, id);"
    "CREATE TABLE event("
    " seq INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " partner TEXT NOT NULL,"
    " author TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " data TEXT NOT NULL,"
    " downgrade INTEGER NOT NULL,"
    " prev TEXT NOT NULL,"
    " hash TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX event_partner ON event(partner, seq);"
    "CREATE INDEX event_downgrade ON event(downgrade, seq)"
    " WHERE downgrade > 0;"
    "CREATE TABLE head("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " count INTEGER NOT NULL,"
    " hash TEXT NOT NULL"
    ") STRICT;"
    "INSERT INTO head VALUES(1, 0, '');";

static const char evidence[] = EVIDENCE_LOG_TABLES
    "CREATE TABLE notice("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " key TEXT NOT NULL UNIQUE,"
    " created INTEGER NOT NULL,"
    " not_before INTEGER NOT NULL,"
    " data TEXT NOT NULL,"
    " tries INTEGER NOT NULL DEFAULT 0,"
    " sent INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    "CREATE INDEX notice_due ON notice(not_before) WHERE sent = 0;";

/* Names of the registry, one a line; "" in rows from before that. */
static const char domains[] =
    "ALTER TABLE downgrade ADD COLUMN domains TEXT NOT NULL DEFAULT '';";

/*
 * Evidence has a file of its own (evidence.c takes it there); a program of
 * the version before, still at work, shall not find these tables.
 */
static const char moved[] = "ALTER TABLE probe RENAME TO old_probe;"
			    "ALTER TABLE gateway RENAME TO old_gateway;"
			    "ALTER TABLE chain RENAME TO old_chain;"
			    "ALTER TABLE log_count RENAME TO old_log_count;"
			    "ALTER TABLE failure RENAME TO old_failure;"
			    "ALTER TABLE failure_sum RENAME TO old_failure_sum;"
			    "ALTER TABLE position RENAME TO old_position;";

static const char *const step[] = {probes, record, evidence, domains, moved};

static const struct db_schema schema = {
    .noun = "ledger",
    .application_id = 0x746c7370, /* "tlsp" */
    .step = step,
    .version = sizeof(step) / sizeof(step[0]),
    .writers = "tlspact-compile, run by its owner or root",
};

/* The tables of evidence, by the names that the last step gave them. */
static int
drop_old(struct db *db, struct err *e)
{
	/* Two at once: the second finds nothing. */
	return db_within(db, true, e,
	    db_exec(db,
		"DROP TABLE IF EXISTS old_probe;"
		"DROP TABLE IF EXISTS old_gateway;"
		"DROP TABLE IF EXISTS old_chain;"
		"DROP TABLE IF EXISTS old_log_count;"
		"DROP TABLE IF EXISTS old_failure;"
		"DROP TABLE IF EXISTS old_failure_sum;"
		"DROP TABLE IF EXISTS old_position",
		e));
}

/* Are the tables there, and with anything in them? Or -1. */
enum { NONE, EMPTY, FILLED };
static int
old_evidence(struct db *db, struct err *e)
{
	int64_t n;
	int rv = db_ask(db, e, &n,
	    "SELECT 1 FROM sqlite_schema WHERE name = 'old_gateway'");

	if (rv != 1)
		return rv == 0 ? NONE : -1;
	rv = db_ask(db, e, &n,
	    "SELECT EXISTS(SELECT 1 FROM old_gateway)"
	    " OR EXISTS(SELECT 1 FROM old_log_count)"
	    " OR EXISTS(SELECT 1 FROM old_failure)"
	    " OR EXISTS(SELECT 1 FROM old_failure_sum)"
	    " OR EXISTS(SELECT 1 FROM old_position)");
	return rv == -1 ? -1 : n == 0 ? EMPTY : FILLED;
}

int
ledger_has_evidence(struct ledger *l, struct err *e)
{
	int rv = old_evidence(l->db, e);

	return rv == -1 ? -1 : rv == FILLED;
}

int
ledger_drop_evidence(struct ledger *l, struct err *e)
{
	struct err ignored;

	if (drop_old(l->db, e) == -1)
		return -1;
	/* Give the room back; without, it is used again. */
	(void)db_exec(l->db, "VACUUM", &ignored);
	return 0;
}

struct ledger *
ledger_open(const char *path, enum ledger_mode mode, struct err *e)
{
	bool write = mode == LEDGER_WRITE;
	struct ledger *l;
	struct db *db;
	int old = NONE;

	db = db_open(path, write ? DB_WRITE : DB_READ, &schema, e);
	if (db != NULL && write)
		old = old_evidence(db, e);
	if (old == EMPTY)
		old = drop_old(db, e);
	if (db == NULL || old == -1) {
		db_close(db);
		return NULL;
	}
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
ledger_prune(struct ledger *l, time_t before, struct err *e)
{
	return db_within(l->db, false, e,
	    db_do(l->db, e, "DELETE FROM notice WHERE sent != 0 AND sent < ?",
		DB_INT(before)));
}

/* --- What may be stored ------------------------------------------------ */

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
	if (t < 0 || t > LEDGER_TIME_MAX)
		return err_set(e, EX_DATAERR,
		    "ledger: %s %lld is not a time from 1970 to 9999", what,
		    (long long)t);
	return 0;
}

/* --- Events ------------------------------------------------------------ */

/*
 * A chain of rows. Each holds the hash of the one before, and its own hash
 * covers that and all its fields, so an edit shows at the row and a removal at
 * the next one. The row `head` tells where the chain ends.
 */

/*
 * SHA-256 over netstrings (LENGTH:BYTES,) of prev, seq, time, downgrade and
 * the texts: no two different rows have the same encoding.
 */
void
ledger_event_hash(const char *prev, int64_t seq, int64_t when,
    int64_t downgrade, const struct ledger_field text[LEDGER_EVENT_TEXTS],
    char out[LEDGER_HASH])
{
	struct digest *g = digest_new();
	char head[256];
	size_t i;
	int len;

	len =
	    snprintf(head, sizeof(head), "%zu:%s,%lld,%lld,%lld,", strlen(prev),
		prev, (long long)seq, (long long)when, (long long)downgrade);
	digest_add(g, head, (size_t)len);
	for (i = 0; i < LEDGER_EVENT_TEXTS; i++) {
		len = snprintf(head, sizeof(head), "%zu:", text[i].len);
		digest_add(g, head, (size_t)len);
		digest_add(g, text[i].p, text[i].len);
		digest_add(g, ",", 1);
	}
	digest_hex(g, out);
}

int
ledger_head(struct ledger *l, struct ledger_head *out, struct err *e)
{
	struct db_stmt *s;
	int rv;

	*out = (struct ledger_head){0};
	s = db_sql(l->db, "SELECT count, hash FROM head WHERE id = 1");
	if ((rv = db_step(s, e)) == 1) {
		out->count = db_col_int(s, 0);
		(void)snprintf(
		    out->hash, sizeof(out->hash), "%s", db_col_text(s, 1));
	} else if (rv == 0) {
		rv = err_set(e, EX_DATAERR,
		    "ledger: the head of the event chain is gone");
	}
	return db_done(s, rv);
}

int
ledger_event_append(struct ledger *l, const struct ledger_event *ev,
    int64_t downgrade, struct err *e)
{
	const char *given[LEDGER_EVENT_TEXTS] = {
	    ev->kind, ev->partner, ev->author, ev->text, ev->data};
	struct ledger_field text[LEDGER_EVENT_TEXTS];
	char hash[LEDGER_HASH];
	struct ledger_head head;
	size_t i;

	if (ledger_head(l, &head, e) == -1)
		return -1;
	for (i = 0; i < LEDGER_EVENT_TEXTS; i++) {
		text[i].p = given[i] == NULL ? "" : given[i];
		text[i].len = strlen(text[i].p);
	}
	head.count++;
	ledger_event_hash(
	    head.hash, head.count, ev->time, downgrade, text, hash);
	if (db_do(l->db, e,
		"INSERT INTO event(seq, time, kind, partner, author,"
		" text, data, downgrade, prev, hash)"
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		DB_INT(head.count), DB_INT(ev->time), DB_TEXT(ev->kind),
		DB_TEXT(ev->partner), DB_TEXT(ev->author), DB_TEXT(ev->text),
		DB_TEXT_UP_TO(ev->data, EVENT_DATA_MAX), DB_INT(downgrade),
		DB_TEXT(head.hash), DB_TEXT(hash)) == -1)
		return -1;
	return db_do(l->db, e,
	    "UPDATE head SET count = ?, hash = ? WHERE id = 1",
	    DB_INT(head.count), DB_TEXT(hash));
}

int
ledger_event_add(struct ledger *l, const struct ledger_event *ev, struct err *e)
{
	json_error_t bad;
	json_t *data;
	bool object;

	if (ledger_need_word("kind", ev->kind, e) == -1 ||
	    ledger_need_time("time", ev->time, e) == -1)
		return -1;
	if (strncmp(ev->kind, OWN_KINDS, strlen(OWN_KINDS)) == 0 ||
	    strcmp(ev->kind, LEDGER_EDITED) == 0)
		return err_set(e, EX_DATAERR,
		    "ledger: events of kind %s are written by the change "
		    "itself",
		    quotes(ev->kind).s);
	if (ev->data != NULL && *ev->data != '\0') {
		data = json_loads(ev->data, JSON_REJECT_DUPLICATES, &bad);
		object = json_is_object(data);
		json_decref(data);
		if (!object)
			return err_set(e, EX_DATAERR,
			    "ledger: data of event %s is no JSON object",
			    quotes(ev->kind).s);
	}
	return db_within(l->db, true, e, ledger_event_append(l, ev, 0, e));
}

int
ledger_events(struct ledger *l, const struct ledger_event_query *q,
    ledger_event_fn *fn, void *arg, struct err *e)
{
#define EVENTS(which, order)                                         \
	"SELECT seq, time, kind, partner, author, text, data, hash"  \
	" FROM event WHERE (?2 IS NULL OR kind = ?2) AND time >= ?3" \
	" AND seq > ?4 AND " which " ORDER BY seq" order " LIMIT ?5"
	static const char *const sql[2][2] = {
	    {EVENTS("?1 IS NULL", ""), EVENTS("?1 IS NULL", " DESC")},
	    {EVENTS("partner = ?1", ""), EVENTS("partner = ?1", " DESC")}};
#define EVENT(m) DB_MEMBER(struct ledger_event, m)
	static const struct db_member members[] = {EVENT(seq), EVENT(time),
	    EVENT(kind), EVENT(partner), EVENT(author), EVENT(text),
	    EVENT(data), EVENT(hash), {0}};
	struct ledger_event ev;
	struct db_stmt *s;
	int rv;

	s = db_query(l->db, sql[q->partner != NULL][q->newest_first],
	    DB_TEXT_OR_NULL(q->partner), DB_TEXT_OR_NULL(q->kind),
	    DB_INT(q->since), DB_INT(q->after),
	    DB_INT(q->limit == 0 ? -1 : (int64_t)q->limit));
	while ((rv = db_next(s, members, &ev, e)) == 1 && fn(&ev, arg))
		;
	return db_done(s, rv);
}

int
ledger_newest(struct ledger *l, time_t *when, struct err *e)
{
	int64_t t;
	int rv;

	rv = db_ask(
	    l->db, e, &t, "SELECT time FROM event ORDER BY seq DESC LIMIT 1");
	*when = t;
	return rv == -1 ? -1 : 0;
}

/* --- Notices ----------------------------------------------------------- */

/*
 * A row stays until somebody says that it went out, so a crash in between
 * sends it twice rather than never.
 *
 * Those of one partner are due in the order in which they were added: none
 * is due before an older one that waits, and of one time the older is first.
 */

/* Of a row, or of a parameter; NULL if it is of no partner. */
#define PARTNER(data)                          \
	"CASE WHEN json_valid(" data ") THEN " \
	"json_extract(" data ", '$.partner') END"

/* Waits behind the one that is named by this. */
#define BEHIND(id)                                                             \
	"sent = 0 AND id > " id " AND " PARTNER("data") " = (SELECT " PARTNER( \
	    "data") " FROM notice WHERE id = " id ")"

static int
add_notice(struct ledger *l, const struct ledger_notice *n, struct err *e)
{
	if (db_do(l->db, e,
		"INSERT INTO notice(key, created, not_before, data)"
		" VALUES(?1, ?2, max(?3, (SELECT"
		" coalesce(max(not_before), 0) FROM notice"
		" WHERE sent = 0 AND " PARTNER("data") " = " PARTNER(
		    "?4") ")), ?4) ON CONFLICT DO NOTHING",
		DB_TEXT(n->key), DB_INT(n->created), DB_INT(n->not_before),
		DB_TEXT(n->data)) == -1)
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
	    ledger_need_time("time", n->not_before, e) == -1)
		return -1;
	return db_within(l->db, true, e, add_notice(l, n, e));
}

#define NOTICE(m) DB_MEMBER(struct ledger_notice, m)
static const struct db_member notice_members[] = {NOTICE(id), NOTICE(key),
    NOTICE(created), NOTICE(not_before), NOTICE(data), NOTICE(tries),
    NOTICE(sent), {0}};
#define NOTICE_COLUMNS "id, key, created, not_before, data, tries, sent"

static int
each_notice(struct db_stmt *s, ledger_notice_fn *fn, void *arg, struct err *e)
{
	struct ledger_notice n;
	int rv;

	while ((rv = db_next(s, notice_members, &n, e)) == 1 && fn(&n, arg))
		;
	return db_done(s, rv);
}

int
ledger_notices_due(struct ledger *l, time_t now, ledger_notice_fn *fn,
    void *arg, struct err *e)
{
	return each_notice(
	    db_query(l->db,
		"SELECT " NOTICE_COLUMNS " FROM notice"
		" WHERE sent = 0 AND not_before <= ? ORDER BY not_before, id",
		DB_INT(now)),
	    fn, arg, e);
}

int
ledger_notices_since(struct ledger *l, time_t since, ledger_notice_fn *fn,
    void *arg, struct err *e)
{
	return each_notice(db_query(l->db,
			       "SELECT " NOTICE_COLUMNS " FROM notice"
			       " WHERE created >= ? ORDER BY created, id",
			       DB_INT(since)),
	    fn, arg, e);
}

/* Change the one row, of id ?2; 66 if it does not wait. */
static int
change(struct ledger *l, const char *sql, int64_t id, time_t t, struct err *e)
{
	if (db_do(l->db, e, sql, DB_INT(t), DB_INT(id)) == -1)
		return -1;
	return db_changes(l->db) != 0
		   ? 0
		   : err_set(e, EX_NOINPUT, "there is no notice %lld to send",
			 (long long)id);
}

int
ledger_notice_sent(struct ledger *l, int64_t id, time_t now, struct err *e)
{
	if (ledger_need_time("time", now, e) == -1)
		return -1;
	return db_within(l->db, true, e,
	    change(l, "UPDATE notice SET sent = ? WHERE id = ? AND sent = 0",
		id, now, e));
}

int
ledger_notice_failed(
    struct ledger *l, int64_t id, time_t not_before, struct err *e)
{
	int rv;

	if (ledger_need_time("time", not_before, e) == -1 ||
	    db_begin(l->db, true, e) == -1)
		return -1;
	rv = change(l,
	    "UPDATE notice SET not_before = ?, tries = tries + 1"
	    " WHERE id = ? AND sent = 0",
	    id, not_before, e);
	if (rv == 0)
		rv = db_do(l->db, e,
		    "UPDATE notice"
		    " SET not_before = max(not_before, ?1)"
		    " WHERE " BEHIND("?2"),
		    DB_INT(not_before), DB_INT(id));
	return db_end(l->db, rv, e);
}

int
ledger_notice_overtaken(struct ledger *l, int64_t id, struct err *e)
{
	int64_t n;

	return db_ask(l->db, e, &n,
	    "SELECT 1 FROM notice WHERE " BEHIND("?1") " LIMIT 1", DB_INT(id));
}
