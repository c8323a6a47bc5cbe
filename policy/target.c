#include "target.h"

#include <stddef.h>

const char *
target_parse_version(const char *s, unsigned *version)
{
	unsigned part[2] = {0, 0};
	int i;

	for (i = 0; i < 2; i++) {
		if (*s < '0' || *s > '9')
			return "is not a Postfix version such as 3.7 or 3.7.11";
		for (; *s >= '0' && *s <= '9'; s++) {
			part[i] = part[i] * 10 + (unsigned)(*s - '0');
			if (part[i] > 999)
				return "is not a Postfix version";
		}
		if (i == 0 && *s++ != '.')
			return "is not a Postfix version such as 3.7 or 3.7.11";
	}
	if (*s != '\0' && *s != '.' && *s != '-')
		return "is not a Postfix version such as 3.7 or 3.7.11";
	*version = TARGET_VERSION(part[0], part[1]);
	if (*version < TARGET_OLDEST)
		return "is older than 2.11, the oldest Postfix that is "
		       "supported";
	return NULL;
}

bool
target_has_floor(const struct target *t)
{
	return t->version >= TARGET_VERSION(3, 6);
}

bool
target_has_tls13(const struct target *t)
{
	return t->version >= TARGET_VERSION(3, 4);
}
