/*
 * x509_verify.h: is a chain what Postfix would call Verified?
 *
 * The same OpenSSL calls with the same settings as Postfix's TLS client
 * (tls_client.c, tls_dane.c, tls_verify.c of 3.6 and later): purpose
 * sslserver, OpenSSL security level 1, verify depth 9 + 1, no partial
 * wildcards, no revocation checks, and all faults collected instead of
 * stopping at the first.
 */
#ifndef X509_VERIFY_H
#define X509_VERIFY_H

#include "x509.h"

#include <stdint.h>

#define X509_MAX_STORE (16 << 20) /* bytes of a CA file */
#define X509_DEPTH 9		  /* smtp_tls_scert_verifydepth */

/* What is trusted; loaded once, used for any number of checks. */
struct x509_store;

/*
 * The certificates in a file as smtp_tls_CAfile trusts them: roots anchor
 * a chain, the others only help to build it. NULL with *err set if the file
 * cannot be read or holds no certificate. Free with x509_store_free.
 */
struct x509_store *x509_store_load_ca(const char *path, struct err *err);

/*
 * The certificates and public keys in a file as `tafile=` trusts them: any
 * of them may be a root, an intermediate or the very server certificate,
 * and nothing else is trusted. As for Postfix, the dates of an intermediate
 * or server certificate in the file do not matter, those of a self-signed
 * root do. Unlike for Postfix, one damaged entry spoils the file.
 */
struct x509_store *x509_store_load_ta(const char *path, struct err *err);

/* The same two of PEM text in memory; name is for messages. */
struct x509_store *x509_store_parse_ca(
    const char *pem, size_t len, const char *name, struct err *err);
struct x509_store *x509_store_parse_ta(
    const char *pem, size_t len, const char *name, struct err *err);

/* Number of certificates and keys in s. */
size_t x509_store_len(const struct x509_store *s);

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
	bool leaf_is_anchor; /* trusted by itself: dates were not asked */
	size_t depth;	     /* certificates in the path that was built */
	bool ends_known;     /* the next two are set */
	time_t ends;	     /* earliest end of life in that path */
	char ends_who[X509_TEXT_MAX]; /* subject CN of that certificate */
};

/* Judge c. 0, or -1 with *err set if OpenSSL itself failed. */
int x509_verify(const struct x509_chain *c, const struct x509_ask *ask,
    struct x509_verdict *out, struct err *err);

#endif
