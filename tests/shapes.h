/*
 * shapes.h: gateways' certificates in every shape, with the verdict.
 *
 * t_certrule judges them in memory, mkchain serves them to posttls-finger.
 */
#ifndef SHAPES_H
#define SHAPES_H

#include "certrule.h"
#include "mkcert.h"

#define SHAPE_LONG 14 /* intermediates of the longest chain */

/* Who signs the leaf, and what is sent with it. */
enum shape_path {
	BY_ROOT,
	BY_INTER,
	INTER_MISSING,
	INTER_AND_ROOT, /* the root is sent, too */
	INTER_SHUFFLED, /* root first, then the intermediate */
	BY_OTHER,
	BY_RSA,
	BY_SELF,
	BY_CROSS, /* the intermediate as signed by the other root */
	BY_CROSS_BOTH,
	BY_OLD_INTER, /* an expired intermediate */
	BY_OLD_ROOT,
	OLD_ROOT_SENT,
	BY_SHA1_INTER,
	BY_SMALL_INTER,
	BY_LEAF, /* a server certificate that signs others */
	BY_CONSTRAINED,
	BAD_SIGNATURE,
	BY_LONG, /* .deep intermediates */
	AND_JUNK /* .deep certificates that nobody asked for */
};

/* What is trusted. */
enum shape_trust {
	CA_ROOT,
	CA_OTHER,
	CA_BOTH,
	CA_RSA,
	CA_INTER,    /* an intermediate only */
	CA_OLD_ROOT, /* an expired root */
	CA_LEAF,
	TA_ROOT,
	TA_INTER,
	TA_OTHER,
	TA_OLD_ROOT,
	TA_OLD_INTER,
	TA_LEAF,
	TA_OLD_KEY,
	TA_KEY /* the bare public key of the intermediate */
};

#define GW "mx1.example.test"

struct shape {
	const char *name;
	struct mk leaf;
	enum shape_path path;
	enum shape_trust trust;
	unsigned deep;
	const char *match[4];	     /* default: GW; [127.0.0.1] is hostname */
	enum certrule_verify verify; /* BY_KEY: pinned to this key */
	bool other_pin;
	bool cert_pin; /* pinned to the certificate, not to its key */
	enum fault fault;
	/* Rules that Postfix does not have. */
	bool strict_cn;
	bool floors;
	const char *issuer;
};

#define DNS_GW .san = "DNS:" GW

static const struct shape shapes[] = {
    /* Names. */
    {.name = "good", .leaf = {.cn = GW, DNS_GW}},
    {.name = "case", .leaf = {.cn = GW, .san = "DNS:MX1.Example.TEST"}},
    {.name = "case-ref", .leaf = {DNS_GW}, .match = {"MX1.EXAMPLE.test"}},
    {.name = "second-san", .leaf = {.san = "DNS:a.test,DNS:" GW}},
    {.name = "no-names", .leaf = {.org = "x"}, .fault = FAULT_NAME_MISMATCH},
    {.name = "cn-only", .leaf = {.cn = GW}},
    {.name = "cn-only-other",
	.leaf = {.cn = "mx9.example.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "cn-good-san-bad",
	.leaf = {.cn = GW, .san = "DNS:b.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "cn-bad-san-good", .leaf = {.cn = "b.test", DNS_GW}},
    {.name = "email-san", .leaf = {.cn = GW, .san = "email:p@example.test"}},
    {.name = "other-san", .leaf = {.cn = GW, .san = "other"}},
    {.name = "uri-san",
	.leaf = {.cn = "x", .san = "URI:https://" GW "/"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "ip-san-cn", .leaf = {.cn = GW, .san = "IP:127.0.0.1"}},
    {.name = "two-cn-first", .leaf = {.cn = GW, .cn2 = "b.test"}},
    {.name = "two-cn-second", .leaf = {.cn = "b.test", .cn2 = GW}},
    {.name = "wild", .leaf = {.san = "DNS:*.example.test"}},
    {.name = "wild-cn", .leaf = {.cn = "*.example.test"}},
    {.name = "wild-partial",
	.leaf = {.san = "DNS:mx*.example.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "wild-inner",
	.leaf = {.san = "DNS:mx1.*.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "wild-star",
	.leaf = {.san = "DNS:*"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "wild-top",
	.leaf = {.san = "DNS:*.test"},
	.match = {"example.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "wild-bare",
	.leaf = {.san = "DNS:*.example.test"},
	.match = {"example.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "wild-deep",
	.leaf = {.san = "DNS:*.example.test"},
	.match = {"a.b.example.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "wild-two",
	.leaf = {.san = "DNS:*.*.example.test"},
	.match = {"a.b.example.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "suffix", .leaf = {DNS_GW}, .match = {".example.test"}},
    {.name = "suffix-deep",
	.leaf = {.san = "DNS:a.b.c.example.test"},
	.match = {".example.test"}},
    {.name = "suffix-wild",
	.leaf = {.san = "DNS:*.example.test"},
	.match = {".example.test"}},
    {.name = "suffix-self",
	.leaf = {.san = "DNS:example.test"},
	.match = {".example.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "suffix-half",
	.leaf = {.san = "DNS:badexample.test"},
	.match = {".example.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "suffix-top", .leaf = {DNS_GW}, .match = {".test"}},
    {.name = "suffix-cn", .leaf = {.cn = GW}, .match = {".example.test"}},
    {.name = "literal-star",
	.leaf = {.san = "DNS:*.example.test"},
	.match = {"*.example.test"}},
    {.name = "literal-star-host",
	.leaf = {DNS_GW},
	.match = {"*.example.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "dot-end-ref",
	.leaf = {DNS_GW},
	.match = {GW "."},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "dot-end-san",
	.leaf = {.san = "DNS:" GW "."},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "any-of", .leaf = {DNS_GW}, .match = {"b.test", GW}},
    {.name = "none-of",
	.leaf = {DNS_GW},
	.match = {"b.test", "c.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "ip", .leaf = {.san = "IP:127.0.0.1"}, .match = {"hostname"}},
    {.name = "ip-literal",
	.leaf = {.san = "IP:127.0.0.1"},
	.match = {"127.0.0.1"}},
    {.name = "ip-other",
	.leaf = {.san = "IP:127.0.0.2"},
	.match = {"127.0.0.1"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "ip-as-dns",
	.leaf = {.san = "DNS:127.0.0.1"},
	.match = {"127.0.0.1"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "ip-as-cn",
	.leaf = {.cn = "127.0.0.1"},
	.match = {"127.0.0.1"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "ip-and-host",
	.leaf = {.san = "IP:127.0.0.1,DNS:" GW},
	.match = {"127.0.0.1", GW}},
    {.name = "ip-not-host",
	.leaf = {.san = "IP:127.0.0.1,DNS:b.test"},
	.match = {"127.0.0.1", GW},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "host-not-ip",
	.leaf = {DNS_GW},
	.match = {"127.0.0.1", GW},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "two-ips",
	.leaf = {.san = "IP:127.0.0.1"},
	.match = {"127.0.0.1", "127.0.0.2"}},
    {.name = "nul-san",
	.leaf = {.san = "DNS:" GW "%00.evil.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "nul-cn",
	.leaf = {.cn = GW "%00.evil.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "nul-end",
	.leaf = {.san = "DNS:" GW "%00"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "space-san",
	.leaf = {.san = "DNS:" GW "%20"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "empty-san",
	.leaf = {.cn = GW, .san = "DNS:"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "idn",
	.leaf = {.san = "DNS:mx.xn--mnchen-3ya.test"},
	.match = {"mx.xn--mnchen-3ya.test"}},
    {.name = "idn-suffix",
	.leaf = {.san = "DNS:mx.xn--mnchen-3ya.test"},
	.match = {".xn--mnchen-3ya.test"}},
    {.name = "idn-wild",
	.leaf = {.san = "DNS:*.example.test"},
	.match = {"xn--mnchen-3ya.example.test"}},
    {.name = "idn-raw",
	.leaf = {.san = "DNS:mx.m%c3%bcnchen.test"},
	.match = {"mx.xn--mnchen-3ya.test"},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "control-cn", .leaf = {.cn = "a%0d%0ab%1b[31m%07", DNS_GW}},
    {.name = "bidi-cn", .leaf = {.cn = "a%e2%80%aegro", DNS_GW}},
    {.name = "underscore",
	.leaf = {.san = "DNS:mx_1.example.test"},
	.match = {"mx_1.example.test"}},
    {.name = "1000-sans", .leaf = {.cn = GW, DNS_GW, .sans = 1000}},
    {.name = "1000-sans-bad",
	.leaf = {.cn = GW, .sans = 1000},
	.fault = FAULT_NAME_MISMATCH},
    /* Dates. */
    {.name = "expired",
	.leaf = {DNS_GW, .from = -30, .to = -2},
	.fault = FAULT_EXPIRED},
    {.name = "future",
	.leaf = {DNS_GW, .from = 2},
	.fault = FAULT_NOT_YET_VALID},
    {.name = "expired-and-name",
	.leaf = {.cn = "b", .from = -9, .to = -2},
	.fault = FAULT_NAME_MISMATCH},
    {.name = "year-9999", .leaf = {DNS_GW, .to = 2900000}},
    {.name = "old-intermediate",
	.leaf = {DNS_GW},
	.path = BY_OLD_INTER,
	.fault = FAULT_EXPIRED},
    {.name = "old-root",
	.leaf = {DNS_GW},
	.path = BY_OLD_ROOT,
	.trust = CA_OLD_ROOT,
	.fault = FAULT_EXPIRED},
    /* Chains. */
    {.name = "intermediate", .leaf = {DNS_GW}, .path = BY_INTER},
    {.name = "missing-intermediate",
	.leaf = {DNS_GW},
	.path = INTER_MISSING,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "root-sent", .leaf = {DNS_GW}, .path = INTER_AND_ROOT},
    {.name = "root-sent-untrusted",
	.leaf = {DNS_GW},
	.path = INTER_AND_ROOT,
	.trust = CA_OTHER,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "shuffled", .leaf = {DNS_GW}, .path = INTER_SHUFFLED},
    {.name = "other-ca",
	.leaf = {DNS_GW},
	.path = BY_OTHER,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "both-trusted",
	.leaf = {DNS_GW},
	.path = BY_OTHER,
	.trust = CA_BOTH},
    {.name = "self-signed",
	.leaf = {DNS_GW},
	.path = BY_SELF,
	.fault = FAULT_SELF_SIGNED},
    {.name = "self-signed-ca",
	.leaf = {DNS_GW, .ca = true},
	.path = BY_SELF,
	.fault = FAULT_SELF_SIGNED},
    {.name = "self-signed-trusted",
	.leaf = {DNS_GW},
	.path = BY_SELF,
	.trust = CA_LEAF},
    {.name = "leaf-in-bundle",
	.leaf = {DNS_GW},
	.trust = CA_LEAF,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "only-intermediate-trusted",
	.leaf = {DNS_GW},
	.path = BY_INTER,
	.trust = CA_INTER,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "cross-signed",
	.leaf = {DNS_GW},
	.path = BY_CROSS,
	.trust = CA_OTHER},
    {.name = "cross-signed-wrong-way",
	.leaf = {DNS_GW},
	.path = BY_CROSS,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "cross-signed-both",
	.leaf = {DNS_GW},
	.path = BY_CROSS_BOTH,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "leaf-as-ca",
	.leaf = {DNS_GW},
	.path = BY_LEAF,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "constrained",
	.leaf = {DNS_GW},
	.path = BY_CONSTRAINED,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "bad-signature",
	.leaf = {DNS_GW},
	.path = BAD_SIGNATURE,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "long-9", .leaf = {DNS_GW}, .path = BY_LONG, .deep = 9},
    {.name = "long-10", .leaf = {DNS_GW}, .path = BY_LONG, .deep = 10},
    {.name = "long-11",
	.leaf = {DNS_GW},
	.path = BY_LONG,
	.deep = 11,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "long-14",
	.leaf = {DNS_GW},
	.path = BY_LONG,
	.deep = 14,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "100-certificates",
	.leaf = {DNS_GW},
	.path = AND_JUNK,
	.deep = 98},
    /* Use and strength. */
    {.name = "client-only",
	.leaf = {DNS_GW, .eku = "clientAuth"},
	.fault = FAULT_WRONG_PURPOSE},
    {.name = "any-use",
	.leaf = {DNS_GW, .eku = "anyExtendedKeyUsage"},
	.fault = FAULT_WRONG_PURPOSE},
    {.name = "no-eku", .leaf = {DNS_GW, .eku = ""}},
    {.name = "both-uses", .leaf = {DNS_GW, .eku = "serverAuth,clientAuth"}},
    {.name = "email-only-use",
	.leaf = {DNS_GW, .eku = "emailProtection"},
	.fault = FAULT_WRONG_PURPOSE},
    {.name = "ku-sign", .leaf = {DNS_GW, .ku = "digitalSignature"}},
    {.name = "p384", .leaf = {DNS_GW, .key = MK_P384}},
    {.name = "rsa-2048", .leaf = {DNS_GW, .key = MK_RSA2048}},
    {.name = "rsa-1024", .leaf = {DNS_GW, .key = MK_RSA1024}},
    {.name = "rsa-768",
	.leaf = {DNS_GW, .key = MK_RSA768},
	.fault = FAULT_WEAK_KEY},
    {.name = "ed25519", .leaf = {DNS_GW, .key = MK_ED25519}},
    {.name = "sha1",
	.leaf = {DNS_GW, .md = EVP_sha1},
	.fault = FAULT_WEAK_SIGNATURE},
    {.name = "rsa-ca", .leaf = {DNS_GW}, .path = BY_RSA, .trust = CA_RSA},
    {.name = "md5",
	.leaf = {DNS_GW, .md = EVP_md5},
	.path = BY_RSA,
	.trust = CA_RSA,
	.fault = FAULT_WEAK_SIGNATURE},
    {.name = "sha224", .leaf = {DNS_GW, .md = EVP_sha224}},
    {.name = "sha512", .leaf = {DNS_GW, .md = EVP_sha512}},
    {.name = "sha1-intermediate",
	.leaf = {DNS_GW},
	.path = BY_SHA1_INTER,
	.fault = FAULT_WEAK_SIGNATURE},
    {.name = "small-intermediate",
	.leaf = {DNS_GW},
	.path = BY_SMALL_INTER,
	.fault = FAULT_WEAK_KEY},
    {.name = "sha1-self-signed",
	.leaf = {DNS_GW, .md = EVP_sha1},
	.path = BY_SELF,
	.trust = CA_LEAF},
    /* tafile. */
    {.name = "ta-root", .leaf = {DNS_GW}, .trust = TA_ROOT},
    {.name = "ta-root-inter",
	.leaf = {DNS_GW},
	.path = BY_INTER,
	.trust = TA_ROOT},
    {.name = "ta-inter", .leaf = {DNS_GW}, .path = BY_INTER, .trust = TA_INTER},
    {.name = "ta-inter-not-sent",
	.leaf = {DNS_GW},
	.path = INTER_MISSING,
	.trust = TA_INTER},
    {.name = "ta-key", .leaf = {DNS_GW}, .path = BY_INTER, .trust = TA_KEY},
    {.name = "ta-key-not-sent",
	.leaf = {DNS_GW},
	.path = INTER_MISSING,
	.trust = TA_KEY},
    {.name = "ta-other",
	.leaf = {DNS_GW},
	.trust = TA_OTHER,
	.fault = FAULT_UNTRUSTED_ISSUER},
    {.name = "ta-name",
	.leaf = {.cn = "b.test"},
	.trust = TA_ROOT,
	.fault = FAULT_NAME_MISMATCH},
    {.name = "ta-expired-leaf",
	.leaf = {DNS_GW, .from = -9, .to = -2},
	.trust = TA_ROOT,
	.fault = FAULT_EXPIRED},
    {.name = "ta-old-root",
	.leaf = {DNS_GW},
	.path = BY_OLD_ROOT,
	.trust = TA_OLD_ROOT,
	.fault = FAULT_EXPIRED},
    {.name = "ta-old-root-sent",
	.leaf = {DNS_GW},
	.path = OLD_ROOT_SENT,
	.trust = TA_OLD_ROOT,
	.fault = FAULT_EXPIRED},
    {.name = "ta-old-intermediate",
	.leaf = {DNS_GW},
	.path = BY_OLD_INTER,
	.trust = TA_OLD_INTER},
    {.name = "ta-old-key",
	.leaf = {DNS_GW},
	.path = BY_OLD_INTER,
	.trust = TA_OLD_KEY},
    {.name = "ta-leaf", .leaf = {DNS_GW}, .trust = TA_LEAF},
    {.name = "ta-self-signed",
	.leaf = {DNS_GW},
	.path = BY_SELF,
	.trust = TA_LEAF},
    {.name = "ta-self-expired",
	.leaf = {DNS_GW, .from = -9, .to = -2},
	.path = BY_SELF,
	.trust = TA_LEAF},
    {.name = "ta-leaf-name",
	.leaf = {.cn = "b.test"},
	.path = BY_SELF,
	.trust = TA_LEAF,
	.fault = FAULT_NAME_MISMATCH},
    {.name = "ta-self-other",
	.leaf = {DNS_GW},
	.path = BY_SELF,
	.trust = TA_OTHER,
	.fault = FAULT_SELF_SIGNED},
    /* Pinned keys. */
    {.name = "pin", .leaf = {DNS_GW}, .verify = CERTRULE_BY_KEY},
    {.name = "pin-cert",
	.leaf = {DNS_GW},
	.verify = CERTRULE_BY_KEY,
	.cert_pin = true},
    {.name = "pin-all-else-bad",
	.leaf = {.cn = "b.test", .from = -9, .to = -2, .eku = "clientAuth"},
	.path = BY_OTHER,
	.verify = CERTRULE_BY_KEY},
    {.name = "pin-self",
	.leaf = {.cn = "b.test"},
	.path = BY_SELF,
	.verify = CERTRULE_BY_KEY},
    {.name = "pin-sha1",
	.leaf = {DNS_GW, .md = EVP_sha1},
	.verify = CERTRULE_BY_KEY},
    {.name = "pin-small",
	.leaf = {DNS_GW, .key = MK_RSA768},
	.verify = CERTRULE_BY_KEY,
	.fault = FAULT_WEAK_KEY},
    {.name = "pin-other",
	.leaf = {DNS_GW},
	.verify = CERTRULE_BY_KEY,
	.other_pin = true,
	.fault = FAULT_KEY_CHANGED},
    /* Our own rules: Postfix delivers all of these. */
    {.name = "strict-cn", .leaf = {.cn = GW, DNS_GW}, .strict_cn = true},
    {.name = "strict-cn-wild",
	.leaf = {.cn = "*.example.test", DNS_GW},
	.strict_cn = true},
    {.name = "strict-cn-suffix",
	.leaf = {.cn = "x.y.example.test", DNS_GW},
	.match = {GW, ".example.test"},
	.strict_cn = true},
    {.name = "strict-cn-other",
	.leaf = {.cn = "b.test", DNS_GW},
	.strict_cn = true,
	.fault = FAULT_COMMON_NAME_MISMATCH},
    {.name = "strict-cn-none",
	.leaf = {DNS_GW},
	.strict_cn = true,
	.fault = FAULT_COMMON_NAME_MISMATCH},
    {.name = "strict-cn-two",
	.leaf = {.cn = GW, .cn2 = "b.test", DNS_GW},
	.strict_cn = true,
	.fault = FAULT_COMMON_NAME_MISMATCH},
    {.name = "strict-cn-nul",
	.leaf = {.cn = GW "%00.b.test", DNS_GW},
	.strict_cn = true,
	.fault = FAULT_COMMON_NAME_MISMATCH},
    {.name = "strict-cn-ip",
	.leaf = {.cn = "127.0.0.1", .san = "IP:127.0.0.1"},
	.match = {"127.0.0.1"},
	.strict_cn = true},
    {.name = "floor-rsa",
	.leaf = {DNS_GW, .key = MK_RSA1024},
	.floors = true,
	.fault = FAULT_WEAK_KEY},
    {.name = "issuer-org", .leaf = {DNS_GW}, .issuer = "root trust*"},
    {.name = "issuer-cn", .leaf = {DNS_GW}, .issuer = "the ROOT"},
    {.name = "issuer-other",
	.leaf = {DNS_GW},
	.issuer = "Let's *",
	.fault = FAULT_WRONG_ISSUER},
    {.name = "issuer-direct",
	.leaf = {DNS_GW},
	.path = BY_INTER,
	.issuer = "the ROOT",
	.fault = FAULT_WRONG_ISSUER},
};

#define NSHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* Whether Postfix itself would write Verified. */
MK_UNUSED static bool
shape_delivers(const struct shape *s)
{
	return !fault_stops_mail(s->fault) || s->floors;
}

/* The CAs of the tests, made once. */
struct shape_world {
	time_t base;
	struct mk_cert root, other, inter, old_inter, old_root, sha1_inter,
	    small_inter, constrained, server, rsa;
	X509 *cross; /* inter, as signed by other */
	struct mk_cert deep[SHAPE_LONG];
};

/* One shape, made: PEM texts that shape_free frees. */
struct shape_made {
	char *chain; /* leaf first */
	char *trust; /* CA file or tafile, see is_ta */
	bool is_ta;
	EVP_PKEY *key;
	char pin[65];
};

MK_UNUSED static struct shape_world *
shape_world(time_t base)
{
	static const struct mk
	    root = {.cn = "The Root",
		.org = "Root Trust",
		.ca = true,
		.to = 3000},
	    other = {.cn = "Other Root", .ca = true},
	    inter = {.cn = "Issuing CA", .org = "Root Trust", .ca = true},
	    old = {.cn = "Old CA", .ca = true, .from = -30, .to = -2},
	    old_root = {.cn = "Old Root", .ca = true, .from = -30, .to = -2},
	    sha1 = {.cn = "SHA-1 CA", .ca = true, .md = EVP_sha1},
	    small = {.cn = "Small CA", .ca = true, .key = MK_RSA768},
	    bound = {.cn = "Bound CA",
		.ca = true,
		.constraints = "permitted;DNS:b.test"},
	    rsa = {.cn = "RSA Root", .ca = true, .key = MK_RSA2048},
	    server = {.cn = "a server", DNS_GW};
	struct shape_world *w = calloc(1, sizeof(*w));
	char name[32];
	size_t i;

	mk_want(w != NULL, "calloc");
	w->base = base;
	w->root = mk_cert(&root, NULL, base);
	w->other = mk_cert(&other, NULL, base);
	w->inter = mk_cert(&inter, &w->root, base);
	w->cross = mk_sign(&inter, w->inter.key, &w->other, base);
	w->old_inter = mk_cert(&old, &w->root, base);
	w->old_root = mk_cert(&old_root, NULL, base);
	w->sha1_inter = mk_cert(&sha1, &w->root, base);
	w->small_inter = mk_cert(&small, &w->root, base);
	w->constrained = mk_cert(&bound, &w->root, base);
	w->rsa = mk_cert(&rsa, NULL, base);
	w->server = mk_cert(&server, &w->root, base);
	for (i = 0; i < SHAPE_LONG; i++) {
		(void)snprintf(name, sizeof(name), "Level %zu", i);
		w->deep[i] = mk_cert(&(struct mk){.cn = name, .ca = true},
		    i == 0 ? &w->root : &w->deep[i - 1], base);
	}
	return w;
}

MK_UNUSED static void
shape_world_free(struct shape_world *w)
{
	size_t i;

	mk_free(&w->root);
	mk_free(&w->other);
	mk_free(&w->inter);
	X509_free(w->cross);
	mk_free(&w->old_inter);
	mk_free(&w->old_root);
	mk_free(&w->sha1_inter);
	mk_free(&w->small_inter);
	mk_free(&w->constrained);
	mk_free(&w->server);
	mk_free(&w->rsa);
	for (i = 0; i < SHAPE_LONG; i++)
		mk_free(&w->deep[i]);
	free(w);
}

MK_UNUSED static const struct mk_cert *
shape_signer(const struct shape *s, const struct shape_world *w)
{
	switch (s->path) {
	case BY_ROOT:
	case BAD_SIGNATURE:
		return &w->root;
	case BY_OTHER:
		return &w->other;
	case BY_RSA:
		return &w->rsa;
	case BY_SELF:
		return NULL;
	case BY_OLD_INTER:
		return &w->old_inter;
	case BY_OLD_ROOT:
	case OLD_ROOT_SENT:
		return &w->old_root;
	case BY_SHA1_INTER:
		return &w->sha1_inter;
	case BY_SMALL_INTER:
		return &w->small_inter;
	case BY_LEAF:
		return &w->server;
	case BY_CONSTRAINED:
		return &w->constrained;
	case BY_LONG:
		return &w->deep[s->deep - 1];
	default:
		return &w->inter;
	}
}

/* What is sent behind the leaf. */
MK_UNUSED static void
shape_sent(const struct shape *s, const struct shape_world *w, char **pem)
{
	unsigned i;

	switch (s->path) {
	case BY_ROOT:
	case BY_OTHER:
	case BY_RSA:
	case BY_SELF:
	case BY_OLD_ROOT:
	case BAD_SIGNATURE:
	case INTER_MISSING:
		return;
	case BY_CROSS:
		mk_pem(w->cross, pem);
		return;
	case BY_CROSS_BOTH:
		mk_pem(w->cross, pem);
		mk_pem(w->inter.x, pem);
		return;
	case INTER_SHUFFLED:
		mk_pem(w->root.x, pem);
		mk_pem(w->inter.x, pem);
		return;
	case BY_LONG:
		for (i = s->deep; i > 0; i--)
			mk_pem(w->deep[i - 1].x, pem);
		return;
	case AND_JUNK:
		mk_pem(w->inter.x, pem);
		for (i = 0; i < s->deep; i++)
			mk_pem(w->deep[i % SHAPE_LONG].x, pem);
		return;
	default:
		mk_pem(shape_signer(s, w)->x, pem);
		if (s->path == INTER_AND_ROOT)
			mk_pem(w->root.x, pem);
	}
}

MK_UNUSED static void
shape_trust(const struct shape *s, const struct shape_world *w, X509 *leaf,
    struct shape_made *m)
{
	BIO *mem;
	char *data;
	long len;

	m->is_ta = s->trust >= TA_ROOT;
	switch (s->trust) {
	case CA_BOTH:
		mk_pem(w->root.x, &m->trust);
		/* FALLTHROUGH */
	case CA_OTHER:
	case TA_OTHER:
		mk_pem(w->other.x, &m->trust);
		return;
	case CA_RSA:
		mk_pem(w->rsa.x, &m->trust);
		return;
	case CA_INTER:
	case TA_INTER:
		mk_pem(w->inter.x, &m->trust);
		return;
	case CA_OLD_ROOT:
	case TA_OLD_ROOT:
		mk_pem(w->old_root.x, &m->trust);
		return;
	case TA_OLD_INTER:
		mk_pem(w->old_inter.x, &m->trust);
		return;
	case CA_LEAF:
	case TA_LEAF:
		mk_pem(leaf, &m->trust);
		return;
	case TA_KEY:
	case TA_OLD_KEY:
		mem = BIO_new(BIO_s_mem());
		mk_want(
		    PEM_write_bio_PUBKEY(mem,
			s->trust == TA_KEY ? w->inter.key : w->old_inter.key),
		    "PUBKEY");
		len = BIO_get_mem_data(mem, &data);
		m->trust = strndup(data, (size_t)len);
		BIO_free(mem);
		return;
	default:
		mk_pem(w->root.x, &m->trust);
	}
}

MK_UNUSED static void
shape_pin(const struct shape *s, X509 *x, char *pin)
{
	unsigned char md[EVP_MAX_MD_SIZE], *der = NULL;
	unsigned n = 0, i;
	int len = s->cert_pin ? i2d_X509(x, &der)
			      : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	mk_want(
	    len > 0 && EVP_Digest(der, (size_t)len, md, &n, EVP_sha256(), NULL),
	    "digest");
	OPENSSL_free(der);
	if (s->other_pin)
		md[0] ^= 1;
	for (i = 0; i < n; i++)
		(void)sprintf(pin + (size_t)2 * i, "%02x", md[i]);
}

MK_UNUSED static void
shape_make(
    const struct shape *s, const struct shape_world *w, struct shape_made *m)
{
	const ASN1_BIT_STRING *sig;
	struct mk_cert leaf;
	unsigned char *last;

	memset(m, 0, sizeof(*m));
	leaf = mk_cert(&s->leaf, shape_signer(s, w), w->base);
	if (s->path == BAD_SIGNATURE) {
		/* The last byte of an ECDSA signature: still well formed. */
		X509_get0_signature(&sig, NULL, leaf.x);
		memcpy(&last, &sig->data, sizeof(last));
		last[sig->length - 1] ^= 1;
	}
	mk_pem(leaf.x, &m->chain);
	shape_sent(s, w, &m->chain);
	shape_trust(s, w, leaf.x, m);
	shape_pin(s, leaf.x, m->pin);
	m->key = leaf.key;
	X509_free(leaf.x);
}

MK_UNUSED static void
shape_free(struct shape_made *m)
{
	free(m->chain);
	free(m->trust);
	EVP_PKEY_free(m->key);
}

/* The rules of a shape. The lists point into s, m and *pin. */
MK_UNUSED static void
shape_rules(const struct shape *s, const struct shape_made *m,
    const struct x509_store *store, const char **pin, time_t at,
    struct certrules *r)
{
	static const char *const usual[] = {GW};

	memset(r, 0, sizeof(*r));
	r->verify = s->verify;
	r->gateway = s->match[0] != NULL ? s->match : usual;
	for (r->ngateway = 1; r->gateway == s->match && r->ngateway < 4 &&
			      s->match[r->ngateway] != NULL;)
		r->ngateway++;
	r->nexthop = r->host = "127.0.0.1";
	r->store = store;
	*pin = m->pin;
	r->pin = pin;
	r->npin = 1;
	r->cn_is_gateway = s->strict_cn;
	r->floors = s->floors;
	r->min_rsa = CERTRULE_MIN_RSA;
	r->min_ec = CERTRULE_MIN_EC;
	r->min_signature = CERTRULE_MIN_SIGNATURE;
	r->issuer = &s->issuer;
	r->nissuer = s->issuer != NULL;
	r->at = at;
}

#endif
