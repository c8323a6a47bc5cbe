/*
 * acceptor.h: take clients from listeners as long as there is room.
 *
 * Without room (of clients, of descriptors, of memory) clients wait in the
 * kernel's queue, and nobody spins.
 */
#ifndef ACCEPTOR_H
#define ACCEPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "listener.h"
#include "logline.h"

struct conn_protocol;
struct conns;
struct event;
struct event_base;

#define ACCEPTOR_MAX 4	  /* listeners */
#define ACCEPTOR_BATCH 64 /* clients taken before others are served */

struct acceptor {
	struct listener listener;
	struct conn_protocol *protocol;
	struct event *ev;
	struct acceptors *all;
};

struct acceptors {
	struct acceptor v[ACCEPTOR_MAX];
	size_t n;
	struct conns *conns;
	bool paused;
	uint64_t accepted;
	struct logline_limit complaints;
};

/* Add a listener, which is owned from now on. */
void acceptors_add(struct acceptors *as, const struct listener *l,
    struct conn_protocol *protocol);

/* Begin to take clients into cs. */
void acceptors_start(
    struct acceptors *as, struct event_base *base, struct conns *cs);

/* There may be room again. */
void acceptors_resume(struct acceptors *as);

/*
 * Take nobody any more; before that take those who wait, but for listeners
 * that live on without us. Well on what was never started.
 */
void acceptors_close(struct acceptors *as);

#endif
