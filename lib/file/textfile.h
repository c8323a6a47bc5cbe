/*
 * textfile.h: a text file read piece by piece, each of whole logical lines.
 *
 * A piece ends before a line that begins a new logical line (lines.h), so
 * that a file of any size needs little memory, and its pieces can be worked
 * on independently of each other.
 */
#ifndef TEXTFILE_H
#define TEXTFILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "digest.h"

struct err;
struct textfile;

/* Zeroed at first, then used again and again; freed by its owner. */
struct textfile_piece {
	char *text; /* may be changed; there is room for a NUL at text[len] */
	size_t len;
	unsigned line; /* number of its first line, from 1 */
	size_t cap;
};

/*
 * Open the file at path, of max bytes or less. *st gets its data. Returns
 * NULL with *e set: no such file (66), not allowed (77), too large (65).
 */
struct textfile *textfile_open(
    const char *path, size_t max, struct stat *st, struct err *e);

/* Bytes of the file when it was opened; 0 if it does not tell. */
size_t textfile_size(const struct textfile *t);

/*
 * Read the next piece, into memory that grows as it must. 1; 0 at the end; or
 * -1 with *e set: the file cannot be read (74), is too large (65), or changed
 * while it was read (75), which would mix two versions of it.
 */
int textfile_next(
    struct textfile *t, struct textfile_piece *piece, struct err *e);

void textfile_piece_free(struct textfile_piece *piece);

/*
 * Close and free; NULL is well. Into digest, of DIGEST_HEX bytes or NULL,
 * goes the SHA-256 of what was read: of the whole file, after the end.
 */
void textfile_close(struct textfile *t, char *digest);

#endif
