/*
 * reportgateway.h: gateways, their chains, and what changed there.
 */
#ifndef REPORTGATEWAY_H
#define REPORTGATEWAY_H

struct err;
struct ledger_event;
struct reading;

/* 0, or -1 with *e set. */
int reading_gateways(struct reading *g, struct err *e);

/*
 * Hold an event of the record against the gateways that were read: where a map
 * changed the rule since, what the look saw is judged by that of now, and open
 * if that cannot be told.
 */
void reading_ruled(struct reading *g, const struct ledger_event *ev);

#endif
