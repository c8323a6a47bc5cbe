#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "num.h"
#include "quote.h"

json_t *
json_bytes(const char *p, size_t len)
{
	json_t *j = p == NULL ? json_null() : json_stringn(p, len);

	return j != NULL ? j : json_string(quote(p, len).s);
}

json_t *
json_span(struct span s)
{
	return s.n == 0 ? json_null() : json_bytes(s.p, s.n);
}

json_t *
json_text(const char *s)
{
	return s == NULL || *s == '\0' ? json_null() : json_bytes(s, strlen(s));
}

json_t *
json_time(time_t t)
{
	char text[NUM_TIME_MAX];

	return t == 0 ? json_null() : json_string(num_time_text(t, text));
}

static int
append(const char *p, size_t len, void *arg)
{
	buf_add(arg, p, len);
	return 0;
}

static void
dump(json_t *j, size_t flags, struct buf *out)
{
	if (j == NULL || json_dump_callback(j, append, out, flags) == -1)
		abort();
	json_decref(j);
}

static void
put_escaped(struct buf *out, unsigned long c)
{
	if (c > 0xffff) {
		c -= 0x10000;
		buf_printf(out, "\\u%04lX\\u%04lX", 0xd800 + (c >> 10),
		    0xdc00 + (c & 0x3ff));
	} else {
		buf_printf(out, "\\u%04lX", c);
	}
}

/* Bytes at s that are ASCII to be seen, blanks, and newlines. */
static size_t
plain_len(const char *s)
{
	size_t n = 0;

	while ((s[n] >= ' ' && s[n] <= '~') || s[n] == '\n')
		n++;
	return n;
}

/*
 * Whoever looks at the JSON on a terminal is as safe as with text: jansson
 * leaves DEL, C1 controls and what turns text round as they are. Blanks and
 * newlines between the values stay.
 */
void
json_put(json_t *j, struct buf *out)
{
	struct buf raw = {0};
	size_t i, n;

	dump(j, JSON_INDENT(2), &raw);
	for (i = 0; i < raw.len; i += n) {
		n = plain_len(raw.data + i);
		buf_add(out, raw.data + i, n);
		if (n > 0)
			continue;
		if (quote_unsafe(raw.data + i, raw.len - i, &n))
			put_escaped(out, utf8_point(raw.data + i, n));
		else
			buf_add(out, raw.data + i, n);
	}
	buf_putc(out, '\n');
	buf_free(&raw);
}

void
json_print(json_t *j)
{
	struct buf out = {0};

	json_put(j, &out);
	(void)fputs(out.data, stdout);
	buf_free(&out);
}

void
json_print_line(json_t *j)
{
	struct buf out = {0};

	dump(j, JSON_COMPACT | JSON_ENSURE_ASCII, &out);
	(void)puts(out.data);
	buf_free(&out);
}

char *
json_compact(json_t *j)
{
	struct buf out = {0};

	dump(j, JSON_COMPACT, &out);
	return out.data;
}
