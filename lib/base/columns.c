#include "columns.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "buf.h"
#include "num.h"
#include "quote.h"

#define NARROWEST 40
#define WIDEST 10000

/* Columns of the character at s, and its length in *n. */
static size_t
width_at(const char *s, size_t *n)
{
	static locale_t utf8;
	locale_t was;
	int width;

	*n = utf8_len(s, strnlen(s, 4));
	if (*n <= 1) {
		*n = 1;
		return 1;
	}
	if (utf8 == (locale_t)0)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8 == (locale_t)0)
		return 1;
	was = uselocale(utf8);
	width = wcwidth((wchar_t)utf8_point(s, *n));
	(void)uselocale(was);
	return width < 0 ? 1 : (size_t)width;
}

size_t
columns_width(const char *s)
{
	size_t all = 0, n;

	for (; *s != '\0'; s += n)
		all += width_at(s, &n);
	return all;
}

void
columns_put(struct buf *out, const char *s, size_t width)
{
	bool cut = columns_width(s) > width;
	size_t room = !cut ? width : width > 3 ? width - 3 : 0, col = 0, n, w;

	for (; *s != '\0'; s += n, col += w) {
		w = width_at(s, &n);
		if (col + w > room)
			break;
		buf_add(out, s, n);
	}
	for (n = 0; cut && n < 3 && col < width; n++, col++)
		buf_putc(out, '.');
	for (; col < width; col++)
		buf_putc(out, ' ');
}

void
columns_name(struct buf *out, const char *s, size_t width, size_t line)
{
	struct buf safe = {0};
	size_t w;

	buf_puts(&safe, "");
	quote_put(&safe, s, strlen(s));
	w = columns_width(safe.data);
	columns_put(out, safe.data, w < width ? width : w < line ? w : line);
	if (w > width)
		buf_printf(out, "\n%*s", (int)width, "");
	buf_free(&safe);
}

/* Columns of the n bytes at s. */
static size_t
word_width(const char *s, size_t n)
{
	size_t all = 0, i, len;

	for (i = 0; i < n; i += len)
		all += width_at(s + i, &len);
	return all;
}

/* End a line; one that had nothing but blanks is there no more. */
static void
end_line(struct buf *out)
{
	size_t was = out->len;

	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	if (out->len == was ||
	    (out->len > 0 && out->data[out->len - 1] != '\n'))
		buf_putc(out, '\n');
}

/* Bytes of lead that a line has which begins with a word of w columns. */
static size_t
lead_len(const char *lead, size_t w, size_t width)
{
	size_t n = strlen(lead);

	if (lead[strspn(lead, " ")] != '\0' || n + w <= width)
		return n;
	n = n < COLUMNS_LESS ? n : COLUMNS_LESS;
	return n + w <= width ? n : w < width ? width - w : 0;
}

/* Bytes up to a blank, or up to and with a wide character: words have none. */
static size_t
text_len(const char *s)
{
	size_t i, n, w = 0;

	for (i = 0; s[i] != '\0' && s[i] != ' ' && w < 2; i += n)
		w = width_at(s + i, &n);
	/* What combines with it. */
	while (w == 2 && s[i] != '\0' && width_at(s + i, &n) == 0)
		i += n;
	return i;
}

/* Bytes of the word at s; blanks in quotes are of it in a command. */
static size_t
word_len(const char *s, bool command)
{
	char quote = '\0';
	size_t n;

	if (!command)
		return text_len(s);
	for (n = 0; s[n] != '\0' && (quote != '\0' || s[n] != ' '); n++)
		if (quote == '\0' && (s[n] == '\'' || s[n] == '"'))
			quote = s[n];
		else if (s[n] == quote)
			quote = '\0';
	return n;
}

/* columns_wrap(); the lines of a command end in a backslash. */
static void
wrap(struct buf *out, const char *text, size_t at, const char *lead,
    bool command, size_t width)
{
	const char *end = command ? " \\" : "";
	const size_t begin = columns_width(lead);
	size_t n, w, less, start;
	bool first = true;  /* word of the text */
	bool blank = false; /* in front of the word */

	for (; *text != '\0'; text += n) {
		if (*text == ' ') {
			n = strspn(text, " ");
			blank = !first;
			continue;
		}
		n = word_len(text, command);
		w = word_width(text, n);
		less = lead_len(lead, w + strlen(end), width);
		start = begin - (strlen(lead) - less);
		if (width != COLUMNS_ANY &&
		    at + blank + w + strlen(end) > width && start < at &&
		    !(first && command && at <= begin)) {
			buf_puts(out, end);
			end_line(out);
			buf_add(out, lead, less);
			at = start;
		} else if (blank) {
			buf_putc(out, ' ');
			at++;
		}
		buf_add(out, text, n);
		at += w;
		blank = first = false;
	}
}

void
columns_wrap(struct buf *out, const char *text, size_t at, const char *lead,
    size_t width)
{
	wrap(out, text, at, lead, false, width);
}

void
columns_paragraph(struct buf *out, const char *label, size_t indent,
    const char *text, bool command, size_t width)
{
	struct buf safe = {0}, lead = {0};

	buf_puts(&safe, "");
	quote_put(&safe, text, strlen(text));
	buf_printf(&lead, "%*s", (int)indent, "");
	buf_printf(out, "%-*s", (int)indent, label);
	wrap(out, safe.data, indent, lead.data, command, width);
	buf_putc(out, '\n');
	buf_free(&safe);
	buf_free(&lead);
}

size_t
columns_of(int fd)
{
	const char *said = getenv("COLUMNS");
	struct winsize size = {.ws_col = 0};
	uint64_t n;

	if (said == NULL || num_parse(said, 1, WIDEST, &n) == -1)
		n = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
			? size.ws_col
			: COLUMNS_USUAL;
	return n < NARROWEST ? NARROWEST : (size_t)n;
}

bool
columns_colour(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) != 0 && getenv("NO_COLOR") == NULL && term != NULL &&
	       strcmp(term, "dumb") != 0;
}
