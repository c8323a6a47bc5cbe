/*
 * span.h: a piece of text that belongs to somebody else.
 *
 * Not NUL-terminated. An empty one may have p == NULL.
 */
#ifndef SPAN_H
#define SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

/* For printf's "%.*s". */
#define SPAN_ARG(s) (int)(s).n, (s).n == 0 ? "" : (s).p

/* True if s begins with the literal, is the literal, ends with it. */
#define span_begins(s, lit) span_begins_with((s), (lit), sizeof(lit) - 1)
#define span_is(s, lit) \
	((s).n == sizeof(lit) - 1 && memcmp((s).p, (lit), sizeof(lit) - 1) == 0)
#define span_ends(s, lit)                                                      \
	((s).n >= sizeof(lit) - 1 && memcmp((s).p + (s).n - (sizeof(lit) - 1), \
					 (lit), sizeof(lit) - 1) == 0)

static inline bool
span_begins_with(struct span s, const char *lit, size_t n)
{
	return s.n >= n && memcmp(s.p, lit, n) == 0;
}

/* s without its first n bytes, all of them if there are fewer. */
static inline struct span
span_skip(struct span s, size_t n)
{
	if (n > s.n)
		n = s.n;
	return (struct span){s.p + n, s.n - n};
}

static inline struct span
span_of(const char *s)
{
	return (struct span){s, strlen(s)};
}

/* Copy s, or what fits of it, as a string into to of size bytes. */
static inline void
span_keep(char *to, size_t size, struct span s)
{
	if (s.n >= size)
		s.n = size - 1;
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

static inline bool
span_same(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Offset of c, or s.n. */
static inline size_t
span_chr(struct span s, char c)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return at == NULL ? s.n : (size_t)(at - s.p);
}

/*
 * Offset of the text, which is not empty, or s.n. Texts are short, and so is
 * the way to them: memmem() takes longer to get ready than this to be done.
 */
static inline size_t
span_find_text(struct span s, const char *text, size_t n)
{
	const char *at = s.p, *end;

	if (s.n < n)
		return s.n;
	for (end = s.p + s.n - n + 1;
	     (at = memchr(at, text[0], (size_t)(end - at))) != NULL; at++)
		if (memcmp(at, text, n) == 0)
			return (size_t)(at - s.p);
	return s.n;
}
#define span_find(s, lit) span_find_text((s), (lit), sizeof(lit) - 1)
#define span_has(s, lit) (span_find((s), lit) < (s).n)

/*
 * Cut what stands before c and move *s behind it; without c all of it is
 * cut, and *s is empty.
 */
static inline struct span
span_cut(struct span *s, char c)
{
	size_t n = span_chr(*s, c);
	struct span head = {s->p, n};

	*s = span_skip(*s, n + 1);
	return head;
}

#endif
