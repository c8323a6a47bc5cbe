/*
 * failing.h: next-hops that no mail can reach over TLS as agreed, now.
 */
#ifndef FAILING_H
#define FAILING_H

#include <stddef.h>
#include <time.h>

#include "strmap.h"

struct failing_hop {
	char *name; /* a row's key: a domain, .domain, [host]:port */
	char *fault;
	time_t since;
};

struct failing {
	struct failing_hop *v;
	size_t n, cap;
	struct strmap map;
};

/* Start an empty list. */
void failing_init(struct failing *f);

/* Add a next-hop, once. */
void failing_add(
    struct failing *f, const char *name, const char *fault, time_t since);

/* The next-hop of that name, or NULL. */
const struct failing_hop *failing_find(
    const struct failing *f, const char *name, size_t len);

void failing_release(struct failing *f);

#endif
