/*
 * wiring_priv.h: what the parts of wiring share.
 */
#ifndef WIRING_PRIV_H
#define WIRING_PRIV_H

#include "wiring.h"

/* One service of master.cf under inspection. */
struct client {
	const struct postconf *c;
	const struct map_facts *map;
	readable_fn *readable;
	struct findings *out;
	const char *service; /* NULL while main.cf alone is looked at */
	bool chrooted;
};

/* The value that the service sees; "" if there is no such parameter. */
const char *wiring_get(const struct client *k, const char *name);

/*
 * Add a finding; if it is there already, of another service, that one's name.
 * A fix "postconf -e 'NAME = VALUE'" for what the service has an -o option
 * of its own for becomes one by postconf -P.
 */
void wiring_found(struct client *k, enum finding_kind kind, const char *where,
    const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * The first element of a list in main.cf, braces kept together, and what
 * follows it. The caller frees it.
 */
char *wiring_first_word(const char *list, const char **rest);

/* "cdb:/dir/policy" for "/dir/policy.cdb"; the caller frees it. */
char *wiring_table_of(const char *map_path);

bool wiring_is_our_table(const char *table, const char *ours);

/* The path of policy_socket or socketmap_socket; NULL if it is of inet. */
const char *wiring_socket_path(const char *setting);

bool wiring_is_loopback(const char *host);

/*
 * The setting as main.cf names it: "unix:" and the path, relative if it lies
 * in queue_directory; or "inet:host:port". The caller frees it.
 */
char *wiring_service_of(const char *setting, const char *queue_directory);

/* Does a service of main.cf mean that setting, in any of its forms? */
bool wiring_is_service(
    const char *service, const char *setting, const char *queue_directory);

/*
 * How tlspactd is to be asked by that TARGET_VERSION of Postfix in the folder
 * root; the caller frees it.
 */
char *wiring_ask(
    const struct map_facts *map, const char *root, unsigned version);

/* The TARGET_VERSION of mail_version; 0 if it is none. */
unsigned wiring_version(const struct postconf *c);

bool wiring_is_our_socketmap(const struct client *k, const char *table);

/* Our socketmap is in smtp_tls_policy_maps; cdb_at is the place of the map. */
void wiring_check_socketmap(struct client *k, const char *table, size_t cdb_at);

/* True if a service with that chroot column runs in the queue directory. */
bool wiring_is_chrooted(const struct postconf *c, char column);

/* All services that take mail. */
void wiring_check_inbound(struct client *k);

#endif
