/*
 * ledger_row.h: a downgrade's row, to be held against the events about it,
 * which carry the whole row as it was left. For this room alone.
 */
#ifndef LEDGER_ROW_H
#define LEDGER_ROW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct db_stmt;

/* All columns of a row, in the order of an event about it. */
#define LEDGER_DOWNGRADE_COLUMNS "id, " LEDGER_DOWNGRADE_VALUES
#define LEDGER_DOWNGRADE_VALUES                                          \
	"partner, before, after, begin, end, reason, ticket, author,"    \
	" sudo_user, cause, fault, keys, closed, closed_by, closed_why," \
	" extended_by, direction, domains"

/* The row at s, a query of these, as an event records it; a new reference. */
json_t *ledger_row_json(struct db_stmt *s);

/* The row that an event tells of, from its data; NULL if there is none. */
json_t *ledger_row_said(const char *data);

/* Is that column of the row other than was said? */
bool ledger_row_differs(
    const json_t *row, const json_t *said, const char *name);

/*
 * How, for people: event seq is the one that said it. *was and *is get the two
 * values, for a sentence. The caller frees all three.
 */
char *ledger_row_edit(const json_t *row, const json_t *said, const char *name,
    int64_t seq, char **was, char **is);

#endif
