/*
 * ctllive.h: the rule that Postfix obeys, where the registry was edited since
 * the map was made, or the map since the gateways were looked at.
 */
#ifndef CTLLIVE_H
#define CTLLIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "fault.h"

struct buf;
struct ctl;
struct ctl_facts;
struct err;
struct evidence;
struct ledger;
struct registry;
struct settings;

/*
 * The registry that the map was made of, whose digest that is ("": not known),
 * where that is not c->registry, which *behind tells; NULL also if its copy
 * cannot be read. One that was compiled and changed no row is the same. The
 * caller frees it.
 */
struct registry *ctllive_load(
    const struct ctl *c, const char *digest, bool *behind);

/*
 * Hold the looks at the gateways of n facts, which are of one partner or of
 * all of c's registry by index, against the rule that Postfix obeys: by_map,
 * judged, unsure, changed and basis are set. A chain that was judged by another
 * rule, as the registry or the row of the map was edited, is judged by that;
 * map_time is known. l is NULL if the ledger cannot be read. 0, or -1 with *e
 * set if the evidence cannot be read.
 */
int ctllive_hold(const struct ctl *c, struct ctl_facts *f, size_t n,
    struct ledger *l, struct evidence *v, struct err *e);

/*
 * A partner whose mail another registry would stop, and a line that says so:
 * "acme: both gateways as last seen would fail by this (name-mismatch)"; of a
 * wrong CA also which one it is.
 */
typedef void ctllive_foresee_fn(
    const char *partner, const char *line, void *arg);

/*
 * Hold the looks at the gateways of the partners to whom `would` has another
 * rule than `was`, which the map is made of, against that rule; fn is called
 * for each of whom a gateway would fail by it. Where there is no evidence, or
 * none that tells (TLSA records are not kept), it is not called.
 */
void ctllive_foresee(const struct settings *set, const struct registry *was,
    const struct registry *would, time_t now, ctllive_foresee_fn *fn,
    void *arg);

#endif
