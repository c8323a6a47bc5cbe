/*
 * netstring.h: `LENGTH:BYTES,` as in socketmap_table(5).
 */
#ifndef NETSTRING_H
#define NETSTRING_H

#include <stddef.h>

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

#endif
