/*
 * x509.h: certificate chains as peers show them, and what they say.
 *
 * Everything here comes from strangers: counts and lengths are bounded, and
 * text is made fit to be shown. OpenSSL's error queue is left empty.
 */
#ifndef X509_H
#define X509_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct buf;
struct err;
struct ssl_st;	      /* OpenSSL's SSL */
struct stack_st_X509; /* OpenSSL's STACK_OF(X509) */

#define X509_MAX_CERTS 512     /* certificates of one chain */
#define X509_MAX_PEM (1 << 20) /* bytes of one chain as text */
#define X509_TEXT_MAX 264      /* bytes of one shown value, NUL included */
#define X509_HEX_MAX 65	       /* a sha256 in lower-case hex, and its NUL */

/* The leaf, and what came with it, in the order of the peer. */
struct x509_chain;

/*
 * Read the certificates of a PEM text, the leaf first; other blocks (keys)
 * and text between blocks are passed over. No certificate, too many, or a
 * damaged one is an error. Returns a chain for x509_chain_free, or NULL.
 */
struct x509_chain *x509_chain_parse(
    const char *pem, size_t len, struct err *err);

/*
 * The chain that the server at the other end of ssl has shown, or NULL with
 * *err set if it has shown none.
 */
struct x509_chain *x509_chain_of_ssl(const struct ssl_st *ssl, struct err *err);

/* The same of certs, leaf first; the certificates are shared, not copied. */
struct x509_chain *x509_chain_of_stack(
    const struct stack_st_X509 *certs, struct err *err);

/* Number of certificates, at least 1. */
size_t x509_chain_len(const struct x509_chain *c);

/* Append the chain as PEM, which x509_chain_parse reads back. 0, or -1. */
int x509_chain_pem(const struct x509_chain *c, struct buf *out);

/* Free c; NULL is allowed. */
void x509_chain_free(struct x509_chain *c);

/*
 * One certificate in words. Values are empty if they are not there; foreign
 * text is escaped (\xHH for bytes that are not printable UTF-8) and cut.
 */
struct x509_info {
	char subject_cn[X509_TEXT_MAX];
	char issuer_cn[X509_TEXT_MAX];
	char issuer_org[X509_TEXT_MAX];
	char cert_sha256[X509_HEX_MAX]; /* of the DER certificate */
	char spki_sha256[X509_HEX_MAX]; /* of the DER public key info */
	char key_type[32];		/* "RSA", "EC", "ED25519", ... */
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

/* Describe certificate i (0 is the leaf, i < x509_chain_len). */
void x509_info(const struct x509_chain *c, size_t i, struct x509_info *out);

/*
 * Append the leaf's subjectAltNames, "DNS:mx.example, IP:192.0.2.1 and 998
 * more": at most max of them. Nothing is appended if there are none.
 */
void x509_san_text(const struct x509_chain *c, size_t max, struct buf *out);

/*
 * True if the leaf has a subject CN and every subject CN is one of the n
 * reference names (host, .suffix, address text), by the rules that Postfix
 * applies to names: wildcards for one whole label, case ignored. What the
 * subjectAltNames say does not matter.
 */
bool x509_cn_is(const struct x509_chain *c, const char *const *names, size_t n);

/*
 * True if an organisation or CN of the leaf's issuer is like pattern: ASCII
 * case ignored, `*` stands for any text.
 */
bool x509_issuer_like(const struct x509_chain *c, const char *pattern);

#endif
