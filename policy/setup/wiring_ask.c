/*
 * How Postfix asks tlspactd: in which list, by which words.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "mem.h"
#include "wiring_ask.h"
#include "wiring_priv.h"

/* In the order in which Postfix runs them. */
const char *const wiring_lists[] = {
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
    "smtpd_etrn_restrictions",
    NULL,
};

bool
asking_is_guard(const char *word)
{
	return strcmp(word, "reject_unauth_destination") == 0 ||
	       strcmp(word, "defer_unauth_destination") == 0 ||
	       strcmp(word, "reject") == 0 || strcmp(word, "defer") == 0;
}

/* The words of "{ unix:x, timeout=10s }" or of "unix:x"; freed by others. */
static char *
inner(const char *word)
{
	size_t n = strlen(word);

	return *word == '{' && n > 1 && word[n - 1] == '}'
		   ? mem_printf("%.*s", (int)n - 2, word + 1)
		   : mem_dup(word);
}

static void
take_service(const char *word, struct asking *a)
{
	char *text = inner(word), *part;
	const char *rest;

	a->service = wiring_first_word(text, &rest);
	while (*rest != '\0') {
		part = wiring_first_word(rest, &rest);
		if (strncmp(part, "timeout=", 8) == 0) {
			free(a->timeout);
			a->timeout = mem_dup(part + 8);
		} else if (strncmp(part, "default_action=", 15) == 0) {
			free(a->action);
			a->action = mem_dup(part + 15);
		}
		free(part);
	}
	free(text);
}

void
asking_release(struct asking *a)
{
	free(a->service);
	free(a->timeout);
	free(a->action);
	*a = (struct asking){0};
}

bool
asking_find(
    const char *list, const char *socket, const char *root, struct asking *a)
{
	bool guarded = false, ended = false;
	const char *rest = list;
	char *word, *service;

	*a = (struct asking){0};
	while (*rest != '\0') {
		word = wiring_first_word(rest, &rest);
		if (strcmp(word, "check_policy_service") == 0) {
			service = wiring_first_word(rest, &rest);
			take_service(service, a);
			free(service);
			if (wiring_is_service(a->service, socket, root)) {
				a->guarded = guarded;
				a->unreached = ended;
				free(word);
				return true;
			}
			asking_release(a);
		}
		guarded = guarded || asking_is_guard(word);
		ended = ended || strcmp(word, "permit") == 0 ||
			strcmp(word, "reject") == 0 ||
			strcmp(word, "defer") == 0;
		free(word);
	}
	return false;
}

/* "{ unix:x, timeout=10s, default_action=A }", what else is said kept. */
static void
put_service(struct buf *out, const char *word, const char *action)
{
	char *text = inner(word), *part;
	const char *rest = text;
	const char *sep = "";

	buf_puts(out, "{ ");
	while (*rest != '\0') {
		part = wiring_first_word(rest, &rest);
		if (strncmp(part, "default_action=", 15) != 0) {
			buf_printf(out, "%s%s", sep, part);
			sep = ", ";
		}
		free(part);
	}
	buf_printf(out, "%sdefault_action=%s }", sep, action);
	free(text);
}

char *
asking_rewrite(
    const char *list, const char *socket, const char *root, const char *action)
{
	struct buf out = {0};
	struct asking a = {0};
	const char *rest = list;
	char *word;
	bool next = false;

	buf_puts(&out, "");
	while (*rest != '\0') {
		word = wiring_first_word(rest, &rest);
		if (out.len > 0)
			buf_puts(&out, next ? " " : ", ");
		if (next)
			take_service(word, &a);
		if (next && wiring_is_service(a.service, socket, root))
			put_service(&out, word, action);
		else
			buf_puts(&out, word);
		asking_release(&a);
		next = strcmp(word, "check_policy_service") == 0;
		free(word);
	}
	return buf_take(&out);
}

char *
asking_add(const char *list, const char *ours, bool behind)
{
	struct buf out = {0};
	const char *rest = list;
	bool placed = !behind;
	char *word;

	buf_puts(&out, behind ? "" : ours);
	while (*rest != '\0') {
		word = wiring_first_word(rest, &rest);
		buf_printf(&out, "%s%s", out.len == 0 ? "" : ", ", word);
		if (!placed && strstr(word, "_unauth_destination") != NULL) {
			buf_printf(&out, ", %s", ours);
			placed = true;
		}
		free(word);
	}
	return buf_take(&out);
}

/* As postconf -P takes it: no blanks, which commas can stand for. */
char *
asking_without_blanks(const char *list)
{
	struct buf out = {0};
	bool gap = false;
	const char *p;

	buf_puts(&out, "");
	for (p = list; *p != '\0'; p++) {
		if (strchr(", \t\n", *p) != NULL) {
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
