#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "fdio.h"
#include "mem.h"
#include "owned.h"
#include "quote.h"

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The rest of what is open at fd; text gets as many bytes as there are. */
static int
read_all(int fd, const char *path, size_t max, const struct stat *before,
    struct buf *text, struct err *e)
{
	bool large = before->st_size > 0 && (size_t)before->st_size > max;
	struct stat after;

	if (!large)
		(void)buf_room(text, (size_t)before->st_size + 1);
	errno = 0;
	if (large || !fdio_read(fd, max, text)) {
		if (!large && errno != EFBIG)
			return err_sys(e, err_code_input(errno),
			    "cannot read %s", quotes(path).s);
		errno = EFBIG;
		return err_set(e, EX_DATAERR, "%s is larger than %zu bytes",
		    quotes(path).s, max);
	}
	if (fstat(fd, &after) == 0 &&
	    (!S_ISREG(before->st_mode) || same(before, &after)))
		return 0;
	return err_set(e, EX_TEMPFAIL,
	    "%s changed while it was read; try again", quotes(path).s);
}

char *
file_slurp(
    const char *path, size_t max, size_t *len, struct stat *st, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rv = -1;
	struct buf text = {0};
	struct stat before;

	if (fd == -1 || fstat(fd, &before) == -1)
		err_sys(
		    e, err_code_input(errno), "cannot open %s", quotes(path).s);
	else
		rv = read_all(fd, path, max, &before, &text, e);
	if (fd != -1)
		close(fd);
	if (rv == -1) {
		buf_free(&text);
		return NULL;
	}
	if (st != NULL)
		*st = before;
	*len = text.len;
	return buf_take(&text);
}

bool
file_is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
	       !S_ISDIR(st.st_mode);
}

bool
file_is_same(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 ||
	       (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
		   x.st_ino == y.st_ino);
}

/*
 * Is it the device of the file? btrfs and overlayfs have numbers of no device
 * (major 0), and stat(2) tells another one than the lock.
 */
static bool
is_device(const struct stat *st, unsigned first, unsigned second)
{
	return major(st->st_dev) == first &&
	       (first == 0 || minor(st->st_dev) == second);
}

pid_t
file_lock_holder(const char *path)
{
	unsigned first, second;
	unsigned long inode;
	char line[256];
	struct stat st;
	pid_t pid = 0;
	FILE *f;

	if (stat(path, &st) == -1 || (f = fopen("/proc/locks", "re")) == NULL)
		return 0;
	while (pid == 0 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%*d: FLOCK ADVISORY WRITE %d %x:%x:%lu", &pid,
			&first, &second, &inode) != 4 ||
		    inode != st.st_ino || !is_device(&st, first, second))
			pid = 0;
	(void)fclose(f);
	return pid;
}

/* In the folder o->dir, through the file `temp` there. */
static int
replace(const struct owned *o, const char *temp, const char *text, size_t len,
    const struct stat *st)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd, rv = -1;

	(void)unlinkat(o->dir, temp, 0);
	fd = openat(o->dir, temp, flags, st == NULL ? FILE_MODE : 0600);
	if (fd == -1)
		return -1;
	if (fdio_write(fd, text, len) &&
	    (st == NULL || (fchown(fd, st->st_uid, st->st_gid) == 0 &&
			       fchmod(fd, st->st_mode & FILE_MODE) == 0 &&
			       fsync(fd) == 0)) &&
	    renameat(o->dir, temp, o->dir, o->name) == 0)
		rv = 0;
	else
		(void)unlinkat(o->dir, temp, 0);
	close(fd);
	return rv;
}

int
file_replace(const char *path, const char *text, size_t len,
    const struct stat *st, struct err *e)
{
	struct stat there;
	struct owned o;
	char *temp;
	bool special;
	int rv = -1;

	if (owned_find(&o, path, false, e) == -1)
		return -1;
	temp = mem_printf("%s.tmp", o.name);
	if (owned_enter(&o, e) == 0) {
		special = fstatat(o.dir, o.name, &there, 0) == 0 &&
			  !S_ISREG(there.st_mode);
		rv = special ? -1 : replace(&o, temp, text, len, st);
		owned_leave(&o);
		if (special)
			(void)err_set(e, EX_CANTCREAT,
			    "%s is not a regular file", quotes(path).s);
		else if (rv == -1)
			(void)err_sys(e, err_code_output(errno),
			    "cannot write %s", quotes(path).s);
	}
	free(temp);
	owned_release(&o);
	return rv;
}
