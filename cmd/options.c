#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "buf.h"
#include "diag.h"
#include "mem.h"
#include "num.h"
#include "say.h"

#define COLUMN 23 /* where the words begin that explain an option */
#define LONG 256  /* getopt_long() returns this and the index of the row */

/* --- What -h says ----------------------------------------------------- */

static void
put_synopsis(const struct options_table *t, struct buf *out)
{
	const char *line = t->synopsis, *end;
	int indent = (int)strlen("usage: ") + (int)strlen(t->program);

	for (; *line != '\0'; line = end + (*end != '\0')) {
		end = line + strcspn(line, "\n");
		if (*line == ' ')
			buf_printf(out, "%*s", indent, "");
		else
			buf_printf(out, "%s%s ",
			    line == t->synopsis ? "usage: " : "       ",
			    t->program);
		buf_printf(out, "%.*s\n", (int)(end - line), line);
	}
}

/* What stands from `from` on is explained; help may have several lines. */
static void
put_help(const struct options_table *t, size_t from, const char *help,
    struct buf *out)
{
	int column = t->column == 0 ? COLUMN : t->column, n;
	const char *end;

	n = (int)(out->len - from) + 2;
	if (n > column)
		n = n > COLUMN ? n : COLUMN;
	else
		n = column;
	buf_printf(out, "%*s", n - (int)(out->len - from), "");
	for (; *(end = help + strcspn(help, "\n")) != '\0'; help = end + 1)
		buf_printf(
		    out, "%.*s\n%*s", (int)(end - help), help, column, "");
	buf_printf(out, "%s\n", help);
}

static void
put_row(
    const struct options_table *t, const struct options_row *r, struct buf *out)
{
	size_t from = out->len;

	if (r->show != NULL)
		buf_printf(out, "  %s", r->show);
	else if (r->letter != 0)
		buf_printf(out, "  -%c, --%s", r->letter, r->name);
	else
		buf_printf(out, "      --%s", r->name);
	if (r->show == NULL && r->arg != NULL)
		buf_printf(out, " %s", r->arg);
	put_help(t, from, r->help, out);
}

static void
usage(const struct options_table *t, FILE *to)
{
	struct buf out = {0};
	size_t i, from;

	put_synopsis(t, &out);
	buf_printf(&out, "%s\n", t->about);
	for (i = 0; i < t->nverbs; i++)
		if (t->verb[i].help != NULL) {
			from = out.len;
			buf_printf(&out, "  %s", t->verb[i].name);
			put_help(t, from, t->verb[i].help, &out);
		}
	for (i = 0; i < t->nrows; i++)
		if (t->row[i].help != NULL && *t->row[i].help != '\0')
			put_row(t, &t->row[i], &out);
	for (i = 0; i < t->nrows; i++)
		if (t->row[i].help == NULL)
			buf_printf(&out, "  -%c, --%s", t->row[i].letter,
			    t->row[i].name);
	(void)fprintf(to, "%s\n", out.data);
	buf_free(&out);
}

void
options_misused(const struct options_table *t, const void *to)
{
	usage(t, stderr);
	exit(t->misused == NULL ? EX_USAGE : t->misused(to));
}

/* --- Reading ---------------------------------------------------------- */

/* One option goes where its row says; false: not with that argument. */
static bool
take(const struct options_table *t, const struct options_row *r,
    const char *arg, void *to)
{
	void *at = (char *)to + r->at;
	struct options_list *list = at;
	int *form = at;

	switch (r->kind) {
	case OPTIONS_FLAG:
		*(bool *)at = true;
		return true;
	case OPTIONS_WORD:
		*(const char **)at = arg;
		return true;
	case OPTIONS_LIST:
		list->v =
		    mem_grow(list->v, list->n, &list->cap, sizeof(*list->v));
		list->v[list->n++] = arg;
		return true;
	case OPTIONS_NUMBER:
		return num_parse(arg, 0, r->value, at) == 0;
	case OPTIONS_TIME:
		return num_time(arg, at) == 0;
	case OPTIONS_FORM:
		if ((r->only != NULL && strcmp(arg, r->only) != 0) ||
		    (*form != 0 && *form != (int)r->value))
			return false;
		*form = (int)r->value;
		return true;
	case OPTIONS_SET:
		settings_option(at, arg);
		return true;
	case OPTIONS_HELP:
		usage(t, stdout);
		exit(say_flushed(EX_OK));
	case OPTIONS_VERSION:
		(void)printf("%s %s\n", t->program, VERSION);
		exit(say_flushed(EX_OK));
	}
	return false;
}

static const struct options_row *
find_row(const struct options_table *t, int ch)
{
	size_t i;

	if (ch >= LONG)
		return &t->row[ch - LONG];
	for (i = 0; i < t->nrows; i++)
		if (t->row[i].letter == ch)
			return &t->row[i];
	return NULL;
}

/* The verb's index, or nverbs. */
static unsigned
find_verb(const struct options_table *t, const char *name)
{
	unsigned i;

	for (i = 0; i < t->nverbs; i++)
		if (strcmp(t->verb[i].name, name) == 0)
			break;
	return i;
}

/* Take the verb; do its arguments and the options, by row, go with it? */
static bool
take_verb(const struct options_table *t, struct options *o, const bool *seen)
{
	size_t i;

	o->verb = find_verb(t, o->n == 0 ? "" : *o->arg);
	if (o->verb == t->nverbs)
		return false;
	if (o->n > 0) {
		o->arg++;
		o->n--;
	}
	for (i = 0; i < t->nrows; i++)
		if (seen[i] && t->row[i].verbs != 0 &&
		    (t->row[i].verbs & OPTIONS_VERB(o->verb)) == 0)
			return false;
	return o->n >= t->verb[o->verb].min && o->n <= t->verb[o->verb].max;
}

void
options_read(const struct options_table *t, int argc, char *argv[], void *to)
{
	struct option *longs = mem_zero(t->nrows + 1, sizeof(*longs));
	bool *seen = mem_zero(t->nrows, sizeof(*seen));
	const struct options_row *r;
	struct options *o = to;
	struct buf letters = {0};
	size_t i;
	int ch;

	for (i = 0; i < t->nrows; i++) {
		longs[i] = (struct option){t->row[i].name,
		    t->row[i].arg == NULL ? no_argument : required_argument,
		    NULL, LONG + (int)i};
		if (t->row[i].letter != 0)
			buf_printf(&letters, "%c%s", t->row[i].letter,
			    t->row[i].arg == NULL ? "" : ":");
	}
	while (
	    (ch = getopt_long(argc, argv, letters.data, longs, NULL)) != -1) {
		if ((r = find_row(t, ch)) == NULL || !take(t, r, optarg, to))
			options_misused(t, to);
		seen[r - t->row] = true;
	}
	o->arg = argv + optind;
	o->n = argc - optind;
	if (t->verb != NULL ? !take_verb(t, o, seen)
			    : t->max >= 0 && o->n > t->max)
		options_misused(t, to);
	buf_free(&letters);
	free(longs);
	free(seen);
}

const char **
options_again(const struct options *o)
{
	const struct settings_options *s = &o->settings;
	const char **argv = mem_zero(2 * s->n + 3, sizeof(*argv));
	size_t n = 0, i;

	if (s->file != NULL) {
		argv[n++] = "-C";
		argv[n++] = s->file;
	}
	for (i = 0; i < s->n; i++) {
		argv[n++] = "-o";
		argv[n++] = s->override[i];
	}
	return argv;
}

int
options_settings(struct options *o, struct settings *s)
{
	struct diags d = {0};
	int code = settings_read(s, &o->settings, &d);

	diag_free(&d);
	return code;
}
