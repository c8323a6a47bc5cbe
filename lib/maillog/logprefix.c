#include "logprefix.h"

#include "buf.h"
#include "logjson.h"

#define NAME_MAX_CONTAINER 128 /* bytes before the bar of `name | ` */

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
two_digits(const char *p)
{
	return digit(p[0]) && digit(p[1]);
}

/* Up to nine digits. 0, or -1. */
static int
small_number(struct span s, uint32_t *out)
{
	uint32_t v = 0;
	size_t i;

	if (s.n == 0 || s.n > 9)
		return -1;
	for (i = 0; i < s.n; i++) {
		if (!digit(s.p[i]))
			return -1;
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	}
	*out = v;
	return 0;
}

/* "hh:mm:ss" */
static bool
is_clock(const char *p)
{
	return two_digits(p) && p[2] == ':' && two_digits(p + 3) &&
	       p[5] == ':' && two_digits(p + 6);
}

static void
set_program(struct logprefix *out)
{
	const char *slash =
	    out->tag.n == 0 ? NULL : memrchr(out->tag.p, '/', out->tag.n);

	out->program = slash == NULL ? out->tag
				     : span_skip(out->tag,
					   (size_t)(slash + 1 - out->tag.p));
}

/* A token "name[pid]:" or "name:" */
static int
take_tag(struct span token, struct logprefix *out)
{
	size_t open;

	if (token.n < 2 || token.p[token.n - 1] != ':')
		return -1;
	token.n--;
	out->pid = 0;
	if (token.p[token.n - 1] == ']') {
		const char *at = memrchr(token.p, '[', token.n);

		if (at == NULL)
			return -1;
		open = (size_t)(at - token.p);
		if (small_number((struct span){at + 1, token.n - open - 2},
			&out->pid) == -1)
			return -1;
		token.n = open;
	}
	if (token.n == 0)
		return -1;
	out->tag = token;
	set_program(out);
	return 0;
}

/* What follows the time: "[<facility.level> ][host ]tag[pid]: text". */
static int
take_rest(struct span rest, struct logprefix *out)
{
	struct span token;

	if (rest.n > 0 && rest.p[0] == '<')
		(void)span_cut(&rest, ' ');
	out->host = (struct span){NULL, 0};
	token = span_cut(&rest, ' ');
	if (take_tag(token, out) == -1) {
		out->host = token;
		token = span_cut(&rest, ' ');
		if (take_tag(token, out) == -1)
			return -1;
	}
	/* Solaris: "[ID 197553 mail.info] text". */
	if (span_begins(rest, "[ID ")) {
		(void)span_cut(&rest, ']');
		rest = span_skip(rest, 1);
	}
	out->text = rest;
	return 0;
}

/* "Nov  3 11:50:36 " or "Nov 03 11:50:36 ", perhaps with a year. */
static int
take_bsd(struct span line, struct logprefix *out)
{
	const char *p = line.p;

	if (line.n < 17 || p[3] != ' ' || p[6] != ' ' || !digit(p[5]) ||
	    (p[4] != ' ' && !digit(p[4])))
		return -1;
	if (is_clock(p + 7) && p[15] == ' ') {
		out->kind = LOGPREFIX_BSD;
		out->stamp = (struct span){p, 15};
		return take_rest(span_skip(line, 16), out);
	}
	if (line.n > 22 && two_digits(p + 7) && two_digits(p + 9) &&
	    p[11] == ' ' && is_clock(p + 12) &&
	    (p[20] == ' ' || p[20] == ':')) {
		out->kind = LOGPREFIX_BSD_YEAR;
		out->stamp = (struct span){p, 20};
		line = span_skip(line, p[20] == ':' ? 22 : 21);
		return take_rest(line, out);
	}
	return -1;
}

/* Length of "2026-11-23T11:50:36.123456+00:00", or 0. */
static size_t
iso_length(struct span s)
{
	const char *p = s.p;
	size_t i = 19;

	if (s.n < 20 || !two_digits(p) || !two_digits(p + 2) || p[4] != '-' ||
	    !two_digits(p + 5) || p[7] != '-' || !two_digits(p + 8) ||
	    (p[10] != 'T' && p[10] != ' ' && p[10] != 't') || !is_clock(p + 11))
		return 0;
	if (p[i] == '.' || p[i] == ',')
		for (i++; i < s.n && digit(p[i]); i++)
			;
	if (i < s.n && (p[i] == 'Z' || p[i] == 'z'))
		i++;
	else if (i < s.n && (p[i] == '+' || p[i] == '-'))
		for (i++; i < s.n && (digit(p[i]) || p[i] == ':'); i++)
			;
	return i < s.n && p[i] == ' ' ? i : 0;
}

/* RFC 5424 behind "<22>1 ": stamp host app pid msgid data text. */
static int
take_5424(struct span line, struct logprefix *out)
{
	struct span pid;
	size_t n = iso_length(line);

	out->kind = n == 0 ? LOGPREFIX_NO_TIME : LOGPREFIX_ISO;
	out->stamp = (struct span){line.p, n};
	(void)span_cut(&line, ' ');
	out->host = span_cut(&line, ' ');
	if (span_is(out->host, "-"))
		out->host.n = 0;
	out->tag = span_cut(&line, ' ');
	if (out->tag.n == 0)
		return -1;
	set_program(out);
	pid = span_cut(&line, ' ');
	if (small_number(pid, &out->pid) == -1)
		out->pid = 0;
	(void)span_cut(&line, ' ');
	if (line.n > 0 && line.p[0] == '[') {
		/* Quotes and ']' are escaped inside, '] ' ends the data. */
		n = span_find(line, "] ");
		if (n == line.n)
			return -1;
		line = span_skip(line, n + 2);
	} else {
		struct span data = span_cut(&line, ' ');

		if (!span_is(data, "-"))
			return -1;
	}
	/* A byte order mark (RFC 5424, 6.4). */
	if (span_begins(line, "\xef\xbb\xbf"))
		line = span_skip(line, 3);
	out->text = line;
	return 0;
}

/* "<22>" before a line, or "<22>1 " of RFC 5424. */
static int
take_priority(struct span line, struct logprefix *out)
{
	size_t close = span_chr(line, '>');
	uint32_t unused;

	if (close == line.n || close > 4 ||
	    small_number((struct span){line.p + 1, close - 1}, &unused) == -1)
		return -1;
	line = span_skip(line, close + 1);
	if (span_begins(line, "1 "))
		return take_5424(span_skip(line, 2), out);
	return take_bsd(line, out);
}

static int
take_iso(struct span line, struct logprefix *out, size_t n)
{
	struct span rest = span_skip(line, n + 1);

	out->kind = LOGPREFIX_ISO;
	out->stamp = (struct span){line.p, n};
	/* Kubernetes: "TIME stdout F line"; Docker: "TIME line". */
	if ((span_begins(rest, "stdout ") || span_begins(rest, "stderr ")) &&
	    rest.n > 9 && rest.p[8] == ' ')
		rest = span_skip(rest, 9);
	if (take_rest(rest, out) == 0)
		return 0;
	return take_bsd(rest, out);
}

static int
take_plain(struct span line, struct logprefix *out)
{
	size_t n;

	if (line.n == 0)
		return -1;
	if (line.p[0] >= 'A' && line.p[0] <= 'Z') {
		if (take_bsd(line, out) == 0)
			return 0;
		/* journalctl -o short-full: "Mon 2026-11-23 11:50:36 UTC ". */
		if (line.n > 28 && line.p[3] == ' ' &&
		    (n = iso_length(span_skip(line, 4))) == 19) {
			struct span rest = span_skip(line, 24);

			out->kind = LOGPREFIX_ISO;
			out->stamp = (struct span){line.p + 4, 19};
			if (span_begins(rest, "UTC "))
				out->stamp.n = 23;
			(void)span_cut(&rest, ' ');
			return take_rest(rest, out);
		}
		return -1;
	}
	if (line.p[0] == '<')
		return take_priority(line, out);
	if (digit(line.p[0]) && (n = iso_length(line)) != 0)
		return take_iso(line, out, n);
	return -1;
}

int
logprefix_parse(struct span line, struct buf *scratch, struct logprefix *out)
{
	struct span head;
	size_t bar;

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n > 0 && line.p[0] == '{')
		return logjson_parse(line, scratch, out);
	if (take_plain(line, out) == 0)
		return 0;
	/* "mail-1  | line", as docker compose prints it, perhaps coloured. */
	head = line;
	if (head.n > NAME_MAX_CONTAINER)
		head.n = NAME_MAX_CONTAINER;
	bar = span_find(head, "| ");
	if (bar == head.n)
		return -1;
	line = span_skip(line, bar + 2);
	if (span_begins(line, "\033[0m"))
		line = span_skip(line, 4);
	return take_plain(line, out);
}
