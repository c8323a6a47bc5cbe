/*
 * outcomes.h: words for the outcomes of sessions, for tests.
 */
#ifndef OUTCOMES_H
#define OUTCOMES_H

#include "starttls.h"

static inline const char *
outcome_name(enum starttls_outcome o)
{
	static const char *const names[] = {
	    [STARTTLS_OK] = "ok",
	    [STARTTLS_CONNECT_REFUSED] = "connect-refused",
	    [STARTTLS_CONNECT_TIMEOUT] = "connect-timeout",
	    [STARTTLS_CONNECT_FAILED] = "connect-failed",
	    [STARTTLS_GREETING_REFUSED] = "greeting-refused",
	    [STARTTLS_EHLO_REFUSED] = "ehlo-refused",
	    [STARTTLS_NOT_OFFERED] = "no-starttls",
	    [STARTTLS_MASKED] = "masked",
	    [STARTTLS_REFUSED] = "starttls-refused",
	    [STARTTLS_PROTOCOL_TOO_OLD] = "protocol-too-old",
	    [STARTTLS_HANDSHAKE_FAILED] = "handshake-failed",
	    [STARTTLS_TIMEOUT] = "timeout",
	    [STARTTLS_CLOSED] = "closed",
	    [STARTTLS_TOO_MUCH] = "too-much-data",
	    [STARTTLS_TLS_BROKEN] = "tls-broken",
	    [STARTTLS_CERT_WANTED] = "cert-wanted",
	    [STARTTLS_LOCAL] = "local-error",
	};

	return names[o];
}

#endif
