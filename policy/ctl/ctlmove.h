/*
 * ctlmove.h: whose gateways fail may have moved: the look met others there than
 * those that passed before, or DNS names others by now.
 */
#ifndef CTLMOVE_H
#define CTLMOVE_H

struct ctl;
struct ctl_facts;
struct ctlmx;
struct err;
struct evidence;

/*
 * Fill f->move, by the last look, which is there already, and what is on record
 * of earlier ones. 0, or -1 with *e set.
 */
int ctlmove_find(const struct ctl *c, struct ctl_facts *f, struct evidence *v,
    struct err *e);

/*
 * Where DNS names `is` for the next-hop, which no look met: fill f->move by
 * that; mx: all that DNS names there. They outlive f->move.
 */
void ctlmove_live(const struct ctl *c, struct ctl_facts *f, const char *nexthop,
    const struct ctlmx *mx, const char *is);

#endif
