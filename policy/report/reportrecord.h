/*
 * reportrecord.h: what was decided, told and read; is the record whole?
 */
#ifndef REPORTRECORD_H
#define REPORTRECORD_H

struct err;
struct reading;

/* Each: 0, or -1 with *e set. */
int reading_downgrades(struct reading *g, struct err *e);
int reading_legs(struct reading *g, struct err *e);
int reading_hours(struct reading *g, struct err *e);
int reading_record(struct reading *g, struct err *e);

#endif
