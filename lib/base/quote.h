/*
 * quote.h: foreign bytes made fit to be shown.
 */
#ifndef QUOTE_H
#define QUOTE_H

#include <stddef.h>

#define QUOTE_MAX 264 /* bytes of a struct quoted, NUL and quotes included */

struct quoted {
	char s[QUOTE_MAX];
};

/*
 * The len bytes at p in double quotes, for a message: control characters,
 * marks of direction, quotes, backslashes and bytes that are not UTF-8
 * become \xHH, and what is longer than the room ends in "...". Use as
 * quote(p, n).s.
 */
struct quoted quote(const char *p, size_t len);

/* The same for a string. */
struct quoted quotes(const char *s);

/*
 * Copy the len bytes at p into out of size bytes (at least 1), fit for one
 * line of a terminal: controls and what is not UTF-8 become "?", and what
 * does not fit is cut between two characters.
 */
void quote_show(char *out, size_t size, const char *p, size_t len);

/*
 * Length in bytes (1 to 4) of the UTF-8 character at p, at most len bytes
 * long; 0 if there is no valid one (RFC 3629: no surrogates, no overlong
 * forms).
 */
size_t utf8_len(const char *p, size_t len);

#endif
