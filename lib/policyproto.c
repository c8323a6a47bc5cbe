#include "policyproto.h"

#include <stdbool.h>
#include <string.h>

#include "buf.h"

#define NAME(text, id)                                   \
	{                                                \
		text, sizeof(text) - 1, POLICYPROTO_##id \
	}

static const struct known {
	const char *name;
	size_t len;
	enum policyproto_name id;
} known[] = {
    NAME("request", REQUEST),
    NAME("protocol_state", STATE),
    NAME("client_address", CLIENT_ADDRESS),
    NAME("client_name", CLIENT_NAME),
    NAME("sender", SENDER),
    NAME("recipient", RECIPIENT),
    NAME("instance", INSTANCE),
    NAME("queue_id", QUEUE_ID),
    NAME("policy_context", CONTEXT),
    NAME("encryption_protocol", PROTOCOL),
    NAME("encryption_cipher", CIPHER),
    NAME("encryption_keysize", KEYSIZE),
    NAME("ccert_subject", CCERT_SUBJECT),
    NAME("ccert_fingerprint", CCERT_FINGERPRINT),
    NAME("ccert_pubkey_fingerprint", CCERT_PUBKEY),
};

#define NKNOWN (sizeof(known) / sizeof(known[0]))

static void
take(struct policyproto *out, const char *name, size_t nlen, const char *value,
    size_t vlen)
{
	struct policyproto_value *v;
	size_t i;

	for (i = 0; i < NKNOWN; i++) {
		if (known[i].len != nlen || known[i].name[0] != *name ||
		    memcmp(known[i].name, name, nlen) != 0)
			continue;
		v = &out->v[known[i].id];
		if (v->s == NULL) {
			v->s = value;
			v->len = vlen;
		}
		return;
	}
}

/* The end of the request, behind the empty line; NULL if it is not there. */
static const char *
find_end(const char *data, size_t len, size_t seen)
{
	const char *p, *end = data + len;

	/* No request is empty, and the two may come in two pieces. */
	p = data + (seen > 1 ? seen - 1 : 0);
	p = len == 0 ? NULL : memmem(p, (size_t)(end - p), "\n\n", 2);
	return p == NULL ? NULL : p + 2;
}

static const char *
check(const char *data, size_t len)
{
	const char *lf = memchr(data, '\n', len);

	if (len > 0 && *data == '\n')
		return "an empty request";
	if (lf != NULL && lf > data && lf[-1] == '\r')
		return "lines end in CR LF; this protocol ends them in LF";
	return NULL;
}

enum policyproto_status
policyproto_take(const char *data, size_t len, size_t seen,
    struct policyproto *out, size_t *used, const char **why)
{
	const char *end, *p, *lf, *eq;
	size_t i;

	if ((*why = check(data, len)) != NULL)
		return POLICYPROTO_BAD;
	if ((end = find_end(data, len, seen)) == NULL)
		return POLICYPROTO_MORE;
	*used = (size_t)(end - data);
	if (memchr(data, '\0', *used) != NULL) {
		*why = "a NUL byte";
		return POLICYPROTO_BAD;
	}
	memset(out, 0, sizeof(*out));
	for (p = data; p < end - 1; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if ((eq = memchr(p, '=', (size_t)(lf - p))) == NULL) {
			*why = "a line without '='";
			return POLICYPROTO_BAD;
		}
		take(out, p, (size_t)(eq - p), eq + 1, (size_t)(lf - eq - 1));
	}
	for (i = 0; i < POLICYPROTO_COUNT; i++)
		if (out->v[i].s == NULL)
			out->v[i].s = "";
	return POLICYPROTO_DONE;
}

void
policyproto_answer(struct buf *out, const char *action)
{
	buf_add(out, "action=", 7);
	buf_puts(out, action);
	buf_add(out, "\n\n", 2);
}
