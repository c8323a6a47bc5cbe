/*
 * ctlonboard.h: tlspactctl onboard, which changes nothing but the record.
 */
#ifndef CTLONBOARD_H
#define CTLONBOARD_H

#include <stdbool.h>

struct ctl;
struct partner;

/*
 * Measure the steps towards mode=enforced, record the result (unless dry), and
 * print it. 0 if none is open, 1, or why it cannot be recorded.
 */
int ctlonboard(
    const struct ctl *c, const struct partner *p, bool json, bool dry);

#endif
