#include "author.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
take(char *out, const char *name)
{
	char *p;

	(void)snprintf(out, AUTHOR_MAX, "%.*s", AUTHOR_MAX - 1, name);
	for (p = out; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';
}

void
author_get(struct author *a)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw;
	char name[256];

	*a = (struct author){0};
	if (sudo != NULL)
		take(a->sudo_user, sudo);
	if (getlogin_r(name, sizeof(name)) == 0 && *name != '\0') {
		take(a->login, name);
		return;
	}
	pw = getpwuid(getuid());
	if (pw != NULL)
		take(a->login, pw->pw_name);
	else
		(void)snprintf(
		    a->login, sizeof(a->login), "uid %ld", (long)getuid());
}
