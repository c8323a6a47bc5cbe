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

/* What stands between the elements of a list. */
#define NAMES ':'
#define PINS '|'
#define FILES '\n'

/* A policy taken apart; the spans are of its text, p is NULL if not said. */
struct policy {
	int rank;   /* -1: not understood */
	bool names; /* secure, or verify: what both do with their match= */
	struct span level, match, protocols, ciphers, servername;
	struct buf matches; /* all of them, if there are several */
	struct buf tafile;  /* all of them, FILES behind each */
	bool other;	    /* has attributes that we do not write */
	bool bad;	    /* has what no Postfix takes */
	bool braces;	    /* has what Postfix 3.10 reads otherwise than we */
};

static bool
is_word(struct span a, struct span b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

#define IS(s, lit) is_word((s), (struct span){(lit), sizeof(lit) - 1})

static char
list_of(const struct policy *p)
{
	return IS(p->level, "fingerprint") ? PINS : NAMES;
}

/* Postfix adds up what is there again. */
static void
take_match(struct policy *p, struct span value)
{
	p->bad = p->bad || value.n == 0 ||
		 !(p->names || IS(p->level, "fingerprint"));
	if (p->match.p == NULL) {
		p->match = value;
		return;
	}
	if (p->matches.len == 0)
		buf_add(&p->matches, p->match.p, p->match.n);
	buf_putc(&p->matches, list_of(p));
	buf_add(&p->matches, value.p, value.n);
	p->match = (struct span){p->matches.data, p->matches.len};
}

/* Postfix refuses what is there again. */
static void
take_once(struct policy *p, struct span *to, struct span value)
{
	p->bad = p->bad || to->p != NULL;
	*to = value;
}

static void
take(struct policy *p, struct span value)
{
	size_t n = value.n;
	struct span name = span_cut(&value, '=');

	if (name.n == n) {
		p->bad = true;
		p->braces = p->braces || *name.p == '{';
	} else if (IS(name, "match")) {
		take_match(p, value);
	} else if (IS(name, "protocols")) {
		take_once(p, &p->protocols, value);
	} else if (IS(name, "ciphers")) {
		take_once(p, &p->ciphers, value);
		p->bad = p->bad || value.n == 0;
	} else if (IS(name, "servername")) {
		take_once(p, &p->servername, value);
		p->bad = p->bad || value.n == 0;
	} else if (IS(name, "tafile")) {
		p->bad = p->bad || value.n == 0 || !p->names;
		buf_printf(&p->tafile, "%.*s%c", SPAN_ARG(value), FILES);
	} else {
		p->other = true;
		p->braces = p->braces || *name.p == '{';
	}
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

bool
strength_level(const char *text, size_t len, enum level *out)
{
	struct span rest = {text, len}, word;

	return next_word(&rest, &word) &&
	       level_of_postfix(word.p, word.n, out) != -1;
}

/* The same pin, with colons between its bytes or without? */
static bool
is_pin(struct span a, struct span b)
{
	while (a.n > 0 && b.n > 0) {
		if (*a.p == ':')
			a = span_skip(a, 1);
		else if (*b.p == ':')
			b = span_skip(b, 1);
		else if (!is_word((struct span){a.p, 1}, (struct span){b.p, 1}))
			return false;
		else {
			a = span_skip(a, 1);
			b = span_skip(b, 1);
		}
	}
	return a.n == 0 && b.n == 0;
}

static bool
is_element(struct span a, struct span b, char separator)
{
	return separator == FILES  ? span_same(a, b)
	       : separator == PINS ? is_pin(a, b)
				   : is_word(a, b);
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

/* Does the list have it, as it is? */
static bool
has(struct span list, struct span word, char separator)
{
	struct span e;

	while (next(&list, separator, &e))
		if (is_element(e, word, separator))
			return true;
	return false;
}

/*
 * The names that are taken if there is no match=, postconf(5). In nothing else
 * do secure and verify differ.
 */
static void
fill_match(struct policy *p)
{
	static const char secure[] = "nexthop:dot-nexthop", name[] = "hostname";

	if (p->match.p == NULL && IS(p->level, "secure"))
		p->match = (struct span){secure, sizeof(secure) - 1};
	else if (p->match.p == NULL && IS(p->level, "verify"))
		p->match = (struct span){name, sizeof(name) - 1};
	/* Any name at all is less than DANE, whatever it is called. */
	if (p->names)
		p->rank = level_of_postfix(
		    has(p->match, span_of("hostname"), NAMES) ? "verify"
							      : "secure",
		    strlen("secure"), NULL);
}

static void
parse(struct policy *p, const char *text, size_t len)
{
	struct span rest = {text, len}, word;

	*p = (struct policy){.rank = -1};
	if (!next_word(&rest, &p->level))
		return;
	p->rank = level_of_postfix(p->level.p, p->level.n, NULL);
	p->names = IS(p->level, "secure") || IS(p->level, "verify");
	/* Postfix reads no further than `none'. */
	while (p->rank > 0 && next_word(&rest, &word))
		take(p, word);
	fill_match(p);
}

static void
release(struct policy *p)
{
	buf_free(&p->matches);
	buf_free(&p->tafile);
}

static bool
same_kind(const struct policy *a, const struct policy *b)
{
	return (a->names && b->names) || is_word(a->level, b->level);
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
		if (is_element(e, word, separator) ||
		    (separator == NAMES &&
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

static bool
is_held(const struct policy *p)
{
	return p->rank == -1 || (p->bad && !p->braces);
}

static enum change
compare(const struct policy *a, const struct policy *b)
{
	const struct span ta_was = {a->tafile.data, a->tafile.len};
	const struct span ta_is = {b->tafile.data, b->tafile.len};
	enum change c;

	if (is_held(a) || is_held(b))
		return CHANGE_OTHER;
	if (a->rank != b->rank && !same_kind(a, b))
		return change_of_rank(a->rank, b->rank);
	c = compare_sets(a->match, b->match, list_of(a), CHANGE_OTHER);
	c = change_sum(
	    c, compare_protocols(a->protocols, b->protocols), CHANGE_OTHER);
	c = change_sum(
	    c, compare_ciphers(a->ciphers, b->ciphers), CHANGE_OTHER);
	/* What is asked for is not what is taken. */
	if (!same(a->servername, b->servername))
		c = change_sum(c, CHANGE_OTHER, CHANGE_OTHER);
	c = change_sum(
	    c, compare_sets(ta_was, ta_is, FILES, CHANGE_WEAKER), CHANGE_OTHER);
	if (a->other || b->other || a->bad || b->bad || !same_kind(a, b) ||
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

static bool
same_sets(struct span a, struct span b, char separator)
{
	struct span left, e;

	for (left = a; next(&left, separator, &e);)
		if (!has(b, e, separator))
			return false;
	for (left = b; next(&left, separator, &e);)
		if (!has(a, e, separator))
			return false;
	return true;
}

static bool
same_protocols(struct span a, struct span b)
{
	enum tls_version low[2], high[2];

	return same(a, b) ||
	       (a.n > 0 && b.n > 0 &&
		   tls_version_range(a.p, a.n, &low[0], &high[0]) &&
		   tls_version_range(b.p, b.n, &low[1], &high[1]) &&
		   low[0] == low[1] && high[0] == high[1]);
}

static bool
same_policy(const struct policy *a, const struct policy *b)
{
	const struct span was = {a->tafile.data, a->tafile.len};
	const struct span is = {b->tafile.data, b->tafile.len};

	/* A name that is asked for goes out as it is written. */
	return a->rank != -1 && !a->other && !b->other && !a->bad && !b->bad &&
	       same_kind(a, b) && same_sets(a->match, b->match, list_of(a)) &&
	       same_protocols(a->protocols, b->protocols) &&
	       same(a->ciphers, b->ciphers) &&
	       (a->servername.p == NULL) == (b->servername.p == NULL) &&
	       span_same(a->servername, b->servername) &&
	       same_sets(was, is, FILES);
}

bool
strength_same(const char *was, size_t waslen, const char *is, size_t islen)
{
	struct policy a, b;
	bool yes;

	parse(&a, was, waslen);
	parse(&b, is, islen);
	yes = same_policy(&a, &b);
	release(&a);
	release(&b);
	return yes;
}

bool
strength_held(const char *text, size_t len)
{
	struct policy p;
	bool yes;

	parse(&p, text, len);
	yes = is_held(&p);
	release(&p);
	return yes;
}

/* The same word of the other text, whose value is another; or nothing. */
static struct span
counterpart(struct span text, struct span name)
{
	struct span word, value;

	while (next_word(&text, &word)) {
		value = word;
		if (is_word(span_cut(&value, '='), name) && name.n < word.n)
			return value;
	}
	return (struct span){NULL, 0};
}

/* A list of names or pins; "..." stands for what the other one has, too. */
static void
put_list(struct span list, struct span other, char separator, struct buf *out)
{
	const char *between = "";
	bool left_out = false;
	struct span e;

	while (next(&list, separator, &e)) {
		if (has(other, e, separator)) {
			left_out = true;
			continue;
		}
		buf_printf(out, "%s%.*s", between, SPAN_ARG(e));
		between = separator == NAMES ? ":" : "|";
	}
	if (left_out)
		buf_printf(out, "%s...", between);
}

static void
put_word(struct span word, struct span other, char separator, struct buf *out)
{
	struct span value = word, name = span_cut(&value, '=');

	if (word.n <= STRENGTH_WORD || !IS(name, "match")) {
		buf_add(out, word.p, word.n);
		return;
	}
	buf_puts(out, "match=");
	put_list(value, counterpart(other, name), separator, out);
}

static bool
has_word(struct span text, struct span wanted)
{
	struct span word;

	while (next_word(&text, &word))
		if (is_word(word, wanted))
			return true;
	return false;
}

void
strength_words(struct span text, struct span other, struct buf *out)
{
	const char separator =
	    has_word(text, span_of("fingerprint")) ? PINS : NAMES;
	struct span rest = text, word;
	const char *between = "";

	while (next_word(&rest, &word)) {
		if (has_word(other, word))
			continue;
		buf_puts(out, between);
		put_word(word, other, separator, out);
		between = " ";
	}
}
