/*
 * fakemx_tls.h: the TLS side of fakemx's servers, included once.
 */
#ifndef FAKEMX_TLS_H
#define FAKEMX_TLS_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "fakemx_modes.h"

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	fputs("fakemx: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static int
demand_sni(SSL *ssl, int *alert, void *arg)
{
	(void)arg;
	if (SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL)
		return SSL_TLSEXT_ERR_OK;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int
any_client(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

/* A prime of 1024 bits (RFC 5114) for DHE. */
static void
weak_dh(SSL_CTX *ctx)
{
	char group[] = "dh_1024_160";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(
		OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *gen = EVP_PKEY_CTX_new_from_name(NULL, "DHX", NULL);
	EVP_PKEY *dh = NULL;

	if (gen == NULL || EVP_PKEY_paramgen_init(gen) <= 0 ||
	    EVP_PKEY_CTX_set_params(gen, params) <= 0 ||
	    EVP_PKEY_paramgen(gen, &dh) <= 0 ||
	    !SSL_CTX_set0_tmp_dh_pkey(ctx, dh)) {
		ERR_print_errors_fp(stderr);
		die("cannot make a weak DH group");
	}
	EVP_PKEY_CTX_free(gen);
}

static SSL_CTX *
new_tls(const struct mode *m, const char *pem)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int min = m->proto == 0 ? TLS1_2_VERSION : m->proto;
	char groups[64];

	if (ctx == NULL)
		die("out of memory");
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, min);
	SSL_CTX_set_max_proto_version(ctx, m->proto);
	SSL_CTX_set_cipher_list(
	    ctx, m->ciphers != NULL ? m->ciphers : "ALL:@SECLEVEL=0");
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(ctx, m->verify, any_client);
	if (m->need_sni)
		SSL_CTX_set_tlsext_servername_callback(ctx, demand_sni);
	if (strcmp(m->name, "dh1024") == 0)
		weak_dh(ctx);
	else
		SSL_CTX_set_dh_auto(ctx, 1);
	if (m->groups != NULL) {
		(void)snprintf(groups, sizeof(groups), "%s", m->groups);
		if (SSL_CTX_set1_groups_list(ctx, groups) != 1)
			die("no groups %s", groups);
	}
	if (SSL_CTX_use_certificate_chain_file(ctx, pem) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, pem, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		die("cannot use %s", pem);
	}
	return ctx;
}

#endif
