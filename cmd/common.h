/*
 * common.h: what several of our programs do on their way.
 */
#ifndef COMMON_H
#define COMMON_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

struct err;
struct probeplan;
struct prober_settings;
struct smtpclients;
struct registry;
struct settings;

/* Say it, and return its exit code. */
int common_failed(const struct err *e);

/*
 * Load the registry for use. 0, or the exit code, all being said; then *r is
 * NULL. If it has errors, nothing was `done` ("looked at"; NULL: that is not
 * said). The caller frees it.
 */
int common_registry(
    const char *path, time_t now, const char *done, struct registry **r);

/*
 * What settings and main.cf say of how the gateways of the plan are looked at,
 * into *p and the plan, which borrow *clients; the caller releases that. What
 * a prober does otherwise than Postfix is said.
 */
void common_prober(const struct settings *s, struct smtpclients *clients,
    struct probeplan *plan, struct prober_settings *p);

/*
 * Ask on `to`, unless yes is true already. 0; 1 if the answer is no; 64 if
 * there is nobody at the terminal to ask. Both are said.
 */
int common_confirm(FILE *to, bool yes, const char *question);

#endif
