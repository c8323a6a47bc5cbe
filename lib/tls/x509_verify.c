#include "x509_verify.h"
#include "x509_priv.h"

#include "err.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* RFC 6698 in numbers. */
enum {
	USAGE_TA = 2,
	USAGE_EE = 3,
	WHOLE_CERT = 0,
	PUBLIC_KEY = 1,
	NO_HASH = 0
};

/* What OpenSSL says about a chain while it walks along it. */
struct walk {
	struct x509_verdict *out;
	bool records;  /* trust rests on records, not on a store */
	bool no_names; /* no reference name was left to compare with */
};

static enum x509_bad
bad_of(int code)
{
	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
		return X509_BAD_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
		return X509_BAD_NOT_YET;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return X509_BAD_SELF_SIGNED;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_REJECTED:
		return X509_BAD_UNTRUSTED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return X509_BAD_NAME;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		return X509_BAD_KEY;
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return X509_BAD_SIGNATURE;
	case X509_V_ERR_DANE_NO_MATCH:
		return X509_BAD_TLSA;
	default:
		return X509_BAD_CHAIN;
	}
}

static void
note(struct x509_verdict *out, enum x509_bad kind, int code, int depth,
    const X509 *x)
{
	struct x509_finding *f = &out->bad[kind];

	/* The fault nearest to the leaf is the one to tell. */
	if (f->found && f->depth <= depth)
		return;
	f->found = true;
	f->depth = depth;
	f->why = X509_verify_cert_error_string(code);
	f->who[0] = '\0';
	if (x != NULL)
		x509_name_text(X509_get_subject_name(x), NID_commonName, f->who,
		    sizeof(f->who));
}

/* Goes on after a fault, as Postfix's own callback does. */
static int
on_cert(int ok, X509_STORE_CTX *sc)
{
	struct walk *w = X509_STORE_CTX_get_app_data(sc);
	int code = X509_STORE_CTX_get_error(sc);
	int depth = X509_STORE_CTX_get_error_depth(sc);
	enum x509_bad kind = bad_of(code);

	if (ok == 0) {
		if (code == X509_V_ERR_INVALID_PURPOSE)
			kind = depth == 0 ? X509_BAD_PURPOSE : X509_BAD_CHAIN;
		note(w->out, kind, code, depth,
		    X509_STORE_CTX_get_current_cert(sc));
	}
	return 1;
}

/* Number of names that now have to match one of the certificate's. */
static size_t
add_names(SSL *ssl, const struct x509_ask *ask)
{
	size_t i, n = 0;

	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	for (i = 0; i < ask->nnames; i++) {
		/* OpenSSL takes an empty name to mean any name. */
		if (ask->names[i][0] == '\0' || strcmp(ask->names[i], ".") == 0)
			continue;
		if (SSL_add1_host(ssl, ask->names[i]))
			n++;
	}
	return n;
}

/* Number of records that OpenSSL can use. */
static size_t
add_records(SSL *ssl, const struct x509_tlsa *tlsa, size_t ntlsa)
{
	size_t i, n = 0;

	for (i = 0; i < ntlsa; i++) {
		/* SMTP has no use for the PKIX usages (RFC 7672, 3.1.3). */
		if (tlsa[i].usage != USAGE_TA && tlsa[i].usage != USAGE_EE)
			continue;
		if (SSL_dane_tlsa_add(ssl, tlsa[i].usage, tlsa[i].selector,
			tlsa[i].mtype, tlsa[i].data, tlsa[i].len) > 0)
			n++;
	}
	return n;
}

/* As tls_dane_load_trustfile(): an anchor may be an issuer or the leaf. */
static size_t
add_anchors(SSL *ssl, const struct x509_store *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->nanchors; i++) {
		const struct x509_anchor *a = &s->anchors[i];
		struct x509_tlsa t[2] = {
		    {USAGE_TA, a->is_key ? PUBLIC_KEY : WHOLE_CERT, NO_HASH,
			a->der, a->len}};

		t[1] = t[0];
		t[1].usage = USAGE_EE;
		n += add_records(ssl, t, 2);
	}
	return n;
}

/* Tell ssl what Postfix would tell its own. Number of usable records. */
static size_t
configure(SSL *ssl, const struct x509_ask *ask, struct walk *w)
{
	const struct x509_store *s = ask->store;
	bool anchored = s != NULL && s->nanchors > 0;
	size_t usable = 0;

	w->records = ask->mode != X509_BY_CA || anchored;
	SSL_set_security_level(ssl, 1);
	SSL_set_verify_depth(ssl, X509_DEPTH + 1);
	if (w->records && SSL_dane_enable(ssl, NULL) <= 0)
		return 0;
	switch (ask->mode) {
	case X509_BY_CA:
		w->no_names = add_names(ssl, ask) == 0;
		if (anchored)
			usable = add_anchors(ssl, s);
		break;
	case X509_BY_TLSA:
		SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
		w->no_names = add_names(ssl, ask) == 0;
		usable = add_records(ssl, ask->tlsa, ask->ntlsa);
		break;
	case X509_BY_PIN:
		SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
		usable = add_records(ssl, ask->tlsa, ask->ntlsa);
		break;
	}
	return usable;
}

/* The same steps as OpenSSL's ssl_verify_cert_chain(). */
static int
walk_init(X509_STORE_CTX *sc, SSL *ssl, const struct x509_chain *c,
    X509_STORE *roots, time_t at)
{
	X509_VERIFY_PARAM *param;

	if (!X509_STORE_CTX_init(
		sc, roots, sk_X509_value(c->certs, 0), c->certs))
		return -1;
	param = X509_STORE_CTX_get0_param(sc);
	X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
	X509_STORE_CTX_set0_dane(sc, SSL_get0_dane(ssl));
	if (!X509_STORE_CTX_set_default(sc, "ssl_server") ||
	    !X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl)))
		return -1;
	X509_VERIFY_PARAM_set_time(param, at);
	X509_STORE_CTX_set_verify_cb(sc, on_cert);
	return 0;
}

static void
path_info(X509_STORE_CTX *sc, struct x509_verdict *out)
{
	STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(sc);
	int i;

	out->depth = path == NULL ? 0 : (size_t)sk_X509_num(path);
	for (i = 0; (size_t)i < out->depth; i++) {
		const X509 *x = sk_X509_value(path, i);
		struct tm tm;
		time_t t;

		if (!ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm))
			continue;
		t = timegm(&tm);
		if (out->ends_known && out->ends <= t)
			continue;
		out->ends_known = true;
		out->ends = t;
		x509_name_text(X509_get_subject_name(x), NID_commonName,
		    out->ends_who, sizeof(out->ends_who));
	}
}

static void
matched_name(X509_STORE_CTX *sc, struct x509_verdict *out)
{
	const char *name =
	    X509_VERIFY_PARAM_get0_peername(X509_STORE_CTX_get0_param(sc));
	ASN1_STRING *s = ASN1_UTF8STRING_new();

	if (name != NULL && s != NULL && ASN1_STRING_set(s, name, -1))
		x509_text(s, out->matched, sizeof(out->matched));
	ASN1_STRING_free(s);
}

static void
run(X509_STORE_CTX *sc, SSL *ssl, struct walk *w)
{
	struct x509_verdict *out = w->out;
	X509 *leaf = X509_STORE_CTX_get0_cert(sc);
	size_t i;

	X509_STORE_CTX_set_app_data(sc, w);
	(void)X509_verify_cert(sc);
	path_info(sc, out);
	if (w->no_names)
		note(out, X509_BAD_NAME, X509_V_ERR_HOSTNAME_MISMATCH, 0, leaf);
	if (w->records && out->usable == 0)
		note(out, X509_BAD_TLSA, X509_V_ERR_DANE_NO_MATCH, 0, leaf);
	out->ok = X509_STORE_CTX_get_error(sc) == X509_V_OK;
	for (i = 0; i < X509_BAD_COUNT; i++)
		if (out->bad[i].found)
			out->ok = false;
	out->leaf_is_anchor = SSL_get0_dane_authority(ssl, NULL, NULL) == 0;
	if (!out->bad[X509_BAD_NAME].found)
		matched_name(sc, out);
}

int
x509_verify(const struct x509_chain *c, const struct x509_ask *ask,
    struct x509_verdict *out, struct err *err)
{
	const struct x509_store *s = ask->store;
	SSL_CTX *ctx = s != NULL ? s->ctx : x509_store_ctx();
	X509_STORE *roots = s != NULL ? s->roots : SSL_CTX_get_cert_store(ctx);
	X509_STORE_CTX *sc = X509_STORE_CTX_new();
	SSL *ssl = SSL_new(ctx);
	struct walk w = {.out = out};
	int rv = -1;

	memset(out, 0, sizeof(*out));
	if (sc != NULL && ssl != NULL) {
		out->usable = configure(ssl, ask, &w);
		rv = walk_init(sc, ssl, c, roots, ask->at);
		if (rv == 0)
			run(sc, ssl, &w);
	}
	if (rv == -1)
		err_set(err, EX_SOFTWARE, "OpenSSL cannot check a chain: %s",
		    ERR_reason_error_string(ERR_peek_last_error()));
	X509_STORE_CTX_free(sc);
	SSL_free(ssl);
	if (s == NULL)
		SSL_CTX_free(ctx);
	ERR_clear_error();
	return rv;
}
