#include "check.h"

#include "buf.h"
#include "compile.h"
#include "diag.h"
#include "registry.h"
#include "target.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PIN                                                \
	"01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:" \
	"01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF"
#define FLOOR12 "protocols=>=TLSv1.2 ciphers=high"
#define OLD12 "protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1 ciphers=high"
#define M "mode=enforced "

/* What each Postfix is to read; want_bad: what cannot be said to it. */
static const struct {
	const char *name;
	const char *attrs;
	unsigned version;
	bool dane, md5;
	const char *want;
	const char *want_bad;
} cases[] = {
    {"opportunistic", "", 3007, false, false, "may", NULL},
    {"opportunistic dane", "", 3007, true, false, "dane", NULL},
    {"opportunistic is not held to a floor", "min-tls=TLSv1.3 ciphers=high",
	2011, false, false, "may", NULL},
    {"defaults", M, 3007, false, false,
	"secure match=nexthop:dot-nexthop " FLOOR12, NULL},
    {"gateways", M "gateway=a.example,.b.example,nexthop", 3007, false, false,
	"secure match=a.example:.b.example:nexthop " FLOOR12, NULL},
    {"a file of roots", M "ca=/etc/a.pem", 3007, false, false,
	"secure match=nexthop:dot-nexthop tafile=/etc/a.pem " FLOOR12, NULL},
    {"two files of roots", M "ca=/a.pem,/b.pem", 3007, false, false,
	"secure match=nexthop:dot-nexthop tafile=/a.pem tafile=/b.pem " FLOOR12,
	NULL},
    {"the system's roots", M "ca=system", 3007, false, false,
	"secure match=nexthop:dot-nexthop " FLOOR12, NULL},
    {"encryption only", M "verify=none gateway=a.example ca=/a.pem", 3007,
	false, false, "encrypt " FLOOR12, NULL},
    {"dane", M "verify=dane gateway=a.example", 3007, false, false,
	"dane-only " FLOOR12, NULL},
    {"key", M "verify=key key=" HEX, 3007, false, false,
	"fingerprint match=" PIN " " FLOOR12, NULL},
    {"two keys", M "verify=key key=" HEX ",sha256:" HEX, 3007, false, false,
	"fingerprint match=" PIN "|" PIN " " FLOOR12, NULL},
    {"key under md5", M "verify=key key=" HEX, 3007, false, true, NULL,
	"a pinned key needs smtp_tls_fingerprint_digest = sha256 in main.cf "
	"(and fingerprint_digest = sha256 here)"},
    {"md5 harms nobody else", M, 3007, false, true,
	"secure match=nexthop:dot-nexthop " FLOOR12, NULL},
    {"medium", M "ciphers=medium", 3007, false, false,
	"secure match=nexthop:dot-nexthop protocols=>=TLSv1.2 ciphers=medium",
	NULL},

    {"server name", M "servername=mx.a.example ca=/a.pem", 3007, false, false,
	"secure match=nexthop:dot-nexthop tafile=/a.pem "
	"servername=mx.a.example " FLOOR12,
	NULL},
    {"server name, by the host", M "servername=hostname verify=none", 3007,
	false, false, "encrypt servername=hostname " FLOOR12, NULL},
    {"server name, key", M "servername=nexthop verify=key key=" HEX, 3007,
	false, false, "fingerprint match=" PIN " servername=nexthop " FLOOR12,
	NULL},
    {"no server name", M "servername=none", 2011, false, false,
	"secure match=nexthop:dot-nexthop " OLD12, NULL},
    {"server name under dane", M "servername=hostname verify=dane", 3007, false,
	false, "dane-only " FLOOR12, NULL},
    {"server name, opportunistic", "servername=hostname", 3003, false, false,
	"may", NULL},
    {"3.3, server name", M "servername=hostname", 3003, false, false, NULL,
	"servername= needs Postfix 3.4 or later"},
    {"3.4, server name", M "servername=hostname", 3004, false, false,
	"secure match=nexthop:dot-nexthop servername=hostname " OLD12, NULL},

    {"left to main.cf", M "min-tls=main.cf ciphers=main.cf verify=none", 2011,
	false, false, "encrypt", NULL},
    {"floor left to main.cf", M "min-tls=main.cf", 3007, false, false,
	"secure match=nexthop:dot-nexthop ciphers=high", NULL},
    {"protocols", M "protocols=TLSv1 verify=none", 3005, false, false,
	"encrypt protocols=TLSv1 ciphers=high", NULL},
    {"3.5, a range", M "protocols=>=TLSv1.2 verify=none", 3005, false, false,
	NULL, "protocols= with > or < needs Postfix 3.6 or later"},
    {"3.6, a range", M "protocols=>=TLSv1:<=TLSv1.2", 3006, false, false,
	"secure match=nexthop:dot-nexthop protocols=>=TLSv1:<=TLSv1.2 "
	"ciphers=high",
	NULL},
    {"3.3, protocols", M "protocols=tlsv1.3", 3003, false, false, NULL,
	"protocols= with TLSv1.3 needs Postfix 3.4 or later"},
    {"a wildcard certificate's own name", M "gateway=*.a.example", 3007, false,
	false, "secure match=*.a.example " FLOOR12, NULL},
    {"none", "mode=none", 3007, true, false, "none", NULL},
    {"none has no attributes", "mode=none protocols=>=TLSv1.2 ciphers=high",
	2011, false, false, "none", NULL},
    {"may", "mode=may", 3007, true, false, "may", NULL},
    {"may, with words of its own",
	"mode=may protocols=TLSv1 ciphers=medium servername=mx.a.example", 3007,
	false, false,
	"may servername=mx.a.example protocols=TLSv1 ciphers=medium", NULL},
    {"may is not held to a floor", "mode=may min-tls=TLSv1.3", 2011, false,
	false, "may", NULL},
    {"may, ciphers of main.cf", "mode=may ciphers=main.cf", 3007, false, false,
	"may", NULL},
    {"3.3, may with a server name", "mode=may servername=hostname", 3003, false,
	false, NULL, "servername= needs Postfix 3.4 or later"},
    {"3.5, may with a range", "mode=may protocols=>=TLSv1.2", 3005, false,
	false, NULL, "protocols= with > or < needs Postfix 3.6 or later"},
    {"dane, if there is any", "mode=dane ciphers=high", 3007, false, false,
	"dane ciphers=high", NULL},

    {"3.10, REQUIRETLS", "requiretls=opportunistic", 3010, false, false, NULL,
	"requiretls= needs Postfix 3.11 or later"},
    {"3.11, REQUIRETLS", M "requiretls=opportunistic+starttls", 3011, false,
	false, "secure match=nexthop:dot-nexthop " FLOOR12, NULL},

    {"2.11, floor", M, 2011, false, false,
	"secure match=nexthop:dot-nexthop " OLD12, NULL},
    {"3.3, floor", M, 3003, false, false,
	"secure match=nexthop:dot-nexthop " OLD12, NULL},
    {"3.5, floor", M, 3005, false, false,
	"secure match=nexthop:dot-nexthop " OLD12, NULL},
    {"3.6, floor", M, 3006, false, false,
	"secure match=nexthop:dot-nexthop " FLOOR12, NULL},
    {"3.9, floor", M, 3009, false, false,
	"secure match=nexthop:dot-nexthop " FLOOR12, NULL},
    {"3.11, floor", M, 3011, false, false,
	"secure match=nexthop:dot-nexthop " FLOOR12, NULL},
    {"2.11, TLSv1", M "min-tls=TLSv1", 2011, false, false,
	"secure match=nexthop:dot-nexthop protocols=!SSLv2:!SSLv3 ciphers=high",
	NULL},
    {"3.3, TLSv1.1", M "min-tls=TLSv1.1", 3003, false, false,
	"secure match=nexthop:dot-nexthop protocols=!SSLv2:!SSLv3:!TLSv1 "
	"ciphers=high",
	NULL},
    {"3.3, TLSv1.3", M "min-tls=TLSv1.3", 3003, false, false, NULL,
	"min-tls=TLSv1.3 needs Postfix 3.4 or later"},
    {"2.11, TLSv1.3", M "min-tls=TLSv1.3 verify=none", 2011, false, false, NULL,
	"min-tls=TLSv1.3 needs Postfix 3.4 or later"},
    {"3.4, TLSv1.3", M "min-tls=TLSv1.3", 3004, false, false,
	"secure match=nexthop:dot-nexthop "
	"protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1:!TLSv1.2 ciphers=high",
	NULL},
    {"3.5, TLSv1.3", M "min-tls=TLSv1.3", 3005, false, false,
	"secure match=nexthop:dot-nexthop "
	"protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1:!TLSv1.2 ciphers=high",
	NULL},
    {"3.6, TLSv1.3", M "min-tls=TLSv1.3", 3006, false, false,
	"secure match=nexthop:dot-nexthop protocols=>=TLSv1.3 ciphers=high",
	NULL},
    {"3.7, TLSv1", M "min-tls=TLSv1", 3007, false, false,
	"secure match=nexthop:dot-nexthop protocols=>=TLSv1 ciphers=high",
	NULL},
    {"2.11, dane", M "verify=dane", 2011, false, false, "dane-only " OLD12,
	NULL},
    {"2.11, roots", M "ca=/a.pem", 2011, false, false,
	"secure match=nexthop:dot-nexthop tafile=/a.pem " OLD12, NULL},
    {"2.11, opportunistic dane", "", 2011, true, false, "dane", NULL},
};

static struct registry *
parse(const char *attrs)
{
	struct diags d = {0};
	struct registry *r;
	char text[512];
	int n = snprintf(text, sizeof(text),
	    "partner a domain=a.example contact=x@y.example %s\n", attrs);

	r = registry_parse("r", text, (size_t)n, 0, &d);
	check_int(attrs, d.errors, 0);
	diag_free(&d);
	return r;
}

static void
t_render(void **state)
{
	struct buf b = {0};
	struct registry *r;
	struct target t;
	const struct partner *p;
	const char *bad;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		r = parse(cases[i].attrs);
		p = &r->partner[0];
		t = (struct target){cases[i].version,
		    cases[i].dane ? OPPORTUNISTIC_DANE : OPPORTUNISTIC_MAY,
		    !cases[i].md5, ""};
		buf_clear(&b);
		bad = render_policy(
		    p, partner_level(p), p->attributes->key, &t, &b);
		check_str(cases[i].name, bad, cases[i].want_bad);
		if (cases[i].want != NULL)
			check_str(cases[i].name, b.data, cases[i].want);
		registry_free(r);
	}
	buf_free(&b);
}

/* The levels that a downgrade goes to keep the partner's floor. */
static void
t_lower(void **state)
{
	struct registry *r = parse(M "min-tls=TLSv1.3 gateway=a.example");
	const struct partner *p = &r->partner[0];
	struct target t = {3007, OPPORTUNISTIC_MAY, true, ""};
	struct strs none = {0};
	struct buf b = {0};

	(void)state;
	assert_null(render_policy(p, LEVEL_ENCRYPT, NULL, &t, &b));
	assert_string_equal(b.data, "encrypt protocols=>=TLSv1.3 ciphers=high");
	buf_clear(&b);
	assert_null(render_policy(p, LEVEL_OPPORTUNISTIC, NULL, &t, &b));
	assert_string_equal(b.data, "may");
	assert_string_equal(
	    render_policy(p, LEVEL_KEY, NULL, &t, &b), "no key to pin");
	assert_string_equal(
	    render_policy(p, LEVEL_KEY, &none, &t, &b), "no key to pin");
	registry_free(r);
	/* Who is to be reached at last may need a name even more. */
	r = parse(M "servername=a.example verify=dane");
	p = &r->partner[0];
	buf_clear(&b);
	assert_null(render_policy(p, LEVEL_OPPORTUNISTIC, NULL, &t, &b));
	assert_string_equal(b.data, "may servername=a.example");
	buf_clear(&b);
	assert_null(render_policy(p, LEVEL_ENCRYPT, NULL, &t, &b));
	assert_string_equal(b.data, "encrypt servername=a.example " FLOOR12);
	buf_free(&b);
	registry_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_render),
	    cmocka_unit_test(t_lower),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
