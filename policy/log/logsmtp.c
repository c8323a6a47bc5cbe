#include "logsmtp.h"

#include <stdlib.h>

#include "buf.h"
#include "logprefix.h"
#include "logsession.h"
#include "mem.h"
#include "recent.h"

#define SLACK 60	   /* seconds, where the line says how long it took */
#define MISSED_MAX 4	   /* gateways that failed in one delivery */
#define CAUSES_MAX 1024	   /* domains whose last fault is remembered */
#define DEFERRED_MAX 16384 /* messages of which that is remembered */
#define DOMAINS_MAX 65536  /* bytes of the domains of one */

/* A gateway of which only the `QUEUEID: why` line tells. */
struct missed {
	enum fault fault;
	char queue_id[33];
	char text[201];
	struct logpeer peer;
};

/* What an smtp(8) process said last. */
struct process {
	char name[LOGSESSION_PROCESS];
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

/* A message that was deferred, and for which domains. */
struct deferred {
	char name[LOGSESSION_MESSAGE];
	char *domains; /* a newline behind each */
};

struct smtp {
	struct logtold *to;
	struct recent processes, causes, deferred;
	struct buf scratch;
};

/* --- faults ------------------------------------------------------------ */

struct phrase {
	const char *text;
	enum fault fault;
};

#define REQUIRETLS "Sender requested REQUIRETLS, but "
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool
has(struct span s, const char *text)
{
	return span_find_text(s, text, strlen(text)) < s.n;
}

static bool
begins(struct span s, const char *text)
{
	return span_begins_with(s, text, strlen(text));
}

/* The first phrase that stands anywhere in s. */
static enum fault
find(struct span s, const struct phrase *v, size_t n, enum fault otherwise)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (has(s, v[i].text))
			return v[i].fault;
	return otherwise;
}

/* What follows "certificate verification failed for PEER: ". */
static enum fault
fault_of_verify(struct span why)
{
	/* OpenSSL 1 writes "self signed", OpenSSL 3 "self-signed". */
	static const struct phrase phrases[] = {
	    {"num=62:", FAULT_NAME_MISMATCH},
	    {"num=64:", FAULT_NAME_MISMATCH},
	    {"num=65:", FAULT_DANE_MISMATCH},
	    {"has expired", FAULT_EXPIRED},
	    {"not yet valid", FAULT_NOT_YET_VALID},
	    {"igned certificate in certificate chain", FAULT_UNTRUSTED_ISSUER},
	    {"self-signed certificate", FAULT_SELF_SIGNED},
	    {"self signed certificate", FAULT_SELF_SIGNED},
	    {"not designated for use", FAULT_WRONG_PURPOSE},
	    {"certificate purpose", FAULT_WRONG_PURPOSE},
	    {"key too weak", FAULT_WEAK_KEY},
	    {"key too small", FAULT_WEAK_KEY},
	    {"digest algorithm too weak", FAULT_WEAK_SIGNATURE},
	    {"no matching DANE TLSA", FAULT_DANE_MISMATCH},
	    {"ostname mismatch", FAULT_NAME_MISMATCH},
	    {"IP address mismatch", FAULT_NAME_MISMATCH},
	};

	/* The issuer's name is foreign text, and comes last. */
	if (begins(why, "untrusted issuer"))
		return FAULT_UNTRUSTED_ISSUER;
	return find(why, phrases, COUNT(phrases), FAULT_UNTRUSTED_ISSUER);
}

static enum fault
connect_fault(struct span text)
{
	static const struct phrase phrases[] = {
	    {": Connection refused", FAULT_CONNECT_REFUSED},
	    {" timed out", FAULT_CONNECT_TIMEOUT},
	};

	return find(text, phrases, COUNT(phrases), FAULT_CONNECT_FAILED);
}

static enum fault
tls_required(struct span text)
{
	if (begins(text, "TLS is required, but was not offered"))
		return FAULT_NO_STARTTLS;
	if (begins(text, "TLS is required, but host ") &&
	    has(text, " refused to start TLS"))
		return FAULT_STARTTLS_REFUSED;
	return FAULT_LOCAL_ERROR;
}

/* Of 3.11, where the sender of a message asks for TLS (RFC 8689). */
static enum fault
requiretls(struct span text, bool *vague)
{
	*vague = begins(text, "no matching server certificate was found") ||
		 begins(text, "no trusted server certificate was found");
	if (*vague)
		return begins(text, "no matching") ? FAULT_NAME_MISMATCH
						   : FAULT_UNTRUSTED_ISSUER;
	if (begins(text, "TLS service was not offered by host "))
		return FAULT_NO_STARTTLS;
	if (begins(text, "host ") && has(text, " refused to start TLS"))
		return FAULT_STARTTLS_REFUSED;
	if (begins(text, "my configured TLS security level "))
		return FAULT_LOCAL_ERROR;
	/* Without REQUIRETLS, or a remark about what goes on all the same. */
	return FAULT_OK;
}

/* Phrases at the start of the reason, which is Postfix's own text. */
static const struct phrase reasons[] = {
    {"Cannot start TLS", FAULT_HANDSHAKE_FAILED},
    {"Server certificate not verified", FAULT_UNTRUSTED_ISSUER},
    {"Server certificate not trusted", FAULT_UNTRUSTED_ISSUER},
    {"Server certificate could not be verified", FAULT_UNTRUSTED_ISSUER},
    {"client TLS configuration problem", FAULT_LOCAL_ERROR},
    {"REQUIRETLS policy configuration error", FAULT_LOCAL_ERROR},
    {"TLSA lookup error", FAULT_TLSA_FAILED},
    {"no TLSA records found", FAULT_NO_TLSA},
    {"non DNSSEC destination", FAULT_NO_TLSA},
    {"TLSA records unusable", FAULT_NO_TLSA},
    {"lost connection with", FAULT_CONNECTION_LOST},
    {"conversation with", FAULT_TIMEOUT},
    {"Host or domain name not found", FAULT_DNS_FAILED},
    {"unable to look up host", FAULT_DNS_FAILED},
    {"Name service error", FAULT_DNS_FAILED},
    {"Host not found", FAULT_DNS_FAILED},
};

/*
 * The text behind a delivery's status, or behind `QUEUEID: `. FAULT_OK if
 * it is about neither TLS nor the way to the gateway, such as a reply to
 * RCPT. *vague if an earlier line of the same process may know better: "Server
 * certificate not verified" has many causes.
 */
static enum fault
fault_of_reason(struct span text, bool *vague)
{
	size_t i;

	*vague = false;
	while (begins(text, "delivery temporarily suspended: "))
		text = span_skip(
		    text, sizeof("delivery temporarily suspended: ") - 1);
	/* A bounce may repeat the status: "5.7.5 Cannot start TLS: ...". */
	if (text.n > 6 && text.p[1] == '.' && text.p[0] >= '4' &&
	    text.p[0] <= '5' && span_chr(text, ' ') <= 8)
		text = span_skip(text, span_chr(text, ' ') + 1);
	if (begins(text, "TLS is required, but "))
		return tls_required(text);
	if (begins(text, REQUIRETLS))
		return requiretls(
		    span_skip(text, sizeof(REQUIRETLS) - 1), vague);
	if (begins(text, "connect to "))
		return connect_fault(text);
	for (i = 0; i < COUNT(reasons); i++)
		if (begins(text, reasons[i].text)) {
			*vague = i <= 3;
			return reasons[i].fault;
		}
	/* "Domain acme.example does not accept mail (nullMX)" */
	if (begins(text, "Domain ") && has(text, "(nullMX)"))
		return FAULT_NO_MX;
	/* "host H[A] refused to talk to me: 554 ..." */
	if (begins(text, "host ")) {
		struct span own = text;

		own.n = span_find(own, ": ");
		if (has(own, " refused to talk to me"))
			return FAULT_GREETING_REFUSED;
	}
	return FAULT_OK;
}

bool
logsmtp_holds_for_tls(const char *reason)
{
	bool vague;
	const enum fault f = fault_of_reason(span_of(reason), &vague);

	/* What is our own there is our TLS. */
	return fault_is_tls(f) || f == FAULT_TLSA_FAILED ||
	       f == FAULT_LOCAL_ERROR;
}

/* What was unusable, see LOGTEXT_UNUSABLE. */
static enum fault
fault_of_unusable(struct span what)
{
	/* The others are our own: pins, or the file of a CA. */
	return begins(what, "TLSA records") ? FAULT_NO_TLSA : FAULT_LOCAL_ERROR;
}

/* OpenSSL's words in "warning: TLS library problem: ...". */
static enum fault
fault_of_library(struct span text)
{
	static const struct phrase phrases[] = {
	    {"unsupported protocol", FAULT_PROTOCOL_TOO_OLD},
	    {"alert protocol version", FAULT_PROTOCOL_TOO_OLD},
	    {"unsupported version", FAULT_PROTOCOL_TOO_OLD},
	};

	return find(text, phrases, COUNT(phrases), FAULT_HANDSHAKE_FAILED);
}

/* --- processes --------------------------------------------------------- */

/* The process that wrote the line, or NULL if it is not known. */
static struct process *
find_process(struct smtp *o, const struct logprefix *p)
{
	char name[LOGSESSION_PROCESS];

	return recent_find(&o->processes, name, logsession_process(p, name));
}

/* The same; another one may make room for it. */
static struct process *
process_of(struct smtp *o, const struct logprefix *p)
{
	struct process *proc = find_process(o, p);

	if (proc != NULL)
		return proc;
	proc = recent_place(&o->processes);
	if (proc->name[0] != '\0')
		recent_remove(&o->processes, proc);
	free(proc->missed);
	*proc = (struct process){.chain = LOGTEXT_UNSAID};
	(void)logsession_process(p, proc->name);
	recent_add(&o->processes, proc);
	return proc;
}

/* --- causes ----------------------------------------------------------- */

static struct cause *
recall(struct smtp *o, struct span name)
{
	char text[sizeof(((struct cause *)0)->name)];

	KEEP(text, name);
	return recent_find(&o->causes, text, strlen(text));
}

static void
remember(struct smtp *o, struct span name, enum fault fault, time_t when)
{
	struct cause *cause = recall(o, name);

	if (cause == NULL) {
		cause = recent_place(&o->causes);
		if (cause->name[0] != '\0')
			recent_remove(&o->causes, cause);
		KEEP(cause->name, name);
		if (cause->name[0] == '\0')
			return;
		recent_add(&o->causes, cause);
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
know_better(struct smtp *o, const struct process *proc,
    const struct logtext_peer *peer, const struct attempt *a, enum fault *fault)
{
	struct cause *cause;

	if (proc != NULL && proc->has_fault &&
	    logpeer_same(&proc->fault_peer, peer)) {
		*fault = proc->fault;
		return true;
	}
	/* Up to 3.5 nothing more is said if only the name is wrong. */
	if (a->chain_trusted == FACT_YES && *fault == FAULT_UNTRUSTED_ISSUER) {
		*fault = FAULT_NAME_MISMATCH;
		return true;
	}
	/* With connection reuse it is tlsproxy(8) that looks at it. */
	cause = recall(o, peer_name(peer, &o->scratch));
	if (cause != NULL && a->time - cause->time <= LOGSESSION_STALE) {
		*fault = cause->fault;
		return true;
	}
	return false;
}

/* --- what was deferred -------------------------------------------------- */

static struct deferred *
find_deferred(struct smtp *o, const struct logprefix *p, struct span id)
{
	char name[LOGSESSION_MESSAGE];

	return recent_find(
	    &o->deferred, name, logsession_message(id, p->host, name));
}

static void
drop_deferred(struct smtp *o, struct deferred *d)
{
	free(d->domains);
	d->domains = NULL;
	recent_remove(&o->deferred, d);
}

/* Where the domain stands among those of the message, or NULL. */
static char *
domain_in(const struct deferred *d, struct span domain)
{
	char *at;
	size_t n;

	for (at = d->domains; at != NULL && *at != '\0'; at += n + 1) {
		n = strcspn(at, "\n");
		if (span_same((struct span){at, n}, domain))
			return at;
	}
	return NULL;
}

/* It may yet be sent, and may yet expire. */
static void
defer(struct smtp *o, const struct logprefix *p, const struct attempt *a)
{
	struct deferred *d = find_deferred(o, p, a->queue_id);
	char *before;

	if (a->domain.n == 0 || span_chr(a->domain, '\0') < a->domain.n ||
	    span_chr(a->domain, '\n') < a->domain.n)
		return;
	if (d == NULL) {
		d = recent_place(&o->deferred);
		if (d->name[0] != '\0')
			drop_deferred(o, d);
		(void)logsession_message(a->queue_id, p->host, d->name);
		recent_add(&o->deferred, d);
	}
	if (domain_in(d, a->domain) != NULL)
		return;
	before = d->domains;
	if (before != NULL && strlen(before) > DOMAINS_MAX)
		return;
	d->domains = mem_printf(
	    "%s%.*s\n", before == NULL ? "" : before, SPAN_ARG(a->domain));
	free(before);
}

/* That domain of it waits no more. */
static void
settle(struct smtp *o, const struct logprefix *p, const struct attempt *a)
{
	struct deferred *d = find_deferred(o, p, a->queue_id);
	char *at = d == NULL ? NULL : domain_in(d, a->domain);

	if (at == NULL)
		return;
	memmove(at, at + a->domain.n + 1, strlen(at + a->domain.n + 1) + 1);
	if (*d->domains == '\0')
		drop_deferred(o, d);
}

/* None of it waits any more: tell of each domain that did. */
static void
end_deferred(struct smtp *o, const struct logprefix *p, struct span id,
    const char *result)
{
	struct deferred *d = find_deferred(o, p, id);
	struct attempt a = {.time = p->time,
	    .direction = EVIDENCE_OUT,
	    .queue_id = id,
	    .logger = p->host,
	    .result = span_of(result)};
	struct span left = {"\n", 1};

	logsession_facts(NULL, &a);
	a.encrypted = FACT_UNKNOWN;
	/* Where that was read so long ago, others may know the domains. */
	if (d != NULL)
		left = span_of(d->domains);
	while (left.n > 0) {
		a.domain = span_cut(&left, '\n');
		o->to->fn(&a, o->to->arg);
	}
	if (d != NULL)
		drop_deferred(o, d);
}

/*
 * "QUEUEID: from=<SENDER>, status=expired, returned to sender" of qmgr(8);
 * "QUEUEID: removed" of postsuper(1).
 */
static const char *
end_line(struct smtp *o, const struct logprefix *p)
{
	static const char *const expired[] = {
	    ">, status=expired, returned to sender",
	    ">, status=force-expired, returned to sender"};
	bool deleted = span_is(p->program, "postsuper");
	struct span id, rest;
	size_t i, n;

	/* Their ends tell first: most lines of qmgr(8) have another. */
	if (!(deleted ? span_ends(p->text, "removed")
		      : span_ends(p->text, "returned to sender")) ||
	    !logtext_queue_id(p->text, &id, &rest))
		return NULL;
	if (deleted) {
		if (!span_is(rest, "removed"))
			return NULL;
		if (find_deferred(o, p, id) != NULL)
			end_deferred(o, p, id, "deleted");
		return "deleted";
	}
	for (i = 0; i < COUNT(expired); i++) {
		n = strlen(expired[i]);
		if (!span_begins(rest, "from=<") || rest.n < n ||
		    memcmp(rest.p + rest.n - n, expired[i], n) != 0)
			continue;
		end_deferred(o, p, id, "expired");
		return "expired";
	}
	return NULL;
}

/* --- smtp ------------------------------------------------------------- */

static void
forget(struct process *proc)
{
	proc->session.known = false;
}

static const char *
smtp_session(
    struct smtp *o, const struct logprefix *p, const struct logtext_session *s)
{
	struct process *proc = process_of(o, p);

	o->to->stats->sessions_out++;
	proc->is_cause = false;
	if (proc->has_fault && !logpeer_same(&proc->fault_peer, &s->peer))
		proc->has_fault = false;
	logsession_keep(&proc->session, s, &proc->chain, p->time);
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
handshake_line(struct smtp *o, const struct logprefix *p, struct process **proc)
{
	struct logtext_peer peer;
	struct span why;
	enum logtext_complaint of = logtext_complaint(p->text, &peer, &why);

	if (of == LOGTEXT_VERIFY_FAILED) {
		*proc = process_of(o, p);
		if (!(*proc)->is_cause ||
		    !logpeer_same(&(*proc)->fault_peer, &peer))
			keep_fault(*proc, fault_of_verify(why), &peer);
		return "verification-failed";
	}
	if (of == LOGTEXT_UNUSABLE) {
		*proc = process_of(o, p);
		keep_fault(*proc, fault_of_unusable(why), &peer);
		(*proc)->is_cause = true;
		return "unusable";
	}
	if (of == LOGTEXT_SSL_ERROR && span_begins(p->text, "SSL_connect ")) {
		*proc = process_of(o, p);
		forget(*proc);
		keep_fault(*proc, FAULT_HANDSHAKE_FAILED, &peer);
		return "handshake-failed";
	}
	if (!span_begins(p->text, "warning: TLS library problem: "))
		return NULL;
	*proc = find_process(o, p);
	if (*proc == NULL || !(*proc)->has_fault ||
	    (*proc)->fault != FAULT_HANDSHAKE_FAILED)
		return NULL;
	(*proc)->fault = fault_of_library(p->text);
	return "library-problem";
}

/* Lines without a queue id; NULL if it is none that matters. */
static const char *
smtp_remark(struct smtp *o, const struct logprefix *p)
{
	struct logtext_session s;
	struct process *proc;
	const char *what;

	if (logtext_session(p->text, &s) && !s.inbound)
		return smtp_session(o, p, &s);
	if ((what = handshake_line(o, p, &proc)) != NULL)
		return what;
	if (span_begins(p->text, "connect to ")) {
		if ((proc = find_process(o, p)) != NULL)
			forget(proc);
		return "connect-failed";
	}
	/* Postfix 2.3 and 2.4, before "TLS connection established". */
	if (span_begins(p->text, "Verified: subject_CN=")) {
		process_of(o, p)->chain = LOGTEXT_TRUSTED;
		return "certificate";
	}
	if (span_begins(p->text, "Unverified: subject_CN=")) {
		process_of(o, p)->chain = LOGTEXT_UNTRUSTED;
		return "certificate";
	}
	return NULL;
}

/* tlsproxy(8) does the handshakes where connections are used again. */
static const char *
tlsproxy_line(struct smtp *o, const struct logprefix *p)
{
	struct process *proc;
	const char *what = handshake_line(o, p, &proc);
	struct logtext_session s;
	struct logtext_peer peer;

	if (what == NULL) {
		/* smtp(8) says it, too; here it ends the handshake. */
		if (logtext_session(p->text, &s) &&
		    (proc = find_process(o, p)) != NULL)
			proc->is_cause = false;
		return NULL;
	}
	peer = logpeer_kept(&proc->fault_peer);
	remember(o, peer_name(&peer, &o->scratch), proc->fault, p->time);
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
smtp_missed(
    struct smtp *o, const struct logprefix *p, struct span id, struct span why)
{
	bool vague, told;
	enum fault fault = fault_of_reason(why, &vague);
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
	proc = process_of(o, p);
	if (vague && proc->has_fault)
		peer = logpeer_kept(&proc->fault_peer);
	else if (proc->session.known)
		peer = logpeer_kept(&proc->session.peer);
	if (vague) {
		seen.time = p->time;
		logsession_facts(&proc->session, &seen);
		(void)know_better(o, proc, &peer, &seen, &fault);
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
tell_missed(struct smtp *o, struct process *proc, const struct attempt *a)
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
		o->to->fn(&one, o->to->arg);
	}
	proc->nmissed = 0;
}

/* Why it was not sent, from this line and what was said before. */
static void
find_fault(struct smtp *o, const struct process *proc,
    const struct logtext_delivery *d, struct attempt *a)
{
	struct cause *cause;
	bool vague;

	a->fault = fault_of_reason(d->reason, &vague);
	if (!vague)
		return;
	if (know_better(o, proc, &d->peer, a, &a->fault)) {
		remember(o, a->domain, a->fault, a->time);
	} else if (d->peer.host.n == 0) {
		/* Suspended: an earlier attempt to this domain knew why. */
		cause = recall(o, a->domain);
		if (cause != NULL)
			a->fault = cause->fault;
	}
}

/*
 * True if what is known of the session is about this delivery. It is forgotten
 * if not, so that nothing later is taken for encrypted.
 */
static bool
is_of(struct logsession *s, const struct logtext_delivery *d, time_t when)
{
	time_t lasts = d->timed ? (time_t)d->busy + SLACK : LOGSESSION_STALE;

	if (!s->known)
		return false;
	if (!logpeer_same(&s->peer, &d->peer) || when - s->time > lasts ||
	    (s->used && !span_same(span_of(s->queue_id), d->queue_id))) {
		s->known = false;
		return false;
	}
	s->used = true;
	KEEP(s->queue_id, d->queue_id);
	s->time = when;
	return true;
}

/* tls= of 3.11 knows better. */
static void
take_policy(const struct logtext_delivery *d, struct attempt *a)
{
	static const char *const proof[] = {[LOGTEXT_KEYED] = "key",
	    [LOGTEXT_DANE] = "dane",
	    [LOGTEXT_NAMED] = "ca"};
	bool encrypted = a->encrypted == FACT_YES;

	a->policy = d->tls;
	switch (d->by) {
	case LOGTEXT_NO_POLICY:
		return;
	case LOGTEXT_CLEAR:
		logsession_facts(NULL, a);
		a->protocol = a->cipher = (struct span){NULL, 0};
		a->exchange = a->signature = (struct span){NULL, 0};
		a->verified = a->reused = false;
		return;
	case LOGTEXT_ENCRYPTED:
		/* Without a line about TLS that is all that is known. */
		if (!encrypted)
			a->level = EVIDENCE_ENCRYPTED;
		break;
	case LOGTEXT_KEYED:
	case LOGTEXT_DANE:
	case LOGTEXT_NAMED:
		a->verified = true;
		a->level = EVIDENCE_VERIFIED;
		a->proof = proof[d->by];
		break;
	}
	a->encrypted = FACT_YES;
	if (!encrypted)
		a->chain_trusted = a->name_matched = FACT_UNKNOWN;
	if (d->by == LOGTEXT_NAMED)
		a->chain_trusted = a->name_matched = FACT_YES;
}

static const char *
delivery(struct smtp *o, const struct logprefix *p, bool smtp,
    const struct logtext_delivery *d)
{
	struct process *proc = smtp ? find_process(o, p) : NULL;
	struct attempt a = {.direction = EVIDENCE_OUT,
	    .logger = p->host,
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
	if (logsession_is_loopback(d->peer.address)) {
		if (proc != NULL)
			forget(proc);
		return "loopback";
	}
	a.time = p->time;
	a.lasted = (time_t)d->busy;
	if (proc != NULL)
		mine = is_of(&proc->session, d, a.time);
	/* verify(8) asked whether it would: nothing was sent. */
	if (span_is(d->status, "deliverable") ||
	    span_is(d->status, "undeliverable"))
		return "address-probe";
	o->to->stats->deliveries++;
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
		find_fault(o, proc, d, &a);
	if (d->tls.n > 0) {
		o->to->stats->policies++;
		take_policy(d, &a);
	}
	if (proc != NULL && proc->nmissed > 0)
		tell_missed(o, proc, &a);
	if (span_is(a.result, "deferred"))
		defer(o, p, &a);
	else
		settle(o, p, &a);
	o->to->fn(&a, o->to->arg);
	return "delivery";
}

static const char *
smtp_line(struct smtp *o, const struct logprefix *p, bool smtp)
{
	struct logtext_delivery d;
	struct span id, rest;

	if (!logtext_queue_id(p->text, &id, &rest))
		return smtp ? smtp_remark(o, p) : NULL;
	if (!span_begins(rest, "to=<"))
		return smtp ? smtp_missed(o, p, id, rest) : NULL;
	if (!logtext_delivery(p->text, &d))
		return NULL;
	return delivery(o, p, smtp, &d);
}

/* --- all --------------------------------------------------------------- */

static void *
start(struct logtold *to)
{
	struct smtp *o = mem_zero(1, sizeof(*o));

	o->to = to;
	recent_init(
	    &o->processes, LOGJOIN_PROCESSES_MAX, sizeof(struct process));
	recent_init(&o->causes, CAUSES_MAX, sizeof(struct cause));
	recent_init(&o->deferred, DEFERRED_MAX, sizeof(struct deferred));
	return o;
}

static const char *
take_line(void *arg, const struct logprefix *p)
{
	struct smtp *o = arg;

	if (span_is(p->program, "smtp"))
		return smtp_line(o, p, true);
	if (span_is(p->program, "tlsproxy"))
		return tlsproxy_line(o, p);
	if (span_is(p->program, "error") || span_is(p->program, "retry"))
		return smtp_line(o, p, false);
	if (span_is(p->program, "qmgr") || span_is(p->program, "postsuper"))
		return end_line(o, p);
	return NULL;
}

static void
end(void *arg, bool ends)
{
	struct smtp *o = arg;
	struct process *proc;
	struct deferred *d;
	uint32_t i;

	(void)ends;
	for (i = 0; i < LOGJOIN_PROCESSES_MAX; i++) {
		proc = recent_at(&o->processes, i);
		free(proc->missed);
	}
	for (i = 0; i < DEFERRED_MAX; i++) {
		d = recent_at(&o->deferred, i);
		free(d->domains);
	}
	recent_free(&o->processes);
	recent_free(&o->causes);
	recent_free(&o->deferred);
	buf_free(&o->scratch);
	free(o);
}

const struct logtaker logsmtp = {start, take_line, end};
