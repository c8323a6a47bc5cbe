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

struct err;
struct logfile;

#define LOGFILE_LINE_MAX 65536 /* bytes, without the newline */
#define LOGFILE_WAIT_MS 500    /* patience with a pipe, then LOGFILE_AGAIN */
#define LOGFILE_FIRST_MAX 4096 /* bytes of the first line that count */
#define LOGFILE_TAIL_MAX 1024  /* and of what stands before an offset */

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

/* Behind the last line returned. */
uint64_t logfile_offset(const struct logfile *f);

/*
 * Go to an offset, which is the start of a line, before the first call of
 * logfile_next or, in a plain file, at any time. 0, or -1 with *e set.
 */
int logfile_seek(struct logfile *f, uint64_t offset, struct err *e);

/* As logfile_seek, but to the start of the next line at or behind it. */
int logfile_seek_line(struct logfile *f, uint64_t offset, struct err *e);

/*
 * SHA-256 of the first line, in hex; false as long as it is not complete
 * (and for pipes).
 */
bool logfile_first(struct logfile *f, char first[DIGEST_HEX]);

/* SHA-256, in hex, of what was read last, up to the present offset. */
void logfile_tail(const struct logfile *f, char tail[DIGEST_HEX]);

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

/* Can grow: a regular file, not compressed. */
bool logfile_is_plain(const struct logfile *f);

/* Was not a regular file: it is waited for by poll(2). */
bool logfile_is_pipe(const struct logfile *f);

int logfile_fd(const struct logfile *f);
const struct stat *logfile_stat(const struct logfile *f); /* when opened */
const char *logfile_path(const struct logfile *f);
uint64_t logfile_too_long(const struct logfile *f); /* lines left out */

/* NULL is allowed. */
void logfile_close(struct logfile *f);

/* --- the older files of a log that is rotated ------------------------- */

struct logfile_rotated {
	char *path;
	struct timespec mtime;
};

/*
 * The files beside path that are named after it: NAME.1, NAME.2.gz,
 * NAME-20261123, NAME-20261123.zst. Oldest first, by the time of the last
 * write, but NAME.2 before NAME.1. Returns their number; the caller frees by
 * logfile_rotated_free.
 */
size_t logfile_rotated(const char *path, struct logfile_rotated **out);

void logfile_rotated_free(struct logfile_rotated *v, size_t n);

#endif
