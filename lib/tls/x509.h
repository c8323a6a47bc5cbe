/*
 * x509.h: certificate chains as peers show them, what they say, and whether
 * that is what Postfix would call Verified. A chain is a stack, leaf first.
 *
 * Everything here comes from strangers: counts and lengths are bounded, and
 * text is made fit to be shown. OpenSSL's error queue is left empty.
 */
#ifndef X509_H
#define X509_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <openssl/x509.h>

struct buf;
struct err;

#define X509_MAX_CERTS 512	  /* certificates of one chain */
#define X509_MAX_PEM (1 << 20)	  /* bytes of one chain as text */
#define X509_MAX_STORE (16 << 20) /* bytes of a CA file */
#define X509_DEPTH 9		  /* smtp_tls_scert_verifydepth */
#define X509_TEXT_MAX 264	  /* bytes of one shown value, NUL included */
#define X509_HEX_MAX 65		  /* a sha256 in lower-case hex, and its NUL */

/*
 * Read the certificates of a PEM text, the leaf first; other blocks (keys)
 * and text between blocks are passed over. No certificate, too many, or a
 * damaged one is an error. Returns a chain that is never empty, for
 * sk_X509_pop_free, or NULL.
 */
STACK_OF(X509) * x509_chain_parse(const char *pem, size_t len, struct err *err);

/* Append the chain as PEM, which x509_chain_parse reads back. 0, or -1. */
int x509_chain_pem(const STACK_OF(X509) * chain, struct buf *out);

/*
 * One certificate in words. Values are empty if they are not there; foreign
 * text is escaped (\xHH for bytes that are not printable UTF-8) and cut.
 */
struct x509_info {
	char subject_cn[X509_TEXT_MAX]; /* of several: "a + b" */
	char issuer_cn[X509_TEXT_MAX];
	char issuer_org[X509_TEXT_MAX];
	char cert_sha256[X509_HEX_MAX]; /* of the DER certificate */
	char spki_sha256[X509_HEX_MAX]; /* of the DER public key info */
	char key_type[32];		/* "RSA", "EC", "ED25519", ... */
	char group[32];			/* of an EC key, "" without a name */
	int key_bits;			/* 0 if the key cannot be read */
	char signature[48];		/* "sha256WithRSAEncryption", ... */
	int signature_bits;		/* its strength, 0 if not known */
	bool dates_ok;			/* both dates can be read */
	time_t not_before;
	time_t not_after;
	bool self_signed; /* by its own key */
	size_t sans;	  /* subjectAltNames of any kind */
	size_t dns_sans;  /* those that are dNSNames */
};

void x509_info(X509 *x, struct x509_info *out);

/*
 * Append the subjectAltNames of x, "DNS:mx.example, IP:192.0.2.1 and 998
 * more": at most max of them. Nothing is appended if there are none.
 */
void x509_san_text(const X509 *x, size_t max, struct buf *out);

/*
 * True if x has a subject CN and every subject CN is one of the n
 * reference names (host, .suffix, address text), by the rules that Postfix
 * applies to names: wildcards for one whole label, case ignored. What the
 * subjectAltNames say does not matter. A CN that is no host name is none.
 */
bool x509_cn_is(const X509 *x, const char *const *names, size_t n);

/*
 * True if x's issuer has an organisation, and each that it has is like one of
 * the n patterns; or the same of its CNs. ASCII case is ignored, `*` stands
 * for any text.
 */
bool x509_issuer_like(const X509 *x, const char *const *pattern, size_t n);

/* What is trusted; loaded once, used for any number of checks. */
struct x509_store;

enum x509_trust {
	/*
	 * As smtp_tls_CAfile: roots anchor a chain, the other certificates
	 * only help to build it.
	 */
	X509_ROOTS,
	/*
	 * As `tafile=`: any certificate or public key may be a root, an
	 * intermediate or the very server's, and nothing else is trusted. As
	 * for Postfix, the dates of an intermediate or server certificate in
	 * the file do not matter, those of a self-signed root do. Unlike for
	 * Postfix, one damaged entry spoils the file.
	 */
	X509_ANCHORS
};

/*
 * The certificates (and keys) of a file, or of PEM text whose name is for
 * messages. NULL with *err set if it cannot be read, is damaged or holds
 * nothing. Free with x509_store_free.
 */
struct x509_store *x509_store_load(
    enum x509_trust trust, const char *path, struct err *err);
struct x509_store *x509_store_parse(enum x509_trust trust, const char *pem,
    size_t len, const char *name, struct err *err);

/*
 * Number of X509_ANCHORS whose keys OpenSSL cannot read (those of a kind that
 * it does not know yet): Postfix passes over them, and so does x509_verify.
 */
size_t x509_store_unread(const struct x509_store *s);

/* Free s; NULL is allowed. */
void x509_store_free(struct x509_store *s);

/* A TLSA record; data is borrowed. */
struct x509_tlsa {
	uint8_t usage;
	uint8_t selector;
	uint8_t mtype;
	const unsigned char *data;
	size_t len;
};

enum x509_mode {
	X509_BY_CA,   /* store, names, dates, purpose */
	X509_BY_TLSA, /* tlsa; names and dates for usage 2 only */
	X509_BY_PIN   /* tlsa of usage 3; nothing else counts */
};

struct x509_ask {
	enum x509_mode mode;
	const struct x509_store *store; /* NULL: nothing is trusted */
	const struct x509_tlsa *tlsa;
	size_t ntlsa;
	/*
	 * Reference names: host, .suffix, or an address. A-labels: a name
	 * that is not ASCII matches nothing. None at all is a mismatch.
	 */
	const char *const *names;
	size_t nnames;
	time_t at;
};

enum x509_bad {
	X509_BAD_EXPIRED,
	X509_BAD_NOT_YET,
	X509_BAD_SELF_SIGNED, /* the leaf, by itself, and not trusted */
	X509_BAD_UNTRUSTED,   /* no way to a trusted certificate */
	X509_BAD_CHAIN,	      /* a link is broken: signature, CA flag, ... */
	X509_BAD_PURPOSE,     /* not for TLS servers */
	X509_BAD_NAME,
	X509_BAD_KEY,	    /* too short for security level 1 */
	X509_BAD_SIGNATURE, /* digest too weak for security level 1 */
	X509_BAD_TLSA,	    /* no TLSA record, pin or trust anchor matches */
	X509_BAD_COUNT
};

struct x509_finding {
	bool found;
	int depth;		 /* 0 is the leaf */
	const char *why;	 /* OpenSSL's words; static */
	char who[X509_TEXT_MAX]; /* subject CN of the certificate */
};

struct x509_verdict {
	size_t usable; /* TLSA records, pins or anchors that can be used */
	bool ok;       /* Postfix would write "Verified" */
	struct x509_finding bad[X509_BAD_COUNT];
	char matched[X509_TEXT_MAX]; /* the certificate's name that matched */
	bool leaf_is_anchor;	 /* trusted by itself: dates were not asked */
	size_t depth;		 /* certificates in the path that was built */
	char top[X509_TEXT_MAX]; /* subject CN of the last of them, or "" */
	bool ends_known;	 /* the next three are set */
	time_t ends;		 /* earliest end of life in that path */
	time_t begins;		 /* of that certificate */
	char ends_who[X509_TEXT_MAX]; /* subject CN of that certificate */
};

/*
 * Judge a chain. The same OpenSSL calls with the same settings as Postfix's
 * TLS client (tls_client.c, tls_dane.c, tls_verify.c of 3.6 and later):
 * purpose sslserver, OpenSSL security level 1, verify depth 9 + 1, no partial
 * wildcards, no revocation checks, and all faults collected instead of
 * stopping at the first. 0, or -1 with *err set if OpenSSL itself failed.
 */
int x509_verify(STACK_OF(X509) * chain, const struct x509_ask *ask,
    struct x509_verdict *out, struct err *err);

#endif
