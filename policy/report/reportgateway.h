/*
 * reportgateway.h: gateways, their chains, and what changed there.
 */
#ifndef REPORTGATEWAY_H
#define REPORTGATEWAY_H

struct err;
struct reading;

/* 0, or -1 with *e set. */
int reading_gateways(struct reading *g, struct err *e);

#endif
