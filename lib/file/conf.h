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

struct conf {
	const struct conf_item *item;
	size_t n;
	void *values;
	unsigned *set_on; /* line on which an item was set, 0 if not */
};

/* Give every item its default. The struct at values belongs to the caller. */
void conf_init(
    struct conf *c, const struct conf_item *item, size_t n, void *values);

/*
 * Take the settings in text (len bytes, writable, room for a NUL behind).
 * Unknown names, bad values and names that come twice are errors in d, at
 * file. Earlier values stay where a line is wrong.
 */
void conf_parse(
    struct conf *c, const char *file, char *text, size_t len, struct diags *d);

/* Override one setting by `name=value`; errors go to d without a line. */
void conf_override(
    struct conf *c, const char *assignment, const char *file, struct diags *d);

/* Append `name = value` lines with all effective values. */
void conf_print(const struct conf *c, struct buf *out);

/* Free the strings in values, and what c holds. */
void conf_free(struct conf *c);

#endif
