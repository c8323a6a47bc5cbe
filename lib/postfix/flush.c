#include "flush.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "err.h"
#include "mem.h"
#include "postconf.h"

#define LIST_MAX (256u * 1024 * 1024) /* bytes of postqueue -j */
#define LIST_MS 60000
#define CAT_MAX (16u * 1024 * 1024) /* bytes of postcat -e */
#define SENDOPT_REQUIRETLS 32	    /* Postfix's SOPT_REQUIRETLS_ESMTP */
#define RETRY_MS 10000
#define ID_MAX 64 /* bytes of a queue id; long ones have 20 or so */

/* Letters and digits: it becomes an argument of another program. */
static bool
is_queue_id(const char *s)
{
	size_t n = strspn(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz");

	return n > 0 && n <= ID_MAX && s[n] == '\0';
}

/* Is a recipient asked for? *reason is why that one waits. */
static bool
wanted(
    json_t *recipients, flush_match_fn *match, void *arg, const char **reason)
{
	const char *address, *at;
	json_t *r;
	size_t i;

	json_array_foreach(recipients, i, r)
	{
		address = json_string_value(json_object_get(r, "address"));
		at = address == NULL ? NULL : strrchr(address, '@');
		if (at == NULL || !match(at + 1, arg))
			continue;
		*reason = json_string_value(json_object_get(r, "delay_reason"));
		return true;
	}
	return false;
}

static void
take(struct waiting *w, json_t *message, flush_match_fn *match, void *arg)
{
	const char *queue, *id, *reason = NULL;
	time_t arrived;

	queue = json_string_value(json_object_get(message, "queue_name"));
	id = json_string_value(json_object_get(message, "queue_id"));
	if (queue == NULL || id == NULL || !is_queue_id(id)) {
		w->strange++;
		return;
	}
	if (!wanted(
		json_object_get(message, "recipients"), match, arg, &reason))
		return;
	if (strcmp(queue, "hold") == 0) {
		w->held++;
		return;
	}
	w->messages++;
	arrived = (time_t)json_integer_value(
	    json_object_get(message, "arrival_time"));
	if (arrived > 0 && (w->oldest == 0 || arrived < w->oldest))
		w->oldest = arrived;
	if (reason != NULL && w->reason == NULL)
		w->reason = mem_dup(reason);
	if (strcmp(queue, "deferred") != 0)
		return;
	w->deferred++;
	if (w->n == FLUSH_MAX)
		return;
	w->id = mem_grow(w->id, w->n, &w->cap, sizeof(*w->id));
	w->id[w->n++] = mem_dup(id);
}

void
flush_parse(
    struct waiting *w, const char *text, flush_match_fn *match, void *arg)
{
	const char *end;
	json_t *message;

	*w = (struct waiting){0};
	for (; *text != '\0'; text = *end == '\0' ? end : end + 1) {
		end = strchrnul(text, '\n');
		if (end == text)
			continue;
		message = json_loadb(
		    text, (size_t)(end - text), JSON_REJECT_DUPLICATES, NULL);
		if (json_is_object(message))
			take(w, message, match, arg);
		else
			w->strange++;
		json_decref(message);
	}
}

int
flush_list(struct waiting *w, const char *dir, flush_match_fn *match, void *arg,
    struct err *e)
{
	char *text;

	*w = (struct waiting){0};
	text = postfix_read("postqueue", dir, "-j", NULL, LIST_MAX, LIST_MS, e);
	if (text == NULL)
		return -1;
	flush_parse(w, text, match, arg);
	free(text);
	return 0;
}

int
flush_retry(
    const struct waiting *w, const char *dir, size_t *tried, struct err *e)
{
	const char *id[2] = {NULL};
	char *text;

	for (*tried = 0; *tried < w->n; ++*tried) {
		id[0] = w->id[*tried];
		text =
		    postfix_read("postqueue", dir, "-i", id, 4096, RETRY_MS, e);
		if (text == NULL)
			return -1;
		free(text);
	}
	return 0;
}

size_t
flush_requiretls_parse(const char *text)
{
	static const char record[] = "message_size:";
	unsigned long v[6];
	const char *line;
	size_t n = 0;

	for (line = text; *line != '\0';
	     line += line[0] == '\n' ? 1 : strcspn(line, "\n")) {
		if (*line == '\n' ||
		    strncmp(line, record, sizeof(record) - 1) != 0)
			continue;
		if (sscanf(line + sizeof(record) - 1,
			"%20lu %20lu %20lu %20lu %20lu %20lu", &v[0], &v[1],
			&v[2], &v[3], &v[4], &v[5]) == 6)
			n += (v[5] & SENDOPT_REQUIRETLS) != 0;
	}
	return n;
}

int
flush_requiretls(
    const struct waiting *w, const char *dir, size_t *n, struct err *e)
{
	const char *id[FLUSH_MAX + 1] = {NULL};
	size_t i;
	char *text;

	*n = 0;
	if (w->n == 0)
		return 0;
	for (i = 0; i < w->n; i++)
		id[i] = w->id[i];
	text = postfix_read("postcat", dir, "-eq", id, CAT_MAX, LIST_MS, e);
	if (text == NULL)
		return -1;
	*n = flush_requiretls_parse(text);
	free(text);
	return 0;
}

void
flush_release(struct waiting *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->id[i]);
	free(w->id);
	free(w->reason);
	*w = (struct waiting){0};
}
