/*
 * logprefix.h: what stands before the text of a log line: time, host, tag.
 *
 * Known shapes: BSD syslog (RFC 3164, day padded with a blank, a zero or not
 * at all, with or without a year, a fraction or a host, Postfix's own
 * maillog_file, BusyBox), RFC 3339 stamps (rsyslog, journalctl -o short-iso),
 * RFC 5424, `journalctl -o json`, `-o short-unix`, and Docker's json-file; any
 * of them behind a <priority>, a container's name, a time and stream of Docker
 * or Kubernetes, or another such header whose tag is not Postfix's. "last
 * message repeated 3 times" has the tag "last". Lines are foreign text: nothing
 * here depends on what they say.
 */
#ifndef LOGPREFIX_H
#define LOGPREFIX_H

#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "span.h"

#define LOGPREFIX_PARTS 8 /* containers that can write at once */
#define LOGPREFIX_WHOLE_MAX                               \
	65536 /* bytes of their lines; longer are dropped \
	       */

enum logprefix_stamp {
	LOGPREFIX_NO_TIME,
	LOGPREFIX_BSD,	    /* "Nov  3 11:50:36": local time, no year */
	LOGPREFIX_BSD_YEAR, /* "Nov  3 2026 11:50:36": local time */
	LOGPREFIX_ISO,	    /* "2026-11-23T11:50:36[.f][Z|+hh:mm|+hhmm]" */
	LOGPREFIX_MICRO,    /* microseconds since 1970, journald */
	LOGPREFIX_UNIX,	    /* seconds, journalctl -o short-unix */
};

struct logprefix {
	enum logprefix_stamp kind;
	struct span stamp;   /* as written; logprefix_time() reads it */
	struct span host;    /* empty if there is none */
	struct span tag;     /* "postfix/submission/smtpd" */
	struct span program; /* behind its last slash: "smtpd" */
	uint32_t pid;	     /* 0 if there is none */
	struct span text;
	time_t time; /* for who takes the line apart: logprefix_time() */
	bool hides;  /* not Postfix's, but seems to hold one that is */
};

/*
 * Lines that a container platform cut, until they are whole: of CRI those with
 * "P" (Kubernetes), in Docker's json-file those without a newline inside.
 * Zeroed at first.
 */
struct logprefix_reader {
	struct logprefix_part {
		struct buf text; /* what there is, under the first header */
		size_t header;	 /* bytes of that */
	} part[LOGPREFIX_PARTS];
	unsigned next; /* that makes room for another */
	struct buf scratch;
};

enum logprefix_taken {
	LOGPREFIX_PART,	   /* kept until the rest of it comes */
	LOGPREFIX_NONE,	   /* no log line; of *out only `hides` is set */
	LOGPREFIX_OTHER,   /* one of another program */
	LOGPREFIX_POSTFIX, /* one of Postfix's: its tag has a slash */
};

/*
 * Take apart the next line, which comes without its newline. But for a part,
 * *line is then the whole of it. What *line and *out point to lives until the
 * next call, and as long as the line.
 */
enum logprefix_taken logprefix_take(
    struct logprefix_reader *r, struct span *line, struct logprefix *out);

void logprefix_release(struct logprefix_reader *r);

/*
 * The same of a line that is whole. scratch keeps the text of a JSON line; the
 * spans borrow from it and from the line. 0, or -1 if the line has none of the
 * shapes.
 */
int logprefix_parse(
    struct span line, struct buf *scratch, struct logprefix *out);

/* What is remembered from one line to the next; zeroed at first. */
struct logprefix_clock {
	time_t now;
	/* The minute that was converted last, as written, and its time. */
	char minute[24];
	size_t n;
	time_t base;
};

/*
 * A stamp without a year means the latest year that does not put the line more
 * than a day after `now`: logs grow at the end, over New Year too. A stamp
 * without a zone is local time (TZ). 0, or -1 if it is no time (Feb 30, hour
 * 25, none at all).
 */
int logprefix_time(struct logprefix_clock *t, const struct logprefix *p,
    time_t now, time_t *out);

#endif
