#include "conf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "buf.h"
#include "diag.h"
#include "lines.h"
#include "meant.h"
#include "mem.h"
#include "num.h"
#include "quote.h"

static void *
value_of(const struct conf *c, const struct conf_item *it)
{
	return (char *)c->values + it->offset;
}

/* NULL, or what is wrong with the value; the phrase may stand in why. */
static const char *
bad_choice(const struct conf_item *it, const char *value, struct buf *why)
{
	struct meant m = meant(value);
	size_t i;

	buf_puts(why, "is not one of");
	for (i = 0; it->choices[i] != NULL; i++) {
		buf_printf(why, "%s %s", i == 0 ? "" : ",", it->choices[i]);
		meant_try(&m, it->choices[i]);
	}
	buf_puts(why, meant_text(&m).s);
	return why->data;
}

static const char *
bad_range(const struct conf_item *it, struct buf *why)
{
	char a[NUM_DURATION_MAX], b[NUM_DURATION_MAX];

	if (it->type == CONF_NUMBER)
		buf_printf(why, "is not a number from %" PRIu64 " to %" PRIu64,
		    it->min, it->max);
	else
		buf_printf(why,
		    "is not a time from %s to %s (units s, m, h, d, w)",
		    num_duration_text(it->min, a),
		    num_duration_text(it->max, b));
	return why->data;
}

static const char *
set(const struct conf *c, const struct conf_item *it, const char *value,
    struct buf *why)
{
	void *to = value_of(c, it);
	const char *bad;
	uint64_t v;
	int i;

	switch (it->type) {
	case CONF_TEXT:
		if (it->check != NULL && (bad = it->check(value)) != NULL)
			return bad;
		free(*(char **)to);
		*(char **)to = mem_dup(value);
		return NULL;
	case CONF_NUMBER:
		if (num_parse(value, it->min, it->max, &v) == -1)
			return bad_range(it, why);
		*(uint64_t *)to = v;
		return NULL;
	case CONF_DURATION:
		if (num_duration(value, it->max, &v) == -1 || v < it->min)
			return bad_range(it, why);
		*(uint64_t *)to = v;
		return NULL;
	case CONF_CHOICE:
		for (i = 0; it->choices[i] != NULL; i++)
			if (strcmp(it->choices[i], value) == 0) {
				*(int *)to = i;
				return NULL;
			}
		return bad_choice(it, value, why);
	}
	return "has no type";
}

static void
set_default(const struct conf *c, const struct conf_item *it)
{
	struct buf why = {0};

	if (set(c, it, it->preset, &why) != NULL)
		abort(); /* a default of ours is wrong */
	buf_free(&why);
}

/*
 * What is not understood. Whoever names the file may not be allowed to read
 * it, and it may be none of ours: little of that is shown.
 */
static struct quoted
shown_of(const char *text, unsigned line)
{
	return line == 0 ? quotes(text) : quote_word(text);
}

/* `map /var/lib/x.cdb`: with the '=' it is well. */
static void
say_equals(const struct conf *c, const char *text, const char *file,
    unsigned line, struct diags *d)
{
	const size_t len = strcspn(text, " \t");
	const char *value = text + len + strspn(text + len, " \t");
	struct buf right = {0};
	struct quoted shown;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strlen(c->item[i].name) == len &&
		    strncmp(c->item[i].name, text, len) == 0)
			break;
	if (i == c->n) {
		shown = shown_of(text, line);
		diag_error(d, file, line, "%s%smissing '='", shown.s,
		    *shown.s == '\0' ? "" : ": ");
		return;
	}
	buf_printf(
	    &right, "%s=%s", c->item[i].name, *value == '\0' ? "VALUE" : value);
	diag_error(d, file, line, "%s: missing '=': say %s", quotes(text).s,
	    quotes(right.data).s);
	buf_free(&right);
}

/* set_on: the line on which each item was set, 0 if not. */
static void
assign(const struct conf *c, char *text, const char *file, unsigned line,
    unsigned *set_on, struct diags *d)
{
	struct buf why = {0};
	char *name, *value;
	struct quoted shown;
	struct meant m;
	const char *bad;
	size_t i;

	if (attr_assign(text, &name, &value) == -1) {
		say_equals(c, text, file, line, d);
		return;
	}
	m = meant(name);
	for (i = 0; i < c->n && strcmp(c->item[i].name, name) != 0; i++)
		meant_try(&m, c->item[i].name);
	if (i == c->n) {
		shown = shown_of(name, line);
		diag_error(d, file, line, "%s%sunknown setting%s", shown.s,
		    *shown.s == '\0' ? "" : ": ", meant_text(&m).s);
	} else if (line != 0 && set_on[i] != 0)
		diag_error(d, file, line, "%s is set already on line %u", name,
		    set_on[i]);
	else if ((bad = set(c, &c->item[i], value, &why)) != NULL)
		diag_error(
		    d, file, line, "%s: %s %s", name, quotes(value).s, bad);
	else
		set_on[i] = line;
	buf_free(&why);
}

static void
read_file(const struct conf *c, const struct conf_source *from,
    unsigned *set_on, struct diags *d)
{
	struct lines in;
	struct line line;
	long bad = lines_bad_byte(from->text, from->len);
	const size_t enough = d->errors + CONF_ERRORS_MAX;

	if (bad != -1) {
		diag_error(d, from->file, lines_number(from->text, (size_t)bad),
		    "%s: a control character, or not UTF-8",
		    quote(from->text + bad, 1).s);
		return;
	}
	lines_init(&in, from->text, from->len);
	while (lines_next(&in, &line)) {
		if (d->errors == enough) {
			diag_error(d, from->file, line.no,
			    "and more may be wrong: not read from here on");
			break;
		}
		if (*line.text == ' ' || *line.text == '\t')
			diag_error(d, from->file, line.no,
			    "a line that starts with a blank continues "
			    "nothing");
		else
			assign(c, line.text, from->file, line.no, set_on, d);
	}
}

void
conf_read(const struct conf *c, const struct conf_source *from, struct diags *d)
{
	unsigned *set_on = mem_zero(c->n, sizeof(*set_on));
	size_t i;
	char *copy;

	for (i = 0; i < c->n; i++)
		set_default(c, &c->item[i]);
	if (from->text != NULL)
		read_file(c, from, set_on, d);
	for (i = 0; i < from->noverrides; i++) {
		copy = mem_dup(from->override[i]);
		if (lines_bad_byte(copy, strlen(copy)) != -1)
			diag_error(d, from->option, 0,
			    "%s: a control character, or not UTF-8",
			    quotes(copy).s);
		else
			assign(c, copy, from->option, 0, set_on, d);
		free(copy);
	}
	free(set_on);
}

void
conf_print(const struct conf *c, struct buf *out)
{
	char text[NUM_DURATION_MAX];
	const struct conf_item *it;
	size_t i;

	for (i = 0; i < c->n; i++) {
		it = &c->item[i];
		buf_printf(out, "%s =", it->name);
		switch (it->type) {
		case CONF_TEXT:
			if (**(char **)value_of(c, it) != '\0')
				buf_printf(
				    out, " %s", *(char **)value_of(c, it));
			break;
		case CONF_NUMBER:
			buf_printf(
			    out, " %" PRIu64, *(uint64_t *)value_of(c, it));
			break;
		case CONF_DURATION:
			buf_printf(out, " %s",
			    num_duration_text(
				*(uint64_t *)value_of(c, it), text));
			break;
		case CONF_CHOICE:
			buf_printf(
			    out, " %s", it->choices[*(int *)value_of(c, it)]);
			break;
		}
		buf_putc(out, '\n');
	}
}

void
conf_free(const struct conf *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->item[i].type == CONF_TEXT) {
			free(*(char **)value_of(c, &c->item[i]));
			*(char **)value_of(c, &c->item[i]) = NULL;
		}
}
