/*
 * reporttable.h: a report (report.h) as tables for other programs: the same
 * ones in CSV and in JSON.
 */
#ifndef REPORTTABLE_H
#define REPORTTABLE_H

struct reportformat;

#define REPORTTABLE_SCHEMA "tlspact.report.v1"
#define REPORTTABLE_BRIEF_SCHEMA "tlspact.report.brief.v1"

/*
 * RFC 4180, of one width: the first field says of which table a line is, whose
 * names come before. What a spreadsheet would compute begins with "'".
 */
extern const struct reportformat reporttable_csv;

/* Of that schema: a member for each table, an object for each line. */
extern const struct reportformat reporttable_json;

/* The brief text's facts, of the other schema. */
extern const struct reportformat reporttable_brief;

#endif
