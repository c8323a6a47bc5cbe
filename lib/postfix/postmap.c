#include "postmap.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "err.h"
#include "mem.h"
#include "program.h"
#include "quote.h"

#define ASK_SECONDS 60
#define ASK_MAX ((size_t)256 << 20) /* bytes of answers */

struct asking_table {
	struct event_base *base;
	const char *table;
	char *out; /* NULL: it failed */
	struct err *e;
};

static void
on_end(const struct child_end *end, void *arg)
{
	struct asking_table *a = arg;

	/* It ends with 1 as well if no key is there, and says nothing then. */
	if (!end->late && !end->cut &&
	    (end->status == 0 || (*end->err == '\0' && *end->out == '\0')))
		a->out = mem_dup(end->out);
	else if (*end->err != '\0')
		(void)err_set(a->e, EX_UNAVAILABLE, "%.*s",
		    (int)strcspn(end->err, "\n"), end->err);
	else
		(void)err_set(a->e, EX_UNAVAILABLE, "%s answers too %s",
		    quotes(a->table).s, end->late ? "late" : "much");
	(void)event_base_loopbreak(a->base);
}

/* The table behind proxy: and debug:, which both have six characters. */
static const char *
itself(const char *table)
{
	while (strncmp(table, "proxy:", 6) == 0 ||
	       strncmp(table, "debug:", 6) == 0)
		table += 6;
	return table;
}

char *
postmap_ask(const char *dir, const char *table, const char *keys, struct err *e)
{
	struct asking_table a = {.table = table, .e = e};
	const char *argv[7] = {"postmap"};
	struct child_work w = {.argv = argv,
	    .input = keys,
	    .inlen = keys == NULL ? 0 : strlen(keys),
	    .out_max = ASK_MAX,
	    .seconds = ASK_SECONDS,
	    .fn = on_end,
	    .arg = &a};
	struct children *children;
	size_t n = 1;

	if (dir != NULL) {
		argv[n++] = "-c";
		argv[n++] = dir;
	}
	argv[n++] = keys == NULL ? "-s" : "-q";
	if (keys != NULL)
		argv[n++] = "-";
	argv[n] = itself(table);
	(void)signal(SIGPIPE, SIG_IGN);
	if ((a.base = event_base_new()) == NULL) {
		(void)err_set(e, EX_OSERR, "no event loop");
	} else {
		children = children_new(a.base);
		if (children_run(children, &w, e) == 0)
			(void)event_base_dispatch(a.base);
		children_free(children);
		event_base_free(a.base);
	}
	return a.out;
}

static const char *
key_of(const void *array, uint32_t i)
{
	return ((const struct postmap_answer *)array)[i].key;
}

void
postmap_take(struct postmap *a, char *text)
{
	char *line, *save = NULL, *tab;

	*a = (struct postmap){.text = text};
	strmap_init(&a->map, key_of);
	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if ((tab = strchr(line, '\t')) == NULL)
			continue;
		*tab = '\0';
		a->v = mem_grow(a->v, a->n, &a->cap, sizeof(*a->v));
		a->v[a->n] = (struct postmap_answer){line, tab + 1};
		(void)strmap_add(
		    &a->map, a->v, line, strlen(line), (uint32_t)a->n++);
	}
}

const char *
postmap_get(const struct postmap *a, const char *key)
{
	uint32_t i = strmap_find(&a->map, a->v, key, strlen(key));

	return i == STRMAP_NONE ? NULL : a->v[i].value;
}

void
postmap_release(struct postmap *a)
{
	strmap_free(&a->map);
	free(a->v);
	free(a->text);
	*a = (struct postmap){0};
}
