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

/*
 * What came after the last look at a gateway: the verdict on it by the rule of
 * now, if it failed by that of then, and the newest mail that failed.
 */
struct reading_now {
	bool known, taken;
	enum fault fault;
	enum evidence_judged by;
	time_t failed; /* 0: none */
	enum fault failure;
};

struct reading {
	struct report *r;
	const struct report_ask *ask;
	struct evidence *evidence; /* NULL: there is none */
	struct ledger *ledger;	   /* the same */
	uint32_t last_day;	   /* that was asked for */
	size_t last_partner;	   /* the same */
	struct names failures;	   /* what tells them apart */
	struct reading_now *now;   /* of each gateway; NULL: there is none */
	size_t weakened; /* partners with a change of rules that weakens */
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

/* A time in a sentence, as was asked. */
const char *reading_time(struct reading *g, time_t t);

/* The same, which names its day in any case: for what is kept. */
const char *reading_date(struct reading *g, time_t t);

/* The partner of that name; NULL if there is none, or it was not asked for. */
struct report_partner *reading_partner(struct reading *g, const char *name);

/* Is more agreed than to try? */
static inline bool
reading_is_enforced(const struct report_partner *p)
{
	return p->full > LEVEL_OPPORTUNISTIC;
}

/* Mail in the clear of which nobody knows whether that was allowed then. */
static inline uint64_t
reading_clear_unknown(const struct report_partner *p, unsigned way)
{
	return p->way[way].mail.n[REPORT_RULE_UNKNOWN][EVIDENCE_CLEAR];
}

/* Whole days from then on that have no log; some nights have no line. */
uint64_t reading_days_unread(const struct report *r, time_t from);

/* No mail in either direction yet. */
void reading_ways(struct report_way way[REPORT_WAYS]);

/* The same as reading_partner(), made if it is new. */
struct report_partner *reading_add(struct reading *g, const char *name);

#endif
