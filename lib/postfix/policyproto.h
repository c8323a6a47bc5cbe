/*
 * policyproto.h: Postfix's policy delegation protocol, the framing.
 *
 * A request is `name=value` lines that end in LF, and an empty line behind
 * them (SMTPD_POLICY_README). Values are the bytes of strangers: anything
 * but LF and NUL.
 */
#ifndef POLICYPROTO_H
#define POLICYPROTO_H

#include <stddef.h>

#include "span.h"

struct buf;

#define POLICYPROTO_MAX 32768 /* bytes of a request; Postfix sends < 8 kB */

/* Attributes that we know; others are passed over. */
enum policyproto_name {
	POLICYPROTO_REQUEST,
	POLICYPROTO_STATE, /* protocol_state, and so on */
	POLICYPROTO_CLIENT_ADDRESS,
	POLICYPROTO_CLIENT_NAME,
	POLICYPROTO_SERVER_ADDRESS, /* 3.2 and later */
	POLICYPROTO_SENDER,
	POLICYPROTO_RECIPIENT,
	POLICYPROTO_INSTANCE,
	POLICYPROTO_QUEUE_ID,
	POLICYPROTO_CONTEXT,
	POLICYPROTO_PROTOCOL, /* encryption_protocol */
	POLICYPROTO_CIPHER,
	POLICYPROTO_KEYSIZE,
	POLICYPROTO_CCERT_SUBJECT,
	POLICYPROTO_CCERT_ISSUER,
	POLICYPROTO_CCERT_FINGERPRINT,
	POLICYPROTO_CCERT_PUBKEY,
	POLICYPROTO_COUNT, /* and behind that, in no array, the unknown */
};

/*
 * Attributes that were not sent are empty, of two the first one counts. They
 * borrow from the data; p is never NULL.
 */
struct policyproto {
	struct span v[POLICYPROTO_COUNT];
};

enum policyproto_status {
	POLICYPROTO_DONE,
	POLICYPROTO_MORE, /* the empty line is not there yet */
	POLICYPROTO_BAD,  /* *why says what is wrong */
};

/*
 * Take the request at the beginning of the len bytes at data.
 * POLICYPROTO_DONE: *used bytes were taken.
 */
enum policyproto_status policyproto_take(const char *data, size_t len,
    struct policyproto *out, size_t *used, const char **why);

#endif
