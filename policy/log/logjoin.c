#include "logjoin.h"

#include <stdlib.h>

#include "logfault.h"
#include "logprefix.h"
#include "logtext.h"
#include "mailaddr.h"
#include "mem.h"
#include "recent.h"

#define MISSED_MAX 4	/* gateways that failed in one delivery */
#define CAUSES_MAX 1024 /* domains whose last fault is remembered */
#define STALE 240	/* seconds after which a session is none */
#define PROCESS_NAME 192
#define HOST_ROOM 64 /* bytes of that */
#define NONE UINT32_MAX

/* What outlives its line is kept as a string, cut to fit. */
struct peer {
	char host[256];
	char address[65];
	unsigned port;
};

struct session {
	bool known; /* a TLS line was seen, and no end of it */
	bool used;  /* by a delivery, that of queue_id */
	bool reused;
	enum logtext_trust trust;
	char protocol[17];
	char cipher[65];
	char queue_id[33];
	time_t time; /* of the last line that it was good for */
	struct peer peer;
};

/* A gateway of which only the `QUEUEID: why` line tells. */
struct missed {
	enum fault fault;
	char queue_id[33];
	char text[201];
	struct peer peer;
};

/* What a Postfix process said last. */
struct process {
	char name[PROCESS_NAME];
	struct session session;
	/* What was said of a certificate or a handshake, and of whose. */
	bool has_fault;
	enum fault fault;
	struct peer fault_peer;
	enum logtext_trust chain; /* said before the session, by 2.3 */
	/* Failed gateways of the delivery that goes on. */
	struct missed *missed;
	unsigned nmissed;
	/* Inbound: messages that wait for the end of the session. */
	uint32_t waiting; /* the one that came last, or NONE */
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
	struct session session;
};

/* Why mail to a domain could not be sent the last time. */
struct cause {
	char domain[256];
	enum fault fault;
};

struct logjoin {
	logjoin_fn *fn;
	void *arg;
	struct logprefix_clock clock;
	time_t last_time; /* of a line that had one */
	struct recent processes, messages, causes;
	struct logjoin_stats stats;
};

const char *
fact_name(enum fact f)
{
	static const char *const names[] = {"unknown", "no", "yes"};

	return names[f];
}

/* --- what is kept ----------------------------------------------------- */

#define KEEP(to, s) keep((to), sizeof(to), (s))

static void
keep(char *to, size_t size, struct span s)
{
	if (s.n >= size)
		s.n = size - 1;
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

static struct span
kept(const char *s)
{
	return (struct span){s, strlen(s)};
}

static void
keep_peer(struct peer *to, const struct logtext_peer *p)
{
	KEEP(to->host, p->host);
	KEEP(to->address, p->address);
	to->port = p->port;
}

static struct logtext_peer
kept_peer(const struct peer *p)
{
	return (struct logtext_peer){.host = kept(p->host),
	    .address = kept(p->address),
	    .port = p->port};
}

/* The same host, address and port, as far as both say. */
static bool
same_peer(const struct peer *a, const struct logtext_peer *b)
{
	struct span host = b->host;

	if (host.n >= sizeof(a->host))
		host.n = sizeof(a->host) - 1;
	if (a->host[host.n] != '\0' ||
	    (host.n > 0 && strncasecmp(a->host, host.p, host.n) != 0))
		return false;
	/* Old versions leave out the address, or the port. */
	if (a->address[0] != '\0' && b->address.n > 0 &&
	    !span_same(kept(a->address), b->address))
		return false;
	return a->port == 0 || b->port == 0 || a->port == b->port;
}

/* What a line about TLS says. */
static void
keep_session(
    struct process *proc, const struct logtext_session *in, time_t when)
{
	struct session *s = &proc->session;

	s->known = true;
	s->used = false;
	s->reused = in->reused;
	s->trust = in->trust == LOGTEXT_UNSAID ? proc->chain : in->trust;
	proc->chain = LOGTEXT_UNSAID;
	KEEP(s->protocol, in->protocol);
	KEEP(s->cipher, in->cipher);
	s->queue_id[0] = '\0';
	s->time = when;
	keep_peer(&s->peer, &in->peer);
}

/* What a session proves; without one, that nothing was encrypted. */
static void
add_facts(const struct session *s, struct attempt *a)
{
	a->chain_trusted = a->name_matched = FACT_UNKNOWN;
	if (s == NULL || !s->known) {
		a->level = EVIDENCE_CLEAR;
		a->encrypted = FACT_NO;
		return;
	}
	a->level = EVIDENCE_ENCRYPTED;
	a->encrypted = FACT_YES;
	a->reused = s->reused;
	a->protocol = kept(s->protocol);
	a->cipher = kept(s->cipher);
	switch (s->trust) {
	case LOGTEXT_UNSAID:
		break;
	case LOGTEXT_ANONYMOUS:
	case LOGTEXT_UNTRUSTED:
		a->chain_trusted = FACT_NO;
		break;
	case LOGTEXT_TRUSTED:
		a->chain_trusted = FACT_YES;
		a->level = EVIDENCE_TRUSTED;
		break;
	case LOGTEXT_VERIFIED:
		/* By a name, a key or TLSA: the log does not say. */
		a->verified = true;
		a->level = EVIDENCE_VERIFIED;
		break;
	}
}

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
	keep(name + n, PROCESS_NAME - HOST_ROOM - n, p->tag);
	n += strlen(name + n);
	name[n++] = ' ';
	keep(name + n, PROCESS_NAME - n, p->host);
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
	struct logtext_peer peer = kept_peer(&m->session.peer);
	struct attempt a = {.time = m->time,
	    .direction = EVIDENCE_IN,
	    .domain = kept(m->domain),
	    .queue_id = kept(m->queue_id),
	    .host = peer.host,
	    .address = peer.address,
	    .result = {"received", 8}};

	add_facts(&m->session, &a);
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
	if (proc->has_fault && !same_peer(&proc->fault_peer, &s->peer))
		proc->has_fault = false;
	keep_session(proc, s, time_of(j, p));
	return s->reused ? "session-reused" : "session";
}

static void
keep_fault(struct process *proc, enum fault f, const struct logtext_peer *peer)
{
	proc->has_fault = true;
	proc->fault = f;
	keep_peer(&proc->fault_peer, peer);
}

/* Lines without a queue id; NULL if it is none that matters. */
static const char *
smtp_remark(struct logjoin *j, const struct logprefix *p)
{
	struct logtext_session s;
	struct logtext_peer peer;
	struct process *proc;
	struct span why;

	if (logtext_session(p->text, &s) && !s.inbound)
		return smtp_session(j, p, &s);
	if (logtext_verify_failed(p->text, &peer, &why)) {
		/* The first one is the cause; OpenSSL may add others. */
		proc = process_of(j, p);
		keep_fault(proc, logfault_verify(why), &peer);
		return "verification-failed";
	}
	if (logtext_ssl_error(p->text, &peer, &why)) {
		proc = process_of(j, p);
		forget(proc);
		keep_fault(proc, FAULT_HANDSHAKE_FAILED, &peer);
		return "handshake-failed";
	}
	if (span_begins(p->text, "connect to ")) {
		if ((proc = find_process(j, p)) != NULL)
			forget(proc);
		return "connect-failed";
	}
	if (span_begins(p->text, "warning: TLS library problem: ")) {
		proc = find_process(j, p);
		if (proc == NULL || !proc->has_fault ||
		    proc->fault != FAULT_HANDSHAKE_FAILED)
			return NULL;
		proc->fault = logfault_library(p->text);
		return "library-problem";
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

/* "QUEUEID: why": this gateway failed, the next one is tried. */
static const char *
smtp_missed(struct logjoin *j, const struct logprefix *p, struct span id,
    struct span why)
{
	bool vague;
	enum fault fault = logfault_reason(why, &vague);
	struct missed *m;
	struct logtext_peer peer = {0};
	struct process *proc;
	struct span rest;
	size_t at;

	/* "host H said: 450 ..." ends no session: others may be accepted. */
	if (fault == FAULT_OK || fault == FAULT_GREETING_REFUSED)
		return NULL;
	proc = process_of(j, p);
	if (vague && proc->has_fault) {
		fault = proc->fault;
		peer = kept_peer(&proc->fault_peer);
	} else if (proc->session.known) {
		peer = kept_peer(&proc->session.peer);
	}
	if ((at = span_find(why, " host ")) < why.n)
		(void)logtext_peer(span_skip(why, at + 6), &peer, &rest);
	if (fault_is_tls(fault) && proc->nmissed < MISSED_MAX) {
		if (proc->missed == NULL)
			proc->missed =
			    mem_zero(MISSED_MAX, sizeof(*proc->missed));
		m = &proc->missed[proc->nmissed++];
		m->fault = fault;
		KEEP(m->queue_id, id);
		KEEP(m->text, why);
		keep_peer(&m->peer, &peer);
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

		if (!span_same(kept(m->queue_id), a->queue_id))
			continue;
		one = (struct attempt){.time = a->time,
		    .direction = EVIDENCE_OUT,
		    .domain = a->domain,
		    .queue_id = a->queue_id,
		    .result = {"skipped", 7},
		    .text = kept(m->text),
		    .fault = m->fault};
		peer = kept_peer(&m->peer);
		one.host = peer.host;
		one.address = peer.address;
		one.port = peer.port;
		add_facts(NULL, &one);
		one.encrypted = FACT_UNKNOWN;
		j->fn(&one, j->arg);
	}
	proc->nmissed = 0;
}

/* True if what is known of a session is about this delivery. */
static bool
session_is_of(struct session *s, const struct logtext_delivery *d, time_t when)
{
	if (!s->known)
		return false;
	if (!same_peer(&s->peer, &d->peer) || when - s->time > STALE ||
	    (s->used && !span_same(kept(s->queue_id), d->queue_id))) {
		s->known = false;
		return false;
	}
	s->used = true;
	KEEP(s->queue_id, d->queue_id);
	s->time = when;
	return true;
}

static bool
is_level(struct span s, const char *const *names)
{
	for (; *names != NULL; names++)
		if (s.n == strlen(*names) && memcmp(s.p, *names, s.n) == 0)
			return true;
	return false;
}

/* tls=LEVEL[:ACHIEVED] of 3.11, which knows better. */
static void
apply_policy(struct span tls, struct attempt *a)
{
	static const char *const named[] = {"secure", "verify", NULL};
	static const char *const keyed[] = {
	    "fingerprint", "dane", "dane-only", NULL};
	static const char *const open[] = {"may", "encrypt", "halfdane", NULL};
	struct span level;

	a->policy = tls;
	level = span_cut(&tls, '/');
	if (level.n == 0 || level.p[0] == '!' || level.p[level.n - 1] == '?')
		return;
	tls = level;
	level = span_cut(&tls, ':');
	if (tls.n > 0)
		level = tls;
	if (span_is(level, "none")) {
		add_facts(NULL, a);
		a->protocol = a->cipher = (struct span){NULL, 0};
		a->verified = a->reused = false;
	} else if (is_level(level, named)) {
		a->encrypted = a->chain_trusted = a->name_matched = FACT_YES;
		a->verified = true;
		a->level = EVIDENCE_VERIFIED;
	} else if (is_level(level, keyed)) {
		if (a->encrypted != FACT_YES)
			a->chain_trusted = a->name_matched = FACT_UNKNOWN;
		a->encrypted = FACT_YES;
		a->verified = true;
		a->level = EVIDENCE_VERIFIED;
	} else if (is_level(level, open) && a->encrypted != FACT_YES) {
		/* smtp_tls_loglevel is 0: encrypted is all that is known. */
		a->encrypted = FACT_YES;
		a->chain_trusted = a->name_matched = FACT_UNKNOWN;
		a->level = EVIDENCE_ENCRYPTED;
	}
}

static struct cause *
new_cause(struct logjoin *j, const char *domain)
{
	struct cause *cause = recent_place(&j->causes);

	if (cause->domain[0] != '\0')
		recent_remove(&j->causes, cause);
	KEEP(cause->domain, kept(domain));
	recent_add(&j->causes, cause);
	return cause;
}

/* Why it was not sent, from this line and what the process said before. */
static void
find_fault(struct logjoin *j, const struct process *proc,
    const struct logtext_delivery *d, struct attempt *a)
{
	char domain[sizeof(((struct cause *)0)->domain)];
	struct cause *cause;
	bool vague;

	a->fault = logfault_reason(d->reason, &vague);
	KEEP(domain, a->domain);
	if (!vague)
		return;
	cause = recent_find(&j->causes, domain, strlen(domain));
	if (proc != NULL && proc->has_fault &&
	    same_peer(&proc->fault_peer, &d->peer)) {
		a->fault = proc->fault;
		if (cause == NULL && domain[0] != '\0')
			cause = new_cause(j, domain);
		if (cause != NULL)
			cause->fault = a->fault;
	} else if (cause != NULL && d->peer.host.n == 0) {
		/* Suspended: an earlier attempt to this domain knew why. */
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
	j->stats.deliveries++;
	(void)logtext_domain(d->recipient, &a.domain);
	a.time = time_of(j, p);
	if (proc != NULL)
		mine = session_is_of(&proc->session, d, a.time);
	add_facts(mine ? &proc->session : NULL, &a);
	if (a.host.n == 0)
		a.encrypted = FACT_UNKNOWN;
	if (d->conn_use > 1)
		a.reused = true;
	if (mine && proc->has_fault && proc->fault == FAULT_NAME_MISMATCH &&
	    same_peer(&proc->fault_peer, &d->peer))
		a.name_matched = FACT_NO;
	if (!sent)
		find_fault(j, proc, d, &a);
	if (d->tls.n > 0)
		apply_policy(d->tls, &a);
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
	j->stats.sessions_in++;
	keep_session(process_of(j, p), s, 0);
	return "session";
}

/* "QUEUEID: client=NAME[ADDRESS], ..." */
static const char *
client(struct logjoin *j, const struct logprefix *p, struct span id,
    struct span rest)
{
	struct logtext_peer peer;
	struct process *proc;
	struct message *m;

	rest = span_skip(rest, sizeof("client=") - 1);
	if (!logtext_peer(rest, &peer, &rest))
		return NULL;
	if (is_loopback(peer.address) || span_has(rest, ", sasl_") ||
	    span_has(rest, ", orig_client="))
		return "own-mail";
	proc = process_of(j, p);
	m = new_message(j, id);
	m->time = time_of(j, p);
	m->session = proc->session;
	if (!same_peer(&proc->session.peer, &peer))
		m->session.known = false;
	keep_peer(&m->session.peer, &peer);
	if (!m->session.known)
		attach(j, m, proc);
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
	add_facts(NULL, &a);
	j->fn(&a, j->arg);
	return "handshake-failed";
}

/* "NOQUEUE: reject: MAIL from PEER: 530 ...; from=<S> to=<R> ..." */
static const char *
refusal(struct logjoin *j, const struct logprefix *p, struct span rest)
{
	struct attempt a = {.direction = EVIDENCE_IN,
	    .queue_id = {"NOQUEUE", 7},
	    .result = {"rejected", 8}};
	struct span domain[MAILADDR_MAX];
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
	/* As it came: Postfix rewrites it later. */
	if (r.sender.n > 0 && mailaddr_domains(r.sender, domain) > 0)
		a.domain = domain[0];
	proc = find_process(j, p);
	a.time = time_of(j, p);
	add_facts(proc != NULL && same_peer(&proc->session.peer, &r.peer)
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
	case 'N':
		if (span_begins(p->text, "NOQUEUE: reject: "))
			return refusal(j, p, span_skip(p->text, 17));
		return NULL;
	}
	if (!logtext_queue_id(p->text, &id, &rest) ||
	    !span_begins(rest, "client="))
		return NULL;
	return client(j, p, id, rest);
}

/* --- qmgr ------------------------------------------------------------- */

/* "QUEUEID: from=<SENDER>, size=N, nrcpt=N (queue active)" */
static const char *
qmgr_line(struct logjoin *j, const struct logprefix *p)
{
	struct span id, rest, domain;
	struct message *m;
	const char *end;

	if (p->text.n == 0 || p->text.p[p->text.n - 1] != ')' ||
	    !logtext_queue_id(p->text, &id, &rest) ||
	    !span_begins(rest, "from=<"))
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

const char *
logjoin_line(struct logjoin *j, const struct logprefix *p)
{
	struct span name = p->program;
	const char *what = NULL;

	j->stats.lines++;
	/* Postfix's own tags have a slash. */
	if (name.n < 4 || name.n > 5 || name.n == p->tag.n)
		return NULL;
	if (span_is(name, "smtp"))
		what = smtp_line(j, p, true);
	else if (span_is(name, "smtpd"))
		what = smtpd_line(j, p);
	else if (span_is(name, "qmgr"))
		what = qmgr_line(j, p);
	else if (span_is(name, "error") || span_is(name, "retry"))
		what = smtp_line(j, p, false);
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
	free(j);
}
