/*
 * quote.h: foreign bytes made fit to be shown.
 */
#ifndef QUOTE_H
#define QUOTE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

#define QUOTE_MAX 264 /* bytes of a struct quoted, NUL and quotes included */

struct quoted {
	char s[QUOTE_MAX];
};

/*
 * May the character at p, at most len bytes long and at least one, not be
 * shown to people as it is? *n is its length, 1 if it is not UTF-8.
 */
bool quote_unsafe(const char *p, size_t len, size_t *n);

/*
 * The len bytes at p in double quotes, for a message: what is unsafe, quotes
 * and backslashes become \xHH, and what is longer than the room ends in "...".
 * Use as quote(p, n).s.
 */
struct quoted quote(const char *p, size_t len);

/* The same for a string. */
struct quoted quotes(const char *s);

/*
 * The first word of a line that may be of anybody's file, for a message: in
 * quotes, cut to QUOTE_WORD_MAX bytes; "" unless it is of letters, digits, '_'
 * and '-' alone, as what else there is may be a secret.
 */
#define QUOTE_WORD_MAX 20
struct quoted quote_word(const char *line);

/* Append the len bytes at p; what is unsafe becomes \xHH. No quotes. */
void quote_put(struct buf *out, const char *p, size_t len);

/*
 * Do that to what was appended to b since it was `from` bytes long: to one
 * line that was put together of foreign texts. A newline at its end stays.
 */
void quote_since(struct buf *b, size_t from);

/*
 * Copy the len bytes at p into out of size bytes (at least 1), fit for one
 * line of a terminal: what is unsafe becomes "?", and what does not fit is
 * cut between two characters.
 */
void quote_show(char *out, size_t size, const char *p, size_t len);

/*
 * Length in bytes (1 to 4) of the UTF-8 character at p, at most len bytes
 * long; 0 if there is no valid one (RFC 3629: no surrogates, no overlong
 * forms).
 */
size_t utf8_len(const char *p, size_t len);

/* Its code point; n is what utf8_len() says. */
unsigned long utf8_point(const char *p, size_t n);

#endif
