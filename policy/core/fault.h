/*
 * fault.h: the closed list of what can be wrong with a gateway.
 */
#ifndef FAULT_H
#define FAULT_H

#include "level.h"

#include <stdbool.h>

/*
 * In order of severity: of several faults the last in this list is the one
 * to tell, because it needs the largest step. Texts are stored in ledgers:
 * the words of fault_text never change, the numbers may.
 */
enum fault {
	FAULT_OK,
	/* Only our own stricter rules are broken; Postfix delivers. */
	FAULT_WRONG_ISSUER,
	FAULT_COMMON_NAME_MISMATCH,
	FAULT_INJECTED, /* somebody in between; Postfix, too, discards it */
	/* Not TLS: never a reason to drop. */
	FAULT_LOCAL_ERROR,
	FAULT_DNS_FAILED,
	FAULT_NO_MX,
	FAULT_TLSA_FAILED, /* the look-up: with dane, Postfix defers */
	FAULT_CONNECT_FAILED,
	FAULT_CONNECT_REFUSED,
	FAULT_CONNECT_TIMEOUT,
	FAULT_GREETING_REFUSED,
	FAULT_TIMEOUT,
	FAULT_CONNECTION_LOST,
	FAULT_SMTP_ERROR,
	FAULT_TOO_MUCH_DATA,
	FAULT_CLIENT_CERTIFICATE, /* it wants ours, which only Postfix has */
	/* The certificate. */
	FAULT_EXPIRED,
	FAULT_NOT_YET_VALID,
	FAULT_WEAK_SIGNATURE,
	FAULT_WRONG_PURPOSE,
	FAULT_NAME_MISMATCH,
	FAULT_WEAK_KEY,
	FAULT_NO_TLSA,
	FAULT_DANE_MISMATCH,
	FAULT_KEY_CHANGED,
	FAULT_UNTRUSTED_ISSUER,
	FAULT_SELF_SIGNED,
	FAULT_NO_CERTIFICATE,
	/* No TLS at all. */
	FAULT_PROTOCOL_TOO_OLD,
	FAULT_HANDSHAKE_FAILED,
	FAULT_STARTTLS_REFUSED,
	FAULT_NO_STARTTLS,
	FAULT_COUNT
};

/* The word for f: "ok", "expired", "name-mismatch", ... */
const char *fault_text(enum fault f);

/* The same as JSON: null where there is no fault. */
struct json_t *fault_json(enum fault f);

/* The fault of that word. 0, or -1 (*out untouched). */
int fault_parse(const char *s, enum fault *out);

/* One sentence for a postmaster: what it is. */
const char *fault_description(enum fault f);

/*
 * What the other side can do about it: a sentence, and some lines of a letter
 * to its postmaster.
 */
const char *fault_remedy(enum fault f);
const char *fault_advice(enum fault f);

/* The worse of the two. */
enum fault fault_worse(enum fault a, enum fault b);

/* TLS or its certificate is at fault, not DNS, the network or SMTP. */
bool fault_is_tls(enum fault f);

/* Mail cannot move over TLS as `secure` wants it: Postfix defers. */
bool fault_stops_mail(enum fault f);

/*
 * The smallest downgrade that gets mail moving again (it was enforced by CA
 * and name); LEVEL_SECURE: none helps, or none is needed. same_key: the key
 * shown is the one that passed last.
 */
enum level fault_smallest_step(enum fault f, bool same_key);

#endif
