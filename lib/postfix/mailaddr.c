#include "mailaddr.h"

#include <string.h>

static size_t
add(struct mailaddr_domain *v, size_t n, const char *from, const char *to)
{
	if (from == to)
		return n;
	v[n] = (struct mailaddr_domain){from, (size_t)(to - from)};
	return n + 1;
}

size_t
mailaddr_domains(
    const char *address, size_t len, struct mailaddr_domain v[MAILADDR_MAX])
{
	const char *end = address + len, *p;
	size_t n = 0;

	/* smtpd(8) strips one route, cleanup(8) the next. */
	while (address < end && *address == '@' &&
	       (p = memchr(address, ':', (size_t)(end - address))) != NULL &&
	       p + 1 < end)
		address = p + 1;
	len = (size_t)(end - address);
	if ((p = memrchr(address, '@', len)) != NULL)
		return add(v, 0, p + 1, end);
	if ((p = memchr(address, '!', len)) != NULL)
		n = add(v, n, address, p);
	if ((p = memrchr(address, '%', len)) != NULL)
		n = add(v, n, p + 1, end);
	return n;
}
