#include "meant.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Capitals are no slip. */
static char
small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
alike(char a, char b)
{
	return small(a) == small(b);
}

/* How many slips make b of a, both at most MEANT_MAX long. */
static unsigned
slips(const char *a, size_t alen, const char *b, size_t blen)
{
	unsigned row[3][MEANT_MAX + 1], *before = row[0], *up = row[1],
					*now = row[2], *old;
	size_t i, k;

	for (k = 0; k <= blen; k++)
		up[k] = (unsigned)k;
	for (i = 1; i <= alen; i++) {
		now[0] = (unsigned)i;
		for (k = 1; k <= blen; k++) {
			now[k] = least(least(up[k], now[k - 1]) + 1,
			    up[k - 1] + !alike(a[i - 1], b[k - 1]));
			if (i > 1 && k > 1 && alike(a[i - 1], b[k - 2]) &&
			    alike(a[i - 2], b[k - 1]))
				now[k] = least(now[k], before[k - 2] + 1);
		}
		old = before;
		before = up;
		up = now;
		now = old;
	}
	return up[blen];
}

struct meant
meant(const char *word)
{
	const size_t len = strlen(word);

	/* What is nearer than this is near enough. */
	return (struct meant){.word = word,
	    .len = len,
	    .far = len < 2 || len > MEANT_MAX ? 0
		   : len < 5		      ? 2
					      : 3};
}

void
meant_try(struct meant *m, const char *known)
{
	const size_t len = strlen(known);
	unsigned far;

	if (len < 2 || len + m->far <= m->len || m->len + m->far <= len ||
	    len > MEANT_MAX)
		return;
	far = slips(m->word, m->len, known, len);
	if (far >= m->far)
		return;
	m->far = far;
	m->name = known;
}

struct meant_text
meant_text(const struct meant *m)
{
	struct meant_text t = {""};

	if (m->name != NULL)
		(void)snprintf(t.s, sizeof(t.s), "; did you mean %s?", m->name);
	return t;
}
