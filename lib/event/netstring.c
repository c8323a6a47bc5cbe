#include "netstring.h"

#include <string.h>

#include "buf.h"

#define DIGITS 20 /* of the largest size_t */

enum netstring_status
netstring_take(const char *data, size_t len, size_t max, const char **payload,
    size_t *plen, size_t *used)
{
	size_t i, n = 0;

	for (i = 0; i < len && data[i] >= '0' && data[i] <= '9'; i++) {
		if (i > 0 && n == 0)
			return NETSTRING_BAD;
		n = n * 10 + (size_t)(data[i] - '0');
		if (n > max)
			return NETSTRING_BAD;
	}
	if (i == len)
		return NETSTRING_MORE;
	if (i == 0 || data[i] != ':')
		return NETSTRING_BAD;
	i++;
	if (len - i < n + 1)
		return NETSTRING_MORE;
	if (data[i + n] != ',')
		return NETSTRING_BAD;
	*payload = data + i;
	*plen = n;
	*used = i + n + 1;
	return NETSTRING_DONE;
}

void
netstring_put(struct buf *out, const char *word, size_t wlen, const char *text,
    size_t tlen)
{
	char digits[DIGITS + 1], *d = digits + sizeof(digits), *to;
	size_t n = wlen + tlen;

	*--d = ':';
	do {
		*--d = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	n = (size_t)(digits + sizeof(digits) - d);
	to = buf_room(out, n + wlen + tlen + 1);
	to = mempcpy(to, d, n);
	to = mempcpy(to, word, wlen);
	if (tlen > 0)
		to = mempcpy(to, text, tlen);
	*to++ = ',';
	*to = '\0';
	out->len = (size_t)(to - out->data);
}
