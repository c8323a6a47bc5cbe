/*
 * Is the record whole? Three things are held against each other: the chain
 * of events with itself, its end with the head row (and with a head that
 * was written down elsewhere), and each downgrade with its last event.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "ledger_impl.h"
#include "mem.h"
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
	char text[1024];
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
	struct ledger_field field[5];
	char want[LEDGER_HASH];
	size_t i;

	for (i = 0; i < 5; i++)
		field[i].p = db_col_bytes(s, (int)i + 3, &field[i].len);
	ledger_event_hash(
	    prev, seq, db_col_int(s, 1), db_col_int(s, 2), field, i, want);
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
	db_done(s);
	return rv == -1 ? -1 : 0;
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

/* A value for a sentence; the caller frees it. */
static char *
shown(const json_t *v)
{
	if (json_is_string(v))
		return mem_dup(
		    quote(json_string_value(v), json_string_length(v)).s);
	if (json_is_null(v))
		return mem_dup("not set");
	return json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
}

/* A downgrade as it is against the last event about it. */
static void
compare(struct check *c, int64_t id, json_t *row, const char *data, int64_t seq)
{
	json_t *want = json_loads(data, JSON_REJECT_DUPLICATES, NULL);
	const char *name;
	json_t *v, *is;
	char *a, *b;

	if (!json_is_object(want)) {
		flaw(c, seq, id,
		    "event %lld does not say what downgrade %lld is",
		    (long long)seq, (long long)id);
		json_decref(want);
		return;
	}
	/* Columns that came later are not in older events. */
	json_object_foreach(want, name, v)
	{
		is = json_object_get(row, name);
		if (is != NULL && json_equal(is, v))
			continue;
		a = is == NULL ? mem_dup("gone") : shown(is);
		b = shown(v);
		flaw(c, seq, id,
		    "downgrade %lld was edited: %s is %s, and event %lld says "
		    "%s",
		    (long long)id, name, a, (long long)seq, b);
		free(a);
		free(b);
	}
	json_decref(want);
}

static int
check_rows(struct check *c, struct err *e)
{
	struct db_stmt *s, *ev;
	json_t *row;
	int64_t id;
	int rv;

	s = db_sql(c->l->db,
	    "SELECT " LEDGER_DOWNGRADE_COLUMNS " FROM downgrade ORDER BY id");
	while (!c->stopped && (rv = db_step(s, e)) == 1) {
		id = db_col_int(s, 0);
		row = ledger_downgrade_json(s);
		ev = db_sql(c->l->db,
		    "SELECT data, seq FROM event WHERE downgrade = ?"
		    " AND downgrade > 0 ORDER BY seq DESC LIMIT 1");
		db_int(ev, id);
		if ((rv = db_step(ev, e)) == 1)
			compare(
			    c, id, row, db_col_text(ev, 0), db_col_int(ev, 1));
		else if (rv == 0)
			flaw(c, 0, id,
			    "downgrade %lld of %s has no event: it was added "
			    "by hand, or its events were removed",
			    (long long)id, quotes(db_col_text(s, 1)).s);
		db_done(ev);
		json_decref(row);
		if (rv == -1)
			break;
	}
	db_done(s);
	return rv == -1 ? -1 : 0;
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
	db_done(s);
	return rv == -1 ? -1 : 0;
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
	rv = walk(&c, e);
	if (rv == 0)
		rv = check_head(&c, &present, e);
	if (rv == 0)
		rv = check_rows(&c, e);
	if (rv == 0)
		rv = check_removed(&c, e);
	rv = db_end(l->db, rv, e);
	if (head != NULL)
		*head = present;
	*flaws = c.flaws;
	return rv;
}
