#include "level.h"

#include <string.h>
#include <strings.h>

/* Weakest first. */
static const struct {
	const char *postfix; /* smtp_tls_security_level and policy tables */
	enum level level;
	const char *name; /* ours; NULL: it has none of its own */
} levels[] = {
    {"none", LEVEL_OPPORTUNISTIC, NULL},
    {"may", LEVEL_OPPORTUNISTIC, "opportunistic"},
    {"dane", LEVEL_OPPORTUNISTIC, NULL}, {"encrypt", LEVEL_ENCRYPT, "encrypt"},
    {"fingerprint", LEVEL_KEY, "key"}, {"verify", LEVEL_SECURE, NULL},
    {"secure", LEVEL_SECURE, "secure"},
    {"dane-only", LEVEL_SECURE, NULL}, /* as strong as secure */
};

#define NLEVELS (int)(sizeof(levels) / sizeof(levels[0]))

const char *
level_name(enum level level)
{
	int i = 0;

	while (levels[i].level != level || levels[i].name == NULL)
		i++;
	return levels[i].name;
}

int
level_parse(const char *name, enum level *out)
{
	int i;

	for (i = 0; i < NLEVELS; i++)
		if (levels[i].name != NULL &&
		    strcmp(levels[i].name, name) == 0) {
			*out = levels[i].level;
			return 0;
		}
	return -1;
}

int
level_of_postfix(const char *word, size_t len, enum level *out)
{
	int i;

	for (i = 0; i < NLEVELS; i++)
		if (len > 0 && (*word | 0x20) == *levels[i].postfix &&
		    strncasecmp(levels[i].postfix, word, len) == 0 &&
		    levels[i].postfix[len] == '\0') {
			if (out != NULL)
				*out = levels[i].level;
			return i == NLEVELS - 1 ? i - 1 : i;
		}
	return -1;
}
