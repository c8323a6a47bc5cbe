/*
 * logsmtpd.h: what the lines of smtpd(8), and qmgr(8) about senders, say of
 * mail that comes in.
 */
#ifndef LOGSMTPD_H
#define LOGSMTPD_H

#include "logsession.h"

struct logprefix;
struct logsmtpd;

/* *to is borrowed. */
struct logsmtpd *logsmtpd_new(struct logtold *to);

/* As logjoin_line(), and logjoin_free(). */
const char *logsmtpd_line(struct logsmtpd *in, const struct logprefix *p);
void logsmtpd_free(struct logsmtpd *in, bool ends);

#endif
