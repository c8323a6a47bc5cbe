/*
 * logwire.h: what the log reader says to the recorder, in fixed words.
 *
 * A record is a netstring of netstrings: of counts, failures and positions,
 * each begun by its letter. The reader takes apart what strangers wrote, so
 * every field has a type and a bound.
 */
#ifndef LOGWIRE_H
#define LOGWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "arena.h"
#include "evidence.h"

struct buf;
struct err;

#define LOGWIRE_MAX (64u << 20) /* bytes of a record */

/* Append the record of b. */
void logwire_put(struct buf *out, const struct evidence_batch *b);

/* A batch with its own memory. */
struct logwire {
	struct evidence_batch batch;
	struct arena arena;
	struct evidence_count *count;
	struct evidence_failure *failure;
	struct evidence_position *position;
	size_t count_cap, failure_cap, position_cap;
};

/*
 * Parse the payload of a record. Times that lie after now become now: the log
 * is of what was. known says whether a name is that of a partner; the others
 * are "other", or a domain, which has a dot. 0, or -1 with *e set; either way
 * *w is to be released.
 */
int logwire_parse(struct logwire *w, const char *text, size_t len, time_t now,
    bool (*known)(const char *name, void *arg), void *arg, struct err *e);

void logwire_release(struct logwire *w);

#endif
