/*
 * proberun.h: what the prober saw, judged.
 *
 * The prober (prober.h) is started apart and says what the network showed; the
 * verdicts are made here, from the certificates themselves. Nothing that it
 * says is believed further than that: a record that may not be so ends it.
 */
#ifndef PROBERUN_H
#define PROBERUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "certrule.h"
#include "evidence.h"
#include "fault.h"
#include "judge.h"
#include "prober.h"
#include "probewire.h"

struct err;
struct event_base;
struct proberun;
struct probetarget;

/* A rule that a certificate breaks, or nearly does. */
struct proberow_rule {
	enum certrule_id id;
	enum certrule_state state;
	enum fault fault;
	const char *observed, *sentence;
};

/* What is known of one gateway after it was looked at; texts are the run's. */
struct proberow {
	const struct probetarget *target;
	/* For the evidence: but for fault and chain, and what it counts. */
	struct evidence_probe seen;
	enum fault fault; /* at the level of the target */
	/* By the rule that the partner has; unknown: it would look otherwise */
	enum fault recorded;
	bool unknown;
	bool passed;   /* all that the registry asks for would hold */
	bool tls;      /* the handshake was completed */
	bool injected; /* plain text behind the STARTTLS reply */
	const char *sig;
	const char *sni; /* that was sent, or "" */
	unsigned ms;	 /* the session took */
	enum probewire_dnssec mx_dns, host_dns;
	struct x509_tlsa *tlsa; /* records that DNSSEC vouches for */
	size_t ntlsa;
	/* Of the certificate, if there was one. */
	bool has_cert;
	enum fault cert_fault;
	bool warning; /* its end is near, or it is weak */
	bool days_known;
	long days_left;
	enum certrule_key same_key;
	struct turns turns;	      /* with this look; of what is recorded */
	const char *subject, *issuer; /* CNs */
	const char *certificate;      /* a few words for a table */
	struct proberow_rule *rule;   /* failed ones and warnings */
	size_t nrules;

	/* private */
	size_t order; /* in its run */
	enum fault tlsa_fault;
	const char *domain; /* that the next-hop is an alias of, or "" */
	bool done;
};

/*
 * Is TLS missing or bad, where the mail goes all the same? A partner that may
 * get it in clear has agreed to no more: it is told of, and is no failure.
 * Where main.cf or usable TLSA records ask for TLS, it is one; and of a host
 * that is no partner's, as whoever names it wants to know of its TLS.
 */
bool proberow_not_asked(const struct proberow *row);

/* Has it any other fault? */
bool proberow_fails(const struct proberow *row);

struct proberun_settings {
	struct prober_settings prober;
	const char *user; /* for it to become, if we are root; "": none */
	/* What it is, if not prober_main(); for tests. */
	int (*work)(int fd, void *arg);
	struct judge *judge;
	unsigned warn_days;
	time_t (*now)(void);
	/*
	 * The key that passed last there, or NULL; may be NULL. Lives until
	 * the next call.
	 */
	const char *(*last_key)(
	    const struct probetarget *t, const char *host, void *arg);
	/*
	 * A result, as soon as there is one; row lives as long as the run,
	 * and turns may be said.
	 * s and j are NULL if no connection was tried, and j->v is filled
	 * if j->has_cert.
	 */
	void (*result)(struct proberow *row, const struct starttls_result *s,
	    const struct judgement *j, void *arg);
	/*
	 * All of a target that was looked at from `began` on, if each row of
	 * it is known: may be NULL.
	 */
	void (*told)(const struct probetarget *t, time_t began, void *arg);
	/* There is no more to come: see proberun_end(). */
	void (*done)(void *arg);
	void *arg;
};

/*
 * Start the prober. Targets are looked at in their order, the slow ones first,
 * as far as the DNS answers in that order. It must be called before anything
 * is open that it should not have in memory. Settings and targets are
 * borrowed. NULL with *e set.
 */
struct proberun *proberun_start(
    const struct proberun_settings *set, struct err *e);

/* Take what it says, in the loop of base. */
void proberun_listen(struct proberun *p, struct event_base *base);

/*
 * End the prober. 0 if it has looked at everything, or -1 with *e set: why it
 * has not. Rows that were not judged say so, with FAULT_LOCAL_ERROR. *row
 * (NULL: not asked for) are the rows in either case, n of them, by target, then
 * by MX record.
 */
int proberun_end(
    struct proberun *p, struct proberow *const **row, size_t *n, struct err *e);

/* What TXT records the target has, of those of which that was asked. */
void proberun_texts(const struct proberun *p, size_t target,
    enum probewire_text *mta_sts, enum probewire_text *tls_rpt);

/* Gateways known so far, and those of them that are done. */
void proberun_progress(
    const struct proberun *p, size_t *found, size_t *done, size_t *failed);

/* Stop and free all, rows included. NULL is allowed. Not from a callback. */
void proberun_free(struct proberun *p);

#endif
