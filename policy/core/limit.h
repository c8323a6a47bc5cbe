/*
 * limit.h: the setting max_weakened, a number or a percentage.
 */
#ifndef LIMIT_H
#define LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct limit {
	uint64_t n;
	bool percent; /* n is 0 to 100 */
};

/* "N" or "N%": 0, or -1 if it is neither. */
int limit_parse(const char *s, struct limit *out);

/* For the settings: NULL if s is good, else what is wrong with it. */
const char *limit_check(const char *s);

#endif
