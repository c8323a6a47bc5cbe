/*
 * Downgrades: rows that are never deleted. Each change of one writes an
 * event that carries the whole row, in the same transaction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "err.h"
#include "ledger_impl.h"
#include "mem.h"
#include "num.h"
#include "quote.h"

#define KEYS_MAX 64 /* that one downgrade may pin */

#define SELECT "SELECT " LEDGER_DOWNGRADE_COLUMNS " FROM downgrade "

const char *
ledger_cause_name(enum ledger_cause c)
{
	return c == LEDGER_AUTOMATIC ? "automatic" : "manual";
}

/* A row in memory: texts live in the statement, keys in the arena. */
struct held {
	struct ledger_downgrade d;
	struct arena arena;
};

/* The words of text, which are of at least min bytes each. */
static const char *const *
split(struct arena *a, const char *text, const char *between, size_t min,
    size_t *n)
{
	size_t max = strlen(text) / min + 1, len;
	const char **v = arena_alloc(a, max * sizeof(*v));

	for (*n = 0; *text != '\0' && *n < max; text += len) {
		len = strcspn(text, between);
		v[(*n)++] = arena_copy(a, text, len);
		len += strspn(text + len, between);
	}
	return v;
}

int
ledger_downgrade_get(struct db_stmt *s, struct arena *a,
    struct ledger_downgrade *d, struct err *e)
{
	const char *cause = db_col_text(s, 10);

	*d = (struct ledger_downgrade){
	    .id = db_col_int(s, 0),
	    .partner = db_col_text(s, 1),
	    .begin = db_col_int(s, 4),
	    .end = db_col_int(s, 5),
	    .reason = db_col_text(s, 6),
	    .ticket = db_col_text(s, 7),
	    .author = db_col_text(s, 8),
	    .sudo_user = db_col_text(s, 9),
	    .fault = db_col_text(s, 11),
	    .closed = db_col_int(s, 13),
	    .closed_by = db_col_text(s, 14),
	    .closed_why = db_col_text(s, 15),
	    .extended_by = db_col_text(s, 16),
	};
	if (level_parse(db_col_text(s, 2), &d->before) == -1 ||
	    level_parse(db_col_text(s, 3), &d->after) == -1)
		return err_set(e, EX_DATAERR,
		    "ledger: downgrade %lld has no known level: %s to %s",
		    (long long)d->id, quotes(db_col_text(s, 2)).s,
		    quotes(db_col_text(s, 3)).s);
	if (strcmp(cause, "automatic") == 0)
		d->cause = LEDGER_AUTOMATIC;
	else if (strcmp(cause, "manual") != 0)
		return err_set(e, EX_DATAERR,
		    "ledger: downgrade %lld has no known cause: %s",
		    (long long)d->id, quotes(cause).s);
	d->keys = split(a, db_col_text(s, 12), " ", LEDGER_HASH - 1, &d->nkeys);
	d->domains = split(a, db_col_text(s, 17), "\n", 2, &d->ndomains);
	return 0;
}

static json_t *
json_text(struct db_stmt *s, int i)
{
	size_t len;
	const char *p = db_col_bytes(s, i, &len);
	json_t *j = json_stringn(p, len);

	/* An edited row may hold anything. */
	return j != NULL ? j : json_string(quote(p, len).s);
}

static json_t *
json_time(int64_t t)
{
	char buf[NUM_TIME_MAX];

	if (t == 0)
		return json_null();
	if (t < 0 || t > 253402300799)
		return json_integer(t);
	return json_string(num_time_text(t, buf));
}

json_t *
ledger_downgrade_json(struct db_stmt *s)
{
	static const char *const name[] = {"id", "partner", "before", "after",
	    "begin", "end", "reason", "ticket", "author", "sudo_user", "cause",
	    "fault", "keys", "closed", "closed_by", "closed_why", "extended_by",
	    "domains"};
	json_t *o = json_object(), *v;
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		if (i == 0)
			v = json_integer(db_col_int(s, 0));
		else if (i == 4 || i == 5 || i == 13)
			v = json_time(db_col_int(s, (int)i));
		else
			v = json_text(s, (int)i);
		if (json_object_set_new(o, name[i], v) == -1)
			abort();
	}
	return o;
}

/* Write the event that row id has changed; note is the text for people. */
static int
record(struct ledger *l, int64_t id, const char *kind, const char *author,
    const char *note, time_t now, struct err *e)
{
	struct ledger_event ev = {
	    .time = now, .kind = kind, .author = author, .text = note};
	struct db_stmt *s;
	char *data = NULL;
	json_t *o;
	int rv;

	s = db_sql(l->db, SELECT "WHERE id = ?");
	db_int(s, id);
	if ((rv = db_step(s, e)) == 1) {
		o = ledger_downgrade_json(s);
		if ((data = json_dumps(o, JSON_COMPACT)) == NULL)
			abort();
		json_decref(o);
		ev.data = data;
		ev.partner = db_col_text(s, 1);
		rv = ledger_event_append(l, &ev, id, e);
	} else if (rv == 0) {
		rv = err_set(e, EX_SOFTWARE, "ledger: downgrade %lld is gone",
		    (long long)id);
	}
	free(data);
	(void)db_done(s, 0);
	return rv;
}

static int
set_closed(struct ledger *l, int64_t id, time_t when, const char *by,
    const char *why, struct err *e)
{
	struct db_stmt *s;

	s = db_sql(l->db,
	    "UPDATE downgrade SET closed = ?, closed_by = ?, closed_why = ?"
	    " WHERE id = ? AND closed = 0");
	db_int(s, when);
	db_text(s, by);
	db_text(s, why);
	db_int(s, id);
	return db_run(s, e);
}

/*
 * Close what has ended by now, of one partner or all (NULL). The numbers go
 * to *ids, which the caller frees.
 */
static int
settle(struct ledger *l, const char *partner, time_t now, int64_t **ids,
    size_t *n, struct err *e)
{
	struct db_stmt *s;
	size_t cap = 0, i;
	char note[128], when[NUM_TIME_MAX];
	int64_t end;
	int rv;

	*ids = NULL;
	*n = 0;
	s = db_sql(l->db, "SELECT id FROM downgrade d WHERE closed = 0"
			  " AND " LEDGER_DOWNGRADE_OVER
			  " AND (?2 IS NULL OR partner = ?2) ORDER BY end, id");
	db_int(s, now);
	db_text_or_null(s, partner);
	while ((rv = db_step(s, e)) == 1) {
		*ids = mem_grow(*ids, *n, &cap, sizeof(**ids));
		(*ids)[(*n)++] = db_col_int(s, 0);
	}
	(void)db_done(s, 0);
	for (i = 0; rv == 0 && i < *n; i++) {
		if ((rv = ledger_edit_record(l, (*ids)[i], now, e)) == -1)
			break;
		s = db_sql(l->db, "SELECT end FROM downgrade WHERE id = ?");
		db_int(s, (*ids)[i]);
		end = db_step(s, e) == 1 ? db_col_int(s, 0) : now;
		(void)db_done(s, 0);
		(void)snprintf(note, sizeof(note), "its time was up at %s",
		    num_time_text(end, when));
		rv = set_closed(l, (*ids)[i], end, "tlspact", "end", e);
		if (rv == 0)
			rv = record(l, (*ids)[i], "downgrade-end", "tlspact",
			    note, now, e);
	}
	return rv;
}

/* The row of that number: 1 and *r filled, 0 if there is none, or -1. */
static int
find_row(struct db_stmt *s, struct held *r, struct err *e)
{
	int rv = db_step(s, e);

	if (rv == 1 && ledger_downgrade_get(s, &r->arena, &r->d, e) == -1)
		rv = -1;
	return rv;
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
	else if (d->after == LEVEL_KEY && d->nkeys == 0)
		missing = "a key that passed";
	if (missing != NULL)
		return err_set(
		    e, EX_DATAERR, "ledger: a downgrade needs %s", missing);
	if (d->after >= d->before)
		return err_set(e, EX_DATAERR,
		    "ledger: from %s to %s is no downgrade",
		    level_name(d->before), level_name(d->after));
	if (ledger_need_time("begin", d->begin, e) == -1 ||
	    ledger_need_time("end", d->end, e) == -1)
		return -1;
	if (d->end <= d->begin || d->end <= now)
		return err_set(e, EX_DATAERR,
		    "ledger: the end of a downgrade must lie ahead");
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
	struct held r = {0};
	struct db_stmt *s;
	char begin[NUM_TIME_MAX], end[NUM_TIME_MAX];
	int rv;

	s = db_sql(
	    l->db, SELECT "WHERE partner = ? AND closed = 0 AND id != ?");
	db_text(s, partner);
	db_int(s, but);
	rv = find_row(s, &r, e);
	if (rv == 1)
		(void)err_set(e, LEDGER_REFUSED,
		    "%s is lowered to %s already, from %s until %s, by %s%s%s "
		    "(downgrade %lld): %s",
		    partner, level_name(r.d.after),
		    num_time_text(r.d.begin, begin),
		    num_time_text(r.d.end, end), r.d.author,
		    *r.d.sudo_user == '\0' ? "" : " for ", r.d.sudo_user,
		    (long long)r.d.id, r.d.reason);
	arena_free(&r.arena);
	(void)db_done(s, 0);
	return rv;
}

/* Close the one that is replaced. It may have ended by now: all the better. */
static int
give_way(struct ledger *l, const struct ledger_downgrade *d, time_t now,
    struct err *e)
{
	static const char why[] = "another one takes its place";
	struct db_stmt *s;

	if (d->replaces == 0)
		return 0;
	s = db_sql(l->db,
	    "UPDATE downgrade SET closed = ?, closed_by = ?, closed_why = ?"
	    " WHERE id = ? AND partner = ? AND closed = 0");
	db_int(s, now);
	db_text(s, d->author);
	db_text(s, why);
	db_int(s, d->replaces);
	db_text(s, d->partner);
	if (db_run(s, e) == -1)
		return -1;
	if (db_changes(l->db) == 0)
		return 0;
	return record(
	    l, d->replaces, "downgrade-close", d->author, why, now, e);
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
	struct buf text = {0};
	size_t i;

	for (i = 0; i < d->ndomains; i++)
		v[i] = d->domains[i];
	qsort(v, d->ndomains, sizeof(*v), by_name);
	for (i = 0; i < d->ndomains; i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : "\n", v[i]);
	free(v);
	return text.data;
}

static int
insert(struct ledger *l, const struct ledger_downgrade *d, time_t now,
    int64_t *id, struct err *e)
{
	struct buf keys = {0};
	struct db_stmt *s;
	char *note, *domains = join_domains(d), when[NUM_TIME_MAX];
	size_t i;
	int rv;

	for (i = 0; i < d->nkeys; i++)
		buf_printf(&keys, "%s%s", i == 0 ? "" : " ", d->keys[i]);
	s = db_sql(l->db,
	    "INSERT INTO downgrade(partner, before, after, begin, end, reason,"
	    " ticket, author, sudo_user, cause, fault, keys, domains)"
	    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	db_text(s, d->partner);
	db_text(s, level_name(d->before));
	db_text(s, level_name(d->after));
	db_int(s, d->begin);
	db_int(s, d->end);
	db_text(s, d->reason);
	db_text(s, d->ticket);
	db_text(s, d->author);
	db_text(s, d->sudo_user);
	db_text(s, ledger_cause_name(d->cause));
	db_text(s, d->fault);
	db_text(s, keys.data);
	db_text_max(s, domains, LEDGER_DOMAINS_MAX);
	rv = db_run(s, e);
	buf_free(&keys);
	free(domains);
	if (rv == -1)
		return -1;
	*id = db_rowid(l->db);
	if (ledger_edit_record_removed(l, *id, now, e) == -1)
		return -1;
	note = mem_printf("lowered from %s to %s until %s: %s",
	    level_name(d->before), level_name(d->after),
	    num_time_text(d->end, when), d->reason);
	rv = record(l, *id, "downgrade-begin", d->author, note, now, e);
	free(note);
	return rv;
}

int
ledger_downgrade_begin(struct ledger *l, const struct ledger_downgrade *d,
    time_t now, int64_t *id, struct err *e)
{
	int64_t *ended;
	size_t n;
	int rv;

	if (need_fields(d, now, e) == -1 || db_begin(l->db, true, e) == -1)
		return -1;
	if ((rv = settle(l, d->partner, now, &ended, &n, e)) == 0 &&
	    (rv = ledger_edit_record_partner(l, d->partner, now, e)) == 0 &&
	    (rv = refuse_if_open(l, d->partner, d->replaces, e)) == 0 &&
	    (rv = give_way(l, d, now, e)) == 0)
		rv = insert(l, d, now, id, e);
	free(ended);
	return db_end(l->db, rv, e);
}

/*
 * Is there a row of that number, and does it still go on? 0, LEDGER_REFUSED,
 * or -1; within a transaction.
 */
static int
need_open(struct ledger *l, int64_t id, time_t now, struct err *e)
{
	struct held r = {0};
	struct db_stmt *s;
	time_t ended;
	char when[NUM_TIME_MAX];
	int rv;

	s = db_sql(l->db, SELECT "WHERE id = ?");
	db_int(s, id);
	rv = find_row(s, &r, e);
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
	arena_free(&r.arena);
	(void)db_done(s, 0);
	return rv;
}

static int
set_end(struct ledger *l, int64_t id, time_t end, const char *author,
    const char *reason, time_t now, struct err *e)
{
	struct db_stmt *s;
	char *note, when[NUM_TIME_MAX];
	int rv;

	s = db_sql(l->db,
	    "UPDATE downgrade SET end = ?, extended_by = ? WHERE id = ?");
	db_int(s, end);
	db_text(s, author);
	db_int(s, id);
	if (db_run(s, e) == -1)
		return -1;
	note = mem_printf("ends %s%s%s", num_time_text(end, when),
	    reason == NULL || *reason == '\0' ? "" : ": ",
	    reason == NULL ? "" : reason);
	rv = record(l, id, "downgrade-extend", author, note, now, e);
	free(note);
	return rv;
}

int
ledger_downgrade_extend(struct ledger *l, int64_t id, time_t end,
    const char *author, const char *reason, time_t now, struct err *e)
{
	int rv;

	if (author == NULL || *author == '\0')
		return err_set(e, EX_DATAERR,
		    "ledger: a change of a downgrade needs an author");
	if (ledger_need_time("end", end, e) == -1)
		return -1;
	if (end <= now)
		return err_set(e, EX_DATAERR,
		    "ledger: the end of a downgrade must lie ahead");
	if (db_begin(l->db, true, e) == -1)
		return -1;
	if ((rv = ledger_edit_record(l, id, now, e)) == 0 &&
	    (rv = need_open(l, id, now, e)) == 0)
		rv = set_end(l, id, end, author, reason, now, e);
	return db_end(l->db, rv, e);
}

int
ledger_downgrade_close(struct ledger *l, int64_t id, const char *author,
    const char *why, time_t now, struct err *e)
{
	int rv;

	if (author == NULL || *author == '\0')
		return err_set(e, EX_DATAERR,
		    "ledger: a change of a downgrade needs an author");
	if (ledger_need_time("time", now, e) == -1 ||
	    db_begin(l->db, true, e) == -1)
		return -1;
	if ((rv = ledger_edit_record(l, id, now, e)) == 0 &&
	    (rv = need_open(l, id, now, e)) == 0 &&
	    (rv = set_closed(l, id, now, author, why, e)) == 0)
		rv = record(l, id, "downgrade-close", author, why, now, e);
	return db_end(l->db, rv, e);
}

static int
tell(struct ledger *l, const int64_t *id, size_t n, ledger_downgrade_fn *fn,
    void *arg, struct err *e)
{
	struct db_stmt *s;
	bool more = true;
	size_t i;
	int rv = 0;

	for (i = 0; more && rv != -1 && i < n; i++) {
		struct held r = {0};

		s = db_sql(l->db, SELECT "WHERE id = ?");
		db_int(s, id[i]);
		if ((rv = find_row(s, &r, e)) == 1)
			more = fn(&r.d, arg);
		arena_free(&r.arena);
		(void)db_done(s, 0);
	}
	return rv == -1 ? -1 : 0;
}

int
ledger_downgrade_settle(struct ledger *l, time_t now, ledger_downgrade_fn *fn,
    void *arg, struct err *e)
{
	struct db_stmt *s;
	int64_t *id;
	size_t n;
	int rv;

	/* Most of the time there is none, and nobody need be locked out. */
	s = db_sql(l->db, "SELECT 1 FROM downgrade d WHERE closed = 0"
			  " AND " LEDGER_DOWNGRADE_OVER " LIMIT 1");
	db_int(s, now);
	rv = db_step(s, e);
	(void)db_done(s, 0);
	if (rv == 0)
		rv = ledger_edit_any_open(l, e);
	if (rv != 1)
		return rv;
	if (db_begin(l->db, true, e) == -1)
		return -1;
	if ((rv = settle(l, NULL, now, &id, &n, e)) == 0)
		rv = ledger_edit_record_open(l, now, e);
	rv = db_end(l->db, rv, e);
	if (rv == 0 && fn != NULL)
		rv = tell(l, id, n, fn, arg, e);
	free(id);
	return rv;
}

/* The rows of s, and give it back. */
static int
each_row(struct db_stmt *s, ledger_downgrade_fn *fn, void *arg, struct err *e)
{
	bool more = true;
	int rv;

	do {
		struct held r = {0};

		if ((rv = find_row(s, &r, e)) == 1)
			more = fn(&r.d, arg);
		arena_free(&r.arena);
	} while (rv == 1 && more);
	return db_done(s, rv);
}

int
ledger_downgrades(struct ledger *l, const char *partner, time_t at,
    ledger_downgrade_fn *fn, void *arg, struct err *e)
{
	struct db_stmt *s;

	s = db_sql(l->db,
	    SELECT "WHERE (?1 IS NULL OR partner = ?1) AND (?2 = 0 OR"
		   " (begin <= ?2 AND end > ?2 AND"
		   " (closed = 0 OR closed > ?2))) ORDER BY id DESC");
	db_text_or_null(s, partner);
	db_int(s, at);
	return each_row(s, fn, arg, e);
}

int
ledger_downgrades_open(struct ledger *l, const char *partner,
    ledger_downgrade_fn *fn, void *arg, struct err *e)
{
	struct db_stmt *s;

	s = db_sql(l->db,
	    SELECT "WHERE closed = 0"
		   " AND (?1 IS NULL OR partner = ?1) ORDER BY id");
	db_text_or_null(s, partner);
	return each_row(s, fn, arg, e);
}
