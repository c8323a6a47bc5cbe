#include "logprefix.h"

#include <jansson.h>

#include "buf.h"

#define NAME_MAX_CONTAINER 128 /* bytes before the bar of `name | ` */
#define DEPTH_MAX 3	       /* headers around a line */
#define FUTURE 86400 /* seconds that a clock or a zone may be ahead of us */
#define LAST INT64_C(253402300799) /* of the year 9999 */
#define LEAP_CYCLE 8 /* the longest time between two 29ths of February */

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

/* Without what ends a line. */
static struct span
chomp(struct span line)
{
	while (line.n > 0 &&
	       (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == '\n'))
		line.n--;
	return line;
}

/* Digits only, up to max of them. 0, or -1. */
static int
number(struct span s, size_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	if (s.n == 0 || s.n > max)
		return -1;
	for (i = 0; i < s.n; i++) {
		if (!digit(s.p[i]))
			return -1;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	*out = v;
	return 0;
}

/* A process id has up to nine digits. 0, or -1. */
static int
take_pid(struct span s, struct logprefix *out)
{
	uint64_t pid = 0;
	int rv = number(s, 9, &pid);

	out->pid = (uint32_t)pid;
	return rv;
}

/* "hh:mm:ss" */
static bool
is_clock(const char *p)
{
	return two_digits(p) && p[2] == ':' && two_digits(p + 3) &&
	       p[5] == ':' && two_digits(p + 6);
}

static void
set_tag(struct logprefix *out, struct span tag)
{
	const char *slash = memrchr(tag.p, '/', tag.n);

	out->tag = tag;
	out->program =
	    slash == NULL ? tag : span_skip(tag, (size_t)(slash + 1 - tag.p));
}

/* A token "name[pid]:" or "name:" */
static int
take_tag(struct span token, struct logprefix *out)
{
	size_t close;

	if (token.n < 2 || token.p[token.n - 1] != ':')
		return -1;
	token.n--;
	out->pid = 0;
	if (token.p[token.n - 1] == ']') {
		close = --token.n;
		while (token.n > 0 && digit(token.p[token.n - 1]))
			token.n--;
		if (token.n == 0 || token.p[token.n - 1] != '[' ||
		    take_pid((struct span){token.p + token.n, close - token.n},
			out) == -1)
			return -1;
		token.n--;
	}
	if (token.n == 0)
		return -1;
	set_tag(out, token);
	return 0;
}

/* The next word; more than one blank may follow it. */
static struct span
cut_word(struct span *s)
{
	struct span word = span_cut(s, ' ');

	while (s->n > 0 && s->p[0] == ' ')
		*s = span_skip(*s, 1);
	return word;
}

/* "last message repeated 3 times", without any tag. */
static bool
is_repeated(struct span s)
{
	return span_begins(s, "last message repeated ") &&
	       span_ends(s, " times");
}

/*
 * What follows the time: "[<facility.level> ][host ]tag[pid]: text"; BusyBox
 * writes "mail.info" behind the host.
 */
static int
take_rest(struct span rest, struct logprefix *out)
{
	struct span word;

	if (rest.n > 0 && rest.p[0] == '<')
		(void)span_cut(&rest, ' ');
	out->host = (struct span){NULL, 0};
	word = cut_word(&rest);
	if (take_tag(word, out) == -1) {
		out->host = word;
		if (is_repeated(rest)) {
			set_tag(out, (struct span){rest.p, 4});
			out->pid = 0;
			out->text = span_skip(rest, 5);
			return 0;
		}
		word = cut_word(&rest);
		if (span_begins(word, "mail."))
			word = cut_word(&rest);
		if (take_tag(word, out) == -1)
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

/* "11:50:36 " at p, which ends before end, perhaps "11:50:36.123456 ". */
static size_t
clock_length(const char *p, const char *end)
{
	size_t n = 8;

	if (end - p < 10 || !is_clock(p))
		return 0;
	if (p[n] == '.')
		for (n++; p + n < end && digit(p[n]); n++)
			;
	return p + n < end && p[n] == ' ' ? n : 0;
}

/* "Nov  3 11:50:36 ", "Nov 03 ...", "Nov 3 ...", perhaps with a year. */
static int
take_bsd(struct span line, struct logprefix *out)
{
	const char *p = line.p, *end = line.p + line.n;
	size_t n, day = 2;

	if (line.n < 17 || p[3] != ' ')
		return -1;
	if (p[5] == ' ' && digit(p[4]))
		day = 1;
	else if (p[6] != ' ' || !digit(p[5]) || (p[4] != ' ' && !digit(p[4])))
		return -1;
	if ((n = clock_length(p + 5 + day, end)) > 0) {
		out->kind = LOGPREFIX_BSD;
		out->stamp = (struct span){p, 5 + day + 8};
		return take_rest(span_skip(line, 5 + day + n + 1), out);
	}
	if (day == 1)
		return -1;
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
	struct span tag;
	size_t n = iso_length(line);

	out->kind = n == 0 ? LOGPREFIX_NO_TIME : LOGPREFIX_ISO;
	out->stamp = (struct span){line.p, n};
	(void)span_cut(&line, ' ');
	out->host = span_cut(&line, ' ');
	if (span_is(out->host, "-"))
		out->host.n = 0;
	tag = span_cut(&line, ' ');
	if (tag.n == 0)
		return -1;
	set_tag(out, tag);
	(void)take_pid(span_cut(&line, ' '), out);
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

/* "1795434636.123456 " of journalctl -o short-unix. */
static int
take_unix(struct span line, struct logprefix *out)
{
	size_t n = 0;

	while (n < line.n && n < 11 && digit(line.p[n]))
		n++;
	if (n < 9 || n == line.n || line.p[n] != '.')
		return -1;
	out->kind = LOGPREFIX_UNIX;
	out->stamp = (struct span){line.p, n};
	(void)span_cut(&line, ' ');
	return take_rest(line, out);
}

/* "stdout F " of a container's line; false if it is a part that lacks more. */
static bool
skip_stream(struct span *s)
{
	if ((!span_begins(*s, "stdout ") && !span_begins(*s, "stderr ")) ||
	    s->n < 10 || s->p[8] != ' ')
		return true;
	if (s->p[7] == 'P')
		return false;
	*s = span_skip(*s, 9);
	return true;
}

static int
take_iso(struct span line, struct logprefix *out, size_t n)
{
	struct span rest = span_skip(line, n + 1);

	out->kind = LOGPREFIX_ISO;
	out->stamp = (struct span){line.p, n};
	return skip_stream(&rest) ? take_rest(rest, out) : -1;
}

/* "<22>" before a line, or "<22>1 " of RFC 5424. */
static int
take_priority(struct span line, struct logprefix *out)
{
	size_t close = span_chr(line, '>');
	uint64_t unused;
	size_t n;

	if (close == line.n ||
	    number((struct span){line.p + 1, close - 1}, 3, &unused) == -1)
		return -1;
	line = span_skip(line, close + 1);
	if (span_begins(line, "1 "))
		return take_5424(span_skip(line, 2), out);
	if ((n = iso_length(line)) != 0)
		return take_iso(line, out, n);
	return take_bsd(line, out);
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
	if (!digit(line.p[0]))
		return -1;
	return (n = iso_length(line)) != 0 ? take_iso(line, out, n)
					   : take_unix(line, out);
}

/* --- headers around headers ------------------------------------------- */

/*
 * Take off what a container platform puts before a whole line: the time and
 * the stream (Kubernetes, docker logs -t), "[pod/NAME/CONTAINER] " (kubectl
 * --prefix), "mail-1  | " (docker compose), perhaps coloured.
 */
static bool
unwrap(struct span *line)
{
	struct span head = *line;
	size_t n = digit(line->p[0]) ? iso_length(*line) : 0;

	if (n > 0) {
		*line = span_skip(*line, n + 1);
		return skip_stream(line);
	}
	if (head.n > NAME_MAX_CONTAINER)
		head.n = NAME_MAX_CONTAINER;
	n = span_begins(head, "[pod/") ? span_find(head, "] ")
				       : span_find(head, "| ");
	if (n == head.n)
		return false;
	*line = span_skip(*line, n + 2);
	if (span_begins(*line, "\033[0m"))
		*line = span_skip(*line, 4);
	return true;
}

/* Postfix's own tags have a slash. */
static bool
is_foreign(const struct logprefix *p)
{
	return p->program.n == p->tag.n;
}

/*
 * Docker's drivers for syslog and the journal hand on whole lines, under a tag
 * of their own, which often has a slash, "docker/mail".
 */
static void
look_inside(struct logprefix *out)
{
	struct logprefix inner;

	if ((is_foreign(out) || span_begins(out->tag, "docker/")) &&
	    take_plain(out->text, &inner) == 0 && !is_foreign(&inner))
		*out = inner;
}

static int
take_wrapped(struct span line, struct logprefix *out)
{
	unsigned depth;

	for (depth = 0; line.n > 0; depth++) {
		if (take_plain(line, out) == 0) {
			look_inside(out);
			return 0;
		}
		if (depth == DEPTH_MAX || !unwrap(&line))
			return -1;
	}
	return -1;
}

/* --- lines that were cut --------------------------------------------- */

/*
 * Is it a line that could be a part? Then *header and *end are where its own
 * text begins and ends: what stands before is the same of all parts, but for a
 * time, and *more says that it does not end here.
 */
static bool
is_piece(struct span line, size_t *header, size_t *end, bool *more)
{
	static const char log[] = "{\"log\":\"", stream[] = "\",\"stream\":";
	struct span head = line;
	size_t at = 0, n;

	*end = line.n;
	if (span_begins(line, log)) {
		*header = sizeof(log) - 1;
		*end = span_find_text(line, stream, sizeof(stream) - 1);
		*more = *end < line.n &&
			(line.p[*end - 1] != 'n' || line.p[*end - 2] != '\\');
		return *end < line.n;
	}
	if (span_begins(line, "[pod/"))
		at = span_find(line, "] ") + 2;
	head = span_skip(line, at);
	n = head.n > 0 && digit(head.p[0]) ? iso_length(head) : 0;
	head = span_skip(head, n + 1);
	if (n == 0 || head.n < 9 ||
	    (!span_begins(head, "stdout ") && !span_begins(head, "stderr ")) ||
	    head.p[8] != ' ')
		return false;
	*header = at + n + 10;
	*more = head.p[7] == 'P';
	return true;
}

/* Of the same container and stream: all but the time and the tag. */
static bool
same_source(const struct logprefix_part *part, struct span line, size_t header)
{
	struct span a = {part->text.data, part->header}, b = {line.p, header};
	size_t pod, other;

	if (a.n == 0)
		return false;
	if (a.p[0] == '{' || b.p[0] == '{')
		return a.p[0] == b.p[0];
	pod = span_begins(a, "[pod/") ? span_find(a, "] ") : 0;
	other = span_begins(b, "[pod/") ? span_find(b, "] ") : 0;
	return pod == other && memcmp(a.p, b.p, pod) == 0 &&
	       memcmp(a.p + a.n - 9, b.p + b.n - 9, 6) == 0;
}

/* False if the line is kept as a part; else *line is whole. */
static bool
is_whole(struct logprefix_reader *t, struct span *line)
{
	struct logprefix_part *part;
	size_t header, end, i;
	bool more;

	if (!is_piece(*line, &header, &end, &more))
		return true;
	for (i = 0; i < LOGPREFIX_PARTS; i++)
		if (same_source(&t->part[i], *line, header))
			break;
	if (i == LOGPREFIX_PARTS && !more)
		return true;
	if (i == LOGPREFIX_PARTS) {
		for (i = 0; i < LOGPREFIX_PARTS && t->part[i].header != 0; i++)
			;
		if (i == LOGPREFIX_PARTS)
			i = t->next++ % LOGPREFIX_PARTS;
		part = &t->part[i];
		buf_clear(&part->text);
		buf_add(&part->text, line->p, header);
		part->header = header;
		/* As if it had come whole. */
		if (line->p[0] != '{')
			part->text.data[header - 2] = 'F';
	} else {
		part = &t->part[i];
	}
	if (part->text.len + line->n < LOGPREFIX_WHOLE_MAX)
		buf_add(&part->text, line->p + header,
		    more ? end - header : line->n - header);
	if (more)
		return false;
	part->header = 0;
	*line = (struct span){part->text.data, part->text.len};
	return true;
}

/* --- journalctl -o json ----------------------------------------------- */

/*
 * Half a surrogate pair, as damaged text may have it, is not for jansson; as
 * no word that we look for has a pair, each half becomes U+FFFD.
 */
static void
add_whole(struct buf *b, struct span s)
{
	size_t at;

	while ((at = span_chr(s, '\\')) < s.n) {
		buf_add(b, s.p, at);
		s = span_skip(s, at);
		if (s.n >= 6 && s.p[1] == 'u' && (s.p[2] | 0x20) == 'd' &&
		    memchr("89abcdefABCDEF", s.p[3], 14) != NULL) {
			buf_puts(b, "\\ufffd");
			s = span_skip(s, 6);
		} else {
			buf_add(b, s.p, s.n < 2 ? s.n : 2);
			s = span_skip(s, 2);
		}
	}
	buf_add(b, s.p, s.n);
}

/* The text of a field into b; -1 if it is none of text. */
static int
add_field(struct buf *b, const json_t *v)
{
	size_t i;

	if (json_is_string(v))
		buf_add(b, json_string_value(v), json_string_length(v));
	else if (json_is_integer(v))
		buf_printf(b, "%lld", (long long)json_integer_value(v));
	/* [80,111,115]: journald does so for text that is not UTF-8. */
	for (i = 0; i < json_array_size(v); i++) {
		json_t *byte = json_array_get(v, i);
		json_int_t c = json_integer_value(byte);

		if (!json_is_integer(byte) || c < 0 || c > 255)
			return -1;
		buf_putc(b, (char)c);
	}
	return 0;
}

/* The fields that count, one behind the other in scratch. */
static int
take_json(struct span line, struct buf *scratch, struct logprefix *out)
{
	/* Of each, the first that there is. */
	static const char *const names[][2] = {{"SYSLOG_IDENTIFIER", NULL},
	    {"MESSAGE", NULL}, {"_HOSTNAME", NULL}, {"SYSLOG_PID", "_PID"},
	    {"_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"}};
	enum { TAG, TEXT, HOST, PID, STAMP, FIELDS };
	size_t end[FIELDS], i;
	struct span s[FIELDS];
	json_t *j, *v;
	int rv = -1;

	buf_clear(scratch);
	add_whole(scratch, line);
	j = json_loadb(scratch->data, scratch->len,
	    JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL);
	buf_clear(scratch);
	/* Docker's json-file, and what collects logs: a whole line. */
	if ((v = json_object_get(j, "log")) == NULL)
		v = json_object_get(j, "message");
	if (v != NULL) {
		if (add_field(scratch, v) == 0)
			rv = take_wrapped(
			    chomp((struct span){scratch->data, scratch->len}),
			    out);
		goto out;
	}
	if (json_object_get(j, names[TEXT][0]) == NULL)
		goto out;
	for (i = 0; i < FIELDS; i++) {
		v = json_object_get(j, names[i][0]);
		if (v == NULL && names[i][1] != NULL)
			v = json_object_get(j, names[i][1]);
		if (add_field(scratch, v) == -1)
			goto out;
		end[i] = scratch->len;
	}
	for (i = 0; i < FIELDS; i++) {
		size_t from = i == 0 ? 0 : end[i - 1];

		s[i] = (struct span){scratch->data + from, end[i] - from};
	}
	if (s[TAG].n == 0)
		goto out;
	set_tag(out, s[TAG]);
	(void)take_pid(s[PID], out);
	out->text = s[TEXT];
	out->host = s[HOST];
	out->stamp = s[STAMP];
	out->kind = s[STAMP].n > 0 ? LOGPREFIX_MICRO : LOGPREFIX_NO_TIME;
	look_inside(out);
	rv = 0;
out:
	json_decref(j);
	return rv;
}

int
logprefix_parse(struct span line, struct buf *scratch, struct logprefix *out)
{
	line = chomp(line);
	if (line.n > 0 && line.p[0] == '{')
		return take_json(line, scratch, out);
	return take_wrapped(line, out);
}

/* Does the line seem to hold one of Postfix's? */
static bool
hides(struct span line)
{
	size_t at;

	while ((at = span_find(line, "postfix/")) < line.n) {
		line = span_skip(line, at + sizeof("postfix/") - 1);
		for (at = 0;
		     at < line.n && line.p[at] >= 'a' && line.p[at] <= 'z';
		     at++)
			;
		if (at > 0 && at < line.n && line.p[at] == '[')
			return true;
	}
	return false;
}

enum logprefix_taken
logprefix_take(
    struct logprefix_reader *r, struct span *line, struct logprefix *out)
{
	int rc;

	if (!is_whole(r, line))
		return LOGPREFIX_PART;
	rc = logprefix_parse(*line, &r->scratch, out);
	if (rc == 0 && out->program.n != out->tag.n)
		return LOGPREFIX_POSTFIX;
	out->hides = hides(*line);
	return rc == 0 ? LOGPREFIX_OTHER : LOGPREFIX_NONE;
}

void
logprefix_release(struct logprefix_reader *r)
{
	size_t i;

	for (i = 0; i < LOGPREFIX_PARTS; i++)
		buf_free(&r->part[i].text);
	buf_free(&r->scratch);
}

/* --- the time --------------------------------------------------------- */

static int
two(const char *p)
{
	return (p[0] == ' ' ? 0 : p[0] - '0') * 10 + p[1] - '0';
}

/* 1 to 12, or 0. */
static int
month(const char *p)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int i;

	for (i = 0; i < 12; i++)
		if (memcmp(p, names + 3 * i, 3) == 0)
			return i + 1;
	return 0;
}

static bool
valid_date(int year, int mon, int day)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (mon < 1 || mon > 12 || day < 1 || year < 1970)
		return false;
	return day <= days[mon - 1] + (mon == 2 && leap);
}

/* The first second of a minute; local time, or UTC. 0, or -1. */
static int
minute_time(
    int year, int mon, int day, const char *clock, bool utc, time_t *out)
{
	struct tm tm = {.tm_year = year - 1900,
	    .tm_mon = mon - 1,
	    .tm_mday = day,
	    .tm_hour = two(clock),
	    .tm_min = two(clock + 3),
	    .tm_isdst = -1};

	if (!valid_date(year, mon, day) || tm.tm_hour > 23 || tm.tm_min > 59)
		return -1;
	*out = utc ? timegm(&tm) : mktime(&tm);
	return *out == (time_t)-1 ? -1 : 0;
}

/* "Nov  3 11:50:36", or "Nov 3 ...", the year being what fits now. */
static int
bsd_minute(const struct logprefix_clock *t, struct span s, time_t *out)
{
	const char *clock = s.p + s.n - 8;
	int day = clock[-3] == ' ' ? clock[-2] - '0' : two(clock - 3);
	struct tm tm;
	time_t limit = t->now + FUTURE;
	int year, tries;

	if (localtime_r(&limit, &tm) == NULL)
		return -1;
	year = tm.tm_year + 1900;
	for (tries = 0; tries <= LEAP_CYCLE; tries++, year--)
		if (minute_time(year, month(s.p), day, clock, false, out) ==
			0 &&
		    *out <= limit)
			return 0;
	return -1;
}

static int
iso_minute(struct span s, size_t zone, time_t *out)
{
	const char *p = s.p;
	int offset = 0;
	bool utc = zone < s.n;

	if (minute_time(two(p) * 100 + two(p + 2), two(p + 5), two(p + 8),
		p + 11, utc, out) == -1)
		return -1;
	if (utc && (p[zone] == '+' || p[zone] == '-')) {
		struct span z = span_skip(s, zone + 1);

		/* +hh, +hhmm or +hh:mm */
		if (z.n != 2 && z.n != 4 && z.n != 5)
			return -1;
		offset = two(z.p) * 3600;
		if (z.n > 2)
			offset += two(z.p + z.n - 2) * 60;
		*out += p[zone] == '+' ? -offset : offset;
	}
	return 0;
}

/* Where the zone of an ISO stamp begins; its length if it has none. */
static size_t
zone_at(struct span s)
{
	size_t i;

	for (i = 19; i < s.n; i++)
		if (s.p[i] == 'Z' || s.p[i] == 'z' || s.p[i] == '+' ||
		    s.p[i] == '-' || s.p[i] == ' ')
			break;
	return i;
}

static int
micro(struct span s, time_t *out)
{
	uint64_t v;

	if (s.n < 7 || number(s, 18, &v) == -1 || v / 1000000 > LAST)
		return -1;
	*out = (time_t)(v / 1000000);
	return 0;
}

int
logprefix_time(struct logprefix_clock *t, const struct logprefix *p, time_t now,
    time_t *out)
{
	struct span s = p->stamp;
	size_t n = 0, zone = 0, nzone = 0, seconds;
	uint64_t unix_time;
	time_t base;
	int rc;

	if (t->now != now)
		*t = (struct logprefix_clock){.now = now};
	switch (p->kind) {
	case LOGPREFIX_NO_TIME:
		return -1;
	case LOGPREFIX_MICRO:
		return micro(s, out);
	case LOGPREFIX_UNIX:
		if (number(s, 11, &unix_time) == -1)
			return -1;
		*out = (time_t)unix_time;
		return 0;
	case LOGPREFIX_BSD:
		n = s.n - 3;
		break;
	case LOGPREFIX_BSD_YEAR:
		n = 17;
		break;
	case LOGPREFIX_ISO:
		n = 16;
		zone = zone_at(s);
		break;
	}
	/* Two digits of seconds and a colon follow what is kept. */
	seconds = (size_t)two(s.p + n + 1);
	if (seconds > 60)
		return -1;
	if (zone != 0 && s.n - zone <= 6)
		nzone = s.n - zone;
	if (n + nzone == t->n && memcmp(t->minute, s.p, n) == 0 &&
	    (nzone == 0 || memcmp(t->minute + n, s.p + zone, nzone) == 0)) {
		*out = t->base + (time_t)seconds;
		return 0;
	}
	if (p->kind == LOGPREFIX_BSD)
		rc = bsd_minute(t, s, &base);
	else if (p->kind == LOGPREFIX_BSD_YEAR)
		rc = minute_time(two(s.p + 7) * 100 + two(s.p + 9), month(s.p),
		    two(s.p + 4), s.p + 12, false, &base);
	else
		rc = iso_minute(s, zone, &base);
	if (rc == -1)
		return -1;
	memcpy(t->minute, s.p, n);
	memcpy(t->minute + n, s.p + zone, nzone);
	t->n = n + nzone;
	t->base = base;
	*out = base + (time_t)seconds;
	return 0;
}
