#include "tlsversion.h"

#include <openssl/ssl.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	int number;
} versions[TLS_VERSIONS] = {
    [TLS_SSL_2] = {"SSLv2", SSL2_VERSION},
    [TLS_SSL_3] = {"SSLv3", SSL3_VERSION},
    [TLS_1_0] = {"TLSv1", TLS1_VERSION},
    [TLS_1_1] = {"TLSv1.1", TLS1_1_VERSION},
    [TLS_1_2] = {"TLSv1.2", TLS1_2_VERSION},
    [TLS_1_3] = {"TLSv1.3", TLS1_3_VERSION},
};

const char *
tls_version_name(enum tls_version v)
{
	return versions[v].name;
}

int
tls_version_number(enum tls_version v)
{
	return versions[v].number;
}

int
tls_version_find(const char *name, size_t len)
{
	int v;

	/* The newest is the one that comes most. */
	for (v = TLS_VERSIONS - 1; v >= 0; v--)
		if (strlen(versions[v].name) == len &&
		    strncasecmp(versions[v].name, name, len) == 0)
			break;
	return v;
}

bool
tls_version_range(const char *protocols, size_t len, enum tls_version *lowest,
    enum tls_version *highest)
{
	static const char separators[] = ": ,\t\r\n";
	const char *end = protocols + len, *p = protocols, *word;
	unsigned with = 0, without = 0, low = 0, high = TLS_VERSIONS - 1;
	char sign;
	int v;

	for (;; p = word) {
		while (p < end && strchr(separators, *p) != NULL)
			p++;
		if (p == end)
			break;
		for (word = p; word < end && strchr(separators, *word) == NULL;)
			word++;
		sign = *p;
		if (sign == '!')
			p++;
		else if (sign == '>' || sign == '<')
			p += word - p > 1 && p[1] == '=' ? 2 : 0;
		if ((v = tls_version_find(p, (size_t)(word - p))) == -1)
			return false;
		if (sign == '>')
			low = (unsigned)v;
		else if (sign == '<')
			high = (unsigned)v;
		else
			*(sign == '!' ? &without : &with) |= 1u << v;
	}
	if (with != 0)
		without |= ~with;
	for (; low < high && (without & (1u << low)) != 0; low++)
		;
	for (; high > low && (without & (1u << high)) != 0; high--)
		;
	*lowest = (enum tls_version)low;
	*highest = (enum tls_version)high;
	return low <= high && (without & (1u << low)) == 0;
}

int
tls_version_floor(const char *protocols, size_t len)
{
	enum tls_version lowest, highest;

	return len > 0 && tls_version_range(protocols, len, &lowest, &highest)
		   ? (int)lowest
		   : -1;
}

bool
tls_exchange_forward_secret(const char *exchange)
{
	return strncmp(exchange, "RSA", 3) != 0;
}

bool
tls_exchange_post_quantum(const char *exchange)
{
	return strcasestr(exchange, "MLKEM") != NULL ||
	       strcasestr(exchange, "KYBER") != NULL;
}
