/*
 * logstate.h: the insides of logjoin, shared by its two halves.
 */
#ifndef LOGSTATE_H
#define LOGSTATE_H

#include "logjoin.h"
#include "logprefix.h"
#include "logproc.h"

#define LOGSTATE_WAITING 16384 /* messages, a power of two */
#define LOGSTATE_CAUSES 1024   /* remembered causes, a power of two */
#define LOGSTATE_STALE 240     /* seconds after which a session is none */

/* A message that came in, whose sender or session is not known yet. */
struct logwaiting {
	uint64_t key; /* of the queue id; 0: free */
	uint64_t age;
	time_t time;
	/* In the list of its process, while the session goes on and was not
	 * seen to be encrypted: */
	bool attached;
	uint32_t proc, prev, next; /* indexes; LOGPROC_NONE: the last one */
	bool has_sender;
	struct logproc_session session;
	uint8_t ndomain;
	char domain[255];
};

struct logcause {
	uint64_t key; /* of a domain */
	enum fault fault;
};

struct logjoin {
	logjoin_fn *fn;
	void *arg;
	struct logprefix_clock clock;
	time_t last_time; /* of a line that had one */
	struct logprocs procs;
	struct logwaiting *waiting;
	size_t nwaiting;
	uint64_t age;
	struct logcause *cause;
	struct logjoin_stats stats;
};

/* The line's time; if it has none, that of the line before. */
time_t logstate_time(struct logjoin *j, const struct logprefix *p);

/* The process of the line, made if need be. */
struct logproc *logstate_proc(struct logjoin *j, const struct logprefix *p);

/* Fill in what a session proves; without one, that nothing was. */
void logstate_facts(const struct logproc_session *s, struct attempt *a);

/* Keep what a line about TLS says. */
void logstate_session(
    struct logproc *proc, const struct logtext_session *s, time_t when);

/* True for an address of this host itself. */
bool logstate_loopback(struct span address);

/* The lines of smtpd and qmgr, loginbound.c. */
const char *loginbound_smtpd(struct logjoin *j, const struct logprefix *p);
const char *loginbound_qmgr(struct logjoin *j, const struct logprefix *p);

/* The process that these messages belong to is forgotten. */
void loginbound_orphans(struct logjoin *j, uint32_t first);

#endif
