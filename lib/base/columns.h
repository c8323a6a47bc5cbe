/*
 * columns.h: text for people, no wider than what it is read on.
 *
 * A character takes as many columns as wcwidth(3) says, whatever the locale of
 * the program is: two for wide ones, none for those that combine.
 */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

#define COLUMNS_USUAL 80
#define COLUMNS_KEPT 79 /* of text that may be kept or mailed */
#define COLUMNS_ANY 0	/* lines of any length */

/* Columns that the UTF-8 string s takes. */
size_t columns_width(const char *s);

/*
 * Append s and blanks behind it, so that width columns are taken: cut between
 * two characters and with "..." behind them, if it is wider.
 */
void columns_put(struct buf *out, const char *s, size_t width);

/*
 * The first column of a row: append s, what is unsafe in it as \xHH, and blanks
 * up to width. What is wider stands on a line of its own above it, cut only if
 * it is wider than that.
 */
void columns_name(struct buf *out, const char *s, size_t width, size_t line);

/*
 * Append text, which goes on at column `at` of a line of out, broken at blanks
 * into lines no wider than width, with no blanks at their ends; each new one
 * begins with `lead`, or with less of its blanks if a word does not fit behind
 * them: COLUMNS_LESS, or as few as it needs. A word that is wider than the line
 * stays whole. COLUMNS_ANY: not broken.
 */
#define COLUMNS_LESS 4
void columns_wrap(struct buf *out, const char *text, size_t at,
    const char *lead, size_t width);

/*
 * Append a label, and behind it, or below it from column `indent` on, the
 * text, broken in the same way, and a newline. What is unsafe in it becomes
 * \xHH. A command, to be pasted, is broken with a backslash, never inside of
 * quotes.
 */
void columns_paragraph(struct buf *out, const char *label, size_t indent,
    const char *text, bool command, size_t width);

/*
 * The width to write for on fd: COLUMNS of the environment, else that of the
 * terminal, else COLUMNS_USUAL, at least 40.
 */
size_t columns_of(int fd);

/*
 * May what is written on fd have colours, and lines that are cleared? Not
 * where it is no terminal, TERM is dumb or not set, or NO_COLOR is set.
 */
bool columns_colour(int fd);

#endif
