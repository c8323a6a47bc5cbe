#include "nexthop.h"

#include "num.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>

static bool
is_host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool
nexthop_is_host(const char *s)
{
	size_t label = 0, i;

	for (i = 0; s[i] != '\0'; i++) {
		if (i >= NEXTHOP_MAX_NAME)
			return false;
		if (s[i] == '.') {
			if (label == 0 || s[i - 1] == '-')
				return false;
			label = 0;
		} else if (!is_host_byte(s[i]) || (label == 0 && s[i] == '-') ||
			   ++label > 63)
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
	char text[NEXTHOP_MAX_NAME + 2];
	const char *end, *port;
	size_t len, i;

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
	for (i = 0; i <= len; i++)
		n->name[i] = text[i] >= 'A' && text[i] <= 'Z'
				 ? (char)(text[i] + ('a' - 'A'))
				 : text[i];
	return 0;
}
