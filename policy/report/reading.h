/*
 * reading.h: a report while it is read: what the parts of this room share.
 */
#ifndef READING_H
#define READING_H

#include "ledger_downgrade.h"
#include "num.h"
#include "report.h"

struct err;
struct evidence;

struct reading {
	struct report *r;
	const struct report_ask *ask;
	struct evidence *evidence; /* NULL: there is none */
	struct ledger *ledger;	   /* the same */
	uint32_t last_day;	   /* that was asked for */
	size_t last_partner;	   /* the same */
	struct names failures;	   /* what tells them apart */
};

/* The only partner that was asked for, or NULL. */
static inline const char *
reading_one(const struct reading *g)
{
	return g->ask->npartners == 1 ? g->ask->partner[0] : NULL;
}

/* A copy of the text that lives as long as the report. */
const char *reading_keep(struct reading *g, const char *s);
const char *reading_printf(struct reading *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A number in a sentence, as was asked. Use as reading_count(g, n).s. */
struct num_count reading_count(const struct reading *g, uint64_t n);

/* The partner of that name; NULL if there is none, or it was not asked for. */
struct report_partner *reading_partner(struct reading *g, const char *name);

/* The same, made if it is new. */
struct report_partner *reading_add(struct reading *g, const char *name);

/* When it ended, or will. */
time_t report_over(const struct ledger_downgrade *d);

/* reportgateway.c: gateways, their chains, and what changed there. */
int reading_gateways(struct reading *g, struct err *e);

/* reportrecord.c: what was decided, told and read; is the record whole? */
int reading_downgrades(struct reading *g, struct err *e);
int reading_legs(struct reading *g, struct err *e);
int reading_hours(struct reading *g, struct err *e);
int reading_record(struct reading *g, struct err *e);

/* reportsay.c: what follows from all of it. */
void reading_conclude(struct reading *g);

#endif
