#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

char *
buf_room(struct buf *b, size_t len)
{
	size_t want = b->len + len + 1, cap = b->cap < 64 ? 64 : b->cap;

	if (want < len)
		abort();
	if (want > b->cap) {
		while (cap < want)
			cap = cap > SIZE_MAX / 2 ? want : cap * 2;
		b->data = realloc(b->data, cap);
		if (b->data == NULL)
			abort();
		b->cap = cap;
	}
	return b->data + b->len;
}

void
buf_add_grown(struct buf *b, const void *p, size_t len)
{
	char *to = buf_room(b, len);

	if (len > 0)
		memcpy(to, p, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	(void)buf_room(b, (size_t)n);
	(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

char *
buf_take(struct buf *b)
{
	char *s = b->data == NULL ? mem_dup("") : b->data;

	*b = (struct buf){0};
	return s;
}

void
buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}
