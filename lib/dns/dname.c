#include "dname.h"

#include "num.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What most names are made of, dots apart. */
static const bool low[256] = {['-'] = true,
    ['0' ... '9'] = true,
    ['a' ... 'z'] = true};

/* What a byte may be in a name: itself, its lower case, or 0. */
static char
ldh(unsigned char c)
{
	return low[c]		      ? (char)c
	       : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a')
				      : '\0';
}

static void
to_lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

static const unsigned char *
skip_low(const unsigned char *p)
{
	while (low[*p])
		p++;
	return p;
}

#define FOREIGN 1u
#define UNDERSCORE 2u

struct scan {
	bool upper;   /* has upper case letters */
	bool foreign; /* has bytes over 0x7f */
	bool alabel;  /* has a label that starts with xn-- */
	bool numeric; /* the last label is digits only */
	size_t len;
};

static const char *
bad_byte(unsigned char c, char *buf)
{
	if (c <= 0x20 || c == 0x7f)
		(void)snprintf(buf, DNAME_MAX,
		    "a blank or control character (0x%02x) is not allowed "
		    "in a mail domain",
		    c);
	else
		(void)snprintf(
		    buf, DNAME_MAX, "'%c' is not allowed in a mail domain", c);
	return buf;
}

/*
 * Check the shape of a name, with what else it may hold. Where that is bytes
 * over 0x7f, the lengths are not yet final and not checked.
 */
static const char *
scan_name(const char *s, unsigned also, char *buf, struct scan *sc)
{
	const unsigned char *p = (const unsigned char *)s, *label;

	*sc = (struct scan){0};
	if (*p == '\0')
		return "an empty name";
	for (;; p++) {
		for (label = p;; p++) {
			p = skip_low(p);
			if (*p == '.' || *p == '\0')
				break;
			if (*p >= 0x80 && (also & FOREIGN))
				sc->foreign = true;
			else if (*p == '_' && (also & UNDERSCORE))
				continue;
			else if (ldh(*p) == 0)
				return bad_byte(*p, buf);
			else
				sc->upper = true;
		}
		if (p == label)
			return *p == '\0' ? "it ends with a dot"
					  : "an empty label";
		if (*label == '-' || p[-1] == '-')
			return "a label begins or ends with '-'";
		if (p - label > DNAME_LABEL_MAX && !sc->foreign)
			return "a label is longer than 63 characters";
		if ((*label | 0x20) == 'x' && p - label >= 4 &&
		    strncasecmp((const char *)label, "xn--", 4) == 0)
			sc->alabel = true;
		if (*p == '\0')
			break;
	}
	sc->len = (size_t)((const char *)p - s);
	while (label < p && *label >= '0' && *label <= '9')
		label++;
	sc->numeric = label == p;
	if (sc->len > DNAME_MAX && !sc->foreign)
		return "the name is longer than 253 characters";
	if (sc->len > 4 * DNAME_MAX)
		return "the name is too long";
	return NULL;
}

/*
 * To A-labels, and back and forth again, so that an A-label that is no
 * valid encoding is found as well.
 */
static const char *
to_alabels(const char *s, char *buf)
{
	const int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
	uint8_t *out = NULL;
	int rc;

	rc = idn2_lookup_u8((const uint8_t *)s, &out, flags);
	if (rc != IDN2_OK) {
		(void)snprintf(buf, DNAME_MAX,
		    "not a valid internationalised domain name (%s)",
		    idn2_strerror(rc));
		return buf;
	}
	if (strlen((char *)out) > DNAME_MAX) {
		idn2_free(out);
		return "the name is longer than 253 characters";
	}
	(void)snprintf(buf, DNAME_MAX + 1, "%s", (char *)out);
	idn2_free(out);
	return NULL;
}

/*
 * Is the name, in UTF-8, refused only for symbols such as emoji, or for
 * letters newer than our tables? Postfix and DNS take these. Not what cannot
 * be seen, or is more than letters, digits and hyphens in ASCII.
 */
static bool
has_only_symbols(const char *u, int rc)
{
	const unsigned char *p = (const unsigned char *)u;

	if (rc != IDN2_DISALLOWED && rc != IDN2_UNASSIGNED)
		return false;
	for (; *p != '\0'; p++)
		if ((*p < 0x80 && *p != '.' && *p != '_' && ldh(*p) == 0) ||
		    (p[0] == 0xc2 && p[1] <= 0xa0) || /* controls, blank */
		    (p[0] == 0xe2 && p[1] <= 0x81) || /* U+2000 - U+207F */
		    (p[0] == 0xe3 && p[1] == 0x80) || /* U+3000 - U+303F */
		    (p[0] == 0xef && p[1] >= 0xbb) || /* U+FEC0 - U+FFFF */
		    (p[0] == 0xf3 && p[1] >= 0xa0))   /* U+E0000 and up */
			return false;
	return true;
}

static const char *
alabels_valid(const char *s, char *buf)
{
	char *u = NULL;
	uint8_t *again = NULL;
	const char *bad = NULL;
	int rc;

	rc = idn2_to_unicode_8z8z(s, &u, 0);
	if (rc == IDN2_OK)
		rc = idn2_lookup_u8((const uint8_t *)u, &again,
		    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (u != NULL && has_only_symbols(u, rc))
		bad = NULL;
	else if (rc != IDN2_OK || strcasecmp((const char *)again, s) != 0) {
		(void)snprintf(buf, DNAME_MAX,
		    "an \"xn--\" label is not a valid A-label%s%s%s",
		    rc == IDN2_OK ? "" : " (",
		    rc == IDN2_OK ? "" : idn2_strerror(rc),
		    rc == IDN2_OK ? "" : ")");
		bad = buf;
	}
	idn2_free(u);
	idn2_free(again);
	return bad;
}

static const char *
host(const char *s, unsigned also, char *buf, struct dname *out)
{
	struct scan sc;
	const char *bad;

	out->kind = DNAME_HOST;
	if ((bad = scan_name(s, also | FOREIGN, buf, &sc)) != NULL)
		return bad;
	out->s = s;
	if (sc.foreign) {
		if ((bad = to_alabels(s, buf)) != NULL)
			return bad;
		out->s = buf;
		/* The phrase would overwrite the name, which is refused. */
		if ((bad = scan_name(buf, also, buf, &sc)) != NULL)
			return bad;
	} else if (sc.upper) {
		memcpy(buf, s, sc.len + 1);
		to_lower(buf);
		out->s = buf;
	}
	out->len = sc.len;
	out->alabel = sc.alabel;
	if (sc.numeric)
		return "it is an address or ends in a number; an address is "
		       "written [192.0.2.1]";
	if (sc.alabel && !sc.foreign) {
		char phrase[DNAME_MAX + 1];

		if (alabels_valid(out->s, phrase) != NULL) {
			memcpy(buf, phrase, sizeof(phrase));
			return buf;
		}
	}
	return NULL;
}

const char *
dname_host(const char *s, char *buf, struct dname *out)
{
	return host(s, 0, buf, out);
}

static const char *
suffix(const char *s, unsigned also, char *buf, struct dname *out)
{
	const char *bad = host(s + 1, also, buf, out);

	out->kind = DNAME_SUFFIX;
	if (bad != NULL)
		return bad;
	if (out->len >= DNAME_MAX)
		return "the name is longer than 253 characters";
	if (out->s == s + 1) {
		out->s = s;
	} else {
		memmove(buf + 1, buf, out->len + 1);
		buf[0] = '.';
	}
	out->len++;
	return NULL;
}

const char *
dname_gateway(const char *s, char *buf, struct dname *out)
{
	return *s == '.' ? suffix(s, UNDERSCORE, buf, out)
			 : host(s, UNDERSCORE, buf, out);
}

bool
dname_is_address(const char *s)
{
	unsigned char a[16];

	return inet_pton(AF_INET, s, a) == 1 || inet_pton(AF_INET6, s, a) == 1;
}

/* The text behind the host: nothing, or ":port". */
static const char *
bad_port(const char *s)
{
	unsigned v = 0;
	size_t i;

	if (*s == '\0')
		return NULL;
	if (*s != ':' || s[1] == '\0')
		return "after the host comes nothing, or ':' and a port";
	s++;
	for (i = 0; s[i] >= '0' && s[i] <= '9'; i++)
		if (v <= 65535)
			v = v * 10 + (unsigned)(s[i] - '0');
	if (s[i] == '\0')
		return v >= 1 && v <= 65535 ? NULL
					    : "the port is not from 1 to 65535";
	for (i = 0; s[i] != '\0'; i++)
		if (ldh((unsigned char)s[i]) == 0 || s[0] == '-' || i > 31)
			return "the port is no number and no service name";
	return NULL;
}

static const char *
bracketed(const char *s, char *buf, struct dname *out)
{
	const char *close = strchr(s, ']'), *bad;
	char inner[DNAME_MAX + 1], name[DNAME_MAX + 1];
	struct dname in = {.s = inner};
	size_t n;

	if (close == NULL)
		return "missing ']'";
	n = (size_t)(close - s - 1);
	if (n == 0)
		return "nothing between '[' and ']'";
	if (n > DNAME_MAX)
		return "the name is longer than 253 characters";
	if ((bad = bad_port(close + 1)) != NULL)
		return bad;
	memcpy(inner, s + 1, n);
	inner[n] = '\0';
	if (!dname_is_address(inner) && (strncasecmp(inner, "ipv6:", 5) != 0 ||
					    !dname_is_address(inner + 5))) {
		if ((bad = host(inner, UNDERSCORE, name, &in)) != NULL) {
			(void)snprintf(buf, DNAME_NEXTHOP_MAX, "%s", bad);
			return buf;
		}
	}
	(void)snprintf(buf, DNAME_NEXTHOP_MAX + 1, "[%s]%s", in.s, close + 1);
	to_lower(buf);
	*out = (struct dname){buf, strlen(buf), DNAME_NEXTHOP, in.alabel};
	return NULL;
}

/* `host:port`, of whose host Postfix looks for the MX hosts. */
static const char *
with_port(const char *s, const char *colon, char *buf, struct dname *out)
{
	char inner[DNAME_MAX + 1], name[DNAME_MAX + 1];
	size_t n = (size_t)(colon - s);
	struct dname in = {.s = inner};
	const char *bad;

	if (n > DNAME_MAX)
		return "the name is longer than 253 characters";
	if (strchr(colon + 1, ':') != NULL)
		return "an address is written [2001:db8::1]";
	if ((bad = bad_port(colon)) != NULL)
		return bad;
	memcpy(inner, s, n);
	inner[n] = '\0';
	if ((bad = host(inner, UNDERSCORE, name, &in)) != NULL) {
		(void)snprintf(buf, DNAME_NEXTHOP_MAX, "%s", bad);
		return buf;
	}
	(void)snprintf(buf, DNAME_NEXTHOP_MAX + 1, "%s%s", in.s, colon);
	to_lower(buf);
	*out = (struct dname){buf, strlen(buf), DNAME_NEXTHOP, in.alabel};
	return NULL;
}

const char *
dname_nexthop(const char *s, char *buf, struct dname *out)
{
	const char *colon = *s == '[' ? NULL : strchr(s, ':');

	out->kind = DNAME_NEXTHOP;
	if (colon != NULL && colon != s && *s != '.')
		return with_port(s, colon, buf, out);
	return *s == '['   ? bracketed(s, buf, out)
	       : *s == '.' ? suffix(s, 0, buf, out)
			   : dname_host(s, buf, out);
}

/* s in normal form. */
static bool
has_alabel(const char *s)
{
	const char *p;

	for (p = s; (p = strstr(p, "xn--")) != NULL; p++)
		if (p == s || p[-1] == '.')
			return true;
	return false;
}

bool
dname_unicode(const char *s, char *buf, size_t size)
{
	char *u = NULL;
	size_t dot = *s == '.';
	bool ok;

	if (!has_alabel(s) || idn2_to_unicode_8z8z(s + dot, &u, 0) != IDN2_OK)
		return false;
	ok = strlen(u) + dot < size && strcmp(u, s + dot) != 0;
	if (ok)
		(void)snprintf(buf, size, "%s%s", dot ? "." : "", u);
	idn2_free(u);
	return ok;
}

/* --- Where mail goes, and who sends it ------------------------------------ */

bool
nexthop_is_host(const char *s)
{
	size_t label = 0, i;

	for (i = 0; s[i] != '\0'; i++) {
		if (i >= DNAME_MAX)
			return false;
		if (s[i] == '.') {
			if (label == 0 || s[i - 1] == '-')
				return false;
			label = 0;
		} else if ((ldh((unsigned char)s[i]) == 0 && s[i] != '_') ||
			   (label == 0 && s[i] == '-') || ++label > 63)
			return false;
	}
	return label > 0 && s[i - 1] != '-';
}

/* An IP address in text: sa and name are filled. */
static bool
take_address(struct nexthop *n, const char *s)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, s, &v4.sin_addr) == 1) {
		memcpy(&n->sa, &v4, sizeof(v4));
		n->len = sizeof(v4);
		(void)inet_ntop(
		    AF_INET, &v4.sin_addr, n->name, sizeof(n->name));
	} else if (inet_pton(AF_INET6, s, &v6.sin6_addr) == 1) {
		memcpy(&n->sa, &v6, sizeof(v6));
		n->len = sizeof(v6);
		(void)inet_ntop(
		    AF_INET6, &v6.sin6_addr, n->name, sizeof(n->name));
	} else
		return false;
	n->direct = true;
	return true;
}

static int
take_port(struct nexthop *n, const char *s)
{
	struct servent se, *found = NULL;
	char mem[1024];
	uint64_t port;

	if (num_parse(s, 1, 65535, &port) == 0) {
		n->port = (uint16_t)port;
		return 0;
	}
	/* libunbound has threads: the reentrant one. */
	if (*s == '\0' || (*s >= '0' && *s <= '9') ||
	    getservbyname_r(s, "tcp", &se, mem, sizeof(mem), &found) != 0 ||
	    found == NULL)
		return -1;
	n->port = ntohs((uint16_t)se.s_port);
	return 0;
}

int
nexthop_parse(const char *s, struct nexthop *n)
{
	char text[DNAME_MAX + 2];
	const char *end, *port;
	size_t len;

	memset(n, 0, sizeof(*n));
	if (*s != '[' && take_address(n, s))
		return 0;
	if (*s == '[') {
		n->direct = true;
		s++;
		if ((end = strchr(s, ']')) == NULL)
			return -1;
		port = end + 1;
		if (*port != '\0' && *port++ != ':')
			return -1;
		if (*port == '\0' && port != end + 1)
			return -1;
	} else {
		end = s + strcspn(s, ":");
		port = *end == ':' ? end + 1 : end;
		if (*end == ':' && *port == '\0')
			return -1;
	}
	if (*port != '\0' && take_port(n, port) == -1)
		return -1;
	len = (size_t)(end - s);
	if (len == 0 || len >= sizeof(text))
		return -1;
	memcpy(text, s, len);
	text[len] = '\0';
	if (n->direct && strncasecmp(text, "ipv6:", 5) == 0)
		return take_address(n, text + 5) ? 0 : -1;
	if (take_address(n, text))
		return 0;
	if (len > 1 && text[len - 1] == '.')
		text[--len] = '\0';
	if (!nexthop_is_host(text))
		return -1;
	memcpy(n->name, text, len + 1);
	to_lower(n->name);
	return 0;
}
