#include "logjoin.h"

#include <stdlib.h>

#include "buf.h"
#include "logfault.h"
#include "logprefix.h"
#include "logsession.h"
#include "logtext.h"
#include "mailaddr.h"
#include "mem.h"
#include "recent.h"

#define MISSED_MAX 4	/* gateways that failed in one delivery */
#define CAUSES_MAX 1024 /* domains whose last fault is remembered */
#define PROCESS_NAME 192
#define HOST_ROOM 64	  /* bytes of that */
#define REPEATED_MAX 1000 /* from here on a number has no more digits */
#define NONE UINT32_MAX

/* A gateway of which only the `QUEUEID: why` line tells. */
struct missed {
	enum fault fault;
	char queue_id[33];
	char text[201];
	struct logpeer peer;
};

/* What a Postfix process said last. */
struct process {
	char name[PROCESS_NAME];
	struct logsession session;
	/* What was said of a certificate or a handshake, and of whose. */
	bool has_fault;
	bool is_cause; /* what else this handshake says follows from it */
	enum fault fault;
	struct logpeer fault_peer;
	enum logtext_trust chain; /* said before the session, by 2.3 */
	/* Failed gateways of the delivery that goes on. */
	struct missed *missed;
	unsigned nmissed;
	/* Inbound: messages that wait for the end of the session. */
	uint32_t waiting;      /* the one that came last, or NONE */
	struct logpeer client; /* of a message for smtpd_proxy_filter */
};

/* A message that came in, whose sender or session is not known yet. */
struct message {
	char queue_id[33];
	time_t time;
	/* In the list of its process, while the session goes on and was not
	 * seen to be encrypted: */
	bool attached;
	uint32_t process, prev, next; /* or NONE */
	bool has_sender;
	char domain[256];
	struct logsession session;
};

/*
 * Why mail to a domain could not be sent the last time; or what tlsproxy(8)
 * said of a peer, whose name here begins with a slash.
 */
struct cause {
	char name[340];
	enum fault fault;
	time_t time;
};

struct logjoin {
	logjoin_fn *fn;
	void *arg;
	struct logprefix_clock clock;
	time_t last_time; /* of a line that had one */
	struct recent processes, messages, causes;
	struct buf scratch;
	struct logjoin_stats stats;
};

/* --- lines, their times and processes --------------------------------- */

/* The line's time; if it has none, that of the line before. */
static time_t
time_of(struct logjoin *j, const struct logprefix *p)
{
	time_t t;

	if (logprefix_time(&j->clock, p, &t) == 0) {
		j->last_time = t;
		return t;
	}
	j->stats.no_time++;
	return j->last_time != 0 ? j->last_time : j->clock.now;
}

/* True for an address of this host itself. */
static bool
is_loopback(struct span a)
{
	return span_is(a, "127.0.0.1") || span_is(a, "::1") ||
	       span_begins(a, "/") || span_begins(a, "private/");
}

/*
 * Lines of many processes stand between each other; a process is its pid (the
 * digits of which come backwards here), its tag and its host.
 */
static size_t
process_name(const struct logprefix *p, char name[PROCESS_NAME])
{
	uint32_t pid = p->pid;
	size_t n = 0;

	do
		name[n++] = (char)('0' + pid % 10);
	while ((pid /= 10) > 0);
	name[n++] = ' ';
	span_keep(name + n, PROCESS_NAME - HOST_ROOM - n, p->tag);
	n += strlen(name + n);
	name[n++] = ' ';
	span_keep(name + n, PROCESS_NAME - n, p->host);
	return n + strlen(name + n);
}

/* The process that wrote the line, or NULL if it is not known. */
static struct process *
find_process(struct logjoin *j, const struct logprefix *p)
{
	char name[PROCESS_NAME];

	return recent_find(&j->processes, name, process_name(p, name));
}

/* --- messages that came in -------------------------------------------- */

static struct message *
message_at(struct logjoin *j, uint32_t i)
{
	return recent_at(&j->messages, i);
}

static void
attach(struct logjoin *j, struct message *m, struct process *proc)
{
	uint32_t self = recent_index(&j->messages, m);

	m->attached = true;
	m->process = recent_index(&j->processes, proc);
	m->prev = NONE;
	m->next = proc->waiting;
	if (m->next != NONE)
		message_at(j, m->next)->prev = self;
	proc->waiting = self;
}

static void
detach(struct logjoin *j, struct message *m)
{
	struct process *proc;

	if (!m->attached)
		return;
	m->attached = false;
	if (m->prev != NONE) {
		message_at(j, m->prev)->next = m->next;
	} else {
		proc = recent_at(&j->processes, m->process);
		proc->waiting = m->next;
	}
	if (m->next != NONE)
		message_at(j, m->next)->prev = m->prev;
}

/* Tell of the message if its sender is known, and forget it. */
static void
let_go(struct logjoin *j, struct message *m)
{
	struct logtext_peer peer = logpeer_kept(&m->session.peer);
	struct attempt a = {.time = m->time,
	    .direction = EVIDENCE_IN,
	    .domain = span_of(m->domain),
	    .queue_id = span_of(m->queue_id),
	    .host = peer.host,
	    .address = peer.address,
	    .result = {"received", 8}};

	logsession_facts(&m->session, &a);
	/* smtpd asks for certificates rarely, and looks at no names. */
	if (m->session.known && m->session.trust == LOGTEXT_ANONYMOUS)
		a.chain_trusted = FACT_UNKNOWN;
	if (m->has_sender)
		j->fn(&a, j->arg);
	detach(j, m);
	recent_remove(&j->messages, m);
}

/*
 * By the queue id alone: postlogd writes $myhostname of each service where
 * others write the host, and tags differ by syslog_name, so that neither
 * need be the same for smtpd and qmgr.
 */
static struct message *
find_message(struct logjoin *j, struct span id)
{
	return recent_find(&j->messages, id.p, id.n);
}

static struct message *
new_message(struct logjoin *j, struct span id)
{
	struct message *m = find_message(j, id);

	if (m == NULL)
		m = recent_place(&j->messages);
	if (m->queue_id[0] != '\0')
		let_go(j, m);
	m->has_sender = false;
	m->domain[0] = '\0';
	KEEP(m->queue_id, id);
	recent_add(&j->messages, m);
	return m;
}

/* The session ended; starttls: how often it succeeded, -1 if not said. */
static void
settle(struct logjoin *j, struct process *proc, int starttls)
{
	struct message *m;

	while (proc->waiting != NONE) {
		m = message_at(j, proc->waiting);
		detach(j, m);
		if (!m->session.known && starttls > 0) {
			m->session.known = true;
			m->session.trust = LOGTEXT_UNSAID;
			m->session.protocol[0] = m->session.cipher[0] = '\0';
			m->session.exchange[0] = '\0';
			m->session.signature[0] = '\0';
		}
		if (m->has_sender)
			let_go(j, m);
	}
	proc->session.known = false;
}

/* The process that wrote the line; another one may make room for it. */
static struct process *
process_of(struct logjoin *j, const struct logprefix *p)
{
	struct process *proc = find_process(j, p);

	if (proc != NULL)
		return proc;
	proc = recent_place(&j->processes);
	if (proc->name[0] != '\0') {
		settle(j, proc, -1);
		recent_remove(&j->processes, proc);
	}
	free(proc->missed);
	*proc = (struct process){.waiting = NONE};
	(void)process_name(p, proc->name);
	recent_add(&j->processes, proc);
	return proc;
}

/* --- causes ----------------------------------------------------------- */

static struct cause *
recall(struct logjoin *j, struct span name)
{
	char text[sizeof(((struct cause *)0)->name)];

	KEEP(text, name);
	return recent_find(&j->causes, text, strlen(text));
}

static void
remember(struct logjoin *j, struct span name, enum fault fault, time_t when)
{
	struct cause *cause = recall(j, name);

	if (cause == NULL) {
		cause = recent_place(&j->causes);
		if (cause->name[0] != '\0')
			recent_remove(&j->causes, cause);
		KEEP(cause->name, name);
		if (cause->name[0] == '\0')
			return;
		recent_add(&j->causes, cause);
	}
	cause->fault = fault;
	cause->time = when;
}

/* A peer as the name of a cause. */
static struct span
peer_name(const struct logtext_peer *p, struct buf *scratch)
{
	buf_clear(scratch);
	buf_printf(scratch, "/%.*s[%.*s]:%u", SPAN_ARG(p->host),
	    SPAN_ARG(p->address), p->port);
	return (struct span){scratch->data, scratch->len};
}

/*
 * What lines before say of a fault that the present one tells too vaguely, at
 * that peer; a says what is known of the session and when it was.
 */
static bool
know_better(struct logjoin *j, const struct process *proc,
    const struct logtext_peer *peer, const struct attempt *a, enum fault *fault)
{
	struct cause *cause;

	if (proc != NULL && proc->has_fault &&
	    logpeer_same(&proc->fault_peer, peer)) {
		*fault = proc->fault;
		return true;
	}
	/* With connection reuse it is tlsproxy(8) that looks at it. */
	cause = recall(j, peer_name(peer, &j->scratch));
	if (cause != NULL && a->time - cause->time <= LOGSESSION_STALE) {
		*fault = cause->fault;
		return true;
	}
	/* Up to 3.5 nothing more is said if only the name is wrong. */
	if (a->chain_trusted == FACT_YES && *fault == FAULT_UNTRUSTED_ISSUER) {
		*fault = FAULT_NAME_MISMATCH;
		return true;
	}
	return false;
}

/* --- smtp ------------------------------------------------------------- */

static void
forget(struct process *proc)
{
	proc->session.known = false;
}

static const char *
smtp_session(struct logjoin *j, const struct logprefix *p,
    const struct logtext_session *s)
{
	struct process *proc = process_of(j, p);

	j->stats.sessions_out++;
	proc->is_cause = false;
	if (proc->has_fault && !logpeer_same(&proc->fault_peer, &s->peer))
		proc->has_fault = false;
	logsession_keep(&proc->session, s, &proc->chain, time_of(j, p));
	return s->reused ? "session-reused" : "session";
}

static void
keep_fault(struct process *proc, enum fault f, const struct logtext_peer *peer)
{
	proc->has_fault = true;
	proc->is_cause = false;
	proc->fault = f;
	logpeer_keep(&proc->fault_peer, peer);
}

/* What went wrong in a handshake, by smtp(8) or tlsproxy(8), or NULL. */
static const char *
handshake_line(
    struct logjoin *j, const struct logprefix *p, struct process **proc)
{
	struct logtext_peer peer;
	struct span why;

	if (logtext_verify_failed(p->text, &peer, &why)) {
		*proc = process_of(j, p);
		if (!(*proc)->is_cause ||
		    !logpeer_same(&(*proc)->fault_peer, &peer))
			keep_fault(*proc, logfault_verify(why), &peer);
		return "verification-failed";
	}
	if (logtext_unusable(p->text, &peer, &why)) {
		*proc = process_of(j, p);
		keep_fault(*proc, logfault_unusable(why), &peer);
		(*proc)->is_cause = true;
		return "unusable";
	}
	if (span_begins(p->text, "SSL_connect ") &&
	    logtext_ssl_error(p->text, &peer, &why)) {
		*proc = process_of(j, p);
		forget(*proc);
		keep_fault(*proc, FAULT_HANDSHAKE_FAILED, &peer);
		return "handshake-failed";
	}
	if (!span_begins(p->text, "warning: TLS library problem: "))
		return NULL;
	*proc = find_process(j, p);
	if (*proc == NULL || !(*proc)->has_fault ||
	    (*proc)->fault != FAULT_HANDSHAKE_FAILED)
		return NULL;
	(*proc)->fault = logfault_library(p->text);
	return "library-problem";
}

/* Lines without a queue id; NULL if it is none that matters. */
static const char *
smtp_remark(struct logjoin *j, const struct logprefix *p)
{
	struct logtext_session s;
	struct process *proc;
	const char *what;

	if (logtext_session(p->text, &s) && !s.inbound)
		return smtp_session(j, p, &s);
	if ((what = handshake_line(j, p, &proc)) != NULL)
		return what;
	if (span_begins(p->text, "connect to ")) {
		if ((proc = find_process(j, p)) != NULL)
			forget(proc);
		return "connect-failed";
	}
	/* Postfix 2.3 and 2.4, before "TLS connection established". */
	if (span_begins(p->text, "Verified: subject_CN=")) {
		process_of(j, p)->chain = LOGTEXT_TRUSTED;
		return "certificate";
	}
	if (span_begins(p->text, "Unverified: subject_CN=")) {
		process_of(j, p)->chain = LOGTEXT_UNTRUSTED;
		return "certificate";
	}
	return NULL;
}

/* tlsproxy(8) does the handshakes where connections are used again. */
static const char *
tlsproxy_line(struct logjoin *j, const struct logprefix *p)
{
	struct process *proc;
	const char *what = handshake_line(j, p, &proc);
	struct logtext_session s;
	struct logtext_peer peer;

	if (what == NULL) {
		/* smtp(8) says it, too; here it ends the handshake. */
		if (logtext_session(p->text, &s) &&
		    (proc = find_process(j, p)) != NULL)
			proc->is_cause = false;
		return NULL;
	}
	peer = logpeer_kept(&proc->fault_peer);
	remember(j, peer_name(&peer, &j->scratch), proc->fault, time_of(j, p));
	return what;
}

static bool
is_under_way(
    const struct logsession *s, const struct logtext_peer *peer, struct span id)
{
	return s->known && logpeer_same(&s->peer, peer) &&
	       (!s->used || span_same(span_of(s->queue_id), id));
}

/* "QUEUEID: why": this gateway failed, the next one is tried. */
static const char *
smtp_missed(struct logjoin *j, const struct logprefix *p, struct span id,
    struct span why)
{
	bool vague, told;
	enum fault fault = logfault_reason(why, &vague);
	struct attempt seen = {0};
	struct logtext_peer peer = {0};
	struct process *proc;
	struct missed *m;

	/*
	 * "host H said: 450 ..." ends no session: others may be accepted. A
	 * fault of our own is none of a gateway.
	 */
	if (fault == FAULT_OK || fault == FAULT_LOCAL_ERROR)
		return NULL;
	proc = process_of(j, p);
	if (vague && proc->has_fault)
		peer = logpeer_kept(&proc->fault_peer);
	else if (proc->session.known)
		peer = logpeer_kept(&proc->session.peer);
	if (vague) {
		seen.time = time_of(j, p);
		logsession_facts(&proc->session, &seen);
		(void)know_better(j, proc, &peer, &seen, &fault);
	}
	(void)logtext_blamed(why, &peer);
	/* What is lost in the middle of it was not lost before TLS. */
	told = fault_is_tls(fault) || fault == FAULT_GREETING_REFUSED ||
	       ((fault == FAULT_CONNECTION_LOST || fault == FAULT_TIMEOUT) &&
		   !is_under_way(&proc->session, &peer, id));
	if (told && proc->nmissed < MISSED_MAX) {
		if (proc->missed == NULL)
			proc->missed =
			    mem_zero(MISSED_MAX, sizeof(*proc->missed));
		m = &proc->missed[proc->nmissed++];
		m->fault = fault;
		KEEP(m->queue_id, id);
		KEEP(m->text, why);
		logpeer_keep(&m->peer, &peer);
	}
	forget(proc);
	proc->has_fault = false;
	return "gateway-failed";
}

/* Tell of the gateways before this one; *a is the delivery itself. */
static void
tell_missed(struct logjoin *j, struct process *proc, const struct attempt *a)
{
	struct logtext_peer peer;
	struct attempt one;
	unsigned i;

	for (i = 0; i < proc->nmissed; i++) {
		const struct missed *m = &proc->missed[i];

		if (!span_same(span_of(m->queue_id), a->queue_id))
			continue;
		one = (struct attempt){.time = a->time,
		    .direction = EVIDENCE_OUT,
		    .domain = a->domain,
		    .queue_id = a->queue_id,
		    .result = {"skipped", 7},
		    .text = span_of(m->text),
		    .fault = m->fault};
		peer = logpeer_kept(&m->peer);
		one.host = peer.host;
		one.address = peer.address;
		one.port = peer.port;
		logsession_facts(NULL, &one);
		one.encrypted = FACT_UNKNOWN;
		j->fn(&one, j->arg);
	}
	proc->nmissed = 0;
}

/* Why it was not sent, from this line and what was said before. */
static void
find_fault(struct logjoin *j, const struct process *proc,
    const struct logtext_delivery *d, struct attempt *a)
{
	struct cause *cause;
	bool vague;

	a->fault = logfault_reason(d->reason, &vague);
	if (!vague)
		return;
	if (know_better(j, proc, &d->peer, a, &a->fault)) {
		remember(j, a->domain, a->fault, a->time);
	} else if (d->peer.host.n == 0) {
		/* Suspended: an earlier attempt to this domain knew why. */
		cause = recall(j, a->domain);
		if (cause != NULL)
			a->fault = cause->fault;
	}
}

static const char *
delivery(struct logjoin *j, const struct logprefix *p, bool smtp,
    const struct logtext_delivery *d)
{
	struct process *proc = smtp ? find_process(j, p) : NULL;
	struct attempt a = {.direction = EVIDENCE_OUT,
	    .queue_id = d->queue_id,
	    .host = d->peer.host,
	    .address = d->peer.address,
	    .port = d->peer.port,
	    .result = d->status,
	    .dsn = d->dsn,
	    .text = d->reason};
	bool sent = span_is(d->status, "sent"), mine = false;

	if (!smtp && span_is(d->relay, "none") == false)
		return NULL;
	if (is_loopback(d->peer.address)) {
		if (proc != NULL)
			forget(proc);
		return "loopback";
	}
	a.time = time_of(j, p);
	if (proc != NULL)
		mine = logsession_is_of(&proc->session, d, a.time);
	/* verify(8) asked whether it would: nothing was sent. */
	if (span_is(d->status, "deliverable") ||
	    span_is(d->status, "undeliverable"))
		return "address-probe";
	j->stats.deliveries++;
	(void)logtext_domain(d->recipient, &a.domain);
	logsession_facts(mine ? &proc->session : NULL, &a);
	if (a.host.n == 0)
		a.encrypted = FACT_UNKNOWN;
	if (d->conn_use > 1)
		a.reused = true;
	if (mine && proc->has_fault && proc->fault == FAULT_NAME_MISMATCH &&
	    logpeer_same(&proc->fault_peer, &d->peer))
		a.name_matched = FACT_NO;
	if (!sent)
		find_fault(j, proc, d, &a);
	if (d->tls.n > 0) {
		j->stats.policies++;
		logsession_policy(d->tls, &a);
	}
	if (proc != NULL && proc->nmissed > 0)
		tell_missed(j, proc, &a);
	j->fn(&a, j->arg);
	return "delivery";
}

static const char *
smtp_line(struct logjoin *j, const struct logprefix *p, bool smtp)
{
	struct logtext_delivery d;
	struct span id, rest;

	if (!logtext_queue_id(p->text, &id, &rest))
		return smtp ? smtp_remark(j, p) : NULL;
	if (!span_begins(rest, "to=<"))
		return smtp ? smtp_missed(j, p, id, rest) : NULL;
	if (!logtext_delivery(p->text, &d))
		return NULL;
	return delivery(j, p, smtp, &d);
}

/* --- smtpd ------------------------------------------------------------ */

static const char *
session(struct logjoin *j, const struct logprefix *p,
    const struct logtext_session *s)
{
	struct process *proc = process_of(j, p);

	j->stats.sessions_in++;
	/* What came before STARTTLS came in the clear. */
	settle(j, proc, -1);
	logsession_keep(&proc->session, s, &proc->chain, 0);
	return "session";
}

static struct message *
add_message(struct logjoin *j, const struct logprefix *p, struct span id,
    const struct logtext_peer *peer)
{
	struct process *proc = process_of(j, p);
	struct message *m = new_message(j, id);

	m->time = time_of(j, p);
	m->session = proc->session;
	if (!logpeer_same(&proc->session.peer, peer))
		m->session.known = false;
	logpeer_keep(&m->session.peer, peer);
	if (!m->session.known)
		attach(j, m, proc);
	return m;
}

/* Of a sender as it came: Postfix rewrites it later. */
static bool
sender_domain(struct span sender, struct span *out)
{
	struct span domain[MAILADDR_MAX];

	if (sender.n == 0 || mailaddr_domains(sender, domain) == 0)
		return false;
	*out = domain[0];
	return true;
}

/* "QUEUEID: client=NAME[ADDRESS], ..." */
static const char *
client(struct logjoin *j, const struct logprefix *p, struct span id,
    struct span rest)
{
	struct logtext_peer peer;
	struct process *proc;
	bool own;

	rest = span_skip(rest, sizeof("client=") - 1);
	if (!logtext_peer(rest, &peer, &rest))
		return NULL;
	own = is_loopback(peer.address) || span_has(rest, ", sasl_") ||
	      span_has(rest, ", orig_client=");
	if (span_is(id, "NOQUEUE")) {
		proc = process_of(j, p);
		proc->client = (struct logpeer){.host = ""};
		if (!own)
			logpeer_keep(&proc->client, &peer);
	} else if (!own) {
		(void)add_message(j, p, id, &peer);
	}
	return own ? "own-mail" : "message-in";
}

/* The filter before the queue took it, and says under which queue id. */
static const char *
proxied(struct logjoin *j, const struct logprefix *p)
{
	struct process *proc = find_process(j, p);
	struct span id = {"NOQUEUE", 7}, domain;
	struct logtext_refusal r;
	struct logtext_peer peer;
	struct message *m;
	size_t at;

	if (proc == NULL || proc->client.host[0] == '\0' ||
	    !logtext_proxied(p->text, &r))
		return NULL;
	at = span_find(r.text, "queued as ");
	if (at < r.text.n) {
		id = span_skip(r.text, at + sizeof("queued as ") - 1);
		id.n = span_chr(id, ' ');
	}
	if (id.n == 0)
		id = span_of("NOQUEUE");
	peer = logpeer_kept(&proc->client);
	m = add_message(j, p, id, &peer);
	m->has_sender = true;
	if (sender_domain(r.sender, &domain))
		KEEP(m->domain, domain);
	if (!m->attached)
		let_go(j, m);
	return "message-in";
}

/* "SSL_accept error from PEER: why": nobody knows for which mail. */
static const char *
accept_error(struct logjoin *j, const struct logprefix *p,
    const struct logtext_peer *peer, struct span why)
{
	struct attempt a = {.direction = EVIDENCE_IN,
	    .host = peer->host,
	    .address = peer->address,
	    .result = {"failed", 6},
	    .text = why,
	    .fault = FAULT_HANDSHAKE_FAILED};

	if (is_loopback(peer->address))
		return "loopback";
	a.time = time_of(j, p);
	logsession_facts(NULL, &a);
	j->fn(&a, j->arg);
	return "handshake-failed";
}

/* "QUEUEID: reject: DATA from PEER: 530 ...; from=<S> to=<R> ..." */
static const char *
refusal(struct logjoin *j, const struct logprefix *p, struct span id,
    struct span rest)
{
	struct attempt a = {.direction = EVIDENCE_IN,
	    .queue_id = id,
	    .result = {"rejected", 8}};
	struct logtext_refusal r;
	struct process *proc;

	if (!logtext_refusal(rest, &r) ||
	    (a.fault = logfault_refusal(&r)) == FAULT_OK ||
	    is_loopback(r.peer.address))
		return NULL;
	a.host = r.peer.host;
	a.address = r.peer.address;
	a.text = span_skip(rest, (size_t)(r.reply.p - rest.p));
	a.dsn = r.dsn;
	(void)sender_domain(r.sender, &a.domain);
	proc = find_process(j, p);
	a.time = time_of(j, p);
	logsession_facts(
	    proc != NULL && logpeer_same(&proc->session.peer, &r.peer)
		? &proc->session
		: NULL,
	    &a);
	/* It had TLS: then it was refused for something else about TLS. */
	if (a.encrypted == FACT_YES)
		a.fault = FAULT_NO_CERTIFICATE;
	j->fn(&a, j->arg);
	return "refusal";
}

static const char *
smtpd_line(struct logjoin *j, const struct logprefix *p)
{
	struct logtext_session s;
	struct logtext_peer peer;
	struct process *proc;
	struct span id, rest;

	if (p->text.n == 0)
		return NULL;
	switch (p->text.p[0]) {
	case 'A':
	case 'U':
	case 'T':
	case 'V':
		if (logtext_session(p->text, &s) && s.inbound)
			return session(j, p, &s);
		break;
	case 'S':
		if (logtext_ssl_error(p->text, &peer, &rest))
			return accept_error(j, p, &peer, rest);
		break;
	case 'c':
	case 'd':
		if (span_begins(p->text, "connect from ")) {
			proc = find_process(j, p);
			if (proc != NULL)
				settle(j, proc, -1);
			return "connect";
		}
		if (span_begins(p->text, "disconnect from ")) {
			proc = find_process(j, p);
			if (proc != NULL)
				settle(j, proc, logtext_starttls(p->text));
			return "disconnect";
		}
		break;
	case 'p':
		return proxied(j, p);
	}
	if (span_begins(p->text, "NOQUEUE: ")) {
		id = span_of("NOQUEUE");
		rest = span_skip(p->text, sizeof("NOQUEUE: ") - 1);
	} else if (!logtext_queue_id(p->text, &id, &rest)) {
		return NULL;
	}
	if (span_begins(rest, "client="))
		return client(j, p, id, rest);
	if (span_begins(rest, "reject: "))
		return refusal(j, p, id, span_skip(rest, 8));
	return NULL;
}

/* --- qmgr ------------------------------------------------------------- */

/* "QUEUEID: from=<SENDER>, size=N, nrcpt=N (queue active)" */
static const char *
qmgr_line(struct logjoin *j, const struct logprefix *p)
{
	struct span id, rest, domain;
	struct message *m;
	const char *end;

	if (!logtext_queue_id(p->text, &id, &rest) ||
	    !span_begins(rest, "from=<"))
		return NULL;
	/* What carries lines may leave blanks behind them. */
	while (rest.p[rest.n - 1] == ' ')
		rest.n--;
	if (rest.p[rest.n - 1] != ')')
		return NULL;
	m = find_message(j, id);
	if (m == NULL || m->has_sender)
		return NULL;
	rest = span_skip(rest, 6);
	/* No '>' follows the sender's own. */
	end = memrchr(rest.p, '>', rest.n);
	if (end == NULL)
		return NULL;
	rest.n = (size_t)(end - rest.p);
	if (logtext_domain(rest, &domain))
		KEEP(m->domain, domain);
	m->has_sender = true;
	if (!m->attached)
		let_go(j, m);
	return "sender";
}

/* --- all -------------------------------------------------------------- */

struct logjoin *
logjoin_new(time_t now, logjoin_fn *fn, void *arg)
{
	struct logjoin *j = mem_zero(1, sizeof(*j));

	j->fn = fn;
	j->arg = arg;
	logprefix_set_clock(&j->clock, now);
	recent_init(
	    &j->processes, LOGJOIN_PROCESSES_MAX, sizeof(struct process));
	recent_init(&j->messages, LOGJOIN_MESSAGES_MAX, sizeof(struct message));
	recent_init(&j->causes, CAUSES_MAX, sizeof(struct cause));
	return j;
}

void
logjoin_set_time(struct logjoin *j, time_t now)
{
	logprefix_set_clock(&j->clock, now);
}

/* "message repeated 3 times: [ TEXT]" of rsyslog; how often, or 1. */
static unsigned
repeated(struct span *text)
{
	struct span s = *text;
	unsigned n = 0;

	if (!span_begins(s, "message repeated ") || s.p[s.n - 1] != ']')
		return 1;
	s = span_skip(s, sizeof("message repeated ") - 1);
	for (; s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9' && n < REPEATED_MAX;
	     s = span_skip(s, 1))
		n = n * 10 + (unsigned)(s.p[0] - '0');
	if (!span_begins(s, " times: [ ") || n == 0)
		return 1;
	s = span_skip(s, sizeof(" times: [ ") - 1);
	s.n--;
	*text = s;
	return n;
}

static const char *
take_line(struct logjoin *j, const struct logprefix *p)
{
	struct span name = p->program;
	const char *what = NULL;

	/* Postfix's own tags have a slash. */
	if (name.n < 4 || name.n > 8 || name.n == p->tag.n)
		return NULL;
	if (span_is(name, "smtp"))
		what = smtp_line(j, p, true);
	else if (span_is(name, "smtpd"))
		what = smtpd_line(j, p);
	else if (span_is(name, "qmgr"))
		what = qmgr_line(j, p);
	else if (span_is(name, "tlsproxy"))
		what = tlsproxy_line(j, p);
	else if (span_is(name, "error") || span_is(name, "retry"))
		what = smtp_line(j, p, false);
	return what;
}

const char *
logjoin_line(struct logjoin *j, const struct logprefix *p)
{
	struct logprefix line = *p;
	unsigned n = repeated(&line.text);
	const char *what = NULL;

	j->stats.lines++;
	while (n-- > 0)
		what = take_line(j, &line);
	if (what != NULL)
		j->stats.understood++;
	return what;
}

void
logjoin_end(struct logjoin *j)
{
	struct message *m;
	uint32_t i;

	for (i = 0; i < LOGJOIN_MESSAGES_MAX; i++) {
		m = message_at(j, i);
		if (m->queue_id[0] != '\0' && m->has_sender)
			let_go(j, m);
	}
}

const struct logjoin_stats *
logjoin_stats(const struct logjoin *j)
{
	return &j->stats;
}

void
logjoin_free(struct logjoin *j)
{
	struct process *proc;
	uint32_t i;

	if (j == NULL)
		return;
	for (i = 0; i < LOGJOIN_PROCESSES_MAX; i++) {
		proc = recent_at(&j->processes, i);
		free(proc->missed);
	}
	recent_free(&j->processes);
	recent_free(&j->messages);
	recent_free(&j->causes);
	buf_free(&j->scratch);
	free(j);
}
