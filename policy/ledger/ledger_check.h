/*
 * ledger_check.h: is the record whole? What is common to all functions stands
 * in ledger.h.
 */
#ifndef LEDGER_CHECK_H
#define LEDGER_CHECK_H

#include <jansson.h>

#include "ledger.h"

struct db_stmt;

/* What is wrong with the record, one call of fn for each thing found. */
struct ledger_flaw {
	int64_t event;	   /* seq, 0 if it is not about one */
	int64_t downgrade; /* id, 0 the same */
	const char *text;  /* a sentence */
};
#define LEDGER_FLAW_MAX 1024 /* bytes of it, NUL included */
typedef bool ledger_flaw_fn(const struct ledger_flaw *f, void *arg);

/*
 * Walk the chain, hold every downgrade against its events and those against
 * one another, and look for triggers and the like. known (may be
 * NULL) is a head written down earlier: the only thing that finds a chain
 * forged anew from some row on. *head (may be NULL) gets the present one,
 * *flaws the number found; 0 is returned whatever that is.
 */
int ledger_check(struct ledger *l, const struct ledger_head *known,
    ledger_flaw_fn *fn, void *arg, struct ledger_head *head, size_t *flaws,
    struct err *e);

/* --- For ledger_downgrade.c -------------------------------------------- */

/* All columns of a row, in the order of an event about it. */
#define LEDGER_DOWNGRADE_COLUMNS "id, " LEDGER_DOWNGRADE_VALUES
#define LEDGER_DOWNGRADE_VALUES                                          \
	"partner, before, after, begin, end, reason, ticket, author,"    \
	" sudo_user, cause, fault, keys, closed, closed_by, closed_why," \
	" extended_by, domains"
#define LEDGER_COLUMN_PARTNER 1

/* The row at s, a query of these, as an event records it; a new reference. */
json_t *ledger_row_json(struct db_stmt *s);

/*
 * Is the row at s, which is open, as the last event about it says, and its end
 * no more than max seconds from its begin, or from when it was extended? 1; 0,
 * and why says what is wrong; or -1.
 */
#define LEDGER_WHY 1024
int ledger_row_believed(struct ledger *l, struct db_stmt *s, uint64_t max,
    char why[LEDGER_WHY], struct err *e);

/*
 * Within a transaction, before a downgrade is changed: if its row is not as
 * its last event says, or it has none, append an event LEDGER_EDITED that
 * says so; with now 0 only find out. 1 if it is so, 0, or -1. The same with
 * all numbers that s selects, which is given back.
 */
int ledger_edit_record(struct ledger *l, int64_t id, time_t now, struct err *e);
int ledger_edits_record(
    struct ledger *l, struct db_stmt *s, time_t now, struct err *e);

/* And for a number that is new, and that events tell of already: 0 or -1. */
int ledger_edit_removed(
    struct ledger *l, int64_t id, time_t now, struct err *e);

#endif
