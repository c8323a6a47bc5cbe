/*
 * reaches: lib/tls/smtpreply.c:end_line lib/tls/smtpreply.c:note_keyword
 *
 * The first byte says how the rest is cut into pieces; whatever the cuts,
 * the reply must be the same as when it comes whole.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "quote.h"
#include "smtpreply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *s)
{
	size_t i, n;

	if (strlen(s) >= SMTPREPLY_TEXT_MAX)
		abort();
	for (i = 0; s[i] != '\0'; i += n)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f ||
		    (n = utf8_len(s + i, strlen(s + i))) == 0)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct smtpreply whole, parts;
	enum smtpreply_status a, b = SMTPREPLY_MORE;
	const char *p = (const char *)data + 1;
	size_t step, at = 0, used, used_whole;

	if (size < 1)
		return 0;
	size--;
	step = (size_t)data[0] % 16 + 1;
	whole = parts = (struct smtpreply){0};
	a = smtpreply_feed(&whole, p, size, &used_whole);
	while (at < size && b == SMTPREPLY_MORE) {
		b = smtpreply_feed(
		    &parts, p + at, size - at < step ? size - at : step, &used);
		at += used;
	}
	if (a != b || at != used_whole || used_whole > size ||
	    whole.code != parts.code || whole.code > 999 ||
	    whole.lines != parts.lines || whole.starttls != parts.starttls ||
	    strcmp(whole.last, parts.last) != 0)
		abort();
	if (whole.bytes > SMTPREPLY_MAX_BYTES + 1 ||
	    whole.lines > SMTPREPLY_MAX_LINES)
		abort();
	check_text(whole.last);
	return 0;
}
