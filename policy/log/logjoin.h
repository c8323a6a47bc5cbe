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

#include <stdint.h>
#include <time.h>

#include "logsession.h"

struct logjoin;
struct logprefix;

/* What is known at once; what was not heard of longest makes room. */
#define LOGJOIN_PROCESSES_MAX 8192
#define LOGJOIN_MESSAGES_MAX 16384 /* that came in, and wait */

/* Spans live until the call returns. */
typedef void logjoin_fn(const struct attempt *a, void *arg);

struct logjoin_stats {
	uint64_t lines;	     /* given */
	uint64_t understood; /* of these: changed something */
	uint64_t no_time;    /* of these: with an impossible time */
	uint64_t sessions_out, sessions_in; /* lines about TLS */
	uint64_t deliveries;		    /* outbound */
	uint64_t policies;		    /* of these: with tls= of 3.11 */
};

struct logjoin *logjoin_new(time_t now, logjoin_fn *fn, void *arg);

/* The clock moved. */
void logjoin_set_time(struct logjoin *j, time_t now);

/*
 * Take one line. Returns a word for what it was taken for, NULL if it says
 * nothing that matters here.
 */
const char *logjoin_line(struct logjoin *j, const struct logprefix *p);

/*
 * No line follows: tell what still waits for one. Not to be called where
 * the log goes on later.
 */
void logjoin_end(struct logjoin *j);

const struct logjoin_stats *logjoin_stats(const struct logjoin *j);

/* NULL is allowed. */
void logjoin_free(struct logjoin *j);

#endif
