/*
 * naming.h: lines of the log that wait for the name of a partner. The map has
 * no name beside a row that says all there is, and a registry may be large: a
 * child reads it.
 */
#ifndef NAMING_H
#define NAMING_H

#include <stddef.h>

#include "logline.h"

struct event_base;
struct naming_line;
struct task;

#define NAMING_MAX 64 /* lines that wait; more go without a name */

struct naming {
	/* Set by the owner, borrowed. */
	struct event_base *base;
	const char *registry; /* its file */
	/* Private. */
	struct task *task;	  /* NULL: no child is asked */
	struct naming_line *line; /* NAMING_MAX of them, or NULL */
	size_t n, asked;	  /* the first ones, by that child */
};

/*
 * Log "BEFORE PARTNER AFTER", without the blanks, once it is known whose the
 * row `key` (a domain or .domain) is in the registry; "-" if it is nobody's, or
 * the registry cannot be read.
 */
void naming_log(struct naming *n, enum logline_level level, const char *key,
    const char *before, const char *after);

/* Log what still waits, as it is. One that was never used is well too. */
void naming_release(struct naming *n);

#endif
