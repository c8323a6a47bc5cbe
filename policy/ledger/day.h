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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct err;
struct evidence;
struct ledger;
struct settings;

#define DAY_EVENT "day"
#define DAY_CHANGED "day-changed"

/*
 * Append what is over by now and not told yet, a month back at most, and what
 * has changed in the week before. The first one that is told has something.
 * Evidence from before `pruned` may have been removed by evidence_prune().
 * Cheap if there is nothing to do. v may be NULL: there is none. 0 or -1.
 */
int day_close(struct ledger *l, struct evidence *v, time_t pruned, time_t now,
    struct err *e);

/*
 * The same with the evidence of the settings, if any day is due. What cannot
 * be read now is told the next time.
 */
int day_run(
    struct ledger *l, const struct settings *set, time_t now, struct err *e);

/* Before that time evidence may be gone, as the settings say; 0: never. */
time_t day_pruned(const struct settings *set, time_t now);

/*
 * Hold the evidence against the events. Of days that began before `pruned`
 * only the counts are compared; *npruned says how many they are.
 * fn is told of each flaw, *flaws is their number. 0 or -1.
 */
typedef bool day_flaw_fn(int64_t event, const char *text, void *arg);
int day_check(struct ledger *l, struct evidence *v, time_t pruned,
    day_flaw_fn *fn, void *arg, size_t *flaws, size_t *npruned, struct err *e);

#endif
