#include "fault.h"

#include <string.h>

/* Where a fault lies, which decides what may be done about it. */
enum layer { LAYER_NONE, LAYER_STRICT, LAYER_NET, LAYER_TLS };

struct row {
	const char *text;
	enum layer layer;
	enum level step;	  /* with another key */
	enum level step_same_key; /* with the key that passed last */
	const char *description;
};

#define NONE LEVEL_SECURE
#define KEY LEVEL_KEY
#define ENCRYPT LEVEL_ENCRYPT
#define OPPORTUNISTIC LEVEL_OPPORTUNISTIC

static const struct row rows[FAULT_COUNT] = {
    [FAULT_OK] = {"ok", LAYER_NONE, NONE, NONE,
	"The gateway offers TLS with a certificate that every rule accepts."},
    [FAULT_WRONG_ISSUER] = {"wrong-issuer", LAYER_STRICT, NONE, NONE,
	"The certificate was issued by a CA other than the agreed one."},
    [FAULT_COMMON_NAME_MISMATCH] = {"common-name-mismatch", LAYER_STRICT, NONE,
	NONE,
	"The Common Name of the certificate is not the gateway's name, "
	"although its alternative names are."},
    [FAULT_INJECTED] = {"injected", LAYER_STRICT, NONE, NONE,
	"Plain text was slipped in behind the reply to STARTTLS; it was "
	"thrown away."},
    [FAULT_LOCAL_ERROR] = {"local-error", LAYER_NET, NONE, NONE,
	"The gateway was not judged because something on our side failed."},
    [FAULT_DNS_FAILED] = {"dns-failed", LAYER_NET, NONE, NONE,
	"The name servers of the domain or of its gateway give no usable "
	"answer."},
    [FAULT_NO_MX] = {"no-mx", LAYER_NET, NONE, NONE,
	"The domain names no mail gateway, or says that it takes no mail."},
    [FAULT_CONNECT_FAILED] = {"connect-failed", LAYER_NET, NONE, NONE,
	"The gateway cannot be reached over the network."},
    [FAULT_CONNECT_REFUSED] = {"connect-refused", LAYER_NET, NONE, NONE,
	"The gateway refuses connections to its SMTP port."},
    [FAULT_CONNECT_TIMEOUT] = {"connect-timeout", LAYER_NET, NONE, NONE,
	"The gateway does not answer to a connection on its SMTP port."},
    [FAULT_GREETING_REFUSED] = {"greeting-refused", LAYER_NET, NONE, NONE,
	"The gateway greets us with an error and takes no mail."},
    [FAULT_TIMEOUT] = {"timeout", LAYER_NET, NONE, NONE,
	"The gateway took the connection and then fell silent."},
    [FAULT_CONNECTION_LOST] = {"connection-lost", LAYER_NET, NONE, NONE,
	"The gateway closed the connection before TLS could begin."},
    [FAULT_SMTP_ERROR] = {"smtp-error", LAYER_NET, NONE, NONE,
	"The gateway answers in a way that is not SMTP."},
    [FAULT_TOO_MUCH_DATA] = {"too-much-data", LAYER_NET, NONE, NONE,
	"The gateway sends more than an SMTP greeting or reply may hold."},
    [FAULT_EXPIRED] = {"expired", LAYER_TLS, ENCRYPT, KEY,
	"The certificate, or one that it rests on, has expired."},
    [FAULT_NOT_YET_VALID] = {"not-yet-valid", LAYER_TLS, ENCRYPT, KEY,
	"The certificate, or one that it rests on, is not valid yet."},
    [FAULT_WEAK_SIGNATURE] = {"weak-signature", LAYER_TLS, ENCRYPT, KEY,
	"The certificate is signed with a digest that can be forged, such "
	"as SHA-1."},
    [FAULT_WRONG_PURPOSE] = {"wrong-purpose", LAYER_TLS, ENCRYPT, KEY,
	"The certificate is not issued for use by a server."},
    [FAULT_NAME_MISMATCH] = {"name-mismatch", LAYER_TLS, ENCRYPT, KEY,
	"The certificate is issued to another name than the gateway's."},
    [FAULT_WEAK_KEY] = {"weak-key", LAYER_TLS, ENCRYPT, ENCRYPT,
	"A key of the certificate chain is too short to be trusted."},
    [FAULT_NO_TLSA] = {"no-tlsa", LAYER_TLS, ENCRYPT, KEY,
	"The gateway's DNS zone has no usable TLSA record signed by "
	"DNSSEC."},
    [FAULT_DANE_MISMATCH] = {"dane-mismatch", LAYER_TLS, ENCRYPT, KEY,
	"The certificate is not the one that the gateway's TLSA records "
	"announce."},
    [FAULT_KEY_CHANGED] = {"key-changed", LAYER_TLS, ENCRYPT, ENCRYPT,
	"The gateway shows another key than the pinned one."},
    [FAULT_UNTRUSTED_ISSUER] = {"untrusted-issuer", LAYER_TLS, ENCRYPT, KEY,
	"The certificate does not lead to a CA that is accepted for this "
	"partner."},
    [FAULT_SELF_SIGNED] = {"self-signed", LAYER_TLS, ENCRYPT, KEY,
	"The certificate is signed by its own key; no CA vouches for it."},
    [FAULT_NO_CERTIFICATE] = {"no-certificate", LAYER_TLS, ENCRYPT, ENCRYPT,
	"The gateway encrypts without showing a certificate."},
    [FAULT_PROTOCOL_TOO_OLD] = {"protocol-too-old", LAYER_TLS, OPPORTUNISTIC,
	OPPORTUNISTIC,
	"The gateway speaks only TLS versions below the agreed one."},
    [FAULT_HANDSHAKE_FAILED] = {"handshake-failed", LAYER_TLS, OPPORTUNISTIC,
	OPPORTUNISTIC,
	"The gateway accepts STARTTLS, but no TLS session comes about."},
    [FAULT_STARTTLS_REFUSED] = {"starttls-refused", LAYER_TLS, OPPORTUNISTIC,
	OPPORTUNISTIC,
	"The gateway offers STARTTLS and then refuses the command."},
    [FAULT_NO_STARTTLS] = {"no-starttls", LAYER_TLS, OPPORTUNISTIC,
	OPPORTUNISTIC, "The gateway does not offer STARTTLS."},
};

const char *
fault_text(enum fault f)
{
	return rows[f].text;
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
