#include "attr.h"

#include <stdbool.h>
#include <string.h>

#define BLANKS " \t\n"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

void
attr_init(struct attrs *in, char *text, unsigned line)
{
	in->next = text;
	in->line = line;
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
	while (*p != '\0' && *p != '=' && !is_blank(*p))
		p++;
	if (*p == '=') {
		eq = p;
		out->value = eq + 1;
		out->len = strcspn(out->value, BLANKS);
		p = out->value + out->len;
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
