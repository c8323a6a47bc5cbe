/*
 * ctltop.h: tlspactctl top: what needs attention, again and again.
 */
#ifndef CTLTOP_H
#define CTLTOP_H

#define CTLTOP_SECONDS_MAX 3600

/*
 * The verb, of struct ctlrun: on a terminal a screen that is drawn anew every
 * r->seconds (0: the usual), until a key or a signal ends it, 0; elsewhere one
 * that is printed once, and the exit code of check.
 */
int ctltop(void *run);

#endif
