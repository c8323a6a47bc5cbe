/*
 * Held against each other: a downgrade's row with the events about it; the
 * chain of events with itself, its end with the head row (and with a head that
 * was written down elsewhere), and the objects in the file with the schema.
 */
#include "ledger_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "err.h"
#include "ledger_downgrade.h"
#include "ledger_row.h"
#include "quote.h"

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
	struct ledger_field text[LEDGER_EVENT_TEXTS];
	char want[LEDGER_HASH];
	size_t i;

	for (i = 0; i < LEDGER_EVENT_TEXTS; i++)
		text[i].p = db_col_bytes(s, (int)i + 3, &text[i].len);
	ledger_event_hash(
	    prev, seq, db_col_int(s, 1), db_col_int(s, 2), text, want);
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
	char *text;

	json_object_foreach((json_t *)(uintptr_t)row, name, v)
	{
		if (!ledger_row_differs(row, said, name) ||
		    may_change(kind, name))
			continue;
		text = ledger_row_edit(row, said, name, seq);
		if (later == 0)
			flaw(c, seq, id, "downgrade %lld was edited: %s",
			    (long long)id, text);
		else
			flaw(c, later, id,
			    "downgrade %lld was edited before event %lld: %s",
			    (long long)id, (long long)later, text);
		free(text);
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
	int rv;

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
