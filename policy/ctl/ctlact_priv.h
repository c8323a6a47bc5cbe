/*
 * ctlact_priv.h: what the verbs that change something share.
 */
#ifndef CTLACT_PRIV_H
#define CTLACT_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "level.h"

struct ctl;
struct ctl_facts;
struct ctl_lower;

/*
 * Is a partner of that name, or with that domain, lowered in the map? Then
 * f->name and f->full are set.
 */
bool ctl_map_find(const struct ctl *c, const char *name, struct ctl_facts *f);

/*
 * The same for up to max partners that are lowered in the map and not in the
 * registry. With max 0: how many there are.
 */
size_t ctl_map_others(const struct ctl *c, struct ctl_facts *f, size_t max);

/* Has the map ended a downgrade that the ledger has not been told of? */
bool ctl_map_remembers(const struct ctl *c);

/* Where words for people go: with -j standard output is for the object. */
FILE *ctl_talk(const struct ctl *c);

/* The end asked for. 0, or an exit code, all being said. */
int ctl_end(const struct ctl *c, const struct ctl_lower *lower, time_t *end);

/*
 * Ask on the terminal. EX_OK, 1 if the answer is no, EX_USAGE if there is
 * nobody to ask.
 */
int ctl_confirm(const struct ctl *c, const char *question);

/* The author, and behind sudo(8) the user as well, as one text; freed. */
char *ctl_author(const struct ctl *c);

/* Write the map; `recorded` is what stands in the ledger already. */
int ctl_compile(struct ctl *c, const char *recorded, bool *written);

/* Write the map without any downgrade of f's partner. 0, or an exit code. */
int ctl_raise(struct ctl *c, const struct ctl_facts *f, bool *written);

/*
 * If the map has ended a downgrade that the ledger has not been told of, tell
 * it now: else that one stands in the way of another.
 */
void ctl_settle(struct ctl *c);

/* Have waiting mail retried; what cannot be done is a warning. */
size_t ctl_retry(struct ctl *c, struct ctl_facts *f, bool *known);

/* The closing words, or the object, of a deed. */
void ctl_done(const struct ctl *c, const struct ctl_facts *f, const char *verb,
    bool written, time_t end, const size_t *retried);

/* Warn of what lowering from one level to another may do. */
void ctl_warn(
    struct ctl *c, struct ctl_facts *f, enum level now, enum level to);
/* The same of keeping it lowered for longer. */
void ctl_warn_longer(struct ctl *c, struct ctl_facts *f);

/* Look at the gateways now, if tlspact-probe is there. */
int ctl_probe(struct ctl *c, struct ctl_facts *f);

#endif
