/*
 * drop_decide.h: what is to be done about a partner that fails.
 */
#ifndef DROP_DECIDE_H
#define DROP_DECIDE_H

#include "drop_state.h"

/* Add an action, about p if that is not NULL. */
struct drop_action *drop_action_add(
    struct drop_actions *a, enum drop_what what, const struct drop_state *p);

/* Lower p, hold it, ask for probes, or leave it. */
void drop_decide(
    struct drop *d, struct drop_state *p, time_t now, struct drop_actions *a);

/* Is it failing, or lowered by us? */
bool drop_decide_failing(const struct drop_state *p);

/* End the common fault if few enough fail. */
void drop_decide_common_over(
    struct drop *d, time_t now, struct drop_actions *a);

/* Tell that mail waits, once; v is NULL if no probe says why. */
void drop_decide_hold(struct drop_state *p, enum drop_why why,
    const struct drop_verdict *v, time_t now, struct drop_actions *a);

void drop_decide_restore(struct drop_state *p, enum drop_why why, time_t now,
    struct drop_actions *a);

/* Ask for a probe of p, with the next-hops that fail. */
void drop_decide_probe(
    struct drop_state *p, bool control, time_t now, struct drop_actions *a);

#endif
