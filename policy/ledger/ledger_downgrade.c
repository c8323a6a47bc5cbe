/*
 * Downgrades: rows that are never deleted. Each change of one writes an
 * event that carries the whole row, in the same transaction.
 */
#include "ledger_downgrade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "db.h"
#include "err.h"
#include "json.h"
#include "ledger_rename.h"
#include "ledger_row.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "words.h"

#define KEYS_MAX 64	/* that one downgrade may pin */
#define TEXT_SHOWN 1000 /* bytes of the list of edits for people */
#define WHY_MAX 1024
#define SELECT "SELECT " LEDGER_DOWNGRADE_COLUMNS " FROM downgrade "

/*
 * Of a row of downgrade named d that is not closed: has its time come by ?1,
 * or had it come when an event was written after the last one about it? The
 * latter tells of a clock that was set back since. What others bring with
 * them (a time in a mail log) says nothing of our clock.
 */
#define OVER                                                              \
	"(d.end <= ?1 OR EXISTS (SELECT 1 FROM event WHERE time >= d.end" \
	" AND seq > (SELECT max(seq) FROM event WHERE downgrade = d.id)))"

const char *
ledger_cause_name(enum ledger_cause c)
{
	return c == LEDGER_AUTOMATIC ? "automatic" : "manual";
}

/* --- Rows -------------------------------------------------------------- */

struct row {
	struct ledger_downgrade d;
	/* As they are stored. */
	const char *before, *after, *cause, *keys, *direction;
};

/* LEDGER_DOWNGRADE_COLUMNS but for the last, which may be long. */
#define MEMBER(m) DB_MEMBER(struct row, m)
static const struct db_member members[] = {MEMBER(d.id), MEMBER(d.partner),
    MEMBER(before), MEMBER(after), MEMBER(d.begin), MEMBER(d.end),
    MEMBER(d.reason), MEMBER(d.ticket), MEMBER(d.author), MEMBER(d.sudo_user),
    MEMBER(cause), MEMBER(d.fault), MEMBER(keys), MEMBER(d.closed),
    MEMBER(d.closed_by), MEMBER(d.closed_why), MEMBER(d.extended_by),
    MEMBER(direction), {0}};
enum {
	COLUMN_ID,
	COLUMN_PARTNER,
	COLUMN_BEGIN = 4,
	COLUMN_END,
	COLUMN_CLOSED = 13,
	COLUMN_DOMAINS = sizeof(members) / sizeof(members[0]) - 1,
};

/*
 * The row at s, where its texts live; its lists are in a's memory. -1 if
 * somebody put words there that are none.
 */
static int
get_row(struct db_stmt *s, struct arena *a, struct row *r, struct err *e)
{
	struct ledger_downgrade *d = &r->d;

	*d = (struct ledger_downgrade){0};
	db_row(s, members, r);
	if (level_parse(r->before, &d->before) == -1 ||
	    level_parse(r->after, &d->after) == -1)
		return err_set(e, EX_DATAERR,
		    "ledger: downgrade %lld has no known level: %s to %s",
		    (long long)d->id, quotes(r->before).s, quotes(r->after).s);
	if (strcmp(r->cause, "automatic") == 0)
		d->cause = LEDGER_AUTOMATIC;
	else if (strcmp(r->cause, "manual") != 0)
		return err_set(e, EX_DATAERR,
		    "ledger: downgrade %lld has no known cause: %s",
		    (long long)d->id, quotes(r->cause).s);
	if (*r->direction != '\0' &&
	    direction_parse(r->direction, &d->direction) == -1)
		return err_set(e, EX_DATAERR,
		    "ledger: downgrade %lld has no known direction: %s",
		    (long long)d->id, quotes(r->direction).s);
	d->keys = words_split(a, r->keys, " ", LEDGER_HASH - 1, &d->nkeys);
	d->domains = words_split(
	    a, db_col_text(s, COLUMN_DOMAINS), "\n", 2, &d->ndomains);
	return 0;
}

/* The next row of s: 1 and *r filled, 0 if there is none, or -1. */
static int
next_row(struct db_stmt *s, struct arena *a, struct row *r, struct err *e)
{
	int rv = db_step(s, e);

	return rv == 1 && get_row(s, a, r, e) == -1 ? -1 : rv;
}

static struct db_stmt *
row_of(struct ledger *l, int64_t id)
{
	return db_query(l->db, SELECT "WHERE id = ?", DB_INT(id));
}

/* --- Edits by hand ----------------------------------------------------- */

/*
 * A row is held against the last event about it, which carries the whole row
 * as it was left. Every change does so before it writes: the row that goes
 * into its own event would else be the edited one, and nothing would tell any
 * more that it was.
 */

/* A row, and what its last event says; NULL where there is none. */
struct found {
	json_t *row, *said;
	int64_t seq;	 /* of the event */
	time_t extended; /* of the last that gave it another end, or 0 */
};

/* The last event about the downgrade, to *f: 1, 0 if there is none, or -1. */
static int
find_event(struct ledger *l, int64_t id, struct found *f, struct err *e)
{
	struct db_stmt *s;
	int rv;

	s = db_query(l->db,
	    "SELECT seq, data, (SELECT time FROM event WHERE downgrade = ?1"
	    " AND downgrade > 0 AND kind = 'downgrade-extend'"
	    " ORDER BY seq DESC LIMIT 1) FROM event WHERE downgrade = ?1"
	    " AND downgrade > 0 ORDER BY seq DESC LIMIT 1",
	    DB_INT(id));
	if ((rv = db_step(s, e)) == 1) {
		f->seq = db_col_int(s, 0);
		f->said = ledger_row_said(db_col_text(s, 1));
		f->extended = db_col_int(s, 2);
	}
	(void)db_done(s, rv);
	return rv;
}

static void
found_free(struct found *f)
{
	json_decref(f->row);
	json_decref(f->said);
}

/* The first field that was edited, or NULL. */
static const char *
first_edit(const struct found *f)
{
	const char *name;
	json_t *v;

	json_object_foreach(f->row, name, v)
	{
		if (ledger_row_differs(f->row, f->said, name))
			return name;
	}
	return NULL;
}

/*
 * "downgrade 1 was edited by hand: ...", and each field of it to edited:
 * {"after": ["encrypt", "opportunistic"], ...}: said, is; shortened.
 */
static void
describe(const struct found *f, int64_t id, json_t *edited, struct buf *text)
{
	const char *name, *between = ": ";
	json_t *v;
	char *one, *said, *is;

	buf_printf(text, "downgrade %lld was %s", (long long)id,
	    f->said == NULL ? "added by hand: no event tells of it"
			    : "edited by hand");
	json_object_foreach(f->row, name, v)
	{
		if (f->said == NULL ||
		    !ledger_row_differs(f->row, f->said, name))
			continue;
		one =
		    ledger_row_edit(f->row, f->said, name, f->seq, &said, &is);
		if (json_object_set_new(
			edited, name, json_pack("[s, s]", said, is)) == -1)
			abort();
		if (text->len + strlen(one) < TEXT_SHOWN)
			buf_printf(text, "%s%s", between, one);
		between = "; ";
		free(one);
		free(said);
		free(is);
	}
}

/* Append what was found: the row as it is, and in what it was edited. */
static int
append(struct ledger *l, int64_t id, const struct found *f, time_t now,
    struct err *e)
{
	struct ledger_event ev = {
	    .time = now, .kind = LEDGER_EDITED, .author = "tlspact"};
	json_t *edited = json_object(), *name;
	struct buf text = {0};
	char *data;
	int rv;

	describe(f, id, edited, &text);
	ev.text = text.data;
	/* A name with a NUL in it can be no partner's. */
	name = json_object_get(f->row, "partner");
	if (strlen(json_string_value(name)) == json_string_length(name))
		ev.partner = json_string_value(name);
	if (json_object_set_new(f->row, "edited", edited) == -1 ||
	    json_object_set_new(f->row, "event", json_integer(f->seq)) == -1)
		abort();
	ev.data = data = json_compact(json_incref(f->row));
	rv = ledger_event_append(l, &ev, id, e);
	free(data);
	buf_free(&text);
	return rv;
}

/*
 * Within a transaction, before a downgrade is changed: if its row is not as
 * its last event says, or it has none, append an event LEDGER_EDITED that
 * says so; with now 0 only find out. 1 if it is so, 0, or -1.
 */
static int
record_edit(struct ledger *l, int64_t id, time_t now, struct err *e)
{
	struct found f = {0};
	struct db_stmt *s = row_of(l, id);
	int rv;

	if ((rv = db_step(s, e)) == 1) {
		f.row = ledger_row_json(s);
		if (find_event(l, id, &f, e) == -1)
			rv = -1;
		else
			rv = first_edit(&f) != NULL;
	}
	(void)db_done(s, rv);
	if (rv == 1 && now != 0 && append(l, id, &f, now, e) == -1)
		rv = -1;
	found_free(&f);
	return rv;
}

/* The same with all numbers that s selects, which is given back. */
static int
record_edits(struct ledger *l, struct db_stmt *s, time_t now, struct err *e)
{
	int64_t *ids;
	size_t n, i;
	int rv = db_numbers(s, &ids, &n, e), any = 0;

	for (i = 0; rv != -1 && i < n; i++) {
		rv = record_edit(l, ids[i], now, e);
		any = any || rv == 1;
	}
	free(ids);
	return rv == -1 ? -1 : any;
}

/* And for a number that is new, and that events tell of already: 0 or -1. */
static int
record_removed(struct ledger *l, int64_t id, time_t now, struct err *e)
{
	struct ledger_event ev = {
	    .time = now, .kind = LEDGER_EDITED, .author = "tlspact"};
	struct found f = {0};
	char *text;
	int rv = find_event(l, id, &f, e);

	if (rv == 1) {
		text = mem_printf("downgrade %lld was removed by hand: event "
				  "%lld says what it was",
		    (long long)id, (long long)f.seq);
		ev.text = text;
		ev.partner =
		    json_string_value(json_object_get(f.said, "partner"));
		rv = ledger_event_append(l, &ev, id, e);
		free(text);
	}
	found_free(&f);
	return rv;
}

/* --- Begin, extend, end ------------------------------------------------ */

/* Write the event that row id has changed; note is the text for people. */
static int
record(struct ledger *l, int64_t id, const char *kind, const char *author,
    const char *note, time_t now, struct err *e)
{
	struct ledger_event ev = {
	    .time = now, .kind = kind, .author = author, .text = note};
	struct db_stmt *s = row_of(l, id);
	char *data;
	int rv;

	if ((rv = db_step(s, e)) == 1) {
		ev.data = data = json_compact(ledger_row_json(s));
		ev.partner = db_col_text(s, COLUMN_PARTNER);
		rv = ledger_event_append(l, &ev, id, e);
		free(data);
	} else if (rv == 0) {
		rv = err_set(e, EX_SOFTWARE, "ledger: downgrade %lld is gone",
		    (long long)id);
	}
	return db_done(s, rv);
}

/* Close one, if it is open, and record it as an event of that kind. */
static int
set_closed(struct ledger *l, int64_t id, time_t when, const char *by,
    const char *why, const char *kind, const char *note, time_t now,
    struct err *e)
{
	if (db_do(l->db, e,
		"UPDATE downgrade SET closed = ?, closed_by = ?,"
		" closed_why = ? WHERE id = ? AND closed = 0",
		DB_INT(when), DB_TEXT(by), DB_TEXT(why), DB_INT(id)) == -1)
		return -1;
	return record(l, id, kind, by, note, now, e);
}

static int
settle_one(struct ledger *l, int64_t id, time_t now, struct err *e)
{
	char note[128], when[NUM_TIME_MAX];
	int64_t end;

	if (record_edit(l, id, now, e) == -1 ||
	    db_ask(l->db, e, &end, "SELECT end FROM downgrade WHERE id = ?",
		DB_INT(id)) == -1)
		return -1;
	(void)snprintf(note, sizeof(note), "its time was up at %s",
	    num_time_text(end, when));
	return set_closed(
	    l, id, end, "tlspact", "end", "downgrade-end", note, now, e);
}

/* Close what has ended by now, of one partner or all (NULL). */
static int
settle(struct ledger *l, const char *partner, time_t now, struct err *e)
{
	int64_t *ids;
	size_t n, i;
	int rv;

	rv = db_numbers(
	    db_query(l->db,
		"SELECT id FROM downgrade d WHERE closed = 0 AND " OVER
		" AND (?2 IS NULL OR partner = ?2) ORDER BY end, id",
		DB_INT(now), DB_TEXT_OR_NULL(partner)),
	    &ids, &n, e);
	for (i = 0; rv == 0 && i < n; i++)
		rv = settle_one(l, ids[i], now, e);
	free(ids);
	return rv;
}

static int
need_end(time_t end, time_t after, struct err *e)
{
	if (ledger_need_time("end", end, e) == -1)
		return -1;
	return end > after
		   ? 0
		   : err_set(e, EX_DATAERR,
			 "ledger: the end of a downgrade must lie ahead");
}

static int
need_fields(const struct ledger_downgrade *d, time_t now, struct err *e)
{
	const char *missing = NULL;
	size_t i;

	if (d->partner == NULL || *d->partner == '\0')
		missing = "a partner";
	else if (d->reason == NULL || *d->reason == '\0')
		missing = "a reason";
	else if (d->author == NULL || *d->author == '\0')
		missing = "an author";
	else if (d->after == LEVEL_KEY && !d->direction && d->nkeys == 0)
		missing = "a key that passed";
	if (missing != NULL)
		return err_set(
		    e, EX_DATAERR, "ledger: a downgrade needs %s", missing);
	if (d->direction ? d->after != d->before : d->after >= d->before)
		return err_set(e, EX_DATAERR,
		    "ledger: from %s to %s is no downgrade",
		    level_name(d->before), level_name(d->after));
	if (ledger_need_time("begin", d->begin, e) == -1 ||
	    need_end(d->end, d->begin > now ? d->begin : now, e) == -1)
		return -1;
	if (d->fault != NULL && *d->fault != '\0' &&
	    ledger_need_word("fault", d->fault, e) == -1)
		return -1;
	if (d->nkeys > KEYS_MAX)
		return err_set(e, EX_DATAERR,
		    "ledger: %zu keys are too many for one downgrade (%d)",
		    d->nkeys, KEYS_MAX);
	for (i = 0; i < d->nkeys; i++) {
		if (d->keys[i] == NULL || *d->keys[i] == '\0')
			return err_set(
			    e, EX_DATAERR, "ledger: a key to pin is empty");
		if (ledger_need_hash("key", d->keys[i], e) == -1)
			return -1;
	}
	return 0;
}

/* Refuse if one of the partner is open, not `but`: 1, 0 if none is, or -1. */
static int
refuse_if_open(
    struct ledger *l, const char *partner, int64_t but, struct err *e)
{
	struct arena a = {0};
	struct row r;
	struct db_stmt *s;
	char begin[NUM_TIME_MAX], end[NUM_TIME_MAX];
	int rv;

	s = db_query(l->db,
	    SELECT "WHERE partner = ? AND closed = 0 AND id != ?",
	    DB_TEXT(partner), DB_INT(but));
	rv = next_row(s, &a, &r, e);
	if (rv == 1)
		(void)err_set(e, LEDGER_REFUSED,
		    "%s is lowered to %s already, from %s until %s, by %s%s%s "
		    "(downgrade %lld): %s",
		    partner, direction_lowered_to(r.d.direction, r.d.after),
		    num_time_text(r.d.begin, begin),
		    num_time_text(r.d.end, end), r.d.author,
		    *r.d.sudo_user == '\0' ? "" : " for ", r.d.sudo_user,
		    (long long)r.d.id, r.d.reason);
	arena_free(&a);
	(void)db_done(s, rv);
	return rv;
}

/* The one that is replaced, to *id: 1, 0 if there is none, or -1. */
static int
find_replaced(struct ledger *l, const struct ledger_downgrade *d, int64_t *id,
    struct err *e)
{
	return db_ask(l->db, e, id,
	    "SELECT id FROM downgrade WHERE partner = ?1 AND closed = 0"
	    " AND (id = ?2 OR ?3 < CASE direction WHEN 'inbound' THEN 1"
	    " WHEN 'inbound-certificate' THEN 2 ELSE 0 END)",
	    DB_TEXT(d->partner), DB_INT(d->replaces), DB_INT(d->direction));
}

/* Make room for it, or refuse; within a transaction. */
static int
make_way(struct ledger *l, const struct ledger_downgrade *d, time_t now,
    struct err *e)
{
	static const char why[] = "another one takes its place";
	int64_t id = 0;
	int rv = find_replaced(l, d, &id, e);

	if (rv == -1)
		return -1;
	if ((rv = refuse_if_open(l, d->partner, id, e)) != 0 || id == 0)
		return rv;
	return set_closed(
	    l, id, now, d->author, why, "downgrade-close", why, now, e);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One a line, sorted. The caller frees it. */
static char *
join_domains(const struct ledger_downgrade *d)
{
	const char **v = mem_zero(d->ndomains + 1, sizeof(*v));
	char *text;

	if (d->ndomains > 0)
		memcpy(v, d->domains, d->ndomains * sizeof(*v));
	qsort(v, d->ndomains, sizeof(*v), by_name);
	text = words_join(v, d->ndomains, "\n");
	free(v);
	return text;
}

static int
insert(struct ledger *l, const struct ledger_downgrade *d, time_t now,
    int64_t *id, struct err *e)
{
	char *keys = words_join(d->keys, d->nkeys, " "),
	     *domains = join_domains(d);
	char *note, when[NUM_TIME_MAX];
	struct row r = {.d = *d,
	    .before = level_name(d->before),
	    .after = level_name(d->after),
	    .cause = ledger_cause_name(d->cause),
	    .keys = keys,
	    .direction = direction_name(d->direction)};
	struct db_stmt *s;
	int rv;

	r.d.closed = 0;
	r.d.closed_by = r.d.closed_why = r.d.extended_by = NULL;
	s = db_sql(l->db,
	    "INSERT INTO downgrade(" LEDGER_DOWNGRADE_VALUES ") VALUES("
	    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	(void)db_bind_row(s, members + 1, &r);
	(void)db_bind(s, &DB_TEXT_UP_TO(domains, LEDGER_DOMAINS_MAX), 1);
	rv = db_run(s, e);
	free(keys);
	free(domains);
	if (rv == -1)
		return -1;
	*id = db_rowid(l->db);
	if (record_removed(l, *id, now, e) == -1)
		return -1;
	(void)num_time_text(d->end, when);
	note = d->direction
		   ? mem_printf("mail from it is let in without %s until %s: "
				"%s",
			 direction_waives(d->direction), when, d->reason)
		   : mem_printf("lowered from %s to %s until %s: %s", r.before,
			 level_name(d->after), when, d->reason);
	rv = record(l, *id, "downgrade-begin", d->author, note, now, e);
	free(note);
	return rv;
}

int
ledger_downgrade_begin(struct ledger *l, const struct ledger_downgrade *d,
    time_t now, int64_t *id, struct err *e)
{
	int rv;

	if (need_fields(d, now, e) == -1 || db_begin(l->db, true, e) == -1)
		return -1;
	if ((rv = settle(l, d->partner, now, e)) == 0 &&
	    record_edits(l,
		db_query(l->db,
		    "SELECT id FROM downgrade WHERE partner = ? ORDER BY id",
		    DB_TEXT(d->partner)),
		now, e) == -1)
		rv = -1;
	if (rv == 0 && (rv = make_way(l, d, now, e)) == 0)
		rv = insert(l, d, now, id, e);
	return db_end(l->db, rv, e);
}

/*
 * Before one is changed: is there a row of that number, and does it still go
 * on? 0, LEDGER_REFUSED, or -1; within a transaction.
 */
static int
need_open(struct ledger *l, int64_t id, time_t now, struct err *e)
{
	struct arena a = {0};
	struct db_stmt *s;
	struct row r;
	time_t ended;
	char when[NUM_TIME_MAX];
	int rv;

	if (record_edit(l, id, now, e) == -1)
		return -1;
	s = row_of(l, id);
	rv = next_row(s, &a, &r, e);
	if (rv == 0) {
		rv = err_set(
		    e, EX_NOINPUT, "there is no downgrade %lld", (long long)id);
	} else if (rv == 1) {
		ended = r.d.closed != 0	 ? r.d.closed
			: r.d.end <= now ? r.d.end
					 : 0;
		rv = ended != 0 ? LEDGER_REFUSED : 0;
		if (rv == LEDGER_REFUSED)
			(void)err_set(e, LEDGER_REFUSED,
			    "downgrade %lld of %s has ended already, at %s",
			    (long long)id, r.d.partner,
			    num_time_text(ended, when));
	}
	arena_free(&a);
	(void)db_done(s, rv);
	return rv;
}

static int
set_end(struct ledger *l, int64_t id, time_t end, const char *author,
    const char *reason, time_t now, struct err *e)
{
	char *note, when[NUM_TIME_MAX];
	int rv;

	if (db_do(l->db, e,
		"UPDATE downgrade SET end = ?, extended_by = ?"
		" WHERE id = ?",
		DB_INT(end), DB_TEXT(author), DB_INT(id)) == -1)
		return -1;
	note = mem_printf("ends %s%s%s", num_time_text(end, when),
	    reason == NULL || *reason == '\0' ? "" : ": ",
	    reason == NULL ? "" : reason);
	rv = record(l, id, "downgrade-extend", author, note, now, e);
	free(note);
	return rv;
}

static int
need_author(const char *author, struct err *e)
{
	return author != NULL && *author != '\0'
		   ? 0
		   : err_set(e, EX_DATAERR,
			 "ledger: a change of a downgrade needs an author");
}

int
ledger_downgrade_extend(struct ledger *l, int64_t id, time_t end,
    const char *author, const char *reason, time_t now, struct err *e)
{
	int rv;

	if (need_author(author, e) == -1 || need_end(end, now, e) == -1 ||
	    db_begin(l->db, true, e) == -1)
		return -1;
	if ((rv = need_open(l, id, now, e)) == 0)
		rv = set_end(l, id, end, author, reason, now, e);
	return db_end(l->db, rv, e);
}

int
ledger_downgrade_close(struct ledger *l, int64_t id, const char *author,
    const char *why, time_t now, struct err *e)
{
	int rv;

	if (need_author(author, e) == -1 ||
	    ledger_need_time("time", now, e) == -1 ||
	    db_begin(l->db, true, e) == -1)
		return -1;
	if ((rv = need_open(l, id, now, e)) == 0)
		rv = set_closed(
		    l, id, now, author, why, "downgrade-close", why, now, e);
	return db_end(l->db, rv, e);
}

/* The number of the one of that partner that is not closed. 1, 0, or -1. */
static int
open_of(struct ledger *l, const char *partner, int64_t *id, struct err *e)
{
	return db_ask(l->db, e, id,
	    "SELECT id FROM downgrade WHERE partner = ? AND closed = 0",
	    DB_TEXT(partner));
}

int
ledger_downgrade_move(struct ledger *l, const char *from, const char *to,
    const char *author, time_t now, struct err *e)
{
	int64_t id, other;
	char note[256];
	int rv;

	if (settle(l, from, now, e) == -1 || settle(l, to, now, e) == -1)
		return -1;
	if ((rv = open_of(l, from, &id, e)) != 1)
		return rv;
	if (record_edit(l, id, now, e) == -1 ||
	    (rv = open_of(l, to, &other, e)) == -1)
		return -1;
	(void)snprintf(note, sizeof(note), "%s is %s from now on%s", from, to,
	    rv == 0 ? "" : ", which is lowered already");
	if (rv == 1)
		return set_closed(
		    l, id, now, author, note, "downgrade-close", note, now, e);
	if (db_do(l->db, e, "UPDATE downgrade SET partner = ? WHERE id = ?",
		DB_TEXT(to), DB_INT(id)) == -1)
		return -1;
	return record(l, id, "downgrade-rename", author, note, now, e);
}

static struct db_stmt *
open_rows(struct ledger *l)
{
	return db_sql(
	    l->db, "SELECT id FROM downgrade WHERE closed = 0 ORDER BY id");
}

int
ledger_downgrade_settle(struct ledger *l, time_t now, struct err *e)
{
	int64_t any;
	int rv;

	/* Most of the time there is none, and nobody need be locked out. */
	rv = db_ask(l->db, e, &any,
	    "SELECT 1 FROM downgrade d WHERE closed = 0"
	    " AND " OVER " LIMIT 1",
	    DB_INT(now));
	if (rv == 0)
		rv = record_edits(l, open_rows(l), 0, e);
	if (rv != 1)
		return rv;
	if (db_begin(l->db, true, e) == -1)
		return -1;
	if ((rv = settle(l, NULL, now, e)) == 0 &&
	    record_edits(l, open_rows(l), now, e) == -1)
		rv = -1;
	return db_end(l->db, rv, e);
}

/* --- Reading ----------------------------------------------------------- */

/* The rows of s, and give it back. */
static int
each_row(struct db_stmt *s, ledger_downgrade_fn *fn, void *arg, struct err *e)
{
	bool more = true;
	struct row r;
	int rv;

	do {
		struct arena a = {0};

		if ((rv = next_row(s, &a, &r, e)) == 1)
			more = fn(&r.d, arg);
		arena_free(&a);
	} while (rv == 1 && more);
	return db_done(s, rv);
}

static int
each_of(struct ledger *l, const char *partner, time_t at,
    ledger_downgrade_fn *fn, void *arg, struct err *e)
{
	return each_row(
	    db_query(l->db,
		SELECT "WHERE (?1 IS NULL OR partner = ?1) AND CASE ?2"
		       " WHEN 0 THEN TRUE WHEN -1 THEN closed = 0"
		       " ELSE begin <= ?2 AND end > ?2"
		       " AND (closed = 0 OR closed > ?2) END ORDER BY id DESC",
		DB_TEXT_OR_NULL(partner), DB_INT(at)),
	    fn, arg, e);
}

/* Who asks by today's names, where some are others than they were. */
struct named {
	const struct ledger_names *names;
	const char *partner; /* or NULL */
	ledger_downgrade_fn *fn;
	void *arg;
};

static bool
give_named(const struct ledger_downgrade *d, void *arg)
{
	const struct named *x = arg;
	struct ledger_downgrade named = *d;

	/* What is open was moved with each rename. */
	if (d->closed != 0)
		named.partner =
		    ledger_name_now(x->names, d->partner, 0, d->closed);
	return (x->partner != NULL && strcmp(named.partner, x->partner) != 0) ||
	       x->fn(&named, x->arg);
}

int
ledger_downgrades(struct ledger *l, const char *partner, time_t at,
    ledger_downgrade_fn *fn, void *arg, struct err *e)
{
	struct ledger_names names;
	struct named x = {&names, partner, fn, arg};
	int rv;

	if (ledger_names_read(l, &names, e) == -1)
		return -1;
	rv = names.n == 0 ? each_of(l, partner, at, fn, arg, e)
			  : each_of(l, NULL, at, give_named, &x, e);
	ledger_names_release(&names);
	return rv;
}

int
ledger_downgrade_is_open(struct ledger *l, const char *partner, int64_t id,
    time_t begin, time_t by, int64_t *found, struct err *e)
{
	return db_ask(l->db, e, found,
	    "SELECT id FROM downgrade WHERE closed = 0 AND CASE"
	    " WHEN ?2 = 0 THEN partner = ?1 AND begin <= ?4"
	    " WHEN ?3 = 0 THEN partner = ?1 AND id = ?2"
	    " ELSE id = ?2 AND begin = ?3 END",
	    DB_TEXT(partner), DB_INT(id), DB_INT(begin), DB_INT(by));
}

/* --- As the map is compiled with them ---------------------------------- */

/*
 * Whoever can write the file can write a row; what lowers a partner has an
 * event that says so.
 */

/*
 * Is the row at s, which is open, as the last event about it says, and its end
 * no more than max seconds from its begin, or from when it was extended? 1; 0,
 * and why says what is wrong; or -1.
 */
static int
row_believed(struct ledger *l, struct db_stmt *s, uint64_t max,
    char why[WHY_MAX], struct err *e)
{
	int64_t id = db_col_int(s, COLUMN_ID), edited;
	struct found f = {.row = ledger_row_json(s)};
	time_t from = db_col_int(s, COLUMN_BEGIN);
	time_t end = db_col_int(s, COLUMN_END);
	const char *name;
	int rv;

	rv = find_event(l, id, &f, e);
	if (rv != -1)
		rv = db_ask(l->db, e, &edited,
		    "SELECT count(*) FROM event WHERE downgrade = ?"
		    " AND downgrade > 0 AND kind = '" LEDGER_EDITED "'",
		    DB_INT(id));
	if (rv != -1) {
		name = first_edit(&f);
		if (f.extended != 0)
			from = f.extended;
		if (f.seq != 0 && name != NULL)
			(void)snprintf(why, WHY_MAX,
			    "its %s is not what the last event about it says",
			    name);
		else
			(void)snprintf(why, WHY_MAX, "%s",
			    f.seq == 0 ? "no event tells of it"
			    /* What came after that is no better founded. */
			    : edited != 0
				? "it was edited by hand, as the record says"
			    : end < from || (uint64_t)(end - from) > max
				? "its end is further away than max_downgrade "
				  "allows"
				: "");
		rv = *why == '\0';
	}
	found_free(&f);
	return rv;
}

/* A key as the registry and Postfix write it: AA:BB:... */
static const char *
pin_text(struct arena *a, const char *hex)
{
	char text[3 * (LEDGER_HASH - 1) / 2], *p = text;
	size_t i;

	for (i = 0; i < LEDGER_HASH - 1; i++) {
		if (i > 0 && i % 2 == 0)
			*p++ = ':';
		*p++ = hex[i] >= 'a' ? (char)(hex[i] - 'a' + 'A') : hex[i];
	}
	return arena_copy(a, text, (size_t)(p - text));
}

/* The row at s, which is borne out. -1 if it cannot be believed even so. */
static int
get_believed(
    struct db_stmt *s, struct arena *a, struct ledger_open *x, struct err *e)
{
	const char **const text[] = {&x->row.reason, &x->row.ticket,
	    &x->row.author, &x->row.sudo_user, &x->row.fault,
	    &x->row.extended_by, &x->row.closed_by, &x->row.closed_why};
	struct downgrade *out = &x->d;
	struct strs *keys;
	struct row r;
	size_t i;

	if (get_row(s, a, &r, e) == -1)
		return -1;
	keys = words_list(a, r.d.keys, r.d.nkeys);
	for (i = 0; i < keys->n; i++) {
		if (ledger_need_hash("key", keys->v[i], e) == -1)
			return -1;
		keys->v[i] = pin_text(a, keys->v[i]);
	}
	if (keys->n == 0 && r.d.after == LEVEL_KEY && !r.d.direction)
		return err_set(e, EX_DATAERR, "it pins no key");
	out->level = r.d.after;
	out->direction = r.d.direction;
	out->begin = r.d.begin;
	out->end = r.d.end;
	out->key = keys;
	if (r.d.ndomains > 0)
		out->domains = words_list(a, r.d.domains, r.d.ndomains);
	x->row = r.d;
	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		*text[i] = arena_copy(a, *text[i], strlen(*text[i]));
	x->row.partner = out->partner;
	x->row.keys = keys->v;
	x->row.domains = out->domains == NULL ? NULL : out->domains->v;
	return 0;
}

/* The row at s, of which it is said why it is not believed, or "". */
static struct ledger_open
get_open(struct db_stmt *s, struct arena *a, const char *why)
{
	const char *partner = db_col_text(s, COLUMN_PARTNER);
	struct ledger_open x = {.d.id = db_col_int(s, COLUMN_ID),
	    .d.partner = arena_copy(a, partner, strlen(partner))};
	struct err bad;
	char *text;

	if (*why == '\0' && get_believed(s, a, &x, &bad) == -1)
		why = bad.text;
	if (*why == '\0')
		return x;
	text = mem_printf("downgrade %lld of %s is not believed: %s",
	    (long long)x.d.id, quotes(partner).s, why);
	x.doubt = arena_copy(a, text, strlen(text));
	free(text);
	return x;
}

int
ledger_believed(struct ledger *l, time_t now, uint64_t max_downgrade,
    struct ledger_believed *out, struct err *e)
{
	char why[WHY_MAX];
	struct db_stmt *s;
	size_t cap = 0;
	int rv;

	*out = (struct ledger_believed){0};
	s = db_query(l->db,
	    SELECT "d WHERE closed = 0 AND NOT " OVER " ORDER BY id",
	    DB_INT(now));
	while ((rv = db_step(s, e)) == 1 &&
	       (rv = row_believed(l, s, max_downgrade, why, e)) != -1) {
		out->v = mem_grow(out->v, out->n, &cap, sizeof(*out->v));
		out->v[out->n++] = get_open(s, &out->arena, why);
	}
	if (db_done(s, rv) == 0)
		return 0;
	ledger_believed_release(out);
	return -1;
}

void
ledger_believed_release(struct ledger_believed *o)
{
	free(o->v);
	arena_free(&o->arena);
	*o = (struct ledger_believed){0};
}

bool
downgrade_covers(const struct downgrade *o, const char *name)
{
	return o->domains == NULL ||
	       bsearch(&name, o->domains->v, o->domains->n,
		   sizeof(o->domains->v[0]), by_name) != NULL;
}
