/*
 * evidence_names.h: what was seen of partners that have another name now.
 *
 * The ledger says so (ledger_rename.h), and who opens the evidence to write
 * follows it. What the record tells of by the day (day.h) stays as it was
 * written: who reads it is given today's names. For this room alone.
 */
#ifndef EVIDENCE_NAMES_H
#define EVIDENCE_NAMES_H

struct db;
struct err;
struct ledger;

/* The step of the schema: renames, and what gateways were once called. */
extern const char evidence_names_step[];

/*
 * A table of the log with today's names: columns before and behind `partner`,
 * the last of them sums and the like. A name may be given to another partner
 * later, so that the time of a rename counts.
 */
#define EVIDENCE_NAME(time)                                               \
	"coalesce((SELECT name FROM former WHERE was = partner AND time " \
	">= " time " ORDER BY time LIMIT 1), partner) AS partner"
#define EVIDENCE_NAME_OF_DAY \
	EVIDENCE_NAME("CAST(strftime('%s', t.day) AS INTEGER)")

/* What gateway g was called at its look p. */
#define EVIDENCE_NAME_WRITTEN                                          \
	"coalesce((SELECT f.partner FROM gateway_former f"             \
	" WHERE f.gateway = g.id AND f.time >= p.time ORDER BY f.time" \
	" LIMIT 1), g.partner)"

/*
 * Follow the renames that are news. Gateways go on under their new name, as one
 * with those that were looked at under it already. 0 or -1.
 */
int evidence_names_follow(struct db *db, struct ledger *l, struct err *e);

/* Is anybody called otherwise than once? 1, 0, or -1. */
int evidence_names_any(struct db *db, struct err *e);

#endif
