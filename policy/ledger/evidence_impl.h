/*
 * evidence_impl.h: what the evidence*.c files share. Not for anybody else.
 */
#ifndef EVIDENCE_IMPL_H
#define EVIDENCE_IMPL_H

#include "db.h"
#include "evidence.h"
#include "ledger_need.h"

struct evidence {
	struct db *db;
};

extern const struct db_schema evidence_schema;

/* Who may write evidence, for messages. */
#define EVIDENCE_WRITERS \
	"tlspact-probe, tlspact-log or tlspactd, run by its owner or root"

/*
 * The evidence of before it had a file of its own: evidence_take.c. Make sure
 * that there is none in the ledger at that path. 0, also if there is no such
 * ledger, or -1 with *e set.
 */
int evidence_not_in(const char *ledger, struct err *e);

/* Take it from there, once. */
int evidence_take(struct db *db, const char *ledger, struct err *e);

/* 0: not taken; EVIDENCE_COPIED: to be dropped there; EVIDENCE_TAKEN. */
#define EVIDENCE_COPIED 1
#define EVIDENCE_TAKEN 2
int evidence_state(struct db *db, int64_t *taken, struct err *e);

/* Drop the tables of it from a ledger in which they are empty. */
int evidence_drop_empty(struct db *ledger, struct err *e);

#endif
