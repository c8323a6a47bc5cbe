/*
 * ctlexplainmx.h: of tlspactctl explain, what DNS names by now: in words and as
 * JSON.
 */
#ifndef CTLEXPLAINMX_H
#define CTLEXPLAINMX_H

#include "json.h"

struct buf;
struct ctlexplain;

/* EXPLAIN_NEW_MX: why it waits, or is not known. */
void ctlexplainmx_print(const struct ctlexplain *x, struct buf *out);

/* The gateways that DNS names for the next-hop, or null. */
json_t *ctlexplainmx_json(const struct ctlexplain *x);

#endif
