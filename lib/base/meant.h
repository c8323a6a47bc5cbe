/*
 * meant.h: which of the known words was meant by one that is none of them.
 */
#ifndef MEANT_H
#define MEANT_H

#include <stddef.h>

#define MEANT_MAX 64 /* longer words are not compared */

struct meant {
	const char *name; /* the nearest one so far, borrowed; or NULL */
	/* Private. */
	const char *word;
	size_t len;
	unsigned far;
};

/* Start with a word, which is borrowed. */
struct meant meant(const char *word);

/*
 * Compare with a known word, which is borrowed. A slip is a letter that is
 * wrong, missing or too many, or two that changed places: one in a word of two
 * to four, two in a longer one; capitals are none. Of two that are as near the
 * first one is kept.
 */
void meant_try(struct meant *m, const char *known);

/* "; did you mean NAME?", or "". Use as meant_text(&m).s. */
struct meant_text {
	char s[MEANT_MAX + 24];
};
struct meant_text meant_text(const struct meant *m);

#endif
