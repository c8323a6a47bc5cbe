/*
 * The file and its schema, the chain of events and its check, and notices that
 * wait.
 */
#include "ledger.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "db.h"
#include "digest.h"
#include "err.h"
#include "evidence_tables.h"
#include "ledger_rename.h"
#include "ledger_row.h"
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

/* Who is asked for often, among events that are many. */
static const char renames[] =
    "CREATE INDEX IF NOT EXISTS event_renamed ON event(seq)"
    " WHERE kind = '" LEDGER_RENAMED "';";

/* "both", "inbound"; "" in rows from before that: both. */
static const char direction[] =
    "ALTER TABLE downgrade ADD COLUMN direction TEXT NOT NULL DEFAULT '';";

static const char *const step[] = {
    probes, record, evidence, domains, moved, renames, direction};

static const struct db_schema schema = {
    .noun = "ledger",
    .application_id = 0x746c7370, /* "tlsp" */
    .step = step,
    .version = sizeof(step) / sizeof(step[0]),
    .writers = "tlspact-compile, run by its owner or root",
};

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
		old = EVIDENCE_DROP_OLD(db, e);
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

/* What its hash covers: kind, partner, author, text and data. */
#define EVENT_TEXTS 5
struct field {
	const char *p;
	size_t len;
};

/*
 * SHA-256 over netstrings (LENGTH:BYTES,) of prev, seq, time, downgrade and
 * the texts: no two different rows have the same encoding.
 */
static void
hash_event(const char *prev, int64_t seq, int64_t when, int64_t downgrade,
    const struct field text[EVENT_TEXTS], char out[LEDGER_HASH])
{
	struct digest *g = digest_new();
	char head[256];
	size_t i;
	int len;

	len =
	    snprintf(head, sizeof(head), "%zu:%s,%lld,%lld,%lld,", strlen(prev),
		prev, (long long)seq, (long long)when, (long long)downgrade);
	digest_add(g, head, (size_t)len);
	for (i = 0; i < EVENT_TEXTS; i++) {
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
	const char *given[EVENT_TEXTS] = {
	    ev->kind, ev->partner, ev->author, ev->text, ev->data};
	struct field text[EVENT_TEXTS];
	char hash[LEDGER_HASH];
	struct ledger_head head;
	size_t i;

	if (ledger_head(l, &head, e) == -1)
		return -1;
	for (i = 0; i < EVENT_TEXTS; i++) {
		text[i].p = given[i] == NULL ? "" : given[i];
		text[i].len = strlen(text[i].p);
	}
	head.count++;
	hash_event(head.hash, head.count, ev->time, downgrade, text, hash);
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
	    strcmp(ev->kind, LEDGER_RENAMED) == 0 ||
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

/* --- Is the record whole? ---------------------------------------------- */

/*
 * Held against each other: a downgrade's row with the events about it; the
 * chain of events with itself, its end with the head row (and with a head that
 * was written down elsewhere), and the objects in the file with the schema.
 */

struct check {
	struct ledger *l;
	ledger_flaw_fn *fn;
	void *arg;
	size_t flaws;
	bool stopped;
	/* The row before. */
	int64_t seq;
	char hash[LEDGER_HASH];
	const struct ledger_head *known;
	bool known_ok;
};

static void __attribute__((format(printf, 4, 5)))
flaw(struct check *c, int64_t event, int64_t downgrade, const char *fmt, ...)
{
	struct ledger_flaw f = {.event = event, .downgrade = downgrade};
	char text[LEDGER_FLAW_MAX];
	va_list ap;

	c->flaws++;
	if (c->fn == NULL || c->stopped)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f.text = text;
	c->stopped = !c->fn(&f, c->arg);
}

static void
gap(struct check *c, int64_t from, int64_t to, const char *where)
{
	if (from == to)
		flaw(c, from, 0, "event %lld is missing%s", (long long)from,
		    where);
	else
		flaw(c, from, 0, "events %lld to %lld are missing%s",
		    (long long)from, (long long)to, where);
}

/* One row: columns as in walk(). */
static void
check_event(struct check *c, struct db_stmt *s)
{
	int64_t seq = db_col_int(s, 0);
	const char *prev = db_col_text(s, 8), *hash = db_col_text(s, 9);
	struct field text[EVENT_TEXTS];
	char want[LEDGER_HASH];
	size_t i;

	for (i = 0; i < EVENT_TEXTS; i++)
		text[i].p = db_col_bytes(s, (int)i + 3, &text[i].len);
	hash_event(prev, seq, db_col_int(s, 1), db_col_int(s, 2), text, want);
	if (strcmp(hash, want) != 0)
		flaw(c, seq, 0,
		    "event %lld (%s) was edited: its hash does not fit it",
		    (long long)seq, quotes(db_col_text(s, 3)).s);
	if (seq != c->seq + 1) {
		gap(c, c->seq + 1, seq - 1, "");
	} else if (strcmp(prev, c->hash) != 0) {
		flaw(c, seq, 0,
		    seq == 1
			? "event %lld does not begin the chain"
			: "event %lld does not follow from the one before: "
			  "that one was replaced, and its hash made anew",
		    (long long)seq);
	}
	c->seq = seq;
	(void)snprintf(c->hash, sizeof(c->hash), "%s", hash);
	if (c->known != NULL && c->known->count == seq)
		c->known_ok = strcmp(c->known->hash, hash) == 0;
}

static int
walk(struct check *c, struct err *e)
{
	struct db_stmt *s;
	int rv;

	s = db_sql(c->l->db,
	    "SELECT seq, time, downgrade, kind, partner, author, text, data,"
	    " prev, hash FROM event ORDER BY seq");
	while (!c->stopped && (rv = db_step(s, e)) == 1)
		check_event(c, s);
	return db_done(s, rv);
}

static int
check_head(struct check *c, struct ledger_head *head, struct err *e)
{
	const struct ledger_head *known = c->known;

	if (ledger_head(c->l, head, e) == -1)
		return -1;
	if (head->count > c->seq)
		gap(c, c->seq + 1, head->count, " at the end of the chain");
	else if (head->count < c->seq)
		flaw(c, c->seq, 0,
		    "the head says that event %lld is the last one, but there "
		    "are later ones up to %lld",
		    (long long)head->count, (long long)c->seq);
	else if (strcmp(head->hash, c->hash) != 0)
		flaw(c, c->seq, 0,
		    "the last event (%lld) is not the one that the head knows",
		    (long long)c->seq);
	if (known == NULL || known->count <= 0)
		return 0;
	if (known->count > c->seq)
		flaw(c, known->count, 0,
		    "the chain was %lld events long when its head was written "
		    "down, and has only %lld now",
		    (long long)known->count, (long long)c->seq);
	else if (!c->known_ok)
		flaw(c, known->count, 0,
		    "event %lld is not the one whose hash was written down: "
		    "it or an earlier one was replaced and the chain made "
		    "anew from there",
		    (long long)known->count);
	return 0;
}

/* What each kind of change may change. */
static const struct {
	const char *kind;
	const char *field[3];
} changes[] = {
    {"downgrade-extend", {"end", "extended_by"}},
    {"downgrade-close", {"closed", "closed_by", "closed_why"}},
    {"downgrade-end", {"closed", "closed_by", "closed_why"}},
    {"downgrade-rename", {"partner"}},
};

static bool
may_change(const char *kind, const char *field)
{
	size_t i, k;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		for (k = 0; k < 3 && changes[i].field[k] != NULL; k++)
			if (strcmp(changes[i].kind, kind) == 0 &&
			    strcmp(changes[i].field[k], field) == 0)
				return true;
	return false;
}

/* Row is what a later event, or the table (kind is ""), says of id. */
static void
compare(struct check *c, int64_t id, const json_t *row, const char *kind,
    const json_t *said, int64_t seq, int64_t later)
{
	const char *name;
	json_t *v;
	char *text, *was, *is;

	json_object_foreach((json_t *)(uintptr_t)row, name, v)
	{
		if (!ledger_row_differs(row, said, name) ||
		    may_change(kind, name))
			continue;
		text = ledger_row_edit(row, said, name, seq, &was, &is);
		if (later == 0)
			flaw(c, seq, id, "downgrade %lld was edited: %s",
			    (long long)id, text);
		else
			flaw(c, later, id,
			    "downgrade %lld was edited before event %lld: %s",
			    (long long)id, (long long)later, text);
		free(text);
		free(was);
		free(is);
	}
}

/* One event about a downgrade after another; the first has said NULL. */
static void
follow(struct check *c, int64_t id, struct db_stmt *ev, const json_t *row,
    const json_t *said, int64_t before)
{
	int64_t seq = db_col_int(ev, 1);
	const char *kind = db_col_text(ev, 2);

	if (strcmp(kind, LEDGER_EDITED) == 0)
		flaw(c, seq, id, "event %lld found: %s", (long long)seq,
		    db_col_text(ev, 3));
	else if (said == NULL && strcmp(kind, "downgrade-begin") != 0)
		flaw(c, seq, id,
		    "downgrade %lld has no begin before event %lld",
		    (long long)id, (long long)seq);
	else if (said != NULL && strcmp(kind, "downgrade-begin") == 0)
		flaw(c, seq, id,
		    "event %lld begins downgrade %lld, which event %lld told "
		    "of already",
		    (long long)seq, (long long)id, (long long)before);
	else if (said != NULL && !json_is_null(json_object_get(said, "closed")))
		flaw(c, seq, id,
		    "event %lld changes downgrade %lld, which had ended by "
		    "event %lld",
		    (long long)seq, (long long)id, (long long)before);
	else if (said != NULL)
		compare(c, id, row, kind, said, before, seq);
}

/* All events about the downgrade; the last one to *last and *seq. */
static int
follow_all(
    struct check *c, int64_t id, json_t **last, int64_t *seq, struct err *e)
{
	struct db_stmt *ev;
	json_t *row;
	int rv;

	*last = NULL;
	*seq = 0;
	ev = db_query(c->l->db,
	    "SELECT data, seq, kind, text FROM event WHERE downgrade = ?"
	    " AND downgrade > 0 ORDER BY seq",
	    DB_INT(id));
	while ((rv = db_step(ev, e)) == 1) {
		row = ledger_row_said(db_col_text(ev, 0));
		if (row == NULL && *db_col_text(ev, 0) != '\0')
			flaw(c, db_col_int(ev, 1), id,
			    "event %lld does not say what downgrade %lld is",
			    (long long)db_col_int(ev, 1), (long long)id);
		follow(c, id, ev, row, *last, *seq);
		*seq = db_col_int(ev, 1);
		json_decref(*last);
		*last = row;
	}
	return db_done(ev, rv);
}

static int
check_rows(struct check *c, struct err *e)
{
	struct db_stmt *s;
	json_t *row, *said;
	int64_t id, seq;
	int rv = 0;

	s = db_sql(c->l->db,
	    "SELECT " LEDGER_DOWNGRADE_COLUMNS " FROM downgrade ORDER BY id");
	while (!c->stopped && (rv = db_step(s, e)) == 1) {
		id = db_col_int(s, 0);
		if ((rv = follow_all(c, id, &said, &seq, e)) == -1)
			break;
		row = ledger_row_json(s);
		if (seq == 0)
			flaw(c, 0, id,
			    "downgrade %lld of %s has no event: it was added "
			    "by hand, or its events were removed",
			    (long long)id, quotes(db_col_text(s, 1)).s);
		else if (said != NULL)
			compare(c, id, row, "", said, seq, 0);
		json_decref(row);
		json_decref(said);
	}
	return db_done(s, rv);
}

/* Events about downgrades that are not there any more. */
static int
check_removed(struct check *c, struct err *e)
{
	struct db_stmt *s;
	int rv = 0;

	s = db_sql(c->l->db,
	    "SELECT downgrade, min(seq), partner FROM event"
	    " WHERE downgrade > 0 AND downgrade NOT IN"
	    " (SELECT id FROM downgrade) GROUP BY downgrade ORDER BY 1");
	while (!c->stopped && (rv = db_step(s, e)) == 1)
		flaw(c, db_col_int(s, 1), db_col_int(s, 0),
		    "downgrade %lld of %s was removed: event %lld began it",
		    (long long)db_col_int(s, 0), quotes(db_col_text(s, 2)).s,
		    (long long)db_col_int(s, 1));
	return db_done(s, rv);
}

/* A trigger runs in whatever program opens the file next, ours aside. */
static bool
tell_foreign(
    const char *type, const char *name, const char *table, bool gone, void *arg)
{
	struct check *c = arg;

	/* Other tables may go with what is no record. */
	if (gone && strcmp(table, "downgrade") != 0 &&
	    strcmp(table, "event") != 0 && strcmp(table, "head") != 0)
		return true;
	flaw(c, 0, 0,
	    gone ? "the %s %s of the ledger is gone or was altered"
		 : "there is a %s %s in the file that is not the ledger's",
	    type, quotes(name).s);
	return !c->stopped;
}

int
ledger_check(struct ledger *l, const struct ledger_head *known,
    ledger_flaw_fn *fn, void *arg, struct ledger_head *head, size_t *flaws,
    struct err *e)
{
	struct check c = {.l = l, .fn = fn, .arg = arg, .known = known};
	struct ledger_head present = {0};
	int rv;

	*flaws = 0;
	if (db_begin_read(l->db, e) == -1)
		return -1;
	rv = walk(&c, e) == -1 || check_head(&c, &present, e) == -1 ||
		     check_rows(&c, e) == -1 || check_removed(&c, e) == -1 ||
		     db_foreign(l->db, tell_foreign, &c, e) == -1
		 ? -1
		 : 0;
	rv = db_end(l->db, rv, e);
	if (head != NULL)
		*head = present;
	*flaws = c.flaws;
	return rv;
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

int
ledger_notice_withdraw(
    struct ledger *l, const char *partner, int64_t but, struct err *e)
{
	return db_within(l->db, true, e,
	    db_do(l->db, e,
		"DELETE FROM notice WHERE sent = 0 AND id != ?"
		" AND " PARTNER("data") " = ?",
		DB_INT(but), DB_TEXT(partner)));
}

int
ledger_notice_like(struct ledger *l, const char *key, struct err *e)
{
	int64_t n;

	return db_ask(l->db, e, &n,
	    "SELECT 1 FROM notice WHERE key GLOB ? LIMIT 1", DB_TEXT(key));
}

/* A key is KIND:PARTNER:...; where there is one with the new name it stays. */
int
ledger_notice_move(
    struct ledger *l, const char *from, const char *to, struct err *e)
{
#define BEHIND_KIND "instr(key, ':') + 1"
#define OF PARTNER("data")
	static const char sql[] =
	    "UPDATE OR IGNORE notice SET"
	    " key = substr(key, 1, instr(key, ':')) || ?2"
	    " || substr(key, " BEHIND_KIND " + length(?1)),"
	    " data = json_replace(data, '$.contact_of', ?2, '$.partner',"
	    " substr(" OF ", 1, length(" OF ") - length(?1)) || ?2)"
	    " WHERE json_valid(data)"
	    " AND ?1 IN (" OF ", json_extract(data, '$.contact_of'))"
	    " AND substr(key, " BEHIND_KIND ", length(?1) + 1) = ?1 || ':'";

	return db_do(l->db, e, sql, DB_TEXT(from), DB_TEXT(to));
#undef BEHIND_KIND
#undef OF
}

int
ledger_notice_told(struct ledger *l, const char *partner, time_t since,
    int64_t but, struct err *e)
{
	int64_t n;

	return db_ask(l->db, e, &n,
	    "SELECT 1 FROM notice WHERE (sent != 0 OR id = ?)"
	    " AND created >= ? AND " PARTNER("data") " = ? LIMIT 1",
	    DB_INT(but), DB_INT(since), DB_TEXT(partner));
}
