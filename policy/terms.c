#include "terms.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "attr.h"
#include "num.h"

#define DROP_COUNT_MAX 1000
#define DROP_WINDOW_MAX (30u * 86400)
#define DROP_FOR_MAX (365u * 86400)

struct choice {
	const char *name;
	uint8_t value;
};

static const struct choice modes[] = {
    {"opportunistic", MODE_OPPORTUNISTIC}, {"enforced", MODE_ENFORCED}, {0}};
static const struct choice verifies[] = {{"name", VERIFY_NAME},
    {"key", VERIFY_KEY}, {"dane", VERIFY_DANE}, {"none", VERIFY_NONE}, {0}};
static const struct choice common_names[] = {
    {"any", COMMON_NAME_ANY}, {"gateway", COMMON_NAME_GATEWAY}, {0}};
static const struct choice floors[] = {{"TLSv1.2", MIN_TLS_1_2},
    {"TLSv1.3", MIN_TLS_1_3}, {"TLSv1.1", MIN_TLS_1_1}, {"TLSv1", MIN_TLS_1_0},
    {0}};
static const struct choice grades[] = {
    {"high", CIPHERS_HIGH}, {"medium", CIPHERS_MEDIUM}, {0}};
static const struct choice inbounds[] = {{"require", INBOUND_REQUIRE},
    {"off", INBOUND_OFF}, {"warn", INBOUND_WARN}, {0}};
static const struct choice inbound_verifies[] = {
    {"none", INBOUND_NONE}, {"name", INBOUND_NAME}, {"key", INBOUND_KEY}, {0}};
static const struct choice actions[] = {
    {"defer", ACTION_DEFER}, {"reject", ACTION_REJECT}, {0}};
static const struct choice on_failures[] = {
    {"hold", ON_FAILURE_HOLD}, {"drop", ON_FAILURE_DROP}, {0}};
static const struct choice drop_levels[] = {{"encrypt", LEVEL_ENCRYPT},
    {"key", LEVEL_KEY}, {"opportunistic", LEVEL_OPPORTUNISTIC}, {0}};

typedef const char *element_fn(
    char *s, struct arena *arena, char *buf, const char **out);

static element_fn gateway_element, ca_element, issuer_element, key_element;

enum kind { KIND_CHOICE, KIND_LIST, KIND_TEXT, KIND_SPECIAL };

#define ALL (TERM_OF_PARTNER | TERM_OF_PROVIDER | TERM_OF_DEFAULT)
#define NOT_PROVIDER (TERM_OF_PARTNER | TERM_OF_DEFAULT)
#define FIELD(f) offsetof(struct terms, f), sizeof(((struct terms *)0)->f)

/* In alphabetical order, as enum term; term_find() relies on it. */
static const struct {
	const char *name;
	unsigned place;
	enum kind kind;
	size_t offset, size;
	const struct choice *choices;
	element_fn *element;
} table[TERM_COUNT] = {
    [TERM_CA] = {"ca", ALL, KIND_LIST, FIELD(ca), NULL, ca_element},
    [TERM_CIPHERS] = {"ciphers", NOT_PROVIDER, KIND_CHOICE, FIELD(ciphers),
	grades, NULL},
    [TERM_COMMON_NAME] = {"common-name", ALL, KIND_CHOICE, FIELD(common_name),
	common_names, NULL},
    [TERM_CONTACT] = {"contact", TERM_OF_PARTNER, KIND_TEXT, FIELD(contact),
	NULL, NULL},
    [TERM_DOMAIN] = {"domain", TERM_OF_PARTNER, KIND_SPECIAL, 0, 0, NULL, NULL},
    [TERM_DROP_AFTER] = {"drop-after", NOT_PROVIDER, KIND_SPECIAL,
	offsetof(struct terms, drop_count),
	offsetof(struct terms, drop_for) - offsetof(struct terms, drop_count),
	NULL, NULL},
    [TERM_DROP_FOR] = {"drop-for", NOT_PROVIDER, KIND_SPECIAL, FIELD(drop_for),
	NULL, NULL},
    [TERM_DROP_TO] = {"drop-to", NOT_PROVIDER, KIND_CHOICE, FIELD(drop_to),
	drop_levels, NULL},
    [TERM_GATEWAY] = {"gateway", ALL, KIND_LIST, FIELD(gateway), NULL,
	gateway_element},
    [TERM_INBOUND] = {"inbound", NOT_PROVIDER, KIND_CHOICE, FIELD(inbound),
	inbounds, NULL},
    [TERM_INBOUND_ACTION] = {"inbound-action", NOT_PROVIDER, KIND_CHOICE,
	FIELD(inbound_action), actions, NULL},
    [TERM_INBOUND_VERIFY] = {"inbound-verify", NOT_PROVIDER, KIND_CHOICE,
	FIELD(inbound_verify), inbound_verifies, NULL},
    [TERM_ISSUER] = {"issuer", ALL, KIND_LIST, FIELD(issuer), NULL,
	issuer_element},
    [TERM_KEY] = {"key", TERM_OF_PARTNER, KIND_LIST, FIELD(key), NULL,
	key_element},
    [TERM_MIN_TLS] = {"min-tls", NOT_PROVIDER, KIND_CHOICE, FIELD(min_tls),
	floors, NULL},
    [TERM_MODE] = {"mode", NOT_PROVIDER, KIND_CHOICE, FIELD(mode), modes, NULL},
    [TERM_NOTE] = {"note", ALL, KIND_TEXT, FIELD(note), NULL, NULL},
    [TERM_ON_FAILURE] = {"on-failure", NOT_PROVIDER, KIND_CHOICE,
	FIELD(on_failure), on_failures, NULL},
    [TERM_OPERATOR] = {"operator", NOT_PROVIDER, KIND_TEXT, FIELD(operator_),
	NULL, NULL},
    [TERM_PROVIDER] = {"provider", TERM_OF_PARTNER, KIND_SPECIAL, 0, 0, NULL,
	NULL},
    [TERM_REVIEW] = {"review", TERM_OF_PARTNER, KIND_SPECIAL, FIELD(review),
	NULL, NULL},
    [TERM_TICKET] = {"ticket", TERM_OF_PARTNER, KIND_TEXT, FIELD(ticket), NULL,
	NULL},
    [TERM_VERIFY] = {"verify", NOT_PROVIDER, KIND_CHOICE, FIELD(verify),
	verifies, NULL},
};

enum term
term_find(const char *name)
{
	/* First attribute by first letter; the rest follow in order. */
	static const uint8_t first[26] = {['c' - 'a'] = TERM_CA,
	    ['d' - 'a'] = TERM_DOMAIN,
	    ['g' - 'a'] = TERM_GATEWAY,
	    ['i' - 'a'] = TERM_INBOUND,
	    ['k' - 'a'] = TERM_KEY,
	    ['m' - 'a'] = TERM_MIN_TLS,
	    ['n' - 'a'] = TERM_NOTE,
	    ['o' - 'a'] = TERM_ON_FAILURE,
	    ['p' - 'a'] = TERM_PROVIDER,
	    ['r' - 'a'] = TERM_REVIEW,
	    ['t' - 'a'] = TERM_TICKET,
	    ['v' - 'a'] = TERM_VERIFY};
	unsigned t;

	if (*name < 'a' || *name > 'z')
		return TERM_COUNT;
	for (t = first[*name - 'a'];
	     t < TERM_COUNT && table[t].name[0] == *name; t++)
		if (strcmp(table[t].name, name) == 0)
			return (enum term)t;
	return TERM_COUNT;
}

const char *
term_name(enum term t)
{
	return table[t].name;
}

unsigned
term_place(enum term t)
{
	return table[t].place;
}

bool
term_is_list(enum term t)
{
	return table[t].kind == KIND_LIST || t == TERM_DOMAIN;
}

static bool
is_token(const char *s)
{
	return strcmp(s, "nexthop") == 0 || strcmp(s, "dot-nexthop") == 0 ||
	       strcmp(s, "hostname") == 0;
}

static const char *
gateway_element(char *s, struct arena *arena, char *buf, const char **out)
{
	const char *bad, *name;

	*out = s;
	if (is_token(s))
		return NULL;
	/* match= is cut at colons and takes no address with names beside. */
	if (dname_is_address(s))
		return "a gateway is named, not numbered: match= of Postfix "
		       "takes no addresses";
	bad =
	    *s == '.' ? dname_suffix(s, buf, &name) : dname_host(s, buf, &name);
	if (bad == NULL && name != s)
		*out = arena_copy(arena, name, strlen(name));
	return bad;
}

static const char *
ca_element(char *s, struct arena *arena, char *buf, const char **out)
{
	(void)arena;
	(void)buf;
	*out = s;
	if (strcmp(s, "system") == 0)
		return NULL;
	if (*s != '/')
		return "is neither `system' nor an absolute path";
	/* Blanks would cut the Postfix policy; braces are 3.10 and later. */
	if (strpbrk(s, " \t{}") != NULL)
		return "a blank or brace in the path cannot be said to Postfix";
	return NULL;
}

static const char *
issuer_element(char *s, struct arena *arena, char *buf, const char **out)
{
	(void)arena;
	(void)buf;
	*out = s;
	return strlen(s) > REGISTRY_TEXT_MAX ? "is too long" : NULL;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static const char *
key_element(char *s, struct arena *arena, char *buf, const char **out)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[32 * 3 + 1];
	size_t n = 0;
	const char *p = s;

	(void)buf;
	if (strncmp(p, "sha256:", 7) == 0)
		p += 7;
	for (; *p != '\0'; p++) {
		if (*p == ':' && n % 2 == 0 && n > 0 && hex(p[1]) != -1)
			continue;
		if (hex(*p) == -1 || n == 64)
			break;
		if (n % 2 == 0)
			text[n / 2 * 3 + 2] = ':';
		text[n / 2 * 3 + n % 2] = digits[hex(*p)];
		n++;
	}
	if (*p != '\0' || n != 64)
		return "is not a SHA-256 of a public key (64 hex digits, with "
		       "or without colons)";
	*out = arena_copy(arena, text, 32 * 3 - 1);
	return NULL;
}

static const char *
take_choice(
    uint8_t *to, const struct choice *choices, const char *value, char *buf)
{
	const struct choice *c;
	size_t n;

	for (c = choices; c->name != NULL; c++)
		if (strcmp(c->name, value) == 0) {
			*to = c->value;
			return NULL;
		}
	n = (size_t)snprintf(buf, TERM_PHRASE_MAX, "is not one of");
	for (c = choices; c->name != NULL; c++)
		n += (size_t)snprintf(buf + n, TERM_PHRASE_MAX - n, "%s %s",
		    c == choices ? "" : ",", c->name);
	return buf;
}

/* Elements that a list of n has room for: the next power of two. */
static size_t
capacity(size_t n)
{
	size_t cap = 1;

	while (cap < n)
		cap *= 2;
	return cap;
}

static const char *
take_list(const struct strs **to, element_fn *element, char **value,
    struct arena *arena, char *buf, const char **culprit)
{
	size_t have = *to == NULL ? 0 : (*to)->n, room = have + 1;
	struct strs *list;
	const char *bad;
	char *p, *s;

	for (p = *value; *p != '\0'; p++)
		room += *p == ',';
	if (room > REGISTRY_LIST_MAX) {
		*value = NULL;
		return "has too many elements";
	}
	if (have > 0 && room <= capacity(have)) {
		/* Made below, and nobody else's before all is read. */
		list = (struct strs *)(uintptr_t)*to;
	} else {
		list = arena_alloc(
		    arena, sizeof(*list) + capacity(room) * sizeof(list->v[0]));
		for (list->n = 0; list->n < have; list->n++)
			list->v[list->n] = (*to)->v[list->n];
		*to = list;
	}
	for (; (s = attr_list_next(value)) != NULL; list->n++) {
		*culprit = s;
		if (*s == '\0')
			return "an empty element in the list";
		bad = element(s, arena, buf, &list->v[list->n]);
		if (bad != NULL)
			return bad;
		if (list->v[list->n] == s)
			list->v[list->n] = arena_copy(arena, s, strlen(s));
	}
	return NULL;
}

static const char *
take_drop_after(struct terms *terms, char *value)
{
	char *slash = strchr(value, '/');
	uint64_t n = 0, s = 0;

	if (slash != NULL)
		*slash = '\0';
	if (slash == NULL || num_parse(value, 1, DROP_COUNT_MAX, &n) == -1 ||
	    num_duration(slash + 1, DROP_WINDOW_MAX, &s) == -1 || s == 0) {
		if (slash != NULL)
			*slash = '/';
		return "is not failures/time such as 3/15m (at most 1000/30d)";
	}
	terms->drop_count = (uint16_t)n;
	terms->drop_window = (uint32_t)s;
	return NULL;
}

static const char *
take_special(struct terms *terms, enum term t, char *value)
{
	uint64_t s = 0;

	switch (t) {
	case TERM_DROP_AFTER:
		return take_drop_after(terms, value);
	case TERM_DROP_FOR:
		if (num_duration(value, DROP_FOR_MAX, &s) == -1 || s == 0)
			return "is not a time such as 4h (at most 365d)";
		terms->drop_for = (uint32_t)s;
		return NULL;
	case TERM_REVIEW:
		if (num_time(value, &terms->review) == -1)
			return "is not a date such as 2027-01-31";
		return NULL;
	default:
		return "cannot be said here";
	}
}

const char *
term_take(struct terms *terms, enum term t, char **rest, struct arena *arena,
    char *buf, const char **culprit)
{
	char *to = (char *)terms + table[t].offset, *value = *rest;
	const char *bad = NULL;

	*culprit = value;
	if (table[t].kind != KIND_LIST)
		*rest = NULL;
	switch (table[t].kind) {
	case KIND_CHOICE:
		bad = take_choice((uint8_t *)to, table[t].choices, value, buf);
		break;
	case KIND_LIST:
		bad = take_list((const struct strs **)(void *)to,
		    table[t].element, rest, arena, buf, culprit);
		break;
	case KIND_TEXT:
		if (strlen(value) > REGISTRY_TEXT_MAX)
			bad = "is longer than 1024 bytes";
		*(const char **)(void *)to =
		    arena_copy(arena, value, strlen(value));
		break;
	case KIND_SPECIAL:
		bad = take_special(terms, t, value);
		break;
	}
	terms->set |= TERM_BIT(t);
	return bad;
}

void
terms_inherit(struct terms *to, const struct terms *from)
{
	uint32_t want = from->set & ~to->set;
	unsigned t;

	while (want != 0) {
		t = (unsigned)__builtin_ctz(want);
		want &= want - 1;
		memcpy((char *)to + table[t].offset,
		    (const char *)from + table[t].offset, table[t].size);
		to->set |= TERM_BIT(t);
	}
}

void
terms_preset(struct terms *to)
{
	static const struct strs gateways = {2, {"nexthop", "dot-nexthop"}};
	static const struct strs none = {0};
	const uint32_t set = to->set;

	if (to->gateway == NULL)
		to->gateway = &gateways;
	if (to->ca == NULL)
		to->ca = &none;
	if (to->issuer == NULL)
		to->issuer = &none;
	if (to->key == NULL)
		to->key = &none;
	if ((set & TERM_BIT(TERM_MIN_TLS)) == 0)
		to->min_tls = MIN_TLS_1_2;
	if ((set & TERM_BIT(TERM_CIPHERS)) == 0)
		to->ciphers = CIPHERS_HIGH;
	if ((set & TERM_BIT(TERM_INBOUND)) == 0)
		to->inbound =
		    to->mode == MODE_ENFORCED ? INBOUND_REQUIRE : INBOUND_OFF;
	if ((set & TERM_BIT(TERM_DROP_TO)) == 0)
		to->drop_to = LEVEL_ENCRYPT;
	if ((set & TERM_BIT(TERM_DROP_AFTER)) == 0) {
		to->drop_count = 3;
		to->drop_window = 15 * 60;
	}
	if ((set & TERM_BIT(TERM_DROP_FOR)) == 0)
		to->drop_for = 4 * 3600;
}
