#include "level.h"

#include <string.h>

static const char *const names[] = {
    [LEVEL_OPPORTUNISTIC] = "opportunistic",
    [LEVEL_ENCRYPT] = "encrypt",
    [LEVEL_KEY] = "key",
    [LEVEL_SECURE] = "secure",
};

const char *
level_name(enum level level)
{
	return names[level];
}

int
level_parse(const char *name, enum level *out)
{
	unsigned i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum level)i;
			return 0;
		}
	return -1;
}
