#include "steady.h"

#define SECOND INT64_C(1000000000)

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

void
steady_start(struct steady *s)
{
	s->offset = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_BOOTTIME);
}

time_t
steady_now(const struct steady *s)
{
	int64_t wall = read_clock(CLOCK_REALTIME);
	int64_t at_least = read_clock(CLOCK_BOOTTIME) + s->offset;

	return (wall > at_least ? wall : at_least) / SECOND;
}
