/*
 * nexthop.h: a Postfix next-hop taken apart (transport(5), smtp(8)).
 */
#ifndef NEXTHOP_H
#define NEXTHOP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define NEXTHOP_MAX_NAME 253 /* bytes of a domain name in text (RFC 1035) */

struct nexthop {
	char name[NEXTHOP_MAX_NAME + 1]; /* lower case; or the IP address */
	uint16_t port;			 /* 0: none was given */
	bool direct;   /* brackets or an IP address: no MX lookup */
	socklen_t len; /* of sa; 0: a name, not an address */
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
