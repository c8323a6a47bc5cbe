#include "check.h"

#include "buf.h"
#include "strength.h"

#define S "secure match=a.example "

static const struct {
	const char *name;
	const char *was, *is;
	enum change want;
} cases[] = {
    {"the same bytes", "may", "may", CHANGE_NONE},
    {"the same bytes, no policy", "x", "x", CHANGE_NONE},
    {"none, may", "none", "may", CHANGE_STRONGER},
    {"may, dane", "may", "dane", CHANGE_STRONGER},
    {"dane, may", "dane", "may", CHANGE_WEAKER},
    {"may, encrypt", "may", "encrypt protocols=>=TLSv1.2", CHANGE_STRONGER},
    {"encrypt, may", "encrypt", "may", CHANGE_WEAKER},
    {"encrypt, fingerprint", "encrypt", "fingerprint match=AA",
	CHANGE_STRONGER},
    {"fingerprint, secure", "fingerprint match=AA", S, CHANGE_STRONGER},
    {"secure, fingerprint", S, "fingerprint match=AA", CHANGE_WEAKER},
    {"secure, verify of the same name", S, "verify match=a.example",
	CHANGE_OTHER},
    {"secure, verify of one name more", S, "verify match=a.example:b",
	CHANGE_WEAKER},
    {"secure, verify of one name less", "secure match=a:b", "verify match=a",
	CHANGE_STRONGER},
    {"secure, verify of another name", S, "verify match=b", CHANGE_OTHER},
    {"secure, verify of any name", S, "verify", CHANGE_WEAKER},
    {"secure, verify, unsaid", "secure", "verify", CHANGE_WEAKER},
    {"secure, verify of its names", "secure",
	"verify match=nexthop:dot-nexthop", CHANGE_OTHER},
    {"verify, secure of any name", "verify", "secure match=hostname",
	CHANGE_OTHER},
    {"secure, verify with a lower floor", S "protocols=>=TLSv1.2",
	"verify match=a.example protocols=>=TLSv1.1", CHANGE_WEAKER},
    {"secure, verify without its root file", S "tafile=/a",
	"verify match=a.example", CHANGE_WEAKER},
    {"fingerprint, verify", "fingerprint match=AA", "verify match=a",
	CHANGE_STRONGER},
    {"encrypt, verify", "encrypt", "verify", CHANGE_STRONGER},
    {"dane-only, verify", "dane-only", "verify", CHANGE_WEAKER},
    {"dane-only, secure of any name", "dane-only", "secure match=hostname",
	CHANGE_WEAKER},
    {"dane-only, verify of a name", "dane-only", "verify match=a.example",
	CHANGE_OTHER},
    {"secure, encrypt", S, "encrypt", CHANGE_WEAKER},
    {"secure, dane-only", S, "dane-only", CHANGE_OTHER},
    {"secure, dane", S, "dane", CHANGE_WEAKER},
    {"upper case", "SECURE MATCH=a.example", "may", CHANGE_WEAKER},

    {"one name more", "secure match=a", "secure match=a:b", CHANGE_WEAKER},
    {"one name less", "secure match=a:b", "secure match=b", CHANGE_STRONGER},
    {"another name", "secure match=a", "secure match=b", CHANGE_OTHER},
    {"names in another order", "secure match=a:b", "secure match=b:a",
	CHANGE_OTHER},
    {"names in another case", "secure match=A.b", "secure match=a.B",
	CHANGE_OTHER},
    {"a name that begins like one", "secure match=aa:b", "secure match=a:b",
	CHANGE_OTHER},
    {"one pin more", "fingerprint match=AA:BB", "fingerprint match=AA:BB|CC:DD",
	CHANGE_WEAKER},
    {"another pin, of the same bytes", "fingerprint match=AA:BB",
	"fingerprint match=BB:AA", CHANGE_OTHER},
    {"a suffix for a name in it", "secure match=mx.a.example",
	"secure match=.A.example", CHANGE_WEAKER},
    {"a wider suffix", "secure match=.a.example:b.example",
	"secure match=.example", CHANGE_WEAKER},
    {"a name for the suffix above it", "secure match=.example",
	"secure match=mx.a.example", CHANGE_STRONGER},
    {"a suffix is not above its own name", "secure match=a.example",
	"secure match=.a.example", CHANGE_OTHER},
    {"the same names, one of them needless", "secure match=.a:b.a",
	"secure match=.a", CHANGE_OTHER},
    {"hostname for a name", "secure match=a", "secure match=hostname",
	CHANGE_WEAKER},
    {"hostname beside a name", "secure match=a:hostname", "secure match=b",
	CHANGE_STRONGER},
    {"another name, lower floor", "secure match=a protocols=>=TLSv1.2",
	"secure match=b protocols=>=TLSv1.1", CHANGE_WEAKER},
    {"another name, higher floor", "secure match=a protocols=>=TLSv1.2",
	"secure match=b protocols=>=TLSv1.3", CHANGE_OTHER},
    {"match gone", "secure match=a", "secure", CHANGE_OTHER},
    {"match gone, of any name", "secure match=hostname", "secure",
	CHANGE_STRONGER},
    {"match gone, of the same names and one more",
	"secure match=nexthop:dot-nexthop:a", "secure", CHANGE_STRONGER},
    {"fingerprints gone", "fingerprint match=AA", "fingerprint", CHANGE_OTHER},
    {"several match=", "secure match=a match=b", "secure match=b:a",
	CHANGE_OTHER},
    {"several match=, one more", "secure match=a:b",
	"secure match=a match=b match=c", CHANGE_WEAKER},
    {"several match=, one less", "secure match=a match=b", "secure match=b",
	CHANGE_STRONGER},
    {"several match= of pins, one more", "fingerprint match=AA:BB",
	"fingerprint match=AABB match=CC:DD", CHANGE_WEAKER},
    {"a pin without colons", "fingerprint match=AA:BB|CC:DD",
	"fingerprint match=ccdd|aabb", CHANGE_OTHER},

    {"lower floor", S "protocols=>=TLSv1.2", S "protocols=>=TLSv1.1",
	CHANGE_WEAKER},
    {"higher floor", S "protocols=>=TLSv1.2", S "protocols=>=TLSv1.3",
	CHANGE_STRONGER},
    {"lower floor, old words", S "protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1",
	S "protocols=!SSLv2:!SSLv3:!TLSv1", CHANGE_WEAKER},
    {"the same floor in other words", S "protocols=>=TLSv1.2",
	S "protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1", CHANGE_OTHER},
    {"a higher floor in other words", S "protocols=>=TLSv1.1",
	S "protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1", CHANGE_STRONGER},
    {"protocols gone", S "protocols=>=TLSv1.2", S, CHANGE_OTHER},
    {"one old protocol", S "protocols=>=TLSv1.2", S "protocols=TLSv1",
	CHANGE_WEAKER},
    {"protocols not understood", S "protocols=>=TLSv1.2", S "protocols=SSL",
	CHANGE_OTHER},
    {"no word on protocols", S "protocols=>=TLSv1.2", S "ciphers=high",
	CHANGE_OTHER},

    {"lower grade", S "ciphers=high", S "ciphers=medium", CHANGE_WEAKER},
    {"higher grade", S "ciphers=low", S "ciphers=high", CHANGE_STRONGER},
    {"grade not known", S "ciphers=high", S "ciphers=best", CHANGE_OTHER},
    {"lower floor, higher grade", S "protocols=>=TLSv1.2 ciphers=medium",
	S "protocols=>=TLSv1.1 ciphers=high", CHANGE_OTHER},
    {"both lower", S "protocols=>=TLSv1.2 ciphers=high",
	S "protocols=>=TLSv1.1 ciphers=medium", CHANGE_WEAKER},

    {"a root file lost", S "tafile=/a", S, CHANGE_WEAKER},
    {"a root file won", S, S "tafile=/a", CHANGE_STRONGER},
    {"one root file more", S "tafile=/a", S "tafile=/a tafile=/b",
	CHANGE_WEAKER},
    {"one root file less", S "tafile=/a tafile=/b", S "tafile=/b",
	CHANGE_STRONGER},
    {"another root file", S "tafile=/a", S "tafile=/b", CHANGE_OTHER},
    {"another root file by its case", S "tafile=/a", S "tafile=/A tafile=/b",
	CHANGE_OTHER},
    {"a higher level decides alone", "encrypt ciphers=high", S "ciphers=medium",
	CHANGE_STRONGER},

    {"a server name", S, S "servername=hostname", CHANGE_OTHER},
    {"another server name", S "servername=a", S "servername=b", CHANGE_OTHER},
    {"the same server name, a root file lost", S "servername=a tafile=/a",
	S "servername=a", CHANGE_WEAKER},
    {"a server name lost, lower floor", S "servername=a protocols=>=TLSv1.2",
	S "protocols=>=TLSv1.1", CHANGE_WEAKER},
    {"another server name, higher grade", S "servername=a ciphers=medium",
	S "servername=b ciphers=high", CHANGE_OTHER},
    {"a second server name", S "servername=a", S "servername=a servername=b",
	CHANGE_OTHER},
    {"an attribute that we do not write", S, S "connection_reuse=yes",
	CHANGE_OTHER},
    {"a second match", S, S "match=b", CHANGE_WEAKER},
    {"an empty match", S "match=", S "match=b", CHANGE_OTHER},
    {"what holds mail, and a lower level", "encrypt match=a", "may",
	CHANGE_OTHER},
    {"what Postfix refuses", S "ciphers=high ciphers=high", S "ciphers=medium",
	CHANGE_OTHER},
    {"no policy before", "what", "may", CHANGE_OTHER},
    {"no policy after", "may", "", CHANGE_OTHER},
    {"only blanks", " \t", "may", CHANGE_OTHER},
    {"commas", "secure, match=a", "may", CHANGE_WEAKER},
};

static void
t_compare(void **state)
{
	char *was, *is;
	size_t i, n, m;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		/* Not NUL-terminated: read from a file mapped to memory. */
		n = strlen(cases[i].was);
		m = strlen(cases[i].is);
		was = memcpy(malloc(n + 1), cases[i].was, n);
		is = memcpy(malloc(m + 1), cases[i].is, m);
		was[n] = is[m] = 'Z';
		check_str(cases[i].name,
		    change_name(strength_compare(was, n, is, m)),
		    change_name(cases[i].want));
		free(was);
		free(is);
	}
}

static void
t_same(void **state)
{
	static const struct {
		const char *was, *is;
		bool same;
	} row[] = {{"secure", "secure match=nexthop:dot-nexthop", true},
	    {"verify", "verify match=hostname", true},
	    {"verify", "secure match=hostname", true},
	    {"verify", "secure", false},
	    {"verify match=a:b", "secure match=a match=b", true},
	    {"verify match=a:b", "secure match=a match=c", false},
	    {"verify match=nexthop:dot-nexthop", "secure", true},
	    {"verify match=a", "secure match=a ciphers=high", false},
	    {"verify match=a", "encrypt match=a", false},
	    {"verify match=a", "dane-only", false},
	    {"verify match=", "verify", false},
	    {"secure", "secure match=nexthop", false},
	    {"encrypt", "ENCRYPT", true}, {"encrypt", "may", false},
	    {"secure match=a:b", "secure match=B:a:a", true},
	    {"secure match=.a:b.a", "secure match=.a", false},
	    {"secure match=a:hostname", "secure match=hostname", false},
	    {S "ciphers=high protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1",
		S "protocols=>=TLSv1.2 ciphers=HIGH", true},
	    {S "protocols=>=TLSv1.2", S, false},
	    {S "protocols=TLSv1.2", S "protocols=>=TLSv1.2", false},
	    {S "protocols=x", S "protocols=y", false},
	    {S "ciphers=high", S "ciphers=medium", false},
	    {S "servername=a", S, false},
	    {S "servername=Hostname", S "servername=hostname", false},
	    {S "servername=a servername=b", S "servername=b", false},
	    {S "protocols=x protocols=y", S "protocols=y", false},
	    {S "tafile=/a tafile=/b", S "tafile=/b tafile=/a", true},
	    {S "tafile=/a", S, false}, {S "tafile=/a", S "tafile=/A", false},
	    {S "exclude=RC4", S "exclude=RC4", false},
	    {"fingerprint match=AA|BB", "fingerprint match=bb|aa", true},
	    {"fingerprint match=AABB", "fingerprint match=aa:bb", true},
	    {"fingerprint match=AABB", "fingerprint match=aa:bc", false},
	    {"fingerprint match=AABB", "fingerprint match=AABB:CC", false},
	    {"fingerprint match=AA match=BB", "fingerprint match=AA|BB", true},
	    {"fingerprint match=AA match=BB", "fingerprint match=AA", false},
	    {"none", "none match=a", true}, {"what", "what", false},
	    {"", "", false}};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(row); i++) {
		check_int(row[i].is,
		    strength_same(row[i].was, strlen(row[i].was), row[i].is,
			strlen(row[i].is)),
		    row[i].same);
		check_int(row[i].was,
		    strength_same(row[i].is, strlen(row[i].is), row[i].was,
			strlen(row[i].was)),
		    row[i].same);
	}
}

/* What one way is weaker is stronger on the way back. */
static void
t_back(void **state)
{
	enum change there, back;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		there = strength_compare(cases[i].was, strlen(cases[i].was),
		    cases[i].is, strlen(cases[i].is));
		back = strength_compare(cases[i].is, strlen(cases[i].is),
		    cases[i].was, strlen(cases[i].was));
		/* Weaker and different at once is only different on its way
		 * back. */
		if (there == CHANGE_WEAKER && back == CHANGE_OTHER)
			continue;
		if (there == CHANGE_OTHER && back == CHANGE_WEAKER)
			continue;
		check_int(cases[i].name, back,
		    there == CHANGE_WEAKER     ? CHANGE_STRONGER
		    : there == CHANGE_STRONGER ? CHANGE_WEAKER
					       : there);
	}
}

static const struct {
	const char *text;
	bool known;
	enum level want;
} levels[] = {
    {"none", true, LEVEL_OPPORTUNISTIC},
    {"may", true, LEVEL_OPPORTUNISTIC},
    {"May", true, LEVEL_OPPORTUNISTIC},
    {"dane", true, LEVEL_OPPORTUNISTIC},
    {"encrypt ciphers=high", true, LEVEL_ENCRYPT},
    {"fingerprint match=AA", true, LEVEL_KEY},
    {"verify", true, LEVEL_SECURE},
    {"secure match=a", true, LEVEL_SECURE},
    {"dane-only", true, LEVEL_SECURE},
    {" ,\tsecure,match=a", true, LEVEL_SECURE},
    {"", false, 0},
    {"   ", false, 0},
    {"half-dane", false, 0},
    {"securex", false, 0},
    {"sec", false, 0},
    {"fingerprintfingerprint", false, 0},
    {"match=a secure", false, 0},
};

static void
t_level(void **state)
{
	enum level got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(levels); i++) {
		got = LEVEL_OPPORTUNISTIC;
		check_int(levels[i].text,
		    strength_level(
			levels[i].text, strlen(levels[i].text), &got),
		    levels[i].known);
		if (levels[i].known)
			check_int(levels[i].text, got, levels[i].want);
	}
	/* The length counts, not a NUL. */
	assert_true(strength_level("maybe", 3, &got));
	assert_false(
	    strength_level("may\0be", 6, &got) && got != LEVEL_OPPORTUNISTIC);
}

static void
t_held(void **state)
{
	static const struct {
		const char *text;
		bool held;
	} rows[] = {
	    {"", true},
	    {" ", true},
	    {"tls", true},
	    {"securex match=a", true},
	    {"half-dane", true},
	    {"secure", false},
	    {"secure match=a:b match=c", false},
	    {"secure match=", true},
	    {"secure a", true},
	    {"secure match=a,b", true},
	    {"secure { match = a }", false},
	    {"encrypt match=a", true},
	    {"may tafile=/a", true},
	    {"fingerprint match=AA", false},
	    {"fingerprint tafile=/a", true},
	    {"verify tafile=/a tafile=/b", false},
	    {"encrypt ciphers=high ciphers=high", true},
	    {"encrypt protocols=x protocols=x", true},
	    {"encrypt protocols=", false},
	    {"encrypt ciphers=", true},
	    {"encrypt servername=", true},
	    {"none match=a b", false},
	    {"encrypt exclude=RC4", false},
	    /* It may be of a Postfix that is yet to come. */
	    {"encrypt new=yes", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		check_int(rows[i].text,
		    strength_held(rows[i].text, strlen(rows[i].text)),
		    rows[i].held);
}

static void
t_words(void **state)
{
	static const struct {
		const char *text, *other, *want;
	} rows[] = {
	    {"secure match=a", "secure match=b", "match=a"},
	    {"secure match=a ciphers=high", "ciphers=high secure", "match=a"},
	    {"secure dane", "", "secure dane"},
	    {"secure", "secure match=a", ""},
	    {"", "secure", ""},
	    {"secure match=mx1.a-long-name.example:mx2.a-long-name.example:"
	     "mx3.a-long-name.example",
		"secure match=mx1.a-long-name.example",
		"match=mx2.a-long-name.example:mx3.a-long-name.example:..."},
	    {"fingerprint match=AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA|BB:BB:BB:"
	     "BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB",
		"fingerprint match=AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA",
		"match=BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB|..."},
	};
	struct buf out = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_puts(&out, "");
		strength_words(
		    span_of(rows[i].text), span_of(rows[i].other), &out);
		check_str(rows[i].text, out.data, rows[i].want);
		buf_clear(&out);
	}
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_compare),
	    cmocka_unit_test(t_same),
	    cmocka_unit_test(t_back),
	    cmocka_unit_test(t_level),
	    cmocka_unit_test(t_held),
	    cmocka_unit_test(t_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
