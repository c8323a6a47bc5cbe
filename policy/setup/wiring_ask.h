/*
 * wiring_ask.h: restriction lists of smtpd(8), and how tlspactd is asked in
 * them.
 */
#ifndef WIRING_ASK_H
#define WIRING_ASK_H

#include <stdbool.h>

/* The lists in which Postfix can ask, NULL-terminated. */
extern const char *const wiring_lists[];

struct asking {
	const char *list; /* of wiring_lists; NULL: tlspactd is not asked */
	char *service;	  /* "unix:tlspact/policy" */
	bool guarded;	  /* behind reject_unauth_destination in that list */
	bool unreached;	  /* behind a bare permit or reject */
	char *timeout;	  /* NULL: not said there */
	char *action;
};

/* Does the word refuse what is not to be relayed? */
bool asking_is_guard(const char *word);

/*
 * Is policy_socket (socket) asked in the list? root is queue_directory. The
 * caller releases a if so, and sets a->list.
 */
bool asking_find(
    const char *list, const char *socket, const char *root, struct asking *a);

void asking_release(struct asking *a);

/* The list with another default_action for tlspactd; the caller frees it. */
char *asking_rewrite(
    const char *list, const char *socket, const char *root, const char *action);

/*
 * The list with ours in front, or behind the guard against relaying; the
 * caller frees it.
 */
char *asking_add(const char *list, const char *ours, bool behind);

/* The same list without blanks; the caller frees it. */
char *asking_without_blanks(const char *list);

#endif
