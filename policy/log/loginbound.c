/*
 * loginbound.c: the half of logjoin that follows mail coming in.
 *
 * smtpd knows the session, qmgr knows the sender, the queue id is in the
 * lines of both.
 */
#include "logfault.h"
#include "logstate.h"
#include "mailaddr.h"

#define WAYS 4 /* messages that share a place */

/* --- messages --------------------------------------------------------- */

/*
 * By the queue id alone: postlogd writes $myhostname of each service where
 * others write the host, and tags differ by syslog_name, so that neither
 * need be the same for smtpd and qmgr.
 */
static uint64_t
key_of(struct span id)
{
	return logproc_hash(2, id.p, id.n);
}

static struct logwaiting *
place(struct logjoin *j, uint64_t key)
{
	return j->waiting +
	       (size_t)(key >> 7) % (LOGSTATE_WAITING / WAYS) * WAYS;
}

static struct logwaiting *
find(struct logjoin *j, uint64_t key)
{
	struct logwaiting *w = place(j, key);
	size_t i;

	for (i = 0; i < WAYS; i++)
		if (w[i].key == key)
			return &w[i];
	return NULL;
}

static void
attach(struct logjoin *j, struct logwaiting *w, struct logproc *proc)
{
	uint32_t self = (uint32_t)(w - j->waiting);

	w->attached = true;
	w->proc = (uint32_t)(proc - j->procs.v);
	w->prev = LOGPROC_NONE;
	w->next = proc->waiting;
	if (w->next != LOGPROC_NONE)
		j->waiting[w->next].prev = self;
	proc->waiting = self;
}

static void
detach(struct logjoin *j, struct logwaiting *w)
{
	if (!w->attached)
		return;
	w->attached = false;
	if (w->prev != LOGPROC_NONE)
		j->waiting[w->prev].next = w->next;
	else
		j->procs.v[w->proc].waiting = w->next;
	if (w->next != LOGPROC_NONE)
		j->waiting[w->next].prev = w->prev;
}

/* Tell of the message and forget it. */
static void
tell(struct logjoin *j, struct logwaiting *w)
{
	struct attempt a = {.time = w->time,
	    .direction = EVIDENCE_IN,
	    .domain = {w->domain, w->ndomain},
	    .queue_id = {w->session.queue_id, w->session.nqueue_id},
	    .result = {"received", 8}};
	struct logtext_peer peer = logproc_peer_get(&w->session.peer);

	a.host = peer.host;
	a.address = peer.address;
	logstate_facts(&w->session, &a);
	/* smtpd asks for certificates rarely, and looks at no names. */
	if (w->session.known && w->session.trust == LOGTEXT_ANONYMOUS)
		a.chain_trusted = FACT_UNKNOWN;
	detach(j, w);
	w->key = 0;
	j->nwaiting--;
	j->fn(&a, j->arg);
}

/* A place for the message; the oldest one there makes room. */
static struct logwaiting *
add(struct logjoin *j, uint64_t key)
{
	struct logwaiting *w = place(j, key), *best = w;
	size_t i;

	for (i = 0; i < WAYS; i++) {
		if (w[i].key == key) {
			best = &w[i];
			break;
		}
		if (best->key != 0 && (w[i].key == 0 || w[i].age < best->age))
			best = &w[i];
	}
	if (best->key != 0 && best->has_sender)
		tell(j, best);
	detach(j, best);
	j->nwaiting += best->key == 0;
	best->key = key;
	best->age = ++j->age;
	best->has_sender = false;
	best->ndomain = 0;
	return best;
}

void
loginbound_orphans(struct logjoin *j, uint32_t first)
{
	uint32_t i, next;

	for (i = first; i != LOGPROC_NONE; i = next) {
		struct logwaiting *w = &j->waiting[i];

		next = w->next;
		w->attached = false;
		if (w->has_sender)
			tell(j, w);
	}
}

/* --- smtpd ------------------------------------------------------------ */

/* The session ended; starttls: how often it succeeded, -1 if not said. */
static void
settle(struct logjoin *j, struct logproc *proc, int starttls)
{
	struct logwaiting *w;

	while (proc->waiting != LOGPROC_NONE) {
		w = &j->waiting[proc->waiting];
		detach(j, w);
		if (!w->session.known && starttls > 0) {
			w->session.known = true;
			w->session.trust = LOGTEXT_UNSAID;
			w->session.nprotocol = w->session.ncipher = 0;
		}
		if (w->has_sender)
			tell(j, w);
	}
	proc->session.known = false;
}

static const char *
session(struct logjoin *j, const struct logprefix *p,
    const struct logtext_session *s)
{
	j->stats.sessions_in++;
	logstate_session(logstate_proc(j, p), s, 0);
	return "session";
}

/* "QUEUEID: client=NAME[ADDRESS], ..." */
static const char *
client(struct logjoin *j, const struct logprefix *p, struct span id,
    struct span rest)
{
	struct logtext_peer peer;
	struct logproc *proc;
	struct logwaiting *w;

	rest = span_skip(rest, sizeof("client=") - 1);
	if (!logtext_peer(rest, &peer, &rest))
		return NULL;
	if (logstate_loopback(peer.address) || span_has(rest, ", sasl_") ||
	    span_has(rest, ", orig_client="))
		return "own-mail";
	proc = logstate_proc(j, p);
	w = add(j, key_of(id));
	w->time = logstate_time(j, p);
	w->session = proc->session;
	if (!logproc_peer_same(&proc->session.peer, &peer))
		w->session.known = false;
	logproc_peer_set(&w->session.peer, &peer);
	w->session.nqueue_id =
	    logproc_keep(w->session.queue_id, sizeof(w->session.queue_id), id);
	if (!w->session.known)
		attach(j, w, proc);
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

	if (logstate_loopback(peer->address))
		return "loopback";
	a.time = logstate_time(j, p);
	logstate_facts(NULL, &a);
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
	struct mailaddr_domain domain[MAILADDR_MAX];
	struct logtext_refusal r;
	struct logproc *proc;

	if (!logtext_refusal(rest, &r) ||
	    (a.fault = logfault_refusal(&r)) == FAULT_OK ||
	    logstate_loopback(r.peer.address))
		return NULL;
	a.host = r.peer.host;
	a.address = r.peer.address;
	a.text = span_skip(rest, (size_t)(r.reply.p - rest.p));
	a.dsn = r.dsn;
	/* As it came: Postfix rewrites it later. */
	if (r.sender.n > 0 &&
	    mailaddr_domains(r.sender.p, r.sender.n, domain) > 0)
		a.domain = (struct span){domain[0].s, domain[0].len};
	proc = logprocs_find(&j->procs, p);
	a.time = logstate_time(j, p);
	logstate_facts(
	    proc != NULL && logproc_peer_same(&proc->session.peer, &r.peer)
		? &proc->session
		: NULL,
	    &a);
	/* It had TLS: then it was refused for something else about TLS. */
	if (a.encrypted == FACT_YES)
		a.fault = FAULT_NO_CERTIFICATE;
	j->fn(&a, j->arg);
	return "refusal";
}

const char *
loginbound_smtpd(struct logjoin *j, const struct logprefix *p)
{
	struct logtext_session s;
	struct logtext_peer peer;
	struct logproc *proc;
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
			proc = logprocs_find(&j->procs, p);
			if (proc != NULL)
				settle(j, proc, -1);
			return "connect";
		}
		if (span_begins(p->text, "disconnect from ")) {
			proc = logprocs_find(&j->procs, p);
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
const char *
loginbound_qmgr(struct logjoin *j, const struct logprefix *p)
{
	struct span id, rest, domain;
	struct logwaiting *w;
	const char *end;

	if (p->text.n == 0 || p->text.p[p->text.n - 1] != ')' ||
	    !logtext_queue_id(p->text, &id, &rest) ||
	    !span_begins(rest, "from=<"))
		return NULL;
	w = find(j, key_of(id));
	if (w == NULL || w->has_sender)
		return NULL;
	rest = span_skip(rest, 6);
	/* No '>' follows the sender's own. */
	end = memrchr(rest.p, '>', rest.n);
	if (end == NULL)
		return NULL;
	rest.n = (size_t)(end - rest.p);
	if (logtext_domain(rest, &domain))
		w->ndomain = logproc_keep(w->domain, sizeof(w->domain), domain);
	w->has_sender = true;
	if (!w->attached)
		tell(j, w);
	return "sender";
}

void
logjoin_end(struct logjoin *j)
{
	size_t i;

	for (i = 0; i < LOGSTATE_WAITING && j->nwaiting > 0; i++)
		if (j->waiting[i].key != 0 && j->waiting[i].has_sender)
			tell(j, &j->waiting[i]);
}
