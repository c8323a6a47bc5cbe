/*
 * registry_check.h: what is wrong with a registry as a whole.
 */
#ifndef REGISTRY_CHECK_H
#define REGISTRY_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct diags;
struct registry;

/*
 * Complain to d about rules that lack what they need, CA files that cannot be
 * read (if files), weaker sub-domains, missing contacts, and reviews that are
 * overdue at now. r is complete: registry_load() calls this at its end.
 */
void registry_check(
    const struct registry *r, time_t now, bool files, struct diags *d);

#endif
