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

#define BLOCK 240 /* bytes looked at together: they can be counted in one */

static bool
is_plain(unsigned char c)
{
	return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';
}

/* Without a branch inside, so that it becomes a few vector operations. */
static bool
plain_block(const unsigned char *p)
{
	unsigned char odd = 0;
	size_t i;

	for (i = 0; i < BLOCK; i++)
		odd |= ((unsigned char)(p[i] - 0x20) > 0x7e - 0x20) &
		       (p[i] != '\n') & (p[i] != '\t');
	return odd == 0;
}

long
lines_bad_byte(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i = 0, n, stop;

	while (i < len) {
		if (len - i >= BLOCK && plain_block(p + i)) {
			i += BLOCK;
			continue;
		}
		for (stop = i + BLOCK; i < len && i < stop; i += n) {
			n = is_plain(p[i]) ? 1
			    : p[i] < 0x80  ? 0
					   : utf8_len(text + i, len - i);
			if (n == 0)
				return (long)i;
		}
	}
	return -1;
}

static unsigned
block_count(const char *p)
{
	unsigned char n = 0;
	size_t i;

	for (i = 0; i < BLOCK; i++)
		n += p[i] == '\n';
	return n;
}

unsigned
lines_count(const char *text, size_t len)
{
	unsigned n = 0;

	for (; len >= BLOCK; len -= BLOCK, text += BLOCK)
		n += block_count(text);
	for (; len > 0; len--)
		n += *text++ == '\n';
	return n;
}
