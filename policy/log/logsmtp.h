/*
 * logsmtp.h: what the lines of smtp(8) say of mail that leaves, with those of
 * its kin: tlsproxy(8), error(8) and retry(8); and qmgr(8) and postsuper(1),
 * which end what could not be sent.
 */
#ifndef LOGSMTP_H
#define LOGSMTP_H

#include "logsession.h"

struct logprefix;
struct logsmtp;

/* *to is borrowed. */
struct logsmtp *logsmtp_new(struct logtold *to);

/* As logjoin_line(). */
const char *logsmtp_line(struct logsmtp *o, const struct logprefix *p);

void logsmtp_free(struct logsmtp *o);

#endif
