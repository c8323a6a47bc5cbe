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
author_unit(const char *cgroup, char out[AUTHOR_MAX])
{
	static const char suffix[] = ".service";
	const size_t n = sizeof(suffix) - 1;
	const char *part = cgroup, *end;
	char name[AUTHOR_MAX];

	out[0] = '\0';
	for (; *part != '\0'; part = end + (*end != '\0')) {
		end = part + strcspn(part, "/\n");
		if ((size_t)(end - part) <= n ||
		    memcmp(end - n, suffix, n) != 0)
			continue;
		(void)snprintf(name, sizeof(name), "%.*s",
		    (int)(end - part < AUTHOR_MAX ? end - part
						  : AUTHOR_MAX - 1),
		    part);
		take(out, name);
	}
}

/* Only what systemd itself started has an INVOCATION_ID (systemd.exec(5)). */
static void
get_unit(char out[AUTHOR_MAX])
{
	char text[4096];
	FILE *f;
	size_t n;

	if (getenv("INVOCATION_ID") == NULL ||
	    (f = fopen("/proc/self/cgroup", "re")) == NULL)
		return;
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	author_unit(text, out);
}

const char *
author_text(const struct author *a, char out[AUTHOR_TEXT])
{
	if (*a->unit != '\0')
		(void)snprintf(out, AUTHOR_TEXT, "%s", a->unit);
	else
		(void)snprintf(out, AUTHOR_TEXT, "%s%s%s", a->login,
		    *a->sudo_user == '\0' ? "" : " for ", a->sudo_user);
	return out;
}

void
author_get(struct author *a)
{
	const char *sudo = getenv("SUDO_USER");
	struct passwd pw, *found = NULL;
	char name[256], text[4096];

	*a = (struct author){0};
	get_unit(a->unit);
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
