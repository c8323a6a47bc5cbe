#include "policyproto.h"

#include <string.h>

#define NAME(text, id)                                   \
	{                                                \
		text "=", sizeof(text), POLICYPROTO_##id \
	}

/*
 * In the order in which Postfix sends them, so that each is found at the
 * first try; those that nobody asks for are here for that only.
 */
static const struct known {
	const char *name; /* and '=' */
	size_t len;
	enum policyproto_name id;
} known[] = {
    NAME("request", REQUEST),
    NAME("protocol_state", STATE),
    NAME("protocol_name", COUNT),
    NAME("client_address", CLIENT_ADDRESS),
    NAME("client_name", CLIENT_NAME),
    NAME("client_port", COUNT),
    NAME("reverse_client_name", COUNT),
    NAME("server_address", SERVER_ADDRESS),
    NAME("server_port", COUNT),
    NAME("helo_name", COUNT),
    NAME("sender", SENDER),
    NAME("recipient", RECIPIENT),
    NAME("recipient_count", COUNT),
    NAME("queue_id", QUEUE_ID),
    NAME("instance", INSTANCE),
    NAME("size", COUNT),
    NAME("etrn_domain", COUNT),
    NAME("stress", COUNT),
    NAME("sasl_method", COUNT),
    NAME("sasl_username", COUNT),
    NAME("sasl_sender", COUNT),
    NAME("ccert_subject", CCERT_SUBJECT),
    NAME("ccert_issuer", CCERT_ISSUER),
    NAME("ccert_fingerprint", CCERT_FINGERPRINT),
    NAME("ccert_pubkey_fingerprint", CCERT_PUBKEY),
    NAME("encryption_protocol", PROTOCOL),
    NAME("encryption_cipher", CIPHER),
    NAME("encryption_keysize", KEYSIZE),
    NAME("policy_context", CONTEXT),
    NAME("compatibility_level", COUNT),
    NAME("mail_version", COUNT),
};

#define NKNOWN (sizeof(known) / sizeof(known[0]))

/*
 * The attribute on the line of len bytes at p, searched from *next on;
 * NULL if it is unknown.
 */
static const struct known *
find(const char *p, size_t len, size_t *next)
{
	const struct known *k;
	size_t i;

	for (i = 0; i < NKNOWN; i++) {
		if (*next == NKNOWN)
			*next = 0;
		k = &known[(*next)++];
		if (k->len <= len && memcmp(k->name, p, k->len) == 0)
			return k;
	}
	return NULL;
}

enum policyproto_status
policyproto_take(const char *data, size_t len, struct policyproto *out,
    size_t *used, const char **why)
{
	const char *p = data, *end = data + len, *lf;
	const struct known *k;
	size_t next = 0;

	*out = (struct policyproto){0};
	for (; (lf = memchr(p, '\n', (size_t)(end - p))) != NULL; p = lf + 1) {
		if (lf == p)
			break;
		/* Its end would never come. */
		if (p == data && lf[-1] == '\r') {
			*why = "lines end in CR LF, not in LF";
			return POLICYPROTO_BAD;
		}
		k = find(p, (size_t)(lf - p), &next);
		if (k == NULL && memchr(p, '=', (size_t)(lf - p)) == NULL) {
			*why = "a line without '='";
			return POLICYPROTO_BAD;
		}
		if (k == NULL || k->id == POLICYPROTO_COUNT ||
		    out->v[k->id].p != NULL)
			continue;
		out->v[k->id] =
		    (struct span){p + k->len, (size_t)(lf - p) - k->len};
	}
	if (lf == NULL)
		return POLICYPROTO_MORE;
	*used = (size_t)(lf + 1 - data);
	*why = p == data			   ? "an empty request"
	       : memchr(data, '\0', *used) != NULL ? "a NUL byte"
						   : NULL;
	if (*why != NULL)
		return POLICYPROTO_BAD;
	for (next = 0; next < POLICYPROTO_COUNT; next++)
		if (out->v[next].p == NULL)
			out->v[next].p = "";
	return POLICYPROTO_DONE;
}
