/*
 * maincf.h: how main.cf writes lists, tables and sockets, how tlspactd is
 * asked in the restriction lists of smtpd(8), and what is done there while
 * it does not answer.
 *
 * root is queue_directory, setting is policy_socket or socketmap_socket.
 */
#ifndef MAINCF_H
#define MAINCF_H

#include <stdbool.h>
#include <string.h>

#include "span.h"

struct buf;

static inline struct span
maincf_text(const char *text)
{
	return text == NULL ? (struct span){"", 0}
			    : (struct span){text, strlen(text)};
}

/* Is it an element of the list? */
bool maincf_has(const char *list, const char *word);

/* "cdb:/dir/policy" for "/dir/policy.cdb"; the caller frees it. */
char *maincf_table(const char *map_path);

/* The same table, though by proxymap(8), or logged by debug:? */
bool maincf_is_table(struct span table, const char *ours);

/* The table behind proxy: and debug:; the caller frees it. */
char *maincf_bare_table(const char *table);

/* A socketmap: table that asks there? */
bool maincf_is_socketmap(
    struct span table, const char *setting, const char *root);

/* The path of the setting; NULL if it is of inet. */
const char *maincf_socket_path(const char *setting);

bool maincf_is_loopback(struct span host);

/*
 * The setting as main.cf names it: "unix:" and the path, relative if it lies
 * in root; or "inet:host:port". The caller frees it.
 */
char *maincf_service(const char *setting, const char *root);

/* Does a service of main.cf mean that setting, in any of its forms? */
bool maincf_is_service(
    struct span service, const char *setting, const char *root);

/* The lists in which Postfix can ask, in its order, NULL-terminated. */
extern const char *const asking_lists[];

struct asking {
	const char *list;    /* of asking_lists; NULL: tlspactd is not asked */
	struct span service; /* "unix:tlspact/policy", borrowed, as all below */
	bool guarded;	     /* behind reject_unauth_destination in that list */
	bool unreached;	     /* behind a bare permit or reject */
	struct span timeout; /* p is NULL: not said there */
	struct span action;
};

/* Does the word refuse what is not to be relayed? */
bool asking_is_guard(struct span word);

/* Is it asked in the list? a->list is left to the caller. */
bool asking_find(
    const char *list, const char *setting, const char *root, struct asking *a);

/* The list with another default_action for tlspactd; the caller frees it. */
char *asking_rewrite(const char *list, const char *setting, const char *root,
    const char *action);

/*
 * The list with ours in front, or behind the guard against relaying; the
 * caller frees it.
 */
char *asking_add(const char *list, const char *ours, bool behind);

/* How it is to be asked by a TARGET_VERSION of Postfix; the caller frees it. */
char *asking_words(const char *setting, const char *root, unsigned version);

/* Can that TARGET_VERSION have restriction classes for a dead tlspactd? */
bool dead_can_close(unsigned version);

#define DEAD_LINES 3
#define DEAD_CLASSES "smtpd_restriction_classes"

/*
 * The lines of main.cf that look into the inbound table (sidemap.h), the
 * list of classes and both of them; the caller frees the values. classes is
 * the list as it is. shown: as postconf -x tells them, not as they are written.
 */
struct dead_line {
	const char *name;
	char *value;
};
void dead_lines(const char *classes, const char *inbound_map, bool shown,
    struct dead_line out[DEAD_LINES]);

#endif
