/*
 * prometheus.h: metrics in the text format of Prometheus.
 */
#ifndef PROMETHEUS_H
#define PROMETHEUS_H

struct buf;

/* Append the HELP and TYPE lines of a gauge. */
void prometheus_gauge(struct buf *out, const char *metric, const char *help);

/* Append `name="value"`, escaped; what is unsafe becomes \xHH before. */
void prometheus_label(struct buf *out, const char *name, const char *value);

#endif
