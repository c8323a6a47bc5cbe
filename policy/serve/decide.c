#include "decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ledger_downgrade.h"
#include "num.h"
#include "policyproto.h"
#include "registry.h"

#define NAMES_SHOWN 3 /* names of a certificate that a text lists */
#define CN_MAX 256    /* bytes of a common name; Postfix cuts there */
#define NOT_SHOWN "no client certificate was shown"
#define UNASKED \
	"we ask for no client certificate: set smtpd_tls_ask_ccert = yes"

const char *
verdict_name(enum verdict v)
{
	static const char *const names[] = {[VERDICT_DUNNO] = "dunno",
	    [VERDICT_WARN] = "warn",
	    [VERDICT_DEFER] = "defer",
	    [VERDICT_REJECT] = "reject"};

	return names[v];
}

#define ALL_WELL "nothing is wrong"

/* What is said of each, in the log and to the other postmaster. */
static const struct {
	const char *text;
	/* What he is to do: %V the TLS version, %N the names in the rule. */
	const char *advice;
	const char *wanted; /* by what mail is accepted */
	bool ours;	    /* our own mistake */
} breaches[] = {
    [BREACH_NONE] = {ALL_WELL, "", "", false},
    [BREACH_CLEAR] = {"no TLS",
	"your server did not use STARTTLS. Switch TLS on for mail to us",
	"over TLS", false},
    [BREACH_PROTOCOL] = {"TLS protocol too old",
	"your server " LEDGER_OLD_TLS " than %V. Switch %V on", "over TLS",
	false},
    [BREACH_NO_CERT] = {NOT_SHOWN,
	"your server showed no client certificate. Have it present the one "
	"that was agreed",
	LEDGER_BY_CERTIFICATE, false},
    [BREACH_UNTRUSTED] =
	{"client certificate not trusted, or not made for clients",
	    "your client certificate has expired, is from a CA that we do not "
	    "accept, or was not made for clients, as those of public CAs are "
	    "not any more. Present another, or agree with us on its key "
	    "instead",
	    LEDGER_BY_CERTIFICATE, false},
    [BREACH_NAME] = {"client certificate of another name",
	"your client certificate has another common name. Present the one for "
	"%N",
	LEDGER_BY_CERTIFICATE, false},
    [BREACH_KEY] = {"client certificate with another key",
	"your client certificate has another key. Present the one that was "
	"agreed, or tell us the new key",
	LEDGER_BY_CERTIFICATE, false},
    [BREACH_NO_NAME] = {"client certificate without a common name",
	"your client certificate has no common name. Present one for %N, or "
	"agree with us on its key instead",
	LEDGER_BY_CERTIFICATE, false},
    [BREACH_OUR_DIGEST] = {"smtpd_tls_fingerprint_digest is not sha256",
	"we cannot check your client certificate at present; this is our "
	"mistake",
	LEDGER_BY_CERTIFICATE, true},
    [BREACH_OUR_TLS] = {"our smtpd offers no TLS (see tlspact-setup check)",
	"our server offers no TLS at present; this is our mistake. Try again "
	"later",
	"over TLS", true},
    [BREACH_OUTBOUND] = {"the recipient's partner fails now", "", "", false},
};

/* The lowest protocol that the row's protocols= lets in; 0 if none is said. */
static enum tls_version
floor_of(const char *policy, size_t len)
{
	static const char word[] = "protocols=";
	const char *p, *end;
	int i;

	p = len == 0 ? NULL : memmem(policy, len, word, sizeof(word) - 1);
	if (p == NULL || p == policy || p[-1] != ' ')
		return TLS_SSL_2;
	p += sizeof(word) - 1;
	end = memchr(p, ' ', len - (size_t)(p - policy));
	if (end == NULL)
		end = policy + len;
	i = tls_version_floor(p, (size_t)(end - p));
	return i < 0 ? TLS_SSL_2 : (enum tls_version)i;
}

/* Undo xtext (RFC 3461), and lower case. False if it is no such text. */
static bool
common_name(const struct span *v, char out[CN_MAX + 1])
{
	size_t i, n = 0;
	int c, hi, lo;

	for (i = 0; i < v->n; i++) {
		c = (unsigned char)v->p[i];
		if (c == '+') {
			if (v->n - i < 3 || (hi = num_hex(v->p[i + 1])) < 0 ||
			    (lo = num_hex(v->p[i + 2])) < 0)
				return false;
			c = hi * 16 + lo;
			i += 2;
		}
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (c == '\0' || n == CN_MAX)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return n > 0;
}

static bool
ends_with(const char *s, size_t len, const char *tail, size_t n)
{
	return len > n && memcmp(s + len - n, tail, n) == 0;
}

/* Does the certificate's name cn stand for the host or .suffix? */
static bool
fits(const char *cn, const char *name)
{
	size_t len = strlen(cn), n = strlen(name);
	const char *dot;

	if (*name == '.')
		return ends_with(cn, len, name, n);
	if (strncmp(cn, "*.", 2) == 0) {
		/* As in TLS: the star is one label. */
		dot = strchr(name, '.');
		return dot != NULL && dot > name && strcmp(dot, cn + 1) == 0;
	}
	return strcmp(cn, name) == 0;
}

/* The tokens of match= stand for the names they stand for when we send. */
static bool
fits_rule(const char *cn, const struct lookup_rule *rule, const char *name,
    const struct span *client)
{
	char below[sizeof(rule->key) + 1], host[DNAME_MAX + 1];
	char buf[DNAME_MAX + 1];
	struct dname out;

	if (strcmp(name, "nexthop") == 0)
		return !rule->suffix
			   ? fits(cn, rule->key)
			   : fits_rule(cn, rule, "dot-nexthop", client);
	if (strcmp(name, "dot-nexthop") == 0) {
		(void)snprintf(below, sizeof(below), ".%s", rule->key);
		return fits(cn, below);
	}
	if (strcmp(name, "hostname") != 0)
		return fits(cn, name);
	if (client->n > DNAME_MAX)
		return false;
	memcpy(host, client->p, client->n);
	host[client->n] = '\0';
	return strcmp(host, "unknown") != 0 &&
	       dname_host(host, buf, &out) == NULL && fits(cn, out.s);
}

static enum breach
check_name(const struct lookup_rule *rule, const struct policyproto *req)
{
	const struct span *v = &req->v[POLICYPROTO_CCERT_SUBJECT];
	const struct strs *names = rule->record.names;
	char cn[CN_MAX + 1], buf[DNAME_MAX + 1];
	const char *name = cn;
	struct dname ascii;
	size_t i;

	/* Of a trusted one the issuer is told, name or not. */
	if (v->n == 0 && req->v[POLICYPROTO_CCERT_ISSUER].n > 0)
		return BREACH_NO_NAME;
	if (v->n == 0)
		return req->v[POLICYPROTO_CCERT_FINGERPRINT].n > 0
			   ? BREACH_UNTRUSTED
			   : BREACH_NO_CERT;
	if (!common_name(v, cn))
		return BREACH_NAME;
	if (strncmp(cn, "*.", 2) != 0 && dname_host(cn, buf, &ascii) == NULL)
		name = ascii.s;
	for (i = 0; i < names->n; i++)
		if (fits_rule(name, rule, names->v[i],
			&req->v[POLICYPROTO_CLIENT_NAME]))
			return BREACH_NONE;
	return BREACH_NAME;
}

static enum breach
check_key(const struct lookup_rule *rule, const struct policyproto *req)
{
	const struct span *v = &req->v[POLICYPROTO_CCERT_PUBKEY];
	const struct strs *keys = rule->record.keys;
	bool comparable = false;
	size_t i;

	if (v->n == 0)
		return BREACH_NO_CERT;
	for (i = 0; i < keys->n; i++) {
		if (strlen(keys->v[i]) != v->n)
			continue;
		comparable = true;
		if (strncasecmp(keys->v[i], v->p, v->n) == 0)
			return BREACH_NONE;
	}
	return comparable ? BREACH_KEY : BREACH_OUR_DIGEST;
}

static enum breach
find_breach(const struct lookup_rule *rule, const struct policyproto *req)
{
	const struct span *tls = &req->v[POLICYPROTO_PROTOCOL];
	int version;

	if (tls->n == 0)
		return BREACH_CLEAR;
	version = tls_version_find(tls->p, tls->n);
	/* A version that we do not know is a later one. */
	if (version >= 0 && version < TLS_1_3 &&
	    version < (int)floor_of(rule->policy, rule->policy_len))
		return BREACH_PROTOCOL;
	switch (rule->record.verify) {
	case INBOUND_NAME:
		return check_name(rule, req);
	case INBOUND_KEY:
		return check_key(rule, req);
	default:
		return BREACH_NONE;
	}
}

/* Did it come over TLS as agreed, and what it showed is what is wrong? */
static bool
of_certificate(enum breach b)
{
	return b != BREACH_CLEAR && b != BREACH_PROTOCOL;
}

/* Text that is added as far as there is room. */
struct text {
	char *s;
	size_t len, size;
};

static void add(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->s + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < t->size - t->len)
		t->len += (size_t)n;
	else
		t->s[t->len] = '\0';
}

static void
add_names(struct text *t, const struct lookup_rule *rule)
{
	const struct strs *names = rule->record.names;
	const char * or = "";
	size_t i;

	for (i = 0; i < names->n && i < NAMES_SHOWN; i++) {
		if (strcmp(names->v[i], "nexthop") == 0)
			add(t, "%s%s", or, rule->key);
		else if (strcmp(names->v[i], "dot-nexthop") == 0)
			add(t, "%sa host in %s", or, rule->key);
		else if (strcmp(names->v[i], "hostname") == 0)
			add(t, "%syour host name", or);
		else if (names->v[i][0] == '.')
			add(t, "%sa host in %s", or, names->v[i] + 1);
		else
			add(t, "%s%s", or, names->v[i]);
		or = " or ";
	}
	if (i < names->n)
		add(t, " or others");
}

static void
add_advice(struct text *t, enum breach b, const struct lookup_rule *rule)
{
	const char *p = breaches[b].advice, *at;

	for (; (at = strchr(p, '%')) != NULL; p = at + 2) {
		add(t, "%.*s", (int)(at - p), p);
		if (at[1] == 'N')
			add_names(t, rule);
		else
			add(t, "%s",
			    tls_version_name(
				floor_of(rule->policy, rule->policy_len)));
	}
	add(t, "%s", p);
}

static void
start(
    struct text *t, struct decision *out, const char *warning, const char *code)
{
	*t = (struct text){.s = out->action, .size = sizeof(out->action)};
	if (out->verdict == VERDICT_WARN)
		add(t, "WARN %s", warning);
	else if (out->verdict == VERDICT_DEFER)
		add(t, "450 4.%s ", code);
	else
		add(t, "550 5.%s ", code);
}

static void
finish(struct text *t, const char *contact)
{
	/* A local name helps nobody out there. */
	if (strchr(contact, '@') != NULL)
		add(t, ". Questions to %s", contact);
}

const struct decision decide_dunno = {.verdict = VERDICT_DUNNO,
    .why = ALL_WELL,
    .action = "DUNNO"};

const struct decision decide_broken = {.verdict = VERDICT_DEFER,
    .why = ALL_WELL,
    .action = "450 4.3.0 Our TLS rules cannot be read at present; try again "
	      "later"};

static void
say_breach(struct decision *out, enum breach b)
{
	out->breach = b;
	out->why = breaches[b].text;
}

void
decide_inbound(const struct lookup_rule *rule, const struct policyproto *req,
    const struct decide_about *about, struct decision *out)
{
	const char *kind = about->by_client ? "servers of " : "";
	struct text t;
	enum breach b;

	*out = decide_dunno;
	if (rule->record.inbound == INBOUND_OFF ||
	    (b = find_breach(rule, req)) == BREACH_NONE)
		return;
	say_breach(
	    out, b == BREACH_CLEAR && about->no_tls ? BREACH_OUR_TLS : b);
	if (out->breach == BREACH_NO_CERT && about->unasked)
		out->why = UNASKED;
	if (out->breach == BREACH_NO_CERT && about->asked)
		out->why = NOT_SHOWN ", though we ask for one";
	if (rule->lowered && (of_certificate(b) || !lookup_needs_tls(rule))) {
		out->lowered = true;
		out->verdict = VERDICT_WARN;
	} else if (rule->record.inbound == INBOUND_WARN) {
		out->verdict = VERDICT_WARN;
	} else if (rule->record.action == ACTION_REJECT &&
		   !breaches[out->breach].ours) {
		out->verdict = VERDICT_REJECT;
	} else {
		out->verdict = VERDICT_DEFER;
	}
	if (out->verdict == VERDICT_WARN) {
		start(&t, out, "", "");
		add(&t, "tlspact: mail from %s%s%s: %s; %s", kind,
		    rule->suffix ? "." : "", rule->key, out->why,
		    out->lowered ? LEDGER_LET_IN
				 : "let in because inbound=warn");
		return;
	}
	/* What is our mistake must not be counted against the other side. */
	start(&t, out, "", breaches[out->breach].ours ? "3.0" : "7.10");
	add(&t, "Mail from %s%s is accepted %s only, as agreed: ", kind,
	    rule->key, breaches[out->breach].wanted);
	add_advice(&t, out->breach, rule);
	finish(&t, about->contact);
}

void
decide_outbound(const struct decide_failing *f, enum verdict harsh,
    const char *contact, struct decision *out)
{
	const char *domain = f->domain + (*f->domain == '.');
	char since[NUM_TIME_MAX];
	struct text t;

	*out = decide_dunno;
	if (harsh == VERDICT_DUNNO)
		return;
	out->verdict = harsh;
	say_breach(out, BREACH_OUTBOUND);
	start(&t, out, "tlspact: ", "7.5");
	add(&t,
	    "Mail to %s goes over verified TLS only, and its servers have "
	    "failed that since %s",
	    domain, num_time_text(f->since, since));
	if (*f->fault != '\0')
		add(&t, " (%s)", f->fault);
	add(&t, harsh == VERDICT_WARN	 ? "; it will wait"
		: harsh == VERDICT_DEFER ? ". It will be taken when they are "
					   "mended"
					 : ". Send it again when they are "
					   "mended");
	if (harsh != VERDICT_WARN)
		finish(&t, contact);
}
