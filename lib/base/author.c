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
	struct passwd pw, *found = NULL;
	char name[256], text[4096];

	*a = (struct author){0};
	if (sudo != NULL)
		take(a->sudo_user, sudo);
	if (getlogin_r(name, sizeof(name)) == 0 && *name != '\0') {
		take(a->login, name);
		return;
	}
	if (getpwuid_r(getuid(), &pw, text, sizeof(text), &found) == 0 &&
	    found != NULL)
		take(a->login, pw.pw_name);
	else
		(void)snprintf(
		    a->login, sizeof(a->login), "uid %ld", (long)getuid());
}
