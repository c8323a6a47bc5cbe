/*
 * options.h: the command lines of our programs, each told by one table: what
 * is accepted, where it goes, and what -h says of it.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

/* What every program has; the first member of a program's own struct. */
struct options {
	struct settings_options settings; /* -C, -o, -c */
	bool json, verbose;
	unsigned verb; /* index into the table's verbs */
	int n;	       /* arguments, without the verb */
	char **arg;
};

/* Arguments of an option that may be repeated; the array is the caller's. */
struct options_list {
	const char **v;
	size_t n, cap;
};

/* What becomes of the member that a row names. */
enum options_kind {
	OPTIONS_FLAG,	/* bool: true */
	OPTIONS_WORD,	/* const char *: the argument */
	OPTIONS_LIST,	/* struct options_list: one argument more */
	OPTIONS_NUMBER, /* uint64_t: the argument, at most .value */
	OPTIONS_TIME,	/* time_t: the argument, see num_time() */
	OPTIONS_SINCE,	/* the same, clock_ago() but for minutes, or of
			 * clock_days() in UTC the first second; at .value, if
			 * not 0: the last second of last-month or last-year,
			 * which end by their names, or 0 */
	OPTIONS_UNTIL,	/* the same, but the last second of these days */
	OPTIONS_FORM,	/* int: .value; two values at once are a mistake */
	OPTIONS_SET,	/* struct settings_options: one -o more */
	OPTIONS_HELP,
	OPTIONS_VERSION
};

struct options_row {
	char letter;	  /* or 0 */
	const char *name; /* behind "--" */
	const char *arg;  /* what its argument is called; NULL: it has none */
	/*
	 * For -h: NULL goes without words, on the last line; of "" the
	 * synopsis or another row tells.
	 */
	const char *help;
	enum options_kind kind;
	size_t at; /* offset of the member */
	uint64_t value;
	const char *only; /* the one argument that OPTIONS_FORM takes */
	const char *show; /* for -h, instead of letter, name and arg */
	unsigned verbs;	  /* OPTIONS_VERB() of those that take it; 0: all */
};

/* A sub-command. */
struct options_verb {
	const char *name; /* "": what is done without one */
	const char *help; /* for -h; NULL: the synopsis tells */
	int min, max;	  /* arguments behind it */
	int (*run)(void *to);
};
#define OPTIONS_VERB(index) (1u << (index))

struct options_table {
	const char *program;
	/* A line for each way to call it; one that begins with a blank goes on.
	 */
	const char *synopsis;
	const char *about; /* one line */
	const struct options_row *row;
	size_t nrows;
	const struct options_verb *verb; /* or NULL */
	unsigned nverbs;
	int max;    /* arguments, where there are no verbs; -1: any number */
	int column; /* where -h begins to explain; 0: at the usual place */
	int (*misused)(const void *to); /* exit code; NULL: EX_USAGE */
	/* The option that an argument too many was likely meant for, without
	 * "--"; it and its result may be NULL. */
	const char *(*stray)(unsigned verb, const char *arg);
	/* The verb that people say such a word for; the same. */
	const char *(*synonym)(const char *word);
	/* How another program is asked for what that option, without "--", is
	 * there; the same. */
	const char *(*elsewhere)(const char *option);
};

/* The rows that programs share; struct options is the first member. */
#define OPTIONS_SETTINGS                                                     \
	{'C', "config", "FILE",                                              \
	    "settings (default " SYSCONFDIR SETTINGS_FILE ")", OPTIONS_WORD, \
	    .at = offsetof(struct options, settings.file)},                  \
	{                                                                    \
		'o', "option", "NAME=VALUE", "override one setting",         \
		    OPTIONS_SET, .at = offsetof(struct options, settings)    \
	}
#define OPTIONS_POSTFIX(arg, help)                                   \
	{                                                            \
		'c', "postfix", arg, help, OPTIONS_WORD,             \
		    .at = offsetof(struct options, settings.postfix) \
	}
#define OPTIONS_JSON(help)                               \
	{                                                \
		'j', "json", NULL, help, OPTIONS_FLAG,   \
		    .at = offsetof(struct options, json) \
	}
#define OPTIONS_VERBOSE(help)                               \
	{                                                   \
		'v', "verbose", NULL, help, OPTIONS_FLAG,   \
		    .at = offsetof(struct options, verbose) \
	}
#define OPTIONS_ABOUT                                               \
	{'h', "help", NULL, NULL, .kind = OPTIONS_HELP},            \
	{                                                           \
		'V', "version", NULL, NULL, .kind = OPTIONS_VERSION \
	}

/*
 * Read the command line into *to, a struct that begins with struct options.
 * Ends the program after -h (behind a verb: of that verb alone) and -V, and
 * where it is misused.
 */
void options_read(
    const struct options_table *t, int argc, char *argv[], void *to);

/* Read the settings. 0, or the exit code, all being said; free s after it. */
int options_settings(struct options *o, struct settings *s);

/*
 * Tell on standard error what is wrong with the command line and, in a second
 * line, who tells how it is used; end the program.
 */
void __attribute__((noreturn, format(printf, 3, 4))) options_misused(
    const struct options_table *t, const void *to, const char *fmt, ...);

/*
 * -C and -o as they have to be told to another program of ours, up to a NULL;
 * freed by the caller, the texts are borrowed. Before
 * options_settings(), which forgets them.
 */
const char **options_again(const struct options *o);

#endif
