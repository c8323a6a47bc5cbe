/*
 * buf.h: a byte string that grows.
 *
 * data is always NUL-terminated once anything was added, and the NUL is not
 * counted in len. A zeroed struct buf is empty and ready.
 */
#ifndef BUF_H
#define BUF_H

#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

/* Append len bytes, a string, a byte, or formatted text. */
void buf_add(struct buf *b, const void *p, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Room for len more bytes at data + len; the caller then adds to len. */
char *buf_room(struct buf *b, size_t len);

/* Forget the contents, keep the memory. */
void buf_clear(struct buf *b);

/* Give the string to the caller, who frees it; b is empty afterwards. */
char *buf_take(struct buf *b);

/* Free the memory; b is empty and ready afterwards. */
void buf_free(struct buf *b);

#endif
