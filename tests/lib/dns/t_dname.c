#include "check.h"

#include "dname.h"

#define L10 "abcdefghij"
#define L60 L10 L10 L10 L10 L10 L10
#define L63 L60 "abc"
#define L64 L60 "abcd"
#define N251 L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 "abcdefghi"
#define N253 N251 "jk"
#define N254 N251 "jkl"

#define IDN "not a valid internationalised domain name"
#define NUMBERED                                                       \
	"it is an address or ends in a number; an address is written " \
	"[192.0.2.1]"
#define XN "an \"xn--\" label is not a valid A-label"

/* want: the normal form; or bad: how the phrase begins. */
static const struct {
	const char *name;
	const char *text;
	const char *want;
	const char *bad;
} hosts[] = {
    {"plain", "acme.example", "acme.example", NULL},
    {"one label", "localhost", "localhost", NULL},
    {"upper case", "ACME.Example", "acme.example", NULL},
    {"digits and hyphens", "a-1.b--2.example", "a-1.b--2.example", NULL},
    {"a digit first", "3com.example", "3com.example", NULL},
    {"63 bytes", L63 ".example", L63 ".example", NULL},
    {"64 bytes", L64 ".example", NULL, "a label is longer than 63 characters"},
    {"253 bytes", N253, N253, NULL},
    {"254 bytes", N254, NULL, "the name is longer than 253 characters"},
    {"empty", "", NULL, "an empty name"},
    {"a dot", ".", NULL, "an empty label"},
    {"a dot first", ".a.example", NULL, "an empty label"},
    {"two dots", "a..example", NULL, "an empty label"},
    {"a dot last", "a.example.", NULL, "it ends with a dot"},
    {"underscore", "a_b.example", NULL, "'_' is not allowed in a mail domain"},
    {"underscore first", "_dmarc.example", NULL, "'_' is not allowed"},
    {"hyphen first", "-a.example", NULL, "a label begins or ends with '-'"},
    {"hyphen last", "a-.example", NULL, "a label begins or ends with '-'"},
    {"hyphen at the end", "a.example-", NULL,
	"a label begins or ends with '-'"},
    {"hyphen only", "-", NULL, "a label begins or ends with '-'"},
    {"slash", "a/b.example", NULL, "'/' is not allowed"},
    {"colon", "a.example:25", NULL, "':' is not allowed"},
    {"at sign", "jo@a.example", NULL, "'@' is not allowed"},
    {"star", "*.example", NULL, "'*' is not allowed"},
    {"equals", "a=b.example", NULL, "'=' is not allowed"},
    {"quote", "a\"b.example", NULL, "'\"' is not allowed"},
    {"blank", "a b.example", NULL,
	"a blank or control character (0x20) is not allowed in a mail domain"},
    {"newline", "a\nb.example", NULL, "a blank or control character (0x0a)"},
    {"DEL", "a\x7f.example", NULL, "a blank or control character (0x7f)"},
    {"IPv4", "192.0.2.1", NULL, NUMBERED},
    {"a number last", "a.1", NULL, NUMBERED},
    {"a number", "25", NULL, NUMBERED},
    {"digits and a letter last", "a.1b", "a.1b", NULL},
    {"IPv6", "2001:db8::1", NULL, "':' is not allowed"},

    {"U-label", "m\xc3\xbcnchen.example", "xn--mnchen-3ya.example", NULL},
    {"U-label, upper case", "M\xc3\x9cNCHEN.Example", "xn--mnchen-3ya.example",
	NULL},
    {"U-label, not composed", "mu\xcc\x88nchen.example",
	"xn--mnchen-3ya.example", NULL},
    {"A-label", "xn--mnchen-3ya.example", "xn--mnchen-3ya.example", NULL},
    {"A-label, upper case", "XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example",
	NULL},
    {"sharp s stays (IDNA2008)",
	"stra\xc3\x9f"
	"e.example",
	"xn--strae-oqa.example", NULL},
    {"final sigma stays", "\xce\xb2\xcf\x8c\xce\xbb\xce\xbf\xcf\x82.example",
	"xn--nxasmm1c.example", NULL},
    {"an ideographic full stop is a dot",
	"a\xe3\x80\x82"
	"example",
	"a.example", NULL},
    {"U-label beside underscore", "a_b.m\xc3\xbcnchen.example", NULL,
	"'_' is not allowed"},
    {"U-label beside a blank", "a b.m\xc3\xbcnchen.example", NULL,
	"a blank or control character (0x20)"},
    {"U-label beside a newline", "a\nb.m\xc3\xbcnchen.example", NULL,
	"a blank or control character (0x0a)"},
    {"U-label beside a slash", "a/b.m\xc3\xbcnchen.example", NULL,
	"'/' is not allowed"},
    {"a wide underscore is none either",
	"a\xef\xbc\xbf"
	"b.example",
	NULL, ""},
    {"a wide slash",
	"a\xef\xbc\x8f"
	"b.example",
	NULL, ""},
    {"a wide at sign",
	"a\xef\xbc\xa0"
	"b.example",
	NULL, ""},
    {"wide letters are letters", "\xef\xbd\x81\xef\xbd\x82.example",
	"ab.example", NULL},
    {"a wide dot at the end", "m\xc3\xbcnchen.example\xe3\x80\x82", NULL, ""},
    {"wide digits are an address", "\xef\xbc\x91.\xef\xbc\x92", NULL, NUMBERED},
    {"emoji", "\xf0\x9f\x98\x80.example", NULL, IDN},
    {"a leading combining mark",
	"\xcc\x88"
	"a.example",
	NULL, IDN},
    {"a bidi override", "a\xe2\x80\xae.example", NULL, IDN},
    {"no-break space",
	"a\xc2\xa0"
	"b.example",
	NULL, ""},
    {"not UTF-8", "m\xfcnchen.example", NULL, IDN},
    {"hyphens at three and four",
	"\xc3\xa4"
	"b--cd.example",
	NULL, ""},
    {"hyphen first in a U-label", "-\xc3\xbc.example", NULL,
	"a label begins or ends with '-'"},
    {"xn-- of an emoji", "xn--ls8h.example", "xn--ls8h.example", NULL},
    {"xn-- of an emoji and a variant", "xn--i-7iq.example", "xn--i-7iq.example",
	NULL},
    {"xn-- of a blank of no width", "xn--ab-m1t.example", NULL, XN},
    {"xn-- without a code", "xn--.example", NULL, ""},
    {"xn-- and no punycode", "xn--a.example", NULL, XN},
    {"xn-- and ASCII only", "xn--abc-.example", NULL, ""},
    {"xn-- of an upper case letter", "xn--mnchen-psa.example", NULL, XN},
    {"xn-- of what is not composed", "xn--munchen-gie.example", NULL, XN},
    {"xn-- in the middle is no prefix", "axn--b.example", "axn--b.example",
	NULL},
    {"a good U-label and a bad A-label", "xn--a.m\xc3\xbcnchen.example", NULL,
	""},
    {"a U-label that is too long as A-label", L60 "\xc3\xbc.example", NULL, ""},
    {"63 characters that are more bytes",
	"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	".example",
	"xn--tdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", NULL},
    {"a U-label makes it longer than 253",
	L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 "abcd.\xc3\xbc", NULL, ""},
};

static void
check_name(const char *row, const char *bad, const struct dname *got,
    const char *want, const char *want_bad)
{
	if (want_bad == NULL) {
		check_str(row, bad, NULL);
		check_str(row, got->s, want);
		check_int(row, got->len, strlen(want));
		check_int(row, got->alabel,
		    strncmp(want, "xn--", 4) == 0 ||
			strstr(want, ".xn--") != NULL);
	} else {
		check_true(row, bad != NULL);
		if (strncmp(bad, want_bad, strlen(want_bad)) != 0)
			fail_msg("[%s] the phrase is\n  %s, not\n  %s", row,
			    bad, want_bad);
		check_true(row, *bad != '\0' && strlen(bad) < 256);
	}
}

static void
t_host(void **state)
{
	char *buf = malloc(DNAME_MAX + 1);
	struct dname got;
	const char *bad;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(hosts); i++) {
		bad = dname_host(hosts[i].text, buf, &got);
		check_name(
		    hosts[i].name, bad, &got, hosts[i].want, hosts[i].bad);
		check_int(hosts[i].name, got.kind, DNAME_HOST);
		if (hosts[i].want != NULL &&
		    strcmp(hosts[i].want, hosts[i].text) == 0)
			check_true(hosts[i].name, got.s == hosts[i].text);
	}
	free(buf);
}

/* A name in normal form is a fixed point. */
static void
t_stable(void **state)
{
	char buf[DNAME_MAX + 1];
	struct dname got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(hosts); i++)
		if (hosts[i].want != NULL) {
			check_str(hosts[i].name,
			    dname_host(hosts[i].want, buf, &got), NULL);
			check_str(hosts[i].name, got.s, hosts[i].want);
		}
}

static const struct {
	const char *name;
	const char *text;
	const char *want;
	const char *bad;
} suffixes[] = {
    {"plain", ".acme.example", ".acme.example", NULL},
    {"upper case", ".ACME.example", ".acme.example", NULL},
    {"one label", ".example", ".example", NULL},
    {"U-label", ".m\xc3\xbcnchen.example", ".xn--mnchen-3ya.example", NULL},
    {"only a dot", ".", NULL, "an empty name"},
    {"two dots", "..acme", NULL, "an empty label"},
    {"underscore", "._a_B.example", "._a_b.example", NULL},
    {"underscore and U-label", ".a_b.m\xc3\xbcnchen.example",
	".a_b.xn--mnchen-3ya.example", NULL},
    {"number", ".1", NULL, NUMBERED},
    {"253 bytes with the dot", "." N251 "j", "." N251 "j", NULL},
    {"254 bytes with the dot", "." N253, NULL,
	"the name is longer than 253 characters"},
    {"254 bytes with the dot, upper case", ".A" N251 "j", NULL, ""},
};

static void
t_suffix(void **state)
{
	char *buf = malloc(DNAME_MAX + 1);
	struct dname got;
	const char *bad;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(suffixes); i++) {
		bad = dname_gateway(suffixes[i].text, buf, &got);
		check_name(suffixes[i].name, bad, &got, suffixes[i].want,
		    suffixes[i].bad);
		check_int(suffixes[i].name, got.kind, DNAME_SUFFIX);
	}
	free(buf);
}

static const struct {
	const char *name;
	const char *text;
	enum dname_kind kind;
	const char *want;
	const char *bad;
} nexthops[] = {
    {"host", "acme.example", DNAME_HOST, "acme.example", NULL},
    {"suffix", ".acme.example", DNAME_SUFFIX, ".acme.example", NULL},
    {"[host]", "[mx.acme.example]", DNAME_NEXTHOP, "[mx.acme.example]", NULL},
    {"upper case", "[MX.Acme.Example]", DNAME_NEXTHOP, "[mx.acme.example]",
	NULL},
    {"[host]:port", "[mx.acme.example]:2525", DNAME_NEXTHOP,
	"[mx.acme.example]:2525", NULL},
    {"[host]:service", "[mx.acme.example]:Submission", DNAME_NEXTHOP,
	"[mx.acme.example]:submission", NULL},
    {"U-label", "[mx.m\xc3\xbcnchen.example]:25", DNAME_NEXTHOP,
	"[mx.xn--mnchen-3ya.example]:25", NULL},
    {"IPv4", "[192.0.2.1]", DNAME_NEXTHOP, "[192.0.2.1]", NULL},
    {"IPv6", "[2001:DB8::1]:25", DNAME_NEXTHOP, "[2001:db8::1]:25", NULL},
    {"IPv6 with its prefix", "[IPv6:2001:db8::1]", DNAME_NEXTHOP,
	"[ipv6:2001:db8::1]", NULL},
    {"the last port", "[a.example]:65535", DNAME_NEXTHOP, "[a.example]:65535",
	NULL},
    {"port 0", "[a.example]:0", DNAME_NEXTHOP, NULL,
	"the port is not from 1 to 65535"},
    {"port 65536", "[a.example]:65536", DNAME_NEXTHOP, NULL,
	"the port is not from 1 to 65535"},
    {"six digits", "[a.example]:999999", DNAME_NEXTHOP, NULL,
	"the port is not from 1 to 65535"},
    {"seven digits", "[a.example]:1234567", DNAME_NEXTHOP, NULL,
	"the port is not from 1 to 65535"},
    {"2^32 + 25", "[a.example]:4294967321", DNAME_NEXTHOP, NULL,
	"the port is not from 1 to 65535"},
    {"no port", "[a.example]:", DNAME_NEXTHOP, NULL,
	"after the host comes nothing, or ':' and a port"},
    {"text behind", "[a.example]x", DNAME_NEXTHOP, NULL,
	"after the host comes"},
    {"a second bracket", "[a.example]]", DNAME_NEXTHOP, NULL,
	"after the host comes"},
    {"a bad service", "[a.example]:a_b", DNAME_NEXTHOP, NULL,
	"the port is no number and no service name"},
    {"a long service", "[a.example]:" L60, DNAME_NEXTHOP, NULL,
	"the port is no number and no service name"},
    {"a negative port", "[a.example]:-", DNAME_NEXTHOP, NULL,
	"the port is no number and no service name"},
    {"no end", "[a.example", DNAME_NEXTHOP, NULL, "missing ']'"},
    {"empty", "[]", DNAME_NEXTHOP, NULL, "nothing between '[' and ']'"},
    {"empty, port", "[]:25", DNAME_NEXTHOP, NULL, "nothing between"},
    {"underscore", "[a_b.example]", DNAME_NEXTHOP, "[a_b.example]", NULL},
    {"a domain with an underscore", ".a_b.example", DNAME_SUFFIX, NULL,
	"'_' is not allowed"},
    {"a blank", "[a b]", DNAME_NEXTHOP, NULL,
	"a blank or control character (0x20)"},
    {"bracket in bracket", "[[a.example]]", DNAME_NEXTHOP, NULL,
	"after the host comes"},
    {"no address after all", "[300.0.2.1]", DNAME_NEXTHOP, NULL, NUMBERED},
    {"half an IPv6", "[2001:db8:]", DNAME_NEXTHOP, NULL, "':' is not allowed"},
    {"prefix and a name", "[ipv6:a.example]", DNAME_NEXTHOP, NULL,
	"':' is not allowed"},
    {"253 bytes", "[" N253 "]:65535", DNAME_NEXTHOP, "[" N253 "]:65535", NULL},
    {"254 bytes", "[" N254 "]", DNAME_NEXTHOP, NULL,
	"the name is longer than 253 characters"},
    {"bad host", "a_b", DNAME_HOST, NULL, "'_' is not allowed"},
    {"bad suffix", ".", DNAME_SUFFIX, NULL, "an empty name"},
    {"host and port without brackets", "A.Example:25", DNAME_NEXTHOP,
	"a.example:25", NULL},
    {"host and service", "a_b.example:Submission", DNAME_NEXTHOP,
	"a_b.example:submission", NULL},
    {"U-label and port", "m\xc3\xbcnchen.example:25", DNAME_NEXTHOP,
	"xn--mnchen-3ya.example:25", NULL},
    {"253 bytes and port", N253 ":65535", DNAME_NEXTHOP, N253 ":65535", NULL},
    {"254 bytes and port", N254 ":25", DNAME_NEXTHOP, NULL,
	"the name is longer than 253 characters"},
    {"host, bad port", "a.example:0", DNAME_NEXTHOP, NULL,
	"the port is not from 1 to 65535"},
    {"host, no port", "a.example:", DNAME_NEXTHOP, NULL,
	"after the host comes nothing, or ':' and a port"},
    {"bad host, port", "a~b:25", DNAME_NEXTHOP, NULL, "'~' is not allowed"},
    {"suffix and port", ".a.example:25", DNAME_SUFFIX, NULL,
	"':' is not allowed"},
    {"address and port", "192.0.2.1:25", DNAME_NEXTHOP, NULL, NUMBERED},
    {"IPv6 without brackets", "2001:db8::1", DNAME_NEXTHOP, NULL,
	"an address is written [2001:db8::1]"},
    {"only a port", ":25", DNAME_HOST, NULL, "':' is not allowed"},
    {"an address without brackets", "192.0.2.1", DNAME_HOST, NULL, NUMBERED},
};

static void
t_nexthop(void **state)
{
	char *buf = malloc(DNAME_NEXTHOP_MAX + 1);
	struct dname got;
	const char *bad;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(nexthops); i++) {
		bad = dname_nexthop(nexthops[i].text, buf, &got);
		check_name(nexthops[i].name, bad, &got, nexthops[i].want,
		    nexthops[i].bad);
		check_int(nexthops[i].name, got.kind, nexthops[i].kind);
	}
	free(buf);
}

static const struct {
	const char *name;
	bool address, alabel;
	const char *unicode; /* NULL: none */
} facts[] = {
    {"acme.example", false, false, NULL},
    {".acme.example", false, false, NULL},
    {"localhost", false, false, NULL},
    {"a.b.c.d", false, false, NULL},
    {"192.0.2.1", true, false, NULL},
    {"2001:db8::1", true, false, NULL},
    {"192.0.2", false, false, NULL},
    {"192.0.2.256", false, false, NULL},
    {"xn--mnchen-3ya.example", false, true, "m\xc3\xbcnchen.example"},
    {".xn--mnchen-3ya.example", false, true, ".m\xc3\xbcnchen.example"},
    {"a.xn--mnchen-3ya", false, true, "a.m\xc3\xbcnchen"},
    {"axn--mnchen-3ya.example", false, false, NULL},
    {"a-xn--b.xn--mnchen-3ya", false, true, "a-xn--b.m\xc3\xbcnchen"},
};

static void
t_facts(void **state)
{
	char buf[4 * DNAME_MAX];
	struct dname d;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(facts); i++) {
		check_int(facts[i].name, dname_is_address(facts[i].name),
		    facts[i].address);
		if (dname_nexthop(facts[i].name, buf, &d) == NULL)
			check_int(facts[i].name, d.alabel, facts[i].alabel);
		buf[0] = '\0';
		check_int(facts[i].name,
		    dname_unicode(facts[i].name, buf, sizeof(buf)),
		    facts[i].unicode != NULL);
		if (facts[i].unicode != NULL)
			check_str(facts[i].name, buf, facts[i].unicode);
	}
	/* Too little room is no answer, not half a name. */
	assert_false(dname_unicode("xn--mnchen-3ya.example", buf, 15));
	assert_false(dname_unicode("xn--mnchen-3ya.example", buf, 16));
	assert_true(dname_unicode("xn--mnchen-3ya.example", buf, 17));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_host),
	    cmocka_unit_test(t_stable),
	    cmocka_unit_test(t_suffix),
	    cmocka_unit_test(t_nexthop),
	    cmocka_unit_test(t_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
