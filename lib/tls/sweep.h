/*
 * sweep.h: many looks at SMTP servers (starttls.h) at once, politely.
 *
 * Jobs wait in a queue per address and start as the limits allow: so many
 * in all, one to an address, so many a second. Addresses take turns,
 * so a long queue for one does not hold up the others, and a server that
 * never answers costs nothing but its place.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include <stddef.h>
#include <sys/socket.h>

#include "starttls.h"

struct event_base;
struct sweep;

struct sweep_limits {
	unsigned parallel;   /* sessions at once; at least 1 */
	unsigned per_second; /* starts a second in the long run; 0 any */
	unsigned burst;	     /* starts without a pause; 0 means 1 */
	unsigned jitter_ms;  /* up to this, at random, between starts */
};

/*
 * A sweep in the loop of base, which is borrowed. The caller frees it with
 * sweep_free. Each running session takes one descriptor; the process needs
 * parallel + 1 beside its own.
 */
struct sweep *sweep_new(
    struct event_base *base, const struct sweep_limits *limits);

/*
 * Queue one look; the arguments are those of starttls_start, and addr and
 * sni are copied. ctx is borrowed until cb was called. cb is called once,
 * from the loop, and may add jobs but not free the sweep.
 */
void sweep_add(struct sweep *w, struct starttls_ctx *ctx,
    const struct sockaddr *addr, socklen_t addrlen, const char *sni,
    starttls_cb *cb, void *arg);

/* arg of the same look if it is queued or runs, or NULL. */
void *sweep_find(const struct sweep *w, const struct starttls_ctx *ctx,
    const struct sockaddr *addr, socklen_t addrlen, const char *sni);

/* Jobs that run. */
size_t sweep_running(const struct sweep *w);

/* End all without calling back. NULL is fine. Not from within a job's cb. */
void sweep_free(struct sweep *w);

#endif
