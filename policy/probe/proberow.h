/*
 * proberow.h: what is known of one gateway after it was looked at.
 */
#ifndef PROBEROW_H
#define PROBEROW_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "certrule.h"
#include "fault.h"
#include "judge.h"
#include "starttls.h"

struct probetarget;

/* A rule that a certificate breaks, or nearly does. */
struct proberow_rule {
	enum certrule_id id;
	enum certrule_state state;
	enum fault fault;
	char *observed;
	char *sentence;
};

enum proberow_dnssec {
	PROBEROW_DNS_NONE, /* no look-up was needed */
	PROBEROW_DNS_INSECURE,
	PROBEROW_DNS_SECURE
};

struct proberow {
	const struct probetarget *target;
	char *host;    /* "" if the look-up failed before there was one */
	char *address; /* the same */
	unsigned port;
	size_t order; /* in its run */
	time_t time;
	enum fault fault;	 /* at the level of the target */
	bool passed;		 /* all that the registry asks for would hold */
	enum certrule_verify by; /* what that asks of the certificate */
	bool tls;		 /* the handshake was completed */
	char protocol[STARTTLS_WORD_MAX];
	char cipher[STARTTLS_WORD_MAX];
	char kex[STARTTLS_WORD_MAX];
	char sig[STARTTLS_WORD_MAX];
	char *detail;  /* one sentence or more, fit to be shown */
	char *sni;     /* that was sent, or NULL */
	bool injected; /* plain text behind the STARTTLS reply */
	unsigned ms;   /* the session took */
	enum proberow_dnssec mx_dns, host_dns;
	size_t tlsa; /* records that DNSSEC vouches for */
	/* Of the certificate, if there was one. */
	bool has_cert;
	enum fault cert_fault;
	bool warning; /* its end is near, or it is weak */
	bool days_known;
	long days_left;
	time_t not_after; /* 0: not known */
	enum certrule_key same_key;
	char key[X509_HEX_MAX];
	char *subject, *issuer;	    /* CNs */
	char *certificate;	    /* a few words for a table */
	struct proberow_rule *rule; /* failed ones and warnings */
	size_t nrules;
};

/* A row for target, with nothing known; strings are copied. */
struct proberow *proberow_new(const struct probetarget *target,
    const char *host, const char *address, unsigned port);

/* Take what a session showed and how it was judged. */
void proberow_take(struct proberow *r, const struct starttls_result *s,
    const struct judgement *j);

/* What is wrong, in sentences, replaces what was said. */
void proberow_say(struct proberow *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* NULL is well. */
void proberow_free(struct proberow *r);

#endif
