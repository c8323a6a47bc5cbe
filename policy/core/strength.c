#include "strength.h"

#include <string.h>
#include <strings.h>

#include "buf.h"
#include "span.h"
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

enum change
change_of_rank(int was, int is)
{
	return was == is  ? CHANGE_NONE
	       : is < was ? CHANGE_WEAKER
			  : CHANGE_STRONGER;
}

enum change
change_sum(enum change a, enum change b, enum change mixed)
{
	if (a == CHANGE_NONE || a == b)
		return b;
	if (b == CHANGE_NONE)
		return a;
	if (a != CHANGE_WEAKER && b != CHANGE_WEAKER)
		return CHANGE_OTHER;
	return a == CHANGE_STRONGER || b == CHANGE_STRONGER ? mixed
							    : CHANGE_WEAKER;
}

/* A policy taken apart; the spans are of its text, p is NULL if not said. */
struct policy {
	int rank; /* -1: not understood */
	struct span level, match, protocols, ciphers, servername;
	struct buf tafile; /* all of them, '|' behind each */
	bool other;	   /* has attributes that we do not write */
};

static bool
is_word(struct span a, struct span b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

#define IS(s, lit) is_word((s), (struct span){(lit), sizeof(lit) - 1})

static void
take(struct policy *p, struct span value)
{
	size_t n = value.n;
	struct span name = span_cut(&value, '=');

	if (name.n == n)
		p->other = true;
	else if (IS(name, "match") && p->match.p == NULL)
		p->match = value;
	else if (IS(name, "protocols"))
		p->protocols = value;
	else if (IS(name, "ciphers"))
		p->ciphers = value;
	else if (IS(name, "servername") && p->servername.p == NULL)
		p->servername = value;
	else if (IS(name, "tafile"))
		buf_printf(&p->tafile, "%.*s|", SPAN_ARG(value));
	else
		p->other = true;
}

/* Asked a million times, so without strchr(3). */
static bool
is_separator(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
}

/* The next word of a text, which a NUL ends; false if there is none. */
static bool
next_word(struct span *text, struct span *word)
{
	while (text->n > 0 && is_separator(*text->p))
		*text = span_skip(*text, 1);
	*word = (struct span){text->p, 0};
	while (word->n < text->n && word->p[word->n] != '\0' &&
	       !is_separator(word->p[word->n]))
		word->n++;
	*text = span_skip(*text, word->n);
	return word->n > 0;
}

static void
parse(struct policy *p, const char *text, size_t len)
{
	struct span rest = {text, len}, word;

	*p = (struct policy){.rank = -1};
	if (!next_word(&rest, &p->level))
		return;
	p->rank = level_of_postfix(p->level.p, p->level.n, NULL);
	while (next_word(&rest, &word))
		take(p, word);
}

bool
strength_level(const char *text, size_t len, enum level *out)
{
	struct span rest = {text, len}, word;

	return next_word(&rest, &word) &&
	       level_of_postfix(word.p, word.n, out) != -1;
}

/* The next element of a list, empty ones passed over. */
static bool
next(struct span *list, char separator, struct span *element)
{
	do {
		if (list->n == 0)
			return false;
		*element = span_cut(list, separator);
	} while (element->n == 0);
	return true;
}

/*
 * Does the list have the word? Of names it may have one above instead: a
 * .suffix, or `hostname`, which is all names, as who forges the MX record
 * chooses the name.
 */
static bool
covers(struct span list, struct span word, char separator)
{
	struct span e;

	while (next(&list, separator, &e))
		if (is_word(e, word) ||
		    (separator == ':' &&
			(IS(e, "hostname") ||
			    (*e.p == '.' && e.n < word.n &&
				is_word(e, span_skip(word, word.n - e.n))))))
			return true;
	return false;
}

/* Does b cover every element of a? */
static bool
within(struct span a, struct span b, char separator)
{
	struct span e;

	while (next(&a, separator, &e))
		if (!covers(b, e, separator))
			return false;
	return true;
}

static bool
same(struct span a, struct span b)
{
	return (a.p == NULL) == (b.p == NULL) && (a.p == NULL || is_word(a, b));
}

/*
 * One property: more elements accepted is weaker. What a property that is not
 * said means, `unsaid` judges.
 */
static enum change
compare_sets(
    struct span was, struct span is, char separator, enum change unsaid)
{
	if (same(was, is))
		return CHANGE_NONE;
	if (was.p == NULL)
		return unsaid == CHANGE_WEAKER ? CHANGE_STRONGER : CHANGE_OTHER;
	if (is.p == NULL)
		return unsaid;
	if (within(was, is, separator))
		return within(is, was, separator) ? CHANGE_NONE : CHANGE_WEAKER;
	return within(is, was, separator) ? CHANGE_STRONGER : CHANGE_OTHER;
}

/* Two ranks; -1: not understood. */
static enum change
compare_ranks(int was, int is)
{
	return was == -1 || is == -1 ? CHANGE_OTHER : change_of_rank(was, is);
}

static enum change
compare_protocols(struct span was, struct span is)
{
	return same(was, is) ? CHANGE_NONE
			     : compare_ranks(tls_version_floor(was.p, was.n),
				   tls_version_floor(is.p, is.n));
}

static int
grade_of(struct span ciphers)
{
	static const char *const names[] = {
	    "null", "export", "low", "medium", "high"};
	int i;

	for (i = 0; i < 5; i++)
		if (is_word(ciphers, (struct span){names[i], strlen(names[i])}))
			return i;
	return -1;
}

static enum change
compare_ciphers(struct span was, struct span is)
{
	return same(was, is) ? CHANGE_NONE
			     : compare_ranks(grade_of(was), grade_of(is));
}

static enum change
compare(const struct policy *a, const struct policy *b)
{
	const struct span ta_was = {a->tafile.data, a->tafile.len};
	const struct span ta_is = {b->tafile.data, b->tafile.len};
	enum change c;

	if (a->rank != b->rank || a->rank == -1)
		return compare_ranks(a->rank, b->rank);
	c = compare_sets(a->match, b->match,
	    IS(a->level, "fingerprint") ? '|' : ':', CHANGE_OTHER);
	c = change_sum(
	    c, compare_protocols(a->protocols, b->protocols), CHANGE_OTHER);
	c = change_sum(
	    c, compare_ciphers(a->ciphers, b->ciphers), CHANGE_OTHER);
	/* What is asked for is not what is taken. */
	if (!same(a->servername, b->servername))
		c = change_sum(c, CHANGE_OTHER, CHANGE_OTHER);
	c = change_sum(
	    c, compare_sets(ta_was, ta_is, '|', CHANGE_WEAKER), CHANGE_OTHER);
	if (a->other || b->other || !is_word(a->level, b->level) ||
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
	buf_free(&a.tafile);
	buf_free(&b.tafile);
	return c;
}
