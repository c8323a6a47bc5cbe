/*
 * mxdns.h: where a next-hop's mail goes: MX, addresses, TLSA, each with its
 * DNSSEC state, from libunbound inside the caller's event loop.
 *
 * No answer is never read as no record: an answer that could not be had
 * says why, and a next-hop for which that matters is MXDNS_FAILED.
 */
#ifndef MXDNS_H
#define MXDNS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct err;
struct event_base;
struct mxdns;

#define MXDNS_MAX_HOSTS 64	/* MX records looked at */
#define MXDNS_MAX_ADDRS 32	/* addresses of one host, both families */
#define MXDNS_MAX_TLSA 32	/* TLSA records of one host */
#define MXDNS_MAX_TLSA_LEN 2048 /* bytes of one; longer ones are left out */
#define MXDNS_MAX_QUERIES 64	/* next-hops under way; more wait their turn */

struct mxdns_settings {
	/* `ip` or `ip@port` of a resolver; NULL: those of resolv.conf. */
	const char *resolver;
	/*
	 * File of DS or DNSKEY records (/usr/share/dns/root.key); NULL: no
	 * DNSSEC, nothing is secure and nothing is bogus.
	 */
	const char *trust_anchor;
	unsigned timeout_ms; /* for all of one next-hop, once it began */
};

enum mxdns_kind {
	MXDNS_NOT_ASKED,
	MXDNS_FOUND,
	MXDNS_NO_DATA,	/* the name exists, such a record does not */
	MXDNS_NO_NAME,	/* NXDOMAIN */
	MXDNS_SERVFAIL, /* the resolver could not find out */
	MXDNS_BOGUS,	/* DNSSEC says forged or broken: see why */
	MXDNS_TIMEOUT,	/* no answer within timeout_ms */
	MXDNS_BROKEN	/* unusable answer or name, other error: see why */
};

/* How one question was answered. Strings are NULL if there is nothing. */
struct mxdns_answer {
	enum mxdns_kind kind;
	bool secure;	   /* proven by DNSSEC, be it found or not there */
	const char *why;   /* for people, fit to be shown */
	const char *canon; /* the name that a CNAME led to */
};

struct mxdns_tlsa {
	uint8_t usage, selector, matching;
	size_t len;
	const uint8_t *data;
};

struct mxdns_addr {
	struct sockaddr_storage sa; /* with the port filled in */
	socklen_t len;
};

struct mxdns_host {
	const char *name; /* lower case, no dot at the end; or the IP address */
	unsigned pref;
	struct mxdns_answer a, aaaa;
	struct mxdns_addr *addr; /* IPv4 first, then by number */
	size_t naddr;
	/*
	 * RFC 7672: asked only if an address is secure, and at tlsa_base,
	 * which is the name behind a secure CNAME if there are records, and
	 * name otherwise.
	 */
	struct mxdns_answer tlsa;
	const char *tlsa_base; /* NULL if not asked */
	/*
	 * RFC 7672, 2.2.2: where name is an alias of a name whose addresses
	 * are not secure, the alias itself; if it is, TLSA is asked there.
	 */
	struct mxdns_answer alias;
	struct mxdns_tlsa *tlsa_rr;
	size_t ntlsa;
};

enum mxdns_status {
	MXDNS_OK,	  /* at least one address is known */
	MXDNS_NULL_MX,	  /* the domain takes no mail (RFC 7505) */
	MXDNS_NO_DOMAIN,  /* NXDOMAIN */
	MXDNS_NO_ADDRESS, /* neither MX nor address, or MX hosts without */
	MXDNS_FAILED,	  /* could not be found out; try again later */
	MXDNS_BAD_NEXTHOP /* not a next-hop at all; nothing was asked */
};

struct mxdns_result {
	enum mxdns_status status;
	const char *nexthop; /* as asked */
	const char *domain;  /* without brackets and port, lower case */
	uint16_t port;
	struct mxdns_answer mx; /* NOT_ASKED for [host] and addresses */
	const char *text;	/* with how.text: that record; NULL: none */
	/*
	 * An answer is bogus or could not be had, and so it is with the root,
	 * which is always signed: the resolver does not validate, or hides
	 * signatures from us. It says nothing of the domain.
	 */
	bool no_root;
	struct mxdns_host *host; /* by preference, then by name */
	size_t nhost;
};

/* Called once a query, from the loop; r and all behind it lives until then. */
typedef void mxdns_cb(const struct mxdns_result *r, void *arg);

/*
 * A resolver in the loop of base, which must outlive it. It starts a thread
 * with the first query. NULL with *err set: EX_NOINPUT and the like for an
 * unreadable trust anchor, EX_CONFIG for bad settings, EX_SOFTWARE.
 */
struct mxdns *mxdns_new(struct event_base *base,
    const struct mxdns_settings *settings, struct err *err);

/* How it is looked up, where that is not the usual way. */
struct mxdns_how {
	bool tlsa;    /* ask for _port._tcp.host as well */
	bool no_mx;   /* the next-hop itself is the host */
	bool no_host; /* no host is asked for in the DNS */
	bool native;  /* hosts that DNS has not: getaddrinfo(3), /etc/hosts */
	/*
	 * Not NULL: nothing of the above, but the one TXT record of that
	 * version ("v=STSv1") that the next-hop has; mx is how that was
	 * answered, MXDNS_NO_DATA if there are others only, MXDNS_BROKEN if
	 * there are several.
	 */
	const char *text;
};

/*
 * Look up nexthop: `domain`, `domain:port` (MX, or the domain itself),
 * `[host]`, `[host]:port`, an IP address with or without brackets. Names
 * are A-labels. port holds where nexthop has none. how may be NULL. cb is
 * always called, later and from the loop.
 */
void mxdns_lookup(struct mxdns *d, const char *nexthop, uint16_t port,
    const struct mxdns_how *how, mxdns_cb *cb, void *arg);

/* Forget all queries and free. NULL is fine. Not from inside a cb. */
void mxdns_free(struct mxdns *d);

/*
 * Does the resolver of resolv.conf vouch for DNSSEC, as Postfix asks it to:
 * does it set AD on an answer about the root, which is signed? Waits some
 * seconds.
 */
bool mxdns_system_vouches(void);

/* Stable short words: "no-data", "null-mx". */
extern const char *const mxdns_kind_names[], *const mxdns_status_names[];

#endif
