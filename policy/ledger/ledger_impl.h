/*
 * ledger_impl.h: what the ledger_*.c files share. Not for anybody else.
 */
#ifndef LEDGER_IMPL_H
#define LEDGER_IMPL_H

#include <jansson.h>

#include "db.h"
#include "ledger.h"

/*
 * All columns of a downgrade's row, in the order that ledger_downgrade_json()
 * reads from a statement.
 */
#define LEDGER_DOWNGRADE_COLUMNS                                          \
	"id, partner, before, after, begin, end, reason, ticket, author," \
	" sudo_user, cause, fault, keys, closed, closed_by, closed_why,"  \
	" extended_by, domains"

/*
 * Of a row of downgrade named d that is not closed: has its time come by ?1,
 * or had it come when an event was written after the last one about it? The
 * latter tells of a clock that was set back since. What others bring with
 * them (a time in a mail log) says nothing of our clock.
 */
#define LEDGER_DOWNGRADE_OVER                                             \
	"(d.end <= ?1 OR EXISTS (SELECT 1 FROM event WHERE time >= d.end" \
	" AND seq > (SELECT max(seq) FROM event WHERE downgrade = d.id)))"

/*
 * The row at s, a query of LEDGER_DOWNGRADE_COLUMNS; lists in a's memory. -1
 * if somebody put words there that are none.
 */
int ledger_downgrade_get(struct db_stmt *s, struct arena *a,
    struct ledger_downgrade *d, struct err *e);

/* The row as an event records it, a new reference. */
json_t *ledger_downgrade_json(struct db_stmt *s);

/* --- Edits by hand: ledger_edit.c ------------------------------------- */

/* The last event about a downgrade: its data and number. */
struct db_stmt *ledger_event_last(struct ledger *l, int64_t id);

/* What an event says of a downgrade, a new reference; NULL if nothing. */
json_t *ledger_event_row(const char *data);

/* Is that field of row another one than was said? */
bool ledger_row_differs(
    const json_t *row, const json_t *said, const char *name);

/* `FIELD is "x", and event 7 says "y"`; the caller frees it. */
char *ledger_edit_text(
    const json_t *row, const json_t *said, const char *name, int64_t seq);

/*
 * Within a transaction, before a downgrade is changed: if its row is not as
 * its last event says, or it has none, append an event LEDGER_EDITED that
 * says so. Of one, of all of a partner, of all that are open.
 */
int ledger_edit_record(struct ledger *l, int64_t id, time_t now, struct err *e);
int ledger_edit_record_partner(
    struct ledger *l, const char *partner, time_t now, struct err *e);
int ledger_edit_record_open(struct ledger *l, time_t now, struct err *e);

/* Would the last of these three find anything? 1, 0 or -1. */
int ledger_edit_any_open(struct ledger *l, struct err *e);

/* Is there an event LEDGER_EDITED about it? 1, 0 or -1. */
int ledger_edit_was_found(struct ledger *l, int64_t id, struct err *e);

/* The same for a number that is new, and that events tell of already. */
int ledger_edit_record_removed(
    struct ledger *l, int64_t id, time_t now, struct err *e);

#endif
