/*
 * trace.h: the way of one mail, and what of it can be believed. Pure.
 *
 * Each host writes its Received field above those that it was given. So the
 * newest is our own; the one below it was written by whoever gave us the mail,
 * and is worth what he is: believed if he is known to be ours, the partner's
 * or its provider's. From the first host on that is none of them, all is
 * claimed. A host is known by the name that the one who wrote the field found
 * for it; what it called itself counts only within one house: between hosts of
 * private addresses, or of one party and one IPv6 network whose MTA looks for
 * no names (Exchange).
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "evidence_log.h"
#include "received.h"

struct mail;
struct partner;
struct registry;

enum trace_party {
	TRACE_OTHER, /* anybody */
	TRACE_OURS,
	TRACE_PARTNER,
	TRACE_PROVIDER, /* the partner's */
};

struct trace_hop {
	struct received field;
	enum trace_party from, by;
	bool sure;     /* `from` is more than what the host called itself */
	bool believed; /* else it is claimed */
	enum leg leg;  /* LEG_NONE also of what is claimed */
	bool timed;    /* of this and the hop before the time is known */
	time_t delay;  /* seconds since then; clocks differ: may be negative */
};

/* What all believed hops of a leg say: the weakest. */
struct trace_leg {
	size_t n; /* 0: the mail did not take it */
	enum received_tls tls;
	const char *protocol; /* borrowed from a hop, "" */
	time_t time;
};

/* A zeroed one is ready; it can be used again. */
struct trace {
	const struct partner *partner; /* whose mail it is; NULL: nobody's */
	struct trace_hop *hop;	       /* newest first, as in the mail */
	size_t n, cap;
	size_t count[RECEIVED_LOCAL + 1]; /* hops, by enum received_tls */
	struct trace_leg leg[LEG_NONE];
};

struct trace_ask {
	const struct registry *registry; /* NULL: there is just us */
	/* NULL: by the domain of the sender, or else of the author. */
	const struct partner *partner;
	/* Our hosts: "host", ".suffix"; and hosts more of the provider. */
	const char *const *ours, *const *provider;
	size_t nours, nprovider;
};

/* Judge the mail, whose texts t then borrows. */
void trace_mail(
    struct trace *t, const struct mail *m, const struct trace_ask *ask);

void trace_free(struct trace *t);

#endif
