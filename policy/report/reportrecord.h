/*
 * reportrecord.h: what was decided, told and read; our own side; is the
 * record whole?
 */
#ifndef REPORTRECORD_H
#define REPORTRECORD_H

#include <stdbool.h>

struct err;
struct evidence_count;
struct reading;
struct report_partner;

/* Each: 0, or -1 with *e set. */
int reading_downgrades(struct reading *g, struct err *e);
int reading_evidence(struct reading *g, struct err *e); /* but mail, gateways */
int reading_record(struct reading *g, struct err *e);

/*
 * Is it known that mail of the partner (NULL: of none) that moved under a
 * downgrade had what was agreed without it? After reading_downgrades().
 */
bool reading_met(const struct reading *g, const struct report_partner *p,
    const struct evidence_count *c);

#endif
