#include "starttls.h"

#include "mem.h"
#include "sockbio.h"
#include "starttls_tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/err.h>

#define READ_SIZE                                                            \
	4096	       /* as Postfix's VSTREAM: decides what is "behind" 220 \
			*/
#define READS_A_TURN 8 /* then other sessions get theirs */
#define COMMAND_MAX (STARTTLS_MAX_HELO + 16)

struct starttls {
	struct starttls_ctx *ctx;
	struct event io;
	struct event timer;
	bool io_added;
	short io_mask;
	bool failed_early; /* result is known before the loop ran */
	bool tried_helo;   /* inside TLS: EHLO was refused, HELO sent */

	uint64_t begun; /* monotonic, microseconds */
	uint64_t phase_begun;

	struct sockbio sock;
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

static void on_io(evutil_socket_t fd, short what, void *arg);

static uint64_t
now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
session_free(struct starttls *s)
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

void
starttls_cancel(struct starttls *s)
{
	session_free(s);
}

static void
leave_phase(struct starttls *s, uint64_t now)
{
	s->res.ms[s->res.phase] = (unsigned)((now - s->phase_begun) / 1000);
	s->phase_begun = now;
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
static void
finish(struct starttls *s, enum starttls_outcome outcome)
{
	uint64_t now = now_us();

	leave_phase(s, now);
	s->res.total_ms = (unsigned)((now - s->begun) / 1000);
	s->res.outcome = outcome;
	switch (outcome) {
	case STARTTLS_OK:
	case STARTTLS_GREETING_REFUSED:
	case STARTTLS_EHLO_REFUSED:
	case STARTTLS_NOT_OFFERED:
	case STARTTLS_REFUSED:
		say_quit(s);
		break;
	default:
		break;
	}
	s->cb(&s->res, s->arg);
	session_free(s);
}

/* The end because of a reply. */
static void
finish_reply(struct starttls *s, enum starttls_outcome outcome)
{
	s->res.code = s->reply.code;
	memcpy(s->res.text, s->reply.last, sizeof(s->res.text));
	finish(s, outcome);
}

/* The end because the peer is gone, or because of errno of a socket call. */
static void
finish_closed(struct starttls *s, int errnum)
{
	s->res.errnum = errnum;
	finish(s, STARTTLS_CLOSED);
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
	uint64_t now = now_us(), left, total, spent;
	struct timeval tv;

	if (phase != STARTTLS_CONNECT)
		leave_phase(s, now);
	s->res.phase = phase;
	smtpreply_clear(&s->reply);

	total = (uint64_t)s->ctx->total_ms * 1000;
	spent = now - s->begun;
	left = spent < total ? total - spent : 0;
	if (left > (uint64_t)s->ctx->step_ms * 1000)
		left = (uint64_t)s->ctx->step_ms * 1000;
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
static void
finish_tls(struct starttls *s, int rc)
{
	enum starttls_outcome o;

	o = starttls_tls_failure(s->ssl, rc, &s->sock, &s->res);
	starttls_tls_facts(s->ssl, &s->res); /* the chain may have come */
	if (s->res.phase == STARTTLS_EHLO_TLS &&
	    (o == STARTTLS_HANDSHAKE_FAILED || o == STARTTLS_PROTOCOL_TOO_OLD))
		o = STARTTLS_TLS_BROKEN;
	finish(s, o);
}

/*
 * What a transfer left to do: 1 all went well, 0 wait for the socket (the
 * event is set), -1 the session has ended and s is gone.
 */
enum step { STEP_GONE = -1, STEP_WAIT, STEP_ON };

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
		finish_tls(s, rc);
		return STEP_GONE;
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
			finish_closed(s, n == 0 ? s->sock.errnum : errno);
			return STEP_GONE;
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
	s->ssl = starttls_tls_new(
	    s->ctx, &s->sock, s->sni[0] == '\0' ? NULL : s->sni, &s->res);
	enter_phase(s, STARTTLS_HANDSHAKE);
	if (s->ssl == NULL) {
		ERR_clear_error();
		finish(s, STARTTLS_LOCAL);
		return STEP_GONE;
	}
	SSL_set_connect_state(s->ssl);
	return STEP_ON;
}

static enum step
got_ehlo_tls(struct starttls *s)
{
	/* Postfix tries HELO then, unless it was told to go away. */
	if (s->reply.code / 100 != 2 && s->reply.code != 421 &&
	    !s->tried_helo) {
		s->tried_helo = true;
		smtpreply_clear(&s->reply);
		command(s, "HELO %s\r\n", s->ctx->helo);
		return STEP_ON;
	}
	if (s->reply.code / 100 != 2)
		finish_reply(s, STARTTLS_EHLO_REFUSED);
	else
		finish(s, STARTTLS_OK);
	return STEP_GONE;
}

/* A whole reply is in s->reply: what next? */
static enum step
got_reply(struct starttls *s)
{
	const struct smtpreply *r = &s->reply;
	bool good = r->code / 100 == 2;

	if (r->codes_differ || r->noise || r->bare_lf || r->overlong)
		s->res.odd_reply = true;
	switch (s->res.phase) {
	case STARTTLS_GREETING:
		s->res.greeting_code = r->code;
		memcpy(s->res.greeting, r->first, sizeof(s->res.greeting));
		if (!good) {
			finish_reply(s, STARTTLS_GREETING_REFUSED);
			return STEP_GONE;
		}
		enter_phase(s, STARTTLS_EHLO);
		command(s, "EHLO %s\r\n", s->ctx->helo);
		return STEP_ON;
	case STARTTLS_EHLO:
		s->res.offered = good && r->starttls;
		if (!good || !r->starttls) {
			finish_reply(s, good ? STARTTLS_NOT_OFFERED
					     : STARTTLS_EHLO_REFUSED);
			return STEP_GONE;
		}
		enter_phase(s, STARTTLS_COMMAND);
		command(s, "STARTTLS\r\n");
		return STEP_ON;
	case STARTTLS_COMMAND:
		if (!good) {
			finish_reply(s, STARTTLS_REFUSED);
			return STEP_GONE;
		}
		return begin_tls(s);
	default:
		return got_ehlo_tls(s);
	}
}

static enum step
handshake(struct starttls *s)
{
	int rc;

	ERR_clear_error();
	rc = SSL_connect(s->ssl);
	if (rc == 1) {
		starttls_tls_facts(s->ssl, &s->res);
		enter_phase(s, STARTTLS_EHLO_TLS);
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
	if (st == SMTPREPLY_TOO_MUCH) {
		s->res.code = s->reply.code;
		memcpy(s->res.text, s->reply.last, sizeof(s->res.text));
		finish(s, STARTTLS_TOO_MUCH);
		return STEP_GONE;
	}
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
connected(struct starttls *s, int errnum)
{
	if (errnum != 0) {
		s->res.errnum = errnum;
		finish(s, connect_outcome(errnum));
		return;
	}
	enter_phase(s, STARTTLS_GREETING);
	watch(s, EV_READ);
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct starttls *s = arg;
	enum step step = STEP_ON;
	int errnum = 0, turn;
	socklen_t len = sizeof(errnum);

	(void)what;
	if (s->res.phase == STARTTLS_CONNECT) {
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &len) == -1)
			errnum = errno;
		connected(s, errnum);
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
static void
fail_early(struct starttls *s, enum starttls_outcome outcome, int errnum)
{
	static const struct timeval at_once = {0, 0};

	s->failed_early = true;
	s->res.outcome = outcome;
	s->res.errnum = errnum;
	(void)event_add(&s->timer, &at_once);
}

struct starttls *
starttls_start(struct event_base *base, struct starttls_ctx *ctx,
    const struct sockaddr *addr, socklen_t addrlen, const char *sni,
    starttls_cb *cb, void *arg)
{
	struct starttls *s = mem_zero(1, sizeof(*s));
	int one = 1;

	starttls_ctx_hold(ctx);
	s->ctx = ctx;
	s->cb = cb;
	s->arg = arg;
	s->sock.fd = -1;
	(void)event_assign(&s->timer, base, -1, 0, on_timer, s);
	s->begun = s->phase_begun = now_us();
	if (sni != NULL && strlen(sni) > STARTTLS_MAX_SNI) {
		fail_early(s, STARTTLS_LOCAL, ENAMETOOLONG);
		return s;
	}
	if (sni != NULL)
		memcpy(s->sni, sni, strlen(sni) + 1);
	s->sock.fd = socket(
	    addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->sock.fd == -1) {
		fail_early(s, STARTTLS_LOCAL, errno);
		return s;
	}
	(void)setsockopt(
	    s->sock.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	enter_phase(s, STARTTLS_CONNECT);
	if (connect(s->sock.fd, addr, addrlen) == -1 && errno != EINPROGRESS) {
		fail_early(s, connect_outcome(errno), errno);
		return s;
	}
	watch(s, EV_WRITE);
	return s;
}

const char *
starttls_outcome_name(enum starttls_outcome o)
{
	static const char *const names[] = {
	    [STARTTLS_OK] = "ok",
	    [STARTTLS_CONNECT_REFUSED] = "connect-refused",
	    [STARTTLS_CONNECT_TIMEOUT] = "connect-timeout",
	    [STARTTLS_CONNECT_FAILED] = "connect-failed",
	    [STARTTLS_GREETING_REFUSED] = "greeting-refused",
	    [STARTTLS_EHLO_REFUSED] = "ehlo-refused",
	    [STARTTLS_NOT_OFFERED] = "no-starttls",
	    [STARTTLS_REFUSED] = "starttls-refused",
	    [STARTTLS_PROTOCOL_TOO_OLD] = "protocol-too-old",
	    [STARTTLS_HANDSHAKE_FAILED] = "handshake-failed",
	    [STARTTLS_TIMEOUT] = "timeout",
	    [STARTTLS_CLOSED] = "closed",
	    [STARTTLS_TOO_MUCH] = "too-much-data",
	    [STARTTLS_TLS_BROKEN] = "tls-broken",
	    [STARTTLS_LOCAL] = "local-error",
	};

	return names[o];
}

const char *
starttls_phase_name(enum starttls_phase p)
{
	static const char *const names[STARTTLS_PHASES] = {
	    [STARTTLS_CONNECT] = "connect",
	    [STARTTLS_GREETING] = "greeting",
	    [STARTTLS_EHLO] = "ehlo",
	    [STARTTLS_COMMAND] = "starttls",
	    [STARTTLS_HANDSHAKE] = "handshake",
	    [STARTTLS_EHLO_TLS] = "ehlo-tls",
	};

	return names[p];
}
