#include "check.h"

#include "arena.h"
#include "attributes.h"

#define HEX32 "0123456789abcdef0123456789ABCDEF"
#define PIN                                                \
	"01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:" \
	"01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF"

/* Which attributes a provider and a default may have. */
static const struct {
	const char *name;
	bool provider, preset, list;
} places[] = {
    {"ca", true, true, true},
    {"ciphers", false, true, false},
    {"common-name", true, true, false},
    {"contact", false, false, false},
    {"domain", false, false, true},
    {"drop-after", false, true, false},
    {"drop-for", false, true, false},
    {"drop-to", false, true, false},
    {"former", false, false, true},
    {"gateway", true, true, true},
    {"inbound", false, true, false},
    {"inbound-action", false, true, false},
    {"inbound-verify", false, true, false},
    {"issuer", true, true, true},
    {"key", false, false, true},
    {"min-tls", false, true, false},
    {"mode", false, true, false},
    {"note", true, true, false},
    {"notify-contact", false, true, false},
    {"on-failure", false, true, false},
    {"operator", false, true, false},
    {"protocols", false, false, false},
    {"provider", false, false, false},
    {"requiretls", false, true, false},
    {"review", false, false, false},
    {"servername", true, true, false},
    {"ticket", false, false, false},
    {"verify", false, true, false},
};

static void
t_places(void **state)
{
	enum attribute t;
	unsigned place;
	bool list;
	size_t i;

	(void)state;
	assert_int_equal(COUNT(places), ATTRIBUTE_COUNT);
	for (i = 0; i < COUNT(places); i++) {
		t = attribute_find(places[i].name, &place, &list);
		check_int(places[i].name, t, i);
		check_int(places[i].name, (place & ATTRIBUTE_OF_PROVIDER) != 0,
		    places[i].provider);
		check_int(places[i].name, (place & ATTRIBUTE_OF_DEFAULT) != 0,
		    places[i].preset);
		check_int(places[i].name, list, places[i].list);
	}
}

/* A value is well (bad is NULL), or this is wrong with that part of it. */
static const struct {
	const char *name;
	const char *attr;
	const char *value;
	const char *bad;
	const char *culprit; /* NULL: the whole value */
} values[] = {
    {"mode", "mode", "enforced", NULL, NULL},
    {"mode, wrong", "mode", "strict", "is not one of opportunistic, enforced",
	NULL},
    {"mode, clear", "mode", "none", NULL, NULL},
    {"mode, case", "mode", "Enforced", "is not one of", NULL},
    {"verify", "verify", "dane", NULL, NULL},
    {"verify, wrong", "verify", "yes", "is not one of name, key, dane, none",
	NULL},
    {"common-name, wrong", "common-name", "x", "is not one of any, gateway",
	NULL},
    {"min-tls", "min-tls", "TLSv1.3", NULL, NULL},
    {"min-tls, wrong", "min-tls", "1.2",
	"is not one of TLSv1.2, TLSv1.3, TLSv1.1, TLSv1, main.cf", NULL},
    {"min-tls, main.cf", "min-tls", "main.cf", NULL, NULL},
    {"ciphers, wrong", "ciphers", "low", "is not one of high, medium, main.cf",
	NULL},
    {"inbound, wrong", "inbound", "x", "is not one of require, off, warn",
	NULL},
    {"inbound-verify, wrong", "inbound-verify", "x",
	"is not one of none, name, key", NULL},
    {"inbound-action, wrong", "inbound-action", "x",
	"is not one of defer, reject", NULL},
    {"notify-contact, yes", "notify-contact", "yes", NULL, NULL},
    {"notify-contact, time", "notify-contact", "after 1h", NULL, NULL},
    {"notify-contact, 30d", "notify-contact", "after 30d", NULL, NULL},
    {"notify-contact, 31d", "notify-contact", "after 31d", "is not no, yes",
	NULL},
    {"notify-contact, at once", "notify-contact", "after 0s", "is not no, yes",
	NULL},
    {"notify-contact, bare time", "notify-contact", "1h", "is not no, yes",
	NULL},
    {"notify-contact, no time", "notify-contact", "after", "is not no, yes",
	NULL},
    {"on-failure, wrong", "on-failure", "x", "is not one of hold, drop", NULL},
    {"requiretls", "requiretls", "opportunistic+starttls", NULL, NULL},
    {"requiretls, wrong", "requiretls", "yes",
	"is not one of main.cf, enforce, opportunistic+starttls, "
	"opportunistic, disable",
	NULL},
    {"drop-to, wrong", "drop-to", "secure",
	"is not one of key, encrypt, opportunistic", NULL},
    {"former", "former", "Acme-1,acme.old", NULL, NULL},
    {"former, wrong", "former", "acme,-acme",
	"a name is letters, digits, '.', '_' and '-', and begins with a letter",
	"-acme"},

    {"gateway", "gateway", "mx1.acme.example", NULL, NULL},
    {"gateway suffix", "gateway", ".acme.example", NULL, NULL},
    {"gateway tokens", "gateway", "nexthop,dot-nexthop,hostname", NULL, NULL},
    {"gateway blanks", "gateway", " a.example , b.example ", NULL, NULL},
    {"gateway, empty element", "gateway", "a.example,,b.example",
	"an empty element in the list", ""},
    {"gateway, comma at the end", "gateway", "a.example,",
	"an empty element in the list", ""},
    {"gateway, only a comma", "gateway", ",", "an empty element in the list",
	""},
    {"gateway, underscore", "gateway", "a.example,a_b.example,._c.example",
	NULL, NULL},
    {"gateway, tilde", "gateway", "a.example,a~b.example",
	"'~' is not allowed in a mail domain", "a~b.example"},
    {"gateway, IPv4", "gateway", "192.0.2.1",
	"a gateway is named, not numbered", NULL},
    {"gateway, IPv6", "gateway", "2001:db8::1",
	"a gateway is named, not numbered", NULL},
    {"gateway, brackets", "gateway", "[mx.a.example]", "'[' is not allowed",
	NULL},
    {"gateway, star", "gateway", "*.a.example", NULL, NULL},
    {"gateway, star alone", "gateway", "*", "'*' is not allowed", NULL},
    {"gateway, star and dot", "gateway", "*.", "an empty name", NULL},
    {"gateway, star inside", "gateway", "mx.*.a.example", "'*' is not allowed",
	NULL},
    {"gateway, half a label", "gateway", "mx*.a.example", "'*' is not allowed",
	NULL},
    {"gateway, port", "gateway", "a.example:25", "':' is not allowed", NULL},

    {"protocols", "protocols", ">=TLSv1.2", NULL, NULL},
    {"protocols, one", "protocols", "TLSv1", NULL, NULL},
    {"protocols, left out", "protocols", "!SSLv2:!SSLv3", NULL, NULL},
    {"protocols, a range", "protocols", ">=tlsv1:<=TLSv1.2", NULL, NULL},
    {"protocols, unknown", "protocols", "TLSv1.4",
	"is not a list of protocols such as", NULL},
    {"protocols, none left", "protocols", "TLSv1:!TLSv1",
	"is not a list of protocols such as", NULL},
    {"protocols, comma", "protocols", "!SSLv2,!SSLv3", "has a blank or a comma",
	NULL},
    {"protocols, blank", "protocols", "!SSLv2 !SSLv3", "has a blank or a comma",
	NULL},

    {"servername", "servername", "mx1.acme.example", NULL, NULL},
    {"servername, hostname", "servername", "hostname", NULL, NULL},
    {"servername, suffix", "servername", ".a.example", "it begins with a dot",
	NULL},
    {"servername, dot at the end", "servername", "a.example.",
	"it ends with a dot", NULL},
    {"servername, two", "servername", "a.example,b.example",
	"',' is not allowed", NULL},
    {"servername, address", "servername", "192.0.2.1",
	"a server is asked for by name, not by address", NULL},

    {"ca", "ca", "/etc/ssl/a.pem,/etc/ssl/b.pem", NULL, NULL},
    {"ca system", "ca", "system", NULL, NULL},
    {"ca, relative", "ca", "a.pem", "is neither `system' nor an absolute path",
	NULL},
    {"ca, blank", "ca", "/a b.pem",
	"a blank or brace in the path cannot be said to Postfix", NULL},
    {"ca, brace", "ca", "/a{b}.pem", "a blank or brace", NULL},
    {"ca, empty element", "ca", "/a.pem,", "an empty element", ""},

    {"issuer", "issuer", "D-TRUST*,Let's Encrypt", NULL, NULL},

    {"key", "key", HEX32 HEX32, NULL, NULL},
    {"key, colons", "key", PIN, NULL, NULL},
    {"key, prefix", "key", "sha256:" PIN, NULL, NULL},
    {"key, short", "key", HEX32 "0123456789abcdef0123456789abcde",
	"is not a SHA-256 of a public key", NULL},
    {"key, long", "key", HEX32 HEX32 "0", "is not a SHA-256", NULL},
    {"key, no hex", "key", HEX32 "0123456789abcdef0123456789abcdeg",
	"is not a SHA-256", NULL},
    {"key, colon first", "key", ":" HEX32 HEX32, "is not a SHA-256", NULL},
    {"key, colon last", "key", HEX32 HEX32 ":", "is not a SHA-256", NULL},
    {"key, two colons", "key", "01::" HEX32 HEX32, "is not a SHA-256", NULL},
    {"key, colon inside a byte", "key", "0:1" HEX32 HEX32, "is not a SHA-256",
	NULL},
    {"key, SHA-1", "key", "0123456789abcdef0123456789abcdef01234567",
	"is not a SHA-256", NULL},
    {"key, only the prefix", "key", "sha256:", "is not a SHA-256", NULL},

    {"drop-after", "drop-after", "3/15m", NULL, NULL},
    {"drop-after, most", "drop-after", "1000/30d", NULL, NULL},
    {"drop-after, no slash", "drop-after", "3",
	"is not failures/time such as 3/15m", "3"},
    {"drop-after, zero", "drop-after", "0/15m", "is not failures/time",
	"0/15m"},
    {"drop-after, no time", "drop-after", "3/", "is not failures/time", "3/"},
    {"drop-after, zero time", "drop-after", "3/0", "is not failures/time",
	NULL},
    {"drop-after, too many", "drop-after", "1001/15m", "is not failures/time",
	NULL},
    {"drop-after, too long", "drop-after", "3/31d", "is not failures/time",
	NULL},
    {"drop-for", "drop-for", "4h", NULL, NULL},
    {"drop-for, zero", "drop-for", "0h", "is not a time such as 4h", NULL},
    {"drop-for, too long", "drop-for", "366d", "is not a time such as 4h",
	NULL},
    {"drop-for, words", "drop-for", "forever", "is not a time such as 4h",
	NULL},
    {"review", "review", "2027-01-31", NULL, NULL},
    {"review, no date", "review", "soon", "is not a date such as 2027-01-31",
	NULL},
    {"review, no such day", "review", "2027-02-29", "is not a date", NULL},
};

static void
t_take(void **state)
{
	char value[512], buf[ATTRIBUTE_PHRASE_MAX];
	struct attr_list rest;
	struct arena arena = {0};
	struct attributes attributes;
	const char *bad, *culprit;
	enum attribute t;
	unsigned place;
	bool list;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(values); i++) {
		attributes = (struct attributes){0};
		(void)snprintf(value, sizeof(value), "%s", values[i].value);
		t = attribute_find(values[i].attr, &place, &list);
		assert_true(t != ATTRIBUTE_COUNT);
		rest = (struct attr_list){value, strlen(value)};
		bad = attribute_take(
		    &attributes, t, &rest, &arena, buf, &culprit);
		check_int(values[i].name, attributes.set, ATTRIBUTE_BIT(t));
		if (values[i].bad == NULL) {
			check_str(values[i].name, bad, NULL);
			continue;
		}
		check_true(values[i].name, bad != NULL);
		if (strncmp(bad, values[i].bad, strlen(values[i].bad)) != 0)
			fail_msg(
			    "[%s] the phrase is\n  %s", values[i].name, bad);
		check_str(values[i].name, culprit,
		    values[i].culprit != NULL ? values[i].culprit
					      : values[i].value);
	}
	arena_free(&arena);
}

static const char *
take(struct attributes *t, const char *attr, const char *text,
    struct arena *arena)
{
	char buf[ATTRIBUTE_PHRASE_MAX];
	char *value = arena_copy(arena, text, strlen(text));
	const char *culprit;
	struct attr_list rest;
	unsigned place;
	bool list;

	rest = (struct attr_list){value, strlen(value)};
	return attribute_take(t, attribute_find(attr, &place, &list), &rest,
	    arena, buf, &culprit);
}

static void
t_normal(void **state)
{
	struct arena arena = {0};
	struct attributes t = {0};

	(void)state;
	assert_null(take(&t, "gateway", "MX1.Acme.Example", &arena));
	assert_null(take(&t, "gateway", ".Acme.Example,nexthop", &arena));
	assert_int_equal(t.gateway->n, 3);
	assert_string_equal(t.gateway->v[0], "mx1.acme.example");
	assert_string_equal(t.gateway->v[1], ".acme.example");
	assert_string_equal(t.gateway->v[2], "nexthop");
	assert_null(take(&t, "gateway", "*.a.example,*.B.Example", &arena));
	assert_string_equal(t.gateway->v[3], "*.a.example");
	assert_string_equal(t.gateway->v[4], "*.b.example");
	assert_null(take(&t, "key", HEX32 HEX32, &arena));
	assert_null(take(&t, "key", "sha256:" PIN, &arena));
	assert_int_equal(t.key->n, 2);
	assert_string_equal(t.key->v[0], PIN);
	assert_string_equal(t.key->v[1], PIN);
	assert_null(take(&t, "drop-after", "5/1h", &arena));
	assert_int_equal(t.drop_count, 5);
	assert_int_equal(t.drop_window, 3600);
	assert_null(take(&t, "drop-for", "30m", &arena));
	assert_int_equal(t.drop_for, 1800);
	assert_null(take(&t, "review", "2027-01-31", &arena));
	assert_int_equal(t.review, 1801353600);
	arena_free(&arena);
}

/*
 * A list may be said again and again: with as many elements as a list can
 * have, one at a time, the memory must not grow with their square.
 */
static void
t_long_list(void **state)
{
	struct arena arena = {0};
	struct attributes t = {0};
	const struct strs *was;
	size_t i, moved = 0;

	(void)state;
	for (i = 0; i < ATTRIBUTE_LIST_MAX; i++) {
		was = t.issuer;
		assert_null(take(&t, "issuer", i % 2 ? "odd" : "even", &arena));
		moved += t.issuer != was;
	}
	assert_int_equal(t.issuer->n, ATTRIBUTE_LIST_MAX);
	assert_string_equal(t.issuer->v[0], "even");
	assert_string_equal(t.issuer->v[99], "odd");
	assert_true(moved < 100);
	assert_string_equal(
	    take(&t, "issuer", "more", &arena), "has too many elements");
	t.issuer = NULL;
	for (i = 0; i < 99999; i++)
		assert_null(take(&t, "issuer", "odd", &arena));
	assert_string_equal(
	    take(&t, "issuer", "one,two", &arena), "has too many elements");
	assert_null(take(&t, "issuer", "one", &arena));
	arena_free(&arena);
}

/* Too many in one go, whatever they are: refused before it is cut. */
static void
t_too_long(void **state)
{
	const size_t len = ATTRIBUTE_LIST_MAX;
	char *value = malloc(len + 1), buf[ATTRIBUTE_PHRASE_MAX];
	struct attr_list rest = {value, len};
	struct arena arena = {0};
	struct attributes t = {0};
	const char *culprit;

	(void)state;
	memset(value, ',', len);
	value[len] = '\0';
	assert_string_equal(
	    attribute_take(&t, ATTRIBUTE_ISSUER, &rest, &arena, buf, &culprit),
	    "has too many elements");
	assert_ptr_equal(culprit, value);
	assert_int_equal(strlen(culprit), len);
	assert_null(rest.next);
	/* One less: each is looked at. */
	rest = (struct attr_list){value + 1, len - 1};
	assert_string_equal(
	    attribute_take(&t, ATTRIBUTE_ISSUER, &rest, &arena, buf, &culprit),
	    "an empty element in the list");
	assert_non_null(rest.next);
	arena_free(&arena);
	free(value);
}

static void
t_long_text(void **state)
{
	char text[ATTRIBUTE_TEXT_MAX + 2];
	struct arena arena = {0};
	struct attributes t = {0};

	(void)state;
	memset(text, 'x', sizeof(text));
	text[ATTRIBUTE_TEXT_MAX] = '\0';
	assert_null(take(&t, "note", text, &arena));
	assert_null(take(&t, "issuer", text, &arena));
	text[ATTRIBUTE_TEXT_MAX] = 'x';
	text[ATTRIBUTE_TEXT_MAX + 1] = '\0';
	assert_string_equal(
	    take(&t, "note", text, &arena), "is longer than 1024 bytes");
	assert_string_equal(take(&t, "issuer", text, &arena), "is too long");
	arena_free(&arena);
}

/* Below key Postfix returns such mail, unless the partner has a word. */
static void
t_returned(void **state)
{
	static const struct {
		uint8_t word;
		enum level last; /* at which none is returned */
	} cases[] = {
	    {REQUIRETLS_MAIN_CF, LEVEL_KEY},
	    {REQUIRETLS_ENFORCE, LEVEL_KEY},
	    {REQUIRETLS_STARTTLS, LEVEL_ENCRYPT},
	    {REQUIRETLS_OPPORTUNISTIC, LEVEL_OPPORTUNISTIC},
	    {REQUIRETLS_DISABLE, LEVEL_OPPORTUNISTIC},
	};
	struct attributes t = {0};
	unsigned level;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		for (level = 0; level <= LEVEL_SECURE; level++) {
			t.requiretls = cases[i].word;
			check_int(level_name((enum level)level),
			    attributes_returned(&t, (enum level)level),
			    level < cases[i].last);
		}
}

/* What Postfix is to send: its tokens as it knows them, names as DNS has. */
static void
t_servername(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
	    {"none", NULL},
	    {"hostname", "hostname"},
	    {"nexthop", "nexthop"},
	    {"Hostname", "hostname"},
	    {"MX1.Acme.Example", "mx1.acme.example"},
	    {"mx.m\xc3\xbcnchen.example", "mx.xn--mnchen-3ya.example"},
	    {"mx_1.a.example", "mx_1.a.example"},
	};
	struct arena arena = {0};
	struct attributes t, provider;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		t = provider = (struct attributes){0};
		assert_null(
		    take(&provider, "servername", "mx.b.example", &arena));
		check_str(cases[i].value,
		    take(&t, "servername", cases[i].value, &arena), NULL);
		attributes_inherit(&t, &provider);
		check_str(cases[i].value, t.servername, cases[i].want);
	}
	t = (struct attributes){0};
	attributes_inherit(&t, &provider);
	assert_string_equal(t.servername, "mx.b.example");
	arena_free(&arena);
}

static void
t_inherit(void **state)
{
	struct arena arena = {0};
	struct attributes partner = {0}, provider = {0}, preset = {0};

	(void)state;
	assert_null(take(&partner, "gateway", "a.example", &arena));
	assert_null(take(&partner, "mode", "enforced", &arena));
	assert_null(take(&provider, "gateway", "b.example", &arena));
	assert_null(take(&provider, "issuer", "B", &arena));
	assert_null(take(&preset, "issuer", "C", &arena));
	assert_null(take(&preset, "mode", "opportunistic", &arena));
	assert_null(take(&preset, "drop-after", "9/9m", &arena));
	assert_null(take(&preset, "min-tls", "TLSv1.3", &arena));
	attributes_inherit(&partner, &provider);
	attributes_inherit(&partner, &preset);
	attributes_preset(&partner);
	assert_string_equal(partner.gateway->v[0], "a.example");
	assert_string_equal(partner.issuer->v[0], "B");
	assert_int_equal(partner.issuer->n, 1);
	assert_int_equal(partner.mode, MODE_ENFORCED);
	assert_int_equal(partner.drop_count, 9);
	assert_int_equal(partner.drop_window, 540);
	assert_int_equal(partner.drop_for, 4 * 3600);
	assert_int_equal(partner.min_tls, TLS_1_3);
	arena_free(&arena);
}

static void
t_preset(void **state)
{
	struct attributes t = {0}, enforced = {.mode = MODE_ENFORCED};

	(void)state;
	attributes_preset(&t);
	assert_int_equal(t.gateway->n, 2);
	assert_string_equal(t.gateway->v[0], "nexthop");
	assert_string_equal(t.gateway->v[1], "dot-nexthop");
	assert_int_equal(t.ca->n, 0);
	assert_int_equal(t.issuer->n, 0);
	assert_int_equal(t.key->n, 0);
	assert_int_equal(t.mode, MODE_OPPORTUNISTIC);
	assert_int_equal(t.verify, VERIFY_NAME);
	assert_int_equal(t.common_name, COMMON_NAME_ANY);
	assert_int_equal(t.min_tls, TLS_1_2);
	assert_int_equal(t.ciphers, CIPHERS_HIGH);
	assert_int_equal(t.inbound, INBOUND_OFF);
	assert_int_equal(t.inbound_verify, INBOUND_NONE);
	assert_int_equal(t.inbound_action, ACTION_DEFER);
	assert_int_equal(t.on_failure, ON_FAILURE_HOLD);
	assert_int_equal(t.notify_contact, NOTIFY_NO);
	assert_int_equal(t.drop_to, LEVEL_KEY);
	assert_int_equal(t.drop_count, 3);
	assert_int_equal(t.drop_window, 900);
	assert_int_equal(t.drop_for, 14400);
	attributes_preset(&enforced);
	assert_int_equal(enforced.inbound, INBOUND_REQUIRE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_places),
	    cmocka_unit_test(t_take),
	    cmocka_unit_test(t_normal),
	    cmocka_unit_test(t_long_list),
	    cmocka_unit_test(t_too_long),
	    cmocka_unit_test(t_long_text),
	    cmocka_unit_test(t_servername),
	    cmocka_unit_test(t_returned),
	    cmocka_unit_test(t_inherit),
	    cmocka_unit_test(t_preset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
