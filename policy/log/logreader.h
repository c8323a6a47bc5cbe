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
struct logreader;
struct logtally;

#define LOGREADER_REWIND (64u * 1024 * 1024) /* bytes read again */
#define LOGREADER_REWIND_LINES 100000	     /* the same of the journal */

struct logreader_hooks {
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
	/* About once a second while following, may be NULL. */
	void (*tick)(void *arg);
	/* Something to tell the operator; a full sentence. */
	void (*remark)(const char *text, void *arg);
	void *arg;
	const volatile sig_atomic_t *stop; /* set: come to an end */
};

struct logreader_stats {
	uint64_t lines, bytes;
	uint64_t unparsed; /* no log line at all */
	uint64_t hidden;   /* behind a header that is not known */
	uint64_t too_long;
};

/*
 * With evidence (borrowed, as is tally), positions are read from it and
 * kept there; NULL: every file is read from its start and nothing is kept.
 */
struct logreader *logreader_new(const struct logreader_hooks *hooks,
    struct evidence *evidence, struct logtally *tally, struct err *e);

/* Read one file, or "-", to its end. 0, or -1 with *e set. */
int logreader_file(struct logreader *r, const char *path, struct err *e);

/*
 * Read a log that is rotated, from where it was left, through the files
 * that it was rotated to, up to its present end.
 */
int logreader_log(struct logreader *r, const char *path, struct err *e);

/* The same, and go on until *stop. Without evidence from the present end. */
int logreader_follow(struct logreader *r, const char *path, struct err *e);

/* All was read: tell what waits, write what is not written. */
int logreader_finish(struct logreader *r, struct err *e);

const struct logreader_stats *logreader_stats(const struct logreader *r);
const struct logjoin_stats *logreader_join_stats(const struct logreader *r);

/* NULL is allowed. */
void logreader_free(struct logreader *r);

#endif
