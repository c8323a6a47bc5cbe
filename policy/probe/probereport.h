/*
 * probereport.h: results of probes as text. Pure: rows in, text out.
 *
 * All text from strangers was made fit to be shown before it came here; what
 * an output needs beyond that (labels, JSON) is done here.
 */
#ifndef PROBEREPORT_H
#define PROBEREPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "probeplan.h"
#include "proberun.h"

struct buf;
struct json_t;

struct probereport {
	struct proberow *const *row;
	size_t n;
	const struct probeplan *plan;
	/* As the evidence remembers them: see proberecord_seen(). */
	const struct evidence_probe *seen;
	size_t nseen;
	time_t now;
	unsigned warn_days;
	bool colour;
	bool verbose;
};

/* What the rows say as a whole. */
struct probereport_sum {
	size_t gateways; /* rows */
	size_t failed;
	size_t warned;	/* passed, with something to look at */
	size_t unknown; /* of failed: the fault is ours */
	size_t partners, partners_failed;
	bool days_known;
	long min_days; /* the shortest life left */
};
void probereport_sum(const struct probereport *r, struct probereport_sum *out);

/* The table for people, and below it what is wrong in sentences. */
void probereport_table(const struct probereport *r, struct buf *out);

/* A JSON document, tlspact.probe.v1. */
void probereport_json(
    const struct probereport *r, int exit_code, struct buf *out);

/*
 * For each partner: could it be enforced today, and a text for the people
 * who run its gateways. Rows were judged as enforced. from is the name that
 * we greet with.
 */
void probereport_enforce(
    const struct probereport *r, const char *from, struct buf *out);

/* How a row is called: the partner, or the stranger's next-hop. */
static inline const char *
probereport_name(const struct proberow *row)
{
	return row->target->partner == NULL ? row->target->nexthop
					    : row->target->name;
}

/* The gateway, or the next-hop if there is none. */
static inline const char *
probereport_gateway(const struct proberow *row)
{
	return row->seen.host[0] != '\0' ? row->seen.host
					 : row->target->nexthop;
}

/* One certificate that was judged, and all that was said of it. */
struct probereport_rules {
	const char *partner;
	const char *what; /* a file, or a gateway and its address */
	const char *nexthop, *gateway; /* that the rules stood for, or NULL */
	enum fault fault;
	const char *detail;	     /* of a fault before the certificate */
	const struct certverdict *v; /* NULL: there was no certificate */
	bool alone;	    /* a file was judged: nothing offered TLS */
	bool opportunistic; /* the partner's mode: rules not in force */
};

/* A table of the rules, and the verdict in words. */
void probereport_rules(
    const struct probereport_rules *r, bool colour, struct buf *out);

/* The same as an object for JSON; the caller owns it. */
struct json_t *probereport_rules_json(const struct probereport_rules *r);

#endif
