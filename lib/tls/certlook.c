/*
 * RFC 5280, 4.1: the fields of a certificate are found in its DER, and the
 * simple ones taken apart by OpenSSL. Reading it whole would decode the key,
 * which is most of the work.
 */
#include "certlook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "quote.h"

#define DER_MAX 65536 /* bytes of a certificate */

/* A DER element: what it holds, and with its head. */
struct der {
	const unsigned char *p, *whole;
	long n, nwhole;
	int tag, class;
};

/* The next element of those that *in holds; false if there is none. */
static bool
next(struct der *in, struct der *out)
{
	const unsigned char *p = in->p;
	int rv;

	if (in->n <= 0)
		return false;
	rv = ASN1_get_object(&p, &out->n, &out->tag, &out->class, in->n);
	/* 0x80: an error; 1: without a length, which DER does not have. */
	if ((rv & 0x81) != 0 || out->n > in->n - (p - in->p))
		return false;
	out->whole = in->p;
	out->p = p;
	out->nwhole = p - in->p + out->n;
	in->n -= out->nwhole;
	in->p += out->nwhole;
	return true;
}

static bool
next_is(struct der *in, struct der *out, int tag)
{
	return next(in, out) && out->class == V_ASN1_UNIVERSAL &&
	       out->tag == tag;
}

/* One attribute of a name, fit to be shown. */
static bool
name_part(const X509_NAME *name, int nid, char *out, size_t size)
{
	int i = X509_NAME_get_index_by_NID(name, nid, -1), n;
	unsigned char *text;

	*out = '\0';
	if (i == -1 ||
	    (n = ASN1_STRING_to_UTF8(&text,
		 X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)))) < 0)
		return false;
	quote_show(out, size, (const char *)text, (size_t)n);
	OPENSSL_free(text);
	return *out != '\0';
}

static void
take_names(
    const struct der *issuer, const struct der *subject, struct certlook *out)
{
	const unsigned char *p = issuer->whole;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, issuer->nwhole);
	size_t used = 0;
	bool same = false;

	if (name != NULL && name_part(name, NID_organizationName, out->issuer,
				sizeof(out->issuer) / 2))
		used = strlen(out->issuer);
	if (used > 0)
		used += (size_t)snprintf(
		    out->issuer + used, sizeof(out->issuer) - used, ", ");
	if (name == NULL || !name_part(name, NID_commonName, out->issuer + used,
				sizeof(out->issuer) - used))
		same = true;
	/* Who has one name for both is called by it once. */
	else if (used > 0)
		same = strlen(out->issuer + used) == used - 2 &&
		       memcmp(out->issuer, out->issuer + used, used - 2) == 0;
	if (same && used > 0)
		out->issuer[used - 2] = '\0';
	out->issuer_cn = same ? 0 : used;
	X509_NAME_free(name);
	p = subject->whole;
	name = d2i_X509_NAME(NULL, &p, subject->nwhole);
	if (name != NULL && !name_part(name, NID_commonName, out->subject,
				sizeof(out->subject)))
		(void)name_part(name, NID_organizationName, out->subject,
		    sizeof(out->subject));
	X509_NAME_free(name);
	out->self_issued =
	    issuer->nwhole == subject->nwhole &&
	    memcmp(issuer->whole, subject->whole, (size_t)issuer->nwhole) == 0;
}

static time_t
take_time(struct der *in)
{
	struct der e;
	ASN1_TIME *t;
	struct tm tm;
	time_t when = 0;

	if (!next(in, &e))
		return 0;
	t = d2i_ASN1_TIME(NULL, &e.whole, e.nwhole);
	if (t != NULL && ASN1_TIME_to_tm(t, &tm) == 1)
		when = timegm(&tm);
	ASN1_TIME_free(t);
	return when;
}

/* Name of an algorithm; *nid is what it has as its parameter, if a name. */
static const char *
algorithm(const struct der *e, int *nid)
{
	const unsigned char *p = e->whole;
	X509_ALGOR *a = d2i_X509_ALGOR(NULL, &p, e->nwhole);
	const ASN1_OBJECT *oid = NULL;
	const void *value = NULL;
	int type = V_ASN1_UNDEF, which = NID_undef;

	*nid = NID_undef;
	if (a != NULL) {
		X509_ALGOR_get0(&oid, &type, &value, a);
		which = OBJ_obj2nid(oid);
		if (type == V_ASN1_OBJECT)
			*nid = OBJ_obj2nid(value);
	}
	X509_ALGOR_free(a);
	return which == NID_undef ? "" : OBJ_nid2ln(which);
}

/* RFC 3279, 2.3.1: the modulus is the first number of an RSA key. */
static long
rsa_bits(struct der bits)
{
	struct der key, modulus;

	if (bits.n < 1)
		return 0;
	bits.p++; /* of unused bits there are none */
	bits.n--;
	if (!next_is(&bits, &key, V_ASN1_SEQUENCE) ||
	    !next_is(&key, &modulus, V_ASN1_INTEGER))
		return 0;
	if (modulus.n > 0 && *modulus.p == 0)
		modulus.n--;
	return modulus.n * 8;
}

static void
take_key(struct der spki, struct certlook *out)
{
	struct der e, bits;
	const char *name;
	int nid;

	if (!next_is(&spki, &e, V_ASN1_SEQUENCE))
		return;
	name = algorithm(&e, &nid);
	if (nid != NID_undef)
		(void)snprintf(
		    out->key, sizeof(out->key), "EC %s", OBJ_nid2sn(nid));
	else if (strcmp(name, "rsaEncryption") == 0 &&
		 next_is(&spki, &bits, V_ASN1_BIT_STRING))
		(void)snprintf(
		    out->key, sizeof(out->key), "RSA %ld", rsa_bits(bits));
	else
		(void)snprintf(out->key, sizeof(out->key), "%s", name);
}

/* RFC 5280, 4.2.1.12: without the extension every purpose is allowed. */
static void
take_purposes(const struct der *list, struct certlook *out)
{
	const unsigned char *p = list->p;
	X509_EXTENSIONS *all = d2i_X509_EXTENSIONS(NULL, &p, list->n);
	EXTENDED_KEY_USAGE *use;
	int i, nid;

	out->server = out->client = true;
	use = all == NULL ? NULL
			  : X509V3_get_d2i(all, NID_ext_key_usage, NULL, NULL);
	if (use != NULL)
		out->server = out->client = false;
	for (i = 0; use != NULL && i < sk_ASN1_OBJECT_num(use); i++) {
		nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(use, i));
		out->server |=
		    nid == NID_server_auth || nid == NID_anyExtendedKeyUsage;
		out->client |=
		    nid == NID_client_auth || nid == NID_anyExtendedKeyUsage;
	}
	EXTENDED_KEY_USAGE_free(use);
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
}

static bool
take(const unsigned char *p, long n, struct certlook *out)
{
	struct der in = {.p = p, .n = n}, whole, tbs, e, issuer, subject;
	int nid;

	*out = (struct certlook){.server = true, .client = true};
	if (!next_is(&in, &whole, V_ASN1_SEQUENCE) ||
	    !next_is(&whole, &tbs, V_ASN1_SEQUENCE) || !next(&tbs, &e))
		return false;
	/* The version may be left out; then comes the serial number. */
	if (e.class == V_ASN1_CONTEXT_SPECIFIC && !next(&tbs, &e))
		return false;
	if (!next_is(&tbs, &e, V_ASN1_SEQUENCE))
		return false;
	(void)snprintf(
	    out->signature, sizeof(out->signature), "%s", algorithm(&e, &nid));
	if (!next_is(&tbs, &issuer, V_ASN1_SEQUENCE) ||
	    !next_is(&tbs, &e, V_ASN1_SEQUENCE))
		return false;
	out->begins = take_time(&e);
	out->ends = take_time(&e);
	if (!next_is(&tbs, &subject, V_ASN1_SEQUENCE) ||
	    !next_is(&tbs, &e, V_ASN1_SEQUENCE))
		return false;
	take_names(&issuer, &subject, out);
	take_key(e, out);
	while (next(&tbs, &e))
		if (e.class == V_ASN1_CONTEXT_SPECIFIC && e.tag == 3)
			take_purposes(&e, out);
	return true;
}

size_t
certlook_pem(const char *pem, size_t len, struct certlook *out, size_t max)
{
	BIO *in = BIO_new_mem_buf(pem, (int)len);
	unsigned char *der = NULL;
	char *name = NULL, *header = NULL;
	bool good = in != NULL;
	size_t n = 0;
	long size;

	while (good && n < max &&
	       PEM_read_bio(in, &name, &header, &der, &size) == 1) {
		if (strcmp(name, PEM_STRING_X509) == 0) {
			good = size <= DER_MAX && take(der, size, &out[n]);
			n += good;
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(in);
	ERR_clear_error();
	return n;
}
