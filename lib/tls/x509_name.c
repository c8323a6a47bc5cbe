#include "x509.h"
#include "x509_priv.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

/*
 * OpenSSL matches a CN only for a whole certificate, and only if it has no
 * dNSName. So ask it about a certificate that has this CN and nothing else.
 */
static X509 *
only_cn(const X509_NAME_ENTRY *cn)
{
	X509_NAME *name = X509_NAME_new();
	X509 *x = X509_new();

	if (name == NULL || x == NULL ||
	    !X509_NAME_add_entry(name, cn, -1, 0) ||
	    !X509_set_subject_name(x, name)) {
		X509_free(x);
		x = NULL;
	}
	X509_NAME_free(name);
	return x;
}

static bool
cn_is_one(const X509_NAME_ENTRY *cn, const char *const *names, size_t n)
{
	X509 *x = only_cn(cn);
	bool found = false;
	size_t i;

	/* An empty reference would match nothing or, unchecked, all. */
	for (i = 0; x != NULL && !found && i < n; i++)
		found = names[i][0] != '\0' &&
			X509_check_host(x, names[i], 0,
			    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
	X509_free(x);
	return found;
}

bool
x509_cn_is(const struct x509_chain *c, const char *const *names, size_t n)
{
	const X509_NAME *subject =
	    X509_get_subject_name(sk_X509_value(c->certs, 0));
	bool all = true, any = false;
	int i = -1;

	while (all && (i = X509_NAME_get_index_by_NID(
			   subject, NID_commonName, i)) >= 0) {
		any = true;
		all = cn_is_one(X509_NAME_get_entry(subject, i), names, n);
	}
	ERR_clear_error();
	return any && all;
}

static int
lower(int ch)
{
	return ch >= 'A' && ch <= 'Z' ? ch - 'A' + 'a' : ch;
}

/* Backtracks to the last star only: at most strlen(pattern) * len steps. */
static bool
glob(const char *pattern, const unsigned char *s, size_t len)
{
	const char *star = NULL;
	size_t i = 0, mark = 0;

	while (i < len) {
		if (*pattern == '*') {
			star = pattern++;
			mark = i;
		} else if (*pattern != '\0' &&
			   lower((unsigned char)*pattern) == lower(s[i])) {
			pattern++;
			i++;
		} else if (star != NULL) {
			pattern = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool
entry_like(const X509_NAME_ENTRY *entry, const char *pattern)
{
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
	bool like;

	/* A NUL inside is never part of an honest name. */
	like = len > 0 && memchr(utf8, '\0', (size_t)len) == NULL &&
	       glob(pattern, utf8, (size_t)len);
	OPENSSL_free(utf8);
	return like;
}

static bool
name_like(const X509_NAME *name, int nid, const char *pattern)
{
	int i = -1;

	while ((i = X509_NAME_get_index_by_NID(name, nid, i)) >= 0)
		if (entry_like(X509_NAME_get_entry(name, i), pattern))
			return true;
	return false;
}

bool
x509_issuer_like(const struct x509_chain *c, const char *pattern)
{
	const X509_NAME *issuer =
	    X509_get_issuer_name(sk_X509_value(c->certs, 0));
	bool like = name_like(issuer, NID_organizationName, pattern) ||
		    name_like(issuer, NID_commonName, pattern);

	ERR_clear_error();
	return like;
}
