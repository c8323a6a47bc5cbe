/*
 * filters.h: tables by which smtp(8) takes a reply or a failure for another
 * one, so that mail of enforced partners bounces or never has TLS.
 */
#ifndef FILTERS_H
#define FILTERS_H

#include "asktable.h"

struct findings;
struct postconf;

/* Look at each service that runs smtp; findings are added to out. */
void filters_check(
    const struct postconf *c, asktable_fn *ask, struct findings *out);

#endif
