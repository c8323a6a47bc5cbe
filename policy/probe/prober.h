/*
 * prober.h: a plan carried out: DNS and connections, no verdict.
 *
 * Runs apart (process.h) and says what the network showed (probewire.h). It
 * meets strangers, so it has no file of ours and no say. The same server is
 * looked at once for all targets that meet it in the same way, while it is
 * being looked at.
 */
#ifndef PROBER_H
#define PROBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct probetarget;

struct prober_settings {
	const char *resolver;	  /* NULL: resolv.conf */
	const char *trust_anchor; /* NULL: no DNSSEC */
	uint16_t port;		  /* where a next-hop has none */
	unsigned timeout_ms;	  /* for DNS, and for each step of a session */
	unsigned parallel;
	unsigned per_second; /* starts; 0: any number */
	bool dane;	     /* opportunistic means `dane` */
	const struct probetarget *target;
	size_t n;
	/* Those are looked at first whose slow[i]; may be NULL. */
	const bool *slow;
};

/* A whole session takes no longer than so many timeouts. */
#define PROBER_SESSION_STEPS 3

/* For apart_start(): arg is a struct prober_settings, fd where to say it. */
int prober_main(int fd, void *arg);

#endif
