/*
 * probemetrics.h: results of probes for monitoring. Pure: rows in, text out.
 */
#ifndef PROBEMETRICS_H
#define PROBEMETRICS_H

struct probeform;

/* One line for a monitoring plugin; returns its exit code, 0 to 3. */
extern const struct probeform probemetrics_nagios;

/* The text format of Prometheus. */
extern const struct probeform probemetrics_prometheus;

#endif
