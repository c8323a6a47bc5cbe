/*
 * reportfacts.h: which of the facts that auditors ask for are shown.
 */
#ifndef REPORTFACTS_H
#define REPORTFACTS_H

struct reading;

/* When all else is there. */
void reading_facts(struct reading *g);

#endif
