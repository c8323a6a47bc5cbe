/*
 * Events: a chain of rows. Each row holds the hash of the one before, and
 * its own hash covers that and all its fields, so an edit shows at the row
 * and a removal at the next one. The row `head` tells where the chain ends.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "digest.h"
#include "err.h"
#include "ledger_impl.h"
#include "quote.h"

/* A downgrade's row with all its domains, as JSON: also of an edited one. */
#define EVENT_DATA_MAX (2 * LEDGER_DOMAINS_MAX)
#define OWN_KINDS "downgrade-" /* of the changes themselves */

/*
 * SHA-256 over netstrings (LENGTH:BYTES,) of prev, seq, time, downgrade and
 * the fields: no two different rows have the same encoding.
 */
void
ledger_event_hash(const char *prev, int64_t seq, int64_t when,
    int64_t downgrade, const struct ledger_field *field, size_t n,
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
	for (i = 0; i < n; i++) {
		len = snprintf(head, sizeof(head), "%zu:", field[i].len);
		digest_add(g, head, (size_t)len);
		digest_add(g, field[i].p, field[i].len);
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

static const char *
text_or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

int
ledger_event_append(struct ledger *l, const struct ledger_event *ev,
    int64_t downgrade, struct err *e)
{
	const char *text[] = {ev->kind, text_or_empty(ev->partner),
	    text_or_empty(ev->author), text_or_empty(ev->text),
	    text_or_empty(ev->data)};
	struct ledger_field field[sizeof(text) / sizeof(text[0])];
	char hash[LEDGER_HASH];
	struct ledger_head head;
	struct db_stmt *s;
	size_t i;

	if (ledger_head(l, &head, e) == -1)
		return -1;
	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		field[i] = (struct ledger_field){text[i], strlen(text[i])};
	head.count++;
	ledger_event_hash(
	    head.hash, head.count, ev->time, downgrade, field, i, hash);
	s = db_sql(l->db,
	    "INSERT INTO event(kind, partner, author, text, data, seq, time,"
	    " downgrade, prev, hash) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		db_text_max(s, text[i],
		    text[i] == ev->data ? EVENT_DATA_MAX : DB_TEXT_MAX);
	db_int(s, head.count);
	db_int(s, ev->time);
	db_int(s, downgrade);
	db_text(s, head.hash);
	db_text(s, hash);
	if (db_run(s, e) == -1)
		return -1;
	s = db_sql(l->db, "UPDATE head SET count = ?, hash = ? WHERE id = 1");
	db_int(s, head.count);
	db_text(s, hash);
	return db_run(s, e);
}

int
ledger_event_add(struct ledger *l, const struct ledger_event *ev, struct err *e)
{
	json_error_t bad;
	json_t *data;

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
		if (!json_is_object(data)) {
			json_decref(data);
			return err_set(e, EX_DATAERR,
			    "ledger: data of event %s is no JSON object",
			    quotes(ev->kind).s);
		}
		json_decref(data);
	}
	if (db_begin(l->db, true, e) == -1)
		return -1;
	return db_end(l->db, ledger_event_append(l, ev, 0, e), e);
}

#define EVENT_SELECT                                                 \
	"SELECT seq, time, kind, partner, author, text, data, hash"  \
	" FROM event WHERE (?2 IS NULL OR kind = ?2) AND time >= ?3" \
	" AND seq > ?4 AND "

/* Bind ?1 to ?5 as the four statements below have them. */
static struct db_stmt *
event_query(struct ledger *l, const struct ledger_event_query *q)
{
	struct db_stmt *s;

	if (q->partner == NULL && q->newest_first)
		s = db_sql(l->db,
		    EVENT_SELECT "?1 IS NULL ORDER BY seq DESC LIMIT ?5");
	else if (q->partner == NULL)
		s = db_sql(
		    l->db, EVENT_SELECT "?1 IS NULL ORDER BY seq LIMIT ?5");
	else if (q->newest_first)
		s = db_sql(l->db,
		    EVENT_SELECT "partner = ?1 ORDER BY seq DESC LIMIT ?5");
	else
		s = db_sql(
		    l->db, EVENT_SELECT "partner = ?1 ORDER BY seq LIMIT ?5");
	db_text_or_null(s, q->partner);
	db_text_or_null(s, q->kind);
	db_int(s, q->since);
	db_int(s, q->after);
	db_int(s, q->limit == 0 ? -1 : (int64_t)q->limit);
	return s;
}

int
ledger_events(struct ledger *l, const struct ledger_event_query *q,
    ledger_event_fn *fn, void *arg, struct err *e)
{
	struct ledger_event ev;
	struct db_stmt *s = event_query(l, q);
	int rv;

	while ((rv = db_step(s, e)) == 1) {
		ev = (struct ledger_event){
		    .seq = db_col_int(s, 0),
		    .time = db_col_int(s, 1),
		    .kind = db_col_text(s, 2),
		    .partner = db_col_text(s, 3),
		    .author = db_col_text(s, 4),
		    .text = db_col_text(s, 5),
		    .data = db_col_text(s, 6),
		    .hash = db_col_text(s, 7),
		};
		if (!fn(&ev, arg))
			break;
	}
	return db_done(s, rv);
}
