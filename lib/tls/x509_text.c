#include "x509.h"
#include "x509_priv.h"

#include "buf.h"
#include "quote.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
escape(const unsigned char *p, size_t len, char *out, size_t size)
{
	size_t i, k, n, o = 0;
	bool plain;

	for (i = 0; i < len; i += n) {
		plain = !quote_unsafe((const char *)p + i, len - i, &n) &&
			p[i] != '"' && p[i] != '\\';
		/* Room for one character in full, the dots and the NUL. */
		if (o + (plain ? n : 4 * n) + 3 + 1 > size) {
			memcpy(out + o, "...", 3);
			o += 3;
			break;
		}
		for (k = 0; !plain && k < n; k++, o += 4)
			(void)sprintf(out + o, "\\x%02x", p[i + k]);
		if (plain) {
			memcpy(out + o, p + i, n);
			o += n;
		}
	}
	out[o] = '\0';
	return out;
}

char *
x509_text(const ASN1_STRING *s, char *out, size_t size)
{
	unsigned char *utf8 = NULL;
	int len;

	out[0] = '\0';
	if (s == NULL)
		return out;
	if ((len = ASN1_STRING_to_UTF8(&utf8, s)) >= 0) {
		escape(utf8, (size_t)len, out, size);
		OPENSSL_free(utf8);
	} else {
		/* Not a text at all: its bytes. */
		escape(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s),
		    out, size);
	}
	ERR_clear_error();
	return out;
}

char *
x509_name_text(const X509_NAME *name, int nid, char *out, size_t size)
{
	int i = X509_NAME_get_index_by_NID(name, nid, -1);

	out[0] = '\0';
	if (i < 0)
		return out;
	return x509_text(
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)), out, size);
}

static void
hex(const unsigned char *p, size_t len, char *out)
{
	size_t i;

	for (i = 0; i < len; i++)
		(void)sprintf(out + 2 * i, "%02x", p[i]);
	out[2 * len] = '\0';
}

/* The digest of the public key info as it stands in the certificate. */
static void
spki_digest(const X509 *x, char *out)
{
	unsigned char md[EVP_MAX_MD_SIZE], *der = NULL;
	unsigned n = 0;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	out[0] = '\0';
	if (len > 0 &&
	    EVP_Digest(der, (size_t)len, md, &n, EVP_sha256(), NULL) && n == 32)
		hex(md, n, out);
	OPENSSL_free(der);
}

static void
cert_digest(const X509 *x, char *out)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	out[0] = '\0';
	if (X509_digest(x, EVP_sha256(), md, &n) && n == 32)
		hex(md, n, out);
}

static void
key_info(X509 *x, struct x509_info *out)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	const char *type;

	(void)snprintf(out->key_type, sizeof(out->key_type), "unknown");
	if (key == NULL)
		return;
	type = EVP_PKEY_get0_type_name(key);
	(void)snprintf(out->key_type, sizeof(out->key_type), "%.31s",
	    type != NULL ? type : "unknown");
	out->key_bits = EVP_PKEY_get_bits(key);
}

static void
signature_info(X509 *x, struct x509_info *out)
{
	int nid = X509_get_signature_nid(x), md, key, bits;
	const char *name = nid == NID_undef ? NULL : OBJ_nid2ln(nid);

	(void)snprintf(out->signature, sizeof(out->signature), "%.47s",
	    name != NULL ? name : "unknown");
	if (X509_get_signature_info(x, &md, &key, &bits, NULL) && bits > 0)
		out->signature_bits = bits;
}

static bool
asn1_time(const ASN1_TIME *t, time_t *out)
{
	struct tm tm;

	/* NULL would be read as the present time. */
	if (t == NULL || !ASN1_TIME_to_tm(t, &tm))
		return false;
	*out = timegm(&tm);
	return true;
}

static void
san_count(const X509 *x, struct x509_info *out)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		out->sans++;
		if (sk_GENERAL_NAME_value(names, i)->type == GEN_DNS)
			out->dns_sans++;
	}
	GENERAL_NAMES_free(names);
}

void
x509_info(const struct x509_chain *c, size_t i, struct x509_info *out)
{
	X509 *x = sk_X509_value(c->certs, (int)i);
	const X509_NAME *subject = X509_get_subject_name(x);
	const X509_NAME *issuer = X509_get_issuer_name(x);

	memset(out, 0, sizeof(*out));
	x509_name_text(
	    subject, NID_commonName, out->subject_cn, sizeof(out->subject_cn));
	x509_name_text(
	    issuer, NID_commonName, out->issuer_cn, sizeof(out->issuer_cn));
	x509_name_text(issuer, NID_organizationName, out->issuer_org,
	    sizeof(out->issuer_org));
	cert_digest(x, out->cert_sha256);
	spki_digest(x, out->spki_sha256);
	key_info(x, out);
	signature_info(x, out);
	out->dates_ok = asn1_time(X509_get0_notBefore(x), &out->not_before) &&
			asn1_time(X509_get0_notAfter(x), &out->not_after);
	out->self_signed = X509_self_signed(x, 1) == 1;
	san_count(x, out);
	ERR_clear_error();
}

static void
ip_text(const ASN1_OCTET_STRING *ip, char *out, size_t size)
{
	int af = ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6;

	if ((af == AF_INET6 && ASN1_STRING_length(ip) != 16) ||
	    inet_ntop(af, ASN1_STRING_get0_data(ip), out, (socklen_t)size) ==
		NULL)
		(void)snprintf(out, size, "(damaged)");
}

static void
san_one(const GENERAL_NAME *name, struct buf *out)
{
	char text[X509_TEXT_MAX];

	switch (name->type) {
	case GEN_DNS:
		buf_printf(out, "DNS:%s",
		    x509_text(name->d.dNSName, text, sizeof(text)));
		break;
	case GEN_EMAIL:
		buf_printf(out, "email:%s",
		    x509_text(name->d.rfc822Name, text, sizeof(text)));
		break;
	case GEN_URI:
		buf_printf(out, "URI:%s",
		    x509_text(
			name->d.uniformResourceIdentifier, text, sizeof(text)));
		break;
	case GEN_IPADD:
		ip_text(name->d.iPAddress, text, sizeof(text));
		buf_printf(out, "IP:%s", text);
		break;
	default:
		buf_puts(out, "other");
	}
}

void
x509_san_text(const struct x509_chain *c, size_t max, struct buf *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(
	    sk_X509_value(c->certs, 0), NID_subject_alt_name, NULL, NULL);
	int i, n = sk_GENERAL_NAME_num(names);

	for (i = 0; i < n && (size_t)i < max; i++) {
		if (i > 0)
			buf_puts(out, ", ");
		san_one(sk_GENERAL_NAME_value(names, i), out);
	}
	if (i < n)
		buf_printf(out, " and %d more", n - i);
	GENERAL_NAMES_free(names);
	ERR_clear_error();
}
