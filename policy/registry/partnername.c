#include "partnername.h"

#include <stddef.h>

/* What a name may hold: anywhere, and only behind its first byte. */
#define IN_NAME 1
#define INSIDE_NAME 2

static const unsigned char name_byte[256] = {['a' ... 'z'] = IN_NAME,
    ['A' ... 'Z'] = IN_NAME,
    ['0' ... '9'] = IN_NAME,
    ['.'] = INSIDE_NAME,
    ['_'] = INSIDE_NAME,
    ['-'] = INSIDE_NAME};

const char *
partnername_bad(const char *name)
{
	const unsigned char *p = (const unsigned char *)name;

	if (name_byte[*p] == IN_NAME)
		while (name_byte[*p] != 0)
			p++;
	if (*p != '\0')
		return "a name is letters, digits, '.', '_' and '-', "
		       "and begins with a letter or digit";
	return (const char *)p - name > REGISTRY_NAME_MAX
		   ? "is longer than 63 bytes"
		   : NULL;
}
