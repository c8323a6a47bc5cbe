#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "buf.h"
#include "clock.h"
#include "diag.h"
#include "meant.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "say.h"
#include "timeslip.h"

#define COLUMN 23 /* where the words begin that explain an option */
#define LONG 256  /* getopt_long() returns this and the index of the row */

/* --- What -h says ----------------------------------------------------- */

/* The index of the verb, or nverbs. */
static unsigned
find_verb(const struct options_table *t, const char *name)
{
	unsigned i;

	for (i = 0; i < t->nverbs; i++)
		if (strcmp(t->verb[i].name, name) == 0)
			break;
	return i;
}

/* The verb's name; NULL: there is none, or it is not known. */
static const char *
verb_name(const struct options_table *t, unsigned verb)
{
	return verb < t->nverbs && *t->verb[verb].name != '\0'
		   ? t->verb[verb].name
		   : NULL;
}

/* Does the line of a synopsis begin with the word? */
static bool
begins_with(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && strchr(" \n", line[n]) != NULL;
}

/*
 * The synopsis, or what of it begins with the verb and goes on. Returns how
 * many lines that was.
 */
static size_t
put_synopsis(const struct options_table *t, const char *verb, struct buf *out)
{
	const char *line = t->synopsis, *end;
	int indent = (int)strlen("usage: ") + (int)strlen(t->program);
	bool ours = verb == NULL;
	size_t n = 0;

	for (; *line != '\0'; line = end + (*end != '\0')) {
		end = line + strcspn(line, "\n");
		if (verb != NULL && *line != ' ')
			ours = begins_with(line, verb);
		if (!ours)
			continue;
		if (*line == ' ')
			buf_printf(out, "%*s", indent, "");
		else
			buf_printf(out, "%s%s ", n == 0 ? "usage: " : "       ",
			    t->program);
		buf_printf(out, "%.*s\n", (int)(end - line), line);
		n++;
	}
	return n;
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

/* Does the option of the row go with the verb? All do where there is none. */
static bool
goes_with(
    const struct options_row *r, const struct options_table *t, unsigned verb)
{
	return r->verbs == 0 || verb_name(t, verb) == NULL ||
	       (r->verbs & OPTIONS_VERB(verb)) != 0;
}

static void
put_verbs(const struct options_table *t, unsigned verb, struct buf *out)
{
	size_t i, from;

	for (i = 0; i < t->nverbs; i++)
		if (t->verb[i].help != NULL &&
		    (verb_name(t, verb) == NULL || i == verb)) {
			from = out->len;
			buf_printf(out, "  %s", t->verb[i].name);
			put_help(t, from, t->verb[i].help, out);
		}
}

/* Of the program; of one verb alone, if it has a name. */
static void
usage(const struct options_table *t, unsigned verb)
{
	struct buf out = {0};
	const struct options_row *r;
	size_t i;

	if (put_synopsis(t, verb_name(t, verb), &out) == 0)
		(void)put_synopsis(t, NULL, &out);
	buf_printf(&out, "%s\n", t->about);
	put_verbs(t, verb, &out);
	for (i = 0; i < t->nrows; i++) {
		r = &t->row[i];
		if (r->help != NULL && *r->help != '\0' &&
		    goes_with(r, t, verb))
			put_row(t, r, &out);
	}
	for (i = 0; i < t->nrows; i++)
		if (t->row[i].help == NULL)
			buf_printf(&out, "  -%c, --%s", t->row[i].letter,
			    t->row[i].name);
	(void)printf("%s\n", out.data);
	buf_free(&out);
}

void
options_misused(
    const struct options_table *t, const void *to, const char *fmt, ...)
{
	const struct options *o = to;
	const char *verb = verb_name(t, o->verb);
	va_list ap;
	char *why;

	va_start(ap, fmt);
	why = mem_vprintf(fmt, ap);
	va_end(ap);
	say("%s", why);
	say("see %s%s%s -h", t->program, verb == NULL ? "" : " ",
	    verb == NULL ? "" : verb);
	free(why);
	exit(t->misused == NULL ? EX_USAGE : t->misused(to));
}

/* --- What completes them ------------------------------------------------ */

/* The verbs that take the option, by name, "." without one; "-": all. */
static void
dump_verbs(const struct options_table *t, const struct options_row *r)
{
	const char *comma = "", *name;
	unsigned i;

	for (i = 0; i < t->nverbs; i++)
		if (r->verbs & OPTIONS_VERB(i)) {
			name = t->verb[i].name;
			(void)printf("%s%s", comma, *name == '\0' ? "." : name);
			comma = ",";
		}
	(void)printf("%s", *comma == '\0' ? "-" : "");
}

/*
 * The table, for scripts/completions/make: a line each, of words with a tab
 * between them. The last word of an option is the first line of its help.
 */
static void
dump(const struct options_table *t)
{
	const char *help, *line, *end;
	const struct options_row *r;
	unsigned i;

	(void)printf("program\t%s\n", t->program);
	for (line = t->synopsis; *line != '\0'; line = end + (*end != '\0')) {
		end = line + strcspn(line, "\n");
		(void)printf("use\t%.*s\n", (int)(end - line), line);
	}
	for (i = 0; i < t->nverbs; i++)
		if (*t->verb[i].name != '\0')
			(void)printf(
			    "verb\t%s\t%d\n", t->verb[i].name, t->verb[i].max);
	for (r = t->row; r < t->row + t->nrows; r++) {
		help = r->help == NULL ? "" : r->help;
		(void)printf("option\t%c\t%s\t%s\t",
		    r->letter ? r->letter : '-', r->name,
		    r->only != NULL  ? r->only
		    : r->arg != NULL ? r->arg
				     : "-");
		dump_verbs(t, r);
		(void)printf("\t%.*s\n", (int)strcspn(help, "\n"), help);
	}
}

/* --- Reading ---------------------------------------------------------- */

/* What says that the option, as it was given, cannot be taken. */
static void __attribute__((noreturn)) not_taken(const struct options_table *t,
    const struct options_row *r, const char *arg, const void *to)
{
	switch (r->kind) {
	case OPTIONS_NUMBER:
		options_misused(t, to,
		    "--%s: %s is not a number from 0 to %llu", r->name,
		    quotes(arg).s, (unsigned long long)r->value);
	case OPTIONS_TIME:
		options_misused(t, to,
		    "--%s: %s is no time; YYYY-MM-DD and RFC 3339 are", r->name,
		    quotes(arg).s);
	case OPTIONS_SINCE:
	case OPTIONS_UNTIL:
		options_misused(t, to, "--%s: %s %s", r->name, quotes(arg).s,
		    timeslip_past(arg, "").s);
	default:
		if (r->only != NULL && strcmp(arg, r->only) != 0)
			options_misused(t, to, "--%s: %s: the only word is %s",
			    r->name, quotes(arg).s, quotes(r->only).s);
		options_misused(
		    t, to, "--%s: another form was asked for as well", r->name);
	}
}

/* The first second of days, or their last one; a time; or so long ago. */
static bool
take_past(const char *arg, bool is_end, time_t *at)
{
	time_t now = time(NULL), begin, end;

	if (clock_days(arg, now, false, &begin, &end) == 0) {
		*at = is_end ? end - 1 : begin;
		return true;
	}
	return num_time(arg, at) == 0 ||
	       (num_unit(arg) != 'm' && clock_ago(arg, now, at) == 0);
}

/* The last second of what is over by its name, `last-month`; or 0. */
static time_t
over_by_name(const char *arg)
{
	time_t begin, end;

	return strncmp(arg, "last-", 5) == 0 &&
		       clock_days(arg, time(NULL), false, &begin, &end) == 0
		   ? end - 1
		   : 0;
}

/* One option goes where its row says; false: not with that argument. */
static bool
take(const struct options_row *r, const char *arg, void *to)
{
	void *at = (char *)to + r->at;
	struct options_list *list = at;
	time_t *over;
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
	case OPTIONS_SINCE:
		over =
		    (void *)((char *)to + (r->value != 0 ? r->value : r->at));
		*over = over_by_name(arg);
		return take_past(arg, false, at);
	case OPTIONS_UNTIL:
		return take_past(arg, true, at);
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
	case OPTIONS_VERSION:
		return true;
	}
	return false;
}

/* Does the word, without its argument, begin more than one long option? */
static bool
begins_several(const struct options_table *t, const char *word)
{
	size_t n = strcspn(word, "="), i, found = 0;

	for (i = 0; n > 2 && i < t->nrows; i++)
		found += strncmp(t->row[i].name, word + 2, n - 2) == 0;
	return found > 1;
}

/* The argument of the option as it is called, "TIME"; by getopt_long()'s. */
static const char *
argument_of(const struct options_table *t, int ch)
{
	const struct options_row *r = t->row;

	if (ch >= LONG)
		return t->row[ch - LONG].arg;
	while (r->letter != ch)
		r++;
	return r->arg;
}

static bool
has_option(const struct options_table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->nrows; i++)
		if (strcmp(t->row[i].name, name) == 0)
			return true;
	return false;
}

/* "json" of "-json", a word of letters of which one is not known; or NULL. */
static const char *
lacks_dash(const struct options_table *t, char *argv[])
{
	int i;

	/* getopt_long() stays at the word until its last letter. */
	for (i = optind; i >= optind - 1; i--)
		if (argv[i] != NULL && argv[i][0] == '-' && argv[i][1] != '-' &&
		    strchr(argv[i], optopt) != NULL &&
		    has_option(t, argv[i] + 1))
			return argv[i] + 1;
	return NULL;
}

/* "last-month" of "last" and a month, which is so many bytes of unit; NULL. */
static const char *
day_word(const char *said, const char *unit, size_t len)
{
	const size_t n = strlen(said);
	const char *word;
	size_t i;

	for (i = 0; (word = clock_day_word(i)) != NULL; i++)
		if (strncmp(word, said, n) == 0 && word[n] == '-' &&
		    strlen(word) == n + 1 + len &&
		    memcmp(word + n + 1, unit, len) == 0)
			return word;
	return timeslip_day(said);
}

/* Of `--month 2026-10`, where a period has two ends: "2026-10"; NULL. */
static const char *
is_period(const struct options_table *t, const char *name, const char *next)
{
	static const char *const unit[] = {"day", "month", "year"};
	const size_t len = strcspn(name, "=");
	const char *of = name[len] == '=' ? name + len + 1 : next;
	time_t begin, end;
	size_t i;

	if (of == NULL || !has_option(t, "since") || !has_option(t, "until"))
		return NULL;
	if (clock_days(of, time(NULL), false, &begin, &end) == -1 &&
	    (of = day_word(of, name, len)) == NULL)
		return NULL;
	for (i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
		if (strlen(unit[i]) == len && memcmp(unit[i], name, len) == 0)
			return of;
	return NULL;
}

/*
 * What was meant by a word that is no option, and says so; if it is known.
 * next stands behind it; or NULL.
 */
static void
tell_meant(const struct options_table *t, const char *word, const char *next,
    const void *to)
{
	const char *name = word + strspn(word, "-"), *said;
	struct meant m = meant(name);
	size_t i;

	if (t->elsewhere != NULL && (said = t->elsewhere(name)) != NULL)
		options_misused(
		    t, to, "%s is not an option; say %s", quotes(word).s, said);
	if ((said = is_period(t, name, next)) != NULL)
		options_misused(t, to,
		    "%s is not an option; say --since %s --until %s",
		    quotes(word).s, said, said);
	for (i = 0; i < t->nrows; i++)
		meant_try(&m, t->row[i].name);
	said = has_option(t, "since") ? timeslip_day(name) : NULL;
	if (said != NULL && strcmp(said, "last-month") == 0 &&
	    has_option(t, "month"))
		options_misused(t, to,
		    "%s is not an option; did you mean --month last?",
		    quotes(word).s);
	if (m.name != NULL || said != NULL)
		options_misused(t, to,
		    "%s is not an option; did you mean --%s%s?", quotes(word).s,
		    m.name != NULL ? "" : "since ",
		    m.name != NULL ? m.name : said);
}

/* getopt_long() knows no such option, or not so. */
static void __attribute__((noreturn))
not_known(const struct options_table *t, int ch, char *argv[], const void *to)
{
	char letter[] = {'-', (char)optopt, '\0'};
	const char *word = argv[optind - 1], *said = NULL;

	if (optopt > 0 && optopt < LONG) {
		word = letter;
		said = lacks_dash(t, argv);
	}
	if (ch == ':')
		options_misused(t, to, "%s: its argument is missing: %s %s",
		    word, word, argument_of(t, optopt));
	if (optopt >= LONG)
		options_misused(t, to, "%.*s takes no argument",
		    (int)strcspn(word, "="), word);
	if (said != NULL)
		options_misused(
		    t, to, "\"-%s\" lacks a dash; say --%s", said, said);
	if (begins_several(t, word))
		options_misused(
		    t, to, "%s begins more than one option", quotes(word).s);
	tell_meant(t, word, argv[optind], to);
	options_misused(t, to, "%s is not an option", quotes(word).s);
}

/* What follows the verb where the synopsis has it: "PARTNER". */
static void __attribute__((noreturn)) lacks_argument(
    const struct options_table *t, const struct options *o, const char *verb)
{
	const char *line = t->synopsis;
	size_t len = strlen(verb);

	while (*line != '\0' &&
	       (strncmp(line, verb, len) != 0 || line[len] != ' ')) {
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	line += *line == '\0' ? 0 : len + 1;
	options_misused(
	    t, o, "%s: say which %.*s", verb, (int)strcspn(line, " \n"), line);
}

/* "status, explain", and whichever of them was meant by m, if not NULL. */
static struct buf
verb_names(const struct options_table *t, struct meant *m)
{
	struct buf names = {0};
	unsigned i;

	for (i = 0; i < t->nverbs; i++)
		if (verb_name(t, i) != NULL) {
			buf_printf(&names, "%s%s", names.len == 0 ? "" : ", ",
			    t->verb[i].name);
			if (m != NULL)
				meant_try(m, t->verb[i].name);
		}
	return names;
}

/* The first verb that takes an argument, or NULL. */
static const char *
taking_verb(const struct options_table *t)
{
	unsigned i;

	for (i = 0; i < t->nverbs && t->verb[i].max == 0;)
		i++;
	return i == t->nverbs ? NULL : t->verb[i].name;
}

static void __attribute__((noreturn))
no_verb(const struct options_table *t, const struct options *o)
{
	const char *said = t->synonym == NULL ? NULL : t->synonym(*o->arg);
	struct meant m = meant(*o->arg);
	struct buf names = verb_names(t, &m);
	const char *takes = taking_verb(t);

	if (o->n > 1 && find_verb(t, o->arg[1]) < t->nverbs)
		options_misused(t, o,
		    "%s is not a verb, which comes first; say %s %s %s",
		    quotes(*o->arg).s, t->program, o->arg[1], *o->arg);
	if (takes != NULL && strpbrk(*o->arg, ".@") != NULL)
		options_misused(t, o, "%s is not a verb; say %s %s %s",
		    quotes(*o->arg).s, t->program, takes, *o->arg);
	if (said == NULL && m.name != NULL)
		options_misused(t, o, "%s is not a verb%s", quotes(*o->arg).s,
		    meant_text(&m).s);
	options_misused(t, o, "%s is not a verb: %s%s%s", quotes(*o->arg).s,
	    names.data, said == NULL ? "" : "; say ", said == NULL ? "" : said);
}

/* An argument behind the last one of the verb. */
static void __attribute__((noreturn))
too_many(const struct options_table *t, const struct options *o)
{
	const struct options_verb *v = &t->verb[o->verb];
	const char *arg = o->arg[v->max];
	const char *option = t->stray == NULL ? NULL : t->stray(o->verb, arg);
	const struct options_row *r;

	if (option != NULL)
		options_misused(t, o, "%s is an argument too many; say --%s %s",
		    quotes(arg).s, option, arg);
	for (r = t->row; r < t->row + t->nrows; r++)
		if (strcmp(r->name, arg) == 0 && goes_with(r, t, o->verb))
			options_misused(t, o,
			    "%s is an argument too many; say --%s",
			    quotes(arg).s, arg);
	if (v->max == 0 && taking_verb(t) != NULL)
		options_misused(t, o,
		    "%s is an argument too many: %s takes none; say %s %s %s",
		    quotes(arg).s, v->name, t->program, taking_verb(t), arg);
	options_misused(t, o, "%s is an argument too many: %s takes %s",
	    quotes(arg).s, v->name, v->max == 0 ? "none" : "one at a time");
}

/* The option's argument that a blank cut in two, and the other part. */
struct cut {
	const struct options_row *r;
	const char *arg, *rest;
};

/* A text in which there are blanks, without the quotes of a shell. */
static void
tell_cut(
    const struct options_table *t, const struct options *o, const struct cut *c)
{
	int i;

	for (i = 0; c->r != NULL && i < o->n; i++)
		if (o->arg[i] == c->rest)
			options_misused(t, o,
			    "%s is an argument too many; a text with blanks "
			    "is quoted: --%s \"%s %s\"",
			    quotes(c->rest).s, c->r->name, c->arg, c->rest);
}

/* Whose option it is: "downgrade and extend do". */
static char *
who_takes(const struct options_table *t, const struct options_row *r)
{
	struct buf b = {0};
	unsigned i, n = 0, all = 0;

	for (i = 0; i < t->nverbs; i++)
		all += (r->verbs & OPTIONS_VERB(i)) != 0 &&
		       verb_name(t, i) != NULL;
	for (i = 0; i < t->nverbs; i++)
		if ((r->verbs & OPTIONS_VERB(i)) != 0 &&
		    verb_name(t, i) != NULL)
			buf_printf(&b, "%s%s",
			    n++ == 0   ? ""
			    : n == all ? " and "
				       : ", ",
			    t->verb[i].name);
	buf_puts(&b, all == 0 ? "" : all == 1 ? " does" : " do");
	return buf_take(&b);
}

/* Take the verb; its arguments and the options, by row, have to go with it. */
static void
take_verb(const struct options_table *t, struct options *o, const bool *seen,
    const struct cut *cut)
{
	const struct options_verb *v;
	size_t i;

	o->verb = find_verb(t, o->n == 0 ? "" : *o->arg);
	if (o->verb == t->nverbs && o->n == 0)
		options_misused(
		    t, o, "say what to do: %s", verb_names(t, NULL).data);
	if (o->verb == t->nverbs)
		no_verb(t, o);
	v = &t->verb[o->verb];
	if (o->n > 0) {
		o->arg++;
		o->n--;
	}
	for (i = 0; i < t->nrows; i++)
		if (seen[i] && !goes_with(&t->row[i], t, o->verb))
			options_misused(t, o, "%s takes no --%s; %s", v->name,
			    t->row[i].name, who_takes(t, &t->row[i]));
	if (o->n < v->min)
		lacks_argument(t, o, v->name);
	if (o->n > v->max) {
		tell_cut(t, o, cut);
		too_many(t, o);
	}
}

/* A time that the shell gives as two words: `--for 4 hours`. */
static void
tell_split(const struct options_table *t, const struct options_row *r,
    const char *arg, const char *next, const void *to)
{
	char span[CLOCK_MAX];
	const char *whole;

	if (next == NULL || r->arg == NULL ||
	    (strcmp(r->arg, "TIME") != 0 && strcmp(r->arg, "DAY") != 0))
		return;
	whole = timeslip_span(arg, next, span);
	if (whole != NULL && arg[strspn(arg, "0123456789")] == '\0')
		options_misused(t, to,
		    "\"%s %s\": a time is one word; say --%s %s", arg, next,
		    r->name, whole);
	if (strspn(arg, "0123456789-") == strlen("2026-11-30") &&
	    arg[strlen("2026-11-30")] == '\0' &&
	    strspn(next, "0123456789:") == strlen("17:30") &&
	    next[strlen("17:30")] == '\0' && next[2] == ':')
		options_misused(t, to,
		    "\"%s %s\": a time is one word; say --%s %sT%s", arg, next,
		    r->name, arg, next);
}

/* Each option to its row; the marks in seen are by row. */
static void
take_options(const struct options_table *t, int argc, char *argv[], void *to,
    bool *seen, struct cut *cut)
{
	struct option *longs = mem_zero(t->nrows + 2, sizeof(*longs));
	const struct options_row *r;
	struct buf letters = {0};
	size_t i;
	int ch;

	buf_putc(&letters, ':');
	for (i = 0; i < t->nrows; i++) {
		longs[i] = (struct option){t->row[i].name,
		    t->row[i].arg == NULL ? no_argument : required_argument,
		    NULL, LONG + (int)i};
		if (t->row[i].letter != 0)
			buf_printf(&letters, "%c%s", t->row[i].letter,
			    t->row[i].arg == NULL ? "" : ":");
	}
	/* For scripts, and so on no page. */
	longs[i] = (struct option){"completion", 0, NULL, LONG + (int)i};
	opterr = 0;
	while (
	    (ch = getopt_long(argc, argv, letters.data, longs, NULL)) != -1) {
		if (ch == '?' || ch == ':')
			not_known(t, ch, argv, to);
		if (ch == LONG + (int)t->nrows) {
			dump(t);
			exit(say_flushed(EX_OK));
		}
		for (r = t->row; ch < LONG && r->letter != ch;)
			r++;
		if (ch >= LONG)
			r = &t->row[ch - LONG];
		if (r->arg != NULL && strncmp(optarg, "--", 2) == 0 &&
		    has_option(t, optarg + 2))
			options_misused(t, to,
			    "--%s: its argument is missing: --%s %s", r->name,
			    r->name, r->arg);
		if (r->arg != NULL)
			tell_split(t, r, optarg, argv[optind], to);
		if (r->arg != NULL && strcmp(r->arg, "TEXT") == 0)
			*cut = (struct cut){r, optarg, argv[optind]};
		if (!take(r, optarg, to))
			not_taken(t, r, optarg, to);
		seen[r - t->row] = true;
	}
	buf_free(&letters);
	free(longs);
}

/* What is no argument of any program. */
static void
tell_odd(const struct options_table *t, const struct options *o)
{
	static const char *const dashes[] = {
	    "\xe2\x80\x90", "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x88\x92"};
	const char *arg;
	size_t k;
	int i;

	for (i = 0; i < o->n; i++) {
		arg = o->arg[i];
		if (*arg == '\0')
			options_misused(t, o, "an argument is empty: \"\"");
		for (k = 0; k < sizeof(dashes) / sizeof(dashes[0]); k++)
			if (strncmp(arg, dashes[k], 3) == 0)
				options_misused(t, o,
				    "%s begins with a dash that is not \"-\"; "
				    "options begin with that",
				    quotes(arg).s);
	}
}

/* After -h and -V there is nothing else to do; `help VERB` is `VERB -h`. */
static void
tell_about(
    const struct options_table *t, const struct options *o, const bool *seen)
{
	struct options asked = *o;
	unsigned verb;
	size_t i;

	if (t->verb != NULL && o->n > 0 && strcmp(*o->arg, "help") == 0) {
		verb = find_verb(t, o->n == 1 ? "" : o->arg[1]);
		if (verb == t->nverbs && o->n > 1) {
			asked.arg++;
			asked.n = 1;
			no_verb(t, &asked);
		}
		usage(t, verb);
		exit(say_flushed(EX_OK));
	}
	for (i = 0; i < t->nrows; i++) {
		if (!seen[i])
			continue;
		if (t->row[i].kind == OPTIONS_HELP)
			usage(t, find_verb(t, o->n == 0 ? "" : *o->arg));
		else if (t->row[i].kind == OPTIONS_VERSION)
			(void)printf("%s %s\n", t->program, VERSION);
		else
			continue;
		exit(say_flushed(EX_OK));
	}
}

void
options_read(const struct options_table *t, int argc, char *argv[], void *to)
{
	bool *seen = mem_zero(t->nrows, sizeof(*seen));
	struct options *o = to;
	struct cut cut = {0};

	/* Whose mistake it is, if the line cannot be read to its end. */
	o->verb = find_verb(t, argc > 1 ? argv[1] : "");
	take_options(t, argc, argv, to, seen, &cut);
	o->arg = argv + optind;
	o->n = argc - optind;
	tell_about(t, o, seen);
	tell_odd(t, o);
	if (t->verb != NULL)
		take_verb(t, o, seen, &cut);
	else if (t->max >= 0 && o->n > t->max)
		options_misused(t, to, "%s is an argument too many",
		    quotes(o->arg[t->max]).s);
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
