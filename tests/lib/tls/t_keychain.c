/*
 * Which key belongs to which certificate, in the order of Postfix.
 */
#include "check.h"

#include "keychain.h"
#include "mkcert.h"

#define NOW 1795435200

static struct mk_two of;

static void
put_key(const EVP_PKEY *key, bool shut, char **pem)
{
	BIO *mem = BIO_new(BIO_s_mem());
	char pass[] = "secret";

	mk_want(PEM_write_bio_PKCS8PrivateKey(mem, key,
		    shut ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
		    shut ? pass : NULL),
	    "key");
	mk_append(mem, pem);
}

/* "k": a's key, "K": b's, "s": a's with a pass phrase; "a", "b", "c": the
 * certificates of a, b and the CA; "x": a block that is damaged. */
static char *
pem_of(const char *what)
{
	static const char damaged[] = "-----BEGIN CERTIFICATE-----\nAAAA\n"
				      "-----END CERTIFICATE-----\n";
	char *pem = calloc(1, 1);

	for (; *what != '\0'; what++)
		switch (*what) {
		case 'k':
		case 's':
			put_key(of.a.key, *what == 's', &pem);
			break;
		case 'K':
			put_key(of.b.key, false, &pem);
			break;
		case 'x':
			pem = realloc(pem, strlen(pem) + sizeof(damaged));
			mk_want(pem != NULL, "realloc");
			strcat(pem, damaged);
			break;
		default:
			mk_pem(*what == 'a'   ? of.a.x
			       : *what == 'b' ? of.b.x
					      : of.ca.x,
			    &pem);
		}
	return pem;
}

static const char *const word[] = {"none", "shut", "other", "fits"};

static void
show(const struct keychain *k, size_t n, char *out, size_t size)
{
	size_t i, len = 0;

	out[0] = '\0';
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s %d",
		    i == 0 ? "" : ", ", word[k[i].key],
		    sk_X509_num(k[i].chain));
}

static void
t_list(void **state)
{
	static const struct {
		const char *name, *pem, *want;
	} rows[] = {
	    {"as it is to be", "kac", "fits 2"},
	    {"two", "kacKb", "fits 2, fits 1"},
	    {"no key", "ac", "none 2"},
	    {"behind it", "ack", "none 2"},
	    {"another's", "Kac", "other 2"},
	    {"swapped", "kbKa", "other 1, other 1"},
	    {"pass phrase", "sac", "shut 2"},
	    {"two keys", "Kka", "fits 1"},
	    {"damaged", "kax", "fits 1"},
	    {"nothing", "", ""},
	    {"keys only", "kK", ""},
	    {"too many", "kakakaka", "fits 1, fits 1, fits 1"},
	};
	struct keychain k[3];
	char text[256], *pem;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		pem = pem_of(rows[i].pem);
		n = keychain_read(pem, strlen(pem), k, COUNT(k));
		show(k, n, text, sizeof(text));
		check_str(rows[i].name, text, rows[i].want);
		keychain_release(k, n);
		free(pem);
	}
}

static void
t_pair(void **state)
{
	static const struct {
		const char *name, *key, *pem, *want;
	} rows[] = {
	    {"two files", "k", "ac", "fits 2"},
	    {"one file, twice", "kac", "kac", "fits 2"},
	    {"the key last", "ack", "ack", "fits 2"},
	    {"the first key", "kK", "a", "fits 1"},
	    {"another's", "K", "ac", "other 2"},
	    {"none", "c", "ac", "none 2"},
	    {"no certificate", "k", "k", ""},
	};
	char text[256], *key, *pem;
	struct keychain k;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		key = pem_of(rows[i].key);
		pem = pem_of(rows[i].pem);
		n = keychain_pair(key, strlen(key), pem, strlen(pem), &k);
		show(&k, n, text, sizeof(text));
		check_str(rows[i].name, text, rows[i].want);
		keychain_release(&k, n);
		free(key);
		free(pem);
	}
}

static int
begin(void **state)
{
	const struct mk one = {.cn = "a"};
	const struct mk two = {.cn = "b"};

	(void)state;
	of = mk_two(&one, &two, NOW);
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
	    cmocka_unit_test(t_list),
	    cmocka_unit_test(t_pair),

	};

	return cmocka_run_group_tests(tests, begin, end);
}
