#include "judge.h"

#include "buf.h"
#include "err.h"
#include "file.h"
#include "mem.h"
#include "mxdns.h"
#include "registry.h"
#include "starttls.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

/* A set of CA files, as `ca=` names it; path[0] NULL is the system's. */
struct ca_set {
	const struct strs *files; /* NULL: the system bundle */
	struct x509_store *store;
	char *name;
	struct err err; /* why there is no store */
};

struct judge {
	char *ca_file;
	char *replaced; /* ca_file stands for that, too; or NULL */
	bool local;
	struct ca_set *set;
	size_t n, cap;
};

struct judge *
judge_new(const char *ca_file)
{
	struct judge *j = mem_zero(1, sizeof(*j));

	j->ca_file = mem_dup(ca_file);
	return j;
}

void
judge_free(struct judge *j)
{
	size_t i;

	if (j == NULL)
		return;
	for (i = 0; i < j->n; i++) {
		x509_store_free(j->set[i].store);
		free(j->set[i].name);
	}
	free(j->set);
	free(j->ca_file);
	free(j->replaced);
	free(j);
}

static void
add_text(struct digest *d, const char *s)
{
	digest_add(d, s, strlen(s) + 1);
}

static void
add_list(struct digest *d, const struct strs *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		add_text(d, l->v[i]);
	add_text(d, "");
}

void
judge_rule(const struct judge_gateway *g, char out[DIGEST_HEX])
{
	const struct attributes *t = g->attributes;
	const unsigned char word[] = {
	    (unsigned char)g->level, t->verify, t->common_name, t->min_tls};
	struct digest *d = digest_new();

	digest_add(d, word, sizeof(word));
	add_text(d, t->protocols == NULL ? "" : t->protocols);
	add_list(d, g->gateway);
	add_list(d, t->ca);
	add_list(d, t->issuer);
	add_list(d, t->key);
	digest_hex(d, out);
}

bool
judge_uses_ca_file(const struct judge *j, const struct attributes *t)
{
	size_t i;

	for (i = 0; i < t->ca->n; i++)
		if (file_is_same(t->ca->v[i], j->ca_file))
			return true;
	return t->ca->n == 0;
}

void
judge_replace(struct judge *j, const struct judge *old)
{
	free(j->replaced);
	j->replaced = mem_dup(old->ca_file);
}

void
judge_local(struct judge *j)
{
	j->local = true;
}

/* Several files are one set of trust anchors, as several `tafile=` are. */
static struct x509_store *
load_files(const struct judge *j, const struct strs *files, struct err *e)
{
	const char *path;
	struct x509_store *s = NULL;
	struct buf all = {0};
	size_t i, len;
	char *text;

	for (i = 0; i < files->n; i++) {
		path = files->v[i];
		if (j->replaced != NULL && file_is_same(path, j->replaced))
			path = j->ca_file;
		text = file_slurp(path, X509_MAX_STORE, &len, NULL, e);
		if (text == NULL)
			goto out;
		buf_add(&all, text, len);
		buf_putc(&all, '\n');
		free(text);
	}
	s = x509_store_parse(X509_ANCHORS, all.data, all.len, files->v[0], e);
out:
	buf_free(&all);
	return s;
}

static const struct ca_set *
ca_set(struct judge *j, const struct attributes *t)
{
	const struct strs *files = t->ca->n > 0 ? t->ca : NULL;
	struct ca_set *s;
	size_t i;

	for (i = 0; i < j->n; i++)
		if (strs_same(j->set[i].files, files))
			return &j->set[i];
	j->set = mem_grow(j->set, j->n, &j->cap, sizeof(*j->set));
	s = memset(&j->set[j->n++], 0, sizeof(*s));
	s->files = files;
	s->name = mem_printf("%s%s", files == NULL ? j->ca_file : files->v[0],
	    files != NULL && files->n > 1 ? " and others" : "");
	s->store = files == NULL
		       ? x509_store_load(X509_ROOTS, j->ca_file, &s->err)
		       : load_files(j, files, &s->err);
	return s;
}

static enum certrule_verify
verify_of(const struct judge_gateway *g)
{
	enum level level = g->level == LEVEL_OPPORTUNISTIC
			       ? attributes_enforced_level(g->attributes)
			       : g->level;

	switch (level) {
	case LEVEL_SECURE:
		return g->attributes->verify == VERIFY_DANE ? CERTRULE_BY_DANE
							    : CERTRULE_BY_NAME;
	case LEVEL_KEY:
		return CERTRULE_BY_KEY;
	case LEVEL_ENCRYPT:
	case LEVEL_OPPORTUNISTIC:
		break;
	}
	return CERTRULE_BY_NONE;
}

/*
 * RFC 7672, 3.2.2: the base of the TLSA records, and the next-hop if there was
 * an MX record between them, also by the name that it is an alias of.
 */
static void
dane_names(const struct judge_gateway *g, struct certrules *out)
{
	if (g->nexthop != NULL && g->host != NULL &&
	    strcmp(g->nexthop, g->host) == 0)
		out->nexthop = NULL;
	if (g->tlsa_base != NULL)
		out->host = g->tlsa_base;
	out->expanded = g->expanded;
}

/* At LEVEL_OPPORTUNISTIC those that would hold if g were enforced. */
static int
rules_of(struct judge *j, const struct judge_gateway *g, struct certrules *out,
    struct err *e)
{
	const struct attributes *t = g->attributes;
	const struct ca_set *set;

	*out = (struct certrules){
	    .local = j->local,
	    .verify = verify_of(g),
	    .gateway = g->gateway->v,
	    .ngateway = g->gateway->n,
	    .nexthop = g->nexthop,
	    .host = g->host,
	    .issuer = t->issuer->v,
	    .nissuer = t->issuer->n,
	    .cn_is_gateway = t->common_name == COMMON_NAME_GATEWAY,
	    .pin = t->key->v,
	    .npin = t->key->n,
	    .last_key = g->last_key,
	    .tlsa = g->tlsa,
	    .ntlsa = g->ntlsa,
	    .warn_days = g->warn_days,
	    .alone = g->alone,
	    .at = g->at,
	};
	if (out->verify == CERTRULE_BY_DANE)
		dane_names(g, out);
	if (out->verify != CERTRULE_BY_NAME)
		return 0;
	set = ca_set(j, t);
	if (set->store == NULL) {
		*e = set->err;
		return -1;
	}
	out->store = set->store;
	out->ca_name = set->name;
	return 0;
}

int
judge_load(struct judge *j, const struct judge_gateway *g, struct err *e)
{
	struct certrules rules;

	return rules_of(j, g, &rules, e);
}

int
judge_chain(struct judge *j, const struct judge_gateway *g, STACK_OF(X509) * c,
    struct judgement *out, struct err *e)
{
	struct certrules rules;

	memset(out, 0, sizeof(*out));
	out->by = verify_of(g);
	if (rules_of(j, g, &rules, e) == -1 ||
	    certrule_judge(c, &rules, &out->v, e) == -1) {
		out->fault = FAULT_LOCAL_ERROR;
		return -1;
	}
	out->has_cert = true;
	out->fault = out->v.fault;
	out->passed = out->fault == FAULT_OK;
	return 0;
}

/*
 * What `dane` makes of a gateway with TLSA records; records of which none
 * can be used leave it at `encrypt`.
 */
static int
opportunistic_dane(const struct judge_gateway *g, STACK_OF(X509) * c,
    enum fault *fault, struct err *e)
{
	struct certrules rules = {.verify = CERTRULE_BY_DANE,
	    .nexthop = g->nexthop,
	    .host = g->host,
	    .tlsa = g->tlsa,
	    .ntlsa = g->ntlsa,
	    .at = g->at};
	struct certverdict *v = mem_zero(1, sizeof(*v));
	int rv;

	dane_names(g, &rules);
	rv = certrule_judge(c, &rules, v, e);

	*fault = rv == -1 ? FAULT_LOCAL_ERROR : v->fault;
	if (*fault == FAULT_NO_TLSA)
		*fault = FAULT_OK;
	free(v);
	return rv;
}

static bool
below_floor(const struct attributes *t, int proto)
{
	return proto < tls_version_number((enum tls_version)t->min_tls);
}

/* Is a session without a certificate well, at the level that counts? */
static enum fault
no_certificate(const struct judge_gateway *g)
{
	return verify_of(g) == CERTRULE_BY_NONE ? FAULT_OK
						: FAULT_NO_CERTIFICATE;
}

/* Behind the connection the phase tells what an outcome means. */
static enum fault
broken_off(const struct starttls_result *r, enum fault otherwise)
{
	return r->phase == STARTTLS_HANDSHAKE ? FAULT_HANDSHAKE_FAILED
					      : otherwise;
}

/* What went wrong in a session, the certificate aside. */
static enum fault
session_fault(const struct starttls_result *r)
{
	switch (r->outcome) {
	case STARTTLS_OK:
		return r->injected ? FAULT_INJECTED : FAULT_OK;
	case STARTTLS_CONNECT_REFUSED:
		return FAULT_CONNECT_REFUSED;
	case STARTTLS_CONNECT_TIMEOUT:
		return FAULT_CONNECT_TIMEOUT;
	case STARTTLS_CONNECT_FAILED:
		return FAULT_CONNECT_FAILED;
	case STARTTLS_GREETING_REFUSED:
		return FAULT_GREETING_REFUSED;
	case STARTTLS_EHLO_REFUSED:
		return FAULT_SMTP_ERROR;
	case STARTTLS_NOT_OFFERED:
	case STARTTLS_MASKED:
		return FAULT_NO_STARTTLS;
	case STARTTLS_REFUSED:
		return FAULT_STARTTLS_REFUSED;
	case STARTTLS_PROTOCOL_TOO_OLD:
		return FAULT_PROTOCOL_TOO_OLD;
	case STARTTLS_HANDSHAKE_FAILED:
	case STARTTLS_TLS_BROKEN:
		return FAULT_HANDSHAKE_FAILED;
	case STARTTLS_CERT_WANTED:
		return FAULT_CLIENT_CERTIFICATE;
	case STARTTLS_TIMEOUT:
		return broken_off(r, FAULT_TIMEOUT);
	case STARTTLS_CLOSED:
		return broken_off(r, FAULT_CONNECTION_LOST);
	case STARTTLS_TOO_MUCH:
		return broken_off(r, FAULT_TOO_MUCH_DATA);
	case STARTTLS_LOCAL:
		break;
	}
	return FAULT_LOCAL_ERROR;
}

int
judge_session(struct judge *j, const struct judge_gateway *g,
    const struct starttls_result *r, struct judgement *out, struct err *e)
{
	enum fault session = session_fault(r), cert = FAULT_OK, dane = FAULT_OK;
	int rv = 0;

	memset(out, 0, sizeof(*out));
	out->by = verify_of(g);
	if (r->chain != NULL) {
		rv = judge_chain(j, g, r->chain, out, e);
		if (rv == 0 && g->level == LEVEL_OPPORTUNISTIC && g->dane &&
		    g->ntlsa > 0)
			rv = opportunistic_dane(g, r->chain, &dane, e);
		cert = out->fault;
	} else if (r->tls)
		cert = no_certificate(g);
	/* Without records there was nothing to hold it against. */
	if (g->tlsa_fault != FAULT_OK && cert == FAULT_NO_TLSA)
		cert = g->tlsa_fault;
	if (rv == -1)
		return -1;
	/* `dane` defers as well if there may be records. */
	if (g->dane && g->tlsa_fault != FAULT_NO_TLSA)
		dane = fault_worse(dane, g->tlsa_fault);
	out->passed = session == FAULT_OK && cert == FAULT_OK && r->tls &&
		      !below_floor(g->attributes, r->proto);
	if (g->level == LEVEL_OPPORTUNISTIC)
		cert = dane;
	out->fault = fault_worse(session, cert);
	return 0;
}

enum evidence_judged
judge_passed_by(const struct judgement *j)
{
	static const enum evidence_judged by[] = {
	    [CERTRULE_BY_NAME] = EVIDENCE_BY_CA,
	    [CERTRULE_BY_KEY] = EVIDENCE_BY_KEY,
	    [CERTRULE_BY_DANE] = EVIDENCE_BY_DANE,
	    [CERTRULE_BY_NONE] = EVIDENCE_BY_NONE,
	};

	return j->passed ? by[j->by] : EVIDENCE_FAILED;
}

static bool
is_none(enum mxdns_kind kind)
{
	return kind == MXDNS_NO_NAME || kind == MXDNS_NO_DATA;
}

/* Does DNS say that the host has no address? Then smtp(8) returns the mail. */
static bool
has_none(const struct mxdns_host *h)
{
	const enum mxdns_kind a = h->a.kind, aaaa = h->aaaa.kind;

	return (is_none(a) || is_none(aaaa)) &&
	       (is_none(a) || a == MXDNS_NOT_ASKED) &&
	       (is_none(aaaa) || aaaa == MXDNS_NOT_ASKED);
}

enum fault
judge_way(const struct mxdns_result *r, const struct mxdns_host *h)
{
	if (h != NULL && h->naddr > 0)
		return FAULT_OK;
	if (h != NULL && has_none(h))
		return FAULT_NO_MX;
	if (h != NULL)
		return r->no_root ? FAULT_LOCAL_ERROR : FAULT_DNS_FAILED;
	switch (r->status) {
	case MXDNS_OK:
		return FAULT_OK;
	case MXDNS_NULL_MX:
	case MXDNS_NO_DOMAIN:
	case MXDNS_NO_ADDRESS:
		return FAULT_NO_MX;
	case MXDNS_FAILED:
		return r->no_root ? FAULT_LOCAL_ERROR : FAULT_DNS_FAILED;
	case MXDNS_BAD_NEXTHOP:
		break;
	}
	return FAULT_LOCAL_ERROR;
}

enum fault
judge_tlsa(const struct mxdns_result *r, const struct mxdns_host *h, bool half)
{
	const struct mxdns_answer *a = &h->tlsa;

	if (r->mx.kind == MXDNS_FOUND && !r->mx.secure && !half)
		return FAULT_NO_TLSA;
	/* Whether they are to be asked for depends on the alias. */
	if (a->kind == MXDNS_NOT_ASKED && h->alias.kind != MXDNS_NOT_ASKED &&
	    h->alias.kind != MXDNS_FOUND)
		return r->no_root ? FAULT_LOCAL_ERROR : FAULT_TLSA_FAILED;
	switch (a->kind) {
	case MXDNS_FOUND:
		return a->secure ? FAULT_OK : FAULT_NO_TLSA;
	case MXDNS_NOT_ASKED:
	case MXDNS_NO_DATA:
	case MXDNS_NO_NAME:
		return FAULT_NO_TLSA;
	case MXDNS_SERVFAIL:
	case MXDNS_BOGUS:
	case MXDNS_TIMEOUT:
	case MXDNS_BROKEN:
		break;
	}
	return r->no_root ? FAULT_LOCAL_ERROR : FAULT_TLSA_FAILED;
}
