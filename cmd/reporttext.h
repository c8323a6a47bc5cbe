/*
 * reporttext.h: a report (report.h) for people, in 80 columns.
 */
#ifndef REPORTTEXT_H
#define REPORTTEXT_H

struct buf;
struct report;

void reporttext_put(const struct report *r, struct buf *out);

#endif
