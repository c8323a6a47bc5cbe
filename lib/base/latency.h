/*
 * latency.h: how long things took, in buckets, as Prometheus counts them.
 */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdint.h>

struct buf;

#define LATENCY_BUCKETS 13 /* the last one has no upper end */

struct latency {
	uint64_t count[LATENCY_BUCKETS]; /* not cumulative */
	uint64_t n;
	uint64_t sum; /* nanoseconds */
};

/* n things took that long together, and so each of them as seen outside. */
void latency_add(struct latency *l, uint64_t nanoseconds, uint64_t n);

/*
 * Append the _bucket, _sum and _count lines of the histogram `name`; labels
 * is `a="b"` or "".
 */
void latency_print(const struct latency *l, const char *name,
    const char *labels, struct buf *out);

#endif
