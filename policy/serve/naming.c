#include "naming.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "diag.h"
#include "err.h"
#include "mem.h"
#include "process.h"
#include "registry.h"

#define UNKNOWN "-"

struct naming_line {
	enum logline_level level;
	char *key, *before, *after;
};

/* In the child: a name for each line that it was asked about. */
static int
look_up(void *arg, struct buf *out, struct err *e)
{
	const struct naming *n = arg;
	struct diags d = {0};
	struct registry *r;
	uint32_t at;
	size_t i;

	r = registry_load(n->registry, time(NULL), &d, e);
	if (r == NULL)
		return -1;
	/* What is wrong in it is no reason to forget the others. */
	for (i = 0; i < n->asked; i++) {
		at = registry_domain(r, n->line[i].key);
		buf_puts(out, at == REGISTRY_NONE
				  ? UNKNOWN
				  : r->partner[r->domain[at].partner].name);
		buf_putc(out, '\n');
	}
	diag_free(&d);
	registry_free(r);
	return 0;
}

/* Log the first n lines, with the names in text as far as there are any. */
static void
put(struct naming *n, size_t lines, const char *text, size_t len)
{
	struct naming_line *l;
	const char *name, *end;
	size_t i;

	for (i = 0; i < lines; i++) {
		l = &n->line[i];
		end = len == 0 ? NULL : memchr(text, '\n', len);
		name = end == NULL ? UNKNOWN : text;
		logline(l->level, "%s%.*s%s", l->before,
		    end == NULL ? (int)strlen(UNKNOWN) : (int)(end - text),
		    name, l->after);
		if (end != NULL) {
			len -= (size_t)(end + 1 - text);
			text = end + 1;
		}
		free(l->key);
		free(l->before);
		free(l->after);
	}
	n->n -= lines;
	memmove(n->line, n->line + lines, n->n * sizeof(*n->line));
}

static void go_on(struct naming *n);

static void
on_names(void *arg, const char *text, size_t len, const struct err *e)
{
	struct naming *n = arg;

	n->task = NULL;
	if (text == NULL)
		logline(LOGLINE_DEBUG, "names of partners: %s", e->text);
	put(n, n->asked, text, text == NULL ? 0 : len);
	go_on(n);
}

static void
go_on(struct naming *n)
{
	struct err e;

	if (n->n == 0 || n->task != NULL)
		return;
	n->asked = n->n;
	n->task = task_start(n->base, look_up, on_names, n, &e);
	if (n->task == NULL)
		put(n, n->n, NULL, 0);
}

void
naming_log(struct naming *n, enum logline_level level, const char *key,
    const char *before, const char *after)
{
	if (n->base == NULL || n->n == NAMING_MAX) {
		logline(level, "%s" UNKNOWN "%s", before, after);
		return;
	}
	if (n->line == NULL)
		n->line = mem_alloc(NAMING_MAX * sizeof(*n->line));
	n->line[n->n++] = (struct naming_line){
	    level, mem_dup(key), mem_dup(before), mem_dup(after)};
	go_on(n);
}

void
naming_release(struct naming *n)
{
	task_cancel(n->task);
	if (n->line != NULL)
		put(n, n->n, NULL, 0);
	free(n->line);
	*n = (struct naming){0};
}
