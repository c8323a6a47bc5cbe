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

/* No mail in either direction yet. */
void reading_ways(struct report_way way[REPORT_WAYS]);

/* The same as reading_partner(), made if it is new. */
struct report_partner *reading_add(struct reading *g, const char *name);

#endif
