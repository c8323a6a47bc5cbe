/*
 * logline.h: a daemon's log, one line an event, on standard error.
 *
 * Under the journal each line begins with its priority, `<6>` and so on
 * (sd-daemon(3)); else with the name of the program. What strangers can
 * cause goes through a limit, so that nobody fills the disk.
 */
#ifndef LOGLINE_H
#define LOGLINE_H

#include <stdbool.h>
#include <stdint.h>

enum logline_level { /* as in syslog(3) */
	LOGLINE_ERROR = 3,
	LOGLINE_WARNING = 4,
	LOGLINE_INFO = 6,
	LOGLINE_DEBUG = 7,
};

/*
 * Lines less urgent than level are dropped. program is borrowed. With
 * foreground the lines are for a person, whatever the journal does.
 */
void logline_init(
    const char *program, enum logline_level level, bool foreground);

/* One line. What is unsafe for people in it becomes '?'. */
void logline(enum logline_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define LOGLINE_BURST 20 /* lines of one kind in a minute */

/* One kind of event; zeroed is a good start. */
struct logline_limit {
	uint64_t minute;
	unsigned lines;
	uint64_t dropped;
};

/* True if a line of that kind may be written; says how many could not. */
bool logline_may(struct logline_limit *l, const char *kind);

#endif
