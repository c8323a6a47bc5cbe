#include "logsession.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "ledger_downgrade.h"
#include "logprefix.h"
#include "mailaddr.h"
#include "mem.h"
#include "names.h"
#include "recent.h"

#define HOSTS_MAX 64 /* with a queue manager */

/* What an smtpd(8) process said last. */
struct process {
	char name[LOGSESSION_PROCESS];
	struct logsession session;
	enum logtext_trust chain; /* said before the session, by 2.3 */
	/* Messages that wait for the end of the session, the last one first. */
	LIST_HEAD(messages, message) waiting;
	struct logpeer client; /* of a message for smtpd_proxy_filter */
	bool let_in;	       /* what it takes next is, by a downgrade alone */
};

/* A message that came in, whose sender or session is not known yet. */
struct message {
	char name[LOGSESSION_MESSAGE]; /* its queue id, or that and its host */
	char queue_id[33];
	char host[LOGSESSION_HOST]; /* that logged it */
	time_t time;
	/* In the list of its process, while the session goes on and was not
	 * seen to be encrypted: */
	bool attached;
	LIST_ENTRY(message) waiting;
	bool has_sender;
	bool let_in;
	char domain[256];
	struct logsession session;
};

struct smtpd {
	struct logtold *to;
	struct recent processes, messages;
	struct names qmgrs; /* hosts that have one */
	char last_qmgr[LOGSESSION_HOST];
	uint32_t namesakes; /* messages whose name has their host */
};

/* The process that wrote the line, or NULL if it is not known. */
static struct process *
find_process(struct smtpd *in, const struct logprefix *p)
{
	char name[LOGSESSION_PROCESS];

	return recent_find(&in->processes, name, logsession_process(p, name));
}

/* --- messages that came in -------------------------------------------- */

static void
detach(struct message *m)
{
	if (m->attached)
		LIST_REMOVE(m, waiting);
	m->attached = false;
}

/* Tell of the message if its sender is known, and forget it. */
static void
let_go(struct smtpd *in, struct message *m)
{
	struct logtext_peer peer = logpeer_kept(&m->session.peer);
	struct attempt a = {.time = m->time,
	    .direction = EVIDENCE_IN,
	    .domain = span_of(m->domain),
	    .queue_id = span_of(m->queue_id),
	    .logger = span_of(m->host),
	    .host = peer.host,
	    .address = peer.address,
	    .result = {"received", 8}};

	logsession_facts(&m->session, &a);
	/* smtpd asks for certificates rarely, and looks at no names. */
	if (m->session.known && m->session.trust == LOGTEXT_ANONYMOUS)
		a.chain_trusted = FACT_UNKNOWN;
	if (m->let_in)
		a.lacks = a.encrypted == FACT_YES ? FAULT_NO_CERTIFICATE
						  : FAULT_NO_STARTTLS;
	if (m->has_sender)
		in->to->fn(&a, in->to->arg);
	detach(m);
	in->namesakes -= strcmp(m->name, m->queue_id) != 0;
	recent_remove(&in->messages, m);
}

/* Of that host; or else of that queue id alone, *own says which. */
static struct message *
find_message(struct smtpd *in, struct span id, struct span host, bool *own)
{
	char name[LOGSESSION_MESSAGE];
	struct message *m = recent_find(&in->messages, id.p, id.n), *exact;

	host.n = host.n < LOGSESSION_HOST ? host.n : LOGSESSION_HOST - 1;
	*own = m != NULL && span_same(span_of(m->host), host);
	if (*own || in->namesakes == 0)
		return m;
	exact = recent_find(
	    &in->messages, name, logsession_message(id, host, name));
	*own = exact != NULL;
	return *own ? exact : m;
}

static struct message *
new_message(struct smtpd *in, const struct logprefix *p, struct span id)
{
	bool own;
	struct message *m = find_message(in, id, p->host, &own);
	bool namesake = m != NULL && !own;

	if (!own)
		m = recent_place(&in->messages);
	if (m->name[0] != '\0')
		let_go(in, m);
	m->has_sender = false;
	m->domain[0] = '\0';
	KEEP(m->queue_id, id);
	KEEP(m->host, p->host);
	KEEP(m->name, id);
	/* Hosts give the same queue ids, where one log has several. */
	if (namesake)
		(void)logsession_message(id, p->host, m->name);
	in->namesakes += namesake;
	recent_add(&in->messages, m);
	return m;
}

/* The session ended; starttls: how often it succeeded, -1 if not said. */
static void
settle(struct smtpd *in, struct process *proc, int starttls)
{
	struct message *m;

	while ((m = LIST_FIRST(&proc->waiting)) != NULL) {
		detach(m);
		if (!m->session.known && starttls > 0) {
			m->session.known = true;
			m->session.trust = LOGTEXT_UNSAID;
			m->session.protocol[0] = m->session.cipher[0] = '\0';
			m->session.exchange[0] = '\0';
			m->session.signature[0] = '\0';
		}
		if (m->has_sender)
			let_go(in, m);
	}
	proc->session.known = proc->let_in = false;
}

/* The process that wrote the line; another one may make room for it. */
static struct process *
process_of(struct smtpd *in, const struct logprefix *p)
{
	struct process *proc = find_process(in, p);

	if (proc != NULL)
		return proc;
	proc = recent_place(&in->processes);
	if (proc->name[0] != '\0') {
		settle(in, proc, -1);
		recent_remove(&in->processes, proc);
	}
	memset(proc, 0, sizeof(*proc));
	(void)logsession_process(p, proc->name);
	recent_add(&in->processes, proc);
	return proc;
}

/* --- smtpd ------------------------------------------------------------ */

static const char *
session(struct smtpd *in, const struct logprefix *p,
    const struct logtext_session *s)
{
	struct process *proc = process_of(in, p);

	in->to->stats->sessions_in++;
	/* What came before STARTTLS came in the clear. */
	settle(in, proc, -1);
	logsession_keep(&proc->session, s, &proc->chain, 0);
	return "session";
}

static struct message *
add_message(struct smtpd *in, const struct logprefix *p, struct span id,
    const struct logtext_peer *peer)
{
	struct process *proc = process_of(in, p);
	struct message *m = new_message(in, p, id);

	m->time = p->time;
	m->let_in = proc->let_in;
	proc->let_in = false;
	m->session = proc->session;
	if (!logpeer_same(&proc->session.peer, peer))
		m->session.known = false;
	logpeer_keep(&m->session.peer, peer);
	if (!m->session.known) {
		LIST_INSERT_HEAD(&proc->waiting, m, waiting);
		m->attached = true;
	}
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
client(struct smtpd *in, const struct logprefix *p, struct span id,
    struct span rest)
{
	struct logtext_peer peer;
	struct process *proc;
	bool own;

	rest = span_skip(rest, sizeof("client=") - 1);
	if (!logtext_peer(rest, &peer, &rest))
		return NULL;
	own = logsession_is_loopback(peer.address) ||
	      span_has(rest, ", sasl_") || span_has(rest, ", orig_client=");
	if (span_is(id, "NOQUEUE")) {
		proc = process_of(in, p);
		proc->client = (struct logpeer){.host = ""};
		if (!own)
			logpeer_keep(&proc->client, &peer);
	} else if (!own) {
		(void)add_message(in, p, id, &peer);
	}
	return own ? "own-mail" : "message-in";
}

/* The filter before the queue took it, and says under which queue id. */
static const char *
proxied(struct smtpd *in, const struct logprefix *p)
{
	struct process *proc = find_process(in, p);
	struct span id = {"NOQUEUE", 7}, domain;
	struct logtext_refusal r;
	struct logtext_peer peer;
	struct message *m;
	size_t at;

	if (proc == NULL || proc->client.host[0] == '\0' ||
	    !logtext_refusal(p->text, &r) || !r.taken)
		return NULL;
	at = span_find(r.text, "queued as ");
	if (at < r.text.n) {
		id = span_skip(r.text, at + sizeof("queued as ") - 1);
		id.n = span_chr(id, ' ');
	}
	if (id.n == 0)
		id = span_of("NOQUEUE");
	peer = logpeer_kept(&proc->client);
	m = add_message(in, p, id, &peer);
	m->has_sender = true;
	if (sender_domain(r.sender, &domain))
		KEEP(m->domain, domain);
	if (!m->attached)
		let_go(in, m);
	return "message-in";
}

/* "SSL_accept error from PEER: why": nobody knows for which mail. */
static const char *
accept_error(struct smtpd *in, const struct logprefix *p,
    const struct logtext_peer *peer, struct span why)
{
	struct attempt a = {.direction = EVIDENCE_IN,
	    .host = peer->host,
	    .address = peer->address,
	    .result = {"failed", 6},
	    .text = why,
	    .fault = FAULT_HANDSHAKE_FAILED};

	if (logsession_is_loopback(peer->address))
		return "loopback";
	a.time = p->time;
	logsession_facts(NULL, &a);
	in->to->fn(&a, in->to->arg);
	return "handshake-failed";
}

/* FAULT_NO_STARTTLS if smtpd refused because there was no TLS, or OK. */
static enum fault
fault_of_refusal(const struct logtext_refusal *r)
{
	if (span_is(r->dsn, "4.7.10") || span_is(r->dsn, "5.7.10"))
		return FAULT_NO_STARTTLS;
	/* Postfix's own: smtpd_tls_security_level, reject_plaintext_session. */
	return span_begins(r->text, "Must issue a STARTTLS") ||
		       span_begins(r->text, "Session encryption is required")
		   ? FAULT_NO_STARTTLS
		   : FAULT_OK;
}

/*
 * "QUEUEID: warn: RCPT from PEER: TEXT; from=<S> ...": tlspactd would have
 * refused it. The first recipient has no queue id yet.
 */
static const char *
warned(struct smtpd *in, const struct logprefix *p, struct span id,
    struct span rest)
{
	struct logtext_refusal r;
	struct message *m;
	bool own;

	if (!logtext_refusal(rest, &r) || !span_ends(r.reply, LEDGER_LET_IN) ||
	    !span_has(r.reply, "tlspact: mail from "))
		return NULL;
	if (span_is(id, "NOQUEUE"))
		process_of(in, p)->let_in = true;
	else if ((m = find_message(in, id, p->host, &own)) != NULL)
		m->let_in = true;
	return "let-in";
}

/* "QUEUEID: reject: DATA from PEER: 530 ...; from=<S> to=<R> ..." */
static const char *
refusal(struct smtpd *in, const struct logprefix *p, struct span id,
    struct span rest)
{
	struct attempt a = {.direction = EVIDENCE_IN,
	    .queue_id = id,
	    .result = {"rejected", 8}};
	struct logtext_refusal r;
	struct process *proc = find_process(in, p);

	/* Of that recipient; the next one is warned of once more. */
	if (proc != NULL)
		proc->let_in = false;
	if (!logtext_refusal(rest, &r) || r.taken ||
	    (a.fault = fault_of_refusal(&r)) == FAULT_OK ||
	    logsession_is_loopback(r.peer.address))
		return NULL;
	a.host = r.peer.host;
	a.address = r.peer.address;
	a.text = span_skip(rest, (size_t)(r.reply.p - rest.p));
	a.dsn = r.dsn;
	(void)sender_domain(r.sender, &a.domain);
	a.time = p->time;
	logsession_facts(
	    proc != NULL && logpeer_same(&proc->session.peer, &r.peer)
		? &proc->session
		: NULL,
	    &a);
	/* It had TLS: then it was refused for something else about TLS. */
	if (span_has(r.reply, LEDGER_OLD_TLS))
		a.fault = FAULT_PROTOCOL_TOO_OLD;
	else if (a.encrypted == FACT_YES ||
		 span_has(r.reply, LEDGER_BY_CERTIFICATE))
		a.fault = FAULT_NO_CERTIFICATE;
	in->to->fn(&a, in->to->arg);
	return "refusal";
}

static const char *
smtpd_line(struct smtpd *in, const struct logprefix *p)
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
			return session(in, p, &s);
		break;
	case 'S':
		if (logtext_complaint(p->text, &peer, &rest) ==
		    LOGTEXT_SSL_ERROR)
			return accept_error(in, p, &peer, rest);
		break;
	case 'c':
	case 'd':
		if (span_begins(p->text, "connect from ")) {
			proc = find_process(in, p);
			if (proc != NULL)
				settle(in, proc, -1);
			return "connect";
		}
		if (span_begins(p->text, "disconnect from ")) {
			proc = find_process(in, p);
			if (proc != NULL)
				settle(in, proc, logtext_starttls(p->text));
			return "disconnect";
		}
		break;
	case 'p':
		return proxied(in, p);
	}
	if (span_begins(p->text, "NOQUEUE: ")) {
		id = span_of("NOQUEUE");
		rest = span_skip(p->text, sizeof("NOQUEUE: ") - 1);
	} else if (!logtext_queue_id(p->text, &id, &rest)) {
		return NULL;
	}
	if (span_begins(rest, "client="))
		return client(in, p, id, rest);
	if (span_begins(rest, "reject: "))
		return refusal(in, p, id, span_skip(rest, 8));
	if (span_begins(rest, "warn: "))
		return warned(in, p, id, span_skip(rest, 6));
	return NULL;
}

/* --- qmgr ------------------------------------------------------------- */

/* That host has one. */
static void
know_qmgr(struct smtpd *in, struct span host)
{
	if (host.n == 0 || span_same(span_of(in->last_qmgr), host))
		return;
	KEEP(in->last_qmgr, host);
	if (in->qmgrs.n < HOSTS_MAX)
		(void)names_add(
		    &in->qmgrs, in->last_qmgr, strlen(in->last_qmgr));
}

/* "QUEUEID: from=<SENDER>, size=N, nrcpt=N (queue active)" */
static const char *
qmgr_line(struct smtpd *in, const struct logprefix *p)
{
	struct span text = p->text, id, rest, domain;
	struct message *m;
	const char *end;
	bool own;

	/* What carries lines may leave blanks behind them. */
	while (text.n > 0 && text.p[text.n - 1] == ' ')
		text.n--;
	if (!span_ends(text, ")") || !logtext_queue_id(text, &id, &rest) ||
	    !span_begins(rest, "from=<"))
		return NULL;
	know_qmgr(in, p->host);
	m = find_message(in, id, p->host, &own);
	/*
	 * postlogd(8) writes $myhostname of each service where others write the
	 * host, so smtpd's may be another one; but not a host that has a qmgr
	 * of its own.
	 */
	if (m == NULL || m->has_sender ||
	    (!own && names_find(&in->qmgrs, m->host, strlen(m->host)) !=
			 STRMAP_NONE))
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
		let_go(in, m);
	return "sender";
}

/* --- all --------------------------------------------------------------- */

static void *
start(struct logtold *to)
{
	struct smtpd *in = mem_zero(1, sizeof(*in));

	in->to = to;
	recent_init(
	    &in->processes, LOGJOIN_PROCESSES_MAX, sizeof(struct process));
	recent_init(
	    &in->messages, LOGJOIN_MESSAGES_MAX, sizeof(struct message));
	return in;
}

static const char *
take_line(void *arg, const struct logprefix *p)
{
	struct smtpd *in = arg;

	if (span_is(p->program, "smtpd"))
		return smtpd_line(in, p);
	if (span_is(p->program, "qmgr"))
		return qmgr_line(in, p);
	return NULL;
}

static void
end(void *arg, bool ends)
{
	struct smtpd *in = arg;
	struct message *m;
	uint32_t i;

	for (i = 0; i < LOGJOIN_MESSAGES_MAX && ends; i++) {
		m = recent_at(&in->messages, i);
		if (m->name[0] != '\0' && m->has_sender)
			let_go(in, m);
	}
	recent_free(&in->processes);
	recent_free(&in->messages);
	names_free(&in->qmgrs);
	free(in);
}

const struct logtaker logsmtpd = {start, take_line, end};
