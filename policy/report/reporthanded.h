/*
 * reporthanded.h: what counts as another partner's.
 */
#ifndef REPORTHANDED_H
#define REPORTHANDED_H

struct err;
struct reading;

/*
 * From the ledger, which is there: the record of names that went on under
 * another one, and mail of domains that were another partner's. 0, or -1 with
 * *e set.
 */
int reading_handed(struct reading *g, struct err *e);

#endif
