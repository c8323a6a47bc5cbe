#include "logsession.h"

#include "logprefix.h"

const char *const fact_names[] = {"unknown", "no", "yes"};

void
logpeer_keep(struct logpeer *to, const struct logtext_peer *p)
{
	KEEP(to->host, p->host);
	KEEP(to->address, p->address);
	to->port = p->port;
}

struct logtext_peer
logpeer_kept(const struct logpeer *p)
{
	return (struct logtext_peer){.host = span_of(p->host),
	    .address = span_of(p->address),
	    .port = p->port};
}

bool
logpeer_same(const struct logpeer *a, const struct logtext_peer *b)
{
	struct span host = b->host;

	if (host.n >= sizeof(a->host))
		host.n = sizeof(a->host) - 1;
	if (a->host[host.n] != '\0' ||
	    (host.n > 0 && strncasecmp(a->host, host.p, host.n) != 0))
		return false;
	/* Old versions leave out the address, or the port. */
	if (a->address[0] != '\0' && b->address.n > 0 &&
	    !span_same(span_of(a->address), b->address))
		return false;
	return a->port == 0 || b->port == 0 || a->port == b->port;
}

void
logsession_keep(struct logsession *s, const struct logtext_session *in,
    enum logtext_trust *chain, time_t when)
{
	s->known = true;
	s->used = false;
	s->reused = in->reused;
	s->trust = in->trust == LOGTEXT_UNSAID ? *chain : in->trust;
	*chain = LOGTEXT_UNSAID;
	KEEP(s->protocol, in->protocol);
	KEEP(s->cipher, in->cipher);
	KEEP(s->exchange, in->exchange);
	KEEP(s->signature, in->signature);
	s->queue_id[0] = '\0';
	s->time = when;
	logpeer_keep(&s->peer, &in->peer);
}

void
logsession_facts(const struct logsession *s, struct attempt *a)
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
	a->protocol = span_of(s->protocol);
	a->cipher = span_of(s->cipher);
	a->exchange = span_of(s->exchange);
	a->signature = span_of(s->signature);
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

/* True for an address of this host itself. */
bool
logsession_is_loopback(struct span a)
{
	return span_is(a, "127.0.0.1") || span_is(a, "::1") ||
	       span_begins(a, "/") || span_begins(a, "private/");
}

size_t
logsession_process(const struct logprefix *p, char name[LOGSESSION_PROCESS])
{
	uint32_t pid = p->pid;
	size_t n = 0;

	do
		name[n++] = (char)('0' + pid % 10);
	while ((pid /= 10) > 0);
	name[n++] = ' ';
	span_keep(name + n, LOGSESSION_PROCESS - LOGSESSION_HOST - n, p->tag);
	n += strlen(name + n);
	name[n++] = ' ';
	span_keep(name + n, LOGSESSION_PROCESS - n, p->host);
	return n + strlen(name + n);
}

size_t
logsession_message(
    struct span id, struct span host, char name[LOGSESSION_MESSAGE])
{
	size_t n;

	span_keep(name, LOGSESSION_MESSAGE - LOGSESSION_HOST, id);
	n = strlen(name);
	name[n++] = ' ';
	span_keep(name + n, LOGSESSION_MESSAGE - n, host);
	return n + strlen(name + n);
}
