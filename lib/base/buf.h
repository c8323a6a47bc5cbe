/*
 * buf.h: a byte string that grows.
 *
 * data is always NUL-terminated once anything was added, and the NUL is not
 * counted in len. A zeroed struct buf is empty and ready.
 */
#ifndef BUF_H
#define BUF_H

#include <stddef.h>
#include <string.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

/* Append len bytes, growing the memory: buf_add() is for everybody. */
void buf_add_grown(struct buf *b, const void *p, size_t len);

/* Append len bytes, a string, a byte, or formatted text. */
static inline void
buf_add(struct buf *b, const void *p, size_t len)
{
	if (len == 0 || len >= b->cap - b->len) {
		buf_add_grown(b, p, len);
		return;
	}
	memcpy(b->data + b->len, p, len);
	b->len += len;
	b->data[b->len] = '\0';
}

static inline void
buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void
buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

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
