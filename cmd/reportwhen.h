/*
 * reportwhen.h: what happened when, in the HTML page of a report.
 */
#ifndef REPORTWHEN_H
#define REPORTWHEN_H

struct buf;
struct report;

/* Each is a slot of the template. */
void reportwhen_timekey(struct buf *out, const struct report *r);
void reportwhen_timeline(struct buf *out, const struct report *r);
void reportwhen_downgrades(struct buf *out, const struct report *r);
void reportwhen_failures(struct buf *out, const struct report *r);
void reportwhen_expiry(struct buf *out, const struct report *r);
void reportwhen_changes(struct buf *out, const struct report *r);

#endif
