/*
 * reporttext.h: a report (report.h) for people, in 80 columns.
 */
#ifndef REPORTTEXT_H
#define REPORTTEXT_H

struct reportformat;

extern const struct reportformat reporttext;

/* The same in a few lines: the answers, and how much needs attention. */
extern const struct reportformat reporttext_brief;

#endif
