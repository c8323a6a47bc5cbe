/*
 * lines.h: logical lines of text in the form of Postfix's tables.
 *
 * A logical line starts in column one; lines that start with a blank
 * continue it. Empty lines, lines of blanks, and lines whose first
 * non-blank character is '#' are ignored wherever they stand, also inside
 * a logical line (postconf(5), "main.cf format").
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
	char *next;
	char *end;
	unsigned no; /* line number of next */
};

struct line {
	char *text; /* NUL-terminated, borrowed from the text read */
	size_t len;
	unsigned no; /* number of its first physical line, from 1 */
};

/*
 * Read the len bytes at text, which must be writable, have room for a NUL
 * at text[len], and outlive the lines: they are cut in place. Newlines
 * inside a logical line are kept, so that line numbers can be counted.
 */
void lines_init(struct lines *in, char *text, size_t len);

/*
 * The next logical line, or false at the end. A line whose text starts with
 * a blank continues nothing: the caller should complain.
 */
bool lines_next(struct lines *in, struct line *out);

/*
 * Look for bytes that no text file of ours may hold: NUL and other control
 * characters (newline and tab are well), carriage returns, bytes that are
 * not UTF-8. Returns the offset of the first one, or -1 if there is none.
 */
long lines_bad_byte(const char *text, size_t len);

/* The number of the physical line, from 1, that the byte at offset is in. */
unsigned lines_number(const char *text, size_t offset);

#endif
