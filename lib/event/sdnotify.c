#include "sdnotify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "num.h"

void
sdnotify(const char *fmt, ...)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	char text[1024];
	size_t n;
	va_list ap;
	int fd, len;

	if (path == NULL || (*path != '/' && *path != '@') ||
	    (n = strlen(path)) >= sizeof(to.sun_path))
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(text))
		return;
	memcpy(to.sun_path, path, n);
	if (*path == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	(void)sendto(fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT,
	    (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

uint64_t
sdnotify_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid;
	uint64_t v, me;

	if (usec == NULL || num_parse(usec, 1, UINT64_MAX / 2, &v) == -1)
		return 0;
	pid = getenv("WATCHDOG_PID");
	if (pid != NULL &&
	    (num_parse(pid, 1, INT32_MAX, &me) == -1 || (pid_t)me != getpid()))
		return 0;
	return v < 2000000 ? 1 : v / 2000000;
}
