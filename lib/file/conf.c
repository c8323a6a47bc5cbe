#include "conf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "buf.h"
#include "diag.h"
#include "lines.h"
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
bad_choice(const struct conf_item *it, struct buf *why)
{
	size_t i;

	buf_puts(why, "is not one of");
	for (i = 0; it->choices[i] != NULL; i++)
		buf_printf(why, "%s %s", i == 0 ? "" : ",", it->choices[i]);
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
		return bad_choice(it, why);
	}
	return "has no type";
}

void
conf_init(struct conf *c, const struct conf_item *item, size_t n, void *values)
{
	struct buf why = {0};
	size_t i;

	c->item = item;
	c->n = n;
	c->values = values;
	c->set_on = mem_zero(n, sizeof(*c->set_on));
	for (i = 0; i < n; i++)
		if (set(c, &item[i], item[i].preset, &why) != NULL)
			abort(); /* a default of ours is wrong */
	buf_free(&why);
}

static void
assign(struct conf *c, char *text, const char *file, unsigned line,
    struct diags *d)
{
	struct buf why = {0};
	char *name, *value;
	const char *bad;
	size_t i;

	if (attr_assign(text, &name, &value) == -1) {
		diag_error(d, file, line, "%s: missing '='", quotes(text).s);
		return;
	}
	for (i = 0; i < c->n && strcmp(c->item[i].name, name) != 0; i++)
		;
	if (i == c->n)
		diag_error(
		    d, file, line, "%s: unknown setting", quotes(name).s);
	else if (line != 0 && c->set_on[i] != 0)
		diag_error(d, file, line, "%s is set already on line %u", name,
		    c->set_on[i]);
	else if ((bad = set(c, &c->item[i], value, &why)) != NULL)
		diag_error(
		    d, file, line, "%s: %s %s", name, quotes(value).s, bad);
	else
		c->set_on[i] = line;
	buf_free(&why);
}

void
conf_parse(
    struct conf *c, const char *file, char *text, size_t len, struct diags *d)
{
	struct lines in;
	struct line line;
	long bad = lines_bad_byte(text, len);

	if (bad != -1) {
		diag_error(d, file, lines_number(text, (size_t)bad),
		    "%s: a control character, or not UTF-8",
		    quote(text + bad, 1).s);
		return;
	}
	lines_init(&in, text, len);
	while (lines_next(&in, &line)) {
		if (*line.text == ' ' || *line.text == '\t')
			diag_error(d, file, line.no,
			    "a line that starts with a blank continues "
			    "nothing");
		else
			assign(c, line.text, file, line.no, d);
	}
}

void
conf_override(
    struct conf *c, const char *assignment, const char *file, struct diags *d)
{
	char *copy = mem_dup(assignment);

	if (lines_bad_byte(copy, strlen(copy)) != -1)
		diag_error(d, file, 0, "%s: a control character, or not UTF-8",
		    quotes(assignment).s);
	else
		assign(c, copy, file, 0, d);
	free(copy);
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
conf_free(struct conf *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->item[i].type == CONF_TEXT) {
			free(*(char **)value_of(c, &c->item[i]));
			*(char **)value_of(c, &c->item[i]) = NULL;
		}
	free(c->set_on);
	c->set_on = NULL;
	c->n = 0;
}
