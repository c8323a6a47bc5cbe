#include "starttls_tls.h"

#include "err.h"
#include "mem.h"
#include "quote.h"
#include "sockbio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

/* Postfix's tls_eecdh_auto_curves, its default since 3.2. */
#define CURVES "X25519:X448:prime256v1:secp521r1:secp384r1"

/*
 * Called instead of chain verification. The caller of starttls judges the
 * chain; building it here as well would only cost time. Not 0, which means
 * failed, and not 2, which means asynchronous.
 */
static int
verify_nothing(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

/* The server asks for a certificate: take note, send none. */
static int
note_cert_request(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	struct starttls_result *r = SSL_get_app_data(ssl);

	(void)cert;
	(void)key;
	if (r != NULL)
		r->cert_asked = true;
	return 0;
}

/* The oldest error in OpenSSL's queue, in words; the queue is emptied. */
static unsigned long
take_reason(char *out, size_t size)
{
	const char *data = NULL, *reason;
	unsigned long e;
	int flags = 0;
	char text[SMTPREPLY_TEXT_MAX];

	e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);
	if (e != 0) {
		reason = ERR_reason_error_string(e);
		if ((flags & ERR_TXT_STRING) == 0 || data == NULL)
			data = "";
		(void)snprintf(text, sizeof(text), "%s%s%s",
		    reason == NULL ? "unknown reason" : reason,
		    *data == '\0' ? "" : ": ", data);
		quote_show(out, size, text, strlen(text));
	}
	ERR_clear_error();
	return e;
}

static int
fail_ssl(struct err *err, const char *what)
{
	char reason[SMTPREPLY_TEXT_MAX] = "unknown reason";

	(void)take_reason(reason, sizeof(reason));
	return err_set(err, EX_SOFTWARE, "%s: %s", what, reason);
}

static bool
is_helo_name(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return i > 0 && i <= STARTTLS_MAX_HELO;
}

static int
setup(SSL_CTX *c, const struct starttls_params *p, struct err *err)
{
	const char *ciphers = p->ciphers;
	char curves[] = CURVES;
	int min = p->min_proto == 0 ? TLS1_VERSION : p->min_proto;

	if (ciphers == NULL)
		ciphers = STARTTLS_CIPHERS_MEDIUM;
	SSL_CTX_set_security_level(c, p->security_level);
	if (!SSL_CTX_set_min_proto_version(c, min) ||
	    !SSL_CTX_set_max_proto_version(c, p->max_proto)) {
		(void)fail_ssl(err, "protocol versions");
		err->code = EX_USAGE;
		return -1;
	}
	if (!SSL_CTX_set_cipher_list(c, ciphers)) {
		char reason[SMTPREPLY_TEXT_MAX] = "unknown reason";

		(void)take_reason(reason, sizeof(reason));
		return err_set(err, EX_USAGE, "cipher list %s: %s",
		    quotes(ciphers).s, reason);
	}
	if (!SSL_CTX_set1_curves_list(c, curves))
		return fail_ssl(err, "curves " CURVES);
	SSL_CTX_set_options(c, SSL_OP_ALL | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_max_cert_list(c, STARTTLS_MAX_CHAIN);
	SSL_CTX_set_verify(c, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_cert_verify_callback(c, verify_nothing, NULL);
	SSL_CTX_set_client_cert_cb(c, note_cert_request);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS |
				SSL_MODE_ENABLE_PARTIAL_WRITE |
				SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(c, 1);
	return 0;
}

struct starttls_ctx *
starttls_ctx_new(const struct starttls_params *p, struct err *err)
{
	struct starttls_ctx *ctx;

	if (p->helo == NULL || !is_helo_name(p->helo)) {
		err_set(err, EX_USAGE,
		    "EHLO name %s is not 1 to %d visible characters",
		    p->helo == NULL ? "(none)" : quotes(p->helo).s,
		    STARTTLS_MAX_HELO);
		return NULL;
	}
	if (p->step_ms == 0 || p->total_ms == 0) {
		err_set(err, EX_USAGE, "a time limit of 0 ms");
		return NULL;
	}
	ctx = mem_zero(1, sizeof(*ctx));
	ctx->refs = 1;
	ctx->step_ms = p->step_ms;
	ctx->total_ms = p->total_ms;
	memcpy(ctx->helo, p->helo, strlen(p->helo) + 1);
	ERR_clear_error();
	if ((ctx->bio = sockbio_method()) == NULL ||
	    (ctx->ssl = SSL_CTX_new(TLS_client_method())) == NULL) {
		fail_ssl(err, "cannot prepare TLS");
		starttls_ctx_free(ctx);
		return NULL;
	}
	if (setup(ctx->ssl, p, err) == -1) {
		starttls_ctx_free(ctx);
		return NULL;
	}
	ERR_clear_error();
	return ctx;
}

void
starttls_ctx_hold(struct starttls_ctx *ctx)
{
	ctx->refs++;
}

void
starttls_ctx_free(struct starttls_ctx *ctx)
{
	if (ctx == NULL || --ctx->refs > 0)
		return;
	SSL_CTX_free(ctx->ssl);
	BIO_meth_free(ctx->bio);
	free(ctx);
}

SSL *
starttls_tls_new(struct starttls_ctx *ctx, struct sockbio *io, char *sni,
    struct starttls_result *r)
{
	BIO *bio;
	SSL *ssl;

	ERR_clear_error();
	if ((ssl = SSL_new(ctx->ssl)) == NULL)
		return NULL;
	if ((bio = sockbio_new(ctx->bio, io)) == NULL) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_bio(ssl, bio, bio);
	if (!SSL_set_app_data(ssl, r) ||
	    (sni != NULL && !SSL_set_tlsext_host_name(ssl, sni))) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

static void
put(char *out, const char *s)
{
	(void)snprintf(out, STARTTLS_WORD_MAX, "%s", s == NULL ? "" : s);
}

/* The key that the server made for this handshake. */
static void
note_kex(SSL *ssl, struct starttls_result *r)
{
	char group[STARTTLS_WORD_MAX - 8] = "";
	EVP_PKEY *key = NULL;
	size_t len;

	if (SSL_get_peer_tmp_key(ssl, &key) != 1 || key == NULL)
		return; /* none: RSA key transport */
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_DH)
		(void)snprintf(r->kex, sizeof(r->kex), "DHE (%d bits)",
		    EVP_PKEY_get_bits(key));
	else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
		(void)EVP_PKEY_get_group_name(key, group, sizeof(group), &len);
		(void)snprintf(r->kex, sizeof(r->kex), "ECDHE (%s)", group);
	} else
		put(r->kex, OBJ_nid2sn(EVP_PKEY_get_base_id(key)));
	EVP_PKEY_free(key);
}

static void
note_signature(SSL *ssl, struct starttls_result *r)
{
	int nid;

	if (SSL_get_peer_signature_type_nid(ssl, &nid) && nid != NID_undef) {
		switch (nid) {
		case EVP_PKEY_RSA:
			put(r->sig, "RSA");
			break;
		case EVP_PKEY_RSA_PSS:
			put(r->sig, "RSA-PSS");
			break;
		case EVP_PKEY_EC:
			put(r->sig, "ECDSA");
			break;
		default: /* ED25519 and its like */
			put(r->sig, OBJ_nid2sn(nid));
			break;
		}
	}
	if (SSL_get_peer_signature_nid(ssl, &nid) && nid != NID_undef)
		put(r->sig_digest, OBJ_nid2sn(nid));
}

void
starttls_tls_facts(SSL *ssl, struct starttls_result *r)
{
	const SSL_CIPHER *cipher;
	STACK_OF(X509) * chain;

	if (r->chain == NULL &&
	    (chain = SSL_get_peer_cert_chain(ssl)) != NULL &&
	    sk_X509_num(chain) > 0)
		r->chain = X509_chain_up_ref(chain);
	if (!SSL_is_init_finished(ssl)) {
		ERR_clear_error();
		return;
	}
	r->tls = true;
	r->proto = SSL_version(ssl);
	r->proto_name = SSL_get_version(ssl);
	if ((cipher = SSL_get_current_cipher(ssl)) != NULL) {
		put(r->cipher, SSL_CIPHER_get_name(cipher));
		r->bits = SSL_CIPHER_get_bits(cipher, &r->alg_bits);
	}
	note_kex(ssl, r);
	note_signature(ssl, r);
	ERR_clear_error();
}

/*
 * Reasons that say that the server has only versions of TLS that we do not
 * take. "wrong version number" is not one: it says that no TLS came at all.
 */
static bool
is_version_fault(SSL *ssl, unsigned long e)
{
	if (ERR_GET_LIB(e) != ERR_LIB_SSL)
		return false;
	switch (ERR_GET_REASON(e)) {
	case SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED:
		/* SHA-1, which these versions cannot do without. */
		return SSL_version(ssl) <= TLS1_1_VERSION;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return true;
	default:
		return false;
	}
}

enum starttls_outcome
starttls_tls_failure(
    SSL *ssl, int rc, const struct sockbio *io, struct starttls_result *r)
{
	unsigned long e;
	int why = SSL_get_error(ssl, rc);

	e = take_reason(r->text, sizeof(r->text));
	if (io->over)
		return STARTTLS_TOO_MUCH;
	if (e != 0 && why == SSL_ERROR_SSL)
		return is_version_fault(ssl, e) ? STARTTLS_PROTOCOL_TOO_OLD
						: STARTTLS_HANDSHAKE_FAILED;
	r->errnum = io->errnum;
	return STARTTLS_CLOSED;
}
