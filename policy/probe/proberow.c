#include "proberow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "quote.h"

#define SHOWN_NAME 40 /* bytes of a foreign name in a table */

struct proberow *
proberow_new(const struct probetarget *target, const char *host,
    const char *address, unsigned port)
{
	struct proberow *r = mem_zero(1, sizeof(*r));

	r->target = target;
	r->host = mem_dup(host);
	r->address = mem_dup(address);
	r->port = port;
	/* Until it is known to be well. */
	r->fault = FAULT_LOCAL_ERROR;
	r->detail = mem_dup("The look was broken off before its end.");
	r->subject = mem_dup("");
	r->issuer = mem_dup("");
	r->certificate = mem_dup("-");
	return r;
}

static void
set(char **to, char *value)
{
	free(*to);
	*to = value;
}

void
proberow_say(struct proberow *r, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		abort();
	va_end(ap);
	set(&r->detail, text);
}

static void
plural(struct buf *b, long n, const char *what)
{
	buf_printf(b, "%ld %s%s", n, what, n == 1 ? "" : "s");
}

static void
put_days(struct buf *b, const struct certverdict *v)
{
	if (!v->days_known)
		return;
	if (v->days_left < 0) {
		buf_puts(b, "expired ");
		plural(b, -v->days_left, "day");
		buf_puts(b, " ago");
	} else {
		plural(b, v->days_left, "day");
		buf_puts(b, " left");
	}
}

/* A name that a stranger chose, for a narrow column. */
static void
put_foreign(struct buf *b, const char *name)
{
	size_t i, n;

	for (i = 0; name[i] != '\0'; i += n) {
		n = utf8_len(name + i, strlen(name + i));
		n = n == 0 ? 1 : n;
		if (i + n > SHOWN_NAME) {
			buf_puts(b, "...");
			return;
		}
		buf_add(b, name + i, n);
	}
	if (i == 0)
		buf_puts(b, "(none)");
}

/* The most telling fact, and how long the certificate lives. */
static char *
certificate_words(const struct certverdict *v)
{
	const struct certrule_result *rule = v->rule;
	struct buf b = {0};

	if (rule[CERTRULE_NAME].state == CERTRULE_FAIL ||
	    rule[CERTRULE_COMMON_NAME].state == CERTRULE_FAIL) {
		buf_puts(&b, "CN ");
		put_foreign(&b, v->leaf.subject_cn);
	} else if (rule[CERTRULE_VALIDITY].fault == FAULT_EXPIRED &&
		   v->days_known && v->days_left < 0)
		;
	else if (v->fault == FAULT_SELF_SIGNED)
		buf_puts(&b, "self-signed");
	else if (rule[CERTRULE_CA].state == CERTRULE_FAIL ||
		 rule[CERTRULE_ISSUER].state == CERTRULE_FAIL) {
		buf_puts(&b, "by ");
		put_foreign(&b, v->leaf.issuer_cn);
	} else if (v->fault != FAULT_OK)
		buf_puts(&b, fault_text(v->fault));
	else if (rule[CERTRULE_COMMON_NAME].state == CERTRULE_PASS)
		buf_puts(&b, "CN ok");
	else if (rule[CERTRULE_NAME].state == CERTRULE_PASS)
		buf_puts(&b, "name ok");
	else if (rule[CERTRULE_PIN].state == CERTRULE_PASS)
		buf_puts(&b, "key ok");
	else if (rule[CERTRULE_TLSA].state == CERTRULE_PASS)
		buf_puts(&b, "TLSA ok");
	else
		buf_puts(&b, "any");
	if (b.len > 0 && v->days_known)
		buf_puts(&b, ", ");
	put_days(&b, v);
	if (b.len == 0)
		buf_puts(&b, "unreadable dates");
	return buf_take(&b);
}

static void
take_rules(struct proberow *r, const struct certverdict *v)
{
	const struct certrule_result *res;
	struct proberow_rule *to;
	size_t cap = 0;
	int i;

	for (i = 0; i < CERTRULE_COUNT; i++) {
		res = &v->rule[i];
		if (res->state != CERTRULE_FAIL && !res->warning)
			continue;
		r->rule = mem_grow(r->rule, r->nrules, &cap, sizeof(*r->rule));
		to = &r->rule[r->nrules++];
		to->id = (enum certrule_id)i;
		to->state = res->state;
		to->fault = res->fault;
		to->observed = mem_dup(res->observed);
		to->sentence = mem_dup(res->sentence);
	}
}

static void
take_certificate(struct proberow *r, const struct certverdict *v)
{
	r->has_cert = true;
	r->cert_fault = v->fault;
	r->warning = v->warning;
	r->days_known = v->days_known;
	r->days_left = v->days_left;
	r->not_after = v->days_known ? v->leaf.not_after : 0;
	r->same_key = v->key;
	memcpy(r->key, v->leaf.spki_sha256, sizeof(r->key));
	set(&r->subject, mem_dup(v->leaf.subject_cn));
	set(&r->issuer, mem_dup(v->leaf.issuer_cn));
	set(&r->certificate, certificate_words(v));
	take_rules(r, v);
}

/* What the server said when it went wrong. */
static void
say_session(struct proberow *r, const struct starttls_result *s, struct buf *b)
{
	buf_puts(b, fault_description(r->fault));
	if (s->code != 0 && s->outcome != STARTTLS_NOT_OFFERED)
		buf_printf(b, " It said: %d %s", s->code, s->text);
	else if (s->code == 0 && s->text[0] != '\0')
		buf_printf(b, " OpenSSL says: %s.", s->text);
	else if (s->errnum != 0 && s->outcome != STARTTLS_CONNECT_REFUSED)
		buf_printf(b, " (%s)", strerror(s->errnum));
	if (s->phase > STARTTLS_CONNECT && s->code == 0)
		buf_printf(
		    b, " (at the %s step)", starttls_phase_name(s->phase));
}

static void
say_all(struct proberow *r, const struct starttls_result *s)
{
	struct buf b = {0};
	size_t i;

	if (s->outcome != STARTTLS_OK)
		say_session(r, s, &b);
	else if (r->fault == FAULT_NO_CERTIFICATE || r->fault == FAULT_INJECTED)
		buf_puts(&b, fault_description(r->fault));
	for (i = 0; i < r->nrules; i++)
		if (r->rule[i].state == CERTRULE_FAIL)
			buf_printf(&b, "%s%s", b.len > 0 ? " " : "",
			    r->rule[i].sentence);
	if (s->injected)
		buf_printf(&b,
		    "%s%zu bytes of plain text stood behind the reply to "
		    "STARTTLS and were thrown away.",
		    b.len > 0 ? " " : "", s->injected_bytes);
	if (b.len == 0)
		buf_puts(&b, "");
	set(&r->detail, buf_take(&b));
}

void
proberow_take(struct proberow *r, const struct starttls_result *s,
    const struct judgement *j)
{
	r->fault = j->fault;
	r->passed = j->passed;
	r->by = j->by;
	r->tls = s->tls;
	r->ms = s->total_ms;
	r->injected = s->injected;
	if (s->tls) {
		(void)snprintf(
		    r->protocol, sizeof(r->protocol), "%s", s->proto_name);
		memcpy(r->cipher, s->cipher, sizeof(r->cipher));
		memcpy(r->kex, s->kex, sizeof(r->kex));
		memcpy(r->sig, s->sig, sizeof(r->sig));
		if (s->chain == NULL)
			set(&r->certificate, mem_dup("none"));
	}
	if (j->has_cert)
		take_certificate(r, &j->v);
	say_all(r, s);
}

void
proberow_free(struct proberow *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->nrules; i++) {
		free(r->rule[i].observed);
		free(r->rule[i].sentence);
	}
	free(r->rule);
	free(r->host);
	free(r->address);
	free(r->detail);
	free(r->sni);
	free(r->subject);
	free(r->issuer);
	free(r->certificate);
	free(r);
}
