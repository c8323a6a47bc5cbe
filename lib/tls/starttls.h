/*
 * starttls.h: one look at one SMTP server: connect, greeting, EHLO,
 * STARTTLS, TLS handshake, EHLO again, QUIT. Never sends mail.
 *
 * It reports what it saw and judges nothing: the certificate chain is
 * taken, not verified. TLS is spoken as Postfix's smtp(8) does (3.7,
 * tls_client.c): same curves, options and size limits, and the cipher list,
 * protocol floor and security level that the caller asks for, so that a
 * handshake fails here when it would fail there. As there, HELO follows an
 * EHLO that was refused, and stands for it behind a greeting that a firewall
 * has masked (smtp_pix_workarounds, disable_esmtp).
 *
 * Runs in the caller's event loop and never blocks. A server cannot hold it
 * for longer than total_ms, nor make it keep more than some 100 kB.
 */
#ifndef STARTTLS_H
#define STARTTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <openssl/x509.h>

#include "smtpreply.h"

struct err;
struct event_base;
struct starttls;
struct starttls_ctx;

#define STARTTLS_MAX_HELO 255	  /* bytes of the EHLO name */
#define STARTTLS_MAX_SNI 255	  /* bytes of the server name, as in TLS */
#define STARTTLS_MAX_CHAIN 102400 /* bytes of certificates, as Postfix has */
#define STARTTLS_MAX_TLS 524288	  /* bytes in all since STARTTLS */
#define STARTTLS_WORD_MAX 48	  /* bytes of a short name, NUL included */

/*
 * Postfix's cipher grades (3.7, mail_params.h). Levels that look at the
 * certificate add STARTTLS_NO_ANON, the others STARTTLS_NO_NULL.
 */
#define STARTTLS_CIPHERS_HIGH "aNULL:-aNULL:HIGH:@STRENGTH"
#define STARTTLS_CIPHERS_MEDIUM "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH"
#define STARTTLS_NO_ANON ":!aNULL"
#define STARTTLS_NO_NULL ":!eNULL"

/* What sessions have in common. Strings are copied by starttls_ctx_new. */
struct starttls_params {
	const char *helo;    /* EHLO name: printable, no blanks; required */
	const char *ciphers; /* for TLS 1.2 and older; NULL: _MEDIUM */
	/*
	 * OpenSSL security level. Postfix: 0 at may and encrypt, 1 at
	 * levels that match the certificate. In OpenSSL 3.0 level 1 refuses
	 * SHA-1 signatures, and with them TLS before 1.2 (RSA key transport
	 * aside).
	 */
	int security_level;
	int min_proto;	    /* TLS1_2_VERSION and so on; 0: TLS 1.0 */
	int max_proto;	    /* the same; 0: the newest there is */
	const char *curves; /* of the key exchange; NULL: Postfix's, "": all */
	bool no_starttls;   /* not offered, whatever the server says */
	bool keep_esmtp;    /* EHLO also behind a masked greeting */
	bool wrapped;	    /* TLS from the start, and no STARTTLS */
	/* The address to connect from, by family; NULL, or family 0: any. */
	const struct sockaddr_in *from4;
	const struct sockaddr_in6 *from6;
	bool from_needed; /* if it is not ours: STARTTLS_LOCAL; else any */
	unsigned step_ms; /* longest for each phase; required */
	/* The same for connect, greeting and EHLO, STARTTLS; 0: step_ms. */
	unsigned connect_ms, helo_ms, starttls_ms;
	unsigned total_ms; /* longest for all of it; required */
};

/* Where a session was when it ended. */
enum starttls_phase {
	STARTTLS_CONNECT,
	STARTTLS_GREETING,
	STARTTLS_EHLO,
	STARTTLS_COMMAND,   /* STARTTLS sent, reply awaited */
	STARTTLS_HANDSHAKE, /* TLS handshake */
	STARTTLS_EHLO_TLS,  /* EHLO inside TLS */
	STARTTLS_PHASES
};

enum starttls_outcome {
	STARTTLS_OK,		   /* all phases passed */
	STARTTLS_CONNECT_REFUSED,  /* ECONNREFUSED */
	STARTTLS_CONNECT_TIMEOUT,  /* no answer to SYN */
	STARTTLS_CONNECT_FAILED,   /* other: see errnum */
	STARTTLS_GREETING_REFUSED, /* greeting not 2xx: see code, text */
	STARTTLS_EHLO_REFUSED,	   /* EHLO not 2xx: see phase, code, text */
	STARTTLS_NOT_OFFERED,	   /* EHLO reply lacks STARTTLS, or HELO */
	STARTTLS_MASKED,	   /* greeting "220 ****": only HELO was said */
	STARTTLS_REFUSED,	   /* STARTTLS not 2xx: see code, text */
	STARTTLS_PROTOCOL_TOO_OLD, /* no TLS version in common */
	STARTTLS_HANDSHAKE_FAILED, /* see text: OpenSSL's reason */
	STARTTLS_TIMEOUT,	   /* after connect: see phase */
	STARTTLS_CLOSED,	   /* peer hung up: see phase, errnum */
	STARTTLS_TOO_MUCH,	   /* peer sent too much: see phase */
	STARTTLS_TLS_BROKEN,	   /* TLS error after the handshake */
	STARTTLS_CERT_WANTED,	   /* it insists on a client certificate */
	STARTTLS_LOCAL		   /* our fault (no descriptor...): errnum */
};

/* What was seen. Numbers are 0 and strings empty for what was not reached. */
struct starttls_result {
	enum starttls_outcome outcome;
	enum starttls_phase phase; /* the last one that was entered */
	int errnum;		   /* errno behind the outcome, 0 if none */
	int code;		   /* SMTP code behind the outcome, 0 if none */
	/* Text of that reply, or the reason of a TLS failure, fit to show. */
	char text[SMTPREPLY_TEXT_MAX];

	bool injected; /* plaintext came behind the STARTTLS reply: it was */
	size_t injected_bytes; /* thrown away (CVE-2011-0411 is its model) */
	bool cert_asked;       /* server asked for a client certificate */
	/* With STARTTLS_OK: its EHLO inside TLS announces REQUIRETLS. */
	bool requiretls;

	bool tls;			/* the handshake was completed */
	int proto;			/* TLS1_2_VERSION and so on */
	const char *proto_name;		/* "TLSv1.2"; static, NULL before tls */
	char cipher[STARTTLS_WORD_MAX]; /* OpenSSL's name */
	/* As Postfix logs them: "X25519", "ECDHE (prime256v1)", "DHE (2048
	 * bits)", "" for RSA key transport; "RSA-PSS", "ECDSA" */
	char kex[STARTTLS_WORD_MAX];
	char sig[STARTTLS_WORD_MAX];
	/*
	 * The certificates as sent, the server's own first; NULL if none
	 * came. Can be there without tls, when the handshake failed later.
	 * Borrowed: X509_chain_up_ref keeps them beyond the callback.
	 */
	STACK_OF(X509) * chain;

	unsigned total_ms; /* that the session took */
};

/* Called once for each session, from the event loop; r lives until it ends. */
typedef void starttls_cb(const struct starttls_result *r, void *arg);

/*
 * Prepare what sessions share. NULL with *err set: EX_USAGE for parameters
 * that OpenSSL or SMTP cannot take, EX_SOFTWARE if OpenSSL fails.
 */
struct starttls_ctx *starttls_ctx_new(
    const struct starttls_params *p, struct err *err);

/* Let go of ctx; sessions that still run keep what they need. NULL is fine. */
void starttls_ctx_free(struct starttls_ctx *ctx);

/*
 * Begin a session to the IPv4 or IPv6 address addr, with sni as TLS server
 * name (copied; NULL sends none). cb is always called, later and from the
 * loop of base, whatever goes wrong; the session frees itself after it.
 * The returned handle is good until then.
 */
struct starttls *starttls_start(struct event_base *base,
    struct starttls_ctx *ctx, const struct sockaddr *addr, socklen_t addrlen,
    const char *sni, starttls_cb *cb, void *arg);

/* End a session without calling back. Not from inside its own callback. */
void starttls_cancel(struct starttls *s);

/* Short words: "connect", "ehlo", "handshake". */
extern const char *const starttls_phase_names[STARTTLS_PHASES];

#endif
