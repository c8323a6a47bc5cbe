/*
 * steady.h: the time of day that never goes back.
 *
 * From steady_start() on, it is the wall clock, but at least what the wall
 * clock was then plus the time that has passed since, sleep included. So
 * what ends at a time does not last longer when the clock is set back. A
 * clock set forward is believed, and no longer than it stays so.
 */
#ifndef STEADY_H
#define STEADY_H

#include <stdint.h>
#include <time.h>

struct steady {
	int64_t offset; /* nanoseconds from the time since boot */
};

void steady_start(struct steady *s);

time_t steady_now(const struct steady *s);

#endif
