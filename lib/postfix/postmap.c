#include "postmap.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "err.h"
#include "mem.h"
#include "program.h"

#define ASK_MS 60000
#define NS_OF_MS 1000000u
#define ASK_MAX ((size_t)256 << 20) /* bytes of answers */

static uint64_t until; /* of clock_ns(); 0: nobody waits */

void
postmap_hurry(void)
{
	until = clock_ns() + (uint64_t)POSTMAP_HURRY * NS_OF_MS;
}

/* Milliseconds that a question may take, 0: none. */
static int
patience(void)
{
	const uint64_t now = clock_ns();

	if (until == 0)
		return ASK_MS;
	if (now >= until)
		return 0;
	return until - now < (uint64_t)POSTMAP_ONE * NS_OF_MS
		   ? (int)((until - now) / NS_OF_MS) + 1
		   : POSTMAP_ONE;
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
	const char *argv[7] = {"postmap"};
	const int ms = patience();
	const uint64_t end = clock_ns() + (uint64_t)ms * NS_OF_MS;
	char *answers;
	size_t n = 1;

	if (dir != NULL) {
		argv[n++] = "-c";
		argv[n++] = dir;
	}
	argv[n++] = keys == NULL ? "-s" : "-q";
	if (keys != NULL)
		argv[n++] = "-";
	argv[n] = itself(table);
	answers = ms == 0 ? NULL
			  : program_ask(
				argv, keys == NULL ? "" : keys, ASK_MAX, ms, e);
	if (ms == 0)
		(void)err_set(e, EX_UNAVAILABLE,
		    "it was not asked, as others did not answer in time");
	else if (answers == NULL && clock_ns() >= end)
		(void)err_set(e, EX_UNAVAILABLE,
		    "the table did not answer within %d s", (ms + 500) / 1000);
	return answers;
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
