/*
 * conn.h: clients that ask and are answered, many at once, on libevent.
 *
 * A protocol is a function that takes one request from the bytes that have
 * come and appends the answer. Memory is bounded: an idle client holds no
 * buffer; a request may be as large as its protocol says; what all half-sent
 * requests and unread answers hold together has a limit, beyond which the
 * one that waits longest is closed. A client is closed by us only if it
 * breaks the protocol, or leaves a request half sent or an answer unread for
 * too long; never for being idle.
 */
#ifndef CONN_H
#define CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "latency.h"

struct buf;
struct event_base;

#define CONN_READ 16384		      /* bytes taken of one client at a time */
#define CONN_REQUEST_MAX 65536	      /* what a protocol may ask for at most */
#define CONN_HELD_MAX (32u << 20)     /* bytes held for all clients together */
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

struct conn_protocol {
	const char *name;
	size_t request_max; /* bytes; CONN_REQUEST_MAX or less */
	size_t state_size;  /* bytes, zeroed at first, that a client has */
	enum conn_take (*take)(
	    void *arg, void *state, struct conn_input *in, struct buf *out);
	/* May be NULL. */
	void (*closed)(void *arg, void *state);
	void *arg;
	struct latency latency; /* of the requests taken */
	uint64_t breaches, timeouts;
};

/* What the set of clients tells its owner; all may be NULL. */
struct conns_owner {
	void *arg;
	/* A client was closed for what it did; why is a phrase. */
	void (*complain)(
	    void *arg, const struct conn_protocol *p, const char *why);
	/* There are fewer clients than the limit again. */
	void (*room)(void *arg);
};

struct conns;

/* patience: seconds for a half-sent request or an unread answer. */
struct conns *conns_new(struct event_base *base, size_t max, uint64_t patience,
    const struct conns_owner *owner);

/* Take over the connected, non-blocking socket fd. p outlives it. */
void conns_add(struct conns *cs, int fd, struct conn_protocol *p);

/* Are there max clients, or more? */
bool conns_full(const struct conns *cs);

size_t conns_count(const struct conns *cs);
size_t conns_held(const struct conns *cs); /* bytes */

/* Close those that have been waited for too long; to be called each second. */
void conns_tick(struct conns *cs);

/*
 * Answer what has come, close each client that waits for nothing, and close
 * the others as soon as they have their answer.
 */
void conns_drain(struct conns *cs);

/* Close all and free; NULL is well. */
void conns_free(struct conns *cs);

#endif
