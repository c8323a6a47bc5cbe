/*
 * reportdata.h: the data of the script in the HTML page of a report.
 */
#ifndef REPORTDATA_H
#define REPORTDATA_H

struct buf;
struct report;

/* A slot of the template. */
void reportdata_put(struct buf *out, const struct report *r);

#endif
