/*
 * reaches: lib/file/lines.c:lines_next lib/file/lines.c:lines_bad_byte
 *   lib/file/attr.c:attr_next lib/file/attr.c:braced
 * lib/file/attr.c:attr_list_next
 *
 * Logical lines and their words: every byte comes from the input, line
 * numbers are those of the input, and the quick scan for bad bytes agrees
 * with one that looks at each character.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "lines.h"
#include "quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool good)
{
	if (!good)
		abort();
}

static long
slow_bad_byte(const char *text, size_t len)
{
	size_t i, n;

	for (i = 0; i < len; i += n) {
		unsigned char c = (unsigned char)text[i];

		n = utf8_len(text + i, len - i);
		if (n == 0 || c == 0x7f || (c < 0x20 && c != '\n' && c != '\t'))
			return (long)i;
	}
	return -1;
}

static unsigned
count_lines(const char *from, const char *to)
{
	unsigned n = 0;

	for (; from < to; from++)
		n += *from == '\n';
	return n;
}

static void
words(char *text, const char *end, unsigned no, unsigned last)
{
	struct attrs in;
	struct attr a;
	enum attr_kind kind;
	unsigned before = no;
	struct attr_list list;
	char *s;
	size_t len;

	attr_init(&in, text, no);
	while ((kind = attr_next(&in, &a)) != ATTR_END) {
		need(a.line >= before && a.line <= last);
		before = a.line;
		need(a.name >= text && a.name <= end);
		need((a.value != NULL) == (kind == ATTR_PAIR));
		if (kind == ATTR_BAD) {
			need(a.fault != NULL);
			need(attr_next(&in, &a) == ATTR_END);
			break;
		}
		list = (struct attr_list){a.value, a.len};
		while ((s = attr_list_next(&list, &len)) != NULL)
			need(s >= a.value && strchr(s, ',') == NULL &&
			     strlen(s) == len);
	}
	need(attr_next(&in, &a) == ATTR_END);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *keep = malloc(size + 1);
	struct lines in;
	struct line line;
	unsigned last = 0;
	size_t at;

	if (size > 0) {
		memcpy(text, data, size);
		memcpy(keep, data, size);
	}
	need(lines_bad_byte(text, size) == slow_bad_byte(text, size));
	lines_init(&in, text, size);
	while (lines_next(&in, &line)) {
		at = (size_t)(line.text - text);
		need(at + line.len <= size && line.text[line.len] == '\0');
		need(line.no > last);
		need(line.no == 1 + count_lines(keep, keep + at));
		need(at == 0 || keep[at - 1] == '\n');
		last = line.no + count_lines(line.text, line.text + line.len);
		words(line.text, line.text + line.len, line.no, last);
	}
	free(keep);
	free(text);
	return 0;
}
