/*
 * ctlpast.h: whose mail leaves below the rows of the map, by main.cf.
 */
#ifndef CTLPAST_H
#define CTLPAST_H

#include <stddef.h>

struct ctl;
struct ctl_facts;

/*
 * Set what the n facts (one, or those of all partners by index) say of the ways
 * in c->around, to which they refer.
 */
void ctlpast_take(const struct ctl *c, struct ctl_facts *f, size_t n);

#endif
