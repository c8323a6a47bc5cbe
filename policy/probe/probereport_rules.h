/*
 * probereport_rules.h: one certificate and every rule, as text. Pure.
 */
#ifndef PROBEREPORT_RULES_H
#define PROBEREPORT_RULES_H

#include <stdbool.h>

#include "fault.h"

struct buf;
struct certverdict;
struct json_t;

/* What was judged. */
struct probereport_rules {
	const char *partner;
	const char *what; /* a file, or a gateway and its address */
	const char *nexthop, *gateway; /* that the rules stood for, or NULL */
	enum fault fault;
	const char *detail;	     /* of a fault before the certificate */
	const struct certverdict *v; /* NULL: there was no certificate */
	bool opportunistic; /* the partner's mode: rules not in force */
};

/* A table of the rules, and the verdict in words. */
void probereport_rules(
    const struct probereport_rules *r, bool colour, struct buf *out);

/* The same as an object for JSON; the caller owns it. */
struct json_t *probereport_rules_json(const struct probereport_rules *r);

#endif
