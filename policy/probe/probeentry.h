/*
 * probeentry.h: a statement for the registry, made of what the gateways of a
 * domain show. No network.
 *
 * What is seen may be an attacker's: the text says so. It is a statement that
 * the registry takes, and one at mode=enforced only if all gateways would pass
 * by it.
 */
#ifndef PROBEENTRY_H
#define PROBEENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct buf;
struct err;
struct json_t;
struct judge;
struct probeentry;
struct probeplan;
struct proberow;
struct proberun;
struct starttls_result;

/*
 * Make the plan look at the domain of what, a domain, a next-hop or a mail
 * address, as at a stranger's, with its TLSA records. *domain borrows from the
 * plan, which is empty before it. 0, or -1 with *e set (64).
 */
int probeentry_plan(
    struct probeplan *p, const char *what, const char **domain, struct err *e);

/*
 * An entry for the domain, under that name (NULL: the first label of the
 * domain, or all of it if that is taken). All is borrowed, and read now is what
 * the judge needs. NULL with *e set: 64 for a bad name, else the CA file.
 */
struct probeentry *probeentry_new(const struct probeplan *p, struct judge *j,
    const char *domain, const char *name, struct err *e);

/*
 * Take what a gateway shows; row lives as long as the entry, by whose statement
 * it passes in the end if it can. s may be NULL.
 */
void probeentry_add(struct probeentry *n, struct proberow *row,
    const struct starttls_result *s);

/*
 * The run is at its end: make the statement, *text for the registry, which is
 * the entry's, and as JSON, which the caller owns; json NULL: not asked for.
 * False: a gateway could not be looked at.
 */
bool probeentry_make(struct probeentry *n, const struct proberun *run,
    time_t now, const char **text, struct json_t **json);

/* NULL is allowed. */
void probeentry_free(struct probeentry *n);

#endif
