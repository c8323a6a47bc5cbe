#include "logjoin.h"

#include <stdlib.h>

#include "logfault.h"
#include "logstate.h"
#include "mem.h"

const char *
fact_name(enum fact f)
{
	static const char *const names[] = {"unknown", "no", "yes"};

	return names[f];
}

time_t
logstate_time(struct logjoin *j, const struct logprefix *p)
{
	time_t t;

	if (logprefix_time(&j->clock, p, &t) == 0) {
		j->last_time = t;
		return t;
	}
	j->stats.no_time++;
	return j->last_time != 0 ? j->last_time : j->clock.now;
}

struct logproc *
logstate_proc(struct logjoin *j, const struct logprefix *p)
{
	uint32_t evicted;
	struct logproc *proc = logprocs_get(&j->procs, p, &evicted);

	if (evicted != LOGPROC_NONE)
		loginbound_orphans(j, evicted);
	return proc;
}

bool
logstate_loopback(struct span a)
{
	return span_is(a, "127.0.0.1") || span_is(a, "::1") ||
	       span_begins(a, "/") || span_begins(a, "private/");
}

void
logstate_session(
    struct logproc *proc, const struct logtext_session *in, time_t when)
{
	struct logproc_session *s = &proc->session;

	s->known = true;
	s->used = false;
	s->reused = in->reused;
	s->trust = (uint8_t)in->trust;
	if (in->trust == LOGTEXT_UNSAID && proc->unverified != 0)
		s->trust = proc->unverified;
	proc->unverified = 0;
	s->nprotocol =
	    logproc_keep(s->protocol, sizeof(s->protocol), in->protocol);
	s->ncipher = logproc_keep(s->cipher, sizeof(s->cipher), in->cipher);
	s->nqueue_id = 0;
	s->time = when;
	logproc_peer_set(&s->peer, &in->peer);
}

void
logstate_facts(const struct logproc_session *s, struct attempt *a)
{
	if (s == NULL || !s->known) {
		a->level = EVIDENCE_CLEAR;
		a->encrypted = FACT_NO;
		a->chain_trusted = a->name_matched = FACT_UNKNOWN;
		return;
	}
	a->encrypted = FACT_YES;
	a->reused = s->reused;
	a->protocol = (struct span){s->protocol, s->nprotocol};
	a->cipher = (struct span){s->cipher, s->ncipher};
	a->chain_trusted = a->name_matched = FACT_UNKNOWN;
	a->level = EVIDENCE_ENCRYPTED;
	switch ((enum logtext_trust)s->trust) {
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

/* --- smtp ------------------------------------------------------------- */

static void
forget(struct logproc *proc)
{
	proc->session.known = false;
}

static const char *
smtp_session(struct logjoin *j, const struct logprefix *p,
    const struct logtext_session *s)
{
	struct logproc *proc = logstate_proc(j, p);

	j->stats.sessions_out++;
	if (proc->has_fault && !logproc_peer_same(&proc->fault_peer, &s->peer))
		proc->has_fault = false;
	logstate_session(proc, s, logstate_time(j, p));
	return s->reused ? "session-reused" : "session";
}

static void
keep_fault(struct logproc *proc, enum fault f, const struct logtext_peer *peer)
{
	proc->has_fault = true;
	proc->fault = f;
	logproc_peer_set(&proc->fault_peer, peer);
}

/* Lines without a queue id; NULL if it is none that matters. */
static const char *
smtp_remark(struct logjoin *j, const struct logprefix *p)
{
	struct logtext_session s;
	struct logtext_peer peer;
	struct logproc *proc;
	struct span why;

	if (logtext_session(p->text, &s) && !s.inbound)
		return smtp_session(j, p, &s);
	if (logtext_verify_failed(p->text, &peer, &why)) {
		/* The first one is the cause; OpenSSL may add others. */
		proc = logstate_proc(j, p);
		keep_fault(proc, logfault_verify(why), &peer);
		return "verification-failed";
	}
	if (logtext_ssl_error(p->text, &peer, &why)) {
		proc = logstate_proc(j, p);
		forget(proc);
		keep_fault(proc, FAULT_HANDSHAKE_FAILED, &peer);
		return "handshake-failed";
	}
	if (span_begins(p->text, "connect to ")) {
		if ((proc = logprocs_find(&j->procs, p)) != NULL)
			forget(proc);
		return "connect-failed";
	}
	if (span_begins(p->text, "warning: TLS library problem: ")) {
		proc = logprocs_find(&j->procs, p);
		if (proc == NULL || !proc->has_fault ||
		    proc->fault != FAULT_HANDSHAKE_FAILED)
			return NULL;
		proc->fault = logfault_library(p->text);
		return "library-problem";
	}
	/* Postfix 2.3 and 2.4, before "TLS connection established". */
	if (span_begins(p->text, "Verified: subject_CN=")) {
		logstate_proc(j, p)->unverified = LOGTEXT_TRUSTED;
		return "certificate";
	}
	if (span_begins(p->text, "Unverified: subject_CN=")) {
		logstate_proc(j, p)->unverified = LOGTEXT_UNTRUSTED;
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
	struct logproc_missed *m;
	struct logtext_peer peer = {0};
	struct logproc *proc;
	struct span rest;
	size_t at;

	/* "host H said: 450 ..." ends no session: others may be accepted. */
	if (fault == FAULT_OK || fault == FAULT_GREETING_REFUSED)
		return NULL;
	proc = logstate_proc(j, p);
	if (vague && proc->has_fault) {
		fault = proc->fault;
		peer = logproc_peer_get(&proc->fault_peer);
	} else if (proc->session.known) {
		peer = logproc_peer_get(&proc->session.peer);
	}
	if ((at = span_find(why, " host ")) < why.n)
		(void)logtext_peer(span_skip(why, at + 6), &peer, &rest);
	if (fault_is_tls(fault) && proc->nmissed < LOGPROC_MISSED_MAX) {
		if (proc->missed == NULL)
			proc->missed =
			    mem_zero(LOGPROC_MISSED_MAX, sizeof(*proc->missed));
		m = &proc->missed[proc->nmissed++];
		m->fault = fault;
		m->nqueue_id =
		    logproc_keep(m->queue_id, sizeof(m->queue_id), id);
		m->ntext = logproc_keep(m->text, sizeof(m->text), why);
		logproc_peer_set(&m->peer, &peer);
	}
	forget(proc);
	proc->has_fault = false;
	return "gateway-failed";
}

/* Tell of the gateways before this one; *a is the delivery itself. */
static void
tell_missed(struct logjoin *j, struct logproc *proc, const struct attempt *a)
{
	struct logtext_peer peer;
	struct attempt one;
	unsigned i;

	for (i = 0; i < proc->nmissed; i++) {
		const struct logproc_missed *m = &proc->missed[i];
		struct span id = {m->queue_id, m->nqueue_id};

		if (!span_same(id, a->queue_id))
			continue;
		one = (struct attempt){.time = a->time,
		    .direction = EVIDENCE_OUT,
		    .domain = a->domain,
		    .queue_id = a->queue_id,
		    .result = {"skipped", 7},
		    .text = {m->text, m->ntext},
		    .fault = m->fault};
		peer = logproc_peer_get(&m->peer);
		one.host = peer.host;
		one.address = peer.address;
		one.port = peer.port;
		logstate_facts(NULL, &one);
		one.encrypted = FACT_UNKNOWN;
		j->fn(&one, j->arg);
	}
	proc->nmissed = 0;
}

/* True if what is known of a session is about this delivery. */
static bool
session_is_of(
    struct logproc_session *s, const struct logtext_delivery *d, time_t when)
{
	if (!s->known)
		return false;
	if (!logproc_peer_same(&s->peer, &d->peer) ||
	    when - s->time > LOGSTATE_STALE ||
	    (s->used && !span_same((struct span){s->queue_id, s->nqueue_id},
			    d->queue_id))) {
		s->known = false;
		return false;
	}
	s->used = true;
	s->nqueue_id =
	    logproc_keep(s->queue_id, sizeof(s->queue_id), d->queue_id);
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
		logstate_facts(NULL, a);
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

static struct logcause *
cause_of(struct logjoin *j, struct span domain, uint64_t *key)
{
	*key = logproc_hash(1, domain.p, domain.n);
	return &j->cause[*key % LOGSTATE_CAUSES];
}

/* Why it was not sent, from this line and what the process said before. */
static void
find_fault(struct logjoin *j, struct logproc *proc,
    const struct logtext_delivery *d, struct attempt *a)
{
	bool vague, mine;
	struct logcause *cause;
	uint64_t key;

	a->fault = logfault_reason(d->reason, &vague);
	if (!vague)
		return;
	mine = proc != NULL && proc->has_fault &&
	       logproc_peer_same(&proc->fault_peer, &d->peer);
	cause = cause_of(j, a->domain, &key);
	if (mine) {
		a->fault = proc->fault;
		*cause = (struct logcause){key, a->fault};
	} else if (cause->key == key && d->peer.host.n == 0) {
		/* Suspended: an earlier attempt to this domain knew why. */
		a->fault = cause->fault;
	}
}

static const char *
delivery(struct logjoin *j, const struct logprefix *p, bool smtp,
    const struct logtext_delivery *d)
{
	struct logproc *proc = smtp ? logprocs_find(&j->procs, p) : NULL;
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
	if (logstate_loopback(d->peer.address)) {
		if (proc != NULL)
			forget(proc);
		return "loopback";
	}
	j->stats.deliveries++;
	(void)logtext_domain(d->recipient, &a.domain);
	a.time = logstate_time(j, p);
	if (proc != NULL)
		mine = session_is_of(&proc->session, d, a.time);
	logstate_facts(mine ? &proc->session : NULL, &a);
	if (a.host.n == 0)
		a.encrypted = FACT_UNKNOWN;
	if (d->conn_use > 1)
		a.reused = true;
	if (mine && proc->has_fault && proc->fault == FAULT_NAME_MISMATCH &&
	    logproc_peer_same(&proc->fault_peer, &d->peer))
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

/* --- all -------------------------------------------------------------- */

struct logjoin *
logjoin_new(time_t now, logjoin_fn *fn, void *arg)
{
	struct logjoin *j = mem_zero(1, sizeof(*j));

	j->fn = fn;
	j->arg = arg;
	logprefix_set_clock(&j->clock, now);
	logprocs_init(&j->procs);
	j->waiting = mem_zero(LOGSTATE_WAITING, sizeof(*j->waiting));
	j->cause = mem_zero(LOGSTATE_CAUSES, sizeof(*j->cause));
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
		what = loginbound_smtpd(j, p);
	else if (span_is(name, "qmgr"))
		what = loginbound_qmgr(j, p);
	else if (span_is(name, "error") || span_is(name, "retry"))
		what = smtp_line(j, p, false);
	if (what != NULL)
		j->stats.understood++;
	return what;
}

const struct logjoin_stats *
logjoin_stats(const struct logjoin *j)
{
	return &j->stats;
}

void
logjoin_free(struct logjoin *j)
{
	if (j == NULL)
		return;
	logprocs_free(&j->procs);
	free(j->waiting);
	free(j->cause);
	free(j);
}
