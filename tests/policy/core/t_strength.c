#include "check.h"

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
    {"secure, verify", S, "verify match=a.example", CHANGE_WEAKER},
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
    {"protocols not understood", S "protocols=>=TLSv1.2", S "protocols=TLSv1",
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
    {"a second match", S, S "match=b", CHANGE_OTHER},
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_compare),
	    cmocka_unit_test(t_back),
	    cmocka_unit_test(t_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
