/*
 * dname.h: domain names and next-hop destinations, in one normal form.
 *
 * Letters, digits and hyphens only (RFC 952, RFC 1123, RFC 5890 LDH),
 * labels of 1 to 63 bytes, 253 bytes in all, lower case; U-labels become
 * A-labels by IDNA2008 non-transitional (RFC 5891, UTS 46), as Postfix does
 * it. libidn2 deletes characters that it does not like in some of its
 * modes, so everything is checked by ourselves before and after.
 */
#ifndef DNAME_H
#define DNAME_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define DNAME_MAX 253	      /* bytes of a name, without NUL */
#define DNAME_LABEL_MAX 63    /* bytes of a label */
#define DNAME_NEXTHOP_MAX 320 /* bytes of `[host]:port`, without NUL */

enum dname_kind {
	DNAME_HOST,    /* a.b */
	DNAME_SUFFIX,  /* .a.b */
	DNAME_NEXTHOP, /* [host], [host]:port, a.b:port */
};

/* A name in its normal form. */
struct dname {
	const char *s;
	size_t len;
	enum dname_kind kind;
	bool alabel; /* a label of it is an A-label ("xn--...") */
};

/*
 * Normal form of the host name in s. A name that is in normal form already
 * is not copied: out->s is then s itself; else it is buf, of DNAME_MAX + 1
 * bytes or more. Returns NULL if s is a name, else what is wrong with it,
 * as a phrase that fits behind `domain "x": `; the phrase may stand in buf,
 * and of out only the kind is set.
 */
const char *dname_host(const char *s, char *buf, struct dname *out);

/*
 * The same for a host that takes mail, or `.suffix`: it may have underscores,
 * as for Postfix.
 */
const char *dname_gateway(const char *s, char *buf, struct dname *out);

/*
 * The same for what smtp_tls_policy_maps may be asked for: `d`, `.d`,
 * `[host]`, `[host]:port`, `d:port`, `[address]`. buf has DNAME_NEXTHOP_MAX + 1
 * bytes or more. An address in brackets and the port stay as they are written,
 * in lower case, as Postfix asks for them (postconf(5)).
 */
const char *dname_nexthop(const char *s, char *buf, struct dname *out);

/* True if the name, in normal form, is of that kind: no domain of mail. */
static inline bool
dname_is_nexthop_n(const char *s, size_t n)
{
	return n > 0 && (*s == '[' || memchr(s, ':', n) != NULL);
}

static inline bool
dname_is_nexthop(const char *s)
{
	return dname_is_nexthop_n(s, strlen(s));
}

/* True if s is an IPv4 or IPv6 address. */
bool dname_is_address(const char *s);

/*
 * The U-label form of the normal name s (with or without a leading dot)
 * into buf of at least 4 * DNAME_MAX bytes. False if it has none.
 */
bool dname_unicode(const char *s, char *buf, size_t size);

/* A Postfix next-hop taken apart (transport(5), smtp(8)). */
struct nexthop {
	char name[DNAME_MAX + 1]; /* lower case; or the IP address */
	uint16_t port;		  /* 0: none was given */
	bool direct;		  /* brackets or an IP address: no MX lookup */
	socklen_t len;		  /* of sa; 0: a name, not an address */
	struct sockaddr_storage sa; /* its port is left 0 */
};

/*
 * Parse `domain`, `domain:port`, `[host]`, `[host]:port`, an IPv4 or IPv6
 * address with or without brackets (`[ipv6:...]` as well). port is a number
 * or a service of services(5). 0, or -1 if s is nothing of the kind.
 */
int nexthop_parse(const char *s, struct nexthop *n);

/*
 * True if s is a host name in A-label form: labels of 1 to 63 letters,
 * digits, "-" and "_" with dots between them, no hyphen first or last.
 */
bool nexthop_is_host(const char *s);

#endif
