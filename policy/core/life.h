/*
 * life.h: when the end of a certificate is near, for all who speak of it.
 *
 * Near is a matter of its life: who renews each 45 days does so in the last
 * 15, and who has one for six days in the last two. So nobody is warned before
 * no more than a quarter of it is left. Pure.
 */
#ifndef LIFE_H
#define LIFE_H

#include <stdbool.h>
#include <time.h>

#define LIFE_WARN_DAYS 14 /* look-ahead, unless asked otherwise */

/*
 * Whole days from now to `ends`; behind it those that it is over, negative: -2
 * after two days and some hours, and -1 also in the first hours.
 */
long life_days(time_t ends, time_t now);

/*
 * Is less left of the life from `begins` to `ends` than so many days, and than
 * a quarter of it, or is it over? begins 0: not known, or the end stops no
 * mail; never.
 */
bool life_ends_soon(time_t begins, time_t ends, time_t now, unsigned days);

/* Percent of that life that is left, 0 to 100; -1: not known. */
int life_share(time_t begins, time_t ends, time_t now);

/*
 * Of 30, 14, 7 and 1 days the least within which it ends, if it does so soon;
 * else 0, also if it has ended (which is a fault).
 */
unsigned life_step(time_t begins, time_t ends, time_t now);

#endif
