/*
 * reportpart.h: the partners of a report, in its HTML page.
 */
#ifndef REPORTPART_H
#define REPORTPART_H

struct buf;
struct report;

/* Each is a slot of the template. */
void reportpart_table(struct buf *out, const struct report *r);
void reportpart_each(struct buf *out, const struct report *r);

#endif
