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
};

/*
 * Lines that a container platform cut, until they are whole: of CRI those with
 * "P" (Kubernetes), in Docker's json-file those without a newline inside.
 */
struct logprefix_parts {
	struct logprefix_part {
		struct buf text; /* what there is, under the first header */
		size_t header;	 /* bytes of that */
	} v[LOGPREFIX_PARTS];
	unsigned next; /* that makes room for another */
};

/*
 * False if the line is kept as a part. Else *line is whole, and lives until
 * the next call.
 */
bool logprefix_whole(struct logprefix_parts *t, struct span *line);
void logprefix_parts_free(struct logprefix_parts *t);

/*
 * Take the line apart, which comes without its newline. scratch keeps the
 * text of a JSON line; the spans borrow from it and from the line. 0, or
 * -1 if the line has none of the shapes.
 */
int logprefix_parse(
    struct span line, struct buf *scratch, struct logprefix *out);

/*
 * True if the line seems to hold one of Postfix's, behind a header that is not
 * known; to be asked of lines that were not Postfix's.
 */
bool logprefix_hides(struct span line);

/*
 * The reader's clock. A stamp without a year means the latest year that does
 * not put the line more than a day after `now`: logs grow at the end, over New
 * Year too. A stamp without a zone is local time (TZ).
 */
struct logprefix_clock {
	time_t now;
	/* The minute that was converted last, as written, and its time. */
	char minute[24];
	size_t n;
	time_t base;
};

/* The clock moved: years are inferred against now from here on. */
void logprefix_set_clock(struct logprefix_clock *t, time_t now);

/* 0, or -1 if the stamp is no time (Feb 30, hour 25, none at all). */
int logprefix_time(
    struct logprefix_clock *t, const struct logprefix *p, time_t *out);

#endif
