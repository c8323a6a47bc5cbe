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

#include "prober.h"

struct err;
struct event_base;
struct judge;
struct judgement;
struct proberow;
struct proberun;
struct probetarget;
struct starttls_result;

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
	 * A result, as soon as there is one; row lives as long as the run.
	 * s and j are NULL if no connection was tried, and j->v is filled
	 * if j->has_cert.
	 */
	void (*result)(const struct proberow *row,
	    const struct starttls_result *s, const struct judgement *j,
	    void *arg);
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
 * has not. Rows that were not judged say so, with FAULT_LOCAL_ERROR.
 */
int proberun_end(struct proberun *p, struct err *e);

/* Rows so far, by the addresses of the targets, then by their MX records. */
struct proberow *const *proberun_rows(struct proberun *p, size_t *n);

/* Gateways known so far, and those of them that are done. */
void proberun_progress(
    const struct proberun *p, size_t *found, size_t *done, size_t *failed);

/* Stop and free all, rows included. NULL is well. Not from a callback. */
void proberun_free(struct proberun *p);

#endif
