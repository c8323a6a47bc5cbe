#include "findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "postconf.h"

#define SEPARATORS ", \t\n"

void
findings_release(struct findings *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		free(f->v[i].where);
		free(f->v[i].what);
		free(f->v[i].fix);
	}
	free(f->v);
	*f = (struct findings){0};
}

/* The fix, told to the Postfix that was looked at. The caller frees it. */
static char *
fix_there(const struct postconf *c, const char *fix)
{
	static const char begin[] = "postconf ";
	size_t n = sizeof(begin) - 1;

	if (c->dir == NULL || strncmp(fix, begin, n) != 0)
		return mem_dup(fix);
	return mem_printf("%s-c %s %s", begin, c->dir, fix + n);
}

/* As postconf -P takes it: no blanks, which commas can stand for. */
static char *
without_blanks(const char *list)
{
	struct buf out = {0};
	bool gap = false;
	const char *p;

	buf_puts(&out, "");
	for (p = list; *p != '\0'; p++) {
		if (strchr(SEPARATORS, *p) != NULL) {
			gap = true;
			continue;
		}
		if (gap && out.len > 0 && out.data[out.len - 1] != '{' &&
		    *p != '}')
			buf_putc(&out, ',');
		gap = false;
		buf_putc(&out, *p);
	}
	return buf_take(&out);
}

/*
 * postconf -e never reaches an -o option of master.cf, and what is right for
 * one service may open another: such a fix is for postconf -P.
 */
static char *
fix_for(const struct findings *f, const char *fix)
{
	static const char begin[] = "postconf -e '";
	const char *name = fix + sizeof(begin) - 1, *equals, *value, *end;
	char *param, *text, *bare, *out = NULL;

	if (f->service == NULL || strncmp(fix, begin, sizeof(begin) - 1) != 0 ||
	    (equals = strstr(name, " =")) == NULL ||
	    (end = strchr(equals, '\'')) == NULL)
		return mem_dup(fix);
	param = mem_printf("%.*s", (int)(equals - name), name);
	if (postconf_overrides(f->c, f->service, param)) {
		value = equals + 2 + (equals[2] == ' ');
		text = mem_printf("%.*s", (int)(end - value), value);
		bare = without_blanks(text);
		out = mem_printf("postconf -P '%s/%s=%s'%s", f->service, param,
		    bare, end + 1);
		free(bare);
		free(text);
	}
	free(param);
	return out == NULL ? mem_dup(fix) : out;
}

/* The same of another service: name this one, too. */
static bool
is_joined(const char *service, struct finding *f, const struct finding *new)
{
	size_t n = strlen(f->where);
	char *where;

	if (strcmp(f->what, new->what) != 0 || strcmp(f->fix, new->fix) != 0)
		return false;
	if (service == NULL || f->where[n - 1] != ')')
		return true; /* main.cf alone led to it */
	where = mem_printf("%.*s, %s)", (int)n - 1, f->where, service);
	free(f->where);
	f->where = where;
	return true;
}

void
findings_add(struct findings *out, enum finding_kind kind, const char *where,
    const char *fix, const char *fmt, ...)
{
	struct finding f = {.kind = kind};
	va_list ap;
	char *mend;
	size_t i;

	va_start(ap, fmt);
	if (vasprintf(&f.what, fmt, ap) < 0)
		abort();
	va_end(ap);
	mend = fix_for(out, fix);
	f.fix = fix_there(out->c, mend);
	free(mend);
	for (i = 0; i < out->n; i++)
		if (is_joined(out->service, &out->v[i], &f)) {
			free(f.what);
			free(f.fix);
			return;
		}
	f.where = out->service == NULL
		      ? mem_dup(where)
		      : mem_printf("%s (%s)", where, out->service);
	out->v = mem_grow(out->v, out->n, &out->cap, sizeof(*out->v));
	out->v[out->n++] = f;
	out->faults += kind == FINDING_FAULT;
}
