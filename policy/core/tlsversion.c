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

int
tls_version_floor(const char *protocols, size_t len)
{
	const char *end, *p, *next;
	unsigned without = 0;
	int v;

	if (len == 0)
		return -1;
	if (len > 2 && memcmp(protocols, ">=", 2) == 0)
		return tls_version_find(protocols + 2, len - 2);
	end = protocols + len;
	for (p = protocols; p < end; p = next + 1) {
		next = memchr(p, ':', (size_t)(end - p));
		if (next == NULL)
			next = end;
		if (*p == '!' &&
		    (v = tls_version_find(p + 1, (size_t)(next - p) - 1)) != -1)
			without |= 1u << v;
	}
	if (memchr(protocols, '!', len) == NULL)
		return -1;
	for (v = 0; v < TLS_VERSIONS && (without & (1u << v)) != 0; v++)
		;
	return v == TLS_VERSIONS ? -1 : v;
}
