#include "filewatch.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "mem.h"

#define WATCH (IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR)

int
filewatch_open(const char *path)
{
	char *copy = mem_dup(path);
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd != -1 && inotify_add_watch(fd, dirname(copy), WATCH) == -1) {
		close(fd);
		fd = -1;
	}
	free(copy);
	return fd;
}

bool
filewatch_read(int fd, const char *path)
{
	char bytes[8192] __attribute__((aligned(8)));
	const char *slash = strrchr(path, '/');
	const struct inotify_event *ev;
	bool ours = false;
	ssize_t n;
	char *p;

	if (slash != NULL)
		path = slash + 1;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		for (p = bytes; p < bytes + n; p += sizeof(*ev) + ev->len) {
			ev = (const struct inotify_event *)(const void *)p;
			ours = ours || (ev->mask & IN_Q_OVERFLOW) != 0 ||
			       (ev->len > 0 && strcmp(ev->name, path) == 0);
		}
	return ours;
}
