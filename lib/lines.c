#include "lines.h"

#include <stdint.h>
#include <string.h>

#include "quote.h"

void
lines_init(struct lines *in, char *text, size_t len, unsigned no)
{
	in->next = text;
	in->end = text + len;
	in->no = no;
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

/* True if none of the eight bytes needs a closer look. */
static bool
plain8(const char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t v, low, del;

	memcpy(&v, p, sizeof(v));
	/* High bit set: a byte over 0x7f, one under 0x20, or a DEL. */
	low = (v - ones * 0x20) & ~v;
	del = v ^ (ones * 0x7f);
	del = (del - ones) & ~del;
	return ((v | low | del) & (ones * 0x80)) == 0;
}

long
lines_bad_byte(const char *text, size_t len)
{
	unsigned char c;
	size_t i = 0, n;

	while (i < len) {
		if (len - i >= 8 && plain8(text + i)) {
			i += 8;
			continue;
		}
		c = (unsigned char)text[i];
		if ((c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t') {
			i++;
			continue;
		}
		n = c < 0x80 ? 0 : utf8_len(text + i, len - i);
		if (n == 0)
			return (long)i;
		i += n;
	}
	return -1;
}
