#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mailaddr.h"
#include "mem.h"
#include "netstring.h"
#include "policyproto.h"
#include "quote.h"
#include "strength.h"

#define INSTANCE_MAX 64 /* bytes of Postfix's instance; longer: not kept */

/* What a policy client was told last: one answer for one transaction. */
struct client {
	char instance[INSTANCE_MAX];
	size_t instance_len;
	enum verdict verdict;
	char *action; /* NULL for DUNNO */
};

static time_t
now_for(const struct service *s)
{
	/* Only downgrades have an end. */
	return s->lookup.lowered ? clock_now(&s->clock) : 0;
}

/* --- socketmap ---------------------------------------------------------- */

static void
answer_key(struct service *s, const char *key, size_t klen, struct buf *out)
{
	const char *text;
	size_t tlen;
	char *hold;

	switch (lookup_policy(
	    &s->lookup, key, klen, now_for(s), &text, &tlen, &hold)) {
	case LOOKUP_FOUND:
		if (tlen > 0 && tlen + 3 <= SERVICE_ANSWER_MAX) {
			s->answers[SERVICE_OK]++;
			netstring_put(out, "OK ", 3, text, tlen);
			break;
		}
		/* FALLTHROUGH */
	case LOOKUP_BROKEN:
		s->answers[SERVICE_TEMP]++;
		netstring_put(out, "TEMP ", 5, "unusable record", 15);
		break;
	case LOOKUP_NOTFOUND:
		s->answers[SERVICE_NOTFOUND]++;
		netstring_put(out, "NOTFOUND ", 9, NULL, 0);
		break;
	}
	free(hold);
}

static enum conn_take
take_socketmap(void *arg, void *state, struct conn_input *in, struct buf *out)
{
	struct service *s = arg;
	const char *payload, *blank;
	size_t len;

	(void)state;
	switch (netstring_take(in->data, in->len, SERVICE_SOCKETMAP_MAX,
	    &payload, &len, &in->used)) {
	case NETSTRING_MORE:
		return CONN_MORE;
	case NETSTRING_BAD:
		in->why = "not a netstring, or too long";
		return CONN_BREACH;
	case NETSTRING_DONE:
		break;
	}
	blank = memchr(payload, ' ', len);
	if (blank == NULL) {
		s->answers[SERVICE_PERM]++;
		netstring_put(out, "PERM ", 5, "no `name key' request", 21);
		return CONN_TOOK;
	}
	/* There is one map, whatever main.cf calls it. */
	blank++;
	answer_key(s, blank, len - (size_t)(blank - payload), out);
	return CONN_TOOK;
}

/* --- policy ------------------------------------------------------------- */

/* Is the sender known, and a mail in question? */
static bool
is_judged(const struct span *state)
{
	return span_is(*state, "RCPT") || span_is(*state, "MAIL") ||
	       span_is(*state, "DATA") || span_is(*state, "END-OF-MESSAGE");
}

static bool
is_loopback(const struct span *address)
{
	return span_is(*address, "::1") || span_begins(*address, "127.");
}

/*
 * Is it a filter of ours that hands mail back? It was judged where it came
 * in; what is known of TLS stayed there. A filter that speaks for its client
 * by XCLIENT still came to a loopback address.
 */
static bool
is_reinjected(const struct policyproto *req)
{
	return is_loopback(&req->v[POLICYPROTO_CLIENT_ADDRESS]) ||
	       is_loopback(&req->v[POLICYPROTO_SERVER_ADDRESS]);
}

/* The rule of a domain that is written so; with append_dot_mydomain, Postfix
 * makes "acme" one of ours. */
static enum lookup_answer
find_domain(
    struct service *s, const char *domain, size_t len, struct lookup_rule *rule)
{
	char full[2 * DNAME_MAX + 2];
	enum lookup_answer rc;
	int n;

	rc = lookup_domain(&s->lookup, domain, len, now_for(s), rule);
	if (rc != LOOKUP_NOTFOUND || *s->ours.mydomain == '\0' ||
	    len > DNAME_MAX || memchr(domain, '.', len) != NULL ||
	    *domain == '[')
		return rc;
	n = snprintf(
	    full, sizeof(full), "%.*s.%s", (int)len, domain, s->ours.mydomain);
	return n < 0 || (size_t)n >= sizeof(full)
		   ? rc
		   : lookup_domain(
			 &s->lookup, full, (size_t)n, now_for(s), rule);
}

/* Of several that it can become the first one with a rule. */
static enum lookup_answer
find_address(
    struct service *s, const struct span *address, struct lookup_rule *rule)
{
	struct span v[MAILADDR_MAX];
	enum lookup_answer rc = LOOKUP_NOTFOUND;
	size_t n = mailaddr_domains(*address, v), i;

	for (i = 0; i < n; i++) {
		rc = find_domain(s, v[i].p, v[i].n, rule);
		if (rc == LOOKUP_BROKEN ||
		    (rc == LOOKUP_FOUND && rule->record.inbound != INBOUND_OFF))
			return rc;
		if (rc == LOOKUP_FOUND)
			lookup_release(rule);
	}
	return LOOKUP_NOTFOUND;
}

static enum lookup_answer
find_rule(struct service *s, const struct policyproto *req,
    struct lookup_rule *rule, bool *by_client)
{
	const struct span *sender = &req->v[POLICYPROTO_SENDER];
	const struct span *client = &req->v[POLICYPROTO_CLIENT_NAME];

	*by_client = sender->n == 0;
	if (!*by_client)
		return find_address(s, sender, rule);
	if (client->n == 0 || span_is(*client, "unknown"))
		return LOOKUP_NOTFOUND;
	return lookup_client(
	    &s->lookup, client->p, client->n, now_for(s), rule);
}

/* A line of the log with the name of the partner between its parts; row: as
 * the map has it. */
static void
log_named(struct service *s, enum logline_level level, const char *row,
    const struct lookup_rule *rule, const struct buf *before, const char *after)
{
	if (*rule->record.partner == '\0')
		naming_log(&s->naming, level, row, before->data, after);
	else
		logline(
		    level, "%s%s%s", before->data, rule->record.partner, after);
}

static void
log_decision(struct service *s, const struct policyproto *req,
    const struct lookup_rule *rule, const struct decision *d)
{
	const struct span *v = req->v;
	struct buf before = {0}, after = {0};
	char row[sizeof(rule->key) + 1];
	enum logline_level level =
	    d->verdict == VERDICT_WARN ? LOGLINE_WARNING : LOGLINE_INFO;

	if (d->breach == BREACH_OUR_DIGEST || d->breach == BREACH_OUR_TLS)
		level = LOGLINE_ERROR;
	if (!logline_may(&s->limit[d->verdict], "mail that was judged"))
		return;
	(void)snprintf(
	    row, sizeof(row), "%s%s", rule->suffix ? "." : "", rule->key);
	buf_printf(&before,
	    "inbound %s: %s%s: domain=%s partner=", verdict_name(d->verdict),
	    d->why, d->lowered ? ", let in while a downgrade holds" : "", row);
	buf_printf(&after, " client=%s[%.*s] sender=%s tls=%s",
	    quote(v[POLICYPROTO_CLIENT_NAME].p, v[POLICYPROTO_CLIENT_NAME].n).s,
	    (int)(v[POLICYPROTO_CLIENT_ADDRESS].n > 45
		      ? 45
		      : v[POLICYPROTO_CLIENT_ADDRESS].n),
	    v[POLICYPROTO_CLIENT_ADDRESS].p,
	    quote(v[POLICYPROTO_SENDER].p, v[POLICYPROTO_SENDER].n).s,
	    quote(v[POLICYPROTO_PROTOCOL].p, v[POLICYPROTO_PROTOCOL].n).s);
	log_named(s, level, row, rule, &before, after.data);
	buf_free(&before);
	buf_free(&after);
}

static void
judge(struct service *s, const struct policyproto *req, struct decision *d)
{
	struct decide_about about = {.contact = s->contact,
	    .no_tls = s->ours.no_tls && !s->tls_seen,
	    .unasked = s->ours.unasked};
	enum lookup_answer found;
	struct lookup_rule rule;

	found = find_rule(s, req, &rule, &about.by_client);
	if (found != LOOKUP_FOUND) {
		*d = found == LOOKUP_BROKEN ? decide_broken : decide_dunno;
		return;
	}
	decide_inbound(&rule, req, &about, d);
	if (d->verdict != VERDICT_DUNNO)
		log_decision(s, req, &rule, d);
	s->let_in += d->lowered;
	lookup_release(&rule);
}

/* All recipients of one transaction get one answer, whatever happens. */
static void
judge_once(struct service *s, struct client *c, const struct policyproto *req,
    struct decision *d)
{
	const struct span *v = &req->v[POLICYPROTO_INSTANCE];

	if (v->n > 0 && v->n == c->instance_len &&
	    memcmp(v->p, c->instance, v->n) == 0) {
		*d = decide_dunno;
		d->verdict = c->verdict;
		if (c->action != NULL)
			(void)strcpy(d->action, c->action);
		return;
	}
	judge(s, req, d);
	free(c->action);
	c->action = NULL;
	c->instance_len = 0;
	if (v->n > INSTANCE_MAX)
		return;
	memcpy(c->instance, v->p, v->n);
	c->instance_len = v->n;
	c->verdict = d->verdict;
	if (d->verdict != VERDICT_DUNNO)
		c->action = mem_dup(d->action);
}

static void
log_failing(struct service *s, const struct span *to, const char *row,
    const struct lookup_rule *rule, const char *fault, enum verdict verdict)
{
	struct buf before = {0};

	if (!logline_may(&s->limit[verdict], "mail to failing partners"))
		return;
	buf_printf(&before,
	    "outbound %s: recipient %s: %s fails (%s): domain=%s partner=",
	    verdict_name(verdict), quote(to->p, to->n).s, rule->key, fault,
	    row);
	log_named(s, LOGLINE_INFO, row, rule, &before, "");
	buf_free(&before);
}

/* Mail to a partner that cannot be reached as agreed. */
static void
judge_recipient(
    struct service *s, const struct policyproto *req, struct decision *d)
{
	const struct span *to = &req->v[POLICYPROTO_RECIPIENT];
	const struct failing_hop *hop;
	struct decide_failing f;
	struct lookup_rule rule;
	enum level level;
	struct span domain[MAILADDR_MAX];
	char key[sizeof(rule.key) + 1];

	*d = decide_dunno;
	if (s->failing == NULL || s->failing->n == 0 ||
	    mailaddr_domains(*to, domain) == 0 ||
	    find_domain(s, domain[0].p, domain[0].n, &rule) != LOOKUP_FOUND)
		return;
	key[0] = '.';
	(void)strcpy(key + 1, rule.key);
	hop = rule.suffix ? failing_find(s->failing, key, strlen(key)) : NULL;
	if (hop == NULL)
		hop = failing_find(s->failing, rule.key, strlen(rule.key));
	if (hop != NULL && (!rule.lowered || rule.record.direction) &&
	    strength_level(rule.policy, rule.policy_len, &level) &&
	    level > LEVEL_OPPORTUNISTIC) {
		f = (struct decide_failing){.domain = rule.key,
		    .fault = hop->fault,
		    .since = hop->since};
		decide_outbound(&f, s->outbound_failing, s->contact, d);
		log_failing(
		    s, to, key + !rule.suffix, &rule, hop->fault, d->verdict);
	}
	lookup_release(&rule);
}

static enum conn_take
take_policy(void *arg, void *state, struct conn_input *in, struct buf *out)
{
	struct service *s = arg;
	struct decision d, d2;
	struct policyproto req;
	const struct span *context;

	switch (
	    policyproto_take(in->data, in->len, &req, &in->used, &in->why)) {
	case POLICYPROTO_MORE:
		return CONN_MORE;
	case POLICYPROTO_BAD:
		return CONN_BREACH;
	case POLICYPROTO_DONE:
		break;
	}
	if (!span_is(req.v[POLICYPROTO_REQUEST], "smtpd_access_policy")) {
		in->why = "no request=smtpd_access_policy";
		return CONN_BREACH;
	}
	context = &req.v[POLICYPROTO_CONTEXT];
	s->tls_seen = s->tls_seen || req.v[POLICYPROTO_PROTOCOL].n > 0;
	d = decide_dunno;
	if (is_judged(&req.v[POLICYPROTO_STATE]) &&
	    !span_is(*context, "outbound") && !is_reinjected(&req))
		judge_once(s, state, &req, &d);
	if (s->outbound_failing > d.verdict && !span_is(*context, "inbound") &&
	    span_is(req.v[POLICYPROTO_STATE], "RCPT")) {
		judge_recipient(s, &req, &d2);
		if (d2.verdict > d.verdict)
			d = d2;
	}
	s->verdicts[d.verdict]++;
	buf_puts(out, "action=");
	buf_puts(out, d.action);
	buf_puts(out, "\n\n");
	return CONN_TOOK;
}

static void
forget_client(void *arg, void *state)
{
	(void)arg;
	free(((struct client *)state)->action);
}

void
service_protocol(
    struct service *s, enum service_kind kind, struct conn_protocol *p)
{
	static const struct conn_protocol protocols[] = {
	    [SERVICE_SOCKETMAP] = {.name = "socketmap",
		.request_max = SERVICE_SOCKETMAP_MAX + 8,
		.take = take_socketmap},
	    [SERVICE_POLICY] = {.name = "policy",
		.request_max = POLICYPROTO_MAX,
		.state_size = sizeof(struct client),
		.take = take_policy,
		.closed = forget_client}};

	*p = protocols[kind];
	p->arg = s;
}
