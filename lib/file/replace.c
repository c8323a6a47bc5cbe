#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "err.h"
#include "fdio.h"
#include "file.h"
#include "mem.h"
#include "owned.h"
#include "quote.h"

#define COPY_MAX (16u * 1024 * 1024) /* bytes of a configuration file */

/* In the folder o->dir, through the file `temp` there. */
static int
replace(const struct owned *o, const char *temp, const char *text, size_t len,
    const struct stat *st)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd, rv = -1;

	(void)unlinkat(o->dir, temp, 0);
	fd = openat(o->dir, temp, flags, st == NULL ? REPLACE_MODE : 0600);
	if (fd == -1)
		return -1;
	if (fdio_write(fd, text, len) &&
	    (st == NULL || (fchown(fd, st->st_uid, st->st_gid) == 0 &&
			       fchmod(fd, st->st_mode & REPLACE_MODE) == 0 &&
			       fsync(fd) == 0)) &&
	    renameat(o->dir, temp, o->dir, o->name) == 0)
		rv = 0;
	else
		(void)unlinkat(o->dir, temp, 0);
	close(fd);
	return rv;
}

int
replace_as(const char *path, const char *text, size_t len,
    const struct stat *st, struct err *e)
{
	struct owned o;
	char *temp;
	int rv = -1;

	if (owned_find(&o, path, false, e) == -1)
		return -1;
	temp = mem_printf("%s.tmp", o.name);
	if (owned_enter(&o, e) == 0) {
		rv = replace(&o, temp, text, len, st);
		owned_leave(&o);
		if (rv == -1)
			(void)err_sys(e, err_code_output(errno),
			    "cannot write %s", quotes(path).s);
	}
	free(temp);
	owned_release(&o);
	return rv;
}

int
replace_file(const char *path, const char *text, size_t len, struct err *e)
{
	return replace_as(path, text, len, NULL, e);
}

int
replace_by_copy(const char *from, const char *to, struct err *e)
{
	struct stat st;
	size_t len;
	char *text = file_slurp(from, COPY_MAX, &len, &st, e);
	int rv = text == NULL ? -1 : replace_as(to, text, len, &st, e);

	free(text);
	return rv;
}
