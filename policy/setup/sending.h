/*
 * sending.h: the settings of one service that runs smtp(8) by which TLS is
 * not reached where it could be, or mail is returned that should wait.
 *
 * Pure, as wiring.h.
 */
#ifndef SENDING_H
#define SENDING_H

struct findings;
struct map_facts;
struct postconf;

/* Of the service that out names; findings are added to it. */
void sending_check(const struct postconf *c, const struct map_facts *map,
    struct findings *out);

#endif
