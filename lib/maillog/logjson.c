/*
 * A scanner for the one shape that we need. A general JSON parser takes
 * memory for each of the thirty fields of a line, of which we want five.
 */
#include "logjson.h"

#include "buf.h"
#include "logprefix.h"

struct scan {
	const char *p;
	const char *end;
};

struct fields {
	struct span identifier, pid, own_pid, host, time, source_time;
	struct span message;
	bool message_is_bytes;
};

static void
blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
}

static bool
take(struct scan *s, char c)
{
	blanks(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* A string, as it stands between its quotes. */
static bool
string(struct scan *s, struct span *out)
{
	const char *q;

	if (!take(s, '"'))
		return false;
	out->p = s->p;
	for (;;) {
		q = memchr(s->p, '"', (size_t)(s->end - s->p));
		if (q == NULL)
			return false;
		s->p = q + 1;
		/* It ends there unless an odd number of \ stands before. */
		while (q > out->p && q[-1] == '\\')
			q--;
		if ((s->p - 1 - q) % 2 == 0)
			break;
	}
	out->n = (size_t)(s->p - 1 - out->p);
	return true;
}

/* Any value; nested ones are passed over by counting brackets. */
static bool
value(struct scan *s, struct span *out)
{
	unsigned depth = 0;
	struct span unused;

	blanks(s);
	if (s->p == s->end)
		return false;
	if (*s->p == '"')
		return string(s, out);
	out->p = s->p;
	for (; s->p < s->end; s->p++) {
		if (*s->p == '"') {
			if (!string(s, &unused))
				return false;
			s->p--;
		} else if (*s->p == '[' || *s->p == '{') {
			if (++depth > LOGJSON_DEPTH_MAX)
				return false;
		} else if ((*s->p == ']' || *s->p == '}') && depth > 0) {
			depth--;
		} else if ((*s->p == ',' || *s->p == '}') && depth == 0) {
			break;
		}
	}
	out->n = (size_t)(s->p - out->p);
	return true;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
add_utf8(struct buf *b, unsigned c)
{
	if (c < 0x80) {
		buf_putc(b, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_putc(b, (char)(0xc0 | c >> 6));
	} else {
		buf_putc(b, (char)(0xe0 | c >> 12));
		buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_putc(b, (char)(0x80 | (c & 0x3f)));
}

/*
 * What one escape, at in.p, stands for; returns its length, 0 if it is bad.
 * Surrogate pairs are not put together: no word that we look for has one.
 */
static size_t
escape(struct span in, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	unsigned c = 0;
	size_t i;
	int h;

	if (in.n < 2)
		return 0;
	if (in.p[1] != 'u') {
		at = memchr(from, in.p[1], sizeof(from) - 1);
		if (at == NULL)
			return 0;
		buf_putc(out, to[at - from]);
		return 2;
	}
	if (in.n < 6)
		return 0;
	for (i = 2; i < 6; i++) {
		if ((h = hex(in.p[i])) == -1)
			return 0;
		c = c << 4 | (unsigned)h;
	}
	add_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	return 6;
}

static int
unescape(struct span in, struct buf *out)
{
	size_t n;

	while (in.n > 0) {
		n = span_chr(in, '\\');
		buf_add(out, in.p, n);
		in = span_skip(in, n);
		if (in.n == 0)
			break;
		if ((n = escape(in, out)) == 0)
			return -1;
		in = span_skip(in, n);
	}
	return 0;
}

/* [80,111,115]: journald does so for text that is not UTF-8. */
static int
bytes(struct span in, struct buf *out)
{
	unsigned v = 0;
	bool some = false;
	size_t i;

	for (i = 1; i < in.n; i++) {
		if (in.p[i] >= '0' && in.p[i] <= '9') {
			v = v * 10 + (unsigned)(in.p[i] - '0');
			some = true;
			if (v > 255)
				return -1;
		} else if (in.p[i] == ',' || in.p[i] == ']') {
			if (!some)
				return -1;
			buf_putc(out, (char)v);
			v = 0;
			some = false;
		} else if (in.p[i] != ' ') {
			return -1;
		}
	}
	return 0;
}

static int
collect(struct scan *s, struct fields *f)
{
	struct span name, v;

	if (!take(s, '{'))
		return -1;
	if (take(s, '}'))
		return 0;
	do {
		if (!string(s, &name) || !take(s, ':') || !value(s, &v))
			return -1;
		if (span_is(name, "MESSAGE")) {
			f->message = v;
			f->message_is_bytes =
			    v.n > 0 && v.p[0] == '[' && v.p[-1] != '"';
		} else if (span_is(name, "SYSLOG_IDENTIFIER")) {
			f->identifier = v;
		} else if (span_is(name, "SYSLOG_PID")) {
			f->pid = v;
		} else if (span_is(name, "_PID")) {
			f->own_pid = v;
		} else if (span_is(name, "_HOSTNAME")) {
			f->host = v;
		} else if (span_is(name, "__REALTIME_TIMESTAMP")) {
			f->time = v;
		} else if (span_is(name, "_SOURCE_REALTIME_TIMESTAMP")) {
			f->source_time = v;
		}
	} while (take(s, ','));
	return take(s, '}') ? 0 : -1;
}

static uint32_t
number(struct span s)
{
	uint32_t v = 0;
	size_t i;

	if (s.n > 9)
		return 0;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return 0;
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	}
	return v;
}

int
logjson_parse(struct span line, struct buf *scratch, struct logprefix *out)
{
	struct scan s = {line.p, line.p + line.n};
	struct fields f = {0};
	const char *slash;
	size_t tag;

	if (collect(&s, &f) == -1 || f.identifier.n == 0 || f.message.p == NULL)
		return -1;
	buf_clear(scratch);
	/* The tag's slashes may be escaped. */
	if (unescape(f.identifier, scratch) == -1)
		return -1;
	tag = scratch->len;
	if ((f.message_is_bytes ? bytes : unescape)(f.message, scratch) == -1)
		return -1;
	out->tag = (struct span){scratch->data, tag};
	slash = memrchr(scratch->data, '/', tag);
	out->program = slash == NULL ? out->tag
				     : span_skip(out->tag,
					   (size_t)(slash + 1 - scratch->data));
	out->text = span_skip((struct span){scratch->data, scratch->len}, tag);
	out->host = f.host;
	out->pid = number(f.pid.n > 0 ? f.pid : f.own_pid);
	out->stamp = f.source_time.n > 0 ? f.source_time : f.time;
	out->kind = out->stamp.n > 0 ? LOGPREFIX_MICRO : LOGPREFIX_NO_TIME;
	return 0;
}
