/*
 * logjournal.h: what Postfix wrote to the journal of systemd, by libsystemd.
 *
 * Anybody may write to the journal, under any name. What decides are the
 * fields that journald itself fills in from the kernel, whose names begin
 * with "_" (systemd.journal-fields(7)): taken is only what came by syslog
 * from a process of root or of the account postfix (mail_owner), or from
 * postlogd(8) of these by a unit's output. The unit does not decide: the
 * command in a user's ~/.forward runs in that of Postfix. The identifier,
 * such as "postfix-out/smtp", and the text are believed to these two.
 */
#ifndef LOGJOURNAL_H
#define LOGJOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "logfile.h"
#include "span.h"

struct sd_journal;

/* Read by all; changed by logjournal.c alone. */
struct logjournal {
	bool muted;    /* the last line was before where it was gone to */
	uint64_t usec; /* of the entry of logjournal_cursor() */
	uint64_t too_long;
	bool gone; /* what it was to go on behind is not there any more */
	/* The rest is its own. */
	struct sd_journal *sd;
	int fd; /* -1: cannot be watched */
	struct buf text;
	char *cursor;
	uint64_t mute; /* entries still to be muted */
	bool here;     /* the present entry was not returned yet */
	bool moved;    /* cursor is not that of the present entry */
};

/* The journal of this machine, or "journal:DIR": the files in that folder. */
#define LOGJOURNAL "journal"

bool logjournal_is_name(const char *name);

/* Where to begin; zeroed: at the first line. */
struct logjournal_from {
	/*
	 * Behind the entry of that cursor; if it is gone, with what was written
	 * since. NULL: at that time, UINT64_MAX being the present end.
	 */
	const char *cursor;
	uint64_t usec; /* its time */
	/* Up to so many entries before the cursor or the end, muted. */
	unsigned rewind;
};

/* NULL with *e set: 66, 77. */
struct logjournal *logjournal_open(
    const char *name, const struct logjournal_from *from, struct err *e);

enum logjournal_look {
	LOGJOURNAL_NONE,  /* no journal, or none that we may read */
	LOGJOURNAL_EMPTY, /* Postfix did not write to it */
	LOGJOURNAL_LINES
};

/*
 * What is there; asks for known programs of Postfix, by their process. last
 * (may be NULL) becomes the time of their last line, if there is one.
 */
enum logjournal_look logjournal_look(const char *name, time_t *last);

/*
 * The next line, as a file of syslog would have it, with an RFC 3339 stamp;
 * it lives until the next call. LOGFILE_AGAIN: there is none for now. What
 * is longer than LOGFILE_LINE_MAX is left out and counted.
 */
enum logfile_status logjournal_next(
    struct logjournal *j, struct span *line, struct err *e);

/*
 * The last entry that was read, for logjournal_open: its cursor, which lives
 * until the next call of anything, or NULL if there is none yet.
 */
const char *logjournal_cursor(struct logjournal *j);

/* Wait for more, a signal, or timeout_ms; files that came are read, too. */
void logjournal_wait(struct logjournal *j, int timeout_ms);

/* NULL is allowed. */
void logjournal_close(struct logjournal *j);

#endif
