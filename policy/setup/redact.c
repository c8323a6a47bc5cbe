#include "redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "attr.h"
#include "attributes.h"
#include "buf.h"
#include "digest.h"
#include "dname.h"
#include "lines.h"
#include "mem.h"
#include "names.h"

#define HEX 8 /* digits of a pseudonym */
#define GONE "(removed)"

struct redact {
	char *secret; /* or NULL */
	struct names partners, hosts;
};

struct redact *
redact_new(const char *secret)
{
	struct redact *r = mem_zero(1, sizeof(*r));

	r->secret = secret == NULL ? NULL : mem_dup(secret);
	return r;
}

void
redact_free(struct redact *r)
{
	if (r == NULL)
		return;
	names_free(&r->partners);
	names_free(&r->hosts);
	free(r->secret);
	free(r);
}

/* Names are those of the DNS, or of our registry: case does not matter. */
static char *
lower(const char *s, size_t len)
{
	char *copy = mem_printf("%.*s", (int)len, s), *p;

	for (p = copy; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

static void
learn(struct names *to, const char *s, size_t len)
{
	char *name = lower(s, len);

	if (*name != '\0')
		(void)names_add(to, name, strlen(name));
	free(name);
}

void
redact_learn_partner(struct redact *r, const char *name)
{
	learn(&r->partners, name, strlen(name));
}

void
redact_learn_host(struct redact *r, const char *name, size_t len)
{
	size_t n;

	for (; len > 0 && (*name == '.' || *name == '['); len--)
		name++;
	for (n = 0; n < len && name[n] != ']' && name[n] != ':'; n++)
		;
	if (memchr(name, '.', n) != NULL)
		learn(&r->hosts, name, n);
}

static void
put_name(struct redact *r, const char *kind, const char *name, const char *end,
    struct buf *out)
{
	char hex[DIGEST_HEX];
	char *text = mem_printf("%s\n%s\n%s", r->secret, kind, name);

	(void)digest_of(text, strlen(text), hex);
	buf_printf(out, "%s-%.*s%s", kind, HEX, hex, end);
	free(text);
}

void
redact_partner(struct redact *r, const char *name, struct buf *out)
{
	char *low = lower(name, strlen(name));

	if (r->secret == NULL || *name == '\0')
		buf_puts(out, name);
	else
		put_name(r, "partner", low, "", out);
	free(low);
}

/*
 * A host: what of it is below the known domain that is highest, and that.
 * False: none is known.
 */
static bool
put_host(struct redact *r, const char *name, struct buf *out)
{
	const char *base = NULL, *p;

	for (p = name; p != NULL; p = strchr(p, '.')) {
		p += *p == '.';
		if (names_find(&r->hosts, p, strlen(p)) != STRMAP_NONE)
			base = p;
	}
	if (base == NULL)
		return false;
	if (base != name)
		put_name(r, "h", name, ".", out);
	put_name(r, "d", base, ".invalid", out);
	return true;
}

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || (c & 0x80) != 0 || c == '.' ||
	       c == '-' || c == '_';
}

static void
put_word(struct redact *r, const char *s, size_t len, struct buf *out)
{
	size_t dots = strspn(s, "."), all = len;
	char *name;

	dots = dots > len ? len : dots;
	while (len > dots && s[len - 1] == '.')
		len--;
	name = lower(s + dots, len - dots);
	if (dname_is_address(name) && strncmp(name, "127.", 4) != 0) {
		buf_puts(out, "(address)");
	} else if (r->secret == NULL) {
		buf_add(out, s, all);
		len = all;
	} else {
		buf_add(out, s, dots);
		if (names_find(&r->partners, name, strlen(name)) != STRMAP_NONE)
			put_name(r, "partner", name, "", out);
		else if (!put_host(r, name, out))
			buf_add(out, s + dots, len - dots);
	}
	buf_add(out, s + len, all - len);
	free(name);
}

/* The length of an address of mail or of IPv6 at s; 0: it is none. */
static size_t
address_len(const char *s)
{
	size_t n = 0, v6 = strspn(s, "0123456789abcdefABCDEF:");
	char *text;
	bool is;

	while (is_word(s[n]) || s[n] == '+' || s[n] == '=')
		n++;
	if (n > 0 && s[n] == '@' && is_word(s[n + 1])) {
		for (n++; is_word(s[n]); n++)
			;
		return n;
	}
	if (v6 < 2 || memchr(s, ':', v6) == NULL || is_word(s[v6]))
		return 0;
	text = mem_printf("%.*s", (int)v6, s);
	is = dname_is_address(text);
	free(text);
	return is ? v6 : 0;
}

/* "password = secret", as in a table of SQL: the length up to the secret, and
 * in *end up to its end; 0: there is none at s. */
static size_t
password_len(const char *s, size_t *end)
{
	size_t n = 0;
	bool is = false;

	for (; is_word(s[n]); n++)
		is = is || strncasecmp(s + n, "pass", 4) == 0;
	if (!is)
		return 0;
	n += strspn(s + n, " ");
	if (s[n] != '=')
		return 0;
	n++;
	n += strspn(s + n, " ");
	*end = n + strcspn(s + n, " \t\n,}'\"");
	return n;
}

void
redact_text(struct redact *r, const char *text, struct buf *out)
{
	const char *s = text;
	size_t n, end;

	buf_puts(out, "");
	while (*s != '\0') {
		if ((n = password_len(s, &end)) > 0) {
			buf_add(out, s, n);
			buf_puts(out, GONE);
			n = end;
		} else if ((n = address_len(s)) > 0) {
			buf_puts(out, "(address)");
		} else {
			while (is_word(s[n]))
				n++;
			if (n > 0)
				put_word(r, s, n, out);
			else
				buf_putc(out, s[n++]);
		}
		s += n;
	}
}

/* --- The registry --------------------------------------------------------- */

static bool
is_known(const char *name)
{
	unsigned place;
	bool list;

	return attribute_find(name, &place, &list) != ATTRIBUTE_COUNT;
}

/* What of a value may be told: as it is, its names as others, or nothing. */
enum tell { TELL_NOT, TELL_NAMES, TELL };

static enum tell
tells(const char *name)
{
	unsigned place;
	bool list;

	switch (attribute_find(name, &place, &list)) {
	case ATTRIBUTE_CIPHERS:
	case ATTRIBUTE_COMMON_NAME:
	case ATTRIBUTE_DROP_AFTER:
	case ATTRIBUTE_DROP_FOR:
	case ATTRIBUTE_DROP_TO:
	case ATTRIBUTE_INBOUND:
	case ATTRIBUTE_INBOUND_ACTION:
	case ATTRIBUTE_INBOUND_VERIFY:
	case ATTRIBUTE_MIN_TLS:
	case ATTRIBUTE_MODE:
	case ATTRIBUTE_NOTIFY_CONTACT:
	case ATTRIBUTE_ON_FAILURE:
	case ATTRIBUTE_REQUIRETLS:
	case ATTRIBUTE_REVIEW:
	case ATTRIBUTE_VERIFY:
		return TELL;
	case ATTRIBUTE_DOMAIN:
	case ATTRIBUTE_FORMER:
	case ATTRIBUTE_GATEWAY:
	case ATTRIBUTE_PROVIDER:
	case ATTRIBUTE_SERVERNAME:
		return TELL_NAMES;
	default:
		return TELL_NOT;
	}
}

static void
learn_former(struct redact *r, const char *s, size_t n)
{
	char *name = mem_printf("%.*s", (int)n, s);

	redact_learn_partner(r, name);
	free(name);
}

static void
put_value(
    struct redact *r, const char *name, const char *value, struct buf *out)
{
	enum tell tell = tells(name);
	const char *s;
	size_t n;

	if (tell == TELL_NOT) {
		buf_puts(out, GONE);
		return;
	}
	if (strcmp(name, "provider") == 0)
		redact_learn_partner(r, value);
	else if (tell == TELL_NAMES)
		for (s = value; *s != '\0'; s += n + (s[n] == ',')) {
			n = strcspn(s, ",");
			if (strcmp(name, "former") == 0)
				learn_former(r, s, n);
			else
				redact_learn_host(r, s, n);
		}
	redact_text(r, value, out);
}

void
redact_registry(struct redact *r, char *text, size_t len, struct buf *out)
{
	enum attr_kind kind;
	struct lines in;
	struct attrs words;
	struct attr a;
	struct line l;
	unsigned n;

	lines_init(&in, text, len);
	while (lines_next(&in, &l)) {
		attr_init(&words, l.text, l.no);
		for (n = 0; (kind = attr_next(&words, &a)) != ATTR_END; n++) {
			buf_puts(out, n > 0 ? " " : "");
			if (kind == ATTR_PAIR) {
				buf_printf(out,
				    "%s=", is_known(a.name) ? a.name : GONE);
				put_value(r, a.name, a.value, out);
			} else if (kind == ATTR_WORD && n == 0) {
				redact_text(r, a.name, out);
			} else if (kind == ATTR_WORD && n == 1) {
				redact_learn_partner(r, a.name);
				redact_partner(r, a.name, out);
			} else {
				buf_puts(out, GONE);
			}
		}
		buf_putc(out, '\n');
	}
}
