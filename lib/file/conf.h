/*
 * conf.h: settings, `name = value` lines as in main.cf, over a table.
 *
 * A program describes its settings by an array of struct conf_item and
 * keeps the values in a struct of its own, into which the items point.
 */
#ifndef CONF_H
#define CONF_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct diags;

#define CONF_FILE_MAX (1024 * 1024) /* bytes of a settings file */
#define CONF_ERRORS_MAX 5	    /* that are told of it */

enum conf_type {
	CONF_TEXT,     /* char *, owned; may be empty */
	CONF_NUMBER,   /* uint64_t, min to max */
	CONF_DURATION, /* uint64_t, seconds, min to max */
	CONF_CHOICE,   /* int, index into choices */
};

struct conf_item {
	const char *name;
	enum conf_type type;
	size_t offset;	    /* of the value in the caller's struct */
	const char *preset; /* the default, as text */
	uint64_t min, max;
	const char *const *choices; /* NULL-terminated */
	/*
	 * For CONF_TEXT: NULL if the value is good, else what is wrong, as
	 * a phrase that fits behind `"value" `. May be NULL.
	 */
	const char *(*check)(const char *value);
};

/* Whose they are; values belongs to the caller, zeroed at first. */
struct conf {
	const struct conf_item *item;
	size_t n;
	void *values;
};

/* What may be said of them. */
struct conf_source {
	const char *file; /* for messages */
	char *text;	  /* writable, room for a NUL behind; NULL: none */
	size_t len;
	const char *option; /* that the overrides came by, for messages */
	const char *const *override; /* `name=value`, over those of the file */
	size_t noverrides;
};

/*
 * Give every item its default, then what the source says. Unknown names, bad
 * values and names that come twice in the file are errors in d. Earlier values
 * stay where a line is wrong.
 */
void conf_read(
    const struct conf *c, const struct conf_source *from, struct diags *d);

/* Append `name = value` lines with all effective values. */
void conf_print(const struct conf *c, struct buf *out);

/* Free the strings in values, which may be done again. */
void conf_free(const struct conf *c);

#endif
