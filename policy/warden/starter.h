/*
 * starter.h: starts probes for a warden that may not.
 *
 * What a probe shows is recorded by an account of its own, which only root can
 * become; the warden reads the evidence and writes the record, and is not
 * root. So it leaves behind a process that stays root, if it was, and does one
 * thing: it runs tlspact-probe for a partner by its name, or for all of them,
 * with the options that the warden was given.
 */
#ifndef STARTER_H
#define STARTER_H

#include <stddef.h>

struct err;
struct event_base;
struct starter;

#define STARTER_ALL "--all"

/*
 * argv: program and options, to which a partner is added, ended by NULL;
 * borrowed. seconds: patience with one partner. NULL with *e set.
 */
struct starter *starter_start(
    const char *const *argv, int seconds, struct err *e);

/*
 * over: a probe of `what` has ended; e is NULL if it ended with 0, else its
 * code and reason. what is NULL if the starter itself is gone.
 */
typedef void starter_fn(const char *what, const struct err *e, void *arg);

/* Tell fn from the loop of base. */
void starter_listen(
    struct starter *s, struct event_base *base, starter_fn *fn, void *arg);

/* Have a partner, or STARTER_ALL, looked at; it may take a while. */
void starter_ask(struct starter *s, const char *what);

/* NULL is allowed. */
void starter_end(struct starter *s);

#endif
