/*
 * probemetrics.h: results of probes for monitoring. Pure: rows in, text out.
 */
#ifndef PROBEMETRICS_H
#define PROBEMETRICS_H

struct buf;
struct probereport;

/* One line for a monitoring plugin; returns its exit code, 0 to 3. */
int probemetrics_nagios(const struct probereport *r, struct buf *out);

/* The text format of Prometheus. */
void probemetrics_prometheus(const struct probereport *r, struct buf *out);

#endif
