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

#include "logprefix.h"
#include "logsession.h"

#define LOGJOIN_TAKERS 2

/* Ready when told is set and the rest is zero. */
struct logjoin {
	struct logtold told;
	/* The rest is its own. */
	struct logprefix_clock clock;
	time_t last_time;	     /* of a line that had one */
	void *taker[LOGJOIN_TAKERS]; /* NULL before the first line */
	/* The line before this one, if it mattered; else it has no tag. */
	struct logprefix last;
	struct buf text; /* of that */
};

/*
 * Take one line, read at `now`, which gets its time. Returns a word for what it
 * was taken for, NULL if it says nothing that matters here.
 */
const char *logjoin_line(struct logjoin *j, struct logprefix *p, time_t now);

/*
 * Forget all lines; it is then ready again. ends: no line follows, so that is
 * told what still waits for one; not where the log goes on later.
 */
void logjoin_end(struct logjoin *j, bool ends);

#endif
