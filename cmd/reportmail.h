/*
 * reportmail.h: the mail of a report, in its HTML page.
 */
#ifndef REPORTMAIL_H
#define REPORTMAIL_H

struct buf;
struct report;

/* Each is a slot of the template. */
void reportmail_legend(struct buf *out, const struct report *r);
void reportmail_figures(struct buf *out, const struct report *r);
void reportmail_mail(struct buf *out, const struct report *r);
void reportmail_protocols(struct buf *out, const struct report *r);
void reportmail_others(struct buf *out, const struct report *r);

#endif
