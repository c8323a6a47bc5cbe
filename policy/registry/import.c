#include "import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attributes.h"
#include "diag.h"
#include "import_csv.h"
#include "import_destinations.h"
#include "import_json.h"
#include "import_postfix.h"
#include "mem.h"
#include "quote.h"
#include "registry.h"

#define WIDTH 79
#define INDENT "          "

/* --- Text ----------------------------------------------------------------- */

/*
 * The pieces of text, with end behind each, on lines of WIDTH: the first line
 * begins with `head`, the others with `next`.
 */
static void
put_wrapped(struct buf *out, const char *head, const char *next, char end,
    const char *text)
{
	size_t column, n;
	const char *p;

	buf_puts(out, head);
	column = strlen(head);
	for (p = text; *p != '\0'; p += n + (p[n] == end)) {
		n = strcspn(p, (const char[]){end, '\0'});
		if (n == 0)
			continue;
		if (p != text && column + 1 + n > WIDTH) {
			buf_putc(out, '\n');
			buf_puts(out, next);
			column = strlen(next);
		} else if (p != text) {
			buf_putc(out, ' ');
			column++;
		}
		buf_add(out, p, n);
		column += n;
	}
	buf_putc(out, '\n');
}

struct span
import_trimmed(struct span s)
{
	static const char blanks[] = " \t\r\n";

	while (s.n > 0 && memchr(blanks, s.p[0], 4) != NULL)
		s = span_skip(s, 1);
	while (s.n > 0 && memchr(blanks, s.p[s.n - 1], 4) != NULL)
		s.n--;
	return s;
}

/* What belongs to the next row stands apart from what was written so far. */
static void
begin(struct import *im)
{
	if (im->out.len > 0)
		buf_putc(&im->out, '\n');
}

void
import_comment(struct import *im, const char *text)
{
	struct buf safe = {0};

	begin(im);
	quote_put(&safe, text, strlen(text));
	put_wrapped(
	    &im->out, "# ", "#   ", ' ', safe.data == NULL ? "" : safe.data);
	buf_free(&safe);
}

/* --- What is taken -------------------------------------------------------- */

static const char *
domain_of(const void *array, uint32_t i)
{
	return ((const struct import_domain *)array)[i].name;
}

static const char *
name_of(const void *array, uint32_t i)
{
	return ((const char *const *)array)[i];
}

/* The partner's name: wanted, or a domain, made fit, and of nobody else. */
static const char *
take_name(struct import *im, const char *wanted)
{
	char name[REGISTRY_NAME_MAX + 1];
	size_t n = 0, base;
	unsigned again = 1;

	for (; *wanted != '\0' && n + 8 < sizeof(name); wanted++) {
		const char c = *wanted;
		const bool alnum = (c >= 'a' && c <= 'z') ||
				   (c >= 'A' && c <= 'Z') ||
				   (c >= '0' && c <= '9');

		if (alnum || (n > 0 && (c == '.' || c == '_' || c == '-')))
			name[n++] = c;
		else if (n > 0 && name[n - 1] != '-')
			name[n++] = '-';
	}
	while (n > 0 && (name[n - 1] == '-' || name[n - 1] == '.'))
		n--;
	if (n == 0)
		name[n++] = 'p';
	name[n] = '\0';
	base = n;
	while (strmap_find(&im->names, im->name, name, n) != STRMAP_NONE)
		n = base + (size_t)snprintf(name + base, sizeof(name) - base,
			       "-%u", ++again % 1000000);
	im->name =
	    mem_grow(im->name, im->nnames, &im->name_cap, sizeof(*im->name));
	im->name[im->nnames] = arena_copy(&im->arena, name, n);
	(void)strmap_add(&im->names, im->name, name, n, (uint32_t)im->nnames);
	return im->name[im->nnames++];
}

/* Write the last statement. */
static void
flush(struct import *im)
{
	if (im->pending_name == NULL)
		return;
	buf_printf(&im->out, "partner   %s\n", im->pending_name);
	put_wrapped(&im->out, INDENT, INDENT, '\n', im->pending.data);
	im->pending_name = NULL;
	buf_clear(&im->pending);
}

void
import_release(struct import *im)
{
	buf_free(&im->out);
	buf_free(&im->pending);
	free(im->row);
	free(im->domain);
	free(im->name);
	strmap_free(&im->domains);
	strmap_free(&im->names);
	arena_free(&im->arena);
	*im = (struct import){0};
}

/* --- A row ---------------------------------------------------------------- */

void
importrow_begin(
    struct importrow *r, struct import *of, unsigned line, struct span domain)
{
	if (of->domains.name == NULL) {
		strmap_init(&of->domains, domain_of);
		strmap_init(&of->names, name_of);
	}
	*r = (struct importrow){.of = of, .line = line};
	buf_add(&r->domain, domain.p, domain.n);
	buf_add(&r->domain, "", 0);
}

/* Has the value what would end the word, or be another one? */
static bool
breaks(struct span value, const char *bytes)
{
	size_t i, n;

	if (value.n == 0)
		return true;
	for (i = 0; i < value.n; i += n)
		if (strchr(bytes, value.p[i]) != NULL ||
		    ((unsigned char)value.p[i] < 0x20) ||
		    quote_unsafe(value.p + i, value.n - i, &n))
			return true;
	return false;
}

void
importrow_word(struct importrow *r, const char *name, struct span value)
{
	if (breaks(value, " {}"))
		importrow_note(r, true, "%s: %s cannot be said in one word",
		    name, quote(value.p, value.n).s);
	else
		buf_printf(&r->words, "%s=%.*s\n", name, SPAN_ARG(value));
}

void
importrow_text(struct importrow *r, const char *name, struct span value)
{
	if (breaks(value, "{}"))
		importrow_note(r, true,
		    "%s: %s has a brace or a character "
		    "that is not allowed",
		    name, quote(value.p, value.n).s);
	else if (memchr(value.p, ' ', value.n) == NULL)
		importrow_word(r, name, value);
	else
		buf_printf(&r->words, "{ %s = %.*s }\n", name, SPAN_ARG(value));
}

static void __attribute__((format(printf, 2, 0)))
put_note(struct importrow *r, const char *fmt, va_list ap)
{
	char text[1024];
	struct buf safe = {0};

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	quote_put(&safe, text, strlen(text));
	buf_printf(&r->notes, "%s\n", safe.data);
	buf_free(&safe);
}

void
importrow_note(struct importrow *r, bool lost, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_note(r, fmt, ap);
	va_end(ap);
	r->partly = r->partly || lost;
}

void
importrow_leave(struct importrow *r, const char *fmt, ...)
{
	char why[768];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	buf_clear(&r->notes);
	importrow_note(r, false, "left out: %s", why);
	r->left = true;
}

/* The statement as a registry of its own; NULL after its fault was said. */
static struct registry *
parse(struct importrow *r)
{
	struct buf text = {0};
	struct diags d = {0};
	struct registry *reg;
	size_t i;

	buf_printf(&text, "partner x domain=%s ", r->domain.data);
	for (i = 0; i < r->words.len; i++)
		buf_putc(
		    &text, r->words.data[i] == '\n' ? ' ' : r->words.data[i]);
	reg = registry_parse("", text.data, text.len, 0, &d);
	for (i = 0; i < d.n && d.v[i].kind != DIAG_ERROR; i++)
		;
	if (i < d.n || reg->npartners != 1 || reg->ndomains == 0) {
		importrow_leave(
		    r, "%s", i < d.n ? d.v[i].text : "it makes no partner");
		registry_free(reg);
		reg = NULL;
	}
	diag_free(&d);
	buf_free(&text);
	return reg;
}

/*
 * Note the domains in their normal form into list; false if there is none
 * left, for others have them.
 */
static bool
take_domains(struct importrow *r, const struct registry *reg, const char *words,
    struct buf *list)
{
	struct import *im = r->of;
	const char *name;
	uint32_t have;
	size_t i;

	for (i = 0; i < reg->ndomains; i++) {
		name = reg->domain[i].name;
		im->domain = mem_grow(im->domain, im->ndomains, &im->domain_cap,
		    sizeof(*im->domain));
		im->domain[im->ndomains] = (struct import_domain){
		    arena_copy(&im->arena, name, strlen(name)), words, r->line};
		have = strmap_add(&im->domains, im->domain, name, strlen(name),
		    (uint32_t)im->ndomains);
		if (have == STRMAP_NONE) {
			im->ndomains++;
			buf_printf(
			    list, "%s%s", list->len > 0 ? "," : "", name);
		} else if (strcmp(im->domain[have].words, words) != 0) {
			char where[32] = "";

			if (im->domain[have].line > 0)
				(void)snprintf(where, sizeof(where),
				    " (line %u)", im->domain[have].line);
			importrow_note(r, true,
			    "%s is there already, with another policy%s, which "
			    "counts",
			    name, where);
		}
	}
	return list->len > 0;
}

/* Is one of them `.d` and the other one `d`? */
static bool
is_beside(const char *a, const char *b)
{
	return (*a == '.' && strcmp(a + 1, b) == 0) ||
	       (*b == '.' && strcmp(b + 1, a) == 0);
}

static void
put_notes(struct importrow *r)
{
	char number[16] = "", *line;
	const char *p, *end;

	if (r->line > 0)
		(void)snprintf(number, sizeof(number), ":%u", r->line);
	for (p = r->notes.data; p != NULL && *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		line = mem_printf("%s%s: %s: %.*s", r->of->file, number,
		    quote(r->domain.data, r->domain.len).s, (int)(end - p), p);
		put_wrapped(&r->of->out, "# ", "#   ", ' ', line);
		free(line);
	}
}

/* Postfix and tlspact-compile need the files that the row trusts. */
static void
note_files(struct importrow *r, const struct strs *ca)
{
	bool unread = false;
	size_t i;

	for (i = 0; i < ca->n; i++) {
		if (*ca->v[i] != '/' || access(ca->v[i], R_OK) == 0)
			continue;
		importrow_note(r, false,
		    "CA file %s: %s: without it nothing is compiled, and "
		    "Postfix holds all mail for such a row",
		    quotes(ca->v[i]).s, strerror(errno));
		unread = true;
	}
	r->of->unread += unread;
}

/* A domain of the row is a partner's already: both cannot stay. */
static void
note_had(struct importrow *r, const struct registry *reg)
{
	const struct registry *have = r->of->have;
	const struct partner *p;
	const char *name;
	uint32_t i, of;

	for (i = 0; have != NULL && i < reg->partner[0].ndomains; i++) {
		name = reg->domain[reg->partner[0].first_domain + i].name;
		of = registry_domain(have, name);
		if (of == REGISTRY_NONE)
			continue;
		p = &have->partner[have->domain[of].partner];
		importrow_note(r, false,
		    "%s belongs to partner %s already (%s:%u): take one of "
		    "both away",
		    name, p->name, partner_file(have, p), p->line);
		r->of->had++;
		return;
	}
}

/* A statement of its own, or one domain more of the last one. */
static void
put_statement(struct importrow *r, const struct registry *reg,
    const char *domains, const char *words)
{
	struct import *im = r->of;
	char *more;

	if (im->pending_name != NULL && r->notes.len == 0 && r->name.len == 0 &&
	    im->pending_domain != NULL &&
	    strcmp(im->pending_words, words) == 0 &&
	    is_beside(im->pending_domain, domains)) {
		more = mem_printf(
		    "domain=%s,%s\n%s", im->pending_domain, domains, words);
		buf_clear(&im->pending);
		buf_puts(&im->pending, more);
		free(more);
		im->pending_domain = NULL;
		r->partner = im->pending_name;
		return;
	}
	flush(im);
	begin(im);
	note_files(r, reg->partner[0].attributes->ca);
	put_notes(r);
	im->pending_name =
	    take_name(im, r->name.len > 0 ? r->name.data : domains);
	r->partner = im->pending_name;
	im->pending_words = words;
	im->pending_domain =
	    r->name.len > 0 ? NULL
			    : arena_copy(&im->arena, domains, strlen(domains));
	buf_printf(&im->pending, "domain=%s\n%s", domains, words);
}

/* Keep what became of it. */
static void
keep(struct importrow *r)
{
	struct import *im = r->of;

	im->row = mem_grow(im->row, im->rows, &im->row_cap, sizeof(*im->row));
	im->row[im->rows++] = (struct import_row){.line = r->line,
	    .domain = arena_copy(&im->arena, r->domain.data, r->domain.len),
	    .partner = r->partner,
	    .notes = arena_copy(&im->arena,
		r->notes.data == NULL ? "" : r->notes.data, r->notes.len),
	    .partly = r->partly && !r->left,
	    .left = r->left};
	im->left += r->left;
	im->partly += r->partly && !r->left;
}

void
importrow_end(struct importrow *r)
{
	struct import *im = r->of;
	struct buf list = {0};
	struct registry *reg = NULL;
	const char *words = arena_copy(&im->arena,
	    r->words.data == NULL ? "" : r->words.data, r->words.len);
	bool some = false;

	if (!r->left && (reg = parse(r)) != NULL)
		some = take_domains(r, reg, words, &list);
	if (some) {
		note_had(r, reg);
		put_statement(r, reg, list.data, words);
	} else {
		/* Said twice alike, or in another script, is no loss. */
		r->left = r->left || r->partly;
		if (r->notes.len > 0) {
			flush(im);
			begin(im);
		}
		put_notes(r);
	}
	keep(r);
	registry_free(reg);
	buf_free(&list);
	buf_free(&r->domain);
	buf_free(&r->name);
	buf_free(&r->words);
	buf_free(&r->notes);
}

const struct import_format *const import_formats[] = {
    &import_postfix, &import_csv, &import_json, &import_destinations, NULL};

int
import_text(
    struct import *im, unsigned format, char *text, size_t len, struct err *e)
{
	int rc = import_formats[format]->read(im, text, len, e);

	flush(im);
	return rc;
}
