/*
 * reportsay.h: what follows from all that was read.
 */
#ifndef REPORTSAY_H
#define REPORTSAY_H

struct reading;

void reading_conclude(struct reading *g);

#endif
