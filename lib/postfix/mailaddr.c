#include "mailaddr.h"

static size_t
add(struct span *v, size_t n, const char *from, const char *to)
{
	if (from == to)
		return n;
	v[n] = (struct span){from, (size_t)(to - from)};
	return n + 1;
}

size_t
mailaddr_domains(struct span a, struct span v[MAILADDR_MAX])
{
	const char *end = a.p + a.n, *p;
	size_t n = 0, colon;

	/* smtpd(8) strips one route, cleanup(8) the next. */
	while (span_begins(a, "@") && (colon = span_chr(a, ':') + 1) < a.n)
		a = span_skip(a, colon);
	if ((p = memrchr(a.p, '@', a.n)) != NULL)
		return add(v, 0, p + 1, end);
	if ((p = memchr(a.p, '!', a.n)) != NULL)
		n = add(v, n, a.p, p);
	if ((p = memrchr(a.p, '%', a.n)) != NULL)
		n = add(v, n, p + 1, end);
	return n;
}
