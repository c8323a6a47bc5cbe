#include "fault.h"

#include <jansson.h>

#include <string.h>

/* Where a fault lies, which decides what may be done about it. */
enum layer { LAYER_NONE, LAYER_STRICT, LAYER_NET, LAYER_TLS };

struct row {
	const char *text;
	enum layer layer;
	enum level step;	  /* with another key */
	enum level step_same_key; /* with the key that passed last */
	const char *description;
	const char *remedy;
	const char *advice;
};

#define NONE LEVEL_SECURE
#define KEY LEVEL_KEY
#define ENCRYPT LEVEL_ENCRYPT
#define OPPORTUNISTIC LEVEL_OPPORTUNISTIC

/* What several faults take, in a sentence and in a letter. */
#define SAY_NAME                                                         \
	"Use a certificate that carries the gateway's name, or tell us " \
	"which name it will carry."
#define SWITCH_ON                                                          \
	"Switch STARTTLS on, and let no firewall take it out of the EHLO " \
	"reply."
#define PUBLISH                                                        \
	"Publish a TLSA record for the certificate in use, in a zone " \
	"signed by DNSSEC."
#define CHECK_DNS "Check the DNS of the domain and of its gateways."
#define ANSWER "Check that the gateway answers to everybody."
#define CHAIN                                                             \
	"Install a certificate of the agreed CA together with its "       \
	"intermediate\ncertificates; a missing intermediate is the most " \
	"frequent cause."
#define NAME                                                               \
	"Install a certificate that carries the gateway's name as the MX " \
	"record\nhas it, or tell us the name that we are to expect."
#define ANEW                                                                 \
	"Have the certificate issued anew: a key of at least 2048 bits RSA " \
	"or\n256 bits EC, signed with SHA-256 or better."
#define TLSA                                                              \
	"Bring the TLSA records in line with the certificate, and check " \
	"that\nDNSSEC signatures of the zone are valid."
#define OFFER                                                               \
	"Offer STARTTLS on port 25 of every gateway again, and check that " \
	"no\nfirewall or mail filter removes it (some replace it by XXXX)."
#define ENABLE                                                             \
	"Enable TLS 1.2 or later with a current cipher on every gateway, " \
	"and\ncheck that the certificate and its key can be read by the "  \
	"mail server."
#define REACH                                                       \
	"Check that your gateways accept mail on port 25 from the " \
	"internet, and\nthat MX and address records are right."

static const struct row rows[FAULT_COUNT] = {
    [FAULT_OK] = {"ok", LAYER_NONE, NONE, NONE,
	"The gateway offers TLS with a certificate that every rule accepts.",
	ANSWER, REACH},
    [FAULT_WRONG_ISSUER] = {"wrong-issuer", LAYER_STRICT, NONE, NONE,
	"The certificate was issued by a CA other than the agreed one.",
	"Use a certificate of the agreed CA, or tell us the new one.", CHAIN},
    [FAULT_COMMON_NAME_MISMATCH] = {"common-name-mismatch", LAYER_STRICT, NONE,
	NONE,
	"The Common Name of the certificate is not the gateway's name, "
	"although its alternative names are.",
	SAY_NAME, NAME},
    [FAULT_INJECTED] = {"injected", LAYER_STRICT, NONE, NONE,
	"Plain text was slipped in behind the reply to STARTTLS; it was "
	"thrown away.",
	"Find out what adds plain text behind the reply to STARTTLS.", REACH},
    [FAULT_LOCAL_ERROR] = {"local-error", LAYER_NET, NONE, NONE,
	"The gateway was not judged because something on our side failed.",
	"Nothing: the fault is on our side, and we have to look again.", REACH},
    [FAULT_DNS_FAILED] = {"dns-failed", LAYER_NET, NONE, NONE,
	"The name servers of the domain or of its gateway give no usable "
	"answer.",
	CHECK_DNS, REACH},
    [FAULT_NO_MX] = {"no-mx", LAYER_NET, NONE, NONE,
	"The domain names no mail gateway that has an address, or says that "
	"it takes no mail.",
	CHECK_DNS, REACH},
    [FAULT_TLSA_FAILED] = {"tlsa-failed", LAYER_NET, ENCRYPT, ENCRYPT,
	"The name servers give no usable answer about the gateway's TLSA "
	"records, without which Postfix does not deliver.",
	CHECK_DNS, TLSA},
    [FAULT_CONNECT_FAILED] = {"connect-failed", LAYER_NET, NONE, NONE,
	"The gateway cannot be reached over the network.", ANSWER, REACH},
    [FAULT_CONNECT_REFUSED] = {"connect-refused", LAYER_NET, NONE, NONE,
	"The gateway refuses connections to its SMTP port.", ANSWER, REACH},
    [FAULT_CONNECT_TIMEOUT] = {"connect-timeout", LAYER_NET, NONE, NONE,
	"The gateway does not answer to a connection on its SMTP port.", ANSWER,
	REACH},
    [FAULT_GREETING_REFUSED] = {"greeting-refused", LAYER_NET, NONE, NONE,
	"The gateway greets us with an error and takes no mail.", ANSWER,
	REACH},
    [FAULT_TIMEOUT] = {"timeout", LAYER_NET, NONE, NONE,
	"The gateway took the connection and then fell silent.", ANSWER, REACH},
    [FAULT_CONNECTION_LOST] = {"connection-lost", LAYER_NET, NONE, NONE,
	"The gateway closed the connection before TLS could begin.", ANSWER,
	REACH},
    [FAULT_SMTP_ERROR] = {"smtp-error", LAYER_NET, NONE, NONE,
	"The gateway answers in a way that is not SMTP.", ANSWER, REACH},
    [FAULT_TOO_MUCH_DATA] = {"too-much-data", LAYER_NET, NONE, NONE,
	"The gateway sends more than an SMTP greeting or reply may hold.",
	ANSWER, REACH},
    [FAULT_CLIENT_CERTIFICATE] = {"client-certificate", LAYER_NET, NONE, NONE,
	"The gateway insists on a client certificate, which Postfix may have "
	"(smtp_tls_chain_files) and a probe has not.",
	"Do without a client certificate, or tell us whose you accept.", REACH},
    [FAULT_EXPIRED] = {"expired", LAYER_TLS, ENCRYPT, KEY,
	"The certificate, or one that it rests on, has expired.",
	"Renew the certificate.",
	"Renew the certificate, install it with its whole chain on every "
	"gateway,\nand restart or reload the mail server."},
    [FAULT_NOT_YET_VALID] = {"not-yet-valid", LAYER_TLS, ENCRYPT, KEY,
	"The certificate, or one that it rests on, is not valid yet.",
	"Check the dates of the certificate.",
	"Check the gateway's clock and the dates of the certificate; install "
	"one\nthat is valid now."},
    [FAULT_WEAK_SIGNATURE] = {"weak-signature", LAYER_TLS, ENCRYPT, KEY,
	"The certificate is signed with a digest that can be forged, such "
	"as SHA-1.",
	"Use a certificate that is signed with SHA-256.", ANEW},
    [FAULT_WRONG_PURPOSE] = {"wrong-purpose", LAYER_TLS, ENCRYPT, KEY,
	"The certificate is not issued for use by a server.",
	"Use a certificate whose extended key usage includes TLS server "
	"authentication.",
	"Have the certificate issued anew with the purpose \"server "
	"authentication\"."},
    [FAULT_NAME_MISMATCH] = {"name-mismatch", LAYER_TLS, ENCRYPT, KEY,
	"The certificate is issued to another name than the gateway's.",
	SAY_NAME, NAME},
    [FAULT_WEAK_KEY] = {"weak-key", LAYER_TLS, ENCRYPT, ENCRYPT,
	"A key of the certificate chain is too short to be trusted.",
	"Use RSA keys of 2048 bits or more, or EC keys.", ANEW},
    [FAULT_NO_TLSA] = {"no-tlsa", LAYER_TLS, ENCRYPT, KEY,
	"The gateway's DNS zone has no usable TLSA record signed by "
	"DNSSEC.",
	PUBLISH, TLSA},
    [FAULT_DANE_MISMATCH] = {"dane-mismatch", LAYER_TLS, ENCRYPT, KEY,
	"The certificate is not the one that the gateway's TLSA records "
	"announce.",
	PUBLISH, TLSA},
    [FAULT_KEY_CHANGED] = {"key-changed", LAYER_TLS, ENCRYPT, ENCRYPT,
	"The gateway shows another key than the pinned one.",
	"Tell us the digest of the new public key.",
	"If you have replaced the key, send us its new fingerprint by a way "
	"other\nthan mail; if not, find out who answers in your place."},
    [FAULT_UNTRUSTED_ISSUER] = {"untrusted-issuer", LAYER_TLS, ENCRYPT, KEY,
	"The certificate does not lead to a CA that is accepted for this "
	"partner.",
	"Use a certificate of a public CA and send all intermediate "
	"certificates with it, or tell us your CA.",
	CHAIN},
    [FAULT_SELF_SIGNED] = {"self-signed", LAYER_TLS, ENCRYPT, KEY,
	"The certificate is signed by its own key; no CA vouches for it.",
	"Use a certificate of a public CA, or tell us your CA.", CHAIN},
    [FAULT_NO_CERTIFICATE] = {"no-certificate", LAYER_TLS, ENCRYPT, ENCRYPT,
	"The gateway encrypts without showing a certificate.",
	"Give the gateway a certificate.", CHAIN},
    [FAULT_PROTOCOL_TOO_OLD] = {"protocol-too-old", LAYER_TLS, OPPORTUNISTIC,
	OPPORTUNISTIC,
	"The gateway speaks only TLS versions below the agreed one.",
	"Enable TLS 1.2 or 1.3.", ENABLE},
    [FAULT_HANDSHAKE_FAILED] = {"handshake-failed", LAYER_TLS, OPPORTUNISTIC,
	OPPORTUNISTIC,
	"The gateway accepts STARTTLS, but no TLS session comes about.",
	"Check protocols, ciphers and certificate of the TLS server.", ENABLE},
    [FAULT_STARTTLS_REFUSED] = {"starttls-refused", LAYER_TLS, OPPORTUNISTIC,
	OPPORTUNISTIC,
	"The gateway offers STARTTLS and then refuses the command.", SWITCH_ON,
	OFFER},
    [FAULT_NO_STARTTLS] = {"no-starttls", LAYER_TLS, OPPORTUNISTIC,
	OPPORTUNISTIC, "The gateway does not offer STARTTLS.", SWITCH_ON,
	OFFER},
};

const char *
fault_text(enum fault f)
{
	return rows[f].text;
}

json_t *
fault_json(enum fault f)
{
	return f == FAULT_OK ? json_null() : json_string(fault_text(f));
}

int
fault_parse(const char *s, enum fault *out)
{
	size_t i;

	for (i = 0; i < FAULT_COUNT; i++)
		if (strcmp(s, rows[i].text) == 0) {
			*out = (enum fault)i;
			return 0;
		}
	return -1;
}

const char *
fault_description(enum fault f)
{
	return rows[f].description;
}

const char *
fault_remedy(enum fault f)
{
	return rows[f].remedy;
}

const char *
fault_advice(enum fault f)
{
	return rows[f].advice;
}

enum fault
fault_worse(enum fault a, enum fault b)
{
	return a > b ? a : b;
}

bool
fault_is_tls(enum fault f)
{
	return rows[f].layer == LAYER_STRICT || rows[f].layer == LAYER_TLS;
}

bool
fault_stops_mail(enum fault f)
{
	return rows[f].layer == LAYER_NET || rows[f].layer == LAYER_TLS;
}

enum level
fault_smallest_step(enum fault f, bool same_key)
{
	return same_key ? rows[f].step_same_key : rows[f].step;
}
