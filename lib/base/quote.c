#include "quote.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

/*
 * C1 controls (U+0080 to U+009F) move cursors just as C0 ones do; marks of
 * direction (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069) make a text
 * look like another one, and so do those of no width (U+200B to U+200D,
 * U+2060, U+FEFF, which some editors put before the first line).
 */
static bool
is_trick(const unsigned char *u, size_t n)
{
	if (n == 2)
		return u[0] == 0xc2 && u[1] < 0xa0;
	if (n == 3 && u[0] == 0xef)
		return u[1] == 0xbb && u[2] == 0xbf;
	if (n != 3 || u[0] != 0xe2)
		return false;
	return (u[1] == 0x80 && ((u[2] >= 0x8b && u[2] <= 0x8f) ||
				    (u[2] >= 0xaa && u[2] <= 0xae))) ||
	       (u[1] == 0x81 &&
		   (u[2] == 0xa0 || (u[2] >= 0xa6 && u[2] <= 0xa9)));
}

struct quoted
quote(const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;
	struct quoted q;
	size_t i, n, out = 0;

	q.s[out++] = '"';
	for (i = 0; i < len; i += n) {
		n = utf8_len(p + i, len - i);
		/* Room for one escape, the dots, the quote and the NUL. */
		if (out + 4 + 3 + 2 > sizeof(q.s)) {
			memcpy(q.s + out, "...", 3);
			out += 3;
			break;
		}
		if (n == 0 || u[i] < 0x20 || u[i] == 0x7f || u[i] == '"' ||
		    u[i] == '\\' || is_trick(u + i, n)) {
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

void
quote_show(char *out, size_t size, const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t i, n, at = 0;

	for (i = 0; i < len; i += n) {
		n = utf8_len(p + i, len - i);
		if (at + (n == 0 ? 1 : n) + 1 > size)
			break;
		if (n == 0 || u[i] < 0x20 || u[i] == 0x7f) {
			out[at++] = '?';
			n = 1;
		} else if (n == 2 && u[i] == 0xc2 && u[i + 1] < 0xa0) {
			out[at++] = '?'; /* C1 controls move cursors too */
		} else {
			memcpy(out + at, p + i, n);
			at += n;
		}
	}
	out[at] = '\0';
}
