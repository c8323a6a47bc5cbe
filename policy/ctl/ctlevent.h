/*
 * ctlevent.h: what an event of the record has to do with one partner. Pure.
 */
#ifndef CTLEVENT_H
#define CTLEVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "span.h"

struct buf;
struct ledger_event;

/*
 * Is that row of a map theirs? By its key, and by whose it is and was, as the
 * event has it; an empty text where it does not.
 */
struct ctlevent_row {
	struct span key, partner, partner_was;
};
typedef bool ctlevent_row_fn(const struct ctlevent_row *row, void *arg);

/*
 * Does the event of a map name a row that is theirs, changed by something else
 * than a downgrade or its end? Those have events of their own, which tell more.
 * An event names the first rows only, those that got weaker before others; of
 * the others is_theirs is asked by whose they were, without a key, if they lost
 * something.
 */
bool ctlevent_changes(
    const struct ledger_event *ev, ctlevent_row_fn *is_theirs, void *arg);

/*
 * Did the event, whose data is that, make a partner weaker: a downgrade that
 * began or got another end, or a map with a row of which less is demanded,
 * mapevent_weakens()? Of theirs alone, or of anybody's (NULL).
 */
bool ctlevent_weakens(const struct ledger_event *ev, const json_t *data,
    ctlevent_row_fn *is_theirs, void *arg);

/*
 * Of the event of a map: append what changed as its text has it, but with each
 * row that has a name, of theirs or of all (NULL): "registry: 1 weaker
 * (a.example secure -> encrypt)". False: there is none, and nothing is said.
 */
bool ctlevent_rows(
    const json_t *data, ctlevent_row_fn *is_theirs, void *arg, struct buf *out);

#endif
