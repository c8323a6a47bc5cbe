/*
 * logjoin.h: from the lines of a mail log to what became of each delivery.
 *
 * The line about TLS carries no queue id, and the line about the delivery
 * says nothing of TLS. What holds them together is the process: smtp(8)
 * does one session at a time, so its last line about TLS to the same peer
 * is about this delivery, unless something came between. In doubt a
 * delivery is taken for one in the clear, never for an encrypted one.
 *
 * Mail that comes in is told when its sender is known (qmgr's line) and,
 * if no line about TLS was seen, when the session ends: the counts of the
 * "disconnect from" line then decide.
 *
 * Not told are deliveries that leave no host: to and from the loopback
 * addresses (content filters), LMTP, and mail of our own users (SASL).
 */
#ifndef LOGJOIN_H
#define LOGJOIN_H

#include "logsession.h"

struct logjoin;
struct logprefix;

/* What is told, and counted in *stats, is the caller's. */
struct logjoin *logjoin_new(
    time_t now, struct logjoin_stats *stats, logjoin_fn *fn, void *arg);

/* The clock moved. */
void logjoin_set_time(struct logjoin *j, time_t now);

/*
 * Take one line, which gets its time. Returns a word for what it was taken for,
 * NULL if it says nothing that matters here.
 */
const char *logjoin_line(struct logjoin *j, struct logprefix *p);

/*
 * NULL is allowed. ends: no line follows, so that is told what still waits for
 * one; not where the log goes on later.
 */
void logjoin_free(struct logjoin *j, bool ends);

#endif
