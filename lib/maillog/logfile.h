/*
 * logfile.h: the lines of a log, from a file, a pipe, or a compressed file.
 *
 * Lines are bounded: of one that is longer than LOGFILE_LINE_MAX nothing is
 * returned, it is counted. A file is known by its first line and by what was
 * read last of it, wherever it was moved, copied or compressed to; offsets are
 * those of the plain text.
 */
#ifndef LOGFILE_H
#define LOGFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "digest.h"
#include "span.h"

struct archive;
struct err;

#define LOGFILE_LINE_MAX 65536 /* bytes, without the newline */
#define LOGFILE_WAIT_MS 500    /* patience with a pipe, then LOGFILE_AGAIN */
#define LOGFILE_FIRST_MAX 4096 /* bytes of the first line that count */
#define LOGFILE_TAIL_MAX 1024  /* and of what stands before an offset */

/* Read by all; changed by logfile.c alone. */
struct logfile {
	char *path;
	int fd;
	struct stat st;	   /* when opened */
	bool pipe;	   /* no regular file: it is waited for by poll(2) */
	bool plain;	   /* can grow: a regular file, not compressed */
	uint64_t offset;   /* behind the last line returned */
	uint64_t too_long; /* lines left out */
	/* The rest is its own. */
	struct archive *archive; /* NULL: as it is */
	bool skipping;		 /* the rest of a line that is too long */
	bool at_end;
	size_t start, end; /* of what is not returned yet, in data */
	size_t packed;	   /* bytes at data that the archive reads first */
	char *first;	   /* copy of the first line, as far as it counts */
	size_t nfirst;
	char *data;
};

enum logfile_status {
	LOGFILE_LINE,  /* *line is one */
	LOGFILE_AGAIN, /* nothing for now; a file may grow, a pipe be filled */
	LOGFILE_END,   /* the end of a pipe or of a compressed file */
	LOGFILE_ERROR, /* *e says why; what was read before is good */
};

/*
 * Open path, "-" being standard input. What is compressed (gzip, zstd, xz,
 * bzip2, lz4) is found out by its first bytes. NULL with *e set.
 */
struct logfile *logfile_open(const char *path, struct err *e);

/*
 * The next line, without its newline; it lives until the next call. A last
 * line without a newline is not returned, for it may still grow.
 */
enum logfile_status logfile_next(
    struct logfile *f, struct span *line, struct err *e);

/* What there is of a last line that has no newline; false if nothing. */
bool logfile_rest(struct logfile *f, struct span *line);

/*
 * Go to an offset, before the first call of logfile_next or, in a plain file,
 * at any time: it is the start of a line, unless `line`: then to the start of
 * the next one at or behind it. 0, or -1 with *e set.
 */
int logfile_seek(struct logfile *f, uint64_t offset, bool line, struct err *e);

/*
 * SHA-256, in hex, of the first line, and (tail may be NULL) of what was read
 * last, up to the present offset. False as long as the first line is not
 * complete, and for pipes.
 */
bool logfile_marks(
    struct logfile *f, char first[DIGEST_HEX], char tail[DIGEST_HEX]);

/*
 * True if a plain file has that before that offset now, or at least so many
 * bytes if tail is "".
 */
bool logfile_has(const struct logfile *f, uint64_t offset, const char *tail);

/*
 * False if a plain file is no longer what was read, but shorter, or with other
 * text at its start or before the present offset: it was cut and begun anew.
 */
bool logfile_goes_on(const struct logfile *f);

/* NULL is allowed. */
void logfile_close(struct logfile *f);

/* --- the older files of a log that is rotated ------------------------- */

/*
 * The files beside path that are named after it: NAME.1, NAME.2.gz,
 * NAME-20261123, NAME-20261123.zst. Oldest first, by the time of the last
 * write, but NAME.2 before NAME.1. Returns their number; *out is one block,
 * which the caller frees.
 */
size_t logfile_rotated(const char *path, char ***out);

#endif
