#include "target.h"

#include <stddef.h>
#include <string.h>

#include "strength.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number of at most three digits; false if there is none at *s. */
static bool
number(const char **s, unsigned *n)
{
	const char *p = *s;

	for (*n = 0; is_digit(*p) && p - *s < 4; p++)
		*n = *n * 10 + (unsigned)(*p - '0');
	/* 3.07 is no way to write 3.7. */
	if (p == *s || *n > 999 || (**s == '0' && p - *s > 1))
		return false;
	*s = p;
	return true;
}

/* Behind the two numbers: nothing, ".11", "-20260821", ".0-RC1". */
static bool
is_rest(const char *s)
{
	unsigned unused;

	if (*s == '.' && (s++, !number(&s, &unused)))
		return false;
	if (*s != '-')
		return *s == '\0';
	for (s++; *s != '\0'; s++)
		if (!is_digit(*s) && *s != '-' && *s != '.' &&
		    ((*s | 0x20) < 'a' || (*s | 0x20) > 'z'))
			return false;
	return s[-1] != '-';
}

const char *
target_parse_version(const char *s, unsigned *version)
{
	unsigned major, minor;

	if (!number(&s, &major) || *s++ != '.' || !number(&s, &minor) ||
	    !is_rest(s))
		return "is not a Postfix version such as 3.7 or 3.7.11";
	*version = TARGET_VERSION(major, minor);
	if (*version < TARGET_OLDEST)
		return "is older than 2.11, the oldest Postfix that is "
		       "supported";
	return NULL;
}

void
target_take_level(struct target *t, const char *level)
{
	enum level unused;

	(void)strcpy(t->main_level, "?");
	if (level != NULL &&
	    (*level == '\0' ||
		(strlen(level) < sizeof(t->main_level) &&
		    strength_level(level, strlen(level), &unused))))
		(void)strcpy(t->main_level, level);
}
