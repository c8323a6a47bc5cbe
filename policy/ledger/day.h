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

#include "ledger_check.h"

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

/*
 * Hold the evidence against the events. Of days that are older than `keep`, or
 * were for an event, only the counts are compared; *npruned says how many they
 * are. fn is told of each flaw, their number is added to *flaws. 0 or -1.
 */
int day_check(struct ledger *l, const struct settings *set, time_t now,
    ledger_flaw_fn *fn, void *arg, size_t *flaws, size_t *npruned,
    struct err *e);

#endif
