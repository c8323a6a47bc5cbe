#include "logwatch.h"

#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"

#define GATHER_NS 10000000 /* a writer writes more than one line */

struct logwatch {
	char *path;
	int fd; /* -1: no inotify */
	int file, also;
};

struct logwatch *
logwatch_new(const char *path)
{
	struct logwatch *w = mem_zero(1, sizeof(*w));
	char *copy = mem_dup(path);

	w->path = mem_dup(path);
	w->file = w->also = -1;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd != -1)
		(void)inotify_add_watch(
		    w->fd, dirname(copy), IN_CREATE | IN_MOVED_TO);
	free(copy);
	logwatch_again(w, NULL);
	return w;
}

static void
watch(struct logwatch *w, int *wd, const char *path)
{
	int old = *wd;

	*wd = path == NULL ? -1
			   : inotify_add_watch(w->fd, path,
				 IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF);
	/* The same file has the same number. */
	if (old != -1 && old != w->file && old != w->also)
		(void)inotify_rm_watch(w->fd, old);
}

void
logwatch_again(struct logwatch *w, const char *also)
{
	if (w->fd == -1)
		return;
	watch(w, &w->file, w->path);
	watch(w, &w->also, also);
}

void
logwatch_wait(struct logwatch *w, int timeout_ms)
{
	const struct timespec gather = {.tv_nsec = GATHER_NS};
	struct pollfd p = {.fd = w->fd, .events = POLLIN};
	char events[4096];

	/* poll(2) ignores -1, and is then a sleep. */
	if (poll(&p, 1, timeout_ms) != 1)
		return;
	(void)nanosleep(&gather, NULL);
	while (read(w->fd, events, sizeof(events)) > 0)
		;
}

void
logwatch_free(struct logwatch *w)
{
	if (w == NULL)
		return;
	if (w->fd != -1)
		(void)close(w->fd);
	free(w->path);
	free(w);
}
