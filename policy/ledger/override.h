/*
 * override.h: a downgrade as the map is compiled with it.
 */
#ifndef OVERRIDE_H
#define OVERRIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "level.h"

struct strs;

struct override {
	const char *partner;
	enum level level;
	time_t begin;
	time_t end;		/* from this second on it does not hold */
	const struct strs *key; /* for LEVEL_KEY: the last key that passed */
	/* What it was begun for, sorted by strcmp(3); NULL: all. */
	const struct strs *domains;
	int64_t id; /* in the ledger; 0: not known */
};

struct overrides {
	const struct override *v;
	size_t n;
};

/* Is the domain or next-hop, as the registry has it, among its domains? */
bool override_covers(const struct override *o, const char *name);

#endif
