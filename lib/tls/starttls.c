#include "starttls.h"

#include "clock.h"
#include "err.h"
#include "mem.h"
#include "quote.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>

/* As Postfix's VSTREAM: decides what is "behind" 220. */
#define READ_SIZE 4096
#define READS_A_TURN 8 /* then other sessions get theirs */
#define COMMAND_MAX (STARTTLS_MAX_HELO + 16)
/* Postfix's tls_eecdh_auto_curves, its default since 3.2. */
#define CURVES_MAX 1024
#define CURVES "X25519:X448:prime256v1:secp521r1:secp384r1"

struct starttls_ctx {
	unsigned refs;
	SSL_CTX *ssl;
	BIO_METHOD *bio;
	bool no_starttls, keep_esmtp, wrapped, from_needed;
	struct sockaddr_in from4; /* family 0: any */
	struct sockaddr_in6 from6;
	unsigned step_ms[STARTTLS_PHASES];
	unsigned total_ms;
	char helo[STARTTLS_MAX_HELO + 1];
};

/* A socket under OpenSSL, and what happened on it. */
struct sock {
	int fd;
	size_t max; /* bytes that may come in; more fail with over set */
	size_t in;  /* bytes that came in */
	int errnum; /* errno of the first failure, 0 if none */
	bool eof;   /* the peer closed its side */
	bool over;  /* the peer sent more than max */
};

struct starttls {
	struct starttls_ctx *ctx;
	struct event io;
	struct event timer;
	bool io_added;
	short io_mask;
	bool failed_early; /* result is known before the loop ran */
	bool greeted;
	bool masked;	 /* the greeting: no EHLO */
	bool tried_helo; /* EHLO was refused, HELO sent */

	uint64_t begun; /* monotonic, microseconds */

	struct sock sock;
	SSL *ssl;
	char sni[STARTTLS_MAX_SNI + 1];

	char out[COMMAND_MAX]; /* command to be sent, and how far we are */
	size_t out_len;
	size_t out_at;
	char in[READ_SIZE]; /* plaintext read but not yet taken */
	size_t in_len;
	size_t in_at;

	struct smtpreply reply;
	struct starttls_result res;
	starttls_cb *cb;
	void *arg;
};

/*
 * --- The socket ----------------------------------------------------------
 *
 * OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE, and
 * reads for as long as the peer sends. This one sends with MSG_NOSIGNAL,
 * counts, and stops at a limit.
 */

static bool
is_transient(int errnum)
{
	return errnum == EAGAIN || errnum == EWOULDBLOCK || errnum == EINTR;
}

static int
read_bytes(BIO *b, char *p, int len)
{
	struct sock *s = BIO_get_data(b);
	ssize_t n;

	BIO_clear_retry_flags(b);
	if (s->in >= s->max) {
		s->over = true;
		return -1;
	}
	n = recv(s->fd, p, (size_t)len, 0);
	if (n > 0)
		s->in += (size_t)n;
	else if (n == 0)
		s->eof = true;
	else if (is_transient(errno))
		BIO_set_retry_read(b);
	else if (s->errnum == 0)
		s->errnum = errno;
	return (int)n;
}

static int
write_bytes(BIO *b, const char *p, int len)
{
	struct sock *s = BIO_get_data(b);
	ssize_t n;

	BIO_clear_retry_flags(b);
	n = send(s->fd, p, (size_t)len, MSG_NOSIGNAL);
	if (n == -1 && is_transient(errno))
		BIO_set_retry_write(b);
	else if (n == -1 && s->errnum == 0)
		s->errnum = errno;
	return (int)n;
}

static long
control(BIO *b, int cmd, long num, void *ptr)
{
	const struct sock *s = BIO_get_data(b);

	(void)num;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH: /* nothing is held back here */
		return 1;
	case BIO_CTRL_EOF:
		return s->eof;
	default:
		return 0;
	}
}

static BIO_METHOD *
sock_method(void)
{
	BIO_METHOD *m =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");

	if (m == NULL || !BIO_meth_set_read(m, read_bytes) ||
	    !BIO_meth_set_write(m, write_bytes) ||
	    !BIO_meth_set_ctrl(m, control))
		abort();
	return m;
}

/* --- TLS ----------------------------------------------------------------- */

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
fail_ssl(struct err *err, int code, const char *what)
{
	char reason[SMTPREPLY_TEXT_MAX] = "unknown reason";

	(void)take_reason(reason, sizeof(reason));
	return err_set(err, code, "%s: %s", what, reason);
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
	char curves[CURVES_MAX], what[QUOTE_MAX + 16];
	int min = p->min_proto == 0 ? TLS1_VERSION : p->min_proto;

	if (ciphers == NULL)
		ciphers = STARTTLS_CIPHERS_MEDIUM STARTTLS_NO_ANON;
	/* The list may say @SECLEVEL=n, which counts where we ask for none. */
	SSL_CTX_set_security_level(c, 0);
	if (!SSL_CTX_set_min_proto_version(c, min) ||
	    /* 0 as well: openssl.cnf may say another. */
	    !SSL_CTX_set_max_proto_version(c, p->max_proto))
		return fail_ssl(err, EX_USAGE, "protocol versions");
	if (!SSL_CTX_set_cipher_list(c, ciphers)) {
		(void)snprintf(
		    what, sizeof(what), "cipher list %s", quotes(ciphers).s);
		return fail_ssl(err, EX_USAGE, what);
	}
	if (p->security_level > 0)
		SSL_CTX_set_security_level(c, p->security_level);
	(void)snprintf(curves, sizeof(curves), "%s",
	    p->curves == NULL ? CURVES : p->curves);
	if (*curves != '\0' && !SSL_CTX_set1_curves_list(c, curves)) {
		(void)snprintf(
		    what, sizeof(what), "curves %s", quotes(curves).s);
		return fail_ssl(err, EX_SOFTWARE, what);
	}
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
	unsigned own, i;
	int rv;

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
	ctx->no_starttls = p->no_starttls;
	ctx->keep_esmtp = p->keep_esmtp;
	ctx->wrapped = p->wrapped;
	if (p->from4 != NULL)
		ctx->from4 = *p->from4;
	if (p->from6 != NULL)
		ctx->from6 = *p->from6;
	ctx->from_needed = p->from_needed;
	for (i = 0; i < STARTTLS_PHASES; i++) {
		own = i == STARTTLS_CONNECT ? p->connect_ms
		      : i == STARTTLS_COMMAND || i == STARTTLS_HANDSHAKE
			  ? p->starttls_ms
			  : p->helo_ms;
		ctx->step_ms[i] =
		    own > 0 && own < p->step_ms ? own : p->step_ms;
	}
	ctx->total_ms = p->total_ms;
	memcpy(ctx->helo, p->helo, strlen(p->helo) + 1);
	ERR_clear_error();
	ctx->bio = sock_method();
	if ((ctx->ssl = SSL_CTX_new(TLS_client_method())) == NULL)
		rv = fail_ssl(err, EX_SOFTWARE, "cannot prepare TLS");
	else
		rv = setup(ctx->ssl, p, err);
	ERR_clear_error();
	if (rv == 0)
		return ctx;
	starttls_ctx_free(ctx);
	return NULL;
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

/* TLS on the socket of s. NULL if OpenSSL has no memory or refuses sni. */
static SSL *
ssl_new(struct starttls *s)
{
	SSL *ssl = SSL_new(s->ctx->ssl);
	BIO *bio = BIO_new(s->ctx->bio);

	if (ssl == NULL || bio == NULL || !SSL_set_app_data(ssl, &s->res) ||
	    (*s->sni != '\0' && !SSL_set_tlsext_host_name(ssl, s->sni))) {
		SSL_free(ssl);
		BIO_free(bio);
		ERR_clear_error();
		return NULL;
	}
	BIO_set_data(bio, &s->sock);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_connect_state(ssl);
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

	if (!SSL_get_peer_signature_type_nid(ssl, &nid) || nid == NID_undef)
		return;
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

/* Note the certificates and, if the handshake is done, all about it. */
static void
note_tls(SSL *ssl, struct starttls_result *r)
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
	if ((cipher = SSL_get_current_cipher(ssl)) != NULL)
		put(r->cipher, SSL_CIPHER_get_name(cipher));
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

/* The outcome of a TLS call that ended with rc, which was no wish to wait. */
static enum starttls_outcome
tls_failure(SSL *ssl, int rc, const struct sock *io, struct starttls_result *r)
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

/* --- The session --------------------------------------------------------- */

/*
 * What there is left to do: STEP_ON all went well, STEP_WAIT for the socket
 * (the event is set), STEP_GONE the session has ended and is freed.
 */
enum step { STEP_GONE, STEP_WAIT, STEP_ON };

static void on_io(evutil_socket_t fd, short what, void *arg);

void
starttls_cancel(struct starttls *s)
{
	if (s->io_added)
		(void)event_del(&s->io);
	(void)event_del(&s->timer);
	SSL_free(s->ssl);
	if (s->sock.fd != -1)
		(void)close(s->sock.fd);
	sk_X509_pop_free(s->res.chain, X509_free);
	starttls_ctx_free(s->ctx);
	free(s);
}

/*
 * Say goodbye if the server is in a state to hear it. As Postfix does by
 * default (smtp_skip_quit_response), nobody waits for the answer.
 */
static void
say_quit(struct starttls *s)
{
	static const char quit[] = "QUIT\r\n";

	if (s->sock.eof || s->sock.errnum != 0 || s->out_at < s->out_len)
		return;
	if (s->ssl != NULL) {
		if (!s->res.tls)
			return;
		if (SSL_write(s->ssl, quit, sizeof(quit) - 1) > 0)
			(void)SSL_shutdown(s->ssl);
		ERR_clear_error();
	} else
		(void)!send(s->sock.fd, quit, sizeof(quit) - 1, MSG_NOSIGNAL);
}

/* The end: report, free. */
static enum step
finish(struct starttls *s, enum starttls_outcome outcome)
{
	s->res.total_ms = (unsigned)((clock_ns() / 1000 - s->begun) / 1000);
	s->res.outcome = outcome;
	switch (outcome) {
	case STARTTLS_OK:
	case STARTTLS_GREETING_REFUSED:
	case STARTTLS_EHLO_REFUSED:
	case STARTTLS_NOT_OFFERED:
	case STARTTLS_MASKED:
	case STARTTLS_REFUSED:
		say_quit(s);
		break;
	default:
		break;
	}
	s->cb(&s->res, s->arg);
	starttls_cancel(s);
	return STEP_GONE;
}

/* The end because of a reply. */
static enum step
finish_reply(struct starttls *s, enum starttls_outcome outcome)
{
	s->res.code = s->reply.code;
	memcpy(s->res.text, s->reply.last, sizeof(s->res.text));
	return finish(s, outcome);
}

static void
watch(struct starttls *s, short mask)
{
	if (s->io_added && s->io_mask == mask)
		return;
	if (s->io_added)
		(void)event_del(&s->io);
	(void)event_assign(&s->io, event_get_base(&s->timer), s->sock.fd,
	    (short)(mask | EV_PERSIST), on_io, s);
	(void)event_add(&s->io, NULL);
	s->io_added = true;
	s->io_mask = mask;
}

static void
enter_phase(struct starttls *s, enum starttls_phase phase)
{
	uint64_t now = clock_ns() / 1000, left, total, spent;
	struct timeval tv;

	s->res.phase = phase;
	s->reply = (struct smtpreply){0};

	total = (uint64_t)s->ctx->total_ms * 1000;
	spent = now - s->begun;
	left = spent < total ? total - spent : 0;
	if (left > (uint64_t)s->ctx->step_ms[phase] * 1000)
		left = (uint64_t)s->ctx->step_ms[phase] * 1000;
	tv.tv_sec = (time_t)(left / 1000000);
	tv.tv_usec = (suseconds_t)(left % 1000000);
	(void)event_add(&s->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct starttls *s = arg;

	(void)fd;
	(void)what;
	if (s->failed_early)
		finish(s, s->res.outcome);
	else if (s->res.phase == STARTTLS_CONNECT)
		finish(s, STARTTLS_CONNECT_TIMEOUT);
	else
		finish(s, STARTTLS_TIMEOUT);
}

static void __attribute__((format(printf, 2, 3)))
command(struct starttls *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->out, sizeof(s->out), fmt, ap);
	va_end(ap);
	s->out_len = (size_t)n; /* COMMAND_MAX has room for all of them */
	s->out_at = 0;
}

/* After the handshake: what OpenSSL calls an error is the peer's end. */
static enum step
finish_tls(struct starttls *s, int rc)
{
	enum starttls_outcome o;

	o = tls_failure(s->ssl, rc, &s->sock, &s->res);
	note_tls(s->ssl, &s->res); /* the chain may have come */
	if (s->res.phase == STARTTLS_EHLO_TLS &&
	    (o == STARTTLS_HANDSHAKE_FAILED || o == STARTTLS_PROTOCOL_TOO_OLD))
		o = STARTTLS_TLS_BROKEN;
	/*
	 * With TLS 1.2 it says so, or goes, before the end of the handshake;
	 * with TLS 1.3 instead of an answer to the first command.
	 */
	if (s->res.cert_asked && s->reply.lines == 0 &&
	    (o == STARTTLS_HANDSHAKE_FAILED || o == STARTTLS_TLS_BROKEN ||
		o == STARTTLS_CLOSED))
		o = STARTTLS_CERT_WANTED;
	return finish(s, o);
}

static enum step
tls_wait(struct starttls *s, int rc)
{
	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		watch(s, EV_READ);
		return STEP_WAIT;
	case SSL_ERROR_WANT_WRITE:
		watch(s, EV_WRITE);
		return STEP_WAIT;
	default:
		return finish_tls(s, rc);
	}
}

/*
 * Send what is left of the command. If the peer is gone, its last words may
 * still wait to be read (a 421, a TLS alert): give up sending, and let the
 * reading tell how it ended.
 */
static enum step
flush(struct starttls *s)
{
	ssize_t n;

	while (s->out_at < s->out_len) {
		const char *p = s->out + s->out_at;
		size_t len = s->out_len - s->out_at;

		if (s->ssl != NULL) {
			ERR_clear_error();
			n = SSL_write(s->ssl, p, (int)len);
			if (n <= 0 && s->sock.errnum == 0)
				return tls_wait(s, (int)n);
		} else if ((n = send(s->sock.fd, p, len, MSG_NOSIGNAL)) == -1) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN || errno == EWOULDBLOCK) {
				watch(s, EV_WRITE);
				return STEP_WAIT;
			}
			s->sock.errnum = errno;
		}
		s->out_at += n > 0 ? (size_t)n : len;
	}
	return STEP_ON;
}

/* Read once into in, which is empty. */
static enum step
fill(struct starttls *s)
{
	ssize_t n;

	s->in_at = s->in_len = 0;
	if (s->ssl != NULL) {
		ERR_clear_error();
		n = SSL_read(s->ssl, s->in, sizeof(s->in));
		if (n <= 0)
			return tls_wait(s, (int)n);
	} else {
		n = recv(s->sock.fd, s->in, sizeof(s->in), 0);
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK ||
				   errno == EINTR)) {
			watch(s, EV_READ);
			return STEP_WAIT;
		}
		if (n <= 0) {
			s->sock.eof = true;
			s->res.errnum = n == 0 ? s->sock.errnum : errno;
			return finish(s, STARTTLS_CLOSED);
		}
	}
	s->in_len = (size_t)n;
	return STEP_ON;
}

/* Start TLS on what was a plaintext connection. */
static enum step
begin_tls(struct starttls *s)
{
	/*
	 * Whoever put plaintext behind the reply wants it taken for the
	 * server's words inside TLS. Out with it, and on record.
	 */
	if (s->in_at < s->in_len) {
		s->res.injected = true;
		s->res.injected_bytes = s->in_len - s->in_at;
		s->in_at = s->in_len;
	}
	s->sock.max = STARTTLS_MAX_TLS;
	s->ssl = ssl_new(s);
	enter_phase(s, STARTTLS_HANDSHAKE);
	return s->ssl == NULL ? finish(s, STARTTLS_LOCAL) : STEP_ON;
}

static enum step
say_helo(struct starttls *s)
{
	s->tried_helo = true;
	s->reply = (struct smtpreply){0};
	command(s, "HELO %s\r\n", s->ctx->helo);
	return STEP_ON;
}

/* An answer to EHLO or HELO, before TLS and inside. */
static enum step
got_hello(struct starttls *s)
{
	const struct smtpreply *r = &s->reply;

	/* Postfix tries HELO then, unless it was told to go away. */
	if (r->code / 100 != 2)
		return r->code == 421 || s->tried_helo
			   ? finish_reply(s, STARTTLS_EHLO_REFUSED)
			   : say_helo(s);
	if (s->res.phase == STARTTLS_EHLO_TLS) {
		s->res.requiretls = r->requiretls && !s->tried_helo;
		return finish(s, STARTTLS_OK);
	}
	if (s->masked)
		return finish_reply(s, STARTTLS_MASKED);
	if (s->tried_helo || !r->starttls || s->ctx->no_starttls)
		return finish_reply(s, STARTTLS_NOT_OFFERED);
	enter_phase(s, STARTTLS_COMMAND);
	command(s, "STARTTLS\r\n");
	return STEP_ON;
}

/* Where TLS came first. */
static enum step
got_greeting_tls(struct starttls *s)
{
	if (s->reply.code / 100 != 2)
		return finish_reply(s, STARTTLS_GREETING_REFUSED);
	s->greeted = true;
	s->reply = (struct smtpreply){0};
	command(s, "EHLO %s\r\n", s->ctx->helo);
	return STEP_ON;
}

/* A whole reply is in s->reply: what next? */
static enum step
got_reply(struct starttls *s)
{
	const struct smtpreply *r = &s->reply;
	bool good = r->code / 100 == 2;

	switch (s->res.phase) {
	case STARTTLS_GREETING:
		if (!good)
			return finish_reply(s, STARTTLS_GREETING_REFUSED);
		s->greeted = true;
		s->masked = !r->readable && !s->ctx->keep_esmtp;
		enter_phase(s, STARTTLS_EHLO);
		if (s->masked)
			return say_helo(s);
		command(s, "EHLO %s\r\n", s->ctx->helo);
		return STEP_ON;
	case STARTTLS_COMMAND:
		return good ? begin_tls(s) : finish_reply(s, STARTTLS_REFUSED);
	default:
		return s->greeted ? got_hello(s) : got_greeting_tls(s);
	}
}

static enum step
handshake(struct starttls *s)
{
	int rc;

	ERR_clear_error();
	rc = SSL_connect(s->ssl);
	if (rc == 1) {
		note_tls(s->ssl, &s->res);
		enter_phase(s, STARTTLS_EHLO_TLS);
		if (s->greeted)
			command(s, "EHLO %s\r\n", s->ctx->helo);
		return STEP_ON;
	}
	return tls_wait(s, rc);
}

/* Take what is in the buffer as (part of) a reply, or read some first. */
static enum step
converse(struct starttls *s)
{
	enum smtpreply_status st;
	enum step step;
	size_t used;

	if ((step = flush(s)) != STEP_ON)
		return step;
	if (s->in_at == s->in_len && (step = fill(s)) != STEP_ON)
		return step;
	st = smtpreply_feed(
	    &s->reply, s->in + s->in_at, s->in_len - s->in_at, &used);
	s->in_at += used;
	if (st == SMTPREPLY_TOO_MUCH)
		return finish_reply(s, STARTTLS_TOO_MUCH);
	return st == SMTPREPLY_DONE ? got_reply(s) : STEP_ON;
}

/* Whose fault a failed connect is: the peer's, the network's or ours. */
static enum starttls_outcome
connect_outcome(int errnum)
{
	switch (errnum) {
	case ECONNREFUSED:
		return STARTTLS_CONNECT_REFUSED;
	case ETIMEDOUT:
		return STARTTLS_CONNECT_TIMEOUT;
	case EACCES:
	case EPERM:
	case EADDRNOTAVAIL:
		return STARTTLS_LOCAL;
	default:
		return STARTTLS_CONNECT_FAILED;
	}
}

/* The connect has ended, well or not. */
static void
connected(struct starttls *s)
{
	int errnum = 0;
	socklen_t len = sizeof(errnum);

	if (getsockopt(s->sock.fd, SOL_SOCKET, SO_ERROR, &errnum, &len) == -1)
		errnum = errno;
	s->res.errnum = errnum;
	if (errnum != 0) {
		(void)finish(s, connect_outcome(errnum));
		return;
	}
	if (!s->ctx->wrapped) {
		enter_phase(s, STARTTLS_GREETING);
		watch(s, EV_READ);
	} else if (begin_tls(s) == STEP_ON)
		watch(s, EV_WRITE);
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct starttls *s = arg;
	enum step step = STEP_ON;
	int turn;

	(void)fd;
	(void)what;
	if (s->res.phase == STARTTLS_CONNECT) {
		connected(s);
		return;
	}
	for (turn = 0; turn < READS_A_TURN && step == STEP_ON; turn++)
		step = s->res.phase == STARTTLS_HANDSHAKE ? handshake(s)
							  : converse(s);
	/*
	 * Out of turns with data perhaps left in OpenSSL's buffer or ours,
	 * which the socket does not show: come back by ourselves.
	 */
	if (step == STEP_ON) {
		watch(s, EV_READ);
		event_active(&s->io, EV_READ, 0);
	}
}

/* The result is known already; tell from the loop. */
static struct starttls *
fail_early(struct starttls *s, enum starttls_outcome outcome, int errnum)
{
	static const struct timeval at_once = {0, 0};

	s->failed_early = true;
	s->res.outcome = outcome;
	s->res.errnum = errnum;
	(void)event_add(&s->timer, &at_once);
	return s;
}

static bool
bind_from(const struct starttls *s, int family)
{
	const struct sockaddr_in *v4 = &s->ctx->from4;
	const struct sockaddr_in6 *v6 = &s->ctx->from6;
	int rv = 0;

	if (family == AF_INET && v4->sin_family != 0)
		rv = bind(s->sock.fd, (const struct sockaddr *)v4, sizeof(*v4));
	if (family == AF_INET6 && v6->sin6_family != 0)
		rv = bind(s->sock.fd, (const struct sockaddr *)v6, sizeof(*v6));
	return rv == 0 || !s->ctx->from_needed;
}

struct starttls *
starttls_start(struct event_base *base, struct starttls_ctx *ctx,
    const struct sockaddr *addr, socklen_t addrlen, const char *sni,
    starttls_cb *cb, void *arg)
{
	struct starttls *s = mem_zero(1, sizeof(*s));
	int one = 1;

	ctx->refs++;
	s->ctx = ctx;
	s->cb = cb;
	s->arg = arg;
	s->sock.fd = -1;
	(void)event_assign(&s->timer, base, -1, 0, on_timer, s);
	s->begun = clock_ns() / 1000;
	if (sni != NULL && strlen(sni) > STARTTLS_MAX_SNI)
		return fail_early(s, STARTTLS_LOCAL, ENAMETOOLONG);
	if (sni != NULL)
		memcpy(s->sni, sni, strlen(sni) + 1);
	s->sock.fd = socket(
	    addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->sock.fd == -1)
		return fail_early(s, STARTTLS_LOCAL, errno);
	(void)setsockopt(
	    s->sock.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	enter_phase(s, STARTTLS_CONNECT);
	if (!bind_from(s, addr->sa_family))
		return fail_early(s, STARTTLS_LOCAL, errno);
	if (connect(s->sock.fd, addr, addrlen) == -1 && errno != EINPROGRESS)
		return fail_early(s, connect_outcome(errno), errno);
	watch(s, EV_WRITE);
	return s;
}

const char *const starttls_phase_names[STARTTLS_PHASES] = {
    [STARTTLS_CONNECT] = "connect",
    [STARTTLS_GREETING] = "greeting",
    [STARTTLS_EHLO] = "ehlo",
    [STARTTLS_COMMAND] = "starttls",
    [STARTTLS_HANDSHAKE] = "handshake",
    [STARTTLS_EHLO_TLS] = "ehlo-tls",
};
