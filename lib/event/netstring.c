#include "netstring.h"

#include <string.h>

#include "buf.h"
#include "num.h"
#include "quote.h"

#define DIGITS 20  /* of the largest size_t */
#define NUM_MAX 24 /* bytes of a number, NUL included */

enum netstring_status
netstring_take(const char *data, size_t len, size_t max, const char **payload,
    size_t *plen, size_t *used)
{
	size_t i, n = 0;

	for (i = 0; i < len && data[i] >= '0' && data[i] <= '9'; i++) {
		if (i > 0 && n == 0)
			return NETSTRING_BAD;
		n = n * 10 + (size_t)(data[i] - '0');
		if (n > max)
			return NETSTRING_BAD;
	}
	if (i == len)
		return NETSTRING_MORE;
	if (i == 0 || data[i] != ':')
		return NETSTRING_BAD;
	i++;
	if (len - i < n + 1)
		return NETSTRING_MORE;
	if (data[i + n] != ',')
		return NETSTRING_BAD;
	*payload = data + i;
	*plen = n;
	*used = i + n + 1;
	return NETSTRING_DONE;
}

/* The number in front of `end`; where it begins. */
static char *
put_number(char *end, uint64_t n)
{
	do
		*--end = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return end;
}

void
netstring_put(struct buf *out, const char *word, size_t wlen, const char *text,
    size_t tlen)
{
	char digits[DIGITS + 1], *end = digits + DIGITS, *to;
	char *d = put_number(end, wlen + tlen);
	size_t n = (size_t)(end + 1 - d);

	*end = ':';
	to = buf_room(out, n + wlen + tlen + 1);
	to = mempcpy(to, d, n);
	to = mempcpy(to, word, wlen);
	if (tlen > 0)
		to = mempcpy(to, text, tlen);
	*to++ = ',';
	*to = '\0';
	out->len = (size_t)(to - out->data);
}

void
fields_put(struct buf *b, const char *text)
{
	netstring_put(b, text, strlen(text), NULL, 0);
}

void
fields_put_num(struct buf *b, uint64_t n)
{
	char digits[DIGITS], *end = digits + DIGITS, *d = put_number(end, n);

	netstring_put(b, d, (size_t)(end - d), NULL, 0);
}

bool
fields_take(
    struct fields *f, const char *name, size_t max, const char **p, size_t *n)
{
	size_t used;

	if (f->bad == NULL &&
	    netstring_take(f->p, f->n, max, p, n, &used) == NETSTRING_DONE) {
		f->p += used;
		f->n -= used;
		return true;
	}
	if (f->bad == NULL)
		f->bad = name;
	return false;
}

/* Shown as it is, or it is no word; a text may be mended, but for a NUL. */
static void
take_shown(
    struct fields *f, const char *name, size_t max, char *out, bool is_word)
{
	const char *p;
	size_t n;

	*out = '\0';
	if (!fields_take(f, name, max - 1, &p, &n))
		return;
	quote_show(out, max, p, n);
	if (is_word ? strlen(out) == n && memcmp(out, p, n) == 0
		    : memchr(p, '\0', n) == NULL)
		return;
	f->bad = name;
	*out = '\0';
}

void
fields_text(struct fields *f, const char *name, size_t max, char *out)
{
	take_shown(f, name, max, out, false);
}

void
fields_word(struct fields *f, const char *name, size_t max, char *out)
{
	take_shown(f, name, max, out, true);
}

uint64_t
fields_num(struct fields *f, const char *name, uint64_t max)
{
	uint64_t v = 0;
	char text[NUM_MAX];

	fields_word(f, name, sizeof(text), text);
	if (f->bad == NULL && num_parse(text, 0, max, &v) == -1)
		f->bad = name;
	return v;
}
