/*
 * What certlook tells of a certificate is what OpenSSL's own reading tells,
 * and damaged ones end it.
 */
#include "check.h"

#include "certlook.h"
#include "mkcert.h"
#include "x509.h"

#define NOW 1795435200

static const struct row {
	const char *name;
	struct mk m;
	const char *key, *subject;
	bool server, client;
} rows[] = {
    {"plain", {.cn = "mx.example"}, "EC prime256v1", "mx.example", true, false},
    {"P-384", {.cn = "mx.example", .key = MK_P384}, "EC secp384r1",
	"mx.example", true, false},
    {"RSA", {.cn = "mx.example", .key = MK_RSA2048}, "RSA 2048", "mx.example",
	true, false},
    {"small RSA", {.cn = "mx.example", .key = MK_RSA1024}, "RSA 1024",
	"mx.example", true, false},
    {"Ed25519", {.cn = "mx.example", .key = MK_ED25519}, "ED25519",
	"mx.example", true, false},
    {"no CN", {.org = "Acme"}, "EC prime256v1", "Acme", true, false},
    {"no name", {.san = "DNS:mx.example"}, "EC prime256v1", "", true, false},
    {"any purpose", {.cn = "a", .eku = ""}, "EC prime256v1", "a", true, true},
    {"client", {.cn = "a", .eku = "clientAuth"}, "EC prime256v1", "a", false,
	true},
    {"both", {.cn = "a", .eku = "serverAuth,clientAuth"}, "EC prime256v1", "a",
	true, true},
    {"hostile", {.cn = "a%1b[31m%e2%80%ae"}, "EC prime256v1", "a?[31m?", true,
	false},
};

static void
t_same(void **state)
{
	const struct mk ca = {
	    .cn = "Test CA", .org = "Good CA Ltd", .ca = true};
	struct mk_cert root = mk_cert(&ca, NULL, NOW), c;
	struct x509_info info;
	struct certlook look[3];
	char *pem;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];

		pem = NULL;
		c = mk_cert(&r->m, &root, NOW);
		mk_pem(c.x, &pem);
		mk_pem(root.x, &pem);
		check_int(r->name, certlook_pem(pem, strlen(pem), look, 3), 2);
		x509_info(c.x, &info);
		check_int(r->name, look[0].begins, info.not_before);
		check_int(r->name, look[0].ends, info.not_after);
		check_str(r->name, look[0].signature, info.signature);
		check_str(r->name, look[0].issuer, "Good CA Ltd, Test CA");
		check_str(r->name, look[0].subject, r->subject);
		check_str(r->name, look[0].key, r->key);
		check_int(r->name, look[0].server, r->server);
		check_int(r->name, look[0].client, r->client);
		check_true(r->name, !look[0].self_issued);
		check_true(r->name, look[1].self_issued);
		check_int(r->name, certlook_pem(pem, strlen(pem), look, 1), 1);
		free(pem);
		mk_free(&c);
	}
	mk_free(&root);
}

/* How an issuer is called. */
static void
t_issuer(void **state)
{
	static const struct {
		const char *org, *cn, *want, *short_one;
	} names[] = {{"Lab", "Lab CA", "Lab, Lab CA", "Lab CA"},
	    {"Lab", NULL, "Lab", "Lab"}, {NULL, "Lab CA", "Lab CA", "Lab CA"},
	    {"Lab CA", "Lab CA", "Lab CA", "Lab CA"},
	    {"Lab CA", "Lab", "Lab CA, Lab", "Lab"}};
	struct certlook look;
	char *pem;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		const struct mk m = {.cn = names[i].cn, .org = names[i].org};
		struct mk_cert c = mk_cert(&m, NULL, NOW);

		pem = NULL;
		mk_pem(c.x, &pem);
		check_int("read", certlook_pem(pem, strlen(pem), &look, 1), 1);
		check_str(names[i].want, look.issuer, names[i].want);
		check_str(names[i].want, look.issuer + look.issuer_cn,
		    names[i].short_one);
		free(pem);
		mk_free(&c);
	}
}

/* Cut at each byte of its DER, and with each byte another one. */
static void
t_damaged(void **state)
{
	const struct mk m = {
	    .cn = "mx.example", .org = "Acme", .key = MK_RSA1024};
	struct mk_cert c = mk_cert(&m, NULL, NOW);
	unsigned char *der = NULL, was;
	struct certlook look;
	BIO *mem;
	char *pem;
	int len = i2d_X509(c.x, &der), i, cut;

	(void)state;
	for (i = 0; i < 2 * len; i++) {
		cut = i < len ? i : len;
		was = i < len ? 0 : der[i - len];
		if (i >= len)
			der[i - len] ^= 0xff;
		mem = BIO_new(BIO_s_mem());
		(void)PEM_write_bio(mem, "CERTIFICATE", "", der, cut);
		cut = (int)BIO_get_mem_data(mem, &pem);
		if (certlook_pem(pem, (size_t)cut, &look, 1) == 1)
			check_true("bounded",
			    strlen(look.key) < sizeof(look.key) &&
				strlen(look.subject) < sizeof(look.subject));
		BIO_free(mem);
		if (i >= len)
			der[i - len] = was;
	}
	OPENSSL_free(der);
	mk_free(&c);
	check_int("none", certlook_pem("", 0, &look, 1), 0);
	check_int("text", certlook_pem("hello\n", 6, &look, 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_same),
	    cmocka_unit_test(t_issuer),
	    cmocka_unit_test(t_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
