/*
 * conn.h: clients that come to listeners, ask and are answered, many at once,
 * on libevent.
 *
 * A protocol is a function that takes one request from the bytes that have
 * come and appends the answer. Memory is bounded: an idle client holds no
 * buffer; a request may be as large as its protocol says; what all half-sent
 * requests and unread answers hold together has a limit, beyond which the
 * one that waits longest is closed. A client is closed by us only if it
 * breaks the protocol, or leaves a request half sent or an answer unread for
 * too long; never for being idle. Without room (of clients, of descriptors, of
 * memory) clients wait in the kernel's queue, and nobody spins.
 */
#ifndef CONN_H
#define CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "listener.h"

struct buf;
struct event_base;

#define CONN_LISTENERS 4
#define CONN_BATCH 64		  /* clients taken before others are served */
#define CONN_READ 16384		  /* bytes taken of one client at a time */
#define CONN_REQUEST_MAX 65536	  /* what a protocol may ask for at most */
#define CONN_HELD_MAX (32u << 20) /* bytes held for all clients together */
#define CONN_ANSWERS_MAX (256u << 10) /* bytes gathered before writing them */

enum conn_take {
	CONN_TOOK,   /* one request, in->used bytes */
	CONN_MORE,   /* it has not come wholly */
	CONN_BREACH, /* not this protocol: in->why says why; close */
};

struct conn_input {
	const char *data;
	size_t len;
	size_t used; /* out */
	const char *why;
};

/* How long requests took, in buckets, as Prometheus counts them. */
#define CONN_BUCKETS 13
extern const struct conn_bucket {
	uint64_t le;	  /* nanoseconds; the last one has no upper end */
	const char *text; /* that in seconds */
} conn_buckets[CONN_BUCKETS];

struct conn_latency {
	uint64_t count[CONN_BUCKETS]; /* not cumulative */
	uint64_t n;
	uint64_t sum; /* nanoseconds */
};

struct conn_protocol {
	const char *name;
	size_t request_max; /* bytes; CONN_REQUEST_MAX or less */
	size_t state_size;  /* bytes, zeroed at first, that a client has */
	enum conn_take (*take)(
	    void *arg, void *state, struct conn_input *in, struct buf *out);
	/* May be NULL. */
	void (*closed)(void *arg, void *state);
	void *arg;
	struct conn_latency latency; /* of the requests taken */
	uint64_t breaches, timeouts;
};

struct conns;

/* Where clients come from, and what they speak. */
struct conn_source {
	struct listener listener;	/* owned from then on */
	struct conn_protocol *protocol; /* outlives it */
};

/*
 * Take up to max clients from n sources, CONN_LISTENERS at most. patience:
 * seconds for a half-sent request or an unread answer, after which the client
 * is closed.
 */
struct conns *conns_new(struct event_base *base, const struct conn_source *from,
    size_t n, size_t max, uint64_t patience);

/* Take over the connected, non-blocking socket fd. p outlives it. */
void conns_add(struct conns *cs, int fd, struct conn_protocol *p);

struct conns_sum {
	size_t clients;
	size_t held;	   /* bytes */
	uint64_t accepted; /* clients, ever */
};
struct conns_sum conns_sum(const struct conns *cs);

/*
 * Close the listeners, taking who waits there, but for those that live on
 * without us. Answer what has come, close each client that waits for nothing,
 * and close the others as soon as they have their answer.
 */
void conns_drain(struct conns *cs);

/* Close all and free; NULL is allowed. */
void conns_free(struct conns *cs);

#endif
