/*
 * mapback.h: who comes back into the registry, and was lowered when he left.
 *
 * A downgrade ends with what it lowers (mapholds.h), and nobody agreed to it
 * anew: who comes back stands at full strength, though his gateways may be as
 * they were.
 */
#ifndef MAPBACK_H
#define MAPBACK_H

#include <stddef.h>
#include <time.h>

struct buf;
struct err;
struct ledger;
struct registry;

/*
 * Append "acme (to encrypt until 17:30), bolt (...) and 2 more": of the
 * partners that r has and before has not, those with a downgrade that would
 * still hold at now. *n is how many they are. 0, or -1 with *e set.
 */
int mapback_print(struct ledger *l, const struct registry *r,
    const struct registry *before, time_t now, size_t *n, struct buf *out,
    struct err *e);

#endif
