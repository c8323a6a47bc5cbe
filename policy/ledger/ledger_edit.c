/*
 * Edits by hand: a downgrade's row is held against the last event about it,
 * which carries the whole row as it was left. Every change does so before it
 * writes: the row that goes into its own event would else be the edited one,
 * and nothing would tell any more that it was.
 */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "ledger_impl.h"
#include "mem.h"
#include "quote.h"

#define TEXT_SHOWN 1000 /* bytes of the list of edits for people */
#define OPEN_ROWS "SELECT id FROM downgrade WHERE closed = 0 ORDER BY id"

/* A value for a sentence; the caller frees it. */
static char *
shown(const json_t *v)
{
	if (json_is_string(v))
		return mem_dup(
		    quote(json_string_value(v), json_string_length(v)).s);
	if (v == NULL || json_is_null(v))
		return mem_dup("not set");
	return json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
}

json_t *
ledger_event_row(const char *data)
{
	json_t *o =
	    json_loads(data, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}

bool
ledger_row_differs(const json_t *row, const json_t *said, const char *name)
{
	const json_t *was = json_object_get(said, name);
	const json_t *is = json_object_get(row, name);

	/* Columns that came later are not in older events: they are empty. */
	if (was == NULL)
		return !json_is_null(is) && json_string_length(is) > 0;
	return !json_equal(is, was);
}

char *
ledger_edit_text(
    const json_t *row, const json_t *said, const char *name, int64_t seq)
{
	char *is = shown(json_object_get(row, name));
	char *was = shown(json_object_get(said, name)), *text;

	text = mem_printf(
	    "%s is %s, and event %lld says %s", name, is, (long long)seq, was);
	free(is);
	free(was);
	return text;
}

/* {"after": ["encrypt", "opportunistic"], ...}: said, is; shortened. */
static void
add_edit(json_t *edited, const char *name, const json_t *said, const json_t *is)
{
	char *a = shown(said), *b = shown(is);

	if (json_object_set_new(edited, name, json_pack("[s, s]", a, b)) == -1)
		abort();
	free(a);
	free(b);
}

/* A row, and what its last event says; both NULL where there is none. */
struct found {
	json_t *row, *said;
	int64_t seq;
};

static int
find(struct ledger *l, int64_t id, struct found *f, struct err *e)
{
	struct db_stmt *s, *ev;
	int rv;

	*f = (struct found){0};
	s = db_sql(l->db,
	    "SELECT " LEDGER_DOWNGRADE_COLUMNS " FROM downgrade WHERE id = ?");
	db_int(s, id);
	if ((rv = db_step(s, e)) == 1) {
		f->row = ledger_downgrade_json(s);
		ev = ledger_event_last(l, id);
		if ((rv = db_step(ev, e)) == 1) {
			f->seq = db_col_int(ev, 1);
			f->said = ledger_event_row(db_col_text(ev, 0));
		}
		(void)db_done(ev, 0);
	}
	return db_done(s, rv);
}

static void
found_free(struct found *f)
{
	json_decref(f->row);
	json_decref(f->said);
}

static bool
is_edited(const struct found *f)
{
	const char *name;
	json_t *v;

	if (f->row == NULL)
		return false;
	if (f->said == NULL)
		return true;
	json_object_foreach(f->row, name, v)
	{
		if (ledger_row_differs(f->row, f->said, name))
			return true;
	}
	return false;
}

/* "downgrade 1 was edited by hand: ...", and each field of it to edited. */
static void
describe(const struct found *f, int64_t id, json_t *edited, struct buf *text)
{
	const char *name;
	size_t n = 0;
	json_t *v;
	char *one;

	buf_printf(text, "downgrade %lld was %s", (long long)id,
	    f->said == NULL ? "added by hand: no event tells of it"
			    : "edited by hand");
	if (f->said == NULL)
		return;
	json_object_foreach(f->row, name, v)
	{
		if (!ledger_row_differs(f->row, f->said, name))
			continue;
		add_edit(edited, name, json_object_get(f->said, name), v);
		one = ledger_edit_text(f->row, f->said, name, f->seq);
		if (text->len + strlen(one) < TEXT_SHOWN)
			buf_printf(text, "%s%s", n == 0 ? ": " : "; ", one);
		n++;
		free(one);
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
	    json_object_set_new(f->row, "event", json_integer(f->seq)) == -1 ||
	    (data = json_dumps(f->row, JSON_COMPACT)) == NULL)
		abort();
	ev.data = data;
	rv = ledger_event_append(l, &ev, id, e);
	free(data);
	buf_free(&text);
	return rv;
}

int
ledger_edit_record(struct ledger *l, int64_t id, time_t now, struct err *e)
{
	struct found f;
	int rv = find(l, id, &f, e);

	if (rv == 0 && is_edited(&f))
		rv = append(l, id, &f, now, e);
	found_free(&f);
	return rv;
}

struct db_stmt *
ledger_event_last(struct ledger *l, int64_t id)
{
	struct db_stmt *s;

	s = db_sql(l->db, "SELECT data, seq FROM event WHERE downgrade = ?"
			  " AND downgrade > 0 ORDER BY seq DESC LIMIT 1");
	db_int(s, id);
	return s;
}

/* All numbers that s selects, and give it back. *ids is allocated. */
static int
numbers(struct db_stmt *s, int64_t **ids, size_t *n, struct err *e)
{
	size_t cap = 0;
	int rv;

	*ids = NULL;
	*n = 0;
	while ((rv = db_step(s, e)) == 1) {
		*ids = mem_grow(*ids, *n, &cap, sizeof(**ids));
		(*ids)[(*n)++] = db_col_int(s, 0);
	}
	(void)db_done(s, 0);
	return rv;
}

static int
record_each(struct ledger *l, struct db_stmt *s, time_t now, struct err *e)
{
	int64_t *ids;
	size_t n, i;
	int rv = numbers(s, &ids, &n, e);

	for (i = 0; rv == 0 && i < n; i++)
		rv = ledger_edit_record(l, ids[i], now, e);
	free(ids);
	return rv;
}

int
ledger_edit_record_partner(
    struct ledger *l, const char *partner, time_t now, struct err *e)
{
	struct db_stmt *s;

	s = db_sql(
	    l->db, "SELECT id FROM downgrade WHERE partner = ? ORDER BY id");
	db_text(s, partner);
	return record_each(l, s, now, e);
}

int
ledger_edit_record_open(struct ledger *l, time_t now, struct err *e)
{
	return record_each(l, db_sql(l->db, OPEN_ROWS), now, e);
}

int
ledger_edit_any_open(struct ledger *l, struct err *e)
{
	struct found f;
	int64_t *ids;
	size_t n, i;
	bool edited = false;
	int rv;

	rv = numbers(db_sql(l->db, OPEN_ROWS), &ids, &n, e);
	for (i = 0; rv == 0 && !edited && i < n; i++) {
		rv = find(l, ids[i], &f, e);
		edited = is_edited(&f);
		found_free(&f);
	}
	free(ids);
	return rv == -1 ? -1 : edited;
}

int
ledger_edit_was_found(struct ledger *l, int64_t id, struct err *e)
{
	struct db_stmt *s;
	int rv;

	s = db_sql(l->db,
	    "SELECT 1 FROM event WHERE downgrade = ? AND downgrade > 0"
	    " AND kind = '" LEDGER_EDITED "' LIMIT 1");
	db_int(s, id);
	rv = db_step(s, e);
	(void)db_done(s, 0);
	return rv;
}

/* What the event before says of a number that is given anew. */
int
ledger_edit_record_removed(
    struct ledger *l, int64_t id, time_t now, struct err *e)
{
	struct ledger_event ev = {
	    .time = now, .kind = LEDGER_EDITED, .author = "tlspact"};
	struct db_stmt *s = ledger_event_last(l, id);
	json_t *said;
	char *text;
	int rv;

	if ((rv = db_step(s, e)) == 1) {
		said = ledger_event_row(db_col_text(s, 0));
		text = mem_printf("downgrade %lld was removed by hand: event "
				  "%lld says what it was",
		    (long long)id, (long long)db_col_int(s, 1));
		ev.text = text;
		ev.partner =
		    json_string_value(json_object_get(said, "partner"));
		rv = ledger_event_append(l, &ev, id, e);
		free(text);
		json_decref(said);
	}
	(void)db_done(s, 0);
	return rv;
}
