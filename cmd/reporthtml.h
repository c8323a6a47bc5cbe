/*
 * reporthtml.h: a report (report.h) as a page of its own: HTML in which all is
 * that it shows, and which asks nobody for anything.
 */
#ifndef REPORTHTML_H
#define REPORTHTML_H

struct reportformat;

extern const struct reportformat reporthtml;

#endif
