/*
 * ctlstatus.h: tlspactctl status: how it stands with a partner, or with all.
 */
#ifndef CTLSTATUS_H
#define CTLSTATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "json.h"

struct buf;
struct ctl_facts;
struct mapgone;

/*
 * The screen of one partner, as of now; gone tells what it has less, operator_
 * is that of the settings.
 */
void ctlstatus_one(const struct ctl_facts *f, const struct mapgone *gone,
    const char *operator_, time_t now, struct buf *out);

/*
 * When our side failed to look, if that is why it is not known whether a mail
 * to it moves; else 0.
 */
time_t ctlstatus_ours(const struct ctl_facts *f, time_t now);

/* The table of n partners, `whole` or of the odd ones; how many it shows. */
size_t ctlstatus_table(const struct ctl_facts *f, size_t n, bool whole,
    time_t now, struct buf *out);

/* The object of one partner; the caller owns it. */
json_t *ctlstatus_json(const struct ctl_facts *f, time_t now);

#endif
