#include "strength.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "tlsversion.h"

const char *
change_name(enum change c)
{
	static const char *const names[] = {
	    [CHANGE_NONE] = "none",
	    [CHANGE_ADDED] = "added",
	    [CHANGE_REMOVED] = "removed",
	    [CHANGE_WEAKER] = "weaker",
	    [CHANGE_STRONGER] = "stronger",
	    [CHANGE_OTHER] = "changed",
	};

	return names[c];
}

/* A policy taken apart; the strings point into a copy of the text. */
struct policy {
	char *copy;
	int rank; /* -1: not understood */
	const char *level;
	const char *match; /* NULL if not said, and so on below */
	const char *protocols;
	const char *ciphers;
	char *tafile; /* all of them, '|' before each; owned */
	bool other;   /* has attributes that we do not write */
};

static void
take(struct policy *p, char *word)
{
	char *eq = strchr(word, '='), *files;

	if (eq == NULL) {
		p->other = true;
		return;
	}
	*eq++ = '\0';
	if (strcasecmp(word, "match") == 0 && p->match == NULL) {
		p->match = eq;
	} else if (strcasecmp(word, "protocols") == 0) {
		p->protocols = eq;
	} else if (strcasecmp(word, "ciphers") == 0) {
		p->ciphers = eq;
	} else if (strcasecmp(word, "tafile") == 0) {
		files =
		    mem_printf("%s|%s", p->tafile == NULL ? "" : p->tafile, eq);
		free(p->tafile);
		p->tafile = files;
	} else {
		p->other = true;
	}
}

#define SEPARATORS " \t\r\n,"

static void
parse(struct policy *p, const char *text, size_t len)
{
	char *word, *save = NULL;

	*p = (struct policy){.rank = -1};
	p->copy = mem_alloc(len + 1);
	memcpy(p->copy, text, len);
	p->copy[len] = '\0';
	word = strtok_r(p->copy, SEPARATORS, &save);
	if (word == NULL)
		return;
	p->level = word;
	p->rank = level_of_postfix(word, NULL);
	while ((word = strtok_r(NULL, SEPARATORS, &save)) != NULL)
		take(p, word);
}

static void
release(struct policy *p)
{
	free(p->copy);
	free(p->tafile);
}

bool
strength_level(const char *text, size_t len, enum level *out)
{
	char word[16];
	size_t n = 0;

	/* Called for every row of a map, so no copy of the whole. */
	while (len > 0 && strchr(SEPARATORS, *text) != NULL) {
		text++;
		len--;
	}
	for (; n < len && n < sizeof(word) - 1; n++) {
		if (text[n] == '\0' || strchr(SEPARATORS, text[n]) != NULL)
			break;
		word[n] = text[n];
	}
	word[n] = '\0';
	return level_of_postfix(word, out) != -1;
}

/* Is the word of n bytes an element of list? */
static bool
has(const char *list, const char *word, size_t n, const char *seps)
{
	size_t m;

	while (*(list += strspn(list, seps)) != '\0') {
		m = strcspn(list, seps);
		if (m == n && strncasecmp(list, word, n) == 0)
			return true;
		list += m;
	}
	return false;
}

/*
 * Is the name of n bytes below a .suffix in list? All names are where
 * `hostname` is in it: who forges the MX record chooses the name.
 */
static bool
below(const char *list, const char *name, size_t n)
{
	size_t m;

	while (*(list += strspn(list, ":")) != '\0') {
		m = strcspn(list, ":");
		if (m == 8 && strncasecmp(list, "hostname", m) == 0)
			return true;
		if (*list == '.' && m < n &&
		    strncasecmp(list, name + n - m, m) == 0)
			return true;
		list += m;
	}
	return false;
}

/* Does b have every element of a? Of names it may have one above instead. */
static bool
within(const char *a, const char *b, const char *seps)
{
	size_t n;

	while (*(a += strspn(a, seps)) != '\0') {
		n = strcspn(a, seps);
		if (!has(b, a, n, seps) && (*seps != ':' || !below(b, a, n)))
			return false;
		a += n;
	}
	return true;
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcasecmp(a, b) == 0);
}

/*
 * One property: more elements accepted is weaker. NULL means that the
 * property is not said, which `unsaid` judges.
 */
static enum change
compare_sets(
    const char *was, const char *is, const char *seps, enum change unsaid)
{
	if (same(was, is))
		return CHANGE_NONE;
	if (was == NULL)
		return unsaid == CHANGE_WEAKER ? CHANGE_STRONGER : CHANGE_OTHER;
	if (is == NULL)
		return unsaid;
	if (within(was, is, seps))
		return within(is, was, seps) ? CHANGE_NONE : CHANGE_WEAKER;
	return within(is, was, seps) ? CHANGE_STRONGER : CHANGE_OTHER;
}

static enum change
compare_ranks(int was, int is)
{
	return was == is  ? CHANGE_NONE
	       : is < was ? CHANGE_WEAKER
			  : CHANGE_STRONGER;
}

static enum change
compare_protocols(const char *was, const char *is)
{
	int a = was == NULL ? -1 : tls_version_floor(was, strlen(was));
	int b = is == NULL ? -1 : tls_version_floor(is, strlen(is));

	if (same(was, is))
		return CHANGE_NONE;
	return a == -1 || b == -1 ? CHANGE_OTHER : compare_ranks(a, b);
}

static int
grade_of(const char *ciphers)
{
	static const char *const names[] = {
	    "null", "export", "low", "medium", "high"};
	int i;

	for (i = 0; ciphers != NULL && i < 5; i++)
		if (strcasecmp(ciphers, names[i]) == 0)
			return i;
	return -1;
}

static enum change
compare_ciphers(const char *was, const char *is)
{
	int a = grade_of(was), b = grade_of(is);

	if (same(was, is))
		return CHANGE_NONE;
	return a == -1 || b == -1 ? CHANGE_OTHER : compare_ranks(a, b);
}

/*
 * Sum up. What got weaker is not made good by what is only different, such as
 * another name; what got stronger may.
 */
static enum change
both(enum change a, enum change b)
{
	if (a == CHANGE_NONE || a == b)
		return b;
	if (b == CHANGE_NONE)
		return a;
	return a != CHANGE_STRONGER && b != CHANGE_STRONGER ? CHANGE_WEAKER
							    : CHANGE_OTHER;
}

static enum change
compare(const struct policy *a, const struct policy *b)
{
	const char *seps =
	    a->level != NULL && strcasecmp(a->level, "fingerprint") == 0 ? "|"
									 : ":";
	enum change c;

	if (a->rank == -1 || b->rank == -1)
		return CHANGE_OTHER;
	if (a->rank != b->rank)
		return compare_ranks(a->rank, b->rank);
	c = compare_sets(a->match, b->match, seps, CHANGE_OTHER);
	c = both(c, compare_protocols(a->protocols, b->protocols));
	c = both(c, compare_ciphers(a->ciphers, b->ciphers));
	c = both(c, compare_sets(a->tafile, b->tafile, "|", CHANGE_WEAKER));
	if (a->other || b->other || strcasecmp(a->level, b->level) != 0 ||
	    c == CHANGE_NONE)
		c = CHANGE_OTHER;
	return c;
}

enum change
strength_compare(const char *was, size_t waslen, const char *is, size_t islen)
{
	struct policy a, b;
	enum change c;

	if (waslen == islen && memcmp(was, is, islen) == 0)
		return CHANGE_NONE;
	parse(&a, was, waslen);
	parse(&b, is, islen);
	c = compare(&a, &b);
	release(&a);
	release(&b);
	return c;
}
