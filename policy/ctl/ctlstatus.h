/*
 * ctlstatus.h: facts about partners as words and as JSON. Pure.
 */
#ifndef CTLSTATUS_H
#define CTLSTATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

struct buf;
struct ctl_facts;

/* The screen of one partner, as of now. */
void ctlstatus_print(const struct ctl_facts *f, time_t now, struct buf *out);

/* A line of the table of all; and its head. */
void ctlstatus_head(struct buf *out);
void ctlstatus_line(const struct ctl_facts *f, time_t now, struct buf *out);

/* Is there anything to tell of it: lowered, failing, or not in force? */
bool ctlstatus_odd(const struct ctl_facts *f);

/* Is it lowered, by the map, or, where that tells nothing, by the ledger? */
bool ctlstatus_lowered(const struct ctl_facts *f);

/*
 * Is it lowered and should not be: its time is up, or the registry does not
 * know it?
 */
bool ctlstatus_wrong(const struct ctl_facts *f, time_t now);

/* The object of one partner; the caller owns it. */
json_t *ctlstatus_json(const struct ctl_facts *f, time_t now);

#endif
