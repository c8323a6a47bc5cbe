#include "certrule.h"

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "life.h"
#include "mem.h"
#include "num.h"
#include "quote.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGEST_LEN 32
#define MIN_RSA 2048 /* bits of a key */
#define MIN_EC 224
#define MIN_SIGNATURE 112 /* bits of strength: SHA-224 and up */
#define AGREED_SHOWN 3	  /* patterns of issuer= told in a sentence */
#define SHOWN_NAMES 8 /* subjectAltNames and references told in a sentence */

/* One judgement at work. */
struct job {
	STACK_OF(X509) * chain;
	const X509 *leaf;
	const struct certrules *r;
	struct certverdict *out;
	struct x509_verdict v; /* what Postfix would find */
	const char **name;     /* references, tokens resolved */
	size_t nnames;
	char *dot_nexthop;
};

const struct certrule_words certrule_words[CERTRULE_COUNT] = {
    [CERTRULE_CA] = {"ca", "The CA does not matter for this partner.", NULL},
    [CERTRULE_SELF_SIGNED] = {"self-signed",
	"Self-signed certificates are allowed for this partner.",
	"The certificate is signed by another one."},
    [CERTRULE_ISSUER] = {"issuer", "Any issuing CA is allowed.",
	"The issuing CA is an agreed one."},
    [CERTRULE_VALIDITY] = {"validity",
	"The dates do not matter: the key or certificate itself is what is "
	"trusted.",
	"The certificate is valid at this time."},
    [CERTRULE_AHEAD] = {"look-ahead",
	"The time that is left was not asked for.", NULL},
    [CERTRULE_PURPOSE] = {"purpose",
	"The intended use of the certificate does not matter.",
	"The certificate may be used by a TLS server."},
    [CERTRULE_KEY_SIZE] = {"key-size", "Any key is allowed.",
	"The key is long enough."},
    [CERTRULE_SIGNATURE] = {"signature",
	"The signature on the certificate does not matter.",
	"The certificate is signed well."},
    [CERTRULE_NAME] = {"name", "The name does not matter for this partner.",
	NULL},
    [CERTRULE_COMMON_NAME] = {"common-name",
	"The Common Name is not asked for.",
	"The Common Name is the gateway's name."},
    [CERTRULE_PIN] = {"pinned-key", "No key is pinned.",
	"The gateway shows a pinned key."},
    [CERTRULE_TLSA] = {"tlsa", "TLSA records are not asked for.",
	"The certificate matches a TLSA record of the gateway."},
    [CERTRULE_LAST_KEY] = {"last-key",
	"No earlier key is known to compare with.",
	"The key is the one that passed last."},
};

const char *const certrule_state_texts[] = {
    [CERTRULE_NOT_ASKED] = "not-asked",
    [CERTRULE_PASS] = "pass",
    [CERTRULE_FAIL] = "fail",
};

/* --- What a rule answers -------------------------------------------------- */

/* Cut between characters, and say so. */
__attribute__((format(printf, 2, 0))) static void
put(char *dst, const char *fmt, va_list ap)
{
	size_t cut = CERTRULE_TEXT_MAX - 4;
	int n = vsnprintf(dst, CERTRULE_TEXT_MAX, fmt, ap);

	if (n < CERTRULE_TEXT_MAX)
		return;
	while (cut > 0 && ((unsigned char)dst[cut] & 0xc0) == 0x80)
		cut--;
	memcpy(dst + cut, "...", 4);
}

static void __attribute__((format(printf, 3, 4)))
observe(struct job *j, enum certrule_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(j->out->rule[id].observed, fmt, ap);
	va_end(ap);
}

/* In its own words, instead of the usual ones. */
static void __attribute__((format(printf, 3, 4)))
say(struct job *j, enum certrule_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(j->out->rule[id].sentence, fmt, ap);
	va_end(ap);
}

/* It passes, or does not matter. */
static void
pass(struct job *j, enum certrule_id id, bool asked)
{
	const char *usual =
	    asked ? certrule_words[id].pass : certrule_words[id].idle;

	j->out->rule[id].state = asked ? CERTRULE_PASS : CERTRULE_NOT_ASKED;
	if (usual != NULL)
		say(j, id, "%s", usual);
}

static void __attribute__((format(printf, 4, 5)))
fail(struct job *j, enum certrule_id id, enum fault fault, const char *fmt, ...)
{
	struct certrule_result *res = &j->out->rule[id];
	va_list ap;

	va_start(ap, fmt);
	put(res->sentence, fmt, ap);
	va_end(ap);
	res->state = CERTRULE_FAIL;
	res->fault = fault;
	j->out->fault = fault_worse(j->out->fault, fault);
}

static void
warn(struct job *j, enum certrule_id id)
{
	j->out->rule[id].warning = true;
	j->out->warning = true;
}

static const char *
ca_name(const struct job *j)
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
path_was_asked(const struct job *j)
{
	return j->r->verify == CERTRULE_BY_NAME ||
	       (j->r->verify == CERTRULE_BY_DANE && j->v.ok &&
		   !j->v.leaf_is_anchor);
}

/* The same, and the leaf is not trusted by itself. */
static bool
leaf_was_asked(const struct job *j)
{
	return path_was_asked(j) && !j->v.leaf_is_anchor;
}

/* What `tafile=` trusts is given to OpenSSL as if it were TLSA records. */
static bool
no_anchor(const struct job *j)
{
	bool tlsa = j->v.bad[X509_BAD_TLSA].found;
	bool other = j->v.bad[X509_BAD_UNTRUSTED].found ||
		     j->v.bad[X509_BAD_SELF_SIGNED].found;

	return j->r->verify == CERTRULE_BY_NAME ? tlsa || other
						: other && !tlsa;
}

/* --- The rules ------------------------------------------------------------ */

static void
judge_ca(struct job *j)
{
	const struct x509_info *leaf = &j->out->leaf;
	const struct x509_finding *chain = &j->v.bad[X509_BAD_CHAIN];
	const char *org = leaf->issuer_org;
	int n = sk_X509_num(j->chain);

	observe(j, CERTRULE_CA, "issuer CN=%s%s%s, %d in chain",
	    leaf->issuer_cn, org[0] != '\0' ? ", O=" : "", org, n);
	if (no_anchor(j) && leaf->self_signed)
		fail(j, CERTRULE_CA, FAULT_SELF_SIGNED,
		    "No CA vouches for the certificate: it is signed by its "
		    "own key and not in %s.",
		    ca_name(j));
	else if (no_anchor(j))
		fail(j, CERTRULE_CA, FAULT_UNTRUSTED_ISSUER,
		    "The certificate, issued by \"%s\", does not lead to a CA "
		    "of %s%s.",
		    leaf->issuer_cn, ca_name(j),
		    n == 1 ? "; the gateway sent no intermediate certificate"
			   : "");
	else if (chain->found)
		fail(j, CERTRULE_CA, FAULT_UNTRUSTED_ISSUER,
		    "The chain of certificates does not hold: %s (%s).",
		    chain->why, whose(chain).s);
	else {
		say(j, CERTRULE_CA, "The certificate leads to a CA of %s.",
		    ca_name(j));
		pass(j, CERTRULE_CA, j->r->verify == CERTRULE_BY_NAME);
	}
}

static void
judge_self_signed(struct job *j)
{
	bool asked = j->r->verify == CERTRULE_BY_NAME;
	bool self = j->out->leaf.self_signed;

	observe(j, CERTRULE_SELF_SIGNED, "%s", self ? "yes" : "no");
	if (asked && self && no_anchor(j)) {
		fail(j, CERTRULE_SELF_SIGNED, FAULT_SELF_SIGNED,
		    "The certificate is signed by its own key.");
		return;
	}
	pass(j, CERTRULE_SELF_SIGNED, asked);
	if (asked && self)
		say(j, CERTRULE_SELF_SIGNED,
		    "The certificate is signed by its own key, and is itself "
		    "in %s.",
		    ca_name(j));
}

/* The first agreed name that is only a part of what the CA is called. */
static const char *
partly_agreed(const struct job *j)
{
	const struct x509_info *leaf = &j->out->leaf;
	size_t i;

	for (i = 0; i < j->r->nissuer; i++)
		if (strcasestr(leaf->issuer_org, j->r->issuer[i]) != NULL ||
		    strcasestr(leaf->issuer_cn, j->r->issuer[i]) != NULL)
			return j->r->issuer[i];
	return NULL;
}

/* "a*", "b" and 2 more */
static void
put_agreed(const struct job *j, struct buf *out)
{
	size_t i;

	for (i = 0; i < j->r->nissuer && i < AGREED_SHOWN; i++)
		buf_printf(
		    out, "%s%s", i == 0 ? "" : ", ", quotes(j->r->issuer[i]).s);
	if (i < j->r->nissuer)
		buf_printf(out, " and %zu more", j->r->nissuer - i);
}

/* Nearly agreed is not agreed; but it may be what was meant. */
static void
fail_issuer(struct job *j)
{
	const struct x509_info *leaf = &j->out->leaf;
	const char *part = partly_agreed(j);
	struct buf agreed = {0};
	bool begins =
	    part != NULL &&
	    (strncasecmp(leaf->issuer_org, part, strlen(part)) == 0 ||
		strncasecmp(leaf->issuer_cn, part, strlen(part)) == 0);

	if (part == NULL) {
		put_agreed(j, &agreed);
		fail(j, CERTRULE_ISSUER, FAULT_WRONG_ISSUER,
		    "The certificate was issued by \"%s\" of \"%s\", which "
		    "is not an agreed CA: issuer= of the registry has %s (a "
		    "pattern is all of a name, or ends in *).",
		    leaf->issuer_cn, leaf->issuer_org, agreed.data);
	} else {
		fail(j, CERTRULE_ISSUER, FAULT_WRONG_ISSUER,
		    "The certificate was issued by \"%s\" of \"%s\", of "
		    "which the agreed \"%s\" is a part only: in the registry, "
		    "issuer=%s%s* would fit.",
		    leaf->issuer_cn, leaf->issuer_org, part, begins ? "" : "*",
		    part);
	}
	buf_free(&agreed);
}

static void
judge_issuer(struct job *j)
{
	const struct x509_info *leaf = &j->out->leaf;
	bool asked = j->r->nissuer > 0 && (j->r->verify == CERTRULE_BY_NAME ||
					      j->r->verify == CERTRULE_BY_DANE);
	bool like =
	    !asked || x509_issuer_like(j->leaf, j->r->issuer, j->r->nissuer);

	observe(j, CERTRULE_ISSUER, "O=%s, CN=%s", leaf->issuer_org,
	    leaf->issuer_cn);
	/* Who is trusted for himself may write there what he likes. */
	if (like && asked && (j->v.leaf_is_anchor || leaf->self_signed)) {
		say(j, CERTRULE_ISSUER,
		    "The certificate names an agreed CA, but nothing proves "
		    "it: the certificate or its key itself is what is "
		    "trusted.");
		warn(j, CERTRULE_ISSUER);
	} else if (like)
		pass(j, CERTRULE_ISSUER, asked);
	else
		fail_issuer(j);
}

static const char *
when(const struct job *j, time_t t, char text[CLOCK_MAX])
{
	return j->r->local ? clock_text(t, 0, text) : num_time_text(t, text);
}

static void
judge_validity(struct job *j)
{
	const struct x509_finding *late = &j->v.bad[X509_BAD_EXPIRED];
	const struct x509_finding *early = &j->v.bad[X509_BAD_NOT_YET];
	const struct x509_info *leaf = &j->out->leaf;
	char from[CLOCK_MAX], to[CLOCK_MAX];

	if (leaf->dates_ok)
		observe(j, CERTRULE_VALIDITY, "%s to %s",
		    when(j, leaf->not_before, from),
		    when(j, leaf->not_after, to));
	else
		observe(j, CERTRULE_VALIDITY, "unreadable");
	if (late->found && late->depth == 0 && leaf->dates_ok)
		fail(j, CERTRULE_VALIDITY, FAULT_EXPIRED,
		    "The certificate expired at %s.", to);
	else if (late->found)
		fail(j, CERTRULE_VALIDITY, FAULT_EXPIRED,
		    "The end of life has passed or is unreadable: %s.",
		    whose(late).s);
	else if (early->found && early->depth == 0 && leaf->dates_ok)
		fail(j, CERTRULE_VALIDITY, FAULT_NOT_YET_VALID,
		    "The certificate is valid only from %s on.", from);
	else if (early->found)
		fail(j, CERTRULE_VALIDITY, FAULT_NOT_YET_VALID,
		    "Not valid yet: %s.", whose(early).s);
	else
		pass(j, CERTRULE_VALIDITY, leaf_was_asked(j));
}

static void
judge_ahead(struct job *j)
{
	struct certverdict *out = j->out;
	bool above = false, asked;

	if (!(out->days_known = out->leaf.dates_ok)) {
		observe(j, CERTRULE_AHEAD, "unreadable");
		pass(j, CERTRULE_AHEAD, false);
		return;
	}
	/* What it rests on ends it as well. */
	out->ends = out->leaf.not_after;
	if (leaf_was_asked(j)) {
		out->begins = out->leaf.not_before;
		above = j->v.ends_known && j->v.ends < out->ends;
	}
	if (above) {
		out->ends = j->v.ends;
		out->begins = j->v.begins;
	}
	out->days_left = life_days(out->ends, j->r->at);
	if (above)
		observe(j, CERTRULE_AHEAD, "%ld days (CN=%s)", out->days_left,
		    j->v.ends_who);
	else
		observe(j, CERTRULE_AHEAD, "%ld days", out->days_left);
	asked = j->r->warn_days > 0 && leaf_was_asked(j) &&
		out->rule[CERTRULE_VALIDITY].state != CERTRULE_FAIL;
	pass(j, CERTRULE_AHEAD, asked);
	if (!asked)
		return;
	if (!life_ends_soon(
		out->begins, out->ends, j->r->at, j->r->warn_days)) {
		say(j, CERTRULE_AHEAD,
		    "The certificate is valid for another %ld days.",
		    out->days_left);
		return;
	}
	warn(j, CERTRULE_AHEAD);
	if (above)
		say(j, CERTRULE_AHEAD,
		    "The CA certificate \"%s\" that it rests on expires in "
		    "%ld days.",
		    j->v.ends_who, out->days_left);
	else
		say(j, CERTRULE_AHEAD, "The certificate expires in %ld days.",
		    out->days_left);
}

static void
judge_purpose(struct job *j)
{
	const struct x509_finding *f = &j->v.bad[X509_BAD_PURPOSE];

	if (!f->found) {
		pass(j, CERTRULE_PURPOSE, leaf_was_asked(j));
		return;
	}
	observe(j, CERTRULE_PURPOSE, "%s", f->why);
	fail(j, CERTRULE_PURPOSE, FAULT_WRONG_PURPOSE,
	    "The certificate may not be used by a TLS server (its key usage or "
	    "extended key usage excludes it).");
}

/* Delivery does not know this floor: no more than a warning. */
static void
below_floor(struct job *j, enum certrule_id id, const char *what, unsigned have,
    unsigned want)
{
	say(j, id,
	    "The %s has %u bits; %u are the minimum, but mail is not stopped "
	    "for it.",
	    what, have, want);
	warn(j, id);
}

static bool
is_one_of(const char *word, const char *const *list)
{
	while (*list != NULL && strcmp(word, *list) != 0)
		list++;
	return *list != NULL;
}

/* Can a server use such a key with Postfix? */
static bool
is_key_for_tls(const struct x509_info *leaf)
{
	static const char *const groups[] = {
	    "prime256v1", "secp384r1", "secp521r1", NULL};
	static const char *const types[] = {
	    "RSA", "RSA-PSS", "DSA", "ED25519", "ED448", NULL};

	if (strcmp(leaf->key_type, "EC") == 0)
		return is_one_of(leaf->group, groups);
	/* A later OpenSSL knows these, and names them by their sizes. */
	return is_one_of(leaf->key_type, types) ||
	       strncmp(leaf->key_type, "ML-DSA", 6) == 0;
}

static void
judge_key_size(struct job *j)
{
	const struct x509_finding *f = &j->v.bad[X509_BAD_KEY];
	const struct x509_info *leaf = &j->out->leaf;
	unsigned bits = (unsigned)leaf->key_bits, want = 0;

	if (strncmp(leaf->key_type, "RSA", 3) == 0 ||
	    strcmp(leaf->key_type, "DSA") == 0)
		want = MIN_RSA;
	else if (strcmp(leaf->key_type, "EC") == 0)
		want = MIN_EC;
	observe(j, CERTRULE_KEY_SIZE, "%s %u bits", leaf->key_type, bits);
	if (f->found)
		fail(j, CERTRULE_KEY_SIZE, FAULT_WEAK_KEY,
		    "A key is too short to be trusted: that of %s.",
		    whose(f).s);
	else if (j->r->alone && !is_key_for_tls(leaf)) {
		j->out->delivers = false;
		fail(j, CERTRULE_KEY_SIZE, FAULT_HANDSHAKE_FAILED,
		    "With a key of this kind (%s%s%s) no TLS session comes "
		    "about.",
		    leaf->key_type, leaf->group[0] != '\0' ? " " : "",
		    leaf->group);
	} else if (bits < want)
		below_floor(j, CERTRULE_KEY_SIZE, "key", bits, want);
	else
		pass(j, CERTRULE_KEY_SIZE, j->r->verify != CERTRULE_BY_NONE);
}

static void
judge_signature(struct job *j)
{
	const struct x509_finding *f = &j->v.bad[X509_BAD_SIGNATURE];
	const struct x509_info *leaf = &j->out->leaf;
	unsigned bits = (unsigned)leaf->signature_bits;

	observe(j, CERTRULE_SIGNATURE, "%s", leaf->signature);
	if (f->found)
		fail(j, CERTRULE_SIGNATURE, FAULT_WEAK_SIGNATURE,
		    "A signature rests on a digest that can be forged: that "
		    "on %s.",
		    whose(f).s);
	else if (bits < MIN_SIGNATURE && !leaf->self_signed &&
		 leaf_was_asked(j))
		below_floor(j, CERTRULE_SIGNATURE, "digest of the signature",
		    bits, MIN_SIGNATURE);
	else
		pass(j, CERTRULE_SIGNATURE, leaf_was_asked(j));
}

/* The references as a reader sees them: "a, b or a name below c". */
static void
references(const struct job *j, struct buf *b)
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
judge_name(struct job *j)
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
		fail(j, CERTRULE_NAME, FAULT_NAME_MISMATCH,
		    "The certificate is issued to %s; none of this is %s.",
		    seen.data, want.data);
	else {
		say(j, CERTRULE_NAME,
		    "The certificate carries the gateway's name%s%s.",
		    j->v.matched[0] != '\0' ? ": " : "", j->v.matched);
		pass(j, CERTRULE_NAME, path_was_asked(j));
	}
	buf_free(&seen);
	buf_free(&want);
}

static void
judge_common_name(struct job *j)
{
	const char *cn = j->out->leaf.subject_cn;
	struct buf want = {0};

	observe(j, CERTRULE_COMMON_NAME, "%s", cn);
	if (!j->r->cn_is_gateway || x509_cn_is(j->leaf, j->name, j->nnames)) {
		pass(j, CERTRULE_COMMON_NAME, j->r->cn_is_gateway);
		return;
	}
	references(j, &want);
	if (strstr(cn, " + ") != NULL)
		fail(j, CERTRULE_COMMON_NAME, FAULT_COMMON_NAME_MISMATCH,
		    "The certificate has several Common Names (%s), of which "
		    "not each is a gateway's; agreed is %s.",
		    cn, want.data);
	else if (cn[0] == '\0')
		fail(j, CERTRULE_COMMON_NAME, FAULT_COMMON_NAME_MISMATCH,
		    "The certificate has no Common Name; agreed is %s.",
		    want.data);
	else
		fail(j, CERTRULE_COMMON_NAME, FAULT_COMMON_NAME_MISMATCH,
		    "The Common Name of the certificate is \"%s\"; agreed is "
		    "%s.",
		    cn, want.data);
	buf_free(&want);
}

static void
judge_pin(struct job *j)
{
	bool asked = j->r->verify == CERTRULE_BY_KEY;

	observe(j, CERTRULE_PIN, "%s", j->out->leaf.spki_sha256);
	if (asked && j->v.bad[X509_BAD_TLSA].found)
		fail(j, CERTRULE_PIN, FAULT_KEY_CHANGED,
		    "The gateway shows the key %s, which is not one of the "
		    "%zu pinned ones.",
		    j->out->leaf.spki_sha256, j->r->npin);
	else
		pass(j, CERTRULE_PIN, asked);
}

static void
judge_dane(struct job *j)
{
	bool asked = j->r->verify == CERTRULE_BY_DANE;

	observe(j, CERTRULE_TLSA, "%zu records", j->r->ntlsa);
	if (asked && j->v.usable == 0)
		fail(j, CERTRULE_TLSA, FAULT_NO_TLSA,
		    "The gateway has no usable TLSA record.");
	else if (asked && j->v.bad[X509_BAD_TLSA].found)
		fail(j, CERTRULE_TLSA, FAULT_DANE_MISMATCH,
		    "The certificate does not match any of the %zu TLSA "
		    "records of the gateway.",
		    j->r->ntlsa);
	else
		pass(j, CERTRULE_TLSA, asked);
}

static void
judge_last_key(struct job *j)
{
	observe(j, CERTRULE_LAST_KEY, "%s", j->out->leaf.spki_sha256);
	pass(j, CERTRULE_LAST_KEY, j->out->key == CERTRULE_KEY_SAME);
	if (j->out->key == CERTRULE_KEY_NEW)
		say(j, CERTRULE_LAST_KEY,
		    "The key is another one than the one that passed last, as "
		    "is usual when a certificate is renewed.");
}

/* --- The judgement -------------------------------------------------------- */

/* A token that stands for nothing matches nothing. */
static void
add_name(struct job *j, const char *name)
{
	if (name != NULL && name[0] != '\0')
		j->name[j->nnames++] = name;
}

/* As add_namechecks() of Postfix: the tokens are words in any case. */
static void
resolve_names(struct job *j)
{
	const struct certrules *r = j->r;
	size_t i;

	j->name = mem_zero(r->ngateway + 3, sizeof(char *));
	/* With DANE the names are not for the partner to choose. */
	if (r->verify == CERTRULE_BY_DANE) {
		add_name(j, r->host);
		add_name(j, r->nexthop);
		add_name(j, r->expanded);
		return;
	}
	if (r->nexthop != NULL && *r->nexthop != '\0')
		j->dot_nexthop = mem_printf(".%s", r->nexthop);
	for (i = 0; i < r->ngateway; i++) {
		if (strcasecmp(r->gateway[i], "nexthop") == 0)
			add_name(j, r->nexthop);
		else if (strcasecmp(r->gateway[i], "dot-nexthop") == 0)
			add_name(j, j->dot_nexthop);
		else if (strcasecmp(r->gateway[i], "hostname") == 0)
			add_name(j, r->host);
		else
			add_name(j, r->gateway[i]);
	}
}

/* A sha256 in hex, with or without colons. 0, or -1 if it is not one. */
static int
digest_parse(const char *s, unsigned char out[DIGEST_LEN])
{
	size_t n = 0;
	int hi, lo;

	while (*s != '\0' && n < DIGEST_LEN) {
		if ((hi = num_hex(s[0])) < 0 || (lo = num_hex(s[1])) < 0)
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
	struct x509_tlsa *t = mem_zero(2 * r->npin + 1, sizeof(*t));
	unsigned char *d = mem_zero(r->npin + 1, DIGEST_LEN);
	size_t i;

	*digests = d;
	*n = 0;
	for (i = 0; i < r->npin; i++, d += DIGEST_LEN) {
		if (digest_parse(r->pin[i], d) == -1)
			continue;
		t[*n] = (struct x509_tlsa){3, 0, 1, d, DIGEST_LEN};
		t[*n + 1] = (struct x509_tlsa){3, 1, 1, d, DIGEST_LEN};
		*n += 2;
	}
	return t;
}

static int
ask_openssl(struct job *j, struct err *err)
{
	const struct certrules *r = j->r;
	struct x509_ask ask = {
	    .store = r->store,
	    .names = j->name,
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
	static void (*const all[])(struct job *) = {judge_ca, judge_self_signed,
	    judge_issuer, judge_validity, judge_ahead, judge_purpose,
	    judge_key_size, judge_signature, judge_name, judge_common_name,
	    judge_pin, judge_dane, judge_last_key};
	struct job j = {.chain = c, .r = r, .out = out};
	size_t i;
	int rv;

	memset(out, 0, sizeof(*out));
	j.leaf = sk_X509_value(c, 0);
	x509_info(sk_X509_value(c, 0), &out->leaf);
	resolve_names(&j);
	if ((rv = ask_openssl(&j, err)) == 0) {
		out->key = compare_key(r->last_key, out->leaf.spki_sha256);
		out->delivers = j.v.ok;
		memcpy(out->root, j.v.top, sizeof(out->root));
		for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			all[i](&j);
		/* No rule may be missing for what stops mail. */
		if (!out->delivers && !fault_stops_mail(out->fault))
			out->fault = FAULT_UNTRUSTED_ISSUER;
		out->step = LEVEL_SECURE;
		if (!out->delivers)
			out->step = fault_smallest_step(
			    out->fault, out->key == CERTRULE_KEY_SAME);
	}
	free(j.name);
	free(j.dot_nexthop);
	return rv;
}
