/*
 * reading.h: a report while it is read: what the parts of this room share.
 */
#ifndef READING_H
#define READING_H

#include "ledger_downgrade.h"
#include "report.h"

struct err;
struct evidence;

struct reading {
	struct report *r;
	const struct report_ask *ask;
	struct evidence *evidence; /* NULL: there is none */
	struct ledger *ledger;	   /* the same */
	uint32_t last_day;	   /* that was asked for */
};

/* A copy of the text that lives as long as the report. */
const char *reading_keep(struct reading *g, const char *s);
const char *reading_printf(struct reading *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The day of a time, YYYY-MM-DD; kept. */
const char *reading_day(struct reading *g, time_t t);

/* The partner of that name, NULL if there is none, or it was not asked for. */
struct report_partner *reading_partner(struct reading *g, const char *name);

/* When it ended, or will. */
time_t report_over(const struct ledger_downgrade *d);

#endif
