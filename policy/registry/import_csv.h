/* import_csv.h: a table of partners, as a spreadsheet saves it (RFC 4180). */
#ifndef IMPORT_CSV_H
#define IMPORT_CSV_H

struct import_format;

/*
 * The first line names the columns: `partner` and attributes of a partner; it
 * also shows whether comma, semicolon or tab is between them.
 */
extern const struct import_format import_csv;

#endif
