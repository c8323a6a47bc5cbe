/*
 * timeslip.h: times that people type and that are none as they stand: what is
 * wrong with them, and what to type instead.
 */
#ifndef TIMESLIP_H
#define TIMESLIP_H

#include <stdbool.h>

#include "clock.h"

/*
 * "4h" of "4 hours" and "4hours", and of "4" if `next`, the word behind it,
 * is "hours"; NULL: it is none of these. In buf.
 */
const char *timeslip_span(const char *s, const char *next, char buf[CLOCK_MAX]);

/* The word of clock_days() that is near, "last-month" of "last month"; NULL. */
const char *timeslip_day(const char *s);

/* Use as timeslip_past(s, more).s. */
struct timeslip {
	char s[256];
};

/*
 * What is said behind s where a day of the past is asked for, and minutes are
 * none: "is no time; did you mean yesterday?". `more` is what else is taken
 * there, such as ", 17:30", or "".
 */
struct timeslip timeslip_past(const char *s, const char *more);

/*
 * The same where a span of days is asked for, such as `30d, 4w or 12h`, or of
 * hours: then minutes are well.
 */
struct timeslip timeslip_ahead(const char *s, const char *such, bool minutes);

#endif
