/*
 * clock.h: clocks, and times and durations as people say them, in local time.
 * What files and tables hold is num_time() and num_duration(), in UTC.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_DAY 86400 /* seconds */

/*
 * The time of day that never goes back: from clock_start() on it is the wall
 * clock, but at least what that was then plus the time that has passed since,
 * sleep included. So what ends at a time does not last longer when the clock
 * is set back. A clock set forward is believed, and no longer than it stays
 * so.
 */
struct clock {
	int64_t offset; /* nanoseconds from the time since boot */
};

void clock_start(struct clock *c);

time_t clock_now(const struct clock *c);

/* Nanoseconds of a clock that never jumps, for measuring (CLOCK_MONOTONIC). */
uint64_t clock_ns(void);

#define CLOCK_MAX 64 /* bytes of any text made here, NUL included */

/* "17:30", or "2026-11-24 17:30" if that is not the day of now. Returns buf. */
char *clock_text(time_t t, time_t now, char buf[CLOCK_MAX]);

/* The same with seconds, for ends that are near: "17:30:05". Returns buf. */
char *clock_text_seconds(time_t t, time_t now, char buf[CLOCK_MAX]);

/* "2 h 12 min", "3 d 4 h", "5 s": the two largest units. Returns buf. */
char *clock_span(time_t seconds, char buf[CLOCK_MAX]);

/*
 * A time that people type: `HH:MM` (the next one after now) or
 * `YYYY-MM-DD HH:MM` in local time, or what num_time() takes. 0, or -1.
 */
int clock_parse(const char *s, time_t now, time_t *out);

/*
 * Days that people type: YYYY, YYYY-MM, YYYY-MM-DD, `today`, `yesterday`,
 * `this-month`, `last-month`, `this-year` or `last-year`, in local time or in
 * UTC; which month or year that is, is said by local time. *begin is the first
 * second of them, *end the first one after. 0, or -1: it is none of these.
 */
int clock_days(
    const char *s, time_t now, bool local, time_t *begin, time_t *end);

/* Of these words that with the index; NULL: there are no more. */
const char *clock_day_word(size_t i);

/*
 * A span as options have it (`30d`, `4h`, `2w`: num_duration() with a unit),
 * as the time that is so long before now. 0, or -1: it is none.
 */
int clock_ago(const char *s, time_t now, time_t *out);

#endif
