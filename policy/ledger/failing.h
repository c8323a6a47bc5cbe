/*
 * failing.h: next-hops that no mail can reach over TLS as agreed, now.
 */
#ifndef FAILING_H
#define FAILING_H

#include <stddef.h>
#include <time.h>

#include "strmap.h"

struct buf;
struct err;

struct failing_hop {
	char *name; /* a row's key: a domain, .domain, [host]:port */
	char *fault;
	time_t since;
};

/* Zeroed it is empty. */
struct failing {
	struct failing_hop *v;
	size_t n, cap;
	struct strmap map;
};

/* The next-hop of that name, or NULL. */
const struct failing_hop *failing_find(
    const struct failing *f, const char *name, size_t len);

/*
 * Append what the evidence at path (or still in the ledger: evidence_open())
 * says of probes since `since`, as text for failing_take(). A next-hop fails
 * if a gateway has a fault that a downgrade would help with, and none lets mail
 * through, or does so by turns, step_hop(); of several faults that is told
 * which the smallest step mends. Gateways that cannot be reached, and such
 * as DNS no longer names, count neither way. No evidence: nothing fails. 0, or
 * -1 with *e set.
 */
int failing_print(const char *path, const char *ledger, time_t since,
    struct buf *out, struct err *e);

/* Have f be all of such text, each next-hop once. "" frees what it holds. */
void failing_take(struct failing *f, const char *text, size_t len);

#endif
