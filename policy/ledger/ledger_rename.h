/*
 * ledger_rename.h: partners that have another name than they once had.
 *
 * What is on record goes by a partner's name, and an event keeps the one that
 * it was written with. An event LEDGER_RENAMED says what that name is from then
 * on; its data is {"from": ..., "to": ...}, its partner the new name. What is
 * common to all functions stands in ledger.h.
 */
#ifndef LEDGER_RENAME_H
#define LEDGER_RENAME_H

#include "arena.h"
#include "ledger.h"

#define LEDGER_RENAMED "partner-renamed"

/* All renames, oldest first. */
struct ledger_names {
	struct ledger_renamed {
		int64_t seq; /* of the event */
		time_t time;
		const char *from, *to;
	} * v;
	size_t n;
	struct arena arena;
};

/* 0, or -1 with *e set and nothing to release. */
int ledger_names_read(
    struct ledger *l, struct ledger_names *out, struct err *e);
void ledger_names_release(struct ledger_names *n);

/*
 * What the partner is called now that had this name in event seq, or, where
 * that is 0, at that time: renames after it count. Borrowed from either.
 */
const char *ledger_name_now(
    const struct ledger_names *n, const char *name, int64_t seq, time_t at);

/*
 * Is it still to be recorded that partner `from` has another name? No rename of
 * it is newer than all else that is on record of that name. 1, 0, or -1.
 */
int ledger_rename_due(struct ledger *l, const char *from, struct err *e);

/*
 * If that is due: partner `from` is `to` from now on. Its open downgrade goes
 * on under that name, to the same end (ledger_downgrade_move()), and so do its
 * notices. 1 if it was due, 0, or -1.
 */
int ledger_rename(struct ledger *l, const char *from, const char *to,
    const char *author, time_t now, struct err *e);

#endif
