/*
 * day.h: what was seen on a day, told by the record.
 *
 * Evidence (probes, failures, counts of the log) is no chain: a row can be
 * removed or edited, and nothing shows it. So each UTC day that is over
 * becomes an event "day" of the ledger, with numbers and digests of its rows.
 * What was read later of that day (a log that waited) makes another "day" for
 * it: nothing may get less. Anything else is a "day-changed", for ever.
 */
#ifndef DAY_H
#define DAY_H

#include <stddef.h>
#include <time.h>

#include "ledger.h"

struct settings;

#define DAY_EVENT "day"
#define DAY_CHANGED "day-changed"

/*
 * Append what is over by now and not told yet, a month back at most, and what
 * has changed in the week before, of the evidence of the settings. The first
 * one that is told has something. By `keep` of the settings some of it may
 * have been removed. Cheap if there is nothing to do; what cannot be read now
 * is told the next time. 0 or -1.
 */
int day_run(
    struct ledger *l, const struct settings *set, time_t now, struct err *e);

#define DAY_UNSEALED 256

struct day_seals {
	time_t from, to; /* asked: of these days, `to` not included; 0: all */
	size_t npruned;	 /* of all: older than `keep`, or were for an event */
	/*
	 * Days between the first and the last of which there is anything, and
	 * how many of them are sealed: an event tells all that there is. Not
	 * today, nor yesterday if it is the only one that is to be told yet.
	 */
	size_t days, sealed;
	/* Of the others: more came after the event; none told of it in time,
	 * or will; one is to come. */
	size_t late, missed, untold;
	/* What that says, if they are not all: "the evidence is as ..."; "" */
	char unsealed[DAY_UNSEALED];
};

/*
 * Hold the evidence against the events. Of days that were pruned only the
 * counts are compared; of those that no event tells, nothing, which is no flaw.
 * fn is told of each flaw, their number is added to *flaws. 0 or -1.
 */
int day_check(struct ledger *l, const struct settings *set, time_t now,
    ledger_flaw_fn *fn, void *arg, size_t *flaws, struct day_seals *s,
    struct err *e);

#endif
