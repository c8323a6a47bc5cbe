/*
 * override.h: a downgrade as the map is compiled with it.
 */
#ifndef OVERRIDE_H
#define OVERRIDE_H

#include <stddef.h>
#include <time.h>

#include "level.h"

struct strs;

struct override {
	const char *partner;
	enum level level;
	time_t begin;
	time_t end;		/* from this second on it does not hold */
	const struct strs *key; /* for LEVEL_KEY: the last key that passed */
};

struct overrides {
	const struct override *v;
	size_t n;
};

#endif
