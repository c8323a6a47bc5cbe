#include "lines.h"

#include <stdint.h>
#include <string.h>

#include "quote.h"

void
lines_init(struct lines *in, char *text, size_t len)
{
	in->next = text;
	in->end = text + len;
	in->no = 1;
	*in->end = '\0';
}

/* End of the physical line at p: its newline, or the end of the text. */
static char *
line_end(char *p, char *end)
{
	char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl == NULL ? end : nl;
}

static char *
skip_blanks(char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static bool
is_nothing(char *p, char *end)
{
	p = skip_blanks(p, end);
	return p == end || *p == '#';
}

bool
lines_next(struct lines *in, struct line *out)
{
	char *p = in->next, *e, *last, *skipped;
	unsigned no = in->no;

	for (;; p = e + 1, no++) {
		if (p >= in->end) {
			in->next = in->end;
			return false;
		}
		e = line_end(p, in->end);
		if (!is_nothing(p, e))
			break;
	}
	out->text = p;
	out->no = no;
	last = skipped = e;
	/* Take in what continues the line; blank out what is skipped. */
	for (p = e + 1, no++; p < in->end; p = e + 1, no++) {
		if (*p != ' ' && *p != '\t' && *p != '#' && *p != '\n')
			break;
		e = line_end(p, in->end);
		if (is_nothing(p, e))
			continue;
		for (; skipped < p; skipped++)
			if (*skipped != '\n')
				*skipped = ' ';
		last = skipped = e;
	}
	*last = '\0';
	out->len = (size_t)(last - out->text);
	in->next = p;
	in->no = no;
	return true;
}

/* Are these eight bytes 0x20 to 0x7e? Most are, of millions. */
static bool
is_plain(const char *s)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	return (((v - each * 0x20) | (v + each) | v) & each * 0x80) == 0;
}

long
lines_bad_byte(const char *text, size_t len)
{
	unsigned char c;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		c = (unsigned char)text[i];
		if (len - i >= 8 && is_plain(text + i))
			n = 8;
		else if ((c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t')
			n = 1;
		else if (c < 0x80 || (n = utf8_len(text + i, len - i)) == 0)
			return (long)i;
	}
	return -1;
}

unsigned
lines_number(const char *text, size_t offset)
{
	unsigned n = 1;
	size_t i;

	for (i = 0; i < offset; i++)
		n += text[i] == '\n';
	return n;
}
