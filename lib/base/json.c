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

void
json_put(json_t *j, struct buf *out)
{
	dump(j, JSON_INDENT(2), out);
	buf_putc(out, '\n');
}

static void
print(json_t *j, size_t flags)
{
	struct buf out = {0};

	dump(j, flags, &out);
	(void)puts(out.data);
	buf_free(&out);
}

void
json_print(json_t *j)
{
	print(j, JSON_INDENT(2));
}

void
json_print_line(json_t *j)
{
	print(j, JSON_COMPACT | JSON_ENSURE_ASCII);
}

char *
json_compact(json_t *j)
{
	struct buf out = {0};

	dump(j, JSON_COMPACT, &out);
	return out.data;
}
