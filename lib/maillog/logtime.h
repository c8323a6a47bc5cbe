/*
 * logtime.h: the time of a log line, by the caller's clock.
 *
 * A stamp without a year means the latest year that does not put the line
 * more than a day after `now`: logs grow at the end, over New Year too. A
 * stamp without a zone is local time (TZ).
 */
#ifndef LOGTIME_H
#define LOGTIME_H

#include <time.h>

struct logprefix;

struct logtime {
	time_t now;
	/* The minute that was converted last, as written, and its time. */
	char minute[24];
	size_t n;
	time_t base;
};

/* The clock moved: years are inferred against now from here on. */
void logtime_set(struct logtime *t, time_t now);

/* 0, or -1 if the stamp is no time (Feb 30, hour 25, none at all). */
int logtime_read(struct logtime *t, const struct logprefix *p, time_t *out);

#endif
