#include "owned.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "quote.h"

#define LINKS_MAX 40 /* as the kernel follows */

/* --- Who we are --------------------------------------------------------- */

/* Who became somebody else, and who that was. */
static const struct owned *inside;
static gid_t *groups, group;
static int ngroups;

static int
enter_failed(const struct owned *o, struct err *e)
{
	int rv = err_sys(e, EX_NOPERM,
	    "cannot write %s as user %ld, whose folder it is",
	    quotes(o->path == NULL ? "" : o->path).s, (long)o->uid);

	owned_leave(o);
	return rv;
}

int
owned_enter(const struct owned *o, struct err *e)
{
	if (o->uid == 0 || inside != NULL || geteuid() != 0)
		return 0;
	ngroups = getgroups(0, NULL);
	groups =
	    mem_zero((size_t)(ngroups < 0 ? 0 : ngroups) + 1, sizeof(*groups));
	ngroups = getgroups(ngroups < 0 ? 0 : ngroups, groups);
	group = getegid();
	inside = o;
	if (ngroups == -1 || setgroups(1, &o->gid) == -1 ||
	    setegid(o->gid) == -1 || seteuid(o->uid) == -1)
		return enter_failed(o, e);
	return 0;
}

void
owned_leave(const struct owned *o)
{
	int saved = errno;

	if (inside != o)
		return;
	/* Whoever cannot go back would go on as somebody else. */
	if ((geteuid() != 0 && seteuid(0) == -1) || setegid(group) == -1 ||
	    (ngroups >= 0 && setgroups((size_t)ngroups, groups) == -1))
		abort();
	free(groups);
	groups = NULL;
	inside = NULL;
	errno = saved;
}

int
owned_become(const struct owned *o, struct err *e)
{
	if (o->uid == 0 || geteuid() != 0)
		return 0;
	if (setgroups(1, &o->gid) == -1 || setgid(o->gid) == -1 ||
	    setuid(o->uid) == -1)
		return err_sys(
		    e, EX_NOPERM, "cannot become user %ld", (long)o->uid);
	return 0;
}

/* --- The way to a folder ------------------------------------------------ */

struct walk {
	struct owned *o;
	char *rest;   /* what is still to go */
	char *so_far; /* the folder, without links */
	unsigned links;
	bool follow; /* the last name, too */
};

/* From root's folders on, what is another's decides who we are. */
static int
meet(struct owned *o, const struct stat *st, struct err *e)
{
	if (o->uid != 0 || st->st_uid == 0 || geteuid() != 0)
		return 0;
	o->uid = st->st_uid;
	o->gid = st->st_gid;
	return owned_enter(o, e);
}

/* fd is the folder that the walk is in now. */
static int
step_into(struct walk *w, int fd, const char *name, struct err *e)
{
	struct stat st;
	char *text, *slash;

	close(w->o->dir);
	w->o->dir = fd;
	if (fstat(fd, &st) == -1)
		return -1;
	if (strcmp(name, "..") == 0) {
		if ((slash = strrchr(w->so_far, '/')) != NULL)
			*slash = '\0';
	} else if (strcmp(name, ".") != 0) {
		text = mem_printf("%s/%s", w->so_far, name);
		free(w->so_far);
		w->so_far = text;
	}
	return meet(w->o, &st, e);
}

static int
go_to_start(struct walk *w, const char *path, struct err *e)
{
	char cwd[PATH_MAX];
	struct stat st;

	if (w->o->dir != -1 && *path != '/')
		return 0;
	if (w->o->dir != -1)
		close(w->o->dir);
	free(w->so_far);
	w->so_far = mem_dup("");
	w->o->dir = open(*path == '/' ? "/" : ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_PATH);
	if (w->o->dir == -1 || fstat(w->o->dir, &st) == -1)
		return -1;
	if (*path != '/' && getcwd(cwd, sizeof(cwd)) != NULL) {
		free(w->so_far);
		w->so_far = mem_dup(strcmp(cwd, "/") == 0 ? "" : cwd);
	}
	return meet(w->o, &st, e);
}

/* Put the target of the link open at fd in front of what is to go. */
static int
follow_link(struct walk *w, int fd, struct err *e)
{
	char target[PATH_MAX], *rest;
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);

	if (n <= 0 || ++w->links > LINKS_MAX) {
		errno = n == -1 ? errno : ELOOP;
		return -1;
	}
	target[n] = '\0';
	rest = mem_printf("%s/%s", target, w->rest);
	/* The last name may be followed by nothing. */
	if (*w->rest == '\0')
		rest[strlen(rest) - 1] = '\0';
	free(w->rest);
	w->rest = rest;
	return go_to_start(w, rest, e);
}

/* Take the next name from the way; false if it is the last one. */
static bool
next_name(struct walk *w, char name[NAME_MAX + 1], bool *fits)
{
	char *s = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(s, "/");
	bool more = s[n] == '/';

	*fits = n > 0 && n <= NAME_MAX;
	if (*fits) {
		memcpy(name, s, n);
		name[n] = '\0';
	}
	memmove(w->rest, s + n, strlen(s + n) + 1);
	return more && w->rest[strspn(w->rest, "/")] != '\0';
}

/* One name of the way. 1: go on; 0: that was the file; -1, with errno. */
static int
step(struct walk *w, struct err *e)
{
	char name[NAME_MAX + 1];
	bool fits, last = !next_name(w, name, &fits);
	struct stat st;
	int fd, rv;

	if (!fits) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = openat(w->o->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && !(last && errno == ENOENT))
		return -1;
	if (fd != -1 && fstat(fd, &st) == -1)
		goto fail;
	if (fd != -1 && S_ISLNK(st.st_mode) && (!last || w->follow)) {
		w->o->linked |= last;
		if (last)
			*w->rest = '\0';
		rv = meet(w->o, &st, e) == -1 ? -1 : follow_link(w, fd, e);
		close(fd);
		return rv == -1 ? -1 : 1;
	}
	if (last) {
		if (fd != -1)
			close(fd);
		w->o->name = mem_dup(name);
		w->o->path = mem_printf("%s/%s", w->so_far, name);
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return step_into(w, fd, name, e) == -1 ? -1 : 1;
	errno = ENOTDIR;
fail:
	close(fd);
	return -1;
}

int
owned_find(struct owned *o, const char *path, bool follow, struct err *e)
{
	struct walk w = {.o = o, .rest = mem_dup(path), .follow = follow};
	int rv, fd;

	*o = (struct owned){.dir = -1};
	e->code = 0;
	rv = go_to_start(&w, path, e);
	while (rv != -1 && (rv = step(&w, e)) == 1)
		;
	/* One that fsync(2) and fchdir(2) take; it may only be entered. */
	if (rv == 0 && (fd = openat(o->dir, ".",
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) != -1) {
		close(o->dir);
		o->dir = fd;
	}
	if (rv == -1 && e->code == 0)
		(void)err_sys(e, err_code_output(errno), "cannot write %s",
		    quotes(path).s);
	owned_leave(o);
	if (rv == 0 && !o->linked) {
		free(o->path);
		o->path = mem_dup(path);
	}
	free(w.rest);
	free(w.so_far);
	/* errno is still that of the failure: free(3) keeps it. */
	if (rv == -1)
		owned_release(o);
	return rv;
}

void
owned_release(struct owned *o)
{
	int saved = errno;

	if (o->name != NULL || o->dir > 0)
		close(o->dir);
	free(o->name);
	free(o->path);
	*o = (struct owned){.dir = -1};
	errno = saved;
}

int
owned_lock_file(const struct owned *o, const char *suffix, struct err *e)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	char *name = mem_printf("%s%s", o->name, suffix);
	int fd = -1;

	if (owned_enter(o, e) == 0) {
		/* Whatever the umask; who has no chmod(2) is well, too. */
		fd = openat(o->dir, name, flags | O_EXCL, 0600);
		if (fd != -1)
			(void)!fchmod(fd, 0600);
		else if (errno == EEXIST)
			fd = openat(o->dir, name, flags, 0600);
		if (fd == -1) {
			free(name);
			name = mem_printf("%s%s", o->path, suffix);
			(void)err_sys(e, err_code_output(errno),
			    "cannot open %s", quotes(name).s);
		}
		owned_leave(o);
	}
	free(name);
	return fd;
}
