#include "life.h"

#include <stddef.h>

#include "clock.h"

long
life_days(time_t ends, time_t now)
{
	long long s = (long long)ends - (long long)now;

	return (long)(s >= 0 || s <= -CLOCK_DAY ? s / CLOCK_DAY : -1);
}

bool
life_ends_soon(time_t begins, time_t ends, time_t now, unsigned days)
{
	time_t left = ends - now;

	return begins != 0 && left < (time_t)days * CLOCK_DAY &&
	       left < (ends - begins) / 4;
}

int
life_share(time_t begins, time_t ends, time_t now)
{
	if (begins == 0 || begins >= ends)
		return -1;
	return ends <= now     ? 0
	       : now <= begins ? 100
			       : (int)((ends - now) * 100 / (ends - begins));
}

unsigned
life_step(time_t begins, time_t ends, time_t now)
{
	static const unsigned steps[] = {1, 7, 14, 30};
	size_t i;

	for (i = 0; ends > now && i < sizeof(steps) / sizeof(steps[0]); i++)
		if (life_ends_soon(begins, ends, now, steps[i]))
			return steps[i];
	return 0;
}
