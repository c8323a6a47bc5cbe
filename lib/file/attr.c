#include "attr.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BLANK 1
#define ENDS_WORD 2
#define ENDS_NAME 4

static const unsigned char class[256] = {['\0'] = ENDS_WORD | ENDS_NAME,
    [' '] = BLANK | ENDS_WORD | ENDS_NAME,
    ['\t'] = BLANK | ENDS_WORD | ENDS_NAME,
    ['\n'] = BLANK | ENDS_WORD | ENDS_NAME,
    ['='] = ENDS_NAME};

static inline bool
is(char c, unsigned char what)
{
	return (class[(unsigned char)c] & what) != 0;
}

static bool
is_blank(char c)
{
	return is(c, BLANK);
}

void
attr_init(struct attrs *in, char *text, size_t len, unsigned line)
{
	in->next = text;
	in->end = text + len;
	in->line = line;
}

/*
 * The end of the value at p: the end of the text, or a blank. Eight bytes at
 * a time: one below 0x21 borrows into its highest bit, and the first that
 * does is such a byte for sure.
 */
static char *
value_end(const struct attrs *in, char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t v;

	while (in->end - p >= 8) {
		memcpy(&v, p, sizeof(v));
		v = le64toh(v);
		v = (v - ones * (' ' + 1)) & ~v & (ones * 0x80);
		if (v == 0) {
			p += 8;
			continue;
		}
		p += __builtin_ctzll(v) / 8;
		if (is(*p, ENDS_WORD))
			return p;
		p++;
	}
	while (!is(*p, ENDS_WORD))
		p++;
	return p;
}

/* Drop blanks at both ends of [s, e); line breaks inside become blanks. */
static char *
trim(char *s, char *e)
{
	char *to, *p;

	while (s < e && is_blank(*s))
		s++;
	while (e > s && is_blank(e[-1]))
		e--;
	for (to = p = s; p < e; p++) {
		if (*p != '\n') {
			*to++ = *p;
			continue;
		}
		while (to > s && is_blank(to[-1]))
			to--;
		while (is_blank(p[1]))
			p++;
		*to++ = ' ';
	}
	*to = '\0';
	return s;
}

/* A word in braces, p behind the opening one. */
static enum attr_kind
braced(struct attrs *in, struct attr *out, char *p)
{
	unsigned depth = 1, lines = 0;
	char *start = p, *eq;

	for (; *p != '\0'; p++) {
		if (*p == '\n')
			lines++;
		else if (*p == '{')
			depth++;
		else if (*p == '}' && --depth == 0)
			break;
	}
	if (*p == '\0') {
		out->name = start - 1;
		out->fault = "missing '}'";
		in->next = p;
		return ATTR_BAD;
	}
	*p++ = '\0';
	if (*p != '\0' && !is_blank(*p)) {
		out->name = p;
		out->fault = "no blank after '}'";
		in->next = p + strlen(p);
		return ATTR_BAD;
	}
	in->next = p;
	in->line += lines;
	eq = strchr(start, '=');
	if (eq == NULL) {
		out->name = trim(start, start + strlen(start));
		out->fault = "missing '=' in braces";
		in->next = p + strlen(p);
		return ATTR_BAD;
	}
	out->value = trim(eq + 1, eq + 1 + strlen(eq + 1));
	out->len = strlen(out->value);
	out->name = trim(start, eq);
	out->name_len = strlen(out->name);
	return ATTR_PAIR;
}

enum attr_kind
attr_next(struct attrs *in, struct attr *out)
{
	char *p = in->next, *eq = NULL;

	for (; is_blank(*p); p++)
		if (*p == '\n')
			in->line++;
	out->line = in->line;
	out->value = NULL;
	if (*p == '\0') {
		in->next = p;
		return ATTR_END;
	}
	if (*p == '{')
		return braced(in, out, p + 1);
	out->name = p;
	while (!is(*p, ENDS_NAME))
		p++;
	out->name_len = (size_t)(p - out->name);
	if (*p == '=') {
		eq = p;
		p = value_end(in, p + 1);
		out->value = eq + 1;
		out->len = (size_t)(p - out->value);
	}
	if (*p != '\0') {
		if (*p == '\n')
			in->line++;
		*p++ = '\0';
	}
	in->next = p;
	if (eq == NULL)
		return ATTR_WORD;
	*eq = '\0';
	return ATTR_PAIR;
}

int
attr_assign(char *text, char **name, char **value)
{
	char *eq = strchr(text, '=');

	if (eq == NULL)
		return -1;
	*value = trim(eq + 1, eq + strlen(eq));
	*name = trim(text, eq);
	return 0;
}

size_t
attr_list_count(const struct attr_list *list)
{
	size_t n = 1, i;

	for (i = 0; i < list->len; i++)
		n += list->next[i] == ',';
	return n;
}

char *
attr_list_next(struct attr_list *list, size_t *len)
{
	char *s = list->next, *end, *e;

	if (s == NULL)
		return NULL;
	end = s + list->len;
	e = memchr(s, ',', list->len);
	list->next = e == NULL ? NULL : e + 1;
	list->len = e == NULL ? 0 : (size_t)(end - list->next);
	if (e == NULL)
		e = end;
	while (is_blank(*s))
		s++;
	while (e > s && is_blank(e[-1]))
		e--;
	*e = '\0';
	*len = (size_t)(e - s);
	return s;
}
