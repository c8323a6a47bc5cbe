/*
 * own.h: our own side, as partners see it: certificates, with their keys,
 * protocols, and what the DNS says of us: TLSA, MTA-STS, TLS reports.
 */
#ifndef OWN_H
#define OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "keychain.h"

struct findings;
struct mxdns_host;
struct postconf;
struct settings;

enum own_state { OWN_OPEN, OWN_GOOD, OWN_WATCH, OWN_BAD };
extern const char *const own_state_names[]; /* "open", "good" ... */

/* One thing that was looked at, or could not be. */
struct own_item {
	const char *what; /* "server certificate"; static */
	char *name;	  /* a file, a host, a domain */
	enum own_state state;
	char *text;
	time_t begins, ends; /* of the certificate that ends first; or 0 */
};

/* A certificate that smtpd(8) may show, and where it stands. */
struct own_cert {
	struct keychain k;
	char *where;
};

#define OWN_CERTS_MAX 32
struct own {
	const struct postconf *c;
	time_t now;
	struct findings *found; /* what is wrong goes there, too */
	struct own_item *v;
	size_t n, cap;
	struct own_cert cert[OWN_CERTS_MAX]; /* of servers */
	size_t ncerts;
};

/*
 * Look, as the account that we are. The DNS is asked if there is a trust
 * anchor, and waited for up to OWN_DNS_MS. The caller releases *o.
 */
#define OWN_DNS_MS 5000
void own_look(struct own *o, const struct settings *s, const struct postconf *c,
    time_t now, struct findings *found);
/* The certificates alone, which are in files; in the same way. */
void own_certificates(struct own *o, const struct postconf *c, time_t now,
    struct findings *found);
void own_release(struct own *o);

/* The TLSA records of a host that is ours; it starts nothing, for tests. */
void own_judge_tlsa(struct own *o, const struct mxdns_host *h);

#endif
