#include "check.h"

#include <sys/stat.h>

#include "buf.h"
#include "diag.h"
#include "err.h"
#include "registry.h"

#define NOW 1795392000 /* 2026-11-23 */
#define C " contact=x@ours.example"
#define E "mode=enforced contact=x@ours.example "

/*
 * A registry and all that is said about it: "LINE: text", warnings as
 * "LINE~ text", '\n' behind each. In order of discovery, which the programs
 * then sort.
 */
static const struct {
	const char *name;
	const char *text;
	const char *want;
} cases[] = {
    {"nothing", "", ""},
    {"a partner", "partner a domain=a.example\n", ""},
    {"every attribute",
	"default min-tls=TLSv1.2 operator=ops ciphers=medium note=n\n"
	"provider p gateway=.p.example ca=/a.pem servername=nexthop\n"
	"partner a mode=enforced domain=a.example,.a.example verify=name\n"
	"  gateway=mx.a.example common-name=gateway ca=system issuer=X\n"
	"  min-tls=TLSv1.3 ciphers=high provider=p inbound=warn\n"
	"  inbound-verify=name inbound-action=reject on-failure=drop\n"
	"  drop-to=key drop-after=3/15m drop-for=4h contact=a@a.example\n"
	"  operator=o ticket=4711 review=2027-01-01 { note = a b }\n",
	"3~ partner a: inbound-verify=name: public CAs make no certificates "
	"for clients any more (since mid 2026), and renewed ones are refused; "
	"agree on the key (inbound-verify=key)\n"},
    {"comments inside", "partner a\n# x\n  domain=a.example\n", ""},

    {"unknown word", "foo a\n",
	"1: unknown word \"foo\": a line begins with partner, provider, "
	"default or include\n"},
    {"unknown word: case counts", "Partner a domain=a.example\n",
	"1: unknown word \"Partner\": a line begins with partner, provider, "
	"default or include; did you mean partner?\n"},
    {"no word", "domain=a.example\n",
	"1: \"domain\": a line begins with partner, provider, default or "
	"include; one that goes on begins with a blank\n"},
    {"a brace first", "{ a = b }\n",
	"1: \"a\": a line begins with partner, provider, default or "
	"include; one that goes on begins with a blank\n"},
    {"another's file", "root:*:2:\nPIN+=x\n\nb c:d\nroot:*:3:\nf\n",
	"1: unknown word: a line begins with partner, provider, default or "
	"include\n"
	"2: a line begins with partner, provider, default or include; one that "
	"goes on begins with a blank\n"
	"4: unknown word \"b\": a line begins with partner, provider, default "
	"or include\n"
	"5: not read from here on: no line is of a registry\n"},
    {"a partner line is missing",
	"provider p gateway=.p.example\n  domain=a.example\n",
	"2: attribute domain cannot be said in the provider statement of line "
	"1; is a partner line missing?\n"},
    {"an orphan", "\n  partner a domain=a.example\n",
	"2: a line that starts with a blank continues nothing\n"},
    {"no name", "partner\n", "1: partner has no name\n"},
    {"no name but attributes", "partner domain=a.example\n",
	"1: partner has no name\n"},
    {"provider has no name", "provider\n", "1: provider has no name\n"},
    {"a bad name", "partner a/b domain=a.example\n",
	"1: partner \"a/b\": a name is letters, digits, '.', '_' and '-', and "
	"begins with a letter or digit\n"},
    {"a name that begins badly", "provider -a\n",
	"1: provider \"-a\": a name is letters, digits, '.', '_' and '-', and "
	"begins with a letter or digit\n"},
    {"a name of 64 bytes",
	"partner aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"
	"gggg domain=a.example\n",
	"1: partner \"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
	"ffffffffffgggg\" is longer than 63 bytes\n"},
    {"unknown attribute", "partner a domain=a.example foo=1\n",
	"1: unknown attribute \"foo\"\n"},
    {"unknown attribute on its line", "partner a\n  domain=a.example\n  foo=1",
	"3: unknown attribute \"foo\"\n"},
    {"a word that is no attribute", "partner a b domain=a.example\n",
	"1: \"b\": missing '=' after the attribute's name\n"},
    {"blanks around =", "partner a mode = may domain=a.example\n",
	"1: \"mode\": no blank may stand around '=': say \"mode=may\"\n"},
    {"a blank in front of =", "partner a mode =may domain=a.example\n",
	"1: \"mode\": no blank may stand around '=': say \"mode=may\"\n"},
    {"a blank behind =", "partner a mode= may domain=a.example\n",
	"1: \"mode\": no blank may stand around '=': say \"mode=may\"\n"},
    {"blanks around =, and nothing", "partner a domain=a.example mode = \n",
	"1: attribute mode has no value\n"},
    {"blanks around = of an unknown one",
	"partner a domain=a.example modus = may\n",
	"1: \"modus\": no blank may stand around '=': say \"modus=may\"\n"
	"1: unknown attribute \"modus\"; did you mean mode?\n"},
    {"blanks around = of a text, and in it",
	"partner a note = signed 2026 by key domain=a.example\n",
	"1: \"note\": no blank may stand around '=': say "
	"\"{ note = signed 2026 by key }\"\n"},
    {"blanks around = of a list, and in it",
	"partner a domain = a.example , b.example note=x\n",
	"1: \"domain\": no blank may stand around '=': say "
	"\"domain=a.example,b.example\"\n"},
    {"what such a value holds is read", "partner a domain = a_b mode = no\n",
	"1: \"domain\": no blank may stand around '=': say \"domain=a_b\"\n"
	"1: domain \"a_b\": '_' is not allowed in a mail domain\n"
	"1: \"mode\": no blank may stand around '=': say \"mode=no\"\n"
	"1: mode \"no\" is not one of opportunistic, enforced, may, dane, "
	"none\n"},
    {"a blank behind a comma",
	"partner a domain=a.example gateway=b.example, c.example note=x\n",
	"1: \"gateway\": no blank may stand beside a comma of the list: say "
	"\"gateway=b.example,c.example\"\n"},
    {"a line that ends in a comma",
	"partner a domain=a.example,\n  b.example ,\n  c.example\n",
	"1: \"domain\": no blank may stand beside a comma of the list: say "
	"\"domain=a.example,b.example,c.example\"\n"},
    {"a blank in front of a comma",
	"partner a domain=a.example ,b.example note=x\n",
	"1: \"domain\": no blank may stand beside a comma of the list: say "
	"\"domain=a.example,b.example\"\n"},
    {"a comma where no list is", "partner a domain=a.example mode=may ,\n",
	"1: \",\": blanks alone stand between attributes\n"},
    {"a list without commas", "partner a domain=a.example b.example note=x\n",
	"1: \"b.example\": commas, not blanks, separate the elements of "
	"domain\n"},
    {"a text without braces",
	"partner a domain=a.example note=signed 2026\n  by key mode=may\n",
	"1: \"2026\": a value with blanks stands in braces: say "
	"\"{ note = signed 2026 by key }\"\n"},
    {"a pattern without braces",
	"partner a domain=a.example issuer=A,Let's Encrypt\n",
	"1: \"Encrypt\": a value with blanks stands in braces: say "
	"\"{ issuer = ... Encrypt }\"\n"},
    {"missing =, and its value", "partner a domain a.example mode=may\n",
	"1: \"domain\": missing '=' after the attribute's name: say "
	"\"domain=a.example\"\n"},
    {"missing =, and no value", "partner a domain=a.example mode\n",
	"1: \"mode\": missing '=' after the attribute's name\n"},
    {"a comment behind a word",
	"partner a # mode=x, y { z\n  domain=a.example # b\n  note=x\n",
	"1: \"#\": no comment can stand behind a word; a comment is a line of "
	"its own\n"
	"2: \"#\": no comment can stand behind a word; a comment is a line of "
	"its own\n"},
    {"a comment that ends its line",
	"partner a domain=a.example #mode=x\n  foo=1\n",
	"1: \"#mode\": no comment can stand behind a word; a comment is a "
	"line of its own\n"
	"2: unknown attribute \"foo\"\n"},
    {"a # in a value", "partner a domain=a.example note=#1 ticket=a#b\n", ""},
    {"a slip in a name", "partner a domian=a.example gatway=b\n",
	"1: unknown attribute \"domian\"; did you mean domain?\n"
	"1: unknown attribute \"gatway\"; did you mean gateway?\n"},
    {"a comma for a dot", "partner a domain=acme,example,.test,[b],b:25\n",
	"1~ domain \"acme\" of partner a is one word without a dot (a comma "
	"separates domains)\n"
	"1~ domain \"example\" of partner a is one word without a dot (a "
	"comma separates domains)\n"
	"1~ domain \".test\" of partner a is a whole top-level domain (a "
	"comma separates domains)\n"},
    {"missing value", "partner a domain=a.example mode=\n",
	"1: attribute mode has no value\n"},
    {"missing value in braces", "partner a domain=a.example { note = }\n",
	"1: attribute note has no value\n"},
    {"missing domain value", "partner a domain=\n",
	"1: attribute domain has no value\n"
	"1: partner a has no domain\n"},
    {"empty match", "partner a domain=a.example gateway=\n",
	"1: attribute gateway has no value\n"},
    {"empty element of match", "partner a domain=a.example gateway=a,\n",
	"1: gateway \"\": an empty element in the list\n"},
    {"a byte order mark", "\xef\xbb\xbfpartner a domain=a.example\n",
	"1: a byte order mark (U+FEFF) is in front of the line: save the file "
	"without it\n"},
    {"no width", "partner a\xe2\x80\x8b domain=a.example\n",
	"1: partner \"a\\xe2\\x80\\x8b\": a name is letters, digits, '.', "
	"'_' and '-', and begins with a letter or digit\n"},
    {"every bad element of a list",
	"partner a domain=a.example gateway=::1,a,b~c,*d ca=x,system,y\n",
	"1: gateway \"::1\": a gateway is named, not numbered: match= of "
	"Postfix takes no addresses\n"
	"1: gateway \"b~c\": '~' is not allowed in a mail domain\n"
	"1: gateway \"*d\": '*' is not allowed in a mail domain\n"
	"1: ca \"x\" is neither `system' nor an absolute path\n"
	"1: ca \"y\" is neither `system' nor an absolute path\n"},
    {"a floor and exact protocols",
	"partner a domain=a.example min-tls=TLSv1.3\n protocols=TLSv1.2\n",
	"1: partner a: min-tls= and protocols= say the same: leave one out\n"},
    {"exact protocols under a default",
	"default min-tls=TLSv1.3\n"
	"partner a domain=a.example protocols=TLSv1.2\n",
	""},
    {"a wildcard certificate's own name",
	"partner a domain=a.example gateway=*.a.example\n",
	"1~ partner a: gateway \"*.a.example\" is a certificate with that very "
	"name; any name below it is .a.example\n"},
    {"a provider without effect",
	"provider p gateway=.p.example { note = x }\n"
	"partner a domain=a.example provider=p\n gateway=.a.example\n",
	"2~ partner a: provider=p changes nothing: all that it says is said "
	"here, too\n"},
    {"a provider with some effect",
	"provider p gateway=.p.example issuer=P*\n"
	"partner a domain=a.example provider=p gateway=.a.example\n",
	""},
    {"said twice",
	"partner a domain=a.example\n mode=enforced" C
	"\n mode=opportunistic\n",
	"3: attribute mode is said twice\n"},
    {"default said twice", "default min-tls=TLSv1.2\ndefault min-tls=TLSv1.3\n",
	"2: attribute min-tls is said twice\n"},
    {"not of a provider", "provider p mode=enforced\n",
	"1: attribute mode cannot be said in a provider statement\n"},
    {"not of a default", "default domain=a.example\n",
	"1: attribute domain cannot be said in a default statement\n"},
    {"no brace", "partner a domain=a.example\n { note = x\n",
	"2: \"{ note = x\": missing '}'\n"},
    {"no brace, no complaint about what was not read", "partner a { note = x",
	"1: \"{ note = x\": missing '}'\n"},
    {"no domain", "partner a mode=opportunistic\n",
	"1: partner a has no domain\n"},

    {"bad domain", "partner a domain=a_b.example\n",
	"1: domain \"a_b.example\": '_' is not allowed in a mail domain\n"},
    {"bad domain in a list, on its line",
	"partner a domain=a.example,\n"
	"\n  domain=b.example,-c.example\n",
	"1: domain: an empty element in the list\n"
	"3: domain \"-c.example\": a label begins or ends with '-'\n"},
    {"all bad domains", "partner a domain=a_b,c_d\n",
	"1: domain \"a_b\": '_' is not allowed in a mail domain\n"
	"1: domain \"c_d\": '_' is not allowed in a mail domain\n"},
    {"one domain in two partners",
	"partner a domain=a.example\npartner b\n domain=b.example,A.Example\n",
	"3: domain \"a.example\" belongs to partner a already (r:1)\n"},
    {"the same domain in two spellings",
	"partner a domain=xn--mnchen-3ya.example\n"
	"partner b domain=M\xc3\x9cNCHEN.example\n",
	"2: domain \"xn--mnchen-3ya.example\" belongs to partner a already "
	"(r:1)\n"},
    {"one domain twice", "partner a domain=a.example\n domain=a.example\n",
	"2: domain \"a.example\" is said twice (line 1)\n"},
    {"a domain and its suffix are two",
	"partner a domain=a.example\npartner b domain=.a.example\n", ""},
    {"a domain and [domain] are two",
	"partner a domain=a.example,[a.example],[a.example]:25\n"
	" domain=a.example:25\n",
	""},
    {"a next-hop with a port is no sub-domain",
	"partner a " E "domain=.a.example\npartner b domain=x.a.example:25\n",
	""},
    {"one partner twice",
	"partner a domain=a.example\npartner a domain=b.example\n",
	"2: partner \"a\" is there already (r:1)\n"},
    {"names differ by case",
	"partner a domain=a.example\n"
	"partner A domain=b.example\n",
	""},
    {"one provider twice", "provider p\nprovider p\n",
	"2: provider \"p\" is there already (r:1)\n"},
    {"unknown provider", "partner a domain=a.example\n provider=p\n",
	"2: partner a: unknown provider \"p\"\n"},
    {"a provider further down",
	"partner a domain=a.example provider=p\nprovider p\n", ""},
    {"partner and provider of one name",
	"partner a domain=a.example\nprovider a\n", ""},
    {"verify=key without key", "partner a " E "domain=a.example verify=key\n",
	"1: partner a: verify=key needs key=, the SHA-256 of a public key\n"},
    {"inbound-verify=key without key",
	"partner a domain=a.example inbound-verify=key\n",
	"1: partner a: inbound-verify=key needs key=\n"},
    {"system beside files", "partner a domain=a.example ca=system,/a.pem\n",
	"1: partner a: ca=system cannot stand beside files: Postfix trusts "
	"the files alone\n"},
    {"include in memory", "include x\n",
	"1: include \"x\": includes are nested too deeply\n"},
    {"include without a file", "include\n",
	"1: include takes one file pattern\n"},
    {"include of two", "include a b\n", "1: include takes one file pattern\n"},
    {"include with an attribute", "include a=b\n",
	"1: include takes one file pattern\n"},

    {"control character", "partner a\x01 domain=a.example\n",
	"1: \"\\x01\": a control character is not allowed\n"},
    {"DOS line ends", "partner a domain=a.example\r\n",
	"1: \"\\x0d\": a carriage return: the file has DOS line ends (tr -d "
	"'\\r' removes them)\n"},
    {"not UTF-8", "# a\n# b\npartner a domain=a.example note=\xff\n",
	"3: \"\\xff\": the file is not UTF-8\n"},
    {"not UTF-8 in a comment", "# \xe4\n",
	"1: \"\\xe4\": the file is not "
	"UTF-8\n"},

    {"no contact", "partner a mode=enforced domain=a.example\n",
	"1~ partner a is enforced and has no contact\n"},
    {"no contact, three",
	"partner a mode=enforced domain=a.example\n"
	"partner b domain=b.example\n"
	"partner c mode=enforced domain=c.example\n"
	"partner d mode=enforced domain=d.example\n",
	"1~ partner a is enforced and has no contact\n"
	"3~ partner c is enforced and has no contact\n"
	"4~ partner d is enforced and has no contact\n"},
    {"no contact, many",
	"partner a domain=a.example\n"
	"partner b mode=enforced domain=b.example\n"
	"partner c mode=enforced domain=c.example\n"
	"partner d mode=enforced domain=d.example contact=a@d.example\n"
	"partner e mode=enforced domain=e.example\n"
	"partner f mode=enforced domain=f.example\n",
	"2~ partner b and 3 more are enforced and have no contact\n"},
    {"no contact needed", "partner a domain=a.example\n", ""},
    {"review overdue", "partner a domain=a.example review=2026-11-22\n",
	"1~ partner a: its review was due on 2026-11-22\n"},
    {"review today", "partner a domain=a.example review=2026-11-23\n",
	"1~ partner a: its review was due on 2026-11-23\n"},
    {"clients by public CAs",
	"partner a domain=a.example inbound=require inbound-verify=name\n",
	"1~ partner a: inbound-verify=name: public CAs make no certificates "
	"for clients any more (since mid 2026), and renewed ones are refused; "
	"agree on the key (inbound-verify=key)\n"},
    {"clients by a CA of their own",
	"partner a domain=a.example inbound=require inbound-verify=name "
	"ca=/x\n",
	""},
    {"clients that are not looked at",
	"partner a domain=a.example inbound-verify=name\n", ""},
    {"review tomorrow", "partner a domain=a.example review=2026-11-24\n", ""},
    {"weaker sub-domain",
	"partner a " E "domain=a.example\npartner b\n domain=x.a.example\n",
	"3~ domain \"x.a.example\" of partner b is weaker (opportunistic) than "
	"its parent \"a.example\" of partner a (secure)\n"},
    {"weaker than a suffix",
	"partner a " E "domain=.a.example\n"
	"partner b domain=x.y.a.example\n",
	"2~ domain \"x.y.a.example\" of partner b is weaker (opportunistic) "
	"than its parent \".a.example\" of partner a (secure)\n"},
    {"weaker suffix under a suffix",
	"partner a " E "domain=.a.example\npartner b domain=.x.a.example\n",
	"2~ domain \".x.a.example\" of partner b is weaker (opportunistic) "
	"than its parent \".a.example\" of partner a (secure)\n"},
    {"a weaker level of enforced",
	"partner a " E "domain=a.example\n"
	"partner b " E "domain=x.a.example verify=none\n",
	"2~ domain \"x.a.example\" of partner b is weaker (encrypt) than its "
	"parent \"a.example\" of partner a (secure)\n"},
    {"the parent stands below",
	"partner b domain=x.a.example\n"
	"partner a " E "domain=a.example\n",
	"1~ domain \"x.a.example\" of partner b is weaker (opportunistic) than "
	"its parent \"a.example\" of partner a (secure)\n"},
    {"REQUIRETLS said further up",
	"partner a " E "domain=.a.example requiretls=opportunistic\n"
	"partner b " E "domain=x.a.example\n",
	"2~ domain \"x.a.example\" of partner b says nothing of requiretls, so "
	"that what its parent \".a.example\" of partner a says holds for it\n"},
    {"REQUIRETLS said of both",
	"partner a " E "domain=.a.example requiretls=opportunistic\n"
	"partner b " E "domain=x.a.example requiretls=enforce\n",
	""},
    {"REQUIRETLS of a domain alone",
	"partner a " E "domain=a.example requiretls=opportunistic\n"
	"partner b " E "domain=x.a.example\n",
	""},
    {"a stronger sub-domain",
	"partner a domain=a.example\npartner b " E "domain=x.a.example\n", ""},
    {"as strong as its parent",
	"partner a " E "domain=a.example\npartner b " E "domain=x.a.example\n",
	""},
    {"the end of the name alone is no parent",
	"partner a " E "domain=a.example\npartner b domain=xa.example\n", ""},
    {"all in one go",
	"foo\npartner a\npartner b domain=b_b\npartner c domain=c.example "
	"mode=x\npartner d domain=d.example provider=p\n",
	"1: unknown word \"foo\": a line begins with partner, provider, "
	"default or include\n2: partner a has no domain\n"
	"3: domain \"b_b\": '_' is not allowed in a mail domain\n"
	"4: mode \"x\" is not one of opportunistic, enforced, may, dane, none\n"
	"5: partner d: unknown provider \"p\"\n"},
};

static char *
said(const struct diags *d)
{
	struct buf b = {0};
	size_t i;

	buf_puts(&b, "");
	for (i = 0; i < d->n; i++)
		buf_printf(&b, "%u%c %s\n", d->v[i].line,
		    d->v[i].kind == DIAG_ERROR ? ':' : '~', d->v[i].text);
	return buf_take(&b);
}

static void
t_said(void **state)
{
	struct registry *r;
	struct diags d;
	size_t i, j;
	char *got;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		d = (struct diags){0};
		r = registry_parse(
		    "r", cases[i].text, strlen(cases[i].text), NOW, &d);
		assert_non_null(r);
		for (j = 0; j < d.n; j++)
			check_str(cases[i].name, d.v[j].file, "r");
		got = said(&d);
		check_str(cases[i].name, got, cases[i].want);
		free(got);
		diag_free(&d);
		registry_free(r);
	}
	registry_free(NULL);
}

static struct registry *
parse(const char *text)
{
	struct diags d = {0};
	struct registry *r = registry_parse("r", text, strlen(text), NOW, &d);
	char *got = said(&d);

	assert_string_equal(got, "");
	free(got);
	diag_free(&d);
	return r;
}

/* A partner over its provider, the provider over the default. */
static void
t_precedence(void **state)
{
	static const char text[] =
	    "partner own provider=p domain=a.example gateway=mx.a.example\n"
	    " issuer=A common-name=any ciphers=high min-tls=TLSv1.1\n"
	    "partner bare provider=p domain=b.example\n"
	    "partner free domain=c.example\n"
	    "provider p gateway=.p.example issuer=P common-name=gateway\n"
	    " servername=nexthop\n"
	    "default gateway=.d.example issuer=D ciphers=medium ca=/d.pem\n"
	    "default mode=opportunistic min-tls=TLSv1.3\n";
	struct registry *r = parse(text);
	const struct partner *own, *bare, *none;

	(void)state;
	own = &r->partner[registry_find(r, "own")];
	bare = &r->partner[registry_find(r, "bare")];
	none = &r->partner[registry_find(r, "free")];
	assert_int_equal(own->gateway->n, 1);
	assert_string_equal(own->gateway->v[0], "mx.a.example");
	assert_string_equal(bare->gateway->v[0], ".p.example");
	assert_string_equal(none->gateway->v[0], ".d.example");
	assert_string_equal(own->attributes->issuer->v[0], "A");
	assert_string_equal(bare->attributes->issuer->v[0], "P");
	assert_string_equal(none->attributes->issuer->v[0], "D");
	assert_int_equal(own->attributes->common_name, COMMON_NAME_ANY);
	assert_int_equal(bare->attributes->common_name, COMMON_NAME_GATEWAY);
	assert_int_equal(none->attributes->common_name, COMMON_NAME_ANY);
	assert_int_equal(own->attributes->ciphers, CIPHERS_HIGH);
	assert_int_equal(bare->attributes->ciphers, CIPHERS_MEDIUM);
	assert_int_equal(none->attributes->ciphers, CIPHERS_MEDIUM);
	assert_int_equal(own->attributes->min_tls, TLS_1_1);
	assert_int_equal(bare->attributes->min_tls, TLS_1_3);
	assert_string_equal(own->attributes->ca->v[0], "/d.pem");
	registry_free(r);
}

/* Who says the same as the one before, and means another provider. */
static void
t_neighbours(void **state)
{
	static const char text[] =
	    "partner a domain=a.example provider=p\n"
	    "partner b domain=b.example provider=q\n"
	    "partner c domain=c.example provider=q gateway=mx.c.example\n"
	    "partner d domain=d.example provider=q contact=d@d.example\n"
	    "provider p gateway=.p.example issuer=P\n"
	    "provider q gateway=.q.example issuer=Q\n";
	struct registry *r = parse(text);
	const struct partner *p = r->partner;

	(void)state;
	assert_string_equal(p[0].attributes->issuer->v[0], "P");
	assert_string_equal(p[1].attributes->issuer->v[0], "Q");
	assert_string_equal(p[2].attributes->issuer->v[0], "Q");
	assert_string_equal(p[0].gateway->v[0], ".p.example");
	assert_string_equal(p[1].gateway->v[0], ".q.example");
	assert_string_equal(p[2].gateway->v[0], "mx.c.example");
	assert_string_equal(p[3].gateway->v[0], ".q.example");
	assert_string_equal(p[3].contact, "d@d.example");
	assert_null(p[1].contact);
	registry_free(r);
}

static void
t_lists(void **state)
{
	struct registry *r =
	    parse("partner a domain=a.example,b.example\n domain=c.example\n"
		  " gateway=x.example gateway=y.example,z.example\n"
		  " gateway=nexthop { issuer = Let's Encrypt, D-TRUST }\n"
		  "default gateway=no.example\npartner b domain=d.example\n");
	const struct partner *p = &r->partner[0];

	(void)state;
	assert_int_equal(p->ndomains, 3);
	assert_string_equal(r->domain[p->first_domain + 2].name, "c.example");
	assert_int_equal(r->domain[p->first_domain + 2].line, 2);
	assert_int_equal(p->gateway->n, 4);
	assert_string_equal(p->gateway->v[0], "x.example");
	assert_string_equal(p->gateway->v[3], "nexthop");
	assert_int_equal(p->attributes->issuer->n, 2);
	assert_string_equal(p->attributes->issuer->v[0], "Let's Encrypt");
	assert_string_equal(p->attributes->issuer->v[1], "D-TRUST");
	assert_int_equal(r->partner[1].gateway->n, 1);
	assert_int_equal(r->partner[1].first_domain, 3);
	registry_free(r);
}

static const struct {
	const char *name;
	uint32_t want;
} finds[] = {
    {"a", 0},
    {"b", 1},
    {"a.example", 0},
    {"A.Example", 0},
    {".b.example", 1},
    {"m\xc3\xbcnchen.example", 1},
    {"xn--mnchen-3ya.example", 1},
    {"[mx.b.example]:25", 1},
    {"c", REGISTRY_NONE},
    {"b.example", REGISTRY_NONE},
    {"a.example.", REGISTRY_NONE},
    {"", REGISTRY_NONE},
    {"A", REGISTRY_NONE},
};

static void
t_find(void **state)
{
	struct registry *r =
	    parse("partner a domain=a.example\npartner b domain=.b.example,"
		  "m\xc3\xbcnchen.example,[MX.b.example]:25\n");
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(finds); i++)
		check_int(finds[i].name, registry_find(r, finds[i].name),
		    finds[i].want);
	registry_free(r);
}

static const struct {
	const char *name;
	const char *attrs;
	enum level want;
} levels[] = {
    {"default", "", LEVEL_OPPORTUNISTIC},
    {"opportunistic with verify", "verify=dane", LEVEL_OPPORTUNISTIC},
    {"enforced", E, LEVEL_SECURE},
    {"name", E "verify=name", LEVEL_SECURE},
    {"dane", E "verify=dane", LEVEL_SECURE},
    {"none", E "verify=none", LEVEL_ENCRYPT},
    {"key",
	E "verify=key key=0123456789abcdef0123456789abcdef"
	  "0123456789abcdef0123456789abcdef",
	LEVEL_KEY},
};

static void
t_levels(void **state)
{
	struct registry *r;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(levels); i++) {
		(void)snprintf(text, sizeof(text),
		    "partner a domain=a.example %s\n", levels[i].attrs);
		r = parse(text);
		check_int(levels[i].name, partner_level(&r->partner[0]),
		    levels[i].want);
		registry_free(r);
	}
}

/* Files below a folder, and what is said about them as "FILE:LINE: text". */
struct file {
	const char *name;
	const char *text; /* NULL: a folder */
};

static const struct {
	const char *name;
	struct file files[5];
	const char *want; /* %s is not replaced: the folder is cut out */
	size_t partners;
} loads[] = {
    {"one file", {{"r", "partner a domain=a.example\n"}}, "", 1},
    {"an include",
	{{"r", "include more\npartner a domain=a.example\n"},
	    {"more", "partner b domain=b.example\n"}},
	"", 2},
    {"a pattern",
	{{"r", "include p.d/*.registry\n"}, {"p.d", NULL},
	    {"p.d/a.registry", "partner a domain=a.example\n"},
	    {"p.d/b.registry", "partner b domain=b.example\n"},
	    {"p.d/c.backup", "partner c domain=c.example\n"}},
	"", 2},
    {"a pattern passes over a lock, unread",
	{{"r", "include p.d/*\n"}, {"p.d", NULL},
	    {"p.d/a", "partner a domain=a.example\n"},
	    {"p.d/a.lock", NULL}, /* to read it would be an error */
	    {"p.d/lock", "partner b domain=b.example\n"}},
	"", 2},
    {"and over a file that is not in place yet",
	{{"r", "include p.d/*\n"}, {"p.d", NULL},
	    {"p.d/a", "partner a domain=a.example\n"},
	    {"p.d/a.tmp", "partner a domain=a.exa"}},
	"", 1},
    {"not a name",
	{{"r", "include a.lock\n"}, {"a.lock", "partner a domain=a.example\n"}},
	"", 1},
    {"a folder whose name looks like a pattern",
	{{"r", "include p\\[1]/x\n"}, {"p[1]", NULL},
	    {"p[1]/x", "include *.registry\ninclude y\n"},
	    {"p[1]/a.registry", "partner a domain=a.example\n"},
	    {"p[1]/y", "partner b domain=b.example\n"}},
	"", 2},
    {"a pattern that fits nothing", {{"r", "include p.d/*.registry\n"}}, "", 0},
    {"relative to the file that includes",
	{{"r", "include sub/x\n"}, {"sub", NULL}, {"sub/x", "include y\n"},
	    {"sub/y", "partner a domain=a.example\n"}},
	"", 1},
    {"missing", {{"r", "\ninclude more\n"}},
	"r:2: include: cannot open \"/more\": No such file or directory\n", 0},
    {"a folder", {{"r", "include sub\n"}, {"sub", NULL}},
	"r:1: include: cannot read \"/sub\": Is a directory\n", 0},
    {"itself", {{"r", "include r\n"}},
	"r:1: include loop: \"/r\" includes this file\n", 0},
    {"in a circle",
	{{"r", "include a\n"}, {"a", "\ninclude b\n"},
	    {"b", "\n\ninclude a\ninclude r\n"}},
	"b:3: include loop: \"/a\" includes this file\n"
	"b:4: include loop: \"/r\" includes this file\n",
	0},
    {"twice",
	{{"r", "include a\ninclude b\n"}, {"a", "include c\n"},
	    {"b", "\ninclude c\n"}, {"c", "partner a domain=a.example\n"}},
	"b:2: \"/c\" is included twice (first at /a:1)\n", 1},
    {"a domain in two files",
	{{"r", "include a\npartner b domain=a.example\n"},
	    {"a", "\npartner a domain=a.example\n"}},
	"r:2: domain \"a.example\" belongs to partner a already (/a:2)\n", 2},
    {"a fault in an included file",
	{{"r", "include a\n"}, {"a", "\npartner a domain=a_b\n"}},
	"a:2: domain \"a_b\": '_' is not allowed in a mail domain\n", 1},
    {"not UTF-8 in an included file",
	{{"r", "include a\npartner b domain=b.example\n"}, {"a", "\n\xff\n"}},
	"a:2: \"\\xff\": the file is not UTF-8\n", 1},
    {"no CA file",
	{{"r", "partner a domain=a.example ca=/nonexistent/ca.pem\n"
	       "partner b domain=b.example ca=/nonexistent/ca.pem\n"}},
	"r:1: partner a: CA file \"/nonexistent/ca.pem\": No such file or "
	"directory\n",
	2},
    {"a default reaches into other files",
	{{"r", "include a\n"}, {"a", "partner a domain=a.example\n"
				     "default mode=enforced\n"}},
	"a:1~ partner a is enforced and has no contact\n", 1},
};

/* text without any dir in it */
static void
cut_out(char *text, const char *dir)
{
	size_t n = strlen(dir);
	char *p;

	while ((p = strstr(text, dir)) != NULL)
		memmove(p, p + n, strlen(p + n) + 1);
}

static void
t_load(void **state)
{
	struct registry *r;
	struct buf b = {0};
	struct diags d;
	struct err e;
	char *dir, *path;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(loads); i++) {
		dir = check_folder();
		for (j = 0; j < 5 && loads[i].files[j].name != NULL; j++) {
			path = check_path(dir, loads[i].files[j].name);
			if (loads[i].files[j].text != NULL)
				check_puts(path, loads[i].files[j].text);
			else
				check_int(path, mkdir(path, 0700), 0);
			free(path);
		}
		path = check_path(dir, "r");
		d = (struct diags){0};
		r = registry_load(path, NOW, &d, &e);
		assert_non_null(r);
		buf_clear(&b);
		buf_puts(&b, "");
		for (j = 0; j < d.n; j++)
			buf_printf(&b, "%s:%u%c %s\n",
			    strrchr(d.v[j].file, '/') + 1, d.v[j].line,
			    d.v[j].kind == DIAG_ERROR ? ':' : '~', d.v[j].text);
		cut_out(b.data, dir);
		check_str(loads[i].name, b.data, loads[i].want);
		check_int(loads[i].name, r->npartners, loads[i].partners);
		check_int(loads[i].name, strlen(r->digest), 64);
		diag_free(&d);
		registry_free(r);
		free(path);
		check_folder_end(dir);
	}
	buf_free(&b);
}

/* As deep as allowed, and one more. */
static void
t_depth(void **state)
{
	char *dir = check_folder(), *path, name[16], text[64];
	struct registry *r;
	struct diags d = {0};
	struct err e;
	int i;

	(void)state;
	for (i = 0; i <= REGISTRY_DEPTH_MAX + 1; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		(void)snprintf(text, sizeof(text),
		    "partner p%d domain=d%d.example\n%sinclude f%d\n", i, i,
		    i > REGISTRY_DEPTH_MAX ? "# " : "", i + 1);
		path = check_path(dir, name);
		check_puts(path, text);
		free(path);
	}
	path = check_path(dir, "f1");
	r = registry_load(path, NOW, &d, &e);
	assert_int_equal(r->npartners, REGISTRY_DEPTH_MAX + 1);
	assert_int_equal(d.n, 0);
	diag_free(&d);
	registry_free(r);
	free(path);
	path = check_path(dir, "f0");
	r = registry_load(path, NOW, &d, &e);
	assert_int_equal(r->npartners, REGISTRY_DEPTH_MAX + 1);
	assert_int_equal(d.errors, 1);
	check_has("too deep", d.v[0].text, "includes are nested too deeply");
	diag_free(&d);
	registry_free(r);
	free(path);
	check_folder_end(dir);
}

static void
t_no_file(void **state)
{
	struct diags d = {0};
	struct err e = {0};

	(void)state;
	assert_null(registry_load("/nonexistent/registry", NOW, &d, &e));
	assert_int_equal(e.code, 66);
	assert_int_equal(d.n, 0);
}

/* The digest is of the bytes, whatever they mean. */
static void
t_digest(void **state)
{
	struct registry *a = parse("partner a domain=a.example\n");
	struct registry *b = parse("partner a domain=a.example\n");
	struct registry *c = parse("partner  a domain=a.example\n");

	(void)state;
	assert_string_equal(a->digest, b->digest);
	assert_string_not_equal(a->digest, c->digest);
	registry_free(a);
	registry_free(b);
	registry_free(c);
}

/* A partner, with something of everything now and then. */
static void
put_partner(FILE *f, unsigned i)
{
	(void)fprintf(
	    f, "partner p%u mode=enforced contact=c@p%u.example", i, i);
	(void)fprintf(f,
	    i % 3 == 0	 ? " domain=p%u.example"
	    : i % 3 == 1 ? "\n  domain=p%u.example\n\n# note\n"
			 : " gateway=mx.elsewhere.example domain=p%u.example",
	    i);
	if (i % 5 == 0)
		(void)fprintf(f, "\n  domain=.p%u.example,Q%u.example", i, i);
	if (i % 7 == 0)
		(void)fprintf(f, "\tprovider=v%u", i % 2);
	(void)fprintf(f, i % 1000 == 77 ? " nonsense=1\n" : "\n");
}

enum { LARGE = 60000, INCLUDE = 31111, TWIN = 55555 };

/* Large; what matters to the rest stands in the middle. */
static void
write_large(const char *path, const char *more)
{
	FILE *f = fopen(path, "w");
	unsigned i;

	assert_non_null(f);
	for (i = 0; i < LARGE; i++) {
		if (i == INCLUDE)
			(void)fprintf(f, "include %s\n", more);
		if (i == INCLUDE + 1)
			(void)fprintf(f, "provider v1 issuer=V\n"
					 "default min-tls=TLSv1.3\n");
		if (i == TWIN)
			put_partner(f, 6);
		put_partner(f, i);
	}
	(void)fprintf(f, "provider v0 issuer=W\n");
	assert_int_equal(fclose(f), 0);
}

static void
load_large(const char *path)
{
	struct diags d = {0};
	struct registry *r;
	struct err e;

	r = registry_load(path, NOW, &d, &e);
	assert_non_null(r);
	assert_int_equal(r->npartners, LARGE + 3);
	/* Behind the included ones, which stand where the include does. */
	assert_string_equal(r->partner[INCLUDE].name, "x0");
	assert_string_equal(r->partner[INCLUDE + 1].name, "x1");
	assert_string_equal(r->partner[INCLUDE + 2].name, "p31111");
	assert_int_equal(d.errors, 62);
	assert_int_equal(registry_find(r, "q59995.example"), 59995 + 3);
	assert_int_equal(registry_find(r, "x1.example"), INCLUDE + 1);
	assert_int_equal(registry_find(r, "p59999"), 59999 + 3);
	assert_string_equal(r->partner[7].attributes->issuer->v[0], "V");
	assert_string_equal(r->partner[14].attributes->issuer->v[0], "W");
	assert_int_equal(r->partner[0].attributes->min_tls, TLS_1_3);
	registry_free(r);
	diag_free(&d);
}

static void
t_large(void **state)
{
	char *dir = check_folder(), path[256], more[256];
	struct registry *r;
	struct diags d = {0};
	struct err e;
	FILE *f;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/registry", dir);
	(void)snprintf(more, sizeof(more), "%s/more", dir);
	f = fopen(more, "w");
	assert_non_null(f);
	(void)fprintf(f, "partner x0 domain=x0.example\n"
			 "partner x1 domain=x1.example\n");
	assert_int_equal(fclose(f), 0);
	write_large(path, more);
	load_large(path);
	/* A bad byte in the middle: it is no registry. */
	f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, 2000000, SEEK_SET), 0);
	assert_int_equal(fputc(1, f), 1);
	assert_int_equal(fclose(f), 0);
	r = registry_load(path, NOW, &d, &e);
	assert_non_null(r);
	assert_int_equal(r->npartners, 0);
	assert_int_equal(d.n, 1);
	check_has("bad byte", d.v[0].text, "control character");
	registry_free(r);
	diag_free(&d);
	(void)unlink(path);
	(void)unlink(more);
	(void)rmdir(dir);
	free(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_said),
	    cmocka_unit_test(t_precedence),
	    cmocka_unit_test(t_neighbours),
	    cmocka_unit_test(t_lists),
	    cmocka_unit_test(t_find),
	    cmocka_unit_test(t_levels),
	    cmocka_unit_test(t_load),
	    cmocka_unit_test(t_depth),
	    cmocka_unit_test(t_no_file),
	    cmocka_unit_test(t_digest),
	    cmocka_unit_test(t_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
