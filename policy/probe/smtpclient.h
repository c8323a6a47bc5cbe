/*
 * smtpclient.h: how this machine's smtp(8) meets a server, as main.cf and the
 * service smtp/unix of master.cf have it.
 *
 * What the prober can do likewise it takes from here; what decides a delivery
 * and the prober does not do is told.
 */
#ifndef SMTPCLIENT_H
#define SMTPCLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct postconf;

struct smtpclient {
	char *helo; /* the name to greet with */
	char *
	    servername; /* smtp_tls_servername: "", "hostname", "nexthop", it */
	char *curves;	/* of the key exchange, as OpenSSL takes them */
	/* tls_medium_cipherlist, tls_high_cipherlist */
	char *medium, *high;
	/* What takes out of them: for opportunistic partners, and for others */
	char *exclude, *exclude_mandatory;
	/* For opportunistic partners, by smtp_tls_security_level: */
	bool high_for_may;	  /* the high grade */
	int min_proto, max_proto; /* TLS1_2_VERSION and so on */
	bool no_starttls;	  /* smtp_discard_ehlo_keywords takes it out */
	bool keep_esmtp;	  /* EHLO also behind a masked greeting */
	bool wrapped;		  /* TLS from the start */
	bool ipv4, ipv6;	  /* inet_protocols */
	/* smtp_bind_address and smtp_bind_address6; family 0: none */
	struct sockaddr_in from4;
	struct sockaddr_in6 from6;
	char *unlike; /* a line for each that the prober does not do */
};

/*
 * Ask postconf(1), which MAIL_CONFIG guides. Where there is no Postfix, its
 * defaults. helo_name takes the place of smtp_helo_name if it is not empty.
 * rows: the map has rows for opportunistic partners.
 */
void smtpclient_read(struct smtpclient *c, const char *helo_name, bool rows);

/*
 * Of what decides a delivery and the prober does as the defaults do, the next
 * that the configuration has otherwise, from *at = 0 on; NULL: no more. *value
 * borrows from p.
 */
const char *smtpclient_unlike(
    const struct postconf *p, size_t *at, const char **value);

void smtpclient_release(struct smtpclient *c);

#endif
