/*
 * reporttable.h: a report (report.h) as tables for other programs: the same
 * ones in CSV and in JSON.
 */
#ifndef REPORTTABLE_H
#define REPORTTABLE_H

struct buf;
struct report;

/*
 * RFC 4180, of one width: the first field says of which table a line is, whose
 * names come before. What a spreadsheet would compute begins with "'".
 */
void reporttable_csv(const struct report *r, struct buf *out);

/* tlspact.report.v1: a member for each table, an object for each line. */
void reporttable_json(const struct report *r, struct buf *out);

#endif
