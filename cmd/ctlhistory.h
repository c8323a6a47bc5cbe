/*
 * ctlhistory.h: tlspactctl history, which reads the record.
 */
#ifndef CTLHISTORY_H
#define CTLHISTORY_H

/* What is no kind of its own, but all that made a partner weaker. */
#define CTLHISTORY_WEAKER "weaker"

/* Print, or check, what is on record; run: a struct ctlrun. The exit code. */
int ctlhistory(void *run);

#endif
