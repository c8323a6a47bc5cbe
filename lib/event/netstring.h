/*
 * netstring.h: `LENGTH:BYTES,` as in socketmap_table(5); and records between
 * processes: a netstring of netstrings, each of which is a field with a type
 * and a bound.
 */
#ifndef NETSTRING_H
#define NETSTRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum netstring_status {
	NETSTRING_DONE,
	NETSTRING_MORE, /* the end is not there yet */
	NETSTRING_BAD,	/* no netstring, or too long: the stream is lost */
};

/*
 * Take the netstring at the beginning of the len bytes at data, whose
 * payload may have max bytes. NETSTRING_DONE: *payload borrows from data,
 * and *used bytes were taken. A length has no leading zeros.
 */
enum netstring_status netstring_take(const char *data, size_t len, size_t max,
    const char **payload, size_t *plen, size_t *used);

/* Append a netstring whose payload is word and behind it text. */
void netstring_put(struct buf *out, const char *word, size_t wlen,
    const char *text, size_t tlen);

/* Append a field. */
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
