#include "probewire.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "err.h"
#include "mem.h"
#include "netstring.h"
#include "dname.h"
#include "tlsversion.h"

#define TLSA_HEAD 3 /* bytes of usage, selector, matching type */
#define MS_MAX 86400000u

static const char letters[] = {[PROBEWIRE_ROW] = 'R',
    [PROBEWIRE_NONE] = 'N',
    [PROBEWIRE_SEEN] = 'S',
    [PROBEWIRE_JUDGE] = 'J',
    [PROBEWIRE_TEXTS] = 'T',
    [PROBEWIRE_ASKED] = 'A',
    [PROBEWIRE_UNABLE] = 'U'};

/* --- The prober's side --------------------------------------------------- */

static void
put_row(struct buf *b, const struct probewire *w)
{
	size_t i;

	fields_put_num(b, w->target);
	fields_put(b, w->host);
	fields_put(b, w->address);
	fields_put_num(b, w->mx_dns);
	fields_put_num(b, w->host_dns);
	fields_put(b, w->sni);
	fields_put(b, w->domain);
	fields_put(b, fault_text(w->fault));
	for (i = 0; i < w->ntlsa; i++) {
		const char head[TLSA_HEAD] = {(char)w->tlsa[i].usage,
		    (char)w->tlsa[i].selector, (char)w->tlsa[i].mtype};

		netstring_put(b, head, sizeof(head),
		    (const char *)w->tlsa[i].data, w->tlsa[i].len);
	}
}

static void
put_chain(struct buf *b, const STACK_OF(X509) * chain)
{
	unsigned char *der;
	int i, len;

	for (i = 0; i < sk_X509_num(chain); i++) {
		der = NULL;
		len = i2d_X509(sk_X509_value(chain, i), &der);
		if (len > 0)
			netstring_put(
			    b, (const char *)der, (size_t)len, NULL, 0);
		OPENSSL_free(der);
	}
}

static void
put_seen(struct buf *b, const struct starttls_result *s)
{
	fields_put_num(b, s->outcome);
	fields_put_num(b, s->phase);
	fields_put_num(b, (uint64_t)s->errnum);
	fields_put_num(b, (uint64_t)s->code);
	fields_put(b, s->text);
	fields_put_num(b, s->injected);
	fields_put_num(b, s->injected_bytes);
	fields_put_num(b, s->requiretls);
	fields_put(b, s->tls ? s->proto_name : "");
	fields_put(b, s->cipher);
	fields_put(b, s->kex);
	fields_put(b, s->sig);
	fields_put_num(b, s->total_ms);
	if (s->chain != NULL)
		put_chain(b, s->chain);
}

void
probewire_put(struct buf *out, const struct probewire *w)
{
	struct buf b = {0};

	netstring_put(&b, &letters[w->kind], 1, NULL, 0);
	switch (w->kind) {
	case PROBEWIRE_ROW:
		put_row(&b, w);
		break;
	case PROBEWIRE_NONE:
		fields_put_num(&b, w->row);
		fields_put(&b, fault_text(w->fault));
		fields_put(&b, w->detail);
		break;
	case PROBEWIRE_SEEN:
		put_seen(&b, &w->seen);
		break;
	case PROBEWIRE_JUDGE:
		fields_put_num(&b, w->row);
		break;
	case PROBEWIRE_TEXTS:
		fields_put_num(&b, w->target);
		fields_put_num(&b, w->mta_sts);
		fields_put_num(&b, w->tls_rpt);
		break;
	case PROBEWIRE_ASKED:
		fields_put_num(&b, w->target);
		break;
	case PROBEWIRE_UNABLE:
		fields_put_num(&b, (uint64_t)w->code);
		fields_put(&b, w->detail);
		break;
	}
	netstring_put(out, b.data, b.len, NULL, 0);
	buf_free(&b);
}

/* --- The recorder's side ------------------------------------------------- */

static enum fault
take_fault(struct fields *f)
{
	enum fault fault = FAULT_LOCAL_ERROR;
	char word[48];

	fields_word(f, "fault", sizeof(word), word);
	if (f->bad == NULL && fault_parse(word, &fault) == -1)
		f->bad = "fault";
	return fault;
}

static void
take_tlsa(struct fields *f, struct probewire *w)
{
	const char *p;
	size_t n;

	while (f->n > 0 &&
	       fields_take(f, "TLSA", TLSA_HEAD + MXDNS_MAX_TLSA_LEN, &p, &n)) {
		if (n < TLSA_HEAD || w->ntlsa == MXDNS_MAX_TLSA) {
			f->bad = "TLSA";
			return;
		}
		w->tlsa[w->ntlsa++] = (struct x509_tlsa){.usage = (uint8_t)p[0],
		    .selector = (uint8_t)p[1],
		    .mtype = (uint8_t)p[2],
		    .data = (const unsigned char *)p + TLSA_HEAD,
		    .len = n - TLSA_HEAD};
	}
}

static void
take_row(struct fields *f, struct probewire *w)
{
	w->target = (uint32_t)fields_num(f, "target", UINT32_MAX);
	fields_word(f, "host", sizeof(w->host), w->host);
	fields_word(f, "address", sizeof(w->address), w->address);
	w->mx_dns = (enum probewire_dnssec)fields_num(
	    f, "DNSSEC of MX", PROBEWIRE_DNS_SECURE);
	w->host_dns = (enum probewire_dnssec)fields_num(
	    f, "DNSSEC of host", PROBEWIRE_DNS_SECURE);
	fields_word(f, "server name", sizeof(w->sni), w->sni);
	fields_word(f, "domain", sizeof(w->domain), w->domain);
	w->fault = take_fault(f);
	take_tlsa(f, w);
	if (f->bad != NULL)
		return;
	if (*w->address == '\0' ? w->ntlsa > 0 : !dname_is_address(w->address))
		f->bad = "address";
	else if (*w->address != '\0' && !nexthop_is_host(w->host) &&
		 !dname_is_address(w->host))
		f->bad = "host";
	else if (w->fault != FAULT_OK && w->ntlsa > 0)
		f->bad = "TLSA";
	else if (*w->sni != '\0' && !nexthop_is_host(w->sni))
		f->bad = "server name";
	else if (*w->domain != '\0' && !nexthop_is_host(w->domain))
		f->bad = "domain";
}

static void
take_chain(struct fields *f, struct starttls_result *s)
{
	const unsigned char *der;
	const char *p;
	X509 *cert;
	size_t n;

	while (f->n > 0 &&
	       fields_take(f, "certificate", STARTTLS_MAX_CHAIN, &p, &n)) {
		der = (const unsigned char *)p;
		cert = d2i_X509(NULL, &der, (long)n);
		if (s->chain == NULL && (s->chain = sk_X509_new_null()) == NULL)
			abort();
		if (cert == NULL || der != (const unsigned char *)p + n ||
		    sk_X509_num(s->chain) == X509_MAX_CERTS ||
		    sk_X509_push(s->chain, cert) == 0) {
			X509_free(cert);
			ERR_clear_error();
			f->bad = "certificate";
			return;
		}
	}
}

static void
take_protocol(struct fields *f, struct starttls_result *s)
{
	char word[STARTTLS_WORD_MAX];
	enum tls_version v;

	fields_word(f, "protocol", sizeof(word), word);
	if (*word == '\0')
		return;
	for (v = TLS_1_0; v < TLS_VERSIONS; v++)
		if (strcmp(word, tls_version_name(v)) == 0) {
			s->tls = true;
			s->proto = tls_version_number(v);
			s->proto_name = tls_version_name(v);
			return;
		}
	f->bad = "protocol";
}

static void
take_seen(struct fields *f, struct starttls_result *s)
{
	s->outcome =
	    (enum starttls_outcome)fields_num(f, "outcome", STARTTLS_LOCAL);
	s->phase =
	    (enum starttls_phase)fields_num(f, "phase", STARTTLS_PHASES - 1);
	s->errnum = (int)fields_num(f, "errno", 4095);
	s->code = (int)fields_num(f, "reply code", 999);
	fields_text(f, "text", sizeof(s->text), s->text);
	s->injected = fields_num(f, "injected", 1) != 0;
	s->injected_bytes = fields_num(f, "injected bytes", INT32_MAX);
	s->requiretls = fields_num(f, "REQUIRETLS", 1) != 0;
	take_protocol(f, s);
	fields_word(f, "cipher", sizeof(s->cipher), s->cipher);
	fields_word(f, "key exchange", sizeof(s->kex), s->kex);
	fields_word(f, "signature", sizeof(s->sig), s->sig);
	s->total_ms = (unsigned)fields_num(f, "milliseconds", MS_MAX);
	take_chain(f, s);
	/* Who has got to the end has spoken TLS, and only he has said all. */
	if (f->bad == NULL && s->outcome == STARTTLS_OK && !s->tls)
		f->bad = "outcome";
	else if (f->bad == NULL && s->outcome != STARTTLS_OK && s->requiretls)
		f->bad = "REQUIRETLS";
}

static bool
take_kind(struct fields *f, enum probewire_kind *kind)
{
	const char *p;
	size_t n, i;

	if (!fields_take(f, "letter", 1, &p, &n) || n != 1)
		return false;
	for (i = 0; i < sizeof(letters); i++)
		if (*p == letters[i]) {
			*kind = (enum probewire_kind)i;
			return true;
		}
	return false;
}

static void
take_none(struct fields *f, struct probewire *w)
{
	w->row = (uint32_t)fields_num(f, "row", PROBEWIRE_ROWS - 1);
	w->fault = take_fault(f);
	fields_text(f, "detail", sizeof(w->detail), w->detail);
	/* Only a session shows a gateway that is well. */
	if (f->bad == NULL && w->fault == FAULT_OK)
		f->bad = "fault";
}

static void
take_texts(struct fields *f, struct probewire *w)
{
	w->target = (uint32_t)fields_num(f, "target", UINT32_MAX);
	w->mta_sts =
	    (enum probewire_text)fields_num(f, "MTA-STS", PROBEWIRE_TEXT_YES);
	w->tls_rpt = (enum probewire_text)fields_num(
	    f, "TLS reports", PROBEWIRE_TEXT_YES);
}

int
probewire_parse(
    struct probewire *w, const char *text, size_t len, struct err *e)
{
	struct fields f = {.p = text, .n = len};

	memset(w, 0, sizeof(*w));
	if (!take_kind(&f, &w->kind))
		f.bad = "letter";
	else if (w->kind == PROBEWIRE_ROW)
		take_row(&f, w);
	else if (w->kind == PROBEWIRE_NONE)
		take_none(&f, w);
	else if (w->kind == PROBEWIRE_SEEN)
		take_seen(&f, &w->seen);
	else if (w->kind == PROBEWIRE_JUDGE)
		w->row = (uint32_t)fields_num(&f, "row", PROBEWIRE_ROWS - 1);
	else if (w->kind == PROBEWIRE_TEXTS)
		take_texts(&f, w);
	else if (w->kind == PROBEWIRE_ASKED)
		w->target = (uint32_t)fields_num(&f, "target", UINT32_MAX);
	else {
		w->code = (int)fields_num(&f, "code", EX__MAX);
		fields_text(&f, "detail", sizeof(w->detail), w->detail);
	}
	if (f.bad == NULL && f.n > 0)
		f.bad = "end";
	if (f.bad == NULL)
		return 0;
	probewire_release(w);
	return err_set(e, EX_DATAERR, "its %s may not be so", f.bad);
}

void
probewire_release(struct probewire *w)
{
	sk_X509_pop_free(w->seen.chain, X509_free);
	w->seen.chain = NULL;
}
