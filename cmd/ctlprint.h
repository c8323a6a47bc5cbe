/*
 * ctlprint.h: facts about partners (ctlfacts.h) as words and as JSON.
 */
#ifndef CTLPRINT_H
#define CTLPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "json.h"

#define CTL_SCHEMA "tlspact.ctl.v1"

struct buf;
struct ctl_facts;

/* The screen of one partner, as of now. */
void ctlprint_one(const struct ctl_facts *f, time_t now, struct buf *out);

/* The table of n partners, `whole` or of the odd ones; how many it shows. */
size_t ctlprint_table(const struct ctl_facts *f, size_t n, bool whole,
    time_t now, struct buf *out);

/* The object of one partner; the caller owns it. */
json_t *ctlprint_json(const struct ctl_facts *f, time_t now);

/* When a downgrade ends: to the second, if that is near. Returns buf. */
char *ctlprint_end(time_t end, time_t now, char *buf);

#endif
