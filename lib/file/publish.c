#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "owned.h"
#include "quote.h"

#define POLL_MS 20 /* between two tries for the lock */

struct publish {
	struct owned at;
	char *name; /* of the temporary file in the folder */
	char *temp; /* the same as a path, for messages */
	int lock_fd;
	int fd;
	struct doomed *doomed; /* NULL: nothing is to be removed */
};

/* What the signal handler removes: temporary files, one of each writer. */
static struct doomed {
	int dir;
	char name[NAME_MAX + 1];
	volatile sig_atomic_t set;
} doomed[2];

#define NDOOMED (sizeof(doomed) / sizeof(doomed[0]))

static void
on_signal(int sig)
{
	size_t i;

	for (i = 0; i < NDOOMED; i++)
		if (doomed[i].set)
			(void)unlinkat(doomed[i].dir, doomed[i].name, 0);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void
catch_signals(void)
{
	static const int sigs[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE,
	    SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU};
	struct sigaction sa = {.sa_handler = on_signal}, old;
	size_t i;

	sigemptyset(&sa.sa_mask);
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (sigaction(sigs[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_DFL)
			(void)sigaction(sigs[i], &sa, NULL);
	/* A file size limit is to be an error of write(2), not the end. */
	(void)signal(SIGXFSZ, SIG_IGN);
}

/* The lock file stays. */
static int
take_lock(struct publish *p, int wait_ms, struct err *e)
{
	struct timespec nap = {.tv_nsec = POLL_MS * 1000000L};
	int rv;

	p->lock_fd = owned_lock_file(&p->at, ".lock", e);
	if (p->lock_fd == -1)
		return -1;
	while ((rv = flock(p->lock_fd, LOCK_EX | LOCK_NB)) == -1 &&
	       (errno == EWOULDBLOCK || errno == EINTR) && wait_ms > 0) {
		(void)nanosleep(&nap, NULL);
		wait_ms -= POLL_MS;
	}
	if (rv == -1 && errno == EWOULDBLOCK)
		err_set(e, EX_TEMPFAIL,
		    "%s is being written by another process; try again",
		    quotes(p->at.path).s);
	else if (rv == -1)
		err_sys(e, EX_OSERR, "cannot lock %s", quotes(p->at.path).s);
	return rv;
}

/*
 * Only a file is replaced: a link to /dev/null would have root put a file in
 * its place, and the target of a link that dangles may be meant to come.
 */
static int
check_place(const struct owned *at, const char *path, struct err *e)
{
	struct stat st;

	if (fstatat(at->dir, at->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode))
			return 0;
		return err_set(e, EX_CANTCREAT, "%s is not a regular file",
		    quotes(path).s);
	}
	if (errno == ENOENT && at->linked)
		return err_set(e, EX_CANTCREAT,
		    "%s is a symbolic link to a file that does not exist; "
		    "create that one empty, or remove the link",
		    quotes(path).s);
	return 0;
}

struct publish *
publish_lock(const char *path, int wait_ms, struct err *e)
{
	struct publish *p = mem_zero(1, sizeof(*p));
	int rv;

	p->fd = p->lock_fd = -1;
	if (owned_find(&p->at, path, true, e) == -1 ||
	    owned_enter(&p->at, e) == -1)
		goto fail;
	p->name = mem_printf("%s.tmp", p->at.name);
	p->temp = mem_printf("%s.tmp", p->at.path);
	rv = check_place(&p->at, path, e);
	owned_leave(&p->at);
	if (rv == 0 && strlen(p->name) >= sizeof(doomed[0].name)) {
		errno = ENAMETOOLONG;
		rv =
		    err_sys(e, EX_CANTCREAT, "cannot write %s", quotes(path).s);
	}
	if (rv == 0 && take_lock(p, wait_ms, e) == 0)
		return p;
fail:
	publish_free(p);
	return NULL;
}

/* One more than there is room for is left to the next writer. */
static void
doom(struct publish *p)
{
	size_t i;

	for (i = 0; i < NDOOMED && doomed[i].set; i++)
		;
	if (i == NDOOMED)
		return;
	p->doomed = &doomed[i];
	(void)strcpy(p->doomed->name, p->name);
	p->doomed->dir = p->at.dir;
	p->doomed->set = 1;
}

static void
spare(struct publish *p)
{
	if (p->doomed != NULL)
		p->doomed->set = 0;
	p->doomed = NULL;
}

int
publish_open(struct publish *p, struct err *e)
{
	if (owned_enter(&p->at, e) == -1)
		return -1;
	/* Under the lock, a temporary file is a dead writer's. */
	(void)unlinkat(p->at.dir, p->name, 0);
	spare(p);
	doom(p);
	catch_signals();
	p->fd = openat(p->at.dir, p->name,
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	owned_leave(&p->at);
	if (p->fd == -1)
		err_sys(e, err_code_output(errno), "cannot create %s",
		    quotes(p->temp).s);
	return p->fd;
}

const char *
publish_temp(const struct publish *p)
{
	return p->temp;
}

/* Mode, within most, and owner of the old file, where we may give them. */
static int
take_after(struct publish *p, mode_t most, struct err *e)
{
	mode_t mode = PUBLISH_MODE & most;
	struct stat old;

	if (fstatat(p->at.dir, p->at.name, &old, AT_SYMLINK_NOFOLLOW) == 0) {
		mode &= old.st_mode;
		/* Not root: the file stays ours, as with any rename. */
		if ((old.st_uid != geteuid() || old.st_gid != getegid()) &&
		    fchown(p->fd, old.st_uid, old.st_gid) == -1 &&
		    errno != EPERM)
			return err_sys(e, EX_CANTCREAT,
			    "cannot set the owner of %s", quotes(p->temp).s);
	}
	if (fchmod(p->fd, mode) == 0 && fsync(p->fd) == 0)
		return 0;
	return err_sys(
	    e, err_code_output(errno), "cannot write %s", quotes(p->temp).s);
}

/* Rename, and have it on disk; both are names in the folder. */
static int
put_in_place(struct publish *p, const char *from, const char *to, struct err *e)
{
	if (renameat(p->at.dir, from, p->at.dir, to) == -1)
		return err_sys(e, err_code_output(errno),
		    "cannot rename %s over %s beside %s", quotes(from).s,
		    quotes(to).s, quotes(p->at.path).s);
	/* Some file systems cannot sync a directory, and say so. */
	if (fsync(p->at.dir) == -1 && errno != EINVAL && errno != ENOTSUP)
		return err_sys(e, EX_IOERR,
		    "%s is in place, but cannot sync its directory",
		    quotes(to).s);
	return 0;
}

static int
commit_to(struct publish *p, const char *name, mode_t most, struct err *e)
{
	int rc;

	if (take_after(p, most, e) == -1)
		return -1;
	rc = close(p->fd);
	p->fd = -1;
	if (rc == -1)
		return err_sys(e, err_code_output(errno), "cannot write %s",
		    quotes(p->temp).s);
	rc = put_in_place(p, p->name, name, e);
	if (rc == 0 || faccessat(p->at.dir, p->name, F_OK, AT_EACCESS) == -1)
		spare(p);
	return rc;
}

/* The same as the owner of the folder. */
static int
commit(struct publish *p, const char *name, mode_t most, struct err *e)
{
	int rv = owned_enter(&p->at, e);

	if (rv == 0) {
		rv = commit_to(p, name, most, e);
		owned_leave(&p->at);
	}
	return rv;
}

int
publish_commit(struct publish *p, struct err *e)
{
	return commit(p, p->at.name, PUBLISH_MODE, e);
}

int
publish_commit_beside(
    struct publish *p, const char *suffix, mode_t most, struct err *e)
{
	char *name = mem_printf("%s%s", p->at.name, suffix);
	int rv = commit(p, name, most, e);

	free(name);
	return rv;
}

int
publish_take_beside(struct publish *p, const char *suffix, struct err *e)
{
	char *name = mem_printf("%s%s", p->at.name, suffix);
	int rv = owned_enter(&p->at, e);

	if (rv == 0) {
		rv = put_in_place(p, name, p->at.name, e);
		owned_leave(&p->at);
	}
	free(name);
	return rv;
}

bool
publish_link_beside(struct publish *p, const char *suffix, const char *another)
{
	char *name = mem_printf("%s%s", p->at.name, suffix);
	char *to = mem_printf("%s%s", p->at.name, another);
	bool done = false;
	struct err e;

	/* What is at `to` goes only for something else. */
	if (owned_enter(&p->at, &e) == 0 &&
	    faccessat(p->at.dir, name, F_OK, AT_EACCESS) == 0) {
		(void)unlinkat(p->at.dir, to, 0);
		done = linkat(p->at.dir, name, p->at.dir, to, 0) == 0;
	}
	if (done)
		(void)utimensat(p->at.dir, to, NULL, AT_SYMLINK_NOFOLLOW);
	owned_leave(&p->at);
	free(to);
	free(name);
	return done;
}

void
publish_rename_beside(
    struct publish *p, const char *suffix, const char *another)
{
	char *name = mem_printf("%s%s", p->at.name, suffix);
	char *to = mem_printf("%s%s", p->at.name, another);
	struct err e;

	if (owned_enter(&p->at, &e) == 0)
		(void)renameat(p->at.dir, name, p->at.dir, to);
	owned_leave(&p->at);
	free(to);
	free(name);
}

void
publish_remove_beside(struct publish *p, const char *suffix)
{
	char *name = mem_printf("%s%s", p->at.name, suffix);
	struct err e;

	if (owned_enter(&p->at, &e) == 0)
		(void)unlinkat(p->at.dir, name, 0);
	owned_leave(&p->at);
	free(name);
}

void
publish_abandon(struct publish *p)
{
	struct err e;

	if (p->fd != -1)
		close(p->fd);
	p->fd = -1;
	if (p->doomed != NULL) {
		if (owned_enter(&p->at, &e) == 0)
			(void)unlinkat(p->at.dir, p->name, 0);
		owned_leave(&p->at);
	}
	spare(p);
}

void
publish_free(struct publish *p)
{
	if (p == NULL)
		return;
	publish_abandon(p);
	if (p->lock_fd != -1)
		close(p->lock_fd);
	owned_release(&p->at);
	free(p->name);
	free(p->temp);
	free(p);
}
