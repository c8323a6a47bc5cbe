#include "quote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

size_t
utf8_len(const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned min2 = 0x80, max2 = 0xbf;
	size_t n, i;

	if (len == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	if (u[0] == 0xe0)
		min2 = 0xa0;
	else if (u[0] == 0xed)
		max2 = 0x9f;
	else if (u[0] == 0xf0)
		min2 = 0x90;
	else if (u[0] == 0xf4)
		max2 = 0x8f;
	if (u[1] < min2 || u[1] > max2)
		return 0;
	for (i = 2; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

unsigned long
utf8_point(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned long c = n == 1 ? u[0] : u[0] & (0x7fU >> n);
	size_t i;

	for (i = 1; i < n; i++)
		c = c << 6 | (u[i] & 0x3f);
	return c;
}

/*
 * Characters that move the cursor or set the terminal (C0, DEL, C1), end a
 * line for some readers, turn the text round, join or split words unseen, or
 * are not seen at all. Whatever decides what people may see asks here.
 */
static const struct {
	unsigned long first, last;
} unsafe[] = {
    {0x00, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, /* soft hyphen */
    {0x34f, 0x34f},			      /* grapheme joiner */
    {0x61c, 0x61c},			      /* Arabic letter mark */
    {0x115f, 0x1160},			      /* fillers of Hangul */
    {0x17b4, 0x17b5},			      /* Khmer vowels unseen */
    {0x180b, 0x180f},			      /* Mongolian separators */
    {0x200b, 0x200f},			      /* no width; marks of direction */
    {0x2028, 0x202e},	/* separators of lines; embeddings, overrides */
    {0x2060, 0x206f},	/* joiners, isolates, and what is deprecated */
    {0x3164, 0x3164},	/* filler of Hangul */
    {0xfeff, 0xfeff},	/* byte order mark */
    {0xffa0, 0xffa0},	/* filler of Hangul */
    {0xfff9, 0xfffb},	/* interlinear annotations */
    {0x13430, 0x1343f}, /* of hieroglyphs */
    {0x1bca0, 0x1bca3}, /* of shorthand */
    {0x1d173, 0x1d17a}, /* of notes of music */
    {0xe0000, 0xe0fff}, /* tags and variation selectors */
};

bool
quote_unsafe(const char *p, size_t len, size_t *n)
{
	unsigned long c;
	size_t i;

	/* Nearly all of any text. */
	if (len > 0 && *p >= ' ' && *p <= '~') {
		*n = 1;
		return false;
	}
	if ((*n = utf8_len(p, len)) == 0) {
		*n = 1;
		return true;
	}
	c = utf8_point(p, *n);
	for (i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
		if (c >= unsafe[i].first && c <= unsafe[i].last)
			return true;
	return false;
}

struct quoted
quote(const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;
	struct quoted q;
	size_t i, n, out = 0;
	bool odd;

	q.s[out++] = '"';
	for (i = 0; i < len; i += n) {
		odd = quote_unsafe(p + i, len - i, &n);
		/* Room for one escape, the dots, the quote and the NUL. */
		if (out + 4 + 3 + 2 > sizeof(q.s)) {
			memcpy(q.s + out, "...", 3);
			out += 3;
			break;
		}
		if (odd || u[i] == '"' || u[i] == '\\') {
			n = 1;
			out += (size_t)sprintf(q.s + out, "\\x%02x", u[i]);
		} else {
			memcpy(q.s + out, p + i, n);
			out += n;
		}
	}
	q.s[out++] = '"';
	q.s[out] = '\0';
	return q;
}

struct quoted
quotes(const char *s)
{
	return quote(s, strlen(s));
}

struct quoted
quote_word(const char *line)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_-";
	const size_t n = strspn(line, harmless);
	struct quoted q = {.s = ""};

	if (n == 0 || strchr(" \t\n", line[n]) == NULL)
		return q;
	(void)snprintf(q.s, sizeof(q.s), "\"%.*s%s\"",
	    (int)(n > QUOTE_WORD_MAX ? QUOTE_WORD_MAX : n), line,
	    n > QUOTE_WORD_MAX ? "..." : "");
	return q;
}

void
quote_show(char *out, size_t size, const char *p, size_t len)
{
	size_t i, n, at = 0;
	bool odd;

	for (i = 0; i < len; i += n) {
		odd = quote_unsafe(p + i, len - i, &n);
		if (at + (odd ? 1 : n) + 1 > size)
			break;
		memcpy(out + at, odd ? "?" : p + i, odd ? 1 : n);
		at += odd ? 1 : n;
	}
	out[at] = '\0';
}

void
quote_put(struct buf *out, const char *p, size_t len)
{
	size_t i, k, n;

	for (i = 0; i < len; i += n)
		if (!quote_unsafe(p + i, len - i, &n))
			buf_add(out, p + i, n);
		else
			for (k = 0; k < n; k++)
				buf_printf(
				    out, "\\x%02x", (unsigned char)p[i + k]);
}

void
quote_since(struct buf *b, size_t from)
{
	size_t i, n, len = b->len - from;
	bool line = len > 0 && b->data[b->len - 1] == '\n';
	char *copy;

	len -= line;
	/* Most lines are well as they are. */
	for (i = 0; i < len; i += n)
		if (quote_unsafe(b->data + from + i, len - i, &n))
			break;
	if (i >= len)
		return;
	copy = mem_alloc(len);
	memcpy(copy, b->data + from, len);
	b->len = from;
	quote_put(b, copy, len);
	if (line)
		buf_putc(b, '\n');
	free(copy);
}
