/*
 * ctlfailed.h: mail that failed after the last look at the gateway, by the log:
 * what that says of the look. Pure.
 */
#ifndef CTLFAILED_H
#define CTLFAILED_H

struct ctl_facts;
struct evidence_failure;

/*
 * Hold a failure of the partner of f against the looks at its gateways. Where
 * TLS was at fault at one of them, later than it was looked at, that is its
 * fault now; any other fault, or one under a rule that was changed since, is
 * a reason not to believe the look: step.failed; and so is such a fault at a
 * gateway of the next-hop that was not there when it was looked at. What the
 * look saw as well is none. Oldest first. Texts go into the arena of `first`.
 */
void ctlfailed_take(struct ctl_facts *f, const struct evidence_failure *x,
    struct ctl_facts *first);

#endif
