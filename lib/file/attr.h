/*
 * attr.h: the words of a logical line.
 *
 * Words are separated by blanks and newlines. A word is `name=value`, or
 * `{ name = value with blanks }` as in Postfix 3 (postconf(5), master(5)),
 * or a bare word. Line breaks inside braces count as one blank.
 */
#ifndef ATTR_H
#define ATTR_H

#include <stdbool.h>
#include <stddef.h>

enum attr_kind {
	ATTR_END,  /* no more words */
	ATTR_WORD, /* name only */
	ATTR_PAIR, /* name and value, either of which may be empty */
	ATTR_BAD,  /* name holds the word, fault says what is wrong */
};

struct attr {
	char *name;	   /* NUL-terminated, borrowed from the line */
	char *value;	   /* the same, or NULL for a bare word */
	size_t len;	   /* of the value */
	const char *fault; /* for ATTR_BAD */
	unsigned line;	   /* where it stands */
};

struct attrs {
	char *next;
	unsigned line;
};

/* Take words from the string, which is cut in place and begins on that line. */
void attr_init(struct attrs *in, char *text, unsigned line);

/* The next word. After ATTR_BAD the rest of the line is given up. */
enum attr_kind attr_next(struct attrs *in, struct attr *out);

/*
 * Split the line `name = value` at its first '=' and drop the blanks around
 * both; line breaks in the value become blanks. 0, or -1 without '='.
 */
int attr_assign(char *text, char **name, char **value);

/* A comma-separated list: what is left of it, as a string. */
struct attr_list {
	char *next; /* NULL at the end */
	size_t len;
};

/* Elements of a list that is not at its end, empty ones included. */
size_t attr_list_count(const struct attr_list *list);

/*
 * Cut the next element, of *len bytes, from the list; blanks around it are
 * dropped, an empty one is returned as "". NULL at the end.
 */
char *attr_list_next(struct attr_list *list, size_t *len);

#endif
