/*
 * What others write of their policies, as text of the registry; and that what
 * we print of a map comes back as the same map.
 */
#include "check.h"

#include "compile.h"
#include "diag.h"
#include "err.h"
#include "import.h"
#include "ledger_downgrade.h"
#include "registry.h"
#include "target.h"

#define NOW 1795392000 /* 2026-11-23 */
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LEFT " inbound=off\n"
#define MAIN " min-tls=main.cf ciphers=main.cf" LEFT

enum { POSTFIX, CSV, JSON, DESTINATIONS };

/* A row, and the statement without its line breaks; comments by their end. */
static const struct {
	const char *name;
	unsigned format;
	const char *text;
	const char *want;
	unsigned partly, left;
} cases[] = {
    {"names", POSTFIX, "a.example secure match=mx.a.example:.b.example\n",
	"partner a.example domain=a.example mode=enforced verify=name "
	"gateway=mx.a.example,.b.example" MAIN,
	0, 0},
    {"match= again, and an empty name", POSTFIX,
	"a.example\tsecure match=x.a.example match=::y.a.example\n",
	"partner a.example domain=a.example mode=enforced verify=name "
	"gateway=x.a.example,y.a.example" MAIN,
	0, 0},
    {"Postfix's own names", POSTFIX, "a.example SECURE\n",
	"partner a.example domain=a.example mode=enforced verify=name "
	"gateway=nexthop,dot-nexthop" MAIN,
	0, 0},
    {"terms as we write them", POSTFIX,
	"a.example encrypt protocols=>=TLSv1.2 ciphers=high\n",
	"partner a.example domain=a.example mode=enforced verify=none "
	"min-tls=TLSv1.2 ciphers=high" LEFT,
	0, 0},
    {"terms as before 3.6", POSTFIX,
	"a.example encrypt protocols=!SSLv2:!SSLv3 ciphers=MEDIUM\n",
	"partner a.example domain=a.example mode=enforced verify=none "
	"min-tls=TLSv1 ciphers=medium" LEFT,
	0, 0},
    {"exact protocols", POSTFIX, "a.example encrypt, protocols=TLSv1\n",
	"partner a.example domain=a.example mode=enforced verify=none "
	"protocols=TLSv1 ciphers=main.cf" LEFT,
	0, 0},
    {"not for all of DNS", POSTFIX, "a.example dane-only servername=x.y\n",
	"partner a.example domain=a.example mode=enforced verify=dane" MAIN, 0,
	0},
    {"levels of their own", POSTFIX,
	"a.example none ciphers=high\nb.example may\n"
	"c.example dane ciphers=high\n",
	"partner a.example domain=a.example mode=none" LEFT
	"partner b.example domain=b.example mode=may" LEFT
	"partner c.example domain=c.example mode=dane ciphers=high" LEFT,
	0, 0},
    {"none, whatever stands behind it", POSTFIX,
	"a.example none match=a ciphers=high ciphers=low # no\n",
	"partner a.example domain=a.example mode=none" LEFT, 0, 0},
    {"empty, and taken", POSTFIX, "a.example encrypt protocols= exclude=\n",
	"# t:1: \"a.example\": protocols= is empty, which lets in every "
	"version: what main.cf has holds instead\n"
	"# t:1: \"a.example\": exclude= is empty, which lets in every cipher: "
	"what main.cf excludes holds instead\n"
	"partner a.example domain=a.example mode=enforced verify=none" MAIN,
	1, 0},
    {"empty, and refused", POSTFIX, "a.example encrypt ciphers=\n",
	"# t:1: \"a.example\": left out: \"ciphers=\" is no name=value, for "
	"which Postfix holds all mail\n",
	0, 1},
    {"may with words", POSTFIX,
	"a.example may protocols=>=TLSv1.2 servername=hostname\n",
	"partner a.example domain=a.example mode=may servername=hostname "
	"protocols=>=TLSv1.2" LEFT,
	0, 0},
    {"a key", POSTFIX, "a.example fingerprint match=" HEX "\n",
	"partner a.example domain=a.example mode=enforced verify=key key=" HEX
	    MAIN,
	0, 0},
    {"a key and something weaker", POSTFIX,
	"a.example fingerprint match=01:02:03|" HEX "\n",
	"# t:1: \"a.example\": \"01:02:03\" is no SHA-256: MD5 and SHA-1 can "
	"be "
	"made to fit; take the SHA-256 of the key (tlspact-verify shows it)\n"
	"partner a.example domain=a.example mode=enforced verify=key key=" HEX
	    MAIN,
	1, 0},
    {"no key at all", POSTFIX, "a.example fingerprint match=01:02\n",
	"# t:1: \"a.example\": left out: no SHA-256 in match=: MD5 and SHA-1 "
	"can be made to fit; take the SHA-256 of the key (tlspact-verify shows "
	"it)\n",
	0, 1},
    {"keys that are elsewhere", POSTFIX, "a.example fingerprint\n",
	"# t:1: \"a.example\": left out: its fingerprints are in main.cf "
	"(smtp_tls_fingerprint_cert_match)\n",
	0, 1},
    {"roots", POSTFIX, "a.example secure tafile=/dev/null tafile=/b.pem\n",
	"# t:1: \"a.example\": CA file \"/b.pem\": No such file or directory: "
	"without it nothing is compiled, and Postfix holds all mail for such a "
	"row\n"
	"partner a.example domain=a.example mode=enforced verify=name "
	"gateway=nexthop,dot-nexthop ca=/dev/null,/b.pem" MAIN,
	0, 0},
    {"verify", POSTFIX, "a.example verify\n",
	"# t:1: \"a.example\": verify without match= takes the name of the MX "
	"host as DNS has it: who forges the MX record chooses it; name the "
	"gateways\n"
	"partner a.example domain=a.example mode=enforced verify=name "
	"gateway=hostname" MAIN,
	0, 0},
    {"next-hops", POSTFIX,
	"[mx.a.example]:587 encrypt\nmx.a.example:submission encrypt\n"
	"[2001:db8::1] encrypt\n",
	"partner mx.a.example-587 domain=[mx.a.example]:587 mode=enforced "
	"verify=none" MAIN
	"partner mx.a.example-submission domain=mx.a.example:submission "
	"mode=enforced verify=none" MAIN
	"partner 2001-db8-1 domain=[2001:db8::1] mode=enforced "
	"verify=none" MAIN,
	0, 0},
    {"a domain and what is below it", POSTFIX,
	"a.example may\n.a.example may\n.b.example may\nb.example none\n",
	"partner a.example domain=a.example,.a.example mode=may" LEFT
	"partner b.example domain=.b.example mode=may" LEFT
	"partner b.example-2 domain=b.example mode=none" LEFT,
	0, 0},
    {"one domain in two scripts", POSTFIX,
	"xn--mnchen-3ya.example may\nm\xc3\xbcnchen.example may\n",
	"partner xn--mnchen-3ya.example domain=xn--mnchen-3ya.example "
	"mode=may" LEFT,
	0, 0},
    {"the first one counts", POSTFIX, "a.example may\nA.Example none\n",
	"partner a.example domain=a.example mode=may" LEFT
	"# t:2: \"A.Example\": a.example is there already, with another policy "
	"(line 1), which counts\n",
	0, 1},
    {"nobody asks for it", POSTFIX, "* may\njoe@a.example may\n/x/ may\n",
	"# t:1: \"*\": left out: Postfix asks for no \"*\", so that the row "
	"holds for nobody: smtp_tls_security_level is for all others\n"
	"# t:2: \"joe@a.example\": left out: Postfix asks for domains, not for "
	"addresses\n"
	"# t:3: \"/x/\": left out: a pattern; name the domains\n",
	0, 3},
    {"a dot is no address", POSTFIX, ". none\n",
	"# t:1: \".\": left out: domain \".\": an empty name\n", 0, 1},
    {"an address without brackets", POSTFIX, "192.0.2.1 none\n",
	"# t:1: \"192.0.2.1\": left out: an address without brackets, for "
	"which Postfix asks only where a transport or relayhost has none "
	"either: write them there and here\n",
	0, 1},
    {"a comment behind it", POSTFIX,
	"a.example encrypt # one mx has it = yes\nb.example may\n"
	"# for all\n	ciphers=high\n",
	"# t:1: \"a.example\": left out: a comment behind a policy is none to "
	"Postfix, which holds all mail for it: give it a line of its own\n"
	"partner b.example domain=b.example mode=may ciphers=high" LEFT,
	0, 1},
    {"the first thing that is wrong", POSTFIX,
	"a.example encrypt protocols=!SSLv2,!SSLv3,!TLSv1\n",
	"# t:1: \"a.example\": left out: \"!SSLv3\" is no name=value, for "
	"which Postfix holds all mail\n",
	0, 1},
    {"no word for it", POSTFIX, "a.example encrypt exclude=RC4,ciphers=low\n",
	"# t:1: \"a.example\": exclude=\"RC4\" is not carried over: "
	"what main.cf excludes holds instead\n"
	"# t:1: \"a.example\": ciphers=\"low\" becomes medium: what is below "
	"it "
	"is no protection\n"
	"partner a.example domain=a.example mode=enforced verify=none "
	"min-tls=main.cf ciphers=medium" LEFT,
	1, 0},
    {"for reports only", POSTFIX,
	"a.example secure match=mx.a.example policy_type=sts "
	"policy_domain=a.example { policy_string = version: STSv1 }\n",
	"partner a.example domain=a.example mode=enforced verify=name "
	"gateway=mx.a.example" MAIN,
	0, 0},
    {"what Postfix holds mail for", POSTFIX,
	"a.example secure match=a,b\nb.example\nc.example tls\n"
	"d.example may match=a\ne.example may ciphers=high ciphers=high\n"
	"f.example may what=ever\n",
	"# t:1: \"a.example\": left out: \"b\" is no name=value, for which "
	"Postfix holds all mail\n"
	"# t:2: \"b.example\": left out: there is no policy behind the key\n"
	"# t:3: \"c.example\": left out: \"tls\" is no level, and Postfix "
	"holds "
	"all mail for it\n"
	"# t:4: \"d.example\": left out: match= or tafile= at level \"may\", "
	"for which Postfix holds all mail\n"
	"# t:5: \"e.example\": left out: \"ciphers\"= is there twice, for "
	"which "
	"Postfix holds all mail\n"
	"# t:6: \"f.example\": left out: attribute \"what\" is not known\n",
	0, 6},
    {"what the registry refuses", POSTFIX,
	"a_b.example may\nx.1 may\na.example encrypt protocols=TLSv9\n"
	"b.example secure match=192.0.2.1\n",
	"# t:1: \"a_b.example\": left out: domain \"a_b.example\": '_' is not "
	"allowed in a mail domain\n"
	"# t:2: \"x.1\": left out: domain \"x.1\": it is an address "
	"or ends in a number; an address is written [192.0.2.1]\n"
	"# t:3: \"a.example\": left out: protocols \"TLSv9\" is not a list of "
	"protocols such as TLSv1.2, >=TLSv1.2 or !SSLv2:!SSLv3, or lets none "
	"in\n"
	"# t:4: \"b.example\": left out: gateway \"192.0.2.1\": a gateway is "
	"named, not numbered: match= of Postfix takes no addresses\n",
	0, 4},
    {"a statement inside a row", POSTFIX,
	"a.example secure match=x}{mode=none\nb\x01.example may\n"
	"c.example may ciphers=\xff\n",
	"# t:1: \"a.example\": gateway: \"x}{mode=none\" cannot be said in one "
	"word\n"
	"partner a.example domain=a.example mode=enforced verify=name" MAIN
	"# t:2: \"b\\x01.example\": left out: a character that is not allowed: "
	"\"\\x01\"\n"
	"# t:3: \"c.example\": left out: a character that is not allowed: "
	"\"\\xff\"\n",
	1, 2},

    {"csv", CSV,
	"Partner;Domain;Mode;Gateway;Contact;Colour\n"
	"acme;\"a.example .a.example\";enforced;mx1.a.example, mx2.a.example;"
	"\"Jo \"\"J\"\" Doe\";red\n;b.example;;;;\n;;;;;\n",
	"# column \"Colour\" is no attribute of a partner and is left out\n"
	"partner acme domain=a.example,.a.example mode=enforced "
	"gateway=mx1.a.example,mx2.a.example { contact = Jo \"J\" Doe }\n"
	"partner b.example domain=b.example\n",
	0, 0},
    {"csv, commas and a line break", CSV,
	"\xef\xbb\xbf"
	"domain,drop_to,note\r\n"
	"a.example,encrypt,\"one\ntwo\"\r\nb.example,what,x}\r\n",
	"partner a.example domain=a.example drop-to=encrypt "
	"{ note = one two }\n"
	"# t:4: \"b.example\": left out: drop-to \"what\" is not one of key, "
	"encrypt, opportunistic\n",
	0, 1},
    {"csv, more and less", CSV, "domain,mode\na.example,may,x\n,may\n",
	"# t:2: \"a.example\": \"x\" is behind the last column\n"
	"partner a.example domain=a.example mode=may\n"
	"# t:3: \"\": left out: there is no domain\n",
	1, 1},

    {"a list by aliases", JSON,
	"{\"policy-aliases\": {\"g\": {\"mode\": \"enforce\", "
	"\"mxs\": [\".g.example\"], \"min-tls-version\": \"TLSv1.1\"}}, "
	"\"policies\": {\"a.example\": {\"policy-alias\": \"g\"}, "
	"\"b.example\": {\"mode\": \"testing\", \"mxs\": [\"mx.b.example\"]}, "
	"\"c.example\": {\"policy-alias\": \"h\"}, \"d.example\": 7}}",
	"partner a.example domain=a.example mode=enforced verify=name "
	"gateway=.g.example min-tls=TLSv1.1" LEFT
	"partner b.example domain=b.example mode=opportunistic "
	"gateway=mx.b.example" LEFT
	"# t: \"c.example\": left out: its policy-alias is not there\n"
	"# t: \"d.example\": left out: it is no object\n",
	0, 2},
    {"MTA-STS", JSON,
	"[{\"domain\": \"a.example\", \"mode\": \"enforce\", "
	"\"mx\": [\"mx.a.example\", \"*.b.example\"]}, "
	"{\"policy-domain\": \"b.example\", \"mode\": \"none\"}, "
	"{\"domain\": \"c.example\", \"mode\": \"enforce\", \"pin\": \"x\"}]",
	"# t: \"a.example\": of *.x Postfix makes .x, which is names at any "
	"depth\n"
	"partner a.example domain=a.example mode=enforced verify=name "
	"gateway=mx.a.example,.b.example servername=hostname" LEFT
	"partner b.example domain=b.example mode=opportunistic" LEFT
	"# t: \"c.example\": left out: there is no gateway (mx, mxs)\n"
	"# t: \"c.example\": pin is not carried over: it is of CA keys; say "
	"ca= or issuer=\n",
	0, 1},

    {"destinations", DESTINATIONS,
	"; exported\n[DEFAULT]\ntable_tls = off\nlimit_type = host\n\n"
	"[a.example]\ntable_tls = Required\n[b.example]\ntable_tls=1\n"
	"[c.example]\nmax_host_concurrency = 5\n[.d.example]\ntable_tls = 0\n"
	"[e.example]\ntable_tls = what\n",
	"partner a.example domain=a.example mode=enforced verify=none" LEFT
	"partner b.example domain=b.example mode=may" LEFT
	"partner d.example domain=.d.example mode=none" LEFT
	"# t:14: \"e.example\": left out: table_tls \"what\" is not known\n",
	0, 1},
    {"destinations that are verified", DESTINATIONS,
	"[DEFAULT]\ntable_tls = on\n[a.example]\ntable_tls = require_verify\n",
	"# t:1: \"DEFAULT\": left out: table_tls \"on\" is for all others: "
	"smtp_tls_security_level in main.cf\n"
	"# t:3: \"a.example\": the name of the MX host is not carried over as "
	"a "
	"name of the certificate: who forges the MX record chooses it; name "
	"the gateways\n"
	"partner a.example domain=a.example mode=enforced verify=name "
	"gateway=nexthop,dot-nexthop" LEFT,
	1, 1},
};

/* Lines that were broken to fit are one again, and none is empty. */
static void
unwrap(struct buf *b)
{
	char *to = b->data, *p;

	for (p = b->data; p != NULL && *p != '\0';) {
		while (strncmp(p, "   ", 3) == 0 && p[3] == ' ')
			p++;
		if (*p == '\n' && p[1] == '\n') {
			p++;
		} else if (*p == '\n' && strncmp(p, "\n#   ", 5) == 0) {
			*to++ = ' ';
			p += 5;
		} else if (*p == '\n' && strncmp(p, "\n    ", 5) == 0) {
			*to++ = ' ';
			for (p++; *p == ' '; p++)
				;
		} else if (*p == ' ' && p[1] == ' ') {
			p++;
		} else {
			*to++ = *p++;
		}
	}
	if (to != NULL)
		*to = '\0';
}

static void
import(struct import *im, unsigned format, const char *text, const char *name)
{
	char *copy = malloc(strlen(text) + 1);
	struct err e;

	memcpy(copy, text, strlen(text) + 1);
	im->file = "t";
	if (import_text(im, format, copy, strlen(copy), &e) == -1)
		fail_msg("[%s] %s", name, e.text);
	free(copy);
}

static void
t_rows(void **state)
{
	struct registry *r;
	struct diags d;
	struct import im;
	const char *p, *end;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		im = (struct import){0};
		import(&im, cases[i].format, cases[i].text, cases[i].name);
		for (p = im.out.data; p != NULL && *p != '\0'; p = end + 1) {
			end = strchr(p, '\n');
			if (end - p > 79 && strstr(p, HEX) == NULL)
				fail_msg("[%s] %.*s", cases[i].name,
				    (int)(end - p), p);
		}
		d = (struct diags){0};
		r = registry_parse("r", im.out.data, im.out.len, NOW, &d);
		check_int(cases[i].name, d.errors, 0);
		diag_free(&d);
		registry_free(r);
		unwrap(&im.out);
		check_str(cases[i].name, im.out.data, cases[i].want);
		check_int(cases[i].name, im.partly, cases[i].partly);
		check_int(cases[i].name, im.left, cases[i].left);
		import_release(&im);
	}
}

/*
 * Comments stand with their own row, and apart from the next; of what was
 * listed by name, without a number of a line.
 */
static void
t_apart(void **state)
{
	static const char text[] = "b.example may\n* may\n"
				   ".a.example encrypt\na.example encrypt\n"
				   "c.example tls\nB.Example none\n"
				   ".b.example may\n";
	static const struct {
		bool listed;
		const char *want, *rows;
	} row[] = {
	    {false,
		"P b.example\n\n# t:2: *\n\n"
		"P .a.example,a.example\n\n# t:5: c.example\n\n"
		"# t:6: B.Example\n\nP .b.example\n",
		"b.example b.example,* -,.a.example a.example,"
		"a.example a.example,c.example -,B.Example -,"
		".b.example b.example-2,"},
	    {true,
		"# t: *\n\nP a.example,.a.example\n\nP b.example\n\n"
		"# t: B.Example\n\nP .b.example\n\n# t: c.example\n",
		""},
	};
	struct buf got = {0};
	struct import im;
	char *line, *next, *end;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(row); i++) {
		im = (struct import){.listed = row[i].listed};
		import(&im, POSTFIX, text, "apart");
		buf_clear(&got);
		for (k = 0; k < im.rows && !row[i].listed; k++)
			buf_printf(&got, "%s %s,", im.row[k].domain,
			    im.row[k].partner == NULL ? "-"
						      : im.row[k].partner);
		buf_puts(&got, "");
		check_str("the rows", got.data, row[i].rows);
		buf_clear(&got);
		/* The head of each comment, and each statement's domains. */
		for (line = im.out.data; *line != '\0'; line = next) {
			next = strchr(line, '\n') + 1;
			if (*line == '\n')
				buf_puts(&got, "\n");
			else if (strncmp(line, "# t:", 4) == 0 &&
				 (end = strstr(line, "\": ")) != NULL)
				buf_printf(&got, "%.*s%.*s\n",
				    (int)(strchr(line, '"') - line), line,
				    (int)(end - strchr(line, '"') - 1),
				    strchr(line, '"') + 1);
			else if ((end = strstr(line, "domain=")) != NULL &&
				 end < next)
				buf_printf(&got, "P %.*s\n",
				    (int)strcspn(end + 7, " "), end + 7);
		}
		check_str("the text", got.data, row[i].want);
		import_release(&im);
	}
	buf_free(&got);
}

/* A trust anchor file that is missing is told beside its row. */
static void
t_missing(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "there.pem"), *text;
	struct import im = {0};

	(void)state;
	assert_int_equal(fclose(fopen(path, "w")), 0);
	assert_int_not_equal(asprintf(&text,
				 "a.example secure tafile=%s\n"
				 "b.example secure tafile=%s tafile=%s.not\n"
				 ".b.example secure tafile=%s tafile=%s.not\n",
				 path, path, path, path, path),
	    -1);
	import(&im, POSTFIX, text, "missing");
	unwrap(&im.out);
	assert_null(strstr(im.out.data, "a.example\": CA"));
	check_has("not there", im.out.data, "# t:2: \"b.example\": CA file \"");
	check_has("not there", im.out.data,
	    ".not\": No such file or directory: without it nothing is compiled,"
	    " and Postfix holds all mail for such a row\npartner b.example "
	    "domain=b.example,.b.example ");
	assert_int_equal(im.partly + im.left, 0);
	assert_int_equal(im.unread, 1);
	assert_int_equal(unlink(path), 0);
	import_release(&im);
	free(text);
	free(path);
	check_folder_end(dir);
}

static void
t_unreadable(void **state)
{
	static const struct {
		unsigned format;
		const char *text;
		size_t len;
		const char *want;
		unsigned line;
	} rows[] = {
	    {POSTFIX, "a\0b", 3, "a NUL byte: this is no text of a table", 0},
	    {CSV, "d\0o", 3, "a NUL byte: this is no CSV file", 0},
	    {CSV, "name,mode\na,b\n", 14,
		"the first line names no column \"domain\"", 0},
	    {CSV, "", 0, "the first line names no column \"domain\"", 0},
	    {JSON, "{\n\"policies\": }", 15, "no JSON: ", 2},
	    {JSON, "{\"a\": 1, \"a\": 2}", 16, "no JSON: duplicate", 1},
	    {JSON, "{\"policies\": 7}", 15, "there is no list of policies", 0},
	    {JSON, "{\"mode\": \"enforce\", \"mx\": [\"a.b\"]}", 34,
		"one policy, of a domain that it does not name: ", 0},
	    {DESTINATIONS, "table_tls = on\n", 15, "there is no [section]", 0},
	};
	struct import im;
	struct err e;
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		im = (struct import){.file = "t"};
		memset(&e, 0, sizeof(e));
		memcpy(text, rows[i].text, rows[i].len + 1);
		assert_int_equal(
		    import_text(&im, rows[i].format, text, rows[i].len, &e),
		    -1);
		assert_int_equal(e.code, 65);
		check_int(rows[i].want, e.line, rows[i].line);
		if (strncmp(e.text, rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("%s", e.text);
		import_release(&im);
	}
}

/* --- There and back ------------------------------------------------------- */

static unsigned seed = 20261123;

static unsigned
pick(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

/* The text, with the number in place of each '#'. */
static void
put_numbered(struct buf *b, const char *text, unsigned i)
{
	for (; *text != '\0'; text++)
		if (*text == '#')
			buf_printf(b, "%u", i);
		else
			buf_putc(b, *text);
}

/* A partner of anything that a row can tell. */
static void
put_partner(struct buf *b, unsigned i)
{
	static const char *const modes[] = {"opportunistic", "may", "dane",
	    "none", "enforced", "enforced verify=none", "enforced verify=dane",
	    ("enforced verify=key key=" HEX), "enforced", "enforced"};
	static const char *const domains[] = {"d#.example",
	    "d#.example,.d#.example", ".d#.example,d#.example",
	    "[mx.d#.example]:587", "mx.d#.example:25",
	    "m\xc3\xbcnchen#.example", "x.d#.example,.y.d#.example"};
	static const char *const gateways[] = {"", "gateway=mx.g#.example",
	    "gateway=.g#.example,hostname", "gateway=*.g#.example,nexthop"};
	static const char *const terms[] = {"", "min-tls=main.cf",
	    "min-tls=TLSv1", "min-tls=TLSv1.2 ciphers=medium",
	    "ciphers=main.cf", "protocols=!SSLv2:!TLSv1.1", "ciphers=high",
	    "protocols=TLSv1.2 ciphers=main.cf"};
	static const char *const also[] = {
	    "", "servername=hostname", "servername=s#.example", "ca=/c#.pem"};

	buf_printf(b, "partner p%u contact=x mode=%s domain=", i,
	    modes[pick(COUNT(modes))]);
	put_numbered(b, domains[pick(COUNT(domains))], i);
	buf_putc(b, ' ');
	put_numbered(b, gateways[pick(COUNT(gateways))], i);
	buf_printf(b, " %s ", terms[pick(COUNT(terms))]);
	put_numbered(b, also[pick(COUNT(also))], i);
	buf_putc(b, '\n');
}

/* The rows that the text makes, as --text prints them. */
static void
put_rows(struct buf *to, const struct buf *text, const struct target *target)
{
	struct downgrades none = {0};
	struct diags d = {0};
	struct registry *r =
	    registry_parse("r", text->data, text->len, NOW, &d);
	struct compiled c;
	size_t i;

	if (d.errors == 0)
		compile(r, &none, NOW, target, &c, &d);
	for (i = 0; i < d.n; i++)
		if (d.v[i].kind == DIAG_ERROR)
			fail_msg("%u: %s", d.v[i].line, d.v[i].text);
	for (i = 0; i < c.table.n; i++)
		if (!maprow_is_record(&c.table.row[i]))
			buf_printf(to, "%s\t%s\n", c.table.row[i].key,
			    c.table.row[i].text);
	maptable_release(&c.table);
	registry_free(r);
	diag_free(&d);
}

static void
t_there_and_back(void **state)
{
	static const struct target targets[] = {
	    {3005, OPPORTUNISTIC_MAY, true, ""},
	    {3007, OPPORTUNISTIC_DANE, true, ""},
	    {3011, OPPORTUNISTIC_MAIN_CF, true, "encrypt"}};
	struct buf text = {0}, rows = {0}, again = {0};
	struct import im;
	unsigned i, k;

	(void)state;
	for (k = 0; k < COUNT(targets); k++) {
		buf_clear(&text);
		buf_clear(&rows);
		buf_clear(&again);
		for (i = 0; i < 300; i++)
			put_partner(&text, i);
		put_rows(&rows, &text, &targets[k]);
		im = (struct import){0};
		import(&im, POSTFIX, rows.data, "there and back");
		assert_int_equal(im.left + im.partly, 0);
		put_rows(&again, &im.out, &targets[k]);
		assert_true(rows.len > 5000);
		assert_string_equal(again.data, rows.data);
		import_release(&im);
	}
	buf_free(&text);
	buf_free(&rows);
	buf_free(&again);
}

/* Names are of one partner each, and short enough. */
static void
t_names(void **state)
{
	struct buf text = {0};
	struct import im = {0};
	struct diags d = {0};
	struct registry *r;
	unsigned i;

	(void)state;
	for (i = 0; i < 200; i++)
		buf_printf(&text,
		    "a-name-that-is-so-long-that-it-is-cut.at-the-same-place."
		    "for-all-of-these%u.example encrypt\n",
		    i);
	import(&im, POSTFIX, text.data, "names");
	assert_int_equal(im.rows, 200);
	assert_int_equal(im.left + im.partly, 0);
	r = registry_parse("r", im.out.data, im.out.len, NOW, &d);
	assert_int_equal(d.errors, 0);
	assert_int_equal(r->npartners, 200);
	registry_free(r);
	diag_free(&d);
	buf_free(&text);
	import_release(&im);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_rows),
	    cmocka_unit_test(t_apart),
	    cmocka_unit_test(t_missing),
	    cmocka_unit_test(t_unreadable),
	    cmocka_unit_test(t_there_and_back),
	    cmocka_unit_test(t_names),
	};

	return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
