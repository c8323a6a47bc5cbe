/*
 * daily.h: what of a report wants somebody today; nothing if all is well. What
 * nobody looked at is not well.
 */
#ifndef DAILY_H
#define DAILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report;

enum daily_line {
	DAILY_REMOVED, /* from the registry: partners */
	DAILY_LOWERED,
	DAILY_FAILED, /* or not known */
	DAILY_ENDS,
	DAILY_WAITS,
	DAILY_LINES
};

struct daily_list {
	char **v; /* phrases, the worst first; owned */
	size_t n, cap;
	uint64_t of; /* how many they tell of */
};

struct daily {
	struct daily_list line[DAILY_LINES];
	char *next; /* the command to go on with; NULL: all is well */
};

/* Pure. The caller releases *d. */
void daily_of(struct daily *d, const struct report *r);
void daily_release(struct daily *d);

#endif
