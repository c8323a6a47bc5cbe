/*
 * drop_decide.h: what is to be done about a partner that fails: lower it, hold
 * it, ask for probes, or leave it. For drop.c.
 */
#ifndef DROP_DECIDE_H
#define DROP_DECIDE_H

#include "drop_state.h"

/* Decide about p by its failures, its last report, and others. */
void drop_decide(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a);

/* Tell that mail waits, once; v is NULL if no probe says why. */
struct drop_verdict;
void drop_decide_hold(struct drop_state *p, enum drop_why why,
    const struct drop_verdict *v, time_t now, struct drop_actions *a);

#endif
