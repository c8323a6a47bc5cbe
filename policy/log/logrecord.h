/*
 * logrecord.h: the recorder beside the log reader.
 *
 * The reader takes apart what strangers wrote into the log, and may not write
 * what it finds: the recorder does, which sees no log. It is a process of its
 * own, for good the account that owns the evidence if we are root, and takes
 * nothing that logwire.h does not allow.
 */
#ifndef LOGRECORD_H
#define LOGRECORD_H

#include <time.h>

struct err;
struct evidence_batch;
struct logrecord;

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

/* Let it end; NULL is well. */
void logrecord_end(struct logrecord *r);

#endif
