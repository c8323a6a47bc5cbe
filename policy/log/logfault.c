#include "logfault.h"

#include "logtext.h"

struct phrase {
	const char *text;
	enum fault fault;
};

#define REQUIRETLS "Sender requested REQUIRETLS, but "
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool
has(struct span s, const char *text)
{
	return span_find_text(s, text, strlen(text)) < s.n;
}

static bool
begins(struct span s, const char *text)
{
	return span_begins_with(s, text, strlen(text));
}

/* The first phrase that stands anywhere in s. */
static enum fault
find(struct span s, const struct phrase *v, size_t n, enum fault otherwise)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (has(s, v[i].text))
			return v[i].fault;
	return otherwise;
}

enum fault
logfault_verify(struct span why)
{
	/* OpenSSL 1 writes "self signed", OpenSSL 3 "self-signed". */
	static const struct phrase phrases[] = {
	    {"num=62:", FAULT_NAME_MISMATCH},
	    {"num=64:", FAULT_NAME_MISMATCH},
	    {"num=65:", FAULT_DANE_MISMATCH},
	    {"has expired", FAULT_EXPIRED},
	    {"not yet valid", FAULT_NOT_YET_VALID},
	    {"igned certificate in certificate chain", FAULT_UNTRUSTED_ISSUER},
	    {"self-signed certificate", FAULT_SELF_SIGNED},
	    {"self signed certificate", FAULT_SELF_SIGNED},
	    {"not designated for use", FAULT_WRONG_PURPOSE},
	    {"certificate purpose", FAULT_WRONG_PURPOSE},
	    {"key too weak", FAULT_WEAK_KEY},
	    {"key too small", FAULT_WEAK_KEY},
	    {"digest algorithm too weak", FAULT_WEAK_SIGNATURE},
	    {"no matching DANE TLSA", FAULT_DANE_MISMATCH},
	    {"ostname mismatch", FAULT_NAME_MISMATCH},
	    {"IP address mismatch", FAULT_NAME_MISMATCH},
	};

	/* The issuer's name is foreign text, and comes last. */
	if (begins(why, "untrusted issuer"))
		return FAULT_UNTRUSTED_ISSUER;
	return find(why, phrases, COUNT(phrases), FAULT_UNTRUSTED_ISSUER);
}

static enum fault
connect_fault(struct span text)
{
	static const struct phrase phrases[] = {
	    {": Connection refused", FAULT_CONNECT_REFUSED},
	    {" timed out", FAULT_CONNECT_TIMEOUT},
	};

	return find(text, phrases, COUNT(phrases), FAULT_CONNECT_FAILED);
}

static enum fault
tls_required(struct span text)
{
	if (begins(text, "TLS is required, but was not offered"))
		return FAULT_NO_STARTTLS;
	if (begins(text, "TLS is required, but host ") &&
	    has(text, " refused to start TLS"))
		return FAULT_STARTTLS_REFUSED;
	return FAULT_LOCAL_ERROR;
}

/* Of 3.11, where the sender of a message asks for TLS (RFC 8689). */
static enum fault
requiretls(struct span text, bool *vague)
{
	*vague = begins(text, "no matching server certificate was found") ||
		 begins(text, "no trusted server certificate was found");
	if (*vague)
		return begins(text, "no matching") ? FAULT_NAME_MISMATCH
						   : FAULT_UNTRUSTED_ISSUER;
	if (begins(text, "TLS service was not offered by host "))
		return FAULT_NO_STARTTLS;
	if (begins(text, "host ") && has(text, " refused to start TLS"))
		return FAULT_STARTTLS_REFUSED;
	if (begins(text, "my configured TLS security level "))
		return FAULT_LOCAL_ERROR;
	/* Without REQUIRETLS, or a remark about what goes on all the same. */
	return FAULT_OK;
}

/* Phrases at the start of the reason, which is Postfix's own text. */
static const struct phrase reasons[] = {
    {"Cannot start TLS", FAULT_HANDSHAKE_FAILED},
    {"Server certificate not verified", FAULT_UNTRUSTED_ISSUER},
    {"Server certificate not trusted", FAULT_UNTRUSTED_ISSUER},
    {"Server certificate could not be verified", FAULT_UNTRUSTED_ISSUER},
    {"client TLS configuration problem", FAULT_LOCAL_ERROR},
    {"REQUIRETLS policy configuration error", FAULT_LOCAL_ERROR},
    {"TLSA lookup error", FAULT_TLSA_FAILED},
    {"no TLSA records found", FAULT_NO_TLSA},
    {"non DNSSEC destination", FAULT_NO_TLSA},
    {"TLSA records unusable", FAULT_NO_TLSA},
    {"lost connection with", FAULT_CONNECTION_LOST},
    {"conversation with", FAULT_TIMEOUT},
    {"Host or domain name not found", FAULT_DNS_FAILED},
    {"unable to look up host", FAULT_DNS_FAILED},
    {"Name service error", FAULT_DNS_FAILED},
    {"Host not found", FAULT_DNS_FAILED},
};

enum fault
logfault_reason(struct span text, bool *vague)
{
	bool unused;
	size_t i;

	if (vague == NULL)
		vague = &unused;
	*vague = false;
	while (begins(text, "delivery temporarily suspended: "))
		text = span_skip(
		    text, sizeof("delivery temporarily suspended: ") - 1);
	/* A bounce may repeat the status: "5.7.5 Cannot start TLS: ...". */
	if (text.n > 6 && text.p[1] == '.' && text.p[0] >= '4' &&
	    text.p[0] <= '5' && span_chr(text, ' ') <= 8)
		text = span_skip(text, span_chr(text, ' ') + 1);
	if (begins(text, "TLS is required, but "))
		return tls_required(text);
	if (begins(text, REQUIRETLS))
		return requiretls(
		    span_skip(text, sizeof(REQUIRETLS) - 1), vague);
	if (begins(text, "connect to "))
		return connect_fault(text);
	for (i = 0; i < COUNT(reasons); i++)
		if (begins(text, reasons[i].text)) {
			*vague = i <= 3;
			return reasons[i].fault;
		}
	/* "Domain acme.example does not accept mail (nullMX)" */
	if (begins(text, "Domain ") && has(text, "(nullMX)"))
		return FAULT_NO_MX;
	/* "host H[A] refused to talk to me: 554 ..." */
	if (begins(text, "host ")) {
		struct span own = text;

		own.n = span_find(own, ": ");
		if (has(own, " refused to talk to me"))
			return FAULT_GREETING_REFUSED;
	}
	return FAULT_OK;
}

enum fault
logfault_unusable(struct span what)
{
	/* The others are our own: pins, or the file of a CA. */
	return begins(what, "TLSA records") ? FAULT_NO_TLSA : FAULT_LOCAL_ERROR;
}

enum fault
logfault_library(struct span text)
{
	static const struct phrase phrases[] = {
	    {"unsupported protocol", FAULT_PROTOCOL_TOO_OLD},
	    {"alert protocol version", FAULT_PROTOCOL_TOO_OLD},
	    {"unsupported version", FAULT_PROTOCOL_TOO_OLD},
	};

	return find(text, phrases, COUNT(phrases), FAULT_HANDSHAKE_FAILED);
}

enum fault
logfault_refusal(const struct logtext_refusal *r)
{
	if (span_is(r->dsn, "4.7.10") || span_is(r->dsn, "5.7.10"))
		return FAULT_NO_STARTTLS;
	/* Postfix's own: smtpd_tls_security_level, reject_plaintext_session. */
	return begins(r->text, "Must issue a STARTTLS") ||
		       begins(r->text, "Session encryption is required")
		   ? FAULT_NO_STARTTLS
		   : FAULT_OK;
}
