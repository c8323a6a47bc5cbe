/*
 * throwaway.h: a Postfix of our own for a moment, with the settings of another
 * one for mail that leaves: what does it do with this mail under this policy?
 *
 * It has its own folder, queue and log, listens nowhere, and sends to loopback
 * alone. The other one is not touched. Needs root, as Postfix does.
 */
#ifndef THROWAWAY_H
#define THROWAWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define THROWAWAY_REASON 512

/* One mail, to one server. */
struct throwaway_mail {
	uint16_t port;	    /* of 127.0.0.1 */
	const char *policy; /* what smtp_tls_policy_maps has for it */
	/* What became of it. */
	bool known, sent;
	char reason[THROWAWAY_REASON]; /* in Postfix's words */
};

/* What the other one has in smtp_tls_policy_maps, of which we take the place.
 */
struct throwaway_place {
	const char *map;    /* "cdb:/path/of/it" */
	const char *socket; /* of socketmap: "/path", "unix:path", "inet:..." */
};

/*
 * Start one like the Postfix whose configuration is in dir (NULL: the default
 * one), which also trusts the CA in PEM; send the mails, n of them; wait until
 * each has met its fate, or for so many seconds; and take all away again, also
 * if a signal comes meanwhile. The policies stand in its smtp_tls_policy_maps
 * where the other one's smtp(8) has the first of these tables: if it has none,
 * they are not asked for. The CA's file, that a policy may name, is
 * THROWAWAY_CA in it: it is replaced there. 0, or -1 with *e set (69, 73, 77:
 * not root).
 */
#define THROWAWAY_CA "%CA%"
int throwaway_run(const char *dir, const struct throwaway_place *place,
    const char *ca, struct throwaway_mail *mail, size_t n, int seconds,
    struct err *e);

#endif
