/*
 * proberun.h: a plan carried out: DNS, connections, verdicts.
 *
 * Runs in the caller's event loop. The same server is looked at once for
 * all targets that meet it in the same way, while it is being looked at.
 */
#ifndef PROBERUN_H
#define PROBERUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct err;
struct event_base;
struct judge;
struct judgement;
struct proberow;
struct proberun;
struct probetarget;
struct starttls_result;

struct proberun_settings {
	struct judge *judge;
	const char *helo;
	const char *resolver;	  /* NULL: resolv.conf */
	const char *trust_anchor; /* NULL: no DNSSEC */
	uint16_t port;		  /* where a next-hop has none */
	unsigned timeout_ms;	  /* for DNS, and for each step of a session */
	unsigned parallel;
	unsigned per_second; /* starts; 0: any number */
	bool dane;	     /* opportunistic means `dane` */
	unsigned warn_days;
	time_t (*now)(void);
	/*
	 * The key that passed last there, or NULL; may be NULL. Lives until
	 * the next call.
	 */
	const char *(*last_key)(
	    const struct probetarget *t, const char *host, void *arg);
	/*
	 * A result, as soon as there is one; row lives as long as the run.
	 * s and j are NULL if no connection was tried, and j->v is filled
	 * if j->has_cert.
	 */
	void (*result)(const struct proberow *row,
	    const struct starttls_result *s, const struct judgement *j,
	    void *arg);
	/* All targets added so far are done. */
	void (*done)(void *arg);
	void *arg;
};

/* NULL with *e set. Settings are borrowed. */
struct proberun *proberun_new(struct event_base *base,
    const struct proberun_settings *set, struct err *e);

/*
 * Look at t, which must outlive the run. Results come from the loop. Targets
 * are looked at in the order in which they are added, as far as the DNS
 * answers in that order.
 */
void proberun_add(struct proberun *p, const struct probetarget *t);

/* Rows so far, by the addresses of the targets, then by their MX records. */
struct proberow *const *proberun_rows(struct proberun *p, size_t *n);

/* Gateways known so far, and those of them that are done. */
void proberun_progress(
    const struct proberun *p, size_t *found, size_t *done, size_t *failed);

/* Stop and free all, rows included. NULL is well. Not from a callback. */
void proberun_free(struct proberun *p);

#endif
