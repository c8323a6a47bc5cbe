#include "certrule.h"
#include "certrule_priv.h"

#include "buf.h"
#include "num.h"
#include "quote.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_NAMES 8 /* subjectAltNames and references told in a sentence */
#define DAY 86400

/* Cut between characters, and say so. */
static void
fit(char *dst, const char *src)
{
	size_t len = strlen(src), cut = CERTRULE_TEXT_MAX - 4;

	if (len < CERTRULE_TEXT_MAX) {
		memcpy(dst, src, len + 1);
		return;
	}
	while (cut > 0 && ((unsigned char)src[cut] & 0xc0) == 0x80)
		cut--;
	memcpy(dst, src, cut);
	memcpy(dst + cut, "...", 4);
}

static void observe(struct certrule_job *, enum certrule_id, const char *, ...)
    __attribute__((format(printf, 3, 4)));
static void answer(struct certrule_job *, enum certrule_id, enum certrule_state,
    enum fault, const char *, ...) __attribute__((format(printf, 5, 6)));

static void
observe(struct certrule_job *j, enum certrule_id id, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		abort();
	va_end(ap);
	fit(j->out->rule[id].observed, text);
	free(text);
}

/* The state of a rule and its sentence; fault counts only with a failure. */
static void
answer(struct certrule_job *j, enum certrule_id id, enum certrule_state state,
    enum fault fault, const char *fmt, ...)
{
	struct certrule_result *res = &j->out->rule[id];
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		abort();
	va_end(ap);
	fit(res->sentence, text);
	free(text);
	res->state = state;
	res->fault = state == CERTRULE_FAIL ? fault : FAULT_OK;
	j->out->fault = fault_worse(j->out->fault, res->fault);
}

static void
warn(struct certrule_job *j, enum certrule_id id)
{
	j->out->rule[id].warning = true;
	j->out->warning = true;
}

static const char *
ca_name(const struct certrule_job *j)
{
	return j->r->ca_name != NULL ? j->r->ca_name : "the CA file";
}

/* Whose certificate a finding is about. */
static struct quoted
whose(const struct x509_finding *f)
{
	struct quoted q;

	if (f->depth == 0)
		(void)snprintf(q.s, sizeof(q.s), "the gateway's certificate");
	else
		(void)snprintf(q.s, sizeof(q.s),
		    "the CA certificate \"%.200s\" above it", f->who);
	return q;
}

/* True if OpenSSL has looked at all that makes a chain by a CA. */
static bool
path_was_asked(const struct certrule_job *j)
{
	return j->r->verify == CERTRULE_BY_NAME ||
	       (j->r->verify == CERTRULE_BY_DANE && j->v.ok &&
		   !j->v.leaf_is_anchor);
}

/* What `tafile=` trusts is given to OpenSSL as if it were TLSA records. */
static bool
no_anchor(const struct certrule_job *j)
{
	bool tlsa = j->v.bad[X509_BAD_TLSA].found;
	bool other = j->v.bad[X509_BAD_UNTRUSTED].found ||
		     j->v.bad[X509_BAD_SELF_SIGNED].found;

	return j->r->verify == CERTRULE_BY_NAME ? tlsa || other
						: other && !tlsa;
}

static void
judge_ca(struct certrule_job *j)
{
	const struct x509_info *leaf = &j->out->leaf;
	const struct x509_finding *chain = &j->v.bad[X509_BAD_CHAIN];
	const char *org = leaf->issuer_org;
	int n = sk_X509_num(j->chain);

	observe(j, CERTRULE_CA, "issuer CN=%s%s%s, %d in chain",
	    leaf->issuer_cn, org[0] != '\0' ? ", O=" : "", org, n);
	if (no_anchor(j) && leaf->self_signed)
		answer(j, CERTRULE_CA, CERTRULE_FAIL, FAULT_SELF_SIGNED,
		    "No CA vouches for the certificate: it is signed by its "
		    "own key and not in %s.",
		    ca_name(j));
	else if (no_anchor(j))
		answer(j, CERTRULE_CA, CERTRULE_FAIL, FAULT_UNTRUSTED_ISSUER,
		    "The certificate, issued by \"%s\", does not lead to a CA "
		    "of %s%s.",
		    leaf->issuer_cn, ca_name(j),
		    n == 1 ? "; the gateway sent no intermediate certificate"
			   : "");
	else if (chain->found)
		answer(j, CERTRULE_CA, CERTRULE_FAIL, FAULT_UNTRUSTED_ISSUER,
		    "The chain of certificates does not hold: %s (%s).",
		    chain->why, whose(chain).s);
	else if (j->r->verify == CERTRULE_BY_NAME)
		answer(j, CERTRULE_CA, CERTRULE_PASS, FAULT_OK,
		    "The certificate leads to a CA of %s.", ca_name(j));
	else
		answer(j, CERTRULE_CA, CERTRULE_NOT_ASKED, FAULT_OK,
		    "The CA does not matter for this partner.");
}

static void
judge_self_signed(struct certrule_job *j)
{
	bool self = j->out->leaf.self_signed;

	observe(j, CERTRULE_SELF_SIGNED, "%s", self ? "yes" : "no");
	if (j->r->verify != CERTRULE_BY_NAME)
		answer(j, CERTRULE_SELF_SIGNED, CERTRULE_NOT_ASKED, FAULT_OK,
		    "Self-signed certificates are allowed for this partner.");
	else if (self && no_anchor(j))
		answer(j, CERTRULE_SELF_SIGNED, CERTRULE_FAIL,
		    FAULT_SELF_SIGNED,
		    "The certificate is signed by its own key.");
	else if (self)
		answer(j, CERTRULE_SELF_SIGNED, CERTRULE_PASS, FAULT_OK,
		    "The certificate is signed by its own key, and is itself "
		    "in %s.",
		    ca_name(j));
	else
		answer(j, CERTRULE_SELF_SIGNED, CERTRULE_PASS, FAULT_OK,
		    "The certificate is signed by another one.");
}

static void
judge_issuer(struct certrule_job *j)
{
	const struct x509_info *leaf = &j->out->leaf;
	bool like = false;
	size_t i;

	observe(j, CERTRULE_ISSUER, "O=%s, CN=%s", leaf->issuer_org,
	    leaf->issuer_cn);
	if (j->r->nissuer == 0 || (j->r->verify != CERTRULE_BY_NAME &&
				      j->r->verify != CERTRULE_BY_DANE)) {
		answer(j, CERTRULE_ISSUER, CERTRULE_NOT_ASKED, FAULT_OK,
		    "Any issuing CA is allowed.");
		return;
	}
	for (i = 0; !like && i < j->r->nissuer; i++)
		like = x509_issuer_like(j->leaf, j->r->issuer[i]);
	if (like)
		answer(j, CERTRULE_ISSUER, CERTRULE_PASS, FAULT_OK,
		    "The issuing CA is an agreed one.");
	else
		answer(j, CERTRULE_ISSUER, CERTRULE_FAIL, FAULT_WRONG_ISSUER,
		    "The certificate was issued by \"%s\" of \"%s\", which is "
		    "not an agreed CA.",
		    leaf->issuer_cn, leaf->issuer_org);
}

static void
judge_validity(struct certrule_job *j)
{
	const struct x509_finding *late = &j->v.bad[X509_BAD_EXPIRED];
	const struct x509_finding *early = &j->v.bad[X509_BAD_NOT_YET];
	const struct x509_info *leaf = &j->out->leaf;
	char from[NUM_TIME_MAX], to[NUM_TIME_MAX];

	if (leaf->dates_ok)
		observe(j, CERTRULE_VALIDITY, "%s to %s",
		    num_time_text(leaf->not_before, from),
		    num_time_text(leaf->not_after, to));
	else
		observe(j, CERTRULE_VALIDITY, "unreadable");
	if (late->found && late->depth == 0 && leaf->dates_ok)
		answer(j, CERTRULE_VALIDITY, CERTRULE_FAIL, FAULT_EXPIRED,
		    "The certificate expired at %s.", to);
	else if (late->found)
		answer(j, CERTRULE_VALIDITY, CERTRULE_FAIL, FAULT_EXPIRED,
		    "The end of life has passed or is unreadable: %s.",
		    whose(late).s);
	else if (early->found && early->depth == 0 && leaf->dates_ok)
		answer(j, CERTRULE_VALIDITY, CERTRULE_FAIL, FAULT_NOT_YET_VALID,
		    "The certificate is valid only from %s on.", from);
	else if (early->found)
		answer(j, CERTRULE_VALIDITY, CERTRULE_FAIL, FAULT_NOT_YET_VALID,
		    "Not valid yet: %s.", whose(early).s);
	else if (path_was_asked(j) && !j->v.leaf_is_anchor)
		answer(j, CERTRULE_VALIDITY, CERTRULE_PASS, FAULT_OK,
		    "The certificate is valid at this time.");
	else
		answer(j, CERTRULE_VALIDITY, CERTRULE_NOT_ASKED, FAULT_OK,
		    "The dates do not matter: the key or certificate itself "
		    "is what is trusted.");
}

/* Whole days, rounded down also before zero. */
static long
days_between(time_t from, time_t to)
{
	long long s = (long long)to - (long long)from;

	return (long)(s >= 0 ? s / DAY : -((-s + DAY - 1) / DAY));
}

static void
judge_ahead(struct certrule_job *j)
{
	struct certverdict *out = j->out;
	bool above;
	long days;

	if ((out->days_known = out->leaf.dates_ok))
		out->days_left = days_between(j->r->at, out->leaf.not_after);
	if (out->days_known)
		observe(j, CERTRULE_AHEAD, "%ld days", out->days_left);
	else
		observe(j, CERTRULE_AHEAD, "unreadable");
	if (j->r->warn_days == 0 || !out->days_known || !path_was_asked(j) ||
	    j->v.leaf_is_anchor ||
	    out->rule[CERTRULE_VALIDITY].state == CERTRULE_FAIL) {
		answer(j, CERTRULE_AHEAD, CERTRULE_NOT_ASKED, FAULT_OK,
		    "The time that is left was not asked for.");
		return;
	}
	above = j->v.ends_known && j->v.ends < out->leaf.not_after;
	days = above ? days_between(j->r->at, j->v.ends) : out->days_left;
	answer(j, CERTRULE_AHEAD, CERTRULE_PASS, FAULT_OK,
	    "The certificate is valid for another %ld days.", days);
	if (days >= (long)j->r->warn_days)
		return;
	warn(j, CERTRULE_AHEAD);
	if (above) {
		observe(
		    j, CERTRULE_AHEAD, "%ld days (CN=%s)", days, j->v.ends_who);
		answer(j, CERTRULE_AHEAD, CERTRULE_PASS, FAULT_OK,
		    "The CA certificate \"%s\" that it rests on expires in "
		    "%ld days.",
		    j->v.ends_who, days);
	} else
		answer(j, CERTRULE_AHEAD, CERTRULE_PASS, FAULT_OK,
		    "The certificate expires in %ld days.", days);
}

static void
judge_purpose(struct certrule_job *j)
{
	const struct x509_finding *f = &j->v.bad[X509_BAD_PURPOSE];

	if (f->found)
		answer(j, CERTRULE_PURPOSE, CERTRULE_FAIL, FAULT_WRONG_PURPOSE,
		    "The certificate may not be used by a TLS server (its key "
		    "usage or extended key usage excludes it).");
	else if (path_was_asked(j) && !j->v.leaf_is_anchor)
		answer(j, CERTRULE_PURPOSE, CERTRULE_PASS, FAULT_OK,
		    "The certificate may be used by a TLS server.");
	else
		answer(j, CERTRULE_PURPOSE, CERTRULE_NOT_ASKED, FAULT_OK,
		    "The intended use of the certificate does not matter.");
	observe(j, CERTRULE_PURPOSE, "%s", f->found ? f->why : "");
}

/* A floor that delivery does not know: a failure only if asked. */
static void
below_floor(struct certrule_job *j, enum certrule_id id, enum fault fault,
    const char *what, unsigned have, unsigned want)
{
	answer(j, id, j->r->floors ? CERTRULE_FAIL : CERTRULE_NOT_ASKED, fault,
	    "The %s has %u bits; %u are the minimum%s.", what, have, want,
	    j->r->floors ? "" : ", but mail is not stopped for it");
	warn(j, id);
}

static void
judge_key_size(struct certrule_job *j)
{
	const struct x509_finding *f = &j->v.bad[X509_BAD_KEY];
	const struct x509_info *leaf = &j->out->leaf;
	unsigned bits = (unsigned)leaf->key_bits, want = 0;

	if (strncmp(leaf->key_type, "RSA", 3) == 0 ||
	    strcmp(leaf->key_type, "DSA") == 0)
		want = j->r->min_rsa;
	else if (strcmp(leaf->key_type, "EC") == 0)
		want = j->r->min_ec;
	observe(j, CERTRULE_KEY_SIZE, "%s %u bits", leaf->key_type, bits);
	if (f->found)
		answer(j, CERTRULE_KEY_SIZE, CERTRULE_FAIL, FAULT_WEAK_KEY,
		    "A key is too short to be trusted: that of %s.",
		    whose(f).s);
	else if (bits < want)
		below_floor(
		    j, CERTRULE_KEY_SIZE, FAULT_WEAK_KEY, "key", bits, want);
	else if (j->r->verify == CERTRULE_BY_NONE && !j->r->floors)
		answer(j, CERTRULE_KEY_SIZE, CERTRULE_NOT_ASKED, FAULT_OK,
		    "Any key is allowed.");
	else
		answer(j, CERTRULE_KEY_SIZE, CERTRULE_PASS, FAULT_OK,
		    "The key is long enough.");
}

static void
judge_signature(struct certrule_job *j)
{
	const struct x509_finding *f = &j->v.bad[X509_BAD_SIGNATURE];
	const struct x509_info *leaf = &j->out->leaf;
	unsigned bits = (unsigned)leaf->signature_bits;
	bool by_path = path_was_asked(j) && !j->v.leaf_is_anchor;

	observe(j, CERTRULE_SIGNATURE, "%s", leaf->signature);
	if (f->found)
		answer(j, CERTRULE_SIGNATURE, CERTRULE_FAIL,
		    FAULT_WEAK_SIGNATURE,
		    "A signature rests on a digest that can be forged: that "
		    "on %s.",
		    whose(f).s);
	else if (bits < j->r->min_signature && !leaf->self_signed &&
		 (by_path || j->r->floors))
		below_floor(j, CERTRULE_SIGNATURE, FAULT_WEAK_SIGNATURE,
		    "digest of the signature", bits, j->r->min_signature);
	else if (by_path)
		answer(j, CERTRULE_SIGNATURE, CERTRULE_PASS, FAULT_OK,
		    "The certificate is signed well.");
	else
		answer(j, CERTRULE_SIGNATURE, CERTRULE_NOT_ASKED, FAULT_OK,
		    "The signature on the certificate does not matter.");
}

/* The references as a reader sees them: "a, b or a name below c". */
static void
references(const struct certrule_job *j, struct buf *b)
{
	size_t i;

	for (i = 0; i < j->nnames && i < SHOWN_NAMES; i++) {
		const char *n = j->name[i];
		bool below = n[0] == '.';

		buf_printf(b, "%s%s%s",
		    i == 0		 ? ""
		    : i + 1 == j->nnames ? " or "
					 : ", ",
		    below ? "any name below " : "", quotes(n + below).s);
	}
	if (i < j->nnames)
		buf_printf(b, " or %zu more", j->nnames - i);
	if (i == 0)
		buf_puts(b, "(no name is configured)");
}

static void
judge_name(struct certrule_job *j)
{
	const struct x509_info *leaf = &j->out->leaf;
	struct buf seen = {0}, want = {0};

	if (leaf->dns_sans == 0 && leaf->subject_cn[0] != '\0')
		buf_printf(&seen, "CN:%s%s", leaf->subject_cn,
		    leaf->sans > 0 ? ", " : "");
	x509_san_text(j->leaf, SHOWN_NAMES, &seen);
	if (seen.len == 0)
		buf_puts(&seen, "no name");
	references(j, &want);
	observe(j, CERTRULE_NAME, "%s", seen.data);
	if (j->v.bad[X509_BAD_NAME].found)
		answer(j, CERTRULE_NAME, CERTRULE_FAIL, FAULT_NAME_MISMATCH,
		    "The certificate is issued to %s; none of this is %s.",
		    seen.data, want.data);
	else if (path_was_asked(j))
		answer(j, CERTRULE_NAME, CERTRULE_PASS, FAULT_OK,
		    "The certificate carries the gateway's name%s%s.",
		    j->v.matched[0] != '\0' ? ": " : "", j->v.matched);
	else
		answer(j, CERTRULE_NAME, CERTRULE_NOT_ASKED, FAULT_OK,
		    "The name does not matter for this partner.");
	buf_free(&seen);
	buf_free(&want);
}

static void
judge_common_name(struct certrule_job *j)
{
	const char *cn = j->out->leaf.subject_cn;
	struct buf want = {0};

	observe(j, CERTRULE_COMMON_NAME, "%s", cn);
	if (!j->r->cn_is_gateway) {
		answer(j, CERTRULE_COMMON_NAME, CERTRULE_NOT_ASKED, FAULT_OK,
		    "The Common Name is not asked for.");
		return;
	}
	references(j, &want);
	if (x509_cn_is(j->leaf, (const char *const *)j->name, j->nnames))
		answer(j, CERTRULE_COMMON_NAME, CERTRULE_PASS, FAULT_OK,
		    "The Common Name is the gateway's name.");
	else if (cn[0] == '\0')
		answer(j, CERTRULE_COMMON_NAME, CERTRULE_FAIL,
		    FAULT_COMMON_NAME_MISMATCH,
		    "The certificate has no Common Name; agreed is %s.",
		    want.data);
	else
		answer(j, CERTRULE_COMMON_NAME, CERTRULE_FAIL,
		    FAULT_COMMON_NAME_MISMATCH,
		    "The Common Name of the certificate is \"%s\"; agreed is "
		    "%s.",
		    cn, want.data);
	buf_free(&want);
}

static void
judge_pin(struct certrule_job *j)
{
	observe(j, CERTRULE_PIN, "%s", j->out->leaf.spki_sha256);
	if (j->r->verify != CERTRULE_BY_KEY)
		answer(j, CERTRULE_PIN, CERTRULE_NOT_ASKED, FAULT_OK,
		    "No key is pinned.");
	else if (j->v.bad[X509_BAD_TLSA].found)
		answer(j, CERTRULE_PIN, CERTRULE_FAIL, FAULT_KEY_CHANGED,
		    "The gateway shows a key that is not one of the %zu "
		    "pinned ones.",
		    j->r->npin);
	else
		answer(j, CERTRULE_PIN, CERTRULE_PASS, FAULT_OK,
		    "The gateway shows a pinned key.");
}

static void
judge_dane(struct certrule_job *j)
{
	observe(j, CERTRULE_TLSA, "%zu records", j->r->ntlsa);
	if (j->r->verify != CERTRULE_BY_DANE)
		answer(j, CERTRULE_TLSA, CERTRULE_NOT_ASKED, FAULT_OK,
		    "TLSA records are not asked for.");
	else if (j->v.usable == 0)
		answer(j, CERTRULE_TLSA, CERTRULE_FAIL, FAULT_NO_TLSA,
		    "The gateway has no usable TLSA record.");
	else if (j->v.bad[X509_BAD_TLSA].found)
		answer(j, CERTRULE_TLSA, CERTRULE_FAIL, FAULT_DANE_MISMATCH,
		    "The certificate does not match any of the %zu TLSA "
		    "records of the gateway.",
		    j->r->ntlsa);
	else
		answer(j, CERTRULE_TLSA, CERTRULE_PASS, FAULT_OK,
		    "The certificate matches a TLSA record of the gateway.");
}

static void
judge_last_key(struct certrule_job *j)
{
	enum certrule_key key = j->out->key;

	observe(j, CERTRULE_LAST_KEY, "%s", j->out->leaf.spki_sha256);
	if (key == CERTRULE_KEY_UNKNOWN)
		answer(j, CERTRULE_LAST_KEY, CERTRULE_NOT_ASKED, FAULT_OK,
		    "No earlier key is known to compare with.");
	else if (key == CERTRULE_KEY_SAME)
		answer(j, CERTRULE_LAST_KEY, CERTRULE_PASS, FAULT_OK,
		    "The key is the one that passed last.");
	else
		answer(j, CERTRULE_LAST_KEY, CERTRULE_NOT_ASKED, FAULT_OK,
		    "The key is another one than the one that passed last, as "
		    "is usual when a certificate is renewed.");
}

void
certrule_each(struct certrule_job *j)
{
	judge_ca(j);
	judge_self_signed(j);
	judge_issuer(j);
	judge_validity(j);
	judge_ahead(j);
	judge_purpose(j);
	judge_key_size(j);
	judge_signature(j);
	judge_name(j);
	judge_common_name(j);
	judge_pin(j);
	judge_dane(j);
	judge_last_key(j);
}
