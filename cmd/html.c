#include "html.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "quote.h"

/* What a character of markup is written as, or NULL. */
static const char *
entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static void
put_text(struct buf *out, const char *s)
{
	size_t left = strlen(s), n;
	const char *as;

	for (; left > 0; s += n, left -= n)
		if (quote_unsafe(s, left, &n))
			quote_put(out, s, n);
		else if ((as = entity(*s)) != NULL)
			buf_puts(out, as);
		else
			buf_add(out, s, n);
}

/* The number behind a %, which begins with one of zuld. Returns its end. */
static const char *
put_number(struct buf *out, const char *p, va_list *ap)
{
	bool wide = *p == 'l', size = *p == 'z';

	if (wide || size)
		p++;
	if (*p == 'd' && wide)
		buf_printf(out, "%ld", va_arg(*ap, long));
	else if (*p == 'd' && !size)
		buf_printf(out, "%d", va_arg(*ap, int));
	else if (*p == 'u' && wide)
		buf_printf(out, "%lu", va_arg(*ap, unsigned long));
	else if (*p == 'u' && size)
		buf_printf(out, "%zu", va_arg(*ap, size_t));
	else if (*p == 'u')
		buf_printf(out, "%u", va_arg(*ap, unsigned));
	else
		abort();
	return p + 1;
}

void
html_printf(struct buf *out, const char *markup, ...)
{
	const char *p = markup, *at;
	va_list ap;

	va_start(ap, markup);
	for (; (at = strchr(p, '%')) != NULL;) {
		buf_add(out, p, (size_t)(at - p));
		p = at + 1;
		if (*p == '%')
			buf_putc(out, *p++);
		else if (*p == 's' && p++)
			put_text(out, va_arg(ap, const char *));
		else
			p = put_number(out, p, &ap);
	}
	va_end(ap);
	buf_puts(out, p);
}

void
html_json(struct buf *out, const char *s)
{
	size_t left = strlen(s), n, i;
	bool unsafe;

	buf_putc(out, '"');
	for (; left > 0; s += n, left -= n) {
		unsafe = quote_unsafe(s, left, &n);
		if (!unsafe && strchr("\"\\<>&", *s) == NULL)
			buf_add(out, s, n);
		else if (!unsafe)
			buf_printf(out, "\\u%04x", (unsigned)*s);
		else
			for (i = 0; i < n; i++)
				buf_printf(out, "\\\\x%02x",
				    (unsigned)(unsigned char)s[i]);
	}
	buf_putc(out, '"');
}
