/*
 * fields.h: records between processes: a netstring of netstrings, each of
 * which is a field with a type and a bound.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Append one. */
void fields_put(struct buf *b, const char *text);
void fields_put_num(struct buf *b, uint64_t n);

/* What is left to take. After the first bad field all are zero or empty. */
struct fields {
	const char *p;
	size_t n;
	const char *bad; /* the name of the first that was wrong, or NULL */
};

/* Max bytes of any kind; false if that is wrong. */
bool fields_take(
    struct fields *f, const char *name, size_t max, const char **p, size_t *n);

/* A text without NUL, made fit to be shown. max is with the NUL. */
void fields_text(struct fields *f, const char *name, size_t max, char *out);

/* The same, which must be fit as it is. */
void fields_word(struct fields *f, const char *name, size_t max, char *out);

/* Digits, 0 to max. */
uint64_t fields_num(struct fields *f, const char *name, uint64_t max);

#endif
