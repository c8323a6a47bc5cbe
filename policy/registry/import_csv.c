#include "import_csv.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "attributes.h"
#include "err.h"
#include "import.h"
#include "quote.h"

#define COLUMNS_MAX 64

/* What is between fields, and what is left. */
struct csv {
	struct span rest;
	char separator;
	unsigned line; /* of the field that comes next */
};

struct column {
	const char *name; /* NULL: it is no attribute */
	bool list, text;
};

/* Attributes whose value may have blanks. */
static bool
is_text(const char *name)
{
	return strcmp(name, "contact") == 0 || strcmp(name, "note") == 0 ||
	       strcmp(name, "operator") == 0 || strcmp(name, "ticket") == 0;
}

/* The field in quotes, without them; a doubled one is one. */
static void
quoted(struct csv *in, struct buf *field)
{
	struct span *s = &in->rest;

	for (*s = span_skip(*s, 1); s->n > 0; *s = span_skip(*s, 1)) {
		if (*s->p == '"' && (s->n == 1 || s->p[1] != '"'))
			break;
		if (*s->p == '"')
			*s = span_skip(*s, 1);
		in->line += *s->p == '\n';
		buf_putc(field, *s->p == '\n' || *s->p == '\r' ? ' ' : *s->p);
	}
	*s = span_skip(*s, 1);
}

/* The next field of the row; false: it was the last one. */
static bool
next_field(struct csv *in, struct buf *field)
{
	char end = '\n';

	buf_clear(field);
	while (in->rest.n > 0 && *in->rest.p == ' ')
		in->rest = span_skip(in->rest, 1);
	if (in->rest.n > 0 && *in->rest.p == '"')
		quoted(in, field);
	while (in->rest.n > 0) {
		end = *in->rest.p;
		in->rest = span_skip(in->rest, 1);
		if (end == in->separator || end == '\n')
			break;
		buf_putc(field, end);
		end = '\n';
	}
	in->line += end == '\n';
	return end != '\n';
}

/* The separator that the first line has most of. */
static char
separator_of(struct span text)
{
	static const char separators[] = ",;\t";
	struct span first = span_cut(&text, '\n');
	char best = ',';
	size_t most = 0, n, i, k;

	for (i = 0; separators[i] != '\0'; i++) {
		for (n = k = 0; k < first.n; k++)
			n += first.p[k] == separators[i];
		if (n > most) {
			most = n;
			best = separators[i];
		}
	}
	return best;
}

/* What the column of that title holds; the name lives as long as im. */
static struct column
column_of(struct import *im, struct span title)
{
	struct column c = {NULL, false, false};
	unsigned place = 0;
	char *name = arena_copy(&im->arena, title.p, title.n);
	char *note;
	size_t i;

	for (i = 0; i < title.n; i++)
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] += 'a' - 'A';
		else if (name[i] == '_' || name[i] == ' ')
			name[i] = '-';
	if (strcmp(name, "name") == 0)
		name = arena_copy(&im->arena, "partner", 7);
	if (strcmp(name, "partner") != 0 &&
	    (attribute_find(name, &place, &c.list) == ATTRIBUTE_COUNT ||
		(place & ATTRIBUTE_OF_PARTNER) == 0)) {
		note = arena_alloc(&im->arena, QUOTE_MAX + 128);
		(void)snprintf(note, QUOTE_MAX + 128,
		    "column %s is no attribute of a partner and is left out",
		    quote(title.p, title.n).s);
		import_comment(im, note);
		return c;
	}
	c.name = name;
	c.text = is_text(name);
	return c;
}

/* The elements with a comma between them, whatever was there. */
static void
take_list(struct importrow *r, struct buf *to, const struct column *c,
    struct span value)
{
	struct buf list = {0};
	size_t i;

	for (i = 0; i < value.n; i++) {
		const char ch =
		    strchr(",; \t", value.p[i]) != NULL ? ',' : value.p[i];

		if (ch != ',' ||
		    (list.len > 0 && list.data[list.len - 1] != ','))
			buf_putc(&list, ch);
	}
	while (list.len > 0 && list.data[list.len - 1] == ',')
		list.data[--list.len] = '\0';
	if (to != NULL)
		buf_add(to, list.data, list.len);
	else if (list.len > 0)
		importrow_word(r, c->name, (struct span){list.data, list.len});
	buf_free(&list);
}

static void
take_field(struct importrow *r, const struct column *c, struct span value)
{
	if (c->name == NULL || value.n == 0)
		return;
	if (strcmp(c->name, "partner") == 0)
		buf_add(&r->name, value.p, value.n);
	else if (strcmp(c->name, "domain") == 0)
		take_list(r, &r->domain, c, value);
	else if (strcmp(c->name, "issuer") == 0 || c->text)
		importrow_text(r, c->name, value);
	else if (c->list)
		take_list(r, NULL, c, value);
	else
		importrow_word(r, c->name, value);
}

/* Pass over a line without any value, such as ";;;;". */
static bool
empty_line(struct csv *in)
{
	struct span rest = in->rest, line = span_cut(&rest, '\n');
	size_t i;

	for (i = 0; i < line.n; i++)
		if (strchr(" \t\r", line.p[i]) == NULL &&
		    line.p[i] != in->separator)
			return false;
	in->rest = rest;
	in->line++;
	return true;
}

static void
take_row(struct import *im, struct csv *in, const struct column *c, size_t n)
{
	struct buf field = {0};
	struct importrow row;
	size_t i = 0;
	bool more;

	importrow_begin(&row, im, in->line, (struct span){"", 0});
	do {
		more = next_field(in, &field);
		struct span value = import_trimmed(
		    (struct span){field.len > 0 ? field.data : "", field.len});

		if (i < n)
			take_field(&row, &c[i++], value);
		else if (value.n > 0)
			importrow_note(&row, true,
			    "%s is behind the last column",
			    quote(value.p, value.n).s);
	} while (more);
	if (row.domain.len == 0)
		importrow_leave(&row, "there is no domain");
	importrow_end(&row);
	buf_free(&field);
}

static int
read_all(struct import *im, char *text, size_t len, struct err *e)
{
	struct csv in = {.rest = {text, len}, .line = 1};
	struct column column[COLUMNS_MAX];
	struct buf field = {0};
	bool more, domain = false;
	size_t n = 0;

	if (span_begins(in.rest, "\xef\xbb\xbf"))
		in.rest = span_skip(in.rest, 3);
	in.separator = separator_of(in.rest);
	if (memchr(text, '\0', len) != NULL)
		return err_set(e, EX_DATAERR,
		    "a NUL byte: this is no CSV file (UTF-16? save it as "
		    "UTF-8)");
	do {
		more = next_field(&in, &field);
		if (n == COLUMNS_MAX) {
			buf_free(&field);
			return err_set(e, EX_DATAERR,
			    "the first line has more than %d columns",
			    COLUMNS_MAX);
		}
		column[n] = column_of(
		    im, import_trimmed((struct span){
			    field.len > 0 ? field.data : "", field.len}));
		domain = domain || (column[n].name != NULL &&
				       strcmp(column[n].name, "domain") == 0);
		n++;
	} while (more);
	buf_free(&field);
	if (!domain)
		return err_set(
		    e, EX_DATAERR, "the first line names no column \"domain\"");
	while (in.rest.n > 0)
		if (!empty_line(&in))
			take_row(im, &in, column, n);
	return 0;
}

const struct import_format import_csv = {"csv", read_all};
