/*
 * asktable.h: what lookup tables of main.cf say, by postmap(1).
 *
 * proxy: and debug: are passed over: it is the table itself that is asked.
 */
#ifndef ASKTABLE_H
#define ASKTABLE_H

#include <stddef.h>

#include "strmap.h"

struct err;

/*
 * Lines of "key\tvalue" of those of the keys, one a line, that the table of
 * the configuration folder dir (NULL: the default one) has, in their order;
 * without keys (NULL) all that it has. The caller frees them; NULL with *e
 * set if it cannot be asked so.
 */
typedef char *asktable_fn(
    const char *dir, const char *table, const char *keys, struct err *e);

/* By postmap(1): starts a process, and waits for it. */
asktable_fn asktable;

/* The lines, sorted out. */
struct answers {
	char *text;
	struct answer {
		const char *key, *value;
	} * v;
	size_t n, cap;
	struct strmap map;
};

/* Takes over text, which is cut up. */
void answers_take(struct answers *a, char *text);

/* The value of the key, or NULL. */
const char *answers_get(const struct answers *a, const char *key);

void answers_release(struct answers *a);

#endif
