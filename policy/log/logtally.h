/*
 * logtally.h: deliveries summed up, and written to the evidence.
 *
 * Sums are kept in memory and written together with how far the log was
 * read, in one transaction: whatever happens, nothing is counted twice or
 * left out. Failures are written one by one, as is mail that waits, and for
 * which it is known from one run to the next since when.
 */
#ifndef LOGTALLY_H
#define LOGTALLY_H

#include <stdint.h>

#include "logjoin.h"

struct err;
struct evidence;
struct evidence_position;
struct logrecord;
struct logtally;

/* Sums, failures between two writes; then it is time to write. */
#define LOGTALLY_SUMS_MAX 32768
#define LOGTALLY_FAILURES_MAX 4096
#define LOGTALLY_HOURS_MAX 1024
/*
 * Strangers counted under their own domain, a day and direction; the rest is
 * "other". Sender domains can be invented, so this must be bounded.
 */
#define LOGTALLY_STRANGERS_MAX 1000

/*
 * The evidence knows the strangers of earlier runs. r writes (both are
 * borrowed), and the evidence need only be read; NULL: it is written itself.
 */
struct logtally *logtally_new(struct evidence *v, struct logrecord *r);

/* Add one, whose partner has that name (NULL: a stranger). */
int logtally_add(struct logtally *t, const struct attempt *a,
    const char *partner, const char *domain, struct err *e);

/* A line of Postfix, by that host: the log covers that hour. */
void logtally_hour(struct logtally *t, time_t when, struct span host);

/* True if logtally_write should be called before more is added. */
bool logtally_full(const struct logtally *t);

/*
 * Write all sums and failures, and the position (may be NULL), if there is
 * anything. 0, or -1 with *e set; the sums are then still there.
 */
int logtally_write(struct logtally *t, const struct evidence_position *position,
    struct err *e);

/* Forget all that is not written: somebody else counted it. */
void logtally_drop(struct logtally *t);

/* NULL is allowed. */
void logtally_free(struct logtally *t);

#endif
