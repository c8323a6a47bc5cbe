/*
 * Our own TLSA records against our own certificates. The rest starts
 * programs and reads files: own.t.
 */
#include "check.h"

#include <openssl/sha.h>

#include "findings.h"
#include "mkcert.h"
#include "mxdns.h"
#include "own.h"
#include "postconf.h"

#define NOW 1795435200

static struct mk_two of;

static struct keychain
chain_of(const struct mk_cert *c)
{
	struct keychain k = {sk_X509_new_null(), KEYCHAIN_FITS};

	X509_up_ref(c->x);
	sk_X509_push(k.chain, c->x);
	X509_up_ref(of.ca.x);
	sk_X509_push(k.chain, of.ca.x);
	return k;
}

static void
digest(const struct mk_cert *c, unsigned char out[32])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x), &der);

	SHA256(der, (size_t)len, out);
	OPENSSL_free(der);
}

static void
t_tlsa(void **state)
{
	static const struct {
		const char *name;
		enum mxdns_kind kind;
		const char *records; /* a, b: 3 1 1 of these; c: 2 1 1; z: 9 */
		const char *certs;
		enum own_state want;
		size_t faults;
	} rows[] = {
	    {"matches", MXDNS_FOUND, "a", "a", OWN_GOOD, 0},
	    {"old and new", MXDNS_FOUND, "ba", "a", OWN_GOOD, 0},
	    {"the CA", MXDNS_FOUND, "c", "a", OWN_GOOD, 0},
	    {"another key", MXDNS_FOUND, "b", "a", OWN_BAD, 1},
	    {"one of two", MXDNS_FOUND, "a", "ab", OWN_BAD, 1},
	    {"both", MXDNS_FOUND, "ab", "ab", OWN_GOOD, 0},
	    {"unsigned", MXDNS_FOUND, "b", "a", OWN_WATCH, 0},
	    {"unusable", MXDNS_FOUND, "z", "a", OWN_WATCH, 0},
	    {"no certificate", MXDNS_FOUND, "a", "", OWN_OPEN, 0},
	    {"none", MXDNS_NO_NAME, "", "a", OWN_WATCH, 0},
	    {"not signed", MXDNS_NOT_ASKED, "", "a", OWN_WATCH, 0},
	    {"forged", MXDNS_BOGUS, "", "a", OWN_OPEN, 0},
	};
	unsigned char sum[3][32];
	size_t i, k;

	(void)state;
	digest(&of.a, sum[0]);
	digest(&of.b, sum[1]);
	digest(&of.ca, sum[2]);
	for (i = 0; i < COUNT(rows); i++) {
		const char *what = rows[i].records;
		struct mxdns_tlsa rr[4];
		struct mxdns_host h = {.name = "mx1.example",
		    .tlsa = {.kind = rows[i].kind,
			.secure = strcmp(rows[i].name, "unsigned") != 0},
		    .tlsa_rr = rr,
		    .ntlsa = strlen(what)};
		struct postconf c = {0};
		struct findings f = {.c = &c};
		struct own o = {.c = &c, .now = NOW, .found = &f};

		for (k = 0; k < h.ntlsa; k++)
			rr[k] = (struct mxdns_tlsa){.usage = what[k] == 'c' ? 2
							     : what[k] == 'z'
								 ? 9
								 : 3,
			    .selector = 1,
			    .matching = 1,
			    .len = 32,
			    .data = sum[what[k] == 'z' ? 0 : what[k] - 'a']};
		for (k = 0; rows[i].certs[k] != '\0'; k++)
			o.cert[o.ncerts++] = (struct own_cert){
			    chain_of(rows[i].certs[k] == 'a' ? &of.a : &of.b),
			    strdup("smtpd_tls_chain_files")};
		own_judge_tlsa(&o, &h);
		check_int(rows[i].name, o.n, 1);
		check_int(rows[i].name, o.v[0].state, rows[i].want);
		check_int(rows[i].name, f.faults, rows[i].faults);
		findings_release(&f);
		own_release(&o);
	}
}

static int
begin(void **state)
{
	const struct mk leaf = {.cn = "mx1.example", .san = "DNS:mx1.example"};

	(void)state;
	of = mk_two(&leaf, &leaf, NOW);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	mk_two_free(&of);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_tlsa),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
