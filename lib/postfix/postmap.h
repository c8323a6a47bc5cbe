/*
 * postmap.h: what lookup tables of main.cf say, by postmap(1).
 *
 * proxy: and debug: are passed over: it is the table itself that is asked.
 */
#ifndef POSTMAP_H
#define POSTMAP_H

#include <stddef.h>

#include "strmap.h"

struct err;

/*
 * Somebody waits: all questions from now on may take POSTMAP_HURRY ms together,
 * and one of them POSTMAP_ONE. What is asked later is not answered. Without,
 * each may take a minute.
 */
#define POSTMAP_HURRY 8000
#define POSTMAP_ONE 4000
void postmap_hurry(void);

/*
 * Ask a table of the configuration folder dir (NULL: the default one) for
 * keys, one a line, or (NULL) for all that it has. Starts a process, and waits
 * for it. The caller frees the answers, lines of "key\tvalue"; NULL with *e
 * set if it cannot be asked so.
 */
char *postmap_ask(
    const char *dir, const char *table, const char *keys, struct err *e);

/* The lines, sorted out. */
struct postmap {
	char *text;
	struct postmap_answer {
		const char *key, *value;
	} * v;
	size_t n, cap;
	struct strmap map;
};

/* Takes over text, which is cut up. */
void postmap_take(struct postmap *a, char *text);

/* The value of the key, the first if it is there twice; or NULL. */
const char *postmap_get(const struct postmap *a, const char *key);

void postmap_release(struct postmap *a);

#endif
