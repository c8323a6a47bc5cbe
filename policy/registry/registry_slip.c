#include "registry_slip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "diag.h"
#include "dname.h"
#include "lines.h"
#include "meant.h"
#include "quote.h"
#include "registry.h"

#define BLANKS " \t\n"

static enum attribute
find(const char *name, bool *list)
{
	unsigned place;

	*list = false;
	return attribute_find(name, &place, list);
}

/* The next word, or the end. */
static const char *
ahead(const struct attrs *words)
{
	return words->next + strspn(words->next, BLANKS);
}

/* Is that a word that can be part of a value? */
static bool
goes_on(const struct attrs *words)
{
	const char *p = ahead(words);

	if (*p == '\0' || *p == '{' || *p == '#')
		return false;
	p += strcspn(p, "=" BLANKS);
	return p[strspn(p, BLANKS)] != '=';
}

static bool
ends_in_comma(const char *s, size_t len)
{
	return len > 0 && s[len - 1] == ',';
}

bool
registry_is_cut(const struct attrs *words, const struct attr *a)
{
	bool list;

	if (*a->name == '#')
		return true;
	/* There may be millions that are well. */
	if (a->len > 0 && !ends_in_comma(a->value, a->len) &&
	    *ahead(words) != ',')
		return false;
	(void)find(a->name, &list);
	return (a->len == 0 || list) && goes_on(words);
}

/* Put what belongs to the value of that attribute behind what v has of it. */
static void
gather(struct attrs *words, const char *name, struct buf *v)
{
	struct attr more;
	bool list;
	const bool text = attribute_has_blanks(find(name, &list));

	while (goes_on(words) && (v->len == 0 || text ||
				     (list && (ends_in_comma(v->data, v->len) ||
						  *ahead(words) == ',')))) {
		if (text && v->len > 0)
			buf_putc(v, ' ');
		(void)attr_next(words, &more);
		buf_puts(v, more.name);
	}
}

/* The attribute as it is to be written. */
static struct quoted
written(const char *name, const struct buf *v)
{
	const char *value = v->len > 0 ? v->data : "";
	const bool braces = strchr(value, ' ') != NULL;
	struct buf b = {0};
	struct quoted q;

	buf_printf(&b, braces ? "{ %s = " : "%s=", name);
	/* Braces stand for the quotation marks of others. */
	for (; *value != '\0'; value++)
		if (*value != '"')
			buf_putc(&b, *value);
	buf_puts(&b, braces ? " }" : "");
	q = quotes(b.data);
	buf_free(&b);
	return q;
}

/* A '#': the rest of the line, which attr_next() may have ended already. */
static void
comment(struct diags *d, const char *file, struct attrs *words,
    const struct attr *a)
{
	diag_error(d, file, a->line,
	    "%s: no comment can stand behind a word; a comment is a line of "
	    "its own",
	    quotes(a->name).s);
	if (words->line == a->line)
		words->next += strcspn(words->next, "\n");
}

/* Let that, but for commas at its end, be the value of `a`. */
static bool
taken(struct attr *a, char *value)
{
	a->value = value;
	a->len = strlen(value);
	while (ends_in_comma(value, a->len))
		value[--a->len] = '\0';
	return true;
}

/* `name = value`, and `name =value`. */
static bool
blank_in_front(
    struct diags *d, const char *file, struct attrs *words, struct attr *a)
{
	struct buf v = {0};
	struct attr rest, first;
	char *value;

	(void)attr_next(words, &rest);
	value = rest.value;
	buf_puts(&v, value);
	if (*value == '\0' && goes_on(words)) {
		(void)attr_next(words, &first);
		value = first.name;
		buf_puts(&v, value);
	}
	gather(words, a->name, &v);
	if (v.len > 0)
		diag_error(d, file, a->line,
		    "%s: no blank may stand around '=': say %s",
		    quotes(a->name).s, written(a->name, &v).s);
	buf_free(&v);
	return taken(a, value);
}

/* `name= value`, and a list with blanks beside its commas. */
static bool
cut_short(
    struct diags *d, const char *file, struct attrs *words, struct attr *a)
{
	const bool empty = a->len == 0;
	struct buf v = {0};
	struct attr first;

	buf_puts(&v, a->value);
	if (empty) {
		(void)attr_next(words, &first);
		a->value = first.name;
		buf_puts(&v, first.name);
	}
	gather(words, a->name, &v);
	diag_error(d, file, a->line, "%s: no blank may stand %s: say %s",
	    quotes(a->name).s,
	    empty ? "around '='" : "beside a comma of the list",
	    written(a->name, &v).s);
	buf_free(&v);
	return taken(a, a->value);
}

/* `name value`. */
static bool
lacks_equals(
    struct diags *d, const char *file, struct attrs *words, struct attr *a)
{
	struct buf v = {0};
	struct attr first;

	if (!goes_on(words)) {
		diag_error(d, file, a->line,
		    "%s: missing '=' after the attribute's name",
		    quotes(a->name).s);
		return false;
	}
	(void)attr_next(words, &first);
	buf_puts(&v, first.name);
	gather(words, a->name, &v);
	diag_error(d, file, a->line,
	    "%s: missing '=' after the attribute's name: say %s",
	    quotes(a->name).s, written(a->name, &v).s);
	buf_free(&v);
	return taken(a, first.name);
}

/* A word behind the value of a text. */
static void
needs_braces(struct diags *d, const char *file, struct attrs *words,
    const struct attr *a, const struct attr *before)
{
	struct buf v = {0};

	/* A list was cut at its commas. */
	if (strlen(before->value) == before->len)
		buf_puts(&v, before->value);
	else
		buf_puts(&v, "...");
	buf_printf(&v, " %s", a->name);
	gather(words, before->name, &v);
	diag_error(d, file, a->line,
	    "%s: a value with blanks stands in braces: say %s",
	    quotes(a->name).s, written(before->name, &v).s);
	buf_free(&v);
}

/* `drop-for=4 hours`. */
static bool
splits_time(struct diags *d, const char *file, const struct attr *a,
    enum attribute in_front, const struct attr *before)
{
	if (in_front != ATTRIBUTE_DROP_FOR || before->len > 9 ||
	    before->value[strspn(before->value, "0123456789")] != '\0' ||
	    strchr("smhdw", *a->name) == NULL)
		return false;
	diag_error(d, file, a->line, "%s: a time is one word: say %s=%s%c",
	    quotes(a->name).s, before->name, before->value, *a->name);
	return true;
}

/* `mode:enforced`. */
static bool
has_colon(struct diags *d, const char *file, const struct attr *a)
{
	const size_t len = strcspn(a->name, ":");
	struct buf name = {0}, v = {0};
	bool list, is_known;

	buf_add(&name, a->name, len);
	is_known =
	    a->name[len] != '\0' && find(name.data, &list) != ATTRIBUTE_COUNT;
	if (is_known) {
		buf_puts(&v, a->name + len + 1);
		diag_error(d, file, a->line,
		    "%s: not ':' but '=' stands behind the attribute's name: "
		    "say %s",
		    quotes(a->name).s, written(name.data, &v).s);
	}
	buf_free(&name);
	buf_free(&v);
	return is_known;
}

static bool
lone_word(struct diags *d, const char *file, struct attrs *words,
    struct attr *a, const struct attr *before)
{
	enum attribute in_front = ATTRIBUTE_COUNT;
	struct meant m;
	bool list, is_list = false;

	if (*ahead(words) == '=')
		return blank_in_front(d, file, words, a);
	if (find(a->name, &list) != ATTRIBUTE_COUNT)
		return lacks_equals(d, file, words, a);
	if (has_colon(d, file, a))
		return false;
	if (before->name != NULL)
		in_front = find(before->name, &is_list);
	m = attribute_meant(a->name);
	if (*a->name == ',')
		diag_error(d, file, a->line,
		    "%s: blanks alone stand between attributes",
		    quotes(a->name).s);
	else if (attribute_has_blanks(in_front))
		needs_braces(d, file, words, a, before);
	else if (splits_time(d, file, a, in_front, before))
		;
	else if (is_list && m.name == NULL)
		diag_error(d, file, a->line,
		    "%s: commas, not blanks, separate the elements of %s",
		    quotes(a->name).s, before->name);
	else
		diag_error(d, file, a->line,
		    "%s: missing '=' after the attribute's name%s",
		    quotes(a->name).s, meant_text(&m).s);
	return false;
}

bool
registry_slip(struct diags *d, const char *file, struct attrs *words,
    struct attr *a, const struct attr *before)
{
	if (*a->name == '#') {
		comment(d, file, words, a);
		return false;
	}
	return a->value == NULL ? lone_word(d, file, words, a, before)
				: cut_short(d, file, words, a);
}

void
registry_slip_place(struct diags *d, const char *file, const struct attr *a,
    const char *statement, unsigned line)
{
	if (line == a->line)
		diag_error(d, file, a->line,
		    "attribute %s cannot be said in a %s statement", a->name,
		    statement);
	else
		diag_error(d, file, a->line,
		    "attribute %s cannot be said in the %s statement of line "
		    "%u; is a partner line missing?",
		    a->name, statement, line);
}

bool
registry_slip_begin(struct diags *d, const char *file, const struct line *line)
{
	const char *bad = NULL;

	if (line->text[0] == ' ' || line->text[0] == '\t')
		bad = "a line that starts with a blank continues nothing";
	else if (strncmp(line->text, "\xef\xbb\xbf", 3) == 0)
		bad = "a byte order mark (U+FEFF) is in front of the line: "
		      "save the file without it";
	if (bad != NULL)
		diag_error(d, file, line->no, "%s", bad);
	return bad != NULL;
}

void
registry_slip_pair(
    struct diags *d, const char *file, unsigned line, const char *name)
{
	const struct quoted shown = quote_word(name);

	diag_error(d, file, line,
	    "%s%sa line begins with partner, provider, default or include; "
	    "one that goes on begins with a blank",
	    shown.s, *shown.s == '\0' ? "" : ": ");
}

void
registry_slip_word(
    struct diags *d, const char *file, unsigned line, const char *word)
{
	static const char *const known[] = {
	    "partner", "provider", "default", "include"};
	const struct quoted shown = quote_word(word);
	struct meant m = meant(word);
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		meant_try(&m, known[i]);
	diag_error(d, file, line,
	    "unknown word%s%s: a line begins with partner, provider, default "
	    "or include%s",
	    *shown.s == '\0' ? "" : " ", shown.s, meant_text(&m).s);
}

enum attribute
registry_slip_name(struct diags *d, const char *file, const struct attr *a)
{
	const struct meant m = attribute_meant(a->name);
	bool list;

	diag_error(d, file, a->line, "unknown attribute %s%s",
	    quotes(a->name).s, meant_text(&m).s);
	return m.name == NULL ? ATTRIBUTE_COUNT : find(m.name, &list);
}

const char *
registry_slip_domain(const char *s, const char *bad, char *buf, size_t size)
{
	char name[DNAME_NEXTHOP_MAX + ATTRIBUTE_PHRASE_MAX];
	const char *host = strstr(s, "://"), *at = strrchr(s, '@');
	struct dname ignored;
	size_t len;

	if (strchr(s, ';') != NULL)
		return "commas, not semicolons, separate domains";
	if (host != NULL)
		host += strlen("://");
	else if (at != NULL)
		host = at + 1;
	if (host != NULL) {
		len = strcspn(host, "/>");
		(void)snprintf(buf, size, "a domain is no %s: say %s",
		    at != NULL ? "address" : "URL", quote(host, len).s);
		return buf;
	}
	if (strncmp(s, "*.", 2) != 0 ||
	    dname_nexthop(s + 1, name, &ignored) != NULL)
		return bad;
	(void)snprintf(
	    buf, size, "all names below it are said as %s", quotes(s + 1).s);
	return buf;
}

void
registry_near_try(const struct registry *r, struct meant *m)
{
	size_t i;

	for (i = 0; r != NULL && i < r->npartners; i++)
		meant_try(m, r->partner[i].name);
	for (i = 0; r != NULL && i < r->ndomains; i++)
		meant_try(m, r->domain[i].name);
}

struct meant_text
registry_near(const struct registry *r, const char *name)
{
	struct meant m = meant(name);

	registry_near_try(r, &m);
	return meant_text(&m);
}

const char *
registry_near_domain(const struct registry *r, const char *name)
{
	struct meant m = meant(name);
	size_t i;

	for (i = 0; i < r->ndomains; i++)
		if (*r->domain[i].name != '.')
			meant_try(&m, r->domain[i].name);
	return m.name;
}

struct meant_text
registry_slip_provider(const struct registry *r, const char *name)
{
	struct meant m = meant(name);
	const char *known;
	size_t i;

	for (i = 0; registry_provider(r, i, &known) != NULL; i++)
		meant_try(&m, known);
	return meant_text(&m);
}
