#include "flush.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "err.h"
#include "mem.h"
#include "num.h"
#include "postconf.h"

#define LIST_MAX (256u * 1024 * 1024) /* bytes of postqueue -j */
#define LIST_MS 60000
#define CAT_MAX (16u * 1024 * 1024) /* bytes of postcat -e */
#define SENDOPT_REQUIRETLS 32	    /* Postfix's SOPT_REQUIRETLS_ESMTP */
#define LIFETIME_MAX (UINT64_C(100) * 365 * 86400)
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
		*reason = json_string_value(json_object_get(r, "delay_reason"));
		if (at != NULL && match(at + 1, *reason, arg))
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
	if (arrived > 0 && (w->oldest == 0 || arrived < w->oldest)) {
		w->oldest = arrived;
		free(w->reason);
		w->reason = reason == NULL ? NULL : mem_dup(reason);
	}
	if (strcmp(queue, "deferred") != 0)
		return;
	w->deferred++;
	if (arrived > w->newest) {
		w->newest = arrived;
		free(w->newest_reason);
		w->newest_reason = reason == NULL ? NULL : mem_dup(reason);
	}
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

time_t
flush_returned(const struct waiting *w, const char *lifetime)
{
	uint64_t n, unit = 1;

	if (w->oldest == 0 || lifetime == NULL ||
	    num_duration(lifetime, LIFETIME_MAX, &n) == -1)
		return 0;
	/* Without a unit Postfix takes it for days. */
	if (lifetime[strspn(lifetime, "0123456789")] == '\0')
		unit = 86400;
	return n > LIFETIME_MAX / unit ? 0 : w->oldest + (time_t)(n * unit);
}

void
flush_release(struct waiting *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->id[i]);
	free(w->id);
	free(w->reason);
	free(w->newest_reason);
	*w = (struct waiting){0};
}

/* --- One message ------------------------------------------------------- */

#define SHORT_MIN 5 /* characters; a long one has more, and this in it: */
#define LONG_MIN 10
#define LONG_MARK 'z'

bool
flush_is_id(const char *s)
{
	const size_t n = strlen(s);

	if (!is_queue_id(s))
		return false;
	if (s[strspn(s, "0123456789ABCDEF")] == '\0')
		return n >= SHORT_MIN;
	return n >= LONG_MIN && strchr(s, LONG_MARK) != NULL &&
	       strpbrk(s, "0123456789") != NULL &&
	       strpbrk(s, "BCDFGHJKLMNPQRSTVWXYZ") != NULL;
}

/* Its recipients; false: none can be read. */
static bool
take_mail(struct flush_mail *m, json_t *recipients)
{
	const char *address, *at, *domain = NULL, *reason;
	json_t *r;
	size_t i;

	json_array_foreach(recipients, i, r)
	{
		address = json_string_value(json_object_get(r, "address"));
		at = address == NULL ? NULL : strrchr(address, '@');
		if (at == NULL)
			continue;
		if (domain != NULL) {
			m->others += strcasecmp(at + 1, domain) != 0;
			continue;
		}
		reason = json_string_value(json_object_get(r, "delay_reason"));
		m->address = mem_dup(address);
		m->reason = reason == NULL ? NULL : mem_dup(reason);
		domain = strrchr(m->address, '@') + 1;
	}
	return m->address != NULL;
}

int
flush_find_parse(struct flush_mail *m, const char *text, const char *id)
{
	const char *end, *found;
	json_t *message;
	bool got = false;

	*m = (struct flush_mail){0};
	for (; *text != '\0' && !got; text = *end == '\0' ? end : end + 1) {
		end = strchrnul(text, '\n');
		/* Of a long queue one line is worth reading. */
		if ((found = strstr(text, id)) == NULL)
			break;
		if (found >= end)
			continue;
		message = json_loadb(
		    text, (size_t)(end - text), JSON_REJECT_DUPLICATES, NULL);
		found = json_string_value(json_object_get(message, "queue_id"));
		got = found != NULL && strcmp(found, id) == 0 &&
		      take_mail(m, json_object_get(message, "recipients"));
		json_decref(message);
	}
	return got;
}

int
flush_find(struct flush_mail *m, const char *dir, const char *id, struct err *e)
{
	char *text;
	int rv;

	*m = (struct flush_mail){0};
	text = postfix_read("postqueue", dir, "-j", NULL, LIST_MAX, LIST_MS, e);
	if (text == NULL)
		return -1;
	rv = flush_find_parse(m, text, id);
	free(text);
	return rv;
}

void
flush_mail_release(struct flush_mail *m)
{
	free(m->address);
	free(m->reason);
	*m = (struct flush_mail){0};
}
