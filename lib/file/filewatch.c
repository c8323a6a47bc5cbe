#include "filewatch.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "mem.h"

#define REPLACED (IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE)
#define FOLDER (REPLACED | IN_CREATE | IN_ONLYDIR)
#define INSIDE (IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF)

struct filewatch *
filewatch_new(const char *path)
{
	struct filewatch *w = mem_zero(1, sizeof(*w));
	char *copy = mem_dup(path);

	w->path = mem_dup(path);
	w->file = w->also = -1;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd != -1)
		(void)inotify_add_watch(w->fd, dirname(copy), FOLDER);
	free(copy);
	return w;
}

static void
watch(struct filewatch *w, int *wd, const char *path)
{
	int old = *wd;

	*wd = path == NULL ? -1 : inotify_add_watch(w->fd, path, INSIDE);
	/* The same file has the same number. */
	if (old != -1 && old != w->file && old != w->also)
		(void)inotify_rm_watch(w->fd, old);
}

void
filewatch_inside(struct filewatch *w, const char *also)
{
	if (w->fd == -1)
		return;
	watch(w, &w->file, w->path);
	watch(w, &w->also, also);
}

bool
filewatch_read(struct filewatch *w)
{
	char bytes[8192] __attribute__((aligned(8)));
	const char *slash = strrchr(w->path, '/');
	const char *name = slash == NULL ? w->path : slash + 1;
	const struct inotify_event *ev;
	bool ours = false;
	ssize_t n;
	char *p;

	while ((n = read(w->fd, bytes, sizeof(bytes))) > 0)
		for (p = bytes; p < bytes + n; p += sizeof(*ev) + ev->len) {
			ev = (const struct inotify_event *)(const void *)p;
			ours = ours || (ev->mask & IN_Q_OVERFLOW) != 0 ||
			       ((ev->mask & REPLACED) != 0 && ev->len > 0 &&
				   strcmp(ev->name, name) == 0);
		}
	return ours;
}

void
filewatch_free(struct filewatch *w)
{
	if (w == NULL)
		return;
	if (w->fd != -1)
		(void)close(w->fd);
	free(w->path);
	free(w);
}
