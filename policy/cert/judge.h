/*
 * judge.h: what was seen of a gateway, held against a partner's rules.
 *
 * Between the registry, where the rules stand, and certrule.h, which knows
 * certificates only. Reads CA files, and nothing else.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "certrule.h"
#include "digest.h"
#include "fault.h"
#include "judged.h"
#include "level.h"

struct err;
struct judge;
struct mxdns_host;
struct mxdns_result;
struct starttls_result;
struct strs;
struct attributes;

/*
 * Keeps each set of CAs once it was loaded: ca_file is the one of partners
 * that name none. Nothing is read before it is needed. Never NULL.
 */
struct judge *judge_new(const char *ca_file);

/* Do the CAs of these attributes stand, all or some of them, in j's ca_file? */
bool judge_uses_ca_file(const struct judge *j, const struct attributes *t);

/* Read j's ca_file also where partners name that of old as theirs. */
void judge_replace(struct judge *j, const struct judge *old);

/* Times in the words of verdicts are local, for people; else RFC 3339. */
void judge_local(struct judge *j);

/* Free j and its CA sets; NULL is allowed. */
void judge_free(struct judge *j);

/* One gateway as a partner's delivery meets it. All is borrowed. */
struct judge_gateway {
	const struct attributes *attributes;
	const struct strs *gateway; /* names that it may have, registry.h */
	enum level level;	    /* at which it is delivered to */
	const char *nexthop;	    /* without brackets and port */
	const char *host;     /* of the MX, or the address text, or NULL */
	const char *last_key; /* SPKI sha256 that passed last, or NULL */
	const struct x509_tlsa *tlsa;
	size_t ntlsa;
	/* Why there are no TLSA records: FAULT_OK if that is all there is. */
	enum fault tlsa_fault;
	const char *tlsa_base; /* where they stand, a reference name; or NULL */
	const char *expanded;  /* what nexthop is an alias of; "" or NULL */
	bool dane;	       /* opportunistic means `dane` */
	unsigned warn_days;
	bool alone; /* the chain is from a file */
	time_t at;
};

struct judgement {
	enum fault fault;	 /* at the level asked for */
	bool passed;		 /* all that the registry asks for would hold */
	enum certrule_verify by; /* what was asked of the certificate */
	bool has_cert;
	struct certverdict v; /* of the certificate, if there was one */
};

/* How the gateway passed, as it is kept. */
enum evidence_judged judge_passed_by(const struct judgement *j);

/*
 * The rule itself, as a SHA-256 in hex, by g's first three: verdicts by the
 * same one can be compared. What stands in CA files is no part of it.
 */
void judge_rule(const struct judge_gateway *g, char out[DIGEST_HEX]);

/* Read the CA set that g needs, if any. 0, or -1 with *e set. */
int judge_load(struct judge *j, const struct judge_gateway *g, struct err *e);

/*
 * Judge a chain alone. At LEVEL_OPPORTUNISTIC the rules are those that would
 * hold if the partner were enforced. 0, or -1 with *e set if the CA set cannot
 * be read.
 */
int judge_chain(struct judge *j, const struct judge_gateway *g,
    STACK_OF(X509) * c, struct judgement *out, struct err *e);

/*
 * Judge a whole session. 0, or -1 with *e set and *out FAULT_LOCAL_ERROR:
 * then something on our side failed, which says nothing about the gateway.
 */
int judge_session(struct judge *j, const struct judge_gateway *g,
    const struct starttls_result *r, struct judgement *out, struct err *e);

/*
 * What is wrong with the way to a next-hop (h is NULL), or with the addresses
 * of one of its gateways; FAULT_OK if there is one.
 */
enum fault judge_way(const struct mxdns_result *r, const struct mxdns_host *h);

/*
 * The same for TLSA records: FAULT_NO_TLSA if DNSSEC does not vouch for them
 * or there are none, FAULT_TLSA_FAILED if that cannot be found out. half: they
 * count also behind an MX record that is not signed (Postfix's `dane`, by
 * smtp_tls_dane_insecure_mx_policy; never its `dane-only`).
 */
enum fault judge_tlsa(
    const struct mxdns_result *r, const struct mxdns_host *h, bool half);

#endif
