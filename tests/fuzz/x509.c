/* reaches: lib/tls/x509.c:chain_add lib/tls/x509.c:escape
 * lib/tls/x509.c:on_cert */
/*
 * The input is a PEM text, or (first byte 0) one DER certificate, which a
 * fuzzer damages with more insight. All that is told about it must be short
 * and printable, and all readings of it must end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "buf.h"
#include "certlook.h"
#include "certrule.h"
#include "err.h"
#include "quote.h"
#include "x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *s, size_t max)
{
	size_t i, n;

	if (strlen(s) >= max)
		abort();
	for (i = 0; s[i] != '\0'; i += n)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f ||
		    (n = utf8_len(s + i, strlen(s + i))) == 0)
			abort();
}

static void
check_info(STACK_OF(X509) * c, size_t i)
{
	struct x509_info in;

	x509_info(sk_X509_value(c, i), &in);
	check_text(in.subject_cn, X509_TEXT_MAX);
	check_text(in.issuer_cn, X509_TEXT_MAX);
	check_text(in.issuer_org, X509_TEXT_MAX);
	check_text(in.key_type, sizeof(in.key_type));
	check_text(in.signature, sizeof(in.signature));
	if (strlen(in.cert_sha256) != 64 || in.dns_sans > in.sans)
		abort();
}

/* The other reader must take any bytes as well, and agree on the dates. */
static void
check_look(const char *pem, size_t len, STACK_OF(X509) * c)
{
	struct certlook look[4];
	struct x509_info in;
	size_t i, n = certlook_pem(pem, len, look, 4);

	for (i = 0; i < n; i++) {
		check_text(look[i].subject, sizeof(look[i].subject));
		check_text(look[i].issuer, sizeof(look[i].issuer));
		check_text(look[i].key, sizeof(look[i].key));
		check_text(look[i].signature, sizeof(look[i].signature));
	}
	for (i = 0; c != NULL && i < n && i < (size_t)sk_X509_num(c); i++) {
		x509_info(sk_X509_value(c, (int)i), &in);
		if (in.dates_ok && look[i].ends != in.not_after)
			abort();
	}
}

static void
judge(STACK_OF(X509) * c, struct x509_store *store)
{
	static const char *const names[] = {
	    "mx1.example.test", ".example.test", "192.0.2.1"};
	static const char *const issuer[] = {"*Trust*"};
	struct certrules r = {.gateway = names,
	    .ngateway = 3,
	    .issuer = issuer,
	    .nissuer = 1,
	    .cn_is_gateway = true,
	    .warn_days = 20,
	    .store = store,
	    .at = 1795392000};
	struct certverdict v;
	struct err err;
	size_t i;

	for (r.verify = CERTRULE_BY_NAME; r.verify <= CERTRULE_BY_NONE;
	     r.verify++) {
		if (certrule_judge(c, &r, &v, &err) == -1)
			abort();
		for (i = 0; i < CERTRULE_COUNT; i++) {
			check_text(v.rule[i].observed, CERTRULE_TEXT_MAX);
			check_text(v.rule[i].sentence, CERTRULE_TEXT_MAX);
		}
	}
}

/* What x509_chain_pem writes is read back. */
static void
check_again(STACK_OF(X509) * c)
{
	STACK_OF(X509) * again;
	struct buf b = {0};
	struct err err;

	if (x509_chain_pem(c, &b) == 0 && b.len <= X509_MAX_PEM) {
		check_look(b.data, b.len, c);
		again = x509_chain_parse(b.data, b.len, &err);
		if (again == NULL || sk_X509_num(again) != sk_X509_num(c))
			abort();
		sk_X509_pop_free(again, X509_free);
	}
	buf_free(&b);
}

static STACK_OF(X509) * read_input(const uint8_t *data, size_t size)
{
	STACK_OF(X509) * c;
	struct err err;
	BIO *mem;
	char *pem;
	long n;

	if (size == 0 || data[0] != 0)
		return x509_chain_parse((const char *)data, size, &err);
	mem = BIO_new(BIO_s_mem());
	if (mem == NULL || !PEM_write_bio(mem, PEM_STRING_X509, "", data + 1,
			       (long)size - 1)) {
		BIO_free(mem);
		return NULL;
	}
	n = BIO_get_mem_data(mem, &pem);
	c = x509_chain_parse(pem, (size_t)n, &err);
	BIO_free(mem);
	return c;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct x509_store *ca, *ta;
	STACK_OF(X509) *c = read_input(data, size);
	struct buf b = {0};
	struct err err;
	int i;

	ca = x509_store_parse(X509_ROOTS, (const char *)data, size, "ca", &err);
	ta = x509_store_parse(
	    X509_ANCHORS, (const char *)data, size, "ta", &err);
	if (c != NULL) {
		for (i = 0; i < sk_X509_num(c) && i < 8; i++)
			check_info(c, i);
		x509_san_text(sk_X509_value(c, 0), 5, &b);
		check_text(b.data != NULL ? b.data : "", 5 * 300);
		judge(c, ca);
		judge(c, ta);
		check_again(c);
	}
	check_look((const char *)data, size, NULL);
	if (ERR_peek_error() != 0)
		abort();
	x509_store_free(ca);
	x509_store_free(ta);
	sk_X509_pop_free(c, X509_free);
	buf_free(&b);
	return 0;
}
