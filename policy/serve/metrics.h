/*
 * metrics.h: all counters of tlspactd in Prometheus's text format.
 */
#ifndef METRICS_H
#define METRICS_H

#include <time.h>

struct buf;
struct conn_protocol;
struct conns;
struct freshmap;
struct service;

struct metrics_of {
	const struct service *service;
	const struct conn_protocol *socketmap, *policy; /* NULL: not served */
	const struct conns *conns;
	const struct freshmap *map;
};

/* Append them. */
void metrics_print(const struct metrics_of *f, time_t now, struct buf *out);

#endif
