/*
 * smtpclient.h: how this machine's smtp(8) meets a server, as main.cf and its
 * service of master.cf have it.
 *
 * What the prober can do likewise it takes from here; what decides a delivery
 * and the prober does not do is told.
 */
#ifndef SMTPCLIENT_H
#define SMTPCLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "postconf.h"
#include "tlsversion.h"

struct err;
struct probeplan;
struct probetarget;
struct starttls_params;

/* One service that runs smtp(8). */
struct smtpclient {
	char *service; /* "smtp/unix" */
	char *helo;    /* the name to greet with */
	/* smtp_tls_servername: "", "hostname", "nexthop", a name */
	char *servername;
	char *curves; /* of the key exchange, as OpenSSL takes them */
	/* tls_medium_cipherlist, tls_high_cipherlist */
	char *medium, *high;
	/* What takes out of them: for opportunistic partners, and for others */
	char *exclude, *exclude_mandatory;
	/* What main.cf has where the partner's row says nothing. */
	struct smtpclient_usual {
		bool high;			  /* the high grade */
		enum tls_version lowest, highest; /* none is below TLS_1_0 */
	} may, mandatory; /* may: as smtp_tls_security_level has it */
	bool must;	  /* main.cf asks for TLS where no row says `may` */
	bool no_starttls; /* not seen if it is offered */
	bool keep_esmtp;  /* EHLO also behind a masked greeting */
	bool wrapped;	  /* TLS from the start */
	bool ipv4, ipv6;  /* inet_protocols */
	/* smtp_dns_support_level and smtp_host_lookup */
	bool mx, dns, native;
	bool dnssec;	/* TLSA records are looked for */
	bool half_dane; /* also behind an MX record that is not signed */
	/* The address to connect from; family 0: any. */
	struct sockaddr_in from4;
	struct sockaddr_in6 from6;
	bool from_needed; /* if it is not ours, there is no connection */
	/* Its patience, in ms; 0: as long as it takes. */
	unsigned connect_ms, helo_ms, starttls_ms;
};

/* All that are needed. */
struct smtpclients {
	struct postconf conf;
	bool known;			 /* there is a Postfix */
	const char *helo_name, *ca_file; /* while they are read */
	bool rows;
	struct smtpclient **v;
	size_t n, cap;
	struct buf unlike; /* a line for each that the prober does not do */
};

/*
 * Ask postconf(1), which MAIL_CONFIG guides, and say of each target of the plan
 * by which service transport_maps sends what goes to its next-hop. Where there
 * is no Postfix, its defaults. helo_name takes the place of smtp_helo_name if
 * it is not empty; ca_file is what certificates are judged by; rows: the map
 * has rows for opportunistic partners.
 */
void smtpclients_read(struct smtpclients *cs, struct probeplan *plan,
    const char *helo_name, const char *ca_file, bool rows);

/*
 * Of what decides a delivery by that service and the prober does as the
 * defaults do, the next that the configuration has otherwise, from *at = 0 on;
 * NULL: no more. *value borrows from p.
 */
const char *smtpclient_unlike(const struct postconf *p, const char *service,
    size_t *at, const char **value);

/*
 * How Postfix meets t, under the row that it has: all but the time limits that
 * are ours; out, which may be NULL, borrows from t's client and ciphers.
 * Returns the kind of TLS, a number below SMTPCLIENT_KINDS: targets of one
 * client and kind can share what starttls_ctx_new() makes, and a session.
 */
#define SMTPCLIENT_KINDS 96
#define SMTPCLIENT_CIPHERS 8192 /* bytes of a list */
unsigned smtpclient_params(const struct probetarget *t,
    char ciphers[SMTPCLIENT_CIPHERS], struct starttls_params *out);

void smtpclients_release(struct smtpclients *cs);

#endif
