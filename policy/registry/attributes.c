#include "attributes.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "attr.h"
#include "clock.h"
#include "dname.h"
#include "num.h"
#include "partnername.h"
#include "span.h"
#include "timeslip.h"

#define DROP_COUNT_MAX 1000
#define DROP_WINDOW_MAX (30u * CLOCK_DAY)
#define DROP_FOR_MAX (365u * CLOCK_DAY)
#define NOTIFY_MAX (30u * CLOCK_DAY)

struct choice {
	const char *name;
	uint8_t value;
};

static const struct choice modes[] = {{"opportunistic", MODE_OPPORTUNISTIC},
    {"enforced", MODE_ENFORCED}, {"may", MODE_MAY}, {"dane", MODE_DANE},
    {"none", MODE_NONE}, {0}};
static const struct choice verifies[] = {{"name", VERIFY_NAME},
    {"key", VERIFY_KEY}, {"dane", VERIFY_DANE}, {"none", VERIFY_NONE}, {0}};
static const struct choice common_names[] = {
    {"any", COMMON_NAME_ANY}, {"gateway", COMMON_NAME_GATEWAY}, {0}};
static const struct choice floors[] = {{"TLSv1.2", TLS_1_2},
    {"TLSv1.3", TLS_1_3}, {"TLSv1.1", TLS_1_1}, {"TLSv1", TLS_1_0},
    {"main.cf", MIN_TLS_MAIN_CF}, {0}};
static const struct choice grades[] = {{"high", CIPHERS_HIGH},
    {"medium", CIPHERS_MEDIUM}, {"main.cf", CIPHERS_MAIN_CF}, {0}};
static const struct choice inbounds[] = {{"require", INBOUND_REQUIRE},
    {"off", INBOUND_OFF}, {"warn", INBOUND_WARN}, {0}};
static const struct choice inbound_verifies[] = {
    {"none", INBOUND_NONE}, {"name", INBOUND_NAME}, {"key", INBOUND_KEY}, {0}};
static const struct choice actions[] = {
    {"defer", ACTION_DEFER}, {"reject", ACTION_REJECT}, {0}};
static const struct choice on_failures[] = {
    {"hold", ON_FAILURE_HOLD}, {"drop", ON_FAILURE_DROP}, {0}};
static const struct choice drop_levels[] = {{"key", LEVEL_KEY},
    {"encrypt", LEVEL_ENCRYPT}, {"opportunistic", LEVEL_OPPORTUNISTIC}, {0}};

static const struct choice requiretls[] = {{"main.cf", REQUIRETLS_MAIN_CF},
    {"enforce", REQUIRETLS_ENFORCE},
    {"opportunistic+starttls", REQUIRETLS_STARTTLS},
    {"opportunistic", REQUIRETLS_OPPORTUNISTIC},
    {"disable", REQUIRETLS_DISABLE}, {0}};

/* What is wrong with s, a string; else out is what is kept, perhaps in buf. */
typedef const char *element_fn(struct span s, char *buf, struct span *out);

static element_fn gateway_element, ca_element, issuer_element, key_element,
    name_element;

enum kind { KIND_CHOICE, KIND_LIST, KIND_TEXT, KIND_NAME, KIND_SPECIAL };

#define ALL \
	(ATTRIBUTE_OF_PARTNER | ATTRIBUTE_OF_PROVIDER | ATTRIBUTE_OF_DEFAULT)
#define NOT_PROVIDER (ATTRIBUTE_OF_PARTNER | ATTRIBUTE_OF_DEFAULT)
#define FIELD(f) \
	offsetof(struct attributes, f), sizeof(((struct attributes *)0)->f)

static const struct {
	const char *name;
	unsigned place;
	enum kind kind;
	size_t offset, size;
	const struct choice *choices;
	element_fn *element;
} table[ATTRIBUTE_COUNT] = {
    [ATTRIBUTE_CA] = {"ca", ALL, KIND_LIST, FIELD(ca), NULL, ca_element},
    [ATTRIBUTE_CIPHERS] = {"ciphers", NOT_PROVIDER, KIND_CHOICE, FIELD(ciphers),
	grades, NULL},
    [ATTRIBUTE_COMMON_NAME] = {"common-name", ALL, KIND_CHOICE,
	FIELD(common_name), common_names, NULL},
    [ATTRIBUTE_CONTACT] = {"contact", ATTRIBUTE_OF_PARTNER, KIND_TEXT,
	FIELD(contact), NULL, NULL},
    [ATTRIBUTE_DOMAIN] = {"domain", ATTRIBUTE_OF_PARTNER, KIND_SPECIAL, 0, 0,
	NULL, NULL},
    [ATTRIBUTE_DROP_AFTER] = {"drop-after", NOT_PROVIDER, KIND_SPECIAL,
	offsetof(struct attributes, drop_count),
	offsetof(struct attributes, drop_for) -
	    offsetof(struct attributes, drop_count),
	NULL, NULL},
    [ATTRIBUTE_DROP_FOR] = {"drop-for", NOT_PROVIDER, KIND_SPECIAL,
	FIELD(drop_for), NULL, NULL},
    [ATTRIBUTE_DROP_TO] = {"drop-to", NOT_PROVIDER, KIND_CHOICE, FIELD(drop_to),
	drop_levels, NULL},
    [ATTRIBUTE_FORMER] = {"former", ATTRIBUTE_OF_PARTNER, KIND_LIST,
	FIELD(former), NULL, name_element},
    [ATTRIBUTE_GATEWAY] = {"gateway", ALL, KIND_LIST, FIELD(gateway), NULL,
	gateway_element},
    [ATTRIBUTE_INBOUND] = {"inbound", NOT_PROVIDER, KIND_CHOICE, FIELD(inbound),
	inbounds, NULL},
    [ATTRIBUTE_INBOUND_ACTION] = {"inbound-action", NOT_PROVIDER, KIND_CHOICE,
	FIELD(inbound_action), actions, NULL},
    [ATTRIBUTE_INBOUND_VERIFY] = {"inbound-verify", NOT_PROVIDER, KIND_CHOICE,
	FIELD(inbound_verify), inbound_verifies, NULL},
    [ATTRIBUTE_ISSUER] = {"issuer", ALL, KIND_LIST, FIELD(issuer), NULL,
	issuer_element},
    [ATTRIBUTE_KEY] = {"key", ATTRIBUTE_OF_PARTNER, KIND_LIST, FIELD(key), NULL,
	key_element},
    [ATTRIBUTE_MIN_TLS] = {"min-tls", NOT_PROVIDER, KIND_CHOICE, FIELD(min_tls),
	floors, NULL},
    [ATTRIBUTE_MODE] = {"mode", NOT_PROVIDER, KIND_CHOICE, FIELD(mode), modes,
	NULL},
    [ATTRIBUTE_NOTE] = {"note", ALL, KIND_TEXT, FIELD(note), NULL, NULL},
    [ATTRIBUTE_NOTIFY_CONTACT] = {"notify-contact", NOT_PROVIDER, KIND_SPECIAL,
	FIELD(notify_contact), NULL, NULL},
    [ATTRIBUTE_ON_FAILURE] = {"on-failure", NOT_PROVIDER, KIND_CHOICE,
	FIELD(on_failure), on_failures, NULL},
    [ATTRIBUTE_OPERATOR] = {"operator", NOT_PROVIDER, KIND_TEXT,
	FIELD(operator_), NULL, NULL},
    [ATTRIBUTE_PROTOCOLS] = {"protocols", ATTRIBUTE_OF_PARTNER, KIND_SPECIAL,
	FIELD(protocols), NULL, NULL},
    [ATTRIBUTE_PROVIDER] = {"provider", ATTRIBUTE_OF_PARTNER, KIND_SPECIAL, 0,
	0, NULL, NULL},
    [ATTRIBUTE_REQUIRETLS] = {"requiretls", NOT_PROVIDER, KIND_CHOICE,
	FIELD(requiretls), requiretls, NULL},
    [ATTRIBUTE_REVIEW] = {"review", ATTRIBUTE_OF_PARTNER, KIND_SPECIAL,
	FIELD(review), NULL, NULL},
    [ATTRIBUTE_SERVERNAME] = {"servername", ALL, KIND_NAME, FIELD(servername),
	NULL, NULL},
    [ATTRIBUTE_TICKET] = {"ticket", ATTRIBUTE_OF_PARTNER, KIND_TEXT,
	FIELD(ticket), NULL, NULL},
    [ATTRIBUTE_VERIFY] = {"verify", NOT_PROVIDER, KIND_CHOICE, FIELD(verify),
	verifies, NULL},
};

/* Most words differ in their first byte. */
static bool
same(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}

enum attribute
attribute_find(const char *name, unsigned *place, bool *list)
{
	unsigned a;

	for (a = 0; a < ATTRIBUTE_COUNT; a++)
		if (same(table[a].name, name)) {
			*place = table[a].place;
			*list =
			    table[a].kind == KIND_LIST || a == ATTRIBUTE_DOMAIN;
			break;
		}
	return (enum attribute)a;
}

bool
attribute_has_blanks(enum attribute a)
{
	return a != ATTRIBUTE_COUNT &&
	       (table[a].kind == KIND_TEXT || a == ATTRIBUTE_ISSUER ||
		   a == ATTRIBUTE_NOTIFY_CONTACT);
}

struct meant
attribute_meant(const char *name)
{
	struct meant m = meant(name);
	unsigned a;

	for (a = 0; a < ATTRIBUTE_COUNT; a++)
		meant_try(&m, table[a].name);
	return m;
}

bool
attribute_is_token(const char *s)
{
	return same("nexthop", s) || same("dot-nexthop", s) ||
	       same("hostname", s);
}

/* A word for names that has a slip in it, where a host has a dot; or NULL. */
static const char *
near_token(const char *s, char *buf)
{
	static const char *const tokens[] = {
	    "nexthop", "dot-nexthop", "hostname"};
	struct meant m = meant(s);
	size_t i;

	for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		meant_try(&m, tokens[i]);
	if (m.name == NULL || strchr(s, '.') != NULL)
		return NULL;
	(void)snprintf(buf, ATTRIBUTE_PHRASE_MAX, "is no host with a dot%s",
	    meant_text(&m).s);
	return buf;
}

static const char *
gateway_element(struct span s, char *buf, struct span *out)
{
	struct dname name;
	const bool star = s.p[0] == '*' && s.p[1] == '.';
	const char *bad;

	*out = s;
	if (attribute_is_token(s.p))
		return NULL;
	bad = dname_gateway(s.p + star, buf, &name);
	/* match= is cut at colons and takes no address with names beside. */
	if (bad != NULL && memchr(s.p, ';', s.n) != NULL)
		return "commas, not semicolons, separate names";
	if (bad != NULL && dname_is_address(s.p))
		return "a gateway is named, not numbered: match= of Postfix "
		       "takes no addresses";
	if (bad == NULL)
		bad = near_token(s.p, buf);
	if (bad != NULL)
		return bad;
	if (name.s == s.p + star) {
		name.s = s.p;
	} else if (star) {
		memmove(buf + 1, buf, name.len + 1);
		buf[0] = '*';
	}
	*out = (struct span){name.s, name.len + star};
	return NULL;
}

static const char *
ca_element(struct span s, char *buf, struct span *out)
{
	struct meant m = meant(s.p);

	*out = s;
	if (strcmp(s.p, "system") == 0)
		return NULL;
	if (*s.p != '/') {
		meant_try(&m, "system");
		(void)snprintf(buf, ATTRIBUTE_PHRASE_MAX,
		    "is neither `system' nor an absolute path%s",
		    meant_text(&m).s);
		return buf;
	}
	/* Blanks would cut the Postfix policy; braces are 3.10 and later. */
	if (strpbrk(s.p, " \t{}") != NULL)
		return "a blank or brace in the path cannot be said to Postfix";
	return NULL;
}

static const char *
issuer_element(struct span s, char *buf, struct span *out)
{
	(void)buf;
	*out = s;
	return s.n > ATTRIBUTE_TEXT_MAX ? "is too long" : NULL;
}

static const char *
key_element(struct span s, char *buf, struct span *out)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;
	const char *p = s.p;

	if (strncmp(p, "sha256:", 7) == 0)
		p += 7;
	for (; *p != '\0'; p++) {
		if (*p == ':' && n % 2 == 0 && n > 0 && num_hex(p[1]) != -1)
			continue;
		if (num_hex(*p) == -1 || n == 64)
			break;
		if (n % 2 == 0)
			buf[n / 2 * 3 + 2] = ':';
		buf[n / 2 * 3 + n % 2] = digits[num_hex(*p)];
		n++;
	}
	if (*p != '\0' || n != 64)
		return "is not a SHA-256 of a public key (64 hex digits, with "
		       "or without colons)";
	*out = (struct span){buf, 32 * 3 - 1};
	return NULL;
}

static const char *
name_element(struct span s, char *buf, struct span *out)
{
	(void)buf;
	*out = s;
	return partnername_bad(s.p);
}

static const char *
take_choice(
    uint8_t *to, const struct choice *choices, const char *value, char *buf)
{
	const struct choice *c;
	const char *end;
	struct meant m;
	size_t n;

	for (c = choices; c->name != NULL; c++)
		if (same(c->name, value)) {
			*to = c->value;
			return NULL;
		}
	/* "1.2" is TLSv1.2; and quotation marks are no slip. */
	value += *value == '"';
	m = meant(value);
	n = (size_t)snprintf(buf, ATTRIBUTE_PHRASE_MAX, "is not one of");
	for (c = choices; c->name != NULL; c++) {
		n += (size_t)snprintf(buf + n, ATTRIBUTE_PHRASE_MAX - n,
		    "%s %s", c == choices ? "" : ",", c->name);
		end = strstr(c->name, value);
		if (strlen(value) > 2 && end != NULL &&
		    strcmp(end, value) == 0 && m.name == NULL)
			m.name = c->name;
		meant_try(&m, c->name);
	}
	(void)snprintf(
	    buf + n, ATTRIBUTE_PHRASE_MAX - n, "%s", meant_text(&m).s);
	return buf;
}

/* Who says a level of Postfix as mode= means one with verify=; or bad. */
static const char *
level_for_mode(const char *value, const char *bad)
{
	if (bad == NULL)
		return NULL;
	if (same("secure", value) || same("verify", value))
		return "is no mode: say mode=enforced verify=name";
	if (same("encrypt", value))
		return "is no mode: say mode=enforced verify=none";
	return bad;
}

/* The list with room for one more; nobody else's before all is read. */
static struct strs *
one_more(const struct strs **to, struct arena *arena)
{
	const struct strs *have = *to;
	size_t n = have == NULL ? 0 : have->n;
	struct strs *list = (struct strs *)(uintptr_t)have;

	/* There is room up to the next power of two. */
	if ((n & (n - 1)) != 0)
		return list;
	list = arena_alloc(
	    arena, sizeof(*list) + (n == 0 ? 1 : 2 * n) * sizeof(list->v[0]));
	list->n = n;
	if (n > 0)
		memcpy(list->v, have->v, n * sizeof(list->v[0]));
	*to = list;
	return list;
}

/* Would the list have too many elements, good or bad? */
static bool
is_too_long(const struct strs *have, const struct attr_list *more)
{
	size_t n = have == NULL ? 0 : have->n;

	/* Elements need not be counted where bytes are few enough. */
	return n + 1 + more->len > ATTRIBUTE_LIST_MAX &&
	       n + attr_list_count(more) > ATTRIBUTE_LIST_MAX;
}

static const char *
take_list(const struct strs **to, element_fn *element, struct attr_list *value,
    struct arena *arena, char *buf, const char **culprit)
{
	struct strs *list;
	struct span s, kept;
	const char *bad;

	if (is_too_long(*to, value)) {
		value->next = NULL;
		return "has too many elements";
	}
	while ((s.p = attr_list_next(value, &s.n)) != NULL) {
		*culprit = s.p;
		if (s.n == 0)
			return "an empty element in the list";
		if ((bad = element(s, buf, &kept)) != NULL)
			return bad;
		list = one_more(to, arena);
		list->v[list->n++] =
		    kept.p == s.p ? s.p : arena_copy(arena, kept.p, kept.n);
	}
	return NULL;
}

/* What is sent by SNI. Postfix knows the two tokens in lower case only. */
static const char *
take_servername(
    const char **to, const char *value, struct arena *arena, char *buf)
{
	static const char *const tokens[] = {"hostname", "nexthop"};
	struct dname name;
	const char *bad;
	size_t i;

	*to = NULL;
	if (same("none", value))
		return NULL;
	for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		if (same(tokens[i], value)) {
			*to = tokens[i];
			return NULL;
		}
	bad = *value == '.' ? "it begins with a dot"
			    : dname_gateway(value, buf, &name);
	if (bad != NULL)
		return dname_is_address(value)
			   ? "a server is asked for by name, not by address"
			   : bad;
	*to = name.s == value ? value : arena_copy(arena, name.s, name.len);
	return NULL;
}

static const char *
take_drop_after(struct attributes *to, char *value)
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
	to->drop_count = (uint32_t)n;
	to->drop_window = (uint32_t)s;
	return NULL;
}

static const char *
take_notify(uint32_t *to, const char *value)
{
	uint64_t s = 0;

	if (same("no", value)) {
		*to = NOTIFY_NO;
	} else if (same("yes", value)) {
		*to = NOTIFY_YES;
	} else {
		if (strncmp(value, "after ", 6) != 0 ||
		    num_duration(value + 6, NOTIFY_MAX, &s) == -1 || s == 0)
			return "is not no, yes, or after and a time, such as "
			       "{ notify-contact = after 1h } (at most 30d)";
		*to = (uint32_t)s;
	}
	return NULL;
}

/* What Postfix does not know it tells at the handshake only, and holds mail. */
static const char *
take_protocols(struct attributes *to, const char *value)
{
	enum tls_version lowest, highest;

	if (strpbrk(value, " \t,") != NULL)
		return "has a blank or a comma; `:' separates protocols";
	if (!tls_version_range(value, strlen(value), &lowest, &highest))
		return "is not a list of protocols such as TLSv1.2, "
		       ">=TLSv1.2 or !SSLv2:!SSLv3, or lets none in";
	to->protocols = value;
	return NULL;
}

static const char *
take_special(struct attributes *to, enum attribute t, char *value, char *buf)
{
	char span[CLOCK_MAX];
	const char *near;
	uint64_t s = 0;

	switch (t) {
	case ATTRIBUTE_DROP_AFTER:
		return take_drop_after(to, value);
	case ATTRIBUTE_DROP_FOR:
		if (num_duration(value, DROP_FOR_MAX, &s) == -1 || s == 0) {
			near = timeslip_span(value, NULL, span);
			(void)snprintf(buf, ATTRIBUTE_PHRASE_MAX,
			    "is not a time such as 4h (at most 365d)%s%s%s",
			    near == NULL ? "" : "; did you mean ",
			    near == NULL ? "" : near, near == NULL ? "" : "?");
			return buf;
		}
		to->drop_for = (uint32_t)s;
		return NULL;
	case ATTRIBUTE_NOTIFY_CONTACT:
		return take_notify(&to->notify_contact, value);
	case ATTRIBUTE_PROTOCOLS:
		return take_protocols(to, value);
	case ATTRIBUTE_REVIEW:
		if (num_time(value, &to->review) == -1)
			return "is not a date such as 2027-01-31";
		return NULL;
	default:
		return "cannot be said here";
	}
}

const char *
attribute_take(struct attributes *to, enum attribute a, struct attr_list *rest,
    struct arena *arena, char *buf, const char **culprit)
{
	char *field = (char *)to + table[a].offset;
	char *value = rest->next;
	const char *bad = NULL;

	*culprit = value;
	if (table[a].kind != KIND_LIST)
		rest->next = NULL;
	switch (table[a].kind) {
	case KIND_CHOICE:
		bad =
		    take_choice((uint8_t *)field, table[a].choices, value, buf);
		if (a == ATTRIBUTE_MODE)
			bad = level_for_mode(value, bad);
		break;
	case KIND_LIST:
		bad = take_list((const struct strs **)(void *)field,
		    table[a].element, rest, arena, buf, culprit);
		break;
	case KIND_TEXT:
		if (rest->len > ATTRIBUTE_TEXT_MAX)
			bad = "is longer than 1024 bytes";
		*(const char **)(void *)field = value;
		break;
	case KIND_NAME:
		bad = take_servername(
		    (const char **)(void *)field, value, arena, buf);
		break;
	case KIND_SPECIAL:
		bad = take_special(to, a, value, buf);
		break;
	}
	to->set |= ATTRIBUTE_BIT(a);
	return bad;
}

void
attributes_inherit(struct attributes *to, const struct attributes *from)
{
	uint32_t want = from->set & ~to->set, left;
	unsigned t;

	for (left = want; left != 0; left &= left - 1) {
		t = (unsigned)__builtin_ctz(left);
		memcpy((char *)to + table[t].offset,
		    (const char *)from + table[t].offset, table[t].size);
	}
	to->set |= want;
}

static bool
is_set(const struct attributes *attributes, enum attribute t)
{
	return (attributes->set & ATTRIBUTE_BIT(t)) != 0;
}

bool
strs_same(const struct strs *a, const struct strs *b)
{
	size_t i;

	if (a == b)
		return true;
	if (a == NULL || b == NULL || a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

void
attributes_preset(struct attributes *to)
{
	enum tls_version lowest, highest;
	static const struct strs gateways = {2, {"nexthop", "dot-nexthop"}};
	static const struct strs none = {0};

	if (to->gateway == NULL)
		to->gateway = &gateways;
	if (to->ca == NULL)
		to->ca = &none;
	if (to->issuer == NULL)
		to->issuer = &none;
	if (to->key == NULL)
		to->key = &none;
	if (!is_set(to, ATTRIBUTE_MIN_TLS))
		to->min_tls = TLS_1_2;
	if (to->protocols != NULL &&
	    tls_version_range(
		to->protocols, strlen(to->protocols), &lowest, &highest))
		to->min_tls = (uint8_t)lowest;
	if (!is_set(to, ATTRIBUTE_CIPHERS))
		to->ciphers = CIPHERS_HIGH;
	if (!is_set(to, ATTRIBUTE_INBOUND))
		to->inbound =
		    to->mode == MODE_ENFORCED ? INBOUND_REQUIRE : INBOUND_OFF;
	if (!is_set(to, ATTRIBUTE_DROP_TO))
		to->drop_to = LEVEL_KEY;
	if (!is_set(to, ATTRIBUTE_DROP_AFTER)) {
		to->drop_count = 3;
		to->drop_window = 15 * 60;
	}
	if (!is_set(to, ATTRIBUTE_DROP_FOR))
		to->drop_for = 4 * 3600;
	/* `system` means no file. */
	if (to->ca->n == 1 && strcmp(to->ca->v[0], "system") == 0)
		to->ca = &none;
}
