/*
 * checkupend.h: how the end of a certificate is told by checkup.h.
 */
#ifndef CHECKUPEND_H
#define CHECKUPEND_H

#include <time.h>

struct buf;
struct checkup_facts;

/* Append "ended 3 days ago", or "ends in 5 days". */
void checkup_put_end(struct buf *out, time_t end, time_t now);

/* When the first of ours ends; 0: none has an end that is known. */
time_t checkup_own_end(const struct checkup_facts *f);

/* Append "; ours in 60 days", if one of ours has an end that is known. */
void checkup_put_own(const struct checkup_facts *f, struct buf *out);

#endif
