/*
 * logproc.h: what each Postfix process said last (for logjoin only).
 *
 * Lines of many processes stand between each other; a process is its host,
 * tag and pid. The table is bounded: the one that was silent longest makes
 * room.
 */
#ifndef LOGPROC_H
#define LOGPROC_H

#include <stdint.h>
#include <time.h>

#include "fault.h"
#include "logtext.h"

struct logprefix;

#define LOGPROC_MAX 8192     /* processes, a power of two */
#define LOGPROC_WAYS 8	     /* that share a place */
#define LOGPROC_MISSED_MAX 4 /* gateways that failed in one delivery */
#define LOGPROC_NONE UINT32_MAX

/* A peer that outlives its line. */
struct logproc_peer {
	uint16_t nhost, naddress;
	uint16_t port;
	char host[256];
	char address[64];
};

struct logproc_session {
	bool known; /* a TLS line was seen, and no end of it */
	bool used;  /* by a delivery, that of queue_id */
	bool reused;
	uint8_t trust; /* enum logtext_trust */
	uint8_t nprotocol, ncipher, nqueue_id;
	char protocol[16];
	char cipher[64];
	char queue_id[33];
	time_t time; /* of the last line that it was good for */
	struct logproc_peer peer;
};

/* A gateway of which only the `QUEUEID: why` line tells. */
struct logproc_missed {
	enum fault fault;
	uint8_t nqueue_id;
	uint8_t ntext;
	char queue_id[33];
	char text[200];
	struct logproc_peer peer;
};

struct logproc {
	uint64_t used;
	struct logproc_session session;
	/* What was said of a certificate or a handshake, and of whose. */
	enum fault fault;
	bool has_fault;
	uint8_t unverified; /* the chain, for 2.3: enum logtext_trust */
	struct logproc_peer fault_peer;
	/* Failed gateways of the delivery that goes on. */
	struct logproc_missed *missed;
	unsigned nmissed;
	/* Inbound: messages that wait for the end of the session. */
	uint32_t waiting; /* index, or LOGPROC_NONE */
};

struct logprocs {
	uint64_t *key; /* of each of v, 0: free; those of a place in one line
			* of the processor's cache */
	struct logproc *v;
	uint64_t clock;
	uint64_t evicted;
};

void logprocs_init(struct logprocs *t);
void logprocs_free(struct logprocs *t);

/* The process that wrote the line, or NULL if it is not known. */
struct logproc *logprocs_find(struct logprocs *t, const struct logprefix *p);

/*
 * The same, made if it is not known. If another one made room, *evicted is
 * the index of its waiting messages, else LOGPROC_NONE.
 */
struct logproc *logprocs_get(
    struct logprocs *t, const struct logprefix *p, uint32_t *evicted);

/* A hash of n bytes; never 0. */
uint64_t logproc_hash(uint64_t h, const char *s, size_t n);

/* Keep a peer; what is too long is cut. */
void logproc_peer_set(struct logproc_peer *to, const struct logtext_peer *p);
struct logtext_peer logproc_peer_get(const struct logproc_peer *p);

/* The same host and address and port, as far as both say. */
bool logproc_peer_same(
    const struct logproc_peer *a, const struct logtext_peer *b);

/* Copy s, or what fits of it, into to; the length. */
uint8_t logproc_keep(char *to, size_t size, struct span s);

#endif
