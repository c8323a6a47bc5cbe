/*
 * reporthtml.h: a report (report.h) as a page of its own: HTML in which all is
 * that it shows, and which asks nobody for anything.
 */
#ifndef REPORTHTML_H
#define REPORTHTML_H

struct buf;
struct registry;
struct report;

/* Append the page; the registry is that of the report, or NULL. */
void reporthtml_put(
    struct buf *out, const struct report *r, const struct registry *registry);

#endif
