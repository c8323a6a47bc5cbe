/*
 * logreader.h: read logs to their end, or follow one, exactly once.
 *
 * The evidence holds how far each file was read, by its first line, so that
 * a file is known again when it was renamed, copied, or compressed. After a
 * restart some of what was read already is read again, without effect, so
 * that sessions and messages that were going on are known.
 */
#ifndef LOGREADER_H
#define LOGREADER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "logjoin.h"

struct err;
struct evidence;
struct logprefix;
struct logtally;

#define LOGREADER_REWIND (64u * 1024 * 1024) /* bytes read again */
#define LOGREADER_REWIND_LINES 100000	     /* the same of the journal */

struct logreader_stats {
	uint64_t lines, bytes;
	uint64_t unparsed; /* no log line at all */
	uint64_t hidden;   /* behind a header that is not known */
	uint64_t too_long;
	struct logjoin_stats join;
};

/* What to read, and whom to tell. */
struct logreader {
	/*
	 * Files, or "-", each to its end; or else (none) a log that is rotated,
	 * from where it was left, through the files that it was rotated to, up
	 * to its present end, and with `follow` on until *stop: without
	 * evidence then from the present end.
	 */
	char *const *file;
	size_t nfiles;
	const char *log;
	bool follow;
	/*
	 * Positions are read from the evidence and kept there, with what is in
	 * tally; NULL both: every file is read from its start and nothing is
	 * kept. *stop set: come to an end.
	 */
	struct evidence *evidence;
	struct logtally *tally;
	const volatile sig_atomic_t *stop;
	time_t (*now)(void);
	/* One that goes on in any case: when to write, when to tick. */
	time_t (*pace)(void);
	bool fixed; /* now() stands still: times of files say nothing */
	/* Each delivery, those read again left out. */
	logjoin_fn *attempt;
	/* Each line that was taken apart, and what it was taken for, or NULL;
	 * p is NULL if it was not. May be NULL itself. */
	void (*line)(struct span line, const struct logprefix *p,
	    const char *what, void *arg);
	/* About once a second while following. */
	void (*tick)(void *arg);
	/* Something to tell the operator; a full sentence. */
	void (*remark)(const char *text, void *arg);
	void *arg;
};

/* Do that. 0, or -1 with *e set; *stats says what was read either way. */
int logreader_run(
    const struct logreader *what, struct logreader_stats *stats, struct err *e);

#endif
