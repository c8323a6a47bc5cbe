#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
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
#include "quote.h"

#define POLL_MS 20 /* between two tries for the lock */

struct publish {
	char *path;
	char *dir;
	char *temp;
	int lock_fd;
	int fd;
	struct doomed *doomed; /* NULL: nothing is to be removed */
};

/* What the signal handler removes: temporary files, one of each writer. */
static struct doomed {
	char path[PATH_MAX];
	volatile sig_atomic_t set;
} doomed[2];

#define NDOOMED (sizeof(doomed) / sizeof(doomed[0]))

static void
on_signal(int sig)
{
	size_t i;

	for (i = 0; i < NDOOMED; i++)
		if (doomed[i].set)
			(void)unlink(doomed[i].path);
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

/*
 * The lock file stays. One that root makes first, in the folder of a service,
 * is the service's: else that could never write again.
 */
static int
open_lock(const char *name, const char *dir)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	struct stat st;
	int fd;

	fd = open(name, flags | O_EXCL, 0600);
	if (fd == -1)
		return errno == EEXIST ? open(name, flags, 0600) : -1;
	/* Only what was made here: a link could lead to any file. A file
	 * system without owners is well, too. */
	(void)!fchmod(fd, 0600);
	if (geteuid() == 0 && stat(dir, &st) == 0)
		(void)!fchown(fd, st.st_uid, st.st_gid);
	return fd;
}

static int
take_lock(struct publish *p, int wait_ms, struct err *e)
{
	char *name = mem_printf("%s.lock", p->path);
	struct timespec nap = {.tv_nsec = POLL_MS * 1000000L};
	int rv = -1;

	p->lock_fd = open_lock(name, p->dir);
	if (p->lock_fd == -1) {
		err_sys(e, err_code_output(errno), "cannot open %s",
		    quotes(name).s);
		goto out;
	}
	while ((rv = flock(p->lock_fd, LOCK_EX | LOCK_NB)) == -1 &&
	       (errno == EWOULDBLOCK || errno == EINTR) && wait_ms > 0) {
		(void)nanosleep(&nap, NULL);
		wait_ms -= POLL_MS;
	}
	if (rv == -1 && errno == EWOULDBLOCK)
		err_set(e, EX_TEMPFAIL,
		    "%s is being written by another process; try again",
		    quotes(p->path).s);
	else if (rv == -1)
		err_sys(e, EX_OSERR, "cannot lock %s", quotes(name).s);
out:
	free(name);
	return rv;
}

/*
 * Only a file is replaced: a link to /dev/null would have root put a file in
 * its place, and the target of a link that dangles cannot be followed.
 */
static int
check_place(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, EX_CANTCREAT, "%s is not a regular file",
		    quotes(path).s);
	if (stat(path, &st) == -1 && errno == ENOENT && lstat(path, &st) == 0)
		return err_set(e, EX_CANTCREAT,
		    "%s is a symbolic link to a file that does not exist; "
		    "create that one empty, or remove the link",
		    quotes(path).s);
	return 0;
}

/*
 * The folder of a map may belong to an account with fewer rights: a link
 * that it left there must not lead root to some other file.
 */
static int
check_link(const char *path, struct err *e)
{
	struct stat st;

	if (geteuid() != 0 || lstat(path, &st) == -1 || !S_ISLNK(st.st_mode) ||
	    st.st_uid == 0)
		return 0;
	return err_set(e, EX_NOPERM,
	    "%s is a symbolic link of another user, which root does not "
	    "follow",
	    quotes(path).s);
}

struct publish *
publish_lock(const char *path, int wait_ms, struct err *e)
{
	struct publish *p;
	char *copy;

	if (check_link(path, e) == -1)
		return NULL;
	p = mem_zero(1, sizeof(*p));
	p->fd = p->lock_fd = -1;
	p->path = realpath(path, NULL);
	if (p->path == NULL)
		p->path = mem_dup(path);
	p->temp = mem_printf("%s.tmp", p->path);
	copy = mem_dup(p->path);
	p->dir = mem_dup(dirname(copy));
	free(copy);
	if (strlen(p->temp) >= sizeof(doomed[0].path)) {
		errno = ENAMETOOLONG;
		err_sys(e, EX_CANTCREAT, "cannot write %s", quotes(path).s);
	} else if (check_place(p->path, e) == 0 &&
		   take_lock(p, wait_ms, e) == 0) {
		return p;
	}
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
	(void)strcpy(p->doomed->path, p->temp);
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
	/* Under the lock, a temporary file is a dead writer's. */
	(void)unlink(p->temp);
	spare(p);
	doom(p);
	catch_signals();
	p->fd = open(
	    p->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
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

static int
sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rv;

	if (fd == -1)
		return -1;
	rv = fsync(fd);
	/* Some file systems cannot sync a directory, and say so. */
	if (rv == -1 && (errno == EINVAL || errno == ENOTSUP))
		rv = 0;
	close(fd);
	return rv;
}

/* Rename, and have it on disk. */
static int
put_in_place(struct publish *p, const char *from, const char *to, struct err *e)
{
	if (rename(from, to) == -1)
		return err_sys(e, err_code_output(errno),
		    "cannot rename %s over %s", quotes(from).s, quotes(to).s);
	if (sync_dir(p->dir) == -1)
		return err_sys(e, EX_IOERR,
		    "%s is in place, but cannot sync its directory",
		    quotes(to).s);
	return 0;
}

static int
commit_to(struct publish *p, const char *path, struct err *e)
{
	struct stat old;
	mode_t mode = PUBLISH_MODE;
	int rc;

	if (stat(p->path, &old) == 0) {
		mode = old.st_mode & 07777;
		/* Not root: the file stays ours, as with any rename. */
		if ((old.st_uid != geteuid() || old.st_gid != getegid()) &&
		    fchown(p->fd, old.st_uid, old.st_gid) == -1 &&
		    errno != EPERM)
			return err_sys(e, EX_CANTCREAT,
			    "cannot set the owner of %s", quotes(p->temp).s);
	}
	if (fchmod(p->fd, mode) == -1 || fsync(p->fd) == -1)
		return err_sys(e, err_code_output(errno), "cannot write %s",
		    quotes(p->temp).s);
	rc = close(p->fd);
	p->fd = -1;
	if (rc == -1)
		return err_sys(e, err_code_output(errno), "cannot write %s",
		    quotes(p->temp).s);
	rc = put_in_place(p, p->temp, path, e);
	if (rc == 0 || access(p->temp, F_OK) == -1)
		spare(p);
	return rc;
}

int
publish_commit(struct publish *p, struct err *e)
{
	return commit_to(p, p->path, e);
}

char *
publish_beside(const struct publish *p, const char *suffix)
{
	return mem_printf("%s%s", p->path, suffix);
}

int
publish_commit_beside(struct publish *p, const char *suffix, struct err *e)
{
	char *path = publish_beside(p, suffix);
	int rv = commit_to(p, path, e);

	free(path);
	return rv;
}

int
publish_take_beside(struct publish *p, const char *suffix, struct err *e)
{
	char *path = publish_beside(p, suffix);
	int rv = put_in_place(p, path, p->path, e);

	free(path);
	return rv;
}

void
publish_abandon(struct publish *p)
{
	if (p->fd != -1)
		close(p->fd);
	p->fd = -1;
	if (p->doomed != NULL)
		(void)unlink(p->temp);
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
	free(p->path);
	free(p->dir);
	free(p->temp);
	free(p);
}
