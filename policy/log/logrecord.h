/*
 * logrecord.h: the recorder beside the log reader.
 *
 * The reader takes apart what strangers wrote into the log, and may not write
 * what it finds: the recorder does, which sees no log. It is a process of its
 * own, for good the account that owns the evidence if we are root, and takes
 * nothing but records of fixed words, every field of which has a type and a
 * bound.
 */
#ifndef LOGRECORD_H
#define LOGRECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "arena.h"
#include "evidence_log.h"

struct buf;
struct err;
struct logrecord;

#define LOGRECORD_MAX (64u << 20) /* bytes of a record */

struct logrecord_settings {
	const char *evidence, *ledger; /* as for evidence_open() */
	const char *registry;	       /* whose partners there are */
	time_t (*now)(void);
};

/* Start it, and wait until the evidence is open. NULL with *e set. */
struct logrecord *logrecord_start(
    const struct logrecord_settings *set, struct err *e);

/* Have it recorded: as evidence_log_add(), also 69 if the recorder is gone. */
int logrecord_add(
    struct logrecord *r, const struct evidence_batch *b, struct err *e);

/* Let it end; NULL is allowed. */
void logrecord_end(struct logrecord *r);

/* --- The records ------------------------------------------------------ */

/*
 * Append the record of b: a netstring of netstrings, which are its counts,
 * key exchanges, hours, waits, failures, positions and legs, each begun by its
 * letter.
 */
void logrecord_put(struct buf *out, const struct evidence_batch *b);

#define LOGRECORD_LISTS 7

/* A batch with its own memory. */
struct logrecord_taken {
	struct evidence_batch batch;
	struct arena arena;
	void *v[LOGRECORD_LISTS]; /* its lists */
	size_t cap[LOGRECORD_LISTS];
};

/*
 * Parse the payload of a record. Times that lie after now become now: the log
 * is of what was. known says whether a name is that of a partner; the others
 * are "other", or a domain, which has a dot. 0, or -1 with *e set; either way
 * *w is to be released.
 */
int logrecord_parse(struct logrecord_taken *w, const char *text, size_t len,
    time_t now, bool (*known)(const char *name, void *arg), void *arg,
    struct err *e);

void logrecord_release(struct logrecord_taken *w);

#endif
