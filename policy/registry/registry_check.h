/*
 * registry_check.h: from what was said to what holds (for registry.c only).
 */
#ifndef REGISTRY_CHECK_H
#define REGISTRY_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct diags;
struct registry;

/*
 * Fill in providers and defaults and find what is wrong with the whole:
 * unknown providers, rules that lack what they need, CA files that cannot
 * be read (if files), weaker sub-domains, missing contacts, overdue reviews.
 */
void registry_check(
    struct registry *r, time_t now, bool files, struct diags *d);

#endif
