/*
 * certlook.h: what a certificate says of itself, without its key being set up:
 * a twentieth of the work of x509.h, for reports on thousands of them.
 * Nothing is verified.
 */
#ifndef CERTLOOK_H
#define CERTLOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define CERTLOOK_TEXT 264 /* bytes of one value, NUL included */

struct certlook {
	/* Fit to be shown; "" if they are not there. */
	char subject[CERTLOOK_TEXT]; /* CN, else organisation */
	char issuer[CERTLOOK_TEXT];  /* "Organisation, CN", or what there is */
	size_t issuer_cn;	     /* where its CN begins, if it has both */
	time_t begins, ends;	     /* 0: cannot be read */
	char key[64];		     /* "EC prime256v1", "RSA 2048" */
	char signature[64];	     /* "sha256WithRSAEncryption" */
	bool self_issued;	     /* subject and issuer are the same */
	bool server, client;	     /* no purpose forbids it */
};

/*
 * Of each certificate of a PEM text, at most max of them, in its order: their
 * number. What cannot be read ends it.
 */
size_t certlook_pem(
    const char *pem, size_t len, struct certlook *out, size_t max);

#endif
