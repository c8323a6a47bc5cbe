/*
 * logsession.h: what a line about TLS says of a session, and what that proves
 * of a delivery.
 */
#ifndef LOGSESSION_H
#define LOGSESSION_H

#include <time.h>

#include "evidence_log.h"
#include "fault.h"
#include "logtext.h"
#include "span.h"

struct logprefix;

#define LOGSESSION_STALE 240 /* seconds after which a session is none */

/* Three facts, each of which may not have been looked at. */
enum fact { FACT_UNKNOWN, FACT_NO, FACT_YES };

extern const char *const fact_names[]; /* "unknown", "no", "yes" */

/* What became of one recipient, or of one gateway on the way. */
struct attempt {
	time_t time;
	time_t lasted; /* seconds until then, rounded up; 0: not known */
	enum evidence_direction direction;
	struct span domain; /* of the recipient, or sender; "" for <> */
	struct span queue_id;
	struct span host; /* the peer; empty if none was reached */
	struct span address;
	unsigned port;
	enum evidence_seen level; /* EVIDENCE_CLEAR if there was no session */
	enum fact encrypted;
	enum fact chain_trusted;
	enum fact name_matched;
	bool verified; /* Postfix says that its policy is satisfied */
	bool reused;   /* the session, for more than one delivery */
	struct span protocol;
	struct span cipher;
	struct span exchange, signature; /* see struct logtext_session */
	struct span policy;		 /* tls= of Postfix 3.11 */
	/* "sent", "deferred", "bounced", ...; "skipped" for a gateway after
	 * which the next was tried; inbound "received", "rejected". */
	struct span result;
	struct span dsn;
	struct span text; /* why */
	enum fault fault; /* FAULT_OK if it is none */
	/* What mail that came in lacks, by a downgrade alone; or FAULT_OK. */
	enum fault lacks;
	struct span logger; /* the host that wrote the line */
	/* As evidence_count has them; NULL: not known. */
	const char *required, *proof;
	int64_t downgrade;
};

/* Spans live until the call returns. */
typedef void logjoin_fn(const struct attempt *a, void *arg);

struct logjoin_stats {
	uint64_t lines;	     /* given */
	uint64_t understood; /* of these: changed something */
	uint64_t no_time;    /* of these: with an impossible time */
	uint64_t sessions_out, sessions_in; /* lines about TLS */
	uint64_t deliveries;		    /* outbound */
	uint64_t policies;		    /* of these: with tls= of 3.11 */
};

/* Who is told, and what was. */
struct logtold {
	logjoin_fn *fn;
	void *arg;
	struct logjoin_stats *stats;
};

/* Takes the lines of some of Postfix's programs. */
struct logtaker {
	/* *to is borrowed. */
	void *(*start)(struct logtold *to);
	/* As logjoin_line(). */
	const char *(*line)(void *taker, const struct logprefix *p);
	/* As logjoin_end(). */
	void (*end)(void *taker, bool ends);
};

/*
 * What the lines of smtpd(8), and qmgr(8) about senders, say of mail that
 * comes in.
 */
extern const struct logtaker logsmtpd;

/*
 * What the lines of smtp(8) say of mail that leaves, with those of its kin:
 * tlsproxy(8), error(8) and retry(8); and qmgr(8) and postsuper(1), which end
 * what could not be sent.
 */
extern const struct logtaker logsmtp;

/* --- What outlives its line: strings, cut to fit ---------------------- */

#define KEEP(to, s) span_keep((to), sizeof(to), (s))

struct logpeer {
	char host[256];
	char address[65];
	unsigned port;
};

struct logsession {
	bool known; /* a TLS line was seen, and no end of it */
	bool used;  /* by a delivery, that of queue_id */
	bool reused;
	enum logtext_trust trust;
	char protocol[17];
	char cipher[65];
	char exchange[65];
	char signature[65];
	char queue_id[33];
	time_t time; /* of the last line that it was good for */
	struct logpeer peer;
};

void logpeer_keep(struct logpeer *to, const struct logtext_peer *p);
struct logtext_peer logpeer_kept(const struct logpeer *p);

/* The same host, address and port, as far as both say. */
bool logpeer_same(const struct logpeer *a, const struct logtext_peer *b);

/*
 * Keep what a line about TLS says; *chain is what was said before of the
 * certificate, by old versions, and becomes unsaid.
 */
void logsession_keep(struct logsession *s, const struct logtext_session *in,
    enum logtext_trust *chain, time_t when);

/* What a session proves; without one, that nothing was encrypted. */
void logsession_facts(const struct logsession *s, struct attempt *a);

/* True for an address of this host itself. */
bool logsession_is_loopback(struct span address);

/*
 * Lines of many processes stand between each other, and of many hosts: a
 * process is its pid (the digits of which come backwards here), its tag and
 * its host; a message its queue id and its host. Bytes of the name.
 */
#define LOGSESSION_HOST 64
#define LOGSESSION_PROCESS 192
#define LOGSESSION_MESSAGE (34 + LOGSESSION_HOST)
size_t logsession_process(
    const struct logprefix *p, char name[LOGSESSION_PROCESS]);
size_t logsession_message(
    struct span id, struct span host, char name[LOGSESSION_MESSAGE]);

/* What is known at once; what was not heard of longest makes room. */
#define LOGJOIN_PROCESSES_MAX 8192 /* of smtp, and of smtpd */
#define LOGJOIN_MESSAGES_MAX 16384 /* that came in, and wait */

#endif
