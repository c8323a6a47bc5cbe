#include "dnstxt.h"

#include <string.h>

#include "quote.h"

#define BYTES_MAX 1024 /* of a record that are looked at */

/* The strings of a record, as one; their number of bytes. */
static size_t
joined(const char *data, int len, char out[BYTES_MAX])
{
	size_t n = 0, part, at = 0, size = len < 0 ? 0 : (size_t)len;

	while (at < size) {
		part = (unsigned char)data[at++];
		if (part > size - at || part > BYTES_MAX - n)
			break;
		memcpy(out + n, data + at, part);
		n += part;
		at += part;
	}
	return n;
}

size_t
dnstxt_find(char *const *data, const int *len, const char *version,
    char text[DNSTXT_MAX])
{
	size_t begin = strlen(version), n, found = 0, i;
	char bytes[BYTES_MAX];

	text[0] = '\0';
	for (i = 0; data[i] != NULL; i++) {
		n = joined(data[i], len[i], bytes);
		if (n < begin || memcmp(bytes, version, begin) != 0 ||
		    (n > begin && memchr("; \t", bytes[begin], 3) == NULL))
			continue;
		quote_show(text, DNSTXT_MAX, bytes, n);
		found++;
	}
	return found;
}
