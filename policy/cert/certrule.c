#include "certrule.h"
#include "certrule_priv.h"

#include "err.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGEST_LEN 32

static const char *const id_words[CERTRULE_COUNT] = {
    [CERTRULE_CA] = "ca",
    [CERTRULE_SELF_SIGNED] = "self-signed",
    [CERTRULE_ISSUER] = "issuer",
    [CERTRULE_VALIDITY] = "validity",
    [CERTRULE_AHEAD] = "look-ahead",
    [CERTRULE_PURPOSE] = "purpose",
    [CERTRULE_KEY_SIZE] = "key-size",
    [CERTRULE_SIGNATURE] = "signature",
    [CERTRULE_NAME] = "name",
    [CERTRULE_COMMON_NAME] = "common-name",
    [CERTRULE_PIN] = "pinned-key",
    [CERTRULE_TLSA] = "tlsa",
    [CERTRULE_LAST_KEY] = "last-key",
};

const char *
certrule_text(enum certrule_id id)
{
	return id_words[id];
}

const char *
certrule_state_text(enum certrule_state state)
{
	return state == CERTRULE_PASS	     ? "pass"
	       : state == CERTRULE_NOT_ASKED ? "not-asked"
					     : "fail";
}

static void
add_name(struct certrule_job *j, const char *dot, const char *name)
{
	/* A token that stands for nothing matches nothing. */
	if (name == NULL || name[0] == '\0' || j->nnames == CERTRULE_MAX_NAMES)
		return;
	j->name[j->nnames++] = mem_printf("%s%s", dot, name);
}

/* As add_namechecks() of Postfix: the tokens are words in any case. */
static void
resolve_names(struct certrule_job *j)
{
	const struct certrules *r = j->r;
	size_t i;

	/* With DANE the names are not for the partner to choose. */
	if (r->verify == CERTRULE_BY_DANE) {
		add_name(j, "", r->host);
		add_name(j, "", r->nexthop);
		return;
	}
	for (i = 0; i < r->ngateway; i++) {
		if (strcasecmp(r->gateway[i], "nexthop") == 0)
			add_name(j, "", r->nexthop);
		else if (strcasecmp(r->gateway[i], "dot-nexthop") == 0)
			add_name(j, ".", r->nexthop);
		else if (strcasecmp(r->gateway[i], "hostname") == 0)
			add_name(j, "", r->host);
		else
			add_name(j, "", r->gateway[i]);
	}
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A sha256 in hex, with or without colons. 0, or -1 if it is not one. */
static int
digest_parse(const char *s, unsigned char out[DIGEST_LEN])
{
	size_t n = 0;
	int hi, lo;

	while (*s != '\0' && n < DIGEST_LEN) {
		if ((hi = hex_digit(s[0])) < 0 || (lo = hex_digit(s[1])) < 0)
			return -1;
		out[n++] = (unsigned char)(hi << 4 | lo);
		s += 2;
		if (*s == ':' && s[1] != '\0')
			s++;
	}
	return n == DIGEST_LEN && *s == '\0' ? 0 : -1;
}

/*
 * Pins as the records that Postfix makes of them: each may be the digest of
 * the certificate or of its key. The caller frees the array; *digests holds
 * what the records point to.
 */
static struct x509_tlsa *
pin_records(const struct certrules *r, unsigned char **digests, size_t *n)
{
	size_t max =
	    r->npin < CERTRULE_MAX_NAMES ? r->npin : CERTRULE_MAX_NAMES;
	struct x509_tlsa *t = mem_zero(2 * max + 1, sizeof(*t));
	unsigned char *d = mem_zero(max + 1, DIGEST_LEN);
	size_t i;

	*digests = d;
	*n = 0;
	for (i = 0; i < max; i++, d += DIGEST_LEN) {
		if (digest_parse(r->pin[i], d) == -1)
			continue;
		t[*n] = (struct x509_tlsa){3, 0, 1, d, DIGEST_LEN};
		t[*n + 1] = (struct x509_tlsa){3, 1, 1, d, DIGEST_LEN};
		*n += 2;
	}
	return t;
}

static int
ask_openssl(struct certrule_job *j, struct err *err)
{
	const struct certrules *r = j->r;
	struct x509_ask ask = {
	    .store = r->store,
	    .names = (const char *const *)j->name,
	    .nnames = j->nnames,
	    .at = r->at,
	};
	struct x509_tlsa *pins = NULL;
	unsigned char *digests = NULL;
	int rv;

	switch (r->verify) {
	case CERTRULE_BY_NONE:
		memset(&j->v, 0, sizeof(j->v));
		j->v.ok = true;
		return 0;
	case CERTRULE_BY_NAME:
		ask.mode = X509_BY_CA;
		break;
	case CERTRULE_BY_DANE:
		ask.mode = X509_BY_TLSA;
		ask.tlsa = r->tlsa;
		ask.ntlsa = r->ntlsa;
		break;
	case CERTRULE_BY_KEY:
		ask.mode = X509_BY_PIN;
		ask.tlsa = pins = pin_records(r, &digests, &ask.ntlsa);
		break;
	}
	rv = x509_verify(j->chain, &ask, &j->v, err);
	free(pins);
	free(digests);
	return rv;
}

static enum certrule_key
compare_key(const char *last, const char *now)
{
	unsigned char a[DIGEST_LEN], b[DIGEST_LEN];

	if (last == NULL || digest_parse(last, a) == -1 ||
	    digest_parse(now, b) == -1)
		return CERTRULE_KEY_UNKNOWN;
	return memcmp(a, b, DIGEST_LEN) == 0 ? CERTRULE_KEY_SAME
					     : CERTRULE_KEY_NEW;
}

int
certrule_judge(STACK_OF(X509) * c, const struct certrules *r,
    struct certverdict *out, struct err *err)
{
	struct certrule_job *j = mem_zero(1, sizeof(*j));
	size_t i;
	int rv;

	memset(out, 0, sizeof(*out));
	j->chain = c;
	j->leaf = sk_X509_value(c, 0);
	j->r = r;
	j->out = out;
	x509_info(j->leaf, &out->leaf);
	resolve_names(j);
	if ((rv = ask_openssl(j, err)) == 0) {
		out->key = compare_key(r->last_key, out->leaf.spki_sha256);
		out->delivers = j->v.ok;
		certrule_each(j);
		/* No rule may be missing for what stops mail. */
		if (!out->delivers && !fault_stops_mail(out->fault))
			out->fault = FAULT_UNTRUSTED_ISSUER;
		out->step = LEVEL_SECURE;
		if (!out->delivers)
			out->step = fault_smallest_step(
			    out->fault, out->key == CERTRULE_KEY_SAME);
	}
	for (i = 0; i < j->nnames; i++)
		free(j->name[i]);
	free(j);
	return rv;
}
